"""Formats: what is printed can be read back, number by number, and nothing that a user wrote ever acts."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from io import StringIO
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

import gradcli
from gradcli.cells import list_cells, resolve
from gradcli.errors import Status, UsageError
from gradcli.graph import Builder
from gradcli.ops import TABLE
from gradcli.reference import entry
from gradcli.render import FORMATS, html, pieces, render
from gradcli.render.figures import Style
from gradcli.render.ops import page
from gradcli.render.rows import Rules
from gradcli.report import Report, build
from gradcli.syntax import parse
from gradcli.verify.verdicts import DifferencesVerdict, ProofVerdict, SympyVerdict, Verification

STYLE = Style()
GOLDEN = Path(__file__).parent / "golden" / "formats"
SCHEMA = json.loads((Path(gradcli.__file__).parent / "schemas" / "eval-1.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def report(text: str, wrt: list[str] | None = None, warnings: tuple[str, ...] = (), **values: float) -> Report:
    """The report of an expression at a point."""
    gradients = parse(text, given=values).forward(values).backward()
    return build(gradients, wrt=wrt, warnings=warnings)


NEURON_AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
NEURON = report("1/(1+exp(-(w0*x0+w1*x1+w2)))", **NEURON_AT)
LECTURE = report("q = x+y; f = q*z", x=-2, y=5, z=-4)

CHECKED = NEURON.with_verification(
    Verification(
        proof=ProofVerdict("passed", nodes=13, edges=12, digits=15),
        sympy=SympyVerdict(
            "passed",
            max_rel_error=2.5e-17,
            derivatives={
                "w0": "x0*f*(1-f)",
                "x0": "w0*f*(1-f)",
                "w1": "x1*f*(1-f)",
                "x1": "w1*f*(1-f)",
                "w2": "f*(1-f)",
            },
            checked=5,
        ),
    )
)
DOUBTED = LECTURE.with_verification(
    Verification(
        proof=ProofVerdict("partial", nodes=4, edges=3, unproved=("f: <b>too wide</b> | `x`",), lost={"grad.x": 3}),
        sympy=SympyVerdict("failed", max_rel_error=float("inf"), checked=2, failures=("∂f/∂x: $ne$\x1b[31m",)),
        differences=DifferencesVerdict("passed", errors={"x": 1e-11, "y": float("nan")}, band="fine"),
    )
)

REPORTS: dict[str, Report] = {
    "neuron": NEURON,
    "neuron checked": CHECKED,
    "lecture": LECTURE,
    "lecture doubted": DOUBTED,
    "fan-out": report("(x+y)*(x*y) + x*x", x=2, y=3),
    "one input": report("x", x=0.1),
    "no input": report("2*3 + pi"),
    "tie": report("max(x,y)", x=2, y=2),
    "branch": report("where(x > 0, sqrt(x), y)*(1 < 2)", x=0, y=3),
    "branch beside inf": report("sqrt(where(x > 0, y, x))", x=0, y=2),
    "overflow": report("1/(1+exp(-x))", x=-1000),
    "outside": report("log(x)*y", x=-1, y=float("inf")),
    "unused": report("a = x*y; c = 2*3; b = x^2; b + 1", x=3, y=4),
    "asked for": report("q = x+y; f = q*z", wrt=["z", "q"], x=-2, y=5, z=-4),
    "gate": report("g(a, b) = a*b + 1; g(x, g(y, 2))", x=2, y=3),
    "greek": report("σ_1*θ² + λ", σ_1=0.5, θ=-2, λ=1e-300),
    "comment": report(
        "x * # <script>alert(1)</script>\n  # $(touch x) `y` | \\x" if False else "(x # <b>|`$\n*y)", x=2, y=3
    ),
    "warned": report("x-x", warnings=("digits <lost> | in `x`",), x=1e-8),
    "tiny": report("x*y", x=5e-324, y=1.7976931348623157e308),
    "wide": report("+".join(f"x{i}*{i}.5" for i in range(120)), **{f"x{i}": i / 7 for i in range(120)}),
    "fan of 30": report("+".join(["x*x"] * 15), x=3),
}

everyone = pytest.mark.parametrize("shown", REPORTS.values(), ids=REPORTS.keys())


def same(text: str, value: float) -> bool:
    """Whether a text is this very double, nan included; 0 has no sign here."""
    return float(text) == value or (isnan(float(text)) and isnan(value))


# ── plain ───────────────────────────────────────────────────────────────────────────────────────────────────


@everyone
def test_plain_reads_back_as_the_engines_numbers(shown: Report) -> None:
    """Each line is a cell, a TAB and the shortest text of its double, which the cell resolves to."""
    lines = [line.split("\t") for line in render(shown, "plain", STYLE).split("\n")]
    assert [address for address, _ in lines] == [cell.address for cell in list_cells(shown.source, shown.wrt)]
    for address, number in lines:
        value = resolve(address, shown.source).value
        assert same(number, value)
        assert len(number) <= len(repr(value))
        assert not number.endswith(".0")


HAND = {  # CS231n, Optimization 2, with f = σ(1): every number by hand from e alone
    "value": 0.7310585786300049,
    "value.n1": -2,
    "value.n2": 6,
    "value.n3": 4,
    "value.n4": 1,
    "value.n5": -1,
    "value.n6": 0.36787944117144233,
    "value.n7": 1.3678794411714423,
    "grad.w0": -0.19661193324148185,
    "grad.x0": 0.3932238664829637,
    "grad.w1": -0.3932238664829637,
    "grad.x1": -0.5898357997244456,
    "grad.w2": 0.19661193324148185,
    "grad.n6": -0.534446645388523,
    "local.f.n7": -0.534446645388523,
    "local.n6.n5": 0.36787944117144233,
    "local.n1.w0": -1,
    "local.n1.x0": 2,
    "down.n1.x0": 0.3932238664829637,
    "down.n6.n5": -0.19661193324148185,
}


def test_plain_holds_the_lectures_numbers() -> None:
    """The neuron of CS231n, from the published case and by hand."""
    known = dict(line.split("\t") for line in render(NEURON, "plain", STYLE).split("\n"))
    for address, value in HAND.items():
        assert float(known[address]) == pytest.approx(value, rel=1e-14), address
    assert known["value.n1"] == "-2"


# ── json ────────────────────────────────────────────────────────────────────────────────────────────────────


def strict(text: str) -> Any:
    """JSON as RFC 8259 has it: no NaN, no key twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def never(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=never, object_pairs_hook=once)


