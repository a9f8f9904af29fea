"""NumPy, as an engine runs it: every word is a function of the arrays' system."""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect

NUMPY = Dialect(
    key="numpy",
    called="NumPy",
    assignment="{name} = {code}",
    special=("inf", "-inf", "nan"),
)
