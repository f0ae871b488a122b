"""Options that several benchmarks have."""

from pathlib import Path
from typing import Annotated

import typer

JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Where the figures go; else bench-results/NAME.json."),
]
Repeats = Annotated[int, typer.Option(min=1, help="Runs of each measurement; the best counts.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="Where the temporary database goes: its disk counts."
    ),
]
