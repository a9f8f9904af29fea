"""The page to step through: complete and inert as a file; in a browser, its numbers are the engine's."""

from __future__ import annotations

import json
import os
import random
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gradcli.autodiff import Edge, Gradients
from gradcli.cli import run
from gradcli.cli.files import from_files
from gradcli.errors import NotScalarError
from gradcli.picture import build as build_picture
from gradcli.render.explain import Wishes, Writer, solution
from gradcli.render.figures import Style, figure
from gradcli.render.page import page
from gradcli.render.page.layers import Items, arranged, crossings, lay
from gradcli.report import Report, build
from gradcli.syntax import parse
from gradcli.systems.source import edges
from gradcli.words import Words
from tests import chromium
from tests.chromium import PROGRAM, Chromium, NoBrowserError, started

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.grad"))
NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
AT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
BYTES = 60_000
DIGITS = 1e-12
VOID = {"meta", "input", "br"}


def report(expression: str, **values: object) -> Report:
    return build(parse(expression, given=values).forward(values).backward())


def written(expression: str, language: str = "en", style: Style | None = None, **values: object) -> str:
    return page(report(expression, **values), style or Style(), Words(language))


class Read(HTMLParser):
    """A file read back: its elements with their attributes, the text of each, and what was not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[str]:
        """The texts directly within elements of a kind."""
        return [text for where, text in self.texts if where == tag]

    def by_id(self) -> dict[str, str]:
        """id → tag."""
        return {attributes["id"]: tag for tag, attributes in self.elements if "id" in attributes}

    @property
    def data(self) -> Any:
        """What the script reads."""
        return json.loads(self.of("script")[0])


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_the_page_is_small_whole_and_the_same_each_time():
    """The neuron's page stays under 60 kB; all is closed, ids are unique, the same input gives the same bytes."""
    text = written(NEURON, **AT)
    assert len(text.encode()) < BYTES
    assert text == written(NEURON, **AT)
    read = Read(text)
    assert read.open == []
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_policy_admits_this_script_and_this_style_alone(language: str):
    """default-src 'none', and the hashes of what stands in the file; no address, no handler, no style attribute."""
    read = Read(written(NEURON, language, **AT))
    (policy,) = [a["content"] for tag, a in read.elements if a.get("http-equiv") == "Content-Security-Policy"]
    style, script = read.of("style")[0], read.of("script")[1]
    assert policy == f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(style)}"
    for _, attributes in read.elements:
        assert not any(name.startswith("on") or name in ("href", "src", "style", "action") for name in attributes)
    assert not re.search(r"innerHTML|document\.write|eval\(|fetch\(|https?://(?!www\.w3\.org/2000/svg)", script)


def test_all_numbers_stand_there_without_the_script():
    """The picture says values and gradients with two decimals, the table with four, before anything runs."""
    read = Read(written(NEURON, **AT))
    inside = [text for text in read.of("tspan") if text.strip()]
    for number in ("2.00", "-1.00", "6.00", "0.37", "1.37", "0.73", "-0.53", "-0.20", "0.39", "-0.39", "-0.59"):
        assert number in inside
    spans = read.of("span")
    assert {"0.7311", "-0.5344", "0.3932", "-0.5898", "1.3679"} <= set(spans)


