"""JavaScript: a function in an ES module."""

from __future__ import annotations

import json
from math import isfinite

from gradcli.export.about import WIDTH, about, renamed, wrapped
from gradcli.export.exported import Exported
from gradcli.export.lines import Lines
from gradcli.export.naming import PLAIN, Names, function_name
from gradcli.export.plan import Plan, plan
from gradcli.export.python import listed
from gradcli.ops.op import Op
from gradcli.systems.dialects.javascript import MODULE
from gradcli.systems.source import Code

FUNCTION = "valueAndGrad"

RESERVED = frozenset(
    """
    arguments async await break case catch class const continue debugger default delete do else enum eval export extends
    false finally for function get if implements import in instanceof interface let new null of package private
    protected public return set static super switch this throw true try typeof undefined var void while with yield
    Math Infinity NaN Number Object Array String console globalThis value gradients name gradient
    power half_even bell middle tail erf erfc normal_cdf
    """.split()
)


def written(exported: Exported) -> str:
    """The module, and an example where values were given.

    Errors: Unspelled; UsageError for a formula of tensors.
    """
    function = function_name(exported.function, FUNCTION, RESERVED, "JavaScript")
    made = plan(exported, MODULE, Names((*RESERVED, function)), system=Powers)
    words = about(exported, made.output, renamed(made.parameters), ["An ES module, such as net.mjs."])
    helpers = [*made.helpers, ""] if made.helpers else []
    return "\n".join([*helpers, *comment(words), *body(made, function), *example(exported, made, function)])


class Powers(Lines):
    """Lines in which a power whose exponent is a finite number, for which JavaScript's is C's, is an operator."""

    def appended(self, op: Op, x: tuple[Code, ...]) -> Code:
        """The line of an op.

        Errors: Unspelled.
        """
        exponent = x[-1].value
        known = exponent is not None and isfinite(exponent) and exponent not in (0, 1)  # those two are simpler still
        if known and x[0].value is None and op.spelled.get("floats") == "pow":
            return self.line("#1 ** #2", x)
        return super().appended(op, x)


def harmless(text: str) -> str:
    """Text that ends no comment, nor the script of a page."""
    return text.replace("*/", "* /").replace("</", "< /").replace("<!", "< !")


def comment(paragraphs: list[str]) -> list[str]:
    """Paragraphs as a comment."""
    head, *rest = [harmless(text) for text in paragraphs]
    lines = [*wrapped([head], WIDTH - 3), "", *wrapped(rest, WIDTH - 3)]
    return ["/**", *(f" * {line}".rstrip() for line in lines), " */"]


def key(name: str) -> str:
    """A variable's name as the key of an object; in brackets that which would set the prototype."""
    text = json.dumps(name, ensure_ascii=False)
    return f"[{text}]" if name.startswith("__") else name if PLAIN.fullmatch(name) else text


def body(made: Plan, function: str) -> list[str]:
    """The function."""
    lines = [f"  {MODULE.assignment.format(name=step.name, code=step.code)}" for step in made.steps]
    entries = [key(name) if code == name else f"{key(name)}: {code}" for name, code in made.gradients.items()]
    value = "value" if made.value == "value" else f"value: {made.value}"
    inner = f"{{ {', '.join(entries)} }}" if entries else "{}"
    end = [f"  return {{ {value}, gradients: {inner} }};"]
    if len(end[0]) > WIDTH:
        gradients = [f"      {entry}," for entry in entries]
        end = ["  return {", f"    {value},", "    gradients: {", *gradients, "    },", "  };"]
    return [*listed(f"export function {function}(", list(made.parameters.values()), ") {", ""), *lines, *end, "}"]


def example(exported: Exported, made: Plan, function: str) -> list[str]:
    """What calls the function at the values given."""
    if not exported.complete:
        return []
    arguments = [MODULE.number(exported.values[name]) for name in made.parameters]
    return [
        "",
        *listed(f"const {{ value, gradients }} = {function}(", arguments, ");", ""),
        f"console.log(`{made.output} = ${{value}}`);",
        "for (const [name, gradient] of Object.entries(gradients)) {",
        f"  console.log(`d{made.output}/d${{name}} = ${{gradient}}`);",
        "}",
    ]
