"""What `gradcli batch` says on standard error when a table is written, and its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.cli import streams
from gradcli.cli.command import worst
from gradcli.errors import Status

if TYPE_CHECKING:
    from gradcli.batch.aggregate import Aggregate
    from gradcli.batch.run import Count
    from gradcli.batch.sampling import Proof, Sample


def told(count: Count, total: Aggregate | None, sample: Sample | None, budget: float | None) -> Status:
    """Say it.

    total: what was written instead of the rows.   sample: rows to prove.   budget: seconds for that.
    """
    streams.tell_each("note", count.notes)
    statuses = [Status.UNDEFINED] if count.bad or (total is not None and total.error) else []
    if total is not None and total.error:
        streams.tell_each("warning", [total.error])
    elif count.bad:
        rows = f"{count.bad:,} of {count.rows:,} rows {'has' if count.bad == 1 else 'have'} no result"
        streams.tell_each("warning", [f"{rows}; {count.first}"])
    if sample is not None:
        statuses.append(proof_told(sample.proof(budget), 1 + len(sample.plan.formula.wrt)))
    return worst(statuses)


def proof_told(proof: Proof, numbers: int) -> Status:
    """Say what became of the sampled rows; the exit status.

    numbers: how many each row has.
    """
    if proof.failures:
        streams.tell_each("wrong", proof.failures)
    streams.tell_each("note", [f"not proved: {each}" for each in proof.open])
    if proof.unread:
        rest = f"{proof.unread:,} more sampled {'row' if proof.unread == 1 else 'rows'}"
        streams.tell(f"note: there was no time for {rest}; --verify-budget gives it more seconds")
    rows = f"{proof.proved:,} sampled {'row' if proof.proved == 1 else 'rows'} of {proof.rows:,}"
    what = "the value" if numbers == 1 else f"the value and {numbers - 1} gradient{'s' if numbers > 2 else ''}"
    streams.tell(f"proved: {rows}, {what} of each" if proof.proved else f"proved: none of {proof.rows:,} rows")
    return Status.WRONG if proof.failures else Status.FINE
