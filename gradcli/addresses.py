"""How an address of a cell is read, and what is said when it names none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import islice

from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import Cell, carried, edge_name, gradient_of, here
from gradcli.errors import ExpressionError, LimitError, UnknownCell
from gradcli.notation import rule as rule_text
from gradcli.ops.op import CONSTANT, INPUT
from gradcli.selection import ENTRIES, read_key, select
from gradcli.structure import occurrences
from gradcli.tokens import GREEK, NAME

OF_NODE = ("value", "grad")
OF_EDGE = ("local", "down")

PLAIN = re.compile(NAME)
QUOTIENT = re.compile(rf"[d∂]\s*({NAME})\s*/\s*[d∂]\s*({NAME}|\(.*\))", re.DOTALL)
DIFFERENTIAL = re.compile(rf"d({NAME})")
CALLED = re.compile(rf"(value|grad)\s*[(\[]\s*({NAME})\s*[)\]]")
UNDERSCORED = re.compile(r"(value|grad|local|down)_(.+)")
ORDINAL = re.compile(r"(.*?)\s*#\s*([1-9][0-9]{0,5})", re.DOTALL)

MOST = 8
"""Names that a hint lists."""

CANDIDATES = 2000
"""Names among which a misspelling is looked for."""


class Reader:
    """Reads one address.

    A name is looked up; a text in brackets is found by its structure: white space, needless brackets and the
    names given on the way do not matter.
    """

    def __init__(self, text: str, gradients: Gradients) -> None:
        self.text, self.gradients, self.graph = text, gradients, gradients.graph

    def read(self) -> Cell:
        """The cell, whatever way it is written; of a tensor, perhaps some entries: grad.W[0,1], x[-1], value.q[1:3]."""
        entries = ENTRIES.fullmatch(self.text)
        if entries is None or CALLED.fullmatch(self.text):
            return self.whole()
        before = ENTRIES.fullmatch(entries[1])
        if before is not None and PLAIN.match(before[1]):
            raise _unknown(f"'{self.text}' has two indices", f"write {before[1]}[{before[2]},{entries[2]}]")
        key = read_key(entries[2], entries[1])
        return select(Reader(entries[1], self.gradients).whole(), key, self.text)

    def whole(self) -> Cell:
        """The cell of all entries."""
        if self.text == "value":
            return Cell("value", self.gradients.trace.value, "value", (), (self.graph.output,))
        parts = self.split()
        kind = parts[0]
        if len(parts) > 1 and kind in OF_NODE:
            if len(parts) != 2 or not parts[1]:
                raise _unknown(f"'{self.text}' is no cell", f"a node's cell is {kind}.NODE")
            return self.of_node(kind, parts[1])
        if len(parts) > 1 and kind in OF_EDGE:
            if len(parts) != 3 or not all(parts):
                raise _unknown(
                    f"'{self.text}' is no cell", f"an edge's cell is {kind}.CHILD.PARENT: {self.some_edges()}"
                )
            return self.of_edge(kind, parts[1], parts[2])
        quotient = QUOTIENT.fullmatch(self.text)
        if quotient:
            return self.quotient(quotient[1], quotient[2])
        if PLAIN.fullmatch(self.text):
            return self.bare()
        meant = self.meant(parts)
        if meant:
            raise _unknown(f"'{self.text}' is no cell", f"did you mean {meant}?")
        if kind and not PLAIN.fullmatch(kind) and self.text[0] not in "0123456789.#":
            inner = self.text if self.text[0] != "(" else self.text.removeprefix("(").removesuffix(")")
            written = f"a node as written stands in brackets: value.({inner}), grad.({inner})"
            raise _unknown(f"'{self.text}' is no cell", written)
        what = f"'{self.text}' is no cell" if self.text else "the address is empty"
        raise _unknown(what, self.what_exists())

    def meant(self, parts: list[str]) -> str:
        """What was meant by `grda.x`, `x.grad`, `grad(x)`; empty if nothing comes to mind."""
        called = CALLED.fullmatch(self.text)
        if called:
            return f"{called[1]}.{called[2]}"
        if len(parts) == 1:
            return ""
        if parts[-1] in OF_NODE:
            return f"{parts[-1]}.{'.'.join(parts[:-1])}"
        near = _near(parts[0], [*OF_NODE, *OF_EDGE])
        return ".".join([near[0], *parts[1:]]) if near else ""

    # ── the forms ───────────────────────────────────────────────────────────────────────────────────────

    def bare(self) -> Cell:
        """A name alone: an input, `dx`, or a cell with `_` for `.`; one reading must remain."""
        word = _normal(self.text)
        if word in self.graph.inputs:
            readings = [self.grad([self.graph.inputs[word]]), *self.underscored()]
            return self.only(readings)
        node = self.graph.find(word)
        if node is not None:
            if node == self.graph.output:
                raise _unknown(
                    f"'{word}' is the output: which cell of it?",
                    f"its value is 'value', its gradient 'grad.{word}'",
                )
            raise _unknown(
                f"'{word}' is a node: which cell of it?",
                f"write value.{word} (forward) or grad.{word} (its gradient)",
            )
        differential = DIFFERENTIAL.fullmatch(self.text)
        found = self.graph.find(_normal(differential[1])) if differential else None
        readings = self.underscored()
        if found is not None:
            readings.append(self.grad([found]))
        if readings:
            return self.only(readings)
        if differential and _normal(differential[1]) in self.constants():
            return self.grad(self.nodes(differential[1]))
        cells = [
            "value",
            *(f"{start}{name}" for start in ("", "d", "grad_", "value_") for name in self.some_names()),
        ]
        near = _near(word, cells)
        raise _unknown(f"no cell '{word}'", f"did you mean {' or '.join(near)}?" if near else self.what_exists())

    def underscored(self) -> list[Cell]:
        """The readings of `grad_x`, `local_q_x`, `local_q_x_2`."""
        match = UNDERSCORED.fullmatch(self.text)
        if match is None:
            return []
        kind, rest = match[1], _normal(match[2])
        if kind in OF_NODE:
            found = self.graph.find(rest)
            return [] if found is None else [self.value([found]) if kind == "value" else self.grad([found])]
        readings = []
        for cut in re.finditer("_", rest):
            child, parent = self.graph.find(rest[: cut.start()]), rest[cut.end() :]
            if child is None:
                continue
            numbered = re.fullmatch(r"(.+)_([1-9][0-9]{0,5})", parent)
            for name, ordinal in [(parent, 1)] + ([(numbered[1], int(numbered[2]))] if numbered else []):
                end = self.graph.find(name)
                edges = [] if end is None else self.edges([child], [end])
                if len(edges) >= ordinal:
                    readings.append(self.edge(kind, *edges[ordinal - 1]))
        return readings

    def only(self, readings: list[Cell]) -> Cell:
        """The one reading there is."""
        if len(readings) > 1:
            listed = " or ".join(cell.address for cell in readings)
            raise _unknown(f"'{self.text}' has {len(readings)} meanings", f"write {listed}")
        return readings[0]

    def quotient(self, above: str, below: str) -> Cell:
        """`df/dx`, `∂f/∂x`: the output by its name, or f while nothing else is called so."""
        graph, name = self.graph, _normal(above)
        node = graph.find(name)
        if node == graph.output or (node is None and name == "f"):
            return self.grad(self.nodes(below))
        output = graph.names[graph.output]
        if node is None:
            raise _unknown(f"no node '{name}' in the graph", f"the output is {output}: write d{output}/d{below}")
        raise _unknown(
            f"'{name}' is not the output, and only the output's gradients are cells",
            f"along an edge write local.{name}.{below}; the output's gradient is d{output}/d{below}",
        )

    def of_node(self, kind: str, part: str) -> Cell:
        """`value.q`, `grad.q`; a text that occurs more than once has the sum of its gradients."""
        found = self.nodes(part)
        return self.value(found) if kind == "value" else self.grad(found)

    def of_edge(self, kind: str, child: str, parent: str) -> Cell:
        """`local.q.x`, `down.q.x`, `local.q.x#2`; the address must mean one edge."""
        numbered = ORDINAL.fullmatch(parent)
        parent, ordinal = (numbered[1], int(numbered[2])) if numbered else (parent, 1)
        children, parents = self.nodes(child), self.nodes(parent, constants=True)
        edges = self.edges(children, parents)
        names = self.graph.names
        if not edges and self.edges(parents, children):
            raise _unknown(f"no edge from '{parent}' to '{child}'", f"child first: {kind}.{parent}.{child}")
        if not edges:
            into = "; ".join(self.edges_into(c) for c in children[:MOST])
            raise _unknown(f"no edge from '{parent}' to '{child}'", into)
        pairs = list(dict.fromkeys((c, self.graph.parents[c][k]) for c, k in edges))
        if len(pairs) > 1:
            listed = " or ".join(f"{kind}.{names[c]}.{names[p]}" for c, p in pairs[:MOST])
            raise _unknown(f"'{self.text}' means {len(pairs)} edges", f"write {listed}")
        if ordinal > len(edges):
            what = "is one edge" if len(edges) == 1 else f"are {len(edges)} edges"
            raise _unknown(
                f"there {what} from '{parent}' to '{child}', not {ordinal}", f"write {kind}.{child}.{parent}"
            )
        return self.edge(kind, *edges[ordinal - 1])

    # ── the numbers ─────────────────────────────────────────────────────────────────────────────────────

    def value(self, found: list[int]) -> Cell:
        """The cell of a forward value."""
        address = "value" if found == [self.graph.output] else f"value.{self.named(found)}"
        return Cell(address, self.gradients.trace.values[found[0]], "value", (), (found[0],))

    def grad(self, found: list[int]) -> Cell:
        """The cell of a global gradient: over several occurrences, their sum."""
        parts = [gradient_of(self.gradients, i) for i in found]
        for i, part in zip(found, parts, strict=True):
            if part is None:
                raise _unknown(
                    f"no gradient is computed for '{self.graph.names[i]}': it depends on no input",
                    "to differentiate with respect to a number, make it a variable",
                )
        total = sum(part for part in parts[1:] if part is not None)
        names = tuple(self.graph.names[i] for i in found) if len(found) > 1 else ()
        return Cell(f"grad.{self.named(found)}", parts[0] + total, "grad", names, tuple(found))

    def edge(self, kind: str, child: int, k: int) -> Cell:
        """The cell of an edge."""
        gradients, graph = self.gradients, self.graph
        place = edge_name(graph, child, k)
        if not gradients.active(child, k):
            raise _unknown(f"no gradient flows along this edge: {self.why_not(child, k)}", self.edges_into(child))
        edge = Edge(gradients, child, k)
        local, down = carried(edge)
        if kind == "local" and local is None:
            local = self.jacobian(edge, place)
        return Cell(f"{kind}.{place}", local if kind == "local" else down, kind, (), (child,), k)

    def jacobian(self, edge: Edge, place: str) -> Value:
        """The local gradient of an edge whose rule alone is shown."""
        try:
            return edge.jacobian()
        except LimitError as error:
            rule = rule_text(self.graph, edge.child, edge.k, here(edge))
            passed = f"down.{place} is what it passes down" + (f": {rule}" if rule else "")
            raise LimitError(f"local.{place}: {error.message}", hint=passed) from None

    def why_not(self, child: int, k: int) -> str:
        """Why no gradient flows along an edge."""
        graph, names = self.graph, self.graph.names
        parent = graph.parents[child][k]
        if graph.ops[parent] is CONSTANT:
            return f"{names[parent]} is a number"
        if not graph.ops[child].passes(k):
            return f"{graph.ops[child].name} has no gradient in '{names[parent]}'"
        if not graph.varied[parent]:
            return f"'{names[parent]}' depends on no input"
        if not graph.used[child]:
            return f"the output does not use '{names[child]}'"
        return f"none arrives at '{names[child]}'"

    # ── nodes and edges ─────────────────────────────────────────────────────────────────────────────────

    def nodes(self, part: str, *, constants: bool = False) -> list[int]:
        """The tape positions that a name, or a text in brackets, stands for."""
        part = part.strip()
        if not (part.startswith("(") and part.endswith(")")):
            return [self.node(part, constants=constants)]
        inner = part[1:-1].strip()
        if PLAIN.fullmatch(inner):
            return [self.node(inner, constants=constants)]
        try:
            found = occurrences(part, self.graph)
        except ExpressionError as error:
            offset = max(self.text.find(part), 0)
            span = (error.span[0] + offset, error.span[1] + offset) if error.span else None
            raise UnknownCell(error.message, source=self.text, span=span, hint=error.hint) from error
        if not found:
            entries = ENTRIES.fullmatch(inner)
            known = entries is not None and self.graph.find(_normal(entries[1])) is not None
            meant = f"the gradient of an entry is {self.text.replace(part, inner)}" if known else self.what_exists()
            raise _unknown(f"'{inner}' is no node of the graph", meant)
        return found

    def node(self, word: str, *, constants: bool = False) -> int:
        """The tape position of a name as shown."""
        name = _normal(word)
        found = self.graph.find(name)
        if found is not None:
            return found
        numbers = self.constants()
        if name in numbers:
            if constants:
                return numbers[name]
            constant = f"give it a value to differentiate by it: --{name}=…"
            hint = constant if PLAIN.fullmatch(name) else self.what_exists()
            raise _unknown(f"{name} is a number here, and numbers have no cells", hint)
        if name[:1] in "0123456789":
            raise _unknown(f"{name} is a number, and numbers have no cells", self.what_exists())
        if name[0] == "(":
            raise _unknown(f"the brackets of '{word}' do not match", "a node as written: grad.(w0*x0)")
        if not PLAIN.fullmatch(name):
            raise _unknown(f"'{word}' is no name", f"a node as written stands in brackets: ({word})")
        near = _near(name, self.some_names())
        raise _unknown(
            f"no node '{name}' in the graph",
            f"did you mean {' or '.join(near)}?" if near else self.what_exists(),
        )

    def constants(self) -> dict[str, int]:
        """Literal text → tape position."""
        return {literal.text: i for i, literal in self.graph.numbers.items()}

    def edges(self, children: Sequence[int], parents: Sequence[int]) -> list[tuple[int, int]]:
        """The edges between two sets of nodes."""
        wanted = set(parents)
        return [(c, k) for c in children for k, p in enumerate(self.graph.parents[c]) if p in wanted]

    def named(self, found: list[int]) -> str:
        """The name of a node, or the text of the address for several."""
        if len(found) == 1:
            graph, index = self.graph, found[0]
            if graph.ops[index] is INPUT:  # without naming a million others
                return next(name for name, at in graph.inputs.items() if at == index)
            return graph.names[index]
        return self.text[self.text.index("(") :]

    def split(self) -> list[str]:
        """The address at the dots outside its brackets."""
        parts, depth, start = [], 0, 0
        for match in re.finditer(r"[().]", self.text):
            if match[0] == "." and depth == 0:
                parts.append(self.text[start : match.start()])
                start = match.end()
            elif match[0] != ".":
                depth += 1 if match[0] == "(" else -1
        return [part.strip() for part in [*parts, self.text[start:]]]

    # ── errors ──────────────────────────────────────────────────────────────────────────────────────────

    def some_names(self) -> list[str]:
        """Names to look for a misspelling among: what the user named first."""
        graph = self.graph
        shown = (graph.names[i] for i in islice(graph.shown, CANDIDATES))
        return list(
            dict.fromkeys([*islice(graph.inputs, CANDIDATES), *islice(graph.labels.values(), CANDIDATES), *shown])
        )

    def some_edges(self) -> str:
        """A few of the edges there are, as addresses."""
        edges = [f"local.{edge_name(self.graph, edge.child, edge.k)}" for edge in islice(self.gradients.edges(), MOST)]
        return _listed(edges) or "the graph has none"

    def edges_into(self, child: int) -> str:
        """The edges that arrive at a node, as addresses."""
        graph = self.graph
        into = [edge_name(graph, child, k) for k in range(len(graph.parents[child])) if self.gradients.active(child, k)]
        name = graph.names[child]
        return (
            f"edges into {name}: " + _listed([f"local.{place}" for place in into])
            if into
            else f"no gradient leaves {name}"
        )

    def what_exists(self) -> str:
        """What can be asked for, as a hint."""
        names = self.some_names()
        more = "" if len(self.graph.shown) <= MOST else f" … ({len(self.graph.shown)} in all)"
        return f"cells are value, value.NODE, grad.NODE, local.CHILD.PARENT; nodes: {_listed(names, more)}"


def _unknown(message: str, hint: str | None) -> UnknownCell:
    return UnknownCell(message, hint=hint)


def _near(word: str, candidates: Sequence[str]) -> list[str]:
    """What may have been meant; of two letters one may be wrong."""
    return get_close_matches(word, candidates, 3, 0.5 if len(word) < 4 else 0.6)


def _listed(names: list[str], more: str | None = None) -> str:
    return ", ".join(names[:MOST]) + (more if more is not None else " …" if len(names) > MOST else "")


def _normal(word: str) -> str:
    """A name as the parser knows it."""
    name = unicodedata.normalize("NFKC", word)
    return GREEK.get(name, name)
