"""Cells: one address for every number of the table, the same in every command, file and format.

value               the output                     value.q       a node's forward value
grad.q              ∂output/∂q                     dx, df/dx, ∂f/∂x, and an input's bare name: grad.x
local.q.x           ∂q/∂x along the edge x → q     local.q.x#2   a second edge between the same two
down.q.x            local × upstream               n1, n2, …     unnamed nodes, as shown
grad.(w0*x0)        a node as it is written        grad_x        "_" for "." where a name is needed
grad.W[0,1]         an entry of a tensor           x[-1], value.q[1:3]     from the end, a slice
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gradcli.autodiff import Edge, Gradients, Trace, Value
from gradcli.graph import Graph
from gradcli.notation import NOWHERE, Here
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.places import size, some
from gradcli.systems.floats import FLOATS

SMALL = 64
"""Entries of a Jacobian that is shown as a local gradient; of a larger one, its rule."""


class Cell(NamedTuple):
    """A number of the table: its canonical address, its value, and its kind: value, grad, local or down.

    occurrences: the names of the nodes whose gradients it adds up, where a text occurs more than once.
    nodes: the tape positions it is read at, the child of an edge.   k: which input of the child the edge is.
    key: the entries of it that are meant; () is all.
    """

    address: str
    value: Value
    kind: str
    occurrences: tuple[str, ...] = ()
    nodes: tuple[int, ...] = ()
    k: int = 0
    key: tuple[Any, ...] = ()


def resolve(address: str, gradients: Gradients) -> Cell:
    """The cell that an address names.

    `value` alone is always the output; the gradient of a variable of that name is `grad.value`.
    Errors: UnknownCell, with what was meant or what there is as a hint.
    """
    from gradcli.addresses import Reader

    return Reader(address.strip(), gradients).read()


def list_cells(gradients: Gradients, wrt: Sequence[str] | None = None) -> Iterator[Cell]:
    """All cells in canonical order: the output, the inputs' gradients, the nodes between, the edges.

    wrt: the names whose gradients come first; every input unless given. Edges that leave an input that is not
    among them are left out, and so are local gradients that are large Jacobians.
    """
    graph, values = gradients.graph, gradients.trace.values
    yield Cell("value", gradients.trace.value, "value", (), (graph.output,))
    asked = tuple(graph.inputs) if wrt is None else tuple(wrt)
    for name in asked:
        yield Cell(f"grad.{name}", gradients[name], "grad", (), (graph.position(name),))
    names, listed = graph.names, {graph.position(name) for name in asked}
    for i, op in enumerate(graph.ops):
        if op is not CONSTANT and op is not INPUT and i != graph.output:
            yield Cell(f"value.{names[i]}", values[i], "value", (), (i,))
            gradient = gradient_of(gradients, i)
            if gradient is not None and i not in listed:
                yield Cell(f"grad.{names[i]}", gradient, "grad", (), (i,))
    left_out = frozenset(graph.inputs.values()) - listed
    for edge in gradients.edges():
        if edge.parent in left_out:
            continue
        place = edge_name(graph, edge.child, edge.k)
        local, down = carried(edge)
        if local is not None:
            yield Cell(f"local.{place}", local, "local", (), (edge.child,), edge.k)
        yield Cell(f"down.{place}", down, "down", (), (edge.child,), edge.k)


def gradient_of(gradients: Gradients, index: int) -> Value | None:
    """∂output/∂node: 0 where the output does not use it; None (not computed) where no input is behind it."""
    arrived = gradients.adjoints[index]
    if arrived is not None:
        return arrived
    graph = gradients.graph
    return gradients.at(index) if graph.varied[index] or not graph.used[index] else None


def carried(edge: Edge) -> tuple[Value, Value]:
    """The local and the downstream gradient of an edge; 0 and 0 where its child selects another input.

    Of an op on whole tensors, the local gradient is the Jacobian while that is small, and None where it is not.
    """
    if edge.gradients.trace.m is not FLOATS:
        return local_of(edge, kind_of(edge)), edge.downstream
    local = edge.local
    return local, local * edge.upstream if local else edge.downstream


def kind_of(edge: Edge) -> str:
    """What the local gradient of an edge is: a number, the diagonal of a Jacobian, a Jacobian, or a rule alone."""
    trace = edge.gradients.trace
    if not trace.tensorial:
        return "number"
    child, parent = trace.shapes[edge.child], trace.shapes[edge.parent]
    if edge.whole:
        return "jacobian" if size(child) * size(parent) <= SMALL else "rule"
    return "diagonal" if child else "number"


def here(edge: Edge) -> Here:
    """What the rule of an edge depends on at its point."""
    trace = edge.gradients.trace
    if not trace.tensorial:
        return NOWHERE
    op, parents = trace.graph.ops[edge.child], trace.graph.parents[edge.child]
    return Here(edge.whole, edge.averaged, tuple([trace.shapes[p] for p in parents]), holds(op, trace, parents))


def holds(op: Op, trace: Trace, parents: Sequence[int]) -> bool:
    """Whether what the row of a node says of its backward pass is true of the node's inputs."""
    rule = op.predicate("holds")
    if rule is None or not trace.tensorial:
        return True
    with trace.m.quiet():
        truth = rule(trace.m, *[trace.values[p] for p in parents])
    return some(truth) == size(getattr(truth, "shape", ()))


def local_of(edge: Edge, kind: str) -> Value:
    """The local gradient of an edge: a number, an array; None where there is a rule alone."""
    return edge.jacobian() if kind == "jacobian" else None if kind == "rule" else edge.local


def edge_name(graph: Graph, child: int, k: int) -> str:
    """`q.x`, or `q.x#2` for the second edge between the same two."""
    parents = graph.parents[child]
    before = parents[:k].count(parents[k])
    return f"{graph.names[child]}.{graph.names[parents[k]]}" + (f"#{before + 1}" if before else "")


def identifier(address: str) -> str:
    """A cell's address where a name is needed: `grad_x`, `local_q_x_2`."""
    return address.replace(".", "_").replace("#", "_")
