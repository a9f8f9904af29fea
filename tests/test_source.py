"""Code written from the op table computes what the engine computes."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import gradcli
from gradcli.autodiff import Edge
from gradcli.cli.files import from_files
from gradcli.engines.exact import evaluated
from gradcli.engines.formula import formula
from gradcli.engines.python import function
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.syntax import parse
from gradcli.systems.dialects.python import PYTHON
from gradcli.systems.floats import FLOATS
from gradcli.systems.source import JAVASCRIPT, Unspelled, edges, javascript, kinked

NODE = shutil.which("node")
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.grad"))
DIGITS = 1e-12
LACKING = {"gamma", "lgamma", "digamma", "polygamma", "logaddexp"}
"""What JavaScript has no function for, and what the rows need of it."""

COLUMNS = ("values", "locals", "downs", "grads", "chosen", "kinks")

Case = tuple[Graph, list[tuple[float, ...]]]

RUN = """
const shown = (n) => Number.isFinite(n) ? n : String(n);
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const number = (n) => typeof n === "string" ? Number(n.replace("inf", "Infinity")) : n;
const results = cases.map(([text, points]) => {
  const passes = new Function(text + "return passes;")();
  return points.map((x) => Object.values(passes(x.map(number))).map((column) => column.map(shown)));
});
console.log(JSON.stringify(results));
"""


def in_node(cases: list[Case]) -> list[list[list[list[float]]]]:
    """What node computes: the columns of each case and point."""
    sent = [(javascript(graph), points) for graph, points in cases]
    done = subprocess.run([str(NODE), "-e", RUN], input=json.dumps(sent), capture_output=True, text=True, check=True)
    found: Any = json.loads(done.stdout)
    return [[[[float(n) for n in column] for column in point] for point in case] for case in found]


def by_the_engine(graph: Graph, x: tuple[float, ...]) -> list[list[float]]:
    """The same columns from the engine."""
    gradients = graph.forward(dict(zip(graph.inputs, x, strict=True))).backward()
    values = [float(value) for value in gradients.trace.values]
    found = [Edge(gradients, child, k) for child, k in edges(graph)]
    reached = [gradients.adjoints[edge.child] is not None for edge in found]
    downs = [edge.downstream if there else 0.0 for edge, there in zip(found, reached, strict=True)]
    grads = [float(gradients.at(i)) for i in range(len(graph))]
    kinks = []
    for i in kinked(graph):
        at = graph.ops[i].predicate("kinks")
        assert at is not None
        kinks.append(float(bool(at(FLOATS, *[values[p] for p in graph.parents[i]]))))
    return [values, [edge.local for edge in found], downs, grads, [float(edge.chosen) for edge in found], kinks]


def agree(cases: list[Case]) -> None:
    """Every number of every case is the engine's to 12 digits."""
    for (graph, points), results in zip(cases, in_node(cases), strict=True):
        for x, columns in zip(points, results, strict=True):
            for found, expected, name in zip(columns, by_the_engine(graph, x), COLUMNS, strict=True):
                assert found == pytest.approx(expected, rel=DIGITS, abs=1e-300, nan_ok=True), (graph.source, x, name)


def whole(op: Op) -> Graph:
    """A graph of one op."""
    names = [f"x{k}" for k in range(max(len(op.parameters), 2 if op.variadic else 0))]
    symbol = None if op.notation is None else op.notation.symbol
    if symbol is None:
        return parse(f"{op.called or op.name}({','.join(names)})")
    return parse(f"x0 {symbol} x1" if len(names) == 2 else f"{symbol}x0")


def points(op: Op, count: int) -> list[tuple[float, ...]]:
    """The row's samples of this many inputs, and random points of its domain, small and large."""
    chance = random.Random(op.name)  # noqa: S311
    domain = op.predicate("domain")
    found = [tuple(map(float, at)) for at in op.samples if len(at) == count]
    for _ in range(2000):
        scale = 10.0 ** chance.uniform(-3, 2)
        x = tuple(chance.gauss(0, scale) for _ in range(count))
        x = tuple(float(round(value)) if chance.random() < 0.2 else value for value in x)
        if domain is None or domain(FLOATS, *x):
            found.append(x)
        if len(found) == 60:
            break
    return found


