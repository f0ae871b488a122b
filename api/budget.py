"""What judgments cost, what a project may spend on them, and what is left of that.

A worker is paid for a task once, by its first judgment of it: a revision costs nothing, and what is
voided later was paid. The price is the one in force when the task was leased, which keeps it for
the worker, or, without a lease, when it was judged. All of this follows from the log. Money is in
whole units of the project's own choice, so that nothing is rounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from api.policy import KNOBS, Policy
from db.log import Judgments

PRICE: Final = "price"  # in the attributes of a worker whose judgments cost more or less
UNLIMITED: Final = 1 << 30  # judgments: more than any call asks for
LEASES_END: Final = 1.0  # seconds: a lease can give back at any time what it reserves
_DAY: Final = 86_400  # seconds; UTC has no others that a clock shows


class Cost(NamedTuple):
    """Judgments, and the money they cost."""

    judgments: int = 0
    money: int = 0

    def plus(self, other: "Cost") -> "Cost":
        """Both together."""
        return Cost(self.judgments + other.judgments, self.money + other.money)


NOTHING_PAID: Final = Cost()


def day_of(at: datetime) -> int:
    """The UTC day of a moment: days since 1970-01-01."""
    return int(at.timestamp() // _DAY)


def price_of(policy: Policy, *, is_model: bool) -> int:
    """What the next judgment costs of a person, or of a model, that has no price of its own."""
    return policy.model_price if is_model else policy.price


def usual_price(policy: Policy, *, people: bool) -> int:
    """What the judgments cost that tasks wait for: those of people, unless models count and there
    are no people."""
    return price_of(policy, is_model=policy.models_count and not people)


def own_price(attributes: Mapping[str, Any]) -> int | None:
    """The price that attributes declare of a worker, if any. Raises ValueError where it is none."""
    price = attributes.get(PRICE)
    if price is None:
        return None
    if type(price) is not int or not 0 <= price <= KNOBS["price"].metadata["high"]:
        raise ValueError(PRICE)
    return price


class Ledger:
    """What was paid, by UTC day. Committed facts only."""

    def __init__(self) -> None:
        self.total = NOTHING_PAID
        self._days: dict[int, Cost] = {}

    def pay(self, day: int, cost: Cost) -> None:
        """Enter what was paid on a day, if anything."""
        if cost == NOTHING_PAID:
            return
        self.total = self.total.plus(cost)
        self._days[day] = self.on(day).plus(cost)

    def on(self, day: int) -> Cost:
        """What was paid on a day."""
        return self._days.get(day, NOTHING_PAID)

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """The days and what was paid on each, int64[n]."""
        rows = [(day, *cost) for day, cost in sorted(self._days.items())]
        table = np.array(rows, np.int64).reshape(-1, 3)
        return {"day": table[:, 0], "judgments": table[:, 1], "money": table[:, 2]}

    def recall(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `columns` gave."""
        rows = zip(*(columns[name].tolist() for name in ("day", "judgments", "money")), strict=True)
        for day, judgments, money in rows:
            self.pay(day, Cost(judgments, money))


class Bill:
    """What the judgments of a flush cost that is not committed. New rows are counted when it is
    asked, each once: most flushes never ask."""

    def __init__(self) -> None:
        self._cost = NOTHING_PAID
        self._counted = 0

    def of(self, judgments: Judgments) -> Cost:
        """What all rows cost; there may be more of them than the last time."""
        self._cost = self._cost.plus(cost_of(judgments, self._counted))
        self._counted = len(judgments.seq)
        return self._cost


def cost_of(judgments: Judgments, start: int = 0) -> Cost:
    """What rows of the log cost, from one of them on."""
    prices = judgments.price[start:]
    money = 0 if prices.count(None) == len(prices) else sum(price or 0 for price in prices)
    return Cost(judgments.supersedes[start:].count(None), money)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be spent of judgments or of money (limit None: without end), what is spent, and what
    open leases reserve."""

    limit: int | None
    spent: int
    reserved: int

    @property
    def left(self) -> int | None:
        """What can still be promised; None without a limit. Never below 0: a limit may be lowered
        below what is spent."""
        return None if self.limit is None else max(self.limit - self.spent - self.reserved, 0)


@dataclass(frozen=True, slots=True)
class Budget:
    """Allowances of judgments and of money: of the project, and of a UTC day. Open leases are
    reserved in that of the day it is, whenever they were granted."""

    judgments: Allowance
    money: Allowance
    judgments_today: Allowance
    money_today: Allowance

    @classmethod
    def of(cls, policy: Policy, paid: Cost, today: Cost, reserved: Cost) -> Self:
        """The budget under a policy."""
        return cls(
            Allowance(policy.judgment_budget, paid.judgments, reserved.judgments),
            Allowance(policy.money_budget, paid.money, reserved.money),
            Allowance(policy.daily_judgments, today.judgments, reserved.judgments),
            Allowance(policy.daily_money, today.money, reserved.money),
        )

    def affords(self, price: int) -> int:
        """How many judgments at this price can still be promised, UNLIMITED at most."""
        ever = _fitting(self.judgments, self.money, price)
        return min(ever, _fitting(self.judgments_today, self.money_today, price))

    def retry_after(self, price: int, at: datetime) -> float | None:
        """Seconds until a judgment may be affordable that is not now; None: not by waiting."""
        if not _fitting(_released(self.judgments), _released(self.money), price):
            return None
        if not _fitting(_released(self.judgments_today), _released(self.money_today), price):
            return _DAY - at.timestamp() % _DAY
        return LEASES_END


def _fitting(judgments: Allowance, money: Allowance, price: int) -> int:
    fitting = UNLIMITED if judgments.left is None else judgments.left
    if price and money.left is not None:
        fitting = min(fitting, money.left // price)
    return fitting


def _released(allowance: Allowance) -> Allowance:
    return replace(allowance, reserved=0)
