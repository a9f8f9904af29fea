"""What a kernel of another precision cannot hold: numbers beyond the largest of its format, and below the smallest.

The graph is run once more, forward and backward; each result that the format has no number for becomes inf or 0, as
it does where a kernel stores it, and all others keep their digits. What is far from the float64 answer then, or not
finite, has no digits to promise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcli import notation
from gradcli.autodiff import Gradients, Trace
from gradcli.cli.dtypes import Dtype, brief, nearest
from gradcli.ops.op import Op
from gradcli.places import entry, first, given, place
from gradcli.sweeps import pull_back
from gradcli.systems.arrays import ARRAYS

SHOWN = 4
"""Inputs of a node whose values a sentence lists."""


class Held:
    """The numbers of a trace, and of its gradients, as a format holds them.

    values, adjoints: as `Trace` and `Gradients` have them.
    """

    def __init__(self, trace: Trace, dtype: Dtype) -> None:
        self.trace, self.dtype = trace, dtype
        self.beyond: list[str] = []
        self.below: list[str] = []
        self.adjoints: list[Any] = []
        with ARRAYS.quiet():
            self.values = self.forward()

    def forward(self) -> list[Any]:
        """Every node. Constants are part of a kernel, and inputs are stored already."""
        graph, values = self.trace.graph, [ARRAYS.leaf(value) for value in self.trace.values]
        functions = {op: ARRAYS.functions[op] for op in graph.kinds}
        for i, parents in enumerate(graph.parents):
            if parents:
                found = functions[graph.ops[i]](*[values[p] for p in parents])
                values[i] = self.hold(found)
                if graph.used[i]:
                    self.tell(found, values[i], i)
        return values

    def backward(self, gradients: Gradients) -> None:
        """Every gradient, from the same upstream."""
        graph, wanted = self.trace.graph, None if gradients.wrt is None else self.trace.graph.leading(gradients.wrt)
        start = ARRAYS.leaf(gradients.upstream)
        with ARRAYS.quiet():
            found, _ = pull_back(graph, self.values, self, start, wanted)
            self.adjoints = [None if g is None else self.hold(g) for g in found]
            for i in range(graph.output, -1, -1):
                if found[i] is not None and i != graph.output:
                    self.tell(found[i], self.adjoints[i], i, gradient=True)

    def pull(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Any) -> Any:
        """What an edge passes down, of an upstream gradient that was stored."""
        return ARRAYS.pull(op, k, self.hold(g), mask, y, x)

    def hold(self, value: Any) -> Any:
        """A value as the format holds it: inf, 0, or itself, with all its digits."""
        if isinstance(value, float) and self.dtype.smallest <= abs(value) <= self.dtype.largest:
            return value
        finite = np.isfinite(value)
        rounded = nearest(np, np.where(finite, value, 0.0), self.dtype)
        over = np.where(np.abs(rounded) > self.dtype.largest, np.copysign(np.inf, value), value)
        return np.where(finite & (rounded == 0), np.copysign(0.0, value), np.where(finite, over, value))[()]

    def tell(self, found: Any, held: Any, i: int, *, gradient: bool = False) -> None:
        """Note the first entry of a node, or of its gradient, that the format cannot hold."""
        if held is found:
            return
        name = self.dtype.name
        lost = np.isfinite(found) & (held != found)
        for told, where in ((self.beyond, lost & np.isinf(held)), (self.below, lost & (held == 0))):
            index = first(where)
            if index is None:
                continue
            graph = self.trace.graph
            if gradient:
                what = f"∂{graph.names[graph.output]}/∂{place(graph.names[i], index)}"
            else:
                at = given(Gradients(self.trace, []), i, index, SHOWN)
                what = notation.formula(graph, i) + (f" at {at}" if at else "")
            said = f"{what} is {brief(entry(found, index))}"
            if told is self.beyond:
                told.append(f"{said}, beyond {name}'s {self.dtype.most}: a {name} kernel gives inf")
            else:
                told.append(f"{said}, below {name}'s smallest, {brief(self.dtype.smallest)}: 0 in a {name} kernel")

    def sentences(self) -> Iterator[str]:
        """What overflows first, and what vanishes first."""
        for told in (self.beyond, self.below):
            if told:
                more = f" (and {len(told) - 1:,} more like it)" if len(told) > 1 else ""
                yield told[0] + more
