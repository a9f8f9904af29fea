"""Files that commands write: whole or not at all, over no other one unasked, under names that any system takes."""

from __future__ import annotations

import csv
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from gradcli.errors import FileError

LONGEST = 80
"""Characters of a file name made of an id."""

BYTES = 200
"""Bytes of it: a file's name may have 255 with its ending."""

DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever their ending."""

NAMED = 5
"""Files that a message names."""


def safe_name(text: str, taken: set[str]) -> str:
    """A file name, without ending, for any id: no folder, no name of a device, none that is taken; it is taken then.

    Letters of every script stay. Names that differ in upper and lower case alone are one on some systems.

    >>> taken = set()
    >>> [safe_name(id, taken) for id in ("2024-001", "../etc", "김 하늘", "2024/001", "CON", "con", "")]
    ['2024-001', 'etc', '김_하늘', '2024_001', '_CON', '_con-2', '_']
    """
    kept = "".join(c if c.isalnum() or c in "-_.@" else "_" for c in unicodedata.normalize("NFC", text.strip()))
    short = re.sub(r"\.\.+", ".", kept)[:LONGEST].encode("utf-8", "replace")[:BYTES].decode("utf-8", "ignore")
    name = short.strip("._") or "_"
    name = f"_{name}" if DEVICES.fullmatch(name) or name.startswith("-") else name
    found, count = name, 1
    while found.casefold() in taken:
        count += 1
        found = f"{name}-{count}"
    taken.add(found.casefold())
    return found


def write(path: str | Path, content: str | bytes, force: bool = False, *, bom: bool = False) -> None:
    """Write a file of text or bytes under a temporary name, then give it its own; folders on the way are made.

    bom: begin with the mark by which spreadsheets know UTF-8.
    Errors: FileError, also for a file that exists, unless `force`.
    """
    with opened(path, force, bom=bom) as stream:
        if isinstance(content, bytes):
            stream.buffer.write(content)  # type: ignore[attr-defined] # a file on disk has one
        else:
            stream.write(content)


@contextmanager
def opened(path: str | Path, force: bool = False, *, bom: bool = False, keep: bool = False) -> Iterator[IO[str]]:
    """A file to be written piece by piece, which gets its name when all is written.

    A link stays, and the file that it leads to is written. A device, or a pipe, is written directly: it keeps nothing
    that could be lost, and another file must not take its name.

    keep: what was written before an interrupt stays, under the file's own name; else nothing is left.
    Errors: FileError.
    """
    path = Path(path)
    refuse_existing([path], force)
    with told(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with told(path):
        direct = streaming(path)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        part = path if direct else target.with_name(f".{target.name[: LONGEST // 2]}.{os.getpid()}.part")
        stream = part.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="", errors="backslashreplace")
    done = False
    try:
        with told(path):
            yield stream
            stream.flush()
        done = True
    except KeyboardInterrupt:
        done = keep
        raise
    finally:
        try:
            with told(path, quiet=not done):
                stream.close()
                if done and not direct:
                    with suppress(OSError):
                        part.chmod(target.stat().st_mode & 0o777)  # who may read it stays as it was
                    part.replace(target)
        finally:
            if not direct:
                with suppress(OSError):
                    part.unlink(missing_ok=True)


def streaming(path: Path) -> bool:
    """Whether what stands under this name takes bytes and keeps none: a device such as /dev/null, or a pipe.

    Errors: FileError for what is neither that nor a file or folder: a disk would be written over.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise FileError(f"{path}: neither a file nor a stream", hint="name a file")
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def refuse_existing(paths: Iterable[str | Path], force: bool = False) -> None:
    """Say which of these files exist, before anything is written over.

    Errors: FileError.
    """
    found = [] if force else [str(path) for path in paths if os.path.lexists(path)]
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        what = "the file exists" if len(found) == 1 else "these files exist"
        raise FileError(f"{', '.join(found[:NAMED])}{more}: {what}", hint="--force writes over what is there")


def check_target(path: str | Path, force: bool = False) -> None:
    """Say, before any work is done for it, that a file cannot be written: it exists, is a folder, or would be in none.

    Errors: FileError.
    """
    path = Path(path)
    with told(path):
        if path.is_dir():
            raise FileError(f"{path}: a folder", hint="name a file in it")
        refuse_existing([path], force)
        if not path.parent.is_dir():
            raise FileError(f"{path.parent}: there is no such folder", hint="make it first, or name another")


def csv_rows(stream: IO[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write rows for spreadsheets: text that one would run as a formula is guarded by a ', numbers never."""
    from gradcli.render.csv import cell

    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerows([cell(each) if isinstance(each, str) else each for each in row] for row in rows)


@contextmanager
def told(path: Path, *, quiet: bool = False) -> Iterator[None]:
    """What the system says of a file, as our own error; nothing after another one."""
    try:
        yield
    except OSError as error:
        if quiet:
            return
        words = error.strerror or str(error)
        words = words[:1].lower() + words[1:] if words[1:2].islower() else words
        raise FileError(f"{path}: {words}") from None
