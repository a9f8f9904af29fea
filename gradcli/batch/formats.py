"""The formats of tables, by name and by the ending of a file: how each is read, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple

from gradcli.errors import UsageError, brief

FORMATS = ("csv", "tsv", "ndjson", "parquet")

ENDINGS = {
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "parquet": "parquet",
    "pq": "parquet",
}
"""The ending of a file's name → its format."""


class Layout(NamedTuple):
    """How the rows of the results are laid out.

    own: the table's own columns that come first, if they are kept.   results: the value, the gradients, the error.
    numbers: which of its own columns are the formula's variables, by their indices.
    depths: the dimensions of those results that are tensors, by their indices.
    """

    own: Sequence[str]
    results: Sequence[str]
    numbers: frozenset[int] = frozenset()
    depths: Mapping[int, int] = {}


def of(path: str | None, named: str | None, flag: str, default: str = "csv") -> str:
    """The format of a file: as named, else by its ending; the default where there is no file.

    Errors: UsageError for an ending that says nothing.
    """
    if named is not None:
        return named
    if path is None or path == "-" or path.startswith("/dev/"):
        return default
    ending = PurePath(path).suffix[1:].lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    if not PurePath(path).suffix and flag == "--input-format":
        return default  # a named pipe, say
    raise UsageError(
        f"'{brief(path)}' does not say what format it is",
        hint=f"{flag} {'|'.join(FORMATS)} says so, or an ending: {', '.join(f'.{each}' for each in ENDINGS)}",
    )


def reader(name: str) -> Any:
    """The class of tables in a format; of this package, imported when it is used."""
    return import_module(MODULES[name]).Table


def writer(name: str, layout: Layout, sink: BinaryIO) -> Any:
    """What writes results in a format."""
    return import_module(MODULES[name]).Writer(layout, sink, name)


MODULES = {
    "csv": "gradcli.batch.delimited",
    "tsv": "gradcli.batch.delimited",
    "ndjson": "gradcli.batch.ndjson",
    "parquet": "gradcli.batch.parquet",
}
