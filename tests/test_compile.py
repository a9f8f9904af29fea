"""gradcli.compile: a formula as a fast function, for floats, arrays of points, and tensors."""

from __future__ import annotations

import math
import pickle
import sys
import threading

import numpy as np
import pytest

import gradcli
from gradcli import value_and_grad
from gradcli.errors import ExpressionError, GradcliError, NotScalarError, ShapeError, UsageError

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
AT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
ENGINES = ("auto", "python", "numpy")
each_engine = pytest.mark.parametrize("engine", ENGINES)


def alike(found, wanted):
    """Whether a value and its gradients are those wanted, inf and nan in their places, to the last bits."""
    value, gradients = found
    assert list(gradients) == list(wanted[1])
    np.testing.assert_allclose(value, wanted[0], rtol=1e-14)
    for name, expected in wanted[1].items():
        np.testing.assert_allclose(gradients[name], expected, rtol=1e-13, err_msg=name)
    return True


@each_engine
def test_floats(engine):
    """One point: positional in the order of the text, by name, or as a mapping; floats come out."""
    f = gradcli.compile(NEURON, engine=engine)
    assert f.variables == f.wrt == tuple(AT)
    wanted = value_and_grad(NEURON, AT)
    for found in (f(*AT.values()), f(**AT), f(AT), f(2.0, -1, w1=-3, x1=np.float64(-2), w2=np.array(-3.0))):
        assert alike(found, wanted)
        assert type(found[0]) is float and {*map(type, found[1].values())} == {float}


@each_engine
def test_arrays_are_points(engine):
    """Of a formula of numbers, arrays are many points, entry by entry, in the shape that they broadcast to."""
    f = gradcli.compile("x*y^2+sin(x)", engine=engine)
    x, y = np.array([[0.5], [1.0], [-2.0]]), [1.0, 2.0, 3.0, 4.0]
    value, gradients = f(x, y)
    assert value.shape == gradients["x"].shape == gradients["y"].shape == (3, 4)
    y = np.array(y)
    assert alike((value, gradients), (x * y**2 + np.sin(x), {"x": y**2 + np.cos(x), "y": 2 * x * y}))
    assert alike(f(x=2, y=np.float32([1.0, 3.0])), f(2.0, [1.0, 3.0]))


@each_engine
def test_nothing_raises_at_a_point(engine):
    """inf and nan are as IEEE 754 and the engine have them, for floats and in arrays; conventions too."""
    texts = (
        "1/x",
        "log(x)",
        "sqrt(x)",
        "exp(1/x)",
        "x^0.5",
        "x^2",
        "x^-1",
        "abs(x)",
        "where(x>0,log(x),0)",
        "max(x,1)",
        "gamma(x)",
    )
    special = [0.0, -0.0, 1.0, -1.0, 1e-320, 1e308, 800.0, math.inf, -math.inf, math.nan]
    for text in texts:
        f = gradcli.compile(text, engine=engine)
        value, gradients = f(special)
        for k, x in enumerate(special):
            wanted = value_and_grad(text, x=x)
            assert alike(f(x), wanted), (text, x)
            assert alike((value[k], {"x": gradients["x"][k]}), wanted), (text, x)


def test_only_the_gradients_wanted():
    """wrt names the gradients, in its order; one name does for one."""
    f = gradcli.compile("x*y*z", wrt=["z", "x"])
    assert f(2.0, 3.0, 5.0) == (30.0, {"z": 6.0, "x": 15.0})
    assert gradcli.compile("x*y", "y")(2.0, 3.0) == (6.0, {"y": 2.0})
    assert gradcli.compile("x*y", wrt=())([2.0], 3.0)[1] == {}
    assert gradcli.compile("x*y", wrt=(name for name in "yx"))(2.0, 3.0) == (6.0, {"y": 2.0, "x": 3.0})


