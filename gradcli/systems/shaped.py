"""The code system over tensors whose shapes are known: a rule run over it becomes lines that work on whole tensors.

Shapes decide which lines are written (which axes a gradient is summed over, say), not what is in them: a mean divides
by the length that its argument then has. Numbers are tensors without axes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import partial, reduce
from math import prod
from typing import Any

from gradcli.errors import LimitError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.mismatch import broadcast
from gradcli.ops.op import Op, Shape
from gradcli.sweeps import pull_back
from gradcli.systems import Function
from gradcli.systems.building import WHERE, Guarded
from gradcli.systems.dialects.tensors import Tensors
from gradcli.systems.source import Code, Line, Source, Unspelled

Key = tuple[Any, ...]


class Kind(Enum):
    """What a line's value is: numbers, truths, or a length or shape."""

    NUMBER = 0
    TRUTH = 1
    SIZE = 2


class Length(int):
    """The length of an axis, that knows the line which asks for it: rules divide by it and multiply it."""

    code: Code

    def __mul__(self, other: int) -> Length:
        return self.times(other)

    __rmul__ = __mul__

    def times(self, other: int) -> Length:
        """The product with another length."""
        if not isinstance(other, Length):
            return self if other == 1 else of_length(int(self) * other, self.code.m.apply(MUL, self.code, float(other)))
        m: Any = self.code.m
        return of_length(int(self) * int(other), m.line("#1 * #2", (other.code, self.code), kind=Kind.SIZE))


def of_length(value: int, code: Code) -> Length:
    """A length and its line."""
    length = Length(value)
    length.code = code
    return length


ADD, SUB, MUL, DIV, EQ, NE = (TABLE[name] for name in ("add", "sub", "mul", "div", "eq", "ne"))
COMPARED = re.compile(r"#1 [<>=!]=? #2")
TAKES_TRUTHS = frozenset({ADD, SUB, MUL, DIV})
"""Ops that most languages do on a truth and numbers, the truth being 1 or 0."""

DEEP = 8
"""Factors that are looked through for a choice that is made already."""

MOST_PARTS = 64
"""Entries that a product's gradient is written for, one after the other."""


