"""The command line as a contract: streams, formats, exit statuses, help, start-up, and hostile input."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradcli.cli import COMMANDS, run
from gradcli.cli.command import uses, worst
from gradcli.errors import Status
from gradcli.ops import TABLE
from gradcli.reference import entry

HERE = Path(__file__).parent
NEURON = ["1/(1+exp(-(w0*x0+w1*x1+w2)))", "--w0=2", "--x0=-1", "--w1=-3", "--x1=-2", "--w2=-3"]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full and signals")


def command(*words: str) -> list[str]:
    """The program as a process."""
    return [sys.executable, "-m", "gradcli", *words]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process: ours, without what changes the output, with the program in its path."""
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "GRADCLI_VERIFY")}
    return {**kept, "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": "utf-8", **changes}


def process(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a process."""
    return subprocess.run(
        command(*words),
        env=environment(**changes),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def gradcli(capsys, monkeypatch):
    """Run the program in this process: words → (exit status, standard output, standard error)."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("GRADCLI_VERIFY", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def call(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = run(words)
        out, err = capsys.readouterr()
        return status, out, err

    return call


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────

PRINTED = [
    # words, standard output
    (["eval", "x*x+x", "--x=3", "--get", "dx"], "7\n"),
    (["eval", "--x", "3", "-x^2", "--get", "value"], "-9\n"),
    (["eval", "q=x+y; f=q*z", "--x=-2", "--y=5", "--z=-4", "--get=value", "--get=grad.q"], "-12\n-4\n"),
    (["eval", "x*y", "--x=1/3", "--y=3", "--get", "dy"], "0.3333333333333333\n"),
    (["eval", "e^x", "--x=0", "--get", "dx"], "1\n"),
    (["eval", "e*x", "--x=1", "--e=2", "--get", "de"], "1\n"),
    (["eval", "h+f", "--h=1", "--f", "2", "--get", "value"], "3\n"),
    (["eval", "format*rank", "--set", "format=2", "--set", "rank=-3", "--get", "value"], "-6\n"),
    (["eval", "θ²", "--θ=3", "--get", "dθ"], "6\n"),
    (["eval", "-h", "--h=3", "--get", "dh", "--no-verify"], None),
    (["eval", "-h*2", "--h=3", "--get", "dh"], "-2\n"),
    (["eval", "--", "-h"], None),
    (["eval", "x*y", "--x=3", "--y=2", "--format", "shell"], "value=6\ngrad_x=2\ngrad_y=3\n"),
    (["eval", "x*y", "--x=3", "--y=2", "--format", "shell", "--wrt", "y"], "value=6\ngrad_y=3\n"),
    (["eval", "x*y", "--x=2", "--y=3", "--format=plain"], "value\t6\ngrad.x\t3\ngrad.y\t2\n"),
]


@pytest.mark.parametrize(("words", "expected"), PRINTED, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_printed(gradcli, words, expected):
    """Numbers on standard output, as short as they are exact; nothing on standard error."""
    status, out, err = gradcli(*words)
    if expected is None:  # help, or a variable without a value
        assert (status, bool(out)) in ((0, True), (2, False))
    else:
        assert (status, out[: len(expected)], err) == (0, expected, "")


@pytest.mark.parametrize("shape", ["table", "json", "markdown", "latex"])
def test_formats_with_verdicts(gradcli, shape):
    """The formats for people, and JSON, carry the value, the gradients, and both verdicts."""
    status, out, err = gradcli("eval", *NEURON, "--format", shape)
    assert (status, err) == (0, "")
    assert "0.7311" in out or "0.731058578630004" in out
    if shape == "json":
        document = json.loads(out)
        assert document["schema"] == "gradcli.eval/1"
        assert document["verification"]["status"] == "passed"
        assert document["grad"]["x0"] == pytest.approx(0.3932238664829637, rel=1e-12)
    else:
        assert "0.3932" in out
        assert "sympy" in out


ADDED = [
    # expression, cell, note
    ("x*x+x*x", "grad.(x*x)", "x*x is written twice (n1, n2): their gradients are added"),
    ("x*x+(x*x)*(x*x)", "grad.(x*x)", "x*x is written 3 times (n1, n2, n3): their gradients are added"),
    ("x*x+x", "grad.(x*x)", ""),
    ("x*x+x*x", "value.(x*x)", ""),
    ("x*x+x*x", "dx", ""),
]


@pytest.mark.parametrize(("expression", "cell", "note"), ADDED)
def test_a_gradient_that_is_a_sum_over_occurrences(gradcli, expression, cell, note):
    """Where an address means several nodes, standard error says that their gradients are added."""
    status, _, err = gradcli("eval", expression, "--x=3", "--get", cell)
    assert (status, err) == (0, f"note: {note}\n" if note else "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--wrt", "y", "--get", "dy", "--get", "value", "--get", "local.f.y"], "3\n6\n3\n"),
        (["--wrt", "y,x", "--get", "dx"], "2\n"),
        (["--wrt", "y", "--get", "dx"], None),
        (["--wrt", "y", "--get", "down.f.x"], None),
        (["--wrt", "z", "--get", "value"], None),
    ],
)
def test_cells_and_wrt(gradcli, words, expected):
    """`--get` and `--wrt` may not contradict each other."""
    status, out, _ = gradcli("eval", "x*y", "--x=3", "--y=2", *words)
    assert (status, out) == ((2, "") if expected is None else (0, expected))


