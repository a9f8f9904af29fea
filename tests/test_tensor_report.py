"""What is said of vectors and matrices: rows, rules, cells, remarks and machine formats."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import gradcli
from gradcli import UnknownCell, UsageError, value_and_grad
from gradcli.autodiff import Gradients
from gradcli.cells import list_cells, resolve
from gradcli.errors import LimitError, NotScalarError
from gradcli.notation import parsed, pulled
from gradcli.ops import TABLE
from gradcli.paths import paths
from gradcli.places import largest, listed, norm
from gradcli.render import FORMATS, render
from gradcli.render.figures import Style
from gradcli.report import Report, build
from gradcli.syntax import parse
from gradcli.systems.arrays import ARRAYS
from gradcli.systems.reading import OUTPUT, READS

W, X = [[0.1, 0.5], [-0.3, 0.8]], [0.2, 0.4]


def at(text: str, upstream: Any = None, **values: Any) -> Gradients:
    """The gradients of an expression at a point."""
    return parse(text, given=values).forward(values).backward(upstream)


def of(text: str, upstream: Any = None, **values: Any) -> Report:
    """The report of an expression at a point."""
    return build(at(text, upstream, **values))


SQUARES = of("sum((W@x)^2)", W=W, x=X)

SHAPES = {
    "matrix times vector": SQUARES,
    "broadcast": of("q = x*W; sum(tanh(q+b))", W=W, x=X, b=0.5),
    "branches": of("sum(where(x>0,log(x),x^2))", x=[1.0, -2.0, 3.0]),
    "large": of("sum(softmax(A)@B)", A=np.linspace(-1, 1, 48).reshape(6, 8), B=np.linspace(0, 1, 24).reshape(8, 3)),
    "a list of variables": of("v = [x,y,2]; v@v+v[0]", x=1.0, y=3.0),
    "upstream": of("W@x", [1.0, -2.0], W=W, x=X),
    "a gate": of("f(a,b) = sum(a*b); f(x,x)+x[0]", x=[1.0, 2.0]),
    "a loss": of("mse(x,t)", x=[1.0, 2.0], t=[0.0, 4.0]),
}
every = pytest.mark.parametrize("report", SHAPES.values(), ids=SHAPES.keys())


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_lectures_matrix_example() -> None:
    """CS231n, lecture 4: ∂f/∂W = 2q·xᵀ and ∂f/∂x = 2Wᵀ·q, with f = 0.116."""
    assert SQUARES.value == pytest.approx(0.116, rel=1e-15)
    assert SQUARES.gradients["W"] == pytest.approx(np.array([[0.088, 0.176], [0.104, 0.208]]), rel=1e-14)
    assert SQUARES.gradients["x"] == pytest.approx(np.array([-0.112, 0.636]), rel=1e-14)


def test_rows_know_their_shapes_kinds_and_rules() -> None:
    """An op entry by entry has the diagonal, one on whole tensors its Jacobian and its rule."""
    rows = {(row.parent_name, row.child_name): row for row in SQUARES.edge_rows()}
    product, square = rows["W", "n1"], rows["n1", "n2"]
    assert (product.kind, product.rule, product.parent_shape, product.child_shape) == (
        "jacobian",
        "g@x.T",
        (2, 2),
        (2,),
    )
    assert np.shape(product.local) == (2, 2, 2)
    assert product.memory == 8 * 2 * 4
    assert (square.kind, square.rule, square.memory) == ("diagonal", "2*n1", 8 * 2 * 2)
    assert square.local == pytest.approx(np.array([0.44, 0.52]))
    assert rows["x", "n1"].rule == "W.T@g"
    assert [row.shape for row in SQUARES.node_rows(SQUARES.order)] == [(2, 2), (2,), (2,), (2,), ()]


def test_a_large_jacobian_is_not_worked_out() -> None:
    """The lecture's point: 4096 numbers in and out would take 4096 × 4096 doubles, 134 MB."""
    report = of("sum(softmax(relu(x)))", x=np.linspace(-1, 1, 4096))
    relu, softmax, _ = report.edge_rows()
    assert (relu.kind, np.shape(relu.local), relu.memory) == ("diagonal", (4096,), 8 * 4096**2)
    assert (softmax.kind, softmax.local, softmax.memory) == ("rule", None, 134_217_728)
    assert softmax.rule == "n2*(g-sum(n2*g))"


def test_numbers_among_tensors_are_numbers() -> None:
    """An edge between two scalars has a number, whatever else is in the graph."""
    report = of("sum(x)*y", x=[1.0, 2.0], y=5.0)
    row = next(row for row in report.edge_rows() if row.parent_name == "y")
    assert (row.kind, row.local, row.rule, row.downstream) == ("number", 3.0, "n1", 3.0)


@every
def test_what_edges_pass_down_adds_up_to_the_gradient(report: Report) -> None:
    """Every node's gradient is the sum of the downstream gradients of the edges that leave it, in its shape."""
    for node in report.node_rows(report.order):
        if node.edges:
            total = sum(np.broadcast_to(edge.downstream, node.shape) for edge in node.edges)
            assert total == pytest.approx(node.gradient, rel=1e-13)


