"""`gradcli eval`: the table, the gradients, the verdicts."""

# Annotations are values here, not text: typer would compile each of them again on every run.

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from gradcli.autodiff import Gradients, Trace
from gradcli.cli import streams
from gradcli.cli.arguments import variable
from gradcli.cli.checks import Checks, wanted
from gradcli.cli.command import ExpressionCommand, completing, one_of, worst
from gradcli.cli.dtypes import DTYPES, Dtype, changes, said, stored
from gradcli.cli.inputs import read_graph, read_upstream
from gradcli.cli.options import (
    Budget,
    Decimals,
    Definitions,
    Digits,
    Expression,
    FileName,
    Format,
    Names,
    Precision,
    Settings,
    Share,
    Unverified,
    Upstream,
    ValueFiles,
    Verify,
)
from gradcli.errors import GradcliError, Status, UsageError
from gradcli.places import listed
from gradcli.render import FORMATS, pieces
from gradcli.render.figures import Style
from gradcli.report import Report, build
from gradcli.tokens import NAME

HELP = """Show forward values, local and global gradients of a formula, and prove them.

\b
  gradcli eval "(x+y)*z" --x=-2 --y=5 --z=-4
  gradcli eval "q = sigmoid(w*x+b); (q-1)^2" --w=0.5 --x=2 --b=-1/4 --get dw

A variable is given its value as an option, before or after the formula:
--x=3, --x -1/3, --x=pi/4, --x="[0.2,0.4]", --W="[[1,2],[3,4]]", --x=@file.csv.
"""

READ_BY_PEOPLE = ("table", "markdown", "latex")
"""Formats that round what they show, and tell notes and warnings themselves."""

CHECKED_BY_ALL = (*READ_BY_PEOPLE, "json")
"""Formats that are verified by every means unless told otherwise; the others by proof alone."""

GATES = ("fine", "as-written", "fused")

RANKINGS = ("inputs", "nodes")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("eval", cls=ExpressionCommand, rich_help_panel="compute", help=HELP)
def evaluate(
    ctx: typer.Context,
    expression: Expression = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    gates: Annotated[
        str,
        typer.Option(
            help="Gate size: as-written; fine writes composite gates out; fused makes one gate of 1/(1+exp(-u)) and "
            "the like.",
            metavar="|".join(GATES),
            autocompletion=completing(GATES),
        ),
    ] = "as-written",
    format_: Format = None,
    get: Annotated[
        list[str] | None,
        typer.Option(help="Print this alone: value, dx, dW[0,1], grad.q, local.q.x … Repeatable.", metavar="CELL"),
    ] = None,
    wrt: Names = None,
    upstream: Upstream = None,
    dtype: Precision = None,
    decimals: Decimals = None,
    sig: Digits = None,
    full: Annotated[bool, typer.Option("--full", help="Every row, however many.")] = False,
    paths: Annotated[
        str | None, typer.Option(help="List every path from a variable to the output.", metavar="NAME")
    ] = None,
    rank: Annotated[
        str,
        typer.Option(help="Rank by |gradient|.", metavar="|".join(RANKINGS), autocompletion=completing(RANKINGS)),
    ] = "inputs",
    verify: Verify = None,
    no_verify: Unverified = False,
    verify_budget: Budget = None,
) -> None:
    """Print what was asked for, check it, and end with the exit status."""
    form = format_ or "table"
    settle(format_, get, rank, gates, decimals, sig)
    if dtype is not None:
        one_of("--dtype", dtype, tuple(DTYPES))
    refuse_unshown({"--rank nodes": rank == "nodes", "--paths": paths is not None}, "--get" if get else form)
    default = "all" if not get and form in CHECKED_BY_ALL else "proof"
    with Checks(wanted(verify, no_verify=no_verify, default=default), verify_budget) as checks:
        graph, values = read_graph(
            ctx.obj,
            command="eval",
            options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
            file=file,
            settings=set_ or (),
            files=vars_ or (),
            defs=defs,
            share=share,
        )
        start = read_upstream(ctx.obj)
        given = values
        if dtype is not None:
            values = {name: stored(entry, DTYPES[dtype], name) for name, entry in given.items()}
            start = None if start is None else stored(start, DTYPES[dtype], "upstream")
        if gates != "as-written":
            from gradcli.rewrites import rewritten

            graph = rewritten(graph, values, gates).graph
        gradients = graph.forward(values).backward(start)
        if dtype is not None:
            told = precision(gradients, DTYPES[dtype], changes(given, values))
            gradients.graph.notes += tuple(told)
        asked = names(wrt, "--wrt") if wrt is not None else None
        if get:
            status = show_cells(gradients, get, asked, checks)
        else:
            style = streams.style(
                decimals=decimals,
                sig=sig,
                full=full,
                rank_nodes=rank == "nodes",
                paths=tuple(names(paths, "--paths")),
            )
            report = build(gradients, wrt=asked)
            status = show(report, form, style, checks)
    raise typer.Exit(status)


def precision(gradients: Gradients, dtype: Dtype, changed: Mapping[str, Any]) -> list[str]:
    """What `--dtype` means for the output and the variables' gradients."""
    from gradcli.cli.ranges import Held
    from gradcli.systems.arrays import ARRAYS

    held = Held(gradients.trace, dtype)
    held.backward(gradients)
    there = Gradients(Trace(gradients.graph, held.values, ARRAYS, gradients.trace.shapes), held.adjoints)
    return said(dtype, changed, answers(gradients), answers(there), held.sentences())


