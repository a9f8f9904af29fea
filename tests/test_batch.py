"""`gradcli batch`: one formula over the rows of a table, their sums and means, proofs of sampled rows, progress."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import sys
import time
from fractions import Fraction

import pytest

from gradcli.batch import aggregate, sampling
from gradcli.cli import bar, run
from gradcli.errors import Status


@pytest.fixture
def batch(capsysbinary, monkeypatch):
    """Run `gradcli batch` in this process: words and a piped table → (status, standard output, standard error)."""

    def call(*words: str, table: str | bytes = "") -> tuple[int, str, str]:
        data = table.encode() if isinstance(table, str) else table
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = run(["batch", *words])
        out, err = capsysbinary.readouterr()
        return status, out.decode("utf-8", "surrogateescape"), err.decode()

    return call


POINTS = "x,y\n3,2\n4,2\n"

RESULTS = [
    # words, table, what comes out
    (["x^2*y"], POINTS, "value,grad_x,grad_y,error\n18.0,12.0,9.0,\n32.0,16.0,16.0,\n"),
    (["x^2*y", "--wrt", "y"], POINTS, "value,grad_y,error\n18.0,9.0,\n32.0,16.0,\n"),
    (["x^2*y", "--y=10", "--wrt", "x"], POINTS, "value,grad_x,error\n90.0,60.0,\n160.0,80.0,\n"),
    (["x^2*y", "--keep"], POINTS, "x,y,value,grad_x,grad_y,error\n3,2,18.0,12.0,9.0,\n4,2,32.0,16.0,16.0,\n"),
    (["x*y", "--prefix", "f_"], "x,y\n1,2\n", "f_value,f_grad_x,f_grad_y,f_error\n2.0,2.0,1.0,\n"),
    (["x", "--keep", "--prefix", "f_"], "x,value\n1,9\n", "x,value,f_value,f_grad_x,f_error\n1,9,1.0,1.0,\n"),
    (["x*y", "--col", "y=unit price"], "x, unit price \n1,2\n", "value,grad_x,grad_y,error\n2.0,2.0,1.0,\n"),
    (["x*y", "--col", "x=a", "--col", "y=a"], "a,b\n3,2\n", "value,grad_x,grad_y,error\n9.0,3.0,3.0,\n"),
    (["x*y", "--no-header", "--columns", "y, x"], "2,3\n", "value,grad_x,grad_y,error\n6.0,2.0,3.0,\n"),
    (["x*format", "--set", "format=3", "--wrt=x"], "x,format\n1,2\n", "value,grad_x,error\n3.0,3.0,\n"),
    (["x*format", "--wrt=x"], "x,format\n1,2\n", "value,grad_x,error\n2.0,2.0,\n"),
    (["gamma*e", "--wrt=gamma", "--col=e=e"], "gamma,e\n1,2\n", "value,grad_gamma,error\n2.0,2.0,\n"),
    (["x*e", "--e=3", "--wrt=x"], "x,e\n1,2\n", "value,grad_x,error\n3.0,3.0,\n"),
    (["e^x"], "x\n0\n", "value,grad_x,error\n1.0,1.0,\n"),
    (["2+3"], "x\n1\n2\n", "value,error\n5.0,\n5.0,\n"),
    (["norm([x,y])"], "x,y\n3,4\n0,0\n", "value,grad_x,grad_y,error\n5.0,0.6,0.8,\n0.0,0.0,0.0,\n"),
    (["sum(W@[x])", "--W=[[1],[3]]", "--wrt=x,W"], "x\n2\n", 'value,grad_x,grad_W,error\n8.0,4.0,"[[2],[2]]",\n'),
    (["x*y", "--null"], "x,y\n1,\n,\n2,3\n", "value,grad_x,grad_y,error\n,,,\n,,,\n6.0,3.0,2.0,\n"),
    (["x*y", "--format=tsv"], "x,y\n1,2\n", "value\tgrad_x\tgrad_y\terror\n2.0\t2.0\t1.0\t\n"),
    (["x", "--input-format=tsv", "--keep"], "x\ts\n1\ta,b\n", 'x,s,value,grad_x,error\n1,"a,b",1.0,1.0,\n'),
]  # fmt: skip


@pytest.mark.parametrize(("words", "table", "out"), RESULTS, ids=[" ".join(words) for words, *_ in RESULTS])
def test_results(batch, words, table, out):
    """Each row gives its value, its gradients and no error, by every way to bind columns and values."""
    status, printed, err = batch(*words, table=table)
    assert (status, printed, err) == (Status.FINE, out, "")


def test_the_formula_from_a_file_or_standard_input(batch, tmp_path):
    """The formula may come from --file, or through the pipe where the table is a file; not both through the pipe."""
    (tmp_path / "f.grad").write_text("x^2")
    (tmp_path / "x.csv").write_text("x\n3\n")
    assert batch("--file", str(tmp_path / "f.grad"), table="x\n3\n")[:2] == (0, "value,grad_x,error\n9.0,6.0,\n")
    assert batch("-", str(tmp_path / "x.csv"), table="x^2\n")[:2] == (0, "value,grad_x,error\n9.0,6.0,\n")
    status, out, err = batch("-", table="x\n3\n")
    assert (status, out) == (Status.USAGE, "") and "cannot both be read from standard input" in err


@pytest.mark.parametrize("engine", ["python", "numpy", "polars"])
def test_kept_cells_read_back_the_same(batch, engine):
    """Kept cells keep quotes, new lines and delimiters; text that a spreadsheet would compute is guarded."""
    texts = ["a,b", 'say "hi"', "two\nlines", "cr\rhere", "'", "한글", "-5", "+1.5e3", "", "plain"]
    formulas = ["=1+1", "+a", "@x", "-x", "\tt"]
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["s", "x"], *[[text, 2] for text in texts + formulas]])
    status, out, _ = batch("x^2", "--keep", "--engine", engine, table=stream.getvalue())
    header, *rows = csv.reader(io.StringIO(out, newline=""))
    assert status == 0 and header == ["s", "x", "value", "grad_x", "error"]
    assert [row[0] for row in rows] == [*texts, *(f"'{text}" for text in formulas)]
    assert {tuple(row[1:]) for row in rows} == {("2", "4.0", "4.0", "")}


@pytest.mark.parametrize("form", ["csv", "tsv", "ndjson", "parquet"])
def test_aggregates_in_every_format(batch, tmp_path, form):
    """One row comes out: the sums, or the means, and what was left out of them."""
    path = tmp_path / f"sum.{form}"
    table = "x,y\n3,2\n,1\n4,2\nlog,2\n"
    status, out, err = batch("x^2*y", "--aggregate", "mean", "-o", str(path), table=table)
    error = "2 of 4 rows left out; line 3: x is empty"
    assert (status, out, err) == (Status.UNDEFINED, "", f"warning: {error}\n")
    expected = {"value": 25.0, "grad_x": 14.0, "grad_y": 12.5, "error": error}
    if form == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        assert parquet.read_table(path).to_pylist() == [expected]
    elif form == "ndjson":
        assert json.loads(path.read_text()) == expected
    else:
        (row,) = csv.DictReader(io.StringIO(path.read_text()), delimiter="\t" if form == "tsv" else ",")
        assert row == {name: str(value) for name, value in expected.items()}


PAIR = '"[2.5,2.5]"'
EMPTY = "there are no rows to take the mean of"
LARGE = "the sum is larger than any double"
AGGREGATES = [
    # words, table, standard output, standard error, status
    (["x", "--aggregate=sum"], "x\n", "value,grad_x,error\n0.0,0.0,\n", "", 0),
    (["x", "--aggregate=mean"], "x\n", f"value,grad_x,error\n,,{EMPTY}\n", f"warning: {EMPTY}\n", 3),
    (["x", "--aggregate=sum"], "x\na\n", None, "1 of 1 rows left out; line 2: x is no number", 3),
    (["x", "--aggregate=sum"], "x\n1e308\n1e308\n", f"value,grad_x,error\ninf,2.0,{LARGE}\n", LARGE, 3),
    (["x", "--aggregate=mean"], "x\n1e308\n1e308\n", "value,grad_x,error\n1e+308,1.0,\n", "", 0),
    (["x", "--aggregate=sum"], "x\n1e16\n1\n-1e16\n", "value,grad_x,error\n1.0,3.0,\n", "", 0),
    (["x", "--aggregate=sum", "--null"], "x,y\n1,\n,\n3,\n", "value,grad_x,error\n4.0,2.0,\n", "cell: 1 of 3", 0),
    (["x*y", "--aggregate=sum", "--strict"], "x,y\n1,2\n3,\n", "value,grad_x,grad_y,error\n", "line 3: y is empty", 3),
    (["x", "--aggregate=sum", "--keep"], "x\n1\n", "", "--keep keeps every row's cells", 2),
    (["x", "--aggregate=median"], "x\n1\n", "", "did you mean mean?", 2),
    (["sum(w)*x", "--w=[1,2]", "--wrt=w", "--aggregate=mean"], "x\n1\n4", f"value,grad_w,error\n7.5,{PAIR},\n", "", 0),
]  # fmt: skip


@pytest.mark.parametrize(("words", "table", "out", "err", "status"), AGGREGATES)
def test_aggregates(batch, words, table, out, err, status):
    """Empty tables, bad rows, overflow, cancellation and missing cells, each with one row or an error in words."""
    ended, printed, told = batch(*words, table=table)
    assert ended == status and err in told and (not told if not err else True)
    assert out is None or printed == out


def doubles(seed: int, count: int) -> list[float]:
    """Doubles of all sizes, with much cancellation."""
    chance = random.Random(seed)  # noqa: S311 - seeded, no secret
    found = [chance.choice((-1, 1)) * chance.random() * 2.0 ** chance.randint(-1070, 1000) for _ in range(count)]
    return [*found, *(-value for value in found[::2]), 5e-324, -1e-310, 0.0, -0.0]


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_exact(seed):
    """Sums and means are the doubles nearest to the exact ones, of lists and of arrays, in blocks of any size."""
    import numpy as np

    values = doubles(seed, 300)
    exact = sum(map(Fraction, values))
    for size in (1, 7, len(values)):
        blocks = [values[k : k + size] for k in range(0, len(values), size)]
        for total in (sum(map(aggregate.total, blocks)), sum(aggregate.array_total(np.array(b)) for b in blocks)):
            assert total == exact * 2**1074
            assert aggregate.nearest(total, 1) == float(exact)
            assert aggregate.nearest(total, len(values)) == float(exact / len(values))


def test_sums_of_large_doubles_are_exact():
    """Partial sums may be larger than any double."""
    values = [1.5e308, 1.5e308, 3.0, -1.5e308, -1.5e308]
    assert aggregate.nearest(aggregate.total(values), 1) == 3.0
    assert math.isinf(aggregate.nearest(aggregate.total([-1.5e308] * 2), 1))


def test_aggregates_do_not_depend_on_the_blocks(batch, monkeypatch):
    """The same sum to the last digit, whatever the size of the blocks; the engines differ by their functions alone."""
    from gradcli.batch import sources

    chance = random.Random(4)  # noqa: S311 - seeded, no secret
    rows = [(chance.uniform(-1e8, 1e8), chance.uniform(-1, 1)) for _ in range(3000)]
    table = "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows)
    exact = float(sum(Fraction(x * y) for x, y in rows))  # what each row is, rounded
    gradients = [float(sum(map(Fraction, column))) for column in ([y for _, y in rows], [x for x, _ in rows])]
    for size, engine in ((1 << 18, "python"), (999, "python"), (5000, "polars"), (1 << 18, "numpy")):
        monkeypatch.setattr(sources, "PIECE", size)
        _, out, _ = batch("x*y", "--aggregate=sum", "--engine", engine, table=table)
        assert out.splitlines()[1] == ",".join(map(repr, [exact, *gradients])) + ","


# ── proofs of sampled rows ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("engine", ["python", "numpy", "polars"])
def test_sampled_rows_are_proved(batch, engine):
    """`--verify N` proves N rows of the stream and says so; bad rows are not drawn where others are."""
    table = "x,y\n" + "".join(f"{k},{'' if k % 10 == 3 else k + 1}\n" for k in range(1, 400))
    status, _, err = batch("log(x)*exp(-y/100)", "--verify", "20", "--engine", engine, table=table)
    assert status == Status.UNDEFINED
    assert err.splitlines()[-1] == "proved: 20 sampled rows of 399, the value and 2 gradients of each"


def test_few_rows_are_all_proved(batch):
    """Of a table with fewer rows, all are proved, and of one row it is said so."""
    assert (
        batch("x^2", "--verify=9", table="x\n1\n2\n")[2]
        == "proved: 2 sampled rows of 2, the value and 1 gradient of each\n"
    )
    assert batch("7", "--verify=9", table="x\n1\n")[2] == "proved: 1 sampled row of 1, the value of each\n"
    assert batch("x^2", "--verify=9", table="x\n")[:3:2] == (0, "proved: none of 0 rows\n")


def test_what_an_engine_got_wrong_is_found(batch, monkeypatch):
    """A number that was written and is not what the proved engine says is named with its line: exit 1."""
    from gradcli.batch import rows

    monkeypatch.setattr(rows, "function", lambda formula: lambda x: (x * x, 2 * x * (1 + 1e-9), True))
    status, _, err = batch("x^2", "--verify=5", "--engine=python", table="x\n1\n2\n")
    assert status == Status.WRONG
    assert "wrong: line 2: grad_x is 2, and 2.000000002 was written\n" in err


def test_no_time_for_proofs(batch):
    """Without time nothing is proved, and that is said."""
    status, _, err = batch("x^2", "--verify=5", "--verify-budget=0", table="x\n1\n2\n")
    assert status == Status.FINE
    assert "no time for 2 more sampled rows" in err and "proved: none of 2 rows" in err


def test_samples_do_not_depend_on_the_blocks():
    """The same rows are drawn whatever the size of the blocks."""

    def drawn(*sizes: int) -> dict[int, int]:
        reservoir, kept, start = sampling.Reservoir(8), {}, 0
        for size in sizes:
            kept |= {slot: start + index for slot, index in reservoir.picks(size).items()}
            start += size
        return kept

    assert drawn(1000) == drawn(*[1] * 1000) == drawn(3, 500, 0, 497)
    assert len(set(drawn(1000).values())) == 8


def test_every_row_has_the_same_chance():
    """Over many seeds, each of 40 rows is drawn about as often as any other: 5 of 40, 4000 times, within 5 sigma."""
    counts = [0] * 40
    for seed in range(4000):
        for row in {**sampling.Reservoir(5, seed).picks(40)}.values():
            counts[row] += 1
    expected, sigma = 500, math.sqrt(4000 * 5 / 40 * 35 / 40)
    assert sum(counts) == 4000 * 5 and max(abs(count - expected) for count in counts) < 5 * sigma


# ── progress ────────────────────────────────────────────────────────────────────────────────────────────────


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch, stream: io.StringIO, done: float | None, **wishes: bool) -> str:
    """What a bar writes to a stream."""
    monkeypatch.setattr(bar, "PATIENCE", 0.01)
    monkeypatch.setattr(bar, "BETWEEN", 0.01)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with bar.Bar(lambda: 1_234_567, lambda: done, **wishes):
        time.sleep(0.01 if not stream.isatty() or wishes else 0.4)
    return stream.getvalue()


def test_progress_on_a_terminal(monkeypatch):
    """A person sees rows, rows a second and, of a file, the part that is done; in a pipe there is nothing."""
    shown = watched(monkeypatch, Terminal(), 0.5)
    assert "1,234,567 rows · " in shown and "rows/s" in shown and "50%" in shown
    assert "%" not in watched(monkeypatch, Terminal(), None)
    assert watched(monkeypatch, io.StringIO(), 0.5) == ""
    assert watched(monkeypatch, Terminal(), 0.5, quiet=True) == ""


def test_progress_has_patience(monkeypatch):
    """Work that is done within a second shows nothing."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with bar.Bar(lambda: 1, lambda: None):
        pass
    assert stream.getvalue() == ""
