"""Rounding as people round, and the one step whose rounding is enough to lead to an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import copysign, floor, isfinite, log10

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.sweeps import Change, sweep
from gradcli.words import Said

NAMED = 200
"""Nodes among whose roundings the one that made the difference is looked for; in a larger graph it is not."""

Test = Callable[[Value], bool]
"""Whether a number counts as the answer."""


def half_up(value: float, digits: int, significant: bool) -> float:
    """A number rounded as people round: halves away from 0.

    >>> half_up(0.125, 2, False), half_up(-0.1966, 2, False), half_up(1234.0, 2, True)
    (0.13, -0.2, 1200.0)
    """
    if not isfinite(value) or value == 0 or abs(value) > 1e15:
        return value
    if significant:
        digits = digits - 1 - floor(log10(abs(value)))
    if not -300 < digits < 300:
        return value
    scale = 10.0 ** abs(digits)
    scaled = abs(value) * scale if digits >= 0 else abs(value) / scale
    whole = floor(scaled + 0.5 + 1e-9)
    return copysign(whole / scale if digits >= 0 else whole * scale, value)


def step(
    digits: int, parts: Sequence[bool], cell: Cell, gradients: Gradients, by_book: Change, fits: Test
) -> list[Said]:
    """The one step whose rounding is enough to lead to the answer, the last of several: ∂f/∂n3 = 0.1966 became 0.20."""
    if gradients.trace.tensorial or len(gradients.graph) > NAMED:
        return []
    for part in (part for part in (2, 1, 0) if parts[part]):
        last: list[Said] = []
        for at in range(NAMED):
            one = One(digits, at)
            change = Change(
                rounded=(one if part == 0 else None, one if part == 1 else None, one if part == 2 else None)
            )
            outcome = sweep(gradients, by_book | change)
            if one.before is None:
                break
            found = None if outcome is None else outcome.read(cell)
            if found is None or one.before == one.after or found == cell.value or not fits(found):
                continue
            name = named(part, one.before, gradients, cell)
            if name:
                before, after = f"{one.before:.{digits + 2}f}".rstrip("0"), f"{one.after:.{digits}f}"
                last = [Said("numbers.step", {"name": name, "before": before, "after": after})]
        if last:
            return last
    return []


class One:
    """Rounds the number that it is given as the `at`-th, and no other."""

    def __init__(self, digits: int, at: int) -> None:
        self.digits, self.left = digits, at
        self.before: float | None = None
        self.after = 0.0

    def __call__(self, value: Value) -> Value:
        """The number, rounded or as it is."""
        self.left -= 1
        if self.left != -1:
            return value
        self.before = float(value)
        self.after = half_up(self.before, self.digits, False)
        return self.after


def named(part: int, value: float, gradients: Gradients, cell: Cell) -> str:
    """What a number of the sweep is called: a forward value, a local gradient, or a gradient; not the answer itself."""
    graph, values = gradients.graph, gradients.trace.values
    names, output = graph.names, graph.names[graph.output]
    if part == 0:
        return next((names[i] for i in graph.shown if values[i] == value), "")
    if part == 1:
        return next((f"∂{names[e.child]}/∂{names[e.parent]}" for e in gradients.edges() if close(e.local, value)), "")
    found = [i for i in graph.shown if close(gradients.at(i), value) and i != graph.output]
    return next((f"∂{output}/∂{names[i]}" for i in reversed(found) if cell.kind != "grad" or i not in cell.nodes), "")


def close(a: float, b: float) -> bool:
    """Whether two numbers are one, but for rounding errors."""
    return abs(a - b) <= 1e-12 * abs(b)
