"""THE table of misconceptions: one row each. The search (search.py) reads everything from here.

ROWS: mistakes within the sweeps, each a Change at a place.   CONFUSIONS: another number written as the answer.

Sources: misconceptions named in the literature on the chain rule and on differentiation rules, CS231n's notes on
backpropagation, and what assignments on computational graphs show year after year.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from gradcli.homework.diagnosis import answers, chain, forward, gates, rules, scores, tensors
from gradcli.homework.diagnosis.rows import Confusion, Made, Row
from gradcli.homework.diagnosis.scene import Scene

OF_NUMBERS: tuple[Row, ...] = (
    *chain.ROWS,
    *gates.ROWS,
    *rules.ROWS,
    *forward.ROWS,
    *scores.ROWS,
)

ROWS: tuple[Row, ...] = (*OF_NUMBERS, *tensors.ROWS)

CONFUSIONS: tuple[Confusion, ...] = (*answers.ROWS, *tensors.ANSWERS)

FAMILIES: tuple[frozenset[str], ...] = (
    frozenset(("other_base", "other_base_taken", "other_base_value")),
    frozenset(("degrees", "degrees_of_value", "degrees_of_derivative")),
)
"""Names of one misconception, made in the forward value, in the derivative, or in both."""

NAMES = tuple(dict.fromkeys((*(row.name for row in ROWS), *(row.name for row in CONFUSIONS))))
"""Every misconception by its name, once."""


@cache
def rows_of(op: str, tensorial: bool) -> tuple[Row, ...]:
    """The rows that may concern a node of this op, among tensors or numbers."""
    return tuple(row for row in (ROWS if tensorial else OF_NUMBERS) if not row.of or op in row.of)


def mistakes_at(scene: Scene, i: int) -> Iterator[tuple[Row, Made]]:
    """Every single mistake that can be made at a node."""
    op = scene.op(i)
    for row in rows_of(op.name if op.body is None else "", scene.tensorial):  # a gate of the user's has no rows
        for made in row.made(scene, i):
            yield row, made
