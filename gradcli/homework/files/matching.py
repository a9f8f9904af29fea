"""Which cell of an assignment an answer is for, in whatever spelling: 1:dx, "1: df/dx", a table [1] with dx.

What names no cell that is asked for is a fault, with what was meant; it goes to a person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from gradcli.cells import resolve
from gradcli.errors import GradcliError, brief
from gradcli.homework.files.problem import identified, spot
from gradcli.homework.files.tables import PROBLEM, plain
from gradcli.homework.records import Answer

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment
    from gradcli.homework.files.handed import Entry
    from gradcli.homework.files.problem import Problem

REMEMBERED = 10_000
"""Spellings whose cell is remembered."""

MOST_FAULTS = 40
"""Faults of one submission that are told one by one."""

CELL_KINDS = ("value", "grad", "local", "down")
"""How a dotted address begins; in TOML, value.q = 3 is a table named value."""

Target = tuple[str, str]
"""A problem's id, and the address of a cell as the assignment has it."""


class Matcher:
    """Finds the cells of one assignment."""

    def __init__(self, assignment: Assignment) -> None:
        self.problems = {problem.id: problem for problem in assignment.problems}
        self._known: dict[tuple[str, ...], Target | str] = {}

    def columns(self) -> Iterator[str]:
        """The cells that are asked for, as columns of a class file are headed: 1:value."""
        return (f"{problem.id}:{address}" for problem in self.problems.values() for address in problem.cells)

    def target(self, keys: tuple[str, ...]) -> Target | None:
        """The cell that keys mean; None where it is not asked for."""
        found = self.found(keys)
        return None if isinstance(found, str) else found

    def match(self, entries: Iterable[Entry], place: str) -> tuple[dict[str, list[Answer]], list[str]]:
        """The answers by problem, and what is wrong with the others. A cell that is answered twice goes to a person."""
        found: dict[Target, Answer] = {}
        faults: list[str] = []
        for entry in entries:
            target = self.found(entry.keys)
            at = f"{place}: {entry.at}"
            if isinstance(target, str):
                if entry.text:
                    faults.append(f"{at}: {target}")
                continue
            answer = Answer(target[1], entry.text, entry.value, at)
            before = found.get(target)
            if before is not None and (before.text != entry.text or entry.value is not None):
                faults.append(f"{at}: this cell is answered twice: '{brief(before.text)}' and '{brief(entry.text)}'")
                answer = Answer(target[1], f"{before.text} ; {entry.text}", None, at)  # which no reader takes for one
            found[target] = answer
        answers: dict[str, list[Answer]] = {}
        for (problem, _), answer in found.items():
            answers.setdefault(problem, []).append(answer)
        if len(faults) > MOST_FAULTS:
            faults = [*faults[:MOST_FAULTS], f"{place}: and {len(faults) - MOST_FAULTS} more like these"]
        return answers, faults

    def found(self, keys: tuple[str, ...]) -> Target | str:
        """The cell that keys mean, or why there is none."""
        known = self._known.get(keys)
        if known is None:
            known = self._found(keys)
            if len(self._known) < REMEMBERED:
                self._known[keys] = known
        return known

    def _found(self, keys: tuple[str, ...]) -> Target | str:
        why = ""
        for problem, address in self._readings(keys):
            try:
                asked = problem.asked.get(spot(resolve(address, problem.sample)))
            except GradcliError as error:
                why = why or (error.message if error.hint is None else f"{error.message} ({error.hint})")
                continue
            if asked is not None:
                return problem.id, asked
            why = why or f"problem {problem.id} does not ask for '{brief(address)}'"
        return why or self._no_problem(keys)

    def _readings(self, keys: tuple[str, ...]) -> Iterator[tuple[Problem, str]]:
        """The problem and the address that keys may be, the likeliest first."""
        words = [unicodedata.normalize("NFC", key).strip() for key in keys]
        if len(words) > 2 and plain(words[0]) in PROBLEM:  # [problem.1]
            words = words[1:]
        for count in range(len(words) - 1, 0, -1):
            problem = self.problems.get(".".join(words[:count]))
            if problem is not None:
                yield problem, ".".join(words[count:])
        text = ".".join(words)
        before, colon, after = text.partition(":")
        if colon and identified(before) in self.problems:
            yield self.problems[identified(before)], after.strip()
        for name, problem in self.problems.items():
            if text.startswith(f"{name}."):
                yield problem, text[len(name) + 1 :].strip()
        if len(self.problems) == 1 and not (colon and identified(before) not in self.problems and len(words) == 1):
            yield next(iter(self.problems.values())), text

    def _no_problem(self, keys: tuple[str, ...]) -> str:
        """What to say of an answer to a problem that there is not."""
        from difflib import get_close_matches

        named, _, cell = ".".join(keys).partition(":")
        near = get_close_matches(named if cell or len(keys) > 1 else keys[0], list(self.problems), 1)
        ids = ", ".join(list(self.problems)[:12])
        hint = f"did you mean {near[0]}?" if near else f"the problems are {ids}"
        if len(keys) == 1 and not cell:
            return f"which problem is this an answer to? ({hint})"
        return f"there is no such problem ({hint})"


def told_apart(keys: Sequence[str], problem: str | None) -> tuple[str | None, str]:
    """The problem that keys name, if they do, and the address; where no assignment tells which problems there are."""
    words = [unicodedata.normalize("NFC", key).strip() for key in keys]
    if len(words) > 2 and plain(words[0]) in PROBLEM:  # [problem.1]
        words = words[1:]
    text = ".".join(words)
    if problem is not None:
        wanted = identified(problem)
        for sign in (".", ":"):
            if text.startswith(f"{wanted}{sign}"):
                return wanted, text[len(wanted) + 1 :].strip()
    if len(words) > 1 and words[0] not in CELL_KINDS:
        return words[0], ".".join(words[1:])
    before, colon, after = text.partition(":")
    if colon and "[" not in before:
        return before.strip(), after.strip()
    return None, text
