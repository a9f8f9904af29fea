"""A formula of numbers in named lines of code: what every target prints, each in its own way.

A node that the user named keeps its name; what is used more than once is named as in the table, n1 …, a gradient
that is used more than once d_n1 …; the rest stands where it is used, as long as the line can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from gradcli.errors import UsageError
from gradcli.export.exported import Exported
from gradcli.export.naming import Names
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.sweeps import backward
from gradcli.systems.building import Guarded
from gradcli.systems.dialects.dialect import ATOM, Dialect, binding, filled
from gradcli.systems.source import Code, Source

WITHIN = 40
"""Characters of what is used once, up to which it needs no line of its own."""

Piece = tuple[str, int]
"""Code, and how tightly it binds."""


class Step(NamedTuple):
    """A line.   level: how many lines deep it is.   backward: whether it belongs to the gradients."""

    name: str
    code: str
    level: int
    backward: bool


class Plan(NamedTuple):
    """A formula in lines.

    parameters: variable → its name in the code.   output: the name of the output.
    value, gradients: how the results are written when all lines are there; the latter by variable.
    helpers: lines that define what the language has not by itself.
    """

    parameters: dict[str, str]
    output: str
    steps: list[Step]
    value: str
    gradients: dict[str, str]
    helpers: list[str]

    @property
    def forward(self) -> list[Step]:
        """The lines of the value."""
        return [step for step in self.steps if not step.backward]

    @property
    def backward(self) -> list[Step]:
        """The lines of the gradients."""
        return [step for step in self.steps if step.backward]


def plan(
    exported: Exported, dialect: Dialect, names: Names, *, leaf: Callable[[str], str] = str, apart: bool = False
) -> Plan:
    """A formula in lines of a language.

    names: those that are taken.   leaf: how the code reads a parameter, or a variable of its own.
    apart: whether every result is a line.
    Errors: Unspelled; UsageError for a formula of tensors.
    """
    refuse_tensors(exported, dialect.called)
    graph, m = exported.graph, Lines(dialect)
    parameters = names.variables(graph.inputs)
    bound = {place: m.line(leaf(parameters[name]), ()) for name, place in graph.inputs.items()}
    values = [None if value is None else m.element(value) for value in graph.evaluate(m, bound)]
    forward = len(m.lines)
    adjoints = backward(graph, values, m, 1.0)
    value = m.element(values[graph.output])
    gradients = {name: m.settled(adjoints[graph.inputs[name]]) for name in exported.wrt}
    wishes, kept = wanted(graph, values, adjoints, gradients)
    kept.add(value.index)
    if apart:
        kept |= {code.index for code in gradients.values()}
    steps, texts = m.steps([value, *gradients.values()], wishes, kept, names, forward)
    written = {name: texts[code.index] for name, code in gradients.items()}
    return Plan(parameters, graph.names[graph.output], steps, texts[value.index], written, m.helpers(m.needed))


def wanted(
    graph: Graph, values: list[Any], adjoints: list[Any], gradients: dict[str, Code]
) -> tuple[dict[int, tuple[str, str]], set[int]]:
    """What lines would like to be called, (name, what else), and which of them the user named."""
    leaves = set(graph.inputs.values())
    wishes: dict[int, tuple[str, str]] = {}
    kept: set[int] = set()
    for i, value in enumerate(values):
        if graph.used[i] and value is not None and value.value is None and i not in leaves:
            if i in graph.labels:
                kept.add(value.index)
            if i in graph.labels or value.index not in wishes:
                wishes[value.index] = graph.names[i], "n"
    for name, code in gradients.items():
        wishes.setdefault(code.index, (f"d_{name}", "d_x"))
    for i, g in enumerate(adjoints):
        code = g.value if isinstance(g, Guarded) else g
        if isinstance(code, Code):
            wishes.setdefault(code.index, (f"d_{graph.names[i]}", "d_n"))
    return wishes, kept


def refuse_tensors(exported: Exported, called: str) -> None:
    """Tensors are for other targets.

    Errors: UsageError.
    """
    if exported.graph.tensorial or any(not isinstance(value, float) for value in exported.values.values()):
        raise UsageError(
            f"formulas of tensors are not written as {called}",
            hint="--to numpy --style layers and --to torch write them",
        )


ADD, SUB, NEG = TABLE["add"], TABLE["sub"], TABLE["neg"]


class Lines(Source):
    """The code system with its lines put as people write them: truths as truths, and a - b for a + (-b)."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.words: dict[int, str] = {}
        self.needed: list[Code] = []

    def apply(self, op: Op, *x: Any) -> Code:
        """Append an op, or fold it.

        Errors: Unspelled.
        """
        last = self.element(x[-1])
        if self.words.get(last.index) == NEG.spelled["floats"]:
            inner = self.lines[last.index].parts[0]
            if op is NEG:
                return inner
            if op is ADD:
                return self.apply(SUB, x[0], inner)
            if op is SUB:
                return self.apply(ADD, x[0], inner)
        before = len(self.lines)
        made = super().apply(op, *x)
        if len(self.lines) > before:
            self.words[made.index] = op.spelled.get("floats", "")
        return made

    def truth(self, index: int) -> str | None:
        """The pattern of a line as a truth; None for one that is a number alone."""
        pattern = self.dialect.truths.get(self.words.get(index, ""))
        if pattern is None or "?" not in pattern:
            return pattern
        parts = self.lines[index].parts
        return pattern if all(part.value is None and self.truth(part.index) for part in parts) else None

    def steps(
        self,
        results: list[Code],
        wishes: dict[int, tuple[str, str]],
        kept: set[int],
        names: Names,
        forward: int,
    ) -> tuple[list[Step], dict[int, str]]:
        """The lines that these results need, and by its index how each of them is written.

        wishes: index → its name.   kept: which have a line of their own.   forward: the first of the backward pass.
        """
        numbers, truths = self.counted(results)
        self.needed = [Code(self, index) for index, used in enumerate(numbers) if used]
        texts: dict[int, Piece] = {
            code.index: (self.dialect.number(code.value), ATOM)
            for code in self.constants.values()
            if code.value is not None
        }
        said: dict[int, Piece] = {}
        levels, found = [0] * len(self.lines), list[Step]()
        for index, (pattern, parts) in enumerate(self.lines):
            if not numbers[index] and not truths[index]:
                continue
            levels[index] = max([levels[part.index] for part in parts if part.value is None], default=0)
            if not parts:
                texts[index] = pattern, ATOM
                continue
            only = not numbers[index]
            how = (self.truth(index) if only else pattern) or pattern
            code = self.put(how, [self.piece(part, texts, said) for part in parts])
            if numbers[index] + truths[index] == 1 and index not in kept and len(code) <= WITHIN:
                (said if only else texts)[index] = code, binding(how)
                continue
            levels[index] += 1
            wish, otherwise = wishes.get(index, ("", "t"))
            name = names.take(wish, otherwise)
            (said if only else texts)[index] = name, ATOM
            found.append(Step(name, code, levels[index], index >= forward))
        return found, {code.index: texts[code.index][0] for code in results}

    def counted(self, results: Iterable[Code]) -> tuple[list[int], list[int]]:
        """How often each line is used, as a number and as a truth."""
        numbers, truths = [0] * len(self.lines), [0] * len(self.lines)
        for code in results:
            if code.value is None:
                numbers[code.index] += 1
        for index in range(len(self.lines) - 1, -1, -1):
            pattern, parts = self.lines[index]
            if truths[index] and (numbers[index] or not self.truth(index)):
                numbers[index], truths[index] = numbers[index] + truths[index], 0
            if truths[index]:
                pattern = self.truth(index) or pattern
            elif not numbers[index]:
                continue
            for k, part in enumerate(parts, 1):
                if part.value is None:
                    numbers[part.index] += pattern.count(f"#{k}")
                    truths[part.index] += pattern.count(f"?{k}")
        return numbers, truths

    def piece(self, part: Code, texts: dict[int, Piece], said: dict[int, Piece]) -> tuple[Piece, Piece]:
        """A part as a number and as a truth."""
        number = texts.get(part.index, ("", ATOM))
        if part.index in said:
            return number, said[part.index]
        differs = self.dialect.truths.get("ne", "")
        zero = self.dialect.number(0.0), ATOM
        return number, (filled(differs, [number, zero]), binding(differs))

    def put(self, pattern: str, parts: list[tuple[Piece, Piece]]) -> str:
        """A pattern with its parts put in; ?1 is the first as a truth."""
        count = len(parts)
        for k in range(1, count + 1):
            pattern = pattern.replace(f"?{k}", f"#{count + k}")
        return filled(pattern, [number for number, _ in parts] + [truth for _, truth in parts])
