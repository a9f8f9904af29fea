"""What a row of the op table says, and the functions that write one.

Glossary of a rule's arguments, the same in every row:

    m   the number system the rule runs over: floats, balls, sympy, a graph being traced, arrays
    x   the inputs, in order (x, y, …, or a, b as the textbook names them)
    y   the output, so that a partial can reuse it (exp: `y`)
    g   the upstream gradient, in a rule of a structural op: (m, g, y, *x) → the downstream gradient
    k   the index of the input, in the one partial of an op with any number of inputs

A rule uses only `+ - * / **` and functions of `m`. It never branches in Python (`if`, `and`, `==`, `max`):
the same text must serve a float, an interval and a symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

Rule = Callable[..., Any]
Number = int | float
Shape = tuple[int, ...]


class Axis(int):
    """The default of an attribute that is an axis: whole numbers only."""


FIRST, LAST = Axis(0), Axis(-1)


LIMITS: Mapping[str, Callable[[float], bool]] = {
    "positive": lambda value: value > 0,
    "other than 0": lambda value: value != 0,
}
"""What an attribute may have to be."""


class Notation(NamedTuple):
    """How an operator is written: its symbol and how tightly it binds (larger is tighter)."""

    symbol: str
    binding: int
    fix: str = "infix"  # or "prefix"
    right: bool = False  # right-associative
    chains: bool = True
    spellings: tuple[str, ...] = ()  # other spellings of the symbol: × for *


class Check(NamedTuple):
    """A hand-checked point: inputs → value and one partial an input (None: no gradient there).

    Of a structural op, nested lists; a partial is what it passes down where its upstream gradient is 1 in every entry.
    """

    at: tuple[Any, ...]
    value: Any
    partials: tuple[Any, ...]


NOTHING: Mapping[str, Any] = MappingProxyType({})


class Op:
    """One row of the table: everything gradcli knows of an op. It does not change, and is equal to itself alone.

    A class of its own rather than a dataclass, which would take longer to make than all the rows.
    """

    name: str
    parameters: tuple[str, ...]
    definition: Rule  # (m, *x) → y, the mathematics
    partials: Sequence[Rule | None] | Rule  # (m, y, *x) → ∂y/∂x_k, the form that keeps its digits
    doc: str = ""
    group: str = ""
    variadic: bool = False
    shown: tuple[str | None, ...] | Rule = ()  # the textbook's form of a partial, or of a VJP with its g
    typed: Rule | None = None  # (*shapes) → the same of a structural op as it can be run; see ops/typed.py
    general: Rule | None = None  # (*shapes) → what is true of any inputs, where `shown` is of some only
    holds: Rule | None = None  # (m, *x) → 1 where `shown` is true of these inputs
    stable: Rule | None = None  # what machine numbers use where the definition loses digits
    vjp: Sequence[Rule | None] | Rule = ()  # a structural op's (m, g, y, *x) → the downstream gradient of input k
    shape: Rule | None = None  # a structural op's (*shapes) → shape
    fits: str = ""  # a structural op's shapes, in and out
    formula: str = ""  # a structural op's definition in our language, in its parameters and n, how many there are
    moves: bool = False  # each entry of its output is an entry of its inputs, or a sum or product of some
    labels: str = ""  # what the last input of a loss over scores is: "weights" or "one-hot" rows, or class indices
    reduces: str = ""  # of a batch, what is returned: the mean of all entries, their sum, or the mean over rows
    indexed: str = ""  # the structural row that a loss over rows means where its targets are class indices
    averaged: Rule | None = None  # (*shapes) → n, over how many entries or rows a structural op takes the mean
    alone: str = ""  # the row that a call with one argument means: max(x) is the largest entry of x
    called: str = ""  # the name in a call, where it is not the row's
    trailing: str = ""  # the attribute that further arguments, whole numbers, make up: reshape(x, 2, 3)
    spelled: Mapping[str, str] = NOTHING  # a primitive's name in each system
    selects: Sequence[Rule | None] | Rule = ()  # (m, *x) → is input k the one chosen?
    domain: Rule | None = None  # (m, *x) → 1 where defined
    kinks: Rule | None = None  # (m, *x) → 1 where calculus leaves a choice
    convention: str = ""  # the choice made there
    notation: Notation | None = None
    latex: str = ""  # #1, #2 … stand for the inputs, #* for all of them
    gate: str = ""  # the lecture's name for its part in the backward pass
    role: str = ""  # what it does to its upstream, in words
    general_role: str = ""  # the same, true of any inputs
    aliases: tuple[str, ...] = ()
    disguises: tuple[str, ...] = ()  # formulas that people write for it, beside the definition
    samples: tuple[tuple[Any, ...], ...] = ()
    checks: tuple[Check, ...] = ()
    source: str = ""
    attributes: Mapping[str, Any] = NOTHING  # keywords without gradient, and defaults
    limits: Mapping[str, str] = NOTHING  # what an attribute has to be, a word of LIMITS
    bound: Mapping[str, Any] = NOTHING  # the attributes that a node has set
    body: Any = None  # a user's gate: its Graph

    def __init__(
        self,
        name: str,
        parameters: tuple[str, ...],
        definition: Rule,
        partials: Sequence[Rule | None] | Rule,
        **facts: Any,
    ) -> None:
        facts |= {"name": name, "parameters": parameters, "definition": definition, "partials": partials}
        if not facts.keys() <= Op.__annotations__.keys():
            raise TypeError(f"the row of {name} has no {', '.join(facts.keys() - Op.__annotations__.keys())}")
        self.__dict__.update(facts)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a row does not change: {name} of {self.name}")

    def named(self, **facts: Any) -> Op:
        """The same row with other facts, such as those that a whole group shares."""
        return Op(**{**self.__dict__, **facts})

    @property
    def signature(self) -> str:
        """How a call is written: `leaky_relu(x, slope=0.01)`."""
        words = [*self.parameters, *(["…"] if self.variadic else [])]
        words += [
            "…" if name == self.trailing else f"{name}={spelled(value)}" for name, value in self.attributes.items()
        ]
        return f"{self.called or self.name}({', '.join(words)})"

    @property
    def structural(self) -> bool:
        """Whether the op works on whole tensors, by a VJP, and not entry by entry."""
        return self.shape is not None

    @property
    def differentiable(self) -> bool:
        """Whether the op has a gradient in every input."""
        rules = self.vjp if self.structural else self.partials
        return callable(rules) or None not in rules

    def passes(self, k: int) -> bool:
        """Whether the op has a gradient in input k."""
        return (self.pulled(k) if self.structural else self.partial(k)) is not None

    @property
    def primitive(self) -> bool:
        """Whether machine arithmetic has the op itself, rather than its definition."""
        return "floats" in self.spelled

    def accepts(self, count: int) -> bool:
        """Whether a call may have this many inputs."""
        return count >= len(self.parameters) if self.variadic else count == len(self.parameters)

    def partial(self, k: int) -> Rule | None:
        """The rule (m, y, *x) → ∂y/∂x_k; None where the op has no gradient in that input."""
        return self._of_input(self.partials, k, lambda rule: lambda m, y, *x: rule(m, k, y, *x))

    def pulled(self, k: int) -> Rule | None:
        """The rule (m, g, y, *x) → downstream gradient of input k of a structural op; None where there is none."""
        return self._of_input(self.vjp, k, lambda rule: lambda m, g, y, *x, **bound: rule(m, k, g, y, *x, **bound))

    def selected(self, k: int) -> Rule | None:
        """The rule (m, *x) → 1 where input k is chosen; None for an op that does not select."""
        return self._of_input(self.selects, k, lambda rule: lambda m, *x: rule(m, k, *x))

    def _of_input(self, rules: Any, k: int, nary: Callable[[Rule], Rule]) -> Rule | None:
        if not rules:
            return None
        rule: Rule | None = nary(rules) if callable(rules) else rules[k]
        return partial(rule, **self.bound) if rule is not None and self.bound else rule

    def computed(self, *, stable: bool) -> Rule:
        """The rule (m, *x) → y that a system runs: the definition, or its stable form."""
        rule = self.stable if stable and self.stable is not None else self.definition
        return partial(rule, **self.bound) if self.bound else rule

    def predicate(self, which: str) -> Rule | None:
        """`domain`, `kinks` or `holds`, with the node's attributes."""
        rule: Rule | None = getattr(self, which)
        return partial(rule, **self.bound) if rule is not None and self.bound else rule

    def bind(self, **attributes: Any) -> Op:
        """The same op with keyword attributes set; itself when they are the defaults. Equal ones are one object."""
        if all(self.attributes[name] == value for name, value in attributes.items()):
            return self
        key = self, *sorted(attributes.items())
        found = _BOUND.get(key)
        if found is None:
            found = self.named(bound={**self.attributes, **attributes})
            if len(_BOUND) < MOST_BOUND:
                _BOUND[key] = found
        return found


