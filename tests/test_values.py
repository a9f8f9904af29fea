"""Values on the command line are constant expressions of our own language, and lists of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcli.cli.arguments import Binding
from gradcli.cli.values import refuse_twice, value
from gradcli.errors import LimitError, UsageError
from gradcli.reading.values import read


def given(text: str) -> Binding:
    """What `--x=…` binds."""
    return Binding("x", text, f"--x={text}")


NUMBERS = [
    ("3", 3.0),
    ("-1", -1.0),
    ("+2", 2.0),
    ("−5", -5.0),
    (" 4 ", 4.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("1e-8", 1e-8),
    ("1E5", 1e5),
    ("1/3", 1 / 3),
    ("-1/4", -0.25),
    ("pi/4", math.pi / 4),
    ("π", math.pi),
    ("e", math.e),
    ("tau", math.tau),
    ("2^-3", 0.125),
    ("-2^2", -4.0),
    ("2**3", 8.0),
    ("3²", 9.0),
    ("sqrt(2)", math.sqrt(2)),
    ("1 < 2", 1.0),
    ("(1+2)*3", 9.0),
    ("inf", math.inf),
    ("+inf", math.inf),
    ("-inf", -math.inf),
    ("Infinity", math.inf),
    ("-Infinity", -math.inf),
    ("1e308", 1e308),
    ("5e-324", 5e-324),
    ("0." + "3" * 5000, 1 / 3),
    ("1" + "0" * 5000 + "/1" + "0" * 5000, None),  # too large on the way, though 1 in the end
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS, ids=lambda x: str(x)[:20])
def test_numbers(text, expected):
    """A value is the double that its expression has in our language."""
    if expected is None:
        with pytest.raises(UsageError, match="larger than any double"):
            value(given(text))
    else:
        assert value(given(text)) == expected


def test_nan_is_a_value():
    """`nan` can be asked for."""
    assert math.isnan(value(given("nan")))


WRONG = [
    # text, message, hint, the text under the caret
    ("", "no value", "--x=3", ""),
    ("  ", "no value", "--x=3", "  "),
    ("abc", "'abc' is not a number", "1.5, -1/4", "abc"),
    ("2*y", "'y' is not a number", "1.5, -1/4", "y"),
    ("1,5", "'1,5' is not a number", "1.5", "1,5"),
    ("-0,25", "'-0,25' is not a number", "-0.25", "-0,25"),
    ("3+-0.1", "no uncertainty", "uncertainties", "+-"),
    ("3 +- 0.1", "no uncertainty", "uncertainties", "+-"),
    ("3±0.1", "no uncertainty", "uncertainties", "±"),
    ("(1,2)", "square brackets", "[1,2]", "(1,2)"),
    ("(1, 2,)", "square brackets", "[1, 2]", "(1, 2,)"),
    ("{1,2}", "square brackets", "[1,2]", "{1,2}"),
    ("1,2,3", "square brackets", "[1,2,3]", "1,2,3"),
    ("1 2 3", "an operator is missing", "[1, 2, 3]", "1 2"),
    ("[1,2", "never closed", "]", "["),
    ("[[1,2],[3", "never closed", "]", "["),
    ("[1,2]]", "closes nothing", "remove", "]"),
    ("[1 2]", "a comma is missing", "write 1, 2", "1 2"),
    ("[1 -2]", "a comma is missing", "write 1, -2", "1 -2"),
    ("[1. 2. 3.]", "a comma is missing", "write 1., 2., 3.", "1. 2. 3."),
    ("[[1,2] [3,4]]", "a comma is missing", "[[1, 2], [3, 4]]", "["),
    ("[1,2;3,4]", "separates no rows", "[[1, 2], [3, 4]]", ";"),
    ("[1,,2]", "an entry is missing", "remove", ","),
    ("[1,2,]", "an entry is missing", "remove", ","),
    ("[]", "at least one entry", "[1, 2]", "[]"),
    ("[[1],[]]", "at least one entry", "[1, 2]", "[]"),
    ("[[1,2],[3]]", "row 2 has 1 entry, row 1 has 2", "one length", "[3]"),
    ("[[1],[2,3,4]]", "row 2 has 3 entries, row 1 has 1", "one length", "[2,3,4]"),
    ("[[[1]],[[2],[3]]]", "has the shape (2,1), entry 1 has (1,1)", "one length", "[[2],[3]]"),
    ("[1,[2]]", "mixed", "one length", "[2]"),
    ("[[1],2]", "mixed", "one length", "2"),
    ("[a, 1]", "'a' is not a number", "1.5, -1/4", "a"),
    ("[[1, 2], [3, 2*b]]", "'b' is not a number", "1.5, -1/4", "b"),
    ("['a', 1]", "not text", "without quotes", "'a'"),
    ('[1, "2"]', "not text", "without quotes", '"2"'),
    ("[1, ..., 9]", "left out", "@x.npy", "..."),
    ("[1, 1e999]", "larger than any double", "or is 0 or inf", "1e999"),
    ("[1, -1e-999]", "smaller than any double", "or is 0 or inf", "-1e-999"),
    ("[1, 1/0]", "this value is inf", "write inf", "1/0"),
    ("[1, 1e999/2]", "larger than any double", "or is 0 or inf", "1e999"),
    ("[1, 0x10]", "decimal", "write 16", "0x10"),
    ("[1, 1_000]", "no _", "write 1000", "1_000"),
    ("[1, ١]", "not part of the language", "write 1", "١"),
    ("[1, +-2]", "no uncertainty", "uncertainties", "+-"),
    ("[1, @w.txt]", "command line only", "the number", "@w.txt"),
    ("[1, None]", "'None' is not a number", "1.5, -1/4", "None"),
    ("[1, (2, 3)]", "square brackets", "[2, 3]", "(2, 3)"),
    ("[1, 2*[3, 4]]", "a list of 2 numbers, where one belongs", None, "2*[3, 4]"),
    ("[[1,2]*2, [3,4]]", "after an inner list", "nothing else", "*"),
    ("[1,2]+[1,2,3]", "(2,) + (3,)", "lengths", "+"),
    ("[1,2]/0", "an entry of this value is inf", "inf", "[1,2]/0"),
    ("@", "no file is named", "@x.csv", "@"),
    ("0x10", "decimal", "write 16", "0x10"),
    ("-0b11", "decimal", "write -3", "-0b11"),
    ("1_000", "no _", "write 1000", "1_000"),
    ("١٢", "not part of the language", "write 1", "١"),
    ("1e999", "larger than any double", "or is 0 or inf", "1e999"),
    ("1e-999", "smaller than any double", "or is 0 or inf", "1e-999"),
    ("1e999/1e998", "larger than any double", "or is 0 or inf", "1e999"),
    ("1/0", "this value is inf", "write inf", "1/0"),
    ("9^9^9", "this value is inf", "write inf", "9^9^9"),
    ("log(-1)", "this value is nan", "write nan", "log(-1)"),
    ("3x", "multiplication is written with *", "3*x", "3x"),
    ("3 4", "an operator is missing", "3*4", "3 4"),
    ("(1", "never closed", ")", "("),
    ("1+", "ends after '+'", "after it", "+"),
    ("a=3", "one expression", "1.5", "="),
    ("1;2", "one expression", "1.5", ";"),
    ("1#2", "one expression", "1.5", "#"),
    ("1\n2", "one expression", "1.5", "\n"),
    ("__import__('os')", "unknown function", None, "__import__"),
    ("sgrt(2)", "unknown function", "sqrt", "sgrt"),
    ("5%", "not part of the language", "100", "%"),
    ("$x", "not part of the language", "quote", "$"),
    ("1\u202e2", "not part of the language", "invisible", "\u202e"),
]


@pytest.mark.parametrize(("text", "message", "hint", "marked"), WRONG)
def test_what_is_no_number(text, message, hint, marked):
    """Anything else is refused: what is wrong, the place in the user's own words, and what to write."""
    binding = given(text)
    with pytest.raises(UsageError) as caught:
        value(binding)
    error = caught.value
    assert message in error.message
    assert hint is None or hint in (error.hint or "")
    assert error.source == binding.written
    assert error.span is not None
    assert error.source[slice(*error.span)] == marked


