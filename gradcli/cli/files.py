"""Files of values: one number for `--x=@file`, a table of names and numbers for `--vars`.

Text in a file is a constant of our own language, as on the command line. Nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradcli.cli.arguments import Binding, brief, variable
from gradcli.cli.streams import reason, uncapitalised
from gradcli.cli.values import PLAIN, constant
from gradcli.errors import FileError, GradcliError, LimitError, Span, UsageError
from gradcli.tokens import NAME

LARGEST = 1 << 20
"""Bytes that a file of values may have."""

OTHERS = (".toml", ".npz", ".pkl", ".pickle", ".pt", ".pth", ".yaml", ".yml", ".xlsx", ".parquet", ".h5", ".mat")
"""Endings of files that hold something else than one number as text; any other file is read as text."""


TOML_KEY = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
"""A part of a dotted name in TOML."""


def from_files(names: Sequence[str]) -> dict[str, float]:
    """The values of all `--vars` files together.

    Errors: FileError with the file and the key; also for a name that two files give.
    """
    found: dict[str, float] = {}
    origin: dict[str, str] = {}
    for file in names:
        for key, entry in table(file).items():
            name = variable(key)
            if not re.fullmatch(NAME, key):
                raise FileError(
                    f"{file}: '{brief(key)}' cannot be the name of a variable",
                    hint="names are letters, digits and _",
                )
            if name in found:
                other = "too" if origin[name] == file else f"and in {origin[name]}"
                raise FileError(f"{file}: '{name}' is given here {other}", hint="keep one of them")
            found[name] = scalar(entry, f"{file}: '{name}'")
            origin[name] = file
    return found


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────


def read_text(file: str, largest: int = LARGEST) -> str:
    """A UTF-8 text file of bounded size.

    Errors: FileError; LimitError.
    """
    try:
        return read(file, largest).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: this is no UTF-8 text (byte {error.start})", hint="save it as UTF-8") from None


def read(file: str, largest: int = LARGEST) -> bytes:
    """A file of bounded size.

    Errors: FileError; LimitError.
    """
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError as error:
        raise FileError(f"{file}: {reason(error)}", hint="is the path right?" if error.errno == 2 else None) from None
    except ValueError:
        raise FileError(f"{file}: this is no path of a file") from None
    if len(data) > largest:
        raise LimitError(f"{file}: the file is larger than {largest:,} bytes")
    return data


def from_file(file: str, binding: Binding) -> float:
    """The one number that a file holds.

    Errors: UsageError for a kind of file that is not read; FileError for what is not one number.
    """
    readers: dict[str, Callable[[str], Any]] = {
        ".txt": lambda file: read_text(file).strip(),
        ".csv": lambda file: read_text(file).strip().strip('"'),
        ".json": lambda file: decoded(file, json_document),
        ".npy": array,
    }
    kind = Path(file).suffix.lower()
    if kind in OTHERS:
        raise UsageError(
            f"the kind of file is not known: '{brief(file)}'",
            source=binding.written,
            span=binding.span(),
            hint=f"a value is read from {', '.join(readers)}",
        )
    entry = readers.get(kind, readers[".txt"])(file)  # what a shell's <(…) names has no ending
    if isinstance(entry, str) and kind not in (".json", ".npy"):
        refuse_several(entry, file, commas=kind == ".csv")
    return scalar(entry, file)


def refuse_several(text: str, file: str, *, commas: bool) -> None:
    """Refuse a text of several numbers; one comma between digits may be a decimal sign, unless `commas` separate.

    Errors: FileError.
    """
    if not commas and re.fullmatch(r"[-+−]?[0-9]+,[0-9]+", text):
        return
    words = [word for word in re.split(r"[\s,;]+", text[:LARGEST]) if word]
    if len(words) > 1 and all(PLAIN.match(word) for word in words):
        raise FileError(
            f"{file}: this holds {len(words)} numbers: values are scalars",
            hint="give each entry a variable of its own: --x0=1 --x1=2",
        )


def table(file: str) -> Mapping[str, Any]:
    """The names and entries of a `--vars` file."""
    readers: dict[str, Callable[[str], Any]] = {
        ".json": lambda file: decoded(file, json_document),
        ".toml": lambda file: decoded(file, toml_document),
        ".npz": archive,
    }
    reader = readers.get(Path(file).suffix.lower())
    if reader is None:
        raise UsageError(f"the kind of file is not known: '{brief(file)}'", hint=f"--vars reads {', '.join(readers)}")
    found = reader(file)
    if not isinstance(found, Mapping):
        raise FileError(f"{file}: this holds no names", hint='a file of values is a table: {"x": 3, "y": "1/3"}')
    return found


def scalar(entry: Any, place: str) -> float:
    """The number of an entry in a file; text is a constant of the language.

    Errors: FileError with the place.
    """

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        text = entry if isinstance(entry, str) else ""
        where = f" in '{brief(text)}'" if text and text not in message else ""
        return FileError(f"{place}: {message}{where}", hint=hint)

    if isinstance(entry, str):
        if not entry.strip():
            raise fail("there is no number here")
        return constant(entry, fail)
    if isinstance(entry, float):
        return entry
    kinds = {bool: "a truth value", list: "a list", dict: "a table", type(None): "null"}
    if isinstance(entry, (list, dict)):
        raise fail(f"this is {kinds[type(entry)]}: values are scalars", hint="give each entry a variable of its own")
    raise fail(f"this is {kinds.get(type(entry), 'a ' + type(entry).__name__)}, not a number")


def decoded(file: str, decode: Callable[[str], Any]) -> Any:
    """A text file through a decoder, its faults as ours."""
    text = read_text(file)
    try:
        return decode(text)
    except RecursionError:
        raise FileError(f"{file}: this is nested too deeply") from None
    except ValueError as error:
        raise FileError(f"{file}: {uncapitalised(str(error))}") from None


def json_document(text: str) -> Any:
    """Strict JSON: no NaN, no number beyond the doubles, no key twice. Numbers keep the digits typed."""
    import json

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, entry in items:
            if key in found:
                raise ValueError(f"'{brief(key)}' is given twice")
            found[key] = entry
        return found

    def refuse_word(word: str) -> Any:
        raise ValueError(f'JSON has no {word}; write "{word.lower().replace("infinity", "inf")}"')

    return json.loads(text, object_pairs_hook=pairs, parse_constant=refuse_word, parse_float=str, parse_int=str)


def toml_document(text: str) -> Any:
    """TOML, numbers as typed. Keys with very many dots are refused: reading one takes the square of its length."""
    import tomllib

    if re.search(rf"(?<![\w-])(?:{TOML_KEY}[ \t]*+\.[ \t]*+){{100}}", text):
        raise ValueError("a name has more than 100 dots")

    def entry(value: Any) -> Any:
        return str(value) if type(value) is int else value

    try:
        found = tomllib.loads(text, parse_float=lambda digits: digits.replace("_", ""))
        return {key: entry(value) for key, value in found.items()}
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads and writes no whole number of thousands of digits
        raise ValueError("a number here is larger than any double") from None


def array(file: str) -> float:
    """The one number of an NPY file; never pickled."""
    import io

    data = read(file)
    with numpy_reading(file, "NPY") as np:
        return single(np.load(io.BytesIO(data), allow_pickle=False), file)


def archive(file: str) -> dict[str, float]:
    """The numbers of an NPZ file; never pickled, never larger than a file of values may be."""
    import io
    import zipfile

    data = read(file)
    with numpy_reading(file, "NPZ") as np:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(member.file_size for member in packed.infolist()) > LARGEST:
                raise LimitError(f"{file}: unpacked, the file is larger than {LARGEST:,} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: single(arrays[name], f"{file}: '{name}'") for name in arrays.files}


@contextmanager
def numpy_reading(file: str, kind: str) -> Iterator[Any]:
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
        raise FileError(f"{file}: this is no {kind} file of numbers ({said})") from None


def single(entries: Any, place: str) -> float:
    """An array's only entry."""
    if entries.size != 1:
        raise FileError(f"{place}: this holds {entries.size} numbers: values are scalars")
    if entries.dtype.kind not in "iuf":
        raise FileError(f"{place}: this holds {entries.dtype}, not a number")
    return float(entries.reshape(-1)[0])
