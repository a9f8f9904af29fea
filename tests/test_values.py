"""Values are numbers or constant expressions of our own language, from the command line and from files."""

from __future__ import annotations

import io
import json
import math
import time
import zipfile

import numpy as np
import pytest

from gradcli.cli.arguments import Binding
from gradcli.cli.files import LARGEST, from_files
from gradcli.cli.values import refuse_twice, value
from gradcli.errors import FileError, GradcliError, LimitError, UsageError


def given(text: str) -> Binding:
    """What `--x=…` binds."""
    return Binding("x", text, f"--x={text}")


NUMBERS = [
    ("3", 3.0),
    ("-1", -1.0),
    ("+2", 2.0),
    ("−5", -5.0),
    (" 4 ", 4.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("1e-8", 1e-8),
    ("1E5", 1e5),
    ("1/3", 1 / 3),
    ("-1/4", -0.25),
    ("pi/4", math.pi / 4),
    ("π", math.pi),
    ("e", math.e),
    ("tau", math.tau),
    ("2^-3", 0.125),
    ("-2^2", -4.0),
    ("2**3", 8.0),
    ("3²", 9.0),
    ("sqrt(2)", math.sqrt(2)),
    ("1 < 2", 1.0),
    ("(1+2)*3", 9.0),
    ("inf", math.inf),
    ("+inf", math.inf),
    ("-inf", -math.inf),
    ("Infinity", math.inf),
    ("-Infinity", -math.inf),
    ("1e308", 1e308),
    ("5e-324", 5e-324),
    ("0." + "3" * 5000, 1 / 3),
    ("1" + "0" * 5000 + "/1" + "0" * 5000, None),  # too large on the way, though 1 in the end
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS, ids=lambda x: str(x)[:20])
def test_numbers(text, expected):
    """A value is the double that its expression has in our language."""
    if expected is None:
        with pytest.raises(UsageError, match="larger than any double"):
            value(given(text))
    else:
        assert value(given(text)) == expected


def test_nan_is_a_value():
    """`nan` can be asked for."""
    assert math.isnan(value(given("nan")))


WRONG = [
    # text, message, hint, the text under the caret
    ("", "no value", "--x=3", ""),
    ("  ", "no value", "--x=3", "  "),
    ("abc", "'abc' is not a number", "1.5, -1/4", "abc"),
    ("2*y", "'y' is not a number", "1.5, -1/4", "y"),
    ("1,5", "'1,5' is not a number", "1.5", "1,5"),
    ("-0,25", "'-0,25' is not a number", "-0.25", "-0,25"),
    ("3+-0.1", "no uncertainty", "uncertainties", "+-"),
    ("3 +- 0.1", "no uncertainty", "uncertainties", "+-"),
    ("3±0.1", "no uncertainty", "uncertainties", "±"),
    ("[1,2]", "values are scalars", "--x0=1", "[1,2]"),
    ("[[1,2],[3,4]]", "values are scalars", "--x0=1", "[[1,2],[3,4]]"),
    ("(1,2)", "values are scalars", "--x0=1", "(1,2)"),
    ("0x10", "decimal", "write 16", "0x10"),
    ("-0b11", "decimal", "write -3", "-0b11"),
    ("1_000", "no _", "write 1000", "1_000"),
    ("١٢", "not part of the language", "write 1", "١"),
    ("1e999", "larger than any double", "or is 0 or inf", "1e999"),
    ("1e-999", "smaller than any double", "or is 0 or inf", "1e-999"),
    ("1e999/1e998", "larger than any double", "or is 0 or inf", "1e999"),
    ("1/0", "this value is inf", "write inf", "1/0"),
    ("9^9^9", "this value is inf", "write inf", "9^9^9"),
    ("log(-1)", "this value is nan", "write nan", "log(-1)"),
    ("3x", "multiplication is written with *", "3*x", "3x"),
    ("3 4", "an operator is missing", "3*4", "3 4"),
    ("(1", "never closed", ")", "("),
    ("1+", "ends after '+'", "after it", "+"),
    ("a=3", "one expression", "1.5", "="),
    ("1;2", "one expression", "1.5", ";"),
    ("1#2", "one expression", "1.5", "#"),
    ("1\n2", "one expression", "1.5", "\n"),
    ("__import__('os')", "unknown function", None, "__import__"),
    ("sgrt(2)", "unknown function", "sqrt", "sgrt"),
    ("5%", "not part of the language", "100", "%"),
    ("$x", "not part of the language", "quote", "$"),
    ("1\u202e2", "not part of the language", "invisible", "\u202e"),
]


@pytest.mark.parametrize(("text", "message", "hint", "marked"), WRONG)
def test_what_is_no_number(text, message, hint, marked):
    """Anything else is refused: what is wrong, the place in the user's own words, and what to write."""
    binding = given(text)
    with pytest.raises(UsageError) as caught:
        value(binding)
    error = caught.value
    assert message in error.message
    assert hint is None or hint in (error.hint or "")
    assert error.source == binding.written
    assert error.span is not None
    assert error.source[slice(*error.span)] == marked


def test_a_name_is_given_once():
    """A second value for a name, in whatever spelling, is an error that shows both."""
    with pytest.raises(UsageError, match="x1 is given twice") as caught:
        refuse_twice([Binding("x1", "1", "--x₁=1"), Binding("x1", "1", "--set x1=1")])
    assert caught.value.source == "--x₁=1 --set x1=1"


# ── files of one number ─────────────────────────────────────────────────────────────────────────────────────


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
    ("a.npy", npy(np.float64(2.5)), 2.5),
    ("a.npy", npy(np.array([[3]])), 3.0),
    ("a.npy", npy(np.float32(0.1)), float(np.float32(0.1))),
]


