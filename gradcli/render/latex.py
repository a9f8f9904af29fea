r"""A fragment for a LaTeX document that loads amsmath: the formula, a tabular, the closed forms.

Formulas are typeset from graphs, never from text; any other text is escaped, so that nothing of it acts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.errors import GradcliError, visible
from gradcli.render.figures import figure
from gradcli.render.grid import GridRow, closed_forms, grid, sentences
from gradcli.render.rows import LONGEST

if TYPE_CHECKING:
    from gradcli.graph import Graph
    from gradcli.render.figures import Style
    from gradcli.report import NodeRow, Report

SYMBOLS = str.maketrans(
    {
        "∂": r"\(\partial \)",
        "×": r"\(\times \)",
        "·": r"\(\cdot \)",
        "…": r"\dots{}",
        "½": r"\(\frac{1}{2}\)",
        "≤": r"\(\le \)",
        "≥": r"\(\ge \)",
        "≠": r"\(\ne \)",
        "≈": r"\(\approx \)",
        "→": r"\(\to \)",
        "−": "-",
        "–": "--",
        "—": "---",
        "′": "'",
        "✓": r"\(\checkmark \)",
        "✗": r"\(\times \)",
        "○": r"\(\circ \)",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        **{c: rf"\(^{{{d}}}\)" for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)},
    }
)
"""Characters of our own sentences that a plain LaTeX document does not have."""

WALKED = 10_000
"""Nodes up to which a walk over the whole tape is made for each row."""

TITLES = (
    r"node & forward & via & \multicolumn{2}{l}{local gradient}"
    r" & \(\times\) upstream & \(= \partial %s/\partial\)node"
)


def render(report: Report, style: Style) -> str:
    """The fragment."""
    graph, output = report.graph, notation.latex_name(report.output)
    formula = notation.latex(graph)
    if len(formula) > LONGEST * 4:
        formula = notation.latex(graph, atom=lambda i: graph.names[i] if graph.parents[i] else None)
    equation = [output, formula, number(report.value, style)]
    head = [r"% needs \usepackage{amsmath,amssymb}", rf"\[ {' = '.join(dict.fromkeys(equation))} \]"]
    table = [
        r"\begin{tabular}{lrllrrr}",
        r"\hline",
        TITLES % output + r" \\",
        r"\hline",
        *(_line(row, report, style) for row in grid(report, style)),
        r"\hline",
        r"\end{tabular}",
    ]
    closed = [rf"\[ {_quotient(report.output, name)} = {typeset(form)} \]" for name, form in closed_forms(report)]
    said = [rf"\par {text(sentence.lstrip())}" for sentence in sentences(report, style)]
    return "\n".join([*head, *(table if report.order else ()), *closed, *said])


def _line(row: GridRow, report: Report, style: Style) -> str:
    node, edge = row.node, row.edge
    name = forward = ""
    total = number_text(row.total)
    if node is not None:
        name = notation.latex_name(node.name)
        if node.formula:
            name += f" = {_one_level(report.graph, node)}"
        name, forward = f"${name}$", number(node.value, style, "$")
    if edge is None:
        words = rf"\multicolumn{{2}}{{l}}{{{text(row.words)}}}" if row.words else " & "
        return rf"{name} & {forward} & & {words} & & {total} \\"
    rule = f" = {typeset(edge.rule)}" if edge.rule else ""
    rule = _quotient(edge.child_name, edge.parent_name) + (rule if edge.chosen else r"\text{: not chosen}")
    numbers = (number(edge.local, style, "$"), number(edge.upstream, style, "$"))
    last = total or number(edge.downstream, style, "$")
    return rf"{name} & {forward} & {text(edge.op)} & ${rule}$ & {' & '.join(numbers)} & {last} \\"


def _one_level(graph: Graph, node: NodeRow) -> str:
    """A node's formula in node names; read back from its text where a walk over the tape would take long."""
    if len(graph) > WALKED:
        return typeset(node.formula)
    return notation.latex(graph, node.index, atom=lambda i: graph.names[i])


def _quotient(above: str, below: str) -> str:
    return rf"\partial {notation.latex_name(above)}/\partial {notation.latex_name(below)}"


def number(value: float, style: Style, fence: str = "") -> str:
    """A number as people read it, typeset."""
    return number_text(figure(value, style), fence)


def number_text(shown: str, fence: str = "$") -> str:
    """A number's text, typeset; nothing for nothing."""
    if not shown:
        return ""
    special = re.fullmatch(r"(-?)(nan|inf)", shown)
    if special:
        typed = special[1] + (r"\infty" if special[2] == "inf" else r"\mathrm{nan}")
    else:
        typed = notation.latex_name(shown)
    return f"{fence}{typed}{fence}"


def typeset(formula: str) -> str:
    """A formula of our own language, typeset; as text if it cannot be read back."""
    from gradcli.syntax import CONSTANTS, parse

    try:
        return notation.latex(parse(formula, given=CONSTANTS))
    except GradcliError:
        return rf"\text{{{text(formula)}}}"


def text(words: str) -> str:
    """Text that shows as it is and does nothing."""
    typed = notation.latex_text(visible(words)).translate(SYMBOLS)
    return typed if typed.isascii() else "".join(map(_letter, typed))


def _letter(letter: str) -> str:
    """A Greek letter by its command; any other letter outside ASCII as it is, for an engine that knows it."""
    named = letter if letter.isascii() else notation.latex_name(letter)
    return letter if named == letter or named.startswith(r"\mathrm") else rf"\({named}\)"
