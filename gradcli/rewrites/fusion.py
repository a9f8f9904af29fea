"""Fusion: formulas that are a row of the op table become that row, one gate each.

One pass over the tape, inputs first, so that what is fused can be part of a larger formula: a log of a softmax, and
that in a cross-entropy. At each node the largest formula wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from gradcli.autodiff import Trace
from gradcli.graph import Graph, Spans
from gradcli.ops.op import CONSTANT, INPUT, Op, Rule
from gradcli.rewrites.agreement import Agreement, Side, agreement, single
from gradcli.rewrites.matching import Match, Pattern, Tape, matched
from gradcli.rewrites.patterns import known

Key = tuple[Rule, Rule | None]
"""What patterns are filed by: the root's rule, and that of an op among its inputs, if they have one."""

ROUNDS = 4
"""Times that what stands at one node may become part of another formula at the same node."""


class Judge:
    """Whether a formula at a node may be replaced: always, as long as no values are known."""

    def allows(self, i: int, pattern: Pattern, found: Match) -> bool:
        """Whether the formula that ends at this node may be replaced."""
        return True

    def named(self, i: int, pattern: Pattern, found: Match) -> None:
        """A formula is not replaced, since the user has named a part of it."""

    def passed(self, i: int, op: Op, parents: tuple[int, ...]) -> None:
        """A node is settled; the nodes come in tape order."""


class Told(NamedTuple):
    """A formula that was found, and whether the row does the same; None where a name in it keeps it as written."""

    pattern: Pattern
    found: Match
    verdict: Agreement | None


class Point(Judge):
    """The values of a graph: a formula is replaced where the row has the same value and the same gradients."""

    def __init__(self, trace: Trace) -> None:
        self.graph, self.m = trace.graph, trace.m
        self.values = list(trace.values)
        self.changed: set[int] = set()
        self.told: dict[int, list[Told]] = {}
        self.singles: dict[Pattern, tuple[Side, Side]] = {}

    def allows(self, i: int, pattern: Pattern, found: Match) -> bool:
        """Whether the row does what the formula does, for the values of its inputs."""
        sides = self.singles.get(pattern)
        if sides is None:
            written = Side(pattern.graph, pattern.inputs + pattern.numbers)
            sides = self.singles[pattern] = (
                written,
                single(pattern.op, len(pattern.inputs), len(pattern.numbers), pattern.helper),
            )
        given = found.inputs + found.numbers
        x = [self.values[p] for p in given]
        verdict = agreement(*sides, x, [self.graph.varied[p] for p in given], mends=True)
        self.told.setdefault(i, []).append(Told(pattern, found, verdict))
        return verdict.difference is None

    def named(self, i: int, pattern: Pattern, found: Match) -> None:
        """A formula is not replaced, since the user has named a part of it."""
        self.told.setdefault(i, []).append(Told(pattern, found, None))

    def passed(self, i: int, op: Op, parents: tuple[int, ...]) -> None:
        """Work out a value again where a larger gate has mended what it is made of."""
        if op is self.graph.ops[i] and (not self.changed or self.changed.isdisjoint(parents)):
            return
        self.values[i] = self.m.functions[op](*[self.values[p] for p in parents])
        self.changed.add(i)


class Fused(NamedTuple):
    """A tape after fusion, at the same positions; what is no longer needed is still there.

    by: position → the formula that was replaced there.   classes: of every node; equal ones are the same function.
    helpers: positions whose node is a new one, that the text does not show.
    """

    ops: list[Op]
    parents: list[tuple[int, ...]]
    by: dict[int, Pattern]
    classes: Sequence[int]
    helpers: set[int]


def fuse(graph: Graph, patterns: Shelf, judge: Judge, *, but: int | None = None) -> Fused:
    """Replace what matches and may be replaced.

    but: a position where nothing is replaced.
    """
    ops, parents = list(graph.ops), list(graph.parents)
    before, after = (Tape(graph.ops, graph.parents, graph.numbers), Tape(ops, parents, graph.numbers))
    classes = _classes(graph)
    named = graph.labels.keys() | {graph.output}

    def alike(a: int, b: int) -> bool:
        return classes[a] == classes[b]

    uses = [0] * len(ops)
    for each in parents:
        for p in each:
            uses[p] += 1
    helpers: set[int] = set()
    by: dict[int, Pattern] = {}
    gates: dict[Op, list[Pattern]] = {}
    for i in range(len(ops)):
        if not parents[i] or i == but:
            continue
        for _ in range(ROUNDS):
            if ops[i].body is not None and ops[i] not in gates:
                gates[ops[i]] = _of_gate(ops[i], patterns)
            whole = ((after, pattern) for pattern in gates.get(ops[i], ()))
            for tape, pattern in chain(whole, _candidates(patterns, before, after, i)):
                found = matched(pattern, tape, i, alike)
                if found is None or (tape is before and not helpers.isdisjoint(found.inputs)):
                    continue
                if not found.inner.isdisjoint(named):
                    judge.named(i, pattern, found)
                    continue
                given, spare = found.inputs, max(found.inner, default=0)
                if pattern.helper is not None:
                    if uses[spare] > 1 or spare < max(given):
                        continue
                    given = (spare,)
                if judge.allows(i, pattern, found):
                    if pattern.helper is not None:  # it takes the place of a node that is no longer needed
                        helper, which = pattern.helper
                        ops[spare], parents[spare] = helper, tuple(found.inputs[k] for k in which)
                        helpers.add(spare)
                        classes[spare] = ~spare  # like no other
                        judge.passed(spare, ops[spare], parents[spare])
                    ops[i], parents[i], by[i] = pattern.op, given, pattern
                    break
            else:
                break
        judge.passed(i, ops[i], parents[i])
    return Fused(ops, parents, by, classes, helpers)


