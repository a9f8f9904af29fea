"""A function of two variables on a grid, and its gradient there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradcli.errors import LimitError
from gradcli.plotting.axes import MOST, Axis
from gradcli.plotting.sampling import Array, Function

FINE, COARSE = 161, 41
"""Points an axis: of a picture, and of a list where nobody asked for a step."""

LEVELS = 14
"""Contour lines, at most."""


class Field(NamedTuple):
    """A function of two variables: its values and both derivatives on a grid.

    rounds: points at round numbers of both axes, and the values there: where minima of textbooks lie.

    Shapes: x (n,), y (m,); value, dx, dy (m, n); rounds (3, k).
    """

    name: str
    axes: tuple[Axis, Axis]
    x: Array
    y: Array
    value: Array
    dx: Array
    dy: Array
    rounds: Array = np.empty((3, 0))

    @property
    def defined(self) -> bool:
        """Whether the function has a finite value anywhere."""
        return bool(np.isfinite(self.value).any())

    @property
    def undefined(self) -> float:
        """The share of the grid without a finite value."""
        return float(1 - np.isfinite(self.value).mean())

    @property
    def size(self) -> Array:
        """The length of the gradient; the largest double where that is no double, and both derivatives are."""
        with np.errstate(over="ignore"):
            found = np.hypot(self.dx, self.dy)
        sound = np.isfinite(self.dx) & np.isfinite(self.dy)
        held: Array = np.where(sound, np.minimum(found, np.finfo(np.float64).max), found)
        return held

    def extreme(self, *, highest: bool = False) -> tuple[float, float, float]:
        """The smallest value that was seen, or the largest, and where: (value, x, y)."""
        grid = np.stack([each.ravel() for each in (*np.meshgrid(self.x, self.y), self.value)])
        x, y, value = np.concatenate([self.rounds, grid], axis=1)  # of equal values the one at round numbers
        finite = np.where(np.isfinite(value), value, -np.inf if highest else np.inf)
        best = int(finite.argmax() if highest else finite.argmin())
        return float(finite[best]), float(x[best]), float(y[best])

    def levels(self, count: int = LEVELS) -> list[float]:
        """Heights that part the grid into equally large regions, rounded as far as that keeps them apart.

        A function such as (1-x)²+100(y-x²)² is steep nearly everywhere: of evenly spaced heights none would lie in its
        valley.
        """
        finite = np.sort(self.value[np.isfinite(self.value)].ravel())
        if not len(finite) or finite[0] == finite[-1]:
            return []
        less = 1 / 16 if max(-finite[0], finite[-1]) > 1e300 else 1.0  # differences of the largest are no doubles
        found = np.unique(np.quantile(finite * less, np.linspace(0, 1, count + 2)[1:-1]) / less).tolist()
        for digits in (1, 2, 3):
            rounded = sorted({float(f"{level:.{digits}e}") for level in found})
            if len(rounded) == len(found):
                found = rounded
                break
        return [level for level in found if finite[0] < level < finite[-1]]


def field(name: str, function: Function, axes: tuple[Axis, Axis], counts: tuple[int, int] | None = None) -> Field:
    """A function on a grid: on the points that the axes' steps ask for, or on so many.

    Errors: of the engine; LimitError.
    """
    if counts is None:
        least = function.affordable(COARSE * COARSE)
        counts = (COARSE, COARSE) if least >= COARSE * COARSE else (max(7, int(least**0.5)),) * 2
        x, y = (axis.points(count) for axis, count in zip(axes, counts, strict=True))
    else:
        share = (function.affordable(counts[0] * counts[1]) / (counts[0] * counts[1])) ** 0.5
        x, y = (axis.spread(max(7, int(count * min(share, 1)))) for axis, count in zip(axes, counts, strict=True))
    if len(x) * len(y) > MOST:
        raise LimitError(f"{len(x):,} × {len(y):,} points, and {MOST:,} are the most together")
    across, along = np.meshgrid(x, y)
    found = [column.reshape(across.shape) for column in function(across.ravel(), along.ravel())]
    return Field(name, axes, x, y, found[0], found[1], found[2], rounds(function, axes))


def rounds(function: Function, axes: tuple[Axis, Axis]) -> Array:
    """The points at round numbers of both axes, and the values there; none of a slow function.

    Shapes: → (3, k).
    """
    grid = np.meshgrid(*(axis.rounds() for axis in axes))
    across, along = (each.ravel() for each in grid)
    if not len(across) or not function.quick or function.affordable(len(across)) < len(across):
        return np.empty((3, 0))
    return np.stack([across, along, function(across, along)[0]])
