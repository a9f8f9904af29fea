"""The code system over tensors whose shapes are known: a rule run over it becomes lines that work on whole tensors.

Shapes decide which lines are written (which axes a gradient is summed over, say), not what is in them: a mean divides
by the length that its argument then has. Numbers are tensors without axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from math import prod
from typing import Any

from gradcli.graph import Graph
from gradcli.ops.mismatch import broadcast
from gradcli.ops.op import Op, Shape
from gradcli.sweeps import pull_back
from gradcli.systems import Function
from gradcli.systems.building import Guarded
from gradcli.systems.shaped.elements import ADD
from gradcli.systems.shaped.sums import Sums
from gradcli.systems.source import Code


class Shaped(Sums):
    """A system whose elements are computed by lines of code, each of a known shape."""

    def function(self, op: Op) -> Function:
        """An op on tensors."""
        if op.structural:
            own = getattr(self, op.spelled.get("numpy", ""), None) if "numpy" in op.spelled else None
            attributes = {**op.attributes, **op.bound}
            return partial(own, **attributes) if own else partial(op.computed(stable=True), self)
        whole = super().function(op)
        return (lambda *x: self.reduced(op, self.element(whole(*x)))) if op.reduces else whole

    def reduced(self, op: Op, losses: Code) -> Code:
        """What becomes of a batch of losses."""
        if op.reduces == "mean" and self.of(losses):
            return self.averaged(losses)
        total = self.summed(losses)
        rows = self.rows(op, self.shape(losses))
        return total if rows == 1 or op.reduces == "sum" else total / rows

    def rows(self, op: Op, shape: tuple[int, ...]) -> int:
        """By what the sum of a batch of losses is divided."""
        return {"mean": prod(shape), "rows": prod(shape[:-1])}.get(op.reduces, 1)

    def pull(self, op: Op, k: int, g: Any, mask: Any, y: Any, x: Sequence[Any]) -> tuple[Any, None] | None:
        """The downstream gradient of input k: local × upstream, or the op's VJP; None where it has none."""
        chosen = op.selected(k)
        if op.body is not None:
            return self.through(op, k, g, x)
        if op.structural:
            rule = op.pulled(k)
            down = None if rule is None else rule(self, self.plain(g), y, *x)
            if down is None:
                return None
            inner = self.element(x[k]).index >= len(self.leaves)  # what is below may have a slope that is not finite
            return (Guarded(down, chosen(self, *x)) if chosen is not None and inner else down), None
        rule = self.locals[op][k]
        local: Any = None if rule is None else rule(y, *x)
        if local is None:
            return None
        whole = broadcast(*map(self.of, x))
        if op.reduces:
            count = self.rows(op, self.shape(max(x, key=lambda each: len(self.of(each)))))
            g = self.plain(g) if count == 1 else self.plain(g) / count
        down = local * g
        guarded = isinstance(down, Guarded)
        shape, wanted = (
            broadcast(self.of(down.value), self.of(down.condition)) if guarded else self.of(down),
            self.of(x[k]),
        )
        if shape != wanted:
            down = self.narrowed(self.widened(self.plain(down), whole, x), x[k])
        return down, None

    def widened(self, g: Any, whole: Shape, x: Sequence[Any]) -> Code:
        """A gradient in the shape that the inputs have together."""
        code = self.element(g)
        if self.of(code) == whole:
            return code
        like = next((each for each in x if self.of(each) == whole), None)
        return self.spread(code, reduce(partial(self.apply, ADD), x) if like is None else like)

    def through(self, op: Op, k: int, g: Any, x: Sequence[Any]) -> tuple[Any, None] | None:
        """The downstream gradient of a user's gate: back through its body."""
        body: Graph = op.body
        if not body.varied[body.output]:
            return None
        places = list(body.inputs.values())
        reached = body.leading([list(body.inputs)[k]])
        adjoints, _ = pull_back(body, body.evaluate(self, dict(zip(places, x, strict=True))), self, g, reached)
        down = adjoints[places[k]]
        return None if down is None else (down, None)
