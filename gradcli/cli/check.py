"""`gradcli check`: is my answer right, and if not, what did I do?"""

# Annotations are values here, not text: typer would compile each of them again on every run.

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradcli.cli import streams
from gradcli.cli.answers import from_answer_files, refuse_nothing, refuse_unknown, refuse_unreadable, typed
from gradcli.cli.arguments import Arguments, Option
from gradcli.cli.checks import CHECKS, VARIABLE, Checks, wanted
from gradcli.cli.command import ExpressionCommand, cannot_be, completing, one_of, whole, worst
from gradcli.cli.inputs import read_graph, read_upstream
from gradcli.cli.languages import Language, language
from gradcli.cli.options import (
    Budget,
    CountedDecimals,
    CountedDigits,
    Definitions,
    Expression,
    FileName,
    Settings,
    Share,
    Unverified,
    Upstream,
    ValueFiles,
)
from gradcli.errors import Status, UsageError
from gradcli.homework.formulas.proving import likely, prover
from gradcli.homework.records import Checked, Rules, State, contradicting
from gradcli.words import Words

if TYPE_CHECKING:
    from gradcli.autodiff import Gradients
    from gradcli.render.judged import View

HELP = """Check answers: are they right, and if not, which mistake leads to them?

\b
  gradcli check "(x+y)*(x*y)" --x=2 --y=3 --answer dx=21 --answer "dy=x*(x+2*y)"
  gradcli check "q=x+y; f=q*z" --x=-2 --y=5 --z=-4 --answer value.q=3 --answer dq=-4

An answer is a number as it was written down (0.40 has two decimals), a formula in
the variables, the nodes and dout, a list, or @dx.npy. A cell is value, dx, value.q,
grad.q, local.q.x. Values are given as to gradcli eval.
"""

FORMATS = ("table", "plain", "json", "csv", "markdown")

AT_KINK = ("interval", "strict")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _tolerance(flag: str) -> Any:
    """A parser for a tolerance: a number that is not negative."""
    import re

    def read(word: str) -> float:
        if re.fullmatch(r"[0-9]{0,9}(?:\.[0-9]{0,30})?(?:[eE]-?[0-9]{1,2})?", word) and word[:1] not in "eE":
            return float(word)
        raise cannot_be(flag, word, "a number such as 0.01 or 1e-4")

    return read


class CheckCommand(ExpressionCommand):
    """Of an assignment the file stands where the expression does."""

    def admit(self, arguments: Arguments, options: Mapping[str, Option]) -> None:
        """Refuse an option that bears the name of one of the expression's variables."""
        if not any(word.startswith("--problem=") for word in arguments.options):
            super().admit(arguments, options)


