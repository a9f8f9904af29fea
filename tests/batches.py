"""Tables through the engines, in process."""

from __future__ import annotations

import io
import re
from math import ulp
from typing import Any

import pytest

from gradcli.batch import formats
from gradcli.batch import run as running
from gradcli.batch.plan import Plan
from gradcli.batch.run import Count, run
from gradcli.batch.sources import Source
from gradcli.engines.formula import formula
from gradcli.errors import GradcliError


class Outcome:
    """What is written of a table, and the counts; or the error.   exact: whether numbers have to be the same."""

    def __init__(self, data: bytes, text: str, engine: str, *, piece: int = 1 << 22, large: int = 1 << 22, **how: Any):
        form, out = how.get("form", "csv"), how.get("out", "csv")
        stream, sink = io.BytesIO(data), io.BytesIO()
        source = Source(lambda: stream.read(piece), "table", len(data))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(running, "LARGE", large)
            try:
                table = formats.reader(form)(source, form, None)
                found = formula(text)
                plan = Plan(found, keep=how.get("keep", False), null=how.get("null", False), prefix="_")
                count = Count(table.place, table.unit)
                written = formats.writer(out, plan.layout(table.names, table.place), sink)
                run(table, plan, written, count, engine)
                self.said: Any = (count.rows, count.bad, count.first)
            except GradcliError as error:
                self.said = str(error)
        self.bytes = sink.getvalue()
        self.cells = (
            [] if out == "parquet" else re.split(r'([,\t\n": ])', self.bytes.decode("utf-8", "surrogateescape"))
        )

    def same(self, other: Outcome, ulps: int) -> bool:
        """Whether another engine came to the same, its numbers within so many units in the last place."""
        if self.said != other.said or len(self.cells) != len(other.cells):
            return False
        return all(a == b or close(a, b, ulps) for a, b in zip(self.cells, other.cells, strict=True))


def close(one: str, other: str, ulps: int) -> bool:
    """Whether two cells are numbers near each other."""
    try:
        a, b = float(one), float(other)
    except ValueError:
        return False
    return a == b or abs(a - b) <= ulps * ulp(a)
