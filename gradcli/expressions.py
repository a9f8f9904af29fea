"""One expression of a text → nodes of a graph: a Pratt parser on an explicit stack.

Depth costs memory and nothing else. Nearly every token of a long text is an operand with the operator after it, which
`read` and `infix` take in one step; what is rarer has a method of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gradcli import faults
from gradcli.calls import called, function, index_of, keywords, meant
from gradcli.graph import Builder
from gradcli.ops import FUNCTIONS, INFIX, PREFIX, TABLE
from gradcli.ops.op import INPUT
from gradcli.tokens import (
    BRACKET,
    CALL,
    COMMA,
    CONSTANTS,
    END,
    FOLLOWED,
    NEWLINE,
    OPERAND,
    OPERATOR,
    STRANGE,
    SUPERSCRIPT,
    SUPERSCRIPTS,
    TRANSPOSED,
    key_pattern,
    keyword_pattern,
    negative,
    number,
)

if TYPE_CHECKING:
    from gradcli.errors import Span
    from gradcli.syntax import Parser

IDENTITY, POW, EXP = FUNCTIONS["identity"], FUNCTIONS["pow"], FUNCTIONS["exp"]
STACK, TRANSPOSE = TABLE["stack"], TABLE["transpose"]

OPERATORS = {
    symbol: (notation.binding, notation.binding + (notation.right or not notation.chains), op, notation.chains)
    for symbol, (notation, op) in INFIX.items()
}
"""Spelling → binding, the least binding on its left that is applied first, op, and whether it chains."""

Operand = tuple[int, int, int]
"""A node, and where its text starts and ends, brackets included."""

Waiting = tuple[int, Any, int, Any, int]
"""What waits for its right side: (binding, op, place, left side, start). Plain tuples: a long text makes millions.

