"""What a row of the table of misconceptions says, and the functions that write one.

A row is made at one node at a time: as a gate, whose edges pass gradients down; as a node used several times, whose
paths add up; or where its forward value is worked out. The search knows no row by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from math import prod
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Value
from gradcli.cells import Cell
from gradcli.graph import Graph
from gradcli.homework.diagnosis.scene import Scene, cut
from gradcli.homework.sweeps import At, Change, Slot
from gradcli.ops.op import Op
from gradcli.words import Said

Fields = Callable[[], Mapping[str, Any]]


class Made(NamedTuple):
    """A mistake made at one place.

    site: tape position of the node.   change: what it changes in the sweep.   fields: what its sentence is filled with.
    says: the sentence, where it is not the row's.   variety: made at all places alike, mistakes of one variety are one
    mistake; None for one that is not repeated.
    """

    site: int
    change: Change
    fields: Fields
    says: str = ""
    variety: str | None = ""


class Row(NamedTuple):
    """A misconception.

    name: of it in reports, and of its label in the language files.   cost: how unlikely it is, from 1 on.
    made: (scene, tape position) → the mistakes that can be made there.   of: the ops that it concerns; empty for all.
    says: the sentence in the language files.
    """

    name: str
    cost: float
    made: Callable[[Scene, int], Iterator[Made]]
    of: frozenset[str] = frozenset()
    says: str = "rule"


class Slip(NamedTuple):
    """A number that was written in place of the one asked for.

    value: what was written.   cost: on top of the row's.   says: the sentence, where it is not the row's.
    """

    value: Value
    fields: Fields
    cost: float = 0.0
    says: str = ""


class Confusion(NamedTuple):
    """A misconception about what a cell asks for: the right work, and another number of it as the answer.

    kinds: of the cells that it concerns.   made: (scene, cell) → what may have been written.
    """

    name: str
    cost: float
    kinds: tuple[str, ...]
    made: Callable[[Scene, Cell], Iterator[Slip]]
    says: str = "answer"


class Later(Mapping[str, Any]):
    """What a sentence is filled with, worked out when it is said: most are never."""

    def __init__(self, made: Fields) -> None:
        self.made = made

    @cached_property
    def known(self) -> Mapping[str, Any]:
        """The fields."""
        return self.made()

    def __getitem__(self, name: str) -> Any:
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self.known),)


def label(name: str) -> Said:
    """A misconception in a few words, for lists and reports."""
    one, _, other = name.partition("+")
    return Said("diagnosis.two", {"one": label(one), "other": label(other)}) if other else Said(f"diagnosis.{name}")


# ── what sentences are filled with ──────────────────────────────────────────────────────────────────────────────


def is_numeric(text: str) -> bool:
    """Whether a text is a number alone."""
    return text.replace("-", "", 1).replace(".", "", 1).isdigit()


def at_edge(scene: Scene, slot: Slot, **more: Any) -> Mapping[str, Any]:
    """The fields of a sentence about an edge."""
    i, k = slot
    parent = scene.graph.parents[i][k]
    local, rule = scene.local(slot), scene.rule(slot)
    plain = local is None or is_numeric(rule) or rule == scene.edge(slot)
    return {
        "gate": scene.gate(i),
        "edge": scene.edge(slot),
        "own": scene.name(parent),
        "own_value": scene.values[parent],
        "rule": rule,
        "local": rule if local is None else local,
        "right": (rule if local is None else local) if plain else Said("diagnosis.equals", {"a": rule, "b": local}),
        "upstream": scene.gradient(i),
        "g": scene.g(i),
        **more,
    }


# ── rules written as texts ──────────────────────────────────────────────────────────────────────────────────────


@cache
def parsed(text: str) -> Graph:
    """A formula in an op's parameters, its output y, its upstream gradient g, and N, the rows of its first input."""
    from gradcli.syntax import parse

    return parse(text)


@cache
def needs(text: str, op: Op) -> tuple[tuple[int, Any], ...]:
    """Where the inputs of a formula come from: (-3, rows), (-2, number), (-1, g), (0, y), (k + 1, the k-th input)."""
    settings = {**op.attributes, **op.bound}
    places = {"N": (-3, None), "g": (-1, None), "y": (0, None)}
    places |= {name: (k + 1, None) for k, name in enumerate(op.parameters)}
    return tuple(places.get(name, (-2, settings.get(name))) for name in parsed(text).inputs)


def worked_out(text: str, op: Op, m: Any, y: Value, x: tuple[Value, ...], g: Value = None) -> Value:
    """The value of a formula at a gate."""
    known = (g, y, *x)
    leaves = [
        number if place == -2 else known[place + 1] if place > -2 else float(prod(x[0].shape[:-1]))
        for place, number in needs(text, op)
    ]
    return parsed(text).run(m, leaves)


def given(text: str, scene: Scene, i: int) -> str:
    """A formula in the names of the graph; of numbers with what can be worked out in it, as people write it."""
    op, graph = scene.op(i), parsed(text)
    if not op.structural and not scene.tensorial:
        return cut(notation.pretty(folded(text, scene, i)))
    names = [scene.name(p) for p in scene.graph.parents[i]]
    known = {
        "y": scene.name(i),
        "g": notation.upstream(scene.graph, i),
        "N": "n",
        **dict(zip(op.parameters, names, strict=False)),
    }
    settings = {**op.attributes, **op.bound}
    known |= {name: notation.attribute(value) for name, value in settings.items() if isinstance(value, int | float)}
    line = notation.inlined(graph, graph.output, lambda i: None, notation.compose, lambda name: known.get(name, name))
    return cut(notation.pretty(line))


