"""The gradient check of tensors: each entry by itself while there are few, then along random directions.

    (f(x+hv) - f(x-hv)) / 2h      against ⟨∂f/∂x, v⟩, for v of random signs

An output of several entries is taken as ⟨upstream, f⟩.

Source: HIPS autograd and JAX check gradients by random projections.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np

from gradcli.autodiff import Gradients
from gradcli.notation import number
from gradcli.notes import at_kinks
from gradcli.systems.arrays import ARRAYS
from gradcli.verify.differences import Check, derivative
from gradcli.verify.unrolled import LateError, entry_name

MOST_ENTRIES = 200
"""Entries of the variables together that are moved one by one."""

DIRECTIONS, SEED = 3, 20
"""Random directions a variable, and the seed of their signs."""

PROBES = 3
"""Times that the inputs are moved by an ulp, to see what rounding does to the output."""

ULP = 2.0**-52


class TensorCheck(Check):
    """The variables compared so far, and what was found."""

    def __init__(self, gradients: Gradients, deadline: float) -> None:
        trace = gradients.trace
        self.deadline, self.random = deadline, np.random.default_rng(SEED)
        self.leaves = {i: np.asarray(trace.values[i]) for i in gradients.graph.inputs.values()}
        entries = sum(leaf.size for leaf in self.leaves.values())
        super().__init__(gradients)
        self.along = 0 if entries <= MOST_ENTRIES else DIRECTIONS

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
                    moved = {i: leaf + self.signs(leaf) * ULP * np.abs(leaf) for i, leaf in self.leaves.items()}
                    probes.append(abs(self.weighted(moved) - middle))
        spread = max(probes, default=0.0)
        return 4 * spread + 16 * ULP * size if isfinite(spread) else 64 * ULP * size

    def signs(self, leaf: Any) -> Any:
        """Random signs in the shape of an input."""
        return self.random.choice([-1.0, 1.0], size=leaf.shape)

    def compare(self, name: str) -> None:
        """Check the gradient of one variable."""
        i = self.graph.inputs[name]
        leaf = self.leaves[i]
        if self.gradients.adjoints[i] is None and self.labels(i):
            return
        claims = np.broadcast_to(self.gradients.at(i), leaf.shape)
        try:
            if self.along and leaf.size > 1:
                self.directions(name, i, claims)
            else:
                for index in np.ndindex(leaf.shape):
                    self.one(name, i, index, float(claims[index]))
        except LateError:
            self.unchecked.append(f"{name}: the time for verification was used up")

    def labels(self, i: int) -> bool:
        """Whether an input without gradient is a list of whole numbers, such as class indices."""
        return bool((self.leaves[i] == np.floor(self.leaves[i])).all())

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

    def directions(self, name: str, i: int, claims: Any) -> None:
        """Move all entries together, in random directions."""
        leaf = self.leaves[i]
        with ARRAYS.quiet():
            scale = float(np.sqrt(np.mean(leaf * leaf))) or 1.0
            inexact = float(np.sum(np.abs(claims * leaf))) * ULP  # x + hv is rounded
        output = self.graph.names[self.graph.output]
        for which in range(DIRECTIONS):
            direction = self.signs(leaf) * scale
            with ARRAYS.quiet():
                claim = float(np.sum(claims * direction))
            slope = None
            if isfinite(scale):
                slope = derivative(partial(self.along_by, i, direction), 0.0, self.noise + inexact)
            label = f"the derivative of {output} along random direction {which + 1} of {name}"
            self.judge(name, label, f"{name} as it is", claim, slope)

    def along_by(self, i: int, direction: Any, by: float) -> float:
        """The output with one input moved along a direction."""
        return self.weighted({i: self.leaves[i] + by * direction})

    def chosen(self, name: str, claim: float) -> bool:
        """Whether a node between is at a kink, where differences cannot tell."""
        return bool(at_kinks(self.gradients))
