"""C99: one function, which returns the value and fills in the gradients."""

from __future__ import annotations

import re

from gradcli.export.about import WIDTH, about, renamed, wrapped
from gradcli.export.exported import Exported
from gradcli.export.naming import Names, function_name
from gradcli.export.plan import Plan, plan
from gradcli.systems.dialects.c import C

FUNCTION = "value_and_grad"

RESERVED = frozenset(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while exp
    expm1 exp2 log log2 log10 log1p logb ilogb pow sqrt cbrt hypot fabs floor ceil sin cos tan asin acos atan atan2
    sinh cosh tanh asinh acosh atanh erf erfc lgamma tgamma nearbyint rint lrint llrint round lround llround trunc
    fma fmax fmin fdim fmod remainder remquo frexp ldexp modf scalbn scalbln copysign nan nextafter nexttoward isnan
    isinf isfinite isnormal signbit fpclassify larger smaller sign normal_cdf main printf grad NULL EOF INFINITY NAN
    HUGE_VAL FP_NAN stdin stdout stderr asm typeof linux unix i386
    """.split()
)


def written(exported: Exported) -> str:
    """The function, and a program where values were given.

    Errors: Unspelled; UsageError for a formula of tensors.
    """
    function = function_name(exported.function, FUNCTION, RESERVED, "C")
    made = plan(exported, C, Names((*RESERVED, function)))
    words = about(exported, made.output, renamed(made.parameters), notes(exported, made))
    head = [*comment(words), "#include <math.h>", *(["#include <stdio.h>"] if exported.complete else []), ""]
    helpers = [*made.helpers, ""] if made.helpers else []
    return "\n".join([*head, *helpers, *body(exported, made, function), *program(exported, made, function)])


def notes(exported: Exported, made: Plan) -> list[str]:
    """What the array has in it."""
    if not exported.wrt:
        return []
    return [f"grad: {', '.join(f'd{made.output}/d{name}' for name in exported.wrt)}.", "Compile with -lm."]


def harmless(text: str) -> str:
    """Text that ends no comment, and begins none."""
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")


def comment(paragraphs: list[str]) -> list[str]:
    """Paragraphs as a comment."""
    head, *rest = [harmless(text) for text in paragraphs]
    first, *more = wrapped([head], WIDTH - 3)
    lines = [
        f"/* {first}",
        *(f" * {line}" for line in more),
        " *",
        *(f" * {line}" for line in wrapped(rest, WIDTH - 3)),
    ]
    return [*lines, " */"]


def body(exported: Exported, made: Plan, function: str) -> list[str]:
    """The function."""
    parameters = [f"double {name}" for name in made.parameters.values()]
    if exported.wrt:
        parameters.append(f"double grad[{len(exported.wrt)}]")
    signature = f"double {function}({', '.join(parameters) or 'void'})"
    if len(signature) > WIDTH:
        signature = f"double {function}(\n    " + ",\n    ".join(parameters) + ")"
    lines = [C.assignment.format(name=step.name, code=step.code) for step in made.steps]
    lines += [f"grad[{k}] = {made.gradients[name]};" for k, name in enumerate(exported.wrt)]
    lines.append(f"return {made.value};")
    words = {word for line in lines for word in re.findall(r"\w+", line)}
    unused = [f"(void){name};" for name in made.parameters.values() if name not in words]
    return [signature, "{", *(f"    {line}" for line in (*unused, *lines)), "}"]


def program(exported: Exported, made: Plan, function: str) -> list[str]:
    """A main function that prints the results at the values given."""
    if not exported.complete:
        return []
    arguments = [C.number(exported.values[name]) for name in made.parameters]
    lines = [f"double grad[{len(exported.wrt)}];"] if exported.wrt else []
    arguments += ["grad"] if exported.wrt else []
    lines.append(f'printf("{made.output} = %.17g\\n", {function}({", ".join(arguments)}));')
    for k, name in enumerate(exported.wrt):
        lines.append(f'printf("d{made.output}/d{name} = %.17g\\n", grad[{k}]);')
    return ["", "int main(void)", "{", *(f"    {line}" for line in lines), "    return 0;", "}"]
