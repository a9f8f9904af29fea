"""THE table: one row an op. Everything else in gradcli reads its facts from here.

TABLE: name → row.   FUNCTIONS: every name that a call may use → row.
INFIX, PREFIX: every spelling of an operator → (notation, row).

The rows of LATER are loaded when a name is asked for that is not among the others, or all rows are: formulas of
numbers need none of them, and start sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from gradcli.ops import (
    activations,
    arithmetic,
    comparisons,
    elementary,
    losses,
    special,
    tensors,
    trigonometric,
)
from gradcli.ops.op import CONSTANT, INPUT, Check, Notation, Op

__all__ = ["CONSTANT", "FUNCTIONS", "INFIX", "INPUT", "PREFIX", "TABLE", "Check", "Notation", "Op"]

LATER = ("layers", "scores", "reductions")
"""The modules whose rows are loaded when they are asked for."""


class Rows(dict[str, Op]):
    """Name → row, complete as soon as a name is missing or the rows are gone through."""

    def __init__(self, names: Callable[[Op], Iterable[str]], rows: Iterable[Op]) -> None:
        super().__init__()
        self.names, self.complete = names, False
        self.add(rows)

    def add(self, rows: Iterable[Op]) -> None:
        """Append rows."""
        for row in rows:
            for name in self.names(row):
                self[name] = row

    def load(self) -> Rows:
        """The table with all its rows."""
        if not self.complete:
            self.complete = True
            for module in LATER:
                self.add(import_module(f"gradcli.ops.{module}").ROWS)
        return self

    def __missing__(self, name: str) -> Op:
        if self.complete:
            raise KeyError(name)
        return self.load()[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (not self.complete and dict.__contains__(self.load(), name))

    def get(self, name: str, default: Any = None) -> Any:
        """The row of this name."""
        return self[name] if name in self else default  # noqa: SIM401 - dict.get asks for no missing row

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self.load())

    def __len__(self) -> int:
        return dict.__len__(self.load())

    def keys(self) -> Any:
        """Every name."""
        return dict.keys(self.load())

    def values(self) -> Any:
        """Every row."""
        return dict.values(self.load())

    def items(self) -> Any:
        """Every name and its row."""
        return dict.items(self.load())


ROWS = (
    *arithmetic.ROWS,
    *elementary.ROWS,
    *trigonometric.ROWS,
    *special.ROWS,
    *comparisons.ROWS,
    *activations.ROWS,
    *losses.ROWS,
    *tensors.ROWS,
)
"""The rows that are there from the start, all operators among them."""


def callable_by_name(row: Op) -> bool:
    """Whether a row has a name in the language; [a, b] and x[0] are written in brackets alone."""
    return row.notation is None or row.notation.fix not in ("list", "index")


TABLE = Rows(lambda row: (row.name,), ROWS)
FUNCTIONS = Rows(lambda row: (row.name, *row.aliases) if callable_by_name(row) else (), ROWS)


def _operators(fix: str) -> dict[str, tuple[Notation, Op]]:
    return {
        symbol: (row.notation, row)
        for row in ROWS
        if row.notation is not None and row.notation.fix == fix
        for symbol in (row.notation.symbol, *row.notation.spellings)
    }


INFIX = _operators("infix")
PREFIX = _operators("prefix")
