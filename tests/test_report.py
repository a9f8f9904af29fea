"""What renderers see of an evaluation: rows, influence, what backward keeps, trouble, paths."""

from __future__ import annotations

from math import exp, inf, isnan, nan, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.errors import UnknownCell
from gradcli.notation import local
from gradcli.ops import TABLE
from gradcli.paths import paths
from gradcli.report import Report, build
from gradcli.syntax import parse
from gradcli.systems.conditions import said
from gradcli.systems.floats import FLOATS
from gradcli.verify.verdicts import ProofVerdict, SympyVerdict, Verification

NEURON = ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0})


def of(text: str, **values: float) -> Report:
    return build(parse(text).forward(values).backward())


def neuron() -> Report:
    return of(NEURON[0], **NEURON[1])


def names(report: Report, indices: list[int]) -> str:
    return " ".join(report.graph.names[i] for i in indices)


def test_rows_are_inputs_then_ops() -> None:
    """Each row's own product gives that row's gradient; constants have none."""
    report = neuron()
    assert names(report, report.order) == "w0 x0 w1 x1 w2 n1 n2 n3 n4 n5 n6 n7 f"
    for row in report.node_rows(report.order)[:-1]:
        assert len(row.edges) == row.uses == 1
        edge = row.edges[0]
        assert edge.local * edge.upstream == edge.downstream == row.gradient


def test_a_row_says_what_the_blackboard_says() -> None:
    """n6 of the neuron: exp(n5) = 0.3679, its gradient -1/1.3679² = -0.5344 arrives through 1+n6 (CS231n)."""
    report = neuron()
    row = report.node_row(report.graph.position("n6"))
    assert (row.name, row.op, row.formula, row.why) == ("n6", "exp", "exp(n5)", "")
    assert row.written == "exp(-(w0*x0+w1*x1+w2))"
    assert row.value == pytest.approx(exp(-1), rel=1e-15)
    assert row.gradient == pytest.approx(-1 / (1 + exp(-1)) ** 2, rel=1e-15)
    edge = row.edges[0]
    assert (edge.child_name, edge.parent_name, edge.op, edge.rule, edge.local) == (
        "n7",
        "n6",
        "add",
        "1",
        1.0,
    )


def test_edges_into_a_node_align_with_its_inputs() -> None:
    """f = 1/n7 has an edge from n7, and none from the constant 1."""
    report = neuron()
    constant, edge = report.entering(report.graph.output)
    assert constant is None
    assert edge is not None and edge.rule == "-1/n7^2" and edge.upstream == 1
    assert [row.op for row in report.nodes()].count("constant") == 1


def test_second_edge_between_two_nodes_is_numbered() -> None:
    """x*x has the edges x → f and x → f, the second with number 2."""
    report = of("x*x", x=3)
    assert [(edge.duplicate, edge.downstream) for edge in report.edge_rows()] == [(1, 3), (2, 3)]
    assert len(list(report.edge_rows(limit=1))) == 1


def test_edges_of_a_row_can_be_limited() -> None:
    """Of a thousand uses three rows are made, and the thousand are counted."""
    report = of("+".join(["x"] * 1000), x=1)
    row = report.node_rows([report.graph.inputs["x"]], limit=3)[0]
    assert (len(row.edges), row.uses, row.gradient) == (3, 1000, 1000)


WHY = [
    ("x+y", {"x": 1, "y": 2}, "x", ""),
    ("a=x*y; x", {"x": 1, "y": 2}, "a", "x does not use it"),
    ("where(x>0,sqrt(x),0)", {"x": 0}, "n1", "carries no gradient"),
    ("where(x>0,sqrt(x),0)", {"x": 0}, "x", "no gradient arrives"),
    ("b=2*3; x+b", {"x": 1}, "b", "depends on no input"),
    ("2*3", {}, "f", "depends on no input"),
    ("x>1", {"x": 2}, "f", "carries no gradient"),
]


@pytest.mark.parametrize(("text", "values", "name", "why"), WHY)
def test_a_row_without_gradient_says_why(text: str, values: dict[str, float], name: str, why: str) -> None:
    """Where no gradient arrives the reason is in words."""
    report = of(text, **values)
    assert report.node_row(report.graph.position(name)).why == why


def test_wrt_limits_the_gradients() -> None:
    """Only what was asked for has a gradient; intermediate nodes keep theirs; a wrong name is refused."""
    gradients = parse("q=x+y; q*z").forward(x=-2, y=5, z=-4).backward()
    report = build(gradients, wrt=["z", "q"])
    assert report.gradients == {"z": 3.0, "q": -4.0}
    x = report.node_row(report.graph.position("x"))
    assert (x.gradient, x.edges, x.why) == (None, (), "not asked for")
    with pytest.raises(UnknownCell):
        build(gradients, wrt=["t"])


