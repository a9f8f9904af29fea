"""What went wrong first, where a value or a gradient is not finite: cause, consequence and advice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from math import isfinite, isinf, isnan
from typing import NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients
from gradcli.ops.op import CONSTANT
from gradcli.systems.floats import FLOATS

SHOWN = 4
"""Inputs of a node whose values a sentence lists."""


class Trouble(NamedTuple):
    """The first active node that went wrong.

    cause: "log(x) at x = -1 is outside its domain x > 0".   effect: what became of the gradient.
    advice: what to write instead, if the table knows.
    """

    node: int
    name: str
    cause: str
    effect: str = ""
    advice: str = ""


def active_outside_domain(gradients: Gradients) -> Iterator[int]:
    """The active nodes whose inputs are numbers outside the op's domain, in tape order."""
    graph, varied, adjoints = gradients.graph, gradients.graph.varied, gradients.adjoints
    guarded = {op for op in set(graph.ops) if op.domain is not None}
    if guarded:
        for i, op in enumerate(graph.ops):
            if op in guarded and adjoints[i] is not None and varied[i] and _outside(gradients, i):
                yield i


def find_trouble(gradients: Gradients, wrt: Collection[str] | None = None) -> Trouble | None:
    """The first node that went wrong although what it was given was finite; None if all is well.

    Active nodes first; then those without a gradient that the output is computed from (`log(-1)*x`).
    wrt: the names whose gradients matter; every input unless given.
    """
    graph, values, adjoints = gradients.graph, gradients.trace.values, gradients.adjoints
    if wrt is not None:
        gradients = _Asked(gradients, wrt)
        adjoints = gradients.adjoints
    finite = all(map(isfinite, values)) and all(g is None or isfinite(g) for g in adjoints)
    if finite and next(active_outside_domain(gradients), None) is None:
        return None  # an infinite local gradient would have made a gradient inf or nan
    reached = (i for i, g in enumerate(adjoints) if g is not None and graph.parents[i])
    first = next((i for i in reached if not _sound(gradients, i)), None)
    if first is None and isfinite(values[graph.output]) and all(g is None or isfinite(g) for g in adjoints):
        return None
    if first is None:
        first = next((i for i in _taken(gradients) if not _sound(gradients, i)), None)
    if first is None:
        return _of_input(gradients) or _of_gradient(gradients)
    advice = _advice(gradients, first) or _constant(gradients, first)
    return Trouble(first, graph.names[first], _cause(gradients, first), _effect(gradients, first), advice)


class _Asked(Gradients):
    """The gradients on the ways from the inputs that were asked for; of the others, none."""

    def __init__(self, gradients: Gradients, wrt: Collection[str]) -> None:
        graph = gradients.graph
        self.asked = bytearray(len(graph))
        for name in wrt:
            self.asked[graph.position(name)] = 1
        for i, parents in enumerate(graph.parents):
            if any(self.asked[p] for p in parents):
                self.asked[i] = 1
        self.asked[graph.output] = 1
        kept = [g if asked else None for g, asked in zip(gradients.adjoints, self.asked, strict=True)]
        super().__init__(gradients.trace, kept, gradients.upstream)

    def active(self, child: int, k: int) -> bool:
        """Whether an edge has a gradient that leads to an input asked for."""
        return bool(self.asked[self.graph.parents[child][k]]) and super().active(child, k)


def _sound(gradients: Gradients, i: int) -> bool:
    """Whether a node is right, or merely passes on what was wrong before it."""
    values = gradients.trace.values
    parents = gradients.graph.parents[i]
    if not all(isfinite(values[p]) for p in parents):
        return True
    return isfinite(values[i]) and not _outside(gradients, i) and _bad_edge(gradients, i) is None


def _outside(gradients: Gradients, i: int) -> bool:
    graph = gradients.graph
    domain = graph.ops[i].predicate("domain")
    x = [gradients.trace.values[p] for p in graph.parents[i]]
    return domain is not None and not any(map(isnan, x)) and not domain(FLOATS, *x)


def _bad_edge(gradients: Gradients, child: int) -> Edge | None:
    """The first active edge into a node whose local gradient is not finite."""
    for k in range(len(gradients.graph.parents[child])):
        if gradients.active(child, k) and not isfinite((edge := Edge(gradients, child, k)).local):
            return edge
    return None


def _taken(gradients: Gradients) -> Iterable[int]:
    """Every node that the output is computed from by the ways chosen, in tape order."""
    graph, values = gradients.graph, gradients.trace.values
    taken = bytearray(len(graph))
    taken[graph.output] = 1
    for i in range(graph.output, -1, -1):
        if taken[i]:
            x = [values[p] for p in graph.parents[i]]
            for k, p in enumerate(graph.parents[i]):
                selected = graph.ops[i].selected(k)
                if selected is None or selected(FLOATS, *x):
                    taken[p] = 1
    return [i for i, reached in enumerate(taken) if reached and graph.parents[i]]


# ── sentences ───────────────────────────────────────────────────────────────────────────────────────────────


