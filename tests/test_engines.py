"""Engines agree with the engine: every row of the op table, as each of them runs it.

What is expected are the values and gradients of graph.forward().backward(), which test_ops.py and test_tensor_ops.py
hold against sympy, ball arithmetic, PyTorch and differences.
"""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import product

import numpy as np
import pytest

from gradcli.autodiff import forward
from gradcli.engines import exact, running
from gradcli.engines import numpy as columns
from gradcli.engines import python as points
from gradcli.engines.formula import Formula, formula
from gradcli.errors import NotScalarError
from gradcli.graph import Builder
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems.cells import NotUnrolled
from gradcli.systems.dialects.numpy import NUMPY

NUMERIC = [op for op in TABLE.values() if not op.structural and op.parameters]
WHOLE = [op for op in TABLE.values() if op.structural and op.samples]
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -2.5, 1e-300, 1e300, 5e-324, math.inf, -math.inf, math.nan)
RTOL = 1e-13
SLOW = {"gamma", "lgamma", "digamma", "polygamma", "logaddexp"}
each_numeric = pytest.mark.parametrize("op", NUMERIC, ids=lambda op: op.name)
each_whole = pytest.mark.parametrize("op", WHOLE, ids=lambda op: op.name)


def of_row(op: Op, width: int | None = None) -> Formula:
    """A formula of one op on as many variables as it takes."""
    builder = Builder()
    many = width or len(op.parameters)
    inputs = tuple(builder.input(f"x{k}") for k in range(many))
    graph = builder.finish(builder.add(op, inputs))
    return Formula(graph, {}, tuple(graph.inputs))


def expected(each: Formula, point):
    """The engine's own value and gradients at a point."""
    trace = forward(each.graph, {**each.fixed, **dict(zip(each.variables, point, strict=True))})
    gradients = trace.backward()
    return [trace.value, *(gradients[name] for name in each.wrt)]


def drawn(op: Op, width: int, many: int, seed: int):
    """Random points of an op, inside its domain or not; where it takes a whole number first, that."""
    rng = np.random.default_rng(seed)
    at = rng.normal(size=(many, width)) * rng.choice([0.1, 1, 10, 300], size=(many, 1))
    if "n" in op.parameters:
        at[:, 0] = rng.integers(0, 4, many)
    return at


def assert_close(found, wanted, what):
    for one, other in zip(found, wanted, strict=True):
        same = one == other or (math.isnan(one) and math.isnan(other))
        assert same or math.isclose(one, other, rel_tol=RTOL, abs_tol=1e-321), (what, found, wanted)


@each_numeric
def test_columns_of_every_row(op):
    """NumPy in chunks has the engine's doubles at samples, at random points and where IEEE 754 has inf and nan."""
    for width in (2, 3) if op.variadic else (len(op.parameters),):
        each = of_row(op, width)
        at = [*drawn(op, width, 20 if op.name in SLOW else 60, 1)]
        at += [point for point in op.samples if len(point) == width]
        at += [*product(SPECIAL, repeat=width)][:: 1 if width < 2 else 4 if width < 3 else 37]
        found, doubtful = columns.function(each, False)(*np.array(at, dtype=float).T.copy())
        assert doubtful is None
        for k, point in enumerate(at):
            assert_close([column[k] for column in found], expected(each, map(float, point)), (op.name, point))


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("sigmoid", (-720.0,)),
        ("sigmoid", (-745.0,)),
        ("logaddexp", (-0.6931471805599453, -0.6931471805599453)),
        ("logaddexp", (1e-9, -20.5)),
        ("logaddexp", (-40.0, -1e-18)),
        ("where", (math.nan, 1.0, 2.0)),
        ("clip", (math.nan, 0.0, 1.0)),
        ("lgamma", (2.0000001,)),
        ("softplus", (-700.0,)),
    ],
)
def test_points_that_need_care(name, at):
    """Where NumPy's own function, or the formula as it stands, would lose digits, a column has the engine's."""
    each = of_row(TABLE[name])
    found, _ = columns.function(each, False)(*(np.array([1.5, x]) for x in at))
    assert_close([column[1] for column in found], expected(each, at), (name, at))


@each_numeric
def test_points_of_every_row(op):
    """Plain Python has them too, or says that the engine has to be asked."""
    each = of_row(op)
    point, many = points.function(each), 0
    for given in [*op.samples, *drawn(op, len(op.parameters), 20, 2)]:
        at = [*map(float, given)]
        if len(at) != len(op.parameters):
            continue
        try:
            *found, sound = point(*at)
        except points.RAISED:
            sound = False
        if sound:
            many += 1
            assert_close(found, expected(each, at), (op.name, at))
    assert many


