"""Running counts of a class: what its report is made of, whatever the number of students."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from gradcli.homework.files.roster import Student
from gradcli.homework.records import State
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.homework.marking.grading import Mark, Marked

STATES = (*map(str, State), "failed")
"""Every state that a mark has, in the order of a report."""

KEPT = 2000
"""Different mistakes of a question that are counted; a class makes no more."""

Made = tuple[str, tuple[int, ...]]
"""A misconception, and where it was made."""


LISTED = 50
"""Notes that are kept; the others are counted."""


class Mistake(NamedTuple):
    """A misconception met at a question: how many students, and what one of them was told."""

    problem: str
    address: str
    name: str
    students: int
    said: Said


class Question:
    """The counts of one cell of the assignment."""

    def __init__(self, problem: str, mark: Mark) -> None:
        self.problem, self.address, self.most = problem, mark.address, mark.most
        self.states: Counter[str] = Counter()
        self.points = 0.0
        self.firsts = 0
        self.mistakes: Counter[Made] = Counter()
        self.told: dict[Made, Said] = {}

    def add(self, mark: Mark) -> None:
        """Count a student's mark."""
        self.states[mark.state] += 1
        self.points += mark.points or 0.0
        self.firsts += mark.first
        made = mark.mistake, mark.sites
        if mark.told and (made in self.told or len(self.told) < KEPT):
            self.mistakes[made] += 1
            self.told.setdefault(made, mark.told)

    def merged(self) -> Iterator[tuple[str, int, Said]]:
        """The mistakes made: their names, how many students made each, and what one of them was told.

        One made at other places too is the one that was made at this place alone.
        """
        groups: dict[Made, list[Made]] = {}
        for made in sorted(self.mistakes, key=lambda made: (len(made[1]) > 1, -self.mistakes[made])):
            name, sites = made
            alike = (key for key in groups if key[0] == name and not set(key[1]).isdisjoint(sites))
            groups.setdefault(next(alike, made) if len(sites) > 1 else made, []).append(made)
        for key, members in groups.items():
            yield key[0], sum(self.mistakes[made] for made in members), self.told[key]

    @property
    def students(self) -> int:
        """How many submissions were marked."""
        return self.states.total()

    @property
    def settled(self) -> int:
        """How many of them need nobody to look."""
        return sum(self.states[state] for state in STATES if state not in OPEN)

    @property
    def right(self) -> int:
        """How many answers are right, rounded steps among them."""
        return self.states[State.RIGHT] + self.states[State.ROUNDED]

    @property
    def unanswered(self) -> bool:
        """Whether nobody wrote anything."""
        return self.states[State.BLANK] == self.students

    @property
    def mean(self) -> float:
        """The mean of the points that are certain."""
        return self.points / self.settled if self.settled else 0.0


OPEN = (State.UNREADABLE, State.UNDECIDED, "failed")
"""States that a person has to look at."""


class Tally:
    """The counts of a class.

    students: submissions that were marked.   unread: those that could not be read; faults: why, of the first ones.
    settled: submissions of which nobody has to look at a cell; the mean, least and highest points are theirs.
    replaced: submissions that a later one of the same student takes the place of.
    missing: ids of the roster without a submission.   strangers: ids of submissions that the roster lacks.
    """

    def __init__(self) -> None:
        self.students = self.settled = self.open = self.unread = self.replaced = 0
        self.points, self.least, self.highest, self.most = 0.0, inf, -inf, 0.0
        self.questions: dict[tuple[str, str], Question] = {}
        self.states: Counter[str] = Counter()
        self.notes: list[tuple[str, Said]] = []
        self.noted = 0
        self.faults: list[Said] = []
        self.missing: list[Student] = []
        self.strangers: list[Student] = []
        self._seen: dict[str, str] = {}

    def add(self, marked: Marked) -> None:
        """Count a submission."""
        if marked.student:
            self._seen[marked.student] = marked.name
        self.noted += len(marked.notes)
        self.replaced += marked.replaced
        self.notes += [
            (marked.student or marked.place, note) for note in marked.notes[: max(0, LISTED - len(self.notes))]
        ]
        if marked.unread:
            self.unread += 1
            self.faults += marked.notes[: max(0, LISTED - len(self.faults))]
            return
        self.students += 1
        self.most = max(self.most, marked.most)
        for part in marked.parts:
            for mark in part.marks:
                key = part.problem, mark.address
                if key not in self.questions:
                    self.questions[key] = Question(part.problem, mark)
                self.questions[key].add(mark)
                self.states[mark.state] += 1
        self.open += marked.open
        if not marked.open:
            self.settled += 1
            self.points += marked.points
            self.least, self.highest = min(self.least, marked.points), max(self.highest, marked.points)

    def enrol(self, roster: Sequence[Student]) -> None:
        """Compare with the students that there are: who has not submitted, and who is not among them."""
        known = {student.id for student in roster}
        self.missing = [student for student in roster if student.id not in self._seen]
        self.strangers = [Student(id_, name) for id_, name in self._seen.items() if id_ not in known]

    @property
    def reviews(self) -> int:
        """The lines of review.csv."""
        return self.open + self.noted + len(self.missing) + len(self.strangers)

    @property
    def guesses(self) -> list[tuple[Student, Student | None]]:
        """Who is not on the roster, and whom of those without a submission it may be: 12 and 0012, 345.0 and 345."""
        alike: dict[str, list[Student]] = {}
        for student in self.missing:
            alike.setdefault(bare(student.id), []).append(student)
        found = [(stranger, alike.get(bare(stranger.id), [])) for stranger in self.strangers]
        return [(stranger, near[0] if len(near) == 1 else None) for stranger, near in found]

    @property
    def mean(self) -> float | None:
        """The mean of the settled submissions."""
        return self.points / self.settled if self.settled else None

    def mistakes(self, question: Question | None = None) -> list[Mistake]:
        """The misconceptions met, the most frequent first; of one question, or of all."""
        asked: Sequence[Question] = list(self.questions.values()) if question is None else [question]
        found = [
            Mistake(each.problem, each.address, name, students, said)
            for each in asked
            for name, students, said in each.merged()
        ]
        return sorted(found, key=lambda mistake: -mistake.students)

    def firsts(self) -> list[Question]:
        """The questions at which a student's first mistake was made, the most frequent first."""
        return sorted((each for each in self.questions.values() if each.firsts), key=lambda each: -each.firsts)

    def met(self, counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """The states that were met, in the order of the report."""
        return ((state, counts[state]) for state in STATES if counts.get(state))


def bare(student: str) -> str:
    """An id without what spreadsheets and people change: leading zeros, a decimal point, signs, capital letters.

    >>> bare("0012"), bare("12.0"), bare("2024-001")
    ('12', '12', '2024001')
    """
    found = re.sub(r"[\W_]+", "", re.sub(r"\.0+$", "", student)).casefold()
    return found.lstrip("0") or found
