"""Which mistake leads to a wrong answer: classic ones worked out by hand, planted ones, and what is never said."""

from __future__ import annotations

from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from gradcli import Gradients, parse
from gradcli.cells import list_cells, resolve
from gradcli.homework.diagnosis.misconceptions import CONFUSIONS, NAMES, ROWS
from gradcli.homework.diagnosis.rows import parsed
from gradcli.homework.diagnosis.search import Judged, Search, explain, label, predictions
from gradcli.homework.numbers.comparing import test as fits
from gradcli.homework.numbers.given import read
from gradcli.homework.records import Rules
from gradcli.homework.sweeps import Change, sweep
from gradcli.ops import TABLE
from gradcli.words import LANGUAGES, Words, texts
from tests.planted import TENSORS, diagnosed, expressions, told, trials

WORDS = Words("en")

CIRCUIT = ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4})
NEURON = ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3})
SHOP = ("s=apple*n+orange*m; f=s*tax", {"apple": 100, "n": 2, "orange": 150, "m": 3, "tax": 1.1})
TWICE = ("(x+y)*(x*y)", {"x": 2, "y": 3})
DIFFERENCE = ("(x-y)*z", {"x": 5, "y": 2, "z": 3})
QUOTIENT = ("x^2/(x+1)", {"x": 2})  # u = 4, u' = 4, v = 3, v' = 1: (12 - 4)/9
CUBE = ("x^3", {"x": 5})
ROOT = ("sqrt(x)", {"x": 9})
LOGISTIC = ("sigmoid(x)", {"x": 2})  # σ = 0.880797
TANH = ("tanh(x)", {"x": 0.5})  # y = 0.462117
LARGER = ("max(x,y)*z", {"x": 4, "y": 2, "z": 3})
ROWS_OF = ("sum(x@W+b)", {"x": [[1.0, 2.0], [3.0, 5.0]], "W": [[3.0, 4.0], [5.0, 6.0]], "b": [0.5, 0.25]})

Case = tuple[tuple[str, dict[str, Any]], str, str, str, str]

