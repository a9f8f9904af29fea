"""An assignment on a command line: its file, or a bare expression with values in its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradcli.cli.arguments import Arguments, Binding, assignment
from gradcli.errors import FileError, UsageError, brief

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment

FILES = (".toml", ".json")
"""Endings of assignments."""

ANSWERS = (".csv", ".tsv", ".npz", ".md")
"""Endings of files that are none."""

NAMED = re.compile(r"[\w./\\~-]+\.[a-z]{2,5}")
"""What is a file's name, and no expression: those have no dots within names but for .T"""


def read_assignment(
    arguments: Arguments,
    command: str,
    *,
    settings: Sequence[str] = (),
    encoding: str | None = None,
    options: Collection[str] = (),
) -> Assignment:
    """The assignment of a command line.

    settings: what `--set` gave.
    Errors: UsageError, ExpressionError, FileError, LimitError.
    """
    word = arguments.expressions[0] if arguments.expressions else None
    if word is None:
        raise UsageError("the assignment is missing", hint=f"such as gradcli {command} hw4.toml …")
    bindings = [*arguments.bindings, *(assignment(text) for text in settings)]
    if is_file(word):
        return _from_file(word, bindings, command, encoding, options)
    return _from_expression(word, bindings)


def is_file(word: str) -> bool:
    """Whether a word names an assignment's file, and is no expression.

    >>> is_file("hw4.toml"), is_file("(x+y)*z")
    (True, False)
    """
    try:
        return Path(word).suffix.lower() in FILES or Path(word).exists() or NAMED.fullmatch(word) is not None
    except (OSError, ValueError):
        return False


def _from_file(
    word: str, bindings: Sequence[Binding], command: str, encoding: str | None, options: Collection[str]
) -> Assignment:
    """The assignment in a file, which says everything."""
    from difflib import get_close_matches

    from gradcli.homework.files.assignment import load

    for binding in bindings:
        near = get_close_matches(f"--{binding.name}", list(options), 1, 0.7)
        raise UsageError(
            f"the assignment gives {binding.name} its value",
            source=binding.written,
            span=(0, len(binding.written)),
            hint=f"did you mean {near[0]}?" if near else "leave it out; values belong to a bare expression",
        )
    if Path(word).is_dir() or Path(word).suffix.lower() in ANSWERS:
        what = "this is a folder" if Path(word).is_dir() else "these are answers"
        raise FileError(
            f"{word}: {what}, where the assignment belongs",
            hint=f"the assignment comes first: gradcli {command} hw4.toml …",
        )
    return load(word, encoding)


def _from_expression(text: str, bindings: Sequence[Binding]) -> Assignment:
    """The assignment that an expression stands for."""
    from gradcli.cli.values import refuse_twice, value
    from gradcli.homework.files.assignment import from_expression

    refuse_twice(bindings)
    return from_expression(text, {binding.name: value(binding) for binding in bindings})


def stem(word: str) -> str:
    """What files are named after: an assignment's own name; `homework` where there is none.

    >>> stem("course/hw4.toml"), stem("x*y")
    ('hw4', 'homework')
    """
    return brief(Path(word).stem, 60) if is_file(word) else "homework"
