"""Exponentials, logarithms, roots, rounding."""

from __future__ import annotations

from math import e, log
from typing import Any

from gradcli.ops.op import Check, elementwise

LN2, LN10 = log(2), log(10)


def call(name: str) -> str:
    r"""The LaTeX of a call: `\sin\left(#1\right)`."""
    return rf"{name}\left(#1\right)"


def cosine(m: Any, a: Any, b: Any) -> Any:
    """a/√(a²+b²), with both scaled to the larger, so that neither end of the doubles is passed."""
    top = m.max(m.abs(a), m.abs(b))
    return a / top / m.hypot(a / top, b / top)


def over_square(m: Any, a: Any, b: Any) -> Any:
    """a/(a²+b²), scaled likewise."""
    top = m.max(m.abs(a), m.abs(b))
    return cosine(m, a, b) / m.hypot(a / top, b / top) / top


EXPONENTIALS = (
    elementwise(
        "exp",
        lambda m, x: m.exp(x),
        partials=[lambda m, y, x: y],
        spelled={"floats": "exp", "numpy": "exp", "sympy": "exp", "balls": "exp", "js": "Math.exp"},
        latex="e^{#1}",
        doc="e to the power x",
        samples=(0, 1e-8, -30, 700, 2.5),
        checks=(Check((0,), 1, (1,)), Check((1,), e, (e,))),
        source="CS231n, Optimization 2: f = e^x has df/dx = e^x",
    ),
    elementwise(
        "expm1",
        lambda m, x: m.exp(x) - 1,
        partials=[lambda m, y, x: m.exp(x)],
        shown=("y+1",),
        spelled={"floats": "expm1", "numpy": "expm1", "js": "Math.expm1"},
        latex="e^{#1} - 1",
        doc="exp(x) - 1, with all its digits near 0",
        samples=(0, 1e-8, -40, 700, 2.5),
        checks=(Check((0,), 0, (1,)), Check((1,), 1.718281828459045, (e,))),
        source="C99 expm1",
    ),
    elementwise(
        "exp2",
        lambda m, x: m.pow(2, x),
        partials=[lambda m, y, x: y * m.log(2)],
        spelled={"floats": "exp2", "numpy": "exp2", "js": "2 ** #1"},
        latex="2^{#1}",
        doc="2 to the power x",
        samples=(0, 1e-8, -30, 1000, 2.5),
        checks=(Check((3,), 8, (8 * LN2,)),),
        source="d(a^x) = a^x ln a",
    ),
    elementwise(
        "log",
        lambda m, x: m.log(x),
        partials=[lambda m, y, x: 1 / x],
        spelled={"floats": "log", "numpy": "log", "sympy": "log", "balls": "log", "js": "Math.log"},
        latex=call(r"\ln"),
        domain=lambda m, x: m.gt(x, 0),
        aliases=("ln",),
        doc="natural logarithm",
        samples=(1, 1e-8, 1.0000001, 1e8, 0.3),
        checks=(Check((1,), 0, (1,)), Check((e,), 1, (1 / e,))),
        source="d(ln x) = dx/x",
    ),
    elementwise(
        "log2",
        lambda m, x: m.log(x) / m.log(2),
        partials=[lambda m, y, x: 1 / x / m.log(2)],
        shown=("1/(x*log(2))",),
        spelled={"floats": "log2", "numpy": "log2", "js": "Math.log2"},
        latex=call(r"\log_{2}"),
        domain=lambda m, x: m.gt(x, 0),
        doc="logarithm to base 2",
        samples=(1, 1e-8, 1e8, 0.3),
        checks=(Check((8,), 3, (1 / (8 * LN2),)),),
        source="log_a x = ln x / ln a",
    ),
    elementwise(
        "log10",
        lambda m, x: m.log(x) / m.log(10),
        partials=[lambda m, y, x: 1 / x / m.log(10)],
        shown=("1/(x*log(10))",),
        spelled={"floats": "log10", "numpy": "log10", "js": "Math.log10"},
        latex=call(r"\log_{10}"),
        domain=lambda m, x: m.gt(x, 0),
        doc="logarithm to base 10",
        samples=(1, 1e-8, 1e8, 0.3),
        checks=(Check((1000,), 3, (1 / (1000 * LN10),)),),
        source="log_a x = ln x / ln a",
    ),
    elementwise(
        "log1p",
        lambda m, x: m.log(1 + x),
        partials=[lambda m, y, x: 1 / (1 + x)],
        spelled={"floats": "log1p", "numpy": "log1p", "js": "Math.log1p"},
        latex=r"\ln\left(1 + #1\right)",
        domain=lambda m, x: m.gt(x, -1),
        doc="log(1 + x), with all its digits near 0",
        samples=(0, 1e-8, -0.999, 1e8, 2.5),
        checks=(Check((0,), 0, (1,)), Check((1,), LN2, (0.5,))),
        source="C99 log1p",
    ),
    elementwise(
        "logaddexp",
        lambda m, a, b: m.log(m.exp(a) + m.exp(b)),
        partials=[lambda m, y, a, b: m.sigmoid(a - b), lambda m, y, a, b: m.sigmoid(b - a)],
        shown=("exp(a-y)", "exp(b-y)"),
        spelled={"floats": "logaddexp", "numpy": "logaddexp"},
        latex=r"\ln\left(e^{#1} + e^{#2}\right)",
        doc="log(exp(a) + exp(b)), without overflow",
        samples=((0, 0), (1000, 999), (-1000, 3), (1e-8, -40)),
        checks=(Check((0, 0), LN2, (0.5, 0.5)),),
        source="the gradient is softmax(a, b)",
    ),
    elementwise(
        "logit",
        lambda m, p: m.log(p / (1 - p)),
        partials=[lambda m, y, p: 1 / (p * (1 - p))],
        stable=lambda m, p: m.where(m.gt(p, 1 / 4) * m.lt(p, 3 / 4), 2 * m.atanh(2 * p - 1), m.log(p) - m.log1p(-p)),
        latex=call(r"\operatorname{logit}"),
        domain=lambda m, p: m.gt(p, 0) * m.lt(p, 1),
        doc="log(p/(1-p)), the inverse of sigmoid",
        samples=(0.5, 1e-8, 0.9999, 0.5000001, 0.3),
        checks=(Check((0.5,), 0, (4,)), Check((0.75,), 1.0986122886681098, (16 / 3,))),
        source="d logit(p) = dp/(p(1-p))",
    ),
)

