"""Matrices for documents: GitHub tables, and LaTeX's bmatrix."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli import typesetting
from gradcli.matrices import Matrices, Panel
from gradcli.render.figures import Style
from gradcli.render.latex import counted, number_text
from gradcli.render.latex import text as latex_text
from gradcli.render.lines import text_of
from gradcli.render.markdown import code
from gradcli.render.markdown import text as markdown_text
from gradcli.render.matrix_table import shown, whole
from gradcli.render.remarks import verdict_lines
from gradcli.render.rows import title
from gradcli.render.tensors import inline, rows_of_figures, summary

COLUMNS = 10
"""Columns that a matrix of amsmath has, unless it is told otherwise."""


def markdown(matrices: Matrices, style: Style) -> Iterator[str]:
    """The expression, a table for each matrix, and what is to be said."""
    lines = [f"{code(title(matrices.report), style)} = {markdown_text(inline(matrices.value, style), style)}"]
    for panel in shown(matrices, style):
        lines.append("")
        if whole(panel, style):
            heads = [code(name, style) for name in panel.columns]
            lines.append(_row(code(panel.title, style), *heads))
            lines.append(_row(":--", *("--:" for _ in heads)))
            for name, row in zip(panel.rows, rows_of_figures(list(panel.numbers()), style), strict=True):
                lines.append(_row(code(name, style), *row))
        else:
            lines.append(f"{code(panel.title, style)}: {markdown_text(_summary(panel, style), style)}")
    lines += ["", *(f"- {markdown_text(said, style)}" for said in sentences(matrices, style))]
    yield "\n".join(lines).rstrip() + "\n"


def latex(matrices: Matrices, style: Style) -> Iterator[str]:
    """A fragment for a document that loads amsmath: the formula, a matrix each, and what is to be said."""
    panels = shown(matrices, style)
    widest = max((panel.shape[1] for panel in panels if whole(panel, style)), default=0)
    name = typesetting.latex_name(matrices.output)
    lines = [r"% needs \usepackage{amsmath,amssymb}", rf"\[ {name} = {typesetting.latex(counted(matrices.report))} \]"]
    if widest > COLUMNS:
        lines.append(rf"\setcounter{{MaxMatrixCols}}{{{widest}}}")
    for panel in panels:
        if whole(panel, style):
            texts = rows_of_figures(list(panel.numbers()), style)
            rows = (" & ".join(number_text(text, "") for text in row) + r" \\" for row in texts)
            lines += [rf"\[ {quotient(panel)} = \begin{{bmatrix}}", *rows, r"\end{bmatrix} \]"]
        else:
            lines.append(rf"\par \({quotient(panel)}\): {latex_text(_summary(panel, style))}")
    lines += [rf"\par {latex_text(said)}" for said in sentences(matrices, style)]
    yield "\n".join(lines) + "\n"


def quotient(panel: Panel) -> str:
    r"""What a matrix is, typeset: \frac{\partial f}{\partial (x, y)}, \nabla^{2} f."""
    above, names = typesetting.latex_name(panel.above), [typesetting.latex_name(name) for name in panel.below]
    if not panel.second:
        below = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    if not names:
        return rf"\nabla^{{2}} {above}"
    below = r" \partial ".join(names)
    return rf"\frac{{\partial^{{2}} {above}}}{{\partial {below}}}"


def sentences(matrices: Matrices, style: Style) -> Iterator[str]:
    """What stands under the matrices."""
    yield from (panel.says for panel in shown(matrices, style) if panel.says)
    if matrices.way:
        yield matrices.way
    yield from (f"note: {note}" for note in matrices.notes)
    yield from (f"warning: {warning}" for warning in matrices.warnings)
    if matrices.report.trouble is not None:
        yield f"✗ {matrices.report.trouble.cause}"
    wide = style._replace(width=None, ascii=False)
    yield from (text_of(line).strip() for line in verdict_lines(matrices.told, wide))


def _summary(panel: Panel, style: Style) -> str:
    rows, columns = panel.shape
    return f"{rows:,} × {columns:,}; {summary(panel.entries, style, 1)[0]}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
