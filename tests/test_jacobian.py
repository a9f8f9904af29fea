"""Jacobians, Hessians and directional derivatives: through Python and on the command line.

Expected matrices are worked out by hand, by NumPy's own closed forms, or by differences; never by gradcli.
"""

from __future__ import annotations

import csv
import io
import json
import math
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.cli import run
from gradcli.directions import by_columns, by_rows
from gradcli.errors import LimitError, NotScalarError, UnknownCell, UsageError
from gradcli.graph import Builder
from gradcli.ops import TABLE
from gradcli.places import in_bytes
from gradcli.shapes import ShapeError
from gradcli.systems.structure import STRUCTURAL
from gradcli.systems.tangents import TANGENTS

A = np.array([[2.0, 1.0, 0.5], [-1.0, 3.0, 0.25]])
B = np.array([[1.0, -2.0], [0.5, 4.0], [3.0, 1.5]])
x3 = np.array([0.3, -1.2, 0.7])
SOFTMAX = np.exp(x3) / np.exp(x3).sum()
SIGMOID = 1 / (1 + np.exp(-x3))


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command line: words → (exit status, standard output, standard error)."""
    for name in ("COLUMNS", "GRADCLI_VERIFY", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        status = run(words)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def traced(text, values):
    """The forward pass of a text."""
    return gradcli.parse(text, given=values).forward(values)


# ── Jacobians ───────────────────────────────────────────────────────────────────────────────────────────────

JACOBIANS = [
    # text, values, variable, matrix in the output's shape followed by the variable's
    ("x*y", {"x": 2, "y": 3}, "x", 3),
    ("x^3", {"x": 2}, "x", 12),
    ("relu(x)", {"x": [1, -2, 3]}, "x", np.diag([1, 0, 1])),
    ("A@x", {"A": A, "x": x3}, "x", A),
    ("A@x", {"A": A, "x": x3}, "A", np.einsum("ij,k->ijk", np.eye(2), x3)),
    ("A@B", {"A": A, "B": B}, "A", np.einsum("ik,lj->ijkl", np.eye(2), B)),
    ("A@B", {"A": A, "B": B}, "B", np.einsum("ik,jl->ijkl", A, np.eye(2))),
    ("A.T", {"A": A}, "A", np.einsum("il,jk->ijkl", np.eye(3), np.eye(2))),
    ("softmax(x)", {"x": x3}, "x", np.diag(SOFTMAX) - np.outer(SOFTMAX, SOFTMAX)),
    ("log_softmax(x)", {"x": x3}, "x", np.eye(3) - SOFTMAX),
    ("sigmoid(x)", {"x": x3}, "x", np.diag(SIGMOID * (1 - SIGMOID))),
    ("[r*cos(t), r*sin(t)]", {"r": 2, "t": 0.5}, "t", 2 * np.array([-math.sin(0.5), math.cos(0.5)])),
    ("[r*cos(t), r*sin(t)]", {"r": 2, "t": 0.5}, "r", [math.cos(0.5), math.sin(0.5)]),
    ("x/norm(x)", {"x": [3, 4]}, "x", (np.eye(2) - np.outer([3, 4], [3, 4]) / 25) / 5),
    ("x[1]*x", {"x": [2, 3]}, "x", [[3, 2], [0, 6]]),
    ("concat(x, 2*x)", {"x": [1, 2]}, "x", [[1, 0], [0, 1], [2, 0], [0, 2]]),
    ("x+b", {"x": [[1, 2], [3, 4]], "b": [5, 6]}, "b", [np.eye(2), np.eye(2)]),
    ("sum(A, axis=0)", {"A": A}, "A", np.einsum("ik,j->ijk", np.eye(3), np.ones(2))),
    ("prod(x)", {"x": [0, 2, 3]}, "x", [6, 0, 0]),
    ("max(x)", {"x": [1, 3, 3]}, "x", [0, 0.5, 0.5]),
    ("where(x>0, x*y, y^2)", {"x": [1, -1], "y": 3}, "y", [1, 6]),
    ("g(u) = u@u*u; g(x)", {"x": [1, 2]}, "x", 5 * np.eye(2) + 2 * np.outer([1, 2], [1, 2])),
    ("x*0+y", {"x": [1, 2], "y": 1}, "y", [1, 1]),
    ("svm_loss([s, 2, 0.5], 1)*[1, 2, 3]", {"s": 1}, "s", [0, 0, 0]),
    ("sqrt(x)+[0,1]@x", {"x": [0, 4]}, "x", [[math.inf, 1], [0, 1.25]]),
    ("y+sqrt(x)", {"x": 0, "y": [1, 2, 3]}, "y", np.eye(3)),
]


@pytest.mark.parametrize(("text", "values", "name", "expected"), JACOBIANS)
def test_jacobians(text, values, name, expected):
    """A Jacobian has the output's shape followed by the variable's, and the entries of calculus."""
    found = gradcli.jacobian(text, values)[name]
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-16)


ROWS = [
    ("tanh(W@x)", {"W": A, "x": x3}),
    ("softmax(x@W+b)", {"x": B, "W": A[:, :2], "b": [0.5, -1]}),
    ("sum(W@W.T, axis=1)", {"W": A}),
    ("[sin(x[0]), x[1]*x[2], exp(x[2])]", {"x": x3}),
    ("logsumexp(W*x)", {"W": A, "x": x3}),
    ("g(u,v) = u*v+sin(u); g(W@x, 2)", {"W": A, "x": x3}),
    ("prod(W, axis=0)", {"W": A}),
    ("outer(x, x)", {"x": x3}),
    ("svm_loss(W, [0,1])*x", {"W": A, "x": x3}),
]


@pytest.mark.parametrize(("text", "values"), ROWS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_rows_and_columns(text, values, data):
    """A vector times the Jacobian is the VJP of backward, the Jacobian times a vector the JVP."""
    trace = traced(text, values)
    found = trace.jacobian()
    numbers = st.floats(-2, 2).map(lambda number: round(number, 3))

    def draw(shape):
        size = math.prod(shape)
        return np.array(data.draw(st.lists(numbers, min_size=size, max_size=size))).reshape(shape)

    g = draw(np.shape(trace.value))
    gradients = trace.backward(g)
    directions = {name: draw(np.shape(values[name])) for name in values}
    moved = 0
    for name, block in found.items():
        np.testing.assert_allclose(np.tensordot(g, block, g.ndim), gradients[name], rtol=1e-12, atol=1e-12)
        moved = moved + np.tensordot(block, directions[name], np.ndim(values[name]))
    np.testing.assert_allclose(trace.jvp(directions), moved, rtol=1e-12, atol=1e-12)


def samples():
    """Every op of the table at its sample points, as a graph of that op alone."""
    for op in TABLE.values():
        for at in op.samples:
            builder = Builder()
            names = [f"x{k}" for k in range(len(at))]
            graph = builder.finish(builder.add(op, tuple(builder.input(name) for name in names)))
            if op.name != "index":
                yield pytest.param(graph, dict(zip(names, at, strict=True)), id=f"{op.name}{at}")


@pytest.mark.parametrize(("graph", "values"), list(samples()))
def test_both_modes_agree(graph, values):
    """Of every op, forward and reverse mode give the same Jacobian, also at labels of 0 and at ties."""
    trace = graph.forward(values)
    places = dict(graph.inputs)
    forward, reverse = by_columns(trace, places), by_rows(trace, places)
    for name in places:
        np.testing.assert_allclose(forward[name], reverse[name], rtol=1e-9, atol=1e-300)


def test_every_primitive_has_tangents():
    """A structural primitive comes with the rule by which tangents pass through it."""
    assert set(STRUCTURAL) - set(TANGENTS) <= {"gathered"}


STRUCTURES = [
    # text, values, structures
    ("relu(x)", {"x": [1, -2, 3]}, {"x": "diagonal"}),
    ("x*y+sin(x)", {"x": [1, 2], "y": [3, 4]}, {"x": "diagonal", "y": "diagonal"}),
    ("x*y", {"x": [1, 2], "y": 3}, {"x": "diagonal", "y": "dense"}),
    ("x*sum(x)", {"x": [1, 2]}, {"x": "dense"}),
    ("x*A", {"x": x3, "A": A}, {"x": "dense", "A": "diagonal"}),
    ("g(u) = u^2+u; g(x)", {"x": [1, 2]}, {"x": "diagonal"}),
    ("g(u) = u*sum(u); g(x)", {"x": [1, 2]}, {"x": "dense"}),
    ("x.T", {"x": [1, 2]}, {"x": "dense"}),
    ("(x>y)*2", {"x": [1, 2], "y": [3, 4]}, {"x": "zero", "y": "zero"}),
    ("q = x*2; [y, y]", {"x": [1, 2], "y": 3}, {"x": "zero", "y": "dense"}),
    ("mse(y, t)", {"y": [1, 2], "t": [3, 4]}, {"y": "dense", "t": "dense"}),
    ("A@x", {"A": np.eye(2), "x": [1, 2]}, {"A": "dense", "x": "dense"}),
]


@pytest.mark.parametrize(("text", "values", "expected"), STRUCTURES)
def test_structure(text, values, expected):
    """A block is called diagonal for its ops alone, and so at every point; an identity matrix makes none."""
    found = gradcli.jacobian(text, values)
    assert {name: block.structure for name, block in found.blocks.items()} == expected
    for name, block in found.blocks.items():
        stored = np.size(block.entries)
        assert stored == {"zero": 1, "diagonal": np.size(found.trace.value)}.get(block.structure, np.size(found[name]))


def test_a_diagonal_is_stored_alone():
    """Elementwise functions of thousands of entries have a Jacobian although the whole matrix would be too large."""
    x = np.linspace(-3, 3, 4096)
    found = gradcli.jacobian("tanh(x)", x=x)
    np.testing.assert_allclose(found.blocks["x"].entries, 1 / np.cosh(x) ** 2, rtol=1e-12)
    assert found.blocks["x"].bytes == 2**27
    with pytest.raises(LimitError, match="4,096 × 4,096 derivatives takes 134 MB"):
        found["x"]


@pytest.mark.parametrize(("count", "said"), [(8, "8 bytes"), (2**15, "32.8 kB"), (2**27, "134 MB"), (2**30, "1.07 GB")])
def test_memory_in_words(count, said):
    """Memory is told in binary units."""
    assert in_bytes(count) == said


def test_wrt():
    """A Jacobian with respect to some variables, or to a node between."""
    trace = traced("q = W@x; sum(q^2)", {"W": A, "x": x3})
    assert list(trace.jacobian(wrt=["x"])) == ["x"]
    np.testing.assert_allclose(trace.jacobian(wrt=["q"])["q"], 2 * A @ x3, rtol=1e-14)
    with pytest.raises(UnknownCell, match="no node 'z'"):
        trace.jacobian(wrt=["z"])


# ── directional derivatives ─────────────────────────────────────────────────────────────────────────────────


def test_jvp():
    """Along (1, 2), x*y at (3, 5) changes by 5 + 2*3; variables without a direction stay where they are."""
    trace = traced("x*y", {"x": 3, "y": 5})
    assert trace.jvp({"x": 1, "y": 2}) == 11
    assert trace.jvp({"y": 2}) == 6
    assert trace.jvp({}) == 0
    with pytest.raises(ShapeError, match=r"the direction of x is \(2,\)"):
        trace.jvp({"x": [1, 2]})
    with pytest.raises(UsageError, match="no variable"):
        traced("q = x^2; q*x", {"x": 3}).jvp({"q": 1})


# ── Hessians ────────────────────────────────────────────────────────────────────────────────────────────────

S = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -0.5], [0.0, -0.5, 4.0]])
ROWS_OF_DATA, LABELS = np.array([[1.0, 2.0], [0.5, -1.0], [-1.5, 0.25]]), np.array([1.0, 0.0, 1.0])
WEIGHTS = np.array([0.4, -0.3])
CHANCES = 1 / (1 + np.exp(-ROWS_OF_DATA @ WEIGHTS))
ROSENBROCK = "+".join(f"100*(x{i + 1}-x{i}^2)^2+(1-x{i})^2" for i in range(5))


def rosenbrock_hessian(x):
    """By hand: ∂²/∂x_i² = 1200x_i² - 400x_{i+1} + 2 (+ 200 if it is a successor), ∂²/∂x_i∂x_{i+1} = -400x_i."""
    H = np.zeros((len(x), len(x)))
    for i in range(len(x) - 1):
        H[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        H[i + 1, i + 1] += 200
        H[i, i + 1] = H[i + 1, i] = -400 * x[i]
    return H


POINT = [0.5, -1.2, 1.0, 0.3, 2.0, -0.7]

HESSIANS = [
    # text, values, the matrix over all entries of the variables in order of their occurrence
    ("x^2*y", {"x": 3, "y": 5}, [[10, 6], [6, 0]]),
    ("(1-x)^2+100*(y-x^2)^2", {"x": 1, "y": 1}, [[802, -400], [-400, 200]]),
    (ROSENBROCK, {f"x{i}": value for i, value in enumerate(POINT)}, "rosenbrock"),
    ("sum(100*(x[1:]-x[:-1]^2)^2+(1-x[:-1])^2)", {"x": POINT}, rosenbrock_hessian(POINT)),
    ("x@([[2,1,0],[1,3,-0.5],[0,-0.5,4]]@x)/2", {"x": x3}, S),
    ("logsumexp(x)", {"x": x3}, np.diag(SOFTMAX) - np.outer(SOFTMAX, SOFTMAX)),
    ("log(sum(exp(x)))", {"x": x3}, np.diag(SOFTMAX) - np.outer(SOFTMAX, SOFTMAX)),
    ("softmax_cross_entropy(x, [0,1,0])", {"x": x3}, np.diag(SOFTMAX) - np.outer(SOFTMAX, SOFTMAX)),
    ("softmax_cross_entropy(x, 2)", {"x": x3}, np.diag(SOFTMAX) - np.outer(SOFTMAX, SOFTMAX)),
    (
        "sum(bce_with_logits([[1,2],[0.5,-1],[-1.5,0.25]]@w, [1,0,1]))*3",
        {"w": WEIGHTS},
        ROWS_OF_DATA.T @ np.diag(CHANCES * (1 - CHANCES)) @ ROWS_OF_DATA,
    ),
    ("norm(x)", {"x": [3, 4]}, (np.eye(2) - np.outer([3, 4], [3, 4]) / 25) / 5),
    ("prod(x)", {"x": [0, 2, 3]}, [[0, 3, 2], [3, 0, 0], [2, 0, 0]]),
    ("relu(prod(2*x)+1)", {"x": [0, 0, 3]}, [[0, 24, 0], [24, 0, 0], [0, 0, 0]]),
    ("x@y", {"x": [1, 2], "y": [3, 4]}, np.block([[np.zeros((2, 2)), np.eye(2)], [np.eye(2), np.zeros((2, 2))]])),
    ("trace(X@X)", {"X": [[1, 2], [3, 4]]}, [[2, 0, 0, 0], [0, 0, 2, 0], [0, 2, 0, 0], [0, 0, 0, 2]]),
    ("sum(sin(x))", {"x": x3}, np.diag(-np.sin(x3))),
    ("sum(relu(x)^2)", {"x": [1, -2, 3]}, np.diag([2, 0, 2])),
    ("max(x)^2", {"x": [1, 3]}, [[0, 0], [0, 2]]),
    ("where(x>0, x^3, y^2)", {"x": 2, "y": 3}, [[12, 0], [0, 0]]),
    ("where(x>0, sqrt(x), 0)", {"x": -1}, [[0]]),
    ("x^y", {"x": 2, "y": 0}, [[0, 0.5], [0.5, math.log(2) ** 2]]),
    ("x^2", {"x": 0}, [[2]]),
    ("x^3", {"x": 0}, [[0]]),
    ("x*exp(y)/y", {"x": 2, "y": 1}, [[0, 0], [0, 2 * math.e]]),
    ("g(u,v) = u^2*v; g(x, y)+g(y, x)", {"x": 2, "y": 3}, [[6, 10], [10, 4]]),
    ("g(u) = u@u; g(x)^2", {"x": [1, 2]}, 4 * 5 * np.eye(2) + 8 * np.outer([1, 2], [1, 2])),
    ("sqrt(x)+y^2", {"x": 0, "y": 3}, [[-math.inf, 0], [0, 2]]),
    ("cross_entropy_error(p, t)", {"p": 0.5, "t": 0}, [[0, -2], [-2, 0]]),
    ("xlogy(t, p)", {"t": 0, "p": 0.5}, [[0, 2], [2, 0]]),
    ("1/x", {"x": 1e-200}, [[math.inf]]),
    ("x+y", {"x": 1, "y": 2}, [[0, 0], [0, 0]]),
    ("3*e", {}, np.zeros((0, 0))),
]


@pytest.mark.parametrize(("text", "values", "expected"), HESSIANS)
def test_hessians(text, values, expected):
    """The second derivatives of calculus, over all variables together, symmetric."""
    found = gradcli.hessian(text, values)
    order = list(found)
    if isinstance(expected, str):
        places = [int(name[1:]) for name in order]
        expected = rosenbrock_hessian(POINT)[np.ix_(places, places)]
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-12, atol=1e-14)
    assert found.symmetric


def test_blocks_of_a_hessian():
    """hessian["x"]["y"] has the shape of x followed by that of y; of two numbers it is a number."""
    found = gradcli.hessian("x@(W@x)*y", x=[1, 2], W=[[1, 2], [3, 4]], y=5)
    assert {(a, b): np.shape(block) for a in found for b, block in found[a].items()} == {
        ("x", "x"): (2, 2),
        ("x", "W"): (2, 2, 2),
        ("x", "y"): (2,),
        ("W", "x"): (2, 2, 2),
        ("W", "W"): (2, 2, 2, 2),
        ("W", "y"): (2, 2),
        ("y", "x"): (2,),
        ("y", "W"): (2, 2),
        ("y", "y"): (),
    }
    np.testing.assert_allclose(found["x"]["x"], 5 * np.array([[2, 5], [5, 8]]))
    np.testing.assert_allclose(found["W"]["y"], np.outer([1, 2], [1, 2]))
    assert found["y"]["y"] == 0.0


SMOOTH = [
    ("sum(tanh(W@x)*x[0:2])", {"W": A, "x": x3}),
    ("logsumexp(W@x)+sum(gelu(x))", {"W": A, "x": x3}),
    ("softmax_cross_entropy(X@W, [0,2])", {"X": B.T, "W": B @ A}),
    ("mean((x-mean(x))^4)", {"x": x3}),
    ("mse(sigmoid(x@W+b), [1, 0])", {"x": B, "W": A[:, :2], "b": [0.5, -1.0]}),
    ("norm(x/sum(x^2))*prod(x)", {"x": x3}),
    ("sum(max(W, axis=1)^2)", {"W": A}),
    ("g(u, v) = sin(u)*v^2; g(p*q, exp(q))", {"p": 0.3, "q": -0.7}),
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    ("silu(a)*mish(b)+softplus(a*b)+erf(a-b)", {"a": 0.4, "b": -1.1}),
    ("trace(W@W.T)*sum(concat(x, W[0])^3)", {"W": A, "x": x3}),
    ("log(p)*hypot(p, q)+atan2(p, q)", {"p": 0.8, "q": 1.5}),
]


@pytest.mark.parametrize(("text", "values"), SMOOTH)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_hessian_times_a_vector(text, values, seed):
    """H·v is the change of the gradient along v, and H is symmetric."""
    graph = gradcli.parse(text, given=values)
    found = graph.forward(values).hessian()
    rng = np.random.default_rng(seed)
    direction = {name: rng.normal(size=np.shape(values[name])) for name in found}

    def gradient(step):
        moved = {name: np.asarray(values[name]) + step * direction[name] for name in found}
        gradients = graph.forward(moved).backward()
        return np.concatenate([np.ravel(gradients[name]) for name in found])

    h = 1e-3
    wide, narrow = ((gradient(s) - gradient(-s)) / (2 * s) for s in (h, h / 2))
    v = np.concatenate([np.ravel(direction[name]) for name in found])
    np.testing.assert_allclose(found.matrix @ v, (4 * narrow - wide) / 3, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(found.matrix, found.matrix.T)


def test_directions_in_several_passes(monkeypatch):
    """Where the tangents of all directions would take too much memory, they are taken a few at a time."""
    values = {"W": A, "x": x3}
    whole = gradcli.hessian("sum(sigmoid(W@x)^2)", values).matrix
    columns = by_columns(traced("tanh(W@x)", values), {"W": 0, "x": 1})
    monkeypatch.setattr("gradcli.directions.MEMORY", 300)
    np.testing.assert_array_equal(gradcli.hessian("sum(sigmoid(W@x)^2)", values).matrix, whole)
    again = by_columns(traced("tanh(W@x)", values), {"W": 0, "x": 1})
    assert all(np.array_equal(columns[name], again[name]) for name in columns)


def test_symmetry_of_what_cancels():
    """A length that is always 1 has a Hessian of rounding errors; they make it no less symmetric."""
    rng = np.random.default_rng(5)
    for _ in range(5):
        found = gradcli.hessian("norm(x/norm(x))+y^2", x=rng.normal(size=6), y=2)
        assert found.symmetric
        assert np.abs(found.matrix[:6, :6]).max() < 1e-14


def test_a_matrix_that_is_not_symmetric():
    """Where conventions at a kink depend on the order of differentiation, the matrix is shown as it is."""
    found = gradcli.hessian("x^y", x=0, y=1)
    assert not found.symmetric
    assert sorted([found["x"]["y"], found["y"]["x"]]) == [0, 1]


def test_hessian_of_several_entries():
    """An output of several entries has no one Hessian; the error names the ways out."""
    with pytest.raises(NotScalarError) as caught:
        gradcli.hessian("W@x", W=A, x=x3)
    assert "sum(W@x) has one Hessian" in caught.value.hint
    assert "(W@x)[0]" in caught.value.hint


def test_too_large():
    """More than 4,000,000 entries are refused before anything is worked out, with the memory they would take."""
    with pytest.raises(LimitError, match=r"2,500 × 5,002 derivatives takes 100 MB"):
        gradcli.jacobian("W@x", W=np.ones((2500, 2)), x=np.ones(2))


# ── the command line ────────────────────────────────────────────────────────────────────────────────────────

PLAIN = [
    (["jacobian", "relu(x)", "--x=[1,-2]"], "jac.f[0].x[0]\t1\njac.f[0].x[1]\t0\njac.f[1].x[0]\t0\njac.f[1].x[1]\t0\n"),
    (["jacobian", "x*y", "--x=2", "--y=3"], "jac.f.x\t3\njac.f.y\t2\n"),
    (["jacobian", "q=x*y", "--x=2", "--y=3", "--wrt", "y"], "jac.q.y\t2\n"),
    (["jacobian", "W[0]", "--W=[[1,2]]"], None),
    (["hessian", "x^2*y", "--x=3", "--y=5"], "hess.x.x\t10\nhess.x.y\t6\nhess.y.x\t6\nhess.y.y\t0\n"),
    (["hessian", "x@x", "--x=[1,2]"], "hess.x[0].x[0]\t2\nhess.x[0].x[1]\t0\nhess.x[1].x[0]\t0\nhess.x[1].x[1]\t2\n"),
]


@pytest.mark.parametrize(("words", "expected"), PLAIN, ids=str)
def test_plain(command, words, expected):
    """An address and a number a line, never rounded."""
    status, out, err = command(*words, "--format", "plain", "--no-verify")
    assert (status, err) == (0, "")
    assert out == (expected or "jac.f[0].W[0,0]\t1\njac.f[0].W[0,1]\t0\njac.f[1].W[0,0]\t0\njac.f[1].W[0,1]\t1\n")


def test_table_of_a_diagonal(command):
    """relu's Jacobian is said to be diagonal, for its op and not for its numbers."""
    status, out, err = command("jacobian", "relu(x)", "--x=[1,-2,3]", "--no-verify")
    assert (status, err) == (0, "")
    assert out == (
        "f = relu(x)\n"
        "f is (3,), x is (3,); value: [1, 0, 3]\n"
        "\n"
        "∂f/∂x  x[0]  x[1]  x[2]\n"
        "───────────────────────\n"
        "f[0]      1     0     0\n"
        "f[1]      0     0     0\n"
        "f[2]      0     0     1\n"
        "diagonal: f[i] depends on x[i] alone, only the diagonal is stored\n"
        "\n"
    )


