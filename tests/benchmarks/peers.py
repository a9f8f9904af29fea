"""The same sum of products by other libraries, without a text to parse, and by bare loops over the text.

`peers.py NAME SIZE` prints JSON.
"""

from __future__ import annotations

import json
import re
import sys
from array import array
from collections.abc import Callable
from operator import add, mul
from time import process_time
from typing import Any


def summed(leaf: Callable[[float], Any], terms: int) -> float:
    """Seconds for x0*0.5 + x1*1.5 + … and its gradients."""
    begun = process_time()
    inputs = [leaf(0.1 * i) for i in range(terms)]
    total = inputs[0] * 0.5
    for i in range(1, terms):
        total = total + inputs[i] * (i % 10 + 0.5)
    total.backward()
    seconds = process_time() - begun
    if abs(float(inputs[-1].grad) - ((terms - 1) % 10 + 0.5)) > 1e-12:
        sys.exit("the gradient is wrong")
    return seconds


def micrograd(terms: int) -> float:
    """micrograd recurses over the graph: it is given all the depth it asks for."""
    from micrograd.engine import Value

    sys.setrecursionlimit(10**8)
    return summed(Value, terms)


def torch(terms: int) -> float:
    """PyTorch, eager, on the CPU, in double precision."""
    from torch import float64, set_num_threads, tensor

    set_num_threads(1)
    return summed(lambda x: tensor(x, dtype=float64, requires_grad=True), terms)


WORD = re.compile(r"([A-Za-z_]\w*+|[0-9.]++)([*+]|\Z)", re.ASCII)


def loops(terms: int) -> float:
    """The least that Python does for this text: a match an operand, a row and a place a node, a loop each way.

    No grammar, no operators but these two, no errors, and a rule for each edge that is known beforehand.
    """
    text = "+".join(f"x{i}*{i % 10}.5" for i in range(terms))
    given = {f"x{i}": 0.1 * i for i in range(terms)}
    begun = process_time()
    known: dict[str, int] = {}
    ops: list[Callable[[float, float], float] | None] = []
    parents: list[tuple[int, ...]] = []
    places = array("q")

    def node(op: Callable[[float, float], float] | None, inputs: tuple[int, ...], start: int, end: int) -> int:
        ops.append(op)
        parents.append(inputs)
        places.append(start)
        places.append(end)
        return len(ops) - 1

    total, left, begins = -1, 0, 0
    for match in WORD.finditer(text):
        word, sign = match[1], match[2]
        start, end = match.span(1)
        index = known.get(word)
        if index is None:
            index = known[word] = node(None, (), start, end)
        if sign == "*":
            left, begins = index, start
            continue
        product = node(mul, (left, index), begins, end)
        total = product if total < 0 else node(add, (total, product), 0, end)
    values, adjoints = [0.0] * len(ops), [0.0] * len(ops)
    for word, i in known.items():
        values[i] = given[word] if word in given else float(word)
    for i, (op, inputs) in enumerate(zip(ops, parents, strict=True)):
        if op is not None:
            a, b = inputs
            values[i] = op(values[a], values[b])
    adjoints[total] = 1.0
    for i in range(total, -1, -1):
        if ops[i] is not None:
            g, (a, b) = adjoints[i], parents[i]
            adjoints[a] += g if ops[i] is add else values[b] * g
            adjoints[b] += g if ops[i] is add else values[a] * g
    seconds = process_time() - begun
    if adjoints[known[f"x{terms - 1}"]] != (terms - 1) % 10 + 0.5:
        sys.exit("the gradient is wrong")
    return seconds


PEERS = {"loops": loops, "micrograd": micrograd, "torch": torch}

if __name__ == "__main__":
    print(json.dumps({"seconds": PEERS[sys.argv[1]](int(sys.argv[2]) // 3)}))
