"""Nothing that a worker can see tells gold from other tasks, whatever it does."""

from typing import Any

import numpy as np
import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
)

from api.graphql.schema import text
from tests.api.serving import ADD_TASKS, Serving, serving
from tests.api.test_graphql_access import WORKER_MAY
from tests.paths.telling_apart import Bools, Floats, distances_from_chance
from tests.paths.watching import Answer, Sight, Watcher, table, watch

SCHEMA = build_schema(text())
REFUSAL = {"code", "message", "retryAfter"}
# All fields that a WORKER key reaches, each looked at: what it says is the same for gold and other
# tasks, or ADMINS_ONLY. Whoever adds one lets the watchers below write it down, too.
LOOKED_AT = {
    "Me": {"keyId", "role", "project", "worker", "labels", "leases", "standing"},
    "Label": {"externalId", "name"},
    "Lease": {"id", "payload", "expiresAt", "task"},
    "OwnStanding": {
        *("status", "voided", "since", "reasons", "appeal", "appealGranted", "appealAnswer"),
    },
    "LeaseTasksPayload": {"leases", "labels"},
    "SubmitJudgmentPayload": {"sequence", "duplicate", "status", "consensus", "feedback"},
    # Of what was gold, in the quiz and where the policy wants it; so it tells gold, afterwards.
    "QuizFeedback": {"right", "labels", "explanation"},
    "SubmitJudgmentsPayload": {
        *("accepted", "duplicates", "refused", "refusals", "codes", "sequences", "consensus"),
    },
    "RowRefusal": {"row", "code", "message"},
    "ReleaseLeasesPayload": {"released", "refusals"},
    "AppealPayload": {"duplicate", "standing"},
    "ContestJudgmentPayload": {"duplicate"},
    # Of these a worker gets none, because the fields that lead there are null.
    "Consensus": {"label", "confidence", "probabilities"},
    "LabelProbability": {"label", "probability"},
    "ConsensusColumns": {"labels", "confidences", "statuses"},
    **dict.fromkeys(["InvalidInput", "NotFound", "Forbidden", "Conflict"], REFUSAL),
    "TryLater": REFUSAL | {"reason"},
}
ADMINS_ONLY = {"task", "sequence", "status", "consensus"}  # of leases and answers to judgments
BY_CHANCE = 5.2  # standard deviations: of 35 columns one is further in one run of 100,000
TASKS, GOLD = 100, 45
HALF = 35  # tasks of each worker, about half of those that it gets
ACCURACIES = (0.95, 0.9, 0.85, 0.8, 0.75, 0.6)


def reached() -> dict[str, set[str]]:
    """Every type, with its fields, that the answers to a WORKER key can have."""
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    roots = SCHEMA.query_type.fields | SCHEMA.mutation_type.fields
    waiting = [get_named_type(roots[name].type) for name in WORKER_MAY]
    found: dict[str, set[str]] = {}
    while waiting:
        one: GraphQLNamedType = waiting.pop()
        if isinstance(one, GraphQLUnionType):
            waiting += one.types
        elif isinstance(one, GraphQLInterfaceType | GraphQLObjectType) and one.name not in found:
            found[one.name] = set(one.fields)
            waiting += [get_named_type(field.type) for field in one.fields.values()]
    return found


def test_every_field_that_a_worker_reaches_was_looked_at() -> None:
    assert reached() == LOOKED_AT


# Where gold might show that is well hidden elsewhere. In the quiz there is as much as after it, or
# that would tell how much of it a worker meets when, if not which tasks.
QUIZ_AND_CAP: dict[str, Any] = {
    "quiz": True,
    "quizCount": 8,
    "quizShare": 0.5,
    "quizGold": 0.2,
    "labelShare": 0.21,
}
KEPT_ORDER: dict[str, Any] = {"keepOrder": True, "minJudgments": None}
CASES = {
    "quiz and cap by label": (TASKS, GOLD, HALF, QUIZ_AND_CAP),
    "kept order": (45, 18, 15, KEPT_ORDER),
}


