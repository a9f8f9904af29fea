"""The op table as documentation: what each row says, in words and formulas, for `gradcli ops` and others.

Everything is read off the row: its rules are traced into graphs and printed, its predicates said in words.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Derivative:
    """∂output/∂input as textbooks show it, and as it is computed; None where there is no gradient."""

    input: str
    shown: str | None
    computed: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The documentation of one op.

    calls: every way to write it.   output: its name in the rules.   domain, kinks: in words; empty for
    everywhere, and for none.   gate, role: the lecture's.   checks: hand-checked points.
    example: a command that runs.
    """

    name: str
    group: str
    signature: str
    calls: tuple[str, ...]
    doc: str
    output: str
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

    def computed(k: int) -> str | None:
        partial = op.partial(k)
        return None if partial is None else line(partial(tracing, y, *x))

    return Entry(
        name=op.name,
        group=op.group,
        signature=written(op, names) if op.notation is not None else op.signature,
        calls=calls(op, names),
        doc=op.doc,
        output=output,
        definition=line(op.definition(tracing, *x)) or "",
        stable="" if op.stable is None else line(op.stable(tracing, *x)) or "",
        derivatives=tuple(
            Derivative(name, line(notation.local(op, k, tracing, y, x)), computed(k)) for k, name in enumerate(names)
        ),
        domain=in_words(op.domain, names),
        kinks=in_words(op.kinks, names),
        convention=op.convention,
        gate=op.gate,
        role=op.role,
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
    row = FUNCTIONS.get(name) or FUNCTIONS.get(name.removesuffix("()"))
    if row is None and name in {**PREFIX, **INFIX}:
        row = {**PREFIX, **INFIX}[name][1]
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
    """A call, as it is typed: `a+b`, `max(a,b)`."""
    return notation.compose(op, [(name, notation.ATOM) for name in names])[0]


def calls(op: Op, names: Sequence[str]) -> tuple[str, ...]:
    """Every way to write the op: operators, function names, aliases."""
    operators = []
    if op.notation is not None:
        for symbol in (op.notation.symbol, *op.notation.spellings):
            operators.append(symbol + names[0] if op.notation.fix == "prefix" else symbol.join(names))
    listed = ", ".join([*names, *(["…"] if op.variadic else [])])
    return (*operators, *(f"{name}({listed})" for name in (op.name, *op.aliases)))


def in_words(predicate: Rule | None, names: Sequence[str]) -> str:
    """Where a predicate holds: `x > 0`; empty for one that is not there, or always holds."""
    try:
        return "" if predicate is None else said(predicate, names, [None] * len(names))
    except TypeError:  # a predicate that counts, such as the winners of max
        return ""


def example(op: Op) -> str:
    """A command that runs, at a point where everything is finite."""
    count = len(op.parameters)
    points = [
        check.at for check in op.checks if isfinite(check.value) and all(map(isfinite, filter(None, check.partials)))
    ]
    at = next((point for point in [*points, *op.samples] if len(point) == count), (1,) * count)
    names = inputs(op)
    values = " ".join(f"--{name}={number(value)}" for name, value in zip(names, at, strict=True))
    return f'gradcli eval "{written(op, names)}" {values}'
