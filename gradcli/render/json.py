"""`gradcli.eval/1`: everything as strict JSON, one node a line. Its JSON Schema ships in gradcli/schemas.

Changes are additive. Non-finite numbers are "NaN", "Infinity" and "-Infinity", as proto3 JSON has them.
Characters outside ASCII are escaped: no bidi mark reaches a terminal, and any encoding holds the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from gradcli import notation
from gradcli.autodiff import Edge, Value
from gradcli.cells import carried, gradient_of, kind_of
from gradcli.ops.op import CONSTANT
from gradcli.paths import paths
from gradcli.places import nested
from gradcli.render.rows import Rules, expression

if TYPE_CHECKING:
    from gradcli.render.figures import Style
    from gradcli.report import Report
    from gradcli.verify.verdicts import DifferencesVerdict, ProofVerdict, SympyVerdict, Verification

SCHEMA = "gradcli.eval/1"

Object = dict[str, Any]


def render(report: Report, style: Style | None = None) -> str:
    """The whole document."""
    return "".join(pieces(report, style)).removesuffix("\n")


def pieces(report: Report, style: Style | None = None) -> Iterator[str]:
    """The document in pieces: the head, a node each, the rest."""
    ways = {name: listed(report, name) for name in style.paths} if style is not None else {}  # errors come first
    head = {
        "schema": SCHEMA,
        "expression": report.expression,
        "value": encoded(report.value),
        "grad": {name: encoded(gradient) for name, gradient in report.gradients.items()},
        "output": report.graph.output,
        "upstream": encoded(report.source.upstream),
    }
    yield "{\n" + "".join(f"  {_dumped(key)}: {_dumped(value)},\n" for key, value in head.items())
    separator = '  "nodes": [\n    '
    for node in nodes(report):
        yield separator + _dumped(node)
        separator = ",\n    "
    tail = {
        "verification": verdicts(report.verification),
        "notes": list(report.all_notes),
        "warnings": list(report.all_warnings),
        "ranking": ranked(report, report.ranking),
        "needed": report.kept,
        "trouble": trouble(report),
    }
    if style is not None and style.rank_nodes:
        tail["node_ranking"] = ranked(report, report.node_ranking)
    if ways:
        tail["paths"] = ways
    yield "\n  ]" + "".join(f",\n  {_dumped(key)}: {_dumped(value)}" for key, value in tail.items()) + "\n}\n"


def nodes(report: Report) -> Iterator[Object]:
    """Every place of the tape; its lists align with `inputs`, null where no gradient flows."""
    source, graph = report.source, report.graph
    names, values, shapes, rules = graph.names, source.trace.values, source.trace.shapes, Rules(graph)
    tensorial = source.trace.tensorial

    left_out = {i for name, i in graph.inputs.items() if report.wrt is not None and name not in report.wrt}
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        reached = [Edge(source, i, k) if source.active(i, k) else None for k in range(len(parents))]
        edges = [carried(edge) if edge and edge.parent not in left_out else None for edge in reached]
        kinds = {"local_kind": [kind_of(edge) if edge else None for edge in reached]} if tensorial else {}
        yield {
            "id": i,
            "name": names[i],
            "op": op.name,
            "gate": op.gate,
            "expression": names[i] if op is CONSTANT else expression(graph, i),
            "formula": notation.formula(graph, i),
            "shape": shapes[i],
            "inputs": parents,
            "value": encoded(values[i]),
            "rule": [rules(edge) if edge and kept else None for edge, kept in zip(reached, edges, strict=True)],
            "local": [encoded(edge[0]) if edge else None for edge in edges],
            **kinds,
            "downstream": [encoded(edge[1]) if edge else None for edge in edges],
            "grad": None if i in left_out or op is CONSTANT else encoded(gradient_of(source, i)),
        }


def ranked(report: Report, ranking: list[tuple[str, float]]) -> list[Object]:
    """Names with their gradients, in order; of a tensor its norm."""
    shapes, position = report.source.trace.shapes, report.graph.position
    tensorial = report.source.trace.tensorial
    return [
        {"name": name, "norm" if tensorial and shapes[position(name)] else "grad": encoded(gradient)}
        for name, gradient in ranking
    ]


def listed(report: Report, name: str) -> Object:
    """The paths from a node: how many, and the strongest."""
    found = paths(report.source, name)
    shown = [
        {
            "nodes": path.nodes,
            "local": [encoded(local) for local in path.locals],
            "product": encoded(path.product),
            "share": encoded(path.share),
            "count": path.count,
        }
        for path in found.listed
    ]
    return {"total": found.total, "grad": encoded(found.gradient), "paths": shown}


def verdicts(verification: Verification | None) -> Object:
    """The verdicts; sympy and proof are `skipped` when not asked for, differences are left out."""
    if verification is None:
        return {"status": "skipped", "sympy": _sympy(None), "proof": _proof(None), "failures": []}
    parts: Object = {
        "status": verification.status,
        "sympy": _sympy(verification.sympy),
        "proof": _proof(verification.proof),
        "failures": list(verification.failures),
    }
    if verification.differences is not None:
        parts["differences"] = _differences(verification.differences)
    return parts


def _sympy(verdict: SympyVerdict | None) -> Object:
    if verdict is None:
        return {"status": "skipped", "max_rel_error": None, "derivatives": {}, "checked": 0, "unchecked": []}
    return {
        "status": verdict.status,
        "max_rel_error": encoded(verdict.max_rel_error),
        "derivatives": dict(verdict.derivatives),
        "checked": verdict.checked,
        "unchecked": list(verdict.unchecked),
    }


def _proof(verdict: ProofVerdict | None) -> Object:
    if verdict is None:
        return {"status": "skipped", "digits": None, "nodes": 0, "edges": 0, "lost": {}, "unchecked": []}
    return {
        "status": verdict.status,
        "digits": verdict.digits,
        "nodes": verdict.nodes,
        "edges": verdict.edges,
        "lost": dict(verdict.lost),
        "unchecked": list(verdict.unproved),
    }


def _differences(verdict: DifferencesVerdict) -> Object:
    return {
        "status": verdict.status,
        "errors": {name: encoded(error) for name, error in verdict.errors.items()},
        "band": verdict.band,
        "unchecked": list(verdict.unchecked),
    }


def trouble(report: Report) -> Object | None:
    """The first node that went wrong; null if none did."""
    found = report.trouble
    if found is None:
        return None
    return {
        "node": found.node,
        "name": found.name,
        "cause": found.cause,
        "effect": found.effect,
        "advice": found.advice,
    }


def encoded(value: Value | None) -> Any:
    """A number as JSON can hold it; a tensor as nested lists of them."""
    if value is None or (isinstance(value, float) and isfinite(value)):
        return value
    if not isinstance(value, float):
        return nested(value, encoded) if hasattr(value, "ndim") else value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _dumped(value: float | str | list[Any] | Mapping[str, Any] | None) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=True)
