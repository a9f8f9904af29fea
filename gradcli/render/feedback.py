"""What a student gets back: a Markdown page with a table a problem. Whatever was typed is shown, and never acts."""

from __future__ import annotations

import os
from pathlib import Path

from gradcli.autodiff import Value
from gradcli.homework.marking.grading import Mark, Marked, Part
from gradcli.homework.marking.marks import shown
from gradcli.homework.records import Result, State
from gradcli.render.figures import Style
from gradcli.render.judged import View, coinciding
from gradcli.render.markdown import code, text, value
from gradcli.words import Said, Words

STYLE = Style()

BETWEEN = "; "
"""What stands between two things that are said of an answer."""

LONGEST = 120
"""Characters of an answer that are shown."""

EXPRESSION = 400
"""Characters of a problem's expression that are shown."""


def answered(marked: Marked, title: str, language: str, *, show_answer: bool = False) -> tuple[Marked, str]:
    """The marks in words, without what they were made of; and the page of a student."""
    words = Words(language)
    parts = tuple(worded(part, words, show_answer=show_answer) for part in marked.parts)
    marked = marked._replace(parts=parts)
    return marked, render(marked, title, words, show_answer=show_answer)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────


def worded(part: Part, words: Words, *, show_answer: bool) -> Part:
    """A problem's marks with their verdicts and sentences."""
    if part.checked is None:
        return part._replace(marks=tuple(unmarked(mark, words) for mark in part.marks))
    view = View(part.checked, words.language, hide=not show_answer)
    pairs = zip(part.marks, part.checked.results, strict=True)
    marks = [unmarked(mark, words) if mark.fault else said(mark, result, view, words) for mark, result in pairs]
    return part._replace(marks=tuple(marks), checked=None)


def unmarked(mark: Mark, words: Words) -> Mark:
    """A mark that there is none of, by our own fault: the student is told that it will come."""
    return mark._replace(verdict=words.say("grade.open"), why=words.say("grade.broken", why=mark.fault))


def said(mark: Mark, result: Result, view: View, words: Words) -> Mark:
    """A mark with its verdict and what is to be said of it."""
    sentences = view.sentences(result) if result.state is not State.BLANK else []
    if result.explanations:  # the mistake, and whether another leads to the same number; the rest is for `check`
        sentences = sentences[: 2 if coinciding(result.explanations) else 1]
    told = BETWEEN.join(sentence.rstrip(".") for sentence in sentences)
    if mark.points is None:
        why = words.say("grade.undecided") if result.state is State.UNDECIDED else ""
        return mark._replace(verdict=words.say("grade.open"), said=told, why=BETWEEN.join(filter(None, (why, told))))
    return mark._replace(verdict=view.verdict(result), said=told)


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────


def render(marked: Marked, title: str, words: Words, *, show_answer: bool = False) -> str:
    """The points, then a table a problem, then what is to be known of the submission."""
    who = f"{marked.name} ({marked.student})" if marked.name else marked.student
    head = words.say("grade.feedback", title=title) if title else words.say("grade.feedback_untitled")
    lines = [f"# {text(head, STYLE)}", "", f"{text(who, STYLE)}: **{points(marked, words)}**"]
    for part in marked.parts:
        lines += ["", *problem(part, words, show_answer=show_answer)]
    if marked.notes:
        lines += ["", *(f"- {text(noted(note, marked, words), STYLE)}" for note in marked.notes)]
    return "\n".join([*lines, ""])


def noted(note: Said, marked: Marked, words: Words) -> str:
    """What a student is told of the submission as a whole; the folders of whoever marks it are left out."""
    if note.key == "grade.replaces":
        return words.say("grade.repeated")
    return words.said(note).replace(f"{Path(marked.place).parent}{os.sep}", "")


def points(marked: Marked, words: Words) -> str:
    """The points of a submission, and how many answers have none yet."""
    key = {0: "grade.points", 1: "grade.points_open_one"}.get(marked.open, "grade.points_open")
    return words.say(key, points=shown(marked.points), most=shown(marked.most), open=str(marked.open))


def problem(part: Part, words: Words, *, show_answer: bool) -> list[str]:
    """A problem: its expression, its values, and a row a cell."""
    at = ", ".join(f"{code(name, STYLE)} = {value(number, STYLE)}" for name, number in part.values.items())
    names = ["cell", "yours", "verdict", "points", "why", *(["right"] if show_answer else [])]
    sides = [":--", ":--", ":--", "--:", ":--", *([":--"] if show_answer else [])]
    return [
        f"## {text(heading(part, words), STYLE)}",
        "",
        code(brief(part.expression, EXPRESSION), STYLE) + (f", {at}" if at else ""),
        "",
        row([text(words.say(f"grade.column_{name}"), STYLE) for name in names]),
        row(sides),
        *(line(mark, show_answer=show_answer) for mark in part.marks),
    ]


def heading(part: Part, words: Words) -> str:
    """A problem's id, and its title where it has one."""
    said = words.say("grade.problem", problem=part.problem)
    return f"{said}: {part.title}" if part.title else said


def line(mark: Mark, *, show_answer: bool) -> str:
    """A cell: yours, the verdict, the points, what is to be said, and where it is asked for the right number."""
    score = f"{'–' if mark.points is None else shown(mark.points)}/{shown(mark.most)}"
    typed = code(brief(mark.text, LONGEST), STYLE)
    cells = [code(mark.address, STYLE), typed, text(mark.verdict, STYLE), score, text(mark.said, STYLE)]
    return row([*cells, *([right(mark.right)] if show_answer else [])])


def brief(words: str, most: int) -> str:
    """Text on one line, of a length that can be read."""
    words = " ".join(words.split())
    return words if len(words) <= most else f"{words[:most]}…"


def right(number: Value) -> str:
    """The right number, as people read it."""
    return "" if number is None else value(number, STYLE)


def row(cells: list[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
