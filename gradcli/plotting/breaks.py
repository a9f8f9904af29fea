"""Where a line must not be joined: kinks of a function, jumps, poles, and the ends of its domain.

Two neighbouring samples are halved towards whatever sets them apart, in value or in slope. Of a smooth function nothing
is left of the difference after a few dozen halvings; of a jump, a kink or a pole all of it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradcli.plotting.sampling import Array

Sampled = Callable[[Array], tuple[Array, ...]]
"""Points → values and slopes."""

STEPS, EARLIER = 40, 20
"""Halvings in all, and those after which a first look is taken: what goes on changing after it, diverges."""

LEFT = {4: 0.1, 8: 0.02}
"""How much of a difference is left after so many halvings, at least, to go on: of a smooth one 1/16 and 1/256 are."""

SMALL = 1e-6
"""A difference that nobody sees, as a share of all that the samples span."""

LASTING = 0.5
"""How much of the difference that there was EARLIER is left of a jump or a kink, at least."""

GROWS = 0.05
"""How much a value grows from the EARLIER look to the last where it is unbounded, as a share of what samples span."""

NEAR = 1e-11
"""How wide a gap is that counts as one point, as a share of the range."""

MOST_LOST = 200
"""Samples without a finite slope that are looked at."""

KINDS = ("pole", "jump", "hole", "kink")
"""What a break can be; of two at one place the first counts."""


class Side(NamedTuple):
    """A function just beside a break."""

    x: float
    value: float
    slope: float


class Break(NamedTuple):
    """A place where the value (pole, jump, hole) or only the slope (kink) is not continuous."""

    kind: str
    at: float
    left: Side
    right: Side


class Gap(NamedTuple):
    """Where a function has no finite value: from `low` to `high`, an end of the range where nothing bounds it.

    open: whether an end itself does not belong to it.   lost: whether the value is no number, and not just too large.
    """

    low: float
    high: float
    low_open: bool
    high_open: bool
    lost: bool


class Breaks(NamedTuple):
    """All that was found; `edges` are the last finite points beside gaps; `unbounded` where the value grows there."""

    breaks: tuple[Break, ...]
    gaps: tuple[Gap, ...]
    edges: tuple[Side, ...]
    unbounded: tuple[float, ...]


class Bracket(NamedTuple):
    """A pair of points between which something happens, and the pair it was EARLIER.

    hit: the value exactly between them, where it is not finite.
    """

    left: Side
    right: Side
    before: tuple[Side, Side]
    hit: float | None = None


def find(function: Sampled, x: Array, value: Array, slope: Array, most: int = 2000) -> Breaks:
    """Every break between neighbouring samples; of more than `most` places that may be one, the likeliest."""
    scales = _Scale(value), _Scale(slope)
    found = _bent(function, x, value, slope, scales[1])
    for which, column in enumerate((value, slope)):
        pairs = _apart(column, scales[which].small, most)
        found += _classified(_halved(function, x, value, slope, pairs, which, scales[which].small), *scales)
    gaps, points, edges, unbounded = _gaps(function, x, value, scales[0])
    ends = {end for gap in gaps for end in (gap.low, gap.high)}
    inner = [each for each in found if each.kind != "kink" or each.at not in ends]
    return Breaks(_merged([*inner, *points], (x[-1] - x[0]) / len(x) / 1e3), gaps, edges, unbounded)


class _Scale:
    """How far samples reach, leaving out the wildest; what is small beside it."""

    def __init__(self, column: Array) -> None:
        sound = np.sort(column[np.isfinite(column)])
        trimmed = sound[len(sound) // 20 : len(sound) - len(sound) // 20]
        self.span = float(trimmed[-1] - trimmed[0]) if len(trimmed) else 0.0
        if self.span == 0 and len(sound):
            self.span = float(sound[-1] - sound[0])
        largest = float(np.abs(trimmed).max()) if len(trimmed) else 0.0
        self.span = self.span if isfinite(self.span) else 1e300
        self.small = max(SMALL * self.span, 64 * np.finfo(float).eps * largest)


def _apart(column: Array, small: float, most: int) -> NDArray[np.intp]:
    """The positions of samples that differ from the next one, the most different first."""
    with np.errstate(all="ignore"):
        distance = np.abs(np.diff(column))
    pairs = np.flatnonzero(np.isfinite(distance) & (distance > small))
    return pairs[np.argsort(-distance[pairs], kind="stable")][:most]


def _halved(
    function: Sampled, x: Array, value: Array, slope: Array, pairs: NDArray[np.intp], which: int, small: float
) -> list[Bracket]:
    """Brackets around what sets samples apart, in value (0) or in slope (1); none where halving leaves nothing."""
    columns, row = np.stack([x, value, slope]), 1 + which
    a, b = columns[:, pairs], columns[:, pairs + 1]
    before_a, before_b = a, b
    first = np.abs(b[row] - a[row])
    hits: list[Bracket] = []
    with np.errstate(all="ignore"):
        for step in range(STEPS):
            if not a.size:
                break
            if step == EARLIER:
                before_a, before_b = a, b
            middle = np.stack([(m := a[0] + (b[0] - a[0]) / 2), *function(m)])
            lost = ~np.isfinite(middle[row])
            hits += _hits(function, middle[:, lost], (b[0] - a[0])[lost])
            near = np.abs(middle[row] - a[row]) >= np.abs(b[row] - middle[row])
            a, b = np.where(near, a, middle), np.where(near, middle, b)
            kept = ~lost & (np.abs(b[row] - a[row]) > np.maximum(small, LEFT.get(step, 0) * first))
            a, b, before_a, before_b = (each[:, kept] for each in (a, b, before_a, before_b))
            first = first[kept]
    if not a.size:
        return hits
    sides = (_sides(each) for each in (a, b, before_a, before_b))
    return hits + [Bracket(left, right, (p, q)) for left, right, p, q in zip(*sides, strict=True)]


def _hits(function: Sampled, middle: Array, width: Array) -> list[Bracket]:
    """Brackets around points that have no finite value, or slope."""
    if not middle.size:
        return []
    m = middle[0]
    far, near = (np.maximum(width * 2.0**-n, np.abs(m) * 2.0**-50) for n in (EARLIER, STEPS))
    sides = (_sides(np.stack([at, *function(at)])) for at in (m - near, m + near, m - far, m + far))
    return [
        Bracket(left, right, (p, q), None if isfinite(value) else value)
        for left, right, p, q, value in zip(*sides, middle[1].tolist(), strict=True)
    ]


def _sides(columns: Array) -> list[Side]:
    return [Side(*row) for row in columns.T.tolist()]


def _classified(brackets: Iterable[Bracket], values: _Scale, slopes: _Scale) -> list[Break]:
    """What each bracket holds; what halving would have left nothing of, had it gone on, is left out."""
    found = []
    for bracket in brackets:
        left, right, before, hit = bracket
        apart, bent = abs(right.value - left.value), abs(right.slope - left.slope)
        kind = ""
        if not (isfinite(left.value) and isfinite(right.value)) or _diverges(bracket, values):
            kind = "pole"
        elif apart > values.small and apart > LASTING * abs(before[1].value - before[0].value):
            kind = "jump"
        elif hit is not None:
            kind = "hole"
        elif bent > slopes.small and not bent <= LASTING * abs(before[1].slope - before[0].slope):
            kind = "kink"
        if kind:
            found.append(Break(kind, roundest(left.x, right.x), left, right))
    return found


def _diverges(bracket: Bracket, values: _Scale) -> bool:
    """Whether the value goes on growing, the nearer the more."""
    pairs = list(zip((bracket.left, bracket.right), bracket.before, strict=True))
    farther = max(abs(near.value) for near, _ in pairs) > max(abs(far.value) for _, far in pairs)
    return farther and max(abs(near.value - far.value) for near, far in pairs) > GROWS * values.span


def _bent(function: Sampled, x: Array, value: Array, slope: Array, slopes: _Scale) -> list[Break]:
    """The samples that have a value but no finite slope, and different slopes on either side."""
    lost = np.isfinite(value) & ~np.isfinite(slope)
    lost[[0, -1]] = False
    points = np.flatnonzero(lost)[:MOST_LOST]
    found = _hits(function, np.stack([x[points], value[points], slope[points]]), x[points + 1] - x[points - 1])
    return [
        Break("kink", roundest(left.x, right.x), left, right)
        for left, right, *_ in found
        if abs(right.slope - left.slope) > slopes.small
    ]


# ── where the value is not finite ───────────────────────────────────────────────────────────────────────────


def _gaps(
    function: Sampled, x: Array, value: Array, values: _Scale
) -> tuple[tuple[Gap, ...], list[Break], tuple[Side, ...], tuple[float, ...]]:
    """The stretches without a finite value, single points of them as breaks, the edges, and where they are poles."""
    sound = np.isfinite(value)
    turns = np.flatnonzero(sound[1:] != sound[:-1])
    if not len(turns):
        whole = Gap(float(x[0]), float(x[-1]), False, False, bool(np.isnan(value).any()))
        return () if sound.all() else (whole,), [], (), ()
    rising = sound[turns + 1]  # from a gap to finite values
    inside, outside = x[np.where(rising, turns + 1, turns)], x[np.where(rising, turns, turns + 1)]
    before = np.zeros(len(turns))
    for step in range(STEPS + 12):
        m = inside + (outside - inside) / 2
        found = function(m)[0]
        finite = np.isfinite(found)
        inside, outside = np.where(finite, m, inside), np.where(finite, outside, m)
        if step == EARLIER:
            before = function(inside)[0]
    ends = _sides(np.stack([inside, *function(inside)]))
    gaps: list[Gap] = []
    points: list[Break] = []
    unbounded = []
    starts = [None, *range(len(turns))] if len(sound) and not sound[0] else list(range(len(turns)))
    for k in starts:
        if k is not None and rising[k]:
            continue
        after = 0 if k is None else k + 1
        after = after if after < len(turns) else None
        low, low_in = (float(x[0]), True) if k is None else _bound(function, ends[k].x, float(outside[k]))
        high, high_in = (
            (float(x[-1]), True) if after is None else _bound(function, float(outside[after]), ends[after].x)
        )
        grows = [i for i in (k, after) if i is not None and abs(ends[i].value) > abs(before[i]) + GROWS * values.span]
        narrow = high - low <= NEAR * (x[-1] - x[0])
        if narrow and k is not None and after is not None:
            points.append(Break("pole" if grows else "hole", roundest(low, high), ends[k], ends[after]))
            continue
        unbounded += [high if i == after else low for i in grows]
        if narrow:
            continue
        middle = function(np.linspace(low, high, 7)[1:-1])[0]
        gaps.append(Gap(low, high, not low_in, not high_in, bool(np.isnan(middle).any())))
    return tuple(gaps), points, tuple(ends), tuple(unbounded)


def _bound(function: Sampled, a: float, b: float) -> tuple[float, bool]:
    """Where a gap begins or ends, as a round number, and whether that point is in the gap."""
    at = roundest(min(a, b), max(a, b))
    return at, not bool(np.isfinite(function(np.array([at]))[0][0]))


def _merged(breaks: list[Break], near: float) -> tuple[Break, ...]:
    """The breaks from left to right, those at one place as one."""
    merged: list[Break] = []
    for each in sorted(breaks, key=lambda one: one.at):
        if merged and each.at - merged[-1].at <= near:
            last = merged.pop()
            left, right = min(last.left, each.left), max(last.right, each.right)
            first = min(last, each, key=lambda one: KINDS.index(one.kind))
            each = Break(first.kind, roundest(left.x, right.x), left, right)  # noqa: PLW2901 - the two as one
        merged.append(each)
    return tuple(merged)


def roundest(low: float, high: float) -> float:
    """The number with the fewest digits from low to high.

    >>> roundest(-1e-17, 3e-17), roundest(0.2999999999, 0.3000000001)
    (0.0, 0.3)
    """
    if low <= 0 <= high:
        return 0.0
    middle = low + (high - low) / 2
    for digits in range(17):
        found = float(f"{middle:.{digits}e}")
        if low <= found <= high:
            return found
    return middle
