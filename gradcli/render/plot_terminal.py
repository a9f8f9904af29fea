"""Curves in a terminal: the function over its derivative, or beside it where there is room.

Lines are drawn in braille by plotille, a canvas a curve; where the encoding has no braille, by the curve's own mark. In
one picture with others a curve bears its letter, so that it is known without colour too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from math import ceil, floor, log10
from typing import NamedTuple

from gradcli.plotting.axes import Axis
from gradcli.plotting.curves import Curve, Line
from gradcli.render import lines
from gradcli.render.figures import Style, figure, plain
from gradcli.render.lines import Piece, wrapped
from gradcli.render.plot_words import remarks

WIDTH, WIDEST, NARROWEST = 80, 160, 24
"""Columns of a plot: in a pipe, at most, and at least."""

BESIDE = 110
"""Columns from which on the derivative stands beside the function."""

HEIGHTS = {True: (16, 16), False: (13, 9)}
"""Rows of the function and of its derivative: beside each other, and one over the other."""

PARTS = ("curve1", "curve2", "curve3", "curve4", "curve5", "curve6")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARKS = "*+ox#@%&"

EMPTY = 0x2800
"""The braille character without a dot."""

MARGIN = 0.04
"""Room above and below the curves, as a share of their height."""


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
DRAWN = "⠿" + "".join(BOXES)
"""Characters that an encoding must hold; else the plot is drawn in ASCII."""


class Panel(NamedTuple):
    """One frame: what it is called, and the lines of each curve with its part, its letter and its mark."""

    title: lines.Line
    curves: Sequence[tuple[Sequence[Line], str, str, str]]
    low: float
    high: float
    axis: Axis
    width: int
    height: int


def render(curves: Sequence[Curve], style: Style, *, derivative: bool = True) -> str:
    """The whole plot with its legend and remarks."""
    return lines.painted(_lines(curves, style, derivative), style.colour)


def _lines(curves: Sequence[Curve], style: Style, derivative: bool) -> Iterator[lines.Line]:
    total = min(max(style.width or WIDTH, NARROWEST), WIDEST)
    beside = derivative and total >= BESIDE
    heights = HEIGHTS[beside]
    width = (total - 3) // 2 if beside else total
    several = len(curves) > 1
    yield from wrapped(_legend(curves, style), total)
    yield []
    x = curves[0].axis.name
    heads = [("f", f"∂f/∂{x}"), ("value", "gradient")]
    panels = []
    for slope in (False, True)[: 1 + derivative]:
        drawn = [_drawn(curve, k, slope=slope, several=several) for k, curve in enumerate(curves)]
        reach = _reach(curves, slope=slope)
        if reach is not None:
            title: lines.Line = [(plain(heads[0][slope], style), heads[1][slope] if not several else "head")]
            panels.append(list(_panel(Panel(title, drawn, *reach, curves[0].axis, width, heights[slope]), style)))
    if beside and len(panels) == 2:
        for left, right in zip_longest(*panels, fillvalue=[]):
            yield [*left, (" " * (width + 3 - sum(lines.width(text) for text, _ in left)), ""), *right]
    else:
        for k, panel in enumerate(panels):
            yield from [[]] * (k > 0)
            yield from panel
    yield []
    for k, curve in enumerate(curves):
        lead: list[Piece] = [(f"{_name(curve, style)}: ", PARTS[k % len(PARTS)])] if several else []
        said = [plain(each, style) for each in remarks(curve, style)]
        for sentence in ["; ".join(said)] if several and said else said:
            yield from wrapped([*lead, (sentence, "")], total)


def _name(curve: Curve, style: Style, most: int = 60) -> str:
    """A curve's name on one line."""
    text = plain(" ".join(curve.name.split()), style)
    return text if len(text) <= most else text[: most - 3] + "..."


def _legend(curves: Sequence[Curve], style: Style) -> Iterator[Piece]:
    """Which curve is which, and the range."""
    axis = curves[0].axis
    if len(curves) == 1:
        yield f"f = {_name(curves[0], style)}", "title"
    for k, curve in enumerate(curves if len(curves) > 1 else []):
        sign = MARKS[k % len(MARKS)] if style.ascii else LETTERS[k % len(LETTERS)]
        yield f"{sign} {_name(curve, style)}   ", PARTS[k % len(PARTS)]
    yield f"   {axis.name} from {figure(axis.low, style)} to {figure(axis.high, style)}", "dim"


def _drawn(curve: Curve, k: int, *, slope: bool, several: bool) -> tuple[Sequence[Line], str, str, str]:
    part = PARTS[k % len(PARTS)] if several else "gradient" if slope else "value"
    return list(curve.lines(slope=slope)), part, LETTERS[k % len(LETTERS)] if several else "", MARKS[k % len(MARKS)]


def _reach(curves: Sequence[Curve], *, slope: bool) -> tuple[float, float] | None:
    """From where to where a panel goes, with its margin."""
    found = [reach for curve in curves if (reach := curve.reach(slope=slope)) is not None]
    if not found:
        return None
    low, high = min(low for low, _ in found), max(high for _, high in found)
    room = (high - low) * MARGIN or abs(low) * 0.1 or 1.0
    return low - room, high + room


