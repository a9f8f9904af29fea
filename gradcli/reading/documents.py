"""Text files and what stands in them: JSON and TOML read strictly, their numbers with the digits typed.

Text in a file is a constant of our own language, as on the command line. Nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradcli import literals
from gradcli.errors import FileError, GradcliError, LimitError, Span, brief, reason, uncapitalised
from gradcli.reading.values import Value, array, constant
from gradcli.tokens import TOO_LARGE

LARGEST = 1 << 26
"""Bytes that a file of values may have, also when unpacked."""

LARGEST_TOML = 1 << 20
"""Bytes that a TOML file may have, which take sixty times as long to read as JSON's."""

TOML_KEY = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
"""A part of a dotted name in TOML."""


def read_text(file: str, largest: int = LARGEST) -> str:
    """A UTF-8 text file of bounded size.

    Errors: FileError; LimitError.
    """
    try:
        return read(file, largest).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: this is no UTF-8 text (byte {error.start})", hint="save it as UTF-8") from None


def read(file: str, largest: int = LARGEST) -> bytes:
    """A file of bounded size.

    Errors: FileError; LimitError.
    """
    try:
        with Path(file).open("rb") as stream:
            pieces, size = [], 0
            while size <= largest and (piece := stream.read(1 << 20)):  # as much as there is, not as may be
                pieces.append(piece)
                size += len(piece)
    except OSError as error:
        hint = (
            "write $HOME for ~, which a shell reads at the beginning of a word only"
            if file[:1] == "~"
            else "is the path right?"
        )
        raise FileError(f"{file}: {reason(error)}", hint=hint if error.errno == 2 else None) from None
    except ValueError:
        raise FileError(f"{file}: this is no path of a file") from None
    if size > largest:
        raise LimitError(f"{file}: the file is larger than {largest:,} bytes")
    return b"".join(pieces)


def nested(entry: Any, file: str, name: str = "") -> Value:
    """The number, or the array of nested lists, that stands in a file under a name; text is a constant.

    Errors: FileError with the place, such as W[2][1]; LimitError.
    """
    return nested_at(
        entry, file, lambda path: f"{file}: '{name}{path}'" if name else f"{file}: {path}".removesuffix(": ")
    )


def nested_at(entry: Any, file: str, called: Callable[[str], str]) -> Value:
    """The same, where `called` says how a place in the lists, such as [2][1], is called."""
    shape: list[int] = []
    items: list[Any] = [entry]

    def place(index: int) -> str:
        path = ""
        for length in reversed(shape):
            index, at = divmod(index, length)
            path = f"[{at}]{path}"
        return called(path)

    while any(isinstance(item, list) for item in items):
        first = items[0]
        for index, item in enumerate(items):
            if isinstance(item, list) != isinstance(first, list):
                raise FileError(f"{place(index)}: numbers and lists are mixed", hint=literals.ONE_LENGTH)
            if len(item) != len(first):
                here, there = literals.counted(len(item)), f"{place(0).removeprefix(f'{file}: ')} has {len(first)}"
                raise FileError(f"{place(index)}: this list has {here}, {there}", hint=literals.ONE_LENGTH)
            if not item:
                raise FileError(f"{place(index)}: a list has at least one entry", hint="write its numbers: [1, 2]")
        shape.append(len(first))
        items = [each for item in items for each in item]
        if len(shape) > literals.DEEPEST or len(items) > literals.MOST:
            most = f"{literals.MOST:,} numbers" if len(items) > literals.MOST else f"{literals.DEEPEST} lists in lists"
            raise LimitError(f"{file}: more than {most}")
    words = items if all(type(item) is str for item in items) else []
    numbers = literals.doubles(words) if words else None
    if numbers is None:
        numbers = tuple(scalar(item, place(index)) for index, item in enumerate(items))
    return array(numbers).reshape(shape) if shape else numbers[0]


def scalar(entry: Any, place: str) -> float:
    """The number of an entry in a file; text is a constant of the language.

    Errors: FileError with the place.
    """

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        text = entry if isinstance(entry, str) else ""
        where = f" in '{brief(text)}'" if text and text not in message else ""
        return FileError(f"{place}: {message}{where}", hint=hint)

    if isinstance(entry, str):
        if not entry.strip():
            raise fail("there is no number here")
        if entry.lstrip().startswith("["):
            raise fail("this is text", None, "write the list without quotes")
        return constant(entry, fail)
    if isinstance(entry, float):
        return entry
    if type(entry) is int:  # TOML's
        try:
            return float(entry)
        except OverflowError:
            raise fail(TOO_LARGE) from None
    kinds = {bool: "a truth value", dict: "a table", type(None): "null"}
    hint = 'write "nan" for what is missing' if entry is None else None
    raise fail(f"this is {kinds.get(type(entry), f'a {type(entry).__name__}')}, not a number", None, hint)


def decoded(file: str, decode: Callable[[str], Any], largest: int = LARGEST) -> Any:
    """A text file through a decoder, its faults as ours."""
    text = read_text(file, largest)
    if text.count(",") > 2 * literals.MOST:
        raise LimitError(f"{file}: more than {literals.MOST:,} numbers")
    try:
        return decode(text)
    except RecursionError:
        raise FileError(f"{file}: this is nested too deeply") from None
    except ValueError as error:
        raise FileError(f"{file}: {uncapitalised(str(error))}") from None


def json_document(text: str) -> Any:
    """Strict JSON: no NaN, no number beyond the doubles, no key twice. Numbers keep the digits typed."""
    import json

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, entry in items:
            if key in found:
                raise ValueError(f"'{brief(key)}' is given twice")
            found[key] = entry
        return found

    def refuse_word(word: str) -> Any:
        raise ValueError(f'JSON has no {word}; write "{word.lower().replace("infinity", "inf")}"')

    return json.loads(text, object_pairs_hook=pairs, parse_constant=refuse_word, parse_float=str, parse_int=str)


def toml_document(text: str) -> Any:
    """TOML, numbers as typed. Keys with very many dots are refused: reading one takes the square of its length."""
    import tomllib

    if re.search(rf"(?<![\w-])(?:{TOML_KEY}[ \t]*+\.[ \t]*+){{100}}", text):
        raise ValueError("a name has more than 100 dots")

    try:
        return tomllib.loads(text, parse_float=lambda digits: digits.replace("_", ""))
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads and writes no whole number of thousands of digits
        raise ValueError("a number here is larger than any double") from None
