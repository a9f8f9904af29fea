"""README keeps its word: every example in it is executed."""

from __future__ import annotations

import re
from inspect import getsource

import pytest

import gradcli
from gradcli.ops import trigonometric
from tests import readme


def test_the_main_job():
    """The first command prints what stands under it, proved and checked, with exit 0."""
    command, output = readme.main_job()
    done = readme.run(command)
    assert (done.stdout, done.returncode) == (output, 0)
    assert output.count("✓") == 2


@pytest.mark.parametrize(("command", "output"), readme.examples(), ids=[command for command, _ in readme.examples()])
def test_console_examples(command, output):
    """Every `$ command` prints exactly what README shows."""
    assert readme.run(command).stdout == output


@pytest.mark.parametrize("command", readme.quoted())
def test_commands_of_the_table(command):
    """Every command of "Which command?" runs as it stands."""
    done = readme.run(command)
    assert done.returncode == 0 and done.stdout


def test_python_example():
    """Every line of the Python block runs, and a comment that is a value is the value."""
    (block,) = [block for block in readme.blocks("python") if block.startswith("import gradcli")]
    scope: dict[str, object] = {}
    checked = 0
    for line in filter(None, block.splitlines()):
        code, _, comment = (part.strip() for part in line.partition("#"))
        if re.match(r"import |\w+ = ", code):
            exec(code, scope)  # noqa: S102 - README's own example
            continue
        expected = comment.rpartition(": ")[2] if comment.startswith("the ") else comment
        assert repr(eval(code, scope)) == expected  # noqa: S307 - README's own example
        checked += 1
    assert checked == 10


def test_the_row_shown_is_the_row():
    """ "Add an op: one row" quotes the table itself."""
    (row,) = [block for block in readme.blocks("python") if block.startswith("elementwise(")]
    source = "\n".join(line.removeprefix("    ") for line in getsource(trigonometric).splitlines())
    assert row.strip() in source


def test_the_version_is_in_the_changelog():
    """The last section has notes for this version."""
    last = readme.README.read_text().rpartition("\n## ")[2]
    assert last.startswith("Changelog") and f"**{gradcli.__version__}**" in last
