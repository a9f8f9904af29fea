"""What went wrong first, where a value or a gradient is not finite: cause, consequence and advice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from math import isfinite, isnan
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients
from gradcli.cells import here
from gradcli.ops.op import CONSTANT
from gradcli.places import Index, entry, given, place
from gradcli.places import first as first_of
from gradcli.places import source as origin
from gradcli.soundness import DOMAIN, NAN, OVERFLOW, Fault, active_outside_domain, fault

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


def find_trouble(gradients: Gradients, wrt: Collection[str] | None = None) -> Trouble | None:
    """The first node that went wrong although what it was given was finite; None if all is well.

    Active nodes first; then those without a gradient that the output is computed from (`log(-1)*x`).
    wrt: the names whose gradients matter; every input unless given.
    """
    graph, values, adjoints = gradients.graph, gradients.trace.values, gradients.adjoints
    if wrt is not None:
        gradients = _Asked(gradients, wrt)
        adjoints = gradients.adjoints
    finite: Callable[[Any], bool] = gradients.trace.m.finite if gradients.trace.tensorial else isfinite
    lost = not all(g is None or finite(g) for g in adjoints)
    if not lost and all(map(finite, values)) and next(active_outside_domain(gradients), None) is None:
        return None  # an infinite local gradient would have made a gradient inf or nan
    found = _first(gradients, (i for i, g in enumerate(adjoints) if g is not None and graph.parents[i]))
    if found is None and not lost and finite(values[graph.output]):
        return None
    if found is None:
        found = _first(gradients, _taken(gradients))
    if found is None and not finite(values[graph.output]):  # nan is neither the larger nor the smaller: never chosen
        whole = Gradients(gradients.trace, adjoints, gradients.upstream)
        found = _first(whole, (i for i, parents in enumerate(graph.parents) if parents and graph.used[i]))
    if found is None:
        return _of_input(gradients) or _of_gradient(gradients)
    first, wrong = found
    with gradients.trace.m.quiet():
        advice = _advice(gradients, first, wrong) or _constant(gradients, first, wrong)
        cause, effect = _cause(gradients, first, wrong), _effect(gradients, first)
    return Trouble(first, graph.names[first], cause, effect, advice)


def _first(gradients: Gradients, nodes: Iterable[int]) -> tuple[int, Fault] | None:
    """The first of some nodes that went wrong by itself."""
    for i in nodes:
        found = fault(gradients, i)
        if found is not None:
            return i, found
    return None


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
        super().__init__(gradients.trace, kept, gradients.upstream, gradients.masks)

    def active(self, child: int, k: int) -> bool:
        """Whether an edge has a gradient that leads to an input asked for."""
        return bool(self.asked[self.graph.parents[child][k]]) and super().active(child, k)


def _taken(gradients: Gradients) -> Iterable[int]:
    """Every node that the output is computed from by the ways chosen, in tape order."""
    graph, values, m = gradients.graph, gradients.trace.values, gradients.trace.m
    taken = bytearray(len(graph))
    taken[graph.output] = 1
    for i in range(graph.output, -1, -1):
        if taken[i]:
            x = [values[p] for p in graph.parents[i]]
            for k, p in enumerate(graph.parents[i]):
                selected = graph.ops[i].selected(k)
                if selected is None or m.some(selected(m, *x)):
                    taken[p] = 1
    return [i for i, reached in enumerate(taken) if reached and graph.parents[i]]


# ── sentences ───────────────────────────────────────────────────────────────────────────────────────────────


def _cause(gradients: Gradients, i: int, fault: Fault) -> str:
    graph, index = gradients.graph, fault.where
    what = _located(gradients, i, index)
    if fault.kind == DOMAIN:
        return _outside(gradients, i, what)
    if fault.kind == NAN:
        return f"{what} is not a number"
    if fault.kind == OVERFLOW:
        value = notation.number(entry(gradients.trace.values[i], index))
        return f"{what} overflows: larger than any double, so {value}"
    edge = fault.edge
    if edge is None:
        return f"{what} went wrong"
    rule = notation.rule(graph, i, edge.k, here(edge))
    shown = f" = {notation.pretty(rule)}" if rule else ""
    if edge.whole:
        name = f"∂{graph.names[graph.output]}/∂{place(graph.names[edge.parent], index)}"
        return f"{what} passes down {name}{shown} = {notation.number(entry(edge.downstream, index))}"
    name = f"∂{graph.names[i]}/∂{graph.names[edge.parent]}{shown}"
    return f"{what} has the local gradient {name} = {notation.number(entry(edge.local, index))}"


def _outside(gradients: Gradients, i: int, what: str) -> str:
    """That a node is outside its domain, and what that is."""
    graph, values = gradients.graph, gradients.trace.values
    rule = graph.ops[i].predicate("domain")
    plain = [graph.ops[p] is CONSTANT and isinstance(values[p], float) for p in graph.parents[i]]
    constants = [values[p] if known else None for p, known in zip(graph.parents[i], plain, strict=True)]
    from gradcli.systems.conditions import said

    domain = said(rule, [notation.brief(graph.names[p]) for p in graph.parents[i]], constants) if rule else ""
    return f"{what} is outside its domain {domain}" if domain else f"{what} is not defined"


def _located(gradients: Gradients, i: int, index: Index = ()) -> str:
    """ "n2 = exp(n1) at n1 = 1000", "n1 = log(x) at x[2] = -1" """
    graph = gradients.graph
    formula = notation.formula(graph, i)
    name = graph.names[i]
    shown = formula if i == graph.output and i not in graph.labels else f"{name} = {formula}"
    at = given(gradients, i, index, SHOWN)
    return f"{shown} at {at}" if at else shown


def _effect(gradients: Gradients, first: int) -> str:
    """Where the gradient became nan, if it did so on its own: a product 0 × inf in the backward pass."""
    graph, values, m = gradients.graph, gradients.trace.values, gradients.trace.m
    if not m.finite(values[graph.output]):
        return ""
    for i in range(graph.output, first - 1, -1):
        if gradients.adjoints[i] is None or not graph.varied[i]:
            continue
        for k, p in enumerate(graph.parents[i]):
            if gradients.active(i, k) and _nan(gradients.adjoints[p]) is not None:
                edge = Edge(gradients, i, k)
                if edge.chosen and _nan(edge.downstream) is not None:
                    value = values[graph.output]
                    still = "finite" if gradients.trace.shapes[graph.output] else notation.number(value)
                    lost = _product(edge)
                    if lost:
                        name = graph.names[graph.output]
                        return f"{name} is still {still}, but its gradient is lost: {lost}"
    return ""


def _nan(value: Any) -> Index | None:
    """The first entry that is not a number; None if all are."""
    if value is None or isinstance(value, float):
        return () if value is not None and isnan(value) else None
    import numpy as np

    return first_of(np.isnan(value))


def _product(edge: Edge) -> str:
    """The product that is not a number: "at x[1] backward computes 0 × inf = nan"."""
    trace, name = edge.gradients.trace, edge.gradients.graph.names[edge.parent]
    if edge.whole:
        return f"what backward passes to {place(name, _nan(edge.downstream) or ())} is nan"
    with trace.m.quiet():
        index = _nan(edge.local * edge.upstream)
    if index is None:
        return ""
    at = place(name, origin(index, trace.shapes[edge.parent]))
    local, upstream = entry(edge.local, index), entry(edge.upstream, index)
    return f"at {at} backward computes {notation.number(local)} × {notation.number(upstream)} = nan"


def _of_gradient(gradients: Gradients) -> Trouble | None:
    """A gradient that overflows although all values and local gradients are finite: a product too large."""
    graph, adjoints, m = gradients.graph, gradients.adjoints, gradients.trace.m
    for i in range(graph.output, -1, -1):
        g = adjoints[i]
        if g is not None and m.finite(g):
            for k, p in enumerate(graph.parents[i]):
                arrived = adjoints[p]
                if arrived is not None and not m.finite(arrived) and gradients.active(i, k):
                    name = graph.names[p]
                    cause = f"∂{graph.names[graph.output]}/∂{place(name, _infinite(arrived))} overflows"
                    return Trouble(p, name, f"{cause}: larger than any double")
    return None


def _of_input(gradients: Gradients) -> Trouble | None:
    graph, values = gradients.graph, gradients.trace.values
    for name, i in graph.inputs.items():
        if graph.used[i] and not gradients.trace.m.finite(values[i]):
            index = _infinite(values[i])
            value = entry(values[i], index)
            how = "" if isnan(value) else "given as "
            return Trouble(i, name, f"{place(name, index)} is {how}{notation.number(value)}")
    return None


def _infinite(value: Any) -> Index:
    """The first entry that is not finite."""
    if isinstance(value, float):
        return ()
    import numpy as np

    return first_of(~np.isfinite(value)) or ()


# ── advice ──────────────────────────────────────────────────────────────────────────────────────────────────


def _constant(gradients: Gradients, first: int, fault: Fault) -> str:
    """How to leave out the one input whose gradient is lost, as that of an exponent below a negative base."""
    graph, edge, finite = gradients.graph, fault.edge, gradients.trace.m.finite
    lost = [name for name, gradient in gradients.items() if not finite(gradient)]
    others = [name for name in graph.inputs if name not in lost]
    if edge is None or not finite(gradients.trace.value) or len(lost) != 1 or not 0 < len(others) <= SHOWN:
        return ""
    return f"--wrt {','.join(others)} if {lost[0]} is a constant" if graph.inputs[lost[0]] == edge.parent else ""


DEEPEST = 16
"""Steps from a formula's first op to its last, at most."""


