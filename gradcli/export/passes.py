"""Both passes of a formula as Python, every node named; run once, so that what is pinned is what it computes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from math import cos, prod
from typing import Any, NamedTuple

from gradcli.autodiff import Gradients
from gradcli.engines import running
from gradcli.errors import UsageError
from gradcli.export.exported import Exported
from gradcli.export.halves import Wishes, Writer, numbers
from gradcli.export.naming import Names
from gradcli.export.traced import traced, wishes_of
from gradcli.shapes import shape_of
from gradcli.systems.dialects import math_code, numpy_tensors
from gradcli.systems.dialects.dialect import ATOM

AGREES = 1e-10
"""How far what is written may be from the engine, relatively."""

CLOSE = 2e-6
"""How far a difference quotient may be from a gradient, relatively, for the two to be compared."""

STEPS = tuple(10.0**-k for k in (5, 4, 6, 3, 7, 2, 8))
"""Steps of differences, relative to the variable, in the order in which they are tried."""

MOST_VARIABLES = 200
"""Variables whose gradients are compared with differences."""


class Pin(NamedTuple):
    """A node.   place: on the tape.   value, gradient: how they are written."""

    place: int
    name: str
    value: str
    gradient: str


class Passes(NamedTuple):
    """Both passes.   parameters: variable → its name.   helpers: definitions that the lines use."""

    tensorial: bool
    parameters: dict[str, str]
    lines: list[str]
    pins: list[Pin]
    helpers: list[str]


Run = Callable[..., list[tuple[Any, Any]]]
"""The values of the variables, in order → the value and the gradient of each node that is pinned."""


def passes(exported: Exported, tensorial: bool, names: Names, *, plain: bool = False) -> Passes:
    """Both passes in lines.

    plain: under names of our own making.
    Errors: Unspelled.
    """
    graph = exported.graph
    parameters = names.variables([f"x{k}" for k in range(len(graph.inputs))] if plain else graph.inputs)
    if plain:
        parameters = dict(zip(graph.inputs, parameters.values(), strict=True))
    shapes = {name: shape_of(exported.values[name]) for name in graph.inputs}
    tensors = numpy_tensors.TENSORS if tensorial else math_code.TENSORS
    made = traced(graph, shapes, tuple(graph.inputs), tensors, parameters)
    m, graph = made.m, made.graph
    shown = [i for i in graph.shown if graph.used[i] or i in graph.inputs.values()]
    values = [m.number(m.element(made.values[i])) for i in shown]
    gradients = [m.spread(m.settled(made.adjoints[i]), made.values[i]) for i in shown]
    wishes, kept = ({}, set[int]()) if plain else wishes_of(made)
    kept |= {code.index for code in values}
    texts = numbers(m) | {leaf.index: (m.lines[leaf.index].pattern, ATOM) for leaf in m.leaves}
    uses = m.uses([*values, *gradients])
    lines = Writer(m, Wishes(wishes, kept), names).lines(texts, uses, set())
    pins = [
        Pin(i, graph.names[i], texts[value.index][0], texts[gradient.index][0])
        for i, value, gradient in zip(shown, values, gradients, strict=True)
    ]
    found = [f"{line.name} = {line.code}" for line in lines]
    return Passes(tensorial, parameters, found, pins, m.helpers([*values, *gradients]))


def ran(exported: Exported, made: Passes, gradients: Gradients) -> Run:
    """The passes as a function, found to agree with the engine.

    Errors: UsageError where they do not, or cannot be run.
    """
    import math

    import numpy as np

    plain = passes(exported, made.tensorial, Names(("math", "np", "special", "sigmoid", "logaddexp")), plain=True)
    body = [*plain.lines, f"return [{', '.join(f'({pin.value}, {pin.gradient})' for pin in plain.pins)}]"]
    text = [f"def run({', '.join(plain.parameters.values())}):", *(f"    {line}" for line in body)]
    builtins = {"abs": abs, "max": max, "min": min, "round": round, "float": float}
    space = {"math": math, "np": np, **builtins}
    if any("special." in line for line in plain.lines):
        try:
            space["special"] = import_module("scipy.special")
        except ImportError:
            raise UsageError("the code needs SciPy, which is not installed", hint="pip install scipy") from None
    run: Run = running.function("run", "\n".join([*plain.helpers, *text]), space)
    try:
        with np.errstate(all="ignore"):
            found = run(*point(exported, made))
    except (ArithmeticError, ValueError, TypeError) as error:
        raise UsageError(
            f"{'NumPy' if made.tensorial else 'plain Python'} cannot compute this at these values: {error}",
            hint="a branch that is not taken may be undefined here; --to numpy computes it",
        ) from None
    for pin, (value, gradient) in zip(made.pins, found, strict=True):
        for one, other in ((value, gradients.trace.at(pin.place)), (gradient, gradients.at(pin.place))):
            largest = np.max(np.abs(other))
            if not np.all(np.abs(np.asarray(one) - other) <= AGREES * largest + 1e-300):
                raise UsageError(f"at these values the code for {pin.name} loses digits: it cannot be pinned")
    return run


def point(exported: Exported, made: Passes) -> list[Any]:
    """The values, in order; a number among tensors as NumPy has it."""
    values = [exported.values[name] for name in exported.graph.inputs]
    if not made.tensorial:
        return values
    import numpy as np

    return [np.float64(value) if isinstance(value, float) else value for value in values]


def differences(exported: Exported, made: Passes, run: Run, without: Collection[str] = ()) -> dict[str, float]:
    """The steps at which differences agree with the gradients; without the variables where none do.

    without: variables that are left out.
    """
    import numpy as np

    found: dict[str, float] = {}
    graph = exported.graph
    values = dict(zip(graph.inputs, point(exported, made), strict=True))
    output = next((k for k, pin in enumerate(made.pins) if pin.place == graph.output), None)
    places = {pin.place: k for k, pin in enumerate(made.pins)}
    if output is None:
        return found
    for name in [name for name in exported.wrt if name not in without][:MOST_VARIABLES]:
        x = values[name]
        along = np.array([cos(k) for k in range(prod(shape_of(x)))]).reshape(shape_of(x)) if shape_of(x) else 1.0
        scale = float(np.max(np.abs(x))) or 1.0
        for relative in STEPS:
            step = float(f"{relative * scale:.0e}")
            try:
                with np.errstate(all="ignore"):
                    above, below = (
                        run(*[values[n] + sign * step * along if n == name else values[n] for n in graph.inputs])
                        for sign in (1, -1)
                    )
                    at = run(*[values[n] for n in graph.inputs])
                    quotient = np.sum(np.asarray(above[output][0]) - below[output][0]) / (2 * step)
                    expected = np.sum(at[places[graph.inputs[name]]][1] * along)
            except (ArithmeticError, ValueError, TypeError):
                continue
            if abs(quotient - expected) <= CLOSE * abs(expected):
                found[name] = step
                break
    return found
