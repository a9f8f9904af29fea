"""Python on plain floats, for engines: fast, and raising wherever IEEE 754 has a special result.

A row that raises is run again by the engine itself, whose functions never do.
"""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect

COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}

INFIX = {"add": "#1 + #2", "sub": "#1 - #2", "mul": "#1 * #2", "div": "#1 / #2", "neg": "-#1", "identity": "#1"}
"""Arithmetic, as most languages write it."""

PYTHON = Dialect(
    key="python",
    called="Python",
    assignment="{name} = {code}",
    special=("inf", "-inf", "nan"),
    base="floats",
    own={
        **INFIX,
        **{word: f"(1.0 if #1 {symbol} #2 else 0.0)" for word, symbol in COMPARISONS.items()},
        "where": "(#2 if #1 else #3)",
        "largest": "(#1 if #1 >= #2 or #1 != #1 else #2)",
        "smallest": "(#1 if #1 <= #2 or #1 != #1 else #2)",
    },
    raises=frozenset(
        ("div", "log", "log2", "log10", "log1p", "sqrt", "asin", "acos", "acosh", "atanh", "pow", "logit", "sin", "cos")
    ),
)
