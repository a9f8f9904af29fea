"""What a formula can be exported to: a row a target. Its module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from gradcli.errors import GradcliError, UsageError, brief
from gradcli.export.exported import Exported
from gradcli.ops.op import NOTHING
from gradcli.systems.source import Unspelled


class Written(Protocol):
    """What the module of a target has."""

    def written(self, exported: Exported) -> str:
        """The code, without a final new line.

        Errors: Unspelled for an op that the target lacks; UsageError for what it cannot say.
        """


class Target(NamedTuple):
    """A target.

    called: its name for people.   endings: of files that hold such code.   module: within gradcli.export.
    styles: another way to write the same → its module.
    """

    called: str
    endings: str
    module: str
    styles: Mapping[str, str] = NOTHING


TARGETS: dict[str, Target] = {
    "numpy": Target("NumPy", "py", "numpy", {"layers": "layers"}),
    "torch": Target("PyTorch", "py", "torch"),
    "jax": Target("JAX", "py", "jax"),
    "polars": Target("Polars", "py", "polars"),
    "sql": Target("SQL", "sql", "sql"),
    "javascript": Target("JavaScript", "mjs js", "javascript"),
    "c": Target("C", "c", "c"),
    "latex": Target("LaTeX", "tex", "latex", {"document": "latex_document"}),
    "pytest": Target("pytest", "py", "pytest_file"),
}
"""The name of each target, in the order of the help."""


FEW = 2000
"""Nodes of a formula up to which it is tried which other targets can write it."""


def written(name: str, exported: Exported, style: str | None = None) -> str:
    """A formula as the code of a target, without a final new line.

    Errors: Unspelled for an op that the target lacks; UsageError for what it cannot say.
    """
    try:
        return module(name, style).written(exported)
    except Unspelled as error:
        few = len(exported.graph) <= FEW
        others = [other for other in TARGETS if few and other != name and able(other, exported)]
        error.hint = f"{either(others)} can: --to {others[0]}" if others else None
        raise


def module(name: str, style: str | None = None) -> Written:
    """The module of a target."""
    target = TARGETS[name]
    return cast("Written", import_module(f"gradcli.export.{target.styles[style] if style else target.module}"))


def able(name: str, exported: Exported) -> bool:
    """Whether a target can write a formula."""
    try:
        module(name).written(exported._replace(function=None))
    except GradcliError:
        return False
    return True


def meant(path: str) -> str:
    """The target that a file's ending stands for.

    Errors: UsageError where it stands for none, or for several.
    """
    ending = path.rpartition(".")[2].lower()
    found = [name for name, target in TARGETS.items() if ending in target.endings.split()]
    if len(found) == 1:
        return found[0]
    what = f"a .{ending} file can be {either(found)}" if found else f"the kind of file is not known: '{brief(path)}'"
    raise UsageError(what, hint=f"--to {'|'.join(found or TARGETS)}")


def either(words: list[str]) -> str:
    """A choice in words: numpy, torch or jax."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
