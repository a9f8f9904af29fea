"""The frame of a plot in a terminal: cells with an axis to the left and one below, numbers at their ticks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import ceil, floor, log10
from typing import NamedTuple

from gradcli.render import lines
from gradcli.render.figures import Style, figure, plain
from gradcli.render.lines import Piece

WIDTH, WIDEST, NARROWEST = 80, 160, 24
"""Columns of a plot: in a pipe, at most, and at least."""

BETWEEN = 3
"""Columns between two panels."""

TICKS = 3
"""Rows for each number at the left; below, four times as many columns."""

NAMED = 60
"""Characters of a formula that a legend shows."""


class Glyphs(NamedTuple):
    """What the frame is made of."""

    tick: str
    side: str
    corner: str
    base: str
    notch: str
    level: str
    upright: str


BOXES = Glyphs("┤", "│", "└", "─", "┬", "┈", "┊")
SIGNS = Glyphs("+", "|", "+", "-", "+", ".", ":")


class Frame(NamedTuple):
    """What is seen: from where to where, in so many cells."""

    left: float
    right: float
    low: float
    high: float
    width: int
    height: int

    def row(self, y: float) -> int:
        """The row of a height, from the top."""
        return self.height - 1 - round((y - self.low) / (self.high - self.low) * (self.height * 4 - 1)) // 4

    def column(self, x: float) -> int:
        """The column of a number on the axis."""
        return round((x - self.left) / (self.right - self.left) * (self.width * 2 - 1)) // 2

    @property
    def heights(self) -> list[float]:
        """The numbers at the left."""
        return ticks(self.low, self.high, self.height // TICKS)


def total(style: Style) -> int:
    """Columns of the whole plot."""
    return min(max(style.width or WIDTH, NARROWEST), WIDEST)


def gutter(frames: Sequence[Frame], style: Style) -> int:
    """Columns that the numbers at the left take, of frames over each other."""
    return max((len(figure(each, style)) for frame in frames for each in frame.heights), default=1)


def framed(
    frame: Frame, title: lines.Line, cells: Sequence[Sequence[Piece]], style: Style, room: int
) -> Iterator[lines.Line]:
    """Cells in their frame, `room` columns left for the numbers beside it."""
    glyphs = SIGNS if style.ascii else BOXES
    labels = {frame.row(each): figure(each, style) for each in frame.heights}
    notches = {
        frame.column(each): figure(each, style) for each in ticks(frame.left, frame.right, max(frame.width // 12, 2))
    }
    zero_row = frame.row(0.0) if frame.low < 0 < frame.high else None
    zero_column = frame.column(0.0) if frame.left < 0 < frame.right else None
    yield [(" " * (room + 2), ""), *title]
    for number, row in enumerate(cells):
        side = glyphs.tick if number in labels else glyphs.side
        line: lines.Line = [(f"{labels.get(number, ''):>{room}} {side}", "dim")]
        for column, (sign, part) in enumerate(row):
            empty = glyphs.level if number == zero_row else glyphs.upright if column == zero_column else " "
            line.append((sign, part) if sign else (empty, "dim"))
        yield line
    base = "".join(glyphs.notch if column in notches else glyphs.base for column in range(frame.width))
    yield [(f"{'':>{room}} {glyphs.corner}{base}", "dim")]
    yield [(_under(notches, room + 2, room + 2 + frame.width), "dim")]


def _under(notches: dict[int, str], start: int, end: int) -> str:
    """The numbers under an axis, each below its notch, none into another."""
    line = ""
    for column, text in sorted(notches.items()):
        at = min(max(start + column - len(text) // 2, 0), end - len(text))
        if not line or at > len(line) + 1:
            line = line.ljust(at) + text
    return line


def beside(left: Sequence[lines.Line], right: Sequence[lines.Line], width: int) -> Iterator[lines.Line]:
    """Two panels, the left one so wide."""
    blank: lines.Line = []
    for one, other in zip_longest(left, right, fillvalue=blank):
        yield [*one, (" " * (width + BETWEEN - sum(lines.width(text) for text, _ in one)), ""), *other]


def one_line(name: str, style: Style, most: int = NAMED) -> str:
    """A formula on one line, as far as there is room."""
    text = plain(" ".join(name.split()), style)
    return text if len(text) <= most else text[: most - 3] + "..."


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers from low to high, about so many: steps of 1, 2 or 5 times a power of ten.

    >>> ticks(-6, 6, 5), ticks(-0.01, 0.26, 3)
    ([-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0], [0.0, 0.1, 0.2])
    """
    rough = (high - low) / max(count, 1)
    power = 10.0 ** floor(log10(rough))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda each: abs(each - rough))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]
