"""Whether a formula is the right one: both sides as balls at seeded points, at rising precision.

Two balls that do not meet are two numbers, and one such point decides. Balls that meet however fine they are made do
so at a point where the sides are equal, for all that numbers can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from time import perf_counter
from typing import NamedTuple

from flint import arb

from gradcli.homework.formulas.enclosing import Exact, Plan
from gradcli.homework.formulas.points import Numbers, Point, points
from gradcli.homework.formulas.scope import UPSTREAM
from gradcli.systems.balls import precision

USABLE = 8
"""Random points at which both sides must have a number."""

ENOUGH = 24
"""Random points after which no more are tried."""

PRECISIONS = (128, 320, 1280)
"""Bits that are tried in turn until a point is decided."""

TIGHT, NOTHING = 1e-25, 1e-60
"""Radius of a difference that may hold 0: relative to the sides, and absolutely."""

KNOWN = 1e-12
"""Radius of the sides, relative to the larger, that a difference is told with."""

DIGITS = 1e-14
"""A relative difference up to here is that of a constant written with the digits of a double: 0.3989422804014327."""


class Verdict(Enum):
    """What a point says."""

    EQUAL = "equal"
    CLOSE = "close"  # but for the last digits of a double
    DIFFERENT = "different"
    OUTSIDE = "outside"  # the right side has a number, the formula has none
    UNDEFINED = "undefined"  # the right side has none
    OPEN = "open"  # the balls do not tell


class Tried(NamedTuple):
    """A point, what it says, and both numbers there. `upstream`: what dout was."""

    point: Point
    upstream: float
    verdict: Verdict
    right: float
    found: float


class Decision(NamedTuple):
    """What the points say together. `late`: the time was used up."""

    tried: Sequence[Tried]
    late: bool = False

    @property
    def random(self) -> list[Tried]:
        """What the random points say."""
        return [each for each in self.tried if each.point.random]

    def count(self, *verdicts: Verdict) -> int:
        """How many random points say so."""
        return sum(each.verdict in verdicts for each in self.random)

    @property
    def counter(self) -> Tried | None:
        """Of the points at which the sides differ, the one that is followed by hand most easily."""
        return min((each for each in self.tried if each.verdict is Verdict.DIFFERENT), key=effort, default=None)

    @property
    def given(self) -> Tried | None:
        """What the values of the question say."""
        return next((each for each in self.tried if each.point.kind == "given"), None)

    @property
    def usable(self) -> int:
        """Random points at which the sides could be compared."""
        return self.count(Verdict.EQUAL, Verdict.CLOSE, Verdict.DIFFERENT)


def effort(tried: Tried) -> tuple[bool, bool, bool, int]:
    """How hard a counter-example is to follow: by its numbers, their size, and how far apart they are."""
    right, found = tried.right, tried.found
    sizes = [abs(number) for number in (right, found) if number]
    extreme = len(sizes) < 2 or any(not 1e-3 <= size <= 1e5 for size in sizes)
    hardly = abs(right - found) <= 0.02 * max(abs(right), abs(found))
    length = len(f"{right:.6g}{found:.6g}")
    return tried.point.kind == "given", extreme, hardly, length + LENGTHS[tried.point.kind]


LENGTHS = {"simple": 0, "near": 20, "wide": 20, "more": 20, "given": 0}
"""What points of a kind count as, in figures."""


def decide(plan: Plan, given: Numbers, seed: int, budget: float, flags: frozenset[str] = frozenset()) -> Decision:
    """Compare at point after point. The values given are tried at last, and always, unless time is up.

    given: the values of the question's variables that matter.   budget: seconds.   flags: those that are 0 or 1.
    """
    deadline = perf_counter() + budget
    tried: list[Tried] = []
    systems: dict[int, Exact] = {}
    usable = drawn = 0
    differs = False
    start = {**given, UPSTREAM: plan.upstream} if plan.mentions_upstream and UPSTREAM not in given else given
    for point in points(start, seed, flags):
        if differs and point.kind not in ("simple", "given"):
            continue
        if point.kind == "more" and usable >= USABLE and drawn >= ENOUGH and usable * 2 >= drawn:
            continue
        if point.kind == "more" and usable >= ENOUGH:
            continue
        if perf_counter() > deadline:
            return Decision(tried, late=True)
        try:
            found = compare_at(plan, point, systems, deadline)
        except TimeoutError:
            return Decision(tried, late=True)
        tried.append(found)
        differs = differs or found.verdict is Verdict.DIFFERENT
        drawn += point.random
        usable += point.random and found.verdict in (Verdict.EQUAL, Verdict.CLOSE)
    return Decision(tried)


def compare_at(plan: Plan, point: Point, systems: dict[int, Exact], deadline: float) -> Tried:
    """Both sides at a point."""
    upstream = point.values.get(UPSTREAM, plan.upstream) if plan.mentions_upstream else plan.upstream
    verdict, right, found = Verdict.OPEN, arb(0), arb(0)
    for bits in PRECISIONS:
        with precision(bits):
            m = systems.get(bits)
            if m is None:
                m = systems[bits] = Exact(deadline)
            right, found = plan.at(point.values, upstream, m)
            verdict = judged(right, found, vague=m.vague)
        if verdict not in (Verdict.OPEN, Verdict.OUTSIDE) or perf_counter() > deadline:
            break
    return Tried(point, upstream, verdict, number(right), number(found))


def number(found: arb) -> float:
    """The number that a ball stands for."""
    return 0.0 if found.contains(0) else float(found)


def judged(right: arb, found: arb, *, vague: bool) -> Verdict:
    """What two balls say at the present precision.

    vague: whether what is nan may have a number.
    """
    if right.is_nan():
        return Verdict.OPEN if vague else Verdict.UNDEFINED
    if found.is_nan():
        return Verdict.OUTSIDE if right.is_finite() and not vague else Verdict.OPEN
    difference = right - found
    size = max(right.abs_upper(), found.abs_upper())
    if not difference.contains(0):
        if difference.abs_lower() > DIGITS * size:
            known = right.rad() <= KNOWN * size and found.rad() <= KNOWN * size
            return Verdict.DIFFERENT if known else Verdict.OPEN
        if difference.abs_upper() <= DIGITS * size:
            return Verdict.CLOSE
        return Verdict.OPEN
    if not difference.is_finite():
        return Verdict.OPEN
    radius = difference.rad()
    return Verdict.EQUAL if radius <= TIGHT * size or radius <= NOTHING else Verdict.OPEN
