"""The layers of a network and its losses over scores: softmax, affine, softmax with cross-entropy, the SVM's loss.

Exponentials are taken of x minus the largest of its group, so that none overflows, and what they sum to is carried as
1 + rest, where 1 is the largest's own: then 1 - softmax(x) and log(softmax(x)) keep their digits near a softmax of 1.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from gradcli.ops.mismatch import Mismatch, broadcast, shown
from gradcli.ops.op import LAST, Check, Shape, structural
from gradcli.ops.reductions import placed
from gradcli.ops.tensors import axes_of, multiplied, reduced


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


# ── labels ──────────────────────────────────────────────────────────────────────────────────────────────────


def scored(scores: Shape, t: Shape, **attributes: Any) -> Shape:
    """A loss of scores with labels is a scalar; labels have the scores' shape, or are an index a row."""
    if not scores:
        raise Mismatch("scores are a vector, or a row for each example", "for one score: bce_with_logits(z,t)")
    if t not in (scores, scores[:-1]):
        raise Mismatch(
            f"the scores are {shown(scores)}, the labels {shown(t)}",
            f"labels are one-hot rows, {shown(scores)}, or class indices, {shown(scores[:-1])}",
        )
    return ()


def rows(m: Any, scores: Any) -> int:
    """How many examples a batch has."""
    return prod(m.shape(scores)[:-1])


def one_hot(m: Any, t: Any, scores: Any) -> Any:
    """Labels in the shape of the scores: class indices become one-hot rows."""
    shape = m.shape(scores)
    if m.shape(t) == shape:
        return t
    return m.eq(m.reshape(t, shape=(*shape[:-1], 1)), m.literal(tuple(map(float, range(shape[-1])))))


def marked(m: Any, t: Any, scores: Any) -> Any:
    """Labels as one-hot rows; nan for an index that names no class."""
    hot = one_hot(m, t, scores)
    return t if hot is t else hot / m.sum(hot, axis=-1, keepdims=True)


def stable_cross_entropy(m: Any, scores: Any, t: Any) -> Any:
    """-sum(t*log_softmax(scores)) over the rows; a class without weight counts 0, also where its score is -inf."""
    hot = marked(m, t, scores)
    return -m.sum(m.where(hot, hot * m.log_softmax(scores), 0)) / rows(m, scores)


def scores_pulled(m: Any, g: Any, y: Any, scores: Any, t: Any) -> Any:
    """softmax(scores)*sum(t) - t, as softmax*(sum(t) - t) - t*(1 - softmax), which keeps the digits of both."""
    hot = marked(m, t, scores)
    apart = m.sum(hot, axis=-1, keepdims=True) - hot
    y, rest = shares(m, scores, LAST)
    return (y * apart - hot * rest) * (g / rows(m, scores))


def labels_pulled(m: Any, g: Any, y: Any, scores: Any, t: Any) -> Any:
    """-log_softmax(scores) of labels that are rows of weights; an index has no gradient."""
    if m.shape(t) != m.shape(scores):
        return None
    return -m.log_softmax(scores) * (g / rows(m, scores))


def margins(m: Any, scores: Any, t: Any, delta: float) -> Any:
    """(one-hot rows, how far each other score is from being delta below the right one's)."""
    hot = one_hot(m, t, scores)
    right = m.sum(m.where(hot, scores, 0), axis=-1, keepdims=True)
    return hot, scores - right + m.literal(delta)


def svm(m: Any, scores: Any, t: Any, *, delta: float = 1) -> Any:
    """The margins that are missed, summed over the other classes; the mean over the rows."""
    hot, missed = margins(m, scores, t, delta)
    return m.sum(m.where(hot, 0, m.max(0, missed))) / rows(m, scores)


def missing(m: Any, scores: Any, t: Any, delta: float) -> tuple[Any, Any]:
    """(1 where another class misses its margin, how many do, at the right class)."""
    hot, missed = margins(m, scores, t, delta)
    violated = m.where(hot, 0, m.gt(missed, 0))
    return violated, hot * m.sum(violated, axis=-1, keepdims=True)


def svm_pulled(m: Any, g: Any, y: Any, scores: Any, t: Any, *, delta: float = 1) -> Any:
    """1 for each class that misses its margin; minus their number for the right class."""
    violated, count = missing(m, scores, t, delta)
    return (violated - count) * (g / rows(m, scores))


