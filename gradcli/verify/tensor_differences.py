"""The gradient check of tensors: each entry by itself while there are few, then along random directions.

    (f(x+hv) - f(x-hv)) / 2h      against ⟨∂f/∂x, v⟩, for v of random signs

An output of several entries is taken as ⟨upstream, f⟩.

Source: HIPS autograd and JAX check gradients by random projections.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from math import inf, isfinite, sqrt
from time import perf_counter
from typing import Any

import numpy as np

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.notes import at_kinks
from gradcli.systems.arrays import ARRAYS
from gradcli.verify.differences import RATIO, Check, derivative, ladder
from gradcli.verify.unrolled import LateError, entry_name

MOST_ENTRIES = 200
"""Entries of the variables together that are moved one by one."""

DIRECTIONS, SEED = 3, 20
"""Random directions at the most, and the seed of their signs."""

STEPS = 2 * len(list(ladder(0.0))) + 1
"""Evaluations that a derivative along a direction takes."""

COARSE = (20, 64.0), (0, 4096.0)
"""Where one evaluation takes long: how many there is time for → the ratio of steps."""

SHARE = 0.7
"""The part of the time that is left by which entries or directions are chosen."""

PROBES = 3
"""Times that the inputs are moved by an ulp, to see what rounding does to the output."""

ULP = 2.0**-52


class TensorCheck(Check):
    """The variables compared so far, and what was found."""

    def __init__(self, gradients: Gradients, deadline: float) -> None:
        trace = gradients.trace
        self.deadline, self.random = deadline, np.random.default_rng(SEED)
        self.leaves = {i: np.asarray(trace.values[i]) for i in gradients.graph.inputs.values()}
        self.seconds, self.ratio = inf, float(RATIO)  # that one evaluation takes; of steps
        super().__init__(gradients, deadline)

    # ── how much there is time for ───────────────────────────────────────────────────────────────────────

    def run(self, names: Sequence[str]) -> None:
        """Check the gradients of some inputs: each entry, or along as many directions as there is time for."""
        names = [name for name in names if not self.labels(self.graph.inputs[name])]
        self.choose(names)
        if not self.along:
            super().run(names)
            return
        groups = [list(names)] if self.together else [[name] for name in names]
        for which in range(self.along):
            for done, group in enumerate(groups):
                try:
                    self.move(group, which)
                except LateError:
                    if not which:
                        self.late([name for left in groups[done:] for name in left])
                    self.along = max(which, 1)
                    return

    def choose(self, names: Sequence[str]) -> None:
        """Entries one by one, directions of each variable, or one of all together: what there is time for."""
        sizes = [self.leaves[self.graph.inputs[name]].size for name in names]
        room = SHARE * max(self.deadline - perf_counter(), 0.0) / max(self.seconds, 1e-9)
        if sum(leaf.size for leaf in self.leaves.values()) <= MOST_ENTRIES and sum(sizes) * STEPS <= room:
            return
        self.ratio = RATIO if room >= 2 * STEPS else next(ratio for least, ratio in COARSE if room >= least)
        self.along = max(1, min(DIRECTIONS, int(room / (STEPS * max(len(names), 1)))))
        self.together = len(names) > 1 and len(names) * STEPS > room

    def weighted(self, moved: dict[int, Any]) -> float:
        """⟨upstream, f⟩ with some inputs moved."""
        if perf_counter() > self.deadline:
            raise LateError
        leaves = {i: moved.get(i, leaf)[()] for i, leaf in self.leaves.items()}
        with ARRAYS.quiet():
            output = self.graph.evaluate(ARRAYS, leaves)[self.graph.output]
            return float(np.sum(np.asarray(output) * self.gradients.upstream))

    def rounding(self) -> float:
        """How far rounding may move the output, as far as a few probes tell."""
        with ARRAYS.quiet():
            middle = float(np.sum(np.asarray(self.gradients.trace.value) * self.gradients.upstream))
            size = float(np.sum(np.abs(np.asarray(self.gradients.trace.value) * self.gradients.upstream)))
            probes = []
            with suppress(LateError):
                for _ in range(PROBES):
                    moved = {
                        i: leaf + self.signs(leaf) * ULP * np.abs(leaf)
                        for i, leaf in self.leaves.items()
                        if not self.labels(i)
                    }
                    started = perf_counter()
                    probes.append(abs(self.weighted(moved) - middle))
                    self.seconds = min(self.seconds, perf_counter() - started)
                    if self.seconds * 2 * STEPS > self.deadline - perf_counter():
                        break
            steps = self.stepwise()
        spread = max(probes, default=0.0)
        return 4 * spread + 16 * ULP * size + steps if isfinite(spread) else 64 * ULP * size + steps

    def stepwise(self) -> float:
        """What the rounding of every node does to the output, by the gradients: 1-cos(x) is coarser than itself."""
        total = 0.0
        for g, value in zip(self.gradients.adjoints, self.gradients.trace.values, strict=True):
            if g is not None:
                each = np.asarray(g * value)
                total += float(np.sum(np.square(each), where=np.isfinite(each)))
        return 4 * ULP * sqrt(total) if isfinite(total) else 0.0

    def signs(self, leaf: Any) -> Any:
        """Random signs in the shape of an input."""
        return self.random.integers(0, 2, size=leaf.shape) * 2.0 - 1.0

    def labels(self, i: int) -> bool:
        """Whether an input has no gradient and is whole numbers, such as class indices."""
        leaf = self.leaves[i]
        return self.gradients.adjoints[i] is None and bool((leaf == np.floor(leaf)).all())

    # ── one by one ───────────────────────────────────────────────────────────────────────────────────────

    def compare(self, name: str) -> None:
        """Check the gradient of one variable, entry by entry."""
        i = self.graph.inputs[name]
        claims = self.claims(i)
        try:
            for index in np.ndindex(claims.shape):
                self.one(name, i, index, float(claims[index]))
        except LateError:
            self.late([name])

    def claims(self, i: int) -> Any:
        """The engine's gradient of an input, in its shape."""
        return np.broadcast_to(self.gradients.at(i), self.leaves[i].shape)

    def one(self, name: str, i: int, index: tuple[int, ...], claim: float) -> None:
        """Move one entry."""
        leaf, entry = self.leaves[i], entry_name(name, index)
        at = float(leaf[index])

        def moved(value: float) -> float:
            changed = leaf.copy()
            changed[index] = value
            return self.weighted({i: changed})

        slope = derivative(moved, at, self.noise) if isfinite(at) else None
        self.judge(name, f"∂{self.graph.names[self.graph.output]}/∂{entry}", f"{entry} = {number(at)}", claim, slope)

    # ── along directions ─────────────────────────────────────────────────────────────────────────────────

    def move(self, names: list[str], which: int) -> None:
        """Move all entries of some variables together, in a random direction."""
        if len(names) == 1 and self.leaves[self.graph.inputs[names[0]]].size == 1:
            if not which:
                self.compare(names[0])
            return
        directions, claim, inexact, finite = {}, 0.0, 0.0, True
        for i in map(self.graph.inputs.__getitem__, names):
            leaf, claims = self.leaves[i], self.claims(i)
            with ARRAYS.quiet():
                scale = float(np.sqrt(np.mean(leaf * leaf))) or 1.0
                directions[i] = self.signs(leaf) * scale
                claim += float(np.sum(claims * directions[i]))
                inexact += float(np.sum(np.abs(claims * leaf))) * ULP  # x + hv is rounded
            finite = finite and isfinite(scale)
        slope = None
        if finite:
            slope = derivative(partial(self.along_by, directions), 0.0, self.noise + inexact, self.ratio)
        output, what = self.graph.names[self.graph.output], "all variables" if self.together else names[0]
        label = f"the derivative of {output} along random direction {which + 1} of {what}"
        self.judge(names[0], label, f"{what} as {'they are' if self.together else 'it is'}", claim, slope)
        if names[0] in self.errors:
            for name in names[1:]:
                self.off(name, self.errors[names[0]])

    def along_by(self, directions: dict[int, Any], by: float) -> float:
        """The output with inputs moved along directions."""
        return self.weighted({i: self.leaves[i] + by * direction for i, direction in directions.items()})

    def chosen(self, name: str, claim: float) -> bool:
        """Whether a node between is at a kink, where differences cannot tell."""
        return bool(at_kinks(self.gradients))
