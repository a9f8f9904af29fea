"""What the formats share about a node's texts: how it was written, and the rules of its edges."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gradcli import notation
from gradcli.cells import here
from gradcli.graph import Graph
from gradcli.tokens import lexis

if TYPE_CHECKING:
    from gradcli.autodiff import Edge
    from gradcli.report import Report

LONGEST = 1000
"""Characters up to which a node is shown as written; nested spans would add up to the square of the text."""

TEXT = 200
"""Nodes up to which a graph without a text of its own has its nodes written out."""

NAME = re.compile(r"(?<![\w.])[^\W\d]\w*(?!\s*\()")


def expression(graph: Graph, index: int) -> str:
    """A node as the user wrote it; one level of it in node names where that would be long."""
    start, end = notation.place(graph, index)
    if end > start:
        if end - start > LONGEST:
            return notation.formula(graph, index)
        text = graph.source[start:end]
        head = lexis(text).head.match(text)
        return text[head.end() :].strip() if head else text
    text = notation.text(graph, index) if len(graph) <= TEXT else ""
    return text if 0 < len(text) <= LONGEST else notation.formula(graph, index)


def title(report: Report) -> str:
    """The user's statements on one line, without comments; the last alone where that would be long."""
    found = statements(report.expression)
    whole = "; ".join(found)
    return whole if len(whole) <= LONGEST or len(found) < 2 else f"…; {found[-1]}"


def statements(text: str) -> list[str]:
    """The statements of a text, each on one line, without comments."""
    found, start, depth = [], 0, 0
    text = re.sub("#[^\n]*", "", text)
    for match in re.finditer(r"[();\n]|\Z", text):
        if match[0] in ("(", ")"):
            depth += 1 if match[0] == "(" else -1
        elif depth <= 0 or not match[0]:
            found.append(" ".join(text[start : match.start()].split()))
            start = match.end()
    return [statement for statement in found if statement]


class Rules:
    """The textbook's rules of a graph's edges, worked out once for all edges that differ in names alone."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[object, list[str | int]] = {}

    def __call__(self, edge: Edge) -> str:
        """The rule of an edge, as it can be run; 0 where its child selects another input."""
        graph, names, numbers = self.graph, self.graph.names, self.graph.numbers
        _, child, k = edge
        if not edge.chosen:
            return "0"
        if edge.whole or graph.ops[child].structural:
            return notation.rule(graph, child, k, here(edge), typed=True)
        places = (*graph.parents[child], child)
        key = (
            graph.ops[child],
            k,
            *(numbers[p].text if p in numbers else places.index(p) for p in places),
        )
        template = self.known.get(key)
        if template is None:
            text = notation.rule(graph, child, k)
            named = {names[p]: at for at, p in enumerate(places) if p not in numbers}
            if text and all(name.isidentifier() for name in named):
                self.known[key] = self.cut(text, named)
            return text
        text = "".join(part if isinstance(part, str) else names[places[part]] for part in template)
        return text if len(text) <= notation.LONGEST else ""

    @staticmethod
    def cut(text: str, places: dict[str, int]) -> list[str | int]:
        """A rule's text cut at the names of nodes, each replaced by its place."""
        parts: list[str | int] = []
        start = 0
        for match in NAME.finditer(text):
            if match[0] in places:
                parts += [text[start : match.start()], places[match[0]]]
                start = match.end()
        return [*parts, text[start:]]