class Shaped(Source):
    """A system whose elements are computed by lines of code, each of a known shape.

    leaves: the name of each input → its shape.
    """

    def __init__(self, tensors: Tensors, leaves: Iterable[tuple[str, Shape]]) -> None:
        self.shapes: list[Shape] = []
        self.kinds: list[Kind] = []
        self.tensors = tensors
        super().__init__(tensors.dialect, signs=True)
        self.leaves = [self.line(name, (), shape) for name, shape in leaves]

    # ── lines ───────────────────────────────────────────────────────────────────────────────────────────────

    def line(self, pattern: str, parts: tuple[Code, ...], shape: Shape | None = None, kind: Kind | None = None) -> Code:
        """The value of a line; entry by entry unless a shape is given."""
        code = super().line(pattern, parts)
        if code.index == len(self.shapes):
            truth = COMPARED.fullmatch(pattern) is not None
            self.shapes.append(broadcast(*map(self.of, parts)) if shape is None else shape)
            self.kinds.append(kind or (Kind.TRUTH if truth else Kind.NUMBER))
        return code

    def of(self, x: Any) -> Shape:
        """The shape of an element, as plain numbers."""
        code = self.element(x)
        return () if code.value is not None else self.shapes[code.index]

    def kind(self, x: Code) -> Kind:
        """What an element is."""
        return Kind.NUMBER if x.value is not None else self.kinds[x.index]

    def literal(self, value: Any) -> Code:
        """A number, a length, or a tensor of numbers."""
        if isinstance(value, Length):
            return value.code
        if not isinstance(value, tuple):
            return super().literal(value)
        from gradcli.shapes import shape_of

        pattern = self.tensors.constant.format(number=json.dumps(value))
        return self.line(pattern, (self.leaves[0],) if "#1" in pattern else (), shape_of(value))

    def apply(self, op: Op, *x: Any) -> Code:
        """Append an op, entry by entry, or fold it."""
        parts = [self.element(value) for value in x]
        truths = [self.kind(part) is Kind.TRUTH for part in parts]
        if op in (EQ, NE) and truths[0] and parts[1].value == 0:  # that a truth holds, or that it does not
            return parts[0] if op is NE else self.line(self.tensors.denied, (parts[0],), kind=Kind.TRUTH)
        if op is ADD and parts[0].value == 0 and truths[1]:  # as Python's sum begins
            return self.number(parts[1])
        if op is MUL and all(truths):
            return self.line(self.tensors.both, (parts[0], parts[1]), kind=Kind.TRUTH)
        if op is WHERE:
            if parts[0].value is None and not truths[0]:
                parts[0] = self.line("#1 != #2", (parts[0], self.literal(0.0)))
            parts[1:] = [self.number(self.under(parts[0], parts[1])), self.number(parts[2])]
            if self.tensors.strict and parts[0].value is None and all(part.value is not None for part in parts[1:]):
                if (parts[1].value, parts[2].value) == (1, 0):
                    return self.number(parts[0])
                parts[1] = self.full(parts[1], self.measured(parts[0]))
        elif any(truths):
            parts = self.counted(op, parts, truths)
        pattern = self.dialect.spelling(op) or ""
        if self.tensors.strict and len(parts) > 1 and op is not WHERE and "(" in pattern:
            like = next((part for part in parts if part.value is None), None)
            parts = [part if like is None or part.value is None else self.full(part, like) for part in parts]
        return super().apply(op, *parts)

    def under(self, condition: Code, code: Code) -> Code:
        """A value, or a product, where a condition holds: of a choice made by it, the branch taken."""
        factors = [code]
        while len(factors) < DEEP and self.made(factors[-1]).pattern == self.dialect.spelling(MUL):
            factors[-1:] = self.made(factors[-1]).parts
        taken = []
        for factor in factors:
            pattern, parts = self.made(factor)
            chosen = pattern == self.dialect.spelling(WHERE) and parts[0] is condition
            taken.append(parts[1] if chosen else factor)
        if all(one is other for one, other in zip(taken, factors, strict=True)):
            return code
        found = taken.pop()
        while taken:
            found = self.apply(MUL, taken.pop(), found)
        return found

    def made(self, code: Code) -> Line:
        """The line of an element; of a number an empty one."""
        return Line("", ()) if code.value is not None else self.lines[code.index]

    def counted(self, op: Op, parts: list[Code], truths: list[bool]) -> list[Code]:
        """Inputs of which some are truths, as the language computes with them."""
        others = [part for part, truth in zip(parts, truths, strict=True) if not truth]
        tensor = any(part.value is None for part in others)
        plain = op in TAKES_TRUTHS and others
        if plain and (not self.tensors.strict or (tensor and op in (ADD, MUL))):
            return parts
        return [self.number(part) for part in parts]

    def number(self, x: Code) -> Code:
        """A truth as 1 or 0."""
        if self.kind(x) is not Kind.TRUTH:
            return x
        like = (self.measured(x),) if "#2" in self.tensors.cast else ()
        return self.line(self.tensors.cast, (x, *like), self.of(x), Kind.NUMBER)

    def measured(self, truth: Code) -> Code:
        """A tensor of numbers that a truth was found from."""
        while self.kind(truth) is not Kind.NUMBER:
            truth = next(part for part in self.lines[truth.index].parts if part.value is None)
        return truth

    def full(self, number: Code, like: Code) -> Code:
        """A number as a tensor like another."""
        assert number.value is not None  # noqa: S101 - it is a literal
        return self.line(self.tensors.full.format(number=self.dialect.number(number.value)), (like,), self.of(like))

    def settled(self, result: Any) -> Code:
        """What a gradient comes to, as numbers."""
        return self.number(super().settled(result))

    def plain(self, g: Any) -> Any:
        """A gradient with the condition applied that guards it."""
        return g.plain() if isinstance(g, Guarded) else g

    # ── both passes ─────────────────────────────────────────────────────────────────────────────────────────

    def function(self, op: Op) -> Function:
        """An op on tensors."""
        if op.structural:
            own = getattr(self, op.spelled.get("numpy", ""), None) if "numpy" in op.spelled else None
            attributes = {**op.attributes, **op.bound}
            return partial(own, **attributes) if own else partial(op.computed(stable=True), self)
        whole = super().function(op)
        return (lambda *x: self.reduced(op, self.element(whole(*x)))) if op.reduces else whole

    def reduced(self, op: Op, losses: Code) -> Code:
        """What becomes of a batch of losses."""
        if op.reduces == "mean" and self.of(losses):
            return self.averaged(losses)
        total = self.summed(losses)
        rows = self.rows(op, self.shape(losses))
        return total if rows == 1 or op.reduces == "sum" else total / rows

    def rows(self, op: Op, shape: tuple[int, ...]) -> int:
        """By what the sum of a batch of losses is divided."""
        return {"mean": prod(shape), "rows": prod(shape[:-1])}.get(op.reduces, 1)

    def pull(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Sequence[Any]) -> tuple[Any, None] | None:
        """The downstream gradient of input k: local × upstream, or the op's VJP; None where it has none."""
        chosen = op.selected(k)
        if op.body is not None:
            return self.through(op, k, g, x)
        if op.structural:
            rule = op.pulled(k)
            down = None if rule is None else rule(self, self.plain(g), y, *x)
            if down is None:
                return None
            inner = self.element(x[k]).index >= len(self.leaves)  # what is below may have a slope that is not finite
            return (Guarded(down, chosen(self, *x)) if chosen is not None and inner else down), None
        rule = self.locals[op][k]
        local: Any = None if rule is None else rule(y, *x)
        if local is None:
            return None
        whole = broadcast(*map(self.of, x))
        if op.reduces:
            count = self.rows(op, self.shape(max(x, key=lambda each: len(self.of(each)))))
            g = self.plain(g) if count == 1 else self.plain(g) / count
        down = local * g
        guarded = isinstance(down, Guarded)
        shape, wanted = (
            broadcast(self.of(down.value), self.of(down.condition)) if guarded else self.of(down),
            self.of(x[k]),
        )
        if shape != wanted:
            down = self.narrowed(self.widened(self.plain(down), whole, x), x[k])
        return down, None

    def widened(self, g: Any, whole: Shape, x: Sequence[Any]) -> Code:
        """A gradient in the shape that the inputs have together."""
        g = self.element(g)
        if self.of(g) == whole:
            return g
        like = next((each for each in x if self.of(each) == whole), None)
        return self.spread(g, reduce(partial(self.apply, ADD), x) if like is None else like)

    def through(self, op: Op, k: int, g: Any, x: Sequence[Any]) -> tuple[Any, None] | None:
        """The downstream gradient of a user's gate: back through its body."""
        body: Graph = op.body
        if not body.varied[body.output]:
            return None
        places = list(body.inputs.values())
        reached = body.leading([list(body.inputs)[k]])
        adjoints, _ = pull_back(body, body.evaluate(self, dict(zip(places, x, strict=True))), self, g, reached)
        down = adjoints[places[k]]
        return None if down is None else (down, None)

    # ── shapes ──────────────────────────────────────────────────────────────────────────────────────────────

    def shape(self, x: Any) -> tuple[int, ...]:
        """The shape of an element, whose lengths know their lines."""
        code = self.element(x)
        return tuple(of_length(length, self.size(code, axis)) for axis, length in enumerate(self.of(code)))

    def size(self, x: Code, axis: int) -> Code:
        """The line that asks for a length."""
        return self.line(self.tensors.size.format(axis=axis), (x,), (), Kind.SIZE)

    def whole_shape(self, x: Any) -> Code:
        """The line that asks for a shape."""
        return self.line(self.tensors.shape, (self.element(x),), (), Kind.SIZE)

    def spread(self, g: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """g, repeated along the axes that a sum over x took away."""
        shape = self.of(x)
        g = self.element(g)
        if axis is not None and not keepdims and 0 < len(self.of(g)) != len(shape):
            axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
            g = self.reshaped(g, shape=tuple(1 if a in axes else length for a, length in enumerate(shape)))
        if g.value is not None and self.tensors.strict:
            pattern = self.tensors.filled.format(number=self.dialect.number(g.value))
            return self.line(pattern, (self.leaves[-1], self.whole_shape(x)), shape)
        if self.of(g) == shape:
            return g
        return self.line(self.tensors.spread, (self.number(g), self.whole_shape(x)), shape)

    def narrowed(self, g: Any, x: Any) -> Code:
        """g in the shape of x, summed where x was broadcast."""
        g = self.number(self.element(g))
        found, wanted = self.of(g), self.of(x)
        if found == wanted:
            return g
        lead = len(found) - len(wanted)
        if lead:
            g = self.summed(g, axis=None if lead == len(found) else (lead == 1 and 0) or tuple(range(lead)))
        stretched = tuple(a for a, length in enumerate(wanted) if length == 1 and found[lead + a] != 1)
        if not stretched:
            return g
        return self.summed(g, axis=stretched[0] if len(stretched) == 1 else stretched, keepdims=True)

    def reshaped(self, x: Any, *, shape: Shape) -> Code:
        """The same entries in another shape; where axes of length 1 come and go, as an index."""
        from gradcli.ops.lengths import refilled

        code = self.element(x)
        found, wanted = self.of(code), tuple(map(int, refilled(self.of(code), shape=shape)))
        if found == wanted:
            return code
        key = inserted(found, wanted)
        if key is not None and code.value is None:
            return self.line(f"#1[{key}]", (code,), wanted)
        lengths = tuple(map(int, shape)) if -1 in shape else wanted
        return self.line(self.tensors.reshaped.format(shape=axes_text(lengths)), (code,), wanted)

    def shaped_like(self, g: Any, x: Any) -> Code:
        """g in the shape of x."""
        g, wanted = self.element(g), self.of(x)
        if self.of(g) == wanted or inserted(self.of(g), wanted) is not None:
            return self.reshaped(g, shape=wanted)
        pattern = self.tensors.reshaped.format(shape="#2")
        return self.line(pattern, (g, self.whole_shape(x)), wanted)

    # ── what moves ──────────────────────────────────────────────────────────────────────────────────────────

    def indexed(self, x: Any, *, key: Key) -> Code:
        """x[key]; a slice is a tuple (start, stop, step)."""
        from gradcli.ops.lengths import selected

        return self.line(f"#1[{self.key(key)}]", (self.element(x),), selected(self.of(x), key=key))

    def key(self, key: Key) -> str:
        """An index as it is written.

        Errors: Unspelled for steps backwards, where a language has none.
        """
        if self.tensors.strict and any(isinstance(part, tuple) and (part[2] or 1) < 0 for part in key):
            raise Unspelled(TABLE["index"].named(called="slice that goes backwards"), self.dialect)
        words = [sliced(part) if isinstance(part, tuple) else str(part) for part in key]
        return ", ".join(words) or "..."

    def placed(self, g: Any, x: Any, *, key: Key) -> Code:
        """Zeros of the shape of x, with g at the key."""
        self.key(key)
        words = [f"slice({', '.join(map(str, part))})" if isinstance(part, tuple) else str(part) for part in key]
        pattern = self.tensors.placed.format(key=f"({', '.join(words)}{',' if len(words) == 1 else ''})")
        g = self.element(g)
        if g.value is not None:
            g = self.spread(g, self.indexed(x, key=key)) if self.tensors.strict else g
            if self.tensors.strict and g.value is not None:
                g = self.full(g, self.leaves[-1])
        return self.line(pattern, (g, self.whole_shape(x)), self.of(x))

    def transposed(self, x: Any, *, axes: Any = None) -> Code:
        """x with its axes in another order; reversed unless given."""
        code = self.element(x)
        found = self.of(code)
        order = tuple(range(len(found)))[::-1] if axes is None else tuple(a % len(found) for a in axes)
        if order == tuple(range(len(found))):
            return code
        turned = tuple(found[a] for a in order)
        if order == (1, 0):
            return self.line(self.tensors.transposed, (code,), turned)
        return self.line(self.tensors.permuted.format(axes=axes_text(order)), (code,), turned)

    def turned_back(self, g: Any, *, axes: Any = None) -> Code:
        """The adjoint of transposing."""
        if axes is None:
            return self.transposed(g)
        order = [a % len(axes) for a in axes]
        return self.transposed(g, axes=tuple(order.index(a) for a in range(len(axes))))

    def stacked(self, *x: Any) -> Code:
        """Tensors of one shape, along a new first axis."""
        return self.together(self.tensors.stacked, x, lambda shapes: (len(shapes), *shapes[0]))

    def joined(self, *x: Any, axis: int = 0) -> Code:
        """Tensors, one after the other along an axis."""
        from gradcli.ops.lengths import lined_up

        pattern = self.tensors.joined.replace("{axis}", str(int(axis)))
        return self.together(pattern, x, lambda shapes: lined_up(*shapes, axis=axis))

    def together(self, pattern: str, x: Sequence[Any], shape: Function) -> Code:
        """A line that puts tensors together."""
        parts = tuple(self.number(self.element(part)) for part in x)
        like = next((part for part in parts if part.value is None), None)
        if self.tensors.strict:
            like = self.leaves[0] if like is None else like
            small = like if not self.of(like) else None
            parts = tuple(self.alone(part, small) if part.value is not None else part for part in parts)
        listed_parts = ", ".join(f"#{k + 1}" for k in range(len(parts)))
        return self.line(pattern.replace("{parts}", listed_parts), parts, shape([self.of(part) for part in parts]))

    def alone(self, number: Code, like: Code | None) -> Code:
        """A number as a tensor without axes."""
        if like is not None:
            return self.full(number, like)
        assert number.value is not None  # noqa: S101 - it is a literal
        pattern = self.tensors.constant.format(number=self.dialect.number(number.value))
        return self.line(pattern, (self.leaves[0],), ())

    def part(self, g: Any, *x: Any, k: int, axis: int = 0) -> Code:
        """The part of g that stands where the k-th of several joined tensors does."""
        rank = len(self.of(x[k]))
        start = sum(self.of(each)[axis] for each in x[:k])
        stop = start + self.of(x[k])[axis]
        return self.indexed(g, key=(*[(None, None, None)] * (axis % rank), (start, stop, None)))

    def diagonal(self, x: Any) -> Code:
        """The diagonal of a matrix."""
        return self.line(self.tensors.diagonal, (self.element(x),), self.of(x)[:1])

    def on_diagonal(self, g: Any, x: Any) -> Code:
        """g on the diagonal of a matrix of the shape of x, else 0."""
        g, length = self.element(g), self.size(self.element(x), 0)
        if g.value is not None and self.tensors.strict:
            g = self.full(g, self.leaves[-1])
        return self.line(self.tensors.on_diagonal, (g, length), self.of(x))

    def each(self, x: Any, *, axis: Any = None) -> list[Code]:
        """The parts of x along some axes, one after the other.

        Errors: LimitError.
        """
        from itertools import product

        shape = self.of(x)
        axes = positive(axis, len(shape))
        if prod(shape[a] for a in axes) > MOST_PARTS:
            raise LimitError(f"a product's gradient is written for at most {MOST_PARTS} entries")
        keys = product(*[range(shape[a]) for a in axes])
        full = (None, None, None)
        last = max(axes, default=-1) + 1
        found = []
        for places in keys:
            at = dict(zip(axes, places, strict=True))
            found.append(self.indexed(x, key=tuple(at.get(a, full) for a in range(last))) if at else self.element(x))
        return found

    def gathered(self, parts: Sequence[Any], x: Any, *, axis: Any = None) -> Code:
        """Parts put together in the shape of x: undoes `each`."""
        shape = self.of(x)
        axes = positive(axis, len(shape))
        if not axes:
            return self.element(parts[0])
        kept = [a for a in range(len(shape)) if a not in axes]
        order = [*axes, *kept]
        front = self.reshaped(self.stacked(*parts), shape=tuple(shape[a] for a in order))
        return self.transposed(front, axes=tuple(order.index(a) for a in range(len(shape))))

    # ── what computes ───────────────────────────────────────────────────────────────────────────────────────

    def product(self, a: Any, b: Any) -> Code:
        """The matrix product."""
        from gradcli.ops.lengths import multiplied

        a, b = self.number(self.element(a)), self.number(self.element(b))
        return self.line(self.tensors.product, (a, b), multiplied(self.of(a), self.of(b)))

    def product_left(self, g: Any, a: Any, b: Any) -> Code:
        """The adjoint of a @ b in a: g @ bᵀ, also where a or b is a vector; batches that were broadcast are summed."""
        g, left, right = self.element(g), self.of(a), self.of(b)
        if len(right) == 1:
            return self.element(g * b) if len(left) == 1 else self.narrowed(self.column(g) * b, a)
        if len(left) == 1:
            if len(right) == 2:
                return self.product(b, g)
            wide = self.product(b, self.column(g))
            return self.narrowed(self.reshaped(wide, shape=self.of(wide)[:-1]), a)
        return self.narrowed(self.product(g, self.swapped(b)), a)

    def product_right(self, g: Any, a: Any, b: Any) -> Code:
        """The adjoint of a @ b in b: aᵀ @ g."""
        g, left, right = self.element(g), self.of(a), self.of(b)
        if len(left) == 1:
            if len(right) == 1:
                return self.element(g * a)
            row = self.reshaped(g, shape=(*self.of(g)[:-1], 1, self.of(g)[-1]))
            return self.narrowed(self.column(a) * row, b)
        if len(right) == 1:
            if len(left) == 2:
                return self.product(self.swapped(a), g)
            wide = self.product(self.swapped(a), self.column(g))
            return self.narrowed(self.reshaped(wide, shape=self.of(wide)[:-1]), b)
        return self.narrowed(self.product(self.swapped(a), g), b)

    def column(self, x: Any) -> Code:
        """x with one more axis, of length 1, at its end."""
        return self.reshaped(x, shape=(*self.of(x), 1))

    def swapped(self, x: Any) -> Code:
        """x with its last two axes swapped."""
        rank = len(self.of(x))
        return self.transposed(x, axes=(*range(rank - 2), rank - 1, rank - 2))

    def summed(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """The sum over some axes, or all."""
        return self.taken(self.tensors.summed, x, axis, keepdims)

    def averaged(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """The mean over some axes, or all."""
        return self.taken(self.tensors.averaged, x, axis, keepdims)

    def largest(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """The largest entry along some axes, or of all."""
        return self.taken(self.tensors.largest, x, axis, keepdims)

    def smallest(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """The smallest entry along some axes, or of all."""
        return self.taken(self.tensors.smallest, x, axis, keepdims)

    def multiplied(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """The product over some axes, or of all."""
        if isinstance(axis, tuple) and "multiplied" in self.tensors.single:
            code, rank = self.element(x), len(self.of(x))
            for each in sorted((a % rank for a in axis), reverse=True):
                code = self.taken(self.tensors.multiplied, code, each, keepdims)
            return code
        return self.taken(self.tensors.multiplied, x, axis, keepdims)

    def length(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """The 2-norm along some axes, or of all."""
        return self.taken(self.tensors.length, x, axis, keepdims)

    def unit(self, x: Any, y: Any, *, axis: Any = None, keepdims: bool = False) -> Code:
        """x/‖x‖, where y is ‖x‖; 0 where x is 0."""
        whole = self.element(y)
        if axis is not None and not keepdims:
            axes = {a % len(self.of(x)) for a in (axis if isinstance(axis, tuple) else (axis,))}
            kept = tuple(1 if a in axes else length for a, length in enumerate(self.of(x)))
            whole = self.reshaped(whole, shape=kept)
        return self.element(x / self.apply(WHERE, self.apply(EQ, whole, 0), 1, whole))

    def balanced(self, g: Any, x: Any, *, axis: Any = None) -> tuple[int, int, int]:
        """Exponents for a product's gradient: written code takes the products as they are."""
        return 0, 0, 0

    def ldexp(self, x: Any, n: int) -> Any:
        """x·2ⁿ, for no n but 0."""
        assert n == 0  # noqa: S101 - `balanced` gives no other
        return x

    def taken(self, pattern: str, x: Any, axis: Any, keepdims: bool) -> Code:
        """A line that reduces a tensor along some axes, or to one number."""
        from gradcli.ops.lengths import reduced

        code = self.element(x)
        if self.tensors.strict or pattern != self.tensors.summed:  # elsewhere truths add up
            code = self.number(code)
        found = self.of(code)
        axes = positive(axis, len(found))
        if not axes:  # of a number
            return code
        shape = reduced(found, axis=axes, keepdims=bool(keepdims))
        words = []
        if len(axes) < len(found) or keepdims:
            named = int(axis) if isinstance(axis, int) else axes[0] if len(axes) == 1 else axes
            words.append(self.tensors.axis.format(axis=named))
        if keepdims:
            words.append(self.tensors.kept)
        along = ", ".join(words)
        lead = "" if "({along}" in pattern or not along else ", "
        return self.line(pattern.replace("{along}", lead + along), (code,), shape)


def positive(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes counted from the front; all of them for none."""
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(int(a) % rank for a in axes) if rank else ()


def inserted(found: Shape, wanted: Shape) -> str | None:
    """The index that takes one shape to another by axes of length 1 that come and go; None where it is more."""
    if [n for n in found if n != 1] != [n for n in wanted if n != 1]:
        return None
    words, places = [], list(found)
    for length in wanted:
        if length == 1:
            if places and places[0] == 1:
                places.pop(0)
                words.append(":")
            else:
                words.append("None")
            continue
        while places and places[0] == 1:
            places.pop(0)
            words.append("0")
        places.pop(0)
        words.append(":")
    words += ["0"] * len(places)
    while words and words[-1] == ":":
        words.pop()
    return ", ".join(words) if words else None


def sliced(part: tuple[int | None, int | None, int | None]) -> str:
    """A slice as it is written."""
    start, stop, step = ("" if place is None else str(place) for place in part)
    return f"{start}:{stop}" + (f":{step}" if step else "")


def axes_text(axes: Sequence[int]) -> str:
    """Axes, or a shape, as a tuple."""
    return f"({', '.join(map(str, axes))}{',' if len(axes) == 1 else ''})"
