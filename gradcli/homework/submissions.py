"""The submissions of a class, student by student, matched with the assignment; one bad one never stops the class.

    a file per student, or folders of such files      TOML, JSON, CSV, a filled worksheet, npz (handed.py)
    one file for the class                            id,name,1:value,1:dq,…,2:value, read row by row in flat memory

Files are read twice: once for the ids, since a student's later submission replaces an earlier one, and once for the
answers. A column or key names its cell in any spelling: 1:dx answers what the assignment calls grad.x.
"""

from __future__ import annotations

import io
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gradcli.errors import FileError, GradcliError, reason
from gradcli.homework.class_table import ClassTable, Note, Submission
from gradcli.homework.handed import Handed, from_bytes, is_long, kind_of
from gradcli.homework.matching import Matcher
from gradcli.homework.problem import identified
from gradcli.homework.tables import Table
from gradcli.homework.texts import codec, copied, opened
from gradcli.reading.documents import read as read_bytes

if TYPE_CHECKING:
    from gradcli.homework.assignment import Assignment

__all__ = ["Submission", "read"]

KEPT = 2000
"""Files whose contents are kept between the two readings; more are read again."""

HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")
"""What systems put into folders; so do names that begin with a dot."""


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
        files = list(listed(paths))
        last: dict[str, int] = {}
        dropped: set[int] = set()
        for at, student in enumerate(reader.students(files)):
            if student and student in last:
                dropped.add(last[student])
            last[student] = at
        del last
        replaced: dict[str, list[str]] = {}
        reader.note = note
        for at, found in enumerate(reader.submissions(files)):
            if at in dropped:
                replaced.setdefault(found.student, []).append(found.place)
            elif found.student in replaced:
                yield found._replace(replaces=tuple(replaced.pop(found.student)))
            else:
                yield found


class Reader:
    """Reads files, for one assignment.

    stack: closes what is open at the end.
    """

    def __init__(self, assignment: Assignment, id_from: str, encoding: str | None, stack: ExitStack) -> None:
        self.matcher = Matcher(assignment)
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

    def students(self, files: Iterable[tuple[str, str]]) -> Iterator[str]:
        """The id of each submission; answers are not looked at."""
        for file, fault in files:
            try:
                if fault:
                    raise FileError(fault)
                yield from self.ids(file)
            except (GradcliError, RecursionError):
                yield self.named(file) if self.by_name else ""

    def unread(self, file: str, error: GradcliError) -> Submission:
        """What cannot be read at all."""
        said = error.message if error.hint is None else f"{error.message} ({error.hint})"
        return Submission(self.named(file) if self.by_name else "", "", {}, file, (said,), unread=True)

    # ── one file ────────────────────────────────────────────────────────────────────────────────────────

    def ids(self, file: str) -> Iterator[str]:
        """The ids in a file, as many as it has submissions.

        Errors: FileError, LimitError for what cannot be read.
        """
        if not self.is_class(file):
            yield from (self.student(file, each) for each in self.handed(file))
            return
        with opened(self.source(file), self.encoding, file) as stream:
            table = ClassTable(Table(stream, file), self.matcher, self.by_name)
            named = self.named(file)
            yield from (table.student(row.fields, named) for row in table.rows())

    def of_file(self, file: str) -> Iterator[Submission]:
        """The submissions in a file.

        Errors: FileError, LimitError for what cannot be read.
        """
        if not self.is_class(file):
            for each in self.handed(file):
                yield self.matched(file, each)
            return
        with opened(self.source(file), self.encoding, file) as stream:
            table = ClassTable(Table(stream, file), self.matcher, self.by_name)
            table.tell(self.note)
            named = self.named(file)
            for row in table.rows():
                yield table.submission(row.line, row.fields, row.fault, named)

    def is_class(self, file: str) -> bool:
        """Whether a file is a table with a row per student, not one with a row per answer.

        Errors: FileError.
        """
        if file not in self.tabular:
            self.tabular[file] = False
            if kind_of(file, read_head(self.source(file), file)) in (".csv", ".tsv"):
                with opened(self.source(file), self.encoding, file) as stream:
                    self.tabular[file] = not is_long(Table(stream, file).heading.columns)
        return self.tabular[file]

    def handed(self, file: str) -> list[Handed]:
        """What stands in a file of one student, or of a row per answer.

        Errors: FileError, LimitError.
        """
        if file in self.kept:
            return self.kept[file]
        found = from_bytes(read_bytes(self.source(file)), file, self.encoding)
        if len(self.kept) < KEPT and sum(len(each.entries) for each in found) < KEPT:
            self.kept[file] = found
        return found

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
                copied(stdin() if file == "-" else pipe.enter_context(Path(file).open("rb")), copy, file)
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
        place = f"{file}: {handed.at}" if handed.at else file
        answers, faults = self.matcher.match(handed.entries, file)
        student = self.student(file, handed)
        unread = not handed.entries and bool(handed.faults)
        told = tuple(f"{file}: {fault}" for fault in handed.faults)
        return Submission(student, handed.name, answers, place, (*told, *faults), email=handed.email, unread=unread)


def stdin() -> BinaryIO:
    """Standard input, in bytes.

    Errors: FileError.
    """
    if sys.stdin is None:
        raise FileError("standard input is closed")
    found: BinaryIO = getattr(sys.stdin, "buffer", None) or io.BytesIO(sys.stdin.read().encode())
    return found


def read_head(path: str, file: str) -> bytes:
    """How a file begins.

    Errors: FileError.
    """
    try:
        with Path(path).open("rb") as stream:
            return stream.read(4096)
    except OSError as error:
        raise FileError(f"{file}: {reason(error)}") from None


def listed(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The files that paths name, folders opened up in the order of names; and what is wrong with one, or "".

    A folder is entered once, so that links in a circle end.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(path, True) for path in reversed(list(paths))]
    while waiting:
        path, given = waiting.pop()
        try:
            if path == "-" or not Path(path).is_dir():
                yield path, ""
                continue
            found = Path(path).stat()
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            inside = sorted(entry.name for entry in Path(path).iterdir())
        except (OSError, ValueError) as error:
            said = reason(error) if isinstance(error, OSError) else "this is no path of a file"
            yield path, f"{path}: {said}"
            continue
        inside = [name for name in inside if not name.startswith(".") and name not in HIDDEN]
        if not inside and given:
            yield path, f"{path}: the folder is empty"
        waiting += [(str(Path(path) / name), False) for name in reversed(inside)]
