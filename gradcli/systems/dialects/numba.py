"""Python as numba compiles it: nothing raises, and what would lose digits there is lacking."""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect
from gradcli.systems.dialects.python import PYTHON

NUMBA: Dialect = PYTHON._replace(
    key="numba",
    called="numba",
    own={**PYTHON.own, **dict.fromkeys(("normal_cdf", "lgamma", "digamma", "polygamma", "logaddexp"))},
    raises=frozenset(),
)