# ── a panel ─────────────────────────────────────────────────────────────────────────────────────────────────


def _panel(panel: Panel, style: Style) -> Iterator[lines.Line]:
    glyphs = SIGNS if style.ascii else BOXES
    labels = {_row(panel, tick): figure(tick, style) for tick in ticks(panel.low, panel.high, panel.height // 3)}
    gutter = max(len(text) for text in labels.values()) if labels else 1
    columns = max(panel.width - gutter - 2, 8)
    panel = panel._replace(width=columns)
    yield [(" " * (gutter + 2), ""), *panel.title]
    marks = ticks(panel.axis.low, panel.axis.high, max(columns // 12, 2))
    notches = {_column(panel, tick): figure(tick, style) for tick in marks}
    zero_row = _row(panel, 0.0) if panel.low < 0 < panel.high else None
    zero_column = _column(panel, 0.0) if panel.axis.low < 0 < panel.axis.high else None
    for number, row in enumerate(_cells(panel, style)):
        label = labels.get(number, "")
        side = glyphs.tick if number in labels else glyphs.side
        line: lines.Line = [(f"{label:>{gutter}} {side}", "dim")]
        for column, (sign, part) in enumerate(row):
            empty = glyphs.level if number == zero_row else glyphs.upright if column == zero_column else " "
            line.append((sign, part) if sign != " " else (empty, "dim"))
        yield line
    base = "".join(glyphs.notch if column in notches else glyphs.base for column in range(columns))
    yield [(f"{'':>{gutter}} {glyphs.corner}{base}", "dim")]
    yield [(_under(notches, gutter + 2, gutter + 2 + columns), "dim")]


def _under(notches: dict[int, str], start: int, end: int) -> str:
    """The numbers under an axis, each below its notch, none into another."""
    line = ""
    for column, text in sorted(notches.items()):
        at = min(max(start + column - len(text) // 2, 0), end - len(text))
        if not line or at > len(line) + 1:
            line = line.ljust(at) + text
    return line


def _row(panel: Panel, height: float) -> int:
    """The row of a height, from the top."""
    dots = panel.height * 4 - 1
    return panel.height - 1 - round((height - panel.low) / (panel.high - panel.low) * dots) // 4


def _column(panel: Panel, x: float) -> int:
    dots = panel.width * 2 - 1
    return round((x - panel.axis.low) / panel.axis.width * dots) // 2


def _cells(panel: Panel, style: Style) -> list[list[Piece]]:
    """What stands in each cell: the dots of all curves there, in the colour of the last of them."""
    drawn = [_dots(pieces, panel) for pieces, *_ in panel.curves]
    rows: list[list[Piece]] = []
    for row in range(panel.height):
        line: list[Piece] = []
        for column in range(panel.width):
            here = [k for k, dots in enumerate(drawn) if dots[row][column]]
            if not here:
                line.append((" ", ""))
                continue
            _, part, _, mark = panel.curves[here[-1]]
            bits = 0
            for k in here:
                bits |= drawn[k][row][column]
            line.append((mark if style.ascii else chr(EMPTY + bits), part))
        rows.append(line)
    if not style.ascii:
        for k, (_, part, letter, _) in enumerate(panel.curves):
            for row, column in _tagged(drawn, k, len(panel.curves)) if letter else ():
                rows[row][column] = (letter, part)
    return rows


def _tagged(drawn: Sequence[list[list[int]]], k: int, count: int) -> Iterator[tuple[int, int]]:
    """The cells where a curve bears its letter: a few, apart from the other curves where it can be."""
    width, height = len(drawn[k][0]), len(drawn[k])
    for place in range(TAGS):
        wish = round((place + (k + 0.5) / count) * width / TAGS)
        best: tuple[float, int, int] | None = None
        for column in range(max(wish - width // 8, 0), min(wish + width // 8, width)):
            rows = [row for row in range(height) if drawn[k][row][column]]
            if len(rows) != 1:
                continue
            alone = min(
                (abs(rows[0] - row) for j, other in enumerate(drawn) if j != k for row in range(height) if other[row][column]),
                default=height,
            )
            score = min(alone, 2) * width - abs(column - wish)
            if alone and (best is None or score > best[0]):
                best = score, rows[0], column
        if best is not None:
            yield best[1:]


TAGS = 3
"""Letters along a curve."""


def _dots(pieces: Iterable[Line], panel: Panel) -> list[list[int]]:
    """The dots of a curve in each cell, as bits, from the top row down."""
    from plotille import Canvas

    across = panel.axis.width * panel.width * 2 / (panel.width * 2 - 1)  # the last dot is the end of the range
    along = (panel.high - panel.low) * panel.height * 4 / (panel.height * 4 - 1)
    left, low, high = panel.axis.low, panel.low, panel.high
    canvas = Canvas(panel.width, panel.height, left, low, left + across, low + along)
    for xs, ys in pieces:
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        if len(points) == 1 and low <= points[0][1] <= high:
            canvas.point(*points[0])
        for a, b in zip(points, points[1:], strict=False):
            seen = clipped(a, b, low, high)
            if seen is not None:
                canvas.line(*seen[0], *seen[1])
    return [[max(ord(sign) - EMPTY, 0) for sign in row] for row in canvas.plot("\n").split("\n")]


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
