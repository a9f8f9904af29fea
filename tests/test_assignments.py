"""Homework's files: assignments with all faults at once, values drawn for ever, submissions of every kind and shape."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import random
import time
import tracemalloc
import unicodedata
import zipfile
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gradcli.errors import FaultyFile, FileError, GradcliError, LimitError, UsageError
from gradcli.homework.files import drawing, filled, texts
from gradcli.homework.files.answer_files import answers_of
from gradcli.homework.files.assignment import Assignment, from_expression, load, parsed
from gradcli.homework.files.roster import read_roster
from gradcli.homework.files.submissions import Submission, read
from gradcli.homework.records import Rules

HW4 = """\
schema = "gradcli.assignment/1"
title = "HW4"
decimals = 2            # 0.2 from a spreadsheet counts as 0.20
carry = 0.5             # share for the right method on an earlier wrong value
at_kink = "interval"
seed = 7
[[problem]]
id = "1"
expr = "q = x + y; f = q*z"
at = { x = -2, y = 5, z = -4 }
cells = { "value" = 1, "value.q" = 1, "local.q.x" = 1, "dq" = 2, "dx" = 2 }
[[problem]]
id = "2"
expr = "s = apple*n + orange*m; f = s*tax"
draw = { apple = [80, 120], n = [2, 5], orange = [100, 200], m = [2, 5], tax = 1.1 }   # per student, from seed and id
cells = { "value" = 1, "dtax" = 2, "dapple" = 2 }
"""

START = 'schema = "gradcli.assignment/1"\n'


def hw4() -> Assignment:
    """The assignment of the issue."""
    return parsed(HW4, "hw4.toml")


def problem(lines: str) -> str:
    """An assignment of one problem."""
    head = "" if "expr" in lines else 'expr = "x*y"\n'
    cells = "" if "cells" in lines else "cells = { value = 1 }\n"
    return f'{START}[[problem]]\nid = "1"\n{head}{cells}{lines}'


# ── assignments ─────────────────────────────────────────────────────────────────────────────────────────


def test_assignment(tmp_path: Path) -> None:
    """An assignment's settings, values, cells and points are what its file says; numbers keep the text typed."""
    file = tmp_path / "hw4.toml"
    file.write_text(HW4, encoding="utf-8")
    found = load(str(file))
    assert (found.title, found.seed, found.points, found.place) == ("HW4", 7, 12, str(file))
    assert found.rules == Rules(decimals=2, carry=0.5, at_kink="interval", seed=7)
    first, second = found.problems
    assert (first.at, first.typed) == ({"x": -2, "y": 5, "z": -4}, {"x": "-2", "y": "5", "z": "-4"})
    assert first.cells == {"value": 1, "value.q": 1, "local.q.x": 1, "dq": 2, "dx": 2}
    assert first.gradients(first.at)["z"] == 3
    assert list(second.draw) == ["apple", "n", "orange", "m", "tax"]
    assert found.problem("2") is second


def test_assignment_in_json() -> None:
    """The same assignment in JSON is the same."""
    import tomllib

    found = parsed(json.dumps(tomllib.loads(HW4)), "hw4.json")
    assert found.problems == hw4().problems
    assert found.rules == hw4().rules


def test_values_as_typed() -> None:
    """Values may be text and lists; what is typed is what a worksheet shows."""
    lines = 'expr = "sum(W @ v)*x + c"\nat = { x = 0.50, c = "pi/4", W = [["1/2", 2.0], [3, 4]], v = "[1, 2]" }'
    found = parsed(problem(lines), "a.toml").problems[0]
    assert found.typed == {"x": "0.50", "c": "pi/4", "W": "[[1/2, 2.0], [3, 4]]", "v": "[1, 2]"}
    assert found.at["W"].tolist() == [[0.5, 2], [3, 4]]
    assert found.at["c"] == pytest.approx(0.7853981633974483)
    assert drawing.texts(found, found.at) == {name: found.typed[name] for name in found.at}


def test_problem_goes_to_another_process() -> None:
    """A problem can be handed to another process; its graph is made again there."""
    found = pickle.loads(pickle.dumps(hw4()))  # noqa: S301
    assert found == hw4()
    assert found.problems[0].gradients(found.problems[0].at)["x"] == -4


ALL_AT_ONCE = """\
schema = "gradcli.assignment/2"
titel = "HW"
decimals = "two"
[[problem]]
id = 1
expr = "x*(y+2"
at = { x = "abc", y = 1e999 }
cells = { value = 1 }
[[problem]]
id = "1"
expr = "x*y + w"
at = { x = "abc", y = 2, yy = 3 }
draw = { y = [2, 5], w = [0.5, 0.1] }
cells = { "value" = -1, "dqq" = 1, "dx" = 1, "grad.x" = 2 }
"""

ALL_SHOWN = """\
error: hw.toml has 14 faults
  decimals: not a whole number: "two"
  titel: there is no such key
    hint: did you mean title?
  schema: "gradcli.assignment/2" is not read
    hint: this version of gradcli reads gradcli.assignment/1
  problem.1.at.x: not a number: "abc"
    hint: a value is made of numbers: 1.5, -1/4, pi/4, 1e-8
  problem.1.at.y: this number is larger than any double (about 1.8e308): "1e999"
    hint: a value lies between about 4.9e-324 and 1.8e308, or is 0 or inf
  problem.1.expr: this bracket is never closed
      x*(y+2
        ^
    hint: add the missing ')'
  problem.2.at.x: not a number: "abc"
    hint: a value is made of numbers: 1.5, -1/4, pi/4, 1e-8
  problem.2.draw.w: the bounds are reversed: 0.5 is larger than 0.1
    hint: write [0.1, 0.5]
  problem.2.cells.value: points are at least 0, not -1
  problem.2.draw.y: it has a value in at too
    hint: keep one of them
  problem.2.at.yy: the expression has no variable 'yy'
    hint: did you mean y?
  problem.2.cells.dqq: no cell 'dqq'
    hint: cells are value, value.NODE, grad.NODE, local.CHILD.PARENT; nodes: x, y, w, n1, f
  problem.2.cells."grad.x": this is the cell 'dx' again
    hint: keep one of them
  problem.2.id: "1" is problem 1's id too
    hint: each problem has its own"""


