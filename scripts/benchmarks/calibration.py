"""Whether confidence means what it says: raw, calibrated without gold and with some of it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from scripts.benchmarks.calibration_fit import fit
from scripts.benchmarks.calibration_found import crowds, real
from scripts.benchmarks.options import JsonFile, PlotFile
from scripts.benchmarks.report import Report

EPILOG: Final = "Example: scripts/bench calibration --data ../shared/data --plot curve.png"


class CalibrationPart(StrEnum):
    """What can be measured by itself. fit: where learning begins, the constants of the engine."""

    CROWDS = "crowds"
    REAL = "real"
    FIT = "fit"


def calibration(
    seeds: Annotated[int, typer.Option(min=1, help="Crowds that are drawn of each kind.")] = 10,
    part: Annotated[
        list[CalibrationPart] | None,
        typer.Option(help="Only this part; repeatable. fit must be asked for."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="This crowd only; repeatable.")] = None,
    data: Annotated[
        Path | None, typer.Option(exists=True, help="A folder of real data sets with gold.")
    ] = None,
    plot: PlotFile = None,
    json_file: JsonFile = None,
) -> None:
    """How far confidence is from the share that is right.

    On simulated crowds, none of them drawn from the engine's model, and on real data sets.
    """
    parts = part or [CalibrationPart.CROWDS, CalibrationPart.REAL]
    if part and CalibrationPart.REAL in part and data is None:
        raise typer.BadParameter("real needs --data, a folder of data sets.")
    report = Report("calibration", {"seeds": seeds, "parts": parts, "only": only})
    if CalibrationPart.CROWDS in parts:
        crowds(report, seeds, only, plot)
    if CalibrationPart.REAL in parts and data is not None:
        real(report, seeds, data)
    if CalibrationPart.FIT in parts:
        fit(report, seeds, only)
    report.finish(json_file)