@every
def test_local_gradients_are_what_takes_upstream_down(report: Report) -> None:
    """A Jacobian is contracted with the upstream gradient; a diagonal multiplied, and summed where it was broadcast."""
    for row in report.edge_rows():
        if row.kind == "jacobian":
            rank = len(row.child_shape)
            down = np.tensordot(np.asarray(row.upstream), np.asarray(row.local), rank)
        elif row.kind == "diagonal":
            down = np.asarray(row.local * row.upstream)
            down = down.sum(axis=tuple(range(down.ndim - len(row.parent_shape))))
        else:
            continue
        assert down == pytest.approx(np.asarray(row.downstream), rel=1e-12)


RULES = [
    ("sum(softmax(x,axis=0)*c)", {"x": W, "c": W}, "x", "n1*(g-sum(n1*g,axis=0))"),
    ("sum(x.T@c)", {"x": W, "c": W}, "x", "g.T"),
    ("sum(g@x)", {"g": W, "x": X}, "g", "(∂f/∂n1)@x.T"),
    ("sum(g@x)", {"g": W, "x": X}, "x", "g.T@(∂f/∂n1)"),
    ("sum([[1,2],[3,4]]@x)", {"x": X}, "x", "[[1,2],[3,4]].T@g"),
    ("sum((W@x)@y)", {"W": W, "x": X, "y": X}, "y", "g*n1"),
    ("sum(softmax(x))", {"x": W}, "x", "n1*(g-sum(n1*g,axis=-1))"),
    ("sum(x@A)", {"x": X, "A": W}, "A", "x.T@g"),
    ("sum(affine(x,A,b))", {"x": W, "A": W, "b": X}, "b", "g, summed over the batch"),
    ("sum(affine(x,A,b))", {"x": X, "A": W, "b": X}, "b", "g"),
    ("softmax_cross_entropy(a,t)", {"a": X, "t": [0.0, 1.0]}, "a", "g*(softmax(a)-t)"),
    ("softmax_cross_entropy(a,t)", {"a": W, "t": [0.0, 1.0]}, "a", "g*(softmax(a)-t)/2"),
    ("softmax_cross_entropy(a,t)", {"a": [0.1, 0.2, 0.3], "t": [0.1, 0.2, 0.7]}, "a", "g*(softmax(a)-t)"),
    ("softmax_cross_entropy(a,t)", {"a": X, "t": [1.0, 2.0]}, "a", "g*(sum(t)*softmax(a)-t)"),
    (
        "softmax_cross_entropy(a,t)",
        {"a": W, "t": [[0.0, 1.0], [1.0, 2.0]]},
        "a",
        "g*(sum(t,axis=-1,keepdims=1)*softmax(a)-t)/2",
    ),
    ("mean(x)", {"x": X}, "x", "g/2"),
    ("mean(x)*n", {"x": X, "n": 2}, "x", "g/2"),
    ("mse(x,t)", {"x": X, "t": X}, "x", "2*(x-t)*g/2"),
    ("max(x)", {"x": X}, "x", "g*(x==f)"),
    ("sum(reshape(x,1,2)@reshape(x,2))", {"x": X}, "n1", "g@n2.T"),
    ("max(x)", {"x": [1.0, 3.0, 3.0]}, "x", "g*(x==f)/sum(x==f)"),
    ("sum(max(x,axis=1))", {"x": W}, "x", "g*(x==n1)"),
    (
        "sum(min(x,axis=1))",
        {"x": [[1.0, 1.0], [2.0, 3.0]]},
        "x",
        "reshape(g,2,1)*(x==reshape(n1,2,1))/sum(x==reshape(n1,2,1),axis=1,keepdims=1)",
    ),
    ("trace(x)", {"x": W}, "x", "g on the diagonal"),
    ("sum([1,2]*x)", {"x": X}, "x", "[1,2]"),
]


@pytest.mark.parametrize(("text", "values", "name", "rule"), RULES)
def test_rules_are_written_in_node_names(text: str, values: dict[str, Any], name: str, rule: str) -> None:
    """The upstream gradient is g, unless a node is called so; attributes stand where they matter."""
    assert next(row.rule for row in of(text, **values).edge_rows() if row.parent_name == name) == rule


