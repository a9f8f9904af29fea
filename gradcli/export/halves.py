"""A formula in two halves: the lines of the value, those of the gradients, and what the second needs of the first.

What is kept is read off the lines: each value of the forward half that a line of the backward half names, the shape
alone where that is all that is asked for, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gradcli.export.lines import WITHIN
from gradcli.export.naming import Names
from gradcli.systems.dialects.dialect import ATOM, binding, filled
from gradcli.systems.shaped.elements import Kind
from gradcli.systems.shaped.system import Shaped
from gradcli.systems.source import Code

Piece = tuple[str, int]


class Line(NamedTuple):
    """An assignment.   owner: the variable whose gradient alone needs it."""

    name: str
    code: str
    owner: str | None = None


class Halves(NamedTuple):
    """Both halves in lines.

    forward, backward: lines.   value, gradients: how the results are written.
    tensors: name → the values that are kept, in order.   sizes: name → the code of a shape that is kept.
    """

    forward: list[Line]
    value: str
    tensors: list[str]
    sizes: dict[str, str]
    backward: list[Line]
    gradients: dict[str, str]


class Wishes(NamedTuple):
    """What lines would like to be called, (name, what else) by index; and which of them have a line of their own."""

    names: Mapping[int, tuple[str, str]]
    kept: set[int]


def halves(
    m: Shaped,
    value: Code,
    gradients: Mapping[str, Code],
    wishes: Wishes,
    names: Names,
    *,
    inputs: int,
    tensor: Callable[[str], str] = str,
    size: Callable[[str], str] = str,
) -> Halves:
    """A value and its gradients in lines.

    inputs: how many of the leaves are inputs; the others are there on the way back alone.
    tensor, size: how the backward half reads what is kept, by its name.
    """
    front = forward(m, value, m.uses([value, *gradients.values()]), inputs)
    saved = crossing(m, gradients, front)
    uses = m.uses([value, *[Code(m, index) for index in saved]])
    texts = numbers(m) | {leaf.index: (m.lines[leaf.index].pattern, ATOM) for leaf in m.leaves}
    writer = Writer(m, wishes, names)
    ahead = writer.lines(texts, uses, {value.index} | {i for i in saved if m.kinds[i] is not Kind.SIZE})
    tensors, sizes, back = list[str](), dict[str, str](), numbers(m)
    back |= {leaf.index: (m.lines[leaf.index].pattern, ATOM) for leaf in m.leaves[inputs:]}
    for index in sorted(saved):
        text = texts[index][0]
        if m.kinds[index] is Kind.SIZE:
            name = names.take(measured(m, index, texts), "size")
            sizes[name] = text
            back[index] = size(name), ATOM
        else:
            tensors.append(text)
            back[index] = tensor(text), ATOM
    behind = writer.lines(back, backward(m, gradients, saved), set(), owned(m, gradients, saved))
    ends = {name: back[code.index][0] for name, code in gradients.items()}
    return Halves(ahead, texts[value.index][0], tensors, sizes, behind, ends)


class Writer(NamedTuple):
    """What both halves are written with."""

    m: Shaped
    wishes: Wishes
    names: Names

    def lines(
        self, texts: dict[int, Piece], uses: list[int], kept: set[int], owners: list[str | None] | None = None
    ) -> list[Line]:
        """The lines of one half; `texts` gets how each value is written.

        texts: how what is there already is written.   kept: what has a line of its own, beside what the user named.
        """
        m, found = self.m, list[Line]()
        for index, (pattern, parts) in enumerate(m.lines):
            if not uses[index] or index in texts:
                continue
            code = filled(pattern, [texts[part.index] for part in parts]) if parts else pattern
            asked = m.kinds[index] is Kind.SIZE
            once = uses[index] == 1 and index not in kept and index not in self.wishes.kept
            if asked or (once and len(code) <= WITHIN):
                texts[index] = code, binding(pattern)
                continue
            name = self.names.take(*self.wishes.names.get(index, ("", stem(pattern, m.kinds[index]))))
            texts[index] = name, ATOM
            found.append(Line(name, code, owners[index] if owners else None))
        return found


def stem(pattern: str, kind: Kind) -> str:
    """What a line is called that has no name of its own: after the function that it calls."""
    called = re.match(r"(?:\w+\.)*(\w+)\(|#1\.(\w+)\(", pattern)
    word = (called[1] or called[2]) if called else ""
    return "mask" if kind is Kind.TRUTH else word if len(word) > 1 and word.isalnum() else "v"


def numbers(m: Shaped) -> dict[int, Piece]:
    """How numbers are written."""
    known = m.constants.values()
    return {code.index: (m.dialect.number(code.value), ATOM) for code in known if code.value is not None}


def forward(m: Shaped, value: Code, uses: list[int], inputs: int) -> set[int]:
    """The lines of the forward half: those of the value, the inputs, and shapes of any of them."""
    front = {index for index, used in enumerate(m.uses([value])) if used}
    front |= {leaf.index for leaf in m.leaves[:inputs]}
    for index, line in enumerate(m.lines):
        if uses[index] and m.kinds[index] is Kind.SIZE and all(part.index in front for part in line.parts):
            front.add(index)
    return front


def crossing(m: Shaped, gradients: Mapping[str, Code], front: set[int]) -> set[int]:
    """What the backward half reads of the forward half, without the shapes and truths that follow from the rest."""
    again = set[int]()
    while True:
        reached = backward(m, gradients, front - again)
        read = {index for index in front - again if reached[index]}
        found = {index for index in read if m.kinds[index] is not Kind.NUMBER and told(m, index, read)}
        if not found:
            return read
        again |= found


def told(m: Shaped, index: int, read: set[int]) -> bool:
    """Whether what a line is made of is read anyway."""
    parts = [part.index for part in m.lines[index].parts if part.value is None]
    return bool(parts) and read.issuperset(parts)


def backward(m: Shaped, gradients: Mapping[str, Code], known: set[int]) -> list[int]:
    """How often the gradients use each line, when these values are known."""
    uses = [0] * len(m.lines)
    waiting = [code.index for code in gradients.values() if code.value is None]
    while waiting:
        index = waiting.pop()
        uses[index] += 1
        if uses[index] == 1 and index not in known:
            pattern, parts = m.lines[index]
            for k, part in enumerate(parts, 1):
                if part.value is None:
                    waiting += [part.index] * pattern.count(f"#{k}")
    return uses


def owned(m: Shaped, gradients: Mapping[str, Code], known: set[int]) -> list[str | None]:
    """Of each line the variable whose gradient alone needs it; None where several do."""
    owners: list[set[str]] = [set() for _ in m.lines]
    for name, code in gradients.items():
        if code.value is None:
            owners[code.index].add(name)
    for index in range(len(m.lines) - 1, -1, -1):
        for part in m.lines[index].parts if index not in known else ():
            if part.value is None:
                owners[part.index] |= owners[index]
    return [next(iter(names)) if len(names) == 1 else None for names in owners]


def measured(m: Shaped, index: int, texts: Mapping[int, Piece]) -> str:
    """What a length or shape is called: after the tensor whose it is."""
    pattern, base = m.lines[index].pattern, index
    while m.kinds[base] is Kind.SIZE:
        base = m.lines[base].parts[0].index
    what = {m.tensors.shape: "shape", m.tensors.size.format(axis=0): "length"}.get(pattern, "size")
    return f"{texts[base][0]}_{what}"
