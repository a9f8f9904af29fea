"""What NumPy and JAX have in common: a function of the variables that returns the value and a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

from gradcli.export.about import WIDTH, about, renamed
from gradcli.export.exported import Exported
from gradcli.export.naming import PYTHON, Names, function_name
from gradcli.export.plan import called, plan
from gradcli.export.python import docstring, listed, number, quoted
from gradcli.systems.dialects.dialect import Dialect

FUNCTION = "value_and_grad"


class Library(NamedTuple):
    """A library of arrays.

    module: its name in the code.   imports, special: the lines that import it, and its special functions.
    dialect: numbers in it.   tensors: the module of gradcli.systems.dialects for whole tensors.
    quiet: what stands over a function that has branches.
    """

    module: str
    imports: str
    special: str
    dialect: Dialect
    tensors: str
    quiet: str = ""


class Function(NamedTuple):
    """A function.   helpers: definitions that it needs.   parameters: variable → its name in the code."""

    helpers: list[str]
    parameters: Mapping[str, str]
    doc: list[str]
    lines: list[str]


def listing(exported: Exported, library: Library, *, setup: str = "", call: str = "{}", imports: str = "") -> str:
    """The whole file.

    setup, imports: what the example needs before it runs.   call: how it takes the function.
    Errors: Unspelled; UsageError.
    """
    name = function_name(exported.function, FUNCTION, PYTHON, "Python")
    names = Names((*PYTHON, "special", "sigmoid", "placed", name))
    numbers = not exported.graph.tensorial and all(isinstance(value, float) for value in exported.values.values())
    made = of_numbers(exported, library, names) if numbers else of_tensors(exported, library, names)
    code = "\n".join([*made.helpers, *made.lines])
    head = [imports] if imports and exported.complete else []
    head += [library.imports, *([library.special] if "special." in code else []), "", ""]
    head += [line for line in (*made.helpers, "", "") if made.helpers]
    head += [library.quiet] if library.quiet and f"{library.module}.where(" in code else []
    signature = listed(f"def {name}(", list(made.parameters.values()), "):", "")
    end = example(exported, library, made, call.format(name), setup, numbers=numbers) if exported.complete else []
    return "\n".join([*head, *signature, *made.doc, *made.lines, *end])


def of_numbers(exported: Exported, library: Library, names: Names) -> Function:
    """A function that works entry by entry.

    Errors: Unspelled.
    """
    made = plan(exported, library.dialect, names)
    lines = converted(library, list(made.parameters.values()))
    lines += [f"    {library.dialect.assignment.format(name=step.name, code=step.code)}" for step in made.steps]
    items = [f"{quoted(name)}: {code}" for name, code in made.gradients.items()]
    lines += listed(f"return {made.value}, {{", items, "}")
    note = ["Floats, or arrays, entry by entry."] if made.parameters else []
    doc = docstring(about(exported, made.output, renamed(made.parameters), note))
    return Function(made.helpers, made.parameters, doc, lines)


def of_tensors(exported: Exported, library: Library, names: Names) -> Function:
    """A function of tensors whose shapes are known.

    Errors: Unspelled; UsageError where no shapes are known, or the output has several entries.
    """
    from gradcli.export.tensors import lines_of_tensors

    made = lines_of_tensors(exported, import_module(f"gradcli.systems.dialects.{library.tensors}").TENSORS, names)
    lines = converted(library, list(made.parameters.values()))
    lines += [f"    {line.name} = {line.code}" for line in made.lines]
    items = [f"{quoted(name)}: {code}" for name, code in made.gradients.items()]
    lines += listed(f"return {made.value}, {{", items, "}")
    doc = docstring(about(exported, called(exported.graph), renamed(made.parameters), [made.note]))
    return Function(made.helpers, made.parameters, doc, lines)


def converted(library: Library, short: list[str]) -> list[str]:
    """Lines that make arrays of floats of the parameters."""
    several = f"    {', '.join(short)} = ({library.module}.asarray(v, dtype=float) for v in ({', '.join(short)}))"
    if len(short) > 1 and len(several) <= WIDTH:
        return [several]
    return [f"    {name} = {library.module}.asarray({name}, dtype=float)" for name in short]


def example(
    exported: Exported, library: Library, made: Function, function: str, setup: str, *, numbers: bool
) -> list[str]:
    """What runs the function where the file is run."""
    if numbers:
        given = [f"{short}={number(exported.values[name])}" for name, short in made.parameters.items()]
        call = listed(f"value, gradients = {function}(", given, ")")
    else:
        from gradcli.export.tensors import arguments

        call = arguments(exported, made.parameters, f"value, gradients = {function}(", ")", f"{library.module}.array")
    output = called(exported.graph)
    shown = "gradient" if numbers else "gradient.tolist()"
    return [
        "",
        "",
        'if __name__ == "__main__":',
        *([f"    {setup}"] if setup else []),
        *call,
        f'    print("{output} =", value)',
        "    for name, gradient in gradients.items():",
        f'        print(f"d{output}/d{{name}} =", {shown})',
    ]
