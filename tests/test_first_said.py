"""What a student is told first of a wrong answer: the mistake that a teacher would name."""

from __future__ import annotations

from typing import Any

import pytest

from gradcli import parse
from gradcli.homework.checking import check
from gradcli.homework.records import Answer, Result, State
from gradcli.words import Words

WORDS = Words("en")

SIXTH = 0.5235987755982988  # π/6

SCORES = {"a": [0.3, 2.9, 4.0], "t": [0, 0, 1]}
CHANCES = "[0.018,0.245,0.737]"  # 1.34986, 18.17415, 54.59815 over 74.12216
TURNED = "[-0.0182,-0.2452,0.2634]"
LOGISTIC = ("p=sigmoid(x); L=-(t*log(p)+(1-t)*log(1-p))", {"x": 0.5, "t": 1})
WEIGHT = {"w": 1, "x": 0.5, "t": 1}
ROWS_OF_SCORES = ("p=softmax(x); L=-sum(t*log(p))/2", {"x": [[1.0, 2.0], [0.0, 1.5]], "t": [[0, 1], [1, 0]]})
SQUARES = ("L=sum((x@W-t)^2)/2", {"x": [[1.0, 2.0], [2.0, 5.0]], "W": [[1.0], [1.0]], "t": [[4.0], [7.5]]})

FIRST: list[tuple[str, dict[str, Any], str, str, str, str]] = [  # (…, cell, answer, mistake, where)
    # the probabilities, and no target taken off
    ("p=softmax(a); L=-sum(t*log(p))", SCORES, "da", CHANCES, "target_forgotten", "p"),
    ("p=softmax(a); L=cross_entropy_error(p,t)", SCORES, "da", CHANCES, "target_forgotten", "p"),
    ("p=softmax(a); L=-log(p[2])", {"a": SCORES["a"]}, "da", CHANCES, "target_forgotten", "p"),
    (*LOGISTIC, "dx", "0.62", "target_forgotten", "p"),  # 1/(1 + e^-0.5) = 0.6225
    (*LOGISTIC, "dx", "p", "target_forgotten", "p"),
    ("p=sigmoid(w*x); L=-(t*log(p)+(1-t)*log(1-p))", WEIGHT, "dw", "0.3112", "target_forgotten", "p"),  # 0.5·0.6225
    (*ROWS_OF_SCORES, "dx", "p/2", "target_forgotten", "p"),
    (*ROWS_OF_SCORES, "dx", "p-t", "inner_forgotten", "L"),
    # what hits exactly, before what is only near
    ("cos(x)", {"x": SIXTH}, "dx", "0.5", "sign_lost", "f"),  # not x = 0.5236
    ("cos(x)", {"x": SIXTH}, "dx", "0.50", "sign_lost", "f"),
    ("sin(2*x)", {"x": SIXTH}, "dx", "0.5", "inner_forgotten", "n1"),
    # the local rule, before a slip in the forward pass
    ("sin(x)", {"x": 1}, "dx", "-0.84", "rule_of_another", "f"),  # -sin 1 = -0.8415
    ("log(x)", {"x": 10}, "dx", "0.043", "other_base", "f"),  # 1/(10·ln 10) = 0.0434
    ("log(x)", {"x": 10}, "value", "1", "other_base_taken", "f"),
    # the half that the square's 2 cancels: twice [[-1 - 1],[-2 - 2.5]]
    (*SQUARES, "dW", "[[-4],[-9]]", "inner_forgotten", "L"),
]


def asked(expr: str, values: dict[str, Any], cell: str, text: str) -> Result:
    """One answer, judged."""
    gradients = parse(expr, given=tuple(values)).forward(values).backward()
    return check(gradients, [Answer(cell, text)], prove=False).results[0]


@pytest.mark.parametrize(("expr", "values", "cell", "text", "name", "where"), FIRST)
def test_the_mistake_that_a_teacher_names_comes_first(expr, values, cell, text, name, where):
    """By its name and its place."""
    result = asked(expr, values, cell, text)
    assert result.state is State.WRONG
    assert result.explanations[0].name == name
    assert result.explanations[0].sites == (parse(expr, given=tuple(values)).position(where),)


