"""Progress on standard error, for work that takes more than a second while a person looks on."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Timer
from time import monotonic

PATIENCE, BETWEEN = 1.0, 0.2
"""Seconds until something is said, and between one word and the next."""


class Waiting:
    """A line such as "sampling: 812 points", written over itself and wiped at the end; nothing of it in a pipe.

    Of work that counts no points it says "explaining …" after a second.
    """

    def __init__(self, what: str) -> None:
        self.what, self.done, self.width = what, 0, 0
        self.timer = Timer(PATIENCE, self.say, (f"{what} …",))
        self.timer.daemon = True
        self.next = monotonic() + PATIENCE
        stream = sys.stderr
        self.stream = stream if stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb" else None

    def __enter__(self) -> Waiting:
        if self.stream is not None:
            self.timer.start()
        return self

    def say(self, line: str) -> None:
        """Write a line over the one before."""
        self.width = max(self.width, len(line))
        with suppress(OSError, UnicodeEncodeError):
            print(f"\r{line}", end="", file=self.stream, flush=True)

    def step(self, count: int) -> None:
        """So many more points are done."""
        self.done += count
        if self.stream is not None and monotonic() >= self.next:
            self.next = monotonic() + BETWEEN
            self.say(f"{self.what}: {self.done:,} points")

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()
        if self.stream is not None and self.width:
            with suppress(OSError):
                print(f"\r{'':{self.width}}\r", end="", file=self.stream, flush=True)
