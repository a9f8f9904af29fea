"""The steps of the page: the lines of `explain`, with its numbers and its numbering.

Of a graph of numbers the page works the lines out again when an input moves. So their numbers are not written here,
but named by key: v3 is the value of the node at 3, g3 its gradient; l5, d5 what is local to the edge 5 and what it
passes down. Everything else in a line stands as it does in `explain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.notation import ATOM, Part
from gradcli.ops.op import CONSTANT
from gradcli.render.drawn import shortened
from gradcli.render.explain import PRODUCT, Wishes, Writer, binding, number, role
from gradcli.render.figures import Style
from gradcli.render.grid import over
from gradcli.report import EdgeRow, Report
from gradcli.steps import LONG, Chain, Figured, Formula, Named, Product, Quotient, Solution, Step, Sum, Term
from gradcli.systems.source import edges
from gradcli.words import Words

MARK = re.compile("\ue000(\\w+)\ue001")
"""A key within a formula; no name has these letters."""

TEXT = 400
"""Characters of a term."""

Shown = Any
"""A term as the page reads it: a text; [key] of a number; {"f": pieces} of a formula with numbers put in; {"s": terms}
of a sum; {"p": factors, "b": those that need brackets whatever their numbers} of a product."""


class Key(NamedTuple):
    """A number by its key."""

    text: str


class Move(NamedTuple):
    """One step of the page.

    node: its tape position.   edges: along which it goes.   lines: what stands beside the picture.
    """

    number: int
    backward: bool
    node: int
    edges: tuple[int, ...]
    lines: list[dict[str, Shown]]


class Symbols(Solution):
    """A solution whose numbers are keys."""

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What stands for each node in a formula with its numbers put in."""
        return {self.graph.names[i]: f"\ue000v{i}\ue001" for i in self.graph.shown}

    def evaluated(self, i: int) -> Chain:
        """`n1 = w0*x0 = 2*(-1) = -2`."""
        graph, values = self.graph, self.report.source.trace.values
        links: list[Term] = [Named(graph.names[i]), Formula(notation.formula(graph, i))]
        parts: list[Part] = [
            (self.bracketed(values[p]) if graph.ops[p] is CONSTANT else self.known[graph.names[p]], ATOM)
            for p in graph.parents[i]
        ]
        put_in = notation.compose(graph.ops[i], parts)[0]
        if len(put_in) <= LONG:
            links.append(Formula(put_in))
        return (*links, Figured(Key(f"v{i}")))


