"""Tensors as a graph of single numbers, for sympy: its nodes are the scalar ops that the tensors unroll to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from gradcli.autodiff import Gradients, Trace
from gradcli.graph import Builder
from gradcli.notation import number
from gradcli.systems.balls import Balls, precision
from gradcli.systems.entries import ADD, MUL
from gradcli.systems.floats import FLOATS
from gradcli.systems.program import Apply, Program, Step, Total
from gradcli.verify.judge import MACHINE_BITS
from gradcli.verify.settling import RADII, nudged
from gradcli.verify.unrolled import Run, entry_name, unroll_graph


class Numbers(NamedTuple):
    """Gradients of tensors as those of a graph of numbers.

    asked: 1 for each input whose gradient counts.   rooms: node → how far rounding may move it, or its gradient.
    """

    gradients: Gradients
    asked: bytearray
    rooms: dict[int, float]


def numbers(gradients: Gradients, asked: Sequence[int]) -> Numbers:
    """Gradients of tensors as those of the graph of numbers that it unrolls to, with the engine's numbers.

    Several entries of the output become their sum, weighted by the upstream gradient. An input that no gradient
    reaches is a constant.
    asked: 1 for each node whose gradient counts.
    """
    graph, trace = gradients.graph, gradients.trace
    program, blocks = unroll_graph(graph, trace.shapes)
    builder, place, leaves = Builder(), [-1] * program.size, {}
    claims: dict[int, float] = {}
    rooms: dict[int, float] = {}
    bounds = roundings(gradients, program)
    for position, value in program.constants.items():
        place[position] = builder.constant(number(value), value)
    if program.pi is not None:
        place[program.pi] = builder.constant("pi", math.pi)
    for name, i in graph.inputs.items():
        g = gradients.adjoints[i]
        for index, position in np.ndenumerate(blocks[i]):
            value = float(np.asarray(trace.values[i])[index])
            if g is None:
                place[position] = builder.constant(number(value), value)
                continue
            node = place[position] = builder.input(entry_name(name, index))
            leaves[node] = value
            if asked[i]:
                rooms[node] = bounds[position]
                claims[node] = float(np.broadcast_to(g, blocks[i].shape)[index])
    for step in program.steps:
        for j, node in enumerate(_nodes(builder, step, place)):
            place[step.start + j] = node
    output, upstream = _weighted(builder, [place[p] for p in blocks[graph.output].ravel().tolist()], gradients.upstream)
    named = output not in leaves and output not in builder.constants.values()
    scalar = builder.finish(output, source="")
    if named:
        scalar.labels = {output: graph.names[graph.output]}
    values = scalar.evaluate(FLOATS, leaves)
    if upstream is not None and named:
        values[output] = float(np.ravel(trace.value)[0])
    adjoints: list[float | None] = [claims.get(i) for i in range(len(scalar))]
    found = bytearray(len(scalar))
    for node in claims:
        found[node] = 1
    whole = Gradients(Trace(scalar, values), adjoints, 1.0 if upstream is None else upstream)
    return Numbers(whole, found, rooms)


def roundings(gradients: Gradients, program: Program) -> list[float]:
    """How far rounding may move each gradient: by the radius of its ball at double precision."""
    leaves = [list(map(arb, np.ravel(gradients.trace.values[i]).tolist())) for i in gradients.graph.inputs.values()]
    with precision(MACHINE_BITS):
        run = Run(program, Balls(), lambda: None)
        run.forward([nudged(values) for values in leaves])
        seeds = list(map(arb, np.ravel(gradients.upstream).tolist()))
        adjoints = run.backward(seeds, program.moving([True] * len(leaves)))
        return [0.0 if g is None else float(RADII * g.rad()) if g.is_finite() else math.inf for g in adjoints]


def _weighted(builder: Builder, nodes: list[int], upstream: Any) -> tuple[int, float | None]:
    """The output of a graph of numbers and its upstream gradient; None where that is in the output already."""
    weights = np.ravel(upstream).tolist()
    if len(nodes) == 1:
        return nodes[0], float(weights[0])
    terms = [
        node if weight == 1 else builder.add(MUL, (builder.constant(number(weight), weight), node))
        for node, weight in zip(nodes, weights, strict=True)
        if weight
    ]
    return _chain(builder, terms or [builder.constant("0", 0.0)]), None


def _chain(builder: Builder, nodes: Sequence[int]) -> int:
    total = nodes[0]
    for node in nodes[1:]:
        total = builder.add(ADD, (total, node))
    return total


def _nodes(builder: Builder, step: Step, place: list[int]) -> list[int]:
    """The nodes of a step's results."""
    if isinstance(step, Apply):
        rows = zip(*[at.tolist() for at in step.inputs], strict=True)
        return [builder.add(step.op, tuple([place[p] for p in row])) for row in rows]
    if isinstance(step, Total):
        return [_chain(builder, [place[p] for p in row]) for row in step.rows.tolist()]
    columns = step.b.T.tolist()
    return [
        _chain(builder, [builder.add(MUL, (place[p], place[q])) for p, q in zip(row, column, strict=True)])
        for row in step.a.tolist()
        for column in columns
    ]
