"""Worksheets: what is asked and what is printed, values that tell mistakes apart, files that are whole or not there."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from math import isfinite
from pathlib import Path

import pytest

from gradcli import writing
from gradcli.cells import resolve
from gradcli.cli import run
from gradcli.errors import FileError
from gradcli.homework.files.assignment import from_expression, load, parsed
from gradcli.homework.files.choosing import values
from gradcli.homework.files.drawing import candidates
from gradcli.homework.files.shortness import digits
from gradcli.homework.sheets.blanks import KINDS, Show
from gradcli.homework.sheets.worksheets import Press, Sheet, key, twin
from gradcli.render import worksheet_html, worksheet_latex, worksheet_markdown
from gradcli.words import LANGUAGES, Words

EXAMPLES = Path(__file__).parent.parent / "examples" / "homework"
HW4 = load(str(EXAMPLES / "hw4.toml"))
ROSTER = [row["id"] for row in csv.DictReader((EXAMPLES / "roster.csv").read_text("utf-8-sig").splitlines())]
DRAWN = [problem for problem in HW4.problems if problem.draw]
ENGLISH = Words("en")


def sheet_of(expression: str, cells: dict[str, float] | None = None, blank=KINDS, **given: float) -> Sheet:
    """A sheet of one problem; every blank cell is asked for unless cells are named."""
    wanted = from_expression(expression, {name: float(value) for name, value in given.items()})
    if cells is not None:
        wanted = replace(wanted, problems=(replace(wanted.problems[0], cells=cells),))
    return Press(wanted, blank, whole=cells is None).sheet("")


def addresses(sheet: Sheet) -> list[str]:
    return [asked.address for part in sheet.parts for asked in part.asked]


def printed(sheet: Sheet, field: str) -> list[float]:
    """The numbers that stand in a column of the table."""
    spots = [getattr(row, field) for part in sheet.parts for row in part.rows]
    return [spot.value for spot in spots if spot is not None and spot.show is Show.GIVEN]


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────

FOR_EVER = """
2 20240101 apple=98 n=2 orange=164 m=3 tax=1.1
2 20240102 apple=82 n=5 orange=142 m=2 tax=1.1
2 20240120 apple=110 n=2 orange=145 m=4 tax=1.1
2 김하늘 apple=103 n=4 orange=190 m=5 tax=1.1
2 ann@example.edu apple=103 n=3 orange=119 m=5 tax=1.1
4 20240101 x=5 y=9
4 20240102 x=6 y=4
4 20240120 x=4 y=8
4 김하늘 x=3 y=10
4 ann@example.edu x=5 y=4
5 20240101 w=5 x=4 b=-5 t=29
5 20240102 w=3 x=5 b=-5 t=29
5 20240120 w=5 x=4 b=-5 t=29
5 김하늘 w=4 x=5 b=-5 t=26
5 ann@example.edu w=5 x=3 b=-4 t=22
"""
"""Values that were printed on sheets once: a change of choosing.py that changes them marks these students wrongly."""


@pytest.mark.parametrize("line", FOR_EVER.split("\n")[1:-1])
def test_values_stay_the_same_for_ever(line):
    """A student's values are what they were when the sheets were printed."""
    name, student, *expected = line.split()
    found = values(HW4.problem(name), HW4, student)
    assert [f"{variable}={value:g}" for variable, value in found.items()] == expected


def test_values_do_not_depend_on_what_is_asked():
    """Cells, points, decimals and the title may be mended after the sheets were printed."""
    problem = HW4.problem("2")
    mended = replace(problem, cells={"dn": 7.0}, title="Fruit")
    other = replace(HW4, rules=HW4.rules._replace(decimals=3, carry=0.0), title="HW 4, second version")
    before = [values(problem, HW4, student) for student in ROSTER]
    assert [values(mended, other, student) for student in ROSTER] == before


