"""Numbers from the command line and from files: constants of gradcli's own language, never Python's.

    1.5   -1/4   pi/4   2^-3   sqrt(2)   1e-8   inf   -inf   nan      a number, or an expression of numbers
    @w.txt   @w.csv   @w.json   @w.npy                                a file with one number

`@` works on the command line only, never inside a file.
A file of many values (`--vars`) is JSON, TOML or NPZ: a table from names to such numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any

from gradcli.cli.arguments import Binding, brief, variable
from gradcli.errors import FileError, GradcliError, LimitError, Span, UsageError
from gradcli.syntax import NAME, NUMBER, number, parse
from gradcli.systems.floats import FLOATS

LARGEST = 1 << 20
"""Bytes that a file of values may have."""

SPECIAL = {"inf": inf, "infinity": inf, "nan": nan}
"""What is no literal of the language, and can be given all the same."""

PLAIN = re.compile(rf"([-+−]?)(?:({NUMBER})|(inf|infinity|nan))\Z", re.IGNORECASE | re.ASCII)
RADIX = r"[-+]?0[xXoObB][0-9a-fA-F]+"

Fail = Callable[..., GradcliError]
"""Makes the error: (message, span in the value's text, hint) → error with its place."""


# ── one value ───────────────────────────────────────────────────────────────────────────────────────────


def value(binding: Binding) -> float:
    """The number of a binding from the command line; `@file` reads it from a file.

    Errors: UsageError, pointing into the words; FileError.
    """

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        place = binding.span(*span) if span else binding.span()
        return UsageError(message, source=binding.written, span=place, hint=hint)

    text = binding.text.strip()
    if text.startswith("@"):
        return from_file(text[1:], binding)
    if not text:
        raise fail(f"{binding.name} has no value", hint=f"write --{binding.name}=3")
    return constant(binding.text, fail)


def constant(text: str, fail: Fail) -> float:
    """The number that a text stands for: a literal, or an expression of constants run by the engine.

    >>> constant("-1/4", UsageError)
    -0.25
    """
    plain = PLAIN.match(text.strip())
    if plain and plain[3]:
        return -SPECIAL[plain[3].lower()] if plain[1] in ("-", "−") else SPECIAL[plain[3].lower()]
    if not plain:
        refuse(text, fail)
    try:
        if plain:
            magnitude = number(plain[2], text, (0, len(text)))
            return -magnitude if plain[1] in ("-", "−") else magnitude
        graph = parse(text)
    except GradcliError as error:
        if error.source is None:
            raise
        raise fail(error.message, error.span, error.hint) from None
    if graph.inputs:
        name, index = next(iter(graph.inputs.items()))
        raise fail(
            f"'{name}' is not a number",
            graph.spans[index],
            "a value is made of numbers: 1.5, -1/4, pi/4, 1e-8",
        )
    result = float(graph.evaluate(FLOATS, {})[graph.output])
    if not isfinite(result):
        raise fail(f"this value is {result}", hint=f"if it is meant, write {result}")
    return result


def refuse(text: str, fail: Fail) -> None:
    """What the language would read, or refuse, in another sense than its writer meant."""
    word = text.strip()
    uncertain = re.search(r"\+\s*[-−]|±", text)
    if uncertain:
        raise fail(
            "a value has no uncertainty",
            uncertain.span(),
            "+- and ± are kept for uncertainties; write one number",
        )
    if word.startswith(("[", "(")) and re.match(r"[\[(][^()]*[,\]]", word):
        raise fail(
            "this is a list: values are scalars", None, "give each entry a variable of its own: --x0=1 --x1=2"
        )
    if word.startswith("@"):
        raise fail("a file is named on the command line only", None, "write the number here")
    comma = re.fullmatch(r"([-+−]?[0-9]+),([0-9]+)", word)
    if comma:
        raise fail(f"'{word}' is not a number", None, f"the decimal sign is a point: {comma[1]}.{comma[2]}")
    if re.fullmatch(RADIX, word):
        raise fail(
            "numbers are written in decimal", None, f"write {int(word, 0)}" if len(word) < 40 else None
        )
    stray = re.search(r"[;\n#]|(?<![<>=!])=(?!=)", text)
    if stray:
        raise fail("a value is one expression of numbers", stray.span(), "such as 1.5, -1/4, pi/4")


# ── all values of a command ─────────────────────────────────────────────────────────────────────────────


def refuse_twice(bindings: Iterable[Binding]) -> None:
    """Each name is given one value.

    Errors: UsageError for a name that is given twice, in whatever spelling.
    """
    first: dict[str, str] = {}
    for binding in bindings:
        if binding.name in first:
            before = len(first[binding.name]) + 1
            raise UsageError(
                f"{binding.name} is given twice",
                source=f"{first[binding.name]} {binding.written}",
                span=(before, before + len(binding.written)),
                hint="keep one of them",
            )
        first[binding.name] = binding.written


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
        raise FileError(
            f"{file}: this is no UTF-8 text (byte {error.start})", hint="save it as UTF-8"
        ) from None


def read(file: str, largest: int = LARGEST) -> bytes:
    """A file of bounded size.

    Errors: FileError; LimitError.
    """
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError as error:
        raise FileError(
            f"{file}: {reason(error)}", hint="is the path right?" if error.errno == 2 else None
        ) from None
    except ValueError:
        raise FileError(f"{file}: this is no path of a file") from None
    if len(data) > largest:
        raise LimitError(f"{file}: the file is larger than {largest:,} bytes")
    return data


def reason(error: OSError) -> str:
    """The system's words for what went wrong with a file, as our messages are written."""
    return uncapitalised(error.strerror or str(error))


def uncapitalised(words: str) -> str:
    """A foreign message as ours begin; an abbreviation stays."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


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
    reader = readers.get(Path(file).suffix.lower())
    if reader is None:
        raise UsageError(
            f"the kind of file is not known: '{brief(file)}'",
            source=binding.written,
            span=binding.span(),
            hint=f"a value is read from {', '.join(readers)}",
        )
    return scalar(reader(file), file)


def table(file: str) -> Mapping[str, Any]:
    """The names and entries of a `--vars` file."""
    readers: dict[str, Callable[[str], Any]] = {
        ".json": lambda file: decoded(file, json_document),
        ".toml": lambda file: decoded(file, toml_document),
        ".npz": archive,
    }
    reader = readers.get(Path(file).suffix.lower())
    if reader is None:
        raise UsageError(
            f"the kind of file is not known: '{brief(file)}'", hint=f"--vars reads {', '.join(readers)}"
        )
    found = reader(file)
    if not isinstance(found, Mapping):
        raise FileError(
            f"{file}: this holds no names", hint='a file of values is a table: {"x": 3, "y": "1/3"}'
        )
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
        raise fail(
            f"this is {kinds[type(entry)]}: values are scalars", hint="give each entry a variable of its own"
        )
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
        found = dict(items)
        if len(found) < len(items):
            twice = next(key for k, (key, _) in enumerate(items) if key in dict(items[:k]))
            raise ValueError(f"'{twice}' is given twice")
        return found

    def refuse_word(word: str) -> Any:
        raise ValueError(f'JSON has no {word}; write "{word.lower().replace("infinity", "inf")}"')

    return json.loads(
        text, object_pairs_hook=pairs, parse_constant=refuse_word, parse_float=str, parse_int=str
    )


def toml_document(text: str) -> Any:
    """TOML, numbers as typed; whole numbers of any length."""
    import tomllib

    def entry(value: Any) -> Any:
        return str(value) if type(value) is int else value

    found = tomllib.loads(text, parse_float=lambda digits: digits.replace("_", ""))
    return {key: entry(value) for key, value in found.items()}


def array(file: str) -> float:
    """The one number of an NPY file; never pickled."""
    import io

    import numpy as np

    data = read(file)
    try:
        return single(np.load(io.BytesIO(data), allow_pickle=False), file)
    except (ValueError, EOFError, OSError) as error:
        raise FileError(f"{file}: this is no NPY file of numbers ({brief(str(error), 80)})") from None


def archive(file: str) -> dict[str, float]:
    """The numbers of an NPZ file; never pickled, never larger than a file of values may be."""
    import io
    import zipfile

    import numpy as np

    data = read(file)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(member.file_size for member in packed.infolist()) > LARGEST:
                raise LimitError(f"{file}: unpacked, the file is larger than {LARGEST:,} bytes")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: single(arrays[name], f"{file}: '{name}'") for name in arrays.files}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise FileError(f"{file}: this is no NPZ file of numbers ({brief(str(error), 80)})") from None


def single(entries: Any, place: str) -> float:
    """An array's only entry."""
    if entries.size != 1:
        raise FileError(f"{place}: this holds {entries.size} numbers: values are scalars")
    if entries.dtype.kind not in "iuf":
        raise FileError(f"{place}: this holds {entries.dtype}, not a number")
    return float(entries.reshape(-1)[0])
