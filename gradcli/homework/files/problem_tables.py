"""How a [[problem]] of an assignment file is read: its expression, values and cells, and all faults in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from gradcli.cells import resolve
from gradcli.errors import FileError, GradcliError, NotScalarError, brief
from gradcli.homework.files.drawing import candidates
from gradcli.homework.files.drawing import read as read_draw
from gradcli.homework.files.problem import Problem, Spot, identified, spot
from gradcli.homework.files.settings import joined, number, quoted, setting, shown
from gradcli.reading.values import Value
from gradcli.syntax import parse
from gradcli.tokens import GREEK, NAME

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.graph import Graph

PROBLEM_ID = re.compile(r"[^\s:,;\"'#\x00-\x1f]{1,40}")
"""What may name a problem: it stands in headings of columns, as 1:dx."""

TRIED = 32
"""Values that are drawn to see whether there are any at which all is finite."""

SUMMED = "sum(…) makes it one number; or give the problem its upstream, of the output's shape: upstream = [1, 1]"


class Faults:
    """The faults of a file, by place."""

    def __init__(self, found: dict[tuple[Any, ...], list[GradcliError]]) -> None:
        self.found = found

    def add(self, place: tuple[Any, ...], error: GradcliError) -> None:
        """Note a fault."""
        self.found.setdefault(place, []).append(error)

    def at(self, place: tuple[Any, ...]) -> bool:
        """Whether something is wrong at a place, or within."""
        return any(other[: len(place)] == place for other in self.found)

    def ordered(self) -> list[GradcliError]:
        """All of them: of the file itself, then problem by problem."""
        places = sorted(self.found, key=lambda place: (place[0] == "problem", *map(int, place[1:2])))
        return [error for place in places for error in self.found[place]]


def refuse_repeated(entries: Sequence[Mapping[str, Any]], faults: Faults) -> None:
    """Each problem has an id of its own."""
    first: dict[str, int] = {}
    for at, entry in enumerate(entries):
        if "id" not in entry or faults.at(("problem", at, "id")):
            continue
        name = identified(entry["id"])
        if name in first:
            told = f"problem.{at + 1}.id: {quoted(name)} is problem {first[name] + 1}'s id too"
            faults.add(("problem", at, "id"), FileError(told, hint="each problem has its own"))
        first.setdefault(name, at)


class Reader:
    """Reads one problem, and notes whatever is wrong with it."""

    def __init__(self, entry: Mapping[str, Any], at: int, faults: Faults) -> None:
        self.entry, self.where, self.faults = entry, ("problem", at), faults
        self.path = f"problem.{at + 1}"

    def read(self) -> Problem | None:
        """The problem; None where something is wrong with it."""
        self.identify()
        settings = self.each("at", setting)
        draws = self.each("draw", read_draw)
        cells = self.each("cells", points, plain=False)
        upstream = None
        if "upstream" in self.entry:
            upstream = self.take(("upstream",), lambda: setting(self.entry["upstream"], f"{self.path}.upstream").value)
        for name in settings.keys() & draws.keys():
            self.fault(("draw", name), "it has a value in at too", hint="keep one of them")
        problem = Problem(
            id=identified(self.entry.get("id", "")),
            expr=str(self.entry.get("expr", "")),
            at={name: found.value for name, found in settings.items() if found},
            draw={name: found for name, found in draws.items() if found},
            cells={address: found for address, found in cells.items() if found is not None},
            typed={name: found.text for name, found in settings.items() if found},
            title=str(self.entry.get("title", "")),
            text=str(self.entry.get("text", "")),
            defs=str(self.entry.get("defs", "")),
            upstream=upstream,
        )
        if "expr" not in self.entry or self.faulty("expr") or self.faulty("defs"):
            return None
        return self.run(problem, {*settings, *draws})

    def identify(self) -> None:
        """The id can stand in the heading of a column."""
        word = self.entry.get("id")
        if self.faulty("id") or word is None:
            return
        if not PROBLEM_ID.fullmatch(identified(word)):
            self.fault(("id",), f"{quoted(word)} cannot be an id", hint="a short word without : , ; or blanks")

    def each(self, key: str, read: Callable[[Any, str], Any], *, plain: bool = True) -> dict[str, Any]:
        """The entries of a table, each read; None for one that is wrong."""
        table = self.entry.get(key)
        if not isinstance(table, dict):
            return {}
        found: dict[str, Any] = {}
        for word, entry in table.items():
            name = GREEK.get(folded := unicodedata.normalize("NFKC", word), folded) if plain else word.strip()
            at = joined(self.path, [key, word])
            if plain and not re.fullmatch(NAME, word):
                self.fault((key, word), "this cannot be the name of a variable", hint="names are letters, digits and _")
            elif name in found:
                self.fault((key, word), f"'{brief(name)}' is given twice", hint="keep one of them")
            else:
                found[name] = self.take((key, word), partial(read, entry, at))
        return found

    def run(self, problem: Problem, given: set[str]) -> Problem | None:
        """The problem, its graph and its cells looked at.

        given: the names that have a value, also those whose value is wrong.
        """
        graph = self.take(("expr",), lambda: parse(problem.expr, given=given, definitions=problem.defs), expr=True)
        if graph is None:
            return None
        for name in graph.inputs:
            if name not in given and not self.whole("at") and not self.whole("draw"):
                hint = f"write it in at or in draw: at = {{ {name} = 3 }}"
                self.fault(("at", name), f"{name} has no value", hint=hint, source=graph, span_of=name)
        for key in ("at", "draw"):
            for name in self.entry.get(key, ()) if isinstance(self.entry.get(key), dict) else ():
                known = GREEK.get(folded := unicodedata.normalize("NFKC", name), folded)
                if known not in graph.inputs and re.fullmatch(NAME, name):
                    near = get_close_matches(known, list(graph.inputs), 1)
                    listed = ", ".join(list(graph.inputs)[:8]) or "none"
                    hint = f"did you mean {near[0]}?" if near else f"its variables: {listed}"
                    self.fault((key, name), f"the expression has no variable '{brief(name)}'", hint=hint)
        if self.faulty("at") or self.faulty("draw") or self.faulty("upstream"):
            self.cells_at_least(problem, graph)
            return None
        if self.take(("expr",), lambda: problem.sample, expr=True) is not None:
            self.cells(problem)
        return None if self.faulty() else problem

    def cells_at_least(self, problem: Problem, graph: Graph) -> None:
        """What can be said of the cells while some values are wrong: of a graph of numbers, whether they exist."""
        values = {**dict.fromkeys(graph.inputs, 1.0), **{n: v for n, v in problem.at.items() if n in graph.inputs}}
        if graph.tensorial or any(not isinstance(value, float) for value in values.values()):
            return
        try:
            gradients = graph.forward(values).backward()
        except GradcliError:
            return
        self.cells(problem, gradients)

    def cells(self, problem: Problem, gradients: Gradients | None = None) -> None:
        """The cells that are asked for exist, are named once, and are finite where all students have one value."""
        judged = gradients is None and not problem.draw
        sample = gradients or problem.sample
        seen: dict[Spot, str] = {}
        for address in problem.cells:
            cell = self.take(("cells", address), partial(resolve, address, sample), expr=True)
            if cell is None:
                continue
            if spot(cell) in seen:
                told = f"this is the cell '{seen[spot(cell)]}' again"
                self.fault(("cells", address), told, hint="keep one of them")
            elif judged and not finite(cell.value):
                told = (
                    f"this is {shown(cell.value)} here" if isinstance(cell.value, float) else "an entry is not finite"
                )
                self.fault(("cells", address), told, hint="choose values at which it is a finite number")
            seen.setdefault(spot(cell), address)
        if problem.draw and gradients is None and not self.faulty("cells"):
            self.defined(problem)

    def defined(self, problem: Problem) -> None:
        """Some values that may be drawn have finite numbers in all cells that are asked for."""
        for values in islice(candidates(problem, 0, ""), TRIED):
            with suppress(GradcliError):
                found = problem.gradients(values)
                if all(finite(resolve(address, found).value) for address in problem.cells):
                    return
        told = f"a cell that is asked for is not finite, at all of {TRIED} values tried"
        self.fault(("draw",), told, hint="draw from where the expression is defined")

    def whole(self, key: str) -> bool:
        """Whether a table as a whole is none, so that nobody knows what it was to hold."""
        return (*self.where, key) in self.faults.found

    def faulty(self, key: str | None = None) -> bool:
        """Whether something is wrong with the problem, or with one of its entries."""
        return self.faults.at((*self.where, key) if key else self.where)

    def take(self, place: tuple[str, ...], read: Callable[[], Any], *, expr: bool = False) -> Any:
        """What a reader gives; None where it refuses, which is noted.

        expr: the error has no path yet; it may have a line of the expression.
        """
        try:
            return read()
        except GradcliError as error:
            if not expr:
                self.faults.add((*self.where, *place), error)
                return None
            keys = ["defs"] if error.place == "definitions" else list(place)
            told = f"{joined(self.path, keys)}: {error.message}"
            hint = SUMMED if isinstance(error, NotScalarError) else error.hint
            found = FileError(told, source=error.source, span=error.span, hint=hint)
            self.faults.add((*self.where, *keys), found)
        return None

    def fault(
        self,
        place: tuple[str, ...],
        message: str,
        hint: str | None = None,
        source: Graph | None = None,
        span_of: str = "",
    ) -> None:
        """Note a fault; with the variable under a caret."""
        span = source.spans[source.inputs[span_of]] if source else None
        told = f"{joined(self.path, place)}: {message}"
        self.faults.add(
            (*self.where, *place), FileError(told, source=source.source if source else None, span=span, hint=hint)
        )


def points(entry: Any, path: str) -> float:
    """What a cell is worth.

    Errors: FileError.
    """
    found = number(entry, path)
    if found < 0:
        raise FileError(f"{path}: points are at least 0, not {shown(found)}")
    return found


def finite(value: Value) -> bool:
    """Whether all numbers of a value are finite."""
    return all(map(isfinite, [value] if isinstance(value, int | float) else value.ravel().tolist()))
