"""`gradcli batch`: one formula over every row of a table."""

# Annotations are values here, not text: typer would compile each of them again on every run.

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from gradcli.batch import formats
from gradcli.batch.plan import Plan, plain
from gradcli.batch.run import AGGREGATES, ENGINES, PROVED, Count, run
from gradcli.batch.sources import source
from gradcli.cli import streams
from gradcli.cli.bar import Bar
from gradcli.cli.command import TableCommand, completing, one_of, seconds, uses, whole
from gradcli.cli.endings import told
from gradcli.cli.eval import names
from gradcli.cli.inputs import read_graph
from gradcli.cli.options import Definitions, Expression, FileName, Names, Settings, Share, ValueFiles
from gradcli.engines import exact
from gradcli.engines.formula import Formula, formula
from gradcli.errors import FileError, UsageError, brief
from gradcli.graph import Graph
from gradcli.tokens import CONSTANTS

HELP = """Evaluate a formula and its gradient for every row of a table.

\b
  gradcli batch "x^2*y" points.csv
  gradcli batch "sigmoid(w*x+b)" points.csv --w=0.5 --b=-1 --wrt w,b --aggregate mean

A column is bound to the variable of its name; --col x="unit price" binds another,
and --x=2 gives a variable one value for all rows. Without a file the table is read
from standard input. A row that has no result keeps its place: its cell in the
column error says why.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("batch", cls=TableCommand, rich_help_panel="pipelines", help=HELP)
def batch(
    ctx: typer.Context,
    expression: Expression = None,
    table: Annotated[
        str | None, typer.Argument(help="The table; standard input unless given.", metavar="[FILE]", show_default=False)
    ] = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    col: Annotated[
        list[str] | None,
        typer.Option("--col", help="Bind a variable to a column of another name. Repeatable.", metavar="NAME=COLUMN"),
    ] = None,
    wrt: Names = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the table's columns before the results.")] = False,
    prefix: Annotated[str, typer.Option(help="Begin the names of the result columns so.", metavar="TEXT")] = "",
    aggregate: Annotated[
        str | None,
        typer.Option(
            help="One row for all: the loss and its gradient over the data set.",
            metavar="|".join(AGGREGATES),
            autocompletion=completing(AGGREGATES),
        ),
    ] = None,
    verify: Annotated[
        int | None,
        typer.Option(
            help="Prove this many rows, drawn from all of them.",
            parser=whole("--verify", 1, PROVED),
            metavar="N",
            show_default=False,
        ),
    ] = None,
    verify_budget: Annotated[
        float | None,
        typer.Option(
            help="Seconds that the proofs may take; 5, and 1 for every 20 rows, unless given.",
            parser=seconds("--verify-budget"),
            metavar="SECONDS",
        ),
    ] = None,
    null: Annotated[bool, typer.Option("--null", help="Take an empty cell as missing, not as an error.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first row without a result.")] = False,
    header: Annotated[
        bool, typer.Option("--header/--no-header", help="Whether the first line names the columns.")
    ] = True,
    column_names: Annotated[
        str | None, typer.Option("--columns", help="The names of the columns, where no header has them.", metavar="x,y")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="The encoding of the table; UTF-8 unless given.", metavar="NAME")
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(
            help="The table's format; by its ending unless given, else csv.",
            metavar="|".join(formats.FORMATS),
            autocompletion=completing(formats.FORMATS),
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="The format of the results; by the ending of -o unless given, else csv.",
            metavar="|".join(formats.FORMATS),
            autocompletion=completing(formats.FORMATS),
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="What computes; by the number of rows unless given.",
            metavar="|".join(ENGINES),
            autocompletion=completing(ENGINES),
        ),
    ] = "auto",
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write a file.", metavar="FILE")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Read, compute and write, block by block; end with the exit status."""
    if ctx.obj.expressions == ("-",) and table in (None, "-"):
        raise UsageError(
            "the formula and the table cannot both be read from standard input",
            hint="name the table's file, or give the formula as an argument",
        )
    if output == "-":
        output = None
    if output is not None and Path(output).is_dir():
        raise FileError(f"{output}: a folder", hint="name a file in it, such as results.csv")
    graph, values = read_graph(
        ctx.obj,
        command="batch",
        options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
        file=file,
        settings=set_ or (),
        files=vars_ or (),
        defs=defs,
        share=share,
        tabled=columns(col or []),
    )
    for flag, word in (("--input-format", input_format), ("--format", format_)):
        if word is not None:
            one_of(flag, word, formats.FORMATS)
    one_of("--engine", engine, ENGINES)
    if aggregate is not None:
        one_of("--aggregate", aggregate, AGGREGATES)
        if keep:
            raise UsageError(
                "--aggregate makes one row of all, and --keep keeps every row's cells", hint="leave one out"
            )
    asked = names(wrt, "--wrt") if wrt is not None else None
    computed = formula(graph, fixed=values, wrt=asked)
    if computed.tensorial:
        exact.shaped(computed)
    plan = Plan(computed, fitting(columns(col or []), computed), keep=keep, prefix=prefix, null=null)
    taken, given = formats.of(table, input_format, "--input-format"), formats.of(output, format_, "--format")
    if engine == "spark":
        from gradcli.cli.beyond import on_spark
        from gradcli.reading.documents import read_text

        status = on_spark(
            plan,
            table,
            output,
            definitions=read_text(defs, streams.LARGEST) if defs is not None else "",
            share=share,
            forms=(taken, given),
            names=named(header, column_names),
            force=force,
            unasked={
                "--aggregate": aggregate is not None,
                "--verify": bool(verify),
                "--strict": strict,
                "--encoding": encoding is not None,
            },
        )
        raise typer.Exit(status)
    stream = source(table, encoding)
    ctx.call_on_close(stream.close)
    found = formats.reader(taken)(stream, taken, named(header, column_names))
    refuse_constants(graph, found.names, found.place)
    layout = plan.layout(found.names, found.place)
    places = plan.bound(found.names, found.place)
    count = Count(found.place, found.unit, strict=strict)
    total = sample = None
    if verify:
        from gradcli.batch.sampling import Sample

        sample = Sample(verify, plan, places, found.unit)
    if sample is not None:
        count.look = sample.took
    many = getattr(found, "many", None)  # of a format that tells
    done = stream.done if many is None else lambda: count.rows / max(many, 1)
    bar = Bar(lambda: count.rows, done, quiet=output is None and streams.terminal())
    with bar, target(output, force) as sink:
        written = formats.writer(given, layout, sink)
        if aggregate is not None:
            from gradcli.batch.aggregate import Aggregate

            total = Aggregate(aggregate, plan, written, count)
        run(found, plan, total or written, count, engine)
    raise typer.Exit(told(count, total, sample, verify_budget))


