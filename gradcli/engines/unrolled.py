"""Tensors of a formula whose variables are numbers, written as code of numbers: `norm([x, y])`, `sum(W@[x, y])`.

Points where the engine would have scaled a sum or a product are said to be unsound, and so are the engine's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from gradcli.errors import NotScalarError
from gradcli.shapes import infer, settled, shape_of, shown
from gradcli.sweeps import pull_back
from gradcli.systems.arrays import not_scalar
from gradcli.systems.cells import Cells, NotUnrolled
from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.source import Source

if TYPE_CHECKING:
    from gradcli.engines.formula import Coded, Formula

__all__ = ["NotUnrolled", "coded"]


def coded(formula: Formula, dialect: Dialect, leaves: Mapping[str, str], *, conditions: bool = True) -> Coded:
    """A formula of tensors in a language of numbers; see Formula.code.

    Errors: NotUnrolled where there is no such code; NotScalarError; ShapeError; Unspelled.
    """
    from gradcli.engines.formula import Coded

    m = Source(dialect)
    cells = Cells(m)
    graph = formula.graph
    fixed = formula.fixed
    bound = {
        place: cells.literal(fixed[name]) if name in fixed else cells.cells([m.line(leaves[name], ())], ())
        for name, place in graph.inputs.items()
    }
    shapes = infer(graph, {place: shape_of(block.at) for place, block in bound.items()})
    graph = settled(graph, shapes)
    if shapes[graph.output]:
        if prod(shapes[graph.output]) != 1:
            raise not_scalar(graph, shapes[graph.output])
        raise NotUnrolled(f"the value is an array, {shown(shapes[graph.output])}")
    tensors = [name for name in formula.wrt if shapes[graph.inputs[name]]]
    if tensors:
        raise NotScalarError(
            f"the gradient of {tensors[0]} is no number but {shown(shapes[graph.inputs[tensors[0]]])}",
            hint="leave it out of wrt",
        )
    values = graph.evaluate(cells, bound)
    reached = graph.leading({*formula.variables, *formula.wrt})
    adjoints, masks = pull_back(graph, values, cells, cells.literal(1.0), reached)
    cells.within(graph, values, adjoints, masks)
    gradients = [adjoints[graph.inputs[name]] for name in formula.wrt]
    number = [m.literal(0.0) if block is None else block.at[()] for block in gradients]
    sound = {code.index: code for code in cells.sound if not code.value} if conditions else {}
    return Coded(m, cells.block(values[graph.output]).at[()], number, list(sound.values()))
