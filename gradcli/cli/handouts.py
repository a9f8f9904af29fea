"""Worksheets as files: a sheet for each student, what is to be filled in, and the key in a folder of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gradcli.homework.sheets.worksheets import Press, Sheet
    from gradcli.words import Words

FORMATS = {"markdown": "md", "html": "html", "latex": "tex"}
"""The formats, and how their files end."""

WAITED = 100
"""Sheets that take long enough for a bar."""


class Wishes(NamedTuple):
    """How sheets are to be printed."""

    form: str
    words: Words
    folder: Path
    one_file: bool
    force: bool
    key: bool


def documents(form: str, sheets: Iterable[Sheet], words: Words) -> Iterator[str]:
    """Sheets in one file of a format, piece by piece."""
    from gradcli.render import worksheet_html, worksheet_latex, worksheet_markdown

    formats: dict[str, Any] = {
        "markdown": worksheet_markdown.document,
        "html": worksheet_html.document,
        "latex": worksheet_latex.document,
    }
    pieces: Iterator[str] = formats[form](sheets, words)
    return pieces


def keyed(sheets: Iterable[Sheet], title: str, words: Words) -> Iterator[str]:
    """The key of sheets, in Markdown, piece by piece."""
    from gradcli.render import worksheet_markdown

    yield worksheet_markdown.key_head(title, words)
    yield from (worksheet_markdown.key(sheet, words) for sheet in sheets)


def write(press: Press, students: Sequence[tuple[str, str]], wishes: Wishes) -> tuple[list[str], list[str]]:
    """Write the sheets of a class, what is to be filled in, and the key if it is wished for.

    What was written, and the cells that have no number.

    Errors: FileError, before anything is written where files exist.
    """
    from gradcli import writing
    from gradcli.homework.sheets.worksheets import KEY, TWIN, key, twin, undefined
    from gradcli.render import worksheet_markdown

    taken: set[str] = set()
    names = [writing.safe_name(student or "worksheet", taken) for student, _ in students]
    folder, ending, words = wishes.folder, FORMATS[wishes.form], wishes.words
    keys = folder / "key" if folder.name in ("", "..") else folder.with_name(f"{folder.name}-key")
    together = (folder / f"worksheets.{ending}", folder / "answers.csv")
    sheets = together if wishes.one_file else [folder / f"{name}.{end}" for name in names for end in (ending, "csv")]
    writing.refuse_existing([*sheets, *([keys / "key.csv", keys / "key.md"] if wishes.key else [])], wishes.force)
    without: list[str] = []
    with ExitStack() as files, progress(len(students)) as advance:

        def begun(path: Path, first: tuple[str, ...] = (), *, wished: bool) -> Any:
            """A file that all sheets have a part in."""
            stream = files.enter_context(writing.opened(path, wishes.force, bom=bool(first))) if wished else None
            if stream is not None and first:
                writing.csv_rows(stream, [first])
            return stream

        document = begun(together[0], wished=wishes.one_file)
        twins = begun(together[1], TWIN, wished=wishes.one_file)
        key_rows = begun(keys / "key.csv", KEY, wished=wishes.key)
        key_page = begun(keys / "key.md", wished=wishes.key)
        if key_page is not None:
            key_page.write(worksheet_markdown.key_head(press.assignment.title, words))

        def made() -> Iterator[Sheet]:
            """Each sheet, once what all sheets have in common has its part of it."""
            for student, name in students:
                sheet = press.sheet(student, name)
                without.extend(f"{student}: {each}" if student else each for each in undefined(sheet))
                if twins is not None:
                    writing.csv_rows(twins, twin(sheet))
                if key_rows is not None:
                    writing.csv_rows(key_rows, key(sheet))
                    key_page.write(worksheet_markdown.key(sheet, words))
                yield sheet
                advance()

        if document is not None:
            document.writelines(documents(wishes.form, made(), words))
        else:
            for name, sheet in zip(names, made(), strict=True):
                page = "".join(documents(wishes.form, [sheet], words))
                writing.write(folder / f"{name}.{ending}", page, wishes.force)
                with writing.opened(folder / f"{name}.csv", wishes.force, bom=True) as stream:
                    writing.csv_rows(stream, [TWIN, *twin(sheet)])
    return list(told(len(students), together, keys, wishes)), without


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where a person sees it, and there is enough to wait for."""
    if total < WAITED or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (MofNCompleteColumn(), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda: shown.advance(task)


def told(count: int, together: tuple[Path, Path], keys: Path, wishes: Wishes) -> Iterator[str]:
    """What was written where, a line each."""
    words, folder = wishes.words, wishes.folder
    if wishes.one_file:
        yield words.say("worksheet.made_file", count=count, file=str(together[0]))
    else:
        where = str(folder / f"*.{FORMATS[wishes.form]}")
        yield words.say("worksheet.made_one" if count == 1 else "worksheet.made", count=count, folder=where)
    yield words.say("worksheet.made_twin", file=str(together[1] if wishes.one_file else folder / "*.csv"))
    if wishes.key:
        yield words.say("worksheet.made_key", file=f"{keys / 'key.csv'}, {keys / 'key.md'}")
