"""`gradcli worksheet`: exercises to be filled in, a sheet for each student of a class, and the key apart."""

# Annotations are values here, not text: typer would compile each of them again on every run.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradcli.cli import streams
from gradcli.cli.assignments import is_file, read_assignment, stem
from gradcli.cli.command import ExpressionCommand, completing, one_of
from gradcli.cli.handouts import FORMATS, Wishes, documents, keyed, write
from gradcli.cli.languages import Language, language
from gradcli.cli.options import Settings
from gradcli.errors import Status, UsageError

if TYPE_CHECKING:
    from gradcli.cli.arguments import Arguments
    from gradcli.homework.files.assignment import Assignment

HELP = """Print worksheets: the graph as a table, with cells left to be filled in.

\b
  gradcli worksheet "(x+y)*z" --x=-2 --y=5 --z=-4
  gradcli worksheet "sigmoid(w*x+b)" --student ann --blank local,grad --format html

One sheet is printed, for --student ID or for nobody in particular; what has no
value is drawn. --key prints the answers instead.

With an assignment's file and a roster (a CSV with the columns id and name), as in
gradcli worksheet hw4.toml --roster ids.csv --format html --key, each student gets a
sheet, whose values are drawn from the assignment's seed and the id, and a CSV to be
filled in on a computer. gradcli grade works out the same values again from the same
file. The key goes to a folder of its own.

The cells that the assignment names are asked for; --blank says which of the others
are left out, too: --blank grad prints forward values, local, upstream and downstream
gradients, as far as they give no answer away.
"""

WARNED = 8
"""Cells without a number that are told one by one."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class WorksheetCommand(ExpressionCommand):
    """A command that takes an assignment, or an expression with its values."""

    def admit(self, arguments: "Arguments", options: Any) -> None:
        """Refuse an option that bears the name of one of the expression's variables."""
        if not (arguments.expressions and is_file(arguments.expressions[0])):
            super().admit(arguments, options)


@app.command("worksheet", cls=WorksheetCommand, rich_help_panel="homework", help=HELP)
def worksheet(
    ctx: typer.Context,
    assignment: Annotated[
        str | None, typer.Argument(help="An assignment's file; or a formula, with its values.", show_default=False)
    ] = None,
    roster: Annotated[
        str | None, typer.Option(help="A CSV of the class: id,name. Each student gets a sheet.", metavar="FILE")
    ] = None,
    student: Annotated[
        str | None, typer.Option(help="The id of the one student whose sheet is printed.", metavar="ID")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="The folder to write to; hw4-sheets for hw4.toml.", metavar="DIR"),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="html prints best; markdown can be filled in and handed in as it is.",
            metavar="|".join(FORMATS),
            autocompletion=completing(FORMATS),
        ),
    ] = "markdown",
    blank: Annotated[
        str | None,
        typer.Option(
            help="What is not printed: value, local, upstream, down, grad; all of them unless given.", metavar="KINDS"
        ),
    ] = None,
    lang: Language = None,
    one_file: Annotated[bool, typer.Option("--one-file", help="All sheets in one file, a page each.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    key: Annotated[
        bool, typer.Option("--key", help="Write the key too, apart from the sheets; of one sheet, print it instead.")
    ] = False,
    encoding: Annotated[
        str | None, typer.Option(help="Of files that are neither UTF-8 nor UTF-16, such as cp949.", metavar="NAME")
    ] = None,
    set_: Settings = None,
) -> None:
    """Print one sheet, or write those of a class."""
    from gradcli.homework.sheets.blanks import KINDS
    from gradcli.homework.sheets.worksheets import Press, undefined
    from gradcli.words import Words

    one_of("--format", format_, tuple(FORMATS))
    left_out = KINDS if blank is None else kinds(blank)
    if roster is not None and student is not None:
        raise UsageError("--roster and --student contradict each other", hint="a roster has all of its students")
    language(lang)  # a misspelt one is told before files are read
    options = ctx.command.declared(ctx)  # type: ignore[attr-defined]
    wanted = read_assignment(ctx.obj, "worksheet", settings=set_ or (), encoding=encoding, options=options)
    whole = not wanted.place and (roster is None or blank is not None)  # grade asks for what the formula stands for
    press = Press(wanted, left_out, whole=whole)
    words = Words(language(lang, wanted.lang))
    folder = Path(output if output is not None else f"{stem(str(assignment))}-sheets")
    wishes = Wishes(format_, words, folder, one_file, force, key)
    if roster is not None:
        from gradcli.homework.files.roster import read_roster

        students = [(each.id, each.name) for each in read_roster(roster, encoding)]
        written, without = write(press, students, wishes)
        streams.put("\n".join(written))
        warn(without)
        return
    refuse_alone({"--one-file": one_file, "--force": force and output is None})
    sheet = press.sheet(whose(wanted, student))
    if output is None:
        streams.put_all(keyed([sheet], wanted.title, words) if key else documents(format_, [sheet], words))
        warn(list(undefined(sheet)))
        return
    written, without = write(press, [(sheet.student, "")], wishes)
    streams.put("\n".join(written))
    warn(without)


def kinds(text: str) -> tuple[str, ...]:
    """The kinds of cells that `--blank` names.

    Errors: UsageError.
    """
    from gradcli.homework.sheets.blanks import KINDS

    return tuple(one_of("--blank", word.strip(), KINDS) for word in text.split(","))


def whose(wanted: "Assignment", student: str | None) -> str:
    """Whose sheet is printed where there is no roster.

    Errors: UsageError where it matters and is not said.
    """
    from gradcli.homework.files.assignment import identified

    if student is not None:
        if not identified(student):
            raise UsageError("--student has no id", hint="such as --student 2024-001")
        return identified(student)
    drawn = next((problem for problem in wanted.problems if problem.draw), None)
    if drawn is not None and wanted.place:
        raise UsageError(
            f"whose sheet? the values of problem {drawn.id} are drawn for each student",
            hint="--roster ids.csv for the sheets of a class, --student ID for one",
        )
    return ""


def warn(without: list[str]) -> None:
    """Say which cells that are asked for have no number, and end with the status that says so."""
    if without:
        told = [f"{each}: no answer to it is right" for each in without[:WARNED]]
        more = len(without) - WARNED
        streams.tell_each("warning", [*told, *([f"{more:,} more cells have no number"] if more > 0 else [])])
        raise typer.Exit(Status.UNDEFINED)


def refuse_alone(given: dict[str, bool]) -> None:
    """Refuse options of a class, where one sheet is printed.

    Errors: UsageError.
    """
    for flag, wished in given.items():
        if wished:
            raise UsageError(f"{flag} needs a roster", hint="--roster ids.csv")
