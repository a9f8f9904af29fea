"""Losses of one prediction, as the book and PyTorch define them; `reduces` says what becomes of those of a batch."""

from __future__ import annotations

from math import log

from gradcli.ops.elementary import call
from gradcli.ops.op import Check, elementwise

ROWS = tuple(
    row.named(group="losses")
    for row in (
        elementwise(
            "mse",
            lambda m, y, t: (y - t) ** 2,
            partials=[lambda m, out, y, t: 2 * (y - t), lambda m, out, y, t: 2 * (t - y)],
            shown=("2*(y-t)", "-2*(y-t)"),
            reduces="mean",
            latex=r"\left(#1 - #2\right)^{2}",
            doc="squared error of a prediction y for the target t; the mean over all entries",
            samples=((3, 1), (1e-8, -2), (-1e8, 2)),
            checks=(Check((3, 1), 4, (4, -4)),),
            source="PyTorch's mse_loss",
        ),
        elementwise(
            "sum_squared_error",
            lambda m, y, t: (y - t) ** 2 / 2,
            partials=[lambda m, out, y, t: y - t, lambda m, out, y, t: t - y],
            shown=("y-t", "-(y-t)"),
            reduces="sum",
            latex=r"\frac{\left(#1 - #2\right)^{2}}{2}",
            doc="half the squared error, as the book has it; the sum over all entries",
            samples=((3, 1), (1e-8, -2), (-1e8, 2)),
            checks=(Check((3, 1), 2, (2, -2)),),
            source="Deep Learning from Scratch, chapter 4",
        ),
        elementwise(
            "cross_entropy_error",
            lambda m, y, t: -m.xlogy(t, y),
            partials=[
                lambda m, out, y, t: m.where(m.eq(t, 0), 0, -t / y),
                lambda m, out, y, t: -m.log(y),
            ],
            shown=("-t/y", "-log(y)"),
            domain=lambda m, y, t: m.where(m.eq(t, 0), m.ge(y, 0), m.gt(y, 0)),
            reduces="rows",
            indexed="cross_entropy_error_at",
            latex=r"-#2 \ln\left(#1\right)",
            doc="-t*log(y) of a probability y; summed over a row's classes, the mean over rows; t may be class indices",
            samples=((0.3, 1), (1e-8, 0.5), (0.9, 1)),
            checks=(Check((0.5, 1), log(2), (-2, log(2))), Check((0.5, 0), 0, (0, log(2)))),
            source="Deep Learning from Scratch, chapter 4, without its 1e-7",
        ),
        elementwise(
            "binary_cross_entropy",
            lambda m, p, t: -(m.xlogy(t, p) + m.xlogy(1 - t, 1 - p)),
            partials=[
                lambda m, y, p, t: m.where(
                    m.eq(t, 1), -1 / p, m.where(m.eq(t, 0), 1 / (1 - p), (p - t) / (p * (1 - p)))
                ),
                lambda m, y, p, t: -m.logit(p),
            ],
            shown=("(p-t)/(p*(1-p))", "log(1-p)-log(p)"),
            stable=lambda m, p, t: -(m.xlogy(t, p) + m.where(m.eq(t, 1), 0, (1 - t) * m.log1p(-p))),
            domain=lambda m, p, t: (
                m.where(m.eq(t, 0), m.ge(p, 0), m.gt(p, 0)) * m.where(m.eq(t, 1), m.le(p, 1), m.lt(p, 1))
            ),
            reduces="mean",
            latex=r"-\left(#2 \ln #1 + \left(1 - #2\right) \ln\left(1 - #1\right)\right)",
            aliases=("bce",),
            doc="-(t*log(p) + (1-t)*log(1-p)) of a probability p; the mean over all entries",
            samples=((0.3, 0.75), (1e-8, 0.125), (0.9, 0.25)),
            checks=(Check((0.5, 1), log(2), (-2, 0)), Check((0.25, 0), log(4 / 3), (4 / 3, log(3)))),
            source="PyTorch's binary_cross_entropy, without its clamp",
        ),
        elementwise(
            "bce_with_logits",
            lambda m, z, t: m.log(1 + m.exp(z)) - t * z,
            partials=[
                lambda m, y, z, t: (1 - t) * m.sigmoid(z) - t * m.sigmoid(-z),
                lambda m, y, z, t: -z,
            ],
            shown=("sigmoid(z)-t", "-z"),
            stable=lambda m, z, t: m.where(
                m.ge(t, 0) * m.le(t, 1), t * m.softplus(-z) + (1 - t) * m.softplus(z), m.softplus(z) - t * z
            ),
            reduces="mean",
            latex=r"\ln\left(1 + e^{#1}\right) - #2 #1",
            aliases=("binary_cross_entropy_with_logits",),
            doc="binary cross-entropy of sigmoid(z), without overflow; the mean over all entries",
            samples=((0, 1), (40, 1), (-700, 0), (2.5, 0.25)),
            checks=(Check((0, 1), log(2), (-0.5, 0)),),
            source="PyTorch's binary_cross_entropy_with_logits",
        ),
        elementwise(
            "hinge",
            lambda m, score, t: m.max(0, 1 - t * score),
            partials=[
                lambda m, y, score, t: m.where(m.lt(t * score, 1), -t, 0),
                lambda m, y, score, t: m.where(m.lt(t * score, 1), -score, 0),
            ],
            shown=("-t", "-score"),
            selects=[lambda m, score, t: m.lt(t * score, 1)] * 2,
            kinks=lambda m, score, t: m.eq(t * score, 1),
            convention="hinge' at the margin is 0, as PyTorch's relu",
            reduces="mean",
            latex=r"\max\left(0, 1 - #2 #1\right)",
            gate="router",
            role="passes its upstream on inside the margin",
            doc="max(0, 1 - t*score) for a target t of 1 or -1; the mean over all entries",
            samples=((0.5, 1), (-2, 1), (3, -1), (3, 1)),
            checks=(Check((0.5, 1), 0.5, (-1, -0.5)), Check((2, 1), 0, (0, 0))),
            source="CS231n, Linear classification: the hinge loss",
        ),
        elementwise(
            "huber",
            lambda m, p, t, *, delta=1: m.where(
                m.le(m.abs(p - t), delta), (p - t) ** 2 / 2, delta * (m.abs(p - t) - m.literal(delta) / 2)
            ),
            partials=[
                lambda m, y, p, t, *, delta=1: m.clip(p - t, -delta, delta),
                lambda m, y, p, t, *, delta=1: m.clip(t - p, -delta, delta),
            ],
            limits={"delta": "positive"},
            reduces="mean",
            latex=call(r"\operatorname{Huber}").replace("#1", "#1, #2"),
            doc="(p-t)²/2 within delta of the target, linear beyond; the mean over all entries",
            samples=((0.5, 0), (-2, 1), (1e8, 1)),
            checks=(Check((0.5, 0), 0.125, (0.5, -0.5)), Check((3, 0), 2.5, (1, -1))),
            source="Huber 1964; PyTorch's huber_loss",
        ),
    )
)
