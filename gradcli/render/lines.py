"""Lines of a terminal: pieces of text, each with the part it plays; painted at the very end, if at all.

Plain text and coloured text are the same characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from gradcli import errors

Piece = tuple[str, str]  # text, and the part it plays
Line = list[Piece]

COLOURS = {
    "": "",
    "title": "bold",
    "name": "bold",
    "head": "dim",
    "dim": "dim",
    "value": "green",  # forward in green, gradients in red, as the lecture draws them
    "gradient": "red",
    "strong": "bold red",
    "good": "bold green",
    "bad": "bold red",
    "warn": "yellow",
    "curve1": "green",
    "curve2": "magenta",
    "curve3": "cyan",
    "curve4": "yellow",
    "curve5": "red",
    "curve6": "blue",
}

INDENT = 2
"""Columns by which the lines after a sentence's first are indented."""


NARROW = re.compile(r"[ -~\u00a0-\u02ff\u0370-\u03ffᵀ₀-₉⁰-⁻∂×·✓✗○─│├└→…↓↑≈≠≤≥█-▏]*")
"""What tables are made of: one column each, so that few texts are measured character by character."""


def width(text: str) -> int:
    """Columns that a text takes."""
    return len(text) if NARROW.fullmatch(text) else errors.width(text)


def text_of(line: Line) -> str:
    """The characters of a line."""
    return "".join(text for text, _ in line)


def painted(lines: Iterable[Line], colour: bool) -> str:
    """Lines as one string, each ended by a new line, without blanks at their ends."""
    if not colour:
        return "".join(text_of(line).rstrip() + "\n" for line in lines)
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    file = StringIO()
    console = Console(
        file=file,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        width=10**9,
        emoji=False,
        markup=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    for line in lines:
        whole = Text()
        for part, pieces in groupby(line, key=lambda piece: piece[1]):
            whole.append("".join(text for text, _ in pieces), COLOURS[part])
        whole.rstrip()
        console.print(whole, soft_wrap=True)
    return file.getvalue()


def wrapped(pieces: Iterable[Piece], columns: int | None, indent: int = INDENT) -> Iterator[Line]:
    """A sentence broken between words; no word, and so no number, is ever broken."""
    line: Line = []
    used, waiting = 0, ""
    for text, part in pieces:
        for word in re.findall(r" +|[^ ]+", text):
            if word.isspace():
                waiting = word
                continue
            if columns is not None and line and used + len(waiting) + width(word) > columns:
                yield line
                line, used, waiting = [(" " * indent, "")], indent, ""
            line.append((waiting + word, part))
            used += len(waiting) + width(word)
            waiting = ""
    if line:
        yield line


def listed(items: Iterable[Line], columns: int | None, between: str = " · ", indent: int = 0) -> Iterator[Line]:
    """Items on one line, or on as many as they need; an item is broken only if it is longer than a line."""
    line: Line = []
    used = 0
    for item in items:
        size = width(text_of(item))
        if line and columns is not None and used + len(between) + size > columns:
            yield from wrapped(line, columns)
            line, used = [], 0
        if line:
            line.append((between, "dim"))
            used += len(between)
        else:
            line.append((" " * indent, ""))
            used = indent
        line += item
        used += size
    if line:
        yield from wrapped(line, columns) if used > (columns or used) else [line]


def folded(text: str, columns: int | None, most: int, indent: int = 0) -> list[str]:
    """An expression broken after operators, commas and brackets into lines of at most so many columns.

    After `most` lines the rest is left out, marked with "…"; nothing is cut within a number or a name.
    """
    if columns is None or width(text) <= columns:
        return [text]
    lines, line = [], ""
    for match in re.finditer(r"[\w.]+(?:(?<=\d[eE])[-+]\d+)?[^\w.]?|[^\w.]", text):
        token = match[0]
        if line.strip() and width(line) + width(token.rstrip()) > columns:
            lines.append(line.rstrip())
            line = " " * indent
            if len(lines) == most:
                lines[-1] += " …"
                return lines
        line += token
    return [*lines, line]