BATCHES = {
    "A": np.arange(24.0).reshape(2, 3, 4) / 7 - 1,
    "B": np.arange(24.0).reshape(2, 4, 3) / 5 - 2,
    "M": np.array([[0.5, -1.0, 2.0], [1.5, 0.25, 3.0]]),
    "N": np.array([[2.0, 1.0], [0.5, -2.0], [1.0, 4.0], [0.1, 0.2]]),
    "v": np.array([0.3, -0.7, 1.1]),
    "w": np.array([2.0, -3.0]),
    "p": np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]]),
    "i": np.array([2.0, 0.0]),
    "tied": np.array([[1.0, 3.0, 3.0], [2.0, 2.0, -1.0]]),
    "s": 2.0,
}
TYPED = [
    *("M@v", "w@M", "v@v", "M.T@M", "A@N", "A@B", "A@N[:,0]", "A.T", "transpose(A,1,2,0)", "reshape(M,3,2)"),
    *("reshape(M,-1)", "sum(M)", "sum(M,axis=0)", "sum(M,axis=1)", "sum(M,axis=1,keepdims=1)", "sum(A,axis=[0,2])"),
    *("mean(M)", "mean(M,axis=1)", "max(tied)", "max(tied,axis=1)", "min(tied,axis=0)", "norm(M)", "norm(M,axis=1)"),
    *("softmax(v)", "softmax(M)", "softmax(M,axis=0)", "log_softmax(v)", "log_softmax(M)", "log_softmax(M,axis=0)"),
    *("logsumexp(v)", "logsumexp(M)", "logsumexp(M,axis=0)", "dot(v,v)", "outer(w,v)", "[v,2*v,-v]", "[s,1,s]"),
    *("concat(w,v)", "concat(M,p,axis=1)", "concat(M,p)", "affine(w,M,v)", "affine(N,M,v)", "affine(N,M,s)"),
    *("affine(A,N,w)", "affine(N,M,M[0:1])", "affine(M,[[1],[2],[3]],[s])", "softmax_cross_entropy(M,p)"),
    *("softmax_cross_entropy(M,i)", "softmax_cross_entropy(v,2)", "softmax_cross_entropy(M,M)"),
    *("softmax_cross_entropy(v,v)", "mse(M,p)", "huber(M,p)", "sum_squared_error(v,v)"),
]


@pytest.mark.parametrize("text", TYPED)
def test_rules_of_machine_formats_can_be_run(text: str) -> None:
    """Pasted as an expression, with g for the upstream gradient, a rule gives what its edge passes down, once that is
    broadcast to the input's shape; for vectors, batches and axes of all kinds."""
    used = {name: value for name, value in BATCHES.items() if name in parse(text).inputs}
    trace = parse(text, given=used).forward(used)
    upstream = np.random.default_rng(5).normal(size=np.shape(trace.value)) if np.shape(trace.value) else None
    document = json.loads(render(build(trace.backward(upstream)), "json", Style()))
    values = {node["name"]: np.array(node["value"]) for node in document["nodes"] if node["op"] != "constant"}
    checked = 0
    for node in document["nodes"]:
        for rule, down, kind in zip(node["rule"], node["downstream"], node.get("local_kind", ()), strict=True):
            if kind not in ("jacobian", "rule") or down is None or node["op"] == "index":
                continue
            names = {**values, "g": np.array(node["grad"])}
            graph = parse(rule)
            found = graph.forward({name: names[name] for name in graph.inputs}).value
            assert np.broadcast_to(found, np.shape(down)) == pytest.approx(np.array(down), rel=1e-12, abs=1e-15)
            checked += 1
    assert checked


def test_a_rule_that_cannot_be_run_is_in_words() -> None:
    """What places entries, or compares with a hundred classes, reads as a sentence."""
    report = of("x[0]*2+softmax_cross_entropy(x,t)", x=np.linspace(0, 1, 100), t=3.0)
    rules = [rule for node in json.loads(render(report, "json", Style()))["nodes"] for rule in node["rule"]]
    assert "g at the entries chosen, else 0" in rules
    assert "g*(softmax(x) - one-hot rows of t)" in rules


def test_roles_are_true_of_the_labels() -> None:
    """y - t where rows of labels sum to 1; elsewhere the softmax counts as often as the labels sum to."""
    said = "softmax_cross_entropy hands the scores "
    assert of("softmax_cross_entropy(a,t)", a=X, t=[0.0, 1.0]).roles == (f"{said}y - t: their softmax less the labels",)
    general = f"{said}sum(t)*y - t, as rows of these labels do not sum to 1"
    assert of("softmax_cross_entropy(a,t)", a=X, t=[1.0, 2.0]).roles == (general,)
    assert of("max(x)", x=X).roles == ("max routes its upstream to the largest entry",)
    assert of("max(x)", x=[2.0, 2.0]).roles == ("max shares its upstream out evenly among the largest entries",)
    assert general in render(of("softmax_cross_entropy(a,t)", a=X, t=[1.0, 2.0]), "table", Style())


WRITTEN = [
    ("sum(reshape(x,2,1))", {"x": X}, "n1 = reshape(x,2,1)"),
    ("sum(reshape(x,-1))", {"x": W}, "n1 = reshape(x)"),
    ("sum(transpose(A,1,0))", {"A": W}, "n1 = transpose(A,1,0)"),
    ("sum(A.T)", {"A": W}, "n1 = A.T"),
    ("sum(sum(A,axis=[0,1]))", {"A": W}, "n1 = sum(A,axis=[0,1])"),
]


@pytest.mark.parametrize(("text", "values", "formula"), WRITTEN)
def test_formulas_are_written_as_they_are_typed(text: str, values: dict[str, Any], formula: str) -> None:
    """Lengths follow the tensor that is laid out in them; what is written reads back as the same op."""
    report = of(text, **values)
    row = report.node_row(report.graph.position("n1"))
    assert f"{row.name} = {row.formula}" == formula
    again = parse(row.formula, given=values)
    assert again.ops[again.output] is report.graph.ops[row.index]


def test_a_long_list_is_shortened_in_a_rule() -> None:
    """A constant of a hundred entries does not fill the screen."""
    numbers = ",".join(map(str, range(100)))
    report = of(f"sum([{numbers}]*x)", x=2.0)
    row = next(report.edge_rows())
    assert row.rule.startswith("[0,1,2,")
    assert row.rule.endswith(",…]")
    assert len(row.rule) < 50
    assert len(report.node_row(report.graph.position("n1")).formula) < 60


