"""The graph in a terminal: a tree from the output down, each node with its value and its gradient.

A node that is used several times is written out where it comes first, and named by `↑ n1` after that. What lies too
deep for the width goes on below, `↓ n5`. Nothing recurses, and no number is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Value
from gradcli.errors import visible
from gradcli.ops.op import CONSTANT
from gradcli.picture import Level, drawn, returned, uses
from gradcli.picture import gradient as arrived
from gradcli.render.drawn import FORMULA, Words, shortened
from gradcli.render.figures import Style, aligned, plain
from gradcli.render.lines import INDENT, Line, folded, painted, text_of, width, wrapped
from gradcli.render.rows import title
from gradcli.render.tensors import SMALL, inline, is_tensor, shape_text
from gradcli.render.tensors import summary as facts
from gradcli.report import Report

DEEPEST = 40
"""Levels of one tree, where any width will do; what lies deeper goes on below."""

NUMBERS = 24
"""Columns that are kept for names and numbers, beside the branches."""

STEP = 3
"""Columns of a branch."""

LINES = 200
"""Lines of a tree, unless all are wanted."""

TITLE, LONGEST = 8, 1000
"""Lines, and characters, of an expression."""

GAP = 2
"""Blanks between columns."""


class Row(NamedTuple):
    """One line of a tree.

    branch: what leads to it.   past: what leads past it, to what follows.
    mark: "↑" where the node is written out above, "↓" where it is below.
    total: the sum, where several gradients arrive.   stacked: a tensor, whose numbers have lines of their own.
    """

    branch: str
    past: str
    name: str
    formula: str
    mark: str
    shape: str
    value: str
    gradient: str
    total: str
    local: str
    stacked: bool


class Place(NamedTuple):
    """Where in a tree a node is to be written: the edge it was reached along, the branch, what leads past, how deep."""

    node: int
    edge: Edge | None
    branch: str
    past: str
    depth: int


class Tree:
    """The rows of a report's graph.

    written: the nodes that have a row.   below: those that are left for below, in the order of `waiting`.
    """

    def __init__(self, report: Report, style: Style, *, local: bool = False) -> None:
        self.report, self.style, self.local = report, style, local
        self.words = Words(report, style)
        self.deepest = DEEPEST if style.width is None else min(DEEPEST, max(2, (style.width - NUMBERS) // STEP))
        self.branches = ("|- ", "`- ", "|  ") if style.ascii else ("├─ ", "└─ ", "│  ")
        self.uses = uses(report)
        self.written: set[int] = set()
        self.below: set[int] = set()
        self.waiting: deque[int] = deque()

    def parts(self) -> Iterator[Iterator[Row]]:
        """The tree from the output, then each that was left for below; each is to be read before the next."""
        yield self.rows(self.report.graph.output)
        while self.waiting:
            yield self.rows(self.waiting.popleft())

    def rows(self, root: int) -> Iterator[Row]:
        """The rows of one tree."""
        graph = self.report.graph
        tee, corner, bar = self.branches
        self.below.discard(root)
        stack = [Place(root, None, "", "", 0)]
        while stack:
            place = stack.pop()
            i, mark = place.node, ""
            first = i not in self.written
            inner = [(k, p) for k, p in enumerate(graph.parents[i]) if graph.ops[p] is not CONSTANT]
            if inner and place.depth:
                if first and place.depth >= self.deepest:
                    self.below.add(i)
                    self.waiting.append(i)
                if i in self.below:
                    mark = "↓"
                elif not first:
                    mark = "↑"
            self.written.add(i)
            inner = [] if mark else inner
            yield self.row(place, mark, bar if inner else "", first=first)
            for n, (k, p) in enumerate(reversed(inner)):
                branch, past = (tee, bar) if n else (corner, " " * STEP)
                edge = Edge(self.report.source, i, k)
                stack.append(Place(p, edge, place.past + branch, place.past + past, place.depth + 1))

    def row(self, place: Place, mark: str, bar: str, *, first: bool) -> Row:
        """The row of a node.   first: its first one."""
        report, source, i, edge = self.report, self.report.source, place.node, place.edge
        graph, name = report.graph, report.graph.names[i]
        value = source.trace.values[i]
        gradient = arrived(report, i) if edge is None else returned(report, edge.child, edge.k)
        summed = first and edge is not None and gradient is not None and self.uses[i] > 1
        told = self.local and edge is not None and gradient is not None and source.active(edge.child, edge.k)
        local = self.words.local(edge) if told and edge is not None else []
        formula = graph.parents[i] and mark != "↑"
        return Row(
            branch=place.branch,
            past=place.past + bar,
            name=self.words.short(report.output if i == graph.output else name),
            formula=shortened(visible(notation.formula(graph, i)), FORMULA) if formula else "",
            mark=mark,
            shape=shape_text(value.shape) if is_tensor(value) else "",
            value=self.number(value),
            gradient="" if gradient is None else self.number(gradient),
            total=self.number(source.at(i)) if summed else "",
            local=local[0] if local else "",
            stacked=is_tensor(value),
        )

    def number(self, value: Value) -> str:
        """A value on one line; a large tensor summarised."""
        if not is_tensor(value):
            return self.words.number(value)
        if value.size > SMALL:
            return facts(value, self.style._replace(decimals=None, sig=None), 1)[0]
        return inline(value, self.style)


def pieces(report: Report, style: Style, *, local: bool = False) -> Iterator[str]:
    """The tree for a terminal, part by part."""
    tree = Tree(report, style, local=local)
    yield painted(heading(tree.words, style), style.colour)
    left = None if style.full else LINES
    for part in tree.parts():
        rows = list(islice(part, left))
        yield painted([[], *lines(rows, style)], style.colour)
        if left is None:
            continue
        left -= len(rows)
        more = len(drawn(report)) - len(tree.written)
        if not left and (next(part, None) or tree.waiting):
            words = f"… {more:,} more nodes (--full shows all)"
            yield painted([[], *wrapped([(plain(words, style), "dim")], style.width)], style.colour)
            return


def heading(words: Words, style: Style) -> Iterator[Line]:
    """What is drawn, and what the numbers are."""
    yield from titled(words, style)
    forward = (plain("forward value →", style), "value")
    if not words.report.pulled_back:
        yield from wrapped([forward], style.width)
        return
    backward = (arrowed("← gradient", style), "gradient")
    yield from wrapped([forward, (plain(" · ", style), "dim"), backward], style.width)


def titled(words: Words, style: Style) -> Iterator[Line]:
    """The expression, on as many lines as it needs."""
    whole = plain(shortened(title(words.report), LONGEST), style)
    yield from ([(line, "title")] for line in folded(whole, style.width, TITLE, INDENT))


def arrowed(text: str, style: Style) -> str:
    """Text for the screen, in ASCII with an arrow to the left too."""
    return plain(text.replace("←", "<-") if style.ascii else text, style)


def lines(rows: Sequence[Row], style: Style) -> Iterator[Line]:
    """Rows with numbers in columns, without a formula that leaves no room; else with numbers under their names."""
    flat = [row for row in rows if not row.stacked]
    values, gradients = aligned([row.value for row in flat]), aligned([row.gradient for row in flat])
    taken = len(values[0]) + len(gradients[0]) + 2 * GAP if flat else 0
    taken += max((GAP + width(remark(row)) for row in flat if row.total or row.local), default=0)
    room = 10**9 if style.width is None else style.width - taken
    sizes = {id(row): [width(text_of(named(row, style, formula=formula))) for formula in (True, False)] for row in flat}
    columns = all(bare <= room for _, bare in sizes.values())
    left = max((full if full <= room else bare for full, bare in sizes.values()), default=0)
    numbers = iter(zip(values, gradients, strict=True))
    for row in rows:
        pair = None if row.stacked else next(numbers)
        if pair is None or not columns:
            yield from stacked(row, style)
            continue
        full, bare = sizes[id(row)]
        gap = left - (full if full <= room else bare) + GAP
        line = named(row, style, formula=full <= room)
        line += [(" " * gap + pair[0] + " " * GAP, "value"), (pair[1], "gradient")]
        if remark(row):
            line += [(" " * GAP, ""), *remarked(row, style)]
        yield line


def named(row: Row, style: Style, *, formula: bool = True) -> Line:
    """A row's branch, mark, name and formula."""
    line: Line = [(row.branch, "dim")]
    if row.mark:
        line.append((plain(row.mark, style) + " ", "dim"))
    line.append((plain(row.name, style), "name"))
    if row.formula and formula:
        line.append((plain(f" = {row.formula}", style), ""))
    if row.shape:
        line.append((f"  {row.shape}", "dim"))
    return line


