"""A drawing in any format: node by node where that can be looked at and laid out in time; else summarised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple, cast

from gradcli import graphviz
from gradcli.errors import LimitError
from gradcli.picture import LARGE, SHARED, Picture, build, drawn, levels
from gradcli.render.figures import Style
from gradcli.report import Report

TEXTS = ("dot", "mermaid", "tikz")
"""Formats that are text of another program's; each is a module of this package with `draw` and `summary`."""

BRIEFLY = "it is summarised by level"

MOST = 20_000
"""Nodes up to which Graphviz is asked at all."""


class Drawing(NamedTuple):
    """What was drawn, and what its reader should know of it."""

    content: bytes
    notes: tuple[str, ...] = ()


def drawing(report: Report, form: str, style: Style, *, local: bool = False, language: str = "en") -> Drawing:
    """A report in a format: one of TEXTS, svg, png, pdf, tree or html.

    style: `full` for every node, however many.   local: with the local gradients.   language: of a page.
    Errors: UsageError where a package is missing; LimitError where not even the summary could be laid out.
    """
    if form == "html":
        from gradcli.render.page import page
        from gradcli.words import Words

        return Drawing(page(report, style, Words(language)).encode())
    count = len(drawn(report))
    small = count <= LARGE or (style.full and count <= MOST)
    if form == "tree":
        return Drawing("".join(tree(report, style, local=local)).encode())
    if form in graphviz.FORMATS:
        graphviz.require()
        return pictured(report, form, style, count, small=small, local=local)
    notes = () if small or style.full else (large(count, style),)
    if not notes:
        try:
            return Drawing(whole(report, build(report, share=count <= SHARED), form, style, local).encode())
        except LimitError as error:
            notes = (f"{error}: {BRIEFLY}",)
    return Drawing(brief(report, form, style).encode(), notes)


def pictured(report: Report, form: str, style: Style, count: int, *, small: bool, local: bool) -> Drawing:
    """A picture by Graphviz: shared inputs as one box, then as one a use, then the summary: the first done in time."""
    from gradcli.render.dot import draw, titles

    notes = [] if small else [large(count, style)]
    tries = [share for share in (True, False) if small and (count <= SHARED or not share)]
    for share in tries:
        boxes = build(report, share=share)
        named = titles(report, boxes, style) if form == "svg" else {}
        try:
            content = graphviz.picture(draw(report, boxes, style, local=local), form, named)
        except LimitError as error:
            notes = [f"{error}: {'each use of an input has a box of its own' if share else BRIEFLY}"]
        else:
            return Drawing(content, tuple(notes))
    return Drawing(graphviz.picture(brief(report, "dot", style), form), tuple(notes))


def whole(report: Report, picture: Picture, form: str, style: Style, local: bool) -> str:
    """Node by node, as text."""
    draw = cast("Callable[..., str]", import_module(f"gradcli.render.{form}").draw)
    return draw(report, picture, style, local=local)


def brief(report: Report, form: str, style: Style) -> str:
    """The summary, as text."""
    summary = cast("Callable[..., str]", import_module(f"gradcli.render.{form}").summary)
    return summary(report, levels(report), style)


def tree(report: Report, style: Style, *, local: bool = False) -> Iterator[str]:
    """The tree of a terminal, piece by piece; a summary where there are many nodes."""
    from gradcli.render import draw_tree

    count = len(drawn(report))
    if style.full or count <= LARGE:
        yield from draw_tree.pieces(report, style, local=local)
    else:
        yield from draw_tree.summary(report, levels(report), style, large(count, style))


def large(count: int, style: Style) -> str:
    """Why it is summarised."""
    what = "be laid out; -o net.dot has them all" if style.full else "look at; --full draws each"
    return f"summarised by level: {count:,} nodes are too many to {what}"
