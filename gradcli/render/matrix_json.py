"""`gradcli.jacobian/1` and `gradcli.hessian/1`: everything as strict JSON. Their JSON Schemas ship in gradcli/schemas.

Changes are additive. Non-finite numbers are "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import TYPE_CHECKING, Any

from gradcli.derivatives import MOST, Hessian
from gradcli.matrices import Matrices
from gradcli.places import size
from gradcli.render.json import encoded, trouble, verdicts

if TYPE_CHECKING:
    from gradcli.derivatives import Jacobian
    from gradcli.render.figures import Style


def json(matrices: Matrices, style: Style) -> Iterator[str]:
    """The document, a key a line."""
    found, verified = matrices.found, verdicts(matrices.verification)
    proof = matrices.verification.proof if matrices.verification else None
    verified["proof"]["derivatives"] = proof.derivatives if proof else 0
    document: dict[str, Any] = {
        "schema": f"gradcli.{matrices.kind}/1",
        "expression": matrices.report.expression,
        "output": matrices.output,
        "value": encoded(matrices.value),
        "shape": list(matrices.trace.shapes[matrices.trace.graph.output]),
        "shapes": {name: list(matrices.shape_of(name)) for name in matrices.names},
        **(_hessian(found) if isinstance(found, Hessian) else _jacobian(found)),
        "verification": verified,
        "notes": list(matrices.notes),
        "warnings": list(matrices.warnings),
        "trouble": trouble(matrices.report),
    }
    lines = (f"  {dumps(key)}: {dumps(value, allow_nan=False)}" for key, value in document.items())
    yield "{\n" + ",\n".join(lines) + "\n}\n"


def _jacobian(found: Jacobian) -> dict[str, Any]:
    """The blocks; one of which only the diagonal is stored is null where the whole would be too large."""
    whole = {name: size(block.out) * size(block.into) <= MOST for name, block in found.blocks.items()}
    return {
        "jacobian": {name: encoded(found[name]) if whole[name] else None for name in found},
        "structure": {name: block.structure for name, block in found.blocks.items()},
        "diagonal": {
            name: encoded(block.entries) for name, block in found.blocks.items() if block.structure == "diagonal"
        },
        "mode": found.mode,
    }


def _hessian(found: Hessian) -> dict[str, Any]:
    return {
        "hessian": {one: {other: encoded(part) for other, part in found[one].items()} for one in found},
        "symmetric": found.symmetric,
    }
