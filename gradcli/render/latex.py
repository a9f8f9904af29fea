r"""A fragment for a LaTeX document that loads amsmath: the formula, a tabular, the closed forms.

Formulas are typeset from graphs, never from text; any other text is escaped, so that nothing of it acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from gradcli import notation, typesetting
from gradcli.autodiff import Edge
from gradcli.errors import GradcliError, visible
from gradcli.render.figures import figure
from gradcli.render.grid import WIDE, GridRow, closed_forms, grid, local, over, sentences, shown_nodes
from gradcli.render.rows import LONGEST
from gradcli.render.tensor_rules import local_rule, passed, simplest, summed_over
from gradcli.render.tensors import ALIKE, SMALL, alike, facts, figures, is_tensor

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.graph import Graph
    from gradcli.ops.op import Shape
    from gradcli.render.figures import Style
    from gradcli.report import EdgeRow, NodeRow, Report

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
        "ᵀ": r"\(^{T}\)",
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

MATRIX = 2
"""Axes that a matrix has."""

WALKED = 10_000
"""Nodes up to which a walk over the whole tape is made for each row."""

TITLES = (
    r"node & forward & via & \multicolumn{2}{l}{local gradient}"
    r" & \(\times\) upstream & \(= \partial %s/\partial\)node"
)


def render(report: Report, style: Style) -> str:
    """The fragment."""
    graph, output = counted(report), typesetting.latex_name(report.output)
    formula = typesetting.latex(graph)
    if len(formula) > LONGEST * 4:
        formula = typesetting.latex(graph, atom=lambda i: graph.names[i] if graph.parents[i] else None)
    equation = [output, formula, value(report.value, style)]
    head = [r"% needs \usepackage{amsmath,amssymb}", rf"\[ {' = '.join(dict.fromkeys(equation))} \]"]
    table = [
        r"\begin{tabular}{lrllrrr}",
        r"\hline",
        TITLES % typesetting.latex_name(over(report)) + r" \\",
        r"\hline",
        *(_line(row, report, graph, style) for row in grid(report, style)),
        r"\hline",
        r"\end{tabular}",
    ]
    closed = [rf"\[ {_quotient(report.output, name)} = {typeset(form)} \]" for name, form in closed_forms(report)]
    closed += _jacobians(report, style)
    said = [rf"\par {text(sentence.lstrip())}" for sentence in sentences(report, style)]
    return "\n".join([*head, *(table if report.order else ()), *closed, *said])


def counted(report: Report) -> Graph:
    """The graph with templates that are true of tensors: means over as many as there are.

    A loss is written as a call where its template is that of one prediction, or of labels that are rows of weights.
    """
    graph, source = report.graph, report.source
    if not source.trace.tensorial:
        return graph
    ops, shapes = list(graph.ops), source.trace.shapes
    for i, op in enumerate(ops):
        if not graph.parents[i]:
            continue
        edge = Edge(source, i, 0)
        if edge.averaged is None or not edge.whole:
            continue
        first, last = (shapes[graph.parents[i][k]] for k in (0, -1))
        by_index = op.labels and first != last and "_{#2}" not in op.latex
        template = op.latex.replace("{n}", f"{{{edge.averaged}}}")
        called = by_index or op.reduces or (edge.averaged != 1 and template == op.latex)
        ops[i] = op.named(latex="" if called else template)
    return graph.with_ops(ops)


def _line(row: GridRow, report: Report, graph: Graph, style: Style) -> str:
    node, edge = row.node, row.edge
    name = forward = ""
    total = "" if row.total is None else value(row.total, style, "$")
    if node is not None:
        name = typesetting.latex_name(node.name)
        if node.formula:
            name += f" = {_one_level(graph, node)}"
        if node.shape:
            name += rf" \in {_space(node.shape)}"
        name, forward = f"${name}$", value(node.value, style, "$")
    if edge is None:
        words = rf"\multicolumn{{2}}{{l}}{{{text(row.words)}}}" if row.words else " & "
        return rf"{name} & {forward} & & {words} & & {total} \\"
    whole = edge.kind in ("jacobian", "rule")
    rule = _passed(report, edge, row.alone) if whole else _local(edge, report.graph)
    factor = "" if whole else value(cast("Value", local(report, edge)), style, "$")
    last = total or value(edge.downstream, style, "$")
    return rf"{name} & {forward} & {text(edge.op)} & {rule} & {factor} & {value(edge.upstream, style, '$')} & {last} \\"


def _local(edge: EdgeRow, graph: Graph) -> str:
    """`∂n6/∂n5 = n6`, and over which axes a product is summed."""
    rule = local_rule(edge, graph)
    rule = f" = {typeset(rule)}" if rule else ""
    rule = _quotient(edge.child_name, edge.parent_name) + (rule if edge.chosen else r"\text{: not chosen}")
    return f"${rule}${text(summed_over(edge))}"


def _passed(report: Report, edge: EdgeRow, alone: bool) -> str:
    r"""What an op on whole tensors passes down: `\frac{\partial f}{\partial n_{1}}\, x^{\top}`."""
    shown = passed_on(report, edge)
    if not edge.chosen or not shown:
        return f"${_quotient(edge.child_name, edge.parent_name)}$" + ("" if edge.chosen else ": not chosen")
    return f"${_fraction(over(report), edge.parent_name)} = {shown}$" if alone else f"${shown}$"


def passed_on(report: Report, edge: EdgeRow) -> str:
    """The rule by which an op on whole tensors passes its upstream gradient down, typeset; nothing if it has none."""
    above, graph = over(report), report.graph
    upstream, arriving = notation.upstream(graph, edge.child), _fraction(above, edge.child_name)
    letter = next(name for name in ("g", "upstream", "upstream_gradient") if graph.find(name) is None)
    rule = simplest(edge, graph, above).replace(upstream, letter) if upstream != "g" else simplest(edge, graph, above)
    shown = typeset(rule, {letter: arriving}) if rule else ""
    if shown.startswith(r"\text{"):  # a rule in words
        return rf"\text{{{text(passed(edge, graph, above, WIDE))}}}"
    return shown


def _fraction(above: str, below: str) -> str:
    return rf"\frac{{\partial {typesetting.latex_name(above)}}}{{\partial {typesetting.latex_name(below)}}}"


def _space(shape: Shape) -> str:
    lengths = r" \times ".join(map(str, shape))
    return rf"\mathbb{{R}}^{{{lengths}}}"


def value(shown: Value, style: Style, fence: str = "") -> str:
    """A number, or a tensor: a matrix if it is small, else what is to be known of it."""
    if not is_tensor(shown):
        return number(float(shown), style, fence)
    if shown.size <= SMALL and not (shown.size >= ALIKE and alike(shown)):
        return f"{fence}{matrix(shown, style)}{fence}"
    told = [rf"\text{{{word}}}\ {_figure(said)}" for word, said in facts(shown, style)]
    return fence + r",\ ".join(told) + fence


def _figure(said: str) -> str:
    """A number of a summary; or "3 of 50 entries"."""
    return number_text(said, "") if " " not in said else rf"\text{{{text(said)}}}"


def matrix(shown: Value, style: Style) -> str:
    """A vector in one row, a matrix in rows; of more axes, matrices under each other."""
    return _matrix(shown.shape, [number_text(text, "") for text in figures(shown.ravel().tolist(), style)])


def _matrix(shape: Shape, texts: list[str]) -> str:
    """Typeset entries in a shape."""
    across = len(texts) // shape[0]
    parts = [texts[at : at + across] for at in range(0, len(texts), across)]
    if len(shape) > MATRIX:
        return typesetting.latex_matrix([[_matrix(shape[1:], part)] for part in parts])
    return typesetting.latex_matrix(parts if len(shape) == MATRIX else [texts])


def _jacobians(report: Report, style: Style) -> Iterator[str]:
    """Small Jacobians of ops on whole tensors."""
    if report.source.trace.tensorial:
        from gradcli.render.tensor_remarks import small_jacobians

        for edge in small_jacobians(report, shown_nodes(report, style), style):
            yield rf"\[ {_fraction(edge.child_name, edge.parent_name)} = {matrix(edge.local, style)} \]"


def _one_level(graph: Graph, node: NodeRow) -> str:
    """A node's formula in node names; read back from its text where a walk over the tape would take long."""
    if len(graph) > WALKED:
        return typeset(node.formula)
    return typesetting.latex(graph, node.index, atom=lambda i: graph.names[i])


