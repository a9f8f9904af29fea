"""The layers of a network: softmax and its logarithms, affine.

Exponentials are taken of x minus the largest of its group, so that none overflows, and what they sum to is carried as
1 + rest, where 1 is the largest's own: then 1 - softmax(x) and log(softmax(x)) keep their digits near a softmax of 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.ops import typed
from gradcli.ops.lengths import axes_of, multiplied, reduced
from gradcli.ops.mismatch import Mismatch, broadcast, shown
from gradcli.ops.op import LAST, Check, Shape, structural
from gradcli.ops.reductions import placed


class Shifted(NamedTuple):
    """Exponentials of x - top: how far entries are below the top, which are the top, exp(x - top), and what the others
    sum to."""

    top: Any
    below: Any
    wins: Any
    each: Any
    rest: Any


def shifted(m: Any, x: Any, axis: Any) -> Shifted:
    """The exponentials of each group, by its largest entry; by 0 where that is not finite."""
    top = m.amax(x, axis=axis, keepdims=True)
    top = m.where(m.eq(top - top, 0), top, 0)
    below = x - top
    each, wins = m.exp(below), m.eq(below, 0)  # where an entry wins, its exponential is 1
    rest = m.sum(each - wins, axis=axis, keepdims=True) + (m.sum(wins, axis=axis, keepdims=True) - 1)
    return Shifted(top, below, wins, each, rest)


def shares(m: Any, x: Any, axis: Any) -> tuple[Any, Any]:
    """softmax(x), and 1 - softmax(x)."""
    _, _, wins, each, rest = shifted(m, x, axis)
    whole = 1 + rest
    return each / whole, (rest - (each - wins) + (1 - wins)) / whole


def stable_softmax(m: Any, x: Any, *, axis: Any = LAST) -> Any:
    """exp(x)/sum(exp(x)) without overflow."""
    *_, each, rest = shifted(m, x, axis)
    return each / (1 + rest)


def stable_log_softmax(m: Any, x: Any, *, axis: Any = LAST) -> Any:
    """log(softmax(x)), also where the softmax is 0 or 1."""
    _, below, *_, rest = shifted(m, x, axis)
    return below - m.log1p(rest)


def stable_logsumexp(m: Any, x: Any, *, axis: Any = LAST, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) without overflow."""
    top, *_, rest = shifted(m, x, axis)
    return placed(m, top + m.log1p(rest), x, axis, keepdims)


def softmax_pulled(m: Any, g: Any, y: Any, x: Any, *, axis: Any = LAST) -> Any:
    """y*(g - sum(y*g)), with g counted from its value at the largest y: what cancels is then small."""
    top = m.eq(y, m.amax(y, axis=axis, keepdims=True))
    middle = m.sum(m.where(top, g, 0), axis=axis, keepdims=True) / m.sum(top, axis=axis, keepdims=True)
    return y * (g - middle - m.sum(y * (g - middle), axis=axis, keepdims=True))


def log_softmax_pulled(m: Any, g: Any, y: Any, x: Any, *, axis: Any = LAST) -> Any:
    """g - softmax(x)*sum(g), as g*(1 - softmax(x)) - softmax(x)*(what the other entries' g sum to)."""
    apart = m.sum(g, axis=axis, keepdims=True) - g
    y, rest = shares(m, x, axis)
    return g * rest - y * apart


def grouped(shape: Shape, *, axis: Any = LAST) -> Shape:
    """The shape of an op on groups of entries, which keeps it."""
    if not shape:
        raise Mismatch("this works on a vector, and is given a scalar", "several scores are a list: [a, b]")
    axes_of(axis, len(shape))
    return shape


def summarised(shape: Shape, *, axis: Any = LAST, keepdims: bool = False) -> Shape:
    """The shape of logsumexp."""
    return reduced(grouped(shape, axis=axis), axis=axis, keepdims=keepdims)


def transformed(x: Shape, W: Shape, b: Shape) -> Shape:
    """The shape of x@W + b."""
    found = multiplied(x, W)
    try:
        fits = broadcast(found, b) == found
    except Mismatch:
        fits = False
    if not fits:
        raise Mismatch(
            f"{{0}}@{{1}} is {shown(found)}, b is {shown(b)}", f"{{2}} has one entry a column: {shown(W[-1:])}"
        )
    return found


BATCH = [[0.3, 2.0, -1.0], [1.5, 0.5, 0.25]]

