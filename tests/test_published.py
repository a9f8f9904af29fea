"""Published worked examples and physics formulas: within 1e-9, to every printed digit, and proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gradcli import Gradients, parse, verify
from gradcli.cells import resolve
from tests.printed import agrees

Case = dict[str, Any]

RTOL = 1e-9
ATOL = 1e-12  # of the largest gradient, for entries that are 0


def read(file: str) -> list[Case]:
    """The cases of a file, one a line."""
    lines = (Path(__file__).parent / "cases" / file).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def scalar(case: Case) -> bool:
    """Whether every value is a number, and none a list."""
    return not any(isinstance(value, list) for value in case["vars"].values())


PUBLISHED, FEYNMAN = read("published.jsonl"), read("feynman.jsonl")
LEFT_OUT = [case["id"] for case in PUBLISHED + FEYNMAN if not scalar(case)]
"""Cases whose values are lists: the language has no tensors."""

CASES = {case["id"]: case for case in PUBLISHED + FEYNMAN if scalar(case)}
PRINTED = [name for name, case in CASES.items() if "published" in case]
WITH_NODES = [name for name, case in CASES.items() if "nodes" in case]


@cache
def gradients_of(name: str) -> Gradients:
    """A case at its values."""
    case = CASES[name]
    return parse(case["expr"], given=case["vars"]).forward(case["vars"]).backward()


def near(expected: float, scale: float = 0.0) -> Any:
    """Within 1e-9, or 1e-12 of `scale`."""
    return pytest.approx(expected, rel=RTOL, abs=ATOL * scale)


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
    largest = max(map(abs, case["grad"].values()))
    assert gradients.trace.value == near(case["value"])
    found = dict(gradients.items())
    assert found.keys() == case["grad"].keys()
    assert found == {variable: near(expected, largest) for variable, expected in case["grad"].items()}


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
        match path:
            case ("value",):
                cell = "value"
            case ("grad", variable):
                cell = f"grad.{variable}"
            case ("nodes", node, place):
                cell = f"{('value', 'grad')[place]}.({formulas[node]})"
            case _:
                pytest.fail(f"an unknown entry {path} of a published case")
        assert agrees(resolve(cell, gradients).value, printed), (cell, printed)
        checked += 1
    assert checked


def test_what_is_left_out() -> None:
    """Every case of the files runs, but for those with lists for values."""
    assert (len(PUBLISHED), len(FEYNMAN)) == (25, 60)
    assert len(CASES) == 85 - len(LEFT_OUT)
    assert all("[" in json.dumps(case["vars"]) for case in PUBLISHED + FEYNMAN if case["id"] in LEFT_OUT)
    assert not any("[" in json.dumps(case["vars"]) for case in CASES.values())
