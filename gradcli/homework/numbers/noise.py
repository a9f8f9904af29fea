"""How far a number may be off because every number before it is a double."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.sweeps import Change, Rounding, sweep

EPSILON = 2.0**-51

SIGNS: tuple[Sequence[int], ...] = ((1, 1), (1, -1), (-1, 1, 1), (1, 1, -1, -1))
"""In which directions numbers are moved, over and over: whatever cancels in one run does not in another."""


def noise(cell: Cell, gradients: Gradients) -> Value:
    """How far a cell may be off because all numbers before it are doubles: sin(pi) is 0, but for that.

    Every input and every step is moved by a unit or two of its last digit.
    """
    graph, trace = gradients.graph, gradients.trace
    right: Any = cell.value
    widest: Any = right - right
    for signs in SIGNS:
        moves = Moves(signs)
        inputs = {i: moves.of(trace.values[i]) for i in graph.inputs.values()}
        outcome = sweep(gradients, Change(values=inputs, rounded=(moves, moves, moves)))
        found: Any = None if outcome is None else outcome.read(cell)
        if found is None:
            continue
        off = abs(found - right)
        if isinstance(off, float):
            widest = max(widest, off) if isfinite(off) else widest
        else:
            import numpy as np

            widest = np.maximum(widest, np.where(np.isfinite(off), off, 0.0))
    return 4 * widest


class Moves:
    """Moves each number that it is given by a unit or two of its last digit."""

    def __init__(self, signs: Sequence[int]) -> None:
        self.signs, self.count = signs, 0

    def __call__(self, value: Value) -> Value:
        """The number, moved."""
        self.count += 1
        return value * (1 + self.signs[self.count % len(self.signs)] * EPSILON)

    def of(self, value: Value) -> Rounding:
        """A rule that gives an input, moved."""
        moved = self(value)
        return lambda m, *x: moved
