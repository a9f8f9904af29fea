"""A wrong answer as the search looks at it: which predicted numbers count as what was written, and how closely."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import NamedTuple

from gradcli.autodiff import Value
from gradcli.cells import Cell

Test = Callable[[Value], bool]
"""Whether a predicted number counts as what the student wrote."""

SAME = 1e-12
"""How far apart numbers are, relatively, that are the same one."""

EXACT = 1e-9
"""How far a number may be from what was written, relatively, that is not merely rounded to it."""

COARSE = 0.05
"""How far numbers are apart, relatively, that an answer of one digit does not tell apart."""

SHARP, ABOUT = 4e-3, 0.01
"""How finely an answer must tell numbers apart for two mistakes to be read from it; how far from it they may lead."""

FAR = 0.025
"""How far rounded steps may move what a mistake leads to."""


class Judged(NamedTuple):
    """An answer: its cell, which numbers count as what was written, and the number that was, if it is known."""

    cell: Cell
    fits: Test
    written: Value | None = None

    def exactly(self, value: Value | None) -> bool:
        """Whether a number is what was written; so it is taken to be where that is not known."""
        if not isinstance(self.written, float) or not isinstance(value, float):
            return True
        return abs(value - self.written) <= EXACT * (abs(self.written) or 1)

    def sharply(self, value: Value | None) -> bool:
        """Whether a number fits an answer that would not have fitted many."""
        fits, written = self.fits, self.written
        if isinstance(written, float) and isinstance(value, float) and abs(value - written) > ABOUT * abs(written):
            return False
        if value is None or not finite(value) or not fits(value):
            return False
        return not (fits(value * (1 + SHARP)) and fits(value * (1 - SHARP)))

    def coarse(self) -> bool:
        """Whether an answer was written so roughly that many numbers count as it: 0.5, but not 0.50."""
        if not isinstance(self.written, float) or not self.written:
            return False
        return self.fits(self.written * (1 + COARSE)) and self.fits(self.written * (1 - COARSE))


def near(rounded: Value | None, exact: Value | None, fits: Test) -> bool:
    """Whether rounding the steps makes a number fit, and does not move it far."""
    if not isinstance(rounded, float) or not isinstance(exact, float) or not abs(rounded - exact) <= FAR * abs(exact):
        return False
    return rounded != exact and fits(rounded)


def same(one: Value, other: Value | None) -> bool:
    """Whether two numbers, or arrays, are the same up to the last digits of a double."""
    if one is other:
        return True
    if other is None:
        return False
    if isinstance(one, float | int) and isinstance(other, float | int):
        return one == other or abs(one - other) <= SAME * max(abs(one), abs(other))
    import numpy as np

    if np.shape(one) != np.shape(other):
        return False
    return bool((np.abs(one - other) <= SAME * np.maximum(np.abs(one), np.abs(other))).all())


def finite(value: Value) -> bool:
    """Whether a number is finite, in every entry."""
    if isinstance(value, float | int):
        return isfinite(value)
    import numpy as np

    return bool(np.isfinite(value).all())
