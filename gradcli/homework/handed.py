"""What a student handed in, as it stands in one file: nothing is compared with the assignment yet.

    .toml .json     student = "…", name = "…", and a table of cells per problem: [1] dq = -4, "value.q" = "3"
    .csv .tsv       a row per answer: sheet,problem,cell,answer; what worksheets are filled in as
    .md             a worksheet, its table of answers filled in
    .npz            arrays named 1:dW, or dW

Text and numbers keep their digits; an array keeps its type.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, NamedTuple

from gradcli.errors import FileError, GradcliError, LimitError, brief
from gradcli.homework.problem import identified
from gradcli.homework.settings import written
from gradcli.homework.tables import ANSWER, CELL, EMAIL, NAME, PROBLEM, STUDENT, Table, cleaned, find, plain
from gradcli.homework.texts import codec, decoded, marked
from gradcli.reading.documents import LARGEST, LARGEST_TOML

KINDS = (".toml", ".json", ".csv", ".tsv", ".npz", ".md", ".markdown", ".txt")
"""Endings of files that hold answers."""

MARK = re.compile(r"<!-- *gradcli\.worksheet/\d+ +sheet:(.*)-->")
FIELD = re.compile(r"\*\*([^*]{1,60})\*\*\s*:(.*)")
SPLIT = re.compile(r"(?<!\\)\|")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
EMPTY = re.compile(r"[_\s\u00a0]*")

KEY = "this is the key of worksheets, not what students handed in"
KEY_COLUMN = "values"
"""What the key has besides the columns of a sheet."""

LARGEST_DOCUMENT = {".toml": LARGEST_TOML, ".json": 1 << 24}
"""Bytes that a document may have: to read TOML takes sixty times as long as to read JSON."""

MOST_ROWS = 500_000
"""Rows, an answer each, that a file may have; one with a row per student may have any number."""

SMALL = 16
"""Entries of an array that is repeated as text."""


class Entry(NamedTuple):
    """An answer as it stands in a file.

    keys: the problem and the cell, as far as the file tells them apart.   at: its place in the file.
    """

    keys: tuple[str, ...]
    text: str
    value: Any = None
    at: str = ""


class Handed(NamedTuple):
    """One student's answers in a file. `faults` are what is wrong with the file here; `at` is where it begins."""

    student: str = ""
    name: str = ""
    email: str = ""
    entries: tuple[Entry, ...] = ()
    faults: tuple[str, ...] = ()
    at: str = ""


# ── TOML and JSON ───────────────────────────────────────────────────────────────────────────────────────


def from_document(text: str, place: str) -> Handed:
    """The answers of a TOML or JSON file.

    Errors: FileError for what is none.
    """
    from gradcli.homework.assignment import documented

    document = documented(text, place)
    if not isinstance(document, dict):
        raise FileError(f"{place}: this holds no names", hint='such as student = "…", then [1] and dx = -4')
    about: dict[tuple[str, ...], str] = {}
    for key in list(document):
        kind = next((names for names in (STUDENT, NAME, EMAIL) if plain(key) in names), None)
        if kind is None or isinstance(document[key], dict | list):
            continue
        about.setdefault(kind, cleaned(str(document.pop(key))))
    document.pop("schema", None)
    entries, faults = [], []
    for keys, entry in flat(document):
        at = ".".join(keys)
        try:
            entries.append(Entry(keys, spelled(entry, at), None, at))
        except GradcliError as error:
            faults.append(error.message)
    who, name, email = (about.get(kind, "") for kind in (STUDENT, NAME, EMAIL))
    return Handed(who, name, email, tuple(entries), tuple(faults))