@app.command("check", cls=CheckCommand, rich_help_panel="homework", help=HELP)
def check(
    ctx: typer.Context,
    expression: Expression = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="An answer: dx=-4, value.q=3, 'dx=2*x*y', dx=@dx.npy. Repeatable.", metavar="CELL=ANSWER"),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            help="Read answers from a file: .toml, .json, .csv, .npz or a filled worksheet; - is standard input.",
            metavar="FILE",
        ),
    ] = None,
    problem: Annotated[
        str | None,
        typer.Option(help="Take this problem of an assignment: the file stands in the formula's place.", metavar="ID"),
    ] = None,
    student: Annotated[
        str | None, typer.Option(help="Whose values of the assignment are meant, where it draws them.", metavar="ID")
    ] = None,
    file: FileName = None,
    set_: Settings = None,
    vars_: ValueFiles = None,
    defs: Definitions = None,
    share: Share = False,
    upstream: Upstream = None,
    decimals: CountedDecimals = None,
    sig: CountedDigits = None,
    rtol: Annotated[
        float | None,
        typer.Option(help="Relative error that is allowed.", parser=_tolerance("--rtol"), metavar="R"),
    ] = None,
    atol: Annotated[
        float | None,
        typer.Option(help="Absolute error that is allowed.", parser=_tolerance("--atol"), metavar="R"),
    ] = None,
    cs231n: Annotated[bool, typer.Option("--cs231n", help="Judge by CS231n's bands of the relative error.")] = False,
    at_kink: Annotated[
        str | None,
        typer.Option(
            help="At a kink: any value between the one-sided derivatives (interval), or the convention's (strict).",
            metavar="|".join(AT_KINK),
            autocompletion=completing(AT_KINK),
        ),
    ] = None,
    hide_answer: Annotated[bool, typer.Option("--hide-answer", help="Tell no right number and no interval.")] = False,
    hint: Annotated[
        int | None,
        typer.Option(
            help="Hints for the first mistake: 1 where to look, 2 the rule, 3 the numbers, 4 the answer.",
            parser=whole("--hint", 1, 4),
            metavar="1..4",
            show_default=False,
        ),
    ] = None,
    lang: Language = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="How to print; table unless given.",
            metavar="|".join(FORMATS),
            autocompletion=completing(FORMATS),
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="How the files of --answers, or else the assignment, are encoded.", metavar="NAME"),
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(
            help=f"Prove the right numbers first, as gradcli eval does: proof, all; none unless given or {VARIABLE} "
            "says otherwise.",
            metavar="|".join(CHECKS),
            autocompletion=completing(CHECKS),
        ),
    ] = None,
    no_verify: Unverified = False,
    verify_budget: Budget = None,
) -> None:
    """Judge the answers, print what was found, and end with the exit status."""
    form = one_of("--format", format_ or "table", FORMATS)
    words = Words(language(lang))
    if hide_answer and hint == 4:
        raise UsageError("--hide-answer and --hint 4 contradict each other", hint="--hint 3 keeps the answer back")
    wishes: dict[str, Any] = {"decimals": decimals, "sig": sig, "rtol": rtol, "atol": atol, "cs231n": cs231n or None}
    for one, other in contradicting(wishes):
        raise UsageError(f"--{one} and --{other} contradict each other", hint="keep one of them")
    if at_kink is not None:
        wishes["at_kink"] = one_of("--at-kink", at_kink, AT_KINK)
    found = typed(answer or ())
    with (
        Checks(wanted(verify, no_verify=no_verify, default="none"), verify_budget) as checks,
        prover(early=likely(found)),
    ):
        gradients: Gradients
        if problem is not None:
            from gradcli.cli.problems import read_problem

            others = bool(set_ or vars_ or file or defs or share or upstream)
            gradients, assignment = read_problem(
                ctx.obj, problem, student, encoding=None if answers else encoding, others=others
            )
            rules, words = assignment.rules, Words(language(lang, assignment.lang))
        else:
            if student is not None:
                raise UsageError("--student is for an assignment", hint="--problem 1 hw4.toml --student ID")
            graph, values = read_graph(
                ctx.obj,
                command="check",
                options=ctx.command.declared(ctx),  # type: ignore[attr-defined]
                file=file,
                settings=set_ or (),
                files=vars_ or (),
                defs=defs,
                share=share,
            )
            gradients, rules = graph.forward(values).backward(read_upstream(ctx.obj)), Rules()
        rules = ruled(rules, wishes)
        if answers:
            found += from_answer_files(answers, gradients, words, encoding=encoding, problem=problem, student=student)
        refuse_nothing(found, answers or ())
        refuse_unknown(found, gradients)
        from gradcli.homework.checking import check as judged

        checked = judged(gradients, found, rules)
        refuse_unreadable(checked, words)
        from gradcli.render.judged import View

        proved = checks.run(gradients) if checks.wanted else None
        view = View(checked, words.language, hide=hide_answer, hint=hint or 0, verification=proved)
        show(view, form)
        streams.tell_each("note", gradients.graph.notes)
        statuses = [status(checked), finite(checked), sound(view)]
    raise typer.Exit(worst(statuses))


def ruled(rules: Rules, wishes: Mapping[str, Any]) -> Rules:
    """The rules of an assignment, with what the command line sets in their place."""
    given = {name: wish for name, wish in wishes.items() if wish is not None}
    if given.keys() - {"at_kink"}:  # one way of comparing takes the place of another
        rules = rules._replace(decimals=None, sig=None, rtol=None, atol=None, cs231n=False)
    return rules._replace(**given)


def show(view: "View", form: str) -> None:
    """Print a check in a format."""
    style = streams.style()
    if form == "table":
        from gradcli.render import check_table

        streams.put(check_table.render(view, style))
        return
    from gradcli.render import check_text

    streams.put(check_text.FORMATS[form](view, style))


def status(checked: Checked) -> Status:
    """The exit status that the answers have."""
    states = {result.state for result in checked.results}
    if states - {State.RIGHT, State.ROUNDED, State.UNDECIDED}:
        return Status.WRONG
    return Status.LIMIT if State.UNDECIDED in states else Status.FINE


def finite(checked: Checked) -> Status:
    """Whether each right answer is a number; if not, why is told."""
    gradients = checked.gradients
    if all(gradients.trace.m.finite(result.right) for result in checked.results):
        return Status.FINE
    from gradcli.cli.eval import undefined
    from gradcli.report import build

    streams.tell(undefined(build(gradients)).block())
    return Status.UNDEFINED


def sound(view: "View") -> Status:
    """Whether the numbers that answers are compared with are right themselves, as far as that was asked."""
    failures = view.verification.failures if view.verification else ()
    streams.tell_each("error: verification failed, do not trust this check", failures)
    return Status.WRONG if failures else Status.FINE
