"""The sum or the mean of a formula and its gradients over all rows: the loss of a data set, and what learning needs.

A sum is kept as it is, a whole number of the smallest double; it is rounded once, at the end. So neither the size of
the blocks nor the engine changes a digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum, inf, isfinite, prod
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.batch.plan import Plan
from gradcli.batch.rows import Records, Result

if TYPE_CHECKING:
    from gradcli.batch.run import Count, Written

SMALLEST = 1074
"""The smallest double is 2^-1074, and every finite one a whole multiple of it."""

TOGETHER = 1 << 24
"""Doubles whose halves are added at a time: their sums are whole numbers below 2^53."""


class Total(NamedTuple):
    """Exact sums of a column's rows, one for each entry.   shape: of a row's value, () for a number."""

    shape: tuple[int, ...]
    sums: tuple[int, ...]


class Part(NamedTuple):
    """The sums of some rows.   rows: those that are in them.   bad, missing: those that are left out."""

    rows: int
    bad: int
    missing: int
    totals: tuple[Total, ...]


class Aggregate:
    """What is written instead of the rows: one row of sums or means.

    kind: sum or mean.   written: where the row goes.   error: what is wrong with it, when all is read.
    """

    def __init__(self, kind: str, plan: Plan, written: Written, count: Count) -> None:
        self.kind, self.plan, self.written, self.count = kind, plan, written, count
        self.all = Part(0, 0, 0, ())
        self.error = ""

    def records(self, records: Records, results: Iterable[Result]) -> Part:
        """The sums of some rows."""
        found = list(results)
        good = [result for result in found if result[-1] is True]
        missing = sum(not result[-1] for result in found)
        columns = list(zip(*good, strict=True))[:-1]
        return Part(len(good), len(found) - len(good) - missing, missing, tuple(map(column_total, columns)))

    def frame(self, frame: Any, typed: Any = None) -> Part:
        """The sums of a frame of results, with an error where there are none."""
        *names, error = frame.columns
        bad = frame.height - frame[error].null_count()
        good = frame.filter(frame[error].is_null() & frame[names[0]].is_not_null()) if frame.height else frame
        totals = tuple(Total((), (array_total(good[name].to_numpy()),)) for name in names) if good.height else ()
        return Part(good.height, bad, frame.height - bad - good.height, totals)

    def put(self, piece: Part) -> None:
        """Add sums up."""
        self.all = added(self.all, piece)

    def end(self) -> None:
        """Write the one row."""
        self.written.put(self.written.records(Records([[]], {}, lambda index: 0), [self.result()]))
        self.written.end()

    def result(self) -> Result:
        """The row."""
        rows, bad, missing, totals = self.all
        if missing:
            self.count.notes.append(f"left out for an empty cell: {missing:,} of {rows + bad + missing:,} rows")
        if bad:
            self.error = f"{bad:,} of {rows + bad + missing:,} rows left out; {self.count.first}"
        if not rows and (bad or self.kind == "mean"):
            self.error = self.error or "there are no rows to take the mean of"
            return (self.error,)
        if not rows:
            totals = self.nothing()
        values = [rounded(total, rows if self.kind == "mean" else 1) for total in totals]
        if not all(isfinite(entry) for value in values for entry in entries(value)):
            overflow = f"the {self.kind} is larger than any double"
            self.error = f"{overflow}; {self.error}" if self.error else overflow
        return (*values, self.error or True)

    def nothing(self) -> tuple[Total, ...]:
        """The sums of no rows."""
        fixed = self.plan.formula.fixed
        shapes = [(), *(getattr(fixed.get(name), "shape", ()) for name in self.plan.formula.wrt)]
        return tuple(Total(shape, (0,) * prod(shape)) for shape in shapes)


def added(one: Part, other: Part) -> Part:
    """The sums of the rows of both."""
    if not (one.rows and other.rows):
        totals = one.totals or other.totals
    else:
        pairs = zip(one.totals, other.totals, strict=True)
        totals = tuple(Total(a.shape, tuple(map(int.__add__, a.sums, b.sums))) for a, b in pairs)
    return Part(one.rows + other.rows, one.bad + other.bad, one.missing + other.missing, totals)


def column_total(values: Sequence[Any]) -> Total:
    """The exact sums of a column of numbers, or of tensors of one shape."""
    if isinstance(values[0], float):
        return Total((), (total(values),))
    import numpy as np

    stacked = np.stack(values)
    return Total(stacked.shape[1:], tuple(map(array_total, stacked.reshape(len(values), -1).T)))


def total(values: Sequence[float]) -> int:
    """The exact sum of finite doubles, in units of the smallest one."""
    rest, parts = [*values], list[float]()
    try:
        while (part := fsum(rest)) != 0:  # what is left gets 2^53 times as small
            parts.append(part)
            rest.append(-part)
    except OverflowError:
        parts = list(values)
    return sum(map(units, parts))


def units(value: float) -> int:
    """A finite double in units of the smallest one."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << (SMALLEST + 1 - denominator.bit_length())


def array_total(array: Any) -> int:
    """The same sum of an array of finite doubles."""
    import numpy as np

    found = 0
    for start in range(0, len(array), TOGETHER):
        fraction, exponent = np.frexp(array[start : start + TOGETHER])
        mantissa = np.ldexp(fraction, 53).astype(np.int64)
        least = int(exponent.min())
        bins = exponent - least
        highs, lows = (np.bincount(bins, weights=half) for half in (mantissa >> 26, mantissa & (1 << 26) - 1))
        for k, (high, low) in enumerate(zip(highs.tolist(), lows.tolist(), strict=True)):
            shift = least + k - 53 + SMALLEST
            whole = (int(high) << 26) + int(low)
            found += whole << shift if shift >= 0 else whole >> -shift  # of a subnormal number the last bits are 0
    return found


def rounded(total: Total, count: int) -> Any:
    """The doubles nearest to exact sums divided by a count."""
    values = [nearest(each, count) for each in total.sums]
    if not total.shape:
        return values[0]
    import numpy as np

    return np.array(values).reshape(total.shape)


def nearest(units: int, count: int) -> float:
    """The double nearest to a number of units divided by a count."""
    try:
        return units / (count << SMALLEST)  # which Python rounds right, once
    except OverflowError:
        return inf if units > 0 else -inf


def entries(value: Any) -> Iterable[float]:
    """The entries of a number or a tensor."""
    found: list[float] = [value] if isinstance(value, float) else value.ravel().tolist()
    return found
