"""Exported code, run where it belongs: what the tests of `gradcli export` share."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from functools import cache
from math import isclose, isfinite, isnan
from pathlib import Path
from typing import Any

import pytest

from gradcli.export.exported import Exported
from gradcli.export.targets import module
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.syntax import parse
from gradcli.systems.source import Unspelled
from tests.test_source import AWKWARD, EXAMPLES, points, scalar, whole

Case = tuple[Graph, list[tuple[float, ...]]]

ROWS = [op for op in TABLE.values() if not op.structural]

PYTHON = """
import json, sys
import numpy as np
cases = json.load(sys.stdin)
results = []
for text, columns in cases:
    space = {"__name__": "exported"}
    exec(text, space)
    with np.errstate(all="ignore"):
        results.append(SHAPED(space["value_and_grad"], [np.array(column, dtype=float) for column in columns]))
json.dump(results, sys.stdout)
"""

SHAPED = """
def SHAPED(function, columns):
    value, gradients = function(*columns)
    results = [np.asarray(each, dtype=float) for each in (value, *gradients.values())]
    return [np.broadcast_to(each, columns[0].shape).tolist() for each in results]
"""

JAX = """
import os
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
import contextlib, io, json, sys
import jax
import numpy as np
programs, numbers, tensors = json.load(sys.stdin)
printed = []
for text in programs:
    jax.config.update("jax_enable_x64", False)  # as it is before the program asks for doubles
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(text, {"__name__": "__main__"})
    printed.append(out.getvalue())
jax.config.update("jax_enable_x64", True)
functions, columns = [], []
for text, column in numbers + tensors:
    space = {"__name__": "exported"}
    exec(text, space)
    functions.append(space["value_and_grad"])
    columns.append([np.array(values, dtype=float) for values in column])
names = []
def together(columns):
    names[:], found = [], []
    for function, column in zip(functions, columns):
        value, gradients = function(*column)
        names.append(list(gradients))
        found.append([value, *gradients.values()])  # jit sorts a dictionary
    return found
every = [[np.asarray(each, dtype=float) for each in found] for found in jax.jit(together)(columns)]
points = [
    [np.broadcast_to(each, column[0].shape).tolist() for each in found]
    for found, column in zip(every[: len(numbers)], columns)
]
arrays = [
    (float(value), dict(zip(keys, [each.tolist() for each in gradients])))
    for (value, *gradients), keys in zip(every[len(numbers) :], names[len(numbers) :])
]
json.dump([printed, points, arrays], sys.stdout)
"""
"""All that is asked of JAX, in one process; all functions compiled as one, which takes a fraction of the time."""

FRAMES = """
import polars as pl
def SHAPED(function, columns):
    found = function(pl.DataFrame({name: column for name, column in zip(NAMES.pop(0), columns)}))
    return [column.cast(pl.Float64).to_list() for column in found]
