"""The submissions of a class, student by student, matched with the assignment; one bad one never stops the class.

    a file per student, or folders of such files      TOML, JSON, CSV, a filled worksheet, npz (formats.py)
    one file for the class                            id,name,1:value,1:dq,…,2:value, read row by row in flat memory

Files are read twice: once for the ids, since a student's later submission replaces an earlier one, and once for the
answers. A column or key names its cell in any spelling: 1:dx answers what the assignment calls grad.x.
"""

from __future__ import annotations

import io
import re
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gradcli.errors import FileError, GradcliError, reason
from gradcli.homework.files.class_table import ClassTable, Note, Submission
from gradcli.homework.files.folders import listed, read_head
from gradcli.homework.files.formats import from_bytes, kind_of
from gradcli.homework.files.handed import Handed, is_long
from gradcli.homework.files.matching import Matcher
from gradcli.homework.files.problem import identified
from gradcli.homework.files.tables import Table
from gradcli.homework.files.texts import codec, copied, opened
from gradcli.reading.documents import read as read_bytes

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment

__all__ = ["Submission", "read"]

KEPT = 2000
"""Files whose contents are kept between the two readings; more are read again."""

WHOSE = re.compile(r"""^[ \t{]*"?(?:student|학번)"?[ \t]*[=:][ \t]*["']([^"'\n]{1,100})["']""", re.MULTILINE)
"""The line of a document that names its student."""


def read(
    paths: Iterable[str],
    assignment: Assignment,
    *,
    id_from: str = "column",
    encoding: str | None = None,
    note: Note = lambda said: None,
) -> Iterator[Submission]:
    """The submissions in files and folders, in their order; of a student's several the last one.

    id_from: `column` (or key) where a file names its student, else its name; `filename` always its name.
    note: is told, once each, what is ignored: columns that name no cell that is asked for.
    Errors: UsageError for an unknown encoding. Whatever is wrong with a file is in its Submission.
    """
    codec(encoding)
    with ExitStack() as stack:
        reader = Reader(assignment, id_from, encoding, stack)
        files = [(file, fault) for file, fault in listed(paths, note) if not reader.is_assignment(file)]
        counts, dropped = reader.chosen(files)
        reader.note = note
        before: dict[str, list[str]] = {}
        for at, found in enumerate(reader.submissions(files)):
            if at in dropped:
                before.setdefault(found.student, []).append(found.place)
                continue
            places = (*before.pop(found.student, ()), *counts.get(at, ()))
            yield found._replace(replaces=places) if places else found


