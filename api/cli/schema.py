"""`basanite schema`: the GraphQL schema as text."""

import typer

EPILOG = "Example: basanite schema > schema.graphql"


def schema() -> None:
    """Print the GraphQL schema, for client generators. Needs no server."""
    from api.graphql.schema import text

    typer.echo(text(), nl=False)
