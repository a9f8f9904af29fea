"""The words of a command line, sorted into the expression, the values of variables, and options.

    gradcli eval  --x 3  "-x^2"  --format=json  --set e=2
                  ─────  ──────  ─────────────  ─────────
                 binding expression   options of the command

A variable is written like an option, and an expression may begin with `-`, so a word is read like this:

    --          options end here; whatever follows is an expression
    -h, -o      the only short options, and only as whole words: -h(x) and -o*2 are expressions
    -…          any other word that begins with one `-` is an expression: -x^2, -alpha*3; - is stdin
    --WORD      an option of this command, if it has one of exactly this name (never an abbreviation);
                an error, if another command has it or a word with a dash cannot name a variable;
                else a binding. Its value stands after `=`, or is the next word, whatever that begins with
    --…         what cannot be an option's name is an expression: --x^2, --(x)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gradcli.errors import Span, UsageError, brief
from gradcli.tokens import GREEK, NAME

RESERVED = frozenset(
    """
    format output force help version color lang show-completion install-completion
    set vars file defs share gates at-kink
    get wrt decimals sig full paths rank verify no-verify verify-budget
    upstream grad-output dout dtype
    answer answers hide-answer hint problem student encoding rtol atol cs231n
    roster blank one-file key jobs id-from show-answer
    for step style at derivative no-derivative local
    col columns header no-header input-format engine keep prefix null strict aggregate output
    to function table
    """.split()
)
"""Names of options, of any command, now or planned: no variable is given its value by one of them."""

SHORT = ("-h", "-o")

WORD = rf"--({NAME}(?:-+(?:{NAME})?)*)"
"""What can be the name of an option or a variable: `--` and words joined by dashes."""

ASSIGNMENT = rf"[-–—]{{0,2}}({NAME})=([^=;]*)"

VALUE = r"[-+−]?[\d.][\d.eE+:-]*|[\[@].*"
"""What is a value, a range or a file, and no formula."""

NUMERIC = r"[-+−]?(?:[\d.(@[]|(?:pi|π|e|tau|inf|nan)\b)"
"""How a value begins."""


class Option(NamedTuple):
    """What the pre-scan must know of an option that the command declares."""

    takes_value: bool = True
    repeats: bool = False


class Binding(NamedTuple):
    """A variable, the text of its value, and the words as they were written.

    The value is the end of `written`, so that an error can point at it.
    """

    name: str
    text: str
    written: str

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """A place in the value's text, as a place in `written`."""
        before = len(self.written) - len(self.text)
        return before + start, before + (len(self.text) if end is None else end)


