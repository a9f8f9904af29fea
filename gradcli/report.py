"""Everything that a renderer sees of one evaluation, as data: rows of nodes and edges, and remarks.

A Report is cheap to build: rows and texts are made when asked for, so that a graph of a million nodes can be
summarised without a million rows. It draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from functools import cached_property, lru_cache
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import here, holds, kind_of, local_of
from gradcli.graph import OUTPUT_NAME, Graph
from gradcli.influence import Nudge, find_nudge, ranked
from gradcli.notes import at_kinks, conventions, products, without_digits
from gradcli.ops.op import CONSTANT, INPUT, Shape
from gradcli.places import size
from gradcli.soundness import active_outside_domain
from gradcli.systems.reading import reads
from gradcli.trouble import Trouble, find_trouble

if TYPE_CHECKING:
    from gradcli.verify.verdicts import Verification


NO_INPUT, NO_GRADIENT = "depends on no input", "carries no gradient"

TARGETED = "losses"
"""The group of the ops whose last input says what is right."""


class EdgeRow(NamedTuple):
    """One edge: the chain rule's product along it.

    duplicate: 1, or 2, 3 … for a further edge between the same two nodes.   op: the child's.
    kind: how the local gradient is given: "number"; "diagonal" of an op on tensors entry by entry, an array of the
    child's shape; "jacobian" of an op on whole tensors, child's shape + parent's; "rule" where that would be large.
    rule: the textbook's local gradient in node names; of an op on whole tensors what it passes down, as lectures
    write it, with g for the upstream gradient: `g@x.T`.
    local: None where it is a rule alone.   memory: bytes that the full Jacobian would take in double precision.
    chosen: False where the child selects another input.
    """

    parent: int
    child: int
    k: int
    parent_name: str
    child_name: str
    duplicate: int
    op: str
    kind: str
    parent_shape: Shape
    child_shape: Shape
    rule: str
    local: Value
    upstream: Value
    downstream: Value
    chosen: bool
    memory: int


class NodeRow(NamedTuple):
    """One node.

    formula: one level of it, in node names; empty for a leaf.   written: as the user wrote it.
    gradient: None where there is none: a constant, a truth value, an input that was not asked for.
    why: why no gradient arrives, if none does.
    edges: the active edges that leave it, whose downstream gradients add up to its own; the first of them, if
    a limit was asked for.   uses: how many there are.
    """

    index: int  # type: ignore[assignment] # hides tuple.index
    name: str
    op: str
    gate: str
    role: str
    formula: str
    written: str
    inputs: tuple[int, ...]
    shape: Shape
    value: Value
    gradient: Value | None
    why: str
    edges: tuple[EdgeRow, ...]
    uses: int


class Report:
    """One evaluation, ready to be shown.

    gradients: the engine's result.   wrt: the variables whose gradients were asked for; None for all.
    """

    def __init__(
        self,
        source: Gradients,
        wrt: tuple[str, ...] | None = None,
        verification: Verification | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.source, self.wrt, self.verification, self.warnings = source, wrt, verification, warnings

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
        """The output's name; f where it is a number alone."""
        graph = self.graph
        return OUTPUT_NAME if graph.output in graph.numbers else graph.names[graph.output]

    @property
    def value(self) -> Value:
        """The output."""
        return self.source.trace.value

    @property
    def pulled_back(self) -> bool:
        """Whether a backward pass was run; not for an output of several entries without an upstream gradient."""
        return self.source.adjoints[self.graph.output] is not None

    @cached_property
    def gradients(self) -> dict[str, Value]:
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

    def node_rows(self, indices: Collection[int], limit: int | None = None) -> list[NodeRow]:
        """The rows of some nodes, each with at most `limit` of the edges that leave it; one pass for all."""
        active, varied = self.source.active, self.graph.varied
        leaving: dict[int, list[tuple[int, int]]] = {i: [] for i in indices if varied[i]}
        for child, parents in enumerate(self.graph.parents):
            for k, p in enumerate(parents):
                if p in leaving and active(child, k):
                    leaving[p].append((child, k))
        return [self._row(i, leaving.get(i, ()), limit) for i in indices]

    def node_row(self, index: int) -> NodeRow:
        """The row of one node. For many, `node_rows` passes over the tape once."""
        return self.node_rows((index,))[0]

    def nodes(self) -> Iterator[NodeRow]:
        """Every node in tape order, constants too, without the edges that leave it; for machine formats."""
        return (self._row(i, (), 0) for i in range(len(self.graph)))

    def entering(self, index: int) -> list[EdgeRow | None]:
        """The edges into a node, one for each of its inputs; None where there is no gradient."""
        active = self.source.active
        return [self.edge_row(index, k) if active(index, k) else None for k in range(len(self.graph.parents[index]))]

    def edge_rows(self, limit: int | None = None) -> Iterator[EdgeRow]:
        """The active edges in tape order of their children, at most `limit`."""
        for count, edge in enumerate(self.source.edges()):
            if limit is not None and count >= limit:
                return
            yield self.edge_row(edge.child, edge.k)

    def edge_row(self, child: int, k: int) -> EdgeRow:
        """The row of an active edge."""
        graph, edge = self.graph, Edge(self.source, child, k)
        chosen, kind = edge.chosen, kind_of(edge)
        local, shapes = local_of(edge, kind), self.source.trace.shapes
        above, below = shapes[edge.parent], shapes[child]
        tensorial = self.source.trace.tensorial
        passed = edge.downstream if tensorial else local * edge.upstream if chosen else 0.0
        return EdgeRow(
            parent=edge.parent,
            child=child,
            k=k,
            parent_name=graph.names[edge.parent],
            child_name=graph.names[child],
            duplicate=_numbering(graph.parents[child])[k],
            op=graph.ops[child].called or graph.ops[child].name,
            kind=kind,
            parent_shape=above,
            child_shape=below,
            rule=notation.rule(graph, child, k, here(edge)),
            local=local,
            upstream=edge.upstream,
            downstream=passed,
            chosen=chosen,
            memory=8 * size(above) * size(below),
        )

    def _row(self, i: int, leaving: Sequence[tuple[int, int]], limit: int | None) -> NodeRow:
        graph = self.graph
        op, name = graph.ops[i], graph.names[i]
        asked = self.wrt is None or op is not INPUT or name in self.wrt
        reached = asked and self.pulled_back and graph.varied[i] and not self.untold(name)
        return NodeRow(
            index=i,
            name=name,
            op=op.called or op.name,
            gate=op.gate,
            role=op.role,
            formula=notation.formula(graph, i) if graph.parents[i] else "",
            written=notation.written(graph, i),
            inputs=graph.parents[i],
            shape=self.source.trace.shapes[i],
            value=self.source.trace.values[i],
            gradient=self.source.at(i) if reached else None,
            why=self._why(i, asked),
            edges=tuple(self.edge_row(child, k) for child, k in leaving[:limit]) if asked else (),
            uses=len(leaving) if asked else 0,
        )

    def _why(self, i: int, asked: bool) -> str:
        """Why no gradient arrives at a node; empty where one does."""
        graph = self.graph
        if not asked:
            return "not asked for"
        if not self.pulled_back:
            return "no backward pass"
        if i == graph.output and not graph.varied[i]:
            return NO_GRADIENT if any(map(graph.used.__getitem__, graph.inputs.values())) else NO_INPUT
        if self.source.adjoints[i] is not None:
            return ""
        if not graph.used[i]:
            return f"{self.output} does not use it"
        if self.untold(graph.names[i]):
            return self.targets[i]
        if not graph.varied[i]:
            constant = all(graph.ops[p] is CONSTANT or not graph.varied[p] for p in graph.parents[i])
            return NO_INPUT if constant else graph.ops[i].role or NO_GRADIENT
        return "no gradient arrives"

    # ── what to say ─────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """A sentence for each kind of gate that passed a gradient on: "add distributes its upstream"."""
        graph, adjoints, trace = self.graph, self.source.adjoints, self.source.trace
        reached = zip(graph.ops, graph.parents, adjoints, graph.varied, strict=True)
        present = dict.fromkeys(
            (op, op.role if op.holds is None or holds(op, trace, parents) else op.general_role)
            for op, parents, g, varied in reached
            if varied and g is not None
        )
        return tuple(dict.fromkeys(f"{op.called or op.name} {role}" for op, role in present if role))

    @cached_property
    def targets(self) -> dict[int, str]:
        """The inputs that only say what is right, as the targets t of losses: what kind of gradient they have.

        Empty of those that have one: rows of weights, and predictions to be met.
        """
        graph, shapes = self.graph, self.source.trace.shapes
        kinds: dict[int, set[str | None]] = {p: set() for p in graph.inputs.values()}
        for op, parents in zip(graph.ops, graph.parents, strict=True):
            target = op.group == TARGETED and len(parents) > 1
            for k, p in enumerate(parents):
                if p not in kinds:
                    continue
                if not target or k < len(parents) - 1:
                    kinds[p].add(None)
                elif op.labels and shapes[p] != shapes[parents[0]]:
                    kinds[p].add("class indices: no gradient")
                else:
                    kinds[p].add("" if op.passes(k) else "labels: no gradient")
        return {p: max(map(str, found)) for p, found in kinds.items() if found and None not in found}

    def targeted(self, name: str) -> bool:
        """Whether a name is an input of a graph of tensors that is the target of losses only: few people raise it."""
        inputs = self.graph.inputs
        return self.source.trace.tensorial and name in inputs and inputs[name] in self.targets

    def untold(self, name: str) -> bool:
        """Whether it is the target of losses that have no gradient in it: an index of a class."""
        return self.targeted(name) and bool(self.targets[self.graph.inputs[name]])

    @cached_property
    def ranking(self) -> list[tuple[str, float]]:
        """(variable, gradient), the most influential first; of a tensor the norm ‖∂f/∂W‖ of its gradient."""
        return ranked(self.gradients.items())

    @cached_property
    def node_ranking(self) -> list[tuple[str, float]]:
        """(node, gradient) for every node that a gradient reaches, the output left out, the largest first.

        Of a tensor the norm of its gradient.
        """
        adjoints, names, output = self.source.adjoints, self.graph.names, self.graph.output
        return ranked((names[i], g) for i, g in enumerate(adjoints) if g is not None and i != output)

    @cached_property
    def nudge(self) -> Nudge | None:
        """What raising the most influential variable does, or the most influential entry of one.

        None where a straight line would mislead.
        """
        names = [name for name, _ in self.ranking if name in self.graph.inputs]
        return find_nudge(self.source, [name for name in names if not self.targeted(name)] or names)

    @cached_property
    def kept(self) -> list[int]:
        """The nodes whose forward values the backward pass reads, in the table's order; no constants."""
        read = reads(self.source)
        return [i for i in self.order if read[i]]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know: the graph's own notes, conventions at kinks, rules without digits."""
        return (*self.graph.notes, *products(self.source), *conventions(self.source), *without_digits(self.source))

    @cached_property
    def trouble(self) -> Trouble | None:
        """The first active node that went wrong, if one did."""
        return find_trouble(self.source, self.wrt)

    @cached_property
    def defined(self) -> bool:
        """Whether the output and the gradients asked for are finite, and each active node is in its domain.

        Exit status 3 otherwise.
        """
        finite: Callable[[Value], bool] = self.source.trace.m.finite if self.source.trace.tensorial else isfinite
        return (
            finite(self.value)
            and all(finite(gradient) for gradient in self.gradients.values())
            and next(active_outside_domain(self.source), None) is None
        )

    # ── verdicts ────────────────────────────────────────────────────────────────────────────────────────

    def with_verification(self, verification: Verification) -> Report:
        """The same report with its verdicts; what has been worked out already is kept."""
        report = copy(self)
        report.verification = verification
        return report

    @property
    def verdict_notes(self) -> tuple[str, ...]:
        """What the verdicts note, each once; a kink only where `notes` do not name it already."""
        if self.verification is None:
            return ()
        told = {i for nodes in at_kinks(self.source).values() for i in nodes}
        return self.verification.notes(told)

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


@lru_cache(maxsize=64)
def _numbering(parents: tuple[int, ...]) -> tuple[int, ...]:
    """For each input, how many times its node has occurred so far: x*x has (1, 2)."""
    seen: dict[int, int] = {}
    numbers = []
    for p in parents:
        seen[p] = seen.get(p, 0) + 1
        numbers.append(seen[p])
    return tuple(numbers)
