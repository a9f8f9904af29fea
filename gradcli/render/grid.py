"""The table's rows for the formats that people read outside a terminal: markdown, LaTeX, HTML.

One row an edge, where the gradient arrives: local × upstream; under a node with several edges, their sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.render.figures import Style, figure
from gradcli.render.lines import Line, text_of
from gradcli.render.remarks import path_lines, ranking_lines, verdict_lines
from gradcli.render.table import END, LINES, ROWS
from gradcli.render.tensor_rules import local_rule, ruled, shapes_of, started, summed_over, top, uniform
from gradcli.render.tensors import is_tensor

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.report import EdgeRow, NodeRow, Report

WIDE = Style()

TERMS = 6
"""Terms that a sum is written out with."""

CLOSED = 1000
"""Characters up to which a closed form is shown."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row.

    node: on a node's first row.   edge: on a row of one edge.   words: what a row without an edge says.
    total: the node's gradient, on its last row.   alone: whether the edge is the node's only one.
    """

    node: NodeRow | None = None
    edge: EdgeRow | None = None
    words: str = ""
    total: Value | None = None
    alone: bool = True


def grid(report: Report, style: Style) -> Iterator[GridRow]:
    """The rows of the table, in its order; of very many, the first and the last."""
    order = report.order
    if len(order) <= ROWS or style.full:
        yield from _rows(report, style, order)
        return
    yield from _rows(report, style, order[:END])
    yield GridRow(words=f"… {len(order) - 2 * END:,} more rows (--full shows all)")
    yield from _rows(report, style, order[-END:])


def _rows(report: Report, style: Style, indices: list[int]) -> Iterator[GridRow]:
    tensorial = report.source.trace.tensorial
    for node in report.node_rows(indices):
        if node.index == report.graph.output and report.pulled_back:
            start = started(report, node) if tensorial else f"start: ∂{node.name}/∂{node.name}"
            yield GridRow(node, words=start, total=report.source.at(node.index))
            continue
        if not node.edges:
            yield GridRow(node, words=node.why, total=node.gradient)
            continue
        count = len(node.edges)
        shown = node.edges if count <= LINES or style.full else node.edges[: LINES - 2]
        for place, edge in enumerate(shown):
            yield GridRow(None if place else node, edge, "", node.gradient if count == 1 else None, count == 1)
        if count > len(shown):
            yield GridRow(words=f"… {count - len(shown):,} more edges")
        if count > 1:
            used = "twice" if count == 2 else f"{count:,} times"
            terms = "" if any(is_tensor(edge.downstream) for edge in node.edges) else f": {_sum(node.edges, style)}"
            yield GridRow(words=f"copy, used {used}{terms}", total=node.gradient)


def _sum(edges: tuple[EdgeRow, ...], style: Style) -> str:
    """`6 + 15`, `1 - 2`, `1 + 1 + 1 + 1 + 1 + …`."""
    shown = edges if len(edges) <= TERMS else edges[: TERMS - 1]
    text = ""
    for edge in shown:
        term = figure(edge.downstream, style)
        if text:
            text += f" - {term[1:]}" if term.startswith("-") else f" + {term}"
        else:
            text = term
    return text if len(shown) == len(edges) else f"{text} + …"


def quotient(edge: EdgeRow) -> str:
    """`∂n6/∂n5 = n6`; of an edge whose child selects another input, that."""
    rule = f" = {notation.pretty(edge.rule)}" if edge.rule else ""
    return f"∂{edge.child_name}/∂{edge.parent_name}{rule if edge.chosen else ': not chosen'}"


def told(report: Report, row: GridRow) -> str:
    """The rule of a row's edge, as text: of a number's edge the quotient; of whole tensors what is passed down."""
    edge = row.edge
    assert edge is not None  # noqa: S101 - only rows of an edge are asked
    if edge.kind in ("jacobian", "rule"):
        return ruled(report, edge, WIDE, alone=row.alone)
    return quotient(edge._replace(rule=local_rule(edge, report.graph))) + summed_over(edge)


def local(report: Report, edge: EdgeRow) -> Value | str:
    """The local gradient, a number or an array; of whole tensors the shapes along the rule."""
    if edge.kind in ("jacobian", "rule"):
        return shapes_of(report, edge, WIDE)
    return uniform(edge.local)


def over(report: Report) -> str:
    """What the gradients are derivatives of."""
    return top(report) if report.source.trace.tensorial else report.output


def shown_nodes(report: Report, style: Style) -> list[NodeRow]:
    """The nodes of the table, with all their edges; none where all values are numbers."""
    order = report.order
    shown = order if len(order) <= ROWS or style.full else [*order[:END], *order[-END:]]
    return report.node_rows(shown, LINES) if report.source.trace.tensorial else []


def sentences(report: Report, style: Style) -> Iterator[str]:
    """What stands under the table: gate roles, influence, notes, warnings, what went wrong, verdicts.

    What belongs to the sentence before it begins with a blank: a path, a failure.
    """
    if report.source.trace.tensorial:
        from gradcli.render.tensor_remarks import sentences as of_tensors

        yield from of_tensors(report, shown_nodes(report, style), style)
    if report.roles:
        yield "; ".join(report.roles)
    if report.nudge is not None:
        yield report.nudge.sentence(report.output)
    yield from (f"note: {note}" for note in report.notes)
    yield from (f"warning: {warning}" for warning in report.warnings)
    trouble = report.trouble
    if trouble is not None:
        yield f"✗ {trouble.cause}"
        yield from (f" {words}" for words in (trouble.effect, trouble.advice) if words)
    wide = style._replace(width=None, ascii=False)
    for name in style.paths:
        yield from _texts(path_lines(report, name, wide))
    if style.rank_nodes:
        yield from _texts(ranking_lines(report, wide))
    verification = report.verification
    if verification is not None and verification.sympy is not None:
        verification = verification._replace(sympy=verification.sympy._replace(derivatives={}))
    if verification is not None:
        yield from _texts(verdict_lines(report.with_verification(verification), wide))


def _texts(drawn: Iterable[Line]) -> Iterator[str]:
    """Lines of a terminal as sentences, without the bars at their ends."""
    for line in drawn:
        words = text_of(line).rstrip("█▉▊▋▌▍▎▏ ")
        yield f" {words.lstrip()}" if words.startswith(" ") else words


def closed_forms(report: Report) -> list[tuple[str, str]]:
    """(variable, the closed form of its derivative in gradcli's language), as sympy found them."""
    verdict = report.verification.sympy if report.verification else None
    return [(name, form) for name, form in verdict.derivatives.items() if len(form) <= CLOSED] if verdict else []
