"""An assignment: the problems, their values, what is asked for, and how answers count.

    TOML or JSON ─schema→ tables ─→ Assignment of Problems, each with its graph
                                 └→ FaultyFile: every fault at once, each with its path

In a path problems are counted from 1, in the order of the file: problem.2.at.x. Nothing in an assignment names another
file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gradcli.errors import FaultyFile, FileError, UsageError, brief, uncapitalised
from gradcli.homework.files.drawing import read as read_draw
from gradcli.homework.files.problem import Problem, Spot, identified, spot
from gradcli.homework.files.settings import quoted, shown
from gradcli.homework.records import Rules, contradicting
from gradcli.reading.documents import LARGEST_TOML, json_document, toml_document
from gradcli.reading.values import Value
from gradcli.syntax import parse

__all__ = ["Assignment", "Problem", "Spot", "from_expression", "identified", "load", "parsed", "spot"]

LARGEST = LARGEST_TOML
"""Bytes that an assignment may have."""

AT_LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

DRAWN = [-5, 5]
"""What a variable of a bare expression is drawn from, where it is given no value."""


@dataclass(frozen=True)
class Assignment:
    """An assignment. `place` is its file; "" for a bare expression."""

    problems: tuple[Problem, ...]
    rules: Rules = Rules()  # noqa: RUF009  nothing changes it
    title: str = ""
    lang: str | None = None
    place: str = ""

    @property
    def seed(self) -> int:
        """What the values of all students are drawn from, with their ids."""
        return self.rules.seed

    @property
    def points(self) -> float:
        """The points of all problems."""
        return round(sum(problem.points for problem in self.problems), 9)

    def problem(self, name: str | None = None) -> Problem:
        """The problem of an id; the only one there is, without one.

        Errors: UsageError.
        """
        ids = [problem.id for problem in self.problems]
        if name is None and len(ids) == 1:
            return self.problems[0]
        listed = f"there are {', '.join(ids[:12])}" + (" …" if len(ids) > 12 else "")
        if name is None:
            raise UsageError(f"which of the {len(ids)} problems?", hint=f"write --problem {ids[0]}; {listed}")
        wanted = identified(name)
        found = next((problem for problem in self.problems if problem.id == wanted), None)
        if found is None:
            near = get_close_matches(wanted, ids, 1)
            hint = f"did you mean {near[0]}?" if near else listed
            raise UsageError(f"{self.place or 'the assignment'} has no problem '{brief(name)}'", hint=hint)
        return found


# ── from a file ─────────────────────────────────────────────────────────────────────────────────────────


def load(path: str, encoding: str | None = None) -> Assignment:
    """The assignment in a TOML or JSON file.

    Errors: FaultyFile with all of its faults; FileError, LimitError for what is no such file.
    """
    from gradcli.homework.files.texts import read_text

    return parsed(read_text(path, encoding, LARGEST), path)


def parsed(text: str, place: str) -> Assignment:
    """The assignment that a text is.

    Errors: FaultyFile with all of its faults; FileError for what is no TOML or JSON.
    """
    from gradcli.homework.files.problem_tables import Faults, Reader, refuse_repeated
    from gradcli.homework.files.schema import EXAMPLES, SCHEMA, validated

    document = documented(text, place)
    if not isinstance(document, dict):
        raise FileError(f"{place}: this holds no names", hint=EXAMPLES["schema"])
    tables, found = validated(document)
    faults = Faults({where: [error] for where, error in found})
    version = document.get("schema")
    if isinstance(version, str) and version != SCHEMA:
        told = f"this version of gradcli reads {SCHEMA}"
        faults.add(("schema",), FileError(f"schema: {quoted(version)} is not read", hint=told))
    for one, other in contradicting(document):
        faults.add((other,), FileError(f"{other}: {one} is set too, another way of comparing", hint="keep one of them"))
    entries = document.get("problem")
    entries = [entry if isinstance(entry, dict) else {} for entry in entries] if isinstance(entries, list) else []
    problems = tuple(Reader(entry, at, faults).read() for at, entry in enumerate(entries))
    refuse_repeated(entries, faults)
    if faults.found or tables is None:
        raise FaultyFile(place, faults.ordered())
    names = ("decimals", "sig", "rtol", "atol", "cs231n", "formulas", "at_kink", "carry", "seed")
    rules = Rules(**{name: getattr(tables, name) for name in names})
    return Assignment(tuple(problem for problem in problems if problem), rules, tables.title, tables.lang, place)


def documented(text: str, place: str, from_json: Callable[[str], Any] = json_document) -> Any:
    """A TOML or JSON text as tables and lists; numbers as typed.

    Errors: FileError with the line.
    """
    kind = Path(place).suffix.lower()
    if kind in (".yaml", ".yml"):
        raise FileError(f"{place}: YAML is not read", hint="write it as TOML or JSON")
    json = kind == ".json" or (kind != ".toml" and text.lstrip().startswith("{"))
    try:
        return from_json(text) if json else toml_document(text)
    except RecursionError:
        raise FileError(f"{place}: this is nested too deeply") from None
    except ValueError as error:
        message = uncapitalised(str(error))
        at = AT_LINE.search(message)
        if at is None or at[1] is None:
            raise FileError(f"{place}: {message}", hint=advice(message)) from None
        lines = text.replace("\r\n", "\n").split("\n")
        start = sum(len(line) + 1 for line in lines[: int(at[1]) - 1]) + int(at[2]) - 1
        said = f"{place}: {message[: at.start()]} (line {at[1]})"
        raise FileError(said, source="\n".join(lines), span=(start, start + 1), hint=advice(message)) from None


def advice(message: str) -> str | None:
    """What helps against a decoder's complaint."""
    if "overwrite a value" in message:
        return 'the key is given twice: keep one; "value" and "value.q" beside each other need quotes'
    if message.startswith("illegal character '\\n'") or "unterminated string" in message:
        return "text ends on its line: close its quotes"
    if message.startswith("invalid value") and "end of document" not in message:
        return 'text stands in quotes: x = "1/3"'
    return None


# ── from a bare expression ──────────────────────────────────────────────────────────────────────────────


def from_expression(
    expr: str, values: Mapping[str, Value] | None = None, *, upstream: Value | None = None, defs: str = ""
) -> Assignment:
    """The assignment of one problem that a bare expression stands for: its value, and the gradient of each input.

    values: those given; each other variable is a whole number from −5 to 5, drawn for each student.
    Errors: ExpressionError, UsageError, LimitError.
    """
    values = dict(values or {})
    graph = parse(expr, given=set(values), definitions=defs)
    unknown = [name for name in values if name not in graph.inputs]
    if unknown:
        near = get_close_matches(unknown[0], list(graph.inputs), 1)
        hint = f"did you mean {near[0]}?" if near else None
        raise UsageError(f"the expression has no variable '{brief(unknown[0])}'", hint=hint)
    draw = {name: read_draw(DRAWN, name) for name in graph.inputs if name not in values}
    cells = {"value": 1.0, **{f"grad.{name}": 1.0 for name in graph.inputs}}
    typed = {name: shown(value) for name, value in values.items()}
    problem = Problem("1", expr, values, draw, cells, typed, defs=defs, upstream=upstream)
    problem.sample  # noqa: B018  its faults are the caller's
    return Assignment((problem,))
