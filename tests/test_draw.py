"""`gradcli draw`: the lecture's picture, every format parsed back, and inert whatever names it holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pygraphviz import AGraph

import gradcli
from gradcli import graphviz
from gradcli.autodiff import Gradients
from gradcli.cli import run
from gradcli.cli.files import from_files
from gradcli.errors import LimitError, width
from gradcli.graph import Builder
from gradcli.ops import TABLE
from gradcli.picture import Picture, build, drawn, levels
from gradcli.placing import place
from gradcli.render.draw import Drawing, drawing
from gradcli.render.draw_tree import pieces
from gradcli.render.figures import Style
from gradcli.report import Report
from gradcli.report import build as reported

EXAMPLES = Path(__file__).parent.parent / "examples"
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
GIVEN = [f"--{name}={value}" for name, value in AT.items()]
SVG = "{http://www.w3.org/2000/svg}"
TWO = Style(decimals=2)


def report(expression: str, **values: object) -> Report:
    return reported(gradcli.parse(expression, given=values).forward(values).backward())


def words(picture: Picture) -> list[str]:
    return [box.text for box in picture.boxes if box.kind == "gate"]


def parsed(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314 - our own


def svg_texts(content: bytes) -> list[str]:
    return [element.text or "" for element in parsed(content).iter(f"{SVG}text")]


def tree(found: Report, style: Style = TWO, *, local: bool = False) -> str:
    return "".join(pieces(found, style, local=local))


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_neurons_gates_are_the_lectures():
    """CS231n's slide has the gates * * + + -x exp +1 1/x, and on the wires green over red."""
    picture = build(report(NEURON, **AT))
    assert words(picture) == ["*", "*", "+", "+", "-x", "exp", "+1", "1/x"]
    wires = {
        (picture.boxes[wire.start].text, picture.boxes[wire.end].text): (round(wire.value, 2), round(wire.gradient, 2))
        for wire in picture.wires
        if wire.value is not None and wire.gradient is not None
    }
    assert wires["w0", "*"] == (2.0, -0.2) and wires["x0", "*"] == (-1.0, 0.39)
    assert wires["-x", "exp"] == (-1.0, -0.2) and wires["exp", "+1"] == (0.37, -0.53)
    assert wires["+1", "1/x"] == (1.37, -0.53) and wires["1/x", "f"] == (0.73, 1.0)


@pytest.mark.parametrize(
    ("expression", "gate"),
    [
        ("x^2", "x^2"),
        ("2^x", "2^x"),
        ("x*2", "*2"),
        ("2*x", "*2"),
        ("x-1", "x-1"),
        ("1-x", "1-x"),
        ("x/2", "x/2"),
        ("x+1e-10", "+1e-10"),
        ("x*0.123456789", "*"),
        ("leaky_relu(x, slope=0.2)", "leaky_relu(slope=0.2)"),
        ("max(0,x)", "max"),
        ("x<3", "x<3"),
        ("f(a)=a*a; f(x)", "f"),
    ],
)
def test_a_number_is_written_into_its_gate(expression: str, gate: str):
    """The lecture's +1 and 1/x; a long number, and one of several inputs, keeps a box of its own."""
    assert words(build(report(expression, x=2)))[-1] == gate


def test_a_fan_out_has_its_parts_on_the_wires_and_their_sum_at_the_box():
    """(x+y)(x*y) at 2, 3: 6 and 15 come back to x, which is 21."""
    picture = build(report("(x+y)*(x*y)", x=2, y=3))
    totals = {box.text: box.total for box in picture.boxes if box.kind == "input"}
    assert totals == {"x": 21, "y": 16}
    assert [wire.gradient for wire in picture.wires if picture.boxes[wire.start].text == "x"] == [6, 15]
    apart = build(report("(x+y)*(x*y)", x=2, y=3), share=False)
    assert [box.text for box in apart.boxes if box.kind == "input"] == ["x", "y", "x", "y"]
    assert len(apart.wires) == len(picture.wires) == 7


