"""What is computed from which columns, and which columns come out."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gradcli.batch.formats import Layout
from gradcli.engines.formula import Formula
from gradcli.errors import UsageError, brief

LISTED = 12
"""Columns that a message names."""


@dataclass(frozen=True)
class Plan:
    """A formula and the table that it runs over.

    columns: variable → the name of its column, where that is not its own.
    keep: whether the table's columns come out too.   prefix: before the names of the result columns.
    null: whether an empty cell is a missing value, and no error.
    """

    formula: Formula
    columns: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    prefix: str = ""
    null: bool = False

    @cached_property
    def results(self) -> list[str]:
        """The names of the result columns."""
        return [f"{self.prefix}{name}" for name in ("value", *(f"grad_{name}" for name in self.formula.wrt), "error")]

    def bound(self, header: Sequence[str], place: str) -> list[int]:
        """The column of each of the formula's variables, by its index in the header.

        place: the table's name, for messages.
        Errors: UsageError for a column that is missing, or there twice.
        """
        known: dict[str, list[int]] = {}
        for index, name in enumerate(header):
            known.setdefault(plain(name), []).append(index)
        wanted = {variable: self.columns.get(variable, variable) for variable in self.formula.variables}
        missing = [variable for variable, name in wanted.items() if plain(name) not in known]
        if missing:
            raise no_column(missing[0], wanted[missing[0]], header, place)
        for name in wanted.values():
            at = known[plain(name)]
            if len(at) > 1:
                first, second = at[0] + 1, at[1] + 1
                raise UsageError(
                    f"{place}: two columns are called '{brief(name)}', number {first} and number {second}",
                    hint="rename one of them in the header; --no-header --columns … names all of them anew",
                )
        return [known[plain(name)][0] for name in wanted.values()]

    def layout(self, header: Sequence[str], place: str) -> Layout:
        """The columns that come out.

        Errors: UsageError for a kept column that is called as a result, or as another one.
        """
        if not self.keep:
            return Layout((), self.results, depths=self.depths)
        for name in self.results:
            if name in header:
                raise UsageError(
                    f"{place} has a column '{brief(name)}' already, and --keep keeps it",
                    hint="--prefix out_ names the results out_value, out_error …",
                )
        return Layout(tuple(header), self.results, frozenset(self.bound(header, place)), self.depths)

    @property
    def depths(self) -> dict[int, int]:
        """The dimensions of those results that are tensors: gradients of fixed tensors."""
        found = [getattr(self.formula.fixed.get(name), "ndim", 0) for name in self.formula.wrt]
        return {k: depth for k, depth in enumerate(found, 1) if depth}


def plain(name: str) -> str:
    """A column's name as it is compared: without blanks around it, as the language writes names."""
    return unicodedata.normalize("NFKC", name.strip())


def no_column(variable: str, name: str, header: Sequence[str], place: str) -> UsageError:
    """The error for a variable without a column."""
    from difflib import get_close_matches

    listed = ", ".join(f"'{brief(each)}'" if " " in each else brief(each) for each in header[:LISTED])
    more = f" and {len(header) - LISTED} more" if len(header) > LISTED else ""
    near = [each for each in header if plain(each).casefold() == plain(name).casefold()]
    near = near or get_close_matches(name, header[:1000], 1)
    meant = f'did you mean --col {variable}="{brief(near[0])}"?\n' if near else ""
    return UsageError(
        f"{place} has no column '{brief(name)}'",
        hint=f"{strange(header)}{meant}its columns: {listed or 'none'}{more};\n"
        f'--col {variable}="…" takes another column, --{variable}=… one value for all rows',
    )


def strange(header: Sequence[str]) -> str:
    """What a header tells that is none: a row of numbers, or one name with other delimiters in it; "" of any other."""
    from gradcli.batch.cells import NUMBER

    if header and all(NUMBER.fullmatch(name) for name in header):
        listed = ",".join(["x", "y", "z", *(f"x{k}" for k in range(3, len(header)))][: len(header)])
        return f"is its first line a row? --no-header --columns {brief(listed)} names the columns;\n"
    if len(header) == 1:
        if header[0].startswith("{"):
            return "is this NDJSON? --input-format ndjson reads it;\n"
        if "\t" in header[0]:
            return "are there tabs between its cells? --input-format tsv reads it;\n"
        if ";" in header[0]:
            return "between cells stands a comma, and no semicolon: tr ';' ',' makes commas of them;\n"
    return ""
