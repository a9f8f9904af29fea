"""Local gradients that are often written instead of the right one; frozen with the schema, as choosing.py tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, radians

Slip = Callable[..., float]

SLIPS: Mapping[str, tuple[tuple[Slip, ...], ...]] = {
    "mul": ((lambda y, a, b: a,), (lambda y, a, b: b,)),
    "div": ((lambda y, a, b: b,), (lambda y, a, b: -a / b, lambda y, a, b: -1 / b**2, lambda y, a, b: a)),
    "pow": ((lambda y, a, n: n * y, lambda y, a, n: a ** (n - 1)), (lambda y, a, n: y,)),
    "square": ((lambda y, x: 2 * y, lambda y, x: x),),
    "reciprocal": ((lambda y, x: -y, lambda y, x: -1.0),),
    "exp": ((lambda y, x: x,),),
    "log": ((lambda y, x: x, lambda y, x: y),),
    "log10": ((lambda y, x: 1 / x,),),
    "log2": ((lambda y, x: 1 / x,),),
    "sqrt": ((lambda y, x: 1 / y, lambda y, x: y / 2),),
    "sigmoid": ((lambda y, x: x * (1 - x), lambda y, x: y),),
    "tanh": ((lambda y, x: 1 - x * x, lambda y, x: 1 - y),),
    "softplus": ((lambda y, x: y,),),
    "relu": ((lambda y, x: float(x <= 0),),),
    "sin": ((lambda y, x: y, lambda y, x: cos(radians(x))),),
    "cos": ((lambda y, x: y,),),
    "max": ((lambda y, *x: float(x[0] != y),), (lambda y, *x: float(x[1] != y),)),
    "min": ((lambda y, *x: float(x[0] != y),), (lambda y, *x: float(x[1] != y),)),
}
"""Local gradients that are often written instead of the right one: op → a tuple an input, (y, *x) → number."""


def slips_on(name: str, k: int) -> tuple[Slip, ...]:
    """The slips on an edge: of an op, and which of its inputs."""
    rows = SLIPS.get(name, ())
    return rows[k] if k < len(rows) else ()
