"""Inputs that are meant as labels or probabilities: a formula need hold only where they are such.

p - t is the gradient of softmax and cross-entropy for rows of t that sum to 1, and for no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from random import Random

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.graph import Graph
from gradcli.words import Said

CLOSE = 1e-6
"""How far the sum of a row may be from 1 that is meant to be 1: probabilities are typed with few decimals."""

COMPLEMENT = ("sub",)
"""Ops that make 1 - t, the chance of the other class."""

OF_TWO_CLASSES = ("binary_cross_entropy", "bce_with_logits")
"""Losses whose last input is a label, 0 or 1."""

OF_CHANCES = ("log", "log_softmax", "logsumexp", "softmax")
"""Ops without which rows of 0 and a 1 are no labels."""


class Meaning(StrEnum):
    """What an input is meant as."""

    SHARES = "shares"  # rows of probabilities
    ONE_HOT = "one_hot"  # rows of 0 and one 1
    FLAG = "flag"  # 0 or 1


Meanings = Mapping[str, Meaning]


def readings(gradients: Gradients, cell: Cell) -> Iterator[Meanings]:
    """Ways to read the inputs, the most general first; none where nothing looks like labels.

    What is differentiated by is not read: it is the variable.
    """
    graph, values = gradients.graph, gradients.trace.values
    kept, of_two = kept_labels(graph), labelled(graph)
    inputs = {name: values[i] for name, i in graph.inputs.items() if i not in cell.nodes and i not in kept}
    shares = [name for name, value in inputs.items() if is_shares(value)]
    flags = [name for name in inputs if graph.inputs[name] in of_two and is_flag(inputs[name])]
    hot = [name for name in shares if is_flag(inputs[name])] if any(op.name in OF_CHANCES for op in graph.ops) else []
    seen: list[Meanings] = []
    for meaning, names in ((Meaning.SHARES, shares), (Meaning.ONE_HOT, hot), (Meaning.FLAG, flags)):
        for group in (*([name] for name in names), names):
            reading = dict.fromkeys(group, meaning)
            if reading and reading not in seen:
                seen.append(reading)
                yield reading


def plain(gradients: Gradients, cell: Cell) -> Meanings:
    """What every input that looks like labels is most generally meant as."""
    return {name: meaning for reading in readings(gradients, cell) for name, meaning in reading.items()}


def kept_labels(graph: Graph) -> frozenset[int]:
    """The inputs that are labels of a loss over scores."""
    return frozenset(graph.parents[i][-1] for i, op in enumerate(graph.ops) if op.labels)


def labelled(graph: Graph) -> frozenset[int]:
    """The nodes that a loss of two classes takes for its labels: t, where there is 1 - t too."""
    found = set()
    for i, op in enumerate(graph.ops):
        parents = graph.parents[i]
        if op.name in OF_TWO_CLASSES:
            found.add(parents[-1])
        elif op.name in COMPLEMENT and parents[0] in graph.numbers and graph.numbers[parents[0]].value == 1:
            found.add(parents[1])
    return frozenset(found)


def is_flag(value: Value) -> bool:
    """Whether a number, or every entry, is 0 or 1."""
    if isinstance(value, float):
        return value in (0.0, 1.0)
    return bool(((value == 0) | (value == 1)).all())


def is_shares(value: Value) -> bool:
    """Whether every row of an array is of several numbers, none negative, that sum to 1."""
    if isinstance(value, float) or not value.ndim or value.shape[-1] < 2:
        return False
    return bool((value >= 0).all() and (abs(value.sum(axis=-1) - 1) <= CLOSE).all())


def drawn(value: Value, meaning: Meaning, random: Random) -> Value:
    """Other labels, or probabilities, of the same shape."""
    if isinstance(value, float):
        return float(random.randint(0, 1))
    import numpy as np

    own = np.random.default_rng(random.getrandbits(64))
    if meaning is Meaning.FLAG:
        return own.integers(0, 2, value.shape).astype(float)
    if meaning is Meaning.ONE_HOT:
        return own.permuted(value, axis=-1)
    parts = own.integers(1, 10, value.shape).astype(float)
    return np.asarray(parts / parts.sum(axis=-1, keepdims=True))


def said(reading: Meanings, gradients: Gradients) -> Iterator[Said]:
    """For which inputs a formula was found right."""
    values = gradients.trace.values
    for name, meaning in reading.items():
        rows = getattr(values[gradients.graph.inputs[name]], "ndim", 0) > 1
        key = f"{meaning}_of_rows" if rows and meaning is not Meaning.FLAG else meaning
        yield Said(f"formulas.{key}", {"name": name})
