"""Keys over GraphQL: made, repeated, revoked."""

import pytest

from api.keys import Keys
from db.connect import create_pool
from tests.api.serving import CREATE_KEY, REVOKE_KEY, Data, Serving
from tests.waiting import eventually


async def test_keys_are_created_repeated_and_revoked(server: Serving) -> None:
    await server.make_project()
    given = {"role": "WORKER", "project": "p", "worker": "ann", "name": "x", "clientId": "1"}
    first = await server.do(CREATE_KEY, given)
    assert first["key"]["project"] == "p"
    assert first["key"]["worker"] == "ann"
    again = await server.do(CREATE_KEY, given)
    assert again["key"]["id"] == first["key"]["id"]
    assert again["token"] != first["token"]
    me = "{ me { role project worker labels { externalId } leases { id } } }"
    assert (await server.data(me, token=again["token"]))["me"]["worker"] == "ann"
    assert (await server.post({"query": me}, first["token"])).status_code == 401
    other = await server.do(CREATE_KEY, given | {"worker": "bob"})
    assert other["code"] == "KEY_EXISTS"
    revoked = await server.do(REVOKE_KEY, {"keyId": first["key"]["id"]})
    assert revoked["key"]["revokedAt"] is not None
    assert await server.do(REVOKE_KEY, {"keyId": first["key"]["id"]}) == revoked
    assert (await server.post({"query": me}, again["token"])).status_code == 401
    assert (await server.do(CREATE_KEY, given))["code"] == "KEY_REVOKED"
    assert (await server.do(REVOKE_KEY, {"keyId": "none"}))["code"] == "UNKNOWN_KEY"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role": "WORKER", "project": "p"}, "INVALID_INPUT"),
        ({"role": "WORKER", "worker": "ann"}, "INVALID_INPUT"),
        ({"role": "WORKER", "project": "q", "worker": "ann"}, "UNKNOWN_PROJECT"),
        ({"role": "ADMIN", "project": "p", "worker": "ann"}, "INVALID_INPUT"),
        ({"role": "ADMIN", "project": "q"}, "UNKNOWN_PROJECT"),
        ({"role": "WORKER", "project": "p", "worker": ""}, "INVALID_TEXT"),
        ({"role": "ADMIN", "name": "\x00"}, "INVALID_TEXT"),
    ],
)
async def test_impossible_keys_are_refused(server: Serving, given: Data, code: str) -> None:
    await server.make_project()
    assert (await server.do(CREATE_KEY, given))["code"] == code


async def test_a_revocation_elsewhere_counts(server: Serving, database_url: str) -> None:
    await server.make_project()
    token = await server.worker_key("p", "ann")
    assert (await server.post({"query": "{ me { role } }"}, token)).status_code == 200
    pool = await create_pool(database_url, size=1)
    await Keys(pool).revoke(token.split("_")[1])
    await pool.close()

    async def refused() -> bool:
        return (await server.post({"query": "{ me { role } }"}, token)).status_code == 401

    await eventually(refused)
