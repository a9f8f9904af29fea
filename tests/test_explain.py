"""`gradcli explain`: the lecture's lines, read off the numbers that the table shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import gradcli
from gradcli.cli import run
from gradcli.cli.files import from_files
from gradcli.render.explain import Wishes, markdown, sections, solution, text
from gradcli.render.explain_latex import latex
from gradcli.render.figures import Style
from gradcli.report import Report, build
from gradcli.steps import STYLES, Figured, Solution, bare
from gradcli.words import Words

EXAMPLES = Path(__file__).parent.parent / "examples"
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
GIVEN = [f"--{name}={value}" for name, value in AT.items()]


def report(expression: str, **values: object) -> Report:
    return build(gradcli.parse(expression, given=values).forward(values).backward())


def english(expression: str, style: Style | None = None, wishes: Wishes | None = None, **values: object) -> list[str]:
    shown = text(report(expression, **values), style or Style(), Words("en"), wishes or Wishes())
    return [" ".join(line.split()) for line in shown.splitlines()]


def test_the_neuron_is_the_lectures_chain():
    """With two decimals, the gradients that CS231n's slides print: 1.00, -0.53, -0.53, -0.20, 0.20 …"""
    lines = english(NEURON, Style(decimals=2), **AT)
    chain = [line.rpartition(" = ")[2].split()[0] for line in lines if re.match(r"\d+ ∂f/∂(f|n\d)\b", line)]
    assert chain == ["1.00", "-0.53", "-0.53", "-0.20", "0.20", "0.20", "0.20", "0.20"]
    leaves = dict(re.findall(r"∂f/∂([wx]\d) = .* = (\S+)", "\n".join(lines)))
    assert leaves == {"w0": "-0.20", "x0": "0.39", "w1": "-0.39", "x1": "-0.59", "w2": "0.20"}


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("leibniz", "4 ∂f/∂z = ∂f/∂f · ∂f/∂z = 1 · q = 1 · 3 = 3 mul switches: × the other input"),
        ("leibniz", "5 ∂f/∂q = ∂f/∂f · ∂f/∂q = 1 · z = 1 · (-4) = -4"),
        ("cs231n", "5 ∂f/∂q = [∂f/∂q] × [∂f/∂f] = [z] × [1] = [-4] × [1] = -4"),
        ("book", "7 ∂f/∂x = ∂f/∂q · ∂q/∂x = -4 · 1 = -4"),
    ],
)
def test_a_step_goes_from_symbols_to_numbers(style: str, line: str):
    """Rule in symbols, numbers put in, result; in three ways of writing."""
    assert line in english("q=x+y; f=q*z", wishes=Wishes(style), x=-2, y=5, z=-4)


def test_the_book_writes_the_whole_chain():
    """From the output down to the variable, each factor once."""
    lines = english("exp(2*sin(x))", Style(decimals=3), Wishes("book"), x=1)
    assert any(line.startswith("7 ∂f/∂x = ∂f/∂n2 · ∂n2/∂n1 · ∂n1/∂x = 5.381 · 2.000 · 0.540 = 5.815") for line in lines)


def test_fan_out_shows_each_path_and_their_sum():
    """(x+y)(x*y) at 2, 3: 6 through the sum and 15 through the product are 21."""
    lines = english("(x+y)*(x*y)", x=2, y=3)
    assert "through n1: ∂f/∂n1 · ∂n1/∂x = 6 · 1 = 6" in lines
    assert "through n2: ∂f/∂n2 · ∂n2/∂x = 5 · y = 5 · 3 = 15" in lines
    assert "8 ∂f/∂x = 6 + 15 = 21 copy, used 2 times: the paths add up" in lines


def test_a_kink_and_an_input_not_chosen_are_told():
    """max passes nothing to the smaller input; relu'(0) is a convention."""
    assert any(line.endswith("∂f/∂x = 0 max chose another input") for line in english("max(x,y)", x=2, y=3))
    assert any(line.startswith("note:") and "relu'(0)" in line for line in english("relu(x)", x=0))


