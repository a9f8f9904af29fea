"""Proof: every value, local gradient and sum of gradients lies within 64 ulp of a rigorous enclosure.

The verdict is local. At the double-precision inputs that a node really had, FLINT evaluates its definition
in ball arithmetic; each edge's local gradient comes from FLINT's own power series through that definition;
a node's gradient is the sum of enclosed local gradients times the upstream numbers. No partial of the op
table takes part. A formula that loses digits by its own fault is therefore not an error of the engine:
enclosures.py tells what it loses.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import isfinite
from time import perf_counter

from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.systems import Argument, Constant, Function
from gradcli.systems.balls import Balls, precision
from gradcli.systems.floats import FLOATS
from gradcli.systems.series import NAN, ROUNDED, ZERO
from gradcli.verify import BUDGET, asked_for
from gradcli.verify.enclosures import WIDE, Kept, enclose
from gradcli.verify.judge import BITS, SMALLEST, ULPS
from gradcli.verify.proof_words import LISTED, ProofWords, listed, shown
from gradcli.verify.settling import CLEAR_BITS, plainly, rounds_to
from gradcli.verify.verdicts import ProofVerdict


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


Edge = tuple[int, int, arb | float]
"""By which a gradient arrives: the child, which of its inputs, and the slope."""


class Proof(ProofWords):
    """One run over the tape, from the output back, and what it found."""

    def run(self) -> None:
        """The whole tape: cheap acceptance here, everything doubtful in the methods below."""
        graph, values, adjoints, asked = self.graph, self.values, self.adjoints, self.asked
        ops, tape, used = graph.ops, graph.parents, graph.used
        rules_of, known_of = FLOATS.locals, _Known(self.m)
        value, slope, tangent = self.m.value, self.m.slope, self.m.tangent
        arrived: list[list[Edge] | None] = [None] * len(ops)
        for i in range(graph.output, -1, -1):
            op = ops[i]
            if not used[i] or op is CONSTANT:
                continue
            if not i & 127 and perf_counter() > self.deadline:
                self.stop(i)
                return
            self.nodes += 1
            g, edges = adjoints[i], arrived[i] or []
            arrived[i] = None
            if (asked[i] or i == graph.output) and not self.adds_up(i, g or 0.0, edges):
                self.check_sum(i, g or 0.0, edges)
            if op is INPUT:
                continue
            y, parents, rules, (rounded, sure) = values[i], tape[i], rules_of[op], known_of[op]
            x = [values[p] for p in parents]
            balls: list[arb] = []
            first: arb | None = None  # the slope of an only input, which comes with the value
            if rounded is None or not rounds_to(y, rounded(*x)):
                balls = list(map(arb, x))
                if len(x) == 1 and g is not None and rules[0] is not None and asked[parents[0]]:
                    exact, first = tangent(op, balls, 0)
                else:
                    exact = value(op, balls)
                if not plainly(y, exact):
                    self.check_value(i, op, y, balls)
            if g is None:
                continue
            wide = len(parents) > WIDE
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
                d = local = rule(y, *x) or 0.0
                if not (sure and sure[k]) or local - local != 0.0:  # inf and nan are no slopes
                    exact = slope(op, balls, k) if k or first is None else first
                    d = exact if plainly(local, exact) else self.check_slope(i, op, k, float(local), balls)
                before = arrived[p]
                if before is None:
                    arrived[p] = [(i, k, d)]
                else:
                    before.append((i, k, d))

    def adds_up(self, p: int, claim: float, edges: Sequence[Edge]) -> bool:
        """Whether a gradient is the sum of what arrives, at first sight."""
        if len(edges) == 1:
            child, _, slope = edges[0]
            narrow = type(slope) is not arb or slope.rel_accuracy_bits() >= CLEAR_BITS
            if narrow and rounds_to(claim, float(slope) * self.adjoints[child]):
                return True
        total = arb(self.gradients.upstream) if p == self.graph.output else ZERO
        for child, _, slope in edges:
            d = arb(slope)
            if not d.is_zero():
                total += d * self.adjoints[child]
        return plainly(claim, total, terms=len(edges))

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

    def check_sum(self, p: int, claim: float, edges: Sequence[Edge]) -> None:
        """A gradient that the fast test did not accept: the terms again, with the size of each."""
        taken: list[float] = []
        for child, k, _ in edges:
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

    def total(self, p: int, edges: Sequence[Edge]) -> tuple[arb, arb]:
        """The downstream gradients that arrive at a node, summed, and the error that summing may cause."""
        total, size, reach = (arb(self.gradients.upstream), ZERO, ZERO) if p == self.graph.output else (ZERO,) * 3
        for child, k, _ in edges:
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


class _Known(dict[Op, tuple[Function | None, tuple[bool, ...]]]):
    """What is known of an op wherever it stands.

    How IEEE 754 rounds it, if it does so correctly; and of which inputs the engine's partial is FLINT's slope: a
    number, or another input. No others need to be compared at every node.
    """

    def __init__(self, m: Balls) -> None:
        super().__init__()
        self.m = m

    def __missing__(self, op: Op) -> tuple[Function | None, tuple[bool, ...]]:
        function = self.m.functions[op]
        sure = []
        for k, slope in enumerate(self.m.everywhere[op]):
            rule, factor = FLOATS.locals[op][k], self.m.factor(op, k)
            constant = isinstance(rule, Constant) and slope is not None and slope == rule
            sure.append(constant or (isinstance(rule, Argument) and factor == rule - 1))
        rounded = function if function in ROUNDED and all(sure) else None
        found = self[op] = rounded, tuple(sure)
        return found
