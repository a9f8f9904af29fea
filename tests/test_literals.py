"""Nested lists of numbers are found, read, and written, without recursion and in linear time."""

from __future__ import annotations

import ast
import time
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.errors import LimitError
from gradcli.literals import DEEPEST, doubles, extent, read, shape_of, text_of


class Refused(Exception):
    """What `fail` raises here."""


def fail(message, span, hint=None):
    """The parser's part."""
    raise Refused(message, span, hint)


EXTENTS = [
    # text, what `extent` takes of it; None for an expression
    ("[1]", "[1]"),
    ("[1, 2]*x + [3]", "[1, 2]"),
    ("[[1], [2]].T", "[[1], [2]]"),
    ("[1, 2][0]", "[1, 2]"),
    ("[1]]", "[1]"),
    ("[ -1 , +2.5e3,\n−.5\t]", "[ -1 , +2.5e3,\n−.5\t]"),
    ("[]", "[]"),
    ("[1,,2]", "[1,,2]"),
    ("[1 2]", "[1 2]"),
    ("[1 -2]", "[1 -2]"),
    ("[1 - 2]", None),
    ("[1-2]", None),
    ("[1+2]", None),
    ("[- 1]", None),
    ("[x]", None),
    ("[1, x]", None),
    ("[1, 2*3]", None),
    ("[[1, 2], x]", None),
    ("[(1)]", None),
    ("[e]", None),
    ("[inf]", None),
    ("[1e]", None),
    ("[1x]", None),
    ("[1²]", None),
    ("[1.2.3]", None),
    ("[1_0]", None),
    ("[١]", None),
    ("[1, 2", None),
    ("[[1, 2]", None),
    ("[", None),
    ("[1 # one\n]", None),
    ("[1; 2]", None),
]


@pytest.mark.parametrize(("text", "taken"), EXTENTS)
def test_extent(text, taken):
    """What holds numbers alone is a list of numbers, right or wrong; what holds more is an expression."""
    end = extent("y + " + text, 4)
    assert (None if end is None else ("y + " + text)[4:end]) == taken


