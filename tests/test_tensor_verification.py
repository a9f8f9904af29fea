"""Verification of tensors: what is right is proved entry by entry, what is wrong fails, what is too large is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from math import inf, nan
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import pytest

from gradcli.autodiff import Gradients
from gradcli.cli.checks import Checks
from gradcli.errors import GradcliError
from gradcli.graph import Builder, Graph
from gradcli.ops import TABLE, Op
from gradcli.syntax import parse
from gradcli.systems.arrays import ARRAYS
from gradcli.verify import verify
from gradcli.verify.differences import check_differences, checking
from gradcli.verify.matrices import check_hessian, check_jacobian
from gradcli.verify.matrix_differences import check_matrices
from gradcli.verify.proof import prove
from gradcli.verify.symbolic import out_of_reach, request
from gradcli.verify.unrolled import unroll_graph
from gradcli.verify.verdicts import ProofVerdict, SympyVerdict

LECTURE = {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}
BATCH = [[0.3, 2.0, -1.0], [1.5, 0.5, 0.25]]


def gradients(text: str, upstream: Any = None, **values: Any) -> Gradients:
    """The gradients of a formula; of several entries, weighted by seeded numbers unless told."""
    trace = parse(text).forward(values)
    shape = trace.shapes[trace.graph.output]
    if upstream is None and shape:
        upstream = np.random.default_rng(1).normal(size=shape)
    return trace.backward(upstream)


def proved(text: str, upstream: Any = None, **values: Any) -> ProofVerdict:
    """The proof of a formula's gradients."""
    return prove(gradients(text, upstream, **values))


def derived(found: Gradients) -> SympyVerdict:
    """What sympy says, in this process."""
    question = request(found, None, 60)
    answers = list(import_module("gradcli.verify.worker").answers(question))
    return import_module("gradcli.verify.symbolic").verdict(answers[-1])


# ── what is right ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_lectures_example_is_proved_and_derived() -> None:
    """CS231n's sum((W@x)^2) at the lecture's numbers: five nodes, four edges, eleven entries, six closed forms."""
    found = gradients("sum((W@x)^2)", **LECTURE)
    verdict = verify(found)
    assert verdict.status == "passed"
    proof, sympy = verdict.proof, verdict.sympy
    assert proof is not None and sympy is not None and verdict.differences is None
    assert (proof.nodes, proof.edges, proof.entries, proof.downstream) == (5, 4, 11, 10)
    assert proof.digits is not None and proof.digits >= 15
    assert (sympy.asked, sympy.checked) == (6, 6)
    assert sympy.derivatives["W[0,1]"] == "2*x[1]*(W[0,0]*x[0]+W[0,1]*x[1])"


ROWS = [
    pytest.param(op, at, id=f"{op.name}{at}")
    for op in TABLE.values()
    if op.structural
    for at in [*op.samples, *(check.at for check in op.checks)]
]


def one(op: Op, at: tuple[Any, ...]) -> Gradients:
    """The gradients of one row at a point, by seeded weights of its entries."""
    builder = Builder()
    bound = op.bind(key=(0,)) if "key" in op.attributes else op
    graph: Graph = builder.finish(builder.add(bound, tuple(builder.input(f"x{k}") for k in range(len(at)))))
    trace = graph.forward({f"x{k}": value for k, value in enumerate(at)})
    shape = trace.shapes[graph.output]
    return trace.backward(np.random.default_rng(1).normal(size=shape) if shape else None)


