"""Workers of a real server who write down all that they can see of each task they get."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import orjson

ME = """{ me {
  keyId role project worker labels { externalId name }
  leases { id payload expiresAt task }
  standing { status voided since reasons appeal appealGranted appealAnswer }
} }"""
LEASE = """mutation ($input: LeaseTasksInput!) { leaseTasks(input: $input) { __typename
  ... on LeaseTasksPayload {
    leases { id payload expiresAt task } labels { externalId name }
  }
  ... on Refusal { code message retryAfter } ... on TryLater { reason }
} }"""
SUBMIT = """mutation ($input: SubmitJudgmentInput!) { submitJudgment(input: $input) { __typename
  ... on SubmitJudgmentPayload {
    sequence duplicate status feedback { right }
    consensus { label confidence probabilities { label probability } }
  }
  ... on Refusal { code message retryAfter }
} }"""
CONTEST = """mutation ($input: ContestJudgmentInput!) {
  contestJudgment(input: $input) { __typename
    ... on ContestJudgmentPayload { duplicate } ... on Refusal { code message retryAfter }
  }
}"""
RELEASE = """mutation ($input: ReleaseLeasesInput!) { releaseLeases(input: $input) { __typename
  ... on ReleaseLeasesPayload { released refusals { row code message } }
  ... on Refusal { code message retryAfter }
} }"""

Answer = dict[str, Any]


@dataclass(slots=True)
class Sight:
    """One lease as its worker saw it: numbers only, the task's own name apart."""

    worker: int
    task: str
    lease: str
    seen: dict[str, float] = field(default_factory=dict)


@dataclass
class Watcher:
    """A worker with a key and a habit; all randomness is its own. sights: what it wrote down."""

    client: httpx.AsyncClient
    url: str
    number: int
    token: str
    truth: dict[str, str]
    accuracy: float
    rng: np.random.Generator
    sights: list[Sight] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    _times_seen: dict[str, int] = field(default_factory=dict)
    _given_back: dict[str, Sight] = field(default_factory=dict)
    _standing: str = ""
    _last: str = ""

    def meet(self, client: httpx.AsyncClient, url: str) -> None:
        """Go on at another server."""
        self.client, self.url = client, url

    async def work(self, most: int) -> None:
        """Lease, look, judge, repeat, revise and give back, until there is nothing more or it has
        had so many."""
        while len(self.sights) < most:
            sights = await self._lease(int(self.rng.integers(1, 6)))
            if not sights:
                return
            back = [one for one in sights if self.rng.random() < 0.25]
            for sight in [one for one in sights if one not in back]:
                await self._judge(sight)
            if back:
                await self._give_back(back)

    async def _lease(self, count: int) -> list[Sight]:
        answer, took, about = await self._ask(LEASE, {"count": count})
        if "leases" not in answer:
            return []
        me, _, _ = await self._ask(ME)
        held = [lease["id"] for lease in me["leases"]]
        sights = []
        for place, lease in enumerate(answer["leases"]):
            sight = Sight(self.number, lease["payload"]["task"], lease["id"])
            random_bytes = UUID(lease["id"]).bytes
            sight.seen |= {f"byte {n}": float(byte) for n, byte in enumerate(random_bytes[6:])}
            sight.seen |= {
                "place": place,
                "from the end": len(answer["leases"]) - place,
                "took to lease": took,
                "place when resumed": held.index(lease["id"]) - place,
                "fields": _kind(
                    {**lease, "id": "", "expiresAt": "", "payload": sorted(lease["payload"])}
                ),
                "expires apart": float(lease["expiresAt"] != answer["leases"][0]["expiresAt"]),
                "after the last": float(sight.task > self._last),
                "ahead": float(int(sight.task) - int(self._last or 0)),
                "times seen": self._times_seen.get(sight.task, 0),
                "came back": 0.0,
                **{f"lease {name}": value for name, value in about.items()},
            }
            self._times_seen[sight.task] = self._times_seen.get(sight.task, 0) + 1
            self._last = sight.task
            sights.append(sight)
        for task, given_back in self._given_back.items():
            given_back.seen["came back"] = float(task in {one.task for one in sights})
        self._given_back.clear()
        self.sights += sights
        return sights

    async def _judge(self, sight: Sight) -> None:
        right = self.truth[sight.task]
        wrong = "cat" if right == "dog" else "dog"
        label = right if self.rng.random() < self.accuracy else wrong
        rows = [("judge", label)]
        how = self.rng.random()
        if how < 0.2:
            rows.append(("repeat", label))
        elif how < 0.5:
            rows = [("judge", "cat" if label == "dog" else "dog"), ("revise", label)]
        for what, chosen in rows:
            answer, took, about = await self._ask(SUBMIT, {"leaseId": sight.lease, "label": chosen})
            sight.seen["own answer"] = float(chosen == "cat")
            sight.seen |= {f"{what} took": took, f"{what} answer": _kind(answer)}
            sight.seen |= {f"{what} {name}": value for name, value in about.items()}
        if how > 0.9:
            given = {"leaseId": sight.lease, "message": "I looked twice.", "clientId": sight.lease}
            answer, took, _ = await self._ask(CONTEST, given)
            sight.seen |= {"contest took": took, "contest answer": _kind(answer)}
        me, took, _ = await self._ask(ME)
        standing = orjson.dumps(me["standing"]).decode()
        sight.seen |= {"standing moved": float(standing != self._standing), "me took": took}
        self._standing = standing

    async def _give_back(self, sights: list[Sight]) -> None:
        given = {"leaseIds": [sight.lease for sight in sights]}
        answer, took, _ = await self._ask(RELEASE, given)
        for sight in sights:
            sight.seen |= {"release took": took, "release answer": _kind(answer)}
            self._given_back[sight.task] = sight

    async def _ask(
        self, query: str, given: Answer | None = None
    ) -> tuple[Answer, float, dict[str, float]]:
        """The one field of the answer, the seconds it took, and what its headers say."""
        began = time.perf_counter()
        response = await self.client.post(
            self.url,
            json={"query": query, "variables": {"input": given}},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        took = time.perf_counter() - began
        (answer,) = response.json()["data"].values()
        self.answers.append(answer)
        headers = {name: text for name, text in response.headers.items() if name != "date"}
        if query != SUBMIT:  # a lease's payload is as long as its task's name
            headers.pop("content-length", None)
        return answer, took, {"headers": _kind(headers)}


def _kind(answer: Answer) -> float:
    """A number for each different answer; no meaning lies in which."""
    return float(int.from_bytes(orjson.dumps(answer, option=orjson.OPT_SORT_KEYS), "big") % 9973)


async def watch(watchers: list[Watcher], most: int = 1_000_000) -> list[Sight]:
    """Let all work at once, until each has had so many tasks; return all that they saw."""
    await asyncio.gather(*(watcher.work(most) for watcher in watchers))
    return [sight for watcher in watchers for sight in watcher.sights]


def table(sights: list[Sight]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], list[str]]:
    """What was seen as numbers [sights, columns], and the columns' names; -1 where nothing was."""
    names = sorted({name for sight in sights for name in sight.seen})
    rows = [[sight.seen.get(name, -1.0) for name in names] for sight in sights]
    return np.array(rows, np.float64), names