def test_values_that_are_not_drawn_are_the_assignments_own():
    """Without draw, everybody has the values of `at`."""
    problem = HW4.problem("1")
    assert values(problem, HW4, "anybody") == problem.at


def avoidable(problem, students) -> tuple[int, int]:
    """How often a mistake leads to the right number at values where others would not have it; and of how many times."""
    from gradcli.homework.diagnosis.search import predictions

    counted: list[dict[tuple[str, str, tuple[int, ...]], int]] = []
    live: set[tuple[str, str, tuple[int, ...]]] = set()
    for found in students:
        gradients = problem.gradients(found)
        cells = [resolve(address, gradients) for address in problem.cells]
        met: dict[tuple[str, str, tuple[int, ...]], int] = {}
        for prediction in predictions(gradients, cells, budget=60):
            for cell, number in zip(cells, prediction.values, strict=True):
                if number is not None:
                    mistake = (cell.address, prediction.name, prediction.sites)
                    same = abs(number - cell.value) <= 0.005  # what two decimals do not tell apart
                    met[mistake] = met.get(mistake, 0) + same
                    if not same:
                        live.add(mistake)
        counted.append(met)
    always = {mistake: min(met.get(mistake, 0) for met in counted) for mistake in live}
    return sum(met.get(mistake, 0) - always[mistake] for met in counted for mistake in live), len(live) * len(counted)


@pytest.mark.parametrize("problem", DRAWN, ids=lambda problem: problem.id)
def test_every_misconception_gives_a_number_of_its_own(problem):
    """At the values chosen, of the mistakes that some values show, 999 in 1000 lead to another number."""
    coinciding, times = avoidable(problem, [values(problem, HW4, student) for student in ROSTER])
    assert times > 1500
    assert coinciding <= times / 1000


TOY = """
schema = "gradcli.assignment/1"
seed = 3
[[problem]]
id = "a"
expr = "%s"
draw = { x = [-3, 3], y = [-3, 3], z = [-3, 3] }
cells = { value = 1 }
"""


@pytest.mark.parametrize("expression", ["x*y + z", "(x+y)*(y+z)", "relu(x*y)*z", "max(x, y)*z", "x/y - z", "x^2*y*z"])
def test_chosen_values_are_better_than_drawn_ones(expression):
    """Where there is a choice: fewer zeros and ones, nothing at a kink or undefined, and no longer arithmetic."""
    assignment = parsed(TOY % expression, "toy.toml")
    problem = assignment.problems[0]

    def cost(found) -> float:
        gradients = problem.gradients(found)
        numbers = [*gradients.trace.values, *(gradient for _, gradient in gradients.items())]
        if not all(map(isfinite, numbers)):
            return 1000
        return sum(number in (0, 1, -1) for number in numbers) + sum(map(digits, numbers)) / 10

    students = [f"s{k}" for k in range(60)]
    chosen = sum(cost(values(problem, assignment, student)) for student in students)
    drawn = sum(cost(next(candidates(problem, 3, student))) for student in students)
    assert chosen < 0.9 * drawn
    assert len({tuple(values(problem, assignment, student).values()) for student in students}) > 10


def test_values_of_which_none_is_defined_are_still_values():
    """A problem without a point at which it is defined gets values all the same; what is wrong is told elsewhere."""
    assignment = parsed(TOY % "x + y + z", "toy.toml")
    problem = replace(assignment.problems[0], expr="log(-1-x^2-y^2-z^2)")
    assert values(problem, assignment, "ann").keys() == {"x", "y", "z"}


def test_tensors_of_which_nothing_is_spoilt_are_drawn_as_they_come():
    """Of arrays the first values are taken that lie on no kink, and have no faint entries and no zeros."""
    text = TOY.replace("x = [-3, 3]", "x = { low = 1, high = 4, shape = [3] }") % "sum(x)*y + z"
    assignment = parsed(text, "toy.toml")
    problem = assignment.problems[0]
    found, first = values(problem, assignment, "ann"), next(candidates(problem, 3, "ann"))
    assert found.keys() == first.keys()
    assert all((found[name] == first[name]).all() if name == "x" else found[name] == first[name] for name in found)


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────


