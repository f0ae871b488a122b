"""Where learning a calibration begins: `engine.calibration.PRIOR`, from crowds of known truth.

A hierarchical model. Each crowd has parameters, normal about what its traits let expect; labels are
right as they say. Its crowds are of all kinds, each with several numbers of judgments a task, with
gold and without. How good it is for other kinds is told by each kind with what the others teach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine import Categorical
from engine.calibrating import learn, traits
from engine.calibration import PRIOR, Prior
from engine.kernels.calibration import PARAMETERS, look
from engine.trust import Evidence, Sample
from scripts.benchmarks.calibration_found import GOAL, GOLD, expected
from scripts.benchmarks.crowd_makes import Plan
from scripts.benchmarks.crowds import PLANS, simulate
from scripts.benchmarks.report import Cell, Figure, Report

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FIRST_SEED: Final = 100  # other crowds than those that errors are measured on
DEPTHS: Final = (2, 3, 5, 8)  # judgments a task; of one alone no judgment can be held out
START: Final = np.array([0.0, 0.6, 0.2])  # what few tasks, all right, are drawn to a little
WEIGHT: Final = 0.05 * np.eye(PARAMETERS)
STEPS, ROUNDS = 30, 60  # of Newton's method, of expectation and maximisation
LONGEST: Final = 1.0  # step


class Case(NamedTuple):
    """A crowd, and what is believed of its tasks that are not gold."""

    evidence: Evidence
    belief: Floats
    judgments: npt.NDArray[np.int32]
    right: Bools


class Taught(NamedTuple):
    """What a case teaches: its traits, and the log-likelihood of its parameters about its peak,
    pull @ parameters - parameters @ bend @ parameters / 2."""

    traits: Floats
    bend: Floats
    pull: Floats


def fit(report: Report, seeds: int, only: Sequence[str] | None) -> None:
    """Add the constants as they come out, beside those in force, and the errors they lead to."""
    names = [name for name in PLANS if not only or name in only]
    taught: dict[str, list[Taught]] = {name: [] for name in names}
    tested: dict[str, list[tuple[Case, Case]]] = {name: [] for name in names}
    with report.progress() as progress:
        doing = progress.add_task("", total=len(names) * seeds * (len(DEPTHS) + 1))
        for name in names:
            progress.update(doing, description=name)
            for seed in range(seeds):
                for depth in DEPTHS:
                    plan = replace(PLANS[name], overlap=depth)
                    taught[name] += map(_taught, _cases(plan, FIRST_SEED + seed))
                    progress.advance(doing)
                without, with_gold = _cases(PLANS[name], seed)
                tested[name].append((without, with_gold))
                progress.advance(doing)
    found = prior([each for name in names for each in taught[name]])
    _constants(report, found)
    if len(names) > 1:
        _errors(report, taught, tested, found)


def prior(taught: Sequence[Taught]) -> Prior:
    """The most probable one, by expectation and maximisation."""
    known = np.array([each.traits for each in taught])
    bends, pulls = (
        np.array([each.bend for each in taught]),
        np.array([each.pull for each in taught]),
    )
    start = np.zeros((known.shape[1], PARAMETERS))
    start[0], spread = START, np.eye(PARAMETERS)
    for _ in range(ROUNDS):
        precision = np.linalg.inv(spread)
        unsure = np.linalg.inv(bends + precision)
        likely = np.einsum("nij,nj->ni", unsure, pulls + known @ start @ precision)
        start = np.linalg.lstsq(known, likely, rcond=None)[0]
        left = likely - known @ start
        spread = (left.T @ left + unsure.sum(0)) / len(taught)
    return Prior(start, spread)


def _cases(plan: Plan, seed: int) -> Iterator[Case]:
    """A crowd without gold and with it."""
    crowd = simulate(plan, seed)
    gold = crowd.gold(GOLD)
    tasks = np.flatnonzero(gold < 0).astype(np.int32)
    for shown in (None, gold):
        model = Categorical.fit(crowd.task, crowd.worker, crowd.label, crowd.labels, shown)
        now = model.beliefs(tasks)
        right = now.label == crowd.truth[tasks]
        yield Case(Sample.of(model).examine(), now.confidence, now.judgments, right)


def _taught(case: Case) -> Taught:
    columns = np.empty((len(case.right), PARAMETERS))
    look(case.belief, case.judgments, case.evidence.labels, columns)
    peak = START.copy()
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-columns @ peak))
        bend = (columns * (chance * (1 - chance))[:, None]).T @ columns
        slope = columns.T @ (case.right - chance) - WEIGHT @ (peak - START)
        step = np.linalg.solve(bend + WEIGHT, slope)
        peak += step * min(1.0, LONGEST / max(float(np.abs(step).max()), 1e-12))
    return Taught(traits(case.evidence), bend, bend @ peak - WEIGHT @ (START - peak))


def _constants(report: Report, found: Prior) -> None:
    rows: list[Sequence[Cell]] = []
    for part, new, old in zip(Prior._fields, found, PRIOR, strict=True):
        for place, (each, other) in enumerate(zip(new, old, strict=True)):
            rows.append([f"{part}, row {place}", _numbers(each), _numbers(other)])
    report.table("Constants: base, gain, toll", ["", "fitted", "in force"], rows)


def _errors(
    report: Report,
    taught: dict[str, list[Taught]],
    tested: dict[str, list[tuple[Case, Case]]],
    found: Prior,
) -> None:
    rows: list[Sequence[Cell]] = []
    for name, pairs in tested.items():
        others = prior([each for kind, some in taught.items() if kind != name for each in some])
        row = [_error(pairs, place, each) for place in (0, 1) for each in (others, found)]
        rows.append([name, *row])
    means = np.array([row[1:] for row in rows], np.float64).mean(0)
    rows.append(["mean", *means.tolist()])
    ways = [f"{way}\n{who}" for way in ("no gold", "5 % gold") for who in ("other kinds", "all")]
    report.table("Expected calibration error, by which kinds taught", ["", *ways], rows)
    what = "expected calibration error on crowds of a kind left out, 5 % gold, mean"
    report.add(Figure(what, 100 * float(means[2]), "% off", goal=100 * GOAL))


def _error(pairs: Sequence[tuple[Case, Case]], place: int, begun: Prior) -> float:
    errors = []
    for pair in pairs:
        case = pair[place]
        learned = learn(case.evidence, begun)
        sure = learned.confidence(case.belief, case.judgments, case.evidence.labels)
        errors.append(expected(sure, case.right))
    return float(np.mean(errors))


def _numbers(row: Floats) -> str:
    return ", ".join(f"{each:.3f}" for each in row)