def decoded(value: Any) -> float:
    """A number of the document."""
    return float(value)  # "NaN", "Infinity" and "-Infinity" are what float() calls them


@everyone
def test_json_follows_its_schema_and_holds_the_engines_numbers(shown: Report) -> None:
    """Strict JSON that the shipped schema accepts; every number is the engine's double."""
    text = render(shown, "json", STYLE)
    assert text.isascii()
    document = strict(text)
    VALIDATOR.validate(document)
    source, graph = shown.source, shown.graph
    assert same(str(decoded(document["value"])), shown.value)
    assert list(document["grad"]) == list(graph.inputs if shown.wrt is None else shown.wrt)
    for name, gradient in document["grad"].items():
        assert same(str(decoded(gradient)), source[name])
    assert len(document["nodes"]) == len(graph)
    for i, node in enumerate(document["nodes"]):
        assert (node["id"], node["name"], node["op"]) == (i, graph.names[i], graph.ops[i].name)
        assert node["inputs"] == list(graph.parents[i])
        assert len(node["local"]) == len(node["downstream"]) == len(node["rule"]) == len(node["inputs"])
        assert same(str(decoded(node["value"])), source.trace.values[i])
        unasked = [] if shown.wrt is None else [at for name, at in graph.inputs.items() if name not in shown.wrt]
        flows = [source.active(i, k) and p not in unasked for k, p in enumerate(node["inputs"])]
        for column in ("rule", "local", "downstream"):
            assert [item is not None for item in node[column]] == flows


@pytest.mark.parametrize(
    "name", ["neuron", "lecture", "fan-out", "tie", "gate", "greek", "unused", "wide", "fan of 30"]
)
def test_jsons_downstream_gradients_add_up(name: str) -> None:
    """downstream is local × the node's grad, and what arrives at an input adds up to its grad."""
    document = strict(render(REPORTS[name], "json", STYLE))
    arrived: dict[int, float] = {}
    for node in document["nodes"]:
        for parent, local, down in zip(node["inputs"], node["local"], node["downstream"], strict=True):
            if local is not None:
                assert down == pytest.approx(local * node["grad"], rel=1e-15)
                arrived[parent] = arrived.get(parent, 0.0) + down
    for i, total in arrived.items():
        assert document["nodes"][i]["grad"] == pytest.approx(total, rel=1e-13)
    for name_, gradient in document["grad"].items():
        assert gradient == next(node["grad"] for node in document["nodes"] if node["name"] == name_)


