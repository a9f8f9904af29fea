"""Which independent checks a command runs, and running them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from time import monotonic
from typing import TYPE_CHECKING

from gradcli.cli.command import one_of
from gradcli.errors import UsageError

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.verify.symbolic import Session
    from gradcli.verify.verdicts import Verification

CHECKS: Mapping[str, tuple[str, ...]] = {
    "all": ("proof", "sympy"),
    "sympy": ("sympy",),
    "proof": ("proof",),
    "differences": ("differences",),
    "none": (),
}
"""What `--verify` asks for, and the checks that are run."""

MATRIX_CHECKS: Mapping[str, tuple[str, ...]] = {
    "all": ("proof", "differences"),
    "proof": ("proof",),
    "differences": ("differences",),
    "none": (),
}
"""The same of Jacobians and Hessians."""

VARIABLE = "GRADCLI_VERIFY"
"""The environment variable that stands for `--verify`."""


class Checks:
    """The checks of one run. sympy's process is started at once, so that its import overlaps."""

    def __init__(self, wanted: tuple[str, ...], budget: float | None) -> None:
        self.wanted, self.given, self.started = wanted, budget, monotonic()
        self.session: Session | None = None

    @property
    def budget(self) -> float:
        """Seconds that all checks may take together."""
        from gradcli.verify import BUDGET

        return BUDGET if self.given is None else self.given

    def __enter__(self) -> Checks:
        if "sympy" in self.wanted:
            from gradcli.verify.symbolic import Session

            self.session = Session.start(self.budget)
        return self

    def __exit__(self, *_: object) -> None:
        if self.session is not None:
            self.session.close()

    @property
    def left(self) -> float:
        """Seconds that are left of the budget."""
        return max(self.budget - (monotonic() - self.started), 0.0)

    def run(self, gradients: Gradients, wrt: Collection[str] | None = None) -> Verification:
        """The verdicts on an evaluation.

        wrt: the names whose gradients were asked for; None for every variable.
        """
        from gradcli.verify import run

        return run(gradients, self.wanted, self.budget, self.session, wrt=wrt)


def wanted(verify: str | None, *, no_verify: bool, default: str) -> tuple[str, ...]:
    """The checks that options, the environment or the format ask for, in this order.

    Errors: UsageError.
    """
    if no_verify and verify is not None:
        raise UsageError(f"--no-verify and --verify {verify} contradict each other", hint="keep one of them")
    if no_verify:
        return ()
    if verify is not None:
        return CHECKS[one_of("--verify", verify, tuple(CHECKS))]
    given = os.environ.get(VARIABLE)
    return CHECKS[one_of(VARIABLE, given, tuple(CHECKS)) if given else default]
