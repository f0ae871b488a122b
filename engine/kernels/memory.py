"""One handle on all arrays of a model, so that a kernel is called with one argument.

Taking over an array from Python costs a kernel call about a quarter of a microsecond, and a model
has some forty. The handle takes them over once; it must be made anew whenever one of them has
grown or live and shadow tables have changed places.
"""

from typing import TYPE_CHECKING, Any

from numba.core import types as _types
from numba.experimental import structref as _structref

from engine.jit import borrow, kernel

types: Any = _types  # numba's own functions bear no types
structref: Any = _structref

FIELDS = (
    "votes",
    "live",
    "shadow",
    "sweep",
    "progress",
    "task_stamps",
    "worker_stamps",
    "touched_workers",
    "touched_tasks",
)


@structref.register
class MemoryType(_types.StructRef):
    """numba's type of a handle."""

    def preprocess_fields(self, fields: Any) -> Any:
        """Forget literal values: they would make types of their own."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class Memory(_structref.StructRefProxy):
    """Handle on the arrays of a model, none of which it keeps alive."""

    if TYPE_CHECKING:

        def __init__(self, *arrays: Any) -> None: ...


structref.define_proxy(Memory, MemoryType, list(FIELDS))


@kernel
def bind(
    votes: Any,
    live: Any,
    shadow: Any,
    sweep: Any,
    progress: Any,
    task_stamps: Any,
    worker_stamps: Any,
    touched_workers: Any,
    touched_tasks: Any,
) -> Any:
    """A handle on these arrays; the caller keeps them alive."""
    return Memory(
        borrow(votes),
        borrow(live),
        borrow(shadow),
        borrow(sweep),
        progress,
        task_stamps,
        worker_stamps,
        touched_workers,
        touched_tasks,
    )
