"""gradcli: forward values, local and global gradients of any formula, proved.

>>> import gradcli
>>> gradcli.value_and_grad("(x+y)*z", x=-2, y=5, z=-4)
(-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})

>>> trace = gradcli.parse("q = x+y; f = q*z").forward(x=-2, y=5, z=-4)
>>> gradients = trace.backward()
>>> trace["q"], gradients["q"], gradients["z"]
(3.0, -4.0, 3.0)
>>> gradcli.verify(gradients).status
'passed'
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from gradcli.autodiff import Edge, Gradients, Trace, Value, forward, released
from gradcli.errors import (
    ExpressionError,
    FileError,
    GradcliError,
    LimitError,
    NotScalarError,
    ShapeError,
    UnknownCell,
    UsageError,
)
from gradcli.graph import Graph, Node
from gradcli.syntax import parse
from gradcli.verify import verify

if TYPE_CHECKING:
    from gradcli.arrow import MapInArrow
    from gradcli.compiled import Compiled
    from gradcli.derivatives import Hessian, Jacobian
    from gradcli.homework.records import Checked, Rules
    from gradcli.verify.verdicts import Verification

__all__ = [
    "Edge",
    "ExpressionError",
    "FileError",
    "GradcliError",
    "Gradients",
    "Graph",
    "LimitError",
    "Node",
    "NotScalarError",
    "ShapeError",
    "Trace",
    "UnknownCell",
    "UsageError",
    "Verification",
    "check",
    "compile",
    "hessian",
    "jacobian",
    "map_in_arrow",
    "parse",
    "value_and_grad",
    "verify",
]

__version__ = "0.4.0"


def __getattr__(name: str) -> object:
    """A class that is loaded when it is asked for: making it takes longer than a small evaluation."""
    if name != "Verification":
        raise AttributeError(f"module 'gradcli' has no attribute '{name}'")
    from gradcli.verify.verdicts import Verification

    return Verification


def value_and_grad(
    text: str | Graph, values: Mapping[str, Value] | None = None, /, **named: Value
) -> tuple[Value, dict[str, Value]]:
    """The value of an expression and its gradient with respect to every variable.

    text: the expression, or its graph: where it is evaluated many times, `parse` need read it only once.
    values: name → number, array or nested list, for names that Python cannot spell as keywords.
    Shapes: a gradient has the shape of its variable: a float for a number, else a new array of doubles; also of an
    array of float32, say, which is computed in doubles.
    Errors: ExpressionError with its place; UsageError for a missing or unknown value, or one that is no array of
    real numbers; ShapeError for shapes that do not fit; NotScalarError for an expression of several entries.

    >>> value, gradients = value_and_grad("sum((W@x)^2)", W=[[1, 2], [3, 4]], x=[1, -1])
    >>> value, gradients["x"]
    (2.0, array([ -8., -12.]))
    """
    given = {**(values or {}), **named}
    graph = parse(text, given=given) if isinstance(text, str) else text
    trace = forward(graph, given, copied=False)
    return trace.value, released(trace.backward())


def compile(  # noqa: A001 - what it is called everywhere
    text: str,
    wrt: Collection[str] | None = None,
    *,
    fixed: Mapping[str, Value] | None = None,
    engine: str = "auto",
    rows: bool | None = None,
    reuse: bool = False,
) -> Compiled:
    """An expression as a fast function of its variables that returns what value_and_grad does.

    Floats are one point. Arrays are many points, worked out entry by entry in the shape that they broadcast to; the
    value and each gradient are arrays of that shape, with inf and nan as IEEE 754 has them. Only where the expression
    works on whole tensors (sum, @, a list, a loss over a batch, a fixed matrix) are arrays the tensors themselves, and
    there is one value.

    wrt: the variables whose gradients are wanted, all that are not fixed unless given.
    fixed: variable → the value that it always has; the function does not take it.
    engine: "auto" takes Python for floats and NumPy, on all CPUs, for arrays; "python" and "numpy" the one for arrays
    too; "numba" compiles the loop over arrays to machine code, at their first use, if numba is installed.
    rows: True makes arrays points in any case, so that `norm([x, y])` is one for each x and y; False, tensors.
    reuse: the arrays returned belong to the function, which writes its next results into them. Otherwise they are the
    caller's, and only the memory of large ones that nobody holds any more serves again.
    Errors: ExpressionError with its place; UsageError for a name that is no variable, a missing numba, and functions
    that it cannot compile.

    >>> f = compile("1/(1+exp(-(w*x+b)))", wrt=["w", "b"])
    >>> f(2.0, -1.0, 2.0)
    (0.5, {'w': -0.25, 'b': 0.25})
    >>> value, gradients = f(w=2.0, x=[-1.0, 0.0], b=2.0)
    >>> gradients["w"]
    array([-0.25,  0.  ])
    """
    from gradcli.compiled import Compiled

    return Compiled(text, wrt, fixed=fixed, engine=engine, rows=rows, reuse=reuse)


def map_in_arrow(
    text: str,
    wrt: Collection[str] | None = None,
    *,
    fixed: Mapping[str, Value] | None = None,
    columns: Mapping[str, str] | None = None,
    keep: bool = False,
    prefix: str = "",
    null: bool = False,
) -> MapInArrow:
    """A formula as a function of Arrow record batches → the same rows with `value`, `grad_x` …, and `error`.

    wrt: the variables whose gradients are wanted, all of them unless given.
    fixed: variable → its value in every row.   columns: variable → its column, where that has another name.
    keep: whether the columns that go in come out too, before the results.   prefix: before the names of the results.
    null: whether an empty cell is a missing value, with no results, rather than an error.

    The function takes an iterator of batches and returns one; its `batch` takes a single batch, or a table. `error` is
    null where all is well; a row that is not does not stop the others. It can be pickled, and compiles itself where it
    runs: with Polars where that is installed and has all ops, else with NumPy.
    Errors: ExpressionError with its place; UsageError.

        DuckDB  reader = duckdb.sql("from 'big.parquet'").to_arrow_reader(100_000)
                pyarrow.RecordBatchReader.from_batches(f.schema(), f(reader))
        Spark   frame.mapInArrow(f, f.ddl())
        Ray     dataset.map_batches(f.batch, batch_format="pyarrow")
        Dask    frame.map_partitions(lambda part: f.batch(pyarrow.Table.from_pandas(part)).to_pandas())

    >>> f = map_in_arrow("x^2*y", wrt=["x"], columns={"y": "unit price"})
    >>> f.ddl()
    '`value` double, `grad_x` double, `error` string'
    """
    from gradcli.arrow import MapInArrow

    return MapInArrow(text, wrt, fixed=fixed, columns=columns, keep=keep, prefix=prefix, null=null)


def jacobian(text: str, values: Mapping[str, Value] | None = None, /, **named: Value) -> Jacobian:
    """The derivative of every entry of an expression with respect to every entry of its variables.

    Shapes: the result maps each variable to an array of the output's shape followed by the variable's.
    Errors: ExpressionError; UsageError; LimitError for more than 4,000,000 entries.

    >>> jacobian("x*y", x=2, y=3)["x"]
    3.0
    """
    given = {**(values or {}), **named}
    return parse(text, given=given).forward(given).jacobian()


def hessian(text: str, values: Mapping[str, Value] | None = None, /, **named: Value) -> Hessian:
    """The second derivatives of a scalar expression with respect to every two of its variables.

    Shapes: hessian["x"]["y"] is an array of the shape of x followed by that of y.
    Errors: ExpressionError; NotScalarError for an expression of several entries; LimitError.

    >>> hessian("x^2*y", x=3, y=5)["x"]
    {'x': 10.0, 'y': 6.0}
    """
    given = {**(values or {}), **named}
    return parse(text, given=given).forward(given).hessian()


def check(gradients: Gradients, answers: Mapping[str, str | Value], rules: Rules | None = None) -> Checked:
    """Judge a student's answers: right, following from an earlier mistake, or wrong and by which mistake.

    answers: cell → what was written, as text, whose digits count, or as an array; a number counts as Python writes it.
    rules: how they are compared (homework/records.py); by the digits written unless given.
    Errors: UnknownCell for an address that names no cell.

    >>> gradients = parse("q = x+y; f = q*z").forward(x=-2, y=5, z=-4).backward()
    >>> [result.state.value for result in check(gradients, {"value.q": "3", "dq": "4", "dx": "4"}).results]
    ['right', 'wrong', 'carried']
    """
    from gradcli.homework.checking import check as judged
    from gradcli.homework.records import Answer

    written = [
        Answer(cell, "", answer) if hasattr(answer, "ndim") else Answer(cell, str(answer))
        for cell, answer in answers.items()
    ]
    return judged(gradients, written, rules)
