"""What a teacher gets of a class: a page of Markdown, and a summary for the terminal, from running counts alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gradcli.homework.diagnosis.search import label
from gradcli.homework.marking.grading import FAILED
from gradcli.homework.marking.marks import shown
from gradcli.homework.marking.tally import LISTED
from gradcli.homework.records import State
from gradcli.render.feedback import row
from gradcli.render.figures import Style, plain
from gradcli.render.judged import PARTS
from gradcli.render.lines import Line, listed, painted, wrapped
from gradcli.render.markdown import code, text

if TYPE_CHECKING:
    from gradcli.homework.files.roster import Student
    from gradcli.homework.marking.tally import Mistake, Question, Tally
    from gradcli.words import Words

STYLE = Style()

MOST = 10
"""Mistakes of the whole class that the page tells."""

FEW = 3
"""Mistakes that the terminal tells, and the page of each question."""

# ── class.md ────────────────────────────────────────────────────────────────────────────────────────────────────


def page(tally: Tally, title: str, words: Words, *, interrupted: bool = False) -> str:
    """The report of a class as Markdown."""
    head = words.say("grade.report", title=title) if title else words.say("grade.report_untitled")
    lines = [f"# {text(head, STYLE)}", ""]
    if interrupted:
        lines += [f"**{text(words.say('grade.interrupted'), STYLE)}**", ""]
    lines += [text(marked(tally, words), STYLE), ""]
    lines += [text(mean(tally, words), STYLE), ""] if tally.students else []
    lines += questions(tally, words)
    lines += ["", f"## {text(words.say('grade.mistakes'), STYLE)}", "", *mistakes(tally, words)]
    if len(tally.mistakes()) > len(frequent(tally)):
        lines += ["", f"## {text(words.say('grade.by_question'), STYLE)}", "", *by_question(tally, words)]
    if tally.firsts():
        lines += ["", f"## {text(words.say('grade.firsts'), STYLE)}", "", *firsts(tally, words)]
    if tally.open:
        lines += ["", f"## {text(review(tally, words), STYLE)}", "", text(words.say("grade.review_where"), STYLE)]
    for key, students in (("grade.missing", tally.missing), ("grade.strangers", tally.strangers)):
        if students:
            lines += ["", f"## {text(words.say(key, count=str(len(students))), STYLE)}", "", *named(students, words)]
    if tally.notes:
        lines += ["", f"## {text(words.say('grade.notes'), STYLE)}", "", *noted(tally, words)]
    return "\n".join([*lines, ""])


def questions(tally: Tally, words: Words) -> list[str]:
    """A row a cell: how many are right, the mean of the points, and what the answers were."""
    heads = [words.say(f"grade.column_{name}") for name in ("question", "share", "mean", "answers")]
    rows = [row([text(head, STYLE) for head in heads]), row([":--", "--:", "--:", ":--"])]
    for question in tally.questions.values():
        points = f"{shown(round(question.mean, 2))}/{shown(question.most)}" if question.settled else "–"
        cells = [address(question), share(question.right, question.students), points]
        rows.append(row([*cells, text(counted(tally, question.states, words), STYLE)]))
    return rows


def mistakes(tally: Tally, words: Words) -> list[str]:
    """The most frequent mistakes: how many students, where, and what one of them was told."""
    found = frequent(tally)
    return table(found, words) if found else [text(words.say("grade.no_mistakes"), STYLE)]


def frequent(tally: Tally) -> list[Mistake]:
    """The mistakes that several students made; the first ones where none is shared."""
    found = tally.mistakes()
    return [mistake for mistake in found[:MOST] if mistake.students > 1] or found[:FEW]


def by_question(tally: Tally, words: Words) -> list[str]:
    """The most frequent mistakes of each question, in the order of the assignment."""
    return table([each for question in tally.questions.values() for each in tally.mistakes(question)[:FEW]], words)


def table(found: Sequence[Mistake], words: Words) -> list[str]:
    """Mistakes, a row each: what it is called, and what one of the students was told."""
    heads = [words.say(f"grade.column_{name}") for name in ("students", "question", "mistake", "example")]
    rows = [row([text(head, STYLE) for head in heads]), row(["--:", ":--", ":--", ":--"])]
    for mistake in found:
        said = [text(words.said(each), STYLE) for each in (label(mistake.name), mistake.said)]
        rows.append(row([str(mistake.students), address(mistake), *said]))
    return rows


def firsts(tally: Tally, words: Words) -> list[str]:
    """At which question students made their first mistake."""
    heads = [words.say(f"grade.column_{name}") for name in ("students", "question")]
    rows = [row([text(head, STYLE) for head in heads]), row(["--:", ":--"])]
    return [*rows, *(row([str(question.firsts), address(question)]) for question in tally.firsts()[:MOST])]


def named(students: Sequence[Student], words: Words) -> list[str]:
    """A list of students, of very many the first ones."""
    lines = [f"- {text(f'{one.id} {one.name}'.strip(), STYLE)}" for one in students[:LISTED]]
    return [*lines, *rest(len(students), words)]


def noted(tally: Tally, words: Words) -> list[str]:
    """What is to be known of submissions: repeated ones, what could not be read."""
    told = [(who, words.said(said)) for who, said in tally.notes[:LISTED]]
    lines = [f"- {text(said if said.startswith(who) else f'{who}: {said}', STYLE)}" for who, said in told]
    return [*lines, *rest(tally.noted, words)]


def rest(count: int, words: Words) -> list[str]:
    """How many a list leaves out."""
    return [f"- {text(words.say('grade.more', count=str(count - LISTED)), STYLE)}"] if count > LISTED else []


def address(at: Question | Mistake) -> str:
    """A question, as a column of marks.csv names it."""
    return code(f"{at.problem}:{at.address}", STYLE)


# ── the terminal ────────────────────────────────────────────────────────────────────────────────────────────────


def summary(
    tally: Tally, title: str, files: Mapping[str, str], words: Words, style: Style, *, interrupted: bool
) -> str:
    """How the class did, in a few lines, and where the files are."""
    lines: list[Line] = []
    if title:
        lines += wrapped([(title, "title")], style.width)
    if interrupted:
        lines += wrapped([(words.say("grade.interrupted"), "warn")], style.width)
    lines += wrapped([(marked(tally, words), "")], style.width)
    lines += wrapped([(mean(tally, words), "")], style.width)
    if tally.states:
        lines += listed(states(tally, words), style.width)
    for said in met(tally, words):
        lines += wrapped([(said, "warn")], style.width)
    found = frequent(tally)[:FEW]
    if found:
        lines += [[], [(words.say("grade.mistakes"), "head")]]
        column = max(len(str(mistake.students)) for mistake in found)
        for mistake in found:
            before = [(f"  {mistake.students:>{column}} × ", "bad"), (f"{mistake.problem}:{mistake.address}  ", "name")]
            lines += wrapped([*before, (words.said(label(mistake.name)), "")], style.width, column + 5)
    lines += [[]]
    for key, file in files.items():
        said = words.say(f"grade.where_{key}", file=file, count=f"{tally.reviews:,}")
        lines += wrapped([(said, "warn" if key == "review" and tally.reviews else "dim")], style.width)
    return painted([[(plain(piece, style), part) for piece, part in line] for line in lines], style.colour)


def states(tally: Tally, words: Words) -> Iterator[Line]:
    """How many answers have each state."""
    for state, count in tally.met(tally.states):
        told = words.say("grade.count", state=state_word(state, words), count=f"{count:,}")
        yield [(told, PARTS.get(State(state), "") if state != FAILED else "warn")]


def met(tally: Tally, words: Words) -> Iterator[str]:
    """What was odd of the class as a whole: who handed in again, who did not, and who is not known."""
    if tally.replaced:
        yield words.say("grade.replaced_one" if tally.replaced == 1 else "grade.replaced", count=f"{tally.replaced:,}")
    for key, students in (("grade.missing", tally.missing), ("grade.strangers", tally.strangers)):
        if students:
            yield words.say(key, count=f"{len(students):,}")


def marked(tally: Tally, words: Words) -> str:
    """How many were marked."""
    key = {0: "grade.marked_none", 1: "grade.marked_one"}.get(tally.students, "grade.marked")
    said = words.say(key, students=f"{tally.students:,}")
    if not tally.unread:
        return said
    key = "grade.unread_one" if tally.unread == 1 else "grade.unread"
    return f"{said}; {words.say(key, count=f'{tally.unread:,}')}"


def mean(tally: Tally, words: Words) -> str:
    """The mean of the points, and between what they lie; of submissions without anything to review."""
    if tally.mean is None:
        return words.say("grade.mean_none") if tally.students else ""
    left = tally.students - tally.settled
    fields = {
        "mean": shown(round(tally.mean, 2)),
        "most": shown(tally.most),
        "share": percent(tally.mean, tally.most),
        "least": shown(tally.least),
        "highest": shown(tally.highest),
        "left": str(left),
    }
    return words.say("grade.mean_some" if left else "grade.mean", **fields)


def review(tally: Tally, words: Words) -> str:
    """How many answers are for review."""
    return words.say("grade.review_one" if tally.open == 1 else "grade.review", open=str(tally.open))


def counted(tally: Tally, counts: Mapping[str, int], words: Words) -> str:
    """How many answers have each state."""
    return ", ".join(
        words.say("grade.count", state=state_word(state, words), count=str(count)) for state, count in tally.met(counts)
    )


def share(part: float, whole: float) -> str:
    """A share in per cent."""
    return f"{percent(part, whole)} %"


def percent(part: float, whole: float) -> str:
    """A share in whole per cent; only all is 100, and only none 0."""
    if not whole:
        return "0"
    rounded = round(100 * part / whole)
    return str(min(max(rounded, 1 if part > 0 else 0), 99 if part < whole else rounded))


def state_word(state: str, words: Words) -> str:
    """A state, in a word or two."""
    return words.say(f"grade.state_{state}")