@each_numeric
def test_doubtful_points_of_every_row(op):
    """A point that is not said to be doubtful has finite results, and nothing is wrong with it to the engine."""
    width = len(op.parameters)
    each = of_row(op)
    at = np.array([*drawn(op, width, 30, 3), *[*product(SPECIAL, repeat=width)][:: 1 if width < 2 else 7]])
    _, doubtful = columns.function(each)(*at.T.copy())
    for k, point in enumerate(at):
        wrong = exact.evaluated(each, [*map(float, point)]).error != ""
        assert not wrong or doubtful[k], (op.name, point)


def unfolded(op: Op, at) -> tuple[Formula, list[float]]:
    """A formula of one op on tensors of variables, its entries weighed and summed; and the values of the variables."""
    builder, numbers, inputs = Builder(), [], []
    stack = TABLE["stack"]

    def built(value):
        if isinstance(value, list):
            return builder.add(stack, tuple(map(built, value)))
        numbers.append(float(value))
        return builder.input(f"x{len(numbers) - 1}")

    inputs = [built(value) for value in at]
    y = builder.add(op, tuple(inputs))
    shape = op.shape(*map(np.shape, at), **op.bound)
    if shape:
        weights = np.linspace(0.5, 2.0, math.prod(shape)).reshape(shape)
        nested = weights.tolist()
        while isinstance(nested, list) and isinstance(nested[0], list):
            nested = nested if not isinstance(nested, list) else tuple(map(tuple_of, nested))
        weighed = builder.add(TABLE["mul"], (y, builder.constant("w", nested if len(shape) > 1 else tuple(nested))))
        y = builder.add(TABLE["sum"], (weighed,))
    graph = builder.finish(y)
    return Formula(graph, {}, tuple(graph.inputs)), numbers


def tuple_of(value):
    return tuple(map(tuple_of, value)) if isinstance(value, list) else value


@each_whole
def test_tensors_of_numbers_of_every_row(op):
    """An op on whole tensors, written as code of their entries, passes down what the engine does."""
    rng = np.random.default_rng(4)
    for at in op.samples:
        each, numbers = unfolded(op, at)
        moved = [numbers]
        if not op.labels and "t" not in op.parameters:
            moved += [
                [x + shift for x, shift in zip(numbers, rng.normal(size=len(numbers)), strict=True)] for _ in "123"
            ]
        run, point = columns.function(each), points.function(each)
        found, doubtful = run(*np.array(moved).T.copy())
        for k, values in enumerate(moved):
            if doubtful is not None and doubtful[k]:
                continue
            scale = max(map(abs, [1e-300, *expected(each, values)]))
            for got in ([column[k] for column in found], [*point(*values)][:-1]):
                assert np.allclose(got, expected(each, values), rtol=1e-12, atol=1e-13 * scale), (op.name, values)


# ── tensors ─────────────────────────────────────────────────────────────────────────────────────────────────

UNROLLED = (
    ("norm([x,y])", {}),
    ("softmax([x,y,z])[0]", {}),
    ("sum((W@[x,y])^2)", {"W": [[0.5, -1.0], [2.0, 0.25], [1.0, 3.0]]}),
    ("affine([x,y],W,b)@[1,-2]", {"W": [[1.0, 2.0], [0.5, -1.0]], "b": [0.1, 0.2]}),
    ("softmax_cross_entropy([x,y,z],1)", {}),
    ("softmax_cross_entropy([x,y,z],[0,1,0])", {}),
    ("log_softmax([x,y,z])[1]*z", {}),
    ("max([x,y,z])+min([x,y])", {}),
    ("prod([x,y,z])", {}),
    ("mean(relu([x,y,z]))", {}),
    ("trace([[x,y],[z,1]]@[[x,z],[1,y]])", {}),
    ("g(a,b)=max(a,b)*a; sum(g([x,y],[z,1]))", {}),
    ("h(v)=sum(v*v); h([x,y])*z", {}),
    ("mse([x,y],[z,1])", {}),
    ("sum(where([x,y]>0,log([x,y]),0))", {}),
    ("sum([x,y].T*[1,2]+[[z],[x]])", {}),
    ("sum(concat([x,y],[z])[1:])", {}),
)


