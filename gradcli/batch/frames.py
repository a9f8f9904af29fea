"""Blocks through the engines for many rows, Polars or NumPy: optimistic at first, exact where there is doubt.

A block is read at once into a frame. Where a cell is no number, a result is not finite, or an op is outside its domain,
the row is doubtful: it is read again from its text and judged as any row is, so that every engine gives the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gradcli.batch.done import Done, faulty
from gradcli.batch.plan import Plan
from gradcli.batch.rows import Records, Result, Rows
from gradcli.errors import encodable

if TYPE_CHECKING:
    import polars
    import pyarrow

    from gradcli.batch.run import Written
    from gradcli.engines.formula import Formula

A = TypeVar("A")
B = TypeVar("B")

MOSTLY = 4
"""Where one row in so many is doubtful, all are judged one by one."""

WORKERS, AHEAD = 2, 4
"""Blocks that are worked on at a time, and blocks that wait to be written."""


class Framed(NamedTuple):
    """A block as a frame.

    frame: doubles in x0, x1 …, the formula's variables, null where there is none; the row's own cells in c0, c1 …,
    where they are kept.   odd: rows that are doubtful whatever is in them.   none: rows that are blank lines.
    records: some of the rows, by their indices, as text.   typed: the row's own columns, where they have types.
    whole: whether the block has to stay a frame, however many rows are doubtful.
    """

    frame: polars.DataFrame
    odd: Sequence[int]
    none: Sequence[int]
    records: Callable[[Sequence[int]], Records]
    typed: pyarrow.RecordBatch | None = None
    whole: bool = False


class Frames:
    """A plan over blocks.

    function: what adds r0, r1 … and `doubtful` to a frame.   own: how many of the row's own cells are kept.
    """

    def __init__(self, plan: Plan, rows: Rows, function: Callable[[Any], Any], own: int) -> None:
        self.plan, self.rows, self.function = plan, rows, function
        self.own = [f"c{k}" for k in range(own)]
        self.results = [f"r{k}" for k in range(1 + len(plan.formula.wrt))]

    def done(self, framed: Framed, written: Written) -> Done | None:
        """A block's results; None if most of its rows are doubtful."""
        import polars as pl

        frame = self.function(framed.frame)
        doubtful = frame["doubtful"]
        places: list[int] = doubtful.arg_true().to_list() if doubtful.any() else []
        if framed.odd or framed.none:
            places = sorted({*places, *framed.odd} - {*framed.none})
        if len(places) * MOSTLY > frame.height and not framed.whole:
            return None
        own = self.own if framed.typed is None else []
        made = frame.select(*own, *self.results, pl.repeat(None, pl.len(), dtype=pl.String).alias("error"))
        first, bad = (0, ""), list[int]()
        if places:
            records = framed.records(places)
            results = [self.rows.judged(cells, records.faults.get(k, "")) for k, cells in enumerate(records.cells)]
            made = patched(made, places, self.results, results)
            wrong = faulty(results)
            bad = [places[k] for k in wrong]
            first = (records.line(wrong[0]), results[wrong[0]][-1]) if wrong else first
        rows = range(made.height) if not framed.none else sorted({*range(made.height)} - {*framed.none})
        whole = made if not framed.none else made[list(rows)]

        def look(indices: Sequence[int]) -> tuple[Records, list[Result]]:
            chosen = whole.select(*self.results, "error")
            found = [chosen.row(index) for index in indices]
            results = [(error,) if value is None else (value, *rest, error or True) for value, *rest, error in found]
            return framed.records([rows[index] for index in indices]), results

        def before() -> Any:
            typed = None if framed.typed is None else framed.typed.slice(0, bad[0])
            return written.frame(made[[k for k in rows if k < bad[0]]], typed)

        return Done(written.frame(whole, framed.typed), whole.height, len(bad), first, before, look)


def patched(frame: polars.DataFrame, places: Sequence[int], names: Sequence[str], results: Sequence[Result]) -> Any:
    """A frame with the results of some rows put in, nothing where there are none, and their errors."""
    for k, name in enumerate(names):
        values = [result[k] if len(result) > 1 else None for result in results]
        frame = frame.with_columns(frame[name].scatter(places, values))
    errors = [None if result[-1] is True else encodable(result[-1]) or None for result in results]
    return frame.with_columns(frame["error"].scatter(places, errors))


def engine(formula: Formula, named: str) -> Callable[[Any], Any]:
    """What adds the results to a frame: Polars, or NumPy for what Polars lacks.

    Errors: Unspelled if Polars is asked for and lacks an op; UsageError where it is not installed.
    """
    from gradcli.errors import LimitError, UsageError
    from gradcli.systems.source import Unspelled

    try:
        import polars  # noqa: F401 - the frames of both are its
    except ImportError:
        raise UsageError(f"--engine {named} needs the package polars", hint='pip install "gradcli[batch]"') from None
    if named != "numpy":
        from gradcli.engines.polars import frame_function

        try:
            return frame_function(formula)
        except (Unspelled, LimitError):
            if named == "polars":
                raise
    return by_numpy(formula)


def by_numpy(formula: Formula) -> Callable[[Any], Any]:
    """The same by NumPy."""
    import polars as pl

    from gradcli.engines.numpy import function

    columns, count = function(formula), len(formula.variables)

    def applied(frame: Any) -> Any:
        inputs = [frame[f"x{k}"] for k in range(count)]
        empty = [series.is_null() for series in inputs if series.null_count()]
        arrays = [series.fill_null(float("nan")).to_numpy() for series in inputs]
        results, doubtful = columns(*arrays) if arrays else columns()
        if not arrays:
            results = [pl.repeat(float(result), frame.height, dtype=pl.Float64, eager=True) for result in results]
        truth = (
            pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True) if doubtful is None else pl.Series(doubtful)
        )
        for each in empty:
            truth = truth | each
        return frame.with_columns(
            *[pl.Series(f"r{k}", result) for k, result in enumerate(results)], truth.alias("doubtful")
        )

    return applied


def ordered(work: Callable[[A], B], items: Iterator[A], idle: Callable[[], bool]) -> Iterator[B]:
    """The results of some work, in order, a few items at a time.

    idle: whether the next item will be long in coming, so that what is done should not wait for it.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                while waiting and (len(waiting) >= AHEAD or idle()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
