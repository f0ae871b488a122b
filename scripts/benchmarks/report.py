"""What a benchmark shows and writes: figures, each beside what it was measured against."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

FOLDER: Final = Path("bench-results")
WIDTH: Final = 130  # of what goes into a file
_MORE_IS_BETTER: Final = {
    "%": True,
    "points": True,
    "/s": True,
    "x": True,
    "rho": True,
} | dict.fromkeys(
    (
        "ns",
        "µs",
        "ms",
        "s",
        "MB",
        "bytes",
        "lost",
        "% wrongly",
        "% off",
        "judgments",
        "alarms",
        "of fixed",
        "of all",
    ),
    False,
)
_UNJUDGED: Final = "–"

Cell = str | float | None


@dataclass(frozen=True)
class Figure:
    """One measured value.

    beside, other: what it is compared with, in the same unit and the same run. goal: the limit that
    the value must keep; ratio_goal: the least ratio.
    """

    what: str
    value: float
    unit: str
    beside: str = ""
    other: float | None = None
    goal: float | None = None
    ratio_goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as good as the other: above 1 is better, whatever the unit."""
        if self.other is None or not self.value or not self.other:
            return None
        more = _MORE_IS_BETTER[self.unit]
        return self.value / self.other if more else self.other / self.value

    @property
    def reached(self) -> bool | None:
        """Whether the goals are reached; None where there is none."""
        verdicts = []
        if self.goal is not None:
            more = _MORE_IS_BETTER[self.unit]
            verdicts.append(self.value >= self.goal if more else self.value <= self.goal)
        if self.ratio_goal is not None:
            verdicts.append(self.ratio is not None and self.ratio >= self.ratio_goal)
        return all(verdicts) if verdicts else None

    @property
    def goal_text(self) -> str:
        """The goals as they are shown."""
        sign = "≥" if _MORE_IS_BETTER[self.unit] else "≤"
        parts = [] if self.goal is None else [f"{sign} {_text(self.goal)} {self.unit}"]
        if self.ratio_goal is not None:
            parts.append(f"≥ {_text(self.ratio_goal)} x")
        return ", ".join(parts)


def screen() -> Console:
    """Where benchmarks print."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


@dataclass
class Report:
    """Gathers what a benchmark finds; `finish` prints and writes it."""

    name: str
    options: dict[str, Any]
    screen: Console = field(default_factory=screen)
    figures: list[Figure] = field(default_factory=list)
    _tables: list[tuple[str, Sequence[str], list[Sequence[Cell]]]] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    _times_before: Any = field(default_factory=psutil.cpu_times)

    def add(self, figure: Figure) -> None:
        """Add a figure."""
        self.figures.append(figure)

    def table(self, title: str, columns: Sequence[str], rows: list[Sequence[Cell]]) -> None:
        """Add a table of its own, shown before the figures. The first column names the row."""
        self._tables.append((title, columns, rows))

    def note(self, text: str) -> None:
        """Add a sentence on how to read it."""
        self._notes.append(text)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress bar that is gone when the work is done."""
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self.screen,
            transient=True,
        ) as progress:
            yield progress

    def finish(self, path: Path | None) -> None:
        """Print everything, and write it as JSON to `path` or bench-results/NAME.json."""
        for title, columns, rows in self._tables:
            self.screen.print(_grid(title, columns, rows))
        if self.figures:
            self.screen.print(self._figures())
        machine = self._machine()
        for note in self._notes:
            self.screen.print(escape(note))
        self.screen.print(
            f"Load average {machine['load_before']:.1f} before, {machine['load_after']:.1f} after, "
            f"on {machine['cores']} cores; of their time the host kept {machine['stolen']:.0%} for "
            "others",
            style="dim",
        )
        path = path or FOLDER / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self._json(machine), indent=1, ensure_ascii=False) + "\n")
        self.screen.print(f"Written to {escape(str(path))}", style="dim")

    def _figures(self) -> Table:
        table = Table(title=f"Benchmark: {self.name}", title_justify="left")
        table.add_column("")
        for column in ("value", "beside", "ratio", "goal"):
            table.add_column(column, justify="right" if column != "beside" else "left")
        table.add_column("reached")
        for figure in self.figures:
            other = "" if figure.other is None else f"{_text(figure.other)} {figure.unit} "
            ratio = figure.ratio
            table.add_row(
                escape(figure.what),
                f"{_text(figure.value)} {figure.unit}",
                escape(other + figure.beside),
                "" if ratio is None else f"{_text(ratio)} x",
                figure.goal_text,
                {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[figure.reached],
            )
        return table

    def _machine(self) -> dict[str, Any]:
        return {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
            "processor": _processor(),
            "python": platform.python_version(),
            "load_before": self._load_before,
            "load_after": os.getloadavg()[0],
            "stolen": self._stolen(),
        }

    def _stolen(self) -> float:
        """Share of the processor time since the beginning that a virtual machine was denied."""
        now, then = psutil.cpu_times(), self._times_before
        spent = sum(now) - sum(then)
        # The time of guests is in that of users too. Only Linux tells what was stolen.
        stolen = getattr(now, "steal", 0.0) - getattr(then, "steal", 0.0)
        return float(stolen / spent) if spent > 0 else 0.0

    def _json(self, machine: dict[str, Any]) -> dict[str, Any]:
        return {
            "benchmark": self.name,
            "began": self._began.isoformat(timespec="seconds"),
            "options": {name: _plain(value) for name, value in self.options.items()},
            "machine": machine,
            "figures": [
                {
                    "what": figure.what,
                    "value": _plain(figure.value),
                    "unit": figure.unit,
                    "beside": figure.beside,
                    "other": _plain(figure.other),
                    "ratio": _plain(figure.ratio),
                    "goal": figure.goal_text,
                    "reached": figure.reached,
                }
                for figure in self.figures
            ],
            "tables": [
                {
                    "title": title,
                    "columns": [column.replace("\n", " ") for column in columns],
                    "rows": [[_plain(cell) for cell in row] for row in rows],
                }
                for title, columns, rows in self._tables
            ],
            "notes": self._notes,
        }


def _grid(title: str, columns: Sequence[str], rows: list[Sequence[Cell]]) -> Table:
    table = Table(title=title, title_justify="left", padding=(0, 1), pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(cell) if isinstance(cell, str) else _text(cell) for cell in row))
    return table


def _text(value: float | None) -> str:
    """Three significant digits at least, and no more than are worth reading."""
    if value is None or not isfinite(value):
        return _UNJUDGED
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 or value == 0 else f"{value:.3g}"


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
