"""Numbers from the command line and from files: constants of gradcli's own language, never Python's.

    1.5   -1/4   pi/4   2^-3   sqrt(2)   1e-8   inf   -inf   nan      a number, or an expression of numbers
    @w.txt   @w.csv   @w.json   @w.npy                                a file with one number

`@` works on the command line only, never inside a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import inf, isfinite, nan

from gradcli.cli.arguments import Binding
from gradcli.errors import GradcliError, Span, UsageError
from gradcli.syntax import RESCALE, number, parse
from gradcli.systems.floats import FLOATS
from gradcli.tokens import NUMBER

SPECIAL = {"inf": inf, "infinity": inf, "nan": nan}
"""What is no literal of the language, and can be given all the same."""

IN_RANGE = "a value lies between about 4.9e-324 and 1.8e308, or is 0 or inf"

PLAIN = re.compile(rf"([-+−]?)(?:({NUMBER})|(inf|infinity|nan))\Z", re.IGNORECASE | re.ASCII)
RADIX = r"[-+]?0[xXoObB][0-9a-fA-F]+"

Fail = Callable[..., GradcliError]
"""Makes the error: (message, span in the value's text, hint) → error with its place."""


# ── one value ───────────────────────────────────────────────────────────────────────────────────────────


def value(binding: Binding) -> float:
    """The number of a binding from the command line; `@file` reads it from a file.

    Errors: UsageError, pointing into the words; FileError.
    """

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        place = binding.span(*span) if span else binding.span()
        return UsageError(message, source=binding.written, span=place, hint=hint)

    text = binding.text.strip()
    if text.startswith("@"):
        from gradcli.cli.files import from_file

        return from_file(text[1:], binding)
    if not text:
        raise fail(f"{binding.name} has no value", hint=f"write --{binding.name}=3")
    return constant(binding.text, fail)


def constant(text: str, fail: Fail) -> float:
    """The number that a text stands for: a literal, or an expression of constants run by the engine.

    >>> constant("-1/4", UsageError)
    -0.25
    """
    plain = PLAIN.match(text.strip())
    if plain and plain[3]:
        return -SPECIAL[plain[3].lower()] if plain[1] in ("-", "−") else SPECIAL[plain[3].lower()]
    if not plain:
        refuse(text, fail)
    try:
        if plain:
            magnitude = number(plain[2], text, (0, len(text)))
            return -magnitude if plain[1] in ("-", "−") else magnitude
        graph = parse(text)
    except GradcliError as error:
        if error.source is None:
            raise
        raise fail(error.message, error.span, IN_RANGE if error.hint == RESCALE else error.hint) from None
    if graph.inputs:
        name, index = next(iter(graph.inputs.items()))
        raise fail(
            f"'{name}' is not a number",
            graph.spans[index],
            "a value is made of numbers: 1.5, -1/4, pi/4, 1e-8",
        )
    result = float(graph.evaluate(FLOATS, {})[graph.output])
    if not isfinite(result):
        raise fail(f"this value is {result}", hint=f"if it is meant, write {result}")
    return result


def refuse(text: str, fail: Fail) -> None:
    """What the language would read, or refuse, in another sense than its writer meant."""
    word = text.strip()
    uncertain = re.search(r"\+\s*[-−]|±", text)
    if uncertain:
        raise fail(
            "a value has no uncertainty",
            uncertain.span(),
            "+- and ± are kept for uncertainties; write one number",
        )
    if word.startswith(("[", "(")) and re.match(r"[\[(][^()]*[,\]]", word):
        raise fail("this is a list: values are scalars", None, "give each entry a variable of its own: --x0=1 --x1=2")
    if word.startswith("@"):
        raise fail("a file is named on the command line only", None, "write the number here")
    comma = re.fullmatch(r"([-+−]?[0-9]+),([0-9]+)", word)
    if comma:
        raise fail(f"'{word}' is not a number", None, f"the decimal sign is a point: {comma[1]}.{comma[2]}")
    if re.fullmatch(RADIX, word):
        raise fail("numbers are written in decimal", None, f"write {int(word, 0)}" if len(word) < 40 else None)
    stray = re.search(r"[;\n#]|(?<![<>=!])=(?!=)", text)
    if stray:
        raise fail("a value is one expression of numbers", stray.span(), "such as 1.5, -1/4, pi/4")


# ── all values of a command ─────────────────────────────────────────────────────────────────────────────


def refuse_twice(bindings: Iterable[Binding]) -> None:
    """Each name is given one value.

    Errors: UsageError for a name that is given twice, in whatever spelling.
    """
    first: dict[str, str] = {}
    for binding in bindings:
        if binding.name in first:
            before = len(first[binding.name]) + 1
            raise UsageError(
                f"{binding.name} is given twice",
                source=f"{first[binding.name]} {binding.written}",
                span=(before, before + len(binding.written)),
                hint="keep one of them",
            )
        first[binding.name] = binding.written
