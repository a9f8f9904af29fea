"""Calls that the language does not have, and values that no variable has: what is meant, and what to write instead.

Like `faults`, whose part for calls this is, it decides nothing; it is loaded when something is wrong.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from gradcli.errors import UsageError
from gradcli.ops import FUNCTIONS, TABLE
from gradcli.ops.op import Op, spelled
from gradcli.tokens import NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gradcli.errors import Span
    from gradcli.graph import Graph
    from gradcli.syntax import Parser

AMBIGUOUS = {
    "cross_entropy": "of scores (logits), as PyTorch: softmax_cross_entropy(scores,t);\n"
    "of probabilities, as the book: cross_entropy_error(y,t);\n"
    "of one score: bce_with_logits(z,t)",
}
"""Names that mean one thing in one book and another in the next: refused, with every spelling."""

LIST = "write the list itself: [1, 2], or [[1, 2], [3, 4]] for rows"
NORMAL = "write it out: (x-mean(x, axis={0}))/sqrt(mean((x-mean(x, axis={0}))^2, axis={0})+1e-5)"
REPEATED = "entries are repeated where they are needed: (3,1) and (4,) work together as (3,4)"
LAYER = "affine(x,W,b) is x@W+b, as the book; PyTorch's linear is x@W.T+b"

MISSING = {
    **dict.fromkeys(("argmax", "argmin"), "a position has no gradient; 1 where the largest entry stands: x == max(x)"),
    **dict.fromkeys(("array", "asarray", "tensor", "eye", "ones", "zeros", "full", "arange", "linspace"), LIST),
    **dict.fromkeys(("broadcast_to", "expand", "repeat", "tile"), REPEATED),
    **dict.fromkeys(("dense", "fc", "fully_connected", "linear"), LAYER),
    **dict.fromkeys(("expand_dims", "squeeze", "unsqueeze"), "name the lengths: reshape(x, 3, 1)"),
    **dict.fromkeys(("mm", "bmm", "mv", "multi_dot"), "the matrix product is A@B"),
    **dict.fromkeys(("len", "numel", "shape", "size"), "write the number itself; mean(x) divides by it"),
    **dict.fromkeys(("mae", "l1_loss"), "write it out: mean(abs(y-t))"),
    "attention": "write it out: softmax(Q@K.T/sqrt(d))@V",
    "batch_norm": NORMAL.format(0),
    "conv1d": "write it out with slices: w[0]*x[:-2] + w[1]*x[1:-1] + w[2]*x[2:]",
    "conv2d": "write it out with slices: w[0,0]*x[:-1,:-1] + w[0,1]*x[:-1,1:] + w[1,0]*x[1:,:-1] + w[1,1]*x[1:,1:]",
    "cosine_similarity": "write it out: dot(a,b)/(norm(a)*norm(b))",
    "cross": "write it out: [a[1]*b[2]-a[2]*b[1], a[2]*b[0]-a[0]*b[2], a[0]*b[1]-a[1]*b[0]]",
    "cumsum": "write the sums out: [x[0], x[0]+x[1], sum(x[:3])]",
    "det": "of two rows: A[0,0]*A[1,1]-A[0,1]*A[1,0]",
    "diag": "its sum is trace(A), its entries are A[0,0], A[1,1] …",
    "dropout": "multiply by the mask of the entries kept: x*mask/p",
    "einsum": "write it with @, .T, * and sum: A@B, x@y, sum(A*B, axis=1)",
    "hstack": "vectors one after the other are concat(a,b); matrices side by side concat(A,B,axis=1)",
    "inv": "of two rows: [[A[1,1],-A[0,1]],[-A[1,0],A[0,0]]]/(A[0,0]*A[1,1]-A[0,1]*A[1,0])",
    "kl_div": "write it out: sum(p*log(p/q))",
    "layer_norm": NORMAL.format("-1, keepdims=True"),
    "median": "the middle one of three is x+y+z-max(x,y,z)-min(x,y,z)",
    "nll_loss": "of scores: softmax_cross_entropy(scores,t); of log-probabilities: -mean(sum(t*logp, axis=-1))",
    "rmse": "write it out: sqrt(mse(y,t))",
    "stack": "write a list: [a, b]",
    "std": "write it out: sqrt(mean((x-mean(x))^2))",
    "T": "the transpose of x is x.T",
    "var": "write it out: mean((x-mean(x))^2)",
    "vstack": "vectors as rows are [a, b]; matrices one above the other concat(A,B)",
}
"""Functions that there are elsewhere, and what to write instead."""

MODULES = frozenset(
    "F functional jax jnp keras linalg losses math nn np npx numpy ops scipy sp special tf torch".split()
)
"""Names of modules before a dot; any other name there is a tensor."""

KEYWORDS = {"dim": "axis", "keepdim": "keepdims", "axes": "axis", "negative_slope": "slope", "margin": "delta"}
"""Keywords as they are called elsewhere."""

INSTEAD = {
    ("log", "2"): "write log2({0}) or log({0})/log(2)",
    ("log", "10"): "write log10({0}) or log({0})/log(10)",
    ("log", None): "to another base: log({0})/log({1})",
    ("atan", None): "the angle of two numbers is atan2({0},{1})",
    ("relu", None): "with a slope: leaky_relu({0}, slope={1})",
    ("norm", "1"): "the 1-norm is sum(abs({0}))",
    ("norm", "2"): "norm({0}) is the 2-norm",
    ("sum", None): "write {0}+{1}, or sum([{0},{1}])",
    ("prod", None): "write {0}*{1}, or prod([{0},{1}])",
    ("mean", None): "write ({0}+{1})/2, or mean([{0},{1}])",
}
"""(function of one input, the second one that it was given) → what was meant; None stands for any."""

AXIS = r"[-+−]?\s*[0-9]{1,3}"
"""An axis as it is typed."""

MOST = 200
"""Characters of a call whose inputs are quoted."""


def elsewhere(name: str) -> tuple[str, str] | None:
    """What to say of a function that exists elsewhere, as (message, hint)."""
    if name in AMBIGUOUS:
        return f"'{name}' has two meanings", AMBIGUOUS[name]
    if name in MISSING:
        return f"there is no function {name}", MISSING[name]
    return None


def unknown_function(parser: Parser, name: str, span: Span) -> NoReturn:
    """A call of something that is no function: a misspelling, or a product without its `*`."""
    known = elsewhere(name)
    if known:
        parser.fail(known[0], span, known[1])
    near = similar(name, [*FUNCTIONS, *parser.gates])
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif re.match(r"\s*\(\s*[0-9]{1,6}\s*(?:,\s*[0-9]{1,6}\s*)*\)", parser.text[span[1] : span[1] + 60]):
        hint = f"an entry is {name}[0], or {name}[0,1]; to multiply, write {name}*(…)"
    elif len(name) <= 3:
        hint = f"to multiply, write {name}*(…); all functions: gradcli ops"
    else:
        hint = "all functions: gradcli ops; define your own: g(x) = x*x; g(3)"
    parser.fail(f"unknown function '{name}'", span, hint)


def similar(name: str, names: Sequence[str]) -> list[str]:
    """The names that a misspelt one may mean: those about as near as the nearest, each function once."""
    folded = name.lower().replace("_", "")
    same = [other for other in names if other.replace("_", "") == folded]
    if same:
        return same[:1]
    near = {
        other: SequenceMatcher(None, name.lower(), other).ratio() for other in get_close_matches(name.lower(), names, 8)
    }
    best = max(near.values(), default=0.0)
    rows = {FUNCTIONS.get(other, other): other for other, ratio in reversed(near.items()) if ratio > best - 0.08}
    return list(rows.values())[::-1][:3]


def dotted(parser: Parser, at: int) -> None:
    """A dot after a name, as in np.exp(x) and x.sum(): fails if the last name is one of ours."""
    text = parser.text
    first = re.search(r"[^\W\d]\w*\Z", text[max(0, at - 60) : at])
    last = re.match(r"(?:\.[^\W\d]\w*)*?\.([^\W\d]\w*)(?![.\w])", text[at : at + 120])
    if first is None or last is None:
        return
    name, span = last[1], (at - len(first[0]), at + last.end())
    method = first[0] not in MODULES
    called = re.match(r"\s*(?=\()", text[span[1] : span[1] + 20])
    if called is None:
        if name in ("pi", "e", "tau"):
            parser.fail("names have no dots", span, f"write {name}")
        return
    if method and name in ("t", "transpose") and re.match(r"\s*\(\s*\)", text[span[1] : span[1] + 20]):
        parser.fail("names have no dots", span, f"write {first[0]}.T")
    known = elsewhere(name)
    if known:
        parser.fail(known[0], span, known[1])
    near = [name] if name in FUNCTIONS else get_close_matches(name.lower(), FUNCTIONS, 1, 0.8)
    if near:
        op = FUNCTIONS[near[0]]
        given = inputs(text[span[1] + called.end() :])
        if method and (not given or len(given) < len(op.parameters) or op.structural):
            given = [first[0], *given]
        if op.alone and near[0] == op.name and (len(given) == 1 or re.fullmatch(AXIS, given[1])):
            op = TABLE[op.alone]
        parser.fail("names have no dots", span, f"write {near[0]}({', '.join(translated(op, given))})")


def translated(op: Op, given: Sequence[str]) -> list[str]:
    """The inputs of a call with the keywords of other libraries replaced: dim=0, and a 0 in the place of the axis."""

    def word(position: int, typed: str) -> str:
        key, equals, value = typed.partition("=")
        if equals and KEYWORDS.get(key.strip()) in op.attributes:
            return f"{KEYWORDS[key.strip()]}={value.strip()}"
        if position == len(op.parameters) and "axis" in op.attributes and re.fullmatch(AXIS, typed):
            return f"axis={typed}"
        return typed

    return [word(position, typed) for position, typed in enumerate(given)]


def wrong_count(parser: Parser, op: Op, count: int, span: Span, keywords: Mapping[str, str]) -> NoReturn:
    """A call with too few or too many arguments."""
    begins = parser.text.find("(", *span)
    given = inputs(parser.text[begins : span[1]])
    called = op.called or op.name
    if count == len(given) == 2:
        meant = INSTEAD.get((called, given[1]))
        if meant is None and not (op.structural and re.fullmatch(AXIS, given[1])):
            meant = INSTEAD.get((called, None))
        if meant:
            parser.fail(f"{called} takes {arguments(op)}, not {count}", span, meant.format(*given))
    if op.structural and not op.variadic and len(op.parameters) == 1 and count > 1 and given:
        if count == 2 and "axis" in op.attributes and re.fullmatch(AXIS, given[1]):
            hint = f"write {called}({', '.join(translated(op, given))})"
        else:
            hint = f"of several numbers make a list: {called}([{', '.join(given[:count])}])"
        parser.fail(f"{called} takes {arguments(op)}, not {count}", span, hint)
    if op.variadic and count == 1 and given and given[0][:1] == "[":
        parser.fail(f"{called} takes {arguments(op)}, not 1", span, f"without the list: {called}({given[0][1:-1]})")
    if op.attributes and count > len(op.parameters):
        extra = given[len(op.parameters) : count]
        typed = [word if re.fullmatch(rf"[-+]?{NUMBER}", word) else None for word in extra]
        values = {name: spelled(value) for name, value in op.attributes.items()}
        values |= {name: word for name, word in zip(values, typed, strict=False) if word}
        first = ", ".join(given[: len(op.parameters)] or op.parameters)
        listed = ", ".join(f"{name}={value}" for name, value in values.items())
        message = f"{called} takes {arguments(op)}; the rest are keywords"
        parser.fail(message, span, f"write {called}({first}, {listed})")
    twice = [name for name in keywords if name in op.parameters]
    if twice:
        parser.fail(f"'{twice[0]}' of {called} is given twice", span, usage(op))
    parser.fail(f"{called} takes {arguments(op)}, not {count}", span, usage(op))


def unknown_keyword(parser: Parser, op: Op, name: str, span: Span) -> NoReturn:
    """A keyword that the function does not have."""
    called = op.called or op.name
    known = list(op.attributes)
    near = [KEYWORDS[name]] if KEYWORDS.get(name) in known else get_close_matches(name, [*known, *op.parameters], 1)
    if near:
        hint = f"did you mean {near[0]}?"
    elif known:
        hint = f"its keyword{'s are' if len(known) > 1 else ' is'} {', '.join(known)}"
    elif op.alone and name in (*TABLE[op.alone].attributes, *KEYWORDS):
        hint = f"of several inputs {called} goes entry by entry; along an axis of one: {TABLE[op.alone].signature}"
    else:
        hint = usage(op)
    if name == "ord" and called == "norm":
        hint = "norm(x) is the 2-norm; the 1-norm is sum(abs(x)), the largest entry max(abs(x))"
    parser.fail(f"{called} has no {'keyword' if known else 'keywords, so no'} '{name}'", span, hint)


def power_of_transpose(text: str) -> str:
    """What stands before a `^T` at the end of a text, or before the first in it; empty if none is there.

    >>> power_of_transpose("a + W**T"), power_of_transpose("x^2")
    ('W', '')
    """
    found = re.search(r"([^\W\d]\w*|[\])])\s*(?:\^|\*\*)\s*\(?\s*T(?!\w)", text)
    return "" if found is None else found[1] if found[1] not in "])" else "x"


def no_value(names: Sequence[str], source: str) -> str:
    """What to say of variables that have no value."""
    spelled = " ".join(f"--{name}=…" for name in names[:4]) + (" …" if len(names) > 4 else "")
    base = power_of_transpose(source) if "T" in names else ""
    if base:
        return f"the transpose is {base}.T; for a power T, add {spelled}"
    return f"add {spelled}"


def valueless(graph: Graph, values: Mapping[str, Any]) -> UsageError:
    """Inputs without a value."""
    missing = [name for name in graph.inputs if name not in values]
    listed = ", ".join(missing) if len(missing) < 9 else f"{missing[0]} and {len(missing) - 1} more"
    span = graph.spans[graph.inputs[missing[0]]] if graph.source else None
    return UsageError(f"no value for {listed}", source=graph.source, span=span, hint=no_value(missing, graph.source))


def unasked(graph: Graph, values: Mapping[str, Any]) -> UsageError:
    """A value without an input."""
    name = next(name for name in values if name not in graph.inputs)
    near = get_close_matches(name, list(graph.inputs), 1)
    known = ", ".join(list(graph.inputs)[:8]) or "none: it holds constants alone"
    return UsageError(
        f"the expression has no variable '{name}'",
        hint=f"did you mean {near[0]}?" if near else f"its variables: {known}",
    )


def inputs(text: str) -> list[str]:
    """The inputs of a call, as they are written from its `(` on; none if the call is long or not closed.

    >>> inputs("(x, max(a,b))+1")
    ['x', 'max(a,b)']
    """
    parts, depth, start = [], 0, 1
    for at, character in enumerate(text[:MOST]):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        if (character == "," and depth == 1) or depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
        if depth == 0:
            return parts if any(parts) else []
    return []


def arguments(op: Op) -> str:
    """How many arguments, in words."""
    count = len(op.parameters)
    at_least = "at least " if op.variadic else ""
    return f"{at_least}{count} argument{'s' if count != 1 else ''}"


def usage(op: Op) -> str:
    """How the call is written."""
    return f"write {op.signature}"
