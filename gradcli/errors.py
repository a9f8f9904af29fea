"""What can go wrong, as one tree: each class has its exit status, each error its place and its advice.

`str(error)` is the message alone; `error.block()` is what the command line prints: the message, the source
line with a caret under the span, and a hint. Text that came from a user is shown with its control characters
and bidi marks escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar

Span = tuple[int, int]

WINDOW = 72
"""Columns of a long source line that an error shows around its caret."""


MOST_FAULTS = 30
"""Faults of a file that are shown at once."""

LONGEST = 1000
"""Characters of a line of a message."""

LONG_WORD = r"(\S{100})\S{120,}(\S{20})"
"""A word so long that nobody reads it."""


class Status(IntEnum):
    """Exit statuses of the program (a contract; DESIGN: "Of several: 2, 4, 3, 1, 5")."""

    FINE = 0
    WRONG = 1
    USAGE = 2
    UNDEFINED = 3
    FILE = 4
    LIMIT = 5
    INTERRUPTED = 130


class GradcliError(Exception):
    """An error that is the user's to mend.

    source, span: the text and the place in it, in characters.   place: a file or option that the text is from.
    """

    status: ClassVar[Status] = Status.USAGE

    def __init__(
        self,
        message: str,
        *,
        source: str | None = None,
        span: Span | None = None,
        hint: str | None = None,
        place: str | None = None,
    ) -> None:
        message = clipped(message)
        super().__init__(visible(message))
        self.message, self.source, self.span, self.hint, self.place = message, source, span, hint, place

    def block(self) -> str:
        """The error as the terminal shows it, without a final new line."""
        lines = [f"error: {visible(self.message)}"]
        if self.source is not None and self.span is not None and self.source.strip():
            lines += caret(self.source, self.span, self.place)
        if self.hint:
            first, *rest = map(clipped, self.hint.split("\n"))
            lines += [f"hint: {visible(first)}", *(f"      {visible(line)}" for line in rest)]
        return "\n".join(lines)


class UsageError(GradcliError):
    """An option or a value that cannot be understood."""


class ShapeError(UsageError):
    """Values whose shapes do not fit together; with the operator under the caret."""


class NotScalarError(UsageError):
    """An output of several entries where one number is differentiated."""


class ExpressionError(GradcliError):
    """Text that is not in the language; always with the place."""


class UnknownCell(GradcliError):
    """An address that names no cell of the table."""


class FileError(GradcliError):
    """A file that could not be read or written."""

    status = Status.FILE


class FaultyFile(FileError):
    """A file with faults: all of them at once, each with its path in the file.

    faults: an error each; its message begins with the path.
    """

    def __init__(self, file: str, faults: Sequence[GradcliError]) -> None:
        self.file, self.faults = file, tuple(faults)
        first = self.faults[0]
        if len(self.faults) == 1:
            super().__init__(f"{file}: {first.message}", source=first.source, span=first.span, hint=first.hint)
        else:
            listed = "; ".join(fault.message for fault in self.faults)
            super().__init__(f"{file} has {len(self.faults)} faults: {listed}")

    def block(self) -> str:
        """All faults, each with its line and its hint; of very many the first."""
        if len(self.faults) == 1:
            return super().block()
        lines = [f"error: {visible(clipped(self.file))} has {len(self.faults)} faults"]
        for fault in self.faults[:MOST_FAULTS]:
            _, *rest = fault.block().split("\n")
            lines += [f"  {visible(fault.message)}", *(f"    {line}" for line in rest)]
        if len(self.faults) > MOST_FAULTS:
            lines.append(f"  … and {len(self.faults) - MOST_FAULTS} more")
        return "\n".join(lines)


class LimitError(GradcliError):
    """Work that would be larger than gradcli takes on."""

    status = Status.LIMIT


def clipped(text: str) -> str:
    """A line of a message at a length that can be read: long words lose their middle, a long line its end.

    >>> len(clipped(f"no value for {'x' * 1_000_000}"))
    134
    """
    if len(text) <= 240:
        return text
    short = re.sub(LONG_WORD, r"\1…\2", text[:100_000] + text[-20:] if len(text) > 100_020 else text)
    return short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"


def brief(text: str, most: int = 40) -> str:
    """Text as a message quotes it."""
    return text if len(text) <= most else text[: most - 1] + "…"


def reason(error: OSError) -> str:
    """The system's words for what went wrong with a file, as our messages are written."""
    return uncapitalised(error.strerror or str(error))


def uncapitalised(words: str) -> str:
    """A foreign message as ours begin; an abbreviation stays."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def visible(text: str) -> str:
    r"""Text with control characters, bidi marks and lone surrogates written as escapes.

    >>> visible("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == " " else ascii(c)[1:-1] for c in text)


def encodable(text: str) -> str:
    r"""Text in which no character is half of one: those that are, are written as escapes.

    >>> encodable("\udcff")
    '\\udcff'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def width(text: str) -> int:
    """Columns that visible text takes in a terminal: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def caret(source: str, span: Span, place: str | None = None) -> list[str]:
    """The source line around a span, and a line of carets under it."""
    start, end = (min(max(at, 0), len(source)) for at in span)
    opening = source.rfind("\n", 0, start) + 1
    closing = source.find("\n", start)
    closing = len(source) if closing < 0 else closing
    end = max(start, min(end, closing))
    head, tail = max(opening, start - WINDOW // 2), min(closing, max(end, start) + WINDOW // 2)
    end = min(end, start + WINDOW // 2)
    tail = min(tail, end + WINDOW // 2)
    before = ("…" if head > opening else "") + visible(source[head:start])
    under = visible(source[start:end])
    after = visible(source[end:tail]) + ("…" if tail < closing else "")
    number = source.count("\n", 0, start) + 1
    mark = ""
    if place or "\n" in source.rstrip("\n"):
        mark = f"{visible(place)}:{number}: " if place else f"line {number}: "
    carets = "^" * max(1, width(under))
    return [f"  {mark}{before}{under}{after}", " " * (2 + width(mark) + width(before)) + carets]
