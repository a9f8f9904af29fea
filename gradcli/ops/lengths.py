"""The shapes that ops on whole tensors take and give, and what to say of those that do not fit.

In messages and hints {0}, {1} … stand for the inputs, as the user wrote them.
"""

from __future__ import annotations

from typing import Any

from gradcli.ops.mismatch import Mismatch, broadcast, shown
from gradcli.ops.op import Shape

SAID = ("no axes: it is a scalar", "axis 0 alone", "axes 0 and 1")
"""A tensor's axes in words, by their number."""


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes counted from the front; all of them for none.

    Errors: Mismatch for an axis that the tensor does not have, or one named twice.
    """
    if axis is None:
        return tuple(range(rank))
    named = axis if isinstance(axis, tuple) else (axis,)
    for each in named:
        if isinstance(each, bool):
            raise Mismatch(f"an axis is a number, not {each}", "such as axis=0")
        if not -rank <= each < rank:
            has = SAID[rank] if rank < len(SAID) else f"axes 0 to {rank - 1}"
            raise Mismatch(f"there is no axis {each}", f"the tensor has {has}; -1 is the last")
    found = tuple(each % rank for each in named)
    if len(set(found)) < len(found):
        raise Mismatch("an axis is named twice", "name each axis once")
    return found


def reduced(shape: Shape, *, axis: Any = None, keepdims: bool = False) -> Shape:
    """The shape after some axes are summed away."""
    gone = axes_of(axis, len(shape))
    if keepdims:
        return tuple(1 if i in gone else length for i, length in enumerate(shape))
    return tuple(length for i, length in enumerate(shape) if i not in gone)


def multiplied(a: Shape, b: Shape) -> Shape:
    """The shape of a matrix product: the last axis of a goes with the second to last of b."""
    if not a or not b:
        scalar = shown(a), shown(b)
        raise Mismatch(f"{scalar[0]} @ {scalar[1]}: @ multiplies vectors and matrices", "write {0}*{1}")
    inner = b[0] if len(b) == 1 else b[-2]
    if a[-1] != inner:
        raise Mismatch(f"{shown(a)} @ {shown(b)}: inner {a[-1]} ≠ {inner}", fitting(a, b))
    left = a[:-1]
    right = b[-1:] if len(b) > 1 else ()
    if len(a) > 2 or len(b) > 2:
        batch = broadcast(a[:-2], b[:-2], symbol="@")
        return (*batch, *(a[-2:-1] if len(a) > 1 else ()), *right)
    return (*left, *right)


def fitting(a: Shape, b: Shape) -> str:
    """What would make a matrix product fit; {0} and {1} stand for the factors."""
    ways = []
    if len(a) == 2 and a[0] == (b[0] if len(b) == 1 else b[-2]):
        ways.append("{0}.T")
    if len(b) == 2 and b[1] == a[-1]:
        ways.append("{1}.T")
    if len(b) == 2 and len(a) <= 2 and a[0] == b[1]:
        ways.append("{1}@{0}")
    if len(b) == 1:
        ways.append(f"{{1}} of length {a[-1]}")
    elif len(a) == 1:
        ways.append(f"{{0}} of length {b[-2]}")
    elif not ways:
        ways.append(f"{{1}} with {a[-1]} rows")
    return f"did you mean {', or '.join(ways)}?"


def inner(a: Shape, b: Shape) -> Shape:
    """The shape of a dot product: a scalar, of two vectors."""
    if len(a) != 1 or len(b) != 1:
        hint = "for the matrix product write {0}@{1}" if len(a) > 1 or len(b) > 1 else "for a scalar write {0}*{1}"
        raise Mismatch(f"dot of {shown(a)} and {shown(b)}: it takes two vectors", hint)
    if a != b:
        raise Mismatch(f"dot of {shown(a)} and {shown(b)}: lengths {a[0]} and {b[0]} differ", "give both one length")
    return ()


def crossed(a: Shape, b: Shape) -> Shape:
    """The shape of an outer product: a row for each entry of a, a column for each of b."""
    if len(a) != 1 or len(b) != 1:
        raise Mismatch(f"outer of {shown(a)} and {shown(b)}: it takes two vectors", "flatten one: reshape(x, -1)")
    return (*a, *b)


def turned(shape: Shape, *, axes: Any = None) -> Shape:
    """The shape with its axes in another order."""
    if axes is None:
        return shape[::-1]
    order = axes_of(axes, len(shape))
    if len(order) != len(shape):
        raise Mismatch(f"axes={list(axes)} for {shown(shape)}", f"name all {len(shape)} axes, each once")
    return tuple(shape[i] for i in order)


def selected(shape: Shape, *, key: Any = ()) -> Shape:
    """The shape of x[key]."""
    if len(key) > len(shape):
        raise Mismatch(f"{len(key)} {'indices' if len(key) > 1 else 'index'} for {shown(shape)}", fewer(shape, key))
    lengths = []
    for part, length in zip(key, shape, strict=False):
        if isinstance(part, tuple):
            count = len(range(*slice(*part).indices(length)))
            if not count:
                raise Mismatch(
                    f"this slice of {shown(shape)} is empty", f"the axis has {length} entries, 0 to {length - 1}"
                )
            lengths.append(count)
        elif not -length <= part < length:
            raise Mismatch(
                f"index {part} is outside {shown(shape)}", f"the axis has {length} entries, 0 to {length - 1}"
            )
    return (*lengths, *shape[len(key) :])


def fewer(shape: Shape, key: Any) -> str:
    """What to write for more indices than there are axes."""
    if not shape:
        return "a scalar has no entries to choose from"
    if len(shape) > 1:
        return f"it has {len(shape)} axes"
    first, second = key[:2]
    if isinstance(first, tuple) or isinstance(second, tuple):
        return "it has 1 axis"
    slices = f", a slice {{0}}[{first}:{second}]" if len(range(shape[0])[first:second]) else ""
    return f"it has 1 axis: an entry is {{0}}[{first}]{slices}"


def refilled(x: Shape, *, shape: Any = (-1,)) -> Shape:
    """The shape asked for; one length may be -1, and is worked out."""
    size = 1
    for length in x:
        size *= length
    wanted = list(shape)
    known = 1
    for length in wanted:
        known *= 1 if length == -1 else length
    if wanted.count(-1) == 1 and known and size % known == 0:
        wanted[wanted.index(-1)] = size // known
        known = size
    if -1 in wanted or known != size or any(length < 1 for length in wanted):
        raise Mismatch(
            f"{shown(x)} cannot be reshaped to {shown(shape)}", f"it has {size} entries; one length may be -1"
        )
    return tuple(wanted)


def piled(*shapes: Shape) -> Shape:
    """The shape of tensors stacked along a new first axis."""
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise Mismatch(
                f"entry {position + 1} of the list is {shown(shape)}, entry 1 is {shown(shapes[0])}",
                "the entries of a list have one shape",
            )
    return (len(shapes), *shapes[0])


def lined_up(*shapes: Shape, axis: int = 0) -> Shape:
    """The shape of tensors joined along an axis."""
    first = shapes[0]
    if not first:
        raise Mismatch("concat joins vectors and matrices", "for scalars write a list: [a, b]")
    (along,) = axes_of(axis, len(first))
    for shape in shapes[1:]:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != along
        ):
            hint = "all other lengths are equal" if shape else "an axis is named: concat(a, b, axis=1)"
            raise Mismatch(f"concat of {shown(first)} and {shown(shape)} along axis {axis}", hint)
    return (*first[:along], sum(shape[along] for shape in shapes), *first[along + 1 :])
