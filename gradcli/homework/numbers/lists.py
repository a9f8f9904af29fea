"""Lists of numbers as they are typed, or pasted from Python, NumPy, PyTorch and MATLAB; each entry keeps its digits.

    list  = "[" row { ";" row } "]"                 rows as in MATLAB
    row   = entry { "," entry } [ "," ]             entries are numbers, fractions, constants such as pi/4, or lists
          | entry { SPACE entry }                   where no comma stands in the whole text: NumPy's and MATLAB's

Between spaces an entry is a plain number: `[1 -2]` has two entries, `[1 - 2]` is left to the parser, which subtracts.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from gradcli.homework.numbers.given import computed, constant_of, parsed
from gradcli.homework.records import Listed, Number, Unreadable
from gradcli.literals import DEEPEST
from gradcli.words import Said

MOST = 100_000
"""Entries that a typed list may have; a larger one comes in a file."""

PRINTED = re.compile(
    r"(?:\w+\.)?(?:array|tensor|matrix|Array)\s*+\(\s*+(\[.*\])\s*+(?:,\s*+\w+\s*+=[^\[\]]*)?\)", re.DOTALL
)
"""What Python prints of an array."""

LEFT_OUT = re.compile(r"(?:^|[\s,\[])(?:\.\.\.|…)(?=[\s,\]]|$)")
PIECE = re.compile(r"[\[\]();,]|[^\[\]();,]++")
BRACKETS = str.maketrans("()", "[]")


class Open(NamedTuple):
    """A list that is being read: its finished rows, and the entries of the row at hand, as floats and as typed."""

    rows: list[tuple[list[Any], list[Any]]]
    values: list[Any]
    entries: list[Any]


def listed(text: str) -> Listed | Unreadable | None:
    """A list of numbers; None for what may be a formula, or is none.

    >>> listed("[1 2; 3 4]").value
    [[1.0, 2.0], [3.0, 4.0]]
    """
    printed = PRINTED.fullmatch(text)
    if printed is not None:
        text = printed[1]
    elif text.startswith("("):
        text = text.translate(BRACKETS)
    if LEFT_OUT.search(text):
        return Unreadable(Said("numbers.left_out"))
    if not text.startswith("["):
        return None
    if text.count(",") > MOST:
        return Unreadable(Said("numbers.many", {"most": f"{MOST:,}"}))
    found = scan(text, spaced="," not in text)
    if isinstance(found, Listed) and shape_of(found.value) is None:
        return Unreadable(Said("numbers.ragged"))
    return found


def scan(text: str, *, spaced: bool) -> Listed | Unreadable | None:
    """One pass over the brackets, with a stack of the open lists.

    spaced: whether spaces stand between entries, for want of commas.
    """
    waiting: list[Open] = []
    typed, depth, count, after = "", 0, 0, False  # after: an inner list was just closed
    for match in PIECE.finditer(text):
        piece = match[0]
        if depth or piece not in ("[", "]", ",", ";"):
            depth += (piece == "(") - (piece == ")")
            typed += piece
            continue
        if piece == "[":
            if typed.strip() or (after and not spaced):
                return None
            if len(waiting) == DEEPEST:
                return Unreadable(Said("numbers.deep", {"most": str(DEEPEST)}))
            waiting.append(Open([], [], []))
            typed, after = "", False
            continue
        if not waiting:
            return None
        top = waiting[-1]
        words = typed.split() if spaced else [typed.strip()] if typed.strip() else []
        if after and words:
            return None
        for word in words:
            number = entry(word, plain=spaced)
            if not isinstance(number, Number):
                return number
            top.values.append(number.value)
            top.entries.append(number)
        count += len(words)
        if count > MOST:
            return Unreadable(Said("numbers.many", {"most": f"{MOST:,}"}))
        if piece == "," and not words and not after:
            return None
        typed, after = "", False
        if piece == ";" or (piece == "]" and top.rows and top.values):
            top.rows.append((top.values[:], top.entries[:]))
            top.values.clear()
            top.entries.clear()
        if piece != "]":
            continue
        values, entries = top.values, top.entries
        if top.rows:
            values, entries = [row[0] for row in top.rows], [row[1] for row in top.rows]
        waiting.pop()
        if not waiting:
            return Listed(values, entries) if match.end() == len(text) else None
        waiting[-1].values.append(values)
        waiting[-1].entries.append(entries)
        after = True
    return None


def entry(word: str, *, plain: bool) -> Number | Unreadable | None:
    """One entry.

    plain: whether it has to be a number or a fraction as it stands.
    """
    found = constant_of(word.strip("≈~ ") if word[:1] in "≈~" else word)
    if found is not None or plain or len(word) > MOST:
        return found
    number = computed(parsed(word, ()))
    return number if isinstance(number, Number) else None


def shape_of(nested: Any) -> tuple[int, ...] | None:
    """The shape of nested lists; None where their lengths differ, or one is empty.

    >>> shape_of([[1, 2], [3, 4]]), shape_of([[1], 2]), shape_of([])
    ((2, 2), None, None)
    """
    shape: list[int] = []
    level = [nested]
    while any(isinstance(item, list) for item in level):
        if not all(isinstance(item, list) for item in level):
            return None
        lengths = {len(item) for item in level}
        if len(lengths) > 1 or 0 in lengths:
            return None
        shape.append(lengths.pop())
        level = [each for item in level for each in item]
    return tuple(shape)
