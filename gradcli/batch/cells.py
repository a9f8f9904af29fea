"""A cell of a table as a number."""

from __future__ import annotations

import re

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
    if NUMBER.fullmatch(text):
        return float(text)
    if not text.strip():
        raise NoNumber("is empty")
    raise NoNumber(f"is no number: '{brief(text)}'")