def flat(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What stands in nested tables, with its keys, in the order of the file."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((key,), entry) for key, entry in reversed(list(document.items()))]
    while waiting:
        keys, entry = waiting.pop()
        if isinstance(entry, dict):
            waiting += [((*keys, key), inner) for key, inner in reversed(list(entry.items()))]
        else:
            yield keys, entry


def spelled(entry: Any, at: str) -> str:
    """An answer as typed; what is neither number nor text nor a list is spelled too, for a person to look at.

    Errors: FileError for a number of very many digits.
    """
    if entry is None:
        return ""
    if isinstance(entry, bool):
        return "true" if entry else "false"
    if isinstance(entry, str | int | list):
        return written(entry, at)
    return str(entry)


# ── rows ────────────────────────────────────────────────────────────────────────────────────────────────


def is_long(columns: Sequence[str]) -> bool:
    """Whether a CSV file has a row per answer."""
    return find(columns, CELL) is not None and find(columns, ANSWER) is not None


def from_rows(stream: IO[str], place: str) -> list[Handed]:
    """The answers of a file with a row per answer, student by student; those of no named student together.

    Errors: FileError for a file without these columns.
    """
    table = Table(stream, place)
    columns = table.heading.columns
    cell, answer = find(columns, CELL), find(columns, ANSWER)
    if cell is None or answer is None:
        raise FileError(f"{place}: no columns 'cell' and 'answer'", hint="the heading is problem,cell,answer")
    if find(columns, (KEY_COLUMN,)) is not None:
        raise FileError(f"{place}: {KEY}")
    who, name, email, problem = (find(columns, names) for names in (STUDENT, NAME, EMAIL, PROBLEM))
    found: dict[str, list[Entry]] = {}
    about: dict[str, tuple[str, str, str]] = {}
    faults: dict[str, list[str]] = {}
    count = 0
    for row in table.rows():
        fields = row.fields

        def field(at: int | None, fields: Sequence[str] = fields) -> str:
            return cleaned(fields[at]) if at is not None and at < len(fields) else ""

        student = identified(field(who))
        at = f"line {row.line}"
        count += 1
        if count > MOST_ROWS:
            hint = "write a row per student: id,1:value,1:dx"
            raise LimitError(f"{place}: more than {MOST_ROWS:,} answers", hint=hint)
        about.setdefault(student, (field(name), field(email), at))
        if row.fault:
            faults.setdefault(student, []).append(f"{at}: {row.fault}")
            continue
        keys = tuple(filter(None, (field(problem), field(cell))))
        if not field(cell):
            faults.setdefault(student, []).append(f"{at}: no cell is named")
            continue
        found.setdefault(student, []).append(Entry(keys, blanked(fields[answer]), None, f"{at}: {':'.join(keys)}"))
    return [
        Handed(student, named, mail, tuple(found.get(student, ())), tuple(faults.get(student, ())), at)
        for student, (named, mail, at) in about.items()
    ]


def blanked(text: str) -> str:
    """An answer as typed; the line to write on is none."""
    return "" if EMPTY.fullmatch(text) else text.strip()


# ── worksheets ──────────────────────────────────────────────────────────────────────────────────────────


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
    from gradcli.homework.words import LANGUAGES, texts

    return tuple(dict.fromkeys([*(plain(texts(language, "worksheet")[name]) for language in LANGUAGES), *others]))


@cache
def keep_apart() -> tuple[str, ...]:
    """What stands on a key, in every language."""
    from gradcli.homework.words import LANGUAGES, texts

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


# ── arrays ──────────────────────────────────────────────────────────────────────────────────────────────


def from_npz(data: bytes, place: str) -> Handed:
    """The answers of an NPZ file, each an array of its own type; an array of text may tell the student.

    Errors: FileError; LimitError.
    """
    from gradcli.reading import arrays

    about: dict[str, str] = {}

    def read(piece: bytes, where: str) -> Any:
        name = where.removeprefix(f"{place}: '").removesuffix("'")
        if plain(name) in (*STUDENT, *NAME):
            about[plain(name)] = word(piece, where)
            return None
        return arrays.stored(piece, where)

    found = arrays.from_npz(data, place, LARGEST, read)
    entries = [Entry((name,), shown(value), value, name) for name, value in found.items() if value is not None]
    who = next((about[name] for name in STUDENT if name in about), "")
    name = next((about[name] for name in NAME if name in about), "")
    return Handed(identified(who), name, "", tuple(entries))


def word(data: bytes, place: str) -> str:
    """The text of an array that holds one, which is never unpickled.

    Errors: FileError.
    """
    from gradcli.reading.arrays import header, numpy_reading

    with numpy_reading(place, "NPY") as np:
        shape, _, kind, start = header(data)
        if kind.kind not in "Uiu" or shape not in ((), (1,)) or kind.itemsize != len(data) - start:
            raise FileError(f"{place}: this is no text")
        return cleaned(str(np.frombuffer(data, kind, offset=start)[0]))


def shown(value: Any) -> str:
    """An array as text, while it is small; else its type and shape."""
    from gradcli.literals import text_of

    if value.size > SMALL:
        return f"{value.dtype} {value.shape}"
    return str(text_of(value.astype(float)).replace(",", ", "))


# ── any file ────────────────────────────────────────────────────────────────────────────────────────────


def kind_of(place: str, data: bytes) -> str:
    """The ending that tells how to read a file: its own; without one, what its beginning looks like.

    Errors: FileError for an ending that is not known.
    """
    kind = Path(place).suffix.lower()
    if kind in KINDS and kind != ".txt":
        return kind
    if kind not in ("", ".txt"):
        hint = f"answers are read from {', '.join(KINDS[:6])}"
        raise FileError(f"{place}: the kind of file is not known: '{brief(kind)}'", hint=hint)
    if data.startswith(b"PK"):
        return ".npz"
    head = data[:4096].decode(marked(data) or "utf-8", "replace").lstrip("\ufeff\ufffd \t\r\n")
    first = head.partition("\n")[0]
    if head.startswith("{"):
        return ".json"
    if head.startswith(("<!--", "# ", "|", "**")) and "=" not in first:
        return ".md"
    fields = [plain(word) for word in re.split(r"[,;\t]", first)]
    named = any(field in (*STUDENT, *CELL) for field in fields)
    return ".csv" if named and len(fields) > 1 and "=" not in first else ".toml"


def from_bytes(data: bytes, place: str, encoding: str | None = None) -> list[Handed]:
    """What was handed in as the bytes of one file.

    Errors: FileError; LimitError; UsageError for an unknown encoding.
    """
    kind = kind_of(place, data)
    if kind == ".npz":
        return [from_npz(data, place)]
    most = LARGEST_DOCUMENT.get(kind, len(data))
    if len(data) > most:
        raise LimitError(f"{place}: the file is larger than {most:,} bytes")
    text = decoded(data, place, codec(encoding))
    if kind in (".md", ".markdown"):
        return from_markdown(text, place)
    if kind in (".csv", ".tsv"):
        return from_rows(io.StringIO(text, newline=""), place)
    return [from_document(text, place)]
