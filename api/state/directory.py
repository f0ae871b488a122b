"""Outside ids and the dense ones behind them; it holds committed ids only, which never change."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, repeat
from typing import Any, Final

import numpy as np

from api.rows import Int32s

LONGEST_ID: Final = 500  # characters; PostgreSQL's index rows hold 2,704 bytes


class Directory:
    """External ids of tasks or of workers, in the order of their dense ids."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._ids: dict[str | None, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def append(self, names: Sequence[str]) -> None:
        """Give the next dense ids to names that are new."""
        self._ids.update(zip(names, count(len(self._names)), strict=False))
        self._names.extend(names)

    def get(self, name: str) -> int | None:
        """Return the dense id of a name."""
        return self._ids.get(name)

    def find(self, names: Sequence[str | None]) -> Int32s:
        """Return the dense ids of names, -1 where there is none; None is nobody's name."""
        return np.fromiter(map(self._ids.get, names, repeat(-1)), np.int32, len(names))

    def names(self, ids: Int32s) -> list[str]:
        """Return the names of dense ids, which must exist."""
        names = self._names
        return [names[index] for index in ids.tolist()]


def storable(text: str) -> bool:
    """Whether PostgreSQL can store this text as an id."""
    if not 0 < len(text) <= LONGEST_ID:
        return False
    # isascii is free; only others can have lone surrogates.
    return "\0" not in text and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))


@dataclass(slots=True)
class NewNames:
    """New tasks or workers of a flush: their dense ids by name, and columns with the rest."""

    first: int
    columns: tuple[list[Any], ...]
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[list[Any], ...]:
        """All columns, the names first."""
        return list(self.ids), *self.columns

    def find_or_add(self, directory: Directory, name: str, *values: object) -> tuple[int, bool]:
        """Return the id of a name, and whether it is new."""
        known = directory.get(name)
        if known is None:
            known = self.ids.get(name)
        if known is not None:
            return known, False
        self.ids[name] = index = self.first + len(self.ids)
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)
        return index, True
