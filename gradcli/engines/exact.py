"""One point by the engine itself: what no faster engine may decide, and the reason where a point has no result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradcli.autodiff import Value
from gradcli.engines.formula import Formula
from gradcli.errors import GradcliError, NotScalarError, ShapeError
from gradcli.soundness import active_outside_domain


class Exact(NamedTuple):
    """The value, the gradients in the order of `wrt`, and what is wrong with them, in words; "" if nothing is."""

    results: tuple[Value, ...]
    error: str


def evaluated(formula: Formula, point: Sequence[float]) -> Exact:
    """The results at a point: the values of the formula's variables in order.

    They are as IEEE 754 has them also where something is wrong. Where there are none, nan.
    """
    at = {**formula.fixed, **dict(zip(formula.variables, point, strict=True))}
    try:
        trace = formula.graph.forward(at)
        gradients = trace.backward()
    except GradcliError as error:
        return Exact((float("nan"),) * (1 + len(formula.wrt)), error.message)
    results = (trace.value, *(gradients[name] for name in formula.wrt))
    if all(map(trace.m.finite, results)) and next(active_outside_domain(gradients), None) is None:
        return Exact(results, "")
    from gradcli.trouble import find_trouble

    trouble = find_trouble(gradients, formula.wrt)
    return Exact(results, trouble.cause if trouble is not None else "")


def shaped(formula: Formula) -> None:
    """Say now what would be wrong at every point: tensors that do not fit, or a value that is no number.

    Errors: ShapeError; NotScalarError.
    """
    at = {**formula.fixed, **dict.fromkeys(formula.variables, 1.0)}
    try:
        formula.graph.forward(at).backward()
    except (ShapeError, NotScalarError):
        raise
    except GradcliError:  # of this point alone
        return
