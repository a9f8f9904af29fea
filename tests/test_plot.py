"""`gradcli plot`: curves, breaks, slopes and fields, in a terminal, as pictures and as points.

Expected numbers are worked out by hand, or by math and NumPy; never by gradcli.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import gradcli
from gradcli.cli import run
from gradcli.cli.files import from_files
from gradcli.errors import LimitError, NotScalarError, UsageError
from gradcli.plotting import sampling
from gradcli.plotting.axes import Axis, read
from gradcli.plotting.curves import curve
from gradcli.plotting.fields import field
from gradcli.plotting.sampling import Function, entrywise
from gradcli.render import plot_field, plot_labels, plot_picture, plot_terminal
from gradcli.render.figures import Style
from gradcli.render.plot_words import notes, remarks

PI = math.pi


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command line: words → (exit status, standard output, standard error)."""
    for name in ("COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        status = run(["plot", *words])
        out, err = capsys.readouterr()
        return status, out, err

    return call


def traced(text: str, low: float = -6, high: float = 6, at: tuple[float, ...] = (), **fixed: object):
    """The curve of a text over x."""
    return curve(text, Function(gradcli.parse(text), ["x"], fixed), Axis("x", low, high), at)


def told(text: str, low: float = -6, high: float = 6, at: tuple[float, ...] = ()) -> str:
    """What is said of a curve."""
    found = traced(text, low, high, at)
    return "\n".join([*remarks(found, Style()), *notes(found, Style())])


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

CLOSED = [
    # text, its value and its derivative by NumPy
    ("1/(1+exp(-x))", lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    ("x^3-2*x", lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2),
    ("sin(x)*exp(x/2)", lambda x: np.sin(x) * np.exp(x / 2), lambda x: np.exp(x / 2) * (np.cos(x) + np.sin(x) / 2)),
    ("softmax([x,0])[0]", lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    ("mse(x,2)", lambda x: (x - 2) ** 2, lambda x: 2 * (x - 2)),
    ("sq(a)=a*a; sq(x)+sq(3)", lambda x: x**2 + 9, lambda x: 2 * x),
    ("sum([x,1]@[[1,2],[3,4]])", lambda x: 3 * x + 7, lambda x: 3 + 0 * x),
    ("7", lambda x: 7 + 0 * x, lambda x: 0 * x),
]


@pytest.mark.parametrize(("text", "value", "slope"), CLOSED, ids=[row[0] for row in CLOSED])
def test_values_and_derivatives(text, value, slope):
    """Every point has the value and the derivative of the closed form, entry by entry or point by point."""
    x = np.linspace(-3, 3, 41)
    found = Function(gradcli.parse(text), ["x"], {})(x)
    np.testing.assert_allclose(found[0], value(x), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(found[1], slope(x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("text", "together"),
    [("sigmoid(x)", True), ("g(a)=relu(a)*2; g(x)", True), ("mse(x,1)", False), ("sum(x)", False), ("[x,1][0]", False)],
)
def test_what_runs_on_all_points_together(text, together):
    """A formula with a sum, a mean or an index is run point by point: of an array it would make another thing."""
    assert entrywise(gradcli.parse(text)) is together


def test_one_entry_of_a_tensor_is_varied():
    """The axis W[0,1] leaves the other entries as they are."""
    W, v = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0])
    function = Function(gradcli.parse("sum((W@v)^2)"), ["W[0,1]"], {"W": W, "v": v})
    value, slope = function(np.array([-1.0, 0.5]))
    np.testing.assert_allclose(value, [(1 - 2) ** 2 + 121, (1 + 1) ** 2 + 121])
    np.testing.assert_allclose(slope, [2 * (1 - 2) * 2, 2 * (1 + 1) * 2])
    assert W[0, 1] == 2


def test_an_output_of_several_entries_is_refused():
    """A vector is no curve; the message says how one entry is named."""
    with pytest.raises(NotScalarError, match="no scalar") as caught:
        traced("[x, 2*x]")
    assert "[0]" in (caught.value.hint or "")


# ── breaks ──────────────────────────────────────────────────────────────────────────────────────────────────

BREAKS = [
    ("sigmoid(x)", []),
    ("tanh(x)", []),
    ("gelu(x)", []),
    ("elu(x)", []),
    ("x^3", []),
    ("sigmoid(1000000*(x-0.1234567))", []),  # steep, and smooth
    ("exp(200*x)", []),
    ("x^200", []),
    ("cbrt(x)", []),
    ("relu(x)", [("kink", 0)]),
    ("leaky_relu(x)", [("kink", 0)]),
    ("abs(x-0.1234567)", [("kink", 0.1234567)]),
    ("exp(x)+0.001*abs(x)", [("kink", 0)]),
    ("sqrt(x^2)", [("kink", 0)]),
    ("sqrt(abs(x-0.3))", [("kink", 0.3)]),
    ("hardsigmoid(x)", [("kink", -3), ("kink", 3)]),
    ("max(x,x^2)", [("kink", 0), ("kink", 1)]),
    ("max([x,0,1])", [("kink", 1)]),
    ("max(sin(x),cos(x))", [("kink", PI * (k + 0.25)) for k in (-2, -1, 0, 1)]),
    ("step(x-0.3)", [("jump", 0.3)]),
    ("where(x>1, x^2, -x)", [("jump", 1)]),
    ("floor(x)", [("jump", k) for k in range(-5, 7)]),
    ("1/x", [("pole", 0)]),
    ("1/(x-0.1234)", [("pole", 0.1234)]),
    ("1/(x-0.1234)^2", [("pole", 0.1234)]),
    ("log(abs(x-0.1234))", [("pole", 0.1234)]),
    ("tan(x)", [("pole", PI * (k + 0.5)) for k in (-2, -1, 0, 1)]),
    ("where(x>0,log(x),0)", [("pole", 0)]),
    ("sin(x)/x", [("hole", 0)]),
]


@pytest.mark.parametrize(("text", "expected"), BREAKS, ids=[row[0] for row in BREAKS])
def test_breaks(text, expected):
    """Kinks, jumps, poles and holes are found where they are, and nowhere else."""
    found = traced(text).found.breaks
    assert [each.kind for each in found] == [kind for kind, _ in expected]
    np.testing.assert_allclose([each.at for each in found], [at for _, at in expected], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "slope", "pieces"),
    [
        ("relu(x)", False, 1),
        ("relu(x)", True, 2),
        ("1/x", False, 2),
        ("1/x", True, 2),
        ("tan(x)", False, 5),
        ("floor(x)", False, 13),
        ("abs(x)", True, 3),
        ("sqrt(x)", False, 1),
        ("sigmoid(x)", True, 1),
    ],
)
def test_what_is_joined(text, slope, pieces):
    """No line goes over a jump or a pole, nor the derivative's over a kink; what is taken at the kink is a point."""
    lines = list(traced(text).lines(slope=slope))
    assert len(lines) == pieces
    ends = [(x[0], x[-1]) for x, _ in lines]
    assert ends == sorted(ends)


def test_a_line_stays_near_its_function():
    """Where a line bends between samples there are more of them: a steep step is drawn as one."""
    found = traced("sigmoid(100000*(x-0.1234567))")
    inside = (found.value > 0.05) & (found.value < 0.95)
    assert inside.sum() >= 3  # samples at even distances would have none


GAPS = [
    ("log(x)", "undefined for x ≤ 0"),
    ("sqrt(x)", "undefined for x < 0"),
    ("sqrt(x-0.5)", "undefined for x < 0.5"),
    ("asin(x)", "undefined for x < -1 and x > 1"),
    ("sqrt(x^2-1)", "undefined for -1 < x < 1"),
    ("x/x", "undefined at x = 0"),
    ("exp(200*x)", "larger than any double for x > 3.5489"),
    ("x^x", "undefined for x < 0, single points aside"),
]


@pytest.mark.parametrize(("text", "said"), GAPS, ids=[row[0] for row in GAPS])
def test_gaps(text, said):
    """Where a function is not defined, or overflows, is said with the very end of it."""
    assert said in told(text).split("\n")


# ── slopes ──────────────────────────────────────────────────────────────────────────────────────────────────

FLAT_SIGMOID = math.log((1 + math.sqrt(0.96)) / (1 - math.sqrt(0.96)))  # σ(1-σ) = 0.01
FLAT_TANH = math.atanh(math.sqrt(0.99))  # 1 - tanh² = 0.01

STEEPEST = [
    ("sigmoid(x)", 0.25, 0, [(-6, -FLAT_SIGMOID), (FLAT_SIGMOID, 6)]),
    ("tanh(x)", 1, 0, [(-6, -FLAT_TANH), (FLAT_TANH, 6)]),
    ("x^2", 12, -6, []),
    ("exp(-abs(x))", 1, 0, [(-6, math.log(0.01)), (-math.log(0.01), 6)]),
    ("exp(x)", math.exp(6), 6, [(-6, math.log(0.01))]),
    ("sigmoid(1000000*(x-0.1234567))", 250000, 0.1234567, None),
    ("x*sin(1000*x)", 1909 * PI + 2 / (1909 * PI), -1.909 * PI - 2e-3 / (1909 * PI), []),  # tan(1000x) = 2/(1000x)
    ("1/x", math.inf, 0, []),
    ("sqrt(x)", math.inf, 0, []),
    ("sqrt(abs(x))", math.inf, 0, []),
]


@pytest.mark.parametrize(("text", "size", "at", "flat"), STEEPEST, ids=[row[0] for row in STEEPEST])
def test_the_largest_slope_and_where_it_vanishes(text, size, at, flat):
    """The lecture's figures: 0.25 for sigmoid, 1 for tanh; and where |f'| < 0.01."""
    found = traced(text)
    assert found.steepest is not None
    assert found.steepest.size == pytest.approx(size, rel=1e-9)
    assert found.steepest.at == pytest.approx(at, abs=1e-6)
    if flat is not None:
        np.testing.assert_allclose(np.ravel(found.vanishing), np.ravel(flat), rtol=1e-9)


SAID = [
    ("sigmoid(x)", "largest |f'| is 0.25, at x = 0; |f'| < 0.01 for |x| > 4.5849: the gradient vanishes"),
    ("relu(x)", "largest |f'| is 1, for x > 0; f' = 0 for x < 0: no gradient passes"),
    ("relu(x)", "kink at x = 0: the slope is 0 before it and 1 after it; relu'(0) is 0, as PyTorch"),
    ("hardtanh(x)", "largest |f'| is 1, for -1 < x < 1; f' = 0 for |x| > 1: no gradient passes"),
    ("exp(-x^2)", "largest |f'| is 0.8578, at x = ±0.7071; |f'| < 0.01 for |x| > 2.4923: the gradient vanishes"),
    ("asin(x)", "|f'| grows without bound at x = -1, 1"),
    ("abs(x)", "largest |f'| is 1, for x ≠ 0"),
    ("where(x>1,x,-x)", "largest |f'| is 1, for x ≠ 1"),
    ("where(x>0,x,-x)", "largest |f'| is 1, for x ≠ 0"),
    ("x-floor(x)", "largest |f'| is 1, for all x from -6 to 6, single points aside"),
    ("sin(1e7*x)", "largest |f'| seen is 10000000, at x = 0; the slope turns faster than it was sampled"),
    ("sum([x,sin(1000*x)])", "largest |f'| seen is 1001, at x = 0; the slope turns faster than it was sampled"),
    ("1e307*x", "f and f' go beyond ±1e305, where the plot ends"),
    ("floor(x)", "f' = 0 wherever it is defined: no gradient passes"),
    ("floor(x)", "jumps at x = -5, -4, -3, -2, -1 … (12 in all)"),
    ("1/x", "|f'| grows without bound at x = 0"),
    ("tan(x)", "poles at x = -4.7124, -1.5708, 1.5708, 4.7124"),
    ("relu(x)-relu(-x)", "at x = 0 alone the gradient is not 1, the slope on both sides; relu'(0) is 0, as PyTorch"),
    ("floor(100*x)", "jumps at x = -5.99, -5.98, -5.97, -5.96, -5.95 … and many more"),
    ("exp(200*x)", "larger than any double for x > 3.5489"),
    ("x+1", "largest |f'| is 1, for all x from -6 to 6"),
]


@pytest.mark.parametrize(("text", "said"), SAID, ids=[row[1][:40] for row in SAID])
def test_remarks(text, said):
    """What is to be seen is said in words."""
    assert said in told(text).split("\n")


@pytest.mark.parametrize("text", ["sin(200*pi*x)", "1-cos(200*pi*x)", "sin(200*pi*x)+x"])
def test_what_repeats_itself_from_sample_to_sample(text):
    """A wave as long as samples are apart is not taken for a straight line."""
    found = traced(text)
    assert found.steepest.size == pytest.approx(200 * PI + text.endswith("+x"), rel=1e-6)
    assert not found.steepest.stretches and not found.vanishing
    assert max(found.value) > 0.9


TANGENTS = [
    ("x^2", 3, "tangent at x = 3: slope 6, y = 6·x - 9; raise x by 0.1 and f rises by about 0.6"),
    ("1/x", 1, "tangent at x = 1: slope -1, y = -x + 2; raise x by 0.1 and f falls by about 0.1"),
    ("x^2", 0, "tangent at x = 0: slope 0, y = 0; raising x a little changes next to nothing"),
    ("relu(x)", 0, "x = 0 is a kink: the slope is 0 before it and 1 after it, and 0 is taken for it"),
    ("round(x)", 0.5, "no tangent at x = 0.5: f jumps there; 0 is taken for the slope"),
    ("relu(x)-relu(-x)", 0, "x = 0 is a kink: the slope is 1 before it and 1 after it, and 0 is taken for it"),
    ("sqrt(x)", 0, "no tangent at x = 0: the slope there is infinite"),
    ("log(x)", -1, "no tangent at x = -1: the value there is undefined"),
    ("tan(x)", PI / 2, "no tangent at x = 1.5708: the value there is not finite"),
]


@pytest.mark.parametrize(("text", "at", "said"), TANGENTS, ids=[f"{row[0]} at {row[1]:.3g}" for row in TANGENTS])
def test_tangents(text, at, said):
    """A tangent is told with its slope and its equation; where there is none, why."""
    assert said in told(text, at=(at,)).split("\n")


# ── the command: what is read ───────────────────────────────────────────────────────────────────────────────


def test_names_of_functions(command):
    """The bare name of a function means that function of the axis, beside formulas."""
    status, out, err = command("sigmoid", "tanh", "leaky_relu(x)", "--x=-1:1:0.5", "--format", "csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert (status, err) == (0, "")
    assert rows[0] == "x,sigmoid,d(sigmoid)/dx,tanh,d(tanh)/dx,leaky_relu(x),d(leaky_relu(x))/dx".split(",")
    table = np.array(rows[1:], dtype=float)
    x = np.arange(-1, 1.1, 0.5)
    np.testing.assert_allclose(table[:, 0], x)
    np.testing.assert_allclose(table[:, 3], np.tanh(x), rtol=1e-15)
    np.testing.assert_allclose(table[:, 4], 1 / np.cosh(x) ** 2, rtol=1e-14)
    assert table[0, 5:].tolist() == [-0.01, 0.01]


@pytest.mark.parametrize(
    ("words", "axis"),
    [
        (["t^2"], "t from -6 to 6"),
        (["w*x+b", "--w=2", "--b", "-1"], "x from -6 to 6"),
        (["w*x", "--x=3", "--w", "0:pi"], "w from 0 to 3.1416"),
        (["relu", "t^2", "--t=-1:1"], "t from -1 to 1"),
        (["x", "--x=0:1"], "x from 0 to 1"),
        (["x", "x^2"], "x from -6 to 6"),
        (["-x"], "x from -6 to 6"),
        (["--set", "at=-1:1", "at^2"], "at from -1 to 1"),
        (["θ^2", "--θ=0:1"], "θ from 0 to 1"),
        (["sum((W@x)^2)", "--W=[[1,2],[3,4]]", "--x=[1,2]", "--set", "W[0,-1]=-3:3"], "W[0,1] from -3 to 3"),
    ],
)
def test_the_axis(words, axis, command):
    """The axis is the variable with a range, or else the only one without a value."""
    status, out, _ = command(*words)
    assert status == 0
    assert axis in out.split("\n\n")[0]


def test_a_formula_from_a_file_and_from_standard_input(command, monkeypatch, tmp_path):
    """A file's values are overridden by a range; - reads standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO("x^2 # a note"))
    status, out, _ = command("-", "--format", "plain", "--x=0:2:1")
    assert (status, out) == (0, "0\t0\t0\n1\t1\t2\n2\t4\t4\n")
    (tmp_path / "v.json").write_text('{"x": 1, "w": 3}')
    (tmp_path / "f.grad").write_text("w*x")
    words = ["--file", str(tmp_path / "f.grad"), "--vars", str(tmp_path / "v.json"), "--x=0:1:1", "--format=plain"]
    assert command(*words)[:2] == (0, "0\t0\t3\n1\t3\t3\n")
    (tmp_path / "g.defs").write_text("g(a) = a*a")
    assert command("g", "--defs", str(tmp_path / "g.defs"), "--x=2:3:1", "--format=plain")[1] == "2\t4\t4\n3\t9\t6\n"


REFUSED = [
    # words, exit status, a part of the message
    (["x^2", "--x=3:-3"], 2, "the smaller number first: -3:3"),
    (["x^2", "--x=3:3"], 2, "the range is empty"),
    (["x^2", "--x=nan:3"], 2, "this is nan"),
    (["x^2", "--x=0:inf"], 2, "this is inf"),
    (["x^2", "--x=0:1e999"], 2, "larger than any double"),
    (["x^2", "--x=-1e308:1e308"], 2, "wider than any double"),
    (["x^2", "--x=1:1.0000000000000002"], 2, "so near"),
    (["x^2", "--x=0:1e-322"], 2, "so near"),
    (["x^2", "--x=:3"], 2, "a number is missing here"),
    (["x^2", "--x=a:b"], 2, "'a' is not a number"),
    (["x^2", "--x=1:2:3:4"], 2, "4 parts"),
    (["x^2", "--x=1:2:0"], 2, "a step of 0"),
    (["x^2", "--x=1:2:1e-9"], 5, "1,000,000,001 points"),
    (["x^2", "--x=0:10:0.0001"], 5, "100,001 points, and 100,000 are the most"),
    (["x^2", "--x=0:1e300:1e-300"], 5, "more than 1,000,000,000,000,000 points"),
    (["x^2", "--x=[1:2]"], 2, "not through lists"),
    (["x^2", "--x=3"], 2, "none is left to vary"),
    (["x^2", "--z=3"], 2, "no variable 'z'"),
    (["x*y"], 2, "which of x, y is the axis?"),
    (["x*y", "--x=-1:1"], 2, "no value for y"),
    (["x*y*z", "--x=0:1", "--y=0:1", "--z=0:1"], 2, "3 ranges, and two are the most"),
    (["x*y", "x", "--x=0:1", "--y=0:1"], 2, "two ranges and 2 expressions"),
    (["x*y", "--x=0:1", "--y=0:1", "--at=1"], 2, "two ranges make a plane"),
    (["x*y", "--x=0:1:0.001", "--y=0:1:0.001", "--format=csv"], 5, "100,000 are the most together"),
    (["3"], 2, "a formula without a variable"),
    ([], 2, "gradcli plot sigmoid tanh relu"),
    (["--x", "sigmoid"], 2, "--x took 'sigmoid' as its value"),
    (["sgimoid"], 2, "did you mean sigmoid?"),
    (["sigmod"], 2, "no function 'sigmod'"),
    (["nosuch"], 2, "a variable is given its range: --nosuch=-6:6"),
    (["x"], 2, "--x=-6:6"),
    (["at"], 2, "--set at=-6:6"),
    (["tanh", "x^2", "y"], 2, "no function 'y'"),
    (["linear"], 2, "affine(x,W,b)"),
    (["pi"], 2, "a formula without a variable"),
    (["pow"], 2, "write pow(x, 1)"),
    (["softmax"], 2, "a function of whole vectors"),
    (["<script>"], 2, "error:"),
    (["x^2", "-x", "3"], 2, "--x=3"),
    (["tanh", "x=3"], 2, "two dashes: --x=3"),
    (["x^2", "-format", "csv"], 2, "did you mean --format?"),
    (["x^2", "--at", "9"], 2, "outside x = -6:6"),
    (["x^2", "--at", "nan"], 2, "outside x = -6:6"),
    (["x^2", "--format=xml"], 2, "terminal, csv, plain, json"),
    (["x^2", "-o", "p.gif"], 2, ".png, .svg, .pdf, .csv, .json"),
    (["x^2", "-o", "p.png", "--format=csv"], 2, "keep one of them"),
    (["x^2", "--force"], 2, "-o plot.png"),
    (["x^2", "--decimals=2", "--format=csv"], 2, "never does"),
    (["W@x", "--x=-3:3", "--W=[[1,2],[3,4]]"], 2, '--set "x[0]=-3:3"'),
    (["x*w", "--w=[1,2]"], 2, "no scalar"),
    (["sum(W)", "--W=[1,2]", "--set", "W[2]=0:1"], 2, "W has no entry [2]"),
    (["sum(W)", "--W=[1,2]", "--set", "W[1]=3"], 2, "a range, and no value"),
    (["sum(W)", "--set", "W[1]=0:1"], 2, "no value for W, of which W[1] is varied"),
    (["sum(W)", "--W=[1,2]", "--W[1]=0:1"], 2, '--set "W[1]=0:1"'),
    (["log(x)", "--x=-6:-1"], 3, "in this range: log(x) at x = -3.5 is outside its domain x > 0"),
    (["log(x)", "--x=-1:3", "--at=1", "--format=csv"], 2, "csv has no place for it"),
    (["log(x)", "--x=-1:3", "--at=0"], 3, ""),
]


@pytest.mark.parametrize(("words", "status", "said"), REFUSED, ids=[" ".join(row[0]) or "nothing" for row in REFUSED])
def test_what_is_refused(words, status, said, command):
    """Each mistake has its exit status and its advice, and never a traceback."""
    found, _, err = command(*words)
    assert found == status
    assert said in err and "Traceback" not in err


def test_a_gap_is_a_note(command):
    """Where a function is not defined, the line has a gap, and standard error says so."""
    status, out, err = command("log", "--x=-1:1")
    assert (status, err) == (0, "note: log(x) is undefined for x ≤ 0\n")
    assert "⣀" in out or "⠤" in out


@pytest.mark.parametrize(("text", "low", "high", "step"), [("-6:6", -6, 6, None), ("0:2*pi:1/4", 0, 2 * PI, 0.25)])
def test_ranges(text, low, high, step):
    """The ends and the step of a range are constants of the language."""
    assert read("x", text, UsageError) == Axis("x", low, high, step)


def test_points_of_a_step():
    """A step reaches the end of the range where it fits by all but rounding."""
    assert Axis("x", 0, 1, 0.1).points(5)[-1] == 1
    assert len(Axis("x", 0, 1, 0.1).points(5)) == 11
    assert Axis("x", 0, 1, 0.4).points(5).tolist() == [0, 0.4, 0.8]


# ── the command: what is made ───────────────────────────────────────────────────────────────────────────────


def widths(text: str) -> int:
    """The longest line."""
    return max(len(line) for line in text.split("\n"))


@pytest.mark.parametrize("columns", ["24", "60", "80", "120", "200"])
def test_any_width(columns, command, monkeypatch):
    """No line is longer than the terminal is wide; numbers are never cut."""
    monkeypatch.setenv("COLUMNS", columns)
    _, out, _ = command("sigmoid", "tanh", "relu", "--at=1")
    assert widths(out) <= int(columns)
    assert "0.1966" in out and "\x1b" not in out
    assert "\u2800" not in out


def test_colour_changes_no_character(command, monkeypatch):
    """In colour and in a pipe the characters are the same."""
    plain = command("sigmoid", "tanh")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = command("sigmoid", "tanh")[1]
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_curves_bear_their_letters():
    """Without colour each of several curves is known by its letter, on the curve and in the legend."""
    text = plot_terminal.render([traced("sigmoid(x)"), traced("tanh(x)")], Style(width=80))
    assert text.startswith("a\u00a0sigmoid(x)   b\u00a0tanh(x)")
    drawn = "".join(line[6:] for line in text.split("\n") if "│" in line or "┤" in line)
    assert drawn.count("a") == drawn.count("b") == 2 * plot_terminal.TAGS


def test_the_curve_is_where_it_should_be():
    """The dots of x² rise from the middle to both ends; the derivative rises from left to right."""
    text = plot_terminal.render([traced("x^2", -1, 1)], Style(width=60))
    panel = [line[6:] for line in text.split("\n") if "│" in line or "┤" in line]
    heights = [
        [row for row, line in enumerate(panel[:13]) if len(line) > column and "⠀" < line[column] <= "⣿"]
        for column in (1, 26, 52)
    ]
    assert heights[0][0] <= 2 and heights[2][0] <= 2 and heights[1] == [12]


def test_ascii(tmp_path):
    """Where the encoding has no braille, marks draw the curves, and everything is ASCII."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for words in (["sigmoid", "tanh"], ["x*y", "--x=-1:1", "--y=-1:1"]):
        program = [sys.executable, "-W", "error", "-m", "gradcli", "plot"]
        done = subprocess.run([*program, *words], capture_output=True, env=environment, check=True)
        assert done.stderr == b""
        assert done.stdout.isascii() and b"\\u" not in done.stdout


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("png", ["1/x", "--at=1"]),
        ("svg", ["x*y", "--x=-1:1", "--y=-1:1"]),
        ("pdf", ["relu", "tanh", "--no-derivative"]),
    ],
    ids=["png", "svg", "pdf"],
)
def test_pictures(kind, words, command, tmp_path):
    """A picture is written whole, the same bytes for the same input, and over another one only with --force."""
    path = tmp_path / f"plot.{kind.upper()}"
    assert command(*words, "-o", str(path)) == (0, "", "")
    first = path.read_bytes()
    assert first[:8].startswith((b"\x89PNG", b"<?xml", b"%PDF"))
    status, _, err = command(*words, "-o", str(path))
    assert status == 4 and "--force" in err
    assert command(*words, "-o", str(path), "--force")[0] == 0
    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("home", ["new", "not to be written", "with half a list of fonts", "nowhere"])
def test_a_picture_on_a_fresh_machine(home, command, tmp_path):
    """Without a list of fonts, and where the system's cannot be listed, the bytes are the same, and nothing is said.

    Where nothing can be kept at all, that is one line, with exit 4.
    """
    from matplotlib.font_manager import FontManager

    path, folder = tmp_path / "here.png", tmp_path / "home"
    folder.mkdir()
    (folder / f"fontlist-v{FontManager.__version__}.json").write_text('{"_version": ' if "half" in home else "")
    (folder / "fc-list").write_text("#!/bin/sh\nexit 1\n")
    (folder / "fc-list").chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG"))},
        "PYTHONPATH": os.pathsep.join([str(Path(gradcli.__file__).parent.parent), *filter(None, sys.path)]),
        "HOME": "/dev/null/home" if home in ("not to be written", "nowhere") else str(tmp_path),
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        **({"MPLCONFIGDIR": str(folder)} if "half" in home else {}),
    }
    script = "import sys, tempfile\nfrom gradcli.cli import run\n"
    script += "def mkdtemp(**_): raise OSError(30, 'Read-only file system')\n"
    script += "tempfile.mkdtemp = mkdtemp\n" if home == "nowhere" else ""
    script += "sys.exit(run(sys.argv[1:]))"
    words = ["1/x", "--at=1", "-o"]
    program = [sys.executable, "-W", "error", "-c", script, "plot", *words, str(tmp_path / "there.png")]
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
    if home == "nowhere":
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith("error: matplotlib") and "MPLCONFIGDIR" in done.stderr.splitlines()[1]
        return
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert command(*words, str(path)) == (0, "", "")
    assert (tmp_path / "there.png").read_bytes() == path.read_bytes()


