"""NDJSON and Parquet: what is read is what was typed, what is written reads back the same, whatever the engine."""

from __future__ import annotations

import datetime
import io
import json
import subprocess
import sys
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.batch.ndjson import parsed
from gradcli.cli import run
from tests.batches import Outcome

pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ENGINES = ("python", "polars", "numpy")


def lines(outcome: Outcome) -> list[dict[str, Any]]:
    """The objects of what was written, which is JSON to the letter."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    return [json.loads(line, parse_constant=refuse) for line in outcome.bytes.decode().splitlines()]


# ── NDJSON ──────────────────────────────────────────────────────────────────────────────────────────────────

LINES = [
    # a line, and the error of its row, None for none
    ('{"x": 3, "y": 2}', None),
    ('{"y":2,"x":3}', None),
    ('{"x": 3, "y": 2, "z": 1}', None),
    ('{"x": "3", "y": "2.0"}', None),
    ('{"x": 3, "y": 2}\r', None),
    ('  {"x": 3, "y": 2}  ', None),
    ('{"x": 3, "y": 2, "z": [1, {"y": 5}]}', None),
    ('{"y": 2}', "x is empty"),
    ('{"x": null, "y": 2}', "x is empty"),
    ("{}", "x is empty"),
    ('{"x": 3, "x": 4, "y": 2}', "two values have the key 'x'"),
    ('{"x": 1e400, "y": 2}', "x is larger than any double: 1e400"),
    ('{"x": true, "y": 2}', "x is no number: 'true'"),
    ('{"x": [1], "y": 2}', "x is no number: '[1]'"),
    ('{"x": "abc", "y": 2}', "x is no number: 'abc'"),
    ('{"x": "NaN", "y": 2}', "x is nan"),
    ('{"x": NaN, "y": 2}', "x is nan"),
    ('{"x": "Infinity", "y": 2}', "x is given as inf"),
    ('{"x": +3, "y": 2}', "this is no JSON: expecting value, at character 7"),
    ('{"x": 03, "y": 2}', "this is no JSON: expecting ',' delimiter, at character 8"),
    ('{"x": .5, "y": 2}', "this is no JSON: expecting value, at character 7"),
    ('{"x": 3, "y": 2', "this is no JSON: expecting ',' delimiter, at character 16"),
    ("[3, 2]", 'this is no object, such as {"x": 3}'),
    ("3", 'this is no object, such as {"x": 3}'),
    ('{"x": ' + "[" * 100_000, "this is nested too deeply"),
    ('{"x": "\\ud800", "y": 2}', "x is no number: '\\ud800'"),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_lines_of_json_are_rows_or_say_why_not(engine: str) -> None:
    """Every line is one row, also among many that are alike; blank ones are none; a table may begin with a mark."""
    good = '{"x": 1, "y": 1}\n'
    data = good * 100 + "\n".join(line for line, _ in LINES) + "\n\n" + good.rstrip()
    found = Outcome(data.encode(), "x^2*y", engine, form="ndjson", out="ndjson")
    rows = lines(found)
    assert found.said[0] == len(rows) == 101 + len(LINES)
    assert [row["_error"] for row in rows[100:-1]] == [error for _, error in LINES]
    assert all(row["_value"] == 18 for row, (_, error) in zip(rows[100:], LINES, strict=False) if error is None)
    assert rows[-1]["_value"] == 1


VALUES = [
    "1",
    "-0",
    "2.50",
    "1E5",
    "1e-4",
    "0.1",
    "123456789012345678901234567890",
    '"3"',
    '"a b"',
    '""',
    "null",
    "true",
]
VALUES += ["1e400", "[1,2]", '"a\\"b"', '"é"', "007", '"=1"', '"null"']


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(VALUES),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
    st.sampled_from(["ndjson", "csv"]),
)
def test_engines_agree_on_ndjson(rows: list[list[str]], keep: bool, out: str) -> None:
    """Lines that are matched by a pattern give what lines that are read one by one give."""
    plain = "".join(f'{{"x": {k}, "y": 2.5, "é c": "t"}}\n' for k in range(1, 30))
    text = plain + "".join('{{"x": {}, "y": {}, "é c": {}}}\n'.format(*row) for row in rows)
    right = Outcome(text.encode(), "x*y", "python", form="ndjson", out=out, keep=keep)
    for engine in ("polars", "numpy"):
        found = Outcome(text.encode(), "x*y", engine, form="ndjson", out=out, keep=keep)
        assert right.same(found, 1), (right.said, found.said, right.bytes, found.bytes)


KEPT = ["1.50", "-0", "1E5", "123456789012345678901234567890", '"3"', '"a b"', '""', "null", "true", "[1.0, 1e400]",
        '{"a": 1.50,"b":[]}', '"é"', '"\\ud800"', '"NaN"']  # fmt: skip
"""Values that are written as they were typed."""


@pytest.mark.parametrize("engine", ENGINES)
def test_kept_values_of_json_are_written_as_they_were_typed(engine: str) -> None:
    """No digit, no type, and no space in a list changes; a key that comes too late to be kept is an error."""
    data = "".join(f'{{"x": 1, "c": {value}}}\n' for value in KEPT)
    found = Outcome(data.encode(), "x", engine, form="ndjson", out="ndjson", keep=True)
    for line, value in zip(found.bytes.decode().splitlines(), KEPT, strict=True):
        assert line == f'{{"x": 1, "c": {value}, "_value": 1.0, "_grad_x": 1.0, "_error": null}}'


def test_a_key_that_comes_too_late_to_be_kept_is_an_error() -> None:
    """Columns are known from the first block; nothing is lost in silence."""
    data = b'{"x": 1}\n' * 40_000 + b'{"x": 1, "late": 2}\n'
    for engine in ENGINES:
        piece = 100_000
        found = Outcome(data, "x", engine, form="ndjson", out="ndjson", keep=True, piece=piece)
        assert found.said == (40_001, 1, "line 40001: the key 'late' is new here, and would not be kept")
        assert Outcome(data, "x", engine, form="ndjson", out="ndjson", piece=piece).said == (40_001, 0, "")


def test_values_beyond_json_are_written_as_text_and_read_back() -> None:
    """NaN and infinities are text, as proto3 writes them; they are read as numbers again."""
    found = Outcome(b"x\n1e200\n-1e200\n", "x^3", "python", out="ndjson")
    assert [row["_value"] for row in lines(found)] == ["Infinity", "-Infinity"]
    again = Outcome(found.bytes, "_value", "polars", form="ndjson", out="ndjson")
    assert [row["_value"] for row in lines(again)] == ["Infinity", "-Infinity"]
    assert parsed(b'{"a": {"b": 1.50}, "c": ["x, y"], "d": 2}')[0] == {"a": '{"b": 1.50}', "c": '["x, y"]', "d": "2"}


# ── Parquet ─────────────────────────────────────────────────────────────────────────────────────────────────


def written(table: Any, group: int = 1000) -> bytes:
    """A table as a file."""
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=group)
    return stream.getvalue()


def read(data: bytes) -> Any:
    """A file as a table."""
    return pq.read_table(io.BytesIO(data))


NUMERIC = {
    "int8": pa.array([1, None, -3], pa.int8()),
    "uint64": pa.array([2**64 - 1, 3, None], pa.uint64()),
    "int64": pa.array([2**53 + 1, -1, None], pa.int64()),
    "half": pa.array([1.5, 2.0, None], pa.float16()),
    "float": pa.array([0.1, float("nan"), float("inf")], pa.float32()),
    "double": pa.array([0.1, -0.0, 1e-320]),
    "decimal": pa.array([Decimal("0.10"), Decimal("-2.00"), None], pa.decimal128(12, 2)),
    "wide decimal": pa.array([Decimal("0.10"), Decimal("-2.00"), None], pa.decimal256(50, 2)),
    "text": pa.array(["1", " 2.5", "abc"]),
    "large text": pa.array(["1e400", "", "1_0"], pa.large_string()),
    "dictionary": pa.array(["1", "abc", "1"]).dictionary_encode(),
    "truth": pa.array([True, False, None]),
    "nothing": pa.nulls(3),
}

KEPT_TYPES = {
    "list": pa.array([[1, 2], None, []]),
    "structure": pa.array([{"a": 1}, None, {"a": None}]),
    "moment": pa.array([datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)] * 3),
    "bytes": pa.array([b"\xff", None, b""]),
}


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("null", [False, True])
def test_columns_of_any_type_give_the_same_by_every_engine(kind: str, null: bool) -> None:
    """Numbers are the nearest doubles, text is what it says; the results are those of map_in_arrow; kept columns keep
    their types."""
    given = pa.table({**KEPT_TYPES, "x": NUMERIC[kind], "y": pa.array([2, 3, 4])})
    expected = gradcli.map_in_arrow("max(x,y)+x", keep=True, prefix="_", null=null).batch(given)
    for engine in ENGINES:
        found = Outcome(written(given, 2), "max(x,y)+x", engine, form="parquet", out="parquet", keep=True, null=null)
        table = read(found.bytes)
        assert table.schema.equals(expected.schema), engine
        assert repr(table.to_pylist()) == repr(expected.to_pylist()), engine


@pytest.mark.parametrize("out", ["csv", "ndjson"])
@pytest.mark.parametrize("kind", NUMERIC)
def test_engines_agree_on_parquet_as_text(kind: str, out: str) -> None:
    """Also where kept columns become text, every engine writes the same."""
    given = written(pa.table({**KEPT_TYPES, "x": NUMERIC[kind]}))
    right = Outcome(given, "x^2", "python", form="parquet", out=out, keep=True)
    for engine in ("polars", "numpy"):
        found = Outcome(given, "x^2", engine, form="parquet", out=out, keep=True)
        assert right.same(found, 1), (right.said, right.bytes, found.bytes)


def test_a_column_without_numbers_is_refused_in_words() -> None:
    """Moments, lists and bytes are no numbers; nothing is written."""
    for kind, column in KEPT_TYPES.items():
        found = Outcome(written(pa.table({"x": column})), "x", "auto", form="parquet", out="parquet")
        assert str(found.said).startswith("the column 'x' holds "), kind
        assert found.bytes == b""


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_table_keeps_its_schema(engine: str) -> None:
    """No rows come out as no rows, with all columns and their types."""
    given = pa.table({"x": pa.array([], pa.int16()), "when": pa.array([], pa.timestamp("ms"))})
    found = read(Outcome(written(given), "x", engine, form="parquet", out="parquet", keep=True).bytes)
    assert found.num_rows == 0
    assert [str(kind) for kind in found.schema.types] == ["int16", "timestamp[ms]", "double", "double", "string"]


def test_a_file_that_is_cut_off_or_damaged_leaves_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the footer or in the data: an error, exit 4, and no file under the final name."""
    whole = written(pa.table({"x": [0.1 * k for k in range(300_000)]}), 100_000)
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\xff" * 4000 + whole[middle + 4000 :]
    cases = {"cut": whole[:-100], "short": whole[:3], "empty": b"", "footer": whole[:-300] + b"\0" * 292 + whole[-8:]}
    for name, data in cases.items():
        table, out = tmp_path / f"{name}.parquet", tmp_path / "out.parquet"
        table.write_bytes(data)
        assert run(["batch", "x^2", str(table), "-o", str(out)]) == 4
        assert "this is no Parquet file that can be read" in capfd.readouterr().err
    table = tmp_path / "damaged.parquet"
    stream = io.BytesIO()
    pq.write_table(read(whole), stream, row_group_size=100_000, write_page_checksum=True)
    whole = stream.getvalue()
    table.write_bytes(whole[:middle] + damaged[middle : middle + 4000] + whole[middle + 4000 :])
    assert run(["batch", "x^2", str(table), "-o", str(tmp_path / "out.parquet")]) == 4
    assert "and what follows cannot be read" in capfd.readouterr().err
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".out*"))


