"""What tensors unroll to: a column of numbers, and the steps that fill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcli.ops.op import Op

Positions = Any
"""An integer array."""


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """An op, entry by entry: its inputs' positions, one array an input; the results are at `start` and on."""

    op: Op
    inputs: tuple[Positions, ...]
    start: int

    @property
    def size(self) -> int:
        """How many results there are."""
        return len(self.inputs[0])


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """Sums: a row of positions for each result."""

    rows: Positions
    start: int

    @property
    def size(self) -> int:
        """How many results there are."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Sums of products: the matrix product of two matrices of positions."""

    a: Positions
    b: Positions
    start: int

    @property
    def size(self) -> int:
        """How many results there are."""
        return int(self.a.shape[0] * self.b.shape[1])


Step = Apply | Total | Product


@dataclass(slots=True)
class Program:
    """What tensors unroll to: a column of numbers, of which the first are the leaves, and steps that fill it.

    constants: position → number, nan-free.   pi: the position of π, which no double is; or None.
    """

    leaves: list[Positions] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    constants: dict[int, float] = field(default_factory=dict)
    pi: int | None = None
    size: int = 0
    output: Positions = None

    @property
    def cost(self) -> int:
        """Ops on single numbers."""
        return sum(step.size * width(step) for step in self.steps)

    def moving(self, leaves: Sequence[bool]) -> Any:
        """Which positions depend on these of the leaves, through ops that have a gradient: a truth an entry."""
        return self.depending([block for block, moves in zip(self.leaves, leaves, strict=True) if moves])

    def depending(self, blocks: Sequence[Positions]) -> Any:
        """Which positions depend on these, through ops that have a gradient: a truth an entry."""
        moving = np.zeros(self.size, dtype=bool)
        for block in blocks:
            moving[block] = True
        for step in self.steps:
            moving[step.start : step.start + step.size] |= _moved(step, moving)
        return moving

    def entrywise(self, block: Positions) -> bool:
        """Whether each entry of the output depends on the same entry of a block, and on no other."""
        moving, owner = self.depending([block]), np.full(self.size, -1)
        owner[block] = np.arange(block.size).reshape(block.shape)
        for step in self.steps:
            if not isinstance(step, Apply):
                if moving[step.start : step.start + step.size].any():
                    return False
                continue
            found = np.full(step.size, -1)
            for k, at in enumerate(step.inputs):
                if step.op.passes(k):
                    of = np.where(moving[at], owner[at], -1)
                    if ((found >= 0) & (of >= 0) & (found != of)).any():
                        return False
                    found = np.maximum(found, of)
            owner[step.start : step.start + step.size] = np.maximum(found, owner[step.start : step.start + step.size])
        of = owner[self.output].ravel()
        return bool(((of == np.arange(of.size)) | (of < 0)).all())


def width(step: Step) -> int:
    """How many terms a result of a step has."""
    terms = 1 if isinstance(step, Apply) else step.rows.shape[1] if isinstance(step, Total) else 2 * len(step.b)
    return int(terms)


def _moved(step: Step, moving: Any) -> Any:
    if isinstance(step, Apply):
        passing = [moving[at] for k, at in enumerate(step.inputs) if step.op.passes(k)]
        return np.logical_or.reduce(passing) if passing else False
    if isinstance(step, Total):
        return moving[step.rows].any(axis=1)
    return (moving[step.a].any(axis=1)[:, None] | moving[step.b].any(axis=0)).ravel()
