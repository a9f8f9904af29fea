"""Bad input to `gradcli batch`: every fault is named with its place and what to try, and no row is lost or doubled."""

from __future__ import annotations

import csv
import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradcli.batch import delimited, splitting
from gradcli.batch import run as loop
from gradcli.batch.plan import Plan
from gradcli.batch.sources import Source
from gradcli.cli import run
from gradcli.engines.formula import formula
from gradcli.errors import LimitError

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "gradcli", "batch"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
ENGINES = ["python", "numpy", "polars"]


@pytest.fixture
def batch(capsysbinary, monkeypatch, tmp_path):
    """Run `gradcli batch` in an empty folder: words and a piped table → (status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, table: str | bytes = "") -> tuple[int, str, str]:
        data = table.encode() if isinstance(table, str) else table
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = run(["batch", *words])
        out, err = capsysbinary.readouterr()
        return status, out.decode("utf-8", "surrogateescape"), err.decode()

    return call


REFUSED = [
    # what is wrong, words, table, status, what is said
    ("no header", ["x*y"], "1,2\n3,4\n", 2, ["no column 'x'", "--no-header --columns x,y"]),
    ("no number", ["[x,y]"], "x,y\n1,2\n", 2, ["the output is no scalar but (2,)"]),
    ("shapes", ["sum([x,y]*W)", "--W=[1,2,3]"], "x,y\n1,2\n", 2, ["(2,) * (3,): lengths 2 and 3 do not match"]),
    ("a column missing", ["x*prise"], "x,price\n1,2\n", 2, ["no column 'prise'", 'did you mean --col prise="price"?']),
    ("another case", ["x"], "X\n1\n", 2, ['did you mean --col x="X"?', "its columns: X"]),
    ("a column doubled", ["x*y"], "x,y,x\n1,2,3\n", 2, ["two columns are called 'x', number 1 and number 3"]),
    ("doubled but for blanks", ["x"], "x, x\n1,2\n", 2, ["two columns are called 'x'"]),
    ("semicolons", ["x*y"], "x;y\n1;2\n", 2, ["its columns: x;y", "no semicolon"]),
    ("tabs", ["x*y"], "x\ty\n1\t2\n", 2, ["--input-format tsv"]),
    ("JSON", ["x"], '{"x":1}\n', 2, ["--input-format ndjson"]),
    ("no bytes", ["x"], "", 4, ["the table is empty", "its first line names the columns"]),
    ("blank lines alone", ["x"], "\n\r\n\n", 4, ["the table is empty"]),
    ("UTF-16 without a mark", ["x"], "x,y\n1,2\n".encode("utf-16-le"), 4, ["NUL bytes", "--encoding utf-16"]),
    ("CP949", ["x", "--col=x=단가"], "단가\n1\n".encode("cp949"), 4, ["no text in UTF-8", "--encoding cp949"]),
    ("another encoding", ["x", "--encoding=ascii"], "x\n1\né\n", 4, ["line 3 is no text in ascii", "--encoding"]),
    ("half a character", ["x", "--encoding=utf-16"], b"x\0\n\0\0\xdc1\0", 4, ["no text in utf-16"]),
    ("no encoding", ["x", "--encoding=utf8x"], "x\n1\n", 2, ["no encoding 'utf8x'", "such as utf-8"]),
    ("a codec of bytes", ["x", "--encoding=hex"], "x\n1\n", 2, ["no encoding 'hex'"]),
    ("a header that is none", ["x"], 'x,"y\n1,2\n', 4, ["line 1", "the quote that opens cell 2 is not closed"]),
    ("gzip", ["x"], b"\x1f\x8b\x08\0\0\0", 4, ["compressed by gzip", "gunzip -c"]),
    ("a workbook", ["x"], b"PK\x03\x04\x14\0\n", 4, ["archive", "save the table as CSV"]),
    ("Parquet", ["x"], b"PAR1\x15\x04\n", 4, ["--input-format parquet"]),
    ("two columns for one", ["x", "--col=x=a", "--col=x=b"], "a,b\n1,2\n", 2, ["--col gives 'x' two columns"]),
    ("a column for none", ["x", "--col=z=a"], "x,a\n1,2\n", 2, ["no variable 'z'", 'did you mean --col x="a"?']),
    ("a column and a value", ["x", "--col=x=a", "--x=1"], "a\n1\n", 2, ["x has a value, and --col gives it a column"]),
    ("no such column", ["x", "--col=x=unit"], "a\n1\n", 2, ["no column 'unit'", "its columns: a"]),
    ("a constant as a column", ["x*e"], "x,e\n1,2\n", 2, ["e is the constant 2.718281828459045", "--col e=e"]),
    ("a constant in a power", ["e^x"], "x, e\n1,2\n", 2, ["--e=2.718281828459045 the constant"]),
    ("a missing column called as an option", ["format"], "x\n1\n", 2, ["no column 'format'", "--col format="]),
    ("half a --col", ["x", "--col=x"], "a\n1\n", 2, ["--col takes name=value"]),
    ("an unknown gradient", ["x", "--wrt=z"], "x\n1\n", 2, ["no variable 'z'"]),
    ("names beside a header", ["x", "--columns=x"], "x\n1\n", 2, ["add --no-header"]),
    ("no names", ["x", "--no-header"], "1\n", 2, ["such as --columns x,y"]),
    ("a name that is kept", ["x", "--keep"], "x,value\n1,2\n", 2, ["a column 'value' already", "--prefix out_"]),
    ("no such format", ["x", "--format=cvs"], "x\n1\n", 2, ["did you mean csv?"]),
    ("an ending that says nothing", ["x", "-o", "out.txt"], "x\n1\n", 2, ["does not say what format", "--format"]),
    ("a folder to write", ["x", "-o", "."], "x\n1\n", 4, [".: a folder", "name a file in it"]),
    ("a folder to read", ["x", "."], "", 4, ["is a directory"]),
    ("no such file", ["x", "none.csv"], "", 4, ["none.csv: no such file", "is the path right?"]),
    ("two tables", ["x", "a.csv", "b.csv"], "", 2, ["more than one table"]),
    ("no rows to prove", ["x", "--verify=0"], "x\n1\n", 2, ["a whole number from 1"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "table", "status", "said"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_what_is_refused(batch, words, table, status, said):
    """A table or a line that cannot be read ends with its status, what is wrong, and what to try; nothing comes out."""
    ended, out, err = batch(*words, table=table)
    assert (ended, out) == (status, "")
    assert err.startswith("error: ")
    assert "hint: " in err or "is a directory" in err
    assert [part for part in said if part not in err] == []


def test_no_table(monkeypatch, capsys):
    """Without a file and with a terminal as standard input there is no table: it says how to give one."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stdin in (Terminal(), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run(["batch", "x"]) == 2
        assert "no table: name a file, or pipe one in" in capsys.readouterr().err


