"""Assignments that a shell can evaluate: eval "$(gradcli eval … --format shell)"; echo "$grad_x"."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from gradcli.cells import gradient_of, identifier
from gradcli.errors import UsageError
from gradcli.places import listed

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.render.figures import Style
    from gradcli.report import Report

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def render(report: Report, style: Style | None = None) -> str:
    """`value`, the gradients asked for, then the value and gradient of each node that the user named.

    A tensor is a nested list, as JSON has it while its entries are finite.

    Errors: UsageError for a name that is no variable name in a shell.
    """
    graph = report.graph
    cells: dict[str, Value | None] = {"value": report.value}
    cells |= {f"grad.{name}": gradient for name, gradient in report.gradients.items()}
    for index, name in sorted(graph.labels.items()):
        if index != graph.output:
            cells[f"value.{name}"] = report.source.trace.values[index]
            cells.setdefault(f"grad.{name}", gradient_of(report.source, index))
    known = {address: listed(value) for address, value in cells.items() if value is not None}
    return "\n".join(f"{variable(address)}={shlex.quote(value)}" for address, value in known.items())


def variable(address: str) -> str:
    """The shell variable of a cell."""
    name = identifier(address)
    if VARIABLE.fullmatch(name) is None or address.count(".") > 1:
        raise UsageError(
            f"a shell cannot hold the name '{address.partition('.')[2]}'",
            hint="rename it with letters a-z, digits and _, or use --format plain or json",
        )
    return name