HOSTILE = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<!--", "{value}", "\u202e\x1b[31m"]


def test_hostile_text_stays_inert():
    """Comments of the formula, long names and names that are words of the script change nothing but what is shown."""
    plain = Read(written("x*y", x=2.0, y=3.0))
    for comment in HOSTILE:
        read = Read(written(f"x*y # {comment}", x=2.0, y=3.0))
        assert [tag for tag, _ in read.elements] == [tag for tag, _ in plain.elements]
    long = "v" * 10_000
    read = Read(written(f"constructor = {long}*__proto__; toString = constructor^2", **{long: 2.0, "__proto__": 3.0}))
    assert read.data["name"] == "toString"
    assert all(len(text) < 1500 for text in (*read.of("text"), *read.of("code"), *read.of("title")))


def test_no_text_of_the_data_ends_its_element():
    """Within the data, < > & are written as escapes."""
    inner = written("c = a<b; where(c,a,b)*1", a=1.0, b=2.0).split('id="data">')[1].split("</script>")[0]
    assert not set("<>&") & set(inner)
    assert "a<b" in str(json.loads(inner)["steps"])


def test_steps_are_those_of_explain():
    """Each line, its numbers put in, is the line that explain prints; the numbering is explain's too."""
    found = report("q=x+y; f=q*z", x=-2.0, y=5.0, z=-4.0)
    solved = solution(found, Style(), Wishes())
    read = Read(page(found, Style()))
    assert len(read.data["steps"]) == len(solved.forward()) + sum(1 for step in solved.backward() if step.number)
    tensors = report("sum((W@x)^2)", W=[[0.1, 0.5], [-0.3, 0.8]], x=[0.2, 0.4])
    solved = solution(tensors, Style(), Wishes())
    writer = Writer(solved, Style())
    expected = [[text for text, _ in writer.chain(step.chain)] for step in (*solved.forward(), *solved.backward())]
    lines = [line["t"] for step in Read(page(tensors, Style())).data["steps"] for line in step["l"]]
    assert lines == expected


def test_what_cannot_be_worked_out_again_is_said():
    """Tensors, functions that JavaScript lacks, and formulas of numbers alone have no sliders, and say why."""
    for text, values, said in (
        ("sum((W@x)^2)", {"W": [[1.0, 2.0]], "x": [1.0, 1.0]}, "The values are tensors"),
        ("gamma(x)*2", {"x": 1.5}, "JavaScript has no gamma"),
        ("1+2*3", {}, "There is no input to move"),
    ):
        read = Read(written(text, **values))
        assert any(said in each for each in read.of("p")), text
        assert not any(attributes.get("type") == "range" for _, attributes in read.elements)
        assert read.data["live"] is False


def test_a_large_graph_is_summarised():
    """Of more nodes than can be looked at the page has the levels, and says so."""
    text = "+".join(f"x*{k}.5" for k in range(400))
    read = Read(written(text, x=2.0))
    assert any("too many to draw" in each for each in read.of("p"))
    assert "svg" not in [tag for tag, _ in read.elements]


def test_a_tensor_stands_in_columns():
    """The lines of a tensor in the picture have one width, of blanks that stay, in a face of one width."""
    text = written("sum(A*A)", A=[[1.0, -20.5], [300.25, 4.0]])
    lines = re.findall(r'<text class="[vg] m"[^>]*><tspan>([^<]*)</tspan>', text)
    assert lines[:2] == ["[[\u00a0\u00a01.00,\u00a0-20.50],", "\u00a0[300.25,\u00a0\u00a0\u00a04.00]]"]
    assert "<tspan>Σ\u00a0</tspan><tspan>[[" in text and "<tspan>\u00a0\u00a0</tspan><tspan>\u00a0[600.5" in text


def test_everything_has_a_name():
    """Sliders, fields and regions have labels; the step is announced; the table has a caption and heads."""
    read = Read(written(NEURON, **AT))
    for tag, attributes in read.elements:
        if tag == "input" or attributes.get("role") in ("img", "region", "group"):
            assert attributes.get("aria-label")
    assert next(a for _, a in read.elements if a.get("id") == "step")["aria-live"] == "polite"
    assert read.of("caption") == ["Both passes as a table"]
    assert sum(1 for tag, a in read.elements if tag == "th" and a.get("scope") == "col") == 6


def example(path: Path) -> Report:
    names = [str(path.with_suffix(end)) for end in (".toml", ".npz") if path.with_suffix(end).exists()]
    values = from_files(names)
    graph = parse(path.read_text(encoding="utf-8"), given=values)
    trace = graph.forward({name: values[name] for name in graph.inputs})
    try:
        return build(trace.backward())
    except NotScalarError:
        return build(Gradients(trace, [None] * len(trace.values), None))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_has_a_page(path: Path):
    """Each example's page is read back whole."""
    assert Read(page(example(path), Style())).open == []


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`gradcli draw … -o net.html` writes the file, in the language that is asked for."""
    file = tmp_path / "net.html"
    assert run(["draw", "(x+y)*z", "--x=-2", "--y=5", "--z=-4", "-o", str(file), "--lang", "ko"]) == 0
    assert capsys.readouterr().out == ""
    text = file.read_text(encoding="utf-8")
    assert '<html lang="ko">' in text and "한 단계씩" in text


def random_graph(seed: int, gates: int) -> Report:
    """A graph whose nodes are used again and again."""
    chance = random.Random(seed)  # noqa: S311 - graphs to draw, not secrets
    names, statements = ["a", "b", "c"], []
    for k in range(gates):
        left, right = chance.choice(names), chance.choice(names)
        statements.append(f"q{k} = {left}{chance.choice('+*-')}{right}")
        names.append(f"q{k}")
    found = parse("; ".join([*statements, f"f = {'+'.join(names)}"]))
    return build(found.forward(a=0.5, b=-0.25, c=1.5).backward())


@pytest.mark.parametrize("seed", range(8))
def test_nothing_in_the_picture_overlaps(seed: int):
    """Items of a column keep their distance, wires pass between them, and lines go to the right."""
    picture = build_picture(random_graph(seed, 12))
    sizes = [(40.0, 40.0)] * len(picture.boxes) + [(62.0, 40.0)] * len(picture.wires)
    laid = lay(picture, sizes, (7.0, 9.0))
    items: dict[float, list[tuple[float, float]]] = {}
    for spot, (_, high) in zip([*laid.boxes, *laid.wires], sizes, strict=True):
        items.setdefault(round(spot.x, 3), []).append((spot.y, high))
    for column in items.values():
        ordered = sorted(column)
        for (above, tall), (below, high) in pairwise(ordered):
            assert below - above >= (tall + high) / 2 + 9 - 1e-6
    for wire, spot, via in zip(picture.wires, laid.wires, laid.via, strict=True):
        way = [laid.boxes[wire.start], *via, spot, laid.boxes[wire.end]]
        assert all(left.x < right.x for left, right in pairwise(way))
        for passing in via[::2]:
            for box in laid.boxes:
                inside = abs(box.x - passing.x) <= 20.0 and abs(box.y - passing.y) < 20.0
                assert not inside


def test_no_lines_of_a_tree_cross():
    """A formula in which nothing is used twice is drawn without crossings, the inputs of a column in their order."""
    picture = build_picture(report("a*b + c*(d + e*g)/h", **dict.fromkeys("abcdegh", 2.0)))
    sizes = [(40.0, 40.0)] * (len(picture.boxes) + len(picture.wires))
    items = Items(picture, sizes, (7.0, 9.0))
    assert crossings(items, arranged(items)) == 0
    columns: dict[float, list[tuple[float, str]]] = {}
    for spot, box in zip(lay(picture, sizes, (7.0, 9.0)).boxes, picture.boxes, strict=True):
        if box.kind == "input":
            columns.setdefault(spot.x, []).append((spot.y, box.text))
    found = ["".join(text for _, text in sorted(column)) for _, column in sorted(columns.items())]
    assert found == ["eg", "d", "c", "abh"]


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────


def browsing(test: Any) -> Any:
    """Of a test in a browser: it may wait until one comes up, and is skipped where there is none."""
    there = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not at hand")
    return there(pytest.mark.timeout(300)(test))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    try:
        found = started()
    except NoBrowserError as error:
        pytest.skip(str(error))
    with found:
        yield found


@pytest.mark.parametrize(
    ("program", "patience", "said"),
    [
        ("echo no screen >&2; exit 1", 60.0, "has ended (no screen)"),
        ("sleep 60 & wait", 0.2, "does not answer ()"),
        (r"printf '{\"id\": 1, \"resu' >&4; sleep 60", 0.2, "does not answer ()"),
    ],
    ids=["ends", "is silent", "stops short"],
)
def test_a_browser_that_does_not_come_up_leaves_nothing(
    program: str, patience: float, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """It is tried twice, then told with its last words; its process and its profile are gone."""
    path, log = tmp_path / "chromium", tmp_path / "log"
    path.write_text(f'#!/bin/bash\necho "$$ $@" >> {log}\n{program}\n')
    path.chmod(0o755)
    monkeypatch.setattr(chromium, "PROGRAM", str(path))
    monkeypatch.setattr(chromium, "START", patience)
    with pytest.raises(NoBrowserError) as caught:
        started()
    assert said in str(caught.value)
    starts = log.read_text().splitlines()
    assert len(starts) == chromium.ATTEMPTS
    for start in starts:
        (profile,) = re.findall(r"--user-data-dir=(\S+)", start)
        assert not Path(profile).exists()
        with pytest.raises(ProcessLookupError):
            os.kill(int(start.split()[0]), 0)


SET = """((k, x) => {{
  const slider = document.getElementById("s" + k);
  slider.value = x;
  slider.dispatchEvent(new Event("input"));
  return slider.valueAsNumber;
}})({}, {})"""

TABLE = (
    """[...document.querySelectorAll("td [data-n], th [data-n]")].map((e) => [e.dataset.n, e.title, e.textContent])"""
)


def opened(browser: Chromium, tmp_path: Path, text: str, fragment: str = "") -> None:
    file = tmp_path / "net.html"
    file.write_text(text, encoding="utf-8")
    browser.open(file, fragment)


@browsing
@pytest.mark.parametrize(
    "expression, values, count",
    [
        (NEURON, AT, 100),
        ("(x+y)*(x*y)+max(x,y)^2*relu(z)", {"x": 2.0, "y": 3.0, "z": 1.0}, 30),
        ("g(a,b)=tanh(a)*b; log(g(x,y)^2)/x - where(x>y, y, x^3)", {"x": 2.0, "y": -3.0}, 30),
    ],
    ids=["neuron", "selecting", "definition"],
)
def test_moving_sliders_computes_what_the_engine_computes(
    browser: Chromium, tmp_path: Path, expression: str, values: dict[str, float], count: int
):
    """At random positions every number of the table is the engine's to 12 digits, and is shown as gradcli shows it."""
    opened(browser, tmp_path, written(expression, **values))
    graph = parse(expression, given=values)
    slots = list(edges(graph))
    chance = random.Random(231)  # noqa: S311 - numbers to try, not secrets
    tried = [",".join(SET.format(k, chance.uniform(-6, 6)) for k in range(len(values))) for _ in range(count)]
    found = browser.run(f"[{','.join(f'[[{moves}], {TABLE}]' for moves in tried)}]")
    seen = 0
    for at, table in found:
        gradients = graph.forward(dict(zip(graph.inputs, map(float, at), strict=True))).backward()
        for key, exact, shown in table:
            place = int(key[1:])
            edge = Edge(gradients, *slots[place]) if key[0] in "ld" else None
            if key[0] == "v":
                expected = gradients.trace.values[place]
            elif edge is None:
                expected = gradients.at(place)
            elif key[0] == "l":
                expected = edge.local
            else:
                expected = edge.downstream if gradients.adjoints[edge.child] is not None else 0.0
            assert float(exact) == pytest.approx(float(expected), rel=DIGITS, abs=1e-300, nan_ok=True), (key, at)
            assert shown == figure(float(exact), Style()), key
            seen += 1
    assert seen >= 20 * count
    assert browser.troubles() == []


@browsing
def test_keys_step_through_both_passes(browser: Chromium, tmp_path: Path):
    """Arrows, Home, End and space; values appear forward, gradients backward, the row of the node is marked."""
    opened(browser, tmp_path, written("q=x+y; f=q*z", x=-2.0, y=5.0, z=-4.0))
    state = "[document.querySelector('#step h2').textContent, document.querySelector('#step').innerText]"
    hidden = "document.querySelectorAll('svg .later').length"
    marked = "[...document.querySelectorAll('tr.here th')].map((e) => e.textContent)"
    assert browser.run(hidden) == 0
    seen = []
    for _ in range(7):
        browser.key("ArrowRight")
        seen.append((browser.run(state)[1].split("\n"), browser.run(hidden), browser.run(marked)))
    assert [lines[0] for lines, *_ in seen] == [
        *(f"Forward, step {k} of 7" for k in (1, 2)),
        *(f"Backward, step {k} of 7" for k in range(3, 8)),
    ]
    lines = [next(line for line in lines if " = " in line) for lines, *_ in seen]
    assert lines == [
        "q = x+y = (-2)+5 = 3",
        "f = q·z = 3·(-4) = -12",
        "∂f/∂f = 1",
        "∂f/∂z = ∂f/∂f · ∂f/∂z = 1 · q = 1 · 3 = 3",
        "∂f/∂q = ∂f/∂f · ∂f/∂q = 1 · z = 1 · (-4) = -4",
        "∂f/∂y = ∂f/∂q · ∂q/∂y = -4 · 1 = -4",
        "∂f/∂x = ∂f/∂q · ∂q/∂x = -4 · 1 = -4",
    ]
    counts = [count for _, count, _ in seen]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 0
    assert [rows[0].partition(" =")[0] for *_, rows in seen] == ["q", "f", "f", "z", "q", "y", "x"]
    browser.key("Home")
    assert browser.run(hidden) == 0
    browser.key("End")
    assert browser.run(state)[0] == "Backward, step 7 of 7"
    browser.key("Home")
    browser.key(" ")
    assert browser.run("document.getElementById('play').textContent") == "Pause"
    assert browser.run(state)[0] == "Forward, step 1 of 7"
    browser.key(" ")
    assert browser.run("document.getElementById('play').textContent") == "Play"
    assert browser.troubles() == []


@browsing
def test_the_script_writes_what_is_written_already(browser: Chromium, tmp_path: Path):
    """Numbers in the browser have the digits that the file has without its script; explain's lines are the same."""
    found = report(NEURON, **AT)
    text = page(found, Style())
    opened(browser, tmp_path, text)
    before = Read(text)
    table = {(key, shown) for key, _, shown in browser.run(TABLE)}
    keyed = [a["data-n"] for tag, a in before.elements if tag == "span" and "data-n" in a]
    assert len(table) == len(set(keyed))
    assert {shown for _, shown in table} <= set(before.of("span"))
    solved = solution(found, Style(), Wishes())
    writer = Writer(solved, Style())
    steps = [step for step in (*solved.forward(), *solved.backward()) if step.number]
    for step in steps:
        browser.key("ArrowRight")
        shown = browser.run("document.querySelector('#step .line').innerText")
        assert shown == " = ".join(text for text, _ in writer.chain(step.chain))


@browsing
def test_a_number_that_is_no_number_is_refused_and_reset_restores(browser: Chromium, tmp_path: Path):
    """An empty field is marked and changes nothing; a pole is said; reset brings the first values back."""
    opened(browser, tmp_path, written("log(x)/y", x=2.0, y=4.0))
    typed = """((k, x) => {{ const f = document.getElementById("n" + k);
      f.value = x;
      f.dispatchEvent(new Event("input"));
      return [document.getElementById("output").textContent, document.getElementById("said").textContent,
      f.getAttribute("aria-invalid")]; }})({}, {})"""
    assert browser.run(typed.format(0, "''")) == ["f = 0.1733", "", "true"]
    assert browser.run(typed.format(0, "'1e-3'"))[0] == "f = -1.7269"
    shown, said, _ = browser.run(typed.format(0, "'-1'"))
    assert shown == "f = nan" and "n1 is nan here" in said
    browser.run("document.getElementById('reset').click()")
    assert browser.run("document.getElementById('output').textContent") == "f = 0.1733"


@browsing
@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(browser: Chromium, tmp_path: Path, width: int):
    """At phone width the page itself does not scroll sideways; the picture and the table do, within themselves."""
    browser.view(width, 800)
    opened(browser, tmp_path, written(NEURON, **AT), "#step-9")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.querySelector('#step h2').textContent") == "Backward, step 9 of 21"
    small = "[...document.querySelectorAll('button')].every((e) => e.getBoundingClientRect().height >= 36)"
    assert browser.run(small)


@browsing
def test_a_number_has_no_more_room_than_it_takes(browser: Chromium, tmp_path: Path):
    """Where inputs move, a long number in the picture has fewer digits, is right to those, and nothing covers it."""
    opened(browser, tmp_path, written("x*1e7+y", x=0.00012345, y=1e-9))
    read = "[...document.querySelectorAll('svg [data-n]')].map((e) => [e.textContent, e.dataset.n, e.dataset.w])"
    set_ = "((x) => {{ const f = document.getElementById('n0'); f.value = x; f.dispatchEvent(new Event('input')); }})"
    for x in (123456.789, -123456.789, 0.00012345, -99999999.4, -1.5e-200, 12345.678, 1e300):
        shown = browser.run(f"({set_.format()}({x!r}), {read})")
        graph = parse("x*1e7+y", given={"x", "y"}).forward(x=x, y=1e-9).backward()
        assert len(shown) == 8
        for text, key, room in shown:
            exact = graph.trace.values[int(key[1:])] if key[0] == "v" else None
            assert len(text) <= max(int(room), len("-1.2e-200")), (x, text)
            if exact is not None:
                assert float(text) == pytest.approx(exact, rel=0.04), (x, text)
    last = "[...document.querySelector('svg').children].map((e) => e.tagName)"
    tags = browser.run(last)
    assert tags.index("text") > max(k for k, tag in enumerate(tags) if tag == "g")


@browsing
def test_what_does_not_reach_the_output_is_not_complained_of(browser: Chromium, tmp_path: Path):
    """exp(x) is inf at 1000, and 1/(1+exp(x)) is 0 all the same: it is said only if something of it is not finite."""
    typed = """((x) => {{ const f = document.getElementById("n0"); f.value = x; f.dispatchEvent(new Event("input"));
      return [document.getElementById("output").textContent, document.getElementById("said").textContent]; }})({})"""
    opened(browser, tmp_path, written("max(1, -exp(x))", x=1.0))
    assert browser.run(typed.format(1000)) == ["f = 1", ""]
    opened(browser, tmp_path, written("1/exp(x)", x=1.0))
    shown, said = browser.run(typed.format(1000))
    assert shown == "f = 0" and "∂f/∂" in said and "is nan here" in said
    opened(browser, tmp_path, written("exp(x)", x=1.0))
    assert browser.run(typed.format(1000)) == ["f = inf", "f is inf here: what depends on it has no finite value."]


@browsing
def test_where_there_are_no_steps_none_can_be_played(browser: Chromium, tmp_path: Path):
    """A number alone: all buttons are off, and keys do nothing."""
    opened(browser, tmp_path, written("5"))
    assert browser.run("[...document.querySelectorAll('#controls button')].every((e) => e.disabled)")
    browser.key(" ")
    assert browser.run("document.querySelector('#step h2').textContent") == "Both passes are done"
    assert browser.troubles() == []


@browsing
def test_numbers_are_rounded_as_gradcli_rounds(browser: Chromium, tmp_path: Path):
    """Halves, many digits, small and large numbers, with 0, 2 and 4 decimals and 3 significant digits."""
    chance = random.Random(4)  # noqa: S311 - numbers to try, not secrets
    numbers = [0.125, -0.375, 0.5, 2.5, 1e20, 1e-7, 123456.789, -1e9, 0.00012345, 1.1 * 650, 0.1 + 0.2, 5e-324, 1e308]
    numbers += [chance.gauss(0, 1) * 10.0 ** chance.randint(-12, 12) for _ in range(60)]
    numbers += [chance.randint(-999, 999) / 2**k for k in range(1, 8) for _ in range(5)]
    for style in (Style(), Style(decimals=2), Style(decimals=0), Style(sig=3)):
        opened(browser, tmp_path, written("x*1", style=style, x=1.0))
        typed = "((x) => {{ const f = document.getElementById('n0'); f.value = x; f.dispatchEvent(new Event('input'));"
        typed += "return document.querySelector('td [data-n]').textContent; }})('{!r}')"
        shown = browser.run(f"[{','.join(typed.format(x) for x in numbers)}]")
        assert shown == [figure(x, style) for x in numbers]
