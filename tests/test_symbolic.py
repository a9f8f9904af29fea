"""The sympy verdict: what it derives and shows, what it says where it cannot, and that it always ends."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from math import cos, e, exp, isfinite, log, pi, tanh
from pathlib import Path

import pytest
import sympy

from gradcli.autodiff import Gradients
from gradcli.ops import TABLE
from gradcli.syntax import parse
from gradcli.systems.symbolic import Symbolic, exact
from gradcli.verify import symbolic, worker
from gradcli.verify.evaluation import Point, UnsupportedError
from gradcli.verify.symbolic import Session, request, verdict
from gradcli.verify.verdicts import ProofVerdict, SympyVerdict

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
NEURON_AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
CASES = Path(__file__).parent / "cases"


def gradients(text: str, **values: float) -> Gradients:
    return parse(text, given=values).forward(values).backward()


def judged(found: Gradients, digits: int | None = None, seconds: float = 30) -> SympyVerdict:
    """The child's last word, without a child."""
    proof = None if digits is None else ProofVerdict("passed", digits=digits)
    question = json.loads(json.dumps(request(found, proof, seconds)))
    return verdict(json.loads(json.dumps(list(worker.answers(question))[-1])))


def check(text: str, **values: float) -> SympyVerdict:
    return judged(gradients(text, **values))


def scalar_cases() -> list[dict]:
    files = [CASES / "published.jsonl", CASES / "feynman.jsonl"]
    cases = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [case for case in cases if not any(isinstance(value, list) for value in case["vars"].values())]


# ── what it derives ─────────────────────────────────────────────────────────────────────────────────────────

FORMS = [
    (NEURON, NEURON_AT, {"w0": "x0*f*(1-f)", "x0": "w0*f*(1-f)", "w2": "f*(1-f)"}),
    ("sigmoid(w*x+b)", {"w": 1, "x": 2, "b": -1}, {"w": "x*f*(1-f)", "b": "f*(1-f)"}),
    ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4}, {"x": "z", "z": "q"}),
    ("a=x*x+y*y; f=sqrt(a)", {"x": 3, "y": 4}, {"x": "x/f"}),
    ("tanh(x)", {"x": 0.5}, {"x": "1-f^2"}),
    ("exp(-theta^2/2)/sqrt(2*pi)", {"theta": 2}, {"theta": "-theta*f"}),
    ("x^y", {"x": 2, "y": 3}, {"x": "y*x^(y-1)", "y": "f*log(x)"}),
    ("x^2.5", {"x": 2}, {"x": "5*x^(3/2)/2"}),
    ("0.1*x", {"x": 2}, {"x": "0.1"}),
    ("x/2", {"x": 2}, {"x": "1/2"}),
    ("pi*x+e*y", {"x": 2, "y": 1}, {"x": "pi", "y": "e"}),
    ("(x-t)^2", {"x": 2, "t": 1}, {"x": "2*(x-t)", "t": "2*(t-x)"}),
    ("abs(x)", {"x": -2}, {"x": "sign(x)"}),
    ("max(x,y)", {"x": 4, "y": 2}, {"x": "step(x-y)"}),
    ("where(x>0,x^2,-x)", {"x": 4}, {"x": "where(x>0,2*x,-1)"}),
    ("lgamma(x)", {"x": 4}, {"x": "digamma(x)"}),
    ("digamma(x)", {"x": 4}, {"x": "polygamma(1,x)"}),
    ("leaky_relu(x)", {"x": 4}, {"x": "where(x>0,1,0.01)"}),
    ("logit(p)", {"p": 0.3}, {"p": "1/(p*(1-p))"}),
    ("gelu(x)", {"x": 3}, {"x": "1+x*sqrt(2)*exp(-x^2/2)/(2*sqrt(pi))-erfc(x*sqrt(2)/2)/2"}),
    ("q*(Ef+B*v)", {"q": 1, "Ef": 2, "B": 3, "v": 4}, {"q": "B*v+Ef", "B": "q*v"}),
    ("floor(x)+sign(x)+round(x)", {"x": 0.3}, {"x": "0"}),
    ("q=x*y; q*z+exp(-q)", {"x": 1, "y": 2, "z": 3}, {"x": "y*(z-exp(-q))", "z": "q"}),
    ("binary_cross_entropy(p,t)", {"p": 0.3, "t": 1}, {"p": "(p-t)/(p*(1-p))", "t": "log(1-p)-log(p)"}),
    ("relu(x)", {"x": 0}, {"x": "where(x>0,1,0)"}),
    ("hinge(s,t)", {"s": 1, "t": 1}, {"s": "-t*step(1-s*t)"}),
]