# ── cells ───────────────────────────────────────────────────────────────────────────────────────────────────

CELLS = [
    ("dW", "grad.W", "[[0.08800000000000001,0.17600000000000002],[0.10400000000000004,0.20800000000000007]]"),
    ("dW[0,1]", "grad.W[0,1]", "0.17600000000000002"),
    ("grad.W[-1,-1]", "grad.W[1,1]", "0.20800000000000007"),
    ("W[0]", "grad.W[0]", "[0.08800000000000001,0.17600000000000002]"),
    ("grad_W[0:1]", "grad.W[0:1]", "[[0.08800000000000001,0.17600000000000002]]"),
    ("∂f/∂x[ 1 ]", "grad.x[1]", "0.6360000000000001"),
    ("x[::-1]", "grad.x[::-1]", "[0.6360000000000001,-0.11200000000000003]"),
    ("value.n1[0]", "value.n1[0]", "0.22"),
    ("value.(W@x)[0]", "value.n1[0]", "0.22"),
    ("value.( (W @ x) )", "value.n1", "[0.22,0.26000000000000006]"),
    ("local.n1.x", "local.n1.x", "[[0.1,0.5],[-0.3,0.8]]"),
    ("local.n1.x[1,0]", "local.n1.x[1,0]", "-0.3"),
    ("local.n2.n1", "local.n2.n1", "[0.44,0.5200000000000001]"),
    ("down.f.n2[1]", "down.f.n2[1]", "1"),
    ("value", "value", "0.11600000000000003"),
]


@pytest.mark.parametrize(("address", "canonical", "text"), CELLS, ids=[row[0] for row in CELLS])
def test_entries_have_addresses(address: str, canonical: str, text: str) -> None:
    """A cell of a tensor is a nested list; its entries are addressed as in the language."""
    cell = resolve(address, SQUARES.source)
    assert (cell.address, listed(cell.value)) == (canonical, text)


NO_CELLS = [
    ("x[2]", "'x[2]': index 2 is outside (2,)", "0 to 1"),
    ("x[-3]", "'x[-3]': index -3 is outside (2,)", "0 to 1"),
    ("W[0,1,0]", "'W[0,1,0]': 3 indices for (2,2)", "2 axes"),
    ("x[1:1]", "'x[1:1]': this slice of (2,) is empty", "2 entries"),
    ("x[a]", "'[a]' names no entries", "counted from 0: x[0]"),
    ("W[]", "'[]' names no entries", "W[0]"),
    ("dW[0,]", "'[0,]' names no entries", "dW[0,1]"),
    ("x[::0]", "'[::0]' names no entries", "x[0]"),
    ("x[0.5]", "'[0.5]' names no entries", "x[0]"),
    ("value[0]", "'value[0]': value is a number", "write value"),
    ("grad.(W[0,1])", "'W[0,1]' is no node of the graph", "grad.W[0,1]"),
    ("n1[0]", "'n1' is a node: which cell of it?", "value.n1"),
    ("y[0]", "no cell 'y'", "cells are"),
]


@pytest.mark.parametrize(("address", "message", "hint"), NO_CELLS, ids=[row[0] for row in NO_CELLS])
def test_entries_that_there_are_not(address: str, message: str, hint: str) -> None:
    """An entry outside the tensor is refused with the shape, and with what there is."""
    with pytest.raises(UnknownCell) as caught:
        resolve(address, SQUARES.source)
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")


def test_a_node_as_written_may_be_an_entry() -> None:
    """`x[0]` in the text is a node of its own; the entry of the gradient of x sums all its uses."""
    gradients = at("x[0]*x[1]+x[0]", x=[2.0, 3.0])
    assert resolve("value.(x[1])", gradients).value == 3
    assert resolve("grad.(x[0])", gradients).value == 4
    assert resolve("x[0]", gradients).value == 4
    lists = at("sum([1,2]*x)+sum([x,y]@[3,4])", x=5.0, y=6.0)
    assert resolve("value.([1,2]*x)[1]", lists).value == 10
    assert resolve("grad.([x,y])[0]", lists).value == 3


def test_a_large_jacobian_may_be_asked_for() -> None:
    """`--get local…` works out a Jacobian that is not shown otherwise, up to a bound that it names."""
    gradients = at("sum(softmax(x))", x=np.linspace(0, 1, 100))
    assert not [cell for cell in list_cells(gradients) if cell.address == "local.n1.x"]
    jacobian = resolve("local.n1.x", gradients).value
    y = gradients.trace["n1"]
    assert jacobian == pytest.approx(np.diag(y) - np.outer(y, y), abs=1e-16)
    with pytest.raises(LimitError) as caught:
        resolve("local.n1.x", at("sum(softmax(x))", x=np.zeros(3000)))
    assert caught.value.hint == "down.n1.x is what it passes down: n1*(g-sum(n1*g))"


@every
def test_every_cell_of_a_tensor_resolves_to_itself(report: Report) -> None:
    """The address that a listing gives is the address that --get takes."""
    for cell in list_cells(report.source):
        found = resolve(cell.address, report.source)
        assert found.address == cell.address
        assert np.array_equal(found.value, cell.value, equal_nan=True)


