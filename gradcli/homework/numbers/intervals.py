"""The numbers that count as right: a closed interval, made by the first rule that applies.

    rtol, atol   |answer - right| ≤ atol + rtol·|right|, as numpy.isclose; what is not given is 0
    decimals     half a unit of that decimal, however many digits were typed: 0.2 from a spreadsheet counts as 0.20
    sig          half a unit of that significant digit of the right number
    cs231n       |answer - right| / max(|answer|, |right|) within the course's bands
    as typed     half a unit of the last digit typed; with dots, 0.82…, what begins with these digits;
                 integers, fractions and formulas without names are exact

Its ends have a hair of slack for doubles: 0.125 is both 0.12 and 0.13.
"""

from __future__ import annotations

from math import copysign, isfinite

from gradcli.homework.records import Accepted, Number, Rules
from gradcli.notation import number
from gradcli.words import Said

HAIR = 1e-9
"""Slack of an interval's ends, as a share of its width."""

ROUGHLY = 1e-14
"""No interval is narrower than this share of the right number: a few units in the last place of a double."""

WHOLE = 0.1
"""How near, as a share of the right number, a whole number is that may have been meant as the rounded one."""

LARGEST = 2.0**53
"""Below it, doubles hold every integer."""

EXACT, COMPUTED = 1e-12, 1e-9
"""How near an integer or a fraction, and the value of a formula without names, must be to count as equal."""


def bounds(right: float, given: Number, rules: Rules) -> tuple[float, float]:
    """The least and the greatest number that count as this right one.

    >>> bounds(0.3932, Number(0.39, None, 2, 2), Rules())
    (0.3882, 0.3982)
    """
    if rules.cs231n and free(rules._replace(cs231n=False)):
        most = bands()[1]
        ends = right * (1 - most), right / (1 - most)
        return min(ends), max(ends)
    if given.cut and free(rules):
        rest = given.unit  # its ends are in: 0.82999… is 0.83
        return (right - rest, right) if copysign(1.0, given.value) > 0 else (right, right + rest)
    half = half_width(right, given, rules)
    if half:
        half = max(half, ROUGHLY * abs(right))
    return right - half, right + half


def half_width(right: float, given: Number, rules: Rules) -> float:
    """How far an answer may be off: half a unit of the digit that counts; 0 where it is exact."""
    if rules.rtol is not None or rules.atol is not None:
        return (rules.atol or 0.0) + (rules.rtol or 0.0) * abs(right)
    if rules.decimals is not None:
        return unit(rules.decimals) / 2
    if rules.sig is not None:
        return unit(rules.sig - 1 - exponent(right)) / 2 if right else 0.0
    if given.digits == 1 and given.unit >= 1:
        return min(given.unit / 2, WHOLE * abs(right))  # 1e0 is not 1.4 rounded
    return given.unit / 2


def exactness(given: Number, rules: Rules) -> float:
    """How far, as a share of itself, an answer may be off because the right number is a double."""
    if not free(rules) or given.decimals is not None:
        return ROUGHLY
    return COMPUTED if given.computed else EXACT


def counted(given: Number, right: float) -> bool:
    """Whether two integers are compared, in doubles that hold every integer."""
    return given.whole and given.decimals is None and not given.computed and integer(right)


def integer(value: float) -> bool:
    """Whether a double is an integer that it holds exactly."""
    return abs(value) < LARGEST and value == int(value)


def within(value: float, accepted: Accepted, share: float = ROUGHLY) -> bool:
    """Whether a number lies in an interval, whose ends have a hair of slack."""
    slack = HAIR * (accepted.high - accepted.low) + share * max(abs(accepted.low), abs(accepted.high))
    return bool(accepted.low - slack <= value <= accepted.high + slack)


def fits(given: Number, found: float, rules: Rules) -> bool:
    """Whether a predicted number counts as what was typed."""
    if not isfinite(found) or not isfinite(given.value):
        return found == given.value
    if free(rules) and counted(given, found):
        return found == given.value
    low, high = bounds(found, given, rules)
    return within(given.value, Accepted(low, high, Said("")), exactness(given, rules))


def simplified(given: Number, most: int = 1) -> Number:
    """A zero with so many decimals, or fewer, as the zero it is: 0.0 is how programs print it."""
    if given.digits == 0 and (given.decimals or 0) <= most:
        return given._replace(decimals=None, digits=None)
    return given


def rule_of(given: Number, rules: Rules) -> Said:
    """By which rule an interval is made."""
    if rules.rtol is not None or rules.atol is not None:
        key = "numbers.tolerance" if rules.rtol and rules.atol else "numbers.rtol" if rules.rtol else "numbers.atol"
        return Said(key, {"rtol": number(rules.rtol or 0.0), "atol": number(rules.atol or 0.0)})
    if rules.decimals is not None:
        return Said("numbers.decimals", {"decimals": str(rules.decimals), "half": half_text(rules.decimals)})
    if rules.sig is not None:
        return Said("numbers.sig", {"digits": str(rules.sig)})
    if rules.cs231n:
        return Said("numbers.cs231n", {"most": number(bands()[1])})
    if given.decimals is None:
        return Said("numbers.computed" if given.computed else "numbers.exact")
    if given.cut:
        return Said("numbers.typed_cut", {"unit": number(given.unit)})
    return Said("numbers.typed", {"half": half_text(given.decimals)})


def half_text(decimals: int) -> str:
    """Half a unit of a decimal, as it is shown: 0.005 of the second."""
    return number(float(f"5e{-decimals - 1}"))


def free(rules: Rules) -> bool:
    """Whether the digits typed decide, and no setting does."""
    return rules.rtol is rules.atol is rules.decimals is rules.sig is None and not rules.cs231n


def tolerant(rules: Rules) -> bool:
    """Whether digits decide, and not a bound on the error."""
    return rules.rtol is None and rules.atol is None and not rules.cs231n


def bands() -> tuple[float, float]:
    """CS231n's relative errors: up to the first it is okay, also with kinks; up to the second, uncomfortable."""
    from gradcli.verify.differences import BANDS

    return BANDS[1][0], BANDS[2][0]


def unit(decimals: int) -> float:
    """The unit of a decimal."""
    return float(f"1e{-decimals}")


def exponent(value: float) -> int:
    """The power of ten of a number's first digit.

    >>> exponent(0.0393), exponent(1000.0)
    (-2, 3)
    """
    return int(f"{value:e}".partition("e")[2])
