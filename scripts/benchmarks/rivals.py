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
    from sklearn.base import BaseEstimator

    # scikit-learn from 1.7 on asks every estimator for tags, which Wawa and GLAD of crowd-kit 1.4
    # cannot give by themselves.
    class TaggedWawa(Wawa, BaseEstimator):  # type: ignore[misc]
        pass

    class TaggedGlad(GLAD, BaseEstimator):  # type: ignore[misc]
        pass

    methods: list[tuple[str, Callable[[], Any]]] = [
        (DAWID_SKENE, DawidSkene),
        ("OneCoin", OneCoinDawidSkene),
        ("Wawa", TaggedWawa),
    ]
    if slow:
        methods += [
            ("GLAD", lambda: TaggedGlad(silent=True)),
            ("MACE", lambda: MACE(random_state=0)),
        ]
    return [Rival(name, _scorer(method)) for name, method in methods]


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