MOST_BOUND = 10_000
_BOUND: dict[tuple[Any, ...], Op] = {}
"""Rows with their attributes set, so that equal ones are one object."""


def elementwise(name: str, definition: Rule, *, partials: Sequence[Rule | None], **facts: Any) -> Op:
    """A row for an op with a fixed number of inputs; the rule's own argument names are the documentation."""
    positional, keywords = _signature(definition)
    return Op(name, positional, definition, tuple(partials), attributes=keywords, **_points(**facts))


def variadic(name: str, definition: Rule, *, partial: Rule, parameters: tuple[str, ...], **facts: Any) -> Op:
    """A row for an op of any number of inputs (at least as many as the parameters named)."""
    return Op(name, parameters, definition, partial, variadic=True, **_points(**facts))


def structural(name: str, definition: Rule, *, vjp: Any, shape: Rule, variadic: bool = False, **facts: Any) -> Op:
    """A row for an op on whole tensors.

    definition: (m, *x, attribute=…) → y.   shape: (*shapes, attribute=…) → the shape of y; raises Mismatch.
    vjp: a rule an input, (m, g, y, *x, attribute=…) → the gradient that it passes down, of the input's shape; for any
    number of inputs one rule (m, k, g, y, *x, …).
    """
    positional, keywords = _signature(definition)
    rules = vjp if callable(vjp) else tuple(vjp)
    parameters = facts.pop("parameters", positional)
    facts = {"vjp": rules, "shape": shape, "variadic": variadic, "attributes": keywords, **_points(**facts)}
    return Op(name, parameters, definition, (), **facts)


def spelled(value: Any) -> str:
    """An attribute's value as it is written: 0.01, 1, [0,1], True; … for one that is not set."""
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    if isinstance(value, bool):
        return str(value)
    return "…" if value is None else f"{value:g}"


def _points(samples: Sequence[Any] = (), checks: Sequence[Any] = (), **facts: Any) -> dict[str, Any]:
    """The facts of a row, a sample as a tuple also where it is one number, a check as a Check."""
    return {
        **facts,
        "samples": tuple([at if isinstance(at, tuple) else (at,) for at in samples]),
        "checks": tuple([check if isinstance(check, Check) else Check(*check) for check in checks]),
    }


def _signature(rule: Rule) -> tuple[tuple[str, ...], dict[str, Any]]:
    code = rule.__code__
    names = code.co_varnames[1 : code.co_argcount]
    defaults = rule.__kwdefaults__ or {}
    return tuple(names), {key: defaults[key] for key in code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]}


def _leaf(name: str, doc: str) -> Op:
    return Op(name, (), lambda m: None, (), doc=doc, group="leaf")


INPUT = _leaf("input", "a variable of the expression")
CONSTANT = _leaf("constant", "a number")
