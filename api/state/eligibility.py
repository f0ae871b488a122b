"""Who may have which task: the skills and languages that tasks ask for, and workers have.

Both are lists of names under reserved keys of the attributes of tasks and of workers. A worker may
have a task if it has everything that the task asks for. Beside them is a worker's own price.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from api.budget import own_price
from api.rows import Int32s

SKILLS: Final = "skills"
LANGUAGES: Final = "languages"
MOST_DEMANDS: Final = 1_000  # different ones in a project
MOST_NAMES: Final = 50  # of one task or worker

NOTHING: Final[frozenset[str]] = frozenset()


def names_in(attributes: Mapping[str, Any]) -> frozenset[str] | None:
    """The skills and languages in attributes, told apart by their key; None if they are no lists of
    names, or too long."""
    if SKILLS not in attributes and LANGUAGES not in attributes:
        return NOTHING
    found = set[str]()
    for key in (SKILLS, LANGUAGES):
        names = attributes.get(key, [])
        if not isinstance(names, list) or len(names) > MOST_NAMES:
            return None
        if not all(isinstance(name, str) and name for name in names):
            return None
        found.update(f"{key}:{name}" for name in names)
    return frozenset(found)


class Eligibility:
    """What tasks ask for, what workers can, and which cohorts they are of. Committed facts only.

    Each different set of demands has a number, 0 for none, by which the queue groups tasks.
    """

    def __init__(self) -> None:
        self._demands: dict[frozenset[str], int] = {NOTHING: 0}
        self._asked: dict[int, int] = {}  # the demand of tasks that have one
        self._able: dict[int, frozenset[str]] = {}
        self._declared: dict[int, Mapping[str, Any]] = {}  # attributes of workers who have some
        self.prices: dict[int, int] = {}  # what judgments cost of workers with a price of their own
        self._met: dict[frozenset[str], frozenset[int]] = {}

    def demand(self, attributes: Mapping[str, Any]) -> int:
        """The number of what these attributes of a task ask for; a new one if need be. Names that
        are no names ask for nothing: they were refused, or are older than the rule."""
        asked = names_in(attributes) or NOTHING
        number = self._demands.get(asked)
        if number is None:
            number = self._demands[asked] = len(self._demands)
            self._met.clear()
        return number

    @property
    def demands(self) -> Collection[frozenset[str]]:
        """All the different ones."""
        return self._demands.keys()

    def ask(self, tasks: Int32s, demands: Int32s) -> None:
        """Take note of what new tasks ask for."""
        some = demands > 0
        self._asked.update(zip(tasks[some].tolist(), demands[some].tolist(), strict=True))

    def declare(self, worker: int, attributes: Mapping[str, Any]) -> None:
        """Take note of the attributes of a worker."""
        self._declared[worker] = attributes
        self._able[worker] = names_in(attributes) or NOTHING
        self.prices.pop(worker, None)
        with suppress(ValueError):  # no price: it is older than the rule
            price = own_price(attributes)
            if price is not None:
                self.prices[worker] = price

    def met_by(self, worker: int) -> frozenset[int] | None:
        """The numbers of the demands that a worker meets; None: there are none in the project."""
        if len(self._demands) == 1:
            return None
        able = self._able.get(worker, NOTHING)
        met = self._met.get(able)
        if met is None:
            numbers = self._demands.items()
            met = self._met[able] = frozenset(number for asked, number in numbers if asked <= able)
        return met

    def may(self, worker: int, task: int) -> bool:
        """Whether the worker meets what the task asks for."""
        asked = self._asked.get(task, 0)
        met = self.met_by(worker)
        return met is None or asked in met

    def cohort(self, worker: int, attribute: str) -> object:
        """The worker's value of an attribute; None where it has none."""
        return self._declared.get(worker, {}).get(attribute)
