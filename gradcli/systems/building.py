"""What systems share whose elements stand for something that is computed later: nodes of a graph, lines of code.

Operators append; a gradient of an op that selects carries the condition under which it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems import Function, System

WHERE = TABLE["where"]


class Building(System):
    """A system that appends an op to what it builds."""

    def apply(self, op: Op, *x: Any) -> Any:
        """The element that an op makes of others."""
        raise NotImplementedError

    def known(self, element: Any) -> float | None:
        """The number that an element is; None for one that is computed later."""
        raise NotImplementedError

    def rule(self, op: Op, k: int) -> Function | None:
        """A partial; where the op selects, it is guarded by the condition under which it counts."""
        rule = op.partial(k)
        if rule is None:
            return None
        local, chosen = partial(rule, self), op.selected(k)
        if chosen is None:
            return local

        def guarded(y: Any, *x: Any) -> Any:
            condition = chosen(self, *x)
            known = self.known(condition)
            if known is None:
                return Guarded(local(y, *x), condition)
            return local(y, *x) if known else None

        return guarded


class Operand:
    """What operators work on: each appends an op to the system's."""

    __slots__ = ()

    m: Building

    def __add__(self, other: Any) -> Any:
        return self._with("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._with("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._with("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._with("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._with("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("div", other, self)

    def __pow__(self, other: Any) -> Any:
        return self._with("pow", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._with("pow", other, self)

    def __neg__(self) -> Any:
        return self.m.apply(TABLE["neg"], self)

    def __bool__(self) -> bool:
        raise TypeError("a rule may not branch on its inputs: use m.where")

    def _with(self, name: str, left: Any, right: Any) -> Any:
        if isinstance(left, Guarded) or isinstance(right, Guarded):
            return NotImplemented
        return self.m.apply(TABLE[name], left, right)


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """A gradient that counts only where a condition holds; elsewhere it is 0, whatever its formula would say.

    The condition is carried along the chain and applied where gradients meet, so that the branch not taken is
    never multiplied by 0.
    """

    value: Any
    condition: Any

    def plain(self) -> Any:
        """The gradient with its condition applied."""
        m = self.condition.m
        return m.apply(WHERE, self.condition, self.value, 0)

    def __mul__(self, other: Any) -> Guarded:
        if isinstance(other, Guarded):
            return Guarded(self.value * other.value, self.condition * other.condition)
        return Guarded(self.value * other, self.condition)

    def __rmul__(self, other: Any) -> Guarded:
        return Guarded(other * self.value, self.condition)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Guarded):
            return self.plain() + other
        if self.condition.index == other.condition.index:
            return Guarded(self.value + other.value, self.condition)
        either = self.condition.m.ne(self.condition + other.condition, 0)
        return Guarded(self.plain() + other.plain(), either)

    def __radd__(self, other: Any) -> Any:
        return other + self.plain()
