"""Numbers as a source prints them: a text whose digits say how much of it is meant."""

from __future__ import annotations

from decimal import Decimal


def agrees(number: float, printed: str) -> bool:
    """Whether a number rounds to what was printed: within half a unit of its last digit.

    >>> agrees(0.7310585786300049, "0.73"), agrees(0.7310585786300049, "0.74")
    (True, False)
    """
    text = Decimal(printed)
    exponent = text.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"'{printed}' is no finite number")
    return abs(Decimal(number) - text) <= Decimal(1).scaleb(exponent) / 2
