"""The proof of an equality, the child's side: `python -m gradcli.homework.formulas.simplifying SECONDS`.

Both sides become sympy expressions, built from the graphs and never from text. sympy differentiates the question by
its own rules. A line of JSON asks, a line answers whether the difference simplifies to 0.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from gradcli.graph import Graph
from gradcli.notation import number
from gradcli.ops.op import Op
from gradcli.systems import Function
from gradcli.systems.symbolic import Symbolic
from gradcli.verify.evaluation import depth
from gradcli.verify.worker import decoded, gate, limit

NAMED = {"pi": sympy.pi, "e": sympy.E, "tau": 2 * sympy.pi}
"""Constants that are known by their name."""

DEEPEST = 200
"""Nesting of an expression that sympy is asked to simplify: it recurses."""


def written(value: float) -> sympy.Expr:
    """The decimal that a number is written as: 0.1 is a tenth."""
    return sympy.Rational(number(value))


class Written(Symbolic):
    """sympy expressions in which attributes are the decimals they are written as."""

    def function(self, op: Op) -> Function:
        """The op on sympy expressions."""
        if op.attributes:
            bound = {**op.attributes, **op.bound}
            op = op.named(
                bound={name: written(value) if isinstance(value, float) else value for name, value in bound.items()},
                attributes={},
            )
        return super().function(op)


class Sides:
    """The right side and the formula's, over the same variables."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        gates = [gate(name, decoded(columns, [])) for name, columns in asked["gates"]]
        self.graph, self.formula = decoded(asked["question"], gates), decoded(asked["formula"], gates)
        self.m = Written()
        leaves = {i: self.m.symbol(name) for name, i in self.graph.inputs.items()}
        self.values = self.evaluated(self.graph, leaves)
        self.kind, self.nodes, self.k = asked["cell"]
        self.dout = self.m.symbol("dout") if asked["dout"] is not None else written(asked["upstream"])
        bound = {at: self.values[i] for at, i in asked["nodes"]}
        bound |= {at: self.gradient(i) for at, i in asked["gradients"]}
        if asked["dout"] is not None:
            bound[asked["dout"]] = self.dout
        self.found = self.evaluated(self.formula, bound)[self.formula.output]

    def evaluated(self, graph: Graph, leaves: Mapping[int, sympy.Expr]) -> list[sympy.Expr]:
        """Every node as an expression, its numbers as they are written."""
        values: list[Any] = [None] * len(graph)
        for i, literal in graph.numbers.items():
            values[i] = NAMED[literal.text] if literal.text in NAMED else written(literal.value)
        for i, leaf in leaves.items():
            values[i] = leaf
        for i, parents in enumerate(graph.parents):
            if parents:
                values[i] = self.m.functions[graph.ops[i]](*[values[p] for p in parents])
        return values

    @property
    def right(self) -> sympy.Expr:
        """The expression that belongs in the cell."""
        node = self.nodes[0]
        if self.kind == "value":
            return self.values[node]
        if self.kind == "local":
            return self.local(node, self.k)
        if self.kind == "down":
            return self.local(node, self.k) * self.gradient(node)
        return sympy.Add(*[self.gradient(i) for i in self.nodes])

    def local(self, node: int, k: int) -> sympy.Expr:
        """The derivative of an op in one of its inputs, at its inputs."""
        parents = self.graph.parents[node]
        symbols = [self.m.symbol(f"x{j}") for j in range(len(parents))]
        derived = sympy.diff(self.m.functions[self.graph.ops[node]](*symbols), symbols[k])
        return derived.xreplace({symbol: self.values[p] for symbol, p in zip(symbols, parents, strict=True)})

    def gradient(self, node: int) -> sympy.Expr:
        """The derivative of the output in a node, times the upstream gradient."""
        graph = self.graph
        if node == graph.output:
            return self.dout
        symbol = self.m.symbol("node")
        changed: dict[int, sympy.Expr] = {node: symbol}
        for i in range(node + 1, graph.output + 1):
            parents = graph.parents[i]
            if any(p in changed for p in parents):
                changed[i] = self.m.functions[graph.ops[i]](*[changed.get(p, self.values[p]) for p in parents])
        derived = sympy.diff(changed.get(graph.output, sympy.Integer(0)), symbol)
        return self.dout * derived.xreplace({symbol: self.values[node]})


def is_zero(difference: sympy.Expr) -> bool:
    """Whether an expression simplifies to 0, by one way or another, the quickest first."""
    if difference == 0:
        return True
    if difference.has(sympy.nan, sympy.zoo, sympy.oo, sympy.Derivative, sympy.Subs):
        return False
    if depth(difference) > DEEPEST:
        return False
    return any(step(difference) == 0 for step in STEPS)


def _rational(expression: sympy.Expr) -> sympy.Expr:
    return sympy.cancel(sympy.together(expression))


def _exponential(expression: sympy.Expr) -> sympy.Expr:
    """In exponentials alone, of which one stands for another's multiple: then it is rational."""
    return sympy.cancel(sympy.together(sympy.expand(sympy.expand_power_exp(expression.rewrite(sympy.exp)))))


STEPS: tuple[Callable[[sympy.Expr], sympy.Expr], ...] = (
    sympy.expand,
    _rational,
    sympy.trigsimp,
    _exponential,
    sympy.simplify,
)


def main() -> None:
    """Load sympy, then answer line by line."""
    limit(float(sys.argv[1]))
    gc.freeze()
    _say({"ready": True})
    for line in sys.stdin.buffer:
        try:
            sides = Sides(json.loads(line))
            zero = is_zero(sides.right - sides.found)
        except Exception:  # whatever sympy raises, nothing is proved
            zero = False
        _say({"zero": zero})
    os._exit(0)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
