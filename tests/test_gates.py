"""Gate size: the same function with larger or smaller gates, and never another result."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.cli import run
from gradcli.errors import LimitError, UsageError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.rewrites import COMPARED, SIZES, rewritten
from gradcli.rewrites.agreement import agreement, single
from gradcli.rewrites.expansion import composite, defined
from gradcli.rewrites.fusion import shelf
from gradcli.rewrites.patterns import ROWS, known
from gradcli.syntax import parse

ONE_HOT = ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
SCORES = ((1.0, 2.0, 3.0), (0.0, -1.0, 5.0))


def made(text: str, size: str, **values: Any) -> Graph:
    """An expression in a gate size, at a point."""
    return rewritten(parse(text, given=values), values, size).graph


def ops(graph: Graph) -> list[str]:
    """The names of its ops, in tape order."""
    return [node.op.name for node in graph if node.parents]


def notes(text: str, size: str, **values: Any) -> str:
    """What is said of a rewrite, a note a line."""
    return "\n".join(rewritten(parse(text, given=values), values, size).notes)


# ── which gates there are ───────────────────────────────────────────────────────────────────────────────────

FUSED = [
    ("1/(1+exp(-x))", {"x": 1}, ["sigmoid"]),
    ("1/(exp(-x)+1)", {"x": 1}, ["sigmoid"]),
    ("exp(x)/(1+exp(x))", {"x": 1}, ["sigmoid"]),
    ("1/(1+exp(-(w*x+b)))", {"w": 2, "x": -1, "b": 3}, ["mul", "add", "sigmoid"]),
    ("exp(w*x)/(exp(w*x)+1)", {"w": 2, "x": -1}, ["mul", "sigmoid"]),  # equal text is one u
    ("1/(1+exp(-w*x))", {"w": 2, "x": -1}, ["mul", "sigmoid"]),  # (-w)*x, as it is read
    ("1/(1+exp(-2*x))", {"x": -1}, ["mul", "neg", "sigmoid"]),
    ("1/(exp(x)+1)", {"x": -1}, ["neg", "sigmoid"]),
    ("log(1/(1+exp(x)))", {"x": -1}, ["neg", "logsigmoid"]),
    ("exp(x)/(1/(1+exp(x)))", {"x": -1}, ["exp", "neg", "sigmoid", "div"]),
    ("max(0,x)", {"x": 1}, ["relu"]),
    ("max(x,0)", {"x": -1}, ["relu"]),
    ("x*(x>0)", {"x": 1}, ["relu"]),
    ("log(1+exp(x))", {"x": 1}, ["softplus"]),
    ("x*(1/(1+exp(-x)))", {"x": 1}, ["silu"]),
    ("sigmoid(x)*x", {"x": 1}, ["silu"]),
    ("log(sigmoid(x))", {"x": 1}, ["logsigmoid"]),
    ("-log(1+exp(-x))", {"x": 1}, ["logsigmoid"]),
    ("log(1/(1+exp(-x)))", {"x": 1}, ["logsigmoid"]),
    ("(exp(x)-exp(-x))/(exp(-x)+exp(x))", {"x": 1}, ["tanh"]),
    ("2/(1+exp(-2*x))-1", {"x": 1}, ["tanh"]),
    ("2*(1/(1+exp(-(2*x))))-1", {"x": 1}, ["tanh"]),
    ("0.5*x*(1+erf(x/sqrt(2)))", {"x": 1}, ["gelu"]),
    ("min(max(x,0),1)", {"x": 0.5}, ["clip"]),
    ("sqrt(x^2+y^2)", {"x": 3, "y": 4}, ["hypot"]),
    ("max(0,1-t*s)", {"s": 0.5, "t": 1}, ["hinge"]),
    ("-(t*log(p)+(1-t)*log(1-p))", {"p": 0.25, "t": 1}, ["binary_cross_entropy"]),
    ("p = 1/(1+exp(-z)); -(t*log(p)+(1-t)*log(1-p))", {"z": 1, "t": 1}, ["sigmoid", "binary_cross_entropy"]),
    ("-(t*log(1/(1+exp(-z)))+(1-t)*log(1-1/(1+exp(-z))))", {"z": 1, "t": 1}, ["bce_with_logits"]),
    ("1/(1+exp(-(1/(1+exp(-x)))))", {"x": 1}, ["sigmoid", "sigmoid"]),
    ("e = exp(-x); 1/(1+e)", {"x": 1}, ["neg", "exp", "add", "div"]),  # a name keeps its row
    ("1/(2+exp(-x))", {"x": 1}, ["neg", "exp", "add", "div"]),
    ("exp(x)/(1+exp(y))", {"x": 1, "y": 1}, ["exp", "exp", "add", "div"]),
    ("max(0,x,y)", {"x": 1, "y": 2}, ["max"]),
    ("1/x", {"x": 2}, ["div"]),
    ("x*x", {"x": 2}, ["mul"]),
    ("(x-3)^2", {"x": 2}, ["sub", "pow"]),
    ("sig(u)=1/(1+exp(-u)); sig(w*x)", {"w": 1, "x": 2}, ["mul", "sigmoid"]),
    ("neuron(w,x)=1/(1+exp(-w*x)); neuron(w,x)", {"w": 1, "x": 2}, ["neuron"]),
    ("exp(x)/sum(exp(x))*[1,2]@[1,0]", {"x": (1.0, 2.0)}, ["softmax", "mul", "matmul"]),
    ("sum(exp(x)/sum(exp(x)))", {"x": SCORES}, ["exp", "exp", "sum", "div", "sum"]),  # no rows of sum 1
    ("-sum(t*log(softmax(a)))", {"a": (0.3, 0.2, 0.5), "t": (0.0, 1.0, 0.0)}, ["softmax_cross_entropy"]),
    ("-sum(t*log(exp(a)/sum(exp(a))))", {"a": (0.3, 0.2, 0.5), "t": (0.0, 1.0, 0.0)}, ["softmax_cross_entropy"]),
    ("-sum(t*log(softmax(a)))/2", {"a": SCORES, "t": ONE_HOT}, ["softmax_cross_entropy"]),
    (
        "-sum(t*log(exp(a)/sum(exp(a),axis=1,keepdims=1)))/2",
        {"a": SCORES, "t": ONE_HOT},
        ["softmax_cross_entropy"],
    ),
    ("cross_entropy_error(softmax(a),t)", {"a": SCORES, "t": ONE_HOT}, ["softmax_cross_entropy"]),
    ("cross_entropy_error(softmax(a),t)", {"a": [0.0, 1000.0, 0.5], "t": 0.0}, ["softmax_cross_entropy"]),
    (
        "-sum(t*log(softmax(a)))/3",  # not the mean of two rows
        {"a": SCORES, "t": ONE_HOT},
        ["log_softmax", "mul", "sum", "neg", "div"],
    ),
    (
        "sum(max(0,x@W+b)@V+c)",
        {"x": (1.0, 2.0), "W": ((1.0, 2.0), (3.0, -4.0)), "b": (1.0, 1.0), "V": ((1.0,), (2.0,)), "c": (0.5,)},
        ["affine", "relu", "affine", "sum"],
    ),
    ("mean((y-t)^2)", {"y": (1.0, 2.0), "t": (0.0, 0.0)}, ["mse"]),
    ("sqrt(sum(x*x))", {"x": (3.0, 4.0)}, ["norm"]),
]


@pytest.mark.parametrize(("text", "values", "expected"), FUSED, ids=[row[0] for row in FUSED])
def test_formulas_that_are_a_row_become_one_gate(text: str, values: dict[str, Any], expected: list[str]) -> None:
    """Fused, a graph has these gates, whatever order sums and products were written in."""
    assert ops(made(text, "fused", **values)) == expected


FINE = [
    ("sigmoid(x)", {"x": 1}, ["neg", "exp", "add", "div"]),
    ("sq(x)=x*x; sq(a)+1", {"a": 3}, ["mul", "add"]),
    ("sq(x)=x*x; four(x)=sq(sq(x)); four(a)", {"a": 3}, ["mul", "mul"]),
    ("same(x)=x; same(a)", {"a": 3}, ["identity"]),
    ("three(x)=3; three(a)*a", {"a": 2}, ["mul"]),
    ("mish(x)", {"x": 1}, ["exp", "add", "log", "tanh", "mul"]),
    ("leaky_relu(x, slope=0.5)", {"x": 1}, ["gt", "mul", "where"]),
    ("maxout(x,y)", {"x": 1, "y": 2}, ["max"]),
    ("x+y*exp(x)", {"x": 1, "y": 2}, ["exp", "mul", "add"]),
    ("sum(softmax(x)*y)", {"x": (1.0, 2.0), "y": (0.0, 1.0)}, ["exp", "sum", "div", "mul", "sum"]),
    ("mean(x)", {"x": (1.0, 2.0)}, ["sum", "div"]),
    ("mse(y,t)", {"y": (1.0, 2.0), "t": (0.0, 0.0)}, ["sub", "pow", "sum", "div"]),
    ("sum(affine(x,W,b))", {"x": (1.0, 2.0), "W": ((1.0,), (2.0,)), "b": (1.0,)}, ["matmul", "add", "sum"]),
    ("prod(x)", {"x": (1.0, 2.0)}, ["prod"]),  # NumPy multiplies all entries at once
]


@pytest.mark.parametrize(("text", "values", "expected"), FINE, ids=[row[0] for row in FINE])
def test_composite_gates_are_written_out(text: str, values: dict[str, Any], expected: list[str]) -> None:
    """Fine, a graph has primitives only, those of the user's definitions among them."""
    assert ops(made(text, "fine", **values)) == expected


