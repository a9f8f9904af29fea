"""A forward and a backward pass with something changed, over numbers and over tensors.

A misconception changes a rule, or a sum; a student's own number takes the place of one that was computed; rounded steps
round each number that is written down. All of them are a Change, and changes can be made together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gradcli.autodiff import Gradients, Trace, Value
from gradcli.cells import Cell
from gradcli.errors import GradcliError
from gradcli.ops.op import CONSTANT, INPUT

Slot = tuple[int, int]
"""An edge: the tape position of its child, and which input of the child it is."""

Rounding = Callable[[Value], Value]


class At(NamedTuple):
    """An edge in mid-sweep: what a changed product is made from.

    g: the child's gradient.   y, x: the child's value and its inputs'.   down: what the right rule passes down.
    local: None where the op works on whole tensors, or selects another input.
    """

    m: Any
    g: Value
    y: Value
    x: Sequence[Value]
    k: int
    local: Value | None
    down: Value


class Change(NamedTuple):
    """What is done otherwise in a sweep; nothing, unless said.

    values: position → (m, *x) → the node's forward value.   locals: edge → (m, y, *x) → its local gradient.
    passed: edge → (At) → its downstream gradient; None for nothing.
    sums: position → (m, {edge: downstream}) → the node's gradient.
    rounded: how forward values, local gradients, and gradients are rounded; None where they are not.
    """

    values: Mapping[int, Callable[..., Value]] = {}
    locals: Mapping[Slot, Callable[..., Value]] = {}
    passed: Mapping[Slot, Callable[[At], Value | None]] = {}
    sums: Mapping[int, Callable[[Any, Mapping[Slot, Value]], Value]] = {}
    rounded: tuple[Rounding | None, Rounding | None, Rounding | None] = (None, None, None)

    def __or__(self, other: object) -> Change:
        """Both changes; where they concern the same place, the other's."""
        if not isinstance(other, Change):
            return NotImplemented
        forward, local, last = (b or a for a, b in zip(self.rounded, other.rounded, strict=True))
        return Change(
            {**self.values, **other.values},
            {**self.locals, **other.locals},
            {**self.passed, **other.passed},
            {**self.sums, **other.sums},
            (forward, local, last),
        )


NOTHING = Change()


class Outcome(NamedTuple):
    """What comes out of a changed sweep, as columns in tape order and by edge."""

    trace: Trace
    values: Sequence[Value]
    adjoints: Sequence[Value | None]
    downs: Mapping[Slot, Value]
    locals: Mapping[Slot, Value]

    def read(self, cell: Cell) -> Value | None:
        """The number in a cell; None where the sweep left none."""
        if cell.kind == "value":
            found = self.values[cell.nodes[0]]
        elif cell.kind == "grad":
            parts = [self.gradient(i) for i in cell.nodes]
            found = sum(parts[1:], parts[0])
        else:
            found = (self.downs if cell.kind == "down" else self.locals).get((cell.nodes[0], cell.k))
        if cell.key and found is not None:
            from gradcli.systems.structure import slices

            found = found[slices(cell.key)][()]
        return float(found) if isinstance(found, int | float) else found

    def gradient(self, index: int) -> Value:
        """The gradient of a node; 0 where none arrived."""
        g = self.adjoints[index]
        if g is None:
            return self.trace.m.zeros(self.trace.shapes[index]) if self.trace.tensorial else 0.0
        return g


def sweep(gradients: Gradients, change: Change = NOTHING) -> Outcome | None:
    """Both passes with a change, from the same inputs and the same upstream gradient.

    None where the changed rules give no number, or one whose shape does not fit.
    """
    trace = gradients.trace
    try:
        with trace.m.quiet():
            values = forward(trace, change)
            return backward(gradients, values, change)
    except (ArithmeticError, ValueError, TypeError, IndexError, GradcliError):
        return None


