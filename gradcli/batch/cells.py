"""A cell of a table as a number."""

from __future__ import annotations

import re
from math import isinf

from gradcli.errors import brief

NUMBER = re.compile(
    r"[ \t]*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|nan|inf|infinity)[ \t]*", re.ASCII | re.IGNORECASE
)
"""What is read as a number: decimals, and the words of IEEE 754."""


class NoNumber(ValueError):
    """A cell that holds no number; its text says so, without the name of its variable."""


def number(text: str) -> float:
    """The double nearest to what a cell says.

    Errors: NoNumber.
    """
    written = text.strip()
    if NUMBER.fullmatch(written):
        value = float(written)
        if isinf(value) and written[-1].isdecimal():
            raise NoNumber(f"is larger than any double: {brief(written)}")
        return value
    if not written:
        raise NoNumber("is empty")
    raise NoNumber(f"is no number: '{brief(text)}'{advice(written)}")


def advice(text: str) -> str:
    """What was meant by a cell that is no number, as far as that is known."""
    digits = text.replace("_", "").replace(",", "").replace(" ", "").replace("\u00a0", "")
    if text.isdecimal():
        return "; digits are 0 to 9"
    if "," in text and text.count(",") == 1 and NUMBER.fullmatch(text.replace(",", ".")):
        return "; a decimal point is a ."
    if digits != text and NUMBER.fullmatch(digits):
        return f"; write {digits}"
    return ""
