"""The computational graph: an immutable tape of ops in topological order.

A Graph holds parallel columns, one entry a node; `Node` is a view made on access. Structure only: forward
values live in a Trace, gradients in Gradients (autodiff.py), so that one Graph serves many points.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from gradcli.errors import LimitError, Span, UnknownCell
from gradcli.ops.op import CONSTANT, INPUT, Op

if TYPE_CHECKING:
    from gradcli.autodiff import Trace

LIMIT = 5_000_000
"""Nodes that a graph may have, also after expansion."""

OUTPUT_NAME = "f"
"""What the output is called when neither the user named it nor a variable bears that name."""


class Literal(NamedTuple):
    """A constant of the graph: its value, a number or nested tuples of numbers, and the text that stands for it."""

    value: Any
    text: str


class Node(NamedTuple):
    """A view of one place on the tape."""

    graph: Graph
    index: int  # type: ignore[assignment] # hides tuple.index

    @property
    def name(self) -> str:
        """Its name on screen: a variable's or a user's name, `n1` …, or a constant's text."""
        return self.graph.names[self.index]

    @property
    def op(self) -> Op:
        """Its row of the op table."""
        return self.graph.ops[self.index]

    @property
    def parents(self) -> tuple[Node, ...]:
        """The nodes it is computed from."""
        return tuple(Node(self.graph, i) for i in self.graph.parents[self.index])

    @property
    def span(self) -> Span:
        """Its place in the text."""
        return self.graph.spans[self.index]

    @property
    def expression(self) -> str:
        """Its formula as the user wrote it."""
        start, end = self.span
        return self.graph.source[start:end]

    def __repr__(self) -> str:
        return f"Node({self.name}: {self.op.name})"


class Spans(Sequence[Span]):
    """The place of each node in the text, 16 bytes a node."""

    def __init__(self) -> None:
        self.places = array("q")

    def __len__(self) -> int:
        return len(self.places) // 2

    @overload
    def __getitem__(self, index: int) -> Span: ...
    @overload
    def __getitem__(self, index: slice) -> list[Span]: ...
    def __getitem__(self, index: int | slice) -> Span | list[Span]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        at = 2 * range(len(self))[index]
        return self.places[at], self.places[at + 1]


