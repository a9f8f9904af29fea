"""The search for the mistakes behind some wrong answers, and how what it finds is ranked.

A mistake counts if it leads to what was written and not to the right number. Of several, the one that contradicts no
right answer and explains most of the wrong ones comes first, then the simplest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from time import monotonic
from typing import NamedTuple

from gradcli.autodiff import Value
from gradcli.cells import Cell
from gradcli.homework.diagnosis.candidates import (
    LIKELY,
    Candidate,
    attempts,
    both,
    confused,
    fits_in,
    nearest,
    pairs,
    remembered,
    with_rounding,
)
from gradcli.homework.diagnosis.fitting import Judged, finite, near, same
from gradcli.homework.diagnosis.misconceptions import FAMILIES
from gradcli.homework.diagnosis.rows import label
from gradcli.homework.diagnosis.scene import Scene, look
from gradcli.homework.records import Explanation
from gradcli.homework.sweeps import NOTHING
from gradcli.words import Said

SMALL = 40
"""Nodes up to which two mistakes are looked for."""

MOST = 8
"""Explanations of one answer."""

LIKELIEST = 1.2
"""The cost up to which a mistake is thought of with rounded steps."""

ASTRAY, STEP = 0.4, 0.02
"""What is added to a cost for each other wrong answer that a mistake would have made another number of; and for each
step away from the answer."""

ROUGHLY, FORWARD = 0.6, 0.5
"""What is added to a cost: for a number that is only rounded to what was written; for a slip in the forward pass behind
an answer that is no forward value."""

PLAIN = 1.45
"""The cost up to which a mistake is read from an answer of one digit that it leads near to."""

EVERY = 16
"""Mistakes between looks at the clock."""


class Hit(NamedTuple):
    """A candidate that leads to the numbers of some wrong answers.

    values: of all wrong cells.   fits: the wrong cells that it explains.   exact: those whose numbers it leads to, and
    not only near them.   astray: those it would have changed otherwise.   contradicts: right answers that it would
    have changed.
    """

    candidate: Candidate
    values: Sequence[Value | None]
    fits: tuple[int, ...]
    exact: frozenset[int]
    astray: int
    contradicts: int


class Clock:
    """The time that is left; looked at now and then."""

    def __init__(self, budget: float) -> None:
        self.end, self.count, self.ended = monotonic() + budget, 0, False

    def over(self) -> bool:
        """Whether the budget has run out."""
        self.count += 1
        if self.count % EVERY == 0 or self.ended:
            self.ended = self.ended or monotonic() > self.end
        return self.ended


class Hunt:
    """One search for the mistakes behind some wrong answers.

    hits: what was found.   complete: whether everything was tried.
    """

    def __init__(self, scene: Scene, wrong: Sequence[Judged], right: Sequence[Judged], clock: Clock) -> None:
        self.scene, self.wrong, self.right, self.clock = scene, wrong, right, clock
        self.cells = [judged.cell for judged in wrong]
        self.before = [scene.outcome.read(cell) for cell in self.cells]
        self.known: list[dict[float, bool]] = [{} for _ in wrong]  # predicted number → whether it fits
        self.coarse = [judged.coarse() for judged in wrong]
        self.hits: list[Hit] = []
        self.complete = True
        self.steps: Mapping[int, int] = {}

    def run(self) -> None:
        """Try everything, the likeliest and nearest first."""
        scene = self.scene
        for j, cell in enumerate(self.cells):
            for candidate, value in confused(scene, cell):
                values: list[Value | None] = [None] * len(self.cells)
                values[j] = value
                self.consider(candidate, values)
        if not fits_in(scene):
            self.complete = False
            return
        _, self.steps = nearest(scene, self.cells)
        likely = []
        for candidate, after in attempts(scene, self.cells):
            if self.clock.over():
                self.complete = False
                return
            if after is None:
                continue
            changed = self.consider(candidate, [look(after, cell) for cell in self.cells])
            if changed and candidate.cost <= LIKELY and len(candidate.sites) == 1:
                likely.append(candidate)
        if scene.base is NOTHING:  # on top of earlier mistakes, one more is enough
            self.rounded_steps(likely)
            self.two_mistakes(likely)

    def consider(self, candidate: Candidate, values: Sequence[Value | None]) -> bool:
        """Keep a candidate that explains a wrong answer; returns whether it changes any."""
        fits, astray, changed = [], 0, False
        for j, (value, judged) in enumerate(zip(values, self.wrong, strict=True)):
            if value is None or same(value, self.before[j]):
                continue
            changed = True
            if self.fits(j, value, judged):
                fits.append(j)
            else:
                astray += 1
        exact = frozenset(j for j in fits if self.wrong[j].exactly(values[j]))
        kept = tuple(j for j in fits if j in exact or candidate.cost <= PLAIN or not self.coarse[j])
        if kept:
            self.hits.append(Hit(candidate, values, kept, exact, astray, self.contradictions(candidate)))
        return changed

    def fits(self, j: int, value: Value, judged: Judged) -> bool:
        """Whether a predicted number counts as a wrong answer, and not as the right one."""
        if not isinstance(value, float):
            return not same(value, judged.cell.value) and finite(value) and judged.fits(value)
        known = self.known[j].get(value)
        if known is None:
            known = isfinite(value) and not same(value, judged.cell.value) and judged.fits(value)
            self.known[j][value] = known
        return known

    def contradictions(self, candidate: Candidate) -> int:
        """How many right answers a mistake would have changed."""
        if not self.right:
            return 0
        cells = [judged.cell for judged in self.right]
        values = self.scene.read(candidate.change, cells)
        if values is None:
            return 0
        return sum(
            value is not None and not same(value, cell.value) and not judged.fits(value)
            for value, cell, judged in zip(values, cells, self.right, strict=True)
        )

    def unexplained(self) -> list[int]:
        """The wrong answers that nothing explains so far, where the problem is small enough to look closer."""
        if len(self.scene.graph.shown) > SMALL or self.scene.tensorial:
            return []
        explained = {j for hit in self.hits for j in hit.fits}
        return [j for j in range(len(self.wrong)) if j not in explained]

    def rounded_steps(self, likely: Sequence[Candidate]) -> None:
        """Look for one mistake with rounded steps."""
        left = [j for j in self.unexplained() if not self.coarse[j]]
        for candidate in likely if left else ():
            exact = self.scene.read(candidate.change, self.cells) if candidate.cost <= LIKELIEST else None
            if exact is None:
                continue
            for rounded, after in remembered(self.scene, (candidate,), with_rounding):
                if self.clock.over():
                    self.complete = False
                    return
                if any(near(look(after, self.cells[j]), exact[j], self.wrong[j].fits) for j in left):
                    self.consider(rounded, [look(after, cell) for cell in self.cells])

    def two_mistakes(self, likely: Sequence[Candidate]) -> None:
        """Look for two mistakes behind the answers that no single one explains."""
        left = [j for j in self.unexplained() if not self.coarse[j]]
        for one, other in pairs(likely) if left else ():
            for candidate, after in remembered(self.scene, (one, other), both):
                if self.clock.over():
                    self.complete = False
                    return
                if any(self.wrong[j].sharply(look(after, self.cells[j])) for j in left):
                    self.consider(candidate, [look(after, cell) for cell in self.cells])

    def explanations(self, j: int) -> tuple[Explanation, ...]:
        """The explanations of one wrong answer, best first."""

        def rank(hit: Hit) -> tuple[bool, int, float]:
            far = min((self.steps.get(site, 0) for site in hit.candidate.sites), default=0)
            cost = hit.candidate.cost + ASTRAY * hit.astray + STEP * far
            cost += ROUGHLY * (j not in hit.exact)
            cost += FORWARD * (bool(hit.candidate.change.values) and self.cells[j].kind != "value")
            return hit.contradicts > 0, -len(hit.fits), cost

        found = [hit for hit in self.hits if j in hit.fits]
        if self.coarse[j]:  # what is merely near is no match for what is the number itself
            found = [hit for hit in found if j in hit.exact] or found
        ordered: list[Hit] = []
        for hit in sorted(found, key=rank):
            if not any(part_of(hit.candidate, other.candidate) for other in ordered):
                ordered.append(hit)
        explained = [self.explanation(hit, self.cells[j]) for hit in ordered[:MOST]]
        if len(ordered) > 1:
            explained[0] = explained[0]._replace(coincides=self.coincidences(ordered))
        return tuple(explained)

    def explanation(self, hit: Hit, cell: Cell) -> Explanation:
        """What was found, as it is handed on to one who asks about a cell."""
        candidate = hit.candidate
        change = None if candidate.confusion else candidate.change
        return Explanation(candidate.name, candidate.sites, change, candidate.said(cell), candidate.cost)

    def coincidences(self, ordered: Sequence[Hit]) -> tuple[Said, ...]:
        """The other mistakes that lead to the same number, each with its places."""
        first = ordered[0]
        places: dict[str, list[int]] = {}
        confusions = {hit.candidate.name for hit in ordered if hit.candidate.confusion}
        for hit in ordered[1:]:
            if not hit.contradicts or first.contradicts:
                places.setdefault(hit.candidate.name, []).extend(hit.candidate.sites)
        return tuple(
            Said(
                "diagnosis.coincides_alone" if name in confusions else "diagnosis.coincides",
                {
                    "label": label(name),
                    "places": tuple(self.scene.gate(site) for site in dict.fromkeys(sites)),
                    "name": name,
                    "sites": tuple(dict.fromkeys(sites)),
                },
            )
            for name, sites in places.items()
        )


def part_of(one: Candidate, other: Candidate) -> bool:
    """Whether two are the same mistake: made at some of the other's places, or in the value and in its derivative."""
    mine, theirs = {*one.sites}, {*other.sites}
    if one.name == other.name:
        return mine <= theirs or mine >= theirs
    return mine == theirs and any({one.name, other.name} <= group for group in FAMILIES)
