"""Tangents in a picture, and where their labels stand: none over another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradcli.plotting.curves import BEYOND, Curve
from gradcli.render.figures import Style, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]

PANEL = 520.0, 200.0
"""Width and height of a panel, about, in the points that labels are placed by."""

LABEL = 76.0, 14.0
"""The room of a label."""


def tangents(panel: Axes, curve: Curve, style: Style, colour: str, labels: list[Point]) -> None:
    """Tangents with their slopes; no label over another one: `labels` is where those are that are there."""
    axis = curve.axis
    low, high = panel.get_ylim()
    ends = np.array([axis.low, axis.high])
    for each in curve.tangents:
        if np.isfinite([each.value, each.slope]).all() and abs(each.value) <= BEYOND and not each.broken:
            heights = np.clip(each.along(ends), -BEYOND, BEYOND)
            panel.plot(ends, heights, linestyle=(0, (4, 3)), linewidth=1.1, color=colour)
            panel.plot([each.at], [each.value], "o", color=colour, markersize=5)
            left = each.at < (axis.low + axis.high) / 2
            below = (each.slope >= 0) == left
            across = (each.at - axis.low) / axis.width * PANEL[0] + (10 if left else -10 - LABEL[0])
            raised = free((across, (each.value - low) / (high - low) * PANEL[1]), -16 if below else 10, labels)
            panel.annotate(
                f"slope {figure(each.slope, style)}",
                (each.at, each.value),
                (10 if left else -10, raised),
                textcoords="offset points",
                ha="left" if left else "right",
                fontsize=9,
                color=colour,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )


def free(foot: Point, first: float, labels: list[Point]) -> float:
    """How far above its point a label stands: at `first`, or the nearest place with no other one; it is there then."""
    rows = [first, *(first + sign * k * LABEL[1] for k in range(1, len(labels) + 1) for sign in (1, -1))]

    def alone(raised: float) -> bool:
        y = foot[1] + raised
        inside = raised == first or 0 <= y <= PANEL[1] - LABEL[1]
        return inside and not any(abs(foot[0] - x) < LABEL[0] and abs(y - other) < LABEL[1] for x, other in labels)

    raised = next(filter(alone, rows), first)
    labels.append((foot[0], foot[1] + raised))
    return raised
