"""Tensors as people see them: golden tables, what must hold at every width, and what is said under them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.places import in_bytes
from gradcli.render import render as rendered
from gradcli.render.figures import Style, figure
from gradcli.render.html import render as html
from gradcli.render.table import render
from gradcli.render.tensor_rules import ruled, short_lists
from gradcli.render.tensor_table import named
from gradcli.render.tensors import SMALL, block, cell, figures, inline, summary
from gradcli.report import Report, build
from gradcli.syntax import parse

GOLDEN = Path(__file__).parent / "golden" / "tensors"

W, X = [[0.1, 0.5], [-0.3, 0.8]], [0.2, 0.4]  # CS231n, lecture 4


def wave(*shape: int) -> Any:
    """Numbers of all sizes between -3 and 3, the same on every machine."""
    count = int(np.prod(shape))
    return np.round(((np.arange(count) * 7919) % 601) / 100 - 3, 2).reshape(shape)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "norm-squared": ("sum((W@x)^2)", {"W": W, "x": X}),
    "batch-affine": ("sum((x@W+b)^2)", {"x": [[1, 2], [0.5, -1], [0, 3]], "W": W, "b": [1, 2]}),
    "softmax-loss": ("softmax_cross_entropy(a,t)", {"a": wave(3, 4), "t": np.eye(4)[:3]}),
    "two-layers": (
        "h = relu(X@W1+b1); s = h@W2+b2; sum((s-t)^2)",
        {
            "X": wave(100, 784),
            "W1": wave(784, 50) / 10,
            "b1": np.zeros(50),
            "W2": wave(50, 10) / 10,
            "b2": np.zeros(10),
            "t": np.eye(10)[np.arange(100) % 10],
        },
    ),
    "fan-out": ("sum(x*x)+x[0]*exp(x[1])", {"x": X}),
    "no-scalar": ("W@x", {"W": W, "x": X}),
    "outside": ("sum(log(x))", {"x": [1, -1, 2]}),
}
UPSTREAM = {"no-scalar": [1.0, -2.0]}
WIDTHS = (60, 80, 120, None)


def report(case: str) -> Report:
    text, values = CASES[case]
    return of(text, UPSTREAM.get(case), **values)


def of(text: str, upstream: Any = None, **values: Any) -> Report:
    return build(parse(text).forward(values).backward(upstream))


def check(name: str, drawn: str) -> None:
    """Compare with the golden file; GRADCLI_GOLDEN=write writes it anew."""
    path = GOLDEN / name
    if os.environ.get("GRADCLI_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES)
def test_table_is_the_golden_one(case: str, width: int | None) -> None:
    """The table is, byte for byte, the one that was looked at."""
    check(f"{case}-{width or 'natural'}.txt", render(report(case), Style(width=width)))


FORMATS: dict[str, Callable[[Report], str]] = {
    "md": lambda found: rendered(found, "markdown", Style()),
    "tex": lambda found: rendered(found, "latex", Style()),
    "html": lambda found: html(found, Style()),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", ["norm-squared", "two-layers", "no-scalar"])
def test_formats_are_the_golden_ones(case: str, form: str) -> None:
    """So are the formats for documents and notebooks."""
    check(f"{case}.{form}", FORMATS[form](report(case)) + "\n")


def test_the_lectures_numbers_stand_in_the_table() -> None:
    """CS231n, lecture 4: f = 0.116, dW = [[0.088, 0.176], [0.104, 0.208]], dx = [-0.112, 0.636]."""
    drawn = render(report("norm-squared"), Style(width=120))
    assert re.search(
        r"W +\(2,2\) .*∂f/∂W = ∂f/∂n1·xᵀ +\(2,\)·\(2,\)ᵀ +\[0\.44, 0\.52\] = \[\[0\.088, 0\.176\],\n", drawn
    )
    assert re.search(r"^ +\[-0\.3, 0\.8\]\] +\[0\.104, 0\.208\]\]$", drawn, re.MULTILINE)
    assert re.search(r"∂f/∂x = Wᵀ·∂f/∂n1 .* = \[-0\.112, 0\.636\]\n", drawn)
    assert re.search(r"f = sum\(n2\) +0\.116 ", drawn)


@pytest.mark.parametrize("width", [10, 40, 60, 80, 100, 120, 160, None])
@pytest.mark.parametrize("case", [case for case in CASES if case != "two-layers"])
def test_no_number_is_ever_cut(case: str, width: int | None) -> None:
    """At any width every entry of each small value and gradient stands there whole."""
    found = report(case)
    drawn = re.findall(r"[-\w.]+", render(found, Style(width=width)))
    for node in found.node_rows(found.order):
        for value in (node.value, node.gradient):
            if value is not None:
                entries = np.ravel(value).tolist()
                texts = figures(entries, Style()) if np.shape(value) else [figure(float(value), Style())]
                assert set(texts) <= {*drawn, "1"}


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
@pytest.mark.parametrize("case", CASES)
def test_a_table_fits_its_width(case: str, width: int) -> None:
    """No line is longer than the terminal; where no table fits, the nodes are listed."""
    assert max(map(len, render(report(case), Style(width=width)).splitlines())) <= width


WORDY = {
    "affine": ("softmax_with_loss(affine(x,W,b),t)", {"x": W, "W": W, "b": X, "t": np.eye(2)}),
    "names": ("total_error = prediction - target_value; sum(total_error^2)", {"prediction": X, "target_value": X}),
    **{case: CASES[case] for case in CASES if case != "no-scalar"},
}


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, None])
@pytest.mark.parametrize("case", WORDY)
def test_no_formula_and_no_rule_is_left_out(case: str, width: int | None) -> None:
    """At any width each node's formula stands there, above its lines where no column has room, and each edge's rule."""
    text, values = WORDY[case]
    found = of(text, **values)
    drawn = render(found, Style(width=width))
    for node in found.node_rows(found.order):
        assert named(node) in drawn
        for edge in node.edges:
            assert ruled(found, edge, Style(), alone=node.uses == 1) in drawn


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [50, 100, None])
def test_colour_changes_no_character(case: str, width: int | None) -> None:
    """Without its escapes the coloured table is the plain one."""
    coloured = render(report(case), Style(width=width, colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(report(case), Style(width=width))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [50, 100, None])
def test_ascii_form_is_ascii(case: str, width: int | None) -> None:
    """Where the encoding has no ᵀ and no ·, rules are written as they are typed."""
    drawn = render(report(case), Style(width=width, ascii=True))
    assert drawn.isascii()
    if case == "norm-squared":
        assert "df/dW = df/dn1@x.T" in drawn


@pytest.mark.parametrize("case", ["norm-squared", "batch-affine", "fan-out", "no-scalar"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_last_equals_signs_stand_under_each_other(case: str, width: int) -> None:
    """In every row the gradient begins in one column, under the heading's."""
    rows = render(report(case), Style(width=width)).split("\n\n")[1].splitlines()
    heading = rows[0].rindex(" = ")
    assert all(row[heading : heading + 3] in (" = ", "   ", "") for row in rows[2:])


