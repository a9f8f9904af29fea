"""Values in an assignment, with the text that their writer typed: a worksheet shows 1/3, not 0.333….

    x = -2   x = 0.50   x = "1/3"   x = "pi/4"   W = [[1, 2], ["1/2", 0]]

What a value may be, is what the command line takes (reading/values.py); it is finite here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from gradcli import literals
from gradcli.errors import FileError, GradcliError, Span, brief
from gradcli.reading.documents import nested_at
from gradcli.reading.values import Value, read

MOST_DIGITS = 100
"""Digits of a whole number that are looked at; a double has 309 at most, and nobody writes them."""

NOT_A_NUMBER = re.compile(r"'.*' is not a number", re.DOTALL)

EXAMPLES = "a value is made of numbers: 1.5, -1/4, pi/4, 1e-8"

KINDS = {bool: "a truth value", dict: "a table", type(None): "null", list: "a list"}
"""What is no number, by its type; what remains is a date or a time."""


class Setting(NamedTuple):
    """A value and its text as typed."""

    text: str
    value: Value


def setting(entry: Any, path: str) -> Setting:
    """The value that an entry of a document stands for.

    path: where it stands, for errors: problem.2.at.x.
    Errors: FileError, LimitError.
    """
    text = written(entry, path)
    if isinstance(entry, list):
        value = listed(entry, path)
    else:

        def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
            return FileError(f"{path}: {about(message, text)}", hint=hint)

        value = read(text, fail) if text.strip() else refuse(path, "there is no number here", hint=EXAMPLES)
    refuse_infinite(value, path, text)
    return Setting(text, value)


def number(entry: Any, path: str) -> float:
    """The finite number of an entry.

    Errors: FileError.
    """
    found = setting(entry, path)
    if not isinstance(found.value, float):
        refuse(path, f"this is a list, not one number: {brief(found.text)}")
    value: float = found.value
    return value


def decimal(entry: Any, path: str) -> Decimal:
    """The decimal number of an entry, with its digits: 0.10 has two.

    Errors: FileError.
    """
    number(entry, path)
    try:
        found = Decimal(written(entry, path).strip().replace("−", "-"))
    except InvalidOperation:
        refuse(path, f"not a decimal number: {quoted(entry)}", hint="such as 3 or 0.25")
    if abs(found.adjusted()) > MOST_DIGITS or len(found.as_tuple().digits) > MOST_DIGITS:
        refuse(path, f"not a number that is drawn: {quoted(entry)}", hint="such as 3 or 0.25")
    return found


def written(entry: Any, path: str) -> str:
    """An entry as its writer typed it.

    >>> written([["1.50", 2], ["1/3", 0]], "W")
    '[[1.50, 2], [1/3, 0]]'

    Errors: FileError for what is neither a number, nor text, nor a list of these.
    """
    pieces: list[str] = []
    waiting: list[Any] = [entry]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Token):
            pieces.append(item.text)
        elif isinstance(item, list):
            between = [part for each in item for part in (Token(", "), each)][1:]
            waiting += [Token("]"), *reversed(between), Token("[")]
        elif isinstance(item, str):
            pieces.append(item)
        elif type(item) is int:
            if abs(item) >= 10**MOST_DIGITS:
                refuse(path, "this number has too many digits", hint="write it as 1e100")
            pieces.append(str(item))
        else:
            kind = KINDS.get(type(item), "a date or a time")
            refuse(path, f"this is {kind}, not a number")
    return "".join(pieces)


class Token(NamedTuple):
    """A bracket or a comma between entries."""

    text: str


def listed(entry: list[Any], path: str) -> Value:
    """The array of nested lists.

    Errors: FileError with the place, such as problem.1.at.W[0][1]; LimitError.
    """
    try:
        return nested_at(entry, path, lambda index: f"{path}{index}")
    except FileError as error:
        place, _, message = error.message.partition(": ")
        found = re.fullmatch(r"'(.*)' is not a number", message, re.DOTALL)
        said = f'not a number: "{brief(found[1])}"' if found else message
        raise FileError(f"{place}: {said}", hint=error.hint) from None


def refuse_infinite(value: Value, path: str, text: str) -> None:
    """An assignment's numbers are finite.

    Errors: FileError.
    """
    entries = [value] if isinstance(value, float) else value.ravel().tolist()
    if not all(map(isfinite, entries)):
        refuse(path, f"not a finite number: {quoted(text)}", hint="an assignment's numbers are finite")


def about(message: str, text: str) -> str:
    """A message on a text, which is named in it once."""
    if NOT_A_NUMBER.fullmatch(message):
        return f"not a number: {quoted(text)}"
    return message if text in message else f"{message}: {quoted(text)}"


def quoted(entry: Any) -> str:
    """An entry as a message quotes it."""
    return f'"{brief(str(entry))}"'


def refuse(path: str, message: str, hint: str | None = None) -> NoReturn:
    """Say what is wrong with an entry.

    Errors: FileError, always.
    """
    raise FileError(f"{path}: {message}", hint=hint)


def shape_of(value: Value) -> tuple[int, ...]:
    """The shape of a value; () for a number."""
    return tuple(getattr(value, "shape", ()))


def shown(value: Value) -> str:
    """The shortest text that reads back as the same value: 7, 0.25, [[1, 2], [3, 4]]."""
    return literals.text_of(value).replace(",", ", ")


def joined(path: str, keys: Sequence[str]) -> str:
    """A path, longer by keys; a key that is no plain word stands in quotes, as TOML has it.

    >>> joined("problem.1", ["cells", "value.q"])
    'problem.1.cells."value.q"'
    """
    parts = [key if re.fullmatch(r"[\w-]+", key) else f'"{key}"' for key in map(brief, keys)]
    return ".".join([path, *parts] if path else parts)
