"""Sums, products and norms that are doubles although something on the way to them is not.

What went wrong only because it was too large or too small for a double is done again with the entries scaled by powers
of two, which is exact. Where nothing overflows or vanishes on the way, the plain result stands.
"""

from __future__ import annotations

from math import inf, isfinite, log2
from typing import Any

import numpy as np

TINY = float(np.finfo(np.float64).tiny)
"""The smallest double with all its digits."""

FAINT = 2.0**-900
"""A sum of squares as large as this misses nothing by squares that vanish."""

NORMAL = 1000
"""Powers of two with smaller exponents have all their digits, and so have their inverses."""

FARTHEST = 10_000
"""Exponents beyond this lead out of the doubles from anywhere within them."""


total_of: Any = np.add.reduce
product_of: Any = np.multiply.reduce
largest_of: Any = np.maximum.reduce
smallest_of: Any = np.minimum.reduce


# ── powers of two ───────────────────────────────────────────────────────────────────────────────────────────


def ldexp(x: Any, n: Any) -> Any:
    """x·2ⁿ, rounded once; n is whole, and broadcasts with x."""
    if n.__class__ is int and n == 0:
        return x
    n = np.clip(n, -FARTHEST, FARTHEST).astype(np.intc)
    if n.size < np.size(x) and np.max(np.abs(n)) < NORMAL:
        return x * np.ldexp(1.0, n)  # much faster than a power for each entry
    return np.ldexp(x, n)


def exponent(x: Any) -> Any:
    """n where 2ⁿ ≤ |x| < 2ⁿ⁺¹; 0 where x is 0, inf or nan."""
    return np.where(np.isfinite(x) & (np.asarray(x) != 0), np.frexp(x)[1] - 1, 0)


def tempered(x: Any) -> Any:
    """Exponents n so that all running products of x/2ⁿ, along the last axis, are near 1; 0, inf and nan left out."""
    mantissa, n = np.frexp(x)
    usable = np.isfinite(x) & (x != 0)
    drift = np.rint(np.cumsum(np.log2(np.abs(np.where(usable, mantissa, 1.0))), axis=-1))
    return np.where(usable, n, 0) + np.diff(drift, axis=-1, prepend=0.0).astype(np.int64)


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────


