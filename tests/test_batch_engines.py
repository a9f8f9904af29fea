"""Every engine gives the same results row by row, however strange the table is and wherever its blocks end."""

from __future__ import annotations

import threading
import time
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.batch import frames
from gradcli.batch.cells import number
from tests.batches import Outcome, close

pl = pytest.importorskip("polars")

GOOD = ["1", "2.5", "-3", "1e3", "-0", ".5", "5.", "+7", "1e-320", "0.1", "123456789012345678901234567890", "1E5"]
GOOD += ["007", "1.7976931348623157e308", "2.2250738585072011e-308", "9007199254740993", "0.30000000000000004", "1e-7"]
"""Numbers of tables."""

BAD = ["", " ", " 1", "1 ", "\t2", "nan", "inf", "-Infinity", "1e400", "-1e400", "1_0", "１", "٣", "abc", "1,5"]
BAD += ["=1+1", "-x", "+x", "@a", "0x10", "1e", ".", "1.2.3", "--1", "iNf", "+nan", "1d5", "true", "null", "\0", "1\0"]
BAD += ["\x0b1", "1\xa0", "\u20031", "'1", "1e+", "1" + "0" * 400, "0e999999999999", "1e99999999999", "\ufeff1"]
BAD += ["\udcff", "\x851", "\u2212 5", "\x1c1", "é", "1\r2"]
"""Cells that are no numbers, or look so."""

QUOTED = ['"1"', '"2.5"', '"a""b"', '"1,2"', '"1\t2"', '"1\n2"', '"\n"', '"', '1"', 'a"b', '"1"x', '"unclosed', '""']
QUOTED += ['" 3"', '"3" ', ' "3"', '"1\r\n2"', '"""', '""""', '"-1"', '"=1"']
"""Cells with quotes."""

FORMULAS = [
    "x",
    "3",
    "x^2",
    "log(x)",
    "1/x",
    "x^2*y",
    "x*y+sin(x)",
    "sqrt(x)*y",
    "max(x,y)",
    "exp(x)*y",
    "relu(x)+abs(y)",
]


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, str, dict[str, Any]]:
    """A table, a formula for it, and how it is read and written."""
    width = draw(st.sampled_from([1, 2, 2, 3, 12]))
    form = draw(st.sampled_from(["csv", "csv", "tsv"]))
    delimiter = "," if form == "csv" else "\t"
    strange = draw(st.sampled_from([[], BAD, QUOTED, [*BAD, *QUOTED]]))
    cell = st.sampled_from(GOOD) if not strange else st.one_of(*[st.sampled_from(GOOD)] * 4, st.sampled_from(strange))
    length = st.sampled_from([width] * 12 + [0, 1, width + 1, width + 3])
    counts = draw(st.lists(length if strange else st.just(width), min_size=1, max_size=9))
    lines = [delimiter.join(["x", "y", *"cdefghijkl"][:width])]
    lines += [delimiter.join(draw(st.lists(cell, min_size=count, max_size=count))) for count in counts]
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\r"]))
    data = (end.join(lines) + draw(st.sampled_from(["", end]))).encode("utf-8", "surrogateescape")
    text = draw(st.sampled_from(FORMULAS if width > 1 else FORMULAS[:5]))
    return data, text, {"form": form, "out": form, "keep": draw(st.booleans()), "null": draw(st.booleans())}


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(tables(), st.sampled_from([3, 7, 20, 1 << 22]), st.sampled_from([1, 30, 1 << 22]))
def test_engines_agree_on_any_table(made: tuple[bytes, str, dict[str, Any]], piece: int, large: int) -> None:
    """The rows, their errors and their order are those of plain floats read at once; so are Polars' numbers but for the
    last digit, and NumPy's to a few."""
    data, text, how = made
    right = Outcome(data, text, "python", **how)
    assert right.same(Outcome(data, text, "python", piece=piece, **how), 0)
    for engine, ulps in (("polars", 1), ("numpy", 4)):
        found = Outcome(data, text, engine, piece=piece, large=large, **how)
        assert right.same(found, ulps), (engine, right.said, found.said, right.cells, found.cells)


