"""PyTorch: an autograd.Function whose backward is written out, and that keeps what it needs, and nothing else."""

from __future__ import annotations

from gradcli.autodiff import Trace
from gradcli.errors import UsageError
from gradcli.export.about import about, renamed
from gradcli.export.exported import Exported
from gradcli.export.halves import Halves, Line, Wishes, halves
from gradcli.export.naming import PYTHON, Names, function_name
from gradcli.export.plan import called
from gradcli.export.python import docstring, listed, quoted
from gradcli.export.tensor_text import array, returned
from gradcli.export.traced import MOST, Traced, entries, indices, shapeless, shapes_of, shapes_text, traced, wishes_of
from gradcli.notes import at_kinks
from gradcli.systems.dialects.torch import TENSORS, TORCH

FUNCTION = "formula"

RESERVED = (*PYTHON, "ctx", "placed", "once_differentiable")

LARGE = 1000
"""Entries of all variables from which on gradcheck looks along random directions."""


def written(exported: Exported) -> str:
    """The function, and an example where values were given.

    Errors: Unspelled; UsageError.
    """
    graph = exported.graph
    if not graph.inputs:
        raise UsageError("a formula without variables has no gradients to be written")
    function = function_name(exported.function, FUNCTION, PYTHON, TORCH.called)
    shapes = shapes_of(exported, TORCH.called)
    names = Names((*RESERVED, function, class_name(function)))
    parameters = names.variables(graph.inputs)
    upstream = names.take(f"d_{called(graph)}", "d_n")
    made = traced(graph, shapes, exported.wrt, TENSORS, parameters, upstream)
    note = f"Tensors of these shapes: {shapes_text(shapes)}."
    if shapeless(graph):
        made, note = broadcast(made), "Tensors, entry by entry, broadcast as usual."
    results = {name: names.take(f"grad_{parameters[name]}", "grad") for name in exported.wrt}
    split = split_up(made, names)
    head, returns, *rest = about(exported, called(graph), renamed(parameters), [note])
    returns = returns.replace(" and its gradient", "; its backward gives the gradient", 1)
    text = docstring([head, returns, *rest])
    helpers = made.m.helpers([made.value, *made.gradients.values()])
    imports = ["import torch", "from torch.autograd.function import once_differentiable", "", ""]
    defined = [*helpers, "", ""] if helpers else []
    name = class_name(function)
    return "\n".join(
        [
            *imports,
            *defined,
            f"class {name}(torch.autograd.Function):",
            '    """The value, and its gradients written out."""',
            "",
            *front(split, list(parameters.values())),
            "",
            *back(split, parameters, results, upstream),
            "",
            "",
            *listed(f"def {function}(", list(parameters.values()), "):", ""),
            *text,
            *listed(f"return {name}.apply(", list(parameters.values()), ")"),
            *example(exported, made, parameters, function),
        ]
    )


def class_name(function: str) -> str:
    """The name of a class, by that of the function.

    >>> class_name("hinge_loss"), class_name("formula")
    ('HingeLoss', 'Formula')
    """
    found = "".join(word[:1].upper() + word[1:] for word in function.split("_"))
    return found if found[:1].isalpha() and found != function else f"Function_{function}"


def broadcast(made: Traced) -> Traced:
    """The gradients of a formula that works entry by entry, each summed back to the shape that its variable has."""
    m, gradients = made.m, dict(made.gradients)
    for name, code in made.gradients.items():
        place = made.graph.inputs[name]
        if m.settled(made.adjoints[place]).value is None:  # a number has been put in that shape
            gradients[name] = m.line(m.tensors.narrowed, (code, m.whole_shape(made.values[place])), ())
    return made._replace(gradients=gradients)


def split_up(made: Traced, names: Names) -> Halves:
    """The lines of both methods."""
    wishes, kept = wishes_of(made)
    value = made.value if made.value.value is None else made.m.full(made.value, made.m.leaves[0])
    return halves(
        made.m,
        value,
        made.gradients,
        Wishes(wishes, kept),
        names,
        inputs=len(made.graph.inputs),
        size="ctx.{}".format,
    )


