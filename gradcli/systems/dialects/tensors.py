"""How a language writes work on whole tensors: a Dialect's companion, data too."""

from __future__ import annotations

from typing import NamedTuple

from gradcli.systems.dialects.dialect import Dialect


class Tensors(NamedTuple):
    """Patterns for what moves, sums and multiplies whole tensors.

    dialect: how single numbers are written.   strict: truths are no numbers, and functions take no plain numbers.
    {along} stands for axes, {axes} for an order of them, {axis} for one; {shape} for lengths; {index} for an index,
    {key} for one as a tuple; {parts} for a list of inputs; {number} for a plain number.
    axis, kept: how {along} is written.   single: words whose {along} is one axis at most.
    full: a number in the shape and kind of a tensor.   filled: one in a shape, its kind that of a tensor.
    cast: a truth as a number of the kind of #2.   both, denied: truths that hold together; one that does not.
    """

    dialect: Dialect
    cast: str
    strict: bool = False
    both: str = "#1 & #2"
    denied: str = "~#1"
    product: str = ""
    transposed: str = ""
    permuted: str = ""
    reshaped: str = ""
    stacked: str = ""
    joined: str = ""
    summed: str = ""
    averaged: str = ""
    largest: str = ""
    smallest: str = ""
    multiplied: str = ""
    length: str = ""
    axis: str = ""
    kept: str = ""
    spread: str = ""
    narrowed: str = ""
    shape: str = ""
    size: str = ""
    constant: str = ""
    diagonal: str = ""
    on_diagonal: str = ""
    placed: str = ""
    full: str = ""
    filled: str = ""
    single: frozenset[str] = frozenset()
