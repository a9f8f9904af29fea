"""What gives tensors of code another shape, or their entries other places; and the adjoints of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

from gradcli.errors import LimitError
from gradcli.ops import TABLE
from gradcli.ops.lengths import lined_up, refilled, selected
from gradcli.ops.op import Shape
from gradcli.systems import Function
from gradcli.systems.shaped.elements import Kind, Sized, of_length
from gradcli.systems.source import Code, Unspelled

Key = tuple[Any, ...]

MOST_PARTS = 64
"""Entries that a product's gradient is written for, one after the other."""


class Moves(Sized):
    """A system that moves tensors."""

    summed: Callable[..., Code]

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
        code, shape = self.element(g), self.of(x)
        if axis is not None and not keepdims and 0 < len(self.of(code)) != len(shape):
            axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
            code = self.reshaped(code, shape=tuple(1 if a in axes else length for a, length in enumerate(shape)))
        if code.value is not None and self.tensors.strict:
            pattern = self.tensors.filled.format(number=self.dialect.number(code.value))
            return self.line(pattern, (self.leaves[-1], self.whole_shape(x)), shape)
        if self.of(code) == shape:
            return code
        return self.line(self.tensors.spread, (self.number(code), self.whole_shape(x)), shape)

    def narrowed(self, g: Any, x: Any) -> Code:
        """g in the shape of x, summed where x was broadcast."""
        code = self.number(self.element(g))
        found, wanted = self.of(code), self.of(x)
        lead = len(found) - len(wanted)
        if lead:
            code = self.summed(code, axis=None if lead == len(found) else 0 if lead == 1 else tuple(range(lead)))
        stretched = tuple(a for a, length in enumerate(wanted) if length == 1 and found[lead + a] != 1)
        if not stretched:
            return code
        return self.summed(code, axis=stretched[0] if len(stretched) == 1 else stretched, keepdims=True)

    def reshaped(self, x: Any, *, shape: Shape) -> Code:
        """The same entries in another shape; where axes of length 1 come and go, as an index."""
        code = self.element(x)
        found, wanted = self.of(code), tuple(map(int, refilled(self.of(code), shape=shape)))
        if found == wanted:
            return code
        key = inserted(found, wanted)
        if key is not None and code.value is None:
            return self.line(f"#1[{key}]", (code,), wanted, self.kind(code))
        lengths = tuple(map(int, shape)) if -1 in shape else wanted
        return self.line(self.tensors.reshaped.format(shape=axes_text(lengths)), (code,), wanted, self.kind(code))

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
        code = self.element(x)
        return self.line(f"#1[{self.key(key)}]", (code,), selected(self.of(code), key=key), self.kind(code))

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
        index = self.key(key)
        words = [f"slice({', '.join(map(str, part))})" if isinstance(part, tuple) else str(part) for part in key]
        tuple_ = f"({', '.join(words)}{',' if len(words) == 1 else ''})"
        pattern = self.tensors.placed.format(key=tuple_, index=index)
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
            return self.line(self.tensors.transposed, (code,), turned, self.kind(code))
        return self.line(self.tensors.permuted.format(axes=axes_text(order)), (code,), turned, self.kind(code))

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
        return self.line(self.tensors.diagonal, (self.number(self.element(x)),), self.of(x)[:1])

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
