"""The table where values are tensors: cells of several lines, and rules where a Jacobian would stand.

A line for each edge, as in the table of numbers. An op entry by entry has its local gradient there, the diagonal of
its Jacobian; an op on whole tensors has the rule by which it passes its upstream gradient down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradcli.notation import LONGEST
from gradcli.render.figures import Style, aligned, plain
from gradcli.render.lines import Line, text_of, width
from gradcli.render.table import pretty_formula
from gradcli.render.tensor_rules import quotient, ruled, shapes_of, short_lists, started, top, uniform
from gradcli.render.tensors import SMALL, Known, alike, cell, inline, is_tensor, shape_text

if TYPE_CHECKING:
    from gradcli.report import EdgeRow, NodeRow, Report

GAP = "  "

COLUMNS = 120
"""Columns that a table takes where there is no width (a pipe), if that is enough."""

TERMS = 3
"""Terms that a sum of tensors is written out with."""

TERM = 4
"""Entries of such a term."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns there are, and how large tensors may be drawn.

    cell: columns of a vector in full.   lines: of a summary.   node, edge: columns that "n1 = …" and "∂n1/∂x = …" may
    take: the formula, or the rule, of what is longer is left out.
    shapes: whether those along a rule must have room.   stacked: whether a product stands under its rule, with
    its upstream gradient by name if that is large.   headed: whether a node's formula stands above its lines.
    """

    cell: int = 56
    lines: int = 2
    node: int = LONGEST
    edge: int = LONGEST
    via: bool = True
    gate: bool = False
    shapes: bool = False
    stacked: bool = False
    headed: bool = False
    gap: int = 2
    heading: str = "∂{f}/∂node"


PLANS = (
    Plan(gate=True, shapes=True, heading="global ∂{f}/∂node"),
    Plan(shapes=True),
    Plan(),
    Plan(shapes=True, via=False),
    Plan(via=False),
    *(
        Plan(cell=cell, lines=lines, stacked=True, via=via, headed=headed, gap=2 if via or headed else 1)
        for headed in (False, True)
        for lines in (2, 4)
        for cell in (56, 40, 28)
        for via in (True, False)
    ),
    Plan(cell=22, lines=4, stacked=True, headed=True, via=False, gap=1),
)
"""From rich to poor; the first that fits the width is drawn.

