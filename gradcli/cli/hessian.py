"""`gradcli hessian`: the second derivatives of a scalar formula."""

# Annotations are values here, not text: typer would compile each of them again on every run.

from typing import Annotated

import typer

from gradcli.cli.command import ExpressionCommand
from gradcli.cli.matrices import Asked, run
from gradcli.cli.options import (
    Budget,
    Decimals,
    Definitions,
    Digits,
    Expression,
    FileName,
    Format,
    MatrixVerify,
    Names,
    Precision,
    Settings,
    Share,
    Unverified,
    ValueFiles,
)

HELP = """Show the Hessian: the second derivatives of a scalar formula, and prove them.

\b
  gradcli hessian "(1-x)^2+100*(y-x^2)^2" --x=1 --y=1
  gradcli hessian "log(sum(exp(x)))" --x="[0.1,0.2,0.3]"

The row of x[i] and the column of y[j] hold ∂²f/∂x[i]∂y[j]; there is one matrix
over all variables. Each of its rows is worked out by itself, forward over reverse
mode, so that its symmetry is a check. Values are given as to gradcli eval:
--x=3, --x="[0.2,0.4]", --W="[[1,2],[3,4]]", --x=@file.csv.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("hessian", cls=ExpressionCommand, rich_help_panel="compute", help=HELP)
def hessian(
    ctx: typer.Context,
    expression: Expression = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    format_: Format = None,
    wrt: Names = None,
    dtype: Precision = None,
    decimals: Decimals = None,
    sig: Digits = None,
    full: Annotated[bool, typer.Option("--full", help="Every entry, however many.")] = False,
    verify: MatrixVerify = None,
    no_verify: Unverified = False,
    verify_budget: Budget = None,
) -> None:
    """Print the matrices, check them, and end with the exit status."""
    asked = Asked(format_, wrt, dtype, decimals, sig, full, verify, no_verify, verify_budget)
    places = {"file": file, "settings": set_ or (), "files": vars_ or (), "defs": defs, "share": share}
    raise typer.Exit(run(ctx, "hessian", asked, **places))
