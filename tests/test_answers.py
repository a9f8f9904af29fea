"""Answers of students: how a text is read as a number, and whether that number is right."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import inf, isfinite, nan
from pathlib import Path

import numpy as np
import pytest

from gradcli import words
from gradcli.autodiff import Gradients
from gradcli.cells import list_cells, resolve
from gradcli.homework.checking import check
from gradcli.homework.numbers import comparing, given
from gradcli.homework.numbers.comparing import HIDDEN, compare, hidden
from gradcli.homework.records import Answer, Blank, Comparison, Formula, Given, Listed, Number, Rules, State, Unreadable
from gradcli.syntax import parse
from gradcli.words import Said, Words

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
LECTURE = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
"""CS231n, lecture 4: ∂f/∂x0 = 0.3932, from 0.1966 on the way, which the slides round to 0.20."""

XOR = "h=sigmoid(a*x1+b*x2+c); g=sigmoid(d*x1+e*x2+k); y=sigmoid(u*h+v*g+w); L=(y-t)^2"
TRUE_FALSE = {"a": 1, "b": 1, "c": -1, "d": 2, "e": -1, "k": 0, "u": 2, "v": -1, "w": 0.5, "x1": 1, "x2": 0, "t": 1}

# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

NUMBERS = [
    # text, the number exactly, decimals, significant digits (None: exact)
    ("0.20", "1/5", 2, 2),
    ("0.2", "1/5", 1, 1),
    ("−0.20", "-1/5", 2, 2),
    ("–0.20", "-1/5", 2, 2),
    ("≈0.39", "39/100", 2, 2),
    ("~ 0.39", "39/100", 2, 2),
    ("≒0.39", "39/100", 2, 2),
    ("약 0.39", "39/100", 2, 2),
    ("0.39 ", "39/100", 2, 2),
    ("+3", "3", None, None),
    ("007", "7", None, None),
    ("-1/4", "-1/4", None, None),
    ("1/3", "1/3", None, None),
    ("- 1 / 3", "-1/3", None, None),
    ("１/３", "1/3", None, None),
    (".5", "1/2", 1, 1),
    ("5.", "5", 0, 1),
    ("-12.", "-12", 0, 2),
    ("≈ 12", "12", 0, 2),
    ("0.00", "0", 2, 0),
    ("0.0020", "1/500", 4, 2),
    ("1e-3", "1/1000", 3, 1),
    ("1.20e-3", "12/10000", 5, 3),
    ("1.20E-03", "12/10000", 5, 3),
    ("2.5e3", "2500", -2, 2),
    ("1.20×10^-3", "12/10000", 5, 3),
    ("1.20*10^(-3)", "12/10000", 5, 3),
    ("1.20x10⁻³", "12/10000", 5, 3),
    ("０．３９", "39/100", 2, 2),
    ("－３", "-3", None, None),
    ("\u00a03\u3000", "3", None, None),
    ("\ufeff3", "3", None, None),
    ("x=3", "3", None, None),
    ("dx = -0.20", "-1/5", 2, 2),
    ("∂f/∂x ≈ 0.40", "2/5", 2, 2),
    ("df/dx: 2", "2", None, None),
    ("grad.(x*y) = 6", "6", None, None),
    ("= 6", "6", None, None),
    ("$-4$", "-4", None, None),
    ('"0.20"', "1/5", 2, 2),
    ('="0.20"', "1/5", 2, 2),
    ("'-1/4", "-1/4", None, None),
    ("0e99999", "0", None, None),
    ("0." + "1" * 900, Fraction(int("1" * 900), 10**900), 900, 900),
    ("0" * 9000 + "2", "2", None, None),
]


@pytest.mark.parametrize(("text", "exact", "decimals", "digits"), NUMBERS)
def test_a_number_keeps_the_digits_it_was_typed_with(
    text: str, exact: str | Fraction, decimals: int | None, digits: int | None
) -> None:
    """The number is exact, and its digits are counted in the text: 0.20 has two, 0.2 has one."""
    found = given.read(text)
    assert isinstance(found, Number)
    assert (found.exact, found.decimals, found.digits) == (Fraction(exact), decimals, digits)
    assert found.value == float(Fraction(exact))


@pytest.mark.parametrize("text", ["", "  ", "\t\n", "\u3000", "\ufeff", '""', "dx ="])
def test_nothing_but_space_is_blank(text: str) -> None:
    """What has no answer in it is blank, and so is a name alone with its equals sign."""
    assert given.read(text) == Blank()


COMPUTED = [
    ("pi/4", 0.7853981633974483),
    ("2*3", 6.0),
    ("exp(-1)", 0.36787944117144233),
    ("sqrt(2)/2", 0.7071067811865476),
    ("-(1/4)", -0.25),
    ("--5", 5.0),
    ("q = 3; q*2", 6.0),
]


@pytest.mark.parametrize(("text", "value"), COMPUTED)
def test_a_formula_without_names_is_a_number(text: str, value: float) -> None:
    """It is computed, and exact."""
    found = given.read(text, names=("x",))
    assert isinstance(found, Number)
    assert found.computed
    assert found.decimals is None
    assert found.value == pytest.approx(value, rel=1e-15)


def test_dots_mark_a_number_that_goes_on() -> None:
    """0.333… was cut off, not rounded."""
    for text in ("0.333…", "0.333..."):
        found = given.read(text)
        assert isinstance(found, Number)
        assert found.cut
        assert found.decimals == 3


def test_an_infinity_is_a_number() -> None:
    """For cells that are infinite."""
    values = [given.read(text) for text in ("inf", "-∞", "+Infinity")]
    assert [value.value for value in values if isinstance(value, Number)] == [inf, -inf, inf]


def test_names_make_a_formula() -> None:
    """Only those that a formula may use; pi among them is a variable."""
    found = given.read("2*x*y", names=("x", "y"))
    assert isinstance(found, Formula)
    assert set(found.graph.inputs) == {"x", "y"}
    assert isinstance(given.read("pi/4", names=("pi",)), Formula)


REFUSED = [
    # text, the key of the reason, what to write instead
    ("0,39", "comma", "0.39"),
    ("-1,5", "comma", "-1.5"),
    ("1,2e-3", "comma", "1.2e-3"),
    ("1,234", "comma", "1.234 or 1234"),
    ("1,234.5", "thousands", "1234.5"),
    ("1,234,567", "thousands", "1234567"),
    ("1.234,5", "comma", "1234.5"),
    ("2026-01-04", "date", "a decimal: 0.25"),
    ("04-Jan", "date", "a decimal: 0.25"),
    ("1월 4일", "date", "a decimal: 0.25"),
    ("1/4/2026", "date", "a decimal: 0.25"),
    ("39%", "percent", "0.39"),
    ("39.5 %", "percent", "0.395"),
    ("3 m", "unit", "3"),
    ("0.39kg", "unit", "0.39"),
    ("nan", "nan", None),
    ("-NaN", "nan", None),
    ("1e999", "large", None),
    ("1e-999", "small", None),
    ("1e" + "9" * 5000, "large", None),
    ("9" * 5000, "digits", None),
    ("9^9^9", "not_finite", None),
    ("1/0", "by_zero", None),
    ("sqrt(-1)", "not_finite", None),
    ("3 ± 0.1", "uncertain", None),
    ("?", "no_number", None),
    ("-", "no_number", None),
    ("—", "no_number", None),
    ("N/A", "no_number", None),
    ("모름", "no_number", None),
    ("2*z", "no_name", None),
    ("1" + "+1" * 6000, "long", None),
]


@pytest.mark.parametrize(("text", "key", "write"), REFUSED)
def test_what_is_no_answer_says_why_and_what_to_write(text: str, key: str, write: str | None) -> None:
    """It is unreadable, for a person to look at, and never 0."""
    found = given.read(text, names=("x", "y"))
    assert isinstance(found, Unreadable)
    assert isinstance(found.why, Said)
    assert found.why.key == f"numbers.{key}"
    assert (None if found.hint is None else Words("en").said(found.hint)) == (write and f"write {write}")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["1_0", "٣", "١٢", "2x", "0x10", "½", "x y", "1 2", "import os", "((1)", "3,", "=="])
def test_what_python_would_read_otherwise_is_refused(text: str) -> None:
    """With the words of our parser, and the place."""
    found = given.read(text, names=("x", "y"))
    assert isinstance(found, Unreadable)
    assert found.why


def test_a_misspelled_name_is_guessed() -> None:
    """The place is that of the name in the text as typed."""
    text = " dx =  2*xo"
    found = given.read(text, names=("x0", "x1"))
    assert isinstance(found, Unreadable)
    assert found.span is not None
    assert text[slice(*found.span)] == "xo"
    assert isinstance(found.hint, Said)
    assert "x0" in Words("en").said(found.hint)


LISTS = [
    ("[[1,2],[3,4]]", [[1, 2], [3, 4]], [[None, None], [None, None]]),
    ("[0.2, 0.40]", [0.2, 0.4], [1, 2]),
    ("[0.2 0.40]", [0.2, 0.4], [1, 2]),
    ("[ 1. -2.5]", [1, -2.5], [0, 1]),
    ("[1 2; 3 4]", [[1, 2], [3, 4]], [[None, None], [None, None]]),
    ("[1, 2; 3, 4;]", [[1, 2], [3, 4]], [[None, None], [None, None]]),
    ("[[1 2]\n [3 4]]", [[1, 2], [3, 4]], [[None, None], [None, None]]),
    ("array([[0.2, 0.40]])", [[0.2, 0.4]], [[1, 2]]),
    ("np.array([0.2, 0.4], dtype=np.float32)", [0.2, 0.4], [1, 1]),
    ("tensor([[0.1966],\n        [0.3932]])", [[0.1966], [0.3932]], [[4], [4]]),
    ("(0.2, 0.40)", [0.2, 0.4], [1, 2]),
    ("((1, 2), (3, 4))", [[1, 2], [3, 4]], [[None, None], [None, None]]),
    ("[−0.20, 1/4, pi/4, inf]", [-0.2, 0.25, 0.7853981633974483, inf], [2, None, None, None]),
    ("dW = [1, 2]", [1, 2], [None, None]),
    ("[３，４]", [3, 4], [None, None]),
]


@pytest.mark.parametrize(("text", "value", "decimals"), LISTS)
def test_a_list_keeps_the_digits_of_each_entry(text: str, value: object, decimals: object) -> None:
    """As it is typed, or pasted from Python, NumPy, PyTorch and MATLAB."""
    found = given.read(text)
    assert isinstance(found, Listed)
    assert found.value == value

    def of(entries: object) -> object:
        return [of(entry) for entry in entries] if isinstance(entries, list) else entries.decimals  # type: ignore[attr-defined]

    assert of(found.entries) == decimals


@pytest.mark.parametrize(
    "text", ["[]", "[1, [2]]", "[[1, 2], [3]]", "[1 2; 3]", "[1,,2]", "[1", "1]", "[1 2", "[1, x]"]
)
def test_what_is_no_array_is_refused(text: str) -> None:
    """Lists of unequal length, and lists that do not end."""
    assert isinstance(given.read(text), Unreadable)


@pytest.mark.parametrize("text", ["[0.1 ... 0.9]", "[0.1, …, 0.9]", "[1, nan]"])
def test_a_list_with_a_gap_says_so(text: str) -> None:
    """What NumPy leaves out of a long print is not there to compare."""
    assert isinstance(given.read(text), Unreadable)


def test_the_array_of_a_file_keeps_its_dtype() -> None:
    """Text, complex numbers and ragged lists are no arrays of numbers."""
    found = given.array(np.array([1, 2], dtype=np.float32))
    assert isinstance(found, Listed)
    assert found.dtype == "float32"
    for value in (np.array([1j]), np.array(["1"]), [[1], [2, 3]], [None]):
        assert isinstance(given.array(value), Unreadable)


HOSTILE = [
    "9" * 100_000,
    "0." + "1" * 100_000,
    "9**9**9**9",
    "(1+" * 2000 + "1" + ")" * 2000,
    "-" * 9000 + "1",
    "gamma(" * 500 + "3" + ")" * 500,
    "[" * 40 + "1" + "]" * 40,
    "[" * 50_000,
    "[1;" * 4000,
    "[" + "1," * 150_000 + "1]",
    "x = " * 2000,
    "a.b" * 3000 + "=",
    "1/" + "3" * 9000,
    " " * 200_000 + "3",
    "1e-" + "9" * 3000,
    "1,234" * 2000,
    "$" * 9000,
    "[[1,2]," * 3000,
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_no_text_is_slow_to_read(text: str) -> None:
    """Whatever is written, it is read or refused at once."""
    assert given.read(text, names=("x",)) != Blank()


def test_reading_never_raises() -> None:
    """Any string of characters that occur in answers is read, blank or unreadable."""
    seeded = random.Random(2)  # noqa: S311 - numbers to try, not secrets
    pieces = [
        *"0123456789.,;:+-*/^()[]=eExyπ−≈%…∞ \n\t'\"$_#@!<>",
        "inf",
        "nan",
        "array(",
        "10^",
        "dx",
        "²",
        "\x00",
        "\ud800",
    ]
    for _ in range(4000):
        text = "".join(seeded.choices(pieces, k=seeded.randint(0, 9)))
        assert isinstance(given.read(text, names=("x", "y")), Given)


# ── comparing ───────────────────────────────────────────────────────────────────────────────────────────────────


def at(expression: str, **values: object) -> Gradients:
    """Both passes of an expression at a point; of several entries, their sum's."""
    arrays = {name: np.asarray(value, float) if isinstance(value, list) else value for name, value in values.items()}
    trace = parse(expression, given=tuple(values)).forward(arrays)
    shape = np.shape(trace.value)
    return trace.backward(np.ones(shape) if shape else None)