def test_a_picture_that_cannot_be_written(command, tmp_path):
    """A folder in the way, or a file where a folder should be, is told with exit 4."""
    (tmp_path / "plot.csv").mkdir()
    assert command("tanh", "-o", str(tmp_path / "plot.csv"), "--force")[0] == 4
    (tmp_path / "file").write_text("")
    assert command("tanh", "-o", str(tmp_path / "file" / "plot.csv"))[0] == 4


def test_user_text_is_inert(command, monkeypatch, tmp_path):
    """Mathematics, tags, controls and other scripts in a formula's text are text in a picture, and nothing else."""
    hostile = "x^2  # $\\frac{$ <script>alert(1)</script> ]]> --> \x1b[31m \u202e 주석 " + "w" * 10_000
    monkeypatch.setattr("sys.stdin", io.StringIO(hostile))
    path = tmp_path / "plot.svg"
    assert command("-", "-o", str(path))[0] == 0
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(path.read_text()).iter()}  # noqa: S314 - our own
    assert not tags & {"script", "a", "image", "foreignObject"}
    monkeypatch.setattr("sys.stdin", io.StringIO(hostile))
    out = command("-")[1]
    assert "\x1b" not in out and "\u202e" not in out and widths(out) <= 80


def test_the_settings_of_the_user_change_nothing():
    """A matplotlibrc, and what a notebook has set, leave the picture as it is, and are left as they are."""
    import matplotlib as mpl

    drawn = [traced("tanh(x)")]
    before = plot_picture.render(drawn, "svg", Style(), derivative=False)
    with mpl.rc_context({"lines.linewidth": 9, "axes.grid": False, "text.color": "red"}):
        assert plot_picture.render(drawn, "svg", Style(), derivative=False) == before
        assert mpl.rcParams["lines.linewidth"] == 9


