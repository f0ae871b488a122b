"""What `basanite demo` shows: a page while it runs, lines where there is no terminal, a summary."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.frontend.simulation import Score, Simulation, worker_number
from engine.crowd import WorkerKind

SIDE_BY_SIDE = 118  # columns of the terminal from which two tables of workers fit
BAR = 40  # characters for 100 %
OTHER_LINES = 15  # of the page, beside the tables of workers
RANKING_HEAD = 2  # lines of such a table before its rows

PAUSED = ("PAUSED", "BANNED")

KINDS = {
    WorkerKind.EXPERT: "expert",
    WorkerKind.AVERAGE: "average",
    WorkerKind.SLOPPY: "sloppy",
    WorkerKind.BIASED: "biased",
    WorkerKind.RANDOM: "clicks at random",
    WorkerKind.CONSTANT: "always the same",
}


@dataclass
class View:
    """What is on the screen: answers of the API, and the score that the truth gives.

    quality: the last event of qualityFeed; best, worst: nodes of `workers`.
    """

    url: str
    token: str
    seconds: float | None
    elapsed: float = 0.0
    quality: dict[str, Any] = field(default_factory=dict)
    score: Score = field(default_factory=Score)
    best: Sequence[dict[str, Any]] = ()
    worst: Sequence[dict[str, Any]] = ()


def page(view: View, simulation: Simulation, width: int, height: int) -> RenderableType:
    """The whole page, with as many workers as there is room for."""
    limit = "" if view.seconds is None else f" of {view.seconds:.0f}"
    head = Table.grid(padding=(0, 2))
    head.add_row("GraphQL", Text(f"{view.url}/graphql", "bold"))
    head.add_row("Key", Text(view.token))
    head.add_row("Project", Text(simulation.plan.project))
    parts: list[RenderableType] = [head]
    if view.quality:
        parts += [Padding(_totals(view, simulation), (1, 0)), _accuracy(view.score)]
    if view.best:
        parts.append(Padding(_workers(view, simulation, width, height), (1, 0, 0, 0)))
    crowd = f"{len(simulation.workers)} simulated workers"
    stop = "Ctrl-C stops" if view.seconds is None else ""
    return Panel(
        Group(*parts),
        title=f"Basanite demo · {crowd} · {view.elapsed:.0f}{limit} s",
        subtitle=stop or None,
        box=box.ROUNDED,
        padding=(0, 1),
    )


def line(view: View) -> str:
    """The same in one line, for logs."""
    quality, score = view.quality, view.score
    if not quality or not score.tasks:
        return f"{view.elapsed:4.0f} s  waiting for the first judgments"
    tasks = quality["tasks"]
    return (
        f"{view.elapsed:4.0f} s  {quality['judgments']:>7,} judgments  "
        f"{_rate(view):>5,.0f}/s  tasks: {tasks['settled']:,} settled, "
        f"{tasks['contested']:,} contested, {tasks['open']:,} open  "
        f"accuracy: consensus {_percent(score.consensus, score.tasks)}, "
        f"majority vote {_percent(score.majority, score.tasks)}"
    )


def show_summary(
    screen: Console, view: View, simulation: Simulation, everyone: Sequence[dict[str, Any]]
) -> None:
    """Print the end result: the score, what was found out about each kind of worker, the rate."""
    score, made = view.score, int(simulation.done.sum())
    screen.print()
    rate = made / max(view.elapsed, 1e-9)
    screen.print(
        f"{made:,} judgments by {len(everyone)} workers in {view.elapsed:.1f} s, {rate:,.0f}/s; "
        f"{score.tasks:,} tasks were judged."
    )
    if simulation.refused:
        codes = ", ".join(f"{code} {count:,}" for code, count in simulation.refused.items())
        screen.print(f"Refused: {codes}.")
    if not score.tasks:
        return
    screen.print()
    screen.print(_accuracy(score))
    screen.print()
    screen.print(_kinds(simulation, everyone))
    screen.print(_verdict(score))


def _verdict(score: Score) -> Text:
    fewer = score.consensus - score.majority
    if score.lead > 0:
        words = f"Consensus beats majority vote by {score.lead:.1f} points"
        return Text(f"{words}: {fewer:,.0f} more tasks are right.", "bold green")
    return Text(f"Majority vote is ahead by {-score.lead:.1f} points.", "bold yellow")


def _totals(view: View, simulation: Simulation) -> RenderableType:
    quality, tasks = view.quality, view.quality["tasks"]
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "Judgments",
        Text(f"{quality['judgments']:,}", "bold"),
        f"{_rate(view):,.0f}/s",
    )
    table.add_row(
        "Workers",
        Text(f"{len(simulation.workers):,}", "bold"),
        f"{int(simulation.stopped.sum()):,} of them paused, who stopped working",
    )
    table.add_row(
        "Tasks",
        Text(f"{tasks['total']:,}", "bold"),
        f"{tasks['settled']:,} settled, {tasks['contested']:,} contested, {tasks['open']:,} open",
    )
    return table


def _rate(view: View) -> float:
    # The server counts over ten seconds, and in the beginning fewer have passed.
    return float(view.quality["judgmentsPerSecond"]) * max(1.0, 10.0 / max(view.elapsed, 1.0))


def _accuracy(score: Score) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, points, style in (
        ("Consensus", score.consensus, "green"),
        ("Majority vote", score.majority, "yellow"),
    ):
        filled = round(BAR * points / max(score.tasks, 1))
        bar = Text("█" * filled, style).append("░" * (BAR - filled), "dim")
        table.add_row(name, Text(_percent(points, score.tasks), f"bold {style}"), bar)
    words = f"Right against the hidden truth, on the same judgments of {score.tasks:,} tasks"
    return Group(Text(words, "dim"), table)


def _workers(view: View, simulation: Simulation, width: int, height: int) -> RenderableType:
    stacked = width < SIDE_BY_SIDE
    room = max((height - OTHER_LINES) // (2 if stacked else 1) - RANKING_HEAD, 1)
    best = _ranking("Best workers found", view.best[:room], simulation)
    worst = _ranking("Worst workers found", view.worst[:room], simulation)
    if stacked:
        return Group(best, worst)
    pair = Table.grid(padding=(0, 3))
    pair.add_row(best, worst)
    return pair


def _ranking(title: str, nodes: Sequence[dict[str, Any]], simulation: Simulation) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("worker", no_wrap=True)
    table.add_column("in truth", no_wrap=True, min_width=16, style="dim")
    table.add_column("right", justify="right", style="dim")
    table.add_column("estimate", justify="right", style="bold")
    table.add_column("95 %", justify="right", no_wrap=True, min_width=6)
    for node in nodes:
        worker = worker_number(node["externalId"])
        accuracy = node["reputation"]["accuracy"]
        right, done = int(simulation.right[worker]), int(simulation.done[worker])
        table.add_row(
            node["externalId"],
            KINDS[WorkerKind(simulation.workers.kind[worker])],
            _whole(right / done if done else None),
            _whole(accuracy["value"]),
            f"{100 * accuracy['low']:.0f}–{100 * accuracy['high']:.0f}",
        )
    return table


def _kinds(simulation: Simulation, everyone: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("in truth")
    for name in ("workers", "judgments", "right", "estimate", "bits", "inside 95 %", "paused"):
        table.add_column(name, justify="right")
    workers = np.array([worker_number(node["externalId"]) for node in everyone], np.int64)
    reputations = [node["reputation"] for node in everyone]
    value, low, high = (
        np.array([reputation["accuracy"][name] for reputation in reputations])
        for name in ("value", "low", "high")
    )
    bits = np.array([reputation["bits"]["value"] for reputation in reputations])
    paused = np.array([node["status"] in PAUSED for node in everyone])
    done, right = simulation.done[workers], simulation.right[workers]
    share = right / np.maximum(done, 1)
    inside = (low <= share) & (share <= high)
    for kind, name in KINDS.items():
        of = (simulation.workers.kind[workers] == kind) & (done > 0)
        if not of.any():
            continue
        table.add_row(
            name,
            str(int(of.sum())),
            f"{int(done[of].sum()):,}",
            _whole(float(right[of].sum() / done[of].sum())),
            _whole(float((value[of] * done[of]).sum() / done[of].sum())),
            f"{bits[of].mean():.2f}",
            f"{int(inside[of].sum())} of {int(of.sum())}",
            str(int(paused[of].sum())),
        )
    return table


def _percent(points: float, tasks: int) -> str:
    return f"{100 * points / tasks:.1f} %" if tasks else "–"


def _whole(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
