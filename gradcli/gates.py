"""Definitions of the user's own: each is a row, like those of the op table, whose rule runs its body.

A body is kept as it was written, with calls of earlier definitions as single nodes, so that thirty definitions which
double each time cost thirty small graphs. It is written out when the expression calls it, and not before its size is
known to be in bounds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from gradcli.errors import LimitError
from gradcli.graph import LIMIT, Builder, Graph
from gradcli.ops.op import CONSTANT, INPUT, Op, Rule


def gate(name: str, body: Graph, doc: str) -> Op:
    """A definition as a row: its rule runs the body over any system, its partials run the body's gradients."""

    def definition(m: Any, *x: Any) -> Any:
        return body.run(m, x)

    def differentiated(parameter: str) -> Rule:
        @cache
        def gradient() -> Graph:
            return body.gradient(parameter)

        return lambda m, y, *x: gradient().run(m, x)

    parameters = tuple(body.inputs)
    partials = tuple(differentiated(parameter) for parameter in parameters)
    return Op(name, parameters, definition, partials, doc=doc, group="yours", body=body)


class Gates(dict[str, Op]):
    """The definitions read so far, in order: name → row, its body as written."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[str, int] = {}  # nodes of a body that is written out
        self.flat: dict[str, Op] = {}  # rows whose bodies are

    def define(self, name: str, body: Graph, doc: str) -> None:
        """Add a definition."""
        self.add(gate(name, body, doc))

    def add(self, op: Op) -> None:
        """Add a row."""
        self[op.name] = op
        self.sizes[op.name] = sum(1 if inner.body is None else self.sizes[inner.name] for inner in op.body.ops)

    def written_out(self, op: Op) -> Op:
        """The row with every definition that its body calls written out.

        Errors: LimitError when that would be more nodes than a graph may have.
        """
        needed, waiting = {op.name}, [op]
        while waiting:
            for inner in waiting.pop().body.ops:
                if inner.body is not None and inner.name not in needed:
                    needed.add(inner.name)
                    waiting.append(inner)
        if sum(self.sizes[name] for name in needed) > LIMIT:
            raise LimitError(f"the definitions would expand to more than {LIMIT:,} nodes")
        for name in [name for name in self if name in needed and name not in self.flat]:
            self.flat[name] = self._flattened(self[name])
        return self.flat[op.name]

    def _flattened(self, op: Op) -> Op:
        """The row, when those that its body calls are written out already."""
        body: Graph = op.body
        if all(inner.body is None for inner in body.ops):
            return op
        builder = Builder()
        place = {index: builder.input(name) for name, index in body.inputs.items()}
        for i, inner in enumerate(body.ops):
            if inner is CONSTANT:
                place[i] = builder.constant(body.numbers[i].text, body.numbers[i].value)
            elif inner is not INPUT:
                parents = tuple(place[p] for p in body.parents[i])
                nested = inner.body is not None
                place[i] = (
                    builder.inline(self.flat[inner.name].body, parents) if nested else builder.add(inner, parents)
                )
        return gate(op.name, builder.finish(place[body.output], source=body.source), op.doc)
