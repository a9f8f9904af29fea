"""What a plot is of, read off its command line: functions, the variables that are varied, and the values of the others.

sigmoid  "w*x+b"          functions; a bare name of the op table means the function of the axis
--x=-6:6  --y=-3:3        a range makes a variable the axis; two of them, a plane
--w=2  --b=-1             every other variable has a value
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from gradcli.cli import streams
from gradcli.cli.arguments import Arguments, Binding, assignment, variable
from gradcli.cli.inputs import meant, refuse_many
from gradcli.cli.plot_texts import EXAMPLE, Text, label, named, parsed, read_texts, single
from gradcli.cli.values import refuse_twice, value
from gradcli.errors import GradcliError, ShapeError, Span, UsageError
from gradcli.graph import OUTPUT_NAME
from gradcli.places import place
from gradcli.plotting.axes import Axis, read
from gradcli.reading.values import constant
from gradcli.syntax import parse
from gradcli.tokens import NAME

if TYPE_CHECKING:
    from gradcli.graph import Graph
    from gradcli.plotting.sampling import Function
    from gradcli.reading.values import Value

RANGE = -6.0, 6.0
"""Where the axis goes unless it is told: where an activation does what it does."""

NAMELESS = "x"
"""The axis where every function is a bare name."""

CURVES = 6
"""Entries of an output that are drawn each as a curve."""

SHOWN = 8
"""Names that a message lists."""


class Plotted(NamedTuple):
    """The functions with their names, and one axis or two."""

    functions: list[tuple[str, Function]]
    axes: tuple[Axis, ...]


def read_plot(
    arguments: Arguments,
    *,
    options: Collection[str],
    file: str | None = None,
    settings: Sequence[str] = (),
    files: Sequence[str] = (),
    defs: str | None = None,
) -> Plotted:
    """The functions and axes of a command line.

    Errors: UsageError, ExpressionError, FileError, LimitError.
    """
    bindings = [*arguments.bindings, *map(_setting, settings)]
    refuse_twice(bindings)
    ranges = [_axis(each) for each in bindings if ranged(each)]
    filed: dict[str, Value] = {}
    definitions = ""
    if files or defs is not None:
        from gradcli.cli.files import from_files
        from gradcli.reading.documents import read_text

        filed = from_files(files)
        definitions = read_text(defs, streams.LARGEST) if defs is not None else ""
    given = {*filed, *(each.name for each in bindings)}
    written = read_texts(arguments, file)
    graphs = {each: parsed(each, given, definitions, defs) for each in written if not single(each)}
    varied = {name for graph in graphs.values() for name in graph.inputs}
    texts = [named(each, {*given, *varied}, definitions) for each in written]
    graphs |= {each: parsed(each, given, definitions, defs) for each in texts if not each.bare and each not in graphs}
    axes = tuple(ranges) or (_alone(texts, graphs, given),)
    name = axes[0].name
    for each in texts:
        if each.bare:
            graphs[each] = parse(f"{each.text}({name})", given={*given, name}, definitions=definitions)
    _refuse(list(graphs.values()), bindings, axes, given, options)
    known = {variable for graph in graphs.values() for variable in graph.inputs}
    if len(axes) > 1 and len(texts) > 1:
        raise UsageError(f"two ranges and {len(texts)} expressions", hint="contours are drawn of one expression")
    values = {key: entry for key, entry in filed.items() if key in known}
    values |= {each.name: value(each) for each in bindings if not ranged(each)}
    for axis in axes:
        values.pop(axis.name, None)
    refuse_many(values)
    names = [_entry(axis.name, bindings, values) for axis in axes]
    axes = tuple(axis._replace(name=entry) for axis, entry in zip(axes, names, strict=True))
    from gradcli.plotting.sampling import Function

    called = [f"{each.text}({name})" if each.bare and len(texts) == 1 else label(each.text) for each in texts]
    functions = [Function(graphs[each], names, values) for each in texts]
    told = [one for said, function in zip(called, functions, strict=True) for one in _curves(said, function, axes)]
    for _, function in told:
        function.affordable(1)
        _tried(function, axes)
    return Plotted(told, axes)


def ranged(binding: Binding) -> bool:
    """Whether a value is a range: two numbers with a colon between them."""
    return ":" in binding.text and not binding.text.lstrip().startswith("@")


def read_points(words: Sequence[str], axis: Axis) -> list[float]:
    """The points of `--at`, within the range, each once.

    Errors: UsageError.
    """
    points = []
    for word in words:
        binding = Binding("at", word, f"--at={word}")
        fail = _failing(binding)
        if not word.strip():
            raise fail("--at has no value", (0, 1), "a point of the range: --at=1")
        point = constant(word, fail)
        if not isfinite(point) or not axis.low <= point <= axis.high:
            raise fail(
                f"this point lies outside {axis.name} = {axis.text}", None, "a point of the range, such as --at=1"
            )
        points.append(point)
    return list(dict.fromkeys(points))


def _setting(text: str) -> Binding:
    """What `--set` gives: a variable, or one entry of a tensor, which only a range can be given.

    Errors: UsageError.
    """
    found = re.fullmatch(rf"\s*({NAME})\s*\[([-−\d,\s]*)\]\s*=(.*)", text, re.DOTALL)
    if found is None:
        return assignment(text)
    index = "".join(found[2].replace("−", "-").split())
    name = f"{variable(found[1])}[{index}]"
    binding = Binding(name, found[3], f"--set {text}")
    if not ranged(binding):
        hint = f'the whole of {found[1]} has a value, and {name} a range: --set "{name}=-1:1"'
        raise UsageError(
            "one entry is given a range, and no value", source=binding.written, span=binding.span(), hint=hint
        )
    return binding


def _entry(name: str, bindings: Sequence[Binding], values: Mapping[str, Value]) -> str:
    """The axis by its name, an index counted from the front.

    Errors: UsageError for an entry that the tensor does not have.
    """
    base, bracket, inside = name.removesuffix("]").partition("[")
    if not bracket:
        return name
    binding = next(each for each in bindings if each.name == name)
    shape = getattr(values[base], "shape", ())
    words = inside.split(",")
    index = [int(word) for word in words if re.fullmatch(r"-?[0-9]{1,9}", word)]
    if (
        len(index) != len(words)
        or len(index) != len(shape)
        or not all(-length <= at < length for at, length in zip(index, shape, strict=True))
    ):
        has = f"its shape is ({','.join(map(str, shape))}{',' * (len(shape) == 1)})" if shape else "it is a number"
        hint = f"indices begin at 0; {has}"
        raise UsageError(f"{base} has no entry [{inside}]", source=binding.written, span=(6, 6 + len(name)), hint=hint)
    return place(base, tuple(at % length for at, length in zip(index, shape, strict=True)))


def _axis(binding: Binding) -> Axis:
    return read(binding.name, binding.text, _failing(binding))


def _failing(binding: Binding) -> Callable[..., GradcliError]:
    """Makes errors that point into a value."""

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        return UsageError(message, source=binding.written, span=binding.span(*(span or (0, None))), hint=hint)

    return fail


def _alone(texts: Sequence[Text], graphs: Mapping[Text, Graph], given: Collection[str]) -> Axis:
    """The axis where no range is given: the only variable without a value.

    Errors: UsageError for none, or several.
    """
    inputs = list(dict.fromkeys(name for graph in graphs.values() for name in graph.inputs))
    free = [name for name in inputs if name not in given]
    if len(free) > 1:
        listed = ", ".join(free[:SHOWN]) + (" …" if len(free) > SHOWN else "")
        hint = f"give one of them a range, and the others values: --{free[0]}=-6:6 --{free[1]}=1"
        raise UsageError(f"which of {listed} is the axis?", hint=hint)
    if not free and any(each.bare for each in texts):
        free = [NAMELESS]
    if not free and inputs:
        raise UsageError("every variable has a value: none is left to vary", hint=f"a range: --{inputs[0]}=-6:6")
    if not free:
        raise UsageError("a formula without a variable has no curve", hint=f"an example: {EXAMPLE}")
    return Axis(free[0], *RANGE)


def _refuse(
    graphs: Sequence[Graph],
    bindings: Sequence[Binding],
    axes: Sequence[Axis],
    given: Collection[str],
    options: Collection[str],
) -> None:
    """Names that no expression has, a third range, and variables without a value.

    Errors: UsageError.
    """
    inputs = list(dict.fromkeys(name for graph in graphs for name in graph.inputs))
    for each in bindings:
        if each.name.partition("[")[0] not in inputs:
            widest = max(graphs, key=lambda graph: len(graph.inputs))
            few = "the expression has" if len(graphs) == 1 else "the expressions have"
            raise UsageError(
                f"{few} no variable '{each.name}'",
                source=each.written,
                span=(0, len(each.written)),
                hint=meant(each.name, widest, given, options),
            )
    if len(axes) > 2:
        third = next(each for each in bindings if each.name == axes[2].name)
        raise UsageError(
            f"{len(axes)} ranges, and two are the most: a plane",
            source=third.written,
            span=third.span(),
            hint=f"one value for {third.name}: --{third.name}=1",
        )
    missing = [name for name in inputs if name not in given and name not in {axis.name for axis in axes}]
    entries = [axis.name for axis in axes if axis.name.partition("[")[0] in missing]
    if entries:
        base = entries[0].partition("[")[0]
        raise UsageError(f"no value for {base}, of which {entries[0]} is varied", hint=f'such as --{base}="[1, 2]"')
    if missing:
        listed = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
        more = f", or a range, --{missing[0]}=-3:3, for contours" if len(axes) == len(graphs) == 1 else ""
        raise UsageError(f"no value for {listed}", hint=f"one number, --{missing[0]}=1{more}")


def _curves(called: str, function: Function, axes: Sequence[Axis]) -> list[tuple[str, Function]]:
    """A function by its name; where its output has a few entries, each of them."""
    if len(axes) > 1 or not function.graph.tensorial:
        return [(called, function)]
    try:
        entries = function.entries(axes[0].low)
    except GradcliError:
        return [(called, function)]  # what is wrong is told when it is tried
    if not 0 < len(entries) <= CURVES:
        return [(called, function)]
    output = function.graph.labels.get(function.graph.output, OUTPUT_NAME)
    return [(place(output, index), entry) for index, entry in entries.items()]


def _tried(function: Function, axes: Sequence[Axis]) -> None:
    """Run a function at one point, so that shapes that do not fit are told with the variable that is varied.

    Errors: of the engine.
    """
    try:
        function.gradients(*(axis.low for axis in axes))
    except ShapeError as error:
        name = axes[0].name
        base, entry = (name, f"{name}[0]") if "[" not in name else (name.partition("[")[0], name)
        hint = f'a range makes {base} one number after the other; one entry of a tensor: --set "{entry}=-3:3"'
        raise ShapeError(error.message, source=error.source, span=error.span, hint=hint) from None
