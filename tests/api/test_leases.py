"""The book of leases against a list of them."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from api.leases import EXPIRED, RELEASED, REMEMBERED, LeaseBook, OpenLease, lease_uuid

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


@given(st.lists(st.integers(0, 2**48 - 1), unique=True), st.binary(min_size=10, max_size=10))
def test_lease_ids_grow_with_seq_and_are_proper_uuids(seqs: list[int], entropy: bytes) -> None:
    ids = [lease_uuid(seq, entropy) for seq in seqs]
    assert sorted(ids) == [lease_uuid(seq, entropy) for seq in sorted(seqs)]
    assert {(one.version, one.variant) for one in ids} <= {(8, "specified in RFC 4122")}
