"""The answers to one problem in a file of any kind, as `gradcli check --answers` takes them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gradcli.errors import FaultyFile, FileError, GradcliError, LimitError, UsageError, brief, reason
from gradcli.homework.files.formats import from_bytes
from gradcli.homework.files.handed import Entry, Handed, blanked, is_long
from gradcli.homework.files.matching import told_apart
from gradcli.homework.files.problem import identified
from gradcli.homework.files.tables import EMAIL, NAME, STUDENT, Table, cleaned, find, plain, pointed, refuse_repeated
from gradcli.homework.files.texts import codec, decoded
from gradcli.homework.records import Answer
from gradcli.reading.documents import LARGEST
from gradcli.reading.documents import read as read_bytes


def answers_of(
    path: str,
    *,
    problem: str | None = None,
    student: str | None = None,
    encoding: str | None = None,
    text: str | bytes | None = None,
    faults: list[GradcliError] | None = None,
) -> list[Answer]:
    """The answers to one problem in a file of any kind; addresses as the file has them. `-` is standard input.

    problem, student: whose, in a file with answers to several, or of several.   text: what the file holds, if it is
    read already.   faults: takes what is wrong with single answers, for a caller who finds more.
    Errors: FaultyFile with all that is wrong; FileError; LimitError; UsageError where nothing chooses among several.
    """
    place = "standard input" if path == "-" else path
    if text is None:
        text = from_stdin() if path == "-" else read_bytes(path)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    wanted = None if student is None else identified(student)
    handed = one_row(data, place, encoding, wanted) or from_bytes(data, place, encoding)
    students = list(dict.fromkeys(each.student for each in handed))
    if len(students) > 1 and wanted is None:
        raise UsageError(f"{place} holds the answers of {len(students)} students", hint="check takes those of one")
    if len(students) > 1:
        handed = [each for each in handed if each.student == wanted]
        if not handed:
            raise FileError(f"{place}: there are no answers of '{brief(str(wanted))}'")
    found = [FileError(fault) for each in handed for fault in each.faults]
    if found and faults is None:
        raise FaultyFile(place, found)
    if faults is not None:
        faults += found
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


def one_row(data: bytes, place: str, encoding: str | None, student: str | None) -> list[Handed]:
    """A table with a row of answers, its columns named like cells; [] for what is none.

    Errors: FileError for several rows, none of which is the student's.
    """
    if Path(place).suffix.lower() not in (".csv", ".tsv"):
        return []
    table = Table(io.StringIO(decoded(data, place, codec(encoding)), newline=""), place)
    columns = table.heading.columns
    if is_long(columns):
        return []
    refuse_repeated(columns, place)
    who = find(columns, STUDENT)
    rows = list(table.rows())
    if student is not None and who is not None:
        rows = [row for row in rows if who < len(row.fields) and identified(cleaned(row.fields[who])) == student][-1:]
        if not rows:
            raise FileError(f"{place}: there is no row of '{brief(student)}'")
    if len(rows) != 1:
        what = "more than one row" if rows else "no row"
        raise FileError(f"{place}: {what} of answers", hint="the heading is cell,answer, and a row each follows")
    if rows[0].fault:
        raise FileError(f"{place}: line {rows[0].line}: {rows[0].fault}")
    about = (*STUDENT, *NAME, *EMAIL)
    named = any(":" in column for column in columns)  # as 1:dx; then `note` is no cell
    entries = [
        Entry(
            tuple(part.strip() for part in column.split(":", 1)),
            pointed(blanked(field), table.heading.separator),
            None,
            column,
        )
        for column, field in zip(columns, rows[0].fields, strict=True)
        if column and plain(column) not in about and (":" in column or not named)
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
        raise UsageError(
            f"{place} has answers to the problems {known}",
            hint=f"choose one: gradcli check --problem {named[0]} hw4.toml …",
        )
    wanted = named[0] if problem is None and named else identified(problem or "")
    if problem is not None and named and wanted not in named and all(whose is not None for whose, _, _ in parted):
        hint = f"it has those to {', '.join(map(brief, named[:12]))}"
        raise FileError(f"{place}: there are no answers to problem {brief(wanted)}", hint=hint)
    for whose, address, entry in parted:
        if whose is None or whose == wanted:
            yield address, entry
