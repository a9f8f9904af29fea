"""The engine: forward fills the values in tape order, backward the gradients in the reverse order (sweeps.py).

A graph of numbers runs on Python's floats, where an edge passes down local × upstream. As soon as a value is a
tensor, everything runs on NumPy arrays, where an edge passes down the vector-Jacobian product of its op.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.errors import NotScalarError, UnknownCell, UsageError
from gradcli.graph import Graph, Node
from gradcli.sweeps import backward, pull_back
from gradcli.systems import System
from gradcli.systems.floats import FLOATS

if TYPE_CHECKING:
    from gradcli.derivatives import Hessian, Jacobian

Value = Any
"""A float, or a float64 array with at least one axis."""

TEXT = (str, bytes)


def forward(graph: Graph, values: Mapping[str, Value], *, copied: bool = True) -> Trace:
    """Evaluate every node.

    copied: arrays are copied, so that what becomes of the caller's changes no trace.
    Errors: UsageError for an input without a value, or a value without an input.
    """
    try:
        leaves = {index: values[name] for name, index in graph.inputs.items()}
    except KeyError:
        from gradcli.misnomers import valueless

        raise valueless(graph, values) from None
    if len(values) > len(leaves):
        from gradcli.misnomers import unasked

        raise unasked(graph, values)
    for name, index in graph.inputs.items():
        if leaves[index].__class__ is not float:
            leaves[index] = real(leaves[index], f"the value of '{name}'", copied)
    if not graph.tensorial and all(isinstance(leaf, float) for leaf in leaves.values()):
        return Trace(graph, graph.evaluate(FLOATS, leaves))
    return Trace(*_tensors().evaluated(graph, leaves))


def real(value: Any, what: str, copied: bool = True) -> Value:
    """A value as a double, or as an array of doubles. Text is no number, and an int may be too large for one.

    Errors: UsageError.
    """
    try:
        if isinstance(value, TEXT):
            raise TypeError
        if hasattr(value, "__len__") or hasattr(value, "ndim"):
            return _tensors().array(value, what, copied)
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{what} is no number: {value!r:.60}") from None
    except OverflowError:
        raise UsageError(f"{what} is larger than any double") from None


class Trace:
    """The forward values of a graph at one point, in tape order.

    m: the system they were computed in, floats or arrays.   shapes: of every node.
    """

    __slots__ = ("_shapes", "graph", "m", "values")

    def __init__(
        self, graph: Graph, values: list[Value], m: System = FLOATS, shapes: list[tuple[int, ...]] | None = None
    ) -> None:
        self.graph, self.values, self.m, self._shapes = graph, values, m, shapes

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of every node; () is a scalar."""
        if self._shapes is None:
            self._shapes = [()] * len(self.values)
        return self._shapes

    @property
    def tensorial(self) -> bool:
        """Whether the values are arrays, and not all plain numbers."""
        return self.m is not FLOATS

    @property
    def value(self) -> Value:
        """The output."""
        return _own(self.at(self.graph.output))

    def at(self, index: int) -> Value:
        """The forward value of a node by its position."""
        value = self.values[index]
        return float(value) if isinstance(value, float) else value

    def __getitem__(self, name: str) -> Value:
        """The forward value of a node by its name."""
        return _own(self.at(self.graph.position(name)))

    def __repr__(self) -> str:
        return f"Trace(value={_brief(self.value)}, {len(self.graph.shown)} nodes)"

    def _repr_html_(self) -> str:
        """The table, for a notebook; the forward values alone where the output has several entries."""
        try:
            return _table(self.backward())
        except NotScalarError as error:
            ways = "backward(upstream) weighs its entries, sum(…) adds them up"
            return _table(Gradients(self, [None] * len(self.values), None), f"{error.message} {ways}")

    def backward(self, upstream: Value | None = None, *, wrt: Collection[str] | None = None) -> Gradients:
        """The gradient of the output, times `upstream`, with respect to every node.

        upstream: a number, or an array of the output's shape: then each gradient is a vector-Jacobian product.
        wrt: the names whose gradients are wanted, so that others need not be computed; every variable unless given.
        Errors: NotScalarError for an output of several entries without an upstream gradient; ShapeError for one of
        another shape.
        """
        graph = self.graph
        if not self.tensorial and (upstream is None or isinstance(upstream, int | float)):
            start = 1.0 if upstream is None else float(upstream)
            return Gradients(self, backward(graph, self.values, FLOATS, start), start)
        start = _tensors().start_of(self, upstream)
        if not self.tensorial:
            return Gradients(self, backward(graph, self.values, FLOATS, float(start)), float(start))
        with self.m.quiet():
            adjoints, masks = pull_back(graph, self.values, self.m, start, None if wrt is None else graph.leading(wrt))
        return Gradients(self, adjoints, start, masks, wrt)

    def jvp(self, directions: Mapping[str, Value]) -> Value:
        """The derivative of the output along a direction, by forward mode: {variable: what it moves by}.

        Errors: UnknownCell; ShapeError.
        """
        from gradcli.derivatives import jvp

        return jvp(self, directions)

    def jacobian(self, *, wrt: Collection[str] | None = None) -> Jacobian:
        """∂output/∂variable, whole: name → an array of the output's shape followed by the variable's.

        Errors: UnknownCell; LimitError.
        """
        from gradcli.derivatives import jacobian

        return jacobian(self, wrt)

    def hessian(self, *, wrt: Collection[str] | None = None) -> Hessian:
        """∂²output/∂x∂y: name → name → an array of the shape of the one followed by that of the other.

        Errors: NotScalarError for an output of several entries; UnknownCell; LimitError.
        """
        from gradcli.derivatives import hessian

        return hessian(self, wrt)


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
    def whole(self) -> bool:
        """Whether the child's op works on whole tensors here, so that its local gradient is a Jacobian."""
        trace = self.gradients.trace
        if not trace.tensorial:
            return False
        op, shapes = trace.graph.ops[self.child], trace.shapes
        scalar = not shapes[self.child] and not any(shapes[p] for p in trace.graph.parents[self.child])
        inside = op.body is not None and op.body.tensorial
        return not scalar and (op.structural or inside or bool(op.reduces))

    @property
    def averaged(self) -> int | None:
        """Over how many entries or rows the child's op takes the mean; None where it takes none."""
        trace = self.gradients.trace
        op = trace.graph.ops[self.child]
        if op.averaged is None and not op.reduces:
            return None
        from gradcli.shapes import averaged

        return averaged(op, [trace.shapes[p] for p in trace.graph.parents[self.child]])

    @property
    def local(self) -> Any:
        """∂child/∂parent along this edge; 0 where the child's op selects another input.

        Of tensors, entry by entry: an array of the child's shape, the diagonal of the Jacobian. None for an op that
        works on whole tensors: see `jacobian`.
        """
        gradients = self.gradients
        values = gradients.trace.values
        graph = gradients.trace.graph
        if gradients.trace.tensorial:
            if self.whole:
                return None
            op = graph.ops[self.child]
            if op.structural or (op.body is not None and op.body.tensorial):
                return self._pulled(1.0)
            with gradients.trace.m.quiet():
                x = [values[p] for p in graph.parents[self.child]]
                return gradients.trace.m.local(op, self.k, values[self.child], x)
        rule = FLOATS.locals[graph.ops[self.child]][self.k]
        assert rule is not None  # noqa: S101 - an active edge has a rule
        local = rule(values[self.child], *[values[p] for p in graph.parents[self.child]])
        return 0.0 if local is None else float(local)

    def _pulled(self, g: Any) -> Any:
        """What an upstream gradient becomes along this edge."""
        trace = self.gradients.trace
        x = [trace.values[p] for p in trace.graph.parents[self.child]]
        mask = self.gradients.masks.get(self.child) if g is self.gradients.adjoints[self.child] else None
        with trace.m.quiet():
            passed = trace.m.pull(trace.graph.ops[self.child], self.k, g, mask, trace.values[self.child], x)
        return 0.0 if passed is None else passed[0]

    def jacobian(self) -> Any:
        """∂child/∂parent as a whole: an array of the child's shape followed by the parent's.

        Errors: LimitError for one of more than MOST_JACOBIAN entries.
        """
        from gradcli.systems.arrays import jacobian

        trace = self.gradients.trace
        return jacobian(self._pulled, trace.shapes[self.child], trace.shapes[self.parent])

    @property
    def chosen(self) -> bool:
        """Whether the child's op passes gradients to this input at this point, in some entry."""
        gradients = self.gradients
        if gradients.trace.tensorial:
            op = gradients.graph.ops[self.child]
            rule = op.selected(self.k)
            x = [gradients.trace.values[p] for p in gradients.graph.parents[self.child]]
            return rule is None or gradients.trace.m.some(rule(gradients.trace.m, *x))
        selected = gradients.trace.graph.ops[self.child].selected(self.k)
        values = gradients.trace.values
        return selected is None or bool(
            selected(FLOATS, *[values[p] for p in gradients.trace.graph.parents[self.child]])
        )

    @property
    def upstream(self) -> Any:
        """The child's global gradient."""
        return self.gradients.at(self.child)

    @property
    def downstream(self) -> Any:
        """local × upstream, or the vector-Jacobian product: what this edge passes to the parent, in its shape."""
        if self.gradients.trace.tensorial:
            g = self.gradients.adjoints[self.child]
            return self._pulled(self.upstream if g is None else g)
        return self.local * self.upstream if self.chosen else 0.0