def test_all_faults_at_once() -> None:
    """Every fault of a file is told in one go, with its path, its place in an expression, and what to do."""
    with pytest.raises(FaultyFile) as caught:
        parsed(ALL_AT_ONCE, "hw.toml")
    assert caught.value.block() == ALL_SHOWN
    assert caught.value.status == 4
    assert len(caught.value.faults) == 14


FAULTS = [
    ("", "schema is missing; problem is missing"),
    (START, "problem is missing"),
    (f"{START}problem = 3", "problem: this is a number: write each problem under [[problem]]"),
    (f"{START}problem = []", "problem: there is no problem: write one under [[problem]]"),
    (f'{START}[problem]\nid = "1"', "problem: this is one table: write [[problem]], in two brackets"),
    (f"{START}problem = [1]", "problem.1: this is a number, not a table of a problem"),
    (f"{START}[[problem]]", "problem.1.id is missing; problem.1.expr is missing; problem.1.cells is missing"),
    (problem("at = { x = 1, x = 2, y = 1 }"), "duplicate inline table key 'x' (line 6)"),
    (problem("at = { x = 1 }"), "problem.1.at.y: y has no value"),
    (problem("at = { x = 1, y = nan }"), 'problem.1.at.y: not a finite number: "nan"'),
    (problem("at = { x = 1, y = -inf }"), 'problem.1.at.y: not a finite number: "-inf"'),
    (problem("at = { x = 1, y = true }"), "problem.1.at.y: this is a truth value, not a number"),
    (problem("at = { x = 1, y = 1979-05-27 }"), "problem.1.at.y: this is a date or a time, not a number"),
    (problem("at = { x = 1, y = {} }"), "problem.1.at.y: this is a table, not a number"),
    (problem("at = { x = 1, y = [] }"), "problem.1.at.y: a list has at least one entry"),
    (problem("at = { x = 1, y = '' }"), "problem.1.at.y: there is no number here"),
    (problem("at = { x = 1, y = '1,5' }"), 'problem.1.at.y: not a number: "1,5"'),
    (problem("at = { x = 1, y = '@y.npy' }"), 'problem.1.at.y: a file is named on the command line only: "@y.npy"'),
    (problem("at = { x = 1, y = [[1, 2], [3]] }"), "problem.1.at.y[1]: this list has 1 entry, problem.1.at.y[0] has 2"),
    (problem("at = { x = 1, y = [1, 'a'] }"), 'problem.1.at.y[1]: not a number: "a"'),
    (problem(f"at = {{ x = 1, y = {'9' * 200} }}"), "problem.1.at.y: this number has too many digits"),
    (problem("at = { x = 1, y = 2, 'a b' = 3 }"), 'problem.1.at."a b": this cannot be the name of a variable'),
    (problem("at = 3"), "problem.1.at: this is a number, not a table: write { x = -2, y = 5 }"),
    (problem("draw = { x = [], y = 1 }"), "problem.1.draw.x: an empty list has nothing to draw from"),
    (problem("draw = { x = ['1/3', 2], y = 1 }"), 'problem.1.draw.x[0]: not a decimal number: "1/3"'),
    (problem("draw = { x = [5, 2], y = 1 }"), "problem.1.draw.x: the bounds are reversed: 5 is larger than 2"),
    (problem("draw = { x = { lo = 1 }, y = 1 }"), "problem.1.draw.x.lo: there is no such key"),
    (problem("draw = { x = { low = 1 }, y = 1 }"), "problem.1.draw.x: high is missing"),
    (
        problem("draw = { x = { low = 1, high = 2, step = 0 }, y = 1 }"),
        "problem.1.draw.x.step: a step is larger than 0",
    ),
    (problem("draw = { x = { low = 1, high = 2, shape = [0] }, y = 1 }"), "problem.1.draw.x.shape: this is no shape"),
    (problem("draw = { x = { choices = [1, [2]] }, y = 1 }"), "problem.1.draw.x.choices[1]: choices have one shape"),
    (
        problem("at = { x = 1, y = 2 }\ncells = {}"),
        'problem.1.cells: nothing is asked for: cells = { "value" = 1, "dx" = 2 }',
    ),
    (problem("at = { x = 1, y = 2 }\ncells = { dx = nan }"), 'problem.1.cells.dx: not a finite number: "nan"'),
    (problem("at = { x = 1, y = 2 }\ncells = { dz = 1 }"), "problem.1.cells.dz: no cell 'dz'"),
    (problem("expr = 'log(x)'\nat = { x = -1 }"), "problem.1.cells.value: this is nan here"),
    (
        problem("expr = 'log(x)'\ndraw = { x = [-5, -1] }"),
        "problem.1.draw: a cell that is asked for is not finite, at all of 32 values tried",
    ),
    (
        problem("draw = { x = { low = 1, high = 2, shape = [101, 100] }, y = 1 }"),
        "problem.1.draw.x.shape: this array has more than 10,000 entries",
    ),
    (
        problem("expr = 'W*2'\nat = { W = [1, 2] }"),
        "problem.1.expr: the output is no scalar but (2,): which gradient is meant?",
    ),
    (problem("expr = 'f(x)'\ndefs = 'f(x) = x^'\nat = { x = 1 }"), "problem.1.defs: the expression ends after '^'"),
    (problem("at = { x = 1, y = 2 }\nseed = 3"), "problem.1.seed: there is no such key"),
    (problem("at = { x = 1, y = 2 }").replace('"1"', '"a b"'), 'problem.1.id: "a b" cannot be an id'),
    (f"decimals = 99\n{problem('at = { x = 1, y = 2 }')}", "decimals: 99 is not from 0 to 15"),
    (
        f"sig = 2\ndecimals = 2\n{problem('at = { x = 1, y = 2 }')}",
        "sig: decimals is set too, another way of comparing",
    ),
    (
        f"decimals = 2\nrtol = 1e-3\n{problem('at = { x = 1, y = 2 }')}",
        "rtol: decimals is set too, another way of comparing",
    ),
    (
        f"cs231n = true\natol = 1\n{problem('at = { x = 1, y = 2 }')}",
        "cs231n: atol is set too, another way of comparing",
    ),
    (f"formulas = 1\n{problem('at = { x = 1, y = 2 }')}", "formulas: this is a number: write true or false"),
    (f"carry = 1.5\n{problem('at = { x = 1, y = 2 }')}", "carry: 1.5 is not from 0 to 1"),
    (f"rtol = -1\n{problem('at = { x = 1, y = 2 }')}", "rtol: -1 is not at least 0"),
    (f"seed = 0.5\n{problem('at = { x = 1, y = 2 }')}", 'seed: not a whole number: "0.5"'),
    (f"cs231n = 1\n{problem('at = { x = 1, y = 2 }')}", "cs231n: this is a number: write true or false"),
    (f"lang = 'fr'\n{problem('at = { x = 1, y = 2 }')}", 'lang: "fr" is none of en, ko'),
    (f"at_kink = 'both'\n{problem('at = { x = 1, y = 2 }')}", 'at_kink: "both" is none of interval, strict'),
    ("x", "expected '=' after a key in a key/value pair (at end of document)"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS, ids=[message[:60] for _, message in FAULTS])
def test_fault(text: str, message: str) -> None:
    """Each fault has its path and its words; the exit status is that of files."""
    with pytest.raises(FileError) as caught:
        parsed(text, "a.toml")
    assert caught.value.status == 4
    assert caught.value.message.partition("a.toml")[2].split(": ", 1)[1] == message


JSON_FAULTS = [
    ('{"schema": "a", "schema": "b"}', "'schema' is given twice"),
    ('{"seed": NaN}', 'JSON has no NaN; write "nan"'),
    ("[" * 100_000, "this is nested too deeply"),
    ("[]", "this holds no names"),
]


@pytest.mark.parametrize(("text", "message"), JSON_FAULTS, ids=[message for _, message in JSON_FAULTS])
def test_fault_of_json(text: str, message: str) -> None:
    """JSON is read strictly."""
    with pytest.raises(FileError) as caught:
        parsed(text, "a.json")
    assert caught.value.message == f"a.json: {message}"


def test_unknown_problem() -> None:
    """A problem is named by its id; of several one must be named."""
    with pytest.raises(UsageError, match="which of the 2 problems"):
        hw4().problem()
    with pytest.raises(UsageError, match=r"hw4.toml has no problem '3'"):
        hw4().problem("3")


def test_files_that_are_none(tmp_path: Path) -> None:
    """A folder, a missing file, and one that is too large are said to be."""
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * ((1 << 20) + 1))
    for path, kind in ((tmp_path, FileError), (tmp_path / "no.toml", FileError), (large, LimitError)):
        with pytest.raises(kind):
            load(str(path))


