"""Formulas as answers: right wherever they are defined, wrong with a point that anybody can check, or undecided."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli import parse
from gradcli.autodiff import Gradients
from gradcli.cells import resolve
from gradcli.homework.checking import check
from gradcli.homework.formulas import comparison as formulas
from gradcli.homework.formulas import following, proving
from gradcli.homework.records import Answer, Comparison, Formula, Number, Rules, State, Unreadable
from gradcli.ops import FUNCTIONS
from gradcli.ops.op import Op
from gradcli.words import LANGUAGES, Words, texts

CASES = Path(__file__).parent / "cases"
CHAIN = ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4})
NEURON = ("f = 1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3})


def question(expr: str, values: Mapping[str, Any], upstream: Any = None) -> Gradients:
    """The gradients that answers are compared with."""
    return parse(expr, given=tuple(values)).forward(values).backward(upstream)


def read(text: str, gradients: Gradients) -> Formula:
    """A formula that must be readable."""
    formula = formulas.read(text, gradients)
    assert isinstance(formula, Formula), formula
    return formula


def compare(
    expr: str, values: Mapping[str, Any], cell: str, text: str, upstream: Any = None, **options: Any
) -> Comparison:
    """What becomes of a formula; without a proof, unless asked for."""
    gradients = question(expr, values, upstream)
    options = {"prove": False, **options}
    return formulas.compare(read(text, gradients), resolve(cell, gradients), gradients, **options)


def keys(comparison: Comparison) -> list[str]:
    """What is said of a formula, in no language."""
    return [remark.key.removeprefix("formulas.") for remark in comparison.remarks]


def say(comparison: Comparison) -> str:
    """What is said of a formula in English."""
    return "; ".join(map(Words("en").said, comparison.remarks))


X = {"x": 0.4}
XY = {"x": 3, "y": 2}

RIGHT: list[tuple[str, Mapping[str, Any], str, str]] = [
    # the table of derivatives of any calculus textbook
    ("x^3", X, "dx", "3*x^2"),
    ("x^n", {"x": 2, "n": 3}, "dx", "n*x^(n-1)"),
    ("x^n", {"x": 2, "n": 3}, "dn", "x^n*ln(x)"),
    ("1/x", X, "dx", "-1/x^2"),
    ("sqrt(x)", X, "dx", "1/(2*sqrt(x))"),
    ("sqrt(x)", X, "dx", "x^(-1/2)/2"),
    ("exp(x)", X, "dx", "f"),
    ("2^x", X, "dx", "2^x*log(2)"),
    ("log(x)", X, "dx", "1/x"),
    ("log10(x)", X, "dx", "1/(x*log(10))"),
    ("log2(x)", X, "dx", "log2(exp(1))/x"),
    ("sin(x)", X, "dx", "cos(x)"),
    ("cos(x)", X, "dx", "-sin(x)"),
    ("tan(x)", X, "dx", "1+tan(x)^2"),
    ("tan(x)", X, "dx", "1/cos(x)^2"),
    ("asin(x)", X, "dx", "1/sqrt(1-x^2)"),
    ("acos(x)", X, "dx", "-1/sqrt((1-x)*(1+x))"),
    ("atan(x)", X, "dx", "1/(1+x^2)"),
    ("sinh(x)", X, "dx", "(exp(x)+exp(-x))/2"),
    ("cosh(x)", X, "dx", "sinh(x)"),
    ("tanh(x)", X, "dx", "1-tanh(x)^2"),
    ("tanh(x)", X, "dx", "sech(x)^2"),
    ("tanh(x)", X, "dx", "4/(exp(x)+exp(-x))^2"),
    ("asinh(x)", X, "dx", "1/sqrt(x^2+1)"),
    ("acosh(x)", {"x": 2}, "dx", "1/(sqrt(x-1)*sqrt(x+1))"),
    ("atanh(x)", X, "dx", "1/(1-x^2)"),
    ("erf(x)", X, "dx", "2/sqrt(pi)*exp(-x^2)"),
    ("x*exp(x)", X, "dx", "(x+1)*exp(x)"),
    ("sin(x)*cos(x)", X, "dx", "cos(2*x)"),
    ("x^x", {"x": 2}, "dx", "x^x*(1+log(x))"),
    ("sin(x)/x", X, "dx", "(x*cos(x)-sin(x))/x^2"),
    ("exp(sin(x))", X, "dx", "cos(x)*exp(sin(x))"),
    ("log(sin(x))", X, "dx", "cos(x)/sin(x)"),
    ("atan2(y,x)", XY, "dx", "-y/(x^2+y^2)"),
    ("hypot(x,y)", XY, "dy", "y/f"),
    # activations, as the lectures write them
    ("y=sigmoid(x)", X, "dx", "dout*y*(1-y)"),
    ("sigmoid(x)", X, "dx", "sigmoid(x)*(1-sigmoid(x))"),
    ("sigmoid(x)", X, "dx", "exp(-x)/(1+exp(-x))^2"),
    ("sigmoid(x)", X, "dx", "1/(2+exp(x)+exp(-x))"),
    ("sigmoid(x)", X, "dx", "sigmoid(x)*sigmoid(-x)"),
    ("softplus(x)", X, "dx", "sigmoid(x)"),
    ("silu(x)", X, "dx", "f + sigmoid(x)*(1-f)"),
    ("gelu(x)", X, "dx", "(1+erf(x/sqrt(2)))/2 + x*exp(-x^2/2)/sqrt(2*pi)"),
    ("relu(x)", X, "dx", "x>0"),
    ("relu(x)", X, "dx", "where(x>0,1,0)"),
    ("relu(x)", {"x": 0}, "dx", "step(x)"),
    ("leaky_relu(x)", X, "dx", "where(x>0,1,0.01)"),
    ("leaky_relu(x, slope=0.2)", X, "dx", "max(sign(x),0) - 0.2*min(sign(x),0)"),
    ("abs(x)", X, "dx", "x/abs(x)"),
    ("max(x,y)", XY, "dx", "x>y"),
    ("min(x,y)", XY, "dx", "1-step(x-y)"),
    # gates, edges, values, and names
    ("x^2*y", XY, "dx", "2*x*y"),
    ("x^2*y", XY, "dx", "x*y+y*x"),
    ("x^2*y", XY, "dy", "x*x"),
    (*CHAIN, "dx", "z"),
    (*CHAIN, "dx", "dout*z"),
    (*CHAIN, "dz", "q"),
    (*CHAIN, "dz", "x+y"),
    (*CHAIN, "value.q", "y+x"),
    (*CHAIN, "value", "q*z"),
    (*CHAIN, "local.f.q", "z"),
    (*CHAIN, "down.q.y", "dout*z"),
    (*CHAIN, "dx", "dq"),
    (*CHAIN, "dx", "df*z"),
    (*NEURON, "dw0", "dout*x0*f*(1-f)"),
    (*NEURON, "dx1", "w1*(1-f)*f"),
    ("(x+y)*(x*y)", XY, "dx", "n2+n1*y"),
    ("(x+y)*(x*y)", XY, "dx", "2*x*y+y^2"),
    ("x*x", {"x": 2}, "local.f.x#2", "x"),
    ("sigmoid(2*x)", {"x": 1}, "local.f.n1", "f*(1-f)"),
    ("g(u)=3*u^2; g(a*b)+a", {"a": 2, "b": 3}, "da", "6*a*b^2+1"),
    ("g(u)=3*u^2; g(a*b)+a", {"a": 2, "b": 3}, "da", "2*g(b)*a+1"),
    ("dout*x", {"dout": 3, "x": 2}, "dx", "dout"),
    ("e^x*pi", X, "dx", "pi*exp(x)"),
    ("pi*x^2", {"x": 2, "pi": 3}, "dx", "2*pi*x"),
    # numbers mean what is written: a tenth is no double
    ("0.1*x^3", X, "dx", "0.3*x^2"),
    ("0.7*x + 0.1*x", X, "value", "0.8*x"),
    ("x/3", X, "dx", "(1/3)*dout"),
]


@pytest.mark.parametrize(("expr", "values", "cell", "text"), RIGHT)
def test_what_textbooks_write_is_right(expr: str, values: Mapping[str, Any], cell: str, text: str) -> None:
    """A formula that is equal on paper is right, and equal at eight random points at least."""
    comparison = compare(expr, values, cell, text)
    assert comparison.state is State.RIGHT
    assert keys(comparison) == ["equal"]
    assert int(comparison.remarks[0].fields["count"]) >= 8


FEYNMAN = [json.loads(line) for line in (CASES / "formulas.jsonl").read_text(encoding="utf-8").splitlines()]


def test_derivatives_by_sympy_are_right() -> None:
    """What sympy derived of physical formulas, in whatever form it was left, is right; a hair beside it is wrong."""
    for case in FEYNMAN:
        asked = case["expr"], case["vars"], f"grad.{case['wrt']}"
        assert compare(*asked, case["formula"]).state is State.RIGHT, case
        assert compare(*asked, f"({case['formula']})*(1+1e-11)").state is State.WRONG, case


ROWS = [
    (op, sample)
    for name, op in FUNCTIONS.items()
    for sample in op.samples[:1]
    if name == op.name and not op.structural and all(isinstance(value, int | float) for value in sample)
]


@pytest.mark.parametrize(("op", "sample"), ROWS, ids=[op.name for op, _ in ROWS])
def test_every_row_has_the_right_partials(op: Op, sample: tuple[float, ...]) -> None:
    """Each partial of the op table, as a formula, is the derivative that power series find."""
    values = dict(zip("abcd", sample, strict=False))
    gradients = question(f"{op.name}({','.join(values)})", values)
    if gradients.graph.tensorial:
        return
    for k, name in enumerate(values):
        if op.passes(k):
            cell, partial = resolve(f"grad.{name}", gradients), gradients.graph.gradient(name)
            assert formulas.compare(Formula("", partial), cell, gradients, prove=False).state is State.RIGHT, name


Plain = Callable[..., float]

WRONG: list[tuple[str, Mapping[str, Any], str, str, Plain, Plain]] = [
    # …, what the formula says and what is right, in plain Python
    ("x^2*y", XY, "dx", "2*x", lambda x, y: 2 * x, lambda x, y: 2 * x * y),
    ("x^2*y", XY, "dx", "4*x", lambda x, y: 4 * x, lambda x, y: 2 * x * y),
    ("sqrt(x^2)", X, "value", "x", lambda x: x, abs),
    ("sin(x)", X, "dx", "-cos(x)", lambda x: -math.cos(x), math.cos),
    ("sigmoid(x)", X, "dx", "x*(1-x)", lambda x: x * (1 - x), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    ("log(x)", {"x": 2}, "dx", "1/x^2", lambda x: 1 / x**2, lambda x: 1 / x),
    ("log10(x)", {"x": 2}, "dx", "1/x", lambda x: 1 / x, lambda x: 1 / (x * math.log(10))),
    ("1/x", {"x": 2}, "dx", "1/x^2", lambda x: 1 / x**2, lambda x: -1 / x**2),
    ("sin(x*pi/180)", {"x": 30}, "dx", "cos(x)", math.cos, lambda x: math.pi / 180 * math.cos(x * math.pi / 180)),
    ("relu(x)", X, "dx", "1+0*x", lambda x: 1, lambda x: float(x > 0)),
    ("abs(x)", X, "dx", "x>0", lambda x: float(x > 0), lambda x: math.copysign(1, x)),
    ("max(x,y)", XY, "dy", "1-(x<y)", lambda x, y: float(x >= y), lambda x, y: float(y > x)),
    (*CHAIN, "dx", "q", lambda x, y, z: x + y, lambda x, y, z: z),
    (*CHAIN, "dx", "dout*z*y", lambda x, y, z, dout: dout * z * y, lambda x, y, z, dout: dout * z),
    ("y=sigmoid(x)", X, "dx", "dout*y", lambda x, dout: dout / (1 + math.exp(-x)),
     lambda x, dout: dout * math.exp(-x) / (1 + math.exp(-x)) ** 2),
    ("x/y", XY, "dy", "x/y^2", lambda x, y: x / y**2, lambda x, y: -x / y**2),
    ("exp(2*x)", X, "dx", "exp(2*x)", lambda x: math.exp(2 * x), lambda x: 2 * math.exp(2 * x)),
    ("(x+y)*(x*y)", XY, "dx", "n2", lambda x, y: x * y, lambda x, y: x * y + (x + y) * y),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "values", "cell", "text", "found", "right"), WRONG)
def test_wrong_formulas_come_with_a_point(
    expr: str, values: Mapping[str, Any], cell: str, text: str, found: Plain, right: Plain
) -> None:
    """A wrong formula is told with a point, and both numbers there are those that plain floats give."""
    comparison = compare(expr, values, cell, text)
    assert comparison.state is State.WRONG
    fields = comparison.remarks[0].fields
    point = {name: float(value) for name, value in re.findall(r"(\w+) = (\S+?)(?:,|$)", fields["point"])}
    assert float(fields["given"]) == pytest.approx(found(*point.values()), rel=1e-5)
    assert float(fields["right"]) == pytest.approx(right(*point.values()), rel=1e-5)
    assert fields["given"] != fields["right"]


def test_the_simplest_point_is_shown() -> None:
    """The counter-example has small whole numbers where there are such."""
    assert say(compare("x^2*y", XY, "dx", "4*x")) == (
        "at x = 2, y = 3 your formula gives 8, and the right one 12; "
        "at the values given it gives the right number, but not in general"
    )


def test_a_hair_is_a_difference() -> None:
    """A difference of 1e-12 is told, with digits enough to see it; that of a constant to 16 digits is none."""
    comparison = compare("x^2*y", XY, "dx", "2*x*y + 1e-12*x")
    assert say(comparison) == "at x = 1, y = 2 your formula gives 4.000000000001, and the right one 4"
    density = "exp(-x^2/2)/sqrt(2*pi)"
    assert keys(compare(density, X, "dx", "-x*0.3989422804014327*exp(-x^2/2)")) == ["close"]
    assert compare(density, X, "dx", "-x*0.3989422*exp(-x^2/2)").state is State.WRONG


def test_an_upstream_gradient_belongs_to_the_answer() -> None:
    """Without dout the upstream gradient given counts; with it, any."""
    assert compare("x^2", X, "dx", "2*x", 3.0).state is State.WRONG
    assert compare("x^2", X, "dx", "6*x", 3.0).state is State.RIGHT
    assert compare("x^2", X, "dx", "2*x*dout", 3.0).state is State.RIGHT
    assert compare("x^2", X, "local.f.x", "2*x*dout").state is State.WRONG
    assert compare("x^2", X, "local.f.x", "2*x", 3.0).state is State.RIGHT


DOMAINS: list[tuple[str, Mapping[str, Any], str, str, State, list[str]]] = [
    ("log(x^2)", {"x": 2}, "value", "2*log(x)", State.RIGHT, ["equal", "where"]),
    ("log(x^2)", {"x": -2}, "value", "2*log(x)", State.WRONG, ["no_value"]),
    ("log(x^2)", {"x": -2}, "value", "2*log(-x)", State.RIGHT, ["equal", "where"]),
    ("log(x^2)", {"x": -2}, "value", "2*log(abs(x))", State.RIGHT, ["equal"]),
    ("2*log(x)", {"x": 2}, "value", "log(x^2)", State.RIGHT, ["equal"]),
    ("log(x)", {"x": 2}, "dx", "x/x^2", State.RIGHT, ["equal"]),
    ("x", {"x": 2}, "value", "sqrt(x-1)^2+1", State.RIGHT, ["equal", "defined"]),
    ("x^(1/3)", {"x": 8}, "value", "cbrt(x)", State.RIGHT, ["equal"]),
    ("cbrt(x)", {"x": 8}, "value", "x^(1/3)", State.RIGHT, ["equal", "where"]),
    ("cbrt(x)", {"x": -8}, "value", "x^(1/3)", State.WRONG, ["no_value"]),
    ("acos(x+1000)", {"x": -1000.5}, "dx", "-1/sqrt(1-(x+1000)^2)", State.RIGHT, ["equal"]),
    ("sqrt(-1-x^2)", {"x": 1}, "value", "sqrt(-x^2-1)", State.UNDECIDED, ["few"]),
    ("floor(x)", {"x": 1.5}, "value", "x-0.5", State.WRONG, ["counter", "only_here"]),
    ("floor(x)", {"x": 1.5}, "value", "ceil(x)-1", State.WRONG, ["counter", "only_here"]),
]


@pytest.mark.parametrize(("expr", "values", "cell", "text", "state", "said"), DOMAINS)
def test_domains_are_told(
    expr: str, values: Mapping[str, Any], cell: str, text: str, state: State, said: list[str]
) -> None:
    """Where a formula is defined in fewer places, that is said; it must have a value at those given."""
    comparison = compare(expr, values, cell, text)
    assert (comparison.state, keys(comparison)) == (state, said)


def test_the_sign_of_a_variable_tells_a_domain() -> None:
    """A domain that is half a line is named by its variable."""
    assert say(compare("log(x^2)+y", {"x": 2, "y": 1}, "value", "2*log(x)+y")).endswith("; equal where x > 0")
    assert say(compare("log(x^2)+y", {"x": -2, "y": 1}, "value", "2*log(-x)+y")).endswith("; equal where x < 0")


TOO_MUCH = ["9^9^9*x", "9^9^9^9+2*x", "log(9^9^9)*x", "sin(9^9^9*x)", "max(9^9^9,x)", "gamma(9^9^9)", "x^9^9^9 + 2*x"]


@pytest.mark.parametrize("text", TOO_MUCH)
def test_numbers_beyond_reason_are_undecided(text: str) -> None:
    """What no ball can follow is undecided at once, and never told to be wrong, or to have no value."""
    started = time.monotonic()
    comparison = compare("x^2", {"x": 3}, "dx", text + "*x/x")
    assert comparison.state in (State.UNDECIDED, State.WRONG)
    assert "no_value" not in keys(comparison)
    assert time.monotonic() - started < 10


def test_a_long_formula_ends_with_its_budget() -> None:
    """Ten thousand terms are undecided when the time is up, and say so."""
    terms = range(1, 10_001)
    expr, text = "+".join(f"sin({k}*x)" for k in terms), "+".join(f"{k}*cos({k}*x)" for k in terms)
    comparison = compare(expr, X, "dx", text, rules=Rules(budget=0.2))
    assert (comparison.state, keys(comparison)) == (State.UNDECIDED, ["late"])
    assert say(comparison) == "undecided: 0.2 s were not enough to compare it at 8 points"


def test_a_deep_formula_is_judged() -> None:
    """Depth costs time and nothing else."""
    deep = "(" * 3000 + "x" + "+1)" * 3000
    assert compare("x+3000", X, "value", deep, prove=True).state is State.RIGHT


def test_what_is_asked_for_is_no_answer() -> None:
    """A formula that names its own cell, or what is made of it, says nothing."""
    for cell, text in [("value.q", "q"), ("value.q", "f/z"), ("dx", "dx"), ("dq", "dx"), ("local.q.x", "dq/dout")]:
        comparison = compare(*CHAIN, cell, text)
        assert comparison.state is State.WRONG
        assert keys(comparison)[0] in ("circular", "beside")


def test_unknown_names_are_read_as_nothing() -> None:
    """A name that nothing has is unreadable, with its place and what was meant."""
    gradients = question(*CHAIN)
    found = formulas.read("2*zz", gradients)
    assert isinstance(found, Unreadable)
    assert found.span == (2, 4)
    assert found.hint is not None
    product = formulas.read("1+xqz", gradients)
    assert isinstance(product, Unreadable)
    assert Words("en").said(product.hint) == "write x*q*z"  # type: ignore[arg-type]
    stranger = Formula("w", parse("w"))
    assert formulas.compare(stranger, resolve("dx", gradients), gradients).state is State.UNREADABLE
    assert formulas.value_at(stranger, gradients) is None
    assert isinstance(formulas.read("2*(x", gradients), Unreadable)
    assert {"x", "q", "dq", "dout", "f"} <= formulas.names(gradients)


# ── tensors ─────────────────────────────────────────────────────────────────────────────────────────────────────

DOT = ("sum(x*w)", {"x": [1.0, 2, 3], "w": [2.0, 3, 4]})
LAYER = ("y = x@W; L = sum(y*y)", {"x": [[1.0, 2, 3], [3, 4, 5]], "W": [[2.0, 3], [4, 5], [1, 2]]})
SQUARE = ("y = x@W; L = sum(y*y)", {"x": [[1.0, 2], [3, 4]], "W": [[2.0, 3], [4, 5]]})
LOSS = ("L = softmax_cross_entropy(s, t)", {"s": [[1.0, 2, 3], [2, 1, 0]], "t": [1, 0]})

TENSORS: list[tuple[str, Mapping[str, Any], str, str, State, str]] = [
    (*DOT, "dx", "w", State.RIGHT, "doubles"),
    (*DOT, "dx", "dout*w", State.RIGHT, "doubles"),
    (*DOT, "dx[1]", "w[1]", State.RIGHT, "doubles"),
    (*DOT, "dx", "x", State.WRONG, "counter_entry"),
    (*DOT, "dx[1]", "w[2]", State.WRONG, "counter"),
    (*DOT, "dx", "dout", State.WRONG, "shape"),
    (*DOT, "value", "w@x", State.RIGHT, "doubles"),
    (*LAYER, "dW", "x.T@(2*y)", State.RIGHT, "doubles"),
    (*LAYER, "dW", "x.T@dy", State.RIGHT, "doubles"),
    (*LAYER, "dx", "2*dout*y@W.T", State.RIGHT, "doubles"),
    (*LAYER, "dW", "2*y.T@x", State.WRONG, "shape"),
    (*LAYER, "dW", "2*x@y", State.WRONG, "unfit"),
    (*SQUARE, "dW", "2*x@y", State.WRONG, "counter_entry"),
    (*SQUARE, "dW", "2*x.T@y", State.RIGHT, "doubles"),
    (*LOSS, "ds", "(softmax(s)-[[0,1,0],[1,0,0]])/2", State.RIGHT, "doubles"),
    (*LOSS, "ds", "softmax(s)-[[0,1,0],[1,0,0]]", State.WRONG, "counter_entry"),
    ("x^2*y", XY, "dx", "sum([x*y, x*y])", State.RIGHT, "doubles"),
]


@pytest.mark.parametrize(("expr", "values", "cell", "text", "state", "key"), TENSORS)
def test_tensors_are_compared_in_doubles(
    expr: str, values: Mapping[str, Any], cell: str, text: str, state: State, key: str
) -> None:
    """Formulas over vectors and matrices are compared at random points of the same shapes, and never proved."""
    comparison = compare(expr, values, cell, text, prove=True)
    assert (comparison.state, keys(comparison)[0]) == (state, key)


CROSS = ("p=softmax(a); L=-sum(t*log(p))", {"a": [0.3, 2.9, 4.0], "t": [0, 0, 1]})
ERROR = ("p=softmax(a); L=cross_entropy_error(p,t)", {"a": [0.3, 2.9, 4.0], "t": [0, 0, 1]})
ROWS_OF_LABELS = ("p=softmax(a); L=-sum(t*log(p))", {"a": [[0.3, 2.9], [1.0, 4.0]], "t": [[0, 1], [1, 0]]})
SOFT = ("p=softmax(a); L=-sum(t*log(p))", {"a": [0.3, 2.9, 4.0], "t": [0.25, 0.25, 0.5]})
CHOSEN = ("L=-log(sum(t*softmax(a)))", {"a": [3, 4], "t": [0, 1]})
EITHER = ("-log(t*sigmoid(x)+(1-t)*(1-sigmoid(x)))", {"x": 0.5, "t": 1})

LABELS: list[tuple[str, Mapping[str, Any], str, str, State, str]] = [
    (*CROSS, "da", "p-t", State.RIGHT, "shares"),
    (*CROSS, "da", "sum(t)*p-t", State.RIGHT, "doubles"),  # for any t
    (*CROSS, "da", "t-p", State.WRONG, "counter_entry"),
    (*CROSS, "da", "p-t^2", State.RIGHT, "one_hot"),
    (*ERROR, "da", "softmax(a)-t", State.RIGHT, "shares"),
    (*ROWS_OF_LABELS, "da", "p-t", State.RIGHT, "shares_of_rows"),
    (*SOFT, "da", "p-t", State.RIGHT, "shares"),
    (*SOFT, "da", "p-t^2", State.WRONG, "counter_entry"),
    (*CHOSEN, "da", "softmax(a)-t", State.RIGHT, "one_hot"),
    (*EITHER, "dx", "sigmoid(x)-t", State.RIGHT, "flag"),
    (
        "L=softmax_cross_entropy(s,t)*sum(w)",
        {"s": [[1.0, 2], [2, 1]], "t": [1, 0], "w": [0.5, 0.5]},
        "ds",
        "softmax(s)/2-[[0,1/2],[1/2,0]]",
        State.RIGHT,
        "shares",
    ),
    # no labels: x is 1, or a row of 0 and 1, by chance
    ("x^2*w", {"x": 1, "w": 3}, "dw", "x", State.WRONG, "only_here"),
    ("sum(w*x^2)", {"w": [3, 4], "x": [0, 1]}, "dw", "x", State.WRONG, "only_here"),
    ("sum(x^2)", {"x": [0, 1]}, "dx", "2*x^2", State.WRONG, "only_here"),
]


@pytest.mark.parametrize(("expr", "values", "cell", "text", "state", "key"), LABELS)
def test_labels_and_probabilities_stay_such(
    expr: str, values: Mapping[str, Any], cell: str, text: str, state: State, key: str
) -> None:
    """What holds for labels that sum to 1, as those given do, is right; and the remark says for which."""
    comparison = compare(expr, values, cell, text)
    assert (comparison.state, keys(comparison)[-1]) == (state, key)


def test_several_outputs_have_an_upstream_of_their_shape() -> None:
    """dout is an array where the output is one."""
    values = {"x": [[1.0, 2, 3], [3, 4, 5]], "W": [[2.0, 3], [4, 5], [1, 2]]}
    assert compare("x@W", values, "dW", "x.T@dout", [[1.0, 2], [3, 4]]).state is State.RIGHT
    assert compare("x@W", values, "dx", "dout@W", [[1.0, 2], [3, 4]]).state is State.WRONG


# ── proofs ──────────────────────────────────────────────────────────────────────────────────────────────────────

PROVED: list[tuple[str, Mapping[str, Any], str, str]] = [
    ("x^2*y", XY, "dx", "x*y+y*x"),
    ("0.1*x^3", X, "dx", "0.3*x^2"),
    ("y=sigmoid(x)", X, "dx", "dout*y*(1-y)"),
    ("tanh(x)", X, "dx", "sech(x)^2"),
    ("sin(x)*cos(x)", X, "dx", "cos(2*x)"),
    (*NEURON, "dw0", "dout*x0*f*(1-f)"),
    (*CHAIN, "down.q.x", "dq"),
    ("g(u)=3*u^2; g(a*b)+a", {"a": 2, "b": 3}, "da", "2*g(b)*a+1"),
    ("x*x", {"x": 2}, "local.f.x#2", "x"),
]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough for sympy, however busy the machine is."""
    monkeypatch.setattr(proving, "START", 60.0)
    monkeypatch.setattr(proving, "EACH", 30.0)


