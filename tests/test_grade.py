"""Marking a class: points and states, the files, what nobody may lose, and what never stops the others."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradcli.cli import grade, run
from gradcli.homework.marking.grading import Mark, Marked, Part, credit
from gradcli.homework.marking.marks import Book, gradescope
from gradcli.homework.marking.tally import Tally
from gradcli.homework.records import State
from gradcli.render.class_report import page, percent, summary
from gradcli.render.feedback import render
from gradcli.render.figures import Style
from gradcli.words import Said, Words

HERE = Path(__file__).parent
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full and signals")

ASSIGNMENT = """
schema = "gradcli.assignment/1"
title = "HW4"
decimals = 2
carry = 0.5
seed = 7
[[problem]]
id = "1"
expr = "q = x + y; f = q*z"
at = { x = -2, y = 5, z = -4 }
cells = { "value" = 1, "value.q" = 1, "dq" = 2, "dx" = 2 }
"""

HEAD = "id,name,1:value,1:value.q,1:dq,1:dx"


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


def answers(*lines: str, head: str = HEAD, file: str = "class.csv") -> str:
    """The answers of a class, in a file."""
    Path(file).write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    return file


def table(file: str | Path) -> list[dict[str, str]]:
    """The lines of a CSV by their columns."""
    text = Path(file).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


# ── what an answer is worth ─────────────────────────────────────────────────────────────────────────────────────


CLASS = (
    ("ann,Ann Lee,-12,3,-4,-4", "4 of 4 right", {"total": "6", "share": "1", "review": "0"}),
    ("bo,박보,−12,3.00,-4.0,-4", "typed in other ways", {"total": "6"}),
    ("cy,Cy,-12,3,4,4", "a lost sign, carried on", {"1:dq": "0", "1:dx": "1", "total": "3", "1:dx state": "carried"}),
    ("di,Di,-12,3,,", "left blank", {"total": "2", "1:dq": "0", "1:dq state": "blank", "1:dx": "0"}),
    ("ed,Ed,-12,three,-4,-4", "words", {"1:value.q": "", "1:value.q state": "unreadable", "total": "", "review": "1"}),
    ("fy,Fy,0,0,0,0", "all wrong", {"1:value.q": "0", "1:value.q state": "wrong"}),
    ("gi,Gi,-12,3,-4,z", "a formula", {"total": "6", "1:dx state": "right"}),
)


@pytest.mark.parametrize(("line", "what", "expected"), CLASS, ids=[row[1] for row in CLASS])
def test_each_cell_has_its_points_and_its_state(gradcli, line, what, expected):
    """Right earns all, carried the assignment's share, wrong and blank nothing; unreadable is no 0 but nothing yet."""
    status, out, err = gradcli("grade", "hw4.toml", answers(line))
    (marks,) = table("hw4-marks/marks.csv")
    assert {column: marks[column] for column in expected} == expected
    assert status == (4 if marks["review"] != "0" else 0), out + err


SHARES = (
    (State.RIGHT, False, 1.0),
    (State.ROUNDED, False, 1.0),
    (State.CARRIED, False, 0.25),
    (State.CARRIED, True, 0.0),
    (State.COARSE, False, 0.25),
    (State.WRONG, False, 0.0),
    (State.BLANK, False, 0.0),
    (State.UNREADABLE, False, None),
    (State.UNDECIDED, False, None),
)


@pytest.mark.parametrize(("state", "trivial", "share"), SHARES)
def test_a_state_is_worth_its_share(state, trivial, share):
    """What follows from a wrong number earns the share, unless that number makes the question trivial."""

    class Found:
        pass

    found = Found()
    found.state, found.trivial = state, trivial
    assert credit(found, 0.25) == share  # type: ignore[arg-type]


def test_the_loophole_is_closed(gradcli):
    """Who writes 0 for an early gradient gets nothing for the zeros that follow from it."""
    gradcli("grade", "hw4.toml", answers("a,A,-12,3,0,0"))
    (marks,) = table("hw4-marks/marks.csv")
    assert (marks["1:dq"], marks["1:dx"], marks["total"]) == ("0", "0", "2")