def test_a_branch_not_taken_shows_the_zeros_of_the_table():
    """Behind a dead relu each wire has 0 beneath it, and the sums count them; what is compared has nothing."""
    found = report("max(0, a*b) + where(c > 1, b, 2)", a=2.0, b=-3.0, c=0.0)
    picture = build(found)
    back = {(picture.boxes[w.start].text, picture.boxes[w.end].text): w.gradient for w in picture.wires}
    assert (back["a", "*"], back["b", "*"], back["*", "max"]) == (0, 0, 0)
    assert [box.total for box in picture.boxes if box.text == "b"] == [0]
    assert next(back[key] for key in back if key[0] == "c") is None
    ends = {name: after.split() for name, after in re.findall(r"─ ([ac]) +(.*)", tree(found))}
    assert ends == {"a": ["2.00", "0.00"], "c": ["0.00"]}
    tensors = report("sum(max(0, 2*W) - max(0, -3*W - 9) + 0*where(sum(2*W) > 9, sum(3*W), 1))", W=np.ones((2, 2)))
    assert all(w.gradient is not None for w in build(tensors).wires if w.start == 0)


def test_only_what_the_output_needs_is_drawn():
    """An assignment that nothing uses is not in the picture; an output that is an input has one wire."""
    assert len(drawn(report("a=x*y; b=x+y; b", x=1, y=2))) == 3
    picture = build(report("x", x=1))
    assert [box.kind for box in picture.boxes] == ["input", "end"] and picture.wires[0].gradient == 1
    assert build(report("2+3")).wires[-1].gradient is None


def test_the_summary_counts_every_node():
    """Each node is on one level; the ranges are those of the values and gradients."""
    found = report("+".join(f"x{k}*{k}.5" for k in range(200)), **{f"x{k}": k for k in range(200)})
    summed = levels(found, 10)
    assert sum(level.nodes for level in summed) == len(drawn(found)) == 599
    assert sum(dict(level.ops).get("mul", 0) for level in summed) == 200
    assert len(summed) <= 10 and summed[0].values == (0, 199) and summed[0].gradients == (0.5, 199.5)
    assert [level.first for level in summed[1:]] == [level.last + 1 for level in summed[:-1]]


# ── formats, parsed back ────────────────────────────────────────────────────────────────────────────────────


def everything(form: str, found: Report, *, local: bool = False) -> Drawing:
    return drawing(found, form, TWO, local=local)


def test_svg_has_the_lectures_numbers():
    """The chain 1.00 → -0.53 → -0.53 → -0.20 → 0.20 in red beneath 0.73, 1.37, 0.37, -1.00, 1.00 in green."""
    texts = svg_texts(everything("svg", report(NEURON, **AT)).content)
    for number in ("1.00", "-0.53", "-0.20", "0.20", "0.39", "-0.39", "-0.59", "0.73", "1.37", "0.37"):
        assert number in texts
    assert {"w0", "x0", "exp", "+1", "1/x", "f"} <= set(texts)
    locals_ = svg_texts(everything("svg", report(NEURON, **AT), local=True).content)
    assert "= 0.37 × -0.53" in locals_


@pytest.mark.parametrize("form", ["svg", "png", "pdf", "dot", "mermaid", "tikz"])
def test_the_same_input_gives_the_same_bytes(form: str):
    """Two runs are equal, byte for byte."""
    first, second = (everything(form, report("(x+y)*(x*y)", x=2, y=3)).content for _ in range(2))
    assert b"/CreationDate (D:2" not in first
    assert first == second and first


def test_the_kinds_are_what_they_say():
    """A PNG is one, a PDF is one."""
    found = report("x*y", x=2, y=3)
    assert everything("png", found).content.startswith(b"\x89PNG\r\n")
    assert everything("pdf", found).content.startswith(b"%PDF")