@pytest.mark.usefixtures("patient")
def test_sympy_proves_what_it_can() -> None:
    """In one child process sympy simplifies differences to 0; what it does not, stays equal at the points tried."""
    with proving.prover(early=True, budget=60):
        for case in PROVED:
            assert keys(compare(*case, prove=True)) == ["proved"], case
        assert keys(compare("log(x^2)", {"x": 2}, "value", "2*log(x)", prove=True)) == ["equal", "where"]
        assert keys(compare("relu(x)", X, "dx", "x>0", prove=True)) == ["equal"]


@pytest.mark.usefixtures("patient")
def test_a_proof_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proof outlasts its seconds: the child is ended, and the next formula gets another one."""
    monkeypatch.setattr(proving, "EACH", 0.05)
    slow = "(" + "*".join(f"(x+{k}*y+sin(x*{k}))" for k in range(1, 12)) + ")"
    with proving.prover(early=True, budget=60) as child:
        first = child.process
        comparison = compare(slow, XY, "value", f"-(-{slow})*(sin(x)^2+cos(x)^2)", prove=True)
        assert keys(comparison) == ["equal"]
        assert first is not None
        assert first.poll() is not None
        monkeypatch.setattr(proving, "EACH", 30.0)
        assert keys(compare("x^2", X, "dx", "x+x", prove=True)) == ["proved"]
        last = child.process
    assert last is not None
    assert last.poll() is not None


def test_no_proof_without_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started, a formula is right all the same."""
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert keys(compare("x^2", X, "dx", "x+x", prove=True)) == ["equal"]