def spelled(op: Op) -> bool:
    """Whether JavaScript can compute the row and its partials."""
    try:
        javascript(whole(op))
    except Unspelled:
        return False
    return True


ROWS = [op for op in TABLE.values() if not op.structural]


def test_what_javascript_lacks_is_said():
    """A row that needs a function JavaScript does not have is refused by that function's name; all others are not."""
    lacking = {op.name for op in ROWS if not spelled(op)}
    assert lacking == LACKING
    with pytest.raises(Unspelled, match="JavaScript has no lgamma"):
        javascript(parse("x*lgamma(x)"))
    assert not {op.name for op in ROWS if JAVASCRIPT.key in op.spelled} & lacking


def test_a_function_of_numbers_alone_is_a_number():
    """What no input changes is worked out beforehand, whatever the language lacks."""
    assert "gamma" not in javascript(parse("x*gamma(1/2)"))


@pytest.mark.skipif(NODE is None, reason="node is not at hand")
def test_every_row_computes_what_the_engine_computes():
    """Values, local, downstream and global gradients of each row, at its samples and at random points."""
    agree([(whole(op), points(op, len(whole(op).inputs))) for op in ROWS if spelled(op)])


@pytest.mark.skipif(NODE is None, reason="node is not at hand")
def test_the_error_function_has_all_its_digits():
    """erf, erfc and Φ, which JavaScript lacks, agree with FLINT to 14 digits, from 0 to far in the tails."""
    from flint import arb, ctx

    chance = random.Random(7)  # noqa: S311 - numbers to try, not secrets
    numbers = [
        0.0,
        1e-300,
        1e-8,
        0.5,
        0.8999,
        0.9,
        1.4999,
        1.5,
        -1.5,
        1.3,
        -1.3,
        -1.2999,
        5.5,
        26.0,
        -26.0,
        36.9,
        -36.9,
    ]
    numbers += [chance.choice((-1, 1)) * chance.uniform(0, end) for end in (0.5, 3, 6, 26) for _ in range(100)]
    names = ("erf(x)", "erfc(x)", "normal_cdf(x)")
    results = in_node([(parse(name), [(x,) for x in numbers]) for name in names])
    before, ctx.prec = ctx.prec, 2000
    try:
        exact = (lambda x: x.erf(), lambda x: x.erfc(), lambda x: (-x / arb(2).sqrt()).erfc() / 2)
        for name, function, columns in zip(names, exact, results, strict=True):
            for x, column in zip(numbers, columns, strict=True):
                expected = float(function(arb(x)))
                assert column[0][-1] == pytest.approx(expected, rel=1e-14, abs=1e-307), (name, x)
    finally:
        ctx.prec = before


def scalar(path: Path) -> Case | None:
    """An example of numbers alone, at its values and at random ones; None for one of tensors."""
    values = from_files([str(path.with_suffix(".toml"))]) if path.with_suffix(".toml").exists() else {}
    graph = parse(path.read_text(encoding="utf-8"), given=values)
    if graph.tensorial or not all(isinstance(values.get(name), float) for name in graph.inputs):
        return None
    chance = random.Random(path.stem)  # noqa: S311
    at = tuple(float(values[name]) for name in graph.inputs)
    return graph, [at, *[tuple(chance.gauss(value, 1) for value in at) for _ in range(20)]]


@pytest.mark.skipif(NODE is None, reason="node is not at hand")
def test_every_example_of_numbers_computes_what_the_engine_computes():
    """The examples at their own values and around them."""
    cases = [case for case in map(scalar, EXAMPLES) if case is not None]
    assert len(cases) > 8
    agree(cases)


