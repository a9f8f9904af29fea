"""Text files from anywhere: spreadsheets, editors, learning platforms.

    UTF-8, with or without a byte-order mark; UTF-16 with one      read as they are
    anything else                                                  read by `encoding`, such as cp949

A mark decides, whatever `encoding` says; so does text that is valid UTF-8, which other encodings are next to never:
a folder may hold files of both kinds.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, BinaryIO

from gradcli.errors import FileError, LimitError, UsageError, brief, reason
from gradcli.reading.documents import LARGEST, read

LARGEST_CLASS = 1 << 31
"""Bytes that a file may have which is read row by row."""

CHUNK = 1 << 18
"""Bytes that are read at a time."""

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order mark → the codec that reads what follows. UTF-32's begins like UTF-16's, and stands before it."""

WIDE = ("utf-16", "utf-32", "utf-7")
"""Encodings that do not write ASCII as itself."""

COMMON = (
    "utf-8 utf-16 utf-16-le utf-16-be cp949 euc-kr johab iso2022_kr latin-1 cp1252 cp1250 cp1251 iso8859-15 mac-roman "
    "shift_jis cp932 euc-jp gbk gb18030 big5 ascii"
).split()
"""Encodings that people have."""

BINARY = {
    b"PK": "this is a ZIP archive, perhaps an Excel workbook",
    b"\x93NUMPY": "this is an array of NumPy's",
    b"%PDF": "this is a PDF",
    b"\xd0\xcf\x11\xe0": "this is an old Excel or Word file",
    b"\x89PNG": "this is a picture",
    b"\xff\xd8\xff": "this is a picture",
}
"""How files begin that people take for text."""

