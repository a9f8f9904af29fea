"""How a table of text begins, if it is one."""

from __future__ import annotations

from collections.abc import Sequence

from gradcli.errors import FileError

BINARY = {
    b"\x1f\x8b": ("is compressed by gzip", "gunzip -c {} | gradcli batch … reads it"),
    b"BZh": ("is compressed by bzip2", "bunzip2 -c {} | gradcli batch … reads it"),
    b"\xfd7zXZ": ("is compressed by xz", "unxz -c {} | gradcli batch … reads it"),
    b"\x28\xb5\x2f\xfd": ("is compressed by zstd", "zstd -dc {} | gradcli batch … reads it"),
    b"PK\x03\x04": ("is an archive, as .zip and .xlsx are", "save the table as CSV"),
    b"\xd0\xcf\x11\xe0": ("is a workbook", "save the table as CSV"),
    b"PAR1": ("is a Parquet file", "--input-format parquet reads it"),
}
"""How files begin that are no text: what they are, and what to try."""

START = 1000
"""Bytes among which such a file has some that no text has."""


def refuse_binary(text: bytes, place: str) -> None:
    """Take no file of another kind for a table of text.

    Errors: FileError.
    """
    if not any(byte < ord("\t") for byte in text[:START]):
        return  # a column may be called PAR1
    for mark, (kind, advice) in BINARY.items():
        if text.startswith(mark):
            raise FileError(f"{place} {kind}", hint=advice.format(place if " " not in place else "FILE"))


def checked(names: Sequence[str], place: str) -> list[str]:
    """A header, if it is text.

    Errors: FileError for one in another encoding.
    """
    written = ",".join(names)
    if "\0" in written:
        raise FileError(f"{place}: NUL bytes in the header: this is no text in UTF-8", hint="such as --encoding utf-16")
    if any("\udc80" <= character <= "\udcff" for character in written):
        raise FileError(f"{place}: the header is no text in UTF-8", hint="such as --encoding cp949, or latin-1")
    return list(names)
