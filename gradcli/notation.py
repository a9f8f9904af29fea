"""How graphs are written: in gradcli's own language, and prettier for the screen; in LaTeX, see typesetting.py.

Every function walks the tape, never the tree, so that depth costs nothing; where sharing would make the text explode,
it is cut with names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.errors import ExpressionError, Span
from gradcli.ops.op import CONSTANT, INPUT, Op, Shape

if TYPE_CHECKING:
    from gradcli.graph import Graph

ATOM = 100
"""Binding of a name, a number or a call: never needs brackets."""

LONGEST = 200
"""Characters after which an inlined subexpression is written by its name."""

BRIEF = 40
"""Characters of a list among the inputs of a node, before it is shortened."""

MANY = 2000
"""Nodes from which on inlined subexpressions are kept that short."""

Part = tuple[str, int]  # text and how tightly it binds
Atom = Callable[[int], str | None]  # tape position → the name to write for it, if any


def number(value: float) -> str:
    """The shortest text that reads back as the same double.

    >>> [number(x) for x in (7.0, 0.1, 1e22, -1e-20, -0.0)]
    ['7', '0.1', '1e22', '-1e-20', '0']
    """
    if value == 0:
        return "0"
    text = repr(float(value))
    return text.removesuffix(".0") if "e" not in text else text.replace("e+", "e").replace("e-0", "e-")


def formula(graph: Graph, index: int) -> str:
    """One node in terms of its parents' names: `w0*x0`, `exp(n5)`, `-n4`."""
    op = graph.ops[index]
    if op in (INPUT, CONSTANT):
        return graph.names[index]
    names = [brief(graph.names[p]) for p in graph.parents[index]]
    return compose(op, [(name, _binding(name)) for name in names])[0]


def written(graph: Graph, index: int) -> str:
    """One node as the user wrote it, in terms of the variables."""
    start, end = place(graph, index)
    return graph.source[start:end] if end > start else text(graph, index)


def place(graph: Graph, index: int) -> Span:
    """Where in the text a node stands; nowhere for a part of a gate that was written out: its last node stands there.

    All of them have the span of the whole, so that an error can point at it.
    """
    span = graph.spans[index]
    return span if index + 1 == len(graph) or graph.spans[index + 1] != span else (0, 0)


def text(graph: Graph, index: int | None = None, atom: Atom = lambda i: None) -> str:
    """A node's whole expression, in terms of the variables and of what `atom` names."""
    return inlined(graph, graph.output if index is None else index, atom, compose, _plain_name)


class Here(NamedTuple):
    """What a rule depends on beside the graph, at one point.

    whole: the op works on whole tensors here, though not on numbers: a loss over a batch.
    over: how many entries or rows the op's mean is over, where that is known; else it is written n.
    shapes: of the op's inputs.   holds: whether the row's form is true of the inputs; else its general one is.
    """

    whole: bool = False
    over: int | None = None
    shapes: tuple[Shape, ...] = ()
    holds: bool = True


NOWHERE = Here()


def rule(graph: Graph, child: int, k: int, here: Here = NOWHERE, *, typed: bool = False) -> str:
    """The textbook's rule for a local gradient, in the names of this graph: `x0`, `-1/n7^2`, `n6`.

    Of an op on whole tensors, what it passes down to input k, with g for its upstream gradient: `g@x.T`.
    Empty when it would be longer than people read, or when the op is a gate of the user's on whole tensors.
    typed: as it can be run, so that its value broadcasts to the input's shape: outer(g,x), where that is g@x.T.
    """
    names, parents = graph.names, graph.parents[child]
    whole, over = here.whole, here.over
    if graph.ops[child].structural:
        return _passed(graph, child, k, here, typed)
    if graph.ops[child].body is not None and graph.ops[child].body.tensorial:
        return ""
    numbers = {p for p in parents if p in graph.numbers and isinstance(graph.numbers[p].value, float)}
    actual = [None if p in numbers else brief(names[p]) for p in parents]
    leaves = dict.fromkeys([*(name for name in actual if name is not None), names[child]])
    if whole:
        leaves |= dict.fromkeys((upstream(graph, child), *([count(graph)] if over is None else [])))
    from gradcli.systems.tracing import Tracing

    tracing = Tracing(leaves)
    x = [
        tracing.literal(graph.numbers[p].value) if name is None else tracing.leaf(name)
        for p, name in zip(parents, actual, strict=True)
    ]
    result = local(graph.ops[child], k, tracing, tracing.leaf(names[child]), x)
    if whole:
        result = result * tracing.leaf(upstream(graph, child))
        if graph.ops[child].reduces != "sum":
            result = result / (tracing.leaf(count(graph)) if over is None else over)
    derived = tracing.graph(result)
    if len(derived) > LONGEST:
        return ""
    line = text(derived)
    return line if len(line) <= LONGEST else ""


