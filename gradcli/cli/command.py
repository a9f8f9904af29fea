"""A typer command whose words are sorted before typer sees them, and helpers that commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from typer.core import TyperCommand

from gradcli.cli.arguments import Arguments, Option
from gradcli.errors import GradcliError, Status, UsageError

FIRST = (Status.USAGE, Status.FILE, Status.UNDEFINED, Status.WRONG, Status.LIMIT)
"""Of several exit statuses, the first of these counts."""


class ExpressionCommand(TyperCommand):
    """A command that takes an expression and values of variables; `ctx.obj` is its Arguments."""

    what = "expression"  # of which the command takes one

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sort the words; leave typer the options, and the expression behind `--`."""
        options = self.declared(ctx)
        try:
            arguments = Arguments.scan(args, options, str(self.name))
            self.admit(arguments, options)
            expression = arguments.expression(str(self.name), self.what)
        except GradcliError:
            if ctx.resilient_parsing:  # a shell is completing a half-written line
                return super().parse_args(ctx, [])
            raise
        ctx.obj = arguments
        return super().parse_args(ctx, [*arguments.options, *([] if expression is None else ["--", expression])])

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """Refuse what this command does not take."""

    def declared(self, ctx: Any) -> dict[str, Option]:
        """The options that this command has."""
        return {
            flag: Option(takes_value=not getattr(parameter, "is_flag", False), repeats=getattr(parameter, "multiple", False))
            for parameter in self.get_params(ctx)
            if parameter.param_type_name == "option"
            for flag in (*parameter.opts, *parameter.secondary_opts)
        }


class NamedCommand(ExpressionCommand):
    """A command that takes a name, and no values of variables."""

    what = "name"

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """Refuse a value of a variable: what looks like one is a misspelt option."""
        for binding in arguments.bindings:
            flag = f"--{binding.name}"
            near = get_close_matches(flag, list(options), 1)
            hint = f"did you mean {near[0]}?" if near else f"its options: gradcli {self.name} --help"
            raise UsageError(f"{self.name} has no option {flag}", hint=hint)


def worst(statuses: Sequence[Status]) -> Status:
    """The exit status of work that met several: 2, 4, 3, 1, 5, in this order."""
    return next((status for status in FIRST if status in statuses), Status.FINE)


def one_of(flag: str, word: str, allowed: Sequence[str]) -> str:
    """An option's value, if it is one of those allowed.

    Errors: UsageError with the nearest one.
    """
    if word in allowed:
        return word
    near = get_close_matches(word.lower(), allowed, 1)
    hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(allowed)}"
    separator = "" if flag.isupper() else " "
    equals = "=" if flag.isupper() else separator
    written = f"{flag}{equals}{word}"
    raise UsageError(f"{flag} cannot be '{word}'", source=written, span=(len(flag) + 1, len(written)), hint=hint)


def completing(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Shell completion for an option with a fixed set of values."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]

