"""A number system over NumPy arrays, written against the op table alone: the rows already serve tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.systems import Function, System
from gradcli.systems.floats import FLOATS


class Arrays(System):
    """Entry by entry over float64 arrays. What NumPy lacks runs the float function on every entry."""

    name = "numpy"
    machine = True

    def lookup(self, word: str) -> Function:
        """NumPy's function of this name."""
        function: Function = getattr(np, word)
        return function

    def function(self, op: Any) -> Function:
        """A primitive without a NumPy spelling is the float function, entry by entry."""
        if op.primitive and "numpy" not in op.spelled and not op.variadic:
            return np.frompyfunc(FLOATS.functions[op], len(op.parameters), 1)
        return super().function(op)
