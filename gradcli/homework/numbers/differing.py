"""What is said of an array with wrong entries: how many, the worst of them, the largest relative error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gradcli.notation import number
from gradcli.words import Said

Floats = NDArray[np.float64]


def differences(values: Floats, right: Floats, near: NDArray[np.bool_]) -> Iterator[Said]:
    """How many entries differ, the worst of them, and the largest relative error."""
    if not values.shape:
        return
    off = np.where(near, 0.0, np.abs(values - right))
    relative = np.where(near, 0.0, np.abs(values - right) / np.abs(right))
    off = np.where(np.isnan(off), np.inf, off)
    relative = np.where(np.isfinite(relative), relative, 0.0)
    worst, place = (tuple(map(int, np.unravel_index(int(error.argmax()), error.shape))) for error in (off, relative))
    given, meant = apart(float(values[worst]), float(right[worst]))
    yield Said(
        "numbers.differ",
        {
            "count": str(int((~near).sum())),
            "of": str(values.size),
            "index": index_text(worst),
            "given": given,
            "right": meant,
            "absolute": error_text(float(off[worst])),
        },
    )
    if relative[place]:
        yield Said("numbers.relative", {"relative": error_text(float(relative[place])), "index": index_text(place)})


def apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see the difference, four at least.

    >>> apart(2.6197126, 2.6196864), apart(3.0, 0.5)
    (('2.61971', '2.61969'), ('3', '0.5'))
    """
    for digits in range(4, 17):
        texts = number(float(f"{one:.{digits}g}")), number(float(f"{other:.{digits}g}"))
        if texts[0] != texts[1]:
            return texts
    return number(one), number(other)


def index_text(index: tuple[int, ...]) -> str:
    """The place of an entry: [0,1]; empty for a number."""
    return f"[{','.join(map(str, index))}]" if index else ""


def error_text(error: float) -> str:
    """An error to two digits."""
    return number(float(f"{error:.2g}"))
