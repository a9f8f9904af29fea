"""Layers in NumPy, as in chapter 5 of "Deep Learning from Scratch": numbers, what they keep, how they are wired."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.cli import run as cli
from gradcli.errors import UsageError
from gradcli.export.layers import written
from gradcli.ops import TABLE
from tests.exporting_tensors import EXAMPLES, SAMPLES, agree, call, example, exported, formulas, numbered, ran

SHOPPING = Path(__file__).parent.parent / "examples" / "shopping.grad"
NET = SHOPPING.with_name("two_layer_net.grad")


def run(text: str, values: dict[str, Any], **facts: Any) -> tuple[Any, dict[str, Any]]:
    """What the net computes."""
    one = exported(text, values, **facts)
    value, gradients = ran(written(one))["value_and_grad"](*[one.values[name] for name in one.graph.inputs])
    return value, gradients


def classes(code: str) -> list[str]:
    """The classes of a piece of code."""
    return re.findall(r"^class (\w+):$", code, re.MULTILINE)


@pytest.mark.parametrize("name", list(TABLE))
def test_every_row_computes_what_the_engine_computes(name):
    """Value and gradients of each row as a layer, at its samples, to 12 digits."""
    for op, at in SAMPLES:
        if op.name == name:
            text, values = call(op, len(at)), numbered(at)
            agree(*run(text, values), exported(text, values))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_computes_what_the_engine_computes(path):
    """The examples, tensors and all."""
    text, values = example(path)
    agree(*run(text, values), exported(text, values), digits=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_random_nets_compute_what_the_engine_computes(seed):
    """Broadcasting, products, moves and branches, one upon the other."""
    for text, values in formulas(seed, 25):
        agree(*run(text, values), exported(text, values), digits=1e-9, small=1e-11)


def test_the_shopping_of_the_book():
    """buy_apple_orange: two kinds of layers, forward in order, backward in reverse, and the book's numbers."""
    text, values = example(SHOPPING)
    code = written(exported(text, values))
    assert classes(code) == ["MulLayer", "AddLayer"]
    assert "price_layer = MulLayer()" in code
    assert "    all_price = all_price_layer.forward(apple_price, orange_price)" in code
    forward = [line.split()[0] for line in code.splitlines() if ".forward(" in line]
    assert forward == ["apple_price", "orange_price", "all_price", "price"]
    backward = [line.strip() for line in code.splitlines() if ".backward(" in line]
    assert backward[0] == "dall_price, dtax = price_layer.backward(dprice)"
    assert backward[-1] == "dapple, dapple_num = apple_price_layer.backward(dapple_price)"
    price, gradients = run(text, values)
    assert price == pytest.approx(715)
    book = {"apple": 2.2, "apple_num": 110, "orange": 3.3, "orange_num": 165, "tax": 650}
    assert gradients == pytest.approx(book)


def test_the_net_of_the_book_runs_with_numpy_alone(capsys):
    """TwoLayerNet: Affine, Sigmoid, Affine, SoftmaxWithLoss; the file runs by itself and imports NumPy alone."""
    arguments = ["--file", str(NET), "--vars", str(NET.with_suffix(".npz")), "--wrt", "W1,b1,W2,b2"]
    assert cli(["export", *arguments, "--to", "numpy", "--style", "layers"]) == 0
    code = capsys.readouterr().out
    assert classes(code) == ["DivLayer", "Affine", "Sigmoid", "SoftmaxWithLoss"]
    assert re.findall(r"^(?:import|from) .*", code, re.MULTILINE) == ["import numpy as np"]
    order = [line.split(" = ")[1].split("_layer")[0] for line in code.splitlines() if ".backward(" in line]
    assert order == ["loss", "a2", "z1", "a1"]
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("loss = 2.30347806")
    assert [line.split(" = ")[0] for line in done.stdout.splitlines()[1:]] == [
        f"dloss/d{x}" for x in "W1 b1 W2 b2".split()
    ]