def test_the_named_cells_and_no_others_are_asked_for():
    """An assignment's cells are asked for under the names it gives them, with their points."""
    sheet = Press(HW4).sheet("20240101", "김하늘")
    assert [part.id for part in sheet.parts] == ["1", "2", "3", "4", "5"]
    for part, problem in zip(sheet.parts, HW4.problems, strict=True):
        assert {asked.address: asked.points for asked in part.asked} == problem.cells
    assert sheet.points == HW4.points


BLANKS = [
    (("value",), ["value.n1", "value"]),
    (("local",), ["local.f.n1", "local.f.z", "local.n1.x", "local.n1.y"]),
    (("grad",), ["grad.z", "grad.n1", "grad.y", "grad.x"]),
]


@pytest.mark.parametrize(("blank", "expected"), BLANKS, ids="+".join)
def test_blank_kinds_are_asked_for_where_no_cell_is_named(blank, expected):
    """For a bare expression every cell of the blank kinds is asked for, in the order of working."""
    assert addresses(sheet_of("(x+y)*z", blank=blank, x=-2, y=5, z=-4)) == expected


def test_nothing_printed_gives_a_blank_gradient_away():
    """An upstream gradient is the gradient of the node above: where that is blank, neither it nor the product is."""
    sheet = sheet_of("a = w*x; b = a*y; f = b*z", blank=("grad",), w=2, x=3, y=5, z=7)
    # by hand: ∂f/∂b = 7, ∂f/∂a = 35, ∂f/∂x = 70, ∂f/∂w = 105, ∂f/∂y = 42, ∂f/∂z = 30
    assert printed(sheet, "upstream") == [1, 1]
    assert printed(sheet, "down") == []
    assert printed(sheet, "grad") == [1]
    assert printed(sheet, "forward") == [2, 3, 5, 7, 6, 30, 210]


def test_a_named_cell_is_never_printed():
    """Whatever is printed, the cells that are asked for are not."""
    sheet = sheet_of("a = w*x; f = a*y", {"da": 1, "value.a": 2}, blank=("local",), w=2, x=3, y=5)
    assert printed(sheet, "forward") == [2, 3, 5, 30]
    assert 5 not in printed(sheet, "grad")
    assert printed(sheet, "upstream") == [1, 1]


def test_a_fan_out_asks_for_the_sum():
    """Under the edges of a node that is used twice stands the sum, which is the node's gradient."""
    sheet = sheet_of("(x+y)*(x*y)", {"dx": 2, "down.n1.x": 1}, x=2, y=3)
    rows = [row for row in sheet.parts[0].rows if row.sum]
    assert [row.grad.address for row in rows] == ["dx", ""]
    assert [row.down.address for row in sheet.parts[0].rows if row.down is not None][:2] == ["down.n1.x", ""]


def test_cells_without_a_place_in_the_table_are_asked_for_below():
    """An entry of a tensor, and a text that occurs twice, have no cell of their own."""
    text = """
schema = "gradcli.assignment/1"
[[problem]]
id = "1"
expr = "sum(W@x) + sum(x*x) + sum(x*x)"
at = { W = [[1, 2], [3, 4]], x = [5, 6] }
cells = { "grad.W[0,1]" = 1, "grad.(x*x)" = 1, dx = 1 }
"""
    sheet = Press(parsed(text, "hw.toml")).sheet("ann")
    assert [asked.address for asked in sheet.parts[0].asked if not asked.placed] == ["grad.W[0,1]", "grad.(x*x)"]
    for renderer in (worksheet_markdown, worksheet_html, worksheet_latex):
        assert "W[0,1]" in renderer.render(sheet, ENGLISH)


