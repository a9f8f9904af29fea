"""A bar on standard error for work on many rows, while a person looks on: rows a second, and the time that is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Any

PATIENCE, BETWEEN = 1.0, 0.2
"""Seconds until it is shown, and between one look at the work and the next."""


class Bar:
    """A bar over some work, which goes on by itself and is looked at from time to time.

    rows: how many are done.   done: the part of the whole that is done, from 0 to 1; None where that is not known.
    quiet: whether the results come out where the bar would.
    """

    def __init__(self, rows: Callable[[], int], done: Callable[[], float | None], *, quiet: bool = False) -> None:
        self.rows, self.done, self.ended, self.start = rows, done, Event(), monotonic()
        self.thread = None if quiet or not wanted() else Thread(target=self.show, daemon=True)

    def __enter__(self) -> Bar:
        if self.thread is not None:
            self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self.thread is not None:
            self.thread.join()

    def show(self) -> None:
        """Look at the work, and show what is seen, until it ends."""
        if self.ended.wait(PATIENCE):
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        known = self.done() is not None
        columns: list[Any] = [TextColumn("{task.description}", markup=False)]
        if known:
            columns += [BarColumn(), TaskProgressColumn(), TimeRemainingColumn()]
        with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as progress:
            task = progress.add_task(said(0, 0), total=1.0 if known else None)
            while not self.ended.wait(BETWEEN):
                rows = self.rows()
                description = said(rows, rows / (monotonic() - self.start))
                progress.update(task, description=description, completed=self.done() or 0.0, refresh=True)


def said(rows: int, speed: float) -> str:
    """What is done, and how fast.

    >>> said(1_234_567, 250_000.4)
    '1,234,567 rows · 250,000 rows/s'
    """
    return f"{rows:,} rows · {speed:,.0f} rows/s"


def wanted() -> bool:
    """Whether a person sees standard error, in a terminal that can write over a line."""
    stream = sys.stderr
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
