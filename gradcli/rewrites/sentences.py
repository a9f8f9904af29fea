"""What is said of a rewrite: what became what, and what stays as it was, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from gradcli import notation
from gradcli.graph import Graph
from gradcli.ops.op import CONSTANT, Op

if TYPE_CHECKING:
    from gradcli.rewrites.agreement import Difference
    from gradcli.rewrites.expansion import Expansion
    from gradcli.rewrites.fusion import Fused, Point, Told
    from gradcli.rewrites.matching import Pattern

LONGEST = 100
"""Characters of a formula that a sentence shows."""


def of_fusion(written: Graph, tape: Fused, point: Point, graph: Graph, place: Mapping[int, int]) -> Iterator[str]:
    """What was fused, and what was not and why: one sentence a row of the table and reason."""

    def named(p: int) -> str:
        return graph.names[place[p]] if p in place else notation.text(written, p)

    def formula(i: int, given: Sequence[int]) -> str:
        names = {tape.classes[p]: named(p) for p in given if p not in tape.helpers}
        return _formula(written, i, lambda j: names.get(tape.classes[j], written.labels.get(j)))

    gains: dict[int, tuple[bool, bool]] = {}
    done: dict[tuple[Op, tuple[bool, bool]], list[int]] = {}
    kept: dict[object, list[tuple[int, Told]]] = {}
    for i, found in point.told.items():
        if i in tape.by:
            made = [told for told in found if told.verdict and not told.verdict.difference]
            within = [gains[p] for told in made for p in told.found.inner if p in gains]
            own = [(told.verdict.finite, told.verdict.digits) for told in made if told.verdict]
            gains[i] = tuple(map(any, zip(*own, *within, strict=True)))  # type: ignore[assignment] # two columns
            if i in place:
                done.setdefault((tape.ops[i], gains[i]), []).append(i)
            continue
        if i not in place:
            continue
        for told in found:  # the largest formula comes first
            if _telling(told):
                reason = told.verdict and told.verdict.difference and told.verdict.difference.input
                kept.setdefault((told.pattern.op, told.verdict is None, reason), []).append((i, told))
                break
    for (_, gain), nodes in done.items():
        i = nodes[0]
        told = [told for told in point.told[i] if told.verdict and not told.verdict.difference][-1]
        call = _call(told.pattern, [named(p) for p in told.found.inputs])
        yield f"fused: {formula(i, told.found.inputs)} → {call}{_more(len(nodes))}{_gain(*gain)}"
    for cases in kept.values():
        i, told = cases[0]
        given = told.found.inputs
        names = [named(p) for p in given]
        call, line = _call(told.pattern, names), formula(i, given)
        if told.verdict is None or told.verdict.difference is None:
            inner = next(written.labels[p] for p in sorted(told.found.inner) if p in written.labels)
            yield f"{line} stays as written{_more(len(cases))}, not {call}: {inner} has a name, so it keeps its row"
        else:
            difference = told.verdict.difference
            at = _at(difference, names, [written.ops[p] for p in given])
            yield f"{line}{at} stays as written{_more(len(cases))}: {_why(difference, names, call)}"
    if not point.told:
        yield "nothing to fuse: no formula here is a larger gate"


def of_expansion(made: Expansion) -> Iterator[str]:
    """What was written out, and what was not: one sentence a row of the table."""
    names = made.graph.names
    groups: dict[tuple[Op, bool], list[Any]] = {}
    for each in made.calls:
        groups.setdefault((each.op, each.difference is None), []).append(each)
    for (op, done), calls in sorted(groups.items(), key=lambda group: not group[0][1]):
        given = [names[p] for p in calls[0].given]
        call = notation.compose(op, [(name, notation.ATOM) for name in given])[0]
        if done:
            atoms = dict(zip(calls[0].given, given, strict=True))
            yield f"written out: {call} → {_formula(made.graph, calls[0].node, atoms.get)}{_more(len(calls))}"
        else:
            at = _at(calls[0].difference, given, [made.graph.ops[p] for p in calls[0].given])
            why = _why(calls[0].difference, given, "its definition")
            yield f"{call}{at} stays one gate{_more(len(calls))}: {why}"
    if not made.calls:
        yield "nothing to write out: every gate is a primitive"


def of_change(difference: Difference, size: str, graph: Graph) -> str:
    """That a rewrite as a whole is taken back, and why."""
    name = graph.names[graph.output]
    what = "the value" if difference.input is None else f"∂{name}/∂{list(graph.inputs)[difference.input]}"
    before, after = notation.number(difference.before), notation.number(difference.after)
    return f"all stays as written after all: with gates {size}, {what} would be {after}, not {before}"


def _telling(told: Told) -> bool:
    """Whether it is worth a sentence that a formula stays as it is: not where it is another function altogether."""
    difference = told.verdict and told.verdict.difference
    return not difference or (isfinite(difference.after) and bool(difference.at or difference.convention))


def _gain(finite: bool, digits: bool) -> str:
    """What a larger gate does better here."""
    if finite:
        return ", finite where the formula as written is not"
    return ", with digits that the formula as written loses here" if digits else ""


def _why(difference: Difference, names: Sequence[str], other: str) -> str:
    """How two forms of a formula differ."""
    which = "value" if difference.input is None else "gradient"
    whose = f" for {names[difference.input]}" if difference.input is not None and len(names) > 1 else ""
    convention = f" ({difference.convention})" if difference.convention else ""
    if not difference.at:
        return f"the {which}{whose} of {other} would differ{convention}"
    before, after = notation.number(difference.before), notation.number(difference.after)
    return f"its {which}{whose} there is {before}, that of {other} would be {after}{convention}"


def _call(pattern: Pattern, names: Sequence[str]) -> str:
    """What stands for a formula: sigmoid(n1), sigmoid(-n1)."""
    parts = [(name, notation.ATOM) for name in names]
    if pattern.helper is not None:
        op, which = pattern.helper
        parts = [notation.compose(op, [parts[k] for k in which])]
    return notation.compose(pattern.op, parts)[0]


def _at(difference: Difference, names: Sequence[str], ops: Sequence[Op]) -> str:
    """ " at x = 0", " where x = 0" in an entry of a tensor; nothing for an op on whole tensors."""
    told = dict.fromkeys(
        f"{name} = {notation.number(value)}"
        for name, value, op in zip(names, difference.at, ops, strict=False)
        if op is not CONSTANT
    )
    return f" {'where' if difference.entry else 'at'} {', '.join(told)}" if told else ""


def _formula(graph: Graph, index: int, atom: notation.Atom) -> str:
    """A formula down to the nodes that have names; cut where people would not read on."""
    text = notation.text(graph, index, atom)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _more(count: int) -> str:
    return f", and {count - 1:,} more like it" if count > 1 else ""
