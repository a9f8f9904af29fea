"""What a call means: its row, its arguments and keywords, and the keys of an index.

    call    = NAME "(" expression { "," expression } { "," NAME "=" literal } ")"
    literal = [ "+" | "-" ] NUMBER | axes | "True" | "False"
    key     = [ INTEGER ] [ ":" [ INTEGER ] [ ":" [ INTEGER ] ] ]

A keyword may also name an input: huber(p, t=1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from gradcli.errors import LimitError, Span
from gradcli.graph import LIMIT, Builder
from gradcli.ops import FUNCTIONS, TABLE
from gradcli.ops.op import LIMITS, Axis, Op
from gradcli.tokens import AXES, INTEGER, keyword_pattern, number

if TYPE_CHECKING:
    from gradcli.expressions import Operand
    from gradcli.syntax import Parser

MOST_ARGUMENTS = 1000
"""Arguments that a call may have: each edge's rule reads all of them."""

STACK, INDEX = TABLE["stack"], TABLE["index"]


def function(parser: Parser, word: str, span: Span) -> Op:
    """The row of the table, or the user's gate, that a call means."""
    name = parser.name(word, span)
    if name == parser.defining:
        parser.fail(f"'{name}' is defined by itself", span, "a definition may call only earlier ones")
    op = parser.gates.get(name) or FUNCTIONS.get(name)
    if op is None:
        from gradcli import misnomers

        misnomers.unknown_function(parser, name, span)
    return op


def meant(op: Op, count: int) -> Op:
    """The row that a call with so many arguments means: max(x) is the largest entry of x."""
    return TABLE[op.alone] if op.alone and count == 1 else op


def called(
    parser: Parser, builder: Builder, op: Op, operands: list[Operand], keywords: dict[str, str], span: Span
) -> int:
    """The node of a call."""
    arguments = [index for index, _, _ in operands]
    op = meant(op, len(arguments))
    if op.trailing and len(arguments) > len(op.parameters):
        op = with_trailing(parser, builder, op, operands[len(op.parameters) :])
        del arguments[len(op.parameters) :]
    if len(arguments) > MOST_ARGUMENTS:
        check_count(parser, op, len(arguments), span[0])
    for name in op.parameters[len(arguments) :]:
        if name in keywords:
            word = keywords.pop(name)
            arguments.append(builder.constant(word, number(word, parser.text, span), span))
    if not op.accepts(len(arguments)) or any(name in op.parameters for name in keywords):
        from gradcli import misnomers

        misnomers.wrong_count(parser, op, len(arguments), span, keywords)
    if keywords:
        op = op.bind(**{name: attribute(parser, op, name, word, span) for name, word in keywords.items()})
    if op.body is not None and parser.defining is None:
        op = written_out(parser, op, span)
    return builder.add(op, tuple(arguments), *span)


def check_count(parser: Parser, op: Op, count: int, start: int) -> None:
    """Refuse a list or a call of more than MOST_ARGUMENTS.

    Errors: LimitError.
    """
    if op is STACK:
        raise LimitError(
            f"a list with variables has {count:,} entries; {MOST_ARGUMENTS:,} is the most",
            source=parser.text,
            span=(start, start + 1),
            hint="join shorter ones: concat([…], […])",
            place=parser.place,
        )
    if op.variadic or op.body is not None:
        name = op.called or op.name
        nested = f"nest the calls: {name}({name}(a, b), {name}(c, d))"
        raise LimitError(
            f"{op.name} is called with {count:,} arguments; {MOST_ARGUMENTS:,} is the most",
            source=parser.text,
            span=(start, start + len(op.name)),
            hint=nested if op.body is None else "define several gates, each of fewer parameters",
            place=parser.place,
        )


def written_out(parser: Parser, op: Op, span: Span) -> Op:
    """A user's gate as it is called: with every definition that its body calls written out.

    Errors: LimitError when all calls together would be more nodes than a graph may have.
    """

    def too_large() -> NoReturn:
        raise LimitError(
            f"the definitions would expand to more than {LIMIT:,} nodes",
            source=parser.text,
            span=span,
            hint="each definition that calls another twice doubles the size",
            place=parser.place,
        )

    parser.expanded += parser.gates.sizes[op.name]
    if parser.expanded > LIMIT:
        too_large()
    try:
        return parser.gates.written_out(op)
    except LimitError:
        too_large()


