"""What the targets have in common that are Python: the docstring, lists, numbers."""

from __future__ import annotations

from gradcli.export.about import WIDTH, wrapped


def docstring(paragraphs: list[str]) -> list[str]:
    """Paragraphs as a docstring: the first, an empty line, the others."""
    head, *rest = [text.replace("\\", "\\\\").replace('"', '\\"') for text in paragraphs]
    first, *more = wrapped([f'"""{head}'], indent="    ")
    return [first, *more, "", *wrapped(rest, indent="    "), '    """']


def quoted(name: str) -> str:
    """A variable's name as a string."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(opening: str, items: list[str], closing: str, indent: str = "    ") -> list[str]:
    """A list on one line, or where that is long on a line an item."""
    line = f"{indent}{opening}{', '.join(items)}{closing}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{opening}", *(f"{indent}    {item}," for item in items), f"{indent}{closing}"]


def number(value: float) -> str:
    """A number as Python reads it."""
    text = repr(value)
    if text.lstrip("-") in ("inf", "nan"):
        return f'float("{text}")'
    return text.removesuffix(".0") if value or text[0] != "-" else text
