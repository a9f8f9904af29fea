"""What verification says, as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

Outcome = Literal["passed", "failed", "partial", "skipped"]


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
