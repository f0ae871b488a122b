"""Options that several benchmarks have."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer


def _drawable(path: Path | None) -> Path | None:
    """Refuse before anything is measured what could not be drawn at the end."""
    if path is not None and find_spec("matplotlib") is None:
        raise typer.BadParameter("a plot needs matplotlib: pip install -e '.[bench]'")
    return path


JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Where the figures go; else bench-results/NAME.json."),
]
PlotFile = Annotated[
    Path | None,
    typer.Option(callback=_drawable, help="Where the curves of simulated crowds go, as PNG."),
]
Repeats = Annotated[int, typer.Option(min=1, help="Runs of each measurement; the best counts.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="Where the temporary database goes: its disk counts."
    ),
]