def test_the_key_has_the_right_numbers():
    """By hand, lecture 4: q = 3, f = -12, ∂f/∂q = -4."""
    sheet = sheet_of("q = x + y; f = q*z", {"value": 1, "value.q": 1, "dq": 1, "dz": 1}, x=-2, y=5, z=-4)
    assert [line[2:4] for line in key(sheet)] == [("value", "-12"), ("value.q", "3"), ("dq", "-4"), ("dz", "3")]
    assert [line[3] for line in twin(sheet)] == [""] * 4


# ── formats ─────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    '<script>alert(1)</script> --> | \\input{/etc/passwd} $x^2$ `code` **b** "q" [link](http://x.org) \x1b[31m \u202e'
)


def hostile_sheet() -> Sheet:
    """A sheet whose every text is out to act."""
    sheet = Press(HW4).sheet("20240101")
    parts = tuple(part._replace(title=HOSTILE, text=HOSTILE) for part in sheet.parts)
    return sheet._replace(title=HOSTILE, student=HOSTILE, name=HOSTILE, parts=parts)


class Tags(HTMLParser):
    """Collects the elements of a page, and checks that they are closed."""

    VOID = ("meta",)

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_whole_and_inert(language):
    """One file: closed elements, no script, link, picture or address from elsewhere, whatever the texts are."""
    page = worksheet_html.render(hostile_sheet(), Words(language))
    tags = Tags(page)
    assert not tags.open
    assert not {"script", "link", "img", "iframe", "a", "object", "form"} & {tag for tag, _ in tags.seen}
    assert not {"src", "href", "onclick", "onload"} & {name for _, attributes in tags.seen for name in attributes}
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(", page)
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_html_has_a_frame_for_every_cell_asked_for():
    """Each asked cell has one framed place, with its address."""
    sheet = Press(HW4).sheet("20240101")
    page = worksheet_html.render(sheet, ENGLISH)
    assert page.count('class="ask"') == len(addresses(sheet))


def balanced(document: str) -> bool:
    r"""Whether braces and environments close in order; \{ and \} are letters."""
    depth, environments = 0, []
    for match in re.finditer(r"\\(begin|end)\{(\w+\*?)\}|\\.|[{}]", document, re.DOTALL):
        if match[1] == "begin":
            environments.append(match[2])
        elif match[1] == "end":
            if not environments or environments.pop() != match[2]:
                return False
        elif match[0] in "{}":
            depth += 1 if match[0] == "{" else -1
            if depth < 0:
                return False
    return depth == 0 and not environments


@pytest.mark.parametrize("language", LANGUAGES)
def test_latex_is_whole_and_inert(language):
    """Braces and environments close, rows have as many cells as columns, and no command comes from a text."""
    document = worksheet_latex.render(hostile_sheet(), Words(language))
    assert balanced(document)
    assert "\\input{" not in document.replace("\\textbackslash{}input", "")
    assert "\x1b" not in document
    for sides, table in re.findall(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}(.*?)\\end\{tabular\}", document, re.DOTALL):
        rows = [line for line in table.splitlines() if line.rstrip().endswith(("\\\\", "\\\\[2pt]"))]
        assert len(rows) > 3
        assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(sides)}
    assert document.count("\\ask{") == len(addresses(hostile_sheet()))


def test_latex_loads_hangul_where_it_is_needed():
    """kotex is loaded for Korean names and sheets, and for nothing else."""
    sheet = Press(HW4).sheet("20240101")
    assert "kotex}" not in worksheet_latex.render(sheet, ENGLISH)
    assert "\\usepackage{kotex}" in worksheet_latex.render(sheet._replace(name="김하늘"), ENGLISH)
    assert "\\usepackage{kotex}" in worksheet_latex.render(sheet, Words("ko"))


