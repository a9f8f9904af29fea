"""The entries of a tensor, one by one: their names, the first that is so, the largest.

A number is its own one entry. NumPy is at hand wherever there is a tensor, and is not loaded where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import isfinite, isnan, nan
from typing import TYPE_CHECKING, Any

from gradcli.notation import number
from gradcli.ops.op import CONSTANT, Shape

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients

Index = tuple[int, ...]


def place(name: str, index: Index) -> str:
    """An entry's name: x[2], W[0,1]; the name alone of a number.

    >>> place("W", (0, 1)), place("x", ())
    ('W[0,1]', 'x')
    """
    return f"{name}[{','.join(map(str, index))}]" if index else name


def source(index: Index, shape: Shape) -> Index:
    """The entry of a broadcast input that an entry of the result comes from.

    >>> source((2, 1), (3,)), source((2, 1), (4, 1)), source((2, 1), ())
    ((1,), (2, 0), ())
    """
    kept = index[len(index) - len(shape) :]
    return tuple(0 if length == 1 else i for i, length in zip(kept, shape, strict=True))


def entry(value: Any, index: Index) -> float:
    """One entry as a float; a number, whatever the index, is itself. What is broadcast has its entry repeated."""
    return float(value[source(index, value.shape)] if getattr(value, "ndim", 0) else value)


def names(name: str, shape: Shape) -> Iterator[str]:
    """The names of all entries, row by row.

    >>> list(names("W", (1, 2)))
    ['W[0,0]', 'W[0,1]']
    """
    lengths = [list(map(str, range(length))) for length in shape]
    return (f"{name}[{index}]" for index in map(",".join, product(*lengths)))


def first(truth: Any) -> Index | None:
    """The index of the first entry that is true; None if none is."""
    if not getattr(truth, "ndim", 0):
        return () if truth else None
    if not truth.any():
        return None
    import numpy as np

    return tuple(int(i) for i in np.unravel_index(int(truth.argmax()), truth.shape))


def some(truth: Any) -> int:
    """How many entries are true."""
    return int(truth.sum()) if getattr(truth, "ndim", 0) else int(bool(truth))


def size(shape: Shape) -> int:
    """How many entries a shape has."""
    count = 1
    for length in shape:
        count *= length
    return count


def in_bytes(count: int) -> str:
    """Bytes in decimal units.

    >>> in_bytes(4096 * 4096 * 8), in_bytes(1_568_000_000)
    ('134 MB', '1.57 GB')
    """
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:,.0f} {units[0]}" if amount >= 99.5 else f"{amount:.3g} {units[0]}"


def norm(value: Any) -> float:
    """The 2-norm of all entries, without overflow; nan where an entry is not a number."""
    if not getattr(value, "ndim", 0):
        return abs(float(value))
    import numpy as np

    largest = float(np.abs(value).max())
    if largest == 0 or not isfinite(largest):
        return largest if not isnan(largest) else nan
    return largest * float(np.sqrt(np.square(value / largest).sum()))


def largest(value: Any) -> tuple[Index, float]:
    """The entry of the largest magnitude and its index; what is not a number counts as smallest."""
    if not getattr(value, "ndim", 0):
        return (), float(value)
    import numpy as np

    sizes = np.where(np.isnan(value), -1.0, np.abs(value))
    index = tuple(int(i) for i in np.unravel_index(int(sizes.argmax()), value.shape))
    return index, float(value[index])


def given(gradients: Gradients, i: int, index: Index, most: int) -> str:
    """What a node was given: "x = 1, y = 2"; of tensors, at an entry of the node: "x[2] = -1, b = 0.5"."""
    graph, trace = gradients.graph, gradients.trace
    parents = list(dict.fromkeys(p for p in graph.parents[i] if graph.ops[p] is not CONSTANT))
    shapes = [trace.shapes[p] for p in parents[:most]]
    if any(shape and not _within(index, shape) for shape in shapes):
        return ""  # all of them matter
    at = [(p, source(index, shape)) for p, shape in zip(parents, shapes, strict=False)]
    words = [f"{place(graph.names[p], where)} = {number(entry(trace.values[p], where))}" for p, where in at]
    return ", ".join(words) + (" …" if len(parents) > most else "")


def _within(index: Index, shape: Shape) -> bool:
    """Whether an input of this shape has an entry for an entry of the result."""
    last = index[len(index) - len(shape) :] if len(shape) <= len(index) else ()
    return len(last) == len(shape) and all(length == 1 or i < length for i, length in zip(last, shape, strict=True))


def nested(value: Any, encode: Callable[[float], Any]) -> Any:
    """A tensor as nested lists, each entry that is not finite encoded."""
    import numpy as np

    if np.isfinite(value).all():
        return value.tolist()
    if value.ndim == 1:
        return [encode(each) for each in value.tolist()]
    return [nested(row, encode) for row in value]


def listed(value: Any) -> str:
    """A tensor as it is typed, each entry the shortest text that reads back as the same double; a shape likewise.

    >>> import numpy as np
    >>> listed(np.array([[1.0, 0.1], [0.0, -2e-20]])), listed(7.0)
    ('[[1,0.1],[0,-2e-20]]', '7')
    """
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return str(value)
    if getattr(value, "ndim", 0) == 1:
        return f"[{','.join(map(number, value.tolist()))}]"
    return f"[{','.join(map(listed, value))}]"
