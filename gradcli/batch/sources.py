"""Where a table comes from: a file, or what is piped in; bytes as they come, in UTF-8."""

from __future__ import annotations

import codecs
import io
import os
import select
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gradcli.errors import FileError, GradcliError, UsageError, reason

Read = Callable[[], bytes]
"""The next bytes, b"" at the end. Of a pipe, those that are there: it waits for some only."""

PIECE = 1 << 18
"""Bytes that are read at once: rows that are worked on one by one take many times as many as objects."""

MOMENT = 0.02
"""Seconds in which a program that writes all it has writes something."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""What a file in an encoding may begin with."""


class Source(NamedTuple):
    """Bytes and what is known of them.

    size: of a file, in bytes; None for a pipe.   idle: whether nothing has come for a moment.   path: of a file.
    at: how many of a file's bytes are read.   close: ends it.
    """

    read: Read
    place: str
    size: int | None
    idle: Callable[[], bool] = lambda: False
    path: str | None = None
    at: Callable[[], int] = lambda: 0
    close: Callable[[], None] = lambda: None

    def done(self) -> float | None:
        """The part of a file that is read; None for a pipe."""
        return min(self.at() / self.size, 1.0) if self.size else None


def source(path: str | None, encoding: str | None = None) -> Source:
    """A file's bytes, or standard input's.

    Errors: FileError; UsageError where nothing is piped in.
    """
    if path is not None and path != "-":
        return _file(path, encoding)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "no table: name a file, or pipe one in",
            hint='(echo x,y; echo 3,2) | gradcli batch "x^2*y"',
        )
    return _source(sys.stdin.buffer, "standard input", encoding)


def _file(path: str, encoding: str | None) -> Source:
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - the source closes it
    except OSError as error:
        raise FileError(f"{path}: {reason(error)}", hint="is the path right?" if error.errno == 2 else None) from None
    except ValueError:
        raise FileError(f"{path}: this is no path of a file") from None
    try:
        return _source(stream, path, encoding)._replace(close=stream.close)
    except GradcliError:
        stream.close()
        raise


def _source(stream: BinaryIO, place: str, encoding: str | None) -> Source:
    """A stream, which is a file also where a shell's < makes it standard input."""
    about = None
    with suppress(OSError, ValueError):  # a stream in memory has no number
        about = os.fstat(stream.fileno())
    regular = about is not None and stat.S_ISREG(about.st_mode)
    take = getattr(stream, "read1", stream.read)

    def read() -> bytes:
        try:
            found: bytes = take(PIECE)
        except OSError as error:
            raise FileError(f"{place} could not be read: {reason(error)}") from None
        return found

    if about is None:
        return Source(decoded(read, encoding, place), place, None)
    if not regular:
        return Source(decoded(read, encoding, place), place, None, partial(idle, stream))
    path = None if place == "standard input" else place
    return Source(decoded(read, encoding, place), place, about.st_size, path=path, at=stream.tell)


def seekable(source: Source) -> str | BinaryIO:
    """A file that can be read from any place: what comes through a pipe is put into a temporary one.

    Errors: FileError.
    """
    if source.path is not None:
        return source.path
    from tempfile import TemporaryFile

    try:
        file = TemporaryFile()  # noqa: SIM115 - open until the process ends
        while piece := source.read():
            file.write(piece)
        file.seek(0)
    except OSError as error:
        raise FileError(f"{source.place} could not be kept in a temporary file: {reason(error)}") from None
    return file


def idle(stream: BinaryIO) -> bool:
    """Whether a pipe has had nothing for a moment."""
    if sys.platform == "win32":
        return False  # which cannot tell
    return not select.select([stream], [], [], MOMENT)[0]


def decoded(read: Read, encoding: str | None, place: str) -> Read:
    """The bytes in UTF-8, whatever mark they begin with or encoding is named.

    Bytes that are no UTF-8 where no encoding is named are left to the cells they stand in.
    Errors: UsageError for an encoding that is not known; FileError for bytes that are not in it.
    """
    first = read()
    while first and any(mark.startswith(first) and mark != first for mark, _ in MARKS):
        more = read()
        if not more:
            break
        first += more
    mark, found = next(((mark, name) for mark, name in MARKS if first.startswith(mark)), (b"", encoding or "utf-8"))
    if found.lower().replace("_", "-") in ("utf-16", "utf-32"):  # without a mark, as most machines write it
        found += "-be" if first[:1] == b"\0" else "-le"
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=found)  # refuses codecs of other things than text
        decoder = codecs.getincrementaldecoder(found)()
    except (LookupError, UnicodeError, ValueError, TypeError):
        raise UsageError(f"no encoding '{encoding}'", hint="such as utf-8, utf-16, cp949, latin-1") from None
    pieces = iter([first[len(mark) :]]) if first else iter(())
    if codecs.lookup(found).name == "utf-8":
        return lambda: next(pieces, b"") or read()
    lines = 0

    def transcoded() -> bytes:
        nonlocal lines
        text, ended = "", False
        while not text and not ended:
            piece = next(pieces, b"") or read()
            ended = not piece
            try:
                text = decoder.decode(piece, final=ended)
            except UnicodeError as error:
                at = lines + 1
                if isinstance(error, UnicodeDecodeError):
                    at += error.object[: error.start].decode(found, "replace").count("\n")
                raise FileError(
                    f"{place}: line {at} is no text in {found}",
                    hint="--encoding names another, such as utf-8 or latin-1",
                ) from None
        lines += text.count("\n")
        return text.encode("utf-8", "surrogatepass")

    return transcoded