ROOTS = (
    elementwise(
        "sqrt",
        lambda m, x: m.sqrt(x),
        partials=[lambda m, y, x: 1 / (2 * y)],
        spelled={"floats": "sqrt", "numpy": "sqrt", "sympy": "sqrt", "balls": "sqrt", "js": "Math.sqrt"},
        latex=r"\sqrt{#1}",
        domain=lambda m, x: m.ge(x, 0),
        kinks=lambda m, x: m.eq(x, 0),
        convention="sqrt'(0) is inf",
        doc="square root",
        samples=(1, 1e-8, 1e8, 0.3),
        checks=(Check((4,), 2, (0.25,)), Check((9,), 3, (1 / 6,))),
        source="d√x = dx/(2√x)",
    ),
    elementwise(
        "cbrt",
        lambda m, x: m.sign(x) * m.exp(m.log(m.abs(x)) / 3),
        partials=[lambda m, y, x: 1 / (3 * y**2)],
        spelled={"floats": "cbrt", "numpy": "cbrt", "sympy": "cbrt", "balls": "cbrt", "js": "Math.cbrt"},
        latex=r"\sqrt[3]{#1}",
        kinks=lambda m, x: m.eq(x, 0),
        convention="cbrt'(0) is inf",
        disguises=("x^(1/3)",),
        doc="cube root, of negative numbers too",
        samples=(1, 1e-8, -1e8, 0.3),
        checks=(Check((8,), 2, (1 / 12,)), Check((-27,), -3, (1 / 27,))),
        source="d∛x = dx/(3∛x²)",
    ),
    elementwise(
        "square",
        lambda m, x: x * x,
        partials=[lambda m, y, x: 2 * x],
        spelled={"numpy": "square"},
        latex="{#1}^{2}",
        doc="x times x",
        samples=(3, 1e-8, -1e8),
        checks=(Check((3,), 9, (6,)),),
        source="the power rule",
    ),
    elementwise(
        "reciprocal",
        lambda m, x: 1 / x,
        partials=[lambda m, y, x: -(y * y)],
        shown=("-1/x^2",),
        spelled={"numpy": "reciprocal"},
        latex=r"\frac{1}{#1}",
        domain=lambda m, x: m.ne(x, 0),
        doc="1/x",
        samples=(3, 1e-8, -1e8, 1e200),
        checks=(Check((2,), 0.5, (-0.25,)),),
        source="CS231n, Optimization 2: f = 1/x has df/dx = -1/x²",
    ),
    elementwise(
        "hypot",
        lambda m, a, b: m.sqrt(a * a + b * b),
        partials=[
            lambda m, y, a, b: m.where(m.eq(y, 0), 0, cosine(m, a, b)),
            lambda m, y, a, b: m.where(m.eq(y, 0), 0, cosine(m, b, a)),
        ],
        shown=("a/y", "b/y"),
        kinks=lambda m, a, b: m.eq(a, 0) * m.eq(b, 0),
        convention="hypot'(0,0) is 0, as PyTorch's norm",
        spelled={"floats": "hypot", "numpy": "hypot", "balls": "hypot", "js": "Math.hypot"},
        latex=r"\sqrt{{#1}^{2} + {#2}^{2}}",
        disguises=("sqrt(a^2+b^2)",),
        doc="length of the hypotenuse, sqrt(a² + b²) without overflow",
        samples=((3, 4), (1e-8, -2), (-1e200, 1e200)),
        checks=(Check((3, 4), 5, (0.6, 0.8)), Check((0, 0), 0, (0, 0))),
        source="C99 hypot",
    ),
)