class Gradients:
    """The gradients of the output with respect to every node, as a column in tape order.

    adjoints: None where no gradient arrives (a constant, a branch not taken, a node the output does not use).
    masks: position → which entries of its gradient are active, where not all are.
    wrt: the names whose gradients were worked out; None for every variable.
    """

    def __init__(
        self,
        trace: Trace,
        adjoints: list[Any],
        upstream: Any = 1.0,
        masks: Mapping[int, Any] | None = None,
        wrt: Collection[str] | None = None,
    ) -> None:
        self.trace, self.adjoints, self.upstream, self.masks, self.wrt = trace, adjoints, upstream, masks or {}, wrt

    @property
    def graph(self) -> Graph:
        """The graph they belong to."""
        return self.trace.graph

    def at(self, index: int) -> Value:
        """The global gradient of a node by its position; 0, in the node's shape, where none arrives."""
        g = self.adjoints[index]
        if self.trace.m is FLOATS:
            return g or 0.0
        if g is None:
            g = self.trace.m.zeros(self.trace.shapes[index])
        return float(g) if isinstance(g, float) else g

    def __getitem__(self, name: str | Node) -> Value:
        """The global gradient of a node by its name; 0 where none arrives. An array is the caller's own.

        Errors: UnknownCell for a name the graph does not have, or whose gradient `wrt` left out.
        """
        index = name.index if isinstance(name, Node) else self.graph.position(name)
        if self.wrt is not None and not self.graph.leading(self.wrt)[index]:
            listed = ", ".join(self.wrt) or "none"
            raise UnknownCell(
                f"the gradient of '{self.graph.names[index]}' was not worked out", hint=f"wrt named {listed}"
            )
        return _own(self.at(index))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> list[str]:
        """The variables, or the names that `wrt` gave, so that `dict(gradients)` is {name: gradient}."""
        return list(self.graph.inputs if self.wrt is None else dict.fromkeys(self.wrt))

    def items(self) -> list[tuple[str, Value]]:
        """(name, gradient) for each of them."""
        return [(name, _own(self.at(self.graph.position(name)))) for name in self.keys()]

    def active(self, child: int, k: int) -> bool:
        """Whether an edge has a gradient: its child is reached, and it can have one."""
        return self.adjoints[child] is not None and self.admits(child, k)

    def admits(self, child: int, k: int) -> bool:
        """Whether an edge can have a gradient: its parent depends on an input, and its op passes one.

        Labels have one where they are rows of weights, and none where they are class indices.
        """
        op, parents = self.graph.ops[child], self.graph.parents[child]
        if op.labels and k == len(parents) - 1:
            shapes = self.trace.shapes
            if shapes[parents[k]] != shapes[parents[0]]:
                return False
        return bool(self.graph.varied[parents[k]] and op.passes(k))

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
        return _table(self)

    def __repr__(self) -> str:
        inputs = [(name, self.graph.position(name)) for name in self.keys()]
        more = ", …" if len(inputs) > NAMED else ""
        return f"Gradients({', '.join(f'{name}={_brief(self.at(i))}' for name, i in inputs[:NAMED])}{more})"


