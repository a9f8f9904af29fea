"""A worksheet in Markdown, to be read, printed, or filled in with an editor and handed in as it is.

What `gradcli grade` reads back (**contract** with homework/files/; the words are languages/*/worksheet.toml's):

    <!-- gradcli.worksheet/1 sheet: 2024-001 -->     the first line: whose sheet it is; no comment on a sheet for nobody
    ## Problem 1 · 7 points                          a problem: its id stands between the first word and " · "
    | cell | answer | what it is | points |          the table of answers: `column_cell` and `column_answer` come first
    | :-- | :-- | :-- | --: |
    | `dq` |  | ∂f/∂q | 2 |                          a cell's address in a code span, and the answer

The table of the graph, which comes before it, begins with `column_node` and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gradcli.homework.sheets.blanks import Row, Show
from gradcli.homework.sheets.worksheets import Part, Sheet
from gradcli.render.figures import Style
from gradcli.render.markdown import code, text
from gradcli.render.worksheet_layout import columns, given, heading, how, number, spot_of, title

if TYPE_CHECKING:
    from gradcli.words import Words

PLAIN = Style()

BLANK = "____"

MARK = "gradcli.worksheet/1"

NEXT = "\n\n---\n\n"
"""Between the sheets of one file."""


def render(sheet: Sheet, words: Words) -> str:
    """One sheet."""
    return "\n".join(_lines(sheet, words)) + "\n"


def document(sheets: Iterable[Sheet], words: Words) -> Iterator[str]:
    """Several sheets in one file, piece by piece."""
    for count, sheet in enumerate(sheets):
        yield (NEXT if count else "") + render(sheet, words)


def key_head(name: str, words: Words) -> str:
    """How the key of an assignment begins."""
    titled = words.say("worksheet.key", title=name) if name else words.say("worksheet.key_untitled")
    return f"# {text(titled, PLAIN)}\n\n{words.say('worksheet.key_keep')}\n"


def key(sheet: Sheet, words: Words) -> str:
    """The right numbers of a sheet."""
    whose = " ".join(each for each in (sheet.student, sheet.name) if each)
    lines = ["", f"## {text(whose, PLAIN)}"] if whose else []
    titles = [words.say(f"worksheet.column_{column}") for column in ("cell", "answer", "meaning")]
    for part in sheet.parts:
        values = f": {code(given(part), PLAIN)}" if part.given else ""
        lines += ["", f"**{text(heading(part, words), PLAIN)}**{values}", "", _row(*titles), _row(":--", "--:", ":--")]
        for asked in part.asked:
            right = code(number(asked.cell.value), PLAIN)
            lines.append(_row(code(asked.address, PLAIN), right, code(asked.meaning, PLAIN)))
    return "\n".join(lines) + "\n"


def _lines(sheet: Sheet, words: Words) -> Iterator[str]:
    if sheet.student:
        yield f"<!-- {MARK} sheet: {_comment(sheet.student)} -->"
        yield ""
    yield f"# {text(title(sheet, words), PLAIN)}"
    yield ""
    if sheet.student:
        name = text(sheet.name, PLAIN) if sheet.name else BLANK * 4
        yield f"**{words.say('worksheet.name')}**: {name}  "
        yield f"**{words.say('worksheet.student')}**: {text(sheet.student, PLAIN)}"
        yield ""
    yield " ".join([words.say("worksheet.fill"), *how(sheet, words)])
    for part in sheet.parts:
        yield ""
        yield f"## {text(heading(part, words), PLAIN)}"
        yield ""
        yield from _part(part, words)


def _part(part: Part, words: Words) -> Iterator[str]:
    """The statements, the values, the table of the graph, the table of answers."""
    for told in (f"**{text(part.title, PLAIN)}**" if part.title else "", _lines_of(part.text)):
        if told:
            yield told
            yield ""
    yield "  \n".join(code(statement, PLAIN) for statement in part.statements)
    if part.given:
        yield ""
        yield f"{words.say('worksheet.at')} {code(given(part), PLAIN)}"
    yield ""
    shown = columns(part, words)
    yield _row(*(text(column.title, PLAIN) for column in shown))
    yield _row(*(":--" if column.field in ("node", "edge") else "--:" for column in shown))
    for row in part.rows:
        yield _row(*(_cell(row, column.field, words) for column in shown))
    yield ""
    yield words.say("worksheet.answers")
    yield ""
    scored = part.points is not None
    titles = ["cell", "answer", "meaning", *(["points"] if scored else [])]
    yield _row(*(words.say(f"worksheet.column_{column}") for column in titles))
    yield _row(":--", ":--", ":--", *(["--:"] if scored else []))
    for asked in part.asked:
        worth = [] if not scored else [number(asked.points)] if asked.points is not None else [""]
        yield _row(code(asked.address, PLAIN), "", code(asked.meaning, PLAIN), *worth)


def _lines_of(words: str) -> str:
    """A text of several lines, each a line of its own that begins nothing else."""
    return "  \n".join(
        re.sub(r"^(\d+)([.)])|^([-+=])", r"\1\\\2\3", text(line.strip(), PLAIN)) for line in words.splitlines()
    )


def _cell(row: Row, field: str, words: Words) -> str:
    """A cell of the graph's table."""
    if field == "node":
        named = f"{row.name} = {row.formula}" if row.formula else row.name
        return words.say("worksheet.sum") if row.sum else code(named, PLAIN)
    if field == "edge":
        return code(row.edge, PLAIN)
    spot = spot_of(row, field)
    if spot is None or spot.show is Show.ROOM:
        return ""
    if spot.show is Show.ASKED:
        return f"{BLANK} {code(spot.address, PLAIN)}"
    return code(number(spot.value), PLAIN)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _comment(words: str) -> str:
    """Text in a comment, which it cannot end."""
    from gradcli.errors import visible

    return visible(words).replace("-->", "--&gt;").replace("--!>", "--!&gt;")