def test_table_of_a_hessian(command):
    """One matrix over all variables, with names at its rows and columns; said to be symmetric."""
    status, out, err = command("hessian", "x@x*y", "--x=[1,2]", "--y=3", "--no-verify")
    assert (status, err) == (0, "")
    assert out == (
        "f = x@x*y\n"
        "x is (2,); value: 15\n"
        "\n"
        "∂²f   x[0]  x[1]  y\n"
        "───────────────────\n"
        "x[0]     6     0  2\n"
        "x[1]     0     6  4\n"
        "y        2     4  0\n"
        "\n"
        "symmetric: both halves, worked out apart, are equal\n"
    )


def test_a_narrow_terminal(command, monkeypatch):
    """A matrix that is too wide goes on below; no number is cut."""
    monkeypatch.setenv("COLUMNS", "40")
    values = ",".join(f"{number:.6f}" for number in np.random.default_rng(1).normal(size=9))
    status, out, _ = command("hessian", "norm(x)", f"--x=[{values}]", "--no-verify", "--sig", "8")
    assert status == 0
    assert max(map(len, out.splitlines()[2:])) <= 40
    found = gradcli.hessian("norm(x)", x=[float(word) for word in values.split(",")]).matrix
    assert f"{found[0, 8]:.8g}" in out


