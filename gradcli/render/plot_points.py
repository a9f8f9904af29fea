"""The points of curves and fields for other programs: csv, plain and json, every number as it reads back.

x,sigmoid,d(sigmoid)/dx        a row a point; text that a spreadsheet would run is guarded with a leading '
x TAB value TAB derivative     plain: the same without a header, as gnuplot reads it
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from math import isfinite, isnan
from typing import Any

import numpy as np

from gradcli.notation import number
from gradcli.plotting.curves import Curve
from gradcli.plotting.fields import Field
from gradcli.plotting.sampling import Array
from gradcli.render.csv import cell

SCHEMA = "gradcli.plot/1"

Column = tuple[str, Array]


def columns(drawn: Sequence[Curve] | Field, *, derivative: bool = True) -> list[Column]:
    """Every column with its header: the axes, then each function and its derivatives."""
    if isinstance(drawn, Field):
        across, along = np.meshgrid(drawn.x, drawn.y)
        names = [axis.name for axis in drawn.axes]
        values: list[Column] = [
            (names[0], across.ravel()),
            (names[1], along.ravel()),
            (drawn.name, drawn.value.ravel()),
        ]
        slopes = [
            (_derivative(drawn.name, name), each.ravel())
            for name, each in zip(names, (drawn.dx, drawn.dy), strict=True)
        ]
        return values + slopes if derivative else values
    axis = drawn[0].axis.name
    found: list[Column] = [(axis, drawn[0].listed[0])]
    for curve in drawn:
        found.append((curve.name, curve.listed[1]))
        if derivative:
            found.append((_derivative(curve.name, axis), curve.listed[2]))
    return found


def _derivative(name: str, axis: str) -> str:
    return f"d({name})/d{axis}"


def csv_text(drawn: Sequence[Curve] | Field, *, derivative: bool = True) -> str:
    """The table, a row a point."""
    found = columns(drawn, derivative=derivative)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([cell(name) for name, _ in found])
    writer.writerows(_rows(found))
    return stream.getvalue()


def plain_text(drawn: Sequence[Curve] | Field, *, derivative: bool = True) -> str:
    """The numbers alone, with tabs between them."""
    return "".join("\t".join(row) + "\n" for row in _rows(columns(drawn, derivative=derivative)))


def _rows(found: Sequence[Column]) -> Iterator[list[str]]:
    for row in zip(*(column.tolist() for _, column in found), strict=True):
        yield [number(value) for value in row]


def json_text(drawn: Sequence[Curve] | Field, *, derivative: bool = True) -> str:
    """The points, and what was found of kinks, poles, gaps and slopes."""
    document: dict[str, Any] = {"schema": SCHEMA}
    if isinstance(drawn, Field):
        document["axes"] = [_axis(axis) for axis in drawn.axes]
        points = [_numbers(drawn.x), _numbers(drawn.y)]
        document["field"] = {
            "expression": drawn.name,
            "points": points,
            "value": [_numbers(row) for row in drawn.value],
        }
        if derivative:
            document["field"]["gradient"] = [[_numbers(row) for row in each] for each in (drawn.dx, drawn.dy)]
    else:
        document["axis"] = _axis(drawn[0].axis)
        document["curves"] = [_curve(curve, derivative) for curve in drawn]
    return json.dumps(document, allow_nan=False) + "\n"


def _axis(axis: Any) -> dict[str, Any]:
    return {"name": axis.name, "low": axis.low, "high": axis.high}


def _curve(curve: Curve, derivative: bool) -> dict[str, Any]:
    x, value, slope = curve.listed
    steepest = curve.steepest
    found: dict[str, Any] = {"expression": curve.name, "x": _numbers(x), "value": _numbers(value)}
    if derivative:
        found["derivative"] = _numbers(slope)
    found["breaks"] = [{"kind": each.kind, "at": each.at} for each in curve.found.breaks]
    found["undefined"] = [[gap.low, gap.high] for gap in curve.found.gaps]
    found["steepest"] = None if steepest is None else {"size": _number(steepest.size), "at": steepest.at}
    if steepest is not None and steepest.seen:
        found["steepest"]["seen"] = True
    found["vanishing"] = [[each.low, each.high] for each in curve.vanishing]
    found["tangents"] = [
        {"at": each.at, "value": _number(each.value), "slope": _number(each.slope)} for each in curve.tangents
    ]
    return found


def _numbers(values: Array) -> list[Any]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | str:
    """A number, or its name: "NaN", "Infinity"."""
    if isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
