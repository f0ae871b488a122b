"""All benchmarks at reduced size, one after the other."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from scripts.benchmarks.accuracy import accuracy
from scripts.benchmarks.api import api
from scripts.benchmarks.calibration import calibration
from scripts.benchmarks.engine import engine
from scripts.benchmarks.feed import feed
from scripts.benchmarks.gold import gold
from scripts.benchmarks.options import Folder
from scripts.benchmarks.report import FOLDER
from scripts.benchmarks.reputation import reputation
from scripts.benchmarks.restart import restart
from scripts.benchmarks.retraction import retraction
from scripts.benchmarks.routing import routing
from scripts.benchmarks.writes import writes

EPILOG: Final = "Example: scripts/bench all ../shared/data"


def everything(
    data: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="Folder of data sets for accuracy."),
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of the JSON files.")] = FOLDER,
    folder: Folder = None,
) -> None:
    """All of them, small: some minutes. Run one by itself for figures to rely on."""

    def file(name: str) -> Path:
        return results / f"{name}.json"

    if data is None:
        Console().print("accuracy was left out: it needs a folder of data sets.")
    else:
        accuracy(data, quick=True, json_file=file("accuracy"))
    engine(judgments=200_000, singles=50_000, large=0, repeats=2, json_file=file("engine"))
    writes(judgments=20_000, singles=5_000, repeats=2, folder=folder, json_file=file("writes"))
    api(seconds=3.0, repeats=1, folder=folder, json_file=file("api"))
    calibration(seeds=1, part=None, only=None, data=data, plot=None, json_file=file("calibration"))
    feed(subscribers=[1, 100], judgments=60, folder=folder, json_file=file("feed"))
    gold(seeds=1, part=None, json_file=file("gold"))
    reputation(seeds=1, part=None, only=None, json_file=file("reputation"))
    restart(judgments=[200_000], repeats=1, folder=folder, json_file=file("restart"))
    retraction(judgments=100_000, seconds=3.0, folder=folder, json_file=file("retraction"))
    routing(
        seeds=1,
        part=None,
        only=["demo"],
        data=data,
        sizes=[10_000, 200_000],
        json_file=file("routing"),
    )
