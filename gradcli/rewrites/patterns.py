"""The formulas that people write for a row of the op table: one line each, in gradcli's own language.

To these come the table's own definitions, and the disguises that a row lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from gradcli.errors import ExpressionError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import CONSTANT, INPUT, Op
from gradcli.rewrites.matching import Pattern

ROWS = (
    ("exp(u)/(1+exp(u))", "sigmoid(u)"),
    ("(1+tanh(u/2))/2", "sigmoid(u)"),
    ("max(u,0)", "relu(u)"),
    ("u*(u>0)", "relu(u)"),
    ("u*step(u)", "relu(u)"),
    ("max(u,0)+log(1+exp(-abs(u)))", "softplus(u)"),
    ("-log(1+exp(-u))", "logsigmoid(u)"),
    ("u*sigmoid(u)", "silu(u)"),
    ("u*tanh(log(1+exp(u)))", "mish(u)"),
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
    ("exp(u)-1", "expm1(u)"),
    ("log(1+u)", "log1p(u)"),
    ("log(exp(a)+exp(b))", "logaddexp(a,b)"),
    ("sin(u)/cos(u)", "tan(u)"),
    ("(exp(u)-exp(-u))/2", "sinh(u)"),
    ("(exp(u)+exp(-u))/2", "cosh(u)"),
    ("sinh(u)/cosh(u)", "tanh(u)"),
    ("(exp(u)-exp(-u))/(exp(u)+exp(-u))", "tanh(u)"),
    ("(exp(2*u)-1)/(exp(2*u)+1)", "tanh(u)"),
    ("(1-exp(-2*u))/(1+exp(-2*u))", "tanh(u)"),
    ("2*sigmoid(2*u)-1", "tanh(u)"),
    ("exp(-u^2)", "gaussian(u)"),
    ("exp(-u*u)", "gaussian(u)"),
    ("-(t*log(p)+(1-t)*log(1-p))", "binary_cross_entropy(p,t)"),
    ("-t*log(p)-(1-t)*log(1-p)", "binary_cross_entropy(p,t)"),
    ("-(t*log(sigmoid(z))+(1-t)*log(1-sigmoid(z)))", "bce_with_logits(z,t)"),
    ("-t*log(sigmoid(z))-(1-t)*log(1-sigmoid(z))", "bce_with_logits(z,t)"),
    ("binary_cross_entropy(sigmoid(z),t)", "bce_with_logits(z,t)"),
    ("log(1+exp(z))-t*z", "bce_with_logits(z,t)"),
    ("max(0,1-t*s)", "hinge(s,t)"),
)
"""What is written → the row that it is. The unknowns are any names; inputs of the row alone, each once."""

LEAST = 2
"""Ops that a row's definition must have to be fused: 1/x stays a division."""


@cache
def known() -> tuple[Pattern, ...]:
    """Every formula with its row, the largest first: definitions, disguises, and the rows above."""
    found = [*_defined(), *filter(None, (_read(written, call) for written, call in ROWS))]
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


def _read(written: str, call: str) -> Pattern | None:
    """A row above; None where the table has no such op."""
    from gradcli.syntax import parse

    try:
        formula, replaced = parse(written), parse(call)
    except ExpressionError:
        return None
    names = {i: name for name, i in replaced.inputs.items()}
    return _pattern(replaced.ops[replaced.output], formula, [names[p] for p in replaced.parents[replaced.output]])


def _pattern(op: Op, formula: Graph, names: tuple[str, ...] | list[str]) -> Pattern:
    size = sum(1 for inner in formula.ops if inner is not INPUT and inner is not CONSTANT)
    return Pattern(op, formula, tuple(formula.inputs[name] for name in names), size)
