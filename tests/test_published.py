"""Published worked examples and physics formulas: within 1e-9, to every printed digit, and proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli import Gradients, parse, verify
from gradcli.cells import resolve
from gradcli.cli import run
from tests.printed import agrees

Case = dict[str, Any]

RTOL = 1e-9
ATOL = 1e-12  # of the largest gradient, for entries that are 0


def read(file: str) -> list[Case]:
    """The cases of a file, one a line."""
    lines = (Path(__file__).parent / "cases" / file).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


PUBLISHED, FEYNMAN, ADVERSARIAL = read("published.jsonl"), read("feynman.jsonl"), read("adversarial.jsonl")
CASES = {case["id"]: case for case in PUBLISHED + FEYNMAN}
PRINTED = [name for name, case in CASES.items() if "published" in case]
WITH_NODES = [name for name, case in CASES.items() if "nodes" in case]
TENSORS = [name for name, case in CASES.items() if any(isinstance(value, list) for value in case["vars"].values())]
MISFITS = [case for case in ADVERSARIAL if any(isinstance(value, list) for value in case["vars"].values())]


@cache
def gradients_of(name: str) -> Gradients:
    """A case at its values."""
    case = CASES[name]
    return parse(case["expr"], given=case["vars"]).forward(case["vars"]).backward()


def near(expected: Any, scale: float = 0.0) -> Any:
    """A number or nested list within 1e-9, or 1e-12 of `scale`, entry by entry."""
    exact = np.array(expected) if isinstance(expected, list) else expected
    return pytest.approx(exact, rel=RTOL, abs=ATOL * scale)


def largest_of(values: Any) -> float:
    """The largest magnitude among numbers and nested lists."""
    return max(float(np.max(np.abs(value))) for value in values)


def words_of(case: Case) -> list[str]:
    """The expression and the values of a case, as they are typed."""
    return [case["expr"], *(f"--{name}={json.dumps(value)}" for name, value in case["vars"].items())]


def leaves(printed: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The texts of a nested object with the way to each; what the source leaves out is None."""
    if isinstance(printed, str):
        yield path, printed
    elif printed is not None:
        for key, entry in printed.items() if isinstance(printed, dict) else enumerate(printed):
            yield from leaves(entry, (*path, key))


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name: str) -> None:
    """The output and the gradient of every variable are those of 120-digit arithmetic."""
    case, gradients = CASES[name], gradients_of(name)
    largest = largest_of(case["grad"].values())
    assert gradients.trace.value == near(case["value"])
    found = dict(gradients.items())
    assert found.keys() == case["grad"].keys()
    for variable, expected in case["grad"].items():
        assert found[variable] == near(expected, largest), variable


@pytest.mark.parametrize("name", WITH_NODES)
def test_every_node(name: str) -> None:
    """Each node, found by its text, has its value and gradient; a text that occurs twice has their sum."""
    case, gradients = CASES[name], gradients_of(name)
    largest = max(abs(node["grad"]) for node in case["nodes"])
    for node in case["nodes"]:
        assert resolve(f"value.({node['expr']})", gradients).value == near(node["value"]), node["name"]
        assert resolve(f"grad.({node['expr']})", gradients).value == near(node["grad"], largest), node["name"]


@pytest.mark.parametrize("name", CASES)
def test_proved(name: str) -> None:
    """Every value and local gradient is proved, and the output has its digits."""
    proof = verify(gradients_of(name), "proof").proof
    assert proof is not None
    assert (proof.status, proof.failures, proof.warnings) == ("passed", (), ())
    assert proof.digits is not None
    assert proof.digits >= 9


@pytest.mark.parametrize("name", PRINTED)
def test_printed_digits(name: str) -> None:
    """What the source prints is what the numbers round to."""
    case, gradients = CASES[name], gradients_of(name)
    formulas = {node["name"]: node["expr"] for node in case.get("nodes", ())}
    checked = 0
    for path, printed in leaves(case["published"]):
        entry: tuple[Any, ...] = ()
        match path:
            case ("value",):
                cell = "value"
            case ("grad", variable, *entry):
                cell = f"grad.{variable}"
            case ("nodes", node, place):
                cell = f"{('value', 'grad')[place]}.({formulas[node]})"
            case _:
                pytest.fail(f"an unknown entry {path} of a published case")
        found = np.asarray(resolve(cell, gradients).value)[tuple(entry)]
        assert agrees(float(found), printed), (path, printed)
        checked += 1
    assert checked


@pytest.mark.parametrize("name", TENSORS)
def test_on_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists are typed as values, come back as nested lists, and every verdict has passed."""
    case = CASES[name]
    status = run(["eval", *words_of(case), "--format", "json", "--verify-budget", "60"])
    result = capsys.readouterr()
    assert (status, result.err) == (0, "")
    document = json.loads(result.out)
    assert document["value"] == near(case["value"])
    largest = largest_of(case["grad"].values())
    for variable, expected in case["grad"].items():
        assert np.array(document["grad"][variable]) == near(expected, largest), variable
    verification = document["verification"]
    assert [verification[part]["status"] for part in ("sympy", "proof")] == ["passed", "passed"]


@pytest.mark.parametrize("case", MISFITS, ids=lambda case: case["id"])
def test_shapes_that_do_not_fit(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    """Both shapes are named, and the operator stands over the caret."""
    status = run(["eval", *words_of(case)])
    result = capsys.readouterr()
    assert (status, result.out) == (2, "")
    message, source, caret, hint = result.err.splitlines()[:4]
    assert message.startswith("error: ")
    for value in case["vars"].values():
        assert str(np.shape(value)).replace(" ", "") in message.replace(" ", "")
    assert source[caret.index("^")] == "@"
    assert "hint:" in hint


def test_every_case_is_here() -> None:
    """Every case of the files runs, tensors too."""
    assert (len(PUBLISHED), len(FEYNMAN), len(CASES)) == (25, 60, 85)
    assert (len(TENSORS), len(MISFITS)) == (2, 1)