def judged(gradients: Gradients, address: str, text: str, **rules: object) -> Comparison:
    """How a typed answer compares."""
    answer = given.read(text, names=tuple(gradients.graph.inputs))
    return compare(answer, resolve(address, gradients), gradients, Rules(**rules))  # type: ignore[arg-type]


def english(comparison: Comparison) -> str:
    """All remarks."""
    return "; ".join(map(Words("en").said, comparison.remarks))


# σ(1) = 0.7310585786300049, σ′(1) = 0.19661193324148185
ANSWERS = [
    # expression, values, cell, answer, rules, state
    (NEURON, LECTURE, "x0", "0.39", {}, "right"),
    (NEURON, LECTURE, "x0", "0.3932", {}, "right"),
    (NEURON, LECTURE, "x0", "3.9e-1", {}, "right"),
    (NEURON, LECTURE, "x0", "≈ 0.39", {}, "right"),
    (NEURON, LECTURE, "x0", "0.393…", {}, "right"),
    (NEURON, LECTURE, "x0", "0.40", {}, "rounded"),
    (NEURON, LECTURE, "x1", "-0.60", {}, "rounded"),
    (NEURON, LECTURE, "x0", "0.40", {"decimals": 2}, "rounded"),
    (NEURON, LECTURE, "x0", "0.4", {"decimals": 2}, "rounded"),
    (NEURON, LECTURE, "x0", "0.40", {"decimals": 3}, "coarse"),
    (NEURON, LECTURE, "x0", "0.39", {"decimals": 3}, "coarse"),
    (NEURON, LECTURE, "x0", "0.4", {"decimals": 4}, "coarse"),
    (NEURON, LECTURE, "x0", "0.5", {"decimals": 2}, "wrong"),
    (NEURON, LECTURE, "x0", "-0.39", {}, "wrong"),
    (NEURON, LECTURE, "x0", "-0.40", {}, "wrong"),
    (NEURON, LECTURE, "x0", "0.41", {}, "wrong"),
    (NEURON, LECTURE, "x0", "0.4", {}, "coarse"),
    (NEURON, LECTURE, "x0", "4e-1", {}, "coarse"),
    (NEURON, LECTURE, "x0", "0", {}, "wrong"),
    (NEURON, LECTURE, "x0", "0.0", {}, "wrong"),
    (NEURON, LECTURE, "value", "1", {}, "wrong"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.20", {}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.1971", {}, "rounded"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.73*0.27", {}, "rounded"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.19", {}, "wrong"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.196611", {}, "rounded"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {"decimals": 2}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.19661", {"decimals": 2}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.21", {"decimals": 2}, "wrong"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.20", {"decimals": 3}, "coarse"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.1971", {"decimals": 4}, "coarse"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.197", {"sig": 3}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.20", {"sig": 3}, "coarse"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {"sig": 1}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.197", {"atol": 1e-3}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.20", {"atol": 1e-3}, "wrong"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {"rtol": 0.02}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {"atol": 1e-3, "decimals": 1}, "wrong"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {"decimals": 1, "sig": 5}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.19661193", {"cs231n": True}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.1966", {"cs231n": True}, "right"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.197", {"cs231n": True}, "coarse"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {"cs231n": True}, "wrong"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dy", "0.5", {}, "right"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dy", "1/2", {}, "right"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "2", {}, "right"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "2.00", {}, "right"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "1.9999", {}, "wrong"),
    ("x*y", {"x": 1.97, "y": 2.0}, "dy", "2", {}, "coarse"),
    ("x*y", {"x": 1.97, "y": 2.0}, "dy", "2.0", {}, "right"),
    ("x*y", {"x": 0.125, "y": 2.0}, "dy", "0.13", {}, "right"),
    ("x*y", {"x": 0.125, "y": 2.0}, "dy", "0.12", {}, "right"),
    ("x*y", {"x": 0.003, "y": 2.0}, "dy", "0", {}, "wrong"),
    ("x*y", {"x": 0.003, "y": 2.0}, "dy", "0.00", {}, "coarse"),
    ("x*y", {"x": 0.003, "y": 2.0}, "dy", "0", {"decimals": 2}, "right"),
    ("x*y", {"x": 0.003, "y": 2.0}, "dy", "0.003", {}, "right"),
    ("x*y", {"x": 0.0, "y": 2.0}, "dy", "0", {}, "right"),
    ("x*y", {"x": 0.0, "y": 2.0}, "dy", "-0", {}, "right"),
    ("x*y", {"x": -0.0, "y": 2.0}, "dy", "0.00", {}, "right"),
    ("x*y", {"x": 0.0, "y": 2.0}, "dy", "0.001", {}, "wrong"),
    ("x/3", {"x": 1.0}, "value", "1/3", {}, "right"),
    ("x/3", {"x": 1.0}, "value", "0.33333333333333333333", {}, "right"),
    ("x/3", {"x": 1.0}, "value", "0.333...", {}, "right"),
    ("x/3", {"x": 1.0}, "value", "33/100", {}, "wrong"),
    ("x/3", {"x": 1.0}, "value", "0.34", {}, "wrong"),
    ("exp(x)", {"x": -1.0}, "dx", "exp(-1)", {}, "right"),
    ("exp(x)", {"x": -1.0}, "dx", "1/e", {}, "right"),
    ("exp(x)", {"x": -1.0}, "dx", "exp(1)", {}, "wrong"),
    ("sin(x)", {"x": 3.141592653589793}, "value", "0", {}, "right"),
    ("x+y-z", {"x": 0.1, "y": 0.2, "z": 0.3}, "value", "0", {}, "right"),
    ("sigmoid(x)", {"x": 40.0}, "dx", "0", {}, "wrong"),
    ("sigmoid(x)", {"x": 40.0}, "dx", "4.25e-18", {}, "right"),
    ("sqrt(x)", {"x": 0.0}, "dx", "inf", {}, "right"),
    ("sqrt(x)", {"x": 0.0}, "dx", "-inf", {}, "wrong"),
    ("sqrt(x)", {"x": 0.0}, "dx", "5", {}, "wrong"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "inf", {}, "wrong"),
    # where the parts of a sum cancel: cos(2) = -0.416, 1/(2√2) = 0.354
    ("sin(x)+sqrt(x)", {"x": 2.0}, "dx", "-0.07", {}, "rounded"),
    ("sin(x)+sqrt(x)", {"x": 2.0}, "dx", "-0.06", {}, "coarse"),
    ("sin(x)+sqrt(x)", {"x": 2.0}, "dx", "-0.08", {}, "wrong"),
    ("sin(x)+sqrt(x)", {"x": 2.0}, "dx", "0.07", {}, "wrong"),
    (XOR, TRUE_FALSE, "x1", "-0.047", {}, "rounded"),  # -0.080 + 0.033
    (XOR, TRUE_FALSE, "x1", "-0.045", {}, "wrong"),
    ("log10(x)", {"x": 100.0}, "dx", "0.0", {}, "coarse"),
    ("log10(x)", {"x": 100.0}, "dx", "0.00", {}, "coarse"),
    ("log10(x)", {"x": 100.0}, "dx", "0", {}, "wrong"),
    ("x*y", {"x": 1.5, "y": 0.8176}, "dy", "1e0", {}, "wrong"),
    ("x*y", {"x": 1.5, "y": 0.8176}, "dx", "1e0", {}, "wrong"),
    ("x*y", {"x": 1.5, "y": 0.96}, "dx", "1e0", {}, "coarse"),
    ("x*y", {"x": 1.5, "y": 0.8176}, "dx", "0.82…", {}, "wrong"),
    ("x*y", {"x": 1.5, "y": 0.8176}, "dx", "0.81…", {}, "right"),
    ("x*y", {"x": 1.5, "y": -0.8176}, "dx", "-0.81…", {}, "right"),
    ("x*y", {"x": 1.5, "y": -0.8176}, "dx", "-0.82…", {}, "wrong"),
    ("x*y", {"x": 1.5, "y": 0.2983}, "dx", "0.30…", {}, "wrong"),
    ("x*y", {"x": 1.5, "y": 0.3}, "dx", "0.2999…", {}, "right"),
    ("x*y", {"x": 1e7, "y": 1e6}, "value", "10000000000000", {}, "right"),
    ("x*y", {"x": 1e7, "y": 1e6}, "value", "10000000000001", {}, "wrong"),
    ("x*y", {"x": 1e7, "y": 1e6}, "value", "9999999999999", {}, "wrong"),
    ("x*y", {"x": 1e7, "y": 1e6}, "value", "10000000000001/1", {}, "wrong"),
    ("x*y", {"x": 1e7, "y": 1e6}, "value", "[10000000000001]", {}, "wrong"),
    ("exp(log(x))", {"x": 1e13}, "value", "10000000000000", {}, "right"),
    ("x*y", {"x": 4.5, "y": 5.0}, "value", "22", {}, "coarse"),
    ("x*y", {"x": 4.7, "y": -5.0}, "value", "-24", {}, "coarse"),
    ("x*y", {"x": 4.0008, "y": -1.0}, "value", "-4", {}, "coarse"),
    ("log(x)", {"x": -1.0}, "value", "0", {}, "undecided"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", " ", {}, "blank"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "?", {}, "unreadable"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "[2]", {}, "right"),
    ("x*y", {"x": 0.5, "y": 2.0}, "dx", "[2, 2]", {}, "wrong"),
]


@pytest.mark.parametrize(("expression", "values", "address", "text", "rules", "state"), ANSWERS)
def test_an_answer_is_judged_by_the_digits_that_count(
    expression: str, values: dict[str, float], address: str, text: str, rules: dict[str, object], state: str
) -> None:
    """By the interval of the rule in force, and by rounded steps outside of it."""
    assert judged(at(expression, **values), address, text, **rules).state == state


@pytest.mark.parametrize(
    ("text", "rules", "low", "high", "said"),
    [
        ("0.40", {}, 0.3882, 0.3982, "half a unit of the last digit typed, ±0.005"),
        ("0.4", {}, 0.3432, 0.4432, "half a unit of the last digit typed, ±0.05"),
        ("1/3", {}, 0.3932, 0.3932, "integers and fractions are exact"),
        ("0.4", {"decimals": 3}, 0.3927, 0.3937, "3 decimals count, ±0.0005"),
        ("0.4", {"sig": 2}, 0.3882, 0.3982, "2 significant digits count"),
        ("0.4", {"atol": 0.01}, 0.3832, 0.4032, "within 0.01"),
        ("0.4", {"rtol": 0.1}, 0.3539, 0.4325, "within 0.1·|right|"),
        ("0.4", {"cs231n": True}, 0.3893, 0.3972, "relative error at most 0.01, as in CS231n"),
    ],
)
def test_the_accepted_interval_is_told(text: str, rules: dict[str, object], low: float, high: float, said: str) -> None:
    """It lies around the right number, 0.39322, and does not depend on whether the answer is right."""
    accepted = judged(at(NEURON, **LECTURE), "x0", text, **rules).accepted
    assert accepted is not None
    assert (accepted.low, accepted.high) == pytest.approx((low, high), abs=6e-5)
    assert Words("en").said(accepted.rule) == said


REMARKS = [
    (NEURON, LECTURE, "x0", "0.40", {}, "right, with steps rounded to 2 decimals; ∂f/∂n4 = 0.1966 became 0.20"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.1971", {}, "right, with steps rounded to 2 decimals; f = 0.7311 became 0.73"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.19", {}, "cut off instead of rounded: 0.20"),
    ("sigmoid(x)", {"x": 1.0}, "dx", "0.2", {}, "right so far: give two digits at least"),
    (
        "x*y",
        {"x": 1.97, "y": 2.0},
        "dy",
        "2",
        {},
        "1.97 rounds to 2, but a whole number is taken as exact: give decimals",
    ),
    (
        "sigmoid(x)",
        {"x": 1.0},
        "dx",
        "0.197",
        {"cs231n": True},
        "relative error 0.002: CS231n calls that uncomfortable; give more digits",
    ),
    ("relu(x)", {"x": 0.0}, "dx", "1", {}, "at a kink of relu(x) any value in [0, 1] is right; gradcli takes 0"),
    (
        "relu(x)",
        {"x": 0.0},
        "dx",
        "1",
        {"at_kink": "strict"},
        "at a kink of relu(x): of the values in [0, 1], 0 is the one asked for",
    ),
]


@pytest.mark.parametrize(("expression", "values", "address", "text", "rules", "said"), REMARKS)
def test_remarks_name_the_place(
    expression: str, values: dict[str, float], address: str, text: str, rules: dict[str, object], said: str
) -> None:
    """What was rounded and where, how an answer was cut off, which convention is used."""
    assert english(judged(at(expression, **values), address, text, **rules)) == said


# ── right answers, however they are typed ───────────────────────────────────────────────────────────────────────

FUNCTIONS = ("sin", "cos", "exp", "tanh", "sigmoid", "relu", "sqrt", "log", "abs", "softplus", "square")


def drawn(seeded: random.Random, depth: int) -> str:
    """A random expression."""
    if not depth or seeded.random() < 0.2:
        return seeded.choice(["x", "y", "z", "2", "0.5"])
    one = drawn(seeded, depth - 1)
    if seeded.random() < 0.4:
        return f"{seeded.choice(FUNCTIONS)}({one})"
    if seeded.random() < 0.1:
        return f"max({one}, {drawn(seeded, depth - 1)})"
    return f"({one} {seeded.choice('+-*/')} {drawn(seeded, depth - 1)})"


def styles(value: float) -> list[str]:
    """A number as students may type it, rounded by Python's decimal arithmetic."""
    if value == 0:
        return ["0", "0.0", "0.00", "-0", "0e0"]
    exact = Decimal(value)
    texts = [repr(value), f"{value:.17g}"]
    for digits in (2, 3, 4, 6):
        places = digits - 1 - exact.adjusted()
        if 0 < places < 20:
            text = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
            texts += [text, text.replace("-", "−"), f"≈{text}", f"dx = {text}"]
        texts += [f"{value:.{digits - 1}e}", f"{value:.{digits - 1}e}".replace("e", "×10^")]
    if value == int(value) and abs(value) < 1e15:
        texts += [str(int(value)), f"{value:.1f}"]
    near = Fraction(value).limit_denominator(1000)
    if float(near) == value:
        texts.append(f"{near.numerator}/{near.denominator}")
    return texts


def test_no_right_answer_is_a_false_alarm() -> None:
    """Every right number of random expressions, typed in many styles to two digits or more, is right."""
    seeded = random.Random(231)  # noqa: S311 - numbers to try, not secrets
    tried = 0
    while tried < 12_000:
        graph = parse(drawn(seeded, 4))
        values = {name: round(seeded.uniform(-3, 3), seeded.choice((0, 1, 2))) for name in graph.inputs}
        gradients = graph.forward(values).backward()
        for cell in list_cells(gradients):
            if not isfinite(cell.value):
                continue
            for text in styles(cell.value):
                found = compare(given.read(text), cell, gradients, Rules())
                assert found.state is State.RIGHT, (graph.source, values, cell.address, cell.value, text)
                tried += 1


def test_the_interval_is_closed_and_exact() -> None:
    """A number counts as typed just where exact arithmetic puts it within half a unit, beside a hair."""
    seeded = random.Random(4)  # noqa: S311 - numbers to try, not secrets
    for _ in range(3000):
        decimals = seeded.randint(1, 6)
        right = Fraction(seeded.randint(1, 10**8), 10 ** seeded.randint(1, 8))
        typed = round(right, decimals) + Fraction(seeded.choice((-1, 0, 0, 1)), 10**decimals)
        text = f"{Decimal(typed.numerator) / Decimal(typed.denominator):.{decimals}f}"
        fits = comparing.test(given.read(text), Rules())
        off = abs(typed - right) - Fraction(1, 2 * 10**decimals)
        if abs(off) > Fraction(1, 10**12) * right:
            assert fits(float(right)) == (off < 0), (text, right)


# ── rounded steps ───────────────────────────────────────────────────────────────────────────────────────────────


def test_steps_rounded_by_hand_are_recognised() -> None:
    """The neuron's gradients as worked out on paper, each step rounded to two decimals."""
    # forward -2, 6, 1, -1, 0.37, 1.37, 0.73; backward 1, -1/1.37² = -0.53, 0.37·-0.53 = -0.20, 0.20
    gradients = at(NEURON, **LECTURE)
    paper = {"w0": "-0.20", "x0": "0.40", "w1": "-0.40", "x1": "-0.60", "w2": "0.20", "grad.n7": "-0.53"}
    states = [judged(gradients, address, text).state for address, text in paper.items()]
    assert set(states) <= {State.RIGHT, State.ROUNDED}
    assert State.ROUNDED in states


def test_rounding_excuses_no_sign_and_few_wrong_numbers() -> None:
    """Of numbers that are 3 to 20 % off, rounding explains one in twenty at most, and none of another sign."""
    seeded = random.Random(6)  # noqa: S311 - numbers to try, not secrets
    excused = tried = 0
    for _ in range(40):
        gradients = at(NEURON, **{name: round(seeded.uniform(-2, 2), 1) or 1.0 for name in LECTURE})
        for cell in list_cells(gradients):
            if not 1e-3 < abs(cell.value) < 1:
                continue
            wrong = cell.value * (1 + seeded.choice((-1, 1)) * seeded.uniform(0.03, 0.2))
            text = f"{wrong:.{1 - Decimal(wrong).adjusted()}f}"
            if abs(float(text) - cell.value) < 0.03 * abs(cell.value):
                continue
            tried += 1
            excused += compare(given.read(text), cell, gradients, Rules()).state is State.ROUNDED
            other = compare(given.read(text.replace("-", "") if wrong < 0 else f"-{text}"), cell, gradients, Rules())
            assert other.state is State.WRONG
    assert tried > 300
    assert excused < tried / 20


# ── kinks ───────────────────────────────────────────────────────────────────────────────────────────────────────

KINKS = [
    # expression, values, cell, the one-sided derivatives
    ("relu(x)", {"x": 0.0}, "dx", 0, 1),
    ("relu(x)*y", {"x": 0.0, "y": -3.0}, "dx", -3, 0),
    ("relu(x)*y", {"x": 0.0, "y": -3.0}, "local.n1.x", 0, 1),
    ("abs(x)", {"x": 0.0}, "dx", -1, 1),
    ("leaky_relu(x)", {"x": 0.0}, "dx", 0.01, 1),
    ("elu(x, alpha=2)", {"x": 0.0}, "dx", 1, 2),
    ("max(x, y)", {"x": 2.0, "y": 2.0}, "dx", 0, 1),
    ("min(x, y)", {"x": 2.0, "y": 2.0}, "dy", 0, 1),
    ("max(x, 0)", {"x": 0.0}, "dx", 0, 1),
    ("clip(x, 0, 1)", {"x": 1.0}, "dx", 0, 1),
    ("relu6(x)", {"x": 6.0}, "dx", 0, 1),
    ("relu(x) - relu(-x)", {"x": 0.0}, "dx", 0, 1),  # x itself; 0 by the convention
    ("relu(x) - relu(-x)", {"x": 0.0}, "local.n1.x", 0, 1),
    ("relu(x) - relu(-x)", {"x": 0.0}, "down.n1.x", 0, 1),
    ("relu(x*y)", {"x": 0.0, "y": -2.0}, "dx", -2, 0),
    ("max(x, 2*x) + max(x, y)", {"x": 0.0, "y": 0.0}, "dx", 1, 3),
    ("max(x*x, y)", {"x": 3.0, "y": 9.0}, "dx", 0, 6),
    ("abs(abs(x) - y)", {"x": 0.0, "y": 0.0}, "dx", -1, 1),
    ("relu(x) + 2*abs(x)", {"x": 0.0}, "dx", -2, 3),
    ("hinge(s, t)", {"s": 1.0, "t": 1.0}, "ds", -1, 0),
    ("relu(relu(x))", {"x": 0.0}, "dx", 0, 1),
    ("g(a) = relu(a) + a; g(x)*3", {"x": 0.0}, "dx", 3, 6),
]


@pytest.mark.parametrize(("expression", "values", "address", "low", "high"), KINKS)
def test_at_a_kink_what_lies_between_is_right(
    expression: str, values: dict[str, float], address: str, low: float, high: float
) -> None:
    """Any value between the one-sided derivatives, and none outside; strictly, the convention alone."""
    gradients = at(expression, **values)
    right = float(resolve(address, gradients).value)
    for share in (0, 0.25, 0.5, 1):
        value = low + share * (high - low)
        found = judged(gradients, address, f"{value:.4f}")
        assert found.state is State.RIGHT
        assert found.remarks[0].key == "numbers.kink"
        strict = judged(gradients, address, f"{value:.4f}", at_kink="strict")
        assert (strict.state is State.RIGHT) == (abs(value - right) < 1e-4)
    for outside in (low - 0.5, high + 0.5):
        assert judged(gradients, address, f"{outside:.4f}").state is State.WRONG


@pytest.mark.parametrize(
    ("expression", "values", "address"),
    [
        ("relu(x)", {"x": 1.0}, "dx"),
        ("relu(x)*y", {"x": 0.0, "y": 2.0}, "dy"),
        ("sign(x)", {"x": 0.0}, "dx"),
        ("max(x, y)*z", {"x": 2.0, "y": 2.0, "z": -3.0}, "grad.n1"),
        ("max(x, x)", {"x": 2.0}, "dx"),
        ("relu(x*y)", {"x": 0.0, "y": 0.0}, "dx"),
    ],
)
def test_without_a_choice_no_kink_is_named(expression: str, values: dict[str, float], address: str) -> None:
    """Away from the kink, for a cell that it does not move, and where both sides agree."""
    gradients = at(expression, **values)
    right = resolve(address, gradients).value
    found = judged(gradients, address, f"{right:.2f}")
    assert found.state is State.RIGHT
    assert not found.remarks


TIES = [
    # expression, values, answers, the state of the one that is judged last and what is said of it
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "1", "dx": "0"}, "right", None),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "1", "dx": "1"}, "wrong", "numbers.shares"),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "0", "dx": "0.00"}, "wrong", "numbers.shares"),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "0.67", "dx": "0.33"}, "right", None),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "2/3", "dx": "1/3"}, "right", None),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "2/3", "dx": "0.34"}, "wrong", "numbers.shares"),
    ("min(x, y)*z", {"x": 1.0, "y": 1.0, "z": -4.0}, {"dy": "-3", "dx": "-1"}, "right", None),
    ("min(x, y)*z", {"x": 1.0, "y": 1.0, "z": -4.0}, {"dy": "-3", "dx": "-3"}, "wrong", "numbers.shares"),
    ("min(x, y)*z", {"x": 1.0, "y": 1.0, "z": -4.0}, {"local.n1.x": "1", "dx": "0"}, "wrong", "numbers.shares"),
    ("max(x, y, z)", {"x": 1.0, "y": 1.0, "z": 1.0}, {"dz": "1/3", "dy": "1/3", "dx": "1/3"}, "right", None),
    (
        "max(x, y, z)",
        {"x": 1.0, "y": 1.0, "z": 1.0},
        {"dz": "1/2", "dy": "1/2", "dx": "1/2"},
        "wrong",
        "numbers.shares",
    ),
    ("max(x, y, z)", {"x": 1.0, "y": 1.0, "z": 1.0}, {"dz": "1/2", "dy": "1/2", "dx": "0"}, "right", None),
    ("relu(x)*y", {"x": 0.0, "y": 5.0}, {"local.n1.x": "1", "dx": "5"}, "right", None),
    ("relu(x)*y", {"x": 0.0, "y": 5.0}, {"local.n1.x": "1", "dx": "0"}, "wrong", "numbers.choice"),
    ("relu(x) + relu(y)", {"x": 0.0, "y": 0.0}, {"dy": "1", "dx": "0"}, "right", None),
    ("leaky_relu(x)*y", {"x": 0.0, "y": -1.59}, {"local.n1.x": "0.01", "dx": "-0.015…"}, "right", None),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, {"dy": "0.333…", "dx": "0.666…"}, "right", None),
]


