"""A formula of numbers in named lines of code: what every target of numbers prints, each in its own way.

A node that the user named keeps its name; what is used more than once is named as in the table, n1 …, a gradient
that is used more than once d_n1 …; the rest stands where it is used, as long as the line can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gradcli.errors import LimitError, UsageError
from gradcli.export.exported import Exported
from gradcli.export.lines import Lines, Step
from gradcli.export.naming import Names
from gradcli.graph import OUTPUT_NAME, Graph
from gradcli.ops.op import CONSTANT, INPUT
from gradcli.sweeps import backward
from gradcli.systems.building import Guarded
from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.source import Code

DEEPEST = 500
"""Levels of columns: at some 1000 DuckDB refuses a query, and at some more Polars' stack overflows."""


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
    exported: Exported,
    dialect: Dialect,
    names: Names,
    *,
    parameters: Mapping[str, str] | None = None,
    system: Callable[[Dialect], Lines] | None = None,
    columns: bool = False,
) -> Plan:
    """A formula in lines of a language.

    names: those that are taken.   parameters: how the code writes the variables, by a name of `names` unless given.
    system: what the lines are made by, Lines unless given.   columns: whether a result needs no line, however long.
    Errors: Unspelled; UsageError for a formula of tensors.
    """
    refuse_tensors(exported, dialect.called)
    graph, m = exported.graph, (system or Lines)(dialect)
    parameters = names.variables(graph.inputs) if parameters is None else dict(parameters)
    bound = {place: m.line(parameters[name], ()) for name, place in graph.inputs.items()}
    values = [None if value is None else m.element(value) for value in graph.evaluate(m, bound)]
    forward = len(m.lines)
    adjoints = backward(graph, values, m, 1.0)
    value = m.element(values[graph.output])
    gradients = {name: m.settled(adjoints[graph.inputs[name]]) for name in exported.wrt}
    wishes, kept = wanted(graph, values, adjoints, gradients)
    results = [value, *gradients.values()]
    if not columns:
        kept.add(value.index)
    plain = {code.index for code in results} if columns else set[int]()
    steps, texts = m.steps(results, wishes, kept, plain - kept, names, forward)
    written = {name: texts[code.index] for name, code in gradients.items()}
    return Plan(parameters, called(graph), steps, texts[value.index], written, m.helpers(m.needed))


def called(graph: Graph) -> str:
    """What the output is called; f where it is a variable or a number itself."""
    if graph.ops[graph.output] in (INPUT, CONSTANT):
        return next((name for name in (OUTPUT_NAME, "value") if name not in graph.inputs), "result")
    return graph.names[graph.output]


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


def refuse_deep(made: Plan, called: str) -> None:
    """Levels of columns are nested in what runs them, whose stack is bounded.

    Errors: LimitError.
    """
    levels = max((step.level for step in made.steps), default=0)
    if levels > DEEPEST:
        raise LimitError(
            f"the formula has {levels} levels of columns in {called}, and {DEEPEST} are the most",
            hint="--to numpy and --to c have no such limit",
        )


def refuse_tensors(exported: Exported, called: str) -> None:
    """Tensors are for other targets.

    Errors: UsageError.
    """
    if exported.graph.tensorial or any(not isinstance(value, float) for value in exported.values.values()):
        raise UsageError(
            f"formulas of tensors are not written as {called}",
            hint="numpy, jax and torch have arrays: --to numpy",
        )
