"""A check for a terminal: a line an answer, in the order they are worked out, and under the table what it comes to.

The diagnosis takes the columns that are left, and goes on in lines below; where few are left, it stands under its
line. No number and no word is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradcli.render.figures import Style
from gradcli.render.judged import GOOD, PARTS, Row, View, half, marked, shown
from gradcli.render.lines import Line, Piece, folded, painted, width, wrapped
from gradcli.render.rows import statements

GAP = 2
"""Columns between two columns."""

READABLE = 72
"""Columns of the diagnosis where no terminal sets them."""

NARROW = 30
"""Columns below which the diagnosis stands under its line."""

GIVEN, LINES = 28, 3
"""Columns and lines that an answer takes before it is folded, and at most."""

ROWS, WIDEST = 6, 60
"""Rows of a matrix that are shown as they are typed, and columns that they may take."""

ROW_END = re.compile(r"(?<=\],)")
"""Between the rows of a matrix."""

FOLDED = 6
"""Lines that an expression may take."""

INDENT = 4


def render(view: View, style: Style) -> str:
    """The whole table."""
    return painted(_lines(view, style), style.colour)


def _lines(view: View, style: Style) -> Iterator[Line]:
    source = "; ".join(statements(view.checked.gradients.graph.source))
    for line in folded(shown(source, style), style.width, FOLDED, INDENT):
        yield [(line, "title")]
    yield from wrapped([(shown(view.at, style), "dim")], style.width)
    yield []
    rows = view.rows
    if rows:
        yield from table(rows, view, style)
        yield []
    part = "good" if all(row.result.state in GOOD for row in rows) else ""
    yield from wrapped([(shown(view.summary(), style), part)], style.width)
    if view.verification is not None:
        yield from verdicts(view, style)


def table(rows: Sequence[Row], view: View, style: Style) -> Iterator[Line]:
    """The head, and the rows of all answers."""
    say = view.words.say
    names = ["cell", "given", *(() if view.hide else ("right",)), "verdict"]
    heads = [shown(say(f"check.column_{name}"), style) for name in names]
    texts = [cells(row, view, style) for row in rows]
    sizes = [max(width(head), *(width(line) for text in texts for line in text[at])) for at, head in enumerate(heads)]
    left = sum(sizes) + GAP * len(sizes)
    room = READABLE if style.width is None else style.width - left
    under = room < NARROW and any(row.sentences for row in rows)
    told = any(row.sentences for row in rows) and not under
    head = say("check.column_hint" if view.hint else "check.column_diagnosis") if told else ""
    yield [(_line(heads, sizes) + shown(head, style), "head")]
    sentences = [list(said(row, style, room)) if told else [] for row in rows]
    widest = max([width(head), *(sum(width(text) for text, _ in line) for part in sentences for line in part)])
    across = left + widest if told else left - GAP
    yield [(shown("─", style)[:1] * (across if style.width is None else min(across, style.width)), "head")]
    for row, text, lines in zip(rows, texts, sentences, strict=True):
        yield from drawn(row, text, lines, sizes)
        if under:
            for line in said(row, style, (style.width or READABLE) - INDENT):
                yield [(" " * INDENT, ""), *line]


def verdicts(view: View, style: Style) -> Iterator[Line]:
    """What is known of the right numbers themselves; no closed form, which would be an answer."""
    from gradcli.render.remarks import verdict_lines
    from gradcli.report import Report

    verification = view.verification
    if verification is not None and verification.sympy is not None:
        verification = verification._replace(sympy=verification.sympy._replace(derivatives={}))
    yield from verdict_lines(Report(view.checked.gradients, None, verification), style)


def drawn(row: Row, text: Sequence[Sequence[str]], sentences: Sequence[Line], sizes: Sequence[int]) -> Iterator[Line]:
    """The lines of one answer."""
    for at in range(max(len(sentences), *map(len, text))):
        line: Line = []
        for column, (lines, size) in enumerate(zip(text, sizes, strict=True)):
            entry = lines[at] if at < len(lines) else ""
            last = column == len(sizes) - 1
            part = PARTS[row.result.state] if last else ("name", "", "gradient")[column]
            line.append((entry + " " * (size - width(entry) + GAP), part))
        yield line + (sentences[at] if at < len(sentences) else [])


def cells(row: Row, view: View, style: Style) -> list[list[str]]:
    """The columns before the diagnosis, each with its lines."""
    columns = [
        [shown(row.cell, style)],
        given(row, style),
        *([] if view.hide else [accepted(row, style)]),
        [marked(row, style)],
    ]
    return [[line.rstrip() for line in lines] for lines in columns]


def given(row: Row, style: Style) -> list[str]:
    """What was written, on as many lines as it needs; a matrix row by row, a long text with an end that is left out."""
    text = shown(row.given, style)
    if text.startswith("[["):
        rows = [f"{'' if at == 0 else ' '}{line.strip()}" for at, line in enumerate(ROW_END.split(text))]
        if len(rows) <= ROWS and max(map(width, rows)) <= WIDEST:
            return rows
    return [line.strip() for line in folded(text, GIVEN, LINES)]


def accepted(row: Row, style: Style) -> list[str]:
    """The numbers that count as right; of an array the right one, row by row, or what is to be known of it."""
    if not hasattr(row.result.right, "ndim"):
        return [shown(row.accepted, style)]
    from gradcli.render.tensors import cell

    lines = list(cell(row.result.right, Style(ascii=style.ascii), GIVEN, 2))
    lines[-1] += half(row.result)
    return [shown(line, style) for line in lines]


def said(row: Row, style: Style, columns: int) -> Iterator[Line]:
    """The sentences of an answer, each on lines of its own."""
    for sentence in row.sentences:
        pieces: list[Piece] = [(shown(sentence, style), "")]
        yield from wrapped(pieces, max(columns, 1))


def _line(texts: Sequence[str], sizes: Sequence[int]) -> str:
    return "".join(text + " " * (size - width(text) + GAP) for text, size in zip(texts, sizes, strict=True))
