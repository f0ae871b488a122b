"""The console command `basanite`.

Modules of commands import what is heavy when the command runs, so that --help answers at once.
"""

import typer

from api.cli import (
    aggregate,
    alerts,
    demo,
    doctor,
    export,
    gold,
    import_judgments,
    join,
    keys,
    migrate,
    policy,
    projects,
    replay,
    schema,
    serve,
    status,
    tasks,
    void,
    workers,
)

app = typer.Typer(
    name="basanite",
    help="A quality engine for human labels: live consensus, reputation and routing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command(epilog=serve.EPILOG)(serve.serve)
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=replay.EPILOG)(replay.replay)
app.command(epilog=import_judgments.EPILOG)(import_judgments.import_judgments)
app.command(epilog=export.EPILOG)(export.export)
app.command(epilog=aggregate.EPILOG)(aggregate.aggregate)
app.add_typer(keys.app)
app.command(epilog=projects.EPILOG)(projects.projects)
app.command(epilog=workers.MANY_EPILOG)(workers.workers)
app.command(epilog=workers.ONE_EPILOG)(workers.worker)
app.add_typer(alerts.app)
app.add_typer(void.app)
app.add_typer(tasks.app)
app.command(epilog=gold.EPILOG)(gold.gold)
app.add_typer(status.app)
app.add_typer(policy.app)
app.add_typer(join.app)
app.command(epilog=migrate.EPILOG)(migrate.migrate)
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=schema.EPILOG)(schema.schema)


def main() -> None:
    """Run the command that the arguments name."""
    app()
