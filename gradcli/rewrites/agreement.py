"""Whether two graphs of the same inputs are the same function at a point: values and gradients.

A rewrite is made only where they are. Conventions at kinks, overflow and lost digits are where formulas differ that
are equal on paper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite, isnan, nan
from typing import Any, NamedTuple

from gradcli.autodiff import Edge, Gradients, Trace
from gradcli.errors import UsageError
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

    @property
    def entrywise(self) -> bool:
        """Whether it works on every entry of a tensor by itself."""
        return not any(op.structural or op.reduces or op.body is not None for op in self.graph.kinds)

    def at(self, x: Sequence[Any]) -> Gradients:
        """Its values and gradients at a point."""
        place = dict(zip(self.inputs, x, strict=True))
        trace = self.graph.forward({name: place.get(i, 0.0) for name, i in self.graph.inputs.items()})
        return trace.backward(upstream(trace))


class Difference(NamedTuple):
    """The first number in which two sides differ.

    input: of whose gradient; None for the value.   at: the inputs there; nothing for an op on whole tensors.
    entry: whether that is one entry of tensors.   convention: what the second side's row chooses at this kink, if it
    is at one.
    """

    input: int | None
    before: float
    after: float
    at: tuple[float, ...] = ()
    entry: bool = False
    convention: str = ""


class Agreement(NamedTuple):
    """Whether two sides are the same function at a point.

    difference: None if they are.   finite: the second is where the first is not.   digits: the second has some that
    the first has lost.
    """

    difference: Difference | None = None
    finite: bool = False
    digits: bool = False


def single(op: Op, count: int, more: int = 0, helper: tuple[Op, tuple[int, ...]] | None = None) -> Side:
    """One op of some inputs, as a graph, perhaps of a helper's result; and inputs more that it does not use."""
    builder = Builder()
    inputs = tuple(builder.input(f"x{k}") for k in range(count + more))
    given = inputs[:count] if helper is None else (builder.add(helper[0], tuple(inputs[k] for k in helper[1])),)
    return Side(builder.finish(builder.add(op, given)), inputs)


def agreement(before: Side, after: Side, x: Sequence[Any], varied: Sequence[bool | int], *, mends: bool) -> Agreement:
    """Compare two sides at a point; tensors entry by entry, where that is how they are worked on.

    varied: which inputs have gradients that matter.
    mends: the second side is the more exact one. It may be finite where the first is not, unless that is no fault of
    rounding: an argument outside a domain, or a kink; and it may have digits that the first has lost.
    """
    if not any(map(_ranked, x)):
        return _compared(before, after, x, varied, mends=mends)
    if not (before.entrywise and after.entrywise):
        if mends and not same_function(before, after, x, varied):
            return Agreement(Difference(None, nan, nan))
        return _compared(before, after, x, varied, mends=mends)
    import numpy as np

    columns = [column.ravel() for column in np.broadcast_arrays(*x)]
    doubtful = {i for _, i, *_ in _apart(before, after, before.at(columns), after.at(columns), varied)}
    if len(doubtful) > MOST:
        return Agreement(Difference(None, nan, nan))
    found = Agreement()
    for i in sorted(doubtful):
        entry = [float(column[i]) for column in columns]
        verdict = _compared(before, after, entry, varied, mends=mends)
        if verdict.difference is not None:
            return Agreement(verdict.difference._replace(entry=True))
        found = Agreement(None, found.finite or verdict.finite, found.digits or verdict.digits)
    return found


def change(written: Gradients, rewritten: Gradients, *, mends: bool) -> Difference | None:
    """What a rewrite as a whole has changed in the value or the gradients of the inputs, if it has changed something.

    Gates that agree can still differ in the whole, where the others magnify their last digits (step(1e-17) is 1), or
    where an upstream gradient that is inf or nan meets a gradient that one size has as 0, and another has not.
    mends: whether what is not finite may become so.
    """
    graph, other = written.graph, rewritten.graph
    inputs = list(graph.inputs)
    sides = Side(graph, tuple(graph.inputs.values())), Side(other, tuple(other.inputs[name] for name in inputs))
    slack: Mapping[int, float] | None = None
    for k, _, a, b in _apart(*sides, written, rewritten, [True] * len(inputs)):
        if mends and not finite(written):
            if isfinite(b) or not isfinite(a):
                continue
            return Difference(k, a, b)
        if slack is None:
            slack = _rounding(written)
        if not _close(a, b, slack[graph.output if k is None else sides[0].inputs[k]] + WHOLE * max(abs(a), abs(b))):
            return Difference(k, a, b)
    return None


WHOLE = 1e-6
"""How far results of a whole graph may be apart, relatively: more than those of a gate, since errors add up."""


