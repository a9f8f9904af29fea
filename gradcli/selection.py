"""Some entries of a cell: `grad.W[0,1]`, `x[-1]`, `value.q[1:3]`, as in the language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gradcli.errors import UnknownCell
from gradcli.notation import key_text
from gradcli.ops.lengths import selected
from gradcli.ops.mismatch import Mismatch

if TYPE_CHECKING:
    from gradcli.cells import Cell

Key = tuple[Any, ...]

ENTRIES = re.compile(r"(.*?)\s*\[([^\[\]()]*)\]", re.DOTALL)
"""An address, and what stands in brackets behind it."""

INDEX = re.compile(r"\s*(-?[0-9]{1,9})?\s*(?::\s*(-?[0-9]{1,9})?\s*(?::\s*(-?[0-9]{1,9})?\s*)?)?")


def read_key(text: str, whole: str) -> Key:
    """What stands between the brackets.

    whole: the address of all entries.
    Errors: UnknownCell.
    """
    parts: list[Any] = []
    for word in text.split(","):
        match = INDEX.fullmatch(word)
        if match is None or not word.strip() or match[3] == "0":
            first = f"{whole}[{'0,1' if ',' in text else '0'}]"
            raise UnknownCell(f"'[{text}]' names no entries", hint=f"they are counted from 0: {first}, [-1], [1:3]")
        ends = [None if not end else int(end) for end in match.groups()]
        parts.append(tuple(ends) if ":" in word else ends[0])
    return tuple(parts)


def select(cell: Cell, key: Key, address: str) -> Cell:
    """Some entries of a cell.

    address: as it was asked for.
    Errors: UnknownCell for entries that there are not.
    """
    shape = tuple(getattr(cell.value, "shape", ()))
    if not shape:
        raise UnknownCell(f"'{address}': {cell.address} is a number", hint=f"write {cell.address}")
    try:
        selected(shape, key=key)
    except Mismatch as wrong:
        raise UnknownCell(
            f"'{address}': {wrong.message}", hint=wrong.hint.replace("{0}", cell.address) or None
        ) from None
    from gradcli.systems.structure import slices

    front = tuple(part % length if isinstance(part, int) else part for part, length in zip(key, shape, strict=False))
    value = cell.value[slices(key)]
    address = f"{cell.address}[{key_text(front)}]"
    return cell._replace(address=address, value=value if value.ndim else float(value), key=tuple(key))