@contextmanager
def target(output: str | None, force: bool) -> Iterator[BinaryIO]:
    """Where the results go: a file, which is whole or is not there, or standard output.

    Errors: FileError.
    """
    if output is None:
        yield streams.Output()  # type: ignore[misc] # it can be written to, which is all
        return
    from gradcli.cli.marking import ending
    from gradcli.writing import opened

    with ending(), opened(output, force) as stream:
        yield stream.buffer  # type: ignore[attr-defined] # a file has one


def named(header: bool, words: str | None) -> list[str] | None:
    """The names of the columns where the table has no header; None where it has one.

    Errors: UsageError.
    """
    if header:
        if words is not None:
            raise UsageError("--columns names the columns of a table without a header", hint="add --no-header")
        return None
    if words is None:
        raise UsageError("without a header, the columns have no names", hint="such as --columns x,y")
    return [word.strip() for word in words.split(",")]


def columns(words: list[str]) -> dict[str, str]:
    """Which variable takes which column, from words such as x=unit price.

    Errors: UsageError.
    """
    from gradcli.cli.arguments import assignment

    found: dict[str, str] = {}
    for word in words:
        binding = assignment(word, "--col")
        if binding.name in found:
            raise UsageError(f"--col gives '{brief(binding.name)}' two columns", hint="keep one of them")
        found[binding.name] = binding.text
    return found


def fitting(bound: dict[str, str], formula: Formula) -> dict[str, str]:
    """The same, if every name is that of a variable without a value.

    Errors: UsageError.
    """
    for name, column in bound.items():
        if name in formula.fixed:
            raise UsageError(f"{name} has a value, and --col gives it a column", hint="keep one of the two")
        if name not in formula.graph.inputs:
            from difflib import get_close_matches

            near = get_close_matches(name, list(formula.variables), 1) or list(formula.variables)[:1]
            raise UsageError(
                f"the expression has no variable '{brief(name)}'",
                source=f"--col {name}={column}",
                span=(6, 6 + len(name)),
                hint=f'did you mean --col {near[0]}="{brief(column)}"?' if near else "it has none at all",
            )
    return bound


def refuse_constants(graph: Graph, header: Sequence[str], place: str) -> None:
    """Guess nothing where a constant of the formula bears the name of a column.

    Errors: UsageError.
    """
    for name, value in CONSTANTS.items():
        if name in map(plain, header) and name not in graph.inputs and uses(graph.source, name):
            raise UsageError(
                f"{place} has a column '{name}', and in the formula {name} is the constant {value!r}",
                hint=f"--col {name}={name} takes the column, --{name}={value!r} the constant",
            )
