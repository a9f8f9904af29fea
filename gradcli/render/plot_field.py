"""A function of two variables in a terminal: shades for its heights, arrows for its gradient."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from math import atan2, isfinite, tau

from gradcli.plotting.fields import Field
from gradcli.render import lines
from gradcli.render.figures import Style, figure, plain
from gradcli.render.lines import Piece, wrapped
from gradcli.render.plot_frame import BETWEEN, Frame, beside, framed, gutter, one_line, total
from gradcli.render.plot_words import field_remarks, titled

BESIDE = 64
"""Columns from which on the gradient stands beside the heights."""

HEIGHT = 17
"""Rows of each."""

SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
ARROWS, ASCII_ARROWS = "→↗↑↖←↙↓↘", ">/^\\</v\\"

FLAT = 1e-9
"""How long a gradient is that has a direction, as a share of the longest."""

DRAWN = SHADES + ARROWS
"""Characters that an encoding must hold; else the field is drawn in ASCII."""

Sign = Callable[[int, int], Piece]
"""The row and the column of the grid → what stands there."""


def counts(style: Style, *, derivative: bool = True) -> tuple[int, int]:
    """On how many points across and along a function is sampled."""
    columns = total(style)
    across = max(((columns - BETWEEN) // 2 if derivative and columns >= BESIDE else columns) - 6, 8)
    return across | 1, HEIGHT  # odd, so that the middle of the range is one of them


def render(field: Field, style: Style, *, derivative: bool = True) -> str:
    """The heights, the gradient, and what is to be seen."""
    return lines.painted(_lines(field, style, derivative), style.colour)


def _lines(field: Field, style: Style, derivative: bool) -> Iterator[lines.Line]:
    columns = total(style)
    paired = derivative and columns >= BESIDE
    width = (columns - BETWEEN) // 2 if paired else columns
    shades = ASCII_SHADES if style.ascii else SHADES
    levels = field.levels(len(shades) - 1)
    spans = [f"{axis.name} from {figure(axis.low, style)} to {figure(axis.high, style)}" for axis in field.axes]
    yield from wrapped([(titled(one_line(field.name, style)), "title"), (f"   {', '.join(spans)}", "dim")], columns)
    yield []
    panels = [list(_panel(field, ("f", "value"), width, style, _shade(field, shades, levels)))]
    if derivative:
        arrow = _arrow(field, ASCII_ARROWS if style.ascii else ARROWS)
        title = plain(f"({', '.join(f'∂f/∂{axis.name}' for axis in field.axes)})", style)
        panels.append(list(_panel(field, (title, "gradient"), width, style, arrow)))
    if paired:
        yield from beside(panels[0], panels[1], width)
    else:
        for panel in panels:
            yield from panel
    yield []
    yield from wrapped(_key(shades, levels, style), columns)
    for sentence in field_remarks(field, style, derivative=derivative):
        yield from wrapped([(plain(sentence, style), "")], columns)


def _panel(field: Field, title: Piece, width: int, style: Style, sign: Sign) -> Iterator[lines.Line]:
    """One frame; each cell shows the nearest point of the grid."""
    across, along = field.axes
    frame = Frame(across.low, across.high, along.low, along.high, width, HEIGHT)
    room = gutter([frame], style)
    frame = frame._replace(width=max(width - room - 2, 8))
    rows, columns = len(field.y) - 1, len(field.x) - 1
    cells = [
        [
            sign(round((1 - row / (frame.height - 1)) * rows), round(column / (frame.width - 1) * columns))
            if title[1] == "value" or column % 2 == 0
            else (" ", "")
            for column in range(frame.width)
        ]
        for row in range(frame.height)
    ]
    return framed(frame, [title], cells, style, room)


def _shade(field: Field, shades: str, levels: Sequence[float]) -> Sign:
    def sign(row: int, column: int) -> Piece:
        value = float(field.value[row, column])
        return (shades[bisect(levels, value)], "value") if isfinite(value) else ("?", "warn")

    return sign


def _arrow(field: Field, arrows: str) -> Sign:
    """The direction of the gradient; a dot where it has none, a blank where it is not defined."""
    size = field.size
    longest = max((each for each in size.ravel().tolist() if isfinite(each)), default=0.0)

    def sign(row: int, column: int) -> Piece:
        length = float(size[row, column])
        if not isfinite(length):
            return " ", ""
        if length <= FLAT * longest:
            return ".", "dim"
        turn = atan2(float(field.dy[row, column]), float(field.dx[row, column])) / tau
        return arrows[round(turn * 8) % 8], "gradient"

    return sign


def _key(shades: str, levels: Sequence[float], style: Style) -> lines.Line:
    """Which shade stands for which heights."""
    if not levels:
        return [("f is the same everywhere here", "")]
    key: lines.Line = [("f: ", ""), ("blank", "value"), (f" < {figure(levels[0], style)}", "")]
    for shade, level in zip(shades[1:], levels[1:], strict=False):
        key += [("  ", ""), (shade * 2, "value"), (f" < {figure(level, style)}", "")]
    return [*key, ("  ", ""), (shades[len(levels)] * 2, "value"), (" above", "")]