class Arguments(NamedTuple):
    """A command line, sorted; options are left for typer, each as one word (`--format=json`)."""

    expressions: tuple[str, ...]
    bindings: tuple[Binding, ...]
    options: tuple[str, ...]

    @classmethod
    def scan(cls, words: Sequence[str], options: Mapping[str, Option], command: str = "eval") -> Arguments:
        """Sort the words of a command that declares these options.

        Errors: UsageError for a missing value, an unknown or repeated option, and a reserved name.
        """
        expressions: list[str] = []
        bindings: list[Binding] = []
        known: list[str] = []
        seen: set[str] = set()
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if word == "--":
                expressions += words[at:]
                break
            if word in SHORT:
                if word not in options:
                    raise UsageError(
                        f"{command} has no option {word}",
                        hint=f'for the expression minus {word[1:]} write "({word})"',
                    )
                flag, value = word, None
            else:
                if not optional(word):
                    expressions.append(word)
                    continue
                flag, equals, text = word.partition("=")
                value = text if equals else None
            option = options.get(flag)
            if option is None:
                name = variable(flag[2:])
                refuse_reserved(name, flag, value, options, command)
            elif not option.takes_value:
                if value is not None:
                    raise UsageError(f"{flag} takes no value", hint=as_variable(flag[2:], value))
                known.append(flag)
                continue
            elif flag in seen and not option.repeats:
                raise UsageError(f"{flag} is given twice", hint="keep one of them")
            seen.add(flag)
            written = word
            if value is None:
                value = following(words, at, flag, binding=option is None)
                written, at = f"{word} {value}", at + 1
            if option is None:
                bindings.append(Binding(name, value, written))
            else:
                known.append(f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}")
        return cls(tuple(expressions), tuple(bindings), tuple(known))

    def expression(self, command: str = "eval", what: str = "expression") -> str | None:
        """The one expression (or what else the command takes one of), if there is one.

        Errors: UsageError for several: mostly a value without its dashes, or a shell that saw no quotes.
        """
        if len(self.expressions) < 2:
            return self.expressions[0] if self.expressions else None
        first, second = self.expressions[:2]
        self.refuse_torn()
        hint = (
            f'quote the {what} for your shell: gradcli {command} "…"'
            if what == "expression"
            else f"one {what} at a time"
        )
        for k, word in enumerate(self.expressions):
            match = re.fullmatch(ASSIGNMENT, word)
            if optional(word):
                hint = self.behind_dashes(word)
                break
            if match and (k > 0 or word[0] in "-–—"):
                hint = as_binding(match[1], match[2])
                break
            meant = self.one_dash(k, command)
            if meant:
                hint = meant
                break
        raise UsageError(f"more than one {what}: '{brief(first)}' and '{brief(second)}'", hint=hint)

    def several(self, command: str) -> tuple[str, ...]:
        """The expressions of a command that takes any number of them.

        Errors: UsageError for a value without its dashes, and for half a list.
        """
        if len(self.expressions) > 1:
            self.refuse_torn()
        for k, word in enumerate(self.expressions):
            match, entry = re.fullmatch(ASSIGNMENT, word), re.fullmatch(rf"--({NAME}\[[^\]=]*\]=.*)", word)
            hint = self.one_dash(k, command, alone=False)
            if entry:
                hint = f'an entry is given by --set: --set "{entry[1]}"'
            if optional(word):
                hint = self.behind_dashes(word)
            elif match and (re.fullmatch(VALUE, match[2]) or word[0] in "-–—"):
                hint = as_binding(match[1], match[2])
            if hint:
                raise UsageError(f"'{brief(word)}' is no expression", hint=hint)
        return self.expressions

    def refuse_torn(self) -> None:
        """Half a list as a value, and its other half among the expressions.

        Errors: UsageError.
        """
        torn = next((one for one in self.bindings if one.text.count("[") > one.text.count("]")), None)
        if torn is not None:
            raise UsageError(
                f"{torn.name} has half a list as its value: a shell ends a word at a blank",
                source=torn.written,
                span=torn.span(),
                hint=f'quote the list: --{torn.name}="[1, 2]"',
            )

    def behind_dashes(self, word: str) -> str:
        """The hint for an option after `--`."""
        return f"options and values stand before --, the expression after it: {word} -- …"

    def one_dash(self, k: int, command: str, *, alone: bool = True) -> str | None:
        """The hint for a word such as -v beside other words: `-x 3` means --x=3; None for any other word.

        alone: whether one expression is expected, so that -v beside another word is none.
        Errors: UsageError where an option is meant.
        """
        word = self.expressions[k]
        after = self.expressions[k + 1] if k + 1 < len(self.expressions) else ""
        if not (re.fullmatch(rf"[-–—]{NAME}", word) or word[1:] in RESERVED):
            return None
        if re.match(NUMERIC, after):
            return as_binding(word[1:], after)
        if (k > 0 or after) and (alone or word[1:] in RESERVED):
            raise no_short_option(word, command)
        return None


def as_binding(name: str, value: str) -> str:
    """The hint for a value without its dashes."""
    return f"a value is written with two dashes: --{name}={value}"


