"""Values in files: numbers, vectors and matrices as text, JSON or NumPy's own formats, and tables of them."""

from __future__ import annotations

import io
import json
import math
import pickle
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from gradcli.cli import inputs
from gradcli.cli.arguments import Binding
from gradcli.cli.files import from_files
from gradcli.cli.values import value
from gradcli.errors import FileError, GradcliError, LimitError, UsageError
from gradcli.reading.documents import LARGEST, LARGEST_TOML


def given(text: str) -> Binding:
    """What `--x=…` binds."""
    return Binding("x", text, f"--x={text}")


@contextmanager
def allocating_less_than(most: int) -> Iterator[None]:
    """What happens inside never has more bytes at once than this."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


# ── files of one value ──────────────────────────────────────────────────────────────────────────────────────


def npy(array) -> bytes:
    """The bytes of an NPY file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def headed(header: str) -> bytes:
    """An NPY file with this header, and nothing behind it."""
    return b"\x93NUMPY\x02\x00" + (len(header) + 1).to_bytes(4, "little") + header.encode() + b"\n"


def packed_npy(content: bytes) -> bytes:
    """An NPZ file whose one member has these bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.npy", content)
    return stream.getvalue()


def npz(**arrays) -> bytes:
    """The bytes of an NPZ file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


ONE = [
    ("a.txt", b"0.5\n", 0.5),
    ("a.txt", b"\xef\xbb\xbf-1/4\r\n", -0.25),
    ("a", b"0.25\n", 0.25),
    ("a.dat", b"1/8", 0.125),
    ("a.csv", b"1e-3\n", 1e-3),
    ("a.csv", b'"7"\n', 7.0),
    ("a.json", b" 3 ", 3.0),
    ("a.JSON", b"-1.5e3", -1500.0),
    ("a.json", b'"pi/4"', math.pi / 4),
    ("a.txt", b"1 + 2", 3.0),
    ("a.txt", b"max(1, 2)  # the larger\n", 2.0),
    ("a.txt", b"[5, 6][1]", 6.0),
    ("a.npy", npy(np.float64(2.5)), 2.5),
    ("a.npy", npy(np.float32(0.1)), float(np.float32(0.1))),
]


@pytest.mark.parametrize(("name", "content", "expected"), ONE)
def test_one_number_from_a_file(tmp_path, name, content, expected):
    """`--x=@file` reads the one number that a file holds."""
    file = tmp_path / name
    file.write_bytes(content)
    found = value(given(f"@{file}"))
    assert type(found) is float
    assert found == expected


LISTS = [
    ("a.csv", b"1,2,3\n", [1, 2, 3]),
    ("a.csv", b"1\n2\n3\n", [1, 2, 3]),
    ("a.csv", b"1,2\n3,4\n", [[1, 2], [3, 4]]),
    ("a.csv", b"\xef\xbb\xbf1,2\r\n\r\n3,4", [[1, 2], [3, 4]]),
    ("a.csv", b"1;-.5\n3;4e-1\n", [[1, -0.5], [3, 0.4]]),
    ("a.csv", b"1\t2\n3\t4", [[1, 2], [3, 4]]),
    ("a.csv", b"1 2 3", [1, 2, 3]),
    ("a.csv", b"1,5\n", [1, 5]),
    ("a.csv", b"# all weights\n1, 2 # the first\n\n3, pi/4\n", [[1, 2], [3, math.pi / 4]]),
    ("a.csv", b'"1","max(2, 3)"\n"3","4"\n', [[1, 3], [3, 4]]),
    ("a.csv", b"1,inf\n-inf,0\n", [[1, math.inf], [-math.inf, 0]]),
    ("a.csv", "1,−2".encode(), [1, -2]),
    ("a.tsv", b"1\t2\n3\t4", [[1, 2], [3, 4]]),
    ("a.txt", b"1.0e+00 2.0e+00\n3.0e+00 4.0e+00\n", [[1, 2], [3, 4]]),
    ("a.txt", b"1.5, 2.5", [1.5, 2.5]),
    ("a.txt", b"1,2,3", [1, 2, 3]),
    ("a.txt", b"1/3 pi/4\t2", [1 / 3, math.pi / 4, 2]),
    ("a.txt", b"[[1, 2],\n [3, 1/4]]\n", [[1, 2], [3, 0.25]]),
    ("a", b"1 2", [1, 2]),
    ("a.json", b"[1]", [1]),
    ("a.json", b"[[1, 2.5], [-3e2, 0]]", [[1, 2.5], [-300, 0]]),
    ("a.json", b'[["1/3", "inf"], ["-pi", 4]]', [[1 / 3, math.inf], [-math.pi, 4]]),
    ("a.json", b"[[[1], [2]]]", [[[1], [2]]]),
    ("a.npy", npy(np.array([[3]])), [[3]]),
    ("a.npy", npy(np.arange(6).reshape(2, 3)), [[0, 1, 2], [3, 4, 5]]),
    ("a.npy", npy(np.asfortranarray(np.arange(6.0).reshape(2, 3))), [[0, 1, 2], [3, 4, 5]]),
    ("a.npy", npy(np.array([0.1, 2], dtype=">f4")), [float(np.float32(0.1)), 2]),
    ("a.npy", npy(np.array([0.1], dtype=np.float16)), [float(np.float16(0.1))]),
    ("a.npy", npy(np.array([1, 255], dtype=np.uint8)), [1, 255]),
    ("a.npy", npy(np.array([2**53 + 1])), [2.0**53]),
    ("a.npy", npy(np.array([np.longdouble(1) / 3])), [1 / 3]),
    ("a.npy", npy(np.array([math.inf])), [math.inf]),
]


