"""A solution step by step, as a teacher writes it on the board: forward from the inputs, backward from the output.

The steps are read off the Report, as the table is, so that the two cannot disagree. They are data: chains of equal
terms, `∂f/∂q = ∂f/∂f · ∂f/∂q = 1 · z = 1 · (-4) = -4`, which renderers write in their own ways.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from math import isclose, isfinite
from typing import NamedTuple

from gradcli import notation
from gradcli.autodiff import Value
from gradcli.graph import Graph
from gradcli.notation import ATOM, Part
from gradcli.ops.op import CONSTANT, INPUT
from gradcli.places import size
from gradcli.report import EdgeRow, NodeRow, Report

SMALL = 16
"""Entries of a tensor that is put into a formula as a number is."""

LONG = 160
"""Characters of a formula with numbers put in; a longer one is left out of its chain."""

LEVELS = 12
"""Factors of a chain from the output; a longer one begins with a gradient that is known."""

STYLES = ("leibniz", "cs231n", "book")
"""Ways of writing a step: ∂f/∂n · ∂n/∂x; [local] × [upstream]; the whole chain from the output."""

Figure = Callable[[Value], str]


class Quotient(NamedTuple):
    """∂above/∂below."""

    above: str
    below: str


class Formula(NamedTuple):
    """A formula of our language."""

    text: str


class Passed(NamedTuple):
    """What an op on whole tensors passes down, by its rule."""

    edge: EdgeRow


class Figured(NamedTuple):
    """A number, or a tensor."""

    value: Value


class Named(NamedTuple):
    """A node by its name."""

    text: str


class Product(NamedTuple):
    """Terms multiplied.   boxed: in CS231n's brackets, [local] × [upstream]."""

    terms: tuple[Term, ...]
    boxed: bool = False


class Sum(NamedTuple):
    """The first terms of a sum; `of` is how many there are."""

    terms: tuple[Term, ...]
    of: int


Term = Quotient | Formula | Passed | Figured | Named | Product | Sum
Chain = tuple[Term, ...]


class Step(NamedTuple):
    """One line of the solution.

    number: counted over both passes; 0 for a part of a step.   node: its tape position.   chain: equal terms.
    through: the child whose path it is, where a node is used several times; `times` of them, at the sum.
    edge: the edge it goes along, if one.
    """

    number: int
    node: int
    chain: Chain
    through: str = ""
    times: int = 0
    edge: EdgeRow | None = None


