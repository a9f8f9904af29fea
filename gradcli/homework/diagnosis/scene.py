"""One problem as misconceptions see it: the numbers of both passes, the edges between them, and what nodes are called.

The backward pass of numbers with one thing changed is worked out again only where the change reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import Cell, here
from gradcli.errors import GradcliError
from gradcli.homework.sweeps import NOTHING, At, Change, Outcome, Slot, sweep
from gradcli.ops.op import CONSTANT, INPUT, Op

LONGEST = 28
"""Characters of an expression that stands for a node; of a longer one, its name."""

LARGEST = 20_000
"""Nodes up to which mistakes are looked for within the sweeps."""

WIDEST = 60
"""Characters of a formula in a sentence."""


class Tried(NamedTuple):
    """What is other than in the scene after a change, over numbers."""

    scene: Scene
    values: dict[int, Value]
    adjoints: dict[int, Value]
    downs: dict[Slot, Value]
    locals: dict[Slot, Value]

    def read(self, cell: Cell) -> Value | None:
        """The number in a cell; None where there is none."""
        scene = self.scene
        if cell.kind == "grad":
            if len(cell.nodes) == 1:
                i = cell.nodes[0]
                return self.adjoints[i] if i in self.adjoints else scene.outcome.gradient(i)
            parts: list[Value] = [self.adjoints.get(i, scene.outcome.gradient(i)) for i in cell.nodes]
            return sum(parts)
        if cell.kind == "value":
            i = cell.nodes[0]
            return self.values.get(i, scene.values[i])
        slot = cell.nodes[0], cell.k
        mine, theirs = (self.downs, scene.outcome.downs) if cell.kind == "down" else (self.locals, scene.outcome.locals)
        return mine.get(slot, theirs.get(slot))


class _Over:
    """A column, some of whose entries are others."""

    __slots__ = ("column", "others")

    def __init__(self, column: Sequence[Value], others: Mapping[int, Value]) -> None:
        self.column, self.others = column, others

    def __getitem__(self, i: int) -> Value:
        return self.others[i] if i in self.others else self.column[i]


class Scene:
    """Both passes of a problem, with what the student's own earlier numbers make of them.

    base: the student's own numbers.   outcome: the sweep with them.
    """

    def __init__(self, gradients: Gradients, base: Change = NOTHING) -> None:
        self.gradients, self.base = gradients, base
        self.trace, self.graph = gradients.trace, gradients.graph
        self.m: Any = self.trace.m
        self.tensorial = self.trace.tensorial
        found = sweep(gradients, base) if len(self.graph) <= LARGEST else None
        if found is None:
            self.base = NOTHING
            found = Outcome(self.trace, self.trace.values, gradients.adjoints, {}, {})
        self.outcome = found
        self.values = found.values
        self.texts: dict[Any, str] = {}  # what nodes and rules were called
        self.kept: list[Any] = []  # what a search tried before, for the next one
        self.combined: dict[Any, Any] = {}  # what came of mistakes put together
        self.source: Iterator[Any] | None = None  # the rest of it

    # ── edges ───────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def entering(self) -> dict[int, list[int]]:
        """Gate → which of its inputs it has a gradient for; none in a graph that is too large."""
        if len(self.graph) > LARGEST:
            return {}
        graph, used, varied = self.graph, self.graph.used, self.graph.varied
        reached = self.outcome.adjoints
        return {
            i: [k for k, p in enumerate(parents) if varied[p] and self.passes(i, k)]
            for i, parents in enumerate(graph.parents)
            if parents and varied[i] and used[i] and (reached[i] is not None or not self.tensorial)
        }

    def passes(self, i: int, k: int) -> bool:
        """Whether an input can have a gradient: class indices have none."""
        op, parents = self.graph.ops[i], self.graph.parents[i]
        if op.labels and k == len(parents) - 1:
            return bool(self.trace.shapes[parents[k]] == self.trace.shapes[parents[0]])
        return op.passes(k)

    @cached_property
    def leaving(self) -> dict[int, list[Slot]]:
        """Node → the edges that leave it, in the order in which the backward pass meets them."""
        leaving: dict[int, list[Slot]] = {}
        for i in sorted(self.entering, reverse=True):
            for k in self.entering[i]:
                leaving.setdefault(self.graph.parents[i][k], []).append((i, k))
        return leaving

    def op(self, i: int) -> Op:
        """The row of a node's op."""
        return self.graph.ops[i]

    def g(self, i: int) -> Value:
        """A node's gradient."""
        return self.outcome.gradient(i)

    def inputs(self, i: int) -> list[Value]:
        """The values that a node is worked out from."""
        return [self.values[p] for p in self.graph.parents[i]]

    def local(self, slot: Slot) -> Value | None:
        """The local gradient of an edge; None of an op on whole tensors."""
        return self.outcome.locals.get(slot)

    def shape(self, i: int) -> tuple[int, ...]:
        """The shape of a node."""
        return self.trace.shapes[i]

    # ── changes tried ───────────────────────────────────────────────────────────────────────────────────

    def read(self, change: Change, cells: Sequence[Cell], needed: Any = None) -> list[Value | None] | None:
        """The numbers in some cells after a change; None where it gives none.

        needed: 1 for the nodes that lie between what is changed and these cells; all unless given.
        """
        found = self.after(change, needed)
        return None if found is None else [look(found, cell) for cell in cells]

    def after(self, change: Change, needed: Any = None) -> Tried | Outcome | None:
        """Both passes after a change, to be read from."""
        if self.tensorial or change.rounded != NOTHING.rounded or self.base.rounded != NOTHING.rounded:
            return sweep(self.gradients, self.base | change)
        try:
            return self.tried(change, needed)
        except (ArithmeticError, ValueError, TypeError, IndexError, GradcliError):
            return None

    def tried(self, change: Change, needed: Any = None) -> Tried:
        """Both passes of numbers with a change, where they differ from the scene's."""
        outcome, base, output = self.outcome, self.base, self.graph.output
        edges, arriving = self.edges, self.arriving
        moved = self.moved(change) if change.values else {}
        if base.sums or base.passed:
            change = change._replace(sums={**base.sums, **change.sums}, passed={**base.passed, **change.passed})
        sums = change.sums
        found = Tried(self, moved, {}, {}, {})
        adjoints, downs = found.adjoints, found.downs
        anew = {child for i in moved for child in (i, *self.children.get(i, ())) if child in edges}
        special = {slot[0] for slot in (*change.locals, *change.passed)} | anew
        dirty = special.union(sums)
        heap = [-i for i in dirty]
        heapify(heap)
        while heap:
            i = -heappop(heap)
            if i in sums:
                g = sums[i](self.m, {slot: downs.get(slot, was) for slot, was in arriving.get(i, ())})
            elif i == output:
                g = self.gradients.upstream
            else:
                g = 0.0
                for slot, was in arriving.get(i, ()):
                    g += downs.get(slot, was)
                if outcome.adjoints[i] is None and not any(slot in downs for slot, _ in arriving.get(i, ())):
                    continue  # no gradient arrives
            adjoints[i] = g
            if i in special:
                self.at_gate(i, g, change, found, i in anew)
            for slot, p, local, was in edges.get(i, ()):
                if i in special:
                    down = downs.get(slot, was)
                else:
                    down = local * g if local else 0.0
                    if down != was:
                        downs[slot] = down
                if down != was and p not in dirty and (needed is None or needed[p]):
                    dirty.add(p)
                    heappush(heap, -p)
        return found

    def at_gate(self, i: int, g: Value, change: Change, found: Tried, anew: bool) -> None:
        """What a gate passes down whose rules are changed, or whose numbers are others."""
        op, m, known = self.graph.ops[i], self.m, self.base.locals
        values: Any = _Over(self.values, found.values) if found.values else self.values
        y, x = values[i], [values[p] for p in self.graph.parents[i]]
        for slot, _, before, was in self.edges.get(i, ()):
            k, local = slot[1], before
            if slot in change.locals or (anew and slot in known):
                rule = change.locals[slot] if slot in change.locals else known[slot]
                local = found.locals[slot] = rule(m, y, *x) or 0.0
            elif anew:
                local = found.locals[slot] = m.locals[op][k](y, *x) or 0.0
            down = local * g if local else 0.0
            if slot in change.passed:
                chosen = local or not op.selects
                at = At(m, g, y, x, k, local if chosen else None, down if chosen else None)
                down = change.passed[slot](at) or 0.0
            if down != was:
                found.downs[slot] = down

    @cached_property
    def edges(self) -> dict[int, list[tuple[Slot, int, float, float]]]:
        """Gate → (edge, its parent, local gradient, downstream gradient), of numbers."""
        downs, locals_, tape = self.outcome.downs, self.outcome.locals, self.graph.parents
        return {
            i: [((i, k), tape[i][k], locals_.get((i, k), 0.0), downs.get((i, k), 0.0)) for k in ks]
            for i, ks in self.entering.items()
        }

    @cached_property
    def arriving(self) -> dict[int, list[tuple[Slot, float]]]:
        """Node → (edge, downstream gradient) of the edges that leave it, of numbers."""
        downs = self.outcome.downs
        return {i: [(slot, downs.get(slot, 0.0)) for slot in slots] for i, slots in self.leaving.items()}

    def moved(self, change: Change) -> dict[int, Value]:
        """The forward values that a change makes different."""
        graph, m, kept = self.graph, self.m, self.base.values
        moved: dict[int, Value] = {}
        heap = sorted(change.values)
        seen = set(heap)
        while heap:
            i = heappop(heap)
            x = [moved[p] if p in moved else self.values[p] for p in graph.parents[i]]
            rule = change.values.get(i)
            if rule is None and i in kept:
                continue
            value = m.functions[graph.ops[i]](*x) if rule is None else rule(m, *x)
            if value == self.values[i]:
                continue
            moved[i] = value
            for child in self.children.get(i, ()):
                if child not in seen:
                    seen.add(child)
                    heappush(heap, child)
        return moved

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """Node → the nodes that are worked out from it."""
        children: dict[int, list[int]] = {}
        for i, parents in enumerate(self.graph.parents):
            for p in parents:
                children.setdefault(p, []).append(i)
        return children

    # ── names ───────────────────────────────────────────────────────────────────────────────────────────

    def name(self, i: int) -> str:
        """What a node is called."""
        return notation.brief(self.graph.names[i])

    def gate(self, i: int) -> str:
        """A node and how it is made: `n1 = w0·x0`; a variable's name."""
        if self.op(i) in (INPUT, CONSTANT):
            return self.name(i)
        if i not in self.texts:
            formula = cut(notation.pretty(notation.formula(self.graph, i)))
            self.texts[i] = f"{self.name(i)} = {formula}"
        return self.texts[i]

    def way(self, slot: Slot) -> str:
        """A path through an edge, as the user wrote its end: x+y; which input, where a node is used twice there."""
        i, k = slot
        text = self.name(i)
        if i not in self.graph.labels:
            written = notation.written(self.graph, i).strip()
            text = written if len(written) <= LONGEST and written.isprintable() else text
        parents = self.graph.parents[i]
        if parents.count(parents[k]) > 1:
            text += f" #{parents[:k].count(parents[k]) + 1}"
        return text

    def edge(self, slot: Slot) -> str:
        """A local gradient: `∂n1/∂w0`."""
        i, k = slot
        return f"∂{self.name(i)}/∂{self.name(self.graph.parents[i][k])}"

    def gradient(self, i: int) -> str:
        """A global gradient: `∂f/∂n1`."""
        return f"∂{self.name(self.graph.output)}/∂{self.name(i)}"

    def rule(self, slot: Slot) -> str:
        """The textbook's rule of an edge, in the names of this graph; its name where there is none to read."""
        if slot not in self.texts:
            text = notation.rule(self.graph, *slot, here(Edge(self.gradients, *slot)))
            self.texts[slot] = cut(notation.pretty(text)) if text else self.edge(slot)
        return self.texts[slot]


def look(after: Tried | Outcome, cell: Cell) -> Value | None:
    """The number in a cell after a change; None where there is none, as where a value has another shape."""
    try:
        return after.read(cell)
    except (IndexError, TypeError, ValueError):
        return None


def distances(starts: Iterable[int], following: Callable[[int], Iterable[int]]) -> dict[int, int]:
    """How many steps nodes are away from some, the way that `following` leads."""
    steps: dict[int, int] = {}
    reached, distance = list(starts), 0
    while reached:
        ahead: list[int] = []
        for i in reached:
            if i not in steps:
                steps[i] = distance
                ahead += following(i)
        reached, distance = ahead, distance + 1
    return steps


def cut(text: str, most: int = WIDEST) -> str:
    """A text, shortened where it is too long to read."""
    return text if len(text) <= most else text[: most - 1] + "…"
