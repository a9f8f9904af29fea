"""The code system: a rule run over it becomes straight-line code in another language, with shared work done once.

A language is a Dialect, data: how an assignment and a number are written. What an op is called in it stands in the
op's row, as a function's name or as a pattern, `#1 + #2`. Names are of our own making, v0, v1 …, unless the caller
has better ones; no text of a user's gets into the code.

Numbers are folded by the floats; ×1, /1 and ^1 are left out, choices that are made already, and where it is asked for
signs that cancel. Nothing else is rewritten, so that the code computes the same doubles as the engine wherever the two
languages' functions agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from gradcli.errors import UsageError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.sweeps import backward
from gradcli.systems import Function
from gradcli.systems.building import WHERE, Building, Guarded, Operand
from gradcli.systems.dialects.dialect import ATOM, Dialect, binding, filled
from gradcli.systems.dialects.javascript import JAVASCRIPT
from gradcli.systems.floats import FLOATS
from gradcli.systems.signs import negated

UNNAMED: Mapping[int, str] = {}


class Unspelled(UsageError):
    """An op that a language lacks; it is not emulated at a loss of digits."""

    def __init__(self, op: Op, dialect: Dialect) -> None:
        self.op = op
        super().__init__(f"{dialect.called} has no {op.called or op.name}")


@dataclass(frozen=True, slots=True, eq=False)
class Code(Operand):
    """A value that the code computes, or a number.   index: which; of a number below 0."""

    m: Source
    index: int
    value: float | None = None


class Line(NamedTuple):
    """One assignment: a pattern, and what it is made of."""

    pattern: str
    parts: tuple[Code, ...]


class Source(Building):
    """A system whose elements are computed by lines of code.

    leaves: how the inputs are written.   signs: whether those that cancel are left out.
    squares: whether x^2 is x*x.
    """

    machine = True

    def __init__(
        self, dialect: Dialect, leaves: Iterable[str] = (), *, signs: bool = False, squares: bool = False
    ) -> None:
        super().__init__()
        self.signs, self.squares = signs, squares
        self.name, self.dialect = dialect.key, dialect
        self.lines: list[Line] = []
        self.known_lines: dict[tuple[str, tuple[int, ...]], Code] = {}
        self.constants: dict[str, Code] = {}
        self.leaves = [self.line(leaf, ()) for leaf in leaves]

    def literal(self, value: float) -> Code:
        """A number; equal ones are one element."""
        value = float(value)
        found = self.constants.get(repr(value))
        if found is None:
            found = self.constants[repr(value)] = Code(self, -1 - len(self.constants), value)
        return found

    def element(self, value: Any) -> Code:
        """A number of a rule's as an element; any element as it is."""
        return value if isinstance(value, Code) else self.literal(value)

    def known(self, element: Any) -> float | None:
        """The number that an element is."""
        return self.element(element).value

    def function(self, op: Op) -> Function:
        """The op as a line of code, if the language spells it; a composite as the lines of its definition."""
        if op.primitive or self.dialect.spelling(op) is not None:
            return partial(self.apply, op)
        return super().function(op)

    def apply(self, op: Op, *x: Any) -> Code:
        """Append an op, or fold it.

        Errors: Unspelled.
        """
        parts = tuple([self.element(value) for value in x])
        numbers = [part.value for part in parts]
        if None not in numbers:
            return self.literal(FLOATS.functions[op](*numbers))
        if op is WHERE and numbers[0] is not None:
            return parts[1] if numbers[0] else parts[2]
        for k, neutral in enumerate(NEUTRAL.get(op, ())):
            if neutral is not None and numbers[k] == neutral:
                return parts[1 - k]
        if op is MUL and -1 in numbers:
            return self.apply(NEG, parts[1 - numbers.index(-1)])
        if self.squares and op is POW and numbers[1] == 2:  # a product is rounded correctly, in every language
            return self.apply(MUL, parts[0], parts[0])
        if self.signs and op is NEG:
            unsigned = negated(self, parts[0])
            if unsigned is not None:
                return unsigned
        pattern = self.dialect.spelling(op)
        if pattern is None:
            raise Unspelled(op, self.dialect)
        if op is WHERE and parts[1].value is None:  # of a choice made on the same condition, the branch taken
            before = self.lines[parts[1].index]
            if before.pattern == pattern and before.parts[0] is parts[0]:
                parts = parts[0], before.parts[1], parts[2]
        made = parts[0]
        for part in parts[1:-1] if op.variadic else ():  # of many, two and two
            made = self.line(pattern, (made, part))
        return self.line(pattern, (made, parts[-1]) if op.variadic else parts)

    def line(self, pattern: str, parts: tuple[Code, ...]) -> Code:
        """The value of a line; the same line twice is one."""
        key = pattern, tuple([part.index for part in parts])
        found = self.known_lines.get(key)
        if found is None:
            found = self.known_lines[key] = Code(self, len(self.lines))
            self.lines.append(Line(pattern, parts))
        return found

    def settled(self, result: Any) -> Code:
        """What a gradient comes to: 0 where none arrives, or where the condition that guards it does not hold."""
        if result is None:
            return self.literal(0.0)
        return self.element(result.plain() if isinstance(result, Guarded) else result)

    def uses(self, results: Iterable[Code]) -> list[int]:
        """How often each line is used by what these results need; 0 for one that they do not."""
        uses = [0] * len(self.lines)
        waiting = [code.index for code in results if code.value is None]
        while waiting:
            index = waiting.pop()
            uses[index] += 1
            if uses[index] == 1:
                pattern, parts = self.lines[index]
                for k, part in enumerate(parts, 1):
                    if part.value is None:
                        waiting += [part.index] * pattern.count(f"#{k}")
        return uses

    def assigned(
        self, results: Collection[Code], *, within: int = 0, names: Mapping[int, str] = UNNAMED
    ) -> tuple[list[Assigned], dict[int, str]]:
        """The assignments that these results need, and by its index how each of their values is written.

        within: what is used once is put where it is used, as long as it has at most so many characters.
        names: index → the name of a value; v0, v1 … unless given.
        """
        uses = self.uses(results)
        kept = {code.index for code in results} | names.keys()
        texts = {
            code.index: (self.dialect.number(code.value), ATOM)
            for code in self.constants.values()
            if code.value is not None
        }
        levels, found = [0] * len(self.lines), list[Assigned]()
        for index, line in enumerate(self.lines):
            if not uses[index]:
                continue
            levels[index] = max([levels[part.index] for part in line.parts if part.value is None], default=0)
            code = filled(line.pattern, [texts[part.index] for part in line.parts])
            leaf = not line.parts and bool(within) and code.isidentifier()
            if leaf or (uses[index] == 1 and index not in kept and len(code) <= within):
                texts[index] = code, binding(line.pattern)
                continue
            levels[index] += 1
            name = names.get(index) or f"v{len(found)}"
            texts[index] = name, ATOM
            found.append(Assigned(name, code, levels[index], line.pattern))
        return found, {code.index: texts[code.index][0] for code in results}

    def written(
        self, results: Collection[Code], *, within: int = 0, names: Mapping[int, str] = UNNAMED
    ) -> tuple[list[str], dict[int, str]]:
        """The lines that these results need, helpers first, and by its index how each value is written."""
        found, texts = self.assigned(results, within=within, names=names)
        lines = [self.dialect.assignment.format(name=each.name, code=each.code) for each in found]
        return [*self.helpers(results), *lines], texts

    def helpers(self, results: Iterable[Code]) -> list[str]:
        """The lines of the definitions that the code of these results uses, each once."""
        uses, helpers = self.uses(results), self.dialect.helpers
        words = (line.pattern.partition("(")[0] for line, used in zip(self.lines, uses, strict=True) if used)
        texts = dict.fromkeys(helpers[word] for word in words if word in helpers)
        return [line for text in texts for line in text.splitlines()]


