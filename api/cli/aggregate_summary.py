"""What `basanite aggregate` shows on the screen."""

from math import floor, isnan

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.files.aggregation import Aggregation
from api.tables.folder import OutFolder
from api.tables.labels import is_number

SHOWN_WORKERS, SHOWN_TASKS = 5, 8
SCALE = 10  # as many different numbers are rather a scale than classes


def show(screen: Console, result: Aggregation, folder: OutFolder, target: float) -> None:
    """Print the summary: what there is, how good it is, whom to trust, what to do next."""
    screen.print(_facts(result, target))
    _show_workers(screen, result)
    _show_doubtful(screen, result, target)
    _show_disputed(screen, result)
    screen.print()
    for note in _notes(result, folder):
        screen.print(Text("! ", "yellow").append(note, "default"), soft_wrap=True)
    written = ", ".join(sorted(folder.written))
    screen.print(Text(f"Written to {folder.path}: {written}"), soft_wrap=True)


def _facts(result: Aggregation, target: float) -> Table:
    judgments = result.judgments
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column()
    per_task = len(judgments.task) / len(judgments.tasks)
    facts.add_row(
        "Judgments",
        f"{len(judgments.task):,} by {_count(len(judgments.workers), 'worker')} on "
        f"{_count(len(judgments.tasks), 'task')}, {per_task:.1f} a task",
    )
    labels = judgments.labels
    shown = ", ".join(_short(label, 20) for label in labels[:8])
    facts.add_row("Labels", Text(f"{len(labels)}: {shown}{', …' if len(labels) > 8 else ''}"))
    facts.add_row("Agreement", f"Krippendorff's α {_agreement(result.alpha)}")
    facts.add_row("Settled", _settled(result, target))
    if result.check is not None:
        check = result.check
        facts.add_row(
            "Accuracy",
            f"{_percent(check.consensus, check.tasks)} on {_count(check.tasks, 'gold task')}; "
            f"majority vote {_percent(check.majority, check.tasks)}",
        )
        if check.settled:
            right = _percent(check.settled_right, check.settled)
            facts.add_row("", f"Of the {check.settled:,} settled among them {right} are right.")
        if not isnan(check.error.value):
            off = check.error
            facts.add_row(
                "",
                f"Confidence is off by {100 * off.value:.1f} points "
                f"({100 * off.low:.1f} to {100 * off.high:.1f}).",
            )
        facts.add_row(
            "", "Measured before the model was shown the gold; what is written makes use of it."
        )
    return facts


def _settled(result: Aggregation, target: float) -> str:
    """Gold is settled whatever the judgments say, so count it apart."""
    unknown = result.consensus.gold < 0
    tasks, gold = int(unknown.sum()), int((~unknown).sum())
    reached = f"reached a confidence of {100 * target:g} % or more"
    if tasks:
        settled = int((result.settled & unknown).sum())
        kind = " without gold" if gold else ""
        known = f"; {gold:,} more {'is' if gold == 1 else 'are'} gold" if gold else ""
        share = _percent(settled, tasks)
        return f"{settled:,} of {_count(tasks, 'task')}{kind} ({share}) {reached}{known}"
    blind = 0 if result.check is None else result.check.settled
    return (
        f"Every task is gold. Without the gold {blind:,} of {_count(gold, 'task')} "
        f"({_percent(blind, gold)}) {reached}"
    )


def _agreement(alpha: float) -> str:
    if np.isnan(alpha):
        return "is not defined: no task was judged differently by two workers"
    levels = [(0.8, "reliable"), (0.667, "usable with care"), (0.2, "low"), (-1.0, "near chance")]
    word = next(word for least, word in levels if alpha >= least or least == -1.0)
    return f"{alpha:.2f}, {word} (1 is perfect, 0 is chance)"


def _show_workers(screen: Console, result: Aggregation) -> None:
    accuracy = result.reputations.accuracy
    count = len(accuracy.value)
    best = np.argsort(-accuracy.low, kind="stable")
    if count <= 2 * SHOWN_WORKERS:
        screen.print(_workers(result, "Workers, best first", best))
        return
    best = best[:SHOWN_WORKERS]
    worst = np.argsort(accuracy.high, kind="stable")
    worst = worst[~np.isin(worst, best)][:SHOWN_WORKERS]
    screen.print(_workers(result, "Best workers", best))
    screen.print(_workers(result, "Worst workers", worst))


def _workers(result: Aggregation, title: str, rows: npt.NDArray[np.int64]) -> Table:
    stats, known = result.workers, result.reputations
    table = _table(title)
    table.add_column("worker", no_wrap=True)
    for name in ("judgments", "accuracy", "95 % interval", "bits"):
        table.add_column(name, justify="right")
    if result.gold is not None:
        table.add_column("gold right", justify="right", no_wrap=True)
    for row in rows.tolist():
        cells: list[Text | str] = [
            Text(_short(result.judgments.workers[row].as_py(), 28)),
            f"{stats.judgments[row]:,}",
            f"{100 * known.accuracy.value[row]:.0f} %",
            f"{100 * known.accuracy.low[row]:.0f}–{100 * known.accuracy.high[row]:.0f} %",
            f"{known.bits.value[row]:.2f}",
        ]
        if result.gold is not None:
            total = stats.gold_total[row]
            cells.append(f"{stats.gold_right[row]}/{total}" if total else "–")
        table.add_row(*cells)
    return table


