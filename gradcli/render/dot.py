"""A picture as a text for Graphviz, in the lecture's style: each wire carries its value over its gradient.

A wire is a node of its own, a table of two rows whose rule is the wire: what leaves a box enters it at the left and
goes on at its right. Every text is quoted, and escaped within tables; there are no links, images or files in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from gradcli.errors import visible
from gradcli.picture import Box, Level, Picture, Wire, commutes
from gradcli.render.drawn import BLANK, Words, squared, upright

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report

GREEN, RED, GREY, INK = "#0a7d24", "#c8102e", "#666666", "#1a1a1a"

FONT, MONO = "DejaVu Sans", "DejaVu Sans Mono"

HEAD = f"""\
  graph [bgcolor=white, pad=0.15];
  node [fontname="{FONT}", fontsize=14, fontcolor="{INK}", color="{INK}"];
  edge [color="{INK}", arrowsize=0.55, penwidth=1.1];
"""

RULE = f'<TR><TD PORT="r" HEIGHT="1" CELLPADDING="0" BGCOLOR="{INK}"></TD></TR>'
"""The row of a wire's table that is the wire itself: lines arrive at its left end and leave at its right."""

SMALL = f"fontname={FONT!r}, fontsize=10".replace("'", '"')
"""How the words beside a line are written."""

SHORT = 2
"""Characters of a symbol that has a circle of one size with all others."""

ROUND = 5
"""Characters up to which a gate is a circle; a longer one is a box with round corners."""


def draw(report: Report, picture: Picture, style: Style, *, local: bool = False) -> str:
    """The picture as text in Graphviz's language.   local: with the local gradient of every wire."""
    words = Words(report, style)
    return text(words.title, boxes_and_wires(picture, words, local=local))


def summary(report: Report, levels: Sequence[Level], style: Style) -> str:
    """The summary of a graph that is too large to be drawn node by node."""
    words = Words(report, style)
    return text(words.title, bands(levels, words))


def text(title: str, lines: Iterator[str]) -> str:
    """A whole graph."""
    return f"digraph {quoted(title)} {{\n{HEAD}" + "".join(f"  {line}\n" for line in lines) + "}\n"


def titles(report: Report, picture: Picture, style: Style) -> dict[str, str]:
    """What is said of each box and wire where the pointer rests: `n1 = w0*x0`, `w0 → n1`."""
    words, boxes = Words(report, style), picture.boxes
    found = {f"b{k}": words.formula(box.node) for k, box in enumerate(boxes) if box.kind == "gate"}
    for k, wire in enumerate(picture.wires):
        start, end = words.name(boxes[wire.start].node), words.name(boxes[wire.end].node)
        found[f"w{k}"] = f"{start} → {end}" if boxes[wire.end].kind != "end" else start
    return found


def boxes_and_wires(picture: Picture, words: Words, *, local: bool) -> Iterator[str]:
    """The statements of a picture."""
    yield "graph [rankdir=LR, ranksep=0.12, nodesep=0.16];"
    if len({wire.start for wire in picture.wires}) == len(picture.wires):
        yield "ordering=in;"  # no line needs to cross another
    ops = words.report.graph.ops
    for k, box in enumerate(picture.boxes):
        ordered = box.kind == "gate" and not commutes(ops[box.node])
        yield f"b{k} [{looks(box, words)}{', ordering=in' if ordered else ''}];"
    for k, wire in enumerate(picture.wires):
        rows = cells(wire, words, local=local)
        if not rows:
            yield f"b{wire.start} -> b{wire.end};"
            continue
        yield f"w{k} [shape=plain, label=<{table(rows)}>];"
        yield f"b{wire.start} -> w{k}:r:w [dir=none];"
        arrow = " [dir=none]" if picture.boxes[wire.end].kind == "end" else ""
        yield f"w{k}:r:e -> b{wire.end}{arrow};"


