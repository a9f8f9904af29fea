"""The proof of a graph of tensors: entry by entry, node by node.

An elementwise op is proved at each of its entries as a scalar op is. An op on whole tensors, a loss that is averaged
and a user's gate are unrolled: their definitions, run over single numbers in ball arithmetic, give the values, and
FLINT's slopes of every step the gradients that the node passes down. An entry is right within 64 ulp of its enclosure,
or of the sum of magnitudes that make it up: sixteen times the radius that the same steps have at double precision,
with inputs known to 4 ulp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
from flint import arb

from gradcli.autodiff import Gradients
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.systems.arrays import ARRAYS
from gradcli.systems.series import NAN, ONE, ZERO
from gradcli.verify.enclosures import Kept
from gradcli.verify.proof_words import LISTED
from gradcli.verify.settling import DOUBLE, Roughness, as_double, nudged, plainly, settle
from gradcli.verify.tensor_digits import enclose_entries
from gradcli.verify.tensor_programs import TensorPrograms
from gradcli.verify.tensor_words import Balls
from gradcli.verify.unrolled import LateError


class TensorProof(TensorPrograms):
    """One run over the tape of a graph of tensors, from the output back, and what it found."""

    def __init__(self, gradients: Gradients, deadline: float, asked: bytearray, budget: float) -> None:
        super().__init__(gradients, deadline, asked)
        self.large, seconds = self.plan.left_out(budget)
        self.deadline += seconds - budget

    def kept(self) -> Kept | None:
        """The digits that the formula keeps, while it is small."""
        return enclose_entries(self.gradients, self.m, self.deadline, self.asked)

    # ── the tape ─────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """The whole tape, from the output back."""
        graph, arrived = self.graph, self.arrived
        arrived[graph.output] = list(map(arb, np.ravel(self.gradients.upstream).tolist()))
        for i in range(graph.output, -1, -1):
            if not graph.used[i] or graph.ops[i] is CONSTANT:
                continue
            before = self.nodes, self.edges, self.entries, self.downstream
            try:
                self.tick()
                with ARRAYS.quiet():
                    self.visit(i)
            except LateError:
                self.nodes, self.edges, self.entries, self.downstream = before
                self.stop(i)
                break
        self.open_edges = len(self.poor)

    def visit(self, i: int) -> None:
        """One node: what arrives at it, its value, and what it passes down."""
        graph = self.graph
        self.nodes += 1
        self.forwards.clear()
        self.backwards.clear()
        total = self.arrived.pop(i, None)
        if (
            (self.asked[i] or (total is not None and not graph.varied[i]))
            and i not in self.settled
            and not self.on_trust(i)
        ):
            self.check_arrived(i, total)
        if graph.ops[i] is INPUT:
            self.entries += prod(self.shapes[i])
        elif i in self.large:
            self.open_nodes.add(i)
            self.take_on_trust(i)
        elif i in self.whole:
            self.entries += prod(self.shapes[i])
            self.through_program(i)
        else:
            self.entries += prod(self.shapes[i])
            self.through_entries(i)

    # ── what is too large ────────────────────────────────────────────────────────────────────────────────

    def take_on_trust(self, i: int) -> None:
        """A node that is too large: what it passes down is taken as the engine has it."""
        if self.adjoints[i] is None:
            return
        for k, p in enumerate(self.graph.parents[i]):
            if self.asked[p] and self.graph.ops[i].passes(k):
                self.edges += 1
                self.poor.add((i, k))
                if not self.on_trust(p):
                    self.send(p, self.trusted(i, k))

    def on_trust(self, p: int) -> bool:
        """Whether all that arrives at a node comes from nodes that are too large."""
        edges = self.leaving.get(p, [])
        return p != self.graph.output and bool(edges) and all(child in self.large for child, _ in edges)

    def trusted(self, i: int, k: int) -> Balls:
        """The engine's downstream gradient of an edge."""
        return [arb(g) for g in self.pulled(i, k) or [0.0] * prod(self.shapes[self.graph.parents[i][k]])]

    # ── elementwise ──────────────────────────────────────────────────────────────────────────────────────

    def through_entries(self, i: int) -> None:
        """An elementwise node: each entry is proved as a scalar node is."""
        op, parents = self.graph.ops[i], self.graph.parents[i]
        spreads = [self.spread(i, p) for p in parents]
        columns = [self.columned(p, places) for p, places in zip(parents, spreads, strict=True)]
        self.check_values(i, op, list(zip(*columns, strict=True)))
        if self.adjoints[i] is None:
            return
        seeds = self.seeds(i)
        for k, p in enumerate(parents):
            if not op.passes(k):
                if self.graph.ops[p] is not CONSTANT:
                    for x in zip(*columns, strict=True):
                        self.check_flat(i, op, k, list(x))
                continue
            if self.asked[p]:
                self.edges += 1
                slopes = self.check_slopes(i, op, k, columns)
                self.downstream += len(slopes)
                self.send(p, gathered(slopes, seeds, spreads[k], prod(self.shapes[p])))

    def columned(self, p: int, places: list[int] | range) -> list[arb]:
        """A parent's entries, one for each entry of the node."""
        values = self.balls(p)
        return values if isinstance(places, range) else [values[at] for at in places]

    def repeated(self, i: int, k: int) -> Any:
        """An input of an elementwise node, an entry for each of the node's."""
        p = self.graph.parents[i][k]
        return np.broadcast_to(self.values[p], self.shapes[i]).ravel()

    def check_values(self, i: int, op: Op, inputs: list[tuple[arb, ...]]) -> None:
        """The forward values of an elementwise node."""
        function = self.m.functions[op]
        for j, (claim, x) in enumerate(zip(self.floats(i), inputs, strict=True)):
            if not j & 255:
                self.tick()
            try:
                exact = function(*x)
            except (ValueError, ZeroDivisionError):
                exact = NAN
            if type(exact) is arb and plainly(claim, exact):
                continue
            self.at = j
            self.check_value(i, op, claim, list(x))
            if len(self.failures) > LISTED:
                return

    def check_slopes(self, i: int, op: Op, k: int, columns: list[list[arb]]) -> list[arb]:
        """The local gradients of an elementwise node along one edge; returns the slopes to go on with."""
        slope = self.m.slope
        fixed = self.m.everywhere[op]
        known = fixed[k] if fixed else None
        x = [self.values[p] for p in self.graph.parents[i]]
        claims: list[float] = np.ravel(ARRAYS.local(op, k, self.values[i], x)).tolist()
        if known is not None and claims.count(float(known)) == len(claims):
            return [ONE if known == 1 else known] * len(claims)
        factor = self.m.factor(op, k)
        if factor is not None and np.array_equal(claims, self.repeated(i, factor)):
            return columns[factor]
        active = self.active(i)
        slopes: list[arb] = []
        for j, (claim, at) in enumerate(zip(claims, zip(*columns, strict=True), strict=True)):
            if not j & 255:
                self.tick()
            if active is not None and not active[j]:
                slopes.append(ZERO)
                continue
            if len(self.failures) > LISTED:
                slopes.append(arb(claim))
                continue
            d = slope(op, at, k)
            if not plainly(claim, d):
                self.at = j
                left = self.open_edges
                d = self.check_slope(i, op, k, claim, list(at))
                if self.taken.pop((i, k), None) is not None:
                    self.bent.setdefault((i, k), {})[j] = claim
                if self.open_edges > left:
                    self.poor.add((i, k))
            slopes.append(d)
        return slopes

    # ── sums ─────────────────────────────────────────────────────────────────────────────────────────────

    def check_arrived(self, p: int, total: Balls | None) -> None:
        """A node's gradient against the sum of what arrives."""
        claims = self.claims(p)
        exact = [ZERO] * len(claims) if total is None else [ZERO if d is None else d for d in total]
        kinks = self.m.kinks, self.m.straddles
        every = range(len(claims))
        again, narrow = partial(self.sums, p, every), lambda rough, wanted: self.sums(p, wanted, rough)
        settle(self.m, claims, exact, kinks, again, partial(self.judge_sum, p), narrow=narrow)

    def sums(self, p: int, wanted: Sequence[int], rough: Roughness) -> Mapping[int, arb]:
        """The same sum at the present precision, at these entries."""
        total = dict.fromkeys(wanted, ZERO)
        if p == self.graph.output:
            upstream = np.ravel(self.gradients.upstream).tolist()
            total = {j: arb(upstream[j]) for j in wanted}
        for child, k in self.leaving.get(p, []):
            for j, d in self.passed(child, k, wanted, rough).items():
                total[j] = total[j] + d
        return total

    def passed(self, i: int, k: int, wanted: Sequence[int], rough: Roughness) -> dict[int, arb]:
        """What an edge passes down to these entries, at the present precision; a choice as it was made."""
        op, parents = self.graph.ops[i], self.graph.parents[i]
        chosen = self.bent.get((i, k), {})
        if i in self.large or i in self.whole:
            passed = self.trusted(i, k) if i in self.large else [*self.backward(i, k, rough)]
            for j, claim in chosen.items():
                passed[j] = arb(claim)
            return {j: d for j in wanted if (d := passed[j]) is not None}
        spreads = [self.spread(i, p) for p in parents]
        places, asked = spreads[k], set(wanted)
        entries = wanted if isinstance(places, range) else [j for j, at in enumerate(places) if at in asked]
        columns = [self.balls(p) for p in parents]
        claims, active, found = self.claims(i), self.active(i), dict[int, arb]()
        for count, j in enumerate(entries):
            if not count & 255:
                self.tick()
            if active is not None and not active[j]:
                continue
            if j in chosen:
                slope = arb(chosen[j])
            else:
                x = [column[places[j]] for column, places in zip(columns, spreads, strict=True)]
                slope = self.m.slope(op, nudged(x) if rough else x, k)
            if rough == DOUBLE:
                slope = as_double(slope)
            g = arb(claims[j])
            down = ZERO if slope.is_zero() else slope * (nudged([g])[0] if rough else g)
            found[places[j]] = found[places[j]] + down if places[j] in found else down
        return found


def gathered(slopes: Sequence[arb], seeds: Balls, places: list[int] | range, size: int) -> Balls:
    """Slopes times what arrives, summed at the entries of the input."""
    if isinstance(places, range):
        return [
            None if g is None else ZERO if d.is_zero() else g if d is ONE else d * g
            for d, g in zip(slopes, seeds, strict=True)
        ]
    passed: Balls = [None] * size
    for d, g, place in zip(slopes, seeds, places, strict=True):
        if g is None:
            continue
        before = passed[place]
        if d.is_zero():
            passed[place] = ZERO if before is None else before
        else:
            passed[place] = d * g if before is None else before + d * g
    return passed
