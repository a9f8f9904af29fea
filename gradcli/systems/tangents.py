"""How tangents pass through the structural primitives: along every direction at once.

The tangents of an array of shape S are an array of shape (n, *S). A rule takes the primitive's output y, its inputs x
as plain arrays, and their tangents t (None: that input depends on no direction), and returns the tangents of y. Most
primitives move entries or add them up: what they do to the input, they do to each tangent, with every axis one
further on. Products have one term an input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.systems import scaling
from gradcli.systems.structure import Key, positive, slices

Inputs = Sequence[Any]
Rule = Callable[..., Any]


def lifted(t: Any, rank: int) -> Any:
    """Tangents of a tensor as those of one of higher rank, so that they broadcast as the tensor does."""
    missing = rank - t.ndim + 1
    return t.reshape(t.shape[0], *(1,) * missing, *t.shape[1:]) if missing > 0 else t


def spread_to(t: Any, y: Any) -> Any:
    """Tangents broadcast to the shape of y."""
    shape = np.shape(y)
    return t if t.shape[1:] == shape else np.broadcast_to(lifted(t, len(shape)), (t.shape[0], *shape))


def narrowed_to(t: Any, shape: tuple[int, ...]) -> Any:
    """Tangents summed back to the shape of a broadcast input."""
    extra = t.ndim - 1 - len(shape)
    if extra > 0:
        t = t.sum(axis=tuple(range(1, 1 + extra)))
    stretched = tuple(i + 1 for i, length in enumerate(shape) if length == 1 and t.shape[i + 1] != 1)
    return t.sum(axis=stretched, keepdims=True) if stretched else t


# ── one input counts ────────────────────────────────────────────────────────────────────────────────────────


def indexed(y: Any, x: Inputs, t: Inputs, *, key: Key) -> Any:
    """t[key] in each direction."""
    return t[0][(slice(None), *slices(key))]


def placed(y: Any, x: Inputs, t: Inputs, *, key: Key) -> Any:
    """Zeros with t at the key."""
    result = np.zeros((len(t[0]), *np.shape(y)))
    result[(slice(None), *slices(key))] = t[0]
    return result


def transposed(y: Any, x: Inputs, t: Inputs, *, axes: tuple[int, ...] | None = None) -> Any:
    """The axes in another order; the directions stay first."""
    rank = np.ndim(y)
    order = range(rank)[::-1] if axes is None else positive(axes, rank)
    return np.transpose(t[0], (0, *(a + 1 for a in order)))


def turned_back(y: Any, x: Inputs, t: Inputs, *, axes: tuple[int, ...] | None = None) -> Any:
    """The axes in their old order."""
    return transposed(y, x, t, axes=None if axes is None else tuple(np.argsort([a % len(axes) for a in axes])))


def summed(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over the same axes."""
    return np.sum(t[0], axis=_further(axis, np.ndim(x[0])), keepdims=bool(keepdims))


