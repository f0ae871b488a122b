"""Workers who count as one voice: on a task that several of them judged, one judgment counts.

A judgment counts if no decision holds it back: a void, or a join. A join mutes: of a group's
judgments of a task it holds back all but one, and so it does with those that come later, as long as
the one counts. Both are rows of the log, and each decision gives back what it holds, and no more.
"""

from collections.abc import Iterable
from typing import NamedTuple

from api.codes import Code
from api.errors import Refused


class AlreadyJoined(Refused):
    """Workers who are to be joined are one group already."""

    code = Code.ALREADY_JOINED

    def __init__(self, decision: int) -> None:
        super().__init__(decision=decision)


class NotJoined(Refused):
    """A worker who is to be split from others is joined with nobody."""

    code = Code.NOT_JOINED


class Group(NamedTuple):
    """Workers who count as one (dense ids, in order), and the decisions that joined them, the last
    one last: what is muted from now on is held back by that."""

    members: tuple[int, ...]
    decisions: tuple[int, ...]


class Voices:
    """The groups of a project, by worker. False while there is none."""

    def __init__(self) -> None:
        self._groups: dict[int, Group] = {}
        self._dissolved: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._groups)

    def group(self, worker: int) -> Group | None:
        """The group that a worker belongs to."""
        return self._groups.get(worker)

    def groups(self) -> set[Group]:
        """All groups."""
        return set(self._groups.values())

    def mates(self, worker: int) -> tuple[int, ...]:
        """The other members of a worker's group."""
        group = self._groups.get(worker)
        return tuple(mate for mate in group.members if mate != worker) if group else ()

    def together(self, workers: Iterable[int]) -> Group | None:
        """The group that all these workers belong to, if they all do."""
        found = {self._groups.get(worker) for worker in workers}
        return found.pop() if len(found) == 1 else None

    def all_of(self, workers: Iterable[int]) -> tuple[int, ...]:
        """These workers, and whoever they are joined with."""
        found = {member for worker in workers for member in self.mates(worker)}
        return tuple(sorted(found | set(workers)))

    @property
    def decisions(self) -> tuple[int, ...]:
        """The decisions that mute."""
        return tuple({seq for group in self.groups() for seq in group.decisions})

    @property
    def dissolved(self) -> tuple[int, ...]:
        """The decisions that mute no more; what they hold back is to be given back."""
        return tuple(self._dissolved)

    def join(self, workers: Iterable[int], decision: int) -> tuple[int, ...]:
        """Let workers, and whoever they are joined with already, be one group; return it all."""
        members = self.all_of(workers)
        earlier = {seq for each in members if (was := self.group(each)) for seq in was.decisions}
        group = Group(members, (*sorted(earlier), decision))
        self._groups |= dict.fromkeys(members, group)
        return group.members

    def split(self, workers: Iterable[int]) -> tuple[int, ...]:
        """Dissolve the groups of these workers; return all who were in them."""
        found = {group for worker in workers if (group := self._groups.get(worker))}
        members = tuple(sorted(member for group in found for member in group.members))
        for member in members:
            del self._groups[member]
        self._dissolved.update(seq for group in found for seq in group.decisions)
        return members

    def restored(self) -> None:
        """Nothing is left that dissolved groups hold back."""
        self._dissolved.clear()
