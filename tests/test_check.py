"""`gradcli check`: verdicts, exit statuses, formats, what is hidden, hints, languages."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from gradcli.cli import run
from gradcli.cli.answers import equals
from gradcli.errors import Status, width
from gradcli.homework.checking import check
from gradcli.homework.hints import hints
from gradcli.homework.records import Accepted, Answer, State
from gradcli.render.intervals import interval
from gradcli.render.judged import View
from gradcli.syntax import parse
from gradcli.verify.verdicts import ProofVerdict, Verification
from gradcli.words import Said, Words

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "gradcli/schemas/check-1.schema.json").read_text())
NEURON = ["1/(1+exp(-(w0*x0+w1*x1+w2)))", "--w0=2", "--x0=-1", "--w1=-3", "--x1=-2", "--w2=-3"]
FAN_OUT = ["(x+y)*(x*y)", "--x=2", "--y=3"]
LECTURE = ["q = x+y; f = q*z", "--x=-2", "--y=5", "--z=-4"]
HEAVY = {"sympy", "flint", "numpy", "rich", "pydantic", "mpmath", "matplotlib"}


@pytest.fixture
def checked(capsys, monkeypatch):
    """A run of `gradcli check` in this process: status, stdout, stderr."""
    monkeypatch.delenv("GRADCLI_LANG", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*words: str, answers: tuple[str, ...] | list[str] = ()):
        status = run(["check", *words, *(word for each in answers for word in ("--answer", each))])
        done = capsys.readouterr()
        return status, done.out, done.err

    return call


@pytest.fixture
def judged(checked):
    """The same as JSON: status, and the results by their addresses."""

    def call(*words: str, answers: tuple[str, ...] | list[str] = ()):
        status, out, err = checked(*words, "--format", "json", answers=answers)
        assert err == ""
        document = json.loads(out)
        return status, {result["written"]: result for result in document["results"]}, document

    return call


# ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_missing_path_at_a_fan_out(checked):
    """Of (x+y)*(x*y) at 2, 3 the answer 6 to dx keeps one path: the other one adds 15."""
    status, out, _ = checked(*FAN_OUT, answers=["x=6"])
    assert status == 1
    assert "x+y" in out
    assert "x*y" in out
    assert re.search(r"\badds\s+15\b", out)


NEURON_ANSWERS = [
    ("x0=0.40", 0, "rounded"),
    ("x0=0.39", 0, "right"),
    ("x0=-0.39", 1, "wrong"),
    ("x0=0.3932", 0, "right"),
    ("x0=0.4100", 1, "wrong"),
    ("x0=0.4", 1, "coarse"),
    ("value=0.73", 0, "right"),
    ("value=0.74", 1, "wrong"),
    ("local.n5.n4=-1", 0, "right"),
    ("w0=-0.20", 0, "right"),
    ("w0=0.20", 1, "wrong"),
    ("x0=", 1, "blank"),
]


@pytest.mark.parametrize(("answer", "status", "state"), NEURON_ANSWERS)
def test_the_neuron(judged, answer, status, state):
    """The lecture's neuron at the lecture's values: each answer has its state, and the command its exit status."""
    found, results, _ = judged(*NEURON, answers=[answer])
    assert (found, results[answer.partition("=")[0]]["state"]) == (status, state)


def test_rounded_steps_are_said(checked):
    """0.1966 written down as 0.20 gives 0.40: right, with steps rounded to 2 decimals; σ = 0.73 gives 0.1971."""
    assert "with steps rounded to 2 decimals" in checked(*NEURON, answers=["x0=0.40"])[1]
    status, out, _ = checked("sigmoid(x)", "--x=1", answers=["dx=0.1971"])
    assert status == 0
    assert "rounded to 2 decimals" in out


def test_a_lost_sign_is_named(judged):
    """The sign of the answer is what is wrong."""
    _, results, _ = judged(*NEURON, answers=["x0=-0.39"])
    assert "sign" in results["x0"]["diagnosis"][0]["text"]


def test_one_sign_in_the_middle_is_one_mistake(judged):
    """A sign lost at n5 changes every gradient below: that is one mistake, and the others follow from it."""
    wrong = ["dn4=-0.1966", "dn3=-0.1966", "dn2=-0.1966", "dn1=-0.1966", "dw0=0.1966", "dx0=-0.3932", "dw2=-0.1966"]
    right = ["value=0.7311", "dn7=-0.5344", "dn6=-0.5344", "dn5=-0.1966"]
    status, results, document = judged(*NEURON, answers=right + wrong)
    assert status == 1
    assert document["mistakes"] == 1
    assert [name for name, result in results.items() if result["first"]] == ["dn4"]
    assert document["states"] == {"right": 4, "wrong": 1, "carried": 6}
    assert all(result["origin"] for result in results.values() if result["state"] == "carried")


FORMULAS = [
    (["x^2*y", "--x=3", "--y=2"], "df/dx=2*x*y", 0, "right"),
    (["x^2*y", "--x=3", "--y=2"], "df/dx=2*x", 1, "wrong"),
    (["y=sigmoid(x)", "--x=0.3"], "dx=dout*y*(1-y)", 0, "right"),
    (["sum((W@x)^2)", "--W=[[1,2],[3,4]]", "--x=[5,6]"], "dx=2*W.T@(W@x)", 0, "right"),
]


@pytest.mark.parametrize(("words", "answer", "status", "state"), FORMULAS)
def test_formulas(judged, words, answer, status, state):
    """A formula is right for all values, or wrong."""
    found, results, _ = judged(*words, answers=[answer])
    assert (found, results[answer.partition("=")[0]]["state"]) == (status, state)


def test_a_wrong_formula_has_a_point(judged):
    """A formula that is wrong is shown so at a point, with both numbers."""
    _, results, _ = judged("x^2*y", "--x=3", "--y=2", answers=["dx=2*x"])
    assert re.search(r"x = \S+, y = \S+", " ".join(results["dx"]["remarks"]))


def test_order_and_spelling(judged):
    """Values come forward, gradients from the output back; addresses are told as they were given, and canonically."""
    answers = ["x=-4", "df/dy=-4", "∂f/∂z=3", "value.q=3", "grad.q=-4", "local_q_x=1", "value=-12", "down.q.x=-4"]
    status, results, _ = judged(*LECTURE, answers=answers)
    assert status == 0
    assert list(results)[:2] == ["value.q", "value"]
    assert {name: result["cell"] for name, result in results.items()} == {
        "value": "value",
        "value.q": "value.q",
        "∂f/∂z": "grad.z",
        "grad.q": "grad.q",
        "local_q_x": "local.q.x",
        "down.q.x": "down.q.x",
        "df/dy": "grad.y",
        "x": "grad.x",
    }


def test_arrays(judged, tmp_path):
    """An array is a list as typed, or a file in its own precision: what float32 can hold is right as float32."""
    words = ["sum((W@x)^2)", "--W=[[0.1,0.5],[-0.3,0.8]]", "--x=[0.2,0.4]"]
    right = np.array([-0.112, 0.636])
    np.save(tmp_path / "single.npy", right.astype(np.float32))
    np.save(tmp_path / "double.npy", right.astype(np.float32).astype(np.float64))
    (tmp_path / "two.csv").write_text("-0.11,0.64\n")
    (tmp_path / "three.json").write_text("[-0.112, 0.640]")
    cases = [
        ("[-0.112,0.636]", 0),
        ("[-0.11, 0.64]", 0),
        ("[-0.12, 0.64]", 1),
        ("[0.636, -0.112]", 1),
        (f"@{tmp_path / 'single.npy'}", 0),
        (f"@{tmp_path / 'two.csv'}", 0),
        (f"@{tmp_path / 'three.json'}", 1),
    ]
    for text, status in cases:
        assert judged(*words, answers=[f"dx={text}"])[0] == status, text
    _, results, _ = judged(*words, answers=["dW=[[0.088,0.104],[0.176,0.208]]"])
    assert "transposed" in results["dW"]["sentences"][0]


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("[0.20, 0.11]", "[0.1966, 0.1050] ± 0.005"),
        ("[0.197, 0.105]", "[0.1966, 0.1050] ± 0.0005"),
        ("[0.20, 0.105]", "[0.1966, 0.1050] "),
        ("[1, 0]", "[0.1966, 0.1050] "),
    ],
)
def test_the_interval_of_an_array(checked, answer, accepted):
    """σ′(1), σ′(2) ± half a unit of the last digit, where all entries have the same; elsewhere the right ones alone."""
    _, out, _ = checked("sum(sigmoid(x)*y)", "--x=[1,2]", "--y=[1,1]", answers=[f"dx={answer}"])
    assert accepted in out
    assert ("±" in out) == ("±" in accepted)


def test_answers_of_another_shape(judged):
    """A number where an array belongs is wrong, and nothing follows from it."""
    words = ["mean(relu(x@W+b))", "--x=[[1,2],[3,4]]", "--W=[[1,-1],[0,2]]", "--b=[0.1,0.2]"]
    answers = ["down.f.n3=0.39", "down.n1.x=[1,2]", "value.n3=sum(x)", "grad.n1=[[0.25,0.25],[0.25,0.25]]"]
    status, results, _ = judged(*words, answers=answers)
    assert status == 1
    assert [results[name]["state"] for name in ("value.n3", "down.f.n3", "down.n1.x")] == ["wrong"] * 3


def test_a_formula_across_a_branch(judged):
    """A formula is tried at points where another branch is taken; a path that is not there brings nothing."""
    words = ["where(x<y,x^2,y^3)+abs(x)", "--x=1", "--y=2"]
    status, results, _ = judged(*words, answers=["dx=2*x"])
    assert (status, results["dx"]["state"]) == (1, "wrong")


# ── the command line ────────────────────────────────────────────────────────────────────────────────────────────

SPLITS = [
    ("dx=-4", 2),
    ("dx=2*x*y", 2),
    ("grad.(x==2)=3", 11),
    ("value.(a<=b)=1", 12),
    ("x[0]=3", 4),
    ("dx=a==b", 2),
    ("dx = 3", 3),
    ("dx", None),
    ("x==3", None),
    ("x<=3", None),
    ("x!=3", None),
    ("(dx=3)", None),
]


@pytest.mark.parametrize(("text", "at"), SPLITS)
def test_where_an_answer_is_split(text, at):
    """At the first = outside brackets that is part of no comparison."""
    assert equals(text) == at


STATUSES = [
    (["x"], ["dx=1"], 0),
    (["x"], ["dx=2"], 1),
    (["x"], ["dx=2", "dx"], 2),
    (["x"], ["dx=one"], 2),
    (["x"], ["dx=0,5"], 2),
    (["log(x)"], ["dx=3"], 3),
    (["x"], ["dx=@no.npy"], 4),
]


@pytest.mark.parametrize(("words", "answers", "status"), STATUSES)
def test_exit_status(checked, words, answers, status):
    """0 all right, 1 not, 2 usage, 3 where the right number is none, 4 a file."""
    assert checked(*words, "--x=0", answers=answers)[0] == status


def test_undecided_is_its_own_status(checked):
    """A formula that cannot be decided ends with 5, unless something else is wrong."""
    huge = "exp(exp(exp(exp(x*y))))"
    status, out, _ = checked(huge, "--x=0.1", "--y=0.1", "--format", "plain", answers=[f"value={huge}+x-x"])
    state = out.split("\t")[1]
    assert (state, status) in (("undecided", Status.LIMIT), ("right", Status.FINE))


def test_blank_and_unreadable_in_a_file(checked, tmp_path):
    """In a file an unreadable answer is a state of its own, never a wrong number; on the command line a usage error."""
    file = tmp_path / "ann.toml"
    file.write_text('value = -12\ndx = "I forgot"\ndq = ""\n')
    status, out, _ = checked(*LECTURE, "--answers", str(file), "--format", "plain")
    assert status == 1
    assert [line.split("\t")[:3] for line in out.splitlines()] == [
        ["value", "right", "-12"],
        ["grad.q", "blank", ""],
        ["grad.x", "unreadable", "I forgot"],
    ]
    status, _, err = checked(*LECTURE, answers=["dx=0,39"])
    assert status == 2
    assert "\n  --answer dx=0,39\n              ^^^^\n" in err


def test_answers_from_files(checked, tmp_path, monkeypatch):
    """Answers may stand in TOML, JSON, npz, or on standard input; with the digits that are typed there."""
    (tmp_path / "a.toml").write_text("x0 = 0.40\nvalue = 0.73\n")
    (tmp_path / "a.json").write_text('{"x0": 0.40, "value": 0.73}')
    np.savez(tmp_path / "a.npz", x0=0.39322386648296376, value=0.7310585786300049)
    for name in ("a.toml", "a.json", "a.npz"):
        status, out, _ = checked(*NEURON, "--answers", str(tmp_path / name), "--format", "plain")
        assert (status, len(out.splitlines())) == (0, 2), name
    monkeypatch.setattr(sys, "stdin", io.StringIO("x0 = 0.4\n"))
    assert checked(*NEURON, "--answers", "-")[0] == 1  # 0.4 is coarse, 0.40 is not


def test_a_problem_of_an_assignment(checked, tmp_path):
    """`--problem` takes expression, values and rules from a file; drawn values need a student, and are told."""
    file = tmp_path / "hw4.toml"
    file.write_text(
        'schema = "gradcli.assignment/1"\ntitle = "HW4"\ndecimals = 2\nseed = 7\n'
        '[[problem]]\nid = "1"\nexpr = "1/(1+exp(-x))"\nat = { x = 1 }\ncells = { value = 1, dx = 2 }\n'
        '[[problem]]\nid = "2"\nexpr = "a*b"\ndraw = { a = [20, 90], b = [2, 5] }\ncells = { da = 1 }\n'
    )
    problem = ["--problem", "1", str(file)]
    assert checked(*problem, answers=["dx=0.2"])[0] == 0  # decimals = 2: as good as 0.20
    assert checked(*problem, "--sig", "3", answers=["dx=0.2"])[0] == 1  # the command line's rule comes first
    assert checked("--problem", "2", str(file), answers=["da=3"])[0] == 2
    status, out, _ = checked("--problem", "2", str(file), "--student", "kim", answers=["da=3"])
    drawn = re.search(r"at a = (\d+), b = (\d)\n", out)
    assert drawn
    assert status == (0 if drawn[2] == "3" else 1)
    assert checked("--problem", "2", str(file), "--student", "kim", answers=[f"da={drawn[2]}"])[0] == 0


def test_rules_of_comparing(checked):
    """--decimals, --sig, --rtol, --atol, --cs231n and --at-kink say which numbers count."""
    cases = [
        (["--decimals", "2"], "x0=0.4", 0),  # 0.40, with steps rounded
        (["--decimals", "3"], "x0=0.4", 1),
        (["--decimals", "1"], "x0=0.4", 0),
        (["--sig", "2"], "x0=0.39", 0),
        (["--sig", "4"], "x0=0.39", 1),
        (["--rtol", "0.05"], "x0=0.4", 0),
        (["--atol", "0.01"], "x0=0.4", 0),
        (["--rtol", "1e-3"], "x0=0.4", 1),
        (["--cs231n"], "x0=0.3932", 0),
        (["--cs231n"], "x0=0.5", 1),
    ]
    for options, answer, status in cases:
        assert checked(*NEURON, *options, answers=[answer])[0] == status, (options, answer)
    assert checked("relu(x)", "--x=0", answers=["dx=1"])[0] == 0
    assert checked("relu(x)", "--x=0", "--at-kink", "strict", answers=["dx=1"])[0] == 1


def test_upstream(checked):
    """The upstream gradient is part of the question, and is dout in a formula."""
    words = ["y=sigmoid(x)", "--x=0", "--upstream=4"]
    assert checked(*words, answers=["dx=1"])[0] == 0
    assert checked(*words, answers=["dx=dout*y*(1-y)"])[0] == 0


def test_the_right_numbers_can_be_proved(checked):
    """--verify has the numbers verified that answers are compared with, and says so; nothing is unless asked for."""
    _, out, _ = checked(*NEURON, "--verify", "all", "--hide-answer", answers=["x0=0.39"])
    assert out.count("✓") == 3
    assert "proved: all 13 values and 12 local gradients" in out
    assert "x0·f" not in out  # the closed form would be the answer
    assert checked(*NEURON, "--no-verify", answers=["x0=0.39"])[1].count("✓") == 1
    document = json.loads(checked(*NEURON, "--verify", "proof", "--format", "json", answers=["x0=0.39"])[1])
    jsonschema.validate(document, SCHEMA)
    assert document["verification"]["status"] == "passed"
    assert checked(*NEURON, "--verify", "sometimes", answers=["x0=0.39"])[0] == 2


def test_a_wrong_number_of_ours_is_never_the_truth(checked, monkeypatch):
    """Where verification fails, the check says that it cannot be trusted, whatever it found."""
    failed = Verification(proof=ProofVerdict("failed", failures=("n1: 4 is 5",)))
    monkeypatch.setattr("gradcli.cli.checks.Checks.run", lambda checks, gradients: failed)
    status, _, err = checked(*NEURON, "--verify", "proof", answers=["x0=0.39"])
    assert status == 1
    assert "do not trust this check" in err


def test_a_scalar_check_loads_nothing_heavy():
    """Numbers are checked, and mistakes found, without sympy, flint, numpy, rich and pydantic."""
    script = (
        "import sys\n"
        "from gradcli.cli import run\n"
        "assert run(['check', '(x+y)*(x*y)', '--x=2', '--y=3', '--answer', 'x=6', '--answer', 'y=16']) == 1\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_right_answers_need_no_diagnosis():
    """The misconceptions are looked up for wrong answers alone."""
    script = (
        "import sys\n"
        "from gradcli.cli import run\n"
        "assert run(['check', '(x+y)*(x*y)', '--x=2', '--y=3', '--answer', 'x=21', '--answer', 'value=30']) == 0\n"
        "print([name for name in sys.modules if 'diagnosis' in name])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────

SEVERAL = ["value=0.73", "dn5=-0.20", "dn4=-0.20", "dx0=-0.39", "dw1=", "dx1=5.5"]


def test_the_table(checked):
    """Cell, answer, accepted interval, verdict, diagnosis; then what it comes to."""
    status, out, err = checked(*LECTURE, answers=["value=-12", "dq=-4.0", "dx=-4"])
    assert (status, err) == (0, "")
    assert out == (
        "q = x+y; f = q*z\n"
        "at x = -2, y = 5, z = -4\n"
        "\n"
        "cell   yours  accepted   verdict\n"
        "────────────────────────────────\n"
        "value  -12    -12        ✓ right\n"
        "dq     -4.0   -4 ± 0.05  ✓ right\n"
        "dx     -4     -4         ✓ right\n"
        "\n"
        "all 3 right\n"
    )


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("columns", ["80", "100", "120", ""])
def test_widths(checked, monkeypatch, columns, language):
    """The table fits the terminal, its columns stand under each other, and no number is cut; in a pipe too."""
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    _, out, _ = checked(*NEURON, "--lang", language, answers=SEVERAL)
    lines = out.splitlines()
    assert max(map(width, lines)) <= int(columns or 130)
    head = next(at for at, line in enumerate(lines) if set(line) == {"─"}) - 1
    columns_at = [width(lines[head][: match.start()]) for match in re.finditer(r"\S+(?: \S+)*", lines[head])]
    marks = [line for line in lines if re.search("[✓✗○→] ", line)]
    assert len(marks) == len(SEVERAL)
    for line in marks:
        mark = re.search("[✓✗○→] ", line)
        assert width(line[: mark.start()]) == columns_at[3]
    for number in ("0.7311 ± 0.005", "-0.1966 ± 0.005", "0.3932 ± 0.005", "-0.5898 ± 0.05"):
        assert number in out


def test_without_our_signs(checked, monkeypatch):
    """Where the encoding lacks our signs they are replaced, and colour is for terminals."""
    _, out, _ = checked(*NEURON, answers=SEVERAL)
    assert "\x1b" not in out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in checked(*NEURON, answers=SEVERAL)[1]
    done = subprocess.run(
        [sys.executable, "-m", "gradcli", "check", *NEURON, *(w for a in SEVERAL for w in ("--answer", a))],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    text = done.stdout.decode("ascii")
    assert "\\" not in text
    assert "+- 0.005" in text


def test_what_it_comes_to(checked):
    """The last line counts mistakes, not wrong answers: the same one twice is said to be the same."""
    assert checked(*FAN_OUT, answers=["dx=6", "dy=6"])[1].endswith("0 of 2 right; the same mistake 2 times, at x, y\n")
    out = checked(*LECTURE, answers=["value=-12", "dz=", "dx=7.77"])[1]
    assert out.endswith("1 of 3 right; 1 mistake, at dx; 1 blank\n")
    assert checked(*LECTURE, answers=["dx=-4"])[1].endswith("\nthe answer is right\n")


def test_hostile_answers(checked, tmp_path):
    """Control characters and markup in an answer are shown, and never act."""
    file = tmp_path / "evil.json"
    file.write_text(json.dumps({"dx": "\u001b[31m=cmd|' /C'!A0 <b>|`*_", "value": "\u202e-12", "dq": "@evil.npy"}))
    for form in ("table", "plain", "json", "csv", "markdown"):
        status, out, _ = checked(*LECTURE, "--answers", str(file), "--format", form)
        assert status == 1
        assert "\x1b" not in out
        assert "\u202e" not in out
    rows = list(csv.reader(io.StringIO(checked(*LECTURE, "--answers", str(file), "--format", "csv")[1])))
    assert not any(cell[:1] in "=+@" for row in rows for cell in row if cell)
    markdown = checked(*LECTURE, "--answers", str(file), "--format", "markdown")[1]
    assert "<b>" not in markdown
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in markdown.splitlines() if line.startswith("|")}) == 1


INTERVALS = [
    (-4.0, -4.0, -4.0, "-4"),
    (0.39322386648296376, 0.38822386648296376, 0.39822386648296376, "0.3932 ± 0.005"),
    (0.19661193324148185, 0.19656193324148185, 0.19666193324148185, "0.196612 ± 0.00005"),
    (0.0, 0.0, 1.0, "0 … 1"),
    (0.5, -1.0, 1.0, "-1 … 1"),
    (1234567.0, 1234566.5, 1234567.5, "1234567 ± 0.5"),
    (1e-9, 0.5e-9, 1.5e-9, "1e-9 ± 5e-10"),
    (1e20, 0.95e20, 1.05e20, "1e20 ± 5e18"),
]


@pytest.mark.parametrize(("right", "low", "high", "text"), INTERVALS)
def test_intervals(right, low, high, text):
    """An interval is told by its middle, with the digits it needs, or by its ends."""
    assert interval(right, Accepted(low, high, Said("numbers.typed"))) == text


def test_the_interval_of_a_kink(judged, checked):
    """At a tie of max every share from 0 to 1 is right, and told by its ends."""
    assert "  0 … 1  " in checked("max(x,y)", "--x=2", "--y=2", answers=["dx=1"])[1]
    _, results, _ = judged("max(x,y)", "--x=2", "--y=2", answers=["dx=1"])
    assert (results["dx"]["accepted"]["low"], results["dx"]["accepted"]["high"]) == (0, 1)


# ── formats ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_plain(checked):
    """plain: cell, state, answer, right number, low, high, mistake; TAB between, in any language the same."""
    lines = [
        checked(*FAN_OUT, "--format", "plain", "--lang", lang, answers=["dx=6", "dy=16.0"])[1] for lang in ("en", "ko")
    ]
    assert lines[0] == lines[1]
    rows = [line.split("\t") for line in lines[0].splitlines()]
    assert [row[:4] for row in rows] == [["grad.y", "right", "16.0", "16"], ["grad.x", "wrong", "6", "21"]]
    assert [float(rows[0][4]), float(rows[0][5])] == pytest.approx([15.95, 16.05])
    assert rows[1][6]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("options", [[], ["--hide-answer"], ["--hint", "2"], ["--hint", "4"], ["--cs231n"]])
def test_json_keeps_its_schema(checked, options, language):
    """The document is as its JSON Schema says, whatever was asked for."""
    answers = [*SEVERAL, "local.n1.x0=2*w0", "down.n1.w0=0.1"]
    _, out, _ = checked(*NEURON, *options, "--format", "json", "--lang", language, answers=answers)
    jsonschema.validate(json.loads(out), SCHEMA)
    words = ["sum((W@x)^2)", "--W=[[1,2],[3,4]]", "--x=[5,6]", *options, "--format", "json", "--lang", language]
    jsonschema.validate(json.loads(checked(*words, answers=["dx=[1,2]", "dW=3"])[1]), SCHEMA)


def test_csv(checked):
    """csv: one line an answer, numbers unguarded."""
    _, out, _ = checked(*FAN_OUT, "--format", "csv", answers=["dx=-6", "dy=16"])
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["cell"], row["given"], row["state"]) for row in rows] == [
        ("grad.y", "16", "right"),
        ("grad.x", "-6", "wrong"),
    ]
    assert rows[1]["first"] == "yes"
    assert rows[1]["text"]


# ── what is hidden, and hints ───────────────────────────────────────────────────────────────────────────────────

HIDING = [
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2.1, "x0": -1.3, "w1": -3.2, "x1": -2.4, "w2": -3.7}),
    ("(x+y)*(x*y)", {"x": 2.37, "y": 3.19}),
    ("q = x+y; f = q*z", {"x": -2.13, "y": 5.71, "z": -4.19}),
    ("tanh(a*b)+max(a,b)^2", {"a": 0.37, "b": 1.83}),
    ("log(x^2+y)/sqrt(y)", {"x": 1.37, "y": 2.91}),
    ("relu(x*w-b)*exp(-x)", {"x": 1.91, "w": 2.3, "b": 0.77}),
]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("text", "values"), HIDING, ids=[text for text, _ in HIDING])
def test_no_number_is_given_away(text, values, language):
    """With the answers hidden, or hints below the answer itself, no right number of a wrong answer is told.

    Wrong answers are drawn from those that mistakes lead to: other numbers of the same table, signs, squares.
    """
    generator = random.Random(f"{text} {language}")  # noqa: S311 - reproducible
    graph = parse(text, given=values)
    gradients = graph.forward(values).backward()
    right = {f"grad.{name}": gradients[name] for name in values}
    right |= {f"value.{graph.names[i]}": gradients.trace.values[i] for i in graph.shown if graph.parents[i]}
    for _ in range(8):
        answers = []
        for cell in generator.sample(sorted(right), min(4, len(right))):
            other = generator.choice([*right.values(), -right[cell], right[cell] ** 2, 1 / right[cell]])
            answers.append(Answer(cell, f"{other:.{generator.choice([2, 3, 5])}f}"))
        checked = check(gradients, answers)
        own = {result.answer.text for result in checked.results}
        for view in (
            View(checked, language, hide=True),
            View(checked, language, hint=1),
            View(checked, language, hint=2),
        ):
            told = " ".join([*(s for row in view.rows for s in row.sentences), view.summary()])
            numbers = set(re.findall(r"(?<![\w.])-?\d+\.\d+(?:e-?\d+)?", told)) - own
            for result in checked.results:
                if result.state not in (State.RIGHT, State.ROUNDED):
                    for number in numbers:
                        assert f"{result.right:.{len(number.partition('.')[2])}f}" != number, told
            assert not any(row.accepted for row in view.rows)


GIVEAWAYS = [(["x*y", "--x=2", "--y=3"], f"dx={text}") for text in ("-3", "6.0", "1.5", "0.33", "30", "0.3", "9.0")]


@pytest.mark.parametrize(("words", "answer"), GIVEAWAYS)
def test_no_name_gives_the_answer_away(checked, words, answer):
    """That an answer is the right one's half, or has its sign, tells the right one; a hidden answer is not told so."""
    for form in ("table", "json"):
        out = checked(*words, "--hide-answer", "--format", form, answers=[answer])[1]
        assert not re.search(r"sign_|minus|the answer|decimal.point|half|doubled|squared|reciprocal", out), out


