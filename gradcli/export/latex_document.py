"""LaTeX as a whole document."""

from __future__ import annotations

from gradcli.export import latex
from gradcli.export.exported import Exported


def written(exported: Exported) -> str:
    """The document.

    Errors: those of the fragment.
    """
    fragment = latex.written(exported).replace("% Needs \\usepackage{amsmath}.\n", "")
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage{amsmath}",
            r"\allowdisplaybreaks",
            r"\begin{document}",
            fragment,
            r"\end{document}",
        ]
    )