@pytest.mark.parametrize(("expression", "values", "answers", "state", "key"), TIES)
def test_answers_at_a_kink_come_of_one_choice(
    expression: str, values: dict[str, float], answers: dict[str, str], state: str, key: str | None
) -> None:
    """Each of them may be right; together they must be too: the shares of max(x, y) add up to 1."""
    checked = check(at(expression, **values), [Answer(address, text) for address, text in answers.items()])
    later = checked.results[-1]
    assert checked.mistakes == (state == "wrong")
    assert later.state == state
    assert (key in {remark.key for remark in later.remarks}) == (key is not None)
    alone = check(at(expression, **values), [Answer("dx", answers["dx"])])
    assert alone.results[0].state is State.RIGHT


def test_entries_of_a_tensor_have_kinks_of_their_own() -> None:
    """Each entry lies between its own one-sided derivatives."""
    gradients = at("sum(relu(x))", x=[0.0, 1.0, -1.0, 0.0])
    assert judged(gradients, "dx", "[1, 1, 0, 0.5]").state is State.RIGHT
    assert judged(gradients, "dx", "[1, 1, 1, 0]").state is State.WRONG
    assert judged(gradients, "dx", "[1, 1, 0, 2]").state is State.WRONG
    assert judged(gradients, "dx", "[1, 1, 0, 0.5]", at_kink="strict").state is State.WRONG
    assert judged(at("max(x)", x=[2.0, 1.0, 2.0]), "dx", "[1, 0, 0]").state is State.RIGHT
    assert judged(at("max(x)", x=[2.0, 1.0, 2.0]), "dx", "[0, 1, 0]").state is State.WRONG
    assert judged(at("max(x)", x=[2.0, 1.0, 2.0]), "dx", "[0.33, 0, 0.67]").state is State.RIGHT
    for text in ("[1, 0, 1]", "[0, 0, 0]", "[0.33, 0, 0.69]"):  # the shares add up to 1
        found = judged(at("max(x)", x=[2.0, 1.0, 2.0]), "dx", text)
        assert found.state is State.WRONG
        assert [remark.key for remark in found.remarks] == ["numbers.total"]
    relus = at("sum(relu(x)*y)", x=[0.0, 0.0, 0.0], y=[1.0, -1.0, 2.0])
    for text in ("[0, 0, 0]", "[1, -1, 2]", "[0, -1, 0]", "[0.5, 0, 1.5]"):
        assert judged(relus, "dx", text).state is State.RIGHT
    assert judged(at("norm(x)", x=[0.0, 0.0]), "dx", "[-1, 0]").state is State.RIGHT


