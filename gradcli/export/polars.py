"""Polars: a function of a frame, whose columns are the variables.

What is named is a column, one level after another.
"""

from __future__ import annotations

from itertools import groupby

from gradcli.export.about import WIDTH, about, renamed
from gradcli.export.exported import Exported
from gradcli.export.naming import PYTHON, Names, function_name
from gradcli.export.plan import Plan, plan, refuse_deep
from gradcli.export.python import docstring, listed, number, quoted
from gradcli.systems.dialects.polars import POLARS
from gradcli.systems.dialects.python import COMPARISONS

FUNCTION = "value_and_grad"

TRUTH = ".cast(pl.Float64)"

COLUMNS = POLARS._replace(
    own={
        **POLARS.own,
        **{word: f"(#1 {sign} #2){TRUTH}" for word, sign in COMPARISONS.items()},
        "where": "pl.when(?1).then(#2).otherwise(#3)",
        "smallest": "pl.when(-#1 >= -#2).then(#1).otherwise(#2)",  # nan, the larger one, if one is nan
    },
    truths={**{word: f"#1 {sign} #2" for word, sign in COMPARISONS.items()}, "mul": "?1 & ?2", "add": "?1 | ?2"},
)
"""Polars for people to read; nan compares as Polars has it."""

NOTE = (
    "A DataFrame or a LazyFrame with a column for each variable; the results have the order of its rows. "
    "In comparisons NaN is larger than every number, as Polars has it."
)


def written(exported: Exported) -> str:
    """The function, and an example where values were given.

    Errors: Unspelled; UsageError for a formula of tensors.
    """
    function = function_name(exported.function, FUNCTION, (*PYTHON, "frame"), "the code")
    results = ["value", *(f"grad_{name}" for name in exported.wrt)]
    names = Names((*PYTHON, "frame", "value", *results, function))
    made = plan(exported, COLUMNS, names, columns=True)
    refuse_deep(made, "Polars")
    text = docstring(about(exported, made.output, renamed(made.parameters), [NOTE]))
    head = ["import polars as pl", "", "", f"def {function}(frame):"]
    return "\n".join([*head, *text, *body(made), *example(exported, made, function)])


def body(made: Plan) -> list[str]:
    """The lines of the function."""
    short = list(made.parameters.values())
    lines = columns(short, list(made.parameters)) + columns(*[[step.name for step in made.steps]] * 2)
    chain = [*listed(".select(", short, ")", ""), ".cast(pl.Float64)"] if short else []
    for _, level in groupby(sorted(made.steps, key=lambda each: each.level), key=lambda each: each.level):
        chain += with_columns({step.name: step.code for step in level})
    results = {"value": made.value, **{f"grad_{name}": code for name, code in made.gradients.items()}}
    chain += with_columns(results)
    chain += listed(".select(", [quoted(name) for name in results], ")", "")
    return [*lines, "    return (", *(f"        {line}" for line in ["frame", *chain]), "    )"]


def columns(short: list[str], own: list[str]) -> list[str]:
    """Names for columns."""
    lines = []
    for k in range(0, len(short), 8):
        names, texts = short[k : k + 8], list(map(quoted, own[k : k + 8]))
        several = f"    {', '.join(names)} = map(pl.col, [{', '.join(texts)}])"
        if len(names) > 1 and len(several) <= WIDTH:
            lines.append(several)
        else:
            lines += [f"    {name} = pl.col({text})" for name, text in zip(names, texts, strict=True)]
    return lines


def with_columns(wanted: dict[str, str]) -> list[str]:
    """A call that adds columns."""
    return listed(".with_columns(", [f"{name}={code}" for name, code in wanted.items()], ")", "")


def example(exported: Exported, made: Plan, function: str) -> list[str]:
    """What runs the function on a frame of one row."""
    if not exported.complete:
        return []
    columns = [f"{quoted(name)}: [{number(exported.values[name])}]" for name in made.parameters]
    return [
        "",
        "",
        'if __name__ == "__main__":',
        *listed("frame = pl.DataFrame({", columns or ['"row": [0]'], "})"),
        f"    print({function}(frame))",
    ]