@pytest.mark.parametrize(("text", "values", "forms"), FORMS, ids=[row[0] for row in FORMS])
def test_closed_forms_are_as_short_as_people_write_them(text, values, forms):
    """Each derivative passes and has the shortest form, in terms of the output or a named node if need be."""
    found = check(text, **values)
    assert found.status == "passed"
    assert {name: found.derivatives[name] for name in forms} == forms


@pytest.mark.parametrize("case", scalar_cases(), ids=lambda case: case["id"])
def test_published_and_physics_formulas_pass_and_their_forms_read_back(case):
    """sympy agrees on every variable; each form, read by the parser, has the published gradient's value."""
    found = gradients(case["expr"], **case["vars"])
    judgement = judged(found)
    assert (judgement.status, judgement.checked) == ("passed", len(case["vars"]))
    assert judgement.max_rel_error is None or judgement.max_rel_error < 1e-12
    for name, text in judgement.derivatives.items():
        form = parse(text, given=case["vars"])
        values = {n: case["vars"].get(n, case["value"]) for n in form.inputs}  # no variable: the output
        assert form.forward(values).value == pytest.approx(case["grad"][name], rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("text", "values"),
    [("max(x,y)", {"x": 2, "y": 2}), ("min(x,3)", {"x": 3}), ("x*step(x)+max(x,0)", {"x": 0})],
)
def test_a_form_that_contradicts_the_number_shown_is_left_out(text, values):
    """At a tie the gradient is 0.5, and step(x-y), read in the language, is 0: better no form than that one."""
    assert check(text, **values).derivatives == {}


def test_forms_do_not_depend_on_the_clock(monkeypatch):
    """On a machine a thousand times as slow the same forms are found, while the budget lasts."""
    ticks = iter(range(10**9))
    quick = check(NEURON, **NEURON_AT).derivatives
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks) * 0.5)
    slow = judged(gradients(NEURON, **NEURON_AT), seconds=1000)
    assert slow.derivatives == quick
    assert len(quick) == 5


def test_long_forms_are_left_out():
    """A derivative that nobody would read is checked, but not shown."""
    found = check("sigmoid(-11*sigmoid(5*x1+5*x2-8)-11*sigmoid(-7*x1-7*x2+3)+6)", x1=1, x2=0)
    assert (found.status, found.checked, found.derivatives) == ("passed", 2, {})


def test_user_names_are_never_sympys():
    """Variables that sympy takes for its own objects are ordinary, in the graph and in the forms."""
    text = "E*I+S*N+beta*gamma+lambda*zeta+Q*O+pi*re+n1*held+x0*t0"
    found = check(text, **{name: float(k) for k, name in enumerate(text.replace("*", "+").split("+"), 1)})
    assert found.status == "passed"
    assert found.derivatives["E"] == "I"
    assert found.derivatives["lambda"] == "zeta"
    assert found.derivatives["re"] == "pi"


def test_user_gates_and_attributes_reach_the_child():
    """A gate is differentiated through its body, and keyword attributes count, exactly."""
    found = gradients("g(a,b)=a*exp(b)+0.1*a; h(a)=g(a,2*a); h(x)+g(x,y)+leaky_relu(-x,slope=0.3)", x=0.5, y=-1)
    assert judged(found).status == "passed"
    assert found["x"] == pytest.approx(exp(1) + 2 * 0.5 * exp(1) + 0.1 + exp(-1) + 0.1 - 0.3)