class Solution:
    """Both passes, line by line.

    figure: how a number is put into a formula.   top: what is differentiated: the output, or the loss behind it.
    style: one of STYLES.   names: only what leads from these variables to the output; everything unless given.
    """

    def __init__(
        self, report: Report, figure: Figure, top: str, style: str = STYLES[0], names: Collection[str] | None = None
    ) -> None:
        self.report, self.figure, self.top, self.style, self.names = report, figure, top, style, names

    @property
    def graph(self) -> Graph:
        """The graph that is solved."""
        return self.report.graph

    @cached_property
    def nodes(self) -> list[int]:
        """The nodes that the solution tells of, in the table's order."""
        order = self.report.order
        if self.names is None:
            return order
        leading = self.graph.leading(self.names)
        needed = {i for i in order if leading[i] and self.graph.used[i]}
        behind = set(needed)
        for i in range(len(self.graph) - 1, -1, -1):
            if i in behind:
                behind.update(self.graph.parents[i])
        return [i for i in order if i in behind]

    @cached_property
    def reached(self) -> list[int]:
        """The nodes of which a gradient is worked out, from the output back."""
        graph = self.graph
        leading = graph.varied if self.names is None else graph.leading(self.names)
        told, names = set(self.nodes), graph.names
        back = [i for i in range(len(graph) - 1, -1, -1) if leading[i] and graph.used[i] and i in told]
        return [i for i in back if not self.report.untold(names[i])] if self.report.pulled_back else []

    @cached_property
    def inner(self) -> list[int]:
        """The nodes that are computed, in order."""
        ops = self.graph.ops
        return [i for i in self.nodes if ops[i] is not INPUT and ops[i] is not CONSTANT]

    @property
    def last(self) -> int:
        """The number of the last step; 0 where there is none."""
        return len(self.inner) + len(self.reached)

    def forward(self, numbers: Collection[int] | None = None) -> list[Step]:
        """The forward pass: each node's formula, the numbers put in, its value.

        numbers: of the steps that are wanted; all unless given.
        """
        counted = enumerate(self.inner, 1)
        return [Step(number, i, self.evaluated(i)) for number, i in counted if numbers is None or number in numbers]

    def evaluated(self, i: int) -> Chain:
        """`n1 = w0*x0 = 2*(-1) = -2`."""
        graph, values = self.graph, self.report.source.trace.values
        links: list[Term] = [Named(graph.names[i]), Formula(notation.formula(graph, i))]
        if all(size_of(values[p]) <= SMALL for p in graph.parents[i]):
            parts: list[Part] = [(self.bracketed(values[p]), ATOM) for p in graph.parents[i]]
            put_in = bare(notation.compose(graph.ops[i], parts)[0])
            if len(put_in) <= LONG:
                links.append(Formula(put_in))
        return (*links, Figured(values[i]))

    def backward(self, numbers: Collection[int] | None = None, paths: int | None = None) -> list[Step]:
        """The backward pass: for each node what arrives along each edge, and their sum.

        numbers: of the steps that are wanted; all unless given.   paths: of one node that are told, at most.
        """
        steps: list[Step] = []
        counted = enumerate(self.reached, len(self.inner) + 1)
        picked = [(number, i) for number, i in counted if numbers is None or number in numbers]
        reached = set(self.reached)
        limit = paths if self.names is None else None
        for (number, i), row in zip(picked, self.report.node_rows([i for _, i in picked], limit), strict=True):
            left = Quotient(self.top, row.name)
            gradient = Figured(row.gradient)
            if i == self.graph.output:
                steps.append(Step(number, i, (left, gradient)))
                continue
            edges = [edge for edge in row.edges if edge.child in reached]
            count = len(edges) + (row.uses - len(row.edges))
            several, children = count > 1, Counter(edge.child for edge in edges)
            for edge in edges:
                path = edge.child_name + (f" #{edge.duplicate}" if children[edge.child] > 1 else "")
                chain = self.passed(edge, row, alone=not several)
                steps.append(Step(0 if several else number, i, chain, path if several else "", 0, edge))
            if count != 1:
                parts = tuple(Figured(edge.downstream) for edge in edges)
                total: Chain = (left, *((Sum(parts, count),) if parts else ()), gradient)
                steps.append(Step(number, i, total, times=count))
        return steps

    def passed(self, edge: EdgeRow, row: NodeRow, *, alone: bool) -> Chain:
        """What an edge passes down, from its symbols to its number.

        alone: whether it is all that the node receives.
        """
        left: tuple[Term, ...] = (Quotient(self.top, row.name),) if alone else ()
        down = Figured(edge.downstream)
        if not edge.chosen and (edge.local is None or len(self.graph.parents[edge.child]) > 1):
            return (*left, down)
        if edge.kind in ("jacobian", "rule"):
            return (*left, *((Passed(edge),) if edge.rule else ()), down)
        local = Quotient(edge.child_name, row.name)
        rules = self.ruled(edge)
        upstream = Figured(edge.upstream)
        if self.style == "cs231n":
            return (
                *left,
                Product((local, Quotient(self.top, edge.child_name)), boxed=True),
                *(Product((rule, upstream), boxed=True) for rule in rules),
                down,
            )
        if self.style == "book":
            way = self.way(edge.child)
            symbols = Product((*(Quotient(above, below) for above, below in way), local))
            numbers = self.along(way, rules[-1])
            return (*left, symbols, *((numbers,) if numbers is not None else ()), down)
        links = [Product((Quotient(self.top, edge.child_name), local))]
        links += [Product((upstream, rule)) for rule in rules]
        return (*left, *links, down)

    def ruled(self, edge: EdgeRow) -> list[Term]:
        """A local gradient: its rule, the numbers put into it, its number.

        No rule where it is not true of this point: at a tie max passes on a half.
        """
        found: list[Term] = []
        if edge.rule and not is_number(edge.rule) and self.holds(edge):
            found.append(Formula(edge.rule))
            put_in = self.put_in(edge.rule)
            if put_in and put_in != edge.rule:
                found.append(Formula(put_in))
        return [*found, Figured(edge.local)]

    def holds(self, edge: EdgeRow) -> bool:
        """Whether a rule gives the local gradient at this point."""
        graph, trace = notation.parsed(edge.rule), self.report.source.trace
        if graph is None or not isinstance(edge.local, float) or trace.tensorial:
            return True
        found = {name: self.graph.find(name) for name in graph.inputs}
        if None in found.values():
            return True
        value = graph.forward({name: trace.values[i] for name, i in found.items() if i is not None}).value
        close = isclose(value, edge.local, rel_tol=1e-6, abs_tol=1e-12)
        return close or not isfinite(value)

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What stands for each node in a formula with its numbers put in."""
        values, names = self.report.source.trace.values, self.graph.names
        shown = self.graph.shown
        return {names[i]: self.bracketed(values[i]) for i in shown if size_of(values[i]) <= SMALL}

    def put_in(self, rule: str) -> str:
        """A formula with numbers for its names; nothing where that would be long."""
        graph = notation.parsed(rule)
        if graph is None or not all(name in self.known for name in graph.inputs):
            return ""
        text = bare(
            notation.inlined(
                graph, graph.output, lambda i: None, notation.compose, lambda name: self.known.get(name, name)
            )
        )
        return text if len(text) <= LONG else ""

    def bracketed(self, value: Value) -> str:
        """A number as it is put into a formula: a negative one in brackets."""
        text = self.figure(value)
        return f"({text})" if text.startswith("-") else text

    def way(self, i: int) -> list[tuple[str, str]]:
        """The quotients from the output down to a node while there is one path alone, and a short one.

        Where there are several, or the path is long, it begins with the gradient that is known already.
        """
        names, leaving = self.graph.names, self.report.source.leaving
        way: list[tuple[int, int]] = []
        at = i
        while at != self.graph.output and len(leaving.get(at, ())) == 1 and len(way) < LEVELS:
            edge = leaving[at][0]
            way.append((edge.child, at))
            at = edge.child
        if at != self.graph.output:
            way.append((-1, at))
        return [(self.top if above < 0 else names[above], names[below]) for above, below in reversed(way)] or [
            (self.top, names[i])
        ]

    def along(self, way: Sequence[tuple[str, str]], last: Term) -> Term | None:
        """The numbers along a way from the output."""
        gradients, graph = self.report.source, self.graph
        terms: list[Term] = []
        for above, below in way:
            at = graph.position(below)
            edge = next(iter(gradients.leaving.get(at, ())), None)
            if edge is None or graph.names[edge.child] != above:
                terms.append(Figured(gradients.at(at)))
                continue
            local = edge.local
            if local is None:
                return None
            terms.append(Figured(local))
        return Product((*terms, last))


def bare(text: str) -> str:
    """A formula with numbers put in, without the brackets that a call, or the whole, makes needless.

    >>> bare("exp((-1))+max((-2),3)"), bare("(-4)"), bare("2*(-1)"), bare("[(-2),1]"), bare("(-2)^(-3)")
    ('exp(-1)+max(-2,3)', '-4', '2*(-1)', '[-2,1]', '(-2)^-3')
    """
    text = re.sub(r"(?<=[(,\[])\((-[^(),]*)\)(?=[),\]])", r"\1", text)
    text = re.sub(r"\^\((-[\d.]+)\)", r"^\1", text)
    return text[1:-1] if re.fullmatch(r"\(-[^()]*\)", text) else text


def size_of(value: Value) -> int:
    """How many entries a value has."""
    return size(getattr(value, "shape", ()))


def is_number(text: str) -> bool:
    """Whether a rule is a number alone."""
    try:
        float(text)
    except ValueError:
        return False
    return True
