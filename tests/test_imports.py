"""Imports run api -> engine and api -> db, and never back."""

import ast
from collections.abc import Sequence
from graphlib import TopologicalSorter
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


def test_packages_of_the_api_form_no_circle() -> None:
    """Data flows one way: whoever reads a package needs to know only those that it imports."""
    imports: dict[str, set[str]] = {}
    for module in sorted((ROOT / "api").rglob("*.py")):
        unit = _unit(module.relative_to(ROOT).with_suffix("").parts)
        imports.setdefault(unit, set()).update(
            other for other in _imported_units(module.read_text()) if other != unit
        )
    assert imports["shard"]
    assert imports["graphql"]
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def _unit(parts: Sequence[str]) -> str:
    """The package inside api, or the module if it lies in none."""
    return parts[1] if len(parts) > 1 else ""


def _imported_units(source: str) -> set[str]:
    units: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            units.update(
                _unit(alias.name.split(".")) for alias in node.names if alias.name.startswith("api")
            )
        elif isinstance(node, ast.ImportFrom) and node.module == "api":
            units.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("api."):
            units.add(_unit((node.module or "").split(".")))
    return units
