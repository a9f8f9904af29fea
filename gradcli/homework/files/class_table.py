"""One table for the class, a row per student: id,name,1:value,1:dq,…,2:value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from gradcli.errors import FileError, brief
from gradcli.homework.files.handed import blanked
from gradcli.homework.files.matching import Matcher
from gradcli.homework.files.problem import identified
from gradcli.homework.files.tables import (
    EMAIL,
    NAME,
    STUDENT,
    Row,
    Table,
    cleaned,
    find,
    plain,
    pointed,
    refuse_repeated,
)
from gradcli.homework.records import Answer

ROUNDED_ID = re.compile(r"[0-9]\.[0-9]+E\+[0-9]+", re.IGNORECASE)
"""What a spreadsheet makes of a long number: 2.02401E+09."""

STATE = " state"
"""How the columns of marks.csv end that stand beside those of points."""

Note = Callable[[str], None]


class Submission(NamedTuple):
    """What a student handed in.

    student: the id, composed (NFC); "" where nobody is named.   answers: by problem, their addresses the assignment's.
    place: the file, with the line in a class file.   faults: what could not be read, or answers nothing that is asked.
    replaces: places of the same student's earlier submissions, which do not count.
    unread: whether nothing of it could be read.
    """

    student: str
    name: str
    answers: Mapping[str, Sequence[Answer]]
    place: str
    faults: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    email: str = ""
    unread: bool = False


class ClassTable:
    """A file with a row per student: which columns hold what.

    Errors: FileError for a heading that names no student, no cell, or a column twice.
    """

    def __init__(self, table: Table, matcher: Matcher, by_name: bool) -> None:
        self.table, self.matcher, self.by_name = table, matcher, by_name
        columns = table.heading.columns
        refuse_repeated(columns, table.place)
        if any(column.endswith(STATE) and column.removesuffix(STATE) in columns for column in columns):
            raise FileError(f"{table.place}: these are marks, not answers")
        self.id, self.name, self.email = (find(columns, names) for names in (STUDENT, NAME, EMAIL))
        self.cells: list[tuple[int, str, str]] = []
        self.ignored: list[str] = []
        taken: dict[tuple[str, str], str] = {}
        for at, column in enumerate(columns):
            if at in (self.id, self.name, self.email) or not column:
                continue
            target = self.matcher.target((column,))
            if target is None:
                if plain(column) not in (*STUDENT, *NAME, *EMAIL):
                    self.ignored.append(column)
            elif target in taken:
                first = brief(taken[target])
                raise FileError(
                    f"{table.place}: the columns '{first}' and '{brief(column)}' are one cell", hint="keep one of them"
                )
            else:
                taken[target] = column
                self.cells.append((at, *target))
        if self.id is None and not by_name:
            hint = "write id,name,1:value,…; or take the file's name as the id: --id-from filename"
            raise FileError(f"{table.place}: no column is 'id'", hint=hint)
        if not self.cells:
            first = next(iter(self.matcher.columns()), "1:value")
            raise FileError(f"{table.place}: no column is a cell that is asked for", hint=f"such as {first}")
        self.labels = {at: columns[at] for at, *_ in self.cells}

    def rows(self) -> Iterator[Row]:
        """The rows, broken ones too."""
        return self.table.rows()

    def tell(self, note: Note) -> None:
        """Name the columns that are ignored, once."""
        if self.ignored:
            shown = ", ".join(f"'{brief(column)}'{self.meant(column)}" for column in self.ignored[:8])
            more = f" and {len(self.ignored) - 8} more" if len(self.ignored) > 8 else ""
            what = "this column is" if len(self.ignored) == 1 else "these columns are"
            note(f"{self.table.place}: {what} ignored: {shown}{more}")

    def meant(self, column: str) -> str:
        """What a column may have been meant to be."""
        near = get_close_matches(column, list(self.matcher.columns()), 1, 0.75)
        return f" (did you mean {near[0]}?)" if near else ""

    def student(self, fields: Sequence[str], named: str) -> str:
        """Whose a row is."""
        if self.by_name:
            return named
        return identified(cleaned(fields[self.id])) if self.id is not None and self.id < len(fields) else ""

    def filled(self, fields: Sequence[str], fault: str) -> bool:
        """Whether something stands in a row, or something is wrong with it."""
        return bool(fault) or any(blanked(fields[at]) for at, *_ in self.cells)

    def submission(self, line: int, fields: Sequence[str], fault: str, named: str) -> Submission:
        """A row, with the assignment's cells."""
        place = f"{self.table.place}: line {line}"
        student = self.student(fields, named)
        if not fault and not student:
            fault = "no id stands in this row"
        if not fault and ROUNDED_ID.fullmatch(student):
            fault = f"the id {student} was rounded by a spreadsheet: make the column text"
        if fault:
            return Submission(student, "", {}, place, (f"{place}: {fault}",), unread=True)
        answers: dict[str, list[Answer]] = {}
        for at, problem, address in self.cells:
            text = pointed(blanked(fields[at]), self.table.heading.separator)
            answers.setdefault(problem, []).append(Answer(address, text, None, f"{place}: {self.labels[at]}"))
        name, email = (cleaned(fields[at]) if at is not None else "" for at in (self.name, self.email))
        return Submission(student, name, answers, place, email=email)
