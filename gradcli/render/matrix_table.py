"""Matrices for a terminal: a name at every row and column, what their structure is, and remarks.

Numbers are never cut: a matrix that is wider than the terminal goes on below, columns first. A large one is
summarised, unless all of it is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.matrices import Matrices, Panel
from gradcli.render.figures import Style, aligned, plain
from gradcli.render.lines import Line, folded, painted, width, wrapped
from gradcli.render.remarks import verdict_lines
from gradcli.render.rows import title
from gradcli.render.tensors import inline, rows_of_figures, summary

MOST = 400
"""Entries of a matrix that are shown."""

WIDE = 24
"""Columns of a matrix that are shown, where there is room."""

FOLDED = 6
"""Lines that an expression may take."""

GAP = "  "


def table(matrices: Matrices, style: Style) -> Iterator[str]:
    """Everything but the verdicts."""
    yield painted(_lines(matrices, style), style.colour)


def verdicts(matrices: Matrices, style: Style) -> str:
    """The lines of the verdicts, which stand under the table, and their notes and warnings."""
    return painted(verdict_lines(matrices.told, style), style.colour)


def _lines(matrices: Matrices, style: Style) -> Iterator[Line]:
    text = plain(f"{matrices.output} = {title(matrices.report)}", style)
    for line in folded(text, style.width, FOLDED, 4):
        yield [(line, "title")]
    value = f"value: {inline(matrices.value, style)}"
    about = f"{matrices.shapes}; {value}" if matrices.shapes else value
    yield from _sentence(about, style)
    for panel in shown(matrices, style):
        yield []
        yield from drawn(panel, style)
        if panel.says:
            yield from _sentence(panel.says, style)
    if not matrices.names:
        yield []
        yield from _sentence(f"{matrices.output} depends on no input: there are no derivatives", style)
    yield []
    if matrices.way:
        yield from _sentence(matrices.way, style, "dim")
    for mark, part, sentences in (
        ("note: ", "dim", matrices.notes),
        ("warning: ", "warn", matrices.warnings),
    ):
        for sentence in sentences:
            yield from wrapped([(plain(mark, style), part), (plain(sentence, style), "")], style.width)
    trouble = matrices.report.trouble
    if trouble is not None:
        yield from wrapped([(plain("✗ ", style), "bad"), (plain(trouble.cause, style), "")], style.width)


def shown(matrices: Matrices, style: Style) -> list[Panel]:
    """The panels; a Hessian that is too large for one matrix block by block."""
    return matrices.panels if all(whole(panel, style) for panel in matrices.panels) else matrices.blocks


def whole(panel: Panel, style: Style) -> bool:
    """Whether a matrix is shown with every entry."""
    rows, columns = panel.shape
    return style.full or (rows * columns <= MOST and columns <= WIDE)


def drawn(panel: Panel, style: Style) -> Iterator[Line]:
    """A matrix with names at its rows and columns; in parts where it is too wide; summarised where it is large."""
    heading = plain(panel.title, style)
    rows, columns = panel.shape
    if not whole(panel, style):
        size = plain(f"{rows:,} × {columns:,}", style)
        yield [(heading, "name"), (GAP + size, "")]
        for line in summary(panel.entries, style, 1):
            what = "the diagonal: " if panel.structure == "diagonal" else ""
            yield from wrapped([("  " + what + line, "gradient")], style.width)
        yield from _sentence("  --full shows every entry", style, "dim")
        return
    names = [plain(name, style) for name in panel.rows]
    first = max(map(width, (heading, *names)))
    numbers = rows_of_figures(list(panel.numbers()), style)
    cells: list[list[str]] = []
    for k, label in enumerate(panel.columns):
        texts = aligned([row[k] for row in numbers])
        label_ = plain(label, style)
        wide = max(width(label_), max(map(width, texts), default=0))
        cells.append([label_.rjust(wide), *(text.rjust(wide) for text in texts)])
    for start, end in parts([width(column[0]) for column in cells], first, style):
        if start:
            yield []
        head = GAP.join(column[0] for column in cells[start:end])
        yield [(heading.ljust(first) + GAP, "name"), (head, "head")]
        yield [(plain("─" * (first + len(GAP) + width(head)), style), "head")]
        for i, name in enumerate(names):
            entries = GAP.join(column[i + 1] for column in cells[start:end])
            yield [(name + " " * (first - width(name)) + GAP, "head"), (entries, "gradient")]


def parts(widths: list[int], first: int, style: Style) -> Iterator[tuple[int, int]]:
    """The columns that stand side by side, as ranges."""
    start = used = 0
    for k, wide in enumerate(widths):
        if style.width is not None and k > start and first + used + len(GAP) + wide > style.width:
            yield start, k
            start, used = k, 0
        used += len(GAP) + wide
    yield start, len(widths)


def _sentence(text: str, style: Style, part: str = "") -> Iterator[Line]:
    return wrapped([(plain(text, style), part)], style.width)
