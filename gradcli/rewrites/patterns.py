"""The formulas that people write for a row of the op table: one line each, in gradcli's own language.

To these come the table's own definitions, and the disguises that a row lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.rewrites.matching import Pattern

ROWS = (
    ("exp(u)/(1+exp(u))", "sigmoid(u)"),
    ("1/(1+exp(-a*b))", "sigmoid(a*b)"),
    ("1/(1+exp(v))", "sigmoid(-v)"),
    ("(1+tanh(u/2))/2", "sigmoid(u)"),
    ("max(u,0)", "relu(u)"),
    ("u*(u>0)", "relu(u)"),
    ("u*step(u)", "relu(u)"),
    ("max(u,0)+log(1+exp(-abs(u)))", "softplus(u)"),
    ("u*sigmoid(u)", "silu(u)"),
    ("u*(1+erf(u/sqrt(2)))/2", "gelu(u)"),
    ("u/2*(1+erf(u/sqrt(2)))", "gelu(u)"),
    ("0.5*u*(1+erf(u/sqrt(2)))", "gelu(u)"),
    ("(1+erf(u/sqrt(2)))/2", "normal_cdf(u)"),
    ("0.5*(1+erf(u/sqrt(2)))", "normal_cdf(u)"),
    ("where(u>0,u,exp(u)-1)", "elu(u)"),
    ("where(u>0,u,0.01*u)", "leaky_relu(u)"),
    ("max(-1,min(1,u))", "hardtanh(u)"),
    ("min(1,max(-1,u))", "hardtanh(u)"),
    ("max(0,min(6,u))", "relu6(u)"),
    ("min(6,max(0,u))", "relu6(u)"),
    ("max(0,min(1,(u+3)/6))", "hardsigmoid(u)"),
    ("sin(u)/cos(u)", "tan(u)"),
    ("sinh(u)/cosh(u)", "tanh(u)"),
    ("(exp(2*u)-1)/(exp(2*u)+1)", "tanh(u)"),
    ("(1-exp(-2*u))/(1+exp(-2*u))", "tanh(u)"),
    ("2*sigmoid(2*u)-1", "tanh(u)"),
    ("2/(1+exp(-2*u))-1", "tanh(u)"),
    ("exp(-u^2)", "gaussian(u)"),
    ("-(t*log(p)+(1-t)*log(1-p))", "binary_cross_entropy(p,t)"),
    ("-t*log(p)-(1-t)*log(1-p)", "binary_cross_entropy(p,t)"),
    ("-(t*log(sigmoid(z))+(1-t)*log(1-sigmoid(z)))", "bce_with_logits(z,t)"),
    ("-t*log(sigmoid(z))-(1-t)*log(1-sigmoid(z))", "bce_with_logits(z,t)"),
    ("binary_cross_entropy(sigmoid(z),t)", "bce_with_logits(z,t)"),
    ("log(1+exp(z))-t*z", "bce_with_logits(z,t)"),
    ("max(0,1-t*s)", "hinge(s,t)"),
    ("mean((y-t)^2)", "mse(y,t)"),
    ("sum((y-t)^2)/2", "sum_squared_error(y,t)"),
    ("1/2*sum((y-t)^2)", "sum_squared_error(y,t)"),
    ("0.5*sum((y-t)^2)", "sum_squared_error(y,t)"),
    ("mean(max(0,1-t*s))", "hinge(s,t)"),
    ("mean(log(1+exp(z))-t*z)", "bce_with_logits(z,t)"),
    ("mean(-(t*log(p)+(1-t)*log(1-p)))", "binary_cross_entropy(p,t)"),
    ("-mean(t*log(p)+(1-t)*log(1-p))", "binary_cross_entropy(p,t)"),
    ("exp(x)/sum(exp(x))", "softmax(x)"),
    ("exp(x)/sum(exp(x),axis=AXIS,keepdims=1)", "softmax(x,axis=AXIS)"),
    ("exp(x-max(x))/sum(exp(x-max(x)))", "softmax(x)"),
    (
        "exp(x-max(x,axis=AXIS,keepdims=1))/sum(exp(x-max(x,axis=AXIS,keepdims=1)),axis=AXIS,keepdims=1)",
        "softmax(x,axis=AXIS)",
    ),
    ("log(sum(exp(x)))", "logsumexp(x)"),
    ("log(sum(exp(x),axis=AXIS))", "logsumexp(x,axis=AXIS)"),
    ("log(sum(exp(x),axis=AXIS,keepdims=1))", "logsumexp(x,axis=AXIS,keepdims=1)"),
    ("log(softmax(x))", "log_softmax(x)"),
    ("log(softmax(x,axis=AXIS))", "log_softmax(x,axis=AXIS)"),
    ("x-log(sum(exp(x)))", "log_softmax(x)"),
    ("x-log(sum(exp(x),axis=AXIS,keepdims=1))", "log_softmax(x,axis=AXIS)"),
    ("-sum(t*log(softmax(a,axis=LAST)))", "softmax_cross_entropy(a,t)"),
    ("-sum(t*log(softmax(a,axis=LAST)))/n", "softmax_cross_entropy(a,t)"),
    ("-mean(sum(t*log(softmax(a,axis=LAST)),axis=LAST))", "softmax_cross_entropy(a,t)"),
    ("mean(-sum(t*log(softmax(a,axis=LAST)),axis=LAST))", "softmax_cross_entropy(a,t)"),
    ("cross_entropy_error(softmax(a,axis=LAST),t)", "softmax_cross_entropy(a,t)"),
    ("cross_entropy_error_at(softmax(a,axis=LAST),t)", "softmax_cross_entropy(a,t)"),
    ("-sum(t*log(y))", "cross_entropy_error(y,t)"),
    ("-sum(t*log(y))/n", "cross_entropy_error(y,t)"),
    ("-mean(sum(t*log(y),axis=LAST))", "cross_entropy_error(y,t)"),
    ("mean(-sum(t*log(y),axis=LAST))", "cross_entropy_error(y,t)"),
    ("x@W+b", "affine(x,W,b)"),
    ("sqrt(sum(x*x))", "norm(x)"),
    ("sqrt(sum(x^2))", "norm(x)"),
)
"""What is written → the row that it is, perhaps of a helper such as -v. The unknowns are any names; what the row does
not take is a number, as n.

