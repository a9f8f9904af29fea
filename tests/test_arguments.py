"""The words of a command line are sorted into one expression, values of variables, and options."""

from __future__ import annotations

import pytest

from gradcli.cli import COMMANDS, app
from gradcli.cli.arguments import RESERVED, Arguments, Option, assignment
from gradcli.errors import UsageError

OPTIONS = {
    "-h": Option(takes_value=False),
    "--help": Option(takes_value=False),
    "--full": Option(takes_value=False),
    "--format": Option(),
    "--no-verify": Option(takes_value=False),
    "--get": Option(repeats=True),
}

SORTED = [
    # words, expressions, bindings, options
    (["x^2", "--x=3"], ["x^2"], {"x": "3"}, []),
    (["x^2", "--x", "3"], ["x^2"], {"x": "3"}, []),
    (["--x", "3", "x^2"], ["x^2"], {"x": "3"}, []),
    (["--x", "3", "-x^2"], ["-x^2"], {"x": "3"}, []),
    (["--x0", "-1", "x0"], ["x0"], {"x0": "-1"}, []),
    (["--x", "-inf", "x"], ["x"], {"x": "-inf"}, []),
    (["--x", "-1e5", "x"], ["x"], {"x": "-1e5"}, []),
    (["--x", "--1", "x"], ["x"], {"x": "--1"}, []),
    (["x", "--x=", "--y=-"], ["x"], {"x": "", "y": "-"}, []),
    (["x", "--x==3"], ["x"], {"x": "=3"}, []),
    (["x", "--x=a\nb"], ["x"], {"x": "a\nb"}, []),
    # an expression may begin with "-"
    (["-x^2"], ["-x^2"], {}, []),
    (["-alpha*3"], ["-alpha*3"], {}, []),
    (["-alpha"], ["-alpha"], {}, []),
    (["-f(x)"], ["-f(x)"], {}, []),
    (["-h(x)"], ["-h(x)"], {}, []),
    (["-h*2"], ["-h*2"], {}, []),
    (["-o*2"], ["-o*2"], {}, []),
    (["-3"], ["-3"], {}, []),
    (["-"], ["-"], {}, []),
    (["--x^2", "--x", "3"], ["--x^2"], {"x": "3"}, []),
    (["--(x)"], ["--(x)"], {}, []),
    (["--x*y"], ["--x*y"], {}, []),
    (["--x²"], ["--x²"], {}, []),
    (["--3"], ["--3"], {}, []),
    (["---x"], ["---x"], {}, []),
    ([""], [""], {}, []),
    # variables with the names of short options, of long ones' beginnings, and beyond ASCII
    (["h+f+v", "--h=1", "--f", "2", "--v=3"], ["h+f+v"], {"h": "1", "f": "2", "v": "3"}, []),
    (["form", "--form=1", "--ful", "2", "--hel=3"], ["form"], {"form": "1", "ful": "2", "hel": "3"}, []),
    (["θ", "--θ=1"], ["θ"], {"θ": "1"}, []),
    (["x₁", "--x₁=1"], ["x₁"], {"x1": "1"}, []),
    (["π", "--π=3"], ["π"], {"pi": "3"}, []),
    (["_a", "--_a=3"], ["_a"], {"_a": "3"}, []),
    (["lambda", "--lambda", "3"], ["lambda"], {"lambda": "3"}, []),
    # options
    (["x", "--format", "json"], ["x"], {}, ["--format=json"]),
    (["x", "--format=json", "--full"], ["x"], {}, ["--format=json", "--full"]),
    (["x", "--get", "dx", "--get", "grad.(-x)"], ["x"], {}, ["--get=dx", "--get=grad.(-x)"]),
    (["x", "--get", "-x"], ["x"], {}, ["--get=-x"]),
    (["-h"], [], {}, ["-h"]),
    (["--help", "x"], ["x"], {}, ["--help"]),
    # "--" ends them
    (["--", "-x^2"], ["-x^2"], {}, []),
    (["--x=3", "--", "--x"], ["--x"], {"x": "3"}, []),
    (["--", "-h"], ["-h"], {}, []),
    ([], [], {}, []),
]


@pytest.mark.parametrize(("words", "expressions", "bindings", "options"), SORTED)
def test_sorting(words, expressions, bindings, options):
    """Each word is an expression, a binding or an option, whatever the order."""
    found = Arguments.scan(words, OPTIONS)
    assert list(found.expressions) == expressions
    assert {binding.name: binding.text for binding in found.bindings} == bindings
    assert list(found.options) == options


