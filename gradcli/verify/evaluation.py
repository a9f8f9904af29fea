"""sympy expressions at a point, at any precision: one loop over the expression, each shared part once.

`expr.evalf` takes exponential time on shared subexpressions and works out integer powers such as 9^9^9 in
full; here every number is an mpmath float, and what leaves any sensible range is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import mpmath
from mpmath import mp, mpf
from sympy import Expr, Symbol

from gradcli.systems.symbolic import Flat, Largest, Magnitude, Sign, Where

Value = tuple[Any, bool]
"""A number, or None where the expression has none; and whether it sits on a kink or a jump."""

PRECISIONS = (50, 200, 800)
"""Decimal digits that are tried in turn, where cancellation has eaten the ones before."""

WIDEST = 1 << 40
"""Binary exponents beyond this are out of range: a double's end at 1024."""

FARTHEST = 1 << 12
"""Binary exponents of arguments beyond this cost a function too much."""


class UnsupportedError(Exception):
    """An expression with a part that this module cannot evaluate."""


class Point:
    """Values for the symbols of expressions; evaluated parts are kept.

    held: symbols that stand for an expression.   digits: decimal digits that are carried.
    """

    def __init__(self, values: dict[Symbol, Any], held: Mapping[Symbol, Expr], digits: int = PRECISIONS[0]) -> None:
        self.values, self.held, self.digits = values, held, digits
        self.known: dict[Expr, Value] = {}
        self.suspect = False  # whether a sum has lost half of the digits, or a logarithm stood at 1

    def finer(self) -> Iterator[Point]:
        """This point at each of the precisions."""
        for digits in PRECISIONS:
            yield self if digits == self.digits else Point(self.values, self.held, digits)

    def moved(self, changes: Mapping[Symbol, Any], digits: int) -> Point:
        """Another point, where some symbols have other values."""
        return Point({**self.values, **changes}, self.held, digits)

    def __call__(self, expression: Expr) -> Value:
        """The value of an expression.

        Errors: UnsupportedError.
        """
        known = self.known
        waiting = [expression]
        with mp.workdps(self.digits):
            while waiting:
                part = waiting[-1]
                if part in known:
                    waiting.pop()
                    continue
                parts = self.parts(part)
                missing = [inner for inner in parts if inner not in known]
                if missing:
                    waiting.extend(missing)
                    continue
                waiting.pop()
                known[part] = self.combine(part, [known[inner] for inner in parts])
        return known[expression]

    def parts(self, part: Expr) -> tuple[Expr, ...]:
        """What has to be known before an expression."""
        if part.args:
            return part.args  # type: ignore[no-any-return]
        held = self.held.get(part)
        return () if held is None else (held,)

    def combine(self, part: Expr, inner: list[Value]) -> Value:
        """The value of an expression from those of its parts."""
        if not inner:
            return self.leaf(part), False
        if part.is_Symbol:
            return inner[0]
        numbers = [value for value, _ in inner]
        if isinstance(part, Where):
            return _where(inner)
        bent = any(kink for _, kink in inner)
        if None in numbers:
            return None, bent
        kind = type(part).__name__
        if part.is_Add:
            value = sum(numbers)
            self.suspect |= _lost(value, numbers, self.digits)
        elif part.is_Mul:
            value = prod(numbers)
        elif isinstance(part, Flat):
            value, bent = mpf(part.at(*numbers)), bent or part.jumps(*numbers)
        elif kind in BENT:
            value, kink = BENT[kind](numbers)
            bent = bent or kink
        else:
            function = FUNCTIONS.get(kind)
            if function is None:
                function = getattr(mpmath, kind, None) if part.is_Function else None
                if function is None:
                    raise UnsupportedError(kind)
                if any(mpmath.mag(number) > FARTHEST for number in numbers):
                    return None, bent
            if kind == "log":
                self.suspect |= _lost(numbers[0] - 1, [mpf(1)], self.digits)
            try:
                value = function(*numbers)
            except (ValueError, ArithmeticError, NotImplementedError, mpmath.libmp.NoConvergence):
                value = None
        return ranged(value), bent

    def leaf(self, part: Expr) -> Any:
        """The value of a symbol or a number."""
        value = self.values.get(part)
        if value is not None:
            return mpf(value)
        if part.is_Rational:
            return mpf(part.p) / part.q
        if part.is_NumberSymbol or part.is_Float:
            return part._to_mpmath(mp.prec)
        if part.is_number:
            return None
        raise UnsupportedError(str(part))


