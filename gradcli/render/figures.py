"""Numbers for people: rounded where they are long, never to something that misleads; aligned at the point."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import floor, isfinite, log10
from typing import NamedTuple

from gradcli.errors import visible
from gradcli.notation import number

DECIMALS = 4
"""Decimals that the table shows unless told otherwise."""

SMALL = 1e-3
"""Below this, decimals would leave a digit or two: significant digits are shown instead."""

LARGE = 1e9
"""From here on, and below 1e-4, a rounded number is written with an exponent."""


class Style(NamedTuple):
    """How people want to see a report.

    width: columns; None for as many as it takes (a pipe).   decimals, sig: digits, instead of the default.
    full: all rows, however many.   paths: the nodes whose paths to the output are listed.
    """

    width: int | None = None
    colour: bool = False
    ascii: bool = False
    decimals: int | None = None
    sig: int | None = None
    full: bool = False
    rank_nodes: bool = False
    paths: tuple[str, ...] = ()


def figure(value: float, style: Style) -> str:
    """A number as people read it: as it stands if that is short, else rounded.

    A short decimal to 15 digits is that decimal: 1.1*650 is 715, not 715.0000000000001.

    >>> [figure(x, Style()) for x in (2.0, 0.5, -0.19661193324148188, 4.248e-18, 1e20, 0.1 + 0.2)]
    ['2', '0.5', '-0.1966', '4.248e-18', '1e20', '0.3']
    """
    if not isfinite(value) or value == 0:
        return number(value)
    short = float(f"{value:.15g}")
    exact = number(short if isfinite(short) else value)
    digits = len(re.sub(r"e.*|[-.]", "", exact).strip("0"))
    if style.sig is not None:
        return exact if digits <= style.sig else _significant(value, style.sig)
    decimals = DECIMALS if style.decimals is None else style.decimals
    mantissa, _, exponent = exact.partition("e")
    if len(mantissa.partition(".")[2]) <= decimals and (exponent or abs(value) < 1e16):
        return exact
    if abs(value) >= LARGE:
        return _scientific(value, decimals + 1)
    if abs(value) < SMALL and style.decimals is None:
        return exact if digits <= DECIMALS else _significant(value, DECIMALS)
    rounded = f"{value:.{decimals}f}"
    return rounded if float(rounded) else _significant(value, max(1, decimals))


def brief(value: float, digits: int = 2) -> str:
    """A number within a sentence, to so many significant digits.

    >>> [brief(x) for x in (9.53e-9, 518.0, 1234567.0, 0.0)]
    ['9.5e-9', '520', '1200000', '0']
    """
    return number(float(f"{value:.{digits}g}"))


def aligned(figures: Sequence[str]) -> list[str]:
    """Numbers of one column, padded so that their decimal points stand under each other; "" stays blank.

    >>> aligned(["-1", "0.3679", "", "nan"])
    [' -1     ', '  0.3679', '        ', 'nan     ']
    """
    cut = [len(re.split("[.e]", text)[0]) if _is_number(text) else len(text) for text in figures]
    left = max(cut, default=0)
    right = max((len(text) - at for text, at in zip(figures, cut, strict=True)), default=0)
    return [text[:at].rjust(left) + text[at:].ljust(right) for text, at in zip(figures, cut, strict=True)]


def bar(share: float, width: int, style: Style) -> str:
    """A bar of a share between 0 and 1; whatever is more than nothing shows."""
    if not share > 0:
        return ""
    if style.ascii:
        return "#" * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"

ASCII = str.maketrans(
    {
        **dict(zip("∂×·↓↑─−—–█′", "d**v^----#'", strict=True)),
        **dict(zip(SUPERSCRIPTS, "0123456789-", strict=True)),
        "✓": "ok:",
        "✗": "wrong:",
        "○": "--",
        "→": "->",
        "…": "...",
        "≈": "~",
        "±": "+-",
        "≠": "!=",
        "≤": "<=",
        "≥": ">=",
        "½": "1/2",
        "Σ": "sum",
    }
)
"""What stands for a character where the encoding has only ASCII."""


def plain(text: str, style: Style) -> str:
    """Text as the screen may show it: controls escaped, and in ASCII where that is all the encoding has."""
    if not style.ascii or text.isascii():
        return visible(text)
    return simple(text).encode("ascii", "backslashreplace").decode()


def simple(text: str) -> str:
    """Text without the table's own signs; letters of other scripts stay, for encodings that have those."""
    raised = re.sub(rf"[{SUPERSCRIPTS}]+", lambda power: f"^{power[0]}", text)
    return visible(raised).translate(ASCII)


def is_numeric(rule: str) -> bool:
    """Whether a rule is a number alone."""
    try:
        float(rule)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[1:2].isdigit()


def _significant(value: float, digits: int) -> str:
    """A number rounded to significant digits."""
    rounded = float(f"{value:.{digits - 1}e}")
    power = floor(log10(abs(rounded))) if isfinite(rounded) and rounded else -99
    if not -4 <= power < 9:
        return _scientific(value, digits)
    places = max(digits - 1 - power, 0)
    return f"{rounded:.{places}f}"


def _scientific(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"
