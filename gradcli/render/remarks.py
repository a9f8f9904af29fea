"""What stands under the table: gate roles, influence, what backward keeps, notes, trouble; verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf, isnan
from typing import TYPE_CHECKING

from gradcli.notation import pretty
from gradcli.paths import Path, paths
from gradcli.render.figures import Style, aligned, bar, brief, figure, plain
from gradcli.render.lines import Line, Piece, listed, text_of, width, wrapped
from gradcli.report import Report

if TYPE_CHECKING:
    from gradcli.verify.verdicts import DifferencesVerdict, ProofVerdict, SympyVerdict

BARS = 8
"""Columns of the longest bar."""

INFLUENCE = "influence: "

INFLUENTIAL = 8
"""Variables that the influence line names."""

KEPT = 24
"""Forward values that the backward pass reads, named; all of them if all rows are wanted."""

RANKED = 30
"""Nodes that --rank lists, unless all are wanted."""

LINE = 100
"""Columns to which lists are wrapped where there is no width (a pipe)."""

LISTED = 10
"""Sentences of one kind, and closed forms, that are shown, unless all are wanted."""


def footer(report: Report, style: Style) -> Iterator[Line]:
    """The lines between the table and the verdicts."""
    yield from _told([[(plain(role, style), "dim")] for role in report.roles], style)
    yield from _influence(report, style)
    yield from _kept(report, style)
    yield from _remarks(report.notes, report.warnings, style)
    trouble = report.trouble
    if trouble is not None:
        yield from _sentence("✗ ", "bad", trouble.cause, style)
        if trouble.effect:
            yield from _sentence("  ", "", trouble.effect, style)
        if trouble.advice:
            yield from _sentence("  hint: ", "dim", trouble.advice, style)


def _told(items: list[Line], style: Style) -> Iterator[Line]:
    return listed(items, style.width or LINE, plain(" · ", style) if not style.ascii else "; ")


def _sentence(mark: str, part: str, sentence: str, style: Style) -> Iterator[Line]:
    """A sentence after its mark, wrapped."""
    return wrapped([(plain(mark, style), part), (plain(sentence, style), "")], style.width)


def _remarks(notes: Iterable[str], warnings: Iterable[str], style: Style) -> Iterator[Line]:
    for mark, part, sentences in (("note: ", "dim", notes), ("warning: ", "warn", warnings)):
        for sentence in sentences:
            yield from _sentence(mark, part, sentence, style)


def _influence(report: Report, style: Style) -> Iterator[Line]:
    """What raising the most influential variable does, and the others beside it."""
    if report.nudge is not None:
        yield from wrapped([(plain(report.nudge.sentence(report.output), style), "")], style.width)
    if style.rank_nodes:
        return  # the ranking of all nodes says it
    ranking = [(name, abs(g)) for name, g in report.ranking if not isnan(g) and not report.untold(name)]
    largest = ranking[0][1] if ranking else 0.0
    ranking.sort(key=lambda pair: report.targeted(pair[0]))
    if len(ranking) < 2 or not 0 < largest < inf:
        return
    items: list[Line] = [
        [(plain(name, style) + " ", ""), (bar(g / largest, BARS, style) or "0", "gradient")]
        for name, g in ranking[:INFLUENTIAL]
    ]
    if len(ranking) > INFLUENTIAL:
        items.append([(plain(f"… {len(ranking) - INFLUENTIAL:,} more", style), "dim")])
    for i, line in enumerate(listed(items, style.width and style.width - len(INFLUENCE), "  ")):
        yield [(INFLUENCE if i == 0 else " " * len(INFLUENCE), "dim"), *line]


def _kept(report: Report, style: Style) -> Iterator[Line]:
    """How many forward values the backward pass reads, and which."""
    kept, every = report.kept, len(report.order)
    if not report.graph.varied[report.graph.output]:
        yield from _sentence("", "", no_gradient(report), style)
        return
    if every < 2:
        return
    named = kept if style.full else kept[:KEPT]
    which = ": " + " ".join(report.graph.names[i] for i in named) if kept else ""
    if len(kept) > len(named):
        which += f" … {len(kept) - len(named):,} more (--full names them)"
    yield from _sentence("", "", f"backward needs {len(kept):,} of the {every:,} forward values kept{which}", style)


def no_gradient(report: Report) -> str:
    """Why there is no gradient at all."""
    graph = report.graph
    if not any(graph.used[i] for i in graph.inputs.values()):
        return f"{report.output} depends on no input: there is no gradient"
    stops = dict.fromkeys(op for i, op in enumerate(graph.ops) if graph.used[i] and not op.differentiable)
    only = "comparisons" if all(op.gate == "condition" for op in stops) else ", ".join(op.name for op in stops)
    return f"{report.output} depends on its inputs through {only} only, which carry no gradient"


# ── paths and ranking ───────────────────────────────────────────────────────────────────────────────────────


def path_lines(report: Report, name: str, style: Style) -> Iterator[Line]:
    """Every path from a node to the output: product, share, way, and the local gradients multiplied."""
    found = paths(report.source, name)
    output = report.output
    gradient = f"∂{output}/∂{name} = {figure(found.gradient, style)}"
    if not found.total:
        yield from _sentence("", "", f"no path from {name} to {output} passes a gradient: {gradient}", style)
        return
    count = _count(found.total)
    what = f"1 path from {name} to {output}" if found.total == 1 else f"{count} paths from {name} to {output}"
    sum_ = "its product is" if found.total == 1 else "their products add up to"
    yield from _sentence("", "title", f"{what}; {sum_} {gradient}", style)
    shown = found.listed
    products = aligned([figure(path.product, style) for path in shown])
    shares = [_percent(path.share) for path in shown]
    ways = [plain(_way(report, path), style) for path in shown]
    share_width, way_width = max(map(len, shares)), max(map(width, ways))
    for path, product, share, way in zip(shown, products, shares, ways, strict=True):
        such = f" ({_count(path.count)} such paths)" if path.count > 1 else ""
        factors = plain(_factors(path, style) + such, style)
        line: Line = [("  ", ""), (product, "gradient"), (f"  {share:>{share_width}}  ", "dim"), (way, "")]
        whole = [*line, (" " * (way_width - width(way)) + "  " + factors, "dim")]
        if style.width is None or width(text_of(whole)) <= style.width:
            yield whole
        else:
            yield from wrapped(line, style.width, 6)
            yield from wrapped([("      " + factors, "dim")], style.width, 6)
    listed_ = sum(path.count for path in shown)
    if found.total > listed_:
        order = "the strongest are" if found.strongest else "the first found are"
        yield [(plain(f"  … {order} shown: {_count(listed_)} of {count}", style), "dim")]


def _way(report: Report, path: Path) -> str:
    names = [report.graph.names[i] for i in path.nodes]
    if len(names) > 12:
        names[5:-5] = [f"… {len(names) - 10:,} more …"]
    return " → ".join(names)


def _factors(path: Path, style: Style) -> str:
    factors = [figure(local, style) for local in path.locals]
    if len(factors) > 12:
        factors[5:-5] = ["…"]
    return " × ".join(f"({word})" if word.startswith("-") else word for word in factors)


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return f"{share * 100:.0f} %" if abs(share) >= 0.01 or not share else f"{share * 100:.1g} %"


def _count(total: int) -> str:
    return f"{total:,}" if total < 10**30 else f"about 10^{int(total.bit_length() * 0.30103)}"


def ranking_lines(report: Report, style: Style) -> Iterator[Line]:
    """Every node by |gradient|: how much each contributes."""
    ranking = report.node_ranking
    shown = ranking if style.full else ranking[:RANKED]
    size = "the norm of ∂{}/∂node" if report.source.trace.tensorial else "|∂{}/∂node|"
    yield [(plain(f"contribution: nodes by {size.format(report.output)}", style), "title")]
    names = [plain(name, style) for name, _ in shown]
    figures = aligned([figure(abs(g), style) for _, g in shown])
    largest = max((abs(g) for _, g in shown if abs(g) < inf), default=0.0)
    wide = max(map(width, names), default=0)
    for name, number, (_, g) in zip(names, figures, shown, strict=True):
        share = abs(g) / largest if largest else 0.0
        bars = bar(min(share, 1.0), 24, style)
        yield [(f"  {name}{' ' * (wide - width(name))}  ", "name"), (f"{number}  {bars}", "gradient")]
    if len(ranking) > len(shown):
        yield [(plain(f"  … {len(ranking) - len(shown):,} more", style), "dim")]


# ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────────


MARKS: dict[str, Piece] = {
    "passed": ("✓ ", "good"),
    "failed": ("✗ ", "bad"),
    "partial": ("○ ", "warn"),
    "skipped": ("○ ", "dim"),
}


def verdict_lines(report: Report, style: Style) -> Iterator[Line]:
    """One line a verdict, sympy's closed forms, every failure, and what could not be checked and why."""
    verification = report.verification
    if verification is None:
        return
    if verification.sympy is not None:
        yield from _verdict(verification.sympy.status, _sympy(verification.sympy), style)
        yield from _reasons(verification.sympy.failures, verification.sympy.unchecked, style)
        yield from _derivatives(report, verification.sympy, style)
    if verification.proof is not None:
        yield from _verdict(verification.proof.status, _proof(report, verification.proof), style)
        yield from _reasons(verification.proof.failures, verification.proof.unproved, style)
    if verification.differences is not None:
        yield from _verdict(verification.differences.status, _differences(verification.differences), style)
        yield from _reasons(verification.differences.failures, verification.differences.unchecked, style)
    yield from _remarks(report.verdict_notes, report.verdict_warnings, style)


