"""The system that unrolls tensors: an op on tensors becomes the steps on single entries that its definition says.

An element is a block of positions, an integer array; each position is one number of the program. Moving entries
(index, transpose, reshape …) only moves positions. What computes is written down as steps: an op entry by entry, sums,
and sums of products. Rules of the backward pass take no part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gradcli.errors import LimitError
from gradcli.ops import TABLE
from gradcli.ops.op import Op, Shape
from gradcli.systems import Function, System
from gradcli.systems.program import Apply, Positions, Product, Program, Total
from gradcli.systems.structure import STRUCTURAL, count, positive


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A tensor of positions; operators append steps."""

    m: Entries
    at: Positions

    def __add__(self, other: Any) -> Block:
        return self.m.apply(ADD, self, other)

    def __radd__(self, other: Any) -> Block:
        return self.m.apply(ADD, other, self)

    def __sub__(self, other: Any) -> Block:
        return self.m.apply(SUB, self, other)

    def __rsub__(self, other: Any) -> Block:
        return self.m.apply(SUB, other, self)

    def __mul__(self, other: Any) -> Block:
        return self.m.apply(MUL, self, other)

    def __rmul__(self, other: Any) -> Block:
        return self.m.apply(MUL, other, self)

    def __truediv__(self, other: Any) -> Block:
        return self.m.apply(DIV, self, other)

    def __rtruediv__(self, other: Any) -> Block:
        return self.m.apply(DIV, other, self)

    def __pow__(self, other: Any) -> Block:
        return self.m.apply(POW, self, other)

    def __rpow__(self, other: Any) -> Block:
        return self.m.apply(POW, other, self)

    def __matmul__(self, other: Any) -> Block:
        return self.m.product(self, other)

    def __rmatmul__(self, other: Any) -> Block:
        return self.m.product(other, self)

    def __neg__(self) -> Block:
        return self.m.apply(NEG, self)

    def __or__(self, other: Any) -> Block:
        """Of truths, 1 where either is."""
        return self.m.apply(UNEQUAL, self + other, 0)

    def __bool__(self) -> bool:
        raise TypeError("a rule may not branch on its inputs: use m.where")


ADD, SUB, MUL, DIV, POW, NEG = (TABLE[name] for name in ("add", "sub", "mul", "div", "pow", "neg"))
LARGER, SMALLER, EQUAL, UNEQUAL = (TABLE[name] for name in ("max", "min", "eq", "ne"))
PAIRWISE = frozenset({LARGER, SMALLER})
"""Ops of many numbers that are the same op of two, over and over."""

MOST_PARTS = 100_000
"""Parts that a definition may take one after the other."""


