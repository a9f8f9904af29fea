r"""LaTeX: the value and the derivative by each variable in an align*, what they share under its name.

The derivatives are made by the rules as textbooks write them. A gradient that several others are made of is named as
people name it, \partial f/\partial n_4. For tensors, gate by gate, in the rules of the lecture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gradcli.errors import LimitError, UsageError
from gradcli.export.about import about, wrapped
from gradcli.export.exported import Exported
from gradcli.export.plan import called
from gradcli.graph import Graph
from gradcli.notation import local
from gradcli.notation import number as written_number
from gradcli.ops import TABLE
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.sweeps import backward
from gradcli.systems import Function
from gradcli.systems.tracing import Tracer, Tracing
from gradcli.typesetting import latex, latex_name, latex_text

ADD, SUB, MUL, DIV, NEG = (TABLE[name] for name in ("add", "sub", "mul", "div", "neg"))

MOST = 2000
"""Nodes that are typeset at most."""

SHARED, LONG = 2, 30
"""Ops from which on what is used again gets a name, and what is used once too."""


def written(exported: Exported) -> str:
    """The fragment.

    Errors: LimitError; UsageError for tensors without values.
    """
    if exported.function is not None:
        raise UsageError("there is no function in LaTeX", hint="leave --function out")
    if exported.graph.tensorial or any(not isinstance(value, float) for value in exported.values.values()):
        from gradcli.export.latex_gates import rows

        lines = rows(exported)
    else:
        lines = closed(exported)
    paragraphs = [text.removeprefix("Returns ") for text in about(exported, called(exported.graph), {})]
    head = wrapped(paragraphs, indent="% ")
    return "\n".join([*head, r"% Needs \usepackage{amsmath}.", *aligned(lines)])


def aligned(lines: list[tuple[str, str]]) -> list[str]:
    """Equations, (left, right), in an align*."""
    rows = [f"{left} &= {right}" for left, right in lines]
    return [r"\begin{align*}", *(f"{row} \\\\" for row in rows[:-1]), *rows[-1:], r"\end{align*}"]


def fraction(above: str, below: str) -> str:
    """A derivative: of what, by what."""
    return rf"\frac{{\partial {latex_name(above)}}}{{\partial {latex_name(below)}}}"


def closed(exported: Exported) -> list[tuple[str, str]]:
    """A formula of numbers: its value and its derivatives in closed form."""
    graph, m = exported.graph, Taught(exported.graph.inputs)
    if len(graph) > MOST:
        raise LimitError(f"{len(graph):,} nodes are more than people read: {MOST:,} are typeset")
    values, adjoints = m.both_passes(graph)
    value = m.index(values[graph.output])
    found = {name: adjoints[graph.inputs[name]] for name in exported.wrt}
    places = {name: m.index(0 if g is None else g) for name, g in found.items()}
    whole = m.builder.finish(value)
    shared = Shared(whole, graph, m, values, adjoints, [value, *places.values()])
    output = called(graph)
    lines = definitions(graph)
    lines += [(shared.names[i], shared.definition(i)) for i in shared.forward if i != value]
    lines.append((latex_name(output), shared.definition(value)))
    lines += [(shared.names[i], shared.definition(i)) for i in shared.backward]
    return [*lines, *((fraction(output, name), shared.reference(place)) for name, place in places.items())]


def definitions(graph: Graph) -> list[tuple[str, str]]:
    """The gates of the user's own, in the order of their use."""
    found = {}
    for op in graph.ops:
        if op.body is not None:
            parameters = ", ".join(map(latex_name, op.body.inputs))
            found[op] = rf"\operatorname{{{latex_text(op.name)}}}\left({parameters}\right)", latex(op.body)
    return list(found.values())


