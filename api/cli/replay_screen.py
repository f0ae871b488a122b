"""What `basanite replay` shows."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from api.frontend.replaying import ENOUGH, TARGET, Checkpoint, Replay


class ReplayScreen:
    """A bar and a table that grows by a row for each quarter; elsewhere than on a terminal the
    rows are printed as lines, and the table at the end."""

    def __init__(self, screen: Console, replay: Replay) -> None:
        self._screen = screen
        self._replay = replay
        self._reached: list[Checkpoint] = []
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=screen,
        )
        dataset = replay.dataset
        self._bar = self._progress.add_task(dataset.name, total=len(dataset), rate="")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it, on a terminal, while within; the table stays."""
        if not self._screen.is_terminal:
            yield
            self._screen.print(self._table())
            return
        with Live(console=self._screen, get_renderable=self._picture, refresh_per_second=8):
            yield

    def reached(self, checkpoint: Checkpoint) -> None:
        """Add a row."""
        self._reached.append(checkpoint)
        if not self._screen.is_terminal:
            self._screen.print(_line(checkpoint), soft_wrap=True)

    def show_end(self) -> None:
        """Say what else became of the rows."""
        replay, dataset = self._replay, self._replay.dataset
        if not all(one.known for one in self._reached):
            self._screen.print("–: an earlier run had sent more than this already.")
        if replay.duplicates:
            self._screen.print(
                f"{replay.duplicates:,} rows were there already: repeated in the file "
                f"({dataset.judgments.duplicates:,}), or sent by an earlier run."
            )
        if dataset.judgments.revised:
            self._screen.print(f"{dataset.judgments.revised:,} rows revised an earlier answer.")
        for code, count in replay.refused.items():
            self._screen.print(Text(f"{count:,} rows were refused: {code}", "yellow"))
        if dataset.unusable:
            self._screen.print(Text(f"{len(dataset.unusable):,} rows cannot be used:", "yellow"))
            for reason in dataset.unusable[:5]:
                self._screen.print(Text(f"  {reason}"))

    def _picture(self) -> Group:
        task = self._progress.tasks[self._bar]
        rate = f"{task.speed:,.0f}/s" if task.speed else ""
        self._progress.update(self._bar, completed=self._replay.sent, rate=rate)
        return Group(self._progress, self._table())

    def _table(self) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            caption=f"settled: confidence of {TARGET:g} or more from {ENOUGH} judgments on · "
            "accuracy on the tasks with gold, consensus and majority on the same judgments",
            caption_justify="left",
        )
        names = ("sent", "judgments", "per second", "settled", "gold", "consensus", "majority")
        for name in (*names, "ahead"):
            table.add_column(name, justify="right", no_wrap=True)
        for one in self._reached:
            table.add_row(*_cells(one))
        return table


def _cells(one: Checkpoint) -> list[Text | str]:
    start: list[Text | str] = [f"{one.share:.0%}", f"{one.rows:,}", f"{one.rate:,.0f}"]
    if not one.known:
        return [*start, *["–"] * 5]
    if not one.tasks:
        return [*start, f"{one.settled:,}", "0", "–", "–", "–"]
    ahead = 100 * (one.consensus - one.majority) / one.tasks
    return [
        *start,
        f"{one.settled:,}",
        f"{one.tasks:,}",
        Text(f"{100 * one.consensus / one.tasks:.2f} %", "bold"),
        f"{100 * one.majority / one.tasks:.2f} %",
        Text(f"{ahead:+.2f}", "green" if ahead >= 0 else "yellow"),
    ]


def _line(one: Checkpoint) -> str:
    start = f"{one.share:4.0%}  {one.rows:>9,} judgments  {one.rate:>6,.0f}/s"
    if not one.known:
        return f"{start}  sent by an earlier run, and more"
    if not one.tasks:
        return f"{start}  settled {one.settled:,}"
    return (
        f"{start}  settled {one.settled:,}  accuracy on {one.tasks:,} gold tasks: consensus "
        f"{100 * one.consensus / one.tasks:.2f} %, majority {100 * one.majority / one.tasks:.2f} %"
    )