def test_the_error_is_hidden(checked):
    """Beside an answer its relative error tells the right number: 3.03 that is 0.01 off."""
    out = checked("x*y", "--x=2", "--y=3", "--cs231n", "--hide-answer", answers=["dx=3.0297"])[1]
    assert "CS231n" in out
    assert "0.01" not in out


@pytest.mark.parametrize("language", ["en", "ko"])
def test_two_mistakes_are_counted_as_two(checked, language):
    """4 of (3·x+1)² at 1 is n2 without its 2, and without the inner 3: two mistakes in the text, two in the sum."""
    words = "(3*x+1)^2", "--x=1", "--lang", language
    out = checked(*words, answers=["dx=4"])[1]
    told = {"en": ("two mistakes:", "\n2 mistakes, at "), "ko": ("실수 두 개:", "\n실수 2개, 위치: ")}[language]
    assert all(part in out for part in told)
    document = json.loads(checked(*words, "--format", "json", answers=["dx=4"])[1])
    assert document["mistakes"] == 2


@pytest.mark.parametrize("form", ["table", "plain", "json", "csv", "markdown"])
def test_every_format_hides(checked, form):
    """No format tells the right number, or the interval."""
    _, out, _ = checked(*NEURON, "--hide-answer", "--format", form, answers=["x0=-0.39", "w0=0.12", "value=0.5"])
    assert not re.search(r"0\.393|0\.38[78]|0\.398|0\.196|0\.7[23]", out)


