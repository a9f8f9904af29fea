"""The proof of an equality, the parent's side: sympy simplifies the difference in a child process.

One child serves many formulas, a line of JSON each, and is killed when one takes too long: the next gets another
child. What sympy does not simplify to 0 is not proved, and never wrong.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from gradcli.homework.records import Answer

if TYPE_CHECKING:
    import subprocess
    from queue import Queue

    from gradcli.homework.formulas.enclosing import Plan
    from gradcli.ops.op import Op

WORKER = "gradcli.homework.formulas.simplifying"

EACH, ALL = 2.0, 8.0
"""Seconds that sympy may take for a formula, and for all formulas of a check."""

START = 6.0
"""Seconds until sympy must be loaded."""

MOST_OPS = 300
"""Ops, of both sides together, that sympy is asked about."""


NAME = re.compile(r"(?<![0-9.])[^\W\d]")
"""A letter that is not the exponent of a number."""


class Prover:
    """A child process in which sympy answers questions, started when there is one.

    A context manager; every way out ends the child.
    """

    def __init__(self, budget: float = ALL) -> None:
        self.left = budget
        self.process: subprocess.Popen[bytes] | None = None
        self.lines: Queue[bytes] | None = None
        self.ready = self.broken = False

    def start(self) -> None:
        """Start the child, so that loading sympy overlaps with what is done meanwhile."""
        if self.process is not None or self.broken or not sys.executable:
            return
        import subprocess
        from queue import Queue
        from threading import Thread

        command = [sys.executable, "-P", "-m", WORKER, f"{START + self.left:g}"]
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - entries may be archives
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        environment.pop("PYTHONINSPECT", None)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
        except (OSError, ValueError):
            self.broken = True
            return
        self.lines, self.ready = Queue(), False
        Thread(target=_pass_on, args=(self.process, self.lines), daemon=True).start()

    def simplifies(self, question: dict[str, Any]) -> bool:
        """Whether sympy simplifies a difference to 0; False also where it did not finish."""
        if self.left <= 0:
            return False
        self.start()
        process = self.process
        if process is None or process.stdin is None:
            return False
        if not self.ready:
            self.ready = self.answer(START) is not None
            if not self.ready:
                self.broken = True
                return False
        import json

        started = time.monotonic()
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            self.close()
            return False
        answer = self.answer(min(EACH, self.left))
        self.left -= time.monotonic() - started
        return answer is not None and answer.get("zero") is True

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """The child's next line; None, and the child's end, where none comes in time."""
        import json
        from queue import Empty

        with suppress(Empty, ValueError):
            if self.lines is None:
                return None
            answer = json.loads(self.lines.get(timeout=seconds))
            if isinstance(answer, dict):
                return answer
        self.close()
        return None

    def close(self) -> None:
        """End the child, whatever it is doing."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(OSError):
            process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()

    def __enter__(self) -> Prover:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _pass_on(process: subprocess.Popen[bytes], lines: Queue[bytes]) -> None:
    """Hand over what the child writes, and at its end an empty line, which is no answer."""
    with suppress(OSError, ValueError):
        for line in process.stdout or ():
            lines.put(line)
    lines.put(b"")


_OPEN: ContextVar[Prover | None] = ContextVar("prover", default=None)


@contextmanager
def prover(*, early: bool = False, budget: float = ALL) -> Iterator[Prover]:
    """One child process for all formulas that are compared meanwhile; an outer one serves an inner one too.

    early: start it at once, for there are formulas.   budget: seconds that all of them may take together.
    """
    outer = _OPEN.get()
    if outer is not None:
        yield outer
        return
    with Prover(budget) as own:
        token = _OPEN.set(own)
        try:
            if early:
                own.start()
            yield own
        finally:
            _OPEN.reset(token)


def likely(answers: Iterable[Answer]) -> bool:
    """Whether one of the answers looks like a formula, so that a proof may be wanted."""
    return any(answer.value is None and NAME.search(answer.text) for answer in answers)


def proved(plan: Plan) -> bool:
    """Whether sympy simplifies the difference of a formula and the right one to 0."""
    if plan.size > MOST_OPS:
        return False
    with prover() as asked:
        return asked.simplifies(request(plan))


def request(plan: Plan) -> dict[str, Any]:
    """What the child needs to know, as JSON data."""
    from gradcli.verify.symbolic import encoded

    bound, cell = plan.bound, plan.cell
    gates: dict[Op, int] = {}
    question, formula = encoded(plan.graph, gates), encoded(bound.graph, gates)
    return {
        "question": question,
        "formula": formula,
        "gates": [[op.name, encoded(op.body, {})] for op in gates],
        "nodes": list(bound.nodes.items()),
        "gradients": list(bound.gradients.items()),
        "dout": bound.upstream,
        "upstream": plan.upstream,
        "cell": [cell.kind, list(cell.nodes), cell.k],
        "seconds": EACH,
    }