def _verdict(status: str, sentence: str, style: Style) -> Iterator[Line]:
    mark, part = MARKS[status]
    return _sentence(mark, part, sentence, style)


def _reasons(failures: Sequence[str], unchecked: Sequence[str], style: Style) -> Iterator[Line]:
    for sentences, part in ((failures, "bad"), (unchecked, "dim")):
        shown = sentences if style.full else sentences[:LISTED]
        for sentence in shown:
            yield from wrapped([("    " + plain(sentence, style), part)], style.width, 6)
        if len(sentences) > len(shown):
            yield [(plain(f"    … {len(sentences) - len(shown):,} more (--full shows all)", style), "dim")]


def _every(count: int, noun: str) -> str:
    """ "the value", "both values", "all 3 values" """
    return {1: f"the {noun}", 2: f"both {noun}s"}.get(count, f"all {count:,} {noun}s")


def _some(count: int, noun: str) -> str:
    """ "1 value", "2 values" """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _sympy(verdict: SympyVerdict) -> str:
    every = verdict.checked == (verdict.checked if verdict.asked is None else verdict.asked)
    count = _every(verdict.checked, "gradient") if every else f"{verdict.checked:,} of the {verdict.asked:,} gradients"
    if not verdict.checked and verdict.ops and verdict.status in ("passed", "partial"):
        rest = "" if verdict.status == "passed" else "; not checked:"
        return (
            f"sympy agrees with {_every(verdict.ops, 'op')} by itself{rest}"
            if every
            else (f"sympy agrees with {_some(verdict.ops, 'op')}, taken one by one{rest}")
        )
    if verdict.status == "passed":
        return f"sympy derived {count} by itself and agrees" if verdict.checked else "sympy had nothing to derive"
    if verdict.status == "failed":
        return "sympy derived the gradients by itself and DISAGREES:"
    if verdict.status == "partial":
        return f"sympy derived {count} by itself and agrees; not checked:"
    return "not checked by sympy:" if verdict.unchecked else "not checked by sympy"


