"""`--dtype`: what storage of another precision holds, and which digits its kernels reach.

Expected numbers come from the C library's conversions (`struct`), NumPy's, and bits cut off a float32; tolerances from
torch.testing.assert_close's documentation.
"""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from gradcli.cli import run
from gradcli.cli.dtypes import DTYPES, changes, reached, said, stored
from gradcli.errors import UsageError

FLOAT32, FLOAT16, BFLOAT16 = DTYPES["float32"], DTYPES["float16"], DTYPES["bfloat16"]

ROUNDED = [
    # value, float32, float16, bfloat16; the first four rows as PyTorch prints them
    (0.1, 0.10000000149011612, 0.0999755859375, 0.10009765625),
    (1 / 3, 0.3333333432674408, 0.333251953125, 0.333984375),
    (math.pi, 3.1415927410125732, 3.140625, 3.140625),
    (1e-8, 9.99999993922529e-09, 0.0, 1.0011717677116394e-08),
    (1 + 2**-11, 1 + 2**-11, 1.0, 1.0),  # a tie of float16 goes to the even
    (1 + 3 * 2**-11, 1 + 3 * 2**-11, 1 + 2**-9, 1.0),
    (1 + 2**-8, 1 + 2**-8, 1 + 2**-8, 1.0),  # a tie of bfloat16
    (1 + 3 * 2**-8, 1 + 3 * 2**-8, 1 + 3 * 2**-8, 1 + 2**-6),
    (1 + 2**-8 + 2**-40, 1 + 2**-8, 1 + 2**-8, 1 + 2**-7),  # no tie: rounded once, from the double
    (2**-25, 2**-25, 0.0, 2**-25),
    (3 * 2**-25, 3 * 2**-25, 2**-23, 3 * 2**-25),
    (-0.0, -0.0, -0.0, -0.0),
    (-1e-300, -0.0, -0.0, -0.0),
    (65519.99, 65519.98828125, 65504.0, 65536.0),
    (math.inf, math.inf, math.inf, math.inf),
    (-math.inf, -math.inf, -math.inf, -math.inf),
]


@pytest.mark.parametrize("row", ROUNDED, ids=lambda row: str(row[0]))
def test_stored(row):
    """Storage holds the nearest number of its format, ties to even, alone or in an array."""
    for dtype, expected in zip((FLOAT32, FLOAT16, BFLOAT16), row[1:], strict=True):
        for found in (stored(row[0], dtype), stored(np.array([[row[0]]]), dtype)[0, 0]):
            assert found == expected
            assert math.copysign(1, found) == math.copysign(1, expected)


def many() -> np.ndarray:
    """Numbers of all sizes that float16 holds, its subnormal ones among them, and nan."""
    rng = np.random.default_rng(7)
    sizes = rng.normal(size=4000) * 10.0 ** rng.uniform(-9, 4, 4000)
    return np.concatenate([sizes[np.abs(sizes) < 65504], 2.0**-24 * rng.uniform(0, 8, 200), [math.nan]])


@pytest.mark.parametrize(("dtype", "code"), [(FLOAT32, "f"), (FLOAT16, "e")])
def test_as_the_c_library_converts(dtype, code):
    """Every double goes where IEEE 754's conversion puts it."""
    numbers = many()
    expected = [struct.unpack(code, struct.pack(code, x))[0] for x in numbers]
    assert np.array_equal(stored(numbers, dtype), expected, equal_nan=True)
    assert np.array_equal([stored(float(x), dtype) for x in numbers], expected, equal_nan=True)


def test_as_bits_of_float32_say():
    """bfloat16 is float32 without its last 16 bits, rounded to the even of those that are left."""
    numbers = many().astype(np.float32)[:-1]
    bits = numbers.view(np.uint32)
    kept = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    expected = kept.astype(np.uint32).view(np.float32).astype(float)
    assert stored(numbers.astype(float), BFLOAT16).tolist() == expected.tolist()


OVERFLOWS = [
    # value, format, message, hint
    (70000.0, FLOAT16, "x is 70000, larger than any float16 (65504)", "float32 or bfloat16"),
    (65520.0, FLOAT16, "x is 65520, larger than any float16 (65504)", "float32 or bfloat16"),
    (-1e40, FLOAT32, "x is -1e40, larger than any float32 (about 3.4e38)", "leave --dtype out"),
    (3.4e38, BFLOAT16, "x is 3.4e38, larger than any bfloat16 (about 3.4e38)", "choose float32"),
    (
        np.array([[1.0, 2.0], [3.0, 7e4]]),
        FLOAT16,
        "x[1,1] is 70000, larger than any float16 (65504)",
        "float32 or bfloat16",
    ),
]


@pytest.mark.parametrize(("value", "dtype", "message", "hint"), OVERFLOWS)
def test_overflow_is_an_error(value, dtype, message, hint):
    """What a format cannot hold is refused by name, never stored as inf."""
    with pytest.raises(UsageError) as caught:
        stored(value, dtype, "x")
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")


TOLERANCES = {
    # rtol, atol, eps, largest, digits: the table of assert_close, and torch.finfo
    "float32": (1.3e-6, 1e-5, 1.1920928955078125e-07, 3.4028234663852886e38, 5),
    "float16": (1e-3, 1e-5, 0.0009765625, 65504.0, 3),
    "bfloat16": (1.6e-2, 1e-5, 0.0078125, 3.3895313892515355e38, 1),
}


@pytest.mark.parametrize("name", TOLERANCES)
def test_formats(name):
    """The rows say what PyTorch says."""
    dtype = DTYPES[name]
    assert (dtype.rtol, dtype.atol, 2.0 ** (1 - dtype.bits), dtype.largest, dtype.digits) == TOLERANCES[name]


