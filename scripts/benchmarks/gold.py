"""Gold that is hidden among other tasks: what it teaches, and whether its answers went round."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from scripts.benchmarks.gold_choice import choice
from scripts.benchmarks.gold_leaks import leaks
from scripts.benchmarks.gold_whole import whole
from scripts.benchmarks.options import JsonFile
from scripts.benchmarks.report import Report

EPILOG: Final = "Example: scripts/bench gold --seeds 2 --part leaks"


class GoldPart(StrEnum):
    """What can be measured by itself."""

    CHOICE = "choice"
    LEAKS = "leaks"
    WHOLE = "whole"


def gold(
    seeds: Annotated[int, typer.Option(min=1, help="Crowds that are drawn of each kind.")] = 10,
    part: Annotated[list[GoldPart] | None, typer.Option(help="Only this part; repeatable.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Gold that is chosen, beside gold that is drawn; and leaked gold beside sound gold.

    On simulated crowds, none of them drawn from the engine's model.
    """
    parts = part or list(GoldPart)
    report = Report("gold", {"seeds": seeds, "part": parts})
    if GoldPart.CHOICE in parts:
        choice(report, seeds)
    if GoldPart.LEAKS in parts:
        leaks(report, seeds)
    if GoldPart.WHOLE in parts:
        whole(report, seeds)
    report.finish(json_file)
