"""Independent verdicts on the engine's numbers. None of them uses the engine's own derivative rules.

proof         every node and edge in rigorous ball arithmetic (FLINT), at any size
symbolic      sympy differentiates the expressions that people write by hand, in a child process
differences   the textbook's gradient check
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from gradcli.errors import UsageError

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients

Outcome = Literal["passed", "failed", "partial", "skipped"]

BUDGET = 5.0
"""Seconds that verification may take, all in all."""


class ProofVerdict(NamedTuple):
    """What ball arithmetic says: every value and local gradient within 64 ulp of a rigorous enclosure.

    digits: decimal digits to which the output and every gradient are right, by enclosures of the whole graph.
    """

    status: Outcome
    nodes: int = 0
    edges: int = 0
    digits: int | None = None
    failures: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()  # what is left over, and why, one sentence each
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lost: Mapping[str, int] = {}


class SympyVerdict(NamedTuple):
    """What sympy says; derivatives: variable → closed form in gradcli's language."""

    status: Outcome
    max_rel_error: float | None = None
    derivatives: Mapping[str, str] = {}
    checked: int = 0  # gradients that were compared
    failures: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()  # why it is partial or skipped, one sentence each
    notes: tuple[str, ...] = ()


class DifferencesVerdict(NamedTuple):
    """What the textbook's gradient check says: central differences, relative error by variable."""

    status: Outcome
    errors: Mapping[str, float] = {}
    band: str = ""  # CS231n's words for the largest error
    failures: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


Verdict = ProofVerdict | SympyVerdict | DifferencesVerdict


class Verification(NamedTuple):
    """The verdicts together; a part that was not asked for is None."""

    proof: ProofVerdict | None = None
    sympy: SympyVerdict | None = None
    differences: DifferencesVerdict | None = None

    @property
    def parts(self) -> tuple[Verdict, ...]:
        """The verdicts that were asked for."""
        return tuple(part for part in (self.proof, self.sympy, self.differences) if part is not None)

    @property
    def status(self) -> Outcome:
        """failed if any failed; passed if all passed; skipped if nothing was checked; else partial."""
        outcomes = {part.status for part in self.parts} or {"skipped"}
        if "failed" in outcomes:
            return "failed"
        return outcomes.pop() if len(outcomes) == 1 else "partial"

    @property
    def failures(self) -> tuple[str, ...]:
        """Every number that is wrong, one sentence each."""
        return tuple(failure for part in self.parts for failure in part.failures)


def verify(gradients: Gradients, which: str = "all", budget: float = BUDGET) -> Verification:
    """Check gradients independently.

    which: all (proof and sympy), proof, sympy, differences or none.   budget: seconds.
    """
    from gradcli.verify.differences import check_differences
    from gradcli.verify.proof import prove
    from gradcli.verify.symbolic import Session

    wanted = {"all": ("proof", "sympy"), "none": ()}.get(which, (which,))
    unknown = set(wanted) - {"proof", "sympy", "differences"}
    if unknown:
        raise UsageError(f"no verification '{which}'", hint="all, proof, sympy, differences or none")
    session = Session.start(budget) if "sympy" in wanted else None
    try:
        proof = prove(gradients, budget) if "proof" in wanted else None
        return Verification(
            proof=proof,
            sympy=session.check(gradients, proof) if session else None,
            differences=check_differences(gradients) if "differences" in wanted else None,
        )
    finally:
        if session:
            session.close()
