"""The demo as a stranger runs it: it ends by itself, it ends when told, it leaves nothing."""

import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.own_server import temporary_folder
from tests.paths.commands import (
    Ran,
    basanite,
    children_of,
    exists,
    finish,
    gone,
    running,
    start,
    until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def free_folder() -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder


def folder_of(text: str) -> str:
    found = re.search(r"Data in (\S+),", text)
    assert found, text
    return found[1]


def accuracies(ran: Ran) -> tuple[float, float]:
    found = re.search(r"Consensus\s+([\d.]+) %.*Majority vote\s+([\d.]+) %", ran.text, re.DOTALL)
    assert found, ran.text
    return float(found[1]), float(found[2])


@pytest.mark.slow
async def test_twenty_seconds_show_that_consensus_beats_majority_vote(tmp_path: Path) -> None:
    ran = await basanite(tmp_path, "demo", "--seconds", "20")
    assert ran.status == 0, ran.text
    consensus, majority = accuracies(ran)
    assert consensus > majority + 1, ran.text
    assert "Refused" not in ran.text
    for kind in ("expert", "average", "sloppy", "biased", "clicks at random", "always the same"):
        assert re.search(rf"{kind}\s+\d+\s+[\d,]+\s+\d+ %\s+\d+ %", ran.text), ran.text
    folder = folder_of(ran.text)
    assert not running(folder)
    assert not exists(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        crowd = ("--workers", "30", "--tasks", "50", "--rate", "100", "--port", str(port))
        process = await start(tmp_path, "demo", *crowd)
        text = await until(process, r"consensus [\d.]+ %")
        assert f":{port}/graphql" not in text, "the port was taken"
        folder, children = folder_of(text), children_of(process.pid)
        assert children
        process.send_signal(number)
        ran = await finish(process, text)
    assert ran.status == 0, ran.text
    accuracies(ran)
    assert "Traceback" not in ran.text
    await gone(children, folder)
    assert not exists(folder)


async def test_a_signal_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    process = await start(tmp_path, "demo")
    text = await until(process, "Engine")
    folder, children = folder_of(text), children_of(process.pid)
    process.send_signal(signal.SIGINT)
    ran = await finish(process, text)
    assert ran.status == 130, ran.text
    assert "Traceback" not in ran.text
    await gone(children, folder)
    assert not exists(folder)


async def test_a_killed_demo_takes_server_and_database_with_it(tmp_path: Path) -> None:
    process = await start(tmp_path, "demo", "--workers", "20", "--rate", "50")
    text = await until(process, "judgments")
    folder, children = folder_of(text), children_of(process.pid)
    assert children
    assert running(folder), "PostgreSQL names its folder"
    process.kill()
    await process.wait()
    await gone(children, folder)
    shutil.rmtree(folder)


async def test_tasks_are_added_before_they_run_out_and_a_named_folder_is_kept(
    tmp_path: Path, free_folder: Path
) -> None:
    # Not under pytest's own folder: the account that PostgreSQL runs as under root may not enter.
    home = free_folder / "new"
    small = ("--workers", "20", "--tasks", "10", "--overlap", "2", "--rate", "100")
    process = await start(tmp_path, "demo", *small, "--data-dir", str(home))
    text = await until(process, r" \d{3,} judgments")
    process.send_signal(signal.SIGINT)
    ran = await finish(process, text)
    assert ran.status == 0, ran.text
    judged = re.search(r"([\d,]+) tasks were judged", ran.text)
    assert judged, ran.text
    assert int(judged[1].replace(",", "")) > 20
    again = await basanite(tmp_path, "demo", "--data-dir", str(home))
    assert again.status == 1
    assert "is not empty" in again.text
    exported = await basanite(
        tmp_path, "export", "--project", "demo", "--data-dir", str(home), "--out", str(tmp_path)
    )
    assert exported.status == 0, exported.text
    made = re.search(r"([\d,]+) judgments by", ran.text)
    assert made
    assert len((tmp_path / "judgments.csv").read_text().splitlines()) == 1 + int(
        made[1].replace(",", "")
    )
