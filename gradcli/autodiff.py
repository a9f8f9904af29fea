"""The engine: forward fills the values in tape order, backward the gradients in the reverse order.

Both are one loop over the tape, over any number system. A gradient arrives at a node once for each edge that
leaves it, and is summed: fan-out. An op that selects (max, where, relu …) sends nothing to an input it does not
choose, so that 0·nan never happens in a branch not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from gradcli.errors import UsageError
from gradcli.graph import Graph, Node
from gradcli.systems import Argument, Constant, System
from gradcli.systems.floats import FLOATS


def forward(graph: Graph, values: Mapping[str, float]) -> Trace:
    """Evaluate every node.

    Errors: UsageError for an input without a value, or a value without an input.
    """
    missing = [name for name in graph.inputs if name not in values]
    if missing:
        listed = ", ".join(missing)
        first = missing[0]
        spelled = " ".join(f"--{name}=…" for name in missing[:4]) + (" …" if len(missing) > 4 else "")
        raise UsageError(
            f"no value for {listed}" if len(missing) < 9 else f"no value for {first} and {len(missing) - 1} more",
            source=graph.source,
            span=graph.spans[graph.inputs[first]] if graph.source else None,
            hint=f"add {spelled}",
        )
    unknown = [name for name in values if name not in graph.inputs]
    if unknown:
        from difflib import get_close_matches

        near = get_close_matches(unknown[0], list(graph.inputs), 1)
        known = ", ".join(list(graph.inputs)[:8]) or "none: it holds constants alone"
        raise UsageError(
            f"the expression has no variable '{unknown[0]}'",
            hint=f"did you mean {near[0]}?" if near else f"its variables: {known}",
        )
    leaves = {index: _real(name, values[name]) for name, index in graph.inputs.items()}
    return Trace(graph, graph.evaluate(FLOATS, leaves))


def _real(name: str, value: float) -> float:
    """A value as a double. Text is no number, and an int may be too large for one."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"the value of '{name}' is no number: {value!r}") from None
    except OverflowError:
        raise UsageError(f"the value of '{name}' is larger than any double") from None


def backward(graph: Graph, values: list[Any], m: System, upstream: Any) -> list[Any]:
    """∂output/∂node for every node, by the chain rule; None for a node that no gradient reaches."""
    adjoints: list[Any] = [None] * len(values)
    adjoints[graph.output] = upstream
    varied, ops, tape = graph.varied, graph.ops, graph.parents
    rules = {op: m.locals[op] for op in graph.kinds}
    for i in range(graph.output, -1, -1):
        g = adjoints[i]
        if g is None or not varied[i]:
            continue
        parents = tape[i]
        if not parents:
            continue
        x: list[Any] | None = None
        for p, rule in zip(parents, rules[ops[i]], strict=False):
            if not varied[p] or rule is None:
                continue
            kind = rule.__class__
            if kind is Constant:
                local = rule
            elif kind is Argument:
                local = values[parents[rule - 1]] if rule else values[i]
            else:
                if x is None:
                    x = [values[i]]
                    x += [values[parent] for parent in parents]
                local = rule(*x)
                if local is None:
                    continue
            arrived = adjoints[p]
            adjoints[p] = local * g if arrived is None else arrived + local * g
    return adjoints


class Trace:
    """The forward values of a graph at one point, in tape order."""

    __slots__ = ("graph", "values")

    def __init__(self, graph: Graph, values: list[float]) -> None:
        self.graph, self.values = graph, values

    @property
    def value(self) -> float:
        """The output."""
        return self.values[self.graph.output]

    def __getitem__(self, name: str) -> float:
        """The forward value of a node by its name."""
        return self.values[self.graph.position(name)]

    def __repr__(self) -> str:
        return f"Trace(value={self.value!r}, {len(self.graph.shown)} nodes)"

    def _repr_html_(self) -> str:
        """The table, for a notebook."""
        return self.backward()._repr_html_()

    def backward(self, upstream: float = 1.0) -> Gradients:
        """The gradient of the output, times `upstream`, with respect to every node."""
        return Gradients(self, backward(self.graph, self.values, FLOATS, float(upstream)), float(upstream))


