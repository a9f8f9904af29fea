"""The rows of tensors, layers and losses check themselves: a new row is tested by being there.

Expected numbers come from PyTorch (tests/references/torch_ops.py), from hand-checked points, from central differences,
and from the float system, entry by entry; none from the rules under test.
"""

from __future__ import annotations

import itertools
import json
import re
from fractions import Fraction
from math import exp, inf, isnan, isqrt, log, nan, prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradcli import notation, parse, reference, verify
from gradcli.derivatives import hessian
from gradcli.errors import ExpressionError, GradcliError, LimitError, UsageError
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.shapes import broadcast, unbroadcast
from gradcli.systems.arrays import ARRAYS
from gradcli.systems.floats import FLOATS

REFERENCES = json.loads((Path(__file__).parent / "references" / "torch_ops.json").read_text(encoding="utf-8"))["cases"]

ROWS = [op for op in TABLE.values() if op.structural]
NUMERIC = [op for op in TABLE.values() if not op.structural and op.parameters]
SAMPLES = [(op, at) for op in ROWS for at in op.samples]
each_row = pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
each_numeric_row = pytest.mark.parametrize("op", NUMERIC, ids=lambda op: op.name)
each_sample = pytest.mark.parametrize(
    ("op", "at"), SAMPLES, ids=[f"{op.name}-{op.samples.index(at)}" for op, at in SAMPLES]
)


def tensors(at):
    return [np.asarray(value, dtype=float)[()] for value in at]


def value(op: Op, x):
    with ARRAYS.quiet():
        return ARRAYS.functions[op](*x)


def pulled(op: Op, k: int, g, x):
    """The downstream gradient of input k; 0 where its entries are not chosen."""
    with np.errstate(all="ignore"):
        passed = ARRAYS.pull(op, k, g, None, value(op, x), x)
    if passed is None:
        return np.zeros(np.shape(x[k]))
    down, mask = passed
    return down if mask is None else np.where(mask, down, 0.0)


# ── what a row says ─────────────────────────────────────────────────────────────────────────────────────────


@each_row
def test_a_row_documents_itself(op):
    """Every row has its sentence, shapes, LaTeX with all its inputs, source, samples and hand-checked points."""
    assert op.doc and op.latex and op.group and op.source and op.fits and op.samples and op.checks and op.shown
    used = set(re.findall(r"#([0-9*])", op.latex))
    assert used == {"*"} or used == {str(k + 1) for k in range(len(op.parameters))}
    assert op.kinks is None or op.convention, "a kink needs its convention in words"
    assert op.role, "what it does to its upstream, in words"
    assert all(op.accepts(len(at)) for at in op.samples)
    page = reference.entry(op)
    assert page.definition and page.shapes and page.structural
    assert [each.shown is not None for each in page.derivatives] == [op.passes(k) for k in range(len(op.parameters))]


@each_row
def test_hand_checked_points(op):
    """Values, and gradients for an upstream of ones, agree with published or hand-computed numbers."""
    for check in op.checks:
        x = tensors(check.at)
        y = value(op, x)
        assert np.shape(y) == np.shape(check.value)
        assert y == pytest.approx(np.asarray(check.value), rel=1e-14, abs=1e-300)
        for k, expected in enumerate(check.partials):
            if expected is not None:
                down = pulled(op, k, np.ones(np.shape(y))[()], x)
                assert np.shape(down) == np.shape(x[k])
                assert down == pytest.approx(np.asarray(expected), rel=1e-14, abs=1e-15)


@each_sample
def test_shapes_are_inferred_as_they_are_computed(op, at):
    """The shape that a row infers is the shape of what it computes; a scalar is a float."""
    y = value(op, tensors(at))
    assert op.shape(*map(np.shape, tensors(at)), **op.attributes) == np.shape(y)
    assert isinstance(y, float) == (np.shape(y) == ())


@each_sample
def test_definition_and_stable_form_agree(op, at):
    """What floats compute is the definition, where that neither overflows nor loses digits."""
    x = tensors(at)
    with np.errstate(all="ignore"):
        defined = np.asarray(op.definition(ARRAYS, *x))
    if op.stable is not None and np.isfinite(defined).all():
        assert np.asarray(value(op, x)) == pytest.approx(defined, rel=1e-13, abs=1e-15)


@each_sample
def test_gradients_agree_with_differences(op, at):
    """Central differences of the value, weighted by an upstream gradient, reach the downstream gradient."""
    x = tensors(at)
    shape = np.shape(value(op, x))
    g = np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)[()]
    for k in range(len(x)):
        if not op.passes(k) or (op.labels and np.shape(x[k]) != np.shape(x[0])):
            continue
        down = np.asarray(pulled(op, k, g, x))
        for place in np.ndindex(np.shape(x[k])):
            h = 1e-5 * max(abs(float(x[k][place])), 1e-3)
            moved = [np.array(x[k]), np.array(x[k])]
            moved[0][place] += h
            moved[1][place] -= h
            up, low = (np.sum(g * value(op, [*x[:k], each[()], *x[k + 1 :]])) for each in moved)
            slope = (up - low) / (float(moved[0][place]) - float(moved[1][place]))
            room = 4 * np.spacing(max(abs(up), abs(low), 1e-300)) / h
            assert down[place] == pytest.approx(slope, rel=1e-6, abs=room + 1e-9), (k, place)


