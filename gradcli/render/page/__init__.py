"""A page to step through both passes: one HTML file that needs nothing else, and asks nobody for anything.

It is complete without its script: the picture and the table with all numbers. The script shows the steps one by one
and, for a graph of numbers, works everything out again when an input moves, by code written from the op table. The
policy in its head admits this script and this style alone, by their hashes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from functools import cache, cached_property
from hashlib import sha256
from html import escape
from math import floor, isfinite, log10
from pathlib import Path
from typing import Any

from gradcli.errors import visible
from gradcli.notation import number
from gradcli.picture import LARGE, SHARED, Picture, build, drawn, edges, folded, levels
from gradcli.render.drawn import DECIMALS, large, shortened
from gradcli.render.drawn import Words as Figures
from gradcli.render.figures import Style
from gradcli.render.page.drawing import Carried, Drawn, Number, svg
from gradcli.render.page.layers import fits
from gradcli.render.page.table import table
from gradcli.render.page.tour import Move, Tour
from gradcli.render.rows import LONGEST, title
from gradcli.render.tensors import inline
from gradcli.report import Report
from gradcli.systems.source import Unspelled, javascript, kinked
from gradcli.words import Words

FOLDER = Path(__file__).parent

SMALLEST = 0.7
"""How small the picture becomes on a large screen, before it is moved to see all of it."""

LISTED = 5000
"""Nodes up to which all have rows in the table on request."""

TANGLE = "are too many to be laid out on a page; -o net.dot has them all"

SAID = ("overview", "overview_text", "overview_only", "forward", "backward", "play", "pause", "not_finite", "no_slope")
"""Texts that the script fills in."""


def page(report: Report, style: Style, words: Words | None = None) -> str:
    """The page of a report.   style: digits of the table and the steps; the picture has two decimals unless it says."""
    return noted(report, style, words or Words("en"))[0]


def noted(report: Report, style: Style, words: Words) -> tuple[str, tuple[str, ...]]:
    """The page, and what its reader should know of it: that it is a summary."""
    made = _Page(report, style, words)
    return "".join(made.whole()), (made.large,) if made.large else ()


class _Page:
    def __init__(self, report: Report, style: Style, words: Words) -> None:
        self.report, self.words = report, words
        self.large = large(report, style, "html")
        found = Picture((), (), True) if self.large else self.laid()
        if found is None:
            self.large = f"summarised by level: {edges(report):,} edges {TANGLE}"
        self.boxes = found or Picture((), (), True)
        self.style = style = style._replace(full=style.full and len(drawn(report)) <= LISTED)
        self.code, self.why = self.source()
        self.tour = Tour(report, style, words, live=bool(self.code), steps=not self.large)
        self.marks: dict[int, list[str]] = {}
        for k, box in enumerate(self.boxes.boxes):
            if box.kind != "end":
                self.marks.setdefault(box.node, []).append(f"b{k}")
        self.figures = Figures(
            report, style if style.sig or style.decimals is not None else style._replace(decimals=DECIMALS)
        )

    def say(self, key: str, **fields: Any) -> str:
        """A text, inert."""
        return _text(self.words.say(f"page.{key}", **fields))

    def source(self) -> tuple[str, str]:
        """The code that works everything out again; or why there is none."""
        report = self.report
        if self.large:
            return "", ""
        if report.source.trace.tensorial or report.graph.tensorial:
            return "", self.say("tensors")
        if not report.graph.inputs:
            return "", self.say("none")
        if not all(isfinite(report.source.trace.values[i]) for i in report.graph.inputs.values()):
            return "", self.say("unbounded")
        try:
            return javascript(report.graph, report.source.upstream), ""
        except Unspelled as error:
            return "", self.say("lacking", op=error.op.called or error.op.name)

    def whole(self) -> Iterator[str]:
        """The file, piece by piece."""
        expression = visible(title(self.report))
        css, script = _file("page.css") + self.width(), self.code + _file("page.js")
        fields = {
            "language": self.words.language,
            "policy": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(css)}'",
            "title": _text(shortened(expression, LONGEST)),
            "css": css,
            "expression": _text(shortened(expression, LONGEST)),
            **{key: self.say(key) for key in ("lead", "value", "gradient")},
            "body": "\n".join(self.body()),
            "data": _data(self.data()),
            "script": script,
        }
        pieces = _file("page.html").split("{")
        yield pieces[0]
        for piece in pieces[1:]:
            name, _, rest = piece.partition("}")
            yield fields[name]
            yield rest

    def width(self) -> str:
        """How wide the picture is shown: as it is on a small screen, else smaller where it would not fit."""
        if self.large:
            return ""
        least = f"#net {{ max-width: 100%; min-width: {SMALLEST * self.drawn.width:.0f}px; }}"
        return f"{least}\n@media (max-width: 48rem) {{ #net {{ min-width: {self.drawn.width:.0f}px; }} }}\n"

    def body(self) -> Iterator[str]:
        """What stands on the page."""
        yield from self.picture()
        if not self.large:
            yield from self.controls()
        if self.code:
            yield from self.inputs()
        elif self.why:
            yield f'<p class="said">{self.why}</p>'
        if not self.report.pulled_back:
            yield f'<p class="said">{self.say("undrawn")}</p>'
        yield '<section class="scroll" tabindex="0" role="region" aria-label="' + self.say("table") + '">'
        yield from table(self.tour, self.words)
        yield "</section>"
        yield from (f'<p class="said">{_text(note)}</p>' for note in self.notes())

    def picture(self) -> Iterator[str]:
        """The picture; of a graph that is too large its levels, as a list."""
        report, figures = self.report, self.figures
        if self.large:
            count, lines = len(drawn(report)), edges(report)
            why = self.say("large", count=f"{count:,}") if count > LARGE else self.say("tangled", count=f"{lines:,}")
            yield f"<section><h2>{self.say('levels')}</h2><p>{why}</p><ol>"
            for level in levels(report):
                yield f"<li>{'; '.join(map(_text, figures.level(level)))}</li>"
            yield "</ol></section>"
            return
        yield f'<section id="picture" class="scroll" tabindex="0" role="region" aria-label="{self.say("graph")}">'
        yield self.drawn.text
        yield "</section>"

    def laid(self) -> Picture | None:
        """The boxes and wires, if they can be laid out: an input is one box where it can be, else one for each use."""
        for share in (True, False)[len(drawn(self.report)) > SHARED :]:
            found = build(self.report, share=share)
            if fits(found):
                return found
        return None

    @cached_property
    def wired(self) -> list[tuple[int, int] | None]:
        """The edge of each wire, (child, which of its inputs); None of the last, behind the output."""
        report = self.report
        found: list[tuple[int, int] | None] = []
        for i in drawn(report):
            hidden = folded(report, i)
            found += [(i, k) for k in range(len(report.graph.parents[i])) if k != hidden]
        return [*found, None]

    @cached_property
    def places(self) -> dict[tuple[int, int] | None, int]:
        """Edge → its wire."""
        return {edge: k for k, edge in enumerate(self.wired)}

    @property
    def carried(self) -> Iterator[Carried]:
        """The numbers of each wire."""
        report, tour = self.report, self.tour
        graph = report.graph
        for wire, edge in zip(self.boxes.wires, self.wired, strict=True):
            parent = graph.output if edge is None else graph.parents[edge[0]][edge[1]]
            value = None
            if wire.value is not None:
                value = self.number(wire.value, f"v{parent}", tour.computed.get(parent, 0))
            gradient = None
            if edge is None:
                if wire.gradient is not None:
                    gradient = self.number(wire.gradient, f"g{parent}", tour.returned[parent])
            elif edge in tour.slots and (self.code or wire.gradient is not None):
                slot = tour.slots[edge]
                gradient = self.number(tour.rows[slot].downstream, f"d{slot}", tour.returned[parent])
            elif wire.gradient is not None:
                gradient = self.number(wire.gradient, "", 0)
            yield Carried(value, gradient)

    @property
    def totals(self) -> Iterator[Number | None]:
        """What the gradients of the wires that leave a box add up to."""
        for box in self.boxes.boxes:
            at = self.tour.returned.get(box.node, 0)
            yield None if box.total is None else self.number(box.total, f"g{box.node}", at)

    def number(self, value: Any, key: str, step: int) -> Number:
        """A number of the picture."""
        return Number(self.figures.entries(value), key if self.code else "", step)

    @cached_property
    def drawn(self) -> Drawn:
        """The picture."""
        label = self.words.say("page.picture", expression=shortened(title(self.report)))
        return svg(self.boxes, list(self.carried), list(self.totals), self.figures, label)

    def controls(self) -> Iterator[str]:
        """The buttons, and what is said of the step."""
        yield f'<div id="controls" role="group" aria-label="{self.say("controls")}" hidden data-js>'
        for name, sign in (("first", "|◀ "), ("previous", "◀ "), ("play", ""), ("next", "▶ "), ("last", "▶| ")):
            shown = f'<span aria-hidden="true">{sign}</span>' if sign else ""
            yield f'<button type="button" id="{name}">{shown}{self.say(name)}</button>'
        yield f"<small>{self.say('keys')}</small></div>"
        yield '<section id="step" role="status" aria-live="polite" hidden data-js></section>'

    def inputs(self) -> Iterator[str]:
        """A slider and a field for each input."""
        yield f'<section id="inputs" hidden data-js><h2>{self.say("inputs")}</h2><form id="values" autocomplete="off">'
        for k, (name, i) in enumerate(self.report.graph.inputs.items()):
            value = self.report.source.trace.values[i]
            reach = span(value)
            shown = shortened(visible(name))
            yield (
                f'<div class="input"><code aria-hidden="true">{_text(shown)}</code>'
                f'<input type="range" id="s{k}" min="{-reach:g}" max="{reach:g}" step="{reach / 500:g}" '
                f'value="{number(value)}" aria-label="{self.say("slider", name=shown)}">'
                f'<input type="number" id="n{k}" step="any" value="{number(value)}" '
                f'aria-label="{self.say("number", name=shown)}"></div>'
            )
        yield (
            f'</form><div class="tail"><output id="output" aria-label="{self.say("output")}"></output>'
            f'<button type="button" id="reset">{self.say("reset")}</button></div>'
            '<div id="said" role="status"></div></section>'
        )

    def notes(self) -> Iterator[str]:
        """What the reader should know; where the inputs can move, of the graph alone."""
        report = self.report
        if self.code:
            yield from report.graph.notes
            return
        yield from (*report.all_notes, *report.all_warnings)
        if report.trouble is not None:
            yield " ".join(filter(None, (report.trouble.cause, report.trouble.effect, report.trouble.advice)))

    def data(self) -> dict[str, Any]:
        """What the script reads."""
        report, graph, tour = self.report, self.report.graph, self.tour
        style = self.style
        kinks = [f"{graph.names[i]}: {graph.ops[i].convention}" for i in kinked(graph)] if self.code else []
        return {
            "live": bool(self.code),
            "name": report.output,
            "output": graph.output,
            "value": inline(report.value, style),
            "x": [report.source.trace.values[i] for i in graph.inputs.values()] if self.code else [],
            "steps": [self.move(move) for move in tour.moves],
            "nodes": [i for i in report.order if graph.used[i]] if self.code else [],
            "names": graph.names if self.code else [],
            "kinks": kinks,
            "decimals": style.decimals,
            "picture": self.figures.style.decimals,
            "sig": style.sig or 0,
            "words": {
                name: self.words.say(f"page.{name}", **{field: f"{{{field}}}" for field in FIELDS}) for name in SAID
            },
        }

    def move(self, move: Move) -> dict[str, Any]:
        """A step as the script reads it.   m: what it marks in the picture.   r: the row of the table."""
        gates = {self.tour.rows[at].child for at in move.edges} or {move.node}
        slots = [self.tour.edges[at] for at in move.edges]
        marks = [mark for i in sorted(gates) for mark in self.marks.get(i, ())]
        marks += [f"w{self.places[edge]}" for edge in slots if edge in self.places]
        return {"b": int(move.backward), "r": move.node, "m": marks, "l": move.lines}


FIELDS = ("output", "value", "number", "count", "name")
"""Fields that the script fills in."""


def span(value: float) -> float:
    """How far a slider goes: a round number, at least twice the value.

    >>> [span(x) for x in (2.0, -3.0, 0.0, 0.07, 1e6)]
    [5.0, 10.0, 2.0, 0.2, 2000000.0]
    """
    least = 2 * abs(value)
    if not isfinite(least) or least == 0:
        return 2.0
    power = 10.0 ** floor(log10(least))
    return float(f"{next(round_ * power for round_ in (1, 2, 5, 10, 20) if round_ * power >= least * (1 - 1e-12)):.1g}")


@cache
def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a policy knows a script by."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _data(data: dict[str, Any]) -> str:
    """Data within a script element: no text ends it, or begins another."""
    numbers = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return numbers.translate(INERT)


INERT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def _text(words: str) -> str:
    return escape(visible(words))
