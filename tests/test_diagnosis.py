"""Which mistake leads to a wrong answer: classic ones worked out by hand, planted ones, and what is never said."""

from __future__ import annotations

from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from gradcli import Gradients, parse
from gradcli.cells import list_cells, resolve
from gradcli.homework.comparing import test as fits
from gradcli.homework.diagnosis import Judged, Search, explain, label, predictions
from gradcli.homework.given import read
from gradcli.homework.mistakes import parsed
from gradcli.homework.misconceptions import CONFUSIONS, NAMES, ROWS
from gradcli.homework.records import Rules
from gradcli.homework.sweeps import Change, sweep
from gradcli.homework.words import LANGUAGES, Words, texts
from gradcli.ops import TABLE
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
    (("(3*x+1)^2", {"x": 1}), "x", "8", "inner_forgotten", "n1"),  # 2·4
    (ROOT, "x", "0.3333", "root_not_halved", "f"),
    (ROOT, "x", "6", "root_upside_down", "f"),
    (ROOT, "x", "0.0556", "root_lost", "f"),  # 1/18
    (ROOT, "value", "4.5", "root_as_half", "f"),
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
