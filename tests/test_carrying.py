"""What follows from a student's own earlier numbers counts as the right method; what garbage leads to does not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gradcli.homework.carrying import ends
from gradcli.homework.checking import check
from gradcli.homework.files.assignment import load
from gradcli.homework.files.submissions import Submission
from gradcli.homework.marking.grading import Marker, credit
from gradcli.homework.numbers.given import read
from gradcli.homework.records import Answer, Checked, Number, Rules, State
from gradcli.syntax import parse

ROOT = Path(__file__).parent.parent


def judged(text: str, answers: dict[str, str], rules: Rules | None = None, **values: float) -> Checked:
    """Answers to a question at some values."""
    gradients = parse(text, given=values).forward(values).backward()
    return check(gradients, [Answer(cell, each) for cell, each in answers.items()], rules, prove=False)


def found(checked: Checked) -> dict[str, tuple[str, tuple[str, ...], bool]]:
    """State, origin and triviality of each answer, by the address as written."""
    return {r.answer.address: (r.state.value, r.origin, r.trivial) for r in checked.results}


CHAIN = "q = x+y; r = 2*q; f = r*z"

FOLLOWING = [
    # q = 3 is right; with 7, r = 14 and f = 70
    ({"value.q": "7", "value.r": "14", "value": "70"}, {"value.r": "value.q", "value": "value.r"}),
    # ∂f/∂r = 5 is right; with 9, ∂f/∂q = 18, and so ∂f/∂x and ∂f/∂y
    ({"dr": "9", "dq": "18", "dx": "18", "dy": "18"}, {"dq": "grad.r", "dx": "grad.q", "dy": "grad.q"}),
    ({"dr": "9", "dx": "18"}, {"dx": "grad.r"}),
    # a second mistake on top of the first: 13 is no 2·7, and 65 = 13·5
    ({"value.q": "7", "value.r": "13", "value": "65"}, {"value": "value.r"}),
    # the steps were kept in full and written down rounded: 2·3.333 = 6.67, ·5 = 33.33
    ({"value.q": "3.3333", "value.r": "6.7", "value": "33.3"}, {"value.r": "value.q", "value": "value.r"}),
]


@pytest.mark.parametrize(("answers", "origins"), FOLLOWING)
def test_each_step_follows_from_the_one_before(answers, origins):
    """An answer follows from the nearest of the student's own wrong numbers, however many agree before it."""
    states = found(judged(CHAIN, answers, x=1, y=2, z=5))
    for address in answers:
        state, origin, trivial = states[address]
        assert (state, origin) == (("carried", (origins[address],)) if address in origins else ("wrong", ())), address
        assert not trivial


REST = [
    ("q=x+y; r=2*q; s=r+1; f=s*z", "q"),
    ("q=x+y; r=2*q; s=r+1; f=s*z", "r"),
    ("q=x*y; r=q+z; f=r*r", "q"),
]


@pytest.mark.parametrize("digits", [None, 2, 6])
@pytest.mark.parametrize(("text", "at"), REST)
def test_all_later_values_follow(text, at, digits):
    """One wrong value, all after it worked out from it in full and written with some digits: one mistake.

    What comes after is the question that begins behind the node, at the wrong value.
    """
    generator = random.Random(f"{text} {at} {digits}")  # noqa: S311 - reproducible
    rest = text.partition(f"{at}=")[2].partition("; ")[2]
    for _ in range(10):
        values = {name: float(generator.randint(1, 5)) for name in "xyz"}
        right = parse(text, given=values).forward(values)
        wrong = float(right.values[right.graph.find(at)]) + generator.randint(3, 9) + (0.37 if digits else 0)
        later = parse(rest, given=(at, "z")).forward({at: wrong, "z": values["z"]})
        known = {at: wrong}
        for statement in rest.split("; "):
            name = statement.partition("=")[0]
            known[name] = later.values[later.graph.find(name)]
        written = {f"value.{n}": repr(v) if digits is None else f"{v:.{digits}f}" for n, v in known.items()}
        states = found(judged(text, written, **values))
        assert states.pop(f"value.{at}")[0] == "wrong"
        assert {state for state, _, _ in states.values()} == {"carried"}


NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"


