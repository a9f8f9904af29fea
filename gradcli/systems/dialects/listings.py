"""NumPy and JAX as people write them, on numbers and arrays alike; SciPy's special functions beside them."""

from __future__ import annotations

from collections.abc import Mapping

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.python import COMPARISONS, INFIX

SAME = (
    "exp expm1 exp2 log log2 log10 log1p logaddexp sqrt cbrt hypot floor ceil sign sin cos tan sinh cosh tanh".split()
)
"""Words that NumPy has too."""

NUMPY_WORDS = {
    **{word: word for word in SAME},
    **{word: f"arc{word[1:]}" for word in ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh")},
    "fabs": "abs",
    "half_even": "round",
}
"""The engine's word → NumPy's."""

SCIPY_WORDS = {
    "erf": "erf",
    "erfc": "erfc",
    "gamma": "gamma",
    "lgamma": "gammaln",
    "digamma": "digamma",
    "polygamma": "polygamma",
    "normal_cdf": "ndtr",
}
"""The engine's word → that of scipy.special."""


def listing(called: str, module: str, lacks: tuple[str, ...] = (), **own: str) -> Dialect:
    """NumPy's words under the name of a module that has them."""
    words: Mapping[str, str | None] = {
        **INFIX,
        "pow": "#1 ** #2",
        **{word: f"{module}.{name}" for word, name in NUMPY_WORDS.items()},
        **{word: f"special.{name}" for word, name in SCIPY_WORDS.items()},
        **{word: f"{module}.where(#1 {symbol} #2, 1.0, 0.0)" for word, symbol in COMPARISONS.items()},
        "where": f"{module}.where(?1, #2, #3)",
        "largest": f"{module}.maximum(#1, #2)",
        "smallest": f"{module}.minimum(#1, #2)",
        **own,
        **dict.fromkeys(lacks),
    }
    return Dialect(
        key=module,
        called=called,
        assignment="{name} = {code}",
        special=(f"{module}.inf", f"-{module}.inf", f"{module}.nan"),
        base="floats",
        own=words,
        truths={
            **{word: f"#1 {symbol} #2" for word, symbol in COMPARISONS.items()},
            "mul": "?1 & ?2",
            "add": "?1 | ?2",
        },
        whole=True,
    )


NUMPY_CODE = listing("NumPy", "np")
JAX_CODE = listing("JAX", "jnp", ("polygamma",))