FOUND = [
    (b"x,y\n-1e400,1000\n1,2\n1,2\n1,2\n1,2\n", "max(x,y)"),  # the result is finite
    (b"x,y,c\n1,2,3\n1,2,3,4\n1,2,3\n1,2,3\n1,2,3\n", "x*y"),  # Polars reads no cell of c
    (b'x\n"=1"\n1\n2\n3\n4\n', "3"),  # no column is needed
    (b"x,y,c\n1,2\r,-3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n", "x*y"),  # \r ends a line
    (b"x,y\n\xef\xbb\xbf1,2\n1,2\n1,2\n1,2\n1,2\n", "x*y"),  # Polars drops the mark at the start of a block
    (b'x,y,c\n5,7,""\n1,1,7\n', "x*y"),  # "" is nothing
    (b"x,y,c\n1,2,\xff\n1,2,3,\xff4\n" + b"1,2,3\n" * 8, "x*y"),  # bytes that are no UTF-8 in a message
    (b'x\n\n1\n"""\n2\n', "x"),  # a blank line of one column is an empty cell, also beside a record that is none
    (b"x,y\n\n\n\n", "x*y"),
    (b"x,y\n", "x*y"),
    (b"x,y", "x*y"),
]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("data", "text"), FOUND)
@pytest.mark.parametrize("engine", ["polars", "numpy"])
def test_what_engines_took_differently_once(data: bytes, text: str, engine: str, keep: bool) -> None:
    """Tables that Polars reads in its own way are read in ours."""
    right = Outcome(data, text, "python", keep=keep)
    found = Outcome(data, text, engine, keep=keep)
    assert right.same(found, 1), (right.said, right.cells, found.said, found.cells)


def test_what_polars_takes_for_a_number_is_the_same_number() -> None:
    """Polars reads no cell as a number that is none here, and none as another double; infinite ones are asked about."""
    from gradcli.batch.delimited import Block
    from gradcli.batch.text_frames import framed

    cells = [cell for cell in (*GOOD, *BAD) if not {*cell} & {"\r", ",", "\udcff"} and not cell.startswith("\ufeff")]
    for keep in (False, True):
        text = "".join(f"1,{cell},1\n" for cell in cells).encode()
        made = framed(Block(text, 1), places=(1,), width=3, delimiter=",", keep=keep)
        assert made is not None
        for cell, value in zip(cells, made.frame["x0"].to_list(), strict=True):
            assert value is not None or cell not in GOOD, cell
            assert value is None or value.hex() == number(cell).hex(), cell


def test_one_bad_row_costs_the_others_nothing() -> None:
    """Among many good rows of a block, those in doubt alone are read from their text; every one keeps its place."""
    lines = [f"{k},2" for k in range(1000)]
    lines[7], lines[500], lines[999] = "1_0,2", "5,2,3", "-1e400,2"
    data = "x,y\n" + "\n".join(lines)
    right = Outcome(data.encode(), "x*y", "python")
    assert right.said == (1000, 3, "line 9: x is no number: '1_0'; write 10")
    for engine in ("polars", "numpy"):
        assert right.same(Outcome(data.encode(), "x*y", engine), 0)


# ── work in order ───────────────────────────────────────────────────────────────────────────────────────────


def test_results_come_in_order_and_no_more_is_read_than_can_wait() -> None:
    """Whatever takes long, results come in the order of the items, and few items are taken ahead."""
    taken = []

    def items() -> Any:
        for k in range(30):
            taken.append(k)
            yield k

    def work(k: int) -> int:
        time.sleep(0.003 * (k % 3))
        return k * k

    for k, result in enumerate(frames.ordered(work, items(), lambda: False)):
        assert result == k * k
        assert len(taken) <= k + 1 + frames.AHEAD


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_an_error_in_the_reader_of_results_ends_the_work(kind: type[BaseException]) -> None:
    """When the one who writes fails or is interrupted, nothing new is begun, and no thread is left."""
    before, begun = threading.active_count(), []

    def work(k: int) -> int:
        begun.append(k)
        return k

    results = frames.ordered(work, iter(range(1000)), lambda: False)
    with pytest.raises(kind):
        for _ in results:
            raise kind
    results.close()  # type: ignore[attr-defined] # a generator
    assert len(begun) <= 1 + frames.AHEAD
    assert threading.active_count() == before


def test_an_error_of_a_worker_comes_out_in_its_place() -> None:
    """Results before a block that fails are there; then its error is raised."""

    def work(k: int) -> int:
        if k == 3:
            raise ValueError("three")
        return k

    found = []
    with pytest.raises(ValueError, match="three"):
        for result in frames.ordered(work, iter(range(10)), lambda: False):
            found.append(result)
    assert found == [0, 1, 2]


def test_close_numbers() -> None:
    """The comparison of these tests tells numbers apart."""
    assert close("1e-7", "1e-07", 0)
    assert not close("1.0", "1.0000000000000004", 1)
    assert not close(str(nan), str(inf), 4)