def _candidates(patterns: Shelf, before: Tape, after: Tape, i: int) -> Iterator[tuple[Tape, Pattern]]:
    """The formulas that may stand at a node, in the tape as it is now and as it was written, the largest first."""
    found = [(pattern, after) for pattern in patterns.at(after, i)]
    if after.ops[i] is before.ops[i]:
        found += [(pattern, before) for pattern in patterns.at(before, i)]
    found.sort(key=lambda pair: -pair[0].size)
    return ((tape, pattern) for pattern, tape in found)


def _of_gate(op: Op, patterns: Shelf) -> list[Pattern]:
    """A gate of the user's as a formula, if its body is one as a whole: sig(u) = 1/(1+exp(-u))."""
    body: Graph = op.body
    fused = fuse(body, patterns, Judge())
    inner, parameters = fused.by.get(body.output), list(body.inputs.values())
    given = fused.parents[body.output]
    if inner is None or sorted(given) != sorted(parameters):
        return []
    call = single(op, len(parameters))
    return [Pattern(inner.op, call.graph, tuple(call.inputs[parameters.index(p)] for p in given), (), len(body))]


class Shelf:
    """Formulas, filed by their last op and one of those before it, so that a node is compared with few."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self.filed: dict[Key, list[Pattern]] = {}
        for pattern in self.patterns:
            formula = pattern.graph
            first = (formula.ops[p] for p in formula.parents[formula.output])
            anchor = next((op.definition for op in first if op is not INPUT and op is not CONSTANT), None)
            self.filed.setdefault((formula.ops[formula.output].definition, anchor), []).append(pattern)
        self.roots = {root for root, _ in self.filed}

    def at(self, tape: Tape, i: int) -> Iterator[Pattern]:
        """The formulas whose last ops are those of this node."""
        root = tape.ops[i].definition
        if root in self.roots:
            parents = tape.parents[i]
            for anchor in dict.fromkeys([None, *(tape.ops[p].definition for p in parents[:MOST])]):
                yield from self.filed.get((root, anchor), ())


MOST = 8
"""Inputs of a node among which a formula's op is looked for; formulas have two or three."""


LOSSES = "losses"
"""A group whose formulas depend on the shapes, so that they are no parts of larger ones before shapes are known."""


@cache
def shelf() -> Shelf:
    """Every formula that fusion replaces: as it is written, and with its own parts fused."""
    smallest_first = [pattern for pattern in reversed(known()) if pattern.fused]
    done: list[Pattern] = []
    for pattern in smallest_first:
        formula = pattern.graph
        parts = Shelf(each for each in done if each.op.group != LOSSES)
        fused = fuse(formula, parts, Judge(), but=formula.output)
        done.append(pattern)
        if fused.by:
            whole, place = compacted(formula, fused)
            done.append(
                pattern._replace(
                    graph=whole,
                    inputs=tuple(place[p] for p in pattern.inputs),
                    numbers=tuple(place[p] for p in pattern.numbers),
                )
            )
    return Shelf(sorted(done, key=lambda pattern: -pattern.size))


def compacted(graph: Graph, fused: Fused) -> tuple[Graph, dict[int, int]]:
    """The graph without the nodes that fusion has made needless, and where each of the others has gone.

    What the user named stays, and so do the variables.
    """
    ops, parents = fused.ops, fused.parents
    kept = bytearray(len(ops))
    used = bytearray(len(ops))
    for each in graph.parents:
        for p in each:
            used[p] = 1
    for i in range(len(ops) - 1, -1, -1):
        if kept[i] or i == graph.output or i in graph.labels or ops[i] is INPUT or not used[i]:
            kept[i] = 1
            for p in parents[i]:
                kept[p] = 1
    place: dict[int, int] = {}
    spans = Spans()
    for i, stays in enumerate(kept):
        if stays:
            place[i] = len(place)
            if len(graph.spans):
                spans.places.extend((0, 0) if i in fused.helpers else graph.spans[i])
    return (
        Graph(
            ops=[ops[i] for i in place],
            parents=[tuple(place[p] for p in parents[i]) for i in place],
            spans=spans,
            numbers={place[i]: literal for i, literal in graph.numbers.items() if i in place},
            inputs={name: place[i] for name, i in graph.inputs.items()},
            labels={place[i]: name for i, name in graph.labels.items()},
            output=place[graph.output],
            source=graph.source,
            notes=graph.notes,
        ),
        place,
    )


def _classes(graph: Graph) -> list[int]:
    """A class for every node: two nodes have the same one if they are the same op on the same classes.

    Equal text is two nodes, and can still be the same u in exp(u)/(1+exp(u)). A node that the user named is like no
    other: its gradient is its own.
    """
    known: dict[Any, int] = {}
    of: list[int] = []
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if not parents or i in graph.labels or i == graph.output:
            of.append(i)
        else:
            of.append(known.setdefault((op, *[of[p] for p in parents]), i))
    return of
