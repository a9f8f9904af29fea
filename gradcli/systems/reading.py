"""The system that reads a rule instead of running it: which of the output and the inputs does a partial use?

That is what must be kept for the backward pass, and the rule itself says so: the partial of mul names its other input, the
partial of exp its output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.ops.op import Op
from gradcli.systems import Function, System

OUTPUT = -1
"""The place of y among the inputs 0, 1, …"""

OTHERS = 3
"""Inputs that a rule for any number of inputs is read with: one's own and more than one other."""


class Read:
    """What an element was made from."""

    __slots__ = ("places",)

    def __init__(self, *places: int) -> None:
        self.places = frozenset(places)

    def __hash__(self) -> int:
        return hash(self.places)


def _union(*elements: Any) -> Read:
    return Read(*(place for element in elements if isinstance(element, Read) for place in element.places))


for _word in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Read, f"__{_word}__", _union)
    setattr(Read, f"__r{_word}__", _union)
for _word in ("neg", "pos"):
    setattr(Read, f"__{_word}__", _union)


class Reading(System):
    """A system whose elements know the places they were made from."""

    name = "reading"

    def function(self, op: Op) -> Function:
        """Every op passes on the places of what it works on."""
        return _union


READING = Reading()


class Reads(dict[tuple[Op, int], frozenset[int]]):
    """(op, k) → the places that the partial of input k reads; of an op of any number of inputs, as if it had `OTHERS`."""

    def __missing__(self, key: tuple[Op, int]) -> frozenset[int]:
        op, k = key
        rules: list[Callable[..., Any] | None] = [op.partial(k), op.selected(k)]
        x = [Read(i) for i in range(OTHERS if op.variadic else len(op.parameters))]
        found = [
            rule(READING, *([Read(OUTPUT), *x] if which == 0 else x)) for which, rule in enumerate(rules) if rule is not None
        ]
        self[key] = _union(*found).places
        return self[key]


READS = Reads()