@each_row
def test_the_formulas_shown_are_what_is_computed(op):
    """A definition and the rules of the backward pass, as printed, have the values of the row at its first sample."""
    x = tensors(op.samples[0])
    if any(np.shape(each) != np.shape(x[0]) for each in x if op.labels):
        pytest.skip("the printed formula has one-hot labels")
    y = value(op, x)
    known = dict(zip(op.parameters, x, strict=False)) | {"y": y, **op.attributes}
    known["g"] = np.linspace(0.5, 1.5, int(np.prod(np.shape(y)))).reshape(np.shape(y))[()]
    known["n"] = np.float64(1 if op.labels else np.size(x[0]))
    checked = 0
    texts = [(op.formula, y)] if op.formula else []
    if not op.variadic:
        rules = [(notation.pulled(op, k), k) for k in range(len(x))]
        texts += [(shown, pulled(op, k, known["g"], x)) for shown, k in rules if shown]
    for text, expected in texts:
        try:
            graph = parse(text)
        except GradcliError:
            continue  # said in words
        if all(isinstance(known.get(name), float | np.ndarray | int) for name in graph.inputs):
            got = graph.forward({name: known[name] for name in graph.inputs}).value
            spread = np.broadcast_to(got, np.shape(expected)) if np.ndim(got) == 0 else got
            assert spread == pytest.approx(np.asarray(expected), rel=1e-9, abs=1e-12), text
            checked += 1
    assert checked or not op.formula


# ── against PyTorch ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", REFERENCES, ids=[f"{i}-{case['text']}" for i, case in enumerate(REFERENCES)])
def test_values_and_gradients_are_those_of_pytorch(case):
    """Value, and gradients for an upstream gradient, to 1e-13 of PyTorch's in double precision."""
    inputs = {name: np.asarray(x, dtype=float)[()] for name, x in case["inputs"].items()}
    trace = parse(case["text"], given=tuple(inputs)).forward(inputs)
    assert trace.value == pytest.approx(np.asarray(case["value"]), rel=1e-13, abs=1e-15)
    assert np.shape(trace.value) == np.shape(case["value"])
    gradients = trace.backward(np.asarray(case["upstream"])[()] if np.shape(trace.value) else None)
    for name, expected in case["gradients"].items():
        assert np.shape(gradients[name]) == np.shape(inputs[name])
        assert gradients[name] == pytest.approx(np.asarray(expected), rel=1e-13, abs=1e-15), name


@pytest.mark.parametrize("case", REFERENCES, ids=[f"{i}-{case['text']}" for i, case in enumerate(REFERENCES)])
def test_values_and_gradients_are_proved(case):
    """Ball arithmetic on the definition encloses what floats computed, for the same cases."""
    inputs = {name: np.asarray(x, dtype=float)[()] for name, x in case["inputs"].items()}
    trace = parse(case["text"], given=tuple(inputs)).forward(inputs)
    gradients = trace.backward(np.asarray(case["upstream"])[()] if np.shape(trace.value) else None)
    assert verify(gradients, "proof").status == "passed"


@each_sample
def test_second_derivatives_agree_with_differences_of_the_first(op, at):
    """The rules of the backward pass run over dual numbers too: their derivatives are those of the gradient."""
    names = reference.inputs(op, len(at))
    x = dict(zip(names, tensors(at), strict=True))
    if max(np.max(np.abs(each)) for each in x.values()) > 100:
        pytest.skip("differences of far entries have no digits")
    graph = parse(f"sum(({reference.written(op, names)})^2)", given=names)
    labels = {"t"} if op.labels and np.shape(x["t"]) != np.shape(x[names[0]]) else set()
    wrt = [name for k, name in enumerate(names) if op.passes(k) and name not in labels]

    def gradient(values):
        found = graph.forward(values).backward()
        return np.concatenate([np.ravel(found[name]) for name in wrt])

    rows = []
    for name in wrt:
        for place in np.ndindex(np.shape(x[name])):
            moved = [np.array(x[name]), np.array(x[name])]
            moved[0][place] += 1e-5
            moved[1][place] -= 1e-5
            rows.append((gradient({**x, name: moved[0][()]}) - gradient({**x, name: moved[1][()]})) / 2e-5)
    assert hessian(graph.forward(x), wrt).matrix == pytest.approx(np.array(rows), rel=1e-6, abs=1e-7)


# ── entry by entry ──────────────────────────────────────────────────────────────────────────────────────────