def test_fixed_values():
    """What is fixed is no argument, and has no gradient unless it is asked for."""
    f = gradcli.compile("a*x+pi", fixed={"a": 3})
    assert f.variables == ("x",) and f(2.0) == (6 + math.pi, {"x": 3.0})
    assert gradcli.compile("a*x", wrt=["a"], fixed={"a": 3})(2.0) == (6.0, {"a": 2.0})
    assert gradcli.compile("a*x", fixed={"a": 3, "x": 2})() == (6.0, {})
    with pytest.raises(UsageError, match="'a' is fixed"):
        f(x=1.0, a=2.0)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("sum((W@x)^2)", {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [1.0, -1.0]}),
        (
            "softmax_cross_entropy(x@W+b, t)",
            {"x": np.ones((4, 3)), "W": np.eye(3), "b": [0.1, 0.2, 0.3], "t": [0, 1, 2, 0]},
        ),
        ("mse(y, t)", {"y": [1.0, 2.0, 4.0], "t": [1.0, 1.0, 1.0]}),
        ("norm([x, y])", {"x": [1.0, 2.0], "y": [3.0, 4.0]}),
        ("norm([x, y])", {"x": 3.0, "y": 4.0}),
        ("mean(x)*2", {"x": [0.0, 1.0]}),
    ],
)
def test_tensors_are_one_evaluation(text, given):
    """Where the formula works on whole tensors, arrays are its tensors, as in value_and_grad; again and again."""
    f = gradcli.compile(text)
    assert f.rows is False or not f.formula.tensorial
    for _ in range(2):
        assert alike(f(given), value_and_grad(text, given))
    names = list(given)[:1]
    wanted = value_and_grad(text, given)
    assert alike(gradcli.compile(text, wrt=names)(given), (wanted[0], {names[0]: wanted[1][names[0]]}))


def test_a_fixed_tensor_has_a_gradient():
    """With a fixed matrix, a call is one evaluation of the tensors; its gradient is there if wanted."""
    f = gradcli.compile("sum(W@x)", wrt=["W", "x"], fixed={"W": [[1.0, 2.0], [3.0, 4.0]]})
    value, gradients = f([1.0, 2.0])
    assert value == 16.0 and gradients["W"].tolist() == [[1.0, 2.0], [1.0, 2.0]]
    assert gradients["x"].tolist() == [4.0, 6.0]


@each_engine
@pytest.mark.parametrize("text", ["norm([x,y])", "softmax([x,y,1])[0]", "mse([x,y],[1,2])", "max([x,y])", "mse(x,y)"])
def test_rows_of_tensors(text, engine):
    """With rows, the entries of arrays are points also where the formula makes tensors of them; kinks included."""
    f = gradcli.compile(text, rows=True, engine=engine)
    x, y = np.array([0.0, 3.0, 1.0, 1e-200]), np.array([0.0, 4.0, 1.0, 1e-200])
    value, gradients = f(x, y)
    for k in range(4):
        wanted = value_and_grad(text, x=x[k], y=y[k])
        assert alike((value[k], {name: g[k] for name, g in gradients.items()}), wanted)
        assert alike(f(float(x[k]), float(y[k])), wanted)


def test_rows_of_large_tensors():
    """Tensors too large for code are evaluated by the engine, point by point."""
    W = np.random.default_rng(1).normal(size=(150, 150))
    f = gradcli.compile("sum(tanh((x*W)@W))", fixed={"W": W}, rows=True)
    value, gradients = f([0.1, 0.2])
    wanted = value_and_grad("sum(tanh((x*W)@W))", W=W, x=0.2)
    assert value[1] == pytest.approx(wanted[0], rel=1e-12)
    assert gradients["x"][1] == pytest.approx(wanted[1]["x"], rel=1e-12)


def test_results_are_the_callers():
    """Two calls return different arrays; with reuse the same ones, in each thread its own."""
    x = np.arange(5.0)
    f, again = gradcli.compile("x^2"), gradcli.compile("x^2", reuse=True)
    first, second = f(x), f(x + 1)
    assert first[0].tolist() == [0, 1, 4, 9, 16] and second[0].tolist() == [1, 4, 9, 16, 25]
    first, second = again(x), again(x + 1)
    assert first[0] is second[0] and first[1]["x"] is second[1]["x"]
    assert first[0].tolist() == [1, 4, 9, 16, 25]
    assert again(np.ones((2, 2)))[0].shape == (2, 2)
    others = []
    worker = threading.Thread(target=lambda: others.append(again(np.ones((2, 2)))[0]))
    worker.start()
    worker.join()
    assert others[0] is not again(np.ones((2, 2)))[0]