BY_HAND: list[Case] = [  # (expression, cell, answer, mistake, where); the arithmetic beside it
    (TWICE, "x", "6", "one_path_kept", "x"),  # (x·y)·1, without (x+y)·y = 15
    (TWICE, "x", "15", "one_path_kept", "x"),
    (TWICE, "x", "90", "paths_multiplied", "x"),  # 6·15
    (TWICE, "y", "10", "one_path_kept", "y"),  # (x+y)·x, without 6
    (TWICE, "y", "8", "paths_averaged", "y"),  # (6 + 10)/2
    (("x*x+x", {"x": 3}), "x", "6", "one_path_left_out", "x"),  # 3 + 3, without 1
    (("x*x+x", {"x": 3}), "x", "4", "one_path_left_out", "x"),  # 3 + 1
    (CIRCUIT, "grad.q", "3", "not_switched", "f"),  # q itself
    (CIRCUIT, "z", "-4", "not_switched", "f"),  # z itself
    (CIRCUIT, "grad.q", "-12", "product_passed", "f"),
    (CIRCUIT, "x", "1", "upstream_dropped", "q"),
    (CIRCUIT, "x", "-3", "upstream_added", "q"),  # 1 + (-4)
    (CIRCUIT, "x", "16", "upstream_twice", "q"),  # 1·(-4)²
    (CIRCUIT, "value", "-1", "other_operation", "f"),  # 3 + (-4)
    (CIRCUIT, "value.q", "-7", "other_operation", "q"),  # -2 - 5
    (CIRCUIT, "value.q", "-4", "gradient_for_value", "q"),
    (CIRCUIT, "local.f.q", "3", "not_switched", "f"),
    (CIRCUIT, "x", "3", "neighbour", "x"),  # ∂f/∂z
    (DIFFERENCE, "y", "3", "minus_of_subtraction", "n1"),
    (DIFFERENCE, "value", "21", "other_operation", "n1"),  # (5 + 2)·3
    (DIFFERENCE, "value", "-9", "operands_reversed", "n1"),  # (2 - 5)·3
    (("-(x*y)", {"x": 3, "y": 2}), "x", "2", "minus_of_negation", "f"),
    (("1/x", {"x": 2}), "x", "-0.5", "square_missing", "f"),
    (("1/x", {"x": 2}), "x", "0.25", "sign_lost", "f"),
    (("1/x", {"x": 2}), "x", "0.6931", "integrated", "f"),  # ln 2
    (("x/y", {"x": 3, "y": 2}), "y", "-1.5", "square_missing", "f"),
    (("x/y", {"x": 3, "y": 2}), "y", "-0.25", "numerator_missing", "f"),
    (("x/y", {"x": 3, "y": 2}), "x", "2", "divisor_as_factor", "f"),
    (QUOTIENT, "x", "-0.8889", "quotient_reversed", "f"),
    (QUOTIENT, "x", "2.667", "quotient_square_missing", "f"),  # 8/3
    (QUOTIENT, "x", "8", "numerator_alone", "f"),
    (QUOTIENT, "x", "4", "derivatives_divided", "x"),  # u'/v'
    (CUBE, "x", "375", "old_exponent", "f"),  # 3·5³
    (CUBE, "x", "25", "factor_missing", "f"),
    (CUBE, "x", "156.25", "integrated", "f"),  # 5⁴/4
    (CUBE, "x", "15", "exponent_as_factor", "f"),
    (CUBE, "x", "50", "new_exponent_as_factor", "f"),  # 2·5²
    (("2^x", {"x": 3}), "x", "8", "logarithm_missing", "f"),
    (("2^x", {"x": 3}), "x", "12", "power_rule_of_exponent", "f"),  # 3·2²
    (("exp(x)", {"x": 2}), "x", "2", "input_for_derivative", "f"),
    (("exp(x)", {"x": 2}), "x", "5.437", "power_rule_of_exponent", "f"),  # 2·e
    (("exp(-x)", {"x": 1}), "x", "0.3679", "minus_of_negation", "n1"),
    (("log(x)", {"x": 4}), "x", "0.1086", "other_base", "f"),  # 1/(4·2.302585)
    (("log(x)", {"x": 4}), "value", "0.6021", "other_base_taken", "f"),  # log₁₀ 4
    (("log10(x)", {"x": 100}), "x", "0.01", "other_base", "f"),
    (("sin(x)", {"x": 1}), "x", "-0.5403", "sign_of_another", "f"),
    (("sin(x)", {"x": 1}), "x", "0.8415", "not_differentiated", "f"),
    (("sin(x)", {"x": 1}), "value", "0.01745", "degrees", "f"),  # 1° is 0.0174533
    (("cos(x)", {"x": 1}), "x", "0.8415", "sign_lost", "f"),
    (("tan(x)", {"x": 1}), "x", "1.851", "square_missing", "f"),  # 1/0.540302
    (("sin(3*x)", {"x": 0.5}), "x", "0.07074", "inner_forgotten", "n1"),  # cos 1.5
    (("sin(3*x)", {"x": 0.5}), "x", "3", "upstream_dropped", "n1"),
    (("exp(-x^2)", {"x": 0.7}), "x", "0.6126", "stopped_short", "x"),  # exp(-0.49), the outer derivative alone
    (("(3*x+1)^2", {"x": 1}), "x", "8", "inner_forgotten", "n1"),  # 2·4
    (ROOT, "x", "0.3333", "root_not_halved", "f"),
    (ROOT, "x", "6", "root_upside_down", "f"),
    (ROOT, "x", "0.0556", "root_lost", "f"),  # 1/18
    (ROOT, "value", "4.5", "root_as_half", "f"),
    (LOGISTIC, "value", "0.105", "derivative_for_value", "f"),
    (("x+y", {"x": 3, "y": -5}), "value", "2", "sign_of_sum", "f"),
    (LOGISTIC, "x", "-2", "input_in_place_of_output", "f"),  # 2·(1 - 2)
    (LOGISTIC, "x", "0.2072", "output_as_argument", "f"),  # σ(0.8808) = 0.70698
    (LOGISTIC, "x", "1.657", "plus_for_minus", "f"),
    (LOGISTIC, "x", "0.8808", "value_for_derivative", "f"),
    (LOGISTIC, "x", "0.1192", "factor_forgotten", "f"),
    (LOGISTIC, "x", "0.2242", "rule_of_tanh", "f"),
    (TANH, "x", "0.75", "input_in_place_of_output", "f"),
    (TANH, "x", "0.5379", "square_missing", "f"),
    (TANH, "x", "1.2136", "plus_for_minus", "f"),
    (("relu(x)*y", {"x": -2, "y": 3}), "x", "3", "mask_ignored", "n1"),
    (("relu(x)*y", {"x": 2, "y": 3}), "x", "0", "mask_inverted", "n1"),
    (("relu(x)*y", {"x": 2, "y": -3}), "x", "0", "mask_of_gradient", "n1"),
    (LARGER, "y", "3", "routed_to_loser", "n1"),
    (LARGER, "y", "3", "routed_to_all", "n1"),
    (LARGER, "x", "1.5", "split_by_router", "n1"),
    (LARGER, "x", "12", "value_routed", "n1"),  # 4·3
    (NEURON, "w0", "0.3932", "not_switched", "n1"),  # 2·0.196612
    (NEURON, "x0", "-0.3932", "minus_of_negation", "n5"),
    (NEURON, "w0", "-1", "upstream_dropped", "n1"),
    (NEURON, "grad.n7", "-0.7311", "square_missing", "f"),
    (SHOP, "apple", "2", "upstream_dropped", "n1"),
    (SHOP, "apple", "110", "not_switched", "n1"),  # 100·1.1
    (SHOP, "tax", "1.1", "not_switched", "f"),
    (("x*sin(x)", {"x": 2}), "x", "-0.4161", "derivatives_multiplied", "x"),  # 1·cos 2
    (("x*sin(x)", {"x": 2}), "x", "0.9093", "one_path_kept", "x"),
    (("-x^2", {"x": 3}), "value", "9", "minus_inside_square", "f"),
    (("x*y+z", {"x": 2, "y": 3, "z": 4}), "value", "14", "sum_before_product", "f"),  # 2·(3 + 4)
    (("x-y-z", {"x": 10, "y": 3, "z": 2}), "value", "9", "brackets_read", "f"),  # 10 - (3 - 2)
    (("x/y*z", {"x": 12, "y": 2, "z": 3}), "value", "2", "brackets_read", "f"),  # 12/(2·3)
    (("mse(y,t)", {"y": 3, "t": 1}), "y", "2", "factor_missing", "f"),
    (("mse(y,t)", {"y": 3, "t": 1}), "y", "6", "target_forgotten", "f"),
    (("mse(y,t)", {"y": 3, "t": 1}), "y", "-4", "order_reversed", "f"),
    (("sum(x@W)", {"x": [1.0, 2.0], "W": [[3.0, 4.0], [5.0, 6.0]]}), "x", "[8,10]", "not_transposed", "n1"),
    (("sum(x@W)", {"x": [1.0, 2.0], "W": [[3.0, 4.0], [5.0, 6.0]]}), "W", "[[1,2],[1,2]]", "product_transposed", "n1"),
    (ROWS_OF, "b", "[1,1]", "batch_averaged", "n2"),  # 2 rows, each with 1
    (ROWS_OF, "b", "[1,1]", "batch_first_row", "n2"),
    (("mean(x*x)", {"x": [1.0, 2.0, 3.0]}), "x", "[2,4,6]", "batch_not_divided", "f"),
    (("softmax_cross_entropy(a,t)", {"a": [0.0, 0.0], "t": [1, 0]}), "a", "[0.5,0.5]", "target_forgotten", "f"),
    (("softmax_cross_entropy(a,t)", {"a": [0.0, 0.0], "t": [1, 0]}), "a", "[0.5,-0.5]", "order_reversed", "f"),
    (
        ("svm_loss(s,t)", {"s": [3.0, 2.5, 5.0], "t": 0}),
        "s",
        "[0,1,1]",
        "right_class_forgotten",
        "f",
    ),  # right: [-2,1,1]
    (("softmax_cross_entropy(a,t)", {"a": [0.0, 0.0], "t": [1, 0]}), "a", "[-0.5,0]", "right_class_alone", "f"),
    (("sum(relu(x)*y)", {"x": [-1.0, 2.0], "y": [3.0, 4.0]}), "x", "[3,4]", "mask_ignored", "n1"),
]