def test_markdown_shows_texts_and_does_not_run_them():
    """Nothing of a text becomes an element, a comment's end, a link, or a column."""
    page = worksheet_markdown.render(hostile_sheet(), ENGLISH)
    comment, _, page = page.partition("\n")
    assert comment.count("-->") == 1
    assert comment.endswith("-->")
    assert "<script" not in page
    assert not re.search(r"(?<!\\)\]\(|http:|[^\\]`code|[^\\*]\*\*b", page)
    assert "\x1b" not in page
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_filled_sheet_is_read_back(tmp_path):
    """The answers in a sheet's own table are the submission of its student, in each language."""
    from gradcli.homework.files import submissions

    sheet = Press(HW4).sheet("20240118", "한예린")
    for language in LANGUAGES:
        page = worksheet_markdown.render(sheet, Words(language))
        empty = re.split(r"(?m)(?<=`) \|  \| (?=`[^|]*\| \d+ \|$)", page)
        filled = "".join(f"{piece} | {count} | " for count, piece in enumerate(empty[:-1], 1)) + empty[-1]
        (tmp_path / "sheet.md").write_text(filled, encoding="utf-8")
        (found,) = submissions.read([str(tmp_path / "sheet.md")], HW4)
        assert (found.student, found.name, found.faults) == ("20240118", "한예린", ())
        read = [(name, answer.address, answer.text) for name, answers in found.answers.items() for answer in answers]
        asked = [(part.id, asked.address) for part in sheet.parts for asked in part.asked]
        assert read == [(*cell, str(count)) for count, cell in enumerate(asked, 1)]


def test_both_languages_print_the_same_numbers():
    """A translation changes words alone."""
    sheet = Press(HW4).sheet("20240101")
    pages = [worksheet_markdown.render(sheet, Words(language)) for language in LANGUAGES]
    codes = [re.findall(r"`[^`]+`", page) for page in pages]
    assert codes[0] == codes[1]
    assert "국소적 미분" in pages[1]
    assert not re.search("[가-힣]", pages[0])


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────

NAMES = [
    ("2024-001", "2024-001"),
    ("../../etc/passwd", "etc_passwd"),
    ("a/b", "a_b"),
    ("a\\b:c*?", "a_b_c"),
    (".hidden", "hidden"),
    ("CON", "_CON"),
    ("nul.txt", "_nul.txt"),
    ("-rf", "_-rf"),
    ("김하늘", "김하늘"),
    ("\u202egpj.exe", "gpj.exe"),
    ("", "_"),
    ("..", "_"),
    ("x" * 300, "x" * 80),
]


@pytest.mark.parametrize(("word", "expected"), NAMES, ids=lambda each: ascii(each)[:20])
def test_any_id_has_a_file_name(word, expected):
    """No id leads out of the folder, hides a file, or names a device."""
    assert writing.safe_name(word, set()) == expected


def test_file_names_are_never_shared():
    """Ids that differ in what a file name cannot hold, or in case alone, get names of their own."""
    taken: set[str] = set()
    names = [writing.safe_name(word, taken) for word in ("a/b", "a_b", "A_B", "a:b")]
    assert len({name.casefold() for name in names}) == 4


def test_the_longest_names_can_be_written(tmp_path):
    """A file name has 255 bytes, a letter up to four."""
    taken: set[str] = set()
    for letter in "x한𝛼":
        writing.write(tmp_path / f"{writing.safe_name(letter * 300, taken)}.html", letter)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_is_whole_or_not_there(tmp_path):
    """An error on the way leaves neither the file nor its temporary one; what was there before stays."""
    file = tmp_path / "deep" / "marks.csv"
    with pytest.raises(ValueError, match="broken"), writing.opened(file) as stream:
        stream.write("half")
        raise ValueError("broken")
    assert not list(file.parent.iterdir())
    writing.write(file, "one")
    with pytest.raises(FileError, match="exists"):
        writing.write(file, "two")
    assert file.read_text() == "one"
    writing.write(file, "two", force=True)
    assert file.read_text() == "two"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("keep", [True, False])
