"""The language: what is accepted and what it means. What is refused has its exact messages in tests/errors/."""

from __future__ import annotations

import math
import operator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli import ExpressionError, LimitError, parse
from gradcli.notation import formula, number, pretty, text, written
from gradcli.ops.op import CONSTANT


def value(source: str, **values: float) -> float:
    return parse(source, given=values).forward(values).value


MEANINGS = [
    # text, values, the value as Python's own arithmetic has it
    ("1+2*3", {}, 7),
    ("(1+2)*3", {}, 9),
    ("10-4-3", {}, 3),
    ("100/10/5", {}, 2),
    ("2^3^2", {}, 512),
    ("2**3**2", {}, 512),
    ("-x^2", {"x": 3}, -9),
    ("(-x)^2", {"x": 3}, 9),
    ("-2^2", {}, -4),
    ("2^-1", {}, 0.5),
    ("2^-1^2", {}, 0.5),
    ("2^-x^2", {"x": 2}, 2**-4),
    ("2*-3", {}, -6),
    ("x--3", {"x": 1}, 4),
    ("- -x", {"x": 3}, 3),
    ("--x", {"x": 3}, 3),
    ("+x", {"x": 3}, 3),
    ("-x*y", {"x": 3, "y": 2}, -6),
    ("2^-1*3", {}, 1.5),
    ("-3!=3", {}, 1),
    ("1+1==2", {}, 1),
    ("(0<x)*(x<1)", {"x": 0.5}, 1),
    ("x<=1", {"x": 1}, 1),
    ("x>=2", {"x": 1}, 0),
    (".5+5.+1e-1+1E+1", {}, 15.6),
    ("0012", {}, 12),
    ("x²", {"x": 3}, 9),
    ("x¹²", {"x": 2}, 4096),
    ("x⁻¹", {"x": 4}, 0.25),
    ("2x²".replace("2x", "2*x"), {"x": 3}, 18),
    ("-x²", {"x": 3}, -9),
    ("2^x²", {"x": 2}, 16),
    ("sin(x)²", {"x": 1}, math.sin(1) ** 2),
    ("x₁+x1", {"x1": 2}, 4),
    ("3×2·2÷4−1", {}, 2),
    ("θ*2", {"θ": 2}, 4),
    ("π", {}, math.pi),
    ("2*pi", {}, math.tau),
    ("tau", {}, math.tau),
    ("pi*x", {"x": 2, "pi": 3}, 6),
    ("e^x", {"x": 2}, math.exp(2)),
    ("e^(2*x)", {"x": 2}, math.exp(4)),
    ("e^x", {"x": 2, "e": 3}, 9),
    ("σ(x)", {"x": 0}, 0.5),
    ("ln(x)", {"x": 1}, 0),
    ("gamma*2+gamma(5)", {"gamma": 1}, 26),
    ("sin+sin(0)", {"sin": 4}, 4),
    ("lambda*3+1", {"lambda": 2}, 7),
    ("E^2+3*E", {"E": 2}, 10),
    ("I+S+N+O+Q", {"I": 1, "S": 2, "N": 3, "O": 4, "Q": 5}, 15),
    ("for+if+import", {"for": 1, "if": 2, "import": 3}, 6),
    ("h*f", {"h": 2, "f": 3}, 6),
    ("가중치*x", {"가중치": 2, "x": 3}, 6),
    ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4}, -12),
    ("q = x+y\nq*2", {"x": 1, "y": 2}, 6),
    ("# a comment\nq = x # here\n\n;;q*2;\n# end", {"x": 4}, 8),
    ("(x\n+\n1)", {"x": 1}, 2),
    ("max(x,\n  # a comment inside\n  2)", {"x": 1}, 2),
    ("\ufeffx+1\r\n", {"x": 1}, 2),
    ("sq(a)=a*a; sq(x)+sq(2)", {"x": 3}, 13),
    ("g(a,b)=a/b\nh(c)=g(c,2)+1\nh(x)", {"x": 4}, 3),
    ("x=y; x+1", {"y": 2}, 3),
    ("q=3; q*x", {"x": 2}, 6),
    ("pi=3; pi*x", {"x": 2}, 6),
    ("leaky_relu(x, slope=0.2)", {"x": -1}, -0.2),
    ("leaky_relu(x, slope = -0.5 )", {"x": -1}, 0.5),
    ("elu(x, alpha=2)", {"x": 1}, 1),
    ("clip(x, 0, 1)", {"x": 3}, 1),
    ("clip(x, lo=0, hi=1)", {"x": 3}, 1),
    ("clip(x, hi=1, lo=0)", {"x": -3}, 0),
    ("huber(p, t=0, delta=2)", {"p": 1}, 0.5),
    ("max(1,5,x,2)", {"x": 3}, 5),
    ("where(x>0,1,2)", {"x": -1}, 2),
    ("x ≤ 1", {"x": 1}, 1),
    ("x\u00a0+\u20091", {"x": 1}, 2),
    ("µ*2", {"μ": 2}, 4),
]


