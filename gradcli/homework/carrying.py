"""What follows from a student's own earlier numbers: the right method on a wrong value.

The student's numbers take the place of the computed ones in the sweeps, so that each cuts off what lies behind it: an
answer is compared with what the nearest ones lead to, and with what the first mistake leads to where steps between were
written down rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.numbers.intervals import simplified
from gradcli.homework.records import Formula, Given, Listed, Number, Result, State
from gradcli.homework.sweeps import NOTHING, Change, sweep

Test = Callable[[Value], bool]

Spot = tuple[str, tuple[int, ...], int]
"""Where a cell is read: its kind, its nodes, which input of the child it belongs to."""

WIDEST = 0.1
"""How far, as a share of itself, a number may have been from what was typed before it was rounded: digits that tell
less than that are no rounding."""

MOVED = 0.1
"""By which share an own number is changed to see what depends on it."""

STIRRED = 1e-3
"""The share of itself by which a number must change to count as one that depends on another."""

EASY = (0.0, 1.0, -1.0)
"""Numbers with which nothing is left to multiply."""


class Own(NamedTuple):
    """A student's own number in a cell, which later answers may follow from.

    low, high: the ends of what it may have been before it was rounded.   wrong: whether it is not the right one.
    root: whether it follows from no earlier one.
    """

    cell: Cell
    value: Value
    low: Value
    high: Value
    wrong: bool
    given: Given
    root: bool = True


def numeric(given: Given, gradients: Gradients) -> Value | None:
    """The number, or the array, that an answer stands for at this point."""
    if isinstance(given, Number):
        return given.value if isfinite(given.value) else None
    if isinstance(given, Listed):
        import numpy as np

        return np.asarray(given.value, dtype=np.float64)
    if isinstance(given, Formula):
        from gradcli.homework.formulas.comparison import value_at

        return value_at(given, gradients)
    return None


def ends(given: Given, number: Value) -> tuple[Value, Value]:
    """Between which numbers an answer lay before it was rounded to the digits typed."""
    if not isinstance(given, Number):
        return number, number
    bare = simplified(given)
    if bare.decimals is None:
        return number, number
    # Digits far behind the point, or before it, have no unit among doubles: 0.00e400.
    half = min(0.5 * 10.0 ** -max(-300, min(bare.decimals, 300)), WIDEST * abs(given.value))
    return number - half, number + half


def carried(result: Result, fits: Test, gradients: Gradients, owned: Sequence[Own]) -> Result:
    """The same answer as one that follows from the student's own earlier numbers, if it does."""
    if not any(own.wrong for own in owned):
        return result
    for chosen in choices(owned):
        if not follows(result, fits, gradients, chosen):
            continue
        origin = origins(result.cell, gradients, chosen)
        if origin:
            trivial = any(is_easy(own) for own in origin) or is_idle(result, fits, gradients, chosen, origin)
            addresses = tuple(own.cell.address for own in origin)
            return result._replace(state=State.CARRIED, origin=addresses, trivial=trivial)
    return result


def choices(owned: Sequence[Own]) -> Iterator[list[Own]]:
    """Which of the own numbers were worked with.

    The wrong ones; all, as they were rounded; the first mistakes alone, the rest of the work kept in full; these and
    the right ones as rounded.
    """
    wrong = [own for own in owned if own.wrong]
    yield wrong
    if len(wrong) < len(owned):
        yield list(owned)
    roots = [own for own in wrong if own.root]
    if roots and len(roots) < len(wrong):
        yield roots
        if len(wrong) < len(owned):
            yield [own for own in owned if own.root]


def follows(result: Result, fits: Test, gradients: Gradients, owned: Sequence[Own]) -> bool:
    """Whether the right method on these numbers gives the answer, however they were rounded on the way."""
    given, cell = result.given, result.cell
    if isinstance(given, Formula):
        from gradcli.homework.formulas import following

        return following.follows(given, cell, gradients, [(own.cell, own.given) for own in owned])
    predicted = read_with(cell, gradients, owned)
    if predicted is None:
        return False
    if not isinstance(predicted, float) or not isinstance(given, Number):
        others = (read_with(cell, gradients, owned, end) for end in ("low", "high"))
        return fits(predicted) or any(other is not None and fits(other) for other in others)
    if not isfinite(predicted):
        return False
    if fits(predicted):
        return True
    low, high = ends(given, given.value)
    most = WIDEST * abs(predicted)
    if not low - most <= predicted <= high + most:
        return False
    width = min(most, spread(predicted, cell, gradients, owned))
    return width > 0 and low - width <= predicted <= high + width


def spread(predicted: float, cell: Cell, gradients: Gradients, owned: Sequence[Own]) -> float:
    """How far a number may move for what the own numbers may have been before they were rounded."""
    total = 0.0
    for own in owned:
        if differs(own.low, own.high):
            ended = [read_with(cell, gradients, moved(owned, own, end)) for end in (own.low, own.high)]
            total += max((abs(end - predicted) for end in ended if isinstance(end, float)), default=0.0)
    return total