An infix operator has the node on its left, and that node's text starts at `start` and ends at `place`. A prefix has
None, and its place twice. A bracket binds at 0: that of a call or a list has its function and the operands before each
comma, another one has None and None.
"""


class Expression:
    """One expression while it is read.

    operand: the one that was read last; None where one must come.
    waiting: the operators and open brackets whose right side is still being read.
    """

    __slots__ = ("builder", "opened", "operand", "parser", "scope", "waiting")

    def __init__(self, parser: Parser, builder: Builder, scope: dict[str, int]) -> None:
        self.parser, self.builder, self.scope = parser, builder, scope
        self.operand: Operand | None = None
        self.waiting: list[Waiting] = []
        self.opened = 0

    def read(self, at: int) -> tuple[int, Span, int]:
        """Read the expression from `at`; its node, its span, and the place after it."""
        text, read_on = self.parser.text, self.parser.lexis.token.finditer
        tokens = read_on(text, at)
        while True:
            token = self.chain(tokens)
            kind: int = token.lastindex  # type: ignore[assignment]
            if self.operand is None:
                resumed = self.begin(token, kind)
            elif kind == END or (kind == NEWLINE and not self.opened):
                index, start, stop = self.finish(token.start(kind), self.operand)
                return index, (start, stop), token.end(kind)
            else:
                resumed = self.go_on(token, kind, self.operand)
            if resumed is not None:
                tokens = read_on(text, resumed)

    def chain(self, tokens: Iterator[re.Match[str]]) -> re.Match[str]:
        """Take in operands and the operators between them; the first token that is something else.

        A long text spends its time here: hence the local names, and operands that become tuples only where they end.
        """
        scope, waiting, operators = self.scope, self.waiting, OPERATORS
        for token in tokens:
            kind: int = token.lastindex  # type: ignore[assignment]
            if self.operand is None and kind <= FOLLOWED:
                word = token[1]
                start, stop = token.span(1)
                index = scope.get(word)
                if index is None:
                    index = scope[word] = self.leaf(word, start, stop)
                if kind == OPERAND:
                    self.operand = index, start, stop
                    continue
            elif self.operand is not None and kind == OPERATOR:
                index, start, stop = self.operand
                self.operand = None
            else:
                break
            notation = operators.get(token[kind])
            if notation is None:
                faults.no_operator(self.parser, token)
            binding, least, op, chains = notation
            if waiting and waiting[-1][0] >= least:
                index, start = self.applied(least, index, start, stop)
            if not chains and waiting and waiting[-1][0] == binding:
                faults.chained(self.parser, waiting[-1], (index, start, stop), token)
            waiting.append((binding, op, stop, index, start))
        return token

    def applied(self, least: int, index: int, start: int, stop: int) -> tuple[int, int]:
        """Apply the waiting operators that bind at least this tightly, one or more; the node made, and its start."""
        waiting, add = self.waiting, self.builder.add
        while True:
            _, op, _, left, start = waiting.pop()
            if left is None:
                if op is not IDENTITY:
                    index = add(op, (index,), start, stop)
            elif op is POW and left == self.builder.constants.get("e"):
                index = add(EXP, (index,), start, stop)
            else:
                index = add(op, (left, index), start, stop)
            if not waiting or waiting[-1][0] < least:
                return index, start

    # ── where an operand must come ──────────────────────────────────────────────────────────────────────

    def leaf(self, word: str, start: int, stop: int) -> int:
        """The node of a number, or of a name, that is met for the first time under this spelling."""
        builder, parser = self.builder, self.parser
        if word[0] in ".0123456789":
            return builder.constant(word, number(word, parser.text, (start, stop)), (start, stop))
        name = word
        if not word.isascii():
            name = parser.name(word, (start, stop))
            if name in self.scope:
                return self.scope[name]
        if name in CONSTANTS and name not in parser.given:
            return builder.constant(name, CONSTANTS[name], (start, stop))
        if parser.defining is not None:
            faults.free_name(parser, name, (start, stop), list(builder.inputs))
        index = self.scope[name] = builder.inputs[name] = builder.add(INPUT, (), start, stop)
        return index

    def begin(self, token: re.Match[str], kind: int) -> int | None:
        """What begins an operand and is no plain word; the place to read on from, where it took more than the token."""
        start, stop = token.span(kind)
        word = token[kind]
        if kind == BRACKET and word == "(":
            self.open(None, start)
        elif kind == BRACKET and word == "[":
            return self.list(start)
        elif kind == CALL:
            self.open(function(self.parser, word, (start, stop)), start)
        elif kind == OPERATOR and word in PREFIX:
            return self.prefix(word, start)
        elif kind == STRANGE:
            faults.strange(self.parser, start)
        elif kind != NEWLINE or not self.opened:
            faults.expected_operand(self.parser, token, self.waiting)
        return None

    def prefix(self, symbol: str, start: int) -> int | None:
        """( "+" | "-" ) unary; a sign before a number alone is part of it."""
        literal = negative(self.parser.text, start)
        if literal is None:
            notation, op = PREFIX[symbol]
            self.waiting.append((notation.binding, op, start, None, start))
            return None
        word, span = "-" + literal[1], literal.span()
        index = self.builder.constant(word, number(word, self.parser.text, span), span)
        self.operand = index, *span
        return literal.end()

    def open(self, op: Any, start: int) -> None:
        """A bracket: of a call, of a list with expressions in it, or around an expression."""
        self.waiting.append((0, op, start, None if op is None else [], start))
        self.opened += 1

    def list(self, start: int) -> int | None:
        """ "[" expression { "," expression } "]": one constant where it holds numbers alone, however deep."""
        from gradcli import literals

        text = self.parser.text
        end = literals.extent(text, start)
        if end is None:
            self.open(STACK, start)
            return None
        word = text[start:end]
        index = self.builder.constants.get(word)
        if index is None:
            value = literals.read(text, start, end, self.parser.fail)
            index = self.builder.constant(word, value, (start, end))
        self.operand = index, start, end
        return end

    # ── after an operand ────────────────────────────────────────────────────────────────────────────────

    def go_on(self, token: re.Match[str], kind: int, operand: Operand) -> int | None:
        """What follows an operand and is no operator; the place to read on from, where it took more than the token."""
        start, stop = token.span(kind)
        word = token[kind]
        if kind == BRACKET and word in ")]":
            self.close(start, stop, operand)
        elif kind == COMMA:
            return self.comma(token, operand)
        elif kind == BRACKET and word == "[":
            return self.index(start, operand)
        elif kind == TRANSPOSED:
            self.postfix(TRANSPOSE, operand, stop)
        elif kind == SUPERSCRIPT:
            word = word.translate(SUPERSCRIPTS).lstrip("+")
            exponent = self.builder.constant(word, number(word, self.parser.text, (start, stop)), (start, stop))
            self.postfix(POW, operand, stop, exponent)
        elif kind == STRANGE:
            faults.strange(self.parser, start)
        elif kind != NEWLINE:
            faults.expected_operator(self.parser, token, operand)
        return None

    def postfix(self, op: Any, operand: Operand, stop: int, *more: int) -> None:
        """An operator without a right side."""
        index, start, _ = operand
        self.operand = self.builder.add(op, (index, *more), start, stop), start, stop

    def index(self, start: int, operand: Operand) -> int:
        """ "[" key { "," key } "]" """
        key = key_pattern().match(self.parser.text, start)
        if key is None:
            faults.no_key(self.parser, start)
        self.postfix(index_of(self.parser, key), operand, key.end())
        return key.end()

    def close(self, start: int, stop: int, operand: Operand) -> None:
        """A closing bracket: the end of an expression's brackets, of a call, or of a list."""
        text, waiting = self.parser.text, self.waiting
        last = self.whole(operand)
        if not waiting or (text[waiting[-1][2]] == "[") != (text[start] == "]"):
            faults.unopened(self.parser, start, waiting)
        self.shut(last, stop, {})

    def shut(self, last: Operand, stop: int, keywords: dict[str, str]) -> None:
        """Make the innermost bracket an operand."""
        _, op, start, before, _ = self.waiting.pop()
        self.opened -= 1
        index = last[0]
        if op is not None:
            index = called(self.parser, self.builder, op, [*before, last], keywords, (start, stop))
        self.operand = index, start, stop

    def comma(self, token: re.Match[str], operand: Operand) -> int | None:
        """ "," expression of a call or a list, or "," and the keywords that end a call."""
        parser, waiting = self.parser, self.waiting
        last = self.whole(operand)
        if not waiting or waiting[-1][1] is None:
            faults.lonely_comma(parser, token, waiting)
        _, op, _, before, _ = waiting[-1]
        keyword = keyword_pattern(parser.text.isascii()).match(parser.text, token.end(COMMA))
        if keyword is None:
            before.append(last)
            self.operand = None
            return None
        values, stop = keywords(parser, meant(op, len(before) + 1), keyword)
        self.shut(last, stop, values)
        return stop

    def finish(self, at: int, operand: Operand) -> Operand:
        """The whole expression, which ends here."""
        if self.opened:
            faults.unclosed(self.parser, self.waiting, at)
        return self.whole(operand)

    def whole(self, operand: Operand) -> Operand:
        """What the operators since the last open bracket make of the operand that ends there."""
        index, start, stop = operand
        if self.waiting and self.waiting[-1][0] > 0:
            index, start = self.applied(1, index, start, stop)
        return index, start, stop