class Graph:
    """An immutable computational graph.

    ops, parents, spans: the columns.   numbers: tape position → Literal.   inputs: variable → position.
    labels: position → the name that an assignment gave.   output: the position that is differentiated.
    source: the text.   notes: what its reader should know (an unused assignment, say).
    """

    def __init__(
        self,
        *,
        ops: list[Op],
        parents: list[tuple[int, ...]],
        spans: Sequence[Span],
        numbers: Mapping[int, Literal],
        inputs: Mapping[str, int],
        labels: Mapping[int, str],
        output: int,
        source: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.ops, self.parents, self.spans = ops, parents, spans
        self.numbers, self.inputs, self.labels = numbers, inputs, labels
        self.output, self.source, self.notes = output, source, notes
        self.inferred: dict[tuple[tuple[int, ...], ...], list[tuple[int, ...]]] = {}  # the shapes it was last run at

    def __len__(self) -> int:
        return len(self.ops)

    def __getitem__(self, index: int) -> Node:
        return Node(self, range(len(self))[index])

    def __iter__(self) -> Iterator[Node]:
        return (Node(self, i) for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Graph({len(self.shown)} nodes, inputs {', '.join(self.inputs) or 'none'})"

    @cached_property
    def names(self) -> list[str]:
        """The name of every node. Unnamed ops are n1, n2 …, past any name the user has taken."""
        taken = {*self.inputs, *self.labels.values()}
        names, count = [], 0
        for i, op in enumerate(self.ops):
            if op is CONSTANT:
                names.append(self.numbers[i].text)
            elif i in self.labels:
                names.append(self.labels[i])
            elif op is INPUT:
                names.append("")
            elif i == self.output and OUTPUT_NAME not in taken:
                names.append(OUTPUT_NAME)
            else:
                count += 1
                while f"n{count}" in taken:
                    count += 1
                names.append(f"n{count}")
        for name, i in self.inputs.items():
            names[i] = name
        return names

    @cached_property
    def kinds(self) -> frozenset[Op]:
        """The ops that occur."""
        return frozenset(self.ops) - {INPUT, CONSTANT}

    @cached_property
    def tensorial(self) -> bool:
        """Whether something in it works on whole tensors, so that plain numbers do not do."""
        inner = [op.body.tensorial for op in self.kinds if op.body is not None]
        constants = any(isinstance(literal.value, tuple) for literal in self.numbers.values())
        return any(inner) or constants or any(op.structural for op in self.kinds)

    @cached_property
    def shown(self) -> list[int]:
        """The positions that have a row on screen: all but the constants."""
        return [i for i, op in enumerate(self.ops) if op is not CONSTANT]

    @cached_property
    def varied(self) -> bytearray:
        """1 for a node that depends on an input, through edges that can have a gradient."""
        varied = bytearray(len(self.ops))
        for i in self.inputs.values():
            varied[i] = 1
        ops, rough = self.ops, {op for op in self.kinds if not op.differentiable}
        for i, parents in enumerate(self.parents):
            for p in parents:
                if varied[p] and (not rough or ops[i] not in rough or _passed(ops[i], parents, varied)):
                    varied[i] = 1
                    break
        return varied

    def leading(self, names: Collection[str]) -> bytearray:
        """1 for a node that depends on one of these names, through edges that can have a gradient."""
        leading = bytearray(len(self.ops))
        for name in names:
            leading[self.position(name)] = 1
        for i, parents in enumerate(self.parents):
            if self.varied[i] and any(leading[p] for p in parents):
                leading[i] = 1
        return leading

    @cached_property
    def used(self) -> bytearray:
        """1 for a node that the output is computed from."""
        used = bytearray(len(self.ops))
        used[self.output] = 1
        for i in range(self.output, -1, -1):
            if used[i]:
                for p in self.parents[i]:
                    used[p] = 1
        return used

    def position(self, name: str) -> int:
        """The tape position of the node of this name.

        Errors: UnknownCell, with the nearest names as a hint.
        """
        found = self.find(name)
        if found is None:
            from difflib import get_close_matches

            near = get_close_matches(name, [*self.inputs, *self._by_name], 3)
            hint = f"did you mean {' or '.join(near)}?" if near else "named nodes: " + _some(self._by_name)
            raise UnknownCell(f"no node '{name}' in the graph", hint=hint)
        return found

    def find(self, name: str) -> int | None:
        """The tape position of the node of this name; None where there is none."""
        index = self.inputs.get(name)
        if index is None and (name == OUTPUT_NAME or name[1:].isdigit()):
            return self._by_name.get(name)  # perhaps a name that only the screen gives
        return self._labelled.get(name) if index is None else index

    @cached_property
    def _labelled(self) -> dict[str, int]:
        return {name: index for index, name in self.labels.items()}

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {self.names[i]: i for i in self.shown}

    def node(self, name: str) -> Node:
        """The node of this name, as a view."""
        return Node(self, self.position(name))

    def run(self, m: Any, leaves: Sequence[Any]) -> Any:
        """The output over a number system, its inputs bound in order."""
        return self.evaluate(m, dict(zip(self.inputs.values(), leaves, strict=True)))[self.output]

    def evaluate(self, m: Any, leaves: Mapping[int, Any]) -> list[Any]:
        """Every node over a number system: one loop over the tape.

        leaves: tape position → value, for each input.
        """
        values: list[Any] = [None] * len(self.ops)
        for i, literal in self.numbers.items():
            values[i] = m.literal(literal.value)
        for i, leaf in leaves.items():
            values[i] = leaf
        ops = self.ops
        functions = {op: m.functions[op] for op in self.kinds}
        for i, parents in enumerate(self.parents):
            if len(parents) == 2:  # most ops, and worth a faster call
                a, b = parents
                values[i] = functions[ops[i]](values[a], values[b])
            elif parents:
                values[i] = functions[ops[i]](*[values[p] for p in parents])
        return values

    def forward(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Trace:
        """Evaluate every node at the values given: numbers, or arrays and nested lists of them.

        Errors: UsageError for a missing value, or one for a name that is no input; ShapeError for shapes that do not
        fit together.
        """
        from gradcli.autodiff import forward

        return forward(self, {**(values or {}), **named})

    def with_ops(self, ops: list[Op]) -> Graph:
        """The same tape with other rows of the table."""
        return Graph(
            ops=ops,
            parents=self.parents,
            spans=self.spans,
            numbers=self.numbers,
            inputs=self.inputs,
            labels=self.labels,
            output=self.output,
            source=self.source,
            notes=self.notes,
        )

    def gradient(self, name: str) -> Graph:
        """The derivative of the output with respect to an input, as a graph over the same inputs.

        Errors: UsageError for a graph of tensors; `forward` has the numbers, by `backward` and `hessian`.
        """
        from gradcli.autodiff import gradient_graph

        return gradient_graph(self, name)


class Builder:
    """A graph under construction. Constants of equal text are one node; so is each variable."""

    def __init__(self, *, share: bool = False) -> None:
        self.ops: list[Op] = []
        self.parents: list[tuple[int, ...]] = []
        self.spans = Spans()
        self.places = self.spans.places
        self.numbers: dict[int, Literal] = {}
        self.inputs: dict[str, int] = {}
        self.labels: dict[int, str] = {}
        self.constants: dict[str, int] = {}
        self._known: dict[tuple[Op, tuple[int, ...]], int] | None = {} if share else None

    def add(self, op: Op, parents: tuple[int, ...], start: int = 0, end: int = 0) -> int:
        """Append an op; with `share`, an op on the same parents is the node that is already there."""
        index = len(self.ops)
        if self._known is not None and parents:
            known = self._known.setdefault((op, parents), index)
            if known < index:
                return known
        if index >= LIMIT:
            raise LimitError(f"the graph would have more than {LIMIT:,} nodes")
        self.ops.append(op)
        self.parents.append(parents)
        self.places.append(start)
        self.places.append(end)
        return index

    def input(self, name: str, span: Span = (0, 0)) -> int:
        """The node of a variable."""
        index = self.inputs.get(name)
        if index is None:
            start, end = span
            index = self.inputs[name] = self.add(INPUT, (), start, end)
        return index

    def constant(self, text: str, value: Any, span: Span = (0, 0)) -> int:
        """The node of a number."""
        index = self.constants.get(text)
        if index is None:
            index = self.constants[text] = self.add(CONSTANT, (), *span)
            self.numbers[index] = Literal(value, text)
        return index

    def inline(self, body: Graph, arguments: Sequence[int], span: Span = (0, 0)) -> int:
        """Append a copy of another graph, its inputs bound in order; returns the copy's output.

        Errors: LimitError, before anything is copied.
        """
        if self._known is None and len(self.ops) + len(body) - len(body.inputs) - len(body.numbers) > LIMIT:
            raise LimitError(f"the graph would have more than {LIMIT:,} nodes")
        place: list[int] = [0] * len(body)
        for index, argument in zip(body.inputs.values(), arguments, strict=True):
            place[index] = argument
        for i, literal in body.numbers.items():
            place[i] = self.constant(literal.text, literal.value, span)
        if self._known is not None:
            for i, op in enumerate(body.ops):
                if op is not INPUT and op is not CONSTANT:
                    place[i] = self.add(op, tuple([place[p] for p in body.parents[i]]), *span)
            return place[body.output]
        first = index = len(self.ops)
        for i, op in enumerate(body.ops):  # the same, without a call for each of perhaps millions
            if op is not INPUT and op is not CONSTANT:
                place[i] = index
                index += 1
                self.ops.append(op)
                self.parents.append(tuple([place[p] for p in body.parents[i]]))
        self.spans.places.extend([*span] * (index - first))
        return place[body.output]

    def finish(self, output: int, **facts: Any) -> Graph:
        """The graph, frozen."""
        return Graph(
            ops=self.ops,
            parents=self.parents,
            spans=self.spans,
            numbers=self.numbers,
            inputs=self.inputs,
            labels=self.labels,
            output=output,
            **facts,
        )


def _passed(op: Op, parents: Sequence[int], varied: bytearray) -> bool:
    """Whether an op passes a gradient to an input of its that varies."""
    return any(varied[p] and op.passes(k) for k, p in enumerate(parents))


def _some(names: Mapping[str, int], most: int = 8) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" … ({len(listed)} in all)" if len(listed) > most else "")
