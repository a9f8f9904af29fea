"""pytest: a file that pins every node's value and gradient at one point, and holds the gradients against differences.

The formula stands in it as plain Python, or NumPy for tensors, so that it runs by itself, and an engineer can put the
function that is to be tested in its place.
"""

from __future__ import annotations

from gradcli.autodiff import Gradients, Value
from gradcli.errors import LimitError, UsageError
from gradcli.export.about import about, renamed, wrapped
from gradcli.export.exported import Exported
from gradcli.export.naming import PYTHON, Names, function_name
from gradcli.export.passes import Passes, differences, passes, ran
from gradcli.export.plan import called
from gradcli.export.python import listed, number, quoted
from gradcli.export.tensor_text import array
from gradcli.export.traced import entries, indices
from gradcli.shapes import shape_of

FUNCTION = "value_and_grad"

RESERVED = (*PYTHON, *"math pytest special nodes passes max min abs round sigmoid logaddexp placed".split())

MOST = 20_000
"""Numbers that are pinned at most."""


def written(exported: Exported) -> str:
    """The file.

    Errors: Unspelled; LimitError; UsageError without values, and where something is not finite at them.
    """
    if not exported.complete:
        missing = next(name for name in exported.graph.inputs if name not in exported.values)
        raise UsageError(
            "a test pins numbers at one point, and no values are given",
            hint=f"give every variable its value, such as --{missing}=2",
        )
    graph = exported.graph
    function = function_name(exported.function, FUNCTION, PYTHON, "Python")
    gradients = evaluated(exported)
    names = Names((*RESERVED, function))
    made = passes(exported, gradients.trace.tensorial, names)
    steps = differences(
        exported, made, ran(exported, made, gradients), indices(gradients.graph, gradients.trace.shapes)
    )
    text = [
        line.replace("Returns", "Pinned are", 1) for line in about(exported, called(graph), renamed(made.parameters))
    ]
    parameters = list(made.parameters.values())
    whole = ", of the sum of its entries" if shape_of(gradients.trace.value) else ""
    wanted = [made.parameters[name] for name in exported.wrt]
    return "\n".join(
        [
            *module(text),
            "",
            *imports(made),
            "",
            "# how far a number may be from the pinned one, and a difference quotient from a gradient",
            f"TOLERANCE = {{{quoted(RELATIVE[made.tensorial])}: 1e-9, {quoted(ABSOLUTE[made.tensorial])}: 1e-14}}",
            f"DIFFERENCES = {{{quoted(RELATIVE[made.tensorial])}: 1e-5, {quoted(ABSOLUTE[made.tensorial])}: 1e-12}}",
            "",
            "# the point",
            *table(
                "AT",
                dict(zip(parameters, (exported.values[name] for name in graph.inputs), strict=True)),
                made.tensorial,
            ),
            "",
            f"# {called(graph)}, its gradients, and the steps of their differences",
            *pinned("VALUE = ", gradients.trace.value, ""),
            *table("GRADIENTS", {made.parameters[name]: gradients[name] for name in exported.wrt}),
            *table("STEPS", {made.parameters[name]: step for name, step in steps.items()}),
            *left_out([short for name, short in made.parameters.items() if name in exported.wrt and name not in steps]),
            "",
            "# every node: its value, and its gradient",
            *nodes(made, gradients),
            "",
            "",
            *(line for helper in made.helpers for line in (*helper.splitlines(), "", "")),
            *listed("def passes(", parameters, "):", ""),
            '    """Every node\'s value and gradient, gate by gate."""',
            *(f"    {line}" for line in made.lines),
            "    return {",
            *(f"        {quoted(pin.name)}: ({pin.value}, {pin.gradient})," for pin in made.pins),
            "    }",
            "",
            "",
            *listed(f"def {function}(", parameters, "):", ""),
            f'    """{called(graph)}, and its gradients{whole}: put the function to be tested in its place."""',
            *listed("nodes = passes(", parameters, ")"),
            *listed(
                f"return nodes[{quoted(graph.names[graph.output])}][0], {{",
                [
                    f"{quoted(short)}: nodes[{quoted(name)}][1]"
                    for name, short in made.parameters.items()
                    if short in wanted
                ],
                "}",
            ),
            *tests(made.tensorial, function),
        ]
    )


RELATIVE, ABSOLUTE = ("rel", "rtol"), ("abs", "atol")
"""What tolerances are called, of numbers and of arrays."""


def evaluated(exported: Exported) -> Gradients:
    """Both passes, every number of them finite.

    Errors: UsageError; LimitError.
    """
    trace = exported.graph.forward(exported.values)
    shape, upstream = trace.shapes[trace.graph.output], None
    if shape:
        import numpy as np

        upstream = np.ones(shape)
    gradients = trace.backward(upstream)
    graph = trace.graph
    shown = [i for i in graph.shown if graph.used[i]]
    for i in shown:
        for what, value in ((graph.names[i], trace.at(i)), (f"the gradient of {graph.names[i]}", gradients.at(i))):
            if not trace.m.finite(value):
                raise UsageError(f"{what} is not finite at these values: only finite numbers are pinned")
    count = 2 * entries({str(i): trace.at(i) for i in shown})
    if count > MOST:
        raise LimitError(f"a test of {count:,} numbers is larger than {MOST:,}", hint="take a smaller batch")
    return gradients


