"""The account of the operating system that PostgreSQL runs under: never root."""

import errno
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.errors import FolderOwnedByAnother, MayNotSwitchUser

# PostgreSQL sees none of our environment: PGDATA, PGOPTIONS or a locale would change what it does.
ENVIRONMENT: Mapping[str, str] = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}

# In order of preference, whom a server started by root runs as. Accounts are never created: that
# would change the machine for a program that was only installed to be tried.
SERVICE_USERS = ("basanite", "postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of the operating system that PostgreSQL runs as."""

    uid: int
    gid: int
    name: str

    @property
    def switch(self) -> bool:
        """Whether a process of ours has to give up being root to become this account."""
        return self.uid != os.geteuid()

    def may_enter(self, folder: Path) -> bool:
        """Whether the mode of this one folder lets the account pass through it."""
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & stat.S_IXUSR)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & stat.S_IXGRP)
        return bool(facts.st_mode & stat.S_IXOTH)

    def blocked_at(self, path: Path) -> Path | None:
        """The first folder on the way to `path`, itself included, that it may not enter."""
        resolved = path.resolve()
        way = [*reversed(resolved.parents), resolved]
        return next((folder for folder in way if not self.may_enter(folder)), None)

    def make_folder(self, folder: Path) -> None:
        """Make a folder that only this account may enter, or give it one that is there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW))

    def make_new_folder(self, folder: Path, *, holding: str) -> None:
        """Make a folder with one empty file in it, both of this account, in a single step.

        Nobody ever sees it half made or not yet handed over. Where another process makes it at the
        same time, one of the two folders stays. The file is what keeps them apart: an empty folder
        would be replaced.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))  # has mode 700
        try:
            os.close(self.open_file(aside / holding, os.O_RDWR))
            self.make_folder(aside)
            aside.rename(folder)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise

    def open_file(self, path: Path, flags: int) -> int:
        """Open or make a file of this account's; the descriptor is the caller's to close."""
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._give(os.dup(descriptor))
        return descriptor

    def _give(self, descriptor: int) -> None:
        # By descriptor, and never through a link: the owner of the folder could put a link where
        # root is about to give away a file.
        try:
            if self.switch:
                os.fchown(descriptor, self.uid, self.gid)
        finally:
            os.close(descriptor)

    def run(
        self,
        command: Sequence[str],
        *,
        output: int,
        keep: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this account, in a session of its own, with only the descriptors in
        `keep` and both outputs to `output`."""
        try:
            return subprocess.run(  # noqa: S603 - programs of the wheel, no shell text of others
                command,
                env={**ENVIRONMENT, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=keep,
                start_new_session=True,
                cwd="/",  # ours may be closed to the account
                umask=0o077,
                text=True,
                errors="replace",
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
                check=False,
            )
        except PermissionError as error:
            if self.switch:
                raise MayNotSwitchUser(user=self.name) from error
            raise


def account_of(uid: int) -> Account:
    """The account with this user id, also when the user database does not know it."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(uid, uid, f"user {uid}")
    return Account(uid, entry.pw_gid, entry.pw_name)


def server_account(cluster: Path) -> Account:
    """Who runs the server: the owner of the database folder if there is one; else whoever we are;
    else, for root, the first of SERVICE_USERS that exists."""
    me = account_of(os.geteuid())
    if cluster.exists():
        owner = account_of(cluster.stat().st_uid)
        if me.uid not in (0, owner.uid):
            raise FolderOwnedByAnother(folder=cluster, owner=owner.name, user=me.name)
        if owner.uid != 0:
            return owner
    if me.uid != 0:
        return me
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return account_of(next((known[name] for name in SERVICE_USERS if name in known), 65534))
