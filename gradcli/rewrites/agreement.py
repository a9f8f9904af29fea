"""Whether two graphs of the same inputs are the same function at a point: values and gradients.

A rewrite is made only where they are. Conventions at kinks, overflow and lost digits are where formulas differ that
are equal on paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite, isnan, nan
from typing import Any, NamedTuple

from gradcli.autodiff import Edge, Gradients, Trace
from gradcli.graph import Builder, Graph
from gradcli.ops.op import Op

RTOL = 1e-9
"""How far two numbers may be apart, relatively."""

ATOL = 1e-300
"""And absolutely: what a double cannot tell from 0."""

ROUNDING = 64 * 2.0**-53
"""What the last digits of a formula's terms may add up to, relative to the terms."""


class Side(NamedTuple):
    """A graph, and the places in it of the inputs that both graphs have."""

    graph: Graph
    inputs: tuple[int, ...]

    def at(self, x: Sequence[Any]) -> Gradients:
        """Its values and gradients at a point."""
        place = dict(zip(self.inputs, x, strict=True))
        trace = self.graph.forward({name: place.get(i, 0.0) for name, i in self.graph.inputs.items()})
        return trace.backward(upstream(trace))


class Difference(NamedTuple):
    """The first number in which two sides differ.

    input: of whose gradient; None for the value.   scalar: whether they are the numbers themselves, and not entries
    of a tensor's.   convention: what the second side's row chooses at this kink, if it is one.
    """

    input: int | None
    before: float
    after: float
    scalar: bool = True
    convention: str = ""

    @property
    def hopeless(self) -> bool:
        """Whether the second side is not finite either, or is no number of that shape: nothing would be gained."""
        return not isfinite(self.after)


def single(op: Op, count: int) -> Side:
    """One op of some inputs, as a graph."""
    builder = Builder()
    inputs = tuple(builder.input(f"x{k}") for k in range(count))
    return Side(builder.finish(builder.add(op, inputs)), inputs)


def difference(
    before: Side, after: Side, x: Sequence[Any], varied: Sequence[bool | int], *, mends: bool
) -> Difference | None:
    """Where the second side differs from the first at a point, if it does.

    varied: which inputs have gradients that matter.
    mends: the second side is the more exact one. It may be finite where the first is not, unless that is no fault of
    rounding: an argument outside a domain, or a kink; and where the first has lost its digits.
    """
    first, second = before.at(x), after.at(x)
    sound = finite(first)
    kink = convention(second)
    mended = mends and not sound and not kink and not _outside(first, before)
    for k, old, new, slack in _numbers(before, after, first, second, varied, loose=mends and sound):
        olds, news, slacks = _entries(old), _entries(new), _entries(slack)
        if len(olds) != len(news):
            return Difference(k, nan, nan, scalar=False)
        for i, (a, b) in enumerate(zip(olds, news, strict=True)):
            if not _close(a, b, slacks[i if len(slacks) > 1 else 0]) and not (mended and isfinite(b)):
                return Difference(k, a, b, not any(map(_ranked, (*x, old, new))), kink)
    return None


def _numbers(
    before: Side, after: Side, first: Gradients, second: Gradients, varied: Sequence[bool | int], *, loose: bool
) -> Iterator[tuple[int | None, Any, Any, Any]]:
    """The value, then the gradients: (input, one side's, the other's, what rounding may have changed)."""
    own, magnitudes = _rounding(first) if loose else (0.0, None)
    yield None, first.trace.value, second.trace.value, own
    for k, (p, q) in enumerate(zip(before.inputs, after.inputs, strict=True)):
        if varied[k]:
            slack = 0.0 if magnitudes is None else magnitudes[p]
            yield k, _zero(first.adjoints[p]), _zero(second.adjoints[q]), slack


def _rounding(gradients: Gradients) -> tuple[float, list[float]]:
    """What rounding may have changed in the value, and in each gradient: of tensors, no bound is known."""
    graph, values, adjoints = gradients.graph, gradients.trace.values, gradients.adjoints
    terms = [0.0] * len(graph)
    if not all(isinstance(value, float) for value in values):
        return 0.0, terms
    total = sum(abs(values[i] * g) for i, g in enumerate(adjoints) if g is not None and graph.parents[i])
    terms[graph.output] = ROUNDING
    for i in range(graph.output, -1, -1):
        for k, p in enumerate(graph.parents[i]):
            if gradients.active(i, k) and (edge := Edge(gradients, i, k)).chosen:
                terms[p] += abs(edge.local) * terms[i]
    return ROUNDING * total, terms


def _close(a: float, b: float, slack: float) -> bool:
    if a == b or (isnan(a) and isnan(b)):
        return True
    return isfinite(a) and isfinite(b) and abs(a - b) <= RTOL * max(abs(a), abs(b)) + slack + ATOL


def _outside(gradients: Gradients, side: Side) -> bool:
    """Whether an op of the formula is given inputs outside its domain, not results of its own that were rounded."""
    graph, m, values = gradients.graph, gradients.trace.m, gradients.trace.values
    given = {*side.inputs, *graph.numbers}
    for op, parents in zip(graph.ops, graph.parents, strict=True):
        domain = op.predicate("domain")
        if domain is not None and given.issuperset(parents):
            inside = domain(m, *[values[p] for p in parents])
            if not all(_entries(inside)):
                return True
    return False


def finite(gradients: Gradients) -> bool:
    """Whether all values and gradients are finite."""
    reached = (g for g in gradients.adjoints if g is not None)
    return all(map(gradients.trace.m.finite, chain(gradients.trace.values, reached)))


def convention(gradients: Gradients) -> str:
    """The convention of a graph's one op, where its inputs are at a kink."""
    graph, values, m = gradients.graph, gradients.trace.values, gradients.trace.m
    op = graph.ops[graph.output]
    kinks = op.predicate("kinks")
    return op.convention if kinks and m.some(kinks(m, *[values[p] for p in graph.parents[graph.output]])) else ""


def _ranked(value: Any) -> bool:
    return bool(getattr(value, "ndim", 0))


def _zero(g: Any) -> Any:
    return 0.0 if g is None else g


def _entries(value: Any) -> Sequence[Any]:
    """The numbers of an array, or the one number there is."""
    return value.ravel().tolist() if getattr(value, "ndim", 0) else (value,)


def upstream(trace: Trace) -> Any:
    """An upstream gradient in which no two entries are alike, so that no difference cancels."""
    shape = getattr(trace.value, "shape", ())
    if not shape:
        return 1.0
    import numpy as np

    return 1 + np.sin(np.arange(trace.value.size, dtype=np.float64)).reshape(shape) / 2
