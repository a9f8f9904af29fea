"""The op table checks itself: a new row is tested by being there.

Expected numbers come from the rows' hand-checked points (each with its source), from sympy, from ball arithmetic at
high precision and from finite differences: none from the rules under test.
"""

from __future__ import annotations

import math
import re
from math import inf, isfinite, isnan, nan, ulp

import numpy as np
import pytest

from gradcli import reference
from gradcli.notation import local
from gradcli.ops import FUNCTIONS, INFIX, TABLE
from gradcli.ops.op import Op, elementwise
from gradcli.syntax import parse
from gradcli.systems.arrays import Arrays
from gradcli.systems.floats import FLOATS

ROWS = [op for op in TABLE.values() if not op.structural]
EDGES = [(op, k) for op in ROWS for k in range(len(op.parameters)) if op.partial(k) is not None]
each_row = pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
each_edge = pytest.mark.parametrize(("op", "k"), EDGES, ids=lambda value: getattr(value, "name", value))


def value(op: Op, x: tuple[float, ...]) -> float:
    return FLOATS.functions[op](*map(float, x))


def slope(op: Op, k: int, x: tuple[float, ...]) -> float:
    """∂op/∂x_k as the engine computes it; 0 where the op selects another input."""
    rule = FLOATS.locals[op][k]
    result = rule(value(op, x), *map(float, x))
    return 0.0 if result is None else float(result)


@each_row
def test_a_row_documents_itself(op):
    """Every row has its sentence, LaTeX with all its inputs, group, source, samples and hand-checked points."""
    assert op.doc and op.latex and op.group and op.source and op.samples and op.checks
    assert op.doc[0] != op.doc[0].upper() or op.doc[0] in "01-xΦ(" or not op.doc[0].isalpha()
    used = set(re.findall(r"#([0-9*])", op.latex))
    assert used == {"*"} or used == {str(k + 1) for k in range(len(op.parameters))}
    assert op.kinks is None or op.convention, "a kink needs its convention in words"
    assert op.gate == "" or op.role, "a gate needs its role in words"
    assert all(op.accepts(len(at)) for at in op.samples)


@each_row
def test_hand_checked_points(op):
    """Values and partials agree with published or hand-computed numbers."""
    for check in op.checks:
        assert value(op, check.at) == pytest.approx(check.value, rel=1e-14, abs=1e-15)
        for k, expected in enumerate(check.partials):
            if expected is None:
                continue
            assert slope(op, k, check.at) == pytest.approx(expected, rel=1e-14, abs=1e-15)


@each_row
def test_samples_are_in_the_domain_and_off_the_kinks(op):
    """Sample points are ordinary points: inside the domain, off the kinks, with finite values."""
    for at in op.samples:
        if op.domain is not None:
            assert op.domain(FLOATS, *map(float, at))
        if op.kinks is not None and op.group != "choice":
            assert not op.kinks(FLOATS, *map(float, at))
        assert isfinite(value(op, at))


def differentiated(op: Op, k: int, at: tuple[float, ...]) -> float:
    """∂op/∂x_k at a point, as sympy derives it from the definition, to 40 digits."""
    import sympy

    from gradcli.systems.symbolic import Symbolic
    from gradcli.verify.comparison import settled
    from gradcli.verify.evaluation import Point

    m = Symbolic()
    x = [m.symbol(f"x{i}") if op.partial(i) is not None else m.literal(float(v)) for i, v in enumerate(at)]
    values = {symbol: float(v) for symbol, v in zip(x, at, strict=True) if symbol.is_Symbol}
    derivative, _ = settled(sympy.diff(m.functions[op](*x), x[k]), Point(values, m.held))
    return float(derivative)


@each_edge
def test_partials_agree_with_sympy(op, k):
    """At every sample point sympy's own derivative of the definition is the row's partial."""
    for at in op.samples:
        expected = differentiated(op, k, at)
        assert slope(op, k, at) == pytest.approx(expected, rel=1e-13, abs=1e-300), at


