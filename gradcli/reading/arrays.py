"""Arrays in NumPy's own files, NPY and NPZ.

Nothing is ever unpickled, and nothing is allocated because a header says so: a file holds what it has room for.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gradcli.errors import FileError, GradcliError, LimitError, brief
from gradcli.literals import DEEPEST, MOST

if TYPE_CHECKING:
    from gradcli.reading.values import Value

MAGIC = b"\x93NUMPY"
ZIPPED = b"PK"
PICKLED = (b"\x80", b"cnumpy", b"(lp")
"""How pickles of arrays and lists begin."""

OTHERS = {"c": "complex numbers", "b": "truth values", "U": "text", "S": "text", "V": "records"}
"""What NumPy stores besides real numbers, by the letter of its kind."""

AS_NUMBERS = "save it as numbers: numpy.save(file, array.astype(float))"


def from_npy(data: bytes, place: str) -> Value:
    """The number or array in the bytes of an NPY file.

    place: the file, and the name in it, for errors.
    Errors: FileError; LimitError.
    """
    held = stored(data, place)
    with numpy_reading(place, "NPY") as np:
        with np.errstate(over="ignore"):
            numbers = held.astype(np.float64)
        if np.isinf(numbers).sum() > np.isinf(held).sum():
            raise FileError(f"{place}: a number here is larger than any double (about 1.8e308)")
        if not held.shape:
            return float(numbers)
        found: Value = np.ascontiguousarray(numbers)
        return found


def stored(data: bytes, place: str) -> Any:
    """The array in the bytes of an NPY file, of real numbers in its own type.

    Errors: FileError; LimitError.
    """
    if data.startswith(ZIPPED):
        raise FileError(f"{place}: this is an NPZ file of several arrays", hint="read it with --vars, as file.npz")
    if data.startswith(PICKLED):
        raise FileError(f"{place}: this is pickled, and a pickle can run any code: it is not read", hint=AS_NUMBERS)
    if not data.startswith(MAGIC):
        raise FileError(f"{place}: this is no NPY file of numbers", hint="numpy.save writes one")
    with numpy_reading(place, "NPY") as np:
        shape, by_columns, kind, start = header(data)
        if kind.hasobject:
            raise FileError(f"{place}: this holds pickled objects, which are never read", hint=AS_NUMBERS)
        if kind.kind not in "iuf":
            what = OTHERS.get(kind.kind, "no numbers")
            hint = AS_NUMBERS if kind.kind in "bUS" else "gradcli computes with real numbers"
            raise FileError(f"{place}: this holds {what} ({brief(str(kind))})", hint=hint)
        count = 1
        for length in shape:
            count *= length
        if count * kind.itemsize != len(data) - start:
            said = f"its header promises {brief(str(count * kind.itemsize))} bytes, and {len(data) - start} follow"
            raise FileError(f"{place}: this is no NPY file of numbers ({said})", hint="was it copied in full?")
        if count == 0:
            raise FileError(f"{place}: this holds no numbers: its shape is {shape}")
        if count > MOST:
            raise LimitError(f"{place}: more than {MOST:,} numbers")
        if len(shape) > DEEPEST:
            raise LimitError(f"{place}: more than {DEEPEST} axes")
        return np.frombuffer(data, kind, offset=start).reshape(shape, order="F" if by_columns else "C")


def header(data: bytes) -> tuple[tuple[int, ...], bool, Any, int]:
    """What an NPY file says of itself: its shape, whether it is stored by columns, its type; and where its data begin.

    Errors: ValueError for a header that is none.
    """
    from numpy.lib import format as npy

    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"version {version[0]}.{version[1]}")
    shape, by_columns, kind = readers[version](stream)
    if any(length < 0 for length in shape):
        raise ValueError("a negative length")
    return shape, by_columns, kind, stream.tell()


def from_npz(data: bytes, file: str, largest: int, read: Callable[[bytes, str], Any] = from_npy) -> dict[str, Any]:
    """The arrays of an NPZ file by name, which is never larger unpacked than `largest` bytes.

    read: reads each of them.
    Errors: FileError; LimitError.
    """
    import zipfile

    found: dict[str, Any] = {}
    with numpy_reading(file, "NPZ"), zipfile.ZipFile(io.BytesIO(data)) as packed:
        members = packed.infolist()
        if sum(member.file_size for member in members) > largest:
            raise LimitError(f"{file}: unpacked, the file is larger than {largest:,} bytes")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise FileError(f"{file}: '{brief(name)}' is packed in a way that NumPy does not write")
            if name in found:
                raise FileError(f"{file}: '{brief(name)}' is given twice", hint="keep one of them")
            with packed.open(member) as stream:  # without a size it would unpack everything, whatever was promised
                found[name] = read(stream.read(member.file_size), f"{file}: '{brief(name)}'")
    return found


@contextmanager
def numpy_reading(place: str, kind: str) -> Iterator[Any]:
    """numpy, while it reads a file that may hold anything: its faults as ours, and no warnings of its own."""
    import warnings

    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield np
    except GradcliError:
        raise
    except Exception as error:  # its parsers raise what they meet: TokenError, SyntaxError, KeyError …
        said = brief(str(error) or type(error).__name__, 80)
        raise FileError(f"{place}: this is no {kind} file of numbers ({said})") from None