# ── tensors ─────────────────────────────────────────────────────────────────────────────────────────────────

BLOCKS: list[tuple[Any, list[str]]] = [
    ([0.22, 0.26], ["[0.22, 0.26]"]),
    ([[0.1, 0.5], [-0.3, 12]], ["[[ 0.1,  0.5],", " [-0.3, 12.0]]"]),
    ([[0, 0.53461], [-0.104, 0]], ["[[ 0,      0.5346],", " [-0.1040, 0]]"]),
    ([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], ["[[[1, 2],", "  [3, 4]],", " [[5, 6],", "  [7, 8]]]"]),
    ([[[1.0]]], ["[[[1]]]"]),
    ([1e-9, float("nan"), float("-inf")], ["[1e-9, nan, -inf]"]),
]


@pytest.mark.parametrize(("entries", "lines"), BLOCKS)
def test_a_small_tensor_stands_in_full(entries: Sequence[Any], lines: list[str]) -> None:
    """A vector on one line, a matrix row by row with its points under each other."""
    assert block(np.array(entries, float), Style()) == lines
    assert cell(np.array(entries, float), Style(), 60, 2) == lines
    assert inline(np.array(entries, float), Style()).replace(" ", "") == "".join(lines).replace(" ", "")


def test_a_vector_goes_on_in_the_next_line() -> None:
    """Where the columns end, after a comma; never within a number."""
    assert block(np.array([0.1257, -0.1321, 0.6404, 10.5]), Style(), 20) == [
        "[ 0.1257, -0.1321,",
        "  0.6404, 10.5000]",
    ]


