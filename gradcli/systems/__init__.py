"""Number systems: what an op's row runs over.

A system offers the functions of the op table by name (`m.exp(x)`), and a few facts besides:

    literal(value)    a constant of the graph as an element
    functions[op]     the op as a callable of elements
    locals[op][k]     its partial as a callable (y, *x); it returns None where the op selects another input

A primitive is spelled in the row; anything else falls back to the row's definition (or its stable form, for
machine numbers), so that a composite op works in every system as soon as its row is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from gradcli.ops import TABLE
from gradcli.ops.op import Op

Function = Callable[..., Any]


class System:
    """What every number system shares: rows are looked up by name, once."""

    name = ""
    machine = False  # finite precision: runs stable forms
    pi: Any = math.pi

    def __init__(self) -> None:
        self.functions: dict[Op, Function] = _Made(self.function)
        self.locals: dict[Op, tuple[Function | None, ...] | _Each] = _Made(self.rules)

    def __getattr__(self, name: str) -> Function:
        if name not in TABLE:
            raise AttributeError(f"the {self.name or 'base'} system has no {name}")
        op = TABLE[name]
        function = self.functions[op] if not op.attributes else self.with_attributes(op)
        setattr(self, name, function)
        return function

    def with_attributes(self, op: Op) -> Function:
        """A row with keyword attributes, called from another row: `m.leaky_relu(x, slope=0.2)`."""
        bound = _Made(lambda attributes: self.functions[op.bind(**dict(attributes))])
        return lambda *x, **attributes: bound[tuple(attributes.items())](*x)

    def quiet(self) -> AbstractContextManager[Any]:
        """Work without warnings."""
        return nullcontext()

    def finite(self, value: Any) -> bool:
        """Whether a machine number is finite, in every entry."""
        return math.isfinite(value)

    def some(self, truth: Any) -> bool:
        """Whether a machine's truth value holds, in some entry."""
        return bool(truth)

    def literal(self, value: float) -> Any:
        """A constant as an element of the system."""
        return value

    def function(self, op: Op) -> Function:
        """The op as a callable of elements."""
        spelled = self.spelling(op)
        return spelled if spelled is not None else partial(op.computed(stable=self.machine), self)

    def spelling(self, op: Op) -> Function | None:
        """The system's own function for a primitive, if it has one."""
        word = op.spelled.get(self.name)
        return None if word is None else self.lookup(word)

    def lookup(self, word: str) -> Function:
        """The function that a row's spelling names."""
        raise NotImplementedError(f"{self.name} spells no primitives")

    def rules(self, op: Op) -> tuple[Function | None, ...] | _Each:
        """The op's partials as callables (y, *x)."""
        if op.variadic:
            return _Each(partial(self.rule, op))
        return tuple(self.rule(op, k) for k in range(len(op.parameters)))

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k; None where the op has no gradient in it."""
        rule = op.partial(k)
        if rule is None:
            return None
        local = partial(rule, self)
        chosen = op.selected(k)
        if chosen is None:
            return local
        selects = partial(chosen, self)
        return lambda y, *x: local(y, *x) if selects(*x) else None


class Constant(float):
    """A partial that is a number whatever the inputs, as those of add; the engine need not call it."""

    __slots__ = ()

    def __call__(self, *_: Any) -> float:
        return self


class Argument(int):
    """A partial that is one of its arguments (y, *x) as it stands, by index; the engine need not call it."""

    __slots__ = ()

    def __call__(self, *yx: Any) -> Any:
        return yx[self]


class _Made(dict[Any, Any]):
    """A dictionary that makes what it is asked for, once."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, key: Any) -> Any:
        made = self[key] = self.make(key)
        return made


class _Each(_Made):
    """The partials of an op with any number of inputs, by index; endless when iterated."""

    def __iter__(self) -> Any:
        k = 0
        while True:
            yield self[k]
            k += 1