def test_pyplot_is_never_loaded(tmp_path):
    """A picture is a Figure: no window system is looked for, and matplotlib is not loaded for the terminal."""
    script = (
        "import sys\nfrom gradcli.cli import run\n"
        "assert run(['plot', 'tanh', '--no-derivative']) == 0\n"
        "print(sorted({'matplotlib', 'sympy', 'flint', 'pydantic'} & set(sys.modules)))\n"
        f"assert run(['plot', 'tanh', '-o', {str(tmp_path / 'p.png')!r}]) == 0\n"
        "print(sorted({'matplotlib.pyplot', 'sympy', 'flint', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]


@pytest.mark.parametrize(("package", "words"), [("plotille", ["tanh"]), ("matplotlib", ["tanh", "-o", "p.png"])])
def test_a_package_that_is_missing(package, words, command, monkeypatch):
    """What is not installed is one line with the command that installs it."""
    import importlib.util

    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else known(name))
    status, out, err = command(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert 'pip install "gradcli[plot]"' in err


PICTURE, NET = ["plot", "tanh", "-o", "p.png"], ["draw", "x*y", "--x=1", "--y=2", "-o", "p.svg"]
LIBRARY = "raise ImportError('libfoo.so:\\n no such file')"

BROKEN = [
    # package, its text, words, the extra that brings it
    ("plotille", LIBRARY, ["plot", "tanh"], "plot"),
    ("matplotlib", LIBRARY, PICTURE, "plot"),
    ("matplotlib", "", PICTURE, "plot"),
    ("pygraphviz", LIBRARY, NET, "draw"),
    ("pygraphviz", "import nosuchmodule", NET, "draw"),
]


@pytest.mark.parametrize(("package", "broken", "words", "extra"), BROKEN, ids=[f"{row[0]} {row[1]}" for row in BROKEN])
def test_a_package_that_is_broken(package, broken, words, extra, tmp_path):
    """A package that is there and does not load is one line too, with the command that installs it."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(broken)
    paths = [str(tmp_path), str(Path(gradcli.__file__).parent.parent), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PATH": str(tmp_path)}
    program = [sys.executable, "-m", "gradcli", *words]
    done = subprocess.run(program, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"{package}, which does not load" in done.stderr and f'pip install "gradcli[{extra}]"' in done.stderr


def test_links_and_devices(command, tmp_path):
    """A link stays one, and what it leads to is written; a device is written to, and never replaced by a file."""
    words, points = ["x", "--x=0:1:1", "--no-derivative", "--force", "-o"], "x,x\n0,0\n1,1\n"
    (tmp_path / "far").mkdir()
    for name in ("there.csv", "new.csv"):
        link = tmp_path / f"to-{name}"
        link.symlink_to(Path("far") / name)
        (tmp_path / "far" / "there.csv").write_text("old")
        assert command(*words, str(link)) == (0, "", "")
        assert link.is_symlink() and (tmp_path / "far" / name).read_text() == points
    assert {each.name for each in (tmp_path / "far").iterdir()} == {"there.csv", "new.csv"}
    for name, leads, status in (
        ("null.csv", "/dev/null", 0),
        ("full.csv", "/dev/full", 4),
        ("loop.csv", "loop.csv", 4),
    ):
        link = tmp_path / name
        link.symlink_to(leads)
        if name != "full.csv" or Path(leads).is_char_device():  # not every system has it
            found, _, err = command(*words, str(link))
            assert found == status and link.is_symlink() and err.count("\n") == (status > 0)
    assert Path("/dev/null").is_char_device()
    assert not list(tmp_path.rglob("*.part"))


def test_no_file_is_left_where_a_folder_is_in_the_way(command, tmp_path):
    """What was written under a temporary name is gone where it cannot get its own."""
    (tmp_path / "plot.csv").mkdir()
    assert command("tanh", "-o", str(tmp_path / "plot.csv"), "--force")[0] == 4
    assert [each.name for each in tmp_path.iterdir()] == ["plot.csv"]


def test_labels_of_tangents_keep_apart(command):
    """A point that is given twice has one tangent; labels of near points stand over each other."""
    document = json.loads(command("x^2", "--at=1", "--at=1.0", "--at=2", "--format=json")[1])
    assert [each["at"] for each in document["curves"][0]["tangents"]] == [1, 2]
    labels: list[tuple[float, float]] = []
    for x in (300.0, 300.0, 310.0, 300.0, 20.0):
        plot_labels.free((x, 100.0), 10, labels)
    heights = sorted(y for x, y in labels if x > 100)
    assert all(b - a >= plot_labels.LABEL[1] for a, b in pairwise(heights))
    assert labels[-1] == (20, 110)


def test_csv_is_guarded(command):
    """A header that a spreadsheet would compute begins with a '; numbers are exact, and never guarded."""
    _, out, _ = command("-x/3", "--x=0:1:1", "--format=csv")
    assert out == "x,'-x/3,d(-x/3)/dx\n0,0,-0.3333333333333333\n1,-0.3333333333333333,-0.3333333333333333\n"
    assert command("x+1", "--x=0:1:1", "--no-derivative", "--format=csv")[1] == "x,x+1\n0,1\n1,2\n"


@pytest.mark.parametrize(
    "words",
    [
        ["1/x", "log(x)", "--x=-1:1:0.5", "--at=0.5"],
        ["log(x*y)", "--x=-1:1:1", "--y=1:3:1"],
        ["tanh", "--no-derivative"],
    ],
)
def test_json_follows_its_schema(words, command):
    """What json prints is strict JSON, and as the schema says."""
    schema = json.loads(files("gradcli").joinpath("schemas/plot-1.schema.json").read_text())
    status, out, _ = command(*words, "--format=json")

    def strict(word: str) -> None:
        raise AssertionError(word)

    document = json.loads(out, parse_constant=strict)
    jsonschema.validate(document, schema)
    assert status == 0 and document["schema"] == "gradcli.plot/1"


def test_points_in_a_file(command, tmp_path):
    """-o writes the points too, by the file's ending."""
    path = tmp_path / "points.csv"
    assert command("x^2", "--x=0:1:1", "-o", str(path))[0] == 0
    assert path.read_text() == "x,x^2,d(x^2)/dx\n0,0,0\n1,1,2\n"


# ── two variables ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_overflow_is_no_pole():
    """Where a value is too large for a double, it is not said to grow without bound."""
    assert "without bound" not in told("exp(x)", 0, 1000)
    assert "larger than any double for x > 709.7827" in told("exp(x)", 0, 1000)


def test_a_field():
    """Himmelblau's function and its gradient on a grid, by their closed forms."""
    axes = (Axis("x", -6, 6), Axis("y", -5, 5))
    text = "(x^2+y-11)^2+(x+y^2-7)^2"
    found = field(text, Function(gradcli.parse(text), ["x", "y"], {}), axes, (13, 11))
    x, y = np.meshgrid(found.x, found.y)
    np.testing.assert_allclose(found.value, (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2)
    np.testing.assert_allclose(found.dx, 4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7))
    np.testing.assert_allclose(found.dy, 2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7))
    assert found.extreme() == (0, 3, 2)  # the one minimum at whole numbers


