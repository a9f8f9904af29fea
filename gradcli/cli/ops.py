"""`gradcli ops`: the op table as documentation."""

from __future__ import annotations

from typing import Annotated

import typer

from gradcli.cli import streams
from gradcli.cli.command import NamedCommand, completing, one_of
from gradcli.ops import FUNCTIONS

FORMATS = ("table", "json", "markdown")

HELP = """Show the functions: how each is written, its definition, derivative, domain and conventions.

\b
  gradcli ops
  gradcli ops sigmoid --format json
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("ops", cls=NamedCommand, rich_help_panel="look", help=HELP)
def ops(
    name: Annotated[
        str | None,
        typer.Argument(
            help="One function or operator; all without it.",
            show_default=False,
            autocompletion=completing(FUNCTIONS),
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option("--format", help="How to print.", metavar="|".join(FORMATS), autocompletion=completing(FORMATS)),
    ] = "table",
) -> None:
    """Print the documentation of one op, or of all."""
    from gradcli.reference import entries, entry, find
    from gradcli.render.figures import plain
    from gradcli.render.ops import json_text, markdown, overview, page

    one_of("--format", format_, FORMATS)
    found = entries() if name is None else [entry(find(name))]
    if format_ == "json":
        streams.put(json_text(found))
    elif format_ == "markdown":
        streams.put(markdown(found))
    else:
        text = overview(found, streams.columns()) if name is None else page(found[0])
        style = streams.style()
        streams.put("\n".join(plain(line, style) for line in text.split("\n")))