def test_a_name_stays_on_the_node_that_has_the_value() -> None:
    """A label is on the last node of what its gate was written out to, and on the gate that its formula became."""
    fine = made("q = sigmoid(x); q*q", "fine", x=1)
    assert fine.node("q").op.name == "div"
    fused = made("q = 1/(1+exp(-x)); q*q", "fused", x=1)
    assert fused.node("q").op.name == "sigmoid"


def test_what_else_uses_a_part_keeps_it() -> None:
    """A node that a larger gate no longer needs stays on the tape if something else needs it."""
    graph = parse("1/(1+exp(-x)) + exp(-x)", share=True)
    assert ops(rewritten(graph, {"x": 1}, "fused").graph) == ["neg", "exp", "sigmoid", "add"]
    graph = parse("1/(1+exp(x)) + (1+exp(x))", share=True)  # no node is free to become -x
    assert ops(rewritten(graph, {"x": 1}, "fused").graph) == ["exp", "add", "div", "add"]


def test_the_text_is_told_of_whole_gates_only() -> None:
    """The last node of a gate that was written out is the call as the user wrote it; the others are formulas."""
    from gradcli import notation

    fine = made("2*sigmoid(w*x)", "fine", w=1, x=2)
    written = {node.name: notation.written(fine, node.index) for node in fine if node.parents}
    assert written["n1"] == "w*x"
    assert written["n3"] == "exp(-(w*x))"
    assert written["n5"] == "sigmoid(w*x)"
    assert written["f"] == "2*sigmoid(w*x)"


