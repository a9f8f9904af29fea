"""The op table as documentation: what each row says, in words and formulas, for `gradcli ops` and others.

Everything is read off the row: its rules are traced into graphs and printed, its predicates said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from gradcli import notation
from gradcli.errors import UsageError
from gradcli.misnomers import elsewhere, similar
from gradcli.notation import number
from gradcli.ops import FUNCTIONS, INFIX, PREFIX, TABLE
from gradcli.ops.op import Check, Op, Rule
from gradcli.systems.conditions import said
from gradcli.systems.tracing import Tracing

OUTPUTS = ("y", "f", "out")
"""What the output is called in rules: the first of these that is no input."""

LETTERS = "abcdefgh"

BATCHES = {
    "": "",
    "mean": "(…), (…) → a scalar, the mean of all entries' losses",
    "sum": "(…), (…) → a scalar, the sum of all entries' losses",
    "rows": "(N,c), (N,c) or (N,) → a scalar, the mean over the rows of each row's sum",
}
"""What becomes of the losses of a batch, by the row's `reduces`."""


@dataclass(frozen=True, slots=True)
class Derivative:
    """∂output/∂input as textbooks show it, and as it is computed; None where there is no gradient.

    Of an op on whole tensors: what it passes down to the input, ∂L/∂input, with g for ∂L/∂output.
    """

    input: str
    shown: str | None
    computed: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The documentation of one op.

    calls: every way to write it.   output: its name in the rules.   structural: whether it works on whole tensors;
    then `shapes` says which it takes and gives; of a loss it says what becomes of a batch.
    domain, kinks: in words; empty for everywhere, and for none.   gate, role: the lecture's.
    checks: hand-checked points.   example: a command that runs.
    """

    name: str
    group: str
    signature: str
    calls: tuple[str, ...]
    doc: str
    output: str
    structural: bool
    shapes: str
    definition: str
    stable: str
    derivatives: tuple[Derivative, ...]
    domain: str
    kinks: str
    convention: str
    gate: str
    role: str
    checks: tuple[Check, ...]
    source: str
    latex: str
    example: str


def entry(op: Op) -> Entry:
    """The documentation of a row."""
    names = inputs(op)
    tracing = Tracing([*names, *OUTPUTS])
    x = [tracing.leaf(name) for name in names]
    output = next(name for name in OUTPUTS if name not in names)
    y = tracing.leaf(output)

    def line(element: Any) -> str | None:
        return None if element is None else notation.text(tracing.graph(element))

    def derivative(k: int, name: str) -> Derivative:
        if not op.passes(k):
            return Derivative(name, None, None)
        if op.structural:
            shown = notation.pulled(op, k) or ""
            return Derivative(name, shown, shown)
        partial = op.partial(k)
        assert partial is not None  # noqa: S101 - it passes a gradient to this input
        return Derivative(name, line(notation.local(op, k, tracing, y, x)), line(partial(tracing, y, *x)))

    if op.structural:
        definition, stable, shapes = op.formula or written(op, names), "", op.fits
    else:
        definition = line(op.definition(tracing, *x)) or ""
        stable = "" if op.stable is None else line(op.stable(tracing, *x)) or ""
        shapes = BATCHES[op.reduces]
    return Entry(
        name=op.name,
        group=op.group,
        signature=calls(op, names)[0] if op.notation is not None else op.signature,
        calls=calls(op, names),
        doc=op.doc,
        output=output,
        structural=op.structural,
        shapes=shapes,
        definition=definition,
        stable=stable,
        derivatives=tuple(derivative(k, name) for k, name in enumerate(names)),
        domain=in_words(op.domain, names),
        kinks="" if op.structural else in_words(op.kinks, names),
        convention=op.convention,
        gate=op.gate,
        role="; or ".join(filter(None, (op.role, op.general_role))),
        checks=op.checks,
        source=op.source,
        latex=op.latex,
        example=example(op),
    )


def entries() -> list[Entry]:
    """The documentation of the whole table, in its order."""
    return [entry(op) for op in TABLE.values()]


def find(name: str) -> Op:
    """A row by its name, an alias, or an operator's symbol.

    Errors: UsageError with the nearest names.
    """
    row: Op | None = FUNCTIONS.get(name) or FUNCTIONS.get(name.removesuffix("()"))
    if row is None and name in {**PREFIX, **INFIX}:
        row = {**PREFIX, **INFIX}[name][1]
    if row is None and name in TABLE:
        row = TABLE[name]
    if row is None:
        known = elsewhere(name)
        if known:
            raise UsageError(known[0], hint=known[1])
        near = similar(name, list(FUNCTIONS))
        hint = f"did you mean {' or '.join(near)}?" if near else "all functions: gradcli ops"
        raise UsageError(f"unknown function '{name}'", hint=hint)
    return row


def inputs(op: Op, count: int | None = None) -> list[str]:
    """The names of an op's inputs in the documentation; of one that takes any number, as many as it needs."""
    names = list(op.parameters)
    more = (letter for letter in LETTERS if letter not in names)
    while len(names) < (count or 0):
        names.append(next(more))
    return names


