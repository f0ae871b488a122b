"""What `basanite demo` asks the API while the crowd works."""

import asyncio
from contextlib import aclosing
from typing import Any, Final

from api.cli.demo_screen import View
from api.frontend.client import CallFailed, Client

LOOK: Final = 1.0  # seconds between two looks at the workers
SHOWN: Final = 5  # workers in each table
FEWEST: Final = 10  # judgments of a worker that is shown

QUALITY: Final = """
subscription ($project: ID) {
  qualityFeed(project: $project) {
    quality { judgments judgmentsPerSecond tasks { total open settled contested } }
  }
}"""
WORKER: Final = "externalId status reputation { accuracy { value low high } bits { value } }"
BEST_AND_WORST: Final = f"""
query ($project: ID, $filter: WorkerFilter, $first: Int!) {{
  best: workers(project: $project, filter: $filter, first: $first,
                order: {{by: ACCURACY, direction: DESC}}) {{ edges {{ node {{ {WORKER} }} }} }}
  worst: workers(project: $project, filter: $filter, first: $first,
                 order: {{by: ACCURACY, direction: ASC}}) {{ edges {{ node {{ {WORKER} }} }} }}
}}"""
EVERYONE: Final = f"""
query ($project: ID, $first: Int!, $after: String) {{
  workers(project: $project, first: $first, after: $after) {{
    edges {{ node {{ {WORKER} }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


async def watch_quality(client: Client, project: str, view: View) -> None:
    """Keep the totals on the screen as the feed tells them, for ever."""
    async with aclosing(client.subscribe(QUALITY, {"project": project})) as events:
        async for event in events:
            view.quality = event["qualityFeed"]["quality"]
    raise CallFailed("The feed of totals ended.")


async def watch_workers(client: Client, project: str, view: View) -> None:
    """Keep the best and the worst workers on the screen, for ever."""
    given = {"project": project, "first": SHOWN, "filter": {"judgmentsAtLeast": FEWEST}}
    while True:
        found = await client.execute(BEST_AND_WORST, given)
        # Sorted lists are a second late, the estimates in them are of now.
        view.best, view.worst = (
            sorted((edge["node"] for edge in found[name]["edges"]), key=_estimate, reverse=reverse)
            for name, reverse in (("best", True), ("worst", False))
        )
        await asyncio.sleep(LOOK)


def _estimate(node: dict[str, Any]) -> float:
    return float(node["reputation"]["accuracy"]["value"])


async def everyone(client: Client, project: str) -> list[dict[str, Any]]:
    """All workers."""
    return [node async for node in client.nodes(EVERYONE, {"project": project})]
