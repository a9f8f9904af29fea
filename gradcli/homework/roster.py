"""The students of a class: a CSV with a column of ids, and perhaps of names and of e-mail addresses.

id,name,email                  headings as spreadsheets and learning platforms have them, in English or Korean
2026-001,Ann Lee,ann@u.edu     of one column without a known heading, each line is an id
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gradcli.errors import FileError, brief
from gradcli.homework.tables import EMAIL, NAME, STUDENT, Table, cleaned, find, refuse_repeated

HEADINGS = "its first row names the columns: id,name,email"


class Student(NamedTuple):
    """A student of a class."""

    id: str
    name: str = ""
    email: str = ""


def read_roster(path: str, encoding: str | None = None) -> list[Student]:
    """The students in a file, in its order.

    Errors: FileError, also for a row that is broken and for an id that stands there twice; LimitError; UsageError for
    an unknown encoding.
    """
    from gradcli.homework.texts import opened

    with opened(path, encoding) as stream:
        table = Table(stream, path)
        found: dict[str, Student] = {}
        for line, student in _students(table):
            if student.id in found:
                raise FileError(f"{path}: line {line}: '{brief(student.id)}' is there twice", hint="keep one of them")
            found[student.id] = student
    if not found:
        raise FileError(f"{path}: there is no student in it", hint=HEADINGS)
    return list(found.values())


def _students(table: Table) -> Iterator[tuple[int, Student]]:
    """Each student with the line."""
    columns = table.heading.columns
    refuse_repeated(columns, table.place)
    places = [find(columns, names) for names in (STUDENT, NAME, EMAIL)]
    if places[0] is None:
        if len(columns) != 1:
            raise FileError(f"{table.place}: no column of ids", hint=HEADINGS)
        places = [0, None, None]
        yield table.heading.line, Student(columns[0])
    for row in table.rows():
        if row.fault:
            raise FileError(f"{table.place}: line {row.line}: {row.fault}")
        student = Student(*("" if at is None else cleaned(row.fields[at]) for at in places))
        if student.id:
            yield row.line, student