class Entries(System):
    """One program under construction."""

    name = "entries"

    def __init__(self) -> None:
        super().__init__()
        self.program = Program()
        self.known: dict[float, int] = {}

    def __getattr__(self, name: str) -> Function:
        """A row's function, or a structural primitive by its own name."""
        if name in MOVES and name not in TABLE:
            return partial(self.move, MOVES[name])
        return super().__getattr__(name)

    # ── leaves ──────────────────────────────────────────────────────────────────────────────────────────

    def leaf(self, shape: Shape) -> Block:
        """An input of the program."""
        block = self.fresh(shape)
        self.program.leaves.append(block.at)
        return block

    def literal(self, value: Any) -> Block:
        """A constant, or a tensor of constants."""
        numbers = np.array(value, dtype=np.float64)
        places = [self.constant(number) for number in numbers.ravel().tolist()]
        return Block(self, np.array(places, dtype=np.intp).reshape(numbers.shape))

    def constant(self, value: float) -> int:
        """The position of a number; equal ones have one."""
        place = self.known.get(value)
        if place is None or math.copysign(1, value) != math.copysign(1, self.program.constants[place]):
            place = self.known[value] = self.take(1)
            self.program.constants[place] = value
        return place

    @property
    def pi(self) -> Block:
        """The π of a definition."""
        if self.program.pi is None:
            self.program.pi = self.take(1)
        return Block(self, np.array(self.program.pi))

    def take(self, size: int) -> int:
        """So many new positions: the first of them."""
        start = self.program.size
        self.program.size += size
        return start

    def fresh(self, shape: Shape) -> Block:
        """A block of new positions."""
        size = math.prod(shape)
        start = self.take(size)
        return Block(self, np.arange(start, start + size).reshape(shape))

    def block(self, element: Any) -> Block:
        """An element as a block."""
        return element if isinstance(element, Block) else self.literal(element)

    def shape(self, x: Any) -> Shape:
        """The shape of an element."""
        return tuple(self.block(x).at.shape)

    def count(self, x: Any, axis: Any = None) -> int:
        """How many entries there are along some axes, or in all."""
        return count(self.block(x).at, axis)

    # ── ops ─────────────────────────────────────────────────────────────────────────────────────────────

    def function(self, op: Op) -> Function:
        """An op on blocks: entry by entry, by its structure, or as its definition says."""
        if op.structural:
            word = op.spelled.get("numpy", "")
            attributes = {**op.attributes, **op.bound}
            if word in MOVES:
                return partial(self.move, MOVES[word], **attributes)
            if word in OWN:
                return partial(getattr(self, word), **attributes)
            return super().function(op)
        if op.body is not None:
            return super().function(op)
        whole = partial(self.apply, op)
        if not op.reduces:
            return whole
        reduce = REDUCERS[op.reduces]
        return lambda *x: reduce(self, whole(*x))

    def apply(self, op: Op, *x: Any) -> Block:
        """Append an op, entry by entry, with NumPy's broadcasting."""
        if op in PAIRWISE and len(x) > 2:
            return self.paired(op, x)
        blocks = [self.block(value).at for value in x]
        shape = np.broadcast_shapes(*[at.shape for at in blocks])
        inputs = tuple(at.ravel() if at.shape == shape else np.broadcast_to(at, shape).ravel() for at in blocks)
        result = self.fresh(shape)
        self.program.steps.append(Apply(op, inputs, self.program.size - result.at.size))
        return result

    def paired(self, op: Op, x: Sequence[Any]) -> Block:
        """An op of many numbers as the same op of two, over pairs and pairs of pairs."""
        blocks = np.broadcast_arrays(*[self.block(value).at for value in x])
        return self.folded(op, Block(self, np.stack(blocks)), 0, keepdims=False)

    def move(self, primitive: Function, *x: Any, **attributes: Any) -> Block:
        """The same entries in other places."""
        return Block(self, np.asarray(primitive(*[self.block(value).at for value in x], **attributes)))

    def summed(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """Sums over some axes, or all."""
        at = self.block(x).at
        rows, shape = rowwise(at, axis, keepdims=keepdims)
        if rows.shape[1] == 1:
            return Block(self, rows[:, 0].reshape(shape))
        start = self.take(len(rows))
        self.program.steps.append(Total(rows, start))
        return Block(self, np.arange(start, start + len(rows)).reshape(shape))

    def each(self, x: Any, *, axis: Any = None) -> list[Block]:
        """The parts along some axes, one after the other."""
        parts = STRUCTURAL["each"](self.block(x).at, axis=axis)
        if len(parts) > MOST_PARTS:
            raise LimitError(f"{len(parts):,} parts one after the other are more than {MOST_PARTS:,}")
        return [Block(self, np.asarray(part)) for part in parts]

    def largest(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """The largest entries along some axes, or of all."""
        return self.folded(LARGER, x, axis, keepdims=keepdims)

    def smallest(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """The smallest entries along some axes, or of all."""
        return self.folded(SMALLER, x, axis, keepdims=keepdims)

    def multiplied(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Block:
        """The products of the entries along some axes, or of all."""
        return self.folded(MUL, x, axis, keepdims=keepdims)

    def folded(self, op: Op, x: Any, axis: Any, *, keepdims: bool) -> Block:
        """An op of two on all entries along some axes, in pairs, and pairs of pairs."""
        rows, shape = rowwise(self.block(x).at, axis, keepdims=keepdims)
        while (terms := rows.shape[1]) > 1:
            half = terms // 2
            pairs = self.apply(op, Block(self, rows[:, :half]), Block(self, rows[:, half : 2 * half])).at
            rows = np.concatenate([pairs, rows[:, 2 * half :]], axis=1)
        return Block(self, rows[:, 0].reshape(shape))

    def product(self, a: Any, b: Any) -> Block:
        """The matrix product, of stacks of matrices too."""
        left, right = self.block(a).at, self.block(b).at
        rows = left[None, :] if left.ndim == 1 else left
        columns = right[:, None] if right.ndim == 1 else right
        batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
        rows = np.broadcast_to(rows, (*batch, *rows.shape[-2:])).reshape(-1, *rows.shape[-2:])
        columns = np.broadcast_to(columns, (*batch, *columns.shape[-2:])).reshape(-1, *columns.shape[-2:])
        height, breadth = rows.shape[1], columns.shape[2]
        start = self.take(len(rows) * height * breadth)
        for each, (one, other) in enumerate(zip(rows, columns, strict=True)):
            self.program.steps.append(Product(one, other, start + each * height * breadth))
        shape = (
            *batch,
            *((height,) if left.ndim > 1 else ()),
            *((breadth,) if right.ndim > 1 else ()),
        )
        return Block(self, np.arange(start, self.program.size).reshape(shape))

    def one_hot(self, t: Any, x: Any) -> Block:
        """Labels as rows of the shape of x: whole numbers are compared with each class."""
        labels, shape = self.block(t), self.shape(x)
        if self.shape(t) == shape:
            return labels
        classes = self.literal(np.arange(shape[-1], dtype=np.float64))
        return self.apply(EQUAL, Block(self, labels.at[..., None]), classes)


MOVES = {word: STRUCTURAL[word] for word in ("indexed", "transposed", "reshaped", "stacked", "joined", "diagonal")}
"""Primitives that only move entries."""

OWN = frozenset({"summed", "largest", "smallest", "multiplied", "product", "one_hot"})
"""Primitives that compute, and are methods of Entries."""


def _rows_mean(m: Entries, losses: Block) -> Block:
    total, rows = m.summed(losses), math.prod(losses.at.shape[:-1])
    return total if rows == 1 else total / rows


REDUCERS: dict[str, Function] = {
    "mean": lambda m, losses: m.summed(losses) if losses.at.size == 1 else m.summed(losses) / losses.at.size,
    "sum": lambda m, losses: m.summed(losses),
    "rows": _rows_mean,
}
"""What becomes of a batch of losses, by the row's `reduces`."""


def rowwise(at: Positions, axis: Any, *, keepdims: bool) -> tuple[Positions, Shape]:
    """The entries that are put together, a row each, and the shape of the results."""
    gone = positive(axis, at.ndim)
    kept = [a for a in range(at.ndim) if a not in gone]
    lengths = ((1 if a in gone else at.shape[a]) for a in range(at.ndim)) if keepdims else (at.shape[a] for a in kept)
    rows = np.transpose(at, (*kept, *gone)).reshape(math.prod(at.shape[a] for a in kept), -1)
    return rows, tuple(lengths)