def test_json_of_the_lectures_circuit() -> None:
    """q = 3, f = -12 and the gradients -4, -4, 3, and -4 for q, as the lecture draws them."""
    document = strict(render(LECTURE, "json", STYLE))
    assert document["schema"] == "gradcli.eval/1"
    assert (document["value"], document["grad"]) == (-12, {"x": -4, "y": -4, "z": 3})
    q = document["nodes"][2]
    assert (q["name"], q["expression"], q["formula"], q["gate"]) == ("q", "x+y", "x+y", "distributor")
    assert (q["value"], q["grad"], q["local"], q["downstream"], q["rule"]) == (
        3,
        -4,
        [1, 1],
        [-4, -4],
        ["1", "1"],
    )
    f = document["nodes"][4]
    assert (f["expression"], f["formula"], f["local"], f["rule"]) == ("q*z", "q*z", [-4, 3], ["z", "q"])
    assert document["ranking"][0] == {"name": "x", "grad": -4}
    assert document["needed"] == [3, 2]
    assert document["trouble"] is None


def test_json_says_what_is_not_a_number() -> None:
    """Non-finite numbers are strings as in proto3 JSON, and the first node that went wrong is named."""
    document = strict(render(report("exp(x)*0 + log(y)", x=1000, y=0), "json", STYLE))
    assert [node["value"] for node in document["nodes"] if node["op"] == "exp"] == ["Infinity"]
    assert [node["value"] for node in document["nodes"] if node["op"] == "log"] == ["-Infinity"]
    assert document["value"] == "NaN"
    assert document["trouble"]["name"] == "n1"
    assert "exp(x)" in document["trouble"]["cause"]


def test_json_tells_the_verdicts() -> None:
    """The verdicts with their status, digits, errors and closed forms; differences only when asked for."""
    verdicts = strict(render(CHECKED, "json", STYLE))["verification"]
    assert verdicts["status"] == "passed"
    assert verdicts["sympy"]["max_rel_error"] == 2.5e-17
    assert verdicts["sympy"]["derivatives"]["w2"] == "f*(1-f)"
    assert (verdicts["proof"]["digits"], verdicts["proof"]["nodes"], verdicts["proof"]["edges"]) == (
        15,
        13,
        12,
    )
    assert "differences" not in verdicts
    doubted = strict(render(DOUBTED, "json", STYLE))["verification"]
    assert doubted["status"] == "failed"
    assert doubted["failures"] == ["∂f/∂x: $ne$\x1b[31m"]
    assert doubted["sympy"]["max_rel_error"] == "Infinity"
    assert doubted["proof"]["lost"] == {"grad.x": 3}
    assert doubted["differences"]["errors"] == {"x": 1e-11, "y": "NaN"}
    unasked = strict(render(NEURON, "json", STYLE))["verification"]
    assert (unasked["status"], unasked["sympy"]["status"], unasked["proof"]["status"]) == ("skipped",) * 3


def test_the_schema_refuses_what_is_not_the_contract() -> None:
    """The schema is itself valid, and catches a missing key, a bare NaN's string and a wrong status."""
    Draft202012Validator.check_schema(SCHEMA)
    for path, wrong in [
        (("value",), "nan"),
        (("schema",), "gradcli.eval/2"),
        (("verification", "status"), "ok"),
        (("nodes", 2, "local"), ["1"]),
        (("nodes", 2, "inputs"), [-1]),
        (("grad", "x"), None),
    ]:
        document = strict(render(LECTURE, "json", STYLE))
        place = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = wrong
        assert not VALIDATOR.is_valid(document), path
    for key in SCHEMA["required"]:
        document = strict(render(LECTURE, "json", STYLE))
        del document[key]
        assert not VALIDATOR.is_valid(document), key


@pytest.mark.parametrize("form", ["json", "csv", "plain"])
def test_machine_formats_grow_with_the_graph_not_with_its_square(form: str) -> None:
    """Twice the nodes give about twice the text, though each node of a sum spans all before it."""

    def size(terms: int) -> int:
        return len(render(report("+".join(["x*y"] * terms), x=1.5, y=2), form, STYLE))

    assert size(4000) < 2.3 * size(2000)


