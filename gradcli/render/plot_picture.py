"""Curves and fields as a picture: PNG, SVG or PDF, by matplotlib's Figure, never pyplot. Same input, same bytes.

matplotlib works in its own defaults, whatever stands in the user's matplotlibrc, and with the fonts that it brings.
Text is never read as mathematics: a `$` is a `$`.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.errors import FileError, visible
from gradcli.plotting.curves import BEYOND, Curve
from gradcli.plotting.fields import Field
from gradcli.render.figures import Style, figure
from gradcli.render.plot_labels import Point, tangents
from gradcli.render.plot_words import field_remarks, remarks, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradcli.plotting.breaks import Gap
    from gradcli.plotting.slopes import Stretch

KINDS = ("png", "svg", "pdf")
"""Endings of pictures."""

WIDTH, DPI = 8.0, 150
"""Inches, and dots an inch."""

COLUMNS = 112
"""Characters of a line of remarks below."""

LINES, LINE = 6, 0.167
"""Lines of remarks that a picture has room for; by how many inches each further one makes it taller."""

NAMED = 90
"""Characters of a formula in a title or a legend."""

VALUE, GRADIENT = "#1a7f37", "#cf222e"
"""Forward in green, gradients in red, as the lecture draws them."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Of several curves: told apart by most who see colours differently."""

THIN, WIDER, WIDEST = 1.7, 0.7, 2.8
"""The width of the last of several curves, by how much the one before is wider, and the first one at most."""

STYLES = ("-", "--", "-.", (0, (1, 1)))

SETTINGS: Any = {
    "svg.hashsalt": "gradcli",
    "svg.fonttype": "path",  # looks the same where no font is installed
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "path.simplify": True,
    "agg.path.chunksize": 0,
}

METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What would make two pictures of the same differ, left out."""


def render(drawn: Sequence[Curve] | Field, kind: str, style: Style, *, derivative: bool = True) -> bytes:
    """The picture in one of KINDS."""
    with drawing():
        from matplotlib.figure import Figure

        if isinstance(drawn, Field):
            picture = Figure(figsize=(7.0, 6.6), dpi=DPI, layout="constrained")
            _field(picture, drawn, style, derivative)
        else:
            picture = Figure(figsize=(WIDTH, 6.2 if derivative else 4.2), dpi=DPI, layout="constrained")
            _curves(picture, drawn, style, derivative)
        stream = io.BytesIO()
        picture.savefig(stream, format=kind, metadata=METADATA[kind])
    return stream.getvalue()


@contextmanager
def drawing() -> Iterator[None]:
    """matplotlib in its own defaults and ours, quietly.

    Errors: FileError where it finds no folder at all for its list of fonts.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of folders and font caches
    try:
        from matplotlib import font_manager, rc_context, rcdefaults, rcParams  # noqa: F401 - makes the list
    except OSError as error:
        hint = "set MPLCONFIGDIR to a folder that can be written"
        raise FileError("matplotlib, which draws pictures, can keep no file anywhere", hint=hint) from error

    with rc_context():
        rcdefaults()
        rcParams.update(SETTINGS)
        yield


