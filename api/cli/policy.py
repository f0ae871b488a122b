"""`basanite policy`: how a project spends judgments and treats workers, in words, and changed."""

import sys
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.bundles import bundled
from api.cli.deciding import Json, Project
from api.cli.options import fail
from api.cli.reaching import Server, asked

if TYPE_CHECKING:
    from rich.console import Console

    from api.frontend.client import Client

NOT_WORKING = 3  # exit status
PURPOSE = "basanite policy"  # what the key of a server of our own is listed under

app = typer.Typer(
    name="policy",
    help="Show, change and check how a project spends judgments and treats workers.",
    no_args_is_help=True,
    epilog="Example: basanite policy set overlap=5 minJudgments=2 --project animals",
)

Knobs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KNOB=VALUE", help="Knobs to set, as `policy show` names them. Also null and true."
    ),
]
Preset = Annotated[
    str | None, typer.Option(metavar="NAME", help="A preset to begin with: basanite policy presets")
]


@app.command(epilog="Example: basanite policy show --project animals")
@bundled
def show(
    *,
    project: Project,
    json: Json = False,
    server: Server,
) -> None:
    """Show every knob: its value, the default where it differs, and what it does."""
    from api.frontend.documents import POLICY

    screen = _screen(json)

    async def work(client: "Client") -> dict[str, Any] | None:
        found = await client.execute(POLICY, {"project": project})
        return found["project"] and dict(found["project"]["policy"])

    found = asked(work, server, screen, PURPOSE)
    if found is None:
        fail(f"There is no project {project}.")
    if json:
        _print_json(found)
        return
    screen.print(f"Policy of {project}, version {found['version']}", markup=False)
    _show_knobs(screen, found["knobs"])


@app.command(
    name="set",
    epilog="Example: basanite policy set --preset OPEN_CROWD overlap=9 --project animals",
)
@bundled
def set_(
    *,
    project: Project,
    knobs: Knobs = None,
    preset: Preset = None,
    version: Annotated[
        int | None,
        typer.Option(metavar="N", help="The version you have seen: refused if it is newer now."),
    ] = None,
    server: Server,
) -> None:
    """Change knobs. It takes effect at once, also on tasks that are done."""
    from api.frontend.documents import UPDATE_POLICY

    screen = _screen(json=False)
    changes = _changes(knobs)
    if not changes and preset is None:
        fail("Say what to change: KNOB=VALUE, or --preset.")
    given = {"project": project, "policy": changes, "expectedVersion": version}
    if preset is not None:
        given["preset"] = _preset(preset)

    async def work(client: "Client") -> dict[str, Any]:
        done = await client.mutate(UPDATE_POLICY, given)
        return dict(done["project"]["policy"])

    done = asked(work, server, screen, PURPOSE)
    screen.print(f"The policy of {project} is at version {done['version']}.", markup=False)
    _show_knobs(screen, [each for each in done["knobs"] if each["name"] in changes])


@app.command(epilog="Example: basanite policy history --project animals")
@bundled
def history(
    *,
    project: Project,
    json: Json = False,
    server: Server,
) -> None:
    """Show what was changed when and by whom, the latest first."""
    from api.frontend.documents import POLICY_HISTORY

    screen = _screen(json)

    async def work(client: "Client") -> list[dict[str, Any]]:
        return [node async for node in client.nodes(POLICY_HISTORY, {"project": project})]

    found = asked(work, server, screen, PURPOSE)
    if json:
        _print_json(found)
        return
    for each in found:
        preset = "" if each["preset"] is None else f", preset {each['preset']}"
        line = f"Version {each['version']}, decision {each['sequence']}, {each['at'][:19]}, "
        screen.print(f"{line}{each['actor']}{preset}", markup=False, soft_wrap=True)
        for change in each["changes"]:
            turn = f"{_shown(change['before'])} → {_shown(change['after'])}"
            screen.print(f"  {change['knob']}: {turn}", markup=False, soft_wrap=True)
    if not found:
        screen.print("The policy was never changed.")


