"""The table of the page: a row for each edge, where the gradient arrives, as in `gradcli eval`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from gradcli import notation
from gradcli.errors import visible
from gradcli.render.drawn import shortened
from gradcli.render.figures import figure
from gradcli.render.grid import GridRow, grid, local, over, quotient, told
from gradcli.render.tensors import cell, is_tensor, shape_text
from gradcli.words import Words

if TYPE_CHECKING:
    from gradcli.render.page.tour import Tour
    from gradcli.report import NodeRow

NAME = 60
"""Characters of a node and its formula."""

TEXT = 200
"""Characters of a rule."""


def table(tour: Tour, words: Words) -> Iterator[str]:
    """The lines of the table."""

    def say(key: str, **fields: str) -> str:
        return _text(words.say(f"page.{key}", **fields))

    heads = (("node", ""), ("forward_head", "n"), ("via", ""), ("local", "n"), ("upstream", "n"))
    yield f"<table><caption>{say('table')}</caption><thead><tr>"
    shown = [_cell("th", say(name), side, ' scope="col"') for name, side in heads[:3]]
    shown.append(f'<th scope="col" colspan="2">{say("local")}</th>')
    shown.append(_cell("th", say("upstream"), "n", ' scope="col"'))
    shown.append(_cell("th", say("global", output=over(tour.report)), "n", ' scope="col"'))
    yield "".join(shown) + "</tr></thead><tbody>"
    yield from _live(tour, say) if tour.live else _still(tour)
    yield "</tbody></table>"


def _live(tour: Tour, say: Any) -> Iterator[str]:
    """The rows of a graph of numbers, whose numbers the page works out again."""
    report = tour.report
    for node in report.node_rows(report.order, 0):
        i = node.index
        computed, returned = tour.computed.get(i, 0), tour.returned.get(i, 0)
        value = _number(tour, node.value, f"v{i}", computed, "v")
        total = "" if node.gradient is None else _number(tour, node.gradient, f"g{i}", returned, "g")
        along = tour.leaving.get(i, [])
        if i == report.graph.output or not along:
            words = f"∂{node.name}/∂{node.name}" if i == report.graph.output else node.why
            yield _row(i, _name(node), value, "", _text(words), "", "", total if i in tour.returned else "")
            continue
        for place, at in enumerate(along):
            edge = tour.rows[at]
            inner = _number(tour, edge.local, f"l{at}", returned, "")
            upstream = _number(tour, edge.upstream, f"g{edge.child}", returned, "g")
            down = total if len(along) == 1 else _number(tour, edge.downstream, f"d{at}", returned, "")
            rule = f"<code>{_text(shortened(quotient(edge._replace(chosen=True)), TEXT))}</code>"
            first = (_name(node), value) if not place else ("", "")
            yield _row(i, *first, _text(edge.op), rule, inner, upstream, down, more=len(along) > 1)
        if len(along) > 1:
            yield _row(i, "", "", "", say("copy"), "", "", total)


def _still(tour: Tour) -> Iterator[str]:
    """The rows as they are; of tensors too."""
    report, style = tour.report, tour.style
    i = -1
    for row in grid(report, style):
        name = value = ""
        if row.node is not None:
            i = row.node.index
            name, value = _name(row.node), _lines(tour, row.node.value, tour.computed.get(i, 0), "v")
        returned = tour.returned.get(i, 0)
        total = "" if row.total is None else _lines(tour, row.total, returned, "g")
        if row.edge is None:
            yield _row(i, name, value, "", _text(row.words), "", "", total)
            continue
        yield _row(
            i,
            name,
            value,
            _text(row.edge.op),
            *_edge(tour, row, returned),
            total or _lines(tour, row.edge.downstream, returned, ""),
            more=not row.alone,
        )


def _edge(tour: Tour, row: GridRow, step: int) -> tuple[str, str, str]:
    """The rule of an edge, its local gradient, its upstream gradient."""
    assert row.edge is not None  # noqa: S101 - only rows of an edge are asked
    factor = local(tour.report, row.edge)
    inner = _text(factor) if isinstance(factor, str) else _lines(tour, factor, step, "")
    return (
        f"<code>{_text(shortened(told(tour.report, row), TEXT))}</code>",
        inner,
        _lines(tour, row.edge.upstream, step, "g"),
    )


def _name(node: NodeRow) -> str:
    name = shortened(f"{node.name} = {notation.pretty(node.formula)}" if node.formula else node.name, NAME)
    shape = f" <small>{shape_text(node.shape)}</small>" if node.shape else ""
    return f"<code>{_text(name)}</code>{shape}"


def _number(tour: Tour, value: float, key: str, step: int, part: str) -> str:
    """A number that the page works out again."""
    return f'<span class="{part}" data-s="{step}" data-n="{key}">{_text(figure(float(value), tour.style))}</span>'


def _lines(tour: Tour, value: Any, step: int, part: str) -> str:
    """A number, or the lines of a tensor."""
    lines = cell(value, tour.style, 60, 2) if is_tensor(value) else [figure(float(value), tour.style)]
    return f'<span class="{part}" data-s="{step}">{chr(10).join(map(_text, lines))}</span>'


def _row(
    i: int, name: str, value: str, via: str, rule: str, inner: str, upstream: str, total: str, *, more: bool = False
) -> str:
    head = f'<th scope="row">{name}</th>' if name else "<td></td>"
    numbers = [_cell("td", each, "n") for each in (inner, upstream, total)]
    kind = ' class="more"' if more else ""
    return f'<tr data-r="{i}"{kind}>{head}{_cell("td", value, "n")}<td>{via}</td><td>{rule}</td>{"".join(numbers)}</tr>'


def _cell(tag: str, inner: str, side: str, more: str = "") -> str:
    return f"<{tag}{more}{f' class={chr(34)}{side}{chr(34)}' if side else ''}>{inner}</{tag}>"


def _text(words: str) -> str:
    return escape(visible(words))