def forward(trace: Trace, change: Change) -> list[Value]:
    """The forward values; the right ones as far as the change does not reach."""
    rounding = change.rounded[0]
    if not change.values and rounding is None:
        return list(trace.values)
    graph, values = trace.graph, list(trace.values)
    m: Any = trace.m
    moved = bytearray(len(values))
    for i, op in enumerate(graph.ops):
        parents = graph.parents[i]
        changed = change.values.get(i)
        if op is CONSTANT or (op is INPUT and changed is None):
            continue
        if changed is None and rounding is None and not any(moved[p] for p in parents):
            continue
        x = [values[p] for p in parents]
        values[i] = m.functions[op](*x) if changed is None else changed(m, *x)
        if rounding is not None:
            values[i] = rounding(values[i])
        moved[i] = 1
    return values


def backward(gradients: Gradients, values: list[Value], change: Change) -> Outcome:
    """The backward pass over these values."""
    trace = gradients.trace
    graph, varied = trace.graph, trace.graph.varied
    m: Any = trace.m
    _, locally, rounding = change.rounded
    adjoints: list[Any] = [None] * len(values)
    arriving: dict[int, dict[Slot, Value]] = {}
    masks: dict[int, Any] = {}
    downs: dict[Slot, Any] = {}
    found: dict[Slot, Value] = {}
    for i in range(len(values) - 1, -1, -1):
        arrived = arriving.pop(i, None)
        if i in change.sums:
            adjoints[i] = change.sums[i](m, arrived or {})
        elif i == graph.output:
            adjoints[i] = gradients.upstream
        elif arrived is not None:
            parts = list(arrived.values())
            adjoints[i] = sum(parts[1:], parts[0])
        if rounding is not None and adjoints[i] is not None and i != graph.output:
            adjoints[i] = rounding(adjoints[i])
        g, parents = adjoints[i], graph.parents[i]
        if not parents or not varied[i]:
            continue
        op, y, x = graph.ops[i], values[i], [values[p] for p in parents]
        for k, p in enumerate(parents):
            if not varied[p] or not op.passes(k):
                continue
            slot = (i, k)
            local: Any = _local(trace, slot, change, y, x)
            if local is not None:
                local = local if locally is None else locally(local)
                found[slot] = local
            elif not trace.tensorial:
                found[slot] = 0.0
            if g is None:
                continue
            down: Any
            down, mask = _down(trace, slot, change, g, masks.get(i), local, y, x)
            if slot in change.passed:
                down = change.passed[slot](At(m, g, y, x, k, local, down))
            if down is None:
                downs[slot] = m.zeros(trace.shapes[p]) if trace.tensorial else 0.0
                continue
            downs[slot] = down if rounding is None else rounding(down)
            before = arriving.setdefault(p, {})
            if not before and mask is not None:
                masks[p] = mask
            elif p in masks:
                masks[p] = masks[p] | mask if mask is not None else None
                if mask is None:
                    del masks[p]
            before[slot] = downs[slot]
    return Outcome(trace, values, adjoints, downs, found)


def _local(trace: Trace, slot: Slot, change: Change, y: Value, x: Sequence[Value]) -> Value | None:
    """The local gradient of an edge: a number, or entry by entry.

    None for an op on whole tensors; of numbers, where the op selects another input.
    """
    i, k = slot
    op = trace.graph.ops[i]
    m: Any = trace.m
    if slot in change.locals:
        return change.locals[slot](m, y, *x)
    if not trace.tensorial:
        return m.locals[op][k](y, *x)
    if op.structural or op.body is not None or op.reduces:
        return None
    return m.local(op, k, y, x)


def _down(
    trace: Trace, slot: Slot, change: Change, g: Value, mask: Any, local: Value | None, y: Value, x: Sequence[Value]
) -> tuple[Value | None, Any]:
    """What an edge passes down, and which of its entries are active, where not all are."""
    i, k = slot
    if not trace.tensorial:
        return (None if local is None else local * g), None
    if local is not None and (slot in change.locals or change.rounded[1] is not None):
        import numpy as np

        from gradcli.shapes import unbroadcast

        return unbroadcast(np.asarray(local * g), np.shape(x[k]))[()], None
    m: Any = trace.m
    passed = m.pull(trace.graph.ops[i], k, g, mask, y, x)
    return (None, None) if passed is None else passed
