"""The table for a notebook: inert HTML without scripts or links, in the colours of the page around it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.errors import visible
from gradcli.render.figures import figure
from gradcli.render.grid import GridRow, closed_forms, grid, quotient, sentences
from gradcli.render.rows import LONGEST, title

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report

TABLE = "border-collapse:collapse;color:inherit;background:transparent;font-variant-numeric:tabular-nums"
LEFT = "text-align:left;padding:2px 10px;border:0"
RIGHT = "text-align:right;padding:2px 10px;border:0"
RULE = "border-bottom:1px solid currentColor"
SIDES = (LEFT, RIGHT, LEFT, LEFT, RIGHT, RIGHT, RIGHT)


def render(report: Report, style: Style) -> str:
    """One `div` with the formula, the table and what is to be said."""
    expression = title(report)
    expression = expression if len(expression) <= LONGEST else f"{expression[:LONGEST]}…"
    heads = ("node", "forward", "via", "local gradient", "", "× upstream", f"= ∂{report.output}/∂node")
    table = [
        f'<table style="{TABLE}">',
        f'<thead style="{RULE}">{_row("th", [_text(head) for head in heads])}</thead>',
        "<tbody>",
        *(_line(row, style) for row in grid(report, style)),
        "</tbody>",
        "</table>",
    ]
    closed = [f"∂{report.output}/∂{name} = {notation.pretty(form)}" for name, form in closed_forms(report)]
    return "\n".join(
        [
            "<div>",
            f"<p>{_code(expression)} = {figure(report.value, style)}</p>",
            *(table if report.order else ()),
            *(f"<p>{_code(form)}</p>" for form in closed),
            *(_said(sentence) for sentence in sentences(report, style)),
            "</div>",
        ]
    )


def _line(row: GridRow, style: Style) -> str:
    node, edge = row.node, row.edge
    name = forward = ""
    total = f"<b>{_text(row.total)}</b>" if row.total else ""
    if node is not None:
        name = _code(f"{node.name} = {node.formula}" if node.formula else node.name)
        forward = _text(figure(node.value, style))
    if edge is None:
        return _row("td", [name, forward, "", _text(row.words), "", "", total])
    local = _code(quotient(edge))
    numbers = [_text(figure(value, style)) for value in (edge.local, edge.upstream, edge.downstream)]
    return _row("td", [name, forward, _text(edge.op), local, *numbers[:2], total or numbers[2]])


def _said(sentence: str) -> str:
    """A paragraph; indented where the sentence belongs to the one before."""
    inner = ' style="margin-left:2em"' if sentence.startswith(" ") else ""
    return f"<p{inner}>{_text(sentence.lstrip())}</p>"


def _row(tag: str, cells: list[str]) -> str:
    filled = "".join(f'<{tag} style="{side}">{cell}</{tag}>' for side, cell in zip(SIDES, cells, strict=True))
    return f"<tr>{filled}</tr>"


def _code(words: str) -> str:
    return f"<code>{_text(words)}</code>"


def _text(words: str) -> str:
    return escape(visible(words))
