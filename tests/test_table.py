"""The table: golden files at fixed widths, and what must hold at every width."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest

from gradcli.render.figures import Style, aligned, bar, figure, plain
from gradcli.render.lines import folded, text_of, wrapped
from gradcli.render.table import render, verdicts
from gradcli.report import Report, build
from gradcli.syntax import parse
from gradcli.verify.verdicts import DifferencesVerdict, Kink, ProofVerdict, SympyVerdict, Verification

GOLDEN = Path(__file__).parent / "golden" / "table"

CASES: dict[str, tuple[str, dict[str, float]]] = {
    "neuron": ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    "fan-out": ("(x+y)*(x*y)", {"x": 2, "y": 3}),
    "max-tie": ("max(x,y)", {"x": 2, "y": 2}),
    "max-gate": ("2*(x*y+max(z,w))", {"x": 3, "y": -4, "z": 2, "w": -1}),
    "log-outside": ("log(x)", {"x": -1}),
    "branch": ("where(x>0,sqrt(x),0)", {"x": 0}),
    "lecture": ("q=x+y; f=q*z", {"x": -2, "y": 5, "z": -4}),
    "overflow": ("1/(1+exp(-x))", {"x": -1000}),
    "unused": ("a=x*y; b=2*3; x+b", {"x": 1, "y": 2}),
    "constant": ("2*3", {}),
}
WIDTHS = (60, 80, 120, None)

VERIFIED = Verification(
    ProofVerdict("passed", 13, 12, 15),
    SympyVerdict(
        "passed",
        1e-16,
        {"w0": "x0*f*(1-f)", "x0": "w0*f*(1-f)", "w1": "x1*f*(1-f)", "x1": "w1*f*(1-f)", "w2": "f*(1-f)"},
        5,
    ),
    DifferencesVerdict("passed", {"x1": 1.2e-10}, "happy"),
)


def report(case: str) -> Report:
    text, values = CASES[case]
    return of(text, **values)


def of(text: str, **values: float) -> Report:
    return build(parse(text).forward(values).backward())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES)
def test_table_is_the_golden_one(case: str, width: int | None) -> None:
    """The table is, byte for byte, the one that was looked at; GRADCLI_GOLDEN=write writes it anew."""
    drawn = render(report(case), Style(width=width))
    if case == "neuron":
        drawn += verdicts(report(case).with_verification(VERIFIED), Style(width=width))
    path = GOLDEN / f"{case}-{width or 'natural'}.txt"
    if os.environ.get("GRADCLI_GOLDEN") == "write":
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_columns_give_way_but_numbers_do_not(case: str) -> None:
    """At any width, however narrow, each node's value and each edge's product stand there whole."""
    found = report(case)
    for width in (10, 40, 60, 80, 100, 140, None):
        drawn = re.sub(" +", " ", render(found, Style(width=width)))
        for node in found.node_rows(found.order):
            assert re.search(rf"^(✗ )?{node.name}( = .*)? {figure(node.value, Style())}( |$)", drawn, re.MULTILINE)
            for edge in node.edges:
                figures = [figure(x, Style()) for x in (edge.local, edge.upstream, edge.downstream)]
                assert re.search(r" {} × {} = {}( =|$)".format(*map(re.escape, figures)), drawn, re.MULTILINE)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_table_fits_its_width(case: str, width: int) -> None:
    """Where the figures leave room, no line is longer than the terminal."""
    assert max(map(len, render(report(case), Style(width=width)).splitlines())) <= width


@pytest.mark.parametrize("case", CASES)
def test_colour_changes_no_character(case: str) -> None:
    """Without its escapes the coloured table is the plain one, and colour never turns up unasked."""
    style = Style(width=80, rank_nodes=True)
    coloured = render(report(case), Style(width=80, rank_nodes=True, colour=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(report(case), style)


def test_forward_is_green_and_gradients_are_red() -> None:
    """The lecture's colours: the forward value 3 of q in green, its gradient -4 in red."""
    line = next(
        line for line in render(report("lecture"), Style(width=80, colour=True)).splitlines() if "q = x+y" in line
    )
    assert re.search(r"\x1b\[32m +3 *\x1b", line)
    assert re.search(r"\x1b\[1;31m *-4\x1b", line)


@pytest.mark.parametrize("case", CASES)
def test_ascii_form_is_ascii(case: str) -> None:
    """For an encoding without ∂, × and ✓ every character is ASCII, and the figures are the same."""
    drawn = render(report(case), Style(width=100, ascii=True, rank_nodes=True, paths=tuple(report(case).graph.inputs)))
    assert drawn.isascii()
    assert verdicts(report("neuron").with_verification(VERIFIED), Style(ascii=True)).isascii()


