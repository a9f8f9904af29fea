"""What a target writes as code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gradcli.autodiff import Value
from gradcli.graph import Graph


class Exported(NamedTuple):
    """A formula to be written.

    text: as its user wrote it.   wrt: the variables whose gradients are wanted, in order.
    values: variable → value, a number or an array, where they were given: the example that the code ends with.
    function: the name that the user wants for the function, an ASCII identifier; the target's own unless given.
    table: the name of the table that SQL reads.
    """

    text: str
    graph: Graph
    wrt: tuple[str, ...]
    values: Mapping[str, Value]
    function: str | None = None
    table: str = "points"

    @property
    def complete(self) -> bool:
        """Whether every variable has a value, so that the code can end with an example."""
        return all(name in self.values for name in self.graph.inputs)
