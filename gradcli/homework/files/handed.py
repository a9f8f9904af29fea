"""What a student handed in, as it stands in one file: nothing is compared with the assignment yet.

    TOML, JSON      student = "…", name = "…", and a table of cells per problem: [1] dq = -4, "value.q" = "3"
    CSV             a row per answer: sheet,problem,cell,answer; what worksheets are filled in as
    NPZ             arrays named 1:dW, or dW

Text and numbers keep their digits; an array keeps its type. Worksheets in Markdown are read in filled.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from gradcli.errors import FileError, GradcliError, LimitError, brief
from gradcli.homework.files.problem import identified
from gradcli.homework.files.settings import written
from gradcli.homework.files.tables import (
    ANSWER,
    CELL,
    EMAIL,
    NAME,
    PROBLEM,
    STUDENT,
    Table,
    cleaned,
    find,
    plain,
    pointed,
)
from gradcli.reading.documents import LARGEST

EMPTY = re.compile(r"[_\s\u00a0]*")

KEY = "this is the key of worksheets, not what students handed in"
KEY_COLUMN = "values"
"""What the key has besides the columns of a sheet."""

MOST_ROWS = 500_000
"""Rows, an answer each, that a file may have; one with a row per student may have any number."""

SMALL = 16
"""Entries of an array that is repeated as text."""


class Entry(NamedTuple):
    """An answer as it stands in a file.

    keys: the problem and the cell, as far as the file tells them apart.   at: its place in the file.
    """

    keys: tuple[str, ...]
    text: str
    value: Any = None
    at: str = ""


class Handed(NamedTuple):
    """One student's answers in a file. `faults` are what is wrong with the file here; `at` is where it begins."""

    student: str = ""
    name: str = ""
    email: str = ""
    entries: tuple[Entry, ...] = ()
    faults: tuple[str, ...] = ()
    at: str = ""


# ── TOML and JSON ───────────────────────────────────────────────────────────────────────────────────────


def from_document(text: str, place: str) -> Handed:
    """The answers of a TOML or JSON file.

    Errors: FileError for what is none.
    """
    from gradcli.homework.files.assignment import documented

    faults: list[str] = []
    document = documented(text, place, lambda text: json_answers(text, faults))
    if not isinstance(document, dict):
        raise FileError(f"{place}: this holds no names", hint='such as student = "…", then [1] and dx = -4')
    about: dict[tuple[str, ...], str] = {}
    for key in list(document):
        kind = next((names for names in (STUDENT, NAME, EMAIL) if plain(key) in names), None)
        if kind is None or isinstance(document[key], dict | list):
            continue
        about.setdefault(kind, cleaned(str(document.pop(key))))
    document.pop("schema", None)
    entries = []
    for keys, entry in flat(document):
        at = ".".join(keys)
        try:
            entries.append(Entry(keys, spelled(entry, at), None, at))
        except GradcliError as error:
            faults.append(error.message)
    who, name, email = (about.get(kind, "") for kind in (STUDENT, NAME, EMAIL))
    return Handed(who, name, email, tuple(entries), tuple(faults))


