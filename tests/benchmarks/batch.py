"""`gradcli batch` against scripts that do the same, written by hand with the derivatives derived by hand."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

from tests.benchmarks.measure import Bench, Failed, Times, middle, pairs
from tests.benchmarks.rows import Row, times

FORMULA = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
NAMES = ("w0", "x0", "w1", "x1", "w2")
RESULTS = ("value", *(f"grad_{name}" for name in NAMES))

POLARS = """
import sys
import polars as pl

w0, x0, w1, x1, w2 = (pl.col(name) for name in ("w0", "x0", "w1", "x1", "w2"))
(
    pl.scan_csv(sys.argv[1])
    .with_columns(value=1 / (1 + (-(w0 * x0 + w1 * x1 + w2)).exp()))
    .with_columns(slope=pl.col("value") * (1 - pl.col("value")))
    .select(
        "value",
        grad_w0=pl.col("slope") * x0,
        grad_x0=pl.col("slope") * w0,
        grad_w1=pl.col("slope") * x1,
        grad_x1=pl.col("slope") * w1,
        grad_w2="slope",
    )
    .sink_csv(sys.argv[2])
)
"""
"""What somebody who knows Polars writes."""

JAX = """
import sys
import jax
import jax.numpy as jnp
import pyarrow as pa
from pyarrow import csv

jax.config.update("jax_enable_x64", True)

def neuron(w0, x0, w1, x1, w2):
    return 1 / (1 + jnp.exp(-(w0 * x0 + w1 * x1 + w2)))

every = jax.jit(jax.vmap(jax.value_and_grad(neuron, argnums=(0, 1, 2, 3, 4))))
names = ("w0", "x0", "w1", "x1", "w2")
read = csv.read_csv(sys.argv[1])
value, gradients = every(*(read[name].to_numpy() for name in names))
columns = {"value": value, **{f"grad_{name}": gradient for name, gradient in zip(names, gradients)}}
csv.write_csv(pa.table({name: pa.array(column.__array__()) for name, column in columns.items()}), sys.argv[2])
"""

PEAK = """
import resource, runpy, sys
before = resource.getrusage(resource.RUSAGE_CHILDREN)
import subprocess
subprocess.run([sys.executable, "-m", "gradcli", *sys.argv[1:]], check=True)
print('{"MiB": %f}' % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))
"""


def write(path: Path, rows: int, digits: int = 16) -> None:
    """A table of five columns of normal numbers."""
    chance = random.Random(rows)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        print(*NAMES, sep=",", file=file)
        for _ in range(rows):
            print(*(f"{chance.gauss(0, 1):.{digits}g}" for _ in NAMES), sep=",", file=file)


def batch(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """CSV of 10^3 to 10^6 rows, whole processes, against Polars and JAX; memory; a pipe."""
    folder = Path(bench.folder.name)
    scripts = {name: folder / f"by_{name}.py" for name in ("polars", "jax")}
    scripts["polars"].write_text(POLARS, encoding="utf-8")
    scripts["jax"].write_text(JAX, encoding="utf-8")
    for rows, most, repeats in ((10**3, 0.5, 15), (10**4, 0.75, 15), (10**6, 1.2, 7)):
        table = folder / f"rows-{rows}.csv"
        write(table, rows)
        ours = partial(
            bench.whole, "-m", "gradcli", "batch", FORMULA, str(table), "--force", "-o", str(folder / "ours.csv")
        )
        work = f"batch, CSV of {rows:,} rows × 5, whole process"
        for name, promise in (("polars", most), *((("jax", 0.4),) if rows == 10**6 else ())):
            if not bench.importable(name):
                yield Row(work, "", f"{name} is not installed")
                continue
            peer = partial(bench.whole, str(scripts[name]), str(table), str(folder / "theirs.csv"))
            try:
                found = pairs(ours, peer, max(2, repeats // 3) if quick else repeats)
            except Failed as failure:
                yield Row(work, "", f"{name} failed: {failure}")
                continue
            agree(folder / "ours.csv", folder / "theirs.csv")
            yield times(work, found[0], "pyarrow + JAX" if name == "jax" else "Polars", found[1], promise)
    yield from memory(bench, folder, quick=quick)
    yield from piped(bench, quick=quick)


def agree(ours: Path, theirs: Path) -> None:
    """Both files hold the same numbers, to 12 digits, in every hundredth row.

    Errors: Failed.
    """
    with ours.open(encoding="utf-8") as one, theirs.open(encoding="utf-8") as other:
        for at, (mine, yours) in enumerate(zip(one, other, strict=True)):
            if at and at % 100 == 1:
                for a, b in zip(mine.split(",")[: len(RESULTS)], yours.split(","), strict=True):
                    if abs(float(a) - float(b)) > 1e-12 * abs(float(b)) + 1e-300:
                        raise Failed(f"row {at}: {a} is not {b}")


def memory(bench: Bench, folder: Path, *, quick: bool) -> Iterator[Row]:
    """The peak of ten times as many rows."""
    peaks = []
    for rows in (10**5, 10**6) if quick else (10**6, 10**7):
        table = folder / f"short-{rows}.csv"
        write(table, rows, 4)
        script = folder / "peak.py"
        script.write_text(PEAK, encoding="utf-8")
        done = bench.process(str(script), "batch", FORMULA, str(table), "--force", "-o", str(folder / "peak.csv"))
        table.unlink()
        if done.returncode:
            raise Failed(done.stderr.decode(errors="replace")[-100:])
        peaks.append(float(done.stdout.decode().split(":")[1].rstrip("}\n ")))
        yield Row(f"  peak memory at {rows:,} rows", f"{peaks[-1]:.0f} MiB")
    grown = peaks[1] / peaks[0]
    yield Row("  ten times the rows", "", "", f"{grown:.2f}", "<= 1.3 x", grown <= 1.3)


PIPED = "import sys\nfor k in range(100_000):\n    sys.stdout.write(f'{k},2\\n')\n    sys.stdout.flush()\n"
"""A program that writes a row at a time."""


def piped(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """Rows that come one by one: how many in a second of the process's own CPU, and in all."""
    runs: list[Times] = []
    for _ in range(2 if quick else 7):
        begun, used = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        with (
            subprocess.Popen([sys.executable, "-c", PIPED], stdout=subprocess.PIPE) as lines,
            subprocess.Popen(
                [sys.executable, "-m", "gradcli", "batch", "x^2*y", "--no-header", "--columns", "x,y"],
                stdin=lines.stdout,
                stdout=subprocess.DEVNULL,
                env=bench.environment,
                cwd=bench.folder.name,
            ) as ours,
        ):
            if ours.wait():
                raise Failed("the pipe")
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
        runs.append({"seconds": perf_counter() - begun, "cpu": spent})
    found = 1e5 / middle(runs)
    yield Row("100,000 rows from a pipe, a line at a time", f"{found:,.0f} /s", "", "", ">= 100,000 /s", found >= 1e5)