@pytest.mark.parametrize("form", ["json", "csv", "plain", "shell", "markdown", "latex"])
def test_depth_is_no_danger_to_a_format(form: str) -> None:
    """A chain of 20 000 nodes is written without recursion."""
    deep = report("-" * 20_000 + "x", x=2)
    assert len(render(deep, form, STYLE)) > 5


@everyone
def test_pieces_are_the_whole(shown: Report) -> None:
    """The pieces that are streamed make up the text."""
    for form in ("plain", "json", "csv", "markdown"):
        assert "".join(pieces(shown, form, STYLE)).rstrip("\n") == render(shown, form, STYLE).rstrip("\n")


def test_rules_from_a_template_are_the_rules_themselves() -> None:
    """A rule worked out for one edge and renamed for the next is what notation gives for that edge."""
    from gradcli import notation
    from gradcli.autodiff import Edge

    text = "a*b + c*d + a*a + b*b + exp(a)/exp(b) + 2^c + 3^c + c^2 + d^2 + d^3"
    text += " + atan2(a,b) + atan2(b,a) + max(a,b,a)"
    graph = parse(text + " + max(c,d,c) + max(a,b,c) + n1*sigmoid(pi*a) + sigmoid(e*b) + tanh(c) + tanh(d)", given="e")
    rules = Rules(graph)
    gradients = graph.forward({**dict.fromkeys(graph.inputs, 2.0)}).backward()
    for child, parents in enumerate(graph.parents):
        for k in range(len(parents)):
            edge = Edge(gradients, child, k)
            if graph.ops[child].partial(k) is not None and edge.chosen:
                assert rules(edge) == notation.rule(graph, child, k)


def test_paths_and_ranks_are_data_too() -> None:
    """JSON holds --paths and --rank nodes when asked for; (x+y)*(x*y) at 2, 3 has the products 15 and 6."""
    shown = report("(x+y)*(x*y)", x=2, y=3)
    document = strict(render(shown, "json", Style(paths=("x",), rank_nodes=True)))
    VALIDATOR.validate(document)
    found = document["paths"]["x"]
    assert (found["total"], found["grad"]) == (2, 21)
    assert [(path["product"], path["local"], path["count"]) for path in found["paths"]] == [
        (15, [3, 5], 1),
        (6, [1, 6], 1),
    ]
    names = [[document["nodes"][i]["name"] for i in path["nodes"]] for path in found["paths"]]
    assert names == [["x", "n2", "f"], ["x", "n1", "f"]]
    assert [(row["name"], row["grad"]) for row in document["node_ranking"]][:2] == [("x", 21), ("y", 16)]
    assert {"paths", "node_ranking"}.isdisjoint(strict(render(shown, "json", STYLE)))


def test_what_was_not_asked_for_is_not_there() -> None:
    """With --wrt y neither a gradient of x nor the edges that leave it are told, in any machine format."""
    shown = build(parse("x*y").forward(x=3, y=2).backward(), wrt=["y"])
    lines = render(shown, "plain", STYLE).splitlines()
    assert [line.split("\t")[0] for line in lines] == ["value", "grad.y", "local.f.y", "down.f.y"]
    assert strict(render(shown, "json", STYLE))["nodes"][2]["local"] == [None, 3]
    assert "x,x,3,,,,,,,\n" in render(shown, "csv", STYLE)


def test_an_edge_that_is_not_chosen_has_no_rule() -> None:
    """where(x > 0, x, -x) at 2: the rule -1 of the branch not taken would contradict its local gradient 0."""
    shown = report("where(x>0,x,-x)+hinge(x,y)", x=2, y=1)
    place = shown.graph.position("n4")
    assert shown.graph.ops[place].name == "hinge"
    assert strict(render(shown, "json", STYLE))["nodes"][place]["rule"] == ["0", "0"]
    lines = [line for line in csv.DictReader(StringIO(render(shown, "csv", STYLE))) if line["child"] == "n4"]
    assert [(line["rule"], line["local"]) for line in lines] == [("0", "0"), ("0", "0")]
    for form in ("markdown", "latex"):
        assert "not chosen" in render(shown, form, STYLE)
    assert "not chosen" in html.render(shown, STYLE)


# ── csv ─────────────────────────────────────────────────────────────────────────────────────────────────────


