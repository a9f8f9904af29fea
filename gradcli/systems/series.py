"""The functions of FLINT that rows of the op table name, on balls and on their power series.

FLINT has more functions of numbers than of series. What it lacks is composed here of exp, log, sqrt and the
gamma function, in forms whose derivative keeps its digits; the value is always FLINT's own.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, arb_series, ctx

from gradcli.systems import Function

NAN, ZERO, ONE = arb(math.nan), arb(0), arb(1)
UNDEFINED = arb_series([NAN] * 3)
"""What a function of a series is outside its domain; a number's is NAN."""

UNIT, TWO, THREE = arb_series([1]), arb_series([2]), arb_series([3])
"""Numbers as series: FLINT adds and multiplies two series in a quarter of the time that a series and an int take."""

ORDERS = 100
"""The highest order of polygamma that is expanded."""


def ball(x: Any) -> arb:
    """A number of a rule as a ball; of a series, its value."""
    return x if type(x) is arb else x[0] if type(x) is arb_series else arb(x)


def hull(a: Any, b: Any) -> Any:
    """The smallest element that holds both, coefficient by coefficient."""
    if type(a) is arb_series or type(b) is arb_series:
        a, b = (v if type(v) is arb_series else arb_series([ball(v)]) for v in (a, b))
        return arb_series([a[k].union(b[k]) for k in range(ctx.cap)])
    return ball(a).union(ball(b))


def undefined(*x: Any) -> Any:
    """What a function is outside its domain: of numbers nan, of series a series of nan."""
    return UNDEFINED if any(type(v) is arb_series for v in x) else NAN


def analytic(word: str) -> Function:
    """A function that FLINT has for numbers and for series."""
    call = operator.methodcaller(word)

    def function(x: Any) -> Any:
        return call(x if type(x) is arb or type(x) is arb_series else arb(x))

    return function


def composed(value: Callable[[Any], Any], series: Callable[[Any], Any]) -> Function:
    """A function that FLINT has for numbers only: its series is a composition that keeps digits."""

    def function(x: Any) -> Any:
        if type(x) is arb_series:
            y = series(x)
            y[0] = value(x[0])
            return y
        return value(ball(x))

    return function


def _sinh(x: arb_series) -> arb_series:
    y = x.exp()
    return (y - UNIT / y) / TWO


def _cosh(x: arb_series) -> arb_series:
    y = x.exp()
    return (y + UNIT / y) / TWO


def _tanh(x: arb_series) -> arb_series:
    return UNIT - TWO / ((x + x).exp() + UNIT)


def _asinh(x: arb_series) -> arb_series:
    root = (x * x + UNIT).sqrt()
    return -(root - x).log() if x[0] < 0 else (x + root).log()


def _acosh(x: arb_series) -> arb_series:
    return (x + ((x - UNIT) * (x + UNIT)).sqrt()).log()


def _atanh(x: arb_series) -> arb_series:
    return ((UNIT + x).log() - (UNIT - x).log()) / TWO


def _root(x: arb) -> arb:
    if x.is_zero():
        return x
    return -(-x).root(3) if x < 0 else x.root(3)


def _cbrt(x: arb_series) -> arb_series:
    y = ((-x if x[0] < 0 else x).log() / THREE).exp()
    return -y if x[0] < 0 else y


def log_gamma(x: arb, terms: int) -> arb_series:
    """log|Γ(x + t)| as a power series in t."""
    before, ctx.cap = ctx.cap, terms
    try:
        s = arb_series([x, 1])
        if x > 0:
            return s.lgamma()
        y = s.gamma()
        return (-y if y[0] < 0 else y).log()
    finally:
        ctx.cap = before


def lgamma(x: Any) -> Any:
    """log|Γ(x)|, left of 0 too."""
    c = ball(x)
    y = log_gamma(c, ctx.cap) if type(x) is arb_series else None
    value = c.lgamma() if c > 0 else abs(c.gamma()).log()
    return value if y is None else chained(value, y, x)


