"""API keys, as admins see them, and who holds the one in use."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, field

from api.graphql.enums import described_enum
from api.graphql.lease import Lease
from api.graphql.project import Label
from api.graphql.refusals import Conflict, Forbidden, InvalidInput, NotFound, TryLater
from api.graphql.standing import OwnStanding
from api.graphql.worker import WorkerKind
from api.keys import Role

described_enum(
    "What a key may do.",
    ADMIN="Everything, in every project or, where the key is bound to one, in that one.",
    WORKER="Lease tasks and submit judgments as one worker of one project. Sees no more.",
)(Role)


@strawberry.type(description="An API key; its secret is not stored and cannot be shown again.")
class ApiKey:
    """A key as an admin sees it."""

    id: ID = field(description="The part of the token that is no secret.")
    name: str = field(description="What it is for.")
    role: Role = field(description="What the key may do.")
    project: ID | None = field(
        description="External id of the project that the key is bound to; null for all projects."
    )
    worker: ID | None = field(
        description="External id of the worker whom the key speaks for; null for ADMIN keys."
    )
    created_at: datetime = field(description="When it was created.")
    revoked_at: datetime | None = field(description="When it was revoked; null while it works.")


@strawberry.type(description="Who the key in use speaks for.")
class Me:
    """The caller."""

    key_id: ID = field(description="The part of the token that is no secret.")
    role: Role = field(description="What the key may do.")
    project: ID | None = field(
        description="External id of the project that the key is bound to; null for all projects."
    )
    worker: ID | None = field(description="External id of the worker; null for ADMIN keys.")
    labels: list[Label] | None = field(
        description="The answers to choose from in the bound project; null without one."
    )
    leases: list[Lease] = field(
        description="The tasks that the worker holds now; empty for ADMIN keys."
    )
    standing: OwnStanding | None = field(
        description="How the worker stands, as far as the policy tells it; null for ADMIN keys."
    )


@strawberry.input(description="A key to create.")
class CreateKeyInput:
    """A new key."""

    role: Role = field(description="What the key may do.")
    project: ID | None = field(
        description="External id of the project to bind it to. Without one it is that of the key "
        "in use; if that is for all projects, an ADMIN key is too, and a WORKER key needs one.",
        default=None,
    )
    worker: ID | None = field(
        description="External id of the worker that a WORKER key speaks for, created on first use.",
        default=None,
    )
    kind: WorkerKind = field(
        description="Who or what that worker is, if it is new.", default=WorkerKind.HUMAN
    )
    name: str = field(description="What it is for.", default="")
    client_id: ID | None = field(
        description="Your id of this key. Repeating it finds the same key and gives it a new "
        "token, in place of the one that you did not get to see.",
        default=None,
    )


@strawberry.type(description="The key works.")
class CreateKeyPayload:
    """Answer of createKey."""

    key: ApiKey = field(description="The key.")
    token: str = field(
        description="What the holder sends as `Authorization: Bearer <token>`. Shown this once."
    )


@strawberry.input(description="A key to revoke.")
class RevokeKeyInput:
    """A key that is to stop working."""

    key_id: ID = field(description="Its id, as `keys` lists it.")


@strawberry.type(description="The key works no more.")
class RevokeKeyPayload:
    """Answer of revokeKey."""

    key: ApiKey = field(description="The key.")


CreateKeyResult = Annotated[
    CreateKeyPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("CreateKeyResult", description="The key and its token, or why not."),
]
RevokeKeyResult = Annotated[
    RevokeKeyPayload | InvalidInput | NotFound | Forbidden | Conflict | TryLater,
    strawberry.union("RevokeKeyResult", description="The revoked key, or why not."),
]