# ── for the diagnosis ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_formula_has_a_number_here() -> None:
    """At the values given a formula is a number, dout the upstream gradient; a prediction counts to 1e-9."""
    gradients = question(*CHAIN, upstream=2.0)
    formula = read("dout*z*q", gradients)
    assert formulas.value_at(formula, gradients) == 2 * -4 * 3
    fits = formulas.test(formula, gradients)
    assert fits(-24.0 * (1 + 1e-12))
    assert not fits(-24.0001)
    assert formulas.value_at(read("log(z)", gradients), gradients) is None


def test_a_formula_follows_from_earlier_answers_everywhere() -> None:
    """What follows from a wrong formula does so at every point; what agrees by chance does not."""
    gradients = question(*CHAIN)
    dq, dx, dz = (resolve(cell, gradients) for cell in ("dq", "dx", "dz"))
    earlier = [(dq, read("-z", gradients))]
    assert following.follows(read("-z*dout", gradients), dx, gradients, earlier)
    assert not following.follows(read("x+6", gradients), dx, gradients, earlier)  # 4 here, as -z is
    assert not following.follows(read("z", gradients), dx, gradients, earlier)
    value = [(resolve("value.q", gradients), read("x-y", gradients))]
    assert following.follows(read("x-y", gradients), dz, gradients, value)
    assert following.follows(read("4*x/x", gradients), dx, gradients, [(dq, Number(4.0, None, None, None))])