def looks(box: Box, words: Words) -> str:
    """A box's shape and label."""
    name = escape(words.short(box.text))
    lines = [name]
    if box.name:
        lines.append(coloured(escape(words.short(box.name)), GREY, 11))
    if box.total is not None:
        total = words.entries(box.total)
        grid = squared(total)
        signs = ("Σ ", *[BLANK * 2 if grid else ""] * len(total))
        lines += [
            coloured(sign + escape(line), RED, 11, MONO if grid else "")
            for sign, line in zip(signs, upright(total), strict=False)
        ]
    label = f"<{'<BR/>'.join(lines)}>"
    if box.kind != "gate":
        size = 12 if box.kind == "constant" else 15
        return f"shape=plaintext, margin=0.04, width=0, height=0, fontsize={size}, label={label}"
    if len(lines) == 1 and len(box.text) <= SHORT:
        return f"shape=circle, fixedsize=true, width=0.46, fontsize=16, penwidth=1.2, label={label}"
    if box.total is None and max(len(box.text), len(box.name)) <= ROUND:
        return f"shape=circle, margin=0.02, width=0.46, height=0.46, penwidth=1.2, label={label}"
    return f'shape=box, style=rounded, margin="0.08,0.04", width=0.46, height=0.46, penwidth=1.2, label={label}'


class Row(NamedTuple):
    """A line of text; face: its font, where it is not that of all others."""

    text: str
    colour: str
    size: int
    face: str = ""


def cells(wire: Wire, words: Words, *, local: bool) -> list[Row]:
    """The rows of a wire; a rule stands between those of the value and those below."""
    rows = figures(words.entries(wire.value, shape=True), GREEN) if wire.value is not None else []
    if wire.gradient is not None:
        rows += figures(words.entries(wire.gradient), RED)
    if local and wire.edge is not None and wire.gradient is not None:
        rows += [Row(line, GREY, 10) for line in words.local(wire.edge)]
    return rows


def figures(lines: Sequence[str], colour: str) -> list[Row]:
    """The rows of a number; those of a tensor in columns."""
    face = MONO if squared(lines) else ""
    return [Row(line, colour, 11 if face else 12, face) for line in upright(lines)]


def table(rows: Sequence[Row]) -> str:
    """The rows as a table, with the wire between them."""
    above = [row for row in rows if row.colour == GREEN]
    below = [row for row in rows if row.colour != GREEN]
    shown = [*map(cell, above), RULE, *(map(cell, below) if below else [cell(Row(" ", RED, 12))])]
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(shown)}</TABLE>'


def cell(row: Row) -> str:
    """One row."""
    return f"<TR><TD>{coloured(escape(row.text), row.colour, row.size, row.face)}</TD></TR>"


def bands(levels: Sequence[Level], words: Words) -> Iterator[str]:
    """The statements of a summary: a box for each group of levels, and how many wires leave it."""
    yield "graph [rankdir=TB, ranksep=0.3];"
    for k, level in enumerate(levels):
        first, *others = words.level(level)
        lines = [
            escape(first),
            *(coloured(escape(line), colour, 11) for line, colour in zip(others, (INK, GREEN, RED), strict=False)),
        ]
        yield f'l{k} [shape=box, style=rounded, margin="0.1,0.06", label=<{"<BR/>".join(lines)}>];'
        if k:
            beside = quoted(f" {words.wires(levels[k - 1])}")
            yield f"l{k - 1} -> l{k} [label={beside}, {SMALL}];"


def coloured(words: str, colour: str, size: int, face: str = "") -> str:
    """A piece of a label that is escaped already."""
    named = f' FACE="{face}"' if face else ""
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}"{named}>{words}</FONT>'


def quoted(words: str) -> str:
    r"""Any text as a string of Graphviz's, inert.

    >>> print(quoted('a"b'), quoted("\\N"))
    "a\"b" "\\N"
    """
    inert = visible(words).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inert}"'
