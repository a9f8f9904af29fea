"""Which kind of file holds answers: by its ending, else by its beginning.

.toml .json     tables of cells per problem            .md             a filled worksheet
.csv .tsv       a row per answer                       .npz            arrays
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from gradcli.errors import FileError, LimitError, brief
from gradcli.homework.files.filled import from_markdown
from gradcli.homework.files.handed import Handed, from_document, from_npz, from_rows
from gradcli.homework.files.tables import CELL, STUDENT, plain
from gradcli.homework.files.texts import codec, decoded, marked
from gradcli.reading.documents import LARGEST_TOML

KINDS = (".toml", ".json", ".csv", ".tsv", ".npz", ".md", ".markdown", ".txt")
"""Endings of files that hold answers."""

WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
"""Endings of spreadsheets' own files."""

LARGEST_DOCUMENT = {".toml": LARGEST_TOML, ".json": 1 << 24}
"""Bytes that a document may have: to read TOML takes sixty times as long as to read JSON."""


TABULAR = re.compile(r"""^[ \t]*(?:\[[^\]\n]+\][ \t]*(?:#|\r?$)|[\w."'-][^=\n:!?]*=)""", re.MULTILINE)
"""A line of TOML: a table's head, or a key and what it stands for."""


def kind_of(place: str, data: bytes) -> str:
    """The ending that tells how to read a file: its own; without one, what its beginning looks like; "" for neither.

    Errors: FileError for an ending that is not known.
    """
    kind = Path(place).suffix.lower()
    if kind in KINDS and kind != ".txt":
        return kind
    if kind not in ("", ".txt"):
        hint = "save it as CSV UTF-8" if kind in WORKBOOKS else f"answers are read from {', '.join(KINDS[:6])}"
        raise FileError(f"{place}: the kind of file is not known: '{brief(kind)}'", hint=hint)
    if data.startswith(b"PK"):
        return ".npz"
    head = data[:4096].decode(marked(data) or "utf-8", "replace").lstrip("\ufeff\ufffd \t\r\n")
    first = head.partition("\n")[0]
    if head.startswith("{"):
        return ".json"
    if head.startswith(("<!--", "# ", "|", "**")) and "=" not in first:
        return ".md"
    fields = [plain(word) for word in re.split(r"[,;\t]", first)]
    named = any(field in (*STUDENT, *CELL) for field in fields)
    if named and len(fields) > 1 and "=" not in first:
        return ".csv"
    return ".toml" if TABULAR.search(head) else ""


def from_bytes(data: bytes, place: str, encoding: str | None = None) -> list[Handed]:
    """What was handed in as the bytes of one file.

    Errors: FileError; LimitError; UsageError for an unknown encoding.
    """
    kind = kind_of(place, data)
    if not kind:
        raise FileError(f"{place}: there are no answers in it", hint='such as dx = -4, or a table headed "cell,answer"')
    if kind == ".npz":
        return [from_npz(data, place)]
    most = LARGEST_DOCUMENT.get(kind, len(data))
    if len(data) > most:
        raise LimitError(f"{place}: the file is larger than {most:,} bytes")
    text = decoded(data, place, codec(encoding))
    if kind in (".md", ".markdown"):
        return from_markdown(text, place)
    if kind in (".csv", ".tsv"):
        return from_rows(io.StringIO(text, newline=""), place)
    return [from_document(text, place)]
