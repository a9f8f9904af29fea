"""One line an edge, for spreadsheets: what each edge passes to its node, beside the node's own numbers.

A node's `downstream` cells add up to its `grad`. A node without edges that carry a gradient, the output among
them, has one line. Text that a spreadsheet would run as a formula is guarded with a leading '; numbers never.
The rule of an edge whose child selects another input is 0. A tensor is one cell, a nested list as it is typed; its
lengths stand in a last column `shape`, which tables of numbers alone do not have. A local gradient that is a large
Jacobian is left out: its rule says what it does, in our own language, with g for `upstream`; its value broadcasts to
the shape of `downstream`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradcli.cells import carried, gradient_of
from gradcli.errors import visible
from gradcli.places import listed
from gradcli.render.rows import Rules, expression

if TYPE_CHECKING:
    from gradcli.autodiff import Edge
    from gradcli.render.figures import Style
    from gradcli.report import Report

COLUMNS = ("node", "expression", "value", "child", "op", "rule", "local", "upstream", "downstream", "grad")

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet may take for a formula."""


NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?")


class _Line:
    """The file that csv writes to: it keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def render(report: Report, style: Style | None = None) -> str:
    """The header and all lines."""
    return "".join(pieces(report)).removesuffix("\n")


def pieces(report: Report, style: Style | None = None) -> Iterator[str]:
    """The lines, each with its end: the inputs, then the ops in tape order."""
    line = _Line()
    writer = csv.writer(line, lineterminator="\n")
    source, graph = report.source, report.graph
    tensorial = source.trace.tensorial
    writer.writerow((*COLUMNS, "shape") if tensorial else COLUMNS)
    yield line.text
    rules, names, shapes = Rules(graph), graph.names, source.trace.shapes
    for i in report.order:
        asked = i not in inputs_left_out(report)
        gradient = gradient_of(source, i) if asked else None
        start = (cell(names[i]), cell(expression(graph, i)), listed(source.trace.values[i]))
        end = ("" if gradient is None else listed(gradient), *([listed(shapes[i])] if tensorial else ()))
        leaving: list[Edge] = source.leaving.get(i, []) if asked else []
        for edge in leaving:
            local, down = carried(edge)
            via = (cell(names[edge.child]), cell(graph.ops[edge.child].name), cell(rules(edge)))
            passed = ("" if local is None else listed(local), listed(edge.upstream), listed(down))
            writer.writerow((*start, *via, *passed, *end))
            yield line.text
        if not leaving:
            writer.writerow((*start, "", "", "", "", "", "", *end))
            yield line.text


def inputs_left_out(report: Report) -> frozenset[int]:
    """The inputs whose gradients were not asked for."""
    if report.wrt is None:
        return frozenset()
    return frozenset(index for name, index in report.graph.inputs.items() if name not in report.wrt)


def cell(text: str) -> str:
    """A text, visible and harmless; -1 is a number, and harmless as it is."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(FORMULA) and not NUMBER.fullmatch(shown) else shown
