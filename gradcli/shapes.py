"""Shapes: inferred over the tape before anything runs, so that every mismatch is told in words and with its place.

A shape is a tuple of lengths; () is a scalar. Broadcasting is NumPy's, and `unbroadcast` is the one home of its
adjoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

from gradcli.errors import LimitError, ShapeError, Span
from gradcli.ops.mismatch import Mismatch, broadcast, shown
from gradcli.ops.op import CONSTANT, INPUT, Op, Shape

if TYPE_CHECKING:
    from gradcli.graph import Graph

__all__ = ["Mismatch", "ShapeError", "broadcast", "infer", "shape_of", "shown", "unbroadcast"]

MOST_ENTRIES, MOST_AXES = 100_000_000, 32
"""Entries and axes that one value may have."""

MOST_QUOTED = 20
"""Characters of an input that a hint quotes."""


def infer(graph: Graph, leaves: Mapping[int, Shape]) -> list[Shape]:
    """The shape of every node.

    leaves: tape position → shape, for each input.
    Errors: ShapeError.
    """
    key = tuple(leaves.values())
    known = graph.inferred.get(key)
    if known is not None:
        return known
    shapes: list[Shape] = [()] * len(graph)
    for i, literal in graph.numbers.items():
        shapes[i] = shape_of(literal.value)
    for i, shape in leaves.items():
        shapes[i] = shape
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if not parents or op is INPUT or op is CONSTANT:
            continue
        given = [shapes[p] for p in parents]
        if not any(given) and not op.structural and op.body is None:
            continue
        try:
            found = shapes[i] = result_shape(op, given)
        except Mismatch as wrong:
            whole = graph.spans[i][1] > graph.spans[i][0]
            raise ShapeError(
                _named(wrong.message, graph, parents),
                source=graph.source if whole else None,
                span=operator_span(graph, i) if whole else None,
                hint=_named(wrong.hint, graph, parents) or None,
            ) from None
        if len(found) > MOST_AXES or prod(found) > MOST_ENTRIES:
            refuse_large(graph, i, found)
    graph.inferred.clear()  # one set of shapes is what a graph is mostly run at
    graph.inferred[key] = shapes
    return shapes


def refuse_large(graph: Graph, index: int, shape: Shape) -> NoReturn:
    """A node that would have too many entries or axes.

    Errors: LimitError.
    """
    op = graph.ops[index]
    what = op.called or op.name if op.notation is None else op.notation.symbol
    many = (
        f"{len(shape)} axes; {MOST_AXES} are"
        if len(shape) > MOST_AXES
        else f"{prod(shape):,} entries; {MOST_ENTRIES:,} are"
    )
    raise LimitError(
        f"{'this list' if what == '[' else what} would have {many} the most",
        source=graph.source,
        span=operator_span(graph, index),
    )


def result_shape(op: Op, shapes: Sequence[Shape]) -> Shape:
    """The shape of an op's output.

    Errors: Mismatch.
    """
    if op.shape is not None:
        return tuple(op.shape(*shapes, **op.bound))
    if op.body is not None:
        try:
            inside: Shape = infer(op.body, dict(zip(op.body.inputs.values(), shapes, strict=True)))[op.body.output]
            return inside
        except ShapeError as error:
            raise Mismatch(f"in {op.name}: {error.message}", error.hint or "") from None
    if op.indexed and by_index(shapes):
        return ()
    symbol = op.notation.symbol if op.notation is not None else op.name
    if op.reduces:
        return _paired(op, shapes)
    return broadcast(*shapes, symbol=symbol)


def by_index(shapes: Sequence[Shape]) -> bool:
    """Whether labels are class indices, one for each row of what they are compared with."""
    return bool(shapes[0]) and shapes[1] == shapes[0][:-1]


def settled(graph: Graph, shapes: Sequence[Shape]) -> Graph:
    """The graph with the rows that a loss over rows means where its labels are class indices; mostly itself.

    shapes: of every node.
    """
    if not any(op.indexed or op.body is not None for op in graph.kinds):
        return graph
    from gradcli.gates import gate
    from gradcli.ops import TABLE

    ops = list(graph.ops)
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if not op.indexed and op.body is None:
            continue
        given = [shapes[p] for p in parents]
        if op.body is None:
            ops[i] = TABLE[op.indexed] if by_index(given) else op
        elif any(inner.indexed for inner in op.body.kinds):
            body = settled(op.body, infer(op.body, dict(zip(op.body.inputs.values(), given, strict=True))))
            ops[i] = op if body is op.body else gate(op.name, body, op.doc)
    return graph if ops == graph.ops else graph.with_ops(ops)


def averaged(op: Op, shapes: Sequence[Shape]) -> int | None:
    """Over how many entries, or rows of a batch, an op takes the mean; None where it takes none."""
    if op.averaged is not None:
        return int(op.averaged(*shapes, **op.bound))
    if op.reduces not in ("mean", "rows"):
        return None
    whole = broadcast(*shapes)
    return prod(whole if op.reduces == "mean" else whole[:-1])


def _paired(op: Op, shapes: Sequence[Shape]) -> Shape:
    """The shape of a loss over a batch: a scalar. What would compare every prediction with every target is refused."""
    try:
        whole = broadcast(*shapes)
    except Mismatch:
        whole = None
    same = len(set(shapes)) == 1
    if not same and (op.reduces == "rows" or whole not in shapes):
        a, b = op.parameters[:2]
        advice = f"{{1}} needs the shape of {{0}}, {shown(shapes[0])}"
        if op.indexed and shapes[0]:
            advice += f"; class indices are {shown(shapes[0][:-1])}"
        if shapes[0] == shapes[1][::-1] and len(shapes[0]) > 1:
            advice += ": {1}.T"
        elif sorted(shapes[0]) == sorted((*shapes[1], *[1] * (len(shapes[0]) - len(shapes[1])))):
            advice += f": reshape({{1}}, {', '.join(map(str, shapes[0]))})"
        raise Mismatch(f"{op.name} of {a} {shown(shapes[0])} and {b} {shown(shapes[1])}", advice)
    return ()


def _named(text: str, graph: Graph, parents: Sequence[int]) -> str:
    """A text with the inputs' own texts in the place of {0}, {1}; a long one is `the left one`, or the like."""
    for k, parent in enumerate(parents):
        start, end = graph.spans[parent]
        written = graph.names[parent] if graph.ops[parent] is INPUT else graph.source[start:end]
        if not written or len(written) > MOST_QUOTED or "\n" in written:
            written = ("the left one", "the right one")[k] if len(parents) == 2 else f"input {k + 1}"
        elif not re.fullmatch(r"\w+|\w*\([^()]*\)|\[[^\[\]]*\]", written):
            written = f"({written})"
        text = text.replace(f"{{{k}}}", written)
    return re.sub(r"(\S+), or \1(?=[?,])", r"\1", text)


