"""The picture of a graph, as data: boxes, and the wires between them with what goes along them in both directions.

It is the lecture's picture: a wire carries its forward value and, beneath it, the gradient that comes back along it.
Nothing is drawn here, and nothing knows how wide a letter is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Value
from gradcli.notation import ATOM
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.report import Report
from gradcli.systems.floats import FLOATS

SHARED = 60
"""Nodes up to which an input is one box; in a larger picture each use has a box of its own, so that it can be laid out.

Graphviz took over a minute for a sum of 300 terms over 3 variables; with a box for each use, a fraction of a second.
"""

LARGE, TANGLED = 300, 1500
"""Nodes, and edges, up to which a graph is drawn node by node; a larger one is summarised, level by level."""

BANDS = 16
"""Groups of levels that a summary has at most."""

FOLDED = 8
"""Characters of a constant that is written into its gate: +1, 1/x, x^2."""

OPS = 4
"""Kinds of gates that a group of levels names."""


class Box(NamedTuple):
    """What wires lead from and to.

    kind: "input", "constant", "gate", or "end" for the name behind the output's wire.   node: its tape position.
    text: what stands in it: a name, a number, an operator's symbol.   name: what the user called a gate, or "".
    total: the node's gradient where several wires leave it, each with a part of it; else None.
    """

    kind: str
    node: int
    text: str
    name: str = ""
    total: Value | None = None


class Wire(NamedTuple):
    """A line from box to box.

    value: the forward value; None where the box at its beginning says it, a constant.
    gradient: what comes back along it; 0 where nothing arrives, None where nothing can.   edge: the edge that it comes
    back along; None of the last wire, and where nothing arrives.
    """

    start: int
    end: int
    value: Value | None
    gradient: Value | None
    edge: Edge | None = None


class Level(NamedTuple):
    """Some levels of a graph too large to be drawn node by node: a node is a level above the highest of its inputs.

    first, last: the levels.   nodes: how many are on them.   ops: how many there are of which, the most frequent first.
    wires: how many leave.   values, gradients: the smallest and the largest finite entry; None where there is none.
    """

    first: int
    last: int
    nodes: int
    ops: tuple[tuple[str, int], ...]
    wires: int
    values: tuple[float, float] | None
    gradients: tuple[float, float] | None


class Picture(NamedTuple):
    """Boxes and wires in tape order.   shared: whether an input that is used several times is one box."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    shared: bool


def drawn(report: Report) -> list[int]:
    """The nodes that the output is computed from, in tape order; no constants."""
    graph = report.graph
    return [i for i, op in enumerate(graph.ops) if graph.used[i] and op is not CONSTANT]


def edges(report: Report) -> int:
    """How many edges lead to these nodes."""
    graph = report.graph
    return sum(len(parents) for parents, used in zip(graph.parents, graph.used, strict=True) if used)


def returned(report: Report, child: int, k: int) -> Value | None:
    """What comes back along an edge, as the table says: 0 where its child is not reached; None where nothing can."""
    source = report.source
    parent = report.graph.parents[child][k]
    if not report.pulled_back or not source.admits(child, k) or report.untold(report.graph.names[parent]):
        return None
    if source.adjoints[child] is not None:
        return Edge(source, child, k).downstream
    return source.trace.m.zeros(source.trace.shapes[parent]) if source.trace.tensorial else 0.0


def gradient(report: Report, i: int) -> Value | None:
    """The gradient of a node, as the table says: 0 where none arrives; None where none can."""
    graph = report.graph
    told = report.pulled_back and graph.varied[i] and not report.untold(graph.names[i])
    return report.source.at(i) if told else None


def uses(report: Report) -> Counter[int]:
    """Node → along how many edges gradients can come back to it."""
    graph, admits = report.graph, report.source.admits
    return Counter(
        p for i in range(len(graph)) if graph.used[i] for k, p in enumerate(graph.parents[i]) if admits(i, k)
    )


def build(report: Report, *, share: bool = True) -> Picture:
    """The boxes and wires of a report: of what its output is computed from.

    share: whether an input is one box, however often it is used.
    """
    graph, source = report.graph, report.source
    boxes: list[Box] = []
    wires: list[Wire] = []
    place: dict[int, int] = {}
    leaving = uses(report)

    def put(i: int) -> int:
        """A box for a node."""
        op, name = graph.ops[i], graph.names[i]
        total = gradient(report, i) if leaving[i] > 1 else None
        if op is CONSTANT:
            boxes.append(Box("constant", i, name))
        elif op is INPUT:
            boxes.append(Box("input", i, name, "", total))
        else:
            given = graph.labels.get(i, "") if i != graph.output else ""
            boxes.append(Box("gate", i, symbol(report, i), given, total))
        return len(boxes) - 1

    def box(i: int) -> int:
        """The box that a wire from a node leaves: a new one of a constant, and of an input that is not shared."""
        if graph.ops[i] is CONSTANT or (graph.ops[i] is INPUT and not share):
            return put(i)
        if i not in place:
            place[i] = put(i)
        return place[i]

    values = source.trace.values
    for i in [i for i in drawn(report) if graph.parents[i]]:
        hidden = folded(report, i)
        starts = [(k, box(p)) for k, p in enumerate(graph.parents[i]) if k != hidden]
        place[i] = put(i)
        for k, start in starts:
            p = graph.parents[i][k]
            edge = Edge(source, i, k) if report.pulled_back and source.active(i, k) else None
            value = None if graph.ops[p] is CONSTANT else values[p]
            wires.append(Wire(start, place[i], value, returned(report, i, k), edge))
    last = box(graph.output)
    boxes.append(Box("end", graph.output, report.output))
    wires.append(Wire(last, len(boxes) - 1, values[graph.output], gradient(report, graph.output)))
    return Picture(tuple(boxes), tuple(wires), share)


