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
from gradcli.systems import Function
from gradcli.systems.building import WHERE, Building, Guarded, Operand
from gradcli.systems.floats import FLOATS

Element = Any  # a Tracer, or a Python number
FOLDED = frozenset({"arithmetic", "choice"})
"""Groups whose ops are worked out on numbers at once; log(2) stays log(2)."""


class Tracing(Building):
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

    def known(self, element: Element) -> float | None:
        """The number that an element is."""
        return None if isinstance(element, Tracer) else element

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
NEUTRAL: dict[Op, tuple[int | None, int | None]] = {
    TABLE["add"]: (0, 0),
    TABLE["sub"]: (None, 0),
    TABLE["mul"]: (1, 1),
    TABLE["div"]: (None, 1),
    TABLE["pow"]: (None, 1),
}
"""Op → the number that changes nothing on its left, on its right."""


@dataclass(frozen=True, slots=True, eq=False)
class Tracer(Operand):
    """A node under construction; operators append nodes."""

    m: Tracing
    index: int
