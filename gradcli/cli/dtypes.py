"""`--dtype`: inputs as a kernel of another precision stores them, and the digits that such a kernel can reach.

All formats are IEEE 754's: a number of `bits` bits times a power of two, rounded to the nearest, ties to even. Rounding
is done once, from the double, in exact steps of the last bit. Numbers in the formula stay doubles.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.errors import UsageError
from gradcli.notation import number

if TYPE_CHECKING:
    from gradcli.reading.values import Value

SHOWN = 4
"""Inputs that a sentence names, and answers."""

SHORT = ((), (1,), (2,), (3,), (4,))
"""Shapes of answers that a sentence has room for."""


class Dtype(NamedTuple):
    """A format of numbers.

    bits: of the significand, the hidden one included.   least: exponent of the smallest normal number.
    largest: the largest finite number.
    rtol, atol: what torch.testing.assert_close allows between two results of this format.
    """

    name: str
    bits: int
    least: int
    largest: float
    rtol: float
    atol: float

    @property
    def digits(self) -> int:
        """Significant decimal digits within `rtol`."""
        return math.floor(-math.log10(self.rtol))

    @property
    def smallest(self) -> float:
        """The smallest number above 0, a subnormal one."""
        return math.ldexp(1.0, self.least - self.bits + 1)

    @property
    def most(self) -> str:
        """The largest number, as a sentence has it."""
        return f"{self.largest:.0f}" if self.largest < 1e6 else f"about {self.largest:.2g}".replace("e+", "e")

    def allowed(self, value: float) -> float:
        """How far from a true value a result may lie."""
        return self.atol + self.rtol * abs(value)


SOURCE = "torch.testing.assert_close"

DTYPES = {
    dtype.name: dtype
    for dtype in (
        Dtype("float32", 24, -126, (2 - 2.0**-23) * 2.0**127, 1.3e-6, 1e-5),
        Dtype("float16", 11, -14, 65504.0, 1e-3, 1e-5),
        Dtype("bfloat16", 8, -126, (2 - 2.0**-7) * 2.0**127, 1.6e-2, 1e-5),
    )
}
"""Tolerances: the table of torch.testing.assert_close's documentation, the same in PyTorch 1.9 to 2.13."""


def stored(value: Value, dtype: Dtype, name: str = "a value") -> Value:
    """The value that storage of this format holds: the nearest, ties to even; inf and nan as they are.

    >>> stored(0.1, DTYPES["bfloat16"])
    0.10009765625

    Errors: UsageError, naming the entry, for what is larger than any number of the format.
    """
    if isinstance(value, float | int):
        held = nearest(math, float(value), dtype) if math.isfinite(value) and value else float(value)
        if math.isfinite(value) and abs(held) > dtype.largest:
            raise _overflow(name, float(value), dtype)
        return held
    import numpy as np

    finite = np.isfinite(value)
    rounded = np.where(finite, nearest(np, np.where(finite, value, 0.0), dtype), value)
    over = finite & (np.abs(rounded) > dtype.largest)
    if over.any():
        at = tuple(int(k) for k in np.argwhere(over)[0])
        raise _overflow(f"{name}[{','.join(map(str, at))}]", float(value[at]), dtype)
    return rounded


def said(
    dtype: Dtype,
    changed: Mapping[str, tuple[Value, Value]],
    answers: Mapping[str, Value] | None = None,
    held: Mapping[str, Value] | None = None,
    lost: Iterable[str] = (),
) -> list[str]:
    """What `--dtype` did, and what it means, in sentences.

    changed: each input whose value is not what was given: before and after.
    answers: float64 results by name; numbers and short vectors are told.
    held: those of them that the format's range changes: an entry that is far off has no digits.
    lost: what the format cannot hold, in sentences.
    """
    listed = [_change(name, *pair) for name, pair in list(changed.items())[:SHOWN]]
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    taken = "; ".join(listed) + more if listed else "every value is held exactly"
    sentences = [f"inputs as {dtype.name} stores them: {taken}", *lost]
    ordinary = f"{dtype.digits} digit{'s' * (dtype.digits > 1)}"
    tolerances = f"{SOURCE}: rtol {number(dtype.rtol)}, atol {number(dtype.atol)}"
    short = [(name, answer) for name, answer in (answers or {}).items() if getattr(answer, "shape", ()) in SHORT]
    expected = [f"{name} {_reached(answer, dtype, (held or {}).get(name, answer))}" for name, answer in short[:SHOWN]]
    reach = f", here {', '.join(expected)}" if expected else ""
    sentences.append(f"a {dtype.name} kernel can be expected to reach about {ordinary} of these ({tolerances}){reach}")
    return sentences


