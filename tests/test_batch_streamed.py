"""A whole file through Polars at once gives what its blocks give, and leaves all that is doubtful to them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import gradcli.batch.run
from gradcli.batch import streamed
from gradcli.cli import run

pytest.importorskip("polars")

FORMULA = "log(x)*y + x^2"

GOOD = [f"{chance.uniform(0.1, 9)!r},{chance.gauss(0, 1)!r}" for chance in [random.Random(3)] for _ in range(500)]  # noqa: S311

ODD = [
    *(
        "1,abc",
        "1,",
        "1",
        "1,2,3",
        "",
        "-1,2",
        "0,1",
        '"1",2',
        '"1\n2",3',
        "1e400,1",
        "inf,1",
        "nan,1",
        "1_0,2",
        " 1,2",
    ),
    *("1 ,2", "1,2\r", "1\r2,3", "٣,1", "+1,.5", "1.,1e5", "\ufeff1,2", "1;2"),
]
"""Rows that are bad, or good in a way that has to be looked at."""


@pytest.fixture
def wholly(monkeypatch):
    """Every file is large enough; whether it went through as a whole is told."""
    found: list[bool] = []
    whole = streamed.streamed

    def watched(*given):
        found.append(whole(*given))
        return found[-1]

    monkeypatch.setattr(gradcli.batch.run, "WHOLE", 1)
    monkeypatch.setattr(streamed, "streamed", watched)
    return found


def written(table: Path, output: Path, engine: str, *words: str) -> tuple[int, bytes]:
    """The exit status, and what is written."""
    status = run(["batch", FORMULA, str(table), "-o", str(output), "--force", "--engine", engine, *words])
    return status, output.read_bytes()


@pytest.mark.parametrize("words", [(), ("--format", "tsv"), ("--wrt", "y"), ("--prefix", "out_")], ids=str)
def test_a_table_of_good_numbers_goes_through_as_a_whole(words, wholly, tmp_path, capsys):
    """The bytes are those of plain floats, the header is there once, and nothing is said."""
    table = tmp_path / "table.csv"
    table.write_text("x,y\n" + "\n".join(GOOD) + "\n")
    found = written(table, tmp_path / "whole.csv", "polars", *words)
    assert found == written(table, tmp_path / "rows.csv", "python", *words)
    assert (found[0], wholly, capsys.readouterr().err) == (0, [True], "")


def test_columns_in_another_order_without_a_header(wholly, tmp_path):
    """Columns are bound by their names; a last line needs no end."""
    table = tmp_path / "table.csv"
    table.write_text("\n".join(GOOD))
    words = ("--no-header", "--columns", "y,x")
    assert written(table, tmp_path / "a.csv", "polars", *words) == written(table, tmp_path / "b.csv", "python", *words)
    assert len(wholly) == 1


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("place", [0, 250, 500])
def test_a_doubtful_row_is_left_to_the_blocks(odd, place, wholly, tmp_path, capsys):
    """Wherever it stands, results, errors, the count and the exit status are those of plain floats."""
    table = tmp_path / "table.csv"
    table.write_bytes("\n".join(["x,y", *GOOD[:place], odd, *GOOD[place:], ""]).encode())
    found = written(table, tmp_path / "whole.csv", "polars")
    said = capsys.readouterr().err
    assert found == written(table, tmp_path / "rows.csv", "python")
    assert said == capsys.readouterr().err
    assert len(wholly) == 1


@pytest.mark.parametrize(
    ("header", "words"),
    [("x,y,name", ()), ("x,y", ("--keep",)), ("x,y", ("--strict",)), ("x,y", ("--verify", "2"))],
    ids=str,
)
def test_what_needs_the_rows_themselves_goes_by_blocks(header, words, wholly, tmp_path):
    """Other columns, kept cells, the first bad row, and rows to prove."""
    table = tmp_path / "table.csv"
    more = ",a" if "name" in header else ""
    table.write_text(f"{header}\n" + "".join(f"{line}{more}\n" for line in GOOD))
    assert written(table, tmp_path / "a.csv", "polars", *words)[0] == 0
    assert wholly == [False]


def test_another_encoding_goes_by_blocks(wholly, tmp_path):
    """A file that is not read as it stands is none that Polars could read."""
    table = tmp_path / "table.csv"
    table.write_text("x,y\n" + "\n".join(GOOD), encoding="utf-16")
    assert written(table, tmp_path / "a.csv", "polars") == written(table, tmp_path / "b.csv", "python")
    assert wholly == [False]


def test_what_goes_to_a_pipe_goes_by_blocks(wholly, tmp_path, capfdbinary):
    """What is written there cannot be taken back."""
    table = tmp_path / "table.csv"
    table.write_text("x,y\n" + "\n".join(GOOD))
    assert run(["batch", FORMULA, str(table), "--engine", "polars"]) == 0
    assert capfdbinary.readouterr().out == written(table, tmp_path / "rows.csv", "python")[1]
    assert wholly == [False]
