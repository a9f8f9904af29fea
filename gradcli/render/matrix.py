"""A Jacobian or a Hessian as text: the formats that eval has. Machine formats are never rounded.

plain   an address and a number a line: jac.f[0].x[1], jac.f.x of two scalars; hess.x[0].y for ∂²f/∂x[0]∂y
csv     row, column, value: one line an entry
shell   one assignment a variable: jac_x='[[1,0],[0,1]]', hess_x_y=2
"""

from __future__ import annotations

import csv as spreadsheet
import shlex
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, cast

from gradcli.derivatives import Hessian
from gradcli.errors import UsageError, visible
from gradcli.matrices import Matrices
from gradcli.notation import number
from gradcli.places import listed
from gradcli.render.csv import cell
from gradcli.render.shell import VARIABLE

if TYPE_CHECKING:
    from gradcli.render.figures import Style

    Renderer = Callable[[Matrices, Style], Iterator[str]]


def pieces(matrices: Matrices, form: str, style: Style) -> Iterator[str]:
    """A format piece by piece, with a new line at its end.

    Errors: UsageError for names that the format cannot hold; LimitError.
    """
    if form not in SUMMARISED:
        for panel in matrices.panels:
            panel.refuse_large()
    return FORMATS[form](matrices, style)


def plain(matrices: Matrices, style: Style) -> Iterator[str]:
    """`address TAB number`, a line an entry."""
    for address, value in addressed(matrices):
        yield f"{visible(address)}\t{number(value)}\n"


def csv(matrices: Matrices, style: Style) -> Iterator[str]:
    """One line an entry, under a heading."""
    line = _Line()
    writer = spreadsheet.writer(line, lineterminator="\n")
    writer.writerow(("row", "column", "value"))
    yield line.text
    for row, column, value in entries(matrices):
        writer.writerow((cell(row), cell(column), number(value)))
        yield line.text


def shell(matrices: Matrices, style: Style) -> Iterator[str]:
    """Assignments; a matrix is a nested list, in the output's shape followed by the variable's.

    Errors: UsageError for a name that is no variable name in a shell.
    """
    found = matrices.found
    yield f"value={shlex.quote(listed(matrices.value))}\n"
    if isinstance(found, Hessian):
        whole = {f"hess_{one}_{other}": part for one in found for other, part in found[one].items()}
    else:
        whole = {f"jac_{name}": found[name] for name in found}
    for name, part in whole.items():
        if VARIABLE.fullmatch(name) is None:
            raise UsageError(
                f"a shell cannot hold the name '{name}'",
                hint="rename it with letters a-z, digits and _, or use --format plain or json",
            )
        yield f"{name}={shlex.quote(listed(part))}\n"


def addressed(matrices: Matrices) -> Iterator[tuple[str, float]]:
    """Every entry by its address."""
    start = "hess" if matrices.kind == "hessian" else "jac"
    for row, column, value in entries(matrices):
        yield f"{start}.{row}.{column}", value


def entries(matrices: Matrices) -> Iterator[tuple[str, str, float]]:
    """Every entry: the names of its row and column, and the number."""
    for panel in matrices.panels:
        columns = panel.columns
        for name, row in zip(panel.rows, panel.numbers(), strict=True):
            for column, value in zip(columns, row, strict=True):
                yield name, column, value


class _Line:
    """The file that csv writes to: it keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _lazily(module: str, name: str) -> Renderer:
    """A format of another module, imported at its first use."""

    def renderer(matrices: Matrices, style: Style) -> Iterator[str]:
        return cast("Renderer", getattr(import_module(f"gradcli.render.{module}"), name))(matrices, style)

    return renderer


FORMATS: dict[str, Renderer] = {
    "table": _lazily("matrix_table", "table"),
    "plain": plain,
    "json": _lazily("matrix_json", "json"),
    "csv": csv,
    "markdown": _lazily("matrix_text", "markdown"),
    "latex": _lazily("matrix_text", "latex"),
    "shell": shell,
}
"""Format → function (matrices, style) → pieces of text."""

SUMMARISED = ("table", "json", "markdown", "latex")
"""Formats that do not write out every entry of a large diagonal matrix."""
