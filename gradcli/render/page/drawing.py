"""The picture of the page: an SVG whose numbers, boxes and wires the page can find, for it shows them one by one.

Every text is escaped. A number that the page works out again bears its key in `data-n`; whatever appears in a step
bears its number in `data-s`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import hypot
from typing import NamedTuple

from gradcli.errors import visible
from gradcli.picture import Box, Picture
from gradcli.render.drawn import BLANK, Words, squared
from gradcli.render.page.layers import Spot, lay

LETTER, NUMBER, LINE = 8.6, 7.6, 15.0
"""Width of a letter of a name, of a digit, and height of a line."""

RADIUS, PAD = 20.0, 8.0
"""Of a gate; margin of the whole."""

ROOM = 8
"""Characters that a number has room for at least, so that others fit when sliders move; longer ones are shortened."""

GAP = (7.0, 9.0)
"""The least distance between two items, across and down."""

ROUND = 4
"""Characters up to which a gate is a circle."""


TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.8 8 4 0 7.2z"/></marker></defs>'
)
"""The tip of an arrow."""


SOURCES = ("input", "constant")
"""Boxes that nothing leads to: they stand at the right side of their column."""


class Number(NamedTuple):
    """What a number in the picture says: its lines, its key where the page works it out again, when it appears."""

    lines: Sequence[str]
    key: str
    step: int


class Carried(NamedTuple):
    """The numbers of a wire, and the total of a box."""

    value: Number | None
    gradient: Number | None


class Drawn(NamedTuple):
    """An SVG, and its width."""

    text: str
    width: float


def svg(picture: Picture, wires: Sequence[Carried], totals: Sequence[Number | None], words: Words, label: str) -> Drawn:
    """The SVG.   wires, totals: the numbers of each wire and box.   label: what a screen reader says."""
    shapes = [shape(box, total, words) for box, total in zip(picture.boxes, totals, strict=True)]
    laid = lay(picture, [*(each.size for each in shapes), *map(extent, wires)], GAP)
    spots = [
        Spot(side - found.wide - 2, spot.y) if box.kind in SOURCES else spot
        for box, found, spot, side in zip(picture.boxes, shapes, laid.boxes, laid.sides, strict=True)
    ]
    sized = [
        *zip(laid.boxes, (each.size for each in shapes), strict=True),
        *zip(laid.wires, map(extent, wires), strict=True),
    ]
    sized += [(spot, (0.0, 0.0)) for way in laid.via for spot in way]
    left, top = (min(spot[k] - size[k] / 2 for spot, size in sized) - PAD for k in (0, 1))
    right, bottom = (max(spot[k] + size[k] / 2 for spot, size in sized) + PAD for k in (0, 1))
    box = " ".join(map(short, (left, top, right - left, bottom - top)))
    head = (
        f'<svg id="net" role="img" aria-label="{text(label)}" viewBox="{box}" '
        f'width="{short(right - left)}" height="{short(bottom - top)}" xmlns="http://www.w3.org/2000/svg">'
    )
    lines = [head, TIP]
    numbers: list[str] = []  # they come last, so that nothing covers them
    for k, carried in enumerate(wires):
        wire, spot, wide = picture.wires[k], laid.wires[k], extent(carried)[0] / 2
        numbered = any(each is not None for each in carried)
        way = [*laid.via[k], *((Spot(spot.x + side, spot.y) for side in (-wide, wide)) if numbered else (spot,))]
        begin = edge(spots[wire.start], shapes[wire.start], way[0])
        if picture.boxes[wire.start].kind in SOURCES:
            begin = Spot(spots[wire.start].x + shapes[wire.start].wide + 2, spots[wire.start].y)
        end = edge(spots[wire.end], shapes[wire.end], way[-1])
        tip = "" if picture.boxes[wire.end].kind == "end" else ' marker-end="url(#tip)"'
        lines.append(f'<g id="w{k}"><path class="wire" d="M{" ".join(map(point, (begin, *way, end)))}"{tip}/></g>')
        if carried.value is not None:
            numbers += number(carried.value, "v", spot.x, spot.y - 6 - LINE * (len(carried.value.lines) - 1))
        if carried.gradient is not None:
            numbers += number(carried.gradient, "g", spot.x, spot.y + 15)
    for k, (each, found) in enumerate(zip(picture.boxes, shapes, strict=True)):
        lines += drawn(k, each, found, spots[k], words)
        total = totals[k]
        if total is not None and each.kind == "gate":
            y = spots[k].y + found.high + LINE - 2 + (LINE if each.name else 0)
            numbers += number(total, "g", spots[k].x, y, "Σ ")
        elif total is not None:
            y = spots[k].y + 5 - LINE * (len(total.lines) - 1) / 2
            numbers += number(total, "g last", spots[k].x - found.wide - 3, y, "Σ ")
    return Drawn("\n".join([*lines, *numbers, "</svg>"]), right - left)


class Shape(NamedTuple):
    """The outline of a box: half its width and height, round or not, and its room with what stands beneath."""

    wide: float
    high: float
    round: bool
    size: tuple[float, float]


def shape(box: Box, total: Number | None, words: Words) -> Shape:
    """The outline that a box has."""
    name = len(words.short(box.text))
    lines = len(total.lines) if total else 0
    below = (room(total) + 2) * NUMBER if total else 0.0
    if box.kind != "gate":
        wide = name * LETTER / 2 + 3
        return Shape(wide, 10.0, False, (2 * wide + (below + 6 if below else 0), max(20.0, lines * LINE)))
    small = name <= ROUND
    wide, high = (RADIUS, RADIUS) if small else (name * LETTER / 2 + 8, RADIUS - 3)
    beneath = (1 if box.name else 0) + lines
    return Shape(
        wide, high, small, (max(2 * wide, below, len(words.short(box.name)) * NUMBER), 2 * (high + beneath * LINE))
    )


def extent(carried: Carried) -> tuple[float, float]:
    """The room of a wire's numbers: as much above it as beneath."""
    numbers = [each for each in carried if each is not None]
    longest = max(map(room, numbers), default=0)
    lines = max([len(each.lines) for each in numbers], default=0)
    return max(longest * NUMBER + 4, 18.0), 2 * (LINE * lines + 5)


