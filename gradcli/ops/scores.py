"""Losses over the scores of several classes: softmax with cross-entropy, and the multiclass SVM's.

Labels are rows of weights in the shape of the scores, one-hot ones mostly, or the index of a class for each row.
"""

from __future__ import annotations

from math import prod
from typing import Any

from gradcli.ops import typed
from gradcli.ops.layers import BATCH, shares
from gradcli.ops.mismatch import Mismatch, shown
from gradcli.ops.op import LAST, Check, Shape, structural

ROUNDED = 1e-9
"""How far the sum of a row of labels may be from 1 that is meant to be 1."""


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


def whole_labels(m: Any, scores: Any, t: Any) -> Any:
    """Whether each row of labels sums to 1, as those do that class indices stand for."""
    return m.le(m.abs(m.sum(one_hot(m, t, scores), axis=-1) - 1), ROUNDED)


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


def named(m: Any, p: Any, t: Any) -> Any:
    """Which classes the labels name; of a system without shapes, the one that is spoken of."""
    return m.ne(one_hot(m, t, p), 0) if m.shape(p) else 1


def stable_error(m: Any, p: Any, t: Any) -> Any:
    """-sum(t*log(p)) over the rows; a class without weight counts 0."""
    return -m.sum(m.xlogy(marked(m, t, p), p)) / rows(m, p)


def probabilities_pulled(m: Any, g: Any, y: Any, p: Any, t: Any) -> Any:
    """-t/p, and 0 for a class without weight, whatever its probability."""
    hot = marked(m, t, p)
    return m.where(hot, -hot / m.where(hot, p, 1), 0) * (g / rows(m, p))


def weights_pulled(m: Any, g: Any, y: Any, p: Any, t: Any) -> Any:
    """-log(p) of labels that are rows of weights; an index has no gradient."""
    if m.shape(t) != m.shape(p):
        return None
    return -m.log(p) * (g / rows(m, p))


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


ROWS = tuple(
    row.named(group="losses")
    for row in (
        structural(
            "softmax_cross_entropy",
            lambda m, scores, t: -m.sum(one_hot(m, t, scores) * m.log_softmax(scores)) / rows(m, scores),
            vjp=[scores_pulled, labels_pulled],
            shape=scored,
            fits="(N,c), (N,c) or (N,) → a scalar; (c,), (c,) or one index → a scalar",
            stable=stable_cross_entropy,
            labels="weights",
            shown=("g*(softmax(scores)-t)/n", "-g*log_softmax(scores)/n"),
            typed=typed.classified,
            general=typed.weighted,
            holds=whole_labels,
            averaged=lambda scores, t: prod(scores[:-1]),
            formula="-sum(t*log_softmax(scores))/n",
            latex=r"-\sum #2 \ln\operatorname{softmax}\left(#1\right)",
            role="hands the scores y - t: their softmax less the labels",
            general_role="hands the scores sum(t)*y - t, as rows of these labels do not sum to 1",
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
                Check(
                    ([[0.0, 0.0], [0.0, 0.0]], [0.0, 1.0]), 0.6931471805599453, ([[-0.25, 0.25], [0.25, -0.25]], None)
                ),
            ),
            source="Deep Learning from Scratch, chapter 5: Softmax-with-Loss; PyTorch's cross_entropy",
        ),
        structural(
            "cross_entropy_error_at",
            lambda m, p, t: -m.sum(m.xlogy(one_hot(m, t, p), p)) / rows(m, p),
            vjp=[probabilities_pulled, weights_pulled],
            shape=scored,
            fits="(N,c), (N,) → a scalar; (c,), one index → a scalar",
            stable=stable_error,
            labels="weights",
            called="cross_entropy_error",
            shown=("-g/n/p at t, else 0", "-g*log(p)/n"),
            typed=typed.picked,
            averaged=lambda p, t: prod(p[:-1]),
            selects=[named, None],
            domain=lambda m, p, t: m.where(named(m, p, t), m.gt(p, 0), 1),
            formula="-sum(t*log(p))/n",
            latex=r"-\ln\left({#1}_{#2}\right)",
            role="hands -1/p to the probability of the class named, nothing to the others",
            doc="-log(p) of the probability p of the class that the index t names; the mean over n rows",
            samples=(([0.3, 0.2, 0.5], 1.0), ([[0.2, 0.5, 0.3], [0.05, 0.85, 0.1]], [2.0, 0.0])),
            checks=(
                Check(([0.25, 0.75], 0.0), 1.3862943611198906, ([-4.0, 0.0], None)),
                Check(
                    ([[0.1, 0.4, 0.5], [0.8, 0.1, 0.1]], [1.0, 0.0]),
                    0.5697171415941823,
                    ([[0.0, -1.25, 0.0], [-0.625, 0.0, 0.0]], None),
                ),
            ),
            source="Deep Learning from Scratch, chapter 4: labels as indices, without its 1e-7",
        ),
        structural(
            "svm_loss",
            svm,
            vjp=[svm_pulled, None],
            shape=scored,
            fits="(N,c), (N,c) or (N,) → a scalar; (c,), (c,) or one index → a scalar",
            labels="one-hot",
            shown=("g/n where scores miss, -g/n each at t", None),
            averaged=lambda scores, t, *, delta=1: prod(scores[:-1]),
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
)