class Assigned(NamedTuple):
    """A name, the code of its value, how many assignments deep that is, and the pattern of its outermost op."""

    name: str
    code: str
    level: int
    pattern: str


MUL, NEG, POW = TABLE["mul"], TABLE["neg"], TABLE["pow"]
NEUTRAL: dict[Op, tuple[float | None, float | None]] = {
    MUL: (1, 1),
    TABLE["div"]: (None, 1),
    POW: (None, 1),
}
"""Op → the number that changes nothing on its left, on its right, not even the sign of 0."""


def edges(graph: Graph) -> Iterator[tuple[int, int]]:
    """(child, which of its inputs): the edges of the output's nodes that can have a gradient, in tape order."""
    for child, parents in enumerate(graph.parents):
        if graph.used[child]:
            op = graph.ops[child]
            yield from ((child, k) for k, p in enumerate(parents) if graph.varied[p] and op.passes(k))


class Passes(NamedTuple):
    """Both passes in code.

    values, grads: of every node, in tape order; a gradient is 0 where none arrives.
    locals, downs: of the `edges`, each 0 where the child selects another input.   chosen: 1 where it does not.
    kinks: of the nodes that `kinked` lists, 1 where calculus leaves a choice.
    """

    values: list[Code]
    locals: list[Code]
    downs: list[Code]
    grads: list[Code]
    chosen: list[Code]
    kinks: list[Code]


def kinked(graph: Graph) -> list[int]:
    """The nodes of the output whose ops have kinks, in tape order."""
    return [i for i, op in enumerate(graph.ops) if graph.used[i] and graph.varied[i] and op.kinks is not None]


def passes(graph: Graph, m: Source, upstream: float = 1.0) -> Passes:
    """A graph of numbers run forward and backward in code.

    Errors: Unspelled.
    """
    values = graph.evaluate(m, dict(zip(graph.inputs.values(), m.leaves, strict=True)))
    adjoints = backward(graph, values, m, upstream)
    found = Passes([m.element(value) for value in values], [], [], [m.settled(g) for g in adjoints], [], [])
    for child, k in edges(graph):
        x = [values[p] for p in graph.parents[child]]
        local: Any = m.locals[graph.ops[child]][k](values[child], *x)  # type: ignore[misc] # an edge has a rule
        g = adjoints[child]
        found.locals.append(m.settled(local))
        found.downs.append(m.settled(None if local is None or g is None else local * g))
        chosen = local.condition if isinstance(local, Guarded) else local is not None
        found.chosen.append(m.element(chosen))
    for i in kinked(graph):
        kinks: Any = graph.ops[i].predicate("kinks")
        found.kinks.append(m.element(kinks(m, *[values[p] for p in graph.parents[i]])))
    return found


def javascript(graph: Graph, upstream: float = 1.0, name: str = "passes") -> str:
    """A JavaScript function of the inputs' values, in order, that returns the columns of Passes.

    Errors: Unspelled; UsageError for a graph of tensors.
    """
    if graph.tensorial:
        raise UsageError("only a graph of scalars is written as JavaScript")
    m = Source(JAVASCRIPT, [f"x[{k}]" for k in range(len(graph.inputs))])
    found = passes(graph, m, upstream)
    lines, names = m.written([code for column in found for code in column])
    columns = (f"{key}: [{', '.join(names[code.index] for code in column)}]" for key, column in found._asdict().items())
    body = [*lines, f"return {{{', '.join(columns)}}};"]
    return "\n".join([f"function {name}(x) {{", *(f"  {line}" for line in body), "}"]) + "\n"
