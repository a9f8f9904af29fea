"""Nested lists of numbers: `[0.2, 0.4]`, `[[1, 2], [3, 4]]`, in an expression and as a value.

    list  = "[" entry { "," entry } "]"         the entries all numbers, or all lists of one shape
    entry = list | [ "+" | "-" ] NUMBER         white space and new lines may stand around each

Rows of numbers are read by one pattern each, so that a long list costs little more than its conversion. Depth costs
memory only, and is bounded: an array has at most DEEPEST axes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple, NoReturn

from gradcli.errors import LimitError, Span
from gradcli.ops.mismatch import shown
from gradcli.tokens import NUMBER, RESCALE, TOO_LARGE, TOO_SMALL, most

DEEPEST = 32
"""Axes that a list may have."""

MOST = 2_000_000
"""Entries that all lists of one text may have."""

ONE_LENGTH = "lists beside each other have one length: [[1, 2], [3, 4]]"

SIGNED = rf"[-+−]?{NUMBER}"
ROW = re.compile(rf"\[\s*+({SIGNED}" + most(rf"\s*+,\s*+{SIGNED}") + r")\s*+\]")
PLAIN_ROW = re.compile(rf"\s*+{SIGNED}\s*+" + most(rf",\s*+{SIGNED}\s*+"))
ALONE = re.compile(rf"({SIGNED})\s*+(?=[,\]])")
SIDE_BY_SIDE = re.compile(SIGNED + most(rf"\s++{SIGNED}", "+"))
BETWEEN = re.compile(most(rf"[\s,]++|{SIGNED}(?=[\s,\[\]])") + r"(\[{1,40}|\]{1,40})")
DIGITS = re.compile(r"[1-9]")
SPACE = re.compile(r"\s*+")
STRUCTURE = re.compile(r"[\[\](),]")

Fail = Callable[[str, Span, str | None], Any]
"""Raises the error: (message, span in the text, hint)."""

Entry = Callable[[str, Span], float]
"""Reads an entry that is no plain number: (its text, its span) → number."""


def extent(text: str, at: int) -> int | None:
    """Where the list of numbers that begins at `at` ends; None for what holds anything else.

    >>> [extent(text, 0) for text in ("[1, [2]]*x", "[1, x]", "[1 - 2]", "[1")]
    [8, None, None, None]

    What it accepts may still be no array; `read` says so. A list deeper than DEEPEST ends early: `read` refuses it.
    """
    depth, start = 0, at
    while True:
        match = BETWEEN.match(text, at)
        if match is None or (not depth and at != start):
            return None
        opening, count = match[1][0] == "[", len(match[1])
        if not opening and count >= depth:
            return match.start(1) + depth
        depth += count if opening else -count
        at = match.end()
        if depth > DEEPEST:
            return at


def read(text: str, start: int, end: int, fail: Fail) -> tuple[Any, ...]:
    """The nested tuples of numbers that a list stands for, at a place that `extent` found.

    >>> read("[[1, 2], [3, 4]]", 0, 16, print)
    ((1.0, 2.0), (3.0, 4.0))

    Errors: what `fail` raises for a list that is no array of doubles; LimitError.
    """
    return Reader(text, start, end, fail).read()


def doubles(words: list[str]) -> tuple[float, ...] | None:
    """The numbers that words stand for, if each is a plain one; None where one must be looked at.

    >>> doubles(["1", "-2e3"]), doubles(["1", "pi"]), doubles(["1e999"])
    ((1.0, -2000.0), None, None)
    """
    joined = ",".join(words)
    if PLAIN_ROW.fullmatch(joined) is None or joined.count(",") >= len(words):
        return None
    numbers = tuple(map(float, joined.replace("−", "-").split(",")))
    if inf in numbers or -inf in numbers:
        return None
    if 0.0 in numbers and any(not x and DIGITS.search(word) for x, word in zip(numbers, words, strict=True)):
        return None  # 0e5 too, which is rare
    return numbers


def shape_of(nested: Any) -> tuple[int, ...]:
    """The shape of nested lists whose shape is known to be regular; () for a number.

    >>> shape_of(((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)))
    (3, 2)
    """
    shape = []
    while isinstance(nested, (tuple, list)):
        shape.append(len(nested))
        nested = nested[0]
    return tuple(shape)


def text_of(value: Any) -> str:
    """The shortest text that reads back as the same array, nested lists, or number.

    >>> text_of(((0.1, 5.0), (-0.3, 1e+22)))
    '[[0.1,5],[-0.3,1e22]]'
    """
    plain = value.tolist() if hasattr(value, "tolist") else value
    text = repr(plain).replace(" ", "").replace(",)", "]").translate(BRACKETS)
    text = re.sub(r"(?<=\d)\.0(?=[,\]]|\Z)", "", text)
    return re.sub(r"(?<=e)\+|(?<=e-)0|(?<![\d.])-(?=0(?:[,\]]|\Z))", "", text)


BRACKETS = str.maketrans("()", "[]")


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────


class Open(NamedTuple):
    """A list that is being read: where it began, its entries, and the shape of the first one."""

    start: int
    entries: list[Any]
    shape: list[tuple[int, ...]]


class Reader:
    """One pass over one list. `stop` is the place after it.

    entry: reads what is no plain number; without it, that is an error.
    """

    def __init__(self, text: str, start: int, end: int, fail: Fail, entry: Entry | None = None) -> None:
        self.text, self.before = text[start:end], start
        self.source, self.raise_, self.entry = text, fail, entry
        self.stop, self.count = start, 0

    def read(self) -> tuple[Any, ...]:
        """The list that begins here."""
        text, at = self.text, 0
        waiting: list[Open] = []
        comma: int | None = None  # of the comma after which an entry must come
        wanted = True
        while True:
            at = _after_space(text, at)
            sign = text[at : at + 1]
            if not sign:
                self.fail("this '[' is never closed", waiting[-1].start, waiting[-1].start + 1, "add a ']'")
            if not wanted:
                if sign == ",":
                    comma, wanted, at = at, True, at + 1
                    continue
                if sign != "]":
                    self.no_comma(waiting[-1], at)
            elif row := ROW.match(text, at):
                if len(waiting) == DEEPEST:
                    self.too_deep(at)
                numbers = self.numbers(row)
                if not waiting:
                    return self.finish(numbers, row.end())
                self.add(waiting[-1], numbers, (len(numbers),), at, row.end())
                at, wanted = row.end(), False
                continue
            elif sign == "[":
                if len(waiting) == DEEPEST:
                    self.too_deep(at)
                waiting.append(Open(at, [], []))
                at, comma = at + 1, None
                continue
            elif sign not in ",]":
                number, end = self.number(at)
                self.tally(1, at)
                self.add(waiting[-1], number, (), at, end)
                at, wanted = end, False
                continue
            elif sign == "," or comma is not None:
                place = at if comma is None else comma
                self.fail(
                    "an entry is missing beside this comma", place, place + 1, "remove the comma, or add the entry"
                )
            else:
                self.fail("a list has at least one entry", waiting[-1].start, at + 1, "write its numbers: [1, 2]")
            closed = waiting.pop()
            at, wanted = at + 1, False
            if not waiting:
                return self.finish(tuple(closed.entries), at)
            shape = (len(closed.entries), *closed.shape[0])
            self.add(waiting[-1], tuple(closed.entries), shape, closed.start, at)

    def finish(self, numbers: tuple[Any, ...], at: int) -> tuple[Any, ...]:
        """The whole list, which ends here."""
        self.stop = self.before + at
        return numbers

    def add(self, parent: Open, item: Any, shape: tuple[int, ...], start: int, end: int) -> None:
        """One more entry of a list; all have one shape."""
        parent.entries.append(item)
        if not parent.shape:
            parent.shape.append(shape)
        elif parent.shape[0] != shape:
            first, row = parent.shape[0], len(parent.entries)
            if not first or not shape:
                self.fail("numbers and lists are mixed", start, end, ONE_LENGTH)
            if len(first) == len(shape) == 1:
                message = f"row {row} has {counted(shape[0])}, row 1 has {first[0]}"
            else:
                message = f"entry {row} of this list has the shape {shown(shape)}, entry 1 has {shown(first)}"
            self.fail(message, start, end, ONE_LENGTH)

    def numbers(self, row: re.Match[str]) -> tuple[float, ...]:
        """A row of plain numbers."""
        words = row[1].replace("−", "-").split(",")
        self.tally(len(words), row.start())
        numbers = tuple(map(float, words))
        if 0.0 in numbers or inf in numbers or -inf in numbers:
            at = row.start(1)
            for word, number in zip(words, numbers, strict=True):
                if (number == 0 and DIGITS.search(word)) or number in (inf, -inf):
                    self.check(number, word, at)
                at += len(word) + 1
        return numbers

    def number(self, at: int) -> tuple[float, int]:
        """An entry that stands beside others that are no plain numbers, and its end."""
        match = ALONE.match(self.text, at)
        if match:
            number = float(match[1].replace("−", "-"))
            self.check(number, match[1], at)
            return number, match.end(1)
        end = self.end_of_entry(at)
        word = self.text[at:end].rstrip()
        end = at + len(word)
        if SIDE_BY_SIDE.fullmatch(word):
            listed = ", ".join(word.split()[:4]) + (", …" if len(word.split()) > 4 else "")
            self.fail("a comma is missing", at, end, f"write {listed}")
        if ";" in word:
            place = at + word.index(";")
            self.fail("';' separates no rows", place, place + 1, "a row is a list: [[1, 2], [3, 4]]")
        if self.entry is None:
            self.fail("this is no number", at, end)
        return self.entry(word, (self.before + at, self.before + end)), end

    def end_of_entry(self, at: int) -> int:
        """The place of the comma or bracket that ends an entry; those inside its own brackets do not."""
        depth = 0
        for match in STRUCTURE.finditer(self.text, at):
            sign = match[0]
            if not depth and sign in ",]":
                return match.start()
            depth += (sign in "[(") - (sign in "])" and depth > 0)
        return len(self.text)

    def check(self, number: float, word: str, at: int) -> None:
        """What overflows or vanishes is an error, never inf or 0."""
        large = number in (inf, -inf)
        if large or (number == 0 and DIGITS.search(re.split("[eE]", word)[0])):
            start = at + len(word) - len(word.lstrip())
            message = TOO_LARGE if large else TOO_SMALL
            self.fail(message, start, start + len(word.strip()), RESCALE)

    def tally(self, entries: int, at: int) -> None:
        """Count entries; LimitError for too many."""
        self.count += entries
        if self.count > MOST:
            raise LimitError(f"a list of more than {MOST:,} numbers")

    def no_comma(self, parent: Open, at: int) -> NoReturn:
        """What stands where a comma or the closing bracket should."""
        if self.text[at] == "[" or not parent.shape[0]:
            self.fail("a comma is missing before this entry", at, at + 1, "entries are separated: [[1, 2], [3, 4]]")
        self.fail("after an inner list comes ',' or ']'", at, at + 1, "give an inner list its numbers, nothing else")

    def too_deep(self, at: int) -> NoReturn:
        """One bracket more than an array has axes."""
        place = self.before + at
        message = f"lists are nested more than {DEEPEST} deep"
        raise LimitError(message, source=self.source, span=(place, place + 1))

    def fail(self, message: str, start: int, end: int, hint: str | None = None) -> NoReturn:
        """Raise the caller's error about a place in this list."""
        self.raise_(message, (self.before + start, self.before + end), hint)
        raise AssertionError(message)


def counted(entries: int) -> str:
    """A number of entries in words."""
    return "1 entry" if entries == 1 else f"{entries} entries"


MOST_AXES = 64
"""Axes that NumPy's arrays can have; a list that holds itself has no last."""


def ragged(value: Any) -> str:
    """Where nested lists have unequal lengths, as the error about typed ones says it; empty if they do not.

    >>> ragged([[1, 2], [3]]), ragged([[1, 2], 3]), ragged([1, 2])
    ('row 2 has 1 entry, row 1 has 2', 'numbers and lists are mixed', '')
    """
    level, which = [value], "row {}"
    for _ in range(MOST_AXES):
        if not any(isinstance(item, list | tuple) for item in level):
            return ""
        if not all(isinstance(item, list | tuple) for item in level):
            return "numbers and lists are mixed"
        for row, item in enumerate(level, 1):
            if len(item) != len(level[0]):
                return f"{which.format(row)} has {counted(len(item))}, {which.format(1)} has {len(level[0])}"
        which = "row {}" if len(level) == 1 else "inner list {}"
        level = [each for item in level for each in item]
    return f"it has more than {MOST_AXES} axes"


def _after_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at
