"""Where the boxes and wires of a picture stand: in columns from left to right, with few crossings.

Boxes stand in every other column, as far to the right as what they lead to allows; the numbers of a wire in the column
before the box at its end. A wire that passes further columns has a place in each, so that it crosses no box. The order
within columns is that of the formula, mended by sweeps that put each item at the mean of its neighbours while that
saves crossings (Sugiyama, Tagawa, Toda 1981); the heights are those nearest to the neighbours' that keep the order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import NamedTuple

from gradcli.picture import Picture

SWEEPS, SETTLING = 12, 40
"""Sweeps over the columns: for the order, and for the heights."""

THIN = 9.0
"""Height that a passing wire takes."""

LIGHT = 0.01
"""How much an input weighs beside what others lead to, where they would overlap."""

STEEP, WIDEST = 0.4, 70.0
"""How wide the space between two columns is beside the height of a line across it, and at most."""


MOST = 8000
"""Items that are laid out at most, with the places where wires pass."""


class Spot(NamedTuple):
    """The centre of an item; y grows downwards."""

    x: float
    y: float


class Laid(NamedTuple):
    """Where everything stands.

    via: the points at which each wire passes columns, on its way to its numbers.   sides: x of the right side of the
    column of each box.
    """

    boxes: list[Spot]
    wires: list[Spot]
    via: list[list[Spot]]
    sides: list[float]


class Items:
    """Boxes, then wires, then the places where wires pass: their columns and neighbours."""

    def __init__(self, picture: Picture, sizes: Sequence[tuple[float, float]], gap: tuple[float, float]) -> None:
        self.picture, self.gap = picture, gap
        self.sizes = list(sizes)
        self.count = len(picture.boxes)
        self.columns = columns(picture)
        self.before: list[list[int]] = [[] for _ in sizes]
        self.after: list[list[int]] = [[] for _ in sizes]
        self.passing: list[list[int]] = []
        for k, wire in enumerate(picture.wires):
            item, last = self.count + k, wire.start
            way = []
            for column in range(self.columns[wire.start] + 1, self.columns[item]):
                self.sizes.append((0.0, THIN))
                self.columns.append(column)
                self.before.append([])
                self.after.append([])
                way.append(len(self.sizes) - 1)
            for each in (*way, item):
                self.link(last, each)
                last = each
            self.link(item, wire.end)
            self.passing.append(way)

    def link(self, left: int, right: int) -> None:
        """A line from an item to one in the next column."""
        self.after[left].append(right)
        self.before[right].append(left)


def columns(picture: Picture) -> list[int]:
    """The columns of the boxes, then of the wires, from the left."""
    left = [0] * len(picture.boxes)
    leading: list[list[int]] = [[] for _ in picture.boxes]
    for wire in picture.wires:
        leading[wire.start].append(wire.end)
    for box in range(len(left) - 1, -1, -1):  # a wire leads from a box to a later one
        left[box] = max([left[end] + 1 for end in leading[box]], default=0)
    most = max(left)
    found = [2 * (most - each) for each in left]
    return [*found, *(found[wire.end] - 1 for wire in picture.wires)]


def fits(picture: Picture) -> bool:
    """Whether there are few enough items to be laid out."""
    found = columns(picture)
    count = len(picture.boxes)
    passing = sum(found[count + k] - found[wire.start] - 1 for k, wire in enumerate(picture.wires))
    return len(found) + passing <= MOST


def lay(picture: Picture, sizes: Sequence[tuple[float, float]], gap: tuple[float, float]) -> Laid:
    """The centres of the boxes and of the wires' numbers.

    sizes: width and height of each box, then of each wire.   gap: the least distance of two items, across and down.
    """
    items = Items(picture, sizes, gap)
    order = arranged(items)
    ys = heights(items, order)
    xs, ends = widths(items, order, ys)
    spots = [Spot(xs[column], y) for column, y in zip(items.columns, ys, strict=True)]
    count = items.count
    via = [[Spot(x, ys[at]) for at in way for x in ends[items.columns[at]]] for way in items.passing]
    sides = [ends[column][1] for column in items.columns[:count]]
    return Laid(spots[:count], spots[count : count + len(picture.wires)], via, sides)


# ── the order within columns ────────────────────────────────────────────────────────────────────────────────


def arranged(items: Items) -> list[list[int]]:
    """The items of each column from top to bottom."""
    place = written(items)
    order: list[list[int]] = [[] for _ in range(max(items.columns) + 1)]
    for item in sorted(range(len(place)), key=place.__getitem__):
        order[items.columns[item]].append(item)
    best, least = [list(column) for column in order], crossings(items, order)
    for sweep in range(SWEEPS):
        if not least:
            break
        leftwards = sweep % 2 == 0
        near = items.after if leftwards else items.before
        for column in reversed(order[:-1]) if leftwards else order[1:]:
            rank = ranks(order)
            column.sort(key=lambda item: _mean([rank[other] for other in near[item]], rank[item]))
        found = crossings(items, order)
        if found < least:
            best, least = [list(column) for column in order], found
    return best


def written(items: Items) -> list[int]:
    """The order in which the formula reaches each item, inputs first."""
    place = [-1] * len(items.sizes)
    stack, count = [(items.count - 1, False)], 0
    while stack:
        item, ready = stack.pop()
        if ready:
            if place[item] < 0:
                place[item] = count
                count += 1
        elif place[item] < 0:
            stack.append((item, True))
            stack.extend((other, False) for other in reversed(items.before[item]) if place[other] < 0)
    return place


def ranks(order: list[list[int]]) -> dict[int, float]:
    """Where each item stands in its column, from 0 at the top to 1."""
    return {item: (k + 0.5) / len(column) for column in order for k, item in enumerate(column)}


def crossings(items: Items, order: list[list[int]]) -> int:
    """How many pairs of lines cross."""
    found = 0
    for column in order[:-1]:
        ends: list[int] = []
        rank = {item: k for k, item in enumerate(order[items.columns[column[0]] + 1])}
        for item in column:
            targets = sorted(rank[other] for other in items.after[item])
            found += sum(len(ends) - bisect_right(ends, target) for target in targets)
            for target in targets:
                insort(ends, target)
    return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


# ── heights and widths ──────────────────────────────────────────────────────────────────────────────────────


def heights(items: Items, order: list[list[int]]) -> list[float]:
    """The y of every item: near those of its neighbours, in order, without overlap."""
    ys = [0.0] * len(items.sizes)
    for column in order:
        y = 0.0
        for item in column:
            y += items.sizes[item][1] / 2
            ys[item] = y
            y += items.sizes[item][1] / 2 + items.gap[1]
        for item in column:
            ys[item] -= y / 2
    for sweep in range(SETTLING):
        for column in order if sweep % 2 else reversed(order):
            wished = []
            for item in column:
                near = [*items.before[item], *items.after[item]]
                wished.append(_mean([ys[other] for other in near], ys[item]))
            for item, y in zip(column, settled(items, column, wished), strict=True):
                ys[item] = y
    for column in order:  # what is alone behind others stands straight behind them
        alone = [all(len(items.after[at]) == 1 for at in items.before[item]) for item in column]
        wished = [
            _mean([ys[at] for at in items.before[item]], ys[item]) if straight else ys[item]
            for item, straight in zip(column, alone, strict=True)
        ]
        for item, y in zip(column, settled(items, column, wished), strict=True):
            ys[item] = y
    for column in order:  # and an input straight before its only wire, where nothing else need move
        wished = [
            ys[items.after[item][0]] if not items.before[item] and len(items.after[item]) == 1 else ys[item]
            for item in column
        ]
        for item, y in zip(column, settled(items, column, wished), strict=True):
            ys[item] = y
    return ys


def settled(items: Items, column: list[int], wished: list[float]) -> list[float]:
    """The heights nearest to the wished ones, by least squares, that keep the order: pools of items that touch.

    Inputs give way to all others.
    """
    offsets, at = [], 0.0
    for k, item in enumerate(column):
        if k:
            at += (items.sizes[column[k - 1]][1] + items.sizes[item][1]) / 2 + items.gap[1]
        offsets.append(at)
    pools: list[tuple[float, float, int]] = []  # the mean of wish - offset, its weight, and how many items
    for item, wish, offset in zip(column, wished, offsets, strict=True):
        mean, weight, many = wish - offset, 1.0 if items.before[item] else LIGHT, 1
        while pools and pools[-1][0] > mean:
            other, heavy, count = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, many = weight + heavy, many + count
        pools.append((mean, weight, many))
    means = [mean for mean, _, many in pools for _ in range(many)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def widths(items: Items, order: list[list[int]], ys: list[float]) -> tuple[list[float], list[tuple[float, float]]]:
    """The x of every column, and its two sides; steep lines get more room."""
    xs, ends, at = [], [], 0.0
    for column in order:
        wide = max(items.sizes[item][0] for item in column)
        xs.append(at + wide / 2)
        ends.append((at, at + wide))
        rise = max([abs(ys[item] - ys[other]) for item in column for other in items.after[item]], default=0.0)
        at += wide + max(items.gap[0], min(WIDEST, STEEP * rise))
    return xs, ends
