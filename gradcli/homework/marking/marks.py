"""The files of marks: written as students are marked, named when they are whole, never over others unasked.

    DIR/marks.csv            a line a student: points, then the state of each cell
    DIR/review.csv           what a person has to look at
    DIR/feedback/ID.md       for the student
    DIR/class.md             for the teacher
    DIR/moodle.csv           --format moodle: for Moodle's import of grades
    DIR/gradescope/ID/results.json     --format gradescope: for an autograder's results

The columns of files are English in every language: programs read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from html import escape
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from gradcli import writing
from gradcli.errors import visible
from gradcli.notation import number
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.homework.marking.grading import Mark, Marked
    from gradcli.words import Words

FORMATS = ("csv", "moodle", "gradescope")

REVIEW = ("id", "name", "problem", "cell", "answer", "why", "place")

VISIBILITY = "after_published"
"""When Gradescope shows a test to students: with the marks, not before."""


class Book:
    """The files of a class.

    cells: the assignment's cells, by problem.   title: the name of the grade in a gradebook.
    emails: of students, by id, for Moodle.
    """

    def __init__(
        self,
        folder: Path,
        cells: Mapping[str, Sequence[str]],
        words: Words,
        *,
        title: str = "",
        form: str = "csv",
        force: bool = False,
        emails: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.cells, self.words, self.title, self.form = folder, cells, words, title, form
        self.force, self.emails = force, emails or {}
        self.written = 0
        self._taken: set[str] = set()
        self._streams: dict[str, IO[str]] = {}
        self._stack = ExitStack()

    @property
    def names(self) -> list[str]:
        """The files and folders that are written."""
        also = {"csv": [], "moodle": ["moodle.csv"], "gradescope": ["gradescope"]}[self.form]
        return ["marks.csv", "review.csv", "class.md", "feedback", *also]

    @property
    def files(self) -> dict[str, str]:
        """What is where, for people to see: the name of a text of the language files → a path."""
        return {Path(name).stem: str(self.folder / name) for name in self.names}

    def __enter__(self) -> Book:
        """Begin the files.

        Errors: FileError, also where one of them exists.
        """
        writing.refuse_existing([self.folder / name for name in self.names], self.force)
        for name in self.names:
            if name.endswith(".csv"):
                opened = writing.opened(self.folder / name, self.force, bom=True, keep=True)
                self._streams[name] = self._stack.enter_context(opened)
        try:
            self._write("marks.csv", [self._head()])
            self._write("review.csv", [REVIEW])
            if "moodle.csv" in self._streams:
                title = self.title or "grade"
                self._write("moodle.csv", [("ID number", "Email address", "Full name", title, f"{title} (feedback)")])
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the files their names; after an interrupt too, but not after an error."""
        try:
            self._stack.__exit__(kind, error, trace)
        finally:
            with suppress(OSError):
                self.folder.rmdir()  # if there is nothing in it

    def add(self, marked: Marked, feedback: str) -> None:
        """Write what there is of a submission; of one that could not be read, that it is for review.

        Errors: FileError.
        """
        self._write("review.csv", self._reviews(marked))
        if marked.unread:
            if marked.student:
                self._write("marks.csv", [self._unread(marked)])
            return
        name = writing.safe_name(marked.student, self._taken)
        writing.write(self.folder / "feedback" / f"{name}.md", feedback, self.force)
        if self.form == "gradescope":
            text = json.dumps(gradescope(marked), ensure_ascii=False, indent=1, allow_nan=False)
            writing.write(self.folder / "gradescope" / name / "results.json", f"{text}\n", self.force)
        if self.form == "moodle":
            self._write("moodle.csv", [self._moodle(marked)])
        self._write("marks.csv", [self._line(marked, f"feedback/{name}.md")])
        self.written += 1

    def review(self, student: str, name: str, why: Said) -> None:
        """List a student of whom there is nothing to be marked.

        Errors: FileError.
        """
        self._write("review.csv", [(student, name, "", "", "", self.words.said(why), "")])

    @property
    def stale(self) -> int:
        """Feedback of an earlier run, of students who are not in this one."""
        found = (self.folder / "feedback").glob("*.md")
        return sum(path.stem.casefold() not in self._taken for path in found)

    def close(self, report: str) -> None:
        """Write the report of the class.

        Errors: FileError.
        """
        writing.write(self.folder / "class.md", report, self.force)

    def _write(self, name: str, rows: Iterable[Iterable[Any]]) -> None:
        """Lines of a file, on the disk at once: a process that is ended leaves them in the temporary file."""
        with writing.told(self.folder / name):
            writing.csv_rows(self._streams[name], rows)
            self._streams[name].flush()

    def _head(self) -> list[str]:
        """The columns of marks.csv: the whole, the problems with their cells, the states."""
        addresses = [f"{problem}:{cell}" for problem, cells in self.cells.items() for cell in cells]
        points = [
            word
            for problem, cells in self.cells.items()
            for word in (f"{problem} total", *(f"{problem}:{c}" for c in cells))
        ]
        whole = ["id", "name", "total", "max", "share", "review"]
        return [*whole, *points, *(f"{address} state" for address in addresses), "feedback"]

    def _unread(self, marked: Marked) -> list[str]:
        """The line of a submission that could not be read: no points, and everything for review."""
        most = sum(map(len, self.cells.values()))
        blank = [""] * (most + len(self.cells))
        return [marked.student, marked.name, "", "", "", str(most), *blank, *["unread"] * most, ""]

    def _line(self, marked: Marked, feedback: str) -> list[Any]:
        """A line of marks.csv; no total where a cell is for review, since it is not known yet."""
        points: list[Any] = []
        for part in marked.parts:
            sure = all(mark.points is not None for mark in part.marks)
            points.append(shown(sum(mark.points or 0.0 for mark in part.marks)) if sure else "")
            points += [shown(mark.points) for mark in part.marks]
        known = not marked.open
        share = shown(round(marked.points / marked.most, 4)) if known and marked.most else ""
        whole = [marked.student, marked.name, shown(marked.points) if known else "", shown(marked.most), share]
        return [*whole, shown(marked.open), *points, *(mark.state for mark in marked.marks), feedback]

    def _reviews(self, marked: Marked) -> Iterator[list[Any]]:
        """What a person has to look at: the submission as a whole, then its cells."""
        for note in marked.notes:
            yield [marked.student, marked.name, "", "", "", self.words.said(note), marked.place]
        for part in marked.parts:
            for mark in part.marks:
                if mark.points is None:
                    place = mark.place or marked.place
                    yield [marked.student, marked.name, part.problem, mark.address, mark.text, mark.why, place]

    def _moodle(self, marked: Marked) -> list[Any]:
        """A line for Moodle; the grade stays empty where a cell is for review. Feedback is HTML there."""
        guess = marked.student if "@" in marked.student else ""
        email = marked.email or self.emails.get(marked.student, guess)
        points = shown(marked.points) if not marked.open else ""
        lines = [f"{part.problem}:{mark.address}: {told(mark)}" for part in marked.parts for mark in part.marks]
        feedback = "<br>".join(escape(visible(line), quote=False) for line in lines)
        return [marked.student, email, marked.name, points, feedback]


def told(mark: Mark) -> str:
    """A mark in a line: the verdict, the points, and what is to be said of it."""
    points = "" if mark.points is None else f" ({shown(mark.points)}/{shown(mark.most)})"
    return f"{mark.verdict}{points}" + (f": {mark.said}" if mark.said else "")


def shown(points: float | None) -> str:
    """Points as a number of a file; nothing where they are not known."""
    return "" if points is None else number(round(points, 9))


def gradescope(marked: Marked) -> dict[str, Any]:
    """The results of a submission as Gradescope's autograders report them. A cell for review has no score yet."""
    tests = []
    for part in marked.parts:
        for mark in part.marks:
            test: dict[str, Any] = {"name": visible(f"{part.problem}:{mark.address}")}
            if mark.points is not None:
                test["score"] = mark.points
                test["status"] = "passed" if mark.points == mark.most else "failed"
            test["max_score"] = mark.most
            test["output"] = visible(told(mark))
            test["output_format"] = "text"
            test["visibility"] = VISIBILITY
            tests.append(test)
    return {"tests": tests, "extra_data": {"id": visible(marked.student), "review": marked.open}}
