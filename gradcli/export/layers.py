"""NumPy in layers, as in chapter 5 of "Deep Learning from Scratch": a class for each op, wired forward and backward."""

from __future__ import annotations

from typing import NamedTuple

from gradcli.errors import visible
from gradcli.export.about import WIDTH, about, renamed
from gradcli.export.exported import Exported
from gradcli.export.layer import Layer, layer
from gradcli.export.naming import PYTHON, Names, function_name
from gradcli.export.plan import called
from gradcli.export.python import docstring, listed, quoted
from gradcli.export.tensor_text import array, constant
from gradcli.export.traced import MOST, entries, shapeless, shapes_of, shapes_text
from gradcli.graph import Graph
from gradcli.ops.op import Op, Shape
from gradcli.shapes import infer, settled, shape_of

FUNCTION = "value_and_grad"

CALLED = "layers"

RESERVED = (*PYTHON, "special", "sigmoid", "placed", "self")

QUIET = '@np.errstate(all="ignore")  # of the branches that are not taken'


Numbers = tuple[tuple[int, float], ...]
"""Which inputs of an op are numbers, and their values."""


class Unit(NamedTuple):
    """A node as a layer of the net.

    place: on the tape.   name, layer: its class.   asked: the inputs whose gradients are wanted here.
    """

    place: int
    name: str
    layer: Layer
    asked: frozenset[int]


def written(exported: Exported) -> str:
    """The classes, the net, and an example where values were given.

    Errors: Unspelled; UsageError.
    """
    function = function_name(exported.function, FUNCTION, PYTHON, "Python")
    shapes = shapes_of(exported, CALLED)
    if exported.complete:
        shapes = {name: shape_of(exported.values[name]) for name in exported.graph.inputs}
    inferred = infer(exported.graph, {index: shapes[name] for name, index in exported.graph.inputs.items()})
    graph = settled(exported.graph, inferred)
    names = Names((*RESERVED, function))
    units = layers(graph, inferred, exported.wrt, names)
    classes = {unit.name: unit.layer for unit in units}
    parameters = names.variables(graph.inputs)
    note = f"Arrays of these shapes: {shapes_text(shapes)}."
    if shapeless(graph):
        note = note if any(shapes.values()) else "Floats, or arrays of one shape."
    notes = [note, *warnings(graph)]
    text = docstring(about(exported, called(graph), renamed(parameters), notes))
    body = net(graph, inferred, units, parameters, exported.wrt, names)
    helpers = dict.fromkeys(line for each in classes.values() for line in [helper_text(each)] if line)
    written_classes = [line for name, each in classes.items() for line in (*class_text(name, each), "", "")]
    special = ["from scipy import special"] if any("special." in line for line in written_classes) else []
    quiet = [QUIET] if any("np.where(" in line for line in (*written_classes, *helpers)) else []
    return "\n".join(
        [
            "import numpy as np",
            *special,
            "",
            "",
            *(line for helper in helpers for line in (*helper.splitlines(), "", "")),
            *written_classes,
            *quiet,
            *listed(f"def {function}(", list(parameters.values()), "):", ""),
            *text,
            *body,
            *example(exported, parameters, function),
        ]
    )


# ── classes ─────────────────────────────────────────────────────────────────────────────────────────────────


def layers(graph: Graph, shapes: list[Shape], wrt: tuple[str, ...], names: Names) -> list[Unit]:
    """The layer of each node that the output needs; nodes of the same code share a class."""
    reached = graph.leading(wrt) if wrt else bytearray(len(graph))
    needed = [i for i, parents in enumerate(graph.parents) if graph.used[i] and parents]
    wanted: dict[tuple[Op, Numbers], set[int]] = {}
    asked = {}
    for i in needed:
        asked[i] = frozenset(k for k, p in enumerate(graph.parents[i]) if reached[p] and graph.ops[i].passes(k))
        wanted.setdefault((graph.ops[i], constants(graph, i)), set()).update(asked[i])
    known: dict[tuple[object, ...], Unit] = {}
    classes: dict[tuple[str, ...], str] = {}
    found = []
    for i in needed:
        op, set_, given = graph.ops[i], constants(graph, i), tuple(shapes[p] for p in graph.parents[i])
        if (op, set_, given) not in known:
            made = layer(op, given, shapes[i], dict(set_), sorted(wanted[op, set_]))
            text = made.doc, *made.body
            if text not in classes:
                classes[text] = names.take(class_name(op), class_name(op))
            known[op, set_, given] = Unit(i, classes[text], made, asked[i])
        found.append(known[op, set_, given]._replace(place=i, asked=asked[i]))
    return found


def constants(graph: Graph, index: int) -> Numbers:
    """The inputs of a node that are numbers, which are a part of its layer."""
    given = [(k, graph.numbers[p].value) for k, p in enumerate(graph.parents[index]) if p in graph.numbers]
    return tuple((k, float(value)) for k, value in given if not isinstance(value, tuple))


def class_name(op: Op) -> str:
    """What the layer of an op is called, as the book does: MulLayer, Sigmoid, SoftmaxWithLoss."""
    cited = op.source.lower().replace("-", "_")
    name = next((alias for alias in op.aliases if "_" in alias and alias in cited), op.name)
    words = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    return f"{words}Layer" if op.notation is not None else words


