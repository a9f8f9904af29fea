"""What a grader would not guess at: decimal commas, percentages, units, dates; each with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection

from gradcli.homework.numbers.given import clipped, number
from gradcli.homework.records import Number, Unreadable
from gradcli.tokens import EXPONENT, NUMBER, most
from gradcli.words import Said

COMMA = re.compile(rf"([+-]?[0-9]*+),([0-9]++)({EXPONENT})")
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}" + most(",[0-9]{3}", "+") + r"(?:\.[0-9]++)?")
TURNED = re.compile(r"([+-]?[0-9]{1,3}" + most(r"\.[0-9]{3}", "+") + "),([0-9]++)")
DATE = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[ T].*)?|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{1,2}월 ?[0-9]{1,2}일"
    r"|[0-9]{1,2}[- ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ][0-9]{1,4}",
    re.IGNORECASE,
)
"""What spreadsheets make of 1/4."""

PERCENT = re.compile(r"(.+?)\s*+[%‰]")
UNIT = re.compile(rf"([+-]?[ \t]*+{NUMBER})\s*+([^\W\d_]++|°\w?)[²³]?")
NO_ANSWER = re.compile(r"n\.?/?a\.?|none|null|nil|idk|tbd|unknown|없음|모름|모르겠.*", re.IGNORECASE)


def refused(word: str, names: Collection[str]) -> Unreadable | None:
    """What a grader would not guess at, with what to write instead; None for what may be a formula."""
    if THOUSANDS.fullmatch(word):
        plain = word.replace(",", "")
        if word.count(",") == 1 and "." not in word:
            either = {"one": word.replace(",", "."), "other": plain}
            return Unreadable(Said("numbers.comma"), None, Said("numbers.write_either", either))
        return Unreadable(Said("numbers.thousands"), None, written(plain))
    comma = COMMA.fullmatch(word)
    if comma:
        return Unreadable(Said("numbers.comma"), None, written(f"{comma[1] or '0'}.{comma[2]}{comma[3] or ''}"))
    turned = TURNED.fullmatch(word)
    if turned:
        return Unreadable(Said("numbers.comma"), None, written(f"{turned[1].replace('.', '')}.{turned[2]}"))
    if DATE.fullmatch(word):
        return Unreadable(Said("numbers.date"), None, Said("numbers.as_decimal"))
    percent = PERCENT.fullmatch(word)
    if percent:
        return Unreadable(Said("numbers.percent"), None, share(percent[1], 3 if word.endswith("‰") else 2))
    unit = UNIT.fullmatch(word)
    if unit and len(unit[2]) > 1 and unit[2] not in names and all(letter in names for letter in unit[2]):
        return Unreadable(Said("numbers.product"), unit.span(2), written("*".join((unit[1].strip(), *unit[2]))))
    if unit and unit[2] not in names and unit[2] not in ("e", "pi", "tau", "π", "τ"):
        return Unreadable(Said("numbers.unit", {"unit": unit[2]}), unit.span(2), written(unit[1].strip()))
    if "±" in word or re.fullmatch(r"[-+0-9.eE ]+\+\s*/?-\s*[0-9.eE]+", word):
        return Unreadable(Said("numbers.uncertain"))
    if not any(character.isalnum() for character in word) or (NO_ANSWER.fullmatch(word) and word not in names):
        return Unreadable(Said("numbers.no_number", {"text": clipped(word)}))
    return None


def share(text: str, places: int) -> Said | None:
    """The number that a percentage is, with the digits it was typed with."""
    found = number(text.strip())
    if not isinstance(found, Number):
        return None
    return written(f"{found.value / 10**places:.{max((found.decimals or 0) + places, 0)}f}")


def written(text: str) -> Said:
    """The advice to write something else."""
    return Said("numbers.write", {"text": clipped(text)})