@pytest.mark.parametrize(("op", "at"), ROWS)
def test_every_structural_row_passes_every_check(op: Op, at: tuple[Any, ...]) -> None:
    """At every sample and hand-checked point a row of whole tensors is proved, and nothing else contradicts it."""
    found = one(op, at)
    proof = prove(found)
    assert proof.status == "passed", (*proof.failures, *proof.unproved)
    assert not check_differences(found).failures
    if not out_of_reach(found, None) and np.isfinite(found.trace.value).all():
        assert not derived(found).failures


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("sum(x*b)", {"x": BATCH, "b": [1.0, 2.0, -0.5]}),
        ("sum((x+b)/c)", {"x": BATCH, "b": [[1.0], [2.0]], "c": 3.0}),
        ("mse(x,b)", {"x": BATCH, "b": [1.0, 2.0, 3.0]}),
        ("x@x.T", {"x": BATCH}),
        (
            "softmax_cross_entropy(affine(relu(affine(x,W,b)),V,0.1),t)",
            {
                "x": BATCH,
                "W": np.eye(3) - 0.3,
                "b": [0.1, 0.2, 0.3],
                "V": np.ones((3, 2)) * [[1.0, -0.5]],
                "t": [1.0, 0.0],
            },
        ),
        ("g(a,b)=a@b+tanh(a)@b; sum(g(x,w))", {"x": BATCH, "w": [0.3, -0.2, 0.9]}),
        ("[x, y, 2]", {"x": 1.5, "y": -0.3}),
        ("sum(where(x<0,0,sqrt(x)))", {"x": [4.0, -1.0, 0.25]}),
        ("sum(exp(1000*x)/sum(exp(1000*x)))", {"x": [0.001, 0.002]}),
        ("sum(x[0:2]*x[1:3])+x[-1]", {"x": [1.0, 2.0, 3.0]}),
        ("logsumexp(x)", {"x": [1000.0, 1001.0, -5.0]}),
        ("sum(x)", {"x": [1e16, 1.0, -1e16]}),
    ],
)
def test_formulas_of_tensors_pass(text: str, values: dict[str, Any]) -> None:
    """Broadcasting, fan-out, layers, gates of one's own, branches, large numbers: proved, in every entry."""
    found = gradients(text, **values)
    verdict = prove(found)
    assert verdict.status == "passed", (*verdict.failures, *verdict.unproved)
    assert not check_differences(found).failures


def test_random_formulas_of_tensors_are_never_called_wrong() -> None:
    """Seeded random formulas over rows of every kind: right numbers are never refused, by no check."""
    source = np.random.default_rng(7)
    unary = ["exp({})", "tanh({})", "relu({})", "({})^2", "softmax({})", "log_softmax({})", "-({})", "gelu({})"]
    unary += ["max({},axis=0,keepdims=1)", "mean({},axis=-1,keepdims=1)", "norm({},axis=-1,keepdims=1)", "abs({})"]
    unary += ["prod({},axis=0,keepdims=1)", "logsumexp({},keepdims=1)", "reshape({},-1)[0:3]", "sigmoid({})"]
    binary = ["({})+({})", "({})*({})", "({})-({})", "max({},{})", "({})@({}).T", "hypot({},{})", "affine({},W,b)"]
    outer = ["sum({})", "norm({})", "{}", "logsumexp(reshape({},-1))", "mse({},0.5)", "max({})"]

    def formula(depth: int) -> str:
        if depth == 0:
            return str(source.choice(["x", "y", "x*b", "0.3"]))
        if source.random() < 0.55:
            return str(source.choice(unary)).format(formula(depth - 1))
        return str(source.choice(binary)).format(formula(depth - 1), formula(depth - 1))

    tried = 0
    for _ in range(150):
        text = str(source.choice(outer)).format(formula(2))
        values: dict[str, Any] = {"x": (2, 3), "y": (2, 3), "W": (3, 3), "b": (3,)}
        values = {name: source.normal(size=shape) * source.choice([1, 30, 1e-3]) for name, shape in values.items()}
        try:
            graph = parse(text)
            found = gradients(text, **{name: values[name] for name in graph.inputs})
        except GradcliError:
            continue  # shapes that do not fit
        tried += 1
        proof = prove(found)
        assert not proof.failures, text
        finite = all(np.isfinite(g).all() for _, g in found.items())
        assert proof.status == "passed" or not finite, (text, proof.unproved)
    assert tried > 60


# ── what is wrong ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def spoil() -> Iterator[Callable[..., None]]:
    """Puts a wrong rule in a row, for the length of a test."""
    changed: list[tuple[Op, str, Any]] = []
    tables = (ARRAYS.functions, ARRAYS.locals, ARRAYS.selectors, ARRAYS.pullbacks)

    def put(name: str, column: str, rule: Any) -> None:
        op = TABLE[name]
        changed.append((op, column, getattr(op, column)))
        object.__setattr__(op, column, rule)
        for table in tables:
            table.clear()

    yield put
    for op, column, rule in changed:
        object.__setattr__(op, column, rule)
    for table in tables:
        table.clear()


