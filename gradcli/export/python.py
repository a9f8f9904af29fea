"""What the targets have in common that are Python: the docstring, the numbers, the example at the end."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping

from gradcli import __version__
from gradcli.errors import visible
from gradcli.export.exported import Exported
from gradcli.graph import Graph
from gradcli.render.rows import statements

WIDTH = 100
"""Columns of prose and of lists."""

LONGEST = 600
"""Characters up to which a formula is repeated."""


def about(exported: Exported, output: str, renamed: Mapping[str, str], notes: Iterable[str] = ()) -> list[str]:
    """What stands over the code: paragraphs of plain text, the user's own made harmless.

    output: the name of the output.   renamed: variable → its name in the code, where that differs.
    """
    formula = visible("; ".join(statements(exported.text)))
    formula = formula if len(formula) <= LONGEST else f"{formula[: LONGEST - 1]}…"
    by = f"its gradients by {', '.join(exported.wrt)}" if exported.wrt else "no gradient"
    by = by.replace("gradients by", "gradient by") if len(exported.wrt) == 1 else by
    head = formula if output in labelled(exported.graph) else f"{output} = {formula}"
    found = [head, f"Returns {output} and {visible(by)}."]
    found += [f"{short} is {visible(name)}." for name, short in renamed.items()]
    found += notes
    kinks = conventions(exported.graph)
    if kinks:
        found.append(f"At kinks: {'; '.join(kinks)}.")
    found.append(f"Written by gradcli {__version__}.")
    return found


def labelled(graph: Graph) -> set[str]:
    """The names that the user gave."""
    return set(graph.labels.values())


def conventions(graph: Graph) -> list[str]:
    """What is taken for a derivative where calculus leaves a choice, for each op of the output that has such points."""
    found = (op.convention for i, op in enumerate(graph.ops) if graph.used[i] and graph.varied[i])
    return list(dict.fromkeys(said for said in found if said))


def renamed(parameters: Mapping[str, str]) -> dict[str, str]:
    """The variables whose names in the code are not their own."""
    return {name: short for name, short in parameters.items() if name != short}


def wrapped(paragraphs: Iterable[str], width: int = WIDTH, indent: str = "") -> list[str]:
    """Paragraphs as lines."""
    return [
        line
        for text in paragraphs
        for line in textwrap.wrap(
            text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    ]


def docstring(paragraphs: list[str]) -> list[str]:
    """Paragraphs as a docstring: the first, an empty line, the others."""
    head, *rest = [text.replace("\\", "\\\\").replace('"', '\\"') for text in paragraphs]
    first, *more = wrapped([f'"""{head}'], indent="    ")
    return [first, *more, "", *wrapped(rest, indent="    "), '    """']


def quoted(name: str) -> str:
    """A variable's name as a string."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(opening: str, items: list[str], closing: str, indent: str = "    ") -> list[str]:
    """A list on one line, or where that is long on a line an item."""
    line = f"{indent}{opening}{', '.join(items)}{closing}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{opening}", *(f"{indent}    {item}," for item in items), f"{indent}{closing}"]


def number(value: float) -> str:
    """A number as Python reads it."""
    text = repr(value)
    return re.sub(r"(?<!\d)\.0$|\.0$", "", text) if re.fullmatch(r"-?\d+\.0", text) and text != "-0.0" else special(text)


def special(text: str) -> str:
    """A number's text; inf and nan as a call."""
    return f'float("{text}")' if text.lstrip("-") in ("inf", "nan") else text