POINTS = (nan, inf, -inf, -0.0, 0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 6.0, 2.5, 1e300, -1e300, 1e-300)
FARTHER = (5e-324, 40.0, -40.0, -745.5, 710.0, 1e-8)


def grid(op: Op):
    """Points of an op: edges of the doubles, kinks, nan, in all combinations."""
    count = len(op.parameters)
    points = [*POINTS, *FARTHER] if count == 1 else POINTS if count == 2 else POINTS[:10]
    return list(itertools.product(points, repeat=count))


def same(a: float, b: float) -> bool:
    return (isnan(a) and isnan(b)) or a == b or abs(a - b) <= max(1e-13 * max(abs(a), abs(b)), 1e-320)


@each_numeric_row
def test_arrays_give_what_floats_give(op):
    """On arrays every op has the floats' value, gradient and choice of input, entry by entry, nan and inf included."""
    points = grid(op)
    columns = [np.array(column) for column in zip(*points, strict=True)]
    expected = [float(FLOATS.functions[op](*point)) for point in points]
    with np.errstate(all="ignore"):
        got = np.broadcast_to(np.asarray(ARRAYS.whole(op)(*columns), dtype=float), len(points))
        assert not [(point, a, b) for point, a, b in zip(points, got, expected, strict=True) if not same(a, b)][:3]
        for k in range(len(columns)):
            if op.partial(k) is None:
                continue
            slopes = [FLOATS.locals[op][k](y, *point) for point, y in zip(points, expected, strict=True)]
            rule, chooser = ARRAYS.locals[op][k], ARRAYS.selectors[op](k)
            local = np.broadcast_to(np.asarray(rule(np.array(expected), *columns), dtype=float), len(points))
            chosen = np.ones(len(points)) if chooser is None else np.broadcast_to(chooser(*columns), len(points))
            wrong = [
                (point, a, c, b)
                for point, a, c, b in zip(points, local, chosen, slopes, strict=True)
                if bool(c) != (b is not None) or (b is not None and not same(a, float(b)))
            ]
            assert not wrong[:3], k


@each_numeric_row
def test_a_scalar_on_arrays_is_a_float(op):
    """A 0-d result is a NumPy double, never an int, a bool or a 0-d array."""
    with np.errstate(all="ignore"):
        for point in grid(op)[:40]:
            assert isinstance(ARRAYS.functions[op](*map(np.float64, point)), float)


# ── conventions and edges ───────────────────────────────────────────────────────────────────────────────────

EDGES = [
    ("max(x)", [1.0, 3.0, 3.0], 3.0, [0, 0.5, 0.5]),
    ("max(x,axis=1)", [[1.0, 3.0, 3.0], [4.0, 2.0, 4.0]], [3.0, 4.0], [[0, 0.5, 0.5], [0.5, 0, 0.5]]),
    ("min(x)", [1.0, 1.0, 1.0, 2.0], 1.0, [1 / 3, 1 / 3, 1 / 3, 0]),
    ("max(x)", [1.0, nan, 2.0], nan, [0, 0, 0]),
    ("max(sqrt(x))", [0.0, 4.0], 2.0, [0, 0.25]),
    ("sqrt(x)[1]", [0.0, 4.0], 2.0, [0, 0.25]),
    ("trace(sqrt(x))", [[4.0, 0.0], [0.0, 4.0]], 4.0, [[0.25, 0], [0, 0.25]]),
    ("sum(relu(-sum(sqrt(x))))", [0.0, 1.0], 0.0, [0, 0]),
    ("sum(relu(mean(sqrt(x),axis=1)-1))", [[4.0, 9.0], [0.0, 1.0]], 1.5, [[0.125, 1 / 12], [0, 0]]),
    ("prod(x)", [0.0, 2.0, 3.0], 0.0, [6, 0, 0]),
    ("prod(x)", [0.0, 0.0, 3.0], 0.0, [0, 0, 0]),
    ("prod(x,axis=0)", [[0.0, 2.0], [5.0, 0.0]], [0.0, 0.0], [[5, 0], [0, 2]]),
    ("norm(x)", [0.0, 0.0], 0.0, [0, 0]),
    ("norm(x)", [1e200, 1e200], 1.414213562373095e200, [0.7071067811865476] * 2),
    ("norm(x)", [3e-200, 4e-200], 5e-200, [0.6, 0.8]),
    ("norm(x)", [3e-320, 4e-320], 5e-320, [0.6, 0.8]),
    ("norm(x)", [inf, 1.0], inf, [nan, 0]),
    ("norm(x,axis=1)", [[3e200, 4e200], [0.0, 0.0]], [5e200, 0.0], [[0.6, 0.8], [0, 0]]),
    ("softmax(x)", [1000.0, 0.0], [1.0, 0.0], [0, 0]),
    ("softmax(x)", [-1e308, 1e308], [0.0, 1.0], [0, 0]),
    ("softmax(x)[0]", [40.0, 0.0], 1.0, [4.248354255291589e-18, -4.248354255291589e-18]),
    ("log_softmax(x)[0]", [40.0, 0.0], -4.248354255291589e-18, [4.248354255291589e-18, -4.248354255291589e-18]),
    ("log_softmax(x)[1]", [1000.0, 0.0], -1000.0, [-1, 1]),
    ("logsumexp(x)", [1000.0, 1000.0], 1000.6931471805599, [0.5, 0.5]),
    ("logsumexp(x)", [-1000.0, -1000.0], -999.3068528194401, [0.5, 0.5]),
    ("logsumexp(x)", [-inf, 2.0], 2.0, [0, 1]),
    ("logsumexp(x)", [-inf, -inf], -inf, [nan, nan]),
    ("logsumexp(x)", [inf, 1.0], inf, [nan, 0]),
    ("logsumexp(x)", [-40.0, 0.0], 4.248354255291589e-18, [4.248354255291589e-18, 1]),
    ("softmax_cross_entropy(x,0)", [40.0, 0.0], 4.248354255291589e-18, [-4.248354255291589e-18, 4.248354255291589e-18]),
    ("softmax_cross_entropy(x,0)", [1000.0, 0.0], 0.0, [0, 0]),
    ("softmax_cross_entropy(x,1)", [1000.0, 0.0], 1000.0, [1, -1]),
    ("softmax_cross_entropy(x,[1,0])", [0.0, -inf], 0.0, [0, 0]),
    ("svm_loss(x,0)", [1.0, 0.0, 0.5], 0.5, [-1, 0, 1]),
    ("hinge(x,1)", [1.0, 0.0], 0.5, [0, -0.5]),
    ("leaky_relu(x,slope=0.2)", [-1.0, 0.0, 2.0], [-0.2, 0.0, 2.0], [0.2, 0.2, 1]),
    ("clip(x,0,1)", [-1.0, 0.0, 0.5, 1.0, 2.0], [0, 0, 0.5, 1, 1], [0, 0, 1, 0, 0]),
    ("where(x>0,log(x),0)", [-1.0, 0.0, 0.5], [0, 0, -0.6931471805599453], [0, 0, 2]),
    ("max(x,1)", [nan, 1.0, 2.0], [nan, 1, 2], [0, 0.5, 1]),
]