SQUARE = {"A": [[1.0, 2.0], [3.0, 5.0]], "B": [[0.5, -1.0], [2.0, 0.25]]}
RIGHT = {name: TABLE[name].vjp for name in ("matmul", "softmax", "affine", "softmax_cross_entropy")}

WRONG = [
    ("matmul", "vjp", (lambda m, g, y, A, B: g @ B, RIGHT["matmul"][1]), "A@B", SQUARE),
    ("matmul", "vjp", (RIGHT["matmul"][0], lambda m, g, y, A, B: A @ g), "A@B", SQUARE),
    ("matmul", "vjp", (RIGHT["matmul"][0], lambda m, g, y, A, B: None), "A@B", SQUARE),
    ("softmax", "vjp", (lambda m, g, y, x, *, axis=-1: y * g,), "softmax(x)", {"x": BATCH}),
    ("softmax", "vjp", (lambda m, g, y, x, **k: -RIGHT["softmax"][0](m, g, y, x, **k),), "softmax(x)", {"x": BATCH}),
    ("mean", "vjp", (lambda m, g, y, x, **k: m.spread(g, x, **k),), "mean(x)", {"x": BATCH}),
    ("sum", "vjp", (lambda m, g, y, x, **k: m.spread(g, x, **k) * (1 + 1e-12),), "sum(x)", {"x": BATCH}),
    ("transpose", "vjp", (lambda m, g, y, x, *, axes=None: g,), "A.T", {"A": SQUARE["A"]}),
    ("norm", "vjp", (lambda m, g, y, x, **k: m.spread(g, x, **k) * x,), "norm(x)", {"x": BATCH}),
    ("amax", "vjp", (lambda m, g, y, x, **k: m.where(m.eq(x, y), 5 * g, 0),), "max(x)", {"x": [1.0, 2.0, 2.0]}),
    (
        "affine",
        "vjp",
        (*RIGHT["affine"][:2], lambda m, g, y, x, W, b: m.sum(g) + 0 * b),
        "affine(A,B,[1,2])+0*c",
        {**SQUARE, "c": 1.0},
    ),
    (
        "softmax_cross_entropy",
        "vjp",
        (RIGHT["softmax_cross_entropy"][0], lambda *_: None),
        "softmax_cross_entropy(x,t)",
        {"x": [0.3, 0.2, 0.5], "t": [0.2, 0.5, 0.3]},
    ),
    ("softmax", "stable", lambda m, x, *, axis=-1: m.exp(x) / (1 + m.sum(m.exp(x))), "softmax(x)", {"x": BATCH}),
    (
        "mse",
        "partials",
        (lambda m, y, a, b: 2 * (a - b), lambda m, y, a, b: 2 * (a - b)),
        "mse(x,c)",
        {"x": BATCH, "c": BATCH[::-1]},
    ),
    ("exp", "partials", (lambda m, y, x: y * (1 + 1e-12),), "sum(exp(x))", {"x": BATCH}),
]


@pytest.mark.parametrize(("name", "column", "rule", "text", "values"), WRONG)
def test_a_wrong_rule_fails(
    spoil: Callable[..., None], name: str, column: str, rule: Any, text: str, values: dict[str, Any]
) -> None:
    """A missing transpose, a missing term, a sign, a digit, a gradient not passed: the proof fails, with the entry."""
    if "[1,2]" in text:  # a constant has no gradient: a variable instead
        text, values = "affine(A,B,c)", {**SQUARE, "c": [1.0, 2.0]}
    assert proved(text, **values).status == "passed"
    spoil(name, column, rule)
    verdict = proved(text, **values)
    assert verdict.status == "failed"
    assert any("[" in failure and "proved is" in failure for failure in verdict.failures)


