"""The table for a notebook: inert HTML without scripts or links, in the colours of the page around it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.errors import visible
from gradcli.render.figures import figure
from gradcli.render.grid import GridRow, closed_forms, grid, local, over, sentences, shown_nodes, told
from gradcli.render.rows import LONGEST, title
from gradcli.render.tensors import block, cell, is_tensor, shape_text

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.render.figures import Style
    from gradcli.report import Report

TABLE = "border-collapse:collapse;color:inherit;background:transparent;font-variant-numeric:tabular-nums"
LEFT = "text-align:left;padding:2px 10px;border:0"
RIGHT = "text-align:right;padding:2px 10px;border:0"
RULE = "border-bottom:1px solid currentColor"
ALIGNED = "display:inline-block;vertical-align:top;white-space:pre;font-family:monospace;text-align:left"
SIDES = (LEFT, RIGHT, LEFT, LEFT, RIGHT, RIGHT, RIGHT)


def render(report: Report, style: Style) -> str:
    """One `div` with the formula, the table and what is to be said."""
    expression = title(report)
    expression = expression if len(expression) <= LONGEST else f"{expression[:LONGEST]}…"
    heads = ("node", "forward", "via", "local gradient", "", "× upstream", f"= ∂{over(report)}/∂node")
    table = [
        f'<table style="{TABLE}">',
        f'<thead style="{RULE}">{_row("th", [_text(head) for head in heads])}</thead>',
        "<tbody>",
        *(_line(row, report, style) for row in grid(report, style)),
        "</tbody>",
        "</table>",
    ]
    closed = [f"∂{report.output}/∂{name} = {notation.pretty(form)}" for name, form in closed_forms(report)]
    return "\n".join(
        [
            "<div>",
            f"<p>{_code(expression)} = {_value(report.value, style)}</p>",
            *(table if report.order else ()),
            *(f"<p>{_code(form)}</p>" for form in closed),
            *_jacobians(report, style),
            *(_said(sentence) for sentence in sentences(report, style)),
            "</div>",
        ]
    )


def _line(row: GridRow, report: Report, style: Style) -> str:
    node, edge = row.node, row.edge
    name = forward = ""
    total = "" if row.total is None else f"<b>{_value(row.total, style)}</b>"
    if node is not None:
        name = _code(f"{node.name} = {node.formula}" if node.formula else node.name)
        name += f" <small>{shape_text(node.shape)}</small>" if node.shape else ""
        forward = _value(node.value, style)
    if edge is None:
        return _row("td", [name, forward, "", _text(row.words), "", "", total])
    factor = local(report, edge)
    numbers = [_text(factor) if isinstance(factor, str) else _value(factor, style)]
    numbers += [_value(value, style) for value in (edge.upstream, edge.downstream)]
    return _row("td", [name, forward, _text(edge.op), _code(told(report, row)), *numbers[:2], total or numbers[2]])


def _value(value: Value, style: Style) -> str:
    """A number; of a tensor its rows, aligned, or what is to be known of it."""
    if not is_tensor(value):
        return _text(figure(float(value), style))
    return _aligned(cell(value, style, 60, 2))


def _aligned(lines: list[str]) -> str:
    """Lines whose columns stand under each other."""
    inner = "\n".join(map(_text, lines))
    return f'<span style="{ALIGNED}">{inner}</span>'


def _jacobians(report: Report, style: Style) -> Iterator[str]:
    """Small Jacobians of ops on whole tensors."""
    if report.source.trace.tensorial:
        from gradcli.render.tensor_remarks import small_jacobians

        for edge in small_jacobians(report, shown_nodes(report, style), style):
            name = _code(f"∂{edge.child_name}/∂{edge.parent_name}")
            yield f"<p>{name} = {_aligned(block(edge.local, style))}</p>"


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
