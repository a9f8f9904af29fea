"""A formula as an answer: is it the right one for its cell, for all values and not only for those given?

    formula ─scope→ Bound ─deciding (balls) or sampling (arrays)→ a Comparison ─proving (sympy)→ proved

A number that happens to agree at the values given is wrong, with a point at which it does not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.errors import GradcliError, UnknownCell
from gradcli.homework.formulas.scope import Bound, bind, misplaced, names, read
from gradcli.homework.records import Comparison, Formula, Rules, State
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.homework.formulas.deciding import Decision, Tried
    from gradcli.homework.formulas.enclosing import Plan

__all__ = ["compare", "names", "read", "test", "value_at"]

RTOL = 1e-9
"""How far a predicted number may be from a formula's value, relatively."""

MOST_NAMES = 8
"""Variables of a counter-example that are written out."""


def compare(
    formula: Formula, cell: Cell, gradients: Gradients, rules: Rules | None = None, *, prove: bool = True
) -> Comparison:
    """Whether a formula is the right one for a cell.

    prove: whether sympy may be asked, for up to two seconds, to prove what agrees at every point.
    """
    rules = rules or Rules()
    try:
        bound = bind(formula, gradients)
    except UnknownCell as error:
        return Comparison(State.UNREADABLE, None, (Said("formulas.unknown", {"name": error.message}),))
    fault = misplaced(bound, cell, gradients)
    if fault is not None:
        return Comparison(State.WRONG, None, (fault,))
    if bound.constant:
        return constant(bound, cell, gradients)
    if gradients.trace.tensorial or formula.graph.tensorial:
        from gradcli.homework.formulas import sampling

        return sampling.compare(bound, cell, gradients, rules)
    from gradcli.homework.formulas.deciding import decide
    from gradcli.homework.formulas.enclosing import Plan

    plan = Plan(bound, cell, gradients)
    given = {name: gradients.trace.values[gradients.graph.inputs[name]] for name in plan.variables}
    comparison = judged(decide(plan, given, rules.seed, rules.budget), gradients, rules.budget)
    if only_here(comparison):
        return for_labels(plan, cell, gradients, rules) or comparison
    if prove and comparison.state is State.RIGHT and comparison.remarks[0].key == "formulas.equal":
        from gradcli.homework.formulas.proving import proved

        if proved(plan):
            return comparison._replace(remarks=(Said("formulas.proved"), *comparison.remarks[1:]))
    return comparison


def only_here(comparison: Comparison) -> bool:
    """Whether a formula is right at the values given, and wrong elsewhere."""
    return comparison.state is State.WRONG and comparison.remarks[-1].key == "formulas.only_here"


def for_labels(plan: Plan, cell: Cell, gradients: Gradients, rules: Rules) -> Comparison | None:
    """The comparison for inputs that are labels, 0 or 1, where a formula is right for those."""
    from gradcli.homework.formulas.deciding import decide
    from gradcli.homework.formulas.meaning import readings, said

    given = {name: gradients.trace.values[gradients.graph.inputs[name]] for name in plan.variables}
    for meant in readings(gradients, cell):
        comparison = judged(decide(plan, given, rules.seed, rules.budget, frozenset(meant)), gradients, rules.budget)
        if comparison.state is State.RIGHT:
            return comparison._replace(remarks=(*comparison.remarks, *said(meant, gradients)))
    return None


def judged(decision: Decision, gradients: Gradients, budget: float) -> Comparison:
    """What the points say, as a comparison with its remarks."""
    from gradcli.homework.formulas.deciding import USABLE, Verdict

    counter, given = decision.counter, decision.given
    if counter is not None:
        remarks = [counter_example(counter)]
        if given is not None and given.verdict in (Verdict.EQUAL, Verdict.CLOSE):
            remarks.append(Said("formulas.only_here"))
        return Comparison(State.WRONG, None, tuple(remarks), there(counter, gradients))
    if given is not None and given.verdict is Verdict.OUTSIDE:
        return Comparison(State.WRONG, None, (Said("formulas.no_value", {"point": at(given)}),))
    count, total = str(decision.usable), str(len(decision.random))
    if decision.usable < USABLE:
        fields: dict[str, Any]
        key, fields = "formulas.few", {"count": count, "total": total}
        if decision.late:
            key, fields = "formulas.late", {"seconds": budget}
        elif decision.count(Verdict.OPEN) > int(total) / 2:
            key, fields = "formulas.open", {}
        return Comparison(State.UNDECIDED, None, (Said(key, fields),))
    close = decision.count(Verdict.CLOSE)
    remarks = [Said("formulas.close" if close else "formulas.equal", {"count": count})]
    outside = [each for each in decision.random if each.verdict is Verdict.OUTSIDE]
    if outside:
        both = [each for each in decision.random if each.verdict in (Verdict.EQUAL, Verdict.CLOSE)]
        pattern = signs(both, outside)
        remarks.append(
            Said("formulas.where", {"condition": pattern})
            if pattern
            else Said("formulas.defined", {"count": count, "total": total})
        )
    return Comparison(State.RIGHT, None, tuple(remarks))


