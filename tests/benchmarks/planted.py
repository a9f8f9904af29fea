"""Planted mistakes and right answers, in the process; prints JSON.

`planted.py DIGITS sheet|answer STEP` plants mistakes in the answers of a whole sheet, or in one, typed to so many
digits (0 for all), and looks at every STEP-th; `planted.py alarms` looks at right answers.
"""

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
from gradcli.homework.checking import check
from gradcli.homework.diagnosis import candidates
from gradcli.homework.records import Answer, State
from tests.planted import Trial, diagnosed, expressions, told, trials, typed

Figures = dict[str, float]

TIMED = 25
"""Of so many trials one is timed from the start, with nothing kept from those before."""


def planted(digits: int | None, sheet: bool, step: int) -> Figures:
    """How many planted mistakes are among the first two, or said to lead to the same number; CPU milliseconds each."""
    count = right = first = 0
    alone: list[float] = []
    again: list[float] = []
    for trial in chosen(digits, sheet, step):
        if count % TIMED == 0:
            candidates.SCENES.clear()
            alone.append(milliseconds(trial))
            again.append(milliseconds(trial))
        found = diagnosed(trial).explanations[0]
        count += 1
        right += told(trial, found)
        first += bool(found) and (found[0].name, found[0].sites) == (trial.planted.name, trial.planted.sites)
    return {"trials": count, "told": right, "first": first, "alone": median(alone), "again": median(again)}


def milliseconds(trial: Trial) -> float:
    """The time of one diagnosis."""
    begun = process_time()
    diagnosed(trial)
    return 1000 * (process_time() - begun)


def chosen(digits: int | None, sheet: bool, step: int) -> Iterator[Trial]:
    """Every step-th trial."""
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
    if sys.argv[1] == "alarms":
        print(json.dumps(alarms()))
    else:
        print(json.dumps(planted(int(sys.argv[1]) or None, sys.argv[2] == "sheet", int(sys.argv[3]))))
