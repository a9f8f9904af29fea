"""Names in code that is written: the user's own where the language takes them, and each of them once."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

from gradcli.errors import UsageError

PLAIN = re.compile(r"(?:[A-Za-z]|_[a-z0-9])[A-Za-z0-9_]*")

PYTHON = frozenset(
    (*keyword.kwlist, *"self print name gradient gradients float map zip range np jnp jax pl torch".split())
)
"""Words that a parameter of a Python function cannot be, or had better not."""


class Names:
    """The names of one piece of code.

    reserved: words of the language and of the code.   folded: whether upper and lower case are one.
    """

    def __init__(self, reserved: Iterable[str], *, folded: bool = False) -> None:
        self.folded = folded
        self.taken = {self.key(word) for word in reserved}
        self.counts: dict[str, int] = {}

    def key(self, name: str) -> str:
        """What makes two names the same."""
        return name.casefold() if self.folded else name

    def free(self, name: str) -> bool:
        """Whether the language takes a name, and nothing else has it."""
        return PLAIN.fullmatch(name) is not None and self.key(name) not in self.taken

    def take(self, wanted: str, otherwise: str) -> str:
        """This name, if it is free; else in Latin letters; else `otherwise` with a number."""
        found = next((name for name in (wanted, latin(wanted)) if self.free(name)), "")
        return self.keep(found) if found else self.numbered(otherwise)

    def numbered(self, stem: str) -> str:
        """The first of stem1, stem2 … that is free."""
        count = self.counts.get(stem, 1)
        while self.key(f"{stem}{count}") in self.taken:
            count += 1
        self.counts[stem] = count
        return self.keep(f"{stem}{count}")

    def keep(self, name: str) -> str:
        """A name, which is taken from now on."""
        self.taken.add(self.key(name))
        return name

    def variables(self, names: Iterable[str]) -> dict[str, str]:
        """Variable → its name in the code; those that can keep their own come first."""
        names = list(names)
        kept = {name: self.keep(name) for name in names if self.free(name)}
        return {name: kept.get(name) or self.take(name, "x") for name in names}


def latin(name: str) -> str:
    """A name with its Greek letters spelled out.

    >>> latin("Δθ_1"), latin("ж")
    ('Deltatheta_1', 'ж')
    """
    return "".join(map(spelled, name))


def spelled(letter: str) -> str:
    """A Greek letter's name in Latin letters; any other letter as it is."""
    size, _, word = unicodedata.name(letter, "").removeprefix("GREEK ").partition(" LETTER ")
    if "GREEK" not in unicodedata.name(letter, "") or not word.isalpha():
        return letter
    return word.lower() if size == "SMALL" else word.capitalize()


def function_name(wanted: str | None, default: str, reserved: Iterable[str], called: str) -> str:
    """The name of the function that is written.

    Errors: UsageError for a word that the language keeps.
    """
    if wanted is not None and wanted in reserved:
        raise UsageError(f"--function: {wanted} is a word of {called}", hint="such as --function loss")
    return wanted or default
