"""One piece of work of gradcli in a fresh process, in CPU seconds: `work.py NAME SIZE` prints JSON."""

from __future__ import annotations

import json
import resource
import sys
from time import process_time

from gradcli import Gradients, parse
from gradcli.verify import verify

Values = dict[str, float]


def linear(nodes: int) -> tuple[str, Values]:
    """x0*0.5+x1*1.5+…: a variable, a product and a sum a term."""
    terms = nodes // 3
    return "+".join(f"x{i}*{i % 10}.5" for i in range(terms)), {f"x{i}": 0.1 * i for i in range(terms)}


MIXED = ("sin", "exp", "tanh", "log", "sqrt", "atan", "cosh", "sigmoid", "log1p", "erf", "cbrt", "softplus")


def mixed(nodes: int) -> tuple[str, Values]:
    """sin(x0)*exp(x1)+tanh(x2)*log(x3)+…: functions in turn, of 100 variables between 0.5 and 1.5."""
    terms = nodes // 4
    text = "+".join(
        f"{MIXED[2 * i % 12]}(x{2 * i % 100})*{MIXED[(2 * i + 1) % 12]}(x{(2 * i + 1) % 100})" for i in range(terms)
    )
    return text, {f"x{i}": 0.5 + i / 100 for i in range(100)}


TEXTS = {"linear": linear, "mixed": mixed}

DEEP = {
    "parentheses": (lambda n: "(" * n + "x" + ")" * n, 0.5, 0.5, 1.0),
    "minuses": (lambda n: "-" * n + "x", 0.5, 0.5, 1.0),
    "powers": (lambda n: "x" + "^x" * n, 1.0, 1.0, 1.0),
    "calls": (lambda n: "sin(" * n + "x" + ")" * n, 0.0, 0.0, 1.0),
}
"""Name → text of a depth, x, and what its value and derivative must be (for an even depth)."""


def differentiate(text: str, values: Values) -> tuple[Gradients, float]:
    """Value and all gradients, and the seconds from the text to them."""
    begun = process_time()
    gradients = parse(text).forward(values).backward()
    return gradients, process_time() - begun


def measured(name: str, size: int) -> dict[str, float]:
    """Do the work; its seconds and, where it is text to gradients, MiB at the peak."""
    if name in DEEP:
        written, x, value, slope = DEEP[name]
        gradients, seconds = differentiate(written(size), {"x": x})
        if (gradients.trace.value, gradients["x"]) != (value, slope):
            sys.exit(f"{name}: {gradients.trace.value}, {gradients['x']}")
        return {"seconds": seconds}
    if name.startswith("proof-"):
        gradients, _ = differentiate(*TEXTS[name.removeprefix("proof-")](size))
        verify(parse("x").forward(x=1).backward(), "proof")  # imports FLINT
        begun = process_time()
        status = verify(gradients, "proof", 60).status
        seconds = process_time() - begun
        if status != "passed":
            sys.exit(f"{name}: {status}")
        return {"seconds": seconds}
    _, seconds = differentiate(*TEXTS[name](size))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return {"seconds": seconds, "MiB": peak}


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
