"""What stands over the code: the formula, what is returned, what was chosen where calculus leaves a choice."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from gradcli import __version__
from gradcli.errors import visible
from gradcli.export.exported import Exported
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.render.rows import statements
from gradcli.systems.dialects.javascript import JAVASCRIPT
from gradcli.systems.source import Source, kinked

PRODUCT = JAVASCRIPT.spelling(TABLE["mul"])

WIDTH = 100
"""Columns of prose and of lists."""

LONGEST = 600
"""Characters up to which a formula is repeated."""


def about(exported: Exported, output: str, renamed: Mapping[str, str], notes: Iterable[str] = ()) -> list[str]:
    """What stands over the code: paragraphs of plain text, the user's own made harmless.

    output: the name of the output.   renamed: variable → its name in the code, where that differs.
    """
    *before, last = [visible(statement) for statement in statements(exported.text)] or [""]
    formula = "; ".join([*before, last if output in exported.graph.labels.values() else f"{output} = {last}"])
    head = formula if len(formula) <= LONGEST else f"{formula[: LONGEST - 1]}…"
    by = f"its gradients by {', '.join(exported.wrt)}" if exported.wrt else "no gradient"
    by = by.replace("gradients by", "gradient by") if len(exported.wrt) == 1 else by
    found = [head, f"Returns {output} and {visible(by)}."]
    if renamed:
        found.append(f"Here {' and '.join(f'{short} is {visible(name)}' for name, short in renamed.items())}.")
    found += notes
    kinks = conventions(exported.graph)
    if kinks:
        found.append(f"At kinks: {'; '.join(kinks)}.")
    found.append(f"Written by gradcli {__version__}.")
    return found


def conventions(graph: Graph) -> list[str]:
    """What is taken for a derivative where calculus leaves a choice, of each op that can meet such a point here."""
    found: dict[str, None] = {}
    for i in kinked(graph):
        op, parents = graph.ops[i], graph.parents[i]
        known = [graph.numbers[p].value if p in graph.numbers else None for p in parents]
        if op.convention and (op.structural or op.body is not None or meets(op, known)):
            found[op.convention] = None
    return list(found)


def meets(op: Op, known: list[float | None]) -> bool:
    """Whether an op can be at a kink, some of its inputs being known."""
    m = Source(JAVASCRIPT)
    x = [m.line(f"x{k}", ()) if value is None else m.literal(value) for k, value in enumerate(known)]
    kinks: Any = op.predicate("kinks")
    waiting = [m.element(kinks(m, *x))]
    while waiting:  # a product is 0 where one of its factors is
        code = waiting.pop()
        if code.value == 0:
            return False
        if code.value is None and m.lines[code.index].pattern == PRODUCT:
            waiting += m.lines[code.index].parts
    return True


def renamed(parameters: Mapping[str, str]) -> dict[str, str]:
    """The variables whose names in the code are not their own."""
    return {name: short for name, short in parameters.items() if name != short}


class Wrapper(textwrap.TextWrapper):
    """Lines of text, broken at spaces, and between the terms of a formula that has none."""

    def _split(self, text: str) -> list[str]:
        """The pieces that stay whole."""
        room = self.width - len(self.subsequent_indent)
        pieces = super()._split(text)
        return [part for piece in pieces for part in (BREAKS.split(piece) if len(piece) > room else [piece])]


BREAKS = re.compile(r"(?<=[^eE][-+,])")
"""Where a formula is broken that does not fit a line: between terms or arguments, not in 1e-5."""


def wrapped(paragraphs: Iterable[str], width: int = WIDTH, indent: str = "") -> list[str]:
    """Paragraphs as lines."""
    wrapper = Wrapper(
        width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line for text in paragraphs for line in wrapper.wrap(text)]
