"""LaTeX of tensors, gate by gate: what each node is, and what its gradient is, in the rules of the lecture."""

from __future__ import annotations

from gradcli import typesetting
from gradcli.errors import LimitError
from gradcli.export.exported import Exported
from gradcli.export.latex import definitions, fraction
from gradcli.export.traced import require_values
from gradcli.render.grid import over
from gradcli.render.latex import counted, passed_on, text, typeset
from gradcli.render.tensor_rules import axis_text, broadcast_axes, local_rule
from gradcli.report import EdgeRow, Report, build
from gradcli.typesetting import latex_name

MOST = 200
"""Nodes that are typeset at most."""


def rows(exported: Exported) -> list[tuple[str, str]]:
    """The equations, (left, right): forward in order, then backward.

    Errors: UsageError without values, whose shapes decide; LimitError.
    """
    require_values(exported, "LaTeX")
    if len(exported.graph) > MOST:
        raise LimitError(f"{len(exported.graph):,} nodes are more than people read: {MOST:,} are typeset")
    trace = exported.graph.forward(exported.values)
    shape, upstream = trace.shapes[trace.graph.output], None
    if shape:
        import numpy as np

        upstream = np.ones(shape)
    report = build(trace.backward(upstream), wrt=exported.wrt)
    graph, above = counted(report), over(report)
    found = definitions(graph)
    found += [
        (latex_name(graph.names[i]), typesetting.latex(graph, i, atom=lambda k: graph.names[k]))
        for i in graph.shown
        if graph.used[i] and graph.parents[i]
    ]
    inner = [i for i in sorted(report.order, reverse=True) if graph.parents[i] and i != graph.output]
    for index in [*inner, *(graph.inputs[name] for name in exported.wrt)]:
        row = report.node_row(index)
        terms = [term(report, edge, above) for edge in row.edges if edge.chosen]
        if row.gradient is not None and index != graph.output:
            found.append((fraction(above, row.name), " + ".join(terms) or "0"))
    return found


def term(report: Report, edge: EdgeRow, above: str) -> str:
    """What an edge passes down."""
    if edge.kind in ("jacobian", "rule"):
        passed = passed_on(report, edge) or rf"\text{{back through {text(edge.op)}}}"
        return passed.replace(fraction(above, above), "1")
    arriving = "" if edge.child_name == above else fraction(above, edge.child_name)
    rule = local_rule(edge, report.graph)
    factor = "" if rule in ("", "1") else typeset(rule)
    if factor and arriving and (" + " in factor or " - " in factor or factor.startswith("-")):
        factor = rf"\left({factor}\right)"
    times = r" \odot " if edge.child_shape else r" \cdot "
    product = times.join(part for part in (arriving, factor) if part) or "1"
    axes = broadcast_axes(edge) if edge.kind == "diagonal" else []
    return rf"\sum_{{\text{{{axis_text(axes, len(edge.child_shape))}}}}} {product}" if axes else product