@each_row
def test_accuracy(op):
    """Values and partials are within 64 ulp of rigorous enclosures, near 0, far out and below 0."""
    from flint import arb, arb_series, ctx

    from gradcli.systems.balls import Balls

    m = Balls()
    before = ctx.prec
    ctx.prec = 2200  # gelu(-30) and its like subtract numbers that differ by 900 digits' worth of bits
    try:
        for at in op.samples:
            x = [arb(float(v)) for v in at]
            exact = m.functions[op](*x)
            exact = exact[0] if isinstance(exact, arb_series) else arb(exact)
            assert_close(value(op, at), exact, f"{op.name}{at}")
            for k in range(len(at)):
                if op.partial(k) is None:
                    continue
                series = list(x)
                series[k] = arb_series([x[k], 1], 2)
                result = m.functions[op](*series)
                derivative = result[1] if isinstance(result, arb_series) else arb(0)
                assert_close(slope(op, k, at), derivative, f"∂{op.name}{at}/∂x{k}")
    finally:
        ctx.prec = before


def assert_close(got, exact, what):
    """Within 64 ulp of a ball that is much smaller than that."""
    middle = float(exact.mid())
    assert float(exact.rad()) <= ulp(middle), f"{what}: the enclosure is too wide"
    assert abs(got - middle) <= 64 * ulp(middle), f"{what}: {got!r}, exactly {middle!r}"


def differences(op: Op, k: int, x: list[float]):
    """Central differences at steps from coarse to fine, each with the rounding error it may have."""
    for step in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12):
        h = step * max(abs(x[k]), 1e-6)
        up, down = [*x[:k], x[k] + h, *x[k + 1 :]], [*x[:k], x[k] - h, *x[k + 1 :]]
        values = value(op, tuple(up)), value(op, tuple(down))
        yield (values[0] - values[1]) / (up[k] - down[k]), 8 * ulp(max(map(abs, values))) / h


@each_edge
def test_partials_agree_with_differences(op, k):
    """Central differences of the float function reach the partial at some step: no other rule is involved."""
    for at in op.samples:
        partial = slope(op, k, at)
        tried = [(n, room) for n, room in differences(op, k, list(map(float, at))) if isfinite(n) and isfinite(room)]
        sharp = [(n, room) for n, room in tried if room <= 1e-3 * abs(partial)] or tried
        assert any(abs(partial - n) <= 1e-4 * abs(partial) + room for n, room in sharp), (at, partial, sharp)


@each_edge
def test_the_form_shown_is_the_form_computed(op, k):
    """The textbook's form of a partial has the same value as the one that is computed (up to its lost digits)."""
    for check in (*op.checks, *[type(op.checks[0])(at, 0, ()) for at in op.samples]):
        x = tuple(map(float, check.at))
        if op.selected(k) is not None and not op.selected(k)(FLOATS, *x):
            continue
        if op.kinks is not None and op.kinks(FLOATS, *x):
            continue
        try:
            shown = local(op, k, FLOATS, value(op, x), x)
        except (ZeroDivisionError, OverflowError):
            continue  # the textbook's form overflows there: that is why the row has another
        if isfinite(shown):
            assert shown == pytest.approx(slope(op, k, x), rel=1e-6, abs=1e-7)


class Strict:
    """An operand that may be computed with and must not be looked at."""

    def __bool__(self):
        raise AssertionError("a rule branches on its input")

    __hash__ = None
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = lambda self, other: self.__bool__()
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = lambda self, other: Strict()
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = lambda self, other: Strict()

    def __neg__(self):
        return Strict()


class StrictSystem:
    """Offers every row of the table and nothing else."""

    pi = Strict()

    def __getattr__(self, name):
        assert name == "literal" or name in TABLE, f"{name} is no row of the table"
        return lambda *x, **attributes: Strict()


