"""Elements of the code system over tensors: lines of a known shape, that are numbers, truths, or lengths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

from gradcli.ops import TABLE
from gradcli.ops.mismatch import broadcast
from gradcli.ops.op import Op, Shape
from gradcli.systems.building import WHERE, Guarded
from gradcli.systems.dialects.tensors import Tensors
from gradcli.systems.source import Code, Line, Source


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


class Sized(Source):
    """A system whose elements are computed by lines of code, each of a known shape.

    leaves: the name of each input → its shape.
    """

    def __init__(self, tensors: Tensors, leaves: Iterable[tuple[str, Shape]]) -> None:
        self.shapes: list[Shape] = []
        self.kinds: list[Kind] = []
        self.tensors = tensors
        super().__init__(tensors.dialect, signs=True)
        self.leaves = [self.line(name, (), shape) for name, shape in leaves]

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
            if pattern == self.dialect.spelling(WHERE) and parts[0] is condition:
                taken.append(parts[1])
            else:
                holds = factor is condition or (pattern == self.tensors.cast and parts[0] is condition)
                taken.append(self.literal(1.0) if holds else factor)
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
