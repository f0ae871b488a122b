"""`basanite workers` and `basanite worker`: who judges, how well, and why we think so."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.bundles import bundled
from api.cli.deciding import Json, Project
from api.cli.options import fail
from api.cli.reaching import Server, asked
from api.cli.status import Status

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from api.frontend.client import Client

MANY_EPILOG = "Example: basanite workers --project animals --order accuracy --below 0.7"
ONE_EPILOG = "Example: basanite worker ann --project animals"
_CELLS = 12  # of a confusion matrix that are shown, the most frequent errors


class Order(StrEnum):
    """What workers can be ordered by."""

    AGE = "age"
    ACCURACY = "accuracy"
    JUDGMENTS = "judgments"
    STATUS = "status"


class Kind(StrEnum):
    """What workers are."""

    HUMAN = "human"
    MODEL = "model"


@bundled
def workers(
    *,
    project: Project,
    order: Annotated[Order, typer.Option(help="What they are ordered by.")] = Order.AGE,
    descending: Annotated[
        bool, typer.Option("--descending", help="The highest, or the newest, first.")
    ] = False,
    status: Annotated[
        list[Status] | None, typer.Option(help="Only those of this status; repeatable.")
    ] = None,
    below: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Only those of lower accuracy: 0.7, say.")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Only those of this accuracy or higher.")
    ] = None,
    judgments: Annotated[
        int | None, typer.Option(metavar="N", help="Only those with so many judgments or more.")
    ] = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only people, or only models.")] = None,
    voided: Annotated[
        bool | None,
        typer.Option("--voided/--not-voided", help="Only those who are voided, or who are not."),
    ] = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Show so many at most.")] = 50,
    json: Json = False,
    server: Server,
) -> None:
    """List the workers of a project: status, judgments, accuracy with its interval, bits, gold."""
    from api.frontend.documents import WORKERS

    given = {
        "project": project,
        "order": {"by": order.name, "direction": "DESC" if descending else "ASC"},
        "filter": {
            "status": [each.name for each in status] if status else None,
            "accuracyBelow": below,
            "accuracyAtLeast": at_least,
            "judgmentsAtLeast": judgments,
            "kind": [each.name for each in kind] if kind else None,
            "voided": voided,
        },
    }
    out, screen = _consoles()

    async def work(client: "Client") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async for node in client.nodes(WORKERS, given):
            found.append(node)
            if len(found) > most:
                break
        return found

    found = asked(work, server, screen, "basanite workers")
    if json:
        out.print_json(data=found[:most])
        return
    out.print(_listed(found[:most]))
    if len(found) > most:
        out.print(f"There are more; --most {2 * most} shows more of them.")


@bundled
def worker(
    *,
    name: Annotated[str, typer.Argument(metavar="WORKER", help="External id of the worker.")],
    project: Project,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="N|TIME", help="As it was then: a sequence of the log, or a time."),
    ] = None,
    json: Json = False,
    server: Server,
) -> None:
    """Show all that is known of a worker, with intervals and with the reasons in words."""
    from api.frontend.documents import WORKER

    given = {"project": project, "worker": name, "asOf": _moment(as_of)}
    out, screen = _consoles()

    async def work(client: "Client") -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await client.execute(WORKER, given))["worker"]
        return found

    found = asked(work, server, screen, "basanite worker")
    if found is None:
        fail(f"Project {project} has no worker {name}.")
    if json:
        out.print_json(data=found)
        return
    _show(out, found)


def _moment(as_of: str | None) -> dict[str, Any] | None:
    """What asOf takes. A time without its offset is in UTC."""
    if as_of is None:
        return None
    if as_of.isdecimal():
        return {"sequence": int(as_of)}
    try:
        time = datetime.fromisoformat(as_of)
    except ValueError:
        fail(f"--as-of takes a sequence or a time like 2026-03-01T12:00, not {as_of}.")
    return {"time": (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()}


def _consoles() -> "tuple[Console, Console]":
    from rich.console import Console

    return Console(highlight=False), Console(highlight=False, stderr=True)


def _table(*names: str, title: str | None = None) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        words = name in {"worker", "status", "truth", "answer", "label", ""}
        table.add_column(name, justify="left" if words else "right", overflow="fold")
    return table


def _listed(found: list[dict[str, Any]]) -> "Table":
    from rich.text import Text

    table = _table("worker", "status", "judgments", "accuracy", "95 %", "bits", "gold right")
    for node in found:
        known = node["reputation"]
        table.add_row(
            Text(node["externalId"]),
            "voided" if node["voided"] else node["status"].lower(),
            f"{node['judgmentCount']:,}",
            f"{100 * known['accuracy']['value']:.0f} %",
            _ends(known["accuracy"]),
            f"{known['bits']['value']:.2f}",
            f"{known['goldRight']}/{known['goldTotal']}" if known["goldTotal"] else "–",
        )
    return table


def _ends(estimate: dict[str, float]) -> str:
    return f"{100 * estimate['low']:.0f}–{100 * estimate['high']:.0f} %"


def _show(out: "Console", node: dict[str, Any]) -> None:
    from rich.text import Text

    known = node["reputation"]
    status = "voided" if node["voided"] else node["status"].lower()
    kind = "a model" if node["kind"] == "MODEL" else "a person"
    out.print(
        Text(f"{node['externalId']}, {kind}: {status}, {node['judgmentCount']:,} judgments"),
        soft_wrap=True,
    )
    if node["joinedWith"]:
        out.print(Text(f"Counts as one with {', '.join(node['joinedWith'])}"), soft_wrap=True)
    table = _table("", "estimate", "95 %")
    for title, name in (
        ("accuracy", "accuracy"),
        ("agreement with the others", "agreement"),
        ("accuracy on gold", "goldAccuracy"),
        ("trend, first answer to last", "trend"),
    ):
        if (estimate := known[name]) is not None:
            table.add_row(title, f"{100 * estimate['value']:.0f} %", _ends(estimate))
    bits = known["bits"]
    table.add_row(
        "bits a judgment", f"{bits['value']:.2f}", f"{bits['low']:.2f}–{bits['high']:.2f}"
    )
    if (speed := known["speed"]) is not None:
        table.add_row("median seconds", f"{speed['medianSeconds']:.3g}", "")
        if speed["underFloor"] is not None:
            table.add_row("under the floor", f"{100 * speed['underFloor']:.0f} %", "")
    out.print(table)
    out.print(Text("Why", "bold"))
    for reason in known["reasons"]:
        out.print(Text(f"  {reason['text']}"), soft_wrap=True)
    for reason in node["standing"]["reasons"]:
        out.print(Text(f"  {reason}"), soft_wrap=True)
    errors = [cell for cell in known["confusion"] if cell["truth"] != cell["answer"]]
    if errors:
        worst = _table("truth", "answer", "times", title="\nMost frequent errors, expected")
        for cell in sorted(errors, key=lambda cell: -cell["count"])[:_CELLS]:
            worst.add_row(Text(cell["truth"]), Text(cell["answer"]), f"{cell['count']:.1f}")
        out.print(worst)
    if known["bias"]:
        leaning = _table("label", "too many of 100", "95 %", title="\nBias")
        for each in known["bias"]:
            share = each["share"]
            leaning.add_row(
                Text(each["label"]),
                f"{100 * share['value']:+.0f}",
                f"{100 * share['low']:+.0f} to {100 * share['high']:+.0f}",
            )
        out.print(leaning)
