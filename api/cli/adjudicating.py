"""`basanite tasks queue` and `adjudicate`: what waits for an expert, and the expert's answers."""

from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import uuid4

import typer

from api.cli.bundles import bundled
from api.cli.deciding import Act, Json, Project, decide
from api.cli.options import fail
from api.cli.reaching import Server, asked

if TYPE_CHECKING:
    from rich.console import Console

    from api.frontend.client import Client

PURPOSE: Final = "basanite tasks"  # what the key of a server of our own is listed under
SKIP, QUIT = "s", "q"

Checks = Annotated[
    bool,
    typer.Option("--checks", help="Hide the tasks among others from now on, to check workers."),
]


@bundled
def queue(
    *,
    project: Project,
    most: Annotated[
        int, typer.Option(metavar="N", min=1, max=500, help="Show so many at most.")
    ] = 20,
    json: Json = False,
    server: Server,
) -> None:
    """List the tasks that wait for an expert: highest priority first, then the least sure."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from api.frontend.documents import ADJUDICATION_QUEUE

    screen = Console(highlight=False)

    async def work(client: "Client") -> dict[str, Any]:
        given = {"project": project, "first": most}
        page: dict[str, Any] = (await client.execute(ADJUDICATION_QUEUE, given))[
            "adjudicationQueue"
        ]
        return page

    page = asked(work, server, Console(stderr=True), PURPOSE)
    found = [edge["node"] for edge in page["edges"]]
    if json:
        screen.print_json(data=found)
        return
    if not found:
        screen.print("No task is contested.")
        return
    table = Table(
        *(Column(name, overflow="fold") for name in ("task", "priority", "judgments", "labels")),
        box=None,
    )
    for node in found:
        row = (node["externalId"], str(node["priority"]), str(len(node["judgments"])))
        table.add_row(*map(Text, (*row, _likely(node))))
    screen.print(table)
    if page["pageInfo"]["hasNextPage"]:
        screen.print(f"{page['totalCount']:,} are contested; --most shows more of them.")


@bundled
def adjudicate(
    *,
    act: Act,
    name: Annotated[
        str | None, typer.Argument(metavar="[TASK", help="External id of a task.")
    ] = None,
    label: Annotated[
        str | None, typer.Argument(metavar="LABEL]", help="External id of its right answer.")
    ] = None,
    checks: Checks = False,
    server: Server,
) -> None:
    """Give the right answer of a task, or of what is contested, one task after the other.

    Without TASK and LABEL you are shown what each contested task asks, who said what, and how good
    they are; you answer with a label or its number.
    """
    from api.frontend.documents import ADJUDICATE_TASK

    if name is not None and label is not None:
        given = act.given | {"tasks": [name], "labels": [label], "checks": checks}
        decide(ADJUDICATE_TASK, given, act, server, PURPOSE)
        return
    if name is not None:
        fail("Name the label as well, or neither, to go through what is contested.")
    if act.dry_run or act.json or act.client_id is not None:
        fail("--dry-run, --json and --id are for one task: name it, and its label.")
    from rich.console import Console

    screen = Console(highlight=False)
    given = {"project": act.project, "reason": act.reason, "checks": checks}

    async def work(client: "Client") -> int:
        return await _go_through(client, screen, given)

    decided = asked(work, server, screen, PURPOSE)
    screen.print(f"{decided:,} decided.")


async def _go_through(client: "Client", screen: "Console", given: dict[str, Any]) -> int:
    """Ask for one task after the other until there is none, or the expert stops."""
    from api.frontend.client import PAGE
    from api.frontend.documents import ADJUDICATE_TASK, ADJUDICATION_QUEUE

    decided, skipped = 0, set[str]()
    while True:
        # What is decided moves what others seem to be worth, so no cursor holds what was skipped.
        asking = {"project": given["project"], "first": min(len(skipped) + 1, PAGE)}
        page = (await client.execute(ADJUDICATION_QUEUE, asking))["adjudicationQueue"]
        nodes = [edge["node"] for edge in page["edges"]]
        node = next((each for each in nodes if each["externalId"] not in skipped), None)
        if node is None:
            screen.print(
                "No other task is contested." if decided or nodes else "None is contested."
            )
            return decided
        _show(screen, node, page["totalCount"])
        labels = [each["label"] for each in node["consensus"]["probabilities"]]
        answer = await _answer(screen, labels)
        if answer == QUIT:
            return decided
        if answer == SKIP:
            skipped.add(node["externalId"])
            continue
        act = {"tasks": [node["externalId"]], "labels": [labels[int(answer)]]}
        await client.mutate(ADJUDICATE_TASK, given | act | {"clientId": uuid4().hex})
        decided += 1


async def _answer(screen: "Console", labels: list[str]) -> str:
    """Index of a label, SKIP or QUIT. A label goes before its number, and both before the others.

    The line is read beside the loop: the connection lives on while the expert thinks.
    """
    from api.beside.aside import aside

    while True:
        screen.print(f"Label or number, {SKIP} to skip, {QUIT} to stop: ", end="")
        try:
            said = (await aside(input)).strip()
        except EOFError:
            return QUIT
        if said in labels:
            return str(labels.index(said))
        if said.isdecimal() and 1 <= int(said) <= len(labels):
            return str(int(said) - 1)
        if said in (SKIP, QUIT):
            return said
        screen.print("That is none of them.")


def _show(screen: "Console", node: dict[str, Any], total: int) -> None:
    import json

    from rich.table import Column, Table
    from rich.text import Text

    screen.print()
    _line(screen, f"Task {node['externalId']}, priority {node['priority']}; {total:,} contested")
    _line(screen, json.dumps(node["payload"], ensure_ascii=False, indent=2))
    if node["attributes"]:
        _line(screen, f"Attributes: {json.dumps(node['attributes'], ensure_ascii=False)}")
    said = Table(
        *(Column(name, overflow="fold") for name in ("label", "worker", "accuracy", "95 %")),
        box=None,
    )
    for judgment in sorted(node["judgments"], key=lambda each: str(each["label"])):
        worker = judgment["worker"]
        accuracy = worker["reputation"]["accuracy"]
        name = worker["externalId"] + (" (model)" if worker["kind"] == "MODEL" else "")
        row = (f"{accuracy['value']:.0%}", f"{accuracy['low']:.0%} to {accuracy['high']:.0%}")
        said.add_row(*map(Text, (judgment["label"], name, *row)))
    screen.print(said)
    for number, each in enumerate(node["consensus"]["probabilities"], start=1):
        _line(screen, f"{number:>3}  {each['probability']:>6.1%}  {each['label']}")


def _likely(node: dict[str, Any]) -> str:
    """The labels that are in question, the most probable first."""
    found = sorted(node["consensus"]["probabilities"], key=lambda each: -float(each["probability"]))
    shown = [each for each in found if each["probability"] >= 0.05]
    return ", ".join(f"{each['label']} {each['probability']:.0%}" for each in shown)


def _line(screen: "Console", text: str) -> None:
    screen.print(text, markup=False, soft_wrap=True)
