"""What a command computes with: the text of the expression, wherever it stands, and the variables' values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from gradcli.cli import streams
from gradcli.cli.arguments import RESERVED, Arguments, Binding, assignment
from gradcli.cli.values import refuse_twice, value
from gradcli.errors import ExpressionError, LimitError, NotScalarError, UsageError, brief
from gradcli.ops import FUNCTIONS
from gradcli.syntax import parse

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients, Trace
    from gradcli.graph import Graph
    from gradcli.reading.values import Value

EXAMPLE = 'gradcli {command} "(x+y)*z" --x=-2 --y=5 --z=-4'


def read_graph(
    arguments: Arguments,
    *,
    command: str,
    options: Collection[str],
    file: str | None = None,
    settings: Sequence[str] = (),
    files: Sequence[str] = (),
    defs: str | None = None,
    share: bool = False,
    optional: bool = False,
    tabled: Collection[str] | None = None,
) -> tuple[Graph, dict[str, Value]]:
    """The graph of a command line, and the values of its variables.

    settings: what `--set` gave.   files: what `--vars` gave.   defs: a file of definitions.
    optional: whether it may give no values at all.   tabled: where a table has the values that it
    does not give, the names of which that is said.
    Errors: UsageError, ExpressionError, FileError, LimitError.
    """
    text, place = read_expression(arguments, command, options, file)
    bindings = [*arguments.bindings, *(assignment(text) for text in settings)]
    refuse_twice(bindings)
    filed: dict[str, Value] = {}
    definitions = ""
    if files or defs is not None:
        from gradcli.cli.files import from_files
        from gradcli.reading.documents import read_text

        filed = from_files(files)
        definitions = read_text(defs, streams.LARGEST) if defs is not None else ""
    given = {*filed, *(binding.name for binding in bindings), *(tabled or ())}
    try:
        graph = parse(text, given=given, definitions=definitions, share=share, place=place)
    except ExpressionError as error:
        if error.place == "definitions":
            error.place = defs
        raise
    refuse_unknown(graph, graph.inputs if tabled is not None or (optional and not given) else given, bindings, options)
    unused = [name for name in filed if name not in graph.inputs]
    if unused:
        listed = ", ".join(map(brief, unused[:8])) + (f" and {len(unused) - 8} more" if len(unused) > 8 else "")
        streams.tell_each("note", [f"the expression has no variable {listed}, given in {', '.join(files)}"])
    values = {name: entry for name, entry in filed.items() if name in graph.inputs}
    values |= {binding.name: value(binding) for binding in bindings}
    refuse_many(values)
    return graph, values


UPSTREAM = ("--upstream", "--grad-output", "--dout")
"""One option in the words of three fields: the upstream gradient, from which backward starts."""


def read_upstream(arguments: Arguments) -> Value | None:
    """What is given as the output's own gradient; None where nothing is.

    Errors: UsageError, also for two spellings at once; FileError; LimitError.
    """
    given = [word for word in arguments.options if word.partition("=")[0] in UPSTREAM]
    if len(given) > 1:
        raise UsageError(
            "the upstream gradient is given twice",
            source=" ".join(given),
            span=(len(given[0]) + 1, len(given[0]) + 1 + len(given[1])),
            hint=f"{', '.join(UPSTREAM[:-1])} and {UPSTREAM[-1]} are one option: keep one of them",
        )
    if not given:
        return None
    flag, _, text = given[0].partition("=")
    binding = Binding(flag.removeprefix("--"), text, given[0])
    start = value(binding)
    if not all(map(isfinite, [start] if isinstance(start, float) else start.ravel().tolist())):
        hint = "a finite one scales every gradient, such as 1"
        raise UsageError("the upstream gradient is not finite", source=given[0], span=binding.span(), hint=hint)
    return start


def refuse_many(values: Mapping[str, Value]) -> None:
    """A command takes a bounded number of entries, all its values together.

    Errors: LimitError.
    """
    entries = sum(getattr(entry, "size", 1) for entry in values.values())
    if entries < len(values) + 2:
        return  # numbers, or next to
    from gradcli.literals import MOST

    if entries > MOST:
        raise LimitError(f"the values have {entries:,} entries together, and {MOST:,} are the most")


def read_expression(
    arguments: Arguments, command: str, options: Collection[str], file: str | None
) -> tuple[str, str | None]:
    """The text of the expression, and the file that errors should name.

    Errors: UsageError for none, or for two; FileError.
    """
    from difflib import get_close_matches

    text = arguments.expression(command)
    if text is not None and file is not None:
        raise UsageError(
            f"two expressions: '{brief(text)}' and the file {brief(file)}",
            hint=f"keep one of them; for a variable named file write --set file={brief(file)}",
        )
    if file is not None:
        from gradcli.reading.documents import read_text

        return read_text(file, streams.LARGEST), file
    if text == "-":
        return streams.read_input(), None
    if text is not None:
        return text, None
    for binding in arguments.bindings:
        if "=" not in binding.written.partition(" ")[0]:  # a word that may have swallowed the expression
            near = get_close_matches(f"--{binding.name}", list(options), 1)
            meant = f"did you mean {near[0]}?" if near else f"write --{binding.name}=… to keep the two apart"
            raise UsageError(
                f"the expression is missing: --{binding.name} took '{brief(binding.text)}' as its value",
                source=binding.written,
                span=binding.span(),
                hint=f"{meant}\nan example: {EXAMPLE.format(command=command)}",
            )
    raise UsageError("the expression is missing", hint=f"an example: {EXAMPLE.format(command=command)}")


def refuse_unknown(graph: Graph, given: Collection[str], bindings: Sequence[Binding], options: Collection[str]) -> None:
    """A value for a name that is no variable, and a variable whose name only `--set` can give a value.

    Errors: UsageError. What else is missing, the engine says.
    """
    for binding in bindings:
        if binding.name not in graph.inputs:
            raise UsageError(
                f"the expression has no variable '{binding.name}'",
                source=binding.written,
                span=(0, len(binding.written)),
                hint=meant(binding.name, graph, given, options),
            )
    missing = [name for name in graph.inputs if name not in given]
    for name in missing:
        if name in RESERVED:
            hint = f"--{name} is an option of gradcli; for the variable write --set {name}=…"
        elif name in FUNCTIONS:
            hint = f"if the function is meant, write {name}(…); a variable of this name: --{name}=…"
        else:
            continue
        raise UsageError(f"no value for {name}", source=graph.source, span=graph.spans[graph.inputs[name]], hint=hint)


def meant(name: str, graph: Graph, given: Collection[str], options: Collection[str]) -> str:
    """What an unknown name may stand for: a variable, first of all one without a value, or an option."""
    from difflib import get_close_matches

    known = list(graph.inputs)
    missing = [variable for variable in known if variable not in given]
    for candidates in (missing, known):
        near = [other for other in candidates if other.casefold() == name.casefold()]
        near = near or get_close_matches(name, candidates[:1000], 1)
        if near:
            return f"did you mean --{near[0]}?"
    near = get_close_matches(f"--{name}", list(options), 1, 0.7)
    if near:
        return f"did you mean the option {near[0]}?"
    if not known:
        return "it has no variables"
    return f"its variables: {', '.join(known[:8])}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")


def both_passes(trace: Trace, upstream: Value | None, done: str = "drawn") -> Gradients:
    """The gradients; none, and a note, where the output has several entries and no upstream gradient weighs them."""
    from gradcli.autodiff import Gradients
    from gradcli.ops.mismatch import shown

    try:
        return trace.backward(upstream)
    except NotScalarError:
        if upstream is not None:
            raise
        shape = shown(trace.shapes[trace.graph.output])
        how = "--upstream weighs its entries, for the backward pass too"
        streams.tell_each("note", [f"the output has the shape {shape}: the forward pass alone is {done}; {how}"])
        return Gradients(trace, [None] * len(trace.values), None)