def test_large_matrices_are_summarised(command):
    """Of many entries the table shows shape, extremes and norm; --full shows all."""
    words = ("jacobian", "W@x", "--set", "x=" + str([1.0] * 30), "--set", "W=" + str([[2.0] * 30] * 2), "--no-verify")
    status, out, _ = command(*words, "--wrt", "W")
    assert status == 0
    assert "∂f/∂W  2 × 60\n" in out
    assert "W[1,29]" not in out
    assert "W[1,29]" in command(*words, "--wrt", "W", "--full")[1]


@pytest.mark.parametrize("kind", ["jacobian", "hessian"])
@pytest.mark.parametrize("values", [("--x=[1,2]", "--y=3"), ("--x=[0,1]", "--y=-1")])
def test_json(command, kind, values):
    """JSON follows its schema, and holds nested lists in the shapes promised; non-finite numbers are text."""
    status, out, _ = command(kind, "sum(x^2)*log(y)", *values, "--format", "json", "--no-verify")
    schema = json.loads(files("gradcli").joinpath(f"schemas/{kind}-1.schema.json").read_text("utf-8"))
    document = json.loads(out)
    jsonschema.validate(document, schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    if values[1] == "--y=3":
        assert status == 0
        log3 = math.log(3)
        wanted = {
            "jacobian": {"x": [2 * log3, 4 * log3], "y": 5 / 3},
            "hessian": {
                "x": {"x": [[2 * log3, 0], [0, 2 * log3]], "y": [2 / 3, 4 / 3]},
                "y": {"x": [2 / 3, 4 / 3], "y": -5 / 9},
            },
        }[kind]
        flat = np.concatenate([np.ravel(v) for v in _leaves(document[kind])])
        np.testing.assert_allclose(flat, np.concatenate([np.ravel(v) for v in _leaves(wanted)]), rtol=1e-14)
    else:
        assert status == 3
        assert document["value"] == "NaN"


def _leaves(tree):
    return [leaf for part in tree.values() for leaf in (_leaves(part) if isinstance(part, dict) else [part])]


@pytest.mark.parametrize("kind", ["jacobian", "hessian"])
def test_csv_and_shell(command, kind):
    """csv has one line an entry; shell one assignment a block."""
    words = (kind, "x@x*y", "--x=[1,2]", "--y=3", "--no-verify", "--format")
    rows = list(csv.DictReader(io.StringIO(command(*words, "csv")[1])))
    assert len(rows) == (9 if kind == "hessian" else 3)
    assert {(row["row"], row["column"]): row["value"] for row in rows}[
        ("x[1]", "y") if kind == "hessian" else ("f", "x[1]")
    ] == ("4" if kind == "hessian" else "12")
    lines = command(*words, "shell")[1].splitlines()
    assert lines[0] == "value=15"
    assert ("hess_x_y='[2,4]'" if kind == "hessian" else "jac_x='[6,12]'") in lines


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_documents(command, form):
    """A GitHub table, and a bmatrix; eleven columns need a word to amsmath."""
    status, out, _ = command("jacobian", "[r*cos(t), r*sin(t)]", "--r=2", "--t=0", "--format", form, "--no-verify")
    assert status == 0
    row = "| `f[1]` | 0 | 2 |" if form == "markdown" else r"0 & 2 \\"
    assert row in out.splitlines()
    wide = command("hessian", "sum(x^2)", "--x=[1,2,3,4,5,6,7,8,9,10,11]", "--format", form, "--no-verify")[1]
    assert (r"\setcounter{MaxMatrixCols}{11}" in wide) == (form == "latex")


DECIMALS = {
    "table": ["f[0]         3.00  0.25", "f[1]        ≈0     1.00"],
    "markdown": ["| `f[0]` | 3.00 | 0.25 |", "| `f[1]` | ≈0 | 1.00 |"],
    "latex": [r"3.00 & 0.25 \\", r"\approx 0 & 1.00 \\"],
}


@pytest.mark.parametrize("form", DECIMALS)
def test_entries_of_a_matrix_share_their_decimals(command, form):
    """0 is exactly 0; 0.1·3 - 0.3 = 5.55e-17 is marked, as in eval; plain has it as it is."""
    words = ["jacobian", "[3*x+0.25*y, (0.1*3-0.3)*x+y]", "--x=1", "--y=2", "--no-verify"]
    out = command(*words, "--format", form)[1]
    assert all(line in out.splitlines() for line in DECIMALS[form]), out
    assert "5.551115123125783e-17" in command(*words, "--format", "plain")[1]


def test_latex_of_a_mean_is_over_what_there_is(command):
    """Not over n, of which nothing is said."""
    assert r"f = \frac{1}{2}\sum" in command("hessian", "mean(x^2)", "--x=[1,2]", "--format", "latex", "--no-verify")[1]


STATUSES = [
    # words, status, a part of standard error
    (["jacobian", "log(x)", "--x=[1,-2]", "--format", "plain"], 3, "outside its domain"),
    (["hessian", "sqrt(x)", "--x=0", "--format", "plain"], 3, "inf"),
    (["hessian", "x^1.5", "--x=0", "--format", "plain"], 3, "∂²f/∂x∂x is inf"),
    (["hessian", "x^1.5", "--x=0"], 3, "∂²f/∂x∂x is inf"),
    (["hessian", "[x, x]", "--x=0"], 2, "sum([x, x]) has one Hessian"),
    (["jacobian", "x*y", "--x=1"], 2, "no value for y"),
    (["jacobian", "x", "--x=1", "--wrt", "y"], 2, "no node 'y'"),
    (["hessian", "q=x^2; q*x", "--x=1", "--wrt", "q"], 2, "'q' is no variable"),
    (["jacobian", "x", "--x=1", "--format", "xml"], 2, "--format cannot be 'xml'"),
    (["jacobian", "x", "--x=1", "--verify", "sympy"], 2, "--verify cannot be 'sympy'"),
    (["jacobian", "x", "--x=1", "--sig", "3", "--decimals", "3"], 2, "contradict"),
    (["hessian", "x", "--x=1", "--get", "dx"], 2, "--get is no option of hessian"),
    (["hessian"], 2, 'gradcli hessian "'),
    (["hessian", "θ^2", "--θ=1", "--format", "shell"], 2, "a shell cannot hold the name"),
]


@pytest.mark.parametrize(("words", "status", "said"), STATUSES, ids=str)
def test_statuses(command, words, status, said):
    """3 where an entry is not finite, 2 for what cannot be understood; the cause is on standard error."""
    given = [*words] if "--verify" in words or len(words) < 2 else [*words, "--no-verify"]
    found, _, err = command(*given)
    assert (found, said in err) == (status, True), err


def test_a_kink_in_a_second_derivative(command):
    """The Hessian of abs(x)^2 at 0 is 0 by convention, though the truth is 2: a warning says so."""
    status, out, _ = command("hessian", "abs(x)^2", "--x=0", "--no-verify")
    assert status == 0
    assert "warning: n1 = abs(x) is at a kink" in out
    assert "warning" not in command("hessian", "abs(x)^2", "--x=1", "--no-verify")[1]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["jacobian", "softmax(W@x)", "--W=[[1,2],[3,4],[-1,0.5]]", "--x=[0.3,-1]"], "passed"),
        (["jacobian", "relu(x)", "--x=[1,0,-3]"], "passed"),
        (["hessian", "logsumexp(x)+x[0]*y^3", "--x=[0.3,-1,2]", "--y=0.2"], "passed"),
        (["hessian", "x*y", "--x=0", "--y=0"], "passed"),
        (["hessian", "abs(x)^2", "--x=0"], "partial"),
    ],
    ids=str,
)
def test_differences(command, words, status):
    """`--verify differences` compares every entry with central differences; at a kink it says what they give."""
    found, out, _ = command(*words, "--verify", "differences", "--format", "json")
    assert (found, json.loads(out)["verification"]["status"]) == (0, status)