def svm_chosen(m: Any, scores: Any, t: Any, *, delta: float = 1) -> Any:
    """Where a score takes part in a margin that is missed."""
    violated, count = missing(m, scores, t, delta)
    return m.gt(violated + count, 0)


def svm_kinks(m: Any, scores: Any, t: Any, *, delta: float = 1) -> Any:
    """Where a margin is met exactly."""
    hot, missed = margins(m, scores, t, delta)
    return m.where(hot, 0, m.eq(missed, 0))


BATCH = [[0.3, 2.0, -1.0], [1.5, 0.5, 0.25]]

LAYERS = (
    structural(
        "softmax",
        lambda m, x, *, axis=LAST: m.exp(x) / m.sum(m.exp(x), axis=axis, keepdims=True),
        vjp=[softmax_pulled],
        shape=grouped,
        fits="(…,n) → (…,n)",
        stable=stable_softmax,
        shown=("y*(g-sum(y*g))",),
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
        shown=("g-softmax(x)*sum(g)",),
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
        shown=("g@W.T", "x.T@g", "g, summed over the batch"),
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

LOSSES = (
    structural(
        "softmax_cross_entropy",
        lambda m, scores, t: -m.sum(one_hot(m, t, scores) * m.log_softmax(scores)) / rows(m, scores),
        vjp=[scores_pulled, labels_pulled],
        shape=scored,
        fits="(N,c), (N,c) or (N,) → a scalar; (c,), (c,) or one index → a scalar",
        stable=stable_cross_entropy,
        labels="weights",
        shown=("g*(softmax(scores)-t)/n", "-g*log_softmax(scores)/n"),
        formula="-sum(t*log_softmax(scores))/n",
        latex=r"-\sum #2 \ln\operatorname{softmax}\left(#1\right)",
        role="hands the scores y - t: their softmax less the labels",
        aliases=("softmax_with_loss",),
        doc="cross-entropy of softmax(scores) for labels t, one-hot rows or class indices; the mean over n rows",
        samples=(
            ([0.3, 0.2, 0.5], [0.0, 1.0, 0.0]),
            (BATCH, [1.0, 0.0]),
            (BATCH, [[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]),
        ),
        checks=(
            Check(
                ([0.0, 0.0], [0.0, 1.0]),
                0.6931471805599453,
                ([0.5, -0.5], [0.6931471805599453, 0.6931471805599453]),
            ),
            Check(([[0.0, 0.0], [0.0, 0.0]], [0.0, 1.0]), 0.6931471805599453, ([[-0.25, 0.25], [0.25, -0.25]], None)),
        ),
        source="Deep Learning from Scratch, chapter 5: Softmax-with-Loss; PyTorch's cross_entropy",
    ),
    structural(
        "svm_loss",
        svm,
        vjp=[svm_pulled, None],
        shape=scored,
        fits="(N,c), (N,c) or (N,) → a scalar; (c,), (c,) or one index → a scalar",
        labels="one-hot",
        shown=("g*(missed-t*sum(missed))/n", None),
        selects=[svm_chosen, None],
        kinks=svm_kinks,
        convention="where a margin is met exactly its gradient is 0, as PyTorch's multi_margin_loss",
        formula="sum((1-t)*max(0,scores-sum(t*scores)+delta))/n",
        latex=r"\sum_{j\ne #2} \max\left(0, #1_j - #1_{#2} + \Delta\right)",
        gate="router",
        role="passes its upstream to each score that misses its margin, and as often from the right one",
        doc="sum of max(0, s_j - s_t + delta) over the classes j that are not t; the mean over n rows",
        samples=(([0.3, 2.0, -1.0], [1.0, 0.0, 0.0]), (BATCH, [0.0, 2.0])),
        checks=(
            Check(([3.2, 5.1, -1.7], 0.0), 2.9, ([-1.0, 1.0, 0.0], None)),
            Check(([2.2, 2.5, -3.1], 2.0), 12.9, ([1.0, 1.0, -2.0], None)),
        ),
        source="CS231n, lecture 3: the multiclass SVM loss (2.9 and 12.9 for the cat and the frog)",
    ),
)

ROWS = (*(row.named(group="layers") for row in LAYERS), *(row.named(group="losses") for row in LOSSES))
