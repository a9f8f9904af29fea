"""A formula made ready to run many times: `compile`.

What an array means is settled when the formula is compiled. Of a formula of numbers, arrays are many points, entry by
entry. A formula in which something works on whole tensors (sum, @, a list, a loss over a batch, a fixed matrix) is
evaluated once, and arrays are its tensors, as in value_and_grad; unless `rows` says that they are points here too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from threading import local
from typing import Any

from gradcli.autodiff import Value, forward, real, released
from gradcli.engines.formula import Formula, formula
from gradcli.engines.python import RAISED
from gradcli.errors import GradcliError, NotScalarError, ShapeError, UsageError

ENGINES = ("auto", "python", "numpy", "numba")

Found = tuple[Value, dict[str, Value]]


class Compiled:
    """A formula as a function of its variables; `gradcli.compile` makes one.

    variables: in the order in which the function takes them.   wrt: whose gradients it returns.
    rows: whether arrays are many points.
    """

    def __init__(
        self,
        text: str,
        wrt: Collection[str] | None = None,
        *,
        fixed: Mapping[str, Value] | None = None,
        engine: str = "auto",
        rows: bool | None = None,
        reuse: bool = False,
    ) -> None:
        if engine not in ENGINES:
            raise UsageError(f"there is no engine '{engine}'", hint=f"engines: {', '.join(ENGINES)}")
        if wrt is not None:
            wrt = (wrt,) if isinstance(wrt, str) else tuple(wrt)
        given = formula(text, fixed=fixed, wrt=wrt)
        names = given.variables if wrt is None else given.wrt
        self.formula = Formula(given.graph, given.fixed, names)
        self.expression, self.variables, self.wrt = text, given.variables, names
        whole = self.formula.tensorial or any(op.reduces for op in given.graph.kinds)
        self.rows = not whole if rows is None else bool(rows)
        self.engine, self.reuse = engine, reuse
        self.again = text, wrt, given.fixed, engine, rows, reuse
        self.kept = local()
        if engine == "numba" and self.rows:
            self.columns  # noqa: B018 - what numba cannot compile is said now

    def __reduce__(self) -> Any:
        """Packed by its text, and compiled again where it is unpacked."""
        return again, self.again

    def __repr__(self) -> str:
        return f"<{self.expression} of {', '.join(self.variables) or 'nothing'}, compiled>"

    def __call__(self, /, *given: Any, **named: Any) -> Found:
        """The value, and the gradients by name.

        given: the values of the variables in order, or one mapping of them; or by name.
        Shapes: of points, what the values broadcast to; of tensors, as value_and_grad.
        Errors: UsageError for a missing or unknown value, or one that is no number; ShapeError; NotScalarError.
        """
        values: Sequence[Any] = given
        if named and not given and len(named) == len(self.variables):
            try:
                values = [named[name] for name in self.variables]
            except KeyError:
                values = self.arranged(values, named)
        elif named or len(values) != len(self.variables) or (values and isinstance(values[0], Mapping)):
            values = self.arranged(values, named)
        try:
            found = self.point(*values)
        except RAISED:
            found = None
        return self.closer(values) if found is None else found

    def closer(self, values: Sequence[Any]) -> Found:
        """What is no point of plain floats with finite results."""
        kinds = set(map(type, values))
        if kinds <= {float}:
            return self.at(values)
        import numpy as np

        if not kinds <= {float, np.ndarray} or any(
            x.dtype != np.float64 or not x.ndim for x in values if x.__class__ is not float
        ):
            values = [self.real(name, value) for name, value in self.named(values)]
            if all(type(value) is float for value in values):
                return self(*values)
        return self.at_points(values) if self.rows else self.at(values)

    def named(self, values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """The variables with these values."""
        return zip(self.variables, values, strict=True)

    def arranged(self, values: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the variables.

        Errors: UsageError.
        """
        first = values[0] if len(values) == 1 else None
        if isinstance(first, Mapping):
            values, named = (), {**first, **named}
        if len(values) > len(self.variables):
            many = f"{len(values)} value{'' if len(values) == 1 else 's'}"
            raise UsageError(f"{many} for {len(self.variables)}: {', '.join(self.variables) or 'no variables'}")
        given = dict(zip(self.variables, values, strict=False))
        for name in named:
            if name in given or name in self.formula.fixed:
                raise UsageError(f"'{name}' is given twice" if name in given else f"'{name}' is fixed")
        given |= named
        if given.keys() != set(self.variables):
            known = {**self.formula.fixed, **given}
            forward(self.formula.graph, known)  # says what is missing, or unknown
        return tuple([given[name] for name in self.variables])

    def real(self, name: str, value: Any) -> Value:
        """A value as a float or an array of doubles."""
        if self.rows and (len(value) == 0 if isinstance(value, list | tuple) else getattr(value, "size", 1) == 0):
            import numpy as np

            return np.asarray(value, dtype=np.float64)
        return real(value, f"the value of '{name}'", copied=False)

    @cached_property
    def point(self) -> Callable[..., Found | None]:
        """The formula on plain floats, None where the engine itself is to be asked: of tensors too large for code."""
        from gradcli.engines.python import call

        if not self.formula.tensorial:
            return call(self.formula)

        def first(*values: Any) -> Found | None:
            """Write the code of tensors when it is asked for: arrays need none."""
            if any(type(value) is not float for value in values):
                return None
            self.__dict__["point"] = _written(call, self.formula) or (lambda *x: None)
            return self.point(*values)

        return first

    @cached_property
    def columns(self) -> Any:
        """The formula on columns; None for tensors that are too large for code."""
        if self.engine == "numba":
            from gradcli.engines.numba import function as made
        else:
            from gradcli.engines.numpy import function as made  # type: ignore[assignment]

        return _written(lambda each: made(each, each.tensorial), self.formula)

    def at(self, values: Sequence[Value]) -> Found:
        """The engine itself, at one point."""
        given = {**self.formula.fixed, **dict(self.named(values))}
        trace = forward(self.formula.graph, given, copied=False)
        found = released(trace.backward(wrt=self.wrt), self.wrt)
        return trace.value, found

    def at_points(self, values: Sequence[Value]) -> Found:
        """Many points, in the shape that their coordinates broadcast to."""
        import numpy as np

        try:
            shape = np.broadcast_shapes(*{value.shape for value in values if type(value) is not float})
        except (ValueError, RuntimeError):  # the latter for more axes than NumPy broadcasts
            from gradcli.shapes import shown

            given = (f"{name} is {shown(np.shape(x))}" for name, x in self.named(values))
            raise ShapeError(f"the arrays do not broadcast: {', '.join(given)}") from None
        out = self.buffers(shape) if self.reuse else None
        if out is not None:  # what it returned last time may be what it is given now
            values = [np.array(x) if any(np.may_share_memory(x, each) for each in out) else x for x in values]
        if self.engine == "python" or self.columns is None:
            out = out or [np.empty(shape) for _ in range(1 + len(self.wrt))]
            suspects: Any = range(int(np.prod(shape)))
        else:
            out, doubtful = self.columns(*values, out=out)
            suspects = () if doubtful is None else np.flatnonzero(doubtful)
        if len(suspects):
            self.one_by_one(suspects, np.broadcast_arrays(*values, out[0])[:-1], [each.reshape(-1) for each in out])
        return out[0], dict(zip(self.wrt, out[1:], strict=True))

    def one_by_one(self, points: Sequence[int], columns: Sequence[Any], out: Sequence[Any]) -> None:
        """Some points, each by itself."""
        flat = [column.flat for column in columns]
        for index in points:
            try:
                value, gradients = self(*[float(column[index]) for column in flat])
            except GradcliError as error:
                message = f"at point {index}: {error.message}"
                raise UsageError(message, source=error.source, span=error.span, hint=error.hint) from None
            out[0][index] = value
            for name, column in zip(self.wrt, out[1:], strict=True):
                column[index] = gradients[name]

    def buffers(self, shape: tuple[int, ...]) -> list[Any]:
        """This thread's result arrays."""
        import numpy as np

        if getattr(self.kept, "shape", None) != shape:
            self.kept.shape, self.kept.arrays = shape, [np.empty(shape) for _ in range(1 + len(self.wrt))]
        return list(self.kept.arrays)


def _written(make: Callable[[Formula], Any], each: Formula) -> Any:
    """What an engine makes of a formula; None for tensors that are too large to be written as code."""
    if not each.tensorial:
        return make(each)
    from gradcli.systems.cells import NotUnrolled

    try:
        return make(each)
    except (NotUnrolled, NotScalarError, ShapeError):  # the engine itself has arrays for gradients, and says it better
        return None


def again(
    text: str,
    wrt: Collection[str] | None,
    fixed: Mapping[str, Value] | None,
    engine: str,
    rows: bool | None,
    reuse: bool,
) -> Compiled:
    """A compiled formula, from what it was compiled from."""
    return Compiled(text, wrt, fixed=fixed, engine=engine, rows=rows, reuse=reuse)
