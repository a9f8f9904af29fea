"""The rules of the house, checked on the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gradcli"
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"sympy", "flint", "numpy", "rich", "pydantic", "mpmath", "matplotlib"}


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """The modules that a file imports: anywhere, or when it is loaded."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_a_plain_evaluation_loads_nothing_heavy():
    """`eval --no-verify --format plain` runs without sympy, flint, numpy, rich and pydantic."""
    script = (
        "import sys\n"
        "from gradcli.cli import run\n"
        "assert run(['eval', 'x*x+sin(x)', '--x=3', '--no-verify', '--format', 'plain']) == 0\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_imports_point_up_the_stream(path):
    """Nothing imports cli; only cli knows typer; only render and cli know rich."""
    modules = imports(path)
    stage = place(path).split("/")[0]
    if stage not in ("cli", "__main__.py"):
        assert not [name for name in modules if name.startswith(("gradcli.cli", "typer", "click"))]
    if stage not in ("cli", "render"):
        assert not [name for name in modules if name.split(".")[0] == "rich"]
    if stage == "ops":
        assert not [name for name in modules if name.startswith("gradcli.") and not name.startswith("gradcli.ops")]


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_text_never_reaches_an_evaluator(path):
    """No eval, exec, compile, sympify, parse_expr, lambdify or pickle in the package.

    One module runs code that is written from the op table; tests/test_engines.py shows that no user's text is in it.
    """
    if place(path) == "engines/running.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            banned = {"eval", "exec", "sympify", "parse_expr", "lambdify", "__import__"}
            assert name not in banned, f"line {node.lineno}"
            assert not (isinstance(node.func, ast.Name) and name == "compile"), f"line {node.lineno}"
    assert not imports(path) & {"pickle", "marshal", "shelve"}


@pytest.mark.parametrize("path", [p for p in SOURCES if not place(p).startswith("ops/")], ids=place)
def test_no_op_is_known_by_its_name_outside_the_table(path):
    """An op is one row: no other module asks which op it has."""
    asked = re.findall(r"\bop(?:\([^()]*\))?(?:\.name)? *(?:==|!=|in) *[\[({]?[\"']\w+[\"']", path.read_text())
    assert asked == []


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_public_things_are_documented(path):
    """Every module, public class and public function has a docstring."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module"
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    decorators = [ast.unparse(decorator) for decorator in inner.decorator_list]
                    assert ast.get_docstring(inner) or "overload" in decorators, f"{node.name}.{inner.name}"
