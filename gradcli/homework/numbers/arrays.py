"""Arrays against arrays: those of a file as torch.testing.assert_close compares their dtype, typed ones entry by entry.

    |answer - right| ≤ atol + rtol·|right|        float64 1e-7, 1e-7   float32 1e-5, 1.3e-6   float16 1e-5, 1e-3
                                                  bfloat16 1e-5, 1.6e-2;   whole numbers must be equal

Source: PyTorch, torch.testing.assert_close, "rtol and atol defaults". A nan is equal to a nan, and to nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.numbers import comparing, intervals
from gradcli.homework.numbers.differing import differences
from gradcli.homework.records import Accepted, Comparison, Given, Listed, Number, Rules, State
from gradcli.notation import number
from gradcli.ops.mismatch import shown
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.homework.numbers.rounding import Replay

Floats = NDArray[np.float64]

TOLERANCES = {
    "float64": (1e-7, 1e-7),
    "float32": (1.3e-6, 1e-5),
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
}
"""dtype → rtol, atol."""


class Answer(NamedTuple):
    """An array that was given, with what its entries were typed as: None for a file's.

    computed: whether it is the value of a formula without names.
    """

    values: Floats
    numbers: tuple[Number, ...] | None
    dtype: str
    computed: bool = False


@np.errstate(all="ignore")
def compare(given: Given, cell: Cell, gradients: Gradients, rules: Rules) -> Comparison:
    """How an array compares with the one that a cell holds; one number counts as an array of one entry."""
    answer, right = answered(given, 0), np.asarray(cell.value, dtype=np.float64)
    if answer.values.shape != right.shape:
        if answer.values.size == right.size == 1:
            answer = answer._replace(values=answer.values.reshape(right.shape))
        else:
            return Comparison(State.WRONG, None, tuple(mismatched(answer, right, rules)))
    low, high = right, right
    remarks: tuple[Said, ...] = ()
    choice = comparing.between(cell, gradients, rules)
    if choice is not None:
        low, high = np.asarray(choice.low), np.asarray(choice.high)
        remarks = (comparing.kink("numbers.kink", choice, gradients, cell.value),)
    accepted = Accepted(*interval(low, high, answer, rules), rule_of(answer, rules))
    near = inside(answer, accepted, rules)
    if near.all() and choice is not None and not shared(answer, choice.total, rules):
        return Comparison(State.WRONG, accepted, (Said("numbers.total", remarks[0].fields),))
    if near.all():
        few = next(too_few(answer, np.minimum(np.maximum(answer.values, low), high), rules), None)
        if few is not None:
            return Comparison(State.COARSE, accepted, (few, *remarks))
        return Comparison(State.RIGHT, accepted, remarks)
    if noisy(answer, cell, gradients):
        return Comparison(State.RIGHT, accepted, (Said("numbers.noise_entries"),))
    coarse = coarsely(answer, right, near, rules)
    if coarse is not None:
        return Comparison(State.COARSE, accepted, (coarse,))
    found = rounded(given, cell, gradients, answer, rules)
    if found is not None:
        return Comparison(State.ROUNDED, accepted, found.remarks)
    return Comparison(State.WRONG, accepted, tuple(differences(answer.values, right, near)))


def test(given: Listed, rules: Rules) -> comparing.Test:
    """Whether a predicted array counts as the one that was given."""
    answer = answered(given)

    @np.errstate(all="ignore")
    def fits(found: Value) -> bool:
        predicted = np.asarray(found, dtype=np.float64)
        if predicted.shape != answer.values.shape and not predicted.size == answer.values.size == 1:
            return False
        predicted = predicted.reshape(answer.values.shape)
        ends = interval(predicted, predicted, answer, rules)
        return bool(inside(answer, Accepted(*ends, Said("")), rules).all())

    return fits


def answered(given: Given, zeros: int = 1) -> Answer:
    """What was given, as an array of doubles.

    zeros: decimals up to which a zero is the zero it is, and no rounded number.
    """
    if isinstance(given, Number):
        return Answer(np.asarray(given.value), (intervals.simplified(given, zeros),), "float64")
    assert isinstance(given, Listed)  # noqa: S101 - nothing else is compared here
    values = np.asarray(given.value, dtype=np.float64)
    if given.entries is None:
        return Answer(values, None, given.dtype, computed=isinstance(given.value, list))
    numbers = given.entries
    while numbers and isinstance(numbers[0], list):
        numbers = [number for row in numbers for number in row]
    return Answer(values, tuple(intervals.simplified(number, zeros) for number in numbers), "float64")


# ── what counts ─────────────────────────────────────────────────────────────────────────────────────────────────


def interval(low: Floats, high: Floats, answer: Answer, rules: Rules) -> tuple[Floats, Floats]:
    """The least and the greatest numbers that count as right, entry by entry."""
    if answer.numbers is not None:
        pairs = zip(low.ravel().tolist(), high.ravel().tolist(), answer.numbers, strict=True)
        ends = [(intervals.bounds(a, n, rules)[0], intervals.bounds(b, n, rules)[1]) for a, b, n in pairs]
        below, above = (np.array(end, dtype=np.float64).reshape(low.shape) for end in zip(*ends, strict=True))
        return below, above
    if not intervals.free(rules) and rules.rtol is rules.atol is rules.decimals is rules.sig is None:
        most = intervals.bands()[1]
        below, above = (np.stack([end * (1 - most), end / (1 - most)]) for end in (low, high))
        return below.min(0), above.max(0)
    return low - half_widths(low, answer, rules), high + half_widths(high, answer, rules)


def half_widths(right: Floats, answer: Answer, rules: Rules) -> Floats:
    """How far the entries of a file's array, or of a computed one, may be off."""
    if rules.rtol is not None or rules.atol is not None:
        return (rules.atol or 0.0) + (rules.rtol or 0.0) * np.abs(right)
    if rules.decimals is not None:
        return np.full(right.shape, intervals.unit(rules.decimals) / 2)
    if rules.sig is not None:
        power = np.floor(np.log10(np.abs(right)))
        return np.where(np.isfinite(power), 10.0 ** (power - rules.sig + 1) / 2, 0.0)
    rtol, atol = TOLERANCES.get("" if answer.computed else answer.dtype, (0.0, 0.0))
    return atol + rtol * np.abs(right)


