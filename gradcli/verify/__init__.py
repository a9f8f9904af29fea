"""Independent verdicts on the engine's numbers. None of them uses the engine's own derivative rules.

proof         every node and edge in rigorous ball arithmetic (FLINT), at any size
symbolic      sympy differentiates the expressions that people write by hand, in a child process
differences   the textbook's gradient check
"""

from __future__ import annotations

from collections.abc import Collection
from time import monotonic
from typing import TYPE_CHECKING

from gradcli.errors import UsageError

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.graph import Graph
    from gradcli.verify.symbolic import Session
    from gradcli.verify.verdicts import Verification

BUDGET = 5.0
"""Seconds that verification may take, all in all."""

LEAST = 0.1
"""The part of the budget that differences get in any case."""


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
    from gradcli.verify.verdicts import Verification

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
