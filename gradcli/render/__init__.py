"""A Report as text, one module a format; each is imported when it is asked for.

Machine formats (plain, json, csv, shell) are never rounded; the others are for people and follow their Style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, cast

from gradcli.errors import UsageError

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report

    Renderer = Callable[[Report, Style], str]


def _lazily(module: str) -> Renderer:
    """A format's `render`, imported at its first use."""

    def renderer(report: Report, style: Style) -> str:
        return cast("Renderer", import_module(f"gradcli.render.{module}").render)(report, style)

    return renderer


FORMATS: dict[str, Renderer] = {
    name: _lazily(name) for name in ("table", "plain", "json", "csv", "markdown", "latex", "shell")
}
"""Format → function (report, style) → text."""


def render(report: Report, format: str, style: Style) -> str:  # noqa: A002 - the option's own name
    """A report in a format, without a final new line.

    Errors: UsageError for a format that does not exist, or names that the format cannot hold.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format '{format}'", hint=f"formats are {', '.join(FORMATS)}")
    return FORMATS[format](report, style)


def pieces(report: Report, format: str, style: Style) -> Iterator[str]:  # noqa: A002
    """The same text piece by piece, so that a graph of a million nodes need not be held as one text."""
    if format in STREAMED:
        yield from import_module(f"gradcli.render.{format}").pieces(report, style)
    else:
        yield render(report, format, style)


STREAMED = ("table", "plain", "json", "csv")
