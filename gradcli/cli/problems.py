"""A problem of an assignment in the place of an expression: `gradcli check --problem 1 hw4.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.cli.arguments import Arguments
from gradcli.errors import UsageError, brief

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.homework.files.assignment import Assignment

EXAMPLE = "gradcli check --problem 1 hw4.toml --answer dx=-4"


def read_problem(
    arguments: Arguments, wanted: str, student: str | None, *, encoding: str | None = None, others: bool = False
) -> tuple[Gradients, Assignment]:
    """The gradients of a problem at a student's values, and its assignment.

    others: whether options say what the assignment says.
    Errors: UsageError for a problem that there is not, or whose values are drawn while no student is named; FileError.
    """
    from gradcli.homework.files.assignment import load
    from gradcli.homework.files.drawing import values

    file = arguments.expression("check", "assignment")
    if file is None:
        raise UsageError("--problem is of an assignment: which file?", hint=EXAMPLE)
    for binding in arguments.bindings:
        raise UsageError(
            f"the assignment gives {binding.name} its value",
            source=binding.written,
            span=(0, len(binding.written)),
            hint=f'leave it out, or check the expression itself: gradcli check "…" {binding.written}',
        )
    if others:
        raise UsageError(
            "the assignment gives the expression and its values", hint="leave out --set, --vars, --file and --defs"
        )
    assignment = load(file, encoding)
    problem = assignment.problem(wanted)
    if problem.draw and student is None:
        raise UsageError(
            f"the values of problem {brief(problem.id)} are drawn for each student",
            hint="whose are meant? --student ID",
        )
    return problem.gradients(values(problem, assignment, student or "")), assignment
