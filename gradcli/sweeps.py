"""The two loops of the backward pass: over numbers, and over tensors.

A gradient arrives at a node once for each edge that leaves it, and is summed: fan-out. An op that selects (max, where,
relu …) sends nothing to an input it does not choose, so that 0·nan never happens in a branch not taken; of a tensor,
to the entries it does not choose.
"""

from __future__ import annotations

from typing import Any

from gradcli.graph import Graph
from gradcli.ops.op import Op
from gradcli.systems import Argument, Constant, System


def backward(graph: Graph, values: list[Any], m: System, upstream: Any) -> list[Any]:
    """∂output/∂node for every node, by the chain rule; None for a node that no gradient reaches."""
    adjoints: list[Any] = [None] * len(values)
    adjoints[graph.output] = upstream
    varied, ops, tape = graph.varied, graph.ops, graph.parents
    known = {op: _rules(m, op, len(op.parameters)) for op in graph.kinds if not op.variadic}
    for i in range(graph.output, -1, -1):
        g, parents = adjoints[i], tape[i]
        if g is None or not parents:
            continue
        x: list[Any] | None = None
        for k, rule in known.get(ops[i]) or _rules(m, ops[i], len(parents)):
            p = parents[k]
            if not varied[p]:
                continue
            kind = rule.__class__
            if kind is Constant:
                local = rule
            elif kind is Argument:
                local = values[parents[rule - 1] if rule else i]
            else:
                if x is None:
                    x = [values[i], *[values[parent] for parent in parents]]
                local = rule(*x)
                if local is None:
                    continue
            arrived = adjoints[p]
            adjoints[p] = local * g if arrived is None else arrived + local * g
    return adjoints


def _rules(m: System, op: Op, count: int) -> list[tuple[int, Any]]:
    """The partials that an op has, each with the index of its input."""
    rules = m.locals[op]
    return [(k, rules[k]) for k in range(count) if rules[k] is not None]


def pull_back(
    graph: Graph, values: list[Any], m: Any, upstream: Any, reached: Any = None, mask: Any = None
) -> tuple[list[Any], dict[int, Any]]:
    """∂output/∂node for every node of a graph of tensors, and which of its entries are active, where not all are.

    reached: 1 for the nodes whose gradients are wanted; every node that depends on an input unless given.
    mask: which entries of `upstream` are active; all unless given.
    """
    adjoints: list[Any] = [None] * len(values)
    masks: dict[int, Any] = {} if mask is None else {graph.output: mask}
    adjoints[graph.output] = upstream
    wanted, ops, tape = graph.varied if reached is None else reached, graph.ops, graph.parents
    for i in range(graph.output, -1, -1):
        g, parents = adjoints[i], tape[i]
        if g is None or not parents or not wanted[i]:
            continue
        x = [values[p] for p in parents]
        for k, p in enumerate(parents):
            passed = m.pull(ops[i], k, g, masks.get(i), values[i], x) if wanted[p] else None
            if passed is None:
                continue
            down, mask = passed
            arrived = adjoints[p]
            if arrived is None:
                adjoints[p] = down
                if mask is not None:
                    masks[p] = mask
                continue
            adjoints[p] = arrived + down
            before = masks.pop(p, None)
            if before is not None and mask is not None:
                masks[p] = before | mask
    return adjoints, masks
