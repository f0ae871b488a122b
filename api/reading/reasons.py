"""What the status of a worker rests on, in words."""

from collections.abc import Mapping
from math import exp
from typing import Any, Final

TELLING: Final = 1.0  # nats from which evidence is worth mention
MOST_ODDS: Final = 1_000_000


def reasons(evidence: Mapping[str, Any], *, worse: bool, hurried: bool) -> list[str]:
    """Sentences about evidence as `api.vetting.told` gives it, and alarms; no task is named."""
    found = []
    against, trusting = evidence["against"], evidence["trusting"]
    if against >= TELLING:
        found.append(f"Its judgments speak {odds(against)} to 1 against its being acceptable.")
    right, total = evidence["gold_right"], evidence["gold_total"]
    if total:
        found.append(f"{right} of {total} judgments of gold tasks are right.")
    if evidence.get("quiz_total"):
        right, total = evidence["quiz_right"], evidence["quiz_total"]
        found.append(
            f"{right} of the first {total} are right in the quiz, which takes "
            f"{evidence['quiz_needed']}."
        )
    if evidence["scored"] >= 1:
        found.append(
            f"{evidence['alike']:.0f} of {evidence['scored']:.0f} judgments are like most others; "
            f"of a worker who is just acceptable {evidence['expected']:.0f} would be."
        )
    if worse:
        found.append(f"Its judgments became worse after the first {evidence['since']}.")
    if hurried:
        found.append("It began to rush: most judgments take less than a third of the time before.")
    if trusting >= TELLING:
        found.append(f"Its judgments speak {odds(trusting)} to 1 for its being better than that.")
    return found


def odds(nats: float) -> str:
    """Evidence as the odds, to 1, that it speaks."""
    times = exp(min(nats, 50.0))
    return f"more than {MOST_ODDS:,}" if times > MOST_ODDS else f"{times:,.0f}"
