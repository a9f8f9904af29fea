"""Labels of a loss over scores: that each is a class that there is. Loaded where a graph has such a loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.errors import UsageError
from gradcli.graph import Graph
from gradcli.notation import number
from gradcli.shapes import shown


def check(graph: Graph, values: Sequence[Any]) -> None:
    """Look at the labels of every loss over scores.

    Errors: UsageError for an index that names no class, and for a row that should be one-hot and is not.
    """
    for i, op in enumerate(graph.ops):
        if not op.labels or (op.labels == "weights" and np.isfinite(values[i])):
            continue  # of an index that names no class the loss is nan
        scores, t = (values[p] for p in graph.parents[i])
        fault = (
            indices(scores, t) if np.shape(t) != np.shape(scores) else one_hot(t) if op.labels == "one-hot" else None
        )
        if fault is not None:
            start, end = graph.spans[graph.parents[i][1]]
            whole = end > start
            raise UsageError(
                fault,
                source=graph.source if whole else None,
                span=(start, end) if whole else None,
                hint=f"labels are whole numbers from 0 to {np.shape(scores)[-1] - 1}, one a row, "
                f"or one-hot rows, {shown(np.shape(scores))}",
            )


def indices(scores: Any, t: Any) -> str | None:
    """What is wrong with class indices."""
    count = np.shape(scores)[-1]
    named = np.asarray(t).ravel()
    wrong = named != np.minimum(np.maximum(np.floor(named), 0), count - 1)
    if not wrong.any():
        return None
    return f"the label {number(float(named[wrong][0]))} names no class: there are {count}"


def one_hot(t: Any) -> str | None:
    """What is wrong with rows that are to have a single 1, and 0 elsewhere."""
    rows = np.asarray(t).reshape(-1, np.shape(t)[-1])
    right = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)
    if right.all():
        return None
    row = int(np.argmin(right))
    return f"row {row} of the labels is not one-hot" if len(rows) > 1 else "the labels are not one-hot"
