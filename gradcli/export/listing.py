"""What NumPy and JAX have in common: a function of the variables that returns the value and a dictionary."""

from __future__ import annotations

from gradcli.export.about import WIDTH, about, renamed
from gradcli.export.exported import Exported
from gradcli.export.naming import PYTHON, Names, function_name
from gradcli.export.plan import Plan, plan
from gradcli.export.python import docstring, listed, number, quoted
from gradcli.systems.dialects.dialect import Dialect

FUNCTION = "value_and_grad"


def listing(
    exported: Exported,
    dialect: Dialect,
    module: str,
    library: str,
    special: str,
    *,
    quiet: str = "",
    setup: str = "",
    call: str = "{}",
) -> str:
    """The whole file.

    library, special: the lines that import the library, and its special functions.
    quiet: what stands over a function that has branches.   setup: what the example needs before it runs.
    call: how it takes the function.
    """
    function = function_name(exported.function, FUNCTION, PYTHON, "Python")
    names = Names((*PYTHON, "special", function))
    made = plan(exported, dialect, names)
    body = lines(exported, made, dialect, module)
    code = "\n".join(body)
    head = [library, *([special] if "special." in code else []), "", ""]
    note = ["Floats, or arrays, entry by entry."] if made.parameters else []
    over = [quiet] if quiet and f"{module}.where(" in code else []
    text = docstring(about(exported, made.output, renamed(made.parameters), note))
    signature = listed(f"def {function}(", list(made.parameters.values()), "):", "")
    return "\n".join([*head, *over, *signature, *text, *body, *example(exported, made, call.format(function), setup)])


def lines(exported: Exported, made: Plan, dialect: Dialect, module: str) -> list[str]:
    """The body of the function."""
    found = []
    short = list(made.parameters.values())
    several = f"    {', '.join(short)} = ({module}.asarray(v, dtype=float) for v in ({', '.join(short)}))"
    if len(short) > 1 and len(several) <= WIDTH:
        found.append(several)
    else:
        found += [f"    {name} = {module}.asarray({name}, dtype=float)" for name in short]
    found += [f"    {dialect.assignment.format(name=step.name, code=step.code)}" for step in made.steps]
    items = [f"{quoted(name)}: {code}" for name, code in made.gradients.items()]
    return [*found, *listed(f"return {made.value}, {{", items, "}")]


def example(exported: Exported, made: Plan, function: str, setup: str) -> list[str]:
    """What runs the function where the file is run."""
    if not exported.complete:
        return []
    arguments = [f"{short}={number(exported.values[name])}" for name, short in made.parameters.items()]
    call = listed(f"value, gradients = {function}(", arguments, ")")
    return [
        "",
        "",
        'if __name__ == "__main__":',
        *([f"    {setup}"] if setup else []),
        *call,
        f'    print("{made.output} =", value)',
        "    for name, gradient in gradients.items():",
        f'        print(f"d{made.output}/d{{name}} =", gradient)',
    ]
