"""A function and its derivatives at many points, by the engine.

A formula that works entry by entry is run once on all points together, forward and backward: an upstream gradient of
ones makes each entry's own derivative. One with sums, products of matrices or means is run point by point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcli.autodiff import Gradients
from gradcli.errors import LimitError, NotScalarError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.places import Index, place

Array = NDArray[np.float64]

NUMBERS, FEWEST = 4_000_000, 64
"""Numbers that are held at once: nodes times points; but so many points together."""

WORK = {True: 15_000_000, False: 40_000_000}
"""Numbers that all samples of a function may make: where they are run together, and point by point."""

MOST_WORK = {True: 30_000_000, False: 500_000_000}
"""Numbers that the fewest points that make a curve may need: more would not fit, or take a minute."""


class Function:
    """A function of one or two variables, the others fixed: its value and its derivatives at any points.

    axes: the variables, in order; or entries of them, such as "W[0,1]", whose other entries are fixed. One that the
    graph does not have has the derivative 0.
    Errors: of the engine, at the first use; NotScalarError for an output of several entries.
    """

    def __init__(self, graph: Graph, axes: Sequence[str], fixed: Mapping[str, Any]) -> None:
        self.graph, self.targets = graph, [target(axis) for axis in axes]
        self.fixed = {name: value for name, value in fixed.items() if name in graph.inputs}
        self.watch: Callable[[int], None] = lambda count: None  # is told how many points are done
        self.together = entrywise(graph) and all(isinstance(value, float) for value in self.fixed.values())

    @property
    def cost(self) -> int:
        """Numbers that one point makes; a point by itself costs as much as many do together."""
        entries = sum(getattr(value, "size", 1) for value in self.fixed.values())
        return len(self.graph) + 1 if self.together else 600 * len(self.graph) + 6 * entries

    @property
    def quick(self) -> bool:
        """Whether thousands of points take no time."""
        return self.together

    def affordable(self, count: int, least: int = 61) -> int:
        """So many points, or as many as do not take too long; an odd number, so that the middle is one of them.

        Errors: LimitError for a graph that is too large even for the fewest points.
        """
        if self.cost * least > MOST_WORK[self.together]:
            hint = "gradcli eval runs it at a single point"
            raise LimitError(f"the graph is too large for {least} points and more", hint=hint)
        return max(least, min(count, WORK[self.together] // self.cost)) | 1

    def __call__(self, *points: Array) -> tuple[Array, ...]:
        """The value and each derivative. Where the value is not finite, the derivatives are nan.

        Shapes: (n,) for each axis → (n,) each.
        """
        if self.together:
            step = max(FEWEST, NUMBERS // (len(self.graph) + 1))
            pieces = [self._at_once([each[i : i + step] for each in points]) for i in range(0, len(points[0]), step)]
            found = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        else:
            rows = [self._at(at) for at in zip(*(each.tolist() for each in points), strict=True)]
            found = [np.array(column) for column in zip(*rows, strict=True)]
        value, *slopes = found
        sound = np.isfinite(value)
        return value, *(np.where(sound, slope, np.nan) for slope in slopes)

    def _at_once(self, points: Sequence[Array]) -> list[Array]:
        graph, shape = self.graph, points[0].shape
        given = self._given(points)
        trace = graph.forward({**self.fixed, **given})
        output = np.shape(trace.value)
        gradients = trace.backward(np.ones(output)[()] if output else None, wrt=list(given))
        self.watch(len(points[0]))
        found = [trace.value, *(gradients[name] if name in given else 0.0 for name, _ in self.targets)]
        return [np.broadcast_to(np.asarray(each, np.float64), shape) for each in found]

    def _at(self, point: Sequence[float]) -> list[float]:
        gradients = self.gradients(*point)
        self.watch(1)
        inputs = self.graph.inputs
        slopes = [np.asarray(gradients[name])[index] if name in inputs else 0.0 for name, index in self.targets]
        return [float(np.asarray(each).reshape(-1)[0]) for each in (gradients.trace.value, *slopes)]

    def gradients(self, *point: float) -> Gradients:
        """Both passes at a single point."""
        given = self._given(point)
        trace = self.graph.forward({**self.fixed, **given})
        try:
            return trace.backward(wrt=list(given))
        except NotScalarError as error:
            hint = "one entry of it is a curve: […][0]; so is the sum of all: sum(…)"
            message = error.message.partition(":")[0]
            raise NotScalarError(message, source=error.source, span=error.span, hint=hint) from None

    def entries(self, *point: float) -> dict[Index, Function]:
        """Each entry of an output of several as a function of its own; nothing for a number."""
        shape = self.graph.forward({**self.fixed, **self._given(point)}).shapes[self.graph.output]
        return {index: self._entry(index) for index in product(*map(range, shape))} if shape else {}

    def _entry(self, index: Index) -> Function:
        """The function that is one entry of this one's output."""
        graph, output = self.graph, self.graph.output
        taken = Graph(
            ops=[*graph.ops, TABLE["index"].bind(key=index)],
            parents=[*graph.parents, (output,)],
            spans=[*graph.spans, graph.spans[output]],
            numbers=graph.numbers,
            inputs=graph.inputs,
            labels=graph.labels,
            output=len(graph),
            source=graph.source,
            notes=graph.notes,
        )
        return Function(taken, [place(name, key) for name, key in self.targets], self.fixed)

    def _given(self, point: Sequence[Any]) -> dict[str, Any]:
        """What the variables that are varied have as values at a point."""
        given: dict[str, Any] = {}
        for (name, index), each in zip(self.targets, point, strict=True):
            if name not in self.graph.inputs:
                continue
            if index:
                given[name] = given[name] if name in given else self.fixed[name].copy()
                given[name][index] = each
            else:
                given[name] = each
        return given


def target(axis: str) -> tuple[str, Index]:
    """The variable of an axis, and the entry of it that is varied.

    >>> target("x"), target("W[0,1]")
    (('x', ()), ('W', (0, 1)))
    """
    name, _, index = axis.removesuffix("]").partition("[")
    return name, tuple(map(int, index.split(","))) if index else ()


def entrywise(graph: Graph) -> bool:
    """Whether a formula makes of arrays what it makes of each of their entries."""
    waiting: list[Graph] = [graph]
    while waiting:
        inner = waiting.pop()
        if inner.tensorial or any(_gathers(op) for op in inner.kinds):
            return False
        waiting += [op.body for op in inner.kinds if op.body is not None]
    return True


def _gathers(op: Op) -> bool:
    return bool(op.structural or op.reduces or op.labels)
