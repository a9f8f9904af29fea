"""The values of a command line's bindings: a constant, a list, or a file.

    1.5   -1/4   pi/4   [0.2, 0.4]           as everywhere (reading/values.py)
    @w.txt   @w.csv   @w.json   @w.npy       a file with a number, or a list of them

`@` works on the command line only, never inside a file.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcli.cli.arguments import Binding
from gradcli.errors import GradcliError, Span, UsageError
from gradcli.reading.values import Value, read


def value(binding: Binding) -> Value:
    """The number or array of a binding from the command line; `@file` reads it from a file.

    Errors: UsageError, pointing into the words; FileError; LimitError.
    """

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        place = binding.span(*span) if span else binding.span()
        return UsageError(message, source=binding.written, span=place, hint=hint)

    text = binding.text.strip()
    if text.startswith("@"):
        from gradcli.cli.files import from_file

        return from_file(text[1:], binding)
    if not text:
        raise fail(f"{binding.name} has no value", hint=f"write --{binding.name}=3")
    return read(binding.text, fail)


def refuse_twice(bindings: Iterable[Binding]) -> None:
    """Each name is given one value.

    Errors: UsageError for a name that is given twice, in whatever spelling.
    """
    first: dict[str, str] = {}
    for binding in bindings:
        if binding.name in first:
            before = len(first[binding.name]) + 1
            raise UsageError(
                f"{binding.name} is given twice",
                source=f"{first[binding.name]} {binding.written}",
                span=(before, before + len(binding.written)),
                hint="keep one of them",
            )
        first[binding.name] = binding.written