class Tour:
    """Both passes, step by step.

    live: whether the page works its numbers out again.   steps: whether there are any, or too many to go through.
    words: in which language gates say what they do.
    """

    def __init__(self, report: Report, style: Style, words: Words, *, live: bool, steps: bool = True) -> None:
        self.report, self.style, self.words, self.live, self.steps = report, style, words, live, steps
        kind = Symbols if live else Solution
        self.solution = kind(report, number(style), over(report), Wishes().way)
        self.writer = Writer(self.solution, style)

    @cached_property
    def edges(self) -> list[tuple[int, int]]:
        """(child, which of its inputs): all that can have a gradient; those that have one, where nothing moves."""
        if self.live:
            return list(edges(self.report.graph))
        return [(edge.child, edge.k) for edge in self.report.source.edges()]

    @cached_property
    def slots(self) -> dict[tuple[int, int], int]:
        """Edge → its place among the edges."""
        return {edge: at for at, edge in enumerate(self.edges)}

    @cached_property
    def rows(self) -> list[EdgeRow]:
        """The rows of the edges, as things are at the beginning."""
        rows = []
        for child, k in self.edges:
            row = self.report.edge_row(child, k)
            reached = self.report.source.adjoints[child] is not None
            rows.append(row if reached else row._replace(downstream=0.0))
        return rows

    @cached_property
    def leaving(self) -> dict[int, list[int]]:
        """Node → the edges that leave it."""
        leaving: dict[int, list[int]] = {}
        for at, (child, k) in enumerate(self.edges):
            leaving.setdefault(self.report.graph.parents[child][k], []).append(at)
        return leaving

    @cached_property
    def moves(self) -> list[Move]:
        """The steps, numbered as `explain` numbers them."""
        if not self.steps:
            return []
        return [*self.forward(), *(self.backward_live() if self.live else self.backward())]

    @cached_property
    def computed(self) -> dict[int, int]:
        """Node → the step in which its value appears."""
        return {move.node: move.number for move in self.moves if not move.backward}

    @cached_property
    def returned(self) -> dict[int, int]:
        """Node → the step in which its gradient appears."""
        return {move.node: move.number for move in self.moves if move.backward}

    def forward(self) -> Iterator[Move]:
        """A step for each gate."""
        for step in self.solution.forward():
            op = self.report.graph.ops[step.node]
            remark = self.words.say("explain.gate", op=op.called or op.name)
            yield Move(step.number, False, step.node, (), [self.line(step.chain, remark)])

    def backward(self) -> Iterator[Move]:
        """A step for each node that has a gradient."""
        lines: list[dict[str, Shown]] = []
        along: list[int] = []
        for step in self.solution.backward():
            lines.append(self.line(step.chain, self.remark(step), self.path(step.through)))
            if step.edge is not None:
                along.append(self.slots[step.edge.child, step.edge.k])
            if step.number:
                yield Move(step.number, True, step.node, tuple(along), lines)
                lines, along = [], []

    def backward_live(self) -> Iterator[Move]:
        """The same for every edge that can have a gradient."""
        graph, top, words = self.report.graph, self.solution.top, self.words
        for number_, i in enumerate(
            self.solution.reached if self.report.pulled_back else (), len(self.solution.forward()) + 1
        ):
            (row,) = self.report.node_rows((i,), 0)
            last = Figured(Key(f"g{i}"))
            along = self.leaving.get(i, [])
            if i == graph.output:
                yield Move(
                    number_, True, i, (), [self.line((Quotient(top, row.name), last), words.say("explain.start"))]
                )
                continue
            lines = []
            alone = len(along) == 1
            for at in along:
                child = self.rows[at].child
                edge = self.rows[at]._replace(
                    local=Key(f"l{at}"), upstream=Key(f"g{child}"), downstream=Key(f"d{at}"), chosen=True
                )
                op = graph.ops[child]
                line = self.line(
                    self.solution.passed(edge, row, alone=alone),
                    role(op, words),
                    "" if alone else self.path(edge.child_name),
                )
                if op.selected(edge.k) is not None:
                    line |= {"e": at, "n": words.say("explain.not_chosen", op=op.called or op.name), "k": int(alone)}
                lines.append(line)
            if not alone:
                parts = tuple(Figured(Key(f"d{at}")) for at in along)
                total = (Quotient(top, row.name), *((Sum(parts, len(parts)),) if parts else ()), last)
                times = words.say("explain.sum", times=len(along)) if along else words.say("explain.nothing")
                lines.append(self.line(total, times))
            yield Move(number_, True, i, tuple(along), lines)

    def path(self, child: str) -> str:
        """Which path a line is of."""
        return self.words.say("explain.through", node=child) if child else ""

    def remark(self, step: Step) -> str:
        """What stands behind a line."""
        graph, words = self.report.graph, self.words
        if step.edge is not None:
            op = graph.ops[step.edge.child]
            return role(op, words) if step.edge.chosen else words.say("explain.not_chosen", op=op.called or op.name)
        if step.node == graph.output:
            return words.say("explain.start")
        return words.say("explain.sum", times=step.times) if step.times else words.say("explain.nothing")

    def line(self, chain: Chain, remark: str, path: str = "") -> dict[str, Shown]:
        """A line as the page reads it."""
        links = (
            [self.shown(term) for term in chain]
            if self.live
            else [shortened(text, TEXT) for text, _ in self.writer.chain(chain)]
        )
        found: dict[str, Shown] = {"t": links}
        if path:
            found["p"] = path
        if remark:
            found["r"] = remark
        return found

    def shown(self, term: Term) -> Shown:
        """A term whose numbers are keys."""
        if isinstance(term, Figured) and isinstance(term.value, Key):
            return [term.value.text]
        if isinstance(term, Product):
            loose = [isinstance(each, Formula) and binding(MARK.sub("1", each.text)) < PRODUCT for each in term.terms]
            return {"p": [self.shown(each) for each in term.terms], "b": [k for k, each in enumerate(loose) if each]}
        if isinstance(term, Sum):
            return {"s": [self.shown(each) for each in term.terms]}
        if isinstance(term, Formula) and MARK.search(term.text):
            pieces = MARK.split(term.text)
            return {"f": [[piece] if k % 2 else piece for k, piece in enumerate(pieces) if piece]}
        return shortened(self.writer.term(term), TEXT)