def test_a_constant_is_not_taken_for_a_variable_of_its_name() -> None:
    """π in a definition keeps its value when a variable is called pi."""
    graph = made("normal_pdf(x)*pi", "fine", x=0.5, pi=3)
    expected = 3 * math.exp(-0.125) / math.sqrt(2 * math.pi)
    assert graph.forward(x=0.5, pi=3).value == pytest.approx(expected, rel=1e-15)
    assert all(literal.text != "pi" for literal in graph.numbers.values())


# ── no result changes ───────────────────────────────────────────────────────────────────────────────────────

ALIKE = [
    "1/(1+exp(-x))",
    "y*log(1+exp(x*y))",
    "x*sigmoid(x) + mish(y)",
    "(exp(x)-exp(-x))/(exp(x)+exp(-x))*y",
    "max(0,x)*max(y,0)",
    "sqrt(x^2+y^2)",
    "min(max(x,y),1)",
    "-(x*log(1/(1+exp(-y)))+(1-x)*log(1-1/(1+exp(-y))))",
    "gelu(x)+selu(y)+elu(x,alpha=0.5)",
    "hinge(x,y)+max(0,1-x*y)",
    "s(u,v)=u/(1+exp(-u))*v; s(x,y)+s(y,x)",
    "q = exp(x); log(q+exp(y))+q/(1+q)",
    "x*tanh(log(1+exp(x)))+y*(y>0)",
]

