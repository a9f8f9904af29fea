"""What rounding the steps by hand does to a result.

A student who writes 0.1966 as 0.20 and goes on from there gets 0.40 where 0.3932 is right. So both passes are run again
with every forward value, local gradient and gradient rounded, each kind alone and together, until one of the sweeps
gives the student's number. Rounding as coarse as that explains nearly anything, so a sweep counts only where

    each step stays near what it was (within NEAR; ROUGH where one decimal or none was kept), and none becomes 0;
    the result has the right sign, and is within FAR of the right one; where the parts of a sum cancel, of what these
    parts are: -0.42 + 0.35 = -0.07 for -0.416 + 0.354 = -0.063.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.numbers.cancelling import parts, scale
from gradcli.homework.numbers.steps import Test, close, half_up, step
from gradcli.homework.sweeps import Change, Outcome, Slot, sweep
from gradcli.places import size
from gradcli.words import Said

NEAR, ROUGH = 0.1, 0.01
"""How far, as a share of itself, rounding may move a step: to two decimals or more, and to fewer."""

FAR = 0.03
"""How far rounded steps may move the result: in the lecture's neuron, from 0.3932 to 0.40, it is 0.017."""

DECIMALS, DIGITS = (2, 3, 4, 5, 6, 1, 0), (3, 4)
"""Decimals and significant digits that people round to, the likely ones first; two digits explain too much."""

PARTS = (
    (True, True, True),
    (True, False, False),
    (False, False, True),
    (True, False, True),
)
"""Which steps are rounded: forward values, local gradients, gradients. More ways would explain nearly anything."""

WORK = 100_000
"""Numbers that all replays of one graph may compute."""

TENSORIAL = 28
"""Replays over tensors, which take longer: the likely ones."""

NOTHING = 1e-12
"""What is smaller may be the rounding error of a 0."""


class Way(NamedTuple):
    """One way of rounding: to so many decimals, or significant digits; which steps."""

    digits: int
    significant: bool
    parts: tuple[bool, bool, bool]


class Replay(NamedTuple):
    """How steps were rounded: to so many decimals, None for significant digits; and what to say of it."""

    decimals: int | None
    remarks: tuple[Said, ...]


class Spent(NamedTuple):
    """The sweeps made for one graph, so that each is made once, however many answers there are."""

    outcomes: dict[Way, Outcome | None]
    textbook: Change
    most: int


_SPENT: WeakKeyDictionary[Gradients, Spent] = WeakKeyDictionary()


def replayed(cell: Cell, gradients: Gradients, fits: Test, decimals: int | None, digits: int | None) -> Replay | None:
    """How the steps were rounded that lead to an answer; None where no rounding does.

    fits: whether a number counts as the answer.   decimals, digits: with how many it was typed.
    """
    extent = scale(cell, gradients)
    for way, outcome in ways(gradients, decimals, digits):
        found = outcome.read(cell)
        if (
            found is not None
            and plausible(found, cell.value, extent)
            and fits(found)
            and not alone(found, cell.value, way)
        ):
            remarks = said(way), *named_step(way, cell, gradients, fits)
            return Replay(None if way.significant else way.digits, remarks)
    return last_sum(cell, gradients, fits, decimals)


def last_sum(cell: Cell, gradients: Gradients, fits: Test, decimals: int | None) -> Replay | None:
    """How an answer was added of numbers with as many decimals, from unrounded steps; None where it was not."""
    added = parts(cell, gradients)
    if len(added) < 2 or decimals is None or decimals < 2:
        return None
    way = Way(decimals, False, (False, False, True))
    steps = Steps(way)
    found = sum(float(steps(number)) for number in added)
    if not steps.far and plausible(found, cell.value, sum(map(abs, added))) and fits(found):
        return Replay(decimals, (said(way),))
    return None


def named_step(way: Way, cell: Cell, gradients: Gradients, fits: Test) -> list[Said]:
    """The one step whose rounding is enough, where there is one."""
    if way.significant:
        return []
    return step(way.digits, way.parts, cell, gradients, _SPENT[gradients].textbook, fits)


def said(way: Way) -> Said:
    """How the steps were rounded, in words."""
    if way.significant:
        return Said("numbers.rounded_digits", {"digits": str(way.digits)})
    if way.digits < 2:
        return Said("numbers.rounded_one" if way.digits else "numbers.rounded_whole")
    return Said("numbers.rounded_decimals", {"digits": str(way.digits)})


