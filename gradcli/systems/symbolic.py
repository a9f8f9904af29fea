"""The symbolic system: a row run over it becomes a sympy expression, built from objects and never from text.

This module loads sympy; only the child process of verify/worker.py and tests import it.

Numbers are exact: a float is the rational number that its double is. What sympy would work out to millions of
digits (9^9^9, gamma(10^6)) is held: a symbol stands for it, and `held` says for what.

sympy differentiates by its own rules. Ops that it knows but cannot differentiate usefully (sign' is a Dirac
delta, floor' never returns) or only slowly (Piecewise solves its conditions) are classes of their own here,
which say one thing each: what is flat has no gradient, and a choice has the gradient of its branches.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import mpmath
import sympy
from sympy import Dummy, Function, Integer, Number, Rational, S, Symbol

from gradcli.ops.op import Op
from gradcli.systems import Function as Rule
from gradcli.systems import System

LARGEST_EXPONENT = 1000
MOST_BITS = 4096
"""Powers of numbers beyond these are held."""

LARGEST_ARGUMENT = 50
"""Numbers beyond this are held where the gamma function would multiply its way up to them."""


FEW = 3
"""Inputs of a max that sympy's own takes."""


class Symbolic(System):
    """A system whose elements are sympy expressions.

    held: symbol → the expression it stands for, never to be worked out.
    """

    name = "symbolic"
    pi = sympy.pi

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[Symbol, sympy.Expr] = {}

    def literal(self, value: float) -> sympy.Expr:
        """A constant: exactly the number that its double is."""
        return exact(value)

    def symbol(self, name: str) -> Symbol:
        """A real variable that is no other, whatever it is called."""
        return Dummy(name, real=True)

    def hold(self, value: Number) -> Symbol:
        """A symbol that stands for a number without being worked with."""
        symbol = Dummy(str(value), real=True)
        self.held[symbol] = value
        return symbol

    def function(self, op: Op) -> Rule:
        """The op on sympy expressions; keyword attributes are exact numbers too."""
        if op.attributes:
            attributes = {**op.attributes, **op.bound}
            op = op.named(bound={name: exact(value) for name, value in attributes.items()})
        function = super().function(op)
        return lambda *x: exact(function(*map(exact, x)))

    def spelling(self, op: Op) -> Rule | None:
        """The function that a row names for sympy."""
        word = op.spelled.get("sympy")
        return None if word is None else self.lookup(word)

    def lookup(self, word: str) -> Rule:
        """A function of this module, else of sympy."""
        if word in ("Pow", "gamma", "lgamma", "digamma", "polygamma"):
            own: Rule = getattr(self, f"_{word.lower()}")
            return own
        return WORDS.get(word) or getattr(sympy, word)

    def _pow(self, x: sympy.Expr, p: sympy.Expr) -> sympy.Expr:
        coefficient = x.as_coeff_Mul()[0]
        if isinstance(p, Number):
            bits = max(abs(coefficient.p).bit_length(), coefficient.q.bit_length())
            size = max(abs(p.p), p.q)
            if (bits > 1 and size * bits > MOST_BITS) or size > LARGEST_EXPONENT:
                p = self.hold(p)
        if isinstance(x, Number) and isinstance(p, Number) and p.q > 1 and max(abs(x.p), x.q) > MOST_BITS:
            p = self.hold(p)
        return x**p

    def _slowly(self, function: Rule, *x: sympy.Expr) -> sympy.Expr:
        """The gamma function and its kind, which sympy works out at numbers."""
        numbers = all(isinstance(value, Number) for value in x)
        if numbers and any(abs(value) > LARGEST_ARGUMENT for value in x):
            x = tuple(self.hold(value) for value in x)
        return function(*x)

    def _gamma(self, x: sympy.Expr) -> sympy.Expr:
        return self._slowly(sympy.gamma, x)

    def _lgamma(self, x: sympy.Expr) -> sympy.Expr:
        return self._slowly(sympy.loggamma, x)

    def _digamma(self, x: sympy.Expr) -> sympy.Expr:
        return self._slowly(lambda x: sympy.polygamma(0, x), x)

    def _polygamma(self, n: sympy.Expr, x: sympy.Expr) -> sympy.Expr:
        return self._slowly(sympy.polygamma, n, x)


def exact(element: Any) -> sympy.Expr:
    """A sympy expression without floating point numbers; a float is the rational number that its double is.

    >>> exact(0.5), exact(3.0), exact(0.1) == Rational(1, 10)
    (1/2, 3, False)
    """
    if isinstance(element, int):
        return Integer(element)
    if isinstance(element, float):
        if not isfinite(element):
            return S.NaN
        return Rational(*element.as_integer_ratio())
    if element.has(sympy.Float):
        return element.xreplace({number: Rational(number) for number in element.atoms(sympy.Float)})
    return element


# ── ops that need a class of their own ──────────────────────────────────────────────────────────────────────


