"""The autograd.Function that is written for PyTorch: its numbers, what it keeps, how it is used."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from gradcli.errors import UsageError
from gradcli.export.torch import written
from gradcli.ops import TABLE
from gradcli.systems.source import Unspelled
from tests.exporting_tensors import EXAMPLES, SAMPLES, agree, call, example, exported, formulas, numbered, ran

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not at hand")

LACKING = {"cbrt", "digamma", "gamma", "polygamma"}
"""Rows whose functions PyTorch lacks, or has to 9 digits only, themselves or in their gradients."""

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
AT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
SIGMOID, SLOPE = 0.7310585786300049, 0.19661193324148185


def run(text: str, values: dict[str, Any], **facts: Any) -> tuple[Any, dict[str, Any]]:
    """What the written function and its backward compute."""
    import torch

    one = exported(text, values, **facts)
    formula = ran(written(one))["formula"]
    x = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=name in one.wrt)
        for name, value in one.values.items()
    }
    y = formula(*[x[name] for name in one.graph.inputs])
    y.sum().backward()
    return y.detach().numpy(), {name: x[name].grad.numpy() for name in one.wrt}


@needs_torch
@pytest.mark.parametrize("name", sorted(set(TABLE) - LACKING))
def test_every_row_computes_what_the_engine_computes(name):
    """Value and gradients of each row at its samples, to 12 digits."""
    for op, at in SAMPLES:
        if op.name == name:
            text, values = call(op, len(at)), numbered(at)
            agree(*run(text, values), exported(text, values))


@pytest.mark.parametrize("name", sorted(LACKING))
def test_what_pytorch_lacks_is_said(name):
    """A function that PyTorch does not have, or has to few digits, is refused by its name."""
    at = TABLE[name].samples[0]
    with pytest.raises(Unspelled, match="PyTorch has no "):
        written(exported(call(TABLE[name], len(at)), numbered(at)))


@needs_torch
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_computes_what_the_engine_computes(path):
    """The examples, tensors and all."""
    text, values = example(path)
    agree(*run(text, values), exported(text, values), digits=1e-10)


@needs_torch
@pytest.mark.parametrize("seed", range(4, 8))
def test_random_formulas_compute_what_the_engine_computes(seed):
    """Broadcasting, products, moves and branches, one upon the other."""
    for text, values in formulas(seed, 25):
        agree(*run(text, values), exported(text, values), digits=1e-9, small=1e-11)


@needs_torch
def test_the_neuron_runs_in_a_pipe():
    """`gradcli export … --to torch | python` prints the lecture's numbers, and passes gradcheck."""
    code = written(exported(NEURON, AT))
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    numbers = [float(line.partition(" = ")[2]) for line in lines]
    assert numbers == pytest.approx([SIGMOID, -SLOPE, 2 * SLOPE, -2 * SLOPE, -3 * SLOPE, SLOPE], rel=1e-14)
    assert [line.partition(" ")[0] for line in lines] == ["f", *(f"df/d{name}" for name in AT)]
    assert last == "gradcheck: the gradients agree with differences"


GRADCHECKED = [
    (
        "softmax_cross_entropy(affine(x,W,b),t)",
        {"x": [[1.0, -2.0]], "W": [[0.5, 1.0], [2.0, 0.3]], "b": [0.1, 0.2], "t": [1.0]},
    ),
    ("norm(x@y.T)*sum(max(x,y))+prod(x[0])", {"x": [[1.0, -2.0], [3.0, 0.5]], "y": [[0.5, 1.0], [2.0, 0.3]]}),
    ("concat(x,reshape(y,-1))*[1,2,3]", {"x": [1.0], "y": [[0.5], [2.0]]}),
]


