"""The same question at other points: values of the same shapes, drawn from a seed.

Labels of a loss keep their values: they are classes, or one-hot rows, and other numbers would mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.errors import GradcliError
from gradcli.homework.formulas import meaning

KINDS = ("simple", "near", "wide", "unit", "near", "positive")
"""Kinds of draws, in turn: small whole numbers, around the values given, ±10, between 0 and 1, above 0."""

TRIES = 5
"""Draws for each point that is wanted."""


def moved(gradients: Gradients, cell: Cell, seed: int, count: int) -> Sequence[Gradients]:
    """The gradients at so many other points, as far as all numbers there are finite, and none is at a kink.

    cell: what is asked for; what looks like labels beside it stays such.
    """
    found: list[Gradients] = []
    for values in draws(gradients, seed, TRIES * count, meaning.plain(gradients, cell)):
        if len(found) == count:
            break
        other = at(gradients, values)
        if other is not None and sound(other):
            found.append(other)
    return found


def at(gradients: Gradients, values: dict[str, Value], upstream: Value | None = None) -> Gradients | None:
    """The gradients at other values; None where these do not suit the question."""
    try:
        trace = gradients.graph.forward(values)
        return trace.backward(gradients.upstream if upstream is None else upstream, wrt=gradients.wrt)
    except (GradcliError, ArithmeticError, ValueError):
        return None


def sound(gradients: Gradients) -> bool:
    """Whether all forward values, and all gradients that arrive, are finite, and no op is at a kink."""
    m: Any = gradients.trace.m
    reached = [g for g in gradients.adjoints if g is not None]
    return all(map(m.finite, gradients.trace.values)) and all(map(m.finite, reached)) and not at_kink(gradients)


def at_kink(gradients: Gradients) -> bool:
    """Whether an op has a choice to make at this point: there, formulas that are equal beside it may differ."""
    graph, values, m = gradients.graph, gradients.trace.values, gradients.trace.m
    with m.quiet():
        for i, op in enumerate(graph.ops):
            kinks = op.predicate("kinks")
            if kinks is not None and graph.used[i] and m.some(kinks(m, *[values[p] for p in graph.parents[i]])):
                return True
    return False


def draws(
    gradients: Gradients, seed: int, count: int, meant: meaning.Meanings | None = None
) -> Iterator[dict[str, Value]]:
    """Values for every variable, kind after kind; what is meant as labels stays such."""
    random, graph = Random(seed), gradients.graph  # noqa: S311 - points, not secrets
    kept = meaning.kept_labels(graph)
    given = {name: gradients.trace.values[i] for name, i in graph.inputs.items()}
    for n in range(count):
        kind = KINDS[n % len(KINDS)]
        values = {
            name: value if graph.inputs[name] in kept else drawn(value, kind, random) for name, value in given.items()
        }
        for name, read in (meant or {}).items():
            values[name] = meaning.drawn(given[name], read, random)
        yield values


def nearby(gradients: Gradients, random: Random) -> dict[str, Value]:
    """Values a few units in the last place off, but for labels."""
    graph, values = gradients.graph, gradients.trace.values
    kept = meaning.kept_labels(graph)
    return {
        name: values[i] if i in kept else values[i] * (1 + STEP * drawn(values[i], "signs", random))
        for name, i in graph.inputs.items()
    }


def drawn(value: Value, kind: str, random: Random) -> Value:
    """A number, or an array of the same shape, of a kind."""
    if isinstance(value, float):
        return _number(value, kind, random)
    import numpy as np

    if np.size(value) <= FEW:
        entries = [_number(entry, kind, random) for entry in np.ravel(value).tolist()]
        return np.array(entries).reshape(np.shape(value))
    low, high = RANGES[kind]
    found = np.random.default_rng(random.getrandbits(64)).uniform(low, high, np.shape(value))
    return found * np.where(value == 0, 1.0, value) if kind in RELATIVE else found


def _number(value: float, kind: str, random: Random) -> float:
    low, high = RANGES[kind]
    if kind == "simple":
        return float(random.choice((-1, 1)) * random.randint(1, int(high)))
    found = round(random.uniform(low, high), 3)
    return found * (value or 1.0) if kind in RELATIVE else found


RANGES: Mapping[str, tuple[float, float]] = {
    "simple": (-5, 5),
    "near": (0.5, 1.5),
    "wide": (-10, 10),
    "unit": (0.05, 0.95),
    "positive": (0.1, 4),
    "signs": (-1, 1),
}
"""Between which numbers a kind of draw lies."""

RELATIVE = ("near",)
"""Kinds that are factors of the values given."""

FEW = 64
"""Entries of an array that are drawn one by one, as short decimals."""

STEP = 2.0**-50
"""A few units in the last place."""
