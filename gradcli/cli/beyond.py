"""`gradcli batch --engine spark`: what of the command line goes to a cluster, and what does not."""

from __future__ import annotations

from collections.abc import Mapping

from gradcli.batch.plan import Plan
from gradcli.cli import streams
from gradcli.errors import Status, UsageError


def on_spark(
    plan: Plan,
    table: str | None,
    output: str | None,
    *,
    definitions: str,
    share: bool,
    forms: tuple[str, str],
    names: list[str] | None,
    force: bool,
    unasked: Mapping[str, bool],
) -> Status:
    """Run a plan on Spark and tell of its bad rows.

    forms: of the table and of the results.   unasked: options that Spark does not have → whether they are given.
    Errors: UsageError; FileError.
    """
    for flag, given in unasked.items():
        if given:
            raise UsageError(f"--engine spark has no {flag}", hint="leave it out, or take another engine")
    if table is None or table == "-":
        raise UsageError("--engine spark reads files", hint="name one, or a folder of files; or take another engine")
    from gradcli.batch.spark import Job, run

    computed = plan.formula
    job = Job(
        computed.graph.source,
        computed.fixed,
        computed.wrt,
        plan.columns,
        plan.keep,
        plan.prefix,
        plan.null,
        definitions,
        share,
        *forms,
        names,
    )
    found = run(job, table, output if output is not None else streams.Output(), force=force)  # type: ignore[arg-type]
    if found.bad:
        said = f"{found.bad:,} of {found.rows:,} rows have no result; {found.first}"
        streams.tell_each("warning", [said])
    return Status.UNDEFINED if found.bad else Status.FINE
