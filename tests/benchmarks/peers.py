"""The same sum of products by other libraries, without a text to parse: `peers.py NAME SIZE` prints JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
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


PEERS = {"micrograd": micrograd, "torch": torch}

if __name__ == "__main__":
    print(json.dumps({"seconds": PEERS[sys.argv[1]](int(sys.argv[2]) // 3)}))
