"""The right work, and another number of it written as the answer; a number that was turned into another at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gradcli.autodiff import Value
from gradcli.cells import Cell
from gradcli.homework.diagnosis.rows import Confusion, Slip
from gradcli.homework.diagnosis.scene import Scene
from gradcli.ops.op import CONSTANT, INPUT

MOST_OTHERS = 60
"""Nodes whose numbers may have been written in place of another's."""

NODE, EDGE, ALL = ("grad",), ("local", "down"), ("value", "grad", "local", "down")


def node_of(scene: Scene, cell: Cell) -> int:
    """The node that a cell belongs to; of an edge, its parent."""
    if cell.kind in EDGE:
        return scene.graph.parents[cell.nodes[0]][cell.k]
    return cell.nodes[0]


def part(cell: Cell, value: Value | None) -> Value | None:
    """What stands of a whole value where a cell means some entries."""
    if not cell.key or value is None or isinstance(value, float):
        return value
    from gradcli.systems.structure import slices

    try:
        return value[slices(cell.key)][()]
    except IndexError:
        return None


def told(of: str, value: Value, **more: Any) -> Mapping[str, Any]:
    """The fields of a sentence about another number."""
    return {"of": of, "value": value, **more}


# ── another number of the same place ────────────────────────────────────────────────────────────────────────────