def answers(gradients: Gradients) -> dict[str, Any]:
    """The output and the variables' gradients, by the names of their cells."""
    graph = gradients.graph
    found = {"value": gradients.trace.value}
    return found | {f"d{name}": gradients[name] for name in graph.inputs}


def settle(
    form: str | None, get: list[str] | None, rank: str, gates: str, decimals: int | None, sig: int | None
) -> None:
    """Refuse options that contradict each other.

    Errors: UsageError.
    """
    if form is not None:
        one_of("--format", form, tuple(FORMATS))
    one_of("--rank", rank, RANKINGS)
    one_of("--gates", gates, GATES)
    if get and form is not None:
        raise UsageError(f"--get prints bare numbers, --format {form} does not", hint="keep one of them")
    if decimals is not None and sig is not None:
        raise UsageError("--decimals and --sig contradict each other", hint="keep one of them")
    if (decimals is not None or sig is not None) and (get or (form or "table") not in READ_BY_PEOPLE):
        raise UsageError(
            f"{'--decimals' if sig is None else '--sig'} rounds, and {'--get' if get else form} never does",
            hint="leave it out; printf '%.4f' rounds in a shell",
        )


def refuse_unshown(wishes: dict[str, bool], form: str) -> None:
    """Refuse what a format for other programs, or `--get`, has no place for.

    Errors: UsageError.
    """
    for flag, wished in wishes.items():
        if wished and form not in CHECKED_BY_ALL:
            raise UsageError(f"{flag} has no place in {form}", hint=f"formats with it: {', '.join(CHECKED_BY_ALL)}")


def names(words: str | None, flag: str) -> list[str]:
    """The names in a list such as `x,y`.

    Errors: UsageError, also for an entry of a tensor.
    """
    entry = re.search(rf"({NAME})\s*\[[^\]]*\]", words or "")
    if entry is not None:
        raise UsageError(
            f"{flag} takes whole variables, and no entries",
            source=f"{flag} {words}",
            span=(len(flag) + 1 + entry.start(), len(flag) + 1 + entry.end()),
            hint=f"{flag} {entry[1]}; one entry of its gradient: gradcli eval … --get d{entry[0]}",
        )
    found = [variable(word.strip()) for word in (words or "").split(",")] if words is not None else []
    if "" in found:
        raise UsageError(f"{flag} takes names, with commas between them", hint=f"such as {flag} x,y")
    return found


def show_cells(gradients: Gradients, addresses: list[str], wrt: list[str] | None, checks: Checks) -> Status:
    """Print the cells asked for, a bare number a line; then judge."""
    from gradcli.cli.cells import added, resolved, sources

    cells = resolved(addresses, gradients, wrt)
    streams.put("\n".join(listed(cell.value) for cell in cells))
    streams.tell_each("note", [said for said in map(added, cells) if said])
    needed = dict.fromkeys(name for cell in cells for name in sources(cell))
    finite = gradients.trace.m.finite
    judged = [name for cell in cells if cell.kind == "grad" or not finite(cell.value) for name in sources(cell)]
    report = build(gradients, wrt=judged).with_verification(checks.run(gradients, needed))
    return judge(report, "cells", finite=all(finite(cell.value) for cell in cells))


def show(report: Report, form: str, style: Style, checks: Checks) -> Status:
    """Print a report, then judge; the table before its verdicts, since people read it meanwhile."""
    if form == "table":
        from gradcli.render.table import verdicts

        streams.put_all(pieces(report, form, style))
        report = report.with_verification(checks.run(report.source, report.wrt))
        streams.put(verdicts(report, style))
    elif form in CHECKED_BY_ALL:
        report = report.with_verification(checks.run(report.source, report.wrt))
        streams.put_all(pieces(report, form, style))
    else:
        streams.put_all(pieces(report, form, style))
        if checks.wanted:
            report = report.with_verification(checks.run(report.source, report.wrt))
    return judge(report, form)


def judge(report: Report, form: str, *, finite: bool = True) -> Status:
    """The exit status, and on standard error what the format does not tell itself."""
    statuses = []
    if form not in CHECKED_BY_ALL:
        streams.tell_each("note", report.all_notes)
        streams.tell_each("warning", report.all_warnings)
    if not (finite and report.defined):
        statuses.append(Status.UNDEFINED)
        if form not in READ_BY_PEOPLE:
            streams.tell(undefined(report).block())
    failures = report.verification.failures if report.verification else ()
    if failures:
        statuses.append(Status.WRONG)
        streams.tell_each("error: verification failed", failures)
    return worst(statuses)


def undefined(report: Report) -> GradcliError:
    """Why the output or a gradient is no finite number: the first node that went wrong."""
    trouble = report.trouble
    if trouble is None:
        return UsageError("the output or a gradient is not finite")
    graph = report.graph
    span = graph.spans[trouble.node]
    whole = span[1] > span[0] and bool(graph.source)
    return UsageError(
        trouble.cause + (f"; {trouble.effect}" if trouble.effect else ""),
        source=graph.source if whole else None,
        span=span if whole else None,
        hint=trouble.advice or None,
    )
