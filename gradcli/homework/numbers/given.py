"""What a student typed, read as a grader would: text → Given. It never raises, and no digit passes through a float
before it is counted.

    −0.20   ≈0.39   +3   .5   5.   1.20e-3   1.2×10^-3   0.333…      a number, with the digits it was typed with
    007   -1/4   inf                                                exact: an integer, a fraction
    pi/4   2*3   sqrt(2)/2                                          exact: the value of a formula without names
    2*x*y   y*(1-y)                                                 a formula, read by our parser
    [0.2, 0.40]   [0.2 0.4]   [1 2; 3 4]   array([…])               a list, each entry as typed (lists.py)
    dx = 3   $3$   "3"                                              the number, pasted with its name or its quotes

Empty is blank. Whatever else is written is unreadable, with the reason and what to write: `0,39`, `39%`, `3 m`, `?`,
`N/A`, nan, 1e999. It goes to a person, never silently to 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from math import inf, isfinite
from typing import Any

from gradcli.errors import GradcliError
from gradcli.homework.records import Blank, Formula, Given, Listed, Number, Unreadable
from gradcli.words import Said

LONGEST = 10_000
"""Characters of an answer that is no list."""

MOST_DIGITS = 1_000
"""Digits that a number may be typed with: more than any double has."""

SHOWN = 40
"""Characters of an answer that a message repeats."""

FOLDED = str.maketrans(
    "０１２３４５６７８９．，＋－＊／（）［］＝；：％＾ｅＥ−–—‐‑﹣⁄∼≃≅≒≐〜～\u00a0\u2009\u202f\u3000",
    "0123456789.,+-*/()[]=;:%^eE------/≈≈≈≈≈≈≈    ",
)
"""Spellings of one character, each one character long: full-width forms, minus signs, approximations, spaces."""

AROUND = " \t\r\n\f\v\ufeff\u200b\u200e\u200f"
"""What may stand around an answer unseen."""

MANTISSA = r"([+-]?)[ \t]*+(?:([0-9]++)(\.[0-9]*+)?+|(\.[0-9]++))"
NUMBER = re.compile(rf"{MANTISSA}(?:[eE]([+-]?[0-9]++))?(…|\.\.\.)?")
SCALED = rf"({MANTISSA})\s*+[×·∙⋅*x]\s*+10\s*+(?:(?:\^|\*\*)\s*+[({{]?\s*+([+-]?[0-9]++)\s*+[)}}]?|([⁺⁻]?[⁰¹²³⁴-⁹]++))"
FRACTION = r"([+-]?)[ \t]*+([0-9]++)[ \t]*+/[ \t]*+([0-9]++)"
INFINITE = r"([+-]?)[ \t]*+(?:∞|(?i:inf(?:inity)?))"
NAN = r"[+-]?(?i:nan)"
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

NAMED = r"(?:[^\W\d]|∂)[\w.∂/()\[\]#*+\- ]{0,80}?\s*+(?:=(?!=)|≈|~|:)|=(?!=)"
"""An answer's own name in front of it: `dx = 3`, `∂f/∂x ≈ 3`; a spreadsheet's `=3`."""

ABOUT = r"(?:≈|~|약|approx\.?|about)\s*+"
WRAPPED = r"\$([^$]*)\$|`([^`]*)`|\"([^\"]*)\"|'([^']*)'?|“([^”]*)”"
LISTS = r"\[|(?:\w+\.)?(?:array|tensor|matrix|Array)\s*+\("
TUPLE = r"\((?=[^,]*,)[-+0-9.eE/,\s()\[\]]+\)"

Reader = Callable[[str], Formula | Unreadable]
"""Reads a formula: with the names and the gates of a question, where they are known."""


def read(text: str, *, names: Collection[str] = (), formula: Reader | None = None) -> Given:
    """What a text stands for.

    >>> read("−0.20")
    Number(value=-0.2, ratio=(-20, 100), decimals=2, digits=2, cut=False, computed=False)

    names: those that a formula may use.   formula: reads what is no constant, in place of our parser.
    """
    usual = number(text)
    if usual is not None:
        return usual
    folded = text.translate(FOLDED)
    start, stop, about = bare(folded)
    if start == stop:
        return Blank()
    found = of_word(folded[start:stop], names, formula)
    if about and isinstance(found, Number) and found.decimals is None and not found.computed:
        return rounded(found)
    if isinstance(found, Unreadable) and found.span is not None:
        return found._replace(span=(found.span[0] + start, found.span[1] + start))
    return found


def array(value: Any, dtype: str | None = None) -> Listed | Unreadable:
    """The array of a file, in its own dtype.

    dtype: its name, where NumPy has no such type: bfloat16.
    """
    import numpy as np

    try:
        held = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return Unreadable(Said("numbers.ragged"))
    if held.dtype.kind not in "fiub" and held.dtype.name != "bfloat16":
        return Unreadable(Said("numbers.no_numbers", {"dtype": held.dtype.name}))
    return Listed(held.astype(np.float64), None, dtype or held.dtype.name)


def rounded(found: Number) -> Number:
    """A whole number behind ≈: it was rounded to that, and is not exact."""
    return (
        found._replace(decimals=0, digits=len(f"{abs(found.value):.0f}") if found.value else 0)
        if found.whole
        else found
    )


def bare(text: str) -> tuple[int, int, bool]:
    """Where the answer itself stands in a text: without the space, quotes and name around it.

    With them goes the sign of an approximation: whether there was one is told too.
    """
    start, stop = within(text, 0, len(text))
    start, stop = unwrapped(text, start, stop)
    about = False
    for lead in (NAMED, ABOUT):
        match = re.compile(lead).match(text, start, stop)
        if match is not None and not (lead is NAMED and ("\n" in text[start:stop] or ";" in text[start:stop])):
            about = lead is ABOUT or match[0][-1] in "≈~"
            start, stop = within(text, match.end(), stop)
    return *unwrapped(text, start, stop), about


def unwrapped(text: str, start: int, stop: int) -> tuple[int, int]:
    """What stands in quotes, or between the dollars of LaTeX; behind the apostrophe of a spreadsheet."""
    match = re.compile(WRAPPED).fullmatch(text, start, stop)
    return within(text, *match.span(match.lastindex or 0)) if match is not None else (start, stop)


def within(text: str, start: int, stop: int) -> tuple[int, int]:
    """A stretch of a text without the space around it."""
    while start < stop and text[start] in AROUND:
        start += 1
    while stop > start and text[stop - 1] in AROUND:
        stop -= 1
    return start, stop


def of_word(word: str, names: Collection[str], formula: Reader | None) -> Given:
    """What an answer stands for that has nothing around it."""
    if re.match(LISTS, word) or re.fullmatch(TUPLE, word):
        from gradcli.homework.numbers.lists import listed

        items = listed(word)
        if items is not None:
            return items
    if len(word) > LONGEST:
        return Unreadable(Said("numbers.long", {"characters": f"{len(word):,}", "most": f"{LONGEST:,}"}))
    constant = constant_of(word)
    if constant is not None:
        return constant
    from gradcli.homework.numbers.refusals import refused

    refusal = refused(word, names)
    if refusal is not None:
        return refusal
    return computed((formula or (lambda text: parsed(text, names)))(word), names)


def constant_of(word: str) -> Number | Unreadable | None:
    """The number, the fraction or the infinity that a word is; None for anything else.

    >>> constant_of("-1/4")
    Number(value=-0.25, ratio=(-1, 4), decimals=None, digits=None, cut=False, computed=False)
    """
    found = number(word)
    if found is not None:
        return found
    match = re.fullmatch(FRACTION, word)
    if match is not None:
        return quotient(match)
    match = re.fullmatch(SCALED, word)
    if match is not None:
        return number(f"{match[1]}e{match[6] or match[7].translate(RAISED)}")
    match = re.fullmatch(INFINITE, word)
    if match is not None:
        return Number(-inf if match[1] == "-" else inf, None, None, None)
    return Unreadable(Said("numbers.nan")) if re.fullmatch(NAN, word) else None


def number(word: str) -> Number | Unreadable | None:
    """A number with its digits as typed; None for what is none.

    >>> [number(word).decimals for word in ("0.20", "1.20e-3", "1e3", "7")]
    [2, 5, -3, None]
    """
    match = NUMBER.fullmatch(word)
    if match is None:
        return None
    sign, whole, point, alone, power, dots = match.groups()
    behind = (point or alone or ".")[1:]
    mantissa = ((whole or "") + behind).lstrip("0")
    exponent = power or "0"
    if len(mantissa) > MOST_DIGITS:
        return Unreadable(Said("numbers.digits", {"digits": f"{len(mantissa):,}"}))
    value = float(f"{sign}{whole or '0'}.{behind or '0'}e{exponent}")
    if not isfinite(value) or (value == 0 and mantissa):
        return Unreadable(Said("numbers.small" if value == 0 else "numbers.large"))
    if not mantissa and len(exponent) > 4:
        return Number(0.0, (0, 1), None, None)
    digits, shift = int(mantissa or "0"), int(exponent) - len(behind)
    if sign == "-":
        digits = -digits
    ratio = (digits * 10**shift, 1) if shift >= 0 else (digits, 10**-shift)
    if point is None and alone is None and power is None and dots is None:
        return Number(value, ratio, None, None)
    return Number(value, ratio, -shift, len(mantissa), dots is not None)


def quotient(match: re.Match[str]) -> Number | Unreadable:
    """A fraction of whole numbers."""
    above, below = match[2].lstrip("0") or "0", match[3].lstrip("0")
    if max(len(above), len(below)) > MOST_DIGITS:
        return Unreadable(Said("numbers.digits", {"digits": f"{max(len(above), len(below)):,}"}))
    if not below:
        return Unreadable(Said("numbers.by_zero"))
    ratio = int(match[1] + above), int(below)
    try:
        value = ratio[0] / ratio[1]  # the nearest double, however long they are
    except OverflowError:
        return Unreadable(Said("numbers.large"))
    if value == 0 and ratio[0]:
        return Unreadable(Said("numbers.small"))
    return Number(value, ratio, None, None)


# ── formulas ────────────────────────────────────────────────────────────────────────────────────────────────────


def parsed(text: str, names: Collection[str]) -> Formula | Unreadable:
    """A formula, by our parser."""
    from gradcli.syntax import parse

    try:
        graph = parse(text, given=frozenset(names))
    except GradcliError as error:
        return Unreadable(error.message, error.span if error.source is not None else None, error.hint)
    unknown = [name for name in graph.inputs if name not in names]
    if unknown:
        return stranger(unknown[0], graph.spans[graph.inputs[unknown[0]]], names)
    return Formula(text, graph)


def computed(found: Formula | Unreadable, names: Collection[str] = ()) -> Given:
    """A formula; where no name is in it, the number that it is, or the list."""
    if isinstance(found, Unreadable) or found.graph.inputs:
        return found
    try:
        value = found.graph.forward({}).value
    except GradcliError as error:
        return Unreadable(error.message, error.span if error.source is not None else None, error.hint)
    if isinstance(value, float | int):
        value = float(value)
        if not isfinite(value):
            return Unreadable(Said("numbers.not_finite", {"value": str(value)}))
        return Number(value, value.as_integer_ratio(), None, None, computed=True)
    return Listed(value.tolist(), None, "float64")


def stranger(name: str, span: tuple[int, int], names: Collection[str]) -> Unreadable:
    """A name that a formula may not use, with what was meant."""
    if not names:
        return Unreadable(Said("numbers.no_number", {"text": clipped(name)}), span)
    from difflib import get_close_matches

    near = get_close_matches(name, names, 3, 0.5 if len(name) < 4 else 0.6)
    hint = Said("numbers.meant", {"names": ", ".join(near)}) if near else None
    return Unreadable(Said("numbers.no_name", {"name": clipped(name)}), span, hint)


def clipped(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
