"""A snapshot and the rest of the log give the same memory as the whole log."""

import logging
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray

from api.limits import Limits
from api.log import recovery, snapshots
from api.memory import Memory
from api.policy import Policy
from api.shard import Shard
from db.connect import connect
from engine.kernels.stream import STAMP
from tests.api.rig import make_project, open_shards, recorded, submissions
from tests.waiting import eventually

OFTEN = Limits(snapshot_rows=500, snapshot_rows_at_end=10, snapshot_pause=0.0)
NEVER = Limits(snapshot_rows=10**9, snapshot_rows_at_end=10**9)


@given(
    st.dictionaries(
        st.text(max_size=20),
        nps.arrays(
            st.sampled_from([np.int8, np.uint8, np.int64, np.float32, np.bool_]),
            nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
        ),
        max_size=5,
    )
)
def test_what_is_packed_is_unpacked(columns: dict[str, NDArray[Any]]) -> None:
    found = snapshots.unpack(bytes(snapshots.pack(columns)))
    assert found.keys() == columns.keys()
    for name, column in columns.items():
        assert found[name].dtype == column.dtype
        np.testing.assert_array_equal(found[name], column)


@given(st.data())
def test_any_changed_or_missing_byte_is_noticed(data: st.DataObject) -> None:
    body = bytearray(snapshots.pack({"a": np.arange(40), "b": np.ones((3, 3), np.float32)}))
    place = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        body[place] ^= data.draw(st.integers(1, 255))
    else:
        del body[place:]
    with pytest.raises(ValueError, match=r"it is cut off|checksum"):
        snapshots.unpack(bytes(body))


async def work(shard: Shard, rounds: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    for _ in range(rounds):
        tasks = generator.integers(0, 200, 50)
        await shard.submit(
            submissions(
                generator.integers(0, 10, 50).tolist(),
                generator.integers(0, 3, 50).tolist(),
                task=tasks.tolist(),
            )
        )
        await shard.set_gold(
            generator.integers(0, 200, 2).astype(np.int32),
            generator.integers(-1, 3, 2).astype(np.int16),
            "test",
        )
    await recorded(shard)


async def read(url: str, shard: Shard) -> Memory:
    connection = await connect(url)
    memory = await recovery.load(connection, shard.project.project_id)
    await connection.close()
    return memory


async def forget_snapshots(url: str) -> None:
    connection = await connect(url)
    await connection.execute("delete from snapshot")
    await connection.close()


def assert_same(one: Memory, other: Memory) -> None:
    assert one.seq == other.seq
    theirs = other.model.state()
    for name, column in one.model.state().items():
        # Counters of the last batch say how the log was cut, not what was learnt.
        some = slice(STAMP) if name == "progress" else ...
        np.testing.assert_array_equal(column[some], theirs[name][some], name)
    count = len(one.tasks)
    for name in ("status", "label", "judgments", "gold", "leases"):
        mine, others = getattr(one.standing, name), getattr(other.standing, name)
        np.testing.assert_array_equal(mine[:count], others[:count], name)
    np.testing.assert_array_equal(one.load[:count], other.load[:count])


async def test_snapshot_and_tail_equal_a_full_replay(database_url: str) -> None:
    async with open_shards(database_url, limits=NEVER) as shards:
        shard = await make_project(
            shards, tasks=200, workers=10, policy=Policy(overlap=8, require_lease=False)
        )
        await work(shard, 20, 1)
        connection = await connect(database_url)
        seq = await snapshots.save(connection, shard.memory)
        assert seq == shard.seq
        await connection.close()
        await work(shard, 20, 2)
        short = await read(database_url, shard)
        assert short.snapshot_seq == seq
        await forget_snapshots(database_url)
        full = await read(database_url, shard)
        assert full.snapshot_seq == 0
        assert_same(short, full)
        assert_same(short, shard.memory)


async def test_snapshots_are_made_in_the_background_and_at_the_end(database_url: str) -> None:
    async with open_shards(database_url, limits=OFTEN) as shards:
        shard = await make_project(
            shards, tasks=200, workers=10, policy=Policy(overlap=8, require_lease=False)
        )
        await work(shard, 12, 3)
        connection = await connect(database_url)
        # Another process writes it, and tells nobody.
        await eventually(lambda: connection.fetchval("select count(*) from snapshot"))
        await work(shard, 5, 4)
        last = shard.seq
    seqs = await connection.fetch("select distinct seq from snapshot order by seq")
    await connection.close()
    assert len(seqs) == 2
    assert seqs[-1]["seq"] == last
    async with open_shards(database_url, limits=NEVER) as shards:
        again = shards.get("p")
        assert again.memory.snapshot_seq == last
        await forget_snapshots(database_url)
        assert_same(again.memory, await read(database_url, again))


@pytest.mark.parametrize(
    "damage",
    [
        "update snapshot set body = overlay(body placing '\\x00ff00'::bytea from 3000)",
        "update snapshot set body = substring(body for 1000)",
        "update snapshot set body = ''",
        "update snapshot set format = 99",
    ],
)
async def test_a_damaged_snapshot_is_passed_over_with_a_warning(
    database_url: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shards(database_url, limits=OFTEN) as shards:
        shard = await make_project(
            shards, tasks=200, workers=10, policy=Policy(overlap=8, require_lease=False)
        )
        await work(shard, 5, 5)
        count, seq = shard.judgment_count, shard.seq
    connection = await connect(database_url)
    await connection.execute(damage)
    await connection.close()
    with caplog.at_level(logging.WARNING):
        async with open_shards(database_url, limits=NEVER) as shards:
            again = shards.get("p")
            assert again.memory.snapshot_seq == 0
            assert (again.judgment_count, again.seq) == (count, seq)
    assert ("is passed over" in caplog.text) == ("format" not in damage)