@pytest.mark.parametrize(("text", "x", "expected", "gradient"), EDGES, ids=[f"{row[0]} at {row[1]}" for row in EDGES])
def test_conventions_and_edges(text, x, expected, gradient):
    """Ties are split, zeros are exact, nothing overflows, and what is not chosen takes no part."""
    trace = parse(text).forward(x=x)
    assert trace.value == pytest.approx(np.asarray(expected), rel=2e-15, abs=0, nan_ok=True)
    found = trace.backward(np.ones(np.shape(expected))[()])["x"]
    assert found == pytest.approx(np.asarray(gradient, dtype=float), rel=2e-15, abs=0, nan_ok=True)


KINKS = [
    ("amax", ([1.0, 2.0, 2.0],), True),
    ("amax", ([1.0, 2.0, 3.0],), False),
    ("amin", ([[1.0, 2.0], [0.5, 3.0]],), False),
    ("norm", ([0.0, 0.0],), True),
    ("norm", ([0.0, 1.0],), False),
    ("svm_loss", ([1.0, 0.0, 0.5], 0.0), True),
    ("svm_loss", ([1.0, 0.25, 0.5], 0.0), False),
]


@pytest.mark.parametrize(("name", "at", "expected"), KINKS)
def test_kinks(name, at, expected):
    """A row says where its convention is used."""
    with ARRAYS.quiet():
        assert ARRAYS.some(TABLE[name].kinks(ARRAYS, *tensors(at))) == expected


def test_an_index_has_no_gradient_and_a_one_hot_row_has():
    """Labels as class indices get none; as rows of weights they get -log softmax(scores)."""
    scores = [[0.3, 0.2, 0.5], [1.0, 2.0, 3.0]]
    graph = parse("softmax_cross_entropy(s,t)")
    by_index = graph.forward(s=scores, t=[1.0, 2.0]).backward()
    one_hot = graph.forward(s=scores, t=[[0, 1, 0], [0, 0, 1]]).backward()
    assert by_index["s"] == pytest.approx(one_hot["s"], rel=1e-15)
    assert by_index["t"] == pytest.approx(np.zeros(2), abs=0)
    logs = np.log(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))
    assert one_hot["t"] == pytest.approx(-logs / 2, rel=1e-14)
    assert not [edge for edge in by_index.edges() if edge.k == 1 and edge.downstream is None]