def rules(op):
    """Every rule of a row, with the arguments it takes before the inputs."""
    yield op.definition, ()
    for rule in (op.stable, op.domain, op.kinks):
        if rule is not None:
            yield rule, ()
    for k in range(len(op.parameters)):
        if op.partial(k) is not None:
            yield op.partial(k), (Strict(),)
        if op.selected(k) is not None:
            yield op.selected(k), ()


@each_row
def test_rules_never_look_at_their_operands(op):
    """Rules use + - * / ** and rows of the table; they never branch, so that every system can run them."""
    for rule, before in rules(op):
        rule(StrictSystem(), *before, *[Strict() for _ in op.parameters])


@each_row
def test_the_table_is_closed_under_differentiation(op):
    """A row's gradient is a graph of rows, and so is that graph's gradient, to third order."""
    names = [f"x{i}" for i in range(len(op.parameters))]
    graph = parse(f"{op.name}({','.join(names)})") if op.notation is None else infix(op, names)
    at = dict(zip(names, map(float, op.samples[0]), strict=False))
    for k, name in enumerate(names):
        if op.partial(k) is None:
            continue
        first = graph.gradient(name)
        expected = graph.forward(at).backward()[name]
        assert first.forward(at).value == pytest.approx(expected, rel=1e-12)
        third = first.gradient(name).gradient(name)
        assert not isnan(third.forward(at).value)


def infix(op, names):
    return parse(op.notation.symbol.join(names) if len(names) == 2 else op.notation.symbol + names[0])


@each_row
def test_rows_run_on_numpy_arrays(op):
    """The same row over a NumPy system gives the float results, entry by entry."""
    m = Arrays()
    columns = [
        np.array([float(at[k]) for at in op.samples if len(at) == len(op.samples[0])])
        for k in range(len(op.samples[0]))
    ]
    points = list(zip(*columns, strict=True))
    with np.errstate(all="ignore"):
        got = np.asarray(m.whole(op)(*columns), dtype=float)
        assert np.broadcast_to(got, len(points)) == pytest.approx([value(op, x) for x in points], rel=1e-13, abs=1e-300)
        for k in range(len(columns)):
            rule = op.partial(k)
            if rule is not None:
                local_gradient = np.asarray(rule(m, got, *columns), dtype=float)
                chosen = op.selected(k)
                if chosen is not None:
                    local_gradient = np.where(np.asarray(chosen(m, *columns), dtype=bool), local_gradient, 0)
                expected = [slope(op, k, x) for x in points]
                assert np.broadcast_to(local_gradient, len(points)) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@each_row
def test_documentation_is_read_off_the_row(op):
    """Definition, domain, kinks and partials can be printed in the row's own parameter names."""
    page = reference.entry(op)
    assert page.definition
    for k, derivative in enumerate(page.derivatives[: len(op.parameters)]):
        assert (op.partial(k) is None) == (derivative.shown is None) == (derivative.computed is None)
        assert derivative.shown != "" and derivative.computed != ""


def test_names_and_operators_are_unambiguous():
    """No two rows share a name, an alias or the spelling of an operator."""
    named = [op for op in TABLE.values() if op.notation is None or op.notation.fix not in ("list", "index")]
    names = [name for op in named for name in (op.name, *op.aliases)]
    assert len(names) == len(set(names)) == len(FUNCTIONS)
    symbols = [
        s
        for op in TABLE.values()
        if op.notation and op.notation.fix == "infix"
        for s in (op.notation.symbol, *op.notation.spellings)
    ]
    assert len(symbols) == len(set(symbols)) == len(INFIX)


def test_the_names_of_the_field_are_there():
    """Every function that the language promises is in the table."""
    promised = """
    exp expm1 exp2 log log2 log10 log1p logaddexp logit pow sqrt cbrt square reciprocal abs sign floor ceil
    round sin cos tan sec csc cot asin acos atan atan2 sinh cosh tanh sech csch coth asinh acosh atanh hypot
    erf erfc gamma lgamma digamma polygamma xlogy max min clip where step sigmoid relu leaky_relu elu selu
    celu gelu gelu_tanh silu mish softplus softsign hardtanh hardsigmoid relu6 logsigmoid maxout mse
    sum_squared_error cross_entropy_error binary_cross_entropy bce_with_logits hinge huber ln arcsin logistic
    swish
    """
    assert set(promised.split()) <= set(FUNCTIONS)


