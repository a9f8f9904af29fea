"""The students of a class: a CSV with a column of ids, and perhaps of names and of e-mail addresses.

id,name,email                  headings as spreadsheets and learning platforms have them, in English or Korean
2026-001,Ann Lee,ann@u.edu     of one column without a known heading, each line is an id
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gradcli.errors import FaultyFile, FileError, brief
from gradcli.homework.files.problem import identified
from gradcli.homework.files.tables import EMAIL, NAME, STUDENT, Row, Table, cleaned, find, refuse_repeated

HEADINGS = "its first row names the columns: id,name,email"


class Student(NamedTuple):
    """A student of a class."""

    id: str
    name: str = ""
    email: str = ""


def read_roster(path: str, encoding: str | None = None) -> list[Student]:
    """The students in a file, in its order; their ids composed (NFC).

    Errors: FaultyFile with every row that is broken, names nobody, or somebody twice; FileError; LimitError; UsageError
    for an unknown encoding.
    """
    from gradcli.homework.files.texts import opened

    found: dict[str, Student] = {}
    lines: dict[str, int] = {}
    faults: list[FileError] = []
    with opened(path, encoding) as stream:
        for row, student in _students(Table(stream, path)):
            at = f"line {row.line}"
            if row.fault:
                faults.append(FileError(f"{at}: {row.fault}"))
            elif not student.id:
                faults.append(FileError(f"{at}: no id stands in this row", hint="give each student one"))
            elif student.id in found:
                told = f"{at}: '{brief(student.id)}' stands in line {lines[student.id]} too"
                faults.append(FileError(told, hint="each student is listed once"))
            else:
                found[student.id], lines[student.id] = student, row.line
    if faults:
        raise FaultyFile(path, faults)
    if not found:
        raise FileError(f"{path}: there is no student in it", hint=HEADINGS)
    return list(found.values())


def _students(table: Table) -> Iterator[tuple[Row, Student]]:
    """Each row with its student, broken rows too."""
    columns = table.heading.columns
    refuse_repeated(columns, table.place)
    places = [find(columns, names) for names in (STUDENT, NAME, EMAIL)]
    if places[0] is None:
        if len(columns) != 1:
            raise FileError(f"{table.place}: no column of ids", hint=HEADINGS)
        places = [0, None, None]
        yield Row(table.heading.line, columns), Student(identified(columns[0]))
    for row in table.rows():
        fields = [cleaned(row.fields[at]) if at is not None and at < len(row.fields) else "" for at in places]
        yield row, Student(identified(fields[0]), *fields[1:])
