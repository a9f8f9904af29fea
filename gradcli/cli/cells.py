"""`--get`: the cells asked for, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradcli.cells import Cell, resolve
from gradcli.cli.arguments import quoted
from gradcli.errors import UsageError

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.graph import Graph


def resolved(addresses: Sequence[str], gradients: Gradients, wrt: Sequence[str] | None) -> list[Cell]:
    """The cells of several addresses.

    wrt: the names whose gradients were asked for; None for every variable.
    Errors: UnknownCell; UsageError for a cell that `wrt` leaves out.
    """
    for name in wrt or ():
        gradients.graph.position(name)
    for address in addresses:
        refuse_list(address)
    cells = [resolve(address, gradients) for address in addresses]
    if wrt is not None:
        for cell in cells:
            refuse_unasked(cell, gradients.graph, wrt)
    return cells


def refuse_list(address: str) -> None:
    """Refuse several cells at once.

    Errors: UsageError with one `--get` for each.
    """
    depth, parts = 0, [""]
    for character in address:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if len(parts) > 1:
        again = " ".join(f"--get {quoted(part.strip())}" for part in parts if part.strip())
        raise UsageError(f"--get takes one cell, not {len(parts)}", hint=f"repeat --get: {again}")


def refuse_unasked(cell: Cell, graph: Graph, asked: Sequence[str]) -> None:
    """Refuse the gradient of an input that `--wrt` leaves out, and those of its edges.

    Errors: UsageError.
    """
    for name in sources(cell):
        if name in graph.inputs and name not in asked:
            listed = ",".join(asked)
            raise UsageError(
                f"--get {cell.address} asks for a gradient that --wrt {listed} leaves out",
                hint=f"write --wrt {listed},{name}, or leave out --wrt",
            )


def sources(cell: Cell) -> tuple[str, ...]:
    """The nodes that a cell differentiates by."""
    if cell.kind == "value":
        return ()
    place = cell.address.removeprefix("grad.") if cell.kind == "grad" else cell.address.rpartition(".")[2]
    return cell.occurrences or (place.partition("#")[0].partition("[")[0],)


def added(cell: Cell) -> str:
    """That a cell is a sum over several occurrences of its text; empty for any other."""
    count = len(cell.occurrences)
    if count < 2:
        return ""
    listed = ", ".join(cell.occurrences[:4]) + (f" and {count - 4:,} more" if count > 4 else "")
    times = "twice" if count == 2 else f"{count:,} times"
    return f"{cell.address.partition('.')[2][1:-1]} is written {times} ({listed}): their gradients are added"
