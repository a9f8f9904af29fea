"""The proof of ops on whole tensors: unrolled to single numbers, run forward and back in ball arithmetic."""

from __future__ import annotations

from functools import partial
from math import fsum, isfinite, nan, prod
from time import perf_counter

import numpy as np
from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.ops.op import CONSTANT
from gradcli.systems import _Made as Made
from gradcli.systems.arrays import ARRAYS
from gradcli.systems.series import ONE, ZERO
from gradcli.verify.judge import ULPS, touches
from gradcli.verify.planning import Plan
from gradcli.verify.proof_words import shown
from gradcli.verify.settling import DOUBLE, EXACT, Once, Roughness, settle
from gradcli.verify.tensor_words import Balls, TensorWords
from gradcli.verify.unrolled import LateError, Run

MOST_LOCAL = 64
"""Entries of a local Jacobian that is shown, and so is proved by itself."""


class TensorPrograms(TensorWords):
    """The nodes that work on whole tensors: their values, and what each edge passes down."""

    def __init__(self, gradients: Gradients, deadline: float, asked: bytearray) -> None:
        super().__init__(gradients, deadline, asked)
        self.plan = Plan(self.graph, self.shapes, self.whole)
        self.bent: dict[tuple[int, int], dict[int, float]] = {}  # edges → entries whose gradient is a choice, or wrong
        self.arrived: dict[int, Balls] = {}
        self.settled: set[int] = set()  # nodes whose gradient is what one edge passes down, and is judged there
        self.forwards = Made(lambda i: Once(self.m, partial(self.run_forward, i)))
        self.backwards = Made(lambda i: Once(self.m, partial(self.run_backward, i)))

    def tick(self) -> None:
        """Stop when time is up."""
        if perf_counter() > self.deadline:
            raise LateError

    def send(self, p: int, passed: Balls) -> None:
        """What an edge passes down is added to what has arrived."""
        before = self.arrived.get(p)
        if before is None:
            self.arrived[p] = passed
            return
        self.arrived[p] = [b if a is None else a if b is None else a + b for a, b in zip(before, passed, strict=True)]

    def through_program(self, i: int) -> None:
        """An op on whole tensors: its value and what each edge passes down, by its unrolled definition."""
        op, parents = self.graph.ops[i], self.graph.parents[i]
        kinks = self.m.kinks, self.m.straddles
        settle(self.m, self.floats(i), self.forward(i), kinks, partial(self.forward, i), partial(self.judge_value, i))
        if self.adjoints[i] is None:
            return
        for k, p in enumerate(parents):
            if not self.wanted(i)[k]:
                continue
            claims = self.pulled(i, k) if op.passes(k) else None
            if claims is None and not self.asked[p]:
                continue
            if claims is not None:
                self.edges += 1
                self.downstream += len(claims)
            kinks = self.m.kinks, self.m.straddles
            passed: Balls = [*self.backward(i, k)]
            chosen = len(self.choices.get(i, ()))
            found = settle(
                self.m,
                claims or [0.0] * len(passed),
                self.backward(i, k),
                kinks,
                partial(self.backward, i, k),
                partial(self.judge_edge, i, k),
                reach=partial(self.reach, i),
            )
            if op.passes(k):
                for j, claim in found.items():
                    passed[j] = arb(claim)
                    self.bent.setdefault((i, k), {})[j] = claim
                if claims is not None and len(self.choices.get(i, ())) > chosen:
                    self.check_shares(i, k, claims)
                alone = len(self.leaving.get(p, ())) == 1 and p != self.graph.output
                if alone and claims is not None and claims == self.claims(p):
                    self.settled.add(p)  # what arrives is what has just been judged
                else:
                    self.send(p, passed)
                if claims is not None and prod(self.shapes[i]) > 1 and len(passed) * prod(self.shapes[i]) <= MOST_LOCAL:
                    self.check_local(i, k)

    def check_shares(self, i: int, k: int, claims: list[float]) -> None:
        """What an edge at a kink passes down, together: the shares of a tie add up to what is shared."""
        run: Run = self.forwards[i]()
        slopes = run.along(run.program.leaves[k])
        if slopes is None:
            return
        terms = [d * g for d, g in zip(slopes, self.seeds(i), strict=True) if g is not None]
        exact, size = sum(terms, ZERO), sum(map(abs, [*terms, *map(arb, claims)]), ZERO)
        claim, p = fsum(claims) if all(map(isfinite, claims)) else nan, self.graph.parents[i][k]
        if isfinite(claim) and exact.is_finite() and not touches(claim, exact, size * (ULPS * 2.0**-52)):
            self.poor.add((i, k))
            what = f"what {self.node(i)} passes to the entries of {self.graph.names[p]}"
            self.fail(i, f"{what} adds up to {number(claim)}, but proved is {shown(exact)}")

    def check_local(self, i: int, k: int) -> None:
        """A small local Jacobian, row by row: what the edge passes down of each entry by itself."""
        op, shape, size = self.graph.ops[i], self.shapes[i], prod(self.shapes[i])
        parents = self.graph.parents[i]
        into = self.shapes[parents[k]]
        x = [self.values[p] for p in parents]
        if not all(map(ARRAYS.finite, x)):
            return

        def row(entry: int, rough: Roughness) -> list[arb]:
            run: Run = self.forwards[i](rough)
            seeds: Balls = [None] * size
            seeds[entry] = ONE
            adjoints = run.backward(seeds, run.program.depending([run.program.leaves[k]]))
            return [ZERO if (g := adjoints[place]) is None else g for place in run.program.leaves[k].ravel().tolist()]

        for entry in range(size):
            g = np.zeros(size)
            g[entry] = 1.0
            found = ARRAYS.pull(op, k, g.reshape(shape)[()], None, self.values[i], x)
            if found is None or found[0] is None:
                return
            claims = np.broadcast_to(found[0], into).ravel().tolist()
            again, kinks = partial(row, entry), (self.m.kinks, self.m.straddles)
            judge = partial(self.judge_local, i, k, entry)
            settle(self.m, claims, again(EXACT), kinks, again, judge, reach=lambda: 1.0)

    def wanted(self, i: int) -> list[bool]:
        """The inputs of an op on whole tensors whose gradients are looked at; also where it has none."""
        op, parents = self.graph.ops[i], self.graph.parents[i]
        return [
            bool(self.asked[p]) or (not op.passes(k) and self.graph.ops[p] is not CONSTANT)
            for k, p in enumerate(parents)
        ]

    def forward(self, i: int, rough: Roughness = EXACT) -> list[arb]:
        """The value of a node, from its inputs' entries, at the present precision."""
        run = self.forwards[i](rough)
        return [run.column[place] for place in run.program.output.ravel().tolist()]

    def backward(self, i: int, k: int, rough: Roughness = EXACT) -> list[arb]:
        """What an edge of a node on whole tensors passes down, at the present precision."""
        leaf = self.forwards[i](rough).program.leaves[k]
        adjoints = self.backwards[i](rough)
        return [ZERO if (g := adjoints[place]) is None else g for place in leaf.ravel().tolist()]

    def run_forward(self, i: int, rough: Roughness) -> Run:
        """The unrolled op, run at its inputs' entries."""
        run = Run(self.plan.program(i), self.m, self.tick, double=rough == DOUBLE)
        run.forward([self.balls(p, rough) for p in self.graph.parents[i]])
        return run

    def run_backward(self, i: int, rough: Roughness) -> Balls:
        """The same, run back from the node's gradient."""
        run: Run = self.forwards[i](rough)
        return run.backward(self.seeds(i, rough), run.program.moving(self.wanted(i)))

    def reach(self, i: int) -> float:
        """The magnitudes of a node's gradient together."""
        return float(np.sum(np.abs(self.claims(i))))
