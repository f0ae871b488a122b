"""Known answers of tasks, from the outside ids of labels: one that is right, or several."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strawberry import field

from api.errors import InvalidInput, UnevenColumns
from engine.truths import answer_of

WITHDRAWN: Final = -1  # instead of an answer
UNKNOWN: Final = -2  # a label is named that the project does not have


def also_right_field() -> Any:
    """The field of an input, beside its `labels`, of what else is right."""
    return field(
        description="For each task further labels that are right as well; a worker who gives any "
        "of them is right. Only in projects of up to 14 labels.",
        default=None,
    )


def explanations_field() -> Any:
    """The field of an input, beside its `labels`, of why they are right."""
    return field(
        description="For each task why its answer is right, or null. Workers are shown it where "
        "the policy gives feedback in the quiz.",
        default=None,
    )


def answers_of(
    known: Mapping[str, int],
    labels: Sequence[str | None],
    also: Sequence[Sequence[str]] | None,
) -> list[int]:
    """The answers (`engine.truths`): of each row the label, or any of those that are right too.

    Raises UnevenColumns, and InvalidInput for several where the project has too many labels.
    """
    if also is not None and len(also) != len(labels):
        raise UnevenColumns
    rows = also or [()] * len(labels)
    return [_answer(known, label, more) for label, more in zip(labels, rows, strict=True)]


def texts_of(texts: Sequence[str | None] | None, rows: int) -> tuple[str, ...]:
    """A text for each row, '' where there is none. Raises UnevenColumns."""
    if texts is not None and len(texts) != rows:
        raise UnevenColumns
    return tuple(text or "" for text in texts or [None] * rows)


def _answer(known: Mapping[str, int], label: str | None, also: Sequence[str]) -> int:
    if label is None:
        return WITHDRAWN
    names = [label, *also]
    if not set(names) <= known.keys():
        return UNKNOWN
    try:
        return answer_of([known[name] for name in names], len(known))
    except ValueError as error:
        raise InvalidInput("alsoRight", str(error)) from None
