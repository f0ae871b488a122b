"""What the subscribers of a feed have in common, read once for all of them.

A thousand subscribers who are up to date get the same change in the same moment. Each reading it
for itself would be a thousand statements; shared it is one. They also get the same object, so that
what is made of it can be shared by its identity.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

KEPT = 64  # readings; a few for each project that is being watched
FRESH = 0.01  # seconds that a glance lasts

T = TypeVar("T")


class _Reading(NamedTuple):
    subject: object
    task: "asyncio.Future[Any]"
    done: asyncio.Event


class Readings:
    """The latest readings, by what was read and of which change."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _Reading] = OrderedDict()
        self._glances: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    async def share(self, key: Hashable, subject: object, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` gives, from the first who asks for the same key and the same subject.

        The subject is told by its identity. A reading that fails is not kept.
        """
        key = (key, id(subject))
        known = self._known.get(key)
        if known is None or known.subject is not subject:
            known = _Reading(subject, asyncio.ensure_future(read()), asyncio.Event())
            self._known[key] = known
            known.task.add_done_callback(lambda task: self._end(key, task, known.done))
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        # One subscriber who leaves must not take the reading from the others. They wait for an
        # event: a task that is shielded by a thousand takes a million steps to let them go.
        await known.done.wait()
        result: T = known.task.result()
        return result

    def glance(self, key: Hashable, look: Callable[[], T]) -> T:
        """Return what `look` gives, or gave to somebody else a moment ago."""
        now = asyncio.get_running_loop().time()
        seen = self._glances.get(key)
        if seen is None or now - seen[0] > FRESH:
            seen = now, look()
            self._glances[key] = seen
            self._glances.move_to_end(key)
            if len(self._glances) > KEPT:
                self._glances.popitem(last=False)
        result: T = seen[1]
        return result

    def _end(self, key: Hashable, task: "asyncio.Future[Any]", done: asyncio.Event) -> None:
        done.set()
        known = self._known.get(key)
        if known is not None and known.task is task and (task.cancelled() or task.exception()):
            del self._known[key]
