"""Marking: what a submission is worth, cell by cell; and a whole class, in several processes, in order.

    Assignment ─┐
                ├─Marker→ Marked ─render→ feedback; marks.py → files; tally.py → the class report
    Submission ─┘

Nothing of one submission stops the marks of the others: what cannot be marked is left for a person to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import resolve
from gradcli.errors import GradcliError, UsageError
from gradcli.homework.records import Answer, Checked, Result, Rules, State
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment, Problem
    from gradcli.homework.files.submissions import Submission

FAILED = "failed"
"""The state of a cell whose marking went wrong by our own fault."""

FULL = (State.RIGHT, State.ROUNDED)
"""States that are worth all points of a cell."""

SHARED = (State.CARRIED, State.COARSE)
"""States that are worth the assignment's share: the right method, but not the right number."""

NONE = (State.WRONG, State.BLANK)
"""States that are worth nothing. All others are for a person to look at."""


BUDGET = 10.0
"""Seconds for a diagnosis: so many that marks never depend on how busy a machine is."""

KEPT = 500
"""Different sets of answers whose marks are kept, for students who answer the same."""


class Mark(NamedTuple):
    """What one cell of a submission is worth.

    address: as the assignment has it.   points: None where a person has to look, out of `most`.
    text: what was written; place: where it stands.
    mistake, sites, told: the misconception that explains it, where, and in a sentence.
    first: whether it is the student's first mistake.
    fault: why it could not be marked, or "".
    verdict, said: what became of it, in words; render fills them in.   why: the same for the review list.
    """

    address: str
    most: float
    points: float | None
    state: str
    text: str = ""
    right: Value = None
    mistake: str = ""
    sites: tuple[int, ...] = ()
    told: Said | None = None
    first: bool = False
    fault: str = ""
    place: str = ""
    verdict: str = ""
    said: str = ""
    why: str = ""


class Part(NamedTuple):
    """The marks of one problem, and the values that it was worked out at.

    drawn: whether the values are the student's own.
    checked: what the marks were made of, in the order of the marks; None where there is nothing, or not any more.
    """

    problem: str
    expression: str
    values: Mapping[str, Value]
    marks: tuple[Mark, ...]
    drawn: bool = False
    title: str = ""
    checked: Checked | None = None


class Marked(NamedTuple):
    """A submission, marked.

    notes: what is to be known of the submission as a whole.   unread: whether it could not be read at all.
    replaced: how many of the same student's submissions do not count.
    """

    student: str
    name: str
    place: str
    parts: tuple[Part, ...]
    notes: tuple[Said, ...] = ()
    email: str = ""
    unread: bool = False
    replaced: int = 0

    @property
    def marks(self) -> list[Mark]:
        """The marks of all problems."""
        return [mark for part in self.parts for mark in part.marks]

    @property
    def points(self) -> float:
        """The points that are certain."""
        return total(self.marks)

    @property
    def most(self) -> float:
        """The points that could be had."""
        return round(sum(mark.most for mark in self.marks), 9)

    @property
    def open(self) -> int:
        """How many cells a person has to look at."""
        return sum(mark.points is None for mark in self.marks)


def total(marks: Sequence[Mark]) -> float:
    """The points of marks that are certain; a sum of tenths has no sixteenth digit."""
    return round(sum(mark.points or 0.0 for mark in marks), 9)


def credit(result: Result, carry: float) -> float | None:
    """Which share of a cell's points a result is worth; None where a person has to look.

    A coarse number is worth what a carried one is: the method is right, the number is not all there. A carried number
    whose origin makes the question trivial is worth nothing.
    """
    if result.state in FULL:
        return 1.0
    if result.state in SHARED:
        return 0.0 if result.trivial else carry
    return 0.0 if result.state in NONE else None


