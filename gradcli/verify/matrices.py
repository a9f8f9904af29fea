"""The proof of whole matrices: every entry of a Jacobian or a Hessian lies within its bounds.

The graph is unrolled to single numbers. A row of a Jacobian is one backward pass over them in ball arithmetic, by
FLINT's own slopes; a row of a Hessian a pass over the gradient, by its curvatures. No rule of the op table's backward
pass takes part. An entry may be off by what rounding does to the formula in double precision, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import isfinite, log10
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb

from gradcli.autodiff import Trace
from gradcli.errors import LimitError
from gradcli.notation import number
from gradcli.systems.balls import Balls, precision
from gradcli.systems.program import Positions
from gradcli.systems.series import ZERO
from gradcli.verify import BUDGET
from gradcli.verify.curvature import Curved
from gradcli.verify.enclosures import FEW, FULL, right_digits
from gradcli.verify.judge import Outcome
from gradcli.verify.proof_words import listed, shown
from gradcli.verify.settling import DOUBLE, EXACT, Once, Roughness, nudged, settle
from gradcli.verify.unrolled import LateError, Run, entry_name, unroll_graph
from gradcli.verify.verdicts import Kink, ProofVerdict

if TYPE_CHECKING:
    from gradcli.derivatives import Hessian, Jacobian

DIGITS_BITS = 128
"""Precision at which right digits are counted."""

SECONDS = 4e-6
"""About how long an op on single numbers takes in a backward pass."""

Row = list[arb]


def check_jacobian(trace: Trace, found: Jacobian, budget: float = BUDGET) -> ProofVerdict:
    """Prove ∂output/∂node, entry by entry.

    budget: seconds; what is left over is named, and the verdict is `partial`.
    """
    try:
        check = _Check(trace, [trace.graph.position(name) for name in found], budget)
    except LimitError as error:
        return ProofVerdict("partial", unproved=(error.message,))
    names, output = list(found), trace.graph.names[trace.graph.output]
    dense = []
    for name in names:
        block = found.blocks[name]
        if block.structure == "dense" or not check.diagonal(name, block, output):
            dense.append(name)
    if dense:
        claims = {name: np.reshape(found[name], (check.rows, -1)) for name in dense}
        moving = check.moving(dense)
        state = Once(check.m, check.run)

        def row(j: int, rough: Roughness) -> Row:
            run = state(rough)
            seeds: list[arb | None] = [None] * check.rows
            seeds[j] = arb(1)
            return check.taken(run.backward(seeds, moving), dense)

        def name_of(j: int, at: str) -> str:
            return f"∂{check.output_entry(j)}/∂{at}"

        check.all_rows(check.rows, claims, row, name_of, 1)
    return check.verdict()


def check_hessian(trace: Trace, found: Hessian, budget: float = BUDGET) -> ProofVerdict:
    """Prove ∂²output/∂x∂y, entry by entry.

    budget: seconds; what is left over is named, and the verdict is `partial`.
    """
    names = list(found)
    try:
        check = _Check(trace, [trace.graph.position(name) for name in names], budget)
    except LimitError as error:
        return ProofVerdict("partial", unproved=(error.message,))
    output, moving = trace.graph.names[trace.graph.output], check.moving(names)
    entries = [(entry, place) for name in names for entry, place in check.entries(name)]

    def prepared(rough: Roughness) -> Curved:
        run = Curved(check.program, check.m, check.tick, double=rough == DOUBLE)
        run.prepare(check.leaves(rough), moving)
        return run

    state = Once(check.m, prepared)

    def row(j: int, rough: Roughness) -> Row:
        return check.taken(state(rough).column_of(entries[j][1]), names)

    sizes = {name: int(np.size(trace[name])) for name in names}
    claims = {
        name: np.concatenate([np.reshape(found[other][name], (sizes[other], sizes[name])) for other in names])
        for name in names
    }
    check.all_rows(len(entries), claims, row, lambda j, at: f"∂²{output}/∂{entries[j][0]}∂{at}", 4)
    return check.verdict()


class _Check:
    """A graph unrolled at one point, and what is found of its derivatives."""

    def __init__(self, trace: Trace, nodes: list[int], budget: float) -> None:
        self.trace, self.graph, self.budget = trace, trace.graph, budget
        self.deadline = perf_counter() + budget
        self.m = Balls()
        self.late = False
        self.count, self.worst, self.unclear = 0, FULL, False
        self.failures: list[str] = []
        self.unproved: list[str] = []
        self.kinks: list[Kink] = []
        self.lost: dict[str, int] = {}
        inputs = set(self.graph.inputs.values())
        self.program, self.blocks = unroll_graph(self.graph, trace.shapes, [i for i in nodes if i not in inputs])

    @property
    def rows(self) -> int:
        """Entries of the output."""
        return int(self.program.output.size)

    def tick(self) -> None:
        """Stop when time is up."""
        if perf_counter() > self.deadline:
            raise LateError

    # ── the program ─────────────────────────────────────────────────────────────────────────────────────

    def block(self, name: str) -> Positions:
        """The positions of a node's entries."""
        return self.blocks[self.graph.position(name)]

    def moving(self, names: list[str]) -> Any:
        """The positions that depend on these nodes."""
        return self.program.depending([self.block(name) for name in names])

    def leaves(self, rough: Roughness) -> list[list[arb]]:
        """The entries of the inputs, exactly or to a few ulp."""
        exact = [list(map(arb, np.ravel(self.trace.values[i]).tolist())) for i in self.graph.inputs.values()]
        return [nudged(values) for values in exact] if rough else exact

    def run(self, rough: Roughness) -> Run:
        """The program, run forward."""
        run = Run(self.program, self.m, self.tick, double=rough == DOUBLE)
        run.forward(self.leaves(rough))
        return run

    def taken(self, adjoints: list[arb | None], names: list[str]) -> Row:
        """The entries of some nodes."""
        places = [place for name in names for place in self.block(name).ravel().tolist()]
        return [ZERO if adjoints[place] is None else adjoints[place] for place in places]

    # ── entries ─────────────────────────────────────────────────────────────────────────────────────────

    def all_rows(
        self,
        rows: int,
        claims: Mapping[str, Any],
        row: Callable[[int, Roughness], Row],
        name_of: Callable[[int, str], str],
        effort: int,
    ) -> None:
        """Every row of a matrix.

        row: the enclosures of one, at the present precision.   name_of: an entry's name, from row and column.
        """
        columns = [entry for name in claims for entry, _ in self.entries(name)]
        seconds = (rows + 4) * self.program.cost * SECONDS * effort
        if seconds > 4 * self.budget:
            size = f"{rows:,} × {len(columns):,} derivatives of {self.program.cost:,} ops on single numbers"
            self.unproved.append(f"{size} are too many to prove")
            return
        for j in range(rows):
            numbers = np.concatenate([claims[name][j] for name in claims]).tolist()
            try:
                self.one_row(numbers, partial(row, j), lambda k: name_of(j, columns[k]))  # noqa: B023 - used at once
            except LateError:
                left = f"{rows - j:,} of {rows:,} rows"
                self.unproved.append(f"{left}: the budget of {self.budget:g} s was used up")
                return

    def one_row(self, claims: list[float], again: Callable[[Roughness], Row], name_of: Callable[[int], str]) -> None:
        """One row of a matrix."""
        with precision(DIGITS_BITS, 3):
            before = self.m.kinks, self.m.straddles
            exact = again(EXACT)
            self.count += len(claims)

            def judge(k: int, outcome: Outcome, claim: float, ball: arb) -> bool:
                name = name_of(k)
                if outcome == "kink":
                    said = f"{name} is at a kink: {number(claim)} lies between the one-sided derivatives"
                    self.kinks.append(Kink(None, said))
                    return True
                self.count -= 1
                if outcome == "wrong" and isfinite(claim):
                    self.failures.append(f"{name} is {number(claim)}, but proved is {shown(ball)}")
                else:
                    bound = f"; it is {shown(ball)}" if ball.is_finite() and not isfinite(claim) else ""
                    self.unproved.append(f"{name} = {number(claim)}: not proved{bound}")
                return True

            odd = settle(self.m, claims, exact, before, again, judge, terms=3, reach=lambda: 1.0)
            for k, (claim, ball) in enumerate(zip(claims, exact, strict=True)):
                if k not in odd and isfinite(claim):
                    self.count_digits(name_of, k, claim, ball)

    def count_digits(self, name_of: Callable[[int], str], k: int, claim: float, ball: arb) -> None:
        """How many digits of an entry are right."""
        middle = float(ball)
        if claim == middle and ball.rel_accuracy_bits() > 60:
            return
        error = abs(claim - middle)
        if middle and ball.rel_accuracy_bits() > 60 and error < 1e-12 * abs(middle):
            self.worst = min(self.worst, int(-log10(error / abs(middle))))
            return
        digits = right_digits(claim, ball)
        if digits is None:
            self.unclear = True
            return
        self.worst = min(self.worst, digits)
        if digits < FEW:
            self.lost[name_of(k)] = digits

    def diagonal(self, name: str, block: Any, output: str) -> bool:
        """A block of which only the diagonal is kept: proved by one pass, where entry i depends on entry i alone."""
        leaf = self.block(name)
        moving = self.moving([name])
        if block.structure == "zero":
            if moving[self.program.output].any():
                return False
            self.count += self.rows * int(leaf.size)
            return True
        if leaf.shape != self.program.output.shape or not self.program.entrywise(leaf):
            return False
        state = Once(self.m, self.run)

        def again(rough: Roughness) -> Row:
            return self.taken(state(rough).backward([arb(1)] * self.rows, moving), [name])

        at = [entry for entry, _ in self.entries(name)]
        outs = [self.output_entry(j) for j in range(self.rows)]
        claims = np.broadcast_to(block.entries, leaf.shape).ravel().tolist()
        try:
            self.one_row(claims, again, lambda k: f"∂{outs[k]}/∂{at[k]}")
        except LateError:
            self.unproved.append(f"∂{output}/∂{name}: the budget of {self.budget:g} s was used up")
        return True

    def entries(self, name: str) -> Iterator[tuple[str, int]]:
        """The names of a node's entries, and their positions."""
        block = self.block(name)
        for index, place in zip(np.ndindex(block.shape), block.ravel().tolist(), strict=True):
            yield entry_name(name, index), place

    def output_entry(self, j: int) -> str:
        """The name of an entry of the output."""
        shape = self.program.output.shape
        return entry_name(self.graph.names[self.graph.output], [int(at) for at in np.unravel_index(j, shape)])

    def verdict(self) -> ProofVerdict:
        """What was found."""
        warnings = [
            f"{'only ' + str(few) if few else 'none'} of the digits of {name} {'are' if few > 1 else 'is'} right: "
            f"the formula loses {'the others' if few else 'them'}"
            for name, few in self.lost.items()
        ]
        done = self.count > 0 and not self.unclear
        return ProofVerdict(
            status="failed" if self.failures else "partial" if self.unproved else "passed",
            digits=self.worst if done else None,
            failures=listed(self.failures),
            unproved=listed(self.unproved),
            warnings=listed(warnings),
            kinks=tuple(self.kinks[:20]),
            derivatives=self.count,
        )
