"""`gradcli jacobian`: the derivative of every entry of the output with respect to every entry of the variables."""

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

HELP = """Show the Jacobian: the derivatives of every entry of a formula, and prove them.

\b
  gradcli jacobian "W@x" --W="[[1,2],[3,4]]" --x="[0.5,-1]"
  gradcli jacobian "[r*cos(t), r*sin(t)]" --r=2 --t=pi/6

The row of f[i] and the column of x[j] hold ∂f[i]/∂x[j], the derivative of entry
i of the formula by entry j of x. It is worked out by forward mode or by reverse
mode, whichever takes fewer passes. Values are given as to gradcli eval:
--x=3, --x="[0.2,0.4]", --W="[[1,2],[3,4]]", --x=@file.csv.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("jacobian", cls=ExpressionCommand, rich_help_panel="compute", help=HELP)
def jacobian(
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
    raise typer.Exit(run(ctx, "jacobian", asked, **places))
