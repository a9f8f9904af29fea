"""Reference values and gradients of the tensor ops, by PyTorch. Writes torch_ops.json beside itself.

    python torch_ops.py        needs torch; the tests read the file that it wrote

Each case has an expression of ours and the same in PyTorch, over inputs drawn once; the gradients are those of the
output's entries, each weighted by an upstream gradient.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

torch.set_default_dtype(torch.float64)

CASES = [
    ("x@W", {"x": (3,), "W": (3, 2)}, lambda x, W: x @ W),
    ("W@x", {"W": (2, 3), "x": (3,)}, lambda W, x: W @ x),
    ("A@B", {"A": (2, 3), "B": (3, 4)}, lambda A, B: A @ B),
    ("x@y", {"x": (3,), "y": (3,)}, lambda x, y: x @ y),
    ("A@B", {"A": (2, 2, 3), "B": (3, 2)}, lambda A, B: A @ B),
    ("A@B", {"A": (2, 2, 3), "B": (2, 3, 2)}, lambda A, B: A @ B),
    ("A@x", {"A": (2, 2, 3), "x": (3,)}, lambda A, x: A @ x),
    ("x@A", {"x": (2,), "A": (2, 2, 3)}, lambda x, A: x @ A),
    ("A.T", {"A": (2, 3)}, lambda A: A.T),
    ("transpose(A,1,2,0)", {"A": (2, 3, 2)}, lambda A: A.permute(1, 2, 0)),
    ("A[1]", {"A": (2, 3)}, lambda A: A[1]),
    ("A[:,1]", {"A": (2, 3)}, lambda A: A[:, 1]),
    ("A[0,1:3]", {"A": (2, 3)}, lambda A: A[0, 1:3]),
    ("[x,y,x]", {"x": (2,), "y": (2,)}, lambda x, y: torch.stack([x, y, x])),
    ("concat(A,B)", {"A": (2, 3), "B": (1, 3)}, lambda A, B: torch.cat([A, B])),
    ("concat(A,B,axis=1)", {"A": (2, 3), "B": (2, 1)}, lambda A, B: torch.cat([A, B], 1)),
    ("reshape(A,3,-1)", {"A": (2, 3)}, lambda A: A.reshape(3, -1)),
    ("dot(a,b)", {"a": (4,), "b": (4,)}, torch.dot),
    ("outer(a,b)", {"a": (4,), "b": (2,)}, torch.outer),
    ("trace(A)", {"A": (3, 3)}, torch.trace),
    ("sum(x)", {"x": (2, 3)}, torch.sum),
    ("sum(x,axis=0)", {"x": (2, 3)}, lambda x: x.sum(0)),
    ("sum(x,axis=(0,2))", {"x": (2, 3, 2)}, lambda x: x.sum((0, 2))),
    ("sum(x,axis=1,keepdims=True)", {"x": (2, 3)}, lambda x: x.sum(1, keepdim=True)),
    ("mean(x)", {"x": (2, 3)}, torch.mean),
    ("mean(x,axis=-1)", {"x": (2, 3)}, lambda x: x.mean(-1)),
    ("prod(x)", {"x": (2, 3)}, torch.prod),
    ("prod(x,axis=1)", {"x": [[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [1.5, 2.0, -1.0]]}, lambda x: x.prod(1)),
    ("prod(x,axis=0,keepdims=True)", {"x": (2, 3)}, lambda x: x.prod(0, keepdim=True)),
    ("max(x)", {"x": (2, 3)}, torch.amax),
    ("max(x)", {"x": [1.0, 4.0, 4.0, 2.0, 4.0]}, torch.amax),
    ("max(x,axis=1)", {"x": [[1.0, 4.0, 4.0], [2.0, 0.0, 1.0]]}, lambda x: x.amax(1)),
    ("max(x,axis=(0,1))", {"x": (2, 3, 2)}, lambda x: x.amax((0, 1))),
    ("min(x,axis=0)", {"x": (2, 3)}, lambda x: x.amin(0)),
    ("norm(x)", {"x": (2, 3)}, torch.linalg.vector_norm),
    ("norm(x)", {"x": [0.0, 0.0]}, torch.linalg.vector_norm),
    ("norm(x,axis=1)", {"x": (2, 3)}, lambda x: torch.linalg.vector_norm(x, dim=1)),
    ("softmax(x)", {"x": (2, 3)}, lambda x: x.softmax(-1)),
    ("softmax(x,axis=0)", {"x": (2, 3)}, lambda x: x.softmax(0)),
    ("softmax(x)", {"x": [1000.0, 0.0, 999.0]}, lambda x: x.softmax(-1)),
    ("log_softmax(x)", {"x": (2, 3)}, lambda x: x.log_softmax(-1)),
    ("log_softmax(x,axis=0)", {"x": (2, 3)}, lambda x: x.log_softmax(0)),
    ("logsumexp(x)", {"x": (2, 3)}, lambda x: x.logsumexp(-1)),
    ("logsumexp(x,axis=(0,1))", {"x": (2, 3)}, lambda x: x.logsumexp((0, 1))),
    ("logsumexp(x)", {"x": [-1000.0, -1001.0]}, lambda x: x.logsumexp(-1)),
    ("affine(x,W,b)", {"x": (4, 3), "W": (3, 2), "b": (2,)}, lambda x, W, b: x @ W + b),
    ("affine(x,W,b)", {"x": (3,), "W": (3, 2), "b": (2,)}, lambda x, W, b: x @ W + b),
    ("softmax_cross_entropy(s,t)", {"s": (2, 3), "t": [[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]}, F.cross_entropy),
    ("softmax_cross_entropy(s,t)", {"s": (3,), "t": [0.0, 1.0, 0.0]}, F.cross_entropy),
    ("softmax_cross_entropy(s,[2,0])", {"s": (2, 3)}, lambda s: F.cross_entropy(s, torch.tensor([2, 0]))),
    ("softmax_cross_entropy(s,1)", {"s": (3,)}, lambda s: F.cross_entropy(s, torch.tensor(1))),
    ("svm_loss(s,[2,0])", {"s": (2, 3)}, lambda s: 3 * F.multi_margin_loss(s, torch.tensor([2, 0]))),
    ("svm_loss(s,1,delta=0.5)", {"s": (3,)}, lambda s: 3 * F.multi_margin_loss(s, torch.tensor(1), margin=0.5)),
    ("mse(y,t)", {"y": (2, 3), "t": (2, 3)}, F.mse_loss),
    ("mse(y,1)", {"y": (2, 3)}, lambda y: F.mse_loss(y, torch.ones_like(y))),
    ("sum_squared_error(y,t)", {"y": (2, 3), "t": (2, 3)}, lambda y, t: ((y - t) ** 2).sum() / 2),
    (
        "cross_entropy_error(y,t)",
        {"y": [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], "t": [[0.0, 1.0, 0.0], [0.5, 0.25, 0.25]]},
        lambda y, t: -(t * y.log()).sum() / 2,
    ),
    (
        "cross_entropy_error(y,[2,0])",
        {"y": [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]},
        lambda y: F.nll_loss(y.log(), torch.tensor([2, 0])),
    ),
    ("cross_entropy_error(y,2)", {"y": [0.2, 0.3, 0.5]}, lambda y: F.nll_loss(y.log(), torch.tensor(2))),
    ("binary_cross_entropy(p,t)", {"p": [0.2, 0.3, 0.9], "t": [0.0, 1.0, 0.25]}, F.binary_cross_entropy),
    ("bce_with_logits(z,t)", {"z": (2, 3), "t": (2, 3)}, F.binary_cross_entropy_with_logits),
    ("hinge(s,t)", {"s": (4,), "t": [1.0, -1.0, -1.0, 1.0]}, lambda s, t: F.relu(1 - t * s).mean()),
    ("huber(p,t)", {"p": (2, 3), "t": (2, 3)}, F.huber_loss),
    ("huber(p,t,delta=0.25)", {"p": (2, 3), "t": (2, 3)}, lambda p, t: F.huber_loss(p, t, delta=0.25)),
    ("x+y", {"x": (3, 1), "y": (4,)}, lambda x, y: x + y),
    ("x*y/z", {"x": (2, 1, 3), "y": (4, 1), "z": (1,)}, lambda x, y, z: x * y / z),
    ("max(a,b)", {"a": (3, 1), "b": (4,)}, torch.maximum),
    ("maxout(a,b,c)", {"a": (3, 1), "b": (4,), "c": ()}, lambda a, b, c: torch.maximum(torch.maximum(a, b), c)),
    ("where(a>0,a*b,b)", {"a": (3, 1), "b": (4,)}, lambda a, b: torch.where(a > 0, a * b, b)),
    ("clip(a,-0.5,0.5)", {"a": (2, 3)}, lambda a: a.clamp(-0.5, 0.5)),
    ("leaky_relu(a,slope=0.2)", {"a": (2, 3)}, lambda a: F.leaky_relu(a, 0.2)),
    ("gelu(a)+mish(a)*selu(a)", {"a": (2, 3)}, lambda a: F.gelu(a) + F.mish(a) * F.selu(a)),
    ("sum((W@x)^2)", {"W": (2, 3), "x": (3,)}, lambda W, x: ((W @ x) ** 2).sum()),
    ("W2@max(0,W1@x)", {"W1": (4, 3), "W2": (2, 4), "x": (3,)}, lambda W1, W2, x: W2 @ F.relu(W1 @ x)),
    (
        "mean((x-mean(x,axis=0))^2,axis=0)",
        {"x": (4, 2)},
        lambda x: ((x - x.mean(0)) ** 2).mean(0),
    ),
]


def drawn(shape):
    """An input: numbers with three decimals, or those that are given."""
    if isinstance(shape, list):
        return torch.tensor(shape)
    return (2 * torch.rand(shape) - 1).mul(1000).round().div(1000)


def case(text, shapes, function):
    """Value and gradients of one case."""
    inputs = {name: drawn(shape).requires_grad_() for name, shape in shapes.items()}
    value = function(*inputs.values())
    upstream = drawn(tuple(value.shape)) if value.ndim else torch.tensor(1.0)
    gradients = torch.autograd.grad(value, list(inputs.values()), upstream)
    return {
        "text": text,
        "inputs": {name: x.tolist() for name, x in inputs.items()},
        "upstream": upstream.tolist(),
        "value": value.tolist(),
        "gradients": {name: g.tolist() for name, g in zip(inputs, gradients, strict=True)},
    }


if __name__ == "__main__":
    torch.manual_seed(3)
    found = {"torch": torch.__version__, "cases": [case(*row) for row in CASES]}
    lines = ",\n".join(json.dumps(each) for each in found["cases"])
    text = f'{{"torch": "{found["torch"]}", "cases": [\n{lines}\n]}}\n'
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")
