"""What a form of the confusion matrices must offer; event loop and refit are written over these.

A form is known by the type of its tables. numba picks the implementation when it compiles, so the
choice costs nothing at run time.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.core import types
from numba.extending import overload

from engine.jit import OPTIONS, kernel

# Columns of `people`, a row a worker.
HITS, LEARNED, JUDGED, AGREED, GOLD_RIGHT, GOLD_TOTAL = range(6)
PEOPLE = 6
# Places in `totals`: the sums of those columns, then tasks with judgments, the sum of their
# confidence, and (many labels) of the probability of labels that nobody gave.
TASKS, CONFIDENCE, RESTS = PEOPLE, PEOPLE + 1, PEOPLE + 2
TOTALS = PEOPLE + 3
# Rows of `classes`: sum of the tasks' vote shares, sum of their posteriors.
SHARES, SOFT = 0, 1

ABILITY_STRENGTH = 10.0  # answers that the population's accuracy counts for (lambda)
ROW_STRENGTH = 2.0  # answers that a worker's own accuracy counts for in a row (s)
COMMON = 0.7  # prior probability that a task was answered by ability alone, without own habits
START_RIGHT, START_ANSWERS = 8.0, 10.0  # the population's accuracy before anything is known
CONCLUSION = 2  # the last pass of a refit also folds: it costs as much as so many others
LEAST_MISS = 1e-6  # least probability of an error in a refit: single precision would make it 0
RESCALE = 16  # factors below 1 multiplied before a product is brought back to 1


@kernel
def population_accuracy(totals: npt.NDArray[np.float64]) -> float:
    """Expected share of right answers over all workers (a)."""
    return (totals[HITS] + START_RIGHT) / (totals[LEARNED] + START_ANSWERS)  # type: ignore[no-any-return]


def _absent(*_: Any) -> Any:
    raise TypeError("a form's functions run only inside kernels")


def fold(votes: Any, tables: Any, task: int, end: int, sign: float, tallied: int) -> None:
    """Add (sign 1) the posteriors of tasks from `task` until `end` to their workers' counts, or
    take them out again (sign -1). Of workers from `tallied` on, what `tally` sums is left out."""
    _absent(votes, tables, task, end, sign, tallied)


def tally(tables: Any, worker: int) -> None:
    """Make the sums over a worker's counts that `fold` left out."""
    _absent(tables, worker)


def estimate(votes: Any, tables: Any, task: int) -> None:
    """Compute a task's posterior from the counts in the same tables."""
    _absent(votes, tables, task)


def share(votes: Any, sweep: Any, task: int, end: int, budget: int) -> tuple[int, int]:
    """Add vote shares to a refit's sums, its start: tasks from `task` until `end`, or until
    `budget` judgments are spent. Returns (next task, what is left of the budget)."""
    _absent(votes, sweep, task, end, budget)
    return task, budget


def expect(
    votes: Any, sweep: Any, tables: Any, task: int, end: int, budget: int, last: bool
) -> tuple[int, int]:
    """Like `share`, with posteriors from the sweep's parameters. In the last pass they are stored
    in the tables instead of added to the sums."""
    _absent(votes, sweep, tables, task, end, budget, last)
    return task, budget


def survey(sweep: Any, worker: int) -> None:
    """Add a worker's sums to the population's."""
    _absent(sweep, worker)


def settle_population(sweep: Any) -> None:
    """Make the population's parameters from its sums."""
    _absent(sweep)


def maximise(sweep: Any, tables: Any, worker: int) -> None:
    """Make a worker's parameters from its sums, and clear those and its row of the tables."""
    _absent(sweep, tables, worker)


def admit(sweep: Any, worker: int) -> None:
    """Give a worker who came during a sweep the population's parameters."""
    _absent(sweep, worker)


def answers(tables: Any, worker: int, laid_out: Any) -> None:
    """Lay out the probabilities of a worker's answers in both forms, [2, answered, true], if the
    form of the tables is one that keeps them all."""
    _absent(tables, worker, laid_out)


def fresh(tables: Any, worker: int, laid_out: Any) -> float:
    """What the worker's answer would tell of a task that nobody has judged, in nats."""
    _absent(tables, worker, laid_out)
    return 0.0


def gain(votes: Any, tables: Any, task: int, worker: int, laid_out: Any) -> float:
    """What the worker's answer would tell of a task that has judgments, in nats."""
    _absent(votes, tables, task, worker, laid_out)
    return 0.0


def top(votes: Any, tables: Any, task: int) -> tuple[int, float]:
    """The most probable label, the lower one of equals, and its probability, of a task that has
    judgments or gold."""
    _absent(votes, tables, task)
    return 0, 0.0


Implementation = Callable[..., Any]


def implement(
    function: Implementation, form: type, place: int, *, apart: bool = False
) -> Callable[[Implementation], None]:
    """Register a form's version of a function; `place`: which argument's type tells the form.

    A function that stands `apart` is not inlined: its loops need the registers for themselves.
    """
    options: Any = {**OPTIONS, "forceinline": not apart}

    def register(implementation: Implementation) -> None:
        def choose(*arguments: Any) -> Implementation | None:
            kind = arguments[place]
            ours = isinstance(kind, types.NamedTuple) and kind.instance_class is form
            return implementation if ours else None

        overload(function, jit_options=options, strict=False)(choose)

    return register
