"""What sympy derives of a graph, compared with what the engine computed. Runs in the child process.

Three stages, each an answer of its own: every op by itself, at the numbers that the engine fed it; the
expression as a whole, for every variable and, while it is small, every node between; the closed forms that
people read.

An op by itself decides whether a number is wrong: its inputs are exact, so nothing but the op can be at
fault. Where the ops are right and the whole differs, the formula has lost its digits, or a kink lies
between; unless the proof has shown the digits to be there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from math import inf, isfinite
from typing import Any

import sympy
from mpmath import mpf

from gradcli.graph import Graph
from gradcli.notation import number
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.systems.floats import FLOATS
from gradcli.systems.symbolic import Symbolic
from gradcli.verify.comparison import ATOL, LIMIT_ATOL, WIDER, Local, Span, agree, around, limited
from gradcli.verify.evaluation import Point, depth
from gradcli.verify.findings import Findings, between, differ, reason, shown
from gradcli.verify.forms import Forms

SURE_DIGITS = 10
"""With so many digits proved, a difference cannot be rounding."""

MOST_OPS, MOST_DEPTH = 400, 100
"""Ops, sharing written out, and depth of an expression that sympy is asked to differentiate as a whole."""

MOST_OPS_BETWEEN = 6
"""Ops of an expression whose inner nodes are differentiated too."""

PLAIN, SMALL = 1 << 20, 64
"""Literals up to here, with denominators up to there, are numbers for sympy; others are symbols with a value,
so that 0.1*x is derived and printed as such."""


class OutOfTimeError(Exception):
    """The budget is spent."""


class Derivation:
    """One graph, one point, the engine's numbers.

    adjoints: None where no gradient arrives.   digits: what the proof gives, or None.
    asked: 1 for each node whose gradient counts.   deadline: on the monotonic clock.
    rooms: of tensors unrolled, input → how far rounding may move its gradient; the ops are then not checked one by one,
    for the engine did not compute them.
    forms: whether closed forms are wanted.
    """

    def __init__(
        self,
        graph: Graph,
        values: list[float],
        adjoints: list[float | None],
        *,
        upstream: float = 1.0,
        digits: int | None = None,
        asked: Sequence[int] | None = None,
        deadline: float = inf,
        rooms: dict[int, float] | None = None,
        forms: bool = True,
    ) -> None:
        self.graph, self.values, self.upstream = graph, values, upstream
        self.adjoints = [0.0 if g is None else g for g in adjoints]
        self.asked: Sequence[int] = graph.varied if asked is None else asked
        self.digits, self.deadline = digits, deadline
        self.rooms, self.forms = rooms, forms
        self.m = Symbolic()
        self.found = Findings()
        self.rules: dict[tuple[Op, int], Local] = {}

    def verdicts(self) -> Iterator[dict[str, Any]]:
        """The answers, each knowing more than the one before."""
        found, whole = self.found, "the expression as a whole"
        found.asked = len(self.inputs)
        try:
            if self.rooms is None:
                self.check_ops()
        except Exception as error:  # whatever sympy raises, it is not a wrong gradient
            found.unchecked.append(f"the ops one by one ({reason(error)})")
        yield found.answer(f"{whole} (it did not finish in time)")
        derived = False
        try:
            reached = self.out_of_reach()
            if reached:
                singly = "; its ops were checked one by one" if found.ops else ""
                found.unchecked.append(f"{whole} ({reached}){singly}")
            else:
                self.check_whole()
                derived = True
        except Exception as error:
            found.unchecked.append(f"{whole} ({reason(error)})")
        yield found.answer()
        if found.failures or not derived or not self.forms:
            return
        with suppress(Exception):  # a closed form is a courtesy
            for name, form in Forms(self).derivatives():
                found.derivatives[name] = form
                yield found.answer()

    def tick(self) -> None:
        """Stop when the time is over."""
        if time.monotonic() > self.deadline:
            raise OutOfTimeError

    # ── one by one ──────────────────────────────────────────────────────────────────────────────────────

    def check_ops(self) -> None:
        """Each op's value and local gradients at its own inputs, and each node's sum over its edges."""
        graph, values, names, found = self.graph, self.values, self.graph.names, self.found
        sums: list[Span | None] = [Span() for _ in graph.ops]
        for child, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
            if not parents or not graph.used[child]:
                continue
            self.tick()
            x = [values[p] for p in parents]
            local = self.local(op, len(x))
            if local is None or not all(map(isfinite, [*x, values[child]])):
                for p in parents:
                    sums[p] = None
                continue
            point = local.point(x)
            value = local.value(point)
            if value is not None:
                found.ops += 1
                if not agree(values[child], value):
                    found.failures.append(differ(names[child], values[child], value))
            g = self.adjoints[child]
            if not g:
                continue
            for k, p in enumerate(parents):
                arrived = sums[p]
                if arrived is None or not self.asked[p] or not op.passes(k):
                    continue
                sides = local.slopes(k, point) if isfinite(g) else []
                if sides:
                    arrived.add([side * mpf(g) for side in sides])
                else:
                    sums[p] = None
        sums[graph.output] = Span(mpf(self.upstream), mpf(self.upstream), abs(mpf(self.upstream)))
        for i, span in enumerate(sums):
            if span is None or not graph.used[i] or graph.ops[i] is CONSTANT or not self.asked[i]:
                continue
            g = self.adjoints[i]
            if isfinite(g) and not span.holds(g):
                found.failures.append(differ(self.cell(i), g, span.nearest(g)))

    def local(self, op: Op, count: int) -> Local | None:
        """What sympy knows of an op with so many inputs; None where it cannot help."""
        key = op, count
        if key not in self.rules:
            self.rules[key] = Local(self.m, op, count)
        found = self.rules[key]
        if found.trouble:
            sentence = f"{op.name} ({found.trouble})"
            if sentence not in self.found.unchecked:
                self.found.unchecked.append(sentence)
            return None
        return found

    # ── as a whole ──────────────────────────────────────────────────────────────────────────────────────

    def out_of_reach(self) -> str:
        """Why the expression as a whole is not for sympy; empty if it is."""
        if not isfinite(self.values[self.graph.output]):
            return f"{self.graph.names[self.graph.output]} is {number(self.values[self.graph.output])} here"
        if not all(isfinite(self.values[i]) for i in self.graph.inputs.values()):
            return "an input is not finite"
        if self.size > MOST_OPS:
            return f"written out it has {self.size:,} ops, and {MOST_OPS} is the most"
        if depth(self.output) > MOST_DEPTH:
            return f"it is nested more than {MOST_DEPTH} deep"
        return ""

    @cached_property
    def size(self) -> int:
        """Ops of the expression with sharing written out (at most a million)."""
        graph = self.graph
        ops = [0] * len(graph)
        for i, parents in enumerate(graph.parents):
            if parents:
                body = graph.ops[i].body
                own = 1 if body is None else len(body)
                ops[i] = min(own + sum(ops[p] for p in parents), 1_000_000)
        return ops[graph.output]

    @cached_property
    def leaves(self) -> dict[int, sympy.Expr]:
        """Tape position → symbol or number, for inputs and constants.

        A literal that is no small integer or fraction is a symbol with a value.
        """
        m = self.m
        leaves = {i: m.symbol(name) for name, i in self.graph.inputs.items()}
        for i, literal in self.graph.numbers.items():
            size = abs(literal.value)
            top, bottom = size.as_integer_ratio()
            if bottom <= SMALL and top < PLAIN:
                leaves[i] = m.literal(literal.value)
            else:
                symbol = sympy.Dummy(literal.text.lstrip("-"), positive=True)
                m.held[symbol] = m.literal(size)
                leaves[i] = symbol if literal.value > 0 else -symbol
        return leaves

    @cached_property
    def inputs(self) -> dict[str, sympy.Symbol]:
        """Variable → its symbol, for those whose gradients count."""
        graph = self.graph
        return {name: self.leaves[i] for name, i in graph.inputs.items() if graph.used[i] and self.asked[i]}

    @cached_property
    def expressions(self) -> list[sympy.Expr]:
        """Every node as a sympy expression in the variables."""
        return self.graph.evaluate(self.m, self.leaves)

    @cached_property
    def output(self) -> sympy.Expr:
        """The expression that is differentiated."""
        return self.expressions[self.graph.output]

    @cached_property
    def point(self) -> Point:
        """The values of the variables."""
        return Point({self.leaves[i]: self.values[i] for i in self.graph.inputs.values()}, self.m.held)

    @cached_property
    def gradient(self) -> dict[str, sympy.Expr]:
        """Variable → sympy's derivative of the whole expression."""
        derived = {}
        for name, symbol in self.inputs.items():
            self.tick()
            derived[name] = sympy.diff(self.output, symbol)
        return derived

    @cached_property
    def kinks(self) -> list[int]:
        """The nodes where the engine had a choice to make."""
        graph, values = self.graph, self.values
        at = []
        for i, op in enumerate(graph.ops):
            kinks = op.predicate("kinks") if graph.used[i] else None
            if kinks is not None and kinks(FLOATS, *[values[p] for p in graph.parents[i]]):
                at.append(i)
        return at

    def check_whole(self) -> None:
        """The output, its derivative in every variable, and in every node between while it is small."""
        graph, found = self.graph, self.found
        output = graph.output
        true = self.nearest(self.output, self.values[output], self.point)
        if true is not None and not agree(self.values[output], true):
            self.blame(graph.names[output], self.values[output], true)
        for name, symbol in self.inputs.items():
            self.tick()
            i, derivative = graph.inputs[name], self.gradient[name]
            if derivative.has(sympy.Derivative):
                found.unchecked.append(f"{self.cell(i)} (sympy leaves this derivative undone)")
            else:
                found.checked += self.compare(i, derivative, symbol)
        if self.size > MOST_OPS_BETWEEN:
            return
        for i in range(output):
            if graph.parents[i] and graph.used[i] and self.asked[i] and isfinite(self.adjoints[i]):
                self.tick()
                symbol = self.m.symbol(graph.names[i])
                value, _ = self.point(self.expressions[i])
                if value is not None:
                    self.point.values[symbol] = value
                    self.compare(i, sympy.diff(self.output_of(i, symbol), symbol), symbol)

    def output_of(self, index: int, symbol: sympy.Symbol) -> sympy.Expr:
        """The output as a function of one node between."""
        graph, functions = self.graph, self.m.functions
        changed: dict[int, sympy.Expr] = {index: symbol}
        for i in range(index + 1, graph.output + 1):
            parents = graph.parents[i]
            if graph.used[i] and any(p in changed for p in parents):
                x = [changed[p] if p in changed else self.expressions[p] for p in parents]
                changed[i] = functions[graph.ops[i]](*x)
        return changed[graph.output]

    def nearest(self, expression: sympy.Expr, computed: float, point: Point) -> Any:
        """The value of an expression at the first precision at which it agrees with a double, or the last."""
        value = None
        for finer in point.finer():
            value, _ = finer(expression)
            if value is not None and agree(computed, value):
                break
        return value

    def compare(self, index: int, derivative: sympy.Expr, symbol: sympy.Symbol) -> bool:
        """One gradient of the engine with sympy's derivative at the point; False where nothing could be compared."""
        g, cell, found = self.adjoints[index], self.cell(index), self.found
        scaled = derivative * sympy.Rational(self.upstream) if self.upstream != 1 else derivative
        true = self.nearest(scaled, g, self.point) if isfinite(g) else self.point(scaled)[0]
        if not isfinite(g):
            truth = "" if true is None else f"; sympy's derivative is {shown(true)}"
            found.undefined.setdefault(f"gradcli computed {number(g)}{truth}", []).append(cell)
            return False
        _, kink = self.point(scaled)
        if true is not None and not kink and agree(g, true):
            if abs(true) > ATOL:
                error = abs(g - true) / abs(true)
                found.error = error if found.error is None else max(found.error, error)
            return True
        moved = [symbol]
        near = around(scaled, self.point, moved)
        if not near:
            moved = list(self.point.values)
            near = around(scaled, self.point, moved)
        span = Span(bent=True)
        if near:
            span.add(near)
        if near and span.holds(g):
            if self.graph.ops[index] is INPUT and not agree(near[0], near[-1], slack=LIMIT_ATOL):
                ends = between(span.low, span.high)
                found.kinks.append(f"{cell} is at a kink: {number(g)} lies between {ends}")
            return True
        if kink or self.kinks or true is None:
            at = "at the kink" if kink or self.kinks else "where sympy has no number"
            ends = ""
            if near and limited(near, around(scaled, self.point, moved, WIDER)):
                ends = f"; beside it sympy has {between(span.low, span.high)}"
            found.unchecked.append(f"{cell} {at} ({number(g)} by convention{ends})")
        else:
            self.blame(cell, g, true, None if self.rooms is None else self.rooms.get(index))
        return False

    def blame(self, what: str, computed: float, true: Any, room: float | None = None) -> None:
        """A number that is not the whole formula's, although every op is right.

        The formula's own fault, or an error where the proof has shown that it is not.
        room: how far rounding may move it, if that is known.
        """
        found = self.found
        if any(failure.startswith(f"{what}:") for failure in found.failures):
            return
        beyond = room is not None and abs(computed - true) > room
        if beyond or found.failures or (self.digits is not None and self.digits >= SURE_DIGITS):
            found.failures.append(differ(what, computed, true))
        else:
            lost = f"{number(computed)} is {shown(true)} exactly"
            found.unchecked.append(f"{what} (the formula loses its digits here: {lost})")

    def cell(self, index: int) -> str:
        """How a gradient is called: ∂f/∂x."""
        names = self.graph.names
        return f"∂{names[self.graph.output]}/∂{names[index]}"
