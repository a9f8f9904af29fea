"""`gradcli grade`: mark the answers of a class by an assignment."""

# Annotations are values here, not text: typer would compile each of them again on every run.

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from gradcli.cli import streams
from gradcli.cli.arguments import Arguments, Option
from gradcli.cli.assignments import is_file, read_assignment, stem
from gradcli.cli.command import ExpressionCommand, completing, one_of, whole, worst
from gradcli.cli.languages import Language, language
from gradcli.cli.marking import MOST_JOBS, cores, progress, stopping
from gradcli.cli.options import CountedDecimals, CountedDigits, Settings
from gradcli.errors import FileError, GradcliError, Status, UsageError

if TYPE_CHECKING:
    from gradcli.homework.files.roster import Student
    from gradcli.homework.files.submissions import Submission
    from gradcli.homework.marking.marks import Book
    from gradcli.homework.marking.tally import Tally
    from gradcli.words import Words

HELP = """Mark the answers of a class by an assignment: points, feedback, a report.

\b
  gradcli grade hw4.toml answers/
  gradcli grade hw4.toml class.csv -o marks --format moodle --lang ko

ANSWERS are a file a student (TOML, JSON, CSV, npz, a filled worksheet), folders
of such files, or one wide CSV for the class: id,name,1:value,1:dq,2:dx.

It writes marks.csv, review.csv with what a person has to look at, feedback/ID.md
for each student, and class.md for the teacher.

A right number earns all points of its cell, also with steps rounded on the way.
A number that follows correctly from an earlier wrong one, and one with too few
digits, earn the share that `carry` sets in the assignment; nothing where the
wrong number left nothing to work out. What cannot be read, or not be decided, is
never a silent 0: it has no points yet, and is listed in review.csv.

Exit status: 0 when all were marked, whatever the marks; 4 when some could not be
read, 5 when a formula could not be decided. The rest is marked all the same.
After Ctrl-C (130) the files hold what was marked until then.
"""

FORMATS = ("csv", "moodle", "gradescope")

IDS = ("column", "filename")

WARNED = 8
"""Students who are not on the roster that are told one by one."""

AT_KINK = ("interval", "strict")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class GradeCommand(ExpressionCommand):
    """A command that takes an assignment, or an expression with its values, and then files."""

    what = "assignment"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sort the words: of those without dashes the first is the assignment, the others are files."""
        options = self.declared(ctx)
        try:
            arguments = Arguments.scan(args, options, str(self.name))
            self.admit(arguments._replace(expressions=arguments.expressions[:1]), options)
        except GradcliError:
            if ctx.resilient_parsing:  # a shell is completing a half-written line
                return TyperCommand.parse_args(self, ctx, [])
            raise
        ctx.obj = arguments
        return TyperCommand.parse_args(self, ctx, [*arguments.options, "--", *arguments.expressions])

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """Refuse an option that bears the name of one of the expression's variables."""
        if not (arguments.expressions and is_file(arguments.expressions[0])):
            super().admit(arguments, options)