def summed(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over some axes, or all."""
    return shared(x, 1, axis, keepdims)


def averaged(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over some axes, or all."""
    shape = np.shape(x)
    parts = np.size(x) if axis is None else 1
    for each in () if axis is None else axis if isinstance(axis, tuple) else (axis,):
        parts *= shape[each]
    return shared(x, parts, axis, keepdims)


def shared(x: Any, parts: int, axis: Any, keepdims: bool) -> Any:
    """The sum over some axes, or all, in so many parts."""
    total = total_of(x, axis=axis, keepdims=bool(keepdims))
    y = total if parts == 1 else total / parts
    if isfinite(y) if np.ndim(y) == 0 else np.isfinite(y).all():
        return y
    room = np.size(x).bit_length()
    total = total_of(np.ldexp(x, -room), axis=axis, keepdims=bool(keepdims))
    return np.where(np.isfinite(y), y, np.ldexp(total / parts, room))[()]


# ── products ────────────────────────────────────────────────────────────────────────────────────────────────


def multiplied(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The product over some axes, or all."""
    y = product_of(x, axis=axis, keepdims=bool(keepdims))
    least = product_of(np.minimum(np.abs(x), 1.0), axis=axis)  # of all the products of some entries
    sizes = np.abs(y)
    if np.ndim(y) == 0:
        plain = least >= TINY and sizes >= TINY and isfinite(y)
    else:
        plain = (np.minimum(least.ravel(), sizes.ravel()) >= TINY).all() and (sizes < inf).all()
    if plain:
        return y
    rows, _ = grouped(x, axis)
    n = tempered(rows)
    products = np.multiply.accumulate(ldexp(rows, -n), axis=-1)[..., -1]
    return np.reshape(ldexp(products, n.sum(axis=-1)), np.shape(y))[()]


def others(x: Any, *, axis: Any = None) -> Any:
    """The product of all other entries of each group, without a division: exact where an entry is 0."""
    rows, _ = grouped(x, axis)
    one = np.ones((*rows.shape[:-1], 1))
    before = np.cumprod(np.concatenate([one, rows[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, rows[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return ungrouped(before * after, x, axis)


def balanced(g: Any, x: Any, *, axis: Any = None) -> tuple[Any, Any, Any]:
    """Exponents a, b, c: g × the products of the others in x are those of g·2ᵃ and x·2ᵇ, times 2ᶜ.

    Neither g·2ᵃ nor a product of several of the x·2ᵇ in a row is far from 1, unless it is 0. All three are 0 where no
    product of g and any of x leaves the doubles anyway.
    """
    sizes, weights = np.abs(x), np.abs(g)
    if np.size(x) * reach(sizes) + reach(weights) < NORMAL or within(sizes, weights, axis):
        return 0, 0, 0
    rows, shape = grouped(x, axis)
    n = tempered(rows)
    total = np.reshape(n.sum(axis=-1), shape)
    down, n = exponent(g), ungrouped(n, x, axis)
    return -down, -n, total - n + down


def reach(sizes: Any) -> float:
    """How far sizes are from 1, in powers of two; inf where one is 0, inf or nan."""
    least, most = smallest_of(sizes, axis=None), largest_of(sizes, axis=None)
    return max(log2(most), -log2(least), 0.0) if least > 0 and most < inf else inf


def within(sizes: Any, weights: Any, axis: Any) -> bool:
    """Whether no weight times some sizes of one group leaves the doubles; 0 apart."""
    most = product_of(np.maximum(sizes, 1.0), axis=axis)
    least = product_of(np.where(sizes == 0, 1.0, np.minimum(sizes, 1.0)), axis=axis)
    lightest = smallest_of(np.where(weights == 0, 1.0, np.minimum(weights, 1.0)), axis=None)
    heaviest = max(1.0, largest_of(weights, axis=None))
    return bool(largest_of(most, axis=None) * heaviest < inf and smallest_of(least, axis=None) * lightest >= TINY)


def grouped(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """The entries that are put together, along one last axis; and the shape of what they make, axes kept."""
    if axis is None:
        return np.reshape(x, -1), (1,) * np.ndim(x)
    axes = axis if isinstance(axis, tuple) else (axis,)
    shape = list(x.shape)
    for each in axes:
        shape[each] = 1
    moved = np.moveaxis(x, axes, range(-len(axes), 0))
    return moved.reshape(*moved.shape[: x.ndim - len(axes)], -1), tuple(shape)


def ungrouped(rows: Any, x: Any, axis: Any) -> Any:
    """What stands for the entries of x along one last axis, in the shape of x: undoes `grouped`."""
    shape = np.shape(x)
    if axis is None:
        return np.reshape(rows, shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    last = range(-len(axes), 0)
    moved = np.moveaxis(np.empty(shape), axes, last).shape
    return np.moveaxis(np.reshape(rows, moved), last, axes)


# ── norms ───────────────────────────────────────────────────────────────────────────────────────────────────


def length(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The 2-norm along some axes, or of all; no square overflows or vanishes."""
    squares = total_of(x * x, axis=axis, keepdims=bool(keepdims))
    if smallest_of(squares, axis=None) >= FAINT and largest_of(squares, axis=None) < inf:
        return np.sqrt(squares)
    n, _, scaled = measured(x, axis)
    y = ldexp(scaled, n)
    return y if keepdims else np.reshape(y, np.shape(squares))[()]


def unit(x: Any, y: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """x/‖x‖, where y is ‖x‖, also where that overflows or has few digits; 0 where x is 0."""
    whole = y if keepdims or axis is None else np.expand_dims(y, axis)
    if smallest_of(whole, axis=None) >= TINY and largest_of(whole, axis=None) < inf:
        return x / whole
    _, x, whole = measured(x, axis)
    return np.where(whole == 0, 0.0, x / whole)[()]


def measured(x: Any, axis: Any) -> tuple[Any, Any, Any]:
    """Exponents n that put the largest entry of each group near 1, x/2ⁿ, and its norms; axes kept."""
    n = exponent(largest_of(np.abs(x), axis=axis, keepdims=True))
    x = ldexp(x, -n)
    return n, x, np.sqrt(total_of(x * x, axis=axis, keepdims=True))