def depth(expression: Expr) -> int:
    """How deeply an expression is nested."""
    depths: dict[Expr, int] = {}
    waiting = [expression]
    while waiting:
        part = waiting[-1]
        missing = [inner for inner in part.args if inner not in depths]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        depths[part] = 1 + max((depths[inner] for inner in part.args), default=0)
    return depths[expression]


def ranged(value: Any) -> Any:
    """A real number of sensible size; 0 for a vanishing one, None for what is none."""
    if value is None or isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
        return None
    size = mpmath.mag(value) if value else 0
    if size > WIDEST:
        return None
    return mpf(0) if size < -WIDEST else value


def _lost(total: Any, terms: list[Any], digits: int) -> bool:
    """Whether a sum has cancelled by more than half of the digits."""
    largest = max(map(abs, terms))
    return bool(abs(total) < largest * mpf(10) ** (-digits // 2))


def _where(inner: list[Value]) -> Value:
    (condition, edge), yes, no = inner
    if condition is None:
        return None, edge
    value, bent = yes if condition else no
    return value, bent or edge


def _exp(x: Any) -> Any:
    if abs(x) > WIDEST:
        return mpf(0) if x < 0 else None
    return mpmath.exp(x)


def _log(x: Any) -> Any:
    return mpmath.log(x) if x > 0 else None


def _pow(x: Any, p: Any) -> Any:
    if x == 0:
        return mpf(p == 0) if p >= 0 else None
    if x < 0 and p != mpmath.floor(p):
        return None
    if abs(p) * (abs(mpmath.mag(x)) + 1) > 2 * WIDEST:
        size = p * mpmath.log(abs(x), 2)
        if abs(size) > WIDEST:
            return mpf(0) if size < 0 else None
    return mpmath.power(x, p)


def _gamma(x: Any) -> Any:
    if abs(x) > FARTHEST:
        return None if x > 0 or x == mpmath.floor(x) else mpf(0)
    return mpmath.gamma(x)


def _lgamma(x: Any) -> Any:
    return mpmath.re(mpmath.loggamma(x))


def _atan2(x: list[Any]) -> tuple[Any, bool]:
    """No number on the cut, where the sign of a zero decides between π and -π, which only doubles have."""
    y, x0 = x
    return (None, True) if not y and x0 <= 0 else (mpmath.atan2(y, x0), False)


def _polygamma(n: Any, x: Any) -> Any:
    return mpmath.psi(int(n), x) if n == int(n) and n >= 0 else None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": _exp,
    "log": _log,
    "Pow": _pow,
    "gamma": _gamma,
    "loggamma": _lgamma,
    "polygamma": _polygamma,
}


def _largest(x: list[Any]) -> tuple[Any, bool]:
    return max(x), x.count(max(x)) > 1


def _smallest(x: list[Any]) -> tuple[Any, bool]:
    return min(x), x.count(min(x)) > 1


def _heaviside(x: list[Any]) -> tuple[Any, bool]:
    return (mpf(x[0] > 0), False) if x[0] else (mpf(1) / 2, True)


BENT: dict[str, Callable[[list[Any]], tuple[Any, bool]]] = {
    "Max": _largest,
    Largest.__name__: _largest,
    "Min": _smallest,
    "Heaviside": _heaviside,
    "Abs": lambda x: (abs(x[0]), not x[0]),
    Magnitude.__name__: lambda x: (abs(x[0]), not x[0]),
    "atan2": _atan2,
    "sign": lambda x: (mpf(Sign.at(x[0])), not x[0]),
}
"""Functions with a kink or a jump."""