class Edge(NamedTuple):
    """A view of one edge: parent → child, the k-th input of the child's op."""

    gradients: Gradients
    child: int
    k: int

    @property
    def parent(self) -> int:
        """Tape position of the input's end."""
        return self.gradients.trace.graph.parents[self.child][self.k]

    @property
    def local(self) -> float:
        """∂child/∂parent along this edge; 0 where the child's op selects another input."""
        gradients = self.gradients
        values = gradients.trace.values
        graph = gradients.trace.graph
        rule = FLOATS.locals[graph.ops[self.child]][self.k]
        assert rule is not None  # noqa: S101 - an active edge has a rule
        local = rule(values[self.child], *[values[p] for p in graph.parents[self.child]])
        return 0.0 if local is None else float(local)

    @property
    def chosen(self) -> bool:
        """Whether the child's op passes gradients to this input at this point."""
        gradients = self.gradients
        selected = gradients.trace.graph.ops[self.child].selected(self.k)
        values = gradients.trace.values
        return selected is None or bool(
            selected(FLOATS, *[values[p] for p in gradients.trace.graph.parents[self.child]])
        )

    @property
    def upstream(self) -> float:
        """The child's global gradient."""
        return self.gradients.adjoints[self.child] or 0.0

    @property
    def downstream(self) -> float:
        """local × upstream: what this edge passes to the parent."""
        return self.local * self.upstream if self.chosen else 0.0


class Gradients:
    """The gradients of the output with respect to every node, as a column in tape order.

    adjoints: None where no gradient arrives (a constant, a branch not taken, a node the output does not use).
    """

    def __init__(self, trace: Trace, adjoints: list[float | None], upstream: float = 1.0) -> None:
        self.trace, self.adjoints, self.upstream = trace, adjoints, upstream

    @property
    def graph(self) -> Graph:
        """The graph they belong to."""
        return self.trace.graph

    def __getitem__(self, name: str | Node) -> float:
        """The global gradient of a node by its name; 0 where none arrives."""
        index = name.index if isinstance(name, Node) else self.graph.position(name)
        return self.adjoints[index] or 0.0

    def __iter__(self) -> Iterator[str]:
        return iter(self.graph.inputs)

    def keys(self) -> list[str]:
        """The variables, so that `dict(gradients)` is {variable: gradient}."""
        return list(self.graph.inputs)

    def items(self) -> list[tuple[str, float]]:
        """(variable, gradient) for every input."""
        return [(name, self.adjoints[index] or 0.0) for name, index in self.graph.inputs.items()]

    def active(self, child: int, k: int) -> bool:
        """Whether an edge has a gradient: its child is reached and its parent depends on an input."""
        graph = self.graph
        return bool(
            self.adjoints[child] is not None
            and graph.varied[graph.parents[child][k]]
            and graph.ops[child].partial(k) is not None
        )

    def edges(self) -> Iterator[Edge]:
        """The active edges, in tape order of their children."""
        for child, parents in enumerate(self.graph.parents):
            for k in range(len(parents)):
                if self.active(child, k):
                    yield Edge(self, child, k)

    @cached_property
    def leaving(self) -> dict[int, list[Edge]]:
        """The active edges by the parent they leave: where a node's gradient comes from."""
        leaving: dict[int, list[Edge]] = {}
        for edge in self.edges():
            leaving.setdefault(edge.parent, []).append(edge)
        return leaving

    def _repr_html_(self) -> str:
        """The table, for a notebook."""
        from gradcli.render import html
        from gradcli.render.figures import Style
        from gradcli.report import build

        return html.render(build(self), Style())

    def __repr__(self) -> str:
        return "Gradients(" + ", ".join(f"{name}={value!r}" for name, value in self.items()[:12]) + ")"


def gradient_graph(graph: Graph, name: str) -> Graph:
    """The derivative of the output with respect to an input, as a graph over the same inputs."""
    from gradcli.systems.tracing import Tracing

    tracing = Tracing(graph.inputs)
    leaves = {index: tracing.leaf(name) for name, index in graph.inputs.items()}
    adjoints = backward(graph, graph.evaluate(tracing, leaves), tracing, 1.0)
    return tracing.graph(adjoints[graph.position(name)])
