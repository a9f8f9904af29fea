"""The expressions of a plot: formulas from the command line, standard input or a file, and bare names of functions."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from gradcli.cli import streams
from gradcli.cli.arguments import RESERVED, Arguments, variable
from gradcli.errors import ExpressionError, UsageError, brief
from gradcli.ops import FUNCTIONS
from gradcli.syntax import parse
from gradcli.tokens import CONSTANTS, NAME

if TYPE_CHECKING:
    from gradcli.graph import Graph

EXAMPLE = "gradcli plot sigmoid tanh relu"

LONGEST = 60
"""Characters of a program that is shown whole."""


class Text(NamedTuple):
    """An expression, the file that errors should name, and whether it is the bare name of a function."""

    text: str
    place: str | None = None
    bare: bool = False


def read_texts(arguments: Arguments, file: str | None) -> list[Text]:
    """Every expression, in order; the file's last.

    Errors: UsageError for none; FileError.
    """
    found = [Text(streams.read_input() if word == "-" else word) for word in arguments.expressions]
    if file is not None:
        from gradcli.reading.documents import read_text

        found.append(Text(read_text(file, streams.LARGEST), file))
    if not found:
        for each in arguments.bindings:
            if "=" not in each.written.partition(" ")[0]:  # a word that may have swallowed the expression
                raise UsageError(
                    f"the expression is missing: --{each.name} took '{brief(each.text)}' as its value",
                    source=each.written,
                    span=each.span(),
                    hint=f"write --{each.name}=… to keep the two apart\nan example: {EXAMPLE}",
                )
        raise UsageError("the expression is missing", hint=f"an example: {EXAMPLE}")
    return found


def single(each: Text) -> bool:
    """Whether an expression is a single word: the name of a function, or of a variable."""
    return re.fullmatch(NAME, each.text.strip()) is not None


def named(each: Text, given: Collection[str], definitions: str) -> Text:
    """An expression; or a function's bare name, unless a variable has this name: with a value, or in a formula beside.

    Errors: ExpressionError for a function of several inputs, or of whole vectors, and for a word that is neither a
    function nor a variable with a value or a range: a misspelt function would be a straight line.
    """
    name = each.text.strip()
    if not single(each) or variable(name) in {*given, *CONSTANTS}:
        return each
    if re.search(rf"(?m)(?:^|;)[^\S\n]*{re.escape(name)}[ \t]*\(", definitions):
        return each._replace(text=name, bare=True)
    row = FUNCTIONS.get(name)
    if row is None:
        raise ExpressionError(
            f"no function '{brief(name)}'", source=name, span=(0, len(name)), hint=instead(name), place=each.place
        )
    if row.accepts(1) and not row.structural:
        return each._replace(text=name, bare=True)
    call = f"{name}({', '.join(['x', '1', '0', '-1'][: max(len(row.parameters), 1)])})"
    if row.structural:
        hint = "write a formula whose result is a number, such as softmax([x, 1, 0])[0]"
        raise ExpressionError(f"{name} is a function of whole vectors", source=name, span=(0, len(name)), hint=hint)
    raise ExpressionError(
        f"{name} has {len(row.parameters)} inputs", source=name, span=(0, len(name)), hint=f"write {call}"
    )


def instead(word: str) -> str:
    """What to write in place of a word that is no function."""
    from difflib import get_close_matches

    from gradcli.misnomers import MISSING

    near = get_close_matches(word, FUNCTIONS, 1, 0.75) if len(word) > 2 else []
    meant = MISSING.get(word) or (f"did you mean {near[0]}?" if near else "all functions: gradcli ops")
    name = variable(word)
    option = f"--set {name}=-6:6" if name in RESERVED else f"--{name}=-6:6"
    return f"{meant}\na variable is given its range: {option}"


def parsed(each: Text, given: Collection[str], definitions: str, defs: str | None) -> Graph:
    """The graph of an expression; an error in definitions names their file."""
    try:
        return parse(each.text, given=given, definitions=definitions, place=each.place)
    except ExpressionError as error:
        if error.place == "definitions":
            error.place = defs
        raise


def label(text: str) -> str:
    r"""What an expression is called: its statements on one line without comments; of a long program the last one.

    >>> label("# a parabola\nq = x+1\nq^2")
    'q = x+1; q^2'
    """
    lines = [line.partition("#")[0].strip() for line in text.split("\n")]
    statements = [each.strip() for line in lines for each in line.split(";") if each.strip()]
    whole = "; ".join(statements)
    last = statements[-1] if statements else ""
    return last if len(whole) > LONGEST and last.count("(") == last.count(")") else whole