def shape_of(value: Any) -> Shape:
    """The shape of a number, an array, or nested tuples of equal lengths.

    >>> shape_of(((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))
    (2, 3)
    """
    if hasattr(value, "shape"):
        return tuple(value.shape)
    lengths = []
    while isinstance(value, tuple):
        lengths.append(len(value))
        value = value[0]
    return tuple(lengths)


def unbroadcast(g: Any, shape: Shape) -> Any:
    """Sum an upstream gradient back to the shape of a broadcast input.

    >>> import numpy as np
    >>> unbroadcast(np.ones((2, 3)), (3,))
    array([2., 2., 2.])

    Shapes: g (…, *shape) → shape.
    Source: the adjoint of broadcasting is summation; NumPy's broadcasting rules.
    """
    extra = g.ndim - len(shape)
    if extra:
        g = g.sum(axis=0 if extra == 1 else tuple(range(extra)))
    if g.shape == shape:
        return g
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1 and g.shape[axis] != 1)
    return g.sum(axis=stretched, keepdims=True)


# ── where the operator stands ───────────────────────────────────────────────────────────────────────────────


WORD = re.compile(r"(\*\*|[<>=!]=|[-+*/@^<>×·⋅∙∗÷∕−≤≥≠])|([(\[])|([)\]])|(#[^\n]*)|(.)", re.DOTALL)


def operator_span(graph: Graph, index: int) -> Span:
    """The place of an operator's symbol in the text, or of the function's name; the node's whole text otherwise.

    It is looked for outside brackets: the last one of its kind where a chain is read from the left, else the first.
    """
    start, end = graph.spans[index]
    op = graph.ops[index]
    notation = op.notation
    word = re.compile(r"[^\W\d]\w*(?=\s*\()").match(graph.source, start, end)
    called = word.span() if word else (start, end)
    if notation is None or notation.fix != "infix":
        return called
    symbols = (notation.symbol, *notation.spellings)
    found, depth = [], 0
    for match in WORD.finditer(graph.source, start, end):
        depth += (match[2] is not None) - (match[3] is not None)
        if depth == 0 and match[1] in symbols and match.start() > start:
            found.append(match.span(1))
    if not found:
        return called
    return found[0] if notation.right else found[-1]