HINTED = [
    (
        FAN_OUT,
        "x=6",
        [["n1 = x+y", "n2 = x·y"], ["∂n1/∂x × ∂f/∂n1 + ∂n2/∂x × ∂f/∂n2", "∂n2/∂x = y"], ["y = 3", "6", "5"], ["21"]],
    ),
    (LECTURE, "dx=2", [["q = x+y"], ["∂q/∂x × ∂f/∂q", "∂q/∂x = 1"], ["∂f/∂q = -4"], ["dx = -4"]]),
    (LECTURE, "value=5.5", [["f = q·z"], ["f = q·z"], ["q = 3", "z = -4"], ["value = -12"]]),
    (LECTURE, "local.f.q=9.5", [["f = q·z"], ["∂f/∂q = z"], ["z = -4"], ["local.f.q = -4"]]),
]


@pytest.mark.parametrize(("words", "answer", "steps"), HINTED, ids=[answer for _, answer, _ in HINTED])
def test_hints(checked, words, answer, steps):
    """Hints go from where to look to the rule, the numbers to put in, and the answer, each level adding a line."""
    for level in (1, 2, 3, 4):
        status, out, _ = checked(*words, "--hint", str(level), answers=[answer])
        assert status == 1
        for parts in steps[:level]:
            assert all(part in out for part in parts), (level, out)
        if level < 4:
            assert steps[3][0] not in out


