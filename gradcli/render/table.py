"""The table: what textbooks draw on the blackboard, a line for each edge, where the gradient arrives.

A plan says which columns there are; the richest plan that fits the width is drawn. Numbers are never cut or
wrapped: when even the poorest plan is too wide, the lines are longer than the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from gradcli.notation import pretty
from gradcli.render.figures import Style, aligned, figure, is_numeric, plain
from gradcli.render.lines import Line, Piece, folded, listed, painted, text_of, width
from gradcli.render.remarks import LINE, footer, path_lines, ranking_lines, verdict_lines
from gradcli.render.rows import statements
from gradcli.report import EdgeRow, NodeRow, Report

ROWS = 200
"""Nodes that are shown in full; of more, the first and last `END`."""

END = 30

LINES = 12
"""Edges of one node that are shown; of more, a count."""

TRIED = 40
"""Plans that are laid out before the poorest is drawn, whatever its width."""

MOST = 6
"""Lines that an expression may take."""

STATEMENTS = 3
"""Lines that several statements may take; of more, the last statement is shown."""

LONG = 60
"""Columns of an expression as written, beyond which the column for it is left out."""

GAP = "  "


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns there are.

    node, edge: columns that "n1 = …" and "∂n1/∂x = …" may take; the formula, or the rule, of those that would be
    longer is left out, one by one.   quotient: whether there is a column for "∂n1/∂x = …" at all.
    """

    node: int = 64
    edge: int = 56
    via: bool = True
    quotient: bool = True
    gate: bool = False
    written: bool = False
    downstream: bool = False
    gap: int = 2  # between an edge and its local gradient
    heading: str = "global ∂{f}/∂node"


DEFAULT = Plan()
RICH = (
    Plan(written=True, gate=True, downstream=True),
    Plan(written=True, gate=True),
    Plan(gate=True, downstream=True),
    Plan(gate=True),
    DEFAULT,
    Plan(heading="∂{f}/∂node"),
    Plan(heading="∂{f}/∂node", gap=1),
)
"""Plans that leave out no formula and no rule that people would read, from rich to poor."""

LOST = {"formula": 3.5, "rule": 2.5, "via": 0.6, "heading": 4.0, "gap": 1.0, "quotient": 40.0}
"""What it costs to leave something out of a row, or to shorten the heading: the cheapest plan that fits is drawn."""


@dataclass(slots=True)
class Row:
    """One line before alignment.

    words: what stands in place of the columns from `edge` to `downstream`.   parts: terms of a sum, after.
    final: whether the line holds its node's gradient.
    """

    node: str = ""
    forward: str = ""
    written: str = ""
    via: str = ""
    gate: str = ""
    edge: str = ""
    local: str = ""
    upstream: str = ""
    downstream: str = ""
    total: str = ""
    words: str = ""
    dim: bool = False
    bad: bool = False
    final: bool = False
    parts: list[str] = field(default_factory=list)


def render(report: Report, style: Style) -> str:
    """The whole table with its footer, without the verdicts."""
    return "".join(pieces(report, style))


def pieces(report: Report, style: Style) -> Iterator[str]:
    """The same text: the table first, then the entries of large tensors if all were asked for, then the footer."""
    nodes, skipped = _nodes(report, style)
    rows = _drawn(report, nodes, skipped, style) if nodes else []
    wide = max(map(width, (text_of(line) for line in rows)), default=0)
    yield painted([*_title(report, style, wide), [], *rows, *([[]] if rows else [])], style.colour)
    lines: list[Line] = []
    if report.source.trace.tensorial:
        from gradcli.render.tensor_remarks import everything, jacobians, remarks

        if style.full:
            yield from (painted(tensor, style.colour) for tensor in everything(report, nodes, style))
        found = list(jacobians(report, nodes, style))
        lines = [*found, *([[]] if found else []), *remarks(report, nodes, style)]
    for name in style.paths:
        lines += [*path_lines(report, name, style), []]
    if style.rank_nodes:
        lines += [*ranking_lines(report, style), []]
    lines += footer(report, style)
    yield painted(lines, style.colour)


def verdicts(report: Report, style: Style) -> str:
    """The lines of the verdicts, for a report that has them; they stand under the table."""
    return painted(verdict_lines(report, style), style.colour)


# ── the title ───────────────────────────────────────────────────────────────────────────────────────────────