None leaves out a formula or a rule that people would read: where no table has room for them, the nodes are listed.
"""

NATURAL = Plan(cell=72)


@dataclass(slots=True)
class Entry:
    """One edge of a node.

    edge: the rule; it may run on into the columns of what the edge does not have.   more: what is said after it, if
    there is room.   words: what stands in place of the columns.   final: whether `total` is the node's gradient.
    """

    via: str = ""
    gate: str = ""
    edge: str = ""
    more: str = ""
    local: list[str] = field(default_factory=list)
    upstream: list[str] = field(default_factory=list)
    total: list[str] = field(default_factory=list)
    final: bool = False
    dim: bool = False


@dataclass(slots=True)
class Block:
    """One node: its value, and the edges where its gradient arrives."""

    name: str
    shape: str
    forward: list[str]
    entries: list[Entry]
    bad: bool = False


def drawn(report: Report, nodes: list[NodeRow], style: Style) -> list[list[Line]]:
    """The heading, then the lines of each node, by the richest plan that fits."""
    known: Known = {}
    for plan in PLANS:
        groups = _laid(report, nodes, plan, style, known)
        if _across(groups) <= (style.width or COLUMNS):
            return groups
    if style.width is None:
        return _laid(report, nodes, NATURAL, style, known)
    from gradcli.render.tensor_list import listed

    return listed(report, nodes, style, known)


def _across(groups: Iterable[list[Line]]) -> int:
    return max((width(text_of(line).rstrip()) for group in groups for line in group), default=0)


# ── what is said of a node ──────────────────────────────────────────────────────────────────────────────────


def block(report: Report, node: NodeRow, plan: Plan, style: Style, known: Known) -> Block:
    """What a plan shows of one node."""

    def drawn(value: Any) -> list[str]:
        return cell(value, style, plan.cell, plan.lines, known)

    bad = report.trouble is not None and report.trouble.node == node.index
    mark = "" if not bad else "! " if style.ascii else "✗ "
    forms = (named(node), short_lists(named(node)), node.name)
    name = next(form for form in forms if width(form) <= plan.node or form is node.name)
    shown = Block(
        name=plain(mark + name, style),
        shape=shape_text(node.shape),
        forward=drawn(node.value),
        entries=[],
        bad=bad,
    )
    total = [] if node.gradient is None else drawn(node.gradient)
    if node.index == report.graph.output:
        start = drawn(report.source.at(node.index))
        shown.entries.append(Entry(edge=plain(started(report, node), style), total=start, final=not node.edges))
    elif not node.edges:
        shown.entries.append(Entry(edge=plain(node.why, style), total=total, dim=True, final=True))
    for edge in node.edges:
        entry = _entry(report, node, edge, plan, style, drawn)
        entry.total, entry.final = drawn(edge.downstream), node.uses == 1 and not shown.entries
        shown.entries.append(entry)
    if node.uses > len(node.edges):
        shown.entries.append(Entry(edge=plain(f"… {node.uses - len(node.edges):,} more edges", style), dim=True))
    if node.uses > 1 or (node.edges and node.index == report.graph.output):
        words, terms = _copied(node, style)
        shown.entries.append(Entry(edge=plain(words, style), more=terms, total=total, dim=True, final=True))
    return shown


def _entry(
    report: Report, node: NodeRow, edge: EdgeRow, plan: Plan, style: Style, drawn: Callable[[Any], list[str]]
) -> Entry:
    whole = edge.local is None or edge.kind == "jacobian"
    rule = ruled(report, edge, style, alone=node.uses == 1)
    entry = Entry(
        via=plain(edge.op, style),
        gate=report.graph.ops[edge.child].gate,
        edge=rule if width(rule) <= plan.edge or not edge.chosen else plain(quotient(edge), style),
        more=shapes_of(report, edge, style) if whole and edge.chosen else "",
        dim=not edge.chosen,
    )
    if not whole:
        entry.local = drawn(uniform(edge.local))
    if not plan.stacked:
        entry.upstream = drawn(edge.upstream)
    elif not whole:
        large = is_tensor(edge.upstream) and edge.upstream.size > SMALL and not alike(edge.upstream)
        arriving = f"∂{top(report)}/∂{edge.child_name}"
        entry.upstream = [plain(arriving, style)] if large else drawn(edge.upstream)
    return entry


def named(node: NodeRow) -> str:
    """`n1 = W@x`"""
    return f"{node.name} = {pretty_formula(node.formula)}" if node.formula else node.name


def _copied(node: NodeRow, style: Style) -> tuple[str, str]:
    """ "copy, used twice", and the terms of the sum where they are short."""
    used = "twice" if node.uses == 2 else f"{node.uses:,} times"
    terms = [edge.downstream for edge in node.edges]
    if not len(terms) == node.uses <= TERMS or any(is_tensor(t) and (t.ndim > 1 or t.size > TERM) for t in terms):
        return f"copy, used {used}", ""
    first, *rest = [inline(term, style) for term in terms]
    return f"copy, used {used}", " + ".join([first, *(f"({text})" if text.startswith("-") else text for text in rest)])


# ── layout ──────────────────────────────────────────────────────────────────────────────────────────────────


Middle = tuple[list[Line], int]  # the lines of an edge, and the one where its gradient begins

TITLES = {"node": "node", "shape": "shape", "forward": "forward", "via": "via", "gate": "gate"}


def _laid(report: Report, nodes: list[NodeRow], plan: Plan, style: Style, known: Known) -> list[list[Line]]:
    blocks = [block(report, node, plan, style, known) for node in nodes]
    entries = [entry for block in blocks for entry in block.entries]
    for column in ("total",) if plan.stacked else ("local", "upstream", "total"):
        _align([getattr(entry, column) for entry in entries])
    _align([block.forward for block in blocks])
    columns = {
        "node": _widest(block.name for block in blocks) if not plan.headed else len(TITLES["node"]),
        "shape": _widest(block.shape for block in blocks) if not plan.headed else 0,
        "forward": _widest(line for block in blocks for line in block.forward),
        "via": _widest(entry.via for entry in entries) if plan.via else 0,
        "gate": _widest(entry.gate for entry in entries) if plan.gate else 0,
    }
    columns = {name: max(wide, width(TITLES[name])) for name, wide in columns.items() if wide}
    above = top(report)
    times = plain("×", style)
    total = plain(plan.heading.format(f=above if width(above) <= 12 else "out"), style)
    gap = " " * plan.gap
    left = "".join(TITLES[name].ljust(wide) + gap for name, wide in columns.items())
    if plan.stacked:
        least = max(width(f" = {total}"), 3 + max(_widest(entry.total) for entry in entries))
        title, middles = _stacked(entries, times, (style.width or COLUMNS) - len(left) - least)
    else:
        title, middles = _in_columns(entries, plan, times)
    across = max(width(text_of(title)), *(width(text_of(line)) for lines, _ in middles for line in lines))
    head: Line = [(left, "head"), *title, (" " * (across - width(text_of(title))) + f" = {total}", "head")]
    found = iter(middles)
    groups = [
        [*_head(block, plan), *_lines(block, [next(found) for _ in block.entries], columns, across, gap)]
        for block in blocks
    ]
    rule = plain("─" * _across([[head], *groups]), style)
    return [[head, [(rule, "head")]], *groups]


def _widest(texts: Iterable[str]) -> int:
    return max(map(width, texts), default=0)


def _align(cells: list[list[str]]) -> None:
    """The plain numbers of a column, padded in place so that their points stand under each other."""
    single = [lines for lines in cells if len(lines) == 1 and not lines[0].startswith(("[", "min", "all", "∂", "d"))]
    for lines, text in zip(single, aligned([lines[0] for lines in single]), strict=True):
        lines[0] = text.rstrip()


def _in_columns(entries: list[Entry], plan: Plan, times: str) -> tuple[Line, list[Middle]]:
    """The rule, the local gradient and the upstream gradient, each in a column of its own."""
    title = "local gradient or rule"
    local = _widest(line for entry in entries for line in entry.local)
    upstream = max(len("upstream"), _widest(line for entry in entries for line in entry.upstream))
    edge = _widest(entry.edge for entry in entries if entry.local)
    gap = plan.gap if local else 0

    def room(entry: Entry) -> int:
        return edge if entry.local else edge + gap + local + (0 if entry.upstream else 3 + upstream)

    edge = max(edge, len(title) - gap - local)
    edge += max(0, *(_wanted(entry, plan) - room(entry) for entry in entries))
    middles: list[Middle] = []
    for entry in entries:
        lines = []
        for at in range(max(1, len(entry.local), len(entry.upstream))):
            line = _worded(entry, room(entry)) if at == 0 else [(" " * room(entry), "")]
            if entry.local:
                line.append((" " * gap + _at(entry.local, at).ljust(local), _red(entry)))
            if entry.upstream:
                line.append((f" {times if entry.local and at == 0 else ' ' * len(times)} ", "head"))
                line.append((_at(entry.upstream, at).ljust(upstream), _red(entry)))
            lines.append(line)
        middles.append((lines, 0))
    return [(title.ljust(edge + gap + local) + f" {times} upstream", "head")], middles


def _wanted(entry: Entry, plan: Plan) -> int:
    """Columns that the text of an edge takes."""
    return width(entry.edge) + (3 + width(entry.more) if plan.shapes and entry.more else 0)


def _stacked(entries: list[Entry], times: str, most: int) -> tuple[Line, list[Middle]]:
    """A product under its rule; beside it where there is room.

    most: columns that may be taken, so that more products stand beside their rules.
    """
    room = max(len(FORMS[-1]), *(max(width(e.edge), _widest(product(e, times))) for e in entries))
    whole = (width(e.edge) + (len(GAP) + _widest(product(e, times)) if e.local else 0) for e in entries)
    more = (width(e.edge) + 3 + width(e.more) for e in entries if e.more)
    room = max([room, *(wide for wide in (*whole, *more) if wide <= most)])
    title = next(form for form in FORMS if len(form) <= room)
    return [(title.replace("×", times), "head")], [stacked(entry, room, times) for entry in entries]


FORMS = ("local gradient × upstream, or rule", "local gradient × upstream", "local × upstream")


def product(entry: Entry, times: str) -> list[str]:
    """local × upstream, side by side."""
    local = _widest(entry.local)
    lines = []
    for at in range(max(len(entry.local), len(entry.upstream)) if entry.local else 0):
        sign = times if at == 0 else " " * len(times)
        lines.append(f"{_at(entry.local, at).ljust(local)} {sign} {_at(entry.upstream, at)}".rstrip())
    return lines


def stacked(entry: Entry, room: int, times: str) -> Middle:
    """The lines of an edge within so many columns."""
    factors = product(entry, times)
    before = width(entry.edge) + len(GAP)
    beside = bool(factors) and before + _widest(factors) <= room
    if beside:
        first: Line = [(entry.edge + GAP, "dim" if entry.dim else ""), (factors[0], _red(entry))]
        return [first, *([(" " * before, ""), (line, _red(entry))] for line in factors[1:])], 0
    return [_worded(entry, room), *([(line, _red(entry))] for line in factors)], 1 if factors else 0


def _worded(entry: Entry, room: int) -> Line:
    """The rule of an edge; with it the shapes along it, if there is room."""
    line: Line = [(entry.edge, "dim" if entry.dim else "")]
    used = width(entry.edge)
    if entry.more and used + 3 + width(entry.more) <= room:
        line.append(("   " + entry.more, "dim"))
        used += 3 + width(entry.more)
    return [*line, (" " * (room - used), "")]


def _red(entry: Entry) -> str:
    return "dim" if entry.dim else "gradient"


def _head(block: Block, plan: Plan) -> list[Line]:
    """The line above those of a node, where its formula stands there; the columns have it no more."""
    if not plan.headed:
        return []
    name, shape = block.name, f"{GAP}{block.shape}" if block.shape else ""
    block.name = block.shape = ""
    return [[(name, "bad" if block.bad else "name"), (shape, "dim")]]


def _lines(block: Block, middles: list[Middle], columns: dict[str, int], across: int, gap: str) -> Iterator[Line]:
    """The lines of one node: its value on the left, its edges on the right."""
    right: list[tuple[Entry, int, Line, int]] = []
    for entry, (lines, start) in zip(block.entries, middles, strict=True):
        for at in range(max(len(lines), start + len(entry.total))):
            right.append((entry, at, lines[at] if at < len(lines) else [], at - start))
    nothing: tuple[Entry, int, Line, int] = Entry(), 1, [], -1
    for row in range(max(len(right), len(block.forward))):
        entry, at, middle, place = right[row] if row < len(right) else nothing
        texts = {
            "node": (block.name if row == 0 else "", "bad" if block.bad else "name"),
            "shape": (block.shape if row == 0 else "", "dim"),
            "forward": (_at(block.forward, row), "bad" if block.bad else "value"),
            "via": (entry.via if at == 0 else "", "dim"),
            "gate": (entry.gate if at == 0 else "", "dim"),
        }
        line: Line = []
        for name, wide in columns.items():
            text, part = texts[name]
            line.append((text + " " * (wide - width(text)) + gap, part))
        line += middle
        total = _at(entry.total, place) if place >= 0 else ""
        line.append((" " * (across - width(text_of(middle))), ""))
        line.append((" = " if total and place == 0 else "   ", "head"))
        line.append((total, "strong" if entry.final and not entry.dim else _red(entry)))
        yield line


def _at(lines: list[str], place: int) -> str:
    return lines[place] if place < len(lines) else ""
