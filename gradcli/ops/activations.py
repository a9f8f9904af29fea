"""Activation functions, with PyTorch's names, parameters and conventions at kinks."""

from __future__ import annotations

from math import log
from typing import Any

from gradcli.ops.comparisons import TIE, share, winners, wins
from gradcli.ops.elementary import call
from gradcli.ops.op import Check, elementwise, variadic

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

SIGMOID1 = 0.7310585786300049  # σ(1)
SIGMOID1_SLOPE = 0.19661193324148185  # σ'(1)


def stable_sigmoid(m: Any, x: Any) -> Any:
    """1/(1 + exp(-x)) by the exponential that does not overflow."""
    z = m.exp(-m.abs(x))
    return m.where(m.ge(x, 0), 1, z) / (1 + z)


def tanh_argument(m: Any, x: Any) -> Any:
    """The argument of tanh in GELU's approximation: sqrt(2/π)(x + 0.044715 x³)."""
    return m.sqrt(2 / m.pi) * (x + 44715 * x * x * x / 1000000)


SMOOTH = (
    elementwise(
        "sigmoid",
        lambda m, x: 1 / (1 + m.exp(-x)),
        partials=[lambda m, y, x: y * m.sigmoid(-x)],
        shown=("y*(1-y)",),
        stable=stable_sigmoid,
        spelled={"numpy": "sigmoid"},
        latex=call(r"\sigma"),
        aliases=("logistic", "σ", "expit"),
        doc="1/(1 + exp(-x))",
        samples=(0, 1e-8, -700, 40, 1),
        checks=(Check((0,), 0.5, (0.25,)), Check((1,), SIGMOID1, (SIGMOID1_SLOPE,))),
        source="CS231n, Optimization 2: dσ/dx = (1 - σ)σ",
    ),
    elementwise(
        "logsigmoid",
        lambda m, x: -m.log(1 + m.exp(-x)),
        partials=[lambda m, y, x: m.sigmoid(-x)],
        stable=lambda m, x: -m.softplus(-x),
        latex=r"\ln\sigma\left(#1\right)",
        aliases=("log_sigmoid",),
        disguises=("log(sigmoid(x))", "log(1/(1+exp(-x)))"),
        doc="log(sigmoid(x)), without overflow",
        samples=(0, 1e-8, -700, 40, 1),
        checks=(Check((0,), -log(2), (0.5,)),),
        source="d ln σ(x) = σ(-x) dx",
    ),
    elementwise(
        "softplus",
        lambda m, x: m.log(1 + m.exp(x)),
        partials=[lambda m, y, x: m.sigmoid(x)],
        stable=lambda m, x: m.max(x, 0) + m.log1p(m.exp(-m.abs(x))),
        latex=r"\ln\left(1 + e^{#1}\right)",
        doc="log(1 + exp(x)), a smooth relu",
        samples=(0, 1e-8, -300, 700, 1),
        checks=(Check((0,), log(2), (0.5,)), Check((1,), 1.3132616875182228, (SIGMOID1,))),
        source="d softplus(x) = σ(x) dx",
    ),
    elementwise(
        "silu",
        lambda m, x: x / (1 + m.exp(-x)),
        partials=[lambda m, y, x: m.sigmoid(x) * (1 + x * m.sigmoid(-x))],
        stable=lambda m, x: x * m.sigmoid(x),
        latex=r"#1\,\sigma\left(#1\right)",
        aliases=("swish",),
        doc="x*sigmoid(x)",
        samples=(0, 1e-8, -700, 40, 1),
        checks=(Check((0,), 0, (0.5,)), Check((1,), SIGMOID1, (SIGMOID1 + SIGMOID1_SLOPE,))),
        source="Ramachandran, Zoph, Le 2017",
    ),
    elementwise(
        "mish",
        lambda m, x: x * m.tanh(m.softplus(x)),
        partials=[lambda m, y, x: m.tanh(m.softplus(x)) + x * m.sech(m.softplus(x)) ** 2 * m.sigmoid(x)],
        latex=r"#1 \tanh\left(\ln\left(1 + e^{#1}\right)\right)",
        doc="x*tanh(softplus(x))",
        samples=(0, 1e-8, -300, 40, 1),
        checks=(Check((0,), 0, (0.6,)),),
        source="Misra 2019; tanh(ln 2) = 3/5",
    ),
    elementwise(
        "gelu",
        lambda m, x: x * m.normal_cdf(x),
        partials=[lambda m, y, x: m.normal_cdf(x) + x * m.normal_pdf(x)],
        latex=r"#1\,\Phi\left(#1\right)",
        doc="x*Φ(x), with the normal distribution function (PyTorch's default form)",
        samples=(0, 1e-8, -5, 10, 1),
        checks=(
            Check((0,), 0, (0.5,)),
            Check((1,), 0.8413447460685429, (0.8413447460685429 + 0.24197072451914337,)),
        ),
        source="Hendrycks, Gimpel 2016",
    ),
    elementwise(
        "gelu_tanh",
        lambda m, x: x * (1 + m.tanh(tanh_argument(m, x))) / 2,
        partials=[
            lambda m, y, x: m.where(
                m.gt(m.abs(x), 25),  # the slope is 0 or 1 there, to more digits than a double has
                m.step(x),
                m.sigmoid(2 * tanh_argument(m, x))
                * (1 + m.sigmoid(-2 * tanh_argument(m, x)) * 2 * x * m.sqrt(2 / m.pi) * (1 + 134145 * x * x / 1000000)),
            )
        ],
        stable=lambda m, x: x * m.sigmoid(2 * tanh_argument(m, x)),
        latex=call(r"\operatorname{GELU}_{\tanh}"),
        doc="gelu by its tanh approximation (JAX's default form)",
        samples=(0, 1e-8, -5, 10, 1),
        checks=(Check((0,), 0, (0.5,)), Check((1,), 0.8411919906082768, (1.0829640838457826,))),
        source="Hendrycks, Gimpel 2016, section 2",
    ),
    elementwise(
        "softsign",
        lambda m, x: x / (1 + m.abs(x)),
        partials=[lambda m, y, x: (1 / (1 + m.abs(x))) ** 2],
        shown=("1/(1+abs(x))^2",),
        latex=r"\frac{#1}{1 + \left|#1\right|}",
        doc="x/(1 + |x|)",
        samples=(0, 1e-8, -1e8, 1),
        checks=(Check((1,), 0.5, (0.25,)), Check((0,), 0, (1,))),
        source="Bergstra et al. 2009",
    ),
    elementwise(
        "celu",
        lambda m, x, *, alpha=1: m.where(m.gt(x, 0), x, alpha * (m.exp(x / alpha) - 1)),
        partials=[lambda m, y, x, *, alpha=1: m.where(m.gt(x, 0), 1, m.exp(x / alpha))],
        stable=lambda m, x, *, alpha=1: m.where(m.gt(x, 0), x, alpha * m.expm1(x / alpha)),
        limits={"alpha": "other than 0"},
        latex=call(r"\operatorname{CELU}"),
        doc="x for x > 0, else alpha*(exp(x/alpha) - 1): smooth at 0",
        samples=(1, 1e-8, -1e-8, -30),
        checks=(Check((2,), 2, (1,)), Check((-1,), -0.6321205588285577, (0.36787944117144233,))),
        source="Barron 2017",
    ),
)

