"""Tensors as people read them: small ones in full, large ones summarised. No number is ever cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import frexp, isfinite
from typing import TYPE_CHECKING, Any

from gradcli.ops.mismatch import shown
from gradcli.render.figures import DECIMALS, LARGE, Style, aligned, figure

if TYPE_CHECKING:
    from gradcli.ops.op import Shape

SMALL = 12
"""Entries of a tensor that the table shows in full."""

FIGURES = 3
"""Significant digits of a summary, unless others were asked for."""

LINES = 6
"""Lines that a vector may take in a cell."""

ALIKE = 6
"""Entries from which on a tensor of one number alone is shown as that number."""


LEFT_OVER = 2.0**-44
"""How small an entry is, beside the largest of its tensor, that rounding may have left where numbers cancel."""

BITS = 12
"""Bits of such an entry: it is the difference of two doubles that agree in all others."""


def is_tensor(value: Any) -> bool:
    """Whether a value is an array, and no plain number."""
    return getattr(value, "ndim", 0) > 0


def shape_text(shape: Shape) -> str:
    """`(2,3)`; nothing for a scalar."""
    return shown(shape) if shape else ""


def inline(value: Any, style: Style) -> str:
    """A value on one line: a number, `[[1, 2], [3, 4]]`, or the summary of what is large.

    >>> import numpy as np
    >>> inline(np.array([[1.0, 0.5], [-0.25, 2.0]]), Style())
    '[[1.00, 0.50], [-0.25, 2.00]]'
    """
    if not is_tensor(value):
        return figure(value, style)
    if value.size > SMALL:
        return f"{shown(value.shape)} {summary(value, style, 1)[0]}"
    return nested(value.tolist(), iter(figures(value.ravel().tolist(), style)))


def nested(entries: Sequence[Any], texts: Iterator[str]) -> str:
    """Lists of numbers on one line, each number by its text."""
    inner = (nested(entry, texts) if isinstance(entry, list) else next(texts) for entry in entries)
    return f"[{', '.join(inner)}]"


def figures(entries: Sequence[float], style: Style) -> list[str]:
    """The numbers of one tensor, with the same number of decimals where they are not smaller than those.

    0 is exactly 0; ≈0 is what rounding leaves of larger numbers that cancel. Whoever asks for digits gets all of them.

    >>> figures([-2.85, 0.66000001, 0.0, 1.0], Style()), figures([0.25, 2.0**-54], Style())
    (['-2.8500', '0.6600', '0', '1.0000'], ['0.25', '≈0'])
    """
    texts = [figure(entry, style) for entry in entries]
    if style.sig is not None:
        return texts
    pairs = zip(entries, texts, strict=True)
    fixed = [bool(re.fullmatch(r"-?\d+(\.\d+)?", text)) and 0 < abs(entry) < LARGE for entry, text in pairs]
    most = DECIMALS if style.decimals is None else style.decimals
    told = [len(text.partition(".")[2]) for text, is_fixed in zip(texts, fixed, strict=True) if is_fixed]
    places = max((count for count in told if count <= most), default=0)
    texts = [_padded(text, places) if is_fixed else text for text, is_fixed in zip(texts, fixed, strict=True)]
    if style.decimals is not None:
        return texts
    scale = max((abs(entry) for entry in entries if isfinite(entry)), default=0.0)
    nothing = nearly_nothing(style)
    return [nothing if left_over(entry, scale) else text for entry, text in zip(entries, texts, strict=True)]


def rows_of_figures(rows: Sequence[Sequence[float]], style: Style) -> list[list[str]]:
    """The same of a matrix, row by row."""
    texts = iter(figures([entry for row in rows for entry in row], style))
    return [[next(texts) for _ in row] for row in rows]


def _padded(text: str, places: int) -> str:
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(places, '0')}" if places else whole


def left_over(entry: float, scale: float) -> bool:
    """Whether an entry is what rounding left of numbers of the size of scale: tiny, and of a few bits.

    A small probability, or what was given, has as many bits as any other number.
    """
    return 0 < abs(entry) < LEFT_OVER * scale and (frexp(entry)[0] * 2**BITS).is_integer()


def nearly_nothing(style: Style) -> str:
    """How what rounding left is written: it is not exactly 0."""
    return "~0" if style.ascii else "≈0"


Known = dict[int, tuple[Any, list[tuple[str, str]]]]
"""The facts of tensors, by their ids, with the tensors themselves, so that no id is used twice."""


def cell(value: Any, style: Style, columns: int, lines: int, known: Known | None = None) -> list[str]:
    """A value as the lines of a table's cell: in full if it is small, else summarised.

    columns: that a vector may take before it goes on in the next line.   lines: of a summary: 1, 2 or 4.
    known: the facts that were worked out before, and where those of this tensor are kept.
    """
    if not is_tensor(value):
        return [figure(float(value), style)]
    if value.size <= SMALL and not (value.size >= ALIKE and alike(value)):
        drawn = block(value, style, columns if value.ndim == 1 else None)
        if value.ndim > 1 or len(drawn) <= LINES or style.full:
            return drawn
    return summary(value, style, lines, known)


def block(value: Any, style: Style, columns: int | None = None) -> list[str]:
    """All entries, a row of the last axis to a line, aligned in columns; longer rows go on in the next line.

    >>> import numpy as np
    >>> print(*block(np.array([[0.1, 0.5], [-0.3, 12.0]]), Style()), sep="\\n")
    [[ 0.1,  0.5],
     [-0.3, 12.0]]
    """
    length = value.shape[-1]
    texts = figures(value.ravel().tolist(), style)
    rows = _rows(_by_column(texts, length) if len(texts) > length else texts, value.shape, length)
    if columns is None or max(map(len, rows)) <= columns:
        return rows
    texts = aligned(texts)
    across = max(1, (columns - 2 * value.ndim + 1) // (len(texts[0]) + 2))
    return _rows(texts, value.shape, across)


def _rows(texts: list[str], shape: Shape, across: int) -> list[str]:
    """Lines of at most so many entries, with their brackets."""
    rank, length = len(shape), shape[-1]
    lines = []
    for row in range(len(texts) // length):
        opened, closed = _brackets(shape, row)
        for start in range(0, length, across):
            entries = texts[row * length + start : row * length + min(start + across, length)]
            before = " " * rank if start else " " * (rank - opened) + "[" * opened
            after = "," if start + across < length else "]" * closed + ("," if closed < rank else "")
            lines.append(before + _joined(entries) + after)
    return lines


def _by_column(texts: list[str], length: int) -> list[str]:
    """The entries of rows, padded so that the points of each column stand under each other."""
    columns = [aligned(texts[k::length]) for k in range(length)]
    return [entry for row in zip(*columns, strict=True) for entry in row]


def _joined(entries: Sequence[str]) -> str:
    """Entries with a comma behind each number, and what pads it behind the comma."""
    parts = []
    for entry in entries[:-1]:
        bare = entry.rstrip()
        parts.append(f"{bare}, {' ' * (len(entry) - len(bare))}")
    return "".join(parts) + entries[-1].rstrip()


def _brackets(shape: Shape, row: int) -> tuple[int, int]:
    """How many brackets open before a row of the last axis, and how many close after it."""
    counts = []
    for place in (row, row + 1):
        count = 1
        for length in reversed(shape[:-1]):
            if place % length:
                break
            count, place = count + 1, place // length  # noqa: PLW2901 - the row of the axis before
        counts.append(count)
    return counts[0], counts[1]


def summary(value: Any, style: Style, lines: int, known: Known | None = None) -> list[str]:
    """What is to be known of a large tensor, on so many lines: 1, 2 or 4.

    >>> import numpy as np
    >>> summary(np.arange(-3.0, 12.0), Style(), 2)
    ['min -3  mean  4', 'max 11  norm 22.8']
    """
    if known is None:
        known = {}
    if id(value) not in known:
        known[id(value)] = value, facts(value, style)
    pairs = known[id(value)][1]
    if lines == 1 or len(pairs) < 4:
        return ["  ".join(f"{word} {number}" for word, number in pairs)]
    if lines == 4:
        sign = " " if any(number.startswith("-") for _, number in pairs) else ""
        return [f"{word:4} {'' if number.startswith('-') else sign}{number}" for word, number in pairs]
    ends = aligned([pairs[0][1], pairs[2][1]])
    means = aligned([pairs[1][1], pairs[3][1]])
    return [f"min {ends[0]}  mean {means[0]}".rstrip(), f"max {ends[1]}  norm {means[1]}".rstrip()]


def facts(value: Any, style: Style) -> list[tuple[str, str]]:
    """Words and figures: min, mean, max and norm; the one number that all entries are; how many are not finite."""
    asked = style.sig is not None or style.decimals is not None
    style = style if asked else style._replace(sig=FIGURES)
    if alike(value):
        return [("all", figure(float(value.flat[0]), style))]
    wild = [(f"{word} in", f"{count:,} of {value.size:,} entries") for word, count in _wild(value) if count]
    if wild:
        return wild
    found = statistics(value)
    told = {word: figure(number, style) for word, number in found.items()}
    if not asked and 0 < abs(found["mean"]) < LEFT_OVER * max(abs(found["min"]), abs(found["max"])):
        told["mean"] = nearly_nothing(style)  # as that of a gradient of scores, whose rows sum to 0
    return list(told.items())


def alike(value: Any) -> bool:
    """Whether all entries are one number."""
    return bool((value == value.flat[0]).all())


def statistics(value: Any) -> dict[str, float]:
    """Smallest entry, mean, largest entry and 2-norm, in this order; the norm neither over- nor underflows."""
    import numpy as np

    with np.errstate(all="ignore"):
        scale = float(np.max(np.abs(value)))
        norm = scale if not 0 < scale < np.inf else scale * float(np.sqrt(np.sum((value / scale) ** 2)))
        return {"min": float(np.min(value)), "mean": float(np.mean(value)), "max": float(np.max(value)), "norm": norm}


def _wild(value: Any) -> list[tuple[str, int]]:
    """How many entries are not finite."""
    import numpy as np

    return [("nan", int(np.isnan(value).sum())), ("inf", int(np.isinf(value).sum()))]