FINE = [
    # what is odd, words, table
    ("a byte-order mark", [], "\ufeffx,y\n3,2\n5,4\n"),
    ("UTF-16 with a mark", [], "x,y\n3,2\n5,4\n".encode("utf-16")),
    ("UTF-16 without one", ["--encoding=utf-16"], "x,y\n3,2\n5,4\n".encode("utf-16-be")),
    ("UTF-32", [], "x,y\n3,2\n5,4\n".encode("utf-32")),
    ("CP949", ["--encoding=cp949", "--col=x=단가"], "단가,y\n3,2\n5,4\n".encode("cp949")),
    ("blanks in the header", [], " x ,\ty\n3,2\n5,4\n"),
    ("CRLF", [], "x,y\r\n3,2\r\n5,4\r\n"),
    ("CR", [], "x,y\r3,2\r5,4\r"),
    ("blank lines", [], "\n\r\nx,y\n\n3,2\n\r\n5,4\n\n\n"),
    ("no new line at the end", [], "x,y\n3,2\n5,4"),
    ("quotes", [], '"x","y"\n"3","2"\n"5","4"'),
    ("other columns", [], 'a,x,"b\n""c""",y\n"1,\n2",3,"q",2\n5",5,,4\n'),
    ("a column called as a file begins", [], "PAR1,x,y\n1,3,2\n1,5,4\n"),
    ("a column doubled that is not used", [], "a,a,x,y\n1,1,3,2\n1,1,5,4\n"),
    ("numbers of all kinds", [], "x,y\n +3.,2e0\t\n5.0E+0000,.4e1\n"),
    ("very long digits", [], f"x,y\n3.{'0' * 5000},2\n5,{'0' * 5000}4\n"),
    ("no header", ["--no-header", "--columns=x,y"], "3,2\n5,4\n"),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("words", "table"), [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_what_is_taken(batch, words, table, engine):
    """What is odd but has one meaning is read as that, by every engine."""
    expected = "value,grad_x,grad_y,error\n6.0,2.0,3.0,\n20.0,4.0,5.0,\n"
    assert batch("x*y", "--engine", engine, *words, table=table) == (0, expected, "")


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_a_header_alone(batch, form):
    """A table without rows gives the header alone; without a header, too."""
    line = "value,grad_x,error\n".replace(",", "\t" if form == "tsv" else ",")
    for words, table in ((["x"], "x"), (["x"], "x\n"), (["x", "--no-header", "--columns=x"], "")):
        assert batch(*words, f"--format={form}", f"--input-format={form}", table=table) == (0, line, "")


CELLS = [
    # a cell, its number or what is wrong
    ("1_000", "x is no number: '1_000'; write 1000"),
    ('"1,000,000"', "x is no number: '1,000,000'; write 1000000"),
    ('"1,5"', "x is no number: '1,5'; a decimal point is a ."),
    ("1 000", "x is no number: '1 000'; write 1000"),
    ("١٢", "x is no number: '١٢'; digits are 0 to 9"),
    ("²", "x is no number: '²'"),
    ("0x10", "x is no number: '0x10'"),
    ("1e", "x is no number: '1e'"),
    ("1/3", "x is no number: '1/3'"),
    ("true", "x is no number: 'true'"),
    ("NA", "x is no number: 'NA'"),
    ("1\0", "x is no number: '1\\x00'"),
    ("1\x1b[31m", "x is no number: '1\\x1b[31m'"),
    ("=1+1", "x is no number: '=1+1'"),
    ("", "x is empty"),
    ("  ", "x is empty"),
    ("1e400", "x is larger than any double: 1e400"),
    ("-1e400", "x is larger than any double: -1e400"),
    ("9" * 400, f"x is larger than any double: {'9' * 39}…"),
    ("nan", "x is nan"),
    ("-inf", "x is given as -inf"),
    ("1e-400", 0.0),
    ("-.5", -0.5),
    ("0.1e1", 1.0),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_cells(batch, engine):
    """What is a number and what is none is the same for every engine, and said in the row, which keeps its place."""
    table = "s,x\n" + "".join(f"{k},{cell}\n" for k, (cell, _) in enumerate(CELLS))
    status, out, err = batch("x*1", "--keep", "--engine", engine, table=table)
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert status == 3
    assert [int(row["s"]) for row in rows] == list(range(len(CELLS)))
    for row, (_, expected) in zip(rows, CELLS, strict=True):
        if isinstance(expected, float):
            assert (float(row["value"]), row["grad_x"], row["error"]) == (expected, "1.0", "")
        else:
            assert row["error"] == expected
    bad = sum(isinstance(expected, str) for _, expected in CELLS)
    assert err == f"warning: {bad} of {len(CELLS)} rows have no result; line 2: {CELLS[0][1]}\n"


RAGGED = """x,y
1
1,2,3
2,3
,
1,"a
3,4
"5"6,7
5,6
7,"8

9,9
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_are_none(batch, engine):
    """Too few cells or too many, and quotes that are never closed or closed too early, are each one row: its line."""
    status, out, err = (
        batch("x*y", "--wrt=", "--engine", engine, table=RAGGED)
        if False
        else batch("x*y", "--wrt=x", "--engine", engine, table=RAGGED)
    )
    rows = [(row["value"], row["error"]) for row in csv.DictReader(io.StringIO(out))]
    assert rows == [
        ("", "the row has 1 cell, the header 2"),
        ("", "the row has 3 cells, the header 2"),
        ("6.0", ""),
        ("", "x is empty"),
        ("", "the quote that opens cell 2 is not closed: \"a"),
        ("12.0", ""),
        ("", 'text follows the closing quote of cell 1: "5"6,7'),
        ("30.0", ""),
        ("", 'the quote that opens cell 2 is not closed: "8'),
        ("81.0", ""),
    ]  # fmt: skip
    assert status == 3 and "6 of 10 rows have no result; line 2: the row has 1 cell" in err


ODD = (
    *("1", "2.5", "-3", "1e308", "1e400", "", "nan", "inf", " 4 ", "\t5", "1_0", "1,5", '"6"', '"1,5"', '"a\nb"'),
    *('"a""b"', '7"', '"8', "=1", "+9", "١", "\x0c1", "\u00a03", "0x1", "1e-400", '"', '""', '"1"2', "\r", "3\r"),
    *("\0", "-0", "00012", "1.", "e5", "infinity", "-nan", "1" * 400, "\ufeff1", "é", "1\u2028", "\x1c1"),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_engines_agree_about_any_table(batch, seed):
    """Tables of odd cells and rows: every engine writes the same bytes and says the same, line for line."""
    chance = random.Random(seed)  # noqa: S311 - seeded, no secret
    plain, rows = chance.random(), []
    for _ in range(chance.randrange(1, 25)):
        width = 2 if chance.random() < 0.9 else chance.randrange(5)
        rows.append([str(chance.randrange(9)) if chance.random() < plain else chance.choice(ODD) for _ in range(width)])
    table = "x,y\n" + chance.choice(["\n", "\r\n"]).join(map(",".join, rows)) + chance.choice(["", "\n"])
    for words in ([], ["--keep"], ["--keep", "--null"], ["--aggregate=sum"]):
        first, *others = [batch("x*y", *words, "--engine", engine, table=table) for engine in ENGINES]
        assert others == [first, first]


def pieces(text: bytes, size: int, delimiter: str = ",") -> list[tuple[list[str], bool]]:
    """The records of a text that comes in pieces: their cells, and whether they are faulty."""
    parts = iter([text[k : k + size] for k in range(0, len(text), size)])
    found = [
        each
        for block in delimited.blocks(lambda: next(parts, b""), "", delimiter=delimiter)
        for each in splitting.exactly(block.text.decode(), delimiter)
    ]
    return [(cells, bool(fault)) for _, cells, fault in found if cells or fault]


@pytest.mark.parametrize("seed", range(8))
def test_where_a_piece_ends_changes_nothing(seed):
    """Any text has the same records whatever the pieces it comes in; those of Python's csv where that reads it."""
    chance = random.Random(seed)  # noqa: S311 - seeded, no secret
    for _ in range(150):
        text = "".join(
            chance.choices(['"', '""', ",", "\n", "\r\n", "\r", "a", "1", ',"', '",'], k=chance.randrange(30))
        )
        whole = pieces(text.encode(), 10_000)
        assert all(pieces(text.encode(), size) == whole for size in (1, 2, 5))
        try:
            expected = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            assert any(faulty for _, faulty in whole)
        else:
            assert whole == [(cells, False) for cells in expected if cells]


def test_no_row_is_lost_behind_a_quote(batch, monkeypatch):
    """A quote that is never closed takes its own line alone, however much follows, and lines keep their numbers."""
    for module in (delimited, splitting):
        monkeypatch.setattr(module, "LONGEST", 1000)
    rows = "".join(f"{k},{k}\n" for k in range(2, 2000))
    status, out, err = batch("x*y", "--wrt=x", table=f'x,y\n1,"1\n{rows}a,1\n')
    values = [row["value"] for row in csv.DictReader(io.StringIO(out))]
    assert status == 3 and values == ["", *(f"{float(k * k)!r}" for k in range(2, 2000)), ""]
    assert "2 of 2000 rows" in err.replace(",", "") and "line 2: the quote that opens cell 2" in err


def test_lines_without_end():
    """A line that never ends is given up after LONGEST bytes, with as much memory as that; so is a quoted one."""
    for start in (b"x,y\n1,", b'x,y\n1,"'):
        given = [start]

        def read(given: list[bytes] = given) -> bytes:
            given.append(b"1" * (1 << 20))
            return given[0] if len(given) == 2 else given[-1]

        with pytest.raises(LimitError, match="a pipe: line 2 is longer than 16,777,216 bytes"):
            list(delimited.Table(Source(read, "a pipe", None), "csv").blocks())
        assert len(given) < 20


def test_a_line_that_is_too_long(batch, monkeypatch):
    """It is a limit: exit 5, with its number and a question."""
    for module in (delimited, splitting):
        monkeypatch.setattr(module, "LONGEST", 1000)
    status, out, err = batch("x", table="x\n1\n" + "2" * 300_000)
    assert status == 5 and out == "value,grad_x,error\n1.0,1.0,\n"
    assert "standard input: line 3 is longer than 1,000 bytes" in err and "hint: is this a table" in err


def test_strict(batch, tmp_path):
    """The first bad row ends it, with its line: rows before it are on standard output, and no file is written."""
    table = "x,y\n1,2\n\n3,log\n5,6\n"
    for engine in ENGINES:
        status, out, err = batch("x*y", "--strict", "--engine", engine, table=table)
        assert (status, out) == (3, "value,grad_x,grad_y,error\n2.0,2.0,1.0,\n")
        assert err.startswith("error: standard input: line 4: y is no number: 'log'\nhint: without --strict")
        assert batch("x*y", "--strict", "--engine", engine, "-o", "out.csv", table=table)[0] == 3
    assert list(tmp_path.iterdir()) == []


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_table_as_its_own_output(batch, tmp_path):
    """A file may be written over itself when that is asked for, and only then."""
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "2\n" * 100_000)
    status, _, err = batch("x^2", str(path), "-o", str(path))
    assert status == 4 and "the file exists" in err and path.read_text().startswith("x\n2\n")
    assert batch("x^2", str(path), "-o", str(path), "--force") == (0, "", "")
    assert path.read_text() == "value,grad_x,error\n" + "4.0,4.0,\n" * 100_000
    assert [each.name for each in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(batch, tmp_path):
    """A file without permission is named."""
    path = tmp_path / "x.csv"
    path.write_text("x\n1\n")
    path.chmod(0)
    status, _, err = batch("x", str(path))
    assert status == 4 and "x.csv: permission denied" in err


def shell(line: str, folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    """A line in bash, with `batch` being ours; its last words are the statuses of a pipe."""
    script = f'batch() {{ {" ".join(COMMAND)} "$@"; }}; {line}; echo "${{PIPESTATUS[@]}}" >&2'
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False, **more,
    )  # fmt: skip


RESULT = "value,grad_x,error\n9.0,6.0,\n"

LINES = [
    # a line of a shell, standard output, what standard error ends with
    ("batch x^2 <(printf 'x\\n3\\n')", RESULT, "0\n"),
    ("printf 'x\\n3\\n' | batch x^2 /dev/stdin", RESULT, "0 0\n"),
    ("printf 'x\\n3\\n' | batch x^2 -", RESULT, "0 0\n"),
    ("printf 'x\\n3\\n' > x.csv; batch x^2 < x.csv", RESULT, "0\n"),
    ("mkfifo f; (printf 'x\\n3\\n' > f &); batch x^2 f", RESULT, "0\n"),
    ("printf 'x\\n3\\n' | batch x^2 -o -", RESULT, "0 0\n"),
    ("printf 'x\\n3\\n' | batch x^2 -o /dev/null --force", "", "0 0\n"),
    ("printf 'x\\n3\\n' | batch x^2 > /dev/full", "", "output could not be written: no space left on device\n0 4\n"),
    ("printf 'x\\n3\\n' | batch x^2 -o /dev/full --force", "", "error: /dev/full: no space left on device\n0 4\n"),
    ("(echo x; yes 3) | batch x^2 | head -2", RESULT, "141 0 0\n"),
    ("batch x^2 <&-", "", "2\n"),
]  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs bash and devices")
@pytest.mark.parametrize(("line", "out", "err"), LINES, ids=[row[0] for row in LINES])
def test_in_a_shell(tmp_path, line, out, err):
    """Pipes of every kind are tables; a full disk is an error, and a reader that goes away is none."""
    done = shell(line, tmp_path)
    assert done.stdout == out
    assert done.stderr.endswith(err)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs limits of a process")
def test_a_disk_that_is_full(tmp_path):
    """Where a file cannot be written to its end, there is none, and nothing else is left."""
    import resource

    table = "x\n" + "3\n" * 20_000
    done = subprocess.run(
        [*COMMAND, "x^2", "-o", "out.csv"],
        cwd=tmp_path, env=ENVIRONMENT, input=table, capture_output=True, text=True, timeout=60, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )  # fmt: skip
    assert done.returncode == 4 and done.stderr == "error: out.csv: file too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGINT)])
def test_an_interrupt_in_mid_write(tmp_path, number):
    """Ctrl-C, or what asks the process to end, while a file is written: exit 130, no file under its name, none left."""
    process = subprocess.Popen([*COMMAND, "x^2", "-o", "out.csv"], cwd=tmp_path, env=ENVIRONMENT, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"x\n" + b"3\n" * 1000)
    process.stdin.flush()
    end = time.monotonic() + 30
    while not any(path.stat().st_size > 5000 for path in tmp_path.iterdir()) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(30) == 130
    process.stdin.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_that_waits_for_each_answer(engine):
    """Each line, the header too, is answered at once: a program may write one, read its answer, and go on."""
    process = subprocess.Popen(
        [*COMMAND, "x^2", "--engine", engine], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"x\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"value,grad_x,error\n"
    for number in range(1, 6):
        process.stdin.write(b"%d\n" % number)
        process.stdin.flush()
        assert process.stdout.readline() == b"%.1f,%.1f,\n" % (number**2, 2 * number)
    assert process.communicate() == (b"", None) and process.returncode == 0


@pytest.mark.parametrize(("lines", "engines"), [(1, {"floats"}), (100, {"floats", "frames"})])
def test_lines_that_come_one_by_one_stay_with_plain_floats(monkeypatch, lines, engines):
    """However many there were: another engine takes longer for a few rows than floats, and is for those that wait."""
    used = set()

    def counted(name):
        before = getattr(loop, f"by_{name}")

        def call(*given):
            used.add({"rows": "floats"}.get(name, name))
            return before(*given)

        monkeypatch.setattr(loop, f"by_{name}", call)

    counted("rows"), counted("frames")
    monkeypatch.setattr(loop, "CROSSOVER", 0)
    pieces = iter([b"x\n", *[b"3\n" * lines] * 20])
    table = delimited.Table(Source(lambda: next(pieces, b""), "a pipe", None), "csv")
    sink, plan = io.BytesIO(), Plan(formula("x^2"))
    loop.run(table, plan, delimited.Writer(plan.layout(["x"], "a pipe"), sink, "csv"), loop.Count("a pipe"))
    assert sink.getvalue() == b"value,grad_x,error\n" + b"9.0,6.0,\n" * lines * 20
    assert used == engines