def test_roles_are_those_of_the_ops_that_passed_a_gradient() -> None:
    """Each gate that is there says once what it does; those without a role, or off the way, are silent."""
    assert of("exp(x*y)+x", x=1, y=2).roles == (
        "mul switches: × the other input",
        "add distributes its upstream",
    )
    assert of("x+exp(2*3)", x=1).roles == ("add distributes its upstream",)


def test_ranking_is_by_size() -> None:
    """The neuron's x1 matters most, then x0 and w1; what is not a number comes last."""
    assert [name for name, _ in neuron().ranking] == ["x1", "x0", "w1", "w0", "w2"]
    assert neuron().node_ranking[0][0] == "x1"
    assert [name for name, _ in of("1/(1+exp(-x))+y+2*z", x=-1000, y=1, z=1).ranking] == ["z", "y", "x"]


SENTENCES = [
    (NEURON[0], NEURON[1], "raise x1 by 0.01 and f falls by about 0.0059"),
    ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4}, "raise x by 0.01 and f falls by about 0.04"),
    ("x^40", {"x": 1.5}, "raise x by 0.001 and f rises by about 290000"),
    ("max(x,y)", {"x": 2, "y": 2}, None),  # at a tie the halves are not what happens
    ("abs(x)", {"x": 0}, None),
    ("sqrt(x)", {"x": 0}, None),
    ("2*3", {}, None),
]


@pytest.mark.parametrize(("text", "values", "sentence"), SENTENCES)
def test_raising_an_input_is_said_only_if_true(text: str, values: dict[str, float], sentence: str | None) -> None:
    """The sentence is checked by forward passes: near a kink, or where there is no slope, it is not said."""
    nudge = of(text, **values).nudge
    assert (nudge.sentence("f") if nudge else None) == sentence


KEPT = [
    (NEURON[0], NEURON[1], "w0 x0 w1 x1 n6 n7"),  # mul: its inputs; exp: its output; 1/u: u
    ("x+y", {"x": 1, "y": 2}, ""),
    ("x*3", {"x": 1}, ""),
    ("x*y", {"x": 1, "y": 2}, "x y"),
    ("exp(x)", {"x": 1}, "f"),
    ("log(x)", {"x": 1}, "x"),
    ("max(2,x,y)", {"x": 1, "y": 3}, "x y f"),
    ("where(c,x,y)", {"c": 1, "x": 1, "y": 3}, "c"),
    ("where(x>0,sqrt(x),0)", {"x": 0}, "n1"),
    ("x^2", {"x": 3}, "x"),
    ("sigmoid(x*y)", {"x": 1, "y": 2}, "x y f"),  # f·(1-f)
    ("tanh(x)", {"x": 1}, "f"),  # 1-f²
    ("gelu(x)", {"x": 1}, "x"),
    ("g(a,b)=a*b; g(x,y)+x", {"x": 1, "y": 2}, "x y"),
]


@pytest.mark.parametrize(("text", "values", "expected"), KEPT)
def test_backward_keeps_what_its_rules_read(text: str, values: dict[str, float], expected: str) -> None:
    """Forward values that a local gradient is computed from, constants left out."""
    report = of(text, **values)
    assert names(report, report.kept) == expected


NUMBERS = [op for op in TABLE.values() if not op.structural]


@pytest.mark.parametrize("op", NUMBERS, ids=lambda op: op.name)
def test_what_a_rule_does_not_keep_it_does_not_need(op: object) -> None:
    """Changing a forward value that is not kept changes no local gradient, by the rule shown: for every row."""
    row = TABLE[op.name]  # type: ignore[attr-defined]
    letters = "abcdefgh"[: len(row.samples[0])]
    graph = parse(f"{row.name}({','.join(letters)})")
    trace = graph.forward(dict(zip(letters, map(float, row.samples[0]), strict=True)))
    kept = set(build(trace.backward()).kept)
    parents = graph.parents[graph.output]

    def locals_at(values: list[float]) -> list[float]:
        x = [values[p] for p in parents]
        rules = [k for k in range(len(x)) if row.partial(k) is not None]
        return [float(local(row, k, FLOATS, values[graph.output], x)) for k in rules]

    for i in range(len(graph)):
        if i not in kept:
            spoilt = list(trace.values)
            spoilt[i] = 12.345
            assert locals_at(spoilt) == pytest.approx(locals_at(trace.values), nan_ok=True)