def test_levels_part_the_plane_evenly():
    """Of a steep function too, about as many points lie between any two neighbouring contours."""
    text = "(1-x)^2+100*(y-x^2)^2"
    found = field(text, Function(gradcli.parse(text), ["x", "y"], {}), (Axis("x", -2, 2), Axis("y", -1, 3)), (81, 81))
    counts, _ = np.histogram(found.value, [-1, *found.levels(9), 1e9])
    assert len(counts) == 10 and counts.min() > 0.5 * counts.mean()


def test_arrows_point_uphill(command):
    """In the terminal the gradient of x + y points up and to the right everywhere, that of -x to the left."""
    _, out, _ = command("x+y", "--x=-1:1", "--y=-1:1")
    assert set(re.findall("[→↗↑↖←↙↓↘]", out)) == {"↗"}
    _, out, _ = command("-x+0*y", "--x=-1:1", "--y=-1:1")
    assert set(re.findall("[→↗↑↖←↙↓↘]", out)) == {"←"}


@pytest.mark.parametrize(
    "text",
    [
        "3+0*x*y",
        "log(x*y)",
        "1/(x*y)",
        "1e300*x*y",
        "1e308*x*y",
        "1e308*(x+y)/2",
        "floor(x)*y",
        "sum([x,y]^2)",
        "where(x>0,y,-y)",
    ],
)
def test_any_field_is_drawn_without_a_warning(text):
    """Poles, gaps, plateaus and huge values are drawn, in the terminal and as a picture."""
    axes = (Axis("x", -1, 1), Axis("y", -2, 2))
    found = field(text, Function(gradcli.parse(text), ["x", "y"], {}), axes, (25, 25))
    assert "x from -1 to 1" in plot_field.render(found, Style())
    assert b"</svg>" in plot_picture.render(found, "svg", Style())


