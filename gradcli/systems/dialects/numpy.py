"""NumPy on columns, as an engine runs it: every line is a call, whose last argument is where the result is written.

What NumPy has no function for is the float function, entry by entry (engines/numpy.py).
"""

from __future__ import annotations

from gradcli.systems.dialects.dialect import Dialect

NUMPY = Dialect(
    key="numpy",
    called="NumPy",
    assignment="{name} = {code}",
    special=("inf", "-inf", "nan"),
    base="floats",
)
