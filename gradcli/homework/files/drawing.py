"""Values drawn for each student, the same for ever: on every machine, by every version of Python.

    apple = [80, 120]         a whole number from 80 to 120, both included
    x = [0.1, 0.9]            one of 0.1, 0.2, … 0.9: as many digits as are typed
    n = [2, 3, 5, 7]          one of these; of two only: { choices = [2, 4] }
    x = { low = 0, high = 1, step = 0.25 }     one of 0, 0.25, … 1
    W = { low = -3, high = 3, shape = [2, 3] } an array, each entry drawn
    tax = 1.1                 a constant; also "1/3", and a matrix

A number is SHA-256 of its place (seed, student, problem, name, attempt, entry), modulo how many there are. No generator
of a library is used: theirs may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli import literals
from gradcli.homework.files.ids import identified
from gradcli.homework.files.settings import Setting, decimal, joined, refuse, setting, shape_of, shown
from gradcli.reading.values import Value

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment
    from gradcli.homework.files.problem import Problem

KEYS = ("choices", "low", "high", "step", "shape")

MOST = 10**15
"""Numbers that one is drawn from: all of them are doubles."""

MOST_ENTRIES = 10_000
"""Entries of an array that is drawn: each costs a hash."""

EXAMPLE = "such as [2, 5], a constant, or a list of choices"


class Draw(NamedTuple):
    """How a variable is drawn: one of `choices`, or one of low, low + step, …, `among` of them.

    shape: of an array whose entries are drawn; () for a number.
    """

    choices: tuple[Setting, ...] = ()
    low: Fraction = Fraction(0)
    step: Fraction = Fraction(1)
    among: int = 1
    shape: tuple[int, ...] = ()

    def draw(self, place: str) -> Value:
        """The value drawn at a place: the same place, the same value."""
        if self.choices:
            return self.choices[drawn(place, len(self.choices))].value
        if not self.shape:
            return self.at(drawn(place, self.among))
        import numpy as np

        total = int(np.prod(self.shape))
        return np.array([self.at(drawn(f"{place}|{k}", self.among)) for k in range(total)]).reshape(self.shape)

    def at(self, index: int) -> float:
        """One of the numbers, correctly rounded: 0.3 is the double that 0.3 is."""
        return float(self.low + self.step * index)


def drawn(place: str, among: int) -> int:
    """A number from 0 up to `among`, by the hash of a place.

    >>> [drawn(f"7|ann|1|x|{attempt}", 10) for attempt in range(8)]
    [2, 8, 3, 0, 3, 0, 2, 6]
    """
    return int.from_bytes(sha256(place.encode("utf-8", "surrogatepass")).digest()) % among


def values(problem: Problem, assignment: Assignment, student: str) -> dict[str, Value]:
    """The values that a student has for a problem."""
    from gradcli.homework.files import choosing

    return choosing.values(problem, assignment, student)


def candidates(problem: Problem, seed: int, student: str) -> Iterator[dict[str, Value]]:
    """Values that a student may have, without end, always in this order; what is not drawn is the same in all."""
    who = identified(student)
    for attempt in count():
        yield {
            **problem.at,
            **{name: draw.draw(f"{seed}|{who}|{problem.id}|{name}|{attempt}") for name, draw in problem.draw.items()},
        }


def texts(problem: Problem, values: Mapping[str, Value]) -> dict[str, str]:
    """Values as a worksheet shows them: constants as they were typed, drawn numbers at their shortest."""
    typed = dict(problem.typed)
    for name, draw in problem.draw.items():
        for choice in draw.choices:
            if literals.text_of(choice.value) == literals.text_of(values.get(name)):
                typed[name] = choice.text
    return {name: typed.get(name) or shown(value) for name, value in values.items()}


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────


def read(entry: Any, path: str) -> Draw:
    """How an entry of `draw` says that a variable is drawn.

    Errors: FileError.
    """
    if isinstance(entry, dict):
        return by_keys(entry, path)
    if not isinstance(entry, list):
        return Draw((setting(entry, path),))
    if not entry:
        refuse(path, "an empty list has nothing to draw from", hint=EXAMPLE)
    if any(isinstance(each, list) for each in entry):
        return Draw((setting(entry, path),))  # a matrix
    if len(entry) == 2:
        return between(entry[0], entry[1], None, path, (f"{path}[0]", f"{path}[1]"))
    return chosen(entry, path)


def by_keys(entry: dict[str, Any], path: str) -> Draw:
    """`{ low = …, high = …, step = …, shape = … }`, or `{ choices = … }`.

    Errors: FileError.
    """
    unknown = [key for key in entry if key not in KEYS]
    if unknown:
        from difflib import get_close_matches

        near = get_close_matches(unknown[0], KEYS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(KEYS)}"
        refuse(joined(path, unknown[:1]), "there is no such key", hint=hint)
    if "choices" in entry:
        choices = entry["choices"]
        if len(entry) > 1:
            refuse(path, "choices stand alone", hint=f"remove {next(key for key in entry if key != 'choices')}")
        if not isinstance(choices, list) or not choices:
            refuse(f"{path}.choices", "this is no list of choices", hint="such as choices = [2, 4]")
        return chosen(choices, f"{path}.choices")
    missing = [key for key in ("low", "high") if key not in entry]
    if missing:
        refuse(path, f"{missing[0]} is missing", hint="such as { low = 0, high = 1, step = 0.25 }")
    found = between(entry["low"], entry["high"], entry.get("step"), path, (f"{path}.low", f"{path}.high"))
    return found._replace(shape=shape(entry["shape"], f"{path}.shape")) if "shape" in entry else found


def chosen(entries: list[Any], path: str) -> Draw:
    """One of several values of one shape.

    Errors: FileError.
    """
    found = tuple(setting(each, f"{path}[{k}]") for k, each in enumerate(entries))
    odd = next((k for k, each in enumerate(found) if shape_of(each.value) != shape_of(found[0].value)), None)
    if odd is not None:
        refuse(f"{path}[{odd}]", "choices have one shape", hint="numbers, or lists of one length")
    return Draw(found)


def between(low: Any, high: Any, step: Any, path: str, places: tuple[str, str]) -> Draw:
    """One of the numbers from `low` to `high`, by steps of their last digit unless `step` is given.

    Errors: FileError.
    """
    ends = decimal(low, places[0]), decimal(high, places[1])
    if ends[0] > ends[1]:
        refuse(path, f"the bounds are reversed: {low} is larger than {high}", hint=f"write [{high}, {low}]")
    digits = max(-int(each.as_tuple().exponent) for each in ends)
    pace = Fraction(decimal(step, f"{path}.step")) if step is not None else Fraction(1, 10 ** max(digits, 0))
    if pace <= 0:
        refuse(f"{path}.step", "a step is larger than 0", hint="such as 0.25")
    bottom, top = map(Fraction, ends)
    many = (top - bottom) // pace + 1
    if many > MOST:
        refuse(path, f"more than {MOST:.0e} numbers lie between these bounds", hint="write fewer digits")
    return Draw(low=bottom, step=pace, among=int(many))


def shape(entry: Any, path: str) -> tuple[int, ...]:
    """The shape of an array that is drawn.

    Errors: FileError.
    """
    words = [str(each) for each in entry] if isinstance(entry, list) else []
    lengths = [int(word) for word in words if re.fullmatch(r"[1-9][0-9]{0,6}", word)]
    if not words or len(lengths) != len(words) or len(words) > literals.DEEPEST:
        refuse(path, "this is no shape", hint="whole numbers from 1: shape = [2, 3]")
    total = 1
    for length in lengths:
        total *= length
        if total > MOST_ENTRIES:
            refuse(path, f"this array has more than {MOST_ENTRIES:,} entries", hint="write a constant, in at")
    return tuple(lengths)