HANGUL = re.compile(r"[가-힣]")
FOREIGN = re.compile(r"[^\x00-\x7f]")
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text holds."""


def read_text(path: str, encoding: str | None = None, largest: int = LARGEST) -> str:
    """A text file of bounded size.

    Errors: FileError, with the encoding that the bytes seem to have; LimitError; UsageError for an unknown encoding.
    """
    named = codec(encoding)
    return decoded(read(path, largest), path, named)


def decoded(data: bytes, place: str, encoding: str | None = None) -> str:
    """The text in some bytes.

    Errors: FileError, with the encoding that the bytes seem to have.
    """
    found = marked(data) or encoding or "utf-8"
    for name in (found,) if found.startswith(WIDE) else ("utf-8-sig", found):
        with suppress(UnicodeError):
            text = data.decode(name)
            if "\0" not in text:
                return text
    raise unreadable(data, place, encoding)


def codec(encoding: str | None) -> str | None:
    """The name by which Python knows an encoding.

    Errors: UsageError.
    """
    if encoding is None:
        return None
    try:
        found = codecs.lookup(encoding)
        if not found._is_text_encoding:
            raise LookupError
        "".encode(found.name)
    except (LookupError, ValueError, UnicodeError):
        near = get_close_matches(encoding.lower(), COMMON, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else "such as cp949 (Korean Excel), latin-1, utf-16"
        raise UsageError(f"no encoding '{brief(encoding)}'", hint=hint) from None
    return found.name


def marked(data: bytes) -> str | None:
    """The encoding that a byte-order mark stands for."""
    return next((name for mark, name in MARKS.items() if data.startswith(mark)), None)


def unreadable(data: bytes, place: str, encoding: str | None = None, before: int = 0) -> FileError:
    """Why some bytes are no text in the encoding, and in which they are.

    before: how many lines stand before them.
    """
    for start, what in BINARY.items():
        if not before and data.startswith(start):
            workbook = ": a workbook as CSV UTF-8" if start == b"PK" else ""
            return FileError(f"{place}: {what}, not text", hint=f"save it as text{workbook}")
    name = marked(data) or encoding or "utf-8"
    at = 0
    try:
        at = max(data.decode(name).find("\0"), 0)
    except UnicodeDecodeError as error:
        at = error.start
    except UnicodeError:
        pass
    shown = name.removesuffix("-sig").upper() if name.startswith("utf") else name
    line = before + data.count(b"\n", 0, at) + 1
    return FileError(f"{place}: this is no {shown} text (line {line})", hint=seems(data, encoding))


def seems(data: bytes, tried: str | None = None) -> str:
    """The encoding that bytes seem to have, as advice."""
    sample = data[: 1 << 20]
    for name in ("utf-16-le", "utf-16-be") if b"\0" in sample else ():
        with suppress(UnicodeError):
            if all(c.isprintable() or c.isspace() for c in sample[: len(sample) // 2 * 2].decode(name)):
                return f"it may be UTF-16 without a mark: --encoding {name}"
    if CONTROL.search(sample):
        return "save it as text, in UTF-8"
    if tried != "cp949":
        with suppress(UnicodeError):
            foreign = FOREIGN.findall(sample[: len(sample) - (len(sample) < len(data))].decode("cp949"))
            if foreign and 2 * sum(map(bool, map(HANGUL.match, foreign))) >= len(foreign):
                return "it seems to be Korean Excel's: --encoding cp949; or save it as CSV UTF-8"
    other = "latin-1" if tried != "iso8859-1" else "cp949"
    return f"save it as UTF-8, or name its encoding: --encoding {other}"


@contextmanager
def opened(file: str, encoding: str | None = None, place: str = "") -> Iterator[IO[str]]:
    """A text file to be read line by line, more than once, in flat memory; its encoding is checked first.

    What cannot be read twice, such as a pipe, is copied into a temporary file.   place: the file, for errors.
    Errors: FileError; LimitError; UsageError for an unknown encoding.
    """
    named, path = codec(encoding), place or file
    with ExitStack() as stack:
        try:
            source: BinaryIO = stack.enter_context(Path(file).open("rb"))
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                source = copied(source, stack.enter_context(tempfile.TemporaryFile("w+b")), path)
            name = checked(source, path, named)
            source.seek(0)
        except OSError as error:
            hint = "is the path right?" if error.errno == errno.ENOENT else None
            raise FileError(f"{path}: {reason(error)}", hint=hint) from None
        except ValueError:
            raise FileError(f"{path}: this is no path of a file") from None
        text = io.TextIOWrapper(source, encoding=name, errors="replace", newline="")
        yield text
        text.detach()


def copied(file: BinaryIO, copy: Any, path: str) -> BinaryIO:
    """What a pipe or a device gives, where it can be read again; a device may have no end.

    Errors: LimitError.
    """
    size = 0
    while piece := file.read(CHUNK):
        size += len(piece)
        refuse_large(size, path, LARGEST)
        copy.write(piece)
    found: BinaryIO = copy
    return found


def checked(source: BinaryIO, path: str, encoding: str | None) -> str:
    """The codec that reads all of a file.

    Errors: FileError; LimitError.
    """
    source.seek(0)
    found = marked(source.read(4)) or encoding or "utf-8"
    failure: FileError | None = None
    for name in (found,) if found.startswith(WIDE) else ("utf-8-sig", found):
        failure = failing(source, name, path, encoding)
        if failure is None:
            return name
    raise failure or FileError(f"{path}: this is no text")


def failing(source: BinaryIO, name: str, path: str, encoding: str | None) -> FileError | None:
    """What is wrong with a file, read by a codec; None where nothing is.

    Errors: LimitError.
    """
    decoder = codecs.getincrementaldecoder(name)()
    source.seek(0)
    size = lines = 0
    rest = b""
    while True:
        piece = source.read(CHUNK)
        size += len(piece)
        refuse_large(size, path)
        try:
            if "\0" in decoder.decode(piece, final=not piece):
                raise UnicodeError
        except UnicodeError:
            whole = rest + piece
            return unreadable(whole, path, encoding, lines)
        if not piece:
            return None
        cut = piece.rfind(b"\n") + 1
        lines += piece.count(b"\n")
        rest = piece[cut:] if cut else (rest + piece)[-CHUNK:]


def refuse_large(size: int, path: str, most: int = LARGEST_CLASS) -> None:
    """Refuse what is larger than any class.

    Errors: LimitError.
    """
    if size > most:
        raise LimitError(f"{path}: the file is larger than {most:,} bytes")
