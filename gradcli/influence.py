"""Which variables matter, and what raising one of them does to the output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, NamedTuple

from gradcli.notation import number
from gradcli.places import Index, largest, norm, place, size

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients, Value

STEPS = (0.01, 0.001, 1e-4, 1e-5)
"""How far the most influential input is raised: the first step over which the graph is straight enough."""

STRAIGHT = 0.05
"""How far the output's real change may be from step × gradient, relatively, for a Nudge to say it."""

ROUNDING = 2.0**-46
"""A change that is this small beside the largest number of a graph of tensors may be rounding alone."""

NUDGED = 20_000
"""Nodes up to which the change is tried out by a forward pass."""

ENTRIES = 200_000
"""Entries of all tensors together up to which it is."""


class Nudge(NamedTuple):
    """What raising a variable, or an entry of one, by a little does to the output."""

    name: str
    step: float
    change: float

    def sentence(self, output: str) -> str:
        """In words: "raise x1 by 0.01 and f falls by about 0.0059"."""
        verb = "rises" if self.change > 0 else "falls"
        step, change = number(self.step), number(float(f"{abs(self.change):.2g}"))
        return f"raise {self.name} by {step} and {output} {verb} by about {change}"


def ranked(pairs: Iterable[tuple[str, Value]]) -> list[tuple[str, float]]:
    """(name, gradient) by size, the largest first; what is not a number comes last.

    The size of a tensor is its 2-norm, and stands in its place.
    """
    sizes = [(name, float(g) if isinstance(g, float) else norm(g)) for name, g in pairs]
    return sorted(sizes, key=lambda pair: (isnan(pair[1]), -abs(pair[1])))


def find_nudge(gradients: Gradients, names: Sequence[str]) -> Nudge | None:
    """What raising the most influential of some variables does; None where a straight line would mislead.

    Of tensors it is the entry with the largest gradient. The change is tried out by forward passes both ways, so
    that at a kink, or on a steep curve, nothing false is said.
    """
    graph, trace = gradients.graph, gradients.trace
    if not names or len(graph) > NUDGED or trace.shapes[graph.output] or not isfinite(trace.value):
        return None
    if gradients.upstream != 1 or (trace.tensorial and sum(map(size, trace.shapes)) > ENTRIES):
        return None
    found = [(name, *largest(gradients[name])) for name in names]
    name, index, slope = max(found, key=lambda each: (not isnan(each[2]), abs(each[2])))
    if not slope or not isfinite(slope):
        return None
    if trace.tensorial and abs(STEPS[0] * slope) <= ROUNDING * max(map(_magnitude, trace.values)):
        return None  # no more than what rounding leaves of numbers that cancel
    at = {variable: trace.values[i] for variable, i in graph.inputs.items()}
    for step in STEPS:
        bent = STRAIGHT * abs(step * slope)
        up = graph.forward({**at, name: _raised(at[name], index, step)}).value - trace.value
        down = trace.value - graph.forward({**at, name: _raised(at[name], index, -step)}).value
        if abs(up - step * slope) <= bent and abs(down - step * slope) <= bent:
            return Nudge(place(name, index), step, step * slope)
    return None


def _magnitude(value: Value) -> float:
    """The largest magnitude of all entries."""
    found = abs(largest(value)[1])
    return found if isfinite(found) else 0.0


def _raised(value: Value, index: Index, step: float) -> Value:
    """A value with one entry raised."""
    if not index:
        return value + step
    raised = value.copy()
    raised[index] += step
    return raised
