"""The simulated workplace of the benchmarks: is it what it says it is?"""

import numpy as np
import pytest

from engine.crowd import ItemKind
from scripts.benchmarks.workplace import Kind, Site, Workplace


def work(place: Workplace, stopped: set[int] | None = None) -> list[tuple[int, int, int]]:
    """All judgments: (task, worker, label)."""
    halted = np.zeros(place.site.workers, np.bool_)
    halted[list(stopped or ())] = True
    found: list[tuple[int, int, int]] = []
    while not place.idle:
        columns = place.judge(50, halted)
        found += zip(*(column.tolist() for column in columns), strict=True)
    return found


@pytest.mark.parametrize(
    "site",
    [
        Site(workers=60, life=400),
        Site(workers=60, life=400, labels=2, items={ItemKind.TRAP: 1.0}),
        Site(workers=60, life=400, shares={Kind.LEVEL: 0.4, Kind.POOR: 0.6}, labels=7),
    ],
)
def test_workers_are_as_accurate_as_they_are_to_be(site: Site) -> None:
    place = Workplace(site, 1)
    judged = np.array(work(place))
    right = judged[:, 2] == place._place.truth[judged[:, 0]]
    wanted = {Kind.LEVEL: 0.8, Kind.POOR: 0.6, Kind.RANDOM: 1 / site.labels}
    for kind in set(wanted) & set(site.shares):
        of = place.kind[judged[:, 1]] == kind
        assert right[of].mean() == pytest.approx(wanted[kind], abs=0.03)


@pytest.mark.parametrize(("breadth", "adaptive"), [(False, False), (True, False), (False, True)])
def test_tasks_get_what_they_are_to_get(breadth: bool, adaptive: bool) -> None:
    site = Site(workers=80, life=60, breadth=breadth, adaptive=adaptive, overlap=4, gold=0.2)
    place = Workplace(site, 2)
    judged = work(place)
    others = [(task, worker) for task, worker, _ in judged if task >= site.gold_tasks]
    assert len(set(others)) == len(others)
    votes = np.bincount([task for task, _ in others])
    assert votes.max() <= 4
    share = 1 - len(others) / len(judged)
    assert share == pytest.approx(0.2, abs=0.03)
    assert place.made.sum() == len(judged)
    assert (place.made == site.life).mean() > 0.9
    if adaptive:
        assert (votes == 2).sum() > 100


def test_who_is_stopped_makes_no_judgment_and_others_come() -> None:
    site = Site(workers=40, life=20, at_work=10)
    place = Workplace(site, 3)
    made = {worker for _, worker, _ in work(place, stopped={0, 5, 39})}
    assert made == set(range(40)) - {0, 5, 39}


def test_a_drop_comes_when_it_is_to_come() -> None:
    site = Site(workers=40, life=300, shares={Kind.DROPS: 1.0}, drop=150)
    place = Workplace(site, 4)
    count = np.zeros(site.workers, np.int64)
    right: list[list[bool]] = [[], []]
    for task, worker, label in work(place):
        right[int(count[worker] >= 150)].append(bool(label == place._place.truth[task]))
        count[worker] += 1
    assert np.mean(right[0]) == pytest.approx(0.9, abs=0.02)
    assert np.mean(right[1]) == pytest.approx(0.6, abs=0.02)
