"""Filled worksheets in Markdown, as render/worksheet_markdown.py prints them and people fill them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from gradcli.errors import FileError
from gradcli.homework.files.handed import KEY, Entry, Handed, blanked
from gradcli.homework.files.problem import identified
from gradcli.homework.files.tables import ANSWER, CELL, NAME, PROBLEM, STUDENT, find, plain

MARK = re.compile(r"<!-- *gradcli\.worksheet/\d+ +sheet:(.*)-->")
FIELD = re.compile(r"\*\*([^*]{1,60})\*\*\s*:(.*)")
SPLIT = re.compile(r"(?<!\\)\|")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def from_markdown(text: str, place: str) -> list[Handed]:
    """The answers of filled worksheets in Markdown, one after the other.

    Errors: FileError for a text without a table of answers.
    """
    if any(said in text for said in keep_apart()):
        raise FileError(f"{place}: {KEY}")
    sheets: list[dict[str, Any]] = [{"entries": [], "about": {}, "student": "", "at": ""}]
    problem, columns = "", None
    before: list[str] = []
    for number, each in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        line = each.strip()
        marked, field = MARK.fullmatch(line), FIELD.match(line)
        if marked:
            student = marked[1].strip().replace("\u200b", "")
            sheets.append({"entries": [], "about": {}, "student": student, "at": f"line {number}"})
            problem = ""
        elif line.startswith("#"):
            problem = problem_of(line.strip("# \t"))
        elif field:
            sheets[-1]["about"].setdefault(plain(field[1]), unescaped(field[2].strip()))
        cells = row_of(line)
        if cells is None:
            columns, before = None, []
        elif before and not line.strip("|:- \t") and "-" in line:
            columns = (find(before, words("column_cell", CELL)), find(before, words("column_answer", ANSWER)))
        elif columns is None:
            before = cells
        elif columns[0] is not None and columns[1] is not None and columns[0] < len(cells):
            address = unquoted(unescaped(cells[columns[0]]))
            answer = unquoted(unescaped(cells[columns[1]])) if columns[1] < len(cells) else ""
            keys = tuple(filter(None, (problem, address)))
            at = f"line {number}: {':'.join(keys)}"
            sheets[-1]["entries"].append(Entry(keys, blanked(answer), None, at))
    found = [sheet for sheet in sheets if sheet["entries"] or sheet["student"]]
    if not any(sheet["entries"] for sheet in found):
        raise FileError(
            f"{place}: there is no table of answers here", hint="its first columns are 'cell' and 'answer', as printed"
        )
    return [handed(sheet) for sheet in found]


def handed(sheet: Mapping[str, Any]) -> Handed:
    """A worksheet as it was found."""
    about = sheet["about"]
    who = sheet["student"] or next((about[name] for name in words("student", STUDENT) if name in about), "")
    name = next((about[name] for name in words("name", NAME) if name in about), "")
    return Handed(identified(who), blanked(name), "", tuple(sheet["entries"]), (), sheet["at"])


def problem_of(heading: str) -> str:
    """The problem that a heading names: `Problem 1 · 7 points`, `문제 1`."""
    text = unescaped(heading.partition(" · ")[0]).strip()
    for word in words("problem", PROBLEM):
        first = word.partition("{")[0].strip()
        if first and text.casefold().startswith(first.casefold()):
            return text[len(first) :].strip().removesuffix(":")
    return text


@cache
def words(name: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """What a word of worksheets may be, in every language, as it is compared."""
    from gradcli.words import LANGUAGES, texts

    return tuple(dict.fromkeys([*(plain(texts(language, "worksheet")[name]) for language in LANGUAGES), *others]))


@cache
def keep_apart() -> tuple[str, ...]:
    """What stands on a key, in every language."""
    from gradcli.words import LANGUAGES, texts

    return tuple(texts(language, "worksheet")["key_keep"] for language in LANGUAGES)


def row_of(line: str) -> list[str] | None:
    """The cells of a table's row; None for a line of text."""
    text = line.strip()
    if "|" not in text or not (text.startswith("|") or SPLIT.search(text)):
        return None
    cells = SPLIT.split(text)
    cells = cells[1:] if not cells[0].strip() else cells
    return [cell.strip() for cell in (cells[:-1] if cells and not cells[-1].strip() else cells)]


def unescaped(text: str) -> str:
    """Markdown's text without its backslashes."""
    return ESCAPED.sub(r"\1", text)


def unquoted(text: str) -> str:
    """Text out of a code span."""
    ticks = len(text) - len(text.lstrip("`"))
    return text[ticks:-ticks].strip() if ticks and text.endswith("`" * ticks) and len(text) > 2 * ticks else text