def spread(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Repeated along the axes that a sum took away."""
    g = t[0]
    if axis is not None and not keepdims and g.ndim != np.ndim(y) + 1:
        g = np.expand_dims(g, _further(axis, np.ndim(y)))
    return spread_to(g, y)


def reshaped(y: Any, x: Inputs, t: Inputs, **_: Any) -> Any:
    """The same entries in the shape of y."""
    return t[0].reshape(len(t[0]), *np.shape(y))


def narrowed(y: Any, x: Inputs, t: Inputs) -> Any:
    """Summed where a tensor was broadcast."""
    return narrowed_to(t[0], np.shape(y))


def part(y: Any, x: Inputs, t: Inputs, *, k: int, axis: int = 0) -> Any:
    """The part of t that stands where the k-th of several joined tensors does."""
    axis = axis % np.ndim(y)
    start = sum(np.shape(one)[axis] for one in x[1 : 1 + k])
    return t[0][(slice(None),) * (axis + 1) + (slice(start, start + np.shape(y)[axis]),)]


def diagonal(y: Any, x: Inputs, t: Inputs) -> Any:
    """The diagonal in each direction."""
    return np.diagonal(t[0], axis1=1, axis2=2)


def on_diagonal(y: Any, x: Inputs, t: Inputs) -> Any:
    """t on the diagonal, else 0."""
    result = np.zeros((len(t[0]), *np.shape(y)))
    places = np.arange(np.shape(y)[0])
    result[:, places, places] = t[0] if t[0].ndim > 1 else t[0][:, None]
    return result


def each(y: Any, x: Inputs, t: Inputs, *, axis: Any = None) -> list[Any]:
    """The tangents of each part."""
    axes = positive(axis, np.ndim(x[0]))
    kept = [length for a, length in enumerate(np.shape(x[0])) if a not in axes]
    front = np.moveaxis(t[0], [a + 1 for a in axes], range(1, 1 + len(axes)))
    return list(np.moveaxis(front.reshape(len(front), -1, *kept), 1, 0))


def extreme(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The tangents of the entries that win; the mean over a tie."""
    wins = x[0] == _kept(y, axis, keepdims)
    along, keepdims = _further(axis, np.ndim(x[0])), bool(keepdims)
    total = np.sum(np.where(wins, t[0], 0.0), axis=along, keepdims=keepdims)
    return total / np.sum(wins[None], axis=along, keepdims=keepdims)


def multiplied(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Σ t × the product of the other entries."""
    up, scale, back = scaling.balanced(t[0], x[0], axis=axis)
    beside = scaling.others(scaling.ldexp(x[0], scale), axis=axis)
    return summed(y, x, [scaling.ldexp(scaling.ldexp(t[0], up) * beside, back)], axis=axis, keepdims=keepdims)


def averaged(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over the same axes."""
    return np.mean(t[0], axis=_further(axis, np.ndim(x[0])), keepdims=bool(keepdims))


def ldexp(y: Any, x: Inputs, t: Inputs) -> Any:
    """The same powers of two in each direction."""
    return scaling.ldexp(t[0], x[1])


def balanced(y: Any, x: Inputs, t: Inputs, *, axis: Any = None) -> Any:
    """Exponents are the same beside x."""
    return [np.zeros((len(next(one for one in t if one is not None)), *np.shape(n))) for n in y]


def length(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """What of t is along x."""
    along = scaling.unit(x[0], y, axis=axis, keepdims=keepdims) * t[0]
    return np.sum(along, axis=_further(axis, np.ndim(x[0])), keepdims=bool(keepdims))


def unit(y: Any, x: Inputs, t: Inputs, *, axis: Any = None, keepdims: bool = False) -> Any:
    """What of t is across x, over the norm."""
    length = _kept(x[1], axis, keepdims)
    along = np.sum(y * t[0], axis=_further(axis, np.ndim(y)), keepdims=True)
    return np.where(length == 0, 0.0, (t[0] - y * along) / length)


def _kept(y: Any, axis: Any, keepdims: bool) -> Any:
    """What a reduction returned, in a shape that broadcasts with what it was made of."""
    return y if keepdims or axis is None else np.expand_dims(y, axis)


# ── every input counts ──────────────────────────────────────────────────────────────────────────────────────


def stacked(y: Any, x: Inputs, t: Inputs) -> Any:
    """Tangents stacked behind the directions."""
    return np.stack(_filled(x, t), axis=1)


def joined(y: Any, x: Inputs, t: Inputs, *, axis: int = 0) -> Any:
    """Tangents one after the other along the same axis."""
    return np.concatenate(_filled(x, t), axis=axis % np.ndim(y) + 1)


def product(y: Any, x: Inputs, t: Inputs) -> Any:
    """da @ b + a @ db."""
    (a, b), (ta, tb) = x, t
    return _product(_rows(a), _columns(b), _rows(ta, a), _columns(tb, b)).reshape(-1, *np.shape(y))


def product_left(y: Any, x: Inputs, t: Inputs) -> Any:
    """The adjoint of a @ b in a: dg @ bᵀ + g @ dbᵀ."""
    (g, a, b), (tg, _, tb) = x, t
    shape = _whole(a, b)
    found = _product(
        np.reshape(g, shape),
        _swapped(_columns(b)),
        None if tg is None else tg.reshape(-1, *shape),
        None if tb is None else _swapped(_columns(tb, b)),
    )
    return narrowed_to(found, np.shape(_rows(a))).reshape(-1, *np.shape(a))


def product_right(y: Any, x: Inputs, t: Inputs) -> Any:
    """The adjoint of a @ b in b: daᵀ @ g + aᵀ @ dg."""
    (g, a, b), (tg, ta, _) = x, t
    shape = _whole(a, b)
    found = _product(
        _swapped(_rows(a)),
        np.reshape(g, shape),
        None if ta is None else _swapped(_rows(ta, a)),
        None if tg is None else tg.reshape(-1, *shape),
    )
    return narrowed_to(found, np.shape(_columns(b))).reshape(-1, *np.shape(b))


def _product(a: Any, b: Any, ta: Any, tb: Any) -> Any:
    """The tangents of a @ b, all of them matrices, or stacks of matrices."""
    rank = max(a.ndim, b.ndim)
    terms = [] if ta is None else [_times(lifted(ta, rank), b)]
    if tb is not None:
        terms.append(_times(a, lifted(tb, rank)))
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]


def _times(a: Any, b: Any) -> Any:
    """a @ b; a stack times one matrix is one product, which is much faster than one for each of the stack."""
    if b.ndim == 2 < a.ndim:
        return (a.reshape(-1, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[-1])
    if a.ndim == 2 < b.ndim:
        return _swapped(_times(_swapped(b), a.T))
    return np.matmul(a, b)


def _rows(a: Any, of: Any = None) -> Any:
    """A left factor as a matrix: a vector is a row. Of tangents, each."""
    return a if a is None or np.ndim(a if of is None else of) > 1 else a[..., None, :]


def _columns(b: Any, of: Any = None) -> Any:
    """A right factor as a matrix: a vector is a column."""
    return b if b is None or np.ndim(b if of is None else of) > 1 else b[..., None]


def _whole(a: Any, b: Any) -> tuple[int, ...]:
    """The shape of a @ b with both as matrices."""
    rows, columns = _rows(a).shape, _columns(b).shape
    return (*np.broadcast_shapes(rows[:-2], columns[:-2]), rows[-2], columns[-1])


def _swapped(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def _filled(x: Inputs, t: Inputs) -> list[Any]:
    """The tangents of every input; 0 for one that depends on no direction."""
    count = next(len(one) for one in t if one is not None)
    return [np.zeros((count, *np.shape(one))) if its is None else its for one, its in zip(x, t, strict=True)]


def _further(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes of a tensor as those of its tangents: counted from the front, one further on."""
    return tuple(a + 1 for a in positive(axis, rank))


TANGENTS: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        indexed,
        placed,
        transposed,
        turned_back,
        summed,
        spread,
        reshaped,
        narrowed,
        part,
        diagonal,
        on_diagonal,
        multiplied,
        each,
        stacked,
        joined,
        product,
        product_left,
        product_right,
        averaged,
        ldexp,
        length,
        balanced,
        unit,
    )
} | {"shaped_like": reshaped, "largest": extreme, "smallest": extreme}
"""The rule of each structural primitive, by its name; `gathered`, of a list, is the duals' own."""

DEPENDS: dict[str, tuple[int, ...] | None] = {
    "product": None,
    "stacked": None,
    "joined": None,
    "product_left": (0, 2),
    "product_right": (0, 1),
    "balanced": (),
}
"""The inputs whose entries count, None for all, () for none: what is the same beside them as here. Of every
other primitive the first: the others only lend a shape."""