BY_INDEX = [
    ("cross_entropy_error(y,t)", [0.0, 0.25, 0.75], 1.0, 2 * log(2), [0, -4, 0]),
    ("cross_entropy_error(y,t)", [[0.5, 0.5], [0.0, 1.0]], [0.0, 1.0], log(2) / 2, [[-1, 0], [0, -0.5]]),
    ("loss(y,t) = cross_entropy_error(y,t); loss(y,t)", [0.5, 0.5], 1.0, log(2), [0, -2]),
    ("loss(y) = 3*cross_entropy_error(y,0); loss(y)+0*t", [0.5, 0.5], 1.0, 3 * log(2), [-6, 0]),
]


@pytest.mark.parametrize(("text", "y", "t", "value", "gradient"), BY_INDEX)
def test_probabilities_are_compared_with_class_indices_too(text, y, t, value, gradient):
    """-log of the probability of the class named, the mean over the rows; a class not named has no part in it."""
    gradients = parse(text).forward(y=y, t=t).backward()
    assert gradients.trace.value == pytest.approx(value, rel=1e-15)
    assert gradients["y"] == pytest.approx(np.array(gradient), rel=1e-15, abs=0)
    assert not np.any(gradients["t"])
    assert verify(gradients).status == "passed"


def test_a_graph_run_with_indices_can_be_run_with_rows_again():
    """Which labels are given is decided anew at every run, also by the graph that a run made."""
    graph = parse("cross_entropy_error(y,t)")
    by_index = graph.forward(y=[0.25, 0.75], t=0)
    weights = {"y": [0.25, 0.75], "t": [0.5, 0.5]}
    for again in (graph, by_index.graph):
        assert again.forward(weights).backward()["t"] == pytest.approx([log(4), log(4 / 3)], rel=1e-15)


WRONG_LABELS = [
    ("softmax_cross_entropy(s,t)", [1.0, 3.0], "the label 3 names no class: there are 3"),
    ("softmax_cross_entropy(s,t)", [-1.0, 0.0], "the label -1 names no class"),
    ("svm_loss(s,t)", [0.5, 0.0], "the label 0.5 names no class"),
    ("svm_loss(s,t)", [nan, 0.0], "the label nan names no class"),
    ("svm_loss(s,t)", [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], "row 1 of the labels is not one-hot"),
    ("svm_loss(s,t)", [[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]], "row 0 of the labels is not one-hot"),
    ("softmax_cross_entropy(s,t)", [1.0, 0.0, 1.0], r"the scores are \(2,3\), the labels \(3,\)"),
]


@pytest.mark.parametrize(("text", "t", "message"), WRONG_LABELS)
def test_wrong_labels_are_told(text, t, message):
    """A label that names no class is an error about its place, never a loss."""
    with pytest.raises(UsageError, match=message) as caught:
        parse(text).forward(s=[[0.3, 0.2, 0.5], [1.0, 2.0, 3.0]], t=t)
    assert caught.value.hint and caught.value.span


def test_a_label_out_of_range_inside_a_gate_is_nan():
    """Where labels are not looked at, a wrong one makes the loss nan, not a number."""
    graph = parse("loss(s,t) = softmax_cross_entropy(s,t); loss(s,t)")
    assert isnan(graph.forward(s=[0.3, 0.5], t=2.0).value)


UNPAIRED = [
    ("mse(y,t)", [[1.0], [2.0]], [1.0, 2.0], "reshape\\(t, 2, 1\\)"),
    ("bce_with_logits(y,t)", [1.0, 2.0], [[1.0], [0.0]], "needs the shape of y"),
    ("mse(y,t)", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [1.0, 2.0], r"needs the shape of y, \(2,3\)$"),
    ("mse(y,t)", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, 2.0]] * 3, r"needs the shape of y, \(2,3\): t\.T$"),
    ("cross_entropy_error(y,t)", [[0.5, 0.5], [0.1, 0.9]], [1.0, 0.0, 1.0], r"class indices are \(2,\)$"),
    ("cross_entropy_error(y,t)", 0.5, [1.0, 0.0], "needs the shape of y, a scalar$"),
]


@pytest.mark.parametrize(("text", "y", "t", "hint"), UNPAIRED)
def test_losses_never_compare_all_with_all(text, y, t, hint):
    """Predictions and targets whose shapes would be spread over each other are refused."""
    with pytest.raises(UsageError) as caught:
        parse(text).forward(y=y, t=t)
    assert re.search(hint, caught.value.hint)


# ── at the ends of the doubles ──────────────────────────────────────────────────────────────────────────────


def double(exact: Fraction) -> float:
    """The nearest double of an exact number."""
    try:
        return float(exact)
    except OverflowError:
        return inf if exact > 0 else -inf


def exactly(numbers):
    return [Fraction(number) for number in np.ravel(numbers).tolist()]


def root(exact: Fraction) -> Fraction:
    """A square root to 60 digits or more, however large or small."""
    shift = 4**1300
    return Fraction(isqrt(int(exact * shift)), 2**1300)


