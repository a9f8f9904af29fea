"""Arrays of numbers as Python source."""

from __future__ import annotations

import json

from gradcli.autodiff import Value
from gradcli.export.about import WIDTH
from gradcli.export.python import number


def array(opening: str, value: Value, closing: str, indent: str = "    ") -> list[str]:
    """A number or an array between two texts, in lines that can be read."""
    text = number(value) if isinstance(value, float) else special(json.dumps(value.tolist()))
    line = f"{indent}{opening}{text}{closing}"
    if len(line) <= WIDTH:
        return [line]
    lines, at = [f"{indent}{opening}"], ""
    for word in text.split(" "):
        if len(at) + len(word) + len(indent) + 5 > WIDTH:
            lines.append(f"{indent}    {at}")
            at = ""
        at += f"{' ' if at else ''}{word}"
    ending = ["", closing] if closing == ")" else [",", closing.removeprefix(", ")]
    if len(ending[1]) > 1:
        ending[1] = f"    {ending[1][:-1]},\n{indent})"
    return [*lines, f"{indent}    {at}{ending[0]}", f"{indent}{ending[1]}"]


def special(text: str) -> str:
    """What JSON calls numbers that are none, as Python does."""
    for word, said in (("-Infinity", "-float('inf')"), ("Infinity", "float('inf')"), ("NaN", "float('nan')")):
        text = text.replace(word, said)
    return text