@pytest.mark.parametrize(("source", "values", "expected"), MEANINGS, ids=[row[0] for row in MEANINGS])
def test_meaning(source, values, expected):
    """Each text has the value that the grammar gives it."""
    assert value(source, **values) == pytest.approx(expected, rel=1e-15)


def test_the_names_of_nodes_are_those_of_the_lecture():
    """Unnamed ops are n1, n2 …, the output is f; constants have no number."""
    graph = parse("1/(1+exp(-(w0*x0+w1*x1+w2)))")
    shown = [(graph.names[i], formula(graph, i)) for i in graph.shown]
    assert shown[-8:] == [
        ("n1", "w0*x0"),
        ("w1", "w1"),
        ("x1", "x1"),
        ("n2", "w1*x1"),
        ("n3", "n1+n2"),
        ("w2", "w2"),
        ("n4", "n3+w2"),
        ("n5", "-n4"),
    ] or [name for name, _ in shown] == ["w0", "x0", "n1", "w1", "x1", "n2", "n3", "w2", "n4", "n5", "n6", "n7", "f"]
    assert dict(shown)["f"] == "1/n7" and dict(shown)["n7"] == "1+n6"


def test_names_give_way_to_the_users():
    """n1 and f are skipped where the user has taken them."""
    graph = parse("n1*f+x*x")
    assert [graph.names[i] for i in graph.shown] == ["n1", "f", "n2", "x", "n3", "n4"]
    assert parse("q=x+1; f=q*2").names[-1] == "f"


def test_equal_text_is_two_nodes_unless_shared():
    """As on paper: x*y twice is two nodes; a name or `share` makes it one."""
    count = len(parse("x*y+x*y").shown)
    assert (count, len(parse("x*y+x*y", share=True).shown), len(parse("q=x*y; q+q").shown)) == (5, 4, 4)


def test_constants_of_equal_text_are_one_node():
    """`2` twice is one constant; `2` and `2.0` are two, as they are written."""
    ops = parse("2*x+2/y+2.0").ops
    assert sum(op is CONSTANT for op in ops) == 2


def test_a_definition_is_one_gate():
    """A user's function is one node; its body is expanded inside other definitions, never in the table."""
    graph = parse("sq(a)=a*a; quad(a)=sq(sq(a)); quad(x)+sq(x)")
    assert [node.op.name for node in graph if node.op is not CONSTANT] == ["input", "quad", "sq", "add"]
    assert graph.forward(x=2).value == 20
    assert graph.forward(x=2).backward()["x"] == 4 * 8 + 4


def test_definitions_may_come_first_from_another_text():
    """`definitions` is read before the program and may hold definitions alone."""
    assert parse("sq(x)", definitions="sq(a) = a*a # square").forward(x=3).value == 9
    with pytest.raises(ExpressionError, match="only definitions"):
        parse("x", definitions="a = 3")


def test_spans_hold_the_text_of_every_node():
    """Carets and as-written expressions count the user's own characters, brackets of operands included."""
    graph = parse("  (x + y) * exp( -z )²  ")
    texts = {written(graph, i) for i in graph.shown}
    assert {"x + y", "(x + y) * exp( -z )²", "-z", "exp( -z )", "exp( -z )²"} <= texts


def test_unused_assignments_are_noted():
    """A name that does not reach the output is worth a note."""
    graph = parse("q=x+1; r=x*2; f=q*3")
    assert graph.notes == ("'r' is assigned, but the output does not use it",)


DEEP = [
    ("(" * 1_000_000 + "x" + ")" * 1_000_000, 2.0),
    ("-" * 1_000_000 + "x", 2.0),
    ("+".join(["x"] * 200_000), 400_000.0),
    ("^".join(["x"] + ["1"] * 100_000), 2.0),
    ("abs(" * 100_000 + "x" + ")" * 100_000, 2.0),
    ("x" + "¹" * 1, 2.0),
]


