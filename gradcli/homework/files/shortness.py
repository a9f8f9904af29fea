"""Which numbers are short, faint, or too near to another: what counts when values are chosen, and frozen with them.

No short decimal meets a margin of this file exactly.
"""

from __future__ import annotations

APART = 0.0137
"""How far apart numbers are that count as different, of the larger one. No short decimal is a multiple of it."""

LONG = 7
"""Significant digits of a number that is not short."""

FAINT, CLOSE, NOUGHT = 0.0951371, 0.0051371, 1e-9
"""Below what a number has fewer than two digits among its first two decimals; how near a 0 or 1 are read off; and below
what a number is 0 but for its last bits."""


def faint(number: float) -> bool:
    """Whether two decimals leave fewer than two digits of a number that is not 0.

    >>> faint(0.0009), faint(0.25), faint(0.0)
    (True, False, False)
    """
    return NOUGHT < abs(number) < FAINT


def near(a: float, b: float, margin: float) -> bool:
    """Whether two numbers are too close to be told apart."""
    return not abs(a - b) > max(margin, APART * max(abs(a), abs(b)))


def digits(number: float) -> int:
    """Significant digits to be written, `LONG` for more than that.

    >>> [digits(x) for x in (650.0, 0.25, 1 / 3)]
    [2, 2, 7]
    """
    mantissa = f"{number:.{LONG - 1}e}"
    if float(mantissa) != number and not near_decimal(number, float(mantissa)):
        return LONG
    return len(mantissa.partition("e")[0].replace(".", "").lstrip("-").rstrip("0")) or 1


def near_decimal(number: float, short: float) -> bool:
    """Whether a number is a short decimal but for its last bits: 1.1*650."""
    return abs(number - short) <= 1e-13 * abs(number)