def _show_doubtful(screen: Console, result: Aggregation, target: float) -> None:
    judgments, consensus = result.judgments, result.consensus
    order = np.lexsort((consensus.judgments, consensus.confidence))
    rows = order[: min(SHOWN_TASKS, int((~result.settled).sum()))]
    if not len(rows):
        known = consensus.gold >= 0
        kind = " without gold" if known.any() else ""
        why = f"every task{kind} has a confidence of {100 * target:g} % or more"
        screen.print(f"\nNothing to relabel: {'every task is gold' if known.all() else why}.")
        return
    chances = result.model.posterior(rows.astype(np.int32))
    table = _table("Relabel these first")
    table.add_column("task", no_wrap=True)
    for name in ("judgments", "consensus", "confidence", "or else", "chance"):
        numeric = name not in {"consensus", "or else"}
        table.add_column(name, no_wrap=True, justify="right" if numeric else "left")
    for row, chance in zip(rows.tolist(), chances, strict=True):
        first = int(consensus.label[row])
        others = chance.copy()
        others[first] = -1.0
        second = int(others.argmax())
        table.add_row(
            Text(_short(judgments.tasks[row].as_py(), 24)),
            f"{consensus.judgments[row]:,}",
            Text(_short(judgments.labels[first], 12)),
            _below(consensus.confidence[row]),
            Text(_short(judgments.labels[second], 12)),
            _below(others[second]),
        )
    screen.print(table)


def _show_disputed(screen: Console, result: Aggregation) -> None:
    judgments, check = result.judgments, result.check
    if check is None or not len(check.disputed.task):
        return
    disputed = check.disputed
    table = _table("Gold to check: the judgments settle on another label")
    table.add_column("task", no_wrap=True)
    for name in ("judgments", "gold", "say so", "without gold", "confidence"):
        numeric = name not in {"gold", "without gold"}
        table.add_column(name, no_wrap=True, justify="right" if numeric else "left")
    for place, task in enumerate(disputed.task[:SHOWN_TASKS].tolist()):
        table.add_row(
            Text(_short(judgments.tasks[task].as_py(), 24)),
            f"{result.consensus.judgments[task]:,}",
            Text(_short(judgments.labels[int(result.consensus.gold[task])], 12)),
            f"{disputed.agreeing[place]:,}",
            Text(_short(judgments.labels[int(disputed.label[place])], 12)),
            _below(disputed.confidence[place]),
        )
    screen.print(table)
    if (more := len(disputed.task) - SHOWN_TASKS) > 0:
        screen.print(f"and {more:,} more")


def _notes(result: Aggregation, folder: OutFolder) -> list[str]:
    judgments, gold = result.judgments, result.gold
    notes = []
    if result.refused is not None:
        notes.append(result.refused)
    if judgments.duplicates:
        rows = _count(judgments.duplicates, "row")
        dropped = "was dropped" if judgments.duplicates == 1 else "were dropped"
        notes.append(f"{rows} repeated a worker's answer to a task and {dropped}.")
    if judgments.revised:
        rows = _count(judgments.revised, "row")
        notes.append(f"{rows} gave way to a later answer of the same worker to the same task.")
    if len(judgments.labels) > SCALE and all(map(is_number, judgments.labels)):
        first, second, last = judgments.labels[0], judgments.labels[1], judgments.labels[-1]
        notes.append(
            f"The {len(judgments.labels)} labels look like a scale of numbers and were taken for "
            f"classes: {first} is as far from {second} as from {last}, and a near miss counts as "
            "a miss."
        )
    if gold is not None and gold.revised:
        rows = _count(gold.revised, "row")
        notes.append(f"{rows} of gold gave way to a later label for the same task.")
    if gold is not None and gold.unjudged:
        notes.append(
            f"{_count(len(gold.unjudged), 'gold task')} without a judgment left out, for example "
            f"{_short(gold.unjudged[0], 40)}."
        )
    if gold is not None and gold.unseen:
        shown = ", ".join(_short(label, 20) for label in gold.unseen[:5])
        notes.append(
            f"{_count(len(gold.unseen), 'gold label')} that nobody ever answered: {shown}. If this "
            "is a matter of spelling, correct it and run again."
        )
    earlier = folder.earlier.get("judgments_file")
    if earlier not in {None, folder.summary.get("judgments_file")}:
        notes.append(f"The results of {earlier} were in the folder and have been replaced.")
    return notes


def _table(title: str) -> Table:
    return Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %"


def _below(share: float) -> str:
    """Round down: what misses the target must not look as if it reached it."""
    return f"{floor(100 * share)} %"


def _short(text: str, width: int) -> str:
    """Leave out the middle of a long text: both ends of an id tell it from others."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return text[:head] + "…" + text[len(text) - (width - 1 - head) :]
