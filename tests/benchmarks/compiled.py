"""`gradcli.compile` in one process, against NumPy by hand, JAX and Python by hand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.benchmarks.measure import Bench, pairs
from tests.benchmarks.rows import Row, by_turns

WARM = (
    ("  its last arrays written over (reuse=True)", "reused", "NumPy", 0.7),
    ("  new arrays for the results", "fresh", "NumPy", 0.7),
    ("  reused, against jit that is compiled already", "reused", "JAX", 1.0),
    ("  new arrays, against the same", "fresh", "JAX", 1.0),
    ("  engine=numba, reused", "numba", "JAX", 0.6),
    ("  engine=numba, new arrays", "numba fresh", "JAX", 0.6),
)


def compiled(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """The neuron's value and five gradients at 10^6 points; at one; and the first time of all."""
    runs, _ = pairs(partial(bench.inside, "points.py", "warm", "9" if quick else "21"), None, 1 if quick else 5)
    yield Row("compile: the neuron, 1,000,000 points, in process", "")
    for work, ours, peer, most in WARM:
        if ours not in runs[0] or peer not in runs[0]:
            missing = " and ".join(name for name in (ours, peer) if name not in runs[0])
            yield Row(work, "", f"no {missing} here")
        else:
            yield by_turns(work, runs, peer, most, ours=ours)
    runs, _ = pairs(partial(bench.inside, "points.py", "first", "1"), None, 2 if quick else 7)
    if "JAX" in runs[0]:
        yield by_turns("  from the formula on, with what is compiled", runs, "JAX", 0.3)
    else:
        yield Row("  from the formula on, with what is compiled", "", "no JAX here")
    runs, _ = pairs(partial(bench.inside, "points.py", "single", "31"), None, 1 if quick else 5)
    yield by_turns("  one point, floats", runs, "Python")
    yield by_turns("  one point, against value_and_grad of a graph", runs, "engine")