@pytest.mark.skipif(NODE is None, reason="node is not at hand")
def test_published_formulas_compute_what_the_engine_computes():
    """The formulas of physics that the engine is tested with."""
    cases: dict[str, Case] = {}
    for name in ("feynman", "formulas"):
        for line in (Path(__file__).parent / "cases" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            graph = parse(case["expr"], given=case["vars"])
            cases[case["expr"]] = graph, [tuple(float(case["vars"][name]) for name in graph.inputs)]
    assert len(cases) >= 20
    agree(list(cases.values()))


AWKWARD = [
    ("max(x,y)*relu(x*y)+log(x)^2", (2.0, -3.0)),
    ("where(x>0, log(x), 0)*y + max(x, y)", (-2.0, 3.0)),
    ("where(x>0, sqrt(x), x^2) + relu(-x)*log(x)", (-2.0,)),
    ("max(x, y, x)*min(x, y)", (2.0, 2.0)),
    ("clip(x*y, -1, 1)/(x-x)", (3.0, 4.0)),
    ("x^y + 0^x + 1^(y/0)", (0.0, 2.0)),
    ("x/0 + y", (1.0, 2.0)),
    ("where(x, 1/x, y)", (0.0, 2.0)),
    ("leaky_relu(x, slope=0.2)*elu(y, alpha=2)", (-1.0, -2.0)),
    ("g(a,b)=relu(a)*b; g(x,y)+g(y,x)", (-1.0, 2.0)),
    ("relu(x)*relu(x*y)+relu(x)", (-1.0, 2.0)),
    ("round(x)+round(y)+floor(x)*ceil(y)", (2.5, -3.5)),
    ("exp(x)*exp(-y)", (1000.0, -1000.0)),
    ("x*2+3", (-0.0,)),
    ("7+0*x", (1e308,)),
]


@pytest.mark.skipif(NODE is None, reason="node is not at hand")
def test_branches_not_taken_poles_and_overflow():
    """An input that an op did not choose gets 0, never 0·nan; poles, overflow, -0 and nan are as in floats."""
    chance = random.Random(5)  # noqa: S311
    agree([(parse(text), [at, *[tuple(chance.gauss(0, 2) for _ in at) for _ in range(20)]]) for text, at in AWKWARD])


def test_tensors_are_refused():
    """Code of numbers cannot run tensors."""
    with pytest.raises(gradcli.errors.UsageError, match="only a graph of scalars"):
        javascript(parse("sum(x@y)"))


def test_nothing_that_the_user_wrote_gets_into_the_code():
    """Names are the code's own."""
    text = javascript(parse("alert = hostile*2; alert/prototype"))
    assert not any(word in text for word in ("alert", "hostile", "prototype"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-(x*(-y/z))", "x0 * (x1 / x2)"),
        ("-(-x)", "x0"),
        ("-(2*-x)", "2.0 * x0"),
        ("-(x/-3)", "x0 / 3.0"),
        ("-(x*y)", "-(x0 * x1)"),
        ("-(x+-y)", "-(x0 + (-x1))"),
    ],
)
def test_signs_that_cancel_are_left_out(text: str, written: str) -> None:
    """Where it is asked for, a sign is cancelled by another one in its product, and the doubles stay the same."""
    given = formula(text, wrt=[])
    coded = given.code(PYTHON, {name: f"x{k}" for k, name in enumerate(given.variables)})
    lines, names = coded.m.written([coded.value], within=60)
    assert (lines[0].partition(" = ")[2] if lines else names[coded.value.index]) == written
    seeded = random.Random(4)  # noqa: S311 - numbers to try, not secrets
    for _ in range(50):
        point = [seeded.choice((0.0, -0.0, seeded.gauss(0, 1))) for _ in given.variables]
        expected = evaluated(given, point)
        if not expected.error:
            assert repr(function(given)(*point)[0]) == repr(float(expected.results[0]))
