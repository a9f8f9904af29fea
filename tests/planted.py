"""Planted mistakes: expressions × every misconception × every place, the wrong numbers as a student types them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from gradcli import Gradients, parse
from gradcli.autodiff import Value
from gradcli.cells import Cell, list_cells
from gradcli.homework.diagnosis.misconceptions import FAMILIES
from gradcli.homework.diagnosis.search import Judged, Prediction, Search, explain, predictions
from gradcli.homework.numbers.comparing import compare, test
from gradcli.homework.numbers.given import read
from gradcli.homework.records import Explanation, Rules, State

LECTURE = (
    ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4}),
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    ("sigmoid(w0*x0+w1*x1+w2)", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    ("(x*y+max(z,w))*2", {"x": 3, "y": -4, "z": 2, "w": -1}),
    ("(x+y)*(x*y)", {"x": 2, "y": 3}),
    ("(x+sigmoid(y))/(sigmoid(x)+(x+y)^2)", {"x": 3, "y": -4}),
    ("tanh(w*x+b)", {"w": 0.7, "x": 1.3, "b": -0.4}),
    ("relu(w*x+b)^2", {"w": 1.5, "x": 2, "b": -1.2}),
    ("s=apple*n+orange*m; f=s*tax", {"apple": 100, "n": 2, "orange": 150, "m": 3, "tax": 1.1}),
    ("-log(exp(a)/(exp(a)+exp(b)+exp(c)))", {"a": 2, "b": 1, "c": 0.1}),
    ("(w*x+b-t)^2/2", {"w": 1.4, "x": 2.5, "b": 0.3, "t": 3}),
    ("h=tanh(w*x); v*h-h^2", {"w": 0.6, "x": 1.7, "v": 2.3}),
    ("sqrt(x^2+y^2)", {"x": 3, "y": 5}),
    ("x^2*y-sin(x*y)", {"x": 1.2, "y": 0.7}),
    ("max(x-y,y*z)*x", {"x": 4, "y": 1.5, "z": 1.2}),
    ("exp(-x^2/2)*cos(3*x)", {"x": 0.8}),
    ("log10(x*y)+2^x", {"x": 3, "y": 7}),
    ("where(x>1,x*y,x+y)-abs(y)", {"x": 2.5, "y": -1.6}),
)

TENSORS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("sum((W@x)^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}),
    (
        "softmax_cross_entropy(affine(x,W,b),t)",
        {
            "x": [[1.0, -2.0], [0.5, 3.0], [1.5, 0.2]],
            "W": [[0.5, 1.0, -1.0], [2.0, 0.25, 0.3]],
            "b": [0.1, 0.2, 0.3],
            "t": [[1, 0, 0], [0, 0, 1], [0, 1, 0]],
        },
    ),
    (
        "mean((relu(x@W+b)-t)^2)",
        {
            "x": [[1.0, 2.0], [3.0, -0.5]],
            "W": [[0.5, -1.0], [2.0, 0.3]],
            "b": [0.1, 0.2],
            "t": [[1.0, 0.0], [0.0, 2.0]],
        },
    ),
)

FILE = Path(__file__).parent / "cases" / "feynman.jsonl"

UNARY = ("sin", "cos", "exp", "tanh", "sigmoid", "sqrt", "log", "square")
BINARY = ("{}+{}", "{}-{}", "{}*{}", "{}/{}")


class Trial(NamedTuple):
    """A mistake that was planted, and what a student who made it writes in some cells."""

    gradients: Gradients
    planted: Prediction
    answers: tuple[tuple[Cell, str], ...]


def physics(count: int) -> list[tuple[str, dict[str, Any]]]:
    """Formulas of physics, one point each."""
    cases = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return [(case["expr"], case["vars"]) for case in cases[::3][:count]]


def drawn(count: int, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Random expressions in three variables, each at a point where all is finite."""
    random, found = Random(seed), []  # noqa: S311 - reproducible, and no secret
    while len(found) < count:
        parts = ["x", "y", "z", str(random.randint(2, 5))]
        for _ in range(random.randint(4, 7)):
            if random.random() < 0.35:
                part = f"{random.choice(UNARY)}({random.choice(parts)})"
            else:
                sides = [f"({part})" if len(part) > 1 else part for part in random.sample(parts, 2)]
                part = random.choice(BINARY).format(*sides)
            parts.append(part)
        text = f"({parts[-1]})*x+({parts[-2]})-y*z"
        values = {name: round(random.uniform(0.4, 2.4), 2) for name in "xyz"}
        gradients = parse(text).forward(values).backward()
        numbers = [*gradients.trace.values, *(gradients[name] for name in values)]
        if all(isfinite(number) and abs(number) < 1e4 for number in numbers) and len(gradients.graph) < 26:
            found.append((text, values))
    return found