# ── arrays ──────────────────────────────────────────────────────────────────────────────────────────────────────

DTYPES = [("float64", 1e-7, 1e-7), ("float32", 1.3e-6, 1e-5), ("float16", 1e-3, 1e-5), ("bfloat16", 1.6e-2, 1e-5)]


@pytest.mark.parametrize(("dtype", "rtol", "atol"), DTYPES)
def test_a_file_is_compared_as_pytorch_compares_its_dtype(dtype: str, rtol: float, atol: float) -> None:
    """With the tolerances that torch.testing.assert_close documents."""
    gradients = at("sum(x*y)", x=[1.0, -2000.0, 0.0], y=[0.0, 0.0, 0.0])
    cell = resolve("dy", gradients)
    right = np.array([1.0, -2000.0, 0.0])
    for share, state in ((0.9, State.RIGHT), (1.1, State.WRONG)):
        for entry in range(3):
            off = np.zeros(3)
            off[entry] = share * (atol + rtol * abs(right[entry]))
            found = compare(given.array(right + off, dtype), cell, gradients, Rules())
            assert found.state is state
            assert np.isclose(right + off, right, rtol=rtol, atol=atol).all() == (state is State.RIGHT)


def test_whole_numbers_of_a_file_are_exact() -> None:
    """An integer array has no tolerance."""
    gradients = at("sum(x*y)", x=[1.0, 2.0], y=[0.0, 0.0])
    cell = resolve("dy", gradients)
    assert compare(given.array(np.array([1, 2])), cell, gradients, Rules()).state is State.RIGHT
    assert compare(given.array(np.array([1, 3])), cell, gradients, Rules()).state is State.WRONG


