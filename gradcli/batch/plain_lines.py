"""Delimited text without quotes: every line is a record, and columns of numbers are read at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import isfinite
from typing import Any, overload


class Cells(Sequence[Sequence[str]]):
    """The cells of a text without quotes, cut when they are asked for."""

    def __init__(self, text: str, delimiter: str, single: bool) -> None:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.text, self.delimiter, self.single = text.removesuffix("\n"), delimiter, single

    @cached_property
    def rows(self) -> list[list[str]]:
        """The cells of each record."""
        return [line.split(self.delimiter) for line in self.texts()]

    def texts(self) -> list[str]:
        """Each record as it stands."""
        found = self.text.split("\n")
        return found if self.single else list(filter(None, found))

    @cached_property
    def lines(self) -> list[int]:
        """The lines that are records."""
        return [at for at, line in enumerate(self.text.split("\n")) if line]

    def line(self, index: int) -> int:
        """How many lines there are before a record."""
        return index if self.single else self.lines[index]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Sequence[str]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[str]]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[Sequence[str]]:
        return iter(self.rows)

    def numbers(self, places: Sequence[int], width: int) -> list[list[float]] | None:
        """Columns of numbers, all at once; None where some record or cell needs a closer look."""
        delimiter, count = self.delimiter, self.text.count("\n") + 1
        cells = self.text.replace("\n", f"\n{delimiter}").split(delimiter)
        if len(cells) != count * width or "".join(cells[width - 1 :: width]).count("\n") != count - 1:
            return None
        try:
            columns = [list(map(float, cells[place::width])) for place in places]
        except ValueError:
            return None
        return columns if all(map(isfinite, map(sum, columns))) else None