def remark(row: Row) -> str:
    """What stands behind the numbers."""
    return "  ".join(filter(None, (row.local, f"Σ {row.total}" if row.total else "")))


def remarked(row: Row, style: Style) -> Line:
    """The same as pieces of a line."""
    line: Line = [(plain(row.local, style), "dim")] if row.local else []
    if row.total:
        line.append((plain(f"{'  ' if line else ''}Σ {row.total}", style), "strong"))
    return line


def stacked(row: Row, style: Style) -> Iterator[Line]:
    """A row whose numbers stand under its name; broken between words where even that is too wide."""
    room = None if style.width is None else max(STEP, style.width - width(row.branch))
    for k, line in enumerate(wrapped(named(row, style)[1:], room)):
        yield [(row.branch if k == 0 else row.past, "dim"), *line]
    room = None if style.width is None else max(STEP, style.width - width(row.past))
    below: list[Line] = [[(plain(f"→ {row.value}", style), "value")]]
    if row.gradient:
        backward = (arrowed(f"← {row.gradient}", style), "gradient")
        if row.stacked:
            below.append([backward])
        else:
            below[0] += [(" " * GAP, ""), backward]
    if remark(row):
        below.append(remarked(row, style))
    for numbers in below:
        for line in wrapped(numbers, room):
            yield [(row.past, "dim"), *line]


def summary(report: Report, levels: Sequence[Level], style: Style, why: str) -> Iterator[str]:
    """A graph too large to be drawn node by node, level by level from the output down.   why: what is said of that."""
    words = Words(report, style)
    yield painted(titled(words, style), style.colour)
    yield painted([*wrapped([(plain(why, style), "dim")], style.width), []], style.colour)
    for level in reversed(levels):
        where, ops, *spans = words.level(level)
        line: Line = [(plain(where, style), "name"), (plain(f"  {ops}", style), "")]
        line += [(plain(f"  {span}", style), part) for span, part in zip(spans, ("value", "gradient"), strict=False)]
        yield painted(wrapped(line, style.width), style.colour)