def _derivatives(report: Report, verdict: SympyVerdict, style: Style) -> Iterator[Line]:
    """The closed forms that fit a line, as many to a line as there is room for."""
    forms: list[Line] = []
    for name, derivative in verdict.derivatives.items():
        text = plain(f"∂{report.output}/∂{name} = {pretty(derivative)}", style)
        if width(text) <= (style.width or 120) - 4:
            forms.append([(text, "gradient")])
    shown = forms if style.full else forms[:LISTED]
    yield from listed(shown, style.width or 100, "   ", 4)
    left = len(verdict.derivatives) - len(shown)
    if left and verdict.derivatives:
        what = "closed form" if left == 1 else "closed forms"
        yield [(plain(f"    … {left:,} {'more ' if shown else ''}{what}: --format json", style), "dim")]


def _matrix(verdict: ProofVerdict) -> str:
    """What is proved of a Jacobian or a Hessian."""
    digits = "" if verdict.digits is None else f" to {verdict.digits} digits"
    if verdict.status == "failed":
        return "proof FAILED: a derivative lies outside its rigorous bounds:"
    if verdict.status == "partial":
        return f"proved: {_some(verdict.derivatives, 'derivative')}{digits}; not proved:"
    return f"proved: {_every(verdict.derivatives, 'derivative')}{digits}"