@app.command("grade", cls=GradeCommand, rich_help_panel="homework", help=HELP)
def grade(
    ctx: typer.Context,
    assignment: Annotated[
        str | None, typer.Argument(help="An assignment's file; or a formula, with its values.", show_default=False)
    ] = None,
    answers: Annotated[
        list[str] | None, typer.Argument(help="Files and folders of answers; - is standard input.", show_default=False)
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="The folder to write to; hw4-marks for hw4.toml.", metavar="DIR"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="Also write what Moodle imports (moodle.csv), or Gradescope (gradescope/ID/results.json).",
            metavar="|".join(FORMATS),
            autocompletion=completing(FORMATS),
        ),
    ] = "csv",
    roster: Annotated[
        str | None,
        typer.Option(help="A CSV of the class, id,name,email: who has not submitted is listed.", metavar="FILE"),
    ] = None,
    show_answer: Annotated[
        bool, typer.Option("--show-answer", help="Tell students the right numbers in their feedback.")
    ] = False,
    id_from: Annotated[
        str,
        typer.Option(
            help="Where a student's id stands: in the file, or in its name.",
            metavar="|".join(IDS),
            autocompletion=completing(IDS),
        ),
    ] = "column",
    encoding: Annotated[
        str | None, typer.Option(help="Of files that are neither UTF-8 nor UTF-16, such as cp949.", metavar="NAME")
    ] = None,
    lang: Language = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Processes that mark; one a core unless given.",
            parser=whole("--jobs", 1, MOST_JOBS),
            metavar="N",
            show_default=False,
        ),
    ] = None,
    decimals: CountedDecimals = None,
    sig: CountedDigits = None,
    at_kink: Annotated[
        str | None,
        typer.Option(
            help="At a kink: any value between the one-sided derivatives (interval), or the convention's (strict).",
            metavar="|".join(AT_KINK),
            autocompletion=completing(AT_KINK),
        ),
    ] = None,
    set_: Settings = None,
) -> None:
    """Mark, write, tell how the class did, and end with the exit status."""
    from gradcli.cli.check import ruled
    from gradcli.homework.files import submissions
    from gradcli.homework.files.roster import read_roster
    from gradcli.homework.marking.marks import Book
    from gradcli.homework.marking.tally import Tally
    from gradcli.homework.marking.workers import Work, mark_class
    from gradcli.render.class_report import page, summary
    from gradcli.render.feedback import answered
    from gradcli.words import Words

    gc.enable()  # a short run does without; a class is none
    one_of("--format", format_, FORMATS)
    one_of("--id-from", id_from, IDS)
    if decimals is not None and sig is not None:
        raise UsageError("--decimals and --sig contradict each other", hint="keep one of them")
    wishes: dict[str, Any] = {"decimals": decimals, "sig": sig}
    wishes["at_kink"] = None if at_kink is None else one_of("--at-kink", at_kink, AT_KINK)
    language(lang)  # a misspelt one is told before files are read
    options = ctx.command.declared(ctx)  # type: ignore[attr-defined]
    wanted = read_assignment(ctx.obj, "grade", settings=set_ or (), encoding=encoding, options=options)
    words = Words(language(lang, wanted.lang))
    if not answers:
        raise UsageError("the answers are missing", hint="name their files or folders: gradcli grade hw4.toml answers/")
    refuse_missing(answers)
    students = None if roster is None else read_roster(roster, encoding)
    folder = Path(output if output is not None else f"{stem(str(assignment))}-marks")
    cells = {problem.id: tuple(problem.cells) for problem in wanted.problems}
    emails = {student.id: student.email for student in students or ()}
    book = Book(folder, cells, words, title=wanted.title, form=format_, force=force, emails=emails)
    write = partial(answered, title=wanted.title, language=words.language, show_answer=show_answer)
    work = Work(wanted, ruled(wanted.rules, wishes), prove=False, write=write)
    tally = Tally()
    own = [folder, *(Path(each) for each in (assignment, roster) if each is not None)]
    found = submissions.read(others(answers, own), wanted, id_from=id_from, encoding=encoding, note=note)
    found = named(found, {student.id: student.name for student in students or ()})
    with stopping() as stopped, book:
        with progress(answers) as advance:
            for marked, feedback in mark_class(work, found, jobs=jobs or cores(), stopped=stopped):
                book.add(marked, feedback)
                tally.add(marked)
                advance()
        if not tally.students:
            raise typer.Exit(Status.INTERRUPTED) if stopped() else nothing_marked(tally, words)
        if not stopped():
            enrol(tally, book, students)
        book.close(page(tally, wanted.title, words, interrupted=stopped()))
    if book.stale:
        note(f"{folder / 'feedback'} has {book.stale} more files of an earlier run")
    streams.tell_each("warning", [*unread(tally, words), *unanswered(tally), *unlisted(tally, words)])
    streams.put(summary(tally, wanted.title, book.files, words, streams.style(), interrupted=stopped()))
    raise typer.Exit(Status.INTERRUPTED if stopped() else status(tally))