def upstream(graph: Graph, child: int) -> str:
    """What stands for the upstream gradient of a node: g, or ∂f/∂n1 where a node of that name is at hand."""
    if graph.find("g") is None:
        return "g"
    return f"(∂{graph.names[graph.output]}/∂{graph.names[child]})"


def count(graph: Graph) -> str:
    """What stands for how many entries, or rows, a mean is over: n, or N where a node is called n."""
    return "n" if graph.find("n") is None else "N"


def pulled(op: Op, k: int, here: Here = NOWHERE, *, typed: bool = False) -> str | None:
    """What an op on whole tensors passes down to input k, as its row shows it; None where the row does not say.

    typed: as it can be run.
    """
    if not op.structural or not op.shown:
        return None
    settings = {**op.attributes, **op.bound}
    for form in (None if here.holds else op.general, op.typed if typed and here.shapes else None, op.shown):
        texts: Sequence[str | None] = form(*here.shapes, **settings) if callable(form) else form or ()
        found = texts[k] if k < len(texts) else texts[-1] if op.variadic and texts else None
        if found is not None:
            return found
    return None


def parsed(shown: str) -> Graph | None:
    """A rule of a row as a graph; None for one in words."""
    try:
        return _parsed(shown)
    except ExpressionError:
        return None


def _passed(graph: Graph, child: int, k: int, here: Here, typed: bool) -> str:
    """The text of a vector-Jacobian product in the names of this graph."""
    op, parents, over = graph.ops[child], graph.parents[child], here.over
    shown = pulled(op, k, here, typed=typed)
    if shown is None:
        return ""
    known = dict(zip(op.parameters, [brief(graph.names[p]) for p in parents], strict=False))
    if op.variadic:
        known[op.parameters[0]] = brief(graph.names[parents[k]])
    known |= {"g": upstream(graph, child), "y": graph.names[child], "n": count(graph) if over is None else str(over)}
    if over == 1:
        shown = shown.replace("/n", "")
    known |= {name: attribute(value) for name, value in {**op.attributes, **op.bound}.items() if value is not None}

    def along(inner: Op, parts: Sequence[Part]) -> Part:
        """The text of an op inside the rule: along the axis that the node's op works along."""
        axis = op.bound.get("axis")
        turned = axis is not None and inner.structural and "axis" in inner.attributes and not inner.bound
        return compose(inner.bind(axis=axis) if turned else inner, parts)

    rule = parsed(shown)
    if rule is None:
        return re.sub(r"[^\W\d]\w*", lambda word: known.get(word[0], word[0]), shown)
    line = inlined(rule, rule.output, lambda i: None, along, lambda name: known.get(name, name))
    if line == known["g"]:
        return line.strip("()")
    return line if len(line) <= LONGEST else ""


def brief(name: str) -> str:
    """A name; of a constant that is a long list its beginning."""
    return name if len(name) <= BRIEF or name[:1] != "[" else f"[{name[1:BRIEF].rpartition(',')[0]},…]"


def local(op: Op, k: int, m: Any, y: Any, x: Sequence[Any]) -> Any:
    """The partial of input k over a system, in the form that textbooks write."""
    if op.structural:
        shown = pulled(op, k)
    elif callable(op.shown):
        return op.shown(m, k, y, *x)
    else:
        shown = op.shown[k] if op.shown else None
    if shown is None:
        partial = op.partial(k)
        return None if partial is None else partial(m, y, *x)
    graph = _parsed(shown)
    known = {"y": y, **dict(zip(op.parameters, x, strict=False)), **op.attributes, **op.bound}
    if op.structural:  # of numbers: what it passes down of an upstream gradient of 1
        known |= {"g": 1, "n": 1}
    return graph.run(m, [known[name] for name in graph.inputs])


@cache
def _parsed(shown: str) -> Graph:
    from gradcli.syntax import parse

    return parse(shown)


