"""Whom to ask what next: what each mode of routing makes of the same number of judgments."""

from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import Annotated, Final

import typer

from scripts.benchmarks.options import JsonFile, PlotFile
from scripts.benchmarks.report import Report
from scripts.benchmarks.routing_crowds import crowds
from scripts.benchmarks.routing_leases import leases
from scripts.benchmarks.routing_policies import policies
from scripts.benchmarks.routing_price import price
from scripts.benchmarks.routing_replays import replays
from scripts.benchmarks.routing_targets import targets

SIZES: Final = (10_000, 10_000_000)  # tasks
EPILOG: Final = "Example: scripts/bench routing --seeds 2 --part crowds --plot curve.png"


class Part(StrEnum):
    """What can be measured by itself."""

    CROWDS = "crowds"
    POLICIES = "policies"
    REPLAYS = "replays"
    LEASES = "leases"
    PRICE = "price"
    TARGETS = "targets"


def routing(
    seeds: Annotated[
        int, typer.Option(min=1, help="Standard crowds that are drawn; of others fewer.")
    ] = 10,
    first: Annotated[int, typer.Option(min=0, help="Seed of the first of them.")] = 0,
    tasks: Annotated[int, typer.Option(min=20, help="Tasks of a crowd.")] = 1000,
    part: Annotated[
        list[Part] | None, typer.Option(help="Only this part; repeatable. price must be asked for.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="This crowd only; repeatable.")] = None,
    data: Annotated[
        Path | None, typer.Option(exists=True, help="A folder of data sets to replay.")
    ] = None,
    sizes: Annotated[
        list[int] | None,
        typer.Option("--size", min=1000, help="Tasks of a project to lease from; repeatable."),
    ] = None,
    asked: Annotated[
        int, typer.Option(min=1, help="Times that a task is asked for in each measurement.")
    ] = 3000,
    plot: PlotFile = None,
    json_file: JsonFile = None,
) -> None:
    """Judgments that each mode of routing needs, on simulated crowds and real data sets.

    Then how long handing out tasks takes in small projects and in large ones.
    """
    parts = part or [each for each in Part if each != Part.PRICE]
    if part and Part.REPLAYS in part and data is None:
        raise typer.BadParameter("replays need --data, a folder of data sets.")
    report = Report(
        "routing", {"seeds": seeds, "first": first, "tasks": tasks, "parts": parts, "only": only}
    )
    if Part.CROWDS in parts:
        crowds(report, range(first, first + seeds), tasks, only, plot)
    if Part.POLICIES in parts:
        policies(report, range(first, first + ceil(seeds / 5)), tasks, only)
    if Part.REPLAYS in parts and data is not None:
        replays(report, ceil(seeds / 2), data)
    if Part.LEASES in parts:
        leases(report, sizes or SIZES, asked)
    if Part.PRICE in parts:
        price(report, seeds, tasks, only)
    if Part.TARGETS in parts:
        targets(report, range(first, first + seeds), tasks, only)
    report.finish(json_file)
