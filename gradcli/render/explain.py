"""A solution on the screen and as Markdown: the same lines, one of them painted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from gradcli import notation
from gradcli.influence import find_nudge
from gradcli.ops.op import INPUT, Op
from gradcli.render.figures import LARGE, Style, figure, plain
from gradcli.render.grid import closed_forms, over
from gradcli.render.lines import Line, painted, wrapped
from gradcli.render.remarks import no_gradient
from gradcli.render.rows import title
from gradcli.render.tensor_rules import passed, summed_over
from gradcli.render.tensors import inline, is_tensor, shape_text
from gradcli.report import Report
from gradcli.steps import Chain, Figured, Formula, Named, Passed, Quotient, Solution, Step, Sum, Term
from gradcli.words import Words

PRODUCT = 30
"""Binding of a product."""


class Wishes(NamedTuple):
    """What of a solution is wanted.

    way: one of steps.STYLES.   names: only what leads to these variables.   step: one step alone.
    """

    way: str = "leibniz"
    names: tuple[str, ...] | None = None
    step: int | None = None


def number(style: Style) -> Callable[[Any], str]:
    """How numbers are written: to exactly so many decimals where those were asked for, as on the lecture's slides."""

    def written(value: Any) -> str:
        if is_tensor(value):
            return inline(value, style)
        rounded = figure(float(value), style)
        decimals = style.decimals
        if decimals is None or "e" in rounded or not abs(value) < LARGE:
            return rounded
        return f"{value:.{decimals}f}" if len(rounded.partition(".")[2]) <= decimals else rounded

    return written


PATHS = 40
"""Paths of one node that are written, unless all are wanted."""

ADDED = 12
"""Terms of a sum that are written."""

LINES = 200
"""Lines of a part of a solution, unless all are wanted: its first, its last, and how many lie between."""


def solution(report: Report, style: Style, wishes: Wishes) -> Solution:
    """The solution of a report. An upstream gradient other than 1 is that of a loss behind the output."""
    above = over(report)
    scaled = isinstance(report.source.upstream, float) and report.source.upstream != 1
    if above == report.output and scaled:
        above = next((name for name in ("L", "loss") if report.graph.find(name) is None), "the loss")
    return Solution(report, number(style), above, wishes.way, wishes.names)


class Writer:
    """Terms as text."""

    def __init__(self, solved: Solution, style: Style) -> None:
        self.solved, self.style = solved, style

    def chain(self, chain: Chain) -> list[tuple[str, Term]]:
        """The links of a chain, what repeats itself left out."""
        links: list[tuple[str, Term]] = []
        for term in chain:
            text = self.term(term)
            if not links or links[-1][0].replace(" ", "") != text.replace(" ", ""):
                links.append((text, term))
        return links

    def term(self, term: Term) -> str:
        """One term."""
        if isinstance(term, Quotient):
            return f"∂{term.above}/∂{term.below}"
        if isinstance(term, Formula):
            return self.signed(notation.pretty(term.text))
        if isinstance(term, Passed):
            rule = passed(term.edge, self.solved.graph, self.solved.top, self.style).replace("·", "@")
            whole = term.edge.parent_shape != term.edge.child_shape and re.fullmatch(r"∂\w+/∂\w+", rule)
            return f"{rule} * ones{shape_text(term.edge.parent_shape)}" if whole else rule
        if isinstance(term, Figured):
            return self.solved.figure(term.value)
        if isinstance(term, Named):
            return term.text
        if isinstance(term, Sum):
            return added([self.term(part) for part in term.terms[:ADDED]], term.of)
        if term.boxed:
            return " × ".join(boxed(self.term(factor)) for factor in term.terms)
        return self.signed(" · ").join(self.factor(factor, first=k == 0) for k, factor in enumerate(term.terms))

    def signed(self, text: str) -> str:
        """A product's sign: among tensors * is entry by entry, as @ is the matrix product."""
        return text.replace("·", "*") if self.solved.report.source.trace.tensorial else text

    def factor(self, term: Term, *, first: bool) -> str:
        """A term within a product, in brackets where it needs them."""
        text = self.term(term)
        loose = text.startswith("-") and not first
        if isinstance(term, Formula):
            loose = loose or binding(term.text) < PRODUCT
        return f"({text})" if loose else text


def added(parts: list[str], count: int) -> str:
    """Numbers added up; of many the first, and how many there are.

    >>> added(["6", "-15"], 2), added(["1", "2"], 40)
    ('6 - 15', '1 + 2 + … (40 terms)')
    """
    first, *others = parts
    text = first + "".join(f" - {part[1:]}" if part.startswith("-") else f" + {part}" for part in others)
    return text if len(parts) == count else f"{text} + … ({count:,} terms)"


def boxed(text: str) -> str:
    """A factor in the lecture's brackets; a tensor has its own."""
    return text if text.startswith("[") else f"[{text}]"


def binding(text: str) -> int:
    """How tightly a formula's outermost operator binds."""
    graph = notation.parsed(text)
    operator = None if graph is None else graph.ops[graph.output].notation
    return notation.ATOM if operator is None else operator.binding


