"""What `gradcli jacobian` and `gradcli hessian` share: read, work out, print, check, and the exit status."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.cli import streams
from gradcli.cli.checks import MATRIX_CHECKS, VARIABLE
from gradcli.cli.command import one_of, worst
from gradcli.cli.dtypes import DTYPES, Dtype, changes, said, stored
from gradcli.cli.eval import READ_BY_PEOPLE, names, settle, undefined
from gradcli.cli.inputs import read_graph
from gradcli.errors import Status, UsageError

if TYPE_CHECKING:
    from gradcli.matrices import Kind, Matrices
    from gradcli.verify.verdicts import Verification


FEW = 16
"""Entries that `--dtype` tells the digits of."""


class Asked(NamedTuple):
    """What a command line asked for besides the expression and its values."""

    form: str | None
    wrt: str | None
    dtype: str | None
    decimals: int | None
    sig: int | None
    full: bool
    verify: str | None
    no_verify: bool
    budget: float | None


def run(ctx: Any, kind: Kind, asked: Asked, **places: Any) -> Status:
    """Print the matrices, then judge; the table before its verdicts, since people read it meanwhile.

    places: where the expression, its values and definitions stand, as `read_graph` takes them.
    Errors: UsageError, ExpressionError, FileError, LimitError.
    """
    from gradcli.matrices import build_matrices
    from gradcli.render.matrix import pieces

    form = asked.form or "table"
    settle(asked.form, None, "inputs", "as-written", asked.decimals, asked.sig)
    if asked.dtype is not None:
        one_of("--dtype", asked.dtype, tuple(DTYPES))
    checks = wanted(asked.verify, no_verify=asked.no_verify)
    graph, values = read_graph(ctx.obj, command=kind, options=ctx.command.declared(ctx), **places)
    wrt = names(asked.wrt, "--wrt") if asked.wrt is not None else None
    given = values
    if asked.dtype is not None:
        values = {name: stored(entry, DTYPES[asked.dtype], name) for name, entry in given.items()}
    matrices = build_matrices(graph.forward(values), kind, wrt)
    if asked.dtype is not None:
        matrices.trace.graph.notes += tuple(precision(matrices, DTYPES[asked.dtype], changes(given, values)))
    style = streams.style(decimals=asked.decimals, sig=asked.sig, full=asked.full)
    if form == "table":
        from gradcli.render.matrix_table import verdicts

        streams.put_all(pieces(matrices, form, style))
        matrices = matrices.with_verification(verified(matrices, checks, asked.budget))
        streams.put(verdicts(matrices, style))
    else:
        matrices = matrices.with_verification(verified(matrices, checks, asked.budget))
        streams.put_all(pieces(matrices, form, style))
    return judge(matrices, form)


def precision(matrices: Matrices, dtype: Dtype, changed: Mapping[str, Any]) -> list[str]:
    """What `--dtype` means for the output and the derivatives: none has digits where a node is beyond the format."""
    from math import nan

    from gradcli.cli.ranges import Held

    held, found = Held(matrices.trace, dtype), answers(matrices)
    there = {name: nan if held.beyond or held.below else float(held.hold(entry)) for name, entry in found.items()}
    there["value"] = held.values[matrices.trace.graph.output]
    return said(dtype, changed, found, there, held.sentences())


def answers(matrices: Matrices) -> dict[str, Any]:
    """The output and every entry, by its address, while they are few."""
    from gradcli.render.matrix import addressed

    if sum(rows * columns for rows, columns in (panel.shape for panel in matrices.panels)) > FEW:
        return {"value": matrices.value}
    return {"value": matrices.value} | dict(addressed(matrices))


def wanted(verify: str | None, *, no_verify: bool) -> Sequence[str]:
    """The checks that options or the environment ask for.

    Errors: UsageError.
    """
    if no_verify and verify is not None:
        raise UsageError(f"--no-verify and --verify {verify} contradict each other", hint="keep one of them")
    if no_verify:
        return ()
    if verify is not None:
        return MATRIX_CHECKS[one_of("--verify", verify, tuple(MATRIX_CHECKS))]
    given = os.environ.get(VARIABLE, "")
    return MATRIX_CHECKS.get(given, MATRIX_CHECKS["proof"])  # it may name a check that only eval has


def verified(matrices: Matrices, checks: Sequence[str], budget: float | None) -> Verification:
    """The verdicts on the matrices, by the checks asked for, all of them within the budget together."""
    from time import monotonic

    from gradcli.verify import BUDGET
    from gradcli.verify.verdicts import Verification

    proof = differences = None
    seconds = BUDGET if budget is None else budget
    end = monotonic() + seconds
    if "proof" in checks:
        from gradcli.verify.matrices import check_hessian, check_jacobian

        check = check_jacobian if matrices.kind == "jacobian" else check_hessian
        proof = check(matrices.trace, matrices.found, seconds)  # type: ignore[arg-type] # each takes its own kind
        if matrices.bent and proof.status == "passed":
            kinks = ", ".join(matrices.bent)
            proof = proof._replace(status="partial", unproved=(f"what the kink at {kinks} adds to second derivatives",))
    unproved = proof is not None and proof.status == "partial" and not proof.derivatives and matrices.finite
    if "differences" in checks or unproved:
        from gradcli.verify.matrix_differences import check_matrices

        differences = check_matrices(matrices.found, max(0.0, end - monotonic()))
    return Verification(proof=proof, differences=differences)


def judge(matrices: Matrices, form: str) -> Status:
    """The exit status, and on standard error what the format does not tell itself."""
    statuses = []
    if form not in (*READ_BY_PEOPLE, "json"):
        streams.tell_each("note", matrices.notes)
        streams.tell_each("warning", matrices.warnings)
    if not (matrices.finite and matrices.report.defined):
        statuses.append(Status.UNDEFINED)
        if form not in READ_BY_PEOPLE or matrices.report.trouble is None:
            streams.tell(undefined(matrices.report).block() if matrices.report.trouble else unbounded(matrices).block())
    failures = matrices.verification.failures if matrices.verification else ()
    if failures:
        statuses.append(Status.WRONG)
        streams.tell_each("error: verification failed", failures)
    return worst(statuses)


def unbounded(matrices: Matrices) -> UsageError:
    """The error about an entry that is not finite, although the first derivatives are."""
    from math import isfinite

    from gradcli.notation import number
    from gradcli.render.matrix import entries

    for row, column, value in entries(matrices):
        if not isfinite(value):
            above = f"∂²{matrices.output}/∂{row}∂{column}" if matrices.kind == "hessian" else f"∂{row}/∂{column}"
            return UsageError(f"{above} is {number(value)}", hint="a derivative has no finite value at this point")
    return UsageError("the output is not finite")