def _title(report: Report, style: Style, wide: int) -> Iterable[Line]:
    """The expression, and how to read the table."""
    columns = style.width or 2000
    found = statements(report.expression)
    if report.graph.output not in report.graph.labels and found[-1] != report.output:
        found[-1] = f"{report.output} = {found[-1]}" if len(found) == 1 else found[-1]
    if not report.order and not found[-1].endswith(f"= {_value(report, style)}"):
        found[-1] += f" = {_value(report, style)}"
    most = MOST if not style.full else 10**6
    shown = [
        text_of(line) for line in listed([[(plain(part, style), "")] for part in found], style.width or LINE, "; ")
    ]
    if len(found) == 1 or (len(shown) > STATEMENTS and not style.full):
        last = found[-1] if len(found) == 1 else f"…; {found[-1]}"
        shown = folded(plain(last, style), columns, most, 4)[:most]
    hint = plain("forward ↓ down, backward ↑ up", style) if report.order else ""
    room = min(wide, columns) - len(hint)
    lines: list[Line] = [[(line, "title")] for line in shown]
    if hint and room - width(shown[-1]) < 3:
        lines.append([])
    lines[-1] += [(" " * (room - width(text_of(lines[-1]))), ""), (hint, "dim")]
    return lines


def _value(report: Report, style: Style) -> str:
    if not report.source.trace.tensorial:
        return figure(report.value, style)
    from gradcli.render.tensors import inline

    return inline(report.value, style)


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────


def _nodes(report: Report, style: Style) -> tuple[list[NodeRow], int]:
    """The nodes that are shown, and how many are not: of very many those in the middle."""
    order = report.order
    many = len(order) > ROWS and not style.full
    shown = [*order[:END], *order[-END:]] if many else order
    return report.node_rows(shown, None if style.full else LINES), len(order) - len(shown)


def _drawn(report: Report, nodes: list[NodeRow], skipped: int, style: Style) -> list[Line]:
    """The header and the rows, by the richest plan that fits."""
    if report.source.trace.tensorial:
        from gradcli.render.tensor_table import drawn

        head, *groups = drawn(report, nodes, style)
        if skipped:
            groups.insert(END, [_more(skipped, style)])
        return [line for group in (head, *groups) for line in group]
    if style.width is None:
        return _laid(report, nodes, skipped, DEFAULT, style)
    copied = any(len(node.edges) > 1 for node in nodes)
    brief = all(len(node.written) <= LONG for node in nodes)
    lines: list[Line] = []
    for plan in RICH:
        if (copied or not plan.downstream) and (brief or not plan.written):
            lines = _laid(report, nodes, skipped, plan, style)
            wide = max(width(text_of(line).rstrip()) for line in lines)
            if wide <= style.width:
                return lines
    for plan in _reduced(nodes, wide - style.width):
        lines = _laid(report, nodes, skipped, plan, style)
        if max(width(text_of(line).rstrip()) for line in lines) <= style.width:
            break
    return lines


def _reduced(nodes: list[NodeRow], excess: int) -> Iterator[Plan]:
    """Plans that leave something out, the cheapest first; `excess`: the columns that must go, at least.

    What a plan saves is worked out from the longest texts that it leaves, so that few plans are tried.
    """
    edges = [edge for node in nodes for edge in node.edges]
    formulas = [(width(_named(node)), width(node.name)) for node in nodes]
    rules = [(width(_ruled(edge)), width(_quotient(edge))) for edge in edges]
    vias = max((width(edge.op) for edge in edges), default=0) + len(GAP)
    plans: list[tuple[float, int, Plan]] = []
    widest = max(w for w, _ in formulas) + max((w for w, _ in rules), default=0)
    yes_no = (True, False)
    for (node, at, fewer), (edge, along, lost), via, quotient, short, gap in product(
        _caps(formulas), _caps(rules), yes_no, yes_no, yes_no, (1, 2)
    ):
        if not quotient and (edge or gap == 1):
            continue  # there is no such column: one plan stands for all
        saved = widest - at - (along if quotient else 0)
        saved += (0 if via else vias) + 2 - gap + len("/∂node") * short
        cost = LOST["formula"] * fewer + LOST["rule"] * lost
        cost += (0 if via else LOST["via"] * len(edges)) + (LOST["heading"] if short else 0)
        cost += LOST["gap"] if gap == 1 else 0
        cost += 0 if quotient else LOST["quotient"] * len(edges)
        heading = "∂{f}" if short else "∂{f}/∂node"
        if saved >= excess:
            plans.append((cost, len(plans), Plan(node, edge, via, quotient, gap=gap, heading=heading)))
    yield from (plan for _, _, plan in sorted(plans)[:TRIED])
    yield Plan(0, 0, via=False, quotient=False, heading="∂{f}")


