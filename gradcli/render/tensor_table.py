"""The table where values are tensors: cells of several lines, and rules where a Jacobian would stand.

A line for each edge, as in the table of numbers. An op entry by entry has its local gradient there, the diagonal of
its Jacobian; an op on whole tensors has the rule by which it passes its upstream gradient down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradcli import notation
from gradcli.graph import Graph
from gradcli.render.figures import Style, aligned, plain
from gradcli.render.lines import Line, text_of, width
from gradcli.render.rows import NAME
from gradcli.render.tensors import SMALL, alike, cell, inline, is_tensor, shape_text

if TYPE_CHECKING:
    from gradcli.report import EdgeRow, NodeRow, Report

GAP = "  "

COLUMNS = 120
"""Columns that a table takes where there is no width (a pipe), if that is enough."""

TERMS = 3
"""Terms that a sum of tensors is written out with."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns there are, and how large tensors may be drawn.

    cell: columns of a vector in full.   lines: of a summary.   node, edge: columns that "n1 = …" and "∂n1/∂x = …" may
    take.   shapes: whether those along a rule must have room.   stacked: whether a product stands under its rule, with
    its upstream gradient by name if that is large.
    """

    cell: int = 56
    lines: int = 2
    node: int = 40
    edge: int = 48
    via: bool = True
    gate: bool = False
    shapes: bool = False
    stacked: bool = False
    gap: int = 2
    heading: str = "∂{f}/∂node"


PLANS = (
    Plan(gate=True, shapes=True, heading="global ∂{f}/∂node"),
    Plan(shapes=True),
    Plan(),
    Plan(shapes=True, via=False),
    Plan(via=False),
    *(
        Plan(cell=cell, lines=lines, node=node, stacked=True, via=via, gap=2 if via else 1)
        for lines in (2, 4)
        for cell in (56, 40, 28)
        for node in (40, 16)
        for via in (True, False)
    ),
    Plan(cell=28, lines=4, stacked=True, via=False, node=12, edge=24, gap=1),
    Plan(cell=22, lines=4, stacked=True, via=False, node=12, edge=24, gap=1),
    Plan(cell=22, lines=4, stacked=True, via=False, node=0, edge=24, gap=1),
)
"""From rich to poor; the first that fits the width is drawn."""

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
    groups: list[list[Line]] = []
    for plan in PLANS:
        groups = _laid(report, nodes, plan, style)
        if _across(groups) <= (style.width or COLUMNS):
            return groups
    if style.width is None:
        return _laid(report, nodes, NATURAL, style)
    from gradcli.render.tensor_list import listed

    return listed(report, nodes, style)


def _across(groups: Iterable[list[Line]]) -> int:
    return max((width(text_of(line).rstrip()) for group in groups for line in group), default=0)


# ── what is said of a node ──────────────────────────────────────────────────────────────────────────────────


def block(report: Report, node: NodeRow, plan: Plan, style: Style) -> Block:
    """What a plan shows of one node."""

    def drawn(value: Any) -> list[str]:
        return cell(value, style, plan.cell, plan.lines)

    bad = report.trouble is not None and report.trouble.node == node.index
    mark = "" if not bad else "! " if style.ascii else "✗ "
    name = named(node)
    shown = Block(
        name=plain(mark + (name if width(name) <= plan.node else node.name), style),
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
        entry = _entry(report, node, edge, plan, style)
        entry.total, entry.final = drawn(edge.downstream), node.uses == 1 and not shown.entries
        shown.entries.append(entry)
    if node.uses > len(node.edges):
        shown.entries.append(Entry(edge=plain(f"… {node.uses - len(node.edges):,} more edges", style), dim=True))
    if node.uses > 1 or (node.edges and node.index == report.graph.output):
        shown.entries.append(Entry(edge=plain(_summed(node, style), style), total=total, dim=True, final=True))
    return shown


def _entry(report: Report, node: NodeRow, edge: EdgeRow, plan: Plan, style: Style) -> Entry:
    def drawn(value: Any) -> list[str]:
        return cell(value, style, plan.cell, plan.lines)

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
    from gradcli.render.table import pretty_formula

    return f"{node.name} = {pretty_formula(node.formula)}" if node.formula else node.name


def started(report: Report, node: NodeRow) -> str:
    """Where backward begins: with 1, or with the gradient that was given."""
    above = top(report)
    if above != report.output:
        return f"start: ∂{above}/∂{node.name}, as given"
    return f"start: ∂{node.name}/∂{node.name}"


def top(report: Report) -> str:
    """What the gradients are derivatives of: the output; for one of several entries a loss L behind it."""
    if report.source.trace.shapes[report.graph.output] == ():
        return report.output
    return next((name for name in ("L", "loss") if report.graph.find(name) is None), "the loss")


def uniform(value: Any) -> Any:
    """A tensor whose entries are all one number as that number: a factor all the same."""
    return float(value.flat[0]) if is_tensor(value) and alike(value) else value


def quotient(edge: EdgeRow) -> str:
    """`∂n1/∂W`"""
    return f"∂{edge.child_name}/∂{edge.parent_name}"


def ruled(report: Report, edge: EdgeRow, style: Style, *, alone: bool) -> str:
    """The rule of an edge: `∂n2/∂n1 = 2·n1`; of an op on whole tensors `∂f/∂W = ∂f/∂n1·xᵀ`.

    alone: whether no other edge adds to the node's gradient, so that the rule is the whole of it.
    """
    if not edge.chosen:
        return plain(f"{quotient(edge)}: not chosen", style)
    if edge.kind not in ("jacobian", "rule"):
        rule = notation.pretty(edge.rule)
        left = f"{quotient(edge)} = {rule}" if rule and not _numeric(rule) else quotient(edge)
        return plain(left + summed_over(edge), style)
    if not edge.rule:
        return plain(quotient(edge), style)
    above = top(report)
    rule = passed(edge, report.graph, above, style)
    return f"{plain(f'∂{above}/∂{edge.parent_name}', style)} = {rule}" if alone else rule


def _numeric(rule: str) -> bool:
    try:
        float(rule)
    except ValueError:
        return False
    return True


def passed(edge: EdgeRow, graph: Graph, above: str, style: Style) -> str:
    """What an op on whole tensors passes down, as lectures write it: `∂f/∂n1·xᵀ`, with `·` the matrix product."""
    arriving = f"∂{above}/∂{edge.child_name}"
    rule = times_one(edge, graph, above)
    if notation.upstream(graph, edge.child) == "g":

        def written(match: re.Match[str]) -> str:
            before, after = rule[: match.start()].rstrip()[-1:], rule[match.end() :].lstrip()[:1]
            bare = before != "/" and after not in tuple(".[^/")
            return arriving if bare else f"({arriving})"

        rule = re.sub(r"(?<![\w.])g(?!\w)", written, rule)
    if not style.ascii:
        rule = rule.replace(".T", "ᵀ").replace("@", "·")
    return plain(_raised(rule), style)


def times_one(edge: EdgeRow, graph: Graph, above: str) -> str:
    """The rule of an edge; without g as a factor where it is 1, at the output."""
    starts = edge.child == graph.output and above == edge.child_name and not edge.child_shape and edge.upstream == 1
    return re.sub(r"^(-?)g\*|(?<=[-+(])g\*", r"\1", edge.rule) if starts else edge.rule


def _raised(rule: str) -> str:
    """Powers raised, products entry by entry as they are typed."""
    return "*".join(notation.pretty(part) for part in rule.split("*"))


def shapes_of(report: Report, edge: EdgeRow, style: Style) -> str:
    """The shapes along a rule: `(2,)·(2,)ᵀ`; of one that moves entries `() → (2,)`."""
    graph = report.graph
    shapes = report.source.trace.shapes
    if "@" not in edge.rule:
        moved = edge.rule == notation.upstream(graph, edge.child) and edge.parent_shape != edge.child_shape
        arrow = f"{shape_text(edge.child_shape) or '()'} → {shape_text(edge.parent_shape) or '()'}"
        return plain(arrow, style) if moved else ""
    at = {graph.names[p]: shapes[p] for p in (*graph.parents[edge.child], edge.child)}
    up = notation.upstream(graph, edge.child)
    rule = edge.rule.replace(up, "g") if up != "g" else edge.rule
    at["g"] = edge.child_shape
    text = NAME.sub(lambda match: shape_text(at[match[0]]) if match[0] in at else match[0], rule)
    return plain(text if style.ascii else text.replace(".T", "ᵀ").replace("@", "·"), style)


def summed_over(edge: EdgeRow) -> str:
    """`, Σ over axis 0`: where a smaller tensor was broadcast, its gradient is summed back."""
    axes = broadcast_axes(edge)
    if not axes or edge.kind != "diagonal":
        return ""
    return f", Σ over {axis_text(axes, len(edge.child_shape))}"


def axis_text(axes: list[int], rank: int) -> str:
    """ "axis 0", "axes 0 and 1", "all entries" """
    if len(axes) == rank:
        return "all entries"
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"


def broadcast_axes(edge: EdgeRow) -> list[int]:
    """The child's axes along which its input was repeated."""
    above, below = edge.parent_shape, edge.child_shape
    lead = len(below) - len(above)
    return [i for i, n in enumerate(below) if n > 1 and (i < lead or above[i - lead] == 1)]