def problem(expression: tuple[str, dict[str, Any]]) -> Gradients:
    text, values = expression
    return parse(text).forward(values).backward()


def judged(gradients: Gradients, answers: dict[str, str]) -> list[Judged]:
    return [Judged(resolve(cell, gradients), fits(read(text), Rules())) for cell, text in answers.items()]


def search(
    expression: tuple[str, dict[str, Any]], wrong: dict[str, str], right: dict[str, str] | None = None, **options: Any
) -> tuple[Gradients, Search]:
    gradients = problem(expression)
    return gradients, explain(gradients, judged(gradients, wrong), judged(gradients, right or {}), **options)


@pytest.mark.parametrize(("expression", "cell", "answer", "name", "where"), BY_HAND)
def test_a_classic_wrong_answer_is_explained(expression, cell, answer, name, where):
    """The mistake is one of the first two, or the first says that it leads to the same number."""
    gradients, found = search(expression, {cell: answer})
    site = gradients.graph.position(where)
    first = found.explanations[0]
    named = [(each.name, each.sites) for each in first[:2]]
    same = [each.fields["name"] for each in first[0].coincides if site in each.fields["sites"]]
    assert (name, (site,)) in named or name in same
    assert found.complete


# ── several answers ─────────────────────────────────────────────────────────────────────────────────────────────


