"""`gradcli explain`: the solution, as a good teacher writes it."""

# Annotations are values here, not text: typer would compile each of them again on every run.

from typing import Annotated

import typer

from gradcli.cli import streams
from gradcli.cli.checks import Checks, wanted
from gradcli.cli.command import ExpressionCommand, completing, one_of, whole
from gradcli.cli.eval import judge, names
from gradcli.cli.inputs import both_passes, read_graph, read_upstream
from gradcli.cli.languages import Language, language
from gradcli.cli.options import (
    Budget,
    Decimals,
    Definitions,
    Digits,
    Expression,
    FileName,
    Settings,
    Share,
    Unverified,
    Upstream,
    ValueFiles,
    Verify,
)
from gradcli.cli.progress import Waiting
from gradcli.errors import UsageError
from gradcli.report import build
from gradcli.steps import STYLES
from gradcli.words import Words

HELP = """Explain a solution step by step: forward line by line, then backward.

\b
  gradcli explain "(x+y)*z" --x=-2 --y=5 --z=-4
  gradcli explain "1/(1+exp(-w*x))" --w=2 --x=0.5 --decimals 2 --style cs231n

Each line goes from the rule in symbols to the numbers put in to the result. Values
are given as to gradcli eval.
"""

FORMATS = ("text", "markdown", "latex")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("explain", cls=ExpressionCommand, rich_help_panel="look", help=HELP)
def explain(
    ctx: typer.Context,
    expression: Expression = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    upstream: Upstream = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="Only what leads to these variables.", metavar="NAMES")
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(help="This step alone.", parser=whole("--step", 1, 999_999_999), metavar="N", show_default=False),
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            help="How a step is written: ∂f/∂n · ∂n/∂x, [local] × [upstream], or the whole chain from the output.",
            metavar="|".join(STYLES),
            autocompletion=completing(STYLES),
        ),
    ] = STYLES[0],
    format_: Annotated[
        str,
        typer.Option("--format", help="How to print.", metavar="|".join(FORMATS), autocompletion=completing(FORMATS)),
    ] = FORMATS[0],
    lang: Language = None,
    decimals: Decimals = None,
    sig: Digits = None,
    full: Annotated[bool, typer.Option("--full", help="Every line, however many.")] = False,
    verify: Verify = None,
    no_verify: Unverified = False,
    verify_budget: Budget = None,
) -> None:
    """Print the solution, check it, and end with the exit status."""
    one_of("--format", format_, FORMATS)
    way = one_of("--style", style, STYLES)
    words = Words(language(lang))
    if decimals is not None and sig is not None:
        raise UsageError("--decimals and --sig contradict each other", hint="keep one of them")
    from gradcli.render import explain as solutions

    with Checks(wanted(verify, no_verify=no_verify, default="all"), verify_budget) as checks:
        graph, values = read_graph(
            ctx.obj,
            command="explain",
            options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
            file=file,
            settings=set_ or (),
            files=vars_ or (),
            defs=defs,
            share=share,
        )
        gradients = both_passes(graph.forward(values), read_upstream(ctx.obj), "explained")
        report = build(gradients)
        if report.pulled_back:
            with Waiting("explaining"):
                report = report.with_verification(checks.run(gradients, None))
    asked = names(for_, "--for") if for_ is not None else None
    for name in asked or ():
        graph.position(name)
    wishes = solutions.Wishes(way, None if asked is None else tuple(asked), step)
    shown = streams.style(decimals=decimals, sig=sig, full=full)
    last = solutions.solution(report, shown, wishes).last
    if step is not None and step > last:
        raise UsageError(
            f"there is no step {step}", hint=f"they are 1 to {last}" if last else "a number alone has none"
        )
    if format_ == "latex":
        from gradcli.render.explain_latex import latex

        streams.put(latex(report, shown, words, wishes))
    elif format_ == "markdown":
        streams.put(solutions.markdown(report, shown, words, wishes))
    else:
        streams.put(solutions.text(report, shown, words, wishes).rstrip("\n"))
    raise typer.Exit(judge(report, "markdown"))
