"""The neuron's value and five gradients at many points in one process, ours and the peers' by turns: `points.py NAME`.

Seconds on the clock, not of the CPU, as all may use every core. The answers of all are compared first. Prints JSON.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

import gradcli

Work = Callable[[], Any]
Columns = list[Any]

FORMULA = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
POINTS = 10**6


def columns(points: int = POINTS) -> Columns:
    """A value of every variable at each point."""
    random = np.random.default_rng(0)
    return [random.normal(size=points) for _ in range(5)]


def by_hand(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> tuple[Any, ...]:
    """What somebody who knows NumPy writes, the derivative derived by hand."""
    f = 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))
    g = f * (1 - f)
    return f, g * x0, g * w0, g * x1, g * w1, g


def jitted() -> Callable[..., Any]:
    """The same by JAX: value_and_grad of the formula, over all points, in double precision."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
        return 1 / (1 + jnp.exp(-(w0 * x0 + w1 * x1 + w2)))

    run = jax.jit(jax.vmap(jax.value_and_grad(neuron, argnums=(0, 1, 2, 3, 4))))
    return lambda *given: jax.block_until_ready(run(*given))


def by_turns(rounds: int, works: dict[str, Work], clock: Callable[[], float] = perf_counter) -> dict[str, float]:
    """Median seconds of each work, measured by turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    gc.disable()
    for turn in range(rounds + 2):
        for name, work in works.items():
            begun = clock()
            work()
            if turn >= 2:
                taken[name].append(clock() - begun)
    return {name: median(times) for name, times in taken.items()}


def same(name: str, found: Any, wanted: Any) -> None:
    """End with what is wrong, if two answers differ."""
    value, gradients = found
    flat = [value, *(gradients.values() if isinstance(gradients, dict) else gradients)]
    for one, other in zip(flat, wanted, strict=True):
        if not np.allclose(one, other, rtol=1e-9, atol=1e-14):
            sys.exit(f"{name}: the answers differ")


def warm(rounds: int) -> dict[str, float]:
    """Many calls: NumPy by hand, ours with new arrays and with the last ones, and whatever else is installed."""
    given = columns()
    wanted = by_hand(*given)
    fresh, reused = gradcli.compile(FORMULA), gradcli.compile(FORMULA, reuse=True)
    works: dict[str, Work] = {
        "NumPy": lambda: by_hand(*given),
        "fresh": lambda: fresh(*given),
        "reused": lambda: reused(*given),
    }
    same("fresh", fresh(*given), wanted)
    same("reused", reused(*given), wanted)
    if find_spec("numba"):
        machine = gradcli.compile(FORMULA, engine="numba")
        again = gradcli.compile(FORMULA, engine="numba", reuse=True)
        same("numba", machine(*given), wanted)
        works |= {"numba fresh": lambda: machine(*given), "numba": lambda: again(*given)}
    if find_spec("jax"):
        import jax

        run = jitted()
        held = [jax.device_put(column) for column in given]
        same("JAX", run(*held), wanted)
        works |= {"JAX": lambda: run(*held), "JAX, NumPy arrays": lambda: run(*given)}
    found = by_turns(rounds, works)
    if "JAX" in found:
        found["JAX"] = min(found["JAX"], found["JAX, NumPy arrays"])
    return found


def first(_rounds: int) -> dict[str, float]:
    """From the formula to its results once, with whatever is compiled on the way; imports are done before."""
    given, found = columns(), {}
    begun = perf_counter()
    gradcli.compile(FORMULA)(*columns(1))  # our modules are loaded with the first formula
    gradcli.compile("x*y")(1.0, 2.0)
    found["loading"] = perf_counter() - begun
    begun = perf_counter()
    gradcli.compile(FORMULA)(*given)
    found["ours"] = perf_counter() - begun
    if find_spec("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)
        held = [jax.device_put(column) for column in given]
        jax.block_until_ready(jax.jit(lambda x: x + 1)(held[0]))
        begun = perf_counter()
        jitted()(*held)
        found["JAX"] = perf_counter() - begun
    return found


def single(rounds: int) -> dict[str, float]:
    """One point at a time, floats in and out, in CPU seconds: against value_and_grad of a graph, and Python by hand."""
    import math

    at = (2.0, -1.0, -3.0, -2.0, -3.0)

    def hand(w0: float, x0: float, w1: float, x1: float, w2: float) -> tuple[float, dict[str, float]]:
        f = 1 / (1 + math.exp(-(w0 * x0 + w1 * x1 + w2)))
        g = f * (1 - f)
        return f, {"w0": g * x0, "x0": g * w0, "w1": g * x1, "x1": g * w1, "w2": g}

    f, graph = gradcli.compile(FORMULA), gradcli.parse(FORMULA)
    names = dict(zip(f.variables, at, strict=True))

    def many(work: Work) -> Work:
        def repeated() -> None:
            for _ in range(2000):
                work()

        return repeated

    works = {
        "ours": lambda: f(*at),
        "Python": lambda: hand(*at),
        "engine": lambda: gradcli.value_and_grad(graph, names),
    }
    taken = by_turns(rounds, {name: many(work) for name, work in works.items()}, process_time)
    return {name: seconds / 2000 for name, seconds in taken.items()}


WORKS = {"warm": warm, "first": first, "single": single}

if __name__ == "__main__":
    print(json.dumps(WORKS[sys.argv[1]](int(sys.argv[2]))))