@needs_torch
@pytest.mark.parametrize(("text", "values"), GRADCHECKED, ids=[text for text, _ in GRADCHECKED])
def test_gradcheck_of_pytorch_agrees(text, values):
    """PyTorch's own comparison with differences, in double precision."""
    import torch

    one = exported(text, values)
    formula = ran(written(one))["formula"]
    x = [torch.tensor(value, dtype=torch.float64, requires_grad=name != "t") for name, value in one.values.items()]
    assert torch.autograd.gradcheck(formula, [dict(zip(one.values, x, strict=True))[name] for name in one.graph.inputs])


KEPT = [
    ("x+y", {"x": 1.0, "y": 2.0}, 0),
    ("x*y", {"x": 1.0, "y": 2.0}, 2),
    ("exp(x)+y", {"x": 1.0, "y": 2.0}, 1),
    ("relu(x)-y", {"x": 1.0, "y": 2.0}, 1),
    ("3*x+y/4", {"x": 1.0, "y": 2.0}, 0),
    ("mean(x)+sum(x)", {"x": [1.0, 2.0]}, 0),
    ("x@W+b", {"x": [[1.0, 2.0]], "W": [[1.0], [2.0]], "b": [3.0]}, 2),
    ("reshape(x,2,2).T", {"x": [1.0, 2.0, 3.0, 4.0]}, 0),
]


@needs_torch
@pytest.mark.parametrize(("text", "values", "count"), KEPT, ids=[text for text, *_ in KEPT])
def test_nothing_is_kept_that_backward_does_not_read(text, values, count):
    """How many tensors stay in memory until the backward pass."""
    import torch

    one = exported(text, values)
    x = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in values.items()}
    y = ran(written(one))["formula"](*[x[name] for name in one.graph.inputs])
    assert len(y.grad_fn.saved_tensors) == count


@needs_torch
def test_no_gradient_is_computed_that_is_not_needed():
    """A tensor that learns nothing gets none; so does one that --wrt leaves out."""
    import torch

    formula = ran(written(exported("x*log(y)", {"x": 2.0, "y": 3.0})))["formula"]
    x, y = torch.tensor(2.0, dtype=torch.float64, requires_grad=True), torch.tensor(3.0, dtype=torch.float64)
    formula(x, y).backward()
    assert x.grad.item() == pytest.approx(np.log(3), rel=1e-15)
    assert y.grad is None
    _, gradients = run("x*log(y)", {"x": 2.0, "y": 3.0}, wrt=("y",))
    assert gradients == {"y": pytest.approx(2 / 3, rel=1e-15)}


@needs_torch
def test_what_was_broadcast_is_summed_back():
    """A formula of numbers takes tensors of any shapes; its gradients are those of PyTorch itself, in their shapes."""
    import torch

    formula = ran(written(exported("x*sin(y)+z^2/x+floor(z)")))["formula"]
    chance = torch.Generator().manual_seed(3)
    x, y, z = (
        torch.rand(shape, generator=chance, dtype=torch.float64).add_(1).requires_grad_()
        for shape in ((3, 1), (4,), ())
    )
    upstream = torch.rand((3, 4), generator=chance, dtype=torch.float64)
    expected = torch.autograd.grad(x * torch.sin(y) + z**2 / x + torch.floor(z), (x, y, z), upstream)
    found = torch.autograd.grad(formula(x, y, z), (x, y, z), upstream)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=0)


@needs_torch
def test_a_batch_may_have_another_length():
    """What divides by the number of rows reads it off the tensor."""
    import torch

    one = exported(
        "softmax_cross_entropy(x@W,t)", {"x": [[1.0, 2.0]] * 3, "W": [[1.0, 0.5], [2.0, -1.0]], "t": [0.0, 1.0, 0.0]}
    )
    formula = ran(written(one))["formula"]
    x = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
    W = torch.tensor([[1.0, 0.5], [2.0, -1.0]], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([1, 0])
    (found,) = torch.autograd.grad(formula(x, W, t.double()), W)
    (expected,) = torch.autograd.grad(torch.nn.functional.cross_entropy(x @ W, t), W)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-16)


