"""Independent verdicts on the engine's numbers. None of them uses the engine's own derivative rules.

proof         every node and edge in rigorous ball arithmetic (FLINT), at any size
symbolic      sympy differentiates the expressions that people write by hand, in a child process
differences   the textbook's gradient check
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple

from gradcli.errors import UsageError

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.graph import Graph
    from gradcli.verify.symbolic import Session

Outcome = Literal["passed", "failed", "partial", "skipped"]

BUDGET = 5.0
"""Seconds that verification may take, all in all."""

LEAST = 0.1
"""The part of the budget that differences get in any case."""


class Kink(NamedTuple):
    """A place where calculus leaves a choice, and the engine's was found between the one-sided derivatives.

    node: the node that has the kink, if that is known.   said: the sentence about it.
    """

    node: int | None
    said: str


class ProofVerdict(NamedTuple):
    """What ball arithmetic says: every value and local gradient within 64 ulp of a rigorous enclosure.

    digits: decimal digits to which the output and every gradient are right, by enclosures of the whole graph.
    lost: cell → its digits, where they are few; others: the digits of all but these.
    uncounted: the cells whose digits were not counted: at a kink there is no single gradient.
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
    others: int | None = None
    uncounted: tuple[str, ...] = ()
    kinks: tuple[Kink, ...] = ()
    entries: int = 0  # of tensors: the entries that the values have together
    downstream: int = 0  # and the gradients, entry by entry, that the edges pass down
    derivatives: int = 0  # of matrices of derivatives: their entries
    large: Collection[int] = ()  # nodes that were too large to try, or that there was no time for


class SympyVerdict(NamedTuple):
    """What sympy says; derivatives: variable → closed form in gradcli's language."""

    status: Outcome
    max_rel_error: float | None = None
    derivatives: Mapping[str, str] = {}
    checked: int = 0  # gradients that were compared
    failures: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()  # why it is partial or skipped, one sentence each
    notes: tuple[str, ...] = ()
    asked: int | None = None  # gradients that there were to compare
    ops: int = 0  # ops that were compared by themselves
    kinks: tuple[Kink, ...] = ()


class DifferencesVerdict(NamedTuple):
    """What the textbook's gradient check says: central differences, relative error by variable."""

    status: Outcome
    errors: Mapping[str, float] = {}
    band: str = ""  # CS231n's words for the largest error
    failures: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    kinks: tuple[Kink, ...] = ()
    along: int = 0  # random directions that tensors were moved along, each by itself; 0: every entry by itself
    together: bool = False  # all tensors were moved along a direction at once

    @property
    def how(self) -> str:
        """What was moved in which directions; empty where every entry was moved by itself."""
        if not self.along:
            return ""
        if self.along == 1:
            return f"along a random direction of {'all variables together' if self.together else 'each variable'}"
        return f"along {self.along} random directions a variable"


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

    def notes(self, told: Collection[int] = ()) -> tuple[str, ...]:
        """What there is to note, and each kink once: by its node where one is known, else by its gradients.

        told: nodes whose kink has been told already, with the convention that was used.
        """
        notes = [note for part in self.parts for note in part.notes]
        kinks = [kink for part in self.parts for kink in part.kinks]
        by_node = [kink.said for kink in kinks if kink.node is not None and kink.node not in told]
        located = bool(told) or any(kink.node is not None for kink in kinks)
        by_gradient = [] if located else next(([k.said for k in part.kinks] for part in self.parts if part.kinks), [])
        return tuple(dict.fromkeys([*by_node, *by_gradient, *notes]))


def verify(
    gradients: Gradients, which: str = "all", budget: float = BUDGET, *, wrt: Collection[str] | None = None
) -> Verification:
    """Check gradients independently.

    which: all (proof and sympy), proof, sympy, differences or none. What is too large to be proved is checked by
    differences.   budget: seconds, for all of them together.
    wrt: the names whose gradients count; None for all that were worked out.
    """
    from gradcli.verify.symbolic import Session

    wanted = {"all": ("proof", "sympy"), "none": ()}.get(which, (which,))
    unknown = set(wanted) - {"proof", "sympy", "differences"}
    if unknown:
        raise UsageError(f"no verification '{which}'", hint="all, proof, sympy, differences or none")
    session = Session.start(budget) if "sympy" in wanted else None
    try:
        return run(gradients, wanted, budget, session, wrt=gradients.wrt if wrt is None else wrt)
    finally:
        if session:
            session.close()


def run(
    gradients: Gradients,
    wanted: Collection[str],
    budget: float,
    session: Session | None,
    *,
    wrt: Collection[str] | None = None,
) -> Verification:
    """The checks wanted, one after the other, and differences for tensors that are too large to be proved.

    session: sympy's child process, if it is to be asked.
    """
    end = monotonic() + budget
    proof = differences = None
    if "proof" in wanted:
        from gradcli.verify.proof import prove

        proof = prove(gradients, budget, wrt=wrt)
    large = proof is not None and bool(proof.large) and gradients.trace.tensorial
    if "differences" in wanted or (large and any(wrt is None or name in wrt for name in gradients.graph.inputs)):
        from gradcli.verify.differences import check_differences

        differences = check_differences(gradients, max(end - monotonic(), LEAST * budget), wrt=wrt)
    sympy = session.check(gradients, proof, wrt=wrt) if session is not None else None
    return Verification(proof=proof, sympy=sympy, differences=differences)


def asked_for(graph: Graph, wrt: Collection[str] | None) -> bytearray:
    """1 for a node whose gradient counts: it depends on one of these names; None for every variable."""
    if wrt is None:
        return graph.varied
    asked = bytearray(len(graph))
    for name in wrt:
        asked[graph.position(name)] = 1
    for i, parents in enumerate(graph.parents):
        asked[i] = graph.varied[i] and (asked[i] or any(asked[p] for p in parents))
    return asked