@pytest.mark.parametrize(("text", "fixed"), UNROLLED, ids=[text for text, _ in UNROLLED])
def test_tensors_over_points(text, fixed):
    """A formula that builds tensors from numbers is code of numbers for every engine."""
    each = formula(
        text, fixed=fixed, wrt=[name for name in "xyz" if name in text.replace("exp", "").replace("max", "")]
    )
    at = np.random.default_rng(5).normal(size=(40, len(each.variables)))
    found, doubtful = columns.function(each)(*at.T)
    point = points.function(each)
    assert doubtful is None
    for k, values in enumerate(at.tolist()):
        wanted = expected(each, values)
        for got in ([column[k] for column in found], point(*values)[:-1]):
            assert np.allclose(got, wanted, rtol=1e-12, atol=1e-13 * max(map(abs, wanted))), values


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("norm([x,y])", (0.0, 0.0)),
        ("norm([x,y])", (1e-200, 1e-200)),
        ("norm([x,y])", (1e200, 1e200)),
        ("prod([x,y,2])", (0.0, 3.0)),
        ("prod([x,y,1e300])", (1e-200, 1e-200)),
        ("1/mean([x,y])", (1.5e308, 1.5e308)),
        ("sum(sqrt([x,y]))", (-1.0, 2.0)),
        ("exp(-1/sum(log([x,y])))", (0.0, 1.0)),
        ("softmax_cross_entropy([x,y],k)", (1.0, 2.0, 7.0)),
        ("softmax_cross_entropy([x,y],k)", (1.0, 2.0, 0.5)),
    ],
)
def test_what_arrays_would_have_scaled_is_doubtful(text, at):
    """Where the engine scales a sum, or a domain ends, code of numbers leaves the point to it."""
    each = formula(text)
    _, doubtful = columns.function(each)(*(np.array([value, 1.0]) for value in at))
    assert doubtful is not None and doubtful[0]
    with suppress(points.RAISED):
        assert not points.function(each)(*at)[-1]


def test_tensors_too_large_for_code():
    """A formula whose tensors would be very long code is refused, by name; so is a gradient that is no number."""
    with pytest.raises(NotUnrolled, match="entries"):
        columns.function(formula("sum(W)*x", fixed={"W": np.ones(30_000)}))
    for text in ("sum((x*W)@W)", "sum((W@W)*x)"):
        with pytest.raises(NotUnrolled, match="steps"):
            columns.function(formula(text, fixed={"W": np.ones((120, 120))}))
    with pytest.raises(NotScalarError, match="gradient of W"):
        columns.function(formula("sum(W)*x", fixed={"W": [1.0, 2.0]}, wrt=["W"]))
    with pytest.raises(NotScalarError):
        columns.function(formula("[x,y]"))


def test_only_active_nodes_have_to_be_inside_their_domains():
    """The branch not taken may be outside its domain: no point is doubtful for it."""
    at = np.array([-2.0, -1.0, 0.5, 2.0])
    for text in ("where(x>0,log(x),x)", "sum(where([x]>0,log([x]),[x]))", "max(x, 1/(x+2)*0)"):
        _, doubtful = columns.function(formula(text))(at)
        wrong = [exact.evaluated(formula(text), [x]).error != "" for x in at]
        assert (np.zeros(4, bool) if doubtful is None else doubtful).tolist() == wrong


def test_long_formulas():
    """Thousands of variables and of steps are no more than that: no recursion, and time in proportion."""
    each = formula("+".join(f"sin(x{k})*{k % 10}.5" for k in range(4000)))
    at = np.linspace(-1.0, 1.0, 4000).tolist()
    wanted = expected(each, at)
    assert_close(points.call(each)(*at)[1].values(), wanted[1:], "the gradients")
    each = formula("+".join(f"sin(x{k})*{k % 10}.5" for k in range(500)))
    found, doubtful = columns.function(each)(*[np.array([x, 0.0]) for x in at[:500]])
    assert_close([column[0] for column in found], expected(each, at[:500]), "a column")
    assert doubtful is None
    chain = formula("x" + "*1.01+0.1" * 4000, wrt=["x"])
    assert columns.function(chain, False).temporaries <= 1


def test_no_text_of_the_users_is_in_the_code(monkeypatch):
    """Names, labels and literals of the user's reach no interpreter: only words of the table, numbers, our names."""
    texts = []
    genuine = running.function
    monkeypatch.setattr(running, "function", lambda *x: texts.append(x[1]) or genuine(*x))
    each = formula("f(lambda_)=lambda_*2; __class__ = f(exec)+eval; __class__*open")
    columns.function(each)
    points.function(each)
    assert points.call(each)(2.0, 3.0, 5.0) == (35.0, {"exec": 10.0, "eval": 5.0, "open": 7.0})
    columns.function(formula("sum([__class__,exec])"))
    assert len(texts) == 4
    for written in texts:
        for word in ("exec", "eval", "open", "__", "import", "lambda"):
            assert word not in written.replace(".__class__ is float", "")


def test_words_are_called_as_they_are():
    """Every word of the code is in the table's own columns, so that nothing else can be called."""
    spelled = {op.spelled.get("numpy") or op.spelled.get("floats") for op in NUMERIC}
    for op in NUMERIC:
        coded = of_row(op).code(NUMPY, {name: name for name in of_row(op).variables})
        assert {line.pattern.partition("(")[0] for line in coded.m.lines if line.parts} <= spelled