def test_a_local_jacobian_is_proved_where_the_upstream_is_0(spoil: Callable[..., None]) -> None:
    """A rule that is wrong only for an entry without upstream gradient passes right numbers down, and still fails."""
    values = {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [0.5, -1.0]}
    spoil("matmul", "vjp", (RIGHT["matmul"][0], lambda m, g, y, A, B: A.T @ (g * np.array([1.0, -1.0]))))
    verdict = proved("W@x", [1.0, 0.0], **values)
    assert verdict.status == "failed"
    assert verdict.failures[0].startswith("the local gradient ∂f[1]/∂x[0] is -3, but proved is 3")


def test_only_gradients_that_were_worked_out_are_checked() -> None:
    """`backward(wrt=…)` leaves the others out, and no check misses them; one that was asked for is missed."""
    trace = parse("sum((W@x)^2)").forward(LECTURE)
    found = trace.backward(wrt=["x"])
    verdict = verify(found)
    assert verdict.status == "passed" and verdict.sympy is not None and verdict.sympy.asked == 2
    assert verify(found, "proof", wrt=["W"]).status == "failed"


def test_forgotten_sums_over_broadcast_axes_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient of a broadcast input that is not summed over the batch is refused."""
    monkeypatch.setattr("gradcli.systems.arrays.unbroadcast", lambda g, shape: g[0])
    verdict = proved("sum((x+b)^2)", x=BATCH, b=[1.0, 2.0, 3.0])
    assert verdict.status == "failed" and "∂f/∂b[0]" in verdict.failures[0]


@pytest.mark.parametrize("wrong", [-1.0, 1 + 1e-12, 0.0, nan, inf])
def test_a_spoiled_entry_is_found(wrong: float) -> None:
    """One entry of a gradient times a wrong factor: the proof and, where it shows, sympy and differences name it."""
    right = gradients("sum((W@x)^2)", **LECTURE)
    adjoints = [None if g is None else np.array(g) for g in right.adjoints]
    index = right.graph.position("W")
    adjoints[index][0, 1] *= wrong
    spoiled = Gradients(right.trace, adjoints, right.upstream, right.masks)
    verdict = prove(spoiled)
    if not np.isfinite(wrong):
        assert verdict.status != "passed"
        return
    assert verdict.status == "failed"
    assert "W[0,1]" in verdict.failures[0]
    if abs(wrong - 1) > 1e-9:
        assert any("W[0,1]" in failure for failure in derived(spoiled).failures)
        assert any("W[0,1]" in failure for failure in check_differences(spoiled).failures)


def test_wrong_gradients_of_large_tensors_fail_along_directions() -> None:
    """Where there are too many entries to move one by one, a random direction tells a wrong sign."""
    x = np.random.default_rng(0).normal(size=(30, 20))
    right = gradients("sum(tanh(x)^2)", x=x)
    verdict = check_differences(right)
    assert verdict.status == "passed" and verdict.along == 3
    adjoints = [None if g is None else np.array(g) for g in right.adjoints]
    adjoints[right.graph.position("x")][3] *= -1
    verdict = check_differences(Gradients(right.trace, adjoints))
    assert verdict.status == "failed" and "random direction" in verdict.failures[0]


@pytest.mark.parametrize("share", [1.0, 0.0, 0.4])
def test_the_shares_of_a_tie_add_up(spoil: Callable[..., None], share: float) -> None:
    """Of two largest entries each may get any share of the gradient, but together they get all of it, once."""
    spoil("amax", "vjp", (lambda m, g, y, x, **k: m.where(m.eq(x, y), share * g, 0),))
    verdict = proved("3*max(x)", x=[1.0, 2.0, 2.0])
    assert verdict.status == "failed" and "passes to the entries of x adds up to" in verdict.failures[0]


def test_the_shares_of_a_tie_may_differ(spoil: Callable[..., None]) -> None:
    """A quarter and three quarters are a gradient of max too."""
    spoil("amax", "vjp", (lambda m, g, y, x, **k: np.array([0.0, 0.25, 0.75]) * g,))
    assert proved("3*max(x)", x=[1.0, 2.0, 2.0]).status == "passed"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("max(x,axis=0)", {"x": [[1.0, 2.0, 2.0], [1.0, 2.0, 3.0]]}),
        ("min(x)*max(x)", {"x": [1.0, 1.0, 1.0]}),
        ("norm(x)", {"x": [0.0, 0.0]}),
        ("svm_loss(x,t)", {"x": [[1.0, 2.0, 2.0]], "t": [0.0]}),
        ("f(a)=relu(a)-relu(-a)+sum(abs(a)); sum(f(x))", {"x": [0.0, 1.0]}),
        ("f(a)=max(a,a)*max(a); sum(f(x))", {"x": [2.0, 2.0]}),
        ("f(a)=max(a)-sum(a); f(x)", {"x": [2.0, 2.0]}),
    ],
)
def test_ties_and_kinks_as_they_are_shared_out_pass(text: str, values: dict[str, Any]) -> None:
    """Whatever the convention, the proof agrees with it."""
    assert proved(text, **values).status == "passed"


# ── kinks, domains, sizes ───────────────────────────────────────────────────────────────────────────────────


def test_kinks_are_noted_by_entry() -> None:
    """relu at 0 and a tie of max: proved, and the choice is told with its entry."""
    verdict = proved("sum(relu(x))", x=[1.0, 0.0, -2.0])
    assert verdict.status == "passed"
    assert "∂n1[1]/∂x[1] = 0" in verdict.kinks[0].said
    verdict = proved("max(x)", x=[1.0, 2.0, 2.0])
    assert verdict.status == "passed"
    assert "0.5 for x[1]" in verdict.kinks[0].said


def test_what_has_no_number_is_left_open() -> None:
    """An infinite slope in one entry is named; the others are proved."""
    verdict = proved("sum(sqrt(x))", x=[4.0, 0.0])
    assert verdict.status == "partial"
    assert "∂n1[1]/∂x[1] = inf" in verdict.unproved[0]
    verdict = proved("sum(log(x))", x=[4.0, -1.0])
    assert verdict.status == "partial"
    assert "outside its domain" in verdict.unproved[0]


def test_entries_of_a_branch_not_taken_are_not_multiplied() -> None:
    """0·nan does not come out of a branch that an entry does not take."""
    verdict = proved("sum(where(x<0,x,log(x)))", x=[-1.0, 2.0])
    assert verdict.status == "passed", verdict


def test_digits_are_counted_by_entry() -> None:
    """The entry that loses its digits is named, the others keep theirs."""
    verdict = proved("1-cos(x)", upstream=[1.0, 1.0], x=[1e-8, 1.0])
    assert verdict.status == "passed"
    assert dict(verdict.lost) == {"value[0]": 0}
    assert "f[0]" in verdict.warnings[0]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for hardly anything in the budget of the proof."""
    planning = import_module("gradcli.verify.planning")
    for name in ("LIGHT", "ROOM", "REDUCED"):
        monkeypatch.setattr(planning, name, 0.005)


