"""What every engine computes: a formula's value and gradients at each point of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from gradcli.autodiff import Value, real
from gradcli.errors import UsageError
from gradcli.graph import Graph
from gradcli.sweeps import backward
from gradcli.syntax import parse
from gradcli.systems.building import WHERE, Guarded
from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.source import Code, Source


class Coded(NamedTuple):
    """A formula in code: its value, its gradients in the order of `wrt`, and what has to hold, 1 or 0 each.

    Where some condition of `sound` does not hold, or a result is not finite, the engine itself is asked.
    """

    m: Source
    value: Code
    gradients: list[Code]
    sound: list[Code]

    @property
    def results(self) -> list[Code]:
        """The value and the gradients."""
        return [self.value, *self.gradients]


@dataclass(frozen=True)
class Formula:
    """A formula of which some variables are fixed and the others change from point to point.

    fixed: variable → value, a number or an array.   wrt: the variables whose gradients are wanted, in order.
    """

    graph: Graph
    fixed: Mapping[str, Value] = field(default_factory=dict)
    wrt: tuple[str, ...] = ()

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The variables that change from point to point, in the order of the text."""
        return tuple(name for name in self.graph.inputs if name not in self.fixed)

    @cached_property
    def tensorial(self) -> bool:
        """Whether something in it is a tensor, so that no code of numbers computes it."""
        return self.graph.tensorial or any(not isinstance(value, float) for value in self.fixed.values())

    def code(self, dialect: Dialect, leaves: Mapping[str, str], *, conditions: bool = True) -> Coded:
        """The formula in a language, shared work done once.

        leaves: variable → how the code writes it.   conditions: whether `sound` is wanted too.
        Errors: Unspelled for an op that the language lacks; NotUnrolled for tensors too large for it, whose formula
        the engine itself has to run; NotScalarError where the value, or a gradient, is no number.
        """
        if self.tensorial:
            from gradcli.engines.unrolled import coded

            return coded(self, dialect, leaves, conditions=conditions)
        graph, m = self.graph, Source(dialect, signs=True, squares=True)
        bound = {
            place: m.literal(self.fixed[name]) if name in self.fixed else m.line(leaves[name], ())
            for name, place in graph.inputs.items()
        }
        values = graph.evaluate(m, bound)
        adjoints = backward(graph, values, m, 1.0)
        gradients = [m.settled(adjoints[graph.inputs[name]]) for name in self.wrt]
        sound = _sound(graph, values, adjoints, m) if conditions else []
        return Coded(m, m.element(values[graph.output]), gradients, sound)


def _sound(graph: Graph, values: list[Any], adjoints: list[Any], m: Source) -> list[Code]:
    """That every active node is inside its domain, but for what is known already and where the code raises."""
    found: dict[int, Code] = {}
    for i, op in enumerate(graph.ops):
        g = adjoints[i]
        domain: Any = op.predicate("domain") if g is not None and graph.varied[i] else None
        if domain is not None and op.spelled.get(m.dialect.base) not in m.dialect.raises:
            condition = domain(m, *[values[p] for p in graph.parents[i]])
            if isinstance(g, Guarded):  # elsewhere it is not active
                condition = m.apply(WHERE, g.condition, condition, 1)
            condition = m.element(condition)
            if condition.value is None or not condition.value:
                found[condition.index] = condition
    return list(found.values())


def formula(
    text: str | Graph,
    *,
    fixed: Mapping[str, Any] | None = None,
    wrt: Collection[str] | None = None,
) -> Formula:
    """A formula from its text.

    fixed: variable → the value that it has at every point.   wrt: the variables whose gradients are wanted, all of them
    unless given.
    Errors: ExpressionError with its place; UsageError for a name that is no variable, or a value that is no number.
    """
    given = dict(fixed or {})
    graph = parse(text, given=given) if isinstance(text, str) else text
    for name in (*given, *(wrt or ())):
        if name not in graph.inputs:
            from difflib import get_close_matches

            near = get_close_matches(name, list(graph.inputs), 1)
            known = ", ".join(list(graph.inputs)[:8]) or "none: it holds constants alone"
            raise UsageError(
                f"the expression has no variable '{name}'",
                hint=f"did you mean {near[0]}?" if near else f"its variables: {known}",
            )
    values = {name: real(value, f"the value of '{name}'") for name, value in given.items()}
    numbers = [name for name in graph.inputs if isinstance(values.get(name, 0.0), float)]
    return Formula(graph, values, tuple(numbers if wrt is None else dict.fromkeys(wrt)))
