"""Planted mistakes and right answers, in the process: `planted.py STEP` looks at every STEP-th trial; prints JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time

sys.path.append(str(Path(__file__).parents[2]))

from gradcli import parse
from gradcli.cells import list_cells
from gradcli.homework import candidates
from gradcli.homework.checking import check
from gradcli.homework.records import Answer, State
from tests.planted import Trial, diagnosed, expressions, told, trials, typed

Figures = dict[str, float]

WAYS = ((4, False), (None, False), (4, True), (None, True))
"""Digits typed, None for all; and whether a whole sheet is handed in, or one answer."""


def planted(step: int) -> Figures:
    """How many planted mistakes are among the first two, or said to lead to the same number; CPU milliseconds each."""
    count = right = first = 0
    alone: list[float] = []
    again: list[float] = []
    for trial in chosen(step):
        candidates.SCENES.clear()
        for times in (alone, again):
            begun = process_time()
            search = diagnosed(trial)
            times.append(1000 * (process_time() - begun))
        found = search.explanations[0]
        count += 1
        right += told(trial, found)
        first += bool(found) and (found[0].name, found[0].sites) == (trial.planted.name, trial.planted.sites)
    return {"trials": count, "told": right, "first": first, "alone": median(alone), "again": median(again)}


def chosen(step: int) -> Iterator[Trial]:
    """Every step-th trial of each way of answering."""
    for digits, sheet in WAYS:
        for expression in expressions():
            for at, trial in enumerate(trials(expression, digits, sheet=sheet)):
                if at % step == 0:
                    yield trial


def alarms() -> Figures:
    """How many right answers are called wrong: every cell of every expression, to 3 to 7 digits and to all."""
    count = false = 0
    for text, values in expressions():
        gradients = parse(text).forward(values).backward()
        cells = [cell for cell in list_cells(gradients) if isinstance(cell.value, float)]
        for digits in (3, 4, 5, 6, 7, None):
            answers = [Answer(cell.address, typed(cell.value, digits)) for cell in cells]
            states = [result.state for result in check(gradients, answers).results]
            count += len(states)
            false += sum(state in (State.WRONG, State.CARRIED) for state in states)
    return {"right": count, "alarms": false}


if __name__ == "__main__":
    print(json.dumps(planted(int(sys.argv[1])) | alarms()))
