"""Files of values: a number, vector or matrix for `--x=@file`, a table of names and values for `--vars`.

    .csv .tsv .txt      cells of text (sheets.py); files of other endings are read so too
    .json               a number, or nested lists of numbers; text in quotes is a constant: "1/3"
    .npy                an array of NumPy's (reading/arrays.py)
    .json .toml .npz    a table of names, each with a value: --vars

Text in a file is a constant of our own language, as on the command line. Nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gradcli.cli.arguments import Binding, variable
from gradcli.errors import FileError, UsageError, brief
from gradcli.reading.documents import (
    LARGEST,
    LARGEST_TOML,
    decoded,
    json_document,
    nested,
    read,
    read_text,
    toml_document,
)
from gradcli.reading.values import Value
from gradcli.tokens import NAME

OTHERS = (".toml", ".npz", ".pkl", ".pickle", ".pt", ".pth", ".yaml", ".yml", ".xlsx", ".parquet", ".h5", ".mat")
"""Endings of files that hold something else than numbers as text; any other file is read as text."""

KINDS = (".txt", ".csv", ".tsv", ".json", ".npy")
"""Endings of files that hold a value."""

TABLES = (".json", ".toml", ".npz")
"""Endings of files that hold values by name."""


def from_files(names: Sequence[str]) -> dict[str, Value]:
    """The values of all `--vars` files together.

    Errors: FileError with the file and the key; also for a name that two files give.
    """
    found: dict[str, Value] = {}
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
            found[name] = entry if hasattr(entry, "shape") else nested(entry, file, name)  # an array of NPZ's, or text
            origin[name] = file
    return found


def from_file(file: str, binding: Binding) -> Value:
    """The number or array that a file holds.

    Errors: UsageError for a kind of file that is not read; FileError; LimitError.
    """
    kind = Path(file).suffix.lower()
    if not file:
        raise UsageError("no file is named", source=binding.written, span=binding.span(), hint="such as @x.csv")
    document = decoded(file, json_document) if kind == ".json" else None
    if kind in OTHERS or isinstance(document, dict):
        several = kind in TABLES
        raise UsageError(
            f"{file} holds names and values" if several else f"the kind of file is not known: '{brief(file)}'",
            source=binding.written,
            span=binding.span(),
            hint=f"read it with --vars {file}" if several else f"a value is read from {', '.join(KINDS)}",
        )
    if kind == ".json":
        return nested(document, file)
    if kind == ".npy":
        from gradcli.reading.arrays import from_npy

        return from_npy(read(file), file)
    from gradcli.cli import sheets

    return sheets.read(read_text(file), file, kind)  # what a shell's <(…) names has no ending


def table(file: str) -> Mapping[str, Any]:
    """The names and entries of a `--vars` file."""
    kind = Path(file).suffix.lower()
    if kind not in TABLES:
        raise UsageError(f"the kind of file is not known: '{brief(file)}'", hint=f"--vars reads {', '.join(TABLES)}")
    if kind == ".npz":
        from gradcli.reading.arrays import from_npz

        return from_npz(read(file), file, LARGEST)
    found = decoded(file, json_document) if kind == ".json" else decoded(file, toml_document, LARGEST_TOML)
    if not isinstance(found, Mapping):
        raise FileError(f"{file}: this holds no names", hint='a file of values is a table: {"x": 3, "y": "1/3"}')
    return found
