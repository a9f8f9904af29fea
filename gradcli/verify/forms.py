"""Closed forms of derivatives, as plain as people would write them.

A few candidates for each variable, the one with the fewest words and names first: as sympy derived it,
factored, and with what is already known by name put in: the output or a named node. The lecture's
σ' = x0*f*(1-f) comes out of the last: f = 1/(1+exp(-s)) has one exponential, so exp(-s) = 1/f - 1, and what
was in terms of exp(-s) is in terms of f.

Each candidate is checked with numbers before it is shown: beside the point against the derivative, at the
point also against the number that is shown there, with the language's own choices at kinks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sympy
from mpmath import mpf
from sympy import Dummy, Expr, Integer, Rational, Symbol

from gradcli.systems.symbolic import COMPARISONS, Sign, Step, Where
from gradcli.verify.comparison import agree
from gradcli.verify.evaluation import Point
from gradcli.verify.printing import UnprintableError, printed

if TYPE_CHECKING:
    from gradcli.verify.derivation import Derivation

LONGEST = 160
"""Characters of a form that people still read."""

SHORT = 6
"""Characters of a form that needs no other."""

MOST_TO_FACTOR, MOST_SYMBOLS = 60, 12
"""Ops and symbols of an expression that sympy is asked to factor."""

MOST_WORK = 3000
"""Ops of the expressions that are factored or solved, all in all; a measure of work that no clock disturbs."""

SAME = mpf(10) ** -25
"""Relative difference of two forms of one number."""

WORD = re.compile(r"[^\W\d]\w*|[\d.]+(?:e[+-]?\d+)?|\S")
"""A word of a form: a name, a number, an operator."""


class Forms:
    """The closed forms of one derivation.

    known: symbol → the expression in the variables that it names, for the output and the named nodes.
    bodies: the same in terms of the other names.
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.graph, self.m = derivation.graph, derivation.m
        graph = self.graph
        named = sorted({*graph.labels, graph.output})
        self.nodes = [i for i in named if graph.parents[i] and graph.used[i] and graph.varied[i]]
        self.symbols = {i: self.m.symbol(graph.names[i]) for i in self.nodes}
        self.known = {symbol: derivation.expressions[i] for i, symbol in self.symbols.items()}
        self.bodies: dict[Symbol, Expr] = {}
        self.frozen: dict[Any, Any] = {}
        self.thawed: dict[Dummy, Expr] = {}
        self.work = MOST_WORK
        self.points = [self.extended(derivation.point.values), self.extended(self.beside())]

    def derivatives(self) -> Iterator[tuple[str, str]]:
        """(variable, text) for every variable whose derivative has a form short enough."""
        named = self.through_names()
        for name, derivative in self.derivation.gradient.items():
            self.derivation.tick()
            shown = self.derivation.adjoints[self.graph.inputs[name]]
            text = self.plainest(derivative, named.get(name), shown)
            if text is not None:
                yield name, text

    def plainest(self, derivative: Expr, named: Expr | None, shown: float) -> str | None:
        """The plainest form that has the derivative's numbers; if any has a number here, then of those.

        shown: the gradient at the point, as the engine has it.
        """
        forms: dict[str, tuple[bool, Expr]] = {}
        for candidate in self.candidates(derivative, named):
            try:
                text = printed(candidate, last=self.known, first=self.m.held)
            except UnprintableError:
                continue
            if len(text) <= LONGEST and text not in forms:
                undefined = self.points[0](candidate)[0] is None
                forms[text] = undefined, candidate
                if len(text) <= SHORT and not undefined:
                    break
        latest_first = dict(reversed(forms.items()))  # of forms as plain, the factored one
        for text in sorted(latest_first, key=lambda text: (forms[text][0], *plainness(text))):
            if self.same(forms[text][1], derivative, shown):
                return text
        return None

    def candidates(self, derivative: Expr, named: Expr | None) -> Iterator[Expr]:
        """Forms of a derivative, the cheapest first."""
        for expression in (named, derivative):
            if expression is not None:
                yield tidied(expression)
                if expression.has(Where):
                    yield (anywhere := tidied(elsewhere(expression)))
                    if self.affordable(anywhere):
                        yield tidied(self.thaw(sympy.factor(self.freeze(anywhere))))
        for expression, definitions in ((named, self.bodies), (derivative, self.known)):
            if expression is None or not factorable(expression):
                continue
            divisors = divided_by(expression)
            cold = self.freeze(tidied(expression))
            if not self.affordable(cold):
                continue
            through = False
            for symbol, definition in definitions.items():
                for replaced in self.in_terms_of(symbol, self.freeze(definition), cold):
                    if not self.affordable(replaced):
                        continue
                    plain, factored = (tidied(self.thaw(form)) for form in (replaced, sympy.factor(replaced)))
                    if divided_by(plain) <= divisors:
                        yield plain
                    if divided_by(factored) - self.known.keys() <= divisors:
                        through = True
                        yield factored
            if not through:
                yield tidied(self.thaw(sympy.factor(cold)))

    def affordable(self, expression: Expr) -> bool:
        """Whether an expression may still be factored; it is paid for at once."""
        if self.work <= 0 or not factorable(expression):
            return False
        self.work -= int(sympy.count_ops(expression))
        return True

    # ── names ───────────────────────────────────────────────────────────────────────────────────────────

    def through_names(self) -> dict[str, Expr]:
        """Variable → its derivative by the chain rule through the named nodes, which stay names.

        Empty where no node is named.
        """
        graph, derivation = self.graph, self.derivation
        between = [i for i in self.nodes if i != graph.output]
        if not between:
            return {}
        values: list[Any] = [derivation.leaves.get(i) for i in range(len(graph))]
        bodies: dict[int, Expr] = {}  # by place on the tape
        for i, parents in enumerate(graph.parents):
            if parents and graph.used[i]:
                values[i] = self.m.functions[graph.ops[i]](*[values[p] for p in parents])
                if i in self.symbols:
                    bodies[i], values[i] = values[i], self.symbols[i]
        self.bodies = {self.symbols[i]: body for i, body in bodies.items()}
        upstream: dict[int, Expr] = {graph.output: Integer(1)}
        for i in reversed(between):
            upstream[i] = self.chained(upstream, bodies, self.symbols[i])
        return {name: self.chained(upstream, bodies, symbol) for name, symbol in derivation.inputs.items()}

    def chained(self, upstream: dict[int, Expr], bodies: dict[int, Expr], symbol: Symbol) -> Expr:
        """The sum over the named nodes of upstream × local."""
        reached = [i for i in upstream if bodies[i].has(symbol)]
        return sympy.Add(*(upstream[i] * sympy.diff(bodies[i], symbol) for i in reached))

    def in_terms_of(self, symbol: Symbol, definition: Expr, expression: Expr) -> Iterator[Expr]:
        """An expression with one of its functions solved for from the definition of a name.

        Definitions are solved where they are (a*t + b)/(c*t + d) in the function t.
        """
        shared = definition.free_symbols & expression.free_symbols & self.thawed.keys()
        if not shared:
            return
        above, below = sympy.fraction(sympy.together(definition))
        for t in sorted(shared, key=str):
            a, c = sympy.expand(above.diff(t)), sympy.expand(below.diff(t))
            if a.has(t) or c.has(t):
                continue
            b, d = above.xreplace({t: Integer(0)}), below.xreplace({t: Integer(0)})
            divisor = c * symbol - a
            if divisor != 0:
                replaced = expression.xreplace({t: (b - d * symbol) / divisor})
                if factorable(replaced):
                    yield replaced

    # ── functions as symbols ────────────────────────────────────────────────────────────────────────────

    def freeze(self, expression: Expr) -> Expr:
        """An expression with every function as a symbol, so that only rational arithmetic is left."""
        cold: dict[Expr, Expr] = {}
        waiting = [expression]
        while waiting:
            part = waiting[-1]
            rational = part.is_Add or part.is_Mul or (part.is_Pow and part.exp.is_Integer)
            missing = [inner for inner in part.args if inner not in cold] if rational else []
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if part in cold:
                continue
            cold[part] = part.func(*map(cold.__getitem__, part.args)) if rational else self.freeze_atom(part)
        return cold[expression]

    def freeze_atom(self, part: Expr) -> Expr:
        """A function as a power of a symbol: exp(-u) is exp(u)^-1, x^(3/2) is sqrt(x)^3."""
        if part.is_Symbol or part.is_Rational:
            return part
        if isinstance(part, sympy.exp):
            content, inner = part.args[0].primitive()
            if inner.could_extract_minus_sign():
                content, inner = -content, -inner
            unit = self.frozen.setdefault(("exp", inner), abs(content))
            times = content / unit
            if times.is_Integer:
                return self.symbol_for(sympy.exp(unit * inner)) ** times
        if part.is_Pow and part.exp.is_Rational:
            return self.symbol_for(part.base ** Rational(1, part.exp.q)) ** part.exp.p
        return self.symbol_for(part)

    def symbol_for(self, part: Expr) -> Dummy:
        """The symbol that stands for a function."""
        if part not in self.frozen:
            self.frozen[part] = Dummy(f"t{len(self.frozen)}")
            self.thawed[self.frozen[part]] = part
        return self.frozen[part]

    def thaw(self, expression: Expr) -> Expr:
        """The functions put back."""
        return expression.xreplace(self.thawed)

    # ── numbers ─────────────────────────────────────────────────────────────────────────────────────────

    def beside(self) -> dict[Symbol, Any]:
        """A point a little off."""
        values = self.derivation.point.values
        return {symbol: mpf(value) * (1 + mpf(2) ** -7) + mpf(2) ** -9 for symbol, value in values.items()}

    def extended(self, values: dict[Symbol, Any]) -> Point:
        """A point at which the names have values too."""
        return Point(values, {**self.m.held, **self.known})

    def same(self, candidate: Expr, derivative: Expr, shown: float) -> bool:
        """Whether a form has the derivative's numbers, wherever both have any, and somewhere they do.

        At a kink it must have the number that is shown: step(x-y) is 0 where x is y, and the gradient may be 0.5.
        """
        read = candidate.replace(sympy.Heaviside, lambda x, _=None: Step(x))
        value, bent = self.points[0](read)
        if bent or self.points[0](derivative)[1]:
            if value is not None and not agree(shown, value * self.derivation.upstream):
                return False
            points = self.points[1:]
        else:
            points = self.points
        compared = 0
        for point in points:
            for finer in point.finer():
                a, b = finer(candidate)[0], finer(derivative)[0]
                if a is None or b is None or abs(a - b) <= SAME * abs(b):
                    break
            if a is not None and b is not None:
                if not abs(a - b) <= SAME * abs(b):
                    return False
                compared += 1
        return compared > 0


