"""The textbook's gradient check agrees with right gradients, refuses wrong ones, and knows its own limits."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, exp, inf, nan, sin, sqrt

import pytest

from gradcli.autodiff import Gradients
from gradcli.ops import TABLE
from gradcli.syntax import parse
from gradcli.systems.floats import FLOATS
from gradcli.verify import verify
from gradcli.verify.differences import check_differences, derivative, ladder, relative
from gradcli.verify.verdicts import DifferencesVerdict

ULP = 2.0**-52


def checked(text: str, /, **values: float) -> DifferencesVerdict:
    return check_differences(parse(text).forward(values).backward())


# ── the numerical derivative ────────────────────────────────────────────────────────────────────────────────

SLOPES: list[tuple[str, Callable[[float], float], float, float]] = [
    ("sin", sin, 1.0, cos(1.0)),
    ("exp near overflow", lambda x: exp(x) if x < 709 else inf, 700.0, exp(700.0)),
    ("1/x near its pole", lambda x: 1 / x, 1e-8, -1e16),
    ("a fast wave", lambda x: sin(1e6 * x), 1.0, 1e6 * cos(1e6)),
    ("a wave at a large x", sin, 1e8, cos(1e8)),
    ("beside a kink", lambda x: max(0.0, x - 1), 1.001, 1.0),
    ("a straight line", lambda x: 3 * x, 1e-300, 3.0),
    ("a large scale", lambda x: x * x, 1e150, 2e150),
]


@pytest.mark.parametrize(("name", "f", "x", "slope"), SLOPES, ids=[row[0] for row in SLOPES])
def test_a_slope_is_found_on_any_scale(name: str, f: Callable[[float], float], x: float, slope: float) -> None:
    """The ladder finds a step that suits, and its error estimate covers the true error."""
    found = derivative(f, x, 4 * ULP * abs(f(x)))
    assert found is not None and found.sides is None and not found.jump
    assert abs(found.value - slope) <= found.error + 4 * ULP * abs(slope)
    assert relative(found.value, slope) < 1e-6


@pytest.mark.parametrize("x", [0.0, 1.0, -20.0, 1e-8, 1e300, -1e-300])
def test_steps_fall_evenly_and_see_both_scales(x: float) -> None:
    """The ladder goes from wide to narrow, from the scale of max(1, |x|) down to that of min(1, |x|)."""
    steps = list(ladder(x))
    assert steps == sorted(steps, reverse=True)
    assert steps[0] >= 2.0**-6 * max(1, abs(x)) * 0.99
    assert steps[-1] <= 2.0**-32 * (min(1, abs(x)) or 1)
    assert len(steps) <= 40


def test_rounding_is_not_mistaken_for_a_slope() -> None:
    """A function that is only noise has a slope of 0 within the error that is reported."""
    found = derivative(lambda x: 1.0 + ULP * (int(x * 1e13) % 2), 0.3, 2 * ULP)
    assert found is not None
    assert abs(found.value) <= found.error


# ── right gradients ─────────────────────────────────────────────────────────────────────────────────────────

RIGHT = [
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4}),
    ("x", {"x": 3}),
    ("exp(x)", {"x": 700}),
    ("log(x)", {"x": 1e-300}),
    ("sin(1e6*x)", {"x": 1}),
    ("relu(x-1)", {"x": 1.0000000001}),
    ("where(x>0,sqrt(x),0)", {"x": -1}),
    ("g(a,b)=a^2*b; g(x,y)*x", {"x": 0.3, "y": 7}),
    ("lgamma(x)", {"x": -2.5}),
]


@pytest.mark.parametrize(("text", "values"), RIGHT, ids=[row[0] for row in RIGHT])
def test_right_gradients_agree(text: str, values: dict[str, float]) -> None:
    """Every input is compared, and the relative error is in CS231n's best band."""
    verdict = checked(text, **values)
    assert verdict.status == "passed", verdict
    assert set(verdict.errors) == set(values)
    assert max(verdict.errors.values()) < 1e-7
    assert verdict.band == "happy"


