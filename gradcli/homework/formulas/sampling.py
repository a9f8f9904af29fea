"""A formula for a cell of tensors: compared with NumPy, in double precision, at random points of the same shapes."""

from __future__ import annotations

from math import prod
from random import Random
from time import perf_counter
from typing import Any

import numpy as np

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell, resolve
from gradcli.errors import GradcliError, ShapeError
from gradcli.homework.formulas.comparison import apart, only_here
from gradcli.homework.formulas.meaning import Meanings, readings, said
from gradcli.homework.formulas.moving import at, at_kink, draws, nearby
from gradcli.homework.formulas.scope import UPSTREAM, Bound
from gradcli.homework.records import Comparison, Rules, State
from gradcli.notation import key_text, number
from gradcli.shapes import shown
from gradcli.words import Said

POINTS, USABLE = 24, 8
"""Random points that are tried, and at how many both sides must have numbers."""

MORE = 96
"""Points that are tried in all, where many of the first have no numbers."""

RTOL = 1e-9
"""How far entries may be apart, relative to the largest."""

MOVES, STEADY = 3, 1e-2
"""How often inputs are moved by a few ulp, and how little a difference changes that is none of rounding."""

LISTED = 12
"""Entries of a counter-example's values that are written out."""


def compare(bound: Bound, cell: Cell, gradients: Gradients, rules: Rules) -> Comparison:
    """Whether a formula is the right one for a cell, as far as double precision tells; if not for any inputs, whether
    it is for those that are labels or probabilities as the values given are.
    """
    comparison = found = sampled(bound, cell, gradients, rules)
    if not only_here(comparison):
        return comparison
    for meant in readings(gradients, cell):
        found = sampled(bound, cell, gradients, rules, meant)
        if found.state is State.RIGHT:
            return found
    return found if found.state is State.WRONG else comparison  # with a point that has labels too


def sampled(bound: Bound, cell: Cell, gradients: Gradients, rules: Rules, meant: Meanings | None = None) -> Comparison:
    """What random points say; meant: the inputs that are read as labels there."""
    here = numbers(bound, cell, gradients)
    if isinstance(here, str):
        return Comparison(State.WRONG, None, (Said("formulas.unfit", {"why": here}),))
    if here is not None and np.shape(here[0]) != np.shape(here[1]):
        right, found = (of_shape(np.shape(value)) for value in here)
        return Comparison(State.WRONG, None, (Said("formulas.shape", {"given": found, "right": right}),))
    deadline, random = perf_counter() + rules.budget, Random(rules.seed)  # noqa: S311 - points, not secrets
    count = total = 0
    wrong: tuple[Gradients, Value, Value] | None = None
    for values in draws(gradients, rules.seed, MORE, meant):
        if total >= POINTS and count >= USABLE and 2 * count >= total:
            break
        late = perf_counter() > deadline
        if late and count < USABLE:
            return Comparison(State.UNDECIDED, None, (Said("formulas.late", {"seconds": rules.budget}),))
        if late:
            break
        upstream = None if bound.upstream is None else other_upstream(gradients, random)
        moved = at(gradients, values, upstream)
        sides = None if moved is None else numbers(bound, cell, moved)
        total += 1
        if moved is None or sides is None or isinstance(sides, str) or at_kink(moved):
            continue
        if not close(*sides):
            if steady(bound, cell, moved, *sides, random):
                wrong = moved, *sides
                break
            continue
        count += 1
    agrees = here is not None and close(*here)
    if wrong is not None:
        remarks = [counter_example(bound, *wrong)]
        if agrees:
            remarks.append(Said("formulas.only_here"))
        return Comparison(State.WRONG, None, tuple(remarks), wrong[0])
    if here is not None and not agrees and not at_kink(gradients) and steady(bound, cell, gradients, *here, random):
        return Comparison(State.WRONG, None, (counter_example(bound, gradients, *here),))
    if count < USABLE:
        return Comparison(State.UNDECIDED, None, (Said("formulas.few", {"count": str(count), "total": str(total)}),))
    remarks = [Said("formulas.doubles", {"count": str(count)}), *said(meant or {}, gradients)]
    return Comparison(State.RIGHT, None, tuple(remarks))