def test_parquet_through_pipes() -> None:
    """A table is read from a pipe and written to one; with --strict what is written is cut off, and no whole file."""
    data = written(pa.table({"x": [1.0, 2.0, 0.0, 4.0]}), 1)
    command = [sys.executable, "-m", "gradcli", "batch", "1/x", "--input-format", "parquet", "--format", "parquet"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 3
    assert read(done.stdout).column("value").to_pylist() == [1, 0.5, float("inf"), 0.25]
    strict = subprocess.run([*command, "--strict"], input=data, capture_output=True, check=False)
    assert strict.returncode == 3
    assert b"row 3: " in strict.stderr
    assert not strict.stdout.endswith(b"PAR1")


@pytest.mark.parametrize(("form", "out"), list(product(["csv", "tsv", "ndjson", "parquet"], repeat=2)))
@pytest.mark.parametrize("more", [[], ["--keep", "--prefix", "out_"], ["--aggregate", "sum"]])
def test_every_format_becomes_every_other_and_comes_back(form: str, out: str, more: list[str], tmp_path: Path) -> None:
    """A table in one format, its results in another and these again in the first: the same numbers in the same rows."""
    rows: list[dict[str, Any]] = [{"x": 0.1 * k, "y": k, "name": f"n, {k}"} for k in range(1, 6)]
    one, two, three = (tmp_path / f"{name}.{ending}" for name, ending in zip("abc", (form, out, form), strict=True))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "start.parquet")
    assert run(["batch", "x+0*y", str(tmp_path / "start.parquet"), "-o", str(one), "--keep"]) == 0
    assert run(["batch", "x*y", str(one), "-o", str(two), *more, *(["--prefix", "p_"] if not more else [])]) == 0
    value, error = {"--keep": ("out_value", "out_error")}.get(more[0] if more else "", ("value", "error"))
    if not more:
        value, error = "p_value", "p_error"
    assert run(["batch", "v+0*g", "--col", f"v={value}", "--col", f"g={value.replace('value', 'grad_x')}", str(two),
                "-o", str(three), "--format", form]) == 0  # fmt: skip
    numbers = [row["value"] for row in table(three, form)]
    right = [row["x"] * row["y"] for row in rows]
    assert numbers == pytest.approx([sum(right)] if "--aggregate" in more else right, rel=1e-15)
    if "--keep" in more:
        assert [row["name"] for row in table(two, out)] == [row["name"] for row in rows]
    assert all(not row[error] for row in table(two, out))


def table(path: Path, form: str) -> list[dict[str, Any]]:
    """A file's rows, read by other programs than ours."""
    import csv

    if form == "parquet":
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    text = path.read_text(encoding="utf-8")
    if form == "ndjson":
        return [json.loads(line) for line in text.splitlines()]
    read_rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if form == "tsv" else ","))
    return [{key: number_or_text(cell) for key, cell in row.items()} for row in read_rows]


def number_or_text(cell: str) -> Any:
    """A cell as a number if it is one."""
    try:
        return float(cell)
    except ValueError:
        return cell
