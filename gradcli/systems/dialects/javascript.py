"""JavaScript."""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect

ERROR_FUNCTION = """\
const bell = (x, n) => {
  const h = Math.floor(16 * x) / 16;
  return Math.exp(-h * h / n) * Math.exp(-(x - h) * (x + h) / n);
};
const middle = (x) => {
  let term = x, sum = x;
  for (let n = 1; n < 40; n++) sum += term *= 2 * x * x / (2 * n + 1);
  return 2 / Math.sqrt(Math.PI) * bell(x, 1) * sum;
};
const tail = (z, x, n) => {
  if (z > 40) return 0;
  let k = 0;
  for (let i = Math.ceil(25 + 220 / (z * z)); i > 0; i--) k = i / 2 / (z + k);
  return bell(x, n) / Math.sqrt(Math.PI) / (z + k);
};
const erfc = (x) => x >= 0.9 ? tail(x, x, 1) : x > -1.5 ? 1 - middle(x) : 2 - tail(-x, -x, 1);
const erf = (x) => Math.abs(x) < 1.5 ? middle(x) : x > 0 ? 1 - tail(x, x, 1) : tail(-x, -x, 1) - 1;
const normal_cdf = (x) => (x <= -1.3 ? tail(-x / Math.SQRT2, -x, 2) : erfc(-x / Math.SQRT2)) / 2;"""
"""erf by its series, whose terms have one sign, and by its continued fraction (Abramowitz and Stegun 7.1.6, 7.1.14).

exp(-x²/n) as the row of the Gaussian has it, with x split at a sixteenth, so that exp magnifies no rounding.
"""

JAVASCRIPT = Dialect(
    key="js",
    called="JavaScript",
    assignment="const {name} = {code};",
    helpers={
        # C's pow is 1 where the base is 1, and where it is -1 and the exponent infinite; JavaScript's is NaN
        "power": "const power = (x, p) => x === 1 || (x === -1 && (p === Infinity || p === -Infinity)) ? 1 : x ** p;",
        # Math.round rounds halves up
        "half_even": (
            "const half_even = (x) => { const n = Math.round(x); return n - x === 0.5 && n % 2 !== 0 ? n - 1 : n; };"
        ),
        **dict.fromkeys(("erf", "erfc", "normal_cdf"), ERROR_FUNCTION),
    },
    special=("Infinity", "-Infinity", "NaN"),
    whole=True,
)

SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "===", "ne": "!=="}

MODULE = JAVASCRIPT._replace(
    key="javascript",
    base="js",
    own={
        "#1 !== 0 ? #2 : #3": "(?1 ? #2 : #3)",
        **{f"+(#1 {sign} #2)": f"(#1 {sign} #2 ? 1 : 0)" for sign in SIGNS.values()},
    },
    truths={**{word: f"#1 {sign} #2" for word, sign in SIGNS.items()}, "mul": "?1 && ?2", "add": "?1 || ?2"},
)
"""The same for people to read."""
