"""SQL: a query with the value and the gradients of every row of a table.

What is named is a column, worked out one level of common table expressions after another.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from gradcli.errors import UsageError
from gradcli.export.about import WIDTH, about, wrapped
from gradcli.export.exported import Exported
from gradcli.export.lines import Lines
from gradcli.export.naming import Names
from gradcli.export.plan import Plan, plan, refuse_deep
from gradcli.ops.op import Op
from gradcli.systems.dialects.sql import SQL
from gradcli.systems.source import Code

RESERVED = frozenset(
    """
    all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary bit boolean
    both by case cast char character check coalesce collate collation column columns concurrently constraint create
    cross cube current_catalog current_date current_role current_schema current_time current_timestamp current_user
    dec decimal default deferrable desc describe distinct do double else end except exists extract false fetch float
    for foreign freeze from full generated glob grant greatest group grouping having ilike in initially inner inout
    int integer intersect interval into is isnull join lambda lateral leading least left like limit localtime
    localtimestamp map national natural nchar none normalize not notnull null nullif numeric of offset on only or
    order out outer over overlaps overlay pivot pivot_longer pivot_wider placing position positional precision
    primary qualify real references returning right row rollup select semi session_user setof sets show similar
    smallint some struct substring summarize symmetric system_user table tablesample then time timestamp to trailing
    treat trim true try_cast union unique unpack unpivot user using values varchar variadic verbose when where
    window with within without
    """.split()
)
"""Words that DuckDB or PostgreSQL does not take as the name of a column."""

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

NUMBER = re.compile(r"-?[\d.]+(?:e[-+]?\d+)?")

GUARDED = frozenset(("log", "sqrt", "asin", "acos", "acosh", "atanh", "pow"))
"""Functions that end a query where they are undefined."""

NOTES = (
    "Tested on DuckDB; written for PostgreSQL too. What is undefined is NULL, also at a division by 0. "
    "NaN counts as larger than every number; PostgreSQL ends the query where a result is too large or too small.",
    "To keep a key, name its column in the first SELECT and in the last.",
)


def written(exported: Exported) -> str:
    """The query, on a table of one row where values were given.

    Errors: Unspelled; UsageError for a formula of tensors, for names that are one to a database, and for a function's.
    """
    if exported.function is not None:
        raise UsageError("--function: the query has no function", hint="--table names the table that it reads")
    refuse_alike(exported.graph.inputs)
    columns = {name: identifier(name) for name in exported.graph.inputs}
    results = ["value", *(f"grad_{name}" for name in exported.wrt)]
    names = Names((*RESERVED, *exported.graph.inputs, *results, exported.table), folded=True)
    made = plan(exported, SQL, names, parameters=columns, system=Guarding, columns=True)
    refuse_deep(made, "SQL")
    words = about(exported, made.output, {}, [*NOTES])
    return "\n".join([*comment(words), *query(exported, made, names)])


def refuse_alike(names: Any) -> None:
    """A database takes x and X for one column.

    Errors: UsageError.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise UsageError(f"databases take {other} and {name} for one column", hint="rename one of them")


def comment(paragraphs: list[str]) -> list[str]:
    """Paragraphs as comments."""
    return [f"-- {line}" for text in paragraphs for line in wrapped([text], WIDTH - 3)]


def identifier(name: str) -> str:
    """A column's or a table's name, in quotes where it needs them."""
    if PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def table_name(name: str) -> str:
    """A table's name, perhaps with its schema's: main.points."""
    parts = name.split(".")
    return name if all(PLAIN.fullmatch(part) and part not in RESERVED for part in parts) else identifier(name)


NULLED = "NULLIF(#1, 0)"


class Guarding(Lines):
    """Lines that are NULL where a function is undefined, so that no row ends the query."""

    inlined = frozenset((NULLED,))

    def appended(self, op: Op, x: tuple[Code, ...]) -> Code:
        """The line of an op, guarded.

        Errors: Unspelled.
        """
        word = op.spelled.get("floats", "")
        if all(part.value is not None for part in x):
            return super().appended(op, x)
        if word == "div" and x[1].value is None:
            return super().appended(op, (x[0], self.line(NULLED, (x[1],))))
        if word == "where" and x[1].value is not None and x[2].value is not None:
            return self.line("CASE WHEN ?1 THEN CAST(#2 AS DOUBLE PRECISION) ELSE #3 END", x)
        domain: Any = op.predicate("domain") if word in GUARDED else None
        condition = None if domain is None else self.element(domain(self, *x))
        if condition is None or condition.value:
            return super().appended(op, x)
        return self.line(f"(CASE WHEN ?{len(x) + 1} THEN {self.dialect.spelling(op)} END)", (*x, condition))


def query(exported: Exported, made: Plan, names: Names) -> list[str]:
    """The query itself."""
    columns = list(made.parameters.values())
    before = table_name(exported.table)
    parts: list[tuple[str, list[str], str]] = []  # a name, what is selected, from where
    if exported.complete:
        before = identifier(exported.table)
        row = {column: exported.values[name] for name, column in made.parameters.items()}
        cells = [f"{double(SQL.number(value))} AS {column}" for column, value in row.items()]
        parts.append((before, cells or ["1 AS one"], ""))
    if columns:
        parts.append((names.numbered("step"), [f"{double(column)} AS {column}" for column in columns], before))
    for _, level in groupby(sorted(made.steps, key=lambda each: each.level), key=lambda each: each.level):
        codes = [SQL.assignment.format(name=each.name, code=each.code) for each in level]
        parts.append((names.numbered("step"), ["*", *codes], parts[-1][0]))
    results = {"value": made.value, **{f"grad_{name}": code for name, code in made.gradients.items()}}
    cells = [
        f"{double(code) if NUMBER.fullmatch(code) else code} AS {identifier(name)}" for name, code in results.items()
    ]
    lines = []
    for k, (name, items, source) in enumerate(parts):
        inner = [f"  {line}" for line in select(items, source)]
        lines += [f"{'' if k else 'WITH '}{name} AS (", *inner, ")" if k == len(parts) - 1 else "),"]
    return [*lines, *select([*columns, *cells], parts[-1][0] if parts else before, ";")]


def double(code: str) -> str:
    """What is a double whatever the column is."""
    return f"CAST({code} AS DOUBLE PRECISION)"


def select(items: list[str], source: str, end: str = "") -> list[str]:
    """A SELECT, on one line while that is short."""
    origin = f"FROM {source}" if source else ""
    line = " ".join(["SELECT", ", ".join(items), origin]).rstrip() + end
    if len(line) <= WIDTH:
        return [line]
    lines = ["SELECT", *(f"  {item}," for item in items[:-1]), f"  {items[-1]}"]
    return [*lines, origin + end] if source else [*lines[:-1], lines[-1] + end]