def front(split: Halves, parameters: list[str]) -> list[str]:
    """The method that computes the value."""
    body = [f"{line.name} = {line.code}" for line in split.forward]
    sizes = [f"ctx.{name} = {code}" for name, code in split.sizes.items()]
    saved = listed("ctx.save_for_backward(", split.tensors, ")", "") if split.tensors else []
    return [
        "    @staticmethod",
        *listed("def forward(", ["ctx", *parameters], "):"),
        *(f"        {line}" for line in (*body, *sizes, *saved, f"return {split.value}")),
    ]


def back(split: Halves, parameters: dict[str, str], results: dict[str, str], upstream: str) -> list[str]:
    """The method that computes the gradients."""
    tensors = split.tensors
    comma = "," if len(tensors) == 1 else ""
    lines = listed("(", tensors, ") = ctx.saved_tensors", "") if len(", ".join(tensors)) > 70 else []
    if tensors and not lines:
        lines = [f"{', '.join(tensors)}{comma} = ctx.saved_tensors"]
    if results:
        lines.append(f"{' = '.join(results.values())} = None")
    lines += [f"{line.name} = {line.code}" for line in split.backward if line.owner is None]
    for k, name in enumerate(parameters):
        if name in results:
            own: list[Line] = [line for line in split.backward if line.owner == name]
            own.append(Line(results[name], own.pop().code if ends(own, split, name) else split.gradients[name]))
            lines += [f"if ctx.needs_input_grad[{k}]:", *(f"    {line.name} = {line.code}" for line in own)]
    found = [results.get(name, "None") for name in parameters]
    return [
        "    @staticmethod",
        "    @once_differentiable",
        f"    def backward(ctx, {upstream}):",
        *(f"        {line}" for line in lines),
        *returned(found),
    ]


def ends(own: list[Line], split: Halves, name: str) -> bool:
    """Whether the last line of these is the gradient itself."""
    return bool(own) and own[-1].name == split.gradients[name]


def example(exported: Exported, made: Traced, parameters: dict[str, str], function: str) -> list[str]:
    """What runs the function where the file is run, and checks its gradients by differences."""
    if not exported.complete:
        return []
    count = entries(exported.values)
    if count > MOST:
        return ["", "", f"# The {count:,} numbers of the example are too many to be written here."]
    lines, learning = [], [name for name in exported.wrt if name not in indices(made.graph, made.shapes)]
    for name, short in parameters.items():
        learns = ", requires_grad=True" if name in learning else ""
        lines += array(f"{short} = torch.tensor(", exported.values[name], f", dtype=torch.float64{learns})")
    trace = exported.graph.forward(exported.values)
    output, shape = called(exported.graph), trace.shapes[trace.graph.output]
    result = Names((*RESERVED, function, *parameters.values())).take(output, "n")
    pairs = [f"{quoted(name)}: {parameters[name]}.grad" for name in learning]
    lines += listed(f"{result} = {function}(", list(parameters.values()), ")")
    lines.append(f"    print({quoted(f'{output} =')}, {result}.tolist())")
    lines.append(f"    {result}.sum().backward()  # of the sum of its entries" if shape else f"    {result}.backward()")
    lines += listed("for name, gradient in {", pairs, "}.items():")
    lines.append(f'        print(f"d{output}/d{{name}} =", gradient.tolist())')
    return ["", "", 'if __name__ == "__main__":', *lines, *checked(trace, parameters, function, count)]


def at_jumps(trace: Trace) -> bool:
    """Whether something is compared with its equal."""
    from numpy import any as some

    for op, parents in zip(trace.graph.ops, trace.graph.parents, strict=True):
        if len(parents) == 2 and not op.structural and not any(map(op.passes, range(2))):
            left, right = (trace.values[p] for p in parents)
            if some(left == right):
                return True
    return False


def checked(trace: Trace, parameters: dict[str, str], function: str, count: int) -> list[str]:
    """The comparison with differences; none at a kink, where they lie across it."""
    shape, upstream = trace.shapes[trace.graph.output], None
    if shape:
        import numpy as np

        upstream = np.ones(shape)
    if at_kinks(trace.backward(upstream)) or at_jumps(trace):
        return ["    # These values are at a kink, where differences cannot tell the gradient: no gradcheck."]
    inputs = list(parameters.values())
    fast = ", fast_mode=True" if count > LARGE else ""
    comma = "," if len(inputs) == 1 else ""
    return [
        *listed(f"torch.autograd.gradcheck({function}, (", inputs, f"{comma}){fast})"),
        '    print("gradcheck: the gradients agree with differences")',
    ]