def _caps(texts: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Limits worth trying on (full, short) widths; the widest text that each leaves, and how many it shortens."""
    fulls = sorted({full for full, short in texts if full > short} | {0})
    return [
        (
            cap,
            max((full if full <= cap else short for full, short in texts), default=0),
            sum(full > cap for full, short in texts if full > short),
        )
        for cap in fulls
    ]


def _laid(report: Report, nodes: list[NodeRow], skipped: int, plan: Plan, style: Style) -> list[Line]:
    heading = Row(
        node="node",
        forward="forward",
        written="as written",
        via="via",
        gate="gate",
        edge="local gradient" if plan.quotient else "",
        local="" if plan.quotient else "local",
        upstream="upstream",
        downstream="downstream",
        total=plan.heading.format(f=report.output if width(report.output) <= 12 else "out"),
    )
    groups = [_rows(report, node, plan, style) for node in nodes]
    rows = [row for group in groups for row in group]
    plan = replace(
        plan,
        written=plan.written and any(row.written for row in rows),
        via=plan.via and any(row.via for row in rows),
        gate=plan.gate and any(row.gate for row in rows),
    )
    for row in (heading, *rows):
        for column in ("node", "written", "via", "edge", "total", "words", "upstream"):
            setattr(row, column, plain(getattr(row, column), style))
    columns = _widths([heading, *rows], rows, plan)
    out = [_line(heading, columns, plan, style, head=True)]
    body = [_line(row, columns, plan, style) for row in rows]
    across = max(width(text_of(line).rstrip()) for line in (*out, *body))
    out.append([(plain("─" * across, style), "head")])
    if skipped:
        head = sum(len(group) for group in groups[:END])
        body.insert(head, _more(skipped, style))
    return [*out, *body]


def _more(skipped: int, style: Style) -> Line:
    return [(plain(f"… {skipped:,} more rows (--full shows all)", style), "dim")]


def _rows(report: Report, node: NodeRow, plan: Plan, style: Style) -> list[Row]:
    """The lines of one node: one an edge, and the sum where there are several."""
    bad = report.trouble is not None and report.trouble.node == node.index
    mark = "" if not bad else "! " if style.ascii else "✗ "
    first = Row(
        node=mark + (_named(node) if width(_named(node)) <= plan.node else node.name),
        forward=figure(node.value, style),
        written=_written(node) if plan.written else "",
        bad=bad,
    )
    total = "" if node.gradient is None else figure(node.gradient, style)
    if node.index == report.graph.output:
        first.edge = f"start: ∂{node.name}/∂{node.name}" if plan.quotient else ""
        first.total, first.final = figure(report.source.adjoints[node.index] or 0.0, style), True
        if node.edges == ():
            return [first]
    if not node.edges:
        first.words, first.total, first.dim, first.final = node.why, total, True, True
        return [first]
    rows = [first, *(Row() for _ in node.edges[1:])]
    for row, edge in zip(rows, node.edges, strict=True):
        _fill(row, edge, report, plan, style)
    rows[-1].final = node.uses == 1
    left = node.uses - len(node.edges)
    if left:
        rows.append(Row(words=f"… {left:,} more edges", dim=True))
    if node.uses > 1:
        terms = [] if left else [figure(edge.downstream, style) for edge in node.edges]
        used = "twice" if node.uses == 2 else f"{node.uses:,} times"
        rows.append(Row(words=f"copy, used {used}", parts=terms, total=total, final=True))
    return rows


def pretty_formula(formula: str) -> str:
    """A formula as the table shows it: raised powers, but products as they are typed."""
    return pretty(formula).replace("·", "*").removeprefix("+")


def _fill(row: Row, edge: EdgeRow, report: Report, plan: Plan, style: Style) -> None:
    row.via, row.gate = edge.op, report.graph.ops[edge.child].gate
    if plan.quotient:
        row.edge = _ruled(edge) if width(_ruled(edge)) <= plan.edge or not edge.chosen else _quotient(edge)
    row.local, row.upstream = figure(edge.local, style), figure(edge.upstream, style)
    row.downstream = row.total = figure(edge.downstream, style)
    row.dim = not edge.chosen


def _named(node: NodeRow) -> str:
    """`n1 = w0*x0`"""
    return f"{node.name} = {pretty_formula(node.formula)}" if node.formula else node.name


def _written(node: NodeRow) -> str:
    """A node as the user wrote it, where that says more than its formula in node names."""
    bare = re.sub(r"\s", "", node.written)
    formula = re.sub(r"\s", "", node.formula)
    return node.written if formula and bare not in (formula, f"{node.name}={formula}") else ""


def _quotient(edge: EdgeRow) -> str:
    return f"∂{edge.child_name}/∂{edge.parent_name}"


def _ruled(edge: EdgeRow) -> str:
    """`∂n6/∂n5 = n6`; a rule that is a number stands in the next column."""
    rule = pretty(edge.rule)
    if not edge.chosen:
        return f"{_quotient(edge)}: not chosen"
    return f"{_quotient(edge)} = {rule}" if rule and not is_numeric(rule) else _quotient(edge)


# ── layout ──────────────────────────────────────────────────────────────────────────────────────────────────


def _widths(all_rows: list[Row], rows: list[Row], plan: Plan) -> dict[str, int]:
    """Align the figures of each column, in place; returns every column's width."""
    for column in ("forward", "local", "upstream", "downstream", "total"):
        for row, text in zip(rows, aligned([getattr(row, column) for row in rows]), strict=True):
            setattr(row, column, text)
    names = ("node", "forward", "written", "via", "gate", "edge", "local", "upstream", "downstream", "total")
    columns = {name: max(width(getattr(row, name)) for row in all_rows) for name in names}
    words = max(width(row.words) for row in all_rows)
    columns["edge" if plan.quotient else "local"] += max(0, words - _room(columns, plan))
    return columns


def _room(columns: dict[str, int], plan: Plan) -> int:
    """Columns from the local gradient to the last equals sign: where words stand instead of figures."""
    room = columns["local"] + 3 + columns["upstream"] + (columns["edge"] + plan.gap if plan.quotient else 0)
    return room + (3 + columns["downstream"] if plan.downstream else 0)


def _line(row: Row, columns: dict[str, int], plan: Plan, style: Style, *, head: bool = False) -> Line:
    def cell(name: str, part: str, *, right: bool = False) -> tuple[str, str]:
        text = getattr(row, name)
        blank = " " * (columns[name] - width(text))
        return (blank + text if right else text + blank), "head" if head else "dim" if row.dim else part

    def sign(symbol: str, shows: bool) -> Piece:
        return f" {symbol} " if shows or head else "   ", "head"

    line: Line = [cell("node", "bad" if row.bad else "name"), (GAP, "")]
    line.append(cell("forward", "bad" if row.bad else "value", right=head))
    for name in ("written", "via", "gate"):
        if getattr(plan, name):
            line += [(GAP, ""), cell(name, "dim")]
    line.append((GAP, ""))
    block: Line = [cell("edge", ""), (" " * plan.gap, "")] if plan.quotient else []
    filled = bool(row.local.strip())
    block += [cell("local", "gradient", right=head), sign(plain("×", style), filled)]
    block.append(cell("upstream", "gradient", right=True))
    if plan.downstream:
        block += [sign("=", filled), cell("downstream", "gradient", right=True)]
    if row.words:
        block = _worded(row, _room(columns, plan))
    shows = bool(row.total.strip()) and (row.final or not plan.downstream)
    block.append(sign("=", shows))
    if shows or head:
        part = "strong" if row.final and not row.dim else "gradient"
        block.append(cell("total", part))
    return [*line, *block]


def _worded(row: Row, room: int) -> Line:
    """Words in place of the columns; with them the terms of a sum, if there is room for all."""
    words = row.words
    if row.parts:
        first, *rest = row.parts
        total = " + ".join([first, *(f"({part})" if part.startswith("-") else part for part in rest)])
        forms = (f"{words}: {total}", f"copy: {total}", words)
        words = next(form for form in forms if width(form) <= room or form is words)
    return [(words + " " * (room - width(words)), "dim")]