REACHED = [
    # value, float32, float16, bfloat16: the tolerance is atol + rtol·|value|
    (1.0, "1.0000", "1.00", "1.0"),
    (math.pi, "3.1416", "3.14", "3.1"),
    (-0.001234567, "-0.0012", "-0.0012", "-0.0012"),
    (0.0, "none", "none", "none"),
    (1e-7, "none", "none", "none"),
    (123456789.0, "1.23457e8", "1.23e8", "1.2e8"),
    (math.inf, "inf", "inf", "inf"),
]


@pytest.mark.parametrize("row", REACHED, ids=lambda row: str(row[0]))
def test_reached(row):
    """The digits of an answer that are larger than its tolerance."""
    assert tuple(reached(row[0], dtype) for dtype in (FLOAT32, FLOAT16, BFLOAT16)) == row[1:]


def test_said():
    """The sentences name what changed, by how much, and what the answers are good for."""
    before = {"x": 0.1, "W": np.array([[0.1, 0.5], [1e-9, math.nan]]), "b": 1.0, "n": math.nan}
    after = {name: stored(value, FLOAT16, name) for name, value in before.items()}
    assert said(FLOAT16, changes(before, after), {"value": 0.116, "dx": 0.6359}) == [
        "inputs as float16 stores them: x = 0.0999755859375; W in 2 of 4 entries (by up to 0.0002 of each, 1 became 0)",
        "a float16 kernel can be expected to reach about 3 digits of these (torch.testing.assert_close: rtol 0.001, "
        "atol 1e-5), here value 0.116, dx 0.636",
    ]
    assert said(BFLOAT16, {})[0] == "inputs as bfloat16 stores them: every value is held exactly"


# ── on the command line ─────────────────────────────────────────────────────────────────────────────────────


def test_eval_takes_the_stored_values(capsys):
    """The numbers are those of the stored input, exactly, and a note says what was stored and what to expect."""
    assert run(["eval", "3*x", "--x=0.1", "--dtype", "float16", "--get", "value"]) == 0
    printed = capsys.readouterr()
    assert float(printed.out) == 3 * 0.0999755859375
    assert "note: inputs as float16 stores them: x = 0.0999755859375\n" in printed.err
    assert "about 3 digits" in printed.err
    assert "here value 0.300, dx 3.00" in printed.err


def test_eval_takes_stored_arrays(capsys):
    """Entries are stored one by one, and so is the upstream gradient."""
    words = ["--x=[0.1, 0.5]", "--dout=[1, 0.1]", "--dtype=bfloat16", "--get", "value", "--get", "dx"]
    assert run(["eval", "x", *words]) == 0
    assert capsys.readouterr().out == "[0.10009765625,0.5]\n[1,0.10009765625]\n"


OPTIONS = [
    (["--x=70000", "--dtype=float16"], "x is 70000, larger than any float16 (65504)"),
    (["--x=[1,-70000]", "--dtype=float16"], "x[1] is -70000, larger than any float16 (65504)"),
    (["--x=1", "--dtype=flaot16"], "did you mean float16?"),
]


@pytest.mark.parametrize(("words", "message"), OPTIONS)
def test_eval_refuses(words, message, capsys):
    """What cannot be stored, and a format that is none, end with status 2."""
    assert run(["eval", "sum(x)", *words]) == 2
    assert message in capsys.readouterr().err


RANGES = [
    # words, what is said of the range, the answers; float16 has 6e-8 to 65504, e^20 is 4.85e8
    (["sum(exp(x))", "--x=[1,20]"], "exp(x) at x[1] = 20 is 4.85e8, beyond float16's 65504", "none, dx [2.72, none]"),
    (["1e-9*y", "--y=2"], "1e-9*y at y = 2 is 2e-9, below float16's smallest, 5.96e-8", "value none, dy none"),
    (["y+1e-9*x", "--y=2", "--x=3"], "1e-9*x at x = 3 is 3e-9, below", "value 2.00, dy 1.00, dx none"),
    (["1e-6*exp(x)", "--x=12"], "exp(x) at x = 12 is 1.63e5, beyond", "value none, dx none"),
    (["x^4", "--x=15"], "", "value 5.06e4, dx 1.35e4"),
    (["x^4", "--x=16"], "x^4 at x = 16 is 6.55e4, beyond float16's 65504: a float16 kernel gives inf", "value none"),
    (["(x*1e-6)*1e6", "--x=70"], "∂f/∂n1 is 1e6, beyond", "value 70.0, dx none"),
    (["max(x*1e6, 3)", "--x=-1"], "x*1e6 at x = -1 is -1e6, beyond", "value 3.00, dx none"),
]


@pytest.mark.parametrize(("words", "told", "answers"), RANGES)
def test_no_digits_beyond_the_range(words, told, answers, capsys):
    """What no kernel of the format can hold is named, and what depends on it is promised no digits."""
    assert run(["eval", *words, "--dtype=float16", "--format=plain", "--no-verify"]) == 0
    notes = capsys.readouterr().err
    assert told in notes
    assert ("beyond" in notes or "below" in notes) == bool(told)
    assert answers in notes


def test_no_digits_of_derivatives_beyond_the_range(capsys):
    """Of a whole matrix, no entry is promised where a node is beyond the format, nor one that is itself."""
    assert run(["jacobian", "exp(x)", "--x=[1,20]", "--dtype=float16", "--no-verify"]) == 0
    assert "value [2.72, none], jac.f[0].x[0] none" in " ".join(capsys.readouterr().out.split())
    assert run(["hessian", "x^3*1e-3", "--x=2", "--dtype=float16", "--no-verify"]) == 0
    assert "value 0.0080, hess.x.x 0.0120" in " ".join(capsys.readouterr().out.split())
