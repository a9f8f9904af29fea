"""The answers to one problem in a file of any kind, as `gradcli check --answers` takes them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from gradcli.errors import FaultyFile, FileError, LimitError, UsageError, brief, reason
from gradcli.homework.handed import Entry, Handed, blanked, from_bytes, is_long
from gradcli.homework.matching import told_apart
from gradcli.homework.problem import identified
from gradcli.homework.records import Answer
from gradcli.homework.tables import EMAIL, NAME, STUDENT, Table, plain, refuse_repeated
from gradcli.homework.texts import codec, decoded
from gradcli.reading.documents import LARGEST
from gradcli.reading.documents import read as read_bytes


def answers_of(
    path: str, *, problem: str | None = None, encoding: str | None = None, text: str | bytes | None = None
) -> list[Answer]:
    """The answers to one problem in a file of any kind; addresses as the file has them. `-` is standard input.

    problem: whose, in a file with answers to several.   text: what the file holds, where it is read already.
    Errors: FileError; LimitError; UsageError for a file with answers to several problems, and none is chosen.
    """
    place = "standard input" if path == "-" else path
    if text is None:
        text = from_stdin() if path == "-" else read_bytes(path)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    handed = one_row(data, path, place, encoding) or from_bytes(data, place, encoding)
    students = list(dict.fromkeys(each.student for each in handed))
    if len(students) > 1:
        raise UsageError(f"{place} holds the answers of {len(students)} students", hint="check takes those of one")
    faults = [fault for each in handed for fault in each.faults]
    if faults:
        raise FaultyFile(place, [FileError(fault) for fault in faults])
    entries = [entry for each in handed for entry in each.entries]
    return [
        Answer(address, entry.text, entry.value, f"{place}: {entry.at}")
        for address, entry in chosen(entries, problem, place)
    ]


def from_stdin() -> bytes:
    """Standard input.

    Errors: FileError; LimitError.
    """
    if sys.stdin is None:
        raise FileError("standard input is closed")
    try:
        held = getattr(sys.stdin, "buffer", None)
        found: bytes = held.read(LARGEST + 1) if held is not None else sys.stdin.read(LARGEST + 1).encode()
    except OSError as error:
        raise FileError(f"standard input could not be read: {reason(error)}") from None
    if len(found) > LARGEST:
        raise LimitError(f"standard input is larger than {LARGEST:,} bytes")
    return found


def one_row(data: bytes, path: str, place: str, encoding: str | None) -> list[Handed]:
    """A table with one row of answers, its columns named like cells; [] for what is none."""
    if Path(path).suffix.lower() not in (".csv", ".tsv"):
        return []
    table = Table(io.StringIO(decoded(data, place, codec(encoding)), newline=""), place)
    columns = table.heading.columns
    if is_long(columns):
        return []
    refuse_repeated(columns, place)
    rows = list(islice(table.rows(), 2))
    if len(rows) != 1 or rows[0].fault:
        message = rows[0].fault if len(rows) == 1 else f"{'no row' if not rows else 'more than one row'} of answers"
        raise FileError(f"{place}: {message}", hint="the heading is cell,answer, and a row each follows")
    about = (*STUDENT, *NAME, *EMAIL)
    entries = [
        Entry(tuple(part.strip() for part in column.split(":", 1)), blanked(field), None, column)
        for column, field in zip(columns, rows[0].fields, strict=True)
        if column and plain(column) not in about
    ]
    return [Handed(entries=tuple(entries))]


def chosen(entries: Sequence[Entry], problem: str | None, place: str) -> Iterator[tuple[str, Entry]]:
    """The entries of one problem, each with the address of its cell.

    Errors: UsageError for several problems, FileError for one without entries.
    """
    parted = [(*told_apart(entry.keys, problem), entry) for entry in entries]
    named = list(dict.fromkeys(whose for whose, _, _ in parted if whose is not None))
    if problem is None and len(named) > 1:
        known = ", ".join(map(brief, named[:12]))
        raise UsageError(f"{place} has answers to the problems {known}", hint=f"choose one: --problem {named[0]}")
    wanted = named[0] if problem is None and named else identified(problem or "")
    if problem is not None and named and wanted not in named and all(whose is not None for whose, _, _ in parted):
        hint = f"it has those to {', '.join(map(brief, named[:12]))}"
        raise FileError(f"{place}: there are no answers to problem {brief(wanted)}", hint=hint)
    for whose, address, entry in parted:
        if whose is None or whose == wanted:
            yield address, entry
