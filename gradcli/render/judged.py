"""What the formats of a check share: each answer as texts in a language, and the line that sums them up.

Where the right answer is hidden, no number is told that the student has not written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.errors import visible
from gradcli.homework.records import Blank, Checked, Explanation, Formula, Listed, Number, Result, State, Unreadable
from gradcli.render.figures import Style, figure, simple
from gradcli.render.intervals import interval
from gradcli.words import Said, Words, written

if TYPE_CHECKING:
    from gradcli.verify.verdicts import Verification

MARKS = {
    State.RIGHT: "✓",
    State.ROUNDED: "✓",
    State.CARRIED: "→",
    State.COARSE: "≈",
    State.WRONG: "✗",
    State.BLANK: "○",
    State.UNREADABLE: "?",
    State.UNDECIDED: "?",
}
"""What stands before a verdict."""
SIMPLE_MARKS = str.maketrans("✓→≈✗○", "+>~x-")
"""The same in ASCII."""

PARTS = {
    State.RIGHT: "good",
    State.ROUNDED: "good",
    State.CARRIED: "warn",
    State.COARSE: "warn",
    State.WRONG: "bad",
    State.BLANK: "dim",
    State.UNREADABLE: "warn",
    State.UNDECIDED: "warn",
}
"""The parts that verdicts play (lines.py)."""

GOOD = (State.RIGHT, State.ROUNDED)

HINTED = (State.WRONG, State.BLANK, State.UNDECIDED)
"""States of answers that hints help with."""

COINCIDING = 2
"""Other mistakes leading to the same number that are told; JSON has all."""

SITES = 3
"""Places of one mistake that are told."""

FEW = 12
"""Variables whose values are told."""

UNTOLD = "…"
"""What stands for a number that is not told."""

DIGITS = re.compile(r"(?<![\w.])[-−]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?(?![\w.])")
"""A number within a sentence."""

TURNED = frozenset(("sign_of_answer", "reciprocal", "decimal_point", "doubled", "halved", "squared"))
"""Mistakes whose names tell how to get from the answer to the right number."""

CHOICES, KINKS = ("numbers.kink", "numbers.shares", "numbers.choice"), "numbers.kink_entries"
"""What is remarked where any number between the one-sided derivatives is right, and of an array."""


class Row(NamedTuple):
    """One answer in words.

    cell: the address as it was given.   accepted: "" where it is hidden.   hints: instead of sentences, if asked for.
    """

    result: Result
    cell: str
    given: str
    accepted: str
    verdict: str
    sentences: tuple[str, ...]


class View:
    """How a check is told.

    hide: tell no right number, and no interval.   hint: hints up to this level in the place of the diagnosis.
    verification: of the numbers that answers are compared with, if it was asked for.
    """

    def __init__(
        self,
        checked: Checked,
        language: str,
        *,
        hide: bool = False,
        hint: int = 0,
        verification: Verification | None = None,
    ) -> None:
        self.checked, self.hide, self.hint = checked, hide or bool(hint), hint
        self.verification = verification
        self.words = Words(language, self.masked) if self.hide else Words(language)
        self.open = Words(language)
        self.spellings = {r.cell.address: r.answer.address.strip() for r in checked.results}
        self.several = sum(r.state in (State.WRONG, State.CARRIED) for r in checked.results) > 1

    @property
    def at(self) -> str:
        """The values that the answers are for; "" where there are none, or many."""
        gradients = self.checked.gradients
        inputs = gradients.graph.inputs
        if not 0 < len(inputs) <= FEW:
            return ""
        listed = [f"{name} = {written(gradients.trace.values[at])}" for name, at in inputs.items()]
        return self.open.say("check.at", values=", ".join(listed))

    @property
    def rows(self) -> list[Row]:
        """All answers, in the order of the check."""
        return [self.row(result) for result in self.checked.results]

    def row(self, result: Result) -> Row:
        """One answer."""
        return Row(
            result,
            self.spellings[result.cell.address],
            given(result),
            "" if self.hide else accepted(result),
            self.verdict(result),
            tuple(self.sentences(result)),
        )

    def verdict(self, result: Result) -> str:
        """The state in a word or two."""
        return self.words.say("check.first" if result.first and self.several else f"check.{result.state}")

    # ── sentences ───────────────────────────────────────────────────────────────────────────────────────────────

    def sentences(self, result: Result) -> list[str]:
        """What is said of an answer beyond its verdict."""
        if self.hint and result.state in HINTED:
            return self.hints(result) if result is self.hinted else []
        return self.told(result)

    @property
    def hinted(self) -> Result | None:
        """The answer that hints are about: the first mistake, or the first that is missing."""
        return self.checked.first or next((r for r in self.checked.results if r.state in HINTED), None)

    def hints(self, result: Result) -> list[str]:
        """The hints, a line each. Their numbers are what was asked for."""
        from gradcli.homework.hints import hints

        return [self.open.said(hint) for hint in hints(result, self.checked.gradients, self.hint)]

    def told(self, result: Result) -> list[str]:
        """The diagnosis of a wrong answer, the origin of one that follows from another, remarks."""
        say = self.words.say
        if result.state is State.BLANK:
            return [say("check.is_blank")]
        if isinstance(result.given, Unreadable):
            why, hint = result.given.why, result.given.hint
            return [say("check.why", why=why, hint=hint) if hint else say("check.why_alone", why=why)]
        remarks = self.remarks(result)
        if result.state is State.CARRIED:
            return [*self.follows(result), *remarks]
        if result.state is not State.WRONG:
            return remarks
        return [*self.diagnosis(result), *remarks]

    def remarks(self, result: Result) -> list[str]:
        """Why an answer is right, or what differs."""
        if not self.hide:
            return [self.open.said(remark) for remark in result.remarks]
        from gradcli.homework.numbers.comparing import hidden

        found = [self.words.said(remark) for remark in map(hidden, result.remarks) if remark is not None]
        return [text for text in found if not self.gives_away(text, result)]

    def follows(self, result: Result) -> list[str]:
        """Of which of the student's own answers a carried one is the consequence."""
        key = "check.follows_same" if result.explanations else "check.follows"
        found = [self.words.say(key, cells=self.cells(result.origin))]
        if result.trivial:
            found.append(self.words.say("check.trivial", cells=self.cells(result.origin)))
        return found

    def diagnosis(self, result: Result) -> list[str]:
        """The simplest mistake that leads to the number, and what coincides with it."""
        if not result.explanations:
            from gradcli.homework.numbers.comparing import EXPLAINING

            if any(remark.key in EXPLAINING for remark in result.remarks):
                return []
            unexplained = "unexplained_formula" if isinstance(result.given, Formula) else "unexplained"
            return [self.words.say(f"check.{unexplained if result.searched else 'unsearched'}")]
        first = result.explanations[0]
        if self.hide:
            return [self.named(first, result)]
        text = self.open.said(first.said)
        if result.origin:
            text = self.words.say("check.on_top", cells=self.cells(result.origin), said=text)
        found = (self.open.said(other) for other in coinciding(result.explanations))
        others = [other for other in dict.fromkeys(found) if other != text]
        if not others:
            return [text]
        listed = "; ".join([*others[:COINCIDING], *(["…"] if len(others) > COINCIDING else [])])
        return [text, self.words.say("check.also", others=listed)]

    def named(self, explanation: Explanation, result: Result) -> str:
        """A mistake by its name and its place, without a number."""
        from gradcli.homework.diagnosis.rows import label

        what = Said("check.slip") if explanation.name in TURNED else label(explanation.name)
        return self.words.say("check.hidden", what=what, place=self.place(result))

    def cells(self, addresses: Sequence[str]) -> str:
        """Addresses as the student wrote them."""
        return ", ".join(self.spellings.get(address, address) for address in addresses)

    def place(self, result: Result) -> str:
        """Where a mistake is: its gates, or the cell where no mistake was found."""
        from gradcli.homework.hints import gate

        sites = result.explanations[0].sites if result.explanations else ()
        if not sites:
            return self.spellings[result.cell.address]
        places = [gate(self.checked.gradients.graph, site) for site in sites[:SITES]]
        return ", ".join([*places, *(["…"] if len(sites) > SITES else [])])

    # ── what is hidden ──────────────────────────────────────────────────────────────────────────────────────────

    def masked(self, value: Any) -> str:
        """A number of a sentence where the right ones are hidden: only the student's own are told."""
        if isinstance(value, float) and any(is_own(value, result) for result in self.checked.results):
            return figure(value, Style())
        return UNTOLD

    def gives_away(self, text: str, result: Result) -> bool:
        """Whether a text has the right number of this answer, or of another that is not right yet."""
        told = {match[0].replace("−", "-") for match in DIGITS.finditer(text)}
        own = {r.answer.text.strip().replace("−", "-") for r in self.checked.results}
        hidden = [r.right for r in self.checked.results if r is result or r.state not in GOOD]
        return any(is_near(word, right) for word in told - own for right in hidden)

    # ── the summary ─────────────────────────────────────────────────────────────────────────────────────────────

    def summary(self) -> str:
        """`5 of 7 right; 1 follows from an earlier mistake; 1 mistake, at n5 = -n4`."""
        say, results = self.words.say, self.checked.results
        count = {state: sum(r.state is state for r in results) for state in State}
        right = count[State.RIGHT] + count[State.ROUNDED]
        if right == len(results):
            return say("check.one_right") if right == 1 else say("check.all_right", count=right)
        parts = [say("check.some_right", right=right, count=len(results))] if len(results) > 1 else []
        if count[State.CARRIED]:
            one = count[State.CARRIED] == 1
            parts.append(say("check.one_follows") if one else say("check.some_follow", count=count[State.CARRIED]))
        first, wrong = self.checked.first, count[State.WRONG]
        if wrong and first is not None:
            unsure = bool(first.explanations) and bool(coinciding(first.explanations))
            key, made = "check.one_mistake_perhaps" if unsure else "check.one_mistake", self.checked.mistakes
            if wrong > 1:
                key, made = ("check.mistake_again", wrong) if self.alike() else ("check.mistakes", made)
            elif made > 1:
                key = "check.two_mistakes_perhaps" if unsure else "check.two_mistakes"
            parts.append(say(key, count=made, place=self.place(first)))
        for state in (State.COARSE, State.BLANK, State.UNREADABLE, State.UNDECIDED):
            if count[state]:
                parts.append(say(f"check.some_{state}", count=count[state]))
        return "; ".join(parts)

    def alike(self) -> bool:
        """Whether all wrong answers have the same mistake at the same places."""
        wrong = [r.explanations[:1] for r in self.checked.results if r.state is State.WRONG]
        return all(wrong) and len({(found[0].name, found[0].sites) for found in wrong}) == 1