def test_a_mistake_explains_a_formula_only_everywhere() -> None:
    """A path left out explains x*y; x+4, which is the same number here, it does not."""
    gradients = question("(x+y)*(x*y)", {"x": 2, "y": 3})
    for text, explained in (("x*y", True), ("x+4", False)):
        result = check(gradients, [Answer("dx", text)]).results[0]
        assert result.state is State.WRONG
        assert bool(result.explanations) is explained, result.explanations


def test_formulas_of_a_problem_follow_from_each_other() -> None:
    """A wrong formula counts once: what is worked out from it follows."""
    gradients = question(*CHAIN)
    answers = [Answer("dq", "-z"), Answer("dx", "-z"), Answer("dy", "dq"), Answer("dz", "q*dout")]
    states = {result.answer.address: result.state for result in check(gradients, answers).results}
    assert states == {"dq": State.WRONG, "dx": State.CARRIED, "dy": State.RIGHT, "dz": State.RIGHT}


# ── whatever is written ─────────────────────────────────────────────────────────────────────────────────────────

LEAVES = st.sampled_from(["x", "y", "q", "2", "3", "0.5"])
CALLS = ("sin({})", "exp(-({})^2)", "tanh({})", "sigmoid({})", "({})^2", "atan({})")
TREES = st.recursive(
    LEAVES.map(lambda leaf: (leaf,)),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["{}+{}", "{}*{}", "{}-{}"]), inner, inner),
        st.tuples(st.sampled_from(CALLS), inner),
    ),
    max_leaves=8,
)


