"""Every kind of fault, with its exact words on standard error and its exit status: the gallery.

A file of tests/errors is a command line, what it writes on standard error, and its exit status. It runs in
tests/errors/files. With GRADCLI_GOLDEN=write in the environment they are written anew: read the difference.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gradcli.cli import run

GALLERY = Path(__file__).parent / "errors"
FAULTS = sorted(GALLERY.glob("*.txt"))

REAL = ("syntax-unclosed", "value-comma", "option-unknown", "domain-log", "file-missing", "name-missing")
"""Faults that run as processes too."""

ANSI = "\x1b"


def words(fault: Path) -> list[str]:
    """The arguments of a fault's command line."""
    command = fault.read_text(encoding="utf-8").split("\n", 1)[0]
    assert command.startswith("$ gradcli ")
    return shlex.split(command.removeprefix("$ gradcli "))


def recorded(fault: Path, stderr: str, status: int) -> str:
    """A fault's file."""
    command = fault.read_text(encoding="utf-8").split("\n", 1)[0]
    return f"{command}\n{stderr}exit {status}\n"


def test_the_gallery_is_large_enough():
    """Each kind of fault has its examples."""
    kinds = {fault.name.split("-")[0] for fault in FAULTS}
    assert kinds >= {"syntax", "name", "value", "option", "domain", "file", "cell", "shape", "label", "answer"}
    assert len(FAULTS) >= 120


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.stem)
def test_fault(fault, capsys, monkeypatch):
    """The message, the caret, the hint and the exit status are as recorded, and nothing else is told."""
    monkeypatch.chdir(GALLERY / "files")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    status = run(words(fault))
    stderr = capsys.readouterr().err
    if os.environ.get("GRADCLI_GOLDEN") == "write":
        fault.write_text(recorded(fault, stderr, status), encoding="utf-8")
    assert recorded(fault, stderr, status) == fault.read_text(encoding="utf-8")
    assert status != 0
    assert ANSI not in stderr


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.stem)
def test_form(fault):
    """A message is lower case, has no full stop, and says what to try."""
    _, *lines, exit_line, _ = fault.read_text(encoding="utf-8").split("\n")
    assert exit_line in ("exit 1", "exit 2", "exit 3", "exit 4", "exit 5")
    first = next(line for line in lines if not line.startswith("note: "))
    assert first.startswith("error: ")
    assert not first.endswith(".")
    assert any(line.startswith("hint: ") for line in lines) or exit_line != "exit 2"


@pytest.mark.parametrize("name", REAL)
def test_fault_as_a_process(name):
    """The same words from a process of its own, and an empty standard output where nothing was computed."""
    fault = GALLERY / f"{name}.txt"
    done = subprocess.run(
        [sys.executable, "-m", "gradcli", *words(fault)],
        cwd=GALLERY / "files",
        env={**os.environ, "PYTHONPATH": str(GALLERY.parents[1]), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert recorded(fault, done.stderr, done.returncode) == fault.read_text(encoding="utf-8")
    assert done.returncode == 3 or done.stdout == ""
