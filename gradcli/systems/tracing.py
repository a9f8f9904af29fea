"""The graph-building system: a rule run over it becomes a graph, so the same partials give exact higher derivatives
and the rules printed on screen.

Numbers stay Python numbers and are folded, as are ×1, +0 and ^1, so that rules print as people write them; nothing
else is rewritten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gradcli.graph import Builder, Graph
from gradcli.notation import number
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems import Function, System
from gradcli.systems.floats import FLOATS

Element = Any  # a Tracer, or a Python number
FOLDED = frozenset({"arithmetic", "choice"})
"""Groups whose ops are worked out on numbers at once; log(2) stays log(2)."""


class Tracing(System):
    """A system whose elements are nodes of a graph under construction."""

    name = "tracing"

    def __init__(self, variables: Iterable[str]) -> None:
        super().__init__()
        self.builder = Builder(share=True)
        self.pi = self.literal(math.pi)
        self.variables = {name: Tracer(self, self.builder.input(name)) for name in variables}

    def leaf(self, name: str) -> Tracer:
        """The element of a variable."""
        return self.variables[name]

    def literal(self, value: float) -> Element:
        """A constant is a Python number, an int where it can be; pi, e and tau keep their names."""
        if value in NAMED:
            return Tracer(self, self.builder.constant(NAMED[value], value))
        return int(value) if abs(value) < 2**53 and value == int(value) else value

    def function(self, op: Op) -> Function:
        """The op as a node, unless all it works on is numbers."""
        return partial(self.apply, op)

    def apply(self, op: Op, *x: Element) -> Element:
        """Append an op, or fold it."""
        if not any(isinstance(value, Tracer) for value in x) and op.group in FOLDED:
            return self.literal(FLOATS.functions[op](*x))
        folded = _folded(op, x)
        if folded is not None:
            return folded
        return Tracer(self, self.builder.add(op, tuple(self.index(value) for value in x)))

    def index(self, element: Element) -> int:
        """The tape position of an element."""
        if isinstance(element, Tracer):
            return element.index
        value = float(element)
        text = number(value)
        if len(text) > LONG and math.isfinite(value):
            from fractions import Fraction

            ratio = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
            if float(ratio) == value and ratio.denominator > 1 and abs(ratio) < 1000:  # 0.333… was written 1/3
                return self.builder.add(TABLE["div"], (self.index(ratio.numerator), self.index(ratio.denominator)))
        return self.builder.constant(text, value)

    def rule(self, op: Op, k: int) -> Function | None:
        """A partial; where the op selects, it is guarded by the condition under which it counts."""
        rule = op.partial(k)
        if rule is None:
            return None
        local, chosen = partial(rule, self), op.selected(k)
        if chosen is None:
            return local

        def guarded(y: Element, *x: Element) -> Element:
            condition = chosen(self, *x)
            if isinstance(condition, Tracer):
                return Guarded(local(y, *x), condition)
            return local(y, *x) if condition else None

        return guarded

    def graph(self, result: Element) -> Graph:
        """What was traced, as a graph whose output is `result`, without the nodes it does not need."""
        if result is None:
            result = 0
        if isinstance(result, Guarded):
            result = result.plain()
        output = self.index(result)
        whole = self.builder.finish(output)
        kept = Builder()
        place = {index: kept.input(name) for name, index in whole.inputs.items()}
        for i in range(output + 1):
            if whole.used[i] and i not in place:
                literal = whole.numbers.get(i)
                place[i] = (
                    kept.constant(literal.text, literal.value)
                    if literal is not None
                    else kept.add(whole.ops[i], tuple(place[p] for p in whole.parents[i]))
                )
        return kept.finish(place[output])


def _folded(op: Op, x: tuple[Element, ...]) -> Element:
    """x where the op leaves it as it is: ×1, /1, +0, -0, ^1, and a choice that is already made."""
    if op is WHERE and not isinstance(x[0], Tracer):
        return x[1] if x[0] else x[2]
    if op in NEUTRAL:
        left, right = NEUTRAL[op]
        if right is not None and not isinstance(x[1], Tracer) and x[1] == right:
            return x[0]
        if left is not None and not isinstance(x[0], Tracer) and x[0] == left:
            return x[1]
    return None


LONG, LARGEST_DENOMINATOR = 12, 1000
"""A number of more characters is written as a ratio, if it is one of small numbers."""

NAMED = {math.pi: "pi", math.e: "e", math.tau: "tau"}
WHERE = TABLE["where"]
NEUTRAL: dict[Op, tuple[int | None, int | None]] = {
    TABLE["add"]: (0, 0),
    TABLE["sub"]: (None, 0),
    TABLE["mul"]: (1, 1),
    TABLE["div"]: (None, 1),
    TABLE["pow"]: (None, 1),
}
"""Op → the number that changes nothing on its left, on its right."""


@dataclass(frozen=True, slots=True, eq=False)
class Tracer:
    """A node under construction; operators append nodes."""

    m: Tracing
    index: int

    def __add__(self, other: Element) -> Element:
        return self._with("add", self, other)

    def __radd__(self, other: Element) -> Element:
        return self._with("add", other, self)

    def __sub__(self, other: Element) -> Element:
        return self._with("sub", self, other)

    def __rsub__(self, other: Element) -> Element:
        return self._with("sub", other, self)

    def __mul__(self, other: Element) -> Element:
        return self._with("mul", self, other)

    def __rmul__(self, other: Element) -> Element:
        return self._with("mul", other, self)

    def __truediv__(self, other: Element) -> Element:
        return self._with("div", self, other)

    def __rtruediv__(self, other: Element) -> Element:
        return self._with("div", other, self)

    def __pow__(self, other: Element) -> Element:
        return self._with("pow", self, other)

    def __rpow__(self, other: Element) -> Element:
        return self._with("pow", other, self)

    def __neg__(self) -> Element:
        return self.m.apply(TABLE["neg"], self)

    def __bool__(self) -> bool:
        raise TypeError("a rule may not branch on its inputs: use m.where")

    def _with(self, name: str, left: Element, right: Element) -> Element:
        if isinstance(left, Guarded) or isinstance(right, Guarded):
            return NotImplemented
        return self.m.apply(TABLE[name], left, right)


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """A gradient that counts only where a condition holds; elsewhere it is 0, whatever its formula would say.

    The condition is carried along the chain and applied where gradients meet, so that the branch not taken is
    never multiplied by 0.
    """

    value: Element
    condition: Element

    def plain(self) -> Element:
        """The gradient with its condition applied."""
        m = self.condition.m
        return m.apply(WHERE, self.condition, self.value, 0)

    def __mul__(self, other: Element) -> Guarded:
        if isinstance(other, Guarded):
            return Guarded(self.value * other.value, self.condition * other.condition)
        return Guarded(self.value * other, self.condition)

    def __rmul__(self, other: Element) -> Guarded:
        return Guarded(other * self.value, self.condition)

    def __add__(self, other: Element) -> Element:
        if not isinstance(other, Guarded):
            return self.plain() + other
        if self.condition.index == other.condition.index:
            return Guarded(self.value + other.value, self.condition)
        either = self.condition.m.ne(self.condition + other.condition, 0)
        return Guarded(self.plain() + other.plain(), either)

    def __radd__(self, other: Element) -> Element:
        return other + self.plain()
