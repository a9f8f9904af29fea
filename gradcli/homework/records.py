"""What is handed from stage to stage of a check, as data. No text for people stands here: a Said is said in a language
by gradcli/words.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.words import Said

if TYPE_CHECKING:
    from fractions import Fraction

    from gradcli.homework.sweeps import Change


class Answer(NamedTuple):
    """What a student wrote for a cell: the address and the text, as typed.

    value: the array that a file gave, in the file's own dtype; None where `text` tells everything.
    place: where it stands, for messages: `--answer dx=3`, `ann.toml: 1.dx`.
    """

    address: str
    text: str
    value: Any = None
    place: str = ""


class Rules(NamedTuple):
    """How answers are compared: what a command line or an assignment sets.

    decimals, sig: digits to which a number counts, whatever was typed.   rtol, atol: instead of an interval of digits.
    at_kink: "interval" or "strict".   carry: share of a cell's points for the right method on an earlier wrong value.
    budget: seconds that the search for a diagnosis may take, for one problem.
    formulas: whether a formula in the names of the question is an answer, or a number alone is.
    """

    decimals: int | None = None
    sig: int | None = None
    rtol: float | None = None
    atol: float | None = None
    cs231n: bool = False
    at_kink: str = "interval"
    carry: float = 0.5
    seed: int = 0
    budget: float = 2.0
    formulas: bool = True


WAYS = {"decimals": "decimals", "sig": "sig", "rtol": "tolerance", "atol": "tolerance", "cs231n": "bands"}
"""Settings of Rules → the way of comparing that they belong to; answers are compared in one way."""


def contradicting(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The settings given that belong to another way of comparing than the first one: (the first, the other)."""
    named = [name for name in WAYS if given.get(name) is not None and given[name] is not False]
    return ((named[0], name) for name in named if WAYS[name] != WAYS[named[0]])


class Number(NamedTuple):
    """A number as typed. `decimals`: digits behind its point, None where it is exact (an integer, a fraction).

    ratio: the number itself, as a fraction that may not be in lowest terms; None where it is infinite.
    digits: significant ones, None where it is exact.
    cut: whether it was typed as going on, as 0.333…   computed: whether it is the value of a formula without names.
    """

    value: float
    ratio: tuple[int, int] | None
    decimals: int | None
    digits: int | None
    cut: bool = False
    computed: bool = False

    @property
    def exact(self) -> Fraction | None:
        """The number itself."""
        from fractions import Fraction

        return None if self.ratio is None else Fraction(*self.ratio)

    @property
    def whole(self) -> bool:
        """Whether it is an integer."""
        return self.ratio is not None and self.ratio[0] % self.ratio[1] == 0

    @property
    def unit(self) -> float:
        """The unit of the last digit typed; 0 where the number is exact."""
        return 0.0 if self.decimals is None else float(f"1e{-self.decimals}")


class Formula(NamedTuple):
    """A formula in variables, named nodes and dout; `graph` is what our parser made of it."""

    text: str
    graph: Any


class Listed(NamedTuple):
    """A list of numbers as typed, nested lists of Number; or the array of a file, with its dtype."""

    value: Any
    entries: Any = None
    dtype: str = "float64"


class Blank(NamedTuple):
    """Nothing was written."""


class Unreadable(NamedTuple):
    """What was written is no answer: why, where in the text, and what to write; a Said, or an error's own words."""

    why: Said | str
    span: tuple[int, int] | None = None
    hint: Said | str | None = None


Given = Number | Formula | Listed | Blank | Unreadable


class Accepted(NamedTuple):
    """The numbers that count as right: a closed interval, and by which rule it was made.

    For arrays `low` and `high` are arrays.
    """

    low: Value
    high: Value
    rule: Said


class State(StrEnum):
    """What became of an answer."""

    RIGHT = "right"
    ROUNDED = "rounded"  # right, with steps rounded on the way
    CARRIED = "carried"  # follows correctly from an earlier wrong answer, or from the same mistake
    COARSE = "coarse"  # right so far, but with too few digits
    WRONG = "wrong"
    BLANK = "blank"
    UNREADABLE = "unreadable"
    UNDECIDED = "undecided"  # a formula that could not be decided


class Explanation(NamedTuple):
    """A mistake that leads to the student's number.

    name: of the misconception.   sites: where it was made, tape positions.   change: what it changes in the sweep.
    said: the sentence.   cost: smaller is simpler.   coincides: other mistakes that lead to the same number.
    """

    name: str
    sites: tuple[int, ...]
    change: Change | None
    said: Said
    cost: float
    coincides: tuple[Said, ...] = ()


class Comparison(NamedTuple):
    """How an answer compares with what it should be, mistakes not yet looked for.

    state: RIGHT, ROUNDED, COARSE, WRONG or UNDECIDED.   remarks: why right; what differs.
    counter: the question at a point at which a formula is wrong.
    """

    state: State
    accepted: Accepted | None
    remarks: tuple[Said, ...] = ()
    counter: Gradients | None = None


class Result(NamedTuple):
    """One answer, judged.

    right: the number that should stand there.   origin: addresses of the student's own answers that it follows from.
    first: whether it is the student's first mistake.   trivial: the carried value makes the question trivial.
    searched: False where the search for a diagnosis ran out of its budget.
    """

    answer: Answer
    cell: Cell
    given: Given
    right: Value
    state: State
    accepted: Accepted | None = None
    remarks: tuple[Said, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    origin: tuple[str, ...] = ()
    first: bool = False
    trivial: bool = False
    searched: bool = True


class Checked(NamedTuple):
    """All answers to one problem, in the order they are worked out: values forward, gradients from the output back."""

    gradients: Gradients
    results: Sequence[Result]
    rules: Rules

    @property
    def first(self) -> Result | None:
        """The student's first mistake."""
        return next((result for result in self.results if result.first), None)

    @property
    def mistakes(self) -> int:
        """How many mistakes were made: what follows from an earlier one is not counted again.

        Where two together lead to a number they are two.
        """
        wrong = [result for result in self.results if result.state is State.WRONG]
        return len(wrong) + sum(any("+" in found.name for found in result.explanations[:1]) for result in wrong)
