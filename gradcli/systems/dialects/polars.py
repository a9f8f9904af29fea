"""Polars expressions.

Polars takes nan as equal to itself and larger than every number, and its comparisons are truths.
"""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect

POLARS = Dialect(
    key="polars",
    called="Polars",
    assignment="{name} = {code}",
    special=('float("inf")', '-float("inf")', 'float("nan")'),
    base="numpy",
    form="#1.{word}()",
    own={
        "add": "#1 + #2",
        "subtract": "#1 - #2",
        "multiply": "#1 * #2",
        "divide": "#1 / #2",
        "negative": "-#1",
        "positive": "#1",
    },
)