@pytest.mark.parametrize(
    "op", [op for op in TABLE.values() if not op.variadic and not op.structural], ids=lambda op: op.name
)
def test_no_row_is_refused_at_its_samples(op: object) -> None:
    """At every sample point of every row, differences agree or say why they cannot tell."""
    from gradcli.graph import Builder

    for at in [*op.samples, *(check.at for check in op.checks)]:  # type: ignore[attr-defined]
        builder = Builder()
        inputs = tuple(builder.input(f"x{k}") for k in range(len(at)))
        graph = builder.finish(builder.add(op, inputs))  # type: ignore[arg-type]
        verdict = check_differences(graph.forward({f"x{k}": v for k, v in enumerate(at)}).backward())
        assert not verdict.failures, (at, verdict.failures)


# ── wrong gradients ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("factor", "band"),
    [
        (-1.0, "usually wrong"),
        (1.5, "usually wrong"),
        (1 + 1e-3, "uncomfortable"),
        (1 + 1e-6, "okay with kinks"),
    ],
)
def test_a_wrong_gradient_is_named_with_its_error(factor: float, band: str) -> None:
    """A spoiled gradient fails, and the sentence holds both numbers and the relative error."""
    right = parse("sin(x)*y").forward(x=1, y=2).backward()
    adjoints = list(right.adjoints)
    adjoints[right.graph.position("x")] = right["x"] * factor
    verdict = check_differences(Gradients(right.trace, adjoints))
    assert verdict.status == "failed"
    assert verdict.band == band
    (sentence,) = verdict.failures
    assert sentence.startswith("∂f/∂x is ")
    assert "differences give 1.0806" in sentence
    assert "relative error" in sentence
    assert verdict.errors["y"] < 1e-7


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partial with a wrong sign is found through the chain."""
    monkeypatch.setitem(FLOATS.locals, TABLE["sin"], (lambda y, x: -cos(x),))
    assert checked("exp(sin(x))*2", x=0.5).status == "failed"


@pytest.mark.parametrize("claim", [-0.5, 1.5, 100.0])
def test_a_number_outside_the_slopes_at_a_kink_fails(claim: float) -> None:
    """At a kink, what lies between the slopes passes; what does not, fails."""
    right = parse("relu(x)").forward(x=0).backward()
    adjoints = list(right.adjoints)
    adjoints[right.graph.position("x")] = claim
    verdict = check_differences(Gradients(right.trace, adjoints))
    assert verdict.status == "failed"
    assert "is at a kink, the slope is 0 on its left and 1 on its right" in verdict.failures[0]


# ── what differences cannot tell ────────────────────────────────────────────────────────────────────────────

KINKS = [
    ("relu(x)", {"x": 0}, "the slope is 0 on its left and 1 on its right: ∂f/∂x = 0 lies between"),
    ("abs(x)+x", {"x": 0}, "the slope is 0 on its left and 2 on its right: ∂f/∂x = 1 lies between"),
    (
        "leaky_relu(x)",
        {"x": 0},
        "the slope is 0.01 on its left and 1 on its right: ∂f/∂x = 0.01 lies between",
    ),
    ("max(x,2)", {"x": 2}, "the slope is 0 on its left and 1 on its right: ∂f/∂x = 0.5 lies between"),
    ("abs(x-1)*exp(x)", {"x": 1}, "the slope is -2.71828 on its left and 2.71828 on its right"),
]


@pytest.mark.parametrize(("text", "values", "note"), KINKS, ids=[row[0] for row in KINKS])
def test_a_kink_is_said_and_passes(text: str, values: dict[str, float], note: str) -> None:
    """At a kink both slopes are named, and any gradient between them passes."""
    verdict = checked(text, **values)
    assert verdict.status == "passed", verdict
    assert note in verdict.kinks[0].said
    assert verdict.errors["x"] == 0


UNCHECKED = [
    ("floor(x)*x", {"x": 2}, "the function jumps, or is infinitely steep, at x = 2"),
    ("step(x)", {"x": 0}, "the function jumps"),
    ("where(x>0,sqrt(x),0)", {"x": 0}, "infinitely steep, at x = 0"),
    ("log(x)", {"x": -1}, "the function is not finite on both sides of x = -1"),
    ("asin(x)", {"x": 1}, "∂f/∂x is inf: differences cannot check that"),
    ("1/(1+exp(-x))", {"x": -1000}, "∂f/∂x is nan: differences cannot check that"),
    ("x*2", {"x": inf}, "the function is not finite on both sides of x = inf"),
    ("x*2", {"x": nan}, "the function is not finite"),
]


@pytest.mark.parametrize(("text", "values", "reason"), UNCHECKED, ids=[f"{r[0]}@{r[1]}" for r in UNCHECKED])
def test_what_cannot_be_checked_is_said(text: str, values: dict[str, float], reason: str) -> None:
    """A jump, a domain's edge or a number that is not finite: partial, with the reason."""
    verdict = checked(text, **values)
    assert verdict.status == "partial", verdict
    assert not verdict.failures
    assert reason in verdict.unchecked[0]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1-cos(x)", {"x": 1e-8}),
        ("(1e8+x)-1e8", {"x": 0.3}),
        ("softplus(x)", {"x": -300}),
        ("tanh(x)", {"x": 20}),
    ],
)
def test_rounding_explains_what_it_explains(text: str, values: dict[str, float]) -> None:
    """Where rounding drowns the differences, a right gradient is not blamed."""
    verdict = checked(text, **values)
    assert verdict.status == "passed", verdict
    assert verdict.errors or "differences say no more than" in verdict.notes[0]