READ = [
    ("[1]", (1.0,)),
    ("[ -1 , +2.5e3,\n−.5\t]", (-1.0, 2500.0, -0.5)),
    ("[[1, 2], [3, 4]]", ((1.0, 2.0), (3.0, 4.0))),
    ("[[1] ,[2]\n]", ((1.0,), (2.0,))),
    ("[0, -0, 0.0e5, 0e-999]", (0.0, 0.0, 0.0, 0.0)),
    ("[1e308, 5e-324]", (1e308, 5e-324)),
    ("[[[1, 2]]]", (((1.0, 2.0),),)),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_read(text, expected):
    """A list is nested tuples of doubles."""
    assert read("x*" + text, 2, 2 + len(text), fail) == expected


FAULTS = [
    # text, message, what is marked
    ("[]", "at least one entry", "[]"),
    ("[[ ], []]", "at least one entry", "[ ]"),
    ("[,]", "an entry is missing", ","),
    ("[1,]", "an entry is missing", ","),
    ("[1,,2]", "an entry is missing", ","),
    ("[[1],]", "an entry is missing", ","),
    ("[[1],,[2]]", "an entry is missing", ","),
    ("[1 2]", "a comma is missing", "1 2"),
    ("[1 -2, 3]", "a comma is missing", "1 -2"),
    ("[[1] [2]]", "a comma is missing", "["),
    ("[[1][2]]", "a comma is missing", "["),
    ("[[1], [2, 3]]", "row 2 has 2 entries, row 1 has 1", "[2, 3]"),
    ("[[1, 2], [3, 4], [5]]", "row 3 has 1 entry, row 1 has 2", "[5]"),
    ("[[[1]], [[2, 3]]]", "entry 2 of this list has the shape (1,2), entry 1 has (1,1)", "[[2, 3]]"),
    ("[[1], [[2]]]", "entry 2 of this list has the shape (1,1), entry 1 has (1,)", "[[2]]"),
    ("[1, [2]]", "numbers and lists are mixed", "[2]"),
    ("[[1], 2]", "numbers and lists are mixed", "2"),
    ("[1, 1e999]", "larger than any double", "1e999"),
    ("[[1],\n[ -1e400]]", "larger than any double", "-1e400"),
    ("[1, 1e-999]", "smaller than any double", "1e-999"),
]


@pytest.mark.parametrize(("text", "message", "marked"), FAULTS)
def test_faults(text, message, marked):
    """What is no array of doubles is refused, with its place in the whole text."""
    whole = "x*" + text
    end = extent(whole, 2)
    assert end == len(whole)
    with pytest.raises(Refused) as caught:
        read(whole, 2, end, fail)
    assert message in caught.value.args[0]
    assert whole[slice(*caught.value.args[1])] == marked


def test_depth():
    """As deep as arrays go; one bracket more is too deep, and a million cost nothing."""
    text = "[" * DEEPEST + "1" + "]" * DEEPEST
    assert shape_of(read(text, 0, extent(text, 0), fail)) == (1,) * DEEPEST
    for depth in (DEEPEST + 1, 1_000_000):
        text = "[" * depth + "1" + "]" * depth
        with pytest.raises(LimitError, match="32 deep"):
            read(text, 0, extent(text, 0), fail)


def test_too_many_entries():
    """Two million numbers are the most."""
    text = "[" + ",".join(["[" + "1," * 99_999 + "1]"] * 21) + "]"
    with pytest.raises(LimitError, match="2,000,000"):
        read(text, 0, len(text), fail)


LONG = {
    "a row": "[" + ",".join(["-0.12345678901"] * 100_000) + "]",
    "zeros": "[" + ",".join(["0"] * 100_000) + "]",
    "short rows": "[" + ",".join(["[1,2]"] * 50_000) + "]",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_lists_are_fast(text):
    """100,000 numbers take well under a second."""
    begun = time.process_time()
    assert len(read(text, 0, extent(text, 0), fail)) >= 50_000
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", ["[" * 30_000 + "x", "[1],x," * 10_000, "[" + "[1,x]," * 10_000, "[[1,2,3," * 5_000])
def test_looking_for_lists_takes_linear_time(text):
    """A parser that asks at every bracket of a long expression is not held up."""
    begun = time.process_time()
    for at, sign in enumerate(text):
        if sign == "[":
            extent(text, at)
    assert time.process_time() - begun < 2


number = st.floats(allow_nan=False, allow_infinity=False, width=64)
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_text_reads_back(data):
    """The text of any array is read back as the same array, by gradcli and by Python."""
    shape = data.draw(shapes)
    size = int(np.prod(shape))
    array = np.array(data.draw(st.lists(number, min_size=size, max_size=size))).reshape(shape)
    text = text_of(array)
    assert extent(text, 0) == len(text)
    assert np.array_equal(read(text, 0, len(text), fail), array)
    assert np.array_equal(ast.literal_eval(text), array)
    assert shape_of(read(text, 0, len(text), fail)) == tuple(shape)


TEXTS = [
    (((0.1, 0.5), (-0.3, 0.8)), "[[0.1,0.5],[-0.3,0.8]]"),
    ((1.0,), "[1]"),
    (((1.0,), (2.0,)), "[[1],[2]]"),
    ([10.0, -100.0, 1.05], "[10,-100,1.05]"),
    (np.array([1e22, -1e-7, -0.0]), "[1e22,-1e-7,0]"),
    (np.array([inf, -inf]), "[inf,-inf]"),
    (7.0, "7"),
    (0.5, "0.5"),
]


@pytest.mark.parametrize(("array", "text"), TEXTS, ids=str)
def test_text_of(array, text):
    """The shortest text of each number, as everywhere in gradcli, without blanks."""
    assert text_of(array) == text


DOUBLES = [
    (["1", " -2.5e3 ", "+.5", "−3"], (1.0, -2500.0, 0.5, -3.0)),
    (["0", "-0.0"], (0.0, 0.0)),
    (["1", "pi"], None),
    (["1,2"], None),
    (["1,2", "3"], None),
    (["", "1"], None),
    (["1e999"], None),
    (["1e-999"], None),
    (["nan"], None),
    (["1_0"], None),
    (["١"], None),
    (["0x1"], None),
]


@pytest.mark.parametrize(("words", "expected"), DOUBLES, ids=str)
def test_doubles(words, expected):
    """Plain numbers are converted together; whatever else is there leaves them to a closer look."""
    assert doubles(words) == expected
