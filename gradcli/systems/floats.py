"""Double precision on Python's floats, as IEEE 754 says: overflow is inf, a bad argument nan, never an exception.

Rows run on plain floats. Python raises where IEEE does not (`1/0.0`, `2.0**5000`); only then is the rule run again
over `Ieee`, a float whose operators follow the standard.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from math import copysign, inf, isnan, nan
from typing import Any

from gradcli.ops.op import Op
from gradcli.systems import Argument, Constant, Function, System


class Floats(System):
    """The system of machine numbers; its functions never raise."""

    name = "floats"
    machine = True

    def __init__(self, element: Callable[[float], float] | None = None) -> None:
        super().__init__()
        self.element = element

    def lookup(self, word: str) -> Function:
        """A function of this module, else of `math` with IEEE results."""
        function = PRIMITIVES.get(word) or ieee(getattr(math, word))
        if self.element is None:
            return function
        element = self.element
        return lambda *x: element(function(*x))

    def function(self, op: Op) -> Function:
        """The op on plain floats."""
        function = super().function(op)
        return function if op.primitive or self.element else _total(function, lambda: EXACT.functions[op])

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k on plain floats; a Constant where it needs none of its arguments."""
        local = super().rule(op, k)
        constant = _constant(op, k)
        if constant is not None and op.selected(k) is None:
            return constant
        picked = _picked(op, k)
        if picked is not None and op.selected(k) is None:
            return picked
        return local if local is None or self.element else _total(local, lambda: EXACT.locals[op][k] or local)


def _constant(op: Op, k: int) -> Constant | None:
    """The partial as a Constant, if it needs none of its arguments, as those of add."""
    rule = op.partial(k)
    try:
        value = None if rule is None else rule(None, None, *[None] * len(op.parameters))
    except (TypeError, AttributeError):
        return None
    return Constant(value) if isinstance(value, int | float) else None


def _picked(op: Op, k: int) -> Argument | None:
    """The partial as an Argument, if it is one of (y, *x) as it stands, as those of mul and exp."""
    rule = op.partial(k)
    marks = [object() for _ in range(len(op.parameters) + 1)]
    try:
        found = None if rule is None or op.variadic else rule(None, *marks)
    except (TypeError, AttributeError):
        return None
    return next((Argument(at) for at, mark in enumerate(marks) if found is mark), None)


def _total(function: Function, exact: Callable[[], Function]) -> Function:
    """The function on plain floats; where Python raises, its exact IEEE double."""

    def total(*x: float) -> Any:
        try:
            result = function(*x)
        except (ArithmeticError, ValueError):
            result = exact()(*[Ieee(value) for value in x])
            return None if result is None else float(result)
        return result

    return total


class Ieee(float):
    """A float whose operators overflow to inf and divide by zero as IEEE 754 says."""

    __slots__ = ()

    def __add__(self, other: float) -> Ieee:
        return Ieee(float.__add__(self, float(other)))

    def __sub__(self, other: float) -> Ieee:
        return Ieee(float.__sub__(self, float(other)))

    def __rsub__(self, other: float) -> Ieee:
        return Ieee(float(other) - float(self))

    def __mul__(self, other: float) -> Ieee:
        return Ieee(float.__mul__(self, float(other)))

    def __truediv__(self, other: float) -> Ieee:
        return Ieee(div(float(self), float(other)))

    def __rtruediv__(self, other: float) -> Ieee:
        return Ieee(div(float(other), float(self)))

    def __pow__(self, other: float, modulus: None = None) -> Ieee:
        return Ieee(power(float(self), float(other)))

    def __rpow__(self, other: float, modulus: None = None) -> Ieee:
        return Ieee(power(float(other), float(self)))

    def __neg__(self) -> Ieee:
        return Ieee(-float(self))

    __radd__ = __add__
    __rmul__ = __mul__


def ieee(function: Function) -> Function:
    """A function of `math` with the IEEE result where it raises: nan for a bad argument, inf for overflow."""

    def wrapped(*x: float) -> float:
        try:
            return function(*x)  # type: ignore[no-any-return]
        except OverflowError:
            return inf
        except ValueError:
            return nan

    return wrapped


def div(a: float, b: float) -> float:
    """a/b; 0/0 is nan, x/0 is inf with the signs' product."""
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0 or isnan(a) else copysign(inf, a) * copysign(1.0, b)
    except OverflowError:
        return inf


def power(x: float, p: float) -> float:
    """x^p as C's pow: nan for a negative base with a fractional exponent, signed inf for overflow."""
    try:
        return math.pow(x, p)
    except OverflowError:
        return -inf if x < 0 and p % 2 == 1 else inf
    except ValueError:
        if x != 0:
            return nan
        return copysign(inf, x) if p % 2 == 1 else inf


def where(c: float, a: float, b: float) -> float:
    """The branch taken."""
    return float(a if c else b)


def largest(*x: float) -> float:
    """The largest; nan if one is nan, as NumPy's maximum."""
    return nan if any(map(isnan, x)) else float(max(x))


def smallest(*x: float) -> float:
    """The smallest; nan if one is nan."""
    return nan if any(map(isnan, x)) else float(min(x))


def floor(x: float) -> float:
    """Largest integer below, as a float; inf and nan as they are."""
    return float(math.floor(x)) if math.isfinite(x) else x