def folded(text: str, scene: Scene, i: int) -> str:
    """A formula in the names of the graph, its numbers put together."""
    from gradcli.systems.tracing import Tracing

    graph, op = scene.graph, scene.op(i)
    parents = graph.parents[i]
    leaves = [scene.name(p) for p in parents if p not in graph.numbers]
    tracing = Tracing(dict.fromkeys([*leaves, scene.name(i)]))
    x = [
        tracing.literal(graph.numbers[p].value) if p in graph.numbers else tracing.leaf(scene.name(p)) for p in parents
    ]
    result = worked_out(text, op, tracing, tracing.leaf(scene.name(i)), tuple(x))
    return notation.text(tracing.graph(result))


def weight(scene: Scene, slot: Slot) -> float:
    """What an entry counts in a loss that takes the mean."""
    n = Edge(scene.gradients, *slot).averaged if scene.tensorial else None
    return 1 / n if n and scene.op(slot[0]).reduces else 1.0


def wrong_local(text: str, scene: Scene, slot: Slot) -> Callable[..., Value]:
    """The changed rule of an edge's local gradient."""
    op, share = scene.op(slot[0]), weight(scene, slot)
    if share != 1:
        return lambda m, y, *x: worked_out(text, op, m, y, x) * share
    return lambda m, y, *x: worked_out(text, op, m, y, x)


def wrong_product(text: str, scene: Scene, slot: Slot) -> Callable[[At], Value]:
    """The changed rule of what an op on whole tensors passes down."""
    op, shape = scene.op(slot[0]), scene.shape(scene.graph.parents[slot[0]][slot[1]])

    def passed(at: At) -> Value:
        found = worked_out(text, op, at.m, at.y, tuple(at.x), at.g)
        if getattr(found, "shape", ()) != shape:
            raise ValueError(text)
        return found

    return passed


def wrong_rule(name: str, of: str, *texts: str | None, cost: float = 1.5) -> Row:
    """A row of ops whose local gradients are taken to be something else.

    of: the names of the ops.   texts: one an input, None for one that is right; in an op's parameters, y for its output
    and, of ops on whole tensors, g for the upstream gradient.
    """

    def made(scene: Scene, i: int) -> Iterator[Made]:
        op = scene.op(i)
        wrong = {(i, k): texts[k] for k in scene.entering.get(i, ()) if k < len(texts) and texts[k] is not None}
        if not wrong or len(wrong) < sum(text is not None for text in texts):
            return
        if op.structural:
            change = Change(passed={slot: wrong_product(text, scene, slot) for slot, text in wrong.items() if text})
        else:
            change = Change(locals={slot: wrong_local(text, scene, slot) for slot, text in wrong.items() if text})
        yield Made(i, change, lambda: about_rules(scene, change, wrong), said_of(op, wrong))

    return Row(name, cost, made, frozenset(of.split()))


def said_of(op: Op, wrong: Mapping[Slot, str | None]) -> str:
    """Which sentence says that rules were wrong: with their numbers, where that is one number."""
    return "rules" if len(wrong) > 1 else "product" if op.structural else "rule"


def about_rules(scene: Scene, change: Change, wrong: Mapping[Slot, str | None]) -> Mapping[str, Any]:
    """The fields of a sentence about wrong rules."""
    slots = list(wrong)
    i = slots[0][0]
    texts = {slot: given(text, scene, i) for slot, text in wrong.items() if text}
    if len(slots) > 1:
        return {
            "gate": scene.gate(i),
            "given": tuple(f"{scene.edge(slot)} = {texts[slot]}" for slot in slots),
            "rules": tuple(f"{scene.edge(slot)} = {scene.rule(slot)}" for slot in slots),
        }
    slot = slots[0]
    fields = {**at_edge(scene, slot), "given": texts[slot]}
    if slot in change.locals:
        with scene.m.quiet():
            wrong_number = change.locals[slot](scene.m, scene.values[i], *scene.inputs(i))
        fields["taken"] = equation(texts[slot], wrong_number)
    return fields


def equation(text: str, value: Value) -> Any:
    """A formula and its value; a number alone."""
    return value if is_numeric(text) else Said("diagnosis.equals", {"a": text, "b": value})


def wrong_value(name: str, of: str, text: str, *locals_: str, cost: float = 2.0) -> Row:
    """A row of ops whose forward value is taken to be something else.

    locals_: the local gradients that go with it; none where those of the right op are taken, at the wrong number.
    """

    def made(scene: Scene, i: int) -> Iterator[Made]:
        op = scene.op(i)
        if scene.tensorial and op.reduces:
            return

        def value(m: Any, *x: Value) -> Value:
            return worked_out(text, op, m, None, x)

        wrong = {}
        for k in scene.entering.get(i, ()):
            if k < len(locals_):
                wrong[i, k] = wrong_local(locals_[k], scene, (i, k))
        yield Made(i, Change(values={i: value}, locals=wrong), lambda: about_value(scene, i, value, text))

    return Row(name, cost, made, frozenset(of.split()), "forward")


def about_value(scene: Scene, i: int, value: Callable[..., Value], text: str) -> Mapping[str, Any]:
    """The fields of a sentence about a wrong forward value."""
    with scene.m.quiet():
        wrong = value(scene.m, *scene.inputs(i))
    return {"gate": scene.gate(i), "given": given(text, scene, i), "wrong": wrong, "right": scene.values[i]}
