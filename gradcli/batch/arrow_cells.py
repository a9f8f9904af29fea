"""A column of Arrow's as doubles: any kind of number, and text, whose cells are read as those of a text file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcli.batch.cells import NUMBER, NoNumber, number
from gradcli.errors import UsageError, brief, clipped

if TYPE_CHECKING:
    import pyarrow

EMPTY = "is empty"

BLANKS = " \t"
"""What may stand around a number."""


def doubles(column: Any, name: str) -> tuple[pyarrow.DoubleArray, dict[int, str]]:
    """The nearest doubles, null where there is none; and of the rows where there is none, what is wrong with the cell.

    name: the column's, for messages.
    Errors: UsageError for a column that holds neither numbers nor text.
    """
    import pyarrow as pa
    from pyarrow import compute

    types, kind = pa.types, column.type
    if isinstance(column, pa.ExtensionArray):
        return doubles(column.storage, name)
    if types.is_dictionary(kind):
        return doubles(column.dictionary_decode(), name)
    faults: dict[int, str] = {}
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind):
        found = column.cast(pa.float64(), safe=False)
    elif types.is_decimal(kind):  # whose own cast is not to the nearest double
        found = column.cast(pa.string()).cast(pa.float64())
    elif types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        found, faults = _read(column.cast(pa.string()))
    else:
        held = clipped(str(kind))
        raise UsageError(f"the column '{brief(name)}' holds {held}", hint="numbers are needed, or text that is numbers")
    if found.null_count > len(faults):
        places = compute.indices_nonzero(found.is_null()).to_pylist()
        faults = {place: faults.get(place, EMPTY) for place in places}
    return found, faults


def _read(column: Any) -> tuple[pyarrow.DoubleArray, dict[int, str]]:
    """Text as doubles, and what is wrong with the cells that hold none."""
    import pyarrow as pa
    from pyarrow import compute

    fine = compute.match_substring_regex(column, f"^(?:{NUMBER.pattern})$", ignore_case=True)
    found = compute.if_else(fine, compute.ascii_trim(column, BLANKS), None).cast(pa.float64())
    large = compute.fill_null(compute.is_inf(found), False)  # maybe too large a number
    faults, others = dict[int, str](), dict[int, float]()
    doubtful = compute.invert(compute.and_not(fine, large))
    for place in compute.indices_nonzero(doubtful).to_pylist():  # not of what is null
        try:
            others[place] = number(column[place].as_py())
        except NoNumber as fault:
            faults[place] = str(fault)
    if not (faults or others):
        return found, faults
    nothing = found.is_null().to_numpy(zero_copy_only=False).copy()
    values = found.fill_null(0.0).to_numpy().copy()
    values[[*others]] = [*others.values()]
    nothing[[*others]], nothing[[*faults]] = False, True
    return pa.array(values, mask=nothing), faults
