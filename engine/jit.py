"""How kernels are compiled: one float policy, one cache, one decorator."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import cgutils, config, types
from numba.extending import intrinsic
from platformdirs import user_cache_path

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

# Sums may be reassociated and multiply-adds contracted; NaN and infinity keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz", "arcp"}
# Helpers are inlined: to pass some forty arrays to each took longer than what it did with them.
OPTIONS: Any = {
    "fastmath": FASTMATH,
    "error_model": "numpy",
    "nogil": True,
    "forceinline": True,
    # Nothing outside calls them as C functions, and what takes forty arrays takes long to compile.
    "no_cfunc_wrapper": True,
}

A_WEEK = 7 * 24 * 3600  # seconds


def _compiled(function: Kernel, **more: bool) -> Kernel:
    options: Any = {**OPTIONS, **more}
    compiled: Any = numba.njit(cache=True, **options)(function)
    return cast("Kernel", compiled)


def kernel(function: Kernel) -> Kernel:
    """Compile `function` on first call and keep the machine code on disk."""
    return _compiled(function)


def part(function: Kernel) -> Kernel:
    """Compile a part of kernels, which only they can call: not Python."""
    return _compiled(function, no_cpython_wrapper=True)


def bare(function: Kernel) -> Kernel:
    """Compile a part of kernels that makes no arrays, without counting references to those it is
    given. Where they are counted, to take an array out of a tuple costs more than a short loop.
    """
    return _compiled(function, no_cpython_wrapper=True, _nrt=False)


def _borrow(typing_context: Any, arrays: Any) -> Any:
    """The same named tuple, its arrays without their reference counts.

    The caller of a kernel keeps its arrays alive as long as the kernel runs, so counting references
    inside is wasted: atomic increments at each call of a helper doubled the cost of a judgment.
    """
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        null: Any = cgutils.get_null_value
        bare = args[0]
        for place, array in enumerate(signature.return_type):
            if not isinstance(array, types.Array):
                continue
            view = context.make_array(array)(context, builder, builder.extract_value(bare, place))
            view.meminfo = null(view.meminfo.type)
            view.parent = null(view.parent.type)
            bare = builder.insert_value(bare, view._getvalue(), place)  # noqa: SLF001 - numba's way
        return bare

    return arrays(arrays), generate


borrow = cast("Callable[[Any], Any]", intrinsic(_borrow))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cache_folders(here: Path) -> Iterator[Path]:
    """Where machine code may be kept, best first."""
    if config.CACHE_DIR:  # type: ignore[attr-defined] # numba makes it at run time
        yield Path(config.CACHE_DIR)  # type: ignore[attr-defined]
    yield here / "__pycache__"
    yield user_cache_path("basanite")
    yield Path(tempfile.gettempdir()) / f"basanite-{os.getuid() if os.name == 'posix' else 'cache'}"


def _keep_machine_code() -> Path | None:
    """Give this state of the kernels' source a cache of its own; old ones beside it are deleted.

    numba looks only at the file of the function it loads, not at those it calls, so that by itself
    it would run old machine code after a change. Where no folder can be written to, kernels are
    compiled anew in each process.
    """
    here = Path(__file__).parent
    sources = sorted([*here.glob("kernels/*.py"), Path(__file__)])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    for folder in _cache_folders(here):
        ours = folder / f"kernels-{digest}"
        if _writable(ours):
            for other in folder.glob("kernels-*"):
                if ours.stat().st_mtime - other.stat().st_mtime > A_WEEK:
                    shutil.rmtree(other, ignore_errors=True)
            config.CACHE_DIR = str(ours)  # type: ignore[attr-defined]
            return ours
    return None


CACHE = _keep_machine_code()
