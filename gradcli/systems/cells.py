"""The system of tensors of code: arrays whose entries are lines of code (systems/source.py).

The engine's own rules run over them, forward and back: the same stable forms, the same conventions at kinks. Where
arrays are scaled to keep a sum or a product within the doubles, the code is not, but says when it would have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf, pi
from typing import Any

import numpy as np

from gradcli.errors import UsageError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op, Shape
from gradcli.ops.scores import one_hot
from gradcli.sweeps import pull_back
from gradcli.systems import Function
from gradcli.systems.arrays import WEIGHTS
from gradcli.systems.entries import MUL, Block, Entries, rowwise
from gradcli.systems.scaling import FAINT, TINY
from gradcli.systems.source import Code, Source
from gradcli.systems.structure import STRUCTURAL, slices

MOST = 20_000
"""Lines of code, and entries of a fixed tensor: with more, the engine's own arrays are the better way."""

ADD, NE = TABLE["add"], TABLE["ne"]


class NotUnrolled(UsageError):
    """A formula of tensors that is not written as code of numbers."""


class Cells(Entries):
    """The system of arrays whose entries are lines of code.   sound: what has to hold, 1 or 0 each."""

    name = "cells"
    machine = True

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source, self.sound = source, list[Code]()
        self.work = 0  # ops on entries, also on those that are numbers

    def __getattr__(self, name: str) -> Function:
        """A row's function, a structural primitive, or the adjoint of one."""
        if name in ADJOINTS and name not in TABLE:
            return partial(self.move, STRUCTURAL[name])
        return super().__getattr__(name)

    @property
    def pi(self) -> Block:
        """π as a double."""
        return self.literal(pi)

    def literal(self, value: Any) -> Block:
        """Numbers in any shape."""
        numbers = np.array(value, dtype=np.float64)
        if numbers.size > MOST:
            raise NotUnrolled(f"a tensor of {numbers.size:,} entries is not written as code of numbers")
        return self.cells([self.source.literal(number) for number in numbers.ravel().tolist()], numbers.shape)

    def cells(self, codes: Sequence[Code], shape: Shape) -> Block:
        """A block of these entries."""
        at = np.empty(len(codes), dtype=object)
        at[:] = codes
        return Block(self, at.reshape(shape))

    def constant(self, value: float) -> Any:
        """A number as an entry."""
        return self.source.literal(value)

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k; for which entries it counts, `pull` asks the row."""
        rule = op.partial(k)
        return None if rule is None else partial(rule, self)

    # ── forward ─────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, op: Op, *x: Any) -> Block:
        """An op, entry by entry, with NumPy's broadcasting."""
        blocks = np.broadcast_arrays(*[self.block(value).at for value in x])
        function = self.source.functions[op]
        self.work += blocks[0].size
        if len(self.source.lines) > MOST or self.work > 5 * MOST:
            raise NotUnrolled(f"the formula is longer than {MOST:,} steps on numbers")
        entries = zip(*[at.ravel().tolist() for at in blocks], strict=True)
        return self.cells([self.source.element(function(*each)) for each in entries], blocks[0].shape)

    def summed(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """Sums over some axes, or all; arrays scale those that overflow on the way."""
        total = self.added(self.block(x).at, axis, keepdims=keepdims)
        self.hold(self.lt(self.abs(total), inf))
        return total

    def added(self, at: Any, axis: Any = None, *, keepdims: bool = False) -> Block:
        """Sums, two and two and so on, as NumPy's pairwise sums keep more digits than one after the other."""
        rows, shape = rowwise(at, axis, keepdims=keepdims)
        while (terms := rows.shape[1]) > 1:
            half = terms // 2
            pairs = self.apply(ADD, Block(self, rows[:, :half]), Block(self, rows[:, half : 2 * half])).at
            rows = np.concatenate([pairs, rows[:, 2 * half :]], axis=1)
        return Block(self, rows[:, 0].reshape(shape))

    def averaged(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """Means over some axes, or all."""
        total = self.summed(x, axis=axis, keepdims=keepdims)
        parts = self.count(x, axis)
        return total if parts == 1 else total / parts

    def multiplied(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """Products over some axes, or all."""
        y = self.folded(MUL, x, axis, keepdims=keepdims)
        least = self.folded(MUL, self.min(self.abs(x), 1), axis, keepdims=keepdims)
        self.hold(self.ge(self.min(least, self.abs(y)), TINY) * self.lt(self.abs(y), inf))
        return y

    def product(self, a: Any, b: Any) -> Block:
        """The matrix product, of stacks of matrices too."""
        left, right = self.block(a).at, self.block(b).at
        rows = left[None, :] if left.ndim == 1 else left
        columns = right[:, None] if right.ndim == 1 else right
        products = self.apply(MUL, Block(self, rows[..., :, :, None]), Block(self, columns[..., None, :, :]))
        found = self.added(products.at, -2).at
        found = found[..., 0, :] if left.ndim == 1 else found
        return Block(self, np.asarray(found[..., 0] if right.ndim == 1 else found, dtype=object))

    def length(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """The 2-norm over some axes, or of all."""
        squares = self.added(self.apply(MUL, x, x).at, axis, keepdims=keepdims)
        self.hold(self.ge(squares, FAINT) * self.lt(squares, inf))
        return Block(self, self.sqrt(squares).at)

    # ── back ────────────────────────────────────────────────────────────────────────────────────────────

    def unit(self, x: Any, y: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """x/‖x‖, where y is ‖x‖."""
        at = self.block(y).at
        whole = Block(self, at if keepdims or axis is None else np.expand_dims(at, axis))
        self.hold(self.ge(whole, TINY) * self.lt(whole, inf))
        return self.block(x) / whole

    def balanced(self, g: Any, x: Any, *, axis: Any = None) -> tuple[int, int, int]:
        """No scaling: instead, that g times no product of any of x leaves the doubles."""
        sizes, weights = self.abs(x), self.abs(g)
        least = self.folded(MUL, self.min(sizes, 1), axis, keepdims=True) * self.min(weights, 1)
        most = self.folded(MUL, self.max(sizes, 1), axis, keepdims=True) * self.max(weights, 1)
        self.hold(self.ge(least, TINY) * self.lt(most, inf))
        return 0, 0, 0

    def ldexp(self, x: Any, n: Any) -> Any:
        """x, which `balanced` has not scaled."""
        return x

    def placed(self, g: Any, x: Any, *, key: Any) -> Block:
        """Zeros of the shape of x, with g at the key."""
        at = self.literal(np.zeros(self.shape(x))).at
        at[slices(key)] = self.block(g).at[()]
        return Block(self, at)

    def on_diagonal(self, g: Any, x: Any) -> Block:
        """g on the diagonal of a matrix of the shape of x, else 0."""
        at = self.literal(np.zeros(self.shape(x))).at
        np.fill_diagonal(at, self.block(g).at[()])
        return Block(self, at)

    def gathered(self, parts: Sequence[Any], x: Any, *, axis: Any = None) -> Block:
        """Parts put together in the shape of x."""
        at = STRUCTURAL["gathered"]([self.block(part).at for part in parts], self.block(x).at, axis=axis)
        return Block(self, np.asarray(at, dtype=object))

    def narrowed(self, g: Any, x: Any) -> Block:
        """g in the shape of x, summed where x was broadcast."""
        at, shape = self.block(g).at, self.shape(x)
        gone = at.ndim - len(shape)
        at = self.added(at, tuple(range(gone))).at if gone else at
        ones = tuple(k for k, length in enumerate(shape) if length == 1 and at.shape[k] > 1)
        return self.added(at, ones, keepdims=True) if ones else Block(self, at)

    def product_left(self, g: Any, a: Any, b: Any) -> Block:
        """The adjoint of a @ b in a."""
        return self.move(STRUCTURAL["product_left"], g, a, b)

    def product_right(self, g: Any, a: Any, b: Any) -> Block:
        """The adjoint of a @ b in b."""
        return self.move(STRUCTURAL["product_right"], g, a, b)

    def pull(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Sequence[Any]) -> tuple[Any, Any] | None:
        """The downstream gradient of input k, and 1 for the entries that are active, None for all; see Arrays.pull."""
        if mask is not None and all(code.value == 0 for code in mask.at.ravel().tolist()):
            return None
        if op.body is not None:
            return self.through(op, k, g, mask, x)
        chosen = op.selected(k)
        selected = None if chosen is None else self.spread_to(chosen(self, *x), x[k] if op.structural else y)
        if op.structural:
            return self.pull_whole(op, k, g, mask, selected, y, x)
        local = self.locals[op][k]
        if local is None:
            return None
        whole = Block(self, np.broadcast_arrays(*[self.block(value).at for value in x])[0])
        if op.reduces:
            g = self.move(STRUCTURAL["spread"], g * WEIGHTS[op.reduces](whole.at.shape), whole)
            mask = mask if mask is None else self.spread_to(mask, whole)
        down = local(y, *x) * g
        if selected is not None:
            mask = selected if mask is None else selected * mask
        if mask is not None:
            down = self.where(mask, down, 0)
            mask = self.ne(self.narrowed(self.spread_to(mask, whole), x[k]), 0)
        return self.narrowed(self.spread_to(down, whole), x[k]), mask

    def pull_whole(
        self, op: Op, k: int, g: Any, mask: Any, selected: Any, y: Any, x: Sequence[Any]
    ) -> tuple[Any, Any] | None:
        """The same of a structural op."""
        rule = op.pulled(k)
        down = None if rule is None else rule(self, g, y, *x)
        if rule is None or down is None:
            return None
        down = self.block(down)
        if mask is None or not op.moves:
            return down, selected
        ones = [y, *x] if selected is not None else [self.literal(np.ones(self.shape(value))) for value in (y, *x)]
        led = self.ne(rule(self, mask, *ones), 0)
        return down, led if selected is None else led * selected

    def spread_to(self, value: Any, like: Any) -> Block:
        """A value in the shape of another."""
        return Block(self, np.broadcast_to(self.block(value).at, self.block(like).at.shape))

    def through(self, op: Op, k: int, g: Any, mask: Any, x: Sequence[Any]) -> tuple[Any, Any] | None:
        """The downstream gradient of a user's gate: back through its body."""
        body = op.body
        if not body.varied[body.output]:
            return None
        leaves = dict(zip(body.inputs.values(), x, strict=True))
        reached = body.leading([list(body.inputs)[k]])
        adjoints, masks = pull_back(body, body.evaluate(self, leaves), self, g, reached, mask)
        place = list(body.inputs.values())[k]
        return None if adjoints[place] is None else (adjoints[place], masks.get(place))

    # ── what has to hold ────────────────────────────────────────────────────────────────────────────────

    def hold(self, truth: Any) -> None:
        """These have to be true."""
        self.sound += self.block(truth).at.ravel().tolist()

    def within(self, graph: Graph, values: Sequence[Any], adjoints: Sequence[Any], masks: Mapping[int, Any]) -> None:
        """That every active entry is inside its op's domain, and labels are what they have to be."""
        dialect = self.source.dialect
        for i, op in enumerate(graph.ops):
            x = [values[p] for p in graph.parents[i]]
            domain: Any = op.predicate("domain") if adjoints[i] is not None and graph.varied[i] else None
            if domain is not None and op.spelled.get(dialect.base) not in dialect.raises:
                truth = domain(self, *x)
                self.hold(truth if i not in masks else self.where(masks[i], truth, 1))
            if op.labels and graph.used[i]:
                hot = self.block(one_hot(self, x[1], x[0]))
                if self.shape(x[1]) != self.shape(x[0]):
                    self.hold(self.eq(self.added(hot.at, -1), 1))
                elif op.labels == "one-hot":
                    self.hold(self.eq(self.added(hot.at, -1), 1))
                    self.hold(self.eq(hot * hot, hot))


ADJOINTS = frozenset(("spread", "shaped_like", "part", "turned_back"))
"""Adjoints that only move entries."""
