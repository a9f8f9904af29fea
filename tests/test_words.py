"""Both languages say everything, and nothing else; particles fit; what a user wrote is never read as a text."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gradcli.errors import UsageError
from gradcli.words import FIELD, LANGUAGES, Said, Words, last_sound, particle, spoken, texts

PACKAGE = Path(__file__).parent.parent / "gradcli"
AREAS = sorted({path.stem for path in (PACKAGE / "languages").glob("*/*.toml")})
HANGUL = re.compile("[가-힣]")


@cache
def source() -> list[tuple[str, ast.AST]]:
    """Every part of the package's source, with its place."""
    return [
        (f"{path.name}:{getattr(node, 'lineno', 0)}", node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.Call)
    ]


@cache
def keys_in_the_source() -> tuple[dict[str, str], list[re.Pattern[str]]]:
    """Literal keys with where they stand, and patterns of those that are put together."""
    found: dict[str, str] = {}
    patterns: set[str] = set()
    for place, node in source():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(rf"(?:{'|'.join(AREAS)})\.\w+", node.value):
                found.setdefault(node.value, place)
        elif isinstance(node, ast.JoinedStr):
            parts = (re.escape(part.value) if isinstance(part, ast.Constant) else r"\w+" for part in node.values)
            text = "".join(parts)
            if re.match(rf"(?:{'|'.join(AREAS)}|\\w\+)\\\.", text):
                patterns.add(text)
    return found, [re.compile(pattern) for pattern in patterns]


def said_in_the_source() -> list[str]:
    """The literal keys that are said: the first argument of Said(…), say(…)."""
    found = set()
    for _, node in source():
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("Said", "say"):
                first = node.args[0]
                parts = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                found |= {part.value for part in parts if isinstance(part, ast.Constant)}
    return sorted(found)


@pytest.mark.parametrize("area", AREAS)
def test_languages_are_equal(area):
    """Each language has the same texts, in the same order, with the same fields; none is empty."""
    tables = {language: texts(language, area) for language in LANGUAGES}
    english = tables["en"]
    for table in tables.values():
        assert list(table) == list(english)
        for name, text in table.items():
            assert text.strip() == text != "", name
            assert sorted(set(FIELD.findall(text))) == sorted(set(FIELD.findall(english[name]))), name
            assert text.count("{") == text.count("}") == len(FIELD.findall(text)), name


@pytest.mark.parametrize("area", AREAS)
def test_korean_is_korean(area):
    """A text of words is in Korean; what has no Hangul has no words at all."""
    english = texts("en", area)
    for name, text in texts("ko", area).items():
        assert HANGUL.search(text) or not re.search("[A-Za-z]{2}", FIELD.sub("", text)), (name, english[name])


@pytest.mark.parametrize("area", AREAS)
def test_no_particle_is_guessed(area):
    """After a field, whose last sound a text cannot know, stand both forms of a particle that depends on it."""
    for name, text in texts("ko", area).items():
        assert not re.search(r"\}(?:은|는|이|가|을|를|와|과|로|으로|라고|이라고|다|이다)(?![가-힣(])", text), name


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_used(language, area):
    """No text is left over: each key stands in the source, or is one that is put together there."""
    literal, patterns = keys_in_the_source()
    for name in texts(language, area):
        key = f"{area}.{name}"
        assert key in literal or any(pattern.fullmatch(key) for pattern in patterns), key


def test_every_key_has_a_text():
    """What is said in the source can be said in every language."""
    said = [key for key in said_in_the_source() if "." in key]
    assert len(said) > 30
    missing = [
        key
        for key in said
        if key.partition(".")[0] not in AREAS or key.partition(".")[2] not in texts("en", key.partition(".")[0])
    ]
    assert missing == []


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_files_are_toml(language, area):
    """A file reads as TOML reads it, where no name stands twice: names and texts, one a line."""
    path = PACKAGE / "languages" / language / f"{area}.toml"
    assert texts(language, area) == tomllib.loads(path.read_text(encoding="utf-8"))


# ── particles ───────────────────────────────────────────────────────────────────────────────────────────────────

