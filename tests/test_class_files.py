"""What teachers meet: ids that spreadsheets change, stray and special files, later versions, decimal commas; all of it
is read as meant, or told."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from gradcli.cli import run
from gradcli.homework.files.assignment import parsed
from gradcli.homework.files.choosing import values
from gradcli.homework.files.ids import identified
from gradcli.homework.marking.grading import Mark, Marked, Part
from gradcli.homework.marking.tally import Tally
from gradcli.literals import text_of
from gradcli.words import Said

ASSIGNMENT = """
schema = "gradcli.assignment/1"
decimals = 2
seed = 7
[[problem]]
id = "1"
expr = "q = x + y; f = q*z"
at = { x = -2, y = 5, z = -4 }
cells = { "value" = 1, "value.q" = 1, "dq" = 2 }
"""

DRAWN = """
schema = "gradcli.assignment/1"
seed = 3
[[problem]]
id = "1"
expr = "%s"
draw = { %s }
cells = { value = 1 }
"""

UNIX = pytest.mark.skipif(not hasattr(os, "mkfifo") or not Path("/dev/zero").exists(), reason="needs special files")


@pytest.fixture
def gradcli(capsys, monkeypatch, tmp_path):
    """Run the program in this process, in a folder of its own: words → (exit status, standard output, error)."""
    for name in ("COLUMNS", "FORCE_COLOR", "GRADCLI_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("hw4.toml").write_text(ASSIGNMENT, encoding="utf-8")

    def call(*words: str) -> tuple[int, str, str]:
        status = run(words)
        out = capsys.readouterr()
        return int(status), out.out, out.err

    return call


def table(name: str) -> list[dict[str, str]]:
    """A file of marks."""
    with Path("hw4-marks", name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


# ── ids ─────────────────────────────────────────────────────────────────────────────────────────────────

ALIKE = ["a\u00a0b", "a b", " a  b ", "a\tb", "a\u200b b", "\ufeffa b", "a\u2009b", "a\u00ad b"]


@pytest.mark.parametrize("student", ALIKE, ids=ascii)
def test_what_no_eye_tells_apart_is_one_id(student):
    """White space and characters that are not seen make no other student, and no other values."""
    assignment = parsed(DRAWN % ("x*y + z", "x = [2, 90], y = [2, 90], z = [2, 90]"), "hw.toml")
    assert identified(student) == "a b"
    assert values(assignment.problems[0], assignment, student) == values(assignment.problems[0], assignment, "a b")


@pytest.mark.parametrize("student", [*ALIKE, "한하늘", "a,b", '"q"', "=1+1", "`t`", "a|b", "\u200e5"], ids=ascii)
def test_a_sheet_that_is_filled_in_earns_all_points(student, gradcli):
    """From the roster to the sheet, the key, the filled sheet and the marks, an id stays whose it is."""
    Path("hw4.toml").write_text(DRAWN % ("x*y + z", "x = [2, 90], y = [2, 90], z = [2, 90]"), encoding="utf-8")
    with Path("ids.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["id", "name"], [student, "A"]])
    status, _, err = gradcli("worksheet", "hw4.toml", "--roster", "ids.csv", "--key", "-o", "s")
    assert (status, err) == (0, "")
    with Path("s-key/key.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = [row[:4] for row in csv.reader(stream)]
    with Path("filled.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(rows)
    status, out, err = gradcli("grade", "hw4.toml", "filled.csv", "--roster", "ids.csv")
    assert (status, err) == (0, "")
    assert [row["total"] for row in table("marks.csv")] == ["1"]
    assert "for review: 0" in out


def test_ids_that_a_spreadsheet_changed_are_told(gradcli):
    """12 for 0012, 345.0 for 345: who is meant is guessed, on the screen and in the review list; nothing is silent."""
    Path("ids.csv").write_text("id,name\n0012,A\n345,B\n7,C\n8,D\n", encoding="utf-8")
    Path("c.csv").write_text("id,1:value,1:value.q,1:dq\n12,-12,3,-4\n345.0,-12,3,-4\n99,1,1,1\n8,-12,3,-4\n", "utf-8")
    status, out, err = gradcli("grade", "hw4.toml", "c.csv", "--roster", "ids.csv")
    assert status == 0
    assert "warning: 12 is not on the roster: perhaps 0012?\n" in err
    assert "warning: 345.0 is not on the roster: perhaps 345?\n" in err
    assert "warning: 99 is not on the roster\n" in err
    assert "On the roster, without a submission: 3\n" in out
    assert "Submitted, but not on the roster: 3\n" in out
    assert "for review: 6 (" in out
    assert len(table("review.csv")) == 6


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────

RIGHT = "problem,cell,answer\n1,value,-12\n1,value.q,3\n1,dq,-4\n"


def test_the_highest_version_counts(gradcli):
    """_v10 is later than _v2, and how many were replaced is told."""
    folder = Path("answers")
    folder.mkdir()
    for version, answer in (("v10", "-4"), ("v2", "7"), ("v9", "8")):
        text = f"id,problem,cell,answer\na,1,value,-12\na,1,value.q,3\na,1,dq,{answer}\n"
        Path(folder, f"a_{version}.csv").write_text(text, encoding="utf-8")
    status, out, _ = gradcli("grade", "hw4.toml", "answers")
    assert status == 0
    assert [row["total"] for row in table("marks.csv")] == ["4"]
    assert "handed in again: 2 submissions replaced by later ones" in out


def test_decimal_commas(gradcli):
    """Where semicolons stand between the columns, a comma is a decimal sign; a list stays a list."""
    Path("c.csv").write_text("id;1:value;1:value.q;1:dq\na;-12,0;3,00;-4,00\n", encoding="utf-8")
    status, _, err = gradcli("grade", "hw4.toml", "c.csv")
    assert (status, err) == (0, "")
    assert [row["total"] for row in table("marks.csv")] == ["4"]
    Path("ann.csv").write_text("cell;answer\ndx;1,500\ndy;[3, 4]\n", encoding="utf-8")
    status, out, _ = gradcli("check", "x*sum(y)", "--x=2", "--y=[1,0.5]", "--answers", "ann.csv", "--format", "csv")
    assert "grad.x,1.500,right," in out
    assert '"[3, 4]"' in out


def test_a_stray_file_in_a_folder_is_named_and_ignored(gradcli):
    """What holds no answers by its kind is noted; named itself, it is an error."""
    folder = Path("answers")
    folder.mkdir()
    Path(folder, "a.csv").write_text(RIGHT, encoding="utf-8")
    Path(folder, "README.txt").write_text("Hello!\nThese are the answers: please read them.\n", encoding="utf-8")
    Path(folder, "README.md").write_text("# Answers\n\nof our class\n", encoding="utf-8")
    Path(folder, "photo.png").write_bytes(b"\x89PNG....")
    status, _, err = gradcli("grade", "hw4.toml", "answers")
    assert status == 0
    readme, photo = Path(folder, "README.txt"), Path(folder, "photo.png")
    assert f"note: {readme}: this is ignored: there are no answers in it\n" in err
    assert "README.md: this is ignored: there are no answers in it\n" in err
    assert f"note: {photo}: this is ignored: the kind of file is not known: '.png'\n" in err
    assert [row["id"] for row in table("marks.csv")] == ["a"]
    status, _, err = gradcli("grade", "hw4.toml", str(readme), "-o", "other")
    assert status == 4
    assert "there are no answers in it" in err


@UNIX
def test_special_files_end(gradcli):
    """In a folder regular files alone are read; a device that is named has a limit."""
    folder = Path("answers")
    folder.mkdir()
    Path(folder, "a.csv").write_text(RIGHT, encoding="utf-8")
    Path(folder, "zero.toml").symlink_to("/dev/zero")
    os.mkfifo(Path(folder, "pipe.csv"))
    status, _, err = gradcli("grade", "hw4.toml", "answers")
    assert status == 0
    assert err.count("no regular file") == 2
    status, _, err = gradcli("grade", "hw4.toml", "answers/a.csv", "--roster", "/dev/zero", "-o", "other")
    assert status == 5
    assert "/dev/zero: the file is larger than 67,108,864 bytes" in err


# ── what is told ────────────────────────────────────────────────────────────────────────────────────────


def test_each_answer_for_review_has_its_own_place(gradcli):
    """review.csv names the line of the answer, of students who answered alike too."""
    for student in "ab":
        text = RIGHT.replace("3", "three").replace("-4", "-f(")
        Path(f"{student}.csv").write_text(text, encoding="utf-8")
    status, _, _ = gradcli("grade", "hw4.toml", "a.csv", "b.csv")
    assert status == 4
    places = [row["place"] for row in table("review.csv")]
    assert places == [
        f"{name}.csv: line {line}: 1:{cell}" for name in "ab" for line, cell in ((3, "value.q"), (4, "dq"))
    ]


def test_equal_mistakes_add_up(gradcli):
    """A mistake is counted by its name, whatever numbers each student has; one sentence is the example."""
    Path("hw4.toml").write_text(DRAWN.replace("value = 1", "dx = 1") % ("x*y", "x = [2, 9], y = [12, 19]"), "utf-8")
    assignment = parsed(Path("hw4.toml").read_text(encoding="utf-8"), "hw4.toml")
    drawn = {student: values(assignment.problems[0], assignment, student)["x"] for student in ("s1", "s2", "s3")}
    rows = "".join(f"{student},{x:g}\n" for student, x in drawn.items())
    Path("c.csv").write_text(f"id,1:dx\n{rows}", encoding="utf-8")
    status, out, _ = gradcli("grade", "hw4.toml", "c.csv")
    assert status == 0
    assert "3 × 1:dx  the inputs of a product not switched" in out
    report = Path("hw4-marks/class.md").read_text(encoding="utf-8")
    assert "| students | question | mistake | such as |" in report
    assert report.count("| 3 | `1:dx` | the inputs of a product not switched | at f = x·y you passed x") == 1


def test_a_mistake_made_elsewhere_too_is_the_same_mistake():
    """At one place, and at all places alike: one row of the report; at two places that share none: two."""
    tally = Tally()
    for k, sites in enumerate([(3,), (3, 5), (3, 5, 7), (9,), (9,)]):
        mark = Mark("dx", 2, 0.0, "wrong", "3", 4.0, "sign_lost", sites, Said("check.unexplained", {"k": str(k)}))
        tally.add(Marked(str(k), "", "p", (Part("1", "x*y", {}, (mark,)),)))
    assert [(each.students, each.said.fields) for each in tally.mistakes()] == [(3, {"k": "0"}), (2, {"k": "3"})]


def test_formulas_may_be_forbidden(gradcli):
    """`formulas = false`: numbers alone are answers, and a formula goes to a person."""
    text = ASSIGNMENT.replace("seed = 7", "formulas = false")
    Path("hw4.toml").write_text(text, encoding="utf-8")
    Path("c.csv").write_text("id,1:value,1:value.q,1:dq\na,-24/2,3,z\n", encoding="utf-8")
    assert gradcli("grade", "hw4.toml", "c.csv")[0] == 4
    (mark,) = table("marks.csv")
    assert [mark[f"1:{cell} state"] for cell in ("value", "value.q", "dq")] == ["right", "right", "unreadable"]
    assert [row["why"] for row in table("review.csv")] == ["a formula, where a number is asked for"]
    Path("hw4.toml").write_text(ASSIGNMENT, encoding="utf-8")
    assert gradcli("grade", "hw4.toml", "c.csv", "--force")[0] == 0
    assert table("marks.csv")[0]["1:dq state"] == "right"


def test_all_faults_of_an_answer_file_at_once(gradcli):
    """Unknown cells, cells answered twice and answers that are none are told together, each with its place."""
    expression = ("check", "q=x+y; f=q*z", "--x=-2", "--y=5", "--z=-4", "--answers")
    Path("a.csv").write_text("cell,answer\ndq,abc(\ndx,NaN\nzz,3\ndq,4\n", encoding="utf-8")
    status, _, err = gradcli(*expression, "a.csv")
    assert status == 4
    told = ["has 4 faults", "line 4: zz: no cell 'zz'", "line 5: dq: grad.q is answered twice", "line 2: dq: unknown"]
    for said in (*told, "line 3: dx: nan is no number"):
        assert said in err
    Path("a.json").write_text('{"dq": NaN, "dx": 1e999, "zz": 3, "dy": 1, "dy": 2}', encoding="utf-8")
    status, _, err = gradcli(*expression, "a.json")
    assert status == 4
    for said in (
        "has 4 faults",
        "'dy' is given twice: 1 and 2",
        "zz: no cell",
        "dq: nan",
        "dx: larger than any double",
    ):
        assert said in err


def test_a_giant_answer_file_is_a_limit(gradcli):
    """More answers than a file may have: status 5."""
    Path("a.csv").write_text("cell,answer\n" + "dx,1\n" * 500_001, encoding="utf-8")
    status, _, err = gradcli("check", "x*y", "--x=2", "--y=3", "--answers", "a.csv")
    assert status == 5
    assert "more than 500,000 answers" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--decimals", "2", "--rtol", "0.1"], "--decimals and --rtol contradict each other"),
        (["--sig", "2", "--cs231n"], "--sig and --cs231n contradict each other"),
        (["--atol", "1", "--cs231n"], "--atol and --cs231n contradict each other"),
        (["--decimals", "2", "--sig", "2"], "--decimals and --sig contradict each other"),
    ],
    ids=str,
)
def test_ways_of_comparing_contradict_each_other(options, message, gradcli):
    """Answers are compared in one way; rtol and atol are one."""
    words = ("check", "x*y", "--x=2", "--y=3", "--answer", "dx=3")
    status, _, err = gradcli(*words, *options)
    assert status == 2
    assert message in err
    assert gradcli(*words, "--rtol", "0.1", "--atol", "0.1")[0] == 0


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────

STUDENTS = [f"s{k}" for k in range(24)]

PROBLEMS = {
    "sigmoid": ("s = w*x + b; f = sigmoid(s)", "w = [-3, 3], x = [-2, 2], b = [-1, 1]"),
    "relu": (
        "y = x@W + b; L = sum(relu(y))",
        "W = { low = -3, high = 3, shape = [2, 3] }, b = { low = -1, high = 1, shape = [3] }, x = [[[1, 2], [3, -1]]]",
    ),
    "max": ("f = max(x*y, z)*z", "x = [-3, 3], y = [-3, 3], z = [-3, 3]"),
}

FOR_EVER = """
sigmoid 20240101 w=-1 x=-2 b=-1
sigmoid ann w=-1 x=2 b=1
sigmoid 김하늘 w=-3 x=-1 b=-1
relu 20240101 W=[[3,1,0],[2,-1,3]] b=[0,-1,1]
relu ann W=[[-3,3,1],[2,1,-3]] b=[1,-1,1]
relu 김하늘 W=[[1,2,2],[2,0,-2]] b=[0,0,1]
max 20240101 x=2 y=3 z=-2
max ann x=-3 y=-2 z=-1
max 김하늘 x=2 y=3 z=-2
"""
"""Values that were printed on sheets once: a change of them marks these students wrongly."""


@pytest.mark.parametrize("line", FOR_EVER.split("\n")[1:-1])
def test_values_stay_the_same_for_ever(line):
    """A student's values are what they were when the sheets were printed, also where candidates are refused."""
    name, student, *expected = line.split()
    assignment = parsed(DRAWN % PROBLEMS[name], "hw.toml")
    found = values(assignment.problems[0], assignment, student)
    assert [f"{key}={text_of(found[key])}" for key in (word.partition("=")[0] for word in expected)] == expected


