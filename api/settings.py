"""Everything the environment decides, read once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from api.limits import Limits

PREFIX = "BASANITE_"
CALLERS = ("BASANITE_URL", "BASANITE_KEY")  # for commands that call a server, not for a server

_LIMITS = Limits()


class SettingInvalid(ValueError):  # noqa: N818 - the name says what happened
    """A setting that cannot be used as it is; the message names it and says what it should be."""


def _data_dir() -> Path:
    # PostgreSQL does not run as root but as another user, who may not enter root's home.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return Path("/var/lib/basanite") if is_root else user_data_path("basanite", appauthor=False)


_DATA_DIR = _data_dir()


def _setting(
    default: Any, meaning: str, low: float | None = None, high: float | None = None
) -> Any:
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process. Each is an environment variable: `port` is BASANITE_PORT."""

    database_url: str = _setting(
        "", "Address of a PostgreSQL 15 or later; empty for one of our own in the data folder."
    )
    data_dir: Path = _setting(  # noqa: RUF009 - a field, as the others are
        _DATA_DIR, "Folder of the embedded PostgreSQL and of all data."
    )
    host: str = _setting("127.0.0.1", "Address to listen at; 0.0.0.0 for all networks.")
    port: int = _setting(8000, "Port to listen at.", 0, 65_535)
    log_level: str = _setting("info", "critical, error, warning, info or debug.")
    pool_size: int = _setting(8, "Database connections for reading.", 1, 1000)
    inbox_rows: int = _setting(
        _LIMITS.inbox_rows, "Rows that may wait for a project's writer; then callers wait.", 1, 1e9
    )
    inbox_seconds: float = _setting(
        _LIMITS.patience, "Seconds that a caller waits for a place before OVERLOADED.", 0.0, 3600.0
    )
    batch_rows: int = _setting(_LIMITS.batch_rows, "Most rows in one call.", 1, 1e7)
    body_bytes: int = _setting(32_000_000, "Longest request body, in bytes.", 1024, 1e10)
    subscriptions: int = _setting(
        100, "Most operations that may run on one WebSocket at a time.", 1, 1e6
    )

    @property
    def limits(self) -> Limits:
        """What they mean to a shard."""
        return Limits(
            batch_rows=self.batch_rows,
            inbox_rows=max(self.inbox_rows, self.batch_rows),
            patience=self.inbox_seconds,
        )


LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


def read(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from the environment; those `given` with a value other than None win.

    Raises SettingInvalid for a value of the wrong kind or range, and for a BASANITE_ variable that
    nothing reads: it is most likely misspelt.
    """
    environment = os.environ if environment is None else environment
    known = {PREFIX + setting.name.upper(): setting for setting in fields(Settings)}
    values: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name.startswith(PREFIX + "TEST_") or name in CALLERS:
            continue
        if name not in known:
            raise SettingInvalid(f"{name} is not a setting. There are: {', '.join(known)}.")
        setting = known[name]
        kind = type(setting.default)
        values[setting.name] = _parsed(name, text, kind)
    values |= {name: value for name, value in given.items() if value is not None}
    for setting in fields(Settings):
        if setting.name in values:
            _check(setting.name, values[setting.name], setting.metadata)
    return Settings(**values)


def _parsed(name: str, text: str, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(text.strip())
    except ValueError:
        raise SettingInvalid(f"{name} is {text!r}, which is not a number.") from None


def _check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    low, high = metadata["low"], metadata["high"]
    if low is not None and not low <= value <= high:
        raise SettingInvalid(
            f"{PREFIX}{name.upper()} is {value}, and must lie between {low:g} and {high:g}."
        )
    if name == "log_level" and value not in LOG_LEVELS:
        raise SettingInvalid(
            f"{PREFIX}LOG_LEVEL is {value!r}, and must be one of {', '.join(LOG_LEVELS)}."
        )
