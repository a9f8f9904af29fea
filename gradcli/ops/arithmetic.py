"""The gates of the lecture: add, multiply, and what stands beside them."""

from __future__ import annotations

from typing import Any

from gradcli.ops.op import Notation, elementwise

SUM, PRODUCT, SIGN, POWER = 20, 30, 40, 50

HUGE = 2.0**106  # the square of what p - 1 rounds to p at


def ordinary(m: Any, x: Any, p: Any) -> Any:
    """1 where p - 1 keeps the digits of p, so that x^(p-1) can be computed as it stands; and where x is 0."""
    return m.where(m.ge(p * p, 1) * m.lt(p * p, HUGE), 1, m.eq(x, 0))


ROWS = (
    elementwise(
        "add",
        lambda m, a, b: a + b,
        partials=[lambda m, y, a, b: 1, lambda m, y, a, b: 1],
        notation=Notation("+", SUM),
        spelled={"floats": "add", "numpy": "add", "sympy": "Add", "js": "#1 + #2"},
        latex="#1 + #2",
        gate="distributor",
        role="distributes its upstream",
        group="arithmetic",
        doc="sum of two numbers",
        samples=((-2, 5), (0.5, 1e-8), (-1e8, 3)),
        checks=(((-2, 5), 3, (1, 1)),),
        source="CS231n, Optimization 2: the add gate",
    ),
    elementwise(
        "sub",
        lambda m, a, b: a - b,
        partials=[lambda m, y, a, b: 1, lambda m, y, a, b: -1],
        notation=Notation("-", SUM, spellings=("−",)),
        spelled={"floats": "sub", "numpy": "subtract", "sympy": "Sub", "js": "#1 - #2"},
        latex="#1 - #2",
        gate="distributor",
        role="distributes its upstream, negated to the right",
        group="arithmetic",
        doc="difference of two numbers",
        samples=((-2, 5), (0.5, 1e-8), (-1e8, 3)),
        checks=(((-2, 5), -7, (1, -1)),),
        source="d(a-b) = da - db",
    ),
    elementwise(
        "mul",
        lambda m, a, b: a * b,
        partials=[lambda m, y, a, b: b, lambda m, y, a, b: a],
        notation=Notation("*", PRODUCT, spellings=("×", "·", "⋅", "∙", "∗")),
        spelled={"floats": "mul", "numpy": "multiply", "sympy": "Mul", "js": "#1 * #2"},
        latex=r"#1 \cdot #2",
        gate="switcher",
        role="switches: × the other input",
        group="arithmetic",
        doc="product of two numbers",
        samples=((3, -4), (1e-8, 2.5), (-1e8, -3)),
        checks=(((3, -4), -12, (-4, 3)),),
        source="CS231n, Optimization 2: the multiply gate",
    ),
    elementwise(
        "div",
        lambda m, a, b: a / b,
        partials=[lambda m, y, a, b: 1 / b, lambda m, y, a, b: -(a / b) / b],
        shown=("1/b", "-a/b^2"),
        notation=Notation("/", PRODUCT, spellings=("÷", "∕")),
        spelled={"floats": "div", "numpy": "divide", "sympy": "Div", "js": "#1 / #2"},
        latex=r"\frac{#1}{#2}",
        domain=lambda m, a, b: m.ne(b, 0),
        group="arithmetic",
        doc="quotient of two numbers",
        samples=((1, 1.3678794411714423), (-3, 1e-8), (2.5, -1e8)),
        checks=(((1, 4), 0.25, (0.25, -0.0625)), ((-6, 2), -3, (0.5, 1.5))),
        source="the quotient rule; CS231n, Optimization 2: f = 1/x has df/dx = -1/x²",
    ),
    elementwise(
        "neg",
        lambda m, x: -x,
        partials=[lambda m, y, x: -1],
        notation=Notation("-", SIGN, "prefix", spellings=("−",)),
        spelled={"floats": "neg", "numpy": "negative", "sympy": "Neg", "js": "-#1"},
        latex="-#1",
        role="flips the sign",
        group="arithmetic",
        doc="the number with its sign changed",
        samples=((1,), (-1e-8,), (1e8,)),
        checks=(((4,), -4, (-1,)),),
        source="CS231n, Optimization 2: the *-1 gate",
    ),
    elementwise(
        "identity",
        lambda m, x: x,
        partials=[lambda m, y, x: 1],
        notation=Notation("+", SIGN, "prefix"),
        spelled={"floats": "identity", "numpy": "positive", "sympy": "Identity", "js": "#1"},
        latex="#1",
        gate="copy",
        role="passes its upstream on",
        group="arithmetic",
        doc="the number itself, under another name",
        samples=((3,), (-1e-8,), (1e8,)),
        checks=(((4,), 4, (1,)),),
        source="d(x) = dx",
    ),
    elementwise(
        "pow",
        lambda m, x, p: m.pow(x, p),
        partials=[
            lambda m, y, x, p: m.where(m.eq(p, 0), 0, m.where(ordinary(m, x, p), p * m.pow(x, p - 1), p * y / x)),
            lambda m, y, x, p: m.where(m.eq(x, 0), m.where(m.ge(p, 0), 0, y * m.log(x)), y * m.log(x)),
        ],
        shown=("p*x^(p-1)", "y*log(x)"),
        notation=Notation("^", POWER, right=True, spellings=("**",)),
        spelled={"floats": "pow", "numpy": "power", "sympy": "Pow", "balls": "pow", "js": "power"},
        latex="{#1}^{#2}",
        domain=lambda m, x, p: m.where(m.gt(x, 0), 1, m.where(m.eq(x, 0), m.ge(p, 0), m.eq(p, m.floor(p)))),
        group="arithmetic",
        aliases=("power",),
        doc="x to the power p; 0^0 is 1",
        kinks=lambda m, x, p: m.eq(x, 0) * m.ge(p, 0) * m.lt(p, 1),
        convention="∂(x^p)/∂x at 0 is 0 if p = 0, inf if 0 < p < 1; ∂(x^p)/∂p at 0 is 0, as PyTorch",
        samples=((2, 3), (1e-8, 2.5), (3, -1.5), (2, 0), (0.3, 0.3)),
        checks=(
            ((3, 2), 9, (6, None)),
            ((2, -1), 0.5, (-0.25, None)),
            ((0, 2), 0, (0, 0)),
            ((0, 0), 1, (0, 0)),
            ((0, 1), 0, (1, 0)),
        ),
        source="the power rule; PyTorch's conventions at 0",
    ),
)