class Link(NamedTuple):
    """One link of a chain: its text, the part it plays, and the term that it writes, if one."""

    text: str
    part: str = ""
    term: Term | None = None


class Row(NamedTuple):
    """One line: the step's number, which path it is, the links of its chain, and a remark."""

    mark: str
    path: str
    links: list[Link]
    remark: str


class Section(NamedTuple):
    """A heading, and what stands under it."""

    heading: str
    rows: list[Row]


def sections(report: Report, style: Style, words: Words, wishes: Wishes) -> Iterator[Section]:
    """The parts of a solution, in the order of the lecture."""
    solved = solution(report, style, wishes)
    writer = Writer(solved, style)
    middle = len(solved.inner)
    if wishes.step is None and solved.nodes:
        yield Section(words.say("explain.graph"), structure(solved, style, words))
    steps = solved.forward(shown(1, middle, style, wishes))
    rows = [Row(str(step.number), "", linked(writer, step, "value"), "") for step in steps]
    if rows:
        yield Section(words.say("explain.forward"), gapped(rows, middle, style, wishes, words))
    told = shown(middle + 1, solved.last, style, wishes)
    rows = list(backwards(solved.backward(told, None if style.full else PATHS), writer, words))
    if rows:
        heading = words.say("explain.backward")
        if report.source.trace.tensorial:
            heading += f"; {words.say('explain.signs')}"
        yield Section(heading, gapped(rows, solved.last - middle, style, wishes, words))
    if wishes.step is not None:
        return
    closed = [
        Row("", "", [link(writer, Quotient(report.output, name)), link(writer, Formula(form))], "")
        for name, form in closed_forms(report)
        if wishes.names is None or name in wishes.names
    ]
    if closed:
        yield Section(words.say("explain.closed"), closed)


def shown(first: int, last: int, style: Style, wishes: Wishes) -> Collection[int] | None:
    """The numbers of the steps that are told; None for all."""
    if wishes.step is not None:
        return (wishes.step,)
    half = LINES // 2
    if style.full or last - first < LINES:
        return None
    return {*range(first, first + half), *range(last - half + 1, last + 1)}


def gapped(rows: list[Row], count: int, style: Style, wishes: Wishes, words: Words) -> list[Row]:
    """The rows of the steps that are told, and where some are left out a row that says so."""
    half = LINES // 2
    if wishes.step is not None or style.full or count <= LINES:
        return rows
    at = [k for k, row in enumerate(rows) if row.mark][half - 1] + 1
    left_out = Row("…", "", [], words.say("explain.left_out", count=count - 2 * half))
    return [*rows[:at], left_out, *rows[at:]]


def link(writer: Writer, term: Term, part: str = "") -> Link:
    """A term as a link of a chain."""
    return Link(writer.term(term), part, term)


def linked(writer: Writer, step: Step, part: str) -> list[Link]:
    """The links of a step's chain; its number plays a part of its own."""
    links = writer.chain(step.chain)
    return [Link(text, part if k and k == len(links) - 1 else "", term) for k, (text, term) in enumerate(links)]


def structure(solved: Solution, style: Style, words: Words) -> list[Row]:
    """The graph in words: what each node is made of, and where it goes; of many the first and the last."""
    graph, half = solved.graph, LINES // 2
    writer = Writer(solved, style)
    cut = 0 if style.full else max(len(solved.nodes) - 2 * half, 0)
    told = [*solved.nodes[:half], *solved.nodes[-half:]] if cut else solved.nodes
    users: dict[int, list[int]] = {i: [] for i in told}
    for child, parents in enumerate(graph.parents):
        for p in dict.fromkeys(parents):
            if p in users:
                users[p].append(child)
    rows = []
    for i in told:
        op, used = graph.ops[i], users[i]
        said = words.say("explain.input") if op is INPUT else words.say("explain.gate", op=op.called or op.name)
        if i == graph.output:
            said += f"; {words.say('explain.output')}"
        elif used:
            some = [*(graph.names[child] for child in used[:MOST]), *(["…"] if len(used) > MOST else [])]
            said += f"; {words.say('explain.goes', nodes=tuple(some))}"
        if len(used) > 1:
            said += f"; {words.say('explain.copied')}"
        made = [] if op is INPUT else [link(writer, Formula(notation.formula(graph, i)))]
        rows.append(Row("", "", [link(writer, Named(graph.names[i])), *made], said))
    left_out = [Row("…", "", [], words.say("explain.left_out", count=cut))] if cut else []
    return [*rows[:half], *left_out, *rows[half:]] if cut else rows


