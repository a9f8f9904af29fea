"""What the tests of exported tensors share: a call of each row, examples, and the engine's results."""

from __future__ import annotations

from collections.abc import Mapping
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


def agree(value: Any, gradients: Mapping[str, Any], one: Exported, digits: float = DIGITS) -> None:
    """What code computes is what the engine does, in value and in shape."""
    expected = by_the_engine(one)
    np.testing.assert_allclose(value, expected.trace.value, rtol=digits, atol=1e-300)
    assert list(gradients) == list(one.wrt)
    for name, gradient in gradients.items():
        assert np.shape(gradient) == np.shape(expected[name]), name
        np.testing.assert_allclose(gradient, expected[name], rtol=digits, atol=1e-300, err_msg=name)


def ran(code: str) -> dict[str, Any]:
    """What a piece of Python defines."""
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "<exported>", "exec"), found)  # noqa: S102 - it is what the tests are about
    return found
