"""Proof: every value, local gradient and sum of gradients lies within 64 ulp of a rigorous enclosure.

The verdict is local. At the double-precision inputs that a node really had, FLINT evaluates its definition
in ball arithmetic; each edge's local gradient comes from FLINT's own power series through that definition;
a node's gradient is the sum of enclosed local gradients times the upstream numbers. No partial of the op
table takes part. A formula that loses digits by its own fault is therefore not an error of the engine:
enclosures.py tells what it loses.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from math import isfinite
from time import perf_counter

from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.systems.balls import Balls, precision
from gradcli.systems.floats import FLOATS
from gradcli.systems.series import NAN, ZERO
from gradcli.verify import BUDGET, ProofVerdict, asked_for
from gradcli.verify.enclosures import WIDE, Kept, enclose
from gradcli.verify.judge import BITS, SMALLEST, ULPS
from gradcli.verify.proof_words import LISTED, ProofWords, listed, shown
from gradcli.verify.settling import CLEAR, CLEAR_BITS


def prove(gradients: Gradients, budget: float = BUDGET, *, wrt: Collection[str] | None = None) -> ProofVerdict:
    """Prove the numbers of a forward and a backward pass, and count the digits that the formula keeps.

    budget: seconds; what is left over then is named, and the verdict is `partial`.
    wrt: the names whose gradients count; None for every variable.
    """
    asked = asked_for(gradients.graph, wrt)
    proof = started(gradients, budget, asked)
    with precision(BITS):
        proof.run()
        kept = None if proof.late else proof.kept()
    unproved = proof.left_over(budget)
    return ProofVerdict(
        status="failed" if proof.failures else "partial" if unproved else "passed",
        nodes=proof.nodes - len(proof.open_nodes),
        edges=proof.edges - proof.open_edges,
        digits=kept.digits if kept else None,
        failures=listed(proof.failures),
        unproved=unproved,
        notes=listed(kept.notes if kept else []),
        warnings=listed(kept.warnings if kept else []),
        lost=kept.lost if kept else {},
        others=kept.others if kept else None,
        uncounted=kept.uncounted if kept else (),
        kinks=tuple(proof.kinks())[:LISTED],
        entries=proof.entries,
        downstream=proof.downstream,
        large={*proof.large, *proof.unreached},
    )


def started(gradients: Gradients, budget: float, asked: bytearray) -> Proof:
    """The proof of a graph of numbers, or of tensors."""
    deadline = perf_counter() + budget
    if not gradients.trace.tensorial:
        return Proof(gradients, deadline, asked)
    from gradcli.verify.tensors import TensorProof

    return TensorProof(gradients, deadline, asked, budget)


class Proof(ProofWords):
    """One run over the tape, from the output back, and what it found."""

    def run(self) -> None:
        """The whole tape: cheap acceptance here, everything doubtful in the methods below."""
        graph, values, adjoints, m = self.graph, self.values, self.adjoints, self.m
        ops, tape, used, varied, asked = graph.ops, graph.parents, graph.used, graph.varied, self.asked
        functions, rules_of, steady = m.functions, FLOATS.locals, _Steady(m)
        slope, clear, bits = m.slope, CLEAR, CLEAR_BITS
        value, exactly = values.__getitem__, list(map(arb, values)).__getitem__
        arrived: list[arb | None] = [None] * len(ops)
        arrived[graph.output] = arb(self.gradients.upstream)
        for i in range(graph.output, -1, -1):
            if not used[i]:
                continue
            op = ops[i]
            if op is CONSTANT:
                continue
            if not i & 127 and perf_counter() > self.deadline:
                self.stop(i)
                return
            self.nodes += 1
            g, total = adjoints[i], arrived[i]
            arrived[i] = None
            if total is None and g and asked[i]:
                self.check_sum(i, g)
            elif total is not None and (asked[i] or not varied[i]):
                claim = g or 0.0
                middle = float(total)
                if not (abs(claim - middle) <= clear * abs(middle) and total.rel_accuracy_bits() >= bits):
                    self.check_sum(i, claim)
            if op is INPUT:
                continue
            y, parents = values[i], tape[i]
            x, balls = list(map(value, parents)), list(map(exactly, parents))
            try:
                exact = functions[op](*balls)
            except (ValueError, ZeroDivisionError):
                exact = NAN
            fine = False
            if type(exact) is arb and exact.rel_accuracy_bits() >= bits:
                middle = float(exact)
                fine = abs(y - middle) <= clear * abs(middle)
            if not fine:
                self.check_value(i, op, y, balls)
            if g is None:
                continue
            upstream, rules, fixed, wide = arb(g), rules_of[op], steady[op], len(parents) > WIDE
            for k, p in enumerate(parents):
                if wide and perf_counter() > self.deadline:
                    self.nodes -= 1
                    self.stop(i)
                    return
                rule = rules[k]
                if rule is None:
                    if ops[p] is not CONSTANT:
                        self.check_flat(i, op, k, balls)
                    continue
                if not asked[p]:
                    continue
                self.edges += 1
                local = rule(y, *x)
                if local is None:
                    local = 0.0
                known = fixed[k] if fixed else None
                if known is not None and known[1] == local:
                    d = known[0]
                else:
                    d = slope(op, balls, k)
                    middle = float(d)
                    if not (abs(local - middle) <= clear * abs(middle) and d.rel_accuracy_bits() >= bits):
                        d = self.check_slope(i, op, k, float(local), balls)
                before = arrived[p]
                if d.is_zero():
                    arrived[p] = ZERO if before is None else before
                else:
                    arrived[p] = d * upstream if before is None else before + d * upstream

    def kept(self) -> Kept | None:
        """The digits that the formula keeps."""
        return enclose(self.gradients, self.m, self.deadline, self.asked)

    def stop(self, i: int) -> None:
        """Time is up before this node is done."""
        self.late = True
        self.open_nodes.discard(i)
        self.unreached = [j for j in range(i + 1) if self.graph.used[j] and self.graph.ops[j] is not CONSTANT]

    # ── the closer look ─────────────────────────────────────────────────────────────────────────────────

    def check_value(self, i: int, op: Op, claim: float, x: list[arb]) -> None:
        """A forward value that the fast test did not accept."""
        outcome, exact = self.judge.decide(op, claim, lambda x: self.m.value(op, x), x)
        if outcome == "wrong" and not all(v.is_finite() for v in x):
            outcome = "open"
        if outcome in ("right", "rough", "kink"):
            return
        if outcome == "wrong":
            self.fail(i, f"the value of {self.node(i)} is {number(claim)}, but proved is {shown(exact)}")
        elif not exact.is_finite() and not isfinite(claim) and self.unreached_by_gradients(i):
            return  # undefined, and rightly so: in a branch not taken
        else:
            self.leave(i, "the value", x, exact, claim)

    def check_slope(self, i: int, op: Op, k: int, claim: float, x: list[arb]) -> arb:
        """A local gradient that the fast test did not accept. Returns the slope to go on with."""
        outcome, exact = self.judge.decide(op, claim, lambda x: self.m.slope(op, x, k), x)
        if outcome == "wrong" and not all(v.is_finite() for v in (*x, self.m.value(op, x))):  # no slope of 0/0
            outcome, exact = "open", NAN
        if outcome == "right":
            return exact
        self.taken[i, k] = claim
        name = self.edge(i, k)
        if outcome == "kink":
            self.choices.setdefault(i, []).append(f"{name} = {number(claim)}")
        elif outcome == "wrong":
            self.open_edges += 1
            self.fail(i, f"the local gradient {name} is {number(claim)}, but proved is {shown(exact)}")
        elif outcome == "open":
            self.open_edges += 1
            self.leave(i, name, x, exact, claim)
        return arb(claim)

    def check_flat(self, i: int, op: Op, k: int, x: list[arb]) -> None:
        """An input in which the table has no gradient: its slope must be 0, or a jump's."""
        before = self.m.kinks, self.m.straddles
        exact = self.m.slope(op, x, k)
        if exact.is_finite() and (exact > 0 or exact < 0) and before == (self.m.kinks, self.m.straddles):
            self.fail(i, f"no gradient is passed to {self.edge(i, k)}, but proved is {shown(exact)}")

    def check_sum(self, p: int, claim: float) -> None:
        """A gradient that the fast test did not accept: the terms again, with the size of each."""
        edges = self.leaving.get(p, [])
        taken: list[float] = []
        for child, k in edges:
            local = FLOATS.locals[self.graph.ops[child]][k]
            x = [self.values[q] for q in self.graph.parents[child]]
            found = local(self.values[child], *x) if local is not None else None
            if found is not None:
                taken.append(found * (self.adjoints[child] or 0.0))
        outcome, exact = self.judge.decide(
            None, claim, lambda _: self.total(p, edges)[0], slack=lambda: self.total(p, edges)[1]
        )
        if outcome == "right":
            return
        name = f"∂{self.graph.names[self.graph.output]}/∂{self.graph.names[p]}"
        count = f"the sum over {len(edges)} edges, " if len(edges) > 1 else ""
        if outcome == "wrong" and isfinite(sum(taken)):
            self.fail(p, f"the gradient {name}, {count}is {number(claim)}, but proved is {shown(exact)}")
        elif not isfinite(sum(taken)):
            self.open_nodes.add(p)
            self.inherited.append(p)
        else:
            self.open_nodes.add(p)
            self.vague.append(f"{name} = {number(claim)}: the enclosure {shown(exact)} is too wide")

    def total(self, p: int, edges: list[tuple[int, int]]) -> tuple[arb, arb]:
        """The downstream gradients that arrive at a node, summed, and the error that summing may cause."""
        total, size, reach = (arb(self.gradients.upstream), ZERO, ZERO) if p == self.graph.output else (ZERO,) * 3
        for child, k in edges:
            upstream = arb(self.adjoints[child])
            chosen = self.taken.get((child, k))
            if chosen is None:
                slope = self.m.slope(self.graph.ops[child], [arb(self.values[q]) for q in self.graph.parents[child]], k)
            else:
                slope = arb(chosen)
            if slope.is_zero():
                continue
            total, size, reach = total + slope * upstream, size + abs(slope * upstream), reach + abs(upstream)
        # n sums in doubles err by up to n half-ulps of the sum of magnitudes; a subnormal factor by its step
        return total, size * ((ULPS + len(edges)) * 2.0**-52) + reach * ULPS * arb(SMALLEST)

    @cached_property
    def leaving(self) -> dict[int, list[tuple[int, int]]]:
        """The active edges (child, k) by parent; made when first needed."""
        found: dict[int, list[tuple[int, int]]] = {}
        graph, adjoints = self.graph, self.adjoints
        for child, parents in enumerate(graph.parents):
            if adjoints[child] is not None and graph.used[child]:
                op = graph.ops[child]
                smooth = op.differentiable
                for k, p in enumerate(parents):
                    if self.asked[p] and (smooth or op.passes(k)):
                        found.setdefault(p, []).append((child, k))
        return found


class _Steady(dict[Op, tuple[tuple[arb, float] | None, ...]]):
    """Op → its slopes that are the same everywhere, as ball and double."""

    def __init__(self, m: Balls) -> None:
        super().__init__()
        self.m = m

    def __missing__(self, op: Op) -> tuple[tuple[arb, float] | None, ...]:
        pairs = (None if slope is None else (slope, float(slope)) for slope in self.m.everywhere[op])
        found = self[op] = tuple(pairs)
        return found
