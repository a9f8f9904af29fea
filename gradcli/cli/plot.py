"""`gradcli plot`: functions and their derivatives, in the terminal, as a picture, or as points."""

# Annotations are values here, not text: typer would compile each of them again on every run.

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gradcli.cli import streams
from gradcli.cli.command import SeveralCommand, completing, one_of, worst
from gradcli.cli.options import Decimals, Definitions, Digits, FileName, Settings, ValueFiles
from gradcli.errors import GradcliError, Status, UsageError, brief
from gradcli.render.figures import Style

if TYPE_CHECKING:
    from gradcli.cli.plotted import Plotted
    from gradcli.plotting.curves import Curve
    from gradcli.plotting.fields import Field

HELP = """Plot functions and their derivatives: see where the gradient vanishes.

\b
  gradcli plot sigmoid tanh relu
  gradcli plot "w*x^3-x" --w=2 --x=-1.5:1.5 --at 1

--x=-6:6 makes x the axis; a third number, --x=-6:6:0.5, is the step of the points
that --format csv prints. Every other variable has a value, as in gradcli eval. A
second range, --y=-3:3, draws contours and the gradient field. The name of a
function alone means that function of the axis.
"""

FORMATS = ("terminal", "csv", "plain", "json")
"""What standard output can get."""

PICTURES, POINTS = ("png", "svg", "pdf"), ("csv", "json")
"""Endings of files: drawn by matplotlib, or points."""