def test_an_interrupt_keeps_what_is_to_be_kept(tmp_path, keep):
    """Ctrl-C leaves the lines written so far where that was asked for, and nothing else."""
    with pytest.raises(KeyboardInterrupt), writing.opened(tmp_path / "marks.csv", keep=keep) as stream:
        stream.write("ann,3\n")
        raise KeyboardInterrupt
    assert [path.read_text() for path in tmp_path.iterdir()] == (["ann,3\n"] if keep else [])


def test_text_is_guarded_in_csv_and_numbers_are_not():
    """A spreadsheet runs no cell; -4 stays a number."""
    stream = io.StringIO()
    writing.csv_rows(stream, [["=1+1", "-4", -4, "@x", "-4+1", "plain, with comma"]])
    assert stream.getvalue() == "'=1+1,-4,-4,'@x,'-4+1,\"plain, with comma\"\r\n"


def worksheet(*words: str) -> int:
    return run(["worksheet", *words])


HW = str(EXAMPLES / "hw4.toml")
CLASS = ("--roster", str(EXAMPLES / "roster.csv"))


def test_a_class_gets_its_sheets(tmp_path, capsys):
    """A sheet and a CSV to fill in for each student, and the key in a folder of its own."""
    folder = tmp_path / "sheets"
    assert worksheet(HW, *CLASS, "-o", str(folder), "--key", "--format", "html") == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{student}.{end}" for student in ROSTER for end in ("csv", "html")
    )
    keys = tmp_path / "sheets-key"
    assert sorted(path.name for path in keys.iterdir()) == ["key.csv", "key.md"]
    assert "20 worksheets" in capsys.readouterr().out
    raw = (folder / "20240101.csv").read_bytes()
    assert raw.startswith("\ufeffsheet,problem,cell,answer\r\n20240101,1,value,\r\n".encode())
    answers = list(csv.DictReader((keys / "key.csv").read_text("utf-8-sig").splitlines()))
    assert len(answers) == 20 * sum(len(problem.cells) for problem in HW4.problems)
    assert {row["sheet"] for row in answers} == set(ROSTER)
    assert worksheet(HW, *CLASS, "-o", str(folder)) == 4
    assert "--force" in capsys.readouterr().err
    assert worksheet(HW, *CLASS, "-o", str(folder), "--force") == 0


