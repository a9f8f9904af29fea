"""The shape of an assignment file, as pydantic checks it: which keys there are, and of what kind.

What the entries mean (numbers, expressions, cells) is read in assignment.py. Numbers arrive as text, with their digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from gradcli.errors import FileError, GradcliError, brief
from gradcli.homework.files.settings import KINDS, joined, number, quoted
from gradcli.words import LANGUAGES

SCHEMA = "gradcli.assignment/1"

AT_KINK = ("interval", "strict")

LARGEST_SEED = 10**18


def fault(message: str) -> PydanticCustomError:
    """A fault in our own words; pydantic adds its place."""
    return PydanticCustomError("ours", "{message}", {"message": message})


def text(entry: Any) -> str:
    """Text; a number counts as the text that it was typed as."""
    if isinstance(entry, str):
        return entry
    if type(entry) is int:
        return str(entry)[:100]
    raise fault(f"this is {kind(entry)}, not text")


def kind(entry: Any) -> str:
    """What an entry is, in words."""
    return KINDS.get(type(entry), "a number" if isinstance(entry, int | str) else "a date or a time")


def whole(least: int, most: int) -> Any:
    """Reads whole numbers from `least` to `most`."""

    def read(entry: Any) -> int:
        if type(entry) not in (int, str) or not re.fullmatch(r"[-+]?[0-9]{1,20}", str(entry)[:30]):
            shown = quoted(entry) if isinstance(entry, int | str) and type(entry) is not bool else kind(entry)
            raise fault(f"not a whole number: {shown}")
        if not least <= int(entry) <= most:
            raise fault(f"{entry} is not from {least} to {most}")
        return int(entry)

    return BeforeValidator(read)


def real(least: float, most: float) -> Any:
    """Reads numbers from `least` to `most`."""

    def read(entry: Any) -> float:
        try:
            found = number(entry, "")
        except GradcliError as error:
            raise fault(error.message.removeprefix(": ")) from None
        if not least <= found <= most:
            raise fault(f"{found:g} is not {f'from {least:g} to {most:g}' if most < 1e300 else f'at least {least:g}'}")
        return found

    return BeforeValidator(read)


def choice(among: Sequence[str]) -> Any:
    """Reads one of a few words."""

    def read(entry: Any) -> str:
        if isinstance(entry, str) and entry in among:
            return entry
        raise fault(f"{quoted(entry)} is none of {', '.join(among)}")

    return BeforeValidator(read)


def table(entry: Any) -> dict[str, Any]:
    """A table of names."""
    if isinstance(entry, dict):
        return entry
    raise fault(f"this is {kind(entry)}, not a table: write {{ x = -2, y = 5 }}")


def truth(entry: Any) -> bool:
    """true or false."""
    if isinstance(entry, bool):
        return entry
    raise fault(f"this is {kind(entry)}: write true or false")


def tables(entry: Any) -> list[Any]:
    """The problems."""
    if isinstance(entry, dict):
        raise fault("this is one table: write [[problem]], in two brackets")
    if not isinstance(entry, list):
        raise fault(f"this is {kind(entry)}: write each problem under [[problem]]")
    if not entry:
        raise fault("there is no problem: write one under [[problem]]")
    return entry


def asked(entry: Any) -> dict[str, Any]:
    """The cells that are asked for, at least one."""
    if entry == {}:
        raise fault(f"nothing is asked for: {EXAMPLES['cells'].partition(': ')[2]}")
    return table(entry)


Text = Annotated[str, BeforeValidator(text)]
Table = Annotated[dict[str, Any], BeforeValidator(table)]


class Strict(BaseModel):
    """A table whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemTable(Strict):
    """One [[problem]]."""

    id: Text
    expr: Text
    cells: Annotated[dict[str, Any], BeforeValidator(asked)]
    title: Text = ""
    text: Text = ""
    at: Table = Field(default_factory=dict)
    draw: Table = Field(default_factory=dict)
    defs: Text = ""
    upstream: Any = None


class AssignmentTable(Strict):
    """The whole file."""

    problem: Annotated[list[ProblemTable], BeforeValidator(tables)]
    format: Text = Field(alias="schema")
    title: Text = ""
    decimals: Annotated[int | None, whole(0, 15)] = None
    sig: Annotated[int | None, whole(1, 17)] = None
    rtol: Annotated[float | None, real(0, 1e308)] = None
    atol: Annotated[float | None, real(0, 1e308)] = None
    cs231n: Annotated[bool, BeforeValidator(truth)] = False
    formulas: Annotated[bool, BeforeValidator(truth)] = True
    carry: Annotated[float, real(0, 1)] = 0.5
    at_kink: Annotated[str, choice(AT_KINK)] = "interval"
    seed: Annotated[int, whole(-LARGEST_SEED, LARGEST_SEED)] = 0
    lang: Annotated[str | None, choice(LANGUAGES)] = None


MODELS: Mapping[bool, type[Strict]] = {False: AssignmentTable, True: ProblemTable}
"""By whether a key stands in a problem: whose keys there are."""


def validated(document: Mapping[str, Any]) -> tuple[AssignmentTable | None, list[tuple[tuple[Any, ...], GradcliError]]]:
    """The file as tables, and its faults with their places; None where there are any."""
    try:
        return AssignmentTable.model_validate(document), []
    except ValidationError as error:
        return None, list(faults(error))


def faults(error: ValidationError) -> Iterator[tuple[tuple[Any, ...], GradcliError]]:
    """What pydantic found, in our words: place and error."""
    for found in error.errors(include_url=False):
        place = found["loc"]
        at = path(place)
        if found["type"] == "extra_forbidden":
            yield place, FileError(f"{at}: there is no such key", hint=known(str(place[-1]), len(place) > 1))
        elif found["type"] == "missing":
            yield place, FileError(f"{at} is missing", hint=EXAMPLES.get(str(place[-1])))
        elif found["type"] == "ours":
            yield place, FileError(f"{at}: {found['ctx']['message']}")
        else:
            yield place, FileError(f"{at}: this is {kind(found['input'])}, not a table of a problem")


EXAMPLES = {
    "schema": f'write schema = "{SCHEMA}"',
    "problem": "write each problem under [[problem]]",
    "id": 'such as id = "1"',
    "expr": 'such as expr = "q = x + y; f = q*z"',
    "cells": 'what is asked, and its points: cells = { "value" = 1, "dx" = 2 }',
}
"""What a key that must be there looks like."""


def known(key: str, inside: bool) -> str:
    """What an unknown key may stand for."""
    names = [field.alias or name for name, field in MODELS[inside].model_fields.items()]
    near = get_close_matches(key, names, 1, 0.7)
    if near:
        return f"did you mean {near[0]}?"
    others = [field.alias or name for name, field in MODELS[not inside].model_fields.items()]
    if key in others:
        return "it stands at the top of the file, before the first [[problem]]" if inside else "it stands in a problem"
    return f"there are {', '.join(names)}"


def path(place: Sequence[Any]) -> str:
    """A place as messages name it: problems are counted from 1, as people do: problem.2.at.x."""
    return joined("", [str(part + 1) if isinstance(part, int) else brief(str(part)) for part in place])
