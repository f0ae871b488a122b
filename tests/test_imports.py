"""Imports run api -> engine and api -> db, and never back."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {"engine": {"engine"}, "db": {"db"}, "api": {"api", "db", "engine"}}


def imported_packages(source: str) -> set[str]:
    """Top-level names of everything a module imports, wherever in the module it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else (node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    for module in modules:
        ours = imported_packages(module.read_text()) & {*ALLOWED, "tests", "scripts", "."}
        assert ours <= ALLOWED[package], f"{module.relative_to(ROOT)} imports {ours}"