def test_names_beyond_ascii_are_escaped_in_ascii() -> None:
    """A variable θ is shown as \\u03b8 where the encoding has no θ."""
    assert "\\u03b8" in render(of("θ*2", θ=1), Style(ascii=True))
    assert "∂f/∂θ" in render(of("θ*2", θ=1), Style())


def test_fan_out_shows_its_sum() -> None:
    """A node that is used twice has a line for each use, and the sum of both."""
    drawn = render(report("fan-out"), Style(width=80))
    assert "copy, used twice: 6 + 15     = 21" in drawn
    assert "copy, used twice: 6 + 10     = 16" in drawn


def test_sum_line_has_the_terms_if_they_fit() -> None:
    """Negative terms stand in brackets; of terms that do not fit the columns only their number is told."""
    assert "copy, used twice: 3 + (-1) = 2" in re.sub(" +", " ", render(of("x*3-x", x=2), Style()))
    assert "copy: 3 + 0.2711 + 0.9051 = 4.1762" in re.sub(" +", " ", render(of("x^2+tanh(x)*x", x=1.5), Style()))
    assert "copy, used 10 times = 10" in re.sub(" +", " ", render(of("+".join("x" * 10), x=2), Style()))
    drawn = re.sub(" +", " ", render(of("relu(x)*1.5+relu(-x)*x+max(x,3)", x=1), Style(width=120)))
    assert "1.5 + 0 + 0 = 1.5" in drawn  # what was not chosen is a term too


def test_second_edge_between_the_same_nodes_has_its_own_line() -> None:
    """x*x has two edges from x: 3 + 3 = 6 at 3."""
    drawn = render(of("x*x", x=3), Style())
    assert re.sub(" +", " ", drawn).count("∂f/∂x = x 3 ×") == 2
    assert "3 + 3" in drawn


def test_many_uses_are_summarised() -> None:
    """Of forty uses the first are shown, then how many more there are, then the sum."""
    drawn = render(of("+".join(["x"] * 40), x=1), Style(width=80))
    assert "… 28 more edges" in drawn
    assert re.search(r"copy, used 40 times += 40\n", drawn)
    assert "more edges" not in render(of("+".join(["x"] * 40), x=1), Style(width=80, full=True))


def test_long_tables_show_head_tail_and_a_count() -> None:
    """Of 1,201 rows, 60 are shown, with the count of the rest; --full shows all."""
    text = "+".join(f"x{i}*0.5" for i in range(401))
    drawn = render(of(text, **{f"x{i}": 1.0 for i in range(401)}), Style(width=80))
    assert "… 1,142 more rows (--full shows all)" in drawn
    assert "\nx0 " in drawn and "\nf = " in drawn and "\nx399" not in drawn
    assert len(drawn.splitlines()) < 100
    full = render(of(text, **{f"x{i}": 1.0 for i in range(401)}), Style(width=80, full=True))
    assert "more rows" not in full and "\nx399" in full


def test_long_names_exceed_the_width_rather_than_lose_digits() -> None:
    """A name of sixty letters at 40 columns: the lines are longer, the figures whole."""
    name = "a" * 60
    line = next(
        line
        for line in render(of(f"{name}*0.123456", **{name: 1.0}), Style(width=40)).splitlines()
        if line.startswith(name)
    )
    assert line.split()[1:] == ["1", "0.1235", "×", "1", "=", "0.1235"]


TITLES = [
    ("# a comment\x1b[31m\nq = x*2  # two\nq+1", 80, "q = x*2; q+1 "),
    ("x*2", 80, "f = x*2 "),
    ("max(x,  # the first\n  2)", 80, "f = max(x, 2) "),
    ("q1 = x*1; q2 = q1*2; q3 = q2*3; q3*4", 20, "q1 = x*1; q2 = q1*2\nq3 = q2*3; q3*4\n"),
    ("; ".join(["q0 = x*2", *(f"q{i + 1} = q{i}*2" for i in range(20))]), 60, "…; q20 = q19*2 "),
]


@pytest.mark.parametrize(("text", "columns", "title"), TITLES)
def test_the_title_is_the_formula(text: str, columns: int, title: str) -> None:
    """Statements stand side by side, without comments; where they would take many lines, the last one alone."""
    drawn = render(of(text, x=1), Style(width=columns))
    assert drawn.startswith(title)
    assert "\x1b" not in drawn


