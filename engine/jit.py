"""How kernels are compiled: one float policy, one cache, one decorator."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import cgutils, config
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

# Sums may be reassociated and multiply-adds contracted; NaN and infinity keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz", "arcp"}
OPTIONS: Any = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}


def kernel(function: Kernel) -> Kernel:
    """Compile `function` on first call and keep the machine code on disk."""
    compiled: Any = numba.njit(cache=True, **OPTIONS)(function)
    return cast("Kernel", compiled)


@intrinsic  # type: ignore[untyped-decorator,unused-ignore]
def borrow(typing_context: Any, arrays: Any) -> Any:
    """The same arrays (a named tuple of them) without their reference counts.

    The caller of a kernel keeps its arrays alive as long as the kernel runs, so counting references
    inside is wasted: atomic increments at each call of a helper doubled the cost of a judgment.
    """
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bare = args[0]
        for place, array in enumerate(signature.return_type):
            view = context.make_array(array)(context, builder, builder.extract_value(bare, place))
            view.meminfo = cgutils.get_null_value(view.meminfo.type)
            view.parent = cgutils.get_null_value(view.parent.type)
            bare = builder.insert_value(bare, view._getvalue(), place)
        return bare

    return arrays(arrays), generate


def keep_machine_code(folder: Path) -> Path:
    """Keep compiled kernels in `folder`; call it before the first kernel is defined.

    numba looks only at the file of the function it loads, not at those it calls, so each state of
    the kernels' source gets a folder of its own, and those of other states are deleted.
    """
    here = Path(__file__).parent
    sources = sorted([*here.glob("kernels/*.py"), *here.glob("*.py")])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    ours = folder / f"kernels-{digest}"
    for other in folder.glob("kernels-*"):
        if other != ours:
            shutil.rmtree(other, ignore_errors=True)
    ours.mkdir(parents=True, exist_ok=True)
    settings: Any = config
    settings.CACHE_DIR = str(ours)
    return ours
