"""How the edges of tensors are written: rules as lectures have them, shapes along them, sums that undo broadcasting."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from gradcli import notation
from gradcli.graph import Graph
from gradcli.places import size
from gradcli.render.figures import Style, is_numeric, plain
from gradcli.render.rows import NAME
from gradcli.render.tensors import alike, is_tensor, shape_text

if TYPE_CHECKING:
    from gradcli.report import EdgeRow, NodeRow, Report

LISTED = 12
"""Characters of a list from which on a rule leaves its numbers out."""


def started(report: Report, node: NodeRow) -> str:
    """Where backward begins: with 1, or with the gradient that was given."""
    above = top(report)
    if above != report.output:
        return f"start: ∂{above}/∂{node.name}, as given"
    return f"start: ∂{node.name}/∂{node.name}"


def top(report: Report) -> str:
    """What the gradients are derivatives of: the output; for one of several entries a loss L behind it.

    An output of one entry is its own where its upstream gradient is 1, though it may be a matrix.
    """
    shape, upstream = report.source.trace.shapes[report.graph.output], report.source.upstream
    if shape == () or (size(shape) == 1 and uniform(upstream) == 1):
        return report.output
    return next((name for name in ("L", "loss") if report.graph.find(name) is None), "the loss")


def uniform(value: Any) -> Any:
    """A tensor whose entries are all one number as that number: a factor all the same."""
    return float(value.flat[0]) if is_tensor(value) and alike(value) else value


def quotient(edge: EdgeRow) -> str:
    """`∂n1/∂W`"""
    return f"∂{edge.child_name}/∂{edge.parent_name}"


def ruled(report: Report, edge: EdgeRow, style: Style, *, alone: bool) -> str:
    """The rule of an edge: `∂n2/∂n1 = 2·n1`; of an op on whole tensors `∂f/∂W = ∂f/∂n1·xᵀ`.

    alone: whether no other edge adds to the node's gradient, so that the rule is the whole of it.
    """
    if not edge.chosen:
        return plain(f"{quotient(edge)}: not chosen", style)
    if edge.kind not in ("jacobian", "rule"):
        rule = notation.pretty(local_rule(edge, report.graph))
        left = f"{quotient(edge)} = {rule}" if rule and not is_numeric(rule) else quotient(edge)
        return plain(left + summed_over(edge), style)
    above = top(report)
    if not edge.rule:
        return plain(f"∂{above}/∂{edge.parent_name}: back through {edge.op}", style)
    rule = passed(edge, report.graph, above, style)
    return f"{plain(f'∂{above}/∂{edge.parent_name}', style)} = {rule}" if alone else rule


def local_rule(edge: EdgeRow, graph: Graph) -> str:
    """The rule of a local gradient; none where the row says only what is passed down: a sum of one number."""
    return "" if graph.ops[edge.child].structural else edge.rule


def passed(edge: EdgeRow, graph: Graph, above: str, style: Style) -> str:
    """What an op on whole tensors passes down, as lectures write it: `∂f/∂n1·xᵀ`, with `·` the matrix product."""
    arriving = f"∂{above}/∂{edge.child_name}"
    rule = simplest(edge, graph, above)
    if notation.upstream(graph, edge.child) == "g":

        def written(match: re.Match[str]) -> str:
            before, after = rule[: match.start()].rstrip()[-1:], rule[match.end() :].lstrip()[:1]
            bare = before != "/" and after not in tuple(".[^/")
            return arriving if bare else f"({arriving})"

        rule = re.sub(r"(?<![\w.])g(?!\w)", written, rule)
    rule = short_lists(rule)
    if not style.ascii:
        rule = rule.replace(".T", "ᵀ").replace("@", "·")
    return plain(_raised(rule), style)


def short_lists(text: str) -> str:
    """A text with each long list of numbers in it left out: `[…]@x`.

    >>> short_lists("[[1,2,3],[4,5,6]]@x+[1,2]")
    '[…]@x+[1,2]'
    """
    return re.sub(rf"(?<!\w)\[[-+0-9.eE,\[\]\s…]{{{LISTED},}}\]", "[…]", text)


def simplest(edge: EdgeRow, graph: Graph, above: str) -> str:
    """The rule of an edge; of an index, where it places g; without g as a factor where it is 1, at the output."""
    op, rule = graph.ops[edge.child], edge.rule
    if op.notation is not None and op.notation.fix == "index":
        rule = f"{notation.upstream(graph, edge.child)} at [{notation.key_text(op.bound['key'])}]"
    starts = edge.child == graph.output and above == edge.child_name and not edge.child_shape and edge.upstream == 1
    if not starts or notation.upstream(graph, edge.child) != "g":
        return rule
    if " " in rule:  # in words
        return re.sub(r"(?<![\w.])g(?!\w)", "1", rule)
    rule = re.sub(r"(?<![\w.])g\*|\*g(?![\w.^\[(])", "", edge.rule)
    bracketed = rule[1:-1] if rule[:1] == "(" and rule[-1:] == ")" else ""
    balanced = accumulate((letter == "(") - (letter == ")") for letter in bracketed)
    return bracketed if bracketed and min(balanced) >= 0 else rule


def _raised(rule: str) -> str:
    """Powers raised, products entry by entry as they are typed."""
    return "*".join(notation.pretty(part) for part in rule.split("*"))


def shapes_of(report: Report, edge: EdgeRow, style: Style) -> str:
    """The shapes along a rule: `(2,)·(2,)ᵀ`; of one that moves entries `() → (2,)`."""
    graph = report.graph
    shapes = report.source.trace.shapes
    if "@" not in edge.rule:
        moved = graph.ops[edge.child].moves and edge.parent_shape != edge.child_shape
        arrow = f"{shape_text(edge.child_shape) or '()'} → {shape_text(edge.parent_shape) or '()'}"
        return plain(arrow, style) if moved else ""
    up = notation.upstream(graph, edge.child)
    rule = edge.rule.replace(up, "g") if up != "g" else edge.rule
    at = {"g": shape_text(edge.child_shape) or "()"}
    for p in (*graph.parents[edge.child], edge.child):
        name = notation.brief(graph.names[p])
        at[name] = shape_text(shapes[p]) or "()"
        if name.startswith("["):
            rule = rule.replace(name, at[name])
    text = NAME.sub(lambda match: at.get(match[0], match[0]), rule)
    return plain(text if style.ascii else text.replace(".T", "ᵀ").replace("@", "·"), style)


def summed_over(edge: EdgeRow) -> str:
    """`, Σ over axis 0`: where a smaller tensor was broadcast, its gradient is summed back."""
    axes = broadcast_axes(edge)
    if not axes or edge.kind != "diagonal":
        return ""
    return f", Σ over {axis_text(axes, len(edge.child_shape))}"


def axis_text(axes: list[int], rank: int) -> str:
    """ "axis 0", "axes 0 and 1", "all entries" """
    if len(axes) == rank:
        return "all entries"
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"


def broadcast_axes(edge: EdgeRow) -> list[int]:
    """The child's axes along which its input was repeated."""
    above, below = edge.parent_shape, edge.child_shape
    lead = len(below) - len(above)
    return [i for i, n in enumerate(below) if n > 1 and (i < lead or above[i - lead] == 1)]
