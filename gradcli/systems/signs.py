"""Signs that cancel: -(a*(-b/c)) is a*(b/c), to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.ops import TABLE

if TYPE_CHECKING:
    from gradcli.systems.source import Code, Line, Source

MOST = 16
"""Factors that are looked at."""


def negated(m: Source, code: Code) -> Code | None:
    """The negative of a product or quotient, one of whose factors loses its sign; None where none has one."""
    neg, *products = (m.dialect.spelling(TABLE[name]) for name in ("neg", "mul", "div"))
    waiting: list[tuple[Code, tuple[tuple[Line, int], ...]]] = [(code, ())]
    for factor, way in waiting:
        if factor.value is not None:
            found = m.literal(-factor.value) if factor.value < 0 else None
        else:
            line = m.lines[factor.index]
            found = line.parts[0] if line.pattern == neg else None
            if line.pattern in products and len(waiting) < MOST:
                waiting += [(part, (*way, (line, k))) for k, part in enumerate(line.parts)]
        if found is not None:
            for line, k in reversed(way):
                found = m.line(line.pattern, (*line.parts[:k], found, *line.parts[k + 1 :]))
            return found
    return None
