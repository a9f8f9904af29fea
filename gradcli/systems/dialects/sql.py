"""Standard SQL, as DuckDB and PostgreSQL have it, in double precision.

What is undefined is NULL, as where a divisor is 0; max and min are NULL where one of theirs is, other than GREATEST
and LEAST. Lacking is what only one of the two has, or has with fewer digits: log2, log1p, hypot, erf …
"""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.python import COMPARISONS, INFIX

FUNCTIONS = """
exp sqrt cbrt floor sign sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
""".split()
"""Words that SQL has too."""

SIGNS = {**COMPARISONS, "eq": "=", "ne": "<>"}

LACKING = """
expm1 log2 log10 log1p logaddexp hypot half_even erf erfc normal_cdf gamma lgamma digamma polygamma
""".split()


DIGITS = 15
"""Of a decimal number that is turned into the nearest double."""


class Sql(Dialect):
    """SQL's numbers: one with many digits, or large, has an exponent, by which DuckDB knows a double."""

    def number(self, value: float) -> str:
        """A double, so that it reads back as the same."""
        text = super().number(value)
        plain = text[-1].isdigit() and "e" not in text
        return f"{text}e0" if plain and (len(text.lstrip("-")) > DIGITS or text == "-0.0") else text


SQL = Sql(
    key="sql",
    called="SQL",
    assignment="{code} AS {name}",
    special=(
        "CAST('Infinity' AS DOUBLE PRECISION)",
        "CAST('-Infinity' AS DOUBLE PRECISION)",
        "CAST(NULL AS DOUBLE PRECISION)",
    ),
    base="floats",
    own={
        **INFIX,
        **{word: f"{word.upper()}(#1)" for word in FUNCTIONS},
        **{word: f"(CASE WHEN #1 {sign} #2 THEN 1e0 ELSE 0e0 END)" for word, sign in SIGNS.items()},
        "fabs": "ABS(#1)",
        "ceil": "CEILING(#1)",
        "log": "LN(#1)",
        "pow": "POWER(#1, #2)",
        "exp2": "POWER(2, #1)",
        "atan2": "ATAN2(#1, #2)",
        "where": "(CASE WHEN ?1 THEN #2 ELSE #3 END)",
        "largest": "(CASE WHEN #1 IS NULL OR #1 >= #2 THEN #1 ELSE #2 END)",
        "smallest": "(CASE WHEN #1 IS NULL OR #1 <= #2 THEN #1 ELSE #2 END)",
        **dict.fromkeys(LACKING),
    },
    truths={
        **{word: f"#1 {sign} #2" for word, sign in SIGNS.items()},
        "mul": "?1 AND ?2",
        "add": "?1 OR ?2",
    },
    whole=True,
)
