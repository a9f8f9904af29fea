"""`gradcli plot`: functions and their derivatives, in the terminal, as a picture, or as points."""

# Annotations are values here, not text: typer would compile each of them again on every run.

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    from gradcli.plotting.axes import Axis
    from gradcli.plotting.curves import Curve
    from gradcli.plotting.fields import Field
    from gradcli.plotting.sampling import Function

    Drawn = list[Curve] | Field

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

DRAWS = {"terminal": "plotille", **dict.fromkeys(PICTURES, "matplotlib")}
WHAT = {"terminal": "a plot in the terminal", **dict.fromkeys(PICTURES, "a picture")}
"""The package that draws, and what it draws."""

LONGEST = 100
"""Characters of what a package that does not load says of it."""

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
    points = at or ()
    if points and (len(plotted.axes) > 1 or form in ("csv", "plain")):
        why = "two ranges make a plane" if len(plotted.axes) > 1 else f"{form} has no place for it"
        raise UsageError(f"--at draws the tangent of a curve, and {why}", hint="leave it out")
    listing = form in (*POINTS, "plain")
    drawn = (
        traced(plotted, points, listing=listing)
        if len(plotted.axes) == 1
        else sampled(plotted, form, style, derivative)
    )
    seen = defined(drawn, everything=listing)
    if seen is not None and output is None:
        with loading(form):
            drawing = text(seen, form, style, derivative)
        streams.put(drawing)
    elif seen is not None and output is not None:
        write(output, form, seen, style, force, derivative)
    raise typer.Exit(told(plotted, drawn, style))


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
        from gradcli.writing import check_target

        check_target(output, force)
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

    package = DRAWS.get(kind)
    if package is not None and find_spec(package) is None:
        raise UsageError(f"{WHAT[kind]} is drawn by {package}, which is not installed: {MISSING}")


@contextmanager
def loading(kind: str) -> Iterator[None]:
    """What draws this is loaded within; a package that is there and cannot be loaded is as good as none.

    Errors: UsageError with the command that installs it.
    """
    try:
        yield
    except ImportError as error:
        if kind not in DRAWS:
            raise
        why = brief(" ".join(str(error).split()), LONGEST) or type(error).__name__
        raise UsageError(f"{WHAT[kind]} is drawn by {DRAWS[kind]}, which does not load ({why}): {MISSING}") from None


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


def sampled(plotted: "Plotted", kind: str, style: Style, derivative: bool) -> "Field":
    """The plane, on as many points as what is made of it needs."""
    from gradcli.cli.progress import Waiting
    from gradcli.plotting.fields import FINE, field
    from gradcli.render.plot_field import counts

    ((name, function),) = plotted.functions
    seen = counts(style, derivative=derivative)
    wanted = seen if kind == "terminal" else (FINE, FINE) if kind in PICTURES else None
    with Waiting("sampling") as waiting:
        function.watch = waiting.step
        return field(name, function, (plotted.axes[0], plotted.axes[1]), wanted)


def defined(drawn: "Drawn", *, everything: bool) -> "Drawn | None":
    """What there is to be seen of it, or all of it if there is something; None for nothing."""
    if not isinstance(drawn, list):
        return drawn if drawn.defined else None
    seen = [curve for curve in drawn if curve.defined]
    return (drawn if everything else seen) if seen else None


def told(plotted: "Plotted", drawn: "Drawn", style: Style) -> Status:
    """Say on standard error where functions are not defined; the exit status.

    A gap is a note. A function without any value is an error, and so is a tangent where there is no value or slope.
    """
    from gradcli.render.plot_words import field_notes, notes

    found: list[tuple[bool, list[str], bool]]  # is there a value, what is to be noted, are there all tangents
    if isinstance(drawn, list):
        found = [(each.defined, list(notes(each, style)), all(one.exists for one in each.tangents)) for each in drawn]
    else:
        found = [(drawn.defined, list(field_notes(drawn, style)), True)]
    statuses = []
    for (name, function), (seen, noted, sound) in zip(plotted.functions, found, strict=True):
        if seen:
            streams.tell_each("note", [f"{brief(name)} is {said}" for said in noted])
        else:
            streams.tell(nowhere(name, function, plotted.axes).block())
        statuses.append(Status.FINE if seen and sound else Status.UNDEFINED)
    return worst(statuses)


def nowhere(name: str, function: "Function", axes: "Sequence[Axis]") -> GradcliError:
    """The error about a function that has no finite value here, with what went wrong in the middle."""
    from gradcli.trouble import find_trouble

    trouble = find_trouble(function.gradients(*(axis.low + axis.width / 2 for axis in axes)))
    return UsageError(
        f"{brief(name)} has no finite value in this range" + (f": {trouble.cause}" if trouble else ""),
        hint=(trouble.advice or None) if trouble else None,
    )


def text(drawn: "Drawn", kind: str, style: Style, derivative: bool) -> str:
    """What is printed, or written as text."""
    from gradcli.render import plot_field, plot_points, plot_terminal

    machine = {"csv": plot_points.csv_text, "plain": plot_points.plain_text, "json": plot_points.json_text}
    if kind in machine:
        return machine[kind](drawn, derivative=derivative)
    if not streams.holds(sys.stdout, plot_terminal.DRAWN if isinstance(drawn, list) else plot_field.DRAWN):
        style = style._replace(ascii=True)
    if isinstance(drawn, list):
        return plot_terminal.render(drawn, style, derivative=derivative)
    return plot_field.render(drawn, style, derivative=derivative)


def write(path: str, kind: str, drawn: "Drawn", style: Style, force: bool, derivative: bool) -> None:
    """Write the file; it gets its name when all of it is there.

    Errors: FileError.
    """
    from gradcli import writing

    if kind in POINTS:
        content: str | bytes = text(drawn, kind, style, derivative)
    else:
        from gradcli.cli.progress import Waiting
        from gradcli.render import plot_picture

        with Waiting("drawing"), loading(kind):
            content = plot_picture.render(drawn, kind, style, derivative=derivative)
    writing.write(path, content, force)