def _cause(gradients: Gradients, i: int) -> str:
    graph, values = gradients.graph, gradients.trace.values
    what = _located(gradients, i)
    if _outside(gradients, i):
        rule = graph.ops[i].predicate("domain")
        constants = [values[p] if graph.ops[p] is CONSTANT else None for p in graph.parents[i]]
        from gradcli.systems.conditions import said

        domain = said(rule, [graph.names[p] for p in graph.parents[i]], constants) if rule is not None else ""
        return f"{what} is outside its domain {domain}" if domain else f"{what} is not defined"
    if isnan(values[i]):
        return f"{what} is not a number"
    if not isfinite(values[i]):
        return f"{what} overflows: larger than any double, so {notation.number(values[i])}"
    edge = _bad_edge(gradients, i)
    if edge is None:
        return f"{what} went wrong"
    rule_text = notation.rule(graph, i, edge.k)
    name = f"∂{graph.names[i]}/∂{graph.names[edge.parent]}" + (f" = {notation.pretty(rule_text)}" if rule_text else "")
    return f"{what} has the local gradient {name} = {notation.number(edge.local)}"


def _located(gradients: Gradients, i: int) -> str:
    """ "n2 = exp(n1) at n1 = 1000" """
    graph, values = gradients.graph, gradients.trace.values
    formula = notation.formula(graph, i)
    name = graph.names[i]
    shown = formula if i == graph.output and i not in graph.labels else f"{name} = {formula}"
    given = list(dict.fromkeys(p for p in graph.parents[i] if graph.ops[p] is not CONSTANT))
    at = ", ".join(f"{graph.names[p]} = {notation.number(values[p])}" for p in given[:SHOWN])
    return f"{shown} at {at}" + (" …" if len(given) > SHOWN else "") if given else shown


def _effect(gradients: Gradients, first: int) -> str:
    """Where the gradient became nan, if it did so on its own: a product 0 × inf in the backward pass."""
    graph, values = gradients.graph, gradients.trace.values
    if not isfinite(values[graph.output]):
        return ""
    for i in range(graph.output, first - 1, -1):
        if gradients.adjoints[i] is None or not graph.varied[i]:
            continue
        for k, p in enumerate(graph.parents[i]):
            if gradients.active(i, k) and isnan(gradients.adjoints[p] or 0.0):
                edge = Edge(gradients, i, k)
                if edge.chosen and isnan(edge.downstream):
                    product = f"{notation.number(edge.local)} × {notation.number(edge.upstream)} = nan"
                    value = f"{graph.names[graph.output]} is still {notation.number(values[graph.output])}"
                    return f"{value}, but its gradient is lost: at {graph.names[p]} backward computes {product}"
    return ""


def _of_gradient(gradients: Gradients) -> Trouble | None:
    """A gradient that overflows although all values and local gradients are finite: a product too large."""
    graph, adjoints = gradients.graph, gradients.adjoints
    for i in range(graph.output, -1, -1):
        g = adjoints[i]
        if g is not None and isfinite(g):
            for k, p in enumerate(graph.parents[i]):
                arrived = adjoints[p]
                if arrived is not None and not isfinite(arrived) and gradients.active(i, k):
                    name = graph.names[p]
                    cause = f"∂{graph.names[graph.output]}/∂{name} overflows: larger than any double"
                    return Trouble(p, name, cause)
    return None


def _of_input(gradients: Gradients) -> Trouble | None:
    graph, values = gradients.graph, gradients.trace.values
    for name, i in graph.inputs.items():
        if graph.used[i] and not isfinite(values[i]):
            given = "" if isnan(values[i]) else "given as "
            return Trouble(i, name, f"{name} is {given}{notation.number(values[i])}")
    return None


# ── advice ──────────────────────────────────────────────────────────────────────────────────────────────────


def _constant(gradients: Gradients, first: int) -> str:
    """How to leave out the one input whose gradient is lost, as that of an exponent below a negative base."""
    graph = gradients.graph
    edge = _bad_edge(gradients, first)
    lost = [name for name, gradient in gradients.items() if not isfinite(gradient)]
    others = [name for name in graph.inputs if name not in lost]
    if edge is None or not isfinite(gradients.trace.value) or len(lost) != 1 or not 0 < len(others) <= SHOWN:
        return ""
    return f"--wrt {','.join(others)} if {lost[0]} is a constant" if graph.inputs[lost[0]] == edge.parent else ""


def _advice(gradients: Gradients, first: int) -> str:
    """What to write for a formula that is a row's definition, but goes wrong where the row is finite."""
    from gradcli.rewrites.agreement import convention, finite, single
    from gradcli.rewrites.matching import Tape, matched
    from gradcli.rewrites.patterns import known

    graph, values = gradients.graph, gradients.trace.values
    tape = Tape(graph.ops, graph.parents, graph.numbers)
    for pattern in known():
        op, root = pattern.op, pattern.graph.ops[pattern.graph.output]
        for i in range(first, len(graph)):
            if graph.ops[i] is not root:
                continue
            found = matched(pattern, tape, i)
            if found is None or first not in (i, *found.inputs, *found.inner):
                continue
            instead = single(op, len(found.inputs)).at([values[p] for p in found.inputs])
            if finite(instead):
                call = notation.compose(op, [(notation.text(graph, p), 0) for p in found.inputs])[0]
                kink = convention(instead)
                if kink:
                    return f"write {call}: {kink}"
                overflows = isinf(values[first]) and graph.ops[first].domain is None
                return f"write {call}: it is {'computed so that nothing overflows' if overflows else 'finite here'}"
    return ""
