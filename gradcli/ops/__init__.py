"""THE table: one row an op. Everything else in gradcli reads its facts from here.

TABLE: name → row.   FUNCTIONS: every name that a call may use → row.
INFIX, PREFIX: every spelling of an operator → (notation, row).
"""

from __future__ import annotations

from gradcli.ops import (
    activations,
    arithmetic,
    comparisons,
    elementary,
    layers,
    losses,
    reductions,
    special,
    tensors,
    trigonometric,
)
from gradcli.ops.op import CONSTANT, INPUT, Check, Notation, Op

__all__ = ["CONSTANT", "FUNCTIONS", "INFIX", "INPUT", "PREFIX", "TABLE", "Check", "Notation", "Op"]

ROWS = (
    *arithmetic.ROWS,
    *elementary.ROWS,
    *trigonometric.ROWS,
    *special.ROWS,
    *comparisons.ROWS,
    *activations.ROWS,
    *losses.ROWS,
    *layers.ROWS,
    *tensors.ROWS,
    *reductions.ROWS,
)

TABLE: dict[str, Op] = {row.name: row for row in ROWS}
FUNCTIONS: dict[str, Op] = {name: row for row in ROWS for name in (row.name, *row.aliases)}


def _operators(fix: str) -> dict[str, tuple[Notation, Op]]:
    return {
        symbol: (row.notation, row)
        for row in ROWS
        if row.notation is not None and row.notation.fix == fix
        for symbol in (row.notation.symbol, *row.notation.spellings)
    }


INFIX = _operators("infix")
PREFIX = _operators("prefix")