@pytest.mark.parametrize(
    ("output", "keys"), [(".", "key"), ("..", "../key"), ("s/", "s-key"), ("a/../s", "a/../s-key")]
)
def test_the_key_stands_apart(tmp_path, monkeypatch, output, keys):
    """The key is never among the sheets, whatever the folder is called."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "work" / "a").mkdir()
    assert worksheet("x*y", "--student", "ann", "-o", output, "--key") == 0
    assert sorted(path.name for path in Path(keys).iterdir()) == ["key.csv", "key.md"]
    assert sorted(path.name for path in Path(output).iterdir() if path.is_file()) == ["ann.csv", "ann.md"]


@pytest.mark.parametrize(
    ("form", "ending", "page"),
    [("markdown", "md", "\n---\n"), ("html", "html", "</section>\n<section>"), ("latex", "tex", "\\clearpage")],
)
def test_all_sheets_in_one_file(tmp_path, form, ending, page):
    """--one-file: a file of sheets, each on a page of its own, and one CSV for all."""
    assert worksheet(HW, *CLASS, "-o", str(tmp_path / "s"), "--one-file", "--format", form) == 0
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["answers.csv", f"worksheets.{ending}"]
    text = (tmp_path / "s" / f"worksheets.{ending}").read_text()
    assert text.count(page) == 19
    assert all(student in text for student in ROSTER)
    assert len((tmp_path / "s" / "answers.csv").read_text("utf-8-sig").splitlines()) == 501


def test_the_key_earns_every_point(tmp_path, capsys):
    """What worksheet says is right, grade marks as right: both work out the same values."""
    assert worksheet(HW, *CLASS, "-o", str(tmp_path / "s"), "--key") == 0
    answers = list(csv.reader((tmp_path / "s-key" / "key.csv").read_text("utf-8-sig").splitlines()))
    with (tmp_path / "filled.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(line[:4] for line in answers)
    assert run(["grade", HW, str(tmp_path / "filled.csv"), "-o", str(tmp_path / "marks")]) == 0
    marks = list(csv.DictReader((tmp_path / "marks" / "marks.csv").read_text("utf-8-sig").splitlines()))
    assert {row["id"]: (row["total"], row["max"]) for row in marks} == dict.fromkeys(ROSTER, ("33", "33"))


STATES = """
20240101 1:dx right
20240102 3:ds right
20240102 3:dx0 rounded
20240102 3:dw1 rounded
20240103 1:dq right
20240103 2:dtax wrong
20240104 4:dx wrong
20240105 1:dq wrong
20240105 1:dx carried
20240106 3:ds wrong
20240106 3:dw0 carried
20240107 5:dh blank
20240108 2:dapple coarse
20240109 3:value unreadable
20240110 5:db wrong
20240111 5:dh wrong
20240111 5:dw carried
20240112 1:dx right
20240112 3:dx0 right
20240112 4:dx right
20240113 1:value.q wrong
20240113 1:value carried
20240114 3:value.s blank
20240115 1:dx wrong
20240116 3:ds wrong
20240116 3:dx1 carried
20240117 2:dapple right
20240118 3:ds wrong
20240118 3:dw0 carried
20240119 4:dx wrong
20240120 5:dh wrong
20240120 5:dw carried
"""
"""What became of some answers of the example: student, cell, state. By hand, from how they were made up."""


def test_the_example_class_is_marked_as_it_was_made_up(tmp_path, capsys):
    """20 students in four kinds of files, one of them twice, and every state: each cell is found in its own."""
    folder = tmp_path / "marks"
    assert run(["grade", HW, str(EXAMPLES / "answers"), *CLASS, "-o", str(folder)]) == 4  # three cannot be read
    rows = csv.DictReader((folder / "marks.csv").read_text("utf-8-sig").splitlines())
    marks = {row["id"]: row for row in rows}
    assert sorted(marks) == sorted(ROSTER)
    for line in STATES.split("\n")[1:-1]:
        student, cell, state = line.split()
        assert (line, marks[student][f"{cell} state"]) == (line, state)
    assert {student for student in ROSTER if marks[student]["total"] == "33"} == {
        "20240101",
        "20240102",
        "20240112",
        "20240117",
    }
    assert marks["20240106"]["3:dw0"] == "0"  # after a gradient of 0 there is nothing left to work out
    assert float(marks["20240116"]["3:dw0"]) == 0.5  # one wrong sign in the middle is one mistake
    listed = (folder / "review.csv").read_text("utf-8-sig")
    assert listed.count("20240109") == 3
    assert "late-20240103.toml" in listed
    assert sorted(path.name for path in (folder / "feedback").iterdir()) == sorted(
        f"{student}.md" for student in ROSTER
    )


def test_a_bare_expression_prints_one_sheet(capsys):
    """The shortcut: Markdown on standard output, for nobody in particular; --key prints the answers instead."""
    assert worksheet("(x+y)*z", "--x=-2", "--y=5", "--z=-4") == 0
    page = capsys.readouterr().out
    assert "with `x = -2, y = 5, z = -4`" in page
    assert "| `grad.n1` |  | `∂f/∂n1` |" in page
    assert "-12" not in page
    assert worksheet("(x+y)*z", "--x=-2", "--y=5", "--z=-4", "--key") == 0
    assert "| `value` | `-12` | `f` |" in capsys.readouterr().out


def test_one_student_gets_the_sheet_of_the_class(tmp_path, capsys):
    """--student prints what the roster's file holds, but for the name."""
    assert worksheet(HW, *CLASS, "-o", str(tmp_path / "s")) == 0
    capsys.readouterr()
    assert worksheet(HW, "--student", "20240105") == 0
    alone, filed = capsys.readouterr().out, (tmp_path / "s" / "20240105.md").read_text()
    assert alone.replace("________________", "Ben Okafor") == filed


