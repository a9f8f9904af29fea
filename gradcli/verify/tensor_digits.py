"""How many digits a formula of tensors keeps: balls carried through the whole of its unrolled steps."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import formula
from gradcli.ops.op import CONSTANT
from gradcli.systems.balls import Balls
from gradcli.systems.series import ZERO
from gradcli.verify.enclosures import FEW, Enclosure, Kept, counted, near, right_digits
from gradcli.verify.unrolled import LateError, Run, entry_name, unroll_graph

MOST_OPS = 20_000
"""Ops on single numbers of a graph whose digits are counted."""


def enclose_entries(gradients: Gradients, m: Balls, deadline: float, asked: bytearray) -> Kept | None:
    """Count the right digits of every entry of the output and of the gradients; None for a graph too large for that.

    asked: 1 for each node whose gradient counts.
    """
    trace = gradients.trace
    entries = sum(int(np.size(value)) for value in trace.values)
    if entries > MOST_OPS:
        return None
    enclosure = Entrywise(gradients, m, deadline, asked)
    return counted(enclosure) if enclosure.program.cost <= MOST_OPS else None


class Entrywise(Enclosure):
    """The balls of one graph of tensors at one point."""

    def __init__(self, gradients: Gradients, m: Balls, deadline: float, asked: bytearray) -> None:
        super().__init__(gradients, m, deadline, asked)
        graph = self.graph
        # what only moves entries, or passes some of them on, has positions of its own: its gradient is not its input's
        apart = [i for i, op in enumerate(graph.ops) if op.structural or op.body is not None or op.reduces]
        self.program, self.blocks = unroll_graph(graph, gradients.trace.shapes, apart)
        self.moving = self.program.depending([block for i, block in enumerate(self.blocks) if asked[i]])

    def run(self) -> bool:
        """One pass at the present precision; False when time is up."""
        kinks, values = self.m.kinks, self.gradients.trace.values
        run = Run(self.program, self.m, self.tick, near)
        try:
            run.forward([list(map(arb, np.ravel(values[i]).tolist())) for i in self.graph.inputs.values()])
            seeds = list(map(arb, np.ravel(self.gradients.upstream).tolist()))
            adjoints = run.backward(seeds, self.moving)
        except LateError:
            return False
        self.values, self.kinked = run.column, self.m.kinks > kinks
        self.count(adjoints)
        return True

    def tick(self) -> None:
        """Stop when time is up."""
        if perf_counter() > self.deadline:
            raise LateError

    def count(self, adjoints: list[arb | None]) -> None:
        """Compare the engine's numbers with their balls."""
        self.worst, self.counted, self.digits, self.unclear = 0.0, False, {}, []
        graph, trace = self.graph, self.gradients.trace
        for name, claim, place in self.cells("value", graph.output, trace.value):
            self.compare(name, claim, self.values[place])
        for i, op in enumerate(graph.ops):
            if op is CONSTANT or not graph.used[i] or not self.asked[i]:
                continue
            for name, claim, place in self.cells(f"grad.{graph.names[i]}", i, self.gradients.at(i)):
                exact = adjoints[place]
                self.compare(name, claim, ZERO if exact is None else exact)

    def cells(self, name: str, i: int, claims: Any) -> Iterator[tuple[str, float, int]]:
        """The entries of a node: name, the engine's number, and position."""
        block = self.blocks[i]
        flat = np.broadcast_to(claims, block.shape).ravel().tolist()
        for index, claim, place in zip(np.ndindex(block.shape), flat, block.ravel().tolist(), strict=True):
            yield entry_name(name, index), claim, place

    @property
    def finite(self) -> bool:
        """Whether every entry of the output is a number."""
        return bool(np.isfinite(self.gradients.trace.value).all())

    def called(self, cell: str) -> str:
        """A cell's name for people: f, f[0], ∂f/∂x[1]."""
        output = self.graph.names[self.graph.output]
        if cell.startswith("value"):
            return output + cell.removeprefix("value")
        return f"∂{output}/∂{cell.removeprefix('grad.')}"

    def losing(self) -> Iterator[str]:
        """The nodes whose value loses its digits although their inputs have theirs, in tape order."""
        graph, engine = self.graph, self.gradients.trace.values
        poor = bytearray(len(graph))
        for i, block in enumerate(self.blocks):
            if not graph.used[i] or not graph.parents[i]:
                continue
            for claim, place in zip(np.ravel(engine[i]).tolist(), block.ravel().tolist(), strict=True):
                digits = right_digits(claim, self.values[place]) if isfinite(claim) else None
                poor[i] |= digits is not None and digits < FEW
            if poor[i] and not any(poor[p] for p in graph.parents[i]):
                yield f"{graph.names[i]} = {formula(graph, i)}"
