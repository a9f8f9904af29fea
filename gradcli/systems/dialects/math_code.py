"""Python on plain floats that stands alone: the standard library's math, which raises where IEEE 754 has inf or nan."""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.python import COMPARISONS, INFIX
from gradcli.systems.dialects.tensors import Tensors

SAME = """
exp expm1 exp2 log log2 log10 log1p sqrt cbrt hypot fabs sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh
atanh erf erfc gamma lgamma
""".split()
"""Words that math has too."""

SIGMOID = '''\
def sigmoid(x):
    """1/(1 + exp(-x)), without overflow."""
    z = math.exp(-abs(x))
    return (1 if x >= 0 else z) / (1 + z)
'''

LOGADDEXP = '''\
def logaddexp(a, b):
    """log(exp(a) + exp(b)), without overflow."""
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))
'''

MATH = Dialect(
    key="math",
    called="plain Python",
    assignment="{name} = {code}",
    special=("math.inf", "-math.inf", "math.nan"),
    base="floats numpy",
    form="{word}",
    own={
        **INFIX,
        **{word: f"math.{word}" for word in SAME},
        **{word: f"#1 {symbol} #2" for word, symbol in COMPARISONS.items()},
        "where": "(#2 if #1 else #3)",
        "largest": "max(#1, #2)",
        "smallest": "min(#1, #2)",
        "pow": "#1 ** #2",
        "floor": "float(math.floor(#1))",
        "ceil": "float(math.ceil(#1))",
        "half_even": "float(round(#1))",
        "sign": "float((#1 > 0) - (#1 < 0))",
        "normal_cdf": "math.erfc(#1 / -math.sqrt(2)) / 2",
        "relu": "max(#1, 0.0)",
        "square": "#1 * #1",
        **dict.fromkeys(("digamma", "polygamma", "clip", "reciprocal")),
    },
    helpers={"sigmoid": SIGMOID, "logaddexp": LOGADDEXP},
    whole=True,
)

TENSORS = Tensors(dialect=MATH, cast="float(#1)", both="#1 and #2", denied="not #1")
"""Numbers alone: it has no word for what tensors need."""