def _quotient(above: str, below: str) -> str:
    return rf"\partial {typesetting.latex_name(above)}/\partial {typesetting.latex_name(below)}"


def number(shown: float, style: Style, fence: str = "") -> str:
    """A number as people read it, typeset."""
    return number_text(figure(shown, style), fence)


def number_text(shown: str, fence: str = "$") -> str:
    """A number's text, typeset; nothing for nothing."""
    if not shown:
        return ""
    special = re.fullmatch(r"(-?)(nan|inf)", shown)
    if shown in ("≈0", "~0"):
        typed = r"\approx 0"
    elif special:
        typed = special[1] + (r"\infty" if special[2] == "inf" else r"\mathrm{nan}")
    else:
        typed = typesetting.latex_name(shown)
    return f"{fence}{typed}{fence}"


def typeset(formula: str, known: Mapping[str, str] | None = None) -> str:
    """A formula of our own language, typeset; as text if it cannot be read back.

    known: names that are typeset otherwise.
    """
    from gradcli.syntax import parse
    from gradcli.tokens import CONSTANTS

    try:
        return typesetting.latex(parse(formula, given=CONSTANTS), known=known)
    except GradcliError:
        return rf"\text{{{text(formula)}}}"


def text(words: str) -> str:
    """Text that shows as it is and does nothing."""
    typed = typesetting.latex_text(visible(words)).translate(SYMBOLS)
    return typed if typed.isascii() else "".join(map(_letter, typed))


def _letter(letter: str) -> str:
    """A Greek letter by its command; any other letter outside ASCII as it is, for an engine that knows it."""
    named = letter if letter.isascii() else typesetting.latex_name(letter)
    return letter if named == letter or named.startswith(r"\mathrm") else rf"\({named}\)"