def test_a_wrong_array_says_what_differs() -> None:
    """Worst entry with both numbers, the largest absolute and relative error, and how many entries differ."""
    gradients = at("sum(W*x)", W=[[1.0, 2.0], [3.0, 4.0]], x=[[10.0, 20.0], [30.0, 40.0]])
    assert english(judged(gradients, "dW", "[[10, 20], [33, -40]]")) == (
        "2 of 4 entries differ; the worst is [1,1]: -40 instead of 40, off by 80; "
        "the largest relative error is 2 at [1,1]"
    )
    assert english(judged(gradients, "dW", "[[10, 30], [20, 40]]")).startswith("2 of 4 entries differ")
    near = given.array(np.array([[10.0, 20.0], [30.0, 40.0001]]))
    cell = resolve("dW", gradients)
    assert "[1,1]: 40.0001 instead of 40, off by 0.0001" in english(compare(near, cell, gradients, Rules()))
    lost = given.array(np.array([[10.0, 20.0], [nan, 40.0]]))
    assert "1 of 4 entries differ; the worst is [1,0]: nan" in english(compare(lost, cell, gradients, Rules()))


SHAPES = [
    ("[[1, 3, 5], [2, 4, 6]]", "the answer is (2,3), the right one is (3,2); its transpose has the right numbers"),
    (
        "[1, 2, 3, 4, 5, 6]",
        "the answer is (6,), the right one is (3,2); it has the right numbers, in another shape",
    ),
    ("[[1, 2, 3], [4, 5, 7]]", "the answer is (2,3), the right one is (3,2)"),
    ("3", "the answer is a scalar, the right one is (3,2)"),
]