def test_bare_expression() -> None:
    """A bare expression is an assignment of one problem: its value, and each input's gradient."""
    found = from_expression("x*y + w", {"x": 0.5})
    assert found.problem().cells == {"value": 1, "grad.x": 1, "grad.y": 1, "grad.w": 1}
    assert found.problem().typed == {"x": "0.5"}
    drawn = next(drawing.candidates(found.problem(), found.seed, "ann"))
    assert drawn["x"] == 0.5
    assert all(drawn[name] in range(-5, 6) for name in "yw")
    with pytest.raises(UsageError, match="no variable 'u'"):
        from_expression("x", {"x": 1.0, "u": 2.0})


# ── drawing ─────────────────────────────────────────────────────────────────────────────────────────────


DRAWS = """
expr = "a*b*c*d*k"
draw = { a = [-3, 3], b = [0.1, 0.9], c = [2, 3, 5, "1/2"], d = { low = 0, high = 1, step = 0.25 }, k = "1/3" }
"""


def drawn_by_hand(name: str, attempt: int, among: int, student: str = "ann") -> int:
    """SHA-256 of the place, as the module says: independent of its code."""
    return int(hashlib.sha256(f"7|{student}|1|{name}|{attempt}".encode()).hexdigest(), 16) % among


def test_draws_are_the_same_for_ever() -> None:
    """What a student gets is a hash of seed, student, problem, name and attempt; each kind of draw takes it so."""
    found = parsed(problem(DRAWS), "a.toml").problems[0]
    for attempt, values in enumerate(islice(drawing.candidates(found, 7, "ann"), 50)):
        assert values == {
            "a": drawn_by_hand("a", attempt, 7) - 3,
            "b": (1 + drawn_by_hand("b", attempt, 9)) / 10,
            "c": (2, 3, 5, 0.5)[drawn_by_hand("c", attempt, 4)],
            "d": drawn_by_hand("d", attempt, 5) / 4,
            "k": 1 / 3,
        }
    assert next(drawing.candidates(found, 7, "ann")) == {"a": -1, "b": 0.6, "c": 0.5, "d": 0.75, "k": 1 / 3}


def test_draws_reach_every_number() -> None:
    """Both bounds are reached, and all numbers about equally often."""
    found = parsed(problem(DRAWS), "a.toml").problems[0]
    counts = Counter(values["a"] for values in islice(drawing.candidates(found, 7, "ann"), 7000))
    assert set(counts) == {-3, -2, -1, 0, 1, 2, 3}
    assert all(900 < count < 1100 for count in counts.values())