REFUSED = [
    # words, what the message says, what the hint says
    (["--x"], "--x has no value", "--x=3"),
    (["x", "--x", "--format", "json"], "--x has no value: the next word is --format", "--x=3"),
    (["--x", "--y=3"], "--x has no value: the next word is --y=3", "--x=3"),
    (["--x", "--", "y"], "--x has no value", "--x=3"),
    (["x", "--format"], "--format has no value", "--format=…"),
    (["x", "--format", "--full"], "--format has no value", "--format=…"),
    (["x", "--full=2"], "--full takes no value", "--set full=2"),
    (["x", "--help=2"], "--help takes no value", "--set help=2"),
    (["x", "--format=a", "--format=b"], "--format is given twice", "keep one"),
    (["x", "--dout=3"], "--dout is no option of eval", "--set dout=3"),
    (["x", "--rtol", "3"], "--rtol is no option of eval", "--set rtol=…"),
    (["x", "--no-verfy"], "eval has no option --no-verfy", "did you mean --no-verify?"),
    (["x", "--x-y=3"], "eval has no option --x-y", "gradcli eval --help"),
    (["-o"], "eval has no option -o", '"(-o)"'),
]


@pytest.mark.parametrize(("words", "message", "hint"), REFUSED)
def test_refusals(words, message, hint):
    """A missing value, an option that is not this command's, a second time: each is named, with advice."""
    with pytest.raises(UsageError) as caught:
        Arguments.scan(words, OPTIONS)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


SEVERAL = [
    (["x*y", "x=3"], "--x=3"),
    (["-x=3", "x^2"], "--x=3"),
    (["—x=3", "x^2"], "--x=3"),
    (["-x", "3", "x^2"], "--x=3"),
    (["x^2", "–x", "3"], "--x=3"),
    (["-x", "pi/2", "x^2"], "--x=pi/2"),
    (["x^2", "-x", "@v.txt"], "--x=@v.txt"),
    (["x", "*", "y"], "quote"),
    (["x", "-", "y"], "quote"),
    (["--", "x", "--x=3"], "before --"),
]


@pytest.mark.parametrize(("words", "hint"), SEVERAL)
def test_one_expression(words, hint):
    """Of several expressions none is taken; the hint says how the line was meant."""
    with pytest.raises(UsageError, match="more than one expression") as caught:
        Arguments.scan(words, OPTIONS).expression()
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("words", "option", "hint"),
    [
        (["x*x", "-v"], "-v", "gradcli eval --help"),
        (["-v", "x*x"], "-v", "gradcli eval --help"),
        (["x*x", "-f", "json"], "-f", "gradcli eval --help"),
        (["x*x", "-verbose", "--x=3"], "-verbose", "gradcli eval --help"),
        (["x*x", "-format", "json"], "-format", "did you mean --format?"),
        (["x*x", "-no-verify"], "-no-verify", "did you mean --no-verify?"),
    ],
)
def test_an_option_with_one_dash(words, option, hint):
    """A name with one dash beside an expression is taken for an option that does not exist."""
    with pytest.raises(UsageError) as caught:
        Arguments.scan(words, OPTIONS).expression()
    assert caught.value.message == f"eval has no option {option}"
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [("x=3", "x", "3"), ("format=-1", "format", "-1"), ("θ = 2", "θ", " 2"), ("x=", "x", "")],
)
def test_set(text, name, value):
    """`--set name=value` binds any name."""
    binding = assignment(text)
    assert (binding.name, binding.text) == (name, value)
    assert binding.written[slice(*binding.span())] == value


@pytest.mark.parametrize("text", ["x", "=3", "2x=3", "x-y=3", "x y=3", "f(x)=3", "x²=3"])
def test_set_refuses(text):
    """`--set` needs a name, `=` and a value; the caret points at what is wrong."""
    with pytest.raises(UsageError) as caught:
        assignment(text)
    assert caught.value.span is not None


def test_reserved_names_cover_every_option():
    """Every option of every command is reserved, so that no variable can lose its value to one of them."""
    from typer.main import get_command

    group = get_command(app)
    commands = [group, *(group.get_command(None, name) for name in COMMANDS)]
    declared = {word for command in commands for option in command.params for word in option.opts if word[:2] == "--"}
    assert declared
    assert {word.removeprefix("--") for word in declared} <= RESERVED
