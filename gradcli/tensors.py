"""The forward pass over arrays. Loaded with the first of them: it needs NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradcli import labels
from gradcli.graph import Graph
from gradcli.ops.op import Shape
from gradcli.shapes import infer, settled
from gradcli.systems.arrays import ARRAYS, Arrays, array, start_of

__all__ = ["array", "evaluated", "start_of"]


def evaluated(graph: Graph, leaves: Mapping[int, Any]) -> tuple[Graph, list[Any], Arrays, list[Shape]]:
    """The graph as its shapes settle it, the value of every node, the system of these values, and their shapes.

    leaves: tape position → a float or an array, for each input.
    Errors: ShapeError; UsageError for labels that name no class.
    """
    given = {i: ARRAYS.leaf(leaf) if isinstance(leaf, float) else leaf for i, leaf in leaves.items()}
    shapes = infer(graph, {i: leaf.shape for i, leaf in given.items()})
    graph = settled(graph, shapes)
    with ARRAYS.quiet():
        values = graph.evaluate(ARRAYS, given)
    if any(op.labels for op in graph.kinds):
        labels.check(graph, values)
    return graph, values, ARRAYS, shapes