PRODUCTS = [
    (1.0, [1e-200, 1e-200, 1e300]),
    (1.0, [1e200, 1e200, 1e-300]),
    (1.0, [-1e200, 1e200, 1e200, -1e-300, 1e-300]),
    (1e300, [1e-200, 1e-200, 3.0]),
    (1e-300, [1e200, 1e200, 3.0]),
    (1.0, [7.8e149, 2.1e-301, 1.2e300]),
    (2.0, [1.1e-160, 1.3e-160, 1.7e100]),
    (1.0, [5e-324, 1.5e308, 5e-324, 1.5e308, 3.0]),
    (1.0, [1e-300, 0.0, 1e-300, 1e300]),
    (1e300, [1e-300, 0.0, 0.0, 1e300]),
    (1.0, [0.0, 2.0, 3.0]),
    (1.0, [1e200, 1e200, 2.0]),
    (1.0, [1e-200, 1e-200, -2.0]),
    (1.0, np.exp(np.random.default_rng(3).uniform(-700, 700, 60)).tolist()),
    (1.0, np.exp(np.random.default_rng(5).uniform(-3, 2.9, 3000)).tolist()),
]


@pytest.mark.parametrize(("g", "x"), PRODUCTS, ids=[f"{g:g} times {len(x)} from {x[0]:.3g}" for g, x in PRODUCTS])
def test_a_product_is_a_double_where_it_is_one(g, x):
    """A product and its gradient are right to a few ulp also where a product of some entries is no double."""
    exact = exactly(x)
    whole = prod(exact)
    others = [whole / e if e else prod(exact[:i]) * prod(exact[i + 1 :]) for i, e in enumerate(exact[:60])]
    expected = np.array([double(Fraction(g) * other) for other in others])
    near = {"rel": 2.3e-16 * len(x), "abs": 5e-324}
    for at, text in ((x, "prod(x)"), ([x, x], "prod(x,axis=1)"), (np.transpose([x, x]), "prod(x,axis=-2)")):
        trace = parse(text).forward(x=at)
        shape = np.shape(trace.value)
        assert trace.value == pytest.approx(np.full(shape, double(whole)), **near)
        found = trace.backward(np.full(shape, g)[()])["x"]
        rows = found.T if "-2" in text else found
        for row in np.atleast_2d(rows):
            assert row[: len(others)] == pytest.approx(expected, **near)


def test_a_product_that_overflows_leaves_other_columns_alone():
    """An entry of a local Jacobian that overflows is inf; that of another column is 0, not nan."""
    W = [[7.8e149, 2.0], [2.1e-301, 3.0], [1.2e300, 5.0]]
    (edge,) = parse("prod(W,axis=-2)").forward(W=W).backward([1.0, 1.0]).edges()
    jacobian = edge.jacobian()
    a, b, c = exactly([row[0] for row in W])
    assert jacobian[0, :, 0] == pytest.approx([double(b * c), inf, double(a * b)], rel=1e-15)
    assert jacobian[1, :, 1].tolist() == [15, 10, 6]
    assert not jacobian[0, :, 1].any() and not jacobian[1, :, 0].any()


@pytest.mark.parametrize("x", [[1e-200, 1e-200, 1e300], [1e-170, 0.0, 1e170], [1e200, 1e-300, 1e200], [2.0, 3.0, 5.0]])
def test_second_derivatives_of_a_product(x):
    """Those of prod(x) are products of the other entries, also in a row of a matrix, by duals of its rule."""
    exact = exactly(x)
    expected = [[0.0 if i == j else double(exact[3 - i - j]) for j in range(3)] for i in range(3)]
    found = hessian(parse("prod(x)").forward(x=x), ["x"]).matrix
    assert found == pytest.approx(np.array(expected), rel=1e-14, abs=5e-324)
    for text in ("prod([x],axis=1)", "prod([x],axis=1,keepdims=True)"):
        trace = parse(text).forward(x=x)
        for i in range(3):
            slope = trace.jvp({"x": [1e-200 * (i == k) for k in range(3)]})
            beside = double(prod(exact[:i]) * prod(exact[i + 1 :]) * Fraction(1e-200))
            assert slope == pytest.approx(np.full(np.shape(trace.value), beside), rel=1e-14, abs=5e-324)


def test_scaled_products_are_those_of_plain_multiplication():
    """Powers of two are exact: where nothing overflows, scaled entries give the same bits as plain ones."""
    generator = np.random.default_rng(11)
    for _ in range(50):
        x, g = generator.normal(size=7), generator.normal()
        near = parse("prod(x)").forward(x=x)
        far = parse("prod(x)").forward(x=np.ldexp(x, [900, 900, -900, -900, 900, -900, 0]))
        assert far.value == near.value
        pulled = np.ldexp(far.backward(g)["x"], [900, 900, -900, -900, 900, -900, 0])
        assert pulled.tolist() == near.backward(g)["x"].tolist()


