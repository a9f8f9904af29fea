"""What computes with whole tensors of code: products, sums, means, extremes, norms; and the adjoints of that."""

from __future__ import annotations

from typing import Any

from gradcli.ops.lengths import multiplied as fitting
from gradcli.ops.lengths import reduced
from gradcli.systems.building import WHERE
from gradcli.systems.shaped.elements import EQ
from gradcli.systems.shaped.moves import Moves, positive
from gradcli.systems.source import Code


class Sums(Moves):
    """A system that adds tensors up."""

    def product(self, a: Any, b: Any) -> Code:
        """The matrix product."""
        a, b = self.number(self.element(a)), self.number(self.element(b))
        return self.line(self.tensors.product, (a, b), fitting(self.of(a), self.of(b)))

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
