"""What is said of workers, against what is true of them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from scripts.benchmarks.coverage import coverage
from scripts.benchmarks.options import JsonFile
from scripts.benchmarks.report import Report
from scripts.benchmarks.reputation_found import found
from scripts.benchmarks.reputation_fraud import fraud
from scripts.benchmarks.reputation_ranks import ranks
from scripts.benchmarks.reputation_status import status

EPILOG: Final = "Example: scripts/bench reputation --seeds 2 --part coverage --only demo"


class Part(StrEnum):
    """What can be measured by itself."""

    COVERAGE = "coverage"
    STATUS = "status"
    FRAUD = "fraud"
    RANKS = "ranks"
    FOUND = "found"


def reputation(
    seeds: Annotated[int, typer.Option(min=1, help="Crowds that are drawn of each kind.")] = 10,
    part: Annotated[list[Part] | None, typer.Option(help="Only this part; repeatable.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Coverage of this crowd only; repeatable.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="A folder of data sets, in which fraud is looked for and workers are ranked.",
        ),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Intervals about workers, their status and fraud, on simulated crowds with known truth.

    On real data sets: how well reputations rank the workers, and who is suspected.
    """
    parts = part or list(Part)
    for each in (Part.RANKS, Part.FOUND):
        if part and each in part and data is None:
            raise typer.BadParameter(f"{each} needs --data, a folder of data sets.")
    report = Report("reputation", {"seeds": seeds, "part": parts, "only": only})
    if Part.COVERAGE in parts:
        coverage(report, seeds, only)
    if Part.STATUS in parts:
        status(report, seeds)
    if Part.FRAUD in parts:
        fraud(report, seeds)
    if Part.RANKS in parts and data is not None:
        ranks(report, data)
    if Part.FOUND in parts and data is not None:
        found(report, data)
    report.finish(json_file)