@pytest.mark.parametrize(
    ("expression", "draw"),
    [
        PROBLEMS["sigmoid"],
        ("sigmoid(w*x+b)", "w = [-5, 5], x = [-5, 5], b = [-5, 5]"),
        ("h = tanh(w*x); f = (h - t)^2", "w = [-2, 2], x = [0.1, 2.0], t = [0, 1]"),
    ],
    ids=str,
)
def test_no_gradient_is_too_small_to_be_told_from_zero(expression, draw):
    """Two decimals leave two digits of every number that is not 0."""
    assignment = parsed(DRAWN % (expression, draw), "hw.toml")
    problem = assignment.problems[0]
    for student in STUDENTS:
        gradients = problem.gradients(values(problem, assignment, student))
        numbers = [*gradients.trace.values, *(each for each in gradients.adjoints if each is not None)]
        assert not [number for number in numbers if 0 < abs(number) < 0.095]


def test_no_entry_of_a_tensor_lies_on_a_kink():
    """Of relu(x@W+b) no entry is 0, and no vector is all zeros."""
    draw = (
        "W = { low = -3, high = 3, shape = [2, 3] }, b = { low = -1, high = 1, shape = [3] }, x = [[[1, 2], [3, -1]]]"
    )
    assignment = parsed(DRAWN % ("y = x@W + b; L = sum(relu(y))", draw), "hw.toml")
    problem = assignment.problems[0]
    for student in STUDENTS:
        found = values(problem, assignment, student)
        assert (found["x"] @ found["W"] + found["b"]).all()
        assert found["b"].any()
        assert all(gradient.any() for _, gradient in problem.gradients(found).items())