SUMS = [
    [1e308, 1e308],
    [1.5e308, 1.5e308, -1.5e308],
    [-1.5e308, -1.5e308, 1.5e308, 1.0],
    [1.7e308, 1.7e308, -1.7e308, -1.7e308],
    [1.7e308] * 1000,
    [1e308, -1e308, 5e-324],
]


@pytest.mark.parametrize("x", SUMS, ids=[f"{len(x)} from {x[0]:g}, {x[1]:g}" for x in SUMS])
def test_a_sum_overflows_only_where_it_is_no_double(x):
    """A sum that comes back into the doubles is one, and so is the mean of any doubles."""
    total = sum(exactly(x))
    room = max(map(abs, x)) * 2.3e-16 * len(x)
    for text, expected in (("sum", double(total)), ("mean", double(total / len(x)))):
        assert parse(f"{text}(x)").forward(x=x).value == pytest.approx(expected, rel=1e-15, abs=room)
        found = parse(f"{text}(x,axis=0)").forward(x=np.transpose([x, np.ones(len(x))])).value
        assert found == pytest.approx(np.array([expected, len(x) if text == "sum" else 1]), rel=1e-15, abs=room)
        found = parse(f"{text}(x,axis=(0,1),keepdims=True)").forward(x=[x, x]).value
        assert found == pytest.approx(np.array([[double(total * 2) if text == "sum" else expected]]), abs=2 * room)


NOT_FINITE = [([inf, 1e308, 1e308], inf), ([-inf, inf, 1.0], nan), ([nan, 1e308, 1e308], nan), ([-inf, 1e308], -inf)]


@pytest.mark.parametrize(("x", "expected"), NOT_FINITE)
def test_what_is_not_finite_stays_so(x, expected):
    """A sum or a mean of inf or nan is that of IEEE 754."""
    for text in ("sum(x)", "mean(x)", "sum(x,axis=0)"):
        assert parse(text).forward(x=x).value == pytest.approx(expected, nan_ok=True)


LENGTHS = [
    [5e-324, 5e-324],
    [5e-324, -1e-323, 0.0],
    [1.7e308, 1.7e308],
    [1.7976931348623157e308, 1.0],
    [1.7976931348623157e308, -1.7e308, 3e300],
    [1e-310, 3e-312, 2e-315],
    [1e-160, 3e-170],
    [3.0, -4.0],
]


@pytest.mark.parametrize("x", LENGTHS)
def test_a_norm_has_a_gradient_where_it_is_no_double(x):
    """A gradient of a norm is x over its length to a few ulp, also where that overflows or has few digits."""
    exact = exactly(x)
    length = root(sum(each * each for each in exact))
    gradient = np.array([double(each / length) for each in exact])
    trace = parse("norm(x)").forward(x=x)
    assert trace.value == pytest.approx(double(length), rel=1e-15, abs=0)
    assert trace.backward()["x"] == pytest.approx(gradient, rel=2e-15, abs=5e-324)
    both = parse("norm(x,axis=1)").forward(x=[x, [3.0, -4.0, 0.0][: len(x)]])
    assert both.value == pytest.approx(np.array([double(length), 5.0]), rel=1e-15, abs=0)
    passed = both.backward([1.0, 1.0])["x"]
    assert passed == pytest.approx(np.array([gradient, [0.6, -0.8, 0.0][: len(x)]]), rel=2e-15, abs=5e-324)


def test_second_derivatives_of_norms():
    """Those of ‖x‖ are (1 - u·uᵀ)/‖x‖ with u = x/‖x‖, of a vector and of each row."""
    expected = np.array([[16.0, -12.0], [-12.0, 9.0]]) / 125
    assert hessian(parse("norm(x)").forward(x=[3.0, 4.0]), ["x"]).matrix == pytest.approx(expected, rel=1e-14)
    rows = hessian(parse("sum(norm(x,axis=1)^2)").forward(x=[[3.0, 4.0], [1e-3, 2.0]]), ["x"]).matrix
    assert rows == pytest.approx(2 * np.eye(4), rel=1e-13, abs=1e-13)
    assert not hessian(parse("norm(x)").forward(x=[0.0, 0.0]), ["x"]).matrix.any()


LIMITED = [
    ("huber(p,t,delta=-1)", "'delta=' of huber must be positive", "-1"),
    ("huber(p,t,delta=0)", "'delta=' of huber must be positive", "0"),
    ("celu(x,alpha=0.0)", "'alpha=' of celu must be other than 0", "0.0"),
    ("sum(x,axis=99999999999999999999)", "'axis=' is out of range", "99999999999999999999"),
    ("reshape(x,99999999999999999999)", "'shape' of reshape is out of range", "99999999999999999999"),
    ("x[0,-99999999999999999999]", "this index is out of range", "99999999999999999999"),
]


