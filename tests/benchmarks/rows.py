"""What is measured: each function yields rows of the table, with the promise beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks.classes import write as write_class
from tests.benchmarks.measure import Bench, Failed, Times, middle, pairs, ratio

NEURON = ["1/(1+exp(-(w0*x0+w1*x1+w2)))", "--w0=2", "--x0=-1", "--w1=-3", "--x1=-2", "--w2=-3"]
ANSWERS = (
    *("value=0.73", "value.n3=4", "value.n6=0.37", "dn7=-0.53", "local.n7.n6=1", "dn6=-0.53", "dn5=-0.20"),
    *("dn4=-0.20", "dn3=-0.20", "dw0=0.20", "dx0=-0.39", "dx1=0.35"),
)
"""Of the neuron: a sign lost at n5, what follows from it, and one more mistake."""

RUN = "import sys; from gradcli.cli import run; run(sys.argv[1:])"
"""A command line whose exit status says nothing."""

FOOT = b"backward needs"
"""In the last line of the table, before any verdict."""

IDLE = """
import typer

app = typer.Typer()

@app.command()
def one(): pass

@app.command()
def two(): pass

if __name__ == "__main__":
    app()
"""
"""A typer application that does nothing: what any command costs."""

PEERS = ("micrograd", "torch")
"""Measured where they are installed."""

ELEMENTWISE = ("add", "mul", "max", "sqrt", "log", "exp", "sin", "tanh", "relu", "sigmoid", "softplus", "silu")


@dataclass(frozen=True)
class Row:
    """A line of the table; an empty text where there is nothing to say."""

    work: str
    ours: str
    peer: str = ""
    ratio: str = ""
    promised: str = ""
    met: bool | None = None


def startup(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """The least that a command costs, against a typer application that does nothing."""
    idle = Path(bench.folder.name) / "idle.py"
    idle.write_text(IDLE, encoding="utf-8")
    ours, peer = pairs(
        partial(bench.whole, "-m", "gradcli", "eval", *NEURON, "--no-verify", "--format", "plain"),
        partial(bench.whole, "-m", "idle", "one"),
        9 if quick else 31,
    )
    yield times("eval --no-verify --format plain, whole process", ours, "idle typer", peer, 1.2)


def verified(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """The table and all verdicts, against importing sympy."""
    ours, peer = pairs(
        partial(bench.until, FOOT, "-m", "gradcli", "eval", *NEURON, "--verify", "all"),
        partial(bench.whole, "-c", "import sympy"),
        5 if quick else 15,
    )
    if not all(run["apart"] for run in ours):
        yield Row("the table is written before its verdicts", "no", promised="yes", met=False)
    yield times("eval, the table is on screen", ours, "import sympy", peer, 0.5, "screen")
    yield times("eval, all verdicts told, whole process", ours, "import sympy", peer, 1.6, "finished")


def check(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """Twelve answers, right, following and wrong ones, against an evaluation without and with its verdicts."""
    ours = partial(bench.whole, "-c", RUN, "check", *NEURON, *(word for each in ANSWERS for word in ("--answer", each)))
    for name, words in {"eval --no-verify": ["--no-verify"], "eval": []}.items():
        runs, peer = pairs(ours, partial(bench.whole, "-c", RUN, "eval", *NEURON, *words), 9 if quick else 31)
        yield times("check of 12 answers with 2 mistakes, whole process", runs, name, peer, 1.5)


def draw(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """The neuron as an SVG, against its table; and a net of 200 nodes."""
    ours, peer = pairs(
        partial(bench.whole, "-m", "gradcli", "draw", *NEURON, "--force", "-o", "neuron.svg"),
        partial(bench.whole, "-m", "gradcli", "eval", *NEURON, "--no-verify"),
        5 if quick else 15,
    )
    yield times("draw the neuron as SVG, whole process", ours, "eval", peer, 3.0)
    net = Path(bench.folder.name) / "net.grad"
    units = [f"h{i} = tanh({'+'.join([f'w{i}{k}*x{k}' for k in range(6)] + [f'b{i}'])})" for i in range(9)]
    net.write_text("\n".join([*units, "+".join(f"v{i}*h{i}" for i in range(9))]), encoding="utf-8")
    names = [f"w{i}{k}" for i in range(9) for k in range(6)] + [f"{c}{i}" for c in "vb" for i in range(9)]
    given = [f"--{name}=0.{at % 9 + 1}" for at, name in enumerate([*names, *(f"x{k}" for k in range(6))])]
    ask = partial(bench.whole, "-m", "gradcli", "draw", "--file", str(net), *given, "--force", "-o", "net.svg")
    yield seconds("  a net of 212 nodes", pairs(ask, None, 2 if quick else 5)[0], 2.0)


def engine(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """From text to all gradients, in the process, against bare loops that do no more; the peers get no text."""
    peers = ["loops", *(name for name in PEERS if bench.importable(name))]
    for nodes, most, repeats in ((10**5, 0.25, 3 if quick else 9), (10**6, 2.0, 2 if quick else 3)):
        work = f"x0*0.5+x1*1.5+… to all gradients, {nodes:,} nodes"
        ask = partial(bench.inside, "work.py", "linear", str(nodes))
        runs, _ = pairs(ask, None, repeats)
        yield seconds(work, runs, most)
        peak = middle(runs, "MiB")
        yield Row("  peak memory of the process", f"{peak:.0f} MiB", promised="<= 300 MiB", met=peak <= 300)
        for name in peers:
            against = f"  against {name}"
            try:
                ours, peer = pairs(ask, partial(bench.inside, "peers.py", name, str(nodes)), repeats)
            except Failed as failure:
                yield Row(against, "", f"failed: {failure}")
            else:
                theirs = f"{name} {middle(peer):.2f} s"
                yield Row(against, f"{middle(ours):.3f} s", theirs, f"{ratio(ours, peer):.2f}")


def depth(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """What recursion would not survive; the answers are checked."""
    for name, size in (("parentheses", 10**6), ("minuses", 10**6), ("powers", 10**5), ("calls", 10**5)):
        work = f"{size:,} nested {name}, text to gradients"
        try:
            found, _ = pairs(partial(bench.inside, "work.py", name, str(size)), None, 1 if quick else 3)
        except Failed as failure:
            yield Row(work, f"{failure}", promised="right answer", met=False)
        else:
            yield Row(work, f"{middle(found):.3f} s", promised="right answer", met=True)


def proof(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """The proof of every value and local gradient, in the process."""
    for name, what, most in (("linear", "that sum", 0.5), ("mixed", "mixed elementary functions", 1.5)):
        work = f"proof of {what}, 100,000 nodes"
        ask = partial(bench.inside, "work.py", f"proof-{name}", str(10**5))
        try:
            found, _ = pairs(ask, None, 2 if quick else 5)
        except Failed as failure:
            yield Row(work, f"{failure}", promised=f"<= {most} s", met=False)
        else:
            yield seconds(work, found, most)


def net(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """A two-layer net, against NumPy written by hand and PyTorch, on one thread."""
    runs, _ = pairs(partial(bench.inside, "tensors.py", "net"), None, 2 if quick else 5)
    work = "net 784-50-10, batch 100, value and all gradients"
    yield by_turns(work, runs, "NumPy", 1.3)
    if "PyTorch" in runs[0]:
        yield by_turns("  against PyTorch", runs, "PyTorch")


def elementwise(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """Ops on 4096 entries: the op alone, as it runs in any graph; and the graph of the op and nothing else."""
    for name in ELEMENTWISE:
        runs, _ = pairs(partial(bench.inside, "tensors.py", name), None, 1 if quick else 3)
        yield by_turns(f"{name} of 4096 entries", runs, "NumPy", 2.0)
    yield by_turns(f"  a graph of {name} alone, from values to its trace", runs, "NumPy", ours="forward")


def hessian(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """All second derivatives, against all first ones."""
    runs, _ = pairs(partial(bench.inside, "tensors.py", "hessian"), None, 1 if quick else 5)
    yield by_turns("Hessian of a function of 50 variables", runs, "gradient", 20.0)


def tensor_proof(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """The proof of every entry, in the process."""
    runs, _ = pairs(partial(bench.inside, "tensors.py", "proof"), None, 1 if quick else 5)
    yield Row("proof of sum(x*x), 100,000 entries", f"{middle(runs, 'ours'):.3f} s")


def grade(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """A class of 1,000 and one of 4,000, five problems each: the time, and the memory of the largest process."""
    peaks = []
    for students in (1000,) if quick else (1000, 4000):
        folder = Path(bench.folder.name) / f"class-{students}"
        folder.mkdir()
        write_class(folder, students)
        found = bench.inside("marking.py", str(folder))
        peaks.append(found["peak"])
        most = 60.0 * students / 1000
        work = f"grade, {students:,} students × 5 problems, whole process"
        yield Row(work, f"{found['seconds']:.1f} s", promised=f"<= {most:g} s", met=found["seconds"] <= most)
        yield Row("  CPU seconds, and the largest process", f"{found['cpu']:.1f} s", f"{found['peak']:.0f} MiB")
    if len(peaks) > 1:
        grown = peaks[1] / peaks[0]
        yield Row("  memory of 4,000 against 1,000", "", "", f"{grown:.2f}", "<= 1.2 x", grown <= 1.2)


def diagnosis(bench: Bench, *, quick: bool) -> Iterator[Row]:
    """Planted mistakes, each at every place of every expression; and right answers that must not be called wrong."""
    ways = [(digits, handed) for digits in ("4", "0") for handed in ("answer", "sheet")]
    runs = [bench.inside("planted.py", digits, handed, "40" if quick else "1") for digits, handed in ways]
    trials, told, first = (sum(run[what] for run in runs) for what in ("trials", "told", "first"))
    work = f"{trials:,} planted mistakes: in the first two, or told to coincide"
    yield Row(work, f"{told / trials:.1%}", promised=">= 95 %", met=told >= 0.95 * trials)
    yield Row("  the very first", f"{first / trials:.1%}")
    found = bench.inside("planted.py", "alarms")
    alarms, right = found["alarms"], found["right"]
    met = alarms == 0 and right >= 5000
    yield Row(f"false alarms on {right:,} right answers", f"{alarms:.0f}", promised="0", met=met)
    yield Row("diagnosis of an answer", f"{middle(runs, 'alone'):.1f} ms")
    yield Row("  of a further one to the same problem", f"{middle(runs, 'again'):.1f} ms")


def by_turns(work: str, runs: list[Times], name: str, most: float | None = None, *, ours: str = "ours") -> Row:
    """A row of what one process measured by turns, ours and a peer's."""
    found = ratio(runs, runs, ours, name)
    promise, met = ("", None) if most is None else (f"<= {most:g} x", found <= most)
    return Row(work, brief(middle(runs, ours)), f"{name} {brief(middle(runs, name))}", f"{found:.2f}", promise, met)


def brief(seconds: float) -> str:
    """A time in the unit that suits it."""
    return f"{1e6 * seconds:.1f} µs" if seconds < 1e-4 else f"{1e3 * seconds:.2f} ms"


def seconds(work: str, runs: list[Times], most: float) -> Row:
    """A row whose promise is a time."""
    found = middle(runs)
    return Row(work, f"{found:.3f} s", promised=f"<= {most} s", met=found <= most)


def times(work: str, ours: list[Times], name: str, peer: list[Times], most: float, *which: str) -> Row:
    """A row whose promise is a ratio. which: the time of ours, where a run has several."""
    found = ratio(ours, peer, *which)
    theirs = f"{name} {1000 * middle(peer):.0f} ms"
    return Row(work, f"{1000 * middle(ours, *which):.0f} ms", theirs, f"{found:.2f}", f"<= {most} x", found <= most)


ROWS = {
    "startup": startup,
    "verified": verified,
    "check": check,
    "draw": draw,
    "engine": engine,
    "depth": depth,
    "proof": proof,
    "net": net,
    "elementwise": elementwise,
    "hessian": hessian,
    "tensor-proof": tensor_proof,
    "diagnosis": diagnosis,
    "grade": grade,
}
