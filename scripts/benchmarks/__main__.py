"""`scripts/bench`: each sub-command measures one thing, prints a table and writes JSON."""

import typer

from scripts.benchmarks import (
    accuracy,
    api,
    calibration,
    engine,
    everything,
    feed,
    gold,
    reputation,
    restart,
    retraction,
    routing,
    writes,
)

app = typer.Typer(
    name="scripts/bench",
    help="Measure Basanite, each thing beside what it is to be compared with, in one run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command(epilog=accuracy.EPILOG)(accuracy.accuracy)
app.command(epilog=engine.EPILOG)(engine.engine)
app.command(epilog=writes.EPILOG)(writes.writes)
app.command(epilog=api.EPILOG)(api.api)
app.command(epilog=feed.EPILOG)(feed.feed)
app.command(epilog=restart.EPILOG)(restart.restart)
app.command(epilog=retraction.EPILOG)(retraction.retraction)
app.command(epilog=reputation.EPILOG)(reputation.reputation)
app.command(epilog=routing.EPILOG)(routing.routing)
app.command(epilog=gold.EPILOG)(gold.gold)
app.command(epilog=calibration.EPILOG)(calibration.calibration)
app.command("all", epilog=everything.EPILOG)(everything.everything)

if __name__ == "__main__":
    app(prog_name="scripts/bench")