LISTS = [
    ("[1,2]", [1, 2]),
    ("[3]", [3]),
    (" [ 1 , -2.5e1,\n+.5 ] ", [1, -25, 0.5]),
    ("[−1]", [-1]),
    ("[[0.1,0.5],[-0.3,0.8]]", [[0.1, 0.5], [-0.3, 0.8]]),
    ("[[[1],[2]]]", [[[1], [2]]]),
    ("[1/3, pi/4, -1e-8]", [1 / 3, math.pi / 4, -1e-8]),
    ("[2 - 3, max(1, 2), sum([1, 2])]", [-1, 2, 3]),
    ("[inf, -inf, +Infinity]", [math.inf, -math.inf, math.inf]),
    ("[1,2]/4", [0.25, 0.5]),
    ("2*[1,2]", [2, 4]),
    ("[[1,2],[3,4]].T", [[1, 3], [2, 4]]),
    ("[" + "[" * 31 + "1" + "]" * 32, np.ones((1,) * 32)),
]


@pytest.mark.parametrize(("text", "expected"), LISTS, ids=lambda x: str(x)[:20])
def test_lists(text, expected):
    """A list is an array of doubles with as many axes as it is deep; an entry is whatever a single value may be."""
    found = value(given(text))
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    assert found.tolist() == np.array(expected).tolist()


def test_nan_in_a_list():
    """`nan` can be asked for there too."""
    assert math.isnan(value(given("[1, nan]"))[1])


def test_an_expression_of_one_entry_is_a_number():
    """What has no axes is a plain float, so that its graph runs on floats."""
    assert type(value(given("[5,6][1]"))) is float


@pytest.mark.parametrize("text", ["[" * 33 + "1" + "]" * 33, "[" * 1_000_000, "[" + "0," * 2_000_000 + "0]"])
def test_lists_beyond_the_limits(text):
    """What is deeper or longer than any array that gradcli takes ends with status 5, at once."""
    with pytest.raises(LimitError, match=r"32 deep|2,000,000"):
        read(text, UsageError)


def test_a_name_is_given_once():
    """A second value for a name, in whatever spelling, is an error that shows both."""
    with pytest.raises(UsageError, match="x1 is given twice") as caught:
        refuse_twice([Binding("x1", "1", "--x₁=1"), Binding("x1", "1", "--set x1=1")])
    assert caught.value.source == "--x₁=1 --set x1=1"