def test_differences_along_random_directions(command):
    """Where there are many columns, the matrix is compared along three random directions a variable."""
    values = ",".join(f"{number:.3f}" for number in np.random.default_rng(3).uniform(1, 2, 200))
    for text in ("log(x)*x", "(x>1)*2", "x@x*x"):
        status, out, err = command("jacobian", text, f"--x=[{values}]", "--verify", "differences")
        assert (status, err) == (0, "")
        assert "✓ central differences along 3 random directions a variable agree" in out


def test_what_is_too_much_to_prove(command):
    """Then differences are taken at once; the exit status is 0."""
    values = str(np.random.default_rng(3).uniform(-1, 1, (60, 60)).round(3).tolist())
    status, out, _ = command(
        "hessian",
        "sum(tanh(W@x)^2)",
        f"--W={values}",
        f"--x={values[1:].partition(']')[0]}]",
        "--wrt",
        "x",
        "--verify-budget",
        "1",
    )
    assert status == 0
    assert "too many to prove" in out
    assert "central differences" in out


def test_a_large_matrix_of_zeros(command, tmp_path):
    """An output that depends on nothing has a matrix of zeros, however large: it is said, not written out."""
    np.save(tmp_path / "v.npy", np.linspace(-1, 1, 3000))
    status, out, _ = command("jacobian", "(v>0)*3", f"--v=@{tmp_path / 'v.npy'}", "--verify", "differences")
    assert status == 0
    assert "f does not depend on v: every entry is 0" in out