SOFTMAX = ["L=softmax_cross_entropy(a,t)", "--a=[0.3,2.9,4.0]", "--t=[0,0,1]"]
TANH = ["h=tanh(w*x+b); f=(h-y)^2", "--w=2.47", "--x=2.777", "--b=2.838", "--y=0.392"]

RULES = [
    (SOFTMAX, "da=[0.018,0.245,0.737]", ["∂L/∂a = softmax(a)-t"]),
    (SOFTMAX, "da=[0.1,0.2,0.3]", ["∂L/∂a = softmax(a)-t"]),
    (SOFTMAX, "down.L.a=[0.1,0.2,0.3]", ["∂L/∂a = softmax(a)-t"]),
    (["sin(x)", "--x=1"], "dx=-0.84", ["∂f/∂x = cos(x)"]),
    (["norm(a)", "--a=[3,4]"], "da=[1,1]", ["∂f/∂a = a/f"]),
    (TANH, "grad.h=2.432", ["look at gate n3 = h-y", "∂f/∂h = ∂n3/∂h × ∂f/∂n3"]),
    (TANH, "value.h=-1", ["h = tanh(n2)"]),
]


@pytest.mark.parametrize(("words", "answer", "told"), RULES, ids=[answer for _, answer, _ in RULES])
def test_hints_of_the_rule(checked, words, answer, told):
    """The second hint is the rule by which the cell is worked out: of a gradient that of the backward pass."""
    out = checked(*words, "--hint", "2", answers=[answer])[1]
    assert all(part in out for part in told), out


