"""Intervals of accepted numbers, as people read them: `0.3932 ± 0.005`, `0 … 1`."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from gradcli.notation import number
from gradcli.render.figures import Style, brief, figure

if TYPE_CHECKING:
    from gradcli.homework.records import Accepted

TINY = 1e-6
"""Half widths from which on an interval is written without an exponent."""

WIDE = 15
"""Digits of a double that are told at most."""


def interval(right: float, found: Accepted | None, *, spread: bool = False) -> str:
    """An interval, by its middle and half its width; by its ends where the right number is not its middle, or spread.

    spread: whether more than one number is right.
    """
    if found is None or not (isinstance(found.low, float) and isinstance(found.high, float)):
        return figure(right, Style())
    low, high = found.low, found.high
    half = (high - low) / 2
    if not isfinite(half) or half <= 2.0**-40 * abs(right):
        return figure(right, Style())
    if abs((low + high) / 2 - right) <= 1e-6 * half and not spread:
        return f"{precise(right, half)} ± {fraction(half)}"
    return f"{figure(low, Style())} … {figure(high, Style())}"


def fraction(half: float) -> str:
    """Half the width of an interval: 0.00005, 5e-9."""
    text = brief(half)
    return f"{float(text):.9f}".rstrip("0") if "e-" in text and half >= TINY else text


def precise(value: float, half: float) -> str:
    """A number with as many digits as an interval around it needs."""
    text = figure(value, Style())
    if abs(float(text) - value) <= half / 10:
        return text
    places = min(max(1 - floor(log10(half)), 0), 17)
    fixed = f"{value:.{places}f}" if abs(value) < 10.0 ** (WIDE - places) else number(value)
    return fixed.rstrip("0").rstrip(".") if "." in fixed and "e" not in fixed else fixed