def forward_value(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The forward value of the node."""
    i = node_of(scene, cell)
    yield Slip(scene.values[i], partial(told, scene.name(i), scene.values[i]))


def its_gradient(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The gradient of the node."""
    i = node_of(scene, cell)
    if scene.outcome.adjoints[i] is not None:
        yield Slip(scene.g(i), partial(told, scene.name(i), scene.g(i)))


def local_gradient(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The local gradient of an edge that leaves the node; of the only one it is the upstream gradient left out."""
    slots = scene.leaving.get(cell.nodes[0], []) if cell.kind == "grad" else [(cell.nodes[0], cell.k)]
    if cell.kind == "grad" and len(slots) < 2:
        return
    for slot in slots[:MOST_OTHERS]:
        local = scene.local(slot)
        if local is not None:
            yield Slip(local, partial(told, scene.edge(slot), local, gate=scene.gate(slot[0])))


def own_derivative(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """A local gradient of the gate itself."""
    i = cell.nodes[0]
    for k in scene.entering.get(i, ()):
        local = scene.local((i, k))
        if local is not None:
            yield Slip(local, partial(told, scene.edge((i, k)), local))


def upstream_gradient(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The gradient of the gate that the node goes into; of the only one it is the inner derivative forgotten."""
    gates = [slot[0] for slot in scene.leaving.get(cell.nodes[0], [])] if cell.kind == "grad" else [cell.nodes[0]]
    if cell.kind == "grad" and len(gates) < 2:
        return
    for i in dict.fromkeys(gates[:MOST_OTHERS]):
        yield Slip(scene.g(i), partial(told, scene.gradient(i), scene.g(i), gate=scene.gate(i)))


def downstream_gradient(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """What the edge passes down, or of several edges one does."""
    slot = cell.nodes[0], cell.k
    if slot in scene.outcome.downs:
        down = scene.outcome.downs[slot]
        yield Slip(down, partial(told, scene.edge(slot), down, gate=scene.gate(slot[0])))


def other_edge(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The number of another edge of the same gate."""
    found = scene.outcome.locals if cell.kind == "local" else scene.outcome.downs
    i = cell.nodes[0]
    for k in scene.entering.get(i, ()):
        if k != cell.k and (i, k) in found:
            yield Slip(found[i, k], partial(told, scene.edge((i, k)), found[i, k]))


# ── a number of another place ───────────────────────────────────────────────────────────────────────────────────


def siblings(scene: Scene, i: int) -> list[int]:
    """The other inputs of the gates that a node goes into."""
    beside = [p for child, _ in scene.leaving.get(i, ())[:MOST_OTHERS] for p in scene.graph.parents[child]]
    return [p for p in dict.fromkeys(beside) if p != i]


def beyond(scene: Scene, i: int) -> list[int]:
    """The nodes that are worked out from a node, the nearest first, as far as is looked."""
    found, at = [i], 0
    while at < len(found) and len(found) < MOST_OTHERS:
        found += [child for child, _ in scene.leaving.get(found[at], ()) if child not in found]
        at += 1
    return found[1:]


def stopped_short(scene: Scene, cell: Cell) -> Iterator[Slip]:
    """The gradient of a node further on the way: what lies between is not multiplied in."""
    next_ones = {child for child, _ in scene.leaving.get(cell.nodes[0], ())}
    for i in beyond(scene, cell.nodes[0]):
        if i != scene.graph.output and i not in next_ones:
            yield Slip(scene.g(i), partial(told, scene.gradient(i), scene.g(i), gate=scene.gate(i)))


def neighbours(of_value: bool) -> Callable[[Scene, Cell], Iterator[Slip]]:
    """The same number of another node: an input of the same gate, another variable, any other node."""

    def made(scene: Scene, cell: Cell) -> Iterator[Slip]:
        i, graph = cell.nodes[0], scene.graph
        near = siblings(scene, i)
        inputs = list(graph.inputs.values())
        rest = range(max(0, i - MOST_OTHERS), min(len(graph), i + MOST_OTHERS))
        # An input is confused with inputs, a node within with nodes within.
        ahead = () if of_value else beyond(scene, i)
        same = [j for j in rest if (graph.ops[j] is INPUT) == (graph.ops[i] is INPUT)]
        for j in dict.fromkeys((*near, *inputs[:MOST_OTHERS], *rest)):
            if j == i or j in ahead or graph.ops[j] is CONSTANT or (not of_value and scene.outcome.adjoints[j] is None):
                continue
            value = scene.values[j] if of_value else scene.g(j)
            cost = 0.0 if j in near else 0.4 if j in same or (j in inputs and i in inputs) else 0.7
            yield Slip(part(cell, value), partial(told, scene.name(j), value), cost)

    return made


# ── a number turned into another ────────────────────────────────────────────────────────────────────────────────


def turned(how: Callable[[Value], Value]) -> Callable[[Scene, Cell], Iterator[Slip]]:
    """The right number, and one step too many."""

    def made(scene: Scene, cell: Cell) -> Iterator[Slip]:
        right = scene.outcome.read(cell)
        if right is None:
            return
        with scene.m.quiet():
            try:
                value = how(right)
            except (ArithmeticError, ValueError):
                return
        yield Slip(value, lambda: told("", value))

    return made


def fixed(number: float) -> Callable[[Scene, Cell], Iterator[Slip]]:
    """A number that it never is by itself."""

    def made(scene: Scene, cell: Cell) -> Iterator[Slip]:
        right = scene.outcome.read(cell)
        if right is not None:
            value = number if isinstance(right, float) else right * 0 + number
            yield Slip(value, lambda: told("", number))

    return made


# ── one rule for two ────────────────────────────────────────────────────────────────────────────────────────────


def tangents(scene: Scene, i: int) -> dict[int, float]:
    """∂node/∂node i for the nodes that depend on it, of numbers."""
    found = {i: 1.0}
    for child in range(i + 1, scene.graph.output + 1):
        moved = [k for k in scene.entering.get(child, ()) if scene.graph.parents[child][k] in found]
        if moved:
            found[child] = sum((scene.local((child, k)) or 0.0) * found[scene.graph.parents[child][k]] for k in moved)
    return found


MOST_TANGENTS = 200
"""Nodes up to which products of derivatives are looked at."""


def derivatives_combined(of: str, how: Callable[[float, float], float]) -> Callable[[Scene, Cell], Iterator[Slip]]:
    """(uv)' as u'v': the derivatives of both inputs put together as the inputs are."""
    ops = frozenset(of.split())

    def made(scene: Scene, cell: Cell) -> Iterator[Slip]:
        if scene.tensorial or len(scene.graph) > MOST_TANGENTS or len(cell.nodes) > 1:
            return
        x = cell.nodes[0]
        moved = tangents(scene, x)
        right = scene.g(x)
        for i in moved:
            parents = scene.graph.parents[i]
            if scene.op(i).name not in ops or any(p not in moved for p in parents) or parents[0] == parents[1]:
                continue
            try:
                wrong = how(moved[parents[0]], moved[parents[1]])
            except ArithmeticError:
                continue
            value = right + scene.g(i) * (wrong - moved[i])
            yield Slip(value, partial(told, scene.name(x), wrong, gate=scene.gate(i)), says="derivatives_combined")

    return made


ROWS = (
    Confusion("value_for_gradient", 1.2, ("grad", "local", "down"), forward_value, "value_for_gradient"),
    Confusion("gradient_for_value", 1.3, ("value",), its_gradient, "gradient_for_value"),
    Confusion("derivative_for_value", 1.5, ("value",), own_derivative, "derivative_for_value"),
    Confusion("local_for_global", 1.4, NODE, local_gradient, "local_for_global"),
    Confusion("local_for_global", 1.1, ("down",), local_gradient, "local_for_global"),
    Confusion("global_for_local", 1.2, ("local",), its_gradient, "global_for_local"),
    Confusion("global_for_path", 1.3, ("down",), its_gradient, "global_for_path"),
    Confusion("downstream_for_local", 1.2, ("local",), downstream_gradient, "downstream_for_local"),
    Confusion("upstream_for_downstream", 1.35, ("grad", "down", "local"), upstream_gradient, "upstream_for_downstream"),
    Confusion("other_input", 1.2, EDGE, other_edge, "other_input"),
    Confusion("stopped_short", 1.35, NODE, stopped_short, "stopped_short"),
    Confusion("neighbour", 1.4, NODE, neighbours(False), "neighbour"),
    Confusion("neighbour_value", 1.5, ("value",), neighbours(True), "neighbour_value"),
    Confusion("sign_of_answer", 1.45, ALL, turned(lambda v: -v), "sign_of_answer"),
    Confusion("reciprocal", 1.8, ALL, turned(lambda v: 1 / v), "reciprocal"),
    Confusion("decimal_point", 2.3, ALL, turned(lambda v: v * 10), "decimal_point"),
    Confusion("decimal_point", 2.3, ALL, turned(lambda v: v / 10), "decimal_point"),
    Confusion("decimal_point", 2.5, ALL, turned(lambda v: v * 100), "decimal_point"),
    Confusion("decimal_point", 2.5, ALL, turned(lambda v: v / 100), "decimal_point"),
    Confusion("doubled", 2.1, ALL, turned(lambda v: v * 2), "doubled"),
    Confusion("halved", 2.1, ALL, turned(lambda v: v / 2), "halved"),
    Confusion("squared", 2.4, ALL, turned(lambda v: v * v), "squared"),
    Confusion("zero", 2.0, ("grad", "local", "down"), fixed(0.0), "zero"),
    Confusion("one", 2.2, ("grad", "local", "down"), fixed(1.0), "one"),
    Confusion(
        "derivatives_multiplied", 1.3, NODE, derivatives_combined("mul", lambda u, v: u * v), "derivatives_combined"
    ),
    Confusion(
        "derivatives_divided", 1.3, NODE, derivatives_combined("div", lambda u, v: u / v), "derivatives_combined"
    ),
)
