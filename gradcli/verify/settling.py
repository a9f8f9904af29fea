"""Many numbers against the mathematics: which of them lie within their bounds.

A number is right within 64 ulp of its enclosure, or of the sum of magnitudes that make it up: that is sixteen times
the radius that the same steps have at double precision, with inputs known to 4 ulp.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from math import inf, isfinite
from typing import Generic, Literal, TypeVar

from flint import arb, ctx

from gradcli.systems.balls import Balls, precision
from gradcli.systems.series import NAN
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

NORMAL = sys.float_info.min
"""The smallest number that has all its digits."""

CLEAR, CLEAR_BITS = 60 * 2.0**-53, 60
"""A relative error, and the bits of a ball, that pass without a closer look."""


def plainly(claim: float, exact: arb, terms: int = 0) -> bool:
    """Whether a number is right at first sight: near the middle of a narrow ball.

    terms: of a sum, in which each may cost an ulp.
    """
    middle = float(exact)
    near = abs(claim - middle) <= (CLEAR + terms * 2.0**-52) * abs(middle) < inf
    return near and exact.rel_accuracy_bits() >= CLEAR_BITS


def rounds_to(claim: float, double: float) -> bool:
    """Whether a number is right at first sight, where the exact one is `double` but for its rounding.

    double: an operation of IEEE 754 on doubles. These are rounded correctly: half an ulp is what it is off by, as long
    as it neither under- nor overflows; where it may have, no is the answer.
    """
    size = abs(double)
    return NORMAL <= size <= LARGEST and abs(claim - double) <= CLEAR * size


Made = TypeVar("Made")

Roughness = Literal[0, 1, 2]
EXACT: Roughness = 0
ROUGH: Roughness = 1
DOUBLE: Roughness = 2
"""How inputs are taken: exactly, or known to a few ulp; or so, and what is computed as doubles under- and overflow."""

Enclosures = Sequence[arb] | Mapping[int, arb]
"""By entry."""

RADII = 16
"""Radii at double precision that a number may be off: with inputs known to 4 ulp, 64 ulp of the magnitudes."""


def settle(
    m: Balls,
    claims: list[float],
    exact: Enclosures,
    kinks: tuple[int, int],
    again: Callable[[Roughness], Enclosures],
    judge: Callable[[int, Outcome, float, arb], bool],
    *,
    terms: int = 2,
    reach: Callable[[], float] = lambda: 0.0,
    narrow: Callable[[Roughness, Sequence[int]], Enclosures] | None = None,
) -> dict[int, float]:
    """Decide on every entry; the doubtful ones at rising precision. Returns those that are not simply right.

    again: the enclosures at the present precision, by how rough they are.
    judge: called with (entry, outcome, claim, enclosure) of these; whether to go on.
    terms: coefficients of FLINT's series.   reach: the sum of what is multiplied by a slope that underflows.
    narrow: like `again`, of these entries alone.
    """
    doubtful = [j for j, claim in enumerate(claims) if not plainly(claim, exact[j])]
    if not doubtful:
        return {}
    bits, blind, odd = BITS, 0, {}
    rough: Enclosures | None = None
    coarse: Enclosures | None = None
    moved = coarsely = False
    kinked, hull = m.kinks > kinks[0], (m.kinks, m.straddles) != kinks
    while doubtful:
        undecided = []
        for j in doubtful:
            claim, found = claims[j], exact[j]
            verdict = exactly = agrees(claim, found)
            if verdict is not True and found.is_finite():
                if rough is None:
                    before = m.kinks, m.straddles
                    with precision(MACHINE_BITS, terms):
                        rough = narrow(ROUGH, doubtful) if narrow else again(ROUGH)
                    moved = before != (m.kinks, m.straddles)
                verdict = agrees(claim, found, slack(rough[j], found, moved=moved))
            if verdict is False and rough is not None:
                if coarse is None:
                    before = m.kinks, m.straddles
                    with precision(MACHINE_BITS, terms):
                        coarse = narrow(DOUBLE, doubtful) if narrow else again(DOUBLE)
                    coarsely = before != (m.kinks, m.straddles)
                room = slack(coarse[j], found, moved=coarsely) + ULPS * SMALLEST * reach()
                verdict = agrees(claim, found, room)
            if verdict is True and (isfinite(claim) or exactly):
                continue
            if verdict is True:
                outcome: Outcome = "open"  # what is on the way to it overflows
            elif verdict is False and moved and rough is not None and touches(claim, rough[j]):
                outcome = "kink"  # rounding alone moves it over one
            elif verdict is False:
                outcome = "wrong"
                if not isfinite(claim) and rough is not None and coarse is not None:
                    beyond = not (magnitude(rough[j]) <= LARGEST and coarse[j].is_finite())
                    outcome = "open" if beyond else "wrong"
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
                exact = narrow(EXACT, doubtful) if narrow else again(EXACT)
            kinked, hull = m.kinks > before[0], (m.kinks, m.straddles) != before
    return odd


class Once(Generic[Made]):
    """What is made once for each precision. The kinks that it met are counted each time it is used."""

    def __init__(self, m: Balls, make: Callable[[Roughness], Made]) -> None:
        self.m, self.make = m, make
        self.known: dict[tuple[int, Roughness], tuple[Made, int, int]] = {}

    def __call__(self, rough: Roughness = EXACT) -> Made:
        """What is made at the present precision, so roughly."""
        m, key = self.m, (ctx.prec, rough)
        if key not in self.known:
            before = m.kinks, m.straddles
            made = self.make(rough)
            self.known[key] = made, m.kinks - before[0], m.straddles - before[1]
            m.kinks, m.straddles = before
        made, kinks, straddles = self.known[key]
        m.kinks += kinks
        m.straddles += straddles
        return made


NOTABLE = 2.0**-20
"""A relative error that is more than rounding: the hull at a kink."""

WOBBLE = arb(1, NUDGE * 2.0**-52)

WHOLE = 2.0**53
"""Whole numbers from here on are no labels."""

STEP = arb(0, NUDGE * SMALLEST)
"""How far a number below the normal ones may be off."""


def nudged(values: Sequence[arb]) -> list[arb]:
    """Numbers known to a few ulp; whole ones exactly: labels and exponents mean what they say."""
    return [value if value.is_integer() and abs(value) < WHOLE else value * WOBBLE for value in values]


def as_double(exact: arb) -> arb:
    """A number as doubles hold it: below the normal ones in steps, and nan beyond the largest."""
    if not exact.is_finite() or exact.is_zero():
        return exact
    size = abs(exact)
    if size < NORMAL:
        return exact + STEP
    return exact if size <= LARGEST else NAN


def magnitude(rough: arb) -> float:
    """About the sum of magnitudes that a number is made of."""
    return float(rough.rad()) * 2.0**50 if rough.is_finite() else float("inf")


def slack(rough: arb, exact: arb, *, moved: bool) -> arb:
    """How far rounding may move a number; nothing where the radius is that of the hull at a kink.

    moved: whether rounding moves anything over a kink.
    """
    least = arb(ULPS * SMALLEST * MOST_REACH)
    if not rough.is_finite() or exact.rad() * 1024 > rough.rad():
        return least
    room = RADII * rough.rad()
    return least if moved and not room <= NOTABLE * abs(exact) else room + least
