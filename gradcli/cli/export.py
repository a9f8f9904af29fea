"""`gradcli export`: a formula and its gradients as code that stands alone."""

# Annotations are values here, not text: typer would compile each of them again on every run.

import re
from typing import Annotated

import typer

from gradcli.cli import streams
from gradcli.cli.command import ExpressionCommand, cannot_be, completing, one_of
from gradcli.cli.inputs import read_graph
from gradcli.cli.options import Definitions, Expression, FileName, Names, Settings, Share, ValueFiles
from gradcli.errors import UsageError
from gradcli.export.targets import TARGETS, meant, written

HELP = """Write a formula and its gradients as code that stands alone.

\b
  gradcli export "x*exp(-x*y)" --to numpy
  gradcli export "1/(1+exp(-(w*x+b)))" --w=2 --x=-1 --b=-3 --to javascript

What is used more than once is worked out once, under its name. With values, which are
given as to gradcli eval, the code ends with an example that runs. A function that the
target lacks is refused; none is written at a loss of digits.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)

STYLES = tuple(dict.fromkeys(style for target in TARGETS.values() for style in target.styles))


@app.command("export", cls=ExpressionCommand, rich_help_panel="engineers", help=HELP)
def export(
    ctx: typer.Context,
    expression: Expression = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="What to write; the ending of -o may say it.",
            metavar="|".join(TARGETS),
            autocompletion=completing(TARGETS),
        ),
    ] = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    wrt: Names = None,
    style: Annotated[
        str | None,
        typer.Option(
            help="Another way to write it: "
            + ", ".join(f"{style} for {name}" for name, target in TARGETS.items() for style in target.styles),
            metavar="STYLE",
            autocompletion=completing(STYLES),
            hidden=not STYLES,
        ),
    ] = None,
    function: Annotated[str | None, typer.Option(help="The function's name.", metavar="NAME")] = None,
    table: Annotated[
        str | None, typer.Option(help="The table that SQL reads; points unless given.", metavar="NAME")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Write a file; - is standard output.", metavar="FILE")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the code."""
    target = settle(to, output, force)
    if style is not None and style not in TARGETS[target].styles:
        styles = ", ".join(TARGETS[target].styles)
        raise cannot_be("--style", style, f"of {target}: {styles}" if styles else f"{target} is written in one way")
    if function is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", function):
        raise cannot_be("--function", function, "a name of ASCII letters, digits and _, such as loss")
    if table is not None and TARGETS[target].endings != "sql":
        raise UsageError(f"{target} reads no table", hint="--table is for --to sql")
    if table is not None and not table.strip():
        raise cannot_be("--table", table, "the table's name, such as points")
    graph, values = read_graph(
        ctx.obj,
        command=f"export --to {target}",
        options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
        file=file,
        settings=set_ or (),
        files=vars_ or (),
        defs=defs,
        share=share,
        optional=True,
    )
    from gradcli.cli.eval import names
    from gradcli.export.exported import Exported

    wanted = tuple(graph.inputs) if wrt is None else tuple(dict.fromkeys(names(wrt, "--wrt")))
    for name in wanted:
        if name not in graph.inputs:
            raise UsageError(f"--wrt: the expression has no variable '{name}'", hint=known(list(graph.inputs)))
    if values:
        graph.forward(values)  # says which ones are missing, and whether they fit together
    exported = Exported(graph.source, graph, wanted, values, function, **({"table": table} if table else {}))
    code = written(target, exported, style)
    if output in (None, "-"):
        streams.put(code)
    else:
        from gradcli.writing import write

        write(str(output), f"{code}\n", force)


def known(variables: list[str]) -> str:
    """The hint that lists the variables."""
    if not variables:
        return "it has no variables"
    more = f" and {len(variables) - 8} more" if len(variables) > 8 else ""
    return f"its variables: {', '.join(variables[:8])}{more}"


def settle(to: str | None, output: str | None, force: bool) -> str:
    """The target.

    Errors: UsageError for one that is not known, and for none; FileError for a file that exists.
    """
    if to is not None:
        one_of("--to", to, tuple(TARGETS))
    if output in (None, "-"):
        if force:
            raise UsageError("--force is about a file, and none is written", hint="name it: -o net.py")
        if to is None:
            raise UsageError("the target is not given", hint=f"--to {'|'.join(TARGETS)}")
        return to
    target = to or meant(str(output))
    from gradcli.writing import check_target

    check_target(str(output), force)
    return target
