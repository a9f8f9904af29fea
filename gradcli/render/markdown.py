"""A GitHub table. Whatever came from the user stands in code spans, so that it is shown and never acts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.render.figures import figure, plain
from gradcli.render.grid import GridRow, closed_forms, grid, local, over, sentences, shown_nodes, told
from gradcli.render.rows import LONGEST, title
from gradcli.render.tensors import cell, facts, inline, is_tensor, shape_text

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.render.figures import Style
    from gradcli.report import Report

WIDTH = 60
"""Columns of a vector in a cell before it goes on in the next line."""

ACTING = str.maketrans({**{c: f"\\{c}" for c in "\\`*_[]{}#!~$@"}, "|": "&#124;"})
"""Characters that Markdown or GitHub might act on, escaped; in a table a pipe must not be there at all."""


def render(report: Report, style: Style) -> str:
    """The expression, the table, the closed forms, and what is to be said."""
    output, above = report.output, over(report)
    expression = title(report)
    expression = expression if len(expression) <= LONGEST else f"{expression[:LONGEST]}…"
    through = ("×", "∂") if not style.ascii else ("*", "d")
    titles = ("node", "forward", "via", "local gradient", "", f"{through[0]} upstream")
    last = f"= {code(f'{through[1]}{above}/{through[1]}node', style)}"
    table = [
        f"{code(expression, style)} = {value(report.value, style)}",
    ]
    if report.order:
        table += ["", _row(*titles, last), _row(":--", "--:", ":--", ":--", "--:", "--:", "--:")]
        table += [_line(row, report, style) for row in grid(report, style)]
    closed = [f"- {code(f'∂{output}/∂{name} = {notation.pretty(form)}', style)}" for name, form in closed_forms(report)]
    closed += [f"- {code(form, style)}" for form in _jacobians(report, style)]
    said = [_item(sentence, style) for sentence in sentences(report, style)]
    return "\n".join([*table, *(["", *closed] if closed else []), *(["", *said] if said else [])])


def _line(row: GridRow, report: Report, style: Style) -> str:
    node, edge = row.node, row.edge
    name = forward = ""
    if node is not None:
        name = code(f"{node.name} = {node.formula}" if node.formula else node.name, style)
        name += f" {shape_text(node.shape)}" if node.shape else ""
        forward = value(node.value, style)
    total = "" if row.total is None else _strong(value(row.total, style))
    if edge is None:
        return _row(name, forward, "", text(row.words, style), "", "", total)
    factor = local(report, edge)
    numbers = (factor if isinstance(factor, str) else value(factor, style), value(edge.upstream, style))
    return _row(
        name,
        forward,
        text(edge.op, style),
        code(told(report, row), style),
        *numbers,
        total or value(edge.downstream, style),
    )


def value(number: Value, style: Style) -> str:
    """A number; of a small tensor its rows, each in a code span; of a large one what is to be known of it."""
    if not is_tensor(number):
        return figure(float(number), style)
    lines = cell(number, style, WIDTH, 1)
    if lines[0].startswith("["):
        return "<br>".join(code(line, style) for line in lines)
    return text(", ".join(f"{word} {figures}" for word, figures in facts(number, style)), style)


def _jacobians(report: Report, style: Style) -> Iterator[str]:
    """Small Jacobians of ops on whole tensors."""
    if report.source.trace.tensorial:
        from gradcli.render.tensor_remarks import small_jacobians

        for edge in small_jacobians(report, shown_nodes(report, style), style):
            yield f"∂{edge.child_name}/∂{edge.parent_name} = {inline(edge.local, style)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _item(sentence: str, style: Style) -> str:
    """An item of a list; of a list within it where the sentence belongs to the one before."""
    return f"{'  ' if sentence.startswith(' ') else ''}- {text(sentence.lstrip(), style)}"


def _strong(total: str) -> str:
    return f"**{total}**" if total else ""


def code(words: str, style: Style) -> str:
    """Text in a code span; as HTML's element where a code span could not hold it."""
    shown = plain(words, style)
    if not shown.strip():
        return ""
    if not any(c in shown for c in "`|\\") and shown == shown.rstrip() and (shown[0] != " " or "[" in shown):
        return f"`{shown}`"
    return f"<code>{text(shown, style)}</code>"


def text(words: str, style: Style) -> str:
    """Text that shows as it is."""
    shown = escape(plain(words, style), quote=False).translate(ACTING)
    return shown.replace("://", "&#58;//").replace("www.", "www&#46;")
