"""Where a text occurs in a graph: nodes are compared by structure, not by how they are written.

Every node gets a class: two nodes have the same one when they are the same op on inputs of the same classes.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from weakref import WeakKeyDictionary

from gradcli.errors import ExpressionError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.syntax import Parser

Key = tuple[object, ...]

IDENTITY = TABLE["identity"]


class Classes:
    """The classes of a graph's nodes.

    of: tape position → class.   known: (op, classes of its inputs) → class.
    """

    def __init__(self, graph: Graph) -> None:
        self.known: dict[Key, int] = {}
        leaves = {name: self.known.setdefault(("input", name), i) for i, name in enumerate(graph.inputs)}
        self.of = self.number(graph, leaves)
        self.members: dict[int, list[int]] = {}
        for i, which in enumerate(self.of):
            if graph.ops[i] is not IDENTITY or not graph.parents[i]:
                self.members.setdefault(which, []).append(i)

    def number(self, graph: Graph, leaves: dict[str, int], *, grow: bool = True) -> list[int]:
        """The class of every node; -1 for one that is new, unless the table may grow."""
        known, of = self.known, [-1] * len(graph)
        for name, i in graph.inputs.items():
            of[i] = leaves.get(name, -1)
        for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
            if op is INPUT:
                continue
            if op is IDENTITY:
                of[i] = of[parents[0]]  # a second name for the same thing
                continue
            key: Key = (_same(op), *(of[p] for p in parents))
            if op is CONSTANT:
                key = ("constant", repr(graph.numbers[i].value))
            if -1 not in key:
                of[i] = known.setdefault(key, len(known)) if grow else known.get(key, -1)
        return of


def _same(op: Op) -> object:
    """What makes two rows the same op: the row, or its name and attributes when those are set."""
    return (op.name, *op.bound.items()) if op.bound else op


_CLASSES: WeakKeyDictionary[Graph, Classes] = WeakKeyDictionary()


def occurrences(text: str, graph: Graph) -> list[int]:
    """The tape positions of the nodes that a text describes, in order.

    The text may use the graph's variables, its named and numbered nodes, and its definitions.
    Errors: ExpressionError.
    """
    classes = _CLASSES.get(graph)
    if classes is None:
        classes = _CLASSES[graph] = Classes(graph)
    parser = Parser(text, given=frozenset([*graph.inputs, *graph.labels.values()]), share=False, place=None)
    for op in dict.fromkeys(op for op in graph.ops if op.body is not None):
        parser.gates.add(op)
        parser.gates.flat[op.name] = op
    part = parser.program()
    leaves = {}
    for name, leaf in part.inputs.items():
        index = graph.find(name)
        if index is None:
            near = get_close_matches(name, list(islice(graph.inputs, 1000)), 1)
            hint = f"did you mean {near[0]}?" if near else None
            missing = f"no node '{name}' in the graph"
            raise ExpressionError(missing, source=text, span=part.spans[leaf], hint=hint)
        leaves[name] = classes.of[index]
    which = classes.number(part, leaves, grow=False)[part.output]
    return classes.members.get(which, [])