AXIS stands for each axis of a matrix, LAST for the last one, counted from either end.
"""

AXES = {"AXIS": ("0", "1", "-1"), "LAST": ("1", "-1")}

LEAST = 2
"""Ops that a row's definition must have to be fused: 1/x stays a division."""


@cache
def known() -> tuple[Pattern, ...]:
    """Every formula with its row, the largest first: definitions, disguises, and the rows above."""
    found = [*_defined(), *(_read(*row) for rows in ROWS for row in _with_axes(*rows))]
    return tuple(sorted(found, key=lambda pattern: -pattern.size))


def _defined() -> Iterator[Pattern]:
    """The table's own definitions and disguises.

    A loss that is averaged over a batch is more than its definition, so the rows above say which losses are fused.
    """
    from gradcli.syntax import parse
    from gradcli.systems.tracing import Tracing

    for op in TABLE.values():
        if op.variadic or op.structural or op.attributes:
            continue
        tracing = Tracing(op.parameters)
        formula = tracing.graph(op.definition(tracing, *[tracing.leaf(name) for name in op.parameters]))
        for each in (formula, *map(parse, op.disguises)):
            if each.ops[each.output] not in (op, INPUT, CONSTANT):
                pattern = _pattern(op, each, op.parameters)
                yield pattern._replace(fused=pattern.size >= LEAST and not op.reduces)


def _with_axes(written: str, call: str) -> Iterator[tuple[str, str]]:
    """A row above for each axis that it may be about."""
    word = next((word for word in AXES if word in written), None)
    if word is None:
        yield written, call
    else:
        yield from ((written.replace(word, axis), call.replace(word, axis)) for axis in AXES[word])


def _read(written: str, call: str) -> Pattern:
    """A row above."""
    from gradcli.syntax import parse

    formula, replaced = parse(written), parse(call)
    names = {i: name for name, i in replaced.inputs.items()}
    op, given = replaced.ops[replaced.output], replaced.parents[replaced.output]
    if set(given) <= names.keys():
        return _pattern(op, formula, [names[p] for p in given])
    (first,) = given
    needed = list(dict.fromkeys(replaced.parents[first]))
    helper = replaced.ops[first], tuple(needed.index(p) for p in replaced.parents[first])
    return _pattern(op, formula, [names[p] for p in needed])._replace(helper=helper)


def _pattern(op: Op, formula: Graph, names: tuple[str, ...] | list[str]) -> Pattern:
    size = sum(1 for inner in formula.ops if inner is not INPUT and inner is not CONSTANT)
    numbers = tuple(i for name, i in formula.inputs.items() if name not in names)
    return Pattern(op, formula, tuple(formula.inputs[name] for name in names), numbers, size)