class Taught(Tracing):
    """The graph-building system with the rules of the textbooks.

    simpler: whether signs are put where people write them.
    """

    def __init__(self, variables: Iterable[str]) -> None:
        super().__init__(variables)
        self.simpler = False

    def rule(self, op: Op, k: int) -> Function | None:
        """A partial, as textbooks write it; of an op that selects, with the condition under which it counts."""
        if op.partial(k) is None:
            return None
        if op.body is not None:
            return lambda y, *x: self.through(op.body, k, x)
        if op.selected(k) is not None and not callable(op.shown):
            partial: Any = op.partial(k)
            return lambda y, *x: partial(self, y, *x)
        return lambda y, *x: local(op, k, self, y, x)

    def through(self, body: Graph, k: int, x: Sequence[Any]) -> Any:
        """The partial of a user's gate: back through its body."""
        places = list(body.inputs.values())
        values = body.evaluate(self, dict(zip(places, x, strict=True)))
        return backward(body, values, self, 1)[places[k]]

    def both_passes(self, graph: Graph) -> tuple[list[Any], list[Any]]:
        """The values of all nodes, and their gradients; None where there is none."""
        values = graph.evaluate(self, {index: self.leaf(name) for name, index in graph.inputs.items()})
        self.simpler = True
        return values, backward(graph, values, self, 1)

    def apply(self, op: Op, *x: Any) -> Any:
        """Append an op; a sign stands before a product, and two of them cancel."""
        if not self.simpler:  # the formula stands as its user wrote it
            return super().apply(op, *x)
        if op is MUL and not isinstance(x[1], Tracer):  # numbers stand first
            x = x[::-1]
        if op in (ADD, SUB) and isinstance(x[1], Tracer) and self.opposite(x[1]) is not None:
            return super().apply(SUB if op is ADD else ADD, x[0], self.opposite(x[1]))
        if op is MUL and -1 in [self.known(value) for value in x]:
            return self.negative(x[1] if self.known(x[0]) == -1 else x[0])
        if op in (MUL, DIV):
            signs = [self.opposite(value) for value in x]
            if signs != [None, None]:
                product = self.apply(op, *[v if s is None else s for v, s in zip(x, signs, strict=True)])
                return product if None not in signs else self.negative(product)
        if op is MUL:
            for k in range(2):
                merged = self.merged(x[k], x[1 - k])
                if merged is not None:
                    return merged
            for k in range(2):
                below = self.below(x[k])
                if below is not None:
                    return self.apply(DIV, x[1 - k], below)
        if op is NEG:
            return self.negative(x[0])
        return super().apply(op, *x)

    def merged(self, number: Any, x: Any) -> Any:
        """A number times a product that has a number in it; None for anything else."""
        if isinstance(number, Tracer) or not isinstance(x, Tracer) or self.builder.ops[x.index] is not MUL:
            return None
        left, right = self.builder.parents[x.index]
        known = self.builder.numbers.get(left)
        if known is None or known.text != written_number(known.value):  # pi stays pi
            return None
        return self.apply(MUL, self.literal(number * known.value), Tracer(self, right))

    def below(self, x: Any) -> Any:
        """What x is 1 divided by."""
        if not isinstance(x, Tracer) or self.builder.ops[x.index] is not DIV:
            return None
        above, below = self.builder.parents[x.index]
        number = self.builder.numbers.get(above)
        return Tracer(self, below) if number is not None and number.value == 1 else None

    def negative(self, x: Any) -> Any:
        """-x, without two signs."""
        opposite = self.opposite(x)
        return super().apply(NEG, x) if opposite is None else opposite

    def opposite(self, x: Any) -> Any:
        """What x is the negative of."""
        if not isinstance(x, Tracer):
            return -x if x < 0 else None
        op, parents = self.builder.ops[x.index], self.builder.parents[x.index]
        return Tracer(self, parents[0]) if op is NEG else None


class Shared:
    """What is named, and how the rest is written.

    names: position → how it is typeset.   forward, backward: the named ones of each pass, in order.
    """

    def __init__(
        self, whole: Graph, graph: Graph, m: Tracing, values: list[Any], adjoints: list[Any], results: list[int]
    ) -> None:
        self.whole, self.results = whole, results
        output = called(graph)
        self.names: dict[int, str] = {}
        known = {v.index: i for i, v in reversed(list(enumerate(values))) if isinstance(v, Tracer) and graph.parents[i]}
        sources = {g.index: i for i, g in enumerate(adjoints) if isinstance(g, Tracer) and graph.parents[i]}
        labelled = {
            v.index: graph.labels[i] for i, v in enumerate(values) if isinstance(v, Tracer) and i in graph.labels
        }
        inputs = set(whole.inputs.values())
        uses, order = self.used()
        weights = dict.fromkeys(order, 0)
        count = 0
        for i in order:
            if i in inputs or whole.ops[i] in (INPUT, CONSTANT):
                continue
            weights[i] = 1 + sum(0 if p in self.names else weights[p] for p in whole.parents[i])
            if i in labelled:
                self.names[i] = latex_name(labelled[i])
            elif i == results[0]:
                self.names[i] = latex_name(output)
            elif (uses[i] > 1 and weights[i] >= SHARED) or weights[i] >= LONG:
                if i in known:
                    self.names[i] = latex_name(graph.names[known[i]])
                elif i in sources and uses.get(getattr(values[sources[i]], "index", -1)):
                    node = sources[i]
                    self.names[i] = fraction(output, graph.names[node])
                    self.names.setdefault(values[node].index, latex_name(graph.names[node]))
                else:
                    count += 1
                    while graph.find(f"c{count}") is not None:
                        count += 1
                    self.names[i] = latex_name(f"c{count}")
        self.keys = {i: f"#{i}" for i in self.names}
        self.known = {key: self.names[i] for i, key in self.keys.items()}
        forward = {v.index for v in values if isinstance(v, Tracer)}
        self.forward = [i for i in sorted(self.names) if i in forward]
        self.backward = [i for i in sorted(self.names) if i not in forward]

    def used(self) -> tuple[dict[int, int], list[int]]:
        """How often each position is used by what the results need, and those positions in order."""
        uses: dict[int, int] = {}
        waiting = list(self.results)
        while waiting:
            i = waiting.pop()
            uses[i] = uses.get(i, 0) + 1
            if uses[i] == 1:
                waiting += self.whole.parents[i]
        return uses, sorted(uses)

    def definition(self, index: int) -> str:
        """What a position is, in terms of what is named."""
        return latex(self.whole, index, atom=self.keys.get, known=self.known)

    def reference(self, index: int) -> str:
        """A position by its name, if it has one."""
        return self.names.get(index) or self.definition(index)
