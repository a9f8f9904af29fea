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
from gradcli.placing import Spot, place
from gradcli.render.drawn import Words

LETTER, NUMBER, LINE = 8.6, 7.6, 15.0
"""Width of a letter of a name, of a digit, and height of a line."""

RADIUS, ROOM, PAD = 20.0, 62.0, 8.0
"""Of a gate; width that a wire's numbers have at least, so that others fit when sliders move; margin of the whole."""

GAP = (7.0, 9.0)
"""The least distance between two items, across and down."""

ROUND = 4
"""Characters up to which a gate is a circle."""


TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.8 8 4 0 7.2z"/></marker></defs>'
)
"""The tip of an arrow."""


class Number(NamedTuple):
    """What a number in the picture says: its lines, its key where the page works it out again, when it appears."""

    lines: Sequence[str]
    key: str
    step: int


class Carried(NamedTuple):
    """The numbers of a wire, and the total of a box."""

    value: Number | None
    gradient: Number | None


def svg(
    picture: Picture, wires: Sequence[Carried], totals: Sequence[Number | None], words: Words, label: str
) -> Iterator[str]:
    """The lines of the SVG.   wires, totals: the numbers of each wire and box.   label: what a screen reader says."""
    shapes = [shape(box, total, words) for box, total in zip(picture.boxes, totals, strict=True)]
    spots = place(picture, [*(each.size for each in shapes), *map(extent, wires)], GAP)
    sizes = [*(each.size for each in shapes), *map(extent, wires)]
    left = min(spot.x - size[0] / 2 for spot, size in zip(spots, sizes, strict=True)) - PAD
    right = max(spot.x + size[0] / 2 for spot, size in zip(spots, sizes, strict=True)) + PAD
    top = min(spot.y - size[1] / 2 for spot, size in zip(spots, sizes, strict=True)) - PAD
    bottom = max(spot.y + size[1] / 2 for spot, size in zip(spots, sizes, strict=True)) + PAD
    box = " ".join(map(short, (left, top, right - left, bottom - top)))
    yield (
        f'<svg id="net" role="img" aria-label="{text(label)}" viewBox="{box}" '
        f'width="{short(right - left)}" height="{short(bottom - top)}" xmlns="http://www.w3.org/2000/svg">'
    )
    yield TIP
    count = len(picture.boxes)
    for k, (wire, carried) in enumerate(zip(picture.wires, wires, strict=True)):
        spot, wide = spots[count + k], extent(carried)[0] / 2
        begin = edge(spots[wire.start], shapes[wire.start], Spot(spot.x - wide, spot.y))
        end = edge(spots[wire.end], shapes[wire.end], Spot(spot.x + wide, spot.y))
        path = f"M{point(begin)} {point(Spot(spot.x - wide, spot.y))} {point(Spot(spot.x + wide, spot.y))} {point(end)}"
        tip = "" if picture.boxes[wire.end].kind == "end" else ' marker-end="url(#tip)"'
        yield f'<g id="w{k}"><path class="wire" d="{path}"{tip}/>'
        if carried.value is not None:
            yield from number(carried.value, "v", spot.x, spot.y - 6 - LINE * (len(carried.value.lines) - 1))
        if carried.gradient is not None:
            yield from number(carried.gradient, "g", spot.x, spot.y + 15)
        yield "</g>"
    for k, (each, found) in enumerate(zip(picture.boxes, shapes, strict=True)):
        yield from drawn(k, each, found, totals[k], spots[k], words)
    yield "</svg>"


class Shape(NamedTuple):
    """The outline of a box: half its width and height, round or not, and its room with what stands beneath."""

    wide: float
    high: float
    round: bool
    size: tuple[float, float]


def shape(box: Box, total: Number | None, words: Words) -> Shape:
    """The outline that a box has."""
    name = len(words.short(box.text))
    beneath = (1 if box.name else 0) + (len(total.lines) if total else 0)
    below = max([len(words.short(box.name)), *(len(line) + 2 for line in (total.lines if total else ()))])
    if box.kind == "gate":
        round_ = name <= ROUND
        wide = RADIUS if round_ else name * LETTER / 2 + 8
        high = RADIUS if round_ else RADIUS - 3
    else:
        round_, wide, high = False, name * LETTER / 2 + 3, 10.0
    room = max(2 * wide, below * NUMBER, ROOM if total and total.key else 0)
    return Shape(wide, high, round_, (room, 2 * (high + beneath * LINE)))


def extent(carried: Carried) -> tuple[float, float]:
    """The room of a wire's numbers: as much above it as beneath."""
    numbers = [each for each in carried if each is not None]
    longest = max([len(line) for each in numbers for line in each.lines], default=0)
    lines = max([len(each.lines) for each in numbers], default=0)
    wide = max(longest * NUMBER + 4, ROOM if any(each.key for each in numbers) else 0, 18.0)
    return wide, 2 * (LINE * lines + 5)


def edge(spot: Spot, shape: Shape, other: Spot) -> Spot:
    """Where a line from another point meets the outline."""
    dx, dy = other.x - spot.x, other.y - spot.y
    if shape.round:
        reach = (shape.wide + 1) / (hypot(dx, dy) or 1.0)
    else:
        reach = min((shape.wide + 2) / abs(dx) if dx else 9e9, (shape.high + 2) / abs(dy) if dy else 9e9, 1.0)
    return Spot(spot.x + dx * reach, spot.y + dy * reach)


def drawn(k: int, box: Box, shape: Shape, total: Number | None, spot: Spot, words: Words) -> Iterator[str]:
    """A box with its text, the user's name for it, and its total."""
    yield f'<g id="b{k}" class="{box.kind}">'
    if box.kind == "gate" and shape.round:
        yield f'<circle cx="{short(spot.x)}" cy="{short(spot.y)}" r="{short(shape.wide)}"/>'
    elif box.kind == "gate":
        at = f'x="{short(spot.x - shape.wide)}" y="{short(spot.y - shape.high)}"'
        yield f'<rect {at} width="{short(2 * shape.wide)}" height="{short(2 * shape.high)}" rx="9"/>'
    yield f'<text x="{short(spot.x)}" y="{short(spot.y + 5)}">{text(words.short(box.text))}</text>'
    y = spot.y + shape.high + LINE - 2
    if box.name:
        yield f'<text class="name" x="{short(spot.x)}" y="{short(y)}">{text(words.short(box.name))}</text>'
        y += LINE
    if total is not None:
        yield from number(total, "g", spot.x, y, "Σ ")
    yield "</g>"


def number(said: Number, part: str, x: float, y: float, before: str = "") -> Iterator[str]:
    """A number, or the lines of a tensor."""
    for k, line in enumerate(said.lines):
        key = f' data-n="{said.key}"' if said.key else ""
        sign = f"<tspan>{before}</tspan>" if before and not k else ""
        inner = f"{sign}<tspan{key}>{text(line)}</tspan>"
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