@pytest.mark.parametrize("op", [op for op in TABLE.values() if not op.structural], ids=lambda op: op.name)
def test_no_row_of_the_table_is_called_wrong(op):
    """At every sample and hand-checked point of every op, kinks included, sympy finds nothing wrong."""
    names = [f"x{k}" for k in range(max(len(at) for at in [*op.samples, *(check.at for check in op.checks)]))]
    for at in [*op.samples, *(check.at for check in op.checks)]:
        found = check(f"{op.name}({','.join(names[: len(at)])})", **dict(zip(names, at, strict=False)))
        assert found.failures == ()
        assert found.status in ("passed", "partial")


def test_random_formulas_pass_and_their_forms_read_back():
    """Forms of seeded random formulas, read by the parser, have the engine's gradients."""
    source = random.Random(20)  # noqa: S311 - formulas, not secrets

    def formula(depth: int) -> str:
        if depth == 0 or source.random() < 0.15:
            return source.choice(["x", "y", "z", "2", "0.3", "1.5", "pi"])
        a, b = formula(depth - 1), formula(depth - 1)
        unary = ["-({})", "({})^2", "sin({})", "abs({})^1.5", "exp(-({})^2)", "sqrt(1+({})^2)", "tanh({})"]
        binary = ["({}+{})", "({}-{})", "({})*({})", "({})/({})", "max({},{})", "where({0}<{1},{1},{0})"]
        return source.choice([*unary, *binary]).format(a, b)

    read = 0
    for _ in range(80):
        text = formula(3)
        values = {name: source.uniform(-2, 2) for name in "xyz"}
        graph = parse(text)
        found = graph.forward({name: values[name] for name in graph.inputs}).backward()
        if not all(isfinite(g) for _, g in found.items()):
            continue
        judgement = judged(found)
        assert judgement.failures == (), text
        for name, derivative in judgement.derivatives.items():
            form = parse(derivative)
            known = {**values, "f": found.trace.value}
            value = form.forward({n: known[n] for n in form.inputs}).value
            assert value == pytest.approx(found[name], rel=1e-6, abs=1e-9), (text, name, derivative)
            read += 1
    assert read > 60


# ── kinks, singular points, lost digits ─────────────────────────────────────────────────────────────────────

POINTS = [
    ("max(x,y)", {"x": 2, "y": 2}, "passed", "∂f/∂x is at a kink: 0.5 lies between 0 and 1"),
    ("abs(x)", {"x": 0}, "passed", "0 lies between -1 and 1"),
    ("relu(x)", {"x": 0}, "passed", "0 lies between 0 and 1"),
    ("max(x,y,z)", {"x": 2, "y": 2, "z": 2}, "passed", "0.3333333333333333 lies between 0 and 1"),
    ("hypot(x,y)", {"x": 0, "y": 0}, "passed", "0 lies between -1 and 1"),
    ("relu(x)-relu(-x)", {"x": 0}, "partial", "at the kink (0 by convention; beside it sympy has 1)"),
    ("where(x>0,sqrt(x),0)", {"x": 0}, "passed", "0 lies between 0 and inf"),
    ("x^2", {"x": 0}, "passed", ""),
    ("x^y", {"x": 0, "y": 2}, "passed", ""),
    ("x^1", {"x": 0}, "passed", ""),
    ("x^0", {"x": 0}, "passed", ""),
    ("sqrt(x)", {"x": 0}, "partial", "gradcli computed inf"),
    ("atan2(y,x)", {"x": 0, "y": 0}, "skipped", "∂f/∂y, ∂f/∂x (gradcli computed nan)"),
    ("atan2(y,x)", {"x": -0.0, "y": 0}, "skipped", "∂f/∂y, ∂f/∂x (gradcli computed nan)"),
    ("atan2(y,x)", {"x": -1, "y": -0.0}, "passed", ""),
    ("sqrt(x^2+y^2)", {"x": 0, "y": 0}, "partial", "∂f/∂x, ∂f/∂y (gradcli computed nan)"),
    ("x^y", {"x": 0, "y": 0}, "partial", "∂f/∂y at the kink (0 by convention)"),
    ("1/(1+exp(-x))", {"x": -1000}, "partial", "gradcli computed nan; sympy's derivative is 5.076e-435"),
    ("1-cos(x)", {"x": 1e-8}, "partial", "f (the formula loses its digits here: 0 is 5e-17 exactly)"),
    ("(1-cos(x))/x^2", {"x": 1e-8}, "partial", "loses its digits here"),
    ("(x+1e16)-1e16", {"x": 1}, "partial", "loses its digits here"),
    ("log(x)", {"x": -1}, "skipped", "the expression as a whole (f is nan here)"),
    ("x*y", {"x": float("inf"), "y": 2}, "skipped", "f is inf here"),
    ("tanh(x)", {"x": 20}, "passed", ""),
    ("softplus(x)", {"x": -300}, "passed", ""),
    ("sigmoid(x)", {"x": -1e6}, "passed", ""),
    ("gelu(x)", {"x": -30}, "passed", ""),
    ("abs(log(x))", {"x": 0.5}, "passed", ""),
    ("cbrt(x)", {"x": -8}, "passed", ""),
    ("max(0.1+x,0.3)", {"x": 0.2}, "passed", ""),
    ("max(" + ",".join(f"x*{k}-y" for k in range(20)) + ")", {"x": 1, "y": 2}, "passed", ""),
    ("min(x,y,x*y,2*x,3*x)", {"x": 1, "y": 1}, "passed", "∂f/∂x is at a kink"),
    ("3+4", {}, "passed", ""),
]


