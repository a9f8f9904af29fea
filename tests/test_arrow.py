"""Formulas over Arrow's record batches, and the Polars expressions behind them, row by row what the engine says."""

from __future__ import annotations

import itertools
import math
import pickle
import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import cloudpickle
import pyarrow as pa
import pytest
from pyarrow import parquet

import gradcli
from gradcli.batch.cells import NoNumber, number
from gradcli.engines import exact
from gradcli.engines.formula import formula
from gradcli.engines.polars import CHUNK, Columns, frame_function
from gradcli.errors import ExpressionError, UsageError
from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems.dialects.polars import LACKING, METHODS, POLARS
from gradcli.systems.source import Unspelled

pl = pytest.importorskip("polars")

ULPS = 8
"""Steps of a double that two libraries' functions may differ by, each being right to a few."""

SPECIAL = (0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, 3.0, -3.0, 1e-8, 700.0, -700.0, 1e300, math.inf, -math.inf, math.nan)

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"

EXPRESSIONS = (
    NEURON,
    "log(x)*y",
    "where(x > 0, log(x), x*y)",
    "max(x, y) - min(x, 2)*clip(y, -1, 1)",
    "s = sigmoid(x*y); s*(1-s) + softplus(x)",
    "x^y",
    "x/y/y",
    "exp(x*300)*y",
    "mish(x) + relu(y)",
    "elu(x) + gelu(y)",
    "x + 2",
    "norm([x, y])",
)


def chance(seed: object) -> random.Random:
    """Numbers to try, the same each time."""
    return random.Random(str(seed))  # noqa: S311 - no secrets


def same(a: float | None, b: float) -> bool:
    """Whether two numbers are one, but for the last digits."""
    if a is None:
        return False
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= ULPS * math.ulp(b)


def call(op: Op) -> str:
    """An op applied to a, b …"""
    names = "abcd"[: len(op.parameters)]
    if op.notation is None:
        return f"{op.called or op.name}({', '.join(names)})"
    return f"{op.notation.symbol}{names}" if len(names) == 1 else f"{names[0]} {op.notation.symbol} {names[1]}"


def points(op: Op) -> list[tuple[float, ...]]:
    """Special values in all places, and the op's own samples."""
    count = len(op.parameters)
    pool = list(itertools.product(SPECIAL, repeat=count)) if count < 3 else []
    chosen = chance(op.name)
    pool += [tuple(chosen.choice(SPECIAL) for _ in range(count)) for _ in range(0 if count < 3 else 200)]
    return pool + [tuple(map(float, sample[:count])) for sample in op.samples if len(sample) >= count]


SCALAR = [op for op in TABLE.values() if op.parameters and not op.structural]


@pytest.mark.parametrize("op", SCALAR, ids=lambda op: op.name)
def test_polars_computes_what_the_engine_does(op: Op) -> None:
    """A row that Polars does not doubt has the engine's value and gradients, also of inf, nan and -0."""
    given = formula(call(op))
    try:
        function = frame_function(given)
    except Unspelled:
        return
    pool = points(op)
    frame = pl.DataFrame({f"x{k}": [point[k] for point in pool] for k in range(len(op.parameters))})
    names = [f"r{k}" for k in range(1 + len(given.wrt))]
    for point, (*found, doubtful) in zip(pool, function(frame).select(*names, "doubtful").rows(), strict=True):
        expected = exact.evaluated(given, point)
        if not doubtful:
            assert not expected.error, (point, expected)
            assert all(map(same, found, expected.results)), (point, found, expected)


def test_every_word_is_spelled_or_lacking() -> None:
    """Polars has no word by chance: each primitive is spelled in so many words, or said to be lacking."""
    words = {op.spelled[POLARS.base] for op in TABLE.values() if POLARS.base in op.spelled}
    assert words == POLARS.own.keys() & words
    assert not METHODS.keys() & {*LACKING}
    assert all(hasattr(pl.Expr, method) for word, method in METHODS.items() if not word.startswith("erf"))