# ── machine formats ─────────────────────────────────────────────────────────────────────────────────────────

VALIDATOR = Draft202012Validator(
    json.loads((Path(gradcli.__file__).parent / "schemas" / "eval-1.schema.json").read_text("utf-8"))
)


@every
def test_plain_has_a_line_an_entry(report: Report) -> None:
    """`cell TAB number`, every entry by its address, so that awk can read it; each is the engine's number."""
    cells = {cell.address: cell for cell in list_cells(report.source)}
    seen = 0
    for line in render(report, "plain", Style()).splitlines():
        address, number = line.split("\t")
        whole, _, key = address.partition("[")
        value = cells[whole].value
        entry = value[tuple(map(int, key.removesuffix("]").split(",")))] if key else value
        assert float(number) == pytest.approx(entry, rel=0, abs=0, nan_ok=True)
        seen += 1
    assert seen == sum(np.size(cell.value) for cell in cells.values())


@every
def test_json_follows_its_schema(report: Report) -> None:
    """Nested lists of the engine's numbers, shapes, and what each local gradient is."""
    document = json.loads(render(report, "json", Style()))
    VALIDATOR.validate(document)
    assert np.array_equal(document["value"], report.value)
    assert np.array_equal(document["upstream"], report.source.upstream)
    for name, gradient in report.gradients.items():
        assert np.array_equal(document["grad"][name], gradient)
    for node in document["nodes"]:
        assert np.shape(node["value"]) == tuple(node["shape"])
        assert node["grad"] is None or np.shape(node["grad"]) == tuple(node["shape"])
        for parent, local, kind, down in zip(
            node["inputs"], node["local"], node["local_kind"], node["downstream"], strict=True
        ):
            above = tuple(document["nodes"][parent]["shape"])
            shapes = {"number": (), "diagonal": tuple(node["shape"]), "jacobian": (*node["shape"], *above), "rule": ()}
            if kind is not None:
                assert np.shape(local) == shapes[kind]
                assert np.shape(down) == above


def test_json_has_no_number_for_what_is_none() -> None:
    """Entries that are not finite are strings, inside nested lists too; the document stays strict."""
    text = render(of("sum(log(x))", x=[[1.0, -1.0], [0.0, float("inf")]]), "json", Style())
    document = json.loads(text, parse_constant=pytest.fail)
    VALIDATOR.validate(document)
    assert document["nodes"][1]["value"] == [[0.0, "NaN"], ["-Infinity", "Infinity"]]
    assert document["trouble"]["cause"] == "n1 = log(x) at x[0,1] = -1 is outside its domain x > 0"


def test_json_ranks_tensors_by_their_norms() -> None:
    """A number has its gradient in the ranking, a tensor the norm of its gradient."""
    report = of("sum(x)*y", x=[3.0, -1.0], y=-5.0)
    ranking = json.loads(render(report, "json", Style()))["ranking"]
    assert ranking == [{"name": "x", "norm": pytest.approx(50**0.5)}, {"name": "y", "grad": 2.0}]


def test_csv_has_nested_lists() -> None:
    """One line an edge as ever; a tensor is one cell, and its shape stands last."""
    lines = list(csv.DictReader(StringIO(render(SQUARES, "csv", Style()))))
    assert [line["node"] for line in lines] == ["W", "x", "n1", "n2", "f"]
    assert [line["shape"] for line in lines] == ["[2,2]", "[2]", "[2]", "[2]", "[]"]
    assert lines[0]["rule"] == "outer(g,x)"
    assert json.loads(lines[1]["local"]) == W
    assert json.loads(lines[0]["downstream"]) == json.loads(lines[0]["grad"]) == SQUARES.gradients["W"].tolist()
    assert "shape" not in render(of("x*y", x=2.0, y=3.0), "csv", Style())


def test_a_shell_gets_json() -> None:
    """A tensor is quoted, so that the shell's variable holds the JSON text of it."""
    script = render(SQUARES, "shell", Style()) + "\nprintf '%s' \"$grad_W\""
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert json.loads(done.stdout) == SQUARES.gradients["W"].tolist()


@pytest.mark.parametrize("form", FORMATS)
@every
def test_every_format_shows_tensors(report: Report, form: str) -> None:
    """No format fails on a tensor, whole or in pieces."""
    assert render(report, form, Style())


# ── remarks ─────────────────────────────────────────────────────────────────────────────────────────────────

