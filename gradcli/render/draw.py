"""A drawing in any format: node by node where that can be looked at and laid out in time; else summarised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from time import monotonic
from typing import NamedTuple, cast

from gradcli import graphviz
from gradcli.errors import LimitError
from gradcli.picture import SHARED, Picture, build, drawn, levels
from gradcli.render.drawn import large
from gradcli.render.figures import Style
from gradcli.report import Report

TEXTS = ("dot", "mermaid", "tikz")
"""Formats that are text of another program's; each is a module of this package with `draw` and `summary`."""

BRIEFLY = "it is summarised by level"

RESERVE = 2.0
"""Seconds that are kept for the summary, where everything else takes too long."""


class Drawing(NamedTuple):
    """What was drawn, and what its reader should know of it."""

    content: bytes
    notes: tuple[str, ...] = ()


def drawing(report: Report, form: str, style: Style, *, local: bool = False, language: str = "en") -> Drawing:
    """A report in a format: one of TEXTS, svg, png, pdf, tree or html.

    style: `full` for every node, however many.   local: with the local gradients.   language: of a page.
    Errors: UsageError where a package is missing; LimitError where not even the summary could be laid out.
    """
    why = large(report, style, form)
    if form == "html":
        from gradcli.render.page import noted
        from gradcli.words import Words

        text, notes = noted(report, style, Words(language))
        return Drawing(text.encode(), notes)
    if form == "tree":
        return Drawing("".join(tree(report, style, local=local)).encode(), (why,) if why else ())
    if form in graphviz.FORMATS:
        graphviz.require()
        return pictured(report, form, style, why, local=local)
    notes = (why,) if why else ()
    if not notes:
        share = len(drawn(report)) <= SHARED
        try:
            return Drawing(whole(report, build(report, share=share), form, style, local).encode())
        except LimitError as error:
            notes = (f"{error}: {BRIEFLY}",)
    return Drawing(brief(report, form, style).encode(), notes)


def pictured(report: Report, form: str, style: Style, why: str, *, local: bool) -> Drawing:
    """A picture by Graphviz: shared inputs as one box, then as one a use, then the summary: the first done in time.

    why: it is to be the summary at once.
    """
    from gradcli.render.dot import draw, titles

    end = monotonic() + graphviz.WALL
    notes = [why] if why else []
    tries = [] if why else [share for share in (True, False) if not share or len(drawn(report)) <= SHARED]
    for share in tries:
        boxes = build(report, share=share)
        named = titles(report, boxes, style) if form == "svg" else {}
        wall = end - monotonic() - RESERVE
        try:
            content = graphviz.picture(draw(report, boxes, style, local=local), form, named, wall=wall)
        except LimitError as error:
            notes = [f"{error}: {'each use of an input has a box of its own' if share else BRIEFLY}"]
        else:
            return Drawing(content, tuple(notes))
    wall = max(RESERVE, end - monotonic())
    return Drawing(graphviz.picture(brief(report, "dot", style), form, wall=wall), tuple(notes))


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

    why = large(report, style, "tree")
    if why:
        yield from draw_tree.summary(report, levels(report), style, why)
    else:
        yield from draw_tree.pieces(report, style, local=local)
