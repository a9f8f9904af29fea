"""Forward values that are worked out wrongly: one operation taken for another, one function for another, degrees.

What follows is worked out with the wrong number. Where the mistake is one about the function, its own derivative goes
with it; where it is one of arithmetic, the gradients are those of the right operation, at the wrong number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gradcli.autodiff import Value
from gradcli.homework.diagnosis.rows import Made, Row, wrong_value
from gradcli.homework.diagnosis.scene import Scene
from gradcli.homework.sweeps import Change

ARITHMETIC = (
    wrong_value("other_operation", "mul", "a+b", cost=1.4),
    wrong_value("other_operation", "add", "a*b", cost=1.4),
    wrong_value("other_operation", "add", "a-b", cost=1.6),
    wrong_value("other_operation", "sub", "a+b", cost=1.3),
    wrong_value("other_operation", "div", "a*b", cost=1.6),
    wrong_value("other_operation", "mul", "a/b", cost=2.2),
    wrong_value("operands_reversed", "sub", "b-a", cost=1.4),
    wrong_value("operands_reversed", "div", "b/a", cost=1.4),
    wrong_value("operands_reversed", "pow", "p^x", cost=1.8),
    wrong_value("power_as_product", "pow", "x*p", cost=1.3),
    wrong_value("power_as_product", "square", "2*x", cost=1.3),
    wrong_value("minus_overlooked", "neg", "x", cost=1.2),
    wrong_value("sign_of_sum", "add", "b-a", cost=1.7),
    wrong_value("sign_of_sum", "add", "-a-b", cost=1.8),
    wrong_value("sign_of_product", "mul", "-a*b", cost=1.5),
    wrong_value("sign_of_product", "div", "-a/b", cost=1.6),
    wrong_value("sign_of_power", "pow", "-x^p", cost=1.7),
)

FUNCTIONS = (
    wrong_value("minus_in_exponent", "exp", "exp(-x)", cost=1.5),
    wrong_value("other_base_taken", "log10", "log(x)", "1/x", cost=1.2),
    wrong_value("other_base_taken", "log2", "log(x)", "1/x", cost=1.2),
    wrong_value("other_base_taken", "log", "log10(x)", "1/(x*log(10))", cost=1.2),
    wrong_value("other_base_value", "log10 log2", "log(x)", cost=1.5),
    wrong_value("other_base_value", "log", "log10(x)", cost=1.5),
    wrong_value("root_as_half", "sqrt", "x/2", cost=1.6),
    wrong_value("root_overlooked", "sqrt", "x", cost=1.7),
    wrong_value("absolute_overlooked", "abs", "x", cost=1.3),
    wrong_value("relu_overlooked", "relu", "x", "1", cost=1.3),
    wrong_value("relu_as_absolute", "relu", "abs(x)", cost=1.7),
    wrong_value("slope_overlooked", "leaky_relu", "relu(x)", "step(x)", cost=1.4),
    wrong_value("other_function", "sin", "cos(x)", "-sin(x)", cost=1.7),
    wrong_value("other_function", "cos", "sin(x)", "cos(x)", cost=1.7),
    wrong_value("other_function", "sigmoid", "tanh(x)", "1-tanh(x)^2", cost=1.7),
    wrong_value("other_function", "tanh", "sigmoid(x)", "sigmoid(x)*(1-sigmoid(x))", cost=1.7),
    wrong_value("minus_in_sigmoid", "sigmoid", "1/(1+exp(x))", cost=1.4),
    wrong_value("degrees", "sin", "sin(x*pi/180)", "cos(x*pi/180)", cost=1.1),
    wrong_value("degrees", "cos", "cos(x*pi/180)", "-sin(x*pi/180)", cost=1.1),
    wrong_value("degrees", "tan", "tan(x*pi/180)", "1/cos(x*pi/180)^2", cost=1.1),
    wrong_value("degrees_of_value", "sin", "sin(x*pi/180)", cost=1.3),
    wrong_value("degrees_of_value", "cos", "cos(x*pi/180)", cost=1.3),
    wrong_value("degrees_of_value", "tan", "tan(x*pi/180)", cost=1.3),
    wrong_value("degrees_answered", "asin", "asin(x)*180/pi", cost=1.3),
    wrong_value("degrees_answered", "acos", "acos(x)*180/pi", cost=1.3),
    wrong_value("degrees_answered", "atan", "atan(x)*180/pi", cost=1.3),
    wrong_value("mean_for_sum", "sum", "mean(x)", cost=1.3),
    wrong_value("sum_for_mean", "mean", "sum(x)", cost=1.3),
    wrong_value("square_for_norm", "norm", "sum(x^2)", cost=1.3),
    wrong_value("exponentials_not_divided", "softmax", "exp(x)", cost=1.5),
    wrong_value("exponentials_forgotten", "softmax", "x/sum(x)", cost=1.5),
    wrong_value("factors_exchanged", "matmul", "B@A", cost=1.3),
    wrong_value("not_transposed", "matmul", "A@B.T", cost=1.6),
    wrong_value("entries_multiplied", "matmul", "A*B", cost=1.3),
    wrong_value("bias_forgotten", "affine", "x@W+0*b", cost=1.3),
    wrong_value("not_transposed", "transpose", "x", cost=1.5),
    wrong_value("factor_missing", "mse", "(y-t)^2/2", cost=1.4),
    wrong_value("half_forgotten", "sum_squared_error", "(y-t)^2", cost=1.3),
    wrong_value("square_overlooked", "mse", "y-t", cost=1.6),
    wrong_value("minus_overlooked", "cross_entropy_error", "t*log(y)", cost=1.3),
    wrong_value("logarithm_overlooked", "cross_entropy_error", "t*y", cost=1.5),
)


def of_value(scene: Scene, i: int, taken: str, wrong: Value) -> Mapping[str, Any]:
    """The fields of a sentence about a wrong forward value."""
    return {"gate": scene.gate(i), "given": taken, "wrong": wrong, "right": scene.values[i]}


def other_extreme(scene: Scene, i: int) -> Iterator[Made]:
    """The loser of two inputs taken for the winner."""
    op, x = scene.op(i), scene.inputs(i)
    if not op.variadic or op.structural or len(x) != 2 or scene.tensorial:
        return

    def loser(m: Any, a: Value, b: Value) -> Value:
        return a + b - m.functions[op](a, b)

    a, b = (scene.name(p) for p in scene.graph.parents[i])
    wrong = loser(scene.m, *x)
    taken = a if wrong == x[0] else b
    flipped = {(i, k): (lambda m, y, *x, k=k: 1.0 * (x[k] == y)) for k in scene.entering.get(i, ())}
    yield Made(i, Change(values={i: loser}, locals=flipped), partial(of_value, scene, i, taken, wrong))


def minus_inside_square(scene: Scene, i: int) -> Iterator[Made]:
    """-x^2 taken for (-x)^2."""
    inner = scene.graph.parents[i]
    base = [scene.values[p] for p in scene.graph.parents[inner[0]]]
    even = len(base) == 1 or (len(base) == 2 and isinstance(base[1], float) and base[1] % 2 == 0)
    if scene.op(inner[0]).name not in EVEN or not even:
        return
    raised = scene.name(scene.graph.parents[inner[0]][0])
    change = Change(
        values={i: lambda m, x: x}, locals={(i, k): (lambda m, y, x: y * 0 + 1.0) for k in scene.entering.get(i, ())}
    )
    yield Made(i, change, lambda: of_value(scene, i, f"(-{raised})²", scene.values[inner[0]]))


EVEN = ("pow", "square")
"""The ops whose value may be a square."""


def regrouped(of: str, how: Callable[..., Value], text: str) -> Callable[[Scene, int], Iterator[Made]]:
    """Brackets read where there are none: an op whose input is made by another of these ops.

    how: (values of the inner op, the other input) → the wrong value; the inner op is on the left.
    """
    inner_ops = frozenset(of.split())

    def made(scene: Scene, i: int) -> Iterator[Made]:
        parents = scene.graph.parents[i]
        for k, p in enumerate(parents):
            if scene.op(p).name not in inner_ops or (k == 1 and text.startswith("left")):
                continue
            a, b = (scene.values[q] for q in scene.graph.parents[p])
            c = scene.values[parents[1 - k]]
            names = [scene.name(q) for q in scene.graph.parents[p]]
            other = scene.name(parents[1 - k])
            a, b = (a, b) if k == 0 else (b, a)
            names = names if k == 0 else names[::-1]
            form = text.removeprefix("left ")
            taken = form.format(*names, other) if k == 0 else mirrored(form).format(*names, other)
            try:
                wrong = how(a, b, c)
            except ArithmeticError:
                continue
            change = Change(values={i: lambda m, *x, wrong=wrong: wrong})
            yield Made(i, change, partial(of_value, scene, i, taken, wrong), variety=None)

    return made


def mirrored(form: str) -> str:
    """A form read from the right: {0}*({1}+{2}) as ({2}+{1})*{0}."""
    return "({2}+{1})·{0}" if "+" in form else form


READING = (
    Row("other_extreme", 1.4, other_extreme, frozenset(("max", "min", "maxout")), "forward"),
    Row("minus_inside_square", 1.1, minus_inside_square, frozenset(("neg",)), "forward"),
    Row(
        "sum_before_product",
        1.5,
        regrouped("mul", lambda a, b, c: a * (b + c), "{0}·({1}+{2})"),
        frozenset(("add",)),
        "forward",
    ),
    Row(
        "brackets_read",
        1.25,
        regrouped("sub", lambda a, b, c: a - (b - c), "left {0}-({1}-{2})"),
        frozenset(("sub",)),
        "forward",
    ),
    Row(
        "brackets_read",
        1.25,
        regrouped("sub", lambda a, b, c: a - (b + c), "left {0}-({1}+{2})"),
        frozenset(("add",)),
        "forward",
    ),
    Row(
        "brackets_read",
        1.25,
        regrouped("div", lambda a, b, c: a / (b * c), "left {0}/({1}·{2})"),
        frozenset(("mul",)),
        "forward",
    ),
    Row(
        "brackets_read",
        1.25,
        regrouped("div", lambda a, b, c: a / (b / c), "left {0}/({1}/{2})"),
        frozenset(("div",)),
        "forward",
    ),
)

ROWS = (*ARITHMETIC, *FUNCTIONS, *READING)