@everyone
def test_csv_has_a_line_an_edge_and_every_node(shown: Report) -> None:
    """The lines read back with the same numbers, and a node's downstream cells add up to its grad."""
    lines = list(csv.DictReader(StringIO(render(shown, "csv", STYLE), newline=""), strict=True))
    names = {name.lstrip("'"): i for i, name in enumerate(shown.graph.names) if i in shown.order}
    assert {line["node"].lstrip("'") for line in lines} == set(names)
    arrived: dict[str, float] = {}
    for line in lines:
        assert None not in line and None not in line.values()
        assert same(line["value"], shown.source.trace.values[names[line["node"]]])
        if line["child"]:
            assert {line["local"], line["upstream"], line["downstream"]}.isdisjoint({""})
            arrived[line["node"]] = arrived.get(line["node"], 0.0) + float(line["downstream"])
        if line["grad"]:
            assert same(line["grad"], shown.source[line["node"]])
    for node, total in arrived.items():
        gradient = shown.source[node]
        if isfinite(gradient):
            assert total == pytest.approx(gradient, rel=1e-13)


def test_csv_guards_text_and_never_numbers() -> None:
    """What a spreadsheet would run as a formula begins with '; a negative number stays a number."""
    lines = list(csv.reader(StringIO(render(NEURON, "csv", STYLE))))
    assert lines[10][:6] == ["n5", "'-(w0*x0+w1*x1+w2)", "-1", "n6", "exp", "n6"]
    cells = [cell for line in lines for cell in line]
    assert "-2" in cells
    for cell in cells:
        if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
            float(cell)
    lines = list(csv.DictReader(StringIO(render(report("-x-1e-5", x=2), "csv", STYLE))))
    assert (lines[0]["expression"], lines[0]["rule"]) == ("x", "-1")


# ── shell ───────────────────────────────────────────────────────────────────────────────────────────────────


def evaluated(script: str, names: list[str]) -> list[str]:
    """What `sh` holds in variables after it has evaluated the text."""
    asked = "; ".join(f'printf "%s\\n" "${name}"' for name in names)
    done = subprocess.run(
        ["/bin/sh", "-euc", f'eval "$1"; {asked}', "sh", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "greek"])
def test_a_shell_evaluates_shell(name: str) -> None:
    """After eval, $value and $grad_x hold the engine's doubles."""
    shown = REPORTS[name]
    wanted = {"value": shown.value} | {f"grad_{name}": gradient for name, gradient in shown.gradients.items()}
    held = evaluated(render(shown, "shell", STYLE), list(wanted))
    for text, value in zip(held, wanted.values(), strict=True):
        assert same(text, value)


def test_shell_holds_the_nodes_that_the_user_named() -> None:
    """Beside the gradients asked for, each named node's value and gradient; 3 and -4 for the lecture's q."""
    assert render(LECTURE, "shell", STYLE).split("\n") == [
        *("value=-12", "grad_x=-4", "grad_y=-4", "grad_z=3"),
        *("value_q=3", "grad_q=-4"),
    ]


@pytest.mark.parametrize(("text", "name"), [("θ*2", "θ"), ("é = x+1; é*é", "é"), ("x*σ_1", "σ_1")])
def test_shell_refuses_names_that_a_shell_cannot_hold(text: str, name: str) -> None:
    """Exit status 2, with advice."""
    values = dict.fromkeys(parse(text).inputs, 2.0)
    with pytest.raises(UsageError) as caught:
        render(report(text, **values), "shell", STYLE)
    assert caught.value.message == f"a shell cannot hold the name '{name}'"
    assert caught.value.status == Status.USAGE
    assert "rename" in (caught.value.hint or "")


# ── markdown, LaTeX, HTML: read back by parsers of their own ────────────────────────────────────────────────


def markdown_cells(text: str) -> tuple[list[list[str]], str]:
    """The table's cells as a reader sees them, and all other visible text; anything active is an error."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    rows: list[list[str]] = []
    outside: list[str] = []
    cell = False
    for token in parser.parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            cell = True
        elif token.type in ("th_close", "td_close"):
            cell = False
        elif token.type == "inline":
            seen = "".join(visible_markdown(token.children or []))
            if cell:
                rows[-1].append(seen)
            else:
                outside.append(seen)
        else:
            assert token.type not in (
                "html_block",
                "heading_open",
                "fence",
                "code_block",
                "hr",
                "blockquote_open",
            )
    return rows, "\n".join(outside)


def visible_markdown(tokens: list[Any]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            yield token.content
        elif token.type == "html_inline":
            assert token.content in ("<code>", "</code>")
        else:
            assert token.type in ("strong_open", "strong_close", "softbreak"), token.type


class Page(HTMLParser):
    """The cells and the text of an HTML page; anything that could act is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"div", "p", "code", "b", "table", "thead", "tbody", "tr", "th", "td"}
        assert {name for name, _ in attrs} <= {"style"}
        assert all("url" not in (value or "") for _, value in attrs)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


