"""The sympy verdict, the parent's side: a child process derives and compares, and is killed when time is up.

The child starts before the text is parsed, so that its `import sympy` overlaps with the parent's work. It
gets one JSON request on its standard input: the graph as columns, the engine's values and gradients. It
answers with lines, each a whole verdict that knows more than the one before; the last complete line counts.
What sympy cannot do is "not checked", never "failed".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from gradcli.autodiff import Gradients
from gradcli.graph import Graph
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.verify import BUDGET, asked_for
from gradcli.verify.verdicts import Kink, ProofVerdict, SympyVerdict

MOST_NODES = 3000
"""Nodes of a graph that is sent to sympy; people write a few hundred at most."""

MOST_ENTRIES, MOST_STEPS = 50, 400
"""Entries of the inputs of a graph of tensors, and ops on single numbers, that sympy is asked to derive."""

MOST_FORMS = 6
"""Entries whose derivatives are shown in closed form."""

WORKER = "gradcli.verify.worker"
TUPLES = ("failures", "unchecked", "notes")


def skipped(reason: str) -> SympyVerdict:
    """The verdict when nothing was checked."""
    return SympyVerdict("skipped", unchecked=(reason,))


class Session:
    """A child process in which sympy waits for one question.

    A context manager; every way out ends the child.
    """

    def __init__(self, process: subprocess.Popen[bytes] | None, budget: float, trouble: str = "") -> None:
        self.process, self.budget, self.trouble = process, budget, trouble
        self.started = time.monotonic()

    @classmethod
    def start(cls, budget: float = BUDGET) -> Session:
        """Start the child at once.

        budget: seconds from now until it is killed.
        """
        command = [sys.executable, "-P", "-m", WORKER, f"{budget:g}"]
        if not sys.executable:
            return cls(None, budget, "there is no Python interpreter to start")
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - entries may be archives
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        environment.pop("PYTHONINSPECT", None)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except (OSError, ValueError) as error:
            return cls(None, budget, f"its process did not start ({error})")
        return cls(process, budget)

    def check(
        self, gradients: Gradients, proof: ProofVerdict | None = None, *, wrt: Collection[str] | None = None
    ) -> SympyVerdict:
        """Ask for the verdict, and end the child.

        proof: its digits say how far floating point can be trusted at this point.
        wrt: the names whose gradients count; None for every variable.
        """
        try:
            return self._check(gradients, proof, wrt)
        finally:
            self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(OSError):
            process.kill()
        with suppress(OSError):
            process.communicate()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _check(self, gradients: Gradients, proof: ProofVerdict | None, wrt: Collection[str] | None) -> SympyVerdict:
        process, graph = self.process, gradients.graph
        if process is None:
            return skipped(self.trouble or "its process has ended")
        nodes = sum(graph.used)
        if max(nodes, len(graph)) > MOST_NODES:
            return skipped(f"{nodes:,} nodes are too many for it")
        tensors = gradients.trace.tensorial
        if tensors:
            reached = out_of_reach(gradients, wrt)
            if reached:
                return skipped(reached)
        left = self.budget - (time.monotonic() - self.started)
        if left <= 0:
            return skipped(f"the {self.budget:g} s for verification ran out")
        question = json.dumps(request(gradients, proof, left, wrt)).encode()
        late = False
        try:
            answer, _ = process.communicate(question, timeout=left)
        except subprocess.TimeoutExpired:
            late = True
            process.kill()
            answer, _ = process.communicate()
        except OSError as error:
            return skipped(f"its process could not be asked ({error})")
        *lines, _ = answer.split(b"\n")
        if lines:
            with suppress(ValueError, KeyError, TypeError):
                return verdict(json.loads(lines[-1]))
            return skipped("its process gave no sensible answer")
        if late:
            return skipped(f"it did not finish within {self.budget:g} s")
        return skipped(f"its process ended without an answer (status {process.returncode})")


def out_of_reach(gradients: Gradients, wrt: Collection[str] | None) -> str:
    """Why a graph of tensors is too large for sympy; empty if it is not."""
    import numpy as np

    from gradcli.verify.unrolled import unroll_graph

    graph, trace = gradients.graph, gradients.trace
    names = [name for name in graph.inputs if wrt is None or name in wrt]
    entries = sum(int(np.size(trace[name])) for name in names if gradients.adjoints[graph.inputs[name]] is not None)
    if entries > MOST_ENTRIES:
        return f"{entries:,} entries are too many for it"
    if sum(int(np.size(value)) for value in trace.values) > MOST_STEPS:
        return "the tensors between are too large for it"
    steps = unroll_graph(graph, trace.shapes)[0].cost
    return f"written out there are {steps:,} ops on single numbers, too many for it" if steps > MOST_STEPS else ""


def request(
    gradients: Gradients, proof: ProofVerdict | None, seconds: float, wrt: Collection[str] | None = None
) -> dict[str, Any]:
    """What the child needs to know, as JSON data."""
    asked = asked_for(gradients.graph, wrt)
    tensors, rooms = gradients.trace.tensorial, None
    if tensors:
        from gradcli.verify.scalars import numbers

        gradients, asked, rooms = numbers(gradients, asked)
    graph = gradients.graph
    gates: dict[Op, int] = {}
    columns = encoded(graph, gates)
    return {
        **columns,
        "gates": [[op.name, encoded(op.body, {})] for op in gates],
        "names": graph.names,
        "labels": sorted(graph.labels),
        "values": gradients.trace.values,
        "adjoints": gradients.adjoints,
        "upstream": gradients.upstream,
        "digits": None if proof is None or (proof.uncounted and not proof.kinks) else proof.digits,
        "seconds": seconds,
        "asked": list(asked),
        "rooms": None if rooms is None else list(rooms.items()),
        "forms": not tensors or sum(asked) <= MOST_FORMS,
    }


def encoded(graph: Graph, gates: dict[Op, int]) -> dict[str, Any]:
    """A graph's structure as JSON data: a row of the table is its name, a user's gate its number."""

    def word(op: Op) -> Any:
        if op.body is not None:
            return gates.setdefault(op, len(gates))
        return [op.name, dict(op.bound)] if op.bound else op.name

    return {
        "ops": [None if op is INPUT or op is CONSTANT else word(op) for op in graph.ops],
        "parents": graph.parents,
        "numbers": [[i, literal.value, literal.text] for i, literal in graph.numbers.items()],
        "inputs": list(graph.inputs.items()),
        "output": graph.output,
    }


def verdict(answer: dict[str, Any]) -> SympyVerdict:
    """The child's answer as a verdict."""
    kinks = tuple(Kink(None, said) for said in answer.get("kinks", ()))
    return SympyVerdict(**{**answer, **{name: tuple(answer[name]) for name in TUPLES}, "kinks": kinks})