def _advice(gradients: Gradients, first: int, fault: Fault) -> str:
    """What to write for a formula that is a row's definition, but goes wrong where the row is finite."""
    from gradcli.rewrites.agreement import Side, convention, finite, same_function, single
    from gradcli.rewrites.matching import Tape, matched
    from gradcli.rewrites.patterns import known

    graph, values = gradients.graph, gradients.trace.values
    tape = Tape(graph.ops, graph.parents, graph.numbers)
    levels = {first: 0}  # what is computed from it within as many steps as a formula has
    for i in range(first + 1, len(graph)):
        nearest = min((levels[p] for p in graph.parents[i] if p in levels), default=DEEPEST)
        if nearest < DEEPEST:
            levels[i] = nearest + 1
    for pattern in known():
        op, root = pattern.op, pattern.graph.ops[pattern.graph.output]
        if pattern.helper is not None or root not in graph.kinds:
            continue
        for i in levels:
            if graph.ops[i] is not root:
                continue
            found = matched(pattern, tape, i)
            if found is None or first not in (i, *found.inputs, *found.inner):
                continue
            x = [values[p] for p in found.inputs + found.numbers]
            side = single(op, len(found.inputs), len(found.numbers))
            formula = Side(pattern.graph, pattern.inputs + pattern.numbers)
            if gradients.trace.tensorial and not same_function(formula, side, x, [True] * len(x)):
                continue
            instead = side.at(x)
            if finite(instead):
                call = notation.compose(op, [(notation.text(graph, p), 0) for p in found.inputs])[0]
                kink = convention(instead)
                if kink:
                    return f"write {call}: {kink}"
                overflows = fault.kind == OVERFLOW and graph.ops[first].domain is None
                return f"write {call}: it is {'computed so that nothing overflows' if overflows else 'finite here'}"
    return ""
