"""Exported code stands alone, can be read, and computes what the engine computes, wherever its runtime is at hand."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.autodiff import real
from gradcli.cli import run as cli
from gradcli.errors import LimitError, UsageError
from gradcli.export.targets import TARGETS, written
from gradcli.syntax import parse
from gradcli.systems.source import Unspelled
from tests.exporting import (
    Case,
    Tensors,
    by_the_engine,
    code_of,
    differences,
    exported,
    formulas,
    in_c,
    in_duckdb,
    in_jax,
    in_node,
    in_python,
    of_arrays,
    spelled,
)

DIGITS = 1e-12

REFERENCES = Path(__file__).parent / "references" / "torch_ops.json"

NEEDS = {"numpy": "numpy", "jax": "jax", "polars": "polars", "sql": "duckdb", "javascript": "node", "c": "cc"}
"""Target → the module or program that runs it."""

PROGRAMS = ("node", "cc")


def at_hand(target: str) -> bool:
    """Whether the runtime of a target is installed."""
    needed = NEEDS[target]
    return bool(shutil.which(needed) if needed in PROGRAMS else importlib.util.find_spec(needed))


FIFTHS = tuple(name for name in NEEDS if name != "jax")
"""Who runs which of the published formulas."""

RUNNING = [pytest.param(name, marks=pytest.mark.skipif(not at_hand(name), reason="not at hand")) for name in FIFTHS]
"""Without JAX, which takes seconds to compile, and has a test of its own."""

LACKING = {
    "numpy": set(),
    "jax": {"digamma", "polygamma"},
    "polars": set(
        """
        acosh asinh atan atan2 atanh binary_cross_entropy celu coth csch digamma elu expm1 gamma gelu hypot lgamma log10
        log2 logaddexp logit normal_cdf polygamma selu
        """.split()
    ),
    "sql": set(
        """
        asinh atan atan2 bce_with_logits binary_cross_entropy celu coth csch digamma elu erf erfc expm1 gamma gelu hypot
        lgamma log10 log1p log2 logaddexp logit logsigmoid mish normal_cdf polygamma round selu softplus
        """.split()
    ),
    "javascript": {"digamma", "gamma", "lgamma", "logaddexp", "polygamma"},
    "c": {"digamma", "gamma", "lgamma", "logaddexp", "polygamma"},
}
"""The rows that a target cannot write, themselves or their gradients: their functions are not there, or lose digits."""

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
VALUES = ("--w0=2", "--x0=-1", "--w1=-3", "--x1=-2", "--w2=-3")
SIGMOID, SLOPE = 0.7310585786300049, 0.19661193324148185
RESULTS = [SIGMOID, -SLOPE, 2 * SLOPE, -2 * SLOPE, -3 * SLOPE, SLOPE]
"""CS231n, Optimization 2: the neuron's value, and its gradients by w0, x0, w1, x1, w2."""


@pytest.fixture
def gradcli(capsys):
    """Run the program in this process: words → (exit status, standard output, standard error)."""

    def call(*words: str) -> tuple[int, str, str]:
        status = cli(words)
        out, err = capsys.readouterr()
        return int(status), out, err

    return call


def ran(target: str, cases: list[Case], folder: Path) -> list[list[list[float]]]:
    """What a target's code computes at the points of each case."""
    if target == "c":
        return in_c(cases, folder)
    if target == "javascript":
        return in_node(cases, folder)
    return in_duckdb(cases) if target == "sql" else in_python(target, cases)


@pytest.mark.parametrize("target", LACKING)
def test_what_a_target_lacks_is_said(target):
    """A row is refused where the target lacks a function that it, or its gradient, needs; all others are written."""
    assert spelled(target)[1] == LACKING[target]


def test_the_refusal_names_the_function_and_who_has_it():
    """The error says what is missing where, and which targets can write the formula."""
    with pytest.raises(Unspelled, match=r"^Polars has no lgamma$") as caught:
        written("polars", exported(parse("x*lgamma(x)")))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("numpy, ")
    assert "jax" in caught.value.hint and "sql" not in caught.value.hint