@pytest.mark.parametrize(
    ("expression", "values", "line"),
    [
        ("sigmoid(x)*relu(y)", {"x": -1, "y": -2}, "∂f/∂y = ∂f/∂n2 · ∂n2/∂y = 0.2689 · step(y) = 0.2689 · step(-2)"),
        ("max(x,y)", {"x": 2, "y": 2}, "4 ∂f/∂x = ∂f/∂f · ∂f/∂x = 1 · 0.5 = 0.5"),
        ("sum(W@x)", {"W": [[1, 2], [3, 4]], "x": [1, 2]}, "4 ∂f/∂n1 = ∂f/∂f * ones(2,) = [1, 1]"),
        ("sum(x/s)", {"x": [-1, 2], "s": -2}, "= [1, 1] * [0.25, -0.50] = -0.25 Σ over all entries"),
        ("x-(-3)", {"x": -3}, "1 f = x-(-3) = (-3)-(-3) = 0"),
        ("x*x", {"x": 3}, "through f #2: ∂f/∂f · ∂f/∂x = 1 · x = 1 · 3 = 3"),
        ("[x,y]@[1,2]", {"x": -2, "y": 1}, "1 n1 = [x,y] = [-2,1]"),
        ("x^-2", {"x": -2}, "1 f = x⁻² = (-2)⁻² = 0.25"),
    ],
)
def test_every_equality_is_true(expression: str, values: dict[str, object], line: str):
    """A dead relu, a tie, sums that broadcast, signs and repeated inputs are written as they are."""
    assert any(line in found for found in english(expression, **values)), english(expression, **values)


@pytest.mark.parametrize("name", ["batch_affine", "two_layers"])
def test_an_output_of_several_entries_is_explained_forward(name: str, capsys: pytest.CaptureFixture[str]):
    """With a note that tells how the backward pass is had; nothing else on standard error."""
    path = EXAMPLES / name
    assert run(["explain", "--file", f"{path}.grad", "--vars", f"{path}.toml"]) == 0
    said = capsys.readouterr()
    assert "Forward" in said.out and "Backward" not in said.out
    assert said.err.startswith("note: ") and said.err.count("\n") == 1


def test_an_upstream_gradient_is_a_losss():
    """∂f/∂f is 1; where another gradient is given, the chain begins with ∂L/∂f."""
    graph = gradcli.parse("x*y")
    shown = text(build(graph.forward(x=2, y=-3).backward(-2)), Style(), Words("en"), Wishes())
    assert "∂L/∂f = -2   the start: the upstream gradient given" in shown
    assert "∂L/∂y = ∂L/∂f · ∂f/∂y = -2 · x = -2 · 2 = -4" in shown


def test_a_long_chain_is_written_in_time():
    """The book's chains begin with a gradient that is known where the output is far; only what is shown is built."""
    source = "\n".join(["a0 = x", *(f"a{k} = a{k - 1}*w+0.1" for k in range(1, 3000))])
    found = report(source, x=0.5, w=0.999)
    assert len(text(found, Style(), Words("en"), Wishes("book"))) < 300_000


def test_it_ends_with_the_meaning():
    """What raising the most influential variable does; of the variables asked for, if some are."""
    assert english(NEURON, **AT)[-1] == "What it means: raise x1 by 0.01 and f falls by about 0.0059."
    last = english(NEURON, wishes=Wishes(names=("w2",)), **AT)[-1]
    assert last == "What it means: raise w2 by 0.01 and f rises by about 0.002."


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.grad")), ids=lambda path: path.stem)
def test_every_number_is_the_tables(path: Path, style: str):
    """Each gradient at the end of a chain is the report's own; every node that one reaches has its step."""
    values = from_files(
        [str(next(path.with_suffix(end) for end in (".toml", ".npz") if path.with_suffix(end).exists()))]
    )
    graph = gradcli.parse(path.read_text(), given=values)
    trace = graph.forward(values)
    gradients = trace.backward(np.ones(trace.shapes[graph.output])) if trace.shapes[graph.output] else trace.backward()
    graph, found = gradients.graph, build(gradients)
    solved = Solution(found, str, found.output, style)
    last = {step.node: step.chain[-1] for step in solved.backward() if step.number}
    for node, term in last.items():
        assert isinstance(term, Figured)
        assert np.array_equal(term.value, gradients.at(node))
    reached = {i for i in found.order if graph.varied[i] and graph.used[i]}
    assert {i for i in reached if not found.untold(graph.names[i])} == set(last)
    assert [step.number for step in (*solved.forward(), *solved.backward()) if step.number] == list(
        range(1, len(solved.forward()) + len(last) + 1)
    )


