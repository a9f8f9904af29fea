"""All answers of a student to one problem: right, following from an earlier mistake, or wrong and why.

Answers are judged in the order in which the numbers are worked out: forward values, then gradients from the output
back. What is wrong takes the place of the right number in the sweeps that later answers are compared with, so that a
mistake counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell, resolve
from gradcli.homework.diagnosis.search import Judged, Test, explain
from gradcli.homework.formulas.proving import prover
from gradcli.homework.numbers import comparing
from gradcli.homework.numbers.given import Reader, array, read
from gradcli.homework.records import (
    Answer,
    Blank,
    Checked,
    Comparison,
    Explanation,
    Formula,
    Given,
    Listed,
    Number,
    Result,
    Rules,
    State,
    Unreadable,
)
from gradcli.homework.sweeps import NOTHING, Change, Outcome, sweep

ACCEPTED = (State.RIGHT, State.ROUNDED)

Spot = tuple[str, tuple[int, ...], int]
"""Where a cell is read: its kind, its nodes, which input of the child it belongs to."""


class Own(NamedTuple):
    """A student's own number in a cell, which later answers may follow from.

    low, high: the ends of what it may have been before it was rounded.   wrong: whether it is not the right one.
    """

    cell: Cell
    value: Value
    low: Value
    high: Value
    wrong: bool
    given: Given


def check(
    gradients: Gradients, answers: Iterable[Answer], rules: Rules | None = None, *, prove: bool = True
) -> Checked:
    """Judge the answers to one problem.

    prove: whether sympy is asked to prove a formula that agrees at every point tried.
    Errors: UnknownCell for an address that names no cell.
    """
    with prover():
        return in_order(gradients, answers, rules or Rules(), prove=prove)


def in_order(gradients: Gradients, answers: Iterable[Answer], rules: Rules, *, prove: bool) -> Checked:
    """The answers one after the other, then what is wrong with them."""
    names = known_names(gradients)
    results: list[Result] = []
    tests: dict[int, Test] = {}
    owned: list[Own] = []
    for answer, cell in sorted(((a, resolve(a.address, gradients)) for a in answers), key=lambda pair: order(pair[1])):
        given = (
            read(answer.text, names=names, formula=reader(gradients)) if answer.value is None else array(answer.value)
        )
        result = Result(answer, cell, given, cell.value, State.BLANK)
        if isinstance(given, Unreadable):
            result = result._replace(state=State.UNREADABLE)
        elif not isinstance(given, Blank):
            comparison = compared(given, cell, gradients, rules, prove=prove)
            result = result._replace(state=comparison.state, accepted=comparison.accepted, remarks=comparison.remarks)
            tests[len(results)] = fitting(given, gradients, rules)
            if result.state is State.WRONG:
                result = carried(result, tests[len(results)], gradients, owned)
            number = numeric(given, gradients)
            if number is not None and getattr(number, "shape", ()) == getattr(cell.value, "shape", ()):
                wrong = result.state not in (*ACCEPTED, State.COARSE)
                owned.append(Own(cell, number, *ends(given, number), wrong, given))
        results.append(result)
    return Checked(gradients, diagnosed(results, tests, gradients, rules, owned), rules)


def known_names(gradients: Gradients) -> frozenset[str]:
    """The names that a formula may use: variables, nodes, and the upstream gradient dout."""
    graph = gradients.graph
    return frozenset((*graph.inputs, *(graph.names[i] for i in graph.shown), "dout"))


def reader(gradients: Gradients) -> Reader:
    """What reads a formula in the names and the definitions of the question."""

    def read(text: str) -> Formula | Unreadable:
        from gradcli.homework.formulas import comparison as formulas

        return formulas.read(text, gradients)

    return read


def compared(given: Given, cell: Cell, gradients: Gradients, rules: Rules, *, prove: bool) -> Comparison:
    """How an answer compares with the right number, or formula."""
    if isinstance(given, Formula):
        from gradcli.homework.formulas import comparison as formulas

        return formulas.compare(given, cell, gradients, rules, prove=prove)
    return comparing.compare(given, cell, gradients, rules)


def fitting(given: Given, gradients: Gradients, rules: Rules) -> Test:
    """Whether a predicted number counts as what was written."""
    if isinstance(given, Formula):
        from gradcli.homework.formulas import comparison as formulas

        return formulas.test(given, gradients, rules)
    return comparing.test(given, rules)


def order(cell: Cell) -> tuple[int, int, int]:
    """When a number is worked out: forward values first, then edges and gradients from the output back."""
    at = min(cell.nodes)
    if cell.kind == "value":
        return 0, at, 0
    return 1, -at, ("grad", "local", "down").index(cell.kind)


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
    if not isinstance(given, Number) or given.decimals is None:
        return number, number
    half = 0.5 * 10.0**-given.decimals
    return number - half, number + half


# ── what follows from an earlier answer ─────────────────────────────────────────────────────────────────────────


def carried(result: Result, fits: Test, gradients: Gradients, owned: Sequence[Own]) -> Result:
    """The same answer as one that follows from the student's own earlier numbers, if it does."""
    if not any(own.wrong for own in owned):
        return result
    for chosen in ([own for own in owned if own.wrong], list(owned)):
        if follows(result, fits, gradients, chosen):
            origin = origins(result.cell, gradients, chosen)
            if not origin:
                return result
            addresses = tuple(own.cell.address for own in origin)
            trivial = any(is_trivial(own) for own in origin)
            return result._replace(state=State.CARRIED, origin=addresses, trivial=trivial)
    return result


