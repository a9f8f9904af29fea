"""Many numbers against the mathematics: which of them lie within their bounds.

A number is right within 64 ulp of its enclosure, or of the sum of magnitudes that make it up: that is sixteen times
the radius that the same steps have at double precision, with inputs known to 4 ulp.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from flint import arb

from gradcli.systems.balls import Balls, precision
from gradcli.verify.judge import (
    BITS,
    KINK_BITS,
    LARGEST,
    MACHINE_BITS,
    MOST_BITS,
    MOST_REACH,
    NUDGE,
    SMALLEST,
    ULPS,
    Outcome,
    agrees,
    touches,
)

CLEAR, CLEAR_BITS = 60 * 2.0**-53, 60
"""A relative error, and the bits of a ball, that pass without a closer look."""

RADII = 16
"""Radii at double precision that a number may be off: with inputs known to 4 ulp, 64 ulp of the magnitudes."""


def settle(
    m: Balls,
    claims: list[float],
    exact: list[arb],
    kinks: tuple[int, int],
    again: Callable[[bool], list[arb]],
    judge: Callable[[int, Outcome, float, arb], bool],
    *,
    terms: int = 2,
) -> dict[int, float]:
    """Decide on every entry; the doubtful ones at rising precision. Returns those that are not simply right.

    again: the enclosures at the present precision; rough ones, for inputs known to a few ulp, if told so.
    judge: called with (entry, outcome, claim, enclosure) of these; whether to go on.
    terms: coefficients of FLINT's series.
    """
    doubtful = [j for j, (claim, ball) in enumerate(zip(claims, exact, strict=True)) if not clear(claim, ball)]
    if not doubtful:
        return {}
    bits, blind, rough, odd = BITS, 0, None, {}
    kinked, hull = m.kinks > kinks[0], (m.kinks, m.straddles) != kinks
    while doubtful:
        undecided = []
        for j in doubtful:
            claim, found = claims[j], exact[j]
            verdict = agrees(claim, found)
            if verdict is not True and found.is_finite():
                if rough is None:
                    with precision(MACHINE_BITS, terms):
                        rough = again(True)
                verdict = agrees(claim, found, slack(rough[j], found))
            if verdict is True:
                continue
            if verdict is False:
                beyond = rough is not None and not isfinite(claim) and not magnitude(rough[j]) <= LARGEST
                outcome: Outcome = "open" if beyond else "wrong"
            elif hull and bits >= (KINK_BITS if kinked else MOST_BITS) and touches(claim, found):
                outcome = "kink"
            elif bits >= MOST_BITS or blind > 1:
                outcome = "open"
            else:
                undecided.append(j)
                continue
            odd[j] = claim
            if not judge(j, outcome, claim, found):
                return odd
        doubtful = undecided
        if doubtful:
            blind += all(not exact[j].is_finite() for j in doubtful)
            bits *= 2
            before = m.kinks, m.straddles
            with precision(bits, terms):
                exact = again(False)
            kinked, hull = m.kinks > before[0], (m.kinks, m.straddles) != before
    return odd


def nudged(value: float) -> arb:
    """A double known to a few ulp."""
    return arb(value, NUDGE * 2.0**-52 * abs(value)) if isfinite(value) else arb(value)


def clear(claim: float, exact: arb) -> bool:
    """Whether a number plainly is what it should be."""
    middle = float(exact)
    return abs(claim - middle) <= CLEAR * abs(middle) and exact.rel_accuracy_bits() >= CLEAR_BITS


def magnitude(rough: arb) -> float:
    """About the sum of magnitudes that a number is made of."""
    return float(rough.rad()) * 2.0**50 if rough.is_finite() else float("inf")


def slack(rough: arb, exact: arb) -> arb:
    """How far rounding may move a number; nothing where the radius is that of the hull at a kink."""
    if not rough.is_finite() or exact.rad() * 1024 > rough.rad():
        return arb(ULPS * SMALLEST * MOST_REACH)
    return RADII * rough.rad() + ULPS * SMALLEST * MOST_REACH
