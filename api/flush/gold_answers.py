"""What is decided about gold: the kinds of the decisions, and their bodies."""

from collections.abc import Iterator
from typing import Any

from api.acts import WITHDRAWN, AdjudicateTasks, ChangeGold, MoveGold
from api.decisions import GOLD_SET, GOLD_STATE, GOLD_WITHDRAWN
from api.state.gold_book import RETIRED, SOURCES, GoldBook, GoldSource, GoldState

Decided = tuple[str, dict[str, Any]]  # kind and body


def decided_by(book: GoldBook, act: ChangeGold | AdjudicateTasks | MoveGold) -> Iterator[Decided]:
    """What an act decides of each of its tasks. `before`: what was known, for those who read it."""
    for row, task in enumerate(act.tasks):
        match act:
            case MoveGold(state=state):
                kind, body = moved(book, task, GoldState(state))
            case ChangeGold(answers=answers, explanations=texts):
                text = texts[row] if texts else ""
                kind, body = answered(book, task, answers[row], explanation=text)
            case AdjudicateTasks(answers=answers, checks=checks, explanations=texts):
                kind, body = answered(
                    book,
                    task,
                    answers[row],
                    source=GoldSource.EXPERT,
                    state=GoldState.ACTIVE if checks else GoldState.RETIRED,
                    explanation=texts[row] if texts else "",
                )
        before = int(book.answer[task]) if book.known(task) else WITHDRAWN
        yield kind, {"before": before, **body}


def answered(
    book: GoldBook,
    task: int,
    answer: int,
    *,
    source: GoldSource | None = None,
    state: GoldState | None = None,
    explanation: str = "",
) -> Decided:
    """That the answer of a task is known, or with WITHDRAWN no more.

    Where it was known before, the source stays what it was unless it is told, and another answer
    does not bring back what was retired. `label` is what workers are measured by from now on.
    """
    if answer == WITHDRAWN:
        return GOLD_WITHDRAWN, {}
    if source is None:
        source = SOURCES[book.source[task]] if book.known(task) else GoldSource.IMPORTED
    if state is None:
        retired = book.known(task) and book.state[task] == RETIRED
        state = GoldState.RETIRED if retired else GoldState.ACTIVE
    body = {
        "label": answer if state is GoldState.ACTIVE else WITHDRAWN,
        "answer": answer,
        "source": source.value,
        "state": state.value,
    }
    return GOLD_SET, {**body, "explanation": explanation} if explanation else body


def moved(book: GoldBook, task: int, state: GoldState) -> Decided:
    """That gold comes into a state."""
    answer = int(book.answer[task]) if state is GoldState.ACTIVE else WITHDRAWN
    return GOLD_STATE, {"state": state.value, "label": answer}