@pytest.mark.parametrize(("text", "values", "status", "sentence"), POINTS, ids=[row[0] for row in POINTS])
def test_hard_points_get_an_honest_verdict(text, values, status, sentence):
    """A convention within the one-sided derivatives passes, noted; what has no comparison never fails."""
    found = check(text, **values)
    assert found.status == status
    assert found.failures == ()
    assert sentence in " | ".join([*found.unchecked, *found.notes, *(kink.said for kink in found.kinks)])
    if status == "passed" and not sentence:
        assert found.notes == () == found.kinks


@pytest.mark.parametrize(
    ("text", "values", "checked", "asked"),
    [
        ("1-cos(x)", {"x": 1e-8}, 1, 1),
        ("sqrt(x^2+y^2)", {"x": 0, "y": 0}, 0, 2),
        ("x^y", {"x": -2, "y": 3}, 1, 2),
        ("x*y+log(z)", {"x": 1, "y": 2, "z": -1}, 0, 3),
    ],
)
def test_only_gradients_that_were_compared_are_counted(text, values, checked, asked):
    """A gradient that is no number is not counted among those that agree."""
    found = check(text, **values)
    assert (found.checked, found.asked) == (checked, asked)
    assert found.status == "partial"


def test_gradients_that_nobody_asked_for_do_not_matter():
    """With `wrt`, only those gradients are compared, and only their forms shown."""
    found = gradients("x^y", x=-2, y=3)
    question = json.loads(json.dumps(request(found, None, 30, ["x"])))
    judgement = verdict(list(worker.answers(question))[-1])
    assert (judgement.status, judgement.checked, judgement.unchecked) == ("passed", 1, ())
    assert set(judgement.derivatives) == {"x"}


def test_lost_digits_are_an_error_only_where_the_proof_has_them():
    """The same disagreement is the formula's fault, or wrong once the digits are proved to be there."""
    found = gradients("(1-cos(x))/x^2", x=1e-8)
    assert judged(found, digits=0).status == "partial"
    assert judged(found, digits=14).status == "failed"


# ── what is wrong is found ──────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_gradient_is_named_with_both_numbers():
    """A tampered gradient fails, and the sentence has the variable, the engine's number and sympy's."""
    found = gradients(NEURON, **NEURON_AT)
    found.adjoints[found.graph.inputs["x0"]] = 0.3933
    judgement = judged(found)
    assert judgement.status == "failed"
    (failure,) = judgement.failures
    computed, derived = failure.removeprefix("∂f/∂x0: gradcli computed ").split(", sympy ")
    assert float(computed) == 0.3933
    assert float(derived) == pytest.approx(0.3932238664829637, rel=1e-9)
    assert judgement.derivatives == {}


