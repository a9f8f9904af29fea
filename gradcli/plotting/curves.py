"""A function of one variable along its range: samples, lines to be drawn, breaks, tangents, saturation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isfinite, nan
from typing import NamedTuple

import numpy as np

from gradcli.notes import at_kinks
from gradcli.plotting.axes import Axis
from gradcli.plotting.breaks import Break, Breaks, find
from gradcli.plotting.sampling import Array, Function
from gradcli.plotting.slopes import Steepest, Stretch, coarse, parted, steepest, vanishing

SAMPLES = 1201
"""Points of a line; an odd number, so that the middle of the range is one of them."""

DENSE = 19_997
"""Points at which a quick function is looked at besides, for slopes that turn faster than SAMPLES show."""

LISTED = 241
"""Points that are listed where nobody asked for a step."""

LARGEST = 1000
"""Nodes of a graph up to which breaks are looked for between the samples."""

DEVIATES = 2e-3
"""How far a line may be from its chord's tangents between two samples, as a share of what they span."""

FINER, MOST_FINER = 16, {True: 3000, False: 200}
"""Times that samples are halved where a line deviates, and how many are added at most; fewer of a slow function."""

PAIRS = {True: 2000, False: 16}
"""Neighbouring samples between which breaks are looked for."""

BEYOND = 1e305
"""Values are seen up to here: differences of larger ones, and their multiples, are no doubles."""

FARTHEST = 8e307
"""Lines go on up to here: they leave the picture."""

Line = tuple[Array, Array]
"""x and y of points that are joined."""


class Tangent(NamedTuple):
    """The tangent at a point; `sides`: the slopes on either side of a kink that is there, or of a jump."""

    at: float
    value: float
    slope: float
    sides: tuple[float, float] | None = None
    jump: bool = False

    @property
    def broken(self) -> bool:
        """Whether it stands at a jump, or the slopes beside it are others, so that there is no tangent."""
        return self.jump or (self.sides is not None and not self.sides[0] == self.sides[1] == self.slope)

    @property
    def exists(self) -> bool:
        """Whether there is a finite value and a finite slope."""
        return isfinite(self.value) and isfinite(self.slope)

    def along(self, x: Array) -> Array:
        """The heights of the tangent."""
        found: Array = self.value + self.slope * (x - self.at)
        return found


class Curve(NamedTuple):
    """A function of one variable.

    name: as it was asked for.   x, value, slope: the samples, and with them the points just beside breaks.
    listed: how many points, and at which, machine formats have.   searched: whether breaks were looked for.
    steepest: None where no slope is finite.   vanishing: where |slope| < 0.01.
    conventions: what is taken for the slope at kinks, in words.
    """

    name: str
    axis: Axis
    x: Array
    value: Array
    slope: Array
    even: tuple[Array, Array]
    listed: tuple[Array, Array, Array]
    found: Breaks
    steepest: Steepest | None
    vanishing: tuple[Stretch, ...]
    tangents: tuple[Tangent, ...] = ()
    conventions: tuple[str, ...] = ()
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

    def exceeds(self, *, slope: bool = False) -> bool:
        """Whether some finite heights are larger than what is seen, and not only towards a pole."""
        heights = self.slope if slope else self.value
        unbound = self.boundless if slope else bool(self.poles)
        return not unbound and bool((np.abs(heights[np.isfinite(heights)]) > BEYOND).any())

    def lines(self, *, slope: bool = False) -> Iterator[Line]:
        """The pieces that are joined, of the function or of its derivative; a piece may be one point."""
        y = np.clip(self.slope if slope else self.value, -FARTHEST, FARTHEST)
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
        boundless = self.boundless if slope else bool(self.poles)
        loose = any(each.kind == "hole" for each in self.found.breaks)
        heights = self.even[slope] if boundless or loose else self.slope if slope else self.value
        heights = heights[np.isfinite(heights)]
        if not len(heights) or np.abs(heights).min() > BEYOND:
            return None
        heights = np.clip(heights, -BEYOND, BEYOND)
        if not boundless:
            return float(heights.min()), float(heights.max())
        low, middle, high = np.quantile(heights, [0.08, 0.5, 0.92])
        spread = 1.25 * (high - low) or abs(middle) or 1.0
        return float(max(heights.min(), middle - spread)), float(min(heights.max(), middle + spread))