away = st.integers(-600, 600).map(lambda n: n / 100 + 0.00123)  # off every kink of these


@pytest.mark.parametrize("text", ALIKE)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(x=away, y=away)
def test_all_sizes_give_the_same_value_and_gradients(text: str, x: float, y: float) -> None:
    """Off the kinks the three sizes agree to rounding, in the value and in every gradient."""
    graph = parse(text)
    values = {name: number for name, number in (("x", x), ("y", y)) if name in graph.inputs}
    expected = graph.forward(values).backward()
    for size in SIZES:
        found = rewritten(graph, values, size).graph.forward(values).backward()
        assert found.trace.value == pytest.approx(expected.trace.value, rel=1e-9, abs=1e-13)
        assert dict(found) == pytest.approx(dict(expected), rel=1e-9, abs=1e-13)


COMPOSITE = [op for op in TABLE.values() if composite(op) and op.samples]


@pytest.mark.parametrize("op", COMPOSITE, ids=lambda op: op.name)
def test_every_composite_row_is_its_definition(op: Any) -> None:
    """For some sample a row's definition, written out, has the row's value and gradients, tensors too."""
    import numpy as np

    agreed = []
    for sample in op.samples:
        x = [np.array(value, dtype=float) if isinstance(value, list) else float(value) for value in sample]
        side = defined(op, [getattr(value, "shape", ()) for value in x])
        agreed.append(
            side is None or not agreement(single(op, len(x)), side, x, [True] * len(x), mends=False).difference
        )
    assert any(agreed)


def test_every_formula_of_the_list_is_its_row() -> None:
    """At a point off the kinks, each formula that is fused has its row's value and gradients."""
    for pattern in shelf().patterns:
        if any(op.structural for op in pattern.graph.kinds):
            continue  # shapes decide; the rows above show them
        names = [node.name for node in pattern.graph if not node.parents and node.index in pattern.inputs]
        side = single(pattern.op, len(pattern.inputs), helper=pattern.helper)
        for start in (0.3, 1.3):  # inside of atanh's domain, and of acosh's
            x = [start + 0.25 * k for k in range(len(names))]
            place = dict(zip(pattern.inputs, x, strict=True))
            before = pattern.graph.forward({name: place[i] for name, i in pattern.graph.inputs.items()}).backward()
            if math.isfinite(before.trace.value):
                break
        after = side.at(x)
        assert after.trace.value == pytest.approx(before.trace.value, rel=1e-9), pattern.op.name
        for p, q in zip(pattern.inputs, side.inputs, strict=True):
            assert (after.adjoints[q] or 0) == pytest.approx(before.adjoints[p] or 0, rel=1e-8, abs=1e-12)


def test_every_row_of_the_list_is_known() -> None:
    """No formula is listed twice, and each is a single op of its own unknowns."""
    assert len(dict(ROWS)) == len(ROWS)
    assert all(pattern.inputs for pattern in known())


# ── where they would differ ─────────────────────────────────────────────────────────────────────────────────


def test_the_fused_sigmoid_is_finite_at_minus_1000() -> None:
    """As written, 1/(1+exp(1000)) has the gradient 0·inf; the sigmoid's is 0 in doubles."""
    values = {"x": -1000.0}
    graph = parse("1/(1+exp(-x))")
    assert math.isnan(graph.forward(values).backward()["x"])
    fused = rewritten(graph, values, "fused")
    assert (fused.graph.forward(values).value, fused.graph.forward(values).backward()["x"]) == (0.0, 0.0)
    assert "1/(1+exp(-x)) → sigmoid(x), finite where the formula as written is not" in fused.notes[0]


