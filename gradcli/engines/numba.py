"""The engine of machine code: the loop over points, compiled by numba where that is installed, on all CPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from gradcli.engines import python, running
from gradcli.engines.formula import Formula
from gradcli.engines.memory import Memory
from gradcli.engines.numpy import flattened
from gradcli.engines.threads import shared
from gradcli.errors import UsageError
from gradcli.systems.dialects.numba import NUMBA
from gradcli.systems.source import Unspelled

CHUNK = 32_768
"""Points that a thread takes at a time."""


class Loop:
    """A formula as a function of columns; as engines/numpy.py has it, but for `threads`.

    The code is compiled when it is called, once for each choice of variables that are numbers and not arrays.
    Errors: UsageError for a missing numba, and for functions that it cannot compile.
    """

    def __init__(self, formula: Formula, conditions: bool = True) -> None:
        available()
        self.formula, self.conditions = formula, conditions
        self.loops: dict[tuple[bool, ...], Any] = {}
        self.outputs = 1 + len(formula.wrt)
        self.memory = Memory(2 * self.outputs)
        self.text([True] * len(formula.variables))

    def __call__(self, *columns: Any, out: Sequence[Any] | None = None) -> tuple[list[Any], Any]:
        """The value and the gradients at every point; and which points are doubtful, None if none is."""
        shape = np.broadcast_shapes(*map(np.shape, columns))
        size = prod(shape)
        found = [self.memory.array(shape) for _ in range(self.outputs)] if out is None else list(out)
        flat = [flattened(array, shape) for array in found]
        doubtful = np.zeros(size if self.conditions else 0, dtype=bool)
        arrays = tuple(np.size(column) != 1 for column in columns)
        given = [
            np.ascontiguousarray(np.broadcast_to(column, shape)).reshape(-1)
            if isarray
            else float(np.reshape(column, ()))
            for column, isarray in zip(columns, arrays, strict=True)
        ]
        if arrays not in self.loops:
            self.loops[arrays] = compiled(self.text(arrays))
        loop = self.loops[arrays]

        def work(parts: Iterator[int]) -> bool:
            for start in parts:
                loop(start, min(start + CHUNK, size), *given, *flat, doubtful)
            return False

        shared(work, size, CHUNK)
        return found, doubtful.reshape(shape) if doubtful.any() else None

    def text(self, arrays: Sequence[bool]) -> str:
        """The loop.   arrays: which of the variables are; the others are numbers."""
        places = [f"x{k}" for k in range(len(arrays))]
        leaves = [f"{place}[i]" if isarray else place for place, isarray in zip(places, arrays, strict=True)]
        names = dict(zip(self.formula.variables, leaves, strict=True))
        try:
            coded = self.formula.code(NUMBA, names, conditions=self.conditions)
        except Unspelled as error:
            called = error.op.called or error.op.name
            raise UsageError(
                f"numba cannot compile {called} to all its digits", hint='engine="numpy" runs it'
            ) from None
        results = coded.results
        lines, texts = coded.m.written([*results, *coded.sound], within=python.WITHIN)
        lines += [f"o{k}[i] = {texts[code.index]}" for k, code in enumerate(results)]
        if self.conditions:
            held = [f"{texts[code.index]} != 0.0" for code in coded.sound]
            lines += python.totalled(texts[code.index] for code in results)
            lines.append(f"doubtful[i] = not ({' and '.join(['total - total == 0.0', *held])})")
        arguments = ["start", "end", *places, *(f"o{k}" for k in range(len(results))), "doubtful"]
        body = ["    for i in range(start, end):", *(f"        {line}" for line in lines)]
        return "\n".join([f"def loop({', '.join(arguments)}):", *body])


def function(formula: Formula, conditions: bool = True) -> Loop:
    """The formula as a function of columns.

    Errors: UsageError.
    """
    return Loop(formula, conditions)


def compiled(text: str) -> Any:
    """A loop as machine code; numba compiles it when it is first called."""
    import numba

    space: dict[str, Any] = {**python.NAMESPACE, **ELEMENTWISE, "range": range}
    return numba.njit(nogil=True, error_model="numpy")(running.function("loop", text, space))


ELEMENTWISE = {
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
    "half_even": np.rint,
    "cbrt": np.cbrt,
    "exp2": np.exp2,
    "pow": np.power,
}
"""Words that numba knows by NumPy's function."""


def available() -> None:
    """That numba can be used.

    Errors: UsageError.
    """
    try:
        import numba  # noqa: F401 - it is there
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "numba"
        what = "is not installed" if missing else f"does not start: {error}"
        raise UsageError(f"numba {what}", hint="pip install numba") from None
