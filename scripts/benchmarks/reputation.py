"""What is said of workers, against what is true of them."""

from typing import Annotated, Final

import typer

from scripts.benchmarks.coverage import coverage
from scripts.benchmarks.options import JsonFile
from scripts.benchmarks.report import Report

EPILOG: Final = "Example: scripts/bench reputation --seeds 2 --only demo"


def reputation(
    seeds: Annotated[int, typer.Option(min=1, help="Crowds that are drawn of each kind.")] = 10,
    only: Annotated[list[str] | None, typer.Option(help="Only this crowd; repeatable.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Coverage of the intervals about workers, on simulated crowds with known truth."""
    report = Report("reputation", {"seeds": seeds, "only": only})
    coverage(report, seeds, only)
    report.finish(json_file)
