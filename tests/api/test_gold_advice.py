"""What is said of a project's gold, over GraphQL and on the command line; and what workers say."""

from pathlib import Path

from api.frontend.documents import GOLD_ADVICE
from api.reading.alert_words import explanation, suggestion
from api.state.alerts import AlertKind
from tests.api.serving import LEASE, SET_GOLD, SUBMIT, SUBMIT_MANY, Data, Serving
from tests.paths.commands import basanite

CONTEST = """
mutation ($input: ContestJudgmentInput!) {
  contestJudgment(input: $input) {
    ... on ContestJudgmentPayload { duplicate } ... on Refusal { code message }
  }
}
"""


async def advice(server: Serving) -> Data:
    found: Data = (await server.data(GOLD_ADVICE, {"project": "p"}))["goldAdvice"]
    return found


async def test_gold_is_counted_and_what_is_wrong_with_it_is_said(
    server: Serving, tmp_path: Path
) -> None:
    await server.make_project(overlap=6, requireLease=False, goldExposures=6)
    names = [f"t{number}" for number in range(60)]
    await server.add_tasks("p", *names)
    assert [hint["code"] for hint in (await advice(server))["hints"]] == ["NO_GOLD"]
    await server.do(SET_GOLD, {"project": "p", "tasks": names[:20], "labels": ["cat"] * 20})
    await server.do(SET_GOLD, {"project": "p", "tasks": names[20:22], "labels": ["dog"] * 2})
    found = await advice(server)
    cat, dog = found["labels"][:2]
    assert (cat["active"], cat["exposures"], dog["active"], dog["exposures"]) == (20, 120, 2, 12)
    assert found["lastsFor"] == 1  # ten of each label to a worker
    codes = [hint["code"] for hint in found["hints"]]
    assert {"TOO_FEW_GOLD", "UNBALANCED_GOLD", "GOLD_RUNS_OUT"} <= set(codes)
    assert any("exhausted after 1 more workers" in hint["text"] for hint in found["hints"])
    for worker in range(6):  # each sees both of the dogs and eight cats
        rows = {"workers": [f"w{worker}"], "tasks": [*names[:8], *names[20:22]]}
        labels = ["cat"] * 8 + ["dog"] * 2
        assert (await server.do(SUBMIT_MANY, {"project": "p", "labels": labels} | rows))[
            "accepted"
        ] == 10
    found = await advice(server)
    assert found["perWorker"] == 10
    assert (found["labels"][0]["spent"], found["labels"][1]["spent"]) == (8, 2)
    assert found["lastsFor"] == 0
    shown = await basanite(
        tmp_path, "gold", "--project", "p", "--url", server.url, "--key", server.token
    )
    assert shown.status == 0
    assert "HIGH  The gold is exhausted after 0 more workers" in shown.text.replace("\n", " ")


async def test_a_worker_stands_by_a_judgment_whatever_the_task_is(server: Serving) -> None:
    await server.make_project(goldRate=1.0)
    await server.add_tasks("p", "plain")
    await server.add_tasks("p", "golden", gold="cat")
    ann, bob = [await server.worker_key("p", name) for name in ("ann", "bob")]
    leases = (await server.do(LEASE, {"count": 2}, ann))["leases"]
    given = {"leaseId": leases[0]["id"], "message": "It is a dog.", "clientId": "0"}
    assert (await server.do(CONTEST, given, ann))["code"] == "LEASE_NOT_FOUND"  # not judged yet
    answers = []
    for place, lease in enumerate(leases):
        await server.do(SUBMIT, {"leaseId": lease["id"], "label": "dog"}, ann)
        given = {"leaseId": lease["id"], "message": "It is a dog.", "clientId": str(place)}
        answers.append([await server.do(CONTEST, given, ann) for _ in range(2)])
        assert (await server.do(CONTEST, given, bob))["code"] == "LEASE_NOT_FOUND"
    first, again = answers[0]
    assert answers == [[first, again]] * 2
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    shard = server.service.shards.get("p")
    alerts = shard.alerts.newest_first()
    assert {alert.kind for alert in alerts} == {AlertKind.JUDGMENT_CONTESTED}
    told = {explanation(alert, shard) for alert in alerts}
    assert told == {
        f"ann stands by its judgment of {task}: It is a dog." for task in ("plain", "golden")
    }
    assert "correctGold" in suggestion(alerts[0], shard)[1]


FEEDBACK = """
mutation ($input: SubmitJudgmentInput!) {
  submitJudgment(input: $input) {
    ... on SubmitJudgmentPayload { duplicate feedback { right labels explanation } }
    ... on Refusal { code message }
  }
}
"""


async def test_in_the_quiz_a_worker_may_learn_what_is_right(server: Serving) -> None:
    """Only there, only where the policy says so, and nobody can change an answer afterwards."""
    await server.make_project(quiz=True, quizGold=1.0, quizFeedback=True)
    await server.add_tasks("p", "golden", "plain")
    gold = {"tasks": ["golden"], "labels": ["cat"], "explanations": ["it has whiskers"]}
    await server.do(SET_GOLD, {"project": "p", "alsoRight": [["dog"]], **gold})
    ann = await server.worker_key("p", "ann")
    (lease,) = (await server.do(LEASE, {"count": 1}, ann))["leases"]
    given = {"leaseId": lease["id"], "label": "dog"}
    told = (await server.do(FEEDBACK, given, ann))["feedback"]
    assert told == {"right": True, "labels": ["cat", "dog"], "explanation": "it has whiskers"}
    assert (await server.do(FEEDBACK, {**given, "label": "cat"}, ann))["code"] == "TASK_CLOSED"
    admin = {"project": "p", "worker": "bob", "label": "cat"}
    assert (await server.do(FEEDBACK, {**admin, "task": "plain"}))["feedback"] is None
    await server.service.shards.get("p").update_policy({"quiz": False}, None, "test")
    assert (await server.do(FEEDBACK, {**admin, "task": "golden"}))["feedback"] is None
