"""What is said, in the reader's language: the texts are data, in gradcli/languages/LANGUAGE/AREA.toml.

A key is AREA.NAME. A text has fields in braces; what fills them is never read as a text of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from gradcli.errors import UsageError
from gradcli.homework.records import Said

LANGUAGES = ("en", "ko")

VARIABLE = "GRADCLI_LANG"
"""The environment variable that sets the language."""

FIELD = re.compile(r"\{(\w+)\}")


class Words:
    """The texts of one language.

    figure: how a number is written.
    """

    def __init__(self, language: str, figure: Any = None) -> None:
        if language not in LANGUAGES:
            raise UsageError(f"no language '{language}'", hint=f"one of: {', '.join(LANGUAGES)}")
        from gradcli.render.figures import Style
        from gradcli.render.figures import figure as shown

        self.language, self.figure = language, figure or (lambda value: shown(value, Style()))

    def say(self, key: str, **fields: Any) -> str:
        """A text, its fields filled in."""
        return self.said(Said(key, fields))

    def said(self, message: Said) -> str:
        """A message in this language."""
        area, _, name = message.key.partition(".")
        return FIELD.sub(lambda field: self._shown(message.fields[field[1]]), texts(self.language, area)[name])

    def _shown(self, entry: Any) -> str:
        if isinstance(entry, Said):
            return self.said(entry)
        if isinstance(entry, float):
            return str(self.figure(entry))
        return str(entry)


@cache
def texts(language: str, area: str) -> Mapping[str, str]:
    """The texts of one area, by name."""
    source = files("gradcli") / "languages" / language / f"{area}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
