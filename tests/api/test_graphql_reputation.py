"""What admins read of workers: estimates, bias, trend, speed, and the reasons behind them."""

from statistics import median

import pytest

from tests.api.rig import learned
from tests.api.serving import SET_GOLD, SUBMIT_MANY, UPDATE_POLICY, Data, Serving
from tests.api.test_graphql_retraction import RETRACTION

TASKS = [f"t{number:02}" for number in range(40)]
SPEED = "speed { timed medianSeconds underFloor }"
ALL = f"""
query ($first: Int, $asOf: AsOf, $worker: ID!) {{
  workers(project: "p", first: $first) {{ edges {{ node {{
    externalId reputation {{
      accuracy {{ value low high }} bits {{ value low high }} agreement {{ value low high }}
      goldAccuracy {{ value low high }} goldRight goldTotal confusion {{ truth answer count }}
      bias {{ label share {{ value low high }} }} trend {{ value low high }} {SPEED}
      reasons {{ code text figures }}
    }}
  }} }} }}
  worker(project: "p", externalId: $worker, asOf: $asOf) {{ reputation {{
    {SPEED} trend {{ value low high }} reasons {{ code text figures }}
  }} }}
}}
"""


def label(worker: str, task: int) -> str:
    if worker == "says cat":
        return "cat"
    if worker == "tires" and task >= 20:
        return "dog" if task % 2 == 0 else "cat"
    return "cat" if task % 2 == 0 else "dog"


def seconds(worker: str, task: int) -> float:
    return (0.5 if worker == "says cat" else 4.0) + task / 8


async def fill(server: Serving) -> None:
    """Even tasks are cats. One says cat always, one is wrong from the middle on."""
    await server.make_project(
        overlap=20, requireLease=False, actOnStatus=False, floorSeconds=2.0, targetConfidence=1.0
    )
    await server.add_tasks("p", *TASKS)
    given = {"project": "p", "tasks": TASKS[:8], "labels": [*("cat", "dog") * 4]}
    assert (await server.do(SET_GOLD, given))["refused"] == 0
    for worker in ("a", "b", "c", "d", "tires", "says cat"):
        rows = {
            "workers": [worker] * len(TASKS),
            "tasks": TASKS,
            "labels": [label(worker, task) for task in range(len(TASKS))],
            "seconds": [seconds(worker, task) for task in range(len(TASKS))],
        }
        if worker == "d":
            rows["seconds"] = [None] * len(TASKS)
        answer = await server.do(SUBMIT_MANY, {"project": "p"} | rows)
        assert answer["accepted"] == len(TASKS), answer
    await learned(server.service.shards.get("p"))


async def look(server: Serving, **given: object) -> tuple[dict[str, Data], Data]:
    await learned(server.service.shards.get("p"))
    answer = await server.data(ALL, {"first": 50, "worker": "says cat"} | given)
    nodes = [edge["node"] for edge in answer["workers"]["edges"]]
    everyone = {node["externalId"]: node["reputation"] for node in nodes}
    return everyone, answer["worker"]["reputation"]


async def test_estimates_come_with_intervals_and_reasons(server: Serving) -> None:
    await fill(server)
    everyone, one = await look(server)
    for found in everyone.values():
        for name in ("accuracy", "bits", "agreement", "goldAccuracy", "trend"):
            assert found[name]["low"] <= found[name]["value"] <= found[name]["high"], name
        codes = [reason["code"] for reason in found["reasons"]]
        assert codes[:3] == ["POPULATION", "GOLD", "AGREEMENT"]
        # Step by step from the population to the estimate.
        steps = [reason["figures"] for reason in found["reasons"][:3]]
        assert steps[1]["before"] == pytest.approx(steps[0]["accuracy"])
        assert steps[2]["before"] == steps[1]["after"]
        assert steps[2]["after"] == found["accuracy"]["value"]
    good, clicker, tires = everyone["a"], everyone["says cat"], everyone["tires"]
    assert good["accuracy"]["low"] > clicker["accuracy"]["high"]
    assert good["bits"]["low"] > 0.3 > clicker["bits"]["high"]
    assert (good["goldRight"], clicker["goldRight"], clicker["goldTotal"]) == (8, 4, 8)
    assert clicker["goldAccuracy"]["value"] == 0.5
    bias = {each["label"]: each["share"] for each in clicker["bias"]}
    assert bias["cat"]["low"] > 0.2
    assert bias["dog"]["high"] < -0.2
    told = {reason["code"]: reason["text"] for reason in clicker["reasons"]}
    assert "more than are true say cat" in told["BIAS"] or "less" in told["BIAS"]
    assert "4 of 8 answers to gold are right" in told["GOLD"]
    assert told["AGREEMENT"].startswith("The other workers' consensus is with its 32 answers to ")
    assert tires["trend"]["high"] < 0 < good["trend"]["high"]
    fell = next(reason for reason in tires["reasons"] if reason["code"] == "TREND")
    assert "fell" in fell["text"]
    assert one["trend"] == clicker["trend"]
    assert one["reasons"] == clicker["reasons"]
    assert {(cell["truth"], cell["answer"]) for cell in good["confusion"]} >= {("cat", "cat")}


async def test_speed_is_that_of_what_counts_now_or_counted_then(server: Serving) -> None:
    await fill(server)
    everyone, before = await look(server)
    assert everyone["d"]["speed"] is None
    took = [seconds("says cat", task) for task in range(40)]
    assert before["speed"] == {
        "timed": 40,
        "medianSeconds": median(took),
        "underFloor": sum(each < 2.0 for each in took) / 40,
    }
    shard = server.service.shards.get("p")
    then = shard.seq
    given = {
        "project": "p",
        "workers": ["says cat"] * 2,
        "tasks": TASKS[38:],
        "labels": ["dog", "dog"],
        "seconds": [100.0, None],
    }
    assert (await server.do(SUBMIT_MANY, given))["accepted"] == 2
    act = {"project": "p", "reason": "x", "clientId": "1"}
    some = {"worker": "says cat", "tasks": TASKS[:10]}
    await server.do(RETRACTION % ("VoidJudgments", "voidJudgments"), act | some)
    now = (await look(server))[1]
    left = [*took[10:38], 100.0]
    assert now["speed"] == {
        "timed": 29,
        "medianSeconds": median(left),
        "underFloor": sum(each < 2.0 for each in left) / 29,
    }
    past = (await look(server, asOf={"sequence": then}))[1]
    assert past == before
    await server.do(UPDATE_POLICY, {"project": "p", "policy": {"floorSeconds": None}})
    assert (await look(server))[1]["speed"]["underFloor"] is None


async def test_what_takes_long_is_bounded(server: Serving) -> None:
    await server.make_project(requireLease=False)
    await server.service.shards.get("p").add_workers([f"w{number}" for number in range(102)])
    refused = await server.ask(ALL, {"first": 101, "worker": "w0"})
    assert "of 100 workers at most" in refused["errors"][0]["message"]
    everyone, nobody = await look(server, first=100, worker="w0")
    assert len(everyone) == 100
    assert (nobody["speed"], nobody["trend"]) == (None, None)
    assert [reason["code"] for reason in nobody["reasons"]] == ["POPULATION"]