NAMED, ENTRIES = 12, 16
"""Gradients, and entries of an array, that a repr writes."""


def _brief(value: Value) -> str:
    """A value in a repr: a large array by its shape."""
    if not isinstance(value, float) and value.size > ENTRIES:
        return f"<array of shape {value.shape}>"
    return repr(value if isinstance(value, float) else value.tolist())


def released(gradients: Gradients, wrt: Collection[str] | None = None) -> dict[str, Value]:
    """The gradients of all variables for a caller who keeps nothing else: copied only where two would be one array.

    wrt: the variables that are wanted; all unless given.
    """
    known = set(map(id, gradients.trace.values))
    inputs, given = gradients.graph.inputs, {}
    for name in inputs if wrt is None else wrt:
        g = gradients.at(inputs[name])
        shared = not isinstance(g, float) and (g.base is not None or not g.flags.writeable or id(g) in known)
        given[name] = g.copy() if shared else g
        known.add(id(g))
    return given


@cache
def _tensors() -> Any:
    """The engine's part for arrays: loaded with the first of them, and once, as a loop would wait for each import."""
    from gradcli import tensors

    return tensors


def _own(value: Value) -> Value:
    """A value that may be written to, and shares nothing with another."""
    return value if isinstance(value, float) else value.copy()


def _table(gradients: Gradients, *warnings: str) -> str:
    """The table as HTML."""
    from gradcli.render import html
    from gradcli.render.figures import Style
    from gradcli.report import build

    return html.render(build(gradients, warnings=warnings), Style())


def gradient_graph(graph: Graph, name: str) -> Graph:
    """The derivative of the output with respect to an input, as a graph over the same inputs.

    Errors: UsageError for a graph of tensors: its gradient depends on their shapes.
    """
    from gradcli.systems.tracing import Tracing

    if graph.tensorial:
        hint = "forward(…).backward() gives its numbers, forward(…).hessian() the second derivatives"
        raise UsageError("only a graph of scalars has its gradient as a graph", hint=hint)

    tracing = Tracing(graph.inputs)
    leaves = {index: tracing.leaf(name) for name, index in graph.inputs.items()}
    adjoints = backward(graph, graph.evaluate(tracing, leaves), tracing, 1.0)
    return tracing.graph(adjoints[graph.position(name)])
