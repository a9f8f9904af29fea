"""What leads to a wrong formula: a mistake, or earlier answers of the student's. It must do so at every point, not only
at the values given, where small numbers agree by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gradcli.autodiff import Gradients, Trace, Value
from gradcli.cells import Cell, resolve
from gradcli.errors import GradcliError
from gradcli.homework.formulas.comparison import alike, finite, test, value_at
from gradcli.homework.formulas.moving import moved
from gradcli.homework.records import Explanation, Formula, Given, Listed, Number
from gradcli.homework.sweeps import NOTHING, Change, Outcome, sweep
from gradcli.words import Said

Maker = Callable[[Gradients], Change]
"""What makes a change at whatever point the gradients are."""

PLACES = 3
"""Other points at which the same must hold."""


def fits(formula: Formula, cell: Cell, gradients: Gradients, seed: int = 0) -> Callable[[Change | Maker], bool]:
    """A test whether a sweep with a change leads to the formula: here, and at a few other points.

    A name in the formula may mean the right number, or the one of the changed sweep.
    """
    places = (gradients, *moved(gradients, cell, seed, PLACES))

    def fitting(change: Change | Maker) -> bool:
        agreed = 0
        for place in places:
            outcome = sweep(place, change(place) if callable(change) else change)
            predicted = None if outcome is None else outcome.read(cell)
            if outcome is None or predicted is None:
                return False
            meant = (value_at(formula, own) for own in (place, swept(place, outcome)))
            said = [value for value in meant if value is not None and finite(value)]
            if not said or not finite(predicted):
                continue
            if not any(alike(value, predicted) for value in said):
                return False
            agreed += 1
        return agreed >= min(2, len(places))

    return fitting


def same(formula: Formula, cell: Cell, gradients: Gradients, change: Change | Maker) -> bool:
    """Whether a formula is what a sweep with this change yields, at several points."""
    return fits(formula, cell, gradients)(change)


def follows(formula: Formula, cell: Cell, gradients: Gradients, earlier: Iterable[tuple[Cell, Given]]) -> bool:
    """Whether a formula follows from the student's own earlier answers, numbers or formulas."""
    return same(formula, cell, gradients, instead(earlier))


def confirmed(
    formula: Formula, cell: Cell, gradients: Gradients, explanations: Sequence[Explanation]
) -> tuple[Explanation, ...]:
    """Of the mistakes that lead to a formula's number here, those that lead to the formula at other points too."""
    if not explanations:
        return ()
    fitting = fits(formula, cell, gradients)
    elsewhere: set[tuple[str, tuple[int, ...]]] | None = None
    found = []
    for explanation in explanations:
        if explanation.change is not None:
            agrees = fitting(explanation.change)
        else:  # another number in place of the one asked for: what it is elsewhere, only the search knows
            if elsewhere is None:
                elsewhere = searched(formula, cell, gradients)
            agrees = (explanation.name, explanation.sites) in elsewhere
        if agrees:  # what else leads to the number here may lead to another one elsewhere
            found.append(explanation._replace(coincides=()))
    return tuple(found)


def searched(formula: Formula, cell: Cell, gradients: Gradients) -> set[tuple[str, tuple[int, ...]]]:
    """The mistakes that lead to the formula at another point, by name and place."""
    from gradcli.homework.diagnosis.search import Judged, explain

    found: set[tuple[str, tuple[int, ...]]] = set()
    for place in moved(gradients, cell, 1, 1):
        try:
            there = resolve(cell.address, place)
        except GradcliError:
            continue
        explanations = explain(place, [Judged(there, test(formula, place))]).explanations[0]
        found.update((explanation.name, explanation.sites) for explanation in explanations)
    return found


def explained_at(
    place: Gradients, formula: Given, cell: Cell, gradients: Gradients, budget: float
) -> tuple[Explanation, ...]:
    """The mistakes behind a formula that is right, or has no explanation, at the values given: looked for at a point at
    which it is wrong.
    """
    from gradcli.homework.diagnosis.search import Judged, explain

    if not isinstance(formula, Formula):
        return ()
    try:
        there = resolve(cell.address, place)
    except GradcliError:
        return ()
    found = explain(place, [Judged(there, test(formula, place))], budget=budget).explanations[0]
    with_point = [
        each._replace(said=Said("diagnosis.say_at", {"point": point(place), "one": each.said})) for each in found
    ]
    return confirmed(formula, cell, gradients, with_point)


def point(gradients: Gradients) -> str:
    """The values of the inputs, in words: x = 2, y = 3."""
    from gradcli.homework.formulas.comparison import listed
    from gradcli.homework.formulas.sampling import written

    values = gradients.trace.values
    return listed({name: written(values[i]) for name, i in gradients.graph.inputs.items()})


def instead(earlier: Iterable[tuple[Cell, Given]]) -> Maker:
    """The change that puts answers in the place of what belongs in their cells, at whatever point."""
    answers = list(earlier)

    def made(gradients: Gradients) -> Change:
        change = NOTHING
        for cell, given in answers:
            number = value_of(given, gradients)
            if number is not None and not cell.key and len(cell.nodes) == 1:
                change = change | in_place(cell, number)
        return change

    return made


def value_of(given: Given, gradients: Gradients) -> Value | None:
    """What an answer stands for at a point."""
    if isinstance(given, Formula):
        return value_at(given, gradients)
    if isinstance(given, Number):
        return given.value
    if isinstance(given, Listed):
        import numpy as np

        return np.asarray(given.value, dtype=np.float64)
    return None


def in_place(cell: Cell, number: Value) -> Change:
    """The change that puts a number in the place of a cell's."""
    node, k = cell.nodes[0], cell.k
    if cell.kind == "value":
        return Change(values={node: lambda m, *x: number})
    if cell.kind == "grad":
        return Change(sums={node: lambda m, downs: number})
    if cell.kind == "local":
        return Change(locals={(node, k): lambda m, y, *x: number})
    return Change(passed={(node, k): lambda at: number})


def swept(gradients: Gradients, outcome: Outcome) -> Gradients:
    """The numbers of a changed sweep, as gradients of its own."""
    trace = gradients.trace
    changed = Trace(trace.graph, list(outcome.values), trace.m, trace.shapes)
    return Gradients(changed, list(outcome.adjoints), gradients.upstream)
