"""The language that a command speaks."""

# Annotations are values here, not text: typer would compile each of them again on every run.

import os
from typing import Annotated

import typer

from gradcli.cli.command import cannot_be, completing
from gradcli.words import LANGUAGES, VARIABLE, spoken

Language = Annotated[
    str | None,
    typer.Option(
        help=f"The language of what is said; {VARIABLE} sets another default.",
        metavar="|".join(LANGUAGES),
        autocompletion=completing(LANGUAGES),
    ),
]


def language(lang: str | None, own: str | None = None) -> str:
    """The language that the option, or the environment, or else an assignment asks for.

    Errors: UsageError with the languages there are.
    """
    flag, word = ("--lang", lang) if lang is not None else (VARIABLE, os.environ.get(VARIABLE) or own or LANGUAGES[0])
    found = spoken(word)
    if found is None:
        raise cannot_be(flag, word, f"one of: {', '.join(LANGUAGES)}")
    return found
