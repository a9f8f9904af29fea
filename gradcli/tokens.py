"""The words of the language, as regular expressions, and what a number among them is worth.

Most texts are ASCII, and their patterns are compiled in a third of the time: `lexis` gives those, or the full ones.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from math import e, inf, pi, tau
from typing import NamedTuple

from gradcli.errors import ExpressionError, Span

SOUND = sys.version_info >= (3, 11, 5)
"""Whether `(?:ab)*+` goes back when it fails after the a: before, it stayed there (python/cpython#106052)."""


def most(body: str, times: str = "*") -> str:
    r"""A pattern for as many of these as there are, none of which is given back.

    >>> [re.match("1" + most(r",\d"), text)[0] for text in ("1,2,3", "1,2,x", "1,")]
    ['1,2,3', '1,2', '1']
    """
    return f"(?:{body}){times}+" if SOUND else f"(?>(?:{body}){times})"


CONSTANTS = {"pi": pi, "e": e, "tau": tau}
"""Inputs with a default: constants unless the user gives them a value."""

GREEK = {"π": "pi", "τ": "tau"}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

_LETTER = r"[^\W\d₀-₉⁰¹²³⁴-⁹½¼¾⅐-⅞ᵀ]"
ASCII_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
NAME = rf"{_LETTER}(?:{_LETTER}|[0-9₀-₉])*+"
EXPONENT = most(r"[eE][+-]?[0-9]++", "?")
NUMBER = rf"(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++){EXPONENT}"
POWER = r"[⁺⁻]?[⁰¹²³⁴-⁹]+"
SPACE = r"[ \t\r\f\v\u00a0\u2009\u202f]"

INTEGER = r"[-−]?[ \t]*+[0-9]{1,18}+"
_MORE = most(rf"\s*+,\s*+{INTEGER}")
AXES = rf"[\[(]\s*+{INTEGER}{_MORE}\s*+,?\s*+[\])]"
"""Whole numbers in brackets: axes, or a shape."""

ASCII_OPERATION = r"\*\* | [-+*/@^<>]=?+ | [=!]="
OPERATION = ASCII_OPERATION + " | [×·⋅∙∗÷∕−≤≥≠]"
NEVER = "(?!)"

OPERAND, FOLLOWED, OPERATOR, BRACKET, CALL, SUPERSCRIPT, COMMA, NEWLINE, END, TRANSPOSED, STRANGE = range(1, 12)
"""The groups of a token, in the order of the pattern, and its kind: the last of its groups.

An operand is a number or a name; the operator after it, where one follows, is the same token's second group: nearly
all of a long text is pairs of the two.
"""


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
    part = rf"(?:{INTEGER})?\s*+" + most(rf":\s*+(?:{INTEGER})?\s*+", "{0,2}")
    more = most(rf",\s*+{part}")
    return re.compile(rf"\[\s*+({part}{more})\]")


def negative(text: str, at: int) -> re.Match[str] | None:
    """A minus sign and the number that it is part of; None where something else follows, or a power of the number."""
    return negative_pattern().match(text, at) if text[at + 1 : at + 2] in "0123456789. \t" else None


@cache
def negative_pattern() -> re.Pattern[str]:
    """A minus sign and a number, without a power."""
    return re.compile(rf"[-−][ \t]*((?>{NUMBER}))(?![ \t]*(?:\^|\*\*|{POWER}))")


@cache
def _compiled(ascii_only: bool) -> Lexis:
    name, space, operation, power, transpose = NAME, SPACE, OPERATION, POWER, "ᵀ"
    if ascii_only:
        name, space, operation, power, transpose = ASCII_NAME, r"[ \t\r\f\v]", ASCII_OPERATION, NEVER, NEVER
    names = most(rf"\s*+,\s*+{name}")
    # A plain name followed by a plain character is the most frequent word: it comes first.
    quick = "" if ascii_only else rf"{ASCII_NAME} (?![ \t(]|[^\x00-\x7f]) |"
    return Lexis(
        token=re.compile(
            rf"""{space}*+(?:
              ( {quick} {name} (?!{space}*\() | {NUMBER} ) {space}*+ (?: ( {operation} ) | )
            | ( {operation} )
            | ( [()\[\]] )
            | ( {name} ) {space}*\(
            | ( {power} )
            | ( , )
            | ( (?:\#[^\n]*)?\n | \#[^\n]*\Z )
            | ( ; | \Z )
            | ( \.T (?!\w) | {transpose} )
            | ( . )
            )""",
            re.VERBOSE | re.DOTALL,
        ),
        head=re.compile(rf"({name})[ \t]*(\(\s*+(?:{name}{names}\s*+)?\)[ \t]*)?=(?!=)"),
    )


BLANK = re.compile(r"(?:[\s;\ufeff]|#[^\n]*)*")


TOO_LARGE = "this number is larger than any double (about 1.8e308)"
TOO_SMALL = "this number is smaller than any double (about 4.9e-324)"
RESCALE = "rescale the formula"
"""The advice about a number beyond the doubles; where it is a value, there is better."""


def number(text: str, source: str, span: Span) -> float:
    """The nearest double of a decimal literal; what overflows or vanishes is an error, never inf or 0."""
    value = float(text)
    if value in (inf, -inf):
        raise ExpressionError(TOO_LARGE, source=source, span=span, hint=RESCALE)
    if value == 0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
        raise ExpressionError(TOO_SMALL, source=source, span=span, hint=RESCALE)
    return value