TROUBLE = [
    ("sum(log(x))", {"x": [1, 2, -1]}, "n1 = log(x) at x[2] = -1 is outside its domain x > 0"),
    (
        "sum(exp(x))",
        {"x": [[1, 2], [1000, 2]]},
        "n1 = exp(x) at x[1,0] = 1000 overflows: larger than any double, so inf",
    ),
    ("sum(A/b)", {"A": W, "b": [1, 0]}, "n1 = A/b at A[0,1] = 0.5, b[1] = 0 is outside its domain b ≠ 0"),
    ("sum(sqrt(x))", {"x": [4, 0]}, "n1 = sqrt(x) at x[1] = 0 has the local gradient ∂n1/∂x = 1/(2·n1) = inf"),
    ("sum(x)", {"x": [1, float("nan")]}, "x[1] is nan"),
    ("sum(x)*2", {"x": [1e308, 1e308]}, "n1 = sum(x) overflows: larger than any double, so inf"),
    ("max(x,log(x))", {"x": -1}, "n1 = log(x) at x = -1 is outside its domain x > 0"),
    ("sum(relu(log(x)))", {"x": [2, -1]}, "n1 = log(x) at x[1] = -1 is outside its domain x > 0"),
    ("norm(x)+sqrt(sum(x))", {"x": [0, 0]}, "n3 = sqrt(n2) at n2 = 0 has the local gradient ∂n3/∂n2 = 1/(2·n3) = inf"),
    ("sum(where(x>0,log(x),0))", {"x": [1, -1]}, None),
    ("log(x)[0]+x[1]", {"x": [2, -1]}, None),
    ("sum(log(x)[1:])", {"x": [2, -1]}, "n1 = log(x) at x[1] = -1 is outside its domain x > 0"),
]


@pytest.mark.parametrize(("text", "values", "cause"), TROUBLE)
def test_the_first_entry_that_went_wrong_is_named(text: str, values: dict[str, Any], cause: str | None) -> None:
    """The entry, and what it was given; an entry that is not chosen does no harm."""
    report = of(text, **values)
    assert (report.trouble.cause if report.trouble else None) == cause
    assert report.defined == (cause is None)


def test_a_naive_sigmoid_of_a_vector_is_explained() -> None:
    """Cause, consequence and advice, with the entry that lost its gradient."""
    trouble = of("sum(1/(1+exp(-x)))", x=[1.0, -1000.0]).trouble
    assert trouble is not None
    assert "at n1[1] = 1000 overflows" in trouble.cause
    assert trouble.effect.endswith("at n1[1] backward computes inf × 0 = nan")
    assert trouble.advice.startswith("write sigmoid(x)")


NOTES = [
    ("sum(relu(x))", [1.0, 0.0, -1.0], "n1 = relu(x) at x[1] = 0: "),
    ("sum(relu(x))", [0.0, 0.0, -1.0], "n1 = relu(x) at x[0] = 0 and 1 more entry: "),
    ("sum(relu(x))", [0.0, 0.0, 0.0, 0.0], "n1 = relu(x) at x[0] = 0 and 3 more entries: "),
    ("sum(tanh(x))", [1.0, 20.0], "1-n1² has no digits left at x[1] = 20: ∂n1/∂x is computed as "),
]


@pytest.mark.parametrize(("text", "x", "start"), NOTES)
def test_notes_name_entries_sparingly(text: str, x: list[float], start: str) -> None:
    """The first entry, and how many more."""
    (note,) = of(text, x=x).notes
    assert note.startswith(start)


def test_a_kink_in_a_branch_not_taken_is_none() -> None:
    """relu at 0 is noted only where its entry counts."""
    assert of("sum(where(x>0,x,0*relu(y)))", x=[1.0, 2.0], y=[0.0, 0.0]).notes == ()


def test_ops_on_tensors_work_on_numbers_too() -> None:
    """A number has no axes, and is what the op makes of one entry."""
    report = of("sum(x)+prod(y)+mean(x)", x=3.0, y=5.0)
    assert report.notes == ()
    assert report.gradients == {"x": 2.0, "y": 1.0}
    assert all(row.kind == "number" for row in report.edge_rows())


NUDGES = [
    ("sum((W@x)^2)", {"W": W, "x": X}, "raise x[1] by 0.01 and f rises by about 0.0064"),
    ("sum(W)*y", {"W": W, "y": -7.0}, "raise W[0,0] by 0.01 and f falls by about 0.07"),
    ("sum(x)*y", {"x": [3.0, -1.0], "y": 0.5}, "raise y by 0.01 and f rises by about 0.02"),
    ("sum(abs(x))", {"x": [0.0, 0.0]}, None),
    ("W@x", {"W": W, "x": X}, None),
]


@pytest.mark.parametrize(("text", "values", "sentence"), NUDGES)
def test_raising_an_entry_is_tried_out(text: str, values: dict[str, Any], sentence: str | None) -> None:
    """The most influential entry of all, by forward passes both ways."""
    report = of(text, [1.0, 1.0] if text == "W@x" else None, **values)
    assert (report.nudge.sentence("f") if report.nudge else None) == sentence


def test_tensors_rank_by_the_norm_of_their_gradients() -> None:
    """‖∂f/∂W‖, the root of the sum of squares, without overflow."""
    assert dict(SQUARES.ranking) == pytest.approx({"x": (0.112**2 + 0.636**2) ** 0.5, "W": 0.09280**0.5})
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert norm(np.array([0.0, 0.0])) == 0
    assert np.isnan(norm(np.array([np.nan, 1.0])))
    assert largest(np.array([1.0, np.nan, -3.0])) == ((2,), -3.0)