def backwards(steps: Iterable[Step], writer: Writer, words: Words) -> Iterator[Row]:
    """The lines of the backward pass; each kind of gate says once what it does."""
    told: set[str] = set()
    graph, along = writer.solved.graph, 0
    for step in steps:
        links = linked(writer, step, "gradient")
        remark = ""
        if step.edge is not None:
            op = graph.ops[step.edge.child]
            dead = not step.edge.chosen and len(graph.parents[step.edge.child]) > 1
            remark = words.say("explain.not_chosen", op=op.called or op.name) if dead else role(op, words)
            remark = "" if remark in told else remark
            told.add(remark)
            remark = "; ".join(filter(None, (summed_over(step.edge).removeprefix(", "), remark)))
        elif step.node == graph.output:
            as_given = writer.solved.top != graph.names[graph.output]
            remark = words.say("explain.given") if as_given else words.say("explain.start")
        elif step.times:
            remark = words.say("explain.sum", times=step.times)
        else:
            remark = words.say("explain.nothing")
        path = words.say("explain.through", node=step.through) if step.through else ""
        along = along + 1 if step.through else 0
        if along > PATHS and not writer.style.full:
            continue
        if step.times > PATHS and not writer.style.full:
            yield Row("", "…", [], words.say("explain.left_out", count=step.times - PATHS))
        yield Row(str(step.number) if step.number else "", path, links, remark)


MOST = 8
"""Nodes that a line of the graph names."""

GATES = ("distributor", "switcher", "router", "copy")
"""The lecture's names for gates, each with a sentence in every language."""


def role(op: Op, words: Words) -> str:
    """What a gate does to its upstream; rows say it in English, of the lecture's gates other languages do too."""
    name = op.called or op.name
    if words.language == "en":
        return f"{name} {op.role}" if op.role else ""
    return words.say(f"explain.{op.gate}", op=name) if op.gate in GATES and not op.structural else ""


def meaning(report: Report, words: Words, wishes: Wishes) -> str:
    """What the gradient means, in numbers; empty where a straight line would mislead."""
    nudge = report.nudge if wishes.names is None else find_nudge(report.source, wishes.names)
    if nudge is None:
        return ""
    key = "explain.rises" if nudge.change > 0 else "explain.falls"
    change = notation.number(float(f"{abs(nudge.change):.2g}"))
    return words.say(key, name=nudge.name, step=notation.number(nudge.step), output=report.output, change=change)


def text(report: Report, style: Style, words: Words, wishes: Wishes) -> str:
    """The solution for a terminal."""
    return painted(screen(report, style, words, wishes), style.colour)


def screen(report: Report, style: Style, words: Words, wishes: Wishes) -> Iterator[Line]:
    """The lines of a terminal."""
    yield from wrapped([(plain(opening(report, style, words), style), "title")], style.width)
    for section in sections(report, style, words, wishes):
        yield []
        yield from wrapped([(plain(section.heading, style), "head")], style.width)
        for row in section.rows:
            yield from wrapped(pieces(row, style), style.width, indent=5)
    if wishes.step is None:
        for sentence in remarks(report, words, wishes):
            yield []
            yield from wrapped([(plain(sentence, style), "")], style.width)


def pieces(row: Row, style: Style) -> Line:
    """A row as pieces of a line."""
    line: Line = [(f"{row.mark:>3}  ", "dim")]
    if row.path:
        line.append((plain(row.path, style) + " ", "dim"))
    for k, (text, part, _) in enumerate(row.links):
        line.append((" = " if k else "", ""))
        line.append((plain(text, style), part))
    if row.remark:
        line.append((f"{'   ' if row.links else ''}{plain(row.remark, style)}", "dim"))
    return line


def opening(report: Report, style: Style, words: Words) -> str:
    """What is solved, and at which values."""
    written = number(style)
    values = report.source.trace.values
    at = ", ".join(f"{name} = {written(values[i])}" for name, i in report.graph.inputs.items())
    expression = title(report)
    return f"{expression}   {words.say('explain.at', values=at)}" if at else expression


def remarks(report: Report, words: Words, wishes: Wishes) -> Iterator[str]:
    """What stands at the end: the meaning of the gradient, and what the reader should know."""
    if report.trouble is not None:
        yield "; ".join(filter(None, (f"✗ {report.trouble.cause}", report.trouble.effect, report.trouble.advice)))
    elif not report.graph.varied[report.graph.output]:
        yield no_gradient(report)
    yield from (f"note: {note}" for note in report.all_notes)
    yield from (f"warning: {warning}" for warning in report.all_warnings)
    said = meaning(report, words, wishes)
    if said:
        yield said


def markdown(report: Report, style: Style, words: Words, wishes: Wishes) -> str:
    """The solution as Markdown: a list for each part."""
    from gradcli.render.markdown import code
    from gradcli.render.markdown import text as inert

    lines = [inert(opening(report, style, words), style)]
    for section in sections(report, style, words, wishes):
        lines += ["", f"## {inert(section.heading, style)}", ""]
        for row in section.rows:
            shown = [f"**{row.mark}**" if row.mark.isdigit() else row.mark, inert(row.path, style)]
            shown += [code(" = ".join(link.text for link in row.links), style), inert(row.remark, style)]
            lines.append(f"{'  ' if row.path else ''}- {' '.join(filter(None, shown))}")
    if wishes.step is None:
        for sentence in remarks(report, words, wishes):
            lines += ["", inert(sentence, style)]
    return "\n".join(lines)
