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
                raise Mismatch(
                    f"{shown(result)} {symbol} {shown(shape)}: {_apart(result, shape)}", _fitting(result, shape)
                )
            lengths.append(b if a == 1 else a)
        result = tuple(lengths)
    return result


def _apart(a: Shape, b: Shape) -> str:
    last = next((x, y) for x, y in zip(a[::-1], b[::-1], strict=False) if x != y and 1 not in (x, y))
    return f"lengths {last[0]} and {last[1]} do not match"


def _fitting(a: Shape, b: Shape) -> str:
    """What would make two shapes broadcast."""
    if len(a) == len(b) == 2 and a == b[::-1]:
        return "did you mean .T of one of them?"
    if len(a) == len(b) == 2 and a[1] == b[0]:
        return "entry by entry, both need the same shape; for the matrix product write @"
    short, long = sorted((a, b), key=len)
    if len(short) == 1 and len(long) == 2 and short[0] == long[0]:
        return f"to use it along the rows, give it the shape ({short[0]},1): reshape(…, {short[0]}, 1)"
    return "entry by entry, lengths are equal or 1, counted from the last"