@pytest.mark.parametrize(("name", "content", "expected"), ONE)
def test_one_number_from_a_file(tmp_path, name, content, expected):
    """`--x=@file` reads the one number that a file holds."""
    file = tmp_path / name
    file.write_bytes(content)
    assert value(given(f"@{file}")) == expected


NOT_ONE = [
    ("a.txt", b"", "no number"),
    ("a.txt", b"abc", "'abc' is not a number"),
    ("a.txt", b"1 2", "this holds 2 numbers: values are scalars"),
    ("a.txt", b"1 2 3\n", "this holds 3 numbers: values are scalars"),
    ("a.txt", b"1.5, -2, inf\r\n", "this holds 3 numbers: values are scalars"),
    ("a.txt", b"1\n2\n", "this holds 2 numbers: values are scalars"),
    ("a.txt", b"1,5", "'1,5' is not a number"),
    ("a.txt", b"1 x", "an operator is missing"),
    ("a.txt", b"@b.txt", "command line only"),
    ("a.txt", b"\xff\xfe", "no UTF-8"),
    ("a.csv", b"1,2\n", "this holds 2 numbers: values are scalars"),
    ("a", b"1 2", "this holds 2 numbers: values are scalars"),
    ("a.dat", b"\x80", "no UTF-8"),
    ("a.csv", b"x\n1\n", "one expression"),
    ("a.json", b"[1]", "a list"),
    ("a.json", b"{}", "a table"),
    ("a.json", b"null", "null"),
    ("a.json", b"true", "a truth value"),
    ("a.json", b"NaN", "JSON has no NaN"),
    ("a.json", b"1e999", "larger than any double"),
    ("a.json", b"{", "line 1 column 2"),
    ("a.json", b"[" * 100_000, "too deeply"),
    ("a.npy", npy(np.array([1.0, 2.0])), "2 numbers"),
    ("a.npy", npy(np.array(1j)), "complex128"),
    ("a.npy", npy(np.array("x")), "not a number"),
    ("a.npy", npy(np.array([{}])), "no NPY file of numbers"),
    ("a.npy", b"\x93NUMPY\x01\x00v\x00", "no NPY file of numbers"),
    ("a.npy", b"", "no NPY file of numbers"),
    ("a.npy", headed("("), "no NPY file of numbers"),
    ("a.npy", headed("[" * 8_999), "no NPY file of numbers"),
    ("a.npy", headed("{'descr': '<f8', 'fortran_order': False, 'shape': (1" + "0" * 40 + ",)}"), "no NPY file of"),
    ("a.npy", headed("{'descr': '<f8', 'fortran_order': False, 'shape': (1L,)}"), "no NPY file of numbers"),
]


@pytest.mark.parametrize(("name", "content", "message"), NOT_ONE, ids=lambda x: str(x)[:30])
def test_a_file_of_something_else(tmp_path, name, content, message):
    """A file that holds no single number is an error that names the file; nothing is ever unpickled."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(FileError, match=r".") as caught:
        value(given(f"@{file}"))
    assert message in caught.value.message
    assert str(file) in caught.value.message


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


@pytest.mark.parametrize("name", ["weights.pkl", "v.npz", "v.TOML"])
def test_an_unknown_kind_of_file(name):
    """A file whose ending says that it holds something else than a number is not read."""
    with pytest.raises(UsageError, match=r"kind of file") as caught:
        value(given(f"@{name}"))
    assert ".txt, .csv, .json, .npy" in (caught.value.hint or "")


# ── files of many values ────────────────────────────────────────────────────────────────────────────────────


def npz(**arrays) -> bytes:
    """The bytes of an NPZ file."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def bomb() -> bytes:
    """A small archive that would unpack to more than is read."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
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
    ("v.npz", npz(x=np.float64(3), y=np.array([0.25])), {"x": 3, "y": 0.25}),
]


@pytest.mark.parametrize(("name", "content", "expected"), MANY)
def test_many_values_from_a_file(tmp_path, name, content, expected):
    """`--vars` reads names and values; text is an expression of constants."""
    file = tmp_path / name
    file.write_bytes(content)
    assert from_files([str(file)]) == expected


FAULTY = [
    ("v.json", b'{"x": NaN}', "JSON has no NaN"),
    ("v.json", b'{"x": Infinity}', "JSON has no Infinity"),
    ("v.json", b'{"x": 1e999}', "'x': this number is larger"),
    ("v.json", b'{"x": 1, "x": 2}', "'x' is given twice"),
    ("v.json", '{"x1": 1, "x₁": 2}'.encode(), "'x1' is given here too"),
    ("v.json", b'{"x": [1]}', "'x': this is a list"),
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
    ("v.npz", npz(x=np.array([1.0, 2.0])), "'x': this holds 2 numbers"),
    ("v.npz", npz(x=np.array([{}], dtype=object)), "no NPZ file of numbers"),
    ("v.toml", b"x = 1" + b"0" * 6_000, "larger than any double"),
    ("v.toml", b"x = 0x1" + b"0" * 6_000, "larger than any double"),
    ("v.toml", b"a." * 400_000 + b"a = 1", "more than 100 dots"),
    ("v.toml", b'x = {"\\"" . ' + b"'a' .\t" * 150 + b"a = 1}", "more than 100 dots"),
    ("v.json", b'{"' + b"k" * 500_000 + b'": 1, "' + b"k" * 500_000 + b'": 2}', "k…' is given twice"),
    ("v.json", b"{" + b",".join(b'"k%d": 1' % k for k in range(60_000)) + b', "k59999": 2}', "'k59999' is given twice"),
    ("v.npz", packed_npy(headed("(" * 8_999)), "no NPZ file of numbers"),
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