@pytest.mark.parametrize(("name", "content", "expected"), LISTS, ids=lambda x: str(x)[:30])
def test_lists_from_a_file(tmp_path, name, content, expected):
    """One line or one column is a vector, several lines are a matrix; JSON and NPY keep their shape."""
    file = tmp_path / name
    file.write_bytes(content)
    found = value(given(f"@{file}"))
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    assert found.flags["C_CONTIGUOUS"]
    assert found.tolist() == expected


@pytest.mark.parametrize("delimiter", [" ", ",", ";", "\t"])
def test_what_numpy_writes(tmp_path, delimiter):
    """`numpy.savetxt` and back loses no digit, nan and infinities included."""
    table = np.random.default_rng(3).normal(size=(20, 7)) * 10.0 ** np.arange(-9, 5, 2)
    table[3, 4], table[5, 6], table[0, 0] = math.nan, -math.inf, 0
    file = tmp_path / "w.csv"
    np.savetxt(file, table, delimiter=delimiter, fmt="%.17g", header="weights\nof two layers")
    assert np.array_equal(value(given(f"@{file}")), table, equal_nan=True)


NOT_ONE = [
    ("a.txt", b"", "no number"),
    ("a.txt", b"abc", "'abc' is not a number"),
    ("a.txt", b"1,5", "'1,5' is not a number"),
    ("a.txt", b"@b.txt", "command line only"),
    ("a.txt", b"\xff\xfe", "no UTF-8"),
    ("a.dat", b"\x80", "no UTF-8"),
    ("a.json", b"null", "null"),
    ("a.json", b"true", "a truth value"),
    ("a.json", b"NaN", "JSON has no NaN"),
    ("a.json", b"1e999", "larger than any double"),
    ("a.json", b"{", "line 1 column 2"),
    ("a.json", b"[" * 100_000, "too deeply"),
    ("a.npy", b"\x93NUMPY\x01\x00v\x00", "no NPY file of numbers"),
    ("a.npy", b"", "no NPY file of numbers"),
    ("a.npy", headed("("), "no NPY file of numbers"),
    ("a.npy", headed("[" * 8_999), "no NPY file of numbers"),
    ("a.npy", headed("{'descr': '<f8', 'fortran_order': False, 'shape': (1" + "0" * 40 + ",)}"), "no NPY file of"),
    ("a.npy", headed("{'descr': '<f8', 'fortran_order': False, 'shape': (1L,)}"), "no NPY file of numbers"),
    # cells, with their line and column
    ("a.csv", b"1,abc\n", "line 1, column 2: 'abc' is not a number"),
    ("a.csv", b"1,2\n\n3,2*x\n", "line 3, column 2: 'x' is not a number"),
    ("a.txt", b"1 x 3", "line 1, column 2: 'x' is not a number"),
    ("a.csv", b"x,y\n1,2\n", "line 1 holds names, not numbers: 'x', 'y'"),
    ("a.csv", b'"x (m)","t"\n1,2\n', "line 1 holds names, not numbers: 'x (m)', 't'"),
    ("a.csv", b"x\n1\n", "line 1 holds names, not numbers: 'x'"),
    ("a.csv", b"a,1\nb,2\n", "line 1, column 1: 'a' is not a number"),
    ("a.csv", b"1,2\n3\n", "line 2 has 1 entry, line 1 has 2"),
    ("a.csv", b"1,2\n3,4,\n", "line 2 has 3 entries, line 1 has 2"),
    ("a.txt", b"1 2 3\n\n4 5\n", "line 3 has 2 entries, line 1 has 3"),
    ("a.csv", b"1,2\n3,\n", "line 2, column 2: this cell is empty"),
    ("a.csv", b"1,,2\n", "line 1, column 2: this cell is empty"),
    ("a.csv", b"1;2\n3;4,5\n", "line 2, column 2: '4,5' is not a number"),
    ("a.txt", b"1,5 2,5\n", "line 1, column 1: '1,5' is not a number"),
    ("a.txt", b"1,5\n2,5\n", "line 1, column 1: '1,5' is not a number"),
    ("a.csv", b"2026-01-31,3\n", "line 1, column 1: '2026-01-31' is a date"),
    ("a.csv", b"3,31/01/2026\n", "line 1, column 2: '31/01/2026' is a date"),
    ("a.csv", b"1,1e999\n", "line 1, column 2: this number is larger than any double"),
    ("a.csv", b"1e-999,1\n", "line 1, column 1: this number is smaller than any double"),
    ("a.csv", b"1,1_0\n", "line 1, column 2: a number has no _"),
    ("a.csv", b"1,0x10\n", "line 1, column 2: numbers are written in decimal"),
    ("a.csv", "1,١\n".encode(), "line 1, column 2: '١' (ARABIC-INDIC DIGIT ONE) is not part of the language"),
    ("a.csv", b"1,@b.csv\n", "line 1, column 2: a file is named on the command line only"),
    ("a.csv", b"1,1/0\n", "line 1, column 2: this value is inf"),
    ("a.csv", b"# nothing\n\n", "no number"),
    ("a.csv", b'""\n', "line 1, column 1: this cell is empty"),
    ("a.csv", b'"' + b"1" * 200_000 + b'"', "line 1: field larger than"),
    ("a.txt", b"[[1, 2],\n [3, x]]", "line 2: 'x' is not a number"),
    ("a.txt", b"[[1, 2],\n [3]]", "line 2: row 2 has 1 entry, row 1 has 2"),
    ("a.txt", b"[1. 2.]", "line 1: a comma is missing"),
    # JSON, with the path
    ("a.json", b"[[1, 2], [3]]", "[1]: this list has 1 entry, [0] has 2"),
    ("a.json", b"[1, [2]]", "[1]: numbers and lists are mixed"),
    ("a.json", b"[[1, 2], [3, null]]", "[1][1]: this is null, not a number"),
    ("a.json", b'[[1, 2], ["x", 3]]', "[1][0]: 'x' is not a number"),
    ("a.json", b'["1,2", 3]', "[0]: '1,2' is not a number"),
    ("a.json", b"[1, true]", "[1]: this is a truth value, not a number"),
    ("a.json", b'[1, {"a": 2}]', "[1]: this is a table, not a number"),
    ("a.json", b"[0, 1e999]", "[1]: this number is larger than any double"),
    ("a.json", b"[0, 1e-999]", "[1]: this number is smaller than any double"),
    ("a.json", b"[]", "at least one entry"),
    ("a.json", b"[[], []]", "[0]: a list has at least one entry"),
    ("a.json", b'"[1, 2]"', "this is text"),
    ("a.json", b"[1 2]", "line 1 column 4"),
    # NPY
    ("a.npy", npy(np.array(1j)), "complex numbers (complex128)"),
    ("a.npy", npy(np.array("x")), "text (<U1)"),
    ("a.npy", npy(np.array([True])), "truth values (bool)"),
    ("a.npy", npy(np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])), "records"),
    ("a.npy", npy(np.array(["2026-01-31"], dtype="M8[D]")), "no numbers (datetime64[D])"),
    ("a.npy", npy(np.array([{}])), "pickled objects, which are never read"),
    ("a.npy", pickle.dumps(np.ones(2)), "this is pickled"),
    ("a.npy", npz(x=np.ones(2)), "an NPZ file of several arrays"),
    ("a.npy", npy(np.zeros((0, 3))), "no numbers: its shape is (0, 3)"),
    ("a.npy", npy(np.arange(6.0))[:-3], "48 bytes, and 45 follow"),
    ("a.npy", npy(np.arange(6.0)) + b"x", "48 bytes, and 49 follow"),
    ("a.npy", npy(np.array([np.longdouble("1e4000")])), "larger than any double"),
    ("a.npy", headed("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}") + bytes(8), "no NPY file of"),
]


