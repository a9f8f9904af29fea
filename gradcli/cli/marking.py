"""What long work needs of a command line: how far it is, on how many cores it runs, and what ends it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MOST_JOBS = 64
"""Processes that a command takes."""


def cores() -> int:
    """The cores that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return min(MOST_JOBS, len(usable(0)) if usable else os.cpu_count() or 1)


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the marking between two submissions, so that the files are whole; a second one ends it at once."""
    from signal import SIGINT, default_int_handler, signal

    asked = False

    def stop(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True
        signal(SIGINT, default_int_handler)

    try:
        before = signal(SIGINT, stop)
    except ValueError:  # not in the main thread, which alone hears of it
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        signal(SIGINT, before)


@contextmanager
def ending() -> Iterator[None]:
    """What asks a process to end, and a terminal that is closed, are as Ctrl-C: nothing half written stays."""
    import signal

    before: dict[int, Any] = {}
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            with suppress(ValueError):  # not in the main thread, which alone hears of it
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress(paths: Sequence[str]) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where a person sees it; what it yields is called for each submission that is marked."""
    import sys

    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=expected(paths))
        yield lambda: bar.advance(task)


def expected(paths: Sequence[str]) -> int:
    """About how many submissions there are: the lines of class tables, and the other files."""
    from gradcli.homework.files.folders import listed

    count = 0
    for path, _ in listed(paths):
        if Path(path).suffix.lower() not in (".csv", ".tsv"):
            count += 1
            continue
        if not Path(path).is_file():  # to read from a pipe is to take from it
            continue
        with suppress(OSError), Path(path).open("rb") as stream:
            alone = b"cell" in stream.readline(1 << 16)  # a worksheet: a line an answer
            lines = sum(piece.count(b"\n") for piece in iter(lambda: stream.read(1 << 20), b""))
            count += 1 if alone else lines
    return count
