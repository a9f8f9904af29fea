"""Every example of numbers runs as it stands, is proved, and gives the numbers that its source prints."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from gradcli import Gradients, parse
from gradcli.cells import resolve
from gradcli.cli import run
from tests.printed import agrees
from tests.test_tensor_examples import COMMANDS

FOLDER = Path(__file__).parents[1] / "examples"

Expected = Mapping[str, str | float | Fraction]
"""Cell → what it must be: a text holds the digits that the source prints, a number is exact."""

NEURON: Expected = {
    "value": "0.73",
    "grad.w0": "-0.20",
    "grad.x0": "0.39",
    "grad.w1": "-0.39",
    "grad.x1": "-0.59",
    "grad.w2": "0.20",
    "value.dot": "1.00",
    "grad.dot": "0.20",
}

EXAMPLES: dict[str, Expected] = {
    # CS231n, course notes "Backpropagation, Intuitions"
    "circuit": {"value": -12, "value.q": 3, "grad.x": -4, "grad.y": -4, "grad.z": 3, "grad.q": -4},
    "neuron": NEURON
    | {
        "value.a": "-2.00",
        "value.b": "6.00",
        "value.s": "4.00",
        "value.m": "-1.00",
        "value.ex": "0.37",
        "value.den": "1.37",
        "grad.a": "0.20",
        "grad.b": "0.20",
        "grad.s": "0.20",
        "grad.m": "-0.20",
        "grad.ex": "-0.53",
        "grad.den": "-0.53",
        "grad.f": "1.00",
    },
    "neuron_gate": NEURON,
    "max_gate": {
        "value": -20,
        "value.p": -12,
        "value.m": 2,
        "value.s": -10,
        "grad.x": -8,
        "grad.y": 6,
        "grad.z": 2,
        "grad.w": 0,
        "grad.p": 2,
        "grad.m": 2,
        "grad.s": 2,
    },
    # CS231n, lecture 4 draws the graph without numbers; these are exact fractions
    "hinge": {
        "value": Fraction("2.025"),
        "value.s": -1,
        "value.L_i": 2,
        "value.R": Fraction("0.25"),
        "grad.s": -1,
        "grad.w": Fraction("2.1"),
        "grad.x": Fraction("-0.5"),
        "grad.t": 1,
        "grad.lambda": Fraction("0.25"),
        "down.R.w": Fraction("0.1"),
    },
    # CS231n, lecture 3: the loss of the first picture
    "svm": {
        "value": "2.9",
        "value.car_margin": "2.9",
        "value.frog_margin": "-3.9",
        "grad.car": 1,
        "grad.cat": -1,
        "grad.frog": 0,
    },
    # Sung Kim, "Deep Learning for Everyone", lecture 9-2
    "linear": {"value": -7, "value.g": -10, "grad.w": 5, "grad.x": -2, "grad.b": 1, "grad.g": 1},
    # "Deep Learning from Scratch", chapter 5
    "shopping": {
        "value": 715,
        "value.apple_price": 200,
        "value.orange_price": 450,
        "value.all_price": 650,
        "grad.apple": Fraction("2.2"),
        "grad.apple_num": 110,
        "grad.orange": Fraction("3.3"),
        "grad.orange_num": 165,
        "grad.tax": 650,
        "grad.apple_price": Fraction("1.1"),
        "grad.orange_price": Fraction("1.1"),
        "grad.all_price": Fraction("1.1"),
    },
    # Sung Kim, lecture 9-1, rounds every output to 0 or 1
    "xor": {"value": "1", "value.y1": "0", "value.y2": "0"},
    # Nielsen, "Neural Networks and Deep Learning", chapter 5: the slope of a sigmoid at 0 is 1/4
    "vanishing": {"value": 0.5, "grad.x": 0.25**10, "grad.a9": 0.25, "grad.a1": 0.25**9, "local.a5.n5": 0.25},
    # micrograd, README
    "micrograd": {"value": "24.7041", "grad.a": "138.8338", "grad.b": "645.5773"},
    # Mazur, "A Step by Step Backpropagation Example"
    "mazur": {
        "value.net_h1": "0.3775",
        "value.out_h1": "0.593269992",
        "value.out_h2": "0.596884378",
        "value.net_o1": "1.105905967",
        "value.out_o1": "0.75136507",
        "value.out_o2": "0.772928465",
        "value.E_o1": "0.274811083",
        "value.E_o2": "0.023560026",
        "value": "0.298371109",
        "grad.out_o1": "0.74136507",
        "local.out_o1.net_o1": "0.186815602",
        "grad.net_o1": "0.138498562",
        "grad.w5": "0.082167041",
        "down.(w5*out_h1).out_h1": "0.055399425",
        "down.(w7*out_h1).out_h1": "-0.01904912",  # printed as -0.019049119, of factors already rounded
        "grad.out_h1": "0.036350306",
        "local.out_h1.net_h1": "0.241300709",
        "grad.w1": "0.000438568",
    },
}

MAZUR_AFTER_ONE_STEP = {
    "w1": "0.149780716",
    "w2": "0.19956143",
    "w3": "0.24975114",
    "w4": "0.29950229",
    "w5": "0.35891648",
    "w6": "0.408666186",
    "w7": "0.511301270",
    "w8": "0.561370121",
}
"""The weights after one step at the learning rate 0.5, as Mazur prints them."""

XOR = {(0, 0): ("0", "1", "0"), (0, 1): ("0", "0", "1"), (1, 0): ("0", "0", "1"), (1, 1): ("1", "0", "0")}
"""Inputs → the rounded outputs of y1, y2 and y, as the lecture's table has them."""