MENDED = [
    ("log(1+exp(x))", {"x": 1000}, 1000.0, {"x": 1.0}),
    ("1/(1+exp(-w*x))", {"w": 2, "x": -1000}, 0.0, {"w": 0.0, "x": 0.0}),
    ("log(1/(1+exp(-x)))", {"x": -1000}, -1000.0, {"x": 1.0}),
    ("(exp(x)-exp(-x))/(exp(x)+exp(-x))", {"x": -1000}, -1.0, {"x": 0.0}),
    ("log(exp(x)+exp(y))", {"x": 1000, "y": 1000}, 1000 + math.log(2), {"x": 0.5, "y": 0.5}),
    ("sig(u)=1/(1+exp(-u)); 2*sig(x)", {"x": -1000}, 0.0, {"x": 0.0}),
    ("-sum([0,1]*log(exp(a)/sum(exp(a))))", {"a": (1000.0, 0.0)}, 1000.0, {"a": [1.0, -1.0]}),
    ("sum(1/(1+exp(-x)))", {"x": (0.0, -1000.0)}, 0.5, {"x": [0.25, 0.0]}),
]


@pytest.mark.parametrize(("text", "values", "value", "gradients"), MENDED, ids=[row[0] for row in MENDED])
def test_larger_gates_are_finite_where_formulas_overflow(
    text: str, values: dict[str, Any], value: float, gradients: dict[str, Any]
) -> None:
    """Fused, a formula that overflows has its true value and gradients, and it is said."""
    result = rewritten(parse(text, given=values), values, "fused")
    found = result.graph.forward(values).backward()
    assert found.trace.value == pytest.approx(value, rel=1e-15)
    for name, gradient in gradients.items():
        assert found[name] == pytest.approx(gradient, rel=1e-15)
    assert "finite where the formula as written is not" in result.notes[0]


KEPT = [
    ("max(0,x)", {"x": 0}, "fused", "max(0,x) at x = 0 stays as written: its gradient there is 0.5, that of relu(x)"),
    ("max(0,x)", {"x": 0}, "fused", "would be 0 (relu'(0) is 0, as PyTorch)"),
    ("sum(max(0,x))", {"x": (1.0, 0.0)}, "fused", "max(0,x) where x = 0 stays as written: its gradient there is 0.5"),
    ("max(0,x)+max(0,y)", {"x": 0, "y": 0}, "fused", "max(0,x) at x = 0 stays as written, and 1 more like it"),
    ("sqrt(x^2+y^2)", {"x": 0, "y": 0}, "fused", "its gradient for x there is nan, that of hypot(x,y) would be 0"),
    ("sqrt(sum(x^2))", {"x": (0.0, 0.0)}, "fused", "the gradient of norm(x) would differ (norm'(0) is 0"),
    ("min(max(x,-1),1)", {"x": 1}, "fused", "min(max(x,-1),1) at x = 1 stays as written: its gradient there is 0.5"),
    ("x^(1/3)", {"x": -8}, "fused", "its value there is nan, that of cbrt(x) would be -2"),
    ("-(t*log(y))", {"t": 0, "y": 0}, "fused", "nothing to fuse"),
    ("e = exp(-x); 1/(1+e)", {"x": 1}, "fused", "1/(1+e) stays as written, not sigmoid(x): e has a name"),
    ("sigmoid(x)", {"x": -1000}, "fine", "sigmoid(x) at x = -1000 stays one gate: its gradient there is 0, that of"),
    (
        "softplus(x)",
        {"x": -300},
        "fine",
        "is 5.148200222412013e-131, that of its definition would be 0",
    ),
    ("clip(x,0,1)", {"x": 0}, "fine", "clip(x,0,1) at x = 0 stays one gate: its gradient for x there is 0"),
    ("sum(softmax(x)*x)", {"x": (1000.0, 0.0)}, "fine", "softmax(x) stays one gate"),
    ("step(log(1+exp(x)))", {"x": -40}, "fused", "with gates fused, the value would be 1, not 0"),
    ("log(1-step(x))", {"x": 1}, "fine", "with gates fine, ∂f/∂x would be 0, not nan"),
]


@pytest.mark.parametrize(("text", "values", "size", "said"), KEPT, ids=[f"{row[2]} {row[0]}" for row in KEPT])
def test_where_results_would_change_no_rewrite_is_made(text: str, values: Any, size: str, said: str) -> None:
    """Where conventions or rounding differ at the very point the graph stays as it is, and a note says why."""
    graph = parse(text, given=values)
    result = rewritten(graph, values, size)
    assert ops(result.graph) == ops(graph)
    assert said in "\n".join(result.notes)


