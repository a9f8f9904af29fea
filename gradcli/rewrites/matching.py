"""Whether a formula stands at a node of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from gradcli.graph import Graph, Literal
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.systems.floats import FLOATS

Alike = Callable[[int, int], bool]


class Pattern(NamedTuple):
    """A formula, and the row that it is.

    graph: the formula.   inputs: the places in it of the row's inputs, in the row's order.   numbers: of what else is
    unknown in it, and must be a number in the text.   size: ops that the formula has when it is written out.
    fused: whether fusion replaces it; the others are known for advice alone.   helper: an op that works on the inputs
    first, and the places of its own inputs among them; the row then has its result alone: sigmoid(-v).
    """

    op: Op
    graph: Graph
    inputs: tuple[int, ...]
    numbers: tuple[int, ...]
    size: int
    fused: bool = True
    helper: tuple[Op, tuple[int, ...]] | None = None


class Match(NamedTuple):
    """Where a formula was found.

    inputs: the nodes that stand for the row's inputs.   numbers: those that stand for the formula's numbers.
    inner: the nodes that the row replaces, beside the root.
    """

    inputs: tuple[int, ...]
    numbers: tuple[int, ...]
    inner: frozenset[int]


class Tape(NamedTuple):
    """The columns that matching reads."""

    ops: Sequence[Op]
    parents: Sequence[tuple[int, ...]]
    numbers: Mapping[int, Literal]


def matched(pattern: Pattern, tape: Tape, root: int, alike: Alike = int.__eq__) -> Match | None:
    """Where the formula's parts are, if the graph at this node is the formula.

    alike: whether two nodes can stand for the same variable of the formula.
    A sum or a product may be turned round; each way that is open is tried, and formulas are small.
    """
    formula = pattern.graph
    choices: list[tuple[dict[int, int], set[int], list[tuple[int, int]]]] = [({}, set(), [(formula.output, root)])]
    while choices:
        bound, inner, waiting = choices.pop()
        while waiting:
            p, i = waiting.pop()
            op = formula.ops[p]
            if op is INPUT:
                if not alike(bound.setdefault(p, i), i):
                    break
                continue
            if op is CONSTANT:
                if i not in tape.numbers or tape.numbers[i].value != formula.numbers[p].value:
                    break
                continue
            wanted, given = formula.parents[p], tape.parents[i]
            if len(wanted) != len(given) or not same(op, tape.ops[i]):
                break
            inner.add(i)
            if len(given) == 2 and given[0] != given[1] and symmetric(op):
                choices.append((dict(bound), set(inner), [*waiting, *zip(wanted, reversed(given), strict=True)]))
            waiting += zip(wanted, given, strict=True)
        else:
            numbers = tuple(bound[p] for p in pattern.numbers)
            if all(i in tape.numbers for i in numbers):
                return Match(tuple(bound[p] for p in pattern.inputs), numbers, frozenset(inner - {root}))
    return None


def same(one: Op, other: Op) -> bool:
    """Whether two nodes do the same: one row, with the same attributes."""
    return one is other or (one.definition is other.definition and one.bound == other.bound)


@cache
def symmetric(op: Op) -> bool:
    """Whether two inputs may change places, by the row's own sample points."""
    if op.structural or len(op.parameters) != 2 or not op.samples:
        return False
    function = FLOATS.functions[op]
    return all(function(*at) == function(*at[::-1]) for at in op.samples)
