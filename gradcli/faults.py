"""What to say about text that is not in the language: what is wrong, where, and what to write instead.

Each function ends in `parser.fail`. The parser calls one at the place where it cannot go on; nothing here
decides what is accepted.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NoReturn

from gradcli.ops import FUNCTIONS, INFIX
from gradcli.tokens import CALL, NEWLINE, OPERAND, SUPERSCRIPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcli.errors import Span
    from gradcli.expressions import Operand, Waiting
    from gradcli.syntax import Parser

STRANGE = {
    "½": "write (1/2)",
    "¼": "write (1/4)",
    "¾": "write (3/4)",
    "√": "write sqrt(…)",
    "∛": "write cbrt(…)",
    "∞": "infinity is no number to differentiate at; give a large one, such as 1e308",
    "∂": "gradcli differentiates the whole expression; read the gradient of x with --get dx",
    "∑": "the sum of a vector's entries is sum(x); or write it out, term by term",
    "∏": "the product of a vector's entries is prod(x); or write it out, factor by factor",
    "‖": "write norm(x) for ‖x‖",
    "–": "this is a dash; write -",
    "—": "this is a dash; write -",
    "%": "the remainder is not differentiable everywhere; write x/100 for a percentage",
    "!": "for a factorial write gamma(n+1); 'not equal' is !=",
    "&": "multiply truth values: (a>0)*(b>0)",
    "|": "write abs(x) for |x|, norm(x) for the length of a vector, max(a,b) for 'or'",
    "'": "read the derivative with --get dx; the transpose is x.T; text in quotes has no meaning here",
    '"': "text in quotes has no meaning here",
    "$": "quote the expression with '…' or \"…\" for your shell; names have no $",
    "\\": "write functions by their names: exp(x), not \\exp(x)",
    "{": "brackets are ( and ), those of a list [ and ]",
    "}": "brackets are ( and ), those of a list [ and ]",
    "?": "write where(condition, a, b)",
    ":": "write where(condition, a, b), or name a node with q = …",
    ".": "a number has digits: 0.5; names have no dots; the transpose is x.T",
    "~": "multiply truth values, or write 1-c for 'not c'",
    "`": "quote the expression with '…' for your shell",
    "°": "angles are in radians: write x*pi/180",
    "′": "read the derivative with --get dx; the transpose is x.T",
    "⊤": "the transpose is x.T",
}
"""Characters outside the language, and what their writer may have meant."""

NOT_OPERATORS = {
    "=": "== compares; a name for a node stands at the start of a statement: q = x+y; q*z",
    "^=": "^ is the power; == compares",
    "+=": "a node is named once: y = x+2",
    "-=": "a node is named once: y = x-2",
    "*=": "a node is named once: y = x*2",
    "/=": "a node is named once: y = x/2",
    "<>": "'not equal' is !=",
    "//": "division is /; for the whole part write floor(x/y)",
    "&&": "multiply truth values: (a>0)*(b>0)",
}

MATRICES = r"@|\.T\b|ᵀ|\b[A-Z]\d*\b"
"""What is written where there are matrices: their operators, and their names."""

POWERED = r"([^\W\d]\w*)\s*(?:(?:\^|\*\*)\s*([-−]?[0-9]+)|([⁺⁻]?[⁰¹²³⁴-⁹]+))\s*\Z"
"""A name with a power, as in sin²(x)."""

NUMERAL = r"[0-9.]+"


def strange(parser: Parser, at: int) -> NoReturn:
    """A character that begins no token."""
    text = parser.text
    character = text[at]
    if character == ".":
        from gradcli.misnomers import dotted

        dotted(parser, at)
    hint = STRANGE.get(character)
    keyword = re.search(r"[(,]\s*(\w+)\s*\Z", text[max(0, at - 100) : at])
    if character == "=" and keyword:
        parser.fail(
            f"'{keyword[1]}=' stands before an input, or is no keyword here",
            (at - len(keyword[0].lstrip("(, \t")), at + 1),
            "keywords stand last: leaky_relu(x, slope=0.1); values of variables are options: --x=3",
        )
    if character == "=":
        hint = NOT_OPERATORS["="]
    elif character in "'′" and (primed := re.search(r"(?:([^\W\d]\w*)|[\])])\Z", text[max(0, at - 60) : at])):
        x = primed[1] or "x"
        if text[at + 1 : at + 2] != "(":
            hint = f"a transpose is {x}.T; the derivative is read with --get d{x}"
    elif character == "{" and re.match(r"\{\s*(?:T|\\(?:top|intercal))\s*\}", text[at : at + 20]):
        hint = "the transpose is x.T"
    elif hint is None and unicodedata.category(character)[0] == "C":
        hint = "remove this invisible character"
    elif hint is None and unicodedata.category(character) == "Nd":
        hint = f"digits are 0 to 9: write {unicodedata.decimal(character)}"
    elif hint is None and character == "_":
        hint = "numbers have no _"
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    shown = f"'{character}'" if character.isascii() and character.isprintable() else f"'{character}' ({name})"
    parser.fail(f"{shown} is not part of the language", (at, at + 1), hint)


def unopened(parser: Parser, at: int, waiting: Sequence[Waiting]) -> NoReturn:
    """A closing bracket without its opening one, or of the other kind."""
    closing = parser.text[at]
    opening = {")": "(", "]": "["}[closing]
    if waiting:
        other = parser.text[waiting[-1][2]]
        begun = other if other in "([" else "("
        wanted = {"(": ")", "[": "]"}[begun]
        parser.fail(f"'{closing}' cannot close this '{begun}'", (at, at + 1), f"write '{wanted}' here")
    parser.fail(f"this '{closing}' closes nothing", (at, at + 1), f"remove it, or add the '{opening}' it belongs to")


def no_key(parser: Parser, at: int) -> NoReturn:
    """Something in square brackets after a tensor that is no index."""
    text = parser.text
    closing = text.find("]", at)
    span = (at, closing + 1 if closing >= 0 else at + 1)
    if closing < 0:
        parser.fail("this '[' is never closed", span, "add the ']'")
    inside, before = text[at + 1 : closing], text[:at].rstrip()[-1:]
    hint = "such as x[0], W[0,1], x[1:3], W[:,0]"
    if re.fullmatch(r"[-−0-9:,\s]+", inside) and (far := re.search(r"[0-9]{19,}", inside)):
        span = (at + 1 + far.start(), at + 1 + far.end())
        parser.fail("this index is out of range", span, "no axis has so many entries; indices count from 0")
    if before.isdigit() or before in ")]":
        hint += "; between a value and a list stands an operator"
    elif re.search(r"[<>=]", inside):
        hint = "to choose by a condition multiply by it: x*(x>0), or write where(x>0, x, 0)"
    elif "..." in inside or "…" in inside:
        hint = "write a ':' for each axis: W[:,0]"
    elif re.search(r"[^\W\d]", inside):
        hint += ": entries are chosen before there are values"
    parser.fail("an index is made of whole numbers", span, hint)


def expected_operand(parser: Parser, token: re.Match[str], waiting: Sequence[Waiting]) -> NoReturn:
    """An operator, a closing bracket or the end where a number or a name should stand."""
    kind = token.lastindex or 0
    span = token.span(kind)
    word = token[kind]
    binding, op, *_ = waiting[-1] if waiting else (None, None)
    opens, closes = sign(parser, waiting[-1]) if waiting else (0, 0)
    written = parser.text[opens:closes]
    bracket = binding == 0
    if bracket and parser.text[opens] == "[":
        no_entry(parser, word, span, (opens, closes))
    if op is not None and bracket:
        from gradcli.misnomers import arguments, usage
    if word == ")" and bracket:
        if op is not None and parser.text[: span[0]].rstrip().endswith(","):
            parser.fail("an argument is missing after ','", span, "remove the comma, or add the argument")
        if op is not None:
            parser.fail(f"{op.name} needs {arguments(op)}", (opens, span[1]), usage(op))
        parser.fail("there is nothing between the brackets", (opens, span[1]), "put an expression between them")
    if word.strip() in ("", ";") or word.strip().startswith("#"):
        end = (span[0], span[0] + 1) if word.strip() == ";" else (span[0], span[0])
        if binding is None:
            parser.fail("an expression is missing here", end, "after '=' comes an expression, such as q = x+y")
        if bracket:
            parser.fail("this bracket is never closed", (opens, closes), "add what it holds, and the ')'")
        parser.fail(f"the expression ends after '{written}'", (opens, closes), "add what comes after it")
    if word == "," and bracket and op is not None:
        parser.fail("an argument is missing before ','", span, usage(op))
    if word in INFIX or word == ",":
        if binding:
            hint = f"write one of '{written}' and '{word}', or what stands between them"
            hint = NOT_OPERATORS.get(written + word, hint)
            parser.fail(f"a number or a name is missing between '{written}' and '{word}'", span, hint)
        parser.fail(f"a number or a name is missing before '{word}'", span, f"write what '{word}' is applied to")
    if word in (".T", "ᵀ"):
        parser.fail(f"there is nothing before '{word}' to transpose", span, "write it after a matrix: W.T")
    if kind == SUPERSCRIPT:
        parser.fail("a power needs something before it", span, "write it after its base: x²")
    parser.fail(f"a number or a name is missing before '{word.strip()}'", span, None)


def sign(parser: Parser, waiting: Waiting) -> Span:
    """Where an operator or bracket that waits for its right side is written; of a call, its name."""
    at = waiting[2]
    while True:
        token = parser.lexis.token.match(parser.text, at)
        assert token is not None and token.lastindex is not None  # noqa: S101 - whatever comes is a token
        if token.lastindex != NEWLINE:
            return token.span(token.lastindex)
        at = token.end()


def no_entry(parser: Parser, word: str, span: Span, opened: Span) -> None:
    """A list that stops, or has nothing, where an entry should stand; returns for anything else."""
    if word == "]":
        if parser.text[: span[0]].rstrip().endswith(","):
            parser.fail("an entry is missing after ','", span, "remove the comma, or add the entry")
        parser.fail("a list has at least one entry", (opened[0], span[1]), "write its entries: [x, y]")
    if word == ",":
        parser.fail("an entry is missing before ','", span, "remove the comma, or add the entry")
    if word.strip() == "" or word.strip().startswith("#"):
        parser.fail("this list is never closed", opened, "add its entries, and the ']'")


def expected_operator(
    parser: Parser,
    token: re.Match[str],
    operand: Operand,
) -> NoReturn:
    """Two values side by side: multiplication is always written."""
    text = parser.text
    kind = OPERAND if token[OPERAND] else token.lastindex or 0
    start, end = token.span(kind)
    _, begins, ends = operand
    left = text[begins:ends]
    word = token[kind]
    right = word + "(…)" if kind == CALL else "(…)" if word == "(" else word
    adjacent = start == ends
    power = re.search(POWERED, text[max(0, start - 40) : start])
    if power and power[1] in FUNCTIONS and word == "(":
        exponent = unicodedata.normalize("NFKC", power[2] or power[3]).replace("−", "-")
        begin = start - len(power[0])
        parser.fail(
            "a power of a function is written after its call",
            (begin, start),
            f"write {power[1]}(…)^{exponent}",
        )
    if left.endswith(".T") and word == "(":
        parser.fail("'.T' is no function", (ends - 2, end), f"write {left}")
    if left in FUNCTIONS:
        parser.fail(f"the function {left} is called with brackets", (begins, end), f"write {left}({right})")
    if re.fullmatch(NUMERAL, left) and adjacent and re.match(r"_[0-9]", word):
        parser.fail("a number has no _", (begins, end), f"write {left}{word.lstrip('_')}")
    if re.fullmatch(NUMERAL, left) and adjacent and word[0] in ".0123456789":
        parser.fail("a number has one decimal point", (begins, end), "remove the others")
    if left == "0" and adjacent and re.fullmatch(r"x[0-9a-fA-F]{1,12}|b[01]{1,40}|o[0-7]{1,14}", word):
        parser.fail("numbers are written in decimal", (begins, end), f"write {int(left + word, 0)}")
    if left == "T" and "T" not in parser.given:
        from gradcli.misnomers import power_of_transpose

        base = power_of_transpose(text[max(0, begins - 60) : ends])
    else:
        base = ""
    if base:
        begins = text.rfind(base, 0, begins) if base in text else begins
        parser.fail("an operator is missing here", (begins, end), f"write {base}.T@{right}: the transpose is {base}.T")
    if len(left) > 30:
        left = "…" + left[-24:]
    matrices = re.search(MATRICES, text) and not re.fullmatch(NUMERAL, left) and not re.fullmatch(NUMERAL, word)
    parser.fail(
        "multiplication is written with *" if adjacent else "an operator is missing here",
        (begins, end),
        f"write {left}*{right}" + f", or {left}@{right} for the matrix product" * bool(matrices),
    )


def no_operator(parser: Parser, token: re.Match[str]) -> NoReturn:
    """Something that looks like an operator and is none, such as `+=`."""
    word = token[token.lastindex or 0]
    hint = NOT_OPERATORS.get(word) or f"operators are {' '.join(dict.fromkeys(n.symbol for n, _ in INFIX.values()))}"
    parser.fail(f"'{word}' is not an operator", token.span(token.lastindex or 0), hint)


def lonely_comma(parser: Parser, token: re.Match[str], waiting: Sequence[Waiting] = ()) -> NoReturn:
    """A comma that separates no arguments: often a decimal comma, or a tuple."""
    span = token.span(token.lastindex or 0)
    called = waiting[-2][1] if len(waiting) > 1 and waiting[-1][0] == 0 else None
    if called is not None and called.trailing:
        parser.fail("a comma separates arguments", span, f"without the inner brackets: {called.name}(x, 2, 3)")
    around = re.search(r"([0-9]+)$", parser.text[: span[0]]), re.match(r"[0-9]+", parser.text[span[1] :])
    if around[0] and around[1]:
        parser.fail(
            "a comma separates arguments",
            span,
            f"a decimal point is meant? write {around[0][1]}.{around[1][0]}",
        )
    parser.fail(
        "a comma separates the arguments of a function",
        span,
        "write one expression, a call such as max(x,y), or a list: [x, y]",
    )


def unclosed(parser: Parser, waiting: Sequence[Waiting], at: int) -> NoReturn:
    """The text, or the statement, ends inside a bracket."""
    bracket = next(item for item in reversed(waiting) if item[0] == 0)
    op, (start, end) = bracket[1], sign(parser, bracket)
    if op is not None and parser.text[start] != "[" and parser.text[at : at + 1] == ";":
        hint = f"commas separate arguments: {op.signature}"
        parser.fail("';' ends a statement, and this call is not closed", (at, at + 1), hint)
    if parser.text[start] != "[":
        parser.fail("this bracket is never closed", (start, end), "add the missing ')'")
    stopped = re.match(r"[^;\]\n]*;", parser.text[end:])
    hint = "commas separate entries; rows are lists: [[a, b], [c, d]]" if stopped else "add the missing ']'"
    parser.fail("this list is never closed", (start, end), hint)


def chained(parser: Parser, top: Waiting, middle: Operand, token: re.Match[str]) -> NoReturn:
    """Comparisons do not chain: 0 < x < 1 would compare a truth value with 1."""
    text = parser.text
    first, second = text[top[4] : top[2]], text[middle[1] : middle[2]]
    begins, ends = sign(parser, top)
    before, after = text[begins:ends], token[token.lastindex or 0]
    rest = operand(text[token.end() : token.end() + 60]) or "…"
    parser.fail(
        "comparisons do not chain",
        (begins, token.end()),
        f"write ({first}{before}{second})*({second}{after}{rest})",
    )


def operand(text: str) -> str:
    """The text up to the next comparison, comma, closing bracket or end; empty if that is not in sight.

    >>> operand(" 2*max(y, 1) <= z")
    '2*max(y, 1)'
    """
    depth = 0
    for at, character in enumerate(text + "\n" * (len(text) < 60)):
        if depth == 0 and character in "<>=!,;#\n)":
            return text[:at].strip()
        depth += (character == "(") - (character == ")")
    return ""


def free_name(parser: Parser, name: str, span: Span, parameters: Sequence[str]) -> NoReturn:
    """A definition's body may use its parameters alone."""
    parser.fail(
        f"'{name}' is no parameter of {parser.defining}",
        span,
        f"make it one: {parser.defining}({', '.join([*parameters, name])}) = …",
    )


def no_output(parser: Parser) -> NoReturn:
    """Text that ends before it says what to compute: nothing at all, or definitions alone."""
    at = (len(parser.text.rstrip()),) * 2
    if not parser.gates:
        parser.fail("the expression is empty", at, 'an example: gradcli eval "(x+y)*z" --x=-2 --y=5 --z=-4')
    gate = list(parser.gates.values())[-1]
    call = f"{gate.name}({', '.join(gate.parameters)})"
    hint = f"add a call at the end: {call}"
    if gate.doc == parser.text.strip() and len(gate.doc) < 60:
        hint = f"write {gate.doc}; {call}\nor the formula alone: {gate.body.source.strip()}"
    parser.fail("the definition is never called: there is no expression to compute", at, hint)