def test_the_target_less_the_chances_is_an_order_reversed():
    """t - p for p - t; one of the first two, beside a sign lost."""
    names = [each.name for each in asked("p=softmax(a); L=-sum(t*log(p))", SCORES, "da", TURNED).explanations]
    assert "order_reversed" in names[:3]


def test_an_exotic_mistake_is_not_read_from_one_digit():
    """0.25 - 0.08 = 0.17 for 0.25·(-0.08), added for multiplied; 0.2 could be much else."""
    values = {"x": 0, "y": -0.08}
    assert "upstream_added" in [each.name for each in asked("sigmoid(x)*y", values, "dx", "0.17").explanations]
    assert "upstream_added" not in [each.name for each in asked("sigmoid(x)*y", values, "dx", "0.2").explanations]


FORMULAS = [  # right at the values given; the mistake shows elsewhere
    ("1/x", {"x": 1}, "-1/x", "square_missing"),
    ("x^3", {"x": 1}, "3*x^3", "old_exponent"),
    ("x^2", {"x": 1}, "2*x^2", "old_exponent"),
    ("sigmoid(w*x+b)", {"w": 2, "x": 1, "b": 3}, "f*(1-f)", "stopped_short"),
]


@pytest.mark.parametrize(("expr", "values", "text", "name"), FORMULAS)
def test_a_formula_that_is_right_by_chance_is_explained_where_it_is_wrong(expr, values, text, name):
    """At the counter-example's point, which the sentence names."""
    result = asked(expr, values, "d" + next(iter(values)), text)
    assert result.state is State.WRONG
    assert result.explanations[0].name == name
    said = WORDS.said(result.explanations[0].said)
    point = WORDS.said(result.remarks[0]).removeprefix("at ").partition(" your formula")[0]
    assert said.startswith(f"at {point}: ")


SAID = [
    # a constant factor, inside or outside
    (("sin(2*x)", {"x": SIXTH}), "dx", "0.5", "the factor ∂n1/∂x = 2 was forgotten at n1 = 2·x: the upstream"),
    (SQUARES, "dW", "[[-4],[-9]]", "the factor ∂L/∂n4 = 0.5 was forgotten at L = n4/2"),
    # which target, and over how many rows
    (LOGISTIC, "dx", "0.62", "∂L/∂x was taken as p, with p = sigmoid(x); it is p - t"),
    (("p=sigmoid(w*x); L=-(t*log(p)+(1-t)*log(1-p))", WEIGHT), "dw", "0.3112", "it is p - t"),  # not p - w
    (ROWS_OF_SCORES, "dx", "p/2", "∂L/∂x was taken as p/2, with p = softmax(x); it is (p - t)/2"),
    # a rule that is a number is not said to equal itself
    (("2*exp(x)", {"x": 2}), "dx", "2", "∂n1/∂x was taken as 1; it is"),
    # paths that are written alike
    (("exp(x)/(1+exp(x))", {"x": 0}), "dx", "0.5", "the path through n1 = exp(x) (0.5); the path through n2 = "),
]


@pytest.mark.parametrize(("expression", "cell", "text", "part"), SAID)
def test_sentences_say_what_is_meant(expression, cell, text, part):
    """Nothing twice, and each thing by a name of its own."""
    result = asked(*expression, cell, text)
    assert any(part in WORDS.said(each.said) for each in result.explanations)


def test_a_misconception_does_not_coincide_with_itself():
    """The forward value alone, and the rule with it, are one mistake."""
    for expr, x, text in (("log(x)", 10, "1"), ("sin(x)", 30, "0.5")):
        result = asked(expr, {"x": x}, "value", text)
        names = [each.name for each in result.explanations]
        assert not {"other_base_value", "degrees_of_value"} & {*names}
        assert not {"other_base_value", "degrees_of_value"} & {
            said.fields["name"] for said in result.explanations[0].coincides
        }