def folded(report: Report, i: int) -> int | None:
    """Which input of a gate is a number that is written into it, as the lecture draws +1 and 1/x; None for none."""
    graph = report.graph
    op, parents = graph.ops[i], graph.parents[i]
    if op.notation is None or op.notation.fix != "infix" or len(parents) != 2:
        return None
    plain = [
        graph.ops[p] is CONSTANT and not isinstance(graph.numbers[p].value, tuple) and len(graph.names[p]) <= FOLDED
        for p in parents
    ]
    return plain.index(True) if sum(plain) == 1 else None


def symbol(report: Report, i: int) -> str:
    """What stands in a gate: + * exp, and with a number of its own +1, 1/x, x^2."""
    graph = report.graph
    op, parents = graph.ops[i], graph.parents[i]
    hidden = folded(report, i)
    if hidden is None:
        return sign(op)
    number = graph.names[parents[hidden]]
    if commutes(op) and op.notation is not None:
        return op.notation.symbol + number
    parts = [("x", ATOM), ("x", ATOM)]
    parts[hidden] = (number, ATOM)
    return notation.compose(op, parts)[0]


def sign(op: Op) -> str:
    """An op as it stands in a gate: its operator's symbol, or its name."""
    if op.notation is not None and op.notation.fix == "infix":
        return op.notation.symbol
    if op.notation is not None and op.notation.fix != "list" and len(op.parameters) == 1:
        return notation.compose(op, [("x", ATOM)])[0]
    settings = ", ".join(f"{name}={notation.attribute(value)}" for name, value in notation.settings(op))
    return f"{op.called or op.name}({settings})" if settings else op.called or op.name


@cache
def commutes(op: Op) -> bool:
    """Whether an operator's inputs can change places, so that +1 stands for 1+x too."""
    if op.structural or op.notation is None or len(op.parameters) != 2:
        return False
    rule = op.computed(stable=True)
    return all(bool(rule(FLOATS, a, b) == rule(FLOATS, b, a)) for a, b in ((2.0, 3.0), (-1.5, 0.25)))


# ── too large to be looked at ───────────────────────────────────────────────────────────────────────────────


def levels(report: Report, bands: int = BANDS) -> list[Level]:
    """The graph summarised: neighbouring levels together, so that there are few groups."""
    graph, source = report.graph, report.source
    nodes = drawn(report)
    level = [0] * len(graph)
    for i in nodes:
        parents = graph.parents[i]
        if parents:
            level[i] = 1 + max([level[p] for p in parents])
    depth = max((level[i] for i in nodes), default=0)
    each = -(-depth // max(1, bands - 1))
    groups: dict[int, list[int]] = {}
    for i in nodes:
        groups.setdefault(-(-level[i] // each) if each else 0, []).append(i)
    leaving = Counter(
        -(-level[p] // each) if each else 0 for i in nodes for p in graph.parents[i] if graph.ops[p] is not CONSTANT
    )
    values, adjoints = source.trace.values, source.adjoints
    told = graph.varied if report.pulled_back else bytes(len(graph))
    found = []
    for group, members in sorted(groups.items()):
        kinds = Counter(graph.ops[i] for i in members)
        ops = [(words(op), count) for op, count in kinds.most_common()]
        found.append(
            Level(
                first=min([level[i] for i in members]),
                last=max([level[i] for i in members]),
                nodes=len(members),
                ops=tuple(merged(ops)),
                wires=leaving[group],
                values=span([values[i] for i in members]),
                gradients=span([0.0 if adjoints[i] is None else adjoints[i] for i in members if told[i]]),
            )
        )
    return found


def words(op: Op) -> str:
    """An op in a summary, by its name."""
    return op.called or op.name


def merged(ops: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The most frequent ops, and how many others there are."""
    counts: Counter[str] = Counter()
    for name, count in ops:
        counts[name] += count
    ranked = counts.most_common()
    if len(ranked) <= OPS:
        return ranked
    return [*ranked[: OPS - 1], ("other", sum(count for _, count in ranked[OPS - 1 :]))]


def span(values: Sequence[Any]) -> tuple[float, float] | None:
    """The smallest and the largest finite entry."""
    low, high = float("inf"), float("-inf")
    for value in values:
        entries = (value,) if isinstance(value, float) or getattr(value, "ndim", 0) == 0 else ends(value)
        for entry in entries:
            if isfinite(entry):
                low, high = min(low, entry), max(high, entry)
    return (float(low), float(high)) if low <= high else None


def ends(value: Any) -> tuple[float, ...]:
    """The smallest and the largest finite entry of an array; nothing where no entry is finite."""
    import numpy as np

    finite = value[np.isfinite(value)]
    return (float(finite.min()), float(finite.max())) if finite.size else ()
