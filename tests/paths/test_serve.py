"""The console commands around a server, each a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.waiting import PATIENCE, wait_until

BASANITE = [sys.executable, "-c", "from api.cli import main; main()"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("BASANITE_")
} | {"COLUMNS": "200", "NO_COLOR": "1"}


def basanite(*arguments: str, status: int = 0, columns: int = 200) -> str:
    """Run a command to its end and return what it said."""
    run = subprocess.run(
        [*BASANITE, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT | {"COLUMNS": str(columns)},
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == status, run.stdout + run.stderr
    return run.stdout + run.stderr


class Running:
    """A server process."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*BASANITE, "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def url(self) -> str:
        wait_until(lambda: self._address() or self.process.poll() is not None)
        found = self._address()
        assert found, "".join(self.said)
        return found

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status, "".join(self.said)

    def _address(self) -> str | None:
        found = re.search(r"(http://\S+/graphql)", "".join(self.said))
        return found[1] if found else None

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said.append(line)


@pytest.fixture
def data_dir() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="basanite-serve-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL of root runs as somebody else
        yield str(Path(folder) / "data")


def ask(url: str, token: str, query: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(
        url, json={"query": query}, headers=headers, timeout=PATIENCE, trust_env=False
    )


CREATE = """mutation {
  createProject(input: {externalId: "p", labels: [{externalId: "a"}, {externalId: "b"}]}) {
    __typename
  }
}"""
ADD = """mutation { addTasks(input: {project: "p", tasks: [{externalId: "t", payload: {}}]}) {
  __typename } }"""


def test_a_server_from_start_to_stop(data_dir: str) -> None:
    said = basanite("doctor", "--data-dir", data_dir, "--port", "0")
    assert "is not running" in said
    running = Running("--port", "0", "--data-dir", data_dir)
    try:
        url = running.url
        port = url.split(":")[2].split("/")[0]
        where = ["--data-dir", data_dir]
        admin = basanite("keys", "create", "--name", "ours", *where).strip()
        assert ask(url, admin, CREATE).json()["data"]["createProject"]["__typename"]
        assert ask(url, admin, ADD).json()["data"]["addTasks"]["__typename"] == "AddTasksPayload"

        # A worker who is not there yet: the running server adds it.
        ann = ["--role", "worker", "--project", "p", "--worker", "ann"]
        worker = basanite("keys", "create", *ann, "--port", port, *where).strip()
        me = ask(url, worker, "{ me { role worker project } }").json()["data"]["me"]
        assert me == {"role": "WORKER", "worker": "ann", "project": "p"}
        lost = ["--role", "worker", "--project", "p", "--worker", "bob", "--port", "1"]
        assert "mutation createKey" in basanite("keys", "create", *lost, *where, status=1)

        for columns in (40, 80, 200):
            listed = basanite("keys", "list", *where, columns=columns)
            assert f"{worker.split('_')[1]} " in listed
            # A secret may hold underscores of its own.
            assert worker.split("_", 2)[2] not in listed
            # The keys that spoke to the server for `keys create` are gone.
            assert "basanite keys create" not in listed
        assert "Revoked and not shown: 2" in listed
        assert "basanite keys create" in basanite("keys", "list", "--all", *where)
        basanite("keys", "revoke", worker.split("_")[1], *where)
        wait_until(lambda: ask(url, worker, "{ me { role } }").status_code == 401)
        assert "up to date" in basanite("migrate", *where)
        said = basanite("doctor", "--port", port, *where)
        assert "may be running already" in said
        assert "project p: process" in said

        # A second server of the same data reads what the first one writes.
        second = Running("--port", "0", *where)
        try:
            query = '{ project(externalId: "p") { writable quality { tasks { total } } } }'
            project = ask(second.url, admin, query).json()["data"]["project"]
            assert project == {"writable": False, "quality": {"tasks": {"total": 1}}}
            refused = ask(second.url, admin, ADD.replace("__typename", "... on Refusal { code }"))
            assert refused.json()["data"]["addTasks"] == {"code": "PROJECT_TAKEN"}
        finally:
            status, said = second.end(signal.SIGINT)
        assert status == 0, said
        assert "read-only" in said
    finally:
        status, said = running.end()
    assert status == 0, said
    assert "Basanite" in said
    assert data_dir in said
    assert "Traceback" not in said
    assert "Storing what was accepted" in said


def test_a_worker_key_without_a_server(data_dir: str) -> None:
    where = ["--data-dir", data_dir]
    for reads in (["keys", "list"], ["keys", "revoke", "x"], ["export", "--project", "p"]):
        assert "No server runs on" in basanite(*reads, *where, status=1)
        assert not Path(data_dir).exists()
    ann = ["--role", "worker", "--project", "p", "--worker", "ann"]
    assert "no such project" in basanite("keys", "create", *ann, *where, status=1)
    assert "There is no key yet" in basanite("keys", "list", *where)
    assert "needs --project" in basanite("keys", "create", "--role", "worker", *where, status=1)
    running = Running("--port", "0", *where)
    admin = basanite("keys", "create", *where).strip()
    ask(running.url, admin, CREATE)
    assert running.end()[0] == 0
    token = basanite("keys", "create", *ann, *where).strip()
    assert token.startswith("bsn_")


def test_a_taken_port_is_named_before_anything_starts(data_dir: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = basanite("serve", "--port", port, "--data-dir", data_dir, status=1)
        assert "choose another --port" in said
        assert not Path(data_dir).exists()


def test_what_is_wrong_with_the_database_is_one_line(data_dir: str) -> None:
    said = basanite(
        "serve", "--database-url", "postgresql://x@127.0.0.1:1/x", "--port", "0", status=1
    )
    assert "Traceback" not in said
    assert "127.0.0.1:1" in said


COMMANDS = [
    [], ["serve"], ["demo"], ["migrate"], ["import-judgments"], ["aggregate"], ["replay"],
    ["export"], ["keys"], ["keys", "create"], ["keys", "list"], ["keys", "revoke"], ["doctor"],
    ["schema"],
]  # fmt: skip
LOADED = """
import sys
from api.cli import main
try:
    main()
finally:
    slow = {"numpy", "numba", "scipy", "pyarrow", "asyncpg", "strawberry", "starlette"}
    assert not slow & set(sys.modules), slow & set(sys.modules)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_nothing_slow(command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOADED, *command, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert not command or "Example: basanite" in run.stdout