def test_what_is_too_large_is_checked_along_directions(narrow: None) -> None:
    """A product that does not fit is not tried: the node is named, the rest proved, and differences do the rest."""
    source = np.random.default_rng(0)
    found = gradients("mean((x@W)^2)", x=source.normal(size=(20, 2000)), W=source.normal(size=(2000, 20)))
    verdict = verify(found, "proof", 20)
    assert verdict.proof is not None and verdict.differences is not None
    assert verdict.proof.status == "partial"
    assert verdict.proof.unproved[0].startswith("n1 = x@W: 1,600,000 ops")
    assert len(verdict.proof.large) == 1
    assert verdict.differences.status == "passed" and set(verdict.differences.errors) == {"x", "W"}
    assert 1 <= verdict.differences.along <= 3 and "random direction" in verdict.differences.how


def test_every_gradient_is_compared_with_differences_when_time_is_short() -> None:
    """What does not fit into the budget at all is still compared, within it, and up to four nodes are named."""
    source = np.random.default_rng(0)
    values = {"x": source.normal(size=(300, 300)) / 10, "W": source.normal(size=(300, 300)) / 10}
    found = gradients("h=x@W; sum(softmax(h@x+h^2*exp(h)-log(h^2+2))^2)", **values)
    started = monotonic()
    verdict = verify(found, "proof", 0.8)
    assert monotonic() - started < 3
    proof, differences = verdict.proof, verdict.differences
    assert proof is not None and differences is not None
    assert proof.status == "partial" and proof.unproved[0].startswith("h = x@W: 54,000,000 ops on single numbers")
    assert len(proof.unproved) <= 6 and "more nodes" in proof.unproved[4]
    assert differences.along and not differences.failures
    assert verify(found, "proof", 0.8, wrt=["h"]).differences is None