def test_memory_of_what_is_dropped_is_used_again():
    """Large results take the memory of earlier ones, but never of one of which somebody holds a part."""
    f, x = gradcli.compile("x^2"), np.arange(100_000.0)
    kept = f(x)[1]["x"].reshape(100, 1000)[50:, ::-1][1:3, :7]
    before = kept.copy()
    places = set()
    for shift in range(6):
        value, gradients = f(x + shift)
        places |= {value.ctypes.data, gradients["x"].ctypes.data}
        assert np.array_equal(value, (x + shift) ** 2) and not np.may_share_memory(value, gradients["x"])
    assert np.array_equal(kept, before)
    assert len(places) <= 4
    del value, gradients
    assert f(x[:80_000])[0].shape == (80_000,)


def test_reused_results_may_be_the_next_input():
    """A step of descent may be written with the arrays that the function returned last."""
    f = gradcli.compile("(x-3)^2*y", reuse=True)
    value, gradients = f(np.array([1.0, 5.0]), np.array([1.0, 2.0]))
    found = f(gradients["x"], value)
    assert found[0].tolist() == [(-4.0 - 3) ** 2 * 4, (8.0 - 3) ** 2 * 8]
    assert found[1]["x"].tolist() == [2 * -7 * 4, 2 * 5 * 8]


def test_pickled():
    """A function is packed by its text, and compiled again where it is unpacked."""
    f = gradcli.compile("a*x^2+sum(W)", wrt=["x"], fixed={"a": 2.0, "W": [1.0, 2.0]}, rows=True, reuse=True)
    g = pickle.loads(pickle.dumps(f))  # noqa: S301 - our own
    assert alike(g([1.0, 2.0]), f([1.0, 2.0])) and (g.wrt, g.rows, g.reuse) == (("x",), True, True)
    fixed = {"a": 2.0}
    f, fixed["a"] = gradcli.compile("a*x", fixed=fixed), 3.0
    assert f(1.0) == pickle.loads(pickle.dumps(f))(1.0) == (2.0, {"x": 2.0})  # noqa: S301 - our own
    assert repr(gradcli.compile("x*y")) == "<x*y of x, y, compiled>"


