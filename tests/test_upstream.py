"""`--upstream`, `--grad-output`, `--dout`: where backward starts, for an output of several entries or of one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gradcli.cli import run

W, X = np.array([[0.1, 0.5], [-0.3, 0.8]]), np.array([0.2, 0.4])
GIVEN = ["--W=[[0.1,0.5],[-0.3,0.8]]", "--x=[0.2,0.4]"]


@pytest.mark.parametrize("flag", ["--upstream", "--grad-output", "--dout"])
@pytest.mark.parametrize("spelling", ["=", " "])
def test_a_vector_jacobian_product(flag, spelling, capsys):
    """For y = W@x, dW is the outer product of the upstream gradient and x, and dx is Wᵀ times it."""
    words = [f"{flag}=[1, -2]"] if spelling == "=" else [flag, "[1, -2]"]
    assert run(["eval", "W@x", *GIVEN, *words, "--get", "dW", "--get", "dx"]) == 0
    dw, dx = map(json.loads, capsys.readouterr().out.splitlines())
    assert np.allclose(dw, np.outer([1, -2], X), rtol=1e-15)
    assert np.allclose(dx, W.T @ [1, -2], rtol=1e-15)


def test_from_a_file(tmp_path, capsys):
    """It is a value like any other, from a file too."""
    file = tmp_path / "dout.csv"
    file.write_text("1\n-2\n")
    assert run(["eval", "W@x", *GIVEN, f"--dout=@{file}", "--get", "dx"]) == 0
    assert np.allclose(json.loads(capsys.readouterr().out), W.T @ [1, -2], rtol=1e-15)


def test_of_a_number(capsys):
    """A number multiplies every gradient of a scalar output."""
    assert run(["eval", "x^2", "--x=3", "--upstream=-1/2", "--get", "dx"]) == 0
    assert capsys.readouterr().out == "-3\n"


WRONG = [
    (["--dout=[1,2]", "--upstream=[1,2]"], "given twice", "--upstream=[1,2]"),
    (["--dout=[1,2,3]"], "(3,), the output is (2,)", None),
    (["--dout=2"], "a scalar, the output is (2,)", None),
    (["--dout=[1,b]"], "'b' is not a number", "b"),
    (["--dout=[1,nan]"], "not finite", "[1,nan]"),
    ([], '--upstream="[1,1]"', None),
]


@pytest.mark.parametrize(("words", "message", "marked"), WRONG, ids=str)
def test_what_cannot_be(words, message, marked, capsys):
    """One spelling at once, of the output's shape, and finite; else exit 2, with the words under a caret."""
    assert run(["eval", "W@x", *GIVEN, *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    if marked is not None:
        _, source, carets, *_ = told.splitlines()
        start = carets.index("^")
        assert source[start : len(carets)] == marked
