"""Arrays of numbers as Python source."""

from __future__ import annotations

import json
from typing import Any

from gradcli.autodiff import Value
from gradcli.export.about import WIDTH
from gradcli.export.python import listed, number


def array(opening: str, value: Value, closing: str, indent: str = "    ") -> list[str]:
    """A number or an array between two texts, in lines that can be read."""
    text = number(value) if isinstance(value, float) else special(json.dumps(value.tolist()))
    line = f"{indent}{opening}{text}{closing}"
    if len(line) <= WIDTH:
        return [line]
    inside = not opening.endswith("(")  # a list may be broken by itself
    lines, at = ([], opening) if inside else ([f"{indent}{opening}"], "    ")
    for word in text.split(" "):
        if len(at) + len(word) + len(indent) + 1 > WIDTH:
            lines.append(f"{indent}{at}")
            at = "    "
        at += word if at in ("    ", opening) else f" {word}"
    if inside:
        return [*lines, f"{indent}{at}{closing}"]
    rest, _, after = closing.rpartition(")")
    rest = rest.removeprefix(", ")
    return [
        *lines,
        f"{indent}{at}{',' if rest else ''}",
        *([f"{indent}    {rest},"] if rest else []),
        f"{indent}){after}",
    ]


def returned(items: list[str]) -> list[str]:
    """The end of a method that returns several values."""
    indent = "        "
    line = f"{indent}return {', '.join(items)}"
    return [line] if len(line) <= WIDTH else listed("return (", items, ")", indent)


def constant(value: Any) -> str:
    """A constant of a formula: a number, or nested tuples of numbers as an array."""
    return f"np.array({json.dumps(value)})" if isinstance(value, tuple) else number(float(value))


def special(text: str) -> str:
    """What JSON calls numbers that are none, as Python does."""
    for word, said in (("-Infinity", "-float('inf')"), ("Infinity", "float('inf')"), ("NaN", "float('nan')")):
        text = text.replace(word, said)
    return text
