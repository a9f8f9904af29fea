"""A kernel's numbers are those of its row's rules, to the last bit; what it does not know it leaves to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.ops import TABLE
from gradcli.systems.arrays import ARRAYS, Arrays
from gradcli.systems.kernels import KERNELS, cross_entropy, cross_entropy_pulled

LOSS = TABLE["softmax_cross_entropy"]


def by_rules(*x: Any) -> tuple[Any, Any]:
    """The loss, and what it passes to the scores from an upstream gradient of 0.7, as the row says."""
    rule = LOSS.pulled(0)
    assert rule is not None
    y = LOSS.computed(stable=True)(ARRAYS, *x)
    return y, rule(ARRAYS, np.float64(0.7), y, *x)


def drawn(seed: int) -> tuple[Any, Any]:
    """Scores of any size, some -inf, and an index for each row."""
    random = np.random.default_rng(seed)
    rows, classes = random.integers(1, 40), random.integers(1, 20)
    scores = random.normal(size=(rows, classes)) * 10.0 ** random.integers(-12, 4)
    if seed % 5 == 0:
        scores[random.integers(rows), random.integers(classes)] = -np.inf
    return scores, random.integers(0, classes, rows).astype(np.float64)


def test_plain_losses_are_the_rules_to_the_last_bit() -> None:
    """1,000 batches: nearly all are plain, and every one of these has the rules' loss and gradient."""
    plain = 0
    for seed in range(1000):
        x = drawn(seed)
        with ARRAYS.quiet():
            y = cross_entropy(*x)
            if y is None:
                continue
            plain += 1
            expected, gradient = by_rules(*x)
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(cross_entropy_pulled(np.float64(0.7), y, *x), gradient)
    assert plain > 900


BATCH = np.array([[0.3, 2.0, -1.0], [1.5, 0.5, 0.25]])

CAREFUL = {
    "weights": (BATCH, np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])),
    "one row": (BATCH[0], np.float64(1)),
    "two largest": (np.array([[1.0, 1.0]]), np.array([0.0])),
    "inf": (np.array([[np.inf, 1.0]]), np.array([1.0])),
    "nan": (np.array([[np.nan, 1.0]]), np.array([1.0])),
    "-inf throughout": (np.array([[-np.inf, -np.inf]]), np.array([1.0])),
    "no such class": (BATCH, np.array([0.0, 3.0])),
    "between classes": (BATCH, np.array([0.5, 1.0])),
    "a batch of batches": (BATCH[None], np.array([[0.0, 1.0]])),
}


@pytest.mark.parametrize("what", CAREFUL)
def test_what_needs_care_is_left_to_the_rules(what: str) -> None:
    """A kernel has no answer there, and the system's is the rules'."""
    x = CAREFUL[what]
    with ARRAYS.quiet():
        assert cross_entropy(*x) is None and cross_entropy_pulled(1.0, 0.0, *x) is None
        y, gradient = by_rules(*x)
        np.testing.assert_array_equal(ARRAYS.functions[LOSS](*x), y)
        rule = ARRAYS.pullbacks[LOSS](0)
        assert rule is not None
        np.testing.assert_array_equal(rule(np.float64(0.7), y, *x), gradient)


def test_a_row_of_the_same_name_is_not_the_row() -> None:
    """A row with other rules runs by these, so that a fault planted in one is found."""
    spoiled = LOSS.named(vjp=(lambda m, g, y, scores, t: 2 * g * scores, None))
    rule = Arrays().pullbacks[spoiled](0)
    assert rule is not None
    np.testing.assert_array_equal(rule(1.0, 0.0, BATCH, np.array([0.0, 1.0])), 2 * BATCH)


@pytest.mark.parametrize("op", KERNELS, ids=lambda op: op.name)
def test_a_kernel_has_an_answer_for_each_input(op: Any) -> None:
    """As many as the row has, and none where the row passes nothing."""
    kernel = KERNELS[op]
    assert len(kernel.pulled) == len(op.parameters)
    assert all(pulled is None or op.passes(k) for k, pulled in enumerate(kernel.pulled))
