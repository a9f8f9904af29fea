"""The options that every command on an expression has, as annotations; typer reads them off the signatures."""

# Annotations are values here, not text: typer would compile each of them again on every run.

from typing import Annotated

import typer

from gradcli.cli.checks import CHECKS, MATRIX_CHECKS, VARIABLE
from gradcli.cli.command import completing, seconds, whole
from gradcli.cli.dtypes import DTYPES
from gradcli.cli.inputs import UPSTREAM
from gradcli.render import FORMATS

Expression = Annotated[
    str | None, typer.Argument(help="The formula; - reads it from standard input.", show_default=False)
]
FileName = Annotated[str | None, typer.Option(help="Read the formula from a file.", metavar="FILE")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Give a variable its value; so does --NAME=VALUE.", metavar="NAME=VALUE"),
]
ValueFiles = Annotated[
    list[str] | None,
    typer.Option("--vars", help="Read values from a file: .json, .toml or .npz.", metavar="FILE"),
]
Definitions = Annotated[
    str | None, typer.Option(help="Read definitions from a file, such as g(x) = x*x.", metavar="FILE")
]
Upstream = Annotated[
    str | None,
    typer.Option(
        *UPSTREAM,
        help="The output's own gradient, where backward starts: 1 unless given; for several entries a list.",
        metavar="VALUE",
    ),
]
Share = Annotated[bool, typer.Option("--share", help="Make equal subexpressions one node.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="How to print; table unless given. In csv a ' stands before text that a spreadsheet would compute.",
        metavar="|".join(FORMATS),
        autocompletion=completing(FORMATS),
    ),
]
Names = Annotated[
    str | None, typer.Option(help="The variables whose derivatives are wanted: x,y; all unless given.", metavar="NAMES")
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Take the inputs as this format stores them, and say which digits its kernels reach.",
        metavar="|".join(DTYPES),
        autocompletion=completing(DTYPES),
    ),
]
Decimals = Annotated[
    int | None,
    typer.Option(
        help="Decimals that people see; 4 unless given.",
        parser=whole("--decimals", 0, 17),
        metavar="N",
        show_default=False,
    ),
]
Digits = Annotated[
    int | None,
    typer.Option(help="Significant digits that people see.", parser=whole("--sig", 1, 17), metavar="N"),
]
CountedDecimals = Annotated[
    int | None,
    typer.Option(
        help="Decimals to which an answer counts, whatever was typed.",
        parser=whole("--decimals", 0, 17),
        metavar="N",
        show_default=False,
    ),
]
CountedDigits = Annotated[
    int | None,
    typer.Option(help="Significant digits to which an answer counts.", parser=whole("--sig", 1, 17), metavar="N"),
]
Verify = Annotated[
    str | None,
    typer.Option(
        help=f"How to check the numbers: all, or proof for plain, csv, shell and --get; {VARIABLE} sets another "
        "default.",
        metavar="|".join(CHECKS),
        autocompletion=completing(CHECKS),
    ),
]
Unverified = Annotated[bool, typer.Option("--no-verify", help="The same as --verify none.")]
Budget = Annotated[
    float | None,
    typer.Option(
        help="Seconds that all checks may take together; 5 unless given.",
        parser=seconds("--verify-budget"),
        metavar="SECONDS",
    ),
]
MatrixVerify = Annotated[
    str | None,
    typer.Option(
        help=f"How to check the numbers; proof unless given, or {VARIABLE} says otherwise.",
        metavar="|".join(MATRIX_CHECKS),
        autocompletion=completing(MATRIX_CHECKS),
    ),
]