def test_nothing_to_compare_is_skipped() -> None:
    """An expression without inputs has no gradient to check."""
    assert checked("1+2").status == "skipped"


def test_a_budget_of_nothing_names_the_inputs_left() -> None:
    """When time is up, the inputs that were not compared are named."""
    found = parse("+".join(f"x{k}" for k in range(20))).forward({f"x{k}": 1.0 for k in range(20)}).backward()
    verdict = check_differences(found, 0)
    assert verdict.status == "partial"
    assert verdict.unchecked == ("x0, x1, x2, x3, x4, x5, x6, x7, …: the time for verification was used up",)


def test_only_what_was_asked_for_is_compared() -> None:
    """With `wrt`, a gradient that is not a number does not matter to the others."""
    found = parse("x^y").forward(x=-2, y=3).backward()
    assert check_differences(found).status == "partial"
    verdict = check_differences(found, wrt=["x"])
    assert (verdict.status, set(verdict.errors)) == ("passed", {"x"})


def test_the_budget_of_a_verification_is_for_all_of_it() -> None:
    """What `verify` is given in seconds reaches the differences."""
    found = parse("x*y").forward(x=2, y=3).backward()
    assert verify(found, "differences").status == "passed"
    assert verify(found, "differences", budget=0).status == "partial"
    assert verify(parse("x^y").forward(x=-2, y=3).backward(), "differences", wrt=["x"]).status == "passed"


def test_the_upstream_gradient_counts() -> None:
    """A backward pass from another upstream gradient is compared with that one."""
    assert check_differences(parse("sqrt(x)").forward(x=2).backward(-3.0)).status == "passed"
    assert checked("sqrt(x)", x=2).errors["x"] == pytest.approx(0, abs=1e-8)
    assert parse("sqrt(x)").forward(x=2).backward(-3.0)["x"] == pytest.approx(-1.5 / sqrt(2))


@pytest.mark.parametrize(("text", "x"), [("clip(x,0,x)", 2.0), ("where(x,0,x)", 0.0), ("relu(x)-relu(-x)", 0.0)])
def test_a_tie_of_one_variable_is_not_held_against_the_gradient(text: str, x: float) -> None:
    """Kinks may cancel: differences then see a smooth function where the gradient keeps to one side."""
    found = checked(text, x=x)
    assert found.status == "partial"
    assert "is at a kink" in found.unchecked[0]


def test_a_kink_excuses_no_gradient_beyond_its_slopes() -> None:
    """relu(x)-relu(-x) at 0: its one-sided slopes allow 0 to 2, and not 3."""
    honest = parse("relu(x)-relu(-x)").forward({"x": 0.0}).backward()
    adjoints = list(honest.adjoints)
    adjoints[honest.graph.inputs["x"]] = 3.0
    assert check_differences(Gradients(honest.trace, adjoints)).status == "failed"