def test_dtype(command):
    """`--dtype` takes the stored inputs, and says the digits that its kernels reach."""
    status, out, _ = command("jacobian", "x*y", "--x=0.1", "--y=3", "--dtype", "bfloat16")
    assert status == 0
    assert "x = 0.10009765625" in out
    assert "jac.f.y 0.10" in out
    assert command("jacobian", "x*y", "--x=0.1", "--y=3", "--dtype", "float8")[0] == 2


def test_differences_find_a_wrong_entry():
    """An entry that is wrong by a part in 10^5 is named with its row and column."""
    from gradcli.verify.matrix_differences import check_matrices

    found = gradcli.hessian("sum(sin(x))*y", x=[1.0, 2.0], y=3.0)
    found.matrix[0, 2] *= 1 + 1e-5
    verdict = check_matrices(found)
    assert verdict.status == "failed"
    assert verdict.failures[0].startswith("row x[0], column y is 0.5403")


PROVED = [*((text, values) for text, values, *_ in (*JACOBIANS, *STRUCTURES)), *ROWS]


@pytest.mark.parametrize(("text", "values"), PROVED)
def test_jacobians_are_proved(text, values):
    """FLINT's slopes give every entry; only what is not finite is left over."""
    from gradcli.verify.matrices import check_jacobian

    found = gradcli.jacobian(text, values)
    verdict = check_jacobian(found.trace, found)
    assert verdict.status == ("passed" if found.finite else "partial"), verdict
    assert verdict.failures == ()


