"""Is a number right? First the numbers that count as right are worked out (intervals.py), then the answer is looked at.

At a kink the interval spans whatever lies between the one-sided derivatives. Outside of it an answer may still be right
with steps rounded on the way (rounding.py). An answer of one digit, or a whole number, is COARSE where the right number
goes on: right so far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, isinf, isnan
from typing import Any

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.numbers.cancelling import near
from gradcli.homework.numbers.intervals import (
    EXACT,
    HAIR,
    LARGEST,
    WHOLE,
    bands,
    bounds,
    counted,
    exactness,
    fits,
    free,
    integer,
    rule_of,
    simplified,
    tolerant,
    within,
)
from gradcli.homework.records import (
    Accepted,
    Blank,
    Comparison,
    Formula,
    Given,
    Listed,
    Number,
    Result,
    Rules,
    State,
    Unreadable,
)
from gradcli.notation import formula as written
from gradcli.notation import number
from gradcli.words import Said

CLOSE = 1e-6
"""How near, as a share of the largest number of the sweep, an answer is that rounding errors of doubles may explain."""

FAITHFUL = 4
"""Digits from which on one that was cut off, and not rounded, is forgiven."""

HIDDEN: Mapping[str, str | None] = {
    "numbers.cut": "numbers.cut_hidden",
    "numbers.whole": "numbers.whole_hidden",
    "numbers.step": None,
    "numbers.kink": "numbers.kink_hidden",
    "numbers.strict": "numbers.strict_hidden",
    "numbers.shares": "numbers.choice",
    "numbers.noise": "numbers.noise_hidden",
    "numbers.differ": "numbers.differ_hidden",
    "numbers.relative": None,
    "numbers.infinite": "numbers.infinite_hidden",
    "numbers.uncomfortable": "numbers.uncomfortable_hidden",
    "formulas.counter": "formulas.counter_hidden",
    "formulas.counter_entry": "formulas.counter_entry_hidden",
}
"""Remarks that tell the right number, or lead to it → what is said where it is hidden; None for nothing."""

EXPLAINING = frozenset(
    ("numbers.cut", "numbers.strict", "numbers.shapes", "numbers.shares", "numbers.choice", "numbers.total")
)
"""Remarks that say by themselves what went wrong."""

Test = Callable[[Value], bool]
"""Whether a predicted number counts as what was written."""


def compare(given: Given, cell: Cell, gradients: Gradients, rules: Rules) -> Comparison:
    """How an answer compares with the number that a cell holds.

    state: RIGHT, ROUNDED, COARSE, WRONG; UNDECIDED where there is no number to compare with.
    """
    if isinstance(given, Blank):
        return Comparison(State.BLANK, None)
    if isinstance(given, Unreadable):
        return Comparison(State.UNREADABLE, None)
    if isinstance(given, Formula):
        from gradcli.homework.formulas import comparison as formulas

        return formulas.compare(given, cell, gradients, rules)
    cell = shaped(cell, gradients)
    if isinstance(given, Listed) or not isinstance(cell.value, float | int):
        from gradcli.homework.numbers import arrays

        return arrays.compare(given, cell, gradients, rules)
    return compare_number(given, cell, gradients, rules)


def shaped(cell: Cell, gradients: Gradients) -> Cell:
    """The cell with its number in its shape: what passes nothing down to a tensor has one 0 for all entries."""
    trace = gradients.trace
    if cell.kind != "down" or not trace.tensorial or cell.key or not isinstance(cell.value, float | int):
        return cell
    shape = trace.shapes[trace.graph.parents[cell.nodes[0]][cell.k]]
    return cell._replace(value=trace.m.zeros(shape)) if shape else cell


def test(given: Given, rules: Rules) -> Test:
    """Whether a predicted number counts as what was typed: as near to it as the right one would have to be."""
    if isinstance(given, Number):
        bare = simplified(given)
        return lambda found: (
            getattr(found, "size", 1) == 1 and fits(bare, float(getattr(found, "flat", [found])[0]), rules)
        )
    if isinstance(given, Listed):
        from gradcli.homework.numbers import arrays

        return arrays.test(given, rules)
    return lambda found: False


def hidden(remark: Said) -> Said | None:
    """A remark without the right number in it; None where nothing is left to say."""
    key = HIDDEN.get(remark.key, remark.key)
    return None if key is None else Said(key, remark.fields)


# ── one number ──────────────────────────────────────────────────────────────────────────────────────────────────


def compare_number(given: Number, cell: Cell, gradients: Gradients, rules: Rules) -> Comparison:
    """How a number compares with the one that a cell holds."""
    right, given = float(cell.value), simplified(given, 0)
    if isnan(right):
        return Comparison(State.UNDECIDED, None, (Said("numbers.undefined"),))
    if isinf(right) or isinf(given.value):
        accepted = Accepted(right, right, Said("numbers.exact"))
        if right == given.value:
            return Comparison(State.RIGHT, accepted)
        return Comparison(State.WRONG, accepted, (Said("numbers.infinite", {"right": right}),) if isinf(right) else ())
    low, high = right, right
    remarks: tuple[Said, ...] = ()
    choice = between(cell, gradients, rules)
    if choice is not None:
        remarks = (kink("numbers.kink", choice, gradients, right),)
        low, high = choice.low, choice.high
    accepted = Accepted(bounds(low, given, rules)[0], bounds(high, given, rules)[1], rule_of(given, rules))
    value, meant = given.value, min(max(given.value, low), high)
    exactly = free(rules) and counted(given, meant)
    if value == meant if exactly else within(value, accepted, exactness(given, rules)):
        few = too_few(given, meant, rules)
        if few is not None and not noisy(given, cell, gradients):
            return Comparison(State.COARSE, accepted, (few, *remarks))
        return Comparison(State.RIGHT, accepted, remarks)
    return outside(given, cell, gradients, rules)._replace(accepted=accepted)


def outside(given: Number, cell: Cell, gradients: Gradients, rules: Rules) -> Comparison:
    """What an answer is that lies outside the accepted interval."""
    right = float(cell.value)
    if noisy(given, cell, gradients):
        return Comparison(State.RIGHT, None, (Said("numbers.noise", {"right": right}),))
    cut = cut_off(given, right, rules)
    if cut is not None and (given.digits or 0) >= FAITHFUL and free(rules):
        return Comparison(State.ROUNDED, None, (cut,))
    typed = filled(given, rules)
    coarse = coarsely(typed, right, rules)
    if coarse is not None:
        return Comparison(State.COARSE, None, (coarse,))
    if tolerant(rules) and near(typed, cell, gradients):
        from gradcli.homework.numbers.rounding import replayed

        found = replayed(cell, gradients, test(given, rules), typed.decimals, typed.digits)
        if found is not None:
            asked = asked_for(typed, rules, found.decimals)
            return Comparison(State.COARSE if asked else State.ROUNDED, None, (*asked, *found.remarks))
    coarse = coarsely(given, right, rules)
    if coarse is not None:
        return Comparison(State.COARSE, None, (coarse,))
    if cut is not None:
        return Comparison(State.WRONG, None, (cut,))
    if rules.at_kink == "strict":
        choice = between(cell, gradients, rules._replace(at_kink="interval"))
        if choice is not None and choice.low <= given.value <= choice.high:
            return Comparison(State.WRONG, None, (kink("numbers.strict", choice, gradients, right),))
    return Comparison(State.WRONG, None)


# ── digits ──────────────────────────────────────────────────────────────────────────────────────────────────────


def too_few(given: Number, right: float, rules: Rules) -> Said | None:
    """What to say of an accepted answer whose digits do not tell enough; None for all others."""
    if rules.cs231n and free(rules._replace(cs231n=False)):
        from gradcli.verify.differences import relative

        error = relative(given.value, right)
        said = Said("numbers.uncomfortable", {"error": number(float(f"{error:.0e}"))})
        return said if error > bands()[0] * (1 + HAIR) else None
    if not free(rules) or given.digits is None or given.digits > 1:
        return None
    if given.value == right if integer(right) and given.whole else abs(given.value - right) <= EXACT * abs(right):
        return None
    return Said("numbers.one_digit" if given.digits else "numbers.no_digit")


def coarsely(given: Number, right: float, rules: Rules) -> Said | None:
    """What to say of an answer that is the right number rounded to fewer digits than count; None where it is not."""
    off = abs(given.value - right)
    if given.decimals is None:
        whole = given.whole and not given.computed
        if whole and off <= min(0.5, WHOLE * abs(right)) * (1 + HAIR) and tolerant(rules):
            return Said("numbers.whole", {"right": right, "whole": number(given.value)})
        return None
    if given.digits and off <= given.unit / 2 * (1 + HAIR):
        return next(iter(asked_for(given, rules)), None)
    return None


def asked_for(given: Number, rules: Rules, kept: int | None = None) -> tuple[Said, ...]:
    """What to say of an answer with fewer digits than are asked for.

    kept: decimals that its steps were rounded to.
    """
    typed = given.decimals if kept is None else kept if given.decimals is None else min(kept, given.decimals)
    if not tolerant(rules):
        return ()
    if rules.decimals is not None:
        few = typed is not None and typed < rules.decimals
        return (Said("numbers.asked_decimals", {"decimals": str(rules.decimals)}),) if few else ()
    few = rules.sig is not None and given.digits is not None and given.digits < rules.sig
    return (Said("numbers.asked_digits", {"digits": str(rules.sig)}),) if few else ()


def filled(given: Number, rules: Rules) -> Number:
    """The number with the zeros that a spreadsheet drops: where two decimals count, 0.4 is 0.40."""
    if rules.decimals is None or given.decimals is None or not given.digits or given.decimals >= rules.decimals:
        return given
    return given._replace(decimals=rules.decimals, digits=given.digits + rules.decimals - given.decimals)


def cut_off(given: Number, right: float, rules: Rules) -> Said | None:
    """What to say where the right number was cut off and should have been rounded; None where it was not."""
    if given.decimals is None or not given.digits or given.value * right <= 0 or asked_for(given, rules):
        return None
    if not 0 <= abs(right) - abs(given.value) < given.unit * (1 - HAIR):
        return None
    return Said("numbers.cut", {"right": f"{right:.{given.decimals}f}" if given.decimals >= 0 else number(right)})


def noisy(given: Number, cell: Cell, gradients: Gradients) -> bool:
    """Whether an answer differs from the right number only by what rounding errors of doubles do to that."""
    right = float(cell.value)
    off = abs(given.value - right)
    if off > CLOSE * max(abs(right), largest(gradients)) or (counted(given, right) and whole(gradients)):
        return False
    from gradcli.homework.numbers.noise import noise

    return bool(off <= noise(cell, gradients))


def whole(gradients: Gradients) -> bool:
    """Whether the forward values are integers that doubles hold exactly, so that no step of them was rounded."""
    values = gradients.trace.values
    if not gradients.trace.tensorial:
        return all(map(isfinite, values)) and all(map(integer, values))
    import numpy as np

    return all(bool(((np.rint(value) == value) & (np.abs(value) < LARGEST)).all()) for value in values)


def largest(gradients: Gradients) -> float:
    """The largest finite number of the forward pass, 1 at least."""
    values = gradients.trace.values
    if not gradients.trace.tensorial:
        return max((abs(value) for value in values if isfinite(value)), default=1.0)
    import numpy as np

    return max(1.0, *(float(np.abs(value).max(initial=0, where=np.isfinite(value))) for value in values))


# ── kinks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def between(cell: Cell, gradients: Gradients, rules: Rules) -> Any:
    """Between which numbers a cell lies at a kink, by kinks.Range; None where it has one value."""
    if rules.at_kink != "interval" or cell.kind == "value":
        return None
    if all(op.kinks is None and op.body is None for op in gradients.graph.kinds):
        return None
    from gradcli.homework.numbers.kinks import between as found

    return found(cell, gradients)


def agreeing(result: Result, earlier: Sequence[Result], gradients: Gradients, rules: Rules) -> Result:
    """The same answer, wrong if it is right by another choice at a kink than the answers before it."""
    if all(op.kinks is None and op.body is None for op in gradients.graph.kinds):
        return result
    from gradcli.homework.numbers.shares import agreeing as found

    return found(result, earlier, gradients, rules)


def kink(key: str, choice: Any, gradients: Gradients, right: Value) -> Said:
    """What is said of an answer at a kink."""
    nodes = ", ".join(written(gradients.graph, i) for i in choice.nodes[:3]) + (" …" if len(choice.nodes) > 3 else "")
    ends = {"low": choice.low, "high": choice.high, "right": right}
    if not isinstance(right, float | int):
        return Said(f"{key}_entries", {"nodes": nodes})
    return Said(key, {"nodes": nodes, **{name: float(end) for name, end in ends.items()}})