def class_text(name: str, made: Layer) -> list[str]:
    """A class."""
    doc = made.doc.replace("\\", "\\\\").replace('"', '\\"')
    return [f"class {name}:", f'    """{doc}"""', "", *made.body]


def helper_text(made: Layer) -> str:
    """The definitions that a class uses."""
    return "\n".join(made.helpers)


# ── the net ─────────────────────────────────────────────────────────────────────────────────────────────────


def net(
    graph: Graph, shapes: list[Shape], units: list[Unit], parameters: dict[str, str], wrt: tuple[str, ...], names: Names
) -> list[str]:
    """The body of the function: the layers, forward through them in order, and backward."""
    texts = {index: parameters[name] for name, index in graph.inputs.items()}
    texts |= {index: constant(literal.value) for index, literal in graph.numbers.items()}
    instances = {}
    for unit in units:
        texts[unit.place] = names.take(graph.names[unit.place], "n")
        instances[unit.place] = names.take(f"{texts[unit.place]}_layer", "layer")
    short = list(parameters.values())
    lines = converted(short)
    lines += ["    # the layers", *(f"    {instances[u.place]} = {u.name}()" for u in units)] if units else []
    lines += ["    # forward"] if units else []
    for unit in units:
        arguments = [texts[graph.parents[unit.place][k]] for k in unit.layer.takes]
        lines += listed(f"{texts[unit.place]} = {instances[unit.place]}.forward(", arguments, ")")
    gradients, back = backward(graph, shapes, units, texts, instances, names)
    lines += back
    items = []
    for name in wrt:
        found = gradients.get(graph.inputs[name])
        items.append(f"{quoted(name)}: {found if found else f'np.zeros(np.shape({parameters[name]}))'}")
    return [*lines, *listed(f"return {texts[graph.output]}, {{", items, "}")]


def converted(short: list[str]) -> list[str]:
    """The line that makes arrays of numbers of the parameters."""
    several = f"    {', '.join(short)} = (np.asarray(v, dtype=float) for v in ({', '.join(short)}))"
    if len(short) > 1 and len(several) <= WIDTH:
        return [several]
    return [f"    {name} = np.asarray({name}, dtype=float)" for name in short]


def backward(
    graph: Graph, shapes: list[Shape], units: list[Unit], texts: dict[int, str], instances: dict[int, str], names: Names
) -> tuple[dict[int, str], list[str]]:
    """The lines of the backward pass, and by its position what each node's gradient is called there."""
    output, found, lines = graph.output, dict[int, str](), list[str]()
    if not graph.parents[output] or any(unit.asked for unit in units if unit.place == output):
        found[output] = names.take(f"d{texts[output]}", "d")
        one = "np.float64(1)" if any(shapes) else "1.0"
        one = f"np.ones(np.shape({texts[output]}))" if shapes[output] else one
        lines = ["    # backward", f"    {found[output]} = {one}"]
    for unit in reversed(units):
        parents = graph.parents[unit.place]
        if unit.place not in found or not unit.asked.intersection(unit.layer.returns):
            continue
        arriving = []
        for k in unit.layer.returns:
            p = parents[k]
            if k not in unit.asked:
                arriving.append((p, "_"))
                continue
            name = names.take(f"d{texts[p]}", "d") if p not in found else names.numbered(f"{found[p]}_")
            arriving.append((p, name))
            found.setdefault(p, name)
        called = ", ".join(name for _, name in arriving)
        lines.append(f"    {called} = {instances[unit.place]}.backward({found[unit.place]})")
        for p, name in arriving:
            if name not in ("_", found.get(p)):
                lines.append(f"    {found[p]} = {found[p]} + {name}")
    return found, lines


def warnings(graph: Graph) -> list[str]:
    """What is to be said of branches that are not taken: a layer below cannot tell its gradient from a true 0."""
    risky = bytearray(len(graph))
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        risky[i] = bool(parents) and (op.domain is not None or any(risky[p] for p in parents))
        if op.selects and any(risky[p] for k, p in enumerate(parents) if op.passes(k)):
            return [
                "The layers of a branch that is not taken are handed 0: where their slope is infinite, that is nan."
            ]
    return []


def example(exported: Exported, parameters: dict[str, str], function: str) -> list[str]:
    """What runs the net where the file is run."""
    if not exported.complete:
        return []
    count = entries(exported.values)
    if count > MOST:
        return ["", "", f"# The {count:,} numbers of the example are too many to be written here."]
    output = visible(called(exported.graph))
    lines = [f"    value, gradients = {function}("]
    for name, short in parameters.items():
        lines += array(f"{short}=", exported.values[name], ",", indent="        ")
    said = quoted(f"{output} =")
    prefix = quoted(f"d{output}/d")
    return [
        "",
        "",
        'if __name__ == "__main__":',
        *(lines if parameters else [f"    value, gradients = {function}("]),
        "    )",
        f"    print({said}, np.asarray(value).tolist())",
        "    for name, gradient in gradients.items():",
        f'        print({prefix} + name + " =", np.asarray(gradient).tolist())',
    ]