def test_a_number_alone_is_shown_with_its_value() -> None:
    """`3` has no table, but a value; so has pi, and a number with a name."""
    assert render(of("3"), Style()) == "f = 3\n\nf depends on no input: there is no gradient\n"
    assert render(of("pi"), Style()).startswith("f = pi = 3.1416\n")
    assert render(of("c = 1/4"), Style()).startswith("c = 1/4 ")


def test_comparisons_alone_carry_no_gradient() -> None:
    """x > 1 depends on x, though no gradient comes through."""
    drawn = render(of("x>1", x=2), Style())
    assert "f depends on its inputs through comparisons only, which carry no gradient" in drawn


def test_columns_give_way_one_by_one() -> None:
    """Shopping with long names: at 80 columns rules or formulas still stand there, and hardly a column is empty."""
    text = "apple_price = apple*apple_num; orange_price = orange*orange_num; price = (apple_price+orange_price)*tax"
    found = of(text, apple=100, apple_num=2, orange=150, orange_num=3, tax=1.1)
    drawn = render(found, Style(width=80))
    assert 70 <= max(map(len, drawn.splitlines())) <= 80
    assert "∂apple_price/∂apple" in drawn and drawn.count(" = n1") == 1
    assert " = tax" in drawn


@pytest.mark.parametrize("width", [40, 50, 60, 80])
def test_the_last_equals_signs_stand_under_each_other(width: int) -> None:
    """Also where words stand in place of figures."""
    text = "car_margin = car-cat+1; frog_margin = frog-cat+1; L = max(0,car_margin)+max(0,frog_margin)"
    drawn = render(of(text, car=5.1, cat=3.2, frog=-1.7), Style(width=width)).split("─\n")[1].split("\n\n")[0]
    assert len({line.rindex("=") for line in drawn.splitlines()}) == 1


def test_as_written_stands_only_where_it_differs() -> None:
    """exp(-(x*y)) is e^n2 in node names, as written the whole; x*y is x*y both times."""
    drawn = render(of("exp(-(x*y))", x=1, y=2), Style(width=140))
    assert "as written" in drawn
    assert not re.search(r"n1 = x\*y +2 +x\*y", drawn)
    assert "as written" not in render(of("a = x * y; b = a + 1", x=1, y=2), Style(width=140))


FIGURES = [
    # value, default, decimals=2, sig=3
    (2.0, "2", "2", "2"),
    (-12.0, "-12", "-12", "-12"),
    (0.5, "0.5", "0.5", "0.5"),
    (-0.0, "0", "0", "0"),
    (-0.19661193324148188, "-0.1966", "-0.20", "-0.197"),
    (0.1 + 0.2, "0.3", "0.3", "0.3"),
    (650 * 1.1, "715", "715", "715"),
    (0.1 * 3 + 1e-12, "0.3000", "0.30", "0.300"),
    (0.99999, "1.0000", "1.00", "1.00"),
    (4.248354e-18, "4.248e-18", "4.2e-18", "4.25e-18"),
    (0.00012345678, "0.0001235", "0.00012", "0.000123"),
    (0.0001, "0.0001", "0.00010", "0.0001"),
    (1e-5, "1e-5", "1e-5", "1e-5"),
    (12345.678901, "12345.6789", "12345.68", "12300"),
    (1e15, "1000000000000000", "1000000000000000", "1000000000000000"),
    (1e20, "1e20", "1e20", "1e20"),
    (1.23456e20, "1.2346e20", "1.23e20", "1.23e20"),
    (1.7976931348623157e308, "1.7977e308", "1.80e308", "1.80e308"),
    (5e-324, "5e-324", "5e-324", "5e-324"),
    (float("nan"), "nan", "nan", "nan"),
    (float("-inf"), "-inf", "-inf", "-inf"),
]


@pytest.mark.parametrize(("value", "default", "decimals", "sig"), FIGURES)
def test_figures(value: float, default: str, decimals: str, sig: str) -> None:
    """Exact where that is short, rounded where it is long, never 0 for what is not 0."""
    assert figure(value, Style()) == default
    assert figure(value, Style(decimals=2)) == decimals
    assert figure(value, Style(sig=3)) == sig


