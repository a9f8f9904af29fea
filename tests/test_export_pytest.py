"""The test file that is written: it runs by itself, passes, and fails where something else is computed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli import run as cli
from gradcli.errors import LimitError, UsageError
from gradcli.export.pytest_file import written
from gradcli.ops import TABLE
from gradcli.systems.source import Unspelled
from tests.exporting_tensors import EXAMPLES, SAMPLES, agree, by_the_engine, call, example, exported, numbered, ran

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
AT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}

LACKING = {"digamma", "polygamma"}
"""Rows that plain Python has no function for, themselves or in their gradients; SciPy has, for tensors."""


def passes(code: str) -> dict[str, Any]:
    """The tests of a file, each run for each of its names; what the file defines."""
    found = ran(code)
    found["test_value"]()
    for test, names in (("test_gradient", "GRADIENTS"), ("test_differences", "STEPS"), ("test_node", "NODES")):
        for name in found[names]:
            found[test](name)
    return found


@pytest.mark.parametrize("name", sorted(set(TABLE) - LACKING - {"gamma", "lgamma"}))
def test_every_row_is_pinned(name):
    """A file for each row, at its samples: its tests pass, and what it pins is what the engine computes."""
    for op, at in SAMPLES:
        if op.name == name:
            one = exported(call(op, len(at)), numbered(at))
            found = passes(written(one))
            agree(*found["value_and_grad"](**found["AT"]), one)
            assert list(found["NODES"]) == [one.graph.names[i] for i in one.graph.shown]


def test_what_plain_python_lacks_is_said():
    """The rows of the gamma function need digamma, which the standard library does not have."""
    for name in ("gamma", "lgamma", "digamma", "polygamma"):
        at = TABLE[name].samples[0]
        with pytest.raises(Unspelled, match="plain Python has no "):
            written(exported(call(TABLE[name], len(at)), numbered(at)))


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.stem != "two_layer_net"], ids=lambda path: path.stem
)
def test_every_example_is_pinned(path):
    """The examples, tensors and all; every node that they have, with its gradient."""
    text, values = example(path)
    one = exported(text, values)
    found = passes(written(one))
    gradients = by_the_engine(one)
    for name, (value, gradient) in found["NODES"].items():
        index = one.graph.names.index(name)
        np.testing.assert_array_equal(value, gradients.trace.at(index))
        np.testing.assert_array_equal(gradient, gradients.at(index))


def test_files_run_under_pytest_without_gradcli(tmp_path, capsys):
    """As an engineer runs them: pytest alone, in a directory that knows nothing of gradcli."""
    arguments = [f"--{name}={value}" for name, value in AT.items()]
    assert cli(["export", NEURON, *arguments, "--to", "pytest", "-o", str(tmp_path / "test_neuron.py")]) == 0
    assert cli(["export", "sum(tanh(W@x))", "--W=[[1,2],[3,4]]", "--x=[0.5,-1]", "--to", "pytest"]) == 0
    (tmp_path / "test_tensors.py").write_text(capsys.readouterr().out, encoding="utf-8")
    wrong = (tmp_path / "test_neuron.py").read_text(encoding="utf-8").replace("return nodes[", "return 1e-6 + nodes[")
    (tmp_path / "test_wrong.py").write_text(wrong, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    # of the neuron, 1 value, 5 gradients, 5 differences and 13 nodes; of the tensors 1, 2, 2 and 5
    assert done.stdout.splitlines()[-1].startswith("1 failed, 57 passed"), done.stdout
    assert "FAILED test_wrong.py::test_value" in done.stdout
    assert "gradcli" not in Path(tmp_path / "test_neuron.py").read_text(encoding="utf-8").replace(
        "Written by gradcli", ""
    )


def test_a_function_with_a_wrong_gradient_fails():
    """Its value is right, so that only the gradient's own test, and that of its differences, can tell."""
    found = ran(written(exported("x^2*y", {"x": 3.0, "y": 2.0})))
    found["value_and_grad"] = lambda x, y: (x * x * y, {"x": 2 * x, "y": x * x})
    found["test_value"]()
    found["test_gradient"]("y")
    with pytest.raises(AssertionError):
        found["test_gradient"]("x")


def test_differences_are_left_out_where_they_cannot_tell():
    """At a kink, and where the values lose too many digits, the file says so and pins the gradient alone."""
    code = written(exported("relu(x)*y", {"x": 0.0, "y": 2.0}))
    assert "# not compared with differences, which cannot tell them here: x" in code
    found = passes(code)
    assert list(found["STEPS"]) == ["y"]
    assert list(found["GRADIENTS"]) == ["x", "y"]


def test_only_what_is_asked_for_is_tested():
    """--wrt; the nodes stay."""
    found = passes(written(exported("x*y", {"x": 3.0, "y": 2.0}, wrt=("y",))))
    assert found["GRADIENTS"] == {"y": 3}
    assert list(found["NODES"]) == ["x", "y", "f"]


def test_names_are_those_that_python_takes():
    """Keywords and the file's own words are renamed; a name with quotes there is none."""
    text = "max=lambda*passes; θ = nodes+max; pytest*θ"
    found = passes(written(exported(text, {"lambda": 2.0, "passes": 3.0, "nodes": 5.0, "pytest": 7.0})))
    assert found["VALUE"] == 77
    assert set(found["NODES"]) == {"lambda", "passes", "max", "nodes", "θ", "pytest", "f"}


def test_the_function_has_the_name_that_is_wanted():
    """--function."""
    found = passes(written(exported("x*y", {"x": 3.0, "y": 2.0}, function="loss")))
    assert found["loss"](x=3.0, y=2.0) == (6, {"x": 2, "y": 3})


@pytest.mark.parametrize(
    ("text", "values", "error", "message"),
    [
        ("x*y", {}, UsageError, "no values are given"),
        ("log(x)", {"x": -1.0}, UsageError, "f is not finite"),
        ("sqrt(x)", {"x": 0.0}, UsageError, "the gradient of x is not finite"),
        ("x^y", {"x": 0.0, "y": 2.5}, UsageError, "plain Python cannot compute this at these values"),
        ("sum(x)", {"x": np.ones(20_000)}, LimitError, "larger than 20,000"),
    ],
)
def test_what_cannot_be_pinned_is_said(text, values, error, message):
    """Numbers are needed, finite ones, and few enough to be read."""
    with pytest.raises(error, match=message):
        written(exported(text, values))


def test_without_values_the_exit_status_is_2(capsys):
    """And the error says what to do."""
    assert cli(["export", "x*y", "--to", "pytest"]) == 2
    assert "give every variable its value, such as --x=2" in capsys.readouterr().err
