"""Print every figure with its peer and its promise."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from tests.benchmarks.batch import batch
from tests.benchmarks.compiled import compiled
from tests.benchmarks.measure import Bench, Failed
from tests.benchmarks.rows import ROWS as ROWS_BEFORE
from tests.benchmarks.rows import Row

ROWS = {**ROWS_BEFORE, "batch": batch, "compiled": compiled}

WIDTHS = (54, 11, 22, 7, 12, 3)
HEADS = ("work", "ours", "peer", "ratio", "promised", "met")

ABOUT = """
import gradcli, platform, typer
from importlib.util import cache_from_source
from pathlib import Path
compiled = "compiled" if Path(cache_from_source(gradcli.__file__)).exists() else "not compiled"
print(f"gradcli {gradcli.__version__} in {Path(gradcli.__file__).parent}, {compiled}")
print(f"typer {typer.__version__}")
"""


def line(cells: tuple[str, ...]) -> str:
    """A line of the table; numbers to the right."""
    padded = [
        cell.ljust(width) if at in (0, 2) else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    return "  ".join(padded).rstrip()


def shown(row: Row) -> str:
    """A row as a line."""
    met = {True: "yes", False: "NO", None: ""}[row.met]
    return line((row.work, row.ours, row.peer, row.ratio, row.promised, met))


def main() -> int:
    """Measure what was asked for, print each row as it is found; 1 if a promise is not met."""
    reader = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    reader.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(ROWS)}; all unless given")
    reader.add_argument("--quick", action="store_true", help="fewer repeats")
    asked = reader.parse_args()
    unknown = [name for name in asked.names if name not in ROWS]
    if unknown:
        reader.error(f"no rows '{unknown[0]}'; there are {', '.join(ROWS)}")
    met = True
    with Bench() as bench:
        print(bench.says(ABOUT))
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
        print(line(HEADS))
        for name in asked.names or ROWS:
            try:
                for row in ROWS[name](bench, quick=asked.quick):
                    print(shown(row), flush=True)
                    met = met and row.met is not False
            except Failed as failure:
                print(f"{name}: {failure}", flush=True)
                met = False
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
