"""The variable that is varied, from where to where: `-6:6`, `0:2*pi`, `-6:6:0.5`."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.errors import GradcliError, LimitError, Span
from gradcli.notation import number
from gradcli.reading.values import Fail, constant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST = 100_000
"""Points that may be asked for."""

COUNTED = 1e15
"""Points that a message counts one by one."""

ROUND = 48
"""About how many round numbers a range holds that are looked at beside evenly spread points."""

NARROW = 1e-12
"""How wide a range is at least, as a share of its numbers: below, doubles cannot tell its points apart."""

LEAST = 1e-300
"""And at all: parts of it are doubles with all their digits."""

EXAMPLE = "a range is two numbers with a colon between them, the smaller first: -6:6"


class Axis(NamedTuple):
    """A variable and its range; `step` is None where nobody asked for one."""

    name: str
    low: float
    high: float
    step: float | None = None

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low

    @property
    def text(self) -> str:
        """As it is typed: -6:6."""
        return f"{number(self.low)}:{number(self.high)}"

    def spread(self, count: int) -> Array:
        """So many points from end to end, evenly."""
        import numpy as np

        return np.linspace(self.low, self.high, count)

    def points(self, count: int) -> Array:
        """The points that the step asks for, or so many."""
        import numpy as np

        if self.step is None:
            return self.spread(count)
        found: Array = np.minimum(self.low + self.step * np.arange(self.steps + 1), self.high)
        return found

    def rounds(self, count: int = ROUND) -> Array:
        """The multiples of 1, 2 or 5 times a power of ten in the range, about so many; none of a range far from 0.

        >>> Axis("x", -0.3, 0.3).rounds(6).tolist()
        [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]
        """
        import numpy as np

        rough = self.width / count
        power = floor(log10(rough))
        factor = min((1, 2, 5, 10), key=lambda each: abs(each * 10.0**power - rough))
        step = float(f"{factor}e{power}")
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        if step == 0 or max(abs(first), abs(last)) > COUNTED:
            return np.empty(0)
        found = np.array([float(f"{k * step:.15g}") for k in range(first, last + 1)])
        return found[(found >= self.low) & (found <= self.high)]

    @property
    def steps(self) -> int:
        """How many steps fit into the range; one that is short of it by rounding alone fits."""
        return floor(self.width / (self.step or self.width) * (1 + 1e-12))


def read(name: str, text: str, fail: Fail) -> Axis:
    """The range that a text stands for.

    >>> from gradcli.errors import UsageError
    >>> read("x", "-1:2*pi", UsageError).high
    6.283185307179586

    Errors: what `fail` makes, with the place in the text; LimitError for more than MOST points.
    """
    parts = text.split(":")
    if len(parts) > 3:
        raise fail(f"a range has two ends and perhaps a step, and this has {len(parts)} parts", None, EXAMPLE)
    if "[" in text:
        hint = f"for a vector with an entry that varies, write [{name}, 0.5] in the formula"
        raise fail("a range goes through numbers, not through lists", None, hint)
    numbers, start = [], 0
    for part in parts:
        numbers.append(_end(part, start, fail))
        start += len(part) + 1
    low, high, *rest = numbers
    if low == high:
        raise fail(f"the range is empty: it begins and ends at {number(low)}", None, EXAMPLE)
    if low > high:
        raise fail("the range runs backwards", None, f"the smaller number first: {number(high)}:{number(low)}")
    if not isfinite(high - low):
        raise fail("the range is wider than any double", None, EXAMPLE)
    if high - low < max(NARROW * max(abs(low), abs(high)), LEAST):
        raise fail("the ends are so near that doubles cannot tell the points between them apart", None, EXAMPLE)
    axis = Axis(name, low, high, *rest)
    if axis.step is not None:
        place = (len(text) - len(parts[2]), len(text))
        if axis.step <= 0 or axis.step > axis.width:
            hint = f"greater than 0, and at most {number(axis.width)}; {text[: place[0] - 1]} alone chooses one"
            raise fail(f"a step of {number(axis.step)} does not fit into this range", place, hint)
        if axis.width / axis.step >= MOST:  # steps; points are one more
            many = axis.width / axis.step
            points = f"{axis.steps + 1:,}" if many < COUNTED else f"more than {COUNTED:,.0f}"
            raise LimitError(f"{name}: {points} points, and {MOST:,} are the most")
    return axis


def _end(part: str, start: int, fail: Fail) -> float:
    """A number of a range, told where it stands."""

    def here(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        first, last = span or (0, len(part))
        return fail(message, (start + first, start + max(last, first + 1)), hint)

    if not part.strip():
        raise here("a number is missing here", None, EXAMPLE)
    found: Any = constant(part, here)
    if not isfinite(found):
        raise here(f"an end of a range is a finite number, and this is {number(found)}", None, EXAMPLE)
    return float(found)