def test_one_mistake_in_the_middle_explains_all_that_follows_from_it():
    """A sign lost in the neuron comes first for each of the wrong cells, and not the sign of each answer."""
    wrong = {"w0": "0.1966", "x0": "-0.3932", "w1": "0.3932", "x1": "0.5898", "w2": "-0.1966", "grad.n4": "-0.1966"}
    right = {"grad.n5": "-0.1966", "grad.n6": "-0.5344", "value": "0.7311"}
    gradients, found = search(NEURON, wrong, right)
    site = gradients.graph.position("n5")
    assert [(each[0].name, each[0].sites) for each in found.explanations] == [("minus_of_negation", (site,))] * 6


def test_what_would_have_changed_a_right_answer_comes_later():
    """With grad.n4 right, the sign of x0 was not lost above it."""
    alone = search(NEURON, {"x0": "-0.3932"})[1].explanations[0]
    assert alone[0].name == "minus_of_negation"
    beside = search(NEURON, {"x0": "-0.3932"}, {"grad.n4": "0.1966", "w0": "-0.1966"})[1].explanations[0]
    assert beside[0].name not in ("minus_of_negation", "sign_lost")


def test_the_same_mistake_everywhere_is_one_mistake():
    """Products that are not switched, at every gate: the sentence names the places."""
    wrong = {"w0": "0.3932", "x0": "-0.1966", "w1": "-0.5898", "x1": "-0.3932"}
    _, found = search(NEURON, wrong)
    first = [each[0] for each in found.explanations]
    assert {(each.name, len(each.sites)) for each in first} == {("not_switched", 2)}
    assert WORDS.said(first[2].said) == (
        "at n2 = w1·x1 you passed w1's own value -3; the gate switches: ∂n2/∂w1 = x1 = -2; and so at n1 = w0·x0"
    )


def test_both_inputs_of_a_gate_are_one_mistake():
    """A product not switched passes each factor its own value."""
    gradients, found = search(CIRCUIT, {"grad.q": "3", "z": "-4"})
    assert [each[0].sites for each in found.explanations] == [(gradients.graph.position("f"),)] * 2
    assert WORDS.said(found.explanations[1][0].said) == (
        "at f = q·z you passed z's own value -4; the gate switches: ∂f/∂z = q = 3; "
        "and likewise for the other inputs of this gate"
    )


def test_what_is_overwritten_everywhere_is_told_of_the_node_asked_for():
    """= for += at x and at y: of dy the sentence tells of y."""
    _, found = search(TWICE, {"x": "6", "y": "6"})
    assert [WORDS.said(each[0].said) for each in found.explanations] == [
        "at x you kept only the path through x+y (6); the path through x*y adds 15; and so at y",
        "at y you kept only the path through x+y (6); the path through x*y adds 10; and so at x",
    ]


