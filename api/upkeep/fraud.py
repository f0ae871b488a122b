"""What a finding of fraud says, as the body of a decision: in numbers and in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.fraud import Finding, Fraud

GROUPS: Final = (Fraud.COPYING, Fraud.ONE_HAND)
AT_ONCE: Final = 10.0  # seconds between answers that count as given together
_STRONGER: Final = 2.0  # times as much evidence makes a finding worth telling again


def body_of(
    finding: Finding, labels: Sequence[str], gaps: Sequence[float | None], judgments: int
) -> dict[str, Any]:
    """The body of the decision.

    labels: outside ids. gaps: seconds between the first and the last of each example's answers,
    None where they are not known. judgments: how many were searched.
    """
    examples = finding.examples
    evidence: dict[str, Any] = {name: round(value, 3) for name, value in finding.numbers.items()}
    evidence |= {
        "share": round(finding.share, 3),
        "log_evidence": round(finding.log_evidence, 2),
        "false_discovery_rate": finding.rate,
        "judgments_searched": judgments,
    }
    if len(examples.task):
        evidence["tasks"] = examples.task.tolist()
        evidence["examples"] = [
            {
                "task": int(task),
                "label": labels[label],
                "workers": int(together),
                "chance": round(float(chance), 4),
                "seconds_apart": None if gap is None else round(gap, 1),
            }
            for task, label, together, chance, gap in zip(
                examples.task, examples.label, examples.together, examples.chance, gaps, strict=True
            )
        ]
        evidence["at_once"] = sum(gap is not None and gap <= AT_ONCE for gap in gaps)
    return {
        "kind": finding.kind.value,
        "workers": finding.workers.tolist(),
        "evidence": evidence,
        "text": _text(finding, evidence),
        "suggestion": finding.suggestion.value,
    }


def standing(finding: Finding, earlier: Mapping[int, Mapping[str, Any]]) -> int | None:
    """The seq of the last earlier finding (bodies by seq) that says the same already: of the same
    workers or more, and not on much weaker evidence."""
    kinds = GROUPS if finding.kind in GROUPS else (finding.kind,)
    workers = set(finding.workers.tolist())
    for seq, body in sorted(earlier.items(), reverse=True):
        told = body["kind"] in kinds and workers <= set(body["workers"])
        if told and finding.log_evidence < _STRONGER * body["evidence"]["log_evidence"]:
            return seq
    return None


def _text(finding: Finding, evidence: Mapping[str, Any]) -> str:
    numbers = finding.numbers
    match finding.kind:
        case Fraud.COPYING | Fraud.ONE_HAND:
            return _of_group(finding, numbers, evidence)
        case Fraud.CONSTANT:
            return (
                f"It gives the same answer again and again: {numbers['same']:.0f} of "
                f"{numbers['bets']:.0f} times the one before, where {numbers['expected']:.0f} "
                "would follow from the items."
            )
        case Fraud.PERIODIC:
            return (
                f"Its answers repeat every {numbers['period']:.0f} tasks: {numbers['same']:.0f} of "
                f"{numbers['bets']:.0f} are as the pattern has them, where "
                f"{numbers['expected']:.0f} would follow from the items."
            )
        case Fraud.TOO_FAST:
            return (
                f"{numbers['fast']:.0f} of {numbers['judgments']:.0f} judgments took less than "
                f"{numbers['floor']:.1f} s, half of all at most {numbers['median']:.1f} s."
            )


def _of_group(finding: Finding, numbers: Mapping[str, float], evidence: Mapping[str, Any]) -> str:
    how = "answer as one" if finding.kind is Fraud.ONE_HAND else "copy each other"
    text = (
        f"{len(finding.workers)} workers {how}: of {numbers['bets']:.0f} answers to common tasks "
        f"that need not be the same {numbers['same']:.0f} are, where {numbers['expected']:.0f} "
        f"would be if each looked for itself; {numbers['wrong']:.0f} of them are wrong by what "
        f"others say ({numbers['expected_wrong']:.0f} expected)."
    )
    if evidence["at_once"]:
        examples = len(evidence["examples"])
        text += (
            f" In {evidence['at_once']} of {examples} examples they came within {AT_ONCE:.0f} s."
        )
    return text