SUMMARIES: list[tuple[Any, str]] = [
    (np.arange(1, 101.0), "min 1  mean 50.5  max 100  norm 582"),  # the sum of squares to 100 is 338350
    (np.full((20, 20), 0.25), "all 0.25"),
    (np.array([*[np.nan] * 3, *range(17)]), "nan in 3 of 20 entries"),
    (np.array([np.inf, *range(19)]), "inf in 1 of 20 entries"),
    (np.array([3e200, *[0.0] * 15, 4e200]), "min 0  mean 4.12e199  max 4e200  norm 5e200"),  # no overflow
    (np.array([3e-200, *[0.0] * 15, 4e-200]), "min 0  mean 4.12e-201  max 4e-200  norm 5e-200"),  # no underflow
]


@pytest.mark.parametrize(("value", "text"), SUMMARIES)
def test_a_large_tensor_is_summarised(value: Any, text: str) -> None:
    """Least, mean and largest entry and the 2-norm to three digits; nan is never hidden behind them."""
    assert value.size > SMALL
    assert summary(value, Style(), 1) == [text]
    assert " ".join(" ".join(summary(value, Style(), 4)).split()) == " ".join(text.split())
    assert inline(value, Style()).endswith(f") {text}")


FIGURES: list[tuple[list[float], Style, list[str]]] = [
    ([-2.85, 0.66000001, 0.58], Style(), ["-2.8500", "0.6600", "0.5800"]),
    ([1.0, 0.5, 0.0], Style(), ["1.0", "0.5", "0"]),
    ([1.0, -3.0, 0.0], Style(), ["1", "-3", "0"]),
    ([0.5, 0.1 * 3 - 0.3], Style(), ["0.5", "≈0"]),  # 5.55e-17: the last bit of 0.3
    ([0.5, 0.1 * 3 - 0.3], Style(ascii=True), ["0.5", "~0"]),
    ([0.5, 0.1 * 3 - 0.3], Style(sig=4), ["0.5", "5.551e-17"]),
    ([0.5, 0.1 * 3 - 0.3], Style(decimals=2), ["0.5", "5.6e-17"]),
    ([0.0, 0.1 * 3 - 0.3], Style(), ["0", "5.551e-17"]),  # nothing larger that it might be left over from
    ([0.5, 1.9287498479639178e-22], Style(), ["0.5", "1.929e-22"]),  # the sigmoid of -50
    ([0.5, 1e-20, 0.00012345], Style(), ["0.5", "1e-20", "0.0001234"]),
    ([1 / 3, 2.0], Style(decimals=2), ["0.33", "2.00"]),
    ([1e12, 0.25, math.inf, math.nan], Style(), ["1000000000000", "0.25", "inf", "nan"]),
]


@pytest.mark.parametrize(("entries", "style", "texts"), FIGURES)
def test_entries_of_a_tensor_share_their_decimals(entries: list[float], style: Style, texts: list[str]) -> None:
    """0 is exactly 0, and ≈0 what rounding leaves where larger numbers cancel; a true number of any size stands."""
    assert figures(entries, style) == texts
    assert inline(np.array(entries), style) == f"[{', '.join(texts)}]"


def test_what_rounding_leaves_is_marked_in_every_format_for_people() -> None:
    """0.1·3 - 0.3 is 5.55e-17; machine formats have it as it is."""
    found = of("sum((x-t)^2)", x=[0.1 * 3, 1.25], t=[0.3, 0.5])
    assert "[≈0, 0.75]" in render(found, Style())
    assert "[≈0, 0.75]" in rendered(found, "markdown", Style())
    assert r"\begin{bmatrix} \approx 0 & 0.75 \end{bmatrix}" in rendered(found, "latex", Style())
    assert "[≈0, 0.75]" in html(found, Style())
    assert "5.551115123125783e-17" in rendered(found, "plain", Style())


def test_a_mean_that_is_rounding_is_marked() -> None:
    """0.1 + 0.2 - 0.3 is 5.55e-17: a mean that is 0 but for that has no digits to show."""
    value = np.array([0.1, 0.2, -0.3, *[0.0] * 13])
    assert "mean ≈0" in summary(value, Style(), 1)[0]
    assert "mean 3.47e-18" in summary(value, Style(sig=3), 1)[0]


def test_twelve_entries_are_shown_and_thirteen_are_not() -> None:
    """The limit is 12; a longer vector is summarised, unless everything is asked for."""
    drawn = re.sub(" +", " ", render(of("sum(x^2)", x=wave(12)), Style()))
    assert "-3.00, -1.94, " in drawn
    drawn = re.sub(" +", " ", render(of("sum(x^2)", x=wave(13)), Style()))
    assert "min -3 " in drawn and "-3.00, -1.94, " not in drawn
    assert "-3.00, -1.94, " in re.sub(" +", " ", render(of("sum(x^2)", x=wave(13)), Style(full=True)))