WRONG = [
    ((), 2, "the assignment is missing"),
    ((HW,), 2, "whose sheet?"),
    ((HW, "--student", " "), 2, "--student has no id"),
    ((HW, "--student", "a", "--roster", "b"), 2, "contradict"),
    ((HW, "--student", "a", "--one-file"), 2, "--one-file needs a roster"),
    ((HW, "--blank", "gard", "--student", "a"), 2, "did you mean grad?"),
    ((HW, "--format", "pdf", "--student", "a"), 2, "--format cannot be 'pdf'"),
    ((HW, "--lang", "fr", "--student", "a"), 2, "--lang"),
    ((HW, "--roster", "no-such.csv"), 4, "no such file"),
    (("no-such.toml",), 4, "no such file"),
    ((HW, "--x=3", "--student", "a"), 2, "gives x its value"),
    (("x*key", "--key=3"), 2, "--set key=3"),
    (("x*", "--x=3"), 2, "error"),
    (("+".join(["x"] * 400), "--x=3"), 5, "do not fit on a sheet"),
]


@pytest.mark.parametrize(("words", "status", "told"), WRONG, ids=lambda each: None)
def test_what_is_wrong_is_told(words, status, told, capsys, tmp_path, monkeypatch):
    """Each mistake has its exit status and says what to do; nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert worksheet(*words) == status
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert not list(tmp_path.iterdir())


def test_cells_without_a_number_are_told(tmp_path, capsys):
    """Where an answer would be nan, the sheets are printed, the teacher is told, and the exit status says so."""
    assert worksheet("log(x)*y", "--x=-1", "--y=2", "--blank", "value") == 3
    captured = capsys.readouterr()
    assert "value.n1" in captured.out
    assert "problem 1: value.n1 is nan" in captured.err
    assert worksheet("log(x)*y", "--x=-1", "--y=2", *CLASS, "-o", str(tmp_path / "s")) == 3
    assert "20240101: problem 1: value is nan" in capsys.readouterr().err
    assert len(list((tmp_path / "s").iterdir())) == 40


def test_an_interrupt_leaves_whole_sheets(tmp_path, monkeypatch):
    """Ctrl-C ends with 130; the sheets until then are there, and no half of a file, and no half of a key."""
    made = Press.sheet

    def sheet(self: Press, student: str, name: str = "") -> Sheet:
        if student == "20240103":
            raise KeyboardInterrupt
        return made(self, student, name)

    monkeypatch.setattr(Press, "sheet", sheet)
    assert worksheet(HW, *CLASS, "-o", str(tmp_path / "s"), "--key") == 130
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["s/20240101.csv", "s/20240101.md", "s/20240102.csv", "s/20240102.md"]


def test_ids_that_are_paths_stay_in_the_folder(tmp_path):
    """A roster cannot write elsewhere."""
    (tmp_path / "ids.csv").write_text('id,name\n../../etc/evil,Eve\n=cmd(),"O\'Neill, Ann"\n')
    assert worksheet(HW, "--roster", str(tmp_path / "ids.csv"), "-o", str(tmp_path / "a" / "s")) == 0
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["a/s/cmd.csv", "a/s/cmd.md", "a/s/etc_evil.csv", "a/s/etc_evil.md", "ids.csv"]
    assert "'=cmd()" in next((tmp_path / "a" / "s").glob("*cmd*.csv")).read_text("utf-8-sig")


def test_who_may_read_a_file_stays_as_it_was(tmp_path):
    """--force writes over a file, and leaves its permissions."""
    path = tmp_path / "key.csv"
    writing.write(path, "1")
    path.chmod(0o600)
    writing.write(path, "2", force=True)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("2", 0o600)