def test_drawn_values_as_worksheets_show_them() -> None:
    """Drawn decimals are short; choices and constants are shown as typed."""
    found = parsed(problem(DRAWS), "a.toml").problems[0]
    for values in islice(drawing.candidates(found, 1, "ann"), 30):
        shown = drawing.texts(found, values)
        assert shown["k"] == "1/3"
        assert shown["c"] in ("2", "3", "5", "1/2")
        assert len(shown["b"]) == 3
        assert shown["a"] == str(int(values["a"]))


def test_drawn_array() -> None:
    """The entries of an array are drawn one by one; a matrix alone is a constant."""
    lines = 'expr = "sum(W*V)"\ndraw = { W = { low = -3, high = 3, shape = [2, 3] }, V = [[1, 2, 3], [4, 5, 6]] }'
    found = parsed(problem(lines), "a.toml").problems[0]
    values = next(drawing.candidates(found, 7, "ann"))
    expected = [int(hashlib.sha256(f"7|ann|1|W|0|{k}".encode()).hexdigest(), 16) % 7 - 3 for k in range(6)]
    assert values["W"].ravel().tolist() == expected
    assert values["V"].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_values_of_a_student_do_not_depend_on_how_a_name_is_composed() -> None:
    """An id is the same student's in NFC and NFD, with white space around it too."""
    name = "김하늘"
    for each in (1, 7):
        values = [drawing.values(hw4().problem("2"), hw4(), id_) for id_ in (name, unicodedata.normalize("NFD", name))]
        assert values[0] == values[1] == drawing.values(hw4().problem("2"), hw4(), f" {name} "), each


# ── encodings ───────────────────────────────────────────────────────────────────────────────────────────


KOREAN = "학번,이름\n1,김하늘\n"

READ = [
    (KOREAN.encode("utf-8"), None),
    (KOREAN.encode("utf-8-sig"), None),
    (KOREAN.encode("utf-16"), None),
    (b"\xfe\xff" + KOREAN.encode("utf-16-be"), None),
    (KOREAN.encode("cp949"), "cp949"),
    (KOREAN.encode("cp949"), "CP949"),
    (KOREAN.encode("utf-16-le"), "utf-16-le"),
    (KOREAN.encode("utf-8"), "cp949"),
    (KOREAN.encode("utf-16"), "cp949"),
]


@pytest.mark.parametrize(("data", "encoding"), READ)
def test_encoding(data: bytes, encoding: str | None, tmp_path: Path) -> None:
    """UTF-8 and UTF-16 are read as they are, others by their name; read whole and line by line alike."""
    file = tmp_path / "a.csv"
    file.write_bytes(data)
    assert texts.decoded(data, "a.csv", encoding and texts.codec(encoding)) == KOREAN
    with texts.opened(str(file), encoding) as stream:
        assert stream.read().removeprefix("\ufeff") == KOREAN


UNREAD = [
    (b"id\n" + KOREAN.encode("cp949"), "this is no UTF-8 text (line 2)", "--encoding cp949"),
    ("naïve".encode("latin-1"), "this is no UTF-8 text (line 1)", "--encoding latin-1"),
    ("id,name\n".encode("utf-16-le"), "this is no UTF-8 text (line 1)", "--encoding utf-16-le"),
    (b"PK\x03\x04\xff", "this is a ZIP archive, perhaps an Excel workbook, not text", "as CSV UTF-8"),
    (b"\x00\x00\x01\xff\x02\x03", "this is no UTF-8 text", "save it as text, in UTF-8"),
]


@pytest.mark.parametrize(("data", "message", "hint"), UNREAD)
def test_unknown_encoding(data: bytes, message: str, hint: str, tmp_path: Path) -> None:
    """Text in another encoding is refused, with the encoding that it seems to have."""
    file = tmp_path / "a.csv"
    file.write_bytes(data)
    for reading in (lambda: texts.read_text(str(file)), lambda: texts.opened(str(file)).__enter__()):
        with pytest.raises(FileError) as caught:
            reading()
        assert message in caught.value.message
        assert hint in (caught.value.hint or "")


def test_encoding_of_no_name() -> None:
    """An encoding that there is not is a misspelt one."""
    with pytest.raises(UsageError, match="no encoding 'cp94'") as caught:
        texts.codec("cp94")
    assert caught.value.hint == "did you mean cp949?"
    for other in ("hex", "", "\x00", "x" * 300):
        with pytest.raises(UsageError):
            texts.codec(other)


# ── submissions ─────────────────────────────────────────────────────────────────────────────────────────


def written(tmp_path: Path, name: str, text: str | bytes) -> str:
    """A file."""
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(file)


def answers(submission: Submission) -> dict[str, str]:
    """The texts of a submission by problem and cell."""
    return {f"{at}:{a.address}": a.text for at, each in submission.answers.items() for a in each if a.text}


SAME = {"1:value": "-12", "1:dq": "-4.00", "1:dx": "z", "2:dtax": "650"}

