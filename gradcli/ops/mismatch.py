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
                hint = _fitting(result, shape, ("{0}", "{1}") if len(shapes) == 2 else ("one", "the other"))
                raise Mismatch(f"{shown(result)} {symbol} {shown(shape)}: {_apart(result, shape)}", hint)
            lengths.append(b if a == 1 else a)
        result = tuple(lengths)
    return result


def _apart(a: Shape, b: Shape) -> str:
    last = next((x, y) for x, y in zip(a[::-1], b[::-1], strict=False) if x != y and 1 not in (x, y))
    return f"lengths {last[0]} and {last[1]} do not match"


def _fitting(a: Shape, b: Shape, names: tuple[str, str]) -> str:
    """What would make two shapes broadcast."""
    if len(a) == len(b) == 2 and a == b[::-1]:
        return f"did you mean {names[1]}.T?"
    if len(a) == len(b) == 2 and a[1] == b[0]:
        return f"entry by entry, both need one shape; for the matrix product write {names[0]}@{names[1]}"
    (short, name), (long, _) = sorted(((a, names[0]), (b, names[1])), key=lambda one: len(one[0]))
    if len(short) == 1 and len(long) == 2 and short[0] == long[0]:
        return f"to use {name} along the rows, write reshape({name}, {short[0]}, 1)"
    return "entry by entry, lengths are equal or 1, counted from the last"