def test_a_wrong_gradient_of_a_node_between_is_found():
    """Tampering with an inner node's gradient fails at that node."""
    found = gradients("q=x+y; f=q*z", x=-2, y=5, z=-4)
    found.adjoints[found.graph.position("q")] = -4.5
    assert any(failure.startswith("∂f/∂q: gradcli computed -4.5") for failure in judged(found).failures)


def test_a_wrong_value_is_found():
    """A forward value that its op does not give fails, even where the gradients would not show it."""
    found = gradients("q=exp(x); f=q+y", x=1, y=2)
    found.trace.values[found.graph.position("q")] = 2.7
    assert "q: gradcli computed 2.7, sympy 2.718281828459045" in judged(found).failures


def test_a_missing_gradient_is_found():
    """A variable whose gradient never arrived fails."""
    found = gradients("x*y", x=3, y=4)
    found.adjoints[found.graph.inputs["x"]] = None
    assert judged(found).failures == ("∂f/∂x: gradcli computed 0, sympy 4",)


def test_a_wrong_gradient_outside_one_sided_derivatives_is_found():
    """At a kink a number that no convention gives is wrong."""
    found = gradients("max(x,y)", x=2, y=2)
    found.adjoints[found.graph.inputs["x"]] = 1.5
    assert judged(found).status == "failed"


def test_an_upstream_scales_everything():
    """Gradients that start from another upstream are compared with so many times the derivative."""
    graph = parse(NEURON)
    assert judged(graph.forward(NEURON_AT).backward(-3.0)).status == "passed"


# ── size ────────────────────────────────────────────────────────────────────────────────────────────────────


def nested(word: str, depth: int) -> str:
    return f"{word}(" * depth + "x" + ")" * depth


LARGE = [
    ("+".join(["x*y"] * 500), "written out it has 999 ops"),
    (nested("sin", 200), "nested more than 100 deep"),
    (
        "; ".join(["a0=x+y", *(f"a{i}=a{i - 1}*a{i - 1}" for i in range(1, 40)), "a39+x"]),
        "it has 1,000,000 ops",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), LARGE, ids=["wide", "deep", "shared"])
def test_large_expressions_are_checked_op_by_op(text, sentence):
    """Beyond the bounds the whole is not derived, which is said; every op still is."""
    found = check(text, **dict.fromkeys(parse(text).inputs, 0.5))
    assert found.status == "partial"
    assert sentence in found.unchecked[0]
    assert "one by one" in found.unchecked[0]


def test_large_expressions_are_still_wrong_when_they_are():
    """Op by op, too, a tampered gradient is found."""
    found = gradients(LARGE[0][0], x=0.5, y=0.25)
    found.adjoints[found.graph.inputs["y"]] = 249.0
    assert judged(found).failures == ("∂f/∂y: gradcli computed 249, sympy 250",)


@pytest.mark.parametrize(
    "text",
    ["9^9^9*x", "x^9^9^9", "(9*x)^387420489", "x+(1e300)^x^300", "exp(exp(exp(exp(x))))", "gamma(1000000)*x",
     "g(a)=a*gamma(100000)/gamma(100001); g(x)", "polygamma(3,100000)*x", "1/9^9^9+x", "exp(-exp(exp(x)))+x"],
)  # fmt: skip
def test_numbers_beyond_reason_are_never_worked_out(text):
    """Towers of powers and factorials cost nothing and are not called wrong."""
    started = time.process_time()
    assert check(text, x=2.5).failures == ()
    assert time.process_time() - started < 5


# ── the child ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_child_gives_the_neurons_verdict_and_ends():
    """Start, ask, answer: five gradients agree, with their forms, and no process is left."""
    session = Session.start(60)
    process = session.process
    found = session.check(gradients(NEURON, **NEURON_AT), ProofVerdict("passed", digits=15))
    assert (found.status, found.checked, found.unchecked) == ("passed", 5, ())
    assert found.derivatives["w0"] == "x0*f*(1-f)"
    assert process.returncode == 0
    assert process.stdout.closed
    assert session.check(gradients("x", x=1)).unchecked == ("its process has ended",)