def test_hints_tell_no_answer_that_there_is_something_to_work_out_for():
    """Up to the third hint the asked number is not told; what is put in may be it, where a 1 is left to multiply by.

    Wrong answers are turned numbers and other numbers of the same table.
    """
    generator = random.Random("hints")  # noqa: S311 - reproducible
    from gradcli.cells import list_cells

    for text, values in (("h=tanh(w*x+b); f=(h-y)^2", "wxby"), ("f=exp(x*y)/(x+y)", "xy"), ("1/(1+exp(-w*x))", "wx")):
        for _ in range(12):
            chosen = {name: round(generator.uniform(0.3, 2), 3) for name in values}
            gradients = parse(text, given=chosen).forward(chosen).backward()
            cells = [cell for cell in list_cells(gradients) if abs(cell.value) not in (0.0, 1.0, *chosen.values())]
            cell = generator.choice(cells)
            other = generator.choice([-cell.value, 2 * cell.value, 1 / cell.value, generator.choice(cells).value])
            (result,) = check(gradients, [Answer(cell.address, repr(other))]).results
            if result.state is not State.WRONG:
                continue
            *_, last = hints(result, gradients, 3)
            put_in = last.fields.get("numbers", ())
            others = [pair.fields["b"] for pair in put_in if pair.fields["b"] not in (0, 1)]
            if len(others) > 1:
                assert all(abs(abs(number) - abs(cell.value)) > 1e-9 * abs(cell.value) for number in others), text