FORMATS = {
    "a.toml": 'student = "s1"\nname = "Ann"\n[1]\nvalue = -12\n"df/dq" = -4.00\ndx = "z"\n[2]\n"grad.tax" = 650\n',
    "b.toml": 'id = "s1"\n"이름" = "Ann"\n1.value = -12\n1.grad.q = -4.00\n"1:dx" = "z"\n2.dtax = 650\n',
    "a.json": '{"student": "s1", "name": "Ann", "1": {"value": -12, "dq": -4.00, "dx": "z"}, "2": {"dtax": 650}}',
    "a.csv": "student,name,problem,cell,answer\ns1,Ann,1,value,-12\ns1,,1,dq,-4.00\ns1,,1,dx,z\ns1,,2,dtax,650\n",
    "b.csv": "sheet;name;문제;칸;답\ns1;Ann;1;value;-12\ns1;Ann;1;∂f/∂q;-4.00\ns1;Ann;1;x;z\ns1;Ann;2;dtax;650\n",
    "c.toml": 'student = "s1"\nname = "Ann"\n[problem.1]\nvalue = -12\ndq = -4.00\ndx = "z"\n[problem.2]\ndtax = 650\n',
    "c.csv": "\ufeffid,name,1:value,1: dq,1.dx,2:grad_tax\ns1,Ann,-12,-4.00,z,650\n",
    "d.csv": "sep=;\r\n학번;이름;1:value;1:dq;1:dx;2:dtax\r\ns1;Ann;-12;-4.00;z;650;;\r\n",
    "e.tsv": 'Student ID\tName\t1:value\t1:dq\t1:dx\t2:dtax\n"s1"\tAnn\t-12\t"-4.00"\tz\t650',
    "a.md": "<!-- gradcli.worksheet/1 sheet: s1 -->\n\n**Name**: Ann  \n\n## Problem 1 · 7 points\n\n"
    "| node | value |\n| :-- | --: |\n| `x` | -2 |\n\n"
    "| cell | answer | what it is |\n| :-- | :-- | :-- |\n| `value` | -12 | f |\n| `dq` | -4.00 | |\n| `dx` | `z` | |\n"
    "| `local.q.x` | ____ | |\n\n## Problem 2\n\n| cell | answer |\n|---|---|\n| `dtax` | 650 |\n",
    "b.md": "**이름**: Ann\n**학번**: s1\n\n## 문제 1 · 7점\n\n| 칸 | 답 |\n|-|-|\n| `value` | -12 |\n| dq | -4.00 |\n"
    "| `dx` | z |\n## 문제 2\n| 칸 | 답 |\n|-|-|\n| dtax | 650 |\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str, tmp_path: Path) -> None:
    """The same answers are read from every kind of file, digits as typed, addresses as the assignment has them."""
    found = list(read([written(tmp_path, name, FORMATS[name])], hw4()))
    assert [(each.student, each.name, each.faults, each.unread) for each in found] == [("s1", "Ann", (), False)]
    assert answers(found[0]) == SAME


def test_arrays_keep_their_type(tmp_path: Path) -> None:
    """An NPZ file's arrays are handed on in their own type; its student is a text in it, or its name."""
    file = tmp_path / "s9.npz"
    np.savez(file, **{"1:dq": np.float32(-4), "1:dx": np.array([1.0, 2.0])})
    found = next(read([str(file)], hw4()))
    held = {answer.address: answer.value for answer in found.answers["1"]}
    assert (found.student, held["dq"].dtype, held["dq"].shape, held["dx"].tolist()) == ("s9", np.float32, (), [1, 2])
    np.savez(file, **{"1:dq": np.float32(-4), "student": np.array("김하늘")})
    assert next(read([str(file)], hw4())).student == "김하늘"


def test_names_of_students(tmp_path: Path) -> None:
    """An id stands in the file, else it is the file's name; `filename` takes the name always."""
    paths = [written(tmp_path, "s1.toml", "[1]\nvalue = 1\n"), written(tmp_path, "s2.toml", 'student = "zoe"\n')]
    assert [each.student for each in read(paths, hw4())] == ["s1", "zoe"]
    assert [each.student for each in read(paths, hw4(), id_from="filename")] == ["s1", "s2"]


def test_the_name_of_a_file_is_one_id(tmp_path: Path) -> None:
    """A file of several students cannot have its name for their ids."""
    for text in ("id,1:value\na,1\nb,2\n", "sheet,problem,cell,answer\na,1,value,1\nb,1,value,2\n"):
        found = list(read([written(tmp_path, "s1.csv", text)], hw4(), id_from="filename"))
        assert [(each.student, each.unread) for each in found] == [("s1", True)]
        assert "several students are in this file" in found[0].faults[0]
    only = list(read([written(tmp_path, "s2.csv", "1:value,1:dx\n3,4\n")], hw4(), id_from="filename"))
    assert [(each.student, answers(each)) for each in only] == [("s2", {"1:value": "3", "1:dx": "4"})]


def test_second_submission_replaces_the_first(tmp_path: Path) -> None:
    """Of a student's several submissions the last one counts, in whatever file or Unicode form, and says so."""
    name = "김하늘"
    written(tmp_path, "a/1.toml", f'student = "{unicodedata.normalize("NFD", name)}"\n[1]\nvalue = 1\n')
    written(tmp_path, "a/2.toml", 'student = "other"\n[1]\nvalue = 2\n')
    written(tmp_path, "b.csv", f"id,1:value\n{name},3\nother2,4\n{name} ,5\n")
    found = list(read([str(tmp_path / "a"), str(tmp_path / "b.csv")], hw4()))
    assert [(each.student, answers(each)) for each in found] == [
        ("other", {"1:value": "2"}),
        ("other2", {"1:value": "4"}),
        (name, {"1:value": "5"}),
    ]
    assert [Path(place).name for place in found[2].replaces] == ["1.toml", "b.csv: line 2"]


def test_an_empty_sheet_replaces_nothing(tmp_path: Path) -> None:
    """A sheet that was left empty beside the one that was filled in does not count, and is listed."""
    full = written(tmp_path, "s1.csv", "sheet,problem,cell,answer\ns1,1,value,-12\n")
    empty = written(tmp_path, "s1.md", "| cell | answer |\n|-|-|\n| `1:value` | ____ |\n")
    found = list(read([full, empty], hw4()))
    assert [(answers(each), each.replaces) for each in found] == [({"1:value": "-12"}, (empty,))]
    empties = list(read([empty, empty], hw4()))
    assert [(answers(each), len(each.replaces)) for each in empties] == [({}, 1)]


def test_what_is_no_submission(tmp_path: Path) -> None:
    """Beside the answers may lie the assignment, marks and keys: none of them is taken for answers."""
    own = written(tmp_path, "hw4.toml", HW4)
    written(tmp_path, "s1.toml", "[1]\nvalue = 1\n")
    written(tmp_path, "hw4-marks/marks.csv", "id,1:value,1:value state\ns1,1,right\n")
    written(tmp_path, "hw4-marks/class.md", "# The class\n")
    written(tmp_path, "hw4-marks/feedback/s1.md", "| cell | yours |\n|-|-|\n| value | 1 |\n")
    marks = written(tmp_path, "marks.csv", "id,1:value,1:value state\ns1,1,right\n")
    key = written(tmp_path, "sheets-key/key.csv", "sheet,problem,cell,answer,values\ns1,1,value,-12,x=-2\n")
    other = written(tmp_path, "sheets-key/key.md", f"{filled.keep_apart()[1]}\n\n| 칸 | 답 |\n|-|-|\n| value | 1 |\n")
    told: list[str] = []
    found = list(read([str(tmp_path)], load(own), note=told.append))
    assert told == [f"{tmp_path / 'hw4-marks'}: this folder of marks is not read"]
    assert [(each.student, answers(each), each.faults) for each in found] == [
        ("", {}, (f"{marks}: these are marks, not answers",)),
        ("s1", {"1:value": "1"}, ()),
        ("", {}, (f"{key}: this is the key of worksheets, not what students handed in",)),
        ("", {}, (f"{other}: this is the key of worksheets, not what students handed in",)),
    ]


def test_whose_a_broken_file_is(tmp_path: Path) -> None:
    """Where a file cannot be read, but a line of it names the student, it is for review under this id."""
    for name, text in (("a.toml", 'student = "김" # me\n[1]\ndx = \n'), ("a.json", '{"student": "김", "1": {,}}')):
        found = next(read([written(tmp_path, name, text)], hw4()))
        assert (found.student, found.unread) == ("김", True)


CLASS = """\
id,name,1:value,1:dq,note,1:zz
s1,"Lee, Ann",-12,-4,x,1
s2,"Kim,-12,-4,x,1
s3,Park,-12
s4,"Cho
Min",-12,"-4
",x,1
,Nobody,1,1,1,1
s5,"A"B,1,1,1,1
2.02401E+09,Di,1,1,1,1
s6,Eve,-12,-4,x,1,,

s7,"x"",1,1,1,1
"""

CLASS_FOUND = [
    ("s1", "Lee, Ann", {"1:value": "-12", "1:dq": "-4"}, ""),
    ("s2", "", {}, "line 3: a quote in this row is not closed"),
    ("s3", "", {}, "line 4: this row has 3 fields, and the heading 6"),
    ("s4", "Cho\nMin", {"1:value": "-12", "1:dq": "-4"}, ""),
    ("", "", {}, "line 8: no id stands in this row"),
    ("s5", "", {}, "line 9: a quote in this row is followed by more text"),
    ("2.02401E+09", "", {}, "line 10: the id 2.02401E+09 was rounded by a spreadsheet: make the column text"),
    ("s6", "Eve", {"1:value": "-12", "1:dq": "-4"}, ""),
    ("s7", "", {}, "line 13: a quote in this row is not closed"),
]


def test_a_broken_row_is_broken_alone(tmp_path: Path) -> None:
    """In a class file a fault is its row's; the other rows are read, and unknown columns are named once."""
    file, told = written(tmp_path, "class.csv", CLASS), []
    found = list(read([file], hw4(), note=told.append))
    assert [
        (each.student, each.name, answers(each), each.faults[0].removeprefix(f"{file}: ") if each.faults else "")
        for each in found
    ] == CLASS_FOUND
    assert [each.unread for each in found] == [bool(fault) for *_, fault in CLASS_FOUND]
    assert told == [f"{file}: these columns are ignored: 'note', '1:zz'"]


UNREADABLE = [
    ("a.toml", "[1]\nx = ", "invalid value"),
    ("a.toml", "[1]\nvalue = 1\nvalue.q = 2\n", "cannot overwrite a value"),
    ("a.json", "[" * 100_000, "nested too deeply"),
    ("a.json", "[1, 2]", "this holds no names"),
    ("a.csv", "", "the file is empty"),
    ("a.csv", "id,name\ns1,Ann\n", "no column is a cell that is asked for (such as 1:value)"),
    ("a.csv", "who,1:value\ns1,3\n", "no column is 'id'"),
    ("a.csv", "id,1:dx,1:grad.x\ns1,3,4\n", "the columns '1:dx' and '1:grad.x' are one cell"),
    ("a.csv", "id,ID,1:dx\ns1,3,4\n", "two columns are named 'ID'"),
    ("a.csv", "학번,1:dx\n김,3\n".encode("cp949"), "it seems to be Korean Excel's: --encoding cp949"),
    ("a.md", "# My homework\n\nI did not use the table.\n", "there is no table of answers here"),
    ("a.pdf", "%PDF-1.4", "the kind of file is not known: '.pdf'"),
    ("a.xlsx", "PK\x03\x04", "the kind of file is not known: '.xlsx' (save it as CSV UTF-8)"),
    ("a.npz", "PK\x03\x04", "this is no NPZ file"),
]


@pytest.mark.parametrize(("name", "text", "message"), UNREADABLE, ids=[message for *_, message in UNREADABLE])
def test_unreadable_file(name: str, text: str | bytes, message: str, tmp_path: Path) -> None:
    """A file that cannot be read is a submission of nobody with its reason; the next one is read."""
    bad, good = written(tmp_path, name, text), written(tmp_path, "s1.toml", "[1]\nvalue = 1\n")
    found = list(read([bad, good], hw4()))
    assert [each.student for each in found] == ["", "s1"]
    assert found[0].unread
    assert message in found[0].faults[0]
    assert answers(found[1]) == {"1:value": "1"}


ODD_ANSWERS = [
    ("[1]\ndy2 = 3\n", "1.dy2: no cell 'dy2'"),
    ("[1]\ndy = 3\n", "1.dy: problem 1 does not ask for 'dy'"),
    ("[3]\ndx = 3\n", "3.dx: there is no such problem (the problems are 1, 2)"),
    ("dx = 3\n", "dx: which problem is this an answer to? (the problems are 1, 2)"),
    ('[1]\ndx = 3\n"grad.x" = 4\n', "1.grad.x: this cell is answered twice: '3' and '4'"),
]


@pytest.mark.parametrize(("text", "fault"), ODD_ANSWERS, ids=[fault for _, fault in ODD_ANSWERS])
def test_answers_to_nothing(text: str, fault: str, tmp_path: Path) -> None:
    """An answer to what is not asked is a fault of its own; the others count."""
    file = written(tmp_path, "s1.toml", text.replace("dx = 3", "dx = 3\n") + "[2]\ndtax = 5\n")
    found = next(read([file], hw4()))
    assert found.faults[0].startswith(f"{file}: {fault}")
    assert not found.unread
    assert answers(found)["2:dtax"] == "5"


def test_answered_twice_is_for_a_person(tmp_path: Path) -> None:
    """Two answers to one cell are kept both, as what no reader takes for a number."""
    from gradcli.homework.numbers.given import read as read_given
    from gradcli.homework.records import Unreadable

    found = next(read([written(tmp_path, "s1.toml", '[1]\ndx = 3\n"grad.x" = 4\n')], hw4()))
    assert isinstance(read_given(found.answers["1"][0].text, names=["x"]), Unreadable)


def test_what_is_no_number_stays_text(tmp_path: Path) -> None:
    """Whatever was written reaches the one who reads answers: nothing is dropped, nothing becomes 0."""
    text = "[1]\nvalue = true\ndq = nan\ndx = 1e999\n'value.q' = 1979-05-27\n'local.q.x' = [1, '1/3', 2.50]\n"
    found = next(read([written(tmp_path, "s1.toml", text)], hw4()))
    assert answers(found) == {
        "1:value": "true",
        "1:dq": "nan",
        "1:dx": "1e999",
        "1:value.q": "1979-05-27",
        "1:local.q.x": "[1, 1/3, 2.50]",
    }


def test_folders(tmp_path: Path) -> None:
    """A folder's files are read in the order of their names, folders in it too; links in a circle end."""
    for name in ("b/s2.toml", "b/s1.toml", "a/s3.toml", ".hidden/s4.toml", "b/.DS_Store"):
        written(tmp_path, name, "[1]\nvalue = 1\n")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "z.toml").symlink_to(tmp_path / "z.toml")
    empty = tmp_path / ".empty"
    empty.mkdir()
    found = list(read([str(tmp_path), str(empty), str(tmp_path / "none.toml")], hw4()))
    assert [each.student for each in found] == ["s3", "s1", "s2", "", "", ""]
    assert "symbolic links" in found[3].faults[0]
    assert "the folder is empty" in found[4].faults[0]
    assert "no such file" in found[5].faults[0]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every file")
