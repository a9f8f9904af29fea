"""Everything that a renderer sees of one evaluation, as data: rows of nodes and edges, and what to say about them.

A Report is cheap to build: rows and texts are made when asked for, so that a graph of a million nodes can be
summarised without a million rows. It draws nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.graph import Graph
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.systems.floats import FLOATS
from gradcli.systems.reading import OUTPUT, READS
from gradcli.trouble import Trouble, active_outside_domain, find_trouble

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.verify import Verification

STEPS = (0.01, 0.001, 1e-4, 1e-5)
"""How far the most influential input is raised: the first step over which the graph is straight enough."""

STRAIGHT = 0.05
"""How far the output's real change may be from step × gradient, relatively, for `Nudge` to say it."""

NUDGED = 20_000
"""Nodes up to which the change is tried out by a forward pass."""


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One edge: the chain rule's product along it.

    duplicate: 1, or 2, 3 … for a further edge between the same two nodes.   op: the child's, "via" which it goes.
    rule: the textbook's local gradient in node names.   chosen: False where the child selects another input.
    """

    parent: int
    child: int
    k: int
    parent_name: str
    child_name: str
    duplicate: int
    op: str
    rule: str
    local: float
    upstream: float
    downstream: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node.

    formula: one level of it, in node names; empty for a leaf.   written: as the user wrote it.
    gradient: None where there is none: a constant, a truth value, an input that was not asked for.
    why: why no gradient arrives, if none does.   edges: the active edges that leave it; its gradient is their sum.
    """

    index: int
    name: str
    op: str
    gate: str
    role: str
    formula: str
    written: str
    inputs: tuple[int, ...]
    value: float
    gradient: float | None
    why: str
    edges: tuple[EdgeRow, ...]


@dataclass(frozen=True, slots=True)
class Nudge:
    """What raising the most influential input does: "raise x1 by 0.01 and f falls by about 0.0059"."""

    name: str
    step: float
    change: float

    def sentence(self, output: str) -> str:
        """The advice in words."""
        verb = "rises" if self.change > 0 else "falls"
        return f"raise {self.name} by {self.step:g} and {output} {verb} by about {abs(self.change):.2g}"


