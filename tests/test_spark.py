"""Tables through Spark: the rows that come without it, in the same order, whatever happens to a worker."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gradcli
from gradcli.batch import formats
from gradcli.batch import run as batch
from gradcli.batch.sources import Source, decoded
from gradcli.errors import FileError, UsageError

pytest.importorskip("pyspark")
pa = pytest.importorskip("pyarrow")

from pyarrow import parquet  # noqa: E402

from gradcli.batch import spark  # noqa: E402
from gradcli.batch.spark import Counts, Job, run  # noqa: E402

pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]

ROWS = 3000
SETTINGS = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # a JVM that starts fast
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.files.openCostInBytes": "0",
    "spark.sql.files.maxPartitionBytes": "49152",  # several splits
    "spark.python.worker.faulthandler.enabled": "false",
}


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """A session of two threads, in which a task may fail twice."""
    before = dict(os.environ)
    words = [word for item in SETTINGS.items() for word in ("--conf", f'"{"=".join(item)}"')]
    os.environ["PYSPARK_SUBMIT_ARGS"] = " ".join(["--master", "local[2,3]", *words, "pyspark-shell"])
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(gradcli.__file__).parents[1]), before.get("PYTHONPATH", "")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = spark.started()
        yield found
        found.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table as CSV, as NDJSON and as Parquet; every hundredth row of the texts is bad."""
    made = tmp_path_factory.mktemp("spark")
    chance = random.Random(5)  # noqa: S311 - numbers to try, not secrets
    rows = [(chance.uniform(-0.2, 9), chance.gauss(0, 1), f"n{k}, or =1+{k}") for k in range(ROWS)]
    with (made / "t.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["x", "y", "note"])
        for k, (x, y, note) in enumerate(rows):
            writer.writerow([x, "abc" if k % 100 == 7 else y, note] if k % 100 != 9 else [x])
    objects = [{"x": x, "y": None if k % 100 == 7 else y, "note": note} for k, (x, y, note) in enumerate(rows)]
    (made / "t.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in objects))
    parquet.write_table(pa.Table.from_pylist(objects), made / "t.parquet", row_group_size=700)
    return made


def alone(job: Job, path: Path) -> tuple[bytes, int, int]:
    """What comes out without Spark, and how many rows and bad rows there were."""
    plan, sink = job.plan(), io.BytesIO()
    pieces = iter([path.read_bytes()])
    read = decoded(lambda: next(pieces, b""), None, str(path))
    source = Source(read, str(path), path.stat().st_size, path=str(path))
    table = formats.reader(job.taken)(source, job.taken, None)
    count = batch.Count(table.place)
    batch.run(table, plan, formats.writer(job.given, plan.layout(table.names, table.place), sink), count, "polars")
    return sink.getvalue(), count.rows, count.bad


def through(job: Job, path: Path) -> tuple[bytes, Counts]:
    """The same with Spark."""
    sink = io.BytesIO()
    counts = run(job, str(path), sink)
    return sink.getvalue(), counts


@pytest.mark.parametrize(("taken", "given"), [("csv", "csv"), ("ndjson", "ndjson"), ("parquet", "csv")])
def test_a_file_is_the_same_with_spark_and_without(session: Any, folder: Path, taken: str, given: str) -> None:
    """Byte by byte: every row in its place, with its results or its error."""
    job = Job("log(x)*y", keep=True, taken=taken, given=given)
    wanted, rows, bad = alone(job, folder / f"t.{taken}")
    found, counts = through(job, folder / f"t.{taken}")
    assert found == wanted
    assert (counts.rows, counts.bad) == (rows, bad)
    assert rows == ROWS
    assert 0 < bad < ROWS / 5
    assert counts.first


def test_rows_are_those_of_map_in_arrow(session: Any, folder: Path, tmp_path: Path) -> None:
    """Parquet in and out is what the function of batches makes of the same rows."""
    target = tmp_path / "out.parquet"
    counts = run(Job("log(x)*y", keep=True, taken="parquet", given="parquet"), str(folder / "t.parquet"), str(target))
    wanted = gradcli.map_in_arrow("log(x)*y", keep=True).batch(parquet.read_table(folder / "t.parquet"))
    assert repr(parquet.read_table(target).to_pylist()) == repr(wanted.to_pylist())
    assert counts.rows == ROWS
    with pytest.raises(FileError, match="exists"):
        run(Job("x", taken="parquet", given="parquet"), str(folder / "t.parquet"), str(target))


def test_a_record_over_several_lines_is_one_row(session: Any, tmp_path: Path) -> None:
    """A quoted cell may hold new lines, wherever Spark would have cut the file, and bytes stay as they are."""
    path = tmp_path / "t.csv"
    lines = "".join(f'{k},"a\nb ""{k}"""\r\n' for k in range(ROWS))
    path.write_bytes(f"\ufeffx,note\r\n{lines}1e3,".encode() + b"caf\xe9\r\n")  # and one that is no UTF-8
    job = Job("x^2", keep=True)
    found, counts = through(job, path)
    assert found == alone(job, path)[0]
    assert b"caf\xe9" in found
    assert counts == Counts(ROWS + 1, 0, "")


def test_every_option_reaches_the_workers(session: Any, tmp_path: Path) -> None:
    """Definitions, fixed values, names of columns where there is no header, gaps that may be: as without Spark."""
    path = tmp_path / "t.tsv"
    path.write_text("".join(f"{k}\t{'' if k % 5 == 0 else k / 2}\n" for k in range(20)))
    job = Job(
        "f(a, k)*b",
        fixed={"k": 3.0},
        wrt=("b",),
        columns={"b": "second one"},
        keep=True,
        prefix="out_",
        null=True,
        definitions="f(u, v) = u*v",
        taken="tsv",
        given="csv",
        names=("a", "second one"),
    )
    found, counts = through(job, path)
    lines = found.decode().splitlines()
    assert counts == Counts(20, 0, "")
    assert lines[0] == "a,second one,out_value,out_grad_b,out_error"
    assert lines[1] == "0,,,,"
    assert lines[8] == "7,3.5,73.5,21.0,"
    assert len(lines) == 21


def test_files_of_a_folder_are_one_table(session: Any, tmp_path: Path) -> None:
    """The files come in the order of their names, a header each; another header is an error."""
    for name, start in (("b", 100), ("a", 0), ("c", 200)):
        lines = [f"{k}" for k in range(start, start + (100 if name != "a" else 50))]
        (tmp_path / f"{name}.csv").write_text("\n".join(["x", *lines]) + "\n")
    found, counts = through(Job("2*x", wrt=[]), tmp_path)
    assert counts == Counts(250, 0, "")
    assert [float(line.split(",")[0]) for line in found.decode().splitlines()[1:]] == [
        2.0 * k for k in [*range(50), *range(100, 300)]
    ]
    (tmp_path / "d.csv").write_text("y\n1\n")
    with pytest.raises(UsageError, match="begins with another line"):
        through(Job("2*x"), tmp_path)


@pytest.mark.parametrize("given", ["csv", "parquet"])
def test_a_folder_elsewhere_gets_a_file_for_each_partition(
    session: Any, folder: Path, tmp_path: Path, given: str
) -> None:
    """Spark writes it by itself, with all rows and their count; it is not written over unasked."""
    job = Job("log(x)*y", keep=True, given=given)
    target = f"file://{tmp_path / 'out'}"
    counts = run(job, f"file://{folder / 't.csv'}", target)
    wanted = alone(Job("log(x)*y", keep=True), folder / "t.csv")
    assert (counts.rows, counts.bad) == wanted[1:]
    parts = sorted((tmp_path / "out").glob("part-*"))
    assert len(parts) > 1
    if given == "csv":
        found = [line for part in parts for line in part.read_text().splitlines()[1:]]
        assert sorted(found) == sorted(wanted[0].decode().splitlines()[1:])
    else:
        notes = [row["note"] for part in parts for row in parquet.read_table(part).to_pylist()]
        assert len(notes) == len(set(notes) - {None}) + notes.count(None) == ROWS
    if given == "csv":
        with pytest.raises(FileError, match="exists"):
            run(job, f"file://{folder / 't.csv'}", target)
    else:
        assert run(job, f"file://{folder / 't.csv'}", target, force=True)[:2] == wanted[1:]


@pytest.mark.filterwarnings("ignore")  # what PySpark thinks of the versions of others
def test_a_killed_worker_costs_no_row(session: Any, folder: Path, tmp_path: Path) -> None:
    """A worker killed in the middle of a task, half of it handed over, is replaced, and no row is lost or doubled."""
    function = gradcli.map_in_arrow("log(x)*y", keep=True)
    marks = str(tmp_path)

    def dying(batches: Iterable[Any]) -> Iterator[Any]:
        import os
        import signal

        from pyspark import TaskContext

        context = TaskContext.get()
        for found in function(batches):
            yield found
            if context.attemptNumber() == 0 and context.partitionId() == 1:
                open(f"{marks}/{context.partitionId()}", "w").close()  # noqa: PTH123
                os.kill(os.getpid(), signal.SIGKILL)

    frame = session.read.parquet(str(folder / "t.parquet"))
    wanted = function.batch(parquet.read_table(folder / "t.parquet")).to_pylist()
    for each in (dying, function):
        found = [row.asDict() for row in frame.mapInArrow(each, function.ddl(frame.schema)).collect()]
        assert repr(found) == repr(wanted)
    assert any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "job", "error", "words"),
    [
        ("t.csv", Job("x*z"), UsageError, "has no column 'z'"),
        ("nothing.csv", Job("x"), FileError, "no such file or folder"),
        ("nothing.parquet", Job("x", taken="parquet"), FileError, "no such file or folder"),
        ("t.csv", Job("x", taken="parquet"), FileError, "t.csv"),
        ("_t.csv", Job("x"), FileError, "passes over files"),
        ("t.csv", Job("value", columns={"value": "x"}, prefix="", keep=True, wrt=["q"]), UsageError, "no variable 'q'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    session: Any, folder: Path, name: str, job: Job, error: type[Exception], words: str
) -> None:
    """No trace of Java's, nor of Python's: what, and where."""
    with pytest.raises(error, match=words) as caught:
        through(job, folder / name)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without PySpark, or without Java, the error says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)
    with pytest.raises(UsageError, match="no Java") as caught:
        spark.started()
    assert "apt-get install openjdk-17" in (caught.value.hint or "")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(UsageError, match="pyspark") as caught:
        spark.started()
    assert caught.value.hint == 'pip install "gradcli[spark]"'
