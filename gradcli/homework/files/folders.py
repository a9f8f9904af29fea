"""Folders of answers: which files in them are read, and in which order."""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from gradcli.errors import FileError, brief, reason
from gradcli.homework.files.class_table import Note
from gradcli.homework.files.formats import WORKBOOKS, kind_of

MARKS = ("marks.csv", "class.md", "feedback")
"""What lies in a folder that `gradcli grade` has written."""

WHOLE = 1 << 20
"""Bytes of a text in Markdown that are looked through for a table."""

HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")
"""What systems put into folders; so do names that begin with a dot."""


def read_head(path: str, file: str, most: int = 4096) -> bytes:
    """How a file begins.

    Errors: FileError.
    """
    try:
        with Path(path).open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise FileError(f"{file}: {reason(error)}") from None


def listed(
    paths: Iterable[str], note: Note = lambda said: None, own: Collection[Path] = ()
) -> Iterator[tuple[str, str]]:
    """The files that paths name, folders opened up in the order of names; and what is wrong with one, or "".

    A folder is entered once, so that links in a circle end; one of marks in a folder of answers is left out.
    So is what holds no answers by its kind, with a note; what is named itself is read, whatever it is.
    own: the command's own files and folders, resolved, which are left out unsaid.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(path, True) for path in reversed(list(paths))]
    while waiting:
        path, given = waiting.pop()
        try:
            if own and path != "-" and not {(whole := Path(path).resolve()), *whole.parents}.isdisjoint(own):
                continue
            if path == "-" or not Path(path).is_dir():
                why = "" if given else stray(path)
                if why:
                    note(f"{path}: this is ignored: {why}")
                else:
                    yield path, ""
                continue
            found = Path(path).stat()
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            inside = sorted((entry.name for entry in Path(path).iterdir()), key=natural)
        except (OSError, ValueError) as error:
            said = reason(error) if isinstance(error, OSError) else "this is no path of a file"
            yield path, f"{path}: {said}"
            continue
        if not given and all(name in inside for name in MARKS):
            note(f"{path}: this folder of marks is not read")
            continue
        inside = [name for name in inside if not name.startswith(".") and name not in HIDDEN]
        if not inside and given:
            yield path, f"{path}: the folder is empty"
        waiting += [(str(Path(path) / name), False) for name in reversed(inside)]


def natural(name: str) -> list[tuple[int, str]]:
    """What names are sorted by: numbers in them by their size, so that _v2 comes before _v10."""
    return [(int(word) if word.isdecimal() else -1, word) for word in re.split(r"([0-9]{1,18})", name)]


def stray(path: str) -> str:
    """Why a file within a folder is not read; "" for one that may hold answers, or whose fault is told later."""
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            return "no regular file"
        head = read_head(path, path)
    except (OSError, FileError):
        return ""
    suffix = Path(path).suffix.lower()
    try:
        kind = kind_of(path, head)
    except FileError:
        return "" if suffix in WORKBOOKS else f"the kind of file is not known: '{brief(suffix)}'"
    if not kind or (kind in (".md", ".markdown") and b"|" not in read_head(path, path, WHOLE)):
        return "there are no answers in it"
    return ""