COMMANDS = {  # what our fragments use; none of them reads a file or changes a meaning
    *(
        "frac",
        "left",
        "right",
        "max",
        "min",
        "text",
        "textless",
        "textgreater",
        "textbar",
        "partial",
        "times",
        "cdot",
    ),
    *(
        "begin",
        "end",
        "hline",
        "multicolumn",
        "par",
        "mathrm",
        "operatorname",
        "infty",
        "checkmark",
        "circ",
        "ln",
        "sqrt",
    ),
    *(
        "textbackslash",
        "textasciitilde",
        "textasciicircum",
        "textquotedbl",
        "le",
        "ge",
        "ne",
        "to",
        "approx",
        "dots",
    ),
    *("theta", "sigma", "lambda", "pi", "log", "exp", "tanh", "lfloor", "rfloor", "qquad"),
}


def latex_rows(text: str) -> list[list[str]]:
    """The tabular's cells; all that opens must close, and only known commands occur."""
    text = text.removeprefix("% needs \\usepackage{amsmath,amssymb}\n")
    for command in re.findall(r"\\([A-Za-z]+)", text.replace("\\\\", " ")):
        assert command in COMMANDS, command
    assert re.findall(r"\\begin\{(\w+)\}", text) == [
        name for name in re.findall(r"\\begin\{(\w+)\}", text) if name in ("tabular", "cases")
    ]
    bare = re.sub(r"\\(?:[A-Za-z]+|.)", "", text, flags=re.DOTALL)
    assert not re.search(r"[%#~]", bare)
    depth = 0
    for bracket in re.findall(r"[{}]", bare):
        depth += 1 if bracket == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]"), (r"\left", r"\right"), (r"\begin", r"\end")):
        single = re.sub(r"\\\\", " ", text)
        assert single.count(opening) == single.count(closing), opening
    body = text[text.index(r"\begin{tabular}") : text.index(r"\end{tabular}")]
    rows = []
    for line in body.split("\n"):
        if line.endswith(r" \\"):
            cells = re.split(r"(?<!\\)&", re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", line[:-3]))
            spans = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d)\}", line))
            assert len(cells) + spans == 7, line
            rows.append([cell.strip() for cell in cells])
    return rows


@everyone
def test_markdown_shows_the_rows_of_the_table(shown: Report) -> None:
    """A Markdown parser finds one table of 7 columns, every node shown, and each name as it is."""
    rows, text = markdown_cells(render(shown, "markdown", STYLE))
    assert {len(row) for row in rows} == {7}
    if len(shown.order) <= 200:
        names = [row[0].partition(" = ")[0] for row in rows[1:] if row[0]]
        assert names == [shown.graph.names[i] for i in shown.order]
    assert render(shown, "markdown", STYLE).count("\n| ") >= 3
    for _, _, said in [line.partition("note: ") for line in text.split("\n") if line.startswith("note: ")]:
        assert said in shown.all_notes


@everyone
def test_latex_closes_what_it_opens(shown: Report) -> None:
    """The fragment has rows of 7 columns, balanced brackets, and only commands of formulas and tables."""
    rows = latex_rows(render(shown, "latex", STYLE))
    assert len(rows) >= 2


@everyone
def test_html_is_inert_and_shows_the_rows(shown: Report) -> None:
    """Only table markup with inline styles; the cells are those of the Markdown table."""
    page = Page(html.render(shown, STYLE))
    rows, _ = markdown_cells(render(shown, "markdown", STYLE))
    assert page.rows == rows


def test_people_see_rounded_numbers_and_machines_never() -> None:
    """--decimals and --sig change Markdown and LaTeX alone."""
    rounded = Style(decimals=2)
    assert "| 0.73 |" in render(NEURON, "markdown", rounded)
    assert "| 0.7311 |" in render(NEURON, "markdown", STYLE)
    assert "$0.73$" in render(NEURON, "latex", rounded)
    assert "$0.731$" in render(NEURON, "latex", Style(sig=3))
    for form in ("plain", "json", "csv", "shell"):
        assert render(NEURON, form, rounded) == render(NEURON, form, STYLE)