def test_conventions_at_kinks_are_noted() -> None:
    """A convention is noted where it was used, once for all nodes, and nowhere else."""
    (note,) = of("max(x,y)", x=2, y=2).notes
    assert note.startswith("f = max(x,y): at a tie the gradient is split evenly")
    assert of("max(x,y)", x=2, y=1).notes == ()
    (note,) = of("+".join(f"relu(x{i})" for i in range(6)), **{f"x{i}": 0.0 for i in range(6)}).notes
    assert " and 2 more: " in note
    assert of("where(x>1,relu(x),x)", x=0).notes == ()  # the branch not taken


def test_a_textbook_rule_without_digits_is_noted() -> None:
    """tanh(20) is 1 in double precision: 1-f² is 0, though the gradient 1.7e-17 is computed with all its digits."""
    found = of("tanh(x)", x=20)
    assert found.gradients["x"] == pytest.approx(4 * exp(-40), rel=1e-14)
    assert found.notes == ("1-f² has no digits left here: ∂f/∂x is computed as sech(x)²",)
    assert of("tanh(x)+sigmoid(x)", x=2).notes == ()
    (note,) = of("+".join(f"tanh(x{i})" for i in range(6)), **{f"x{i}": 20.0 for i in range(6)}).notes
    assert note.endswith(", and 5 more like it")
    assert of("max(x,y)+sqrt(x)*hypot(x,y)", x=2, y=2).notes[1:] == ()  # a tie is a convention, no loss of digits


TROUBLE = [
    ("log(x)", {"x": -1}, "log(x) at x = -1 is outside its domain x > 0"),
    ("q=log(x); q*y", {"x": -1, "y": 2}, "q = log(x) at x = -1 is outside its domain x > 0"),
    ("1/x", {"x": 0}, "1/x at x = 0 is outside its domain x ≠ 0"),
    ("x^0.5", {"x": -1}, "x^0.5 at x = -1 is outside its domain x ≥ 0"),
    ("x^-0.5", {"x": -1}, "x^-0.5 at x = -1 is outside its domain x > 0"),
    ("log(-1)*x", {"x": 2}, "n1 = log(-1) is not defined"),
    ("exp(x)", {"x": 1000}, "exp(x) at x = 1000 overflows: larger than any double, so inf"),
    ("sqrt(x)", {"x": 0}, "sqrt(x) at x = 0 has the local gradient ∂f/∂x = 1/(2·f) = inf"),
    ("a*b*c", {"a": 0, "b": 1e200, "c": 1e200}, "∂f/∂a overflows: larger than any double"),
    ("x*2", {"x": inf}, "x is given as inf"),
    ("x*x", {"x": inf}, "x is given as inf"),
    ("x*x", {"x": nan}, "x is nan"),
    ("x*x+x", {"x": -inf}, "x is given as -inf"),
]


@pytest.mark.parametrize(("text", "values", "cause"), TROUBLE)
def test_the_first_node_that_went_wrong_is_named(text: str, values: dict[str, float], cause: str) -> None:
    """With what it was given, and why that is wrong."""
    report = of(text, **values)
    assert report.trouble is not None
    assert report.trouble.cause == cause


def test_a_naive_sigmoid_is_explained() -> None:
    """At -1000 the value is right and the gradient nan: the cause, the effect, and what to write."""
    report = of("1/(1+exp(-(w*x)))", w=10, x=-100)
    trouble = report.trouble
    assert trouble is not None and trouble.name == "n3"
    assert trouble.cause == "n3 = exp(n2) at n2 = 1000 overflows: larger than any double, so inf"
    assert trouble.effect == "f is still 0, but its gradient is lost: at n2 backward computes inf × 0 = nan"
    assert trouble.advice.startswith("write sigmoid(w*x): ")
    turned = of("1/(exp(-x)+1)", x=-1000).trouble
    assert turned is not None and turned.advice.startswith("write sigmoid(x): ")
    other = of("1/(2+exp(-x))", x=-1000).trouble
    assert other is not None and other.advice == ""