def test_in_many_threads():
    """One function serves several threads at once."""
    f, wrong = gradcli.compile(NEURON), []

    def work(seed):
        given = np.random.default_rng(seed).normal(size=(5, 40_000))
        wanted = gradcli.compile(NEURON, engine="numpy")(*given)[0]
        for _ in range(4):
            if not np.array_equal(f(*given)[0], wanted):
                wrong.append(seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


@pytest.mark.parametrize("empty", [[], np.empty((0, 3))])
def test_no_points(empty):
    """No points give no results, in the same shape."""
    value, gradients = gradcli.compile("x*y")(empty, 2.0)
    assert value.shape == gradients["y"].shape == np.shape(empty)


ENDLESS: list = []
ENDLESS.append(ENDLESS)

WRONG = (
    (lambda: gradcli.compile("x*"), ExpressionError, "ends after"),
    (lambda: gradcli.compile("x*y", wrt=["z"]), UsageError, "no variable 'z'"),
    (lambda: gradcli.compile("x*y", fixed={"a": 1}), UsageError, "no variable 'a'"),
    (lambda: gradcli.compile("x*y", engine="fast"), UsageError, "no engine 'fast'"),
    (lambda: gradcli.compile("x*y")(1.0), UsageError, "no value for y"),
    (lambda: gradcli.compile("x*y")(1.0, 2.0, 3.0), UsageError, "3 values for 2"),
    (lambda: gradcli.compile("x*y")(1.0, x=2.0), UsageError, "'x' is given twice"),
    (lambda: gradcli.compile("x*y")(x=1.0, z=2.0), UsageError, "no value for y"),
    (lambda: gradcli.compile("x*y")(x=1.0, y=1.0, z=2.0), UsageError, "no variable 'z'"),
    (lambda: gradcli.compile("x*y")("1", 2.0), UsageError, "'x' is no number"),
    (lambda: gradcli.compile("x*y")([1.0, 1j], 2.0), UsageError, "complex"),
    (lambda: gradcli.compile("x*y")([1.0, 2.0], [1.0, 2.0, 3.0]), ShapeError, r"x is \(2,\), y is \(3,\)"),
    (lambda: gradcli.compile("x*y")(np.ones((1,) * 40), 2.0), ShapeError, "do not broadcast"),
    (lambda: gradcli.compile("x*y")(ENDLESS, 2.0), UsageError, "more than 64 axes"),
    (lambda: gradcli.compile("[x,y]")(1.0, 2.0), NotScalarError, "no scalar"),
    (lambda: gradcli.compile("W@x")([[1.0, 2.0]], [1.0]), ShapeError, "@"),
    (lambda: gradcli.compile("softmax_cross_entropy([x,1],k)", rows=True)([1.0, 2.0], [0, 5]), UsageError, "point 1"),
)


@pytest.mark.parametrize(("wrong", "kind", "said"), WRONG, ids=[said for *_, said in WRONG])
def test_mistakes(wrong, kind, said):
    """What is wrong is said, as the errors of gradcli."""
    with pytest.raises(kind, match=said):
        wrong()


# ── numba ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_numba_is_missing(monkeypatch):
    """Without numba, asking for it is an error with the command that installs it."""
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(UsageError, match="numba") as caught:
        gradcli.compile("x*y", engine="numba")
    assert caught.value.hint == "pip install numba" and caught.value.status == 2


def test_numba():
    """Machine code has the same doubles, on arrays of any layout, with numbers beside them; special values too."""
    pytest.importorskip("numba")
    text = "1/(1+exp(-x*y))+where(x>y,log(x),y)*floor(x)+cbrt(x)"
    f, g = gradcli.compile(text, engine="numba"), gradcli.compile(text)
    x, y = np.random.default_rng(3).normal(size=(2, 5000))
    x[:8], y[:8] = [0, 1, -1, np.inf, -np.inf, np.nan, 0, 800], [0, -0.0, np.inf, 2, 3, 0, np.nan, -800]
    for at in ((x, y), (x[::2], y[::-2])):
        (value, gradients), wanted = f(*at), g(*at)
        np.testing.assert_allclose(value, wanted[0], rtol=1e-14, atol=1e-14)
        for name, expected in wanted[1].items():
            np.testing.assert_allclose(gradients[name], expected, rtol=1e-13, atol=1e-14, err_msg=name)
    assert alike(f(2.0, 3.0), g(2.0, 3.0))
    assert f(np.empty(0), 1.0)[0].shape == (0,)


def test_numba_leaves_points_to_the_engine():
    """Rows of tensors at a kink are the engine's, in machine code too, and in several threads."""
    pytest.importorskip("numba")
    f = gradcli.compile("norm([x,y])", rows=True, engine="numba", reuse=True)
    given = np.array([[3.0, 0.0, 1e-200], [4.0, 0.0, 1e-200]])
    found = []
    workers = [threading.Thread(target=lambda: found.append(f(*given))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for each in found:
        assert alike(each, gradcli.compile("norm([x,y])", rows=True)(*given))


@pytest.mark.parametrize("text", ["gelu(x)", "gamma(x)", "lgamma(x)", "logaddexp(x,1)"])
def test_what_numba_cannot_compile(text):
    """Functions that numba would compute with fewer digits are refused, by name."""
    pytest.importorskip("numba")
    with pytest.raises(GradcliError, match="numba cannot compile") as caught:
        gradcli.compile(text, engine="numba")
    assert caught.value.hint == 'engine="numpy" runs it'
