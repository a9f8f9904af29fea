"""Which variables matter, and what raising one of them does to the output."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, isnan
from typing import TYPE_CHECKING, NamedTuple

from gradcli.notation import number

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients

STEPS = (0.01, 0.001, 1e-4, 1e-5)
"""How far the most influential input is raised: the first step over which the graph is straight enough."""

STRAIGHT = 0.05
"""How far the output's real change may be from step × gradient, relatively, for a Nudge to say it."""

NUDGED = 20_000
"""Nodes up to which the change is tried out by a forward pass."""


class Nudge(NamedTuple):
    """What raising a variable by a little does to the output."""

    name: str
    step: float
    change: float

    def sentence(self, output: str) -> str:
        """In words: "raise x1 by 0.01 and f falls by about 0.0059"."""
        verb = "rises" if self.change > 0 else "falls"
        step, change = number(self.step), number(float(f"{abs(self.change):.2g}"))
        return f"raise {self.name} by {step} and {output} {verb} by about {change}"


def ranked(pairs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """(name, gradient) by size, the largest first; what is not a number comes last."""
    return sorted(pairs, key=lambda pair: (isnan(pair[1]), -abs(pair[1])))


def find_nudge(gradients: Gradients, name: str) -> Nudge | None:
    """What raising a variable does; None where a straight line would mislead.

    The change is tried out by forward passes both ways, so that at a kink, or on a steep curve, nothing false
    is said.
    """
    graph, slope, value = gradients.graph, gradients[name], gradients.trace.value
    if len(graph) > NUDGED or gradients.upstream != 1 or not slope or not isfinite(slope) or not isfinite(value):
        return None
    at = {variable: gradients.trace.values[i] for variable, i in graph.inputs.items()}
    for step in STEPS:
        bent = STRAIGHT * abs(step * slope)
        up = graph.forward({**at, name: at[name] + step}).value - value
        down = value - graph.forward({**at, name: at[name] - step}).value
        if abs(up - step * slope) <= bent and abs(down - step * slope) <= bent:
            return Nudge(name, step, step * slope)
    return None
