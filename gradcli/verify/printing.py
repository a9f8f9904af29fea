"""sympy expressions in gradcli's language, the way people write them: coefficients first, quotients as
quotients, `x*f*(1-f)` rather than `-f*x*(f-1)`.
"""

from __future__ import annotations

from collections.abc import Collection

import sympy
from sympy import Expr, Integer, Symbol

from gradcli.notation import number
from gradcli.ops import TABLE
from gradcli.systems.symbolic import COMPARISONS

Part = tuple[str, int]  # text and how tightly it binds

SUM, PRODUCT, SIGN, POWER = (TABLE[name].notation.binding for name in ("add", "mul", "neg", "pow"))  # type: ignore[union-attr]
COMPARED = TABLE["lt"].notation.binding  # type: ignore[union-attr]
ATOM = 100

LARGEST_DENOMINATOR = 10_000
"""Fractions up to here are written as fractions, others as the decimal number nearest to them."""

NAMES = {
    **{name: name for name in TABLE},
    "Abs": "abs",
    "Magnitude": "abs",
    "Largest": "max",
    "Sign": "sign",
    "Max": "max",
    "Min": "min",
    "Where": "where",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Heaviside": "step",
    "loggamma": "lgamma",
}
"""sympy's class → the function of the language."""

SYMBOLS = {name: TABLE[name].notation.symbol for name in COMPARISONS}  # type: ignore[union-attr]


class UnprintableError(Exception):
    """An expression that the language has no words for."""


def printed(expression: Expr, last: Collection[Symbol] = (), first: Collection[Symbol] = ()) -> str:
    """An expression as text.

    last, first: symbols that stand at the end of a product (named nodes), or at its beginning (constants).
    Errors: UnprintableError.
    """
    rank = {**dict.fromkeys(last, 1), **dict.fromkeys(first, -1)}
    parts: dict[Expr, Part] = {}
    waiting = [expression]
    while waiting:
        part = waiting[-1]
        missing = [inner for inner in part.args if inner not in parts]
        if part not in parts and missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if part not in parts:
            parts[part] = _part(part, parts, rank)
    return parts[expression][0]


def _part(e: Expr, parts: dict[Expr, Part], rank: dict[Symbol, int]) -> Part:
    if e.is_Symbol:
        return e.name, ATOM
    if e.is_Rational:
        return _rational(e)
    if e is sympy.pi:
        return "pi", ATOM
    if e is sympy.E:
        return "exp(1)", ATOM
    if e.is_Add:
        return _sum([parts[term] for term in e.args]), SUM
    if e.is_Mul:
        return _product(e, parts, rank)
    if e.is_Pow:
        base, exponent = e.args
        if exponent.is_Rational and exponent < 0:
            return f"1/{_tight(_power(parts[base], -exponent), PRODUCT)}", PRODUCT
        return _power(parts[base], exponent, parts)
    kind = type(e).__name__
    if kind in SYMBOLS:
        sides = [parts[side] for side in e.args]
        left, right = (text if own > COMPARED else f"({text})" for text, own in sides)
        return f"{left}{SYMBOLS[kind]}{right}", COMPARED
    if kind == "polygamma" and e.args[0].is_zero:
        return f"digamma({parts[e.args[1]][0]})", ATOM
    if not e.is_Function or kind not in NAMES:
        raise UnprintableError(kind)
    words = [parts[inner][0] for inner in (e.args[:1] if kind == "Heaviside" else e.args)]
    return f"{NAMES[kind]}({','.join(words)})", ATOM


def _rational(e: Expr) -> Part:
    if e.q == 1:
        return str(e.p), ATOM if e.p >= 0 else SIGN
    if e.q <= LARGEST_DENOMINATOR:
        return f"{e.p}/{e.q}", PRODUCT
    return number(float(e)), ATOM if e.p >= 0 else SIGN


def _sum(terms: list[Part]) -> str:
    words = sorted((text for text, _ in terms), key=lambda text: text.startswith("-"))
    return words[0] + "".join(text if text.startswith("-") else f"+{text}" for text in words[1:])


def _product(e: Expr, parts: dict[Expr, Part], rank: dict[Symbol, int]) -> Part:
    coefficient, rest = e.as_coeff_Mul()
    factors = sorted(sympy.Mul.make_args(rest), key=lambda factor: _place(factor, rank))
    above: list[Part] = []
    below: list[Part] = []
    negative = coefficient < 0
    for factor in factors:
        base, exponent = factor.args if factor.is_Pow else (factor, Integer(1))
        part = parts[base]
        turned = base.is_Add and exponent.is_odd and any(term.as_coeff_Mul()[0] < 0 for term in base.args)
        if negative and turned:
            part = _sum([_negated(parts[term]) for term in base.args]), SUM
            negative = False
        if exponent.is_Rational and exponent < 0:
            below.append(_power(part, -exponent))
        else:
            above.append(_power(part, exponent, parts) if factor.is_Pow else part)
    if abs(coefficient).q > LARGEST_DENOMINATOR:
        above.insert(0, _rational(abs(coefficient)))
    else:
        if abs(coefficient.p) != 1 or not above:
            above.insert(0, (str(abs(coefficient.p)), ATOM))
        if coefficient.q != 1:
            below.insert(0, (str(coefficient.q), ATOM))
    text = "*".join(_tight(part, PRODUCT - 1) for part in above)
    if len(below) == 1:
        text += f"/{_tight(below[0], PRODUCT)}"
    elif below:
        text += f"/({'*'.join(_tight(part, PRODUCT - 1) for part in below)})"
    return ("-" if negative else "") + text, PRODUCT


def _negated(part: Part) -> Part:
    text, _ = part
    if text.startswith("-"):
        return text[1:], SUM
    return f"-{text}", SUM


def _place(factor: Expr, rank: dict[Symbol, int]) -> int:
    base = factor.args[0] if factor.is_Pow else factor
    if base.is_Symbol and (factor is base or factor.exp.is_Number):
        return rank.get(base, 0)
    return 3 if base.is_Add else 2


def _power(base: Part, exponent: Expr, parts: dict[Expr, Part] | None = None) -> Part:
    if exponent == 1:
        return base
    if exponent == sympy.Rational(1, 2):
        return f"sqrt({base[0]})", ATOM
    raised = _rational(exponent) if exponent.is_Rational else (parts or {})[exponent]
    return f"{_tight(base, POWER)}^{_tight(raised, POWER - 1)}", POWER


def _tight(part: Part, binding: int) -> str:
    """A part in brackets unless it binds more tightly than this."""
    text, own = part
    return text if own > binding and not text.startswith("-") else f"({text})"