def _proof(report: Report, verdict: ProofVerdict) -> str:
    if verdict.derivatives:
        return _matrix(verdict)
    if verdict.status == "passed":
        counted = _counted(verdict)
        return "proved: " + "; ".join(filter(None, (counted, _digits(report, verdict))))
    if verdict.status == "failed":
        return "proof FAILED: a number lies outside its rigorous bounds:"
    if verdict.status == "partial":
        return f"proved: {_some(verdict.nodes, 'value')} and {_some(verdict.edges, _edge(verdict))}; not proved:"
    return "not proved:" if verdict.unproved else "not proved"


def _counted(verdict: ProofVerdict) -> str:
    """How many numbers are proved: values and local gradients; of tensors what the edges pass down, by entry."""
    edges = _every(verdict.edges, _edge(verdict)).removeprefix("all ") if verdict.edges else ""
    counted = " and ".join(filter(None, (_every(verdict.nodes, "value") if verdict.nodes else "", edges)))
    return f"{counted}, {verdict.entries + verdict.downstream:,} entries" if verdict.entries else counted


def _edge(verdict: ProofVerdict) -> str:
    """What is proved of an edge."""
    return "downstream gradient" if verdict.entries else "local gradient"


def _digits(report: Report, verdict: ProofVerdict) -> str:
    """To how many digits the output, and the gradients if theirs were counted, are right."""
    if verdict.digits is None:
        return ""
    gradients = "its gradient" if len(report.gradients) == 1 else "its gradients"
    value = min((few for cell, few in verdict.lost.items() if _of_output(cell)), default=None)
    poor = [few for cell, few in verdict.lost.items() if not _of_output(cell)]
    known = not any(map(_of_output, verdict.uncounted))
    slopes = bool(report.gradients) and all(map(_of_output, verdict.uncounted))
    if not known:
        return ""
    if not slopes:
        return f"{report.output} to {verdict.digits} digits" if not poor else ""
    if value is not None and not poor and verdict.others is not None:
        return f"{report.output} to {value} digits (see the warning), {gradients} to {verdict.others}"
    if poor and value is None and verdict.others is not None:
        return f"{report.output} to {verdict.others} digits, {gradients} to {min(poor)} (see the warning)"
    return f"{report.output} and {gradients} to {verdict.digits} digits"


def _of_output(cell: str) -> bool:
    """Whether a cell is the output, or an entry of it."""
    return cell.partition("[")[0] == "value"


def _differences(verdict: DifferencesVerdict) -> str:
    worst = max(verdict.errors.values(), default=0.0)
    error = f"relative error at most {brief(worst)}" + (f" (CS231n's word: {verdict.band})" if verdict.band else "")
    along = f" {verdict.how}" if verdict.how else ""
    if verdict.status == "passed":
        return f"central differences{along} agree: {error}"
    if verdict.status == "failed":
        return f"central differences{along} DISAGREE: {error}"
    if verdict.status == "partial" and verdict.errors:
        return f"central differences{along} agree where they were taken: {error}; not checked:"
    return "not checked by differences:" if verdict.unchecked else "not checked by differences"