def test_one_step_alone_and_what_leads_to_a_variable():
    """--step keeps one step with its paths; --for leaves out what does not lead there."""
    assert english("(x+y)*(x*y)", wishes=Wishes(step=8), x=2, y=3)[-1].startswith("8 ∂f/∂x = 6 + 15 = 21")
    assert len(english("(x+y)*(x*y)", wishes=Wishes(step=8), x=2, y=3)) == 6
    lines = english("a = x*y; b = z*w; a+b", wishes=Wishes(names=("x",)), x=1, y=2, z=3, w=4)
    assert any("∂f/∂x" in line for line in lines)
    assert not any("∂f/∂z" in line or "∂f/∂b" in line for line in lines)
    assert solution(report("x*y", x=1, y=2), Style(), Wishes()).last == 4


def test_korean_says_the_same_numbers():
    """The words are Korean, the chains are the same."""
    found = report("q=x+y; f=q*z", x=-2, y=5, z=-4)
    parts = {lang: list(sections(found, Style(), Words(lang), Wishes())) for lang in ("en", "ko")}
    links = {
        lang: [[link.text for link in row.links] for part in found for row in part.rows]
        for lang, found in parts.items()
    }
    assert links["en"] == links["ko"]
    assert "순전파" in parts["ko"][1].heading and "역전파" in parts["ko"][2].heading


def test_markdown_is_inert():
    """A user's text is text, also in Markdown."""
    shown = markdown(report("x*y # <b>bold</b>", x=2, y=3), Style(), Words("en"), Wishes())
    assert "<b>" not in shown and "- **2** `∂f/∂f = 1`" in shown


def test_many_lines_are_cut_in_the_middle():
    """Of a long solution the first and last lines are shown, and how many lie between."""
    lines = english("+".join(f"x*{k}" for k in range(300)), x=1)
    assert len(lines) < 700 and any("lines left out; --full shows all" in line for line in lines)


@pytest.mark.parametrize(
    ("text_", "expected"),
    [("exp((-1))", "exp(-1)"), ("(-4)", "-4"), ("(-2)+5", "(-2)+5"), ("f((-1),(-2))", "f(-1,-2)")],
)
def test_needless_brackets_go(text_: str, expected: str):
    """Negative numbers keep their brackets where an operator stands before them."""
    assert bare(text_) == expected


DOCUMENT = r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}%s\end{document}"


def fragment(expression: str, **values: object) -> str:
    return latex(report(expression, **values), Style(), Words("en"), Wishes())


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (NEURON, AT),
        ("(x+y)*(x*y)", {"x": 2, "y": 3}),
        ("sum((W@x)^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}),
        ("max(a_b,0) # 50% of $x & <y>", {"a_b": -1}),
    ],
)
def test_latex_is_balanced_and_compiles(expression: str, values: dict[str, object], tmp_path: Path):
    """Braces and environments match; where a TeX engine is at hand, the fragment compiles."""
    typed = fragment(expression, **values)
    bare_text = re.sub(r"\\[{}]", "", typed)
    assert bare_text.count("{") == bare_text.count("}")
    assert typed.count(r"\begin{") == typed.count(r"\end{") and typed.count(r"\left") == typed.count(r"\right")
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine is None:
        return
    (tmp_path / "solution.tex").write_text(DOCUMENT % f"\n{typed}\n")
    extra = ["-halt-on-error", "-interaction=nonstopmode"] if engine.endswith("pdflatex") else []
    done = subprocess.run([engine, *extra, "solution.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["x*y", "--x=2", "--y=3", "--step", "9"], 2, "there is no step 9\nhint: they are 1 to 4"),
        (["x*y", "--x=2", "--y=3", "--for", "z"], 2, "no node 'z' in the graph"),
        (["x*y", "--x=2", "--y=3", "--style", "cs231"], 2, "did you mean cs231n?"),
        (["x*y", "--x=2", "--y=3", "--format", "pdf"], 2, "one of: text, markdown, latex"),
        (["x*y", "--x=2", "--y=3", "--lang", "fr"], 2, "one of: en, ko"),
        (["x*y", "--x=2", "--y=3", "--decimals", "2", "--sig", "3"], 2, "contradict"),
        (["log(x)", "--x=-1", "--no-verify"], 3, ""),
        (["[x,x]", "--x=1", "--no-verify"], 0, "the forward pass alone is explained; --upstream weighs its entries"),
    ],
)
def test_bad_input(words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]):
    """What, and what to try; the documented exit status."""
    assert run(["explain", *words]) == status
    assert said in capsys.readouterr().err


def test_the_command_prints_what_is_proved(capsys: pytest.CaptureFixture[str]):
    """The closed forms are sympy's."""
    assert run(["explain", NEURON, *GIVEN, "--decimals", "2"]) == 0
    shown = capsys.readouterr().out
    assert "In closed form" in shown and "∂f/∂x0 = w0·f·(1-f)" in shown
