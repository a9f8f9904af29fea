r"""Text → Graph: tokens and a Pratt parser on an explicit stack, so that depth costs memory and nothing else.

    program     = [ statement ] { ( ";" | NEWLINE ) [ statement ] }      "#" begins a comment
    statement   = definition | assignment | expression                  an expression only as the last
    definition  = NAME "(" NAME { "," NAME } ")" "=" expression         a gate of the user's own
    assignment  = NAME "=" expression                                   a named node
    expression  = comparison
    comparison  = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ] does not chain
    sum         = product { ( "+" | "-" ) product }
    product     = unary { ( "*" | "/" | "@" ) unary }
    unary       = ( "+" | "-" ) unary | power
    power       = postfix [ ( "^" | "**" ) unary ]                      right-associative; -x^2 is -(x^2)
    postfix     = atom { SUPERSCRIPT | ".T" | "[" key { "," key } "]" } x² is x^2, Wᵀ is W.T; x[0], W[0,1], x[1:3]
    atom        = NUMBER | NAME | call | "(" expression ")" | "[" expression { "," expression } "]"
    key         = [ INTEGER ] [ ":" [ INTEGER ] [ ":" [ INTEGER ] ] ]   counted from 0, negative from the end
    call        = NAME "(" expression { "," expression } { "," NAME "=" literal } ")"

The operators, their binding and other spellings (× ÷ −) are rows of the op table. A new line inside brackets
is white space. A name before `(` is a function, else a variable. Errors carry the span of what is wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from math import e, inf, pi, tau
from typing import Any, NoReturn

from gradcli import faults
from gradcli.errors import ExpressionError, LimitError, Span
from gradcli.gates import Gates
from gradcli.graph import LIMIT, Builder, Graph
from gradcli.ops import FUNCTIONS, INFIX, PREFIX, TABLE
from gradcli.ops.op import CONSTANT, INPUT, LIMITS, Axis, Op
from gradcli.tokens import (
    AXES,
    BLANK,
    BRACKET,
    CALL,
    COMMA,
    END,
    INTEGER,
    NAME_TOKEN,
    NEGATIVE,
    NEWLINE,
    NUMBER_TOKEN,
    OPERATOR,
    STRANGE,
    SUPERSCRIPT,
    SUPERSCRIPTS,
    TRANSPOSED,
    key_pattern,
    keyword_pattern,
    lexis,
)

CONSTANTS = {"pi": pi, "e": e, "tau": tau}
"""Inputs with a default: constants unless the user gives them a value."""

RESCALE = "rescale the formula"
"""The advice about a number beyond the doubles; where it is a value, there is better."""

MOST_ARGUMENTS = 1000
"""Arguments that a call may have: each edge's rule reads all of them."""

GREEK = {"π": "pi", "τ": "tau"}
IDENTITY, POW, EXP = FUNCTIONS["identity"], FUNCTIONS["pow"], FUNCTIONS["exp"]
STACK, INDEX, TRANSPOSE = TABLE["stack"], TABLE["index"], TABLE["transpose"]


def parse(
    text: str,
    *,
    given: Collection[str] = (),
    definitions: str = "",
    share: bool = False,
    place: str | None = None,
) -> Graph:
    """The graph of a program.

    >>> parse("q = x + y; f = q*z")
    Graph(5 nodes, inputs x, y, z)

    given: names that have a value, so that `pi`, `e` and `tau` among them are variables.
    definitions: a text of definitions only, read first.   share: equal subexpressions become one node.
    Errors: ExpressionError with its place; LimitError.
    """
    parser = Parser(text, given=frozenset(given), share=share, place=place)
    if definitions:
        library = Parser(definitions, given=frozenset(), share=False, place="definitions")
        library.program(definitions_only=True)
        parser.gates = library.gates
    return parser.program()


def number(text: str, source: str, span: Span) -> float:
    """The nearest double of a decimal literal; what overflows or vanishes is an error, never inf or 0."""
    value = float(text)
    if value == inf:
        raise ExpressionError(
            "this number is larger than any double (about 1.8e308)",
            source=source,
            span=span,
            hint=RESCALE,
        )
    if value == 0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
        raise ExpressionError(
            "this number is smaller than any double (about 4.9e-324)",
            source=source,
            span=span,
            hint=RESCALE,
        )
    return value