ADVICE = [
    ("log(exp(x)+exp(y))", {"x": 1000, "y": 1}, "write logaddexp(x,y): it is computed so that nothing overflows"),
    ("log(sigmoid(x))", {"x": -1000}, "write logsigmoid(x): it is finite here"),
    ("log(1/(1+exp(-x)))", {"x": -1000}, "write logsigmoid(x): it is computed so that nothing overflows"),
    ("log(1+exp(x*y))", {"x": 1000, "y": 1}, "write softplus(x*y): it is computed so that nothing overflows"),
    ("sqrt(x^2+y^2)", {"x": 0, "y": 0}, "write hypot(x,y): hypot'(0,0) is 0, as PyTorch's norm"),
    ("sqrt(x*x+y*y)", {"x": 0, "y": 0}, "write hypot(x,y): hypot'(0,0) is 0, as PyTorch's norm"),
    ("x^(1/3)", {"x": -8}, "write cbrt(x): it is finite here"),
    ("1+(-8)^(1/3)*x", {"x": 1}, "write cbrt(-8): it is finite here"),
    ("x*x*log(y)", {"x": 1, "y": -1}, ""),
    ("x*x", {"x": 1e200}, ""),
    ("1/x", {"x": 0}, ""),
    ("x^y", {"x": -2, "y": 3}, "--wrt x if y is a constant"),
]


@pytest.mark.parametrize(("text", "values", "advice"), ADVICE)
def test_advice_is_what_would_have_been_right(text: str, values: dict[str, float], advice: str) -> None:
    """A row of the table that is this very formula and is finite here; else nothing."""
    found = of(text, **values).trouble
    assert found is not None and found.advice == advice


def test_trouble_is_only_what_was_asked_for() -> None:
    """(-2)^3 has no gradient in its exponent; whoever asks for x alone is not told so."""
    gradients = parse("x^y").forward(x=-2, y=3).backward()
    assert build(gradients, wrt=["x"]).trouble is None
    assert build(gradients, wrt=["x"]).defined
    asked = build(gradients, wrt=["y"]).trouble
    assert asked is not None and "∂f/∂y" in asked.cause


DEFINED = [
    ("x*y", {"x": 1, "y": 2}, True),
    ("log(x)", {"x": -1}, False),
    ("where(x>0,log(x),0)", {"x": -1}, True),  # the branch not taken is not active
    ("1/(1+exp(-x))", {"x": -1000}, False),
    ("sqrt(x)", {"x": 0}, False),
    ("min(1/x,3)", {"x": 0}, True),
    ("0*log(x)", {"x": -1}, False),
    ("x^(1/3)", {"x": -8}, False),
]


@pytest.mark.parametrize(("text", "values", "defined"), DEFINED)
def test_defined_is_what_the_exit_status_needs(text: str, values: dict[str, float], defined: bool) -> None:
    """False if the output or a gradient is not finite, or an active node is outside its domain."""
    report = of(text, **values)
    assert report.defined is defined
    assert (report.trouble is None) is defined


def test_a_gradient_that_was_not_asked_for_does_not_count() -> None:
    """x*0 + sqrt(y) at y = 0 is fine as far as x is concerned."""
    gradients = parse("x+sqrt(y)").forward(x=1, y=0).backward()
    assert build(gradients, wrt=["x"]).defined
    assert not build(gradients).defined


DOMAINS = [
    ("log", {}, "x > 0"),
    ("sqrt", {}, "x ≥ 0"),
    ("div", {}, "b ≠ 0"),
    ("pow", {}, "x > 0, or x = 0 and p ≥ 0, or x ≠ 0 and p is a whole number"),
    ("pow", {"p": 0.5}, "x ≥ 0"),
    ("pow", {"p": 2.0}, ""),
    ("pow", {"p": -1.0}, "x ≠ 0"),
    ("pow", {"x": -2.0}, "p is a whole number"),
    ("gamma", {}, "x > 0, or x is no whole number"),
    (
        "polygamma",
        {},
        "n ≥ 0 and n ≤ 1000 and n is a whole number and x > 0, "
        "or n ≥ 0 and n ≤ 1000 and n is a whole number and x is no whole number",
    ),
    ("atanh", {}, "x > -1 and x < 1"),
    ("csc", {}, "sin(x) ≠ 0"),
    (
        "binary_cross_entropy",
        {},
        "t = 0 and p ≥ 0 and p < 1, or p > 0 and t = 1 and p ≤ 1, or t ≠ 0 and p > 0 and t ≠ 1 and p < 1",
    ),
    ("binary_cross_entropy", {"t": 1.0}, "p > 0 and p ≤ 1"),
    ("cross_entropy_error_at", {}, "p > 0"),
]


@pytest.mark.parametrize(("name", "known", "words"), DOMAINS)
def test_domains_in_words(name: str, known: dict[str, float], words: str) -> None:
    """A row's domain as the system of predicates says it; numbers are worked out, what is decided is ""."""
    rule = TABLE[name].predicate("domain")
    assert rule is not None
    parameters = TABLE[name].parameters
    assert said(rule, parameters, [known.get(p) for p in parameters]) == words


