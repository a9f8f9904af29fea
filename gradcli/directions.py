"""Passes over a graph along many directions: forward over dual numbers, backward from each entry of the output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.autodiff import Trace
from gradcli.places import size
from gradcli.sweeps import backward, pull_back

if TYPE_CHECKING:
    from gradcli.systems.duals import Duals

MEMORY = 1 << 25
"""Doubles that the tangents of one pass may take; more directions are taken in several passes."""


# ── forward ─────────────────────────────────────────────────────────────────────────────────────────────────


def pushed(trace: Trace, seeds: Mapping[int, Any]) -> Any:
    """The tangents of the output along every direction; None where it depends on none.

    seeds: the position of an input → its tangents.   Shapes: (n, *shape) → (n, *output).
    """
    from gradcli.systems.duals import Dual

    values = _evaluated(trace, seeds)[1]
    output = values[trace.graph.output]
    return output.t if output.__class__ is Dual else None


def by_columns(trace: Trace, places: Mapping[str, int]) -> dict[str, Any]:
    """The Jacobian of each input, by forward mode along all their entries."""
    import numpy as np

    shapes, out = trace.shapes, trace.shapes[trace.graph.output]
    count = sum(size(shapes[place]) for place in places.values())
    whole = np.zeros((count, *out))
    for section in sections(trace, count):
        moved = pushed(trace, seeded(trace, list(places.values()), section))
        if moved is not None:
            whole[section] = moved
    found, start = {}, 0
    for name, place in places.items():
        shape = shapes[place]
        part = np.moveaxis(whole[start : start + size(shape)], 0, -1).reshape((*out, *shape))
        found[name] = np.ascontiguousarray(part)[()]
        start += size(shape)
    return found


def sections(trace: Trace, count: int) -> Iterator[slice]:
    """The directions, in as many parts as the memory for their tangents needs."""
    entries = sum(map(size, trace.shapes))
    step = max(1, MEMORY // (3 * entries))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def seeded(trace: Trace, places: Sequence[int], section: slice) -> dict[int, Any]:
    """The tangents of inputs along some of their entries, counted through all of them."""
    import numpy as np

    seeds, start, count = {}, 0, section.stop - section.start
    for place in places:
        shape = trace.shapes[place]
        low, high = max(section.start, start), min(section.stop, start + size(shape))
        if low < high:
            seed = np.zeros((count, size(shape)))
            seed[np.arange(low, high) - section.start, np.arange(low, high) - start] = 1.0
            seeds[place] = seed.reshape(count, *shape)
        start += size(shape)
    return seeds


def _evaluated(trace: Trace, seeds: Mapping[int, Any]) -> tuple[Duals, list[Any]]:
    """Every node over duals. Where plain floats raise an exception, over arrays, which never do."""
    from gradcli.systems.duals import NUMBERS
    from gradcli.systems.tensor_duals import TENSORS

    with TENSORS.inner.quiet():
        if not trace.tensorial:
            try:
                return NUMBERS, _values(trace, seeds, NUMBERS)
            except (ArithmeticError, ValueError):
                pass
        return TENSORS, _values(trace, seeds, TENSORS)


def _values(trace: Trace, seeds: Mapping[int, Any], m: Duals) -> list[Any]:
    from gradcli.systems.duals import Dual

    leaves = {}
    for place in trace.graph.inputs.values():
        value = m.leaf(trace.values[place])
        leaves[place] = Dual(m, value, seeds[place]) if place in seeds else value
    return trace.graph.evaluate(m, leaves)


# ── backward ────────────────────────────────────────────────────────────────────────────────────────────────


def pulled(trace: Trace, upstream: Any, places: Sequence[int], mask: Any = None) -> dict[int, Any]:
    """The gradients of some nodes, from an upstream gradient: vector-Jacobian products, each in its node's shape.

    mask: which entries of `upstream` are active; all unless given.
    """
    graph = trace.graph
    if not trace.tensorial:
        adjoints = backward(graph, trace.values, trace.m, float(upstream))
        return {place: adjoints[place] or 0.0 for place in places}
    with trace.m.quiet():
        adjoints, _ = pull_back(graph, trace.values, trace.m, upstream[()], reached(trace, places), mask)
    return {
        place: trace.m.zeros(trace.shapes[place]) if adjoints[place] is None else adjoints[place] for place in places
    }


def reached(trace: Trace, places: Sequence[int]) -> bytearray:
    """1 for a node that depends on one of these places, through edges that can have a gradient."""
    return trace.graph.leading([trace.graph.names[place] for place in places])


def by_rows(trace: Trace, places: Mapping[str, int]) -> dict[str, Any]:
    """The Jacobian of each node, by reverse mode from each entry of the output.

    Where an infinite local gradient met a 0 of the upstream, it is done again with that 0 as inactive: an entry of the
    output that a row is not about must not make it nan.
    """
    import numpy as np

    out = trace.shapes[trace.graph.output]
    rows = size(out)
    found = {name: np.empty((rows, *trace.shapes[place])) for name, place in places.items()}
    for row in range(rows):
        g = np.zeros(rows)
        g[row] = 1.0
        g = g.reshape(out)
        gradients = pulled(trace, g, list(places.values()))
        if not all(map(np.all, map(np.isfinite, gradients.values()))) and rows > 1:
            gradients = pulled(trace, g, list(places.values()), g != 0)
        for name, place in places.items():
            found[name][row] = gradients[place]
    return {name: block.reshape((*out, *trace.shapes[places[name]]))[()] for name, block in found.items()}


# ── forward over reverse ────────────────────────────────────────────────────────────────────────────────────


def fill_rows(trace: Trace, places: Sequence[int], matrix: Any) -> None:
    """Fill a Hessian: row i holds the gradient's derivative along the i-th entry of these inputs.

    Where something is not finite, each input is taken by itself, so that 0·inf spoils no entry of the others.
    """
    import numpy as np

    for section in sections(trace, len(matrix)):
        _fill(trace, places, matrix, section)
    if not np.isfinite(matrix).all():
        matrix[:] = 0.0
        start = 0
        for place in places:
            end = start + size(trace.shapes[place])
            _fill(trace, places, matrix, slice(start, end))
            start = end


def _fill(trace: Trace, places: Sequence[int], matrix: Any, section: slice) -> None:
    from gradcli.systems.duals import Dual

    start = 0
    seeds = seeded(trace, places, section)
    for place, adjoint in zip(places, _adjoints(trace, places, seeds), strict=True):
        end = start + size(trace.shapes[place])
        if adjoint.__class__ is Dual:
            matrix[section, start:end] = adjoint.t.reshape(-1, end - start)
        start = end


def _adjoints(trace: Trace, places: Sequence[int], seeds: Mapping[int, Any]) -> list[Any]:
    """The gradient over duals, for each of these inputs."""
    from gradcli.systems.duals import NUMBERS
    from gradcli.systems.tensor_duals import TENSORS

    graph = trace.graph
    m, values = _evaluated(trace, seeds)
    with TENSORS.inner.quiet():
        if m is NUMBERS:
            try:
                adjoints = backward(graph, values, m, 1.0)
                return [adjoints[place] for place in places]
            except (ArithmeticError, ValueError):
                values = _values(trace, seeds, TENSORS)
        start = TENSORS.inner.zeros(trace.shapes[graph.output]) + 1.0
        adjoints, _ = pull_back(graph, values, TENSORS, start, reached(trace, places))
    return [adjoints[place] for place in places]
