"""What the formats of a worksheet share: which columns its table has, its headings, and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from gradcli.homework.sheets.blanks import Asked, Row, Show, Spot
from gradcli.homework.sheets.worksheets import Part, Sheet
from gradcli.render.figures import Style, figure
from gradcli.render.tensors import inline, is_tensor

if TYPE_CHECKING:
    from gradcli.autodiff import Value
    from gradcli.words import Words

DIGITS = Style(decimals=4)
"""Digits of a number that is given."""

LINES = 12
"""Lines that there is room for in a cell, at most."""

NUMBERS = ("forward", "local", "upstream", "down", "grad")
"""The columns of numbers, in order; the edge stands behind the first."""


class Column(NamedTuple):
    """A column of the table: a field of its rows, and its heading."""

    field: str
    title: str


def columns(part: Part, words: Words) -> list[Column]:
    """The columns that a problem's table has; those where nothing would ever stand are left out."""
    found = [Column("node", words.say("worksheet.column_node"))]
    for field in NUMBERS:
        spots = [spot for row in part.rows if (spot := spot_of(row, field)) is not None]
        if not spots or (field == "down" and all(spot.show is Show.ROOM for spot in spots)):
            continue
        found.append(Column(field, words.say(f"worksheet.column_{field}", output=part.output)))
        if field == "forward" and any(row.edge for row in part.rows):
            found.append(Column("edge", words.say("worksheet.column_edge")))
    return found


def spot_of(row: Row, field: str) -> Spot | None:
    """The place of a row in a column of numbers."""
    found: Spot | None = getattr(row, field)
    return found


def number(value: Value) -> str:
    """A given number as people read it; of a tensor its entries."""
    return inline(value, DIGITS) if is_tensor(value) else figure(float(value), DIGITS)


def lines(asked: Asked) -> int:
    """Lines that an answer takes: a matrix has one a row."""
    shape: tuple[int, ...] = getattr(asked.cell.value, "shape", ())
    return min(prod(shape[:-1]), LINES)


def title(sheet: Sheet, words: Words) -> str:
    """The assignment's title."""
    return sheet.title or words.say("worksheet.untitled")


def heading(part: Part, words: Words) -> str:
    """`Problem 1 · 7 points`."""
    named = words.say("worksheet.problem", problem=part.id)
    return named if part.points is None else f"{named} · {points(part.points, words)}"


def points(count: float, words: Words) -> str:
    """`7 points`, `1 point`."""
    return (
        words.say("worksheet.points_one") if count == 1 else words.say("worksheet.points", points=figure(count, DIGITS))
    )


def given(part: Part) -> str:
    """`x = -2, y = 5`."""
    return ", ".join(f"{name} = {text}" for name, text in part.given.items())


def how(sheet: Sheet, words: Words) -> Iterator[str]:
    """In which form answers are given; nothing where the assignment does not say."""
    if sheet.sig is not None:
        yield words.say("worksheet.sig", count=sheet.sig)
    elif sheet.decimals == 1:
        yield words.say("worksheet.decimals_one")
    elif sheet.decimals is not None:
        yield words.say("worksheet.decimals", count=sheet.decimals)
    yield words.say("worksheet.exact")