@dataclass(frozen=True)
class Report:
    """One evaluation, ready to be shown.

    gradients: the engine's result.   wrt: the variables whose gradients were asked for; None for all.
    """

    source: Gradients
    wrt: tuple[str, ...] | None = None
    verification: Verification | None = None
    warnings: tuple[str, ...] = ()

    @property
    def graph(self) -> Graph:
        """The graph that was evaluated."""
        return self.source.graph

    @property
    def expression(self) -> str:
        """The user's text."""
        return self.graph.source.strip() or notation.text(self.graph)

    @property
    def output(self) -> str:
        """The output's name."""
        return self.graph.names[self.graph.output]

    @property
    def value(self) -> float:
        """The output."""
        return self.source.trace.value

    @cached_property
    def gradients(self) -> dict[str, float]:
        """name → global gradient, for every variable, or for those asked for."""
        if self.wrt is None:
            return dict(self.source.items())
        return {name: self.source[name] for name in self.wrt}

    # ── rows ────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def order(self) -> list[int]:
        """The nodes in the table's order: inputs, then ops, each in tape order; no constants."""
        ops = self.graph.ops
        inputs = sorted(self.graph.inputs.values())
        return inputs + [i for i, op in enumerate(ops) if op is not INPUT and op is not CONSTANT]

    def node_rows(self, indices: Collection[int]) -> list[NodeRow]:
        """The rows of some nodes, with the edges that leave each: one pass over the tape for all of them."""
        leaving: dict[int, list[tuple[int, int]]] = {i: [] for i in indices if self.source.adjoints[i] is not None}
        leaving |= {i: [] for i in indices if i not in leaving and self.graph.varied[i]}
        for child, parents in enumerate(self.graph.parents):
            for k, p in enumerate(parents):
                if p in leaving and self.source.active(child, k):
                    leaving[p].append((child, k))
        return [self._row(i, leaving.get(i, ())) for i in indices]

    def node_row(self, index: int) -> NodeRow:
        """The row of one node. For many, `node_rows` passes over the tape once."""
        return self.node_rows((index,))[0]

    def nodes(self) -> Iterator[NodeRow]:
        """Every node in tape order, constants too, without the edges that leave it; for machine formats."""
        return (self._row(i, ()) for i in range(len(self.graph)))

    def entering(self, index: int) -> list[EdgeRow | None]:
        """The edges into a node, one for each of its inputs; None where there is no gradient."""
        active = self.source.active
        return [
            self.edge_row(index, k) if active(index, k) else None for k in range(len(self.graph.parents[index]))
        ]

    def edge_rows(self, limit: int | None = None) -> Iterator[EdgeRow]:
        """The active edges in tape order of their children, at most `limit`."""
        for count, edge in enumerate(self.source.edges()):
            if limit is not None and count >= limit:
                return
            yield self.edge_row(edge.child, edge.k)

    def edge_row(self, child: int, k: int) -> EdgeRow:
        """The row of an active edge."""
        graph, values = self.graph, self.source.trace.values
        parents = graph.parents[child]
        p, op = parents[k], graph.ops[child]
        rule = FLOATS.locals[op][k]
        found = None if rule is None else rule(values[child], *[values[x] for x in parents])
        local = 0.0 if found is None else float(found)
        upstream = self.source.adjoints[child] or 0.0
        return EdgeRow(
            parent=p,
            child=child,
            k=k,
            parent_name=graph.names[p],
            child_name=graph.names[child],
            duplicate=_numbering(parents)[k],
            op=op.name,
            rule=notation.rule(graph, child, k),
            local=local,
            upstream=upstream,
            downstream=0.0 if found is None else local * upstream,
            chosen=found is not None,
        )

    def _row(self, i: int, leaving: Iterable[tuple[int, int]]) -> NodeRow:
        graph = self.graph
        op, name = graph.ops[i], graph.names[i]
        asked = self.wrt is None or op is not INPUT or name in self.wrt
        return NodeRow(
            index=i,
            name=name,
            op=op.name,
            gate=op.gate,
            role=op.role,
            formula=notation.formula(graph, i) if graph.parents[i] else "",
            written=notation.written(graph, i),
            inputs=graph.parents[i],
            value=self.source.trace.values[i],
            gradient=(self.source.adjoints[i] or 0.0) if asked and graph.varied[i] else None,
            why=self._why(i, asked),
            edges=tuple(self.edge_row(child, k) for child, k in leaving) if asked else (),
        )

    def _why(self, i: int, asked: bool) -> str:
        """Why no gradient arrives at a node; empty where one does."""
        graph = self.graph
        if not asked:
            return "not asked for"
        if i == graph.output and not graph.varied[i]:
            return "depends on no input"
        if self.source.adjoints[i] is not None:
            return ""
        if not graph.used[i]:
            return f"{self.output} does not use it"
        if not graph.varied[i]:
            constant = all(graph.ops[p] is CONSTANT or not graph.varied[p] for p in graph.parents[i])
            return "depends on no input" if constant else graph.ops[i].role or "carries no gradient"
        return "no gradient arrives: it is not on the way chosen"

    # ── what to say ─────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """A sentence for each kind of gate that passed a gradient on: "add distributes its upstream"."""
        graph, adjoints = self.graph, self.source.adjoints
        present = dict.fromkeys(op for op, g in zip(graph.ops, adjoints, strict=True) if g is not None)
        return tuple(f"{op.name} {op.role}" for op in present if op.role)

    @cached_property
    def ranking(self) -> list[tuple[str, float]]:
        """(variable, gradient), the most influential first."""
        return _ranked(self.gradients.items())

    @cached_property
    def node_ranking(self) -> list[tuple[str, float]]:
        """(node, gradient) for every node that a gradient reaches, the output left out, the largest first."""
        adjoints, names, output = self.source.adjoints, self.graph.names, self.graph.output
        return _ranked((names[i], g) for i, g in enumerate(adjoints) if g is not None and i != output)

    @cached_property
    def nudge(self) -> Nudge | None:
        """What raising the most influential variable does; None where a straight line would mislead.

        The change is tried out by forward passes, so that at a kink, or on a steep curve, nothing false is said.
        """
        first = next(iter(self.ranking), None)
        if first is None or len(self.graph) > NUDGED or first[0] not in self.graph.inputs:
            return None
        name, slope = first
        if not (isfinite(slope) and slope and isfinite(self.value) and self.source.upstream == 1):
            return None
        graph, values = self.graph, self.source.trace.values
        at = {variable: values[i] for variable, i in graph.inputs.items()}
        for step in STEPS:
            changes = [
                graph.forward({**at, name: at[name] + sign * step}).value - self.value for sign in (1.0, -1.0)
            ]
            if all(
                abs(sign * change - step * slope) <= STRAIGHT * abs(step * slope)
                for sign, change in zip((1.0, -1.0), changes, strict=True)
            ):
                return Nudge(name, step, step * slope)
        return None

    @cached_property
    def kept(self) -> list[int]:
        """The nodes whose forward values the backward pass reads, in the table's order; no constants.

        Found by reading each rule that ran, not by a list of ops: mul reads its other input, exp its output.
        """
        graph, adjoints = self.graph, self.source.adjoints
        varied, ops = graph.varied, graph.ops
        kept = bytearray(len(graph))
        for child, parents in enumerate(graph.parents):
            if adjoints[child] is None or not varied[child]:
                continue
            op = ops[child]
            for k, p in enumerate(parents):
                if not varied[p] or op.partial(k) is None:
                    continue
                if op.variadic:  # every rule reads all of them, or none but its own
                    read = {child if at == OUTPUT else p if at == 0 else -1 for at in READS[op, 0]}
                    for i in parents if -1 in read else read:
                        kept[i] = 1
                    if child in read:
                        kept[child] = 1
                    continue
                for at in READS[op, k]:
                    kept[child if at == OUTPUT else parents[at]] = 1
        return [i for i in self.order if kept[i]]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know: the graph's own notes, and the conventions used at kinks."""
        return (*self.graph.notes, *self._conventions())

    def _conventions(self) -> Iterator[str]:
        graph, values, adjoints = self.graph, self.source.trace.values, self.source.adjoints
        rules = {op: rule for op in set(graph.ops) if (rule := op.predicate("kinks")) is not None}
        met: dict[str, list[int]] = {}
        if rules:
            for i, op in enumerate(graph.ops):
                if op in rules and adjoints[i] is not None and graph.varied[i]:
                    if rules[op](FLOATS, *[values[p] for p in graph.parents[i]]):
                        met.setdefault(op.convention, []).append(i)
        for convention, nodes in met.items():
            listed = ", ".join(self._titled(i) for i in nodes[:4])
            more = f" and {len(nodes) - 4:,} more" if len(nodes) > 4 else ""
            yield f"{listed}{more}: {convention}"

    def _titled(self, i: int) -> str:
        return f"{self.graph.names[i]} = {notation.formula(self.graph, i)}"

    @cached_property
    def trouble(self) -> Trouble | None:
        """The first active node that went wrong, if one did."""
        return find_trouble(self.source)

    @cached_property
    def defined(self) -> bool:
        """Whether the output and the gradients asked for are finite, and no active node is outside its domain.

        Exit status 3 otherwise.
        """
        return (
            isfinite(self.value)
            and all(isfinite(gradient) for gradient in self.gradients.values())
            and next(active_outside_domain(self.source), None) is None
        )

    # ── verdicts ────────────────────────────────────────────────────────────────────────────────────────

    def with_verification(self, verification: Verification) -> Report:
        """The same report with its verdicts; what has been worked out already is kept."""
        report = copy(self)
        object.__setattr__(report, "verification", verification)
        return report

    @property
    def verdict_notes(self) -> tuple[str, ...]:
        """What the verdicts note, each once."""
        parts = self.verification.parts if self.verification else ()
        return tuple(dict.fromkeys(note for part in parts for note in part.notes))

    @property
    def verdict_warnings(self) -> tuple[str, ...]:
        """What the verdicts warn of, each once."""
        proof = self.verification.proof if self.verification else None
        return tuple(dict.fromkeys(proof.warnings)) if proof else ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, and those of the verdicts."""
        return (*self.notes, *self.verdict_notes)

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """The warnings, and those of the verdicts."""
        return (*self.warnings, *self.verdict_warnings)


def build(gradients: Gradients, *, wrt: Collection[str] | None = None, warnings: Collection[str] = ()) -> Report:
    """The report of an evaluation.

    wrt: the names whose gradients were asked for; None for every variable.
    Errors: UnknownCell for a name that the graph does not have.
    """
    if wrt is not None:
        for name in wrt:
            gradients.graph.position(name)
    return Report(gradients, None if wrt is None else tuple(dict.fromkeys(wrt)), None, tuple(warnings))


def _ranked(pairs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """By size, the largest first; what is not a number comes last."""
    return sorted(pairs, key=lambda pair: (pair[1] != pair[1], -abs(pair[1])))


@lru_cache(maxsize=64)
def _numbering(parents: tuple[int, ...]) -> tuple[int, ...]:
    """For each input, how many times its node has occurred so far: x*x has (1, 2)."""
    seen: dict[int, int] = {}
    numbers = []
    for p in parents:
        seen[p] = seen.get(p, 0) + 1
        numbers.append(seen[p])
    return tuple(numbers)
