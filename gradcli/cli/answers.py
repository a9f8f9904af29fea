"""`--answer CELL=TEXT`, and `--answers FILE`: what a student wrote, with the cells it is for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcli.cells import resolve
from gradcli.cli.arguments import Binding
from gradcli.errors import FaultyFile, FileError, GradcliError, UnknownCell, UsageError, brief
from gradcli.homework.records import Answer, Checked, State, Unreadable
from gradcli.words import Said

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.words import Words

FLAG = "--answer"

EXAMPLE = "such as --answer dx=-4"

OPENING, CLOSING = "([{", ")]}"

TWICE = " ; "
"""What stands between two answers to a cell, which are a fault already."""

LISTED = 1000
"""Entries of a text file that count with the digits they are typed with; more are compared as doubles."""

COMPARING = ("<", ">", "=", "!")
"""What makes `=` a part of a comparison when it stands before."""


def typed(texts: Iterable[str]) -> list[Answer]:
    """The answers of the command line, as typed; `@file` reads the array of a file.

    Errors: UsageError for one without a cell or without `=`; FileError.
    """
    return [answer(text) for text in texts]


def answer(text: str) -> Answer:
    """The answer that `--answer CELL=TEXT` gives.

    >>> answer("local.q.(x==2)=2*x*y")[:2]
    ('local.q.(x==2)', '2*x*y')
    """
    at = equals(text)
    written = f"{FLAG} {text}"
    if at is None:
        raise UsageError(
            f"{FLAG} takes CELL=ANSWER",
            source=written,
            span=(len(FLAG) + 1, len(written)),
            hint=EXAMPLE,
        )
    address, said = text[:at], text[at + 1 :]
    if not address.strip():
        raise UsageError(
            f"which cell is the answer '{brief(said)}' for?",
            source=written,
            span=(len(FLAG) + 1, len(written)),
            hint=EXAMPLE,
        )
    found = Answer(address, said, None, written)
    return from_file(found) if said.strip().startswith("@") else found


def equals(text: str) -> int | None:
    """Where the first `=` stands that is in no brackets and part of no comparison."""
    depth = 0
    for at, c in enumerate(text):
        depth += (c in OPENING) - (c in CLOSING)
        if c != "=" or depth > 0:
            continue
        if text[at + 1 : at + 2] != "=" and text[at - 1 : at] not in COMPARING:
            return at
    return None


def from_file(found: Answer) -> Answer:
    """An answer whose text names a file: the array, in the file's own precision; of a text file what is typed there.

    Errors: UsageError; FileError; LimitError.
    """
    from gradcli.cli.files import from_file as read_file
    from gradcli.reading import documents

    name = found.text.strip()[1:]
    kind = Path(name).suffix.lower()
    if kind == ".npy":
        from gradcli.reading.arrays import stored

        return found._replace(value=stored(documents.read(name), name))
    value = read_file(name, Binding(found.address, found.text, found.place))
    if getattr(value, "size", 1) > LISTED:
        return found._replace(value=value)
    if kind == ".json":
        return found._replace(text=spelled(documents.decoded(name, documents.json_document)))
    return found._replace(text=spelled(words(documents.read_text(name), name, kind)))


def words(text: str, name: str, kind: str) -> Any:
    """The entries of a text file that holds a value, as they are typed: a word, or lists of words."""
    from gradcli.cli import sheets

    if text.lstrip().startswith("["):
        return text.strip()
    places, lines = sheets.contents(text, name)
    separator = sheets.separated_by(lines, kind)
    if separator is None and len(lines) == 1 and sheets.FORMULA.search(lines[0]):
        return lines[0].strip()
    rows = [sheets.split(line, separator, name, place) for line, place in zip(lines, places, strict=True)]
    found = rows[0] if len(rows) == 1 else [row[0] for row in rows] if len(rows[0]) == 1 else rows
    return found[0] if len(found) == 1 else found


def spelled(entry: Any) -> str:
    """A number, or lists of numbers no deeper than an array has axes, as text of our own language."""
    return f"[{', '.join(map(spelled, entry))}]" if isinstance(entry, list) else str(entry).strip()


def from_answer_files(
    paths: Sequence[str],
    gradients: Gradients,
    words: Words,
    *,
    encoding: str | None = None,
    problem: str | None = None,
    student: str | None = None,
) -> list[Answer]:
    """The answers that files hold, of a class's file those of the student; `-` is standard input.

    Errors: FaultyFile with all that is wrong with one; FileError; UsageError; LimitError.
    """
    from gradcli.homework.files.answer_files import answers_of

    wanted: dict[str, Any] = {"encoding": encoding, "problem": problem, "student": student}
    faults: dict[str, list[GradcliError]] = {}
    answers: list[Answer] = []
    for path in paths:
        place = "standard input" if path == "-" else path
        answers += answers_of(path, **wanted, faults=faults.setdefault(place, []))
    refuse_faulty(faults, answers, gradients, words)
    return answers


def refuse_faulty(
    faults: dict[str, list[GradcliError]], answers: Sequence[Answer], gradients: Gradients, words: Words
) -> None:
    """Refuse a file with answers to no cell, or two to one: all that is wrong with it at once. What is wrong with the
    text of an answer alone is no fault of the file, and is told in its place.

    faults: of each file, as far as they are known.
    Errors: FaultyFile.
    """
    first: dict[str, Answer] = {}
    wrong: dict[str, GradcliError] = {}
    for found in answers:
        try:
            cell = resolve(found.address, gradients).address
        except UnknownCell as error:
            wrong[found.place] = error
            continue
        if first.setdefault(cell, found) is not found:
            said = f"{cell} is answered twice: here, and {first[cell].place}"
            wrong[found.place] = FileError(said, hint="keep one of them")
    for file, known in faults.items():
        own = [found for found in answers if found.place.startswith(f"{file}: ")]
        if known or any(found.place in wrong for found in own):
            raise FaultyFile(file, [*known, *faults_of(file, own, wrong, gradients, words)])


def faults_of(
    file: str, answers: Sequence[Answer], wrong: Mapping[str, GradcliError], gradients: Gradients, words: Words
) -> Iterator[FileError]:
    """What is wrong with each answer of a file, with its place in the file."""
    from gradcli.homework.checking import known_names, reader
    from gradcli.homework.numbers.given import read

    names, formula = known_names(gradients), reader(gradients)
    for found in answers:
        at = found.place.removeprefix(f"{file}: ")
        error = wrong.get(found.place)
        if error is not None:
            yield FileError(f"{at}: {error.message}", hint=error.hint)
            continue
        given = None if found.value is not None else read(found.text, names=names, formula=formula)
        if isinstance(given, Unreadable) and TWICE not in found.text:
            yield FileError(f"{at}: {told(given.why, words)}")


def refuse_unknown(answers: Sequence[Answer], gradients: Gradients) -> None:
    """Refuse an answer for a cell that there is not, and a second one for the same cell.

    Errors: UnknownCell, UsageError, pointing into the option or naming the file.
    """
    before: dict[str, Answer] = {}
    for found in answers:
        try:
            cell = resolve(found.address, gradients).address
        except UnknownCell as error:
            if is_typed(found):
                span = (len(FLAG) + 1, len(FLAG) + 1 + len(found.address))
                raise UnknownCell(error.message, source=found.place, span=span, hint=error.hint) from None
            raise UnknownCell(f"{found.place}: {error.message}", hint=error.hint) from None
        first = before.setdefault(cell, found)
        if first is found:
            continue
        if is_typed(first) and is_typed(found):
            start = len(first.place) + 1
            raise UsageError(
                f"{cell} is answered twice",
                source=f"{first.place} {found.place}",
                span=(start, start + len(found.place)),
                hint="keep one of them",
            )
        raise UsageError(f"{cell} is answered twice: {first.place}, and {found.place}", hint="keep one of them")


def refuse_unreadable(checked: Checked, words: Words) -> None:
    """Refuse an answer of the command line that is none, with the caret where it stops being one.

    Errors: UsageError.
    """
    for result in checked.results:
        found, given = result.answer, result.given
        if result.state is not State.UNREADABLE or not is_typed(found):
            continue
        before = len(found.place) - len(found.text)
        start, end = (given.span if isinstance(given, Unreadable) else None) or (0, len(found.text))
        why, hint = (given.why, given.hint) if isinstance(given, Unreadable) else (result.remarks[0], None)
        raise UsageError(
            told(why, words),
            source=found.place,
            span=(before + start, before + end),
            hint=EXAMPLE if hint is None else told(hint, words),
        )


def told(message: Said | str, words: Words) -> str:
    """A message that is a text already, or is said in a language."""
    return message if isinstance(message, str) else words.said(message)


def is_typed(found: Answer) -> bool:
    """Whether an answer is from the command line."""
    return found.place.startswith(f"{FLAG} ")


def refuse_nothing(answers: Sequence[Answer], paths: Sequence[str]) -> None:
    """Refuse a check of nothing.

    Errors: UsageError.
    """
    if not answers:
        where = f" in {', '.join(map(brief, paths))}" if paths else ""
        raise UsageError(f"there is no answer{where}", hint="give one or more: --answer dx=-4")
