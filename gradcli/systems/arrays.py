"""Double precision on NumPy arrays: the same rows, entry by entry; structural ops by their VJPs.

A 0-d result is a NumPy double, which is a Python float. Nothing raises where IEEE 754 does not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import LimitError, NotScalarError, UsageError
from gradcli.ops import TABLE
from gradcli.ops.op import Op, Shape
from gradcli.shapes import ShapeError, shown, unbroadcast
from gradcli.systems import Function, System, _Made
from gradcli.systems.floats import FLOATS
from gradcli.systems.kernels import KERNELS, tried
from gradcli.systems.structure import STRUCTURAL, count
from gradcli.systems.ufuncs import UFUNCS

Downstream = tuple[Any, Any]
"""What an edge passes down: an array of the input's shape, and which entries are active; None for all of them."""


class Arrays(System):
    """The system of float64 arrays. What NumPy lacks is the float function on every entry."""

    name = "numpy"
    machine = True

    def __init__(self) -> None:
        super().__init__()
        self.selectors: dict[Op, Callable[[int], Function | None]] = _Made(self.selector)
        self.pullbacks: dict[Op, Callable[[int], Function | None]] = _Made(self.pullback)

    def __getattr__(self, name: str) -> Function:
        """A row's function; else a structural primitive's adjoint."""
        if name not in STRUCTURAL or name in TABLE:
            return super().__getattr__(name)
        setattr(self, name, STRUCTURAL[name])
        return STRUCTURAL[name]

    def quiet(self) -> AbstractContextManager[Any]:
        """Work without warnings: inf and nan are told by ourselves."""
        return np.errstate(all="ignore")

    def literal(self, value: Any) -> Any:
        """A constant: a double, or an array of nested tuples."""
        return np.array(value, dtype=np.float64) if isinstance(value, tuple) else np.float64(value)

    def leaf(self, value: Any) -> Any:
        """An input as an element."""
        return np.float64(value) if isinstance(value, float) else value

    def zeros(self, shape: Shape) -> Any:
        """Zero, in a shape."""
        return np.zeros(shape)[()]

    def finite(self, value: Any) -> bool:
        """Whether every entry is a finite number."""
        return bool(np.isfinite(value).all())

    def some(self, truth: Any) -> bool:
        """Whether a truth value holds for some entry."""
        return bool(np.any(truth))

    def shape(self, value: Any) -> Shape:
        """The shape of an element."""
        shape: Shape = value.shape
        return shape

    def count(self, value: Any, axis: Any = None) -> int:
        """How many entries there are along some axes, or in all."""
        return count(value, axis)

    def lookup(self, word: str) -> Function:
        """NumPy's function of this name; comparisons as doubles."""
        found = STRUCTURAL.get(word) or UFUNCS.get(word)
        if found is not None:
            return found
        function: Function = getattr(np, word)
        return (lambda *x: function(*x).astype(np.float64)) if word in TRUTHS else function

    def function(self, op: Op) -> Function:
        """The op on arrays."""
        whole = self.whole(op)
        if not op.reduces:
            return whole
        reduce = REDUCERS[op.reduces]
        return lambda *x: reduce(whole(*x))

    def whole(self, op: Op) -> Function:
        """The op on arrays, before a loss is averaged over its entries."""
        if op.structural and self.name in op.spelled:
            return partial(self.lookup(op.spelled[self.name]), **{**op.attributes, **op.bound})
        if op.primitive and self.name not in op.spelled and not op.variadic and not op.structural:
            slow = np.frompyfunc(FLOATS.functions[op], len(op.parameters), 1)
            return lambda *x: np.asarray(slow(*x), dtype=np.float64)[()]
        rules, kernel = super().function(op), KERNELS.get(op)
        return rules if kernel is None else tried(kernel.value, rules)

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k, entry by entry; which entries it counts for, `selectors` says."""
        rule = op.partial(k)
        return None if rule is None else partial(rule, self)

    def selector(self, op: Op) -> Callable[[int], Function | None]:
        """k → the rule that says in which entries input k is chosen."""

        def make(k: int) -> Function | None:
            rule = op.selected(k)
            return None if rule is None else partial(rule, self)

        return _Made(make).__getitem__

    def pullback(self, op: Op) -> Callable[[int], Function | None]:
        """k → the VJP of input k of a structural op."""
        kernels = KERNELS[op].pulled if op in KERNELS else ()

        def make(k: int) -> Function | None:
            rule = op.pulled(k)
            if rule is None:
                return None
            kernel = kernels[k] if kernels else None
            return partial(rule, self) if kernel is None else tried(kernel, partial(rule, self))

        return _Made(make).__getitem__

    def local(self, op: Op, k: int, y: Any, x: Sequence[Any]) -> Any:
        """∂op/∂x_k entry by entry, in the shape that the inputs have together; 0 where another input is chosen."""
        rule = self.locals[op][k]
        local = 0.0 if rule is None else rule(y, *x)
        selector = self.selectors[op](k)
        if selector is not None:
            local = np.where(np.asarray(selector(*x), bool), local, 0.0)
        shape = np.broadcast_shapes(*map(np.shape, x))
        if op.reduces:
            local = local * WEIGHTS[op.reduces](shape)
        return np.broadcast_to(np.asarray(local, dtype=np.float64), shape)[()]

    def pull(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Sequence[Any]) -> Downstream | None:
        """The downstream gradient of input k: local × upstream, or the op's VJP; None where it has none.

        mask: which entries of g are active; None for all.
        """
        if mask is not None and not mask.any():
            return None
        if op.shape is not None:
            return self.pull_whole(op, k, g, mask, y, x)
        if op.body is not None:
            return self.through(op, k, g, mask, x)
        rule = self.locals[op][k]
        if rule is None:
            return None
        local = rule(y, *x)
        selector = self.selectors[op](k)
        if mask is None and selector is None and not op.reduces:
            down = g if type(local) is int and local == 1 else local * g
            if np.shape(down) == np.shape(x[k]):
                return down, None
        if op.reduces:
            g = np.broadcast_to(g * WEIGHTS[op.reduces](shape := np.broadcast_shapes(*map(np.shape, x))), shape)
        down = g if type(local) is int and local == 1 else local * g
        if selector is not None:
            chosen = np.asarray(selector(*x), bool)
            mask = chosen if mask is None else chosen & mask
        if mask is not None:
            down, mask = (
                np.where(mask, down, 0.0)[()],
                np.broadcast_to(mask, np.broadcast_shapes(*map(np.shape, (down, mask)))),
            )
        shape = np.shape(x[k])
        if np.shape(down) != shape:
            full = np.shape(y) if not op.reduces else np.broadcast_shapes(*map(np.shape, x))
            if np.shape(down) != full:
                down = np.broadcast_to(down, full)
            down = unbroadcast(np.asarray(down), shape)[()]
            if mask is not None:
                mask = unbroadcast(np.broadcast_to(mask, full).astype(np.float64), shape) != 0
        return down, mask

    def pull_whole(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Sequence[Any]) -> Downstream | None:
        """The downstream gradient of input k of a structural op.

        Where its output's entries are sums and products of its inputs' own, an entry that leads to none that is
        active is not active either; nor is one that the op does not choose.
        """
        rule = self.pullbacks[op](k)
        down = None if rule is None else rule(g, y, *x)
        if rule is None or down is None:
            return None
        selector = self.selectors[op](k)
        chosen = None if selector is None else np.asarray(selector(*x), bool)
        if mask is None or not op.moves:
            return down, chosen
        ones = [np.ones(np.shape(value)) for value in (y, *x)] if selector is None else [y, *x]
        led = np.asarray(rule(mask.astype(np.float64), *ones)) != 0
        return down, led if chosen is None else led & chosen

    def through(self, op: Op, k: int, g: Any, mask: Any, x: Sequence[Any]) -> Downstream | None:
        """The downstream gradient of a user's gate: back through its body."""
        from gradcli.sweeps import pull_back

        body = op.body
        place = list(body.inputs.values())[k]
        if not body.varied[body.output]:
            return None
        leaves = dict(zip(body.inputs.values(), x, strict=True))
        reached = body.leading([list(body.inputs)[k]])
        adjoints, masks = pull_back(body, body.evaluate(self, leaves), self, g, reached, mask)
        down = adjoints[place]
        return None if down is None else (down, masks.get(place))


