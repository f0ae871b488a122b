"""`basanite gold`: how much gold a project has, how long it lasts, and what to do about it."""

from typing import TYPE_CHECKING, Any

from api.cli.bundles import bundled
from api.cli.deciding import Json, Project
from api.cli.reaching import Server, asked

if TYPE_CHECKING:
    from api.frontend.client import Client

EPILOG = "Example: basanite gold --project animals"
PURPOSE = "basanite gold"  # what the key of a server of our own is listed under


@bundled
def gold(
    *,
    project: Project,
    json: Json = False,
    server: Server,
) -> None:
    """Show the gold of a project, label by label, how long it lasts, and what to do about it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from api.frontend.documents import GOLD_ADVICE

    screen = Console(stderr=json, highlight=False)

    async def work(client: "Client") -> dict[str, Any]:
        found = await client.execute(GOLD_ADVICE, {"project": project})
        return dict(found["goldAdvice"])

    advice = asked(work, server, screen, PURPOSE)
    if json:
        Console(highlight=False).print_json(data=advice)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("label")
    for name in ("active", "quarantined", "retired", "spent", "can be shown"):
        table.add_column(name, justify="right")
    for each in advice["labels"]:
        counts = (each[name] for name in ("active", "quarantined", "retired", "spent", "exposures"))
        table.add_row(escape(each["label"]), *(f"{count:,}" for count in counts))
    screen.print(table)
    if advice["lastsFor"] is not None:
        screen.print(
            f"\nEnough for {advice['lastsFor']:,} more workers, who see about "
            f"{advice['perWorker']:.0f} gold tasks each."
        )
    audits = advice["audits"]
    if audits["errorRate"] is not None:
        count = audits["confirmed"] + audits["wrong"]
        screen.print(
            f"\nOf {count:,} audited tasks, gold by consensus, {audits['wrong']:,} were wrong: "
            f"{audits['errorRate']:.0%} ({audits['low']:.0%} to {audits['high']:.0%})."
        )
    for hint in advice["hints"]:
        screen.print(f"\n{hint['severity']}  {escape(hint['text'])}\n  {escape(hint['todo'])}")