class Marker:
    """Marks submissions to one assignment. At values that all students share, both sweeps are made once, and equal
    answers are judged once.
    """

    def __init__(self, assignment: Assignment, rules: Rules, *, prove: bool = False) -> None:
        self.assignment, self.rules, self.prove = assignment, rules._replace(budget=BUDGET), prove
        self._shared: dict[str, Gradients] = {}
        self._judged: dict[tuple[str, ...], Part] = {}

    def mark(self, submission: Submission) -> Marked:
        """What a submission is worth. Never raises: what goes wrong with a problem is left for review."""
        parts: list[Part] = []
        for problem in () if submission.unread else self.assignment.problems:
            answers = submission.answers.get(problem.id, ())
            try:
                found = written(problem, answers)
                parts.append(placed(self._bearing(problem, submission.student, found), found))
            except Exception as error:  # one bad submission never stops the class
                parts.append(failed(problem, answers, said_of(error)))
        return marked(submission, parts)

    def _bearing(self, problem: Problem, student: str, answers: Mapping[str, Answer]) -> Part:
        """The marks of one problem; an answer whose marking goes wrong is left for review alone."""
        try:
            return self._part(problem, student, answers)
        except Exception:
            faults = dict(self._faults(problem, student, answers))
            if not faults:
                raise
        sound = {cell: Answer(cell, "") if cell in faults else answer for cell, answer in answers.items()}
        part = self._part(problem, student, sound)
        marks = [
            mark._replace(points=None, state=FAILED, text=answers[mark.address].text, fault=faults[mark.address])
            if mark.address in faults
            else mark
            for mark in part.marks
        ]
        return part._replace(marks=tuple(marks))

    def _faults(self, problem: Problem, student: str, answers: Mapping[str, Answer]) -> Iterator[tuple[str, str]]:
        """The cells whose answers cannot be marked even alone, and why."""
        for cell, answer in answers.items():
            alone = {each: answer if each == cell else Answer(each, "") for each in answers}
            try:
                self._part(problem, student, alone)
            except Exception as error:
                yield cell, said_of(error)

    def _part(self, problem: Problem, student: str, answers: Mapping[str, Answer]) -> Part:
        """The marks of one problem."""
        from gradcli.homework.files.choosing import values

        if problem.draw:
            found = values(problem, self.assignment, student)
            return self._judge(problem, found, problem.gradients(found), answers)
        if any(answer.value is not None for answer in answers.values()):
            return self._judge(problem, problem.at, self._at(problem), answers)
        key = problem.id, *(answer.text for answer in answers.values())
        if key not in self._judged:
            if len(self._judged) >= KEPT:
                self._judged.clear()
            self._judged[key] = self._judge(problem, problem.at, self._at(problem), answers)
        return self._judged[key]

    def _judge(
        self, problem: Problem, values: Mapping[str, Value], gradients: Gradients, answers: Mapping[str, Answer]
    ) -> Part:
        """The answers to a problem, compared with both sweeps at some values."""
        from gradcli.homework.checking import check

        checked = check(gradients, answers.values(), self.rules, prove=self.prove)
        results = {result.answer.address: result for result in checked.results}
        for address, result in results.items():
            if not gradients.trace.m.finite(result.right):
                raise UsageError(f"the right number of {address} is not finite at this student's values")
        checked = checked._replace(results=[results[address] for address in problem.cells])
        marks = [worth(result, problem.cells[result.answer.address], self.rules.carry) for result in checked.results]
        return Part(problem.id, problem.expr, values, tuple(marks), bool(problem.draw), problem.title, checked)

    def _at(self, problem: Problem) -> Gradients:
        """Both sweeps at the values that all students share."""
        if problem.id not in self._shared:
            self._shared[problem.id] = problem.gradients(problem.at)
        return self._shared[problem.id]


def written(problem: Problem, answers: Sequence[Answer]) -> dict[str, Answer]:
    """The answer to each cell that is asked for, by the address that the assignment has; an empty one is blank.

    An answer may have its cell's address in another spelling. Of several the last one counts.
    """
    from gradcli.homework.files.assignment import spot

    found = {address: Answer(address, "") for address in problem.cells}
    for answer in answers:
        address: str | None = answer.address
        if address not in found:
            address = problem.asked.get(spot(resolve(answer.address, problem.sample)))
        if address is not None:
            found[address] = answer._replace(address=address)
    return found


def worth(result: Result, most: float, carry: float) -> Mark:
    """A result as a mark."""
    share = credit(result, carry)
    explained = result.explanations[0] if result.state is State.WRONG and result.explanations else None
    return Mark(
        address=result.answer.address,
        most=most,
        points=None if share is None else round(most * share, 9),
        state=str(result.state),
        text=result.answer.text,
        right=result.right,
        mistake=explained.name if explained else "",
        sites=explained.sites if explained else (),
        told=explained.said if explained else None,
        first=result.first,
    )


def placed(part: Part, answers: Mapping[str, Answer]) -> Part:
    """The marks with the places of the answers: equal answers of others were judged once."""
    return part._replace(marks=tuple(mark._replace(place=answers[mark.address].place) for mark in part.marks))


def failed(problem: Problem, answers: Sequence[Answer], fault: str) -> Part:
    """A problem of a submission that could not be marked: every answer is for review."""
    found = {answer.address: answer for answer in answers}
    marks = [Mark(cell, most, None, FAILED, fault=fault) for cell, most in problem.cells.items()]
    marks = [
        mark._replace(text=found[mark.address].text, place=found[mark.address].place) if mark.address in found else mark
        for mark in marks
    ]
    return Part(problem.id, problem.expr, {}, tuple(marks), title=problem.title)


def lost(assignment: Assignment, submission: Submission, fault: str) -> Marked:
    """A submission that could not be marked at all."""
    parts = [failed(problem, submission.answers.get(problem.id, ()), fault) for problem in assignment.problems]
    return marked(submission, parts)


def marked(submission: Submission, parts: Sequence[Part]) -> Marked:
    """The marks of a submission, with what is to be known of it."""
    who, name, place = submission.student, submission.name, submission.place
    notes = [Said("grade.fault", {"why": fault}) for fault in submission.faults]
    if submission.replaces:
        notes.append(Said("grade.replaces", {"place": place, "places": ", ".join(submission.replaces)}))
    return Marked(
        who, name, place, tuple(parts), tuple(notes), submission.email, submission.unread, len(submission.replaces)
    )


def said_of(error: Exception) -> str:
    """An error in a few words."""
    return error.message if isinstance(error, GradcliError) else f"{type(error).__name__}: {error}"
