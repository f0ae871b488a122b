"""The search for copiers, on crowds of which it is known who copies."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest

from engine.collusion import MOST_PAIRS, copying_rings
from engine.crowd import WorkerKind, answers, draw_items, draw_workers
from engine.fraud import Finding, Fraud, Suggestion
from tests.engine.test_independence import gathered

Ints = npt.NDArray[np.int32]
Labels = npt.NDArray[np.int16]
RATE = 0.01


@dataclass
class Case:
    """A crowd's judgments, truths, and rings of copies of one sloppy worker."""

    labels: int
    task: Ints
    worker: Ints
    label: Labels
    truth: Labels
    rings: list[Ints]

    def found(self, most_pairs: int = MOST_PAIRS, gold: Labels | None = None) -> list[Finding]:
        judgments, answers = gathered(self.task, self.worker, self.label, self.labels, gold)
        found, _ = copying_rings(judgments, answers, self.labels, RATE, most_pairs)
        return found

    def copied(self, ring: Ints, leads: Labels) -> None:
        """Let a ring give `leads`, by task."""
        rows = np.isin(self.worker, ring)
        self.label[rows] = leads[self.task[rows]]


def crowd(seed: int, sizes: tuple[int, ...], *, labels: int = 4, overlap: int = 10) -> Case:
    """A hundred workers; a task of a ring has four of its members, others have none or one."""
    rng = np.random.default_rng(seed)
    workers = draw_workers(rng, 100, labels)
    shuffled = rng.permutation(100).astype(np.int32)
    rings = np.split(shuffled[: sum(sizes)], np.cumsum(sizes)[:-1]) if sizes else []
    honest = shuffled[sum(sizes) :]
    rows = []
    for ring in rings:
        some = min(4, len(ring))
        for _ in range(100 * len(ring) * (len(ring) - 1) // (some * (some - 1))):
            members = rng.choice(ring, some, replace=False)
            rows.append(np.r_[members, rng.choice(honest, overlap - some, replace=False)])
    rows += [rng.choice(100, overlap, replace=False) for _ in range(1000)]
    worker = np.concatenate(rows).astype(np.int32)
    task = np.repeat(np.arange(len(rows), dtype=np.int32), overlap)
    items = draw_items(rng, len(rows), labels)
    label = answers(workers, items, worker, task, rng)
    case = Case(labels, task, worker, label, items.truth, rings)
    sloppy = np.flatnonzero(workers.kind == WorkerKind.SLOPPY)
    for ring, model in zip(rings, sloppy, strict=False):
        leader = np.full(len(rows), model)
        case.copied(ring, answers(workers, items, leader, np.arange(len(rows)), rng))
    return case


def of(findings: list[Finding]) -> list[list[int]]:
    return sorted(finding.workers.tolist() for finding in findings)


def sets(rings: list[Ints]) -> list[list[int]]:
    return sorted(sorted(ring.tolist()) for ring in rings)


@pytest.mark.parametrize("labels", [2, 4, 20])
def test_rings_are_found_and_nobody_else(labels: int) -> None:
    case = crowd(labels, (3, 5, 8), labels=labels)
    found = case.found()
    assert of(found) == sets(case.rings)
    for finding in found:
        assert finding.kind is Fraud.ONE_HAND
        assert finding.suggestion is Suggestion.JOIN
        assert finding.rate <= RATE
        assert finding.share == pytest.approx(1, abs=0.02)
        assert finding.numbers["expected"] < finding.numbers["same"] == finding.numbers["bets"]


def test_an_honest_crowd_is_left_alone() -> None:
    for seed in range(5):
        assert crowd(seed, (), labels=2 + seed).found() == []


def test_a_ring_that_guesses_is_found_where_it_outvotes_the_others() -> None:
    """Its tasks have four of the ring and two others: the votes, and a model of them, are its."""
    case = crowd(1, (6,), overlap=6)
    guesses = np.random.default_rng(2).integers(0, 4, len(case.truth)).astype(np.int16)
    case.copied(case.rings[0], guesses)
    assert of(case.found()) == sets(case.rings)


def test_noise_does_not_hide_a_copier() -> None:
    case = crowd(5, (6,))
    rng = np.random.default_rng(6)
    followers = np.isin(case.worker, case.rings[0][1:])
    own = followers & (rng.random(len(case.worker)) < 0.15)
    case.label[own] = case.truth[case.task[own]]
    (finding,) = case.found()
    assert finding.workers.tolist() == sorted(case.rings[0].tolist())
    assert finding.kind is Fraud.COPYING
    assert 0.6 < finding.share < 0.98


def test_right_answers_are_no_evidence() -> None:
    """Ten who know every truth agree in everything, against a crowd that often errs."""
    case = crowd(3, ())
    experts = np.isin(case.worker, np.arange(10))
    case.label[experts] = case.truth[case.task[experts]]
    assert case.found() == []


def test_a_common_bias_is_no_evidence() -> None:
    """Ten workers who take label 1 for label 0 err alike, and that is their confusion matrix."""
    case = crowd(4, ())
    biased = np.isin(case.worker, np.arange(10)) & (case.truth[case.task] == 1)
    case.label[biased] = 0
    assert case.found() == []


def test_errors_that_items_tempt_to_are_no_evidence() -> None:
    """A third of the items tempt all to the same wrong answer; half of the workers learned to give
    one wrong answer to a kind of items that cannot be told from others by its class."""
    rng = np.random.default_rng(13)
    case = crowd(13, ())
    trap, tempted = rng.random(len(case.truth)) < 0.33, (case.truth + 1) % 4
    falls = trap[case.task] & (rng.random(len(case.task)) < 0.6)
    case.label[falls] = tempted[case.task[falls]]
    assert case.found() == []
    case = crowd(14, ())
    odd = (case.truth == 1) & (rng.random(len(case.truth)) < 0.4)
    school = odd[case.task] & (case.worker < 45)
    case.label[school] = 0
    assert case.found() == []


def test_known_truth_counts_as_another_s_answer() -> None:
    """A ring of three that has its tasks for itself is found by gold alone."""
    rng = np.random.default_rng(8)
    honest = crowd(8, ())
    truth = rng.integers(0, 4, 120).astype(np.int16)
    said = np.where(rng.random(120) < 0.6, truth, (truth + 1) % 4).astype(np.int16)
    tasks = len(honest.truth) + np.arange(120, dtype=np.int32)
    case = replace(
        honest,
        task=np.r_[honest.task, np.repeat(tasks, 3)],
        worker=np.r_[honest.worker, np.tile(np.arange(100, 103, dtype=np.int32), 120)],
        label=np.r_[honest.label, np.repeat(said, 3)],
    )
    assert case.found() == []
    gold = np.full(len(honest.truth) + 120, -1, np.int16)
    gold[tasks] = truth
    assert of(case.found(gold=gold)) == [[100, 101, 102]]


def test_examples_name_the_tasks() -> None:
    case = crowd(9, (4,))
    ring = np.isin(case.worker, case.rings[0])
    (finding,) = case.found()
    examples = finding.examples
    assert 5 <= len(examples.task) <= 20
    surprise = (examples.together - 1) * np.log(examples.chance)
    assert (np.diff(surprise) >= -1e-12).all()
    for task, label, together in zip(examples.task, examples.label, examples.together, strict=True):
        rows = (case.task == task) & ring
        assert set(case.label[rows].tolist()) == {int(label)}
        assert rows.sum() == together >= 2
    numbers = finding.numbers
    assert numbers["expected_wrong"] < numbers["wrong"] <= numbers["same"]


def test_findings_do_not_depend_on_the_order_of_judgments_or_the_names_of_labels() -> None:
    case = crowd(10, (3, 4))
    order = np.random.default_rng(10).permutation(len(case.task))
    mixed = replace(
        case,
        task=case.task[order],
        worker=case.worker[order],
        label=((case.label + 1) % 4).astype(np.int16)[order],
    )
    one, other = case.found(), mixed.found()
    assert of(one) == of(other) == sets(case.rings)
    for first, second in zip(one, other, strict=True):
        assert first.log_evidence == pytest.approx(second.log_evidence, rel=1e-3)


def test_the_same_judgments_give_the_same_bits() -> None:
    first, second = crowd(11, (5,)).found(), crowd(11, (5,)).found()
    assert [each.log_evidence for each in first] == [each.log_evidence for each in second]


def test_a_sketch_of_few_pairs_still_finds_the_ring() -> None:
    case = crowd(12, (4, 5))
    assert of(case.found(most_pairs=200)) == sets(case.rings)


def test_a_crowd_too_small_to_judge_is_left_alone() -> None:
    for workers in (0, 1, 2):
        task, worker = (i.ravel().astype(np.int32) for i in np.indices((50, workers)))
        case = Case(2, task, worker, (task % 2).astype(np.int16), np.zeros(50, np.int16), [])
        assert case.found() == []
