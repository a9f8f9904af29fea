"""The book's TwoLayerNet on handwritten digits: PyTorch's gradients to 12 digits, and it learns."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from gradcli import Gradients, Graph, parse
from gradcli.cli import run
from tests.references import digits_net
from tests.references.digits_net import FROZEN, LEARNED, VALUES, Arrays

FILE = VALUES.with_suffix(".grad")
RTOL = 1e-12
"""Relative to the entry, and to the largest of its array for entries that are sums of what cancels."""


@cache
def given() -> Arrays:
    """The images, the labels and the weights that are committed."""
    with np.load(VALUES) as stored:
        return dict(stored)


@cache
def net() -> Graph:
    """The graph of the example."""
    return parse(FILE.read_text(encoding="utf-8"), given=given())


@cache
def gradients() -> Gradients:
    """The example at its values."""
    return net().forward(given()).backward()


def reference() -> Arrays:
    """PyTorch's numbers: of the PyTorch that is installed, else those that were frozen."""
    try:
        return digits_net.by_torch(given())
    except ImportError:
        with np.load(FROZEN) as frozen:
            return dict(frozen)


def agree(found: Arrays, expected: Arrays) -> None:
    """Every number of `expected` is found."""
    for name, exact in expected.items():
        tolerance = RTOL * np.abs(exact).max()
        np.testing.assert_allclose(found[name], exact, rtol=RTOL, atol=tolerance, err_msg=name, strict=True)


def test_the_data_are_scikit_learn_s() -> None:
    """The committed images and labels are the first of load_digits, the weights those of the seed."""
    pytest.importorskip("sklearn")
    made = digits_net.values()
    assert list(made) == list(given())
    for name, array in made.items():
        np.testing.assert_array_equal(given()[name], array, err_msg=name, strict=True)


def test_gradients_are_pytorch_s() -> None:
    """The loss and the gradients for the pixels and all that is learned are PyTorch's, to 12 digits."""
    agree({"value": np.asarray(gradients().trace.value), **gradients()}, reference())


def test_frozen_numbers_are_of_this_net() -> None:
    """What was frozen is of the committed values: it fits, and the loss and the last layer are NumPy's by hand."""
    with np.load(FROZEN) as frozen:
        exact = dict(frozen)
    values = given()
    assert {name: exact[name].shape for name in ("pixels", *LEARNED)} == {
        name: values[name].shape for name in ("pixels", *LEARNED)
    }
    hidden = 1 / (1 + np.exp(-(values["pixels"] / 16 @ values["W1"])))
    powers = np.exp(hidden @ values["W2"])
    likely = powers / powers.sum(axis=1, keepdims=True)
    rows = np.arange(len(likely))
    wanted = np.zeros_like(likely)
    wanted[rows, values["t"]] = 1
    missed = (likely - wanted) / len(likely)
    by_hand = {"value": -np.log(likely[rows, values["t"]]).mean(), "W2": hidden.T @ missed, "b2": missed.sum(axis=0)}
    agree(exact, {name: np.asarray(number) for name, number in by_hand.items()})


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The one file runs with the one file of values, and prints the same gradients, each in its shape."""
    words = ["eval", "--file", str(FILE), "--vars", str(VALUES), "--format", "json", "--no-verify"]
    status = run(words)
    result = capsys.readouterr()
    assert (status, result.err) == (0, "")
    document = json.loads(result.out)
    with np.load(FROZEN) as frozen:
        agree({"value": np.array(document["value"]), **arrays(document["grad"])}, dict(frozen))


def test_class_indices_have_no_gradient() -> None:
    """The labels name classes: no edge leads back to them, and their gradient is 0."""
    graph, found = net(), gradients()
    loss, place = graph.output, graph.parents[graph.output].index(graph.position("t"))
    assert not found.active(loss, place)
    assert not found["t"].any()


def arrays(nested: dict[str, object]) -> Arrays:
    """Nested lists by name, as arrays."""
    return {name: np.array(entry) for name, entry in nested.items()}


def test_proved(capsys: pytest.CaptureFixture[str]) -> None:
    """The proof takes the whole net; the gradient check looks along random directions and is happy."""
    words = ["eval", "--file", str(FILE), "--vars", str(VALUES), "--format", "json", "--verify-budget", "60"]
    for method in ("proof", "differences"):
        status = run([*words, "--verify", method])
        document = json.loads(capsys.readouterr().out)
        assert (status, document["verification"][method]["status"]) == (0, "passed")
        assert document["verification"]["failures"] == []


def test_it_learns() -> None:
    """Thirty steps down the gradients, and the loss is less than at first with every step."""
    values, losses = dict(given()), []
    for _ in range(30):
        trace = net().forward(values)
        slopes = trace.backward(wrt=LEARNED)
        losses.append(trace.value)
        values |= {name: values[name] - 0.5 * slopes[name] for name in LEARNED}
    assert losses[0] == pytest.approx(np.log(10), rel=0.001)
    assert all(later < earlier for earlier, later in pairwise(losses))


def test_the_source_of_the_data_is_named() -> None:
    """The example says where its data come from and under which licence."""
    text = FILE.read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "load_digits" in text