def expressions() -> list[tuple[str, dict[str, Any]]]:
    """All of them."""
    return [*LECTURE, *physics(12), *drawn(12, seed=4)]


def typed(value: Value, digits: int | None) -> str:
    """A number as a student types it: all its digits; or so many significant ones, and a decimal where it has some."""
    if digits is None or float(f"{value:.12g}").is_integer():
        return repr(float(value)) if digits is None else f"{value:.12g}"
    brief = f"{value:.{digits}g}"
    return brief if "." in brief else f"{value:.1f}"


def wrong(cell: Cell, text: str, gradients: Gradients) -> bool:
    """Whether an answer is wrong, and not right with steps rounded, or right so far."""
    return compare(read(text), cell, gradients, Rules()).state is State.WRONG


def trials(expression: tuple[str, dict[str, Any]], digits: int | None, *, sheet: bool) -> Iterator[Trial]:
    """Every single mistake in an expression that makes an answer wrong.

    sheet: all values and gradients are handed in; else one gradient of an input, or one value.
    """
    text, values = expression
    gradients = parse(text).forward(values).backward()
    cells = [cell for cell in list_cells(gradients) if cell.kind in ("value", "grad") and isinstance(cell.value, float)]
    inputs = set(gradients.graph.inputs.values())
    for planted in predictions(gradients, cells, budget=60):
        if len(planted.sites) != 1:
            continue
        written = [
            (cell, typed(value, digits))
            for cell, value in zip(cells, planted.values, strict=True)
            if value is not None and isfinite(value)
        ]
        if sheet:
            if any(wrong(cell, answer, gradients) for cell, answer in written):
                yield Trial(gradients, planted, tuple(written))
            continue
        for cell, answer in written:
            asked = cell.kind == "value" or cell.nodes[0] in inputs
            if asked and not same(cell, planted, cells) and wrong(cell, answer, gradients):
                yield Trial(gradients, planted, ((cell, answer),))


def same(cell: Cell, planted: Prediction, cells: Sequence[Cell]) -> bool:
    """Whether a mistake leaves a cell as it is."""
    value = planted.values[list(cells).index(cell)]
    return value is None or abs(value - cell.value) <= 1e-9 * abs(cell.value)


def diagnosed(trial: Trial, budget: float = 10) -> Search:
    """What is made of a trial's wrong answers; the others are known to be right."""
    judged = [
        (Judged(cell, test(read(text), Rules()), float(text)), wrong(cell, text, trial.gradients))
        for cell, text in trial.answers
    ]
    return explain(
        trial.gradients,
        [each for each, is_wrong in judged if is_wrong],
        [each for each, is_wrong in judged if not is_wrong],
        budget=budget,
    )


def told(trial: Trial, found: Sequence[Explanation]) -> bool:
    """Whether the mistake that was planted is one of the first two, or said to lead to the same number."""
    name, sites = trial.planted.name, trial.planted.sites
    kin = next((group for group in FAMILIES if name in group), {name})  # one misconception, in the value or its rule
    return any(each.name in kin and each.sites == sites for each in found[:2]) or any(
        each.fields["name"] in kin and {*sites} <= {*each.fields["sites"]}
        for each in (found[0].coincides if found else ())
    )


def first_two(trial: Trial, found: Sequence[Explanation]) -> bool:
    """Whether the mistake that was planted is one of the first two itself."""
    name, sites = trial.planted.name, trial.planted.sites
    return any(each.name == name and each.sites == sites for each in found[:2])