TRUTHS = frozenset(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"))

REDUCERS: dict[str, Function] = {
    "mean": STRUCTURAL["averaged"],
    "sum": STRUCTURAL["summed"],
    "rows": lambda losses: STRUCTURAL["summed"](losses) * WEIGHTS["rows"](np.shape(losses)),
}
"""What becomes of a batch of losses, by the row's `reduces`."""


def _size(shape: Shape) -> int:
    return prod(shape)


WEIGHTS: dict[str, Callable[[Shape], float]] = {
    "mean": lambda shape: 1 / max(_size(shape), 1),
    "sum": lambda shape: 1.0,
    "rows": lambda shape: 1 / max(_size(shape[:-1]), 1),
}
"""What each entry's loss counts in the whole, by the shape of the entries."""

ARRAYS = Arrays()

DOUBLE = np.dtype(np.float64)

MOST_JACOBIAN = 4_000_000
"""Entries that a local Jacobian may have, to be worked out."""


def array(value: Any, what: str, copied: bool = True) -> Any:
    """Numbers from Python (lists, arrays of any real kind, float32 too) as float64; a 0-d one as a float.

    copied: the array is a copy, unless nobody can write to the caller's.

    Errors: UsageError for what is no array of real numbers.
    """
    if type(value) is np.ndarray and value.dtype == DOUBLE and value.ndim and value.size:
        owned = not copied or (value.base is None and not value.flags.writeable)
        return value if owned else value.copy(order="K")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = np.asarray(value)
            real = found.dtype.kind in "fiub"
            found = np.array(found, dtype=np.float64) if real else found
    except (TypeError, ValueError, OverflowError, RuntimeError, Warning) as error:
        if getattr(value, "requires_grad", False):
            raise UsageError(f"{what} is a tensor of a graph of its own", hint="give .detach().numpy()") from None
        foreign = not isinstance(value, list | tuple) and str(error)  # another library's tensor says why itself
        from gradcli.literals import ONE_LENGTH, ragged

        uneven = "" if foreign else ragged(value)
        hint = foreign.partition("\n")[0] if foreign else ONE_LENGTH
        raise UsageError(f"{what} is no array of real numbers{uneven and f': {uneven}'}", hint=hint) from None
    if not real:
        raise UsageError(f"{what} is no array of real numbers: it holds {HELD.get(found.dtype.kind, found.dtype)}")
    if np.ma.is_masked(value):
        raise UsageError(f"{what} has masked entries", hint="fill them in first: .filled(0), say")
    if not found.size:
        raise UsageError(f"{what} is empty: it has the shape {shown(found.shape)}", hint="a tensor has entries")
    return found if found.ndim else float(found)


HELD = {"c": "complex numbers", "U": "text", "S": "text", "O": "objects", "M": "dates", "m": "spans of time"}
"""What an array that is not of real numbers holds, by the kind of its type."""


def start_of(trace: Any, upstream: Any) -> Any:
    """The gradient that backward begins with: 1 for a scalar; for several entries what is given, in their shape.

    Errors: NotScalarError; ShapeError.
    """
    shape = trace.shapes[trace.graph.output]
    if upstream is None:
        if not shape:
            return np.float64(1)
        if _size(shape) != 1:
            raise not_scalar(trace.graph, shape)
        return np.ones(shape)
    from gradcli.autodiff import real

    given = np.asarray(real(upstream, "the upstream gradient"))
    if given.shape != shape:
        hint = f"one number for each entry of the output, such as {example(shape)}"
        raise ShapeError(f"the upstream gradient is {shown(given.shape)}, the output is {shown(shape)}", hint=hint)
    return given[()]


def not_scalar(graph: Any, shape: Shape) -> NotScalarError:
    """The error about an output of several entries, with the ways out."""
    source = graph.source.strip()
    span = graph.spans[graph.output]
    whole = span[1] > span[0]
    text = graph.source[span[0] : span[1]] if whole else source
    brief = text if len(text) <= 40 and "\n" not in text else "…"
    return NotScalarError(
        f"the output is no scalar but {shown(shape)}: which gradient is meant?",
        source=graph.source if whole else None,
        span=span if whole else None,
        hint=f"sum({brief}) differentiates the sum of its entries;\n"
        f'--upstream="{example(shape)}" gives each entry\'s weight ∂L/∂y, a vector-Jacobian product;\n'
        f'gradcli jacobian "{brief}" … prints every derivative',
    )


def example(shape: Shape) -> str:
    """A list of ones of a shape, as it is typed."""
    if _size(shape) > 12:
        return "@file.csv"
    return str(np.ones(shape, dtype=int).tolist()).replace(" ", "")


def jacobian(pulled: Function, out: Shape, into: Shape) -> Any:
    """A Jacobian, row by row, from its vector-Jacobian products.

    Shapes: (*out, *into).
    Errors: LimitError.
    """
    rows, columns = _size(out), _size(into)
    if rows * columns > MOST_JACOBIAN:
        raise LimitError(f"a Jacobian of {rows:,} × {columns:,} entries is larger than {MOST_JACOBIAN:,}")
    found = np.empty((rows, columns))
    for row in range(rows):
        g = np.zeros(rows)
        g[row] = 1.0
        found[row] = np.broadcast_to(pulled(g.reshape(out)[()]), into).ravel()
    return found.reshape((*out, *into))
