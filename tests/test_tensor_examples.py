"""Every example with vectors and matrices: the commands that it tells of run, and give the numbers of its source."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gradcli.cli import run
from tests.printed import agrees

FOLDER = Path(__file__).parents[1] / "examples"

Cells = Mapping[str, Any]
"""Cell → what it must be: a text holds the digits that the source prints, a number is exact; or lists of these."""

COMMANDS: dict[str, list[Cells]] = {
    # CS231n, lecture 4, "A vectorized example"
    "norm_squared": [
        {
            "value": "0.116",
            "value.q": ["0.22", "0.26"],
            "grad.q": ["0.44", "0.52"],
            "grad.W": [["0.088", "0.176"], ["0.104", "0.208"]],
            "grad.x": ["-0.112", "0.636"],
        }
    ],
    # whole numbers, worked out on paper
    "two_layers": [
        {
            "value": [-1, 17],
            "value.a": [5, -2, 6],
            "value.h": [5, 0, 6],
            "grad.s": [1, 0],
            "grad.h": [1, 3, -1],
            "grad.a": [1, 0, -1],
            "grad.W2": [[5, 0, 6], [0, 0, 0]],
            "grad.W1": [[1, 2], [0, 0], [-1, -2]],
            "grad.x": [-3, 1],
        }
    ],
    "three_layers": [
        {
            "value": 1,
            "value.h1": [5, 0, 6],
            "value.h2": [0, 17, 4],
            "value.s": [21, 17],
            "grad.s": [1, 1],
            "grad.h2": [1, 2, 1],
            "grad.a2": [0, 2, 1],
            "grad.h1": [4, -2, 3],
            "grad.a1": [4, 0, 3],
            "grad.x": [16, 11],
            "grad.W3": [[0, 17, 4], [0, 17, 4]],
            "grad.W2": [[0, 0, 0], [10, 0, 12], [5, 0, 6]],
            "grad.W1": [[4, 8], [0, 0], [3, 6]],
        }
    ],
    "linear_layers": [
        {"value": 11, "value.y": [-2, 13], "grad.x": [6, 1], "grad.W1": [[0, 0], [4, -2], [6, -3]]},
        {"value": 11, "grad.x": [6, 1], "grad.W1": [[0, 0], [4, -2], [6, -3]]},
    ],
    # "Deep Learning from Scratch", section 5.6.2; dX and dW on paper
    "batch_affine": [
        {
            "value": [[1, 2, 3], [11, 12, 13]],
            "grad.B": [5, 7, 9],
            "grad.X": [[28, 16], [64, 43]],
            "grad.W": [[4, 5, 6], [8, 10, 12]],
        }
    ],
    # "Deep Learning from Scratch", section 5.6.3
    "softmax_loss": [{"value": "1.609", "grad.a": [0.3, -0.8, 0.5]}, {"value": "1.609", "grad.a": [0.3, -0.8, 0.5]}],
    # CS231n, lecture 3: (2.9 + 0 + 12.9)/3
    "svm_batch": [{"value": "5.27", "grad.scores": [[-1 / 3, 1 / 3, 0], [0, 0, 0], [1 / 3, 1 / 3, -2 / 3]]}],
    # CS231n, notes "Linear classification"
    "svm_margin": [{"value": 8, "grad.s": [-1, 0, 1]}],
    "linear_classifier": [
        {"value": "1.58", "value.s": ["-2.85", "0.86", "0.28"], "grad.s": [0, 1, -1], "grad.b": [0, 1, -1]},
        {"value": "1.04"},
    ],
    # whole numbers, worked out on paper
    "maxout": [
        {
            "value": 11,
            "value.u": [6, 2],
            "value.v": [0, 5],
            "value.h": [6, 5],
            "grad.u": [1, 0],
            "grad.v": [0, 1],
            "grad.W1": [[1, 2], [0, 0]],
            "grad.W2": [[0, 0], [1, 2]],
            "grad.b1": [1, 0],
            "grad.b2": [0, 1],
            "grad.x": [2, 3],
        }
    ],
    # Sung Kim, lecture 9-1, rounds the outputs; the cost and dcost/db2 = mean(Y - T) by NumPy
    "xor_rows": [
        {"value": "0.0115", "value.Y": ["0", "1", "1", "0"], "grad.b2": "0.00636"},
    ],
    # by NumPy, from the formulas of tanh and mse
    "layer_check": [
        {
            "value": "0.261442502",
            "grad.b": ["-0.02540508", "-0.10398505", "-0.20478377"],
            "grad.W": [["-0.15370812", "-0.17986458", "-0.07057976"], ["-0.15085190", "-0.05585502", "0.24454892"]],
        },
    ],
    # the logarithm of 10 classes; every gradient is compared with PyTorch's in test_two_layer_net
    "two_layer_net": [{"value": "2.30"}, {"value": "2.30"}],
}


def commands(name: str) -> list[str]:
    """The commands in the comment on top of an example."""
    lines = (FOLDER / f"{name}.grad").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("#   ") for line in lines if line.startswith("#   gradcli ")]


def cell(document: dict[str, Any], address: str) -> Any:
    """What stands in a JSON document at an address."""
    kind, _, name = address.partition(".")
    if not name:
        return document["value"]
    (node,) = (node for node in document["nodes"] if node["name"] == name)
    return node[kind]


def fits(found: Any, expected: Any) -> bool:
    """Whether a number, or each of nested lists, has the digits that are printed, or is the exact one."""
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(fits, found, expected))
    if isinstance(expected, str):
        return agrees(found, expected)
    return found == pytest.approx(expected, rel=1e-14, abs=1e-15)


ROWS = [(name, at) for name, outcomes in COMMANDS.items() for at in range(len(outcomes))]


@pytest.mark.parametrize(("name", "at"), ROWS, ids=[f"{name}-{at + 1}" for name, at in ROWS])
def test_commands_run_as_they_stand(
    name: str, at: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command in the comment of an example ends with 0, its checks have passed, and its numbers are the source's."""
    monkeypatch.chdir(FOLDER.parent)
    _, *words = shlex.split(commands(name)[at])
    status = run([*words, "--format", "json", "--verify-budget", "60"])
    result = capsys.readouterr()
    assert (status, result.err) == (0, "")
    document = json.loads(result.out)
    wrong = {
        address: (cell(document, address), expected)
        for address, expected in COMMANDS[name][at].items()
        if not fits(cell(document, address), expected)
    }
    assert not wrong
    verification = document["verification"]
    assert verification["failures"] == []
    checks = ["differences"] if "differences" in words else ["proof"] if name == "two_layer_net" else ["sympy", "proof"]
    assert [verification[check]["status"] for check in checks] == ["passed"] * len(checks)
    assert document["warnings"] == []


def test_every_command_is_here() -> None:
    """No command of an example goes untested, and the first names the example's own two files."""
    for name, outcomes in COMMANDS.items():
        assert len(commands(name)) == len(outcomes), name
        (values,) = (path for path in FOLDER.glob(f"{name}.*") if path.suffix in (".toml", ".npz"))
        assert commands(name)[0].startswith(
            f"gradcli eval --file examples/{name}.grad --vars examples/{values.name}"
        ), name