def room(said: Number) -> int:
    """How many characters a number may have: as many as it has, and more where it changes."""
    return max([len(line) for line in said.lines] + [ROOM if said.key else 0])


def edge(spot: Spot, shape: Shape, other: Spot) -> Spot:
    """Where a line from another point meets the outline."""
    dx, dy = other.x - spot.x, other.y - spot.y
    if shape.round:
        reach = (shape.wide + 1) / (hypot(dx, dy) or 1.0)
    else:
        reach = min((shape.wide + 2) / abs(dx) if dx else 9e9, (shape.high + 2) / abs(dy) if dy else 9e9, 1.0)
    return Spot(spot.x + dx * reach, spot.y + dy * reach)


def drawn(k: int, box: Box, shape: Shape, spot: Spot, words: Words) -> Iterator[str]:
    """A box with its text, and the user's name for it."""
    yield f'<g id="b{k}" class="{box.kind}">'
    if box.kind == "gate" and shape.round:
        yield f'<circle cx="{short(spot.x)}" cy="{short(spot.y)}" r="{short(shape.wide)}"/>'
    elif box.kind == "gate":
        at = f'x="{short(spot.x - shape.wide)}" y="{short(spot.y - shape.high)}"'
        yield f'<rect {at} width="{short(2 * shape.wide)}" height="{short(2 * shape.high)}" rx="9"/>'
    yield f'<text x="{short(spot.x)}" y="{short(spot.y + 5)}">{text(words.short(box.text))}</text>'
    if box.name:
        y = spot.y + shape.high + LINE - 2
        yield f'<text class="name" x="{short(spot.x)}" y="{short(y)}">{text(words.short(box.name))}</text>'
    yield "</g>"


def number(said: Number, part: str, x: float, y: float, before: str = "") -> Iterator[str]:
    """A number, or the lines of a tensor."""
    grid = squared(said.lines)
    part += " m" if grid else ""
    for k, line in enumerate(said.lines):
        key = f' data-n="{said.key}" data-w="{room(said)}"' if said.key else ""
        shown, sign = text(line), before if not k else " " * len(before) if grid else ""
        if grid:
            shown, sign = (each.replace(" ", BLANK) for each in (shown, sign))
        inner = f"{f'<tspan>{sign}</tspan>' if sign else ''}<tspan{key}>{shown}</tspan>"
        yield f'<text class="{part}" data-s="{said.step}" x="{short(x)}" y="{short(y + k * LINE)}">{inner}</text>'


def point(spot: Spot) -> str:
    """A point of a path."""
    return f"{short(spot.x)} {short(spot.y)}"


def short(value: float) -> str:
    """A coordinate."""
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
    )


def text(words: str) -> str:
    """Any text, inert."""
    return escape(visible(words))