def of_shape(shape: tuple[int, ...]) -> str | Said:
    """A shape, as it is told."""
    return shown(shape) if shape else Said("formulas.scalar")


def numbers(bound: Bound, cell: Cell, gradients: Gradients) -> tuple[Value, Value] | str | None:
    """The right number or array and the formula's; None where one is not finite, a text where no shapes fit."""
    try:
        right = resolve(cell.address, gradients).value
    except GradcliError:
        return None
    try:
        with np.errstate(all="ignore"):
            found = bound.graph.forward(bound.leaves(gradients)).value
    except ShapeError as error:
        return error.message
    except (GradcliError, ArithmeticError, ValueError):
        return None
    if right is None or not np.isfinite(right).all() or not np.isfinite(found).all():
        return None
    return right, found


def close(right: Value, found: Value) -> bool:
    """Whether two arrays of one shape agree, beside the largest entry."""
    size = max(float(np.max(np.abs(right), initial=0.0)), float(np.max(np.abs(found), initial=0.0)))
    return bool(np.all(np.abs(np.asarray(right) - found) <= RTOL * size + 1e-12))


def steady(bound: Bound, cell: Cell, gradients: Gradients, right: Value, found: Value, random: Random) -> bool:
    """Whether a difference stays what it is when the inputs move by a few ulp: that of rounding does not."""
    before = np.asarray(right) - found
    place = np.unravel_index(np.argmax(np.abs(before)), before.shape)
    for _ in range(MOVES):
        moved = at(gradients, nearby(gradients, random), gradients.upstream)
        sides = None if moved is None else numbers(bound, cell, moved)
        if sides is None or isinstance(sides, str) or np.shape(sides[0]) != np.shape(sides[1]):
            return False
        after = np.asarray(sides[0]) - sides[1]
        if not abs(after[place] - before[place]) <= STEADY * abs(before[place]):
            return False
    return True


def other_upstream(gradients: Gradients, random: Random) -> Value:
    """An upstream gradient of the output's shape, without a pattern."""
    shape = np.shape(gradients.upstream)
    entries = [round(random.uniform(0.5, 3.0) * random.choice((-1, 1)), 3) for _ in range(prod(shape))]
    return np.array(entries).reshape(shape) if shape else entries[0]


def counter_example(bound: Bound, gradients: Gradients, right: Value, found: Value) -> Said:
    """The entry that is off most, with both numbers, and the values there while they are few."""
    place = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(np.asarray(right) - found)), np.shape(right)))
    given, should = apart(float(np.asarray(found)[place]), float(np.asarray(right)[place]))
    fields = {"given": given, "right": should, "point": point(bound, gradients)}
    if not place:
        return Said("formulas.counter", fields)
    return Said("formulas.counter_entry", {**fields, "entry": key_text(place)})


def point(bound: Bound, gradients: Gradients) -> str:
    """The values of the variables that the formula or the question uses."""
    graph, values = gradients.graph, gradients.trace.values
    listed = [(name, values[i]) for name, i in graph.inputs.items()]
    if bound.upstream is not None:
        listed.append((UPSTREAM, gradients.upstream))
    return ", ".join(f"{name} = {written(value)}" for name, value in listed)


def written(value: Any) -> str:
    """A number, or a small array as a list; a large one by its shape."""
    if isinstance(value, float) or not np.shape(value):
        return number(float(value))
    return nested(np.asarray(value).tolist()) if np.size(value) <= LISTED else shown(np.shape(value))


def nested(value: Any) -> str:
    """Nested lists as they are written, numbers short."""
    return f"[{', '.join(map(nested, value))}]" if isinstance(value, list) else number(float(f"{value:.6g}"))
