"""README's examples: found, run, and (with `python -m tests.readme`) written afresh."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return [match[2] for match in BLOCK.finditer(README.read_text()) if match[1] == language]


def main_job() -> tuple[str, str]:
    """The first command's `gradcli eval …`, and the output printed under it."""
    return blocks("sh")[0].split("&&")[-1].strip(), blocks("text")[0]


def examples() -> list[tuple[str, str]]:
    """(command, output) of every `$ command` in the console blocks."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def quoted() -> list[str]:
    """The commands in the table "Which command?"."""
    section = README.read_text().partition("## Which command?")[2].partition("\n## ")[0]
    return re.findall(r"\| `(gradcli [^`]*)` \|", section)


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in bash, with `gradcli` being this one, as a reader's terminal would without colour."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "gradcli"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gradcli "$@"\n')
        program.chmod(0o755)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("GRADCLI", "COLUMNS", "FORCE_COLOR"))}
        environment |= {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        }
        return subprocess.run(
            ["bash", "-c", f"{command} 2>&1"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def refresh() -> None:
    """Write every output into README again."""
    text = README.read_text()
    job, old = main_job()
    text = text.replace(f"```text\n{old}```", f"```text\n{run(job).stdout}```", 1)

    def rewritten(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        commands = re.findall(r"^\$ (.*)$", match[2], flags=re.MULTILINE)
        return "```console\n" + "".join(f"$ {command}\n{run(command).stdout}" for command in commands) + "```"

    README.write_text(BLOCK.sub(rewritten, text))


if __name__ == "__main__":
    refresh()
