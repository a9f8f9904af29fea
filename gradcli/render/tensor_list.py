"""Where no table of tensors fits the terminal: node by node, a line for each thing that is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradcli.render.figures import Style, plain
from gradcli.render.lines import Line, text_of, wrapped
from gradcli.render.tensor_table import Entry, Plan, block, stacked
from gradcli.render.tensors import Known

if TYPE_CHECKING:
    from gradcli.report import NodeRow, Report

INDENT = 4


def listed(report: Report, nodes: list[NodeRow], style: Style, known: Known) -> list[list[Line]]:
    """How to read the list, then the lines of each node."""
    plan = Plan(cell=max(20, (style.width or 0) - INDENT - 4), lines=2, node=10**6, edge=10**6, stacked=True)
    head = plain("each edge: local gradient × upstream, or rule; = its gradient", style)
    groups = [list(_lines(report, node, plan, style, known)) for node in nodes]
    return [[*wrapped([(head, "head")], style.width), []], *([*group, []] for group in groups[:-1]), groups[-1]]


def _lines(report: Report, node: NodeRow, plan: Plan, style: Style, known: Known) -> Iterator[Line]:
    shown = block(report, node, plan, style, known)
    shape = f"  {shown.shape}" if shown.shape else ""
    yield from wrapped([(shown.name, "bad" if shown.bad else "name"), (shape, "dim")], style.width, INDENT)
    indent = " " * INDENT
    for line in shown.forward:
        yield [(indent + line, "bad" if shown.bad else "value")]
    for entry in shown.entries:
        yield from _edge(entry, style)


def _edge(entry: Entry, style: Style) -> Iterator[Line]:
    """The rule, local × upstream, the gradient."""
    indent: Line = [(" " * INDENT, "")]
    lines, _ = stacked(entry, (style.width or 0) - INDENT, plain("×", style))
    for line in lines:
        if text_of(line).strip():
            yield [*indent, *line]
    for at, text in enumerate(entry.total):
        part = "dim" if entry.dim else "strong" if entry.final else "gradient"
        yield [*indent, ("= " if at == 0 else "  ", "head"), (text, part)]