def test_hints_are_for_the_first_mistake(checked):
    """One mistake at a time: other wrong answers get no hint, and no diagnosis."""
    _, out, _ = checked(*LECTURE, "--hint", "1", answers=["dz=2.5", "dx=7.5"])
    assert out.count("look at") == 1
    assert "look at gate f = q·z" in out


def test_hints_of_what_is_missing(checked):
    """A blank has hints too; a coarse answer is told what it lacks."""
    assert "look at gate" in checked(*LECTURE, "--hint", "1", answers=["dx="])[1]
    out = checked(*NEURON, "--hint", "2", answers=["x0=0.4"])[1]
    assert "give two digits at least" in out
    assert "look at" not in out


def test_hints_of_every_cell():
    """Every cell of every kind has hints, in both languages; the answer comes last."""
    graph = parse("q = x*y + sin(x); r = max(q, y)^2; f = r/(1+exp(-z))", given=("x", "y", "z"))
    gradients = graph.forward({"x": 1.1, "y": 0.7, "z": -0.4}).backward()
    from gradcli.cells import list_cells

    for cell in list_cells(gradients):
        (result,) = check(gradients, [Answer(cell.address, "77.77")]).results
        for language in ("en", "ko"):
            words = Words(language)
            said = [words.said(hint) for hint in hints(result, gradients, 4)]
            assert 2 <= len(said) <= 4
            assert said[-1].startswith(f"{cell.address} = ")


# ── languages ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_languages(checked, monkeypatch):
    """--lang, then GRADCLI_LANG, then English; an unknown one lists those there are."""
    assert "첫 실수" in checked(*LECTURE, "--lang", "ko", answers=["dz=2.5", "dx=7.5"])[1]
    monkeypatch.setenv("GRADCLI_LANG", "ko_KR.UTF-8")
    assert "모두 정답" in checked(*LECTURE, answers=["dq=-4", "dx=-4"])[1]
    assert "all 2 right" in checked(*LECTURE, "--lang", "en", answers=["dq=-4", "dx=-4"])[1]
    monkeypatch.setenv("GRADCLI_LANG", "fr")
    status, _, err = checked(*LECTURE, answers=["dx=-4"])
    assert status == 2
    assert "GRADCLI_LANG cannot be 'fr'" in err
    assert "one of: en, ko" in err