@needs_torch
def test_differentiating_twice_is_refused():
    """The backward pass has no gradient of its own: an error, never a wrong number."""
    import torch

    formula = ran(written(exported("x^3", {"x": 2.0})))["formula"]
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(formula(x), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"does not require grad|once_differentiable"):
        torch.autograd.grad(g, x)


@needs_torch
@pytest.mark.parametrize(
    "text", ["leaky_relu(x, slope=0.3)", "where(x>0, 0.1, 0.2)*x", "max(x, 0.1)", "x^2/3", "selu(x)"]
)
@pytest.mark.parametrize("at", [[-1.5], [0.7]])
def test_the_precision_is_that_of_the_tensors(text, at):
    """Single in, single out; and in double no number in the formula is rounded to single."""
    import torch

    one = exported(text, {"x": at})
    formula = ran(written(one))["formula"]
    x = torch.tensor(at, dtype=torch.float32, requires_grad=True)
    y = formula(x)
    y.sum().backward()
    assert (y.dtype, x.grad.dtype) == (torch.float32, torch.float32)
    agree(*run(text, {"x": at}), one, digits=1e-15)


TAKEN = [
    ("where(x>0, log(x), x^2)", {"x": [-2.0, 3.0, 0.0]}),
    ("sum(where(x>0, sqrt(x), 1))", {"x": [0.0, 4.0]}),
    ("relu(-x)*log(x)", {"x": 2.0}),
    ("log(x)[1]", {"x": [0.0, 2.0]}),
    ("max(x, y, x)*min(x, y)", {"x": 2.0, "y": 2.0}),
]


@needs_torch
@pytest.mark.parametrize(("text", "values"), TAKEN, ids=[text for text, _ in TAKEN])
def test_a_branch_that_is_not_taken_sends_nothing(text, values):
    """0 where another input is chosen, though the slope there is infinite."""
    value, gradients = run(text, values)
    one = exported(text, values)
    expected = one.graph.forward(one.values)
    upstream = np.ones(np.shape(value)) if np.shape(value) else None
    for name, g in expected.backward(upstream).items():
        np.testing.assert_allclose(gradients[name], g, rtol=1e-12)


@needs_torch
def test_names_are_those_that_python_takes():
    """Keywords, Greek letters and the code's own words are renamed, and told."""
    code = written(exported("lambda*θ+ctx*torch+grad_ctx+d_f", function="my_loss"))
    import torch

    x = [torch.tensor(float(k), requires_grad=True) for k in range(1, 7)]
    assert ran(code)["my_loss"](*x).item() == 1 * 2 + 3 * 4 + 5 + 6
    assert "class MyLoss(torch.autograd.Function):" in code
    assert "is lambda" in code


def test_the_same_formula_is_written_alike():
    """Nothing of it depends on the run."""
    code = "from tests.exporting_tensors import exported; from gradcli.export.torch import written; "
    code += f"print(written(exported({NEURON!r}, {AT!r})))"
    env = {**os.environ, "PYTHONHASHSEED": "1"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert other.stdout.rstrip("\n") == written(exported(NEURON, AT))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum(x@y)", "depends on the shapes of the variables"),
        ("mse(y,t)", "depends on the shapes of the variables"),
        ("2+3", "without variables"),
    ],
)
def test_what_cannot_be_written_is_said(text, message):
    """Tensors without values have no shapes."""
    with pytest.raises(UsageError, match=message):
        written(exported(text))


def test_at_a_kink_no_differences_are_taken():
    """They lie across it, so the example does not ask for gradcheck there."""
    assert "gradcheck(" not in written(exported("relu(x)", {"x": 0.0}))
    assert "gradcheck(" not in written(exported("(x>2)*x", {"x": 2.0}))
    assert "gradcheck(" in written(exported("relu(x)", {"x": 1.0}))
