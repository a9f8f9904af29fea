"""Where the boxes and wires of a picture stand, for formats that lay nothing out: in columns from left to right.

Each wire is an item of its own, between the columns of its boxes. A tree keeps the order of its formulas and no line
crosses another; in other graphs lines may.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gradcli.picture import Picture

SWEEPS = 6
"""How often items are moved towards their neighbours, where some are shared."""


class Spot(NamedTuple):
    """The centre of an item; y grows downwards."""

    x: float
    y: float


def place(picture: Picture, sizes: Sequence[tuple[float, float]], gap: tuple[float, float]) -> list[Spot]:
    """The centres of the boxes, then of the wires.

    sizes: width and height of each, in this order.   gap: the least distance between two, across and down.
    """
    count, wires = len(picture.boxes), picture.wires
    before: list[list[int]] = [[] for _ in sizes]
    after: list[list[int]] = [[] for _ in sizes]
    for k, wire in enumerate(wires):
        for start, end in ((wire.start, count + k), (count + k, wire.end)):
            before[end].append(start)
            after[start].append(end)
    columns = _columns(picture, after)
    heights = [height + gap[1] for _, height in sizes]
    ys = _rows(before, heights, count - 1)
    inside: dict[int, list[int]] = {}
    for item, column in enumerate(columns):
        inside.setdefault(column, []).append(item)
    if any(len(each) > 1 for each in after):
        for _ in range(SWEEPS):
            around = [(*before[item], *after[item]) for item in range(len(sizes))]
            wished = [
                sum(ys[other] for other in near) / len(near) if near else y for near, y in zip(around, ys, strict=True)
            ]
            for items in inside.values():
                _apart(items, wished, heights)
            ys = wished
    else:
        for items in inside.values():
            _apart(items, ys, heights)
    xs, at = {}, 0.0
    for column in sorted(inside):
        wide = max(sizes[item][0] for item in inside[column])
        xs[column] = at + wide / 2
        at += wide + gap[0]
    return [Spot(xs[column], y) for column, y in zip(columns, ys, strict=True)]


def _columns(picture: Picture, after: Sequence[Sequence[int]]) -> list[int]:
    """The column of each item: as far to the right as what it leads to allows."""
    count = len(picture.boxes)
    left = [0] * (count + len(picture.wires))
    entering: list[list[int]] = [[] for _ in picture.boxes]
    for k, wire in enumerate(picture.wires):
        entering[wire.end].append(count + k)
    for box in range(count - 1, -1, -1):  # a wire leads from a box to a later one
        left[box] = max([left[item] + 1 for item in after[box]], default=0)
        for item in entering[box]:
            left[item] = left[box] + 1
    most = max(left)
    return [most - each for each in left]


def _rows(before: Sequence[Sequence[int]], heights: Sequence[float], last: int) -> list[float]:
    """Leaves one below the other in the order of the formula; whatever is made of others, between them."""
    ys = [0.0] * len(before)
    done = bytearray(len(before))
    cursor = 0.0
    stack = [(last, False)]
    while stack:
        item, ready = stack.pop()
        if done[item]:
            continue
        if ready:
            ys[item] = sum(ys[other] for other in before[item]) / len(before[item])
            done[item] = 1
        elif before[item]:
            stack.append((item, True))
            stack.extend((other, False) for other in reversed(before[item]) if not done[other])
        else:
            ys[item] = cursor
            cursor += heights[item]
            done[item] = 1
    return ys


def _apart(items: list[int], ys: list[float], heights: Sequence[float]) -> None:
    """Move the items of a column apart where they overlap, without moving them all to one side."""
    items.sort(key=ys.__getitem__)
    wished = [ys[item] for item in items]
    for upper, lower in pairwise(items):
        ys[lower] = max(ys[lower], ys[upper] + (heights[upper] + heights[lower]) / 2)
    moved = sum(ys[item] - wish for item, wish in zip(items, wished, strict=True)) / len(items)
    for item in items:
        ys[item] -= moved