def inside(answer: Answer, accepted: Accepted, rules: Rules) -> NDArray[np.bool_]:
    """Which entries lie in their intervals; an infinity only at the same one, a nan at a nan."""
    values, low, high = answer.values, accepted.low, accepted.high
    share: Any = intervals.ROUGHLY
    if answer.numbers is not None:
        exact = [intervals.exactness(entry, rules) for entry in answer.numbers]
        share = np.array(exact).reshape(values.shape)
        share = np.where((share == intervals.EXACT) & integers(values, low) & integers(values, high), 0.0, share)
    elif intervals.free(rules) and (answer.computed or answer.dtype not in TOLERANCES):
        share = intervals.COMPUTED if answer.computed else intervals.EXACT
    slack = intervals.HAIR * (high - low) + share * np.maximum(np.abs(low), np.abs(high))
    near = (low - slack <= values) & (values <= high + slack)
    endless = np.isinf(low) | np.isinf(high) | np.isinf(values)
    same = (values == low) | (values == high)
    found: NDArray[np.bool_] = np.where(endless, same, near) | (np.isnan(values) & np.isnan(low))
    return found


def shared(answer: Answer, total: float | None, rules: Rules) -> bool:
    """Whether the entries add up to what they do by every choice at a kink, as far as their digits go."""
    if total is None or not np.isfinite(answer.values).all():
        return True
    low, high = interval(answer.values, answer.values, answer, rules)
    slack = comparing.CLOSE * float(np.abs(answer.values).sum() + abs(total))
    room = np.maximum(high - answer.values, answer.values - low).sum()
    return abs(float(answer.values.sum()) - total) <= float(room) + slack


def integers(values: Floats, right: Floats) -> NDArray[np.bool_]:
    """Which entries are integers that doubles hold exactly, both as given and as they should be."""
    found: NDArray[np.bool_] = (np.rint(values) == values) & (np.rint(right) == right)
    return found & (np.abs(right) < intervals.LARGEST)


