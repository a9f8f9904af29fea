"""The system that says a predicate in words: a row's domain becomes "x > 0", or "x > 0, or x = 0 and p ≥ 0".

Elements are terms (text) and conditions. A condition is an "or" of "and"s. A comparison is kept as the set of
signs that left minus right may have, so that `x > 0 or x = 0` is `x ≥ 0`; numbers are compared at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

from gradcli.notation import ATOM, SIGN, compose, number
from gradcli.ops import INFIX, PREFIX
from gradcli.ops.op import Op, Rule
from gradcli.systems import Function, System
from gradcli.systems.floats import FLOATS

Signs = frozenset[int]
Pair = tuple[str, str]
Conjunction = dict[Pair, Signs]

ANY: Signs = frozenset((-1, 0, 1))
SIGNS: dict[str, Signs] = {
    "<": frozenset((-1,)),
    "≤": frozenset((-1, 0)),
    ">": frozenset((1,)),
    "≥": frozenset((0, 1)),
    "=": frozenset((0,)),
    "≠": frozenset((-1, 1)),
}
SYMBOLS = {signs: symbol for symbol, signs in SIGNS.items()}


@dataclass(frozen=True, slots=True)
class Term:
    """A number or an expression: its text, how tightly it binds, and its value where it is known."""

    text: str
    binding: int = ATOM
    value: float | None = None

    def __add__(self, other: Any) -> Term:
        return _infix("+", self, other)

    def __radd__(self, other: Any) -> Term:
        return _infix("+", other, self)

    def __sub__(self, other: Any) -> Term:
        return _infix("-", self, other)

    def __rsub__(self, other: Any) -> Term:
        return _infix("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return other * self if isinstance(other, Condition) else _infix("*", self, other)

    def __rmul__(self, other: Any) -> Term:
        return _infix("*", other, self)

    def __truediv__(self, other: Any) -> Term:
        return _infix("/", self, other)

    def __rtruediv__(self, other: Any) -> Term:
        return _infix("/", other, self)

    def __pow__(self, other: Any) -> Term:
        return _infix("^", self, other)

    def __rpow__(self, other: Any) -> Term:
        return _infix("^", other, self)

    def __neg__(self) -> Term:
        return _applied(PREFIX["-"][1], self)


@dataclass(frozen=True, slots=True)
class Condition:
    """Some of these hold, each with all of its comparisons; empty: never."""

    cases: tuple[Conjunction, ...]

    def __mul__(self, other: Any) -> Condition:
        """And."""
        pairs = product(self.cases, _condition(other).cases)
        return _simplified([both for a, b in pairs if (both := _and(a, b)) is not None])

    __rmul__ = __mul__

    def __rsub__(self, one: int) -> Condition:
        """1 - condition: not."""
        return self.negated()

    def either(self, other: Condition) -> Condition:
        """Or."""
        return _simplified([*self.cases, *other.cases])

    def negated(self) -> Condition:
        """Not."""
        opposites = [Condition(tuple({pair: ANY - signs} for pair, signs in case.items())) for case in self.cases]
        return reduce(lambda a, b: a * b, opposites, ALWAYS)

    def __str__(self) -> str:
        return ", or ".join(
            " and ".join(_worded(left, SYMBOLS[signs], right) for (left, right), signs in case.items())
            for case in self.cases
        )


def _worded(left: str, symbol: str, right: str) -> str:
    """`x > 0`; `p = floor(p)` is said in words."""
    if right == f"floor({left})" and symbol in WHOLE:
        return f"{left} {WHOLE[symbol]}"
    return f"{left} {symbol} {right}"


WHOLE = {"=": "is a whole number", "≠": "is no whole number"}

ALWAYS, NEVER = Condition(({},)), Condition(())


class Conditions(System):
    """A system whose predicates are read, not computed."""

    name = "conditions"

    def function(self, op: Op) -> Function:
        """An op as its text."""
        return lambda *x: _applied(op, *x)

    def shape(self, element: Any) -> tuple[int, ...]:
        """What is spoken of has no shape."""
        return ()

    def where(self, condition: Any, a: Any, b: Any) -> Condition:
        """a if the condition holds, else b; with a certain, "or" says it shorter."""
        test, yes, no = _condition(condition), _condition(a), _condition(b)
        if yes == ALWAYS:
            return test.either(no)
        return (test * yes).either(test.negated() * no)


def _comparison(symbol: str) -> Callable[[Any, Any, Any], Condition]:
    return lambda self, a, b: _compared(_term(a), SIGNS[symbol], _term(b))


for _word, _symbol in (("lt", "<"), ("le", "≤"), ("gt", ">"), ("ge", "≥"), ("eq", "="), ("ne", "≠")):
    setattr(Conditions, _word, _comparison(_symbol))

CONDITIONS = Conditions()


def said(rule: Rule, names: Sequence[str], values: Sequence[float | None]) -> str:
    """A predicate in words, in the names given, a place with a value being that number; "" if it is decided.

    >>> from gradcli.ops import TABLE
    >>> said(TABLE["pow"].predicate("domain"), ["x", "0.5"], [None, 0.5])
    'x ≥ 0'
    """
    terms = [Term(name) if value is None else _term(value) for name, value in zip(names, values, strict=True)]
    found = _condition(rule(CONDITIONS, *terms))
    return "" if found in (ALWAYS, NEVER) else str(found)


def _term(element: Any) -> Term:
    if isinstance(element, Term):
        return element
    return Term(number(element), ATOM if element >= 0 else SIGN, float(element))


def _condition(element: Any) -> Condition:
    """A truth value; a number, or a term, is true where it is not 0."""
    return element if isinstance(element, Condition) else _compared(_term(element), SIGNS["≠"], _term(0))


def _compared(a: Term, signs: Signs, b: Term) -> Condition:
    if a.value is not None and b.value is not None:
        return ALWAYS if (a.value > b.value) - (a.value < b.value) in signs else NEVER
    if a.value is not None:
        a, b, signs = b, a, frozenset(-sign for sign in signs)
    return Condition(({(a.text, b.text): signs},))


def _and(a: Conjunction, b: Conjunction) -> Conjunction | None:
    """Both; None where they exclude each other."""
    both = {pair: a.get(pair, ANY) & b.get(pair, ANY) for pair in [*a, *(pair for pair in b if pair not in a)]}
    equal = {left: float(right) for (left, right), signs in both.items() if signs == SIGNS["="] and _numeric(right)}
    for (left, right), signs in list(both.items()):
        if left in equal and signs != SIGNS["="] and _numeric(right):
            known = equal[left] - float(right)
            both[left, right] = signs & {(known > 0) - (known < 0)}
            if both[left, right]:
                del both[left, right]  # it follows
        elif left in equal and _numeric(right) and equal[left] != float(right):
            return None
    return None if frozenset() in both.values() else both


def _numeric(text: str) -> bool:
    """Whether a term is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _simplified(cases: list[Conjunction]) -> Condition:
    """The cases that compare the same single pair are one."""
    merged: list[Conjunction] = []
    for case in cases:
        alike = next((i for i, other in enumerate(merged) if len(case) == 1 and case.keys() == other.keys()), None)
        if alike is None:
            merged.append(case)
        else:
            merged[alike] = {pair: merged[alike][pair] | signs for pair, signs in case.items()}
    if any(all(signs == ANY for signs in case.values()) for case in merged):
        return ALWAYS
    return Condition(tuple(merged))


def _infix(symbol: str, a: Any, b: Any) -> Term:
    return _applied(INFIX[symbol][1], a, b)


def _applied(op: Op, *x: Any) -> Term:
    """An op's text, or its value on numbers."""
    terms = [_term(element) for element in x]
    known = [term.value for term in terms if term.value is not None]
    if len(known) == len(terms):
        return _term(FLOATS.functions[op](*known))
    return Term(*compose(op, [(term.text, term.binding) for term in terms]))