FLAT = "{0}' is 0 everywhere, also where {0} jumps, as PyTorch"

ROUNDING = (
    elementwise(
        "abs",
        lambda m, x: m.where(m.lt(x, 0), -x, x),
        partials=[lambda m, y, x: m.sign(x)],
        kinks=lambda m, x: m.eq(x, 0),
        convention="abs'(0) is 0, as PyTorch",
        spelled={"floats": "fabs", "numpy": "abs", "sympy": "Abs", "balls": "abs", "js": "Math.abs"},
        latex=r"\left|#1\right|",
        aliases=("absolute", "fabs"),
        doc="absolute value",
        samples=(1, 1e-8, -1e8),
        checks=(Check((-3,), 3, (-1,)), Check((0,), 0, (0,))),
        source="d|x| = sign(x) dx",
    ),
    elementwise(
        "sign",
        lambda m, x: m.gt(x, 0) - m.lt(x, 0),
        partials=[lambda m, y, x: 0],
        kinks=lambda m, x: m.eq(x, 0),
        convention=FLAT.format("sign"),
        spelled={"floats": "sign", "numpy": "sign", "sympy": "sign", "balls": "sign", "js": "Math.sign"},
        latex=call(r"\operatorname{sign}"),
        aliases=("sgn",),
        doc="-1, 0 or 1",
        samples=(1, 1e-8, -1e8),
        checks=(Check((-3,), -1, (0,)), Check((0,), 0, (0,))),
        source="PyTorch's convention",
    ),
    elementwise(
        "floor",
        lambda m, x: m.floor(x),
        partials=[lambda m, y, x: 0],
        kinks=lambda m, x: m.eq(x, m.floor(x)),
        convention=FLAT.format("floor"),
        spelled={"floats": "floor", "numpy": "floor", "sympy": "floor", "balls": "floor", "js": "Math.floor"},
        latex=r"\left\lfloor #1\right\rfloor",
        doc="largest integer that is not above x",
        samples=(1.5, 1e-8, -2.5),
        checks=(Check((2.7,), 2, (0,)), Check((-2.7,), -3, (0,))),
        source="PyTorch's convention",
    ),
    elementwise(
        "ceil",
        lambda m, x: m.ceil(x),
        partials=[lambda m, y, x: 0],
        kinks=lambda m, x: m.eq(x, m.ceil(x)),
        convention=FLAT.format("ceil"),
        spelled={"floats": "ceil", "numpy": "ceil", "sympy": "ceiling", "balls": "ceil", "js": "Math.ceil"},
        latex=r"\left\lceil #1\right\rceil",
        doc="smallest integer that is not below x",
        samples=(1.5, 1e-8, -2.5),
        checks=(Check((2.3,), 3, (0,)), Check((-2.3,), -2, (0,))),
        source="PyTorch's convention",
    ),
    elementwise(
        "round",
        lambda m, x: m.round(x),
        partials=[lambda m, y, x: 0],
        kinks=lambda m, x: m.eq(m.abs(x - m.round(x)), 1 / 2),
        convention=FLAT.format("round"),
        spelled={
            "floats": "half_even",
            "numpy": "round",
            "sympy": "half_even",
            "balls": "half_even",
            "js": "half_even",
        },
        latex=call(r"\operatorname{round}"),
        aliases=("rint",),
        doc="nearest integer, halves to the even one",
        samples=(1.4, 1e-8, -2.6),
        checks=(Check((2.5,), 2, (0,)), Check((3.5,), 4, (0,)), Check((-1.2,), -1, (0,))),
        source="IEEE 754 round half to even; PyTorch's convention for the gradient",
    ),
    elementwise(
        "step",
        lambda m, x: m.where(m.gt(x, 0), 1, 0),
        partials=[lambda m, y, x: 0],
        kinks=lambda m, x: m.eq(x, 0),
        convention=FLAT.format("step"),
        latex=call(r"H"),
        doc="1 for x > 0, else 0",
        samples=(1, 1e-8, -1e8),
        checks=(Check((2,), 1, (0,)), Check((0,), 0, (0,))),
        source="the step function of Deep Learning from Scratch, chapter 3",
    ),
)

ROWS = tuple(row.named(group="elementary") for row in (*EXPONENTIALS, *ROOTS, *ROUNDING))