def same_function(before: Side, after: Side, x: Sequence[Any], varied: Sequence[bool | int]) -> bool:
    """Whether two sides agree for tensors of these shapes at a harmless point, with entries between 0.2 and 0.8.

    exp(x)/sum(exp(x)) is the softmax of a vector, but not of a matrix, also where it overflows and cannot be compared.
    """
    import numpy as np

    point = [
        0.5 + 0.3 * np.sin(np.arange(value.size) + k).reshape(value.shape) if _ranked(value) else value
        for k, value in enumerate(x)
    ]
    return _compared(before, after, point, varied, mends=False).difference is None


MOST = 10_000
"""Entries of a tensor that are compared one by one, where the quick comparison of all leaves doubts."""


def _compared(before: Side, after: Side, x: Sequence[Any], varied: Sequence[bool | int], *, mends: bool) -> Agreement:
    try:
        first, second = before.at(x), after.at(x)
    except UsageError:  # shapes that do not fit the row
        return Agreement(Difference(None, nan, nan))
    sound, kink = finite(first), convention(second)
    mended = mends and not sound and not kink and not _outside(first, before)
    slack = _rounding(first) if mends and sound else None
    gained = digits = False
    for k, _, a, b in _apart(before, after, first, second, varied):
        if slack is not None and _close(a, b, slack[before.graph.output if k is None else before.inputs[k]]):
            digits = True
        elif mended and isfinite(b):
            gained = True
        else:
            return Agreement(Difference(k, a, b, () if any(map(_ranked, x)) else tuple(x), convention=kink))
    return Agreement(None, gained, digits)


def _apart(
    before: Side, after: Side, first: Gradients, second: Gradients, varied: Sequence[bool | int]
) -> Iterator[tuple[int | None, int, float, float]]:
    """The entries that are not equal: of which gradient (None: of the value), where, and both numbers."""
    pairs: list[tuple[int | None, Any, Any]] = [(None, first.trace.value, second.trace.value)]
    for k, (p, q) in enumerate(zip(before.inputs, after.inputs, strict=True)):
        if varied[k]:
            pairs.append((k, first.adjoints[p], second.adjoints[q]))
    for which, one, other in pairs:
        old, new = (0.0 if g is None else g for g in (one, other))
        shapes = [getattr(g, "shape", ()) for g in (one, other) if g is not None]
        if len(set(shapes)) > 1:
            yield which, 0, nan, nan
        elif not any(shapes):
            if not _close(old, new):
                yield which, 0, float(old), float(new)
        else:
            import numpy as np

            old, new = (np.broadcast_to(np.asarray(g), shapes[0]).ravel() for g in (old, new))
            close = np.isfinite(old - new) & (abs(old - new) <= RTOL * np.maximum(abs(old), abs(new)) + ATOL)
            for i in np.flatnonzero(~close & (old != new) & ~(np.isnan(old) & np.isnan(new))).tolist():
                yield which, i, float(old[i]), float(new[i])


def _rounding(gradients: Gradients) -> Mapping[int, float]:
    """What rounding may have changed: in the value, by the output's position; in a gradient, by the input's."""
    graph, values, adjoints = gradients.graph, gradients.trace.values, gradients.adjoints
    if gradients.trace.tensorial:
        largest = max(abs(values[i] * g).max() for i, g in enumerate(adjoints) if g is not None)
        return defaultdict(lambda: ROUNDING * float(largest))
    terms = defaultdict(float, {graph.output: ROUNDING})
    for i in range(graph.output, -1, -1):
        for k, p in enumerate(graph.parents[i]):
            if gradients.active(i, k) and (edge := Edge(gradients, i, k)).chosen:
                terms[p] += abs(edge.local) * terms[i]
    inner = (abs(values[i] * g) for i, g in enumerate(adjoints) if g is not None and graph.parents[i])
    terms[graph.output] = ROUNDING * sum(inner)
    return terms


def _close(a: float, b: float, slack: float = 0.0) -> bool:
    if a == b or (isnan(a) and isnan(b)):
        return True
    return isfinite(a) and isfinite(b) and abs(a - b) <= RTOL * max(abs(a), abs(b)) + slack + ATOL


def _outside(gradients: Gradients, side: Side) -> bool:
    """Whether an op of the formula is given inputs outside its domain, not results of its own that were rounded."""
    graph, m, values = gradients.graph, gradients.trace.m, gradients.trace.values
    given, numbers = {*side.inputs, *graph.numbers}, set(graph.numbers)
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if parents and numbers.issuperset(parents):  # 1/3 is a number, too
            numbers.add(i)
            given.add(i)
        domain = op.predicate("domain")
        if domain is not None and given.issuperset(parents) and m.some(domain(m, *[values[p] for p in parents]) == 0):
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


def upstream(trace: Trace) -> Any:
    """An upstream gradient in which no two entries are alike, so that no difference cancels."""
    shape = getattr(trace.value, "shape", ())
    if not shape:
        return 1.0
    import numpy as np

    return 1 + np.sin(np.arange(trace.value.size, dtype=np.float64)).reshape(shape) / 2