class Reader:
    """Reads files, for one assignment.

    stack: closes what is open at the end.
    """

    def __init__(self, assignment: Assignment, id_from: str, encoding: str | None, stack: ExitStack) -> None:
        self.assignment, self.matcher = assignment, Matcher(assignment)
        self.by_name, self.encoding, self.stack = id_from == "filename", encoding, stack
        self.kept: dict[str, list[Handed]] = {}
        self.tabular: dict[str, bool] = {}
        self.copies: dict[str, str] = {}
        self.note: Note = lambda said: None

    def submissions(self, files: Iterable[tuple[str, str]]) -> Iterator[Submission]:
        """All of them, the replaced ones too. A file that cannot be read is one without a student."""
        for file, fault in files:
            try:
                if fault:
                    raise FileError(fault)
                yield from self.of_file(file)
            except GradcliError as error:
                yield self.unread(file, error)
            except RecursionError:
                yield self.unread(file, FileError(f"{file}: this is nested too deeply"))

    def chosen(self, files: Iterable[tuple[str, str]]) -> tuple[dict[int, list[str]], set[int]]:
        """Which submissions do not count, by their number; and the files of those that come later than what counts.

        A student's last submission counts, but an empty one, such as a sheet left in the folder, replaces none.
        """
        last: dict[str, tuple[int, bool]] = {}
        dropped: set[int] = set()
        later: dict[int, list[str]] = {}
        for at, (student, filled, file) in enumerate(self.students(files)):
            if student in last and student:
                before, was_filled = last[student]
                if was_filled and not filled:
                    dropped.add(at)
                    later.setdefault(before, []).append(file)
                    continue
                dropped.add(before)
            last[student] = at, filled
        return later, dropped

    def students(self, files: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bool, str]]:
        """The id of each submission, whether there is anything in it, and its file."""
        for file, fault in files:
            try:
                if fault:
                    raise FileError(fault)
                yield from self.ids(file)
            except (GradcliError, RecursionError):
                yield self.whose(file), True, file

    def unread(self, file: str, error: GradcliError) -> Submission:
        """What cannot be read at all."""
        said = error.message if error.hint is None else f"{error.message} ({error.hint})"
        return Submission(self.whose(file), "", {}, shown(file), (said,), unread=True)

    def whose(self, file: str) -> str:
        """The student of a file that cannot be read, if a line of it says so; "" where nobody knows."""
        if self.by_name or Path(file).suffix.lower() not in (".toml", ".json"):
            return self.named(file) if self.by_name else ""
        try:
            text = read_head(self.source(file), file).decode(self.encoding or "utf-8-sig", "replace")
        except (GradcliError, LookupError, UnicodeError):
            return ""
        found = WHOSE.search(text)
        return identified(found[1]) if found else ""

    def is_assignment(self, file: str) -> bool:
        """Whether a file is the assignment itself, which may lie among the answers."""
        own = self.assignment.place
        return bool(own) and Path(file).name == Path(own).name and Path(own).exists() and Path(own).samefile(file)

    # ── one file ────────────────────────────────────────────────────────────────────────────────────────

    def ids(self, file: str) -> Iterator[tuple[str, bool, str]]:
        """The id of each submission in a file, whether there is anything in it, and the file.

        Errors: FileError, LimitError for what cannot be read.
        """
        if not self.is_class(file):
            for each in self.handed(file):
                yield self.student(file, each), bool(each.faults) or any(entry.text for entry in each.entries), file
            return
        place = shown(file)
        with opened(self.source(file), self.encoding, place) as stream:
            table = ClassTable(Table(stream, place), self.matcher, self.by_name)
            named = self.named(file)
            for count, row in enumerate(table.rows()):
                self.refuse_several(count + 1, place)
                yield table.student(row.fields, named), table.filled(row.fields, row.fault), file

    def of_file(self, file: str) -> Iterator[Submission]:
        """The submissions in a file.

        Errors: FileError, LimitError for what cannot be read.
        """
        if not self.is_class(file):
            for each in self.handed(file):
                yield self.matched(file, each)
            return
        place = shown(file)
        with opened(self.source(file), self.encoding, place) as stream:
            table = ClassTable(Table(stream, place), self.matcher, self.by_name)
            table.tell(self.note)
            named = self.named(file)
            for count, row in enumerate(table.rows()):
                self.refuse_several(count + 1, place)
                yield table.submission(row.line, row.fields, row.fault, named)

    def is_class(self, file: str) -> bool:
        """Whether a file is a table with a row per student, not one with a row per answer.

        Errors: FileError.
        """
        if file not in self.tabular:
            self.tabular[file] = False
            place = shown(file)
            if kind_of(place, read_head(self.source(file), place)) in (".csv", ".tsv"):
                with opened(self.source(file), self.encoding, place) as stream:
                    self.tabular[file] = not is_long(Table(stream, place).heading.columns)
        return self.tabular[file]

    def handed(self, file: str) -> list[Handed]:
        """What stands in a file of one student, or of a row per answer.

        Errors: FileError, LimitError.
        """
        if file in self.kept:
            return self.kept[file]
        found = from_bytes(read_bytes(self.source(file)), shown(file), self.encoding)
        self.refuse_several(len(found), shown(file))
        if len(self.kept) < KEPT and sum(len(each.entries) for each in found) < KEPT:
            self.kept[file] = found
        return found

    def refuse_several(self, students: int, place: str) -> None:
        """Refuse a file of several students where the file's name is the id.

        Errors: FileError.
        """
        if self.by_name and students > 1:
            told = f"{place}: several students are in this file, and its name is one id"
            raise FileError(told, hint="leave out --id-from filename")

    def source(self, file: str) -> str:
        """Where a file can be read more than once: standard input and pipes are copied.

        Errors: FileError, LimitError.
        """
        if file in self.copies:
            return self.copies[file]
        try:
            if file != "-" and (stat.S_ISREG(mode := Path(file).stat().st_mode) or stat.S_ISDIR(mode)):
                return file
            copy = self.stack.enter_context(tempfile.NamedTemporaryFile("w+b"))  # noqa: SIM115  the stack closes it
            with ExitStack() as pipe:
                copied(stdin() if file == "-" else pipe.enter_context(Path(file).open("rb")), copy, shown(file))
            copy.flush()
        except OSError as error:
            hint = "is the path right?" if isinstance(error, FileNotFoundError) else None
            raise FileError(f"{file}: {reason(error)}", hint=hint) from None
        except ValueError:
            raise FileError(f"{file}: this is no path of a file") from None
        self.copies[file] = copy.name
        return copy.name

    def named(self, file: str) -> str:
        """The id that a file's name is."""
        return identified(Path(file).stem)

    def student(self, file: str, handed: Handed) -> str:
        """Whose a submission is; the file's name where it does not say."""
        return self.named(file) if self.by_name or not handed.student else identified(handed.student)

    def matched(self, file: str, handed: Handed) -> Submission:
        """What was handed in, with the assignment's cells."""
        whole = shown(file)
        place = f"{whole}: {handed.at}" if handed.at else whole
        answers, faults = self.matcher.match(handed.entries, whole)
        student = self.student(file, handed)
        unread = not handed.entries and bool(handed.faults)
        told = tuple(f"{whole}: {fault}" for fault in handed.faults)
        return Submission(student, handed.name, answers, place, (*told, *faults), email=handed.email, unread=unread)


def shown(file: str) -> str:
    """What messages call a file."""
    return "standard input" if file == "-" else file


def stdin() -> BinaryIO:
    """Standard input, in bytes.

    Errors: FileError.
    """
    if sys.stdin is None:
        raise FileError("standard input is closed")
    found: BinaryIO = getattr(sys.stdin, "buffer", None) or io.BytesIO(sys.stdin.read().encode())
    return found