def shown(text: str, most: int = NAMED) -> str:
    """User's text on one line, as the font can write it: other characters as escapes."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    line = visible(" ".join(text.split()))
    line = "".join(c if font.get_char_index(ord(c)) else ascii(c)[1:-1] for c in line)
    return line if len(line) <= most else f"{line[: most - 1]}…"


# ── curves ──────────────────────────────────────────────────────────────────────────────────────────────────


def _curves(picture: Figure, curves: Sequence[Curve], style: Style, derivative: bool) -> None:
    axis, several = curves[0].axis, len(curves) > 1
    name = shown(axis.name, 30)
    heights = [3, 2] if derivative else [1]
    panels = picture.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    top, bottom = panels[0], panels[-1]
    top.set_title("" if several else titled(shown(curves[0].name)), loc="left", fontsize=11)
    top.set_ylabel("f")
    _limits(top, curves, slope=False)
    labels: list[Point] = []
    for k, curve in enumerate(curves):
        colour = COLOURS[k % len(COLOURS)] if several else VALUE
        wide = THIN + (len(curves) - 1 - k) * min(WIDER, WIDEST / len(curves))  # so that one is seen behind another
        look = {"color": colour, "linestyle": STYLES[k // len(COLOURS) % len(STYLES)], "linewidth": wide}
        _lines(top, curve, slope=False, label=shown(curve.name, 40), **look)
        _marks(top, curve, colour)
        tangents(top, curve, style, COLOURS[k % len(COLOURS)] if several else "#0969da", labels)
        if derivative:
            _lines(
                bottom,
                curve,
                slope=True,
                label=shown(curve.name, 40),
                **{**look, "color": colour if several else GRADIENT},
            )
            if not several:
                _shade(bottom, curve.vanishing, GRADIENT)
    if derivative:
        bottom.set_ylabel(f"∂f/∂{name}")
        _limits(bottom, curves, slope=True)
    bottom.set_xlabel(name)
    bottom.set_xlim(axis.low, axis.high)
    for panel in panels:
        if not several:
            _shade(panel, curves[0].found.gaps, "black")
        panel.axhline(0, color="#999999", linewidth=0.8, zorder=0.5)
        if axis.low < 0 < axis.high:
            panel.axvline(0, color="#999999", linewidth=0.8, zorder=0.5)
    if several:
        top.legend(loc="best", frameon=False, fontsize=9)
    said = [
        f"{shown(curve.name, 40)}: {each}" if several else each for curve in curves for each in remarks(curve, style)
    ]
    _below(picture, said)


def _limits(panel: Axes, curves: Sequence[Curve], *, slope: bool) -> None:
    """What is seen of the heights: poles reach farther."""
    found = [reach for curve in curves if (reach := curve.reach(slope=slope)) is not None]
    if found:
        low, high = min(low for low, _ in found), max(high for _, high in found)
        room = (high - low) * 0.05 or abs(low) * 0.1 or 1.0
        panel.set_ylim(low - room, high + room)


def _lines(panel: Axes, curve: Curve, *, slope: bool, label: str, **look: Any) -> None:
    """The pieces of a curve; a single point as a dot."""
    reach = curve.reach(slope=slope)
    if reach is None:
        return
    low, high = reach if slope else panel.get_ylim()
    for k, (x, y) in enumerate(curve.lines(slope=slope)):
        single = {"marker": "o", "markersize": 4, "linestyle": "none"} if len(x) == 1 else {}
        panel.plot(
            x, np.clip(y, *_held(low, high)), label=None if k else label, clip_on=len(x) > 1, **{**look, **single}
        )


def _held(low: float, high: float) -> tuple[float, float]:
    """How far off the picture a line goes on: far enough to leave it, not so far that a renderer loses digits."""
    far = 100 * (high - low) or 100 * abs(low) or 100.0
    return low - far, high + far


def _marks(panel: Axes, curve: Curve, colour: str) -> None:
    """Kinks as rings, poles as dotted lines, ends of jumps as dots: full where the value is taken."""
    low, high = panel.get_ylim()
    for each in curve.found.breaks:
        if each.kind == "kink":
            panel.plot([each.at], [each.left.value], "o", color=colour, markerfacecolor="white", markersize=5)
        elif each.kind == "pole":
            panel.axvline(each.at, color=colour, linewidth=0.8, linestyle=":", zorder=0.6)
        elif each.kind == "hole" and low <= each.left.value <= high:
            panel.plot([each.at], [each.left.value], "o", color=colour, markerfacecolor="white", markersize=5)


def _shade(panel: Axes, stretches: Sequence[Stretch | Gap], colour: str) -> None:
    """Stretches of the axis, shaded: where the gradient vanishes, or the function is not defined."""
    for each in stretches:
        panel.axvspan(each.low, each.high, color=colour, alpha=0.07, linewidth=0)


def _below(picture: Figure, said: Sequence[str]) -> None:
    """Sentences under the panels, which make room for them."""
    lines = [line for each in said for line in wrap(shown(each, 1000), COLUMNS, subsequent_indent="    ")]
    picture.set_figheight(picture.get_figheight() + LINE * max(len(lines) - LINES, 0))
    text = "\n".join(lines)
    if text:
        picture.supxlabel(text, x=0.01, ha="left", fontsize=8, color="#444444", linespacing=1.5)


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────

ARROWS = 19
"""Arrows along an axis."""

SHRUNK = 1e-20
"""What heights that are near the largest doubles are multiplied by: contours need differences of them."""

COMPARABLE = 3
"""How many times as long one range may be as the other, to be drawn to one scale."""


def _field(picture: Figure, field: Field, style: Style, derivative: bool) -> None:
    """Contours, with the gradient as arrows of one length, darker where it is longer."""
    panel = picture.subplots()
    across, along = field.axes
    panel.set_title(titled(shown(field.name, 70)), loc="left", fontsize=11)
    panel.set_xlabel(shown(across.name, 30))
    panel.set_ylabel(shown(along.name, 30))
    panel.grid(visible=False)
    equal = 1 / COMPARABLE <= across.width / along.width <= COMPARABLE
    if equal:
        panel.set_aspect("equal")
    panel.set_facecolor("#eeeeee")
    low, high = field.extreme()[0], field.extreme(highest=True)[0]
    shrunk = SHRUNK if max(-low, high) > BEYOND * SHRUNK else 1.0
    levels, low, high = [level * shrunk for level in field.levels()], low * shrunk, high * shrunk
    heights = np.ma.masked_invalid(field.value * shrunk)
    if levels:
        from matplotlib.colors import BoundaryNorm

        bounds = [low, *levels, high]
        norm = BoundaryNorm(np.arange(len(bounds)), 256)
        places = np.ma.masked_array(np.interp(heights.filled(low), bounds, np.arange(len(bounds))), heights.mask)
        panel.contourf(field.x, field.y, places, levels=np.arange(len(bounds)), cmap="viridis", norm=norm, alpha=0.85)
        lines = panel.contour(field.x, field.y, heights, levels=levels, colors="white", linewidths=0.6)
        panel.clabel(
            lines, levels[:: max(1, len(levels) // 6)], fmt=lambda level: figure(level / shrunk, style), fontsize=7
        )
    if derivative:
        _arrows(panel, field, equal=equal)
    panel.set_xlim(across.low, across.high)
    panel.set_ylim(along.low, along.high)
    _below(picture, list(field_remarks(field, style, derivative=derivative)))


def _arrows(panel: Axes, field: Field, *, equal: bool) -> None:
    rows, columns = (
        np.unique(np.linspace(0, len(each) - 1, ARROWS + 2).round().astype(int)[1:-1]) for each in (field.y, field.x)
    )
    dx, dy, size = (each[np.ix_(rows, columns)] for each in (field.dx, field.dy, field.size))
    sound = np.isfinite(size) & (size > 0)
    if not sound.any():
        return
    with np.errstate(all="ignore"):
        u, v = np.where(sound, dx / size, np.nan), np.where(sound, dy / size, np.nan)
    x, y = np.meshgrid(field.x[columns], field.y[rows])
    length = 1 + 0.55 * (np.argsort(np.argsort(size[sound])) / max(sound.sum() - 1, 1) - 1)
    panel.quiver(
        x[sound],
        y[sound],
        u[sound] * length,
        v[sound] * length,
        angles="uv" if equal else "xy",
        pivot="mid",
        color="#7a0c14",
        width=0.0032,
        scale=26,
        headwidth=4,
    )
