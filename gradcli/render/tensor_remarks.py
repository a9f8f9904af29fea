"""What stands under a table of tensors: small Jacobians, what is not stored and why, sums that undo broadcasting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gradcli.places import in_bytes, size
from gradcli.render.figures import Style, plain
from gradcli.render.lines import Line, width, wrapped
from gradcli.render.tensor_rules import axis_text, broadcast_axes, quotient, top
from gradcli.render.tensors import SMALL, alike, block, is_tensor, shape_text

if TYPE_CHECKING:
    from gradcli.report import EdgeRow, NodeRow, Report

JACOBIAN = 16
"""Entries of a Jacobian that is shown."""

AXES = 3
"""Axes of such a Jacobian: those of the child and of the parent."""

JACOBIANS = 6
"""Jacobians that are shown, unless all are wanted."""

LARGE = 1_000_000
"""Bytes from which on it is said what a Jacobian would take."""

BETWEEN = 4
"""Columns between two Jacobians."""

SENTENCES = 6
"""Sentences about broadcasting, unless all are wanted."""


def jacobians(report: Report, nodes: Iterable[NodeRow], style: Style) -> Iterator[Line]:
    """The Jacobians of ops on whole tensors that are small, beside each other as far as they fit."""
    columns = style.width or 100
    row: list[list[str]] = []
    used = 0
    for edge in small_jacobians(report, nodes, style):
        title = plain(f"{quotient(edge)} = ", style)
        lines = block(edge.local, style)
        drawn = [title + lines[0], *(" " * width(title) + line for line in lines[1:])]
        wide = max(map(width, drawn))
        if row and used + BETWEEN + wide > columns:
            yield from _beside(row)
            row, used = [], 0
        if wide <= columns:
            used += wide + (BETWEEN if row else 0)
            row.append(drawn)
    if row:
        yield from _beside(row)


def small_jacobians(report: Report, nodes: Iterable[NodeRow], style: Style) -> list[EdgeRow]:
    """The edges whose Jacobians are shown."""
    edges = [edge for node in nodes for edge in node.edges if _shown(report, edge)]
    return edges if style.full else edges[:JACOBIANS]


def _shown(report: Report, edge: EdgeRow) -> bool:
    """Whether an edge has a Jacobian that says more than its rule: one between two tensors, and small."""
    axes = len(edge.parent_shape) + len(edge.child_shape)
    between = edge.parent_shape and edge.child_shape and axes <= AXES and edge.kind == "jacobian"
    return bool(between) and edge.local.size <= JACOBIAN and not report.graph.ops[edge.child].moves


def _beside(drawn: list[list[str]]) -> Iterator[Line]:
    wides = [max(map(width, lines)) + BETWEEN for lines in drawn]
    for at in range(max(map(len, drawn))):
        texts = (lines[at] if at < len(lines) else "" for lines in drawn)
        yield [
            ("".join(text + " " * (wide - width(text)) for text, wide in zip(texts, wides, strict=True)), "gradient")
        ]


def remarks(report: Report, nodes: Iterable[NodeRow], style: Style) -> Iterator[Line]:
    """The sentences, each wrapped."""
    for sentence in sentences(report, nodes, style):
        yield from wrapped([(plain(sentence, style), "dim")], style.width)


def sentences(report: Report, nodes: Iterable[NodeRow], style: Style) -> Iterator[str]:
    """What is said of the edges of some nodes: diagonals, what a Jacobian would take, and sums."""
    edges = [edge for node in nodes for edge in node.edges if edge.chosen]
    yield from _diagonal([edge for edge in edges if edge.kind == "diagonal"])
    yield from _rules([edge for edge in edges if edge.kind in ("jacobian", "rule")])
    sums = [text for edge in edges if (text := _sum(report, edge))]
    yield from sums if style.full else sums[:SENTENCES]


def _diagonal(edges: list[EdgeRow]) -> Iterator[str]:
    if not edges:
        return
    ops = list(dict.fromkeys(edge.op for edge in edges))
    listed = ops[0] if len(ops) == 1 else f"{', '.join(ops[:-1])} and {ops[-1]}"
    told = f"{listed} {'is' if len(ops) == 1 else 'are'} elementwise: of the Jacobian only the diagonal is stored"
    yield told + _memory(edges)


def _rules(edges: list[EdgeRow]) -> Iterator[str]:
    if memory := _memory(edges):
        yield f"a rule takes the place of its Jacobian{memory}"


def _memory(edges: list[EdgeRow]) -> str:
    """What the largest Jacobian would take, if that is much."""
    edge = max(edges, key=lambda edge: edge.memory, default=None)
    if edge is None or edge.memory < LARGE:
        return ""
    rows, columns = size(edge.child_shape), size(edge.parent_shape)
    return f"; {quotient(edge)} in full would be {_count(rows)} × {_count(columns)} = {in_bytes(edge.memory)}"


def _count(number: int) -> str:
    return f"{number:,}" if number >= 10_000 else str(number)


def _sum(report: Report, edge: EdgeRow) -> str:
    """Where a smaller tensor was broadcast: over which axes its gradient is summed back."""
    axes = broadcast_axes(edge)
    if not axes or edge.kind != "diagonal":
        return ""
    name, above = edge.parent_name, top(report)
    what = f"{name} {shape_text(edge.parent_shape)}".rstrip() if edge.parent_shape else f"the number {name}"
    rows = axes == [0] and len(edge.child_shape) == 2 and len(edge.parent_shape) == 1
    batch = ", the batch" if rows and report.graph.ops[edge.child].gate == "distributor" else ""
    axis = axis_text(axes, len(edge.child_shape))
    return f"{what} is broadcast to {shape_text(edge.child_shape)}: ∂{above}/∂{name} is summed over {axis}{batch}"


# ── everything, where it was asked for ──────────────────────────────────────────────────────────────────────


def everything(report: Report, nodes: Iterable[NodeRow], style: Style) -> Iterator[list[Line]]:
    """Every entry of the tensors that the table summarises, and of their gradients."""
    above = top(report)
    for node in nodes:
        for name, value, part in (
            (node.name, node.value, "value"),
            (f"∂{above}/∂{node.name}", node.gradient, "gradient"),
        ):
            if value is not None and is_tensor(value) and value.size > SMALL:
                yield _entries(plain(name, style), value, part, style)


def _entries(name: str, value: Any, part: str, style: Style) -> list[Line]:
    head: Line = [(name, "name"), (f" {shape_text(value.shape)}", "dim")]
    if alike(value):
        return [[*head, (f" all {block(value.ravel()[:1], style)[0][1:-1]}", part)], []]
    return [head, *([(line, part)] for line in block(value, style, style.width or 100)), []]
