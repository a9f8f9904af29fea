"""The texts within a picture, the same in every format: numbers, tensors, local gradients, names, summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.errors import visible
from gradcli.picture import LARGE as NODES
from gradcli.picture import TANGLED, Level, drawn, edges, ends
from gradcli.render.figures import LARGE, figure, is_numeric
from gradcli.render.rows import title
from gradcli.render.tensor_rules import ruled
from gradcli.render.tensors import block, is_tensor, shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcli.autodiff import Edge, Value
    from gradcli.render.figures import Style
    from gradcli.report import Report

DECIMALS = 2
"""Decimals unless others are asked for, as on the lecture's slides."""

ENTRIES = 9
"""Entries of a tensor that a wire shows in full."""

LONGEST = 24
"""Characters of a name; a longer one loses its middle."""

BLANK = "\u00a0"
"""A blank that nothing takes away."""

RULE = 48
"""Characters of a rule."""

FORMULA = 60
"""Characters of a node's formula."""

TITLE = 200
"""Characters of an expression that a picture has as its title."""


MOST, DENSEST = 20_000, 50_000
"""Nodes, and edges, up to which everything is drawn on request; text for Graphviz and Mermaid however much it is."""

BOUNDLESS = ("dot", "mermaid")


def number(value: float, style: Style) -> str:
    """A number to exactly so many decimals, as on the slides, while it is not smaller than those.

    >>> from gradcli.render.figures import Style
    >>> [number(x, Style(decimals=2)) for x in (1.0, -0.5339, 0.0012, 1e20)]
    ['1.00', '-0.53', '0.0012', '1e20']
    """
    rounded = figure(float(value), style)
    decimals = style.decimals
    if decimals is None or "e" in rounded or not abs(value) < LARGE:
        return rounded
    return f"{value:.{decimals}f}" if len(rounded.partition(".")[2]) <= decimals else rounded


def squared(lines: Sequence[str]) -> bool:
    """Whether lines are those of a tensor, whose columns are to stand one below the other."""
    return len(lines) > 1 and lines[0].startswith("[")


def upright(lines: Sequence[str]) -> list[str]:
    """The lines of a tensor with blanks that nothing takes away, padded to one width; others as they are.

    >>> upright(["[[1 2]", " [3 4]]"]) == ["[[1\u00a02]\u00a0", "\u00a0[3\u00a04]]"]
    True
    """
    if not squared(lines):
        return list(lines)
    wide = max(map(len, lines))
    return [line.ljust(wide).replace(" ", BLANK) for line in lines]


class Words:
    """What a picture of a report says."""

    def __init__(self, report: Report, style: Style) -> None:
        self.report, self.style = report, style

    @property
    def title(self) -> str:
        """What is drawn."""
        return shortened(visible(title(self.report)), TITLE)

    def short(self, name: str) -> str:
        """A name, or a number, in a box."""
        return shortened(visible(name))

    def name(self, node: int) -> str:
        """A node's name."""
        graph = self.report.graph
        return self.short(self.report.output if node == graph.output else graph.names[node])

    def formula(self, node: int) -> str:
        """A node and how it is computed: `n1 = w0*x0`."""
        formula = shortened(visible(notation.formula(self.report.graph, node)), FORMULA)
        return f"{self.name(node)} = {formula}"

    def number(self, value: float) -> str:
        """A number."""
        return number(value, self.style)

    def entries(self, value: Value, *, shape: bool = False) -> list[str]:
        """A value on some lines: a number; a small tensor in full, of a large one the smallest and the largest entry.

        shape: begin with that of a large one.
        """
        if not is_tensor(value):
            return [self.number(value)]
        if value.size <= ENTRIES:
            return block(value, self.style)
        return [*([shape_text(value.shape)] if shape else []), self.range(ends(value))]

    def range(self, found: tuple[float, ...] | None) -> str:
        """From the smallest to the largest."""
        if not found:
            return "nothing finite"
        low, high = map(self.number, found)
        return low if low == high else f"{low} … {high}"

    def local(self, edge: Edge) -> list[str]:
        """How the gradient beneath came about: local × upstream, or the rule by which whole tensors pass it down."""
        row = self.report.edge_row(edge.child, edge.k)
        if not row.chosen:
            return ["not chosen"]
        if not is_tensor(row.local) and row.local is not None and not is_tensor(row.upstream):
            return [f"= {self.number(row.local)} × {self.number(row.upstream)}"]
        alone = len(self.report.source.leaving[edge.parent]) == 1
        rule = ruled(self.report, row, self.style, alone=alone)
        return [shortened(f"{rule} = {row.rule}" if "=" not in rule and is_numeric(row.rule) else rule, RULE)]

    def level(self, level: Level) -> list[str]:
        """A group of levels: which, what stands there, the values, the gradients."""
        where = f"level {level.first}" if level.first == level.last else f"levels {level.first}-{level.last}"
        ops = ", ".join(f"{count:,} {name}" for name, count in level.ops)
        lines = [where, ops, f"values {self.range(level.values)}"]
        return lines if level.gradients is None else [*lines, f"gradients {self.range(level.gradients)}"]

    def wires(self, level: Level) -> str:
        """How many wires leave a group of levels."""
        return f"{level.wires:,} wire{'' if level.wires == 1 else 's'}"


def shortened(name: str, most: int = LONGEST) -> str:
    """A name that has lost its middle, if it is long.

    >>> shortened("a" * 10_000)
    'aaaaaaaaaaaaa…aaaaaaaaaa'
    """
    return name if len(name) <= most else f"{name[: most - 11]}…{name[-10:]}"


def large(report: Report, style: Style, form: str) -> str:
    """Why a report is summarised in a format; empty where it is drawn node by node, or that can be tried."""
    if style.full and form in BOUNDLESS:
        return ""
    count, lines = len(drawn(report)), edges(report)
    most, densest = (MOST, DENSEST) if style.full else (NODES, TANGLED)
    if count <= most and lines <= densest:
        return ""
    what = f"{count:,} nodes" if count > most else f"{lines:,} edges between {count:,} nodes"
    how = "be laid out; -o net.dot has them all" if style.full else "look at; --full draws each"
    return f"summarised by level: {what} are too many to {how}"