def test_full_prints_every_entry() -> None:
    """With --full each large value and gradient is listed under the table, row by row, in its own words."""
    x = wave(40, 30)
    drawn = render(of("sum(x^2)", x=x), Style(width=80, full=True))
    listed = drawn.split("\nx (40,30)\n")[1].split("\n\n")[0]
    assert [float(word) for word in re.findall(r"[-\d.]+", listed)] == x.ravel().tolist()
    gradient = drawn.split("\n∂f/∂x (40,30)\n")[1].split("\n\n")[0]
    assert [float(word) for word in re.findall(r"[-\d.]+", gradient)] == [round(2 * v, 10) for v in x.ravel().tolist()]
    assert max(map(len, drawn.splitlines())) <= 80
    assert "∂f/∂n1 (40,30) all 1\n" in drawn


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────


def test_broadcasting_is_undone_by_a_sum_and_told() -> None:
    """db is the column sums of the upstream gradient: (1+2.7+0.2, 8.2+2.9+8.8)."""
    drawn = render(report("batch-affine"), Style(width=120))
    assert re.search(r"^b .*∂n2/∂b, Σ over axis 0 .*= \[3\.9, 19\.9\]$", drawn, re.MULTILINE)
    assert "b (2,) is broadcast to (3,2): ∂f/∂b is summed over axis 0, the batch" in drawn
    assert "the number y is broadcast to (2,): ∂f/∂y is summed over all entries" in render(
        of("sum(x*y)", x=X, y=2), Style()
    )


def test_a_jacobian_is_shown_where_it_is_small() -> None:
    """∂(Wx)/∂x is W; of an op entry by entry only the diagonal is stored, and that is said."""
    drawn = render(report("norm-squared"), Style(width=120))
    assert "∂n1/∂x = [[ 0.1, 0.5],\n" in drawn
    assert "pow is elementwise: of the Jacobian only the diagonal is stored\n" in drawn
    assert "∂n1/∂x = " not in render(of("sum((W@x)^2)", W=wave(9, 2), x=X), Style())


def test_memory_of_a_full_jacobian_is_told_where_it_is_large() -> None:
    """The lecture's point: 4096 entries in and out make 4096 × 4096 numbers, 134 MB in double precision."""
    drawn = render(of("sum(relu(x))", x=wave(4096)), Style())
    assert "of the Jacobian only the diagonal is stored; ∂n1/∂x in full would be 4096 × 4096 = 134 MB" in drawn
    drawn = render(of("sum(x@W)", x=wave(64, 128), W=wave(128, 10)), Style())
    assert "a rule takes the place of its Jacobian; ∂n1/∂x in full would be 640 × 8192 = 41.9 MB" in drawn
    assert "MB" not in render(report("norm-squared"), Style())


BYTES = [(8, "8 bytes"), (1_000_000, "1 MB"), (134_217_728, "134 MB"), (999_600_000, "1 GB"), (5 * 10**15, "5 PB")]


@pytest.mark.parametrize(("count", "text"), BYTES)
def test_bytes_are_told_in_decimal_units(count: int, text: str) -> None:
    """Three digits."""
    assert in_bytes(count) == text


def test_a_local_gradient_of_one_number_is_that_number() -> None:
    """Of add it is 1 in every entry: the row reads 1 × upstream."""
    drawn = render(report("batch-affine"), Style(width=120))
    assert re.search(r"^n1 = x@W .*∂n2/∂n1 +1 +× \[\[1\.0, 8\.2\], = \[\[1\.0, 8\.2\],$", drawn, re.MULTILINE)


def test_fan_out_of_tensors_shows_its_sum() -> None:
    """x*x twice and x[0]·exp(x[1]): each use in its line, then their sum."""
    drawn = render(of("sum(x*x)+x[0]", x=X), Style(width=120))
    assert "copy, used 3 times   [0.2, 0.4] + [0.2, 0.4] + [1, 0] = [1.4, 0.8]" in re.sub("   +", "   ", drawn)
    assert "∂f/∂n3 at [0]   () → (2,)" in drawn
    assert re.search(r"copy, used twice +=", render(of("sum(W*W)", W=W), Style()))