"""


def exported(graph: Graph, values: dict[str, Any] | None = None, **wishes: Any) -> Exported:
    """A graph to be exported, all gradients."""
    return Exported(graph.source, graph, tuple(graph.inputs), values or {}, **wishes)


CODE: dict[tuple[str, str, tuple[str, ...]], str | Unspelled] = {}


def code_of(target: str, graph: Graph) -> str:
    """A graph as the code of a target, written once.

    Errors: Unspelled.
    """
    key = target, graph.source, tuple(graph.inputs)
    if key not in CODE:
        try:
            CODE[key] = module(target).written(exported(graph))
        except Unspelled as error:
            CODE[key] = error
    found = CODE[key]
    if isinstance(found, Unspelled):
        raise found
    return found


@cache
def spelled(target: str) -> tuple[list[Case], set[str]]:
    """Every row that a target can write, with its points, and the names of the others."""
    cases, lacking = [], set()
    for op in ROWS:
        graph = whole(op)
        try:
            code_of(target, graph)
        except Unspelled:
            lacking.add(op.name)
        else:
            cases.append((graph, points(op, len(graph.inputs))))
    return cases, lacking


COMPUTED: dict[tuple[str, tuple[str, ...], str], list[float]] = {}


def by_the_engine(graph: Graph, x: tuple[float, ...]) -> list[float]:
    """The value and the gradients from the engine."""
    key = graph.source, tuple(graph.inputs), repr(x)
    if key not in COMPUTED:
        gradients = graph.forward(dict(zip(graph.inputs, x, strict=True))).backward()
        COMPUTED[key] = [gradients.trace.value, *(gradients[name] for name in graph.inputs)]
    return COMPUTED[key]


def in_python(target: str, cases: list[Case]) -> list[list[list[float]]]:
    """What a Python target computes, on whole columns: for each case, for each result, a number a point."""
    sent = [(code_of(target, graph), list(zip(*at, strict=True))) for graph, at in cases]
    names = [list(graph.inputs) for graph, _ in cases]
    text = f"NAMES = {names!r}\n{FRAMES}{PYTHON}" if target == "polars" else SHAPED + PYTHON
    found: list[list[list[float]]] = answered(text, sent)
    return found


Tensors = list[tuple[float, dict[str, Any]]]
"""The value and the gradients of each of several functions of tensors."""


def in_jax(
    programs: list[str], cases: list[Case], tensors: list[list[Any]]
) -> tuple[list[str], list[list[list[float]]], Tensors]:
    """What programs print, what functions compute at the points of each case, and what functions of tensors compute."""
    sent = [(code_of("jax", graph), list(zip(*at, strict=True))) for graph, at in cases]
    printed, points, arrays = answered(JAX, [programs, sent, [[text, values] for text, *values in tensors]])
    return printed, points, arrays


def answered(text: str, sent: Any) -> Any:
    """What a Python program answers, from JSON to JSON."""
    done = subprocess.run(
        [sys.executable, "-c", text], input=json.dumps(sent), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def differences(cases: list[Case], found: list[list[list[float]]], digits: float) -> list[str]:
    """Where a result is not the engine's."""
    wrong = []
    for (graph, at), results in zip(cases, found, strict=True):
        for k, x in enumerate(at):
            for name, column, expected in zip(("value", *graph.inputs), results, by_the_engine(graph, x), strict=True):
                got = column[k]
                if not same(got, expected, digits):
                    wrong.append(f"{graph.source} at {x}: {name} is {got!r}, and not {expected!r}")
    return wrong


def same(got: float | None, expected: float, digits: float) -> bool:
    """Whether a number is the one expected; NULL is SQL's for one that is not finite."""
    if got is None:
        return not isfinite(expected)
    return isclose(got, expected, rel_tol=digits, abs_tol=1e-300) or (isnan(got) and isnan(expected))


KNOTTY = [
    ("where(x>0, 2, 3)^-1*y + where(y>0, 3, 2)^70", (1.0, -2.0)),  # no whole numbers
    ("where((2>x)<=0, x, (x<1)<(y>0))*y", (1.0, 2.0)),  # truths as numbers
    ("where(leaky_relu(y)>x, y, 1)*where((x>0)*(y>0)+(x<-1), x, y)", (1.0, 2.0)),
    ("where(x, y, -y) + (x>0) - (y>x)*(x!=1)", (0.0, 2.0)),
    ("-(-x)-(-y)*(-x)/(-y)-(-3)", (1.5, -2.0)),
    ("x-(y-(x-1))-x/(y/x)/(-y)*2^-x", (1.5, -2.0)),
    ("(-x)^2 + -x^2 + (x^y)^2 + x^y^2", (1.5, 2.0)),
    ("abs(-x)*sqrt(abs(-(x*y))) + max(-x, -1, y) - min(-2, -x)", (1.5, -2.0)),
    ("(x<y)*(y<3)*(x<2)*(y>1)*x*y", (1.5, 2.0)),
    ("relu(x*where(y>0, x, 1)) + hinge(x, -1)*clip(y, -2, -1)", (1.5, 2.0)),
]
"""Where signs, parentheses, truths and whole numbers could go wrong."""