@pytest.mark.parametrize("text", ["1e300*x", "1e-300*x", "x+1e15", "0*x", "floor(x)", "1/x", "x^x", "sin(1/x)"])
def test_any_curve_is_drawn_without_a_warning(text):
    """So are all curves."""
    found = traced(text)
    assert "x from -6 to 6" in plot_terminal.render([found], Style())
    assert b"</svg>" in plot_picture.render([found], "svg", Style(), derivative=False)


def test_huge_values_are_no_plateau():
    """1e300·x³ is drawn as x³ is; what cannot be drawn leaves the picture, and is said."""
    found, cube = traced("1e300*x^3"), traced("x^3")
    assert found.reach() == pytest.approx((-2.16e302, 2.16e302))
    ((_, y),), ((_, z),) = found.lines(), cube.lines()
    np.testing.assert_allclose(y / 1e300, z, rtol=1e-12)
    huge = traced("1e307+x")
    assert huge.reach() is None and huge.exceeds() and not huge.exceeds(slope=True)
    assert "f goes beyond ±1e305" in plot_terminal.render([huge], Style())
    assert b"</svg>" in plot_picture.render([huge], "svg", Style())


def test_extremes_at_round_numbers(command):
    """The minimum at a round point is seen whatever the grid: 0 of a bowl, and of Rosenbrock's valley at (1, 1)."""
    out = command("x^2+y^2", "--x=-3:3", "--y=-3:3")[1]
    assert "smallest value seen: 0, at x = 0, y = 0\n" in out
    out = command("(1-x)^2+100*(y-x^2)^2", "--x=-2:2", "--y=-1:3")[1]
    assert "smallest value seen: 0, at x = 1, y = 1\n" in out
    assert Axis("x", 1e15, 1e15 + 10).rounds().size == 0
    assert Axis("x", -6, 6).rounds()[[0, -1]].tolist() == [-6, 6]