def coinciding(explanations: Sequence[Explanation]) -> list[Said]:
    """Other mistakes that lead to the same number as the first one, by their names and places where they have those."""
    return list(explanations[0].coincides) or [other.said for other in explanations[1:]]


def shown(text: str, style: Style) -> str:
    """Text as the screen may show it: controls escaped; without our own signs where the encoding lacks them.

    What it lacks beyond those, the stream escapes: an encoding for Korean has Korean.
    """
    return simple(text) if style.ascii else visible(text)


def marked(row: Row, style: Style) -> str:
    """A verdict with its sign."""
    mark = MARKS[row.result.state]
    return f"{mark.translate(SIMPLE_MARKS) if style.ascii else mark} {shown(row.verdict, style)}"


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def given(result: Result) -> str:
    """What was written, as it was typed; of the array of a file its shape."""
    text = " ".join(result.answer.text.split())
    if text or not isinstance(result.given, Listed):
        return text
    return written(result.given.value)


def accepted(result: Result) -> str:
    """The numbers that count as right: `0.3932 ± 0.005`, `-4`, `0 … 1`; of an array the right one.

    Of a formula the number that it should have at this point.
    """
    if isinstance(result.given, Blank | Unreadable) or not isinstance(result.right, float):
        return written(result.right) + half(result)
    return interval(result.right, result.accepted, spread=any(remark.key in CHOICES for remark in result.remarks))


def half(result: Result) -> str:
    """How far each entry of an array may be off, where that is the same for all: ` ± 0.005`; "" elsewhere."""
    if isinstance(result.right, float) or result.accepted is None or any(r.key == KINKS for r in result.remarks):
        return ""
    width = result.accepted.rule.fields.get("half")
    return f" ± {width}" if width else ""


def is_own(value: float, result: Result) -> bool:
    """Whether a number is the one that the student wrote."""
    return isinstance(result.given, Number) and result.given.value == value


def is_near(word: str, right: Any) -> bool:
    """Whether a number within a sentence is the right one, as far as its digits go."""
    if not isinstance(right, float) or not isfinite(right):
        return False
    mantissa, _, power = word.partition("e")
    unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return abs(float(word) - right) <= unit / 2 * (1 + 1e-9) if "." in mantissa else float(word) == right