def test_a_wrong_gradient_that_is_too_large_to_prove_fails(narrow: None) -> None:
    """The proof leaves a large product open: differences along directions refuse its wrong gradient."""
    source = np.random.default_rng(0)
    right = gradients("sum(tanh(x@W))", x=source.normal(size=(60, 1000)), W=source.normal(size=(1000, 60)) / 30)
    adjoints = [None if g is None else np.array(g) for g in right.adjoints]
    adjoints[right.graph.position("W")][3] *= 1.5
    verdict = verify(Gradients(right.trace, adjoints), "proof", 20)
    assert verdict.proof is not None and verdict.proof.status != "failed"
    assert verdict.status == "failed" and "of W" in verdict.failures[0]


def test_the_command_line_compares_along_directions_too(narrow: None) -> None:
    """`eval` runs the same checks as `verify`; what only moves entries is measured by its entries."""
    found = gradients("sum(x[0]*x[1])", x=np.random.default_rng(0).normal(size=(2, 50_000)))
    with Checks(("proof",), 20) as checks:
        verdict = checks.run(found)
    assert verdict.proof is not None and verdict.differences is not None
    assert verdict.proof.unproved[0] == "n1 = x[0]: 150,000 entries are too many to prove"
    assert verdict.differences.status == "passed" and verdict.differences.along


def test_all_variables_move_together_when_one_evaluation_takes_long() -> None:
    """With time for one direction only, the variables share it; a wrong gradient is refused there too."""
    values = {name: np.random.default_rng(k).normal(size=(20, 20)) for k, name in enumerate("xyz")}
    right = gradients("sum(tanh(x@y)*z)", **values)
    check = checking(right, perf_counter() + 100)
    check.seconds = 100 / 40
    check.run(["x", "y", "z"])
    assert check.together and check.along == 1
    assert set(check.errors) == {"x", "y", "z"} and max(check.errors.values()) < 1e-6 and not check.failures
    adjoints = [None if g is None else np.array(g) for g in right.adjoints]
    adjoints[right.graph.position("y")] *= -1
    check = checking(Gradients(right.trace, adjoints), perf_counter() + 100)
    check.seconds = 100 / 40
    check.run(["x", "y", "z"])
    assert "of all variables" in check.failures[0]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1-cos(1e-6*sum(x))", {"x": np.random.default_rng(3).normal(size=(60, 50)) + 0.5}),
        ("svm_loss(x,t)", {"x": np.random.default_rng(3).normal(size=(60, 50)), "t": np.arange(60.0) % 50}),
        ("sum(relu(x))", {"x": np.random.default_rng(3).normal(size=(60, 50))}),
        ("sum(floor(x)*x)", {"x": np.random.default_rng(3).normal(size=(60, 50))}),
    ],
)
def test_right_gradients_agree_along_directions(text: str, values: dict[str, Any]) -> None:
    """Steps coarser than the output, class indices and thousands of kinks: no right gradient is refused."""
    verdict = check_differences(gradients(text, **values))
    assert verdict.status == "passed" and verdict.along == 3
    assert max(verdict.errors.values()) < 1e-2


def test_large_tensors_are_not_for_sympy() -> None:
    """Sixty entries are not derived; the verdict says how many they are, and is no failure."""
    found = gradients("sum(x^2)", x=[float(k) for k in range(60)])
    verdict = verify(found, "sympy").sympy
    assert verdict is not None
    assert verdict.status == "skipped" and verdict.unchecked == ("60 entries are too many for it",)