OPERATORS = {
    symbol: (notation.binding, notation.binding + (notation.right or not notation.chains), op, notation.chains)
    for symbol, (notation, op) in INFIX.items()
}
"""Spelling → binding, the least binding on its left that is applied first, op, and whether it chains."""

Operand = tuple[int, int, int]
"""A node, and where its text starts and ends."""

Waiting = tuple[int, Any, int, int, Any]
"""What waits for its right side: (binding, op, start, end, is_prefix) of an operator; of a bracket 0, the function it
calls or None, start, end, and the height of the operand stack before it. Plain tuples: a long expression makes
millions."""


class Parser:
    """One pass over one text."""

    def __init__(self, text: str, *, given: frozenset[str], share: bool, place: str | None) -> None:
        self.text, self.given, self.share, self.place = text, given, share, place
        self.lexis = lexis(text)
        self.gates = Gates()
        self.defining: str | None = None
        self.expanded = 0

    # ── statements ──────────────────────────────────────────────────────────────────────────────────────

    def program(self, *, definitions_only: bool = False) -> Graph:
        """program = [ statement ] { ( ";" | NEWLINE ) [ statement ] }"""
        text = self.text
        builder = Builder(share=self.share)
        scope: dict[str, int] = {}
        assigned: dict[str, Span] = {}
        output: int | None = None
        bare: Span | None = None
        at = 0
        while (at := _after_blank(text, at)) < len(text):
            if bare is not None:
                self.fail("only the last statement may be a bare expression", bare, "give it a name, such as q = …")
            head = self.lexis.head.match(text, at)
            if head is None:
                output, bare, at = self.expression(builder, scope, at)
                continue
            name, span = self.name(head[1], head.span(1)), head.span(1)
            if head[2] is not None:
                at = self.definition(name, head)
                continue
            if definitions_only:
                self.fail("a file of definitions holds only definitions", span, f"such as {name}(x) = x*x")
            self.check_assignment(name, span, assigned, scope)
            output, value, at = self.expression(builder, scope, head.end())
            output = scope[name] = self.label(builder, output, name, (span[0], value[1]))
            assigned[name] = span
        if definitions_only:
            if bare is not None:
                self.fail("a file of definitions holds only definitions", bare, "such as g(x) = x*x")
            return builder.finish(0)
        if output is None:
            faults.no_output(self)
        graph = builder.finish(output, source=text)
        graph.notes = tuple(
            f"'{name}' is assigned, but the output does not use it" for name in assigned if not graph.used[scope[name]]
        )
        return graph

    def definition(self, name: str, head: re.Match[str]) -> int:
        """definition = NAME "(" NAME { "," NAME } ")" "=" expression

        The body is a graph of its own, over its parameters alone.
        """
        span = head.span(1)
        if name in self.gates:
            self.fail(f"'{name}' is defined twice", span, "give the second one another name")
        if name in FUNCTIONS:
            self.fail(f"'{name}' is a built-in function", span, f"give yours another name, such as my_{name}")
        listed = head[2].strip()[1:-1].strip()
        if not listed:
            self.fail("a definition needs a parameter", head.span(2), f"write {name}(x) = …")
        parameters = [self.name(word.strip(), head.span(2)) for word in listed.split(",")]
        if len(set(parameters)) < len(parameters):
            self.fail("two parameters have the same name", head.span(2), "give each its own")
        builder = Builder()
        scope = {parameter: builder.input(parameter) for parameter in parameters}
        self.defining = name
        output, value, at = self.expression(builder, scope, head.end())
        self.defining = None
        body = builder.finish(output, source=self.text[value[0] : value[1]])
        self.gates.define(name, body, doc=self.text[span[0] : value[1]])
        return at

    def check_assignment(self, name: str, span: Span, assigned: dict[str, Span], scope: dict[str, int]) -> None:
        """Each name means one node, from its assignment on."""
        if name in assigned:
            self.fail(f"'{name}' is assigned twice", span, "give the second one another name")
        if name in self.given:
            self.fail(f"'{name}' is assigned here and given a value too", span, "leave out one of them")
        if name in scope:
            self.fail(f"'{name}' is used before it is assigned", span, "move the assignment before its first use")

    def label(self, builder: Builder, index: int, name: str, span: Span) -> int:
        """Name a node. A leaf, and a node that has a name, gets the new name on a copy."""
        if builder.ops[index] in (INPUT, CONSTANT) or index in builder.labels:
            index = builder.add(IDENTITY, (index,), *span)
        builder.labels[index] = name
        return index

    # ── expressions ─────────────────────────────────────────────────────────────────────────────────────

    def expression(self, builder: Builder, scope: dict[str, int], at: int) -> tuple[int, Span, int]:
        """Read one expression from `at`; returns its node, its span, and the place after it.

        operands: (node, start, end) with the extent of its text, brackets included.
        waiting: the operators and open brackets whose right side is still being read.
        """
        text, add, constants, numbers = self.text, builder.add, builder.constants, builder.numbers
        operands: list[Operand] = []
        waiting: list[Waiting] = []
        opened = 0
        wants_operand = True

        def reduce(binding: int) -> None:
            """Apply the waiting operators that bind at least this tightly; brackets bind at 0."""
            while waiting and (top := waiting[-1])[0] >= binding:
                waiting.pop()
                op = top[1]
                if top[4]:
                    index, start, end = operands[-1]
                    if op is not IDENTITY:
                        index = add(op, (index,), top[2], end)
                    operands[-1] = index, top[2], end
                    continue
                right, _, end = operands.pop()
                left, start, _ = operands[-1]
                if op is POW and left in numbers and numbers[left].text == "e":
                    operands[-1] = add(EXP, (right,), start, end), start, end
                else:
                    operands[-1] = add(op, (left, right), start, end), start, end

        tokens = self.lexis.token.finditer(text, at)
        while True:
            token = next(tokens)
            kind: int = token.lastindex  # type: ignore[assignment]
            start, stop = token.span(kind)
            if wants_operand:
                if kind == NAME_TOKEN:
                    index = scope.get(token[1])
                    if index is None:
                        index = self.variable(builder, scope, token[1], (start, stop))
                elif kind == NUMBER_TOKEN:
                    index = constants.get(token[2])
                    if index is None:
                        index = builder.constant(token[2], number(token[2], text, (start, stop)), (start, stop))
                elif kind == OPERATOR and token[3] in PREFIX:
                    literal = NEGATIVE.match(text, start)
                    if literal is None:
                        notation, op = PREFIX[token[3]]
                        waiting.append((notation.binding, op, start, stop, True))
                        continue
                    stop, word = literal.end(), "-" + literal[1]
                    tokens = self.lexis.token.finditer(text, stop)
                    index = builder.constant(word, number(word, text, (start, stop)), (start, stop))
                elif kind == CALL or (kind == BRACKET and text[start] == "("):
                    function = self.function(token[5], (start, stop)) if kind == CALL else None
                    waiting.append((0, function, start, stop, len(operands)))
                    opened += 1
                    continue
                elif kind == BRACKET and text[start] == "[":
                    from gradcli import literals

                    closed = literals.extent(text, start)
                    if closed is None:
                        waiting.append((0, STACK, start, stop, len(operands)))
                        opened += 1
                        continue
                    stop = closed
                    index = self.tensor(builder, start, stop)
                    tokens = self.lexis.token.finditer(text, stop)
                elif kind == NEWLINE and opened:
                    continue
                else:
                    if kind == STRANGE:
                        faults.strange(self, start)
                    faults.expected_operand(self, token, waiting)
                operands.append((index, start, stop))
                wants_operand = False
            elif kind == OPERATOR:
                infix = OPERATORS.get(token[3])
                if infix is None:
                    faults.no_operator(self, token)
                binding, least, op, chains = infix
                if waiting and waiting[-1][0] >= binding:
                    reduce(least)
                    if not chains and waiting and waiting[-1][0] == binding:
                        faults.chained(self, waiting[-1], operands, (start, stop))
                waiting.append((binding, op, start, stop, False))
                wants_operand = True
            elif kind == BRACKET and text[start] in ")]":
                reduce(1)
                if not waiting or (text[waiting[-1][2]] == "[") != (text[start] == "]"):
                    faults.unopened(self, start, waiting)
                bracket = waiting.pop()
                opened -= 1
                if bracket[1] is not None:
                    self.call(builder, bracket, operands, {}, stop)
                operands[-1] = operands[-1][0], bracket[2], stop
            elif kind == COMMA:
                reduce(1)
                if not waiting or waiting[-1][1] is None:
                    faults.lonely_comma(self, token, waiting)
                keyword = keyword_pattern(text.isascii()).match(text, stop)
                if keyword is None:
                    wants_operand = True
                else:
                    bracket = waiting.pop()
                    opened -= 1
                    values, stop = self.keywords(self.meant(bracket[1], len(operands) - bracket[4]), keyword)
                    tokens = self.lexis.token.finditer(text, stop)
                    self.call(builder, bracket, operands, values, stop)
                    operands[-1] = operands[-1][0], bracket[2], stop
            elif kind == TRANSPOSED:
                index, begins, _ = operands[-1]
                operands[-1] = add(TRANSPOSE, (index,), begins, stop), begins, stop
            elif kind == BRACKET and text[start] == "[":
                key = key_pattern().match(text, start)
                if key is None:
                    faults.no_key(self, start)
                stop = key.end()
                index, begins, _ = operands[-1]
                operands[-1] = add(self.index(key), (index,), begins, stop), begins, stop
                tokens = self.lexis.token.finditer(text, stop)
            elif kind == SUPERSCRIPT:
                word = token[6].translate(SUPERSCRIPTS).lstrip("+")
                exponent = builder.constant(word, number(word, text, (start, stop)), (start, stop))
                index, begins, _ = operands[-1]
                operands[-1] = add(POW, (index, exponent), begins, stop), begins, stop
            elif kind == NEWLINE and opened:
                pass
            elif kind in (NEWLINE, END):
                if opened:
                    faults.unclosed(self, waiting, start)
                reduce(1)
                index, begins, end = operands[0]
                return index, (begins, end), stop
            elif kind == STRANGE:
                faults.strange(self, start)
            else:
                faults.expected_operator(self, token, operands[-1])

    def tensor(self, builder: Builder, start: int, end: int) -> int:
        """The node of a list of numbers: one constant, however deep."""
        from gradcli import literals

        text = self.text[start:end]
        index = builder.constants.get(text)
        if index is None:
            value = literals.read(self.text, start, end, self.fail)
            index = builder.constant(text, value, (start, end))
        return index

    def index(self, match: re.Match[str]) -> Op:
        """The row of x[key]: a whole number an axis, or a slice as (start, stop, step)."""
        key: list[Any] = []
        for word in re.sub(r"\s", "", match[1].replace("−", "-")).split(","):
            parts = [int(part) if part else None for part in word.split(":")]
            if word == "":
                self.fail("an index is missing here", match.span(), "such as x[0], W[0,1], x[1:3], W[:,0]")
            if len(parts) == 3 and parts[2] == 0:
                self.fail("a slice has no step 0", match.span(), "such as x[::2]")
            key.append(parts[0] if len(parts) == 1 else (*parts, *[None] * (3 - len(parts))))
        return INDEX.bind(key=tuple(key))

    def meant(self, op: Op, count: int) -> Op:
        """The row that a call with so many arguments means: max(x) is the largest entry of x."""
        return TABLE[op.alone] if op.alone and count == 1 else op

    def variable(self, builder: Builder, scope: dict[str, int], word: str, span: Span) -> int:
        """The node of a name met for the first time under this spelling."""
        name = word if word.isascii() else self.name(word, span)
        if name is not word and name in scope:
            index = scope[name]
        elif name in CONSTANTS and name not in self.given:
            index = builder.constant(name, CONSTANTS[name], span)
        elif self.defining is None:
            index = builder.input(name, span)
        else:
            faults.free_name(self, name, span, list(scope))
        scope[word] = index
        return index

    def function(self, word: str, span: Span) -> Op:
        """The row of the table, or the user's gate, that a call means."""
        name = self.name(word, span)
        if name == self.defining:
            self.fail(f"'{name}' is defined by itself", span, "a definition may call only earlier ones")
        op = self.gates.get(name) or FUNCTIONS.get(name)
        if op is None:
            from gradcli import misnomers

            misnomers.unknown_function(self, name, span)
        return op

    def keywords(self, op: Op, match: re.Match[str] | None) -> tuple[dict[str, str], int]:
        """{"," NAME "=" literal} ")" — the attributes at the end of a call."""
        given: dict[str, str] = {}
        while match is not None:
            name, stop = self.name(match[1], match.span(1)), match.end()
            if name not in op.attributes and name not in op.parameters:
                from gradcli import misnomers

                misnomers.unknown_keyword(self, op, name, match.span(1))
            if name in given:
                self.fail(f"'{name}' is given twice", match.span(1), "remove one")
            whole = whole_numbers(op.attributes.get(name, 0.0))
            if match[2] is None:
                what, example = ("a whole number", "0") if whole else ("a number", "0.1")
                called = op.called or op.name
                self.fail(f"'{name}=' takes {what}", match.span(1), f"such as {called}(x, {name}={example})")
            given[name] = re.sub(r"\s", "", match[2].replace("−", "-").replace("+", "", match[2].startswith("+")))
            if not whole and given[name].lstrip("-")[0] not in "0123456789.":
                self.fail(f"'{name}=' takes a number", match.span(2), f"such as {op.name}(x, {name}=0.1)")
            if whole and not re.fullmatch(rf"{INTEGER}|{AXES}|True|False", given[name]):
                if re.fullmatch(r"-?[0-9]+", given[name]):
                    self.fail(f"'{name}=' is out of range", match.span(2), f"such as {op.name}(x, {name}=0)")
                self.fail(f"'{name}=' takes a whole number", match.span(2), f"such as {op.name}(x, {name}=0)")
            limit = op.limits.get(name)
            if limit is not None and not LIMITS[limit](float(given[name])):
                span = match.span(2)
                self.fail(
                    f"'{name}=' of {op.name} must be {limit}",
                    (span[0], span[0] + len(match[2].rstrip())),
                    f"such as {name}={op.attributes[name]:g}, which it is unless given",
                )
            if self.text[stop : stop + 1] == ")":
                return given, stop + 1
            if self.text[stop : stop + 1] != ",":
                self.fail(f"'{name}=' takes a number, then ',' or ')'", (stop, stop + 1), "keywords come last")
            match = keyword_pattern(self.text.isascii()).match(self.text, stop + 1)
        return self.fail("after a keyword come only keywords", (stop, stop + 1), f"put {name}=… last")

    def call(
        self, builder: Builder, bracket: Waiting, operands: list[Operand], keywords: dict[str, str], stop: int
    ) -> None:
        """Replace the arguments on the operand stack by the call's node."""
        _, op, start, _, height = bracket
        span = start, stop
        arguments = [index for index, _, _ in operands[height:]]
        op = self.meant(op, len(arguments))
        if op.trailing and len(arguments) > len(op.parameters):
            op = self.with_trailing(builder, op, arguments, operands[height + len(op.parameters) :])
            del arguments[len(op.parameters) :]
        if len(arguments) > MOST_ARGUMENTS and op is STACK:
            raise LimitError(
                f"a list with variables has {len(arguments):,} entries; {MOST_ARGUMENTS:,} is the most",
                source=self.text,
                span=(start, start + 1),
                hint="join shorter ones: concat([…], […])",
                place=self.place,
            )
        if len(arguments) > MOST_ARGUMENTS and (op.variadic or op.body is not None):
            name = op.called or op.name
            nested = f"nest the calls: {name}({name}(a, b), {name}(c, d))"
            raise LimitError(
                f"{op.name} is called with {len(arguments):,} arguments; {MOST_ARGUMENTS:,} is the most",
                source=self.text,
                span=(start, start + len(op.name)),
                hint=nested if op.body is None else "define several gates, each of fewer parameters",
                place=self.place,
            )
        for name in op.parameters[len(arguments) :]:
            if name in keywords:
                word = keywords.pop(name)
                arguments.append(builder.constant(word, number(word, self.text, span), span))
        if not op.accepts(len(arguments)) or any(name in op.parameters for name in keywords):
            from gradcli import misnomers

            misnomers.wrong_count(self, op, len(arguments), span, keywords)
        if keywords:
            op = op.bind(**{name: self.attribute(op, name, word, span) for name, word in keywords.items()})
        del operands[height:]
        if op.body is not None and self.defining is None:
            self.expanded += self.gates.sizes[op.name]
            if self.expanded > LIMIT:
                self.too_large(span)
            try:
                op = self.gates.written_out(op)
            except LimitError:
                self.too_large(span)
        operands.append((builder.add(op, tuple(arguments), start, stop), start, stop))

    def attribute(self, op: Op, name: str, word: str, span: Span) -> Any:
        """The value of a keyword: a number, or whole numbers where its default is an axis, a shape or a truth value."""
        if not whole_numbers(op.attributes[name]):
            return number(word, self.text, span) if word[0] != "-" else -number(word[1:], self.text, span)
        if word in ("True", "False"):
            return word == "True"
        listed = tuple(int(part) for part in word.strip("[]()").split(",") if part)
        return listed if word[0] in "[(" or isinstance(op.attributes[name], tuple) else listed[0]

    def with_trailing(self, builder: Builder, op: Op, arguments: list[int], extra: list[Operand]) -> Op:
        """The row with the whole numbers that follow its inputs: reshape(x, 2, 3)."""
        found: list[int] = []
        for index, start, end in extra:
            literal = builder.numbers.get(index)
            values = literal.value if literal is not None and isinstance(literal.value, tuple) else ()
            values = (literal.value,) if literal is not None and not values else values
            if values and all(isinstance(v, float) and v == int(v) for v in values) and max(map(abs, values)) >= 2**53:
                self.fail(f"'{op.trailing}' of {op.name} is out of range", (start, end), usage_of(op))
            if not values or not all(isinstance(v, float) and v == int(v) for v in values):
                self.fail(f"'{op.trailing}' of {op.name} is made of whole numbers", (start, end), usage_of(op))
            found += [int(v) for v in values]
        return op.bind(**{op.trailing: tuple(found)})

    # ── names and errors ────────────────────────────────────────────────────────────────────────────────

    def name(self, word: str, span: Span) -> str:
        """A name as it is known inside: NFKC, so that x₁ is x1."""
        if word.isascii():
            return word
        name = unicodedata.normalize("NFKC", word)
        if not name.isidentifier():
            self.fail(f"'{word}' cannot be a name", span, "names are letters, digits and _")
        return GREEK.get(name, name)

    def too_large(self, span: Span) -> NoReturn:
        """Raise the LimitError of a call whose definitions would expand to too many nodes."""
        raise LimitError(
            f"the definitions would expand to more than {LIMIT:,} nodes",
            source=self.text,
            span=span,
            hint="each definition that calls another twice doubles the size",
            place=self.place,
        )

    def fail(self, message: str, span: Span, hint: str | None = None) -> NoReturn:
        """Raise an ExpressionError about a place in this text."""
        raise ExpressionError(message, source=self.text, span=span, hint=hint, place=self.place)


def whole_numbers(default: Any) -> bool:
    """Whether an attribute is an axis, axes, a shape or a truth value, by its default."""
    return default is None or isinstance(default, bool | tuple | Axis)


def usage_of(op: Op) -> str:
    """How further whole numbers are written."""
    return f"such as {op.name}(x, 2, 3)" if op.trailing == "shape" else f"such as {op.name}(x, 1, 0)"


def _after_blank(text: str, at: int) -> int:
    """The place after white space, comments and empty statements."""
    match = BLANK.match(text, at)
    return match.end() if match else at