def test_verification_joins_without_new_work() -> None:
    """The report with its verdicts keeps what was worked out, and adds what they note and warn of."""
    report = of("max(x,y)", x=2, y=2)
    notes = report.notes
    proof = ProofVerdict("passed", 3, 2, 16, notes=("a kink",), warnings=("few digits",))
    verified = report.with_verification(Verification(proof, SympyVerdict("passed", 0.0, {}, 2, notes=("a kink",))))
    assert verified.notes is notes and report.verification is None
    assert verified.all_notes == (*notes, "a kink")
    assert verified.all_warnings == ("few digits",)


# ── paths ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_paths_of_the_lecture() -> None:
    """(x+y)*(x*y) at 2, 3: from x the products 15 and 6, which are 5/7 and 2/7 of 21."""
    found = paths(of("(x+y)*(x*y)", x=2, y=3).source, "x")
    assert (found.total, found.gradient, found.strongest) == (2, 21, True)
    assert [(path.product, path.share) for path in found.listed] == [(15, 15 / 21), (6, 6 / 21)]
    assert [prod(path.locals) for path in found.listed] == [15, 6]


def test_paths_from_nowhere() -> None:
    """The output has the empty path to itself; a node whose gradient is not passed on has none."""
    gradients = of("max(x,y)", x=1, y=2).source
    assert [path.edges for path in paths(gradients, "f").listed] == [()]
    assert paths(gradients, "x").total == 0
    with pytest.raises(UnknownCell):
        paths(gradients, "t")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from("+*-"), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_listed_paths_are_all_and_in_order(steps: list[tuple[str, int, int]]) -> None:
    """On random graphs the products of all paths add up to the gradient, and fall in size."""
    lines = ["v0=x*1"]
    for i, (symbol, a, b) in enumerate(steps):
        lines.append(f"v{i + 1}=v{a % (i + 1)}{symbol}v{b % (i + 1)}")
    report = of("; ".join(lines), x=1.25)
    found = paths(report.source, "x", limit=2000)
    if found.total <= 2000:
        assert sum(path.count for path in found.listed) == found.total and found.strongest
        assert len({(path.nodes, path.locals) for path in found.listed}) == len(found.listed)
        scale = sum(abs(path.product) * path.count for path in found.listed)
        assert abs(sum(path.product * path.count for path in found.listed) - found.gradient) <= 1e-12 * scale
        few = paths(report.source, "x", limit=3)
        assert [abs(p.product) for p in few.listed] == pytest.approx([abs(p.product) for p in found.listed[:3]])
    sizes = [abs(path.product) for path in found.listed]
    assert sizes == sorted(sizes, reverse=True)


def test_very_many_paths_are_counted_exactly() -> None:
    """A chain of 3,000 squares has 2^3000 paths; the listing stays short and quick."""
    text = "a0=x*1" + "".join(f"; a{i + 1}=a{i}*a{i}" for i in range(3000))
    found = paths(of(text, x=1).source, "x")
    assert found.total == found.listed[0].count == 2**3000
    text = "a0=x*1" + "".join(f"; a{i + 1}=a{i}*(a{i}+1)" for i in range(200))
    found = paths(of(text, x=1e-3).source, "x")
    assert found.total == 2**200
    assert len(found.listed) == 20


def test_paths_alike_are_counted_before_the_list_is_cut() -> None:
    """Four doublings and three products: of 256 paths, 16 go each of the 16 ways through the nodes."""
    found = paths(of("a=(x+x)*(x+x); b=(a+a)*(a+a); c=(b+b)*(b+b); (c+c)*(c+c)", x=0.5).source, "x")
    assert found.total == 256
    assert [path.count for path in found.listed] == [16] * 16


def test_paths_through_what_is_not_finite() -> None:
    """A nan on the way is a nan product, without a share."""
    found = paths(of("1/(1+exp(-x))", x=-1000).source, "x")
    assert found.total == 1
    assert isnan(found.listed[0].product) and found.listed[0].share is None


def test_a_long_chain_is_no_problem() -> None:
    """A report, its trouble and its paths over 50,000 nodes neither recurse nor take quadratic time."""
    report = of("x" + "+x" * 50_000, x=1)
    assert report.defined and report.trouble is None and report.kept == []
    assert report.gradients == {"x": 50_001}
    assert paths(report.source, "x").total == 50_001
