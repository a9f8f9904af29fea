"""Values as text, from the command line and from files: constants of gradcli's own language, never Python's, and lists.

1.5   -1/4   pi/4   2^-3   sqrt(2)   1e-8   inf   -inf   nan      a number, or an expression of numbers
[0.2, 0.4]   [1/3, pi/4, -inf]   [[1, 2], [3, 4]]                 a vector, a matrix: lists of such entries
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Any, TypeAlias

from gradcli.errors import GradcliError, LimitError, Span, brief
from gradcli.syntax import parse
from gradcli.tokens import NUMBER, RESCALE, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.float64]"
Value: TypeAlias = "float | Array"
"""What a variable is given: a float, or an array with at least one axis."""

SPECIAL = {"inf": inf, "infinity": inf, "nan": nan}
"""What is no literal of the language, and can be given all the same."""

IN_RANGE = "a value lies between about 4.9e-324 and 1.8e308, or is 0 or inf"

PLAIN = re.compile(rf"([-+−]?)(?:({NUMBER})|(inf|infinity|nan))\Z", re.IGNORECASE | re.ASCII)
RADIX = r"[-+]?0[xXoObB][0-9a-fA-F]+"
LISTED = r"[({]([^(){}\[\];]*,[^(){}\[\];]*)[)}]|([^(){}\[\],;]+(?:,[^(){}\[\],;]+){2,},?)"
"""Entries in other brackets than a list's, or in none: (1, 2), 1, 2, 3."""


Fail = Callable[..., GradcliError]
"""Makes the error: (message, span in the value's text, hint) → error with its place."""


def read(text: str, fail: Fail) -> Value:
    """The number or array that a text stands for.

    >>> from gradcli.errors import UsageError
    >>> read("[1/4, -2]", UsageError)
    array([ 0.25, -2.  ])
    """
    if text.lstrip().startswith("["):
        return listed(text, fail)
    plain = PLAIN.match(text.strip())
    return constant(text, fail) if plain else expression(text, fail)


def listed(text: str, fail: Fail) -> Value:
    """The array that a list stands for, each entry a constant; or what an expression that begins with one does."""

    def refuse_list(message: str, span: Span, hint: str | None) -> None:
        raise fail(message, span, IN_RANGE if hint == RESCALE else hint)

    def entry(word: str, span: Span) -> float:
        def here(message: str, place: Span | None = None, hint: str | None = None) -> GradcliError:
            start, end = place or (0, len(word))
            return fail(message, (span[0] + start, span[0] + end), hint)

        if word[0] in "'\"":
            raise here("a list holds numbers, not text", None, "write them without quotes")
        return constant(word, here)

    from gradcli import literals

    start = len(text) - len(text.lstrip())
    reader = literals.Reader(text, start, len(text.rstrip()), refuse_list, entry)
    try:
        nested = reader.read()
    except LimitError as error:
        raise LimitError(error.message) from None
    after = text[reader.stop :].strip()
    if after.startswith("]"):
        place = text.index("]", reader.stop)
        raise fail("this ']' closes nothing", (place, place + 1), "remove it")
    if after:
        return expression(text, fail)
    return array(nested)


def array(nested: Any) -> Array:
    """Nested tuples or lists of floats as an array."""
    import numpy as np

    return np.array(nested, dtype=np.float64)


def constant(text: str, fail: Fail) -> float:
    """The number that a text stands for: a literal, or an expression of constants run by the engine.

    >>> from gradcli.errors import UsageError
    >>> constant("-1/4", UsageError)
    -0.25
    """
    plain = PLAIN.match(text.strip())
    if plain and plain[3]:
        return -SPECIAL[plain[3].lower()] if plain[1] in ("-", "−") else SPECIAL[plain[3].lower()]
    if plain:
        try:
            magnitude = number(plain[2], text, (0, len(text)))
        except GradcliError as error:
            raise fail(error.message, error.span, IN_RANGE) from None
        return -magnitude if plain[1] in ("-", "−") else magnitude
    result = expression(text, fail)
    if not isinstance(result, float):
        raise fail(f"this is a list of {result.size} numbers, where one belongs")
    return result


def expression(text: str, fail: Fail) -> Value:
    """The number or array that an expression of constants has, run by the engine."""
    refuse(text, fail)
    try:
        graph = parse(text)
        result = None if graph.inputs else graph.forward({}).value
    except GradcliError as error:
        if error.source is None:
            raise
        from gradcli import literals

        hint = IN_RANGE if error.hint == RESCALE else error.hint
        if literals.SIDE_BY_SIDE.fullmatch(text.strip()):
            hint = f"{hint}; a list is [{brief(', '.join(text.split()))}]"
        raise fail(error.message, error.span, hint) from None
    if result is None:
        name, index = next(iter(graph.inputs.items()))
        advice = "a value is made of numbers: 1.5, -1/4, pi/4, 1e-8"
        raise fail(f"'{name}' is not a number", graph.spans[index], advice)
    if isinstance(result, float):
        if not isfinite(result):
            raise fail(f"this value is {float(result)}", hint=f"if it is meant, write {float(result)}")
        return float(result)
    wrong = [entry for entry in result.ravel().tolist() if not isfinite(entry)]
    if wrong:
        raise fail(f"an entry of this value is {wrong[0]}", hint=f"if it is meant, write [{wrong[0]}, …]")
    return array(result)


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
    left_out = re.search(r"\.\.\.|…", text)
    if left_out:
        raise fail("entries are left out here", left_out.span(), "write all of them, or name a file: @x.npy")
    several = re.fullmatch(LISTED, word)
    if several:
        inside = (several[1] or several[2]).strip(" ,")
        raise fail("a list stands in square brackets", None, f"write [{brief(inside)}]")
    if word.startswith("@"):
        raise fail("a file is named on the command line only", None, "write the number here")
    if re.fullmatch(r"[^\[\]:]+(?::[^\[\]:]+){1,2}", word):
        raise fail("this is a range, and one number belongs here", None, "gradcli plot draws along a range")
    comma = re.fullmatch(r"([-+−]?[0-9]+),([0-9]+)", word)
    if comma:
        hint = f"the decimal sign is a point: {comma[1]}.{comma[2]}; a list has brackets: [{comma[1]}, {comma[2]}]"
        raise fail(f"'{word}' is not a number", None, hint)
    if re.fullmatch(RADIX, word):
        raise fail("numbers are written in decimal", None, f"write {int(word, 0)}" if len(word) < 40 else None)
    stray = re.search(r"[;\n#]|(?<![<>=!])=(?!=)", text)
    if stray:
        raise fail("a value is one expression of numbers", stray.span(), "such as 1.5, -1/4, pi/4")
