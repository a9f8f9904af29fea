"""A GitHub table. Whatever came from the user stands in code spans, so that it is shown and never acts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.render.figures import figure, plain
from gradcli.render.grid import GridRow, closed_forms, grid, quotient, sentences
from gradcli.render.rows import LONGEST, title

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report

ACTING = str.maketrans({**{c: f"\\{c}" for c in "\\`*_[]{}#!~$@"}, "|": "&#124;"})
"""Characters that Markdown or GitHub might act on, escaped; in a table a pipe must not be there at all."""


def render(report: Report, style: Style) -> str:
    """The expression, the table, the closed forms, and what is to be said."""
    output = report.output
    expression = title(report)
    expression = expression if len(expression) <= LONGEST else f"{expression[:LONGEST]}…"
    through = ("×", "∂") if not style.ascii else ("*", "d")
    titles = ("node", "forward", "via", "local gradient", "", f"{through[0]} upstream")
    last = f"= {code(f'{through[1]}{output}/{through[1]}node', style)}"
    table = [
        f"{code(expression, style)} = {figure(report.value, style)}",
    ]
    if report.order:
        table += ["", _row(*titles, last), _row(":--", "--:", ":--", ":--", "--:", "--:", "--:")]
        table += [_line(row, style) for row in grid(report, style)]
    closed = [f"- {code(f'∂{output}/∂{name} = {notation.pretty(form)}', style)}" for name, form in closed_forms(report)]
    said = [_item(sentence, style) for sentence in sentences(report, style)]
    return "\n".join([*table, *(["", *closed] if closed else []), *(["", *said] if said else [])])


def _line(row: GridRow, style: Style) -> str:
    node, edge = row.node, row.edge
    name = forward = ""
    if node is not None:
        name = code(f"{node.name} = {node.formula}" if node.formula else node.name, style)
        forward = figure(node.value, style)
    if edge is None:
        return _row(name, forward, "", text(row.words, style), "", "", _strong(row.total))
    local = code(quotient(edge), style)
    numbers = (figure(edge.local, style), figure(edge.upstream, style))
    return _row(
        name,
        forward,
        text(edge.op, style),
        local,
        *numbers,
        _strong(row.total) or figure(edge.downstream, style),
    )


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
    if not any(c in shown for c in "`|\\") and shown == shown.strip():
        return f"`{shown}`"
    return f"<code>{text(shown, style)}</code>"


def text(words: str, style: Style) -> str:
    """Text that shows as it is."""
    shown = escape(plain(words, style), quote=False).translate(ACTING)
    return shown.replace("://", "&#58;//").replace("www.", "www&#46;")
