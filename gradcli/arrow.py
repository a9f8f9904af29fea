"""One formula over Arrow's record batches, wherever they come from: DuckDB, Spark, Ray, Dask, Parquet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import nan
from typing import TYPE_CHECKING, Any, TypeVar

from gradcli.autodiff import Value
from gradcli.batch.arrow_cells import EMPTY, doubles
from gradcli.batch.plan import LISTED, Plan
from gradcli.engines import exact
from gradcli.engines.formula import Formula, formula
from gradcli.errors import LimitError, UsageError, brief

if TYPE_CHECKING:
    import pyarrow

Batch = TypeVar("Batch", "pyarrow.RecordBatch", "pyarrow.Table")

Engine = Callable[[Sequence[Any]], tuple[list[Any], Sequence[int]]]
"""Columns of doubles → the value and the gradients at every row, and the rows that the engine itself has to decide."""


class MapInArrow:
    """A formula as a function of record batches; `gradcli.map_in_arrow` makes one. It can be pickled."""

    def __init__(
        self,
        text: str,
        wrt: Collection[str] | None = None,
        *,
        fixed: Mapping[str, Value] | None = None,
        columns: Mapping[str, str] | None = None,
        keep: bool = False,
        prefix: str = "",
        null: bool = False,
    ) -> None:
        if not isinstance(text, str):
            raise UsageError(f"the expression is text, and this is {type(text).__name__}")
        self.expression = text
        self.options: dict[str, Any] = {
            "wrt": (wrt,) if isinstance(wrt, str) else None if wrt is None else tuple(wrt),
            "fixed": dict(fixed or {}),
            "columns": dict(columns or {}),
            "keep": keep,
            "prefix": prefix,
            "null": null,
        }
        self.checked()

    def checked(self) -> None:
        """Say now what is wrong with the formula, not where it runs.

        Errors: ExpressionError; UsageError.
        """
        given = self.plan.formula
        for name in self.plan.columns:
            if name in given.fixed:
                raise UsageError(f"'{name}' has a value for all rows, and a column", hint="give one of the two")
            if name not in given.variables:
                known = ", ".join(given.variables[:LISTED]) or "none"
                raise UsageError(f"the expression has no variable '{brief(name)}'", hint=f"its variables: {known}")
        if given.tensorial:
            self.engine  # noqa: B018 - whether it comes to numbers

    def __reduce__(self) -> Any:
        """What it is made of: the formula is compiled where it runs."""
        return _again, (self.expression, self.options)

    def __repr__(self) -> str:
        set_here = {name: value for name, value in self.options.items() if value not in (None, {}, False, "")}
        return f"map_in_arrow({', '.join([repr(self.expression), *(f'{k}={v!r}' for k, v in set_here.items())])})"

    @cached_property
    def plan(self) -> Plan:
        """What is computed from which columns."""
        options = self.options
        found = formula(self.expression, fixed=options["fixed"], wrt=options["wrt"])
        return Plan(found, options["columns"], options["keep"], options["prefix"], options["null"])

    @cached_property
    def engine(self) -> Engine:
        """The first of Polars, NumPy and the engine itself that has all ops, whatever the size of a batch."""
        return _engine(self.plan.formula)

    def schema(self, given: pyarrow.Schema | None = None) -> pyarrow.Schema:
        """The columns that come out.   given: those that go in, needed where they are kept.

        Errors: UsageError for a kept column that is called as a result.
        """
        import pyarrow as pa

        *numbers, error = self.plan.results
        own = [pa.field(name, pa.float64()) for name in numbers] + [pa.field(error, pa.string())]
        if not self.plan.keep:
            return pa.schema(own)
        if given is None:
            raise UsageError("the columns that are kept are not known", hint="give the table's own schema")
        self.apart(given.names)
        return pa.schema([*given, *own])

    def ddl(self, given: Any = None) -> str:
        """The same as Spark writes it.   given: a Spark DataFrame's schema, needed where its columns are kept."""
        *numbers, error = self.plan.results
        own = [*((name, "double") for name in numbers), (error, "string")]
        if self.plan.keep:
            if given is None:
                raise UsageError("the columns that are kept are not known", hint="give the DataFrame's schema")
            self.apart(given.names)
            own = [*((each.name, each.dataType.simpleString()) for each in given), *own]
        quoted = ((name.replace("`", "``"), kind) for name, kind in own)
        return ", ".join(f"`{name}` {kind}" for name, kind in quoted)

    def __call__(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """A batch of results for each batch, as they come.

        Errors: UsageError for a column that is missing, or that holds no numbers.
        """
        return map(self.batch, batches)

    def batch(self, given: Batch) -> Batch:
        """The results of a batch, or of a table, row by row.

        Errors: as those of a call.
        """
        import pyarrow as pa

        if isinstance(given, pa.Table):
            self.places(given.schema.names)
            return pa.Table.from_batches(map(self.batch, given.to_batches()), self.schema(given.schema))
        schema = self.schema(given.schema)
        columns: list[Any] = [*given.columns] if self.plan.keep else []
        columns += self.computed(given)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def computed(self, given: pyarrow.RecordBatch) -> list[pyarrow.Array]:
        """The value and the gradients, null where there are none; and last what is wrong."""
        import numpy as np
        import pyarrow as pa

        rows, columns, faults = given.num_rows, list[Any](), dict[int, str]()
        for variable, place in zip(self.plan.formula.variables, self.places(given.schema.names), strict=True):
            numbers, wrong = doubles(given.column(place), given.schema.names[place])
            for row, fault in wrong.items():
                faults.setdefault(row, "" if self.plan.null and fault == EMPTY else f"{variable} {fault}")
            columns.append(numbers.fill_null(nan).to_numpy(zero_copy_only=False) if wrong else numbers.to_numpy())
        results, doubtful = self.run(columns, rows)
        errors = {row: fault for row, fault in faults.items() if fault}
        judged = [row for row in doubtful if row not in faults]
        if judged:
            results = [result if result.flags.writeable else result.copy() for result in results]
        for row in judged:
            found = exact.evaluated(self.plan.formula, [column[row].item() for column in columns])
            for result, value in zip(results, found.results, strict=True):
                result[row] = value
            if found.error:
                errors[row] = found.error
        nothing = None
        if faults:
            nothing = np.zeros(rows, dtype=bool)
            nothing[list(faults)] = True
        said: list[str | None] = [None] * rows if errors else []
        for row, error in errors.items():
            said[row] = error
        texts = pa.array(said, pa.string()) if errors else pa.nulls(rows, pa.string())
        return [*(pa.array(result, pa.float64(), mask=nothing) for result in results), texts]

    def run(self, columns: list[Any], rows: int) -> tuple[list[Any], Sequence[int]]:
        """The results of columns of doubles, and the rows that are doubtful."""
        import numpy as np

        if not rows:
            return [np.empty(0) for _ in self.plan.results[:-1]], ()
        if columns:
            return self.engine(columns)
        results = [np.full(rows, nan) for _ in self.plan.results[:-1]]
        return results, range(rows)

    def places(self, names: Sequence[str]) -> list[int]:
        """Where the columns of the variables are.

        Errors: UsageError.
        """
        try:
            return self.plan.bound(names, "the table")
        except UsageError as error:
            listed = ", ".join(brief(name) for name in names[:LISTED]) or "none"
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            others = "columns={variable: column} names another, fixed={variable: value} is for all rows"
            raise UsageError(error.message, hint=f"its columns: {listed}{more}; {others}") from None

    def apart(self, names: Iterable[str]) -> None:
        """Say that a column that is kept is called as a result.

        Errors: UsageError.
        """
        both = [name for name in self.plan.results if name in set(names)]
        if both:
            what = f"the table has a column '{brief(both[0])}' already, and its columns are kept"
            raise UsageError(what, hint='prefix="out_" names the results out_value, out_error …')


def _again(text: str, options: Mapping[str, Any]) -> MapInArrow:
    return MapInArrow(text, **options)


def _engine(given: Formula) -> Engine:
    """The first engine that has all ops: on a machine the same for every batch."""
    try:
        return _by_polars(given)
    except (ImportError, UsageError, LimitError):
        pass
    from gradcli.engines.unrolled import NotUnrolled

    try:
        return _by_numpy(given)
    except NotUnrolled:
        return _by_itself(given)


def _by_polars(given: Formula) -> Engine:
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from gradcli.engines.polars import columns as named
    from gradcli.engines.polars import frame_function

    function, names = frame_function(given), named(given)

    def run(columns: Sequence[Any]) -> tuple[list[Any], Sequence[int]]:
        table = pa.Table.from_arrays([pa.array(column) for column in columns], list(names.inputs))
        made: Any = function(pl.from_arrow(table, rechunk=False))  # type: ignore[type-var]
        doubtful = made[names.doubtful]
        places: list[int] = doubtful.arg_true().to_list() if doubtful.any() else []
        return [np.asarray(made[name].to_numpy()) for name in names.results], places

    return run


def _by_numpy(given: Formula) -> Engine:
    import numpy as np

    from gradcli.engines import numpy as engine

    function = engine.function(given)

    def run(columns: Sequence[Any]) -> tuple[list[Any], Sequence[int]]:
        results, doubtful = function(*columns)
        return results, [] if doubtful is None else np.flatnonzero(doubtful).tolist()

    return run


def _by_itself(given: Formula) -> Engine:
    import numpy as np

    def run(columns: Sequence[Any]) -> tuple[list[Any], Sequence[int]]:
        rows = len(columns[0])
        return [np.full(rows, nan) for _ in range(1 + len(given.wrt))], range(rows)

    return run
