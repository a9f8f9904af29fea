"""Elementwise functions on NumPy arrays, where NumPy has none, or one that is worth a closer look."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from gradcli.systems import Function

UNDERFLOWS = -709.0
"""Below this, exp(-x) overflows although 1/(1 + exp(-x)) is a number: there it is exp(x)."""


def sigmoid(x: Any) -> Any:
    """1/(1 + exp(-x)), right to the smallest doubles."""
    y = np.exp(-x)
    y += 1
    y = 1 / y
    return np.where(x < UNDERFLOWS, np.exp(x), y)[()] if np.fmin.reduce(x, axis=None) < UNDERFLOWS else y


def relu(x: Any) -> Any:
    """The larger of x and 0; nan where x is nan."""
    return np.maximum(x, 0.0)


def where(c: Any, a: Any, b: Any) -> Any:
    """The branch taken, entry by entry."""
    if np.ndim(c) == 0 and np.shape(a) == np.shape(b):
        taken = a if c else b
        return taken if np.ndim(taken) else np.float64(taken)
    return np.where(c, a, b)[()]


def larger(*x: Any) -> Any:
    """The largest of several, entry by entry; nan where one is nan."""
    return reduce(np.maximum, x)


def smaller(*x: Any) -> Any:
    """The smallest of several, entry by entry; nan where one is nan."""
    return reduce(np.minimum, x)


UFUNCS: dict[str, Function] = {"sigmoid": sigmoid, "relu": relu, "where": where, "larger": larger, "smaller": smaller}
"""The word in a row's spelling → the function; any other word is NumPy's own."""
