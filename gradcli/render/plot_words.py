"""Curves and fields in words: how steep, where the gradient vanishes, kinks, jumps, poles, gaps, tangents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING

from gradcli.plotting.curves import BEYOND
from gradcli.plotting.slopes import VANISHING, Stretch
from gradcli.render.figures import Style, brief, figure

if TYPE_CHECKING:
    from gradcli.plotting.axes import Axis
    from gradcli.plotting.breaks import Gap
    from gradcli.plotting.curves import Curve, Tangent
    from gradcli.plotting.fields import Field

LISTED = 5
"""Places that a sentence lists."""

MANY = 200
"""More places than this may lie nearer than the samples, and are not counted."""

STEEP = 1e6
"""A slope beside a kink that is no number to be told: that of sqrt(|x|) has no bound."""

STEP = 0.1
"""By how much a sentence about a tangent raises the variable."""


def remarks(curve: Curve, style: Style) -> Iterator[str]:
    """What is to be seen, a sentence each: slope and saturation, breaks, tangents."""
    slope = steepness(curve, style)
    if slope:
        yield slope
    yield from breaks(curve, style)
    beyond = [name for name, slope in (("f", False), ("f'", True)) if curve.exceeds(slope=slope)]
    if beyond:
        goes = "goes" if len(beyond) == 1 else "go"
        yield f"{' and '.join(beyond)} {goes} beyond ±{figure(BEYOND, style)}, where the plot ends"
    yield from (tangent(each, curve, style) for each in curve.tangents)


def titled(name: str) -> str:
    """The title of a plot of one function: f = …, unless the formula names its output itself."""
    return name if re.match(r"[^\W\d]\w*\s*=(?!=)", name) else f"f = {name}"


def steepness(curve: Curve, style: Style) -> str:
    """The largest |f'| and where the gradient vanishes."""
    found, x = curve.steepest, curve.axis.name
    if found is None:
        return ""
    if found.size == 0:
        return "f' = 0 wherever it is defined: no gradient passes"
    where = at([found.at], x, style)
    if found.mirrored:
        where = f"at {x} = ±{figure(abs(found.at), style)}"
    if found.stretches:
        where = f"for {stretches(found.stretches, curve.axis, style)}"
    said = f"largest |f'| {'seen ' * found.seen}is {figure(found.size, style)}, {where}"
    if found.seen:
        said += "; the slope turns faster than it was sampled"
    places = _boundless(curve)
    if places or not isfinite(found.size):
        said = f"|f'| grows without bound {at(places or [found.at], x, style)}"
    if curve.vanishing:
        inside = sum((curve.x > each.low) & (curve.x < each.high) for each in curve.vanishing) > 0
        there = stretches(curve.vanishing, curve.axis, style)
        if not curve.slope[inside & (curve.slope == curve.slope)].any():
            return f"{said}; f' = 0 for {there}: no gradient passes"
        said += f"; |f'| < {VANISHING} for {there}: the gradient vanishes"
    return said


def _boundless(curve: Curve) -> list[float]:
    """Where the slope grows without bound: at poles and steep ends of the domain; not where the value overflows."""
    gaps = curve.found.gaps
    overflows = {end for gap in gaps if not gap.lost for end in (gap.low, gap.high)}
    steep = [side.x for side in curve.found.edges if abs(side.slope) > STEEP]
    near = curve.axis.width * 1e-9
    ends = [end for gap in gaps for end in (gap.low, gap.high) if any(abs(end - place) < near for place in steep)]
    return sorted({*curve.poles, *ends} - overflows)


def breaks(curve: Curve, style: Style) -> Iterator[str]:
    """Kinks with the slopes on their sides, jumps, poles."""
    x = curve.axis.name
    kinks = [each for each in curve.found.breaks if each.kind == "kink"]
    taken = "".join(f"; {each}" for each in curve.conventions)
    if len(kinks) == 1:
        left, right = kinks[0].left.slope, kinks[0].right.slope
        said = [figure(slope, style) for slope in (left, right)]
        where = at([kinks[0].at], x, style)
        if said[0] == said[1]:
            yield f"{where} alone the gradient is not {said[0]}, the slope on both sides{taken}"
        elif max(abs(left), abs(right)) < STEEP:
            yield f"kink {where}: the slope is {said[0]} before it and {said[1]} after it{taken}"
        else:
            yield f"kink {where}{taken}"
    elif kinks:
        yield f"kinks {at([each.at for each in kinks], x, style)}{taken}"
    for kind in ("jump", "pole"):
        places = [each.at for each in curve.found.breaks if each.kind == kind]
        if places:
            yield f"{kind}{'s' * (len(places) > 1)} {at(places, x, style)}"


def notes(curve: Curve, style: Style) -> Iterator[str]:
    """Where the function has no finite value, and what was not looked for: to be read after its name and "is"."""
    x = curve.axis.name
    for lost, words in ((True, "undefined"), (False, "larger than any double")):
        found = [each for each in curve.found.gaps if each.lost == lost]
        if found:
            joined = _joined(found)
            single = ", single points aside" if len(joined) < len(found) else ""
            shown = [
                _interval(each.low, each.high, curve.axis, style, not each.low_open, not each.high_open)
                for each in joined
            ]
            yield f"{words} for {_listed(shown)}{single}"
    holes = [each.at for each in curve.found.breaks if each.kind == "hole"]
    if holes:
        yield f"undefined {at(holes, x, style)}"
    if not curve.searched:
        yield "too large to look for kinks between points"