@pytest.mark.parametrize(("text", "said"), SHAPES)
def test_another_shape_is_named(text: str, said: str) -> None:
    """Both shapes are said, and whether a transpose or another shape would do."""
    gradients = at("sum(x*y)", x=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], y=[[0.0] * 2] * 3)
    found = judged(gradients, "dy", text)
    assert found.state is State.WRONG
    assert english(found) == said


def test_entries_count_as_typed() -> None:
    """Each to half a unit of its own last digit; rounded steps count for arrays too."""
    gradients = at("sum(sigmoid(x)*y)", x=[1.0, 2.0], y=[1.0, 1.0])
    assert judged(gradients, "dx", "[0.20, 0.105]").state is State.RIGHT
    assert judged(gradients, "dx", "[0.2, 0.105]").state is State.COARSE
    assert judged(gradients, "dx", "[0.2, 0.1]", decimals=1).state is State.RIGHT
    assert judged(gradients, "dx", "[0.1971, 0.1056]").state is State.ROUNDED  # 0.73·0.27, 0.88·0.12
    assert judged(gradients, "dx", "[0.20, 0.15]").state is State.WRONG


# ── what a number counts as, and what is said ───────────────────────────────────────────────────────────────────

FITS = [
    ("0.40", 0.3951, True),
    ("0.40", 0.3932, False),
    ("0.40", 0.405, True),
    ("-4", -4.000000000000001, True),
    ("-4", -4.1, False),
    ("1/3", 0.3333333333333333, True),
    ("2*3", 6.0, True),
    ("0", 0.0, True),
    ("0", 1e-3, False),
    ("0.39", nan, False),
    ("0.39", inf, False),
    ("inf", inf, True),
    ("[1, 2]", 1.0, False),
]