def ways(gradients: Gradients, decimals: int | None, digits: int | None) -> Iterator[tuple[Way, Outcome]]:
    """The ways of rounding whose steps stay near what they were, the likely ones first, with what comes out."""
    spent = _SPENT.get(gradients)
    if spent is None:
        tensorial = gradients.trace.tensorial
        work = sum(map(size, gradients.trace.shapes)) if tensorial else len(gradients.graph)
        most = max(2, min(WORK // (work + 1), TENSORIAL if tensorial else WORK))
        spent = _SPENT[gradients] = Spent({}, textbook(gradients), most)
    every = dict.fromkeys(
        Way(count, significant, parts) for count, significant in counts(decimals, digits) for parts in PARTS
    )
    for way in islice(every, spent.most):
        if way not in spent.outcomes:
            spent.outcomes[way] = outcome_of(way, gradients, spent.textbook)
        outcome = spent.outcomes[way]
        if outcome is not None:
            yield way, outcome


def counts(decimals: int | None, digits: int | None) -> Iterator[tuple[int, bool]]:
    """To how many decimals, or significant digits, a student may have rounded who typed so many."""
    if decimals is not None and 1 < decimals <= max(DECIMALS):
        yield decimals, False
    most = max(DECIMALS) if decimals is None else decimals
    yield from ((count, False) for count in DECIMALS if 1 < count <= most)
    if digits is not None and min(DIGITS) <= digits <= max(DIGITS):
        yield digits, True
    yield from ((count, True) for count in DIGITS if digits is None or count <= digits)
    yield from ((count, False) for count in DECIMALS if count <= 1)


def outcome_of(way: Way, gradients: Gradients, by_book: Change) -> Outcome | None:
    """Both passes with rounded steps; None where one of them was moved too far."""
    steps = [Steps(way) if part else None for part in way.parts]
    change = Change(rounded=(steps[0], steps[1], steps[2]))
    outcome = sweep(gradients, by_book | change)
    return None if any(each is not None and each.far for each in steps) else outcome


def plausible(found: Value, right: Value, extent: float) -> bool:
    """Whether rounding on the way may have led from one number to the other, by its extent."""
    if isinstance(found, float) and isinstance(right, float):
        return bool(isfinite(found) and found * right > 0 and abs(found - right) <= FAR * extent)
    import numpy as np

    found, right = np.asarray(found), np.asarray(right)
    near = np.abs(found - right) <= FAR * np.abs(right)
    return bool(found.shape == right.shape and near.all())


def alone(found: Value, right: Value, way: Way) -> bool:
    """Whether only the result itself was rounded, which is no step on the way: exact answers show the difference."""
    if not isinstance(found, float) or not isinstance(right, float):
        return False
    return close(found, half_up(right, way.digits, way.significant))


def textbook(gradients: Gradients) -> Change:
    """The local gradients by the rules that textbooks print, y(1-y) of a sigmoid: from numbers that were written down.

    Our own rules compute them another way, which keeps more digits.
    """
    from gradcli.notation import local

    graph = gradients.graph
    rules: dict[Slot, Callable[..., Value]] = {}
    for i, op in enumerate(graph.ops):
        if not op.shown or op.structural or op.reduces or not graph.varied[i]:
            continue
        for k, p in enumerate(graph.parents[i]):
            if graph.varied[p] and op.passes(k) and op.selected(k) is None:
                rules[i, k] = lambda m, y, *x, op=op, k=k: local(op, k, m, y, x)
    return Change(locals=rules)


# ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Steps:
    """Rounds each number that it is given, and remembers whether one was moved too far."""

    def __init__(self, way: Way) -> None:
        self.way, self.far = way, False
        self.limit = ROUGH if way.digits < 2 else NEAR

    def __call__(self, value: Value) -> Value:
        """The rounded number, or array."""
        if not isinstance(value, float | int):
            return self.array(value)
        value = float(value)
        rounded = half_up(value, self.way.digits, self.way.significant)
        if abs(rounded - value) > self.limit * abs(value) and abs(value) > NOTHING:
            self.far = True
        return rounded

    def array(self, value: Any) -> Any:
        """The array rounded entry by entry."""
        import numpy as np

        value = np.asarray(value, dtype=np.float64)
        scale = np.full(value.shape, 10.0**self.way.digits)
        if self.way.significant:
            power = np.floor(np.log10(np.abs(value)))
            scale = 10.0 ** (self.way.digits - 1 - np.where(np.isfinite(power), power, 0.0))
        rounded = np.copysign(np.floor(np.abs(value) * scale + 0.5 + 1e-9) / scale, value)
        rounded = np.where(np.isfinite(rounded), rounded, value)
        moved = np.abs(rounded - value) > self.limit * np.abs(value)
        self.far |= bool(np.any(moved & (np.abs(value) > NOTHING)))
        return rounded[()]
