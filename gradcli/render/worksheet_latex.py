r"""A worksheet as a LaTeX document: pdflatex, xelatex and lualatex typeset it; Hangul needs the package kotex.

Whatever came from a user is escaped (render/latex.py), so that it shows and does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from gradcli.homework.sheets.blanks import Asked, Row, Show
from gradcli.homework.sheets.worksheets import Part, Sheet
from gradcli.render import latex
from gradcli.render.latex import number_text, text
from gradcli.render.tensors import is_tensor
from gradcli.render.worksheet_layout import columns, given, heading, how, lines, number, points, spot_of, title

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.words import Words

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")

NAMED = re.compile(r"([^\W\d]\w*)\s*=(?!=)\s*(.*)", re.DOTALL)
"""A statement that names a node."""

PAGE = 24
"""Rows of a table that is kept on one page."""

HEAD = r"""% UTF-8. Typeset with xelatex or lualatex, or with pdflatex; Hangul is set by the package kotex.
\documentclass[11pt,a4paper]{article}
\usepackage[margin=16mm]{geometry}
\usepackage{amsmath,amssymb,array,longtable}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
\fi
HANGUL\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\renewcommand{\arraystretch}{1.6}
\newcommand{\ask}[3]{\fbox{\parbox[t][#3em][t]{6.5em}{\scriptsize\texttt{#1}\hfill #2}}}
\pagestyle{empty}
\begin{document}
"""

KOREAN = "\\usepackage{kotex}\n"


@lru_cache(maxsize=4096)
def typeset(formula: str) -> str:
    """A formula typeset, once for all the sheets it stands on."""
    return latex.typeset(formula)


def render(sheet: Sheet, words: Words) -> str:
    """One sheet, a document of its own."""
    return "".join(document([sheet], words, HANGUL.search(sheet.name) is not None))


def document(sheets: Iterable[Sheet], words: Words, hangul: bool = True) -> Iterator[str]:
    """Several sheets in one document, piece by piece; each begins a page.

    hangul: whether names may need it; a language or a title that does, does so anyway.
    """
    begun = False
    for sheet in sheets:
        body = "\n".join(_sheet(sheet, words)) + "\n"
        if not begun:
            needed = hangul or HANGUL.search(body) is not None
            yield HEAD.replace("HANGUL", KOREAN if needed else "")
        yield ("\\clearpage\n" if begun else "") + body
        begun = True
    yield "\\end{document}\n"


def _sheet(sheet: Sheet, words: Words) -> Iterator[str]:
    yield rf"{{\Large\bfseries {text(title(sheet, words))}}}\hfill"
    for label, filled in (("name", sheet.name), ("student", sheet.student)):
        line = rf"\underline{{{text(filled)}}}" if filled else r"\underline{\hspace{9em}}"
        yield rf"\mbox{{{text(words.say(f'worksheet.{label}'))}: {line}}}\quad"
    yield ""
    yield r"\medskip\hrule\medskip"
    yield text(" ".join([words.say("worksheet.fill_boxes"), *how(sheet, words)]))
    yield r"\par\medskip"
    for part in sheet.parts:
        yield from _part(part, words)


def _part(part: Part, words: Words) -> Iterator[str]:
    yield ""
    short = len(part.rows) <= PAGE  # a longer table goes on on the next page
    yield r"\noindent\begin{minipage}{\linewidth}" if short else ""
    yield rf"\subsection*{{{text(heading(part, words))}}}"
    if part.title:
        yield rf"\textbf{{{text(part.title)}}}\par"
    for line in part.text.splitlines():
        yield rf"{text(line)}\par"
    for statement in part.statements:
        yield rf"\[ {_statement(statement, part)} \]"
    if part.given:
        yield rf"{text(words.say('worksheet.at'))} \texttt{{{text(given(part))}}}"
        yield ""
    shown = columns(part, words)
    worth = {asked.address: asked for asked in part.asked}
    sides = "".join("l" if column.field in ("node", "edge") else "r" for column in shown)
    table = "tabular" if short else "longtable"
    yield r"{\small"
    yield rf"\begin{{{table}}}{'' if short else '[l]'}{{@{{}}{sides}@{{}}}}"
    yield r"\hline"
    yield " & ".join(text(column.title) for column in shown) + r" \\"
    yield r"\hline"
    for row in part.rows:
        yield " & ".join(_cell(row, column.field, worth, words) for column in shown) + r" \\[2pt]"
    yield r"\hline"
    yield rf"\end{{{table}}}}}"
    others = [asked for asked in part.asked if not asked.placed]
    if others:
        yield r"\par\medskip"
        yield text(words.say("worksheet.elsewhere"))
        yield r"\par\smallskip"
        yield "\n".join(rf"{_box(asked, words)} \quad" for asked in others)
    yield r"\end{minipage}\par\bigskip" if short else ""


def _statement(statement: str, part: Part) -> str:
    """A statement typeset; one that defines a gate as it stands."""
    named = NAMED.fullmatch(statement)
    formula = named[2] if named else statement
    shown = typeset(formula)
    if named:
        return f"{typeset(named[1])} = {shown}"
    return shown if "=" in shown else f"{typeset(part.output)} = {shown}"


def _cell(row: Row, field: str, worth: dict[str, Asked], words: Words) -> str:
    if field == "node":
        if row.sum:
            return rf"\textit{{{text(words.say('worksheet.sum'))}}}"
        name = typeset(row.name) if row.name else ""
        formula = f" = {typeset(row.formula)}" if row.formula else ""
        return f"${name}{formula}$" if name else ""
    if field == "edge":
        return rf"\({_quotient(row.edge)}\)" if row.edge else ""
    spot = spot_of(row, field)
    if spot is None or spot.show is Show.ROOM:
        return ""
    return _box(worth[spot.address], words) if spot.show is Show.ASKED else _number(spot.value)


def _quotient(edge: str) -> str:
    r"""`\partial q/\partial x`."""
    above, below = (each.removeprefix("∂") for each in edge.rsplit("/∂", 1))
    return rf"\partial {typeset(above)}/\partial {typeset(below)}"


def _box(asked: Asked, words: Words) -> str:
    """A frame to be filled, with its address and what it is worth."""
    worth = "" if asked.points is None else text(points(asked.points, words))
    return rf"\ask{{{text(asked.address)}}}{{{worth}}}{{{0.8 + 1.4 * lines(asked):.1f}}}"


def _number(value: Value) -> str:
    if is_tensor(value):
        return rf"\texttt{{{text(number(value))}}}"
    return number_text(number(value))
