"""`gradcli draw`: the graph as the lecture draws it, in the terminal or as a file."""

# Annotations are values here, not text: typer would compile each of them again on every run.

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer
from typing import Annotated

import typer

from gradcli.cli import streams
from gradcli.cli.command import ExpressionCommand, completing, one_of, whole
from gradcli.cli.eval import GATES, judge
from gradcli.cli.inputs import both_passes, read_graph, read_upstream
from gradcli.cli.languages import Language, language
from gradcli.cli.options import (
    Definitions,
    Digits,
    Expression,
    FileName,
    Settings,
    Share,
    Upstream,
    ValueFiles,
)
from gradcli.errors import UsageError, brief
from gradcli.report import build
from gradcli.words import LANGUAGES

HELP = """Draw the graph: forward values above the wires, gradients beneath.

\b
  gradcli draw "(x+y)*z" --x=-2 --y=5 --z=-4
  gradcli draw "1/(1+exp(-w*x))" --w=2 --x=0.5 --local --decimals 4

Without -o it is a tree in the terminal, from the output down; -o net.svg is the
lecture's picture. Values are given as to gradcli eval.
"""

ENDINGS = {
    "svg": "svg",
    "png": "png",
    "pdf": "pdf",
    "dot": "dot",
    "gv": "dot",
    "mmd": "mermaid",
    "mermaid": "mermaid",
    "tex": "tikz",
    "html": "html",
    "txt": "tree",
}
"""Ending of a file → what is written to it."""

FORMATS = ("tree", "svg", "png", "pdf", "dot", "mermaid", "tikz", "html")

TEXTS = ("tree", "svg", "dot", "mermaid", "tikz", "html")
"""What standard output can get."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("draw", cls=ExpressionCommand, rich_help_panel="look", help=HELP)
def draw(
    ctx: typer.Context,
    expression: Expression = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    gates: Annotated[
        str,
        typer.Option(help="Gate size, as in gradcli eval.", metavar="|".join(GATES), autocompletion=completing(GATES)),
    ] = "as-written",
    upstream: Upstream = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help=f"Write a file: {', '.join(f'.{ending}' for ending in ENDINGS)}; - is standard output.",
            metavar="FILE",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="What to draw, whatever the file's name; tree unless given.",
            metavar="|".join(FORMATS),
            autocompletion=completing(FORMATS),
        ),
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Show each local gradient: local × upstream.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Every node, however many.")] = False,
    decimals: Annotated[
        int | None,
        typer.Option(
            help="Decimals that people see; 2 unless given.",
            parser=whole("--decimals", 0, 17),
            metavar="N",
            show_default=False,
        ),
    ] = None,
    sig: Digits = None,
    lang: Language = None,
) -> None:
    """Draw, and end with the exit status."""
    if decimals is not None and sig is not None:
        raise UsageError("--decimals and --sig contradict each other", hint="keep one of them")
    one_of("--gates", gates, GATES)
    form = settle(format_, output, force)
    spoken = LANGUAGES[0]
    if form == "html" or lang is not None:
        spoken = language(lang)
    graph, values = read_graph(
        ctx.obj,
        command="draw",
        options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
        file=file,
        settings=set_ or (),
        files=vars_ or (),
        defs=defs,
        share=share,
    )
    if gates != "as-written":
        from gradcli.rewrites import rewritten

        graph = rewritten(graph, values, gates).graph
    report = build(both_passes(graph.forward(values), read_upstream(ctx.obj)))
    from gradcli.render.draw import drawing, tree
    from gradcli.render.drawn import DECIMALS

    exact = decimals is None and sig is None and form != "html"  # a page has a table too
    style = streams.style(decimals=DECIMALS if exact else decimals, sig=sig, full=full)
    if form == "tree" and output in (None, "-"):
        streams.put_all(tree(report, style, local=local))
    else:
        plain = style._replace(width=None, colour=False, ascii=False)
        with waiting():
            made = drawing(report, form, plain, local=local, language=spoken)
        streams.tell_each("note", made.notes)
        if output in (None, "-"):
            streams.put(made.content.decode())
        else:
            from gradcli.writing import write

            write(str(output), made.content, force)
    raise typer.Exit(judge(report, "draw"))


def settle(form: str | None, output: str | None, force: bool) -> str:
    """What is drawn: one of FORMATS.

    Errors: UsageError for a kind that is not known, and for a picture on standard output; FileError for a file that
    exists.
    """
    if form is not None:
        one_of("--format", form, FORMATS)
    if output in (None, "-"):
        if force:
            raise UsageError("--force is about a file, and none is written", hint="name it: -o net.svg")
        if form is not None and form not in TEXTS:
            raise UsageError(f"{form} is no text to be printed", hint=f"write a file: -o net.{form}")
        return form or FORMATS[0]
    path = str(output)
    form = form or ENDINGS.get(Path(path).suffix.lower().removeprefix("."))
    if form is None:
        known = ", ".join(f".{ending}" for ending in ENDINGS)
        raise UsageError(f"the kind of file is not known: '{brief(path)}'", hint=f"its name ends in {known}")
    from gradcli.writing import check_target

    check_target(path, force)
    if form in ("svg", "png", "pdf"):
        from gradcli.graphviz import require

        require()
    return form


@contextmanager
def waiting() -> Iterator[None]:
    """A word on standard error after a second, where a person looks on; wiped at the end."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    from gradcli.cli.progress import PATIENCE

    said = Event()

    def say() -> None:
        with suppress(OSError):
            print("\rdrawing …", end="", file=sys.stderr, flush=True)
        said.set()

    word = Timer(PATIENCE, say)
    word.daemon = True
    word.start()
    try:
        yield
    finally:
        word.cancel()
        if said.is_set():
            with suppress(OSError):
                print("\r         \r", end="", file=sys.stderr, flush=True)