def child(monkeypatch, tmp_path, body: str, seconds: float = 60) -> SympyVerdict:
    """The verdict when the child is another program."""
    (tmp_path / "another_child.py").write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(symbolic, "WORKER", "another_child")
    session = Session.start(seconds)
    process = session.process
    found = session.check(gradients("x*y", x=1, y=2))
    assert process.returncode is not None
    return found


LISTS = {"failures": [], "unchecked": ["so far"], "notes": []}
ANSWER = json.dumps({"status": "partial", "max_rel_error": 0.0, "derivatives": {}, "checked": 1, **LISTS})
FAULTS = [
    ("import time; time.sleep(100)", 0.5, "skipped", "it did not finish within 0.5 s"),
    (f"import time; print({ANSWER!r}, flush=True); time.sleep(100)", 1.5, "partial", "so far"),
    (f"import os; print({ANSWER!r}, flush=True); os.abort()", 60, "partial", "so far"),
    ("import os; os.abort()", 60, "skipped", "its process ended without an answer"),
    ("raise SystemExit(3)", 60, "skipped", "its process ended without an answer (status 3)"),
    ("print('nonsense')", 60, "skipped", "no sensible answer"),
    ("print('{}')", 60, "skipped", "no sensible answer"),
    (
        "import os; os.close(0); print('half a li', end='')",
        60,
        "skipped",
        "its process ended without an answer",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[row[0][:24] for row in FAULTS])
def test_a_child_in_trouble_is_never_a_failed_verdict(monkeypatch, tmp_path, fault):
    """A hang, a crash or nonsense is "not checked"; what was said before counts; nothing is left running."""
    body, seconds, status, sentence = fault
    started = time.monotonic()
    found = child(monkeypatch, tmp_path, body, seconds)
    assert (found.status, found.failures) == (status, ())
    assert sentence in found.unchecked[0]
    assert time.monotonic() - started < 30


def test_a_tiny_budget_is_kept():
    """With no time at all the answer comes at once, and it is honest."""
    session = Session.start(0.01)
    started = time.monotonic()
    found = session.check(gradients(NEURON, **NEURON_AT))
    assert found.status == "skipped"
    assert "0.01 s" in found.unchecked[0]
    assert time.monotonic() - started < 5


def test_no_interpreter_is_not_a_failure(monkeypatch):
    """Where no process can be started the verdict is skipped, with the reason."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    found = Session.start().check(gradients("x", x=1))
    assert found.status == "skipped"
    assert "did not start" in found.unchecked[0]


def test_a_graph_too_large_to_send_is_skipped():
    """A machine-made graph is not sent at all."""
    with Session.start(60) as session:
        found = session.check(gradients("+".join(["x"] * 5000), x=1))
    assert found.unchecked == ("5,000 nodes are too many for it",)


def test_closing_ends_the_child():
    """A session that is never asked leaves nothing behind, closed once or twice."""
    session = Session.start(60)
    process = session.process
    session.close()
    session.close()
    assert process.returncode is not None


def test_the_deadline_is_kept_inside_the_child_too():
    """Past its deadline the child stops between two steps and says what is missing."""
    found = judged(gradients(NEURON, **NEURON_AT), seconds=-1)
    assert found.status == "skipped"
    assert "time ran out" in found.unchecked[0]


def outside(code: str, tmp_path: Path, **how) -> subprocess.CompletedProcess[str]:
    """A program of its own, in a directory of its own."""
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(command, cwd=tmp_path, env=here, text=True, timeout=60, check=False, **how)


ASK = """
import sys
from gradcli.syntax import parse
from gradcli.verify.symbolic import Session
session = Session.start(60)
found = session.check(parse("x*y").forward(x=3, y=4).backward())
assert "sympy" not in sys.modules and "mpmath" not in sys.modules
sys.exit(0 if found.derivatives == {"x": "y", "y": "x"} else found.status)
"""


def test_the_parent_never_loads_sympy_nor_anything_from_the_working_directory(tmp_path):
    """A file called sympy.py beside the user's data is not imported, and sympy stays in the child."""
    for name in ("sympy.py", "mpmath.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit(77)")
    ended = outside(ASK, tmp_path, stdin=subprocess.DEVNULL, capture_output=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="descriptors are closed the POSIX way")
@pytest.mark.parametrize("closed", ["0", "1", "0, 1", "0, 1, 2"])
def test_closed_streams_do_no_harm(tmp_path, closed):
    """A parent without standard streams still gets its answer."""
    ended = outside(f"import os\nfor fd in ({closed},): os.close(fd)\n" + ASK, tmp_path)
    assert ended.returncode == 0


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_numbers_are_exactly_their_doubles():
    """Ints stay ints; floats, and those inside expressions, become the rational number that the double is."""
    m = Symbolic()
    assert exact(3) == 3
    assert m.literal(0.5) == sympy.Rational(1, 2)
    assert m.literal(0.1) == sympy.Rational(*(0.1).as_integer_ratio())
    x = m.symbol("x")
    assert not exact(0.1 * x + 0.3).atoms(sympy.Float)
    assert m.symbol("x") != x


def test_points_are_evaluated_to_the_digits_asked_for():
    """Fifty digits of numbers from tables, on a shared expression of 2^60 leaves."""
    x = sympy.Symbol("x")
    point = Point({x: 1}, {})
    assert str(point(sympy.sin(x))[0]).startswith("0.8414709848078")
    assert abs(point(sympy.gamma(x / 2) ** 2)[0] - sympy.pi.evalf(60)) < 1e-49
    shared = x
    for _ in range(60):
        shared = sympy.Mul(shared, sympy.Add(shared, 1, evaluate=False) / 2, evaluate=False)
    assert point(shared)[0] == 1


@pytest.mark.parametrize(
    ("function", "at", "value", "kink"),
    [
        (sympy.Heaviside, 0, 0.5, True),
        (sympy.Abs, 0, 0, True),
        (sympy.sign, -2, -1, False),
        (sympy.log, -1, None, False),
        (sympy.sqrt, -1, None, False),
        (lambda x: 1 / x, 0, None, False),
        (lambda x: sympy.Max(x, 1), 1, 1, True),
        (sympy.acosh, 0.5, None, False),
        (sympy.loggamma, -2.5, log(0.9453087204829419), False),
        (sympy.exp, -1e30, 0, False),
        (lambda x: 2**x, 1e30, None, False),
    ],
)
def test_points_know_kinks_and_domains(function, at, value, kink):
    """Outside the reals there is no number; on a kink or a jump there is a mark."""
    x = sympy.Symbol("x", real=True)
    found, bent = Point({x: at}, {})(function(x))
    assert bent is kink
    assert found is None if value is None else float(found) == pytest.approx(value, rel=1e-12)


def test_unknown_functions_are_unsupported():
    """A part that sympy left undone is named, not guessed."""
    x = sympy.Symbol("x")
    with pytest.raises(UnsupportedError):
        Point({x: 1}, {})(sympy.Function("mystery")(x))


@pytest.mark.parametrize(
    ("word", "at", "value"),
    [
        *[("floor", -2.5, -3), ("ceil", -2.5, -2), ("round", 2.5, 2), ("round", 3.5, 4), ("sign", -3, -1)],
        *[("cbrt", -8, -2), ("expm1", 1, e - 1), ("log2", 8, 3), ("exp2", 3, 8), ("log1p", 1, log(2))],
        *[("tanh", 1, tanh(1)), ("sec", 1, 1 / cos(1)), ("normal_cdf", 0, 0.5), ("lgamma", 5, log(24))],
        *[("reciprocal", 4, 0.25), ("atan", 1, pi / 4)],
    ],
)
def test_rows_run_over_sympy(word, at, value):
    """A row spelled for sympy, or by its definition, has its textbook value as an expression."""
    m = Symbolic()
    x = m.symbol("x")
    assert float(Point({x: at}, m.held)(getattr(m, word)(x))[0]) == pytest.approx(value, rel=1e-14)
