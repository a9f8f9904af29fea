"""The value and the derivatives in LaTeX: that they compile, and are the derivatives."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from gradcli.cli import run as cli
from gradcli.errors import LimitError, UsageError
from gradcli.export import latex_document
from gradcli.export.latex import Taught, written
from tests.exporting_tensors import EXAMPLES, SAMPLES, by_the_engine, call, example, exported, numbered

TEX = shutil.which("pdflatex")


def lines(code: str) -> list[str]:
    """The equations of a fragment, without the marks between them."""
    body = code.partition(r"\begin{align*}")[2].partition(r"\end{align*}")[0]
    return [line.strip().removesuffix(r"\\").strip() for line in body.strip().splitlines()]


CASES = [
    ("x*y", ["f &= x \\cdot y", r"\frac{\partial f}{\partial x} &= y", r"\frac{\partial f}{\partial y} &= x"]),
    (
        "1/(1+exp(-(w*x+b)))",
        [
            r"n_{2} &= w \cdot x + b",
            r"n_{4} &= e^{-n_{2}}",
            r"f &= \frac{1}{1 + n_{4}}",
            r"\frac{\partial f}{\partial n_{2}} &= \frac{n_{4}}{{\left(1 + n_{4}\right)}^{2}}",
            r"\frac{\partial f}{\partial w} &= x \cdot \frac{\partial f}{\partial n_{2}}",
            r"\frac{\partial f}{\partial x} &= w \cdot \frac{\partial f}{\partial n_{2}}",
            r"\frac{\partial f}{\partial b} &= \frac{\partial f}{\partial n_{2}}",
        ],
    ),
    (
        "s = a*x + b\ny = sigmoid(s)",
        [
            r"s &= a \cdot x + b",
            r"y &= \sigma\left(s\right)",
            r"\frac{\partial y}{\partial s} &= y \cdot \left(1 - y\right)",
            r"\frac{\partial y}{\partial a} &= x \cdot \frac{\partial y}{\partial s}",
            r"\frac{\partial y}{\partial x} &= a \cdot \frac{\partial y}{\partial s}",
            r"\frac{\partial y}{\partial b} &= \frac{\partial y}{\partial s}",
        ],
    ),
    (
        "(x-t)^2/2",
        [
            r"f &= \frac{{\left(x - t\right)}^{2}}{2}",
            r"\frac{\partial f}{\partial x} &= x - t",
            r"\frac{\partial f}{\partial t} &= -\left(x - t\right)",
        ],
    ),
    (
        "g(a) = relu(a)*a\n3*g(x)",
        [
            r"\operatorname{g}\left(a\right) &= \max\left(0, a\right) \cdot a",
            r"f &= 3 \cdot \operatorname{g}\left(x\right)",
            r"\frac{\partial f}{\partial x} &= 3 \cdot \left(\max\left(0, x\right) + H\left(x\right) \cdot x\right)",
        ],
    ),
    ("x", ["f &= x", r"\frac{\partial f}{\partial x} &= 1"]),
    (
        "x*0+floor(y)",
        [
            r"f &= x \cdot 0 + \left\lfloor y\right\rfloor",
            r"\frac{\partial f}{\partial x} &= 0",
            r"\frac{\partial f}{\partial y} &= 0",
        ],
    ),
    (
        "a_b*α2",
        [
            r"f &= \mathrm{a\_b} \cdot \alpha_{2}",
            r"\frac{\partial f}{\partial \mathrm{a\_b}} &= \alpha_{2}",
            r"\frac{\partial f}{\partial \alpha_{2}} &= \mathrm{a\_b}",
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_what_is_written(text, expected):
    """What is shared stands under its name, a gradient that is shared as a derivative; signs and ones are left out."""
    assert lines(written(exported(text))) == expected


SMOOTH = [(op, at) for op, at in SAMPLES if not op.structural and op.kinks is None]


@pytest.mark.parametrize("name", sorted({op.name for op, _ in SMOOTH}))
def test_the_derivatives_are_those_of_the_engine(name):
    """The textbook's rules, run at each row's samples where they keep their digits."""
    for op, at in SMOOTH:
        if op.name != name:
            continue
        one = exported(f"3*{call(op, len(at))}^2" if op.notation is None else f"sin({call(op, len(at))})", numbered(at))
        expected = by_the_engine(one)
        m = Taught(one.graph.inputs)
        _, adjoints = m.both_passes(one.graph)
        for variable, place in one.graph.inputs.items():
            derivative = m.graph(adjoints[place])
            values = {key: value for key, value in one.values.items() if key in derivative.inputs}
            found = derivative.forward(values).value
            size = abs(expected[variable])
            assert found == pytest.approx(expected[variable], rel=1e-6, abs=1e-9 * max(1, size), nan_ok=True), at


@pytest.mark.skipif(TEX is None, reason="pdflatex is not at hand")
def test_every_example_and_every_row_compiles(tmp_path):
    """With amsmath alone; no box is built with an error."""
    fragments = [written(exported(*example(path))) for path in EXAMPLES if path.stem != "two_layer_net"]
    seen = set()
    for op, at in SAMPLES:
        if op.name not in seen:
            seen.add(op.name)
            fragments.append(written(exported(call(op, len(at)), numbered(at))))
    fragments.append(written(exported("x_50*a__b*θ*λ_1*lambda")))
    body = "\n\n".join(fragments)
    text = "\n".join(
        [r"\documentclass{article}", r"\usepackage{amsmath}", r"\begin{document}", body, r"\end{document}"]
    )
    (tmp_path / "all.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(TEX), "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_document_is_whole():
    """--style document is the fragment with what stands around it."""
    one = exported("x*y")
    text = latex_document.written(one)
    assert text.startswith("\\documentclass{article}\n\\usepackage{amsmath}\n")
    assert text.endswith("\\end{document}")
    assert lines(text) == lines(written(one))


def test_tensors_go_gate_by_gate():
    """The rules of the lecture, backward from the output, with the shapes that the values have."""
    found = lines(written(exported("sum((x@W)^2)", {"x": [[1.0, 2.0]], "W": [[1.0], [2.0]]})))
    assert found[0] == r"n_{1} &= x\, W"
    assert r"\frac{\partial f}{\partial x} &= \frac{\partial f}{\partial n_{1}}\, W^{\top}" in found
    assert r"\frac{\partial f}{\partial W} &= x^{\top}\, \frac{\partial f}{\partial n_{1}}" in found
    with pytest.raises(UsageError, match="depends on the shapes"):
        written(exported("sum(x@W)"))


def test_text_of_the_user_does_nothing():
    """A comment ends with its line, and names are escaped."""
    code = written(exported("a = x*2 # \\input{evil} %\na*y_z"))
    assert "evil" not in code
    for line in code.splitlines():
        assert line.startswith("%") or not re.search(r"(?<!\\)[%#$]", line)


def test_what_is_too_long_to_be_read_is_refused():
    """2,000 nodes are typeset at most."""
    with pytest.raises(LimitError, match="more than people read"):
        written(exported("+".join(f"x*{k}" for k in range(2000))))


def test_it_is_a_target(capsys):
    """`gradcli export … --to latex`."""
    assert cli(["export", "x*y", "--to", "latex"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == written(exported("x*y"))