def test_a_cell_is_judged_alone(gradcli):
    """A gradient that nobody asked for neither fails nor is spoken of."""
    words = ("eval", "x^y", "--x=-2", "--y=3")
    assert gradcli(*words, "--get", "dx") == (0, "12\n", "")
    assert gradcli(*words, "--get", "value") == (0, "-8\n", "")
    assert gradcli(*words, "--get", "dy")[:2] == (3, "nan\n")


@pytest.mark.parametrize("words", [["--paths", "x"], ["--rank", "nodes"]], ids=str)
@pytest.mark.parametrize("shape", ["table", "markdown", "latex", "json", "plain", "csv", "shell", "--get"])
def test_what_a_format_has_no_place_for(gradcli, words, shape):
    """`--paths` and `--rank nodes` change what a format shows, or are refused: never ignored."""
    base = ("eval", "q=x*y; sin(q)*x", "--x=2", "--y=3", "--no-verify")
    base += ("--get", "dx") if shape == "--get" else ("--format", shape)
    status, out, err = gradcli(*base, *words)
    if shape in ("plain", "csv", "shell", "--get"):
        assert (status, out) == (2, "")
        assert f"has no place in {shape}" in err
    else:
        assert (status, err) == (0, "")
        assert out != gradcli(*base)[1]


