"""A worksheet as one HTML file: for the screen and for paper, without scripts, links or anything from elsewhere.

A framed cell is to be filled in, and bears its address; what the browser prints is black on white, a problem is kept
on one page where it fits, and each sheet begins a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from gradcli.errors import visible
from gradcli.homework.sheets.blanks import Asked, Row, Show
from gradcli.homework.sheets.worksheets import Part, Sheet
from gradcli.render.worksheet_layout import columns, given, heading, how, lines, number, points, spot_of, title

if TYPE_CHECKING:
    from gradcli.words import Words

STYLE = """
@page { size: A4; margin: 14mm; }
* { box-sizing: border-box; }
body { margin: 2em auto; max-width: 54em; padding: 0 1em; color: #111; background: #fff;
  font: 15px/1.5 "Noto Sans", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", NanumGothic, sans-serif; }
section { break-after: page; }
section:last-of-type { break-after: auto; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2em 2.5em; border-bottom: 2px solid #111; }
h1 { font-size: 1.5em; margin: 0 auto .3em 0; }
h2 { font-size: 1.15em; margin: 1.3em 0 .3em; break-after: avoid; }
.line { display: inline-block; min-width: 11em; border-bottom: 1px solid #111; padding: 0 .4em; }
article { break-inside: avoid; }
article p { margin: .5em 0; }
code, td.number, .address { font-family: "DejaVu Sans Mono", Consolas, Menlo, NanumGothicCoding, monospace; }
.formula { margin: .1em 0 .1em 1.5em; font-size: 1.05em; }
table { border-collapse: collapse; width: 100%; margin: .6em 0; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: .85em; border-bottom: 1.5px solid #111; padding: .3em .5em; }
td { border-bottom: 1px solid #bbb; padding: .2em .5em; height: 2.2em; vertical-align: middle; }
th.number { text-align: right; }
td.number { text-align: right; font-size: .9em; overflow-wrap: anywhere; }
td.node, td.edge { white-space: nowrap; }
td.node code, td.edge code { white-space: pre-wrap; }
td.ask { border: 1.5px solid #111; height: 2.8em; min-width: 7em; padding: .1em .3em; vertical-align: top; }
.address { font-size: .68em; color: #444; display: flex; justify-content: space-between; gap: .8em; }
td.sum { text-align: right; color: #444; font-size: .85em; }
.asks { display: flex; flex-wrap: wrap; gap: .6em; }
.asks div { border: 1.5px solid #111; min-width: 12em; height: 3.2em; padding: .1em .3em; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 10pt; } }
"""


def render(sheet: Sheet, words: Words) -> str:
    """One sheet, a file of its own."""
    return "".join(document([sheet], words))


def document(sheets: Iterable[Sheet], words: Words) -> Iterator[str]:
    """Several sheets in one file, piece by piece; each begins a page."""
    begun = False
    for sheet in sheets:
        if not begun:
            yield _head(title(sheet, words), words)
            begun = True
        yield "\n".join(_sheet(sheet, words)) + "\n"
    yield "</body>\n</html>\n"


def _head(named: str, words: Words) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(named)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )


def _sheet(sheet: Sheet, words: Words) -> Iterator[str]:
    yield "<section>"
    yield f"<header><h1>{_text(title(sheet, words))}</h1>"
    for label, filled in (("name", sheet.name), ("student", sheet.student)):
        yield f'<span>{_text(words.say(f"worksheet.{label}"))} <span class="line">{_text(filled)}&nbsp;</span></span>'
    yield "</header>"
    yield f"<p>{_text(' '.join([words.say('worksheet.fill_boxes'), *how(sheet, words)]))}</p>"
    for part in sheet.parts:
        yield "<article>"
        yield from _part(part, words)
        yield "</article>"
    yield "</section>"


def _part(part: Part, words: Words) -> Iterator[str]:
    yield f"<h2>{_text(heading(part, words))}</h2>"
    if part.title:
        yield f"<p><b>{_text(part.title)}</b></p>"
    if part.text:
        yield "".join(f"<p>{_text(line)}</p>" for line in part.text.splitlines())
    yield from (f'<p class="formula"><code>{_text(statement)}</code></p>' for statement in part.statements)
    if part.given:
        yield f"<p>{_text(words.say('worksheet.at'))} <code>{_text(given(part))}</code></p>"
    shown = columns(part, words)
    worth = {asked.address: asked for asked in part.asked}
    yield "<table><thead><tr>"
    sides = ("" if column.field in ("node", "edge") else ' class="number"' for column in shown)
    yield "".join(f"<th{side}>{_text(column.title)}</th>" for side, column in zip(sides, shown, strict=True))
    yield "</tr></thead><tbody>"
    for row in part.rows:
        yield f"<tr>{''.join(_cell(row, column.field, worth, words) for column in shown)}</tr>"
    yield "</tbody></table>"
    others = [asked for asked in part.asked if not asked.placed]
    if others:
        yield f"<p>{_text(words.say('worksheet.elsewhere'))}</p>"
        boxes = (f"<div{_height(asked)}>{_label(asked, words, asked.meaning)}</div>" for asked in others)
        yield f'<div class="asks">{"".join(boxes)}</div>'


def _cell(row: Row, field: str, worth: dict[str, Asked], words: Words) -> str:
    if field == "node":
        if row.sum:
            return f'<td class="sum">{_text(words.say("worksheet.sum"))}</td>'
        named = f"{row.name} = {row.formula}" if row.formula else row.name
        return f'<td class="node"><code>{_text(named)}</code></td>' if named else "<td></td>"
    if field == "edge":
        return f'<td class="edge"><code>{_text(row.edge)}</code></td>' if row.edge else "<td></td>"
    spot = spot_of(row, field)
    if spot is None or spot.show is Show.ROOM:
        return "<td></td>"
    if spot.show is Show.ASKED:
        asked = worth[spot.address]
        return f'<td class="ask"{_height(asked)}>{_label(asked, words)}</td>'
    return f'<td class="number">{_text(number(spot.value))}</td>'


def _label(asked: Asked, words: Words, meaning: str = "") -> str:
    """The address in the corner of a framed cell, and what it is worth."""
    worth = "" if asked.points is None else f"<span>{_text(points(asked.points, words))}</span>"
    told = f"{asked.address}  {meaning}" if meaning and meaning != asked.address else asked.address
    return f'<span class="address"><span>{_text(told)}</span>{worth}</span>'


def _height(asked: Asked) -> str:
    """A frame as high as the answer takes lines; of one, as all are."""
    rows = lines(asked)
    return f' style="height: {1.4 + 1.5 * rows:.1f}em"' if rows > 1 else ""


def _text(words: str) -> str:
    return escape(visible(words))
