"""One op as a layer: a class whose forward keeps what its backward reads, written from the op's row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gradcli.errors import visible
from gradcli.export.halves import Halves, Wishes, halves
from gradcli.export.naming import PYTHON, Names
from gradcli.export.python import listed
from gradcli.export.tensor_text import returned
from gradcli.notation import number, pulled
from gradcli.ops.op import Op, Shape, spelled
from gradcli.systems.dialects.numpy_tensors import TENSORS
from gradcli.systems.shaped.system import Shaped
from gradcli.systems.source import Code

RESERVED = (*PYTHON, "self", "dout", "sigmoid", "placed", "special")

ALPHABET = "abcdefghijklm"
"""Names of the inputs of an op that takes any number of them."""


class Layer(NamedTuple):
    """A class.

    doc, body: its docstring and its methods.   takes: the inputs of forward.   returns: the inputs whose gradients
    backward returns.   helpers: definitions that it uses.
    """

    doc: str
    body: tuple[str, ...]
    takes: tuple[int, ...]
    returns: tuple[int, ...]
    helpers: tuple[str, ...]


def layer(op: Op, shapes: Sequence[Shape], out: Shape, numbers: Mapping[int, float], wanted: Sequence[int]) -> Layer:
    """The layer of an op.

    shapes: of its inputs.   numbers: which of them are numbers.   wanted: of which gradients are wanted, where it has
    them.
    Errors: Unspelled.
    """
    names = Names(RESERVED)
    called = inputs(op, len(shapes))
    parameters = names.variables(called)
    takes = tuple(k for k in range(len(shapes)) if k not in numbers)
    m = Shaped(TENSORS, [*((parameters[called[k]], shapes[k]) for k in takes), ("dout", out)])
    leaves = dict(zip(takes, m.leaves, strict=False))
    x = [leaves[k] if k in leaves else m.literal(numbers[k]) for k in range(len(shapes))]
    y = m.number(m.element(m.functions[op](*x)))
    found: dict[int, Code] = {}
    for k in wanted:
        passed = m.pull(op, k, m.leaves[-1], None, y, x)
        if passed is not None:
            found[k] = m.spread(m.settled(passed[0]), x[k])
    gradients = {names.take(f"d{parameters[called[k]]}", "d"): code for k, code in found.items()}
    wishes = {code.index: (f"{name}_", "v") for name, code in gradients.items()} | {y.index: ("out", "out")}
    split = halves(
        m, y, gradients, Wishes(wishes, set()), names, inputs=len(takes), tensor="self.{}".format, size="self.{}".format
    )
    body = [*front(split, [parameters[called[k]] for k in takes])]
    if gradients:
        body += ["", *back(split, textbook(op, found))]
    helpers = m.helpers([y, *gradients.values()])
    return Layer(about(op, called, numbers), tuple(body), takes, tuple(found), tuple(helpers))


def inputs(op: Op, count: int) -> list[str]:
    """What the inputs of an op are called."""
    return list(op.parameters) if not op.variadic else [ALPHABET[k] if k < 13 else f"x{k}" for k in range(count)]


def about(op: Op, called: Sequence[str], numbers: Mapping[int, float]) -> str:
    """A layer in words: what it computes, and what is set."""
    settings = [f"{called[k]} = {number(value)}" for k, value in numbers.items()]
    settings += [f"{name} = {spelled(value)}" for name, value in op.bound.items() if value != op.attributes[name]]
    doc = visible(" ".join(op.doc.split())) or visible(op.name)
    return f"{doc}; here {', '.join(settings)}" if settings else doc


def front(split: Halves, parameters: list[str]) -> list[str]:
    """The method that computes the output."""
    lines, result = [f"{line.name} = {line.code}" for line in split.forward], split.value
    if split.forward and split.forward[-1].name == result:
        if result in split.tensors:
            lines[-1] = f"self.{result} = {split.forward[-1].code}"
            result = f"self.{result}"
        else:
            result = split.forward[-1].code
            lines.pop()
    lines += [f"self.{name} = {name}" for name in split.tensors if f"self.{name}" != result]
    lines += [f"self.{name} = {code}" for name, code in split.sizes.items()]
    return [
        *listed("def forward(", ["self", *parameters], "):"),
        *(f"        {line}" for line in (*lines, f"return {result}")),
    ]


def back(split: Halves, comments: list[str]) -> list[str]:
    """The method that takes the gradient at the output, and returns those at the inputs."""
    lines = [f"{line.name} = {line.code}" for line in split.backward if line.name not in split.gradients.values()]
    own = {line.name: line.code for line in split.backward}
    for name, text in split.gradients.items():
        lines.append(f"{name} = {own.get(text, text)}")
    return [
        "    def backward(self, dout):",
        *(f"        {line}" for line in (*comments, *lines)),
        *returned(list(split.gradients)),
    ]


def textbook(op: Op, found: Mapping[int, Code]) -> list[str]:
    """How the textbook writes the gradients, where that loses digits that this code keeps."""
    said = []
    for k in found:
        if op.structural and op.stable is not None:
            shown = pulled(op, k)
        else:
            shown = op.shown[k] if not callable(op.shown) and k < len(op.shown) and op.stable is not None else None
        if shown is not None and op.structural:
            said.append(f"# textbook: d{op.parameters[k]} = {re.sub(WORD, 'dout', shown)}")
        elif shown is not None:
            said.append(f"# textbook: ∂y/∂{op.parameters[k]} = {shown}")
    return said


WORD = r"\bg\b"
"""The upstream gradient in a row's rules."""