@app.command(epilog="Example: basanite policy presets")
def presets(json: Json = False) -> None:
    """Show the policies for named situations: what each sets, and why."""
    from dataclasses import asdict

    from rich.table import Column, Table
    from rich.text import Text

    from api.errors import spoken
    from api.presets import PRESETS

    screen = _screen(json)
    if json:
        _print_json([asdict(preset) for preset in PRESETS.values()])
        return
    for preset in PRESETS.values():
        table = Table(Column("knob", no_wrap=True), Column("value", no_wrap=True), "why", box=None)
        for each in preset.settings:
            table.add_row(*map(Text, (spoken(each.knob), _shown(each.value), each.why)))
        screen.print(f"{preset.name}. {preset.situation}", markup=False)
        screen.print(table)
        screen.print()
    screen.print("Apply one: basanite policy set --preset NAME --project ID", markup=False)


@app.command(epilog="Example: basanite policy lint overlap=7 --project animals")
@bundled
def lint(
    *,
    project: Project,
    knobs: Knobs = None,
    preset: Preset = None,
    json: Json = False,
    server: Server,
) -> None:
    """Say what is wrong with the policy for this project, or would be with some knobs changed.

    Nothing is stored. The exit status is 3 where something does not work (HIGH).
    """
    from api.frontend.documents import POLICY_ADVICE

    screen = _screen(json)
    given = {
        "project": project,
        "changes": _changes(knobs),
        "preset": None if preset is None else _preset(preset),
    }

    async def work(client: "Client") -> list[dict[str, Any]]:
        return list((await client.execute(POLICY_ADVICE, given))["policyAdvice"])

    found = asked(work, server, screen, PURPOSE)
    if json:
        _print_json(found)
    else:
        _show_advice(screen, found)
    if any(each["severity"] == "HIGH" for each in found):
        sys.exit(NOT_WORKING)


def _show_advice(screen: "Console", found: list[dict[str, Any]]) -> None:
    for each in found:
        line = f"{each['severity']:<6} {each['knob']}, {each['code']}"
        screen.print(line, markup=False, soft_wrap=True)
        screen.print(f"  {each['text']}", markup=False, soft_wrap=True)
        screen.print(f"  → {each['todo']}", markup=False, soft_wrap=True)
    if not found:
        screen.print("Nothing speaks against it.")


def _screen(json: bool) -> "Console":
    """Where notices go: beside the JSON, not into it."""
    from rich.console import Console

    return Console(highlight=False, stderr=json)


def _print_json(found: object) -> None:
    from rich.console import Console

    Console(highlight=False).print_json(data=found)


def _changes(knobs: list[str] | None) -> dict[str, Any]:
    """The knobs as the API takes them."""
    import orjson

    found = {}
    for each in knobs or ():
        name, equals, text = each.partition("=")
        if not equals:
            fail(f"{each} is no KNOB=VALUE.")
        try:
            found[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            found[name] = text  # a name like INFORMATION
    return found


def _preset(name: str) -> str:
    from api.presets import PRESETS

    found = name.upper().replace("-", "_")
    if found not in PRESETS:
        fail(f"There is no preset {name}: choose one of {', '.join(PRESETS)}.")
    return found


def _show_knobs(screen: "Console", knobs: list[dict[str, Any]]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    for group, members in groupby(knobs, key=itemgetter("group")):
        columns = [Column(no_wrap=True), Column(no_wrap=True), Column(no_wrap=True), Column()]
        table = Table(*columns, box=None, show_header=False, title=group, title_justify="left")
        for each in members:
            same = each["value"] == each["default"]
            default = "" if same else f"not {_shown(each['default'])}"
            shown = (each["name"], _shown(each["value"]), default, each["meaning"])
            table.add_row(*map(Text, shown))
        screen.print(table)


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