def test_a_large_graph(monkeypatch):
    """Of a large graph fewer points are taken, and kinks are not looked for; of a very large one none are."""
    function = Function(gradcli.parse("+".join(f"abs(x-{k})" for k in range(400))), ["x"], {})
    found = curve("f", function, Axis("x", -6, 6), listing=False)
    assert not found.searched and found.defined
    monkeypatch.setattr(sampling, "WORK", {True: 100_000})
    assert len(curve("f", function, Axis("x", -6, 6), listing=False).x) < 100
    monkeypatch.setattr(sampling, "MOST_WORK", {True: 10_000})
    with pytest.raises(LimitError, match="too large"):
        curve("f", function, Axis("x", -6, 6))


EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.grad"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_every_example_is_plotted(path, command, monkeypatch):
    """Every example is plotted along one of its variables, or along one entry of a tensor, without a warning."""
    stem = str(path).removesuffix(".grad")
    values = next(f"{stem}{end}" for end in (".toml", ".npz") if Path(f"{stem}{end}").exists())
    given = from_files([values])
    graph = gradcli.parse(path.read_text(), given=given)
    trace = graph.forward(given)
    adjoints = trace.backward(np.ones(np.shape(trace.value))[()]).adjoints
    reached = [name for name, index in graph.inputs.items() if adjoints[index] is not None]
    name = min(reached, key=lambda each: np.ndim(given[each]))
    index = ",".join("0" * np.ndim(given[name]))
    name = f"{name}[{index}]" if index else name
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sampling, "WORK", {True: 300_000, False: 300_000})
    status, out, err = command("--file", str(path), "--vars", values, "--set", f"{name}=-3:3")
    assert (status, err) == (0, "")
    assert f"{name} from -3 to 3" in out


def test_a_few_entries_are_a_curve_each(capsys):
    """[x, x^2] is two curves with their own derivatives; more than six entries are refused with what to do."""
    assert run(["plot", "[x,x^2]", "--x=-1:1:0.5", "--format", "csv"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "x,f[0],d(f[0])/dx,f[1],d(f[1])/dx"
    assert [list(map(float, row.split(","))) for row in rows] == [
        [x, x, 1, x * x, 2 * x] for x in (-1, -0.5, 0, 0.5, 1)
    ]
    assert run(["plot", "[x,x,x,x,x,x,x]", "--x=-1:1"]) == 2
    assert "one entry of it is a curve" in capsys.readouterr().err