@pytest.mark.parametrize("target", RUNNING)
def test_it_computes_what_the_engine_computes(target, tmp_path):
    """Value and gradients of each row that the target can write, at its samples and at random points; of examples,
    published formulas, branches not taken, poles and overflow."""
    rows, _ = spelled(target)
    others = [case for case in formulas(FIFTHS.index(target)) if able(target, case)]
    assert len(rows) > 40 and len(others) > 40
    cases = [*rows, *others]
    wrong = differences(cases, ran(target, cases, tmp_path), DIGITS)
    undefined = "clip(x*y, -1, 1)/(x-x)"  # a division by 0, where SQL has NULL
    assert [line for line in wrong if target != "sql" or not line.startswith(undefined)] == []


def able(target: str, case: Case) -> bool:
    """Whether a target can write a formula."""
    try:
        code_of(target, case[0])
    except Unspelled:
        return False
    return True


# ── run from the command line ───────────────────────────────────────────────────────────────────────────────


PROGRAMS_RUN = """
import json, sys
for code in json.load(sys.stdin):
    exec(code, {"__name__": "__main__"})
    print("---")
"""


def run(target: str, codes: list[str], folder: Path) -> list[list[float]]:
    """The numbers that exported codes print when they are run as they are; those in Python in one process."""
    if target in ("numpy", "polars"):
        shown = "print(*value_and_grad(frame).row(0), sep='\\n')"
        sent = json.dumps([code.replace("print(value_and_grad(frame))", shown) for code in codes])
        words = [sys.executable, "-c", PROGRAMS_RUN]
        done = subprocess.run(words, input=sent, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return list(map(numbers, done.stdout.split("---\n")[:-1]))
    return [run_alone(target, code, folder) for code in codes]


def numbers(printed: str) -> list[float]:
    """The number at the end of each line."""
    return [float(line.rpartition(" ")[2]) for line in printed.splitlines()]


def run_alone(target: str, code: str, folder: Path) -> list[float]:
    """The numbers that exported code prints, or that its query finds, when it is run as it is."""
    if target == "c":
        (folder / "net.c").write_text(code, encoding="utf-8")
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
        subprocess.run(["cc", *flags, "net.c", "-o", "net", "-lm"], cwd=folder, check=True)
        words = [str(folder / "net")]
    elif target == "sql":
        import duckdb

        found = duckdb.connect().execute(code)
        columns = [column[0] for column in found.description]
        row = found.fetchone()
        assert row is not None
        return [row[columns.index(name)] for name in columns if name == "value" or name.startswith("grad_")]
    else:
        words = ["node", "--input-type=module", "-"]
    done = subprocess.run(words, input=code, capture_output=True, text=True, check=False, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return numbers(done.stdout)


SMALL = (("2+3*4", (), [14]), ("x", ("--x=-0.5",), [-0.5, 1]), ("f*1", ("--f=7",), [7, 1]))
"""A formula without variables, and some that are a variable."""


@pytest.mark.parametrize("target", RUNNING)
def test_it_runs_as_it_is(gradcli, target, tmp_path):
    """With values, the code ends with an example that runs, and prints the lecture's numbers; the smallest code too."""
    codes = []
    for text, values, _ in ((NEURON, VALUES, RESULTS), *SMALL):
        status, code, err = gradcli("export", text, *values, "--to", target)
        assert (status, err) == (0, "")
        codes.append(code)
    first, *others = run(target, codes, tmp_path)
    assert first == pytest.approx(RESULTS, rel=DIGITS)
    assert others == [expected for *_, expected in SMALL]


def test_without_values_it_is_a_function_alone(gradcli):
    """Without values no example is written; every variable has to have one where any has."""
    for target in NEEDS:
        code = gradcli("export", NEURON, "--to", target)[1]
        assert not re.search(r"__main__|int main|console|VALUES|-1|CAST\(2", code)
    status, out, err = gradcli("export", NEURON, "--to", "c", "--w0=2")
    assert (status, out) == (2, "")
    assert "no value for x0" in err


NUMPY = '''\
import numpy as np


def value_and_grad(x, y, z):
    """q = x+y; f = q*z+tanh(q)

    Returns f and its gradients by x, y, z.
    Floats, or arrays, entry by entry.
    Written by gradcli VERSION.
    """
    x, y, z = (np.asarray(v, dtype=float) for v in (x, y, z))
    q = x + y
    f = q * z + np.tanh(q)
    t1 = np.abs(q)
    t2 = (2 * np.exp(-t1) / (1 + np.exp(-2 * t1))) ** 2
    d_x = t2 + z
    return f, {"x": d_x, "y": d_x, "z": q}
'''

C = """\
/* q = x+y; f = q*z+relu(q)
 *
 * Returns f and its gradients by x, y, z.
 * grad: df/dx, df/dy, df/dz.
 * Compile with -lm.
 * At kinks: relu'(0) is 0, as PyTorch.
 * Written by gradcli VERSION.
 */
#include <math.h>

double loss(double x, double y, double z, double grad[3])
{
    const double q = x + y;
    const double f = q * z + (q <= 0.0 ? 0.0 : q);
    const double d_x = (q > 0.0 ? 1.0 : 0.0) + z;
    grad[0] = d_x;
    grad[1] = d_x;
    grad[2] = q;
    return f;
}
"""

SQL = """\
WITH step1 AS (
  SELECT CAST(x AS DOUBLE PRECISION) AS x, CAST(y AS DOUBLE PRECISION) AS y FROM main.trips
),
step2 AS (
  SELECT *, x + y AS q FROM step1
)
SELECT
  x,
  y,
  (CASE WHEN q > 0 THEN LN(q) END) / NULLIF(y, 0) AS value,
  1 / NULLIF(q, 0) * (1 / NULLIF(y, 0)) AS grad_x
FROM step2;
"""

JAVASCRIPT = """\
/**
 * q = x+y; f = (q^3 - q^2/z)^-1
 *
 * Returns f and its gradient by z.
 * An ES module, such as net.mjs.
 * Written by gradcli VERSION.
 */
export function valueAndGrad(x, y, z) {
  const q = x + y;
  const n3 = q ** 2 / z;
  const n4 = q ** 3 - n3;
  const f = n4 ** (-1);
  return { value: f, gradients: { z: -(n3 / z * n4 ** (-2)) } };
}
"""

READ = [
    (("q = x+y; (q^3 - q^2/z)^-1", "--to", "javascript", "--wrt", "z"), JAVASCRIPT),
    (("q = x+y; q*z+tanh(q)", "--to", "numpy"), NUMPY),
    (("q = x+y; q*z+relu(q)", "--to", "c", "--function", "loss"), C),
    (("q = x+y; log(q)/y", "--to", "sql", "--table", "main.trips", "--wrt", "x"), SQL),
]


@pytest.mark.parametrize(("words", "expected"), READ, ids=[words[2] for words, _ in READ])
def test_it_reads_as_people_write(gradcli, words, expected):
    """Named nodes keep their names, shared work is done once, and what is used once stands where it is used."""
    status, out, err = gradcli("export", *words)
    assert (status, err) == (0, "")
    code = re.sub(r"gradcli \d+\.\d+\.\d+", "gradcli VERSION", out)
    assert code[code.index("WITH ") if "WITH " in code else 0 :] == expected


def test_the_code_does_not_depend_on_the_run():
    """The same words write the same bytes, whatever Python's hashes are."""
    words = [sys.executable, "-m", "gradcli", "export", "q=x*y; max(q,z,q+z)*softplus(q)-huber(x,z)", "--to", "numpy"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    first, second = (
        subprocess.run(words, env={**environment, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    )
    assert first == second


def test_it_is_written_to_a_file(gradcli, tmp_path, monkeypatch):
    """-o writes a file, whose ending says the target, and never over another one unasked."""
    monkeypatch.chdir(tmp_path)
    for name in ("net.c", "net.mjs", "net.js", "net.sql"):
        status, out, err = gradcli("export", "x*y", "-o", name)
        assert (status, out, err) == (0, "", "")
        assert Path(name).read_text(encoding="utf-8").endswith("\n")
    status, _, err = gradcli("export", "x*y", "-o", "net.c")
    assert status == 4
    assert "the file exists" in err
    assert gradcli("export", "x*y+1", "-o", "net.c", "--force")[0] == 0
    assert "x * y + 1" in Path("net.c").read_text(encoding="utf-8")


BAD = [
    (("x*y",), "the target is not given", "--to numpy|"),
    (("x*y", "--to", "pyton"), "--to cannot be 'pyton'", "numpy"),
    (("x*y", "-o", "net.py"), "a .py file can be numpy, ", "--to numpy|"),
    (("x*y", "-o", "net.txt"), "the kind of file is not known: 'net.txt'", "--to numpy|"),
    (("x*y", "--to", "c", "--force"), "--force is about a file", "-o net.py"),
    (("x*y", "--to", "c", "--style", "layers"), "--style cannot be 'layers'", "c is written in one way"),
    (("x*y", "--to", "c", "--function", "a b"), "--function cannot be 'a b'", "such as loss"),
    (("x*y", "--to", "c", "--function", "while"), "while is a word of C", "loss"),
    (("x*y", "--to", "numpy", "--function", "def"), "def is a word of Python", "loss"),
    (("x*y", "--to", "sql", "--function", "g"), "the query has no function", "--table"),
    (("x*y", "--to", "c", "--table", "t"), "c reads no table", "--to sql"),
    (("x*y", "--to", "sql", "--table", " "), "--table cannot be ' '", "points"),
    (("x*X", "--to", "sql"), "databases take x and X for one column", "rename"),
    (("x*y", "--to", "c", "--wrt", "z"), "the expression has no variable 'z'", "x, y"),
    (("x*y", "--to", "c", "--z=3"), "the expression has no variable 'z'", "x, y"),
    (("sum(x)", "--to", "c"), "formulas of tensors are not written as C", "--to numpy"),
    (("x*y", "--to", "polars", "--x=[1,2]", "--y=3"), "formulas of tensors are not written as Polars", "--to numpy"),
    (("sum(x)", "--to", "numpy"), "depends on the shapes", "--x="),
    (("W@x", "--to", "jax", "--W=[[1,2],[3,4]]", "--x=[1,2]"), "the output has the shape (2,)", "sum(…)"),
    (("lgamma(x)", "--to", "sql"), "SQL has no lgamma", "numpy"),
]


@pytest.mark.parametrize(("words", "message", "hint"), BAD, ids=[" ".join(words) for words, _, _ in BAD])
def test_errors(gradcli, words, message, hint):
    """What cannot be written is a usage error that says why, and what to try."""
    status, out, err = gradcli("export", *words)
    assert (status, out) == (2, "")
    assert message in err
    assert hint in err.partition("hint: ")[2]


# ── tensors ─────────────────────────────────────────────────────────────────────────────────────────────────


def referenced(target: str, every: int) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Code and its values for every so many-th formula of PyTorch's references, and its gradients there."""
    cases = json.loads(REFERENCES.read_text(encoding="utf-8"))["cases"]
    sent, expected = [], []
    for case in cases[::every]:
        values = {name: real(value, name) for name, value in (case["inputs"] | {"up_": case["upstream"]}).items()}
        graph = parse(f"sum(({case['text']})*up_)", given=values)
        wrt = tuple(case["gradients"])
        code = written(target, exported(graph, values)._replace(wrt=wrt))
        sent.append([code, *(listable(values[name]) for name in graph.inputs)])
        expected.append(case["gradients"])
    return sent, expected


def agree(found: Tensors, expected: list[dict[str, Any]]) -> bool:
    """Whether gradients are PyTorch's, in value and in shape."""
    for (_, gradients), case in zip(found, expected, strict=True):
        assert gradients.keys() == case.keys()
        for name, gradient in gradients.items():
            assert np.shape(gradient) == np.shape(case[name])
            assert np.asarray(gradient) == pytest.approx(np.asarray(case[name]), rel=1e-9, abs=1e-12)
    return True


def test_tensors_compute_what_pytorch_computes():
    """Formulas of tensors agree with PyTorch's values and gradients, in value and in shape."""
    sent, expected = referenced("numpy", 1)
    assert agree(of_arrays(sent), expected)


def listable(value: Any) -> Any:
    """A number or an array as JSON has it."""
    return value if isinstance(value, float) else value.tolist()


LAYER = ("mse(relu(x@W+b), t)", "--x=[[1,2]]", "--W=[[1,0],[0,-1]]", "--b=[0.5,1]", "--t=[[1,1]]")

PRINTED = [
    "df/dW = [[0.5, 0.0], [1.0, 0.0]]",
    "df/db = [0.5, 0.0]",
    "df/dt = [[-0.5, 1.0]]",
    "df/dx = [[0.5, 0.0]]",
    "f = 0.625",
]


def test_a_layer_runs_as_it_is(gradcli):
    """With arrays as values, the code is of tensors of their shapes, and ends with an example."""
    status, code, err = gradcli("export", *LAYER, "--to", "numpy")
    assert (status, err) == (0, "")
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == PRINTED


@pytest.mark.skipif(not at_hand("jax"), reason="not at hand")
def test_jax_computes_what_the_engine_computes(gradcli):
    """Programs as they are; every function and operator that is written for JAX, in rows and in formulas; tensors.

    The code is NumPy's under another name, so that a sample does for how it is put together.
    """
    words = ((NEURON, *VALUES), LAYER)
    programs = [gradcli("export", *each, "--to", "jax")[1] for each in words]
    rows, others = spelled("jax")[0], [case for case in formulas(0) if able("jax", case)]
    cases = [*new_words([*rows, *others]), *others[::30]]
    sent, expected = referenced("jax", 15)
    printed, found, tensors = in_jax(programs, cases, sent)
    order = sorted(range(5), key=lambda k: ("w0", "x0", "w1", "x1", "w2")[k])  # jit sorts by name
    lecture = [RESULTS[0], *(RESULTS[k + 1] for k in order)]
    assert numbers(printed[0]) == pytest.approx(lecture, rel=DIGITS)
    assert sorted(printed[1].splitlines()) == PRINTED
    assert len(cases) > 20 and differences(cases, found, DIGITS) == []
    assert agree(tensors, expected)


def new_words(cases: list[Case]) -> list[Case]:
    """Cases whose JAX code has together each function and operator that any of them has; the richest first."""
    words = [
        frozenset(re.findall(r"jnp\.\w+|special\.\w+|[-+*/&|<=>]+", code_of("jax", case[0]).partition('"""\n    ')[2]))
        for case in cases
    ]
    missing, found = frozenset().union(*words), []
    while missing:
        best = max(range(len(cases)), key=lambda k: len(words[k] & missing))
        found.append(cases[best])
        missing -= words[best]
    return found


# ── names and texts of the user's ───────────────────────────────────────────────────────────────────────────

WORDS = """
lambda while select from def value gradients grad frame n1 t1 d_x f x1 x2 step1 points value_and_grad valueAndGrad np pl
exp pow sign larger power erf double int main class None True self print name map float order group __proto__ _x __x
arguments eval NaN INFINITY theta θ λ ж 값 w₁ Σ y1 y0 grad_x printf special one const let end case null
""".split()
"""Words of some target, or of the code itself, and names beyond ASCII."""


TEXTS = [
    '"""\nimport os\n"""',
    "*/ int evil(void); /*",
    "</script><script>alert(1)</script>",
    "-- \n; DROP TABLE points; --",
    "\\",
    "\u202e \x07 \x1b[31m",
    "${alert(1)} `x` \\u0041 ' \" ??/",
]
"""Comments of the user's that would end a comment or a string of the code."""


@pytest.mark.parametrize("target", RUNNING)
def test_hostile_names_and_texts(target, tmp_path):
    """Whatever variables and nodes are called, the code runs and computes what the engine computes; no text of the
    user's gets out of a comment of the code, and none is lost that is part of the formula."""
    sums = "+".join(f"{k + 1}*{name}" for k, name in enumerate(WORDS)) + "+sin(lambda)*sin(lambda)"
    graphs = [parse(sums), parse("n1 = x*y; t1 = n1*x; d_x = t1+n1; d_x*d_x*t1")]
    for start in range(8):  # names as those of nodes, some at a time, so that several could be mistaken for each other
        some = WORDS[start::8]
        lines = [f"{name} = a*b + {k}*a" for k, name in enumerate(some)]
        graphs.append(parse("\n".join([*lines, "+".join(f"{name}*exp({name})" for name in some)])))
    for text in TEXTS:
        graph = parse("# " + text.replace("\n", "\n# ") + "\nq = x*y # " + text.splitlines()[0] + "\nq+x")
        code = written(target, exported(graph))
        assert not re.search(r"evil|alert|DROP|import os|\x1b|\u202e", code)
        graphs.append(graph)
    cases: list[Case] = [(graph, [tuple(k % 7 - 1.5 for k in range(len(graph.inputs)))]) for graph in graphs]
    assert differences(cases, ran(target, cases, tmp_path), DIGITS) == []


def test_a_text_that_would_end_a_comment_does_not():
    """Also a formula that was not read from a text, and so may hold anything, is made harmless."""
    graph = parse("x*y")
    for target, ends in {"c": "*/", "javascript": "*/", "numpy": '"""', "sql": "\n"}.items():
        made = exported(graph)._replace(text=f"x*y {ends} 1 {ends} </script>\r\u2028 2")
        code = written(target, made)
        assert code.count(ends) == written(target, exported(graph)).count(ends)
        assert "\u2028" not in code and "\r" not in code
        assert target != "javascript" or "</script>" not in code


def test_a_formula_without_spaces_is_broken_between_its_terms():
    """What stands over the code fits its lines, also where the formula is written without any spaces."""
    text = "+".join(f"x*{k}.5e-5" for k in range(40))
    for target in NEEDS:
        code = written(target, exported(parse(text)))
        assert max(map(len, code.splitlines())) <= 101
        above = re.sub(r"\n(--| \*)? *", "", code.partition("Returns")[0])
        assert text in above


@pytest.mark.skipif(not at_hand("sql"), reason="not at hand")
def test_words_that_sql_keeps_are_quoted():
    """Every word that DuckDB takes for no column is known."""
    import duckdb

    from gradcli.export.sql import RESERVED

    rows = duckdb.sql("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'").fetchall()
    connection = duckdb.connect()
    for (word,) in rows:
        if word not in RESERVED:
            connection.execute(f"SELECT {word} FROM (SELECT 1 AS {word})")  # noqa: S608 - DuckDB's own words


@pytest.mark.skipif(not at_hand("sql"), reason="not at hand")
def test_a_table_of_any_name_and_of_whole_numbers():
    """Columns of whole numbers are divided as numbers are, and a table's name is quoted."""
    import duckdb

    connection = duckdb.connect()
    connection.execute('CREATE TABLE "my ""t"" ; x" AS SELECT 1 AS x, 2 AS y, 7 AS "Id", 5 AS n1, 9 AS value')
    query = written("sql", exported(parse("x/y + exp(x/y)"), table='my "t" ; x'))
    assert connection.execute(query).fetchone() == pytest.approx(
        (1, 2, 2.1487212707001282, 1.3243606353500641, -0.66218)
    )


@pytest.mark.skipif(not at_hand("sql"), reason="not at hand")
def test_what_is_undefined_in_sql_is_null():
    """A row outside the domain has NULL, and ends nothing for the others; a branch not taken does no harm."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("CREATE TABLE points AS SELECT unnest([-1, 0, 4]) AS x")
    query = written("sql", exported(parse("log(x) + sqrt(x) + 1/x")))
    assert [row[1] for row in connection.execute(query).fetchall()][:2] == [None, None]
    query = written("sql", exported(parse("where(x>0, log(x)*log(x), x^0.5*0+2) + max(x, 1/x)")))
    found = connection.execute(query).fetchall()
    assert [row[1] is None for row in found] == [True, True, False]
    query = written("sql", exported(parse("where(x>0, log(x)*sqrt(x), x)")))
    assert connection.execute(query).fetchall()[:2] == [(-1, -1, 1), (0, 0, 1)]


def test_numpy_takes_numbers_as_well_as_arrays(tmp_path):
    """Plain floats, whole numbers and arrays that are broadcast; a pole is inf and no exception."""
    code = written("numpy", exported(parse("where(x>0, log(x), x)/y")))
    program = tmp_path / "net.py"
    program.write_text(code, encoding="utf-8")
    script = (
        "import numpy as np\nfrom net import value_and_grad as f\n"
        "print(f(1, 2)[0], f(-3, 2)[1]['x'], f(2.0, 0.0)[0], f(np.array([[1, -2]]), np.array([[1], [4]]))[0].tolist())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "0.0 0.5 inf [[0.0, -2.0], [0.0, -0.5]]\n"


def test_a_large_formula_is_written_in_time():
    """Over a thousand nodes, each used twice, are as many lines and no more."""
    lines = ["q0 = x*y", *(f"q{k} = sin(q{k - 1})*q{k - 1}" for k in range(1, 600)), "q599"]
    graph = parse("\n".join(lines))
    code = written("c", exported(graph))
    assert len(code) < 120_000
    assert code.count("sin(") < 700
    assert max(map(len, code.splitlines())) < 200
    with pytest.raises(LimitError, match="levels of columns in Polars, and 500 are the most"):
        written("polars", exported(graph))


def test_every_target_is_tested_somewhere():
    """A target's module exists, and names a kind of file."""
    for name, target in TARGETS.items():
        assert importlib.util.find_spec(f"gradcli.export.{target.module}") is not None, name
        assert target.endings
    assert set(NEEDS) <= set(TARGETS)
    with pytest.raises(UsageError):
        written("sql", exported(parse("x+X")))
    assert by_the_engine(parse("x*y"), (2.0, 3.0)) == [6, 3, 2]