BENT = (
    elementwise(
        "relu",
        lambda m, x: m.where(m.gt(x, 0), x, 0),
        partials=[lambda m, y, x: m.step(x)],
        stable=lambda m, x: m.where(m.le(x, 0), 0, x),  # nan stays nan
        selects=[lambda m, x: m.gt(x, 0)],
        kinks=lambda m, x: m.eq(x, 0),
        convention="relu'(0) is 0, as PyTorch",
        spelled={"numpy": "relu"},
        latex=r"\max\left(0, #1\right)",
        gate="router",
        role="passes its upstream on where its input is positive",
        doc="the larger of x and 0",
        samples=(1, 1e-8, -1e8),
        checks=(Check((3,), 3, (1,)), Check((-3,), 0, (0,)), Check((0,), 0, (0,))),
        source="CS231n, Optimization 2; PyTorch's convention at 0",
    ),
    elementwise(
        "leaky_relu",
        lambda m, x, *, slope=0.01: m.where(m.gt(x, 0), x, slope * x),
        partials=[lambda m, y, x, *, slope=0.01: m.where(m.gt(x, 0), 1, slope)],
        kinks=lambda m, x, *, slope=0.01: m.eq(x, 0),
        convention="leaky_relu'(0) is the slope, as PyTorch",
        latex=call(r"\operatorname{LeakyReLU}"),
        doc="x for x > 0, else slope*x",
        samples=(1, 1e-8, -1e8),
        checks=(Check((3,), 3, (1,)), Check((-3,), -0.03, (0.01,)), Check((0,), 0, (0.01,))),
        source="Maas, Hannun, Ng 2013; PyTorch's convention at 0",
    ),
    elementwise(
        "elu",
        lambda m, x, *, alpha=1: m.where(m.gt(x, 0), x, alpha * (m.exp(x) - 1)),
        partials=[lambda m, y, x, *, alpha=1: m.where(m.gt(x, 0), 1, alpha * m.exp(x))],
        stable=lambda m, x, *, alpha=1: m.where(m.gt(x, 0), x, alpha * m.expm1(x)),
        kinks=lambda m, x, *, alpha=1: m.eq(x, 0) * m.ne(alpha, 1),
        convention="elu'(0) is alpha, as PyTorch",
        latex=call(r"\operatorname{ELU}"),
        doc="x for x > 0, else alpha*(exp(x) - 1)",
        samples=(1, 1e-8, -1e-8, -30),
        checks=(
            Check((2,), 2, (1,)),
            Check((-1,), -0.6321205588285577, (0.36787944117144233,)),
            Check((0,), 0, (1,)),
        ),
        source="Clevert, Unterthiner, Hochreiter 2015; PyTorch's convention at 0",
    ),
    elementwise(
        "selu",
        lambda m, x: m.literal(SELU_SCALE) * m.where(m.gt(x, 0), x, m.literal(SELU_ALPHA) * (m.exp(x) - 1)),
        partials=[lambda m, y, x: m.where(m.gt(x, 0), SELU_SCALE, SELU_SCALE * SELU_ALPHA * m.exp(x))],
        stable=lambda m, x: SELU_SCALE * m.where(m.gt(x, 0), x, SELU_ALPHA * m.expm1(x)),
        kinks=lambda m, x: m.eq(x, 0),
        convention="selu'(0) is that of its left side, as PyTorch",
        latex=call(r"\operatorname{SELU}"),
        doc="1.0507*(x for x > 0, else 1.6733*(exp(x) - 1)): keeps mean 0 and variance 1",
        samples=(1, 1e-8, -1e-8, -30),
        checks=(Check((1,), SELU_SCALE, (SELU_SCALE,)), Check((0,), 0, (1.7580993408473766,))),
        source="Klambauer et al. 2017; PyTorch's constants",
    ),
    elementwise(
        "relu6",
        lambda m, x: m.min(m.max(x, 0), 6),
        partials=[lambda m, y, x: m.gt(x, 0) * m.lt(x, 6)],
        selects=[lambda m, x: m.gt(x, 0) * m.lt(x, 6)],
        kinks=lambda m, x: m.eq(x, 0) + m.eq(x, 6),
        convention="relu6' at 0 and 6 is 0, as PyTorch",
        latex=r"\min\left(\max\left(0, #1\right), 6\right)",
        gate="router",
        role="passes its upstream on between 0 and 6",
        doc="relu that stops at 6",
        samples=(1, 1e-8, -1e8, 7),
        checks=(Check((3,), 3, (1,)), Check((6,), 6, (0,)), Check((7,), 6, (0,))),
        source="PyTorch",
    ),
    elementwise(
        "hardtanh",
        lambda m, x: m.min(m.max(x, -1), 1),
        partials=[lambda m, y, x: m.gt(x, -1) * m.lt(x, 1)],
        selects=[lambda m, x: m.gt(x, -1) * m.lt(x, 1)],
        kinks=lambda m, x: m.eq(m.abs(x), 1),
        convention="hardtanh' at -1 and 1 is 0, as PyTorch",
        latex=r"\min\left(\max\left(-1, #1\right), 1\right)",
        gate="router",
        role="passes its upstream on between -1 and 1",
        doc="x held between -1 and 1",
        samples=(0.5, 1e-8, -1e8, 7),
        checks=(Check((0.5,), 0.5, (1,)), Check((1,), 1, (0,)), Check((-7,), -1, (0,))),
        source="PyTorch",
    ),
    elementwise(
        "hardsigmoid",
        lambda m, x: m.min(m.max(x + 3, 0), 6) / 6,
        partials=[lambda m, y, x: m.gt(x, -3) * m.lt(x, 3) / 6],
        shown=("where((x>-3)*(x<3),1/6,0)",),
        selects=[lambda m, x: m.gt(x, -3) * m.lt(x, 3)],
        kinks=lambda m, x: m.eq(m.abs(x), 3),
        convention="hardsigmoid' at -3 and 3 is 0, as PyTorch",
        latex=r"\frac{\min\left(\max\left(0, #1 + 3\right), 6\right)}{6}",
        gate="router",
        role="passes a sixth of its upstream on between -3 and 3",
        doc="(x + 3)/6 held between 0 and 1 (PyTorch's form)",
        samples=(0.5, 1e-8, -1e8, 7),
        checks=(Check((0,), 0.5, (1 / 6,)), Check((3,), 1, (0,)), Check((-7,), 0, (0,))),
        source="PyTorch",
    ),
    variadic(
        "maxout",
        lambda m, *x: m.max(*x),
        parameters=("a", "b"),
        partial=share,
        shown=wins,
        selects=lambda m, k, *x: m.eq(x[k], m.max(*x)),
        kinks=lambda m, *x: m.gt(winners(m, m.max(*x), x), 1),
        convention=TIE,
        latex=r"\max\left(#*\right)",
        gate="router",
        role="routes its upstream to the largest input",
        doc="the largest of several linear pieces",
        samples=((4, 2), (-1, 3, 2), (-1e8, 1e-8)),
        checks=(Check((4, 2), 4, (1, 0)), Check((2, 2), 2, (0.5, 0.5))),
        source="Goodfellow et al. 2013",
    ),
)

ROWS = tuple(row.named(group="activations") for row in (*SMOOTH, *BENT))