def written(op: Op, names: Sequence[str]) -> str:
    """A call, as it is typed: `a+b`, `max(a,b)`, `x[0]`."""
    if op.notation is not None and op.notation.fix == "index":
        return calls(op, names)[0]
    return notation.compose(op, [(name, notation.ATOM) for name in names])[0]


def calls(op: Op, names: Sequence[str]) -> tuple[str, ...]:
    """Every way to write the op: operators, function names, aliases."""
    operators = []
    if op.notation is not None:
        for symbol in (op.notation.symbol, *op.notation.spellings):
            operators.append(FIXED[op.notation.fix](symbol, names))
        if op.notation.fix == "index":
            return (*operators, f"{names[0]}[0,1]", f"{names[0]}[1:3]")
        if op.notation.fix == "list":
            return tuple(operators)
    listed = ", ".join([*names, *(["…"] if op.variadic else [])])
    called = dict.fromkeys((op.called or op.name, op.name, *op.aliases))
    return (*operators, *(f"{name}({listed})" for name in called))


FIXED: dict[str, Callable[[str, Sequence[str]], str]] = {
    "prefix": lambda symbol, names: symbol + names[0],
    "infix": lambda symbol, names: symbol.join(names),
    "postfix": lambda symbol, names: names[0] + symbol,
    "index": lambda symbol, names: f"{names[0]}[0]",
    "list": lambda symbol, names: f"[{', '.join(names)}, …]",
}
"""How an operator is written, by where its symbol stands."""


def in_words(predicate: Rule | None, names: Sequence[str]) -> str:
    """Where a predicate holds: `x > 0`; empty for one that is not there, or always holds."""
    try:
        return "" if predicate is None else said(predicate, names, [None] * len(names))
    except TypeError:  # a predicate that counts, such as the winners of max
        return ""


def example(op: Op) -> str:
    """A command that runs, at a point where everything is finite."""
    points = [check.at for check in op.checks if finite(check.value) and finite(check.partials)]
    named = [point for point in [*points, *op.samples] if len(point) == len(op.parameters) or op.variadic]
    at = named[0] if named else (1,) * len(op.parameters)
    names = inputs(op, len(at))
    values = " ".join(f"--{name}={typed(value)}" for name, value in zip(names, at, strict=True))
    output = None if written(op, names).endswith("[0]") else next((c.value for c in op.checks if c.at == at), None)
    upstream = f" --upstream={typed(first(output))}" if isinstance(output, list) else ""
    return f'gradcli eval "{written(op, names)}" {values}{upstream}'


def finite(value: Any) -> bool:
    """Whether every number is finite, in lists of any depth; where there is none, too."""
    if isinstance(value, (list, tuple)):
        return all(map(finite, value))
    return value is None or isfinite(value)


def typed(value: Any) -> str:
    """A value as it is typed after `--name=`."""
    return f'"{listed(value)}"' if isinstance(value, list) else number(value)


def listed(value: Any) -> str:
    """A number, or a list of lists, without blanks."""
    return f"[{','.join(map(listed, value))}]" if isinstance(value, list) else number(value)


def first(value: Any) -> Any:
    """Numbers of the same shape: 1 for the first entry, 0 for all others."""
    zeros = [first(each) if isinstance(each, list) else 0 for each in value]
    if isinstance(value[0], list):
        return [zeros[0], *([[0 for _ in row] for row in value[1:]])]
    return [1, *zeros[1:]]
