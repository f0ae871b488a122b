"""`basanite projects`: which projects there are, and how far they have come."""

from typing import TYPE_CHECKING, Any

from api.cli.bundles import bundled
from api.cli.deciding import Json
from api.cli.reaching import Server, asked

if TYPE_CHECKING:
    from api.frontend.client import Client

EPILOG = "Example: basanite projects --json"


@bundled
def projects(
    *,
    json: Json = False,
    server: Server,
) -> None:
    """List the projects: tasks, how many are settled, judgments, workers, and money, or judgments
    where only these have a limit: what is spent, and what is left beside open leases."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from api.frontend.documents import PROJECTS

    out, screen = Console(highlight=False), Console(highlight=False, stderr=True)

    async def work(client: "Client") -> list[dict[str, Any]]:
        return [node async for node in client.nodes(PROJECTS)]

    found = asked(work, server, screen, "basanite projects")
    if json:
        out.print_json(data=found)
        return
    numbers = ("tasks", "settled", "judgments", "workers", "spent", "left")
    table = Table(
        Column("project", overflow="fold"),
        *(Column(name, justify="right") for name in numbers),
        Column("created"),
        box=None,
    )
    for node in found:
        now = node["quality"]
        tasks = now["tasks"]
        counts = (tasks["total"], tasks["settled"], now["judgments"], now["workers"])
        told = [f"{count:,}" for count in counts] + _budget(now["budget"])
        table.add_row(Text(node["externalId"]), *told, node["createdAt"][:10])
    out.print(table if found else "There is no project yet.")


def _budget(budget: dict[str, Any]) -> list[str]:
    """What is spent and left, of what has a limit or a price."""
    money, judgments = budget["money"], budget["judgments"]
    if money["limit"] is None and judgments["limit"] is not None:
        return [f"{judgments['spent']:,} j.", f"{judgments['left']:,} j."]
    left = "" if money["left"] is None else f"{money['left']:,}"
    return [f"{money['spent']:,}" if money["spent"] else "", left]