@pytest.mark.parametrize(("text", "predicted", "expected"), FITS)
def test_a_prediction_counts_as_what_was_typed(text: str, predicted: float, expected: bool) -> None:
    """Within half a unit of the last digit, or equal where it is exact."""
    assert comparing.test(given.read(text), Rules())(predicted) is expected


def test_a_prediction_of_an_array_counts_entry_by_entry() -> None:
    """With the same shape."""
    fits = comparing.test(given.read("[0.40, 2]"), Rules())
    assert fits(np.array([0.3951, 2.0]))
    assert not fits(np.array([0.3951, 2.1]))
    assert not fits(np.array([[0.3951, 2.0]]))
    assert not fits(0.4)


def test_every_message_is_said_in_every_language() -> None:
    """All keys that the modules use exist, with the same fields."""
    root = Path(given.__file__).parent
    used = set()
    for module in (
        "given",
        "refusals",
        "lists",
        "intervals",
        "comparing",
        "arrays",
        "rounding",
        "kinks",
        "sides",
        "shares",
    ):
        used |= set(re.findall(r'"numbers\.(\w+)"', (root / f"{module}.py").read_text(encoding="utf-8")))
    used |= {"kink_entries", "strict_entries"}
    fields = [
        {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in words.texts(lang, "numbers").items()}
        for lang in words.LANGUAGES
    ]
    assert fields[0] == fields[1]
    assert used == set(fields[0])


