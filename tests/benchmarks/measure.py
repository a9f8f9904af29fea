"""Timing: fresh processes, ours and the peer's by turns, medians, and ratios pair by pair.

A machine that is busy for a while slows both halves of a pair, so that their ratio stands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
LONGEST = 600.0
"""Seconds after which a process is given up."""

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""By which NumPy and PyTorch are held to one thread, ours and the peers' alike."""

Times = Mapping[str, float]
"""What one run measured: name → seconds (or MiB)."""


class Failed(Exception):
    """A process that did not do its work, and what it said."""


class Bench:
    """Where the processes run: a folder of its own, where an installed gradcli is found before this tree."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **dict.fromkeys(THREADS, "1")}
        self.environment.pop("COLUMNS", None)
        self.environment["PYTHONPATH"] = os.pathsep.join(
            str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry
        )
        if not self.importable("gradcli"):
            self.environment["PYTHONPATH"] += os.pathsep + str(HERE.parents[1])

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()

    def importable(self, package: str) -> bool:
        """Whether the processes can import a package."""
        code = f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"
        return self.process("-c", code).returncode == 0

    def says(self, code: str) -> str:
        """What a line of Python prints."""
        return self.process("-c", code).stdout.decode().strip()

    def process(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """A Python process from start to end."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder.name,
            env=self.environment,
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )

    def whole(self, *words: str) -> Times:
        """Seconds of a whole Python process, from before its start until after its end."""
        begun = perf_counter()
        done = self.process(*words)
        seconds = perf_counter() - begun
        if done.returncode:
            raise Failed(last_line(done.stderr))
        return {"seconds": seconds}

    def inside(self, script: str, *words: str) -> Times:
        """What a script of this folder measures by itself, in a fresh process."""
        done = self.process(str(HERE / script), *words)
        if done.returncode:
            raise Failed(last_line(done.stderr) or f"signal {-done.returncode}")
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def until(self, mark: bytes, *words: str) -> Times:
        """Seconds until the line with a mark has been written, and until the process has ended."""
        begun = perf_counter()
        seen, marked = b"", None
        with subprocess.Popen(
            [sys.executable, *words], cwd=self.folder.name, env=self.environment, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            while chunk := os.read(process.stdout.fileno(), 1 << 16):
                seen += chunk
                if marked is None and mark in seen and b"\n" in seen[seen.index(mark) :]:
                    marked = perf_counter() - begun
                    early = seen
        if process.returncode or marked is None:
            raise Failed(f"exit status {process.returncode}")
        return {"screen": marked, "finished": perf_counter() - begun, "apart": float(early != seen)}


def pairs(ours: Callable[[], Times], peer: Callable[[], Times] | None, repeats: int) -> tuple[list[Times], list[Times]]:
    """Runs of both by turns, the first alternating. The very first pair warms the disk and is dropped."""
    found: tuple[list[Times], list[Times]] = ([], [])
    for turn in range(repeats + 1):
        sides = [(0, ours), (1, peer)]
        for side, run in sides if turn % 2 else sides[::-1]:
            if run is not None:
                times = run()
                if turn:
                    found[side].append(times)
    return found


def middle(runs: Sequence[Times], name: str = "seconds") -> float:
    """The median of what was measured."""
    return median(run[name] for run in runs)


def ratio(ours: Sequence[Times], peer: Sequence[Times], name: str = "seconds", of: str = "seconds") -> float:
    """The median of the ratios pair by pair."""
    return median(a[name] / b[of] for a, b in zip(ours, peer, strict=True))


def last_line(output: bytes) -> str:
    """What a process said last."""
    lines: list[Any] = output.decode(errors="replace").strip().splitlines()
    return str(lines[-1])[:100] if lines else ""