@pytest.mark.parametrize(("text", "message", "marked"), LIMITED)
def test_attributes_have_limits(text, message, marked):
    """An attribute outside of what its row allows is an error with its place and a hint, never a number."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.message == message
    assert text[slice(*caught.value.span)] == marked and caught.value.hint


def test_attributes_within_their_limits():
    """What the limits leave is as before."""
    assert parse("huber(3,0,delta=0.5)").forward().value == 1.375
    assert parse("celu(x,alpha=-1)").forward(x=-1).value == pytest.approx(1 - exp(1), rel=1e-15)
    assert parse("elu(x,alpha=0)").forward(x=-1).value == 0


@pytest.mark.parametrize(("name", "hint"), [("concat", "concat(concat(a, b), concat(c, d))"), ("max", "max(max(a, b)")])
def test_too_many_arguments_are_nested(name, hint):
    """The hint about a call of over a thousand arguments names the function called."""
    with pytest.raises(LimitError) as caught:
        parse(f"{name}({','.join(['x'] * 1001)})")
    assert hint in caught.value.hint


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────

SHAPES = arrays.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=120, deadline=None)
@given(SHAPES, SEEDS)
def test_unbroadcast_is_the_adjoint_of_broadcasting(shapes, seed):
    """⟨g, broadcast(x)⟩ = ⟨unbroadcast(g), x⟩ for every pair of shapes that NumPy lets work together."""
    small, _ = shapes.input_shapes
    generator = np.random.default_rng(seed)
    assert broadcast(*shapes.input_shapes) == shapes.result_shape
    x, g = generator.standard_normal(small), generator.standard_normal(shapes.result_shape)
    back = unbroadcast(np.asarray(g), small)
    assert np.shape(back) == small
    assert np.sum(back * x) == pytest.approx(np.sum(g * np.broadcast_to(x, shapes.result_shape)), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(SHAPES, SEEDS, st.sampled_from(["x+y", "x-y", "x*y", "x/y", "max(x,y)", "hypot(x,y)", "where(x>y,x*y,y)"]))
def test_gradients_of_broadcast_ops_are_adjoint_to_their_changes(shapes, seed, text):
    """⟨g, f(x+h) - f(x-h)⟩/2 is ⟨gradient, h⟩ to second order, whatever the shapes."""
    generator = np.random.default_rng(seed)
    at = {
        name: generator.uniform(0.5, 2, shape)[()] * (1 if name == "x" else 1.01)
        for name, shape in zip("xy", shapes.input_shapes, strict=True)
    }
    step = {name: 1e-6 * generator.standard_normal(np.shape(value))[()] for name, value in at.items()}
    graph = parse(text)
    trace = graph.forward(at)
    g = generator.standard_normal(np.shape(trace.value))[()]
    gradients = trace.backward(g)
    up = graph.forward({name: at[name] + step[name] for name in at}).value
    low = graph.forward({name: at[name] - step[name] for name in at}).value
    predicted = sum(np.sum(gradients[name] * step[name]) for name in at)
    assert np.sum(g * (up - low)) / 2 == pytest.approx(predicted, rel=1e-5, abs=1e-13)


LINEAR = [
    ("A@B", {"A": (2, 3), "B": (3, 2)}),
    ("A.T", {"A": (2, 3)}),
    ("transpose(A,2,0,1)", {"A": (2, 3, 4)}),
    ("A[1]", {"A": (2, 3)}),
    ("A[:,::-1]", {"A": (2, 3)}),
    ("A[-1,1:]", {"A": (2, 3)}),
    ("[a,b]", {"a": (3,), "b": (3,)}),
    ("concat(A,B,axis=-1)", {"A": (2, 3), "B": (2, 1)}),
    ("reshape(A,-1,2)", {"A": (2, 3)}),
    ("flatten(A)", {"A": (2, 3)}),
    ("sum(A,axis=(0,-1))", {"A": (2, 3, 4)}),
    ("mean(A,axis=1,keepdims=True)", {"A": (2, 3)}),
    ("trace(A)", {"A": (3, 3)}),
    ("dot(a,b)", {"a": (3,), "b": (3,)}),
    ("outer(a,b)", {"a": (3,), "b": (2,)}),
]


@pytest.mark.parametrize(("text", "shapes"), LINEAR, ids=[text for text, _ in LINEAR])
def test_linear_ops_are_adjoint(text, shapes):
    """⟨g, f(x)⟩ = ⟨fᵀ(g), x⟩ in each input of an op that is linear in it."""
    generator = np.random.default_rng(5)
    at = {name: generator.standard_normal(shape) for name, shape in shapes.items()}
    trace = parse(text).forward(at)
    g = generator.standard_normal(np.shape(trace.value))[()]
    gradients = trace.backward(g)
    whole = np.sum(g * trace.value)
    parts = [np.sum(gradients[name] * at[name]) for name in at]
    several = text[0] == "[" or text.startswith("concat")
    assert (sum(parts) if several else parts) == pytest.approx(whole if several else [whole] * len(parts), abs=1e-12)