def test_sympy_weighs_the_entries_of_an_output() -> None:
    """A vector-Jacobian product is the gradient of the weighted sum, in closed form too."""
    verdict = derived(gradients("[x*y, x+y]", upstream=[1.0, 10.0], x=2.0, y=3.0))
    assert verdict.status == "passed"
    assert dict(verdict.derivatives) == {"x": "10+y", "y": "10+x"} or verdict.derivatives["x"] in ("y+10", "10+y")


# ── matrices ────────────────────────────────────────────────────────────────────────────────────────────────

MATRICES = [
    ("sum((W@x)^2)", LECTURE),
    ("W@x", LECTURE),
    ("x*exp(y)+sin(x*y)/z", {"x": 1.0, "y": 0.3, "z": 3.0}),
    ("logsumexp(x)*norm(x)", {"x": [0.3, -0.2, 0.5]}),
    ("softmax_cross_entropy(a,t)", {"a": BATCH, "t": [0.0, 2.0]}),
    ("tanh(x)", {"x": [1.0, -2.0, 0.5]}),
    ("gamma(x)+lgamma(y)*digamma(x)", {"x": 2.5, "y": 1.5}),
    ("sum(abs(x)^3)+atan2(x[0],x[1])", {"x": [1.0, -2.0]}),
]


@pytest.mark.parametrize(("text", "values"), MATRICES)
def test_matrices_are_proved_and_a_wrong_entry_fails(text: str, values: dict[str, Any]) -> None:
    """Every entry of a Jacobian, and of a scalar's Hessian, is proved; one that is off by 1e-9 fails, by its name."""
    trace = parse(text).forward(values)
    found = trace.jacobian()
    assert check_jacobian(trace, found).status == "passed"
    name = list(found)[-1]
    entries = np.array(found.blocks[name].entries, dtype=float)
    entries.ravel()[-1] += 1e-9 + abs(entries.ravel()[-1]) * 1e-9
    found.blocks[name] = found.blocks[name]._replace(entries=entries)
    verdict = check_jacobian(trace, found)
    assert verdict.status == "failed" and len(verdict.failures) == 1
    if trace.shapes[trace.graph.output]:
        return
    second = trace.hessian()
    verdict = check_hessian(trace, second)
    assert verdict.status == "passed", (*verdict.failures, *verdict.unproved)
    assert verdict.derivatives == second.matrix.size
    second.matrix[0, -1] += 1e-9 + abs(second.matrix[0, -1]) * 1e-9
    verdict = check_hessian(trace, second)
    assert verdict.status == "failed" and verdict.failures[0].startswith("∂²f/∂")


def test_curvatures_are_those_of_the_definitions() -> None:
    """FLINT's curvature of every scalar row agrees with differences of its own slopes, 40 digits deep."""
    from flint import arb

    from gradcli.systems.balls import Balls, precision

    m, step, compared = Balls(), arb(2) ** -60, 0
    for op in TABLE.values():
        if op.structural or op.variadic or op.kinks is not None:
            continue
        for at in op.samples:
            x = [arb(value) for value in at]
            for k in range(len(x)):
                for other in range(k, len(x)):
                    before = m.kinks, m.straddles
                    with precision(200, 3):
                        curve = m.curvature(op, x, k, other)
                    with precision(400):
                        low, high = list(x), list(x)
                        low[other], high[other] = x[other] - step, x[other] + step
                        slope = (m.slope(op, high, k) - m.slope(op, low, k)) / (2 * step)
                    if before == (m.kinks, m.straddles) and curve.is_finite() and slope.is_finite():
                        compared += 1
                        assert float(curve) == pytest.approx(float(slope), rel=1e-9, abs=1e-9), (op.name, at, k, other)
    assert compared > 300


# ── the limits of doubles ───────────────────────────────────────────────────────────────────────────────────

