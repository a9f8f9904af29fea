"""Where two formulas are compared: seeded points, the simple ones first, so that a difference can be followed by hand.

Every number is a short decimal, and most are doubles exactly; one that is none is meant as that decimal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, frexp, isfinite, ldexp
from random import Random
from typing import NamedTuple

EACH = 12
"""Random points of each of the two scales."""

MORE = 10
"""Random points of each further kind, tried where too few of the first could be used."""

Numbers = dict[str, float]


class Point(NamedTuple):
    """Values by name, and what kind of point it is: simple, near, wide, more, or given."""

    values: Numbers
    kind: str

    @property
    def random(self) -> bool:
        """Whether it was drawn."""
        return self.kind in ("near", "wide", "more")


def points(given: Mapping[str, float], seed: int, flags: frozenset[str] = frozenset()) -> Iterator[Point]:
    """The points to try, in order; those of the kind "more" are for formulas that few of the others suit.

    given: the values of the question.   flags: the names of those that are 0 or 1 at every point.
    """
    labels = Random(seed + 1)  # noqa: S311 - points, not secrets
    usual = {name: value if isfinite(value) else 1.0 for name, value in given.items()}
    seen = {tuple(given.values())}
    for kind, values in _all(usual, Random(seed)):  # noqa: S311 - points, not secrets
        for name in flags & values.keys():
            values[name] = float(labels.randint(0, 1))
        if tuple(values.values()) in seen:
            continue
        seen.add(tuple(values.values()))
        yield Point(values, kind)
    if all(map(isfinite, given.values())):
        yield Point(dict(given), "given")


def _all(given: Numbers, random: Random) -> Iterator[tuple[str, Numbers]]:
    for row in SIMPLE:
        yield "simple", {name: _cycled(row, k) for k, name in enumerate(given)}
    for _ in range(EACH):
        yield "near", {name: short(value * (1 + random.uniform(-0.6, 0.6))) for name, value in _nonzero(given)}
        yield "wide", {name: short(random.uniform(-10, 10)) for name in given}
    for _ in range(MORE):  # inside any domain that the values given are in; whole numbers stay whole
        yield "more", {name: short(value * (1 + random.uniform(-0.05, 0.05)), 10) for name, value in _nonzero(given)}
        yield "more", {name: short(value * (1 + random.uniform(-5e-4, 5e-4)), 20) for name, value in _nonzero(given)}
        yield "more", {name: short(random.uniform(0.05, 0.95)) for name in given}
        yield "more", {name: short(random.uniform(0.1, 10)) for name in given}
        yield "more", {name: _alike(value, random) for name, value in given.items()}
        yield "more", {name: short(random.uniform(-1, 1)) for name in given}
        yield (
            "more",
            {name: value if random.random() < 0.6 else short(value + 0.01, 12) for name, value in given.items()},
        )


SIMPLE: tuple[tuple[float, ...], ...] = (
    (2.0, 3.0, 5.0, 4.0, 7.0, 6.0),
    (3.0, 2.0, 4.0, 5.0, 6.0, 7.0),
    (-2.0, 3.0, -4.0, 5.0, -3.0, 7.0),
    (-3.0, -2.0, 5.0, -4.0, 6.0, -5.0),
    (1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    (1.0, -1.0, 2.0, -2.0, 3.0, -3.0),
    (0.5, 0.25, 0.75, 0.4, 0.6, 0.8),
)
"""Points to follow by hand; for more variables they are continued by counting on."""


def _alike(value: float, random: Random) -> float:
    """A positive number, whole where the one given is: an order, or a label."""
    return float(random.randint(0, 9)) if value == floor(value) else short(random.uniform(0.1, 5))


def _cycled(row: tuple[float, ...], k: int) -> float:
    return row[k] if k < len(row) else row[k % len(row)] + len(row) * (k // len(row))


def _nonzero(given: Numbers) -> Iterator[tuple[str, float]]:
    return ((name, value or 1.0) for name, value in given.items())


def short(value: float, bits: int = 6) -> float:
    """A number rounded to so many binary digits: it is a short decimal, and exactly a double, so that x == max(x, y)
    can be told.

    >>> short(0.3), short(-7.891), short(123456.0)
    (0.296875, -7.875, 122880.0)
    """
    if not value or not isfinite(value):
        return value
    mantissa, exponent = frexp(value)
    return ldexp(round(mantissa * 2**bits), exponent - bits)