def with_trailing(parser: Parser, builder: Builder, op: Op, extra: list[Operand]) -> Op:
    """The row with the whole numbers that follow its inputs: reshape(x, 2, 3)."""
    found: list[int] = []
    for index, start, end in extra:
        literal = builder.numbers.get(index)
        values = literal.value if literal is not None and isinstance(literal.value, tuple) else ()
        values = (literal.value,) if literal is not None and not values else values
        if values and all(isinstance(v, float) and v == int(v) for v in values) and max(map(abs, values)) >= 2**53:
            parser.fail(f"'{op.trailing}' of {op.name} is out of range", (start, end), usage_of(op))
        if not values or not all(isinstance(v, float) and v == int(v) for v in values):
            parser.fail(f"'{op.trailing}' of {op.name} is made of whole numbers", (start, end), usage_of(op))
        found += [int(v) for v in values]
    return op.bind(**{op.trailing: tuple(found)})


def usage_of(op: Op) -> str:
    """How further whole numbers are written."""
    return f"such as {op.name}(x, 2, 3)" if op.trailing == "shape" else f"such as {op.name}(x, 1, 0)"


def index_of(parser: Parser, match: re.Match[str]) -> Op:
    """The row of x[key]: a whole number an axis, or a slice as (start, stop, step)."""
    key: list[Any] = []
    for word in re.sub(r"\s", "", match[1].replace("−", "-")).split(","):
        parts = [int(part) if part else None for part in word.split(":")]
        if word == "":
            parser.fail("an index is missing here", match.span(), "such as x[0], W[0,1], x[1:3], W[:,0]")
        if len(parts) == 3 and parts[2] == 0:
            parser.fail("a slice has no step 0", match.span(), "such as x[::2]")
        key.append(parts[0] if len(parts) == 1 else (*parts, *[None] * (3 - len(parts))))
    return INDEX.bind(key=tuple(key))


# ── keywords ────────────────────────────────────────────────────────────────────────────────────────────


def keywords(parser: Parser, op: Op, match: re.Match[str] | None) -> tuple[dict[str, str], int]:
    """{"," NAME "=" literal} ")": the words after each name at the end of a call, and the place after it."""
    given: dict[str, str] = {}
    while match is not None:
        name, stop = parser.name(match[1], match.span(1)), match.end()
        if name not in op.attributes and name not in op.parameters:
            from gradcli import misnomers

            misnomers.unknown_keyword(parser, op, name, match.span(1))
        if name in given:
            parser.fail(f"'{name}' is given twice", match.span(1), "remove one")
        given[name] = keyword_value(parser, op, name, match)
        if parser.text[stop : stop + 1] == ")":
            return given, stop + 1
        if parser.text[stop : stop + 1] != ",":
            parser.fail(f"'{name}=' takes a number, then ',' or ')'", (stop, stop + 1), "keywords come last")
        match = keyword_pattern(parser.text.isascii()).match(parser.text, stop + 1)
    return parser.fail("after a keyword come only keywords", (stop, stop + 1), f"put {name}=… last")


def keyword_value(parser: Parser, op: Op, name: str, match: re.Match[str]) -> str:
    """NAME "=" literal: the literal, if it is one that the keyword takes."""
    whole = whole_numbers(op.attributes.get(name, 0.0))
    if match[2] is None:
        what, example = ("a whole number", "0") if whole else ("a number", "0.1")
        parser.fail(f"'{name}=' takes {what}", match.span(1), f"such as {op.called or op.name}(x, {name}={example})")
    word = re.sub(r"\s", "", match[2].replace("−", "-").replace("+", "", match[2].startswith("+")))
    if not whole and word.lstrip("-")[0] not in "0123456789.":
        parser.fail(f"'{name}=' takes a number", match.span(2), f"such as {op.name}(x, {name}=0.1)")
    if whole and not re.fullmatch(rf"{INTEGER}|{AXES}|True|False", word):
        wrong = "is out of range" if re.fullmatch(r"-?[0-9]+", word) else "takes a whole number"
        parser.fail(f"'{name}=' {wrong}", match.span(2), f"such as {op.name}(x, {name}=0)")
    limit = op.limits.get(name)
    if limit is not None and not LIMITS[limit](float(word)):
        start = match.start(2)
        parser.fail(
            f"'{name}=' of {op.name} must be {limit}",
            (start, start + len(match[2].rstrip())),
            f"such as {name}={op.attributes[name]:g}, which it is unless given",
        )
    return word


def attribute(parser: Parser, op: Op, name: str, word: str, span: Span) -> Any:
    """The value of a keyword: a number, or whole numbers where its default is an axis, a shape or a truth value."""
    default = op.attributes[name]
    if not whole_numbers(default):
        return number(word, parser.text, span)
    if word in ("True", "False"):
        return word == "True"
    listed = tuple(int(part) for part in word.strip("[]()").split(",") if part)
    return listed if word[0] in "[(" or isinstance(default, tuple) else listed[0]


def whole_numbers(default: Any) -> bool:
    """Whether an attribute is an axis, axes, a shape or a truth value, by its default."""
    return default is None or isinstance(default, bool | tuple | Axis)
