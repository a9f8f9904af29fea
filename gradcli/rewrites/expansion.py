"""Expansion: composite gates become what they are defined by, down to the primitives of machine arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gradcli.autodiff import Trace
from gradcli.graph import Builder, Graph
from gradcli.notation import number
from gradcli.ops import TABLE
from gradcli.ops.op import CONSTANT, INPUT, Op, Shape
from gradcli.rewrites.agreement import Difference, Side, agreement, single
from gradcli.systems.tracing import Tracer, Tracing

IDENTITY = TABLE["identity"]


def composite(op: Op) -> bool:
    """Whether an op is defined by others: a gate of the user's, or a row without a spelling of its own."""
    if op is INPUT or op is CONSTANT:
        return False
    return op.body is not None or not (op.primitive or (op.structural and "numpy" in op.spelled))


class Replaced(NamedTuple):
    """A call that was written out, or would have been.

    node: where its value is now.   given: its inputs there.   difference: why it was not; None if it was.
    """

    node: int
    op: Op
    given: tuple[int, ...]
    definition: Side
    difference: Difference | None = None


class Expansion:
    """One expansion; `graph` and `calls` are its results."""

    def __init__(self, trace: Trace) -> None:
        self.written, self.m = trace.graph, trace.m
        self.builder = Builder()
        self.values: list[Any] = []
        self.calls: list[Replaced] = []
        self.span = (0, 0)
        self.known: dict[tuple[Op, tuple[Shape, ...]], tuple[Side, Side | None]] = {}
        self.graph = self.run(trace)

    def run(self, trace: Trace) -> Graph:
        """The whole tape, then the definitions in it, each as deep as they go; a loop, not a recursion."""
        written, names = self.written, {i: name for name, i in self.written.inputs.items()}
        frames = [_Frame(written, {})]
        while frames:
            frame = frames[-1]
            outer = len(frames) == 1
            if frame.at == len(frame.body):
                frames.pop()
                if not outer:
                    self.settle(frames, frame.place[frame.body.output])
                continue
            i, op = frame.at, frame.body.ops[frame.at]
            frame.at += 1
            if outer:
                self.span = written.spans[i]
            if op is INPUT:
                if outer:
                    frame.place[i] = self.kept(self.builder.input(names[i], self.span), trace.values[i])
            elif op is CONSTANT:
                literal = frame.body.numbers[i]
                clash = not outer and literal.text in written.inputs
                text = number(literal.value) if clash else literal.text
                place = self.builder.constant(text, literal.value, self.span)
                frame.place[i] = self.kept(place, self.m.literal(literal.value))
            else:
                given = tuple([frame.place[p] for p in frame.body.parents[i]])
                definition = self.allowed(op, given) if composite(op) else None
                if definition is not None:
                    if outer:
                        self.calls.append(Replaced(i, op, given, definition))
                    frames.append(_Frame(definition.graph, dict(zip(definition.inputs, given, strict=True))))
                else:
                    self.settle(frames, self.add(op, given))
        self.calls = [
            call._replace(node=frame.place[call.node]) if call.difference is None else call for call in self.calls
        ]
        return self.builder.finish(frame.place[written.output], source=written.source, notes=written.notes)

    def settle(self, frames: list[_Frame], place: int) -> None:
        """A node of the innermost frame has its place; one that the user named has one of its own."""
        frame = frames[-1]
        i = frame.at - 1
        if len(frames) == 1 and (i in self.written.labels or i == self.written.output):
            if not self.builder.parents[place] or place in self.builder.labels:
                place = self.add(IDENTITY, (place,))
            if i in self.written.labels:
                self.builder.labels[place] = self.written.labels[i]
        frame.place[i] = place

    def add(self, op: Op, given: tuple[int, ...]) -> int:
        """Append an op."""
        return self.kept(
            self.builder.add(op, given, *self.span), self.m.functions[op](*[self.values[p] for p in given])
        )

    def kept(self, place: int, value: Any) -> int:
        """Remember the value of a new node."""
        if place == len(self.values):
            self.values.append(value)
        return place

    def allowed(self, op: Op, given: tuple[int, ...]) -> Side | None:
        """An op's definition, if it is the same at this point; else it is noted."""
        x = [self.values[p] for p in given]
        shapes = tuple([getattr(value, "shape", ()) for value in x])
        sides = self.known.get((op, shapes))
        if sides is None:
            sides = self.known[op, shapes] = single(op, len(given)), defined(op, shapes)
        call, definition = sides
        if definition is None:
            return None
        found = agreement(call, definition, x, [True] * len(x), mends=False).difference
        if found is None:
            return definition
        self.calls.append(Replaced(len(self.builder.ops), op, given, definition, found))
        return None


