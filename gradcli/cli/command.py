"""A typer command whose words are sorted before typer sees them, and helpers that commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
            words = self.positional(arguments)
        except GradcliError:
            if ctx.resilient_parsing:  # a shell is completing a half-written line
                return super().parse_args(ctx, [])
            raise
        ctx.obj = arguments
        return super().parse_args(ctx, [*arguments.options, *(["--", *words] if words else [])])

    def positional(self, arguments: Arguments) -> Sequence[str]:
        """What is left for typer behind the options: the expression.

        Errors: UsageError.
        """
        expression = arguments.expression(str(self.name), self.what)
        return [] if expression is None else [expression]

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """Refuse an option that bears the name of one of the expression's variables: never guess."""
        text = "\n".join(self.positional(arguments))
        if any(word.startswith("--vars=") for word in arguments.options):
            return
        for word in arguments.options:
            flag, _, number = word.partition("=")
            name = flag.removeprefix("--")
            if (
                name.isidentifier()
                and uses(text, name)
                and not any(other.startswith(f"--set={name}=") for other in arguments.options)
            ):
                raise UsageError(
                    f"{flag} is an option of gradcli, and {name} a variable of this expression",
                    hint=f"to give the variable its value, write --set {name}={number or '…'}",
                )

    def declared(self, ctx: Any) -> dict[str, Option]:
        """The options that this command has."""
        return {
            flag: Option(
                takes_value=not getattr(parameter, "is_flag", False),
                repeats=getattr(parameter, "multiple", False),
            )
            for parameter in self.get_params(ctx)
            if parameter.param_type_name == "option"
            for flag in (*parameter.opts, *parameter.secondary_opts)
        }


class SeveralCommand(ExpressionCommand):
    """A command that takes any number of expressions."""

    def positional(self, arguments: Arguments) -> Sequence[str]:
        """All expressions."""
        return arguments.several(str(self.name))


class TableCommand(ExpressionCommand):
    """A command that takes an expression and a file beside it; of the expression alone its Arguments tell."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the file out of the words, so that what is left has one expression."""
        rest = super().parse_args(ctx, args)
        if isinstance(ctx.obj, Arguments):
            count = 0 if any(word.startswith("--file=") for word in ctx.obj.options) else 1
            ctx.obj = ctx.obj._replace(expressions=ctx.obj.expressions[:count])
        return rest

    def positional(self, arguments: Arguments) -> Sequence[str]:
        """The expression, "" where a file has it, and the table.

        Errors: UsageError for more.
        """
        filed = any(word.startswith("--file=") for word in arguments.options)
        words = ("", *arguments.expressions) if filed else arguments.expressions
        if len(words) > 2:
            arguments._replace(expressions=words[1:]).expression(str(self.name), "table")
        return words

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """The same for the expression alone."""
        super().admit(arguments._replace(expressions=tuple(self.positional(arguments)[:1])), options)


class NamedCommand(ExpressionCommand):
    """A command that takes a name, and no values of variables."""

    what = "name"

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """Refuse a value of a variable: what looks like one is a misspelt option."""
        from difflib import get_close_matches

        for binding in arguments.bindings:
            flag = f"--{binding.name}"
            near = get_close_matches(flag, list(options), 1)
            hint = f"did you mean {near[0]}?" if near else f"its options: gradcli {self.name} --help"
            raise UsageError(f"{self.name} has no option {flag}", hint=hint)


def uses(text: str, name: str) -> bool:
    """Whether an expression has a variable of this name: a word that is not called and not assigned."""
    return bool(
        re.search(rf"(?<![\w.]){name}(?!\w|[ \t]*\()", text)
        and not re.search(rf"(?:^|[;\n])[^\S\n]*{name}\s*=(?!=)", text)
    )


def worst(statuses: Sequence[Status]) -> Status:
    """The exit status of work that met several: 2, 4, 3, 1, 5, in this order."""
    return next((status for status in FIRST if status in statuses), Status.FINE)


def one_of(flag: str, word: str, allowed: Sequence[str]) -> str:
    """An option's value, if it is one of those allowed.

    Errors: UsageError with the nearest one.
    """
    from difflib import get_close_matches

    if word in allowed:
        return word
    near = get_close_matches(word.lower(), allowed, 1)
    raise cannot_be(flag, word, f"did you mean {near[0]}?" if near else f"one of: {', '.join(allowed)}")


def cannot_be(flag: str, word: str, hint: str) -> UsageError:
    """The error for a value that an option, or an environment variable, does not have."""
    written = f"{flag}={word}"
    return UsageError(f"{flag} cannot be '{word}'", source=written, span=(len(flag) + 1, len(written)), hint=hint)


def whole(flag: str, least: int, most: int) -> Callable[[str], int]:
    """A parser for an option that takes a whole number within bounds."""

    def read(word: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", word) and least <= int(word) <= most:
            return int(word)
        raise cannot_be(flag, word, f"a whole number from {least} to {most}")

    return read


def seconds(flag: str) -> Callable[[str], float]:
    """A parser for an option that takes a time in seconds."""

    def read(word: str) -> float:
        if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]*)?|\.[0-9]+", word):
            return float(word)
        raise cannot_be(flag, word, "a number of seconds, such as 2.5")

    return read


def completing(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Shell completion for an option with a fixed set of values."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete)]
