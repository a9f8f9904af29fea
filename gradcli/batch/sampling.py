"""Rows drawn from a stream, as many at its end as were asked for, and the proof of what was written of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, isfinite, log, log1p, ulp
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.batch.cells import number
from gradcli.batch.plan import Plan
from gradcli.batch.rows import Result
from gradcli.places import listed

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.batch.done import Done
    from gradcli.verify.verdicts import ProofVerdict

SPARE = 2
"""So many times as many rows are drawn: some have no result."""

SEED = 20_260_000
"""The same table gives the same sample."""

START, A_ROW = 5.0, 0.05
"""Seconds for the proof of all rows, and more for each."""

WITHIN = 8
"""Units in the last place by which engines may differ, where the formula keeps its digits."""


class Picked(NamedTuple):
    """A row that was drawn.   line: where it stands.   point: the values of the formula's variables."""

    line: int
    point: tuple[float, ...]
    result: Result


class Reservoir:
    """Which rows of a stream to keep, so that every one has the same chance (Li's algorithm L, 1994).

    size: how many are kept.
    """

    def __init__(self, size: int, seed: int = SEED) -> None:
        from random import Random

        self.size, self.random = size, Random(seed)  # noqa: S311 - chance, no secret
        self.seen = self.next = 0
        self.share = 1.0

    def picks(self, count: int) -> dict[int, int]:
        """Of the next rows, so many: slot → the row that it holds now, counted from the first of them."""
        found: dict[int, int] = {}
        end = self.seen + count
        while self.next < end:
            slot = self.next if self.next < self.size else self.random.randrange(self.size)
            found[slot] = self.next - self.seen
            self.next += 1
            if self.next >= self.size:
                self.share *= exp(log(1 - self.random.random()) / self.size)
                self.next += int(log(1 - self.random.random()) / log1p(-self.share))
        self.seen = end
        return found


class Sample:
    """Rows drawn while they are written, to be proved when all are.

    size: how many.   places: the columns of the formula's variables.
    """

    def __init__(self, size: int, plan: Plan, places: Sequence[int], unit: str = "line") -> None:
        self.size, self.plan, self.places, self.unit = size, plan, places, unit
        self.reservoir = Reservoir(size * SPARE)
        self.kept: dict[int, Picked] = {}

    def took(self, done: Done) -> None:
        """Draw from a block."""
        picks = self.reservoir.picks(done.rows)
        if not picks:
            return
        order = sorted(picks, key=picks.__getitem__)
        records, results = done.look([picks[slot] for slot in order])
        for k, (slot, result) in enumerate(zip(order, results, strict=True)):
            self.kept.pop(slot, None)
            if result[-1] is True:
                cells = records.cells[k]
                point = tuple(number(cells[place]) for place in self.places)
                self.kept[slot] = Picked(records.line(k), point, result)

    def chosen(self) -> list[Picked]:
        """The rows to prove: those with a result, in the order of the table."""
        from random import Random

        slots = sorted(self.kept)
        Random(SEED).shuffle(slots)  # noqa: S311 - the first slots hold early rows
        return sorted((self.kept[slot] for slot in slots[: self.size]), key=lambda picked: picked.line)

    def proof(self, seconds: float | None = None) -> Proof:
        """Prove them.   seconds: for all of them together."""
        from gradcli.verify import verify

        chosen = self.chosen()
        end = monotonic() + (START + A_ROW * len(chosen) if seconds is None else seconds)
        proved, failures, open_ = 0, list[str](), list[str]()
        for picked in chosen:
            left = end - monotonic()
            if left <= 0:
                break
            gradients = self.gradients(picked)
            verdict = verify(gradients, "proof", left, wrt=self.plan.formula.wrt).proof
            assert verdict is not None  # noqa: S101 - it was asked for
            wrong = [*verdict.failures, *self.different(picked, gradients, verdict)]
            if wrong:
                failures.append(f"{self.unit} {picked.line}: {'; '.join(wrong)}")
            elif verdict.status == "passed":
                proved += 1
            else:
                open_.append(f"{self.unit} {picked.line}: {'; '.join(verdict.unproved) or 'not proved'}")
        unread = len(chosen) - proved - len(failures) - len(open_)
        return Proof(proved, self.reservoir.seen, tuple(failures), tuple(open_), unread)

    def gradients(self, picked: Picked) -> Gradients:
        """The engine's own gradients at a row."""
        formula = self.plan.formula
        at = {**formula.fixed, **dict(zip(formula.variables, picked.point, strict=True))}
        return formula.graph.forward(at).backward()

    def different(self, picked: Picked, gradients: Gradients, verdict: ProofVerdict) -> Iterator[str]:
        """What was written of a row and is not what the engine says, which the proof is about."""
        wrt = self.plan.formula.wrt
        right = [gradients.trace.value, *(gradients[name] for name in wrt)]
        cells = ["value", *(f"grad.{name}" for name in wrt)]
        for name, cell, a, b in zip(self.plan.results, cells, picked.result, right, strict=False):
            digits = next((d for lost, d in verdict.lost.items() if lost in (cell, name)), verdict.others)
            if not close(a, b, verdict.digits if digits is None else min(digits, verdict.digits or digits)):
                yield f"{name} is {listed(b)}, and {listed(a)} was written"


class Proof(NamedTuple):
    """What became of the sampled rows.

    proved: how many.   rows: of the table.   failures, open: a sentence each.   unread: those there was no time for.
    """

    proved: int
    rows: int
    failures: tuple[str, ...]
    open: tuple[str, ...]
    unread: int


def close(a: Any, b: Any, digits: int | None) -> bool:
    """Whether two engines agree, as far as a formula keeps its digits at all."""
    if not isinstance(a, float) or not isinstance(b, float):
        flat = [[x] if isinstance(x, float) else x.ravel().tolist() for x in (a, b)]
        return len(flat[0]) == len(flat[1]) and all(close(x, y, digits) for x, y in zip(*flat, strict=True))
    if a == b or digits is None or digits < 1:
        return True
    if not (isfinite(a) and isfinite(b)):
        return False
    return abs(a - b) <= max(WITHIN * ulp(b), abs(b) * 10.0 ** (1 - digits))