class Indivisible(Exception):
    """An op whose definition goes through a tensor's entries one by one; it stays one gate."""


class _Frame:
    """A graph that is being written out: where its nodes are, and how far it is."""

    __slots__ = ("at", "body", "place")

    def __init__(self, body: Graph, place: dict[int, int]) -> None:
        self.body, self.place, self.at = body, place, 0


def defined(op: Op, shapes: Sequence[Shape]) -> Side | None:
    """An op's definition as a graph, for inputs of these shapes; None where it has none to be written out."""
    if op.body is not None:
        return Side(op.body, tuple(op.body.inputs.values()))
    tracing = Shaped([f"x{k}" for k in range(len(shapes))], shapes)
    x = list(tracing.variables.values())
    try:
        result = op.computed(stable=False)(tracing, *x)
    except Indivisible:
        return None
    if op.reduces:
        result = AVERAGED[op.reduces](tracing, result)
    graph = tracing.graph(result)
    return Side(graph, tuple(graph.inputs.values()))


AVERAGED = {
    "mean": lambda m, losses: m.sum(losses) / m.count(losses) if m.shape(losses) else losses,
    "sum": lambda m, losses: m.sum(losses) if m.shape(losses) else losses,
    "rows": lambda m, losses: m.sum(losses) / m.rows(losses) if m.shape(losses) else losses,
}
"""What is returned for a batch of losses, by the row's `reduces`."""


class Shaped(Tracing):
    """The graph-building system when the shapes are known, so that a definition can count entries."""

    def __init__(self, variables: Sequence[str], shapes: Sequence[Shape]) -> None:
        super().__init__(variables)
        self.shapes = {each.index: shape for each, shape in zip(self.variables.values(), shapes, strict=True)}

    def apply(self, op: Op, *x: Any) -> Any:
        """Append an op, and work out its shape."""
        result = super().apply(op, *x)
        if isinstance(result, Tracer) and result.index not in self.shapes:
            if any(map(self.shape, x)) or op.structural:
                from gradcli.shapes import result_shape

                self.shapes[result.index] = result_shape(op, [self.shape(value) for value in x])
            else:
                self.shapes[result.index] = ()
        return result

    def shape(self, element: Any) -> Shape:
        """The shape of an element."""
        return self.shapes.get(element.index, ()) if isinstance(element, Tracer) else ()

    def literal(self, value: Any) -> Any:
        """A constant; labels are compared with a list of classes."""
        if not isinstance(value, tuple):
            return super().literal(value)
        text = f"[{','.join(map(number, value))}]"
        constant = Tracer(self, self.builder.constant(text, value))
        self.shapes[constant.index] = (len(value),)
        return constant

    def __getattr__(self, name: str) -> Any:
        """A row's function; what has no row has no gate to be written as."""
        if name not in TABLE:
            raise Indivisible
        return super().__getattr__(name)

    def count(self, element: Any, axis: Any = None) -> int:
        """How many entries there are along some axes, or in all."""
        shape = self.shape(element)
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        found = 1
        for each in axes:
            found *= shape[each]
        return found

    def rows(self, element: Any) -> int:
        """How many rows there are."""
        return self.count(element, tuple(range(len(self.shape(element)) - 1)))