def test_fan_out_shows_its_sum() -> None:
    """In (x+y)*(x*y) at 2, 3 the node x has the lines 6 and 15 and their sum 21 (DESIGN's example)."""
    rows, _ = markdown_cells(render(report("(x+y)*(x*y)", x=2, y=3), "markdown", STYLE))
    assert [row[-1] for row in rows[1:4]] == ["6", "15", "21"]
    assert rows[3][3] == "copy, used twice: 6 + 15"


def test_paths_and_ranks_are_listed_where_people_read() -> None:
    """With --paths x and --rank nodes, Markdown lists both paths of (x+y)*(x*y); so does LaTeX."""
    shown = report("(x+y)*(x*y)", x=2, y=3)
    style = Style(paths=("x",), rank_nodes=True)
    _, text = markdown_cells(render(shown, "markdown", style))
    assert "x → n1 → f" in text
    assert "x → n2 → f" in text
    assert "█" not in text
    drawn = render(shown, "markdown", style)
    assert "\n- 2 paths from x to f; their products add up to ∂f/∂x = 21\n  - 15 71 %" in re.sub(" +(?=71)", " ", drawn)
    latex_rows(render(shown, "latex", style))


def test_a_number_alone_has_no_table() -> None:
    """`3` is shown with its value, without a table that would be empty."""
    shown = report("3")
    assert render(shown, "markdown", STYLE).startswith("`3` = 3")
    assert "|" not in render(shown, "markdown", STYLE)
    assert "tabular" not in render(shown, "latex", STYLE) and r"\[ f = 3 \]" in render(shown, "latex", STYLE)
    assert "<table" not in html.render(shown, STYLE)


def test_a_notebook_shows_the_table() -> None:
    """The gradients' own HTML is the table's."""
    assert Page(NEURON.source._repr_html_()).rows == Page(html.render(NEURON, STYLE)).rows


# ── hostile text ────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "entity": "&lt;b&gt;",
    "pipe": "a|b",
    "backslash pipe": "a\\|b",
    "backtick": "`x` ``y``",
    "dollar": "$x$ $(touch pwned) ${x}",
    "quote": "x'; touch pwned; '",
    "double quote": 'x"; touch pwned; "',
    "backslash": "\\input{/etc/passwd}",
    "closing brace": "}\\write18{touch pwned}{",
    "percent": "100%_#^~",
    "formula": "=cmd|'/c calc'!A1",
    "at": "@SUM(A1:A9)",
    "plus": "+1",
    "minus": "-2+3",
    "tab": "a\tb",
    "leading tab": "\t=1",
    "new line": "a\nb",
    "carriage return": "\r=1",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "c1": "\x9b31m",
    "null": "a\0b",
    "bidi": "\u202eevil\u2066x",
    "zero width": "a\u200bb",
    "surrogate": "\ud800",
    "link": "[x](javascript:alert(1)) ![y](http://e)",
    "autolink": "https://example.org www.example.org",
    "list": "- x\n# y\n---",
    "comma": "a,b",
    "semicolon": "x;y",
    "dot": "a.b",
    "long": "x" * 10_000,
}


def hostile(name: str) -> Report:
    """A product whose variable, node and text bear a name that no parser would let through."""
    builder = Builder()
    x, y = builder.input(name), builder.input("y")
    product = builder.add(TABLE["mul"], (x, y), 0, len(name))
    builder.labels[product] = f"{name}2"
    output = builder.add(TABLE["mul"], (product, y))
    gradients = (
        builder.finish(output, source=f"{name}*y*y", notes=(f"note {name}",)).forward({name: 2, "y": 3}).backward()
    )
    verdict = SympyVerdict("passed", max_rel_error=0.0, derivatives={name: f"{name}*y"}, checked=2, notes=(name,))
    return build(gradients, warnings=(f"warning {name}",)).with_verification(Verification(sympy=verdict))


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_never_act(name: str) -> None:
    """Every format reads back with its shape intact, its numbers right, and no control character."""
    shown = hostile(name)
    for form in FORMATS:
        if form != "shell":
            text = render(shown, form, STYLE)
            assert not CONTROLS.search(text), form
            text.encode("utf-8")
    lines = [line.split("\t") for line in render(shown, "plain", STYLE).split("\n")]
    assert {len(line) for line in lines} == {2}
    assert [float(number) for _, number in lines] == [cell.value for cell in list_cells(shown.source)]

    document = strict(render(shown, "json", STYLE))
    VALIDATOR.validate(document)
    assert document["grad"] == {name: 9, "y": 12}
    assert document["nodes"][0]["name"] == name

    rows = list(csv.reader(StringIO(render(shown, "csv", STYLE), newline=""), strict=True))
    assert {len(row) for row in rows} == {10}
    for row in rows[1:]:
        for text in row:
            if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
                float(text)

    shown_rows, _ = markdown_cells(render(shown, "markdown", STYLE))
    page = Page(html.render(shown, STYLE))
    assert {len(row) for row in shown_rows} == {7}
    assert [[" ".join(cell.split()) for cell in row] for row in shown_rows] == [
        [" ".join(cell.split()) for cell in row] for row in page.rows
    ]
    assert "9" in [row[-1] for row in page.rows]
    latex_rows(render(shown, "latex", STYLE))


