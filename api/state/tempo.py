"""How many judgments a project takes a second."""

from collections import deque
from typing import Final

RATE_SECONDS: Final = 10.0
_STEP: Final = 0.1  # seconds whose judgments are counted together


class Tempo:
    """Judgments of the last seconds. It is no part of the log: a restart forgets it."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque()  # (step of time, judgments)

    def count(self, judgments: int, at: float) -> None:
        """Note how many judgments came at a time (seconds)."""
        step = int(at / _STEP)
        if self._recent and self._recent[-1][0] == step:
            judgments += self._recent.pop()[1]
        self._recent.append((step, judgments))
        while self._recent[0][0] <= step - RATE_SECONDS / _STEP:
            self._recent.popleft()

    def per_second(self, at: float) -> float:
        """Judgments a second, over the last ten."""
        since = int(at / _STEP) - RATE_SECONDS / _STEP
        return sum(count for step, count in self._recent if step > since) / RATE_SECONDS
