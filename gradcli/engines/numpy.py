"""The engine for many points on arrays: NumPy in chunks that stay in the cache, on all CPUs.

A chunk's steps write into buffers that are used again (engines/registers.py): no temporary has the length of a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from gradcli.engines import running
from gradcli.engines.formula import Formula
from gradcli.engines.memory import Memory
from gradcli.engines.registers import BOUND, CHOICE, SAME, Writer
from gradcli.engines.threads import shared
from gradcli.errors import UsageError
from gradcli.shapes import shown
from gradcli.systems import Function
from gradcli.systems.dialects.numpy import NUMPY
from gradcli.systems.floats import FLOATS
from gradcli.systems.floats import logaddexp as precise_logaddexp
from gradcli.systems.ufuncs import UNDERFLOWS

CHUNK = 16_384
"""Points that are worked on at a time."""

Column = Any
"""A float64 array, or a float."""


class Columns:
    """A formula as a function of columns.

    conditions: whether it is told which points are doubtful: where something is outside its domain or a result is not
    finite, so that the engine itself has to be asked.
    Errors: Unspelled, which no op is; UsageError for a formula of tensors.
    """

    def __init__(self, formula: Formula, conditions: bool = True) -> None:
        names = {name: f"x{k}" for k, name in enumerate(formula.variables)}
        coded = formula.code(NUMPY, names, conditions=conditions)
        written = Writer(coded.m, coded.results, coded.sound, SAFE).written()
        self.inputs, self.outputs, self.conditions = len(names), len(coded.results), conditions
        self.temporaries, self.truths = written.temporaries, written.truths
        self.tested, self.memory = bool(coded.sound), Memory(2 * self.outputs)
        words = {line.pattern.partition("(")[0] for line in coded.m.lines if line.parts} - {CHOICE, BOUND}
        buffers = [("o", self.outputs), ("t", self.temporaries), ("b", self.truths)]
        arguments = [*names.values(), *(f"{kind}{k}" for kind, many in buffers for k in range(many)), "ok"]
        body = [f"    {line}" for line in written.lines or ["pass"]]
        self.text = "\n".join([f"def chunk({', '.join(arguments)}):", *body])
        space = {**NAMESPACE, **{word: called(word) for word in words}}
        self.chunk: Function = running.function("chunk", self.text, space)

    def __call__(
        self, *columns: Column, out: Sequence[Any] | None = None, threads: int | None = None
    ) -> tuple[list[Any], Any]:
        """The value and the gradients at every point; and which points are doubtful, None if none is.

        columns: of the variables in order: float64 arrays of shapes that broadcast, or floats.
        out: the arrays to write the results into; they share no memory with the columns.
        threads: as many as there are CPUs unless given.
        Shapes: every result has the shape that the columns have together.
        Errors: UsageError for arrays of another shape than the results'.
        """
        shape = np.broadcast_shapes(*{column.shape for column in columns if type(column) is not float})
        size = prod(shape)
        if out is None:
            found = [self.memory.array(shape) for _ in range(self.outputs)]
            flat = [array.reshape(-1) for array in found]
        else:
            found = list(out)
            flat = [flattened(array, shape) for array in found]
        taken = [flat_input(column, shape) for column in columns]
        doubtful = np.ones(size, dtype=bool) if self.conditions else None
        work = partial(self.work, size, taken, flat, doubtful)
        suspect = shared(work, size, CHUNK, threads)
        return found, doubtful.reshape(shape) if doubtful is not None and suspect else None

    def work(self, size: int, columns: list[Any], results: list[Any], doubtful: Any, parts: Iterator[int]) -> bool:
        """Take chunk after chunk until there is none; whether one had a doubtful point."""
        length, suspect = min(CHUNK, size), False
        temporaries = np.empty((self.temporaries, length))
        truths = np.empty((self.truths, length), dtype=bool)
        held = np.empty(length, dtype=bool)
        with np.errstate(all="ignore"):
            for start in parts:
                end = min(start + CHUNK, size)
                many = end - start
                outs = [result[start:end] for result in results]
                ok = held[:many]
                if self.tested:
                    ok.fill(True)
                self.chunk(
                    *[column[start:end] if isarray else column for column, isarray in columns],
                    *outs,
                    *temporaries[:, :many],
                    *truths[:, :many],
                    ok,
                )
                if doubtful is not None:
                    suspect |= self.judge(outs, ok, doubtful[start:end])
        return suspect

    def judge(self, results: list[Any], ok: Any, doubtful: Any) -> bool:
        """Write down which points of a chunk are doubtful; whether some are."""
        total = sum(map(float, map(np.add.reduce, results)))
        if total - total == 0 and (not self.tested or ok.all()):
            doubtful.fill(False)
            return False
        if self.tested:
            np.logical_not(ok, doubtful)
        else:
            doubtful.fill(False)
        for result in results:
            np.logical_or(doubtful, ~np.isfinite(result), doubtful)
        return bool(doubtful.any())


def function(formula: Formula, conditions: bool = True) -> Columns:
    """The formula as a function of columns.

    Errors: UsageError for a formula of tensors.
    """
    return Columns(formula, conditions)


def flattened(array: Any, shape: tuple[int, ...]) -> Any:
    """A result array as one column, without a copy.

    Errors: UsageError.
    """
    if type(array) is not np.ndarray or array.dtype != np.float64 or array.shape != shape:
        what = f"{shown(array.shape)} of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise UsageError(f"the results are {shown(shape)} of float64; the array to write to is {what}")
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise UsageError("the array to write to is not contiguous, or is read-only")
    return array.reshape(-1)


def flat_input(column: Column, shape: tuple[int, ...]) -> tuple[Any, bool]:
    """A column to take slices of, and True; a number for all points, and False."""
    if type(column) is float:
        return column, False
    if np.shape(column) != shape:
        if np.size(column) == 1:
            return float(np.reshape(column, ())), False
        column = np.broadcast_to(column, shape)
    return column if column.ndim == 1 else column.reshape(-1) if column.flags.c_contiguous else column.flat, True


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────


def sigmoid(x: Column, out: Any) -> None:
    """1/(1 + exp(-x)), right to the smallest doubles."""
    np.negative(x, out, dtype=np.float64)
    np.exp(out, out)
    np.add(out, 1.0, out)
    np.divide(1.0, out, out)
    if np.fmin.reduce(x, axis=None) < UNDERFLOWS:
        np.exp(x, out, where=np.less(x, UNDERFLOWS), dtype=np.float64)


def logaddexp(a: Column, b: Column, out: Any) -> None:
    """log(eᵃ + eᵇ); where the two cancel, the float function."""
    np.logaddexp(a, b, out, dtype=np.float64)
    lost = np.abs(out) * 32 <= np.maximum(np.abs(a), np.abs(b))
    for k in np.flatnonzero(lost):
        out[k] = precise_logaddexp(*[float(np.broadcast_to(x, out.shape)[k]) for x in (a, b)])


def power(x: Column, p: Column, out: Any) -> None:
    """x to the power p; NumPy takes a power of 1/2 for a square root, which differs at -inf and -0."""
    np.power(x, p, out, dtype=np.float64)
    if np.ndim(p) == 0 and p == 0.5:
        np.add(out, 0.0, out)
        np.copyto(out, np.inf, where=np.equal(x, -np.inf))


def clip(x: Column, lo: Column, hi: Column, out: Any) -> None:
    """x held between two bounds."""
    np.minimum(np.maximum(x, lo), hi, out=out, dtype=np.float64)


def entry_by_entry(word: str) -> Function:
    """The float function of a word, as one that writes a column."""
    slow = np.frompyfunc(FLOATS.lookup(word), len(PLACES.get(word, "x")), 1)

    def fill(*x: Any) -> None:
        *arguments, out = x
        out[...] = slow(*[np.asarray(argument, np.float64) for argument in arguments])

    return fill


def called(word: str) -> Function:
    """What a word of the code calls: NumPy's ufunc, a function of this module, or the float function."""
    word = SAME.get(word, word)
    if word in OWN:
        return OWN[word]
    found = getattr(np, word, None)
    return found if isinstance(found, np.ufunc) else entry_by_entry(word)


PLACES = {"polygamma": "nx"}
"""The arguments of float functions that have more than one."""

OWN: dict[str, Function] = {"sigmoid": sigmoid, "logaddexp": logaddexp, "power": power, "clip": clip}
"""Words that are functions of this module; where they write to must not be what they read."""

SAFE = frozenset(name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)) - OWN.keys()
"""Words of ufuncs, which may write over what they read."""

NAMESPACE: dict[str, Any] = {
    **{word: getattr(np, word) for word in ("copyto", "maximum", "minimum", "rint", "absolute", "logical_and")},
    "not_equal": np.not_equal,
    "float64": np.float64,
    "False": False,
    "inf": np.inf,
    "nan": np.nan,
}
"""What the code may call besides the words of its lines."""
