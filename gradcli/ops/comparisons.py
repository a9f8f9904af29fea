"""Truth values (1 or 0, without gradient), and the ops that choose between inputs."""

from __future__ import annotations

from typing import Any

from gradcli.ops.op import Notation, Op, Rule, elementwise, variadic

COMPARISON = 10

TIE = "at a tie the gradient is split evenly among the winners, as PyTorch and JAX do"


def comparison(name: str, symbol: str, rule: Rule, doc: str, numpy: str, spellings: tuple[str, ...] = ()) -> Op:
    """A row for a comparison: 1 or 0, no gradient."""
    return elementwise(
        name,
        rule,
        partials=[None, None],
        notation=Notation(symbol, COMPARISON, chains=False, spellings=spellings),
        spelled={
            "floats": name,
            "numpy": numpy,
            "sympy": name,
            "balls": name,
            "js": f"+(#1 {STRICT.get(symbol, symbol)} #2)",
        },
        latex=rf"\left[#1 {LATEX.get(symbol, symbol)} #2\right]",
        gate="condition",
        role="carries no gradient",
        group="choice",
        doc=doc,
        samples=((1, 2), (2, 1), (2, 2)),
        checks=(((2, 2), int("=" in symbol and symbol != "!="), (None, None)),),
        source="Iverson bracket",
    )


STRICT = {"==": "===", "!=": "!=="}
"""Comparisons as JavaScript writes them where they are not written alike."""

LATEX = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def largest(m: Any, *x: Any) -> Any:
    """The largest of several, two at a time."""
    top = x[0]
    for other in x[1:]:
        top = m.where(m.ge(top, other), top, other)
    return top


def smallest(m: Any, *x: Any) -> Any:
    """The smallest of several, two at a time."""
    bottom = x[0]
    for other in x[1:]:
        bottom = m.where(m.le(bottom, other), bottom, other)
    return bottom


def winners(m: Any, y: Any, x: tuple[Any, ...]) -> Any:
    """How many of the inputs equal the output."""
    return sum(m.eq(value, y) for value in x[1:]) + m.eq(x[0], y)


def share(m: Any, k: int, y: Any, *x: Any) -> Any:
    """A winner's part of the gradient: 1, or 1/n in a tie of n."""
    return m.where(m.eq(x[k], y), 1 / winners(m, y, x), 0)


def wins(m: Any, k: int, y: Any, *x: Any) -> Any:
    """A winner's part as textbooks write it, with no thought of ties."""
    return m.eq(x[k], y)


ROWS = (
    comparison("lt", "<", lambda m, a, b: m.lt(a, b), "1 if a < b, else 0", "less"),
    comparison("le", "<=", lambda m, a, b: m.le(a, b), "1 if a ≤ b, else 0", "less_equal", ("≤",)),
    comparison("gt", ">", lambda m, a, b: m.gt(a, b), "1 if a > b, else 0", "greater"),
    comparison("ge", ">=", lambda m, a, b: m.ge(a, b), "1 if a ≥ b, else 0", "greater_equal", ("≥",)),
    comparison("eq", "==", lambda m, a, b: m.eq(a, b), "1 if a equals b, else 0", "equal"),
    comparison("ne", "!=", lambda m, a, b: m.ne(a, b), "1 if a differs from b, else 0", "not_equal", ("≠",)),
    elementwise(
        "where",
        lambda m, c, a, b: m.where(c, a, b),
        partials=[None, lambda m, y, c, a, b: m.ne(c, 0), lambda m, y, c, a, b: m.eq(c, 0)],
        selects=[None, lambda m, c, a, b: m.ne(c, 0), lambda m, c, a, b: m.eq(c, 0)],
        shown=(None, "1", "1"),
        spelled={"floats": "where", "numpy": "where", "sympy": "where", "balls": "where", "js": "#1 !== 0 ? #2 : #3"},
        latex=r"\begin{cases}#2 & #1\\#3 & \text{otherwise}\end{cases}",
        gate="router",
        role="routes to the branch taken",
        group="choice",
        doc="a where the condition c is not 0, else b; only the branch taken gets a gradient",
        samples=((1, 2, 3), (0, 2, 3)),
        checks=(((1, 2, 3), 2, (None, 1, 0)), ((0, 2, 3), 3, (None, 0, 1))),
        source="NumPy's where; the gradient of the branch not taken is never computed",
    ),
    variadic(
        "max",
        largest,
        parameters=("a", "b"),
        partial=share,
        shown=wins,
        selects=lambda m, k, *x: m.eq(x[k], m.max(*x)),
        kinks=lambda m, *x: m.gt(winners(m, m.max(*x), x), 1),
        convention=TIE,
        alone="amax",
        spelled={"floats": "largest", "numpy": "larger", "sympy": "Max", "js": "Math.max"},
        latex=r"\max\left(#*\right)",
        gate="router",
        role="routes its upstream to the larger input",
        group="choice",
        aliases=("maximum",),
        doc="the largest of its inputs",
        samples=((4, 2), (-1, 3, 2), (-1e8, 1e-8)),
        checks=(((4, 2), 4, (1, 0)), ((2, 2), 2, (0.5, 0.5)), ((1, 3, 3), 3, (0, 0.5, 0.5))),
        source="CS231n, Optimization 2: the max gate",
    ),
    variadic(
        "min",
        smallest,
        parameters=("a", "b"),
        partial=share,
        shown=wins,
        selects=lambda m, k, *x: m.eq(x[k], m.min(*x)),
        kinks=lambda m, *x: m.gt(winners(m, m.min(*x), x), 1),
        convention=TIE,
        alone="amin",
        spelled={"floats": "smallest", "numpy": "smaller", "sympy": "Min", "js": "Math.min"},
        latex=r"\min\left(#*\right)",
        gate="router",
        role="routes its upstream to the smaller input",
        group="choice",
        aliases=("minimum",),
        doc="the smallest of its inputs",
        samples=((4, 2), (-1, 3, 2), (-1e8, 1e-8)),
        checks=(((4, 2), 2, (0, 1)), ((2, 2), 2, (0.5, 0.5))),
        source="min(a, b) = -max(-a, -b)",
    ),
    elementwise(
        "clip",
        lambda m, x, lo, hi: m.min(m.max(x, lo), hi),
        partials=[
            lambda m, y, x, lo, hi: m.gt(x, lo) * m.lt(x, hi),
            lambda m, y, x, lo, hi: m.lt(x, lo) * m.lt(lo, hi),
            lambda m, y, x, lo, hi: m.gt(m.max(x, lo), hi),
        ],
        selects=[
            lambda m, x, lo, hi: m.gt(x, lo) * m.lt(x, hi),
            lambda m, x, lo, hi: m.lt(x, lo) * m.lt(lo, hi),
            lambda m, x, lo, hi: m.gt(m.max(x, lo), hi),
        ],
        kinks=lambda m, x, lo, hi: m.where(m.eq(x, lo), 1, m.eq(x, hi)),
        convention="clip' at a bound is 0, as PyTorch",
        spelled={"numpy": "clip"},
        latex=r"\operatorname{clip}\left(#1, #2, #3\right)",
        gate="router",
        role="passes its upstream on between the bounds",
        group="choice",
        aliases=("clamp",),
        doc="x held between lo and hi",
        samples=((0.5, 0, 1), (-2, 0, 1), (3, 0, 1)),
        checks=(((0.5, 0, 1), 0.5, (1, 0, 0)), ((1, 0, 1), 1, (0, 0, 0)), ((3, 0, 1), 1, (0, 0, 1))),
        source="NumPy's clip; PyTorch's gradient at the bounds",
    ),
)
