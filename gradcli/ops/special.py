"""Special functions: the error function and the gamma function with their relatives."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

from gradcli.ops.elementary import call
from gradcli.ops.op import Check, elementwise

GAMMA = 0.5772156649015329  # Euler's constant


def bell(m: Any, x: Any, n: int) -> Any:
    """exp(-x²/n), with x split at h, the 1/16 below it: h² is exact, so that exp magnifies no rounding."""
    h = m.floor(16 * x) / 16
    return m.exp(-h * h / n) * m.exp(-(x - h) * (x + h) / n)


ROWS = tuple(
    row.named(group="elementary")
    for row in (
        elementwise(
            "gaussian",
            lambda m, x: m.exp(-x * x),
            partials=[lambda m, y, x: -(x * y) * 2],
            stable=lambda m, x: m.where(m.lt(m.abs(x), 30), bell(m, x, 1), 0),
            latex="e^{-{#1}^{2}}",
            doc="exp(-x²), with all its digits far from 0",
            samples=(0, 1e-8, -20.3, 26.1, 1),
            checks=(Check((0,), 1, (0,)), Check((1,), 0.36787944117144233, (-0.7357588823428847,))),
            source="d e^(-x²) = -2x e^(-x²) dx",
        ),
        elementwise(
            "normal_pdf",
            lambda m, x: m.exp(-x * x / 2) / m.sqrt(2 * m.pi),
            partials=[lambda m, y, x: -x * y],
            stable=lambda m, x: m.where(m.lt(m.abs(x), 40), bell(m, x, 2) / m.sqrt(2 * m.pi), 0),
            latex=call(r"\varphi"),
            doc="φ(x), the normal density",
            samples=(0, 1e-8, -35.7, 25.1, 1),
            checks=(
                Check((0,), 1 / sqrt(2 * pi), (0,)),
                Check((1,), 0.24197072451914337, (-0.24197072451914337,)),
            ),
            source="Abramowitz and Stegun 26.2.1",
        ),
        elementwise(
            "erf",
            lambda m, x: m.erf(x),
            partials=[lambda m, y, x: 2 / m.sqrt(m.pi) * m.gaussian(x)],
            shown=("2/sqrt(pi)*exp(-x^2)",),
            spelled={"floats": "erf", "sympy": "erf", "balls": "erf", "js": "erf"},
            latex=call(r"\operatorname{erf}"),
            doc="error function",
            samples=(0, 1e-8, -3, 5, 1),
            checks=(Check((0,), 0, (2 / sqrt(pi),)), Check((1,), 0.8427007929497149, (0.41510749742059473,))),
            source="Abramowitz and Stegun 7.1.1",
        ),
        elementwise(
            "erfc",
            lambda m, x: m.erfc(x),
            partials=[lambda m, y, x: -2 / m.sqrt(m.pi) * m.gaussian(x)],
            shown=("-2/sqrt(pi)*exp(-x^2)",),
            spelled={"floats": "erfc", "sympy": "erfc", "balls": "erfc", "js": "erfc"},
            latex=call(r"\operatorname{erfc}"),
            doc="1 - erf(x), with all its digits for large x",
            samples=(0, 1e-8, -3, 20, 1),
            checks=(
                Check((0,), 1, (-2 / sqrt(pi),)),
                Check((1,), 0.15729920705028513, (-0.41510749742059473,)),
            ),
            source="Abramowitz and Stegun 7.1.2",
        ),
        elementwise(
            "normal_cdf",
            lambda m, x: m.erfc(-x / m.sqrt(2)) / 2,
            partials=[lambda m, y, x: m.normal_pdf(x)],
            spelled={"floats": "normal_cdf", "js": "normal_cdf"},
            latex=call(r"\Phi"),
            aliases=("ndtr",),
            doc="Φ(x), the normal distribution function",
            samples=(0, 1e-8, -10, 5, 1),
            checks=(
                Check((0,), 0.5, (1 / sqrt(2 * pi),)),
                Check((1,), 0.8413447460685429, (0.24197072451914337,)),
            ),
            source="Abramowitz and Stegun 26.2.1",
        ),
        elementwise(
            "gamma",
            lambda m, x: m.gamma(x),
            partials=[lambda m, y, x: y * m.digamma(x)],
            spelled={"floats": "gamma", "sympy": "gamma", "balls": "gamma"},
            latex=call(r"\Gamma"),
            domain=lambda m, x: m.where(m.gt(x, 0), 1, m.ne(x, m.floor(x))),
            aliases=("Γ", "tgamma"),
            doc="gamma function; gamma(n+1) is n!",
            samples=(1, 1e-8, -2.5, 100, 0.5),
            checks=(Check((5,), 24, (24 * (25 / 12 - GAMMA),)), Check((1,), 1, (-GAMMA,))),
            source="Abramowitz and Stegun 6.1.1, 6.3.1",
        ),
        elementwise(
            "lgamma",
            lambda m, x: m.lgamma(x),
            partials=[lambda m, y, x: m.digamma(x)],
            spelled={"floats": "lgamma", "sympy": "lgamma", "balls": "lgamma"},
            latex=r"\ln\left|\Gamma\left(#1\right)\right|",
            domain=lambda m, x: m.where(m.gt(x, 0), 1, m.ne(x, m.floor(x))),
            aliases=("gammaln", "loggamma"),
            doc="log(|gamma(x)|)",
            samples=(3, 1e-8, -2.5, 1e8, 0.5),
            checks=(Check((1,), 0, (-GAMMA,)), Check((5,), log(24), (25 / 12 - GAMMA,))),
            source="Abramowitz and Stegun 6.1.41, 6.3.1",
        ),
        elementwise(
            "digamma",
            lambda m, x: m.digamma(x),
            partials=[lambda m, y, x: m.polygamma(1, x)],
            spelled={"floats": "digamma", "sympy": "digamma", "balls": "digamma"},
            latex=call(r"\psi"),
            domain=lambda m, x: m.where(m.gt(x, 0), 1, m.ne(x, m.floor(x))),
            aliases=("psi",),
            doc="derivative of log(gamma(x))",
            samples=(1, 1e-8, -2.5, 1e8, 0.5),
            checks=(Check((1,), -GAMMA, (pi * pi / 6,)),),
            source="Abramowitz and Stegun 6.3.2, 6.4.1",
        ),
        elementwise(
            "polygamma",
            lambda m, n, x: m.polygamma(n, x),
            partials=[None, lambda m, y, n, x: m.polygamma(n + 1, x)],
            spelled={"floats": "polygamma", "sympy": "polygamma", "balls": "polygamma"},
            latex=r"\psi^{\left(#1\right)}\left(#2\right)",
            domain=lambda m, n, x: (
                m.ge(n, 0) * m.le(n, 1000) * m.eq(n, m.floor(n)) * m.where(m.gt(x, 0), 1, m.ne(x, m.floor(x)))
            ),
            doc="n-th derivative of digamma; n is a whole number up to 1000",
            samples=((1, 1), (2, 0.5), (3, -2.6), (1, 1e8)),
            checks=(Check((1, 1), pi * pi / 6, (None, -2.4041138063191885)),),
            source="Abramowitz and Stegun 6.4.1, 6.4.2",
        ),
        elementwise(
            "xlogy",
            lambda m, x, y: m.where(m.eq(x, 0), 0, x * m.log(y)),
            partials=[lambda m, out, x, y: m.log(y), lambda m, out, x, y: m.where(m.eq(x, 0), 0, x / y)],
            shown=("log(y)", "x/y"),
            latex=r"#1 \ln\left(#2\right)",
            domain=lambda m, x, y: m.where(m.eq(x, 0), m.ge(y, 0), m.gt(y, 0)),
            doc="x*log(y), and 0 where x is 0",
            samples=((2, 3), (1e-8, 1e-8), (-1e8, 0.5)),
            checks=(Check((2, 1), 0, (0, 2)), Check((0, 2), 0, (log(2), 0))),
            source="SciPy's xlogy",
        ),
    )
)
