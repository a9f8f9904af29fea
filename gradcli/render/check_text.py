"""A check for programs and documents: plain, json, csv, markdown.

plain: a line an answer: cell, state, answer, right number, low, high, name of the mistake; TAB between them, empty
where there is none. Texts stand in json, csv and markdown.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

from gradcli.errors import visible
from gradcli.homework.records import Accepted, Blank, Explanation, Formula, Given, Listed, Number, Result, Unreadable
from gradcli.places import listed
from gradcli.render.csv import cell as guarded
from gradcli.render.figures import Style
from gradcli.render.json import encoded
from gradcli.render.judged import GOOD, TURNED, Row, View, marked
from gradcli.render.markdown import code
from gradcli.render.markdown import text as escaped
from gradcli.render.rows import statements

SCHEMA = "gradcli.check/1"

COLUMNS = ("cell", "given", "state", "first", "right", "low", "high", "mistake", "follows", "text")
"""The columns of csv."""

KINDS = {Number: "number", Formula: "formula", Listed: "array", Blank: "blank", Unreadable: "unreadable"}

Object = dict[str, Any]


# ── plain, csv ──────────────────────────────────────────────────────────────────────────────────────────────────


def plain(view: View, style: Style) -> str:
    """A line an answer, without words."""
    lines = []
    for row in view.rows:
        result = row.result
        facts = [result.cell.address, result.state.value, given(row), *numbers(row, view), mistake(row)]
        lines.append("\t".join(map(visible, facts)) + "\n")
    return "".join(lines)


def csv_text(view: View, style: Style) -> str:
    """A line an answer, with its sentences in one cell. Text that a spreadsheet would run is guarded by a '."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in view.rows:
        result = row.result
        own = (guarded(result.cell.address), guarded(given(row)), result.state.value, "yes" if result.first else "")
        texts = (mistake(row), " ".join(result.origin), " | ".join(row.sentences))
        writer.writerow((*own, *numbers(row, view), *map(guarded, texts)))
    return stream.getvalue()


def given(row: Row) -> str:
    """An answer as it was typed; the entries of a file's array."""
    result = row.result
    text = " ".join(result.answer.text.split())
    return text if text or not isinstance(result.given, Listed) else listed(result.given.value)


def numbers(row: Row, view: View) -> tuple[str, str, str]:
    """The right number and the ends of the interval, never rounded; empty where they are hidden."""
    result = row.result
    if view.hide:
        return "", "", ""
    ends = result.accepted
    return listed(result.right), "" if ends is None else listed(ends.low), "" if ends is None else listed(ends.high)


def mistake(row: Row) -> str:
    """The name of the simplest mistake that leads to an answer."""
    return next((explanation.name for explanation in row.result.explanations), "")


# ── json ────────────────────────────────────────────────────────────────────────────────────────────────────────


def json_text(view: View, style: Style) -> str:
    """`gradcli.check/1`: everything, one answer a line. Its JSON Schema ships in gradcli/schemas."""
    checked = view.checked
    graph = checked.gradients.graph
    states = [result.state.value for result in checked.results]
    head = {
        "schema": SCHEMA,
        "expression": graph.source.strip(),
        "language": view.words.language,
        "right": all(result.state in GOOD for result in checked.results),
        "hidden": view.hide,
        "summary": view.summary(),
        "mistakes": checked.mistakes,
        "states": {state: states.count(state) for state in dict.fromkeys(states)},
        "rules": {key: entry for key, entry in checked.rules._asdict().items() if key not in ("carry", "budget")},
    }
    if view.verification is not None:
        head["verification"] = {"status": view.verification.status, "failures": list(view.verification.failures)}
    lines = [f"  {dumped(key)}: {dumped(entry)}" for key, entry in head.items()]
    results = ",\n    ".join(dumped(result(row, view)) for row in view.rows)
    lines.append(f'  "results": [\n    {results}\n  ]' if results else '  "results": []')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def result(row: Row, view: View) -> Object:
    """One answer."""
    found = row.result
    return {
        "cell": found.cell.address,
        "written": row.cell,
        "place": found.answer.place,
        "given": given(row),
        "kind": kind(found.given),
        "number": encoded(found.given.value) if isinstance(found.given, Number) else None,
        "state": found.state.value,
        "verdict": row.verdict,
        "right": None if view.hide else encoded(found.right),
        "accepted": None if view.hide or found.accepted is None else interval(found.accepted, view),
        "first": found.first,
        "origin": list(found.origin),
        "trivial": found.trivial,
        "searched": found.searched,
        "diagnosis": [] if view.hint else [mistaken(each, row, view) for each in told(found, view)],
        "remarks": view.remarks(found),
        "sentences": list(row.sentences),
    }


def kind(given: Given) -> str:
    """What an answer is."""
    return KINDS[type(given)]


def interval(accepted: Accepted, view: View) -> Object:
    """The accepted interval, and the rule by which it was made."""
    rule = {"name": accepted.rule.key.partition(".")[2], "text": view.words.said(accepted.rule)}
    return {"low": encoded(accepted.low), "high": encoded(accepted.high), "rule": rule}


def told(found: Result, view: View) -> tuple[Explanation, ...]:
    """The mistakes that lead to an answer; beside a name that would give a hidden answer away, no other one's."""
    first = found.explanations[:1]
    return first if view.hide and any(each.name in TURNED for each in first) else found.explanations


def mistaken(explanation: Explanation, row: Row, view: View) -> Object:
    """A mistake that leads to the answer: where it was made, in words, and what else leads there."""
    names = view.checked.gradients.graph.names

    return {
        "name": "slip" if view.hide and explanation.name in TURNED else explanation.name,
        "sites": [{"id": site, "name": names[site]} for site in explanation.sites],
        "text": view.named(explanation, row.result) if view.hide else view.open.said(explanation.said),
        "coincides": [] if view.hide else [view.open.said(other) for other in explanation.coincides],
    }


def dumped(entry: Any) -> str:
    """A part of the document."""
    return json.dumps(entry, allow_nan=False, ensure_ascii=True)


# ── markdown ────────────────────────────────────────────────────────────────────────────────────────────────────


def markdown(view: View, style: Style) -> str:
    """A GitHub table, for feedback. What came from the student stands in code spans, and never acts."""
    say = view.words.say
    source = "; ".join(statements(view.checked.gradients.graph.source))
    names = ("cell", "given", *(() if view.hide else ("right",)), "verdict", "hint" if view.hint else "diagnosis")
    heading = f"{code(source, style)} {escaped(view.at, style)}".strip()
    lines = [heading, "", table_row(*(say(f"check.column_{name}") for name in names))]
    lines.append(table_row(*(":--" for _ in names)))
    for row in view.rows:
        lines.append(table_row(*markdown_cells(row, view, style)))
    return "\n".join([*lines, "", escaped(view.summary(), style)]) + "\n"


def markdown_cells(row: Row, view: View, style: Style) -> Iterator[str]:
    """The cells of an answer."""
    yield code(row.cell, style)
    yield code(row.given, style)
    if not view.hide:
        yield escaped(row.accepted, style)
    yield marked(row, style)
    yield "<br>".join(escaped(sentence, style) for sentence in row.sentences)


def table_row(*cells: str) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


FORMATS = {"plain": plain, "json": json_text, "csv": csv_text, "markdown": markdown}
"""Format → function (view, style) → text."""
