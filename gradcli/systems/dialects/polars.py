"""Polars expressions.

Polars takes nan as equal to itself and larger than every number, its comparisons are truths, and its max_horizontal
ignores nan. The patterns are what IEEE 754 says all the same: what is at most inf is no nan.

Spelled is what is right to the digits that the engine has. Not so are log10, which is 2.9999999999999996 at 1000, and
log to the base of 2, which is 29.000000000000004 at 2^29; arctanh, by up to 46 ulp; and in versions before 2, arccosh
near 1.
"""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.python import INFIX

INFINITE = 'float("inf")'

TRUTH = ".cast(pl.Float64)"
"""What makes 1 or 0 of a truth."""

METHODS = {
    **{word: word for word in "exp log log1p sqrt cbrt floor ceil sign sin cos tan sinh cosh tanh erf erfc".split()},
    **{word: f"arc{word[1:]}" for word in ("asin", "acos", "atan")},
    "fabs": "abs",
}
"""The engine's word → the method of an expression that has as many digits."""

LACKING = "expm1 log2 log10 logaddexp hypot asinh acosh atanh normal_cdf gamma lgamma digamma polygamma".split()
"""What Polars has not, or with fewer digits."""

POLARS = Dialect(
    key="polars",
    called="Polars",
    assignment="{name} = {code}",
    special=(INFINITE, f"-{INFINITE}", 'float("nan")'),
    base="floats",
    own={
        **INFIX,
        **{word: f"#1.{method}()" for word, method in METHODS.items()},
        **dict.fromkeys(LACKING),
        "pow": "#1 ** #2",
        "exp2": "2.0 ** #1",
        "half_even": '#1.round(mode="half_to_even")',
        "atan2": "pl.arctan2(#1 * pl.lit(1.0), #2 * pl.lit(1.0))",
        "lt": f"((#1 < #2) & (#2 <= {INFINITE})){TRUTH}",
        "le": f"((#1 <= #2) & (#2 <= {INFINITE})){TRUTH}",
        "gt": f"((#1 > #2) & (#1 <= {INFINITE})){TRUTH}",
        "ge": f"((#1 >= #2) & (#1 <= {INFINITE})){TRUTH}",
        "eq": f"((#1 == #2) & (#2 <= {INFINITE})){TRUTH}",
        "ne": f"((#1 != #2) | (#2 > {INFINITE})){TRUTH}",
        "where": "pl.when(#1 != 0.0).then(#2).otherwise(#3)",
        "largest": "pl.when(#1 >= #2).then(#1).otherwise(#2)",
        "smallest": f"pl.when((#1 <= #2) & (#2 <= {INFINITE}) | (#1 > {INFINITE})).then(#1).otherwise(#2)",
    },
)
