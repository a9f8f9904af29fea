"""All answers of a student to one problem: right, following from an earlier mistake, or wrong and why.

Answers are judged in the order in which the numbers are worked out: forward values, then gradients from the output
back. What is wrong takes the place of the right number in the sweeps that later answers are compared with, so that a
mistake counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from gradcli.autodiff import Gradients
from gradcli.cells import Cell, resolve
from gradcli.homework.carrying import Own, Test, carried, ends, is_easy, is_nothing, numeric, origins, substituted
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
    Result,
    Rules,
    State,
    Unreadable,
)
from gradcli.homework.sweeps import Outcome, sweep
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.homework.diagnosis.search import Judged

ACCEPTED = (State.RIGHT, State.ROUNDED)


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
    counters: dict[int, Gradients] = {}
    owned: list[Own] = []
    for answer, cell in sorted(((a, resolve(a.address, gradients)) for a in answers), key=lambda pair: order(pair[1])):
        given = (
            read(answer.text, names=names, formula=reader(gradients)) if answer.value is None else array(answer.value)
        )
        if isinstance(given, Formula) and not rules.formulas:
            given = Unreadable(Said("grade.number_asked"))
        result = Result(answer, cell, given, cell.value, State.BLANK)
        if isinstance(given, Unreadable):
            result = result._replace(state=State.UNREADABLE)
        elif not isinstance(given, Blank):
            comparison = compared(given, cell, gradients, rules, prove=prove)
            result = result._replace(state=comparison.state, accepted=comparison.accepted, remarks=comparison.remarks)
            tests[len(results)] = fitting(given, gradients, rules)
            if comparison.counter is not None:
                counters[len(results)] = comparison.counter
            if result.state is State.WRONG:
                result = carried(result, tests[len(results)], gradients, owned)
            result = comparing.agreeing(result, results, gradients, rules)
            number = numeric(given, gradients)
            if number is not None and getattr(number, "shape", ()) == getattr(cell.value, "shape", ()):
                wrong = result.state not in (*ACCEPTED, State.COARSE)
                root = result.state is not State.CARRIED
                owned.append(Own(cell, number, *ends(given, number), wrong, given, root))
        results.append(result)
    return Checked(gradients, diagnosed(results, tests, counters, gradients, rules, owned), rules)


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


# ── what is wrong, and why ──────────────────────────────────────────────────────────────────────────────────────


def diagnosed(
    results: list[Result],
    tests: dict[int, Test],
    counters: Mapping[int, Gradients],
    gradients: Gradients,
    rules: Rules,
    owned: Sequence[Own],
) -> tuple[Result, ...]:
    """The results with what the wrong answers did, what follows from the same mistake, and which was the first.

    counters: the question at a point at which a formula is wrong. The budget is that of all answers together.
    """
    end = monotonic() + rules.budget
    wrong = [i for i, result in enumerate(results) if result.state is State.WRONG]
    if not wrong:
        return tuple(results)
    from gradcli.homework.diagnosis.search import Judged, explain

    right = [i for i, result in enumerate(results) if result.state in ACCEPTED]
    judged = {i: Judged(results[i].cell, tests[i], numeric(results[i].given, gradients)) for i in (*wrong, *right)}
    search = explain(gradients, [judged[i] for i in wrong], [judged[i] for i in right], budget=rules.budget)
    for i, found in zip(wrong, search.explanations, strict=True):
        holding = everywhere(results[i], gradients, found)
        if not holding and i in counters:
            from gradcli.homework.formulas.following import explained_at

            holding = explained_at(counters[i], results[i].given, results[i].cell, gradients, end - monotonic())
        results[i] = results[i]._replace(explanations=holding, searched=search.complete)
    mistake: tuple[int, Explanation, Outcome] | None = None
    for i in wrong:
        if mistake is not None and one_place(mistake[1]):
            predicted = mistake[2].read(results[i].cell)
            if predicted is not None and tests[i](predicted) and everywhere(results[i], gradients, [mistake[1]]):
                first = results[mistake[0]].cell.address
                trivial = is_nothing(predicted, tests[i]) or any(is_easy(o) for o in owned if o.cell.address == first)
                results[i] = results[i]._replace(
                    state=State.CARRIED, origin=(first,), explanations=(mistake[1],), trivial=trivial
                )
                continue
        results[i] = on_own_numbers(i, results, judged[i], gradients, end - monotonic(), owned)
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
    i: int, results: Sequence[Result], judged: Judged, gradients: Gradients, budget: float, owned: Sequence[Own]
) -> Result:
    """A wrong answer, diagnosed as a mistake made on top of earlier ones where it is none on the right numbers."""
    result = results[i]
    earlier = [own for own in owned if own.wrong and order(own.cell) < order(result.cell)]
    if result.explanations or not earlier:
        return result
    from gradcli.homework.diagnosis.search import explain

    depends = origins(result.cell, gradients, earlier)
    if not depends:
        return result
    base = substituted(earlier, gradients)
    search = explain(gradients, [judged], base=base, budget=budget)
    found = everywhere(result, gradients, search.explanations[0])
    if not found:
        return result
    addresses = tuple(own.cell.address for own in depends)
    return result._replace(explanations=found, origin=addresses, searched=search.complete)


def states(checked: Checked) -> Iterator[State]:
    """The states of all answers, in order."""
    return (result.state for result in checked.results)