def test_a_mistake_is_found_on_top_of_the_students_own_numbers():
    """With -0.5 for ∂f/∂q, -2.5 for x: multiplied by y = 5, as if the sum were a product."""
    own = Change(sums={2: lambda m, downs: -0.5})
    gradients, found = search(CIRCUIT, {"x": "-2.5"}, base=own)
    assert gradients.graph.names[2] == "q"
    assert [(each.name, each.sites) for each in found.explanations[0]] == [("sum_switched", (2,))]
    assert search(CIRCUIT, {"x": "-2.5"})[1].explanations == [()]


def test_a_mistake_with_rounded_steps_is_found():
    """A product not switched, with 0.1966 written as 0.20 before: 2·0.20."""
    gradients, found = search(NEURON, {"w0": "0.40"})
    first = found.explanations[0][0]
    assert (first.name, first.sites) == ("not_switched", (gradients.graph.position("n1"),))
    assert WORDS.said(first.said).endswith("; and the steps were rounded to 2 decimals")


def test_two_mistakes_are_found_where_no_single_one_leads_there():
    """-1/x for -1/x², and a product not switched: -0.7311·0.3679·(-1)·2."""
    gradients, found = search(NEURON, {"w0": "0.5379"})
    first = found.explanations[0][0]
    assert first.name == "square_missing+not_switched"
    assert first.sites == (gradients.graph.position("f"), gradients.graph.position("n1"))
    assert WORDS.said(first.said).startswith("two mistakes: the square missing")
    assert WORDS.said(label(first.name)) == "the square missing; the inputs of a product not switched"


def test_two_mistakes_are_not_read_from_a_number_that_tells_little():
    """Nearly every number of one digit comes of some two mistakes."""
    _, found = search(NEURON, {"w0": "0.7"})
    assert not [each for each in found.explanations[0] if "+" in each.name]


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────

SENTENCES = [
    (TWICE, "x", "6", "at x you kept only the path through x+y (6); the path through x*y adds 15"),
    (NEURON, "x0", "-0.3932", "the sign was lost at n5 = -n4: its local gradient ∂n5/∂n4 is -1"),
    (
        NEURON,
        "w0",
        "0.3932",
        "at n1 = w0·x0 you passed w0's own value 2; the gate switches: ∂n1/∂w0 = x0 = -1",
    ),
    (
        LOGISTIC,
        "x",
        "-2",
        "the input put where the output belongs: at f = sigmoid(x), ∂f/∂x was taken as x·(1-x) = -2; "
        "it is f·(1-f) = 0.1050",
    ),
    (
        CUBE,
        "x",
        "375",
        "the power rule with the old exponent: at f = x³, ∂f/∂x was taken as 3·x³ = 375; it is 3·x² = 75",
    ),
    (
        ("-x^2", {"x": 3}),
        "value",
        "9",
        "the minus squared too: -x² taken as (-x)²: f = -n1 was worked out as (-x)² = 9; it is -9",
    ),
    (
        ("x*y^2", {"x": 7, "y": 3}),
        "y",
        "3",
        "3 is the forward value of y, not its gradient",
    ),
]


@pytest.mark.parametrize(("expression", "cell", "answer", "sentence"), SENTENCES)
def test_the_sentence_names_the_place_and_the_arithmetic(expression, cell, answer, sentence):
    """In the reader's names and numbers."""
    _, found = search(expression, {cell: answer})
    assert sentence in [WORDS.said(each.said) for each in found.explanations[0]]


