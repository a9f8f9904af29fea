"""What is said, in the reader's language: the texts are data, in gradcli/languages/LANGUAGE/AREA.toml.

A key is AREA.NAME. A text has fields in braces; what fills them is never read as a text of its own.

A Korean particle depends on the last sound of the word before it, which a field may hold. A text writes both forms,
은(는) 이(가) 을(를) 와(과) (으)로 (이)다, and the one that fits is put in; where the sound is not known both stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gradcli.errors import UsageError

LANGUAGES = ("en", "ko")

FOLDER = Path(__file__).parent / "languages"

ESCAPED = re.compile(r"\\(.)")

VARIABLE = "GRADCLI_LANG"
"""The environment variable that sets the language."""

FIELD = re.compile(r"\{(\w+)\}")

PARTS = re.compile(r"\{(\w+)\}|(은\(는\)|는\(은\)|이\(가\)|가\(이\)|을\(를\)|를\(을\)|와\(과\)|과\(와\)|\(으\)|\(이\))")
"""What is not said as it stands: fields, and particles that depend on the word before them."""

FORMS = {
    "은(는)": ("은", "는"),
    "는(은)": ("은", "는"),
    "이(가)": ("이", "가"),
    "가(이)": ("이", "가"),
    "을(를)": ("을", "를"),
    "를(을)": ("을", "를"),
    "와(과)": ("과", "와"),
    "과(와)": ("과", "와"),
    "(으)": ("으", ""),
    "(이)": ("이", ""),
}
"""Both forms of a particle: after a consonant, and after a vowel."""

NONE, RIEUL, OTHER = range(3)
"""Last sounds: a vowel, ㄹ, which (으) takes for a vowel, another consonant."""

SOUNDS = {
    **dict.fromkeys("178", RIEUL),  # 일 칠 팔
    **dict.fromkeys("036", OTHER),  # 영 삼 육
    **dict.fromkeys("2459", NONE),  # 이 사 오 구
    **dict.fromkeys("LRlr", RIEUL),  # 엘 알
    **dict.fromkeys("MNmn", OTHER),  # 엠 엔
    **dict.fromkeys("ABCDEFGHIJKOPQSTUVWXYZabcdefghijkopqstuvwxyz", NONE),
    **dict.fromkeys("αβγδζηθλμξπρστφχψωσ%", NONE),  # 알파 베타 … 퍼센트
    "ε": OTHER,  # 엡실론
    "κ": NONE,
    "²": OTHER,  # 제곱
    "³": OTHER,
}
"""How the names of digits and letters end."""

LETTERS = re.compile(r"[^\W\d_]+\Z")
"""The word of letters at the end of a text."""

SPELLED = re.compile(r"[a-zA-Zα-ω]|d[a-zA-Z]")
"""Words said letter by letter: x, dx. Of others, such as `sum` or `relu`, the last sound is not known."""


class Said(NamedTuple):
    """A message in no language yet: its key in the language files, and what its text is filled with.

    A field is a text as it is to be shown, a float (formatted as people read it), or a Said.
    """

    key: str
    fields: Mapping[str, Any] = {}


class Words:
    """The texts of one language.

    figure: how a number, or an array, is written.
    """

    def __init__(self, language: str, figure: Callable[[Any], str] | None = None) -> None:
        if language not in LANGUAGES:
            raise UsageError(f"no language '{language}'", hint=f"one of: {', '.join(LANGUAGES)}")
        self.language, self.figure = language, figure or written

    def say(self, key: str, **fields: Any) -> str:
        """A text, its fields filled in."""
        return self.said(Said(key, fields))

    def said(self, message: Said) -> str:
        """A message in this language."""
        area, _, name = message.key.partition(".")
        text, start, said = texts(self.language, area)[name], 0, ""
        for part in PARTS.finditer(text):
            said += text[start : part.start()]
            said += self._shown(message.fields[part[1]]) if part[1] else particle(said, part[2])
            start = part.end()
        return said + text[start:]

    def _shown(self, entry: Any) -> str:
        if isinstance(entry, Said):
            return self.said(entry)
        if isinstance(entry, float) or hasattr(entry, "ndim"):
            return self.figure(entry)
        if isinstance(entry, tuple | list):
            return ", ".join(map(self._shown, entry))
        return str(entry)


def written(value: Any) -> str:
    """A number, or an array, as people read it within a sentence."""
    from gradcli.render.figures import Style, figure

    if getattr(value, "ndim", 0):
        from gradcli.render.tensors import inline

        return inline(value, Style())
    return figure(float(value), Style())


def spoken(language: str) -> str | None:
    """The language that a word names: ko, ko-KR, ko_KR.UTF-8; None for one that there is not.

    >>> spoken("ko_KR.UTF-8"), spoken("EN"), spoken("fr")
    ('ko', 'en', None)
    """
    short = re.split(r"[-_.@]", language.strip().lower())[0]
    return short if short in LANGUAGES else None


@cache
def texts(language: str, area: str) -> Mapping[str, str]:
    """The texts of one area, by name.

    The files are TOML of one kind of line, `name = "text"`, which is read here: tomllib takes longer to be imported.
    """
    lines = (FOLDER / language / f"{area}.toml").read_text(encoding="utf-8").split("\n")
    pairs = (line.partition(" = ") for line in lines if line and line[0] != "#")
    return {name: ESCAPED.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1] for name, _, text in pairs}


# ── Korean particles ────────────────────────────────────────────────────────────────────────────────────────────


def particle(before: str, both: str) -> str:
    """The form of a particle that fits the word before it; both forms where its last sound is not known.

    >>> particle("기울기", "은(는)"), particle("값", "은(는)"), particle("n1", "을(를)"), particle("relu", "이(가)")
    ('는', '은', '을', '이(가)')
    >>> particle("0.01", "(으)"), particle("국소적 미분", "(으)"), particle("sum", "(으)")
    ('', '으', '(으)')
    """
    sound = last_sound(before)
    if sound is None:
        return both
    return FORMS[both][sound == NONE or (both == "(으)" and sound == RIEUL)]


def last_sound(text: str) -> int | None:
    """How a text ends when it is said: NONE for a vowel, RIEUL for ㄹ, OTHER for another consonant; None if unknown.

    Brackets and quotes are not said.
    """
    word = text.rstrip(" )]}\"'`”’」>*_")
    if not word:
        return None
    last = word[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return NONE if final == 0 else RIEUL if final == 8 else OTHER
    letters = LETTERS.search(word)
    if letters and not SPELLED.fullmatch(letters[0]):
        return None
    return SOUNDS.get(last)
