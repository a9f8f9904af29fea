"""Where the code that engines write is made to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def function(name: str, text: str, space: Mapping[str, Any]) -> Any:
    """The Python function of this name that a text defines.

    text: written by systems/source.py: words of the op table, numbers, and names of our own making; never a user's.
    space: all that it may call.
    """
    found = {"__builtins__": {}, **space}
    exec(compile(text, "<formula>", "exec"), found)  # noqa: S102 - no text of a user's is in it
    return found[name]
