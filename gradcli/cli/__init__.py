"""The command line: thin commands over the library, and one place where every error ends.

Each command is a module of this package with a typer application `app`; it is imported when it is used.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from gradcli import __version__
from gradcli.cli import streams
from gradcli.cli.arguments import quoted
from gradcli.errors import GradcliError, LimitError, Status, UsageError, brief

COMMANDS = (
    *("eval", "explain", "draw", "plot", "check", "grade", "worksheet"),
    *("batch", "jacobian", "hessian", "export", "ops"),
)
"""Every command, in the order of the help; each is a module of this package."""

COMPLETING = "_GRADCLI_COMPLETE"
"""The environment variable by which a shell asks for completion."""

COMPLAINT: type[typer.BadParameter] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What typer's parser raises for a line it cannot read; where the class lives depends on typer's version."""


class Commands(TyperGroup):
    """The group of all commands; one is imported when it is called, all when the help lists them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its full name; never by an abbreviation."""
        return get_command(import_module(f"gradcli.cli.{cmd_name}").app) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands, grouped by what they are for."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in COMMANDS:
            command = self.get_command(ctx, name)
            panels.setdefault(command.rich_help_panel, []).append((name, command.get_short_help_str(100)))
        for panel, rows in panels.items():
            with formatter.section(panel.capitalize()):
                formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """gradcli's own options stand first, then the command."""
        words = args or ["--help"]
        own = {flag for parameter in self.get_params(ctx) for flag in (*parameter.opts, *parameter.secondary_opts)}
        if words[0] not in (*own, *COMMANDS) and not ctx.resilient_parsing:
            raise no_command(words)
        return super().parse_args(ctx, words)


def no_command(words: Sequence[str]) -> UsageError:
    """A line that does not begin with a command: a misspelt one, or an expression without `eval`."""
    from difflib import get_close_matches

    first = words[0]
    near = get_close_matches(first.lower(), COMMANDS, 1)
    if near:
        return UsageError(f"no command '{brief(first)}'", hint=f"did you mean gradcli {near[0]}?")
    if first.replace("-", "").isidentifier() and (len(words) == 1 or operand_follows(words)):
        what = "option" if first.startswith("-") else "command"
        listed = ", ".join(COMMANDS)
        return UsageError(f"no {what} '{brief(first)}'", hint=f"commands: {listed}; gradcli --help tells more")
    line = " ".join(quoted(word) for word in words)
    return UsageError(f"the command is missing before '{brief(first)}'", hint=f"gradcli eval {brief(line, 200)}")


def operand_follows(words: Sequence[str]) -> bool:
    """Whether an expression seems to follow the first word, so that this one was meant as a command."""
    taken = False
    for word in words[1:]:
        if not taken and not word.startswith("--"):
            return word[:1].isalnum() or word.startswith(("(", ".", "-"))
        taken = word.startswith("--") and "=" not in word
    return False


HELP = """A gradient calculator: forward values, local and global gradients of any formula, proved.

\b
  gradcli eval "(x+y)*z" --x=-2 --y=5 --z=-4
  gradcli eval "sum((W@x)^2)" --W="[[1,2],[3,4]]" --x="[5,6]"

gradcli eval --help tells how values are written.
"""

app = typer.Typer(
    name="gradcli",
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=HELP,
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        streams.put(f"gradcli {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    pass


def run(words: Sequence[str]) -> int:
    """Run a command line; its exit status. Whatever goes wrong ends here, as one block on standard error."""
    streams.prepare()
    try:
        arguments = [streams.decoded(word) for word in words]
        status = get_command(app)(args=arguments, prog_name="gradcli", standalone_mode=False)
        streams.put("")
        return int(status or 0)
    except streams.ReaderGone:
        return Status.FINE
    except GradcliError as error:
        return failed(error)
    except COMPLAINT as error:
        return failed(bad_option(error))
    except SystemExit as ended:  # typer's own end: of a completion, and where nobody reads the help
        if not isinstance(ended.__context__, OSError):
            raise
        return Status.FINE
    except OSError as error:  # typer writes the help itself
        if error.filename is not None:
            raise
        failure = streams.unwritable(error)
        return Status.FINE if streams.reader_gone(error) else failed(failure)
    except (KeyError, ValueError):
        if COMPLETING not in os.environ:
            raise
        return failed(UsageError(f"{COMPLETING} is for a shell, which tells the words to complete"))
    except (typer.Abort, KeyboardInterrupt):
        return Status.INTERRUPTED
    except MemoryError:
        return failed(LimitError("there is not enough memory for this"))
    except RecursionError:
        return failed(LimitError("this is nested too deeply"))


def failed(error: GradcliError) -> Status:
    """Tell an error; its exit status."""
    streams.tell(error.block())
    return error.status


def bad_option(error: typer.BadParameter) -> UsageError:
    """typer's complaint about a line, as ours: `no such option: --x`, `'x' is not a valid integer`."""
    parameter = getattr(error, "param", None)
    flag = f"{parameter.opts[0]}: " if parameter is not None else ""
    message = error.message.rstrip(".")
    return UsageError(f"{flag}{message[:1].lower()}{message[1:]}", hint="gradcli --help tells more")