def rule_of(answer: Answer, rules: Rules) -> Said:
    """By which rule the intervals are made."""
    if not intervals.free(rules):
        return intervals.rule_of(Number(0.0, None, None, None), rules)
    if answer.numbers is not None:
        same = len({(entry.decimals, entry.cut, entry.computed) for entry in answer.numbers}) == 1
        return intervals.rule_of(answer.numbers[0], rules) if same else Said("numbers.typed_entries")
    if answer.computed:
        return Said("numbers.computed")
    if answer.dtype not in TOLERANCES:
        return Said("numbers.exact")
    rtol, atol = (number(bound) for bound in TOLERANCES[answer.dtype])
    return Said("numbers.dtype", {"dtype": answer.dtype, "rtol": rtol, "atol": atol})


def too_few(answer: Answer, right: Floats, rules: Rules) -> Iterator[Said]:
    """What to say of accepted entries whose digits do not tell enough."""
    if rules.cs231n and answer.numbers is None and right.size:
        error = np.abs(answer.values - right) / np.maximum(np.abs(answer.values), np.abs(right))
        worst = int(np.where(np.isfinite(error), error, 0.0).argmax())
        entry = Number(float(answer.values.flat[worst]), None, None, None)
        few = comparing.too_few(entry, float(right.flat[worst]), rules)
        if few is not None:
            yield few
    for typed, found in zip(answer.numbers or (), right.ravel().tolist(), strict=False):
        few = comparing.too_few(typed, found, rules)
        if few is not None:
            yield few


def coarsely(answer: Answer, right: Floats, near: NDArray[np.bool_], rules: Rules) -> Said | None:
    """What to say of entries that are the right ones to fewer digits than count; None where one of them is not."""
    if answer.numbers is None:
        return None
    entries = zip(answer.numbers, right.ravel().tolist(), near.ravel().tolist(), strict=True)
    said = [comparing.coarsely(typed, found, rules) for typed, found, fine in entries if not fine]
    return said[0] if said and all(said) else None


def noisy(answer: Answer, cell: Cell, gradients: Gradients) -> bool:
    """Whether an array differs from the right one only by what rounding errors of doubles do to that."""
    right = np.asarray(cell.value)
    off = np.abs(answer.values - right)
    if not (off <= comparing.CLOSE * comparing.largest(gradients)).all():
        return False
    if (integers(answer.values, right) & (off > 0)).any() and comparing.whole(gradients):
        return False
    from gradcli.homework.numbers.noise import noise

    return bool((off <= noise(cell, gradients)).all())


def rounded(given: Given, cell: Cell, gradients: Gradients, answer: Answer, rules: Rules) -> Replay | None:
    """How the steps were rounded that lead to a typed array."""
    if answer.numbers is None or not intervals.tolerant(rules):
        return None
    from gradcli.homework.numbers.rounding import NEAR, replayed

    right = np.asarray(cell.value)
    if not (np.abs(answer.values - right) <= NEAR * np.abs(right)).all():
        return None
    decimals = max((number.decimals for number in answer.numbers if number.decimals is not None), default=None)
    digits = max((number.digits for number in answer.numbers if number.digits is not None), default=None)
    return replayed(cell, gradients, comparing.test(given, rules), decimals, digits)


# ── what differs ────────────────────────────────────────────────────────────────────────────────────────────────


def mismatched(answer: Answer, right: Floats, rules: Rules) -> Iterator[Said]:
    """What is said of an array that has another shape."""
    yield Said("numbers.shapes", {"given": shown(answer.values.shape), "right": shown(right.shape)})
    for key, values in (("numbers.transposed", answer.values.T), ("numbers.reshaped", answer.values)):
        same = values.shape == right.shape if key == "numbers.transposed" else values.size == right.size
        if not same:
            continue
        numbers = answer.numbers
        if numbers is not None and key == "numbers.transposed":
            order = np.arange(len(numbers)).reshape(answer.values.shape).T.ravel().tolist()
            numbers = tuple(numbers[i] for i in order)
        same_numbers = Answer(values.reshape(right.shape), numbers, answer.dtype, answer.computed)
        ends = interval(right, right, same_numbers, rules)
        if inside(same_numbers, Accepted(*ends, Said("")), rules).all():
            yield Said(key)
            return
