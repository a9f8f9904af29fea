r"""Text → Graph: programs. One expression is read in expressions.py, what a call means in calls.py.

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
from typing import NoReturn

from gradcli import faults
from gradcli.errors import ExpressionError, Span
from gradcli.expressions import Expression
from gradcli.gates import Gates
from gradcli.graph import Builder, Graph
from gradcli.ops import FUNCTIONS
from gradcli.ops.op import CONSTANT, INPUT
from gradcli.tokens import BLANK, GREEK, lexis

IDENTITY = FUNCTIONS["identity"]


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
                output, bare, at = Expression(self, builder, scope).read(at)
                continue
            name, span = self.name(head[1], head.span(1)), head.span(1)
            if head[2] is not None:
                at = self.definition(name, head)
                continue
            if definitions_only:
                self.fail("a file of definitions holds only definitions", span, f"such as {name}(x) = x*x")
            self.check_assignment(name, span, assigned, scope)
            output, value, at = Expression(self, builder, scope).read(head.end())
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
        output, value, at = Expression(self, builder, scope).read(head.end())
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

    # ── names and errors ────────────────────────────────────────────────────────────────────────────────

    def name(self, word: str, span: Span) -> str:
        """A name as it is known inside: NFKC, so that x₁ is x1."""
        if word.isascii():
            return word
        name = unicodedata.normalize("NFKC", word)
        if not name.isidentifier():
            self.fail(f"'{word}' cannot be a name", span, "names are letters, digits and _")
        return GREEK.get(name, name)

    def fail(self, message: str, span: Span, hint: str | None = None) -> NoReturn:
        """Raise an ExpressionError about a place in this text."""
        raise ExpressionError(message, source=self.text, span=span, hint=hint, place=self.place)


def _after_blank(text: str, at: int) -> int:
    """The place after white space, comments and empty statements."""
    match = BLANK.match(text, at)
    return match.end() if match else at
