"""API keys: made, verified, cached, revoked."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from api import keys as module
from api.errors import InvalidText, KeyExists, KeyRevoked, UnknownKey
from api.keys import Keys, Role, derived_id, split
from db.connect import create_pool
from tests.waiting import eventually


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await create_pool(database_url, size=2) as pool:
        yield pool


@pytest_asyncio.fixture
async def keys(pool: asyncpg.Pool) -> AsyncIterator[Keys]:
    keys = Keys(pool)
    await keys.start()
    yield keys
    await keys.close()


async def test_a_token_is_verified_and_then_known(keys: Keys) -> None:
    token = await keys.create(Role.ADMIN)
    assert keys.verified(token) is None
    caller = await keys.verify(token)
    assert caller is not None
    assert (caller.role, caller.project_id, caller.worker_id) == (Role.ADMIN, None, None)
    assert keys.verified(token) == caller
    assert keys.verified(token + "x") is None
    assert await keys.verify(token + "x") is None
    assert keys.verified(token) == caller


async def test_the_secret_is_not_stored(keys: Keys, pool: asyncpg.Pool) -> None:
    token = await keys.create(Role.ADMIN, name="n")
    secret = token.split("_", 2)[2]
    assert len(secret) == 43  # 256 bits
    rows = await pool.fetch("select * from api_key")
    assert secret not in repr([tuple(row) for row in rows])
    assert len(rows[0]["secret_hash"]) == 32


async def test_a_revoked_key_is_forgotten(keys: Keys) -> None:
    token = await keys.create(Role.ADMIN)
    caller = await keys.verify(token)
    assert caller is not None
    assert keys.works(caller)
    await keys.revoke(caller.key_id)
    assert keys.verified(token) is None
    assert await keys.verify(token) is None
    assert not keys.works(caller)
    await keys.revoke(caller.key_id)
    with pytest.raises(UnknownKey):
        await keys.revoke("none")
    with pytest.raises(UnknownKey):
        await keys.revoke(caller.key_id, project_id=1)


async def test_a_revocation_elsewhere_is_seen(keys: Keys, pool: asyncpg.Pool) -> None:
    tokens = [await keys.create(Role.ADMIN) for _ in range(3)]
    for token in tokens:
        assert await keys.verify(token) is not None
    elsewhere = Keys(pool)
    await elsewhere.revoke(tokens[1].split("_")[1])
    await eventually(lambda: keys.verified(tokens[1]) is None)
    assert [keys.verified(token) is not None for token in tokens] == [True, False, True]


async def test_a_revocation_during_verification_counts(keys: Keys) -> None:
    """The row is read before the revocation and would be remembered after it."""
    token = await keys.create(Role.ADMIN)
    key_id = token.split("_")[1]
    verifying = asyncio.create_task(keys.verify(token))
    await asyncio.sleep(0)
    await keys.revoke(key_id)
    await verifying
    assert keys.verified(token) is None
    assert await keys.verify(token) is None


async def test_without_the_database_the_cache_is_not_believed_for_long(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await keys.create(Role.ADMIN)
    await keys.verify(token)
    await keys.close()
    assert keys.verified(token) is not None
    monkeypatch.setattr(module, "TRUSTED", 0.0)
    assert keys.verified(token) is None


async def test_the_cache_is_bounded(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHED", 3)
    tokens = [await keys.create(Role.ADMIN) for _ in range(5)]
    for token in tokens:
        assert await keys.verify(token) is not None
    assert sum(keys.verified(token) is not None for token in tokens) == 3
    assert await keys.verify(tokens[0]) is not None


async def test_a_repeated_creation_replaces_the_secret(keys: Keys) -> None:
    key_id = derived_id(1, "a")
    first = await keys.create(Role.ADMIN, key_id=key_id)
    assert await keys.verify(first) is not None
    second = await keys.create(Role.ADMIN, key_id=key_id)
    assert keys.verified(first) is None
    assert await keys.verify(first) is None
    assert await keys.verify(second) is not None
    await keys.revoke(key_id)
    with pytest.raises(KeyRevoked):
        await keys.create(Role.ADMIN, key_id=key_id)


async def test_a_key_is_not_turned_into_another(keys: Keys, pool: asyncpg.Pool) -> None:
    project_id = await pool.fetchval(
        "insert into project (external_id, name, policy) values ('p', 'p', '{}') "
        "returning project_id"
    )
    key_id = derived_id(None, "a")
    await keys.create(Role.ADMIN, key_id=key_id)
    with pytest.raises(KeyExists):
        await keys.create(Role.ADMIN, key_id=key_id, project_id=project_id)


async def test_a_name_must_be_storable(keys: Keys) -> None:
    for name in ("\x00", "x" * 1000, "\ud800"):
        with pytest.raises(InvalidText):
            await keys.create(Role.ADMIN, name=name)


@given(st.text() | st.text("bsn_Aa0-", max_size=300))
def test_no_text_breaks_the_reader_of_tokens(token: str) -> None:
    found = split(token)
    if found is not None:
        assert token.startswith(f"bsn_{found[0]}_")
        assert len(found[1]) == 32
