"""A formula of tensors whose shapes are known in lines of one function, for NumPy and what is like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gradcli.errors import UsageError
from gradcli.export.exported import Exported
from gradcli.export.halves import Line, Wishes, Writer, numbers
from gradcli.export.naming import Names
from gradcli.export.tensor_text import array
from gradcli.export.traced import MOST, entries, require_values, shapes_text, traced, wishes_of
from gradcli.ops.mismatch import shown
from gradcli.shapes import shape_of
from gradcli.systems.dialects.dialect import ATOM
from gradcli.systems.dialects.tensors import Tensors


class Tensorial(NamedTuple):
    """Lines.   helpers: definitions that they use.   value, gradients: how the results are written.   note: shapes."""

    helpers: list[str]
    parameters: dict[str, str]
    lines: list[Line]
    value: str
    gradients: dict[str, str]
    note: str


def lines_of_tensors(exported: Exported, tensors: Tensors, names: Names) -> Tensorial:
    """The lines of the value and of the gradients.

    Errors: Unspelled; UsageError where no shapes are known, or the output has several entries.
    """
    graph = exported.graph
    require_values(exported, tensors.dialect.called)
    shapes = {name: shape_of(exported.values[name]) for name in graph.inputs}
    parameters = names.variables(graph.inputs)
    made = traced(graph, shapes, exported.wrt, tensors, parameters)
    out = made.shapes[graph.output]
    if out:
        raise UsageError(
            f"the output has the shape {shown(out)}: which gradient is meant?",
            hint="sum(…) has one; without values, a formula of numbers is code that takes arrays entry by entry",
        )
    results = [made.value, *made.gradients.values()]
    wishes, kept = wishes_of(made)
    m = made.m
    texts = numbers(m) | {leaf.index: (m.lines[leaf.index].pattern, ATOM) for leaf in m.leaves}
    lines = Writer(m, Wishes(wishes, kept), names).lines(texts, m.uses(results), {made.value.index})
    gradients = {name: texts[code.index][0] for name, code in made.gradients.items()}
    note = f"Arrays of these shapes: {shapes_text(shapes)}."
    return Tensorial(m.helpers(results), parameters, lines, texts[made.value.index][0], gradients, note)


def arguments(exported: Exported, parameters: Mapping[str, str], opening: str, closing: str, made: str) -> list[str]:
    """A call at the values given, an argument a line.   made: what makes an array of a list.

    Errors: UsageError for an example too large to be written out.
    """
    if entries(exported.values) > MOST:
        raise UsageError(
            f"the values have more than {MOST:,} entries, too many to be written out",
            hint="smaller ones do, whose shapes matter in the same way",
        )
    lines = [f"    {opening}"]
    for name, short in parameters.items():
        value = exported.values[name]
        number = isinstance(value, float)
        lines += array(f"{short}={'' if number else f'{made}('}", value, "," if number else "),", "        ")
    return [*lines, f"    {closing}"]