@pytest.mark.parametrize(("source", "expected"), DEEP, ids=["brackets", "minuses", "sum", "powers", "calls", "power"])
def test_depth_costs_nothing(source, expected):
    """No recursion anywhere: a million brackets or minuses parse, evaluate and differentiate."""
    trace = parse(source).forward(x=2.0)
    assert trace.value == expected
    trace.backward()


def test_expansion_is_limited():
    """Thirty definitions that double each time would be 10^9 nodes: an error, at once."""
    lines = ["g0(x)=x+x"] + [f"g{i}(x)=g{i - 1}(g{i - 1}(x))" for i in range(1, 30)]
    with pytest.raises(LimitError):
        parse("\n".join([*lines, "g29(x)"]))


@pytest.mark.parametrize(
    "source", ["sin(" + " " * 200_000 + "1)", "f" + " " * 200_000 + "=1", "f(a" + " " * 200_000 + "1)"]
)
def test_white_space_costs_its_length(source):
    """No pattern of the language takes more than linear time."""
    with suppress(ExpressionError):
        parse(source)


def test_calls_are_limited():
    """A call of more than 1,000 arguments is refused: each of its edges would read them all."""
    assert parse(f"max({','.join(['x'] * 1000)})").forward(x=2).backward()["x"] == pytest.approx(1)
    with pytest.raises(LimitError, match="1,001 arguments"):
        parse(f"max({','.join(['x'] * 1001)})")


def test_thirty_calls_deep_is_thirty_nodes():
    """f(f(…)) costs its calls, not their product."""
    source = "g(x)=x*x/2; " + "g(" * 30 + "x" + ")" * 30
    assert parse(source).forward(x=2.0).value == 2.0


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────

LEAVES = st.sampled_from([("x", 0.75), ("y", -1.5), ("2", 2.0), ("0.5", 0.5), ("x1", 3.25)])
BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def combined(children):
    """(text, value) of a bracketed operation, by Python's own arithmetic."""
    binary = st.tuples(children, st.sampled_from(sorted(BINARY)), children).map(
        lambda t: (f"({t[0][0]} {t[1]} {t[2][0]})", BINARY[t[1]](t[0][1], t[2][1]))
    )
    unary = children.map(lambda t: (f"(-{t[0]})", -t[1]))
    called = children.map(lambda t: (f"sin({t[0]})", math.sin(t[1]) if math.isfinite(t[1]) else math.nan))
    return st.one_of(binary, unary, called)


TREES = st.recursive(LEAVES, combined, max_leaves=25)
POINT = {"x": 0.75, "y": -1.5, "x1": 3.25}


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_values_are_those_of_python_arithmetic(tree):
    """Any tree of sums, products and sines has the value that Python's arithmetic gives."""
    source, expected = tree
    graph = parse(source)
    assert graph.forward({name: POINT[name] for name in graph.inputs}).value == expected


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_printing_and_parsing_are_inverse(tree):
    """A graph printed with as few brackets as possible parses back to the same values."""
    graph = parse(tree[0])
    again = parse(text(graph))
    assert list(again.inputs) == list(graph.inputs)
    at = {name: POINT[name] for name in graph.inputs}
    assert again.forward(at).value == graph.forward(at).value


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("xyf0129.e+-*/^()<>=!,;# \n²₁θ½@[]'$\\\u202e\x1b"), max_size=30))
def test_any_text_is_a_graph_or_an_error_with_its_place(source):
    """No text raises anything but an error that has a place inside the text, a message and a block."""
    try:
        parse(source)
    except ExpressionError as error:
        assert error.span is not None and 0 <= error.span[0] <= error.span[1] <= len(source) + 1
        assert error.block().startswith("error: ") and "\x1b" not in error.block() and "\u202e" not in error.block()
    except LimitError:
        pass


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_round_trip(x):
    """The shortest text of a double reads back as that double."""
    assert float(number(x)) == x


def test_pretty():
    """Powers are raised and products dotted for the screen."""
    assert pretty("-1/n7^2") == "-1/n7²"
    assert pretty("x0*f*(1-f)") == "x0·f·(1-f)"
    assert pretty("x^-2+x^0.5") == "x⁻²+x^0.5"