KEPT = [
    ("sum((W@x)^2)", {"W": W, "x": X}, "W x n1"),
    ("sum(W@x)", {"W": W, "x": X}, "W x"),
    ("sum(x.T[0])", {"x": W}, ""),
    ("sum(softmax(x)*t)", {"x": X, "t": X}, "t n1"),
    ("sum(exp(x)+x)", {"x": X}, "n1"),
    ("mean(x)*y", {"x": X, "y": 2.0}, "y n1"),
    ("max(x)", {"x": X}, "x f"),
    ("x[0]*x[1]", {"x": X}, "n1 n2"),
    ("sum(reshape(x,2,1)^2)", {"x": X}, "n1"),
    ("mean(concat(x,x.T)[0:3])+sum([x,x],axis=0)[1]", {"x": X}, ""),
    ("svm_loss(x,0)", {"x": X}, "x"),
    ("sum(affine(x,A,b))", {"x": X, "A": W, "b": X}, "x A"),
    ("softmax_cross_entropy(x,t)", {"x": W, "t": [0.0, 1.0]}, "x t"),
]


@pytest.mark.parametrize(("text", "values", "expected"), KEPT)
def test_backward_keeps_what_whole_tensors_need(text: str, values: dict[str, Any], expected: str) -> None:
    """What a custom backward would save: a matmul its inputs, a softmax its output, a sum nothing."""
    report = of(text, **values)
    assert " ".join(report.graph.names[i] for i in report.kept) == expected


WHOLE = [op for op in TABLE.values() if op.structural and op.samples]


@pytest.mark.parametrize("op", WHOLE, ids=lambda op: op.name)
def test_what_a_rule_on_tensors_does_not_keep_it_does_not_need(op: Any) -> None:
    """Other entries in a value that is not kept change nothing that the op passes down: for every row."""
    random = np.random.default_rng(7)
    x = [np.array(value, dtype=float)[()] for value in op.samples[0]]
    y = ARRAYS.functions[op](*x)
    g = random.normal(size=np.shape(y))[()]
    for k in range(len(x)):
        rule = ARRAYS.pullbacks[op](k)
        if rule is None or pulled(op, k) is None:
            continue
        kept = READS[op, 0 if op.variadic else k]
        if rule(g, y, *x) is None:
            continue
        fresh = [value if i in kept or (op.variadic and kept) else value + random.normal() for i, value in enumerate(x)]
        other = y if OUTPUT in kept else y + random.normal()
        assert rule(g, other, *fresh) == pytest.approx(rule(g, y, *x), rel=1e-12)


@pytest.mark.parametrize("op", [op for op in WHOLE if not op.variadic], ids=lambda op: op.name)
def test_what_a_rule_on_tensors_keeps_it_needs(op: Any) -> None:
    """Other entries in a value that is kept change what is passed down, or the rule shown has it in its formula."""
    random = np.random.default_rng(11)
    x = [np.array(value, dtype=float)[()] for value in op.samples[0]]
    y = ARRAYS.functions[op](*x)
    g = random.normal(size=np.shape(y))[()]
    for k in range(len(x)):
        rule, shown = ARRAYS.pullbacks[op](k), pulled(op, k)
        for kept in READS[op, k]:
            if shown is not None and parsed(shown) is not None:
                continue
            moved = [(y if i == OUTPUT else x[i]) for i in (OUTPUT, *range(len(x)))]
            moved[kept + 1] = random.permutation(np.ravel(moved[kept + 1])).reshape(np.shape(moved[kept + 1]))[()] - 1
            assert not np.array_equal(rule(g, *moved), rule(g, y, *x), equal_nan=True)


def test_paths_through_tensors_are_refused() -> None:
    """A path's product is a number only where all its local gradients are; elsewhere the error says what to do."""
    with pytest.raises(UsageError, match=r"paths are products of numbers, and n1 is \(2,\)"):
        paths(SQUARES.source, "n1")
    found = paths(at("sum(x)*y+y", x=[1.0, 2.0], y=5.0), "y")
    assert [path.product for path in found.listed] == [3.0, 1.0]


# ── Python ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_arrays_in_arrays_out() -> None:
    """Gradients are float64 arrays of the variables' shapes, floats for numbers."""
    value, gradients = value_and_grad("sum(W@x)*s", W=np.array(W, dtype=np.float32), x=(1, 2), s=np.int64(2))
    assert isinstance(value, float)
    assert {name: type(gradient) for name, gradient in gradients.items()} == {
        "W": np.ndarray,
        "x": np.ndarray,
        "s": float,
    }
    assert gradients["W"].dtype == np.float64
    assert gradients["W"].tolist() == [[2, 4], [2, 4]]


