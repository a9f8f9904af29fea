"""The words of the language, as regular expressions.

Most texts are ASCII, and their patterns are compiled in a third of the time: `lexis` gives those, or the full ones.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

_LETTER = r"[^\W\d₀-₉⁰¹²³⁴-⁹½¼¾⅐-⅞ᵀ]"
ASCII_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
NAME = rf"{_LETTER}(?:{_LETTER}|[0-9₀-₉])*+"
NUMBER = r"(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+"
POWER = r"[⁺⁻]?[⁰¹²³⁴-⁹]+"
SPACE = r"[ \t\r\f\v\u00a0\u2009\u202f]"

INTEGER = r"[-−]?[ \t]*+[0-9]{1,18}+"
AXES = rf"[\[(]\s*+{INTEGER}(?:\s*+,\s*+{INTEGER})*+\s*+,?\s*+[\])]"
"""Whole numbers in brackets: axes, or a shape."""


NAME_TOKEN, NUMBER_TOKEN, OPERATOR, BRACKET, CALL, SUPERSCRIPT, COMMA, NEWLINE, END, TRANSPOSED, STRANGE = range(1, 12)
"""The groups of a token, in the order of the pattern."""


class Lexis(NamedTuple):
    """The patterns of one alphabet.

    token: the next word, whatever it is.   head: what begins a definition or an assignment.
    """

    token: re.Pattern[str]
    head: re.Pattern[str]


def lexis(text: str) -> Lexis:
    """The patterns that read a text."""
    return _compiled(text.isascii())


@cache
def keyword_pattern(ascii_only: bool) -> re.Pattern[str]:
    """`NAME = literal` at the end of a call."""
    name = ASCII_NAME if ascii_only else NAME
    return re.compile(rf"\s*+({name})\s*+=(?!=)\s*+([-+−]?\s*+{NUMBER}|{AXES}|True|False)?\s*+")


@cache
def key_pattern() -> re.Pattern[str]:
    """What follows a tensor to choose entries: [0], [-1,2], [1:3,:]."""
    part = rf"(?:{INTEGER})?\s*+(?::\s*+(?:{INTEGER})?\s*+){{0,2}}+"
    return re.compile(rf"\[\s*+({part}(?:,\s*+{part})*+)\]")


@cache
def _compiled(ascii_only: bool) -> Lexis:
    name, space = (ASCII_NAME, r"[ \t\r\f\v]") if ascii_only else (NAME, SPACE)
    # A plain name followed by a plain character is the most frequent word: it comes first.
    quick = "" if ascii_only else rf"{ASCII_NAME} (?![ \t(]|[^\x00-\x7f]) |"
    return Lexis(
        token=re.compile(
            rf"""{space}*+(?:
              ( {quick} {name} (?!{space}*\() )
            | ( {NUMBER} )
            | ( \*\* | [-+*/@^<>]=?+ | [=!]= | [×·⋅∙∗÷∕−≤≥≠] )
            | ( [()\[\]] )
            | ( {name} ) {space}*\(
            | ( {POWER} )
            | ( , )
            | ( (?:\#[^\n]*)?\n | \#[^\n]*\Z )
            | ( ; | \Z )
            | ( \.T (?!\w) | ᵀ )
            | ( . )
            )""",
            re.VERBOSE | re.DOTALL,
        ),
        head=re.compile(rf"({name})[ \t]*(\(\s*+(?:{name}(?:\s*+,\s*+{name})*+\s*+)?\)[ \t]*)?=(?!=)"),
    )


BLANK = re.compile(r"(?:[\s;\ufeff]|#[^\n]*)*")
NEGATIVE = re.compile(rf"[-−][ \t]*((?>{NUMBER}))(?![ \t]*(?:\^|\*\*|{POWER}))")