def refuse_missing(paths: Sequence[str]) -> None:
    """A path that does not exist is mistyped: told before anything is marked.

    Errors: FileError.
    """
    for path in paths:
        if path != "-" and not os.path.lexists(path):
            raise FileError(f"{path}: there is no such file or folder", hint="is the path right?")


def others(paths: Sequence[str], own: Sequence[Path]) -> Iterator[str]:
    """The files in paths, but for those that are the command's own: `gradcli grade hw4.toml .`"""
    from gradcli.homework.files.folders import listed

    kept = {path.resolve() for path in own if is_file(str(path))}
    yield from (path for path, _ in listed(paths, note, kept))


def note(said: str) -> None:
    """Tell what is ignored, beside the progress."""
    streams.tell_each("note", [said])


def named(found: "Iterator[Submission]", names: Mapping[str, str]) -> "Iterator[Submission]":
    """Submissions with the names that the roster has, where they have none."""
    for submission in found:
        name = submission.name or names.get(submission.student, "")
        yield submission._replace(name=name)


def enrol(tally: "Tally", book: "Book", students: "Sequence[Student] | None") -> None:
    """Compare with the roster, where there is one, and list who does not stand in both."""
    from gradcli.words import Said

    if students is None:
        return
    tally.enrol(students)
    for student in tally.missing:
        book.review(student.id, student.name, Said("grade.why_missing"))
    for student, near in tally.guesses:
        perhaps = Said("grade.stranger_near", {"student": student.id, "near": near.id if near else ""})
        book.review(student.id, student.name, perhaps if near else Said("grade.why_stranger"))


def nothing_marked(tally: "Tally", words: "Words") -> FileError:
    """The error where no submission could be read; then no file is written."""
    from gradcli.errors import FaultyFile

    faults = [FileError(said) for said in unread(tally, words)]
    if not faults:
        return FileError("there is no submission in these files", hint="a row for each student follows the heading")
    return faults[0] if len(faults) == 1 else FaultyFile("the answers", faults)


def unread(tally: "Tally", words: "Words") -> list[str]:
    """Why submissions could not be read."""
    return [words.said(said) for said in tally.faults]


def unanswered(tally: "Tally") -> list[str]:
    """What nobody of several has answered: mostly a column of another name."""
    blank = [f"{each.problem}:{each.address}" for each in tally.questions.values() if each.unanswered]
    if tally.students < 2 or not blank:
        return []
    shown = ", ".join(blank[:8]) + (f" and {len(blank) - 8} more" if len(blank) > 8 else "")
    return [f"nobody has answered {shown}: is a column missing, or called otherwise?"]


def unlisted(tally: "Tally", words: "Words") -> list[str]:
    """Who is not on the roster, and whom it may be: their values may have been drawn for another id."""
    guesses = tally.guesses
    told = [
        words.say("grade.stranger_near", student=one.id, near=near.id)
        if near
        else words.say("grade.stranger_far", student=one.id)
        for one, near in sorted(guesses, key=lambda guess: guess[1] is None)[:WARNED]
    ]
    more = [words.say("grade.more", count=str(len(guesses) - WARNED))] if len(guesses) > WARNED else []
    return [*told, *more]


def status(tally: "Tally") -> Status:
    """The exit status of a class that was marked to its end."""
    from gradcli.homework.marking.grading import FAILED
    from gradcli.homework.records import State

    unread = tally.unread or tally.states[State.UNREADABLE] or tally.states[FAILED]
    undecided = tally.states[State.UNDECIDED]
    return worst([Status.FILE if unread else Status.FINE, Status.LIMIT if undecided else Status.FINE])
