"""What we are measured against: majority vote, and crowd-kit where it is installed."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scripts.benchmarks.datasets import DataSet

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

INSTALL: Final = "crowd-kit is not installed: pip install '.[bench]'"
DAWID_SKENE: Final = "DawidSkene"
WAWA: Final = "Wawa"


@dataclass(frozen=True)
class Rival:
    """A method; `scores` gives float64[tasks, labels], the highest of a task is its answer."""

    name: str
    scores: Callable[[DataSet], Floats]


def vote_shares(data: DataSet) -> Floats:
    """Majority vote."""
    votes = np.zeros((len(data.gold), data.labels))
    np.add.at(votes, (data.task, data.label), 1.0)
    shares: Floats = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    return shares


def has_crowd_kit() -> bool:
    """Whether crowd-kit is installed."""
    return find_spec("crowdkit") is not None


def crowd_kit(*, slow: bool) -> list[Rival]:
    """The methods of crowd-kit with their defaults; GLAD and MACE only if `slow`."""
    from crowdkit.aggregation import GLAD, MACE, DawidSkene, OneCoinDawidSkene, Wawa

    methods: list[tuple[str, Callable[[], Any]]] = [
        (DAWID_SKENE, DawidSkene),
        ("OneCoin", OneCoinDawidSkene),
        (WAWA, _tagged(Wawa)),
    ]
    if slow:
        methods += [
            ("GLAD", lambda: _tagged(GLAD)(silent=True)),
            ("MACE", lambda: MACE(random_state=0)),
        ]
    return [Rival(name, _scorer(method)) for name, method in methods]


def skills() -> dict[str, Callable[[DataSet], Floats]]:
    """What methods of crowd-kit say of workers, float64[workers], the higher the better."""
    return {WAWA: _wawa_skills, DAWID_SKENE: _dawid_skene_skills}


def _wawa_skills(data: DataSet) -> Floats:
    """The share of a worker's answers that the weighted vote has."""
    from crowdkit.aggregation import Wawa

    found = _tagged(Wawa)().fit(frame(data.task, data.worker, data.label)).skills_
    everyone = np.arange(int(data.worker.max()) + 1)
    skill: Floats = found.reindex(everyone, fill_value=0.0).to_numpy(np.float64)
    return skill


def _dawid_skene_skills(data: DataSet) -> Floats:
    """The probability of a right answer, by a worker's confusion matrix and the class prior."""
    from crowdkit.aggregation import DawidSkene

    model = DawidSkene().fit(frame(data.task, data.worker, data.label))
    priors, errors = model.priors_, model.errors_
    skill = np.zeros(int(data.worker.max()) + 1)
    for label in priors.index.intersection(errors.columns):
        # Rows: worker and observed label; columns: true label.
        right = errors[label].xs(label, level="label")
        skill[right.index.to_numpy()] += priors[label] * right.to_numpy()
    return skill


def _tagged(method: Any) -> Any:
    """A method that scikit-learn takes: from 1.7 on it asks every estimator for tags, which Wawa
    and GLAD of crowd-kit 1.4 cannot give by themselves."""
    from sklearn.base import BaseEstimator

    return type(method.__name__, (method, BaseEstimator), {})


def frame(task: Ints, worker: Ints, label: npt.NDArray[np.int16]) -> Any:
    """Judgments as crowd-kit takes them."""
    import pandas as pd

    return pd.DataFrame({"task": task, "worker": worker, "label": label})


def _scorer(method: Callable[[], Any]) -> Callable[[DataSet], Floats]:
    def scores(data: DataSet) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are crowd-kit's own affair
            found = method().fit_predict_proba(frame(data.task, data.worker, data.label))
        probabilities = np.zeros((len(data.gold), data.labels))
        rows = found.index.to_numpy().astype(np.int64)
        columns = found.columns.to_numpy().astype(np.int64)
        probabilities[np.ix_(rows, columns)] = found.to_numpy()
        return probabilities

    return scores