PARTICLES = [
    ("기울기", "은(는)", "는"),
    ("순전파 값", "은(는)", "은"),
    ("국소적 미분", "이(가)", "이"),
    ("하류", "이(가)", "가"),
    ("전역 기울기", "을(를)", "를"),
    ("상류 미분", "을(를)", "을"),
    ("값", "와(과)", "과"),
    ("기울기", "과(와)", "와"),
    ("김하늘", "은(는)", "은"),
    ("0", "은(는)", "은"),  # 영은
    ("1", "은(는)", "은"),  # 일은
    ("2", "은(는)", "는"),  # 이는
    ("3", "이(가)", "이"),  # 삼이
    ("4", "이(가)", "가"),  # 사가
    ("5", "을(를)", "를"),  # 오를
    ("0.6", "을(를)", "을"),  # 육을
    ("-7", "와(과)", "과"),  # 칠과
    ("1e-9", "와(과)", "와"),  # 구와
    ("10", "은(는)", "은"),
    ("x", "은(는)", "는"),  # 엑스는
    ("L", "은(는)", "은"),  # 엘은
    ("∂f/∂m", "이(가)", "이"),  # 엠이
    ("dx", "을(를)", "를"),  # 디엑스를
    ("n1", "을(를)", "을"),
    ("'x'", "은(는)", "는"),
    ("(x+y)", "이(가)", "가"),
    ("σ", "은(는)", "는"),  # 시그마는
    ("relu", "은(는)", "은(는)"),
    ("sum", "이(가)", "이(가)"),
    ("", "이(가)", "이(가)"),
    ("★", "을(를)", "을(를)"),
]

TOWARDS = [
    ("기울기", "로"),
    ("값", "으로"),
    ("미분", "으로"),
    ("물", "로"),
    ("1", "로"),  # 일로
    ("8", "로"),  # 팔로
    ("3", "으로"),
    ("0", "으로"),
    ("2", "로"),
    ("R", "로"),  # 알로
    ("n", "으로"),  # 엔으로
    ("y", "로"),
]


@pytest.mark.parametrize(("word", "both", "form"), PARTICLES)
def test_particle(word, both, form):
    """The form follows the last sound of the word before; both stay where that is not known."""
    assert particle(word, both) == form


@pytest.mark.parametrize(("word", "form"), TOWARDS)
def test_particle_towards(word, form):
    """(으)로 takes ㄹ for a vowel."""
    assert particle(word, "(으)") + "로" == form


def test_particles_of_a_text(monkeypatch):
    """A text's particles follow what fills its fields, and what a user wrote keeps its own."""
    said = {"text": "{a}은(는) {b}(으)로부터, {a}을(를) {c}(이)라고"}
    monkeypatch.setattr("gradcli.words.texts", lambda language, area: said)
    words = Words("ko")
    assert words.say("any.text", a="기울기", b="n1", c="값") == "기울기는 n1로부터, 기울기를 값이라고"
    assert words.say("any.text", a="은(는)", b="{a}", c="x") == "은(는)은 {a}로부터, 은(는)을 x라고"


def test_sounds_of_hangul():
    """Every syllable has its last sound: 28 endings, of which the first is none and the ninth ㄹ."""
    sounds = [last_sound(chr(code)) for code in range(ord("가"), ord("힣") + 1)]
    assert len(sounds) == 11172
    assert all(sound == (0 if at % 28 == 0 else 1 if at % 28 == 8 else 2) for at, sound in enumerate(sounds))


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fields_are_never_read_again(monkeypatch):
    """What fills a field is shown as it is, whatever it looks like."""
    monkeypatch.setattr("gradcli.words.texts", lambda language, area: {"a": "<{x}> {y}", "b": "[{x}]"})
    words = Words("en")
    assert words.say("any.a", x="{y}", y="{x}") == "<{y}> {x}"
    assert words.say("any.a", x=Said("any.b", {"x": "{x}{y}%s\\1"}), y="") == "<[{x}{y}%s\\1]> "


def test_numbers_in_sentences(monkeypatch):
    """A float is written as people read it, an array entry by entry or by its shape, a list with commas."""
    monkeypatch.setattr("gradcli.words.texts", lambda language, area: {"a": "{x}"})
    words = Words("en")
    cases = [
        (0.19661193324148188, "0.1966"),
        (-0.0, "0"),
        (7.0, "7"),
        (1e-12, "1e-12"),
        (12, "12"),
        (("x", 2.0), "x, 2"),
        (np.float64(0.25), "0.25"),
        (np.array([[1.0, 2.0], [3.0, 4.5]]), "[[1.0, 2.0], [3.0, 4.5]]"),
    ]
    for value, text in cases:
        assert words.say("any.a", x=value) == text
    assert words.say("any.a", x=np.ones((30, 40)) * np.arange(40)).startswith("(30,40)")


def test_languages():
    """A language is known by its short name, as systems write it too; another is refused with those there are."""
    assert [spoken(word) for word in ("en", "KO", "ko-KR", "ko_KR.UTF-8", "C", "")] == [
        "en",
        "ko",
        "ko",
        "ko",
        None,
        None,
    ]
    with pytest.raises(UsageError, match="no language 'fr'") as raised:
        Words("fr")
    assert raised.value.hint == "one of: en, ko"