@pytest.mark.parametrize("name", [name for name in HOSTILE.values() if not re.fullmatch(r"\w+", name, re.ASCII)])
def test_hostile_names_never_reach_a_shell(name: str) -> None:
    """A name that is no variable name is refused, whatever quoting could do."""
    with pytest.raises(UsageError):
        render(hostile(name), "shell", STYLE)


def test_a_long_name_is_a_variable_like_any_other() -> None:
    """A name of 10 kB is held by every format, the shell too."""
    name = "x" * 10_000
    shown = report(f"{name}*y", **{name: 2, "y": 3})
    assert evaluated(render(shown, "shell", STYLE), [f"grad_{name}"]) == ["3"]
    assert strict(render(shown, "json", STYLE))["grad"][name] == 3


# ── the op table ────────────────────────────────────────────────────────────────────────────────────────────

PAGES = [
    ("mul", "  gate        switcher\n  backward    switches: × the other input\n"),
    ("pow", "at 3, 2: 9, derivative 6, not checked\n"),
    ("polygamma", "derivative no gradient, -2.40"),
    ("polygamma", "n is a whole number and x > 0, or "),
]


@pytest.mark.parametrize(("name", "line"), PAGES)
def test_a_page_says_each_thing_once_and_right(name: str, line: str) -> None:
    """What a gate is called and what it does are two facts; a slope that was not checked is not one that is missing."""
    assert line in page(entry(TABLE[name]))


# ── the house ───────────────────────────────────────────────────────────────────────────────────────────────


def test_machine_formats_load_nothing_slow() -> None:
    """plain, csv, shell and json load none of rich, numpy, sympy, flint; `gradcli.render` no format."""
    program = """
import sys
from gradcli.render import FORMATS, render
assert not {name for name in sys.modules if name.startswith("gradcli.render.")}, "formats are loaded lazily"
from gradcli.report import build
from gradcli.syntax import parse
from gradcli.render.figures import Style
report = build(parse("x*y").forward(x=2.0, y=3.0).backward())
for form in ("plain", "csv", "shell", "json"):
    render(report, form, Style())
slow = {"rich", "numpy", "sympy", "flint", "typer"} & set(sys.modules)
assert not slow, slow
"""
    root = str(Path(gradcli.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_format_names_those_there_are() -> None:
    """Exit status 2, with the list."""
    with pytest.raises(UsageError, match="unknown format 'yaml'") as caught:
        render(NEURON, "yaml", STYLE)
    assert caught.value.hint == "formats are table, plain, json, csv, markdown, latex, shell"


# ── golden files: GRADCLI_GOLDEN=write python -m pytest tests/test_formats.py writes them anew ──────────────

SHOWN = {"neuron": CHECKED, "lecture": LECTURE, "overflow": REPORTS["overflow"], "tie": REPORTS["tie"]}
ENDINGS = {
    "plain": "txt",
    "json": "json",
    "csv": "csv",
    "markdown": "md",
    "latex": "tex",
    "shell": "sh",
    "html": "html",
}


@pytest.mark.parametrize("form", ENDINGS)
@pytest.mark.parametrize("name", SHOWN)
def test_formats_are_what_they_were(name: str, form: str) -> None:
    """Byte for byte; a change of a format is a change of a golden file, to be looked at."""
    text = html.render(SHOWN[name], STYLE) if form == "html" else render(SHOWN[name], form, STYLE)
    path = GOLDEN / f"{name}.{ENDINGS[form]}"
    if os.environ.get("GRADCLI_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "utf-8")
    assert text + "\n" == path.read_text("utf-8")