def test_a_pdf_does_not_know_where_it_was_made(monkeypatch: pytest.MonkeyPatch):
    """The same bytes in every time zone."""
    made = set()
    for zone in ("Asia/Seoul", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        made.add(everything("pdf", report("x*y", x=2, y=3)).content)
    assert len(made) == 1


def test_fonts_of_the_machine_do_not_matter(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Without any font and with an unwritable home the picture is the same, and nothing is said on standard error."""
    found = report("x*y", x=2, y=3)
    before = everything("png", found).content
    for name in ("FONTCONFIG_PATH", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "/nonexistent")
    assert everything("png", found).content == before
    assert capfd.readouterr() == ("", "")


def test_letters_of_any_script_are_drawn():
    """Names in Korean and in Greek stand in the picture, in the tree and in its columns."""
    found = report("가중치*θ", 가중치=2, θ=3)
    assert {"가중치", "θ"} <= set(svg_texts(everything("svg", found).content))
    ends = {width(line) for line in tree(found).splitlines()[3:]}
    assert len(ends) == 1


def dot_graph(content: bytes) -> AGraph:
    return AGraph(string=content.decode())


def test_dot_is_read_by_graphviz():
    """Boxes and wires are nodes; each wire is a table."""
    graph = dot_graph(everything("dot", report("(x+y)*(x*y)", x=2, y=3)).content)
    assert len(graph.nodes()) == 6 + 7 and len(graph.edges()) == 14
    assert all(graph.get_node(f"w{k}").attr["label"].startswith("<TABLE") for k in range(7))


def test_inputs_stand_in_their_order():
    """Where y/x is not x/y, the upper wire is the first input; where the order does not matter, the layout is free."""
    content = everything("svg", report("y/x-x/y+x*y", x=1, y=2)).content
    heights = {}
    for group in parsed(content).iter(f"{SVG}g"):
        title, texts = group.find(f"{SVG}title"), group.findall(f"{SVG}text")
        if title is not None and title.text and "→" in title.text:
            heights[title.text] = float(texts[0].get("y") or 0)
    assert heights["y → n1"] < heights["x → n1"] and heights["x → n2"] < heights["y → n2"]
    graph = dot_graph(everything("dot", report("y/x-x/y+x*y", x=1, y=2)).content)
    ordered = [node for node in graph.nodes() if node.attr["ordering"] == "in"]
    assert sorted(node.attr["label"] for node in ordered) == ["-", "/", "/"]


MERMAID = re.compile(
    r"""%%[^{}]*|flowchart\ LR|\ \ classDef\ bare\ fill:none,stroke:none|\ \ class\ [b0-9,]+\ bare
    |\ \ [bl]\d+(\(\(LABEL\)\)|\[LABEL\]|\(LABEL\))|\ \ [bl]\d+\ (-->|---)(\|LABEL\|)?\ [bl]\d+""".replace(
        "LABEL", r'"(?:[^"<>`\\{}&]|<br/>)*"'
    ),
    re.VERBOSE,
)


def test_mermaid_is_a_flowchart():
    """Every line is a statement of ours; labels have nothing in them that Mermaid or Markdown acts on."""
    for line in everything("mermaid", report(NEURON, **AT), local=True).content.decode().splitlines():
        assert MERMAID.fullmatch(line), line
    assert '"→ 0.37<br/>← -0.53"' in everything("mermaid", report(NEURON, **AT)).content.decode()


DOCUMENT = "\\documentclass{article}\\usepackage{tikz}\\begin{document}\n%s\n\\end{document}\n"


def balanced(typed: str) -> bool:
    bare = re.sub(r"\\[\\{}%]", "", typed)
    return bare.count("{") == bare.count("}") and typed.count("\\begin{") == typed.count("\\end{")


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (NEURON, AT),
        ("(x_1+θ)*(x_1*θ)", {"x_1": 2, "θ": 3}),
        ("sum((W@x)^2)", {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}),
    ],
)
def test_tikz_compiles(expression: str, values: dict[str, object], tmp_path: Path):
    """Braces match; where a TeX engine with tikz is at hand, the fragment compiles."""
    typed = everything("tikz", report(expression, **values), local=True).content.decode()
    assert balanced(typed)
    engine, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if not engine or not finder or subprocess.run([finder, "tikz.sty"], capture_output=True, check=False).returncode:
        return
    (tmp_path / "net.tex").write_text(DOCUMENT % typed)
    words = [engine, "-halt-on-error", "-interaction=nonstopmode", "net.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_tikz_stays_within_what_tex_can_count():
    """290 gates in a row are wider than TeX's largest length: they are summarised, with a note."""
    made = everything("tikz", report("sin(" * 290 + "x" + ")" * 290, x=1))
    assert made.notes == (
        "the picture would be larger than 5.5 m, and TeX counts no further: it is summarised by level",
    )
    assert b"290 sin" not in made.content and b"sin" in made.content


def test_places_are_apart():
    """No two items of TikZ's layout overlap, in a tree and in a graph with sharing."""
    for expression in (NEURON, "a=w0*x0; b=a*x1+w1; a*b+exp(a-b)*w2"):
        given = gradcli.parse(expression).inputs
        picture = build(report(expression, **{name: AT[name] for name in given}))
        sizes = [(1.0, 0.8)] * (len(picture.boxes) + len(picture.wires))
        spots = place(picture, sizes, (0.2, 0.1))
        for k, one in enumerate(spots):
            for other in spots[:k]:
                assert abs(one.x - other.x) >= 1 - 1e-9 or abs(one.y - other.y) >= 0.8 - 1e-9
        for k, wire in enumerate(picture.wires):
            at = spots[len(picture.boxes) + k].x
            assert spots[wire.start].x < at < spots[wire.end].x


# ── examples ────────────────────────────────────────────────────────────────────────────────────────────────


def example(path: Path) -> Gradients:
    values = from_files([str(path.with_suffix(".npz" if path.stem == "two_layer_net" else ".toml"))])
    graph = gradcli.parse(path.read_text(), given=values)
    trace = graph.forward({name: value for name, value in values.items() if name in graph.inputs})
    shape = trace.shapes[graph.output]
    return trace.backward(np.ones(shape)) if shape else trace.backward()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.grad")), ids=lambda path: path.stem)
def test_every_example_draws(path: Path):
    """Without a note, in every format that is text; what Graphviz reads has a wire for every edge."""
    found = reported(example(path))
    for form in ("tree", "dot", "mermaid", "tikz"):
        made = everything(form, found, local=True)
        assert not made.notes and made.content
    picture = build(found)
    graph = dot_graph(everything("dot", found).content)
    labelled = sum(wire.value is not None or wire.gradient is not None for wire in picture.wires)
    assert len(graph.nodes()) == len(picture.boxes) + labelled


@pytest.mark.parametrize("stem", ["softmax_loss", "mazur"])
def test_an_example_is_laid_out(stem: str):
    """Tensors and shared nodes, through Graphviz."""
    found = reported(example(EXAMPLES / f"{stem}.grad"))
    made = everything("svg", found)
    assert not made.notes and found.output in svg_texts(made.content)


def test_the_picture_of_readme_is_drawn_as_it_says():
    """examples/neuron.svg is what the command beside it writes."""
    found = report("1/(1+exp(-(w0*x0+w1*x1+w2)))", **AT)
    assert svg_texts(everything("svg", found).content) == svg_texts((EXAMPLES / "neuron.svg").read_bytes())


# ── hostile names ───────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    "<script>alert(1)</script>",
    '"];evil[label="',
    "a\\N\\L->{b}",
    "$\\frac{$ \\input{/etc/passwd} % # & _ ^ ~",
    "\x1b[31mred\x07\u202e",
    "x" * 10_000,
    "`}|{[(" + "#quot;",
    "<IMG SRC='/etc/passwd'/>",
    "\ud800",
    "a\nb\tc",
    "",
]


def hostile(name: str) -> Report:
    builder = Builder()
    x, y = builder.input(name), builder.input("y")
    product = builder.add(TABLE["mul"], (x, y))
    builder.labels[product] = f"{name}!"
    graph = builder.finish(builder.add(TABLE["add"], (product, x)), source=name)
    return reported(graph.forward({name: 2, "y": 3}).backward())


@pytest.mark.parametrize("name", HOSTILE, ids=[ascii(name[:12]) for name in HOSTILE])
def test_any_name_is_inert(name: str, tmp_path: Path):
    """No format acts on a name: each is parsed back and has the elements of any other picture, and no control code."""
    found, harmless = hostile(name), hostile("x")
    graph = dot_graph(everything("dot", found, local=True).content)
    assert sorted(graph.nodes()) == sorted(dot_graph(everything("dot", harmless).content).nodes())
    for line in everything("mermaid", found, local=True).content.decode().split("\n"):
        assert not line or MERMAID.fullmatch(line), line
    typed = everything("tikz", found, local=True).content.decode()
    assert balanced(typed) and "\\input" not in typed and "\\frac" not in typed
    assert max(map(float, re.findall(r"\((-?[0-9.]+),", typed))) < 60
    shown = tree(found, Style(decimals=2, colour=True))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", re.sub(r"\x1b\[[0-9;]*m", "", shown))
    assert "\x1b[31mred" not in shown and len(shown) < 3000


def test_any_name_is_inert_in_svg():
    """No script, link or image, whatever the names are: nothing but shapes, texts and titles."""
    for name in HOSTILE:
        content = everything("svg", hostile(name), local=True).content
        kinds = {element.tag.removeprefix(SVG) for element in parsed(content).iter()}
        assert kinds <= {"svg", "g", "title", "text", "path", "polygon", "ellipse", "polyline"}
        attributes = {key for element in parsed(content).iter() for key in element.attrib}
        assert not any(key.endswith("href") or key.startswith("on") for key in attributes)
        assert len(content) < 20_000


# ── the tree ────────────────────────────────────────────────────────────────────────────────────────────────

CIRCUIT = """\
(x+y)*z
forward value → · ← gradient

f = n1*z     -12.00   1.00
├─ n1 = x+y    3.00  -4.00
│  ├─ x       -2.00  -4.00
│  └─ y        5.00  -4.00
└─ z          -4.00   3.00
"""


def test_the_tree_of_the_circuit():
    """CS231n's first circuit, from the output down."""
    assert tree(report("(x+y)*z", x=-2, y=5, z=-4)) == CIRCUIT


def test_a_shared_node_is_written_once_and_referred_to():
    """q is written out where it comes first, with the sum of its gradients; then ↑ q."""
    shown = tree(report("q=x+y; q*z+q", x=-2, y=5, z=-4)).splitlines()
    assert sum("q = x+y" in line for line in shown) == 1
    assert re.search(r"q = x\+y +3.00 +-4.00 +Σ -3.00", "\n".join(shown))
    assert re.search(r"└─ ↑ q +3.00 +1.00", "\n".join(shown))


def numbers(shown: str) -> Iterator[str]:
    yield from re.findall(r"-?\d+\.\d\d\b", shown)


@pytest.mark.parametrize("columns", [12, 20, 30, 40, 60, 80, 120])
@pytest.mark.parametrize("expression", [NEURON, "exp(" * 30 + "-w0" + ")" * 30 + "*x1"])
def test_the_tree_fits_any_width_and_cuts_no_number(expression: str, columns: int):
    """Every node's value is there whole; lines stay within the width where that is not less than a number needs."""
    given = {name: AT[name] / 10 for name in gradcli.parse(expression).inputs}
    found = report(expression, **given)
    shown = tree(found, Style(decimals=2, width=columns))
    wanted = set(numbers(tree(found)))
    assert wanted <= set(numbers(shown))
    if columns >= 30:
        assert max(map(width, shown.splitlines())) <= columns


def test_the_tree_in_ascii_has_the_same_numbers():
    """An encoding without lines and arrows gets a tree all the same."""
    found = report("q=x+y; q*z+q", x=-2, y=5, z=-4)
    shown = tree(found, Style(decimals=2, ascii=True))
    assert shown.isascii() and "`- ^ q" in shown and "|- n1 = q*z" in shown and "<- gradient" in shown
    assert list(numbers(shown)) == list(numbers(tree(found)))


def test_colour_changes_no_character():
    """Painted or not, the characters are the same."""
    found = report(NEURON, **AT)
    assert re.sub(r"\x1b\[[0-9;]*m", "", tree(found, Style(decimals=2, colour=True))) == tree(found)


def test_tensors_have_lines_of_their_own():
    """Value and gradient of a tensor stand under its name."""
    shown = tree(report("sum((W@x)^2)", W=[[1, 2], [3, 4]], x=[5, 6])).splitlines()
    at = shown.index("      ├─ W  (2,2)")
    assert shown[at + 1 : at + 3] == ["      │  → [[1, 2], [3, 4]]", "      │  ← [[170, 204], [390, 468]]"]


def test_a_deep_graph_is_cut_with_a_count():
    """20,000 levels: two hundred lines, and how many nodes are not among them; no recursion."""
    found = report("sin(" * 20_000 + "x" + ")" * 20_000, x=1)
    shown = tree(found).splitlines()
    assert shown[-1] == "… 19,805 more nodes (--full shows all)"
    assert len(shown) < 220
    whole = tree(report("sin(" * 300 + "x" + ")" * 300, x=1), Style(full=True))
    assert set(re.findall(r"(\w+) = sin", whole)) == {"f", *(f"n{k}" for k in range(1, 300))}


# ── large, slow, missing ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["tree", "dot", "mermaid", "tikz", "svg"])
def test_a_large_graph_is_summarised_and_says_so(form: str):
    """400 terms are drawn level by level; --full draws each."""
    found = report("+".join(f"x*{k}.5" for k in range(400)), x=2)
    made = everything(form, found)
    said = made.content.decode() if form == "tree" else "\n".join(made.notes)
    assert "800 nodes are too many to look at; --full draws each" in said
    assert "400 mul" in made.content.decode()
    assert made.notes
    if form in ("dot", "mermaid"):
        whole = drawing(found, form, TWO._replace(full=True))
        assert not whole.notes and len(whole.content) > 10 * len(made.content)


@pytest.mark.parametrize("form", ["tree", "dot", "mermaid", "tikz", "html"])
def test_a_tangle_is_summarised_and_says_so(form: str):
    """60 gates with an edge from each to each later one are no picture, though they are few."""
    named = ["x", *(f"a{k}" for k in range(60))]
    found = report("\n".join(f"a{k} = max({','.join(named[: k + 1])},0)" for k in range(60)), x=2)
    made = everything(form, found)
    assert any("1,890 edges between 61 nodes are too many" in note for note in made.notes)
    assert len(made.content) < (300_000 if form == "html" else 10_000)


@pytest.mark.parametrize("form", ["tree", "tikz", "html"])
def test_not_even_full_draws_everything(form: str):
    """Beyond 20,000 nodes --full is summarised too, at once, and says so."""
    graph = gradcli.parse("+".join(["x"] * 20_002), given=["x"])
    made = drawing(reported(graph.forward({"x": 1}).backward()), form, TWO._replace(full=True))
    assert [note for note in made.notes if "20,002 nodes are too many to be laid out" in note]
    assert len(made.content) < 1_000_000


def test_what_takes_too_long_falls_back(monkeypatch: pytest.MonkeyPatch):
    """Shared inputs first, then one box a use, then the summary; each step is said."""
    asked: list[str] = []

    def slow(text: str, form: str, titles: object = None, *, wall: float = 0) -> bytes:
        asked.append(text)
        assert 1 < wall <= graphviz.WALL
        if len(asked) < 3:
            raise LimitError("the layout took longer than 3 s")
        return b"<svg/>"

    monkeypatch.setattr(graphviz, "picture", slow)
    made = everything("svg", report("(x+y)*(x*y)", x=2, y=3))
    assert len(asked) == 3 and "levels" not in asked[0] and "level 0" in asked[2]
    assert made.notes == ("the layout took longer than 3 s: it is summarised by level",)


def test_a_layout_that_takes_too_long_is_ended():
    """The child ends when it has worked long enough, and is killed when it took long on the clock."""
    found = report("+".join("xyz"[k % 3] for k in range(280)), x=1, y=2, z=3)
    text = everything("dot", found).content.decode()
    for limit in ({"seconds": 0.05}, {"wall": 0.05}):
        with pytest.raises(LimitError, match=r"longer than 0\.05 s"):
            graphviz.picture(text, "svg", **limit)


def test_without_graphviz_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """Exit 2; text formats need nothing."""
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert run(["draw", NEURON, *GIVEN, "-o", str(tmp_path / "n.svg")]) == 2
    assert capsys.readouterr().err.splitlines() == [
        'error: a picture is laid out by Graphviz, which is not installed: pip install "gradcli[draw]"'
    ]
    assert run(["draw", NEURON, *GIVEN, "-o", str(tmp_path / "n.dot")]) == 0


def test_a_dot_on_the_path_does_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Without pygraphviz the system's Graphviz is started; here one that hands back what it was called with."""
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\nprint('<svg ' + ' '.join(sys.argv[1:]))\n")
    program.chmod(0o755)
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert b"-Tsvg" in everything("svg", report("x*y", x=2, y=3)).content
    assert b"-Tpng -Gdpi=144" in everything("png", report("x*y", x=2, y=3)).content


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot", "gv", "mmd", "tex", "txt"])
def test_the_ending_says_what_is_written(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The file is there, and nothing is printed."""
    path = tmp_path / f"net.{ending}"
    assert run(["draw", "(x+y)*z", "--x=-2", "--y=5", "--z=-4", "-o", str(path)]) == 0
    assert path.stat().st_size > 100 and capsys.readouterr() == ("", "")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_it_prints_a_tree_or_what_is_asked_for(capsys: pytest.CaptureFixture[str]):
    """The tree without -o; text of other formats on standard output, in two spellings."""
    words = ["draw", "(x+y)*z", "--x=-2", "--y=5", "--z=-4"]
    assert run(words) == 0
    assert capsys.readouterr().out == CIRCUIT
    assert run([*words, "--format", "dot"]) == 0
    printed = capsys.readouterr().out
    assert run([*words, "-o", "-", "--format", "dot"]) == 0
    assert capsys.readouterr().out == printed and len(dot_graph(printed.encode()).nodes()) == 11
    assert run([*words, "--decimals", "0"]) == 0
    assert "f = n1*z     -12   1" in capsys.readouterr().out


def test_gates_of_other_sizes(capsys: pytest.CaptureFixture[str]):
    """--gates fused draws the sigmoid as one gate, as the lecture does next."""
    assert run(["draw", NEURON, *GIVEN, "--gates", "fused"]) == 0
    assert "f = sigmoid(n4)" in capsys.readouterr().out


def test_several_outputs_are_drawn_forward(capsys: pytest.CaptureFixture[str]):
    """Without an upstream gradient there is no backward pass, and a note says how to have one."""
    assert run(["draw", "[x,2*x]", "--x=1"]) == 0
    printed = capsys.readouterr()
    assert "→ [1, 2]" in printed.out and "←" not in printed.out
    assert "the output has the shape (2,): the forward pass alone is drawn; --upstream" in printed.err
    assert run(["draw", "[x,2*x]", "--x=1", "--upstream=[1,1]"]) == 0
    assert "← [1, 1]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-o", "net.jpg"], 2, "hint: its name ends in .svg, .png, .pdf, .dot, .gv, .mmd, .mermaid, .tex, .html, .txt"),
        (["-o", "net"], 2, "the kind of file is not known: 'net'"),
        (["-o", f"{__file__}/net.dot"], 4, f"error: {__file__}"),
        (["-o", __file__, "--format", "svg"], 4, "the file exists\nhint: --force writes over what is there"),
        (["--format", "png"], 2, "png is no text to be printed\nhint: write a file: -o net.png"),
        (["--format", "sgv"], 2, "did you mean svg?"),
        (["--force"], 2, "--force is about a file"),
        (["--gates", "fin"], 2, "did you mean fine?"),
        (["--decimals", "2", "--sig", "3"], 2, "contradict"),
    ],
)
def test_bad_input(words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]):
    """What, and what to try; the documented exit status."""
    assert run(["draw", "x*y", "--x=2", "--y=3", *words]) == status
    assert said in capsys.readouterr().err


def test_a_place_that_takes_no_file_is_named_before_anything_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """A folder that is missing is not made, and one that is there is not written over: exit 4."""
    monkeypatch.setattr(graphviz, "picture", lambda *_, **__: pytest.fail("it was laid out"))
    (tmp_path / "d.svg").mkdir()
    for target, said in (("none/sub/a.svg", "sub: there is no such folder"), ("d.svg", "d.svg: a folder")):
        for more in ([], ["--force"]):
            assert run(["draw", "x+1", "--x=1", "-o", str(tmp_path / target), *more]) == 4
            assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["d.svg"]


def test_what_is_undefined_is_drawn_and_said(capsys: pytest.CaptureFixture[str]):
    """log(-1): the tree shows the nan, standard error says where it comes from, and the exit status is 3."""
    assert run(["draw", "log(x)*y", "--x=-1", "--y=2"]) == 3
    printed = capsys.readouterr()
    assert "nan" in printed.out and printed.err.startswith("error: ")