def ceil(x: float) -> float:
    """Smallest integer above, as a float; inf and nan as they are."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def half_even(x: float) -> float:
    """Nearest integer, halves to the even one; inf and nan as they are."""
    return float(round(x)) if math.isfinite(x) else x


def sign(x: float) -> float:
    """-1, 0 or 1; nan for nan."""
    return x if isnan(x) else float((x > 0) - (x < 0))


def normal_cdf(x: float) -> float:
    """Φ(x) = erfc(-x/√2)/2, with the rounding of -x/√2 taken out again where erfc magnifies it.

    erfc(z + d) ≈ erfc(z)·exp(-2zd) for large z; 2zd = x²/2 - z² is found from exact products (Fraction).
    """
    z = -x / math.sqrt(2)
    tail = math.erfc(z) / 2
    if not 2 < z < 40:
        return tail
    from fractions import Fraction

    return tail * math.exp(-float(Fraction(x) ** 2 / 2 - Fraction(z) ** 2))


def gamma(x: float) -> float:
    """Γ(x); inf at 0 with its sign, nan at negative integers."""
    if x == 0:
        return copysign(inf, x)
    try:
        return math.gamma(x)
    except OverflowError:
        return copysign(inf, x)
    except ValueError:
        return nan


def lgamma(x: float) -> float:
    """log|Γ(x)|; near its zeros, where libm keeps few digits, in more precision."""
    try:
        result = math.lgamma(x)
    except OverflowError:
        return inf
    except ValueError:
        return inf
    return result if abs(result) > 0.5 or x in (1, 2) or isnan(x) else _precise(lambda b: abs(b.gamma()).log(), x)


def digamma(x: float) -> float:
    """ψ(x); nan at its poles."""
    return nan if _is_pole(x) else x if x == inf else _precise(lambda b: b.digamma(), x)


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of ψ; nan at its poles and where n is no whole number."""
    if n < 0 or n != floor(n) or isnan(n) or _is_pole(x) or n > 1001:
        return nan
    if n == 0:
        return digamma(x)
    return 0.0 if x == inf else _precise(lambda b: _polygamma(int(n), b), x)


def logaddexp(a: float, b: float) -> float:
    """log(eᵃ + eᵇ); where the two cancel, in more precision."""
    top, low = (a, b) if a >= b else (b, a)
    if isnan(a) or isnan(b) or math.isinf(top):
        return a + b if isnan(a) or isnan(b) else top
    result = top + math.log1p(math.exp(low - top))
    if abs(result) > abs(top) / 32:
        return result
    return _precise(lambda x: (x.exp() + type(x)(b).exp()).log(), a)


def _is_pole(x: float) -> bool:
    return isnan(x) or (x <= 0 and (x == floor(x)))


def _polygamma(n: int, x: Any) -> Any:
    """ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! ζ(n+1, x); left of 0 by reflection, (-1)ⁿ ψ⁽ⁿ⁾(1-x) - dⁿ/dxⁿ π cot πx."""
    from flint import arb, arb_series, ctx

    if x > 0:
        return (-1) ** (n + 1) * arb(n + 1).gamma() * arb(n + 1).zeta(x)
    before, ctx.cap = ctx.cap, n + 1
    try:
        cotangent = arb_series([x, 1], n + 1).cot_pi()[n] * arb.pi() * arb(n + 1).gamma()
    finally:
        ctx.cap = before
    return (-1) ** n * _polygamma(n, 1 - x) - cotangent


def _precise(function: Function, x: float) -> float:
    """A function of balls at one float, rounded to the nearest double; precision grows until it is known."""
    from flint import arb, ctx

    before = ctx.prec
    try:
        for precision in (96, 192, 384, 768, 1536):
            ctx.prec = precision
            ball = function(arb(x))
            if ball.rel_accuracy_bits() > 60:
                break
        return float(ball)
    finally:
        ctx.prec = before


def _truth(compare: Callable[[float, float], bool]) -> Function:
    return lambda a, b: 1.0 if compare(a, b) else 0.0


def _with_pole(function: Function, pole: float) -> Function:
    """A logarithm: -inf at its pole."""

    def wrapped(x: float) -> float:
        try:
            return function(x)  # type: ignore[no-any-return]
        except ValueError:
            return -inf if x == pole else nan

    return wrapped


def _with_sign(function: Function) -> Function:
    """An odd function that overflows to the inf of its argument's sign."""

    def wrapped(x: float) -> float:
        try:
            return function(x)  # type: ignore[no-any-return]
        except OverflowError:
            return copysign(inf, x)

    return wrapped


def _atanh(x: float) -> float:
    try:
        return math.atanh(x)
    except ValueError:
        return copysign(inf, x) if abs(x) == 1 else nan


PRIMITIVES: dict[str, Function] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": div,
    "neg": operator.neg,
    "identity": float,
    "pow": power,
    "where": where,
    "largest": largest,
    "smallest": smallest,
    "floor": floor,
    "ceil": ceil,
    "half_even": half_even,
    "sign": sign,
    "normal_cdf": normal_cdf,
    "gamma": gamma,
    "lgamma": lgamma,
    "digamma": digamma,
    "polygamma": polygamma,
    "logaddexp": logaddexp,
    "sinh": _with_sign(math.sinh),
    "log": _with_pole(math.log, 0.0),
    "log2": _with_pole(math.log2, 0.0),
    "log10": _with_pole(math.log10, 0.0),
    "log1p": _with_pole(math.log1p, -1.0),
    "atanh": _atanh,
    **{name: _truth(getattr(operator, name)) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
}

EXACT = Floats(Ieee)
FLOATS = Floats()