def follows(result: Result, fits: Test, gradients: Gradients, owned: Sequence[Own]) -> bool:
    """Whether the right method on these numbers gives the answer, however they were rounded on the way."""
    if isinstance(result.given, Formula):
        from gradcli.homework.formulas import following

        earlier = [(own.cell, own.given) for own in owned]
        return following.follows(result.given, result.cell, gradients, earlier)
    predicted = [read_with(result.cell, gradients, owned, end) for end in ("value", "low", "high")]
    if any(number is None for number in predicted):
        return False
    if any(fits(number) for number in predicted):
        return True
    given = result.given
    numbers = [number for number in predicted if isinstance(number, float)]
    if not isinstance(given, Number) or len(numbers) < len(predicted):
        return False
    low, high = ends(given, given.value)
    return min(numbers) <= high and low <= max(numbers) and min(numbers) < max(numbers)


def read_with(cell: Cell, gradients: Gradients, owned: Sequence[Own], end: str = "value") -> Value | None:
    """What a cell holds when the student's own numbers stand in the place of the computed ones."""
    outcome = sweep(gradients, substituted(owned, gradients, end))
    return None if outcome is None else outcome.read(cell)


def origins(cell: Cell, gradients: Gradients, owned: Sequence[Own]) -> list[Own]:
    """Of the student's own wrong numbers, the last one that a cell depends on."""
    whole = read_with(cell, gradients, owned)
    for own in reversed(owned):
        if own.wrong and differs(whole, read_with(cell, gradients, [other for other in owned if other is not own])):
            return [own]
    return []


def differs(one: Value | None, other: Value | None) -> bool:
    """Whether two numbers, or arrays, are not the same."""
    if one is None or other is None:
        return one is not other
    unequal = one != other
    return unequal if isinstance(unequal, bool) else bool(unequal.any())


def is_trivial(own: Own) -> bool:
    """Whether a wrong number takes the work out of what follows from it: 0 or 1, where the right one is neither."""
    easy = (0.0, 1.0, -1.0)
    if not isinstance(own.value, float) or not isinstance(own.cell.value, float):
        return bool(not getattr(own.value, "any", lambda: own.value)())
    return own.value in easy and own.cell.value not in easy


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


# ── what is wrong, and why ──────────────────────────────────────────────────────────────────────────────────────


def diagnosed(
    results: list[Result], tests: dict[int, Test], gradients: Gradients, rules: Rules, owned: Sequence[Own]
) -> tuple[Result, ...]:
    """The results with what the wrong answers did, what follows from the same mistake, and which was the first."""
    wrong = [i for i, result in enumerate(results) if result.state is State.WRONG]
    if not wrong:
        return tuple(results)
    right = [i for i, result in enumerate(results) if result.state in ACCEPTED]
    judged = {i: Judged(results[i].cell, tests[i]) for i in (*wrong, *right)}
    search = explain(gradients, [judged[i] for i in wrong], [judged[i] for i in right], budget=rules.budget)
    for i, found in zip(wrong, search.explanations, strict=True):
        holding = everywhere(results[i], gradients, found)
        results[i] = results[i]._replace(explanations=holding, searched=search.complete)
    mistake: tuple[int, Explanation, Outcome] | None = None
    for i in wrong:
        if mistake is not None and one_place(mistake[1]):
            predicted = mistake[2].read(results[i].cell)
            if predicted is not None and tests[i](predicted) and everywhere(results[i], gradients, [mistake[1]]):
                origin = (results[mistake[0]].cell.address,)
                results[i] = results[i]._replace(state=State.CARRIED, origin=origin, explanations=(mistake[1],))
                continue
        results[i] = on_own_numbers(i, results, judged[i], gradients, rules, owned)
        explanation = next(iter(results[i].explanations), None)
        if mistake is None and explanation is not None and explanation.change is not None:
            outcome = sweep(gradients, explanation.change)
            mistake = None if outcome is None else (i, explanation, outcome)
    results[wrong[0]] = results[wrong[0]]._replace(first=True)
    return tuple(results)


def everywhere(result: Result, gradients: Gradients, found: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """The explanations; of a formula those that hold at every point, and not only at the values given."""
    if not isinstance(result.given, Formula):
        return tuple(found)
    from gradcli.homework.formulas.following import confirmed

    return confirmed(result.given, result.cell, gradients, tuple(found))


def one_place(explanation: Explanation) -> bool:
    """Whether a mistake was made once, and not everywhere of its kind."""
    return len(explanation.sites) == 1


def on_own_numbers(
    i: int, results: Sequence[Result], judged: Judged, gradients: Gradients, rules: Rules, owned: Sequence[Own]
) -> Result:
    """A wrong answer, diagnosed as a mistake made on top of earlier ones where it is none on the right numbers."""
    result = results[i]
    earlier = [own for own in owned if own.wrong and order(own.cell) < order(result.cell)]
    if result.explanations or not earlier:
        return result
    base = substituted(earlier, gradients)
    search = explain(gradients, [judged], base=base, budget=rules.budget)
    found = everywhere(result, gradients, search.explanations[0])
    if not found:
        return result
    addresses = tuple(own.cell.address for own in origins(result.cell, gradients, earlier))
    return result._replace(explanations=found, origin=addresses, searched=search.complete)


def states(checked: Checked) -> Iterator[State]:
    """The states of all answers, in order."""
    return (result.state for result in checked.results)