def _joined(found: Sequence[Gap]) -> list[Gap]:
    """Gaps that only single points part, as one."""
    joined: list[Gap] = []
    for gap in found:
        if joined and joined[-1].high == gap.low:
            gap = joined.pop()._replace(high=gap.high, high_open=gap.high_open)  # noqa: PLW2901 - the two as one
        joined.append(gap)
    return joined


def tangent(found: Tangent, curve: Curve, style: Style) -> str:
    """The tangent's slope, its equation, and what raising the variable would do."""
    x = curve.axis.name
    here = f"{x} = {figure(found.at, style)}"
    if not isfinite(found.value):
        return f"no tangent at {here}: the value there is {'undefined' if isnan(found.value) else 'not finite'}"
    if not isfinite(found.slope):
        return f"no tangent at {here}: the slope there is {'undefined' if isnan(found.slope) else 'infinite'}"
    slope = figure(found.slope, style)
    if found.jump:
        return f"no tangent at {here}: f jumps there; {figure(found.slope, style)} is taken for the slope"
    if found.broken and found.sides:
        left, right = (figure(side, style) for side in found.sides)
        return f"{here} is a kink: the slope is {left} before it and {right} after it, and {slope} is taken for it"
    constant = found.value - found.slope * found.at
    rest = f" {'-' if constant < 0 else '+'} {figure(abs(constant), style)}" if figure(constant, style) != "0" else ""
    risen = {"1": x, "-1": f"-{x}"}.get(slope, f"{slope}·{x}")
    said = f"tangent at {here}: slope {slope}, y = {risen}{rest}"
    if found.slope == 0:
        flat = figure(found.value, style)
        return f"tangent at {here}: slope 0, y = {flat}; raising {x} a little changes next to nothing"
    moved = f"{'rises' if found.slope > 0 else 'falls'} by about {brief(abs(found.slope) * STEP, 3)}"
    return f"{said}; raise {x} by {STEP} and f {moved}"


def field_remarks(field: Field, style: Style, *, derivative: bool = True) -> Iterator[str]:
    """The smallest and the largest value on the grid, and the gradient."""
    if not field.defined:
        return
    names = [axis.name for axis in field.axes]

    def place(x: float, y: float) -> str:
        return f"{names[0]} = {figure(x, style)}, {names[1]} = {figure(y, style)}"

    for highest, word in ((False, "smallest"), (True, "largest")):
        value, x, y = field.extreme(highest=highest)
        yield f"{word} value seen: {figure(value, style)}, at {place(x, y)}"
    if derivative:
        yield "arrows: the direction of the gradient, uphill; gradient descent goes the other way"


def field_notes(field: Field, style: Style) -> Iterator[str]:
    """How much of the grid has no finite value."""
    if field.undefined:
        yield f"undefined on {max(field.undefined, 0.01):.0%} of the plane shown"


def at(places: Sequence[float], name: str, style: Style) -> str:
    """Where something is: "at x = -1, 0, 1 … (11 in all)"."""
    shown = ", ".join(figure(place, style) for place in places[:LISTED])
    more = f" … ({len(places)} in all)" if len(places) > LISTED else ""
    more = " … and many more" if len(places) > MANY else more
    return f"at {name} = {shown}{more}"


def stretches(found: Sequence[Stretch], axis: Axis, style: Style) -> str:
    """Where something is so: "|x| > 4.585", "x < 0", "-1 < x < 1", "x ≠ 0"."""
    joined: list[Stretch] = []
    for each in found:
        touches = bool(joined) and joined[-1].high == each.low
        joined.append(each._replace(low=joined.pop().low) if touches else each)
    points = len(found) - len(joined)
    if len(joined) == 2 and joined[0].low == axis.low and joined[1].high == axis.high and not points:
        inner = figure(-joined[0].high, style), figure(joined[1].low, style)
        if inner[0] == inner[1] and joined[1].low > 0:
            return f"|{axis.name}| > {inner[0]}"
    if points == 1 and [tuple(each) for each in joined] == [(axis.low, axis.high)]:
        return f"{axis.name} ≠ {figure(found[0].high, style)}"
    aside = ", single points aside" if points else ""
    return _listed([_interval(each.low, each.high, axis, style) for each in joined]) + aside


def _interval(low: float, high: float, axis: Axis, style: Style, low_in: bool = False, high_in: bool = False) -> str:
    """An interval of the axis, an end of the axis left out."""
    before, after = "≤" if low_in else "<", "≤" if high_in else "<"
    if low == axis.low and high == axis.high:
        return f"all {axis.name} from {figure(low, style)} to {figure(high, style)}"
    if low == axis.low:
        return f"{axis.name} {after} {figure(high, style)}"
    if high == axis.high:
        return f"{axis.name} {'≥' if low_in else '>'} {figure(low, style)}"
    return f"{figure(low, style)} {before} {axis.name} {after} {figure(high, style)}"


def _listed(words: Sequence[str]) -> str:
    """Words with commas, and an "and" before the last."""
    if len(words) > LISTED:
        return f"{', '.join(words[:LISTED])} … ({len(words)} in all)"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
