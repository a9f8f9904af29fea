"""Rows that make fewer entries of a tensor: means, products, extremes, norms, along some axes or of all.

`axis` is none for all entries; `keepdims` keeps the axes that are reduced, with length 1.
"""

from __future__ import annotations

from typing import Any

from gradcli.ops import typed
from gradcli.ops.lengths import axes_of, reduced
from gradcli.ops.mismatch import Mismatch, shown
from gradcli.ops.op import Check, Shape, structural

TIES = "at a tie the gradient is split evenly among the largest entries, as PyTorch and JAX do"


def counted(shape: Shape, axis: Any) -> int:
    """How many entries a reduction takes together."""
    count = 1
    for each in axes_of(axis, len(shape)):
        count *= shape[each]
    return count


def extreme(m: Any, x: Any, choose: Any, axis: Any, keepdims: bool) -> Any:
    """The extreme entry of each group, chosen by an op of several numbers."""
    parts = m.each(x, axis=axis)
    return placed(m, choose(*parts) if len(parts) > 1 else parts[0], x, axis, keepdims)


def multiplied_out(m: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """The product of each group's entries, one after the other."""
    first, *others = m.each(x, axis=axis)
    for part in others:
        first = first * part
    return placed(m, first, x, axis, keepdims)


def placed(m: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction of x in the shape that it is returned in."""
    return m.reshape(y, shape=reduced(m.shape(x), axis=axis, keepdims=keepdims))


def winning(m: Any, x: Any, choose: Any, axis: Any) -> Any:
    """1 for the entries of x that are the extreme one of their group, else 0."""
    return m.eq(x, choose(x, axis=axis, keepdims=True))


def tied(m: Any, x: Any, choose: Any, axis: Any) -> Any:
    """Whether several entries of a group are its extreme one."""
    return m.gt(m.sum(winning(m, x, choose, axis), axis=axis), 1)


def routed(m: Any, g: Any, x: Any, choose: Any, axis: Any, keepdims: bool) -> Any:
    """The upstream gradient, split evenly among the winners of each group."""
    wins = winning(m, x, choose, axis)
    count = m.sum(wins, axis=axis, keepdims=True)
    return m.where(wins, m.spread(g, x, axis=axis, keepdims=keepdims) / count, 0)


def weighed_others(m: Any, g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """g × the product of all other entries of each group, a double where that is one."""
    g = m.spread(g, x, axis=axis, keepdims=keepdims)
    up, scale, back = m.balanced(g, x, axis=axis)
    return m.ldexp(m.ldexp(g, up) * others(m, m.ldexp(x, scale), axis=axis), back)


def others(m: Any, x: Any, *, axis: Any) -> Any:
    """The product of all other entries of each group, without a division: exact where an entry is 0."""
    parts = m.each(x, axis=axis)
    before, after = [parts[0] ** 0], [parts[0] ** 0]
    for part in parts[:-1]:
        before.append(before[-1] * part)
    for part in parts[:0:-1]:
        after.append(after[-1] * part)
    return m.gathered([b * a for b, a in zip(before, after[::-1], strict=True)], x, axis=axis)


def squared(shape: Shape) -> Shape:
    """The shape of a trace: a scalar, of a square matrix."""
    if len(shape) != 2 or shape[0] != shape[1]:
        raise Mismatch(f"the trace of {shown(shape)}", "a trace is taken of a square matrix")
    return ()


ROWS = tuple(
    row.named(group="tensors")
    for row in (
        structural(
            "mean",
            lambda m, x, *, axis=None, keepdims=False: (
                m.sum(x, axis=axis, keepdims=keepdims) / counted(m.shape(x), axis)
            ),
            vjp=[
                lambda m, g, y, x, *, axis=None, keepdims=False: (
                    m.spread(g, x, axis=axis, keepdims=keepdims) / counted(m.shape(x), axis)
                )
            ],
            shape=reduced,
            fits="(…) → a scalar; along axis=, the shape without it",
            moves=True,
            stable=lambda m, x, *, axis=None, keepdims=False: m.averaged(x, axis=axis, keepdims=keepdims),
            shown=("g/n",),
            typed=typed.shared_out,
            averaged=lambda shape, *, axis=None, keepdims=False: counted(shape, axis),
            formula="sum(x)/n",
            latex=r"\frac{1}{n}\sum #1",
            gate="distributor",
            role="hands every entry an equal part of its upstream",
            aliases=("average",),
            doc="the sum of n entries divided by n; of all, or along axis=",
            samples=(([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],), ([1e-8, 1.0, -1e8],)),
            checks=(Check(([[1.0, 2.0], [3.0, 6.0]],), 3.0, ([[0.25, 0.25], [0.25, 0.25]],)),),
            source="NumPy's mean",
        ),
        structural(
            "prod",
            multiplied_out,
            vjp=[lambda m, g, y, x, *, axis=None, keepdims=False: weighed_others(m, g, x, axis, keepdims)],
            shape=reduced,
            fits="(…) → a scalar; along axis=, the shape without it",
            moves=True,
            shown=("g times the product of the others in x",),
            stable=lambda m, x, *, axis=None, keepdims=False: m.multiplied(x, axis=axis, keepdims=keepdims),
            latex=r"\prod #1",
            gate="switcher",
            role="hands every entry its upstream times the product of the others",
            aliases=("product",),
            doc="the product of all entries, or along axis=; its gradient is exact where entries are 0",
            samples=(([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]],), ([1e-8, 0.5, -1e8],), ([3.0],)),
            checks=(
                Check(([2.0, 3.0, 4.0],), 24.0, ([12.0, 8.0, 6.0],)),
                Check(([0.0, 2.0, 3.0],), 0.0, ([6.0, 0.0, 0.0],)),
                Check(([0.0, 0.0, 3.0],), 0.0, ([0.0, 0.0, 0.0],)),
            ),
            source="the product rule; PyTorch's prod at zeros",
        ),
        structural(
            "amax",
            lambda m, x, *, axis=None, keepdims=False: extreme(m, x, m.max, axis, keepdims),
            vjp=[lambda m, g, y, x, *, axis=None, keepdims=False: routed(m, g, x, m.amax, axis, keepdims)],
            shape=reduced,
            fits="(…) → a scalar; along axis=, the shape without it",
            moves=True,
            called="max",
            shown=("g*(x==y)",),
            typed=typed.routed,
            general=typed.routed,
            holds=lambda m, x, *, axis=None, keepdims=False: m.eq(tied(m, x, m.amax, axis), 0),
            formula="max(x)",
            stable=lambda m, x, *, axis=None, keepdims=False: m.largest(x, axis=axis, keepdims=keepdims),
            selects=[lambda m, x, *, axis=None, keepdims=False: winning(m, x, m.amax, axis)],
            kinks=lambda m, x, *, axis=None, keepdims=False: tied(m, x, m.amax, axis),
            convention=TIES,
            latex=r"\max #1",
            gate="router",
            role="routes its upstream to the largest entry",
            general_role="shares its upstream out evenly among the largest entries",
            doc="the largest of all entries, or along axis=",
            samples=(([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]],), ([1e-8, 0.5, -1e8],)),
            checks=(
                Check(([1.0, 3.0, 2.0],), 3.0, ([0.0, 1.0, 0.0],)),
                Check(([1.0, 3.0, 3.0],), 3.0, ([0.0, 0.5, 0.5],)),
            ),
            source="CS231n, Optimization 2: the max gate; PyTorch's amax at ties",
        ),
        structural(
            "amin",
            lambda m, x, *, axis=None, keepdims=False: extreme(m, x, m.min, axis, keepdims),
            vjp=[lambda m, g, y, x, *, axis=None, keepdims=False: routed(m, g, x, m.amin, axis, keepdims)],
            shape=reduced,
            fits="(…) → a scalar; along axis=, the shape without it",
            moves=True,
            called="min",
            shown=("g*(x==y)",),
            typed=typed.routed,
            general=typed.routed,
            holds=lambda m, x, *, axis=None, keepdims=False: m.eq(tied(m, x, m.amin, axis), 0),
            formula="min(x)",
            stable=lambda m, x, *, axis=None, keepdims=False: m.smallest(x, axis=axis, keepdims=keepdims),
            selects=[lambda m, x, *, axis=None, keepdims=False: winning(m, x, m.amin, axis)],
            kinks=lambda m, x, *, axis=None, keepdims=False: tied(m, x, m.amin, axis),
            convention=TIES.replace("largest", "smallest"),
            latex=r"\min #1",
            gate="router",
            role="routes its upstream to the smallest entry",
            general_role="shares its upstream out evenly among the smallest entries",
            doc="the smallest of all entries, or along axis=",
            samples=(([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]],), ([1e-8, 0.5, -1e8],)),
            checks=(
                Check(([1.0, 3.0, 2.0],), 1.0, ([1.0, 0.0, 0.0],)),
                Check(([1.0, 1.0, 2.0],), 1.0, ([0.5, 0.5, 0.0],)),
            ),
            source="min(x) = -max(-x)",
        ),
        structural(
            "norm",
            lambda m, x, *, axis=None, keepdims=False: m.sqrt(m.sum(x * x, axis=axis, keepdims=keepdims)),
            vjp=[
                lambda m, g, y, x, *, axis=None, keepdims=False: (
                    m.spread(g, x, axis=axis, keepdims=keepdims) * m.unit(x, y, axis=axis, keepdims=keepdims)
                )
            ],
            shape=reduced,
            fits="(…) → a scalar; along axis=, the shape without it",
            stable=lambda m, x, *, axis=None, keepdims=False: m.length(x, axis=axis, keepdims=keepdims),
            shown=("g*x/y",),
            typed=typed.normed,
            formula="sqrt(sum(x^2))",
            kinks=lambda m, x, *, axis=None, keepdims=False: m.eq(m.norm(x, axis=axis), 0),
            convention="norm'(0) is 0, as PyTorch",
            latex=r"\left\lVert #1\right\rVert",
            role="hands every entry its upstream times its share x/y of the norm",
            doc="the 2-norm sqrt(sum(x^2)) of all entries, or along axis=; no square overflows or vanishes",
            samples=(([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]],), ([1e-8, 0.5, -1e8],)),
            checks=(
                Check(([3.0, -4.0],), 5.0, ([0.6, -0.8],)),
                Check(([3e-200, 4e-200],), 5e-200, ([0.6, 0.8],)),
                Check(([3e200, 4e200],), 5e200, ([0.6, 0.8],)),
                Check(([0.0, 0.0],), 0.0, ([0.0, 0.0],)),
            ),
            source="d‖x‖ = x·dx/‖x‖; PyTorch's norm at 0",
        ),
        structural(
            "trace",
            lambda m, A: m.sum(m.diagonal(A)),
            vjp=[lambda m, g, y, A: m.on_diagonal(g, A)],
            shape=squared,
            fits="(n,n) → a scalar",
            moves=True,
            selects=[lambda m, A: m.on_diagonal(1.0, A)],
            shown=("g on the diagonal",),
            latex=r"\operatorname{tr} #1",
            gate="distributor",
            role="hands its upstream to the entries of the diagonal",
            doc="the sum of a square matrix's diagonal",
            samples=(([[1.0, 2.0], [3.0, 4.0]],), ([[1e-8, 2.0, 1.0], [3.0, -1e8, 0.0], [0.5, 1.0, 2.0]],)),
            checks=(Check(([[1.0, 2.0], [3.0, 4.0]],), 5.0, ([[1.0, 0.0], [0.0, 1.0]],)),),
            source="∂ tr A/∂A = I",
        ),
    )
)
