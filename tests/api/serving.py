"""A real server on a free port, on a fresh database, and short ways to ask it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from api.app import App
from api.keys import Role
from api.server import Server, configuration
from api.service import Service, open_service
from api.settings import Settings
from tests.waiting import PATIENCE

Data = dict[str, Any]

CREATE_PROJECT = """
mutation ($input: CreateProjectInput!) {
  createProject(input: $input) {
    __typename
    ... on CreateProjectPayload { project { id externalId policy { version overlap } } }
    ... on Refusal { code message retryAfter }
  }
}
"""
ADD_TASKS = """
mutation ($input: AddTasksInput!) {
  addTasks(input: $input) {
    __typename
    ... on AddTasksPayload { added existing refused refusals { row code message } }
    ... on Refusal { code message retryAfter }
  }
}
"""
LEASE = """
mutation ($input: LeaseTasksInput!) {
  leaseTasks(input: $input) {
    __typename
    ... on LeaseTasksPayload { leases { id payload expiresAt task } labels { externalId name } }
    ... on Refusal { code message retryAfter }
    ... on TryLater { reason }
  }
}
"""
RELEASE = """
mutation ($input: ReleaseLeasesInput!) {
  releaseLeases(input: $input) {
    __typename
    ... on ReleaseLeasesPayload { released refusals { row code message } }
    ... on Refusal { code message retryAfter }
  }
}
"""
SUBMIT = """
mutation ($input: SubmitJudgmentInput!) {
  submitJudgment(input: $input) {
    __typename
    ... on SubmitJudgmentPayload {
      sequence duplicate status consensus { label confidence }
    }
    ... on Refusal { code message retryAfter }
  }
}
"""
SUBMIT_MANY = """
mutation ($input: SubmitJudgmentsInput!) {
  submitJudgments(input: $input) {
    __typename
    ... on SubmitJudgmentsPayload {
      accepted duplicates refused codes sequences
      refusals { row code message }
      consensus { labels confidences statuses }
    }
    ... on Refusal { code message retryAfter }
  }
}
"""
SET_GOLD = """
mutation ($input: SetGoldInput!) {
  setGold(input: $input) {
    __typename
    ... on SetGoldPayload { changed refused sequences refusals { row code message } }
    ... on Refusal { code message retryAfter }
  }
}
"""
UPDATE_POLICY = """
mutation ($input: UpdatePolicyInput!) {
  updatePolicy(input: $input) {
    __typename
    ... on UpdatePolicyPayload {
      project { policy { version overlap minJudgments targetConfidence requireLease } }
    }
    ... on Refusal { code message retryAfter }
  }
}
"""
CREATE_KEY = """
mutation ($input: CreateKeyInput!) {
  createKey(input: $input) {
    __typename
    ... on CreateKeyPayload { token key { id name role project worker createdAt revokedAt } }
    ... on Refusal { code message retryAfter }
  }
}
"""
REVOKE_KEY = """
mutation ($input: RevokeKeyInput!) {
  revokeKey(input: $input) {
    __typename
    ... on RevokeKeyPayload { key { id revokedAt } }
    ... on Refusal { code message retryAfter }
  }
}
"""


class Serving:
    """A running server and an ADMIN key for all projects."""

    def __init__(
        self,
        service: Service,
        app: App,
        process: Server,
        url: str,
        client: httpx.AsyncClient,
        token: str,
    ) -> None:
        self.service = service
        self.app = app
        self._process = process
        self.url = url
        self.client = client
        self.token = token

    def stop(self) -> None:
        """Begin to stop, as on SIGTERM."""
        self._process.should_exit = True

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws")

    def headers(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self.token}"}

    async def post(self, body: Any, token: str | None = None, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(self.url, json=body, headers=self.headers(token) | names)

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Data:
        """The whole response."""
        answer = await self.post({"query": query, "variables": variables}, token)
        assert answer.status_code == 200, answer.text
        response: Data = answer.json()
        return response

    async def data(
        self, query: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Data:
        """The data of a response without errors."""
        response = await self.ask(query, variables, token)
        assert "errors" not in response, response
        data: Data = response["data"]
        return data

    async def do(self, mutation: str, given: Mapping[str, Any], token: str | None = None) -> Data:
        """The answer of a mutation, payload or refusal."""
        data = await self.data(mutation, {"input": given}, token)
        (answer,) = data.values()
        assert isinstance(answer, dict)
        return answer

    async def make_project(
        self, name: str = "p", *, labels: tuple[str, ...] = ("cat", "dog"), **policy: Any
    ) -> None:
        given = {
            "externalId": name,
            "labels": [{"externalId": label} for label in labels],
            "policy": policy,
        }
        answer = await self.do(CREATE_PROJECT, given)
        assert answer["__typename"] == "CreateProjectPayload", answer

    async def add_tasks(self, project: str, *names: str, **fields: Any) -> None:
        tasks = [{"externalId": name, "payload": {"name": name}} | fields for name in names]
        answer = await self.do(ADD_TASKS, {"project": project, "tasks": tasks})
        assert answer["refused"] == 0, answer

    async def worker_key(self, project: str, worker: str) -> str:
        given = {"role": "WORKER", "project": project, "worker": worker}
        answer = await self.do(CREATE_KEY, given)
        token: str = answer["token"]
        return token


@asynccontextmanager
async def serving(database_url: str, **settings: Any) -> AsyncIterator[Serving]:
    """Bring a server up in this event loop, on a port of its own, and down again."""
    chosen = Settings(database_url=database_url, **settings)
    async with open_service(chosen) as service:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host, port = listener.getsockname()
            up = asyncio.Event()
            app = App(service)
            server = Server(configuration(chosen, app), app, up.set)
            running = asyncio.create_task(server.serve([listener]))
            await up.wait()
            token = await service.keys.create(Role.ADMIN, name="test")
            url = f"http://{host}:{port}/graphql"
            try:
                async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
                    yield Serving(service, app, server, url, client, token)
            finally:
                server.should_exit = True
                await running
