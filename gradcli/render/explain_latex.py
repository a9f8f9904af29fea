r"""A solution as a fragment for a LaTeX document that loads amsmath: an align* for each pass."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcli import typesetting
from gradcli.render.explain import (
    ADDED,
    PRODUCT,
    Row,
    Wishes,
    Writer,
    added,
    binding,
    opening,
    remarks,
    sections,
    solution,
)
from gradcli.render.figures import Style
from gradcli.render.latex import matrix, number_text, passed_on, text, typeset
from gradcli.render.tensors import is_tensor
from gradcli.report import Report
from gradcli.steps import SMALL, Figured, Formula, Named, Passed, Quotient, Sum, Term
from gradcli.words import Words

WIDE = 66
"""Characters of a line of an align*, as they are in the text."""


def latex(report: Report, style: Style, words: Words, wishes: Wishes) -> str:
    """The fragment."""
    writer = Typesetter(report, style, wishes)
    lines = [r"% needs \usepackage{amsmath,amssymb}", rf"\par {text(opening(report, style, words))}"]
    lines.append(r"\begingroup\allowdisplaybreaks")
    for section in sections(report, style, words, wishes):
        rows = " \\\\\n".join(written for row in section.rows for written in writer.row(row))
        lines += ["", rf"\paragraph{{{text(section.heading)}}}", r"\begin{align*}", rows, r"\end{align*}"]
    lines.append(r"\endgroup")
    if wishes.step is None:
        lines += [rf"\par {text(sentence)}" for sentence in remarks(report, words, wishes)]
    return "\n".join(lines)


class Typesetter(Writer):
    """Terms in LaTeX."""

    def __init__(self, report: Report, style: Style, wishes: Wishes) -> None:
        super().__init__(solution(report, style, wishes), style)
        self.report = report

    def row(self, row: Row) -> Iterator[str]:
        """A row of the align*; a long chain takes several lines, a long remark one of its own."""
        mark = f"{row.mark} " if row.mark else ""
        line = rf"\text{{{text(mark + row.path)}}}\quad & " if mark or row.path else "& "
        used = len(mark) + len(row.path)
        for k, link in enumerate(row.links):
            typed = link.text if link.term is None else self.typeset(link.term)
            if k and used + len(link.text) > WIDE:
                yield line
                line, used = r"& \quad ", 4
            line += f"{' = ' if k else ''}{typed}"
            used += len(link.text) + 3
        if row.remark and used + len(row.remark) > WIDE:
            yield line
            line = "& "
        yield line + (rf" \quad\text{{{text(row.remark)}}}" if row.remark else "")

    def typeset(self, term: Term) -> str:
        """One term."""
        if isinstance(term, Quotient):
            above, below = typesetting.latex_name(term.above), typesetting.latex_name(term.below)
            return rf"\frac{{\partial {above}}}{{\partial {below}}}"
        if isinstance(term, Formula):
            return typeset(term.text)
        if isinstance(term, Passed):
            return passed_on(self.report, term.edge)
        if isinstance(term, Named):
            return typesetting.latex_name(term.text)
        if isinstance(term, Figured):
            value = term.value
            if is_tensor(value) and value.size <= SMALL:
                return matrix(value, self.style)
            return rf"\text{{{text(self.term(term))}}}" if is_tensor(value) else number_text(self.term(term), "")
        if isinstance(term, Sum):
            written = added([self.typeset(part) for part in term.terms[:ADDED]], term.of)
            return re.sub(r"… \((.*?) terms\)", r"\\dots\\ (\1)", written)
        if term.boxed:
            return r" \times ".join(rf"\left[{self.typeset(factor)}\right]" for factor in term.terms)
        return r" \cdot ".join(self.multiplied(factor, first=k == 0) for k, factor in enumerate(term.terms))

    def multiplied(self, term: Term, *, first: bool) -> str:
        """A term within a product, in brackets where it needs them."""
        written = self.typeset(term)
        loose = written.startswith("-") and not first
        if isinstance(term, Formula):
            loose = loose or binding(term.text) < PRODUCT
        return rf"\left({written}\right)" if loose else written