def test_figures_align_at_the_point() -> None:
    """Points stand under each other; what has none ends before the point's column."""
    assert aligned(["-1", "0.3679", "", "nan", "4.2e-18", "-inf"]) == [
        "  -1      ",
        "   0.3679 ",
        "          ",
        " nan      ",
        "   4.2e-18",
        "-inf      ",
    ]
    assert aligned([]) == []


def test_bars_are_shares() -> None:
    """A full bar, a half, a sliver for whatever is more than nothing, and nothing for nothing."""
    assert [bar(share, 8, Style()) for share in (1.0, 0.5, 1e-9, 0.0)] == ["████████", "████", "▏", ""]
    assert bar(0.5, 8, Style(ascii=True)) == "####"


def test_plain_text_raises_powers_in_ascii() -> None:
    """-1/n7² is -1/n7^2 in ASCII, and x⁻¹² is x^-12."""
    assert plain("∂f/∂n7 = -1/n7² · x⁻¹²", Style(ascii=True)) == "df/dn7 = -1/n7^2 * x^-12"


def test_wrapping_breaks_between_words_only() -> None:
    """A number is never broken, even if it is longer than the line."""
    lines = [text_of(line) for line in wrapped([("x = -1e-5 is 123456789012345678901234", "")], 12)]
    assert lines == ["x = -1e-5 is", "  123456789012345678901234"]


def test_folding_breaks_after_operators_only() -> None:
    """A long expression breaks after an operator, numbers stay whole, and what is too much is left out."""
    assert folded("a*1.5e-10+b*2.5e-10", 10, 6) == ["a*1.5e-10+", "b*2.5e-10"]
    assert folded("x+" * 100 + "x", 10, 2) == ["x+x+x+x+x+", "x+x+x+x+x+ …"]


VERDICTS = [
    (Verification(), ""),
    (
        Verification(proof=ProofVerdict("passed", 3, 1, 16)),
        "✓ proved: all 3 values and the local gradient; f and its gradients to 16 digits\n",
    ),
    (
        Verification(proof=ProofVerdict("failed", 3, 2, None, failures=("grad.x is 2, not 3",))),
        "✗ proof FAILED: a number lies outside its rigorous bounds:\n    grad.x is 2, not 3\n",
    ),
    (
        Verification(proof=ProofVerdict("partial", 2, 1, None, unproved=("value.f: too wide",))),
        "○ proved: 2 values and 1 local gradient; not proved:\n    value.f: too wide\n",
    ),
    (
        Verification(proof=ProofVerdict("passed", 1, 1, 3, warnings=("f has 3 right digits",), notes=("a kink",))),
        "✓ proved: the value and the local gradient; f and its gradients to 3 digits\n"
        "note: a kink\nwarning: f has 3 right digits\n",
    ),
    (
        Verification(proof=ProofVerdict("passed", 3, 4, 0, lost={"value": 0}, others=15)),
        "✓ proved: all 3 values and 4 local gradients; f to 0 digits (see the warning), its gradients to 15\n",
    ),
    (
        Verification(proof=ProofVerdict("passed", 2, 2, 3, lost={"grad.x": 3}, others=14)),
        "✓ proved: both values and both local gradients; f to 14 digits, its gradients to 3 (see the warning)\n",
    ),
    (
        Verification(proof=ProofVerdict("passed", 2, 0, 15, uncounted=("grad.x",), kinks=(Kink(2, "f is bent"),))),
        "✓ proved: both values; f to 15 digits\nnote: f is bent\n",
    ),
    (
        Verification(
            proof=ProofVerdict("passed", 2, 1, 15, kinks=(Kink(2, "f is bent"),)),
            sympy=SympyVerdict("passed", 0.0, {}, 2, asked=2, kinks=(Kink(None, "x is bent"),)),
        ),
        "✓ sympy derived both gradients by itself and agrees\n"
        "✓ proved: both values and the local gradient; f and its gradients to 15 digits\nnote: f is bent\n",
    ),
    (
        Verification(sympy=SympyVerdict("partial", checked=1, asked=2, ops=3, unchecked=("∂f/∂y (nan)",))),
        "○ sympy derived 1 of the 2 gradients by itself and agrees; not checked:\n    ∂f/∂y (nan)\n",
    ),
    (
        Verification(sympy=SympyVerdict("partial", checked=0, asked=2, ops=3, unchecked=("the whole",))),
        "○ sympy agrees with 3 ops, taken one by one; not checked:\n    the whole\n",
    ),
    (
        Verification(sympy=SympyVerdict("passed", 0.0, {"x": "2*x^3"}, 1)),
        "✓ sympy derived the gradient by itself and agrees\n    ∂f/∂x = 2·x³\n",
    ),
    (
        Verification(sympy=SympyVerdict("skipped", unchecked=("the expression is too large",))),
        "○ not checked by sympy:\n    the expression is too large\n",
    ),
    (
        Verification(sympy=SympyVerdict("failed", 0.5, {}, 1, failures=("∂f/∂x: sympy 2, engine 3",))),
        "✗ sympy derived the gradients by itself and DISAGREES:\n    ∂f/∂x: sympy 2, engine 3\n",
    ),
    (
        Verification(differences=DifferencesVerdict("passed", {"x": 1e-9}, "happy")),
        "✓ central differences agree: relative error at most 1e-9 (CS231n's word: happy)\n",
    ),
    (
        Verification(differences=DifferencesVerdict("partial", unchecked=("f jumps",))),
        "○ not checked by differences:\n    f jumps\n",
    ),
    (
        Verification(differences=DifferencesVerdict("failed", {"x": 0.5}, "wrong", failures=("∂f/∂x",))),
        "✗ central differences DISAGREE: relative error at most 0.5 (CS231n's word: wrong)\n    ∂f/∂x\n",
    ),
]


