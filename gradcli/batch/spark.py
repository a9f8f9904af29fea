"""Tables that outgrow one machine: the same plan on Apache Spark, on whatever session there is.

Spark cuts the table's files into splits, whose results are made in pieces (spark_work.py). One file gets the pieces in
the order of the files and their splits; a folder elsewhere gets a file for each of Spark's partitions. Text is UTF-8.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple

from gradcli import errors
from gradcli.batch import formats
from gradcli.batch.spark_work import PATH, PIECES, START, Job, Work, plain, tabled, unpacked
from gradcli.errors import FileError, UsageError, clipped, uncapitalised

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Counts", "Job", "run"]

OPEN_QUOTE = "(length(value) - length(replace(value, '\"', ''))) % 2 = 1"
"""That a line of text ends within a quoted cell."""

WHOLE = 1 << 60
"""Bytes of a split where files are not to be cut."""

JAVA = "Spark needs Java 17: apt-get install openjdk-17-jre-headless"

QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
"""Settings of a session of our own."""


class Counts(NamedTuple):
    """How many rows there were, how many of them bad, and what is wrong with the first of these."""

    rows: int
    bad: int
    first: str = ""


def run(job: Job, table: str, target: str | BinaryIO, *, force: bool = False) -> Counts:
    """A job over a file, or a folder of files, here or elsewhere (hdfs://…, s3a://…).

    target: one file, or a stream of bytes; elsewhere a folder.   force: whether what stands there is written over.
    Errors: UsageError, also where Spark or Java is missing; FileError; ExpressionError.
    """
    job.plan()
    session = started()
    with warnings.catch_warnings(), told(session, table):
        warnings.simplefilter("ignore")  # what PySpark thinks of the versions of others
        if isinstance(target, str) and "://" in target:
            return to_folder(session, job, table, target, force)
        if not isinstance(target, str):
            return to_stream(session, job, table, target)
        from gradcli.writing import opened

        with opened(target, force) as stream:
            return to_stream(session, job, table, stream.buffer)  # type: ignore[attr-defined] # a file has one


def started() -> SparkSession:
    """The session there is, or one on this machine.

    Errors: UsageError.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("--engine spark needs the package pyspark", hint='pip install "gradcli[spark]"') from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    given = "PYSPARK_GATEWAY_PORT" in os.environ or SparkSession.getActiveSession() is not None  # by spark-submit
    home = os.environ.get("JAVA_HOME")
    if not given and not (shutil.which("java") or (home and os.access(os.path.join(home, "bin", "java"), os.X_OK))):  # noqa: PTH118
        raise UsageError("there is no Java on this machine", hint=JAVA)
    if given:
        return SparkSession.builder.appName("gradcli").getOrCreate()
    builder = SparkSession.builder.appName("gradcli")
    for name, value in QUIET.items():
        builder = builder.config(name, value)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with tempfile.TemporaryFile() as log:
        try:
            with errors_into(log):
                session = builder.getOrCreate()
        except Exception as error:  # what Py4J raises where the JVM does not start is of many kinds
            log.seek(0)
            why = log.read().decode("utf-8", "replace").strip().splitlines()
            raise UsageError(f"Spark did not start: {why[-1].strip() if why else said(error)}", hint=JAVA) from None
    session.sparkContext.setLogLevel("OFF")
    return session


@contextmanager
def errors_into(log: IO[bytes]) -> Iterator[None]:
    """Let what this process starts write to a file what it would to standard error, now and later.

    What is wrong with a job reaches us as an exception; what the JVM has to say of itself is for nobody here.
    """
    sys.stderr.flush()
    before = os.dup(2)
    try:
        os.dup2(log.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)


def to_stream(session: SparkSession, job: Job, table: str, sink: BinaryIO) -> Counts:
    """The results as one file, whose pieces come through this process one after the other."""
    from pyspark import StorageLevel

    frame, work = prepared(session, job, table)
    written = formats.writer(job.given, job.plan().layout(work.header, table), sink)
    pieces = frame.mapInArrow(work.pieces, PIECES).persist(StorageLevel.DISK_ONLY)
    try:
        keys = pieces.select("path", "start", "number", "rows", "bad", "first").collect()  # makes all of them
        order = [key[:3] for key in keys]
        ordered = pieces if order == sorted(order) else pieces.orderBy("path", "start", "number")
        for piece in ordered.select("content").toLocalIterator(prefetchPartitions=True):
            content = bytes(piece.content)
            written.put(unpacked(content) if job.given == "parquet" else content)
        written.end()
    finally:
        pieces.unpersist()
    first = next((key["first"] for key in sorted(keys) if key["first"]), "")
    return Counts(sum(key["rows"] for key in keys), sum(key["bad"] for key in keys), first)


def to_folder(session: SparkSession, job: Job, table: str, target: str, force: bool) -> Counts:
    """The results as a folder, in which each of Spark's partitions is a file."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.types import to_arrow_schema

    frame, work = prepared(session, job, table)
    seen = Observation("gradcli")
    error = job.plan().results[-1]
    if job.given == "parquet":
        rows, bad = f.count(f.lit(1)), f.count(f.col(f"`{error}`"))
        types = typed(work, frame)
        work.schema = to_arrow_schema(types)
        made = frame.mapInArrow(work.tables, types).observe(seen, rows.alias("rows"), bad.alias("bad"))
        made.write.parquet(target, mode="overwrite" if force else "errorifexists")
    else:
        rows, bad = f.sum("rows"), f.sum("bad")
        made = frame.mapInArrow(work.texts, "value string, rows bigint, bad bigint")
        made = made.observe(seen, rows.alias("rows"), bad.alias("bad")).select("value")
        made.write.mode("overwrite" if force else "errorifexists").text(target, lineSep="\n")
    return Counts(seen.get["rows"] or 0, seen.get["bad"] or 0)


def prepared(session: SparkSession, job: Job, table: str) -> tuple[DataFrame, Work]:
    """The table as Spark reads it, with the split of each row last; and the work to be done on it.

    Errors: FileError for a table without a header; UsageError for a column that is missing.
    """
    from pyspark.sql import functions as f

    name = PurePath(table).name
    if name.startswith(("_", ".")):
        raise FileError(f"{table}: Spark passes over files whose names begin with {name[0]}", hint="rename it")
    if os.path.exists(table):  # noqa: PTH110 - it may be elsewhere
        table = re.sub(r"([*?{}\[\]\\])", r"\\\1", table)  # which Spark takes as patterns of names
    split = f.col("_metadata.file_path").alias(PATH), f.col("_metadata.file_block_start").alias(START)
    plan = job.plan()
    if job.taken == "parquet":
        read = session.read.parquet(table)
        places = plan.bound(read.columns, table)
        plan.layout(read.columns, table)
        header = read.columns if job.keep else [read.columns[place] for place in dict.fromkeys(places)]
        return read.select(*(f.col(f"`{name.replace('`', '``')}`") for name in header), *split), Work(job, header)
    lines = session.read.option("lineSep", "\n").text(table).select("value", *split)
    text = job.taken != "ndjson"
    if text and lines.where(OPEN_QUOTE).limit(1).count():
        session.conf.set(SPLIT, str(WHOLE))  # a record may go on over a line, and so over the end of a split
    sample = [row.value for row in lines.where(f.col(START) == 0).limit(1 if text else SAMPLE).collect()]
    beginning = "".join(f"{plain(line)}\n" for line in sample).encode()
    header = tabled(iter([beginning]), job.taken, table, job.names).names
    plan.bound(header, table)
    plan.layout(header, table)
    return lines, Work(job, header, plain(sample[0]) if text and job.names is None else None)


def typed(work: Work, frame: DataFrame) -> Any:
    """The types of the results' columns, as Spark has them."""
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    layout = work.job.plan().layout(work.header, "")
    found = []
    for k, name in enumerate(layout.own):
        kind = frame.schema.fields[k].dataType if work.job.taken == "parquet" else StringType()
        found.append(StructField(name, DoubleType() if k in layout.numbers and kind == StringType() else kind))
    *numbers, error = layout.results
    found += [StructField(name, DoubleType()) for name in numbers]
    return StructType([*found, StructField(error, StringType())])


@contextmanager
def told(session: SparkSession, table: str) -> Iterator[None]:
    """What Spark says as an error of ours; its settings are afterwards what they were."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    split = session.conf.get(SPLIT) or str(WHOLE)
    try:
        yield
    except (PySparkException, Py4JError) as error:
        text = str(error)
        ours = re.search(r"gradcli\.errors\.(\w+): (.*)", text)
        if ours is not None:
            raise getattr(errors, ours[1], FileError)(ours[2]) from None
        if "PATH_ALREADY_EXISTS" in text:
            raise FileError("the folder for the results exists", hint="--force writes over what is there") from None
        if "PATH_NOT_FOUND" in text:
            raise FileError(f"{table}: no such file or folder", hint="is the path right?") from None
        module = re.search(r"No module named '([\w.]+)'", text)
        if module is not None:
            raise UsageError(
                f"Spark's workers have no {module[1]}",
                hint='pip install "gradcli[spark]" where they run, or --conf spark.pyspark.python=… names their Python',
            ) from None
        raise FileError(f"{table}: Spark says: {said(error)}") from None
    finally:
        session.conf.set(SPLIT, split)


def said(error: Exception) -> str:
    """The line of a foreign error that says what is wrong: of Python's the last, else the first."""
    text = str(error)
    raised = re.search(r"^((?:\w+\.)*\w*(?:Error|Exception)\b.*)$", text, re.MULTILINE) if "Traceback" in text else None
    lines = [raised[1]] if raised else [line.strip() for line in text.splitlines() if line.strip()]
    return clipped(uncapitalised(lines[0].rstrip("."))) if lines else type(error).__name__


SPLIT = "spark.sql.files.maxPartitionBytes"

SAMPLE = 10_000
"""Lines of NDJSON whose keys are the columns."""
