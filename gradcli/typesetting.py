"""How graphs are written in LaTeX's mathematics: each row's template, filled; names, lists and matrices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.errors import visible
from gradcli.notation import AROUND, ATOM, SIGN, Atom, Part, inlined, key_text, number, settings
from gradcli.ops.op import Op

if TYPE_CHECKING:
    from gradcli.graph import Graph


GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "pi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
    ]
)


SIMPLE = r"[0-9.]+|[A-Za-z](_\{[0-9]+\})?|\\[A-Za-z]+(\{\w+\})?(_\{[0-9]+\})?"
"""A number or a name in LaTeX: a base that needs no brackets."""


def latex(
    graph: Graph, index: int | None = None, atom: Atom = lambda i: None, known: Mapping[str, str] | None = None
) -> str:
    r"""A node's expression in LaTeX's mathematics: `\frac{1}{1 + e^{-x}}`.

    known: names that are typeset otherwise.
    """

    def named(name: str) -> str:
        return (known or {}).get(name) or latex_name(name)

    return inlined(graph, graph.output if index is None else index, atom, _latex_op, named)


def latex_name(name: str) -> str:
    r"""A name or number in LaTeX: `w_{0}`, `\theta`, `10^{-8}`."""
    if re.fullmatch(r"\[[-+0-9.eE,\[\]\s…]+\]", name):
        return _latex_list(name)
    numeric = re.fullmatch(r"(-?[0-9.]+)(?:e([+-]?[0-9]+))?", name, re.IGNORECASE)
    if numeric:
        return name if numeric[2] is None else rf"{numeric[1]} \cdot 10^{{{int(numeric[2])}}}"
    match = re.fullmatch(r"(.*?[^0-9_])_?([0-9]*)", name)
    stem, digits = (match[1], match[2]) if match else (name, "")
    letters = [_latex_letter(letter) for letter in visible(stem)]
    if stem in GREEK:
        shown = f"\\{stem}"
    elif len(stem) == 1 and ((stem.isascii() and stem.isalpha()) or letters[0] != stem):
        shown = letters[0].strip()
    else:
        shown = r"\mathrm{" + "".join(letters) + "}"
    return f"{shown}_{{{digits}}}" if digits else shown


def _latex_letter(letter: str) -> str:
    """A character of a name: Greek by its command, what LaTeX would act on escaped."""
    script, _, word = unicodedata.name(letter, "").partition(" ")
    size, _, word = word.replace("LAMDA", "LAMBDA").partition(" LETTER ")
    command = word.capitalize() if size == "CAPITAL" else word.lower()
    return f"\\{command} " if script == "GREEK" and command in GREEK else latex_text(letter)


MATRIX = 16
"""Entries up to which a list is typeset as a matrix."""


def _latex_list(text: str) -> str:
    r"""A list of numbers as a matrix; of one that is long, or has more axes, its beginning.

    >>> _latex_list("[[1,2],[3,4e-9]]")
    '\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\cdot 10^{-9} \\end{bmatrix}'
    """
    rows = re.findall(r"\[([^\[\]]*)\]", text)
    words = [row.replace(" ", "").split(",") for row in rows]
    if "…" in text or text.count("[") > len(rows) + 1 or sum(map(len, words)) > MATRIX:
        first = [latex_name(word) for word in words[0][:3] if word and word != "…"] if words else []
        listed = ", ".join([*first, r"\dots"])
        return rf"\left[{listed}\right]"
    return latex_matrix([[latex_name(word) for word in row] for row in words])


def latex_matrix(rows: Sequence[Sequence[str]]) -> str:
    r"""Typeset entries between brackets, row by row."""
    lines = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}"


def _latex_op(op: Op, parts: Sequence[Part]) -> Part:
    """An op's LaTeX template, filled; fractions and superscripts bracket by themselves."""
    template = op.latex or rf"\operatorname{{{latex_text(op.name)}}}\left(#*\right)"
    if op.structural:
        return _latex_structural(op, template, parts)
    notation = op.notation
    binding = ATOM if notation is None or template.startswith((r"\frac", r"\left")) else notation.binding

    def fill(match: re.Match[str]) -> str:
        if match[1] == "*":
            return ", ".join(part for part, _ in parts)
        k = int(match[1]) - 1
        word, tight = parts[k]
        if binding == ATOM or match[0] != f"#{k + 1}":
            return word
        base = notation is not None and notation.right and k == 0
        braced = notation is not None and notation.right and k == 1
        if base and not re.fullmatch(SIMPLE, word):
            return rf"\left({word}\right)"
        loose = tight < binding or (tight == binding and (k == 1 or base)) or (k > 0 and word.startswith("-"))
        return rf"\left({word}\right)" if loose and not braced else word

    return re.sub(r"#([1-9*])", fill, template), binding


SUM = 20
"""Binding of a sum."""

BIG = 25
"""Binding of a big operator and what it stands before: looser than a product, where it is bracketed."""


def _latex_structural(op: Op, template: str, parts: Sequence[Part]) -> Part:
    """The template of an op on whole tensors: an input that nothing delimits is bracketed, an index stands below.

    Attributes that the template does not place, such as an axis, are written under the op's name.
    """
    around = op.notation is not None and op.notation.fix in AROUND
    unplaced = [(name, value) for name, value in settings(op) if f"#{name}" not in template]
    if unplaced:
        under = ", ".join(rf"\mathrm{{{name}}}={_latex_attribute(value)}" for name, value in unplaced)
        template = rf"\operatorname{{{latex_text(op.called or op.name)}}}_{{{under}}}\left(#*\right)"
    opened = template.startswith(("#", "-")) or not re.search(r"\)$|\}$|\\rVert$", template)
    own = SUM if re.search(" [-+] ", template) else BIG if opened else ATOM
    binding = op.notation.binding if op.notation is not None else own

    def fill(match: re.Match[str]) -> str:
        before, after = template[: match.start()], template[match.end() :]
        if match[1] == "*":
            return ", ".join(part for part, _ in parts)
        if not match[1].isdigit():
            return key_text(op.bound.get(match[1], ()))
        k = int(match[1]) - 1
        word, tight = parts[k] if k < len(parts) else ("", ATOM)
        delimited = before.endswith(("{", "(", "|", "[")) or after.startswith(r"\right")
        if delimited:
            return word
        if around or after.startswith(("^", "_")):
            if re.fullmatch(SIMPLE, word):
                return f"{{{word}}}" if "_" in word and after.startswith("_") else word
            return word if word.startswith(r"\begin{bmatrix}") else rf"\left({word}\right)"
        loose = tight <= SIGN if op.notation is None else tight < binding or (tight == binding and k > 0)
        return rf"\left({word}\right)" if loose or word.startswith("-") else word

    return re.sub(r"#([1-9*]|[a-z]+)", fill, template), binding


def _latex_attribute(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))})"
    return r"\mathrm{yes}" if value is True else number(value)


def latex_text(words: str) -> str:
    r"""Any text, inert in LaTeX.

    >>> latex_text("50% of $x_1")
    '50\\% of \\$x\\_1'
    """
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, "\\" + c if c in "#$%&_{}" else c) for c in words)
