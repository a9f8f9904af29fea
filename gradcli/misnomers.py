"""Calls that the language does not have: what they mean elsewhere, and what to write instead.

Like `faults`, whose part for calls this is, it decides nothing; it is loaded when something is wrong.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, NoReturn

from gradcli.ops import FUNCTIONS
from gradcli.ops.op import Op
from gradcli.tokens import NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gradcli.errors import Span
    from gradcli.syntax import Parser

AMBIGUOUS = {
    "cross_entropy": "of a probability: cross_entropy_error(y,t), as the book;\n"
    "of a score (logit): bce_with_logits(z,t);\n"
    "of many scores, as PyTorch: that needs vectors, which are not in this version",
}
"""Names that mean one thing in one book and another in the next: refused, with every spelling."""

ENTRIES = "give each entry a variable of its own: x0, x1"
PRODUCTS = "write the products out: w0*x0 + w1*x1"
SOFTMAX = "write it out: exp(a)/(exp(a)+exp(b)); of two scores it is sigmoid(a-b)"
LOSS = "for one score (logit) there is bce_with_logits(z,t), for a probability cross_entropy_error(y,t)"

VECTORS = {
    **dict.fromkeys(
        """argmax argmin batch_norm concat concatenate conv2d cosine_similarity cross cumsum det diag einsum inv
        layer_norm median outer reshape stack std trace transpose var""".split(),
        ENTRIES,
    ),
    **dict.fromkeys(("dot", "inner", "matmul", "mm", "vdot"), PRODUCTS),
    **dict.fromkeys(("affine", "linear"), "write the products out: w0*x0 + w1*x1 + b"),
    **dict.fromkeys(("softmax", "log_softmax"), SOFTMAX),
    **dict.fromkeys(("softmax_cross_entropy", "softmax_with_loss", "nll_loss"), LOSS),
    **dict.fromkeys(("average", "mean"), "write it out: (a+b)/2"),
    **dict.fromkeys(("prod", "product"), "write it out: a*b"),
    "logsumexp": "of two numbers it is logaddexp(a,b)",
    "norm": "of two numbers it is hypot(a,b), of more sqrt(a^2+b^2+c^2)",
    "sum": "write it out: a+b",
    "svm_loss": "write it out, term by term: max(0, s1-s0+1); of one score it is hinge(score,t), t = 1 or -1",
}
"""Functions of vectors, and what there is for numbers."""

INSTEAD = {
    ("log", "2"): "write log2({0}) or log({0})/log(2)",
    ("log", "10"): "write log10({0}) or log({0})/log(10)",
    ("log", None): "to another base: log({0})/log({1})",
    ("atan", None): "the angle of two numbers is atan2({0},{1})",
    ("relu", None): "with a slope: leaky_relu({0}, slope={1})",
}
"""(function of one input, the second one that it was given) → what was meant; None stands for any."""

MOST = 200
"""Characters of a call whose inputs are quoted."""


def elsewhere(name: str) -> tuple[str, str] | None:
    """What to say of a function that exists elsewhere, as (message, hint)."""
    if name in AMBIGUOUS:
        return f"'{name}' has two meanings", AMBIGUOUS[name]
    if name in VECTORS:
        return f"{name} needs vectors, which are not in this version", VECTORS[name]
    return None


def unknown_function(parser: Parser, name: str, span: Span) -> NoReturn:
    """A call of something that is no function: a misspelling, or a product without its `*`."""
    known = elsewhere(name)
    if known:
        parser.fail(known[0], span, known[1])
    near = similar(name, [*FUNCTIONS, *parser.gates])
    if near:
        hint = f"did you mean {' or '.join(near)}?"
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
    """A dot after a name, as in np.exp(x) and x.exp(): fails if the last name is one of ours."""
    text = parser.text
    first = re.search(r"[^\W\d]\w*\Z", text[max(0, at - 60) : at])
    last = re.match(r"(?:\.[^\W\d]\w*)*?\.([^\W\d]\w*)(?![.\w])", text[at : at + 120])
    if first is None or last is None:
        return
    name, span = last[1], (at - len(first[0]), at + last.end())
    called = re.match(r"\s*(?=\()", text[span[1] : span[1] + 20])
    if called is None:
        if name in ("pi", "e", "tau"):
            parser.fail("names have no dots", span, f"write {name}")
        return
    known = elsewhere(name)
    if known:
        parser.fail(known[0], span, known[1])
    near = [name] if name in FUNCTIONS else get_close_matches(name.lower(), FUNCTIONS, 1, 0.8)
    if near:
        given = ", ".join(inputs(text[span[1] + called.end() :])) or first[0]
        parser.fail("names have no dots", span, f"write {near[0]}({given})")


def wrong_count(parser: Parser, op: Op, count: int, span: Span, keywords: Mapping[str, str]) -> NoReturn:
    """A call with too few or too many arguments."""
    begins = parser.text.find("(", *span)
    given = inputs(parser.text[begins : span[1]])
    if op.attributes and count > len(op.parameters):
        extra = given[len(op.parameters) : count]
        typed = [word if re.fullmatch(rf"[-+]?{NUMBER}", word) else None for word in extra]
        values = {name: f"{value:g}" for name, value in op.attributes.items()}
        values |= {name: word for name, word in zip(values, typed, strict=False) if word}
        first = ", ".join(given[: len(op.parameters)] or op.parameters)
        listed = ", ".join(f"{name}={value}" for name, value in values.items())
        message = f"{op.name} takes {arguments(op)}; the rest are keywords"
        parser.fail(message, span, f"write {op.name}({first}, {listed})")
    twice = [name for name in keywords if name in op.parameters]
    if twice:
        parser.fail(f"'{twice[0]}' of {op.name} is given twice", span, usage(op))
    hint = usage(op)
    if count == len(given) == 2:
        meant = INSTEAD.get((op.name, given[1])) or INSTEAD.get((op.name, None))
        hint = meant.format(*given) if meant else hint
    parser.fail(f"{op.name} takes {arguments(op)}, not {count}", span, hint)


def unknown_keyword(parser: Parser, op: Op, name: str, span: Span) -> NoReturn:
    """A keyword that the function does not have."""
    known = list(op.attributes)
    near = get_close_matches(name, [*known, *op.parameters], 1)
    if near:
        hint = f"did you mean {near[0]}?"
    elif known:
        hint = f"its keyword{'s are' if len(known) > 1 else ' is'} {', '.join(known)}"
    else:
        hint = usage(op)
    parser.fail(f"{op.name} has no {'keyword' if known else 'keywords, so no'} '{name}'", span, hint)


def inputs(text: str) -> list[str]:
    """The inputs of a call, as they are written from its `(` on; none if the call is long or not closed.

    >>> inputs("(x, max(a,b))+1")
    ['x', 'max(a,b)']
    """
    parts, depth, start = [], 0, 1
    for at, character in enumerate(text[:MOST]):
        if character == "(":
            depth += 1
        elif character == ")":
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
