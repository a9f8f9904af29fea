"""Which mistake leads to a student's number: the sweeps are run again under each misconception of the table.

Every single mistake at every place is tried once for all wrong answers together; then the same mistake at all places of
its kind, and other numbers of the right work written as the answer; and where nothing explains an answer, rounded steps
and two mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.diagnosis import candidates
from gradcli.homework.diagnosis.candidates import LIKELY, Candidate, attempts, confused, fits_in, scene_of
from gradcli.homework.diagnosis.fitting import Judged, Test
from gradcli.homework.diagnosis.hunting import Clock, Hunt
from gradcli.homework.diagnosis.rows import label
from gradcli.homework.diagnosis.scene import look
from gradcli.homework.records import Explanation
from gradcli.homework.sweeps import NOTHING, Change

__all__ = ["Judged", "Prediction", "Search", "Test", "explain", "label", "predictions"]


class Search(NamedTuple):
    """What was found.

    explanations: one entry a wrong cell, best first.   complete: False where the budget ran out.
    """

    explanations: list[tuple[Explanation, ...]]
    complete: bool = True


class Prediction(NamedTuple):
    """A mistake, and what it makes of some cells; None where it leaves no number, or says nothing of a cell.

    change: None where another number of the right work is written as the answer.
    """

    name: str
    sites: tuple[int, ...]
    change: Change | None
    values: tuple[Value | None, ...]


def explain(
    gradients: Gradients,
    wrong: Sequence[Judged],
    right: Sequence[Judged] = (),
    *,
    base: Change = NOTHING,
    budget: float = 2.0,
) -> Search:
    """The mistakes that lead to wrong answers, for each of them best first.

    A mistake that explains several of them, and contradicts none of the right ones, comes before one that explains one.
    base: the student's own earlier numbers, on top of which the mistake was made.   budget: seconds.
    """
    clock = Clock(budget)
    if not wrong:
        return Search([])
    with gradients.trace.m.quiet():
        search = Hunt(scene_of(gradients, base), wrong, right, clock)
        search.run()
        return Search([search.explanations(j) for j in range(len(wrong))], search.complete)


def predictions(
    gradients: Gradients, cells: Sequence[Cell], *, pairs: bool = False, budget: float = 2.0
) -> Iterator[Prediction]:
    """What every mistake makes of some cells, for as long as the budget lasts.

    pairs: two likely mistakes together, too.
    """
    clock, scene = Clock(budget), scene_of(gradients, NOTHING)
    likely: list[Candidate] = []
    with scene.m.quiet():
        if fits_in(scene):
            for candidate, after in attempts(scene, cells):
                if clock.over():
                    return
                if candidate.cost <= LIKELY and len(candidate.sites) == 1:
                    likely.append(candidate)
                if after is not None:
                    values = tuple(look(after, cell) for cell in cells)
                    yield Prediction(candidate.name, candidate.sites, candidate.change, values)
        for j, cell in enumerate(cells):
            for candidate, value in confused(scene, cell):
                alone = [value if at == j else None for at in range(len(cells))]
                yield Prediction(candidate.name, candidate.sites, None, tuple(alone))
        for one, other in candidates.pairs(likely) if pairs else ():
            for candidate, after in candidates.remembered(scene, (one, other), candidates.both):
                if clock.over():
                    return
                found = tuple(look(after, cell) for cell in cells)
                yield Prediction(candidate.name, candidate.sites, candidate.change, found)