def test_what_overflows_is_fused_only_if_it_is_the_same_function() -> None:
    """exp(x)/sum(exp(x)) of a matrix is no softmax of its rows, whether it overflows or not."""
    graph = parse("sum((exp(x)/sum(exp(x)))[0])")
    for first in (1.0, 1000.0):
        values = {"x": [[first, 0.0], [2.0, 3.0]]}
        assert "softmax" not in ops(rewritten(graph, values, "fused").graph)
    values = {"x": [[1000.0, 0.0]]}
    assert "softmax" in ops(rewritten(graph, values, "fused").graph)


def test_a_rewrite_goes_by_each_occurrence() -> None:
    """One max(0,u) is at its kink and stays; the other becomes a relu."""
    graph = made("max(0,x)+max(y,0)", "fused", x=0, y=2)
    assert ops(graph) == ["max", "relu", "add"]
    assert dict(graph.forward(x=0, y=2).backward()) == {"x": 0.5, "y": 1.0}


def test_an_input_without_a_gradient_does_not_decide() -> None:
    """max(0,c) of a number c at the kink has no gradient that could differ."""
    assert ops(made("max(0,0*2)+x", "fused", x=1)) == ["mul", "relu", "add"]


# ── what is said, and what it costs ─────────────────────────────────────────────────────────────────────────


def test_gate_sizes_are_counted() -> None:
    """Nodes without constants, and how many of their values backward reads, in all three sizes.

    1/(1+exp(-x)): x and four ops; backward reads exp's output and 1/n's input. The sigmoid reads its output alone.
    """
    counts = rewritten(parse("1/(1+exp(-x))"), {"x": 1}, "fused").counts
    assert {size: tuple(count) for size, count in counts.items()} == {
        "fine": (5, 2),
        "as-written": (5, 2),
        "fused": (2, 1),
    }
    said = "nodes, and values kept for backward, by gate size: fine 5 and 2, as-written 5 and 2, fused 2 and 1"
    assert f"{said}: larger gates keep fewer" in notes("1/(1+exp(-x))", "fused", x=1)
    assert "by gate size" not in notes("x*y", "fine", x=1, y=2)


SAID = [
    ("1/(1+exp(-(w*x+b)))", "fused", "fused: 1/(1+exp(-n2)) → sigmoid(n2)"),
    ("exp(w*x)/(1+exp(w*x))*b", "fused", "fused: exp(n1)/(1+exp(n1)) → sigmoid(n1)"),
    ("max(0,w)+max(0,x)+max(0,b)", "fused", "fused: max(0,w) → relu(w), and 2 more like it"),
    ("log(1/(1+exp(-x)))*w*b", "fused", "fused: log(1/(1+exp(-x))) → logsigmoid(x)"),
    ("1/(1+exp(-w*x))*b", "fused", "fused: 1/(1+exp(-w*x)) → sigmoid(w*x)"),
    ("1/(1+exp(w*x))*b", "fused", "fused: 1/(1+exp(n1)) → sigmoid(-n1)"),
    ("w*x+b", "fused", "nothing to fuse: no formula here is a larger gate"),
    ("w*x+b", "fine", "nothing to write out: every gate is a primitive"),
    ("mish(w*x)+b", "fine", "written out: mish(n1) → n1*tanh(log(1+exp(n1)))"),
    ("g(u)=u*u; g(w)+g(x)+g(b)", "fine", "written out: g(w) → w*w, and 2 more like it"),
]


@pytest.mark.parametrize(("text", "size", "said"), SAID, ids=[f"{row[1]} {row[0]}" for row in SAID])
def test_what_was_done_is_said(text: str, size: str, said: str) -> None:
    """A note for each row that something became, or was, in the names of the table."""
    assert said in notes(text, size, w=2.0, x=1.0, b=3.0).splitlines()