@pytest.mark.parametrize(("name", "content", "message"), NOT_ONE, ids=lambda x: str(x)[:30])
def test_a_file_of_something_else(tmp_path, name, content, message):
    """What is no array of real numbers is an error that names the file and the place in it; nothing is unpickled."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(FileError, match=r".") as caught:
        value(given(f"@{file}"))
    assert message in caught.value.message
    assert str(file) in caught.value.message


def test_the_place_in_a_file_is_shown(tmp_path):
    """The line stands under the message, with a caret at the cell."""
    file = tmp_path / "w.csv"
    file.write_text("1, 2\n3, abc\n")
    with pytest.raises(FileError) as caught:
        value(given(f"@{file}"))
    assert caught.value.block().splitlines()[1:] == [
        "  3, abc",
        "     ^^^",
        "hint: a value is made of numbers: 1.5, -1/4, pi/4, 1e-8",
    ]


LONG = [
    ("a.csv", b"0," * 2_000_000 + b"0"),
    ("a.txt", b"0\n" * 2_000_001),
    ("a.txt", b"\n" * 4_000_001 + b"0"),
    ("a.txt", b"[" * 40),
    ("a.json", b"[" + b"0," * 2_000_000 + b"0]"),
    ("a.json", b"[" * 40 + b"]" * 40),
    ("a.npy", npy(np.zeros(2_000_001, dtype=np.int8))),
    ("a.npy", headed("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 33 + ")}") + bytes(8)),
]


@pytest.mark.parametrize(("name", "content"), LONG, ids=lambda x: str(x)[:20])
def test_files_beyond_the_limits(tmp_path, name, content):
    """More than 2,000,000 numbers, or more than 32 axes, end with status 5."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(LimitError) as caught:
        value(given(f"@{file}"))
    assert str(file) in caught.value.message


