"""The code system: a rule run over it becomes straight-line code in another language, with shared work done once.

A language is a Dialect, data: how an assignment and a number are written. What an op is called in it stands in the
op's row, as a function's name or as a pattern, `#1 + #2`. Names are of our own making, v0, v1 …; nothing that a user
wrote gets into the code.

Numbers are folded by the floats; ×1, /1 and ^1 are left out, and choices that are made already. Nothing else is
rewritten, so that the code computes the same doubles as the engine wherever the two languages' functions agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite, isnan
from typing import Any, NamedTuple

from gradcli.errors import UsageError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.sweeps import backward
from gradcli.systems import Function
from gradcli.systems.building import WHERE, Building, Guarded, Operand
from gradcli.systems.floats import FLOATS


class Dialect(NamedTuple):
    """How a language is written.

    key: its column in the rows' spellings.   called: its name for people.   assignment: with {name} and {code}.
    helpers: word of a spelling → the text that defines it, for what the language has not by itself.
    special: inf, -inf and nan.
    """

    key: str
    called: str
    assignment: str
    helpers: Mapping[str, str]
    special: tuple[str, str, str]

    def number(self, value: float) -> str:
        """A double, so that it reads back as the same."""
        if isfinite(value):
            return repr(value).removesuffix(".0") if value or str(value)[0] != "-" else "-0"
        return self.special[2] if isnan(value) else self.special[value < 0]


ERROR_FUNCTION = """\
const bell = (x, n) => {
  const h = Math.floor(16 * x) / 16;
  return Math.exp(-h * h / n) * Math.exp(-(x - h) * (x + h) / n);
};
const middle = (x) => {
  let term = x, sum = x;
  for (let n = 1; n < 40; n++) sum += term *= 2 * x * x / (2 * n + 1);
  return 2 / Math.sqrt(Math.PI) * bell(x, 1) * sum;
};
const tail = (z, x, n) => {
  if (z > 40) return 0;
  let k = 0;
  for (let i = Math.ceil(25 + 220 / (z * z)); i > 0; i--) k = i / 2 / (z + k);
  return bell(x, n) / Math.sqrt(Math.PI) / (z + k);
};
const erfc = (x) => x >= 0.9 ? tail(x, x, 1) : x > -1.5 ? 1 - middle(x) : 2 - tail(-x, -x, 1);
const erf = (x) => Math.abs(x) < 1.5 ? middle(x) : x > 0 ? 1 - tail(x, x, 1) : tail(-x, -x, 1) - 1;
const normal_cdf = (x) => (x <= -1.3 ? tail(-x / Math.SQRT2, -x, 2) : erfc(-x / Math.SQRT2)) / 2;"""
"""erf by its series, whose terms have one sign, and by its continued fraction (Abramowitz and Stegun 7.1.6, 7.1.14).

exp(-x²/n) as the row of the Gaussian has it, with x split at a sixteenth, so that exp magnifies no rounding.
"""

JAVASCRIPT = Dialect(
    key="js",
    called="JavaScript",
    assignment="const {name} = {code};",
    helpers={
        # C's pow is 1 where the base is 1, and where it is -1 and the exponent infinite; JavaScript's is NaN
        "power": "const power = (x, p) => x === 1 || (x === -1 && (p === Infinity || p === -Infinity)) ? 1 : x ** p;",
        # Math.round rounds halves up
        "half_even": (
            "const half_even = (x) => { const n = Math.round(x); return n - x === 0.5 && n % 2 !== 0 ? n - 1 : n; };"
        ),
        **dict.fromkeys(("erf", "erfc", "normal_cdf"), ERROR_FUNCTION),
    },
    special=("Infinity", "-Infinity", "NaN"),
)


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
    """A system whose elements are computed by lines of code.   leaves: how the inputs are written."""

    machine = True

    def __init__(self, dialect: Dialect, leaves: Iterable[str] = ()) -> None:
        super().__init__()
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
        """The op as a line of code, if its row spells it; a composite as the lines of its definition."""
        if self.name in op.spelled or op.primitive:
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
        word = op.spelled.get(self.name)
        if word is None:
            raise Unspelled(op, self.dialect)
        if "#" not in word:
            word += f"({', '.join(f'#{k + 1}' for k in range(len(parts)))})"
        return self.line(word, parts)

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

    def written(self, results: Iterable[Code]) -> tuple[list[str], dict[int, str]]:
        """The lines that these results need, helpers first, and by its index how each value is written."""
        live = bytearray(len(self.lines))
        waiting = [code.index for code in results if code.value is None]
        while waiting:
            index = waiting.pop()
            if not live[index]:
                live[index] = 1
                waiting += [part.index for part in self.lines[index].parts if part.value is None]
        names = {
            code.index: self.dialect.number(code.value) for code in self.constants.values() if code.value is not None
        }
        helpers: dict[str, None] = {}
        texts: list[str] = []
        for index, line in enumerate(self.lines):
            if live[index]:
                word = line.pattern.partition("(")[0]
                helpers |= dict.fromkeys([self.dialect.helpers[word]] if word in self.dialect.helpers else ())
                names[index] = f"v{len(texts)}"
                filled = filled_in(line.pattern, [names[part.index] for part in line.parts])
                texts.append(self.dialect.assignment.format(name=names[index], code=filled))
        return [*(line for helper in helpers for line in helper.splitlines()), *texts], names


NEUTRAL: dict[Op, tuple[float | None, float | None]] = {
    TABLE["mul"]: (1, 1),
    TABLE["div"]: (None, 1),
    TABLE["pow"]: (None, 1),
}
"""Op → the number that changes nothing on its left, on its right, not even the sign of 0."""


def filled_in(pattern: str, parts: Sequence[str]) -> str:
    """A pattern with its parts put in."""
    return re.sub(r"#([0-9]+)", lambda place: parts[int(place[1]) - 1], pattern)


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
    lines, names = m.written(code for column in found for code in column)
    columns = (f"{key}: [{', '.join(names[code.index] for code in column)}]" for key, column in found._asdict().items())
    body = [*lines, f"return {{{', '.join(columns)}}};"]
    return "\n".join([f"function {name}(x) {{", *(f"  {line}" for line in body), "}"]) + "\n"
