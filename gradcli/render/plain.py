"""`cell TAB number`, a line each, for scripts: the shortest digits that read back as the same double."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradcli.cells import list_cells
from gradcli.errors import visible
from gradcli.notation import number
from gradcli.places import names

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report


def render(report: Report, style: Style | None = None) -> str:
    """All cells in canonical order."""
    return "".join(pieces(report)).removesuffix("\n")


def pieces(report: Report, style: Style | None = None) -> Iterator[str]:
    """The lines, each with its end."""
    for cell in list_cells(report.source, report.wrt):
        address = visible(cell.address)
        if isinstance(cell.value, float):
            yield f"{address}\t{number(cell.value)}\n"
            continue
        shown = map(number, cell.value.ravel().tolist())
        for name, text in zip(names(address, cell.value.shape), shown, strict=True):
            yield f"{name}\t{text}\n"