def test_unreadable_by_permission(tmp_path: Path) -> None:
    """A file that may not be read is said to be so."""
    file = written(tmp_path, "s1.toml", "[1]\nvalue = 1\n")
    Path(file).chmod(0)
    assert "permission denied" in next(read([file], hw4())).faults[0]


def npz(members: dict[str, bytes]) -> bytes:
    """A ZIP file of these members, packed tightly."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return held.getvalue()


def test_npz_that_would_do_harm(tmp_path: Path) -> None:
    """A bomb is refused by its declared size, a pickle is never loaded, and neither takes memory or time."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    bomb = npz({"1:dx.npy": b"\0" * (1 << 27)})
    harmful = {"bomb": bomb, "pickle": npz({"1:dx.npy": header.getvalue() + pickle.dumps(os.getcwd)})}
    paths = [written(tmp_path, f"{name}.npz", data) for name, data in harmful.items()]
    tracemalloc.start()
    found = list(read(paths, hw4()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "larger than" in found[0].faults[0]
    assert "pickled" in found[1].faults[0]
    assert peak < 20e6


def test_a_class_is_read_in_flat_memory(tmp_path: Path) -> None:
    """A class file is read row by row: ten times the rows take little more memory than their ids."""
    peaks = []
    for rows in (1000, 10_000):
        file = written(tmp_path, f"{rows}.csv", "id,1:value,1:dq,1:dx,2:value\n")
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.writelines(f"s{row},-12,-4.00,-4,{row}\n" for row in range(rows))
        assignment = hw4()
        list(islice(read([file], assignment), 1))
        tracemalloc.start()
        assert sum(not each.faults for each in read([file], assignment)) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 9000 * 250


def test_no_row_takes_the_square_of_its_length(tmp_path: Path) -> None:
    """Quotes that are never closed, long lines and many columns end soon."""
    long = ['id,1:dx\n"' + '"a\n' * 20_000, "id,1:dx\n" + '"\n' * 20_000, "|" * 100_000 + "\n" + "-" * 200_000]
    start = time.perf_counter()
    for name, text in zip(("a.csv", "b.csv", "c.md"), long, strict=True):
        list(read([written(tmp_path, name, text)], hw4()))
    assert time.perf_counter() - start < 20


def test_bytes_of_any_kind(tmp_path: Path) -> None:
    """Whatever a file holds, reading it ends with an answer or one of our errors; a class is read to its end."""
    random_ = random.Random(11)  # noqa: S311 - bytes to try, not secrets
    kinds = (".toml", ".json", ".csv", ".md", ".npz", ".txt", "")
    pieces = [
        b'"',
        b"[",
        b"]",
        b"{",
        b"=",
        b"\n",
        b",",
        b"|",
        b"\0",
        b"\xff\xfe",
        b"nan",
        b"1e999",
        b"[[problem]]",
        b"'",
    ]
    seeds = [HW4.encode(), ALL_AT_ONCE.encode(), CLASS.encode(), *(text.encode() for text in FORMATS.values())]
    assignment = hw4()
    for _ in range(400):
        data = bytearray(random_.choice(seeds) if random_.random() < 0.8 else random_.randbytes(80))
        for _ in range(random_.choice((1, 3, 9))):
            at = random_.randrange(len(data) + 1)
            data[at : at + random_.choice((0, 0, 5))] = random_.choice([*pieces, random_.randbytes(2)])
        path = written(tmp_path, f"f{random_.choice(kinds)}", bytes(data))
        encoding = random_.choice((None, "cp949", "latin-1"))
        found = list(read([path], assignment, encoding=encoding))
        assert all(each.answers or each.faults or not each.unread for each in found)
        for reading in (load, answers_of, read_roster):
            try:
                reading(path, encoding=encoding)
            except GradcliError as error:
                assert error.block().startswith("error: ")


# ── answers of one student, and the roster ──────────────────────────────────────────────────────────────


ONE = [
    ("a.toml", 'dq = -4.00\nvalue.q = 3\nlocal.q.x = "1/1"\n', {}),
    ("a.toml", 'student = "s1"\n[1]\ndq = -4.00\n"value.q" = 3\nlocal.q.x = "1/1"\n', {}),
    ("a.toml", '[1]\ndq = -4.00\nvalue.q = 3\nlocal.q.x = "1/1"\n[2]\ndx = 9\n', {"problem": "1"}),
    ("a.json", '{"dq": -4.00, "value.q": 3, "local.q.x": "1/1"}', {}),
    ("a.csv", "cell,answer\ndq,-4.00\nvalue.q,3\nlocal.q.x,1/1\n", {}),
    ("a.csv", "problem,cell,answer\n1,dq,-4.00\n1,value.q,3\n1,local.q.x,1/1\n2,dx,9\n", {"problem": "1"}),
    ("a.csv", "dq,value.q,local.q.x\n-4.00,3,1/1\n", {}),
    ("a.csv", "id,1:dq,1:value.q,1:local.q.x,2:dx\ns1,1,1,1,1\ns2,-4.00,3,1/1,9\n", {"problem": "1", "student": "s2"}),
    ("a.md", "| cell | answer |\n|--|--|\n| `dq` | -4.00 |\n| `value.q` | 3 |\n| `local.q.x` | 1/1 |\n", {}),
]


@pytest.mark.parametrize(("name", "text", "options"), ONE)
def test_answers_of_one_student(name: str, text: str, options: dict[str, str], tmp_path: Path) -> None:
    """`--answers` takes every kind of file; of several problems or students, those that are chosen."""
    path = written(tmp_path, name, text)
    found = answers_of(path, **options)
    assert {each.address: each.text for each in found} == {"dq": "-4.00", "value.q": "3", "local.q.x": "1/1"}
    assert all(each.place.startswith(f"{path}: ") for each in found)


def test_answers_to_choose_from(tmp_path: Path) -> None:
    """Answers to several problems, or of several students, are never mixed."""
    two = written(tmp_path, "a.toml", "[1]\ndx = 1\n[2]\ndx = 2\n")
    with pytest.raises(UsageError, match="answers to the problems 1, 2"):
        answers_of(two)
    with pytest.raises(FileError, match="no answers to problem 3"):
        answers_of(two, problem="3")
    rows = written(tmp_path, "a.csv", "id,cell,answer\ns1,dx,1\ns2,dx,2\n")
    with pytest.raises(UsageError, match="the answers of 2 students"):
        answers_of(rows)
    assert [each.text for each in answers_of(rows, student="s2")] == ["2"]


def test_answers_as_text() -> None:
    """What was read already is told by its beginning, as standard input is."""
    for text in ("dx = 1", '{"dx": 1}', "cell,answer\ndx,1\n", "| cell | answer |\n|-|-|\n| dx | 1 |\n"):
        found = answers_of("-", text=text)
        assert [(each.address, each.text, each.place.split(":")[0]) for each in found] == [
            ("dx", "1", "standard input")
        ]


ROSTERS = [
    ("id,name\n1,Ann\n2,Bob\n", [("1", "Ann"), ("2", "Bob")]),
    ("이름;학번\n김하늘;1\n", [("1", "김하늘")]),
    ("Student ID,Full Name,Email\n1,Ann,a@u.edu\n", [("1", "Ann")]),
    ("id\n1\n2\n", [("1", ""), ("2", "")]),
    ("s1\ns2\n", [("s1", ""), ("s2", "")]),
]


@pytest.mark.parametrize(("text", "students"), ROSTERS)
def test_roster(text: str, students: list[tuple[str, str]], tmp_path: Path) -> None:
    """A roster has ids, and perhaps names, under English or Korean headings."""
    assert [each[:2] for each in read_roster(written(tmp_path, "ids.csv", text))] == students


def test_faults_of_a_roster(tmp_path: Path) -> None:
    """Ids that are missing or stand there twice are told all at once, in whatever Unicode form."""
    twice = unicodedata.normalize("NFD", "김")
    file = written(tmp_path, "ids.csv", f"id,name\n김,A\n,B\n{twice},C\n3\n")
    with pytest.raises(FaultyFile) as caught:
        read_roster(file)
    assert [fault.message for fault in caught.value.faults] == [
        "line 3: no id stands in this row",
        "line 4: '김' stands in line 2 too",
        "line 5: this row has 1 fields, and the heading 2",
    ]
    with pytest.raises(FileError, match="there is no student in it"):
        read_roster(written(tmp_path, "none.csv", "id,name\n"))
