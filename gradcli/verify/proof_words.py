"""What a proof has found of the numbers of a graph, and the sentences about it."""

from __future__ import annotations

from math import isfinite, isinf

from flint import arb

from gradcli.autodiff import Gradients
from gradcli.notation import formula, number
from gradcli.ops.op import INPUT
from gradcli.systems.balls import Balls
from gradcli.systems.floats import FLOATS
from gradcli.verify.judge import Judge
from gradcli.verify.verdicts import Kink

LISTED = 20
"""Sentences of one kind in a verdict."""

NAMED = 4
"""Nodes, or their gradients, that a sentence names."""


class ProofWords:
    """What was found so far, and how it is said."""

    most = 1000
    """Numbers of one node that a sentence lists."""

    def __init__(self, gradients: Gradients, deadline: float, asked: bytearray) -> None:
        self.gradients, self.deadline, self.asked = gradients, deadline, asked
        self.graph, self.values, self.adjoints = gradients.graph, gradients.trace.values, gradients.adjoints
        self.entries = self.downstream = 0  # of tensors
        self.large: dict[int, str] = {}  # nodes that are not tried, and what of them is too many
        self.m = Balls()
        self.judge = Judge(self.m)
        self.late = False
        self.nodes = self.edges = self.open_edges = self.tainted = 0
        self.unreached: list[int] = []  # nodes that there was no time for
        self.open_nodes: set[int] = set()
        self.failures: list[str] = []
        self.left: dict[int, dict[str, list[str]]] = {}  # node → why → what of it is not proved
        self.inherited: list[int] = []  # gradients with a term that is not finite
        self.vague: list[str] = []  # gradients whose enclosure is too wide
        self.choices: dict[int, list[str]] = {}  # nodes at a kink → their local gradients
        self.taken: dict[tuple[int, int], float] = {}  # edges whose slope is a choice, or not known: the engine's

    def node(self, i: int) -> str:
        """A node's name and formula: n6 = exp(n5)."""
        return f"{self.graph.names[i]} = {formula(self.graph, i)}"

    def edge(self, i: int, k: int) -> str:
        """An edge's name: ∂n1/∂x, and which input where x is several."""
        parents, names = self.graph.parents[i], self.graph.names
        which = f" (input {k + 1})" if parents.count(parents[k]) > 1 else ""
        return f"∂{names[i]}/∂{names[parents[k]]}{which}"

    def kinks(self) -> list[Kink]:
        """The choices that were made at kinks, one sentence a node."""
        return [
            Kink(
                i,
                f"{self.node(i)} is at a kink: {', '.join(some(chosen, self.most))} "
                f"{'lies' if len(chosen) == 1 else 'lie'} between the one-sided derivatives, "
                f"and any value there is right",
            )
            for i, chosen in sorted(self.choices.items())
        ]

    def fail(self, i: int, sentence: str) -> None:
        """Something is wrong with a node."""
        self.open_nodes.add(i)
        self.failures.append(sentence)

    def leave(self, i: int, what: str, x: list[arb], exact: arb, claim: float) -> None:
        """Something of a node could not be proved; what follows from an earlier fault is only counted."""
        first = i not in self.open_nodes
        self.open_nodes.add(i)
        op = self.graph.ops[i]
        gate = op.body is not None
        if not all(v.is_finite() for v in x):
            self.tainted += first
            return
        if self.outside(i):
            why = "outside its domain"
        elif gate and not isfinite(claim):
            why = "a number inside it is not finite"
        elif gate and exact.is_finite():
            why = "its formula loses every digit here"
        elif exact.is_finite() and not isfinite(claim):
            why = f"a number on the way to it overflows, it is {shown(exact)}"
        elif exact.is_finite():
            why = f"not proved, the enclosure {shown(exact)} is too wide"
        elif isfinite(claim):
            why = "not proved, there is no finite number to compare with"
        elif isinf(claim):
            why = "infinitely steep there"
        else:
            why = "not defined there"
        self.left.setdefault(i, {}).setdefault(why, []).append(f"{what} = {number(claim)}")

    def unreached_by_gradients(self, i: int) -> bool:
        """Whether no gradient arrives at a node: it is in a branch not taken."""
        return self.adjoints[i] is None

    def outside(self, i: int) -> bool:
        """Whether a node's inputs are outside its domain."""
        domain = self.graph.ops[i].predicate("domain")
        return domain is not None and not domain(FLOATS, *[self.values[p] for p in self.graph.parents[i]])

    def told(self, i: int) -> str:
        """A gradient in a sentence."""
        return number(self.adjoints[i] or 0.0)

    def left_over(self, budget: float) -> tuple[str, ...]:
        """What is not proved, one sentence each."""
        output, names = self.graph.names[self.graph.output], self.graph.names
        left = listed(
            [
                f"{self.node(i)}: {', '.join(some(what, self.most))}: {why}"
                for i, open_ in self.left.items()
                for why, what in open_.items()
            ]
            + self.vague
        )
        heirs = sorted(self.inherited, key=lambda i: (self.graph.ops[i] is not INPUT, i))
        if len(heirs) == 1:
            left += (f"∂{output}/∂{names[heirs[0]]} is {self.told(heirs[0])}: a term of it is not finite",)
        elif heirs:
            called = ", ".join(f"∂{output}/∂{names[i]}" for i in heirs[:NAMED])
            more = f" and {len(heirs) - NAMED:,} more" if len(heirs) > NAMED else ""
            left += (f"{called}{more}: a term of each is not finite",)
        if self.tainted:
            left += (f"{plural(self.tainted, 'node')} with an input that is not finite",)
        if self.late:
            left += (f"{self.waiting()}: the budget of {budget:g} s was used up",)
        return left

    def waiting(self) -> str:
        """The nodes that there was no time for."""
        return plural(len(self.unreached), "node")


def listed(sentences: list[str]) -> tuple[str, ...]:
    """The first sentences of a kind, and how many more there are."""
    sentences = list(dict.fromkeys(sentences))
    more = len(sentences) - LISTED
    return (*sentences[:LISTED], f"… and {more} more") if more > 0 else tuple(sentences)


def some(words: list[str], most: int) -> list[str]:
    """The first words of a list, and how many more there are."""
    more = len(words) - most
    return words if more <= 1 else [*words[:most], f"{more:,} more"]


def plural(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shown(exact: arb) -> str:
    """A ball as people read it."""
    return str(exact.str(20)) if exact.is_finite() else "no finite number"