def test_a_header_that_promises_too_much(tmp_path):
    """What a header says is not allocated."""
    file = tmp_path / "w.npy"
    file.write_bytes(headed("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000)}"))
    with allocating_less_than(4_000_000), pytest.raises(FileError, match="and 0 follow"):
        value(given(f"@{file}"))


def test_all_values_together_are_bounded():
    """Two arrays that are small enough alone can be too many together."""
    with pytest.raises(LimitError, match="3,000,000 entries together"):
        inputs.refuse_many({"x": np.zeros(1_500_000), "y": np.zeros(1_500_000)})


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, a folder, a path that cannot be, an endless file: each its own words."""
    large = tmp_path / "large.txt"
    large.write_bytes(b"1" * (LARGEST + 1))
    (tmp_path / "folder.txt").mkdir()
    for name, kind, message in [
        (str(tmp_path / "none.txt"), FileError, "no such file"),
        (str(tmp_path / "folder.txt"), FileError, "is a directory"),
        ("a\0b.txt", FileError, "no path"),
        (str(large), LimitError, "larger than"),
    ]:
        with pytest.raises(kind) as caught:
            value(given(f"@{name}"))
        assert message in caught.value.message


@pytest.mark.parametrize(
    ("name", "hint"),
    [("weights.pkl", ".txt, .csv, .tsv, .json, .npy"), ("v.npz", "--vars v.npz"), ("v.TOML", "--vars v.TOML")],
)
def test_an_unknown_kind_of_file(name, hint):
    """A file whose ending says that it holds something else than a value is not read."""
    with pytest.raises(UsageError) as caught:
        value(given(f"@{name}"))
    assert hint in (caught.value.hint or "")


# ── files of many values ────────────────────────────────────────────────────────────────────────────────────


def bomb(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A small archive that would unpack to more than is read."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        packed.writestr("x.npy", b"\0" * (LARGEST + 1))
    return stream.getvalue()


MANY = [
    (
        "v.json",
        b'{"x": 3, "y": -0.5, "z": "1/3", "\\u03b8": 1e-3}',
        {"x": 3, "y": -0.5, "z": 1 / 3, "θ": 1e-3},
    ),
    ("v.json", b'{"x": 1' + b"0" * 300 + b"}", {"x": 1e300}),
    ("v.json", '{"x₁": 1, "format": 2}'.encode(), {"x1": 1, "format": 2}),
    ("v.json", b'{"x": "inf"}', {"x": math.inf}),
    (
        "v.toml",
        b'x = 3\ny = -0.5\nz = "pi/4"\nk = 1_000\nf = 1_000.5',
        {"x": 3, "y": -0.5, "z": math.pi / 4, "k": 1000, "f": 1000.5},
    ),
    ("v.toml", b"x = -inf", {"x": -math.inf}),
    ("v.npz", npz(x=np.float64(3), y=np.array([0.25])), {"x": 3, "y": [0.25]}),
    ("v.npz", npz(W=np.asfortranarray([[1.0, 2], [3, 4]])), {"W": [[1, 2], [3, 4]]}),
    ("v.json", b'{"W": [[1, 2], ["1/4", -3]], "b": 1}', {"W": [[1, 2], [0.25, -3]], "b": 1}),
    ("v.toml", b'W = [[1, 2.5], ["1/4", -inf]]\nx = [1_0]', {"W": [[1, 2.5], [0.25, -math.inf]], "x": [10]}),
]


@pytest.mark.parametrize(("name", "content", "expected"), MANY)
def test_many_values_from_a_file(tmp_path, name, content, expected):
    """`--vars` reads names and values, and lists of values; text is an expression of constants."""
    file = tmp_path / name
    file.write_bytes(content)
    found = from_files([str(file)])
    assert {key: entry if isinstance(entry, float) else entry.tolist() for key, entry in found.items()} == expected


FAULTY = [
    ("v.json", b'{"x": NaN}', "JSON has no NaN"),
    ("v.json", b'{"x": Infinity}', "JSON has no Infinity"),
    ("v.json", b'{"x": 1e999}', "'x': this number is larger"),
    ("v.json", b'{"x": 1, "x": 2}', "'x' is given twice"),
    ("v.json", '{"x1": 1, "x₁": 2}'.encode(), "'x1' is given here too"),
    ("v.json", b'{"W": [[1, 2], [3, 4], [5, null]]}', "'W[2][1]': this is null"),
    ("v.json", b'{"W": [[1, 2], [3]]}', "'W[1]': this list has 1 entry, 'W[0]' has 2"),
    ("v.json", b'{"W": []}', "'W': a list has at least one entry"),
    ("v.json", b'{"W": "[1, 2]"}', "'W': this is text"),
    ("v.toml", b"x = [1, true]", "'x[1]': this is a truth value"),
    ("v.toml", b"x = [0, 0x1" + b"0" * 400 + b"]", "'x[1]': this number is larger than any double"),
    ("v.json", b'{"x": {"y": 1}}', "'x': this is a table"),
    ("v.json", b'{"x": true}', "'x': this is a truth value"),
    ("v.json", b'{"x": null}', "'x': this is null"),
    ("v.json", b'{"x": "@a.txt"}', "'x': a file is named on the command line only"),
    ("v.json", b'{"x": "1,5"}', "'x': '1,5' is not a number"),
    ("v.json", b'{"x": "1_0"}', "'x': a number has no _"),
    ("v.json", b'{"x": ""}', "'x': there is no number here"),
    ("v.json", b'{"2x": 1}', "'2x' cannot be the name"),
    ("v.json", b"[1, 2]", "holds no names"),
    ("v.json", b"", "expecting value"),
    ("v.json", b'{"x":' * 100_000, "too deeply"),
    ("v.toml", b"x = ", "invalid value"),
    ("v.toml", b"x = 1\nx = 2", "cannot overwrite"),
    ("v.toml", b"x = 1979-05-27", "'x': this is a date"),
    ("v.toml", b"[x]\ny = 1", "'x': this is a table"),
    ("v.toml", b"x = " + b"[" * 100_000, "too deeply"),
    ("v.npz", npz(x=np.array([1j])), "'x': this holds complex numbers"),
    ("v.npz", npz(x=np.array([{}], dtype=object)), "'x': this holds pickled objects, which are never read"),
    ("v.npz", packed_npy(npy(np.ones(3))[:-1]), "'x': this is no NPY file of numbers"),
    ("v.toml", b"x = 1" + b"0" * 6_000, "larger than any double"),
    ("v.toml", b"x = 0x1" + b"0" * 6_000, "larger than any double"),
    ("v.toml", b"a." * 400_000 + b"a = 1", "more than 100 dots"),
    ("v.toml", b'x = {"\\"" . ' + b"'a' .\t" * 150 + b"a = 1}", "more than 100 dots"),
    ("v.json", b'{"' + b"k" * 500_000 + b'": 1, "' + b"k" * 500_000 + b'": 2}', "k…' is given twice"),
    ("v.json", b"{" + b",".join(b'"k%d": 1' % k for k in range(60_000)) + b', "k59999": 2}', "'k59999' is given twice"),
    ("v.npz", packed_npy(headed("(" * 8_999)), "'x': this is no NPY file of numbers"),
    ("v.npz", b"PK", "no NPZ file of numbers"),
    ("v.npz", npy(np.float64(3)), "no NPZ file of numbers"),
]


@pytest.mark.parametrize(("name", "content", "message"), FAULTY, ids=lambda x: str(x)[:30])
def test_faults_in_a_file_of_values(tmp_path, name, content, message):
    """A fault carries the file and the key; JSON is strict."""
    file = tmp_path / name
    file.write_bytes(content)
    begun = time.process_time()
    with pytest.raises(FileError) as caught:
        from_files([str(file)])
    assert message in caught.value.message
    assert str(file) in caught.value.message
    assert len(caught.value.message) < 500
    assert time.process_time() - begun < 5  # none takes the square of its file's length


def test_an_archive_that_unpacks_too_large(tmp_path):
    """The unpacked size is what counts."""
    file = tmp_path / "v.npz"
    file.write_bytes(bomb())
    assert file.stat().st_size < LARGEST / 100
    with pytest.raises(LimitError, match="unpacked"):
        from_files([str(file)])


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_lies_about_its_size(tmp_path, method):
    """An archive whose directory promises 100 bytes is read no further; other packings than NumPy's not at all."""
    file = tmp_path / "v.npz"
    file.write_bytes(bomb(method).replace((LARGEST + 1).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with allocating_less_than(4_000_000), pytest.raises(FileError):
        from_files([str(file)])


def test_a_name_that_an_archive_has_twice(tmp_path):
    """Neither of two members of one name is chosen silently."""
    file = tmp_path / "v.npz"
    with zipfile.ZipFile(file, "w") as packed, pytest.warns(UserWarning, match="Duplicate"):
        for number in (1, 2):
            packed.writestr("x.npy", npy(np.float64(number)))
    with pytest.raises(FileError, match="'x' is given twice"):
        from_files([str(file)])


def test_a_large_toml_file(tmp_path):
    """TOML is for small tables."""
    file = tmp_path / "v.toml"
    file.write_text("x = [" + "1," * (LARGEST_TOML // 2) + "1]")
    with pytest.raises(LimitError, match="1,048,576 bytes"):
        from_files([str(file)])


def test_two_files_with_one_name(tmp_path):
    """Two files may not give one name; the message has both."""
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for file in (first, second):
        file.write_text(json.dumps({"x": 1}))
    with pytest.raises(FileError) as caught:
        from_files([str(first), str(second)])
    assert str(first) in caught.value.message
    assert str(second) in caught.value.message


def test_an_unknown_kind_of_values_file():
    """`--vars` reads what it says."""
    with pytest.raises(GradcliError, match="kind of file") as caught:
        from_files(["values.yaml"])
    assert caught.value.hint == "--vars reads .json, .toml, .npz"


@pytest.mark.parametrize(
    ("name", "data"), [("a.json", b'{"x": 1}'), ("a.toml", b"x = 1"), ("a.npz", npz(x=np.ones(2)))]
)
def test_a_file_of_names_is_the_same_mistake_in_every_format(tmp_path, name, data):
    """It is the wrong option, not a wrong file: the hint names the right one."""
    place = tmp_path / name
    place.write_bytes(data)
    with pytest.raises(UsageError, match="holds names and values") as caught:
        value(Binding("x", f"@{place}", f"--x=@{place}"))
    assert caught.value.hint == f"read it with --vars {place}"
    assert caught.value.span
