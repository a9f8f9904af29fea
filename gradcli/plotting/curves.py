"""A function of one variable along its range: samples, lines to be drawn, breaks, tangents, saturation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from gradcli.errors import LimitError
from gradcli.plotting.axes import Axis
from gradcli.plotting.breaks import Break, Breaks, find
from gradcli.plotting.sampling import Array, Function
from gradcli.plotting.slopes import Steepest, Stretch, steepest, vanishing

SAMPLES = 1201
"""Points of a line; an odd number, so that the middle of the range is one of them."""

LISTED = 241
"""Points that are listed where nobody asked for a step."""

LARGEST = 1000
"""Nodes of a graph up to which breaks are looked for between the samples."""

BEYOND = 1e300
"""Values are drawn up to here."""

Line = tuple[Array, Array]
"""x and y of points that are joined."""


class Tangent(NamedTuple):
    """The tangent at a point; `sides`: the slopes on either side of a kink that is there."""

    at: float
    value: float
    slope: float
    sides: tuple[float, float] | None = None

    def along(self, x: Array) -> Array:
        """The heights of the tangent."""
        found: Array = self.value + self.slope * (x - self.at)
        return found


class Curve(NamedTuple):
    """A function of one variable.

    name: as it was asked for.   x, value, slope: the samples, and with them the points just beside breaks.
    listed: how many points, and at which, machine formats have.   searched: whether breaks were looked for.
    steepest: None where no slope is finite.   vanishing: where |slope| < 0.01.
    """

    name: str
    axis: Axis
    x: Array
    value: Array
    slope: Array
    listed: tuple[Array, Array, Array]
    found: Breaks
    steepest: Steepest | None
    vanishing: tuple[Stretch, ...]
    tangents: tuple[Tangent, ...] = ()
    searched: bool = True

    @property
    def defined(self) -> bool:
        """Whether the function has a finite value anywhere."""
        return bool(np.isfinite(self.value).any())

    @property
    def poles(self) -> tuple[float, ...]:
        """Where the value grows without bound."""
        return tuple(each.at for each in self.found.breaks if each.kind == "pole") + self.found.unbounded

    @property
    def boundless(self) -> bool:
        """Whether the slope grows without bound somewhere."""
        return bool(self.poles) or (self.steepest is not None and self.steepest.size == inf)

    def lines(self, *, slope: bool = False) -> Iterator[Line]:
        """The pieces that are joined, of the function or of its derivative; a piece may be one point."""
        y = np.clip(self.slope if slope else self.value, -BEYOND, BEYOND)
        y = np.where(np.isfinite(self.slope if slope else self.value), y, np.nan)
        cut = np.isnan(y[1:]) | np.isnan(y[:-1])
        for each in self.found.breaks:
            if slope or each.kind != "kink":
                first, last = np.searchsorted(self.x, [each.left.x, each.right.x])
                cut[first : max(last, first + 1)] = True
        for piece in np.split(np.arange(len(y)), np.flatnonzero(cut) + 1):
            if not np.isnan(y[piece]).any():
                yield self.x[piece], y[piece]

    def reach(self, *, slope: bool = False) -> tuple[float, float] | None:
        """From where to where the heights go that should be seen: poles reach farther. None where there are none."""
        beside = {side.x for each in self.found.breaks for side in (each.left, each.right)}
        beside |= {side.x for side in self.found.edges}
        y = self.slope if slope else self.value
        kept = np.isfinite(y) & ~np.isin(self.x, list(beside)) if slope or self.poles else np.isfinite(y)
        heights = np.clip(y[kept if kept.any() else np.isfinite(y)], -BEYOND, BEYOND)
        if not len(heights):
            return None
        if not (self.boundless if slope else self.poles):
            return float(heights.min()), float(heights.max())
        low, middle, high = np.quantile(heights, [0.05, 0.5, 0.95])
        spread = 1.5 * (high - low) or abs(middle) or 1.0
        return float(max(heights.min(), middle - spread)), float(min(heights.max(), middle + spread))


def curve(name: str, function: Function, axis: Axis, at: Sequence[float] = (), *, samples: int = SAMPLES) -> Curve:
    """A function along an axis, with its tangents at some points.

    Errors: of the engine; LimitError for a graph that is too large even for a few points.
    """
    if function.cost * 61 > MOST_WORK:
        raise LimitError("the graph is too large to be drawn: it is run once for each point")
    x = axis.spread(function.affordable(samples))
    listed = axis.points(function.affordable(LISTED))
    value, slope = function(x)
    searched = len(function.graph) <= LARGEST
    found = find(function, x, value, slope, most=function.affordable(2000, least=7)) if searched else NOTHING
    beside = [side for each in found.breaks for side in (each.left, each.right)]
    points = np.array([*beside, *found.edges], dtype=np.float64).reshape(-1, 3)
    points = points[(points[:, 0] >= axis.low) & (points[:, 0] <= axis.high)]
    columns = np.concatenate([np.stack([x, value, slope]), points.T], axis=1)
    _, order = np.unique(columns[0], return_index=True)
    x, value, slope = columns[:, order]
    slope = np.where(np.isfinite(slope), slope, np.nan)
    steep = steepest(function, x, slope) if searched else None
    flat = vanishing(function, x, slope) if searched else ()
    tangents = tuple(tangent(function, point, found.breaks) for point in at)
    rows = (listed, *function(listed))
    return Curve(name, axis, x, value, slope, (rows[0], rows[1], rows[2]), found, steep, flat, tangents, searched)


MOST_WORK = 1_000_000_000
"""Numbers that the fewest points may make together."""

NOTHING = Breaks((), (), (), ())


def tangent(function: Function, at: float, breaks: Sequence[Break] = ()) -> Tangent:
    """The tangent at a point; nan where the function has no finite value or slope there."""
    value, slope = (float(column[0]) for column in function(np.array([at])))
    near = [each for each in breaks if each.kind != "pole" and each.left.x <= at <= each.right.x]
    sides = (near[0].left.slope, near[0].right.slope) if near else None
    return Tangent(at, value, slope, sides)