def test_a_row_is_all_that_a_new_op_needs(monkeypatch):
    """Adding a composite op is adding its row: it parses, evaluates, differentiates, prints, and is proved."""
    import gradcli
    from gradcli import notation

    row = elementwise(
        "bump", lambda m, x: m.exp(-x * x) * x, partials=[lambda m, y, x: m.exp(-x * x) * (1 - 2 * x * x)]
    )
    monkeypatch.setitem(FUNCTIONS, "bump", row)
    monkeypatch.setitem(TABLE, "bump", row)
    graph = parse("bump(x)^2")
    gradients = graph.forward(x=0.5).backward()
    y = 0.5 * math.exp(-0.25)
    assert gradients["x"] == pytest.approx(2 * y * math.exp(-0.25) * 0.5, rel=1e-14)
    assert notation.rule(graph, graph.position("n1"), 0) == "exp(-x*x)*(1-2*x*x)"
    assert gradcli.verify(gradients, "proof").status == "passed"


IEEE = [
    ("exp(x)", 1000, inf),
    ("exp(x)", -1000, 0),
    ("log(x)", 0, -inf),
    ("log(x)", -1, nan),
    ("1/x", 0, inf),
    ("1/x", -0.0, -inf),
    ("x/x", 0, nan),
    ("x^5000", 2, inf),
    ("x^5001", -2, -inf),
    ("x^0.5", -8, nan),
    ("x^-1", 0, inf),
    ("0^x", 0, 1),
    ("sqrt(x)", -1, nan),
    ("sinh(x)", -1000, -inf),
    ("cosh(x)", -1000, inf),
    ("gamma(x)", 200, inf),
    ("gamma(x)", -3, nan),
    ("lgamma(x)", 0, inf),
    ("digamma(x)", -1, nan),
    ("atanh(x)", -1, -inf),
    ("log1p(x)", -1, -inf),
    ("asin(x)", 2, nan),
    ("sin(x)", inf, nan),
    ("floor(x)", inf, inf),
    ("round(x)", 2.5, 2),
    ("max(x,1)", nan, nan),
    ("sigmoid(x)", -1000, 0),
    ("softplus(x)", 1000, 1000),
    ("logaddexp(x,0)", -inf, 0),
    ("polygamma(0.5,x)", 1, nan),
    ("reciprocal(x)", 0, inf),
    ("tanh(x)", 1000, 1),
]


@pytest.mark.parametrize(("text", "x", "expected"), IEEE, ids=[f"{text} at {x}" for text, x, _ in IEEE])
def test_values_follow_ieee(text, x, expected):
    """Overflow is inf, a bad argument is nan, and nothing ever raises, in the gradient neither."""
    trace = parse(text).forward(x=x)
    assert trace.value == pytest.approx(expected, nan_ok=True)
    trace.backward()


def test_digits_survive_where_the_textbook_form_loses_them():
    """The forms computed keep their digits: tanh' at 20, σ' at 40, gelu far out, log-gamma near its zeros."""
    assert parse("tanh(x)").forward(x=20).backward()["x"] == pytest.approx(1.6993417021166355e-17, rel=1e-14)
    assert parse("sigmoid(x)").forward(x=40).backward()["x"] == pytest.approx(4.248354255291589e-18, rel=1e-14)
    assert parse("lgamma(x)").forward(x=1.0000001).value == pytest.approx(-5.772155826768757e-08, rel=1e-12)
    assert parse("logit(p)").forward(p=0.5000001).value == pytest.approx(4.000000000000005e-07, rel=1e-9)
