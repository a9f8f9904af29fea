"""At a kink calculus leaves a choice: any number between the one-sided derivatives is right.

A gradient's are those along its number (sides.py), between which the convention of gradcli is right too. A local
gradient's are the node's own rules just beside the kink, one of its inputs moved at a time. Over tensors what these
make of a cell is read off sweeps in which they take the place of the convention; what lies between is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from math import isfinite
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.numbers.sides import STEEP, alike, locals_at, one_sided, steps
from gradcli.homework.sweeps import NOTHING, Change, Outcome, sweep
from gradcli.notes import at_kink
from gradcli.ops.op import Op
from gradcli.places import size, some

MOST, WORK = 64, 100_000
"""Sweeps that may be made: every combination of sides for six nodes at a kink; of more, some. And for a large graph,
the numbers that all of them may compute."""

ENTRIES = 16
"""Entries of a tensor that are moved one by one; all together they always are."""


class Range(NamedTuple):
    """Between which numbers a cell lies, and the nodes at a kink that leave the choice.

    total: what the entries of an array add up to by every choice; None where that depends on it.
    """

    low: Value
    high: Value
    nodes: tuple[int, ...]
    total: float | None = None


class Choices(NamedTuple):
    """What can be chosen at one node: one change of the sweep for each side."""

    node: int
    sides: tuple[Change, ...]


Swept = list[tuple[int | None, Outcome]]
"""What comes out beside the kinks, and of which node alone, if it is one node's."""

_KINKED: WeakKeyDictionary[Gradients, frozenset[int]] = WeakKeyDictionary()
_SWEPT: WeakKeyDictionary[Gradients, Swept] = WeakKeyDictionary()