@pytest.mark.parametrize(("verification", "expected"), VERDICTS)
def test_verdicts_say_what_was_checked(verification: Verification, expected: str) -> None:
    """Each outcome has its mark and its words; failures, and what is left over, are listed under it."""
    assert verdicts(of("x^2+y", x=1, y=1).with_verification(verification), Style()) == expected


def test_closed_forms_that_do_not_fit_are_counted() -> None:
    """A closed form longer than a line is not broken: its absence is told."""
    long = "+".join(["x"] * 80)
    drawn = verdicts(
        of("x*y", x=1, y=1).with_verification(
            Verification(sympy=SympyVerdict("passed", 0.0, {"x": long, "y": "x"}, 2))
        ),
        Style(width=80),
    )
    assert drawn.splitlines()[1:] == ["    ∂f/∂y = x", "    … 1 more closed form: --format json"]


def test_paths_section_lists_products_and_shares() -> None:
    """The two paths of (x+y)*(x*y) from x: 15 of 21 and 6 of 21."""
    drawn = render(report("fan-out"), Style(width=80, paths=("x",)))
    assert "2 paths from x to f; their products add up to ∂f/∂x = 21\n  15  71 %  x → n2 → f  3 × 5\n" in drawn
    assert "   6  29 %  x → n1 → f  1 × 6\n" in drawn


def test_paths_section_counts_what_it_does_not_list() -> None:
    """2^100 paths: twenty are listed, all are counted; of ways alike, one stands for all."""
    text = "a0=x*1" + "".join(f"; a{i + 1}=a{i}*a{i}" for i in range(100))
    drawn = render(of(text, x=1), Style(width=80, paths=("x",)))
    assert "about 10^30 paths from x to a100" in drawn
    assert "(about 10^30 such paths)" in drawn and "shown:" not in drawn
    text = "a0=x*1" + "".join(f"; a{i + 1}=a{i}*(a{i}+1)" for i in range(100))
    assert "shown: 20 of about 10^30" in render(of(text, x=1e-3), Style(width=80, paths=("x",)))


def test_no_path_is_said() -> None:
    """From the branch not taken no path passes a gradient."""
    drawn = render(of("max(x,y)", x=1, y=2), Style(paths=("x",)))
    assert "no path from x to f passes a gradient: ∂f/∂x = 0" in drawn


def test_ranking_of_nodes_is_by_size() -> None:
    """--rank nodes lists every node but the output, the largest |gradient| first."""
    drawn = render(report("neuron"), Style(rank_nodes=True))
    section = drawn[drawn.index("contribution") :].splitlines()[1:13]
    assert [line.split()[0] for line in section[:5]] == ["x1", "n6", "n7", "x0", "w1"]
    sizes = [float(line.split()[1]) for line in section]
    assert sizes == sorted(sizes, reverse=True)


def test_few_plans_are_tried_on_a_large_table() -> None:
    """Of 236 nodes with names of every length the table is laid out some dozens of times, not tens of thousands."""
    values = {f"{'x' * (i % 25 + 1)}{i}": 1.3 + i for i in range(60)}
    text = " + ".join(f"sigmoid({a}*{b})" for a, b in pairwise(values))
    found = of(text, **values)
    start = process_time()
    for width in (60, 80, 120):
        render(found, Style(width=width))
    assert process_time() - start < 5
