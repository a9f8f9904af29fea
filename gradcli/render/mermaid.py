"""A picture as a flowchart of Mermaid, as Markdown viewers draw it: beside a line, its value → and its gradient ←."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gradcli.errors import visible
from gradcli.picture import Box, Level, Picture, Wire
from gradcli.render.drawn import Words

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report


def draw(report: Report, picture: Picture, style: Style, *, local: bool = False) -> str:
    """The picture as text in Mermaid's language.   local: with the local gradient of every wire."""
    words = Words(report, style)
    lines = [f"  {box(k, each, words)}" for k, each in enumerate(picture.boxes)]
    lines += [f"  {arrow(wire, picture, words, local=local)}" for wire in picture.wires]
    return "\n".join([*head(words), *lines, *foot(picture), ""])


def head(words: Words) -> Iterator[str]:
    """What a flowchart begins with; its title as a comment."""
    yield f"%% {re.sub('[{}%]', ' ', words.title)}"  # a comment with {…} is an instruction
    yield "flowchart LR"


def foot(picture: Picture) -> Iterator[str]:
    """Leaves and the output's name without a frame."""
    yield "  classDef bare fill:none,stroke:none"
    bare = [f"b{k}" for k, each in enumerate(picture.boxes) if each.kind != "gate"]
    yield f"  class {','.join(bare)} bare"


def box(k: int, each: Box, words: Words) -> str:
    """The statement of a box."""
    lines = [words.short(each.text)]
    if each.name:
        lines.append(words.short(each.name))
    if each.total is not None:
        first, *others = words.entries(each.total)
        lines += [f"Σ {first}", *others]
    shown = label(lines)
    return f"b{k}(({shown}))" if each.kind == "gate" else f"b{k}[{shown}]"


def arrow(wire: Wire, picture: Picture, words: Words, *, local: bool) -> str:
    """The statement of a wire."""
    lines = [] if wire.value is None else marked("→", words.entries(wire.value, shape=True))
    if wire.gradient is not None:
        lines += marked("←", words.entries(wire.gradient))
        if local and wire.edge is not None:
            lines += words.local(wire.edge)
    line = "---" if picture.boxes[wire.end].kind == "end" else "-->"
    shown = f"|{label(lines)}|" if lines else ""
    return f"b{wire.start} {line}{shown} b{wire.end}"


def marked(sign: str, lines: list[str]) -> list[str]:
    """Lines, the first behind an arrow."""
    return [f"{sign} {lines[0]}", *lines[1:]]


def label(lines: Sequence[str]) -> str:
    r"""Lines as a label: in quotes, and whatever Mermaid or Markdown would act on as a code.

    >>> label(["x^2", "a_b"]), label(["+"])
    ('"x^2<br/>a#95;b"', '"#43;"')
    """
    return f'"{"<br/>".join(inert(line.strip()) for line in lines)}"'


def inert(words: str) -> str:
    """Text that shows as it is."""
    coded = re.sub(r"""[^\w\s.,:=×→←Σ∂·'…^/()-]|_|^[-0-9.]+(?=[-.)] )|^-(?= |$)""", _code, visible(words))
    return coded.replace("  ", "#160;#160;")


def _code(match: re.Match[str]) -> str:
    return "".join(f"#{ord(c)};" for c in match[0])


def summary(report: Report, levels: Sequence[Level], style: Style) -> str:
    """The summary of a graph that is too large to be drawn node by node."""
    words = Words(report, style)
    lines = [f"  l{k}({label(words.level(level))})" for k, level in enumerate(levels)]
    lines += [f"  l{k} -->|{label([words.wires(level)])}| l{k + 1}" for k, level in enumerate(levels[:-1])]
    return "\n".join([*head(words), *lines, ""])