def imports(made: Passes) -> list[str]:
    """What the file imports."""
    code = "\n".join([*made.lines, *made.helpers, *(f"{pin.value} {pin.gradient}" for pin in made.pins)])
    found = ["import math", ""] if "math." in code else []
    found += ["import numpy as np"] if made.tensorial else []
    return [*found, "import pytest", *(["from scipy import special"] if "special." in code else [])]


def module(text: list[str]) -> list[str]:
    """Paragraphs as the docstring of a file."""
    head, *rest = [each.replace("\\", "\\\\").replace('"', '\\"') for each in text]
    return [*wrapped([f'"""Pins {head}']), "", *wrapped(rest), '"""']


def pinned(opening: str, value: Value, closing: str, indent: str = "") -> list[str]:
    """A pinned number, or array."""
    if isinstance(value, float):
        return [f"{indent}{opening}{number(value)}{closing}"]
    return array(f"{opening}np.array(", value, f"){closing}", indent)


def table(name: str, values: dict[str, Value], tensorial: bool = False) -> list[str]:
    """A dictionary of numbers.   tensorial: whether they are NumPy's."""
    if not values:
        return [f"{name} = {{}}"]
    lines = []
    for key, value in values.items():
        wrap = ("np.float64(", ")") if tensorial and isinstance(value, float) else ("", "")
        lines += pinned(f"{quoted(key)}: {wrap[0]}", value, f"{wrap[1]},", "    ")
    return [f"{name} = {{", *lines, "}"]


def left_out(names: list[str]) -> list[str]:
    """Which gradients are not compared with differences."""
    return (
        wrapped([f"# not compared with differences, which cannot tell them here: {', '.join(names)}"]) if names else []
    )


def nodes(made: Passes, gradients: Gradients) -> list[str]:
    """The table of all nodes."""
    lines = []
    for pin in made.pins:
        value, gradient = gradients.trace.at(pin.place), gradients.at(pin.place)
        if isinstance(value, float) and isinstance(gradient, float):
            lines.append(f"    {quoted(pin.name)}: ({number(value)}, {number(gradient)}),")
        else:
            lines += [
                f"    {quoted(pin.name)}: (",
                *pinned("", value, ",", " " * 8),
                *pinned("", gradient, ",", " " * 8),
            ]
            lines.append("    ),")
    return ["NODES = {", *lines, "}"]


def tests(tensorial: bool, function: str) -> list[str]:
    """The tests."""
    return (TENSOR_TESTS if tensorial else TESTS).format(function=function).rstrip("\n").split("\n")


TESTS = '''

def test_value():
    """The value is the one that is pinned."""
    value, _ = {function}(**AT)
    assert value == pytest.approx(VALUE, **TOLERANCE)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient(name):
    """Each gradient is the one that is pinned."""
    _, gradients = {function}(**AT)
    assert gradients[name] == pytest.approx(GRADIENTS[name], **TOLERANCE)


@pytest.mark.parametrize("name", STEPS)
def test_differences(name):
    """Each gradient is what a central difference of the value says."""
    step = STEPS[name]
    above, _ = {function}(**{{**AT, name: AT[name] + step}})
    below, _ = {function}(**{{**AT, name: AT[name] - step}})
    assert (above - below) / (2 * step) == pytest.approx(GRADIENTS[name], **DIFFERENCES)


@pytest.mark.parametrize("name", NODES)
def test_node(name):
    """Each node's value and gradient are the ones that are pinned."""
    assert passes(**AT)[name] == pytest.approx(NODES[name], **TOLERANCE)
'''

TENSOR_TESTS = '''

def test_value():
    """The value is the one that is pinned."""
    value, _ = {function}(**AT)
    np.testing.assert_allclose(value, VALUE, **TOLERANCE)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient(name):
    """Each gradient is the one that is pinned."""
    _, gradients = {function}(**AT)
    np.testing.assert_allclose(gradients[name], GRADIENTS[name], **TOLERANCE)


@pytest.mark.parametrize("name", STEPS)
def test_differences(name):
    """Each gradient is what a central difference says, of the sum of the value's entries along one direction."""
    shape = np.shape(AT[name])
    along = np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)
    above, _ = {function}(**{{**AT, name: AT[name] + STEPS[name] * along}})
    below, _ = {function}(**{{**AT, name: AT[name] - STEPS[name] * along}})
    quotient = np.sum(above - below) / (2 * STEPS[name])
    np.testing.assert_allclose(quotient, np.sum(GRADIENTS[name] * along), **DIFFERENCES)


@pytest.mark.parametrize("name", NODES)
def test_node(name):
    """Each node's value and gradient are the ones that are pinned."""
    for found, expected in zip(passes(**AT)[name], NODES[name]):
        np.testing.assert_allclose(found, expected, **TOLERANCE)
'''
