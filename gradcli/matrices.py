"""What every renderer sees of a Jacobian or a Hessian: its panels, each a matrix with names at its rows and columns.

The remarks are those of the evaluation behind it (report.py), and what is to be said of second derivatives at kinks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Trace, Value
from gradcli.derivatives import MOST, Block, Hessian, Jacobian, hessian, jacobian
from gradcli.errors import LimitError
from gradcli.notes import at_kinks
from gradcli.ops.mismatch import shown
from gradcli.ops.op import Shape
from gradcli.places import in_bytes, place, size
from gradcli.report import Report, build

if TYPE_CHECKING:
    from gradcli.verify.verdicts import Verification

Kind = Literal["jacobian", "hessian"]

INDICES = "ijklmnop"

LISTED = 4
"""Nodes at a kink that are warned of."""

WORTH = 64
"""Entries from which on the memory of a diagonal block, and of the whole, is told."""


class Panel(NamedTuple):
    """A matrix of derivatives.

    above: what is differentiated, f of ∂f/∂x; of a second derivative the output.   below: the names under the fraction,
    in order.   row_shapes, column_shapes: (name, shape) of what its rows and columns run through.
    entries: a matrix; of a diagonal one the diagonal alone.
    """

    above: str
    below: tuple[str, ...]
    row_shapes: tuple[tuple[str, Shape], ...]
    column_shapes: tuple[tuple[str, Shape], ...]
    entries: Any
    structure: str
    second: bool = False

    @property
    def title(self) -> str:
        """`∂f/∂x`, `∂f/∂(x, y)`, `∂²f/∂x∂y`; `∂²f` of all variables together."""
        if not self.second:
            listed = ", ".join(self.below)
            return f"∂{self.above}/∂{listed}" if len(self.below) == 1 else f"∂{self.above}/∂({listed})"
        return f"∂²{self.above}" + (f"/∂{'∂'.join(self.below)}" if self.below else "")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return sum(size(s) for _, s in self.row_shapes), sum(size(s) for _, s in self.column_shapes)

    @property
    def rows(self) -> list[str]:
        """The name of each row."""
        return labels(self.row_shapes)

    @property
    def columns(self) -> list[str]:
        """The name of each column."""
        return labels(self.column_shapes)

    def numbers(self) -> Iterator[list[float]]:
        """The rows, one by one, with every entry.

        Errors: LimitError for a diagonal matrix that would have too many.
        """
        self.refuse_large()
        if self.structure != "diagonal":
            for row in self.entries:
                yield row.tolist()
            return
        count = len(self.entries)
        for i, entry in enumerate(self.entries.tolist()):
            yield [*[0.0] * i, entry, *[0.0] * (count - i - 1)]

    def refuse_large(self) -> None:
        """Refuse to write out a diagonal matrix that has too many entries.

        Errors: LimitError.
        """
        rows, columns = self.shape
        if rows * columns > MOST:
            raise LimitError(
                f"the whole matrix has {rows:,} × {columns:,} entries and takes {in_bytes(8 * rows * columns)}",
                hint="--format json has the diagonal alone",
            )

    @property
    def says(self) -> str:
        """What is to be said of its structure; empty for a dense one."""
        if self.structure == "diagonal":
            (above, shape), (below, _) = self.row_shapes[0], self.column_shapes[0]
            index = f"[{','.join(INDICES[: len(shape)])}]" if len(shape) <= len(INDICES) else "[…]"
            stored = ""
            rows, columns = self.shape
            if rows >= WORTH:
                stored = f": {in_bytes(8 * rows)} in place of {in_bytes(8 * rows * columns)}"
            return f"diagonal: {above}{index} depends on {below}{index} alone, only the diagonal is stored{stored}"
        if self.structure == "zero":
            return f"{self.above} does not depend on {', '.join(self.below)}: every entry is 0"
        return ""


class Matrices:
    """A Jacobian or a Hessian, ready to be shown.

    report: the evaluation behind it.   found: the result.
    """

    def __init__(self, kind: Kind, found: Jacobian | Hessian, report: Report) -> None:
        self.kind, self.found, self.report = kind, found, report
        self.verification: Verification | None = None

    @property
    def trace(self) -> Trace:
        """The forward pass."""
        return self.found.trace

    @property
    def value(self) -> Value:
        """The output."""
        return self.trace.value

    @property
    def output(self) -> str:
        """The output's name."""
        return self.report.output

    @property
    def names(self) -> list[str]:
        """The variables asked for."""
        return list(self.found)

    def shape_of(self, name: str) -> Shape:
        """The shape of a variable."""
        return self.trace.shapes[self.trace.graph.position(name)]

    @property
    def finite(self) -> bool:
        """Whether the output and every entry are finite numbers."""
        return self.found.finite and self.trace.m.finite(self.value)

    @cached_property
    def panels(self) -> list[Panel]:
        """A Jacobian's panels: one for all scalars together, one for each tensor. A Hessian's: one for everything."""
        if isinstance(self.found, Hessian):
            shapes = tuple(self.found.shapes.items())
            whole = Panel(self.output, (), shapes, shapes, self.found.matrix, "dense", second=True)
            return [whole] if shapes else []
        blocks = self.found.blocks
        scalars = [name for name, block in blocks.items() if not block.into]
        groups = [scalars] if scalars else []
        groups += [[name] for name, block in blocks.items() if block.into]
        return [self._panel(blocks, group) for group in sorted(groups, key=lambda group: list(blocks).index(group[0]))]

    def _panel(self, blocks: dict[str, Block], names: Sequence[str]) -> Panel:
        import numpy as np

        out = blocks[names[0]].out
        kinds = {blocks[name].structure for name in names}
        columns = tuple((name, blocks[name].into) for name in names)
        if kinds == {"diagonal"}:
            entries = np.ravel(blocks[names[0]].entries)
        elif kinds == {"zero"}:
            entries = np.broadcast_to(0.0, (size(out), sum(size(shape) for _, shape in columns)))
        else:
            entries = np.concatenate([np.reshape(blocks[name].whole(), (size(out), -1)) for name in names], axis=1)
        kind = kinds.pop() if len(kinds) == 1 else "dense"
        return Panel(self.output, tuple(names), ((self.output, out),), columns, entries, kind)

    @property
    def blocks(self) -> list[Panel]:
        """A Hessian block by block, ∂²f/∂x∂y for every two variables in order; the panels of a Jacobian."""
        found = self.found
        if not isinstance(found, Hessian):
            return self.panels
        names = list(found)
        return [
            Panel(
                self.output,
                (one, other),
                ((one, found.shapes[one]),),
                ((other, found.shapes[other]),),
                found.matrix[found.rows(one), found.rows(other)],
                "dense",
                second=True,
            )
            for i, one in enumerate(names)
            for other in names[i:]
        ]

    # ── what to say ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def shapes(self) -> str:
        """The shapes of the output and of the variables that are tensors: "f is (3,), W is (3,2)"."""
        pairs = [(self.output, self.trace.shapes[self.trace.graph.output])]
        pairs += [(name, self.shape_of(name)) for name in self.names]
        return ", ".join(f"{name} is {shown(shape)}" for name, shape in pairs if shape)

    @property
    def way(self) -> str:
        """How it was worked out."""
        if isinstance(self.found, Hessian):
            if not self.found.shapes:
                return ""
            symmetric = "symmetric: both halves, worked out apart, are equal" if self.found.symmetric else ""
            return symmetric if len(self.found.matrix) > 1 else ""
        rows, columns = size(self.trace.shapes[self.trace.graph.output]), 0
        for block in self.found.blocks.values():
            columns += size(block.into) if block.structure == "dense" else 0
        if not columns or rows * columns == 1:
            return ""
        if self.found.mode == "forward" and columns == 1:
            return "forward mode: one pass along one direction"
        if self.found.mode == "reverse" and rows == 1:
            return "reverse mode: one backward pass"
        if self.found.mode == "forward":
            return f"forward mode: {_some(columns, 'direction')}, one for each entry of the variables"
        return f"reverse mode: {_some(rows, 'backward pass')}, one for each entry of {self.output}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know, with the conventions used at kinks."""
        verdict = self.verification
        return (*self.report.notes, *(verdict.notes(self._told) if verdict else ()))

    @cached_property
    def _told(self) -> set[int]:
        return {i for nodes in at_kinks(self.report.source).values() for i in nodes}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a second derivative at a kink may have missed, and a Hessian that is not symmetric."""
        proof = self.verification.proof if self.verification else None
        return (*self._second, *(proof.warnings if proof else ()))

    @cached_property
    def bent(self) -> tuple[str, ...]:
        """Of a Hessian, the nodes at a kink with finite slopes, a few of them, as `n1 = abs(x)`."""
        if not isinstance(self.found, Hessian):
            return ()
        graph, nodes = self.trace.graph, [i for i in sorted(self._told) if self._bends(i)]
        return tuple(f"{graph.names[i]} = {notation.formula(graph, i)}" for i in nodes[:LISTED])

    @cached_property
    def _second(self) -> tuple[str, ...]:
        said = [
            f"{node} is at a kink: its slope there counts as constant, and what its jump adds to second derivatives "
            "is missed"
            for node in self.bent
        ]
        if isinstance(self.found, Hessian) and not self.found.symmetric and self.found.finite:
            said.append("the matrix is not symmetric: at a kink the order of differentiation counts")
        return tuple(said)

    def _bends(self, i: int) -> bool:
        """Whether a node at a kink has finite slopes there; one with an infinite slope has no second derivative."""
        edges = (Edge(self.report.source, i, k) for k in range(len(self.trace.graph.parents[i])))
        finite = self.trace.m.finite
        return all(edge.local is None or finite(edge.local) for edge in edges if self.report.source.active(i, edge.k))

    @property
    def told(self) -> Report:
        """The report behind it with the verdicts on the matrices, as they are told."""
        verification = self.verification
        if verification is None:
            return self.report
        proof = verification.proof
        if proof is not None and proof.status == "partial" and not proof.derivatives:
            verification = verification._replace(proof=proof._replace(status="skipped"))
        return self.report.with_verification(verification)

    def with_verification(self, verification: Verification) -> Matrices:
        """The same with its verdicts."""
        matrices = copy(self)
        matrices.verification = verification
        return matrices


def build_matrices(trace: Trace, kind: Kind, wrt: Collection[str] | None = None) -> Matrices:
    """A Jacobian or a Hessian as renderers see it.

    wrt: the names that are wanted; every variable unless given.
    Errors: UnknownCell; LimitError; NotScalarError for the Hessian of several entries.
    """
    found = jacobian(trace, wrt) if kind == "jacobian" else hessian(trace, wrt)
    upstream = None
    if trace.shapes[trace.graph.output]:
        import numpy as np

        upstream = np.ones(trace.shapes[trace.graph.output])
    return Matrices(kind, found, build(trace.backward(upstream), wrt=wrt))


def labels(shapes: Sequence[tuple[str, Shape]]) -> list[str]:
    """The names of all entries: x[0], x[1], y."""
    import numpy as np

    return [place(name, index) for name, shape in shapes for index in np.ndindex(*shape)]


def _some(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"
