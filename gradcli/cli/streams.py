"""Where results and messages go: results alone on standard output, everything else on standard error.

A reader that closes its end early (`| head`) is no error; a full disk is one.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from gradcli.errors import FileError, LimitError, clipped, reason, visible

if TYPE_CHECKING:
    from gradcli.render.figures import Style

LARGEST = 1 << 26
"""Bytes of an expression, from a file or standard input: as many as the largest graph may need."""

DRAWN = "∂×✓─█²"
"""Characters of the table that an encoding must hold; else the table is drawn in ASCII."""


MESSAGES = 10
"""Notes, or warnings, that standard error shows of one run."""


class ReaderGone(Exception):
    """Nobody reads standard output any more."""


def prepare() -> None:
    """Let no character break a stream: what the encoding cannot hold is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def put(text: str) -> None:
    """Write a result, with a new line at its end, and flush.

    Errors: ReaderGone; FileError where standard output cannot be written.
    """
    put_all([text])


def put_all(pieces: Iterable[str]) -> None:
    """Write a result piece by piece, with a new line at its end, and flush.

    Errors: ReaderGone; FileError where standard output cannot be written.
    """
    if sys.stdout is None:
        raise FileError("standard output is closed")
    last = ""
    try:
        for piece in pieces:
            sys.stdout.write(piece)
            last = piece or last
        if last and not last.endswith("\n"):
            sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as error:
        failure = unwritable(error)
        if reader_gone(error):
            raise ReaderGone from None
        raise failure from None


class Output:
    """Standard output for bytes: what is written is there at once.

    Errors: ReaderGone; FileError where standard output cannot be written.
    """

    closed = False  # which pyarrow asks

    def __init__(self) -> None:
        if sys.stdout is None:
            raise FileError("standard output is closed")
        sys.stdout.flush()

    def write(self, piece: bytes) -> int:
        """Write all of it."""
        try:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        except OSError as error:
            failure = unwritable(error)
            if reader_gone(error):
                raise ReaderGone from None
            raise failure from None
        return len(piece)

    def seekable(self) -> bool:
        """What is written cannot be taken back."""
        return False

    def flush(self) -> None:
        """Nothing waits."""


def reader_gone(error: OSError) -> bool:
    """Whether the other end of a pipe is closed."""
    return error.errno in (errno.EPIPE, errno.EINVAL)  # EINVAL: the same on Windows


def unwritable(error: OSError) -> FileError:
    """What became of standard output; nothing more is written there."""
    silence(sys.stdout)
    return FileError(f"standard output could not be written: {reason(error)}")


def tell(text: str) -> None:
    """Write a message; when even that is impossible, the exit status must speak for itself."""
    if sys.stderr is None or not text:
        return
    if not text.isascii() and not holds(sys.stderr, text):
        from gradcli.render.figures import Style, plain

        text = "\n".join(plain(line, Style(ascii=True)) for line in text.split("\n"))
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def tell_each(kind: str, messages: Sequence[str]) -> None:
    """Write messages of one kind, a line each; of very many the first ones, and how many there are."""
    lines = [f"{kind}: {clipped(visible(message))}" for message in messages[:MESSAGES]]
    if len(messages) > MESSAGES:
        lines.append(f"{kind}: and {len(messages) - MESSAGES:,} more like these; --format json has all")
    tell("\n".join(lines))


def silence(stream: TextIO) -> None:
    """Send what is left in a broken stream nowhere, so that the interpreter's last flush is quiet too."""
    with suppress(OSError, ValueError):  # a stream that is no file has no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def read_input() -> str:
    """Standard input, as text.

    Errors: FileError; LimitError.
    """
    if sys.stdin is None:
        raise FileError("standard input is closed", hint="give the expression as an argument, or --file")
    try:
        if isinstance(sys.stdin, io.TextIOWrapper):
            text: str = sys.stdin.buffer.read(LARGEST + 1).decode("utf-8-sig")
        else:
            text = sys.stdin.read(LARGEST + 1)
    except UnicodeDecodeError as error:
        raise FileError(f"standard input is no UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise FileError(f"standard input could not be read: {reason(error)}") from None
    if len(text) > LARGEST:
        raise LimitError(f"standard input is larger than {LARGEST:,} bytes")
    return text


def style(**wishes: Any) -> Style:
    """How standard output wants to be written to, and what else the command was asked for."""
    from gradcli.render.figures import Style

    return Style(width=columns(), colour=coloured(), ascii=ascii_only(), **wishes)


def terminal() -> bool:
    """Whether a person sees standard output as it comes."""
    return sys.stdout is not None and sys.stdout.isatty()


def columns() -> int | None:
    """The width to fit; None for the natural width, which is what a pipe or a file gets."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    if not terminal():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def coloured() -> bool:
    """Whether to use colour: NO_COLOR says no, FORCE_COLOR yes (0 is none), else a terminal that is not dumb."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return terminal() and os.environ.get("TERM") != "dumb"


def ascii_only() -> bool:
    """Whether the encoding of standard output lacks the table's characters."""
    return not holds(sys.stdout, DRAWN)


def holds(stream: TextIO | None, text: str) -> bool:
    """Whether the encoding of a stream has all characters of a text."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def decoded(word: str) -> str:
    """A word of the command line, read as UTF-8 also where the locale knows no more than ASCII."""
    try:
        return word if word.isascii() else os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word
