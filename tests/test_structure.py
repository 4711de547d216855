"""What holds of the tree as a whole: names, mirrors, docstrings, imports, floors."""

from __future__ import annotations

import ast
import configparser
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bridge
import engine

ROOT = Path(__file__).parents[1]
MODULES = sorted(path.relative_to(ROOT) for package in ("engine", "bridge") for path in (ROOT / package).rglob("*.py"))
TESTS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py"))
OPTIONAL = {"polars", "requests", "rich", "starlette", "uvicorn"}  # packages of the extras

COVERED_ELSEWHERE = {
    "engine/facts.py": "values without behaviour, used by every test of tracker and books",
    "engine/events.py": "values without behaviour, told in every test of tracker and books",
    "engine/decisions.py": "values without behaviour, used by every test of the gate",
    "engine/trade.py": "a value, made and looked at in the tests of books/trades",
    "engine/books/sentry.py": "days and locks are proved with a whole engine, in tests/engine/test_protected_engine.py",
    "engine/ports.py": "protocols without code; tests of brokers, feeds and gates hold against them",
    "bridge/__init__.py": "the check for a module that shadows engine is tested here",
}


def name_of(module):
    parts = module.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def mirror_of(module):
    """The test file of a module; a package's own code is tested beside the package's folder."""
    folder, stem = module.parent, module.stem
    if stem == "__init__":
        folder, stem = folder.parent, folder.name
    return Path("tests", folder, f"test_{stem}.py")


def has_code(module):
    """Whether there is more than a docstring, imports and dunder names."""
    for node in ast.parse((ROOT / module).read_bytes()).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        dunder = all(isinstance(target, ast.Name) and target.id.startswith("__") for target in targets)
        if not (docstring or dunder or isinstance(node, ast.Import | ast.ImportFrom)):
            return True
    return False


def python(code, *, cwd, path=()):
    """Run code in a fresh interpreter that finds the packages where this one does."""
    found = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))
    env = os.environ | {"PYTHONPATH": os.pathsep.join([*map(str, path), *found])}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=60
    )


def load(module):
    """The module; None where one of the extras is not installed."""
    try:
        return importlib.import_module(name_of(module))
    except ModuleNotFoundError as error:
        if error.name in OPTIONAL:
            return None
        raise


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [module for module in MODULES if (ROOT / module).stat().st_size], ids=str)
def test_every_module_says_what_it_exports(module):
    """Each module that is not empty has an __all__ without doubles, and has every name in it."""
    loaded = load(module)
    if loaded is None:
        pytest.skip("needs an extra")

    assert [] == [name for name in loaded.__all__ if not hasattr(loaded, name)]
    assert len(set(loaded.__all__)) == len(loaded.__all__)


@pytest.mark.parametrize("package", [engine, bridge], ids=lambda package: package.__name__)
def test_packages_carry_their_types(package):
    """Type checkers of other projects see the types: py.typed lies beside the code."""
    assert Path(package.__file__).with_name("py.typed").is_file()


# --- mirrors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [module for module in MODULES if has_code(module)], ids=str)
def test_every_module_has_its_test_file(module):
    """engine/risk/gate.py is tested in tests/engine/risk/test_gate.py, or the list above says where else."""
    if module.as_posix() in COVERED_ELSEWHERE:
        return

    assert (ROOT / mirror_of(module)).is_file(), f"{mirror_of(module).as_posix()} is missing"


def test_exceptions_from_the_mirror_rule_are_needed():
    """The list of modules that are tested elsewhere names only modules that exist and have no test file."""
    needless = [
        name for name in COVERED_ELSEWHERE if Path(name) not in MODULES or (ROOT / mirror_of(Path(name))).exists()
    ]

    assert [] == needless


@pytest.mark.parametrize("test_file", TESTS, ids=str)
def test_every_test_states_its_behaviour(test_file):
    """Each test function has a docstring."""
    silent = [
        node.name
        for node in ast.walk(ast.parse((ROOT / test_file).read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent


def test_tests_are_no_packages():
    """No folder of tests has an __init__.py: `import engine` would find tests/engine."""
    assert [] == list((ROOT / "tests").rglob("__init__.py"))


# --- imports ----------------------------------------------------------------------------------------------------------


def test_engine_loads_neither_asyncio_nor_bridge(tmp_path):
    """In a fresh interpreter, with every module of engine imported, there is no event loop and no bridge."""
    names = [name_of(module) for module in MODULES if module.parts[0] == "engine" and load(module)]
    code = f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
    code += "print([name for name in ('asyncio', 'bridge', 'websockets') if name in sys.modules])"
    ran = python(code, cwd=tmp_path)

    assert ("[]\n", "") == (ran.stdout, ran.stderr)


def test_bridge_finds_its_engine(tmp_path):
    """Where nothing is in the way bridge imports, and engine is the one that came with it."""
    ran = python("import bridge, engine; print(engine.__distribution__)", cwd=tmp_path)

    assert ("tradebridge\n", "") == (ran.stdout, ran.stderr)


@pytest.mark.parametrize("file", ["engine.py", "engine/__init__.py"])
def test_bridge_says_what_shadows_engine(tmp_path, file):
    """A bot's own module called engine makes bridge refuse its import and name the file."""
    shadow = tmp_path / file
    shadow.parent.mkdir(exist_ok=True)
    shadow.write_text("def start(): ...\n")
    ran = python("import bridge", cwd=tmp_path, path=[tmp_path])

    assert 1 == ran.returncode
    assert "ImportError: bridge needs the package `engine` that came with it" in ran.stderr
    assert str(shadow) in ran.stderr


# --- dependencies -----------------------------------------------------------------------------------------------------


def floors():
    """Each requirement of setup.cfg that names an oldest version, but the tools of the extra lint."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = [text for name, text in setup["options.extras_require"].items() if name != "lint"]
    lines = "\n".join([setup["options"]["install_requires"], *extras]).splitlines()
    return dict(found.groups() for line in lines if (found := re.match(r"([\w-]+)>=([\w.]+)", line)))


def test_lowest_versions_are_the_floors():
    """The versions that `tox run -e lowest` installs are the oldest that setup.cfg allows, all of them and no other."""
    pinned = re.findall(r"^([\w-]+)==([\w.]+)$", (ROOT / "tests/lowest.txt").read_text(encoding="utf-8"), re.MULTILINE)

    assert floors() == dict(pinned)
