"""The structural primitives on NumPy arrays of anything: doubles, or objects of another number system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.shapes import unbroadcast
from gradcli.systems import Function
from gradcli.systems.scaling import averaged, balanced, ldexp, length, multiplied, summed, unit

Key = tuple[Any, ...]


def indexed(x: Any, *, key: Key) -> Any:
    """x[key]; a slice is a tuple (start, stop, step)."""
    return x[slices(key)]


def slices(key: Key) -> tuple[Any, ...]:
    """A key as NumPy takes it."""
    return tuple(slice(*part) if isinstance(part, tuple) else part for part in key)


def placed(g: Any, x: Any, *, key: Key) -> Any:
    """Zeros of the shape of x, with g at the key: the adjoint of indexing."""
    result = np.zeros(np.shape(x), dtype=np.asarray(g).dtype)
    result[slices(key)] = g
    return result


def transposed(x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """x with its axes in another order; reversed unless given."""
    return np.transpose(x, axes)


def spread(g: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """g, repeated along the axes that a sum over x took away: the adjoint of summing."""
    shape = np.shape(x)
    if axis is not None and not keepdims and np.ndim(g) != len(shape):
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)[()]


def reshaped(x: Any, *, shape: tuple[int, ...]) -> Any:
    """The same entries in another shape."""
    return np.reshape(x, shape)[()]


def shaped_like(g: Any, x: Any) -> Any:
    """g in the shape of x."""
    return np.reshape(g, np.shape(x))[()]


def stacked(*x: Any) -> Any:
    """Tensors of one shape, along a new first axis."""
    return np.stack([np.asarray(part) for part in x])


def joined(*x: Any, axis: int = 0) -> Any:
    """Tensors, one after the other along an axis."""
    return np.concatenate(x, axis=axis)


def part(g: Any, *x: Any, k: int, axis: int = 0) -> Any:
    """The part of g that stands where the k-th of several joined tensors does."""
    start = sum(np.shape(one)[axis] for one in x[:k])
    return np.moveaxis(np.moveaxis(g, axis, 0)[start : start + np.shape(x[k])[axis]], 0, axis)


def product(a: Any, b: Any) -> Any:
    """The matrix product."""
    return np.matmul(a, b)


def product_left(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of a @ b in a: g @ bᵀ, also where a or b is a vector; batches that were broadcast are summed."""
    if b.ndim == 1:
        return g * b if a.ndim == 1 else narrowed(np.asarray(g)[..., None] * b, a)
    if a.ndim == 1:
        return narrowed(np.matmul(b, np.asarray(g)[..., None])[..., 0], a)
    return narrowed(np.matmul(g, b.swapaxes(-1, -2)), a)


def product_right(g: Any, a: Any, b: Any) -> Any:
    """The adjoint of a @ b in b: aᵀ @ g."""
    if a.ndim == 1:
        return g * a if b.ndim == 1 else narrowed(a[:, None] * np.asarray(g)[..., None, :], b)
    if b.ndim == 1:
        return narrowed(np.matmul(a.swapaxes(-1, -2), np.asarray(g)[..., None])[..., 0], b)
    return narrowed(np.matmul(a.swapaxes(-1, -2), g), b)


def narrowed(g: Any, x: Any) -> Any:
    """g in the shape of x, summed where x was broadcast."""
    return g if g.shape == x.shape else unbroadcast(np.asarray(g), x.shape)


def turned_back(g: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """The adjoint of transposing."""
    return np.transpose(g, None if axes is None else np.argsort([a % len(axes) for a in axes]))


def largest(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest entry along some axes, or of all."""
    return np.maximum.reduce(x, axis=axis, keepdims=bool(keepdims))  # type: ignore[call-overload]


def smallest(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest entry along some axes, or of all."""
    return np.minimum.reduce(x, axis=axis, keepdims=bool(keepdims))  # type: ignore[call-overload]


def each(x: Any, *, axis: Any = None) -> list[Any]:
    """The parts of x along some axes, one after the other: of a matrix along axis 0 its rows."""
    x = np.asarray(x)
    axes = positive(axis, x.ndim)
    kept = [length for a, length in enumerate(x.shape) if a not in axes]
    return list(np.moveaxis(x, axes, range(len(axes))).reshape(-1, *kept))


def gathered(parts: Sequence[Any], x: Any, *, axis: Any = None) -> Any:
    """Parts put together in the shape of x: undoes `each`."""
    x = np.asarray(x)
    axes = positive(axis, x.ndim)
    front = [*(x.shape[a] for a in axes), *(length for a, length in enumerate(x.shape) if a not in axes)]
    return np.moveaxis(stacked(*parts).reshape(front), range(len(axes)), axes)


def diagonal(x: Any) -> Any:
    """The diagonal of a matrix."""
    return np.diagonal(x)


def on_diagonal(g: Any, x: Any) -> Any:
    """g on the diagonal of a matrix of the shape of x, else 0: the adjoint of taking the diagonal."""
    result = np.zeros(np.shape(x), dtype=np.asarray(g).dtype)
    np.fill_diagonal(result, g)
    return result


STRUCTURAL: dict[str, Function] = {
    function.__name__: function
    for function in (
        indexed,
        transposed,
        summed,
        reshaped,
        stacked,
        joined,
        product,
        largest,
        smallest,
        multiplied,
        each,
        gathered,
        diagonal,
        on_diagonal,
        placed,
        spread,
        shaped_like,
        part,
        product_left,
        product_right,
        narrowed,
        turned_back,
        averaged,
        balanced,
        length,
        ldexp,
        unit,
    )
}
"""The primitives, by the word in a row's spelling, and their adjoints, by which rules call them."""


def count(x: Any, axis: Any = None) -> int:
    """How many entries are summed over."""
    shape = np.shape(x)
    return int(np.prod([shape[a] for a in positive(axis, len(shape))], dtype=np.int64))


def positive(axis: Any, rank: int) -> Sequence[int]:
    """Axes counted from the front; all of them for none."""
    if axis is None:
        return tuple(range(rank))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(int(a) % rank for a in axes)