def values_of(name: str) -> dict[str, float]:
    """The numbers of an example's file of values; a text in it is a fraction."""
    entries: dict[str, Any] = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return {key: float(Fraction(entry)) for key, entry in entries.items()}


def gradients_of(name: str, **changed: float) -> Gradients:
    """An example at its values, some of them changed."""
    values = values_of(name) | changed
    text = (FOLDER / f"{name}.grad").read_text(encoding="utf-8")
    return parse(text, given=values).forward(values).backward()


@pytest.mark.parametrize("name", EXAMPLES)
def test_numbers_are_the_source_s(name: str) -> None:
    """Every cell that the source prints has its digits, rounded as it rounds."""
    gradients = gradients_of(name)
    wrong = {}
    for cell, expected in EXAMPLES[name].items():
        found = resolve(cell, gradients).value
        right = (
            agrees(found, expected)
            if isinstance(expected, str)
            else found == pytest.approx(float(expected), rel=1e-14, abs=1e-15)
        )
        if not right:
            wrong[cell] = found, expected
    assert not wrong


@pytest.mark.parametrize("name", EXAMPLES)
def test_runs_as_it_stands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`gradcli eval --file … --vars …` ends with 0, and every check has passed."""
    file, values = FOLDER / f"{name}.grad", FOLDER / f"{name}.toml"
    patient = ["--verify-budget", "60"]  # a busy machine may need more than the five seconds of the default
    status = run(["eval", "--file", str(file), "--vars", str(values), "--format", "json", *patient])
    result = capsys.readouterr()
    assert (status, result.err) == (0, "")
    document = json.loads(result.out)
    verification = document["verification"]
    assert [verification[part]["status"] for part in ("sympy", "proof")] == ["passed", "passed"]
    assert (verification["status"], verification["failures"]) == ("passed", [])
    assert document["warnings"] == []
    gradients = gradients_of(name)
    assert (document["value"], document["grad"]) == (gradients.trace.value, dict(gradients.items()))


@pytest.mark.parametrize("inputs", XOR)
def test_xor_at_every_corner(inputs: tuple[int, int]) -> None:
    """The network computes XOR, and its neurons round to the lecture's table."""
    gradients = gradients_of("xor", x1=inputs[0], x2=inputs[1])
    found = [resolve(cell, gradients).value for cell in ("value.y1", "value.y2", "value")]
    assert all(agrees(number, printed) for number, printed in zip(found, XOR[inputs], strict=True)), found


def test_mazur_s_step() -> None:
    """One step down the gradients gives the weights that Mazur prints, and less error."""
    weights, gradients = values_of("mazur"), gradients_of("mazur")
    stepped = {name: weights[name] - 0.5 * gradients[name] for name in MAZUR_AFTER_ONE_STEP}
    assert [name for name in stepped if not agrees(stepped[name], MAZUR_AFTER_ONE_STEP[name])] == []
    # the error he prints next, 0.291027924, has w5 … w8 stepped before they carry gradients further back
    assert gradients_of("mazur", **stepped).trace.value < gradients.trace.value


def test_every_example_is_here() -> None:
    """No file in examples/ goes untested, and each says how to run it."""
    pictures = {path.name for end in ("svg", "png") for path in FOLDER.glob(f"*.{end}")}
    tables = {"points.csv"}  # README's
    files = {path.name for path in FOLDER.iterdir() if path.is_file()} - pictures - tables
    tensors = {path.name for name in COMMANDS for path in FOLDER.glob(f"{name}.*")}
    assert files == {f"{name}.{end}" for name in EXAMPLES for end in ("grad", "toml")} | tensors
    for name in EXAMPLES:
        text = (FOLDER / f"{name}.grad").read_text(encoding="utf-8")
        assert f"gradcli eval --file examples/{name}.grad --vars examples/{name}.toml" in text
