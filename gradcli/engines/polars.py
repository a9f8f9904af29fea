"""The engine for many points: Polars expressions, which run on every core, lazily and in streams."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import groupby
from math import inf
from operator import add, attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gradcli.engines import running
from gradcli.engines.formula import Formula
from gradcli.errors import LimitError
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems.dialects.polars import METHODS, POLARS, TRUTH
from gradcli.systems.source import Unspelled

if TYPE_CHECKING:
    import polars

Frame = TypeVar("Frame", "polars.LazyFrame", "polars.DataFrame")

WITHIN = 200
"""Characters of an expression that is not worth a column."""

DEEPEST = 100
"""Levels of columns, each made of those before: Polars takes long to plan many."""


CHUNK = 1 << 17
"""Rows of a frame that are worked on at a time: what is made on the way stays near, and needs no new memory."""


class Columns(NamedTuple):
    """What the columns of a frame are called.

    inputs: of the formula's variables, in order.   results: of the value and the gradients, in order.
    doubtful: of the truth that the engine itself has to be asked.
    """

    inputs: Sequence[str]
    results: Sequence[str]
    doubtful: str = "doubtful"


def columns(formula: Formula) -> Columns:
    """The names unless others are given: x0, x1 … and r0, r1 …"""
    inputs = [f"x{k}" for k in range(len(formula.variables))]
    return Columns(inputs, [f"r{k}" for k in range(1 + len(formula.wrt))])


def frame_function(formula: Formula, names: Columns | None = None) -> Callable[[Frame], Frame]:
    """What adds the formula's value and gradients to a frame, eager or lazy, and where they are doubtful.

    The variables' columns hold doubles. Doubtful is a row where one of them is null, a result is not finite, or an op
    is outside its domain. Every other column stays as it is, and so does the order of the rows.
    Errors: Unspelled for an op that Polars lacks; LimitError for a formula so long that Polars would be slow; those of
    Formula.code.
    """
    import polars as pl

    inputs, results, doubtful = names or columns(formula)
    leaves = [f"x{k}" for k in range(len(formula.variables))]
    made, text = _written(formula, leaves)
    expressions = running.function("levels", text, {"pl": pl, "float": float})

    @lru_cache(2)
    def levels(prefix: str) -> list[list[polars.Expr]]:
        """Level by level the columns to be added; those that are dropped again with a prefix."""
        bound = {leaf: pl.col(name) for leaf, name in zip(leaves, inputs, strict=True)}
        bound |= {name: pl.col(f"{prefix}{name}") for name in made}
        try:
            *found, last = expressions(**bound)
        except AttributeError as error:  # an older Polars
            raise Unspelled(_op_of(str(error.name)), POLARS) from None
        named = [[code.alias(f"{prefix}{name}") for name, code in level] for level in found]
        plain = [pl.lit(code) if isinstance(code, float) else code for code in last]
        return [*named, [code.alias(name) for code, name in zip(plain, (*results, doubtful), strict=True)]]

    levels("")
    missing = pl.any_horizontal(pl.lit(False), *(pl.col(name).is_null() for name in inputs))
    finite = _gathered(map(pl.col, results), add).abs() < inf  # nan is above inf here; faster than is_finite
    lost = missing | ~(finite & pl.col(doubtful))

    def planned(frame: polars.LazyFrame) -> polars.LazyFrame:
        taken = {*frame.collect_schema().names(), *results, doubtful}
        prefix = ""
        while any(f"{prefix}{name}" in taken for name in made):
            prefix += "_"
        for level in levels(prefix):
            frame = frame.with_columns(level)
        return frame.with_columns(lost.alias(doubtful)).drop(f"{prefix}{name}" for name in made)

    def computed(frame: polars.DataFrame) -> polars.DataFrame:
        return planned(frame.lazy()).collect()

    def applied(frame: Frame) -> Frame:
        if isinstance(frame, pl.LazyFrame):
            return planned(frame)
        if frame.height <= CHUNK:
            return computed(frame)
        with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
            return pl.concat(pool.map(computed, frame.iter_slices(CHUNK)), rechunk=False)

    return applied


def _written(formula: Formula, leaves: Sequence[str]) -> tuple[list[str], str]:
    """The names of the columns that exist for a while, and a function of the columns that returns the expressions.

    They are, level by level, pairs of a name and an expression; at last the results, and whether every op is inside
    its domain.
    """
    coded = formula.code(POLARS, dict(zip(formula.variables, leaves, strict=True)))
    m, results = coded.m, coded.results
    conditions = [m.line("#1 != 0.0", (code,)) for code in coded.sound] or [m.line("pl.lit(True)", ())]
    sound = _gathered(conditions, lambda a, b: m.line("#1 & #2", (a, b)))
    assigned, texts = m.assigned([*results, sound], within=WITHIN)
    assigned.sort(key=attrgetter("level"))
    if assigned and assigned[-1].level > DEEPEST:
        raise LimitError("this formula is too long for Polars", hint="--engine numpy runs it")
    levels = [
        "".join(f'\n    ("{each.name}", {_truths(each.code)}),' for each in level)
        for _, level in groupby(assigned, attrgetter("level"))
    ]
    last = ", ".join(texts[code.index] for code in (*results, sound))
    made = [each.name for each in assigned]
    arguments = ", ".join((*leaves, *made))
    return made, f"def levels({arguments}):\n  return {''.join(f'[{level}], ' for level in levels)}[{last}]\n"


def _truths(code: str) -> str:
    """Code that does not ask whether a number is nan, nor makes a truth a number that is compared with 0 again."""
    code = KNOWN.sub("", code)
    return code.replace(f"{TRUTH}) != 0.0", ")")


KNOWN = re.compile(r' (?:& \(-?[\d.e+-]+ <=|\| \(-?[\d.e+-]+ >) float\("inf"\)\)')


def _gathered(parts: Iterable[Any], both: Callable[[Any, Any], Any]) -> Any:
    """Many parts as one, two and two, so that no expression is deep."""
    found = list(parts)
    while len(found) > 1:
        odd = found[len(found) & ~1 :]
        found = [both(a, b) for a, b in zip(found[::2], found[1::2], strict=False)] + odd
    return found[0]


def _op_of(method: str) -> Op:
    """The op that Polars computes by this method of an expression."""
    word = next(word for word, known in METHODS.items() if known == method)
    found: Op = next(op for op in TABLE.values() if op.spelled.get(POLARS.base) == word)
    return found
