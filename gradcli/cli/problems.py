"""A problem of an assignment in the place of an expression: `gradcli check --problem 1 hw4.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcli.cli.arguments import Arguments
from gradcli.errors import UsageError, brief

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.homework.records import Rules

EXAMPLE = "gradcli check --problem 1 hw4.toml --answer dx=-4"


def read_problem(
    arguments: Arguments, wanted: str, student: str | None, *, encoding: str | None = None, others: bool = False
) -> tuple[Gradients, Rules]:
    """The gradients of a problem at a student's values, and the assignment's rules.

    others: whether options say what the assignment says.
    Errors: UsageError for a problem that there is not, or whose values are drawn while no student is named; FileError.
    """
    from gradcli.homework.assignment import load

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
    known = {problem.id: problem for problem in assignment.problems}
    if wanted not in known:
        raise UsageError(
            f"{file} has no problem '{brief(wanted)}'",
            hint=f"its problems: {', '.join(map(brief, list(known)[:12]))}",
        )
    problem = known[wanted]
    if problem.draw and student is None:
        raise UsageError(
            f"the values of problem {brief(wanted)} are drawn for each student",
            hint="whose are meant? --student ID",
        )
    from gradcli.homework.drawing import values
    from gradcli.syntax import parse

    found = values(problem, assignment, student or "")
    graph = parse(problem.expr, given=set(found), place=f"{file}: problem {wanted}")
    return graph.forward(found).backward(), assignment.rules
