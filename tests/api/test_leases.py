"""The book of leases against a list of them."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api.policy import Policy
from api.state.leases import EXPIRED, RELEASED, REMEMBERED, LeaseBook, OpenLease, lease_uuid
from tests.api.rig import Clock, make_project, new_tasks, open_shards

STEPS = st.lists(
    st.tuples(st.sampled_from(["grant", "end", "pass"]), st.integers(0, 5), st.integers(0, 5)),
    max_size=60,
)


@given(STEPS)
def test_the_book_agrees_with_a_list(steps: list[tuple[str, int, int]]) -> None:
    book, plain, now = LeaseBook(), dict[tuple[int, int], OpenLease](), 0.0
    for number, (step, task, worker) in enumerate(steps):
        if step == "grant" and (task, worker) not in plain:
            lease = OpenLease(UUID(int=number), task, worker, now + 1 + (task * 7 + worker) % 5)
            plain[task, worker] = lease
            book.grant(lease)
        elif step == "end" and (task, worker) in plain:
            book.end(plain.pop((task, worker)), RELEASED)
        elif step == "pass":
            now += task
            due = book.due(now)
            assert due == sorted(due, key=lambda lease: lease.expires)
            assert set(due) == {lease for lease in plain.values() if lease.expires <= now}
            for lease in due:
                book.end(lease, EXPIRED)
                del plain[lease.task, lease.worker]
        book.tidy()
        assert set(book) == set(plain.values())
        assert book.of(task, worker) == plain.get((task, worker))
        held = [lease.task for lease in plain.values() if lease.worker == worker]
        assert book.held(worker) == len(held)
        assert sorted(book.tasks_of(worker).tolist()) == sorted(held)
        assert book.next_expiry() == min((lease.expires for lease in book), default=None)


def test_the_book_forgets_what_ended_long_ago_and_stays_small() -> None:
    book = LeaseBook()
    for number in range(3 * REMEMBERED):
        lease = OpenLease(UUID(int=number), 1, 1, 1e9 + number)
        book.grant(lease)
        book.end(lease, RELEASED)
        if number % 1000 == 0:
            book.tidy()
    book.tidy()
    assert len(book.ended) == REMEMBERED
    assert 3 * REMEMBERED - 1 in book.ended
    assert len(book) == 0
    assert book.next_expiry() is None


MOMENTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2400, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.lists(st.tuples(MOMENTS, st.binary(min_size=10, max_size=10))))
def test_lease_ids_grow_with_time_and_tell_no_more(grants: list[tuple[datetime, bytes]]) -> None:
    ids = [lease_uuid(at, entropy) for at, entropy in grants]
    times = [int(at.timestamp() * 1000) for at, _ in grants]
    assert [one.int >> 80 for one in ids] == times
    assert {(one.version, one.variant) for one in ids} <= {(7, "specified in RFC 4122")}
    random = int.from_bytes(b"\xff" * 10, "big") & ~(0xF << 76 | 0x3 << 62)
    for one, (_, entropy) in zip(ids, grants, strict=True):
        assert one.int & random == int.from_bytes(entropy, "big") & random


async def test_what_was_given_back_comes_again_when_there_is_nothing_else(
    database_url: str,
) -> None:
    """Gold and others alike: who gives back, or lets run out, and asks again learns nothing, after
    a restart either."""
    policy = Policy(gold_rate=0.4, gold_floor=0.4, leases_per_worker=100)
    gold = [1 if task % 3 == 0 else -1 for task in range(90)]
    seen, often, again, clock = set[int](), 0, False, Clock()
    while not again:
        async with open_shards(database_url, clock) as shards:
            if not seen:
                shard = await make_project(shards, workers=2, policy=policy)
                tasks = new_tasks([f"t{task}" for task in range(90)], gold=gold)
                await shard.add_tasks(tasks, "test")
            shard = shards.get("p")
            for step in range(8):
                leases = await shard.lease(0, 6)
                got = {lease.task_id for lease in leases}
                again = bool(got & seen)
                if again:
                    break
                seen |= got
                often += any(gold[task] >= 0 for task in got)
                if step % 2:
                    clock.pass_(policy.lease_seconds + 1)
                else:
                    await shard.release(0, [lease.lease_id for lease in leases])
    assert {task for task in range(90) if gold[task] < 0} <= seen
    assert often  # not more: who gives back much gold gets none