def compose(op: Op, parts: Sequence[Part]) -> Part:
    """An op's text from its inputs' texts, with the brackets it needs and no others."""
    notation = op.notation
    if notation is not None and notation.fix in AROUND and not (op.bound and notation.fix == "postfix"):
        return AROUND[notation.fix](op, parts), ATOM
    if notation is None or len(parts) > 2 or notation.fix in AROUND:
        words = [part for part, _ in parts]
        for name, value in settings(op):
            words += map(str, value) if name == op.trailing else [f"{name}={attribute(value)}"]
        return f"{op.called or op.name}({','.join(words)})", ATOM
    binding = notation.binding
    if notation.fix == "prefix":
        inner, tight = parts[0]
        return (
            f"{notation.symbol}{_bracketed(inner, tight < binding or inner.startswith(('-', '+')))}",
            binding,
        )
    (left, left_binding), (right, right_binding) = parts
    strict_left = notation.right or not notation.chains
    left = _bracketed(left, left_binding < binding or (strict_left and left_binding == binding))
    tight = right_binding < binding or (not notation.right and right_binding == binding)
    signed = right.startswith("-") and notation.symbol in ("+", "-")  # x-(-3), and not x--3
    right = _bracketed(right, signed or (tight and not (notation.right and right_binding >= SIGN)))
    return f"{left}{notation.symbol}{right}", binding


def settings(op: Op) -> list[tuple[str, Any]]:
    """The attributes of a node that are not the defaults; for numbers, all of them once one is set."""
    return [(name, value) for name, value in op.bound.items() if not op.structural or value != op.attributes[name]]


def attribute(value: Any) -> str:
    """An attribute as it is written: 0.01, -1, [0,1]."""
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return "1" if value is True else number(value)


def key_text(key: Sequence[Any]) -> str:
    """What stands in the brackets of x[key].

    >>> key_text((0, (1, 3, None), (None, None, 2)))
    '0,1:3,::2'
    """

    def word(part: Any) -> str:
        if not isinstance(part, tuple):
            return str(part)
        start, stop, step = ("" if end is None else str(end) for end in part)
        return f"{start}:{stop}" + (f":{step}" if step else "")

    return ",".join(map(word, key))


def _held(part: Part) -> str:
    return _bracketed(part[0], part[1] < ATOM)


AROUND: dict[str, Callable[[Op, Sequence[Part]], str]] = {
    "postfix": lambda op, parts: _held(parts[0]) + (op.notation.symbol if op.notation else ""),
    "index": lambda op, parts: f"{_held(parts[0])}[{key_text(op.bound.get('key', ()))}]",
    "list": lambda op, parts: f"[{','.join(part for part, _ in parts)}]",
}
"""Ways of writing an op around its inputs: x.T, x[0], [a,b]."""

SIGN = 40
"""Binding of a signed number, as that of a prefix minus."""


def _binding(word: str) -> int:
    return SIGN if word.startswith("-") else ATOM


def _bracketed(word: str, needed: bool) -> str:
    return f"({word})" if needed else word


def _plain_name(name: str) -> str:
    return name


def inlined(
    graph: Graph,
    root: int,
    atom: Atom,
    composed: Callable[[Op, Sequence[Part]], Part],
    named: Callable[[str], str],
) -> str:
    """A node's text with its ancestors written out, in one pass over the part of the tape it needs."""
    needed = bytearray(root + 1)
    needed[root] = 1
    for i in range(root, -1, -1):
        if needed[i] and (i == root or atom(i) is None):
            for p in graph.parents[i]:
                needed[p] = 1
    longest = LONGEST * 50 if sum(needed) <= MANY else LONGEST
    parts: dict[int, Part] = {}
    for i in range(root + 1):
        if not needed[i]:
            continue
        op, name = graph.ops[i], atom(i) if i != root else None
        if name is None and op not in (INPUT, CONSTANT):
            parts[i] = composed(op, [parts[p] for p in graph.parents[i]])
            if i == root or len(parts[i][0]) <= longest:
                continue
        word = named(name if name is not None else graph.names[i])
        parts[i] = word, _binding(word)
    return parts[root][0]


# ── for the screen ──────────────────────────────────────────────────────────────────────────────────────────

SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def pretty(line: str) -> str:
    """Powers raised and products dotted, as on paper: `-1/n7²`, `x0·f·(1-f)`."""
    raised = re.sub(r"\^(-?[0-9]+)(?![\w.^])", lambda match: match[1].translate(SUPERSCRIPT), line)
    return raised.replace("*", "·")
