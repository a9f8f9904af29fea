"""C99 and its math.h."""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.python import COMPARISONS, INFIX

SAME = """
exp expm1 exp2 log log2 log10 log1p pow sqrt cbrt hypot fabs floor ceil sin cos tan asin acos atan atan2
sinh cosh tanh asinh acosh atanh erf erfc lgamma
""".split()
"""Words that math.h has too."""

NORMAL_CDF = """\
/* the normal distribution function; the last factor takes the rounding of z out again */
static double normal_cdf(double x)
{
    const double z = -x / sqrt(2.0), square = x * x, other = z * z;
    const double off = (square / 2.0 - other) + (fma(x, x, -square) / 2.0 - fma(z, z, -other));
    return erfc(z) / 2.0 * (z > 2.0 && z < 40.0 ? exp(-off) : 1.0);
}"""

C = Dialect(
    key="c",
    called="C",
    assignment="const double {name} = {code};",
    special=("INFINITY", "-INFINITY", "NAN"),
    base="floats",
    own={
        **INFIX,
        **{word: f"{word}(#1)" for word in SAME},
        **{word: f"{word}(#1, #2)" for word in ("pow", "hypot", "atan2", "larger", "smaller")},
        **{word: f"(#1 {symbol} #2 ? 1.0 : 0.0)" for word, symbol in COMPARISONS.items()},
        "where": "(?1 ? #2 : #3)",
        "largest": "larger(#1, #2)",
        "smallest": "smaller(#1, #2)",
        "half_even": "nearbyint(#1)",
        "sign": "sign(#1)",
        "gamma": "tgamma(#1)",
        "normal_cdf": "normal_cdf(#1)",
        **dict.fromkeys(("logaddexp", "digamma", "polygamma")),
    },
    helpers={
        "larger": "static double larger(double a, double b) { return a >= b || a != a ? a : b; }",
        "smaller": "static double smaller(double a, double b) { return a <= b || a != a ? a : b; }",
        "sign": "static double sign(double x) { return x != x ? x : (double)((x > 0.0) - (x < 0.0)); }",
        "normal_cdf": NORMAL_CDF,
    },
    truths={
        **{word: f"#1 {symbol} #2" for word, symbol in COMPARISONS.items()},
        "mul": "?1 && ?2",
        "add": "?1 || ?2",
    },
)