def test_all_marks_are_the_sum_of_their_cells(gradcli):
    """The total is the sum of a problem's cells, max that of the assignment's points, share their quotient."""
    gradcli("grade", "hw4.toml", answers("a,A,-12,3,4,4", "b,B,-12,3,-4,-4"))
    for marks in table("hw4-marks/marks.csv"):
        cells = [float(marks[f"1:{cell}"]) for cell in ("value", "value.q", "dq", "dx")]
        assert float(marks["total"]) == float(marks["1 total"]) == sum(cells)
        assert float(marks["share"]) == sum(cells) / float(marks["max"]) and marks["max"] == "6"


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_person_has_to_look_at_is_listed(gradcli):
    """review.csv names the student, the problem, the cell, the text and why; the summary counts it."""
    status, out, _ = gradcli("grade", "hw4.toml", answers("a,A,-12,3,-4,-4", 'b,B,"3,5",3,-4,?'))
    rows = table("hw4-marks/review.csv")
    assert [(row["id"], row["problem"], row["cell"], row["answer"]) for row in rows] == [
        ("b", "1", "value", "3,5"),
        ("b", "1", "dx", "?"),
    ]
    assert all(row["why"] and "class.csv" in row["place"] for row in rows)
    assert status == 4
    assert "unreadable 2" in out


def test_feedback_tells_what_was_done_but_no_right_number(gradcli):
    """Each student gets cell, answer, verdict, points and a sentence; the right number only with --show-answer."""
    file = answers("a,Ann,-12,3,4,4")
    gradcli("grade", "hw4.toml", file)
    text = Path("hw4-marks/feedback/a.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| `dq`"))
    assert "Ann (a)" in text and "3 of 6 points" in text
    assert "`4`" in row and "0/2" in row and "-4" not in row and len(row.split("|")[5].strip()) > 10
    gradcli("grade", "hw4.toml", file, "--show-answer", "--force")
    text = Path("hw4-marks/feedback/a.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| `dq`"))
    assert row.endswith("| -4 |")


def test_existing_files_stay_unless_forced(gradcli):
    """A second run writes nothing over the first; --force does."""
    file = answers("a,A,-12,3,-4,-4")
    gradcli("grade", "hw4.toml", file)
    before = Path("hw4-marks/marks.csv").read_text(encoding="utf-8")
    answers("b,B,-12,3,-4,-4")
    status, _, err = gradcli("grade", "hw4.toml", file)
    assert status == 4 and "marks.csv" in err and "--force" in err
    assert Path("hw4-marks/marks.csv").read_text(encoding="utf-8") == before
    assert gradcli("grade", "hw4.toml", file, "--force")[0] == 0
    assert [row["id"] for row in table("hw4-marks/marks.csv")] == ["b"]


def test_ids_make_harmless_file_names(gradcli):
    """An id is never a path, a device of Windows, or another student's file; marks.csv says which file is whose."""
    ids = ("../../etc/passwd", "CON", "a/b", "a:b", "김민준", "=1+1", "x" * 300)
    gradcli("grade", "hw4.toml", answers(*(f"{who},N,-12,3,-4,-4" for who in ids)))
    rows = table("hw4-marks/marks.csv")
    files = {row["feedback"] for row in rows}
    assert len(files) == len(ids)
    for file in files:
        path = Path("hw4-marks") / file
        assert path.resolve().parent == Path("hw4-marks/feedback").resolve() and path.is_file()
        assert path.stem.upper() != "CON" and len(path.name) < 100
    assert sorted(path.name for path in Path("hw4-marks").iterdir()) == [
        "class.md",
        "feedback",
        "marks.csv",
        "review.csv",
    ]
    assert rows[5]["id"] == "'=1+1"


HOSTILE = "=HYPERLINK(1)|<script>`x`[a](http://b)\x1b[31m"


def test_what_students_write_is_shown_and_never_acts(gradcli):
    """Formulas are guarded in CSV, Markdown and HTML are escaped, control characters are visible."""
    file = answers(f"a,<b>Eve</b> *x*,-12,3,-4,{HOSTILE}")
    _, out, err = gradcli("grade", "hw4.toml", file, "--format", "moodle")
    review = Path("hw4-marks/review.csv").read_text(encoding="utf-8-sig")
    assert "'=HYPERLINK" in review
    feedback = Path("hw4-marks/feedback/a.md").read_text(encoding="utf-8")
    moodle = Path("hw4-marks/moodle.csv").read_text(encoding="utf-8-sig")
    assert "<script>" not in feedback + moodle and "<b>Eve" not in feedback and r"\*x\*" in feedback
    assert "\x1b" not in out + err + review + feedback + moodle
    (row,) = [line for line in feedback.splitlines() if line.startswith("| `dx`")]
    assert row.count("|") == 6


