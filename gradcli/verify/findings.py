"""What has been found, and the sentences that say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from mpmath import mp

from gradcli.notation import number

ENDLESS = 1e40
"""A slope this steep, so close to a kink, is on its way to infinity."""

LONGEST_LIST = 6
"""Sentences of a kind that are written out."""


@dataclass(slots=True)
class Findings:
    """What has been found so far."""

    failures: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kinks: list[str] = field(default_factory=list)
    undefined: dict[str, list[str]] = field(default_factory=dict)  # what there is instead of a number → its cells
    asked: int = 0
    checked: int = 0
    ops: int = 0
    error: Any = None
    derivatives: dict[str, str] = field(default_factory=dict)

    def answer(self, unfinished: str = "") -> dict[str, Any]:
        """The verdict as JSON data; `unfinished`: what would be said if this were the last of it."""
        undefined = [f"{named(cells)} ({what})" for what, cells in self.undefined.items()]
        unchecked = [*self.unchecked, *undefined, *([unfinished] if unfinished else [])]
        status = "passed"
        if self.failures:
            status = "failed"
        elif unchecked:
            status = "partial" if self.checked or self.ops else "skipped"
        return {
            "status": status,
            "max_rel_error": None if self.error is None else float(self.error),
            "derivatives": self.derivatives,
            "checked": self.checked,
            "asked": self.asked,
            "ops": self.ops,
            "failures": shortened(self.failures),
            "unchecked": shortened(unchecked),
            "notes": shortened(self.notes),
            "kinks": shortened(self.kinks),
        }


def named(cells: list[str]) -> str:
    """The first of some cells, and how many more there are."""
    more = len(cells) - LONGEST_LIST
    return ", ".join(cells) if more <= 1 else f"{', '.join(cells[:LONGEST_LIST])} and {more} more"


def differ(what: str, computed: float, true: Any) -> str:
    """The sentence about a disagreement."""
    return f"{what}: gradcli computed {number(computed)}, sympy {shown(true)}"


def shown(value: Any) -> str:
    """An exact number rounded to a double, or to a few digits where no double can hold it."""
    nearest = float(value)
    if mp.isinf(value) or (isfinite(nearest) and (nearest or not value)):
        return number(nearest)
    return str(mp.nstr(value, 5))


def reason(error: Exception) -> str:
    """Why sympy could not do it, for a sentence."""
    if type(error).__name__ == "UnsupportedError":
        return f"no numbers for {error}"
    return REASONS.get(type(error).__name__, f"sympy gave up: {type(error).__name__}")


REASONS = {
    "OutOfTimeError": "time ran out",
    "RecursionError": "it is nested too deeply for sympy",
    "MemoryError": "sympy ran out of memory",
}


def between(low: Any, high: Any) -> str:
    """The ends of an interval in words."""
    least, greatest = (shown(end if abs(end) < ENDLESS else end * inf) for end in (low, high))
    return least if least == greatest else f"{least} and {greatest}"


def shortened(sentences: list[str]) -> list[str]:
    """A list that people will read."""
    more = len(sentences) - LONGEST_LIST
    return sentences if more <= 1 else [*sentences[:LONGEST_LIST], f"{more} more like these"]
