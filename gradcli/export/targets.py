"""What a formula can be exported to: a row a target. Its module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from gradcli.errors import UsageError
from gradcli.export.exported import Exported
from gradcli.ops.op import NOTHING


class Written(Protocol):
    """What the module of a target has."""

    def written(self, exported: Exported) -> str:
        """The code, without a final new line.

        Errors: Unspelled for an op that the target lacks; UsageError for what it cannot say.
        """


class Target(NamedTuple):
    """A target.

    called: its name for people.   ending: of the files that hold such code.   module: within gradcli.export.
    styles: another way to write the same → its module.
    """

    called: str
    ending: str
    module: str
    styles: Mapping[str, str] = NOTHING


TARGETS: dict[str, Target] = {
    "numpy": Target("NumPy", "py", "numpy"),
}
"""The name of each target, in the order of the help."""


def written(name: str, exported: Exported, style: str | None = None) -> str:
    """A formula as the code of a target, without a final new line.

    Errors: Unspelled for an op that the target lacks; UsageError for what it cannot say.
    """
    target = TARGETS[name]
    module = cast("Written", import_module(f"gradcli.export.{target.styles[style] if style else target.module}"))
    return module.written(exported)


def meant(path: str) -> str:
    """The target that a file's ending stands for.

    Errors: UsageError where it stands for none, or for several.
    """
    ending = path.rpartition(".")[2].lower()
    found = [name for name, target in TARGETS.items() if target.ending == ending]
    if len(found) == 1:
        return found[0]
    what = f"a .{ending} file can be {', '.join(found[:-1])} or {found[-1]}" if found else "the target is not given"
    raise UsageError(what, hint=f"--to {'|'.join(found or TARGETS)}")