ROWS = tuple(
    row.named(group="layers")
    for row in (
        structural(
            "softmax",
            lambda m, x, *, axis=LAST: m.exp(x) / m.sum(m.exp(x), axis=axis, keepdims=True),
            vjp=[softmax_pulled],
            shape=grouped,
            fits="(…,n) → (…,n)",
            stable=stable_softmax,
            shown=typed.taught_weighed,
            typed=typed.weighed,
            formula="exp(x)/sum(exp(x))",
            latex=r"\operatorname{softmax}\left(#1\right)",
            role="weighs its upstream by y, each entry against the mean of all",
            doc="exp(x)/sum(exp(x)) along the last axis unless axis= is given, without overflow",
            samples=(([0.3, 0.2, 0.5],), (BATCH,), ([1000.0, 0.0],)),
            checks=(
                Check(([0.0, 0.6931471805599453],), [1 / 3, 2 / 3], ([0.0, 0.0],)),
                Check(([1000.0, 0.0],), [1.0, 0.0], ([0.0, 0.0],)),
            ),
            source="Deep Learning from Scratch, chapter 3; ∂y_i/∂x_j = y_i([i = j] - y_j)",
        ),
        structural(
            "log_softmax",
            lambda m, x, *, axis=LAST: x - m.log(m.sum(m.exp(x), axis=axis, keepdims=True)),
            vjp=[log_softmax_pulled],
            shape=grouped,
            fits="(…,n) → (…,n)",
            stable=stable_log_softmax,
            shown=typed.taught_lessened,
            typed=typed.lessened,
            formula="x-log(sum(exp(x)))",
            latex=r"\ln\operatorname{softmax}\left(#1\right)",
            role="passes its upstream on, less the softmax of its sum",
            doc="log(softmax(x)) along the last axis unless axis= is given, without overflow",
            samples=(([0.3, 0.2, 0.5],), (BATCH,), ([1000.0, 0.0],)),
            checks=(Check(([0.0, 0.0],), [-0.6931471805599453, -0.6931471805599453], ([0.0, 0.0],)),),
            source="PyTorch's log_softmax",
        ),
        structural(
            "logsumexp",
            lambda m, x, *, axis=LAST, keepdims=False: m.log(m.sum(m.exp(x), axis=axis, keepdims=keepdims)),
            vjp=[
                lambda m, g, y, x, *, axis=LAST, keepdims=False: (
                    m.spread(g, x, axis=axis, keepdims=keepdims) * m.softmax(x, axis=axis)
                )
            ],
            shape=summarised,
            fits="(…,n) → (…)",
            stable=stable_logsumexp,
            shown=("g*softmax(x)",),
            typed=typed.pooled,
            formula="log(sum(exp(x)))",
            latex=r"\ln\sum e^{#1}",
            role="shares its upstream out by softmax(x)",
            doc="log(sum(exp(x))), a smooth max, along the last axis unless axis= is given, without overflow",
            samples=(([0.3, 0.2, 0.5],), (BATCH,), ([1000.0, 0.0],)),
            checks=(Check(([0.0, 0.0],), 0.6931471805599453, ([0.5, 0.5],)),),
            source="∂ logsumexp(x)/∂x = softmax(x)",
        ),
        structural(
            "affine",
            lambda m, x, W, b: m.matmul(x, W) + b,
            vjp=[
                lambda m, g, y, x, W, b: m.product_left(g, x, W),
                lambda m, g, y, x, W, b: m.product_right(g, x, W),
                lambda m, g, y, x, W, b: m.narrowed(g, b),
            ],
            shape=transformed,
            fits="(N,d), (d,h), (h,) → (N,h); (d,), (d,h), (h,) → (h,)",
            shown=typed.taught_layer,
            typed=typed.layer,
            formula="x@W+b",
            latex=r"#1\, #2 + #3",
            gate="switcher",
            role="switches x and W, transposed; hands b the sum over the batch",
            doc="x@W + b: a layer of weights W and biases b, for one x or a batch of rows",
            samples=(
                ([[1.0, -2.0], [3.0, 0.5]], [[0.5, 1.0, -1.0], [2.0, 0.25, 3.0]], [0.1, 0.2, 0.3]),
                ([1.0, -2.0], [[0.5, 1.0, -1.0], [2.0, 0.25, 3.0]], [0.1, 0.2, 0.3]),
            ),
            checks=(
                Check(
                    ([[1.0, 2.0], [3.0, 4.0]], [[1.0], [-1.0]], [0.5]),
                    [[-0.5], [-0.5]],
                    ([[1.0, -1.0], [1.0, -1.0]], [[4.0], [6.0]], [2.0]),
                ),
            ),
            source="Deep Learning from Scratch, chapter 5: the Affine layer, db summed over the batch",
        ),
    )
)
