"""Memory of results that is used again as soon as nobody holds them: fresh memory costs as much as the work itself.

A result is a view of an array on a buffer of ours, and so is every view that anybody makes of it. When the last is
gone, so is that array, and its buffer comes back.
"""

from __future__ import annotations

from math import prod
from typing import Any
from weakref import finalize

import numpy as np

LARGE = 1 << 16
"""Entries from which memory is worth keeping."""


class Memory:
    """The memory of arrays of one size, the last that was asked for.   most: arrays' worth that are kept."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: tuple[int, list[Any]] = (0, [])

    def array(self, shape: tuple[int, ...]) -> Any:
        """A float64 array with anything in it."""
        entries = prod(shape)
        if entries < LARGE:
            return np.empty(shape)
        size, free = self.kept
        if size != entries:
            free = []
            self.kept = entries, free
        try:
            buffer = free.pop()
        except IndexError:
            buffer = None
        if buffer is None:  # not in the handler, whose error would stand beside that about too little memory
            buffer = np.empty(entries).data
        whole = np.frombuffer(buffer, dtype=np.float64)
        finalize(whole, self.take_back, free, buffer).atexit = False
        return whole.reshape(shape)

    def take_back(self, free: list[Any], buffer: Any) -> None:
        """A buffer that nobody holds any more."""
        if len(free) < self.most:
            free.append(buffer)
