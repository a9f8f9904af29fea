"""How a language is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite, isnan
from typing import NamedTuple

from gradcli.ops.op import NOTHING, Op


class Dialect(NamedTuple):
    """How a language is written.

    key: its own column in the rows' spellings, patterns such as `#1 + #2` or a function's name.
    called: its name for people.   assignment: with {name} and {code}.   special: inf, -inf and nan.
    base: the columns, the first that knows one, whose words it takes where a row has none of its own; `form` makes a
    call of such a word.
    own: word of `base` → the pattern that is right here, or None for what the language lacks.
    helpers: the word that a pattern starts with → the text that defines it, for what the language has not by itself.
    truths: word → the pattern as a truth, for code that people read; in it, ?1 is the first part as a truth.
    whole: whether 2 is written for 2.0.   raises: the words whose functions raise outside the op's domain.
    """

    key: str
    called: str
    assignment: str
    special: tuple[str, str, str]
    base: str = ""
    form: str = "{word}"
    own: Mapping[str, str | None] = NOTHING
    helpers: Mapping[str, str] = NOTHING
    truths: Mapping[str, str] = NOTHING
    whole: bool = False
    raises: frozenset[str] = frozenset()

    def spelling(self, op: Op) -> str | None:
        """The pattern of an op; None where the language lacks it."""
        word: str | None = op.spelled.get(self.key)
        for base in self.base.split():
            if word is None and base in op.spelled:
                word = op.spelled[base]
                word = self.own[word] if word in self.own else self.form.format(word=word)
        if word is None or "#" in word:
            return word
        places = range(1, len(op.parameters) + 1)
        return f"{word}({', '.join(f'#{place}' for place in places)})"

    def number(self, value: float) -> str:
        """A double, so that it reads back as the same."""
        if not isfinite(value):
            return self.special[2] if isnan(value) else self.special[value < 0]
        text = repr(value)
        return text.removesuffix(".0") if self.whole and (value or text[0] != "-") else text


LOOSE, SUM, PRODUCT, TIGHT, ATOM = range(5)
"""How tightly a piece of code binds, in every language alike: anything else, + -, * /, a sign or power, a name."""

SHAPES = (
    (SUM, re.compile(r"#1 [+-] #2")),
    (PRODUCT, re.compile(r"#1 [*/@] #2|1\.0 \* #1")),
    (TIGHT, re.compile(r"-#1|#1 \*\* #2")),
    (ATOM, re.compile(r"[\w.]+|[\w.]+\((#\d|[\w.]+)(, (#\d|(\w+=)?-?[\w.]+))*\)|\([^()]*\)|[\w.]+\([^()#]*\)")),
    (ATOM, re.compile(r"#1(\.\w+(\([^()]*\))?|\[[^\[\]]*\])+")),
)


def binding(pattern: str) -> int:
    """How tightly a pattern binds, its parts being in parentheses where they have to be."""
    return next((tightness for tightness, shape in SHAPES if shape.fullmatch(pattern)), LOOSE)


def filled(pattern: str, parts: list[tuple[str, int]]) -> str:
    """A pattern with its parts, (text, how tightly it binds), put in."""
    outer = binding(pattern)

    def put(place: re.Match[str]) -> str:
        k = int(place[1]) - 1
        text, inner = parts[k]
        if outer in (SUM, PRODUCT):
            loose = inner < outer + (k > 0) or (text[0] == "-" and k > 0)
        elif outer == ATOM and not pattern.startswith(("#1.", "#1[")):
            loose = False
        else:
            loose = inner < ATOM or text[0] == "-"
        return f"({text})" if loose else text

    return re.sub(r"#([0-9]+)", put, pattern)