class Flat(Function):  # type: ignore[misc]
    """A function that jumps, and has no gradient between its jumps."""

    @classmethod
    def eval(cls, *x: sympy.Expr) -> sympy.Expr | None:
        """Its value at numbers; at expressions it stays as it is."""
        return exact(cls.at(*x)) if all(isinstance(value, Number) for value in x) else None

    @classmethod
    def at(cls, *x: Any) -> Any:
        """Its value at numbers."""
        raise NotImplementedError

    @classmethod
    def jumps(cls, *x: Any) -> bool:
        """Whether numbers lie on a jump."""
        return bool(x[0] == x[1])

    def _eval_derivative(self, symbol: Symbol) -> sympy.Expr:
        return S.Zero

    def _eval_is_extended_real(self) -> bool:
        return True


def comparison(name: str, compare: Callable[[Any, Any], bool]) -> type[Flat]:
    """A comparison as a function: 1 or 0."""
    return type(name, (Flat,), {"at": classmethod(lambda cls, a, b: 1 if compare(a, b) else 0), "nargs": 2})


COMPARISONS = {
    "lt": comparison("lt", lambda a, b: a < b),
    "le": comparison("le", lambda a, b: a <= b),
    "gt": comparison("gt", lambda a, b: a > b),
    "ge": comparison("ge", lambda a, b: a >= b),
    "eq": comparison("eq", lambda a, b: a == b),
    "ne": comparison("ne", lambda a, b: a != b),
}


class Sign(Flat):
    """-1, 0 or 1."""

    @classmethod
    def at(cls, *x: Any) -> Any:
        """The sign of a number."""
        return int(x[0] > 0) - int(x[0] < 0)

    @classmethod
    def jumps(cls, *x: Any) -> bool:
        """At 0."""
        return bool(x[0] == 0)


class Step(Flat):
    """1 where its input is positive, as the language has it: 0 at 0, where sympy's Heaviside is a half."""

    @classmethod
    def at(cls, *x: Any) -> Any:
        """The step of a number."""
        return int(x[0] > 0)

    @classmethod
    def jumps(cls, *x: Any) -> bool:
        """At 0."""
        return bool(x[0] == 0)


class Floor(Flat):
    """The largest integer that is not above."""

    @classmethod
    def at(cls, *x: Any) -> Any:
        """The integer below a number."""
        return sympy.floor(x[0]) if isinstance(x[0], Number) else mpmath.floor(x[0])

    @classmethod
    def jumps(cls, *x: Any) -> bool:
        """At the integers."""
        return bool(x[0] == cls.at(x[0]))


class Ceil(Floor):
    """The smallest integer that is not below."""

    @classmethod
    def at(cls, *x: Any) -> Any:
        """The integer above a number."""
        return -Floor.at(-x[0])


class Round(Flat):
    """The nearest integer, halves to the even one."""

    @classmethod
    def at(cls, *x: Any) -> Any:
        """The integer nearest to a number."""
        below = Floor.at(x[0])
        twice = 2 * (x[0] - below)
        up = twice > 1 or (twice == 1 and Floor.at(below / 2) * 2 != below)
        return below + (1 if up else 0)

    @classmethod
    def jumps(cls, *x: Any) -> bool:
        """Midway between two integers."""
        return bool(2 * (x[0] - Floor.at(x[0])) == 1)


class Where(Function):  # type: ignore[misc]
    """A choice: its gradient is that of the branch taken."""

    nargs = 3

    @classmethod
    def eval(cls, c: sympy.Expr, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr | None:
        """The branch, where the condition is known or makes no difference."""
        if isinstance(c, Number):
            return b if c.is_zero else a
        return a if a == b else None

    def _eval_derivative(self, symbol: Symbol) -> sympy.Expr:
        c, a, b = self.args
        return Where(c, a.diff(symbol), b.diff(symbol))


class Magnitude(Function):  # type: ignore[misc]
    """The absolute value of what sympy does not know to be real, such as log(x)."""

    nargs = 1

    @classmethod
    def eval(cls, x: sympy.Expr) -> sympy.Expr | None:
        """sympy's own where it will do."""
        return sympy.Abs(x) if x.is_extended_real else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """The slope of |x|."""
        return Sign(self.args[0])

    def _eval_is_extended_nonnegative(self) -> bool:
        return True


class Largest(Function):  # type: ignore[misc]
    """The largest of many: sympy's Max compares every pair by assumptions, which takes seconds for twenty."""

    @classmethod
    def eval(cls, *x: sympy.Expr) -> sympy.Expr | None:
        """sympy's own for a few."""
        return sympy.Max(*x) if len(x) <= FEW or all(isinstance(value, Number) for value in x) else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """1 where it is the largest, 0 where it is not."""
        others = [*self.args[: argindex - 1], *self.args[argindex:]]
        return sympy.Heaviside(self.args[argindex - 1] - Largest(*others))


def _smallest(*x: sympy.Expr) -> sympy.Expr:
    return sympy.Min(*x) if len(x) <= FEW else -Largest(*[-value for value in x])


def _cbrt(x: sympy.Expr) -> sympy.Expr:
    return Sign(x) * Magnitude(x) ** Rational(1, 3)


WORDS: dict[str, Rule] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Neg": lambda x: -x,
    "Identity": lambda x: x,
    "where": Where,
    "Abs": Magnitude,
    "Max": Largest,
    "Min": _smallest,
    "sign": Sign,
    "floor": Floor,
    "ceiling": Ceil,
    "half_even": Round,
    "cbrt": _cbrt,
    **COMPARISONS,
}
