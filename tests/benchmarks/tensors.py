"""Work on tensors in one process, ours and the peers' by turns: `tensors.py NAME` prints JSON.

CPU seconds, the median of many rounds; the answers of all are compared first. What is timed begins at a parsed graph,
as a peer's begins at compiled Python.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from gradcli import parse, value_and_grad, verify
from gradcli.ops import TABLE
from gradcli.systems.arrays import ARRAYS

Work = Callable[[], Any]
Seconds = dict[str, float]

ENTRIES = 4096
"""The lecture's layer, whose Jacobian nobody stores."""

NET = "softmax_cross_entropy(affine(sigmoid(affine(x, W1, b1)), W2, b2), t)"


def by_turns(rounds: int, batch: int = 1, **works: Work) -> Seconds:
    """Median seconds of each work, measured by turns; a batch is done in each turn, to be long enough to measure."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 3):
        for name, work in works.items():
            begun = process_time()
            for _ in range(batch):
                work()
            if turn >= 3:
                taken[name].append((process_time() - begun) / batch)
    return {name: median(times) for name, times in taken.items()}


def same(name: str, found: Any, expected: Any) -> None:
    """End with what is wrong, if two answers differ."""
    if not np.allclose(found, expected, rtol=1e-10, atol=1e-14):
        sys.exit(f"{name}: the answers differ")


# ── a net ───────────────────────────────────────────────────────────────────────────────────────────────────


def batch_of_images() -> dict[str, Any]:
    """100 images of 784 pixels, and a net with 50 hidden units and 10 scores."""
    random = np.random.default_rng(0)
    return {
        "x": random.random((100, 784)),
        "t": random.integers(0, 10, 100).astype(np.float64),
        "W1": 0.01 * random.standard_normal((784, 50)),
        "b1": np.zeros(50),
        "W2": 0.01 * random.standard_normal((50, 10)),
        "b2": np.zeros(10),
    }


def net_by_hand(x: Any, t: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Mapping[str, Any]:
    """The loss of the net, and its gradients, as one writes them in NumPy."""
    hidden = 1 / (1 + np.exp(-(x @ W1 + b1)))
    scores = hidden @ W2 + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(scores)
    sums = powers.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    labels = t.astype(int)
    loss = np.mean(np.log(sums[:, 0]) - scores[rows, labels])
    missed = powers / sums
    missed[rows, labels] -= 1
    missed /= len(x)
    before = missed @ W2.T * hidden * (1 - hidden)
    return {
        "value": loss,
        "x": before @ W1.T,
        "W1": x.T @ before,
        "b1": before.sum(axis=0),
        "W2": hidden.T @ missed,
        "b2": missed.sum(axis=0),
    }


def net_by_torch(values: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    """The same by PyTorch, eager, from tensors that are there already."""
    import torch

    torch.set_num_threads(1)
    labels = torch.tensor(values["t"], dtype=torch.int64)
    leaves = {
        name: torch.tensor(array, dtype=torch.float64, requires_grad=True)
        for name, array in values.items()
        if name != "t"
    }

    def run() -> Mapping[str, Any]:
        hidden = torch.sigmoid(leaves["x"] @ leaves["W1"] + leaves["b1"])
        scores = hidden @ leaves["W2"] + leaves["b2"]
        loss = torch.nn.functional.cross_entropy(scores, labels)
        return {"value": loss} | dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))

    return run


def net() -> Seconds:
    """Value and all gradients of a two-layer net."""
    values = batch_of_images()
    graph = parse(NET)
    gradients = graph.forward(values).backward()
    works: dict[str, Work] = {
        "ours": lambda: value_and_grad(graph, values),
        "NumPy": lambda: net_by_hand(**values),
    }
    with suppress(ImportError):
        works["PyTorch"] = net_by_torch(values)
    for peer in list(works)[1:]:
        for name, array in works[peer]().items():
            found = gradients.trace.value if name == "value" else gradients[name]
            same(f"{peer}, {name}", found, array.detach().numpy() if peer == "PyTorch" else array)
    return by_turns(300, **works)


# ── one op ──────────────────────────────────────────────────────────────────────────────────────────────────

BY_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "mul": np.multiply,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "tanh": np.tanh,
    "max": np.maximum,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "silu": lambda x: x / (1 + np.exp(-x)),
}
"""Op → how one writes it in NumPy."""


def operands(count: int) -> list[Any]:
    """Positive numbers, of which a network's are not much larger."""
    random = np.random.default_rng(1)
    return [random.uniform(0.1, 3, ENTRIES) for _ in range(count)]


def elementwise(name: str) -> Iterator[tuple[str, Work]]:
    """An op on 4096 entries: its function alone, the whole way from values to a trace, and NumPy."""
    op = TABLE[name]
    count = 1 if len(op.parameters) == 1 else 2
    x = operands(count)
    function = ARRAYS.functions[op]
    symbols = {"add": "a+b", "mul": "a*b", "max": "max(a,b)"}
    graph = parse(symbols.get(name, f"{name}(a)"))
    values = dict(zip("ab", x, strict=False))
    same(name, function(*x), BY_NUMPY[name](*x))
    yield "ours", lambda: function(*x)
    yield "forward", lambda: graph.forward(values)
    yield "NumPy", lambda: BY_NUMPY[name](*x)


def op(name: str) -> Seconds:
    """Seconds of one elementwise op."""
    return by_turns(100, batch=20, **dict(elementwise(name)))


# ── second derivatives, and the proof ───────────────────────────────────────────────────────────────────────


def hessian() -> Seconds:
    """All second derivatives of a function of 50 variables, and one gradient of it."""
    from gradcli.derivatives import hessian as of

    names = [f"x{i}" for i in range(50)]
    text = "+".join(f"sin({a})*exp({b})" for a, b in zip(names, names[1:] + names[:1], strict=True))
    values = {name: 0.1 + i / 50 for i, name in enumerate(names)}
    trace = parse(text).forward(values)
    exact = np.zeros((50, 50))
    x = np.array(list(values.values()))
    for i in range(50):
        j = (i + 1) % 50
        exact[i, i] += -np.sin(x[i]) * np.exp(x[j])
        exact[j, j] += np.sin(x[i]) * np.exp(x[j])
        exact[i, j] += np.cos(x[i]) * np.exp(x[j])
        exact[j, i] += np.cos(x[i]) * np.exp(x[j])
    same("hessian", of(trace).matrix, exact)
    graph = trace.graph
    return by_turns(50, ours=lambda: of(trace), gradient=lambda: graph.forward(values).backward())


def proof() -> Seconds:
    """The proof of sum(x*x) at 10^5 entries."""
    gradients = parse("sum(x*x)").forward(x=operands(1)[0].repeat(25)[: 10**5]).backward()
    verify(parse("x").forward(x=1).backward(), "proof")  # imports FLINT
    begun = process_time()
    found = verify(gradients, "proof", 60)
    seconds = process_time() - begun
    if found.status != "passed":
        sys.exit(f"the proof: {found.status}")
    return {"ours": seconds}


WORKS: dict[str, Callable[[], Seconds]] = {"net": net, "hessian": hessian, "proof": proof}

if __name__ == "__main__":
    asked = sys.argv[1]
    print(json.dumps(op(asked) if asked in BY_NUMPY else WORKS[asked]()))