def test_where_several_mistakes_lead_to_a_number_the_first_says_so():
    """The simplest first; the others by their names and places, each once."""
    _, found = search(NEURON, {"x0": "-0.3932"})
    first, *others = found.explanations[0]
    told_too = [WORDS.said(each) for each in first.coincides]
    assert "a sign lost, at f = 1/n7, n1 = w0·x0, n2 = w1·x1" in told_too or any(
        each.startswith("a sign lost, at f = 1/n7") for each in told_too
    )
    assert len(told_too) == len({each.fields["name"] for each in first.coincides})
    assert all(not each.coincides for each in others)
    assert [each.cost for each in (first, *others)] == sorted(each.cost for each in (first, *others))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mistake_has_a_name_and_a_sentence(language):
    """In each language, and no text is left over."""
    known = texts(language, "diagnosis")
    assert [name for name in NAMES if name not in known] == []
    sentences = {f"say_{row.says}" for row in ROWS} | {f"say_{row.says}" for row in CONFUSIONS}
    assert [name for name in sentences if name not in known] == []
    loose = {name for name in known if not name.startswith(("say_", "coincides", "equals")) and name not in NAMES}
    assert loose == {"two"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("expression", [*expressions()[:18:3], *TENSORS], ids=lambda expression: expression[0])
def test_every_sentence_can_be_said(expression, language):
    """Whatever the mistake, its sentence has all its fields, and no number in it is left in double precision."""
    words, gradients = Words(language), problem(expression)
    cells = [cell for cell in list_cells(gradients) if cell.kind in ("value", "grad")]
    for planted in list(predictions(gradients, cells, budget=30))[::5]:
        at = next((j for j, value in enumerate(planted.values) if value is not None and finite(value)), None)
        if at is None:
            continue
        wanted = planted.values[at]
        judged = Judged(cells[at], lambda found, wanted=wanted: found is wanted or close(found, wanted))
        for each in explain(gradients, [judged]).explanations[0]:
            said = words.said(each.said)
            assert "{" not in said.replace("{}", "")
            assert words.said(label(each.name))
            assert all(words.said(other) for other in each.coincides)


def finite(value: Any) -> bool:
    return bool(np.isfinite(value).all())


def close(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.allclose(one, other, rtol=1e-9, atol=0))


# ── planted mistakes ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("digits", [4, None])
@pytest.mark.parametrize("sheet", [False, True], ids=["one answer", "a whole sheet"])
def test_planted_mistakes_are_found(digits, sheet):
    """At least 95 of 100 are among the first two, or said to lead to the same number."""
    count = found = 0
    for expression in expressions()[(digits or 0) % 3 :: 7]:
        for at, trial in enumerate(trials(expression, digits, sheet=sheet)):
            if at % 90 == 7:
                count += 1
                found += told(trial, diagnosed(trial).explanations[0])
    assert count > 20
    assert found >= 0.95 * count


@pytest.mark.parametrize("expression", TENSORS, ids=lambda expression: expression[0])
def test_planted_mistakes_with_tensors_are_found(expression):
    """Arrays as answers: at least 95 of 100 likewise."""
    gradients = problem(expression)
    cells = [cell for cell in list_cells(gradients) if cell.kind == "grad"]
    count = found = 0
    for at, planted in enumerate(predictions(gradients, cells, budget=30)):
        if at % 9 or len(planted.sites) != 1:
            continue
        for cell, value in zip(cells, planted.values, strict=True):
            if value is None or not finite(value) or close(value, cell.value):
                continue
            first = explain(gradients, [Judged(cell, lambda other, value=value: close(other, value))]).explanations[0]
            named = [(each.name, each.sites) for each in first[:2]]
            same = [each.fields["name"] for each in first[0].coincides if {*planted.sites} <= {*each.fields["sites"]}]
            count += 1
            found += (planted.name, planted.sites) in named or planted.name in same
    assert count > 10
    assert found >= 0.95 * count


# ── what is never said ──────────────────────────────────────────────────────────────────────────────────────────


def test_no_mistake_that_leads_to_the_right_number_is_offered():
    """Whatever the test of an answer lets pass, the right number among it."""
    for expression in expressions()[::6]:
        gradients = problem(expression)
        for cell in list_cells(gradients):
            if cell.kind not in ("value", "grad") or not isfinite(cell.value):
                continue
            for each in explain(gradients, [Judged(cell, lambda value: True)]).explanations[0]:
                outcome = sweep(gradients, each.change) if each.change is not None else None
                if outcome is not None:
                    assert outcome.read(cell) != pytest.approx(cell.value, rel=1e-13, abs=0)


def test_a_number_that_no_mistake_leads_to_is_not_explained():
    """0.7777 for a gradient of the neuron: nothing, and everything was tried."""
    _, found = search(NEURON, {"w0": "0.77771"})
    assert found == Search([()], True)


def test_an_upstream_gradient_is_part_of_the_chain():
    """Left out at the output, where the backward pass starts from 5, or from an array."""
    for values, upstream, answer in (
        ({"x": 2.0, "w": 3.0}, 5.0, 3.0),
        ({"x": [1.0, 2.0], "w": [3.0, 4.0]}, [1, 2], [3, 4]),
    ):
        gradients = parse("x*w").forward(values).backward(upstream)
        judged = Judged(resolve("x", gradients), lambda value, answer=answer: close(value, answer))
        assert explain(gradients, [judged]).explanations[0][0].name == "upstream_dropped"


def test_an_entry_of_what_a_mistake_gives_another_shape():
    """A mistake that leaves a number where an array belongs says nothing of its entries."""
    expression = ("cross_entropy_error(softmax(x),t)", {"x": [1.0, 2.0, 3.0], "t": [0, 1, 0]})
    gradients = problem(expression)
    entry = resolve("x[0]", gradients)
    wrong, right = (
        Judged(resolve("x", gradients), lambda value: True),
        Judged(entry, lambda value: value == entry.value),
    )
    assert explain(gradients, [wrong], [right]).explanations[0]


def test_nothing_wrong_nothing_said():
    """No wrong answers, no explanations."""
    assert search(NEURON, {})[1] == Search([])


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_row_names_ops_that_there_are():
    """A row of certain ops names rows of the op table."""
    assert {name for row in ROWS for name in row.of} <= set(TABLE)


def test_the_costs_are_those_of_simple_mistakes():
    """From 1 on, so that explanations of two or of all places come later."""
    assert all(1 <= row.cost < 3 for row in (*ROWS, *CONFUSIONS))


FUNCTIONS = [op for op in TABLE.values() if not op.structural and op.notation is None and op.gate != "condition"]


@pytest.mark.parametrize("op", FUNCTIONS, ids=lambda op: op.name)
def test_every_function_has_mistakes(op):
    """At a gate of any op, without an edit for it: those of the chain rule, and another number as the answer."""
    x = [float(value) for value in op.samples[-1]]
    names = [f"x{k}" for k in range(len(x))]
    gradients = problem((f"3*{op.name}({','.join(names)})", dict(zip(names, x, strict=True))))
    cells = [resolve(f"grad.{name}", gradients) for name in gradients.graph.inputs]
    found = {each.name for each in predictions(gradients, cells)}
    assert {"upstream_dropped", "upstream_twice", "value_for_gradient"} <= found


def test_predictions_are_the_sweeps_own():
    """What `predictions` says of a cell is what the sweep with its change leaves there."""
    gradients = problem(NEURON)
    cells = [resolve(f"grad.{name}", gradients) for name in gradients.graph.inputs]
    many = list(predictions(gradients, cells, pairs=True))
    assert len({each.name for each in many}) > 60
    assert any("+" in each.name for each in many)
    for each in many[::3]:
        outcome = sweep(gradients, each.change) if each.change is not None else None
        if outcome is not None:
            assert [outcome.read(cell) for cell in cells] == pytest.approx(list(each.values), rel=1e-12, abs=1e-15)


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("nodes", [3000, 90_000])
def test_a_search_keeps_to_its_budget(nodes):
    """Of a large graph what lies near the answer is looked at first, and it is said that not all was tried."""
    text = "+".join(f"x{i}*{i % 10}.5" for i in range(nodes // 3))
    gradients = parse(text).forward({f"x{i}": 0.5 * i for i in range(nodes // 3)}).backward()
    wrong = [Judged(resolve("x7", gradients), lambda value: value == 3.5)]
    begun = perf_counter()
    found = explain(gradients, wrong, budget=0.3)
    assert perf_counter() - begun < 5
    assert not found.complete
    assert found.explanations[0][0].name in ("not_switched", "value_for_gradient")


def test_a_budget_of_nothing_is_no_error():
    """Whatever was found by then is told."""
    _, found = search(NEURON, {"w0": "0.5379"}, budget=0.0)
    assert not found.complete


def test_texts_of_rules_are_read_once():
    """The table's formulas are parsed when an op asks for them."""
    assert parsed("x*(1-x)") is parsed("x*(1-x)")