def plainness(text: str) -> tuple[int, int]:
    """What a reader has to take in, and the length: words, and each name that has to be known."""
    words = WORD.findall(text)
    names = {word for word, after in zip(words, [*words[1:], ""], strict=True) if word[0].isalpha() and after != "("}
    return len(words) + 2 * len(names), len(text)


def elsewhere(expression: Expr) -> Expr:
    """An expression without its choices between one point and all others: the form of all the others."""
    equal, unequal = COMPARISONS["eq"], COMPARISONS["ne"]
    choices = sorted(expression.atoms(Where), key=sympy.count_ops)
    other = {}
    for choice in choices:
        condition, a, b = choice.args
        if isinstance(condition, equal | unequal):
            other[choice] = b if isinstance(condition, equal) else a
    return expression.xreplace(other)


def factorable(expression: Expr) -> bool:
    """Whether an expression is small enough for sympy to factor at once."""
    return len(expression.free_symbols) <= MOST_SYMBOLS and sympy.count_ops(expression) <= MOST_TO_FACTOR


def divided_by(expression: Expr) -> set[Symbol]:
    """The symbols that an expression divides by; a form in terms of names must not add a variable to them."""
    powers = [part for part in expression.atoms(sympy.Pow) if part.exp.could_extract_minus_sign()]
    return set().union(*(power.base.free_symbols for power in powers))


def tidied(expression: Expr) -> Expr:
    """sign(u)² as 1, which it is wherever there is a derivative, and x^y/x as x^(y-1)."""
    signs = {sign: sympy.sign(sign.args[0]) for sign in expression.atoms(Sign)}
    plain = expression.xreplace(signs)
    powers = [part for part in plain.atoms(sympy.Pow) if isinstance(part.base, sympy.sign)]
    plain = plain.xreplace({power: power.base ** (power.exp % 2) for power in powers if power.exp.is_Integer})
    return sympy.powsimp(plain) if any(power.exp.free_symbols for power in plain.atoms(sympy.Pow)) else plain
