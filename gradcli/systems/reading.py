"""The system that reads a rule instead of running it: which of the output and the inputs does a partial use?

That is what must be kept for the backward pass, and the rule itself says so: the partial of mul names its
other input, the partial of exp its output. Read is the rule that textbooks and the table show, f·(1-f) of a
sigmoid, not the longer form that is computed for its digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gradcli.notation import local, parsed, pulled
from gradcli.ops.op import Op
from gradcli.systems import Function, System

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients

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
    """(op, k) → the places that the partial of input k reads; of a variadic op, among `OTHERS` inputs."""

    def __missing__(self, key: tuple[Op, int]) -> frozenset[int]:
        op, k = key
        if op.structural or (op.body is not None and op.body.tensorial):
            return self.setdefault(key, whole(op, k))
        x = [Read(i) for i in range(OTHERS if op.variadic else len(op.parameters))]
        selected = op.selected(k)
        used = _union(
            None if op.partial(k) is None else local(op, k, READING, Read(OUTPUT), x),
            None if selected is None else selected(READING, *x),
        )
        self[key] = used.places
        return used.places


READS = Reads()


def whole(op: Op, k: int) -> frozenset[int]:
    """The places that the vector-Jacobian product of input k reads, as the row shows it; all if it does not.

    A sum reads none: it needs the shape of its input, not its entries.
    """
    if not op.passes(k):
        return frozenset()
    shown = pulled(op, k)
    every = range(OTHERS if op.variadic else len(op.parameters))
    if shown is None:
        return frozenset([OUTPUT, *every] if op.structural else every)
    known = {"y": OUTPUT, **{name: place for place, name in enumerate(op.parameters)}}
    rule = parsed(shown)
    if rule is None:
        return frozenset(known[word] for word in re.findall(r"[^\W\d]\w*", shown) if word in known)
    if any(name not in known and name not in COUNTED and name not in op.attributes for name in rule.inputs):
        return frozenset(every)  # a word for something that the inputs decide
    return frozenset(known[name] for name in rule.inputs if name in known)


COUNTED = ("g", "n")
"""Names in a rule that are no forward value: the upstream gradient, and how many there are."""


def reads(gradients: Gradients) -> bytearray:
    """1 for every node whose forward value the backward pass reads."""
    graph, adjoints = gradients.graph, gradients.adjoints
    varied, ops = graph.varied, graph.ops
    found = bytearray(len(graph))
    for child, parents in enumerate(graph.parents):
        if adjoints[child] is None or not varied[child]:
            continue
        op = ops[child]
        if not op.variadic:
            for k, p in enumerate(parents):
                if varied[p]:
                    for place in READS[op, k]:
                        found[child if place == OUTPUT else parents[place]] = 1
            continue
        places = READS[op, 0]  # every rule reads all of them, or at most its own
        others = bool(places - {OUTPUT, 0})
        for p in parents:
            if others or (varied[p] and 0 in places):
                found[p] = 1
        if OUTPUT in places:
            found[child] = 1
    return found