def signs(inside: Sequence[Tried], outside: Sequence[Tried]) -> str:
    """The sign of one variable by which points inside the formula's domain are told from those outside; else empty."""
    for name in inside[0].point.values:
        for relation, sign in ((">", 1), ("<", -1)):
            if all(each.point.values[name] * sign > 0 for each in inside) and all(
                each.point.values[name] * sign < 0 for each in outside
            ):
                return f"{name} {relation} 0"
    return ""


def counter_example(tried: Tried) -> Said:
    """A point at which the formula is wrong, with both numbers."""
    found, right = apart(tried.found, tried.right)
    return Said("formulas.counter", {"point": at(tried), "given": found, "right": right})


def there(tried: Tried, gradients: Gradients) -> Gradients | None:
    """The question at a point; what the formula does not need stays as it is."""
    from gradcli.homework.formulas import moving

    graph, point = gradients.graph, tried.point.values
    values = {name: point.get(name, gradients.trace.values[i]) for name, i in graph.inputs.items()}
    return moving.at(gradients, values, tried.upstream)


def at(tried: Tried) -> str:
    """A point in words: x = 2, y = 3."""
    from gradcli.notation import number

    return listed({name: number(value) for name, value in tried.point.values.items()})


def listed(values: Mapping[str, str]) -> str:
    """The first of some values by name."""
    parts = [f"{name} = {value}" for name, value in values.items()]
    return ", ".join(parts[:MOST_NAMES]) + (", …" if len(parts) > MOST_NAMES else "")


def apart(found: float, right: float) -> tuple[Any, Any]:
    """Two numbers, with as many digits as it takes to tell them apart."""
    from gradcli.notation import number

    for digits in (6, 10, 17):
        one, other = (number(float(f"{value:.{digits}g}")) for value in (found, right))
        if one != other:
            return one, other
    return number(found), number(right)


# ── a number alone ──────────────────────────────────────────────────────────────────────────────────────────────


def constant(bound: Bound, cell: Cell, gradients: Gradients) -> Comparison:
    """A formula without names is a number, and is compared at the values given."""
    found, right = value_at(bound.formula, gradients), cell.value
    if found is not None and alike(found, right):
        return Comparison(State.RIGHT, None, (Said("formulas.number"),))
    if not isinstance(found, float) or not isinstance(right, float):
        return Comparison(State.WRONG, None, (Said("formulas.no_number"),))
    return Comparison(State.WRONG, None, (Said("formulas.is_number", {"given": apart(found, right)[0]}),))


# ── for the diagnosis ───────────────────────────────────────────────────────────────────────────────────────────


def value_at(formula: Formula, gradients: Gradients) -> Value | None:
    """The formula's number, or array, at the point of the gradients; None where it has none.

    dout is the upstream gradient there.
    """
    try:
        found = formula.graph.forward(bind(formula, gradients).leaves(gradients)).value
    except (GradcliError, ArithmeticError, ValueError):
        return None
    return None if isinstance(found, float) and isnan(found) else found


def test(formula: Formula, gradients: Gradients, rules: Rules | None = None) -> Callable[[Value], bool]:
    """Whether a predicted number counts as what the formula says at this point."""
    found = value_at(formula, gradients)
    return lambda predicted: found is not None and alike(found, predicted)


def alike(one: Value, other: Value) -> bool:
    """Whether two numbers, or arrays, are the same but for rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return bool(isfinite(one) and abs(one - other) <= RTOL * max(abs(one), abs(other)) + 1e-300)
    import numpy as np

    if np.shape(one) != np.shape(other):
        return False
    size = max(float(np.max(np.abs(one), initial=0.0)), float(np.max(np.abs(other), initial=0.0)))
    return bool(np.all(np.abs(np.asarray(one) - other) <= RTOL * size + 1e-300))


def finite(value: Value) -> bool:
    """Whether a number, or every entry of an array, is finite."""
    if isinstance(value, float):
        return isfinite(value)
    import numpy as np

    return bool(np.isfinite(value).all())