def test_an_output_of_one_entry_needs_no_loss_behind_it() -> None:
    """x.T@A@x of a column is (1,1): without an upstream gradient ∂f/∂f is 1, as of a number."""
    drawn = render(of("x.T@A@x", x=[[1], [2]], A=[[1, 2], [3, 4]]), Style(width=120))
    assert "∂f/∂node" in drawn and "∂f/∂A = n1ᵀ·∂f/∂n2" in drawn and "∂L" not in drawn
    assert re.search(r"start: ∂f/∂f +=", drawn)
    assert "start: ∂L/∂f, as given" in render(of("x.T@A@x", [[3.0]], x=[[1], [2]], A=W), Style(width=120))


NO_GRADIENT = [
    ("softmax_cross_entropy(a,t)", {"a": W, "t": [1.0, 0.0]}, "class indices: no gradient"),
    ("cross_entropy_error(softmax(a),t)", {"a": W, "t": [1.0, 0.0]}, "class indices: no gradient"),
    ("svm_loss(a,t)", {"a": X, "t": 1.0}, "class indices: no gradient"),
    ("svm_loss(a,t)", {"a": X, "t": [0.0, 1.0]}, "labels: no gradient"),
    ("where(t>0,sum(a),0)", {"a": X, "t": 1.0}, "no gradient arrives"),
]


@pytest.mark.parametrize(("text", "values", "why"), NO_GRADIENT)
def test_labels_say_why_they_have_no_gradient(text: str, values: dict[str, Any], why: str) -> None:
    """In every format that people read, without a gradient of zeros beside the words, nor a bar."""
    found = of(text, **values)
    row = found.node_row(found.graph.position("t"))
    assert row.why == why
    assert (row.gradient is None) == (why != "no gradient arrives")
    for form in ("table", "markdown", "latex"):
        assert why in rendered(found, form, Style())
    assert why in html(found, Style())
    assert "  t " not in render(found, Style()).split("influence")[-1] or why == "no gradient arrives"


def test_influence_is_not_that_of_targets() -> None:
    """Nobody raises a target: the sentence is of a prediction, though the bars tell both, the target's last."""
    drawn = render(of("mse(W@x,t)", W=W, x=[0.01, 0.02], t=[0, -9]), Style(width=120))
    assert "raise x[" in drawn and "raise t[" not in drawn
    assert re.search(r"influence: x \S+  W \S+  t \S+\n", drawn)
    assert "raise t[" in render(of("mse(0,t)", t=[3, -9]), Style())
    assert "raise t[" in render(of("mse(W@x,t)+t[0]^3", W=W, x=[0.01, 0.02], t=[9, -9]), Style())


def test_nothing_is_said_of_rounding() -> None:
    """(W@x - t)² where W@x is t up to rounding: f = 3e-33 is noise, and so is what it would change by."""
    assert "raise" not in render(of("sum((A@x-t)^2)", A=[[0.1, 0.5], [0.2, 0.1]], x=[1, 1], t=[0.6, 0.3]), Style())


def test_an_upstream_gradient_that_was_given_begins_the_table() -> None:
    """Of an output of several entries the gradients are those of a loss L behind it."""
    drawn = render(report("no-scalar"), Style(width=100))
    assert re.search(r"^f = W@x .*start: ∂L/∂f, as given += \[1, -2\]$", drawn, re.MULTILINE)
    assert "= ∂L/∂node" in drawn and "∂L/∂W = ∂L/∂f·xᵀ" in drawn
    assert "∂loss/∂f" in render(of("L*2", [1.0, 1.0], L=X), Style())


RULES = [
    ("softmax_cross_entropy(a,t)", {"a": [0.3, 0.2, 0.5], "t": [0, 1, 0]}, "∂f/∂a = softmax(a)-t"),
    ("mse(x,t)", {"x": X, "t": [0, 1]}, "∂f/∂x = 2*(x-t)/2"),
    ("sum(g@x)", {"g": W, "x": X}, "∂f/∂x = gᵀ·(∂f/∂n1)"),
    ("sum((x.T)*2)", {"x": W}, "∂f/∂x = (∂f/∂n1)ᵀ"),
    ("2*sum(softmax(x))", {"x": X}, "∂f/∂x = n1*(∂f/∂n1-sum(n1*∂f/∂n1))"),
    ("sum([[1,2,3,4],[5,6,7,8]]@x)", {"x": [1, 2, 3, 4]}, "∂f/∂x = […]ᵀ·∂f/∂n1"),
]


