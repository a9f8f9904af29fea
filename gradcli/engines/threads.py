"""Work on many points by all CPUs: chunk after chunk, each taken by whichever thread is free."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

WORTH = 65_536
"""Points from which several threads are faster than one."""


def cpus() -> int:
    """How many CPUs this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def shared(work: Callable[[Iterator[int]], bool], size: int, chunk: int, threads: int | None = None) -> bool:
    """Whether some of the work says so.

    work: takes the starts of chunks until there are no more.   threads: as many as there are CPUs unless given.
    """
    parts = iter(range(0, size, chunk))
    workers = min((threads or cpus()) if size >= WORTH else 1, -(-size // chunk))
    if workers < 2:
        return work(parts)
    with ThreadPoolExecutor(workers - 1) as pool:
        others = [pool.submit(work, parts) for _ in range(workers - 1)]
        found = work(parts)
        return sum(other.result() for other in others) > 0 or found