def test_files_for_spreadsheets_begin_with_a_mark_and_numbers_are_numbers(gradcli):
    """marks.csv is UTF-8 with a byte-order mark; negative answers are not guarded."""
    gradcli("grade", "hw4.toml", answers("a,김민준,-12,3,-4,?", "b,B,-12,3,-4,-x"))
    assert Path("hw4-marks/marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert "김민준" in Path("hw4-marks/marks.csv").read_text(encoding="utf-8-sig")


def test_moodle_gets_the_feedback_with_the_grade(gradcli):
    """moodle.csv has ID number, e-mail, the grade and its feedback; no grade where something is for review."""
    Path("roster.csv").write_text("id,name,email\na,A,a@u.edu\nb,B,b@u.edu\n", encoding="utf-8")
    gradcli("grade", "hw4.toml", answers("a,A,-12,3,-4,-4", "b,B,-12,3,-4,?"), "--format=moodle", "--roster=roster.csv")
    one, two = table("hw4-marks/moodle.csv")
    assert (one["ID number"], one["Email address"], one["HW4"]) == ("a", "a@u.edu", "6")
    assert "1:dx" in one["HW4 (feedback)"] and "<br>" in one["HW4 (feedback)"]
    assert (two["HW4"], bool(two["HW4 (feedback)"])) == ("", True)


def test_gradescope_gets_results(gradcli):
    """results.json has a test a cell: name, score, max_score, output, visibility; none is scored that is for review."""
    gradcli("grade", "hw4.toml", answers("a,A,-12,3,4,?"), "--format", "gradescope")
    tests = json.loads(Path("hw4-marks/gradescope/a/results.json").read_text(encoding="utf-8"))["tests"]
    assert [test["name"] for test in tests] == ["1:value", "1:value.q", "1:dq", "1:dx"]
    assert [test.get("score") for test in tests] == [1, 1, 0, None]
    assert [test["max_score"] for test in tests] == [1, 1, 2, 2]
    assert all(test["visibility"] in ("visible", "hidden", "after_due_date", "after_published") for test in tests)
    assert all(test["output"] for test in tests)


# ── the class ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_class_report_counts(gradcli):
    """class.md has the share right, the points and the states of each question, and the most frequent mistakes."""
    wrong = [f"w{k},W,-12,3,4,4" for k in range(3)]
    right = [f"r{k},R,-12,3,-4,-4" for k in range(9)]
    _, out, _ = gradcli("grade", "hw4.toml", answers(*right, *wrong))
    report = Path("hw4-marks/class.md").read_text(encoding="utf-8")
    assert "| `1:dq` | 75 % | 1.5/2 |" in report
    assert "mean 5.25 of 6 points (88 %), lowest 3, highest 6" in report
    assert "| 3 | `1:dq` |" in report
    assert "12 submissions marked" in out and "3 × 1:dq" in out


def test_the_roster_tells_who_is_missing(gradcli):
    """Who has not submitted, and who submitted without being on the roster, is listed; that is no failure."""
    Path("roster.csv").write_text("id,name\na,Ann\nz,Zoe\n", encoding="utf-8")
    file = answers("a,A,-12,3,-4,-4", "q,Q,-12,3,-4,-4")
    status, _, _ = gradcli("grade", "hw4.toml", file, "--roster", "roster.csv")
    report = Path("hw4-marks/class.md").read_text(encoding="utf-8")
    assert status == 0 and "- z Zoe" in report and "- q Q" in report
    assert {row["id"] for row in table("hw4-marks/review.csv")} == {"z", "q"}


def test_a_second_submission_replaces_the_first(gradcli):
    """The last line of an id counts, and that is listed."""
    _, out, err = gradcli("grade", "hw4.toml", answers("a,A,0,0,0,0", "b,B,-12,3,-4,-4", "a,A,-12,3,-4,-4"))
    assert {row["id"]: row["total"] for row in table("hw4-marks/marks.csv")} == {"a": "6", "b": "6"}
    assert len(table("hw4-marks/marks.csv")) == 2
    listed = out + err + Path("hw4-marks/class.md").read_text(encoding="utf-8")
    assert "a" in listed and ("replaces" in listed or "twice" in listed or "again" in listed)


def test_unknown_columns_are_named_and_ignored(gradcli):
    """A column that the assignment does not ask for is told, and changes nothing."""
    file = answers("a,A,-12,3,-4,-4,7,great", head=f"{HEAD},1:dw,comment")
    status, _, err = gradcli("grade", "hw4.toml", file)
    assert status == 0 and "comment" in err and "1:dw" in err
    assert table("hw4-marks/marks.csv")[0]["total"] == "6"


def test_korean(gradcli):
    """--lang ko gives feedback, report and summary in Korean."""
    status, out, _ = gradcli("grade", "hw4.toml", answers("a,김민준,-12,3,4,4"), "--lang", "ko")
    assert status == 0 and "제출물 1개 채점" in out
    assert "6점 만점에 3점" in Path("hw4-marks/feedback/a.md").read_text(encoding="utf-8")
    assert "# HW4: 학급 보고서" in Path("hw4-marks/class.md").read_text(encoding="utf-8")


def test_a_bare_expression_stands_for_an_assignment(gradcli):
    """`grade "(x+y)*z" --x=… answers.csv` asks for the value and each input's gradient."""
    file = answers("a,A,-12,-4,-4,3", head="id,name,1:value,1:dx,1:dy,1:dz")
    status, _, err = gradcli("grade", "(x+y)*z", "--x=-2", "--y=5", "--z=-4", file)
    assert status == 0, err
    assert table("homework-marks/marks.csv")[0]["total"] == "4"


DRAWN = """
schema = "gradcli.assignment/1"
seed = 3
[[problem]]
id = "p"
expr = "s = apple*n + orange*m; f = s*tax"
draw = { apple = [80, 120], n = [2, 5], orange = [100, 200], m = [2, 5], tax = 1.1 }
cells = { "value" = 1, "dtax" = 2, "dapple" = 2 }
"""


def test_a_key_earns_all_points(gradcli):
    """grade works out the values that worksheet printed: the key, handed in by everybody, is right everywhere."""
    Path("drawn.toml").write_text(DRAWN, encoding="utf-8")
    Path("roster.csv").write_text("id,name\n2026-1,Ann\n2026-2,김민준\n2026-3,Bo\n", encoding="utf-8")
    assert gradcli("worksheet", "drawn.toml", "--roster", "roster.csv", "--key", "-o", "sheets")[0] == 0
    rows = [",".join((row["sheet"], row["problem"], row["cell"], row["answer"])) for row in table("sheets-key/key.csv")]
    file = answers(*rows, head="sheet,problem,cell,answer", file="answers.csv")
    status, _, err = gradcli("grade", "drawn.toml", file, "--roster", "roster.csv")
    assert status == 0, err
    assert {row["name"]: row["total"] for row in table("drawn-marks/marks.csv")} == {
        "Ann": "5",
        "김민준": "5",
        "Bo": "5",
    }


REFUSED = (
    (("grade",), 2, "the assignment is missing"),
    (("grade", "hw4.toml"), 2, "the answers are missing"),
    (("grade", "hw5.toml", "class.csv"), 4, "hw5.toml"),
    (("grade", "hw4.toml", "nowhere.csv"), 4, "nowhere.csv"),
    (("grade", "hw4.tml", "class.csv"), 4, "hw4.tml: no such file"),
    (("grade", "class.csv", "hw4.toml"), 4, "the assignment comes first"),
    (("grade", ".", "hw4.toml"), 4, "the assignment comes first"),
    (("grade", "hw4.toml", "class.csv", "--x=3"), 2, "the assignment gives x its value"),
    (("grade", "hw4.toml", "class.csv", "--format", "modle"), 2, "did you mean moodle?"),
    (("grade", "hw4.toml", "class.csv", "--jobs", "0"), 2, "a whole number from 1 to 64"),
    (("grade", "hw4.toml", "class.csv", "--lang", "fr"), 2, "one of: en, ko"),
    (("grade", "hw4.toml", "class.csv", "--decimals", "2", "--sig", "2"), 2, "contradict each other"),
    (("grade", "hw4.toml", "class.csv", "--roster", "none.csv"), 4, "none.csv"),
    (("grade", "hw4.toml", "class.csv", "-o", "hw4.toml"), 4, "hw4.toml"),
)


@pytest.mark.parametrize(("words", "status", "message"), REFUSED, ids=[" ".join(row[0][1:]) for row in REFUSED])
def test_what_cannot_be_is_refused_before_anything_is_written(gradcli, words, status, message):
    """Each error has its exit status and says what to do; no folder is left behind."""
    answers("a,A,-12,3,-4,-4")
    found, out, err = gradcli(*words)
    assert (found, out) == (status, "") and message in err
    assert not Path("hw4-marks").exists() or not list(Path("hw4-marks").iterdir())


def test_nothing_is_written_where_nothing_could_be_read(gradcli):
    """A class file in another encoding is an error that names the encoding; with --encoding it is read."""
    Path("class.csv").write_bytes(f"{HEAD}\na,김민준,-12,3,-4,-4\n".encode("cp949"))
    status, out, err = gradcli("grade", "hw4.toml", "class.csv")
    assert (status, out) == (4, "") and "--encoding cp949" in err
    assert not Path("hw4-marks").exists()
    assert gradcli("grade", "hw4.toml", "class.csv", "--encoding", "cp949")[0] == 0
    assert table("hw4-marks/marks.csv")[0]["name"] == "김민준"


def test_a_folder_may_hold_the_assignment_and_the_marks(gradcli):
    """`grade hw4.toml .` takes neither the assignment, nor the roster, nor its own files for answers."""
    Path("roster.csv").write_text("id,name\na,A\n", encoding="utf-8")
    answers("a,A,-12,3,-4,-4")
    for _ in range(2):
        status, out, err = gradcli("grade", "hw4.toml", ".", "--roster", "roster.csv", "--force")
        assert (status, err) == (0, ""), err
        assert "1 submission marked" in out


def test_files_of_an_earlier_run_are_told(gradcli):
    """--force writes over files; feedback of students who are not there any more is named, not deleted."""
    gradcli("grade", "hw4.toml", answers("a,A,-12,3,-4,-4", "b,B,-12,3,-4,-4"))
    _, _, err = gradcli("grade", "hw4.toml", answers("a,A,-12,3,-4,-4"), "--force")
    assert "1 more" in err and Path("hw4-marks/feedback/b.md").exists()


def test_an_empty_class_is_an_error(gradcli):
    """A heading without a row has nobody to be marked."""
    status, _, err = gradcli("grade", "hw4.toml", answers())
    assert status == 4 and "no submission" in err and not Path("hw4-marks").exists()


def test_a_row_that_is_broken_is_broken_alone(gradcli):
    """It is named on standard error, in review.csv and class.md; the others are marked: exit 4."""
    status, _, err = gradcli("grade", "hw4.toml", answers("a,A,-12,3,-4,-4", "b,B,1,2,3,4,5", "c,C,-12,3,-4,-4"))
    assert status == 4 and "line 3" in err
    assert {row["id"]: row["total"] for row in table("hw4-marks/marks.csv")} == {"a": "6", "b": "", "c": "6"}
    assert "line 3" in Path("hw4-marks/class.md").read_text(encoding="utf-8")
    assert [row["id"] for row in table("hw4-marks/review.csv")] == ["b"]


def test_a_missing_column_is_told(gradcli):
    """What nobody of a class has answered was mostly asked under another name."""
    _, _, err = gradcli("grade", "hw4.toml", answers("a,A,-12,-4", "b,B,-12,-4", head="id,name,1:value,1:dq"))
    assert "nobody has answered 1:value.q, 1:dx" in err


def test_the_roster_gives_names(gradcli):
    """A submission without a name has that of the roster, in feedback and marks."""
    Path("roster.csv").write_text("id,name\na,Ann Lee\n", encoding="utf-8")
    gradcli("grade", "hw4.toml", answers("a,-12", head="id,1:value"), "--roster", "roster.csv")
    assert table("hw4-marks/marks.csv")[0]["name"] == "Ann Lee"
    assert "Ann Lee (a)" in Path("hw4-marks/feedback/a.md").read_text(encoding="utf-8")


# ── nothing stops the class ─────────────────────────────────────────────────────────────────────────────────────


def test_one_bad_submission_stops_nobody(gradcli, monkeypatch):
    """An unexpected fault while one submission is marked makes it an entry for review; the others have their marks."""
    from gradcli.homework import checking

    whole = checking.check

    def broken(gradients, found, rules, **options):
        found = list(found)
        if any(answer.text == "13" for answer in found):
            raise ZeroDivisionError("unlucky")
        return whole(gradients, found, rules, **options)

    monkeypatch.setattr(checking, "check", broken)
    status, _, _ = gradcli("grade", "hw4.toml", answers("a,A,-12,3,-4,-4", "b,B,13,3,-4,-4", "c,C,-12,3,-4,-4"))
    rows = table("hw4-marks/marks.csv")
    assert [row["total"] for row in rows] == ["6", "", "6"]
    assert [rows[1][f"1:{cell} state"] for cell in ("value", "value.q", "dq", "dx")] == ["failed", *["right"] * 3]
    (review,) = table("hw4-marks/review.csv")
    assert status == 4 and (review["id"], review["cell"], review["answer"]) == ("b", "value", "13")
    assert "unlucky" in review["why"]


def test_folders_of_files_are_marked_and_what_is_unreadable_is_listed(gradcli):
    """A file a student; one that is no text is listed, and the others are marked: exit 4."""
    Path("answers").mkdir()
    for who in ("ann", "bo"):
        Path(f"answers/{who}.toml").write_text(
            f'student = "{who}"\n["1"]\nvalue = -12\n"value.q" = 3\ndq = -4\ndx = -4\n', encoding="utf-8"
        )
    Path("answers/cy.toml").write_text("student = [", encoding="utf-8")
    status, out, err = gradcli("grade", "hw4.toml", "answers")
    assert [row["total"] for row in table("hw4-marks/marks.csv") if row["total"]] == ["6", "6"]
    assert status == 4 and "cy.toml" in err + out + Path("hw4-marks/review.csv").read_text(encoding="utf-8-sig")


def many(count: int) -> str:
    """The answers of a large class."""
    return answers(*(f"s{k:04},S {k},-12,3,{(-4, 4)[k % 3 == 0]},{-4 - k % 5}" for k in range(count)))


def test_several_processes_write_what_one_writes(gradcli):
    """--jobs changes nothing in any file, and the order is that of the answers."""
    file = many(60)
    assert gradcli("grade", "hw4.toml", file, "--jobs", "1", "-o", "one")[0] == 0
    assert gradcli("grade", "hw4.toml", file, "--jobs", "2", "-o", "two")[0] == 0
    names = sorted(str(path.relative_to("one")) for path in Path("one").rglob("*") if path.is_file())
    assert len(names) == 63
    for name in names:
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes(), name
    assert [row["id"] for row in table("two/marks.csv")] == [f"s{k:04}" for k in range(60)]


def deadly(marked: Marked) -> tuple[Marked, str]:
    """Feedback that ends the process at one submission."""
    if marked.student == "s0040" and not any(mark.fault for mark in marked.marks):
        os._exit(9)
    return marked._replace(parts=tuple(part._replace(checked=None) for part in marked.parts)), "text"


def test_a_process_that_dies_takes_one_submission_with_it(gradcli):
    """The submission by which a process ends is for review; all others are marked, in order."""
    from gradcli.homework.files import submissions
    from gradcli.homework.files.assignment import load
    from gradcli.homework.marking.workers import Work, mark_class

    wanted = load("hw4.toml")
    work = Work(wanted, wanted.rules, prove=False, write=deadly)
    found = [marked for marked, _ in mark_class(work, submissions.read([many(60)], wanted), jobs=2)]
    assert [marked.student for marked in found] == [f"s{k:04}" for k in range(60)]
    assert [marked.student for marked in found if marked.open] == ["s0040"]


def program(*words: str, **options) -> subprocess.Popen[str]:
    """The program as a process."""
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "GRADCLI_LANG")}
    return subprocess.Popen(
        [sys.executable, "-m", "gradcli", *words],
        env={**kept, "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        **options,
    )


@LINUX
def test_an_interrupt_loses_no_marks(gradcli):
    """After Ctrl-C the files hold whole lines of those marked by then, and say that it was interrupted: exit 130."""
    many(20_000)
    process = program("grade", "hw4.toml", "class.csv", "--jobs", "1")
    end = time.monotonic() + 30
    while len(list(Path("hw4-marks/feedback").glob("*.md"))) < 20 and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    rows = table("hw4-marks/marks.csv")
    assert process.returncode == 130, err
    assert 20 <= len(rows) < 20_000 and all(row["feedback"] for row in rows)
    assert len(rows) == len(list(Path("hw4-marks/feedback").glob("*.md")))
    assert "interrupted" in out and "interrupted" in Path("hw4-marks/class.md").read_text(encoding="utf-8")
    assert not list(Path("hw4-marks").glob("*.part")) and not list(Path("hw4-marks").glob(".*.part"))


@LINUX
def test_a_full_disk_leaves_nothing_half_written(gradcli):
    """Where a file cannot be written to its end, it is not there under its name: exit 4, told in a line."""
    import resource

    many(400)
    limit = 8192
    process = program(
        "grade",
        "hw4.toml",
        "class.csv",
        "--jobs=1",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4 and "marks.csv" in err and "Traceback" not in err
    left = [path.name for path in Path("hw4-marks").iterdir()]
    assert "marks.csv" not in left and not [name for name in left if name.endswith(".part")]


# ── counts and pages ────────────────────────────────────────────────────────────────────────────────────────────


def marked(student: str, *marks: Mark) -> Marked:
    """A submission to a problem."""
    return Marked(student, "", "", (Part("1", "x*y", {"x": 2.0}, marks),))


def test_counts_take_no_more_memory_with_more_students():
    """What is kept of a class beyond the ids does not grow with it."""
    wrong = Mark("dx", 2, 0.0, "wrong", "3", 4.0, "sign_lost", (3,), Said("grade.undecided"), True)
    small, large = Tally(), Tally()
    for k in range(10):
        small.add(marked(str(k), wrong))
    for k in range(1000):
        large.add(marked(str(k), wrong))
    (question,), (same,) = large.questions.values(), small.questions.values()
    assert (question.students, question.firsts, question.mistakes["sign_lost", (3,)]) == (1000, 1000, 1000)
    assert len(question.told) == len(same.told) == 1 and len(large.notes) == len(small.notes) == 0


def test_open_answers_keep_a_submission_out_of_the_mean():
    """A mean over points that are not known yet would be too low."""
    tally = Tally()
    tally.add(marked("a", Mark("dx", 2, 2.0, "right")))
    tally.add(marked("b", Mark("dx", 2, None, "unreadable")))
    assert (tally.mean, tally.settled, tally.open) == (2.0, 1, 1)
    assert "left out: 1" in page(tally, "HW", Words("en"))


STATUSES = ((("right", "wrong"), 0), (("undecided",), 5), (("unreadable", "undecided"), 4), (("failed",), 4))


@pytest.mark.parametrize(("states", "expected"), STATUSES)
def test_the_exit_status_tells_what_is_left_to_do(states, expected):
    """0 when all were marked, 4 when something could not be read or marked, 5 when something could not be decided."""
    tally = Tally()
    for state in states:
        tally.add(marked(state, Mark("dx", 2, None, state)))
    assert grade.status(tally) == expected


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 3, "0"), (3, 3, "100"), (999, 1000, "99"), (1, 1000, "1"), (0, 0, "0")]
)
def test_only_all_is_a_hundred_per_cent(part, whole, text):
    """A share is rounded, but never to all or to none."""
    assert percent(part, whole) == text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_summary_fits_a_terminal(width):
    """No line but a long path is wider than the terminal."""
    tally = Tally()
    told = Said("check.unexplained")
    tally.add(marked("a", Mark("dx", 2, 0.0, "wrong", "3", 4.0, "sign_lost", (3,), told, True)))
    lines = summary(tally, "HW4", {"marks": "m"}, Words("en"), Style(width=width), interrupted=False).splitlines()
    assert max(map(len, lines)) <= width


def test_points_are_sums_of_decimals():
    """0.1 + 0.2 points are 0.3."""
    found = marked("a", Mark("dx", 0.1, 0.1, "right"), Mark("dy", 0.2, 0.2, "right"))
    assert (found.points, found.most) == (0.3, 0.3)
    assert "**0.3 of 0.3 points**" in render(found, "HW", Words("en"))
    assert gradescope(found)["tests"][0]["score"] == 0.1


def test_a_book_is_closed_whole(tmp_path):
    """Files get their names when all is written; an error inside leaves none of them."""
    book = Book(tmp_path / "out", {"1": ["dx"]}, Words("en"))
    with pytest.raises(ZeroDivisionError), book:
        book.add(marked("a", Mark("dx", 2, 2.0, "right")), "text")
        raise ZeroDivisionError
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["feedback"]
