"""The op table's documentation as text: an overview, one page an op, JSON, Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import cycle
from math import isfinite, isnan
from textwrap import wrap
from typing import Any

from gradcli.notation import pretty
from gradcli.reference import Derivative, Entry, listed

WIDTH = 80
"""Columns to which descriptions are wrapped where the width is not known."""


def overview(entries: Sequence[Entry], width: int | None = None) -> str:
    """Every op by its group: how it is written, and a line of documentation."""
    column = max(len(entry.signature) for entry in entries) + 2
    lines: list[str] = []
    for group, members in grouped(entries):
        lines += ["", f"{group}:"]
        for entry in members:
            first, *rest = wrap(entry.doc, max(30, (width or WIDTH) - column - 2)) or [""]
            lines += [f"  {entry.signature.ljust(column)}{first}".rstrip()]
            lines += [" " * (column + 2) + line for line in rest]
    return "\n".join([*lines[1:], "", "one of them: gradcli ops NAME"])


def page(entry: Entry) -> str:
    """Everything about one op."""
    facts = [("written", " or ".join(entry.calls)), *described(entry), ("try", entry.example)]
    column = max(len(key) for key, _ in facts) + 2
    lines = [f"{entry.signature}  ({entry.group})", f"  {entry.doc}", ""]
    for key, text in facts:
        first, *rest = text.split("\n")
        lines += [f"  {key.ljust(column)}{first}", *(" " * (column + 2) + line for line in rest)]
    return "\n".join(lines)


def described(entry: Entry) -> list[tuple[str, str]]:
    """(heading, text) for every fact that the row states."""
    facts = [("definition", f"{entry.output} = {pretty(entry.definition)}")]
    if entry.shapes:
        facts.append(("shapes", entry.shapes))
    if entry.stable:
        facts.append(("in floats", f"{entry.output} = {pretty(entry.stable)}"))
    heading = "passes down" if entry.structural else "derivative"
    lines = [derivative(each, entry) for each in entry.derivatives]
    if entry.structural:
        lines[0] += f"   with g = ∂L/∂{entry.output}"
    facts.append((heading, "\n".join(lines)))
    facts.append(("domain", entry.domain or "everywhere"))
    if entry.convention:
        facts.append(("kinks", f"{entry.kinks}: {entry.convention}" if entry.kinks else entry.convention))
    if entry.gate:
        facts.append(("gate", entry.gate))
    if entry.role:
        facts.append(("backward", entry.role))
    if entry.checks:
        facts.append(("checked", "\n".join(checked(entry))))
    facts.append(("source", entry.source))
    return facts


def derivative(each: Derivative, entry: Entry) -> str:
    """A partial derivative in a line: as shown, and as computed where that is another form."""
    left = f"∂{'L' if entry.structural else entry.output}/∂{each.input}"
    if each.shown is None:
        return f"{left}: no gradient"
    if entry.structural:
        return f"{left} = {pretty(each.shown)}"
    line = f"{left} = {pretty(each.shown)}"
    return line if each.computed in (None, each.shown) else f"{line}   computed as {pretty(str(each.computed))}"


def checked(entry: Entry) -> list[str]:
    """The hand-checked points, a line each."""
    return [
        f"at {', '.join(map(listed, check.at))}: {listed(check.value)}, {HEADINGS[entry.structural]} "
        + ", ".join(
            slope(partial, each) for partial, each in zip(check.partials, cycle(entry.derivatives), strict=False)
        )
        for check in entry.checks
    ]


HEADINGS = ("derivative", "for an upstream of ones")
"""What the numbers after a hand-checked value are: of an op on numbers, and on whole tensors."""


def slope(partial: Any, each: Derivative) -> str:
    """A hand-checked partial; of some there is none, and some were left to the other checks."""
    if partial is not None:
        return listed(partial)
    return "no gradient" if each.shown is None else "not checked"


def document(entries: Sequence[Entry]) -> dict[str, Any]:
    """The documentation as data for JSON."""
    return {"schema": "gradcli.ops/1", "ops": [asdict(entry) for entry in entries]}


def json_text(entries: Sequence[Entry]) -> str:
    """The documentation as JSON; non-finite numbers are text, as everywhere in gradcli."""
    import json

    return json.dumps(strict(document(entries)), ensure_ascii=False, indent=2, allow_nan=False)


def strict(data: Any) -> Any:
    """Data without bare NaN or Infinity."""
    if isinstance(data, dict):
        return {key: strict(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [strict(value) for value in data]
    if isinstance(data, float) and not isfinite(data):
        return "NaN" if isnan(data) else "Infinity" if data > 0 else "-Infinity"
    return data


def markdown(entries: Sequence[Entry]) -> str:
    """The documentation as a page of Markdown: a table for each group, or one section for a single op."""
    if len(entries) == 1:
        entry = entries[0]
        facts = [
            (key, cell(text.replace("\n", "; "))) for key, text in [*described(entry), ("try", f"`{entry.example}`")]
        ]
        head = [f"## `{entry.signature}`", "", entry.doc, "", "| | |", "| --- | --- |"]
        return "\n".join(head + [f"| {key} | {text} |" for key, text in facts])
    lines: list[str] = []
    for group, members in grouped(entries):
        lines += [f"## {group}", "", "| op | | derivative | domain |", "| --- | --- | --- | --- |"]
        for entry in members:
            slopes = "; ".join("–" if each.shown is None else pretty(each.shown) for each in entry.derivatives)
            slopes = f"passes down {slopes}" if entry.structural else slopes
            row = (f"`{entry.signature}`", entry.doc, slopes, entry.domain or "everywhere")
            lines.append(f"| {' | '.join(map(cell, row))} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def cell(text: str) -> str:
    """Text inside a cell of a Markdown table."""
    return text.replace("|", r"\|").replace("*", r"\*") if not text.startswith("`") else text.replace("|", r"\|")


def grouped(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """The entries by group, in the table's order."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(entry)
    return list(groups.items())