def curve(name: str, function: Function, axis: Axis, at: Sequence[float] = (), *, listing: bool = True) -> Curve:
    """A function along an axis, with its tangents at some points.

    listing: whether the points for machine formats are wanted too.

    Errors: of the engine; LimitError for a graph that is too large even for a few points.
    """
    x = axis.spread(function.affordable(SAMPLES))
    listed = axis.points(function.affordable(LISTED)) if listing else x[:0]
    value, slope = function(x)
    searched = len(function.graph) <= LARGEST
    found = find(function, x, value, slope, most=PAIRS[function.quick]) if searched else NOTHING
    beside = [side for each in found.breaks for side in (each.left, each.right)]
    points = np.array([*beside, *found.edges], dtype=np.float64).reshape(-1, 3)
    points = points[(points[:, 0] >= axis.low) & (points[:, 0] <= axis.high)]
    firm = np.array(
        [side for each in found.breaks if each.kind in ("kink", "jump") for side in (each.left, each.right)]
    )
    even = value, np.where(np.isfinite(slope), slope, np.nan)
    cuts = [each.at for each in found.breaks]
    places = [each.at for each in found.breaks] + [side.x for side in found.edges]
    columns = (
        finer(function, np.stack([x, value, slope]), np.array(places)) if searched else np.stack([x, value, slope])
    )
    dense = denser(function, axis, columns) if searched else columns
    rapid = coarse(slope) or coarse(dense[2])
    columns = dense if rapid else columns
    steep = steepest(function, dense[0], dense[2], firm.reshape(-1, 3)[:, ::2].T) if searched else None
    columns = np.concatenate([columns, points.T], axis=1)
    _, order = np.unique(columns[0], return_index=True)
    x, value, slope = columns[:, order]
    slope = np.where(np.isfinite(slope), slope, np.nan)
    flat = vanishing(function, x, slope) if searched and not (steep and steep.seen) else ()
    if steep is not None:
        steep = steep._replace(stretches=parted(steep.stretches, cuts))
    flat = parted(flat, cuts)
    tangents = tuple(tangent(function, point, found.breaks) for point in at)
    rows = (listed, *function(listed)) if listing else (listed, listed, listed)
    said = conventions(function, found.breaks)
    return Curve(
        name, axis, x, value, slope, even, (rows[0], rows[1], rows[2]), found, steep, flat, tangents, said, searched
    )


def denser(function: Function, axis: Axis, columns: Array) -> Array:
    """Samples with evenly spread ones among them, many times as many, at other places: of a quick function.

    What repeats itself from sample to sample looks level; it does not at these.

    Shapes: x, value and slope, (3, n) → (3, m).
    """
    if not function.quick:
        return columns
    x = axis.spread(function.affordable(DENSE))
    joined = np.concatenate([columns, np.stack([x, *function(x)])], axis=1)
    _, order = np.unique(joined[0], return_index=True)
    return joined[:, order]


def finer(function: Function, columns: Array, breaks: Array) -> Array:
    """Samples with more of them between two where the line bends, and no break stands between them.

    Shapes: x, value and slope, (3, n) → (3, m).
    """
    added = 0
    with np.errstate(all="ignore"):
        sound = np.isfinite(columns[1])
        span = np.quantile(columns[1][sound], 0.95) - np.quantile(columns[1][sound], 0.05) if sound.any() else 0.0
        for _ in range(FINER):
            x, value, slope = columns
            rough = np.abs(np.diff(value) - np.diff(x) * (slope[1:] + slope[:-1]) / 2) > DEVIATES * span
            whole = np.searchsorted(breaks, x[:-1], "left") == np.searchsorted(breaks, x[1:], "right")
            bent = np.flatnonzero(rough & whole)[: max(0, MOST_FINER[function.quick] - added)]
            middle = x[bent] + np.diff(x)[bent] / 2
            fresh = (middle > x[bent]) & (middle < x[bent + 1])
            if not fresh.any():
                break
            at, points = bent[fresh], middle[fresh]
            columns = np.insert(columns, at + 1, np.stack([points, *function(points)]), axis=1)
            added += len(points)
    return columns


NOTHING = Breaks((), (), (), ())


def conventions(function: Function, breaks: Sequence[Break]) -> tuple[str, ...]:
    """What the table says is taken for the slope at the first of the kinks."""
    for each in breaks:
        if each.kind == "kink":
            return tuple(at_kinks(function.gradients(each.at)))
    return ()


def tangent(function: Function, at: float, breaks: Sequence[Break] = ()) -> Tangent:
    """The tangent at a point; nan where the function has no finite value or slope there."""
    value, slope = (float(column[0]) for column in function(np.array([at])))
    near = [each for each in breaks if each.left.x <= at <= each.right.x]
    if any(each.kind == "pole" for each in near):
        return Tangent(at, inf, nan)
    sides = (near[0].left.slope, near[0].right.slope) if near else None
    return Tangent(at, value, slope, sides, any(each.kind == "jump" for each in near))