def read_with(cell: Cell, gradients: Gradients, owned: Sequence[Own], end: str = "value") -> Value | None:
    """What a cell holds when the student's own numbers stand in the place of the computed ones."""
    outcome = sweep(gradients, substituted(owned, gradients, end))
    return None if outcome is None else outcome.read(cell)


def moved(owned: Sequence[Own], own: Own, number: Value) -> list[Own]:
    """The own numbers with another one in the place of one of them."""
    return [other._replace(value=number) if other is own else other for other in owned]


def origins(cell: Cell, gradients: Gradients, owned: Sequence[Own]) -> list[Own]:
    """Of the student's own wrong numbers, the nearest one that a cell depends on.

    Another number is put in its place, and the others stay: so each hides what lies behind it.
    """
    whole = read_with(cell, gradients, owned)
    for own in reversed(owned):
        if own.wrong:
            for number in (own.cell.value, own.value * (1 + MOVED)):
                if differs(whole, read_with(cell, gradients, moved(owned, own, number))):
                    return [own]
    return []


def differs(one: Value | None, other: Value | None) -> bool:
    """Whether two numbers, or arrays, are not the same."""
    if one is None or other is None:
        return one is not other
    unequal = one != other
    return unequal if isinstance(unequal, bool) else bool(unequal.any())


# ── where nothing is left to work out ───────────────────────────────────────────────────────────────────────────


def is_easy(own: Own) -> bool:
    """Whether a wrong number takes the work out of what follows from it: 0 or ±1, where the right one is neither."""
    if not isinstance(own.value, float) or not isinstance(own.cell.value, float):
        return bool(not getattr(own.value, "any", lambda: own.value)())
    return own.value in EASY and own.cell.value not in EASY


def is_nothing(predicted: Value, fits: Test) -> bool:
    """Whether a number rounds to 0, as far as the digits go that were typed or that count."""
    if isinstance(predicted, float):
        return fits(0.0)
    import numpy as np

    return fits(np.zeros(np.shape(predicted)))


def is_idle(result: Result, fits: Test, gradients: Gradients, owned: Sequence[Own], origin: Sequence[Own]) -> bool:
    """Whether nothing had to be worked out: what comes of the own numbers is 0, or what comes of almost any garbage,
    as 1.00 does where 999 goes into a sigmoid.
    """
    predicted = read_with(result.cell, gradients, owned)
    if predicted is None or is_nothing(predicted, fits):
        return True
    return isinstance(predicted, float) and any(is_saturated(result, fits, gradients, owned, own) for own in origin)


def is_saturated(result: Result, fits: Test, gradients: Gradients, owned: Sequence[Own], own: Own) -> bool:
    """Whether an answer stays the same when the own number is changed, and would not if the right one were."""

    def near(number: Value) -> list[Value | None]:
        changed = (number, number * (1 - MOVED), number * (1 + MOVED))
        return [read_with(result.cell, gradients, moved(owned, own, each)) for each in changed]

    same = near(own.value)
    return not stirs(same) and all(each is not None and fits(each) for each in same) and stirs(near(own.cell.value))


def stirs(numbers: Sequence[Value | None]) -> bool:
    """Whether some numbers are not all the same as the first, as far as can be seen."""
    first, *others = numbers
    if not isinstance(first, float):
        return True
    return any(not isinstance(each, float) or not abs(each - first) <= STIRRED * abs(first) for each in others)


# ── a student's own numbers in a sweep ──────────────────────────────────────────────────────────────────────────


def substituted(owned: Sequence[Own], gradients: Gradients, end: str = "value") -> Change:
    """The sweep's change by which a student's own numbers take the place of the computed ones.

    end: which of an Own's numbers: value, low or high.
    """
    numbers: dict[Spot, Value] = {}
    for own in owned:
        cell, number = own.cell, getattr(own, end)
        spot = cell.kind, cell.nodes, cell.k
        if len(cell.nodes) > 1:
            continue  # a sum over occurrences takes the place of no one number
        if cell.key:
            from gradcli.systems.structure import slices

            before = numbers.get(spot)
            if before is None:
                right = sweep(gradients)
                before = None if right is None else right.read(cell._replace(key=()))
            if before is None:
                continue
            whole = before.copy()
            whole[slices(cell.key)] = number
            number = whole
        numbers[spot] = number
    change = NOTHING
    for (kind, nodes, k), number in numbers.items():
        change = change | in_place(kind, nodes[0], k, number)
    return change


def in_place(kind: str, node: int, k: int, number: Value) -> Change:
    """The change that puts a number in the place of a cell's."""
    if kind == "value":
        return Change(values={node: lambda m, *x: number})
    if kind == "grad":
        return Change(sums={node: lambda m, downs: number})
    if kind == "local":
        return Change(locals={(node, k): lambda m, y, *x: number})
    return Change(passed={(node, k): lambda at: number})
