"""What is said of the entries of tensors: which is meant, and what was found of it."""

from __future__ import annotations

from functools import cached_property
from math import isfinite, prod
from typing import Any

import numpy as np
from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.systems.arrays import ARRAYS
from gradcli.verify.judge import Outcome
from gradcli.verify.proof import Proof
from gradcli.verify.proof_words import LISTED, NAMED, shown
from gradcli.verify.settling import EXACT, Roughness, nudged
from gradcli.verify.unrolled import entry_name

Balls = list[arb | None]
"""An entry each; None where nothing arrives."""


class TensorWords(Proof):
    """The numbers of a graph of tensors, entry by entry, and the sentences about them."""

    most = 3

    def __init__(self, gradients: Gradients, deadline: float, asked: bytearray) -> None:
        super().__init__(gradients, deadline, asked)
        trace = gradients.trace
        self.shapes, self.masks = trace.shapes, gradients.masks
        self.numbers: dict[int, list[float]] = {}
        self.exactly: dict[int, list[arb]] = {}
        self.poor: set[tuple[int, int]] = set()  # edges that are not proved in every entry
        self.at: int | None = None  # the entry that is looked at
        self.summed: dict[int, Any] = {}  # nodes → which entries of the sum of what arrives are finite
        self.whole = {i for i in range(len(self.graph)) if self.works_on_whole(i)}

    def works_on_whole(self, i: int) -> bool:
        """Whether a node is unrolled, and not taken entry by entry."""
        op = self.graph.ops[i]
        averaged = bool(op.reduces) and any(self.shapes[p] for p in self.graph.parents[i])
        return op.structural or op.body is not None or averaged

    @cached_property
    def leaving(self) -> dict[int, list[tuple[int, int]]]:
        """The active edges (child, k) by parent."""
        found: dict[int, list[tuple[int, int]]] = {}
        graph, adjoints = self.graph, self.adjoints
        for child, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
            if adjoints[child] is not None and graph.used[child]:
                for k, p in enumerate(parents):
                    if self.asked[p] and op.passes(k):
                        found.setdefault(p, []).append((child, k))
        return found

    # ── numbers ──────────────────────────────────────────────────────────────────────────────────────────

    def floats(self, i: int) -> list[float]:
        """The entries of a node's value."""
        found = self.numbers.get(i)
        if found is None:
            found = self.numbers[i] = np.ravel(self.values[i]).tolist()
        return found

    def balls(self, i: int, rough: Roughness = EXACT) -> list[arb]:
        """The same, exactly; or known to a few ulp."""
        if rough:
            return nudged(self.balls(i))
        found = self.exactly.get(i)
        if found is None:
            found = self.exactly[i] = list(map(arb, self.floats(i)))
        return found

    def claims(self, i: int) -> list[float]:
        """The engine's gradient of a node, entry by entry."""
        g = self.adjoints[i]
        size = prod(self.shapes[i])
        return [0.0] * size if g is None else np.broadcast_to(g, self.shapes[i]).ravel().tolist()

    def seeds(self, i: int, rough: Roughness = EXACT) -> Balls:
        """A node's gradient as what its edges pass on; None for an entry that passes nothing."""
        found: Balls = [*(nudged(list(map(arb, self.claims(i)))) if rough else map(arb, self.claims(i)))]
        active = self.active(i)
        return found if active is None else [g if on else None for g, on in zip(found, active, strict=True)]

    def pulled(self, i: int, k: int) -> list[float] | None:
        """The engine's downstream gradient of an edge, entry by entry; None where it has none."""
        parents = self.graph.parents[i]
        x = [self.values[p] for p in parents]
        found = ARRAYS.pull(self.graph.ops[i], k, self.adjoints[i], self.masks.get(i), self.values[i], x)
        if found is None or found[0] is None:
            return None
        down: list[float] = np.broadcast_to(found[0], self.shapes[parents[k]]).ravel().tolist()
        return down

    def terms_finite(self, p: int, j: int) -> bool:
        """Whether an entry of a node's gradient is a sum of finite numbers, as the engine has them."""
        if p not in self.summed:
            total = np.zeros(prod(self.shapes[p]))
            with ARRAYS.quiet():
                if p == self.graph.output:
                    total = total + np.ravel(self.gradients.upstream)
                for child, k in self.leaving.get(p, ()):
                    total = total + (self.pulled(child, k) or 0.0)
            self.summed[p] = np.isfinite(total)
        return bool(self.summed[p][j])

    def active(self, i: int) -> list[bool] | None:
        """Which entries of a node have a gradient; None for all."""
        mask = self.masks.get(i)
        if mask is None:
            return None
        found: list[bool] = np.broadcast_to(mask, self.shapes[i]).ravel().tolist()
        return found

    def spread(self, i: int, p: int) -> list[int] | range:
        """For each entry of an elementwise node, the entry of a parent that it is computed from."""
        shape, of = self.shapes[i], self.shapes[p]
        if shape == of:
            return range(prod(of))
        places: list[int] = np.broadcast_to(np.arange(prod(of)).reshape(of), shape).ravel().tolist()
        return places

    # ── what was found ───────────────────────────────────────────────────────────────────────────────────

    def judge_value(self, i: int, j: int, outcome: Outcome, claim: float, exact: arb) -> bool:
        """An entry of a value that is not simply right."""
        self.at = j
        x = [ball for p in self.graph.parents[i] for ball in self.balls(p)]
        if outcome == "wrong" and all(ball.is_finite() for ball in x):
            self.fail(i, f"the value of {self.node(i)} is {number(claim)}, but proved is {shown(exact)}")
        elif outcome != "kink" and (exact.is_finite() or isfinite(claim) or not self.unreached_by_gradients(i)):
            self.leave(i, "the value", x, exact, claim)
        return len(self.failures) <= LISTED

    def judge_edge(self, i: int, k: int, j: int, outcome: Outcome, claim: float, exact: arb) -> bool:
        """An entry of what an edge passes down that is not simply right."""
        names, p = self.graph.names, self.graph.parents[i][k]
        to = self.entry(p, j)
        self.at = None
        if outcome == "kink":
            self.choices.setdefault(i, []).append(f"{number(claim)} for {to}")
            return True
        self.poor.add((i, k))
        if not isfinite(claim) and not all(isfinite(g) for g in self.claims(i)):
            self.open_nodes.add(p)
            if p not in self.inherited:
                self.inherited.append(p)
        elif outcome == "wrong" and all(ball.is_finite() for q in self.graph.parents[i] for ball in self.balls(q)):
            passes = f"passes {number(claim)} to {to}" if self.graph.ops[i].passes(k) else f"passes no gradient to {to}"
            self.fail(i, f"{self.node(i)} {passes}, but proved is {shown(exact)}")
        else:
            x = [ball for parent in self.graph.parents[i] for ball in self.balls(parent)]
            self.leave(i, f"what {names[i]} passes to {to}", x, exact, claim)
        return len(self.failures) <= LISTED

    def judge_local(self, i: int, k: int, entry: int, j: int, outcome: Outcome, claim: float, exact: arb) -> bool:
        """An entry of a local Jacobian that is not simply right."""
        p = self.graph.parents[i][k]
        name, self.at = f"∂{self.entry(i, entry)}/∂{self.entry(p, j)}", None
        if outcome == "kink":
            return True
        self.poor.add((i, k))
        if outcome == "wrong":
            self.fail(i, f"the local gradient {name} is {number(claim)}, but proved is {shown(exact)}")
        else:
            x = [ball for parent in self.graph.parents[i] for ball in self.balls(parent)]
            self.leave(i, name, x, exact, claim)
        return len(self.failures) <= LISTED

    def judge_sum(self, p: int, j: int, outcome: Outcome, claim: float, exact: arb) -> bool:
        """An entry of a node's gradient that is not simply the sum of what arrives."""
        name = f"∂{self.graph.names[self.graph.output]}/∂{self.entry(p, j)}"
        edges = self.leaving.get(p, [])
        count = f", the sum over {len(edges)} edges," if len(edges) > 1 else ""
        if outcome == "kink":
            return True
        if outcome == "wrong" and (isfinite(claim) or self.terms_finite(p, j)):
            self.fail(p, f"the gradient {name}{count} is {number(claim)}, but proved is {shown(exact)}")
        elif not isfinite(claim):
            self.open_nodes.add(p)
            if p not in self.inherited:
                self.inherited.append(p)
        else:
            self.open_nodes.add(p)
            self.vague.append(f"{name} = {number(claim)}: the enclosure {shown(exact)} is too wide")
        return len(self.failures) <= LISTED

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────

    def entry(self, i: int, j: int | None) -> str:
        """An entry's name: n1[0,1]; without an entry, the node's."""
        index = [] if j is None else [int(at) for at in np.unravel_index(j, self.shapes[i])]
        return entry_name(self.graph.names[i], index)

    def node(self, i: int) -> str:
        """A node's name and formula, and which entry is meant."""
        whole = super().node(i)
        return whole if self.at is None or not self.shapes[i] else f"{self.entry(i, self.at)} in {whole}"

    def edge(self, i: int, k: int) -> str:
        """An edge's name, in the entry that is looked at: ∂n1[0,1]/∂x[1]."""
        if self.at is None:
            return super().edge(i, k)
        p = self.graph.parents[i][k]
        which = f" (input {k + 1})" if self.graph.parents[i].count(p) > 1 else ""
        return f"∂{self.entry(i, self.at)}/∂{self.entry(p, self.spread(i, p)[self.at])}{which}"

    def unreached_by_gradients(self, i: int) -> bool:
        """Whether no gradient arrives at the entry that is looked at."""
        active = self.active(i)
        return self.adjoints[i] is None or (self.at is not None and active is not None and not active[self.at])

    def outside(self, i: int) -> bool:
        """Whether a node's inputs are outside its domain."""
        domain = self.graph.ops[i].predicate("domain")
        if domain is None:
            return False
        x = [self.values[p] for p in self.graph.parents[i]]
        with ARRAYS.quiet():
            inside = domain(ARRAYS, *x)
        if self.at is None or i in self.whole:
            return not np.all(inside)
        return not np.broadcast_to(inside, self.shapes[i]).ravel()[self.at]

    def told(self, i: int) -> str:
        """A gradient in a sentence: a number, or how many entries are not finite."""
        claims = self.claims(i)
        if not self.shapes[i]:
            return number(claims[0])
        return f"not finite in {sum(not isfinite(claim) for claim in claims):,} of its {len(claims):,} entries"

    def left_over(self, budget: float) -> tuple[str, ...]:
        """What is not proved, one sentence each."""
        self.at = None
        large = [f"{self.node(i)}: {what} too many to prove" for i, what in sorted(self.large.items())]
        if len(large) > NAMED + 1:
            large[NAMED:] = [f"{len(large) - NAMED:,} more nodes: too large to prove"]
        return (*large, *super().left_over(budget))

    def waiting(self) -> str:
        """The nodes that there was no time for, the first by name."""
        nodes = sorted(self.unreached, key=lambda i: (not self.graph.parents[i], i))
        named = [self.node(i) if self.graph.parents[i] else self.graph.names[i] for i in nodes]
        if len(named) > NAMED + 1:
            named[NAMED:] = [f"{len(named) - NAMED:,} more nodes"]
        return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
