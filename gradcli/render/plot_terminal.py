"""Curves in a terminal: the function over its derivative, or beside it where there is room.

Lines are drawn in braille by plotille, a canvas a curve; where the encoding has no braille, by the curve's own mark. In
one picture with others a curve bears its letter, so that it is known without colour too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gradcli.plotting.curves import Curve, Line, Tangent
from gradcli.render import lines
from gradcli.render.figures import Style, figure, plain
from gradcli.render.lines import Piece, wrapped
from gradcli.render.plot_frame import BETWEEN, BOXES, Frame, beside, framed, gutter, one_line, total
from gradcli.render.plot_words import remarks, titled

BESIDE = 110
"""Columns from which on the derivative stands beside the function."""

HEIGHTS = {True: (16, 16), False: (13, 9)}
"""Rows of the function and of its derivative: beside each other, and one over the other."""

PARTS = ("curve1", "curve2", "curve3", "curve4", "curve5", "curve6")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARKS = "*+ox#@%&"

TAGS = 3
"""Letters along a curve."""

EMPTY = 0x2800
"""The braille character without a dot."""

DRAWN = "⠿" + "".join(BOXES)
"""Characters that an encoding must hold; else the plot is drawn in ASCII."""

MARGIN = 0.04
"""Room above and below the curves, as a share of their height."""

Dots = list[list[int]]
"""The dots in each cell of a panel, as bits; rows from the top down."""


class Drawn(NamedTuple):
    """A curve to be drawn: its lines, the part it plays, its letter, its mark in ASCII."""

    pieces: Sequence[Line]
    part: str
    letter: str
    mark: str


def render(curves: Sequence[Curve], style: Style, *, derivative: bool = True) -> str:
    """The whole plot with its legend and remarks."""
    return lines.painted(_lines(curves, style, derivative), style.colour)


def _lines(curves: Sequence[Curve], style: Style, derivative: bool) -> Iterator[lines.Line]:
    columns = total(style)
    paired = derivative and columns >= BESIDE
    width = (columns - BETWEEN) // 2 if paired else columns
    several = len(curves) > 1
    yield from wrapped(_legend(curves, style), columns)
    yield []
    slopes = [slope for slope in (False, True)[: 1 + derivative] if _reach(curves, slope=slope)]
    frames = [_frame(curves, width, HEIGHTS[paired][slope], slope=slope) for slope in slopes]
    rooms = [gutter([frame], style) for frame in frames] if paired else [gutter(frames, style)] * len(frames)
    panels = []
    for slope, wide, room in zip(slopes, frames, rooms, strict=True):
        frame = wide._replace(width=max(width - room - 2, 8))
        title = (
            plain(f"∂f/∂{curves[0].axis.name}" if slope else "f", style),
            "head" if several else ("value", "gradient")[slope],
        )
        cells = _cells(_drawn(curves, frame, slope=slope), frame, style)
        panels.append(list(framed(frame, [title], cells, style, room)))
    if len(panels) == 2 and paired:
        yield from beside(panels[0], panels[1], width)
    else:
        for k, panel in enumerate(panels):
            yield from [[]] * (k > 0)
            yield from panel
    yield []
    for k, curve in enumerate(curves):
        lead: list[Piece] = [(f"{one_line(curve.name, style)}: ", PARTS[k % len(PARTS)])] if several else []
        for sentence in remarks(curve, style):
            yield from wrapped([*lead, (plain(sentence, style), "")], columns)


def _legend(curves: Sequence[Curve], style: Style) -> Iterator[Piece]:
    """Which curve is which, and the range."""
    axis = curves[0].axis
    if len(curves) == 1:
        yield titled(one_line(curves[0].name, style)), "title"
    for k, curve in enumerate(curves if len(curves) > 1 else []):
        sign = MARKS[k % len(MARKS)] if style.ascii else LETTERS[k % len(LETTERS)]
        yield f"{sign}\u00a0{one_line(curve.name, style)}   ", PARTS[k % len(PARTS)]
    yield f"   {axis.name} from {figure(axis.low, style)} to {figure(axis.high, style)}", "dim"


def _reach(curves: Sequence[Curve], *, slope: bool) -> tuple[float, float] | None:
    """From where to where a panel goes, with its margin; None where no curve has a finite height."""
    found = [reach for curve in curves if (reach := curve.reach(slope=slope)) is not None]
    if not found:
        return None
    low, high = min(low for low, _ in found), max(high for _, high in found)
    room = (high - low) * MARGIN or abs(low) * 0.1 or 1.0
    return low - room, high + room


def _frame(curves: Sequence[Curve], width: int, height: int, *, slope: bool) -> Frame:
    low, high = _reach(curves, slope=slope) or (0.0, 1.0)
    return Frame(curves[0].axis.low, curves[0].axis.high, low, high, width, height)


def _drawn(curves: Sequence[Curve], frame: Frame, *, slope: bool) -> list[Drawn]:
    """Everything in a panel, what is seen best last."""
    several = len(curves) > 1
    found = []
    if not slope:
        found = [Drawn(_dashed(each, frame), "warn", "", "'") for curve in curves for each in curve.tangents]
    for k, curve in enumerate(curves):
        part = PARTS[k % len(PARTS)] if several else "gradient" if slope else "value"
        letter = LETTERS[k % len(LETTERS)] if several else ""
        found.append(Drawn(list(curve.lines(slope=slope)), part, letter, MARKS[k % len(MARKS)]))
    return found


def _dashed(tangent: Tangent, frame: Frame) -> list[Line]:
    """A tangent as dashes of a column each; none where there is no tangent."""
    if not np.isfinite([tangent.value, tangent.slope]).all() or tangent.broken:
        return []
    ends = np.linspace(frame.left, frame.right, frame.width + 1)
    return [(ends[k : k + 2], tangent.along(ends[k : k + 2])) for k in range(0, frame.width, 2)]


def _cells(drawn: Sequence[Drawn], frame: Frame, style: Style) -> list[list[Piece]]:
    """What stands in each cell: the dots of all curves there, in the colour of the last of them; "" for nothing."""
    dots = [_dots(each.pieces, frame) for each in drawn]
    rows: list[list[Piece]] = []
    for row in range(frame.height):
        line: list[Piece] = []
        for column in range(frame.width):
            here = [k for k, each in enumerate(dots) if each[row][column]]
            bits = 0
            for k in here:
                bits |= dots[k][row][column]
            sign = drawn[here[-1]].mark if here and style.ascii else chr(EMPTY + bits)
            line.append((sign, drawn[here[-1]].part) if here else ("", ""))
        rows.append(line)
    tagged: set[tuple[int, int]] = set()
    for k, each in enumerate(drawn):
        for row, column in _tags(dots, k, tagged) if each.letter and not style.ascii else ():
            rows[row][column] = (each.letter, each.part)
    return rows


def _dots(pieces: Sequence[Line], frame: Frame) -> Dots:
    """The dots of a curve."""
    from plotille import Canvas

    across = (frame.right - frame.left) * frame.width * 2 / (frame.width * 2 - 1)  # the last dot is the range's end
    along = (frame.high - frame.low) * frame.height * 4 / (frame.height * 4 - 1)
    low, high = frame.low, frame.high
    canvas = Canvas(frame.width, frame.height, frame.left, low, frame.left + across, low + along)
    for xs, ys in pieces:
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        if len(points) == 1 and low <= points[0][1] <= high:
            canvas.point(*points[0])
        for a, b in pairwise(points):
            seen = clipped(a, b, low, high)
            if seen is not None:
                canvas.line(*seen[0], *seen[1])
    return [[max(ord(sign) - EMPTY, 0) for sign in row] for row in canvas.plot("\n").split("\n")]


def _tags(dots: Sequence[Dots], k: int, taken: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The cells where a curve bears its letter: a few, apart from the other curves where it can be."""
    height, width = len(dots[k]), len(dots[k][0])
    near = max(width // (2 * TAGS + 2), 1)
    for place in range(TAGS):
        wish = round((place + (k + 0.5) / len(dots)) * width / TAGS)
        best: tuple[float, tuple[int, int]] | None = None
        for column in range(max(wish - near, 0), min(wish + near, width)):
            rows = [row for row in range(height) if dots[k][row][column]]
            if len(rows) != 1 or {(rows[0], column + step) for step in (-1, 0, 1)} & taken:
                continue
            others = [row for j, each in enumerate(dots) if j != k for row in range(height) if each[row][column]]
            alone = min((abs(rows[0] - row) for row in others), default=height)
            score = min(alone, 2) * width - abs(column - wish)
            if best is None or score > best[0]:
                best = score, (rows[0], column)
        if best is not None:
            taken.add(best[1])
            yield best[1]


Point = tuple[float, float]


def clipped(a: Point, b: Point, low: float, high: float) -> tuple[Point, Point] | None:
    """The part of a segment between two heights; None where there is none.

    >>> clipped((0.0, -1.0), (2.0, 1.0), 0.0, 5.0)
    ((1.0, 0.0), (2.0, 1.0))
    """
    if max(a[1], b[1]) < low or min(a[1], b[1]) > high:
        return None

    def held(p: Point, q: Point) -> Point:
        y = min(max(p[1], low), high)
        return p if y == p[1] else (p[0] + (q[0] - p[0]) * ((y - p[1]) / (q[1] - p[1])), y)

    return held(a, b), held(b, a)