def test_a_gain_in_digits_is_said() -> None:
    """tanh at 1e-8 has the digits that (e^x-e^-x)/(e^x+e^-x) loses."""
    said = notes("(exp(x)-exp(-x))/(exp(x)+exp(-x))", "fused", x=1e-8)
    assert "→ tanh(x), with digits that the formula as written loses here" in said


def test_the_notes_of_the_graph_stay() -> None:
    """An unused assignment is noted beside what was fused."""
    graph = parse("unused = x*2; 1/(1+exp(-x))")
    result = rewritten(graph, {"x": 1.0}, "fused")
    assert result.graph.notes == (*graph.notes, *result.notes)
    assert len(graph.notes) == 1
    assert result.graph.node("unused").op.name == "mul"


# ── size ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES)
def test_large_and_deep_graphs_take_one_pass(size: str) -> None:
    """Beyond 20,000 nodes nothing recurses, and only this size and the one as written are counted."""
    deep = parse("-" * COMPARED + "(1/(1+exp(-x)) + sigmoid(x))")
    result = rewritten(deep, {"x": 1.0}, size)
    assert set(result.counts) == {"as-written", size}
    change = {"fine": 3, "as-written": 0, "fused": -3}  # three ops more, three fewer; 1 and x stay where used
    assert len(result.graph.shown) == len(deep.shown) + change[size]


def test_expansion_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would have more nodes than a graph may have is an error, before memory runs out."""
    monkeypatch.setattr("gradcli.graph.LIMIT", 100)
    text = "+".join(f"mish(x{i})" for i in range(20))
    with pytest.raises(LimitError, match="more than 100 nodes"):
        rewritten(parse(text), {f"x{i}": 1.0 for i in range(20)}, "fine")


def test_a_missing_value_is_told_as_always() -> None:
    """Rewriting needs the values, and asks for them in the engine's words."""
    with pytest.raises(UsageError, match="no value for x"):
        rewritten(parse("1/(1+exp(-x))"), {}, "fused")


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_fuses_and_proves(capsys: pytest.CaptureFixture[str]) -> None:
    """The fused sigmoid at −1000: exit 0, finite, both verdicts passed."""
    status = run(["eval", "1/(1+exp(-x))", "--x=-1000", "--gates", "fused", "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (report["value"], report["grad"]) == (0.0, {"x": 0.0})
    assert report["verification"]["status"] == "passed"
    assert report["verification"]["proof"]["status"] == "passed"
    assert [node["op"] for node in report["nodes"]] == ["input", "sigmoid"]
    assert any("→ sigmoid(x)" in note for note in report["notes"])


def test_the_command_keeps_one_half_at_the_kink(capsys: pytest.CaptureFixture[str]) -> None:
    """max(0,x) at 0 under `fused`: ½ as written, with a note."""
    status = run(["eval", "max(0,x)", "--x=0", "--gates=fused", "--no-verify", "--format", "plain"])
    done = capsys.readouterr()
    assert status == 0
    assert "grad.x\t0.5" in done.out
    assert "note: max(0,x) at x = 0 stays as written" in done.err


def test_the_command_writes_definitions_out(capsys: pytest.CaptureFixture[str]) -> None:
    """`--gates fine` shows what is inside of a gate of the user's."""
    assert run(["eval", "sq(x)=x*x; sq(a)+1", "--a=3", "--gates=fine", "--get", "grad.n1", "--no-verify"]) == 0
    assert capsys.readouterr().out == "1\n"
    assert run(["eval", "sq(x)=x*x; sq(a)+1", "--a=3", "--gates=fine", "--get", "local.n1.a", "--no-verify"]) == 0
    assert capsys.readouterr().out == "3\n"


def test_an_unknown_gate_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """--gates takes three words."""
    assert run(["eval", "x", "--x=1", "--gates", "huge"]) == 2
    assert "as-written" in capsys.readouterr().err


def test_the_default_loads_no_rewrites() -> None:
    """As written costs nothing: the package is not even imported."""
    import subprocess
    import sys

    script = (
        "import sys\n"
        "from gradcli.cli import run\n"
        "assert run(['eval', 'x*x', '--x=3', '--no-verify', '--format', 'plain']) == 0\n"
        "print([name for name in sys.modules if 'rewrites' in name])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