@cache
def formulas(part: int) -> list[Case]:
    """The examples of numbers, what is awkward, and a fifth of the published formulas: the part 0 to 4."""
    chance = random.Random(5)  # noqa: S311 - numbers to try, not secrets
    cases = [case for case in map(scalar, EXAMPLES) if case is not None]
    cases += [
        (parse(text), [at, *[tuple(chance.gauss(0, 2) for _ in at) for _ in range(20)]])
        for text, at in AWKWARD + KNOTTY
    ]
    lines = [
        line
        for name in ("feynman", "formulas")
        for line in (Path(__file__).parent / "cases" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    for line in lines[part::5]:
        case = json.loads(line)
        graph = parse(case["expr"], given=case["vars"])
        cases.append((graph, [tuple(float(case["vars"][name]) for name in graph.inputs)]))
    return [case for case in cases if case[0].inputs]


HELPERS = ("larger", "smaller", "sign", "normal_cdf")
"""What an exported C file may define beside its function."""

LOOP = """
  for (int i = 0; i < {count}; i++) {{
    static const double at[][{width}] = {{{points}}};
    double grad[{width}];
    printf("%.17g", f{k}({arguments}, grad));
    for (int j = 0; j < {width}; j++) printf(" %.17g", grad[j]);
    printf("\\n");
  }}"""


def c_number(value: float) -> str:
    """A double in C, digit by digit."""
    return value.hex() if isfinite(value) else "NAN" if isnan(value) else "-INFINITY" if value < 0 else "INFINITY"


def in_c(cases: list[Case], folder: Path) -> list[list[list[float]]]:
    """What the compiled functions compute: for each case, for each result, a number a point."""
    texts, loops = ["#include <stdio.h>"], []
    for k, (graph, at) in enumerate(cases):
        text = code_of("c", graph).replace("value_and_grad(", f"f{k}(")
        renamed = [f"#define {word} {word}_{k}\n" for word in HELPERS]
        texts.append("".join(renamed) + text + "\n" + "".join(f"#undef {word}\n" for word in HELPERS))
        width = len(graph.inputs)
        points = ", ".join(f"{{{', '.join(map(c_number, x))}}}" for x in at)
        arguments = ", ".join(f"at[i][{j}]" for j in range(width))
        loops.append(LOOP.format(count=len(at), width=width, points=points, k=k, arguments=arguments))
    (folder / "all.c").write_text(
        "\n".join([*texts, "int main(void)\n{", *loops, "  return 0;\n}\n"]), encoding="utf-8"
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run(["cc", *flags, "all.c", "-o", "all", "-lm"], cwd=folder, check=True)
    lines = subprocess.run([str(folder / "all")], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = iter([[float(number) for number in line.split()] for line in lines])
    return [[list(column) for column in zip(*(next(rows) for _ in at), strict=True)] for _, at in cases]


MODULES = """
import { readFileSync } from "node:fs";
const number = (n) => typeof n === "string" ? Number(n.replace("inf", "Infinity")) : n;
const shown = (n) => Number.isFinite(n) ? n : String(n);
const results = [];
for (const [text, points] of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const { valueAndGrad } = await import("data:text/javascript," + encodeURIComponent(text));
  results.push(points.map((x) => {
    const { value, gradients } = valueAndGrad(...x.map(number));
    return [value, ...Object.values(gradients)].map(shown);
  }));
}
console.log(JSON.stringify(results));
"""


def in_node(cases: list[Case], folder: Path) -> list[list[list[float]]]:
    """What node computes: for each case, for each result, a number a point."""
    sent = [(code_of("javascript", graph), [[*map(sendable, x)] for x in at]) for graph, at in cases]
    (folder / "run.mjs").write_text(MODULES, encoding="utf-8")
    (folder / "cases.json").write_text(json.dumps(sent), encoding="utf-8")
    done = subprocess.run(["node", "run.mjs", "cases.json"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout, parse_constant=pytest.fail)
    return [[[float(n) for n in column] for column in zip(*case, strict=True)] for case in rows]


def sendable(value: float) -> float | str:
    """A number, or the text of one that JSON has not."""
    return value if isfinite(value) else str(value)


def in_duckdb(cases: list[Case]) -> list[list[list[float | None]]]:
    """What DuckDB computes on a table of the points: for each case, for each result, a number or NULL a point."""
    import duckdb

    found = []
    connection = duckdb.connect()
    for graph, at in cases:
        columns = ", ".join(f'"{name}" DOUBLE' for name in graph.inputs)
        connection.execute(f"CREATE OR REPLACE TABLE points ({columns})")
        row = f"({', '.join('?' * len(graph.inputs))})"
        numbers = [number for x in at for number in x]
        connection.execute(f"INSERT INTO points VALUES {', '.join([row] * len(at))}", numbers)  # noqa: S608 - marks
        rows = connection.execute(code_of("sql", graph)).fetchall()
        width = len(graph.inputs)
        assert [tuple(row[:width]) for row in rows] == [tuple(x) for x in at]
        found.append([list(column) for column in zip(*rows, strict=True)][width:])
    return found


TENSORS = """
import json, sys
import numpy as np
results = []
for text, *values in json.load(sys.stdin):
    space = {"__name__": "exported"}
    exec(text, space)
    value, gradients = space["value_and_grad"](*map(np.array, values))
    results.append([float(value), {name: np.asarray(each).tolist() for name, each in gradients.items()}])
json.dump(results, sys.stdout)
"""


def of_arrays(sent: list[list[Any]]) -> Tensors:
    """What NumPy's functions of tensors compute: for each text and its values."""
    found: Tensors = answered(TENSORS, sent)
    return found
