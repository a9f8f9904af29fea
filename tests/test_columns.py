"""NumPy in chunks: chunks, threads, buffers, and columns of every layout."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from gradcli.engines import numpy as columns
from gradcli.engines.formula import formula
from gradcli.engines.registers import Writer
from gradcli.errors import UsageError
from tests.test_engines import assert_close, expected

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"

LONG = "a*b*c+sin(a)*exp(b)-tanh(c)/(1+a*a)+max(a,b,c)*where(a>b,log(b*b+1),c)+clip(a,-1,b)+hypot(b,c)"


def hand(w0, x0, w1, x1, w2):
    """The neuron and its gradients, derived by hand."""
    e = np.exp(-(w0 * x0 + w1 * x1 + w2))
    f, g = 1 / (1 + e), e / (1 + e) ** 2
    return f, g * x0, g * w0, g * x1, g * w1, g


@pytest.mark.parametrize("many", [1, 2, 16_383, 16_384, 16_385, 70_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_chunks_and_threads(many, threads):
    """Every point is computed once, at the edges of chunks too, by any number of threads."""
    given = np.random.default_rng(many).normal(size=(5, many))
    found, doubtful = columns.function(formula(NEURON))(*given, threads=threads)
    assert doubtful is None
    for one, other in zip(found, hand(*given), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_doubtful_points_in_any_chunk():
    """Which points are doubtful is told for all chunks, also where only one has any."""
    x = np.ones(70_000)
    x[[3, 20_000, 69_999]] = (0.0, np.nan, -0.0)
    for threads in (1, 3):
        _, doubtful = columns.function(formula("1/x"))(x, threads=threads)
        assert np.flatnonzero(doubtful).tolist() == [3, 20_000, 69_999]


def test_inputs_are_never_written_to():
    """Columns that are read-only do, and come out as they went in; results are written into the arrays given."""
    each = formula(LONG)
    run = columns.function(each)
    given = np.random.default_rng(6).normal(size=(3, 5000))
    given.flags.writeable = False
    out = [np.full(5000, np.nan) for _ in range(4)]
    found, _ = run(*given, out=out)
    assert all(one is other for one, other in zip(found, out, strict=True))
    for k in range(0, 5000, 97):
        assert_close([column[k] for column in out], expected(each, given[:, k].tolist()), k)


def test_buffers_hold_what_is_still_needed(monkeypatch):
    """Code with few buffers computes what code with a buffer for every line does, on random formulas."""
    rng = np.random.default_rng(7)
    words = ["{0}+{1}", "{0}*{1}", "{0}-{1}", "sin({0})", "max({0},{1})", "where({0}>{1},{1},{0})", "sigmoid({0})"]
    words += ["where({0},{1},{0}*{1})", "({0}<{1})*{0}", "({0}>{1})+({1}>=0)", "hypot({0},{1})", "relu({0})", "-{0}"]
    for _ in range(60):
        names = ["a", "b", "c"]
        lines = []
        for k in range(rng.integers(3, 12)):
            left, right = rng.choice(names, 2)
            lines.append(f"q{k} = " + str(rng.choice(words)).format(left, right))
            names.append(f"q{k}")
        text = "; ".join([*lines, "+".join(dict.fromkeys([names[-1], *rng.choice(names, 3)]))])
        each = formula(text)
        given = rng.normal(size=(len(each.variables), 50))
        found, doubtful = columns.function(each)(*given)
        with monkeypatch.context() as patch:
            patch.setattr(Writer, "fits", lambda *_: False)
            patch.setattr(Writer, "release", lambda *_: None)
            plain, again = columns.function(each)(*given)
        assert doubtful is None and again is None
        for one, other in zip(found, plain, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=text)
        assert_close([column[7] for column in found], expected(each, given[:, 7].tolist()), text)


def test_few_buffers():
    """The neuron's five gradients need no temporaries at all: results not yet written serve."""
    assert "t0" not in columns.function(formula(NEURON), False).text
    deep = columns.function(formula("+".join(f"sin(x*{k})" for k in range(50))), False)
    assert deep.temporaries <= 55


@pytest.mark.parametrize(
    "shapes",
    [
        ((), (4,)),
        ((3, 1), (4,)),
        ((2, 3), (3,)),
        ((2, 3), ()),
        ((1,), (5,)),
        ((0,), (1,)),
        ((), ()),
        ((2, 1, 3), (4, 1)),
    ],
)
def test_columns_broadcast(shapes):
    """Columns broadcast as NumPy's do; so do numbers."""
    x, y = (np.random.default_rng(8).normal(size=shape) for shape in shapes)
    found, _ = columns.function(formula("x*y+x"), False)(x, y)
    for one, other in zip(found, np.broadcast_arrays(x * y + x, y + 1, x), strict=False):
        np.testing.assert_allclose(one, np.broadcast_to(other, one.shape), rtol=1e-15)
        assert one.shape == np.broadcast_shapes(*shapes)


def test_strides():
    """Columns of a table, reversed, transposed and Fortran-ordered ones are read as they are."""
    table = np.random.default_rng(9).normal(size=(40_000, 6))
    found, _ = columns.function(formula("x*y"), False)(table[:, 2], table[::-1, 5])
    np.testing.assert_array_equal(found[0], table[:, 2] * table[::-1, 5])
    found, _ = columns.function(formula("x*y"), False)(table.T[:3], np.asfortranarray(table.T[3:]))
    np.testing.assert_array_equal(found[0], table.T[:3] * table.T[3:])


def test_what_cannot_be_written_to():
    """Arrays of another shape, kind or layout than the results' are refused."""
    run = columns.function(formula("x*2"), False)
    wrong = [np.empty(3), np.empty(4, dtype=np.float32), np.empty(8)[::2], [0.0] * 4]
    for one in wrong:
        with pytest.raises(UsageError, match="array to write to"):
            run(np.ones(4), out=[one, np.empty(4)])


def test_one_function_in_many_threads():
    """A function holds no state: calls from several threads do not disturb each other."""
    run = columns.function(formula(NEURON))
    given = [np.random.default_rng(seed).normal(size=(5, 30_000)) for seed in range(4)]
    wanted = [run(*each)[0] for each in given]
    failed = []

    def work(k):
        for _ in range(5):
            found, _ = run(*given[k])
            if not all(map(np.array_equal, found, wanted[k])):
                failed.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