def written(tree: Any, ways: Any) -> str:
    """A tree as text, turned round and rewritten wherever it may be; ways: yields how."""
    head, *parts = tree
    text = head.format(*(f"({written(part, ways)})" for part in parts))
    way = next(ways)
    if way == 1 and len(parts) == 2 and "-" not in head:
        text = head.format(*(f"({written(part, ways)})" for part in reversed(parts)))
    if way == 2 and "-" in head and len(parts) == 2:
        return "(-({1})+({0}))".format(*(written(part, ways) for part in parts))
    if way == 2 and head.startswith("tanh"):
        inner = written(parts[0], ways)
        return f"(2*sigmoid(2*({inner}))-1)"
    return (text, text, text, f"-(-({text}))", f"(({text})*4/4)", f"(({text})+y-y)", f"({text})*exp(0)")[way]


@given(TREES, st.lists(st.integers(0, 6), min_size=64, max_size=64))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_rewriting_keeps_a_formula_right(tree: Any, ways: list[int]) -> None:
    """A value's formula stays right however it is rewritten by rules of algebra, and is wrong a hair beside."""
    from itertools import cycle

    expr = f"q = x*y - 1; v = {written(tree, cycle([0]))}; f = v + q*0"
    text = written(tree, cycle(ways))
    gradients = question(expr, {"x": 1.5, "y": -0.5})
    cell = resolve("value.v", gradients)
    for formula, state in ((text, State.RIGHT), (f"{text} + 1e-9*x*y", State.WRONG)):
        found = formulas.read(formula + " + 0*x", gradients)
        assert isinstance(found, Formula)
        assert formulas.compare(found, cell, gradients, prove=False).state is state, (expr, formula)


def test_both_languages_say_the_same() -> None:
    """Every text of formulas is there in each language, with the same fields."""
    fields = [
        {name: sorted(re.findall(r"\{(\w+)\}", text)) for name, text in texts(language, "formulas").items()}
        for language in LANGUAGES
    ]
    assert fields[0] == fields[1]
