"""What the tests of exported tensors share: a call of each row, examples, and the engine's results."""

from __future__ import annotations

import random
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gradcli.autodiff import Gradients, real
from gradcli.cli.files import from_files
from gradcli.export.exported import Exported
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.syntax import parse

DIGITS = 1e-12

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.grad"))

SAMPLES = [(op, at) for op in TABLE.values() for at in op.samples]
"""Every row at every sample that it names."""


def call(op: Op, count: int) -> str:
    """A row at work on x0, x1, … as it is typed."""
    names = [f"x{k}" for k in range(count)]
    if op.notation is None:
        return f"{op.called or op.name}({','.join(names)})"
    symbol = op.notation.symbol
    ways = {"infix": f"x0 {symbol} x1", "prefix": f"{symbol}x0", "postfix": f"x0{symbol}", "index": "x0[0]"}
    return ways.get(op.notation.fix, f"[{','.join(names)}]")


def numbered(at: tuple[Any, ...]) -> dict[str, Any]:
    """A sample as values of x0, x1, …"""
    return {f"x{k}": value for k, value in enumerate(at)}


def example(path: Path) -> tuple[str, dict[str, Any]]:
    """An example's text and values; 1/2 for a variable that is left to the reader."""
    files = [path.with_suffix(ending) for ending in (".toml", ".npz")]
    values = from_files([str(next(file for file in files if file.exists()))])
    text = path.read_text(encoding="utf-8")
    graph = parse(text, given=values)
    return text, {name: values.get(name, 0.5) for name in graph.inputs}


def exported(
    text: str, values: Mapping[str, Any] | None = None, wrt: tuple[str, ...] | None = None, **facts: Any
) -> Exported:
    """A formula to be written."""
    given = {name: real(value, name) for name, value in (values or {}).items()}
    graph = parse(text, given=given)
    return Exported(text, graph, tuple(graph.inputs) if wrt is None else wrt, given, **facts)


def by_the_engine(one: Exported) -> Gradients:
    """Both passes of the engine; of several entries, of their sum."""
    trace = one.graph.forward(one.values)
    shape = trace.shapes[trace.graph.output]
    return trace.backward(np.ones(shape) if shape else None)


def agree(
    value: Any, gradients: Mapping[str, Any], one: Exported, digits: float = DIGITS, small: float = 1e-300
) -> None:
    """What code computes is what the engine does, in value and in shape.

    small: how far a number may be off beside the largest of its tensor, where terms cancel.
    """
    expected = by_the_engine(one)
    largest = float(np.max(np.abs(expected.trace.value)))
    np.testing.assert_allclose(value, expected.trace.value, rtol=digits, atol=small * max(1.0, largest))
    assert list(gradients) == list(one.wrt)
    for name, gradient in gradients.items():
        assert np.shape(gradient) == np.shape(expected[name]), name
        largest = float(np.max(np.abs(expected[name])))
        np.testing.assert_allclose(gradient, expected[name], rtol=digits, atol=small * max(1.0, largest), err_msg=name)


def ran(code: str) -> dict[str, Any]:
    """What a piece of Python defines."""
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "<exported>", "exec"), found)  # noqa: S102 - it is what the tests are about
    return found


ENTRYWISE = ["sin({})", "relu({})", "sigmoid({})", "abs({})", "softplus({})", "gelu({})", "elu({})", "-({})", "({})^2"]
PAIRED = [
    "{}+{}",
    "{}-{}",
    "({})*({})",
    "({})/(2+abs({}))",
    "max({},{})",
    "where({0}>{1},{0},{1}*2)",
    "({}<{})",
    "hypot({},{})",
]
REDUCED = ["sum", "mean", "max", "min", "norm", "logsumexp", "prod"]


def formulas(seed: int, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Random formulas of tensors, each with values: scalars, vectors and matrices that broadcast, move and multiply."""
    chance = random.Random(seed)  # noqa: S311 - formulas to try, not secrets
    found: list[tuple[str, dict[str, Any]]] = []
    while len(found) < count:
        shapes: dict[str, tuple[int, ...]] = {
            "x": chance.choice([(), (3,), (2, 3)]),
            "y": chance.choice([(3,), (2, 1), (2, 3)]),
            "z": chance.choice([(), (2, 3), (2, 2, 3)]),
        }
        pool = list(shapes.items())
        for _ in range(chance.randint(3, 7)):
            pool.append(grown(chance, pool))
        text = pool[-1][0]
        values = {
            name: np.array([chance.gauss(0, 1.5) for _ in range(prod(shape))]).reshape(shape)
            if shape
            else chance.gauss(0, 1.5)
            for name, shape in shapes.items()
        }
        graph = parse(text)
        if graph.inputs and len(text) < 400:
            found.append((text, {name: values[name] for name in graph.inputs}))
    return found


def grown(chance: random.Random, pool: list[tuple[str, tuple[int, ...]]]) -> tuple[str, tuple[int, ...]]:
    """A formula made of one or two of a pool, and its shape."""
    (a, s), (b, t) = chance.choice(pool[-3:]), chance.choice(pool)
    way = chance.random()
    if way < 0.25:
        return f"({chance.choice(ENTRYWISE).format(a)})", s
    if way < 0.55:
        try:
            return f"({chance.choice(PAIRED).format(a, b)})", np.broadcast_shapes(s, t)
        except ValueError:
            return f"[{a},{a}]", (2, *s)
    if not s:
        return f"tanh({a})", s
    axis = chance.randrange(len(s))
    if way < 0.7:
        return f"{chance.choice(REDUCED)}({a},axis={axis})", s[:axis] + s[axis + 1 :]
    if way < 0.8:
        try:
            return f"(({a})@({b}).T)", np.matmul(np.ones(s), np.ones(t).T).shape
        except ValueError:
            return f"softmax({a},axis={axis})", s
    moves = [
        (f"({a}).T", s[::-1]),
        (f"({a})[{s[0] - 1}]", s[1:]),
        (f"({a})[{s[0] - 1}:]", (1, *s[1:])),
        (f"reshape({a},-1)", (prod(s),)),
        (f"concat({a},{a},axis={axis})", (*s[:axis], 2 * s[axis], *s[axis + 1 :])),
    ]
    return chance.choice(moves)