def chained(value: arb, y: Sequence[arb] | arb_series, x: arb_series) -> arb_series:
    """A function of a series: its value, and its own coefficients y at the series' value."""
    known = [value, y[1] * x[1]]
    if ctx.cap > 2:
        known.append(y[1] * x[2] + y[2] * x[1] * x[1])
    return arb_series(known)


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, from the series of log|Γ|."""
    order = None if type(n) is arb_series else ball(n).unique_fmpz()
    if order is None or not 0 <= order <= ORDERS:
        return undefined(n, x)
    n, c = int(order), ball(x)
    y = log_gamma(c, n + 1 + ctx.cap)
    known = [math.factorial(n + 1 + k) // math.factorial(k) * y[n + 1 + k] for k in range(ctx.cap)]
    return chained(known[0], known, x) if type(x) is arb_series else known[0]


def power(x: Any, p: Any) -> Any:
    """x^p, with 0^0 = 1; a negative x needs a whole number p."""
    if type(x) is not arb_series and type(p) is not arb_series:
        return _power(ball(x), ball(p))
    base, exponent = ball(x), ball(p)
    if type(p) is not arb_series:
        if base.is_zero() and not (exponent.is_integer() and exponent >= 0):
            return arb_series([ZERO, ZERO, ZERO if exponent > 2 else NAN]) if exponent > 1 else UNDEFINED
        if base < 0 and exponent.is_integer():  # FLINT takes whole powers of any base only while they are small
            y = (-x) ** exponent
            return y if (exponent / 2).is_integer() else -y
        return x**exponent
    if base.is_zero() and type(x) is not arb_series:
        return arb_series([_power(base, exponent), ZERO]) if exponent >= 0 else UNDEFINED
    return (p * analytic("log")(x)).exp() if base > 0 else UNDEFINED


def _power(x: arb, p: arb) -> arb:
    if x < 0 and p.is_integer():
        y = (-x) ** p
        return y if (p / 2).is_integer() else -y
    return x**p


def xlogy(x: Any, y: Any) -> Any:
    """x·log(y), and 0 where x is 0."""
    if ball(y) > 0:
        return x * analytic("log")(y)
    return ZERO if type(x) is not arb_series and ball(x).is_zero() else undefined(x, y)


def _log(base: int) -> Any:
    return arb(base).log()


ROUNDED = (operator.add, operator.sub, operator.mul, operator.neg, operator.pos)

RATIONAL = (operator.add, operator.sub, operator.mul, operator.truediv)

ANALYTIC = ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "erf", "erfc", "gamma")

PRIMITIVES: dict[str, Function] = {
    **dict(zip(("add", "sub", "mul", "div"), RATIONAL, strict=True)),
    "neg": operator.neg,
    "identity": operator.pos,
    **{word: analytic(word) for word in ANALYTIC},
    "exp2": composed(lambda x: arb(2) ** x, lambda x: (x * _log(2)).exp()),
    "expm1": composed(arb.expm1, arb_series.exp),
    "log1p": composed(arb.log1p, lambda x: (UNIT + x).log()),
    "log2": composed(lambda x: x.log() / _log(2), lambda x: x.log() / _log(2)),
    "log10": composed(lambda x: x.log() / _log(10), lambda x: x.log() / _log(10)),
    "cbrt": composed(_root, _cbrt),
    "sinh": composed(arb.sinh, _sinh),
    "cosh": composed(arb.cosh, _cosh),
    "tanh": composed(arb.tanh, _tanh),
    "asinh": composed(arb.asinh, _asinh),
    "acosh": composed(arb.acosh, _acosh),
    "atanh": composed(arb.atanh, _atanh),
    "lgamma": lgamma,
    "digamma": lambda x: polygamma(0, x) if type(x) is arb_series else ball(x).digamma(),
    "polygamma": polygamma,
    "pow": power,
    "xlogy": xlogy,
}
"""Word of a row, or its name → its function on balls and series."""
