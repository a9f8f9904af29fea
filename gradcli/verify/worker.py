"""The sympy verdict, the child's side: `python -m gradcli.verify.worker SECONDS` answers one request.

The process is limited before it does anything, reads standard input once sympy is loaded, writes one JSON
line whenever it knows more, and ends without ceremony.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from threading import Thread
from types import ModuleType
from typing import Any

from gradcli.graph import Graph, Literal
from gradcli.ops import TABLE
from gradcli.ops.op import CONSTANT, INPUT, Op

MEMORY = 2 << 30
"""Bytes of address space."""

DEPTH = 3000
"""Python frames: sympy recurses over its expressions."""


LOOK = 0.1
"""Seconds between two looks whether anybody still waits for the answer."""


def limit(seconds: float) -> None:
    """Bound this process's life, memory and processor time, where the system can."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    sys.setrecursionlimit(DEPTH)
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for which, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, int(seconds) + 2)):
        _, hard = resource.getrlimit(which)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(which, (most, hard))


def end_with(parent: int) -> None:
    """End this process when its parent has ended, however that came about: another one has adopted it."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)


def answers(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Verdicts as JSON data, each knowing more than the one before."""
    from gradcli.verify.derivation import Derivation

    started = time.monotonic()
    bodies = [(name, decoded(columns, [])) for name, columns in request["gates"]]
    graph = decoded(request, [gate(name, body) for name, body in bodies], request["labels"], request["names"])
    derivation = Derivation(
        graph,
        request["values"],
        request["adjoints"],
        upstream=request["upstream"],
        digits=request["digits"],
        asked=request["asked"],
        rooms=None if request["rooms"] is None else dict(request["rooms"]),
        forms=request["forms"],
        deadline=started + 0.8 * request["seconds"],
    )
    yield from derivation.verdicts()


def decoded(
    columns: dict[str, Any], gates: list[Op], labels: list[int] | None = None, names: list[str] | None = None
) -> Graph:
    """The graph of its columns."""
    numbers = {i: Literal(value, text) for i, value, text in columns["numbers"]}
    inputs = dict(columns["inputs"])
    leaves = {**dict.fromkeys(numbers, CONSTANT), **dict.fromkeys(inputs.values(), INPUT)}

    def op(i: int, word: Any) -> Op:
        if word is None:
            return leaves[i]
        if isinstance(word, str):
            return TABLE[word]
        return gates[word] if isinstance(word, int) else TABLE[word[0]].bind(**word[1])

    graph = Graph(
        ops=[op(i, word) for i, word in enumerate(columns["ops"])],
        parents=[tuple(parents) for parents in columns["parents"]],
        spans=(),
        numbers=numbers,
        inputs=inputs,
        labels={i: (names or [])[i] for i in labels or ()},
        output=columns["output"],
    )
    if names is not None:
        graph.__dict__["names"] = names
    return graph


def gate(name: str, body: Graph) -> Op:
    """A user's gate: its definition alone, for sympy to differentiate."""
    rules = (lambda m, y, *x: None,) * len(body.inputs)
    return Op(name, tuple(body.inputs), lambda m, *x: body.run(m, x), rules, body=body)


class _Unloaded(ModuleType):
    """A module that is loaded when more of it is wanted than the class that sums of numbers never are.

    sympy's Add looks for tensors among its terms, and takes 30 ms to load what they are.
    """

    TensExpr = type("TensExpr", (), {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(self.__name__, None)
        return getattr(import_module(self.__name__), name)


def main() -> None:
    """Load sympy, read, answer."""
    limit(float(sys.argv[1]))
    sys.modules["sympy.tensor.tensor"] = _Unloaded("sympy.tensor.tensor")
    gc.disable()  # loading sympy makes much and throws away nothing
    import gradcli.verify.derivation  # noqa: F401 - loads sympy while the parent is still reading

    gc.freeze()
    gc.enable()
    question = sys.stdin.buffer.read()
    try:
        for answer in answers(json.loads(question)) if question else ():
            sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
            sys.stdout.buffer.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
