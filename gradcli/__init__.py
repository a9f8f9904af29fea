"""gradcli: forward values, local and global gradients of any formula, proved.

>>> import gradcli
>>> gradcli.value_and_grad("(x+y)*z", x=-2, y=5, z=-4)
(-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})

>>> trace = gradcli.parse("q = x+y; f = q*z").forward(x=-2, y=5, z=-4)
>>> gradients = trace.backward()
>>> trace["q"], gradients["q"], gradients["z"]
(3.0, -4.0, 3.0)
>>> gradcli.verify(gradients).status
'passed'
"""

from __future__ import annotations

from collections.abc import Mapping

from gradcli.autodiff import Edge, Gradients, Trace
from gradcli.errors import ExpressionError, FileError, GradcliError, LimitError, UnknownCell, UsageError
from gradcli.graph import Graph, Node
from gradcli.syntax import parse
from gradcli.verify import Verification, verify

__all__ = [
    "Edge",
    "ExpressionError",
    "FileError",
    "GradcliError",
    "Gradients",
    "Graph",
    "LimitError",
    "Node",
    "Trace",
    "UnknownCell",
    "UsageError",
    "Verification",
    "parse",
    "value_and_grad",
    "verify",
]

__version__ = "0.1.0"


def value_and_grad(
    text: str, values: Mapping[str, float] | None = None, /, **named: float
) -> tuple[float, dict[str, float]]:
    """The value of an expression and its gradient with respect to every variable.

    values: name → number, for names that Python cannot spell as keywords.
    Errors: ExpressionError with its place; UsageError for a missing or unknown value.
    """
    given = {**(values or {}), **named}
    trace = parse(text, given=given).forward(given)
    return trace.value, dict(trace.backward().items())
