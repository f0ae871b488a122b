"""Sizes and times of a shard that have nothing to do with what its answers mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a shard takes on and how often it does its chores. Times are in seconds."""

    batch_rows: int = 20_000  # most rows of one call
    inbox_rows: int = 100_000  # rows that may wait
    flush_rows: int = 1_000  # rows of one transaction; the next are read while it commits
    task_rows: int = 2_000  # new tasks that one transaction takes: they are heavier
    patience: float = 5.0  # how long a call waits for a place in the inbox
    longest_retry: float = 2.0  # most that NO_TASKS tells a worker to wait
    derived_pause: float = 0.5  # between two writings of the derived tables
    derived_share: float = 0.25  # most of the time that goes into writing them
    renewal_pause: float = 0.5  # without a judgment, until reputations are looked at anew
    renewal_share: float = 0.05  # most of the time that goes into that
    calibration_rows: int = 100  # new judgments, before what confidence means is learned anew
    feed_tick: float = 0.1  # between two looks at what changed
    seat_patience: float = 5.0  # at a start, for the busy connection of a process that may be dead
    follow_pause: float = 1.0  # between two looks at the log where another process writes it
    # A start replays what came after the newest snapshot at up to 10 µs a row, 3 of them for the
    # tests of who may work. One is begun after so many rows, and 700,000 more may come while it
    # is made (35,000 a second for 20 seconds): at most 12 seconds. Beside them a start takes 2
    # seconds, and 4 more for ten million judgments.
    snapshot_rows: int = 500_000
    history_rows: int = 2_000_000  # most that are replayed to answer how a project was
    snapshot_rows_at_end: int = 50_000  # the same at a clean shutdown
    snapshot_pause: float = 30.0  # before another try, when one has failed