def _summed(node: NodeRow, style: Style) -> str:
    """ "copy, used twice: [1, 2] + [3, 4]": the terms where they are short."""
    used = "twice" if node.uses == 2 else f"{node.uses:,} times"
    words = f"copy, used {used}"
    terms = [edge.downstream for edge in node.edges]
    short = len(terms) == node.uses <= TERMS and all(not is_tensor(t) or (t.ndim == 1 and t.size <= 4) for t in terms)
    if not short:
        return words
    texts = [inline(term, style) for term in terms]
    return f"{words}: {' + '.join([texts[0], *(f'({t})' if t.startswith('-') else t for t in texts[1:])])}"


# ── layout ──────────────────────────────────────────────────────────────────────────────────────────────────


Middle = tuple[list[Line], int]  # the lines of an edge, and the one where its gradient begins

TITLES = {"node": "node", "shape": "shape", "forward": "forward", "via": "via", "gate": "gate"}


def _laid(report: Report, nodes: list[NodeRow], plan: Plan, style: Style) -> list[list[Line]]:
    blocks = [block(report, node, plan, style) for node in nodes]
    entries = [entry for block in blocks for entry in block.entries]
    for column in ("total",) if plan.stacked else ("local", "upstream", "total"):
        _align([getattr(entry, column) for entry in entries])
    _align([block.forward for block in blocks])
    columns = {
        "node": _widest(block.name for block in blocks),
        "shape": _widest(block.shape for block in blocks),
        "forward": _widest(line for block in blocks for line in block.forward),
        "via": _widest(entry.via for entry in entries) if plan.via else 0,
        "gate": _widest(entry.gate for entry in entries) if plan.gate else 0,
    }
    columns = {name: max(wide, width(TITLES[name])) for name, wide in columns.items() if wide}
    above = top(report)
    times = plain("×", style)
    total = plain(plan.heading.format(f=above if width(above) <= 12 else "out"), style)
    title, middles = (_stacked if plan.stacked else _in_columns)(entries, plan, times)
    across = max(width(text_of(title)), *(width(text_of(line)) for lines, _ in middles for line in lines))
    gap = " " * plan.gap
    left = "".join(TITLES[name].ljust(wide) + gap for name, wide in columns.items())
    head: Line = [(left, "head"), *title, (" " * (across - width(text_of(title))) + f" = {total}", "head")]
    found = iter(middles)
    groups = [list(_lines(block, [next(found) for _ in block.entries], columns, across, gap)) for block in blocks]
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


def _stacked(entries: list[Entry], plan: Plan, times: str) -> tuple[Line, list[Middle]]:
    """A product under its rule; beside it where there is room."""
    room = max(len(FORMS[-1]), *(max(width(e.edge), _widest(product(e, times))) for e in entries))
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
