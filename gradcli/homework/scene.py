"""One problem as misconceptions see it: the numbers of both passes, the edges between them, and what nodes are called.

The backward pass of numbers with one thing changed is worked out again only where the change reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import Cell, here
from gradcli.homework.sweeps import NOTHING, At, Change, Outcome, Slot, sweep
from gradcli.ops.op import CONSTANT, INPUT, Op

LONGEST = 28
"""Characters of an expression that stands for a node; of a longer one, its name."""

WIDEST = 60
"""Characters of a formula in a sentence."""


class Tried(NamedTuple):
    """What is other than in the scene after a change of the backward pass alone."""

    scene: Scene
    adjoints: Mapping[int, Value]
    downs: Mapping[Slot, Value]
    locals: Mapping[Slot, Value]

    def read(self, cell: Cell) -> Value | None:
        """The number in a cell; None where there is none."""
        scene = self.scene
        if cell.kind == "grad":
            if len(cell.nodes) == 1:
                i = cell.nodes[0]
                return self.adjoints[i] if i in self.adjoints else scene.outcome.gradient(i)
            return sum(self.adjoints.get(i, scene.outcome.gradient(i)) for i in cell.nodes)
        if cell.kind == "value":
            return scene.outcome.read(cell)
        slot = cell.nodes[0], cell.k
        mine, theirs = (
            (self.downs, scene.outcome.downs) if cell.kind == "down" else (self.locals, scene.outcome.locals)
        )
        return mine.get(slot, theirs.get(slot))


class Scene:
    """Both passes of a problem, with what the student's own earlier numbers make of them.

    base: the student's own numbers.   outcome: the sweep with them.
    """

    def __init__(self, gradients: Gradients, base: Change = NOTHING) -> None:
        self.gradients, self.base = gradients, base
        self.trace, self.graph = gradients.trace, gradients.graph
        self.m: Any = self.trace.m
        self.tensorial = self.trace.tensorial
        found = sweep(gradients, base)
        if found is None:
            self.base = NOTHING
            found = Outcome(self.trace, self.trace.values, gradients.adjoints, {}, {})
        self.outcome = found
        self.values = found.values

    # ── edges ───────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def entering(self) -> dict[int, list[int]]:
        """Gate → which of its inputs it has a gradient for."""
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

    def pull(self, slot: Slot, g: Value) -> Value | None:
        """What an edge passes down of an upstream gradient."""
        i, k = slot
        if not self.tensorial:
            local = self.local(slot)
            return None if local is None else local * g
        passed = self.m.pull(self.op(i), k, g, None, self.values[i], self.inputs(i))
        return None if passed is None else passed[0]

    # ── changes tried ───────────────────────────────────────────────────────────────────────────────────

    def read(self, change: Change, cells: Sequence[Cell], needed: Any = None) -> list[Value | None] | None:
        """The numbers in some cells after a change; None where it gives none.

        needed: 1 for the nodes that lie between what is changed and these cells; all unless given.
        """
        found: Tried | Outcome | None
        if self.tensorial or change.values or change.rounded != NOTHING.rounded:
            found = sweep(self.gradients, self.base | change)
        else:
            try:
                found = self.backward(change, needed)
            except (ArithmeticError, ValueError, TypeError, IndexError):
                return None
        return None if found is None else [found.read(cell) for cell in cells]

    def backward(self, change: Change, needed: Any = None) -> Tried:
        """The backward pass of numbers with a change, where it differs from the scene's."""
        outcome, base, m, values, tape = self.outcome, self.base, self.m, self.values, self.graph.parents
        entering, leaving, output = self.entering, self.leaving, self.graph.output
        before, known = outcome.downs, outcome.locals
        sums: Mapping[int, Callable[..., Value]] = {**base.sums, **change.sums} if base.sums else change.sums
        passed = {**base.passed, **change.passed} if base.passed else change.passed
        adjoints: dict[int, Value] = {}
        downs: dict[Slot, Value] = {}
        locals_: dict[Slot, Value] = {}
        heap: list[int] = []
        dirty: set[int] = set()
        for i in {*change.sums, *(slot[0] for slot in change.locals), *(slot[0] for slot in change.passed)}:
            heappush(heap, -i)
            dirty.add(i)
        while heap:
            i = -heappop(heap)
            if i in sums:
                g = sums[i](m, {slot: downs.get(slot, before.get(slot, 0.0)) for slot in leaving.get(i, ())})
            elif i == output:
                g = self.gradients.upstream
            else:
                g = 0.0
                for slot in leaving.get(i, ()):
                    g += downs[slot] if slot in downs else before.get(slot, 0.0)
            adjoints[i] = g
            for k in entering.get(i, ()):
                slot = i, k
                if slot in change.locals:
                    local = locals_[slot] = change.locals[slot](m, values[i], *[values[p] for p in tape[i]])
                else:
                    local = known.get(slot)
                down = 0.0 if local is None else local * g
                if slot in passed:
                    x = [values[p] for p in tape[i]]
                    down = passed[slot](At(m, g, values[i], x, k, local, down))
                    down = 0.0 if down is None else down
                if down != before.get(slot, 0.0):
                    downs[slot] = down
                    p = tape[i][k]
                    if p not in dirty and (needed is None or needed[p]):
                        dirty.add(p)
                        heappush(heap, -p)
        return Tried(self, adjoints, downs, locals_)

    # ── names ───────────────────────────────────────────────────────────────────────────────────────────

    def name(self, i: int) -> str:
        """What a node is called."""
        return notation.brief(self.graph.names[i])

    def gate(self, i: int) -> str:
        """A node and how it is made: `n1 = w0·x0`; a variable's name."""
        if self.op(i) in (INPUT, CONSTANT):
            return self.name(i)
        formula = cut(notation.pretty(notation.formula(self.graph, i)))
        return f"{self.name(i)} = {formula}"

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
        i, k = slot
        text = notation.rule(self.graph, i, k, here(Edge(self.gradients, i, k)))
        return cut(notation.pretty(text)) if text else self.edge(slot)


def cut(text: str, most: int = WIDEST) -> str:
    """A text, shortened where it is too long to read."""
    return text if len(text) <= most else text[: most - 1] + "…"
