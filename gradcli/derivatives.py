"""Whole matrices of derivatives: Jacobians of tensors, Hessians of scalars, and directional derivatives.

A Jacobian is worked out by reverse mode, one backward pass for each entry of the output, or by forward mode, along
all entries of the inputs at once: whichever has fewer. A Hessian is forward over reverse: a backward pass over dual
numbers, whose tangents are the gradient's derivatives along every direction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gradcli.autodiff import Trace, Value, real
from gradcli.directions import by_columns, by_rows, fill_rows, pulled, pushed
from gradcli.errors import LimitError, NotScalarError, UsageError
from gradcli.graph import Graph
from gradcli.ops.op import Op, Shape
from gradcli.places import in_bytes, size
from gradcli.shapes import ShapeError, shown

MOST = 4_000_000
"""Entries that the matrices may have together."""

CANCELLED = 1e-13
"""What rounding leaves of an entry whose terms cancel, relative to the output and the largest entry."""

SYMMETRIC = 1e-9
"""How far ∂²f/∂x∂y and ∂²f/∂y∂x may be apart by rounding, relative to the largest entries of their row and column."""


class Block(NamedTuple):
    """The derivative of a tensor with respect to another.

    out, into: their shapes.   structure: "dense"; "diagonal" where entry i of the one depends on entry i of the other
    alone, whatever the values; "zero" where it depends on none.
    entries: an array of the shape (*out, *into); of a diagonal block the diagonal alone, in the shape `out`.
    """

    entries: Any
    structure: str
    out: Shape
    into: Shape

    @property
    def bytes(self) -> int:
        """What the whole block takes as float64."""
        return 8 * size(self.out) * size(self.into)

    @property
    def finite(self) -> bool:
        """Whether every entry is a finite number."""
        import numpy as np

        return bool(np.isfinite(self.entries).all())

    def whole(self) -> Value:
        """The block with all its entries, in the shape (*out, *into).

        Errors: LimitError for a diagonal block that would have more than MOST.
        """
        import numpy as np

        if self.structure == "dense":
            return plain(self.entries)
        refuse_large(size(self.out), size(self.into))
        whole = np.zeros((size(self.out), size(self.into)))
        if self.structure == "diagonal":
            np.fill_diagonal(whole, np.ravel(self.entries))
        return plain(whole.reshape((*self.out, *self.into)))


class Jacobian(Mapping[str, Any]):
    """∂output/∂variable: name → an array of the output's shape followed by the variable's; a number of two numbers."""

    def __init__(self, trace: Trace, blocks: dict[str, Block], mode: str) -> None:
        self.trace, self.blocks, self.mode = trace, blocks, mode

    def __getitem__(self, name: str) -> Value:
        return self.blocks[name].whole()

    def __iter__(self) -> Iterator[str]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def finite(self) -> bool:
        """Whether every entry is a finite number."""
        return all(block.finite for block in self.blocks.values())

    def __repr__(self) -> str:
        parts = (
            f"{name}: {shown(block.out)} by {shown(block.into)}, {block.structure}"
            for name, block in self.blocks.items()
        )
        return f"Jacobian({'; '.join(parts)})"


class Hessian(Mapping[str, Mapping[str, Any]]):
    """∂²output/∂x∂y: hessian["x"]["y"] is an array of the shape of x followed by that of y; a number of two numbers.

    matrix: all of it, a row and a column for each entry of the variables, in their order.
    symmetric: whether ∂²f/∂x∂y and ∂²f/∂y∂x, which were worked out apart, are equal up to rounding.
    """

    def __init__(self, trace: Trace, shapes: dict[str, Shape], matrix: Any) -> None:
        import numpy as np

        self.trace, self.shapes = trace, shapes
        self.symmetric, self.matrix = symmetrised(matrix, float(np.max(trace.value)))

    def __getitem__(self, name: str) -> Mapping[str, Value]:
        rows = self.rows(name)
        return {
            other: plain(self.matrix[rows, self.rows(other)].reshape((*self.shapes[name], *shape)))
            for other, shape in self.shapes.items()
        }

    def rows(self, name: str) -> slice:
        """Where the entries of a variable stand in the matrix."""
        start = 0
        for other, shape in self.shapes.items():
            if other == name:
                return slice(start, start + size(shape))
            start += size(shape)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def finite(self) -> bool:
        """Whether every entry is a finite number."""
        import numpy as np

        return bool(np.isfinite(self.matrix).all())

    def __repr__(self) -> str:
        count = len(self.matrix)
        return f"Hessian({', '.join(self.shapes)}: {count} × {count}{', symmetric' if self.symmetric else ''})"


# ── what is worked out ──────────────────────────────────────────────────────────────────────────────────────


def jvp(trace: Trace, directions: Mapping[str, Value]) -> Value:
    """The derivative of the output along a direction, a Jacobian-vector product, by forward mode.

    directions: variable → what it moves by, in its shape; the others stay where they are.
    Errors: UnknownCell; ShapeError.
    """
    import numpy as np

    seeds: dict[int, Any] = {}
    for name, direction in directions.items():
        place = variable(trace.graph, name)
        given = np.asarray(real(direction, f"the direction of '{name}'"))
        if given.shape != trace.shapes[place]:
            raise ShapeError(f"the direction of {name} is {shown(given.shape)}, {name} is {shown(trace.shapes[place])}")
        seeds[place] = given[None]
    moved = pushed(trace, seeds)
    return plain(np.zeros(trace.shapes[trace.graph.output]) if moved is None else moved[0])


def jacobian(trace: Trace, wrt: Collection[str] | None = None) -> Jacobian:
    """∂output/∂variable for every variable, or for the nodes named.

    Errors: UnknownCell; LimitError for matrices of more than MOST entries together.
    """
    graph, shapes = trace.graph, trace.shapes
    out = shapes[graph.output]
    places = {name: graph.position(name) for name in (graph.inputs if wrt is None else dict.fromkeys(wrt))}
    structures = {name: structure(trace, place) for name, place in places.items()}
    dense = {name: place for name, place in places.items() if structures[name] == "dense"}
    columns = sum(size(shapes[place]) for place in dense.values())
    refuse_large(size(out), columns)
    found: dict[str, Any] = {}
    inputs = set(graph.inputs.values())
    fewer = columns < size(out) and all(place in inputs for place in dense.values())
    mode = "forward" if dense and fewer else "reverse"
    if mode == "forward":
        found = by_columns(trace, dense)
        if not all(map(trace.m.finite, found.values())):
            found = {}  # along all directions at once, 0·inf is nan also where nothing depends
    if dense and not found:
        mode = "reverse"
        found = by_rows(trace, dense)
    diagonal = [place for name, place in places.items() if structures[name] == "diagonal"]
    if diagonal:
        import numpy as np

        ones = pulled(trace, np.ones(out), diagonal)
        found |= {name: ones[place] for name, place in places.items() if place in ones}
    blocks = {name: Block(found.get(name, 0.0), structures[name], out, shapes[place]) for name, place in places.items()}
    return Jacobian(trace, blocks, mode)


def hessian(trace: Trace, wrt: Collection[str] | None = None) -> Hessian:
    """∂²output/∂x∂y for every two variables, or for those named.

    Errors: NotScalarError for an output of several entries; UnknownCell; LimitError.
    """
    import numpy as np

    graph, shapes = trace.graph, trace.shapes
    if size(shapes[graph.output]) != 1:
        raise not_scalar(trace)
    places = {name: variable(graph, name) for name in (graph.inputs if wrt is None else dict.fromkeys(wrt))}
    count = sum(size(shapes[place]) for place in places.values())
    refuse_large(count, count)
    matrix = np.zeros((count, count))
    fill_rows(trace, list(places.values()), matrix)
    return Hessian(trace, {name: shapes[place] for name, place in places.items()}, matrix)


def variable(graph: Graph, name: str) -> int:
    """The position of a variable.

    Errors: UnknownCell; UsageError for a node that is none.
    """
    place = graph.position(name)
    if name not in graph.inputs:
        raise UsageError(
            f"'{name}' is no variable: it is computed from others",
            hint=f"its variables: {', '.join(list(graph.inputs)[:8]) or 'none'}",
        )
    return place


def refuse_large(rows: int, columns: int) -> None:
    """Refuse a matrix of more than MOST entries.

    Errors: LimitError.
    """
    if rows * columns > MOST:
        raise LimitError(
            f"a matrix of {rows:,} × {columns:,} derivatives takes {in_bytes(8 * rows * columns)}: "
            f"{MOST:,} entries are the most",
            hint="--wrt names the variables that are wanted; gradcli eval works without the matrix",
        )


def not_scalar(trace: Trace) -> NotScalarError:
    """The error about the Hessian of an output of several entries, with the ways out."""
    graph = trace.graph
    start, end = graph.spans[graph.output]
    text = graph.source[start:end]
    brief = text if 0 < len(text) <= 40 and "\n" not in text else "…"
    first = ",".join("0" for _ in trace.shapes[graph.output])
    return NotScalarError(
        f"the output is no scalar but {shown(trace.shapes[graph.output])}: each entry has a Hessian of its own",
        source=graph.source if end > start else None,
        span=(start, end) if end > start else None,
        hint=f"sum({brief}) has one Hessian; so has one entry: ({brief})[{first}];\n"
        f'gradcli jacobian "{brief}" … prints the first derivatives',
    )


# ── structure ───────────────────────────────────────────────────────────────────────────────────────────────


def structure(trace: Trace, start: int) -> str:
    """How the output depends on a node, by the ops between them alone: "diagonal", "zero" or "dense"."""
    graph, shapes = trace.graph, trace.shapes
    shape = shapes[start]
    found = relations(graph, [start], [None if s == shape and shape else False for s in shapes])
    how = found[graph.output]
    return "zero" if how is None else "diagonal" if how else "dense"


def relations(graph: Graph, starts: Sequence[int], alike: Sequence[bool | None]) -> list[bool | None]:
    """How every node depends on the starts: None, not at all; True, entry by entry; False, in another way.

    alike: False for a node of another shape than the starts'.
    """
    found: list[bool | None] = [None] * len(graph)
    for start in starts:
        found[start] = alike[start] is not False
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if found[i] is not None or not parents:
            continue
        through = [found[p] for k, p in enumerate(parents) if found[p] is not None and op.passes(k)]
        if through:
            found[i] = alike[i] is not False and elementwise(op) and all(through)
    return found


def elementwise(op: Op) -> bool:
    """Whether each entry of an op's output is computed from the same entry of its inputs."""
    whole = op.structural or bool(op.reduces)
    inside = op.body is not None and (op.body.tensorial or any(inner.reduces for inner in op.body.kinds))
    return not whole and not inside


# ── small things ────────────────────────────────────────────────────────────────────────────────────────────


def plain(value: Any) -> Value:
    """An array as it is; one without axes as a float."""
    return value if getattr(value, "ndim", 0) else float(value)


def symmetrised(matrix: Any, output: float) -> tuple[bool, Any]:
    """Whether a matrix is symmetric up to rounding, and the mean of both halves where it is.

    output: the value that was differentiated: what rounding leaves of entries whose terms cancel is small beside it.
    """
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(matrix)
        rows = sizes.max(axis=1, initial=0.0)
        apart = np.abs(matrix - matrix.T)
        close = (apart <= SYMMETRIC * np.maximum(rows[:, None], rows)) | (matrix == matrix.T)
        cancelled = apart <= CANCELLED * (sizes.max(initial=0.0) + abs(output))
        mean = np.where(close & (matrix != matrix.T), matrix / 2 + matrix.T / 2, matrix)
    return bool((close | cancelled).all()), mean
