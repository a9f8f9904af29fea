"""What is said of a rewrite: what became what, and what stays as it was, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli import notation
from gradcli.graph import Graph
from gradcli.ops.op import CONSTANT, Op

if TYPE_CHECKING:
    from gradcli.rewrites.agreement import Difference
    from gradcli.rewrites.expansion import Expansion
    from gradcli.rewrites.fusion import Fused, Point

LONGEST = 100
"""Characters of a formula that a sentence shows."""


def of_fusion(written: Graph, tape: Fused, point: Point, graph: Graph, place: Mapping[int, int]) -> Iterator[str]:
    """What was fused, and what was not: one sentence a row of the table."""
    done: dict[Op, list[int]] = {}
    for i in tape.by:
        if i in place:
            done.setdefault(tape.ops[i], []).append(i)
    for nodes in done.values():
        i = nodes[0]
        formula = _formula(written, i, {p: graph.names[place[p]] for p in tape.parents[i]})
        yield f"fused: {formula} → {notation.formula(graph, place[i])}{_more(len(nodes))}"
    kept: dict[tuple[Op, Any], list[int]] = {}
    for i, refused in point.refused.items():
        if i in place and i not in tape.by:
            kept.setdefault((refused.pattern.op, refused.difference.input), []).append(i)
    for nodes in kept.values():
        refused = point.refused[nodes[0]]
        given = refused.found.inputs
        names = [graph.names[place[p]] if p in place else _formula(written, p, {}) for p in given]
        at = _at(names, [point.values[p] for p in given], [written.ops[p] for p in given])
        formula = _formula(written, refused.node, dict(zip(given, names, strict=True)))
        call = _call(refused.pattern.op, names)
        yield f"{formula}{at} stays as written{_more(len(nodes))}: {_why(refused.difference, names, call)}"


def of_expansion(made: Expansion) -> Iterator[str]:
    """What was written out, and what was not: one sentence a row of the table."""
    names = made.graph.names
    groups: dict[tuple[Op, bool], list[Any]] = {}
    for each in made.calls:
        groups.setdefault((each.op, each.difference is None), []).append(each)
    for (op, done), calls in sorted(groups.items(), key=lambda group: not group[0][1]):
        given = [names[p] for p in calls[0].given]
        call = _call(op, given)
        if done:
            atoms = dict(zip(calls[0].given, given, strict=True))
            yield f"written out: {call} → {_formula(made.graph, calls[0].node, atoms)}{_more(len(calls))}"
        else:
            at = _at(given, [made.values[p] for p in calls[0].given], [made.graph.ops[p] for p in calls[0].given])
            why = _why(calls[0].difference, given, "its definition")
            yield f"{call}{at} stays one gate{_more(len(calls))}: {why}"


def _why(difference: Difference, names: Sequence[str], other: str) -> str:
    """How two forms of a formula differ."""
    which = "value" if difference.input is None else "gradient"
    whose = f" for {names[difference.input]}" if difference.input is not None and len(names) > 1 else ""
    convention = f" ({difference.convention})" if difference.convention else ""
    if not difference.scalar:
        return f"the {which}{whose} of {other} would differ in an entry{convention}"
    before, after = notation.number(difference.before), notation.number(difference.after)
    return f"its {which}{whose} there is {before}, that of {other} would be {after}{convention}"


def _call(op: Op, names: Iterable[str]) -> str:
    return notation.compose(op, [(name, notation.ATOM) for name in names])[0]


def _at(names: Sequence[str], values: Sequence[Any], ops: Sequence[Op]) -> str:
    """ " at x = 0"; nothing for tensors."""
    told = dict.fromkeys(
        f"{name} = {notation.number(value)}"
        for name, value, op in zip(names, values, ops, strict=True)
        if op is not CONSTANT and not getattr(value, "ndim", 0)
    )
    return f" at {', '.join(told)}" if told else ""


def _formula(graph: Graph, index: int | None, names: Mapping[int, str]) -> str:
    """A formula down to the nodes that have names; cut where people would not read on."""
    text = notation.text(graph, index, names.get)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _more(count: int) -> str:
    return f", and {count - 1:,} more like it" if count > 1 else ""
