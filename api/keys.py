"""API keys: `bsn_<id>_<secret>`. The id finds the key, and only a hash of the secret is stored.

A secret has 256 random bits, so one SHA-256 is enough: there is nothing to guess, and a slow hash
would only make every request slow.
"""

import asyncio
import contextlib
import hashlib
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from hmac import compare_digest

import asyncpg

from api.errors import InvalidText, KeyExists, KeyRevoked, UnknownKey
from api.state.directory import storable
from db.queries import sql

logger = logging.getLogger(__name__)

CACHED = 100_000  # verified keys kept in memory, about 500 bytes each
REFRESH = 0.5  # seconds between two looks for revoked keys
TRUSTED = 10.0  # seconds that the cache is believed while the database cannot be asked


class Role(StrEnum):
    """What a key may do."""

    ADMIN = "ADMIN"
    WORKER = "WORKER"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a verified key speaks for; None where the key is not bound."""

    key_id: str
    role: Role
    project_id: int | None
    worker_id: int | None


class Keys:
    """Verifies tokens, from memory where it can.

    Revocation by this process counts at once, by any other process within a second.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[str, tuple[bytes, Caller]] = OrderedDict()
        self._revoked: set[str] = set()
        self._looked = 0.0
        self._watch: asyncio.Task[None] | None = None

    def verified(self, token: str) -> Caller | None:
        """The caller if memory knows the token; None says nothing: ask `verify`."""
        found = split(token)
        if found is None or self._stale():
            return None
        key_id, digest = found
        known = self._known.get(key_id)
        if known is None or not compare_digest(known[0], digest):
            return None
        return known[1]

    async def verify(self, token: str) -> Caller | None:
        """The caller, or None if the token is malformed, unknown, wrong or revoked."""
        found = split(token)
        if found is None:
            return None
        key_id, digest = found
        row = await self._pool.fetchrow(sql("key_by_id"), key_id)
        if row is None or not compare_digest(row["secret_hash"], digest):
            return None
        caller = Caller(key_id, Role(row["role"]), row["project_id"], row["worker_id"])
        if key_id not in self._revoked:
            self._known[key_id] = (digest, caller)
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        return caller

    def works(self, caller: Caller) -> bool:
        """Whether a caller verified earlier has not been revoked since; for long streams."""
        return caller.key_id not in self._revoked

    async def create(
        self,
        role: Role,
        *,
        project_id: int | None = None,
        worker_id: int | None = None,
        name: str = "",
        key_id: str | None = None,
    ) -> str:
        """Make a key and return its token, which is shown this once.

        With a `key_id` the call can be repeated: the key gets a new secret, and the token that
        nobody saw stops working. Raises InvalidText, KeyRevoked, or KeyExists if it is for
        something else.
        """
        if name and not storable(name):
            raise InvalidText("name")
        key_id = key_id or new_id()
        secret = secrets.token_urlsafe(32)
        made = await self._pool.fetchval(
            sql("key_create"), key_id, project_id, role, worker_id, _hash(secret), name
        )
        if made is None:
            # There is such a key: it was revoked, or it is bound otherwise.
            works = await self._pool.fetchrow(sql("key_by_id"), key_id)
            raise KeyRevoked if works is None else KeyExists
        self._known.pop(key_id, None)
        return f"bsn_{key_id}_{secret}"

    async def revoke(self, key_id: str, project_id: int | None = None) -> None:
        """Revoke a key, of one project or any. Raises UnknownKey."""
        if await self._pool.fetchval(sql("key_revoke"), key_id, project_id) is None:
            raise UnknownKey
        self._forget({key_id})

    async def start(self) -> None:
        """Begin to watch for keys that other processes revoke."""
        await self._look()
        self._watch = asyncio.create_task(self._keep_looking(), name="revoked keys")

    async def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None

    def _stale(self) -> bool:
        return asyncio.get_running_loop().time() - self._looked > TRUSTED

    def _forget(self, key_ids: set[str]) -> None:
        self._revoked.update(key_ids)
        for key_id in key_ids:
            self._known.pop(key_id, None)

    async def _look(self) -> None:
        rows = await self._pool.fetch(sql("keys_changed"))
        self._forget({row["key_id"] for row in rows})
        self._looked = asyncio.get_running_loop().time()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            try:
                await self._look()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                logger.warning("revoked keys could not be read; trying again", exc_info=True)


def split(token: str) -> tuple[str, bytes] | None:
    """Key id and hash of a token, or None if it does not look like one."""
    prefix, _, rest = token.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "bsn" or not key_id or not secret or len(token) > 200 or not token.isascii():
        return None
    return key_id, _hash(secret)


def new_id() -> str:
    """A random key id: 64 bits in lower-case hexadecimal."""
    return secrets.token_hex(8)


def derived_id(*parts: object) -> str:
    """A key id that follows from what is given, so that a repeated call finds the same key."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
