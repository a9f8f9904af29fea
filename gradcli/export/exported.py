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
    """

    text: str
    graph: Graph
    wrt: tuple[str, ...]
    values: Mapping[str, Value]