def optional(word: str) -> bool:
    """Whether a word is written like an option: `--WORD` or `--WORD=…`.

    >>> [optional(word) for word in ("--x", "--no-verify", "--x^2=3", "--2", "-x", "--")]
    [True, True, False, False, False, False]
    """
    name = word.partition("=")[0]
    if name.isascii():  # the same without a pattern, whose compilation takes longer than the rest of the line
        return name[:2] == "--" and name[2:3] != "-" and name[2:].replace("-", "_").isidentifier()
    return re.fullmatch(WORD, name) is not None


def variable(word: str) -> str:
    """A variable's name as the parser knows it: NFKC, so that --x₁ is --x1; π is pi."""
    name = unicodedata.normalize("NFKC", word)
    return GREEK.get(name, name)


def assignment(text: str, flag: str = "--set") -> Binding:
    """The binding that `--set name=value` makes; for every name, also those of options."""
    name, equals, value = text.partition("=")
    written = f"{flag} {text}"
    if not equals:
        raise UsageError(
            f"{flag} takes name=value",
            source=written,
            span=(len(flag) + 1, len(written)),
            hint=f"such as {flag} x=3",
        )
    if not re.fullmatch(NAME, name.strip()):
        raise UsageError(
            f"'{name}' cannot be the name of a variable",
            source=written,
            span=(len(flag) + 1, len(flag) + 1 + len(name)),
            hint="names are letters, digits and _",
        )
    return Binding(variable(name.strip()), value, written)


def refuse_reserved(name: str, flag: str, value: str | None, options: Mapping[str, Option], command: str) -> None:
    """An option that this command has not: another's, or a misspelt one that cannot name a variable."""
    from difflib import get_close_matches

    if flag[2:] in RESERVED or name in RESERVED:
        plural = "is an option of gradcli itself" if name == "version" else f"is no option of {command}"
        raise UsageError(f"{flag} {plural}", hint=as_variable(name, value))
    if "-" in name:
        near = get_close_matches(flag, list(options), 1)
        hint = f"did you mean {near[0]}?" if near else f"its options: gradcli {command} --help"
        raise UsageError(f"{command} has no option {flag}", hint=hint)


def following(words: Sequence[str], at: int, flag: str, *, binding: bool) -> str:
    """The next word as a value, whatever it begins with; but an option is none.

    Errors: UsageError where the line ends, or an option follows.
    """
    short = flag in SHORT
    if at < len(words) and words[at] != "--" and not optional(words[at]) and (words[at] or not short):
        return words[at]
    after = f": the next word is {brief(words[at])}" if at < len(words) and words[at] else ""
    raise UsageError(
        f"{flag} has no value{after}", hint=f"write {flag}{' ' if short else '='}{'3' if binding else '…'}"
    )


def no_short_option(word: str, command: str) -> UsageError:
    """A word such as -v beside an expression: people mean an option by it."""
    from difflib import get_close_matches

    near = get_close_matches(word[1:], RESERVED, 1, 0.75)
    meant = f"did you mean --{near[0]}?" if near else f"its options are whole words: gradcli {command} --help"
    return UsageError(f"{command} has no option {word}", hint=meant)


def as_variable(name: str, value: str | None) -> str | None:
    """How a variable of a reserved name gets its value; None for what cannot be a name."""
    return (
        f"to give a variable of this name its value, write --set {name}={value or '…'}" if name.isidentifier() else None
    )


def quoted(word: str) -> str:
    """A word as it is typed in a shell, in double quotes where they do no harm.

    >>> [quoted(word) for word in ("x^2", "--x", "3", "$(x)")]
    ['"x^2"', '--x', '3', "'$(x)'"]
    """
    if word and all(c.isalnum() or c in "-=_./+,:%@" for c in word):
        return word
    if not any(c in word for c in '"$`\\!'):
        return f'"{word}"'
    from shlex import quote

    return quote(word)