@pytest.mark.parametrize("wrong", ["dn7", "dn6", "dn5", "dn4"])
@pytest.mark.parametrize("written", [repr, "{:.6f}".format, "{:.4g}".format])
def test_all_later_gradients_follow(wrong, written):
    """Gradients are proportional to the ones above: with one 3.5 times too large, all below it are, too.

    They follow from the one before, and none is said to come of the same mistake.
    """
    right = {"dn7": -0.534447, "dn6": -0.534447, "dn5": -0.196612, "dn4": 0.196612}
    right |= {"dw2": 0.196612, "dn3": 0.196612, "dn2": 0.196612, "dn1": 0.196612}
    right |= {"dw0": -0.196612, "dx0": 0.393224, "dw1": -0.393224, "dx1": -0.589836}
    below = list(right)[list(right).index(wrong) :]
    answers = {cell: written(right[cell] * 3.5) for cell in below}
    checked = judged(NEURON, answers, w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    assert {r.answer.address: r.state for r in checked.results if r.state is not State.CARRIED} == {wrong: State.WRONG}
    assert not any(r.explanations for r in checked.results if r.state is State.CARRIED)


# ── what earns nothing ──────────────────────────────────────────────────────────────────────────────────────────

S = {"w": 2.0, "x": -1.0, "b": 3.5}
SIGMOID = "s = w*x + b; f = sigmoid(s)"
LECTURE = "q = x + y; f = q*z"
Q = {"x": -2.0, "y": 5.5, "z": -4.5}

IDLE = [
    (LECTURE, Q, {"dq": "0.000001", "dx": "0.00"}, "dx"),
    (LECTURE, Q, {"dq": "0", "dx": "0"}, "dx"),
    (LECTURE, Q, {"dq": "1", "dx": "1"}, "dx"),
    (SIGMOID, S, {"value.s": "999", "value": "1.00"}, "value"),
    (SIGMOID, S, {"value.s": "999", "ds": "0.00"}, "ds"),
    (SIGMOID, S, {"value.s": "-999", "value": "0.00"}, "value"),
]


@pytest.mark.parametrize(("text", "values", "answers", "cell"), IDLE)
def test_nothing_is_earned_where_nothing_is_left_to_work_out(text, values, answers, cell):
    """An answer that comes of almost any garbage is no right method: 0 from next to 0, 1.00 from a saturated gate."""
    checked = judged(text, answers, **values)
    (result,) = (r for r in checked.results if r.answer.address == cell)
    assert credit(result, 0.5) == 0


EARNED = [
    (LECTURE, Q, {"dq": "7", "dx": "7"}, "dx"),
    (SIGMOID, S, {"value.s": "2", "value": "0.88"}, "value"),
    (SIGMOID, S, {"value.s": "2", "ds": "0.105"}, "ds"),
    # routed by the wrong value: max(-3, 1) = 1, and all the gradient 2·(1-4) goes to b
    ("p = w*x; h = max(p, b); f = (h-t)^2", {"w": 3, "x": 1, "b": 1, "t": 4}, {"value.p": "-3", "db": "-6"}, "db"),
]


@pytest.mark.parametrize(("text", "values", "answers", "cell"), EARNED)
def test_the_right_method_on_a_wrong_number_earns_its_share(text, values, answers, cell):
    """Work done on a wrong number counts, also where the number decides which way a gradient goes."""
    checked = judged(text, answers, **values)
    (result,) = (r for r in checked.results if r.answer.address == cell)
    assert (result.state, credit(result, 0.5)) == (State.CARRIED, 0.5)


@pytest.mark.parametrize(("text", "later"), [("0e9", "77"), ("0e9", "12345"), ("0.4", "123"), ("5e3", "100")])
def test_few_digits_let_nothing_follow(text, later):
    """Half a unit of the last digit is no licence: a number is taken for at most a tenth more or less than written."""
    assert found(judged(LECTURE, {"local.q.x": text, "dx": later}, **Q))["dx"][0] == "wrong"


@pytest.mark.parametrize("text", ["0e400", "0e-400", "0.0e400", "-0e999"])
def test_zeros_of_any_power(text):
    """A zero is a zero, however many there are."""
    (result,) = judged("sigmoid(x)", {"dx": text}, x=1).results
    assert result.state is State.WRONG
    given = read(text)
    assert isinstance(given, Number)
    assert ends(given, given.value) == (0, 0)


def points(answer: str) -> float:
    """What the example's homework yields where every cell has the same answer."""
    assignment = load(str(ROOT / "examples/homework/hw4.toml"))
    answers = {p.id: [Answer(cell, answer) for cell in p.cells] for p in assignment.problems}
    return Marker(assignment, assignment.rules).mark(Submission("1", "", answers, "")).points


@pytest.mark.parametrize("answer", ["1e-9", "0.00", "0e9", "1e9", "-1e-9", "0.001"])
def test_no_number_everywhere_earns_more_than_zeros(answer):
    """A sheet of next to nothing, or of one huge number, earns no more than a sheet of zeros: by the right zeros."""
    assert points(answer) <= points("0")
    assert points("0") <= 1