MISSING = 'pip install "gradcli[plot]"'
"""How the packages that draw are installed."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("plot", cls=SeveralCommand, rich_help_panel="look", help=HELP)
def plot(
    ctx: typer.Context,
    expressions: Annotated[
        list[str] | None,
        typer.Argument(help="Formulas, or names of functions; - reads one from standard input.", show_default=False),
    ] = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", help="Draw the tangent here, and say its slope. Repeatable.", metavar="VALUE"),
    ] = None,
    derivative: Annotated[
        bool, typer.Option("--derivative/--no-derivative", help="Whether to plot the derivatives too.")
    ] = True,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Write a file: .png, .svg, .pdf, .csv or .json.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="How to print; terminal unless given.",
            metavar="|".join(FORMATS),
            autocompletion=completing(FORMATS),
        ),
    ] = None,
    decimals: Decimals = None,
    sig: Digits = None,
) -> None:
    """Read, sample, draw, and end with the exit status."""
    form = settle(format_, output, force, decimals, sig)
    from gradcli.cli.plotted import read_plot

    plotted = read_plot(
        ctx.obj,
        options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
        file=file,
        settings=set_ or (),
        files=vars_ or (),
        defs=defs,
    )
    style = streams.style(decimals=decimals, sig=sig)
    if len(plotted.axes) > 1:
        if at:
            raise UsageError("--at draws the tangent of a curve, and two ranges make a plane", hint="leave it out")
        field = sampled(plotted, form, style)
        status = told(field, style)
    else:
        curves = traced(plotted, at or (), listing=form in (*POINTS, "plain"))
        status = told(curves, style)
        field = None
    drawn = curves if field is None else field
    if status is not Status.UNDEFINED or any_defined(drawn):
        if output is None:
            streams.put(text(drawn, form, style, derivative))
        else:
            write(output, form, drawn, style, force, derivative)
    raise typer.Exit(status)


def settle(form: str | None, output: str | None, force: bool, decimals: int | None, sig: int | None) -> str:
    """What is made: one of FORMATS, or the kind of the file.

    Errors: UsageError for options that contradict each other, and for an unknown kind; for what is not installed.
    """
    if form is not None:
        one_of("--format", form, FORMATS)
    if form is not None and output is not None:
        raise UsageError(f"--format {form} prints, and -o {brief(output)} writes a file", hint="keep one of them")
    if force and output is None:
        raise UsageError("--force is about a file, and none is written", hint="name it: -o plot.png")
    if decimals is not None and sig is not None:
        raise UsageError("--decimals and --sig contradict each other", hint="keep one of them")
    kind = form or FORMATS[0]
    if output is not None:
        kind = Path(output).suffix.lower().removeprefix(".")
        if kind not in (*PICTURES, *POINTS):
            known = ", ".join(f".{each}" for each in (*PICTURES, *POINTS))
            raise UsageError(f"the kind of file is not known: '{brief(output)}'", hint=f"its name ends in {known}")
        from gradcli.homework.writing import refuse_existing

        refuse_existing([output], force)
    if (decimals is not None or sig is not None) and kind in (*POINTS, "plain"):
        raise UsageError(
            f"{'--decimals' if sig is None else '--sig'} rounds, and {kind} never does", hint="leave it out"
        )
    require(kind)
    return kind


def require(kind: str) -> None:
    """Whether the package that draws this is there.

    Errors: UsageError with the command that installs it.
    """
    from importlib.util import find_spec

    package = {"terminal": "plotille", **dict.fromkeys(PICTURES, "matplotlib")}.get(kind)
    if package is not None and find_spec(package) is None:
        what = "a plot in the terminal" if kind == "terminal" else "a picture"
        raise UsageError(f"{what} is drawn by {package}, which is not installed: {MISSING}")


def traced(plotted: "Plotted", at: Sequence[str], *, listing: bool) -> "list[Curve]":
    """The curves, with progress where they take their time."""
    from gradcli.cli.plotted import read_points
    from gradcli.cli.progress import Waiting
    from gradcli.plotting.curves import curve

    (axis,) = plotted.axes
    points = read_points(at, axis)
    with Waiting("sampling") as waiting:
        for _, function in plotted.functions:
            function.watch = waiting.step
        return [curve(name, function, axis, points, listing=listing) for name, function in plotted.functions]


def sampled(plotted: "Plotted", kind: str, style: Style) -> "Field":
    """The plane, on as many points as what is made of it needs."""
    from gradcli.cli.progress import Waiting
    from gradcli.plotting.fields import FINE, field
    from gradcli.render.plot_field import counts

    ((name, function),) = plotted.functions
    wanted = counts(style) if kind == "terminal" else (FINE, FINE) if kind in PICTURES else None
    with Waiting("sampling") as waiting:
        function.watch = waiting.step
        return field(name, function, (plotted.axes[0], plotted.axes[1]), wanted)


def any_defined(drawn: "Sequence[Curve] | Field") -> bool:
    """Whether there is anything to be seen."""
    return any(curve.defined for curve in drawn) if isinstance(drawn, list) else drawn.defined  # type: ignore[union-attr]


def told(drawn: "Sequence[Curve] | Field", style: Style) -> Status:
    """Say on standard error where functions are not defined; the exit status.

    A gap is a note. A function without any value, and a tangent where there is no value or slope, are errors.
    """
    from gradcli.plotting.fields import Field
    from gradcli.render.plot_words import field_gaps, gaps

    if isinstance(drawn, Field):
        notes = [f"{brief(drawn.name)} is {said}" for said in field_gaps(drawn, style)] if drawn.defined else []
        streams.tell_each("note", notes)
        if not drawn.defined:
            streams.tell(nowhere(drawn.name).block())
        return Status.FINE if drawn.defined else Status.UNDEFINED
    statuses = []
    for curve in drawn:
        if not curve.defined:
            streams.tell(nowhere(curve.name).block())
            statuses.append(Status.UNDEFINED)
            continue
        streams.tell_each("note", [f"{brief(curve.name)} is {said}" for said in gaps(curve, style)])
        if not curve.searched:
            streams.tell_each("note", [f"{brief(curve.name)}: the graph is too large to look for kinks between points"])
        if any(not each.exists for each in curve.tangents):
            statuses.append(Status.UNDEFINED)
    return worst(statuses)


def nowhere(name: str) -> GradcliError:
    """The error about a function that has no finite value anywhere here."""
    return UsageError(f"{brief(name)} has no finite value in this range", hint="gradcli eval at one point tells why")


def text(drawn: "Sequence[Curve] | Field", kind: str, style: Style, derivative: bool) -> str:
    """What is printed, or written as text."""
    from gradcli.plotting.fields import Field
    from gradcli.render import plot_points

    if kind != "terminal":
        return {"csv": plot_points.csv_text, "plain": plot_points.plain_text, "json": plot_points.json_text}[kind](
            drawn, derivative=derivative
        )
    from gradcli.render import plot_field, plot_terminal

    signs = plot_field.DRAWN if isinstance(drawn, Field) else plot_terminal.DRAWN
    import sys

    if not streams.holds(sys.stdout, signs):
        style = style._replace(ascii=True)
    if isinstance(drawn, Field):
        return plot_field.render(drawn, style, derivative=derivative)
    seen = [curve for curve in drawn if curve.defined]
    return plot_terminal.render(seen, style, derivative=derivative)


def write(path: str, kind: str, drawn: "Sequence[Curve] | Field", style: Style, force: bool, derivative: bool) -> None:
    """Write the file; it gets its name when all of it is there.

    Errors: FileError.
    """
    from gradcli.homework import writing

    if kind in POINTS:
        content: str | bytes = text(drawn, kind, style, derivative)
    else:
        from gradcli.cli.progress import Waiting
        from gradcli.render import plot_picture

        seen = [curve for curve in drawn if curve.defined] if isinstance(drawn, list) else drawn
        with Waiting("drawing"):
            content = plot_picture.render(seen, kind, style, derivative=derivative)
    writing.write(path, content, force)
