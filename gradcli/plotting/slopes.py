"""How steep a curve is: its largest slope, and where the gradient vanishes.

A unit that saturates hands almost nothing of its upstream gradient on: sigmoid at most 0.25 of it, and less than 0.01
beyond |x| = 4.6, as the lecture says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradcli.plotting.breaks import Sampled, roundest
from gradcli.plotting.sampling import Array

VANISHING = 0.01
"""A slope that counts as vanishing."""

WIDE = 0.01
"""How wide a stretch is at least to be told, as a share of the range: x² is flat at a point, and saturates nowhere."""

EQUAL = 1e-9
"""How near slopes are, relatively, to be the same largest one."""

GROWS = 1.1
"""By how much a slope grows in the last look at all, twenty times as close as the one before, where it has no bound."""

CLOSE, LEVEL = 1e-12, 1e-7
"""How exactly the largest slope is found between samples, relatively; and where it is, as a share of the range."""

LOOKS, STEPS = ((64, 9), (16, 41), (4, 41), (1, 41), (1, 41), (1, 41)), 48
"""Of each look between samples how many places are looked at again, and at how many points; halvings of an end."""

TOPS = 4000
"""Samples larger than their neighbours that are looked at."""

TURNS, OFTEN, FEWEST = 1e-9, 1 / 6, 16
"""Steps of a slope that count, beside the largest slope; how many turns a sample are too many, of so many samples."""


class Stretch(NamedTuple):
    """A part of the range, from `low` to `high`."""

    low: float
    high: float


class Steepest(NamedTuple):
    """The largest |slope|: its size, and where it is; inf where it grows without bound.

    stretches: where it is the largest over whole stretches.   mirrored: whether it is as large on the other side of 0.
    seen: whether it is only the largest that was seen: the slope turns faster than it was sampled.
    """

    size: float
    at: float
    stretches: tuple[Stretch, ...] = ()
    mirrored: bool = False
    seen: bool = False


def steepest(function: Sampled, x: Array, slope: Array, beside: Array) -> Steepest | None:
    """The largest |slope| among finite samples, and between them; None where there is no sample.

    beside: x and slope of the points just beside breaks.   Shapes: x, slope (n,); beside (2, m).
    """
    size = _size(slope)
    if not len(x) or size.max() < 0:
        return None
    wide, sampled = float(x[-1] - x[0]), float(size.max())
    most, before, at = sampled, 0.0, float(x[int(size.argmax())])
    top = _tops(size)
    low, high = x[np.maximum(top - 1, 0)], x[np.minimum(top + 1, len(x) - 1)]
    for kept, points in LOOKS:
        before = most
        near = np.linspace(low, high, points, axis=-1)
        found = _size(function(near.ravel())[1]).reshape(near.shape)
        each = found.argmax(axis=1)
        rows = np.arange(len(near))
        k = int(found[rows, each].argmax())
        if found[k, each[k]] > most * (1 + 1e-13):
            most, at = float(found[k, each[k]]), float(near[k, each[k]])
        rows = np.argsort(-found[rows, each], kind="stable")[:kept]
        each = each[rows]
        low, high = near[rows, np.maximum(each - 1, 0)], near[rows, np.minimum(each + 1, points - 1)]
    if most > GROWS * before:
        return Steepest(inf, roundest(float(low[0]), float(high[0])))
    sides = _size(beside[1])
    if len(sides) and sides.max() > most:
        most, at = float(sides.max()), float(beside[0][sides.argmax()])
    if most != sampled:  # between samples: of a flat top a few digits less are known
        most, at = roundest(most * (1 - CLOSE), most * (1 + CLOSE)), roundest(at - LEVEL * wide, at + LEVEL * wide)
    if coarse(slope):
        return Steepest(most, at, seen=True)
    stretches = where(function, x, slope, lambda s: np.abs(s) >= most * (1 - EQUAL), 1e-6)
    if stretches:
        return Steepest(most, stretches[0].low, stretches)
    mirrored = (
        at != 0 and x[0] <= -at <= x[-1] and abs(float(_size(function(np.array([-at]))[1])[0]) - most) <= EQUAL * most
    )
    return Steepest(most, at, mirrored=bool(mirrored))


def _tops(size: Array) -> NDArray[np.intp]:
    """The samples that are as large as their neighbours, and larger than one of them; the largest first.

    The largest of all is always there: of many equal ones the first.
    """
    before, after = np.append(-inf, size[:-1]), np.append(size[1:], -inf)
    found = np.flatnonzero((size >= before) & (size >= after) & ((size > before) | (size > after)))
    found = found[np.argsort(-size[found], kind="stable")][:TOPS]
    best = int(size.argmax())
    return np.append(best, found[found != best])


def coarse(slope: Array) -> bool:
    """Whether a slope turns so often that samples may have missed what is between them.

    Turns that are nothing beside the largest slope are rounding.
    """
    found = slope[np.isfinite(slope)]
    if len(found) < FEWEST:
        return False
    with np.errstate(over="ignore"):
        steps = np.diff(found)
    rising = steps[np.abs(steps) > TURNS * np.abs(found).max()] > 0
    return int((rising[1:] != rising[:-1]).sum()) > OFTEN * len(found)


def _size(slope: Array) -> Array:
    found: Array = np.where(np.isfinite(slope), np.abs(slope), -1.0)
    return found


def parted(stretches: tuple[Stretch, ...], places: Sequence[float]) -> tuple[Stretch, ...]:
    """Stretches cut where a function jumps or has a kink: a slope holds on either side, and not there."""
    found = []
    for each in stretches:
        ends = [each.low, *sorted(at for at in places if each.low < at < each.high), each.high]
        found += [Stretch(*pair) for pair in pairwise(ends)]
    return tuple(found)


def vanishing(function: Sampled, x: Array, slope: Array) -> tuple[Stretch, ...]:
    """The stretches where |slope| < VANISHING."""
    return where(function, x, slope, lambda s: np.abs(s) < VANISHING)


def where(
    function: Sampled, x: Array, slope: Array, holds: Callable[[Array], NDArray[np.bool_]], loose: float = 0.0
) -> tuple[Stretch, ...]:
    """The wide stretches in which something holds of the slope, their ends found by halving.

    loose: how far an end may be moved to a round number, as a share of the range.
    """
    with np.errstate(all="ignore"):
        truth = holds(slope)
        turns = np.flatnonzero(truth[1:] != truth[:-1])
        true, false = x[np.where(truth[turns], turns, turns + 1)], x[np.where(truth[turns], turns + 1, turns)]
        for _ in range(STEPS if len(turns) else 0):
            m = true + (false - true) / 2
            here = holds(function(m)[1])
            true, false = np.where(here, m, true), np.where(here, false, m)
    play = loose * float(x[-1] - x[0])
    bounds = [roundest(min(a, b) - play, max(a, b) + play) for a, b in zip(true.tolist(), false.tolist(), strict=True)]
    if len(x) and truth[0]:
        bounds.insert(0, float(x[0]))
    if len(bounds) % 2:
        bounds.append(float(x[-1]))
    found = (Stretch(*pair) for pair in zip(bounds[::2], bounds[1::2], strict=True))
    return tuple(each for each in found if each.high - each.low >= WIDE * (x[-1] - x[0]))