def test_shell_format_evaluates():
    """`eval "$(gradcli … --format shell)"` sets the shell's variables."""
    done = process("eval", "x*y", "--x=3", "--y=-2", "--format", "shell")
    shell = subprocess.run(
        ["/bin/sh", "-c", done.stdout + 'echo "$value $grad_x $grad_y"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == "-6 -2 3\n"


def test_expression_from_standard_input_and_from_a_file(gradcli, tmp_path):
    """`-` reads the expression from standard input, `--file` from a file; BOM and CRLF do not matter."""
    file = tmp_path / "net.grad"
    file.write_bytes(b"\xef\xbb\xbfq = x + y # a sum\r\nf = q*z\r\n")
    values = ("--x=-2", "--y=5", "--z=-4", "--get", "dz")
    assert gradcli("eval", "--file", str(file), *values) == (0, "3\n", "")
    assert gradcli("eval", "-", *values, stdin="(x+y)*z\n") == (0, "3\n", "")


def test_values_from_a_file(gradcli, tmp_path):
    """`--vars` gives values, the command line wins, and what is not needed is only noted."""
    file = tmp_path / "v.json"
    file.write_text('{"x": 2, "y": "1/4", "unused": 1}', encoding="utf-8")
    status, out, err = gradcli("eval", "x*y", "--vars", str(file), "--x=8", "--get", "value")
    assert (status, out) == (0, "2\n")
    assert err == f"note: the expression has no variable unused, given in {file}\n"


def test_definitions_from_a_file(gradcli, tmp_path):
    """`--defs` loads gates; a fault in it is shown with the file's name."""
    file = tmp_path / "gates.grad"
    file.write_text("g(x) = x*x + 1\n", encoding="utf-8")
    assert gradcli("eval", "g(3*x)", "--defs", str(file), "--x=1", "--get", "dx") == (0, "18\n", "")
    file.write_text("g(x) = x*\n", encoding="utf-8")
    status, _, err = gradcli("eval", "g(x)", "--defs", str(file), "--x=1")
    assert (status, f"{file}:1:" in err) == (2, True)


def test_share(gradcli):
    """`--share` makes equal text one node."""
    words = ("eval", "(x+y)*(x+y)", "--x=1", "--y=2", "--format", "plain", "--no-verify")
    apart, shared = gradcli(*words)[1], gradcli(*words, "--share")[1]
    assert ("value.n2" in apart, "value.n2" in shared) == (True, False)
    assert re.findall("grad.x.*", apart) == re.findall("grad.x.*", shared) == ["grad.x\t6"]


@pytest.mark.parametrize("words", [["--paths", "x"], ["--rank", "nodes"], ["--full"], ["--decimals=2"], ["--sig", "2"]])
def test_what_the_table_shows(gradcli, words):
    """Options of the table change the table."""
    base = ("eval", "q=x*y; sin(q)*x", "--x=2", "--y=3", "--no-verify")
    status, out, _ = gradcli(*base, *words)
    assert status == 0
    assert (out == gradcli(*base)[1]) == (words == ["--full"])


VERIFY = [
    # words, environment, the verdicts that the table shows
    ([], None, {"sympy", "proved"}),
    (["--verify", "all"], None, {"sympy", "proved"}),
    (["--verify", "proof"], None, {"proved"}),
    (["--verify=sympy"], None, {"sympy"}),
    (["--verify", "differences"], None, {"differences"}),
    (["--verify", "none"], None, set()),
    (["--no-verify"], None, set()),
    ([], "none", set()),
    ([], "differences", {"differences"}),
    (["--verify", "proof"], "none", {"proved"}),
]


@pytest.mark.parametrize(("words", "variable", "expected"), VERIFY)
def test_verify(gradcli, monkeypatch, words, variable, expected):
    """`--verify` and GRADCLI_VERIFY choose the checks; the option wins."""
    if variable is not None:
        monkeypatch.setenv("GRADCLI_VERIFY", variable)
    status, out, _ = gradcli("eval", "x*sin(y)", "--x=2", "--y=3", *words)
    assert status == 0
    assert {word for word in ("sympy", "proved", "differences") if word in out} == expected


# ── exit statuses ───────────────────────────────────────────────────────────────────────────────────────────

STATUSES = [
    (["1/x", "--x=0"], 3),
    (["log(x)", "--x=-1"], 3),
    (["exp(x)", "--x=1000"], 3),
    (["9^9^9"], 3),
    (["1/(1+exp(-x))", "--x=-1000"], 3),
    (["x*x + x", "--x=-inf"], 3),
    (["x", "--x=nan"], 3),
    (["where(x>0, sqrt(x), 0)", "--x=0"], 0),
    (["max(x,y)", "--x=2", "--y=2"], 0),
    (["1-cos(x)", "--x=1e-8"], 0),
    (["tanh(x)", "--x=20"], 0),
    (["3"], 0),
    (["x + log(y)", "--x=1", "--y=-1", "--wrt=x"], 3),
    (["x*y", "--x=1"], 2),
    (["x*", "--x=1"], 2),
]


@pytest.mark.parametrize("shape", ["table", "plain", "json"])
@pytest.mark.parametrize(("words", "expected"), STATUSES, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_status(gradcli, words, expected, shape):
    """The exit status says what became of the work, in every format, and words go with it."""
    status, out, err = gradcli("eval", *words, "--format", shape, "--no-verify")
    assert status == expected
    assert ("error: " in err) == (expected == 2 or (expected == 3 and shape != "table"))
    if expected != 2 and shape == "json":
        json.loads(out, parse_constant=pytest.fail)


def test_a_wrong_number_fails(gradcli, monkeypatch):
    """Where the proof finds a wrong number, the status is 1, and standard error names it."""
    from gradcli.systems.floats import FLOATS

    rules = FLOATS.locals[TABLE["sin"]]
    monkeypatch.setitem(FLOATS.locals, TABLE["sin"], (lambda y, x: 0.5,))
    status, _, err = gradcli("eval", "sin(x)", "--x=2", "--format", "plain")
    monkeypatch.setitem(FLOATS.locals, TABLE["sin"], rules)
    assert status == 1
    assert "\nerror: verification failed: the local gradient" in f"\n{err}"


@pytest.mark.parametrize(
    ("met", "expected"), [([], 0), ([5, 1], 1), ([1, 3], 3), ([3, 4], 4), ([5, 4, 1, 3, 2], 2), ([5], 5)]
)
def test_of_several_statuses(met, expected):
    """Of several: 2, 4, 3, 1, 5."""
    assert worst([Status(status) for status in met]) == expected


@pytest.mark.parametrize(("error", "status"), [(MemoryError, 5), (RecursionError, 5), (KeyboardInterrupt, 130)])
def test_what_must_not_be_a_traceback(gradcli, monkeypatch, error, status):
    """Memory, recursion and Ctrl-C end in a status, not in a traceback."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("gradcli.cli.eval.read_graph", fail)
    found, out, err = gradcli("eval", "x", "--x=1", "--no-verify")
    assert (found, out) == (status, "")
    assert "Traceback" not in err
    assert err.count("\n") == (1 if status == 5 else 0)


# ── streams ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pipe_gets_no_colour_and_whole_numbers():
    """In a pipe the table is plain text at its natural width."""
    done = process("eval", "x*y", "--x=7654321.5", "--y=1234567.1234", "--no-verify")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "7654321.5" in done.stdout
    assert "…" not in done.stdout


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colour(gradcli, monkeypatch, variables, coloured):
    """NO_COLOR says no, FORCE_COLOR yes."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    _, out, _ = gradcli("eval", "x*y", "--x=1", "--y=2", "--no-verify")
    assert ("\x1b[" in out) == coloured


def test_columns(gradcli, monkeypatch):
    """COLUMNS is the width, in a pipe too; a nonsense width is none."""
    words = ("eval", *NEURON, "--no-verify")
    natural = gradcli(*words)[1]
    monkeypatch.setenv("COLUMNS", "60")
    narrow = gradcli(*words)[1]
    monkeypatch.setenv("COLUMNS", "wide")
    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, natural.splitlines()))
    assert gradcli(*words)[1] == natural


@LINUX
@pytest.mark.parametrize(("term", "coloured"), [("xterm", True), ("dumb", False)])
def test_a_terminal(term, coloured):
    """On a terminal there is colour, unless it is dumb, and its width is kept."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 70, 0, 0))
    done = subprocess.Popen(
        command("eval", *NEURON, "--no-verify"),
        stdout=theirs,
        env=environment(TERM=term),
        stdin=subprocess.DEVNULL,
    )
    os.close(theirs)
    read = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        read += piece
    os.close(ours)
    assert done.wait(60) == 0
    text = read.decode()
    assert ("\x1b[" in text) == coloured
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines()) <= 70


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_encoding_without_the_characters(encoding):
    """Where ∂ and ✓ cannot be written, ASCII stands for them; a name is escaped."""
    done = subprocess.run(
        command("eval", "θ*y", "--θ=3", "--y=2", "--verify", "proof"),
        env=environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        timeout=60,
        check=True,
    )
    text = done.stdout.decode("ascii")
    assert "\\u03b8" in text
    assert "proved" in text


def test_messages_in_ascii():
    """Messages, too, are written in what standard error can hold."""
    done = subprocess.run(
        command("eval", "x*θ", "--x=3"),
        env=environment(PYTHONIOENCODING="ascii"),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"no value for \\u03b8" in done.stderr
    assert b"--\\u03b8=..." in done.stderr


@LINUX
def test_a_locale_without_utf8():
    """Words of the command line are UTF-8, whatever the locale."""
    done = process("eval", "θ²", "--θ=3", "--get", "dθ", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "6\n", "")


@LINUX
@pytest.mark.parametrize(
    "words",
    [
        ["eval", "x" + "+x" * 20000, "--x=1", "--format=plain", "--no-verify"],
        ["eval", "x", "--x=1"],
        ["--help"],
        ["eval", "--help"],
        ["ops"],
    ],
)
def test_a_closed_pipe(words):
    """A reader that goes away ends the program quietly, also when the interpreter shuts down."""
    read, write = os.pipe()
    done = subprocess.Popen(command(*words), stdout=write, stderr=subprocess.PIPE, env=environment())
    os.close(write)
    os.close(read)
    _, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, b"")


@LINUX
@pytest.mark.parametrize("words", [["eval", "x", "--x=1"], ["eval", "x", "--x=1", "--get=dx"], ["--help"], ["ops"]])
def test_a_full_disk(words):
    """Standard output that cannot be written is one line and status 4."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(*words), stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False
        )
    assert done.returncode == 4
    assert done.stderr == b"error: standard output could not be written: no space left on device\n"


