r"""A picture as TikZ: a fragment for a LaTeX document that loads tikz, with a place for every box and wire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gradcli.errors import LimitError
from gradcli.picture import Box, Level, Picture, Wire
from gradcli.placing import Spot, place
from gradcli.render.drawn import Words
from gradcli.render.latex import text as inert
from gradcli.typesetting import latex_name

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report

LETTER, LINE = 0.19, 0.42
"""Centimetres that a letter takes, and a line."""

ROUND = 0.72
"""Centimetres across a gate."""

GAP = 0.35, 0.25
"""Centimetres between two items, across and down."""

MOST = 550.0
"""Centimetres that a picture may be wide or high: TeX counts no further than to 575."""

HEAD = r"""% needs \usepackage{tikz}
\begin{tikzpicture}[
  >=stealth, every node/.style={inner sep=1.5pt, align=center},
  gate/.style={draw, circle, minimum size=7mm}, wide/.style={draw, rounded corners, minimum size=7mm, inner sep=3pt},
  value/.style={anchor=south, font=\small, text=green!45!black},
  gradient/.style={anchor=north, font=\small, text=red!75!black},
]"""

FOOT = r"\end{tikzpicture}"

SHORT = 5
"""Characters up to which a gate is a circle."""


def draw(report: Report, picture: Picture, style: Style, *, local: bool = False) -> str:
    """The picture as a fragment.   local: with the local gradient of every wire.

    Errors: LimitError for one that is larger than TeX can count.
    """
    words, wires = Words(report, style), picture.wires
    above = [words.entries(wire.value, shape=True) if wire.value is not None else [] for wire in wires]
    below = [[] if wire.gradient is None else words.entries(wire.gradient) for wire in wires]
    rules = [
        words.local(wire.edge) if local and wire.edge and told else [] for wire, told in zip(wires, below, strict=True)
    ]
    sizes = [size(box, words) for box in picture.boxes]
    sizes += [
        label([*up, *down, *rule], 2 * max(len(up), len(down) + len(rule)))
        for up, down, rule in zip(above, below, rules, strict=True)
    ]
    spots = place(picture, sizes, GAP)
    if max(max(abs(spot.x), abs(spot.y)) for spot in spots) > MOST:
        raise LimitError(f"the picture would be larger than {MOST / 100:g} m, and TeX counts no further")
    count = len(picture.boxes)
    lines = [f"  {node(k, box, spots[k], words)}" for k, box in enumerate(picture.boxes)]
    for k, wire in enumerate(wires):
        written = numbers(above[k], below[k], rules[k], spots[count + k])
        lines += [f"  {line}" for line in (led(picture, wire, spots, count + k, sizes[count + k][0]), *written)]
    return "\n".join([HEAD, *lines, FOOT, ""])


def size(box: Box, words: Words) -> tuple[float, float]:
    """Width and height of a box."""
    lines = [words.short(box.text), *([words.short(box.name)] if box.name else []), *totals(box, words)]
    wide, high = label(lines, len(lines))
    return max(wide, ROUND), max(high, ROUND)


def label(lines: Sequence[str], high: int) -> tuple[float, float]:
    """Width and height of some lines; of a wire's, with as many above it as beneath."""
    return LETTER * (1 + max(map(len, lines), default=0)), LINE * max(1, high)


def totals(box: Box, words: Words) -> list[str]:
    """The sum of the gradients that arrive at a box, where there are several."""
    return [] if box.total is None else words.entries(box.total)


def node(k: int, box: Box, spot: Spot, words: Words) -> str:
    """The statement of a box."""
    shown = symbol(words.short(box.text)) if box.kind == "gate" else name(words.short(box.text))
    lines = [shown]
    if box.name:
        lines.append(rf"\scriptsize\color{{gray}}{name(words.short(box.name))}")
    lines += [
        rf"\scriptsize\color{{red!75!black}}{sigma}{figure(line)}"
        for sigma, line in zip((r"$\Sigma$ ", *[""] * 99), totals(box, words), strict=False)
    ]
    wide = max(len(box.text), len(box.name)) > SHORT or box.total is not None
    look = "" if box.kind != "gate" else "wide" if wide else "gate"
    return rf"\node[{look}] (b{k}) at {at(spot)} {{{joined(lines)}}};"


def led(picture: Picture, wire: Wire, spots: Sequence[Spot], item: int, wide: float) -> str:
    """The statement of a wire: from box to box, straight where its numbers stand."""
    spot, start, end = spots[item], spots[wire.start], spots[wire.end]
    left, right = Spot(spot.x - wide / 2, spot.y), Spot(spot.x + wide / 2, spot.y)
    out, into = angle(start, spot), 180 + angle(spot, end)
    arrow = "-" if picture.boxes[wire.end].kind == "end" else "->"
    before = rf"\draw[{arrow}] (b{wire.start}) to[out={out},in=180] {at(left)}"
    return f"{before} -- {at(right)} to[out=0,in={into}] (b{wire.end});"


def numbers(above: list[str], below: list[str], rules: list[str], spot: Spot) -> Iterator[str]:
    """The statements of what stands above and beneath a wire."""
    if above:
        yield rf"\node[value] at {at(spot)} {{{joined(list(map(figure, above)))}}};"
    if below:
        lines = [*map(figure, below), *(rf"\scriptsize\color{{gray}}{inert(rule)}" for rule in rules)]
        yield rf"\node[gradient] at {at(spot)} {{{joined(lines)}}};"


def angle(start: Spot, end: Spot) -> int:
    """How steeply a line leaves for a place, or arrives: to the right, or half up or down."""
    rise = start.y - end.y
    return 0 if abs(rise) < LINE else 45 if rise > 0 else -45


def at(spot: Spot) -> str:
    """A place; TikZ counts upwards."""
    return f"({spot.x:.2f},{0 - spot.y:.2f})"


def joined(lines: Sequence[str]) -> str:
    """Lines one above the other; each is a group, so that no bracket is taken for the distance to the next."""
    return r"\\".join(f"{{{line}}}" for line in lines)


def name(words: str) -> str:
    """A name, or a number."""
    return f"${latex_name(words)}$" if "…" not in words else inert(words)


def symbol(words: str) -> str:
    r"""What stands in a gate: an operator as mathematics, a name as text.

    >>> symbol("x^2"), symbol("exp"), symbol("*")
    ('$x^{2}$', 'exp', '$*$')
    """
    if re.fullmatch(r"[-+*/<>=.x0-9]+|x\^[0-9]+|[0-9]+\^x", words):
        return "$" + re.sub(r"\^([0-9]+|x)", r"^{\1}", words) + "$"
    return inert(words)


def figure(line: str) -> str:
    """A number, or a line of several."""
    return f"${latex_name(line)}$" if re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?", line) else inert(line)


def summary(report: Report, levels: Sequence[Level], style: Style) -> str:
    """The summary of a graph that is too large to be drawn node by node: a box for each group of levels."""
    words = Words(report, style)
    lines = []
    for k, level in enumerate(levels):
        shown = r"\\".join(f"{{{inert(line)}}}" for line in words.level(level))
        lines.append(rf"  \node[wide] (l{k}) at (0,{-2.6 * k:.2f}) {{{shown}}};")
        if k:
            before = inert(words.wires(levels[k - 1]))
            lines.append(rf"  \draw[->] (l{k - 1}) -- node[right, font=\scriptsize] {{{before}}} (l{k});")
    return "\n".join([HEAD, *lines, FOOT, ""])