UNDERFLOWS = [
    ("sum(1e300*exp(x))", {"x": [-800.0, 1.0]}),
    ("sum(1e30*exp(x))", {"x": [-760.0, 1.0]}),
    ("sum(1e300*sigmoid(x))", {"x": [-800.0, 1.0]}),
    ("1e300*sigmoid(x[0])", {"x": [-800.0, 0.0]}),
    ("1e300*softmax(x)[0]", {"x": [-800.0, 0.0]}),
    ("1e300*logsumexp(x)", {"x": [-800.0, 0.0]}),
    ("1e300*log_softmax(x)[1]", {"x": [-800.0, 0.0]}),
    ("1e300*softmax_cross_entropy(x,1)", {"x": [-800.0, 0.0]}),
    ("sum(softmax(x)*c)", {"x": [-760.0, 1.0], "c": [1e30, 1.0]}),
    ("1e108*norm(x)", {"x": [1e-150, 1e200]}),
    ("1e108*hypot(x[0],x[1])", {"x": [1e-150, 1e200]}),
    ("f(a)=1e300*exp(a); sum(f(x))", {"x": [-800.0, 1.0]}),
]


@pytest.mark.parametrize(("text", "values"), UNDERFLOWS)
def test_what_underflows_is_right_however_large_what_multiplies_it(text: str, values: dict[str, Any]) -> None:
    """A slope below the doubles is rounded to 0 correctly; times 1e300 that is no small error, and no fault."""
    assert proved(text, **values).status == "passed"


@pytest.mark.parametrize(
    ("text", "values", "why"),
    [
        ("prod(x)", {"x": [0.0, nan, 0.0]}, "a term of it is not finite"),
        ("prod(x)", {"x": [0.0, 0.0, inf]}, "a term of it is not finite"),
        ("x@y", {"x": [1e200, 1e200], "y": [1e200, -1e200]}, "a number on the way to it overflows"),
    ],
)
def test_what_is_not_finite_on_the_way_is_left_open(text: str, values: dict[str, Any], why: str) -> None:
    """An input that is no number, and a sum that overflows before its end, are told; they are no wrong numbers."""
    verdict = proved(text, **values)
    assert verdict.status == "partial" and why in verdict.unproved[0]


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("name", ["x", "W", "n1"])
def test_a_gradient_that_is_not_finite_and_should_be_fails(name: str, bad: float) -> None:
    """nan or inf in the place of a gradient whose terms are all finite is wrong, and called so."""
    found = gradients("sum((W@x)^2)", **LECTURE)
    adjoints = [None if g is None else np.array(g) for g in found.adjoints]
    adjoints[found.graph.position(name)].ravel()[0] = bad
    verdict = prove(Gradients(found.trace, adjoints))
    assert verdict.status == "failed" and f"∂f/∂{name}[0" in verdict.failures[0]


def test_sympy_does_not_refuse_what_overflows_on_the_way() -> None:
    """square(Q) is inf, 1/inf is 0: each op is right, so that the whole is not called wrong; only not checked."""
    values = {"V": [9.493964196395078e299], "y": -5.920631662065905e299, "Q": -1.3e300}
    verdict = verify(gradients("celu(logsumexp(V,axis=0)*(y/(2+square(Q))))", **values))
    assert verdict.status == "partial" and not verdict.failures
    assert verdict.sympy is not None and "the formula loses its digits here" in verdict.sympy.unchecked[0]


@pytest.mark.parametrize(
    ("text", "at"), [("softmax_cross_entropy(y,[1,0])", [1e300, 2.0]), ("sum(softmax(y))", [1e200, 2.0])]
)
def test_differences_of_a_hessian_at_the_limits_of_doubles(text: str, at: list[float]) -> None:
    """Where the step's square overflows, the differences still give a verdict."""
    found = parse(text).forward(y=at).hessian()
    assert check_matrices(found).status in ("passed", "partial")


# ── unrolling ───────────────────────────────────────────────────────────────────────────────────────────────


def test_moving_entries_costs_nothing() -> None:
    """Index, transpose, reshape, stack and concat only move positions; what computes is counted."""
    trace = parse("sum(concat(x.T, reshape(x, 3, 2))[1:4])").forward(x=BATCH)
    program, blocks = unroll_graph(trace.graph, trace.shapes)
    assert program.size == len(program.constants) + 6 + 1 and len(program.steps) == 1
    x = blocks[trace.graph.position("x")]
    assert blocks[trace.graph.position("n1")].tolist() == x.T.tolist()
    product = parse("x@x.T").forward(x=BATCH)
    assert unroll_graph(product.graph, product.shapes)[0].cost == 2 * 2 * 2 * 3