@pytest.mark.parametrize("lazy", [False, True])
def test_a_frame_keeps_its_other_columns(lazy: bool) -> None:
    """Columns of any name stay as they are, those too that are called as ours would be."""
    own = {"v0": ["a", "b", "c"], "_v1": [1, 2, 3], "x": [None, None, "z"], "doubtful": [True, False, None]}
    frame = pl.DataFrame({**own, "a b": [1.0, 2.0, None], "k": [0.0, 1.0, 2.0]})
    function = frame_function(formula("exp(x)*k/(exp(x)+k)"), Columns(["a b", "k"], ["out", "dx", "dk"], "odd"))
    found = function(frame.lazy()).collect() if lazy else function(frame)
    assert found.columns == [*frame.columns, "out", "dx", "dk", "odd"]
    assert found.select(frame.columns).equals(frame)
    assert found["odd"].to_list() == [False, False, True]


def test_a_long_frame_is_a_short_one_many_times() -> None:
    """Frames are worked on in pieces; rows come out as if alone, and in order."""
    chosen = chance(1)
    rows = 2 * CHUNK + 5
    thousand = pl.DataFrame({f"x{k}": [chosen.gauss(0, 1) for _ in range(1000)] for k in range(5)})
    frame = pl.concat([thousand] * (rows // 1000 + 1))[:rows]
    function = frame_function(formula(NEURON))
    found = function(frame)
    assert found.height == rows
    assert found[:1000].equals(found[1000:2000])
    assert found[CHUNK - 3 : CHUNK + 3].equals(function(frame[CHUNK - 3 : CHUNK + 3]))


def table(expression: str, rows: int = 120) -> pa.RecordBatch:
    """A batch with a column for each variable: numbers, gaps, text that is none."""
    chosen = chance(expression)
    pool = [0.0, -1.0, 1.0, 2.0, 1e300]
    columns: dict[str, Any] = {}
    for k, name in enumerate(formula(expression).variables):
        cells = [chosen.choice(pool) if chosen.random() < 0.2 else chosen.gauss(0, 2) for _ in range(rows)]
        gaps = [None if chosen.random() < 0.05 else cell for cell in cells]
        columns[name] = (
            [cell if cell is None else chosen.choice([repr(cell)] * 9 + ["abc"]) for cell in gaps] if k else gaps
        )
    return pa.record_batch(columns)


def expected(expression: str, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """What the engine says, row by row."""
    given = formula(expression)
    names = ["value", *(f"grad_{name}" for name in given.wrt)]
    found = []
    for row in batch.to_pylist():
        error, point = "", []
        for name in given.variables:
            cell = row[name]
            if cell is None:
                error = error or f"{name} is empty"
            elif isinstance(cell, str):
                try:
                    point.append(number(cell))
                except NoNumber as fault:
                    error = error or f"{name} {fault}"
            else:
                point.append(cell)
        results: tuple[Any, ...] = (None,) * len(names)
        if not error:
            results, error = exact.evaluated(given, point)
        found.append({**dict(zip(names, results, strict=True)), "error": error or None})
    return found


def alike(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """The rows are the same, but for the last digits of numbers."""
    assert len(found) == len(wanted)
    for row, (a, b) in enumerate(zip(found, wanted, strict=True)):
        assert a.keys() == b.keys()
        for name, value in a.items():
            other = b[name]
            fine = same(value, other) if isinstance(other, float) else value == other
            assert fine, (row, name, value, other)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_batches_are_what_the_engine_says(expression: str) -> None:
    """Value, gradients and error of every row are those of the engine at its point."""
    batch = table(expression)
    found = gradcli.map_in_arrow(expression).batch(batch)
    alike(found.to_pylist(), expected(expression, batch))


@pytest.mark.parametrize("expression", ["log(x)*y", "elu(x) + gelu(y)", "norm([x, y])"])
def test_results_do_not_depend_on_the_cuts(expression: str) -> None:
    """However rows are cut into batches, each has the same doubles and the same error."""
    batch = table(expression)
    function = gradcli.map_in_arrow(expression, keep=True)
    whole = pa.Table.from_batches([function.batch(batch)])
    for size in (1, 7, 50):
        cuts = [batch.slice(at, size) for at in range(0, batch.num_rows, size)]
        found = pa.Table.from_batches(function([*cuts, batch.slice(0, 0)]))
        assert repr(found.to_pylist()) == repr(whole.to_pylist())
    assert repr(function.batch(pa.Table.from_batches([batch])).to_pylist()) == repr(whole.to_pylist())


def test_without_polars_numpy_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Polars is not installed, NumPy computes, to the same digits and the same errors."""
    batch = table("log(x)*y")
    with_polars = gradcli.map_in_arrow("log(x)*y").batch(batch).to_pylist()
    monkeypatch.setitem(sys.modules, "polars", None)
    alike(gradcli.map_in_arrow("log(x)*y").batch(batch).to_pylist(), with_polars)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1, None, 2**53 + 1]), [1.0, None, 2.0**53]),
        (pa.array([2**64 - 1], pa.uint64()), [2.0**64]),
        (pa.array([0.1, math.inf], pa.float32()), [0.10000000149011612, math.inf]),
        (pa.array([Decimal("2.675"), Decimal("0.100")]), [2.675, 0.1]),
        (pa.array([True, False]), [1.0, 0.0]),
        (pa.array([" 1.5\t", "+2", "1e3", "-Infinity", ".5"]), [1.5, 2.0, 1000.0, -math.inf, 0.5]),
        (pa.array(["1\u00a0", "2\n", "\u20033", "4"]), [1.0, 2.0, 3.0, 4.0]),
        (pa.array(["3", "4", "3"]).dictionary_encode(), [3.0, 4.0, 3.0]),
        (pa.array(["3"], pa.large_string()), [3.0]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_a_column_of_any_numbers(column: pa.Array, values: list[float | None]) -> None:
    """Each cell is the double nearest to what it says, decimals and text too."""
    found = gradcli.map_in_arrow("x", wrt=[]).batch(pa.record_batch({"x": column}))
    assert found["value"].to_pylist() == values


@pytest.mark.parametrize("cell", ["abc", "1_0", "1,5", "0x10", "१", "1 2", "", "  ", "--1", "x" * 100, "1e", "\n"])
def test_a_cell_that_is_no_number_is_an_error_of_its_row(cell: str) -> None:
    """The row says what the cell holds, has no results, and the others go on."""
    with pytest.raises(NoNumber) as fault:
        number(cell)
    found = gradcli.map_in_arrow("x^2").batch(pa.record_batch({"x": ["3", cell, "4"]})).to_pylist()
    assert found[1] == {"value": None, "grad_x": None, "error": f"x {fault.value}"}
    assert [found[0]["value"], found[2]["value"]] == [9.0, 16.0]


def test_a_missing_value_is_no_error_where_it_may_be() -> None:
    """With null, a row without a value has neither results nor an error; other faults are still said."""
    batch = pa.record_batch({"x": ["1", "", None, "abc", "-1"]})
    found = gradcli.map_in_arrow("log(x)", null=True).batch(batch)
    assert found["error"].to_pylist() == [
        None,
        None,
        None,
        "x is no number: 'abc'",
        "log(x) at x = -1 is outside its domain x > 0",
    ]
    assert found["value"].to_pylist()[:4] == [0.0, None, None, None]


@pytest.mark.parametrize(
    ("expression", "options", "names", "message", "hint"),
    [
        ("x*y", {}, ["x", "z"], "the table has no column 'y'", "its columns: x, z"),
        ("x*y", {"columns": {"y": "unit price"}}, ["x", "y"], "no column 'unit price'", "its columns: x, y"),
        ("x", {}, ["x", "x"], "two columns are called 'x'", "columns="),
        ("x", {"keep": True}, ["x", "value"], "has a column 'value' already", "prefix="),
        ("x", {"columns": {"z": "x"}}, [], "no variable 'z'", "its variables: x"),
        ("x", {"wrt": ["z"]}, [], "no variable 'z'", "x"),
        ("x", {"fixed": {"x": 1}, "columns": {"x": "a"}}, [], "'x' has a value for all rows, and a column", "one"),
        ("W@[x, y]", {"fixed": {"W": [[1, 2], [3, 4]]}}, ["x", "y"], "the output is no scalar but (2,)", "sum"),
    ],
)
def test_what_cannot_be_bound(
    expression: str, options: dict[str, Any], names: list[str], message: str, hint: str
) -> None:
    """An error names what is missing and what there is."""
    with pytest.raises(UsageError) as caught:
        function = gradcli.map_in_arrow(expression, **options)
        function.batch(pa.RecordBatch.from_arrays([pa.array([1.0]) for _ in names], names=names))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_what_is_no_formula_is_said_at_once() -> None:
    """A mistake in the expression is found where the function is made, not on a worker; so is a column of lists."""
    with pytest.raises(ExpressionError):
        gradcli.map_in_arrow("x*")
    with pytest.raises(UsageError, match="holds list"):
        gradcli.map_in_arrow("x").batch(pa.record_batch({"x": [[1.0]]}))


def test_the_columns_that_come_out() -> None:
    """Schema, DDL and batches agree: kept columns first, results with their prefix."""
    batch = pa.record_batch({"x": [2], "unit price": [3.0], "note": ["n"]})
    function = gradcli.map_in_arrow("x*y", "y", columns={"y": "unit price"}, keep=True, prefix="out_")
    found = function.batch(batch)
    assert found.to_pylist() == [
        {"x": 2, "unit price": 3.0, "note": "n", "out_value": 6.0, "out_grad_y": 2.0, "out_error": None}
    ]
    assert found.schema == function.schema(batch.schema)
    plain = gradcli.map_in_arrow("x*k", fixed={"k": 3})
    assert plain.ddl() == "`value` double, `grad_x` double, `grad_k` double, `error` string"
    with pytest.raises(UsageError, match="not known"):
        function.schema()


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_it_travels(pickler: Any) -> None:
    """A function that was pickled, used or not, computes the same."""
    batch = table("log(x)*y")
    function = gradcli.map_in_arrow("log(x)*y", fixed={}, wrt="x", null=True, prefix="p_", keep=True)
    wanted = repr(function.batch(batch).to_pylist())
    again = pickler.loads(pickler.dumps(function))
    assert repr(again.batch(batch).to_pylist()) == wanted
    assert repr(again) == repr(function)


def test_duckdb_reads_and_writes_around_it(tmp_path: Path) -> None:
    """DuckDB streams a file through the function into another, in order."""
    duckdb = pytest.importorskip("duckdb")
    rows = 10_000
    chosen = chance(3)
    data = pa.table({"x": [chosen.uniform(-1, 5) for _ in range(rows)], "y": [chosen.gauss(0, 1) for _ in range(rows)]})
    parquet.write_table(data, tmp_path / "in.parquet", row_group_size=3_000)
    function = gradcli.map_in_arrow("log(x)*y", keep=True)
    reading, writing = duckdb.connect(), duckdb.connect()
    reader = reading.sql(f"from '{tmp_path / 'in.parquet'}'").to_arrow_reader(2_000)
    results = pa.RecordBatchReader.from_batches(function.schema(reader.schema), function(reader))
    writing.sql(f"copy (from results) to '{tmp_path / 'out.parquet'}' (format parquet)")
    found = parquet.read_table(tmp_path / "out.parquet")
    assert repr(found.to_pylist()) == repr(function.batch(data).to_pylist())
    assert results is not None
