"""Jacobians and Hessians against central differences: of the output, and of the gradient.

    (q(x+hv) - q(x-hv)) / 2h      against the matrix times v, extrapolated to h = 0 from three widths

q is the output of a Jacobian, and the gradient of a Hessian. v runs through the entries of the variables, a column
each, while there are few; then it has random signs.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf
from time import perf_counter
from typing import Any

import numpy as np

from gradcli.derivatives import Hessian, Jacobian
from gradcli.matrices import labels
from gradcli.notation import number
from gradcli.notes import at_kinks
from gradcli.places import place
from gradcli.verify import BUDGET
from gradcli.verify.differences import BANDS
from gradcli.verify.tensor_differences import DIRECTIONS, SEED
from gradcli.verify.verdicts import DifferencesVerdict, Kink

WIDTH = 2.0**-9
"""The widest step, relative to the variable; where that is 0, absolutely."""

RTOL = 1e-6
"""How far an entry may be from its difference, relatively, besides what the difference does not know itself."""

CANCELLED = 1e-13
"""What rounding leaves, relative to the output, of an entry whose terms cancel."""

MOST_COLUMNS = 128
"""Columns that are compared one by one."""

LISTED = 20


def check_matrices(found: Jacobian | Hessian, budget: float = BUDGET) -> DifferencesVerdict:
    """Compare every entry with central differences.

    budget: seconds; what is left over is named, and the verdict is `partial`.
    """
    check = _Check(found)
    deadline = perf_counter() + budget
    with np.errstate(all="ignore"):
        for name in found:
            if name not in found.trace.graph.inputs:
                check.unchecked.append(f"{name} is no variable: it cannot be moved by itself")
            elif not check.compare(name, deadline):
                check.unchecked.append(f"{name}: the time for verification was used up")
    worst = max(check.errors.values(), default=0.0)
    return DifferencesVerdict(
        status="failed" if check.failures else "partial" if check.unchecked else "passed" if len(found) else "skipped",
        errors=check.errors,
        band=next(word for bound, word in BANDS if worst < bound or bound == inf) if check.errors else "",
        failures=tuple(check.failures[:LISTED]),
        unchecked=tuple(check.unchecked[:LISTED]),
        kinks=tuple(check.kinks[:LISTED]),
        along=check.along,
    )


class _Check:
    """The entries compared so far, and what was found."""

    def __init__(self, found: Jacobian | Hessian) -> None:
        self.found, self.trace = found, found.trace
        self.values = {name: self.trace.at(i) for name, i in self.trace.graph.inputs.items()}
        if isinstance(found, Hessian):
            self.rows = labels(tuple(found.shapes.items()))
        else:
            output = self.trace.graph.output
            self.rows = labels(((self.trace.graph.names[output], self.trace.shapes[output]),))
        self.order = 2 if isinstance(found, Hessian) else 1
        self.noise = CANCELLED * float(np.max(np.abs(self.trace.value), initial=0.0))
        self.bent = isinstance(found, Hessian) and bool(at_kinks(self.trace.backward()))
        columns = sum(np.size(self.values[name]) for name in found if name in self.values)
        self.along = DIRECTIONS if columns > MOST_COLUMNS else 0
        self.random = np.random.default_rng(SEED)
        self.errors: dict[str, float] = {}
        self.failures: list[str] = []
        self.unchecked: list[str] = []
        self.kinks: list[Kink] = []

    def compare(self, name: str, deadline: float) -> bool:
        """Compare the columns of a variable, or the matrix along random directions; False when the time is up."""
        value = np.asarray(self.values[name])
        if self.along:
            scale = np.where(value == 0, 1.0, np.abs(value))
            for which in range(self.along):
                if perf_counter() > deadline:
                    return False
                v = self.random.choice([-1.0, 1.0], size=value.shape) * scale
                label = f"along random direction {which + 1} of {name}"
                self._column(name, label, v, WIDTH / 16, 1.0, self._times(name, v))
            return True
        whole = self._claimed(name).reshape(len(self.rows), -1)
        for column, index in enumerate(np.ndindex(*value.shape)):
            if perf_counter() > deadline:
                return False
            v, at = np.zeros(value.shape), float(value[index])
            v[index] = 1.0
            step = WIDTH * abs(at) if at else WIDTH
            self._column(name, f"column {place(name, index)}", v, step, abs(at), whole[:, column])
        return True

    def _claimed(self, name: str) -> Any:
        if isinstance(self.found, Hessian):
            return self.found.matrix[:, self.found.rows(name)]
        return np.asarray(self.found[name])

    def _times(self, name: str, v: Any) -> Any:
        """The matrix times a direction; of a diagonal one without its zeros."""
        if isinstance(self.found, Jacobian) and self.found.blocks[name].structure != "dense":
            return np.broadcast_to(self.found.blocks[name].entries * v, v.shape).ravel()
        return self._claimed(name).reshape(len(self.rows), -1) @ v.ravel()

    def _column(self, name: str, label: str, v: Any, step: float, size_of: float, claim: Any) -> None:
        steps = [step / 2**k for k in range(3)]
        middle = self._quantity(name, 0 * v)
        ends = [(self._quantity(name, h * v), self._quantity(name, -h * v)) for h in steps]
        central = [(up - down) / (2 * h) for (up, down), h in zip(ends, steps, strict=True)]
        bends = [np.abs(up - 2 * middle + down) / h for (up, down), h in zip(ends, steps, strict=True)]
        rough, fine = ((4 * b - a) / 3 for a, b in pairwise(central))
        size = np.maximum.reduce([np.abs(part) for pair in ends for part in pair])
        known = (
            np.abs(fine - rough)
            + 2.0**-50 * size / steps[-1]
            + self.noise / np.float64(max(1.0, size_of)) ** self.order
        )
        scale = np.maximum(np.abs(claim), np.abs(fine))
        gap = np.abs(claim - fine)
        right = gap <= RTOL * scale + 10 * known
        kink = (bends[2] > 0.75 * bends[0]) & (bends[2] > 1e-4 * scale + 10 * known)
        for row in np.flatnonzero(kink | ~right):
            self._settle(self.rows[row], label, claim[row], fine[row], known[row], bends[2][row] if kink[row] else 0.0)
        judged = right & ~kink & np.isfinite(gap) & (scale > 1e5 * known)  # of others the error is the differences' own
        errors = gap[judged] / scale[judged]
        self.errors[name] = max(self.errors.get(name, 0.0), float(errors.max(initial=0.0)))

    def _settle(self, row: str, label: str, claim: float, fine: float, known: float, bend: float) -> None:
        """An entry at a kink, one that differs, or one whose difference is no use."""
        if not np.isfinite([claim, fine, known]).all() or (not bend and known > 0.1 * max(abs(claim), abs(fine))):
            self.unchecked.append(f"row {row}, {label}: the differences do not settle")
        elif bend and abs(claim - fine) <= bend / 2 * (1 + RTOL) + 10 * known:
            said = f"row {row}, {label}: a kink; {number(float(claim))} lies between both slopes"
            self.kinks.append(Kink(None, said))
        elif self.bent:
            self.unchecked.append(
                f"row {row}, {label}: at a kink; by convention it is {number(float(claim))}, "
                f"differences of the gradient give {fine:.6g}"
            )
        else:
            self.failures.append(f"row {row}, {label} is {number(float(claim))}, but differences give {fine:.6g}")

    def _quantity(self, name: str, by: Any) -> Any:
        """The output, or the gradient, with a variable moved."""
        moved = self.values[name] + by
        trace = self.trace.graph.forward({**self.values, name: moved if moved.ndim else float(moved)})
        if not isinstance(self.found, Hessian):
            return np.ravel(trace.value)
        gradients = trace.backward(wrt=list(self.found))
        return np.concatenate([np.ravel(gradients[other]) for other in self.found])
