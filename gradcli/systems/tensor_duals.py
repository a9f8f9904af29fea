"""Duals of arrays: the same rows, entry by entry; structural primitives applied to the tangents (tangents.py)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcli.ops import TABLE
from gradcli.ops.op import Op, Shape
from gradcli.systems import Function
from gradcli.systems.arrays import ARRAYS, WEIGHTS, Arrays, Downstream
from gradcli.systems.duals import EQUAL, WHERE, Dual, Duals, alike, value
from gradcli.systems.structure import STRUCTURAL
from gradcli.systems.tangents import DEPENDS, TANGENTS, lifted, spread_to

GATHERED = "gathered"
"""The one primitive that takes a list."""


class Points(np.ndarray[Any, Any]):
    """Truths of equalities that hold here, and not beside this point, entry by entry."""


class TensorDuals(Duals):
    """Duals of arrays: the tangents of an array of shape S have the shape (n, *S)."""

    name = "tensor duals"
    inner: Arrays

    def __init__(self) -> None:
        super().__init__(ARRAYS)

    def __getattr__(self, name: str) -> Function:
        """A row's function; else a structural primitive."""
        return self.primitive(name) if name in STRUCTURAL and name not in TABLE else super().__getattr__(name)

    def leaf(self, value: Any) -> Any:
        """An input that depends on no direction."""
        return self.inner.leaf(value)

    def shape(self, element: Any) -> Shape:
        """The shape of an element."""
        return np.shape(value(element))

    def count(self, element: Any, axis: Any = None) -> int:
        """How many entries there are along some axes, or in all."""
        return self.inner.count(value(element), axis)

    def total(self, y: Any, *tangents: Any) -> Any:
        """The sum of tangents, in the shape of y's."""
        rank = np.ndim(y)
        t = lifted(tangents[0], rank)
        for other in tangents[1:]:
            t = t + lifted(other, rank)
        return spread_to(t, y)

    def scaled(self, local: Any, t: Any) -> Any:
        """local × tangents, entry by entry."""
        return local * lifted(t, np.ndim(local))

    def eq(self, a: Any, b: Any) -> Any:
        """Whether two elements are equal, entry by entry; marked where it depends on a direction."""
        y = self.inner.functions[EQUAL](value(a), value(b))
        return np.asarray(y).view(Points) if a.__class__ is Dual or b.__class__ is Dual else y

    def where(self, c: Any, a: Any, b: Any) -> Any:
        """The branch that a rule takes, entry by entry."""
        taken = self.apply(WHERE, c, a, b)
        if not isinstance(c, Points) or b.__class__ is not Dual:
            return taken
        y = value(taken)
        same = np.asarray(c, bool) & alike(value(a), b.v)
        if not same.any():
            return taken
        t = lifted(taken.t, np.ndim(y)) if taken.__class__ is Dual else 0.0
        return Dual(self, y, spread_to(np.where(same, lifted(b.t, np.ndim(y)), t), y))

    def primitive(self, name: str) -> Function:
        """A structural primitive of duals."""
        if name == GATHERED:
            return self.gather
        function, rule, counted = STRUCTURAL[name], TANGENTS[name], DEPENDS.get(name, (0,))

        def run(*x: Any, **attributes: Any) -> Any:
            values = [value(e) for e in x]
            y = function(*values, **attributes)
            tangents = [e.t if e.__class__ is Dual else None for e in x]
            if all(tangents[k] is None for k in (range(len(x)) if counted is None else counted)):
                return y
            t = rule(y, values, tangents, **attributes)
            return [Dual(self, *pair) for pair in zip(y, t, strict=True)] if isinstance(y, list) else Dual(self, y, t)

        return run

    def gather(self, parts: Sequence[Any], x: Any, *, axis: Any = None) -> Any:
        """Parts put together in the shape of x."""
        gathered, like = STRUCTURAL[GATHERED], value(x)
        y = gathered([value(part) for part in parts], like, axis=axis)
        count = next((len(part.t) for part in parts if part.__class__ is Dual), 0)
        if not count:
            return y
        zeros = np.zeros((count, *np.shape(value(parts[0]))))
        tangents = [part.t if part.__class__ is Dual else zeros for part in parts]
        directions = zip(*tangents, strict=True)
        return Dual(self, y, np.stack([gathered(list(one), like, axis=axis) for one in directions]))

    def function(self, op: Op) -> Function:
        """The op on duals."""
        if op.structural:
            word = op.spelled.get(ARRAYS.name)
            if word is not None:
                return partial(self.primitive(word), **{**op.attributes, **op.bound})
            return partial(self.composite, op)
        function = super().function(op)
        if not op.reduces:
            return function
        weigh = WEIGHTS[op.reduces]

        def reduced(*x: Any) -> Any:
            losses = function(*x)
            return self.summed(losses) * weigh(self.shape(losses))

        return reduced

    def composite(self, op: Op, *x: Any) -> Any:
        """A structural op of others: of one entry by its VJP, which is its whole gradient; else by its definition."""
        values = [value(e) for e in x]
        y = self.inner.functions[op](*values)
        if np.ndim(y):
            return op.computed(stable=True)(self, *x)
        parts = []
        for k, e in enumerate(x):
            rule = self.inner.pullbacks[op](k) if e.__class__ is Dual else None
            gradient = None if rule is None else rule(np.float64(1.0), y, *values)
            if gradient is not None:
                parts.append(np.tensordot(e.t, gradient, np.ndim(gradient)))
        return Dual(self, y, sum(parts)) if parts else y

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k, entry by entry."""
        rule = op.partial(k)
        return None if rule is None else partial(rule, self)

    def apply(self, op: Op, *x: Any) -> Any:
        """An elementwise op: its value, and each input's tangents × the op's own partial, where it is chosen."""
        values = [value(e) for e in x]
        y = self.inner.whole(op)(*values)
        parts = []
        for k, (e, rule) in enumerate(zip(x, self.inner.locals[op], strict=False)):
            if e.__class__ is not Dual or rule is None:
                continue
            part = self.scaled(rule(y, *values), e.t)
            selector = self.inner.selectors[op](k)
            if selector is not None:
                part = np.where(np.asarray(selector(*values), bool), lifted(part, np.ndim(y)), 0.0)
            parts.append(part)
        return Dual(self, y, self.total(y, *parts)) if parts else y

    def pull(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Sequence[Any]) -> Downstream | None:
        """The downstream gradient of input k, as `Arrays.pull` has it."""
        values = [value(e) for e in x]
        if op.structural:
            rule = op.pulled(k)
            if rule is None:
                return None
            down = rule(self, g, y, *x)
            if down is None:
                return None
            if mask is None or not op.moves:
                return down, None
            reached = np.asarray(rule(self.inner, mask.astype(np.float64), value(y), *values)) != 0
            if down.__class__ is Dual:  # a gradient that is 0 here may move all the same
                reached = reached | (down.t != 0).any(axis=0)
            return down, reached
        if op.body is not None:
            return ARRAYS.__class__.through(self, op, k, g, mask, x)  # type: ignore[arg-type]
        local = self.locals[op][k]
        if local is None:
            return None
        shape = np.broadcast_shapes(*map(np.shape, values))
        if op.reduces:
            g = self.spread(g, np.empty(shape)) * WEIGHTS[op.reduces](shape)
            y = None
        down = local(y, *x) * g
        selector = self.inner.selectors[op](k)
        if selector is not None:
            chosen = np.asarray(selector(*values), bool)
            mask = chosen if mask is None else chosen & mask
        if mask is not None:
            down, mask = self.masked(down, mask), np.broadcast_to(mask, shape)
        into = np.shape(values[k])
        if self.shape(down) != into:
            down = self.narrowed(self.spread(down, np.empty(shape)) if self.shape(down) != shape else down, values[k])
            if mask is not None:
                mask = self.inner.narrowed(mask.astype(np.float64), values[k]) != 0
        return down, mask

    def masked(self, element: Any, mask: Any) -> Any:
        """An element where a mask holds; 0 elsewhere, whatever stands there."""
        y = np.where(mask, value(element), 0.0)
        if element.__class__ is not Dual:
            return y
        return Dual(self, y, spread_to(np.where(mask, lifted(element.t, y.ndim), 0.0), y))


TENSORS = TensorDuals()