def test_hidden_remarks_tell_no_right_number() -> None:
    """Where the answer is hidden, no remark has it, and none has a number that leads to it."""
    cases = [
        (NEURON, LECTURE, "x0", "0.40"),
        ("sigmoid(x)", {"x": 1.0}, "dx", "0.19"),
        ("relu(x)*y", {"x": 0.0, "y": 3.7}, "dx", "3"),
    ]
    for expression, values, address, text in cases:
        for remark in judged(at(expression, **values), address, text).remarks:
            masked = hidden(remark)
            for language in words.LANGUAGES if masked else ():
                said = Words(language).said(masked)  # type: ignore[arg-type]
                assert not re.search(r"0\.20|0\.39|0\.1966|3\.7", said)
    for key in filter(None, HIDDEN.values()):
        area, name = key.split(".")
        assert name in words.texts("en", area)


def test_numbers_are_compared_without_slow_imports() -> None:
    """Reading and comparing numbers, rounded steps and kinks load neither numpy, sympy, flint nor pydantic."""
    program = (
        "import sys; from gradcli.syntax import parse; from gradcli.cells import resolve\n"
        "from gradcli.homework import records; from gradcli.homework.numbers import comparing, given\n"
        f"g = parse({NEURON!r}).forward({LECTURE!r}).backward(); c = resolve('x0', g)\n"
        "for t in ('0.39', '0.40', '-0.39', '0.41', '1/3', 'pi/4', '0.4', '?'):\n"
        "    comparing.compare(given.read(t), c, g, records.Rules())\n"
        "g = parse('relu(x)').forward({'x': 0.0}).backward()\n"
        "comparing.compare(given.read('1'), resolve('dx', g), g, records.Rules())\n"
        "print([m for m in ('numpy', 'sympy', 'flint', 'pydantic', 'rich', 'fractions') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