@pytest.mark.parametrize(("text", "values"), [*((text, values) for text, values, _ in HESSIANS if values), *SMOOTH])
def test_hessians_are_proved(text, values):
    """FLINT's curvatures give every entry, also where a first derivative is 0; of what is not finite, some."""
    from gradcli.verify.matrices import check_hessian

    found = gradcli.hessian(text, values)
    verdict = check_hessian(found.trace, found)
    assert verdict.status == "passed" or not found.finite, verdict
    assert verdict.failures == ()


@pytest.mark.parametrize("kind", ["jacobian", "hessian"])
def test_the_proof_is_told(command, kind):
    """The table ends with the verdict on every derivative; a budget of nothing leaves it open, and says so."""
    words = (kind, "x@x*y", "--x=[1,2]", "--y=3")
    status, out, err = command(*words)
    assert (status, err) == (0, "")
    assert f"✓ proved: all {9 if kind == 'hessian' else 3} derivatives to 15 digits\n" in out
    status, out, _ = command(*words, "--verify-budget", "0")
    assert (status, "○ not proved:" in out) == (0, True)
    assert "proved" not in command(*words, "--verify", "none")[1]


def test_a_kink_is_not_proved(command):
    """Where a slope jumps, the matrix of conventions is not called proved."""
    status, out, _ = command("hessian", "abs(x)^2", "--x=0", "--format", "json")
    proof = json.loads(out)["verification"]["proof"]
    assert (status, proof["status"]) == (0, "partial")
    assert proof["unchecked"] == ["what the kink at n1 = abs(x) adds to second derivatives"]


@pytest.mark.parametrize("form", ["table", "plain", "json"])
def test_a_wrong_number_is_an_error(command, monkeypatch, form):
    """A derivative outside its bounds is named, and the exit status is 1."""
    from gradcli import derivatives

    right = derivatives.by_rows

    def wrong(trace, places):
        return {name: block * (1 + 1e-12) for name, block in right(trace, places).items()}

    monkeypatch.setattr(derivatives, "by_rows", wrong)
    status, _, err = command("jacobian", "sin(x)*y", "--x=1", "--y=2", "--format", form)
    assert status == 1
    assert err.startswith("error: verification failed: ∂f/∂x is 1.08060461173")