@LINUX
def test_closed_streams():
    """A standard stream that is closed from the start is an error, not a crash."""
    for closed, expected in ((">&-", "standard output is closed"), ("<&-", "standard input is closed")):
        line = shlex.join(command("eval", "-" if "<" in closed else "x", "--x=1", "--no-verify"))
        done = subprocess.run(
            ["/bin/sh", "-c", f"{line} {closed}"],
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, expected in done.stderr) == (4, True)


@LINUX
def test_interrupt():
    """Ctrl-C ends the program with 130, without a word."""
    done = subprocess.Popen(
        command("eval", "-", "--no-verify"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    time.sleep(0.7)
    done.send_signal(signal.SIGINT)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out, err) == (130, b"", b"")


@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_no_process_is_left_behind(number):
    """When the program is ended while sympy works, sympy's process ends too, at once or a moment later."""
    hard = "*".join(f"sin(x+{k})^x" for k in range(60))
    mark = f"GRADCLI_TEST={os.getpid()}-{number}"
    done = subprocess.Popen(
        command("eval", hard, "--x=1.3", "--verify-budget", "30"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(**dict([mark.split("=")])),
    )
    deadline = time.monotonic() + 20
    while not (workers := helpers(mark)) and done.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers
    time.sleep(0.3)  # it is loading sympy, or answering already
    done.send_signal(number)
    _, err = done.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while helpers(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert helpers(mark) == []
    assert b"Traceback" not in err


def helpers(mark: str) -> list[str]:
    """The running processes of the sympy verdict whose environment has a mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line, variables = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:  # it has ended, or is not ours
            continue
        if b"gradcli.verify.worker" in line and mark.encode() in variables:
            found.append(process.name)
    return found


@LINUX
def test_bytes_that_are_no_text():
    """An argument that is no UTF-8 is an error that shows the bytes."""
    done = subprocess.run(
        [*map(str.encode, command("eval")), b"x\xff", b"--x=1"],
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"\\udcff" in done.stderr


def test_control_characters_are_shown_escaped(gradcli):
    """Escape sequences and bidi marks from the user never reach the terminal."""
    for text in ("x\x1b[31m", "x\u202e", "x\x9b1m", "\x07"):
        status, out, err = gradcli("eval", text, "--x=1")
        assert (status, out) == (2, "")
        assert err.replace("\n", "").isprintable()


# ── start-up and help ───────────────────────────────────────────────────────────────────────────────────────


def test_start_up_loads_nothing_slow():
    """A scalar evaluation without checks, as plain text, loads no heavy package."""
    program = (
        "import sys; from gradcli.cli import run; "
        "status = run(['eval', '(x+y)*z', '--x=1', '--y=2', '--z=3', '--no-verify', '--format', 'plain']); "
        "slow = {'sympy', 'flint', 'numpy', 'rich', 'pydantic', 'matplotlib', 'json'} & set(sys.modules); "
        "sys.exit(str(slow) if slow else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def helped(*words: str) -> str:
    """The help of a command."""
    done = process(*words, "--help", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=str)
def test_examples_of_the_help_run(words, gradcli, tmp_path, monkeypatch):
    """Every help shows two examples, and they run as they stand, where the files that they name are."""
    monkeypatch.chdir(tmp_path)
    homework = Path(__file__).parent.parent / "examples" / "homework"
    shutil.copy(homework / "hw4.toml", "hw4.toml")
    Path("answers").mkdir()
    shutil.copy(homework / "answers" / "20240117.toml", "answers")
    rows = (homework / "answers" / "class.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    Path("class.csv").write_text("".join(rows[:3]), encoding="utf-8")
    shutil.copy(homework.parent / "points.csv", "points.csv")
    lines = [line.strip() for line in helped(*words).splitlines() if line.startswith("    gradcli ")]
    assert len(lines) == 2
    for line in lines:
        status, out, err = gradcli(*shlex.split(line)[1:])
        assert (status, err) == (0, "")
        assert out


def test_help_groups_the_commands():
    """The help lists every command once, grouped by what it is for; -h, and no word at all, show it too."""
    text = helped()
    for name in COMMANDS:
        assert len(re.findall(rf"^  {name} +\w", text, re.MULTILINE)) == 1
    assert "\nCompute:\n" in text
    assert process("-h", COLUMNS="80").stdout == text
    assert process(COLUMNS="80").stdout == text
    assert process("eval", "-h", COLUMNS="80").stdout == helped("eval")


def test_version(gradcli):
    """`--version` prints the version."""
    status, out, _ = gradcli("--version")
    assert status == 0
    assert re.fullmatch(r"gradcli \d+\.\d+\.\d+\n", out)


COMPLETED = [
    ("gradcli e", {"eval", "explain", "export"}),
    ("gradcli ev", {"eval"}),
    ("gradcli ", set(COMMANDS)),
    ("gradcli eval --no", {"--no-verify"}),
    ("gradcli eval --format j", {"json"}),
    ("gradcli eval x --x=3 --verify p", {"proof"}),
    ("gradcli ops sigm", {"sigmoid"}),
    ("gradcli jac", {"jacobian"}),
    ("gradcli hessian --dty", {"--dtype"}),
    ("gradcli jacobian --dtype b", {"bfloat16"}),
    ("gradcli jacobian x --verify p", {"proof"}),
]


@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion(line, expected):
    """A shell completes commands, options and their values."""
    words = line.split(" ")
    done = process(_GRADCLI_COMPLETE="complete_bash", COMP_WORDS="\n".join(words), COMP_CWORD=str(len(words) - 1))
    assert set(done.stdout.split()) == expected
    assert done.stderr == ""


@pytest.mark.parametrize("variables", [{}, {"COMP_WORDS": "gradcli e", "COMP_CWORD": "x"}], ids=str)
def test_completion_without_a_shell(variables):
    """Where the words to complete are missing, or make no sense, that is one line."""
    done = process("eval", "x", _GRADCLI_COMPLETE="complete_bash", **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


# ── ops ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("op", TABLE.values(), ids=lambda op: op.name)
def test_documentation_of_an_op(gradcli, op):
    """Each op has its page, and the example on it runs."""
    status, out, err = gradcli("ops", op.name)
    assert (status, err) == (0, "")
    facts = entry(op)
    for text in (facts.doc, *facts.calls, facts.source, facts.example):
        assert text in out
    assert all(derivative.computed for derivative in facts.derivatives if derivative.shown)
    words = shlex.split(facts.example)[1:]
    status, _, err = gradcli(*words, "--verify", "proof", "--format", "plain")
    assert (status, "error" in err) == (0, False)


def test_ops_in_every_format(gradcli):
    """The overview lists every op; JSON is strict; Markdown has a row for each."""
    overview = gradcli("ops")[1]
    document = json.loads(gradcli("ops", "--format", "json")[1], parse_constant=pytest.fail)
    page = gradcli("ops", "--format", "markdown")[1]
    assert document["schema"] == "gradcli.ops/1"
    assert [op["name"] for op in document["ops"]] == list(TABLE)
    for op in document["ops"]:
        assert f"  {op['signature']}" in overview
        assert f"| `{op['signature']}`" in page


@pytest.mark.parametrize(
    ("name", "expected"), [("ln", "log(x)"), ("*", "a*b"), ("^", "x^p"), ("σ", "sigmoid(x)"), ("-", "a-b")]
)
def test_ops_by_other_names(gradcli, name, expected):
    """An alias or an operator finds its op."""
    assert gradcli("ops", name)[1].startswith(expected)


# ── hostile input ───────────────────────────────────────────────────────────────────────────────────────────

ADVERSARIAL = [json.loads(line) for line in (HERE / "cases/adversarial.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", ADVERSARIAL, ids=lambda case: case["id"])
def test_adversarial(case, tmp_path):
    """Hostile or awkward input gets the answer, a message or a warning; nothing is executed or hangs."""
    values = case.get("args") or [f"--{name}={value}" for name, value in case["vars"].items()]
    begun = time.monotonic()
    done = subprocess.run(
        command("eval", case["expr"], *values, "--format", "json"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert time.monotonic() - begun < case.get("max_seconds", 30)
    expect = case["expect"]
    assert done.returncode in expect["exit"]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    if done.returncode == 2:
        assert done.stderr.startswith("error: ")
        assert done.stdout == ""
        return
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    if "value" in expect:
        assert document["value"] == pytest.approx(expect["value"], rel=1e-9)
        assert document["grad"] == pytest.approx(expect["grad"], rel=1e-9)
    if expect["class"] == "domain":
        assert done.returncode == 3
        assert done.stderr.startswith("error: ")


UNREADABLE = [
    (["--help", "--x=3"], "no such option"),
    (["--version", "-x"], "no such option"),
    (["--help=3"], "the command is missing"),
    (["--version", "--help=3"], "does not take a value"),
]


@pytest.mark.parametrize(("words", "message"), UNREADABLE, ids=str)
def test_what_stands_beside_the_programs_own_options(gradcli, words, message):
    """A word that gradcli itself cannot read is one block."""
    status, out, err = gradcli(*words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 2


LONG = [
    # what, expression, more words, exit status, what standard error says
    ("a name without a value", "n" * 1_000_000, [], 2, "error: no value for nnn"),
    ("an unknown function", "f" * 1_000_000 + "(x)", ["--x=1"], 2, "error: unknown function"),
    ("two values side by side", "x" * 500_000 + " " + "y" * 500_000, [], 2, "error: an operator is missing"),
    ("nodes that nothing uses", "".join(f"q{k}=x+{k};" for k in range(3_000)) + "x", ["--x=1"], 0, "note: and 2,9"),
]


@pytest.mark.parametrize(("text", "words", "status", "said"), [row[1:] for row in LONG], ids=[row[0] for row in LONG])
def test_messages_stay_short(gradcli, text, words, status, said):
    """However long a name is, and however much there is to note, a screen holds what is said of it."""
    found, _, err = gradcli("eval", "-", *words, "--format=plain", "--no-verify", stdin=text)
    assert found == status, err[:500]
    assert said in err
    assert len(err) < 3000
    assert len(err.splitlines()) <= 12


@pytest.mark.parametrize("text", ["\n" * 100_000 + "x", ";" + " \n" * 50_000 + "rank", "rank" + " \n" * 50_000])
def test_finding_a_name_takes_time_in_proportion(text):
    """Whether a text uses a name is known at once, also of a text that is mostly empty."""
    begun = time.process_time()
    assert uses(text, "rank") == ("rank" in text)
    assert time.process_time() - begun < 2


BULKY = [
    # what, text, exit status
    ("a megabyte", "+".join(["x*0.5"] * 170_000), 0),
    ("nested brackets", "(" * 1_000_000 + "x" + ")" * 1_000_000, 0),
    ("minuses", "-" * 1_000_000 + "x", 0),
    ("a long number", "0." + "1" * 5_000 + "*x", 0),
    ("a number too large", "1" * 5_000 + "*x", 2),
    ("nested calls", "sin(" * 100_000 + "x" + ")" * 100_000, 0),
    ("unclosed", "(" * 1_000_000, 2),
    (
        "expansion",
        "g(x)=x+x;"
        + "".join(
            f"g{k}(x)={'g' + str(k - 1) if k else 'g'}(x)*{'g' + str(k - 1) if k else 'g'}(x);" for k in range(30)
        )
        + "g29(x)",
        5,
    ),
]


@pytest.mark.parametrize(("text", "status"), [row[1:] for row in BULKY], ids=[row[0] for row in BULKY])
def test_bulky(text, status):
    """Large and deep input gets a proper answer or error within ten seconds."""
    begun = time.monotonic()
    done = subprocess.run(
        command("eval", "-", "--x=0.5", "--get=dx", "--no-verify"),
        input=text,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr[:500]
    assert time.monotonic() - begun < 40  # 10 on a machine that does nothing else
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 1000
