"""A class of submissions, marked in several processes: in order, with little in memory, and no mark lost.

A chunk of submissions goes to a process, their marks come back; only a few chunks are under way at a time. A process
that dies takes none of the class with it: what was under way is marked again, one submission at a time.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as StillWorking
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.homework.marking.grading import Marked, Marker, lost, said_of

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment
    from gradcli.homework.files.submissions import Submission
    from gradcli.homework.records import Rules

CHUNK = 8
"""Submissions that go to a process at a time."""

ALONE = 24
"""Submissions that one process marks while another would still be starting."""

AHEAD = 2
"""Chunks that wait for each process."""

PATIENCE = 0.1
"""Seconds between two looks at whether somebody wants to stop."""

ENDED = "the process that marked it was ended, perhaps for want of memory"
"""What is said of a submission by which a process died."""

Done = tuple[Marked, str]
"""A submission's marks, and its feedback."""

Write = Callable[[Marked], Done]
"""Puts marks into words and writes the feedback; what can be handed to another process."""


class Work(NamedTuple):
    """What a process must know to mark."""

    assignment: Assignment
    rules: Rules
    prove: bool
    write: Write


_own: dict[str, tuple[Marker, Write]] = {}
"""The marker of this process, where it is one of several."""


def mark_class(
    work: Work, submissions: Iterator[Submission], *, jobs: int = 1, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Done]:
    """Each submission's marks and feedback, in the order of the submissions.

    stopped: is asked often whether to end early; what is marked by then has been yielded.
    """
    marker = Marker(work.assignment, work.rules, prove=work.prove)
    first = list(islice(submissions, ALONE)) if jobs > 1 else []
    waiting = list(islice(submissions, CHUNK)) if len(first) == ALONE else []
    rest = chain(first, submissions) if not waiting else iter(first)
    for submission in rest:
        if stopped():
            return
        yield done(marker, work.write, submission)
    if waiting:
        yield from together(work, chain(waiting, submissions), jobs, stopped)


def done(marker: Marker, write: Write, submission: Submission) -> Done:
    """The marks and the feedback of a submission."""
    try:
        return write(marker.mark(submission))
    except Exception as error:  # one bad submission never stops the class
        return write(lost(marker.assignment, submission, said_of(error)))


def together(work: Work, submissions: Iterator[Submission], jobs: int, stopped: Callable[[], bool]) -> Iterator[Done]:
    """The same by several processes; by this one where the system has no more."""
    pool = started(work, jobs)
    if pool is None:
        yield from mark_class(work, submissions, stopped=stopped)
        return
    under_way: deque[tuple[list[Submission], Future[list[Done]]]] = deque()
    try:
        while not stopped():
            while len(under_way) < jobs * AHEAD and (chunk := list(islice(submissions, CHUNK))):
                under_way.append((chunk, handed(pool, chunk)))
            if not under_way:
                return
            chunk, future = under_way[0]
            try:
                marked = future.result(PATIENCE)
            except StillWorking:
                continue
            except BrokenProcessPool:
                halted(pool)
                yield from one_by_one(work, [each for again, _ in under_way for each in again], stopped)
                under_way.clear()
                pool = started(work, jobs)
                if pool is None:
                    yield from mark_class(work, submissions, stopped=stopped)
                    return
                continue
            under_way.popleft()
            yield from marked
        for _, future in under_way:  # what is marked already is not lost
            if not future.done() or future.exception() is not None:
                return
            yield from future.result()
    finally:
        if pool is not None:
            halted(pool)


def handed(pool: ProcessPoolExecutor, chunk: Sequence[Submission]) -> Future[list[Done]]:
    """A chunk under way; where a process has died already, one that fails."""
    try:
        return pool.submit(_mark, chunk)
    except BrokenProcessPool as error:
        failed: Future[list[Done]] = Future()
        failed.set_exception(error)
        return failed


def started(work: Work, jobs: int) -> ProcessPoolExecutor | None:
    """Processes that mark; None where the system cannot have them, or the program was not started from a file."""
    from multiprocessing import get_context

    try:
        pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,))
    except (ImportError, NotImplementedError, OSError):
        return None
    try:
        pool.submit(_ready).result()
    except (BrokenProcessPool, OSError):
        halted(pool)
        return None
    return pool


def halted(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool, also in the middle of their work."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)


def one_by_one(work: Work, submissions: Sequence[Submission], stopped: Callable[[], bool]) -> Iterator[Done]:
    """What was under way when a process died: the submission by which another one dies is left for review."""
    pool: ProcessPoolExecutor | None = None
    try:
        for submission in submissions:
            if stopped():
                return
            pool = pool or started(work, 1)
            try:
                found: Done | None = None if pool is None else handed(pool, [submission]).result()[0]
            except BrokenProcessPool:
                found = None
            if found is None and pool is not None:
                halted(pool)
                pool = None
            yield found or work.write(lost(work.assignment, submission, ENDED))
    finally:
        if pool is not None:
            halted(pool)


def _begin(work: Work) -> None:
    """The start of a process: what it marks with. Ctrl-C is for the process that waits for this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _own["marker"] = Marker(work.assignment, work.rules, prove=work.prove), work.write


def _ready() -> bool:
    """Whether a process has begun."""
    return "marker" in _own


def _mark(chunk: Sequence[Submission]) -> list[Any]:
    """The marks of a chunk."""
    marker, write = _own["marker"]
    return [done(marker, write, submission) for submission in chunk]
