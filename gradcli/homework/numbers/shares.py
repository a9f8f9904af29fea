"""Whether several answers at a kink come of one choice: the shares of max(x, y) at x = y add up to 1.

Each answer alone may lie anywhere between the one-sided derivatives. What a gate's sides make of a cell tells which
share of a side each answer stands for; together they must be the shares of one choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from gradcli.autodiff import Gradients
from gradcli.homework.numbers.intervals import bounds, fits
from gradcli.homework.numbers.kinks import bends, choices_at
from gradcli.homework.records import Number, Result, Rules, State
from gradcli.homework.sweeps import Outcome, sweep
from gradcli.notation import formula
from gradcli.words import Said

SLACK = 1e-6
"""How far shares may miss each other: the width of a hair."""

MOST = 2_000
"""Nodes of a graph; in a larger one answers are not compared with each other."""

Share = tuple[int, float, float]
"""Which side an answer gives a share to, and between which numbers this share is."""


def agreeing(result: Result, earlier: Sequence[Result], gradients: Gradients, rules: Rules) -> Result:
    """The same answer, wrong if it is right by another choice at a kink than the answers before it."""
    graph = gradients.graph
    if rules.at_kink != "interval" or gradients.trace.tensorial or len(graph) > MOST or not chosen(result):
        return result
    before = [other for other in earlier if chosen(other)]
    if not before or not any(map(bends, graph.kinds)) or all(usual(other, rules) for other in (*before, result)):
        return result
    gates = [choice for i in range(len(graph)) if (choice := choices_at(gradients, i)) is not None]
    swept = {gate.node: [sweep(gradients, side) for side in gate.sides] for gate in gates}
    for node, outcomes in swept.items():
        sides = corners(node, [outcome for outcome in outcomes if outcome is not None])
        others = [outcome for at, found in swept.items() if at != node for outcome in found if outcome is not None]
        own = share(result, sides, others, rules)
        if own is None:
            continue
        shares = [(other, found) for other in before if (found := share(other, sides, others, rules)) is not None]
        if possible([found for _, found in shares], len(sides)) and not possible(
            [own, *(found for _, found in shares)], len(sides)
        ):
            against = next((r for r, found in shares if not possible([own, found], len(sides))), shares[-1][0])
            several = len(graph.parents[node]) > 1
            said = Said(
                "numbers.shares" if several else "numbers.choice",
                {"node": formula(graph, node), "cell": against.answer.address.strip()},
            )
            return result._replace(state=State.WRONG, remarks=(said,))
    return result


def usual(result: Result, rules: Rules) -> bool:
    """Whether an answer is right by the convention of gradcli: all such answers are of one choice."""
    return (
        isinstance(result.given, Number) and isinstance(result.right, float) and fits(result.given, result.right, rules)
    )


def corners(node: int, sides: Sequence[Outcome]) -> list[Outcome]:
    """The sides that all choices lie between: of max(x, y, z), those where it takes one input, and not two."""
    alone = [side for side in sides if sum(bool(slope) for (i, _), slope in side.locals.items() if i == node) == 1]
    return alone if len(alone) > 1 else list(sides)


def chosen(result: Result) -> bool:
    """Whether an answer is a right number of the backward pass."""
    return result.state is State.RIGHT and isinstance(result.given, Number) and result.cell.kind != "value"


def share(result: Result, sides: Sequence[Outcome], others: Sequence[Outcome], rules: Rules) -> Share | None:
    """The share that an answer gives to a side of a gate; None where it does not tell, or other gates move it too."""
    cell, given = result.cell, result.given
    if not isinstance(given, Number) or any(unlike(outcome.read(cell), cell.value) for outcome in others):
        return None
    values = [value for outcome in sides if isinstance(value := outcome.read(cell), float) and isfinite(value)]
    if len(values) < len(sides):
        return None
    for at, value in enumerate(values):
        rest = [other for k, other in enumerate(values) if k != at]
        if rest and unlike(value, rest[0]) and not any(unlike(other, rest[0]) for other in rest):
            meant = (2 * given.value - end for end in bounds(given.value, given, rules))
            ends = [(end - rest[0]) / (value - rest[0]) for end in meant]
            return at, min(ends) - SLACK, max(ends) + SLACK
    return None


def possible(shares: Sequence[Share], count: int) -> bool:
    """Whether the shares of so many sides, 1 together, can be these."""
    low, high = [0.0] * count, [1.0] * count
    for at, least, most in shares:
        low[at], high[at] = max(low[at], least), min(high[at], most)
    return all(a <= b for a, b in zip(low, high, strict=True)) and sum(low) <= 1 + SLACK and sum(high) >= 1 - SLACK


def unlike(one: object, other: object) -> bool:
    """Whether two numbers are not the same; what is no number is like nothing."""
    if not isinstance(one, float) or not isinstance(other, float):
        return True
    return not abs(one - other) <= SLACK * max(abs(one), abs(other))