async def set_up(
    server: Serving, rng: np.random.Generator, tasks: int, golden: int, knobs: dict[str, Any]
) -> tuple[dict[str, str], set[str]]:
    """A project whose gold is some of its tasks, in no order; returns the truth and the gold."""
    policy: dict[str, Any] = {
        "overlap": 3,
        "minJudgments": 2,
        "targetConfidence": 0.8,
        "goldRate": 0.2,
        "goldFloor": 0.2,  # of as many for all, or how far a worker is would tell of the rate
        "tellWorkers": "REASONS",
        "workerShare": 0.25,
    }
    await server.make_project(**policy | knobs)
    # The names are in the order in which the tasks are added, and in the payload.
    names = [f"{number:03}" for number in rng.permutation(tasks + golden)]
    truth = {name: str(rng.choice(["cat", "dog"])) for name in names}
    gold = set(names[:golden])
    rows = [
        {
            "externalId": name,
            "payload": {"task": name},
            "gold": truth[name] if name in gold else None,
        }
        for name in sorted(names)
    ]
    assert (await server.do(ADD_TASKS, {"project": "p", "tasks": rows}))["refused"] == 0
    return truth, gold


async def observe(
    database_url: str, tasks: int, golden: int, half: int, knobs: dict[str, Any]
) -> tuple[list[Sight], set[str], list[Answer]]:
    rng = np.random.default_rng(1)
    async with serving(database_url) as server:
        truth, gold = await set_up(server, rng, tasks, golden, knobs)
        watchers = [
            Watcher(
                server.client,
                server.url,
                number,
                await server.worker_key("p", f"w{number}"),
                truth,
                accuracy,
                np.random.default_rng(number),
            )
            for number, accuracy in enumerate(ACCURACIES)
        ]
        await watch(watchers, half)
    # Nor after a restart: what was passed over, seen and answered is known to the next server.
    async with serving(database_url) as server:
        for watcher in watchers:
            watcher.meet(server.client, server.url)
        sights = await watch(watchers)
        return sights, gold, [answer for one in watchers for answer in one.answers]


def distance(sights: list[Sight], seen: Floats, kind: Bools) -> float:
    groups = np.array([sight.worker for sight in sights])
    return max(distances_from_chance(seen, kind, groups, np.random.default_rng(2)))


@pytest.mark.parametrize("case", CASES)
async def test_a_classifier_of_all_that_workers_see_does_not_find_the_gold(
    database_url: str, case: str
) -> None:
    sights, gold, answers = await observe(database_url, *CASES[case])
    kind = np.array([sight.task in gold for sight in sights])
    assert 40 <= kind.sum() <= 0.4 * len(kind)
    for answer in answers:
        for lease in answer.get("leases", []):
            assert lease["task"] is None
        if answer.get("__typename") == "SubmitJudgmentPayload":
            assert {answer[name] for name in ADMINS_ONLY - {"task"}} == {None}
    seen, names = table(sights)
    assert distance(sights, seen, kind) < BY_CHANCE, suspects(seen, names, kind)
    # A careless server is found out: one whose gold has smaller ids, takes longer to find, or is
    # answered in other words half of the time.
    rng = np.random.default_rng(3)
    took, answered = (seen[:, names.index(name)] for name in ("took to lease", "judge answer"))
    otherwise = kind & (rng.random(len(kind)) < 0.5)
    for name, shown in (
        ("byte 1", rng.integers(0, np.where(kind, 128, 256))),
        ("took to lease", took * np.where(kind, 2.5, 1.0)),
        ("judge answer", np.where(otherwise, 1e4, answered)),
    ):
        leaking = seen.copy()
        leaking[:, names.index(name)] = shown
        found = distance(sights, leaking, kind)
        assert found > BY_CHANCE, f"{name} is not found: {found:.1f}"


def suspects(seen: Floats, names: list[str], kind: Bools) -> str:
    """The columns in which both kinds differ most, for whoever reads that the test failed."""
    apart = abs(seen[kind].mean(0) - seen[~kind].mean(0)) / (seen.std(0) + 1e-12)
    return ", ".join(f"{names[at]} {apart[at]:.2f}" for at in np.argsort(-apart)[:6])