@pytest.mark.parametrize(("text", "values", "rule"), RULES)
def test_rules_are_written_as_lectures_write_them(text: str, values: dict[str, Any], rule: str) -> None:
    """With ∂f/∂n1 for the upstream gradient, · for the matrix product, ᵀ for the transpose; times 1 left out."""
    assert rule in render(of(text, **values), Style())


def test_long_lists_are_left_out_of_rules() -> None:
    """Names and short lists stay."""
    assert short_lists("x[0]+[1,2]@[[1,2,3],[4,5,6]]") == "x[0]+[1,2]@[…]"


# ── formats ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", CASES)
def test_latex_is_well_formed(case: str) -> None:
    """Braces, environments, fences and dollars pair up, and each row of the table has seven columns."""
    drawn = rendered(report(case), "latex", Style())
    bare = re.sub(r"\\[{}\\]", "", drawn)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin\{(\w+)\}", drawn).count("bmatrix") == drawn.count(r"\end{bmatrix}")
    assert drawn.count(r"\left") == drawn.count(r"\right")
    assert drawn.count("$") % 2 == 0 and drawn.isascii()
    table = drawn.split("\\hline\n")[2]
    for row in re.sub(r"\\begin\{bmatrix\}.*?\\end\{bmatrix\}", "", table).splitlines():
        assert row.count("&") + row.count("multicolumn{2}") == 6, row


def test_latex_typesets_tensors() -> None:
    """Matrices, the space that a large one lies in, and rules as fractions."""
    drawn = rendered(report("norm-squared"), "latex", Style())
    assert r"\frac{\partial f}{\partial W} = \frac{\partial f}{\partial n_{1}}\, x^{\top}" in drawn
    assert r"\begin{bmatrix} 0.088 & 0.176 \\ 0.104 & 0.208 \end{bmatrix}" in drawn
    assert r"W_{1} \in \mathbb{R}^{784 \times 50}" in rendered(report("two-layers"), "latex", Style())


LATEX = [
    ("mean(x)", {"x": [1, 2, 3]}, r"f = \frac{1}{3}\sum x = 2"),
    ("mean(a,axis=1)@x", {"a": W, "x": X}, r"\operatorname{mean}_{\mathrm{axis}=1}\left(a\right)"),
    ("mse(x,t)", {"x": [1, 2], "t": [0, 1]}, r"f = \operatorname{mse}\left(x, t\right) = 1"),
    ("mse(x,t)*sum(y)", {"x": 2, "t": 1, "y": X}, r"\left(x - t\right)^{2}"),
    ("softmax_cross_entropy(a,t)", {"a": X, "t": [0, 1]}, r"f = -\sum t \ln\operatorname{softmax}\left(a\right)"),
    ("softmax_cross_entropy(a,t)", {"a": X, "t": 1}, r"f = \operatorname{softmax\_cross\_entropy}\left(a, t\right)"),
    ("softmax_cross_entropy(a,t)", {"a": W, "t": W}, r"f = \operatorname{softmax\_cross\_entropy}\left(a, t\right)"),
    ("svm_loss(a,t)", {"a": X, "t": 1}, r"\sum_{j\ne t}"),
]


@pytest.mark.parametrize(("text", "values", "formula"), LATEX)
def test_latex_is_true_of_tensors(text: str, values: dict[str, Any], formula: str) -> None:
    """A mean is over the number there is; a loss of one prediction is not written for that of a batch."""
    assert formula in rendered(of(text, **values), "latex", Style())


def test_markdown_keeps_its_table_together() -> None:
    """Each row is one line with as many cells as the heading; the rows of a matrix are code spans of their own."""
    for case in CASES:
        lines = [line for line in rendered(report(case), "markdown", Style()).splitlines() if line.startswith("|")]
        assert {line.count("|") for line in lines} == {8}
    assert "**`[[0.088, 0.176],`<br>` [0.104, 0.208]]`**" in rendered(report("norm-squared"), "markdown", Style())


def test_many_nodes_show_head_and_tail() -> None:
    """Of more than 200 rows the first and the last thirty, and how many there are between."""
    found = of("+".join(f"sum(x*{i})" for i in range(150)), x=X)
    for width in (40, 80, None):
        drawn = render(found, Style(width=width))
        assert re.search(r"^… \d+ more rows \(--full shows all\)$", drawn, re.MULTILINE)
    assert len(render(found, Style(width=100)).splitlines()) < 150
