"""Peak memory of a batch fit, in a process that does nothing else.

Run as a module it prints JSON: bytes in use when the judgments are there in the form that the fit
asks for (columns for ours, a data frame for crowd-kit's), and the most until the fit was done.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from scripts.benchmarks.synthetic import Crowd

OURS, CROWD_KIT = "ours", "crowd-kit"


def peak(which: str, data: Crowd) -> int:
    """Bytes that a batch fit takes at most, beside the judgments that it is given."""
    with tempfile.TemporaryDirectory(prefix="basanite-bench-") as name:
        folder = Path(name)
        data.save(folder)
        command = [sys.executable, "-m", __name__, which, str(folder), str(data.labels)]
        done = subprocess.run(command, check=True, capture_output=True)
    found = json.loads(done.stdout)
    return int(found["peak"] - found["before"])


Fit = Callable[[], object]


def _ours() -> Callable[[Crowd], Fit]:
    from engine import Categorical

    # Every kernel is loaded before the memory is counted.
    nothing = np.zeros(1, np.int32)
    Categorical.fit(nothing, nothing, nothing.astype(np.int16), labels=2)
    return lambda data: lambda: Categorical.fit(data.task, data.worker, data.label, data.labels)


def _crowd_kit() -> Callable[[Crowd], Fit]:
    from crowdkit.aggregation import DawidSkene

    from scripts.benchmarks.rivals import frame

    def prepare(data: Crowd) -> Fit:
        judgments = frame(data.task, data.worker, data.label)
        return lambda: DawidSkene(n_iter=1).fit(judgments)

    return prepare


def _measure(which: str, folder: Path, labels: int) -> None:
    fit = {OURS: _ours, CROWD_KIT: _crowd_kit}[which]()(Crowd.load(folder, labels))
    before = psutil.Process().memory_info().rss
    counted = _count_anew()
    fit()
    print(json.dumps({"before": before, "peak": counted()}))


def _count_anew() -> Callable[[], int]:
    """Forget the peak until now, which importing made; what is returned tells that from now on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed
        unit = 1 if sys.platform == "darwin" else 1024
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    _measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
