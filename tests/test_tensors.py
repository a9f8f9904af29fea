"""Vectors and matrices in the language and in the engine: literals, indices, shapes, broadcasting, gradients.

Expected numbers are worked out by hand or by NumPy's own closed forms.
"""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcli
from gradcli import notation
from gradcli.errors import ExpressionError, GradcliError, LimitError, NotScalarError, UnknownCell, UsageError
from gradcli.graph import Literal
from gradcli.report import build
from gradcli.shapes import ShapeError, broadcast, unbroadcast

A = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

VALUES = [
    # text, values, value
    ("sum((W@x)^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}, 0.116),
    ("[1, 2, 3]@x", {"x": [1, 10, 100]}, 321),
    ("[x, y, 2]@[1, 10, 100]", {"x": 3, "y": 4}, 243),
    ("sum([[x, y], [y, x]]@[1, 2])", {"x": 3, "y": 4}, 21),
    ("A[0,1]", {"A": A}, 2),
    ("A[-1,-1]", {"A": A}, 6),
    ("sum(A[1])", {"A": A}, 15),
    ("sum(A[:,0])", {"A": A}, 5),
    ("sum(A[0,1:])", {"A": A}, 5),
    ("sum(A[:,::2])", {"A": A}, 14),
    ("A.T[2,0]", {"A": A}, 3),
    ("-x[0]^2", {"x": [3]}, -9),
    ("x[0]²", {"x": [3]}, 9),
    ("2^x[1]", {"x": [0, 3]}, 8),
    ("sum(x.T@A.T)", {"x": [[1], [1], [1]], "A": A}, 21),
    ("sum(sum(A, axis=0)*[1, 10, 100])", {"A": A}, 975),
    ("sum(A, axis=-1)[1]", {"A": A}, 15),
    ("sum(A/sum(A, axis=1, keepdims=True))", {"A": A}, 2),
    ("sum(Aᵀ@[1, 10])", {"A": A}, 6 + 150),
    ("sum(reshape(A, 3, 2)@[1, 0])", {"A": A}, 9),
    ("reshape(A, -1)[4]", {"A": A}, 5),
    ("sum(transpose(A, 1, 0)@[1, 0])", {"A": A}, 6),
    ("concat(x, [y, 5])[3]", {"x": [1, 2], "y": 3}, 5),
    ("sum(concat(A, A, axis=1)[0])", {"A": A}, 12),
    ("x@y", {"x": [1, 2], "y": [3, 4]}, 11),
    ("sum(x + y)", {"x": [[1], [2]], "y": [10, 20, 30]}, 129),
    ("f(x) = x.T@x; sum(f(A))", {"A": A}, 6**2 + 15**2),
    ("sum([1,\n 2,\n 3])*x", {"x": 2}, 12),
]


@pytest.mark.parametrize(("text", "values", "expected"), VALUES)
def test_values(text, values, expected):
    """The language of tensors means what NumPy means by it."""
    trace = gradcli.parse(text, given=values).forward(values)
    assert trace.value == pytest.approx(expected, rel=1e-15)
    assert isinstance(trace.value, float) and not isinstance(trace.value, np.generic)


@pytest.mark.parametrize(("text", "values", "expected"), VALUES)
def test_a_graph_is_written_as_it_is_read(text, values, expected):
    """What `text` writes is read back as the same graph."""
    graph = gradcli.parse(text, given=values)
    if graph.kinds and any(op.body for op in graph.kinds):
        return
    again = gradcli.parse(notation.text(graph), given=values)
    assert notation.text(again) == notation.text(graph)
    assert again.forward(values).value == graph.forward(values).value


GRADIENTS = [
    ("sum((W@x)^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]},
     {"W": [[0.088, 0.176], [0.104, 0.208]], "x": [-0.112, 0.636]}),
    ("sum(x@W + b)", {"x": [[1, 2], [3, 4], [5, 6]], "W": [[1, 0], [0, 1]], "b": [7, 8]},
     {"x": [[1, 1]] * 3, "W": [[9, 9], [12, 12]], "b": [3, 3]}),
    ("sum(A*c)", {"A": A, "c": 2}, {"A": [[2] * 3] * 2, "c": 21}),
    ("sum(A*c)", {"A": A, "c": [[1], [10]]}, {"A": [[1] * 3, [10] * 3], "c": [[6], [15]]}),
    ("A[1,2]*A[0,0]", {"A": A}, {"A": [[6, 0, 0], [0, 0, 1]]}),
    ("sum(A[:,1:]*A[:,1:])", {"A": A}, {"A": [[0, 4, 6], [0, 10, 12]]}),
    ("sum(relu(x))", {"x": [-1, 0, 2]}, {"x": [0, 0, 1]}),
    ("sum(max(x, 0))", {"x": [-1, 0, 2]}, {"x": [0, 0.5, 1]}),
    ("sum(where(x > 0, sqrt(x), 0))", {"x": [0, 4]}, {"x": [0, 0.25]}),
    ("sum(where(x > 0, log(x), x)[:1])", {"x": [-1, 4]}, {"x": [1, 0]}),
    ("sum(where(c, x, 1/x)*[1, 2])", {"c": [1, 0], "x": [0, 2]}, {"c": [0, 0], "x": [1, -0.5]}),
    ("layer(x, W, b) = relu(x@W + b); sum(layer(x, W, b))", {"x": [[1, 1]], "W": [[1, 2], [3, -4]], "b": [0, 0]},
     {"x": [[1, 3]], "W": [[1, 0], [1, 0]], "b": [1, 0]}),
    ("x@y", {"x": [1, 2], "y": [3, 4]}, {"x": [3, 4], "y": [1, 2]}),
    ("sum(x@Y)", {"x": [1, 2], "Y": [[3, 4], [5, 6]]}, {"x": [7, 11], "Y": [[1, 1], [2, 2]]}),
    ("sum(Y@x)", {"x": [1, 2], "Y": [[3, 4], [5, 6]]}, {"x": [8, 10], "Y": [[1, 2], [1, 2]]}),
    ("sum(concat(x, y)*[1, 2, 3])", {"x": [5], "y": [6, 7]}, {"x": [1], "y": [2, 3]}),
    ("sum([x, x*y])", {"x": 3, "y": 4}, {"x": 5, "y": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "expected"), GRADIENTS)
def test_gradients(text, values, expected):
    """Gradients have the shapes of their variables, and are right entry by entry."""
    _, gradients = gradcli.value_and_grad(text, values)
    for name, gradient in expected.items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=1e-14, atol=1e-15)
        assert np.shape(gradients[name]) == np.shape(values[name])


def test_a_list_of_numbers_is_one_constant():
    """`[[1,2],[3,4]]` is a constant node like any number, and equal texts are one node."""
    graph = gradcli.parse("sum(x@[[1,2],[3,4]]) + sum([[1,2],[3,4]])")
    assert list(graph.numbers.values()) == [Literal(((1.0, 2.0), (3.0, 4.0)), "[[1,2],[3,4]]")]
    assert len(graph.shown) == 5


def test_scalars_stay_floats():
    """A graph of numbers runs on Python's floats, whatever kind of number it is given."""
    trace = gradcli.parse("x*y").forward(x=np.float32(2), y=np.array(3))
    assert not trace.tensorial and type(trace.value) is float and type(trace.backward()["x"]) is float


FAULTS = [
    # text, values, message, part of the hint, what the caret marks
    ("sum(W@x)", {"W": [[1, 2], [3, 4]], "x": [1, 2, 3]}, "(2,2) @ (3,): inner 2 ≠ 3", "2", "@"),
    ("sum(A@B)", {"A": A, "B": A}, "(2,3) @ (2,3): inner 3 ≠ 2", "T", "@"),
    ("x + y*2", {"x": [1, 2], "y": [1, 2, 3]}, "(2,) + (3,): lengths 2 and 3 do not match", "equal or 1", "+"),
    ("x*y+1", {"x": A, "y": [1, 2]}, "(2,3) * (2,): lengths 3 and 2 do not match", "reshape(y, 2, 1)", "*"),
    ("2@x", {"x": [1, 2]}, "a scalar @ (2,): @ multiplies vectors and matrices", "*", "@"),
    ("x[3]", {"x": [1, 2]}, "index 3 is outside (2,)", "0 to 1", None),
    ("x[0,0]", {"x": [1, 2]}, "2 indices for (2,)", "1 ax", None),
    ("x[5:]", {"x": [1, 2]}, "this slice of (2,) is empty", "0 to 1", None),
    ("sum(x, axis=2)", {"x": [1, 2]}, "there is no axis 2", "axis 0", "sum"),
    ("reshape(x, 3)", {"x": [1, 2]}, "(2,) cannot be reshaped to (3,)", "2 entries", "reshape"),
    ("[x, y]", {"x": [1, 2], "y": 1}, "entry 2 of the list is a scalar, entry 1 is (2,)", "one shape", None),
    ("concat(x, y)", {"x": [1, 2], "y": A}, "concat of (2,) and (2,3) along axis 0", "equal", "concat"),
    ("g(x) = x@[1,2,3]; g(a)", {"a": [1, 2]}, "in g: (2,) @ (3,): inner 2 ≠ 3", "2", "g"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "message", "hint", "marked"), FAULTS)
def test_shape_errors(text, values, message, hint, marked):
    """A mismatch names both shapes, marks the operator, and says what would fit."""
    with pytest.raises(ShapeError) as caught:
        gradcli.parse(text, given=values).forward(values)
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")
    start, end = caught.value.span
    assert marked is None or text[start:end] == marked
    assert caught.value.status == 2


SYNTAX = [
    # text, part of the message, what is marked
    ("[1,[2]]", "mixed", None),
    ("x[", "", None),
    ("x[1.5]", "whole numbers", "[1.5]"),
    ("x[y]", "whole numbers", "[y]"),
    ("(x]", "cannot close", "]"),
    ("[x)", "cannot close", ")"),
    ("x]", "closes nothing", "]"),
    ("x[::0]", "step 0", "[::0]"),
    ("sum(x, axis=0.5)", "whole number", None),
    ("reshape(x, 1.5)", "whole numbers", "1.5"),
    ("reshape(x, y)", "whole numbers", "y"),
]


@pytest.mark.parametrize(("text", "message", "marked"), SYNTAX)
def test_syntax_errors(text, message, marked):
    """Text that is no list and no index is refused at its place."""
    with pytest.raises(ExpressionError) as caught:
        gradcli.parse(text)
    assert message in caught.value.message
    start, end = caught.value.span
    assert marked is None or text[start:end] == marked


def test_an_output_of_several_entries_needs_an_upstream():
    """Without one the error names the three ways out; with one, gradients are vector-Jacobian products."""
    trace = gradcli.parse("W@x").forward(W=[[1, 2], [3, 4]], x=[5, 6])
    with pytest.raises(NotScalarError, match=r"no scalar but \(2,\)") as caught:
        trace.backward()
    for way in ("sum(W@x)", '--upstream="[1,1]"', "gradcli jacobian"):
        assert way in caught.value.hint
    gradients = trace.backward([1, 10])
    np.testing.assert_array_equal(gradients["x"], [31, 42])
    np.testing.assert_array_equal(gradients["W"], [[5, 6], [50, 60]])
    with pytest.raises(ShapeError, match="upstream"):
        trace.backward([1, 2, 3])


def test_one_entry_needs_no_upstream():
    """An output of one entry, whatever its shape, is differentiated as it is, like PyTorch's."""
    assert gradcli.parse("x*[2]").forward(x=3).backward()["x"] == 2


@pytest.mark.parametrize("text", ["sum(x^2)", "sum(exp(x))", "sum(x*x)", "x@x", "sum([x, x][0]*x)"])
def test_a_trace_keeps_its_values(text):
    """Whatever becomes of the caller's arrays, a trace and its gradients stay as they were computed."""
    x = np.array([1.0, 2.0])
    trace = gradcli.parse(text).forward(x=x)
    expected = trace.backward()["x"]
    x[0] = 100
    np.testing.assert_array_equal(trace["x"], [1, 2])
    gradients = trace.backward()
    gradients["x"][0] = trace["x"][0] = 7
    np.testing.assert_array_equal(trace.backward()["x"], expected)
    np.testing.assert_array_equal(gradients["x"], expected)


def test_gradients_at_once_share_nothing():
    """`value_and_grad` hands out arrays that may be written to, none of them another's, of a text or of its graph."""
    graph = gradcli.parse("sum(x + y) + sum(x) + sum([1, 2]*z)")
    at = {name: np.array([1.0, 2.0]) for name in "xyz"}
    value, gradients = gradcli.value_and_grad(graph, at)
    assert value == 14
    for array in (*at.values(), *gradients.values()):
        np.add(array, 1, out=array)
    assert [gradients[name].tolist() for name in "xyz"] == [[3, 3], [2, 2], [2, 3]]
    assert gradcli.value_and_grad(graph.source, at)[0] == 23


def test_only_what_is_asked_for():
    """With `wrt`, gradients that nobody wants are not computed; the others are the same."""
    trace = gradcli.parse("sum(x@W)").forward(x=A, W=[[1.0], [2.0], [3.0]])
    some = trace.backward(wrt=["W"])
    np.testing.assert_array_equal(some["W"], trace.backward()["W"])
    assert list(some) == list(some.keys()) == ["W"] == list(dict(some.items()))
    with pytest.raises(UnknownCell, match="'x' was not worked out"):
        some["x"]
    assert dict(trace.backward(wrt=[]).items()) == {}


@pytest.mark.parametrize(
    "value", ["ab", ["a"], [[1, 2], [3]], [], [[]], [1j], [None], np.array([object()]), np.array(["1"])]
)
def test_values_that_are_no_arrays_of_numbers(value):
    """Text, ragged and empty lists, complex numbers and objects are refused by the variable's name."""
    with pytest.raises(UsageError, match="'x'"):
        gradcli.parse("sum(x)").forward(x=value)


def test_edges_of_tensors():
    """An elementwise edge holds the diagonal, a structural one its Jacobian; downstream has the parent's shape."""
    gradients = gradcli.parse("sum((W@x)^2)").forward(W=[[0.1, 0.5], [-0.3, 0.8]], x=[0.2, 0.4]).backward()
    into_w, into_x, square, total = sorted(gradients.edges(), key=lambda edge: (edge.child, edge.k))
    assert into_w.local is None and into_w.whole
    assert into_w.jacobian().shape == (2, 2, 2)
    np.testing.assert_allclose(into_x.jacobian(), [[0.1, 0.5], [-0.3, 0.8]])
    np.testing.assert_allclose(into_x.downstream, [-0.112, 0.636])
    np.testing.assert_allclose(square.local, [0.44, 0.52])
    np.testing.assert_allclose(total.jacobian(), [1, 1])


def test_nothing_raises_where_ieee_does_not():
    """Overflow is inf and a bad argument nan, without a warning."""
    trace = gradcli.parse("sum([1,0,0]*exp(x)) + 0*sum(log(x-1001))").forward(x=[0, 1000, 2000])
    assert np.isnan(trace.value)
    assert gradcli.parse("sum(1/x)").forward(x=[0.0, 1.0]).value == inf


def test_a_branch_not_taken_sends_nothing_not_even_nan():
    """0·nan never happens entry by entry, through elementwise ops, slices, reshapes and gates."""
    for text in (
        "sum(where(x > 0, sqrt(x), 0))",
        "sum(where(x > 0, reshape(sqrt(x.T), 2, 1)[:,0], 0))",
        "root(x) = sqrt(x); sum(where(x > 0, root(x), 0))",
        "sum(max(where(x > 0, sqrt(x), -1), 0))",
    ):
        _, gradients = gradcli.value_and_grad(text, x=[0.0, 4.0])
        np.testing.assert_array_equal(gradients["x"], [0, 0.25])


shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@given(shapes, shapes)
def test_broadcast_is_numpy_s(a, b):
    """Shapes broadcast, or do not, as NumPy's."""
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(gradcli.shapes.Mismatch):
            broadcast(a, b)
    else:
        assert broadcast(a, b) == expected


@given(shapes, st.integers(0, 2**16))
def test_unbroadcast_is_the_adjoint_of_broadcasting(shape, seed):
    """<broadcast(x), g> = <x, unbroadcast(g)>."""
    rng = np.random.default_rng(seed)
    full = tuple(n if n > 1 else int(rng.integers(1, 4)) for n in (2, *shape))
    x, g = rng.integers(-9, 9, shape), rng.integers(-9, 9, full)
    assert (np.broadcast_to(x, full) * g).sum() == (x * unbroadcast(g, shape)).sum()
    assert np.shape(unbroadcast(g, shape)) == shape


@pytest.mark.parametrize("text", ["sum(reshape(x, {}))", "sum([[[x]]])", "sum([x]*reshape(x, {}))"])
def test_a_tensor_has_at_most_32_axes(text):
    """What would have more axes is a limit that is told, whatever makes them."""
    at = np.ones((1,) * (30 if "[[[" in text else 1))
    with pytest.raises(LimitError, match="33 axes"):
        gradcli.parse(text.format(", ".join(["1"] * 33))).forward(x=at)


def test_deep_lists_and_indices_cost_no_stack():
    """10,000 transposes and brackets are read, run and written without recursion."""
    depth = 10_000
    graph = gradcli.parse("(" * depth + "sum(x" + ".T" * depth + ")" + ")" * depth)
    assert graph.forward(x=[1.0, 2.0]).backward()["x"].tolist() == [1, 1]
    with pytest.raises(GradcliError):
        gradcli.parse("[" * depth + "x" + "]" * depth).forward(x=1.0)


def test_nan_is_an_entry_like_any_other():
    """A nan in one entry leaves the others' gradients alone."""
    _, gradients = gradcli.value_and_grad("sum(x*x)", x=[nan, 2.0])
    assert np.isnan(gradients["x"][0]) and gradients["x"][1] == 4


MEANT_PRODUCTS = [
    (
        "W*x",
        [[1, 2], [3, 4]],
        [5, 6],
        "W*x goes entry by entry, each row by the vector; the matrix product is W@x",
    ),
    (
        "2*sum(x*W)",
        [[1, 2], [3, 4]],
        [5, 6],
        "x*W goes entry by entry, each row by the vector; the matrix product is x@W",
    ),
    ("W*x", [[1, 2], [3, 4], [5, 6]], [5, 6], "the matrix product is W@x"),
    ("x*W", [[1, 2], [3, 4], [5, 6]], [5, 6], ""),  # x@W does not fit
    ("W*x", [[1, 2], [3, 4]], [[1, 2], [3, 4]], ""),  # two matrices of one shape: entry by entry is what * is for
    ("relu(W)*x", [[1, 2], [3, 4]], [5, 6], ""),  # what was computed is scaled on purpose
    ("W@x", [[1, 2], [3, 4]], [5, 6], ""),
]


@pytest.mark.parametrize(("text", "W", "x", "note"), MEANT_PRODUCTS)
def test_a_star_between_a_matrix_and_a_vector_is_noted(text, W, x, note):
    """Where @ would fit as well, a note says that * is another product, once; elsewhere nothing is said."""
    trace = gradcli.parse(f"sum({text})").forward(W=W, x=x)
    notes = build(trace.backward()).notes
    assert len(notes) == bool(note)
    assert note in "".join(notes)
