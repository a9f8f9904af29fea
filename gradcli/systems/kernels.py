"""Rows that arrays do in a few passes instead of many: the same numbers as by the row's rules, bit for bit.

A rule is written once for every system, in small steps. Between two products of matrices what NumPy spends on each step
is most of what a training loop waits for; so the loss that ends nearly every net is done in one go, in the case that is
nearly every one. What needs more care (labels that are weights, scores that are not finite, several largest ones) is
left to the rules.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradcli.ops import TABLE
from gradcli.systems import Function

highest, total = np.maximum.reduce, np.add.reduce


class Kernel(NamedTuple):
    """A row's value, (*x) → y, and its vector-Jacobian products, (g, y, *x) → what input k gets.

    Each returns None where the rules have to do it.
    """

    value: Function
    pulled: tuple[Function | None, ...]


def tried(kernel: Function, rules: Function) -> Function:
    """What the kernel says; what the rules say where it has no answer."""

    def run(*x: Any) -> Any:
        y = kernel(*x)
        return rules(*x) if y is None else y

    return run


class Scored(NamedTuple):
    """Rows of scores, each with one largest: which score the label names, how far scores are below the largest, which
    are it, exp(below), and what the exponentials of the others sum to."""

    named: Any
    below: Any
    wins: Any
    each: Any
    rest: Any


def scored(scores: Any, t: Any) -> Scored | None:
    """Scores with the index of a class for each row, taken apart as in ops/layers.py; None where it is not so plain."""
    if scores.ndim != 2 or t.ndim != 1:
        return None
    rows, classes = scores.shape
    named = t[:, None] == np.arange(classes)
    below = scores - highest(scores, axis=1, keepdims=True)
    wins = below == 0
    if not total(wins, axis=None) == total(named, axis=None) == rows:
        return None
    each = np.exp(below)
    return Scored(named, below, wins, each, total(each - wins, axis=1, keepdims=True))


def cross_entropy(scores: Any, t: Any) -> Any:
    """-log(softmax(scores)) of the classes named, averaged over the rows."""
    found = scored(scores, t)
    if found is None:
        return None
    named, below, _, _, rest = found
    return -total(np.where(named, below - np.log1p(rest), 0.0), axis=None) / len(scores)


def cross_entropy_pulled(g: Any, y: Any, scores: Any, t: Any) -> Any:
    """softmax(scores), less 1 at the classes named; there as what the others have, which keeps its digits."""
    found = scored(scores, t)
    if found is None:
        return None
    named, _, wins, each, rest = found
    others = np.where(wins, rest, rest - each + 1)
    return np.where(named, -others, each) / (1 + rest) * (g / len(scores))


KERNELS = {TABLE["softmax_cross_entropy"]: Kernel(cross_entropy, (cross_entropy_pulled, None))}
"""Row → its kernel."""
