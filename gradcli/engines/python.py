"""The engine for few points, and for one at a time: a Python function on plain floats."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from gradcli.engines import running
from gradcli.engines.formula import Formula
from gradcli.systems.dialects.python import PYTHON
from gradcli.systems.floats import PRIMITIVES

Point = Callable[..., tuple[Any, ...]]
"""The values of the variables, in order → the value and the gradients, and last whether all is well.

Where it is not, or where one of RAISED is raised, the engine itself has to be asked."""

RAISED = (ArithmeticError, ValueError)
"""What Python raises where IEEE 754 has inf or nan."""

WITHIN = 60
"""Characters of an expression that is not worth a name."""


def function(formula: Formula) -> Point:
    """The formula as a Python function.

    Errors: Unspelled, which no op is; NotUnrolled and NotScalarError of a formula of tensors.
    """
    lines, names, written, checked = _coded(formula)
    body = [*lines, f"return {', '.join(written)}, {checked}"]
    text = "\n".join([f"def point({', '.join(names)}):", *(f"    {line}" for line in body)])
    found: Point = running.function("point", text, NAMESPACE)
    return found


def call(formula: Formula) -> Callable[..., tuple[Any, dict[str, Any]] | None]:
    """The same, but returning the value and the gradients by name; None where all is not well, or not all are floats.

    Errors: those of `function`.
    """
    lines, names, written, checked = _coded(formula)
    floats = [f"{name}.__class__ is float" for name in names]
    keys = {f"k{k}": name for k, name in enumerate(formula.wrt)}
    gradients = ", ".join(f"{key}: {text}" for key, text in zip(keys, written[1:], strict=True))
    body = [*lines, f"return ({written[0]}, {{{gradients}}}) if {checked} else None"]
    if floats:
        body = [f"if {' and '.join(floats)}:", *(f"    {line}" for line in body)]
    text = "\n".join([f"def call({', '.join(names)}):", *(f"    {line}" for line in body)])
    found: Callable[..., Any] = running.function("call", text, {**NAMESPACE, **keys, "float": float})
    return found


def _coded(formula: Formula) -> tuple[list[str], list[str], list[str], str]:
    """The lines, the parameters, how the results are written, and what holds where all is well."""
    names = {name: f"x{k}" for k, name in enumerate(formula.variables)}
    coded = formula.code(PYTHON, names)
    results = coded.results
    lines, texts = coded.m.written([*results, *coded.sound], within=WITHIN)
    written = [texts[code.index] for code in results]
    sound = " and ".join(f"{texts[code.index]} != 0.0" for code in coded.sound)
    checked = f"total - total == 0.0{f' and {sound}' if sound else ''}"
    return [*lines, *totalled(written)], list(names.values()), written, checked


def totalled(results: Iterable[str]) -> list[str]:
    """The lines that add results up: inf - inf is nan, and only a finite number minus itself is 0."""
    terms = list(dict.fromkeys(results))
    parts = [" + ".join(terms[at : at + TERMS]) for at in range(0, len(terms), TERMS)]
    return [f"total = {'total + ' if at else ''}{part}" for at, part in enumerate(parts)]


TERMS = 50
"""Terms of a sum in one line: Python reads long ones by recursion."""

NAMESPACE: dict[str, Any] = {
    **{name: getattr(math, name) for name in dir(math) if not name.startswith("_")},
    **{word: value for word, value in PRIMITIVES.items() if word not in vars(math)},
    **{word: PRIMITIVES[word] for word in ("floor", "ceil", "gamma", "lgamma")},
    "inf": math.inf,
    "nan": math.nan,
}
"""What the code may call: `math` itself, which raises, and the engine's own functions of other names."""