@pytest.mark.parametrize("text", ["sum(x)+sum(y)", "sum(x+y)", "sum(x.T+y)", "sum(x@y)", "x[0,0]+y[1,1]", "mean(x*y)"])
def test_gradients_are_the_callers_own(text: str) -> None:
    """They can be written to, and share nothing with one another or with what was given."""
    given = {"x": np.array(W), "y": np.array(W)}
    before = {name: value.copy() for name, value in given.items()}
    trace = parse(text).forward(given)
    for gradients in (value_and_grad(text, given)[1], dict(trace.backward())):
        arrays = [*gradients.values(), *given.values()]
        assert all(not np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
        for gradient in gradients.values():
            np.add(gradient, 1, out=gradient)
    assert all(np.array_equal(given[name], before[name]) for name in given)


class Foreign:
    """An array of another library: NumPy asks it for its entries."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([1.0, 2.0], dtype=dtype)

    def __len__(self) -> int:
        return 2


@pytest.mark.parametrize("x", [[1, 2], (1, 2), np.array([1, 2]), range(1, 3), Foreign(), np.array([1, 2], np.float16)])
def test_whatever_numpy_takes_is_an_array(x: Any) -> None:
    """Lists, tuples, arrays of any real kind, and other libraries' tensors."""
    assert value_and_grad("sum(x^2)", x=x)[1]["x"].tolist() == [2, 4]


class Tracked(Foreign):
    """A tensor that does not give its entries away, as PyTorch's while it requires a gradient."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("use tensor.detach()")


def test_another_librarys_refusal_is_passed_on() -> None:
    """What that library says to do is the hint."""
    with pytest.raises(UsageError) as caught:
        value_and_grad("sum(x)", x=Tracked())
    assert caught.value.message == "the value of 'x' is no array of real numbers"
    assert caught.value.hint == "use tensor.detach()"


class Recorded(Tracked):
    """A tensor of PyTorch that requires a gradient."""

    requires_grad = True


def test_a_tensor_that_records_its_gradient_says_how_to_give_its_numbers() -> None:
    """What to write stands in the hint, and nothing else."""
    with pytest.raises(UsageError) as caught:
        value_and_grad("sum(x)", x=Recorded())
    assert caught.value.message == "the value of 'x' is a tensor of a graph of its own"
    assert caught.value.hint == "give .detach().numpy()"


def test_the_gradient_of_tensors_is_no_graph() -> None:
    """The hint names what has the numbers."""
    with pytest.raises(UsageError) as caught:
        parse("sum(x^2)").gradient("x")
    assert caught.value.hint is not None
    assert "backward()" in caught.value.hint and "hessian()" in caught.value.hint


REFUSED = [
    ([1j, 2], "the value of 'x' is no array of real numbers: it holds complex numbers"),
    (["1", "2"], "the value of 'x' is no array of real numbers: it holds text"),
    ([1, None], "the value of 'x' is no array of real numbers: it holds objects"),
    ([[1, 2], [3]], "the value of 'x' is no array of real numbers: row 2 has 1 entry, row 1 has 2"),
    ([[1, 2], 3], "the value of 'x' is no array of real numbers: numbers and lists are mixed"),
    (
        [[[1], [2]], [[3], [4, 5]]],
        "the value of 'x' is no array of real numbers: inner list 4 has 2 entries, inner list 1 has 1",
    ),
    ({"a": 1}, "the value of 'x' is no array of real numbers: it holds objects"),
    ([], "the value of 'x' is empty: it has the shape (0,)"),
    (np.zeros((2, 0)), "the value of 'x' is empty: it has the shape (2,0)"),
    (np.ma.masked_greater(np.array([1.0, 9.0]), 5), "the value of 'x' has masked entries"),
]


@pytest.mark.parametrize(("x", "message"), REFUSED, ids=[row[1][16:] for row in REFUSED])
def test_what_is_no_array_of_real_numbers_is_refused(x: Any, message: str) -> None:
    """By name, and saying what it is instead."""
    with pytest.raises(UsageError) as caught:
        value_and_grad("sum(x)", x=x)
    assert caught.value.message == message


def test_reprs_stay_short() -> None:
    """A large array is written by its shape."""
    trace = parse("x^2").forward(x=np.arange(1000.0))
    assert repr(trace) == "Trace(value=<array of shape (1000,)>, 2 nodes)"
    assert repr(at("sum(W@x)", W=[[1, 2], [3, 4]], x=[5, 6])) == "Gradients(W=[[5.0, 6.0], [5.0, 6.0]], x=[4.0, 6.0])"


def test_a_notebook_shows_the_forward_values_of_several_entries() -> None:
    """Without an upstream gradient there is no backward pass, and the page says so; it never raises."""
    page = parse("W@x").forward(W=W, x=X)._repr_html_()
    assert "the output is no scalar but (2,)" in page
    assert "0.22" in page
    assert page.count("no backward pass") == 3
    assert "start" not in page


def test_a_non_scalar_output_offers_three_ways_out() -> None:
    """sum(…), an upstream gradient, the Jacobian."""
    with pytest.raises(NotScalarError) as caught:
        at("W@x", W=W, x=X)
    assert caught.value.message == "the output is no scalar but (2,): which gradient is meant?"
    assert all(way in (caught.value.hint or "") for way in ("sum(W@x)", "--upstream=", 'gradcli jacobian "W@x"'))


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """gradcli eval, as a process."""
    command = [sys.executable, "-m", "gradcli", "eval", *arguments, "--no-verify"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_prints_tensors() -> None:
    """A cell a line; exit 3 where one of the entries asked for is not finite, though others are."""
    done = run("sum(log(x))", "--x=[1,2,0]", "--get", "dx[1]", "--get", "value.n1", "--get", "dx")
    assert done.stdout == "0.5\n[0,0.6931471805599453,-inf]\n[1,0.5,inf]\n"
    assert done.returncode == 3
    assert "log(x) at x[2] = 0" in done.stderr
    asked = run("sum(W@x)", f"--W={W}", f"--x={X}", "--wrt", "x", "--get", "dW[0,0]")
    assert asked.returncode == 2
    assert "--wrt x,W" in asked.stderr
