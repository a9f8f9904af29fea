"""What the rows say of shapes: how they broadcast, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from gradcli.ops.op import Shape


class Mismatch(Exception):
    """Shapes that do not fit an op; the message names them, the hint says what would fit."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def shown(shape: Sequence[int]) -> str:
    """A shape as people write it: (2,3), (3,), a scalar.

    >>> shown((2, 3)), shown((3,)), shown(())
    ('(2,3)', '(3,)', 'a scalar')
    """
    if not shape:
        return "a scalar"
    return f"({','.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def broadcast(*shapes: Shape, symbol: str = "") -> Shape:
    """The shape of entry-by-entry work on several tensors, by NumPy's rules.

    Errors: Mismatch for lengths that differ, neither being 1.
    """
    result: Shape = ()
    for shape in shapes:
        if shape == result or not shape:
            continue
        if not result:
            result = shape
            continue
        rank = max(len(shape), len(result))
        wide, other = (1,) * (rank - len(result)) + result, (1,) * (rank - len(shape)) + shape
        lengths = []
        for a, b in zip(wide, other, strict=True):
            if a != b and 1 not in (a, b):
                hint = _fitting(result, shape, symbol) if len(shapes) == 2 else RULE
                raise Mismatch(f"{shown(result)} {symbol} {shown(shape)}: {_apart(result, shape)}", hint)
            lengths.append(b if a == 1 else a)
        result = tuple(lengths)
    return result


def _apart(a: Shape, b: Shape) -> str:
    last = next((x, y) for x, y in zip(a[::-1], b[::-1], strict=False) if x != y and 1 not in (x, y))
    return f"lengths {last[0]} and {last[1]} do not match"


RULE = "entry by entry, lengths are equal or 1, counted from the last"


def products(a: Shape, b: Shape) -> list[str]:
    """The matrix products that two shapes have, as they are written; {0} and {1} stand for the factors.

    >>> products((2, 3), (2,)), products((2, 3), (4, 3))
    (['{0}.T@{1}', '{1}@{0}'], ['{0}@{1}.T'])
    """
    if max(len(a), len(b)) != 2 or not a or not b:
        return []
    turned_a, turned_b = a[::-1], b[::-1]
    ways = [
        ("{0}@{1}", a, b),
        ("{0}@{1}.T", a, turned_b if len(b) == 2 else ()),
        ("{0}.T@{1}", turned_a if len(a) == 2 else (), b),
        ("{1}@{0}", b, a),
    ]
    return [written for written, left, right in ways if left and right and left[-1] == right[0]]


def _fitting(a: Shape, b: Shape, symbol: str) -> str:
    """What would make two shapes fit: entry by entry, or in the matrix product that a `*` may stand for."""
    hints = []
    if symbol == "*" and (ways := products(a, b)):
        hints.append(f"the matrix product is {' or '.join(ways[:2])}")
    (short, name), (long, _) = sorted(((a, "{0}"), (b, "{1}")), key=lambda one: len(one[0]))
    if len(a) == len(b) == 2 and a == b[::-1]:
        hints.append("to go entry by entry, write {1}.T" if hints else "did you mean {1}.T?")
    elif len(short) == 1 and len(long) == 2 and short[0] == long[0]:
        hints.append(f"to use {name} along the rows, write reshape({name}, {short[0]}, 1)")
    return "; ".join(hints) or RULE