def reached(value: float, dtype: Dtype) -> str:
    """The digits of a float64 answer that a kernel of this format can be expected to reach, give or take the last one.

    >>> reached(0.6359999, DTYPES["float16"]), reached(2e-6, DTYPES["float16"]), reached(123456.0, DTYPES["bfloat16"])
    ('0.636', 'none', '1.2e5')
    """
    if not math.isfinite(value):
        return number(value)
    place = math.ceil(math.log10(dtype.allowed(value)))
    first = math.floor(math.log10(abs(value))) if value else place - 1
    if first < place:
        return "none"
    shown = f"{value:.{first - place}e}"
    return f"{value:.{-place}f}" if place <= 0 and -5 < first < 6 else shown.replace("e+0", "e").replace("e+", "e")


def _reached(answer: Any, dtype: Dtype, held: Any) -> str:
    if isinstance(answer, float | int):
        far = math.isfinite(answer) and not abs(held - answer) <= dtype.allowed(answer)
        return "none" if far else reached(answer, dtype)
    pairs = zip(answer.tolist(), held.tolist(), strict=True)
    return f"[{', '.join(_reached(entry, dtype, other) for entry, other in pairs)}]"


def brief(value: float) -> str:
    """A number with three digits: 4.85e8."""
    return f"{value:.3g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def changes(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, tuple[Value, Value]]:
    """The inputs whose values storing changed."""
    return {name: (value, after[name]) for name, value in before.items() if _any(_differs(value, after[name]))}


def nearest(m: Any, x: Any, dtype: Dtype) -> Any:
    """The nearest multiple of the last bit's worth; both scalings are by powers of two, and exact."""
    exponent = m.frexp(x)[1] - 1
    if m is math:
        step = math.ldexp(1.0, max(exponent, dtype.least) - dtype.bits + 1)
        return math.copysign(round(abs(x) / step) * step, x)
    step = m.ldexp(1.0, m.maximum(exponent, dtype.least) - dtype.bits + 1)
    return m.rint(x / step) * step


def _overflow(entry: str, value: float, dtype: Dtype) -> UsageError:
    wider = [other.name for other in DTYPES.values() if abs(value) <= other.largest]
    return UsageError(
        f"{entry} is {number(value)}, larger than any {dtype.name} ({dtype.most})",
        hint=f"scale the input, or choose {' or '.join(wider)}" if wider else "scale the input, or leave --dtype out",
    )


def _differs(before: Any, after: Any) -> Any:
    """Where a value is not what it was; nan stays nan."""
    return (before < after) | (before > after)


def _any(truth: Any) -> bool:
    return bool(truth.any() if hasattr(truth, "any") else truth)


def _change(name: str, before: Any, after: Any) -> str:
    """One input: what it became; of an array, how many entries changed, by how much, and how many vanished."""
    if isinstance(before, float | int):
        return f"{name} = {number(float(after))}"
    import numpy as np

    differ = _differs(before, after)
    vanished = differ & (after == 0)
    kept = differ & ~vanished
    by = f"by up to {np.max(np.abs(after[kept] / before[kept] - 1)):.1g} of each" if kept.any() else ""
    lost = f"{vanished.sum():,} became 0" if vanished.any() else ""
    return f"{name} in {differ.sum():,} of {differ.size:,} entries ({', '.join(filter(None, (by, lost)))})"