def between(cell: Cell, gradients: Gradients) -> Range | None:
    """Between which numbers a cell lies; None where no kink leaves a choice about it."""
    if cell.kind == "value" or not any(map(bends, gradients.graph.kinds)):
        return None
    if cell.kind != "local" and not gradients.trace.tensorial:
        kinked = _KINKED.get(gradients)
        if kinked is None:
            kinked = _KINKED[gradients] = frozenset(i for i in range(len(gradients.graph)) if at_one(gradients, i))
        sides = list(one_sided(cell, gradients, kinked)) if kinked else []
        nodes = tuple(dict.fromkeys(i for _, met in sides for i in met))
        return hull(cell.value, [slope for slope, _ in sides], nodes) if nodes else None
    known = _SWEPT.get(gradients)
    if known is None:
        choices = [choice for i in range(len(gradients.graph)) if (choice := choices_at(gradients, i)) is not None]
        work = sum(map(size, gradients.trace.shapes)) if gradients.trace.tensorial else len(gradients.graph)
        most = min(MOST * 2, max(2, WORK // (work + 1)))
        tried = ((node, sweep(gradients, change)) for node, change in islice(combined(choices), most))
        known = _SWEPT[gradients] = [(node, outcome) for node, outcome in tried if outcome is not None]
    found = [(node, value) for node, outcome in known if (value := outcome.read(cell)) is not None]
    if not found:
        return None
    alone = [(node, value) for node, value in found if node is not None]
    moving = [node for node, value in alone if hull(cell.value, [value], ()) is not None]
    return hull(cell.value, [value for _, value in found], tuple(dict.fromkeys(moving or [node for node, _ in alone])))


def hull(right: Value, found: list[Value], nodes: tuple[int, ...]) -> Range | None:
    """The smallest interval around the right number that holds all that was found."""
    if isinstance(right, float):
        numbers = [right, *(value for value in found if isfinite(value))]
        low, high = min(numbers), max(numbers)
        return Range(low, high, nodes) if high - low > STEEP * max(abs(low), abs(high)) else None
    import numpy as np

    stacked = np.stack([right, *(np.where(np.isfinite(value), value, right) for value in found)])
    low, high = stacked.min(0), stacked.max(0)
    apart = high - low > STEEP * np.maximum(np.abs(low), np.abs(high))
    if not apart.any():
        return None
    totals = stacked.reshape(len(stacked), -1).sum(1)
    several = len(np.unique(stacked.reshape(len(stacked), -1), axis=0)) > 2
    same = several and float(np.ptp(totals)) <= STEEP * float(np.abs(stacked).max())
    total = float(totals[0]) if same else None
    return Range(np.where(apart, low, right), np.where(apart, high, right), nodes, total)


def bends(op: Op) -> bool:
    """Whether an op has kinks; a gate of the user's, whether an op inside has."""
    waiting = [op]
    while waiting:
        op = waiting.pop()
        if op.kinks is not None:
            return True
        if op.body is not None:
            waiting.extend(op.body.kinds)
    return False


def at_one(gradients: Gradients, i: int) -> bool:
    """Whether a node of numbers is at a kink, or may have one inside."""
    op = gradients.graph.ops[i]
    return bends(op) and (op.kinks is None or bool(at_kink(gradients, i)))


def combined(choices: list[Choices]) -> Iterator[tuple[int | None, Change]]:
    """All nodes on one side together, each node alone, then the sides in every combination."""
    if len(choices) > 1:
        for s in range(max(len(choice.sides) for choice in choices)):
            yield None, joined([choice.sides[s % len(choice.sides)] for choice in choices])
    yield from ((choice.node, side) for choice in choices for side in choice.sides)
    if len(choices) > 1:
        yield from ((None, joined(sides)) for sides in product(*[choice.sides for choice in choices]))


def joined(sides: Sequence[Change]) -> Change:
    """Changes made together."""
    change = NOTHING
    for side in sides:
        change = change | side
    return change


def choices_at(gradients: Gradients, i: int) -> Choices | None:
    """The sides of a node that is at a kink, and that a gradient may reach; None for any other."""
    graph, trace = gradients.graph, gradients.trace
    op = graph.ops[i]
    if not bends(op) or not graph.varied[i] or not graph.used[i]:
        return None
    if trace.tensorial and gradients.adjoints[i] is None:
        return None  # of numbers another kink may be what lets no gradient arrive: relu(relu(x)) at 0
    if op.kinks is not None and not some(at_kink(gradients, i)):
        return None
    slots = [k for k, p in enumerate(graph.parents[i]) if graph.varied[p] and op.passes(k)]
    sides = (tensor_sides if trace.tensorial else number_sides)(gradients, i, slots)
    return Choices(i, tuple(sides)) if sides else None


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def number_sides(gradients: Gradients, i: int, slots: list[int]) -> list[Change]:
    """The local gradients of a node just beside its kink, for each input moved up and down."""
    trace = gradients.trace
    x = [trace.values[p] for p in trace.graph.parents[i]]
    right = locals_at(gradients, i, slots, x)
    found: dict[tuple[float, ...], None] = {}
    for k in slots:
        for sign in (1, -1):
            near, nearer = (locals_at(gradients, i, slots, [*x[:k], x[k] + sign * h, *x[k + 1 :]]) for h in steps(x[k]))
            if all(map(alike, near, nearer)):
                found.setdefault(nearer)
    if all(alike(a, b) for side in found for a, b in zip(side, right, strict=True)):
        return []
    return [Change(locals=dict(zip([(i, k) for k in slots], map(held, side), strict=True))) for side in found]


def held(value: Value) -> Callable[..., Value]:
    """A rule that gives one number, whatever it is given."""
    return lambda m, y, *x: value


# ── tensors ─────────────────────────────────────────────────────────────────────────────────────────────────────


def tensor_sides(gradients: Gradients, i: int, slots: list[int]) -> list[Change]:
    """The rules of a node just beside its kinks: all entries of an input moved up or down, and some one by one."""
    import numpy as np

    trace = gradients.trace
    x = [trace.values[p] for p in trace.graph.parents[i]]
    sides: list[Change] = []
    for k in slots:
        shape = np.shape(x[k])
        h = np.where(x[k] == 0, 2.0**-100, np.abs(x[k]) * 2.0**-46)
        for signs in patterns(gradients, i, shape):
            moved = [*x[:k], (x[k] + signs * h)[()], *x[k + 1 :]]
            change = beside(gradients, i, slots, moved)
            if change is not None:
                sides.append(change)
    return sides


def patterns(gradients: Gradients, i: int, shape: tuple[int, ...]) -> Iterator[Any]:
    """In which directions the entries of an input are moved."""
    import numpy as np

    yield np.ones(shape)
    yield -np.ones(shape)
    truth = np.asarray(at_kink(gradients, i))
    where = np.argwhere(truth) if truth.shape == shape else np.argwhere(np.ones(shape))
    if int(np.prod(shape)) < 2 or len(where) > ENTRIES:
        return
    for index in map(tuple, where):
        for sign in (1.0, -1.0):
            one = np.zeros(shape)
            one[index] = sign
            yield one
    if len(where) <= 4:
        for chosen in product((1.0, -1.0), repeat=len(where)):
            one = np.zeros(shape)
            for index, sign in zip(map(tuple, where), chosen, strict=True):
                one[index] = sign
            yield one


def beside(gradients: Gradients, i: int, slots: list[int], x: list[Any]) -> Change | None:
    """The sweep's change by which a node works as at these inputs; None where its rules give no finite number."""
    import numpy as np

    m: Any = gradients.trace.m
    op = gradients.graph.ops[i]
    with m.quiet():
        y = m.functions[op](*x)
        if op.structural or op.body is not None or op.reduces:
            return Change(passed={(i, k): passing(op, k, y, x) for k in slots})
        rules: Mapping[int, Any] = {k: m.local(op, k, y, x) for k in slots}
    if not all(np.isfinite(rule).all() and np.abs(rule).max(initial=0) < 1 / STEEP for rule in rules.values()):
        return None
    return Change(locals={(i, k): held(rule) for k, rule in rules.items()})


def passing(op: Op, k: int, y: Any, x: list[Any]) -> Callable[..., Any]:
    """What an edge passes down when its op works as at these inputs."""

    def rule(at: Any) -> Any:
        passed = at.m.pull(op, k, at.g, None, y, x)
        return None if passed is None else passed[0]

    return rule
