"""The code system with its lines put as people write them, none of which changes a result."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from gradcli.export.naming import Names
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems.dialects.dialect import ATOM, LOOSE, Dialect, binding, filled
from gradcli.systems.source import Code, Source

WITHIN = 40
"""Characters of what is used once, up to which it needs no line of its own."""

DELIMITED = [
    re.compile(rf"(?:(?<=[(,\[])|(?<=, )|(?<= (?:WHEN|THEN|ELSE) ))#{k}(?= (?:THEN|ELSE|END)\b|[),\]])")
    for k in range(10)
]
"""The places of each part in a pattern where it needs no parentheses."""

COMPARISON = re.compile(r"#1 (?:[<>]=?|[!=]==?|=|<>) #2")

MARKS = 0xE000
"""Characters that stand for a part while a pattern is filled; no code has them."""

Piece = tuple[str, int]
"""Code, and how tightly it binds."""


class Step(NamedTuple):
    """A line.   level: how many lines deep it is.   backward: whether it belongs to the gradients."""

    name: str
    code: str
    level: int
    backward: bool


ADD, SUB, MUL, DIV, NEG, ABS, WHERE = (TABLE[name] for name in ("add", "sub", "mul", "div", "neg", "abs", "where"))

DEEP = 8
"""Factors that are looked through for a choice that is made already."""


class Lines(Source):
    """The code system with its lines put as people write them, none of which changes a result.

    Truths are truths; a + (-b) is a - b, and a sign stands before a product and not in it; where a condition holds,
    nothing is chosen by it again.

    inlined: patterns that are written where they are used, however often.
    """

    inlined: frozenset[str] = frozenset()

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.made: dict[int, Op] = {}
        self.truths: dict[int, str] = {}  # the pattern of a line as a truth, where it can be one
        self.needed: list[Code] = []

    def apply(self, op: Op, *x: Any) -> Code:
        """Append an op, or fold it.

        Errors: Unspelled.
        """
        parts = tuple([self.element(value) for value in x])
        simpler = self.simpler(op, parts)
        if simpler is not None:
            return simpler
        before = len(self.lines)
        found = self.appended(op, parts)
        if len(self.lines) > before:
            made = self.made.setdefault(found.index, op)
            pattern = self.truth(made, self.lines[found.index].parts)
            if pattern:
                self.truths.setdefault(found.index, pattern)
        return found

    def appended(self, op: Op, x: tuple[Code, ...]) -> Code:
        """The line of an op that nothing simpler stands for.

        Errors: Unspelled.
        """
        pattern = self.dialect.spelling(op) if op is WHERE and x[0].value is None else None
        if pattern is not None and x[1].value is not None and x[2].value is not None:  # whole numbers would stay whole
            decimal = self.dialect._replace(whole=False)
            pattern = pattern.replace("#2", decimal.number(x[1].value)).replace("#3", decimal.number(x[2].value))
            return self.line(pattern, x)
        return super().apply(op, *x)

    def simpler(self, op: Op, x: tuple[Code, ...]) -> Code | None:
        """The same value in fewer signs and choices, if there is one."""
        opposites = [self.opposite(part) for part in x]
        if op is NEG:
            return opposites[0]
        if op is ABS and opposites[0] is not None:
            return self.apply(op, opposites[0])
        if op in (MUL, DIV) and opposites != [None, None]:
            product = self.apply(
                op, *[part if other is None else other for part, other in zip(x, opposites, strict=True)]
            )
            return product if None not in opposites else self.apply(NEG, product)
        if op in (ADD, SUB) and opposites[1] is not None:
            return self.apply(SUB if op is ADD else ADD, x[0], opposites[1])
        if op is ADD and x[0].value == 0 and x[1].index in self.truths:
            return x[1]
        if op is WHERE and x[0].value is None:
            if x[1] is x[2]:
                return x[1]
            if x[1].value == 1 and x[2].value == 0 and x[0].index in self.truths:
                return x[0]
            chosen = self.under(x[0], x[1])
            return None if chosen is x[1] else self.apply(op, x[0], chosen, x[2])
        return None

    def opposite(self, code: Code) -> Code | None:
        """What a line takes the negative of."""
        return self.lines[code.index].parts[0] if self.made.get(code.index) is NEG else None

    def under(self, condition: Code, code: Code) -> Code:
        """A value, or a product, where a condition holds: of a choice made by it, the branch taken."""
        factors, at = [code], code
        while self.made.get(at.index) is MUL and len(factors) < DEEP:
            left, at = self.lines[at.index].parts
            factors[-1:] = [left, at]
        taken = [self.taken(condition, factor) for factor in factors]
        if all(one is other for one, other in zip(taken, factors, strict=True)):
            return code
        found = taken.pop()
        while taken:
            found = self.apply(MUL, taken.pop(), found)
        return found

    def taken(self, condition: Code, code: Code) -> Code:
        """Of a choice made by a condition that holds, the branch taken; of the condition itself, 1."""
        if code is condition and code.index in self.truths:
            return self.literal(1.0)
        if self.made.get(code.index) is WHERE and self.lines[code.index].parts[0] is condition:
            return self.lines[code.index].parts[1]
        return code

    def truth(self, op: Op, parts: tuple[Code, ...]) -> str | None:
        """The pattern of an op as a truth; None for one that is a number alone."""
        truths = self.dialect.truths
        pattern = truths.get(op.spelled.get("floats", ""))
        if op is WHERE and parts[1].value == 1:  # the first, or else the third
            pattern = truths.get("add", "").replace("2", "3")
        if op is WHERE and parts[2].value == 0:
            pattern = truths.get("mul")
        known = all(parts[int(k) - 1].index in self.truths for k in re.findall(r"\?(\d)", pattern or ""))
        return pattern if known else None

    def steps(
        self,
        results: list[Code],
        wishes: dict[int, tuple[str, str]],
        kept: set[int],
        plain: set[int],
        names: Names,
        forward: int,
    ) -> tuple[list[Step], dict[int, str]]:
        """The lines that these results need, and by its index how each of them is written.

        wishes: index → its name.   kept: which have a line of their own.   plain: which need none.
        forward: the first of the backward pass.
        """
        numbers, truths = self.counted(results)
        self.needed = [Code(self, index) for index, used in enumerate(numbers) if used]
        texts: dict[int, Piece] = {
            code.index: (self.dialect.number(code.value), ATOM)
            for code in self.constants.values()
            if code.value is not None
        }
        said: dict[int, Piece] = {}
        levels, found = [0] * len(self.lines), list[Step]()
        for index, (pattern, parts) in enumerate(self.lines):
            if not numbers[index] and not truths[index]:
                continue
            levels[index] = max([levels[part.index] for part in parts if part.value is None], default=0)
            if not parts:
                texts[index] = pattern, ATOM
                continue
            only = not numbers[index]
            how = self.truths[index] if only else pattern
            code = self.put(how, [part.index for part in parts], texts, said)
            once = numbers[index] + truths[index] == 1 and (len(code) <= WITHIN or index in plain)
            if (once and index not in kept) or pattern in self.inlined:
                (said if only else texts)[index] = code, tightness(code, how)
                continue
            levels[index] += 1
            wish, otherwise = wishes.get(index, ("", "t"))
            name = names.take(wish, otherwise)
            (said if only else texts)[index] = name, ATOM
            found.append(Step(name, bare(code), levels[index], index >= forward))
        return found, {code.index: bare(texts[code.index][0]) for code in results}

    def counted(self, results: Iterable[Code]) -> tuple[list[int], list[int]]:
        """How often each line is used, as a number and as a truth."""
        numbers, truths = [0] * len(self.lines), [0] * len(self.lines)
        for code in results:
            if code.value is None:
                numbers[code.index] += 1
        for index in range(len(self.lines) - 1, -1, -1):
            pattern, parts = self.lines[index]
            if truths[index] and (numbers[index] or index not in self.truths):
                numbers[index], truths[index] = numbers[index] + truths[index], 0
            if truths[index]:
                pattern = self.truths[index]
            elif not numbers[index]:
                continue
            times = numbers[index] if pattern in self.inlined else 1
            for k, part in enumerate(parts, 1):
                if part.value is None:
                    numbers[part.index] += times * pattern.count(f"#{k}")
                    truths[part.index] += pattern.count(f"?{k}")
        return numbers, truths

    def put(self, pattern: str, parts: list[int], texts: dict[int, Piece], said: dict[int, Piece]) -> str:
        """A pattern with its parts put in; ?1 is the first as a truth."""
        pieces = [texts.get(index, ("", ATOM)) for index in parts]
        if "?" in pattern:
            differs, zero = self.dialect.truths["ne"], (self.dialect.number(0.0), ATOM)
            for k, (index, number) in enumerate(zip(parts, pieces[:], strict=True), 1):
                pattern = pattern.replace(f"?{k}", f"#{len(parts) + k}")
                pieces.append(said.get(index) or (filled(differs, [number, zero]), LOOSE))
        compares = COMPARISON.fullmatch(pattern) is not None
        marks: dict[str, str] = {}
        for k, (code, tight) in enumerate(pieces, 1):
            if tight == ATOM and code[:1] not in "(-":
                continue
            mark = chr(MARKS + k)
            marks[mark] = code if compares else bare(code)
            if compares and tight > LOOSE:
                pieces[k - 1] = mark, ATOM
            else:
                pattern = DELIMITED[k].sub(mark, pattern)
        text = filled(pattern, pieces)
        for mark, code in marks.items():
            text = text.replace(mark, code)
        return text


def tightness(code: str, pattern: str) -> int:
    """How tightly code of this pattern binds."""
    return ATOM if closed(code) else binding(pattern.replace("?", "#"))


def closed(code: str) -> bool:
    """Whether code is a name, or a chain of calls and parentheses, so that it can stand anywhere.

    >>> closed("np.where(a > b, 1, 0)"), closed("(a + b).exp()"), closed("f(a) + b")
    (True, True, False)
    """
    depth = 0
    for letter in code:
        depth += (letter == "(") - (letter == ")")
        if not (depth or letter in "().") and not (letter.isalnum() or letter == "_"):
            return False
    return True


def bare(code: str) -> str:
    """Code without parentheses around the whole of it.

    >>> bare("(a ? b : (c))"), bare("(a) + (b)")
    ('a ? b : (c)', '(a) + (b)')
    """
    depth = 0
    for at, letter in enumerate(code):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return code[1:-1] if at == len(code) - 1 and letter == ")" and code[0] == "(" else code
    return code
