"""A formula run over tensors whose shapes are known, forward and backward, in lines of code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gradcli.autodiff import Value
from gradcli.errors import UsageError
from gradcli.export.exported import Exported
from gradcli.graph import Graph
from gradcli.ops.mismatch import shown
from gradcli.ops.op import Op, Shape
from gradcli.shapes import infer, settled, shape_of
from gradcli.sweeps import pull_back
from gradcli.systems.building import Guarded
from gradcli.systems.dialects.tensors import Tensors
from gradcli.systems.shaped.moves import axes_text
from gradcli.systems.shaped.system import Shaped
from gradcli.systems.source import Code

MOST = 20_000
"""Entries of an example that is written out."""


class Traced(NamedTuple):
    """Both passes in lines.

    graph: with the rows that a loss means here.   shapes: of its nodes.   values, adjoints: of its nodes.
    gradients: variable → its gradient, in its shape.
    """

    m: Shaped
    graph: Graph
    shapes: list[Shape]
    values: list[Any]
    adjoints: list[Any]
    gradients: dict[str, Code]

    @property
    def value(self) -> Code:
        """The output."""
        code: Code = self.m.number(self.m.element(self.values[self.graph.output]))
        return code


def whole(op: Op) -> bool:
    """Whether an op works on whole tensors, so that what it does depends on their shapes."""
    inside = op.body is not None and any(whole(inner) for inner in op.body.kinds)
    return op.structural or bool(op.reduces) or inside


def shapeless(graph: Graph) -> bool:
    """Whether a formula works entry by entry, on tensors of any shapes."""
    return not graph.tensorial and not any(map(whole, graph.kinds))


def shapes_of(exported: Exported, called: str) -> dict[str, Shape]:
    """The shape of each variable; none, as of numbers, for a formula that works entry by entry.

    Errors: UsageError where shapes decide what is written, and are not known.
    """
    if shapeless(exported.graph):
        return dict.fromkeys(exported.graph.inputs, ())
    require_values(exported, called)
    return {name: shape_of(exported.values[name]) for name in exported.graph.inputs}


def require_values(exported: Exported, called: str) -> None:
    """Shapes decide what is written.

    Errors: UsageError where they are not known.
    """
    if not exported.complete:
        missing = next(name for name in exported.graph.inputs if name not in exported.values)
        raise UsageError(
            f"what is written as {called} depends on the shapes of the variables, and they are not known",
            hint=f'give every variable a value of its shape, such as --{missing}="[[1,2],[3,4]]"',
        )


def traced(
    graph: Graph,
    shapes: Mapping[str, Shape],
    wrt: tuple[str, ...],
    tensors: Tensors,
    names: Mapping[str, str],
    dout: str = "",
) -> Traced:
    """A graph in lines.

    names: variable → how the code writes it.   dout: what the upstream gradient is called; 1 unless given.
    Errors: Unspelled; ShapeError.
    """
    places = graph.inputs
    inferred = infer(graph, {index: shapes[name] for name, index in places.items()})
    graph = settled(graph, inferred)
    leaves = [(names[name], shapes[name]) for name in places]
    out = inferred[graph.output]
    m = Shaped(tensors, [*leaves, (dout or f"np.ones({axes_text(out)})", out)])
    values = graph.evaluate(m, dict(zip(places.values(), m.leaves, strict=False)))
    reached = graph.leading(wrt) if wrt else bytearray(len(graph))
    upstream = m.leaves[-1] if dout or out else m.literal(1.0)
    adjoints, _ = pull_back(graph, values, m, upstream, reached)
    gradients = {name: m.spread(m.settled(adjoints[places[name]]), values[places[name]]) for name in wrt}
    return Traced(m, graph, inferred, values, adjoints, gradients)


def wishes_of(made: Traced) -> tuple[dict[int, tuple[str, str]], set[int]]:
    """What lines would like to be called, (name, what else), and which of them the user named."""
    graph, leaves = made.graph, set(made.graph.inputs.values())
    wishes: dict[int, tuple[str, str]] = {}
    kept: set[int] = set()
    for i, value in enumerate(made.values):
        if graph.used[i] and isinstance(value, Code) and value.value is None and i not in leaves:
            if i in graph.labels:
                kept.add(value.index)
            if i in graph.labels or value.index not in wishes:
                wishes[value.index] = graph.names[i], "n"
    for name, code in made.gradients.items():
        wishes.setdefault(code.index, (f"d_{name}", "d_x"))
    for i, g in enumerate(made.adjoints):
        code = g.value if isinstance(g, Guarded) else g
        if isinstance(code, Code):
            wishes.setdefault(code.index, (f"d_{graph.names[i]}", "d_n"))
    return wishes, kept


def indices(graph: Graph, shapes: Sequence[Shape]) -> set[str]:
    """The variables that are class indices: differences of such labels have no meaning."""
    found = set()
    places = {index: name for name, index in graph.inputs.items()}
    for op, parents in zip(graph.ops, graph.parents, strict=True):
        if op.labels and parents[-1] in places and shapes[parents[-1]] != shapes[parents[0]]:
            found.add(places[parents[-1]])
    return found


def shapes_text(shapes: Mapping[str, Shape]) -> str:
    """Shapes in words."""
    return ", ".join(f"{name} {shown(shape)}" for name, shape in shapes.items())


def entries(values: Mapping[str, Value]) -> int:
    """How many numbers these are."""
    from math import prod

    return sum(prod(shape_of(value)) for value in values.values())