KEPT = [
    ("x+y", "AddLayer", set()),
    ("x*y", "MulLayer", {"a", "b"}),
    ("exp(x)", "Exp", {"out"}),
    ("relu(x)", "Relu", {"x"}),
    ("sigmoid(x)", "Sigmoid", {"x", "out"}),
    ("mean(x)", "Mean", {"x_shape", "x_size"}),
    ("x^2", "PowLayer", {"x"}),
    ("affine(x,W,b)", "Affine", {"x", "W"}),
]


@pytest.mark.parametrize(("text", "name", "kept"), KEPT, ids=[text for text, *_ in KEPT])
def test_a_layer_keeps_what_its_backward_reads(text, name, kept):
    """Nothing else is put into self."""
    shapes = {"x": np.ones((2, 3)), "y": np.ones((2, 3)), "W": np.ones((3, 4)), "b": np.ones(4)}
    values = {k: v for k, v in shapes.items() if re.search(rf"\b{k}\b", text)}
    layer = ran(written(exported(text, values)))[name]()
    inputs = list(values.values())
    out = layer.forward(*inputs)
    assert set(vars(layer)) == kept
    gradients = layer.backward(np.ones(np.shape(out)))
    found = gradients if isinstance(gradients, tuple) else (gradients,)
    assert [np.shape(g) for g in found] == [np.shape(x) for x in inputs]


def test_a_value_used_twice_gets_the_sum():
    """Fan-out: what both layers send back is added."""
    code = written(exported("q=x*y; q*q+q"))
    assert "dq = dq + " in code
    value, gradients = run("q=x*y; q*q+q", {"x": 2.0, "y": 3.0})
    assert (value, gradients) == (42, {"x": 3 * 13, "y": 2 * 13})


def test_a_number_is_part_of_its_layer():
    """x^2 is a layer of one input; nothing is computed for the exponent."""
    code = written(exported("x^2+1"))
    assert "def forward(self, x):\n        self.x = x\n        return x ** 2" in code
    assert "log" not in code
    assert "here p = 2" in code


def test_broadcasting_is_undone_by_the_layer():
    """A bias added to rows gets the sum over them."""
    values = {"x": np.ones((2, 3)), "b": np.array([1.0, 2.0, 3.0]), "c": 2.0}
    _, gradients = run("sum(x+b)+sum(x*c)", values)
    assert gradients["b"].tolist() == [2.0, 2.0, 2.0]
    assert gradients["c"] == 6


def test_layers_of_the_same_code_are_one_class():
    """Two sigmoids are two objects of one class; a layer that works otherwise is another."""
    code = written(exported("sigmoid(x)*sigmoid(y)*leaky_relu(x)*leaky_relu(y, slope=0.2)"))
    assert classes(code) == ["Sigmoid", "MulLayer", "LeakyRelu", "LeakyRelu1"]
    assert code.count("= Sigmoid()") == 2


def test_a_gate_of_the_user_is_a_layer():
    """A definition is one class, with its own parameters, whatever they are called."""
    text = 'lambda_(class, é) = class*é^2  # """ + \'x\'\nlambda_(u, v) + lambda_(v, u)'
    code = written(exported(text))
    assert len(classes(code)) == 2
    agree(*run(text, {"u": 2.0, "v": -3.0}), exported(text, {"u": 2.0, "v": -3.0}))


def test_names_are_those_that_python_takes():
    """Keywords and the code's own words are renamed."""
    text = "self=lambda*dout; np=self+out; np*np"
    values = {"lambda": 2.0, "dout": 3.0, "out": 5.0}
    agree(*run(text, values), exported(text, values))


def test_what_cannot_be_written_is_said():
    """Tensors without values have no shapes."""
    with pytest.raises(UsageError, match="depends on the shapes of the variables"):
        written(exported("sum(x@y)"))


def test_a_branch_that_may_send_nan_is_told():
    """A layer is handed 0 by a branch that is not taken, and cannot know it: where its slope is infinite, 0·inf."""
    assert "is not taken are handed 0" in written(exported("relu(log(x))"))
    assert "is not taken are handed 0" not in written(exported("relu(x*y)"))