def json_answers(text: str, faults: list[str]) -> Any:
    """JSON as answers are read from it: NaN is an answer that is no number, and a key given twice is one fault of many.

    Errors: ValueError.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, entry in items:
            before = found.get(key)
            if key not in found:
                found[key] = entry
            elif isinstance(before, str) and isinstance(entry, str) and plain(key) not in STUDENT:
                faults.append(f"'{brief(key)}' is given twice: {brief(before)} and {brief(entry)}")
                found[key] = f"{before} ; {entry}"  # which no reader takes for one
            else:
                raise ValueError(f"'{brief(key)}' is given twice")
        return found

    return json.loads(text, object_pairs_hook=pairs, parse_constant=str, parse_float=str, parse_int=str)


def flat(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What stands in nested tables, with its keys, in the order of the file."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((key,), entry) for key, entry in reversed(list(document.items()))]
    while waiting:
        keys, entry = waiting.pop()
        if isinstance(entry, dict):
            waiting += [((*keys, key), inner) for key, inner in reversed(list(entry.items()))]
        else:
            yield keys, entry


def spelled(entry: Any, at: str) -> str:
    """An answer as typed; what is neither number nor text nor a list is spelled too, for a person to look at.

    Errors: FileError for a number of very many digits.
    """
    if entry is None:
        return ""
    if isinstance(entry, bool):
        return "true" if entry else "false"
    if isinstance(entry, str | int | list):
        return written(entry, at)
    return str(entry)


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────


def is_long(columns: Sequence[str]) -> bool:
    """Whether a CSV file has a row per answer."""
    return find(columns, CELL) is not None and find(columns, ANSWER) is not None


def from_rows(stream: IO[str], place: str) -> list[Handed]:
    """The answers of a file with a row per answer, student by student; those of no named student together.

    Errors: FileError for a file without these columns.
    """
    table = Table(stream, place)
    columns = table.heading.columns
    cell, answer = find(columns, CELL), find(columns, ANSWER)
    if cell is None or answer is None:
        raise FileError(f"{place}: no columns 'cell' and 'answer'", hint="the heading is problem,cell,answer")
    if find(columns, (KEY_COLUMN,)) is not None:
        raise FileError(f"{place}: {KEY}")
    who, name, email, problem = (find(columns, names) for names in (STUDENT, NAME, EMAIL, PROBLEM))
    found: dict[str, list[Entry]] = {}
    about: dict[str, tuple[str, str, str]] = {}
    faults: dict[str, list[str]] = {}
    count = 0
    for row in table.rows():
        fields = row.fields

        def field(at: int | None, fields: Sequence[str] = fields) -> str:
            return cleaned(fields[at]) if at is not None and at < len(fields) else ""

        student = identified(field(who))
        at = f"line {row.line}"
        count += 1
        if count > MOST_ROWS:
            hint = "write a row per student: id,1:value,1:dx"
            raise LimitError(f"{place}: more than {MOST_ROWS:,} answers", hint=hint)
        about.setdefault(student, (field(name), field(email), at))
        if row.fault:
            faults.setdefault(student, []).append(f"{at}: {row.fault}")
            continue
        keys = tuple(filter(None, (field(problem), field(cell))))
        if not field(cell):
            faults.setdefault(student, []).append(f"{at}: no cell is named")
            continue
        text = pointed(blanked(fields[answer]), table.heading.separator)
        found.setdefault(student, []).append(Entry(keys, text, None, f"{at}: {':'.join(keys)}"))
    return [
        Handed(student, named, mail, tuple(found.get(student, ())), tuple(faults.get(student, ())), at)
        for student, (named, mail, at) in about.items()
    ]


def blanked(text: str) -> str:
    """An answer as typed; the line to write on is none."""
    return "" if EMPTY.fullmatch(text) else text.strip()


# ── arrays ──────────────────────────────────────────────────────────────────────────────────────────────


def from_npz(data: bytes, place: str) -> Handed:
    """The answers of an NPZ file, each an array of its own type; an array of text may tell the student.

    Errors: FileError; LimitError.
    """
    from gradcli.reading import arrays

    about: dict[str, str] = {}

    def read(piece: bytes, where: str) -> Any:
        name = where.removeprefix(f"{place}: '").removesuffix("'")
        if plain(name) in (*STUDENT, *NAME):
            about[plain(name)] = word(piece, where)
            return None
        return arrays.stored(piece, where)

    found = arrays.from_npz(data, place, LARGEST, read)
    entries = [Entry((name,), shown(value), value, name) for name, value in found.items() if value is not None]
    who = next((about[name] for name in STUDENT if name in about), "")
    name = next((about[name] for name in NAME if name in about), "")
    return Handed(identified(who), name, "", tuple(entries))


def word(data: bytes, place: str) -> str:
    """The text of an array that holds one, which is never unpickled.

    Errors: FileError.
    """
    from gradcli.reading.arrays import header, numpy_reading

    with numpy_reading(place, "NPY") as np:
        shape, _, kind, start = header(data)
        if kind.kind not in "Uiu" or shape not in ((), (1,)) or kind.itemsize != len(data) - start:
            raise FileError(f"{place}: this is no text")
        return cleaned(str(np.frombuffer(data, kind, offset=start)[0]))


def shown(value: Any) -> str:
    """An array as text, while it is small; else its type and shape."""
    from gradcli.literals import text_of

    if value.size > SMALL:
        return f"{value.dtype} {value.shape}"
    return str(text_of(value.astype(float)).replace(",", ", "))
