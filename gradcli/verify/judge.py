"""One number against the mathematics: evaluate in ball arithmetic until the ball says whether it is right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import isfinite, isinf, isnan, ulp
from typing import Literal

from flint import arb

from gradcli.ops.op import Op
from gradcli.systems.balls import Balls, precision
from gradcli.systems.series import RATIONAL, ZERO

ULPS = 64
"""How far from the exact result an engine number may lie."""

NUDGE = 4
"""How many ulp the inputs may be off, where an op magnifies their last digit."""

BITS, MOST_BITS = 80, 5120
"""Precision to begin with, and where a number is given up as not proved."""

KINK_BITS = 320
"""Precision at which the hull at a kink is taken for what it is, and not for a loss of digits."""

MACHINE_BITS = 53
LARGEST, SMALLEST = sys.float_info.max, ulp(0.0)
MOST_REACH = 2.0**52
"""Subnormal steps in the smallest normal number."""

Outcome = Literal["right", "kink", "rough", "wrong", "open"]
"""What is found of a number: within 64 ulp; between one-sided derivatives; exact for inputs within a few ulp, or off by
no more than the formula of a user's gate loses; wrong; not proved."""


def agrees(claim: float, exact: arb, slack: float | arb = 0.0) -> bool | None:
    """Whether a double is within 64 ulp (and `slack`) of the exact number; None while the ball does not say.

    A subnormal's ulp is absolute; an overflow to inf is right where the exact number is as large.
    """
    if not exact.is_finite():
        return None
    if isnan(claim):
        return False
    room = slack + ULPS * ulp(min(abs(float(exact)), LARGEST))
    if isinf(claim):
        beyond = (exact if claim > 0 else -exact) + room
        return True if beyond >= LARGEST else False if beyond < LARGEST else None
    distance = abs(exact - claim)
    return True if distance <= room else False if distance > room else None


def touches(claim: float, hull: arb, room: float | arb = 0.0) -> bool:
    """Whether a double may lie in a ball, up to rounding."""
    return isfinite(claim) and hull.is_finite() and not abs(hull - claim) > room + ULPS * ulp(claim)


class Judge:
    """Decides on single numbers, and remembers which precision an op needed last."""

    def __init__(self, m: Balls) -> None:
        self.m = m
        self.needed: dict[Op, int] = {}

    def decide(
        self,
        op: Op | None,
        claim: float,
        evaluate: Callable[[Sequence[arb]], arb],
        x: Sequence[arb] = (),
        slack: Callable[[], arb] = lambda: ZERO,
    ) -> tuple[Outcome, arb]:
        """Evaluate at rising precision until the ball says whether the claim is right.

        evaluate: the number as a function of the op's inputs x.

        At a kink the ball holds everything between the one-sided derivatives, and any of it is right. Where
        rounding alone moves a composite op over a kink, or a user's gate loses digits by its own fault, ball
        arithmetic at double precision says how much is owed to that.
        """
        bits, blind = BITS if op is None else self.needed.get(op, BITS), 0
        while True:
            exact, kinked, hull, room = self.enclosed(bits, evaluate, x, slack)
            verdict = agrees(claim, exact, room)
            if verdict is not None:
                break
            if hull and bits >= (KINK_BITS if kinked else MOST_BITS) and touches(claim, exact):
                return "kink", exact
            blind += not exact.is_finite()
            if bits >= MOST_BITS or blind > 1:
                return "open", exact
            bits *= 2
        if op is None:
            return "right" if verdict else "wrong", exact
        self.needed[op] = bits
        if verdict:
            return "right", exact
        rough, _, hull, _ = self.enclosed(MACHINE_BITS, evaluate, x, slack)
        if op.body is not None:
            if not (isfinite(claim) and rough.is_finite()):
                return "open", exact
            return ("rough" if touches(claim, rough, 16 * rough.rad()) else "wrong"), exact
        if hull and touches(claim, rough):
            return "kink", exact
        with precision(bits):
            owed = self.underflowed(op, claim, exact, x) or self.nearby(claim, exact, evaluate, x)
            return ("rough" if owed else "wrong"), exact

    def underflowed(self, op: Op, claim: float, exact: arb, x: Sequence[arb]) -> bool:
        """Whether the claim is off by no more than a subnormal's missing digits, multiplied by the op's inputs.

        silu(x) = x·sigmoid(x) far out: the sigmoid is right to a subnormal's step, and x times that is its error.
        Sums and products are rounded once, and get no such room; nobody gets more than 64 smallest normal numbers.
        """
        if self.m.functions[op] in RATIONAL:
            return False
        reach = 1.0
        for value in (*map(float, x), *map(float, op.bound.values())):
            reach *= max(1.0, abs(value))
        return isfinite(claim) and bool(abs(exact - claim) <= ULPS * SMALLEST * min(reach, MOST_REACH))

    def nearby(self, claim: float, exact: arb, evaluate: Callable[[Sequence[arb]], arb], x: Sequence[arb]) -> bool:
        """Whether the claim is the exact result for inputs within 4 ulp, where the op moves smoothly with them.

        No algorithm in double precision does better where an op magnifies its inputs' last digit: gelu' near its
        zero, logaddexp far out. (Mixed forward-backward stability: Higham, Accuracy and Stability, section 1.5.)
        """
        moved = []
        for steps in (NUDGE, 2 * NUDGE):
            change = ZERO
            for k, value in enumerate(x):
                nudged = list(x)
                nudged[k] = value + steps * ulp(float(value))
                change += abs(evaluate(nudged) - exact)
            moved.append(change)
        near, far = moved
        smooth = bool(2 * far >= 3 * near) and bool(far <= 3 * near)
        return (
            isfinite(claim)
            and smooth
            and bool(abs(exact - claim) <= near + ULPS * ulp(min(abs(float(exact)), LARGEST)))
        )

    def enclosed(
        self, bits: int, evaluate: Callable[[Sequence[arb]], arb], x: Sequence[arb], slack: Callable[[], arb]
    ) -> tuple[arb, bool, bool, arb]:
        """A ball at some precision; whether it is the hull at a kink, or a hull at all; and the slack."""
        m = self.m
        kinks, straddles = m.kinks, m.straddles
        with precision(bits):
            exact = evaluate(x)
            kinked = m.kinks > kinks
            return exact, kinked, kinked or m.straddles > straddles, slack()
